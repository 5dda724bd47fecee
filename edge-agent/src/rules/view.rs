//! The view itself: covered, out of focus, turned away, frozen.

use protocol::{Label, NormBox, UtcMs};

use super::config::ViewTrouble;
use super::method::Eye;
use super::occurrence::{Best, Sighting, Verdict};
use crate::signs::View;

/// So strong it is.
const IS: f32 = 0.5;
/// What is open stays above this.
const STILL_IS: f32 = 0.35;
/// Weaker for less than this is no interruption.
const DIP_MS: i64 = 1_000;
const WHOLE: NormBox = NormBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };

#[derive(Debug, Default)]
pub(super) struct ViewWatch {
    since: Option<UtcMs>,
    strong_at: UtcMs,
    last: Option<Strength>,
}

#[derive(Clone, Copy, Debug)]
struct Strength(f32);

impl ViewWatch {
    /// Without a view to judge, the last judgement holds.
    pub(super) fn step(
        &mut self,
        at: UtcMs,
        view: Option<&View>,
        trouble: ViewTrouble,
        dwell_ms: i64,
    ) -> Verdict {
        if let Some(view) = view {
            self.last = Some(Strength(match trouble {
                ViewTrouble::Covered => view.covered,
                ViewTrouble::Defocused => view.defocused,
                ViewTrouble::Moved => view.moved,
                ViewTrouble::Frozen => view.frozen,
            }));
        }
        let Some(Strength(strength)) = self.last else { return Verdict::Nothing };
        if strength >= IS {
            self.since.get_or_insert(at);
            self.strong_at = at;
        } else if at.since_ms(self.strong_at) >= DIP_MS {
            self.since = None;
        }
        let long = self.since.is_some_and(|since| at.since_ms(since) >= dwell_ms);
        if long && strength >= IS {
            let best = Best { label: Label::Picture, score: strength, region: WHOLE, eye: Eye::View };
            Verdict::Alarm(Sighting { best, object_count: 1 })
        } else if strength >= STILL_IS {
            Verdict::Keeps
        } else {
            Verdict::Nothing
        }
    }
}
