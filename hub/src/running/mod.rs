//! Calls that run: what is said on them, as their boxes tell it on `live`, for the pages that are open.
//!
//! Nothing of it is written anywhere. It comes without a receipt, may be lost, and is forgotten when nothing was heard of
//! its call for a while; what a call becomes is an incident. Of each call the last minutes are kept ([`talk`]), of so many
//! calls as are bounded here: a box with too many loses the one that it has not spoken of for longest, and takes no room
//! from others. What a box says of a call stands only with that box's case of it ([`reader`]).

mod reader;
mod talk;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{CallId, Clock, LiveCall, Origin};
use tokio::sync::watch;

pub use reader::{Listener, MOST_LISTENED, Words};
pub use talk::Line;

use crate::metrics::Metrics;
use talk::Talk;

/// Calls that are kept, of all boxes and of one. A box taps 64 at once unless it is told otherwise.
const MOST_CALLS: usize = 512;
const MOST_OF_A_BOX: usize = 64;
/// A call of which nothing was heard for this long is forgotten: its transcript is there, or its box is not.
const KEPT_MS: u64 = 10 * 60_000;

/// Which call of which box.
type Key = (Origin, CallId);

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Running {
    kept: Arc<Mutex<Kept>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Counts changes, to wake readers.
    told: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Kept {
    talks: HashMap<Key, Heard>,
    /// Of all changes the newest.
    change: u64,
}

#[derive(Debug)]
struct Heard {
    talk: Talk,
    /// Hub's uptime.
    at_ms: u64,
}

impl Running {
    pub fn new(clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { kept: Arc::default(), clock, metrics, told: Arc::new(watch::Sender::new(0)) }
    }

    /// What a box said on `live`.
    pub fn hear(&self, origin: Origin, payload: &[u8]) {
        let told =
            (payload.len() <= MAX_MESSAGE_BYTES).then(|| serde_json::from_slice::<LiveCall>(payload).ok());
        let taken = told.flatten().is_some_and(|told| self.take(origin, told));
        if !taken {
            self.metrics.live_words_dropped.inc();
        }
    }

    /// False when there is no room for its call.
    fn take(&self, origin: Origin, told: LiveCall) -> bool {
        let now_ms = self.clock.uptime_ms();
        let change = {
            let mut kept = self.lock();
            let (LiveCall::Started { call_id, .. }
            | LiveCall::Partial { call_id, .. }
            | LiveCall::Final { call_id, .. }
            | LiveCall::Alarm { call_id, .. }
            | LiveCall::Ended { call_id, .. }) = &told;
            let key = (origin, *call_id);
            if !kept.talks.contains_key(&key) && !self.make_room(&mut kept, &key.0, now_ms) {
                return false;
            }
            kept.change += 1;
            let change = kept.change;
            let heard =
                kept.talks.entry(key).or_insert_with(|| Heard { talk: Talk::default(), at_ms: now_ms });
            heard.at_ms = now_ms;
            match told {
                LiveCall::Started { .. } => {}
                LiveCall::Partial { segment, .. } => heard.talk.say(segment, false, change),
                LiveCall::Final { segment, .. } => heard.talk.say(segment, true, change),
                LiveCall::Alarm { alarms, .. } => heard.talk.raise(&alarms, change),
                LiveCall::Ended { .. } => heard.talk.end(change),
            }
            self.count(&kept);
            change
        };
        self.told.send_replace(change);
        true
    }

    fn make_room(&self, kept: &mut Kept, origin: &Origin, now_ms: u64) -> bool {
        forget(kept, now_ms);
        let own: Vec<_> = kept.talks.iter().filter(|(key, _)| key.0 == *origin).collect();
        if own.len() >= MOST_OF_A_BOX {
            let oldest = own.into_iter().min_by_key(|(_, heard)| heard.at_ms).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                kept.talks.remove(&oldest);
                self.metrics.live_words_dropped.inc();
            }
        }
        kept.talks.len() < MOST_CALLS
    }

    /// Lets go of calls of which nothing was heard for a while.
    pub fn forget_old(&self) {
        let mut kept = self.lock();
        forget(&mut kept, self.clock.uptime_ms());
        self.count(&kept);
    }

    fn count(&self, kept: &Kept) {
        self.metrics.running_calls.set(i64::try_from(kept.talks.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(kept: &mut Kept, now_ms: u64) {
    kept.talks.retain(|_, heard| now_ms.saturating_sub(heard.at_ms) <= KEPT_MS);
}

#[cfg(test)]
mod tests {
    use protocol::{Leg, ManualClock, Segment, UtcMs};
    use uuid::Uuid;

    use super::*;

    fn origin(device: &str) -> Origin {
        Origin { tenant: "main".parse().unwrap(), device: device.parse().unwrap() }
    }

    fn running() -> (Running, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(UtcMs(1)));
        (Running::new(clock.clone(), Arc::default()), clock)
    }

    fn say(running: &Running, device: &str, call: u128) {
        let segment = Segment { leg: Leg::Caller, start_ms: 0, end_ms: 1, text: "喂".into() };
        let told = LiveCall::Final { call_id: CallId(Uuid::from_u128(call)), segment };
        running.hear(origin(device), &serde_json::to_vec(&told).unwrap());
    }

    fn holds(running: &Running, device: &str, call: u128) -> bool {
        running.lock().talks.contains_key(&(origin(device), CallId(Uuid::from_u128(call))))
    }

    /// A box that speaks of ever more calls loses its own oldest and no other box's; a hub that is full takes no more until
    /// something is forgotten; all that is counted.
    #[test]
    fn calls_are_bounded() {
        let (running, clock) = running();
        say(&running, "modest", 1);
        for call in 0..=MOST_OF_A_BOX as u128 {
            clock.advance_ms(1);
            say(&running, "greedy", call);
        }
        assert!(
            !holds(&running, "greedy", 0) && holds(&running, "greedy", 1) && holds(&running, "modest", 1)
        );
        assert_eq!(running.metrics.live_words_dropped.get(), 1);
        for device in 0..MOST_CALLS / MOST_OF_A_BOX {
            for call in 0..MOST_OF_A_BOX as u128 {
                say(&running, &format!("box-{device}"), call);
            }
        }
        assert_eq!(running.lock().talks.len(), MOST_CALLS);
        assert!(running.metrics.live_words_dropped.get() > 1 && !holds(&running, "box-7", 63));
        clock.advance_ms(KEPT_MS as i64 + 1);
        say(&running, "box-7", 63);
        assert!(holds(&running, "box-7", 63) && !holds(&running, "modest", 1));
        clock.advance_ms(KEPT_MS as i64 + 1);
        running.forget_old();
        assert_eq!(running.lock().talks.len(), 0);
    }

    /// What is no word of a call, or too long for one, is counted and nothing else.
    #[test]
    fn nonsense_is_counted() {
        let (running, _) = running();
        running.hear(origin("a"), b"{}");
        running.hear(origin("a"), &vec![b' '; MAX_MESSAGE_BYTES + 1]);
        assert_eq!((running.metrics.live_words_dropped.get(), running.lock().talks.len()), (2, 0));
    }
}
