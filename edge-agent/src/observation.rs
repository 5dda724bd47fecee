//! What stations 2 and 3 found out about one frame: all that stations 4 and 5 need, without the picture. Recorded as
//! one JSON line each, observations play back byte for byte on any machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::{Label, NormBox, UtcMs};
use serde::{Deserialize, Serialize};

use crate::detector::Stance;
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
        let sources = BTreeMap::new();
        Self { at, seen, sources, signs: Signs::default(), parked: Vec::new(), posed: None }
    }
}
