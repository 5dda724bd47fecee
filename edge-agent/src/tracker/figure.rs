//! How much of a standing person below his box is there unseen. Where trousers are as dark as the ground, or a bench
//! stands before the legs, a detector gives head and trunk for the whole person now and then: the box ends at the hips,
//! and its lower edge is no foot.
//!
//! Nobody becomes half as high in an instant while his head stays where it was: who bends, sits or falls brings his head
//! down, and his feet stay.

use protocol::{NormBox, UtcMs};

/// A box lower than this, in heights of the whole person, may be cut off.
const CUT: f32 = 0.78;
/// The upper edge goes up or down by so much at most, in heights of the whole, while somebody walks.
const HEAD: f32 = 0.15;
/// Share of the height that is missing by which the lower edge went up at least: who falls slowly keeps it.
const FEET: f32 = 0.5;
/// Seen whole so long ago, he may have come closer or gone farther: his height is no longer known.
const KNOWN_MS: i64 = 3_000;
/// What a new sight counts in the height of the whole: a single box may be too high.
const LEARN: f32 = 0.5;

#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    /// Height of the whole person, when he was last seen so, and where head and feet were.
    height: f32,
    whole_at: UtcMs,
    head: f32,
    feet: f32,
}

impl Figure {
    pub(super) fn new(at: UtcMs, seen: &NormBox) -> Self {
        Self { height: seen.h, whole_at: at, head: seen.y, feet: seen.y + seen.h }
    }

    /// One sight; gives the share of the picture's height by which his feet are below the box.
    pub(super) fn sight(&mut self, at: UtcMs, seen: &NormBox) -> f32 {
        let (feet, missing) = (seen.y + seen.h, self.height - seen.h);
        let head_stays = (seen.y - self.head).abs() <= HEAD * self.height;
        let feet_go = self.feet - feet >= FEET * missing;
        let known = at.since_ms(self.whole_at) <= KNOWN_MS;
        if seen.h < CUT * self.height && head_stays && feet_go && known {
            return missing;
        }
        self.height += if seen.h < CUT * self.height { 1.0 } else { LEARN } * (seen.h - self.height);
        (self.whole_at, self.head, self.feet) = (at, seen.y, feet);
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(sights: &[(i64, f32, f32)]) -> Vec<f32> {
        let region = |y: f32, h: f32| NormBox { x: 0.7, y, w: 0.08, h };
        let (at, y, h) = sights[0];
        let mut figure = Figure::new(UtcMs(at), &region(y, h));
        sights[1..].iter().map(|&(at, y, h)| figure.sight(UtcMs(at), &region(y, h))).collect()
    }

    /// A passer-by before the zone at night, as YOLOX-nano saw him: whole, or without his dark trousers.
    #[test]
    fn feet_in_the_dark_are_below_a_box_that_ends_at_the_hips() {
        let seen = [
            (149_200, 0.549, 0.195),
            (149_400, 0.559, 0.132),
            (149_800, 0.568, 0.128),
            (150_200, 0.556, 0.264),
            (150_400, 0.554, 0.135),
        ];
        let unseen = unseen(&seen);
        assert!(unseen[0] > 0.05 && unseen[1] > 0.05, "{unseen:?}");
        assert!(unseen[2].abs() < 1e-6, "{unseen:?}");
        assert!(0.554 + 0.135 + unseen[3] > 0.74, "{unseen:?}");
    }

    #[test]
    fn who_bends_or_falls_stands_where_his_box_ends() {
        let bends = [(0, 0.40, 0.20), (200, 0.43, 0.17), (400, 0.47, 0.13), (600, 0.50, 0.10)];
        let falls = [(0, 0.40, 0.20), (200, 0.41, 0.19), (400, 0.54, 0.06)];
        assert!(unseen(&bends).iter().chain(&unseen(&falls)).all(|v| v.abs() < 1e-6));
    }

    /// However long a fall takes and however often he is looked at, his feet are where his box ends.
    #[test]
    fn a_fall_of_any_speed_brings_the_head_down() {
        for fps in [3, 5, 10, 15] {
            for lasts_ms in (400..=2_000).step_by(200) {
                let sight = |at: i64| {
                    let done = (at as f32 / lasts_ms as f32).clamp(0.0, 1.0);
                    let h = 0.2 - 0.14 * done;
                    (at, 0.6 - h, h)
                };
                let falls: Vec<_> = (0..4 * fps).map(|i| sight(i * 1_000 / fps)).collect();
                assert!(unseen(&falls).iter().all(|v| v.abs() < 1e-6), "{lasts_ms} ms at {fps} a second");
            }
        }
    }

    /// Who walks away grows smaller, and one box that was too high is not believed for long.
    #[test]
    fn a_height_of_long_ago_says_nothing() {
        let away: Vec<_> = (0..40).map(|i| (i * 200, 0.4, 0.3 - 0.005 * i as f32)).collect();
        assert!(unseen(&away).iter().all(|v| v.abs() < 1e-6));
        let high: Vec<_> = (0..30).map(|i| (i * 200, 0.4, if i == 0 { 0.3 } else { 0.2 })).collect();
        assert!(unseen(&high)[20..].iter().all(|v| v.abs() < 1e-6));
    }
}
