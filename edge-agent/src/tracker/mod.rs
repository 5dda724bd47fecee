//! Station 4: detections of one frame after another in, tracks out. Pure and deterministic; time is the
//! capture time of the frames, so any frame rate will do.
//!
//! ByteTrack (Zhang et al. 2022): sure detections are matched first, unsure ones then keep known tracks alive
//! through occlusion. Matching is optimal (see [`assign`]), on boxes enlarged by [`MARGIN`] (as C-BIoU does,
//! Yang et al. 2023), because at 5 frames per second a walker may leave his own box from frame to frame.
//! A vehicle that has been seen surely once is followed by unsure sights from then on, confirmed or not, and past a
//! moment without any: it comes in at the edge of the picture, of which less and less is like what the detector knows,
//! and is too large and rigid to be an accident twice. What a rule believes is still decided by how sure the sights were
//! on average.
//! What comes back after having been hidden corrects the motion model over the whole gap, and a thing that is
//! not where it was expected is looked for where it was last seen (both from OC-SORT, Cao et al. 2023).
//! There is no limit on the number of tracks: crowds are when counting matters.
//!
//! Deliberately absent: appearance. A person is never recognised again after having been lost from sight.

pub mod assign;
mod figure;
mod kalman;
mod live;
mod rest;
mod sights;

use protocol::{Label, NormBox, UtcMs};

use self::live::Live;
pub use self::rest::Resting;
use crate::frame::Detection;
use crate::observation::Parked;

/// Detections at least this sure are matched first.
const SURE: f32 = 0.4;
/// Less sure ones down to here only continue a visible track.
pub const UNSURE: f32 = 0.1;
/// How sure the first sight of a thing must be (ByteTrack's 0.5 + 0.1).
const START: f32 = 0.6;
/// How much the way a thing went counts beside overlap when it is matched (OC-SORT's momentum).
const DIRECTION: f32 = 0.2;
/// Share of a box's size added on each side before boxes are compared.
const MARGIN: f32 = 0.15;
/// Least overlap (of enlarged boxes) to match: sure, unsure and not yet confirmed.
const OVERLAP_SURE: f32 = 0.2;
const OVERLAP_UNSURE: f32 = 0.45;
const OVERLAP_TENTATIVE: f32 = 0.3;
/// The same for a thing looked for where it was last seen.
const OVERLAP_LAST: f32 = 0.5;
/// Somebody who stops walking is often seen less surely from then on, and not where his way led: an unsure sight right
/// where a thing was last seen, so short a time ago, is that thing.
const OVERLAP_STOPPED: f32 = 0.65;
const STOPPED_MS: i64 = 1_000;
/// Two tracks that overlap so much are one thing.
const SAME: f32 = 0.8;
/// A place that is compared is the very one that was given out, as far as decimals go.
const SAME_PLACE_EXACTLY: f32 = 0.95;
/// A track unseen for this long is forgotten.
const LOST_MS: i64 = 2_000;
/// Longest step of time the motion model is asked to bridge.
const MAX_STEP_MS: i64 = 2_000;
/// Sights after which the rules have made up their minds about a thing that has not moved yet.
const SETTLED: u32 = 10;
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
    /// The highest that the mean over about five sights has been; 0 until confirmed. A lamp post that
    /// looks like a person once in a while stays low, a person who hides after having been seen stays high.
    pub best_score: f32,
    /// Where it was last seen.
    pub region: NormBox,
    /// By how much of the picture's height the feet are below that, of somebody whose legs the detector does not see;
    /// less than 0 where a single box reaches further down than he does.
    pub hidden_below: f32,
    /// Seen often enough in a row to be believed.
    pub confirmed: bool,
    /// In sight: seen in the last analysed frame, or parked where everything still looks as it did.
    pub visible: bool,
    pub first_seen: UtcMs,
    pub last_seen: UtcMs,
    /// It has not left its place since then.
    pub still_since: UtcMs,
}

impl Track {
    /// Its box, down to the feet where these are not seen; below the picture's edge, too.
    pub fn whole(&self) -> NormBox {
        NormBox { h: self.region.h + self.hidden_below, ..self.region }
    }

    /// Where it touches the ground, within the picture.
    pub fn foot(&self) -> (f32, f32) {
        let (x, y) = self.region.clamped().foot();
        (x, (y + self.hidden_below).min(1.0))
    }
}

#[cfg(test)]
impl Track {
    /// Somebody plainly seen there, for five seconds up to now, who has just moved.
    pub(crate) fn of_test(at: UtcMs, region: NormBox) -> Self {
        Self {
            id: 1,
            label: Label::Person,
            score: 0.8,
            best_score: 0.8,
            region,
            hidden_below: 0.0,
            confirmed: true,
            visible: true,
            first_seen: at.plus_ms(-5_000),
            last_seen: at,
            still_since: at,
        }
    }
}

/// Where a known thing is looked for.
#[derive(Clone, Copy)]
enum Place {
    /// Where its motion leads.
    Expected,
    /// Where it was last seen.
    Last,
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

    /// Is anything in sight so new that it has to be looked at again before it can be believed, though nothing moves?
    pub fn settling(&self) -> bool {
        self.live.iter().any(|l| l.track.visible && l.hits < SETTLED)
    }

