//! What one box may have stored: a broken or hostile one cannot fill the hub's disk. Pure; times are milliseconds of
//! uptime.
//!
//! A level per box rises with what is stored of it and sinks evenly. While it stands above the brim, nothing more is
//! taken and no receipt is given, so the box keeps what it has to say: bounded, late, and not lost. The brim is far
//! above what a good box says in weeks, so that one that comes back from a long absence is heard at once. Held in
//! memory: a restart forgives, and several hubs each allow as much.

use std::collections::HashMap;

use protocol::{Origin, Receipt, ReceiptOutcome, Topic};

use crate::config::IntakeConfig;

/// Rows and indexes that a message costs besides its own bytes.
const OVERHEAD_BYTES: u64 = 1024;
/// Heartbeats come every ten seconds, and whenever something changes; one row keeps the newest.
const STATUSES: Rate = Rate { brim: 600, per_second: 1 };
/// Empty levels are forgotten when there are more than this.
const MOST_LEVELS: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Rate {
    brim: u64,
    per_second: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    height: u64,
    at_ms: u64,
}

impl Level {
    fn sink(&mut self, rate: Rate, now_ms: u64) {
        let sunk = now_ms.saturating_sub(self.at_ms).saturating_mul(rate.per_second) / 1000;
        // What is less than one stays on the clock.
        if sunk > 0 || self.height == 0 {
            self.height = self.height.saturating_sub(sunk);
            self.at_ms = now_ms;
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Levels {
    event_bytes: Level,
    statuses: Level,
}

/// The levels of every box that spoke lately.
#[derive(Debug)]
pub struct Allowance {
    events: Rate,
    boxes: HashMap<Origin, Levels>,
}

impl Allowance {
    pub fn new(config: &IntakeConfig) -> Self {
        let events = Rate { brim: config.device_burst_bytes, per_second: config.device_bytes_per_second };
        Self { events, boxes: HashMap::new() }
    }

    /// Whether what comes on this topic may be taken now. Asked before each message, charged after the commit, so a
    /// batch may overrun the brim once.
    pub(super) fn has_room(&mut self, topic: &Topic, now_ms: u64) -> bool {
        let Some(levels) = self.boxes.get_mut(topic.origin()) else { return true };
        let (level, rate) = match topic {
            Topic::Status(_) => (&mut levels.statuses, STATUSES),
            _ => (&mut levels.event_bytes, self.events),
        };
        level.sink(rate, now_ms);
        level.height < rate.brim
    }

    /// Counts what a commit stored: events that left something, every status.
    pub(super) fn charge(&mut self, topic: &Topic, bytes: usize, receipt: Option<&Receipt>, now_ms: u64) {
        let stored = receipt.is_some_and(|receipt| {
            matches!(receipt.outcome, ReceiptOutcome::Stored | ReceiptOutcome::Quarantined)
        });
        let cost = match topic {
            Topic::Status(_) => 1,
            _ if stored => bytes as u64 + OVERHEAD_BYTES,
            _ => return,
        };
        if self.boxes.len() >= MOST_LEVELS && !self.boxes.contains_key(topic.origin()) {
            self.forget_empty(now_ms);
        }
        let levels = self.boxes.entry(topic.origin().clone()).or_default();
        let (level, rate) = match topic {
            Topic::Status(_) => (&mut levels.statuses, STATUSES),
            _ => (&mut levels.event_bytes, self.events),
        };
        level.sink(rate, now_ms);
        level.height += cost;
    }

    fn forget_empty(&mut self, now_ms: u64) {
        let events = self.events;
        self.boxes.retain(|_, levels| {
            levels.event_bytes.sink(events, now_ms);
            levels.statuses.sink(STATUSES, now_ms);
            levels.event_bytes.height > 0 || levels.statuses.height > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use protocol::{MessageId, UtcMs};

    use super::*;

    fn event(device: &str) -> Topic {
        let origin = Origin { tenant: "t".parse().unwrap(), device: device.parse().unwrap() };
        Topic::Event(origin, MessageId(uuid::Uuid::nil()))
    }

    fn answered(outcome: ReceiptOutcome) -> Receipt {
        Receipt { message_id: MessageId(uuid::Uuid::nil()), outcome, reason: None, at: UtcMs(0) }
    }

    /// A box that stored as much as it may is not heard until its level has sunk; another is, and so are its statuses.
    #[test]
    fn a_flood_is_held_back_and_drains() {
        let config =
            IntakeConfig { device_burst_bytes: 10_000, device_bytes_per_second: 1_000, ..Default::default() };
        let mut allowance = Allowance::new(&config);
        let (flood, good) = (event("flood"), event("good"));
        let stored = answered(ReceiptOutcome::Stored);
        let mut taken = 0;
        while allowance.has_room(&flood, 0) {
            allowance.charge(&flood, 976, Some(&stored), 0);
            taken += 1;
        }
        assert_eq!(taken, 5, "2000 bytes each");
        assert!(allowance.has_room(&good, 0));
        assert!(allowance.has_room(&Topic::Status(flood.origin().clone()), 0));
        assert!(allowance.has_room(&flood, 1), "a byte has sunk");
        allowance.charge(&flood, 976, Some(&stored), 1);
        assert!(!allowance.has_room(&flood, 1_999));
        assert!(allowance.has_room(&flood, 2_002));
    }

    /// What leaves nothing behind costs nothing, however often it comes.
    #[test]
    fn duplicates_are_free() {
        let config = IntakeConfig { device_burst_bytes: 3_000, ..Default::default() };
        let mut allowance = Allowance::new(&config);
        let topic = event("box");
        for outcome in [ReceiptOutcome::Duplicate, ReceiptOutcome::Refused] {
            for _ in 0..100 {
                assert!(allowance.has_room(&topic, 0));
                allowance.charge(&topic, 60_000, Some(&answered(outcome)), 0);
            }
        }
        allowance.charge(&topic, 60_000, None, 0);
        assert!(allowance.has_room(&topic, 0));
        allowance.charge(&topic, 60_000, Some(&answered(ReceiptOutcome::Quarantined)), 0);
        assert!(!allowance.has_room(&topic, 0));
    }

    /// Heartbeats for ever pass; a storm of statuses does not.
    #[test]
    fn statuses_have_a_rate_of_their_own() {
        let mut allowance = Allowance::new(&IntakeConfig::default());
        let status = Topic::Status(event("box").origin().clone());
        for beat in 0..10_000 {
            assert!(allowance.has_room(&status, beat * 1_000));
            allowance.charge(&status, 900, None, beat * 1_000);
        }
        let taken = (0..10_000).take_while(|_| {
            allowance.charge(&status, 900, None, 10_000_000);
            allowance.has_room(&status, 10_000_000)
        });
        assert!(taken.count() < 601);
    }

    /// Boxes that have been quiet for a while take no memory.
    #[test]
    fn quiet_boxes_are_forgotten() {
        let mut allowance = Allowance::new(&IntakeConfig::default());
        for n in 0..MOST_LEVELS {
            allowance.charge(&event(&format!("b{n}")), 10, Some(&answered(ReceiptOutcome::Stored)), 0);
        }
        allowance.charge(&event("late"), 10, Some(&answered(ReceiptOutcome::Stored)), 60_000);
        assert_eq!(allowance.boxes.len(), 1);
    }
}
