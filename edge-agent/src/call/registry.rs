//! Which legs are live and which of them are one call. Pure: told the uptime, asks no clock.
//!
//! A *tap* is one leg of one connection. What call it belongs to may be told before or after its
//! audio starts, so nothing is keyed by call: calls are read off the taps each time.

use std::collections::{BTreeMap, HashMap};

use protocol::{CallId, Direction, Leg, Sealed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the exchange told of one connection, the caller's number already masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    pub(super) call_id: Option<CallId>,
    pub(super) leg: Option<Leg>,
    pub(super) caller_masked: Option<String>,
    /// The same number, sealed; `None` where it is no number or none are kept.
    #[serde(default, deserialize_with = "protocol::contact::lenient")]
    pub(super) callback: Option<Sealed>,
    pub(super) seat: Option<String>,
    pub(super) direction: Option<Direction>,
}

impl Announcement {
    /// This word where it says something, `known` elsewhere.
    pub(super) fn over(self, known: Self) -> Self {
        Self {
            call_id: self.call_id.or(known.call_id),
            leg: self.leg.or(known.leg),
            // Both are of one number.
            callback: if self.caller_masked.is_some() { self.callback } else { known.callback },
            caller_masked: self.caller_masked.or(known.caller_masked),
            seat: self.seat.or(known.seat),
            direction: self.direction.or(known.direction),
        }
    }
}

/// Counts legs of this process.
pub(super) type TapId = u64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) socket: Uuid,
    /// `Caller` for the first live connection of a UUID, `Operator` for the second. See [`Tap::leg`].
    pub(super) role: Leg,
    pub(super) announced: Announcement,
    pub(super) opened_ms: u64,
    /// `None` while audio flows.
    pub(super) closed_ms: Option<u64>,
}

impl Tap {
    pub(super) fn call_id(&self) -> CallId {
        self.announced.call_id.unwrap_or(CallId(self.socket))
    }

