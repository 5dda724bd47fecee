//! How much of a standing person below his box is there unseen. Where trousers are as dark as the ground, or a bench
//! stands before the legs, a detector gives head and trunk for the whole person now and then: the box ends at the hips,
//! and its lower edge is no foot.
//!
//! Nobody becomes half as high in an instant while his head stays where it was: who bends, sits or falls brings his
//! head down, and his feet stay; who walks away grows narrower, too. Nor does anybody grow so: then his legs were hidden
//! until now, or, where that is seen but once, the box took in something below him.

use protocol::{NormBox, UtcMs};

/// A box lower than this, in heights of the whole person, may be cut off.
const CUT: f32 = 0.78;
/// And one higher than this takes in something else: a walker's stride changes it by less.
const LONG: f32 = 1.13;
/// The upper edge goes up or down by so much at most, in heights of the whole, while somebody walks.
const HEAD: f32 = 0.15;
/// And to the side, in his widths, while he stands; who passes by goes further from sight to sight.
const ASIDE: f32 = 0.8;
const PASSES: f32 = 0.25;
/// Least share of his width in a box that is only cut off below.
const WIDE: f32 = 0.8;
/// Nearer to the picture's upper edge a head may be cut off.
const EDGE: f32 = 0.01;
/// Share of the height that is missing by which the lower edge went up at least: who falls slowly keeps it.
const FEET: f32 = 0.5;
/// Seen whole so long ago, he may have come closer or gone farther: his height is no longer known. Of one whose head
/// has stayed where it was, to the side too, it is known for longer.
const KNOWN_MS: i64 = 3_000;
const STANDING_MS: i64 = 120_000;
/// Known from so many sights, he has grown when two in a row say so. From fewer, it is forgotten after as many boxes
/// that end below the hips: the first ones may have taken in what he walked by.
const STEADY: u32 = 4;
/// A box that ends at the hips has a lower share of the height.
const HIPS: f32 = 0.65;
/// What a new sight counts in the height of the whole: a single box may be too high, and one that ends at the knees is
/// too low.
const LEARN: f32 = 0.5;
const FORGET: f32 = 0.2;

/// What a sight shows of somebody's legs; lengths in shares of the picture's height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Legs {
    Seen,
    /// The feet are so far below the box; above its lower edge where less than 0.
    Hidden(f32),
    /// They had been below the boxes up to now by so much; less than 0 where what was taken for them was none.
    Appear(f32),
}

/// How somebody stands, as a mean over some sights.
#[derive(Clone, Copy, Debug)]
struct Shape {
    height: f32,
    head: f32,
    feet: f32,
    /// Across.
    middle: f32,
    width: f32,
    /// When he was last seen so.
    at: UtcMs,
}

impl Shape {
    fn of(at: UtcMs, seen: &NormBox) -> Self {
        let (feet, middle) = (seen.y + seen.h, seen.x + seen.w / 2.0);
        Self { height: seen.h, head: seen.y, feet, middle, width: seen.w, at }
    }

    /// All of it, or somebody who walks away would seem to keep his head where it was.
    fn learn(&mut self, at: UtcMs, seen: &NormBox, share: f32) {
        let new = Self::of(at, seen);
        let learn = |known: &mut f32, seen: f32| *known += share * (seen - *known);
        learn(&mut self.height, new.height);
        learn(&mut self.head, new.head);
        learn(&mut self.feet, new.feet);
        learn(&mut self.middle, new.middle);
        learn(&mut self.width, new.width);
        self.at = at;
    }

    /// How far he has gone to the side, in his widths.
    fn aside(&self, seen: &NormBox) -> f32 {
        (seen.x + seen.w / 2.0 - self.middle).abs() / self.width.max(1e-6)
    }

    /// He has not walked on to the side.
    fn is_beside(&self, seen: &NormBox) -> bool {
        self.aside(seen) <= ASIDE
    }

