//! One thing as the tracker holds it: what it tells of it, and what it needs to find it again.

use std::collections::VecDeque;

use protocol::{Label, NormBox, UtcMs};

use super::figure::{Figure, Legs};
use super::kalman::BoxFilter;
use super::rest::Rest;
use super::{SURE, Track};
use crate::frame::Detection;

/// Sights over which the way of a thing is taken.
const WAY: usize = 3;
/// A thing whose box overlaps the one it came to rest in so much has not left its place.
const SAME_PLACE: f32 = 0.5;
/// The detector of fire and smoke may look less often than the others. Between its looks, told by the pauses between
/// sights, times this, they still count as in sight; never for longer than so many milliseconds.
const PAUSES: f32 = 1.5;
const FLICKER_MS: i64 = 2_500;
/// Consecutive sights that make a track: motion blobs come and go, so they need more.
const CONFIRM: u32 = 3;
/// Two are enough when both were as sure as this on average.
const CONFIRM_AT_ONCE: f32 = 0.6;
const CONFIRM_MOTION: u32 = 5;
/// A way shorter than this share of a thing's size is none: the detector trembles.
const TREMBLING: f32 = 0.1;
/// Sights over which the score is averaged.
const MEMORY: u32 = 5;

#[derive(Debug)]
pub(super) struct Live {
    pub(super) track: Track,
    pub(super) filter: BoxFilter,
    /// The last frame was without a sight of it.
    pub(super) missed: bool,
    /// As it was after the last sight.
    sighted: BoxFilter,
    /// Middles of the last sights, oldest first.
    way: VecDeque<(f32, f32)>,
    /// Where it was when it came to rest.
    pub(super) place: NormBox,
    pub(super) rest: Rest,
    figure: Figure,
    /// Mean pause between sights.
    pause_ms: f32,
    pub(super) hits: u32,
    mean_score: f32,
    votes: Vec<(Label, f32)>,
}

impl Live {
    pub(super) fn start(id: u64, at: UtcMs, seen: &Detection) -> Self {
        let track = Track {
            id,
            label: seen.label,
            score: seen.score,
            best_score: 0.0,
            region: seen.region,
            hidden_below: 0.0,
            confirmed: false,
            visible: true,
            first_seen: at,
            last_seen: at,
            still_since: at,
        };
        Self {
            track,
            filter: BoxFilter::new(&seen.region),
            missed: false,
            sighted: BoxFilter::new(&seen.region),
            way: VecDeque::from([middle(&seen.region)]),
            place: seen.region,
            rest: Rest::default(),
            figure: Figure::new(at, &seen.region),
            pause_ms: 0.0,
            hits: 1,
            mean_score: seen.score,
            votes: vec![(seen.label, seen.score)],
        }
    }

    pub(super) fn sight(&mut self, at: UtcMs, seen: &Detection) {
        let still_ms = at.since_ms(self.track.still_since);
        let Track { label, region, confirmed, .. } = self.track;
        let is_of_two =
            confirmed && self.rest.is_of_two(at, label, still_ms, &region, &seen.region, seen.score < SURE);
        let seen = &Detection { region: if is_of_two { self.track.region } else { seen.region }, ..*seen };
        let legs = if label == Label::Person { self.figure.sight(at, &seen.region) } else { Legs::Seen };
        let hidden_below = if let Legs::Hidden(below) = legs { below } else { 0.0 };
        // A figure of which the legs come and go does not jump up and down by half of them.
        let whole = NormBox { h: seen.region.h + hidden_below, ..seen.region };
        let mut last = self.track.whole();
        if let Legs::Appear(below) = legs {
            last.h += below;
            self.filter.extend(below);
            self.sighted.extend(below);
        }
        if self.missed {
            // The straight way between the two sights is a better guess than what the filter made up meanwhile.
            self.filter = self.sighted.clone();
            self.filter.bridge(&last, &whole, at.since_ms(self.track.last_seen) as f32 / 1_000.0);
        }
        self.filter.update(&whole);
        self.sighted = self.filter.clone();
        if self.way.len() > WAY {
            self.way.pop_front();
        }
        self.way.push_back(middle(&whole));
        let pause_ms = at.since_ms(self.track.last_seen) as f32;
        self.pause_ms += (pause_ms - self.pause_ms) / self.hits.min(MEMORY) as f32;
        self.hits += 1;
        self.mean_score += (seen.score - self.mean_score) / self.hits.min(MEMORY) as f32;
        match self.votes.iter_mut().find(|(label, _)| *label == seen.label) {
            Some((_, votes)) => *votes += seen.score,
            None => self.votes.push((seen.label, seen.score)),
        }
        let lead = self.votes.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let track = &mut self.track;
        track.label = lead.map_or(track.label, |(label, _)| label);
        if self.place.iou(&whole) < SAME_PLACE {
            (self.place, track.still_since) = (whole, at);
            self.rest.moved();
        }
        track.score = seen.score;
        track.region = seen.region;
        track.hidden_below = hidden_below;
        track.visible = true;
        track.last_seen = at;
        let needed = if track.label == Label::Motion { CONFIRM_MOTION } else { CONFIRM };
        let flickers = matches!(track.label, Label::Motion | Label::Fire | Label::Smoke);
        let at_once = !flickers && self.hits >= 2 && self.mean_score >= CONFIRM_AT_ONCE;
        track.confirmed |= self.hits >= needed || at_once;
        if track.confirmed {
            track.best_score = track.best_score.max(self.mean_score);
        }
    }

    /// Where it is expected, as a detector would box it: somebody whose legs it does not see, down to the hips too.
    pub(super) fn expected(&self) -> [NormBox; 2] {
        let region = self.filter.region();
        [region, NormBox { h: (region.h - self.track.hidden_below).max(0.0), ..region }]
    }

    /// Fire and smoke come and go; nothing of them is believed unseen.
    pub(super) fn burns(&self) -> bool {
        matches!(self.track.label, Label::Fire | Label::Smoke)
    }

    /// Not seen for so long it still counts as in sight.
    pub(super) fn patience_ms(&self, at: UtcMs) -> i64 {
        match self.track.label {
            Label::Fire | Label::Smoke if self.hits < 2 => FLICKER_MS,
            Label::Fire | Label::Smoke => ((self.pause_ms * PAUSES) as i64).min(FLICKER_MS),
            _ => self.rest.patience_ms(at, self.track.last_seen),
        }
    }

    /// Does a sight lie on along the way this thing went? 1 straight on, −1 straight back, 0 when it stood.
    pub(super) fn along(&self, sight: &NormBox) -> f32 {
        let (Some(first), Some(last)) = (self.way.front(), self.way.back()) else { return 0.0 };
        let (way_x, way_y) = (last.0 - first.0, last.1 - first.1);
        let (x, y) = middle(sight);
        let (on_x, on_y) = (x - last.0, y - last.1);
        let length = way_x.hypot(way_y) * on_x.hypot(on_y);
        // A way shorter than a tenth of the thing is the detector's trembling.
        let size = self.track.region.w.max(self.track.region.h / 2.0);
        if way_x.hypot(way_y) < size * TREMBLING {
            0.0
        } else {
            (way_x * on_x + way_y * on_y) / length.max(f32::MIN_POSITIVE)
        }
    }
}

fn middle(region: &NormBox) -> (f32, f32) {
    (region.x + region.w / 2.0, region.y + region.h / 2.0)
}
