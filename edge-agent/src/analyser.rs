//! Stations 2 to 5 of one camera, in order.
//!
//! [`Analyser::observe`] looks (motion gate, detector when needed), [`Analyser::conclude`] thinks (tracker,
//! rules). Between them lies an [`Observation`], which replay can record and play back without pictures.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::{Label, NormBox, UtcMs};

use crate::detector::{Answer, Looked, Stance, Unsought};
use crate::evidence::people::Spot;
use crate::frame::{Detection, Frame, Picture};
use crate::motion::{Motion, MotionGate};
use crate::observation::{Observation, Posed, Seen};
use crate::parked::Places;
use crate::rules::method::{MOTION, Models};
use crate::rules::{Moment, RuleConfig, RuleEvent, Rules};
use crate::signs::SignReader;
use crate::tracker::Tracker;

/// With nothing moving, the detector looks so often: at things that have stood there for some looks, and at an empty
/// scene (who came in unseen by the motion gate is found then).
const RECHECK_MS: i64 = 1_000;
const RECHECK_EMPTY_MS: i64 = 5_000;
/// After a gap of this length, or a clock that jumped, what was known is no longer true: incidents end with the last
/// frame before it. Two frames at the slowest rate that a configuration allows, so that one may be missing; shorter than
/// what makes a camera lost. Live, in replay and on trial alike.
pub const GAP_MS: i64 = 20_000;
/// A person shown to a pose model has so much room around, as a multiple of his own box.
const ROOM: f32 = 1.4;
/// Moving areas outside these shares of the picture are no objects: noise, or a change of light.
const MIN_MOTION_AREA: f32 = 0.002;
const MAX_MOTION_AREA: f32 = 0.5;

/// Which detector named what.
type Sources = BTreeMap<Label, Arc<str>>;

/// One camera's analysis.
#[derive(Debug)]
pub struct Analyser {
    gate: MotionGate,
    signs: SignReader,
    tracker: Tracker,
    places: Places,
    rules: Rules,
    at: Option<UtcMs>,
    detected_at: Option<UtcMs>,
    detector_missing: bool,
    models: Models,
    /// What the detectors at work named when one was asked last; `None`: none was asked yet.
    named: Option<Vec<Label>>,
    /// Of the last frame, whether followed or not; `None`: nobody knows.
    people: Option<Vec<NormBox>>,
}

impl Analyser {
    pub fn new(rules: &[RuleConfig]) -> Self {
        let rules = Rules::new(rules);
        Self {
            gate: MotionGate::new(),
            signs: SignReader::new(rules.wanted()),
            tracker: Tracker::new(),
            places: Places::default(),
            rules,
            at: None,
            detected_at: None,
            detector_missing: false,
            models: MOTION.into(),
            named: None,
            people: None,
        }
    }

    /// The next frame. `ask` shows it to the detector, and is called only when that is needed:
    /// `analyser.analyse(&frame, |frame| client.ask(frame))`.
    pub fn analyse(&mut self, frame: &Frame, ask: impl FnOnce(&Frame) -> Answer) -> Vec<RuleEvent> {
        let observation = self.observe(frame, ask);
        self.conclude(&observation)
    }

    /// Stations 2 and 3, without a pose model.
    pub fn observe(&mut self, frame: &Frame, ask: impl FnOnce(&Frame) -> Answer) -> Observation {
        self.observe_with(frame, ask, |_| None)
    }

    /// Stations 2 and 3. `pose` is shown, where a rule is in doubt, one person cut out of the frame; at most once a frame.
    pub fn observe_with(
        &mut self,
        frame: &Frame,
        ask: impl FnOnce(&Frame) -> Answer,
        pose: impl FnOnce(Picture) -> Option<Stance>,
    ) -> Observation {
        let (at, picture) = (frame.captured_at, &frame.picture);
        let motion = self.gate.look(at, &picture.y, picture.width, picture.height);
        let mut signs = self.signs.look(at, picture, &motion);
        let (seen, sources, unsought) = self.look(frame, &motion, ask);
        // Flicker stands in for a model that names fire only while that is away, whoever else looks.
        let fire_is_named = self.named.as_ref().is_none_or(|named| named.contains(&Label::Fire));
        if !self.rules.count_flames() && fire_is_named {
            signs.flames.clear();
        }
        let parked = self.places.look(at, picture, &self.tracker.resting(at));
        let posed = self.rules.in_doubt().and_then(|region| {
            let stance = pose(cut_out(picture, &region, &motion.boxes))?;
            Some(Posed { region, stance })
        });
        Observation { sources, unsought, signs, parked, posed, ..Observation::of(at, seen) }
    }

    /// What the detectors say, which of them named what where more than one name is to be told, and what none looked for.
    fn look(
        &mut self,
        frame: &Frame,
        motion: &Motion,
        ask: impl FnOnce(&Frame) -> Answer,
    ) -> (Seen, Sources, Unsought) {
        let at = frame.captured_at;
        let moves = !motion.boxes.is_empty() || motion.recalibrated || self.tracker.moving();
        let looks = moves || self.tracker.settling();
        if !looks && !self.detector_missing && !self.recheck_due(at) {
            return (Seen::Still, Sources::new(), Unsought::default());
        }
        let by_motion = || objects_by_motion(&motion.boxes);
        match ask(frame) {
            Answer::Found(looked) => {
                let Looked { by, detections, names, unsought, mut sources } = looked;
                // The usual case of one detector needs no word more.
                sources.retain(|_, source| *source != by);
                (self.detected_at, self.named) = (Some(at), Some(names));
                (Seen::Objects { by, detections }, sources, unsought)
            }
            Answer::Partly(looked) => {
                let Looked { by, mut detections, names, unsought, mut sources } = looked;
                for detection in &detections {
                    sources.entry(detection.label).or_insert_with(|| Arc::clone(&by));
                }
                detections.extend(by_motion());
                (self.detected_at, self.named) = (Some(at), Some(names));
                (Seen::Objects { by: format!("{by} + {MOTION}").into(), detections }, sources, unsought)
            }
            Answer::Busy => (Seen::Unknown, Sources::new(), Unsought::default()),
            Answer::NotDue { names } => {
                self.named = Some(names.clone());
                let unsought = Unsought { waiting: names, missing: Vec::new() };
                (Seen::Motion { detections: by_motion() }, Sources::new(), unsought)
            }
            Answer::Missing => {
                self.named = Some(Vec::new());
                (Seen::Motion { detections: by_motion() }, Sources::new(), Unsought::default())
            }
        }
    }

