//! One model with the pictures that wait for it, on a thread of its own.
//!
//! Each camera has at most one frame waiting; a newer one takes the place of the older. Each has a period, and the frame
//! whose camera is most overdue is served first. A camera that was served late is due again when it would have been
//! anyway, but not before it was served: one of a single frame a second gets what it wants, one of ten what is left,
//! and when there is too little for all, all get the same. What finds no time is counted.
//!
//! A detector that is missing, fails, panics or hangs is tried again every [`RETRY`]; until then every frame is
//! answered at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
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
    Works { name: Arc<str>, labels: Vec<Label>, note: Option<String> },
    Fails { reason: String },
}

/// Frames that are being looked at.
struct Flight<S> {
    since_ms: u64,
    jobs: Vec<Job<S>>,
}

struct State<S> {
    waiting: Vec<Job<S>>,
    flight: Option<Flight<S>>,
    condition: Condition,
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
    state: Mutex<State<L::Says>>,
    wake: Condvar,
}

/// The running lane.
pub(super) struct Lane<L: Look = Box<dyn Detect>> {
    shared: Arc<Shared<L>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<L: Look> Shared<L> {
    fn lock(&self) -> MutexGuard<'_, State<L::Says>> {
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
    Condition::Works { name: detector.name().into(), labels, note }
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
        let thread = std::thread::Builder::new()
            .name("detector".to_owned())
            .spawn(move || serve(&serving, generation))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
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

fn serve<L: Look>(shared: &Shared<L>, generation: u32) {
    let mut detector: Option<L> = None;
    let mut told = None;
    // A new thread has not tried yet.
    let mut waited = true;
    loop {
        if let Some(ready) = &mut detector {
            let Some(pictures) = take_off(shared, ready.batch(), generation) else { return };
            match look(shared, ready, &pictures, generation) {
                Landed::Well => {}
                Landed::Failed => detector = None,
                Landed::Replaced => return,
            }
            continue;
        }
        if !std::mem::take(&mut waited) {
            let condition = shared.lock().condition.clone();
            if told.as_ref() != Some(&condition) {
                tracing::warn!(?condition, "a model is not at work; what can do without it goes on");
                told = Some(condition);
            }
            if stopped_within(shared, RETRY) {
                return;
            }
        }
        let (loaded, condition) = shared.load();
        let mut state = shared.lock();
        if state.stopping || state.generation != generation {
            return;
        }
        detector = loaded;
        state.condition = condition;
        state.tried = true;
        drop(state);
        shared.wake.notify_all();
    }
}

fn stopped_within<L: Look>(shared: &Shared<L>, time: Duration) -> bool {
    let waited = shared.wake.wait_timeout_while(shared.lock(), time, |state| !state.stopping);
    waited.unwrap_or_else(PoisonError::into_inner).0.stopping
}

/// The most overdue frames that are still worth it, as many as one inference takes; `None` when the lane stops.
fn take_off<L: Look>(shared: &Shared<L>, batch: usize, generation: u32) -> Option<Vec<Arc<Picture>>> {
    let mut state = shared.lock();
    loop {
        if state.stopping || state.generation != generation {
            return None;
        }
        let now_ms = shared.clock.uptime_ms();
        let late = |job: &mut Job<L::Says>| now_ms.saturating_sub(job.since_ms) > MAX_WAIT_MS;
        let stale: Vec<Job<L::Says>> = state.waiting.extract_if(.., late).collect();
        if !stale.is_empty() {
            state.stats.skipped += stale.len() as u64;
            drop(state);
            // The camera may have gone; then nobody waits.
            stale.into_iter().for_each(|job| (job.reply)(Part::Busy));
            state = shared.lock();
            continue;
        }
        if state.waiting.is_empty() {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        state.waiting.sort_by_key(|job| (job.due_ms, job.since_ms));
        let count = state.waiting.len().min(batch.max(1));
        let jobs: Vec<Job<L::Says>> = state.waiting.drain(..count).collect();
        let pictures = jobs.iter().map(|job| Arc::clone(&job.picture)).collect();
        state.flight = Some(Flight { since_ms: now_ms, jobs });
        return Some(pictures);
    }
}

enum Landed {
    Well,
    Failed,
    /// It hung, and another thread is at work.
    Replaced,
}

fn look<L: Look>(shared: &Shared<L>, detector: &mut L, pictures: &[Arc<Picture>], generation: u32) -> Landed {
    let began_ms = shared.clock.uptime_ms();
    let pictures: Vec<&Picture> = pictures.iter().map(Arc::as_ref).collect();
    // A bug in there must not leave every camera waiting for an answer: it is a failure like any other.
    let looked = catch_unwind(AssertUnwindSafe(|| detector.look(&pictures)));
    let broken = |problem: String| DetectError::Contract { model: detector.name().to_owned(), problem };
    let result =
        looked.unwrap_or_else(|_| Err(broken("it panicked; see the log".to_owned()))).and_then(|found| {
            let right = found.len() == pictures.len();
            if right {
                Ok(found)
            } else {
                Err(broken(format!("{} answers for {} pictures", found.len(), pictures.len())))
            }
        });
    let mut state = shared.lock();
    if state.generation != generation {
        state.left_behind -= 1;
        return Landed::Replaced;
    }
    let now_ms = shared.clock.uptime_ms();
    state.stats.busy_ms += now_ms.saturating_sub(began_ms);
    if state.hangs_ms.take().is_some() && result.is_ok() {
        tracing::info!(
            model = detector.name(),
            seconds = now_ms.saturating_sub(began_ms) / 1_000,
            "the detector answers again"
        );
        state.condition = works(detector);
    }
    // Whoever waited for a hung inference has gone.
    let jobs = state.flight.take().map(|flight| flight.jobs).unwrap_or_default();
    match result {
        Ok(found) => {
            state.stats.detected += jobs.len() as u64;
            drop(state);
            let by: Arc<str> = detector.name().into();
            for (job, said) in jobs.into_iter().zip(found) {
                job.served.done(now_ms, job.due_ms);
                (job.reply)(Part::Found { by: Arc::clone(&by), said });
            }
            Landed::Well
        }
        Err(error) => {
            tracing::error!(%error, "a detector failed; it is left out until it works again");
            state.stats.failed += 1;
            state.condition = fails(&error);
            let abandoned: Vec<Job<L::Says>> = jobs.into_iter().chain(state.waiting.drain(..)).collect();
            drop(state);
            abandoned.into_iter().for_each(|job| (job.reply)(Part::Missing));
            Landed::Failed
        }
    }
}

#[cfg(test)]
mod tests;
