//! One detector for all cameras, on a thread of its own.
//!
//! Each camera has at most one frame waiting. The frame that waits longest is served first, so a busy camera
//! cannot starve a quiet one; a newer frame of the same camera takes the older one's place in the line. What
//! finds no time is answered [`Answer::Busy`] and counted. A detector that is missing or fails is tried again
//! every [`RETRY`]; until then every frame is answered [`Answer::Missing`] at once, and recording and
//! motion-only rules go on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::{CameraId, Clock, DetectorHealth};
use tokio::sync::oneshot;

use super::{Answer, Detect, DetectError};
use crate::frame::{Frame, Picture};

/// A frame older than this when its turn comes is no longer worth the work.
const MAX_WAIT_MS: u64 = 2_000;
const RETRY: Duration = Duration::from_secs(30);

/// Makes the detector, at start and again after a failure.
pub type Loader = Box<dyn FnMut() -> Result<Box<dyn Detect>, DetectError> + Send>;

/// Counted since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectorStats {
    pub detected: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Time spent detecting.
    pub busy_ms: u64,
}

/// What became of one camera's frames.
#[derive(Debug, Default)]
struct ClientCounts {
    detected: AtomicU64,
    skipped: AtomicU64,
}

struct Job {
    camera_id: CameraId,
    picture: Arc<Picture>,
    since_ms: u64,
    counts: Arc<ClientCounts>,
    reply: oneshot::Sender<Answer>,
}

impl Job {
    fn skip(self) {
        self.counts.skipped.fetch_add(1, Ordering::Relaxed);
        // The camera may have gone; then nobody waits.
        let _ = self.reply.send(Answer::Busy);
    }
}

struct State {
    /// One per camera at most, longest waiting first.
    waiting: VecDeque<Job>,
    health: DetectorHealth,
    stats: DetectorStats,
    stopping: bool,
}

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running station. Dropping it stops the thread after the inference in progress.
pub struct DetectorStation {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl DetectorStation {
    /// Loads the detector (so that the first frame already finds it) and starts to serve.
    pub fn start(clock: Arc<dyn Clock>, mut loader: Loader) -> std::io::Result<Self> {
        let (detector, health) = load(&mut loader);
        let state =
            State { waiting: VecDeque::new(), health, stats: DetectorStats::default(), stopping: false };
        let shared = Arc::new(Shared { clock, state: Mutex::new(state), wake: Condvar::new() });
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("detector".to_owned())
            .spawn(move || serve(&serving, detector, &mut loader))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A camera's way to the detector.
    pub fn client(&self, camera_id: CameraId) -> DetectorClient {
        DetectorClient { shared: Arc::clone(&self.shared), camera_id, counts: Arc::default() }
    }

    pub fn health(&self) -> DetectorHealth {
        self.shared.lock().health.clone()
    }

    pub fn stats(&self) -> DetectorStats {
        self.shared.lock().stats
    }
}

impl Drop for DetectorStation {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What one camera holds.
#[derive(Clone)]
pub struct DetectorClient {
    shared: Arc<Shared>,
    camera_id: CameraId,
    counts: Arc<ClientCounts>,
}

impl DetectorClient {
    /// Shows a frame and waits for the answer. For threads; inside async code use [`Self::submit`].
    pub fn ask(&self, frame: &Frame) -> Answer {
        self.submit(Arc::clone(&frame.picture)).blocking_recv().unwrap_or(Answer::Missing)
    }

    /// Puts a picture in line. A closed channel means that the station stopped.
    pub fn submit(&self, picture: Arc<Picture>) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            camera_id: self.camera_id.clone(),
            picture,
            since_ms: self.shared.clock.uptime_ms(),
            counts: Arc::clone(&self.counts),
            reply,
        };
        let mut state = self.shared.lock();
        if state.stopping || matches!(state.health, DetectorHealth::MotionOnly { .. }) {
            let _ = job.reply.send(Answer::Missing);
            return answer;
        }
        match state.waiting.iter_mut().find(|waiting| waiting.camera_id == self.camera_id) {
            Some(place) => {
                std::mem::replace(place, job).skip();
                state.stats.skipped += 1;
            }
            None => state.waiting.push_back(job),
        }
        self.shared.wake.notify_all();
        answer
    }

    /// Frames of this camera that the detector looked at.
    pub fn detected(&self) -> u64 {
        self.counts.detected.load(Ordering::Relaxed)
    }