    /// Who walks away from a camera as high as his head keeps it in its row, and grows narrower as he grows lower.
    fn is_as_wide(&self, seen: &NormBox) -> bool {
        seen.w >= WIDE * self.width
    }

    /// He neither bends nor sits. At the picture's upper edge nobody's head is known.
    fn has_its_head(&self, seen: &NormBox) -> bool {
        seen.y > EDGE && (seen.y - self.head).abs() <= HEAD * self.height.max(seen.h)
    }

    /// His head is where it was, and what the height differs by is missing, or more, at the feet.
    fn differs_at_the_feet(&self, seen: &NormBox) -> bool {
        let missing = self.height - seen.h;
        let higher = self.feet - (seen.y + seen.h);
        self.has_its_head(seen) && higher * missing.signum() >= FEET * missing.abs()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    now: Shape,
    /// As he stood before he bent, where he bent.
    tall: Shape,
    sights: u32,
    /// Boxes since the last whole one that end below the hips.
    knees: u32,
    /// A height that was given up, and from how many sights it was known.
    given_up: Option<(f32, u32)>,
    /// The last box that told of his height was much higher than that.
    longer: bool,
}

impl Figure {
    pub(super) fn new(at: UtcMs, seen: &NormBox) -> Self {
        let shape = Shape::of(at, seen);
        Self { now: shape, tall: shape, sights: 1, knees: 0, given_up: None, longer: false }
    }

    /// One sight.
    pub(super) fn sight(&mut self, at: UtcMs, seen: &NormBox) -> Legs {
        if let Some((height, sights)) = self.given_up
            && seen.h * LONG >= height
        {
            // He is as high after all; but a height that was given up once may be so again.
            let more = seen.h - self.now.height;
            *self = Self { sights: (sights + 1).min(STEADY - 1), ..Self::new(at, seen) };
            return Legs::Appear(more);
        }
        let known = self.is_known(at, &self.now, seen);
        let stands = self.tall.is_beside(seen) && self.is_known(at, &self.tall, seen);
        let heights = [known.then_some(self.now.height), stands.then_some(self.tall.height)];
        if let Some(height) = heights.into_iter().flatten().find(|height| seen.h < CUT * height) {
            self.knees += u32::from(seen.h >= HIPS * height);
            if self.sights < STEADY && self.knees >= STEADY {
                *self = Self { given_up: Some((height, self.sights)), ..Self::new(at, seen) };
                return Legs::Appear(seen.h - height);
            }
            return Legs::Hidden(height - seen.h);
        }
        self.knees = 0;
        let more = seen.h - self.now.height;
        let longer = seen.h > LONG * self.now.height && known;
        if longer {
            let again = std::mem::replace(&mut self.longer, true);
            if !again && self.sights >= STEADY {
                return Legs::Hidden(-more);
            }
        }
        self.longer = longer;
        let share = match seen.h {
            low if low < CUT * self.now.height => 1.0,
            lower if lower < self.now.height && known => FORGET,
            _ => LEARN,
        };
        self.now.learn(at, seen, share);
        self.sights = self.sights.saturating_add(1);
        if self.sights < STEADY || self.now.height >= self.tall.height || !self.tall.is_beside(seen) {
            self.tall = self.now;
        } else if self.tall.has_its_head(seen) {
            self.tall.learn(at, seen, FORGET);
        }
        if longer { Legs::Appear(more) } else { Legs::Seen }
    }

    /// Whether this may be him as he stood, but for his legs. Of one who stands there that is known for long; who passes
    /// by trembles in his width.
    fn is_known(&self, at: UtcMs, shape: &Shape, seen: &NormBox) -> bool {
        let for_ms = if shape.is_as_wide(seen) && shape.is_beside(seen) && self.sights >= STEADY {
            STANDING_MS
        } else if shape.is_as_wide(seen) || shape.aside(seen) >= PASSES {
            KNOWN_MS
        } else {
            return false;
        };
        at.since_ms(shape.at) <= for_ms && shape.differs_at_the_feet(seen)
    }
}

#[cfg(test)]
mod tests {
    use protocol::Chance;