    /// Stations 4 and 5.
    pub fn conclude(&mut self, observation: &Observation) -> Vec<RuleEvent> {
        let at = observation.at;
        let mut events = self.start_afresh_after_gap(at);
        self.at = Some(at);
        match &observation.seen {
            Seen::Objects { by, detections } => {
                self.detector_missing = by.ends_with(MOTION);
                self.tracker.step(at, detections);
            }
            Seen::Motion { detections } => {
                self.detector_missing = true;
                self.tracker.step(at, detections);
            }
            Seen::Still => self.tracker.hold(at),
            Seen::Unknown => {}
        }
        self.models.saw(observation);
        self.tracker.parked(at, &observation.parked);
        let tracks = self.tracker.tracks();
        let now = Moment { tracks: &tracks, seen: observation, by: &self.models };
        events.extend(self.rules.step(&now));
        self.people = match &observation.seen {
            Seen::Objects { detections, .. } | Seen::Motion { detections } => {
                Some(detections.iter().filter(|d| may_be_person(d.label)).map(|d| d.region).collect())
            }
            Seen::Still => Some(Vec::new()),
            Seen::Unknown => None,
        };
        events
    }

    /// Where people are, or may be, in the last frame: who is followed, and whoever was taken for a person at all. Who is
    /// followed and was not seen may be where he was, or on his way to where he is seen next: only a real sight bears his
    /// number. Without a detector, everything that moves. `None`: nobody looked.
    pub fn people(&self) -> Option<Vec<Spot>> {
        let here = self.people.as_ref()?;
        let tracks = self.tracker.tracks();
        let followed = tracks.iter().filter(|t| may_be_person(t.label)).map(|t| {
            let seen = Some(t.last_seen) == self.at;
            Spot { track: if seen { t.id } else { 0 }, region: t.region }
        });
        Some(followed.chain(here.iter().map(|region| Spot { track: 0, region: *region })).collect())
    }

    /// Ends what is open, because no more frames follow for now: camera lost, configuration changed, clip over.
    pub fn finish(&mut self) -> Vec<RuleEvent> {
        let events = self.at.map_or_else(Vec::new, |at| self.rules.finish(at));
        self.tracker = Tracker::new();
        self.places = Places::default();
        self.models.forget();
        self.gate.reset();
        (self.at, self.detected_at) = (None, None);
        events
    }

    /// What saw the last frame: a model's name and version, or [`MOTION`].
    pub fn method(&self) -> &str {
        self.models.last()
    }

    fn recheck_due(&self, at: UtcMs) -> bool {
        let every_ms = if self.tracker.is_empty() { RECHECK_EMPTY_MS } else { RECHECK_MS };
        self.detected_at.is_none_or(|last| at.since_ms(last) >= every_ms)
    }

    fn start_afresh_after_gap(&mut self, at: UtcMs) -> Vec<RuleEvent> {
        let jumped = self.at.is_some_and(|last| !(0..GAP_MS).contains(&at.since_ms(last)));
        if jumped { self.finish() } else { Vec::new() }
    }
}

/// A square picture of whoever is at this place: around what moves in it, or has newly come to rest, where anything does.
fn cut_out(picture: &Picture, region: &NormBox, moving: &[NormBox]) -> Picture {
    let inside = |b: &&NormBox| {
        let (x, y) = (b.x + b.w / 2.0, b.y + b.h / 2.0);
        (region.x..region.x + region.w).contains(&x) && (region.y..region.y + region.h).contains(&y)
    };
    let both = |a: NormBox, b: NormBox| {
        let (x, y) = (a.x.min(b.x), a.y.min(b.y));
        let (right, low) = ((a.x + a.w).max(b.x + b.w), (a.y + a.h).max(b.y + b.h));
        NormBox { x, y, w: right - x, h: low - y }
    };
    let around = moving.iter().filter(inside).copied().reduce(both).unwrap_or(*region).clamped();
    let (wide, high) = (picture.width as f32, picture.height as f32);
    let side = (around.w * wide).max(around.h * high) * ROOM;
    let axis = |from: f32, length: f32, whole: f32| {
        let start = ((from + length / 2.0) * whole - side / 2.0).max(0.0);
        (start as usize, (side.min(whole - start)).max(2.0) as usize)
    };
    let ((left, width), (top, height)) = (axis(around.x, around.w, wide), axis(around.y, around.h, high));
    picture.cut(left, top, width, height)
}

fn may_be_person(label: Label) -> bool {
    matches!(label, Label::Person | Label::Motion)
}

fn objects_by_motion(boxes: &[NormBox]) -> Vec<Detection> {
    let object = |b: &&NormBox| (MIN_MOTION_AREA..MAX_MOTION_AREA).contains(&b.area());
    // Motion is certain of itself; that it has no score is told by the rules.
    let detection = |region: &NormBox| Detection { label: Label::Motion, score: 1.0, region: *region };
    boxes.iter().filter(object).map(detection).collect()
}

#[cfg(test)]
mod tests;
