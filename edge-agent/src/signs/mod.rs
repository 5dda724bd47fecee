//! What the pixels of a picture say without a detector: flames, things left behind, and the state of the view itself.
//! Each method is computed only where a rule of the camera asks for it. Pure: pictures in, signs out.

use protocol::NormBox;
use serde::{Deserialize, Serialize};

/// What the classical methods found in one frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signs {
    /// Regions that look and behave like flames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flames: Vec<Sign>,
    /// Regions that differ from the long-term background, and have stood still.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Sign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
}

/// One region that a method points out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    pub region: NormBox,
    /// 0..=1 in two decimals.
    pub score: f32,
}

/// How strongly the frame shows that something is wrong with the view itself: 0..=1 in two decimals each, at 0.5 and
/// above it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    pub covered: f32,
    pub defocused: f32,
    pub moved: f32,
    pub frozen: f32,
}

impl Signs {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
