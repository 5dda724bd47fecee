//! What came to lie on the ground where somebody stood: evidence of a fall that needs no detector to know people who
//! lie.
//!
//! The sign is that of things left behind: a region that differs from the place as it has long been, and rests. It is
//! taken for somebody who fell when
//!
//! - it appeared after somebody who was well known to stand there was last seen upright, and as soon after as who falls
//!   comes to rest: who lies down slowly, or moved about before, is not told of;
//! - nobody goes on upright from there, and nobody stands at it: who sets a thing down is seen walking on, or beside it,
//!   also where the detector took him for two, one of whom has vanished;
//! - it lies at his feet and is low and long like a body: who sits on a bench is three quarters as high as when he
//!   stands, who sits on the ground or squats half as high, and a door left open is as high as a man;
//! - where it is no longer than a body seen from its end, it rests on the ground where he stood, and for longer than
//!   somebody bends: of whoever bends or sits in the dark, only the trunk may differ from the ground, as low and as
//!   wide, and that hangs in the air above his feet. Nor is that taken from whom the detector hardly saw while he
//!   stood: it may have lost him beside his suitcase;
//! - neither did a pose model see him plainly otherwise after the time that a fall takes, nor the detector, three times and
//!   too unsurely to follow him, somebody there who is seven tenths as high: seen from above, who lies along has less.
//!
//! Deliberately absent: whether it breathes. A sack of a man's length that somebody drops in the moment in which
//! he is lost from sight is told of.

use protocol::{Label, NormBox, UtcMs};

use super::body::{Body, FALL_MS, Standing};
use crate::rules::method::Eye;
use crate::rules::occurrence::Best;
use crate::rules::places::{same_place, touch};
use crate::signs::Sign;
use crate::tracker::Track;

/// Lying across: at most so high and at least so wide as the standing box; at most so wide, else it is a vehicle.
const LOW: f32 = 0.5;
const LONG: f32 = 1.7;
const LONGEST: f32 = 5.5;
/// Lying towards the camera or away from it: at most so high, at least so wide, and of so much of the standing area.
const LOW_ALONG: f32 = 0.45;
const WIDE_ALONG: f32 = 0.8;
const LEAST_AREA: f32 = 0.25;
/// How far from where the feet stood it may lie, in standing heights and, to the side, widths.
const NEAR_Y: f32 = 0.5;
const NEAR_X: f32 = 1.5;
/// And at most so high above where the feet stood, in standing heights: what lies along rests on the ground there.
const ABOVE_FEET: f32 = 0.1;
/// Lying otherwise than plainly across is told of so much later: who bends to a shoe comes up again before.
pub(super) const BENDS_MS: i64 = 4_000;
/// Somebody at least so high, in standing heights, stands.
const STANDS: f32 = 0.85;
/// After so long without having been seen upright, somebody is upright no more.
const UPRIGHT_NO_MORE_MS: i64 = 1_000;
/// A region rests for about so long before there is a sign of it.
const SIGN_AFTER_MS: i64 = 4_000;
/// A sign that was there before stays known for so long after it was last seen: something may have hidden it.
const KNOWN_MS: i64 = 30_000;
/// Two signs that overlap so much are of one thing.
const SAME: f32 = 0.3;
/// Who lies there is believed to go on lying for so long without a sign, and while somebody stands before him.
const UNSEEN_MS: i64 = 2_000;
const HIDDEN_MS: i64 = 10_000;

#[derive(Clone, Copy, Debug)]
struct Found {
    region: NormBox,
    score: f32,
    first_seen: UtcMs,
    last_seen: UtcMs,
    fell: Option<Fell>,
    /// The last time it was seen or hidden.
    there_at: UtcMs,
}

/// Somebody fell here.
#[derive(Clone, Copy, Debug)]
struct Fell {
    body: u64,
    /// When he was last upright.
    at: UtcMs,
    /// Every look has shown him towards the camera or away from it.
    along: bool,
}

/// What lies on the ground, as far as signs tell.
#[derive(Debug, Default)]
pub(super) struct Ground(Vec<Found>);

