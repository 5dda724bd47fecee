//! Which messages go out next. Pure: times are milliseconds of uptime.
//!
//! A message is *out* for [`PATIENCE_MS`] after each sending; at most `limit` are. Then it rests until its
//! back-off is over, leaving room for others: a message that the hub never confirms cannot hold up the rest. Nor does
//! it speak against the connection, once a message that was sent after it was confirmed.

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
    first_ms: u64,
    sent_ms: u64,
    due_ms: u64,
}

#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    sent: HashMap<MessageId, Sent>,
    /// When the latest of the confirmed messages was first sent: until then the connection was good both ways.
    proven_ms: Option<u64>,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, sent: HashMap::new(), proven_ms: None }
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
        let (attempts, first_ms) =
            self.sent.get(&id).map_or((0, now_ms), |sent| (sent.attempts, sent.first_ms));
        let patience = (PATIENCE_MS << attempts.min(8)).min(MAX_PATIENCE_MS);
        self.sent.insert(
            id,
            Sent { attempts: attempts + 1, first_ms, sent_ms: now_ms, due_ms: now_ms + patience },
        );
        attempts > 0
    }

    /// Its receipt came.
    pub(super) fn settled(&mut self, id: MessageId) {
        if let Some(sent) = self.sent.remove(&id) {
            self.proven_ms = self.proven_ms.max(Some(sent.first_ms));
        }
    }

    /// How long nothing has come back that proves the connection: since the first of the unconfirmed messages after
    /// which none was confirmed. 0 when there is none.
    pub(super) fn unproven_ms(&self, now_ms: u64) -> u64 {
        let passed_over = |sent: &&Sent| self.proven_ms.is_some_and(|proven| sent.first_ms <= proven);
        let first = self.sent.values().filter(|sent| !passed_over(sent)).map(|sent| sent.first_ms).min();
        first.map_or(0, |first| now_ms.saturating_sub(first))
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
            let due = (now..now + 2 * MAX_PATIENCE_MS).find(|at| window.is_due(id, *at)).unwrap();
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
        assert!(window.is_due(ids[2], 0));
    }

    /// A message that is never confirmed speaks against the connection until a later one is confirmed, however often
    /// it is sent again; a later silence speaks against it anew.
    #[test]
    fn a_stuck_message_does_not_speak_against_the_connection_for_ever() {
        let chance = Chance::seeded(3);
        let [stuck, second, third] = [0, 1, 2].map(|n| MessageId::new(&chance, UtcMs(n)));
        let mut window = Window::new(4);
        assert_eq!(window.unproven_ms(500), 0);
        window.sent(stuck, 1_000);
        assert_eq!(window.unproven_ms(61_000), 60_000);
        window.sent(second, 61_000);
        window.settled(second);
        assert_eq!(window.unproven_ms(70_000), 0);
        window.sent(stuck, 120_000);
        assert_eq!(window.unproven_ms(900_000), 0);
        window.sent(third, 900_000);
        assert_eq!(window.unproven_ms(1_000_000), 100_000);
    }
}
