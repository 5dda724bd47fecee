//! What can see something without a model, as incidents and health name it.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::Label;

use crate::observation::{Observation, Seen};

/// Areas that move.
pub const MOTION: &str = "motion";
/// Colour that flickers and grows.
pub const FLAMES: &str = "flame colour and flicker";
/// What differs from the picture of long ago, and stands still.
pub const BACKGROUND: &str = "long and short background";
/// The outline of somebody who is followed.
pub const SHAPE: &str = "shape of the track";
/// A pose model, of somebody in doubt.
pub const POSE: &str = "pose";
/// The state of the view: edges, likeness to its usual picture, change from frame to frame.
pub const VIEW: &str = "likeness of the view";
/// Frames that do not come.
pub const GAP: &str = "no frames";

/// What saw one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eye {
    /// The detector that looked at the frame.
    Model,
    Motion,
    Flames,
    Background,
    Pose,
    View,
}

impl Eye {
    pub(super) fn of(label: Label) -> Self {
        if label == Label::Motion { Self::Motion } else { Self::Model }
    }

    /// Its name; `None`: that of the model.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Model => None,
            Self::Motion => Some(MOTION),
            Self::Flames => Some(FLAMES),
            Self::Background => Some(BACKGROUND),
            Self::Pose => Some(POSE),
            Self::View => Some(VIEW),
        }
    }
}

/// Which models looked, and which named what when it was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    last: Arc<str>,
    by_label: BTreeMap<Label, Arc<str>>,
}

impl From<&str> for Models {
    fn from(last: &str) -> Self {
        Self { last: last.into(), by_label: BTreeMap::new() }
    }
}

impl Models {
    /// The next frame.
    pub fn saw(&mut self, observation: &Observation) {
        match &observation.seen {
            Seen::Objects { by, detections } => {
                self.last = Arc::clone(by);
                for label in detections.iter().map(|detection| detection.label) {
                    let source = observation.sources.get(&label).unwrap_or(by);
                    self.by_label.insert(label, Arc::clone(source));
                }
            }
            Seen::Motion { .. } => self.last = MOTION.into(),
            Seen::Still | Seen::Unknown => {}
        }
    }

    /// What looked last.
    pub fn last(&self) -> &Arc<str> {
        &self.last
    }

    /// What named such a thing when one was seen last.
    pub(super) fn naming(&self, label: Label) -> Arc<str> {
        Arc::clone(self.by_label.get(&label).unwrap_or(&self.last))
    }

    /// Everything followed is forgotten.
    pub fn forget(&mut self) {
        self.by_label.clear();
    }
}
