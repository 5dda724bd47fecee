//! Media time to wall time: each session is tied to the wall clock once, and again only when the clock jumps.

use protocol::{Clock, UtcMs};

/// A wall clock that moved by more than this against the uptime was set, not slewed.
const JUMP_MS: i64 = 2_000;

/// Media time that runs this far off its arrival has been restarted by the camera.
const STRAY_US: i64 = 5_000_000;

/// One session's tie between media time and wall time.
#[derive(Debug)]
pub(crate) struct Anchor {
    wall_us: i64,
    media_us: i64,
    /// Wall time minus uptime when tied.
    offset_ms: i64,
    /// Whether media time is paced by the camera (live, or a file in real time).
    paced: bool,
}

/// What the clock did since the session was tied to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drift {
    None,
    /// The wall clock was set: times before and after cannot be compared.
    ClockSet,
    /// The camera began its own time anew.
    MediaRestarted,
}

impl Anchor {
    /// `lag_us`: how long ago the unit with `media_us` was captured, as far as the pipeline knows.
    /// `not_before`: the last capture time already given out for this camera.
    pub(crate) fn tie(
        clock: &dyn Clock,
        media_us: i64,
        lag_us: i64,
        not_before_us: Option<i64>,
        paced: bool,
    ) -> Self {
        let now = clock.now();
        let lag_us = lag_us.clamp(0, STRAY_US);
        let wall_us = now.0.saturating_mul(1_000) - lag_us;
        let wall_us = not_before_us.map_or(wall_us, |last| wall_us.max(last.saturating_add(1_000)));
        Self { wall_us, media_us, offset_ms: offset_ms(clock, now), paced }
    }

    /// Whether the last capture time given out lies in the future: the clock was set back between two sessions, and
    /// what came before cannot be compared with what comes.
    pub(crate) fn is_behind(clock: &dyn Clock, last_us: i64) -> bool {
        last_us > clock.now().0.saturating_mul(1_000).saturating_add(STRAY_US)
    }

    /// Capture time of the unit with `media_us`, in microseconds since 1970.
    pub(crate) fn captured_us(&self, media_us: i64) -> i64 {
        self.wall_us + (media_us - self.media_us)
    }

    /// Whether the tie still holds for a unit that arrived with `lag_us`.
    pub(crate) fn drift(&self, clock: &dyn Clock, media_us: i64, lag_us: i64) -> Drift {
        if !self.paced {
            return Drift::None;
        }
        let now = clock.now();
        if (offset_ms(clock, now) - self.offset_ms).abs() > JUMP_MS {
            return Drift::ClockSet;
        }
        let arrived_us = now.0.saturating_mul(1_000) - lag_us.clamp(0, STRAY_US);
        if (arrived_us - self.captured_us(media_us)).abs() > 2 * STRAY_US {
            return Drift::MediaRestarted;
        }
        Drift::None
    }
}

fn offset_ms(clock: &dyn Clock, now: UtcMs) -> i64 {
    now.0.saturating_sub_unsigned(clock.uptime_ms())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// Wall time and uptime moved apart at will.
    #[derive(Debug, Default)]
    struct TwoClocks {
        wall: AtomicI64,
        uptime: AtomicI64,
    }

    impl Clock for TwoClocks {
        fn now(&self) -> UtcMs {
            UtcMs(self.wall.load(Ordering::SeqCst))
        }

        fn uptime_ms(&self) -> u64 {
            self.uptime.load(Ordering::SeqCst) as u64
        }
    }

    impl TwoClocks {
        fn pass(&self, ms: i64) {
            self.wall.fetch_add(ms, Ordering::SeqCst);
            self.uptime.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// Capture time is arrival less what the pipeline held it for, and follows media time from there.
    #[test]
    fn follows_media_time() {
        let clock = TwoClocks::default();
        clock.pass(100_000);
        let anchor = Anchor::tie(&clock, 7_000_000, 200_000, None, true);
        assert_eq!(anchor.captured_us(7_000_000), 99_800_000);
        assert_eq!(anchor.captured_us(7_040_000), 99_840_000);
        clock.pass(3_000);
        assert_eq!(anchor.drift(&clock, 10_000_000, 200_000), Drift::None);
    }

    /// A clock set after a power cut is noticed; a reconnection never runs back in time.
    #[test]
    fn notices_a_set_clock() {
        let clock = TwoClocks::default();
        clock.pass(1_000);
        let anchor = Anchor::tie(&clock, 0, 0, Some(5_000_000), true);
        assert_eq!(anchor.captured_us(0), 5_001_000);
        clock.wall.store(1_773_815_480_000, Ordering::SeqCst);
        assert_eq!(anchor.drift(&clock, 40_000, 0), Drift::ClockSet);
    }

    /// A clock set back while no camera was connected is noticed at the next session, which then runs at the new
    /// time without another break.
    #[test]
    fn notices_a_clock_set_back_between_sessions() {
        let clock = TwoClocks::default();
        clock.pass(100_000_000);
        let last_us = Anchor::tie(&clock, 0, 0, None, true).captured_us(0);
        assert!(!Anchor::is_behind(&clock, last_us));
        clock.wall.fetch_sub(28_800_000, Ordering::SeqCst);
        assert!(Anchor::is_behind(&clock, last_us));
        let anchor = Anchor::tie(&clock, 0, 0, None, true);
        clock.pass(1_000);
        assert_eq!(anchor.drift(&clock, 1_000_000, 0), Drift::None);
    }

    /// A camera that restarts its own time is noticed; a file played faster than real time is not.
    #[test]
    fn notices_restarted_media() {
        let clock = TwoClocks::default();
        let tie = |paced| Anchor::tie(&clock, 0, 0, None, paced);
        assert_eq!(tie(true).drift(&clock, 90_000_000, 0), Drift::MediaRestarted);
        assert_eq!(tie(false).drift(&clock, 90_000_000, 0), Drift::None);
    }
}
