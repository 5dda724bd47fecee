//! One model with the pictures that wait for it, on a thread of its own.
//!
//! Each camera has at most one frame waiting; a newer one takes the place of the older. Each has a period, and the frame
//! whose camera is most overdue is served first. A camera that was served late is due again when it would have been
//! anyway, but not before it was served: one of a single frame a second gets what it wants, one of ten what is left,
//! and when there is too little for all, all get the same. What finds no time is counted.
//!
//! A newer model takes over between two looks ([`Lane::succeed`]): nobody waits for it to be loaded and tried.
//!
//! A detector that is missing, fails, panics or hangs is tried again every [`RETRY`]; until then every frame is
//! answered at once.

mod serve;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::{CameraId, Clock, Label};

use super::look::{Loader, Look};
use super::{Detect, DetectError, DetectorStats};
use crate::frame::{Detection, Picture};

/// A frame older than this when its turn comes is no longer worth the work.
pub(super) const MAX_WAIT_MS: u64 = 2_000;
/// An inference that takes longer hangs. With the station's watch and the second in which health looks, it is told of
/// within three.
pub(super) const HANGS_MS: u64 = 1_500;
pub(super) const RETRY: Duration = Duration::from_secs(30);
/// Threads that stand in a hung inference at the same time, at most: each holds a model.
const LEFT_BEHIND: u32 = 3;
/// The first load is waited for so long, that the first frame finds a detector. A graphics card may compile for
/// minutes: then the box runs, and says that it is not loaded yet.
const LOADS: Duration = Duration::from_secs(10);

/// What became of one frame in one lane.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part<S = Vec<Detection>> {
    Found { by: Arc<str>, said: S },
    Busy,
    Missing,
}

/// What one camera has had of one lane.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Uptime of the last look, plus one; 0 when there was none.
    at_ms: AtomicU64,
    /// When that look was due.
    due_ms: AtomicU64,
}

impl Served {
    pub(super) fn at_ms(&self) -> Option<u64> {
        self.at_ms.load(Ordering::Relaxed).checked_sub(1)
    }

    /// When a camera with this period is due next; the first time at once.
    pub(super) fn next_ms(&self, period_ms: u64) -> u64 {
        self.at_ms().map_or(0, |at_ms| at_ms.max(self.due_ms.load(Ordering::Relaxed) + period_ms))
    }

    fn done(&self, at_ms: u64, due_ms: u64) {
        self.at_ms.store(at_ms + 1, Ordering::Relaxed);
        self.due_ms.store(due_ms, Ordering::Relaxed);
    }
}

/// One frame that waits.
pub(super) struct Job<S = Vec<Detection>> {
    pub(super) camera_id: CameraId,
    pub(super) picture: Arc<Picture>,
    pub(super) since_ms: u64,
    /// When its camera should have been served.
    pub(super) due_ms: u64,
    pub(super) served: Arc<Served>,
    pub(super) reply: Box<dyn FnOnce(Part<S>) + Send>,
}

/// Whether the detector works.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Works { name: Arc<str>, labels: Vec<Label>, stand_in: bool, note: Option<String> },
    Fails { reason: String },
}

/// Frames that are being looked at.
struct Flight<S> {
    since_ms: u64,
    jobs: Vec<Job<S>>,
}

struct State<L: Look> {
    waiting: Vec<Job<L::Says>>,
    flight: Option<Flight<L::Says>>,
    condition: Condition,
    /// Loaded and tried, to take over before the next look.
    successor: Option<L>,
    stats: DetectorStats,
    /// Since when the thread hangs.
    hangs_ms: Option<u64>,
    /// Counts threads: one that returns from a hung inference and is not the newest ends.
    generation: u32,
    /// Those that have not returned yet.
    left_behind: u32,
    /// Whether the first load has come to an end, good or bad.
    tried: bool,
    stopping: bool,
}

struct Shared<L: Look> {
    clock: Arc<dyn Clock>,
    loader: Mutex<Loader<L>>,
    state: Mutex<State<L>>,
    wake: Condvar,
    /// A successor is being loaded.
    succeeding: AtomicBool,
}

/// The running lane.
pub(super) struct Lane<L: Look = Box<dyn Detect>> {
    shared: Arc<Shared<L>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<L: Look> Shared<L> {
    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> (Option<L>, Condition) {
        let mut loader = self.loader.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = catch_unwind(AssertUnwindSafe(&mut *loader));
        match loaded {
            Ok(Ok(detector)) => {
                tracing::info!(model = detector.name(), "ready");
                let condition = works(&detector);
                (Some(detector), condition)
            }
            Ok(Err(error)) => (None, fails(&error)),
            Err(_) => (None, Condition::Fails { reason: "loading it panicked; see the log".to_owned() }),
        }
    }
}

fn works(detector: &impl Look) -> Condition {
    let (labels, note) = (detector.labels().to_vec(), detector.note().map(str::to_owned));
    Condition::Works { name: detector.name().into(), labels, stand_in: detector.stands_in(), note }
}

fn fails(error: &DetectError) -> Condition {
    let source = std::error::Error::source(error).map(|s| format!(": {s}")).unwrap_or_default();
    Condition::Fails { reason: format!("{error}{source}") }
}

impl<L: Look> Lane<L> {
    /// Starts to serve; the detector is loaded on the lane's own thread.
    pub(super) fn start(clock: Arc<dyn Clock>, loader: Loader<L>) -> std::io::Result<Self> {
        let state = State {
            waiting: Vec::new(),
            flight: None,
            condition: Condition::Fails { reason: "not loaded yet".to_owned() },
            successor: None,
            stats: DetectorStats::default(),
            hangs_ms: None,
            generation: 0,
            left_behind: 0,
            tried: false,
            stopping: false,
        };
        let shared = Arc::new(Shared {
            clock,
            loader: Mutex::new(loader),
            state: Mutex::new(state),
            wake: Condvar::new(),
            succeeding: AtomicBool::new(false),
        });
        let lane = Self { shared, threads: Mutex::default() };
        lane.spawn(0)?;
        Ok(lane)
    }

