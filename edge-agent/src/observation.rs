//! What stations 2 and 3 found out about one frame: all that stations 4 and 5 need, without the picture. Recorded as
//! one JSON line each, observations play back byte for byte on any machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::{Label, NormBox, UtcMs};
use serde::{Deserialize, Serialize};

use crate::detector::{Stance, Unsought};
use crate::frame::Detection;
use crate::signs::Signs;

/// One analysed frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Capture time; media time in replay.
    pub at: UtcMs,
    #[serde(flatten)]
    pub seen: Seen,
    /// Which detector named what, where several looked; for a label that is not there, all that looked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Label, Arc<str>>,
    /// What the detectors name and none of them looked for. Older records do not tell: all looked for everything.
    #[serde(default, skip_serializing_if = "Unsought::is_empty")]
    pub unsought: Unsought,
    /// What the pixels say without a detector.
    #[serde(default, skip_serializing_if = "Signs::is_empty")]
    pub signs: Signs,
    /// How things that stand still look now, compared with when they came to rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parked: Vec<Parked>,
    /// What a pose model said of a place where a rule was in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posed: Option<Posed>,
}

/// What the detectors said of a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Seen {
    /// The detectors looked. `by`: their names, and `motion` where that stood in for one.
    Objects { by: Arc<str>, detections: Vec<Detection> },
    /// There is no detector; this moved.
    Motion { detections: Vec<Detection> },
    /// Nothing moves, so nobody looked.
    Still,
    /// The detector had no time.
    Unknown,
}

/// One place where something came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// The box it came to rest in.
    pub region: NormBox,
    /// Likeness of the place now to the place then, in two decimals: 1 the same under any light, 0 nothing in common.
    pub alike: f32,
}

/// A look of the pose model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posed {
    /// The place that the rule asked about.
    pub region: NormBox,
    #[serde(flatten)]
    pub stance: Stance,
}

impl Observation {
    /// A frame of which only the detector said something.
    pub fn of(at: UtcMs, seen: Seen) -> Self {
        Self {
            at,
            seen,
            sources: BTreeMap::new(),
            unsought: Unsought::default(),
            signs: Signs::default(),
            parked: Vec::new(),
            posed: None,
        }
    }

    /// Whether a detector looked for such a thing in this frame: not having found one says something.
    pub fn looked_for(&self, label: Label) -> bool {
        matches!(self.seen, Seen::Objects { .. }) && !self.unsought.holds(label)
    }

    /// Whether this frame tells that no detector at work names any of these.
    pub fn nobody_names(&self, labels: &[Label]) -> bool {
        match self.seen {
            Seen::Objects { .. } => labels.iter().all(|label| self.unsought.missing.contains(label)),
            Seen::Motion { .. } => !labels.iter().any(|label| self.unsought.waiting.contains(label)),
            Seen::Still | Seen::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARS: &[Label] = &[Label::Car, Label::Truck];

    fn objects() -> Observation {
        Observation::of(UtcMs(7), Seen::Objects { by: "any 1".into(), detections: Vec::new() })
    }

    /// A frame in which all looked for everything is recorded as it always was; older records mean just that.
    #[test]
    fn the_usual_frame_needs_no_word_more() {
        let line = r#"{"at":7,"seen":"objects","by":"any 1","detections":[]}"#;
        assert_eq!(serde_json::to_string(&objects()).unwrap(), line);
        let read: Observation = serde_json::from_str(line).unwrap();
        assert!(read.looked_for(Label::Fire) && !read.nobody_names(CARS));
    }

    /// What waits for its turn is named all the same; what is missing is not; both are recorded.
    #[test]
    fn what_nobody_looked_for_is_told() {
        let unsought = Unsought { waiting: vec![Label::Fire], missing: CARS.to_vec() };
        let frame = Observation { unsought, ..objects() };
        let line = serde_json::to_string(&frame).unwrap();
        assert_eq!(serde_json::from_str::<Observation>(&line).unwrap(), frame);
        let looked = [Label::Person, Label::Fire, Label::Car].map(|label| frame.looked_for(label));
        assert_eq!(looked, [true, false, false]);
        assert!(frame.nobody_names(CARS) && !frame.nobody_names(&[Label::Fire]));
        assert!(!frame.nobody_names(&[Label::Car, Label::Bus]), "one of them is named");
        let motion = Observation { seen: Seen::Motion { detections: Vec::new() }, ..frame };
        assert!(motion.nobody_names(CARS) && !motion.nobody_names(&[Label::Fire]));
        assert!(!Observation::of(UtcMs(7), Seen::Still).nobody_names(CARS), "nobody was asked");
    }
}