    pub(super) fn leg(&self) -> Leg {
        match (self.announced.leg, self.role) {
            (None, role) => role,
            (Some(told), Leg::Caller) => told,
            (Some(Leg::Caller), Leg::Operator) => Leg::Operator,
            (Some(Leg::Operator), Leg::Operator) => Leg::Caller,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there are already {0} calls (max_calls)")]
    Full(usize),
    #[error("both legs of this UUID are already connected")]
    BothLegs,
    #[error("one call may have {MAX_TAPS_PER_CALL} connections at most")]
    TooManyTaps,
}

/// Transfers and reconnects included.
const MAX_TAPS_PER_CALL: usize = 16;
/// Announcements that wait for their audio; the oldest goes when there are more.
const MAX_ANNOUNCED: usize = 1_024;
/// An announcement whose audio has not come by then is forgotten.
const ANNOUNCED_FOR_MS: u64 = 10 * 60_000;

#[derive(Debug, Default)]
pub(super) struct Registry {
    taps: BTreeMap<TapId, Tap>,
    next: TapId,
    announced: HashMap<Uuid, (u64, Announcement)>,
    /// Announcements pushed out before their audio came.
    pub(super) announcements_dropped: u64,
}

/// One call: its taps, oldest first.
pub(super) type Call = Vec<(TapId, Tap)>;

impl Registry {
    /// A connection named itself.
    pub(super) fn open(&mut self, socket: Uuid, max_calls: usize, now_ms: u64) -> Result<TapId, Refusal> {
        let live: Vec<Leg> = self
            .taps
            .values()
            .filter(|t| t.socket == socket && t.closed_ms.is_none())
            .map(|t| t.role)
            .collect();
        let role = match (live.contains(&Leg::Caller), live.contains(&Leg::Operator)) {
            (false, _) => Leg::Caller,
            (true, false) => Leg::Operator,
            (true, true) => return Err(Refusal::BothLegs),
        };
        let announced = self.announced.get(&socket).map(|(_, a)| a.clone()).unwrap_or_default();
        let tap = Tap { socket, role, announced, opened_ms: now_ms, closed_ms: None };
        let calls = self.calls();
        match calls.get(&tap.call_id()) {
            Some(call) if call.len() >= MAX_TAPS_PER_CALL => return Err(Refusal::TooManyTaps),
            None if calls.len() >= max_calls => return Err(Refusal::Full(calls.len())),
            _ => {}
        }
        self.next += 1;
        self.taps.insert(self.next, tap);
        Ok(self.next)
    }

    pub(super) fn close(&mut self, tap: TapId, now_ms: u64) {
        if let Some(tap) = self.taps.get_mut(&tap) {
            tap.closed_ms.get_or_insert(now_ms);
        }
    }

    /// Notes what the exchange tells of `socket`, whose audio may have started or not. A later word adds to and
    /// corrects an earlier one. Returns the connections that it changed.
    pub(super) fn announce(
        &mut self,
        socket: Uuid,
        told: Announcement,
        now_ms: u64,
    ) -> Result<Call, Refusal> {
        if let Some(call_id) = told.call_id {
            let (own, others): (Vec<&Tap>, Vec<&Tap>) = self
                .taps
                .values()
                .filter(|t| t.socket == socket || t.call_id() == call_id)
                .partition(|t| t.socket == socket);
            if !own.is_empty() && own.len() + others.len() > MAX_TAPS_PER_CALL {
                return Err(Refusal::TooManyTaps);
            }
        }
        self.announced.retain(|_, (at, _)| now_ms.saturating_sub(*at) < ANNOUNCED_FOR_MS);
        let known = self.announced.remove(&socket).map(|(_, a)| a).unwrap_or_default();
        let told = told.over(known);
        if self.announced.len() >= MAX_ANNOUNCED
            && let Some(oldest) = self.announced.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| *id)
        {
            self.announced.remove(&oldest);
            self.announcements_dropped += 1;
        }
        self.announced.insert(socket, (now_ms, told.clone()));
        let mut changed = Vec::new();
        for (id, tap) in self.taps.iter_mut().filter(|(_, t)| t.socket == socket) {
            tap.announced = told.clone();
            changed.push((*id, tap.clone()));
        }
        Ok(changed)
    }

    /// What was told of a connection that is not there.
    pub(super) fn announced(&self, socket: Uuid) -> Option<Announcement> {
        if self.taps.values().any(|t| t.socket == socket) {
            return None;
        }
        self.announced.get(&socket).map(|(_, told)| told.clone())
    }

    pub(super) fn get(&self, tap: TapId) -> Option<&Tap> {
        self.taps.get(&tap)
    }

    pub(super) fn calls(&self) -> BTreeMap<CallId, Call> {
        let mut calls: BTreeMap<CallId, Call> = BTreeMap::new();
        for (id, tap) in &self.taps {
            calls.entry(tap.call_id()).or_default().push((*id, tap.clone()));
        }
        calls
    }

    /// Takes out every call whose legs have all hung up `grace_ms` ago or longer.
    pub(super) fn take_ended(&mut self, grace_ms: u64, now_ms: u64) -> Vec<(CallId, Call)> {
        let ended = |call: &Call| {
            call.iter().all(|(_, t)| t.closed_ms.is_some_and(|at| now_ms.saturating_sub(at) >= grace_ms))
        };
        let over: Vec<_> = self.calls().into_iter().filter(|(_, call)| ended(call)).collect();
        for (id, tap) in over.iter().flat_map(|(_, call)| call) {
            self.taps.remove(id);
            self.announced.remove(&tap.socket);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(call: u128, leg: Leg) -> Announcement {
        Announcement { call_id: Some(CallId(Uuid::from_u128(call))), leg: Some(leg), ..Default::default() }
    }

    /// Two sockets of one call are one call, whether it was told before or after their audio began.
    #[test]
    fn joins_before_and_after() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut registry = Registry::default();
        registry.announce(a, told(9, Leg::Caller), 0).unwrap();
        registry.open(a, 8, 10).unwrap();
        registry.open(b, 8, 20).unwrap();
        assert_eq!(registry.calls().len(), 2);
        assert_eq!(registry.announce(b, told(9, Leg::Operator), 30).unwrap().len(), 1);
        let calls = registry.calls();
        let call = &calls[&CallId(Uuid::from_u128(9))];
        assert_eq!(call.iter().map(|(_, t)| t.leg()).collect::<Vec<_>>(), [Leg::Caller, Leg::Operator]);
    }

    /// One UUID for both legs: the first is the caller, the second the operator, a third is refused.
    #[test]
    fn one_uuid_for_both_legs() {
        let id = Uuid::from_u128(1);
        let mut registry = Registry::default();
        let told = Announcement { seat: Some("8001".into()), ..Default::default() };
        registry.announce(id, told, 0).unwrap();
        let first = registry.open(id, 8, 0).unwrap();
        let second = registry.open(id, 8, 5).unwrap();
        assert_eq!(registry.open(id, 8, 6), Err(Refusal::BothLegs));
        assert_eq!(registry.get(first).unwrap().leg(), Leg::Caller);
        assert_eq!(registry.get(second).unwrap().leg(), Leg::Operator);
        assert_eq!(registry.get(second).unwrap().call_id(), CallId(id));
    }

    /// A call ends when its last leg has been gone for the grace; a transfer within it keeps the call.
    #[test]
    fn ends_after_the_grace() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut registry = Registry::default();
        registry.announce(b, told(1, Leg::Operator), 0).unwrap();
        let first = registry.open(a, 8, 0).unwrap();
        registry.close(first, 1_000);
        assert_eq!(registry.take_ended(1_500, 2_000), vec![]);
        let second = registry.open(b, 8, 2_100).unwrap();
        assert_eq!(registry.take_ended(1_500, 9_000), vec![]);
        registry.close(second, 10_000);
        let over = registry.take_ended(1_500, 11_500);
        assert_eq!(over.len(), 1);
        assert_eq!(over[0].1.len(), 2);
        assert!(registry.calls().is_empty());
    }

    /// Calls, connections per call and waiting announcements are bounded.
    #[test]
    fn everything_is_bounded() {
        let mut registry = Registry::default();
        for n in 0..3 {
            registry.open(Uuid::from_u128(n), 3, 0).unwrap();
        }
        assert_eq!(registry.open(Uuid::from_u128(9), 3, 0), Err(Refusal::Full(3)));
        for _ in 0..MAX_TAPS_PER_CALL - 1 {
            let tap = registry.open(Uuid::from_u128(0), 3, 0).unwrap();
            registry.close(tap, 0);
        }
        assert_eq!(registry.open(Uuid::from_u128(0), 3, 0), Err(Refusal::TooManyTaps));
        for n in 0..MAX_ANNOUNCED as u128 + 5 {
            registry.announce(Uuid::from_u128(1_000 + n), Announcement::default(), n as u64).unwrap();
        }
        assert_eq!((registry.announced.len(), registry.announcements_dropped), (MAX_ANNOUNCED, 5));
    }

    /// A connection cannot be talked into a call that is full, nor a full call be made so by announcing late.
    #[test]
    fn a_late_word_makes_no_call_larger_than_allowed() {
        let mut registry = Registry::default();
        for n in 1..=MAX_TAPS_PER_CALL as u128 + 1 {
            registry.open(Uuid::from_u128(n), 64, 0).unwrap();
        }
        for n in 1..=MAX_TAPS_PER_CALL as u128 {
            registry.announce(Uuid::from_u128(n), told(99, Leg::Caller), 0).unwrap();
        }
        let late = Uuid::from_u128(MAX_TAPS_PER_CALL as u128 + 1);
        assert_eq!(registry.announce(late, told(99, Leg::Caller), 0), Err(Refusal::TooManyTaps));
        assert_eq!(registry.calls()[&CallId(Uuid::from_u128(99))].len(), MAX_TAPS_PER_CALL);
        // What is in it may still be told of.
        assert!(registry.announce(Uuid::from_u128(1), told(99, Leg::Operator), 0).is_ok());
    }
}
