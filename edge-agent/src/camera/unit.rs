//! One encoded picture as the camera made it.

use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;
use protocol::UtcMs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
}

impl Codec {
    /// GStreamer's name of the encoded medium.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::H264 => "video/x-h264",
            Self::H265 => "video/x-h265",
        }
    }

    pub fn from_media_type(name: &str) -> Option<Self> {
        [Self::H264, Self::H265].into_iter().find(|codec| codec.media_type() == name)
    }

    pub fn parser(self) -> &'static str {
        match self {
            Self::H264 => "h264parse",
            Self::H265 => "h265parse",
        }
    }

    /// How units are framed in the ring: length-prefixed, parameter sets in the caps, as MP4 wants them.
    pub fn ring_caps(self) -> gst::Caps {
        let stream_format = match self {
            Self::H264 => "avc",
            Self::H265 => "hvc1",
        };
        gst::Caps::builder(self.media_type())
            .field("stream-format", stream_format)
            .field("alignment", "au")
            .build()
    }
}

/// What a decoder or a file must know to read the units: changes when the camera changes its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    pub codec: Codec,
    /// Pixels.
    pub width: usize,
    pub height: usize,
    /// With the parameter sets (`codec_data`).
    pub caps: gst::Caps,
}

impl Format {
    /// Reads what a parser negotiated; `None` while size or parameter sets are not known yet.
    pub fn from_caps(caps: &gst::CapsRef) -> Option<Self> {
        let s = caps.structure(0)?;
        let codec = Codec::from_media_type(s.name())?;
        let width = usize::try_from(s.get::<i32>("width").ok()?).ok()?;
        let height = usize::try_from(s.get::<i32>("height").ok()?).ok()?;
        s.get::<gst::Buffer>("codec_data").ok()?;
        Some(Self { codec, width, height, caps: caps.to_owned() })
    }
}

/// One access unit, shared by everybody who keeps it.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Wall time of capture in microseconds since 1970. Units come in decoding order, so with B-frames it
    /// steps back now and then; the keyframes' alone never does.
    pub captured_us: i64,
    /// Decoding can start here.
    pub keyframe: bool,
    /// Units are missing before this one.
    pub after_gap: bool,
    pub data: Bytes,
    pub format: Arc<Format>,
}

impl Unit {
    /// As [`crate::frame::Frame::captured_at`] has it.
    pub fn captured_at(&self) -> UtcMs {
        UtcMs(self.captured_us.div_euclid(1_000))
    }
}