    /// Frames of this camera that found no time.
    pub fn skipped(&self) -> u64 {
        self.counts.skipped.load(Ordering::Relaxed)
    }
}

fn load(loader: &mut Loader) -> (Option<Box<dyn Detect>>, DetectorHealth) {
    match loader() {
        Ok(detector) => {
            tracing::info!(model = detector.name(), "detector ready");
            let name = detector.name().to_owned();
            (Some(detector), DetectorHealth::Model { name })
        }
        Err(error) => (None, missing(&error)),
    }
}

fn missing(error: &DetectError) -> DetectorHealth {
    let source = std::error::Error::source(error).map(|s| format!(": {s}")).unwrap_or_default();
    DetectorHealth::MotionOnly { reason: format!("{error}{source}") }
}

fn serve(shared: &Shared, mut detector: Option<Box<dyn Detect>>, loader: &mut Loader) {
    let mut told = None;
    loop {
        match &mut detector {
            Some(ready) => {
                let Some(job) = next_job(shared) else { return };
                if let Err(error) = detect(shared, ready.as_mut(), job) {
                    tracing::error!(%error, "detector failed; motion alone until it works again");
                    detector = None;
                }
            }
            None => {
                let health = shared.lock().health.clone();
                if told.as_ref() != Some(&health) {
                    tracing::warn!(?health, "no detector; motion alone raises intrusion");
                    told = Some(health);
                }
                if stopped_within(shared, RETRY) {
                    return;
                }
                let (loaded, health) = load(loader);
                detector = loaded;
                shared.lock().health = health;
            }
        }
    }
}

/// The longest waiting frame that is still worth it; `None` when the station stops.
fn next_job(shared: &Shared) -> Option<Job> {
    let mut state = shared.lock();
    loop {
        if state.stopping {
            return None;
        }
        let Some(job) = state.waiting.pop_front() else {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        if shared.clock.uptime_ms().saturating_sub(job.since_ms) <= MAX_WAIT_MS {
            return Some(job);
        }
        state.stats.skipped += 1;
        job.skip();
    }
}

fn detect(shared: &Shared, detector: &mut dyn Detect, job: Job) -> Result<(), DetectError> {
    let began_ms = shared.clock.uptime_ms();
    // A bug in there must not leave every camera waiting for an answer: it is a failure like any other.
    let looked = catch_unwind(AssertUnwindSafe(|| detector.detect(&job.picture)));
    let result = looked.unwrap_or_else(|_| {
        let (model, problem) = (detector.name().to_owned(), "it panicked; see the log".to_owned());
        Err(DetectError::Contract { model, problem })
    });
    let mut state = shared.lock();
    state.stats.busy_ms += shared.clock.uptime_ms().saturating_sub(began_ms);
    match result {
        Ok(detections) => {
            state.stats.detected += 1;
            job.counts.detected.fetch_add(1, Ordering::Relaxed);
            drop(state);
            let _ = job.reply.send(Answer::Found { by: detector.name().into(), detections });
            Ok(())
        }
        Err(error) => {
            state.stats.failed += 1;
            state.health = missing(&error);
            let abandoned: Vec<Job> = state.waiting.drain(..).collect();
            drop(state);
            for job in abandoned.into_iter().chain([job]) {
                let _ = job.reply.send(Answer::Missing);
            }
            Err(error)
        }
    }
}

fn stopped_within(shared: &Shared, time: Duration) -> bool {
    let waited = shared.wake.wait_timeout_while(shared.lock(), time, |state| !state.stopping);
    waited.unwrap_or_else(PoisonError::into_inner).0.stopping
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use protocol::{ManualClock, UtcMs};

    use super::*;
    use crate::frame::Detection;

    /// Notes the width of each picture it is shown, after being let go by a message; fails on width 8, panics on 6.
    struct Scripted {
        go: mpsc::Receiver<()>,
        shown: mpsc::Sender<usize>,
    }

    impl Detect for Scripted {
        fn name(&self) -> &'static str {
            "scripted 1"
        }

        fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
            let _ = self.shown.send(picture.width);
            let _ = self.go.recv();
            assert_ne!(picture.width, 6, "a bug in a detector");
            if picture.width == 8 {
                return Err(DetectError::Contract {
                    model: "scripted".to_owned(),
                    problem: "width 8".to_owned(),
                });
            }
            Ok(Vec::new())
        }
    }

    struct Bench {
        clock: Arc<ManualClock>,
        station: DetectorStation,
        go: mpsc::Sender<()>,
        shown: mpsc::Receiver<usize>,
    }

