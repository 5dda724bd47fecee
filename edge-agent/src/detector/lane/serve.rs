//! What a lane's thread does: loads the model, looks at pictures, lets a newer model take its place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Condition, Flight, Job, MAX_WAIT_MS, Part, RETRY, Shared, fails, works};
use crate::detector::DetectError;
use crate::detector::look::Look;
use crate::frame::Picture;

pub(super) fn serve<L: Look>(shared: &Shared<L>, generation: u32) {
    let mut detector: Option<L> = None;
    let mut told = None;
    // A new thread has not tried yet.
    let mut waited = true;
    loop {
        if let Some(newer) = succession(shared, generation) {
            detector = Some(newer);
        }
        if let Some(ready) = &mut detector {
            let pictures = match next(shared, ready.batch(), generation) {
                Next::Pictures(pictures) => pictures,
                Next::Succession => continue,
                Next::End => return,
            };
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
            if shared.lock().successor.is_some() {
                continue;
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

/// Waits, unless a newer model is there.
fn stopped_within<L: Look>(shared: &Shared<L>, time: Duration) -> bool {
    let waited = shared
        .wake
        .wait_timeout_while(shared.lock(), time, |state| !state.stopping && state.successor.is_none());
    waited.unwrap_or_else(PoisonError::into_inner).0.stopping
}

/// A newer model that waits to take over.
fn succession<L: Look>(shared: &Shared<L>, generation: u32) -> Option<L> {
    let mut state = shared.lock();
    if state.generation != generation {
        return None;
    }
    let newer = state.successor.take()?;
    tracing::info!(model = newer.name(), "takes over");
    state.condition = works(&newer);
    Some(newer)
}

/// Loads the model anew, beside the one at work. Where that fails the one at work stays, and says so.
pub(super) fn succeed<L: Look>(shared: &Shared<L>) {
    let (loaded, condition) = shared.load();
    let mut state = shared.lock();
    match (loaded, &mut state.condition, condition) {
        (Some(newer), _, _) => state.successor = Some(newer),
        (None, Condition::Works { name, note, .. }, Condition::Fails { reason }) => {
            tracing::error!(model = %name, reason, "stays at work; what was installed in its place is refused");
            *note = Some(format!("stays at work; what was installed in its place is refused: {reason}"));
        }
        (None, at_work, fails) => *at_work = fails,
    }
    drop(state);
    shared.wake.notify_all();
}

enum Next {
    Pictures(Vec<Arc<Picture>>),
    /// A newer model is to take over first.
    Succession,
    End,
}

/// The most overdue frames that are still worth it, as many as one inference takes.
fn next<L: Look>(shared: &Shared<L>, batch: usize, generation: u32) -> Next {
    let mut state = shared.lock();
    loop {
        if state.stopping || state.generation != generation {
            return Next::End;
        }
        if state.successor.is_some() {
            return Next::Succession;
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
        return Next::Pictures(pictures);
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
