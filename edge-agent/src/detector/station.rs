//! The detectors of a box, shared by all cameras: a lane each ([`super::lane`]), so that one that fails, hangs or is
//! slow leaves the others at work. A camera shows a frame once; the station shows it to each detector whose turn it
//! is and joins what they say ([`joint`]).

mod joint;
mod models;
mod timing;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::{CameraId, Clock, DetectorHealth, Label};
use tokio::sync::oneshot;

use self::joint::{Joint, Late, Role};
pub use self::models::ModelState;
use self::timing::Timing;
use super::follow::{EditionOf, Follow};
use super::lane::{Condition, Job, Lane, Served};
use super::look::Loader;
use super::pose::{PoseHealth, PosePost, PoseToLoad, Stance};
use super::{Answer, AtWork};
use crate::frame::{Frame, Picture};
use crate::pace::Pace;

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
    /// As it was asked for; nothing: what is loaded tells.
    called: Option<String>,
    loader: Loader,
    names: Option<Vec<Label>>,
    every_ms: u64,
    follow: Option<Follow>,
}

impl Post {
    /// It looks at every frame; what it names is known when it is loaded.
    pub fn new(loader: Loader) -> Self {
        Self { called: None, loader, names: None, every_ms: 0, follow: None }
    }

    /// How the configuration names it.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.called = Some(name.to_owned());
        self
    }

    /// What it is known to name although it may never be loaded. One of fire and smoke alone is not waited for, and
    /// motion does not stand in for it.
    #[must_use]
    pub fn naming(mut self, labels: Vec<Label>) -> Self {
        self.names = Some(labels);
        self
    }

    /// Where other files are put in place of these, the new ones take over without a restart.
    #[must_use]
    pub(super) fn following(mut self, edition: EditionOf) -> Self {
        let (follow, loader) = Follow::new(edition, self.loader);
        (self.follow, self.loader) = (Some(follow), loader);
        self
    }

    /// It looks at a camera no more often than this.
    #[must_use]
    pub fn every(mut self, every_ms: u64) -> Self {
        self.every_ms = every_ms;
        self
    }
}

struct Standing {
    called: Option<String>,
    lane: Lane,
    /// What it named when it was there last, or is known to name.
    names: Mutex<Option<Vec<Label>>>,
    every_ms: u64,
    follow: Option<Follow>,
}

impl Standing {
    /// Called now and then.
    fn watch(&self, now_ms: u64) {
        self.lane.watch();
        if self.follow.as_ref().is_some_and(|follow| follow.changed(now_ms))
            && let Err(error) = self.lane.succeed()
        {
            tracing::error!(%error, "no thread to load a newer model");
        }
    }

    fn role(&self) -> Role {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let condition = self.lane.condition();
        let works = matches!(condition, Condition::Works { .. });
        if let Condition::Works { labels, .. } = condition {
            *known = Some(labels);
        }
        Role { works, labels: known.clone() }
    }
}

struct Shared {
    clock: Arc<dyn Clock>,
    posts: Vec<Standing>,
    pose: PosePost,
    pace: Pace,
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
        pose: Option<PoseToLoad>,
    ) -> std::io::Result<Self> {
        let start = |post: Post| -> std::io::Result<Standing> {
            let Post { called, loader, names, every_ms, follow } = post;
            let lane = Lane::start(Arc::clone(&clock), loader)?;
            Ok(Standing { called, lane, names: Mutex::new(names), every_ms, follow })
        };
        let posts = posts.into_iter().map(start).collect::<std::io::Result<Vec<_>>>()?;
        // They load beside one another.
        posts.iter().for_each(|post| post.lane.await_loaded());
        let (stopping, stop) = (Mutex::new(false), Condvar::new());
        let pose = PosePost::new(pose);
        let pace = Pace::default();
        let shared = Arc::new(Shared { clock: Arc::clone(&clock), posts, pose, pace, stopping, stop });
        let watched = Arc::clone(&shared);
        let watch =
            std::thread::Builder::new().name("detector-watch".to_owned()).spawn(move || watch(&watched))?;
        Ok(Self { shared, watch: Some(watch) })
    }

    /// A camera's way to the detectors.
    pub fn client(&self, camera_id: CameraId) -> DetectorClient {
        let counts = Arc::new(ClientCounts::of(self.shared.posts.len()));
        DetectorClient { shared: Arc::clone(&self.shared), camera_id, period_ms: PERIOD_MS, counts }
    }

    /// At which share of their rate cameras are to be looked at; it follows what the detectors have time for.
    pub fn pace(&self) -> Pace {
        self.shared.pace.clone()
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
        let share = self.shared.pace.share();
        if share < 1.0 {
            let words = "there is not time for all: each camera is looked at at";
            troubles.push(format!("{words} {:.0} % of the rate it asks for", share * 100.0));
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

    /// The detectors that work now, and what each names.
    pub fn at_work(&self) -> Vec<AtWork> {
        let works = |post: &Standing| match post.lane.condition() {
            Condition::Works { name, labels, .. } => Some(AtWork { name, labels }),
            Condition::Fails { .. } => None,
        };
        self.shared.posts.iter().filter_map(works).collect()
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
    let mut timing = Timing::new(shared);
    let mut stopping = shared.stopping.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stopping {
        drop(stopping);
        timing.watch(shared);
        let now_ms = shared.clock.uptime_ms();
        shared.posts.iter().for_each(|post| post.watch(now_ms));
        shared.pose.watch(now_ms);
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
    /// By post, as the next two are.
    served: Vec<Arc<Served>>,
    /// A frame is with it that it has not answered yet.
    outstanding: Vec<AtomicBool>,
    late: Mutex<Vec<Option<Late>>>,
}

impl ClientCounts {
    fn of(posts: usize) -> Self {
        Self {
            served: (0..posts).map(|_| Arc::default()).collect(),
            outstanding: (0..posts).map(|_| AtomicBool::default()).collect(),
            late: Mutex::new((0..posts).map(|_| None).collect()),
            ..Self::default()
        }
    }
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
        let roles: Vec<Role> = self.shared.posts.iter().map(Standing::role).collect();
        let due = |at: &usize| {
            let since = self.counts.served[*at].at_ms().map(|at_ms| now_ms.saturating_sub(at_ms));
            let looks = roles[*at].aside() && self.counts.outstanding[*at].load(Ordering::Relaxed);
            !looks && since.is_none_or(|since_ms| since_ms >= self.shared.posts[*at].every_ms)
        };
        let asked: Vec<usize> = (0..roles.len()).filter(due).collect();
        let mut joint = Joint {
            parts: roles.iter().map(|_| None).collect(),
            roles,
            asked: asked.clone(),
            since_ms: now_ms,
            reply: Some(reply),
            counts: Arc::clone(&self.counts),
        };
        if asked.is_empty() {
            joint.answer_when_complete();
            return answer;
        }
        let period_ms = (self.period_ms as f32 / self.shared.pace.share()) as u64;
        let joint = Arc::new(Mutex::new(joint));
        for at in asked {
            let (joint, served) = (Arc::clone(&joint), &self.counts.served[at]);
            self.counts.outstanding[at].store(true, Ordering::Relaxed);
            self.shared.posts[at].lane.submit(Job {
                camera_id: self.camera_id.clone(),
                picture: Arc::clone(&picture),
                since_ms: now_ms,
                due_ms: served.next_ms(period_ms),
                served: Arc::clone(served),
                reply: Box::new(move |part| {
                    joint.lock().unwrap_or_else(PoisonError::into_inner).take(at, part);
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

#[cfg(test)]
mod tests;
