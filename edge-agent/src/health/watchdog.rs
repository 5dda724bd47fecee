//! What systemd's watchdog is fed on: every camera's analysis moves, and the outbox answers. A box that shows one of
//! them no more for half a minute is fed no longer, and systemd starts it anew. Pure.
//!
//! A camera without pictures, a hub out of reach and a full disk are no reasons: starting anew mends none of them.

use std::collections::BTreeMap;

use protocol::CameraId;

/// What shows no life this long is stuck.
const STUCK_MS: u64 = 30_000;

/// How far the analysis of one camera has come.
#[derive(Clone, Debug)]
pub(super) struct Beat {
    pub(super) camera_id: CameraId,
    /// Rounds of its thread, with pictures or without.
    pub(super) count: u64,
    /// Its film is over, or it was stopped: nothing moves any more, rightly.
    pub(super) ended: bool,
}

#[derive(Debug, Default)]
pub(super) struct Watchdog {
    /// The last count of each, and when it was new.
    cameras: BTreeMap<CameraId, (u64, u64)>,
    /// When the outbox last answered; uptime, so 0 is the start.
    outbox_ms: u64,
}

impl Watchdog {
    pub(super) fn outbox_answers(&mut self, now_ms: u64) {
        self.outbox_ms = now_ms;
    }

    pub(super) fn outbox_stuck(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.outbox_ms) > STUCK_MS
    }

    /// Cameras whose analysis does not move, of those that run now.
    pub(super) fn stuck(&mut self, beats: Vec<Beat>, now_ms: u64) -> Vec<CameraId> {
        self.cameras.retain(|id, _| beats.iter().any(|beat| beat.camera_id == *id));
        let mut stuck = Vec::new();
        for Beat { camera_id, count, ended } in beats {
            let seen = self.cameras.entry(camera_id.clone()).or_insert((count, now_ms));
            if seen.0 != count || ended {
                *seen = (count, now_ms);
            } else if now_ms.saturating_sub(seen.1) > STUCK_MS {
                stuck.push(camera_id);
            }
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(id: &str, count: u64, ended: bool) -> Beat {
        Beat { camera_id: id.parse().unwrap(), count, ended }
    }

    /// One stuck analysis among moving ones is named after half a minute and no longer when it moves; an ended film
    /// never is; a camera that was taken away and comes back begins afresh.
    #[test]
    fn a_stuck_analysis_is_named() {
        let mut watchdog = Watchdog::default();
        let mut stuck_at = Vec::new();
        for now_s in 0..100 {
            let (gate, lane) = (if now_s < 80 { 7 } else { now_s }, now_s);
            let beats = vec![beat("gate", gate, false), beat("lane", lane, false), beat("film", 1, true)];
            for id in watchdog.stuck(beats, now_s * 1_000) {
                stuck_at.push((id.to_string(), now_s));
            }
        }
        assert_eq!(stuck_at.first(), Some(&("gate".to_owned(), 31)));
        assert_eq!(stuck_at.last(), Some(&("gate".to_owned(), 79)));
        assert_eq!(stuck_at.len(), 49);
        assert!(watchdog.stuck(Vec::new(), 100_000).is_empty());
        assert!(watchdog.stuck(vec![beat("gate", 99, false)], 200_000).is_empty());
    }

    /// An outbox that has not answered for half a minute is stuck, also one that never did.
    #[test]
    fn a_silent_outbox_is_noticed() {
        let mut watchdog = Watchdog::default();
        assert!(!watchdog.outbox_stuck(STUCK_MS));
        assert!(watchdog.outbox_stuck(STUCK_MS + 1));
        watchdog.outbox_answers(40_000);
        assert!(!watchdog.outbox_stuck(70_000));
        assert!(watchdog.outbox_stuck(70_001));
    }
}
