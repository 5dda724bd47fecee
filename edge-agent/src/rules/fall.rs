//! A person who falls and stays down, told by the shape of the track alone: the box of somebody who stood turns low and
//! wide within a moment, its upper edge coming down while the feet stay, and then rests. Who sits down stays narrow,
//! who bends comes up again, who walks away shrinks as a whole, who steps behind a wall loses his feet and not his
//! head. All of it is relative to the same person's own standing box, so the shape of the picture does not matter.
//!
//! What is left out: somebody who falls straight towards the camera or away from it hardly grows wider. That takes
//! a model for poses.

use std::collections::BTreeMap;

use protocol::{Label, NormBox, UtcMs};

use super::config::Area;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::same_place;
use crate::tracker::Track;

/// Lying: so much wider in proportion than when standing, so much wider as such, and at most so high.
const WIDER_SHAPE: f32 = 2.6;
const WIDER: f32 = 1.2;
const LOW: f32 = 0.65;
/// Standing: at least so high, and hardly wider in proportion.
const HIGH: f32 = 0.85;
const UPRIGHT_SHAPE: f32 = 1.6;
/// How far the upper edge must have come down, in standing heights; how far the lower edge may have moved.
const DROP: f32 = 0.3;
const FEET: f32 = 0.45;
/// From standing to lying at most; slower is lying down.
const FALL_MS: i64 = 1_800;
/// A standing box is known after so long.
const KNOWN_MS: i64 = 800;
/// Time constant of the standing box.
const LEARN_MS: f32 = 1_500.0;
/// Somebody down rests while the box overlaps the one he came to lie in.
const RESTS: f32 = 0.4;
/// A detector may lose who is down for so long, and the tracker may give him a new number.
const LOST_MS: i64 = 3_000;
/// Feet of a lost standing box and a new low one are at most so far apart, in standing heights.
const NEAR: f32 = 0.8;

#[derive(Clone, Copy, Debug)]
struct Standing {
    w: f32,
    h: f32,
    known_ms: i64,
    /// Last seen upright, and there.
    upright_at: UtcMs,
    upright: NormBox,
}

#[derive(Clone, Copy, Debug)]
struct Down {
    since: UtcMs,
    place: NormBox,
    best: Best,
}

#[derive(Debug)]
struct Body {
    seen_at: UtcMs,
    standing: Standing,
    down: Option<Down>,
}

#[derive(Debug, Default)]
pub(super) struct Falls(BTreeMap<u64, Body>);

impl Falls {
    pub(super) fn step(&mut self, at: UtcMs, tracks: &[Track], area: &Area, dwell_ms: i64) -> Verdict {
        self.0.retain(|_, body| at.since_ms(body.seen_at) <= LOST_MS);
        for track in tracks.iter().filter(|t| t.visible && t.label == Label::Person) {
            if !self.0.contains_key(&track.id) {
                let body = self.taken_over(track, tracks).unwrap_or_else(|| Body::new(at, track));
                self.0.insert(track.id, body);
            }
            if let Some(body) = self.0.get_mut(&track.id) {
                body.see(at, track);
            }
        }
        let down = self.0.values().filter_map(|body| body.down);
        let told = down.filter(|d| {
            at.since_ms(d.since) >= dwell_ms
                && d.best.score >= area.whom.min_score.min(0.3)
                && area.zone.contains(d.place.foot())
        });
        Verdict::of(Sighting::best_of(told.map(|d| d.best)))
    }

    /// A tracker that does not know a lying box from the standing one before it starts a new track on the spot.
    fn taken_over(&mut self, track: &Track, tracks: &[Track]) -> Option<Body> {
        let (x, y) = track.region.foot();
        let lost = |id: &u64| !tracks.iter().any(|t| t.id == *id && t.visible);
        let near = |body: &Body| {
            let was = body.down.map_or(body.standing.upright, |down| down.place);
            let (fx, fy) = was.foot();
            let reach = NEAR * body.standing.h;
            (x - fx).abs() <= reach.max(was.w) && (y - fy).abs() <= reach
        };
        let shorter = |body: &Body| track.region.h <= LOW * body.standing.h;
        let id =
            self.0.iter().find(|(id, body)| lost(id) && near(body) && shorter(body)).map(|(id, _)| *id)?;
        self.0.remove(&id)
    }
}

impl Body {
    fn new(at: UtcMs, track: &Track) -> Self {
        let region = track.region;
        let standing = Standing { w: region.w, h: region.h, known_ms: 0, upright_at: at, upright: region };
        Self { seen_at: at, standing, down: None }
    }

    fn see(&mut self, at: UtcMs, track: &Track) {
        let passed_ms = at.since_ms(self.seen_at).clamp(0, 1_000);
        self.seen_at = at;
        let region = track.region;
        let standing = &mut self.standing;
        let shape = (region.w / region.h.max(1e-6)) / (standing.w / standing.h.max(1e-6)).max(1e-6);
        let upright = region.h >= HIGH * standing.h && shape <= UPRIGHT_SHAPE;
        let low = region.h <= LOW * standing.h && shape >= WIDER_SHAPE && region.w >= WIDER * standing.w;
        if upright {
            let share = 1.0 - (-(passed_ms as f32) / LEARN_MS).exp();
            standing.w += share * (region.w - standing.w);
            standing.h += share * (region.h - standing.h);
            standing.known_ms += passed_ms;
            (standing.upright_at, standing.upright) = (at, region);
            self.down = None;
            return;
        }
        let fell = low && self.fell(at, &region);
        match &mut self.down {
            Some(down) if low || same_place(&down.place, &region, RESTS) => {
                if !same_place(&down.place, &region, RESTS) {
                    // Still down, and moving: the time of lying still begins anew.
                    (down.since, down.place) = (at, region);
                }
                down.best = Best::of(track);
            }
            Some(_) => self.down = None,
            None if fell => {
                self.down = Some(Down { since: at, place: region, best: Best::of(track) });
            }
            None => {
                // Neither upright nor down for long: somebody whose standing height was misjudged, or who sits.
                if at.since_ms(self.standing.upright_at) > 10_000 {
                    *self = Self::new(at, track);
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
}
