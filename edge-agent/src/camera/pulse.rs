//! Whether a camera is silent or we are slow: each push downstream is timed. A silent camera is built anew; one that
//! waits for us never is, because that would take its pictures away for our own fault.

use std::sync::atomic::{AtomicU64, Ordering};

/// Not pushing.
const NONE: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Pulse {
    /// Uptime when the last push ended, or the session began.
    last_ms: AtomicU64,
    /// Uptime when the push that goes on began.
    pushing_ms: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Flows,
    /// The camera has sent nothing for so long.
    Silent {
        ms: u64,
    },
    /// What is behind us has kept a unit for so long.
    Blocked {
        ms: u64,
    },
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { last_ms: AtomicU64::new(0), pushing_ms: AtomicU64::new(NONE) }
    }

    /// A session begins.
    pub(super) fn begin(&self, now_ms: u64) {
        self.pushing_ms.store(NONE, Ordering::SeqCst);
        self.last_ms.store(now_ms, Ordering::SeqCst);
    }

    pub(super) fn push_begins(&self, now_ms: u64) {
        self.pushing_ms.store(now_ms, Ordering::SeqCst);
    }

    /// The camera's silence counts from here, not from when the unit came.
    pub(super) fn push_ends(&self, now_ms: u64) {
        self.last_ms.store(now_ms, Ordering::SeqCst);
        self.pushing_ms.store(NONE, Ordering::SeqCst);
    }

    pub(super) fn look(&self, now_ms: u64, stall_ms: u64) -> Flow {
        let pushing_ms = self.pushing_ms.load(Ordering::SeqCst);
        if pushing_ms != NONE {
            let ms = now_ms.saturating_sub(pushing_ms);
            return if ms > stall_ms { Flow::Blocked { ms } } else { Flow::Flows };
        }
        let ms = now_ms.saturating_sub(self.last_ms.load(Ordering::SeqCst));
        if ms > stall_ms { Flow::Silent { ms } } else { Flow::Flows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Silence is the camera's only while nobody holds a unit; after our own stall it begins from nothing.
    #[test]
    fn tells_silence_from_back_pressure() {
        let pulse = Pulse::new();
        pulse.begin(1_000);
        assert_eq!(pulse.look(6_000, 5_000), Flow::Flows);
        assert_eq!(pulse.look(6_001, 5_000), Flow::Silent { ms: 5_001 });
        pulse.push_begins(6_001);
        assert_eq!(pulse.look(11_001, 5_000), Flow::Flows);
        assert_eq!(pulse.look(60_001, 5_000), Flow::Blocked { ms: 54_000 });
        pulse.push_ends(60_001);
        assert_eq!(pulse.look(65_001, 5_000), Flow::Flows);
        assert_eq!(pulse.look(66_002, 5_000), Flow::Silent { ms: 6_001 });
    }
}
