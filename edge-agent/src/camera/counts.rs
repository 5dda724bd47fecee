//! What became of a camera's pictures, counted since it was started.

use std::sync::atomic::AtomicU64;

/// Kept by the decoding threads.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Units that were not decoded, because the decoder was behind or waited for a keyframe.
    pub(crate) undecoded: AtomicU64,
    /// Pictures that came out of the decoder.
    pub(crate) decoded: AtomicU64,
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
}
