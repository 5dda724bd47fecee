//! Time. Every part of the product takes `&dyn Clock` (or `Arc<dyn Clock>`); only [`SystemClock`]
//! reads the machine's.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct UtcMs(pub i64);

impl UtcMs {
    /// This instant moved by `ms` milliseconds (may be negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; negative if `earlier` is later.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// RFC 3339 in UTC with milliseconds, as CloudEvents wants it: `2026-03-18T06:31:20.000Z`.
impl fmt::Display for UtcMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// The one source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall time in UTC. May jump: boxes come back from power cuts without a clock.
    fn now(&self) -> UtcMs;
    /// Milliseconds since this process started; never goes back.
    fn uptime_ms(&self) -> u64;
    /// The same in microseconds, for what is over sooner than a millisecond.
    fn uptime_us(&self) -> u64 {
        self.uptime_ms().saturating_mul(1_000)
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    #[expect(clippy::new_without_default, reason = "starting the clock is an act, not a default")]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> UtcMs {
        UtcMs(jiff::Timestamp::now().as_millisecond())
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn uptime_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock that only moves when told to, for tests and for replay on media time.
#[derive(Debug)]
pub struct ManualClock {
    started_ms: i64,
    now_ms: AtomicI64,
}

impl ManualClock {
    pub fn at(now: UtcMs) -> Self {
        Self { started_ms: now.0, now_ms: AtomicI64::new(now.0) }
    }

    pub fn set(&self, now: UtcMs) {
        self.now_ms.store(now.0, Ordering::SeqCst);
    }

    pub fn advance_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcMs {
        UtcMs(self.now_ms.load(Ordering::SeqCst))
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.now().0 - self.started_ms).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CloudEvents `time` is RFC 3339 with a fixed number of digits.
    #[test]
    fn prints_rfc3339_milliseconds() {
        assert_eq!(UtcMs(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UtcMs(1_773_815_480_007).to_string(), "2026-03-18T06:31:20.007Z");
    }

    /// A manual clock stands still until moved, and uptime follows it.
    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(UtcMs(5_000));
        assert_eq!(clock.now(), UtcMs(5_000));
        clock.advance_ms(250);
        assert_eq!((clock.now(), clock.uptime_ms()), (UtcMs(5_250), 250));
    }
}