    /// A frame that was not looked at because nothing moved: what stood there still stands there. A flame is no such
    /// thing: it moves, so a still scene speaks against it, and only a look can tell of it.
    pub fn hold(&mut self, at: UtcMs) {
        self.at = Some(at);
        for live in &mut self.live {
            if live.burns() {
                live.track.visible = at.since_ms(live.track.last_seen) <= live.patience_ms(at);
            } else if live.track.visible {
                live.track.last_seen = at;
                live.filter.stop();
            }
        }
        self.forget(at);
    }

    /// Where confirmed things have come to rest that may be believed to stay there unseen, with the box each
    /// rests in: what [`crate::parked`] watches.
    pub fn resting(&self, at: UtcMs) -> Vec<Resting> {
        let rests =
            |l: &&Live| l.track.confirmed && l.rest.believed(l.track.label, at.since_ms(l.track.still_since));
        let resting = |l: &Live| Resting { id: l.track.id, place: l.place, seen: !l.missed };
        self.live.iter().filter(rests).map(resting).collect()
    }

    /// How the places of resting things look now, after [`Self::step`] or [`Self::hold`] of the same frame. A place
    /// that still looks the same keeps its thing in sight, whatever the detector makes of it; one that has changed
    /// for two looks has lost it.
    pub fn parked(&mut self, at: UtcMs, places: &[Parked]) {
        for parked in places {
            let here = |l: &&mut Live| l.track.confirmed && l.place.iou(&parked.region) >= SAME_PLACE_EXACTLY;
            if let Some(live) = self.live.iter_mut().find(here) {
                live.rest.compared(at, parked.alike, live.missed);
                if live.missed {
                    live.track.visible |= live.rest.is_there();
                    live.filter.stop();
                }
            }
        }
        self.live.retain(|l| !l.rest.has_left());
    }

    /// A frame in which the detector saw `detections`. `at` must not go back.
    pub fn step(&mut self, at: UtcMs, detections: &[Detection]) {
        let detections = &sights::of_things(detections);
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
        self.associate(at, detections, &mut known, &mut sure, Place::Expected, OVERLAP_SURE);
        let is_vehicle = |live: &Live| family(live.track.label) == VEHICLES;
        let lately = |live: &Live| at.since_ms(live.track.last_seen) <= STOPPED_MS;
        let followed = |live: &Live| live.track.visible || is_vehicle(live) && lately(live);
        let mut seen_last: Vec<usize> = known.iter().copied().filter(|&t| followed(&self.live[t])).collect();
        self.associate(at, detections, &mut seen_last, &mut unsure, Place::Expected, OVERLAP_UNSURE);
        known.retain(|t| self.live[*t].track.last_seen != at);
        self.associate(at, detections, &mut known, &mut sure, Place::Last, OVERLAP_LAST);
        let mut stopped: Vec<usize> = known.iter().copied().filter(|&t| lately(&self.live[t])).collect();
        self.associate(at, detections, &mut stopped, &mut unsure, Place::Last, OVERLAP_STOPPED);
        self.associate(at, detections, &mut tentative, &mut sure, Place::Expected, OVERLAP_TENTATIVE);
        tentative.retain(|t| is_vehicle(&self.live[*t]));
        self.associate(at, detections, &mut tentative, &mut unsure, Place::Expected, OVERLAP_TENTATIVE);

        for live in &mut self.live {
            live.missed = live.track.last_seen != at;
            live.rest.looked(!live.missed);
            live.track.visible = at.since_ms(live.track.last_seen) <= live.patience_ms(at);
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
        place: Place,
        least: f32,
    ) {
        let look_at = |live: &Live| match place {
            Place::Expected => live.expected(),
            Place::Last => [live.track.whole(), live.track.region],
        };
        let expected: Vec<[NormBox; 2]> =
            tracks.iter().map(|&t| look_at(&self.live[t]).map(|region| grown(&region))).collect();
        let seen: Vec<NormBox> = sights.iter().map(|&d| grown(&detections[d].region)).collect();
        let mut edges = Vec::new();
        for (r, &t) in tracks.iter().enumerate() {
            for (c, &d) in sights.iter().enumerate() {
                if family(self.live[t].track.label) != family(detections[d].label) {
                    continue;
                }
                let [whole, cut] = expected[r];
                let as_whole = whole.iou(&seen[c]);
                let overlap = if cut == whole { as_whole } else { as_whole.max(cut.iou(&seen[c])) };
                if overlap >= least {
                    let along = DIRECTION * self.live[t].along(&detections[d].region);
                    edges.push((r, c, (overlap + along).max(f32::MIN_POSITIVE)));
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
        self.live.retain(|l| at.since_ms(l.track.last_seen) <= LOST_MS.max(2 * l.patience_ms(at)));
    }

    /// Two tracks in sight on one thing: the older one stays. One that is hidden behind another is not the same thing.
    fn merge_doubles(&mut self) {
        let mut gone = vec![false; self.live.len()];
        for a in 0..self.live.len() {
            for b in a + 1..self.live.len() {
                let seen = !self.live[a].missed && !self.live[b].missed && !gone[a];
                let (old, new) = (&self.live[a].track, &self.live[b].track);
                if seen && family(old.label) == family(new.label) && old.region.iou(&new.region) >= SAME {
                    gone[b] = true;
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

const VEHICLES: u8 = 2;

/// Labels that detectors confuse from frame to frame belong together.
fn family(label: Label) -> u8 {
    match label {
        Label::Person => 0,
        Label::Bicycle | Label::Motorcycle | Label::Ebike => 1,
        Label::Car | Label::Bus | Label::Truck => VEHICLES,
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
