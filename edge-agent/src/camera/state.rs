//! What a camera tells of itself.

use std::collections::VecDeque;

use protocol::{CameraState, Clock, UtcMs};

/// Frames counted for the rate shown.
const RATE_WINDOW_MS: u64 = 5_000;

/// The state of one stream.
#[derive(Clone, Debug)]
pub(super) struct StateLog {
    pub(super) state: CameraState,
    pub(super) since: UtcMs,
    pub(super) reason: Option<String>,
}

impl StateLog {
    pub(super) fn new(now: UtcMs) -> Self {
        Self { state: CameraState::Connecting, since: now, reason: None }
    }

    /// Returns whether the state changed.
    pub(super) fn set(&mut self, state: CameraState, reason: Option<String>, now: UtcMs) -> bool {
        self.reason = reason;
        if self.state == state {
            return false;
        }
        self.state = state;
        self.since = now;
        true
    }

    /// The camera failed: lost when it had been running, else it was never reached.
    pub(super) fn failed(&mut self, reason: String, now: UtcMs) -> bool {
        let state = match self.state {
            CameraState::Connecting => CameraState::Connecting,
            _ => CameraState::Lost,
        };
        self.set(state, Some(reason), now)
    }
}

/// Pictures that arrive for analysis.
#[derive(Debug, Default)]
pub(super) struct Rate {
    arrivals_ms: VecDeque<u64>,
}

impl Rate {
    pub(super) fn arrived(&mut self, clock: &dyn Clock) {
        let now = clock.uptime_ms();
        self.arrivals_ms.push_back(now);
        while self.arrivals_ms.front().is_some_and(|t| now.saturating_sub(*t) > RATE_WINDOW_MS) {
            self.arrivals_ms.pop_front();
        }
    }

    pub(super) fn per_second(&self, clock: &dyn Clock) -> f32 {
        let now = clock.uptime_ms();
        let recent = self.arrivals_ms.iter().filter(|t| now.saturating_sub(**t) <= RATE_WINDOW_MS);
        let span_ms = self.arrivals_ms.front().map_or(RATE_WINDOW_MS, |first| now.saturating_sub(*first));
        recent.count() as f32 * 1_000.0 / span_ms.clamp(1_000, RATE_WINDOW_MS) as f32
    }
}

#[cfg(test)]
mod tests {
    use protocol::ManualClock;

    use super::*;

    /// A camera that never answered stays "connecting" with its reason; one that ran is "lost".
    #[test]
    fn lost_means_connected_before() {
        let mut log = StateLog::new(UtcMs(0));
        assert!(!log.failed("refused".into(), UtcMs(5)));
        assert_eq!((log.state, log.since), (CameraState::Connecting, UtcMs(0)));
        log.set(CameraState::Running, None, UtcMs(10));
        assert!(log.failed("gone".into(), UtcMs(20)));
        assert_eq!(
            (log.state, log.since, log.reason.as_deref()),
            (CameraState::Lost, UtcMs(20), Some("gone"))
        );
    }

    /// The rate is that of the last five seconds, and falls to nothing when frames stop.
    #[test]
    fn rate_is_recent() {
        let clock = ManualClock::at(UtcMs(0));
        let mut rate = Rate::default();
        for _ in 0..50 {
            clock.advance_ms(200);
            rate.arrived(&clock);
        }
        assert!((rate.per_second(&clock) - 5.0).abs() < 0.3, "{}", rate.per_second(&clock));
        clock.advance_ms(6_000);
        assert!(rate.per_second(&clock).abs() < f32::EPSILON);
    }
}
