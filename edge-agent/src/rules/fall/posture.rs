//! What a pose model says of somebody in doubt: somebody who was upright and is so no more, seen or lost from sight. He
//! is looked at twice a second at most, and only for as long as a fall may still come of it; while he lies there, once a
//! second.
//!
//! Trunk and legs that both lean are a body that lies. Who was plainly seen otherwise after the time that a fall takes
//! has lain down, and not fallen. Where somebody else is in sight at the place, who has come to help, a body that does
//! not lie may be his.

use protocol::{Label, NormBox, UtcMs};

use super::body::{FALL_MS, Standing};
use super::place::BENDS_MS;
use crate::detector::Stance;
use crate::rules::method::Eye;
use crate::rules::occurrence::Best;

/// A look counts from this score on.
const SURE: f32 = 0.35;
/// And is plain from this mean score on. Of few pixels in the dark the model is as unsure of a body that lies as of one
/// that bends.
const PLAIN: f32 = 0.45;
/// Lying: trunk and legs at least so far from upright, degrees.
const LIES: f32 = 50.0;
/// Who lies across the picture is at least so many times as wide as when he stands. Of few pixels the model makes a body
/// that lies where somebody bends.
const ACROSS: f32 = 1.3;
/// Looks that agree before it is believed.
const LOOKS: u32 = 2;
/// In doubt: not upright for so long, and for so long at most.
const DOUBT_AFTER_MS: i64 = 600;
const DOUBT_MS: i64 = 6_000;
const EVERY_MS: i64 = 500;
const EVERY_DOWN_MS: i64 = 1_000;
/// The first look that shows him lying comes at most so long after he was last upright.
const FIRST_MS: i64 = FALL_MS + 1_500;
/// Somebody down of whom nothing was plainly seen for so long is no longer believed to lie there.
const UNSEEN_MS: i64 = 10_000;
/// A look that shows him not lying speaks for so long against the shape of his track.
const SPEAKS_MS: i64 = 2_500;
/// The place of somebody lost, about his feet: so far to either side in standing widths, up and down in heights.
const ASIDE: f32 = 3.5;
const ABOVE: f32 = 0.7;
const BELOW: f32 = 0.35;

#[derive(Clone, Copy, Debug)]
struct Lies {
    since: UtcMs,
    seen_at: UtcMs,
    looks: u32,
    /// Of all their scores.
    sum: f32,
    /// They have been plain.
    plain: bool,
    best: Best,
}

impl Lies {
    fn look(&mut self, at: UtcMs, best: Best) {
        (self.seen_at, self.looks, self.sum, self.best) = (at, self.looks + 1, self.sum + best.score, best);
        self.plain |= self.looks >= LOOKS && self.sum >= PLAIN * self.looks as f32;
    }

    /// Since when it counts: where the looks are less than plain, so much later that who bends has come up again.
    fn counts_from(&self) -> UtcMs {
        self.since.plus_ms(if self.plain { 0 } else { BENDS_MS })
    }
}

/// What the looks at one person have shown.
#[derive(Debug, Default)]
pub(super) struct Posture {
    asked: Option<(UtcMs, NormBox)>,
    lies: Option<Lies>,
    /// The last look that plainly showed him otherwise.
    otherwise_at: Option<UtcMs>,
    /// Looks that showed him otherwise after the time that a fall takes.
    slow: u32,
}

impl Posture {
    /// The detector sees him upright.
    pub(super) fn upright(&mut self, at: UtcMs) {
        *self = Self { asked: self.asked.take_if(|(asked, _)| *asked <= at), ..Self::default() };
    }

    /// One look at him, at this place. `alone`: nobody else is in sight there, of whom it may be.
    pub(super) fn look(
        &mut self,
        at: UtcMs,
        region: NormBox,
        stance: Stance,
        standing: &Standing,
        alone: bool,
    ) {
        if stance.score < SURE {
            return;
        }
        let after_ms = at.since_ms(standing.upright_at);
        if stance.lean < LIES {
            if alone {
                (self.otherwise_at, self.lies) = (Some(at), None);
                self.slow += u32::from(after_ms > FALL_MS);
            }
            return;
        }
        if stance.lean <= 180.0 - LIES && region.w < ACROSS * standing.w {
            return;
        }
        let best =
            Best { label: Label::Person, score: stance.score, region: region.clamped(), eye: Eye::Pose };
        let slow = self.is_slow();
        match &mut self.lies {
            Some(lies) => lies.look(at, best),
            None if after_ms <= FIRST_MS && !slow => {
                self.lies =
                    Some(Lies { since: at, seen_at: at, looks: 1, sum: stance.score, plain: false, best });
            }
            None => {}
        }
    }

    /// Since when it counts that he lies there, and what shows it.
    pub(super) fn lying(&self, at: UtcMs) -> Option<(UtcMs, Best)> {
        let lies = self.lies.filter(|l| l.looks >= LOOKS && at.since_ms(l.seen_at) <= UNSEEN_MS)?;
        Some((lies.counts_from(), lies.best))
    }

    pub(super) fn is_of_somebody_down(&self, at: UtcMs) -> bool {
        self.lying(at).is_some()
    }

    /// Plainly seen otherwise, more than once, after the time that a fall takes, and not upright since: he has not
    /// fallen.
    pub(super) fn is_slow(&self) -> bool {
        self.slow >= LOOKS
    }

