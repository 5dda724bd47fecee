//! The time by which the outbox counts ages. It runs while the box runs and never jumps.
//!
//! A box may wake from a power cut in 1970 or in 2036, until somebody tells it the time. Were retention counted by
//! that clock, what was recorded before the correction would be deleted by it, or kept for decades. So ages are
//! counted by uptime. The time between two runs is added once, at the first moment when the wall clock can be
//! trusted, if it could be trusted in an earlier run too; otherwise it does not count.

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::UtcMs;

/// What is kept on disk of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Reckoned time of this mark.
    pub(super) at: UtcMs,
    /// The last moment at which the wall clock was trusted: reckoned, and by the wall.
    pub(super) trusted: Option<(UtcMs, UtcMs)>,
}

/// The box's clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) uptime_ms: u64,
    pub(super) wall: UtcMs,
    /// Whether the wall clock is disciplined.
    pub(super) synced: bool,
}

#[derive(Debug)]
pub(super) struct Reckoning(Mutex<State>);

#[derive(Debug)]
struct State {
    at: UtcMs,
    uptime_ms: u64,
    trusted: Option<(UtcMs, UtcMs)>,
    /// The time since the last run was added.
    joined: bool,
}

impl Reckoning {
    /// Goes on from the mark of the last run. Without one it begins at the wall clock where that is trusted, and
    /// otherwise no later than the newest thing the outbox holds.
    pub(super) fn new(mark: Option<Mark>, newest: Option<UtcMs>, now: Moment) -> Self {
        let begin = match newest {
            Some(newest) if !now.synced => newest,
            Some(newest) => newest.max(now.wall),
            None => now.wall,
        };
        let mark = mark.unwrap_or(Mark { at: begin, trusted: None });
        let state = State { at: mark.at, uptime_ms: now.uptime_ms, trusted: mark.trusted, joined: false };
        Self(Mutex::new(state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self, uptime_ms: u64) -> UtcMs {
        self.lock().at(uptime_ms)
    }

    /// Adds the time between the runs when that can be known; returns what is to be kept on disk.
    pub(super) fn mark(&self, now: Moment) -> Mark {
        let mut state = self.lock();
        let mut at = state.at(now.uptime_ms);
        if now.synced {
            if let Some((then, wall)) = state.trusted
                && !state.joined
            {
                at = at.max(then.plus_ms(now.wall.since_ms(wall)));
            }
            state.joined = true;
            state.trusted = Some((at, now.wall));
        }
        (state.at, state.uptime_ms) = (at, now.uptime_ms);
        Mark { at, trusted: state.trusted }
    }
}

impl State {
    fn at(&self, uptime_ms: u64) -> UtcMs {
        self.at.plus_ms(uptime_ms.saturating_sub(self.uptime_ms) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn moment(uptime_ms: u64, wall: i64, synced: bool) -> Moment {
        Moment { uptime_ms, wall: UtcMs(wall), synced }
    }

    /// A wall clock that jumps by decades, either way, moves no age; a run that is never told the time ages what
    /// it holds by its own length.
    #[test]
    fn jumps_do_not_count() {
        for wall in [0, 100 * 365 * 24 * HOUR] {
            let reckoning = Reckoning::new(None, None, moment(5, 1_000, false));
            assert_eq!(reckoning.mark(moment(5, 1_000, false)).at, UtcMs(1_000));
            assert_eq!(reckoning.mark(moment(1_005, wall, true)).at, UtcMs(2_000));
            assert_eq!(reckoning.now(3_005), UtcMs(4_000));
        }
    }

    /// The night that a box was switched off counts, as soon as the time is known again; once only.
    #[test]
    fn the_time_between_two_runs_counts_once() {
        let first = Reckoning::new(None, None, moment(0, HOUR, true));
        let mark = first.mark(moment(0, HOUR, true));
        // Wakes with a wrong clock, ten hours later.
        let second = Reckoning::new(Some(mark), None, moment(0, 7, false));
        assert_eq!(second.mark(moment(60_000, 60_007, false)).at, UtcMs(HOUR + 60_000));
        let told = second.mark(moment(120_000, 11 * HOUR, true));
        assert_eq!(told.at, UtcMs(11 * HOUR));
        assert_eq!(
            second.mark(moment(180_000, 99 * HOUR, true)).at,
            UtcMs(11 * HOUR + 60_000),
            "a jump, not a night"
        );
        // A third run whose clock says less than the second's takes nothing back.
        let third = Reckoning::new(Some(told), None, moment(0, 10 * HOUR, true));
        assert_eq!(third.mark(moment(0, 10 * HOUR, true)).at, told.at);
    }

    /// Two runs that never knew the time: the gap between them cannot be known, and does not count.
    #[test]
    fn an_unknown_gap_does_not_count() {
        let first = Reckoning::new(None, None, moment(0, 50, false));
        let mark = first.mark(moment(1_000, 1_050, false));
        let second = Reckoning::new(Some(mark), None, moment(0, 99 * HOUR, true));
        assert_eq!(second.mark(moment(0, 99 * HOUR, true)).at, UtcMs(1_050));
    }

    /// Where there is no mark, what the outbox holds is no older than it was.
    #[test]
    fn without_a_mark_it_begins_at_what_is_there() {
        let begin = |newest, wall, synced| Reckoning::new(None, newest, moment(0, wall, synced)).now(0);
        assert_eq!(begin(Some(UtcMs(500)), 10, false), UtcMs(500));
        assert_eq!(begin(Some(UtcMs(500)), 99 * HOUR, false), UtcMs(500));
        assert_eq!(begin(Some(UtcMs(500)), 900, true), UtcMs(900));
    }
}
