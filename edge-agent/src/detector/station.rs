//! The detectors of a box, shared by all cameras: a lane each ([`super::lane`]), so that one that fails, hangs or is
//! slow leaves the others at work. A camera shows a frame once; the station shows it to each detector whose turn it
//! is and joins what they say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::{CameraId, Clock, DetectorHealth, Label};
use tokio::sync::oneshot;

use super::Answer;
use super::lane::{Condition, Job, Lane, Part, Served};
use super::look::Loader;
use super::pose::{FindPose, PoseHealth, PosePost, Stance};
use crate::frame::{Frame, Picture};

/// How often hung inferences are looked for.
const WATCH: Duration = Duration::from_millis(250);
/// A camera that does not say how often it wants to be looked at.
const PERIOD_MS: u64 = 200;

/// Counted since start, over all detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectorStats {
    pub detected: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Time spent detecting.
    pub busy_ms: u64,
}

/// A detector to be loaded, and how it is to be asked.
pub struct Post {
    loader: Loader,
    aside: bool,
    every_ms: u64,
}

impl Post {
    /// It looks at every frame, and names what moves.
    pub fn new(loader: Loader) -> Self {
        Self { loader, aside: false, every_ms: 0 }
    }

    /// It names fire and smoke alone: it looks at a camera no more often than this, a frame that it has no time for
    /// is not given up, and motion does not stand in for it.
    #[must_use]
    pub fn aside(mut self, every_ms: u64) -> Self {
        (self.aside, self.every_ms) = (true, every_ms);
        self
    }
}

struct Standing {
    lane: Lane,
    aside: bool,
    every_ms: u64,
}

struct Shared {
    clock: Arc<dyn Clock>,
    posts: Vec<Standing>,
    pose: PosePost,
    stopping: Mutex<bool>,
    stop: Condvar,
}

/// The running station. Dropping it stops the threads after the inferences in progress.
pub struct DetectorStation {
    shared: Arc<Shared>,
    watch: Option<JoinHandle<()>>,
}

impl DetectorStation {
    /// One detector, looked at each frame with.
    pub fn start(clock: Arc<dyn Clock>, loader: Loader) -> std::io::Result<Self> {
        Self::start_all(clock, vec![Post::new(loader)])
    }

    /// Loads the detectors (so that the first frame already finds them) and starts to serve.
    pub fn start_all(clock: Arc<dyn Clock>, posts: Vec<Post>) -> std::io::Result<Self> {
        Self::start_with(clock, posts, None)
    }

    /// With a pose model, that [`Self::want_pose`] loads.
    pub fn start_with(
        clock: Arc<dyn Clock>,
        posts: Vec<Post>,
        pose: Option<Loader<Box<dyn FindPose>>>,
    ) -> std::io::Result<Self> {
        let start = |post: Post| -> std::io::Result<Standing> {
            let Post { loader, aside, every_ms } = post;
            Ok(Standing { lane: Lane::start(Arc::clone(&clock), loader)?, aside, every_ms })
        };
        let posts = posts.into_iter().map(start).collect::<std::io::Result<Vec<_>>>()?;
        let (stopping, stop) = (Mutex::new(false), Condvar::new());
        let pose = PosePost::new(pose);
        let shared = Arc::new(Shared { clock: Arc::clone(&clock), posts, pose, stopping, stop });
        let watched = Arc::clone(&shared);
        let watch =
            std::thread::Builder::new().name("detector-watch".to_owned()).spawn(move || watch(&watched))?;
        Ok(Self { shared, watch: Some(watch) })
    }

    /// A camera's way to the detectors.
    pub fn client(&self, camera_id: CameraId) -> DetectorClient {
        let served = self.shared.posts.iter().map(|_| Arc::default()).collect();
        let counts = Arc::new(ClientCounts { served, ..ClientCounts::default() });
        DetectorClient { shared: Arc::clone(&self.shared), camera_id, period_ms: PERIOD_MS, counts }
    }