    /// Blocks until the first load has ended, at most for [`LOADS`].
    pub(super) fn await_loaded(&self) {
        let waited =
            self.shared.wake.wait_timeout_while(self.shared.lock(), LOADS, |s| !s.tried && !s.stopping);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn spawn(&self, generation: u32) -> std::io::Result<()> {
        let serving = Arc::clone(&self.shared);
        self.start_thread("detector", move || serve::serve(&serving, generation))
    }

    fn start_thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// Loads the model anew beside the one at work, and puts it in its place if that goes well. Does not wait for it.
    /// While one loads no other begins: whoever asks again later is heard then.
    pub(super) fn succeed(&self) -> std::io::Result<()> {
        if self.shared.succeeding.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let started = self.start_thread("detector-load", move || {
            serve::succeed(&shared);
            shared.succeeding.store(false, Ordering::Release);
        });
        if started.is_err() {
            self.shared.succeeding.store(false, Ordering::Release);
        }
        started
    }

    pub(super) fn condition(&self) -> Condition {
        self.shared.lock().condition.clone()
    }

    pub(super) fn stats(&self) -> DetectorStats {
        self.shared.lock().stats
    }

    /// Puts a frame in line. Its answer comes at once where nothing looks.
    pub(super) fn submit(&self, job: Job<L::Says>) {
        let mut state = self.shared.lock();
        if state.stopping || matches!(state.condition, Condition::Fails { .. }) {
            drop(state);
            return (job.reply)(Part::Missing);
        }
        let older = match state.waiting.iter_mut().find(|waiting| waiting.camera_id == job.camera_id) {
            Some(place) => {
                let older = std::mem::replace(place, job);
                state.stats.skipped += 1;
                Some(older)
            }
            None => {
                state.waiting.push(job);
                None
            }
        };
        drop(state);
        self.shared.wake.notify_all();
        if let Some(older) = older {
            (older.reply)(Part::Busy);
        }
    }

    /// Called now and then: finds out that an inference hangs, lets everybody who waits for it go, and after
    /// [`RETRY`] puts another thread with a newly loaded detector in its place.
    pub(super) fn watch(&self) {
        let now_ms = self.shared.clock.uptime_ms();
        let mut state = self.shared.lock();
        if let Some(since_ms) = state.hangs_ms {
            let again = now_ms.saturating_sub(since_ms) >= RETRY.as_millis() as u64;
            if again && state.left_behind < LEFT_BEHIND && !state.stopping {
                state.generation += 1;
                state.left_behind += 1;
                state.hangs_ms = None;
                let generation = state.generation;
                drop(state);
                if let Err(error) = self.spawn(generation) {
                    tracing::error!(%error, "no thread for the detector");
                }
            }
            return;
        }
        let hangs = state.flight.as_ref().is_some_and(|f| now_ms.saturating_sub(f.since_ms) > HANGS_MS);
        if hangs && let Some(flight) = state.flight.take() {
            let Condition::Works { name, .. } = &state.condition else { return };
            let error = DetectError::Hangs { model: name.to_string(), ms: HANGS_MS };
            tracing::error!(%error, "the detector hangs; it is left out until it answers");
            state.condition = fails(&error);
            state.hangs_ms = Some(now_ms);
            state.stats.failed += 1;
            let abandoned: Vec<Job<L::Says>> =
                flight.jobs.into_iter().chain(state.waiting.drain(..)).collect();
            drop(state);
            abandoned.into_iter().for_each(|job| (job.reply)(Part::Missing));
        }
    }
}

impl<L: Look> Lane<L> {
    /// Waits for the inference in progress, unless it hangs, or the first load, which may.
    pub(super) fn stop(&self) {
        let (hangs, waiting) = {
            let mut state = self.shared.lock();
            state.stopping = true;
            let held = state.hangs_ms.is_some() || state.left_behind > 0 || !state.tried;
            (held, std::mem::take(&mut state.waiting))
        };
        waiting.into_iter().for_each(|job| (job.reply)(Part::Missing));
        self.shared.wake.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if !hangs {
            threads.into_iter().for_each(|thread| drop(thread.join()));
        }
    }
}

#[cfg(test)]
mod tests;