    fn bench() -> Bench {
        let clock = Arc::new(ManualClock::at(UtcMs(0)));
        let ((go, gone), (show, shown)) = (mpsc::channel(), mpsc::channel());
        let mut once = Some(Scripted { go: gone, shown: show });
        let loader: Loader = Box::new(move || match once.take() {
            Some(scripted) => Ok(Box::new(scripted)),
            None => Err(DetectError::Off),
        });
        let station = DetectorStation::start(Arc::clone(&clock) as Arc<dyn Clock>, loader).unwrap();
        Bench { clock, station, go, shown }
    }

    fn picture(width: usize) -> Arc<Picture> {
        let (y, uv) = (vec![0; width * 2], vec![0; width / 2]);
        Arc::new(Picture { width, height: 2, y, u: uv.clone(), v: uv })
    }

    /// While one frame is looked at, each camera waits with its newest frame, served in the order of waiting.
    #[test]
    fn cameras_are_served_in_turn_with_their_newest_frame() {
        let bench = bench();
        let [a, b] = ["a", "b"].map(|id| bench.station.client(id.parse().unwrap()));
        let first = a.submit(picture(10));
        assert_eq!(bench.shown.recv().unwrap(), 10);
        let old = a.submit(picture(12));
        let other = b.submit(picture(20));
        let newer = a.submit(picture(14));
        assert_eq!(old.blocking_recv(), Ok(Answer::Busy));
        (0..3).for_each(|_| bench.go.send(()).unwrap());
        for answer in [first, other, newer] {
            let found = Answer::Found { by: "scripted 1".into(), detections: Vec::new() };
            assert_eq!(answer.blocking_recv(), Ok(found));
        }
        assert_eq!(bench.shown.iter().take(2).collect::<Vec<_>>(), [14, 20]);
        assert_eq!((a.skipped(), b.skipped()), (1, 0));
        assert_eq!((a.detected(), b.detected()), (2, 1));
        let stats = bench.station.stats();
        assert_eq!((stats.detected, stats.skipped, stats.failed), (3, 1, 0));
    }

    /// A frame whose turn comes too late is skipped and counted.
    #[test]
    fn stale_frames_are_skipped() {
        let bench = bench();
        let [a, b] = ["a", "b"].map(|id| bench.station.client(id.parse().unwrap()));
        let _first = a.submit(picture(10));
        assert_eq!(bench.shown.recv().unwrap(), 10);
        let late = b.submit(picture(20));
        bench.clock.advance_ms(MAX_WAIT_MS as i64 + 1);
        bench.go.send(()).unwrap();
        assert_eq!(late.blocking_recv(), Ok(Answer::Busy));
        assert_eq!(b.skipped(), 1);
    }

    /// A detector that panics is one that fails: whoever waits is answered, and the station lives on.
    #[test]
    fn a_panic_is_a_failure() {
        let bench = bench();
        let [a, b] = ["a", "b"].map(|id| bench.station.client(id.parse().unwrap()));
        let bad = a.submit(picture(6));
        assert_eq!(bench.shown.recv().unwrap(), 6);
        let waiting = b.submit(picture(20));
        bench.go.send(()).unwrap();
        assert_eq!(
            (bad.blocking_recv(), waiting.blocking_recv()),
            (Ok(Answer::Missing), Ok(Answer::Missing))
        );
        assert!(matches!(bench.station.health(), DetectorHealth::MotionOnly { .. }));
        assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
        assert_eq!(bench.station.stats().failed, 1);
    }

    /// A failing detector answers everybody who waits, says why in its health, and later frames at once.
    #[test]
    fn failure_turns_to_motion_only() {
        let bench = bench();
        let [a, b] = ["a", "b"].map(|id| bench.station.client(id.parse().unwrap()));
        assert_eq!(bench.station.health(), DetectorHealth::Model { name: "scripted 1".to_owned() });
        let bad = a.submit(picture(8));
        assert_eq!(bench.shown.recv().unwrap(), 8);
        let waiting = b.submit(picture(20));
        bench.go.send(()).unwrap();
        assert_eq!(bad.blocking_recv(), Ok(Answer::Missing));
        assert_eq!(waiting.blocking_recv(), Ok(Answer::Missing));
        let DetectorHealth::MotionOnly { reason } = bench.station.health() else { panic!("still trusted") };
        assert!(reason.contains("width 8"), "{reason}");
        assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
        assert_eq!(bench.station.stats().failed, 1);
    }
}
