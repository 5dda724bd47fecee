//! Station 4: detections of one frame after another in, tracks out. Pure and deterministic; time is the
//! capture time of the frames, so any frame rate will do.
//!
//! ByteTrack (Zhang et al. 2022): sure detections are matched first, unsure ones then keep known tracks alive
//! through occlusion. Matching is optimal (see [`assign`]), on boxes enlarged by [`MARGIN`] (as C-BIoU does,
//! Yang et al. 2023), because at 5 frames per second a walker may leave his own box from frame to frame.
//! There is no limit on the number of tracks: crowds are when counting matters.
//!
//! Deliberately absent: appearance. A person is never recognised again after having been lost from sight.

pub mod assign;
mod kalman;

use protocol::{Label, NormBox, UtcMs};

use self::kalman::BoxFilter;
use crate::frame::Detection;

/// Detections at least this sure are matched first.
const SURE: f32 = 0.4;
/// Less sure ones down to here only continue a visible track.
pub const UNSURE: f32 = 0.1;
/// How sure the first sight of a thing must be (ByteTrack's 0.5 + 0.1).
const START: f32 = 0.6;
/// Share of a box's size added on each side before boxes are compared.
const MARGIN: f32 = 0.25;
/// Least overlap (of enlarged boxes) to match: sure, unsure and not yet confirmed.
const OVERLAP_SURE: f32 = 0.25;
const OVERLAP_UNSURE: f32 = 0.45;
const OVERLAP_TENTATIVE: f32 = 0.3;
/// Two tracks that overlap so much are one thing.
const SAME: f32 = 0.8;
/// A thing whose box overlaps the one it came to rest in so much has not left its place.
const SAME_PLACE: f32 = 0.5;
/// A track unseen for this long is forgotten.
const LOST_MS: i64 = 2_000;
/// Longest step of time the motion model is asked to bridge.
const MAX_STEP_MS: i64 = 2_000;
/// Consecutive sights that make a track: motion blobs come and go, so they need more.
const CONFIRM: u32 = 3;
const CONFIRM_MOTION: u32 = 5;
/// Sights over which the score is averaged.
const MEMORY: u32 = 5;
/// Slower than this, in own sizes per second, is standing still.
const STANDING: f32 = 0.15;

/// One thing, followed from frame to frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Counts from 1 within one tracker.
    pub id: u64,
    /// What most of the (score-weighted) sights said.
    pub label: Label,
    /// Of the last sight.
    pub score: f32,
    /// The highest that the mean over about [`MEMORY`] sights has been; 0 until confirmed. A lamp post that
    /// looks like a person once in a while stays low, a person who hides after having been seen stays high.
    pub best_score: f32,
    /// Where it was last seen.
    pub region: NormBox,
    /// Seen often enough in a row to be believed.
    pub confirmed: bool,
    /// Seen in the last analysed frame.
    pub visible: bool,
    pub first_seen: UtcMs,
    pub last_seen: UtcMs,
    /// It has not left its place since then.
    pub still_since: UtcMs,
}

#[derive(Debug)]
struct Live {
    track: Track,
    filter: BoxFilter,
    /// Where it was when it came to rest.
    place: NormBox,
    hits: u32,
    mean_score: f32,
    votes: Vec<(Label, f32)>,
}

impl Live {
    fn start(id: u64, at: UtcMs, seen: &Detection) -> Self {
        let track = Track {
            id,
            label: seen.label,
            score: seen.score,
            best_score: 0.0,
            region: seen.region,
            confirmed: false,
            visible: true,
            first_seen: at,
            last_seen: at,
            still_since: at,
        };
        Self {
            track,
            filter: BoxFilter::new(&seen.region),
            place: seen.region,
            hits: 1,
            mean_score: seen.score,
            votes: vec![(seen.label, seen.score)],
        }
    }

    fn sight(&mut self, at: UtcMs, seen: &Detection) {
        self.filter.update(&seen.region);
        self.hits += 1;
        self.mean_score += (seen.score - self.mean_score) / self.hits.min(MEMORY) as f32;
        match self.votes.iter_mut().find(|(label, _)| *label == seen.label) {
            Some((_, votes)) => *votes += seen.score,
            None => self.votes.push((seen.label, seen.score)),
        }
        let lead = self.votes.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let track = &mut self.track;
        track.label = lead.map_or(track.label, |(label, _)| label);
        if self.place.iou(&seen.region) < SAME_PLACE {
            (self.place, track.still_since) = (seen.region, at);
        }
        track.score = seen.score;
        track.region = seen.region;
        track.visible = true;
        track.last_seen = at;
        let needed = if track.label == Label::Motion { CONFIRM_MOTION } else { CONFIRM };
        track.confirmed |= self.hits >= needed;
        if track.confirmed {
            track.best_score = track.best_score.max(self.mean_score);
        }
    }
}

/// All tracks of one camera.
#[derive(Debug, Default)]
pub struct Tracker {
    /// In order of birth.
    live: Vec<Live>,
    born: u64,
    at: Option<UtcMs>,
}

