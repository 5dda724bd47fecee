//! One person as the rule for falls knows him: how he stands, and whether the shape of his track says that he lies.
//! Who sits down stays narrow, who bends comes up again, who walks away shrinks as a whole, who steps behind a wall
//! loses his feet and not his head.
//!
//! What is left out: somebody who falls straight towards the camera or away from it hardly grows wider. The place and a
//! pose model see to those.

use protocol::{NormBox, UtcMs};

use super::LOST_MS;
use super::place::{BENDS_MS, Ground};
use super::posture::Posture;
use crate::frame::Detection;
use crate::rules::occurrence::Best;
use crate::rules::places::same_place;
use crate::tracker::Track;

/// Lying: so much wider in proportion than when standing, so much wider as such, and at most so high.
const WIDER_SHAPE: f32 = 2.6;
const WIDER: f32 = 1.5;
const LOW: f32 = 0.65;
/// So wide in proportion is nobody who squats, but for a look now and then, and so low and wide nobody who bends.
const LONG_SHAPE: f32 = 2.1;
const FLAT: f32 = 0.5;
const FLAT_SHAPE: f32 = 3.4;
/// Standing: at least so high, and hardly wider in proportion.
const HIGH: f32 = 0.85;
const UPRIGHT_SHAPE: f32 = 1.6;
/// How far the upper edge must have come down, in standing heights; how far the lower edge may have moved.
const DROP: f32 = 0.3;
const FEET: f32 = 0.45;
/// From standing to lying at most; slower is lying down.
pub(super) const FALL_MS: i64 = 1_800;
/// A standing box is known after so long.
const KNOWN_MS: i64 = 800;
/// Time constant of the standing box.
const LEARN_MS: f32 = 1_500.0;
/// Somebody who is there and does not lie, though he is not upright: so high and at most so wide as the standing box,
/// his feet so near in standing heights, in so many looks.
const GLIMPSED_HIGH: f32 = 0.7;
const GLIMPSED_WIDE: f32 = 1.8;
const GLIMPSED_NEAR: f32 = 0.2;
const GLIMPSES: u32 = 3;
/// A sight of somebody whom nobody follows tells where he walks from this score on.
const HALF_SURE: f32 = 0.3;
/// Whom the detector sees less surely while he stands, it may lose while he stands.
const PLAIN: f32 = 0.3;
const PLAIN_MS: f32 = 2_000.0;
/// Somebody down rests while the box overlaps the one he came to lie in.
const RESTS: f32 = 0.4;
/// Feet of a lost standing box and a new low one are at most so far apart, in standing heights.
const NEAR: f32 = 0.8;
/// Boxes that overlap so much, so soon one after the other, may be of one person.
const HERE: f32 = 0.6;
const MOMENT_MS: i64 = 1_000;
/// A body is so many times as high as it is wide: to the side, shares of the picture are measured by its width.
const SLENDER: f32 = 3.0;
/// Somebody lost while walking goes on so many standing heights a second, and is found again within so long.
const PACE: f32 = 1.2;
const FOUND_MS: i64 = 2_500;
/// The same person is as high again, within this factor.
const SAME_HEIGHT: f32 = 1.3;

/// How somebody stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) w: f32,
    pub(super) h: f32,
    known_ms: i64,
    /// Last seen upright, and there.
    pub(super) upright_at: UtcMs,
    pub(super) upright: NormBox,
}

/// Lying, by the shape of the track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Down {
    pub(super) since: UtcMs,
    pub(super) place: NormBox,
    pub(super) best: Best,
    /// Looks that saw him there, those of them in which he is long, and those in which nobody who bends is so flat.
    sights: u32,
    long: u32,
    flat: u32,
    /// It has been told of.
    told: bool,
}

impl Down {
    fn new(at: UtcMs, track: &Track) -> Self {
        Self {
            since: at,
            place: track.whole(),
            best: Best::of(track),
            sights: 0,
            long: 0,
            flat: 0,
            told: false,
        }
    }

    fn sight(&mut self, region: &NormBox, standing: &Standing) {
        let (h, shape) = (region.h, standing.shape_of(region));
        self.sights += 1;
        self.long += u32::from(shape >= LONG_SHAPE);
        self.flat += u32::from(h <= FLAT * standing.h && shape >= FLAT_SHAPE);
    }

    /// Has he lain there for so long? Who squats is as long in a look now and then; who may bend must come up again first.
    /// Once told of, he lies there until he is up.
    fn lies(&mut self, at: UtcMs, dwell_ms: i64) -> bool {
        let may_bend = 2 * self.flat < self.sights;
        let long_ms = dwell_ms + if may_bend { BENDS_MS } else { 0 };
        self.told |= 2 * self.long >= self.sights && at.since_ms(self.since) >= long_ms;
        self.told
    }
}

