//! Stations 2 to 5 of one camera, in order.
//!
//! [`Analyser::observe`] looks (motion gate, detector when needed), [`Analyser::conclude`] thinks (tracker,
//! rules). Between them lies an [`Observation`], which replay can record and play back without pictures.

use std::sync::Arc;

use protocol::{Label, NormBox, UtcMs};

use crate::detector::Answer;
use crate::evidence::people::Spot;
use crate::frame::{Detection, Frame};
use crate::motion::{Motion, MotionGate};
use crate::observation::{Observation, Seen};
use crate::parked::Places;
use crate::rules::method::MOTION;
use crate::rules::{Moment, RuleConfig, RuleEvent, Rules};
use crate::signs::SignReader;
use crate::tracker::Tracker;

/// With nothing moving, the detector looks so often: at things that stand there, and at an empty scene (who
/// came in unseen by the motion gate is found then).
const RECHECK_MS: i64 = 1_000;
const RECHECK_EMPTY_MS: i64 = 5_000;
/// After a gap of this length, or a clock that jumped, what was known is no longer true.
const GAP_MS: i64 = 30_000;
/// Moving areas outside these shares of the picture are no objects: noise, or a change of light.
const MIN_MOTION_AREA: f32 = 0.002;
const MAX_MOTION_AREA: f32 = 0.5;

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
    method: Arc<str>,
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
            method: MOTION.into(),
            people: None,
        }
    }

    /// The next frame. `ask` shows it to the detector, and is called only when that is needed:
    /// `analyser.analyse(&frame, |frame| client.ask(frame))`.
    pub fn analyse(&mut self, frame: &Frame, ask: impl FnOnce(&Frame) -> Answer) -> Vec<RuleEvent> {
        let observation = self.observe(frame, ask);
        self.conclude(&observation)
    }

    /// Stations 2 and 3.
    pub fn observe(&mut self, frame: &Frame, ask: impl FnOnce(&Frame) -> Answer) -> Observation {
        let (at, picture) = (frame.captured_at, &frame.picture);
        let motion = self.gate.look(at, &picture.y, picture.width, picture.height);
        let mut signs = self.signs.look(at, picture, &motion);
        let seen = self.look(frame, &motion, ask);
        // Flicker stands in for a model that names fire only while that is away.
        if !self.rules.count_flames() && !matches!(seen, Seen::Motion { .. }) {
            signs.flames.clear();
        }
        let parked = self.places.look(at, picture, &self.tracker.resting(at));
        Observation { signs, parked, ..Observation::of(at, seen) }
    }

    fn look(&mut self, frame: &Frame, motion: &Motion, ask: impl FnOnce(&Frame) -> Answer) -> Seen {
        let at = frame.captured_at;
        let moves = !motion.boxes.is_empty() || motion.recalibrated || self.tracker.moving();
        if !moves && !self.detector_missing && !self.recheck_due(at) {
            return Seen::Still;
        }
        match ask(frame) {
            Answer::Found { by, detections } => {
                self.detected_at = Some(at);
                Seen::Objects { by, detections }
            }
            Answer::Partly { by, mut detections } => {
                self.detected_at = Some(at);
                detections.extend(objects_by_motion(&motion.boxes));
                Seen::Objects { by: format!("{by} + {MOTION}").into(), detections }
            }
            Answer::Busy => Seen::Unknown,
            Answer::Missing => Seen::Motion { detections: objects_by_motion(&motion.boxes) },
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
                self.method = Arc::clone(by);
                self.tracker.step(at, detections);
            }
            Seen::Motion { detections } => {
                self.detector_missing = true;
                self.method = MOTION.into();
                self.tracker.step(at, detections);
            }
            Seen::Still => self.tracker.hold(at),
            Seen::Unknown => {}
        }
        self.tracker.parked(at, &observation.parked);
        let tracks = self.tracker.tracks();
        let now = Moment { tracks: &tracks, seen: observation, by: &self.method };
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
        self.gate.reset();
        (self.at, self.detected_at) = (None, None);
        events
    }

    /// What saw the last frame: a model's name and version, or [`MOTION`].
    pub fn method(&self) -> &str {
        &self.method
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
mod tests {
    use protocol::Phase;

    use super::*;
    use crate::frame::Picture;
    use crate::rules::RuleKind;

    const W: usize = 320;
    const H: usize = 180;

    /// A street, with a dark block of 24 × 60 whose left edge is at `x`.
    fn frame(sequence: u64, x: Option<usize>) -> Frame {
        let mut y: Vec<u8> = (0..W * H).map(|i| 110 + ((i % W / 20 + i / W / 15) % 5) as u8 * 20).collect();
        for row in 60..120 {
            if let Some(x) = x {
                y[row * W + x..row * W + (x + 24).min(W)].fill(20);
            }
        }
        let uv = vec![128; W * H / 4];
        let picture = Arc::new(Picture { width: W, height: H, y, u: uv.clone(), v: uv });
        let captured_at = UtcMs(sequence as i64 * 200);
        Frame { camera_id: "c1".parse().unwrap(), sequence, captured_at, picture }
    }

    fn walk(sequence: u64) -> Frame {
        frame(sequence, (20..40).contains(&sequence).then(|| 20 + 8 * (sequence as usize - 20)))
    }

    fn person(frame: &Frame) -> Answer {
        let x = frame.picture.y[90 * W..91 * W].iter().position(|v| *v == 20);
        let region = |x| NormBox { x: x as f32 / W as f32, y: 0.33, w: 24.0 / W as f32, h: 0.33 };
        let detection = |x| Detection { label: Label::Person, score: 0.8, region: region(x) };
        Answer::Found { by: "test 1".into(), detections: x.map(detection).into_iter().collect() }
    }

    fn analyser() -> Analyser {
        Analyser::new(&[RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Intrusion)])
    }

    /// A walk past the camera is one intrusion by the detector, which rests while nothing moves.
    #[test]
    fn a_walk_is_one_intrusion() {
        let mut analyser = analyser();
        let mut asked = 0;
        let events: Vec<RuleEvent> = (0..80)
            .flat_map(|i| {
                analyser.analyse(&walk(i), |f| {
                    asked += 1;
                    person(f)
                })
            })
            .collect();
        let phases: Vec<_> = events.iter().map(|e| e.phase).filter(|p| *p != Phase::Updated).collect();
        assert_eq!(phases, [Phase::Opened, Phase::Ended]);
        assert_eq!((events[0].label, events[0].motion_only), (Label::Person, false));
        assert_eq!(analyser.method(), "test 1");
        assert!((20..45).contains(&asked), "asked {asked} times for 80 frames");
    }

    /// Without a detector the same walk is one intrusion marked motion-only.
    #[test]
    fn without_detector_motion_raises_it() {
        let mut analyser = analyser();
        let events: Vec<RuleEvent> =
            (0..80).flat_map(|i| analyser.analyse(&walk(i), |_| Answer::Missing)).collect();
        let phases: Vec<_> = events.iter().map(|e| e.phase).filter(|p| *p != Phase::Updated).collect();
        assert_eq!(phases, [Phase::Opened, Phase::Ended]);
        assert!(events.iter().all(|e| e.motion_only && e.score == 0.0 && e.label == Label::Motion));
        assert_eq!(analyser.method(), MOTION);
    }

    /// A detector that fails in mid-walk hands over to motion; the incident goes on, and is not doubled.
    #[test]
    fn the_incident_survives_losing_the_detector() {
        let mut analyser = analyser();
        let events: Vec<RuleEvent> = (0..80)
            .flat_map(|i| analyser.analyse(&walk(i), |f| if i < 28 { person(f) } else { Answer::Missing }))
            .collect();
        let opened = events.iter().filter(|e| e.phase == Phase::Opened).count();
        assert_eq!(opened, 1);
        assert!(!events[0].motion_only);
        assert_eq!(events.last().map(|e| e.phase), Some(Phase::Ended));
    }

    /// A detector without time leaves the known as it is: no end, no second beginning.
    #[test]
    fn busy_frames_change_nothing() {
        let mut analyser = analyser();
        let mut phases = Vec::new();
        for i in 0..60 {
            let standing = frame(i, (i >= 10).then_some(100));
            let answer = |f: &Frame| if i > 15 && i % 5 != 0 { Answer::Busy } else { person(f) };
            phases.extend(analyser.analyse(&standing, answer).into_iter().map(|e| e.phase));
        }
        assert_eq!(phases, [Phase::Opened]);
    }

    /// A clock that jumps, to the past or to the future, ends what was open at its last frame; who still stands
    /// there is told of anew at once, not when the old time has come round again.
    #[test]
    fn a_clock_jump_starts_afresh() {
        for jump_ms in [31_536_000_000, -31_536_000_000, -28_800_000, -60_000, 60_000] {
            let mut analyser = analyser();
            let mut told = Vec::new();
            for i in 0..40 {
                let mut standing = frame(i, Some(100));
                if i >= 20 {
                    standing.captured_at = standing.captured_at.plus_ms(jump_ms);
                }
                told.extend(analyser.analyse(&standing, person).into_iter().map(|e| (e.phase, e.at.0)));
            }
            assert_eq!(told[1], (Phase::Ended, 19 * 200), "{told:?}");
            let phases: Vec<_> = told.iter().map(|(phase, _)| *phase).collect();
            assert_eq!(phases, [Phase::Opened, Phase::Ended, Phase::Opened], "{jump_ms} ms: {told:?}");
        }
    }
}
