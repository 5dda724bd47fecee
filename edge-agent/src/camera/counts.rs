//! What became of a camera's pictures, counted since it was started.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use protocol::CameraId;

use super::decoders::DecoderInfo;

/// Kept by the decoding threads.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Whose, for the log.
    camera: String,
    /// Units that were not decoded, because the decoder was behind or waited for a keyframe.
    pub(crate) undecoded: AtomicU64,
    /// Pictures that came out of the decoder.
    pub(crate) decoded: AtomicU64,
    /// Sessions that ended because the camera was silent.
    pub(crate) stalls: AtomicU64,
    /// Times that this program kept a unit longer than a camera may be silent.
    pub(crate) blocked: AtomicU64,
    decoder: Mutex<Option<DecoderInfo>>,
}

impl Counts {
    pub(crate) fn of(camera: &CameraId) -> Self {
        Self { camera: camera.to_string(), ..Self::default() }
    }

    /// The decoder used last.
    pub(crate) fn decoder(&self) -> Option<DecoderInfo> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says so once for each decoder, not for each session.
    pub(crate) fn decodes_with(&self, decoder: &DecoderInfo) {
        let mut last = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() != Some(decoder) {
            tracing::info!(camera = self.camera, decoder = decoder.name, kind = decoder.kind(), "decoding");
            *last = Some(decoder.clone());
        }
    }
}

/// One look at a camera's counters. Each only grows while the camera runs. Of the decoded pictures those that are
/// due (`analysis_fps`) are offered; an offered one is analysed or, when a newer came first, dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Encoded pictures that arrived and were kept for clips.
    pub units: u64,
    /// Times the stream was interrupted or restarted.
    pub gaps: u64,
    pub undecoded: u64,
    pub decoded: u64,
    pub offered: u64,
    pub dropped: u64,
    /// Sessions given up because the camera sent nothing, and times when it was we who kept a picture too long.
    pub stalls: u64,
    pub blocked: u64,
}