impl Standing {
    /// How many times as wide a box is in proportion.
    fn shape_of(&self, region: &NormBox) -> f32 {
        (region.w / region.h.max(1e-6)) / (self.w / self.h.max(1e-6)).max(1e-6)
    }

    /// Where he was last upright, within the picture: his legs may reach beyond its edge.
    pub(super) fn foot(&self) -> (f32, f32) {
        self.upright.clamped().foot()
    }
}

#[derive(Debug)]
pub(super) struct Body {
    /// A number of his own, whatever tracks he goes on in.
    pub(super) name: u64,
    /// The first box of the track in which he was first known.
    pub(super) first: NormBox,
    /// Where and when he was last seen.
    region: NormBox,
    pub(super) seen_at: UtcMs,
    pub(super) standing: Standing,
    pub(super) down: Option<Down>,
    /// How surely he was seen lately while he stood; 0 where a look misses him. A mean over [`PLAIN_MS`].
    plain: f32,
    /// Looks that missed him since he was last seen upright: they count once he is seen so again.
    missed_ms: f32,
    looked_at: UtcMs,
    glimpses: u32,
    /// What a pose model says of him.
    pub(super) posture: Posture,
}

impl Body {
    pub(super) fn new(name: u64, at: UtcMs, track: &Track) -> Self {
        let region = track.region;
        let standing = Standing { w: region.w, h: region.h, known_ms: 0, upright_at: at, upright: region };
        Self {
            name,
            first: region,
            region,
            seen_at: at,
            standing,
            down: None,
            plain: track.score,
            missed_ms: 0.0,
            looked_at: at,
            glimpses: 0,
            posture: Posture::default(),
        }
    }

    /// Lost ones are kept as long as they may come to be seen again, or their place may tell of them.
    pub(super) fn is_worth_keeping(&self, at: UtcMs) -> bool {
        at.since_ms(self.seen_at) <= LOST_MS
            || Ground::may_still_tell(at, self)
            || self.posture.is_of_somebody_down(at)
    }

    /// A look of the detector, that saw him or not.
    pub(super) fn looked(&mut self, at: UtcMs, track: Option<&Track>) {
        if let (Some(down), Some(track)) = (&mut self.down, track) {
            down.sight(&track.whole(), &self.standing);
        }
        let score = track.map_or(0.0, |track| track.score);
        let passed_ms = at.since_ms(self.looked_at).clamp(0, 1_000) as f32;
        self.looked_at = at;
        if self.standing.upright_at == at {
            self.plain *= (-self.missed_ms / PLAIN_MS).exp();
            self.plain += (1.0 - (-passed_ms / PLAIN_MS).exp()) * (score - self.plain);
            self.missed_ms = 0.0;
        } else {
            self.missed_ms += passed_ms;
        }
    }