impl Tracker {
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything held, visible or lost, in order of birth.
    pub fn tracks(&self) -> Vec<Track> {
        self.live.iter().map(|l| l.track.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Does anything in sight move?
    pub fn moving(&self) -> bool {
        self.live.iter().any(|l| l.track.visible && l.filter.speed() > STANDING)
    }

    /// A frame that was not looked at because nothing moved: what stood there still stands there.
    pub fn hold(&mut self, at: UtcMs) {
        self.at = Some(at);
        for live in &mut self.live {
            if live.track.visible {
                live.track.last_seen = at;
                live.filter.stop();
            }
        }
        self.forget(at);
    }

    /// A frame in which the detector saw `detections`. `at` must not go back.
    pub fn step(&mut self, at: UtcMs, detections: &[Detection]) {
        let elapsed_ms = self.at.map_or(0, |last| at.since_ms(last).clamp(0, MAX_STEP_MS));
        self.at = Some(at);
        for live in &mut self.live {
            live.filter.predict(elapsed_ms as f32 / 1_000.0, live.track.visible);
        }
        let pick = |keep: &dyn Fn(f32) -> bool| -> Vec<usize> {
            (0..detections.len()).filter(|&d| keep(detections[d].score)).collect()
        };
        let mut sure = pick(&|score| score >= SURE);
        let mut unsure = pick(&|score| (UNSURE..SURE).contains(&score));

        let (mut known, mut tentative): (Vec<usize>, Vec<usize>) =
            (0..self.live.len()).partition(|&t| self.live[t].track.confirmed);
        self.associate(at, detections, &mut known, &mut sure, OVERLAP_SURE);
        known.retain(|&t| self.live[t].track.visible);
        self.associate(at, detections, &mut known, &mut unsure, OVERLAP_UNSURE);
        self.associate(at, detections, &mut tentative, &mut sure, OVERLAP_TENTATIVE);

        for live in &mut self.live {
            live.track.visible = live.track.last_seen == at;
        }
        self.live.retain(|l| l.track.visible || l.track.confirmed);
        self.forget(at);
        for d in sure.into_iter().filter(|&d| detections[d].score >= START) {
            self.born += 1;
            self.live.push(Live::start(self.born, at, &detections[d]));
        }
        self.merge_doubles();
    }

    /// Matches `tracks` with `sights` (both indices), and removes from both lists what found its match.
    fn associate(
        &mut self,
        at: UtcMs,
        detections: &[Detection],
        tracks: &mut Vec<usize>,
        sights: &mut Vec<usize>,
        least: f32,
    ) {
        let expected: Vec<NormBox> = tracks.iter().map(|&t| grown(&self.live[t].filter.region())).collect();
        let seen: Vec<NormBox> = sights.iter().map(|&d| grown(&detections[d].region)).collect();
        let mut edges = Vec::new();
        for (r, &t) in tracks.iter().enumerate() {
            for (c, &d) in sights.iter().enumerate() {
                if family(self.live[t].track.label) != family(detections[d].label) {
                    continue;
                }
                let overlap = expected[r].iou(&seen[c]);
                if overlap >= least {
                    edges.push((r, c, overlap));
                }
            }
        }
        let pairs = assign::best_pairs(tracks.len(), sights.len(), &edges);
        for &(r, c) in &pairs {
            self.live[tracks[r]].sight(at, &detections[sights[c]]);
        }
        let (mut row, mut col) = (0, 0);
        tracks.retain(|_| (!pairs.iter().any(|p| p.0 == row), row += 1).0);
        sights.retain(|_| (!pairs.iter().any(|p| p.1 == col), col += 1).0);
    }

    fn forget(&mut self, at: UtcMs) {
        self.live.retain(|l| at.since_ms(l.track.last_seen) <= LOST_MS);
    }

    /// A lost track beside its successor, or two tracks on one thing: the older one stays.
    fn merge_doubles(&mut self) {
        let mut gone = vec![false; self.live.len()];
        for a in 0..self.live.len() {
            for b in a + 1..self.live.len() {
                let (old, new) = (&self.live[a], &self.live[b]);
                if family(old.track.label) != family(new.track.label) || gone[a] || gone[b] {
                    continue;
                }
                let apart = old.track.region.iou(&new.track.region) < SAME;
                if !apart {
                    // The one in sight is the truth about where it is.
                    let drop_old = !old.track.visible && new.track.visible && new.track.confirmed;
                    gone[if drop_old { a } else { b }] = true;
                }
            }
        }
        let mut index = 0;
        self.live.retain(|_| (!gone[index], index += 1).0);
    }
}

fn grown(region: &NormBox) -> NormBox {
    let (dx, dy) = (region.w * MARGIN, region.h * MARGIN);
    NormBox { x: region.x - dx, y: region.y - dy, w: region.w + 2.0 * dx, h: region.h + 2.0 * dy }
}

/// Labels that detectors confuse from frame to frame belong together.
fn family(label: Label) -> u8 {
    match label {
        Label::Person => 0,
        Label::Bicycle | Label::Motorcycle | Label::Ebike => 1,
        Label::Car | Label::Bus | Label::Truck => 2,
        Label::Animal => 3,
        Label::Bag => 4,
        Label::Fire => 5,
        Label::Smoke => 6,
        Label::Motion => 7,
        Label::Object => 8,
        Label::Picture => 9,
    }
}

#[cfg(test)]
mod tests;
