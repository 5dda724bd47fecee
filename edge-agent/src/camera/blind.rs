//! Whether pictures come out of what a camera sends, and when to try another decoder: one that hangs says nothing,
//! and video that this machine cannot decode must not cost a decoder every few seconds. Pure.

/// Units that come for so long without one decoded picture cannot be decoded.
const BLIND_MS: u64 = 15_000;
/// Longest time between two decoders.
const REBUILD_MOST_MS: u64 = 3_600_000;

#[derive(Debug)]
pub(super) struct Watcher {
    decoded: u64,
    since_ms: u64,
    rebuild_at_ms: u64,
    wait_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) blind: bool,
    /// The decoder is to be let go.
    pub(super) rebuild: bool,
}

impl Watcher {
    /// `decoded`: pictures so far.
    pub(super) fn new(decoded: u64, now_ms: u64) -> Self {
        Self { decoded, since_ms: now_ms, rebuild_at_ms: now_ms + BLIND_MS, wait_ms: BLIND_MS }
    }

    pub(super) fn look(&mut self, decoded: u64, now_ms: u64) -> Look {
        if decoded != self.decoded {
            *self = Self::new(decoded, now_ms);
        }
        let blind = now_ms.saturating_sub(self.since_ms) > BLIND_MS;
        let rebuild = blind && now_ms > self.rebuild_at_ms;
        if rebuild {
            self.wait_ms = (self.wait_ms * 2).min(REBUILD_MOST_MS);
            self.rebuild_at_ms = now_ms + self.wait_ms;
        }
        Look { blind, rebuild }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blind after 15 s without a picture, with a new decoder then, after 30 s more, a minute more, at last once an
    /// hour; a picture ends it.
    #[test]
    fn decoders_are_changed_ever_more_rarely() {
        let mut watcher = Watcher::new(7, 1_000);
        let mut rebuilt_s = Vec::new();
        for now_s in 2..40_000 {
            let look = watcher.look(7, now_s * 1_000);
            assert_eq!(look.blind, now_s > 16);
            if look.rebuild {
                rebuilt_s.push(now_s);
            }
        }
        assert_eq!(rebuilt_s[..3], [17, 48, 109]);
        assert!(rebuilt_s.windows(2).all(|w| w[1] - w[0] <= 3_601) && rebuilt_s.len() < 20, "{rebuilt_s:?}");
        assert_eq!(watcher.look(8, 40_000_000), Look { blind: false, rebuild: false });
        assert!(watcher.look(8, 40_015_001).rebuild, "it begins anew");
    }
}
