//! What stations 1–4 hand on: pictures and what a detector saw in them.

use std::sync::Arc;

use protocol::{CameraId, Label, NormBox, UtcMs};
use serde::{Deserialize, Serialize};

/// One decoded picture as the decoder gives it: 8-bit I420 (4:2:0), tightly packed rows of even width.
/// The luma plane serves the motion gate as it is; the detector converts only the pixels it samples.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels; both even.
    pub width: usize,
    pub height: usize,
    /// `width × height` bytes, BT.601 limited range.
    pub y: Vec<u8>,
    /// `width/2 × height/2` bytes each.
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// One picture of one camera.
#[derive(Clone, Debug)]
pub struct Frame {
    pub camera_id: CameraId,
    /// Counts decoded frames of this camera since the agent started.
    pub sequence: u64,
    /// Wall time of capture. In replay: media time, counted from the start of the clip.
    pub captured_at: UtcMs,
    pub picture: Arc<Picture>,
}

/// One thing a detector named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    pub label: Label,
    /// 0..=1.
    pub score: f32,
    pub region: NormBox,
}