impl Ground {
    /// One frame's signs.
    pub(super) fn step(&mut self, at: UtcMs, signs: &[Sign], tracks: &[Track]) {
        for sign in signs {
            let Sign { region, score } = *sign;
            match self.0.iter_mut().find(|f| same_place(&f.region, &region, SAME)) {
                Some(found) => {
                    (found.region, found.score) = (region, score);
                    (found.last_seen, found.there_at) = (at, at);
                }
                None => self.0.push(Found {
                    region,
                    score,
                    first_seen: at,
                    last_seen: at,
                    fell: None,
                    there_at: at,
                }),
            }
        }
        let hides = |t: &&Track| t.visible && t.label == Label::Person;
        for found in self.0.iter_mut().filter(|f| f.last_seen != at && f.fell.is_some()) {
            let hidden = tracks.iter().filter(hides).any(|t| touch(&t.whole(), &found.region));
            if hidden && at.since_ms(found.last_seen) <= HIDDEN_MS {
                found.there_at = at;
            }
            if at.since_ms(found.there_at) > UNSEEN_MS {
                found.fell = None;
            }
        }
        self.0.retain(|found| at.since_ms(found.last_seen) <= KNOWN_MS);
    }

    /// Looks whether this body lies there.
    pub(super) fn lie_down(&mut self, at: UtcMs, body: &Body, tracks: &[Track]) {
        let Some(standing) = body.known() else { return };
        if at.since_ms(standing.upright_at) < UPRIGHT_NO_MORE_MS {
            return;
        }
        if body.posture.is_slow() || body.is_glimpsed() {
            // He does not lie there, whatever does.
            let his = self.0.iter_mut().filter(|f| f.fell.is_some_and(|fell| fell.body == body.name));
            his.for_each(|found| found.fell = None);
            return;
        }
        let new = |found: &Found| {
            let after_ms = found.first_seen.since_ms(standing.upright_at);
            found.last_seen == at && (0..=FALL_MS + SIGN_AFTER_MS).contains(&after_ms)
        };
        // The detector misses people for a moment, who stand there all the same.
        let there = |t: &Track| at.since_ms(t.last_seen) < UPRIGHT_NO_MORE_MS;
        let stands = |t: &&Track| there(t) && t.label == Label::Person && t.whole().h >= STANDS * standing.h;
        let alone = |found: &Found| !tracks.iter().filter(stands).any(|t| touch(&t.whole(), &found.region));
        for found in self.0.iter_mut().filter(|f| new(f) && is_at(&f.region, standing) && alone(f)) {
            let Some(lies) = lies(&found.region, standing) else { continue };
            if lies == Lies::Along && !body.was_plain() {
                continue;
            }
            let along = lies == Lies::Along;
            let new = Fell { body: body.name, at: standing.upright_at, along };
            let fell = found.fell.get_or_insert(new);
            // Whose it is was settled when it was new.
            fell.along &= along || fell.body != body.name;
            return;
        }
    }

    /// May there yet be a sign of somebody who was lost?
    pub(super) fn may_still_tell(at: UtcMs, body: &Body) -> bool {
        body.known().is_some_and(|s| at.since_ms(s.upright_at) <= FALL_MS + SIGN_AFTER_MS)
    }