    use super::*;

    fn unseen(sights: &[(i64, f32, f32)]) -> Vec<f32> {
        let region = |y: f32, h: f32| NormBox { x: 0.7, y, w: 0.08, h };
        let (at, y, h) = sights[0];
        let mut figure = Figure::new(UtcMs(at), &region(y, h));
        let hidden = |legs| if let Legs::Hidden(below) = legs { below } else { 0.0 };
        sights[1..].iter().map(|&(at, y, h)| hidden(figure.sight(UtcMs(at), &region(y, h)))).collect()
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

    /// He who stands in the dark beside his bag has his feet where they were, for as long as his head stays; another's
    /// head, elsewhere, says nothing of them.
    #[test]
    fn who_stands_keeps_his_height() {
        let seen = |x: f32| {
            let stands = |i: i64| NormBox {
                x: if i < 5 { 0.48 } else { x },
                y: 0.34,
                w: 0.04,
                h: if i < 5 { 0.22 } else { 0.12 },
            };
            let mut figure = Figure::new(UtcMs(0), &stands(0));
            (1..100).map(|i| figure.sight(UtcMs(i * 200), &stands(i))).last()
        };
        assert!(matches!(seen(0.483), Some(Legs::Hidden(below)) if (below - 0.1).abs() < 0.01));
        assert_eq!(seen(0.55), Some(Legs::Seen));
    }

    /// He bends to put his bag down, comes up again, and from then on is seen down to his hips, as YOLOX-nano saw him in
    /// the dark.
    #[test]
    fn who_comes_up_again_stands() {
        let bends = [(0.332, 0.225), (0.351, 0.205), (0.377, 0.181), (0.417, 0.137), (0.432, 0.123)];
        let comes_up = [(0.393, 0.168), (0.364, 0.193), (0.342, 0.123), (0.34, 0.123), (0.341, 0.121)];
        let sights = [(0.333, 0.222); 8].into_iter().chain(bends).chain(comes_up);
        let sights: Vec<_> = sights.enumerate().map(|(i, (y, h))| (i as i64 * 200, y, h)).collect();
        let below = unseen(&sights);
        assert!(below[..14].iter().all(|v| v.abs() < 1e-6), "{below:?}");
        assert!(below[14..].iter().all(|v| (0.08..0.12).contains(v)), "{below:?}");
    }

    /// Cut off at the knees or higher in three sights of four, he has his feet where they were seen.
    #[test]
    fn knees_are_no_feet() {
        let heights =
            [0.26, 0.246, 0.276, 0.161, 0.26, 0.208, 0.215, 0.152, 0.178, 0.159, 0.239, 0.227, 0.177];
        let heights = heights.into_iter().chain([0.159, 0.23, 0.166, 0.174, 0.169, 0.16, 0.16, 0.176, 0.231]);
        let seen: Vec<_> = heights.enumerate().map(|(i, h)| (i as i64 * 200, 0.546, h)).collect();
        let feet = seen[1..].iter().zip(unseen(&seen)).map(|((_, y, h), below)| y + h + below);
        assert!(feet.clone().all(|foot| foot >= 0.75), "{:?}", feet.collect::<Vec<_>>());
    }

    /// One box of many that reaches further down, over what stands before him, is not believed; legs that come into sight
    /// are, at the second.
    #[test]
    fn one_long_box_moves_no_feet() {
        let heights = |long: usize| (0..12).map(move |i| if i >= 10 - long && i < 10 { 0.17 } else { 0.12 });
        let feet = |long: usize| {
            let seen: Vec<_> = heights(long).enumerate().map(|(i, h)| (i as i64 * 200, 0.36, h)).collect();
            let feet = seen[1..].iter().zip(unseen(&seen)).map(|((_, y, h), below)| y + h + below);
            feet.fold(0.0_f32, f32::max)
        };
        assert!((feet(1) - 0.48).abs() < 0.01, "{}", feet(1));
        assert!((feet(2) - 0.53).abs() < 0.01, "{}", feet(2));
    }

    /// Somebody walks straight away from a camera as high as his head or higher, or towards it, in boxes that tremble: his
    /// feet are where his box ends, but for a second at most.
    #[test]
    fn who_walks_along_the_view_takes_his_feet_with_him() {
        let chance = Chance::seeded(11);
        let tremble = || 1.0 + 0.06 * (chance.below(1_000) as f32 / 1_000.0 - 0.5);
        for camera_m in [1.7, 2.2, 3.0] {
            for (fps, pace) in [(3, 1.4), (5, 1.4), (10, 1.4), (5, 3.0), (10, 3.0), (15, 3.0), (5, -1.0)] {
                let mut figure: Option<Figure> = None;
                let (mut wrong, mut worst) = (0, 0);
                for i in 0..8 * fps {
                    let (at, distance) = (i * 1_000 / fps, 12.0_f32.min(4.0 + pace * i as f32 / fps as f32));
                    let distance = if pace < 0.0 { 12.0 + pace * i as f32 / fps as f32 } else { distance };
                    let (w, h) = (0.5 / distance * tremble(), 1.7 / distance * tremble());
                    let foot = 0.4 + camera_m / distance;
                    let seen = NormBox { x: 0.5 - w / 2.0, y: foot - h, w, h };
                    let legs = match &mut figure {
                        Some(figure) => figure.sight(UtcMs(at), &seen),
                        None => {
                            figure = Some(Figure::new(UtcMs(at), &seen));
                            Legs::Seen
                        }
                    };
                    let off = if let Legs::Hidden(below) = legs { below.abs() } else { 0.0 };
                    wrong = if off > 0.15 * h { wrong + 1 } else { 0 };
                    worst = worst.max(wrong * 1_000 / fps);
                }
                assert!(worst <= 1_000, "{camera_m} m, {pace} m/s, {fps} a second: wrong for {worst} ms");
            }
        }
    }

    /// Beside a parked car, as YOLOX-nano saw him: two boxes took in more than him, all that follow are as high as he is.
    #[test]
    fn a_height_of_two_sights_is_forgotten() {
        let seen = |i: i64| (i * 200, 0.378, [0.191, 0.171].get(i as usize).copied().unwrap_or(0.141));
        let below = unseen(&(0..12).map(seen).collect::<Vec<_>>());
        assert!(below[1..4].iter().all(|v| *v > 0.04) && below[4..].iter().all(|v| *v == 0.0), "{below:?}");
    }

    /// Known from two sights, then cut off at the knees in four and in every other from then on: the height that was given
    /// up comes back.
    #[test]
    fn a_height_that_shows_again_is_believed() {
        let whole = |i: i64| i < 2 || i > 6 && i % 2 == 0;
        let seen: Vec<_> = (0..60).map(|i| (i * 200, 0.4, if whole(i) { 0.2 } else { 0.14 })).collect();
        let feet = seen[1..].iter().zip(unseen(&seen)).map(|((_, y, h), below)| y + h + below);
        let wrong = feet.filter(|foot| *foot < 0.59).count();
        assert!(wrong <= 4, "{wrong} of 59");
    }

    /// Legs that come into sight are believed at the second sight, however seldom anybody looks.
    #[test]
    fn legs_that_appear_are_believed() {
        for every_ms in [100, 600, 1_000] {
            let seen: Vec<_> = (0..20).map(|i| (i * every_ms, 0.3, if i < 8 { 0.1 } else { 0.2 })).collect();
            let below = unseen(&seen);
            assert!((below[7] + 0.1).abs() < 1e-3 && below[8..].iter().all(|v| v.abs() < 1e-6), "{below:?}");
        }
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
