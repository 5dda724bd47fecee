//! Calls that run: what is said on them, as their boxes tell it on `live`, for the pages that are open.
//!
//! Nothing of it is written anywhere. It comes without a receipt, may be lost, and is forgotten when nothing was heard of
//! its call for a while; what a call becomes is an incident. Of each call the last minutes are kept ([`talk`]), of so many
//! calls as are bounded here: where there are too many, one that is over goes first, then the one of the box with most that it
//! has not spoken of for longest. A box with few calls is never kept out by one with many. What a box says of a call stands only with that box's case of it ([`reader`]).

mod reader;
mod talk;
mod uncased;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::hotline::CallReading;
use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{CallId, Clock, LiveCall, Origin, UtcMs};
use tokio::sync::watch;

pub use reader::{Listener, MOST_LISTENED, Words};
pub use talk::Line;
pub use uncased::{Uncased, uncased, without_case};

use crate::metrics::Metrics;
use talk::Talk;

/// Calls that are kept, of all boxes and of one. A box taps 64 at once unless it is told otherwise.
const MOST_CALLS: usize = 512;
const MOST_OF_A_BOX: usize = 64;
/// A call of which nothing was heard for this long is forgotten: its transcript is there, or its box is not.
const KEPT_MS: u64 = 10 * 60_000;
/// One that is over, for whoever reads its end; its transcript comes with its incident.
const KEPT_ENDED_MS: u64 = 60_000;

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
    begun: Option<Begun>,
    /// What its box read from the caller's words so far.
    reading: Option<CallReading>,
    /// Which change told of it first.
    first: u64,
    /// Hub's uptime.
    at_ms: u64,
}

/// How a call began, as its box told.
#[derive(Clone, Debug)]
struct Begun {
    seat: Option<String>,
    at: UtcMs,
}

/// A call that somebody is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnLine {
    pub origin: Origin,
    pub call_id: CallId,
    /// As the exchange names it; the call's case may have it by another name.
    pub seat: Option<String>,
    /// By the box's clock; nothing where its beginning was not heard.
    pub started_at: Option<UtcMs>,
}

impl OnLine {
    fn of((origin, call_id): &Key, heard: &Heard) -> Self {
        Self {
            origin: origin.clone(),
            call_id: *call_id,
            seat: heard.begun.as_ref().and_then(|begun| begun.seat.clone()),
            started_at: heard.begun.as_ref().map(|begun| begun.at),
        }
    }
}

impl Running {
    pub fn new(clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { kept: Arc::default(), clock, metrics, told: Arc::new(watch::Sender::new(0)) }
    }

    /// What a box said on `live`.
    pub fn hear(&self, origin: Origin, payload: &[u8]) {
        let told =
            (payload.len() <= MAX_MESSAGE_BYTES).then(|| serde_json::from_slice::<LiveCall>(payload).ok());
        match told.flatten() {
            Some(told) => self.take(origin, told),
            None => drop(self.metrics.live_words_dropped.inc()),
        }
    }

    fn take(&self, origin: Origin, told: LiveCall) {
        let now_ms = self.clock.uptime_ms();
        let change = {
            let mut kept = self.lock();
            let (LiveCall::Started { call_id, .. }
            | LiveCall::Partial { call_id, .. }
            | LiveCall::Final { call_id, .. }
            | LiveCall::Alarm { call_id, .. }
            | LiveCall::Read { call_id, .. }
            | LiveCall::Ended { call_id, .. }) = &told;
            let key = (origin, *call_id);
            if !kept.talks.contains_key(&key) {
                self.make_room(&mut kept, &key.0, now_ms);
            }
            kept.change += 1;
            let change = kept.change;
            let heard = kept.talks.entry(key).or_insert_with(|| Heard {
                talk: Talk::default(),
                begun: None,
                reading: None,
                first: change,
                at_ms: now_ms,
            });
            heard.at_ms = now_ms;
            match told {
                // Each leg says so: the call began with the first.
                LiveCall::Started { seat, at, .. } => heard.begins(seat, at),
                LiveCall::Partial { segment, .. } => heard.talk.say(segment, false, change),
                LiveCall::Final { segment, .. } => heard.talk.say(segment, true, change),
                LiveCall::Alarm { alarms, .. } => heard.talk.raise(&alarms, change),
                LiveCall::Read { reading, .. } => heard.reading = Some(reading.bounded()),
                LiveCall::Ended { .. } => heard.talk.end(change),
            }
            self.count(&kept);
            change
        };
        self.told.send_replace(change);
    }

