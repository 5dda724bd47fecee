//! Whether the detectors have time for what cameras ask of them, second by second.

use super::Shared;
use crate::detector::DetectorStats;
use crate::pace::{Pacer, Second};

const SECOND_MS: u64 = 1_000;

pub(super) struct Timing {
    pacer: Pacer,
    at_ms: u64,
    before: Vec<DetectorStats>,
}

impl Timing {
    pub(super) fn new(shared: &Shared) -> Self {
        let pacer = Pacer::new(shared.pace.clone());
        Self { pacer, at_ms: shared.clock.uptime_ms(), before: stats(shared) }
    }

    /// Called now and then; acts once a second.
    pub(super) fn watch(&mut self, shared: &Shared) {
        let now_ms = shared.clock.uptime_ms();
        let passed_ms = now_ms.saturating_sub(self.at_ms);
        if passed_ms < SECOND_MS {
            return;
        }
        self.at_ms = now_ms;
        let now = stats(shared);
        let before = std::mem::replace(&mut self.before, now.clone());
        let mut second = Second::default();
        for ((post, now), before) in shared.posts.iter().zip(now).zip(before) {
            // Nobody waits for one of fire and smoke alone; it takes what frames it has time for.
            if post.role().aside() {
                continue;
            }
            second.looked += now.detected - before.detected;
            second.skipped += now.skipped - before.skipped;
            second.busy = second.busy.max((now.busy_ms - before.busy_ms) as f32 / passed_ms as f32);
        }
        if let Some(share) = self.pacer.step(second) {
            tracing::info!(
                share,
                looked = second.looked,
                skipped = second.skipped,
                "the rate of analysis changes"
            );
        }
    }
}

fn stats(shared: &Shared) -> Vec<DetectorStats> {
    shared.posts.iter().map(|post| post.lane.stats()).collect()
}