    /// Who lies where: since when, and what shows it.
    pub(super) fn lying(&self) -> impl Iterator<Item = (UtcMs, Best)> {
        self.0.iter().filter_map(|found| {
            let region = found.region.clamped();
            let best = Best { label: Label::Person, score: found.score, region, eye: Eye::Background };
            let fell = found.fell?;
            let sure_after_ms = if fell.along { BENDS_MS } else { 0 };
            Some((fell.at.plus_ms(sure_after_ms), best))
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lies {
    Across,
    /// Towards the camera or away from it.
    Along,
}

/// Low and long like a body that lies; `None`: it is none.
fn lies(region: &NormBox, standing: &Standing) -> Option<Lies> {
    let (w, h) = (region.w / standing.w.max(1e-6), region.h / standing.h.max(1e-6));
    if h <= LOW && (LONG..=LONGEST).contains(&w) {
        return Some(Lies::Across);
    }
    let (_, feet) = standing.foot();
    let rests = feet - (region.y + region.h) <= ABOVE_FEET * standing.h;
    let along = h <= LOW_ALONG && (WIDE_ALONG..LONG).contains(&w) && w * h >= LEAST_AREA;
    (along && rests).then_some(Lies::Along)
}

fn is_at(region: &NormBox, standing: &Standing) -> bool {
    let (x, y) = standing.foot();
    let beyond = |v: f32, from: f32, size: f32| (from - v).max(v - from - size).max(0.0);
    beyond(x, region.x, region.w) <= NEAR_X * standing.w
        && beyond(y, region.y, region.h) <= NEAR_Y * standing.h
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As YOLOX-nano saw somebody before the gate at night.
    const UPRIGHT: NormBox = NormBox { x: 0.434, y: 0.426, w: 0.044, h: 0.212 };

    fn track(last_seen: i64) -> Track {
        Track { score: 0.6, best_score: 0.7, ..Track::of_test(UtcMs(last_seen), UPRIGHT) }
    }

    /// Since when somebody lies there, who stood until 2 s, in every so manieth look, and where this showed from 6 s on.
    fn lying_of(seen_every: i64, sign: NormBox) -> Option<i64> {
        let mut body = Body::new(1, UtcMs(0), &track(0));
        for i in 1..=10 * seen_every {
            let at = UtcMs(2_000 + (i - 10 * seen_every) * 200);
            let seen = i % seen_every == 0;
            if seen {
                body.see(at, &track(at.0));
            }
            body.looked(at, seen.then(|| track(at.0)).as_ref());
        }
        let mut ground = Ground::default();
        for i in 30..60 {
            let at = UtcMs(i * 200);
            ground.step(at, &[Sign { region: sign, score: 0.7 }], &[]);
            ground.lie_down(at, &body, &[]);
        }
        ground.lying().next().map(|(since, _)| since.0)
    }

    fn lying(sign: NormBox) -> Option<i64> {
        lying_of(1, sign)
    }

    #[test]
    fn a_trunk_above_dark_legs_is_nobody_who_lies() {
        // He bends to his shoe; his trousers are as dark as the ground.
        assert_eq!(lying(NormBox { x: 0.419, y: 0.522, w: 0.050, h: 0.089 }), None);
    }

    #[test]
    fn who_stands_beside_a_bag_has_not_fallen() {
        // He has put it down, and the detector sees him down to his hips; his head is where it was.
        let mut body = Body::new(1, UtcMs(0), &track(0));
        (1..=10).for_each(|i| body.see(UtcMs(i * 200), &track(i * 200)));
        let mut ground = Ground::default();
        let region = NormBox { h: 0.12, ..UPRIGHT };
        for i in 11..60 {
            let at = UtcMs(i * 200);
            let cut = Track { region, hidden_below: UPRIGHT.h - 0.12, ..track(i * 200) };
            body.see(at, &cut);
            ground.step(
                at,
                &[Sign { region: NormBox { x: 0.431, y: 0.56, w: 0.056, h: 0.08 }, score: 0.8 }],
                &[],
            );
            ground.lie_down(at, &body, std::slice::from_ref(&cut));
        }
        assert!(ground.lying().next().is_none());
    }

    #[test]
    fn who_lies_along_is_told_of_when_nobody_bends_so_long() {
        let region = NormBox { x: 0.425, y: 0.556, w: 0.063, h: 0.089 };
        assert_eq!(lying(region), Some(2_000 + BENDS_MS));
        // Whom the detector saw in every third look while he stood, it may have lost beside his bag.
        assert_eq!(lying_of(3, region), None);
    }

    #[test]
    fn who_lies_across_is_told_of_at_once() {
        assert_eq!(lying(NormBox { x: 0.406, y: 0.578, w: 0.088, h: 0.056 }), Some(2_000));
    }
}