    fn make_room(&self, kept: &mut Kept, origin: &Origin, now_ms: u64) {
        forget(kept, now_ms);
        let mut counts: HashMap<Origin, usize> = HashMap::new();
        for (origin, _) in kept.talks.keys() {
            *counts.entry(origin.clone()).or_default() += 1;
        }
        let own = counts.get(origin).copied().unwrap_or(0);
        let most = counts.values().copied().max().unwrap_or(0);
        // Whose calls may go: its own when it has as many as a box may have, else those of whoever has most.
        let may_go = |key: &Key| match (own >= MOST_OF_A_BOX, kept.talks.len() >= MOST_CALLS) {
            (true, _) => key.0 == *origin,
            (false, true) => counts.get(&key.0) == Some(&most),
            (false, false) => false,
        };
        let going = kept.talks.iter().filter(|(key, _)| may_go(key));
        let oldest =
            going.min_by_key(|(_, heard)| (!heard.talk.ended(), heard.at_ms)).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            kept.talks.remove(&oldest);
            self.metrics.live_words_dropped.inc();
        }
    }

    /// Calls that run, the one that began first in front. Which of them somebody may know of is for the caller to say.
    pub fn on_line(&self) -> Vec<OnLine> {
        let kept = self.lock();
        let running = kept.talks.iter().filter(|(_, heard)| !heard.talk.ended());
        let mut all: Vec<OnLine> = running.map(|(key, heard)| OnLine::of(key, heard)).collect();
        all.sort_by_key(|one| (one.started_at, one.call_id.to_string()));
        all
    }

    /// What a box said that this call is read as, also shortly after its end.
    pub fn reading(&self, origin: &Origin, call_id: CallId) -> Option<CallReading> {
        self.lock().talks.get(&(origin.clone(), call_id))?.reading.clone()
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

/// Longest name of a seat that is kept, in characters.
const MOST_SEAT: usize = 80;

impl Heard {
    fn begins(&mut self, seat: Option<String>, at: UtcMs) {
        let plain =
            |seat: String| -> String { seat.chars().filter(|c| !c.is_control()).take(MOST_SEAT).collect() };
        match &mut self.begun {
            None => self.begun = Some(Begun { seat: seat.map(plain), at }),
            Some(begun) => {
                begun.at = begun.at.min(at);
                if begun.seat.is_none() {
                    begun.seat = seat.map(plain);
                }
            }
        }
    }
}

fn forget(kept: &mut Kept, now_ms: u64) {
    kept.talks.retain(|_, heard| {
        let kept_ms = if heard.talk.ended() { KEPT_ENDED_MS } else { KEPT_MS };
        now_ms.saturating_sub(heard.at_ms) <= kept_ms
    });
}

#[cfg(test)]
mod tests {
    use protocol::{Leg, ManualClock, Segment};
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

    fn end(running: &Running, device: &str, call: u128) {
        let told = LiveCall::Ended { call_id: CallId(Uuid::from_u128(call)), at: UtcMs(1) };
        running.hear(origin(device), &serde_json::to_vec(&told).unwrap());
    }

    /// A box that speaks of ever more calls loses its own oldest and no other box's; in a hub that is full a box with few calls
    /// takes the place of one of whoever has most, first of one that is over; all that is counted. What is over is soon
    /// forgotten.
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
        assert!(running.metrics.live_words_dropped.get() > 1 && holds(&running, "modest", 1));
        let busiest = (0..8).map(|n| format!("box-{n}")).find(|name| holds(&running, name, 63)).unwrap();
        end(&running, &busiest, 63);
        say(&running, "modest", 2);
        assert_eq!(running.lock().talks.len(), MOST_CALLS);
        assert!(holds(&running, "modest", 1) && holds(&running, "modest", 2));
        end(&running, "modest", 2);
        clock.advance_ms(KEPT_ENDED_MS as i64 + 1);
        say(&running, "modest", 3);
        assert!(
            !holds(&running, "modest", 2) && holds(&running, "modest", 1) && holds(&running, "modest", 3)
        );
        clock.advance_ms(KEPT_MS as i64 + 1);
        say(&running, "modest", 4);
        assert!(holds(&running, "modest", 4) && !holds(&running, "modest", 1));
        clock.advance_ms(KEPT_MS as i64 + 1);
        running.forget_old();
        assert_eq!(running.lock().talks.len(), 0);
    }

    /// A call is on the line from its beginning to its end, under the seat that either leg names, since the first of them;
    /// one of which only words were heard is on the line too.
    #[test]
    fn calls_are_on_the_line_until_they_end() {
        let (running, _) = running();
        let begin = |call: u128, seat: Option<&str>, at: i64| {
            let call_id = CallId(Uuid::from_u128(call));
            let told = LiveCall::Started { call_id, seat: seat.map(str::to_owned), at: UtcMs(at) };
            running.hear(origin("a"), &serde_json::to_vec(&told).unwrap());
        };
        begin(1, None, 50);
        begin(1, Some("03"), 70);
        begin(2, Some("0\u{7}4"), 40);
        say(&running, "a", 3);
        let seen = |running: &Running| -> Vec<(u128, Option<String>, Option<i64>)> {
            let all = running.on_line().into_iter();
            all.map(|one| (one.call_id.0.as_u128(), one.seat, one.started_at.map(|at| at.0))).collect()
        };
        let (three, four) = (Some("03".to_owned()), Some("04".to_owned()));
        assert_eq!(seen(&running), [(3, None, None), (2, four, Some(40)), (1, three.clone(), Some(50))]);
        end(&running, "a", 2);
        end(&running, "a", 3);
        assert_eq!(seen(&running), [(1, three, Some(50))]);
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
