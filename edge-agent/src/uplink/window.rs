//! Which messages go out next. Pure: times are milliseconds of uptime.
//!
//! A message is *out* for [`PATIENCE_MS`] after each sending; at most `limit` are. Then it rests until its
//! back-off is over, leaving room for others: a message that the hub never confirms cannot hold up the rest.

use std::collections::HashMap;

use protocol::MessageId;

/// How long a receipt is waited for before the message is sent again; doubles with each attempt.
pub(super) const PATIENCE_MS: u64 = 2_000;
pub(super) const MAX_PATIENCE_MS: u64 = 60_000;
/// Entries of messages that were dropped from the outbox unseen are forgotten beyond this many.
const MAX_ENTRIES: usize = 8_192;

#[derive(Clone, Copy, Debug)]
struct Sent {
    attempts: u32,
    sent_ms: u64,
    due_ms: u64,
}

#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    sent: HashMap<MessageId, Sent>,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, sent: HashMap::new() }
    }

    /// How many more may go out now.
    pub(super) fn room(&self, now_ms: u64) -> usize {
        let out = self.sent.values().filter(|sent| now_ms < sent.sent_ms + PATIENCE_MS).count();
        self.limit.saturating_sub(out)
    }

    /// Never sent, or its back-off is over.
    pub(super) fn is_due(&self, id: MessageId, now_ms: u64) -> bool {
        self.sent.get(&id).is_none_or(|sent| sent.due_ms <= now_ms)
    }

    /// Notes a sending; true when it is a repetition.
    pub(super) fn sent(&mut self, id: MessageId, now_ms: u64) -> bool {
        if self.sent.len() >= MAX_ENTRIES {
            self.sent.clear();
        }
        let attempts = self.sent.get(&id).map_or(0, |sent| sent.attempts);
        let patience = (PATIENCE_MS << attempts.min(8)).min(MAX_PATIENCE_MS);
        self.sent.insert(id, Sent { attempts: attempts + 1, sent_ms: now_ms, due_ms: now_ms + patience });
        attempts > 0
    }

    /// Its receipt came.
    pub(super) fn settled(&mut self, id: MessageId) {
        self.sent.remove(&id);
    }

    /// Anything that was sent and not confirmed.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Chance, UtcMs};

    use super::*;

    /// Back-off doubles from 2 s to 60 s, and stays there.
    #[test]
    fn back_off_doubles_to_a_minute() {
        let id = MessageId::new(&Chance::seeded(1), UtcMs(0));
        let mut window = Window::new(4);
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..8 {
            window.sent(id, now);
            let due = (now..).find(|at| window.is_due(id, *at)).unwrap();
            waits.push((due - now) / 1_000);
            now = due;
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    /// Messages that are never confirmed leave room for others once they rest.
    #[test]
    fn unconfirmed_messages_do_not_hold_the_window() {
        let chance = Chance::seeded(2);
        let ids: Vec<_> = (0..3).map(|n| MessageId::new(&chance, UtcMs(n))).collect();
        let mut window = Window::new(2);
        window.sent(ids[0], 0);
        window.sent(ids[1], 0);
        assert_eq!(window.room(PATIENCE_MS - 1), 0);
        assert_eq!(window.room(PATIENCE_MS), 2);
        window.settled(ids[0]);
        assert!(window.is_waiting() && window.is_due(ids[2], 0));
    }
}