    /// Plainly seen, a moment ago, not to lie.
    pub(super) fn speaks_against(&self, at: UtcMs) -> bool {
        self.otherwise_at.is_some_and(|seen| at.since_ms(seen) <= SPEAKS_MS)
    }

    /// Since when a look is due; `None`: none is. `low`: he lies there, by the shape of his track.
    pub(super) fn due(&self, at: UtcMs, standing: &Standing, low: bool) -> Option<UtcMs> {
        let after_ms = at.since_ms(standing.upright_at);
        let down = low || self.is_of_somebody_down(at);
        let doubt = (DOUBT_AFTER_MS..=DOUBT_MS).contains(&after_ms) && !self.is_slow();
        let every_ms = if doubt { EVERY_MS } else { EVERY_DOWN_MS };
        let last = self.asked.map(|(asked, _)| asked).filter(|asked| *asked >= standing.upright_at);
        let due = last.map_or(standing.upright_at, |asked| asked.plus_ms(every_ms));
        ((down || doubt) && at >= due).then_some(due)
    }

    pub(super) fn ask(&mut self, at: UtcMs, region: NormBox) {
        self.asked = Some((at, region));
    }

    /// How much a place is the one that was asked about; 0: not at all.
    pub(super) fn is_about(&self, region: &NormBox) -> f32 {
        self.asked.map_or(0.0, |(_, asked)| asked.iou(region))
    }
}

/// Where somebody lies who fell where he stood and was lost from sight.
pub(super) fn about_feet(standing: &Standing) -> NormBox {
    let (x, y) = standing.upright.foot();
    let Standing { w, h, .. } = *standing;
    NormBox { x: x - ASIDE * w, y: y - ABOVE * h, w: 2.0 * ASIDE * w, h: (ABOVE + BELOW) * h }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fall::body::Body;
    use crate::tracker::Track;

    const UPRIGHT: NormBox = NormBox { x: 0.4, y: 0.4, w: 0.06, h: 0.2 };
    const WIDE: NormBox = NormBox { x: 0.35, y: 0.5, w: 0.16, h: 0.1 };

    fn standing() -> Standing {
        let track = Track::of_test(UtcMs(0), UPRIGHT);
        let mut body = Body::new(1, UtcMs(0), &track);
        (1..=10).for_each(|i| body.see(UtcMs(i * 100), &track));
        body.standing
    }

    /// Looks of (milliseconds since he was last upright, lean, whether he is alone there).
    fn after(looks: &[(i64, f32, bool)]) -> (Posture, UtcMs) {
        let (mut posture, standing) = (Posture::default(), standing());
        let mut at = standing.upright_at;
        for &(after_ms, lean, alone) in looks {
            at = standing.upright_at.plus_ms(after_ms);
            posture.look(at, WIDE, Stance { lean, score: 0.6 }, &standing, alone);
        }
        (posture, at)
    }

    /// Who sits or squats is plainly seen to; one look may be wrong.
    #[test]
    fn two_looks_that_show_him_otherwise_say_that_he_has_not_fallen() {
        assert!(!after(&[(2_000, 20.0, true)]).0.is_slow());
        assert!(after(&[(2_000, 20.0, true), (2_500, 30.0, true)]).0.is_slow());
        assert!(!after(&[(600, 20.0, true), (1_100, 30.0, true)]).0.is_slow());
    }

    /// Unsure looks may be of somebody who bends, and count when he would have come up again.
    #[test]
    fn unsure_looks_count_later() {
        let since = |score: f32| {
            let (mut posture, standing) = (Posture::default(), standing());
            for after_ms in [1_200, 1_700] {
                let at = standing.upright_at.plus_ms(after_ms);
                posture.look(at, WIDE, Stance { lean: 85.0, score }, &standing, true);
            }
            let lying = posture.lying(standing.upright_at.plus_ms(1_700));
            lying.map(|(since, _)| since.since_ms(standing.upright_at))
        };
        assert_eq!((since(0.5), since(0.38), since(0.3)), (Some(1_200), Some(1_200 + BENDS_MS), None));
    }

    /// A body that lies across a box no wider than somebody who stands is none.
    #[test]
    fn who_lies_across_is_wide() {
        let lies = |wide: f32, lean: f32| {
            let (mut posture, standing) = (Posture::default(), standing());
            let region = NormBox { y: 0.5, w: UPRIGHT.w * wide, h: 0.1, ..UPRIGHT };
            for after_ms in [1_200, 1_700] {
                let at = standing.upright_at.plus_ms(after_ms);
                posture.look(at, region, Stance { lean, score: 0.5 }, &standing, true);
            }
            posture.lying(standing.upright_at.plus_ms(1_700)).is_some()
        };
        assert!(lies(1.8, 90.0) && !lies(1.1, 90.0));
        // His head towards the camera he is as narrow.
        assert!(lies(1.1, 160.0));
    }

    /// Who comes to help stands there, and the one who fell lies there all the same.
    #[test]
    fn a_helper_does_not_speak_for_who_lies_there() {
        let (posture, at) =
            after(&[(1_200, 80.0, true), (1_700, 85.0, true), (2_500, 5.0, false), (3_000, 8.0, false)]);
        assert!(posture.lying(at).is_some() && !posture.is_slow() && !posture.speaks_against(at));
    }
}