    /// A rule wants the pose model: loads it the first time.
    pub fn want_pose(&self) -> std::io::Result<()> {
        self.shared.pose.want(&self.shared.clock)
    }

    pub fn pose(&self) -> PoseHealth {
        self.shared.pose.health()
    }

    pub fn health(&self) -> DetectorHealth {
        let (mut names, mut troubles) = (Vec::new(), Vec::new());
        for post in &self.shared.posts {
            match post.lane.condition() {
                Condition::Works { name, note, .. } => {
                    troubles.extend(note.map(|note| format!("{name} {note}")));
                    names.push(name.to_string());
                }
                Condition::Fails { reason } => troubles.push(reason),
            }
        }
        if names.is_empty() {
            DetectorHealth::MotionOnly { reason: troubles.join("; ") }
        } else {
            DetectorHealth::Model { name: names.join(" + "), troubles }
        }
    }

    /// Why detectors do not work, one line each.
    pub fn failing(&self) -> Vec<String> {
        let reason = |post: &Standing| match post.lane.condition() {
            Condition::Fails { reason } => Some(reason),
            Condition::Works { .. } => None,
        };
        self.shared.posts.iter().filter_map(reason).collect()
    }

    /// What the detectors that work now can name.
    pub fn naming(&self) -> Vec<Label> {
        let labels = |post: &Standing| match post.lane.condition() {
            Condition::Works { labels, .. } => labels,
            Condition::Fails { .. } => Vec::new(),
        };
        let mut all: Vec<Label> = self.shared.posts.iter().flat_map(labels).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub fn stats(&self) -> DetectorStats {
        self.shared.posts.iter().map(|post| post.lane.stats()).fold(DetectorStats::default(), |a, b| {
            DetectorStats {
                detected: a.detected + b.detected,
                skipped: a.skipped + b.skipped,
                failed: a.failed + b.failed,
                busy_ms: a.busy_ms + b.busy_ms,
            }
        })
    }
}

impl Drop for DetectorStation {
    fn drop(&mut self) {
        *self.shared.stopping.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.stop.notify_all();
        if let Some(watch) = self.watch.take() {
            let _ = watch.join();
        }
        self.shared.posts.iter().for_each(|post| post.lane.stop());
        self.shared.pose.stop();
    }
}

fn watch(shared: &Shared) {
    let mut stopping = shared.stopping.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stopping {
        drop(stopping);
        shared.posts.iter().for_each(|post| post.lane.watch());
        shared.pose.watch();
        stopping = shared.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        if !*stopping {
            stopping = shared.stop.wait_timeout(stopping, WATCH).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What became of one camera's frames.
#[derive(Debug, Default)]
struct ClientCounts {
    detected: AtomicU64,
    skipped: AtomicU64,
    /// By post.
    served: Vec<Arc<Served>>,
}

/// What one camera holds.
#[derive(Clone)]
pub struct DetectorClient {
    shared: Arc<Shared>,
    camera_id: CameraId,
    period_ms: u64,
    counts: Arc<ClientCounts>,
}

impl DetectorClient {
    /// How many frames a second this camera wants to be looked at.
    #[must_use]
    pub fn at_fps(mut self, fps: f32) -> Self {
        self.period_ms = (1_000.0 / fps.clamp(0.01, 1_000.0)) as u64;
        self
    }

    /// Shows a frame and waits for the answer. For threads; inside async code use [`Self::submit`].
    pub fn ask(&self, frame: &Frame) -> Answer {
        self.submit(Arc::clone(&frame.picture)).blocking_recv().unwrap_or(Answer::Missing)
    }

    /// Puts a picture in line of each detector whose turn it is. A closed channel means that the station stopped.
    pub fn submit(&self, picture: Arc<Picture>) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        let now_ms = self.shared.clock.uptime_ms();
        let due = |at: &usize| {
            let since = self.counts.served[*at].at_ms().map(|at_ms| now_ms.saturating_sub(at_ms));
            since.is_none_or(|since_ms| since_ms >= self.shared.posts[*at].every_ms)
        };
        let asked: Vec<usize> = (0..self.shared.posts.len()).filter(due).collect();
        let joint = Joint {
            parts: asked.iter().map(|_| None).collect(),
            aside: asked.iter().map(|at| self.shared.posts[*at].aside).collect(),
            reply: Some(reply),
            counts: Arc::clone(&self.counts),
        };
        if asked.is_empty() {
            joint.tell();
            return answer;
        }
        let joint = Arc::new(Mutex::new(joint));
        for (place, at) in asked.into_iter().enumerate() {
            let (joint, served) = (Arc::clone(&joint), &self.counts.served[at]);
            self.shared.posts[at].lane.submit(Job {
                camera_id: self.camera_id.clone(),
                picture: Arc::clone(&picture),
                since_ms: now_ms,
                due_ms: served.next_ms(self.period_ms),
                served: Arc::clone(served),
                reply: Box::new(move |part| {
                    joint.lock().unwrap_or_else(PoisonError::into_inner).take(place, part);
                }),
            });
        }
        answer
    }

    /// Shows a person to the pose model and waits; `None` when there is none, or it has no time.
    pub fn pose(&self, picture: Picture) -> Option<Stance> {
        self.shared.pose.ask(&self.shared.clock, &self.camera_id, picture)
    }

    /// Frames of this camera that a detector looked at.
    pub fn detected(&self) -> u64 {
        self.counts.detected.load(Ordering::Relaxed)
    }

    /// Frames of this camera that found no time.
    pub fn skipped(&self) -> u64 {
        self.counts.skipped.load(Ordering::Relaxed)
    }
}

/// One frame that several detectors look at.
struct Joint {
    parts: Vec<Option<Part>>,
    aside: Vec<bool>,
    reply: Option<oneshot::Sender<Answer>>,
    counts: Arc<ClientCounts>,
}

impl Joint {
    fn take(&mut self, place: usize, part: Part) {
        self.parts[place] = Some(part);
        if self.parts.iter().all(Option::is_some) {
            self.answer();
        }
    }

    fn tell(mut self) {
        self.answer();
    }

    fn answer(&mut self) {
        let parts = self.parts.iter().flatten().zip(&self.aside);
        let answer = join(parts.map(|(part, aside)| (part, *aside)));
        match answer {
            Answer::Found { .. } | Answer::Partly { .. } => {
                self.counts.detected.fetch_add(1, Ordering::Relaxed)
            }
            Answer::Busy => self.counts.skipped.fetch_add(1, Ordering::Relaxed),
            Answer::Missing => 0,
        };
        if let Some(reply) = self.reply.take() {
            // The camera may have gone; then nobody waits.
            let _ = reply.send(answer);
        }
    }
}

/// What several detectors say together. Those aside are nobody's reason to give up a frame.
fn join<'p>(parts: impl Iterator<Item = (&'p Part, bool)>) -> Answer {
    let (mut names, mut found): (Vec<&str>, Vec<_>) = (Vec::new(), Vec::new());
    let (mut busy, mut missing, mut there) = (false, false, false);
    for (part, aside) in parts {
        there |= !aside;
        match part {
            Part::Found { by, said } => {
                names.push(by);
                found.extend_from_slice(said);
            }
            Part::Busy => busy |= !aside,
            Part::Missing => missing |= !aside,
        }
    }
    match (busy, missing || !there, names.join(" + ").into()) {
        (true, ..) => Answer::Busy,
        (false, true, _) if names.is_empty() => Answer::Missing,
        (false, true, by) => Answer::Partly { by, detections: found },
        (false, false, by) => Answer::Found { by, detections: found },
    }
}

#[cfg(test)]
mod tests;