    /// A look at which he was lost, with its sights of whom nobody follows: one of somebody upright, half surely seen and no
    /// further on than he walks, is of him.
    pub(super) fn walks_on<'s>(&mut self, at: UtcMs, sights: impl Iterator<Item = &'s Detection>) {
        let Standing { w, h, .. } = self.standing;
        let from = self.standing.foot().0;
        let is = |seen: &&Detection| {
            let region = &seen.region;
            let upright = region.h >= HIGH * h && self.standing.shape_of(region) <= UPRIGHT_SHAPE;
            let on = (region.foot().0 - from).abs() > w && self.may_go_on_as(at, region, region);
            seen.score >= HALF_SURE && upright && on
        };
        if self.down.is_none()
            && let Some(seen) = { sights }.find(is)
        {
            (self.standing.upright_at, self.standing.upright) = (at, seen.region);
            self.glimpses = 0;
            self.posture.upright(at);
        }
    }

    /// A look after the time that a fall takes, with its sights, also those too unsure to be followed: is one of them of
    /// somebody there who is higher than anybody who lies?
    pub(super) fn glimpsed<'s>(&mut self, at: UtcMs, mut sights: impl Iterator<Item = &'s NormBox>) {
        let Standing { w, h, upright_at, .. } = self.standing;
        let (fx, fy) = self.standing.foot();
        let stands = |seen: &NormBox| {
            let (x, y) = seen.clamped().foot();
            let here = (x - fx).abs() <= w && (y - fy).abs() <= GLIMPSED_NEAR * h;
            here && seen.h >= GLIMPSED_HIGH * h && seen.w <= GLIMPSED_WIDE * w
        };
        self.glimpses += u32::from(at.since_ms(upright_at) > FALL_MS && sights.any(stands));
    }

    /// He bends or stands there all the same.
    pub(super) fn is_glimpsed(&self) -> bool {
        self.glimpses >= GLIMPSES
    }

    /// The detector knew him well enough that his vanishing means something.
    pub(super) fn was_plain(&self) -> bool {
        self.plain >= PLAIN
    }

    /// How he stands, where that is known.
    pub(super) fn known(&self) -> Option<&Standing> {
        (self.standing.known_ms >= KNOWN_MS).then_some(&self.standing)
    }

    pub(super) fn see(&mut self, at: UtcMs, track: &Track) {
        let passed_ms = at.since_ms(self.seen_at).clamp(0, 1_000);
        // Somebody whose legs are not seen, and whose head is where it was, stands.
        let region = track.whole();
        (self.region, self.seen_at) = (region, at);
        let standing = &mut self.standing;
        let shape = standing.shape_of(&region);
        let upright = region.h >= HIGH * standing.h && shape <= UPRIGHT_SHAPE;
        let low = region.h <= LOW * standing.h && shape >= WIDER_SHAPE && region.w >= WIDER * standing.w;
        if upright {
            let share = 1.0 - (-(passed_ms as f32) / LEARN_MS).exp();
            standing.w += share * (region.w - standing.w);
            standing.h += share * (region.h - standing.h);
            standing.known_ms += passed_ms;
            (standing.upright_at, standing.upright) = (at, region);
            self.down = None;
            self.glimpses = 0;
            self.posture.upright(at);
            return;
        }
        self.glimpsed(at, std::iter::once(&region));
        let fell = low && self.fell(at, &region);
        match &mut self.down {
            Some(down) if low || same_place(&down.place, &region, RESTS) => {
                if !same_place(&down.place, &region, RESTS) {
                    // Still down, and moving: the time of lying still begins anew.
                    *down = Down::new(at, track);
                }
                down.best = Best::of(track);
            }
            Some(_) => self.down = None,
            None if fell => self.down = Some(Down::new(at, track)),
            None => {
                // Neither upright nor down for long: somebody whose standing height was misjudged, or who sits.
                if at.since_ms(self.standing.upright_at) > 10_000 {
                    *self = Self::new(self.name, at, track);
                }
            }
        }
    }

    fn fell(&self, at: UtcMs, region: &NormBox) -> bool {
        let Standing { h, known_ms, upright_at, upright, .. } = self.standing;
        let foot = (region.y + region.h) - (upright.y + upright.h);
        known_ms >= KNOWN_MS
            && at.since_ms(upright_at) <= FALL_MS
            && region.y - upright.y >= DROP * h
            && foot.abs() <= FEET * h
    }

    /// Lying by the shape of his track, for so long.
    pub(super) fn lies(&mut self, at: UtcMs, dwell_ms: i64) -> Option<Down> {
        let down = self.down.as_mut()?;
        down.lies(at, dwell_ms).then_some(*down)
    }

    /// Is he no more than a part of that one, as far as he is known: head and trunk?
    pub(super) fn is_part_of(&self, whole: &Self) -> bool {
        self.down.is_none() && self.standing.h < HIGH * whole.standing.h
    }

    /// Is this box right where he was seen a moment ago?
    pub(super) fn was_here(&self, at: UtcMs, region: &NormBox) -> bool {
        at.since_ms(self.seen_at) <= MOMENT_MS && same_place(&self.region, region, HERE)
    }

    /// May this new box be him, lying where he stood?
    pub(super) fn may_lie_as(&self, region: &NormBox) -> bool {
        let (x, y) = region.foot();
        let was = self.down.map_or(self.standing.upright, |down| down.place);
        let (fx, fy) = was.foot();
        let reach = NEAR * self.standing.h;
        let near = (x - fx).abs() <= reach.max(was.w) && (y - fy).abs() <= reach;
        near && region.h <= LOW * self.standing.h
    }

    /// May this be him, upright, after the time in which nobody saw him: seen at first then and there, and so high now?
    pub(super) fn may_go_on_as(&self, first_seen: UtcMs, first: &NormBox, region: &NormBox) -> bool {
        let Standing { w, h, upright_at, upright, .. } = self.standing;
        let unseen_ms = first_seen.since_ms(upright_at);
        let steps = 0.5 + PACE * unseen_ms as f32 / 1_000.0;
        let ((x, y), (fx, fy)) = (first.foot(), upright.foot());
        let near = (x - fx).abs() <= steps * SLENDER * w && (y - fy).abs() <= steps * h;
        let same = (h / SAME_HEIGHT..=h * SAME_HEIGHT).contains(&region.h);
        unseen_ms <= FOUND_MS && near && same
    }
}
