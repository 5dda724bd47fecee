//! Which encoder makes H.264 here: hardware where the machine has it, by rank, else software.

use anyhow::{Context, Result};
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::camera;

pub(super) enum Encoder {
    Hardware(gst::ElementFactory),
    /// OpenH264 (BSD) before x264 (GPL).
    Software,
}

/// The highest-ranking H.264 encoder that says it is hardware, and has not hung a while ago.
pub(super) fn hardware() -> Option<Encoder> {
    use gst::ElementFactoryType as Kind;
    let h264 = gst::Caps::builder("video/x-h264").build();
    // By its own words: GStreamer takes kinds asked for together as alternatives, and would name x264 here.
    let found =
        gst::ElementFactory::factories_with_type(Kind::ENCODER | Kind::MEDIA_VIDEO, gst::Rank::MARGINAL);
    let fitting = found.into_iter().filter(|f| camera::is_hardware(f) && f.can_src_any_caps(&h264));
    let fitting = fitting.filter(|f| !camera::has_hung(&f.name()));
    fitting.max_by_key(|f| f.rank()).map(Encoder::Hardware)
}

impl Encoder {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Hardware(factory) => factory.name().to_string(),
            Self::Software => "software".to_owned(),
        }
    }

    /// From I420 pictures to H.264.
    pub(super) fn elements(&self, bits_per_second: u32, keyframe_every: u32) -> Result<Vec<gst::Element>> {
        let Self::Hardware(factory) = self else {
            return Ok(vec![camera::encoder(bits_per_second, keyframe_every)?]);
        };
        let encoder = factory.create().build().with_context(|| format!("starting {}", self.name()))?;
        // The hardware encoders agree on kilobits; their names for the distance of keyframes differ.
        set(&encoder, "bitrate", bits_per_second / 1_000);
        for name in ["key-int-max", "gop-size", "keyframe-period"] {
            set(&encoder, name, keyframe_every);
        }
        // A picture decoded before it is shown would be decoded before the file begins: the muxer drops those.
        for name in ["b-frames", "bframes", "max-bframes", "num-b-frames"] {
            set(&encoder, name, 0);
        }
        tracing::debug!(encoder = %self.name(), "encoder chosen");
        Ok(vec![camera::element("videoconvert")?, encoder])
    }
}

/// Sets a whole number where there is such a property.
fn set(element: &gst::Element, name: &str, value: u32) {
    if element.find_property(name).is_some() {
        element.set_property_from_str(name, &value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ranks highest among software is no hardware, even where there is none.
    #[test]
    fn software_is_not_hardware() {
        camera::init().unwrap();
        for name in ["x264enc", "openh264enc", "avenc_h264_omx"] {
            let found = gst::ElementFactory::find(name);
            assert!(found.is_none_or(|factory| !camera::is_hardware(&factory)), "{name}");
        }
        if let Some(Encoder::Hardware(factory)) = hardware() {
            assert!(camera::is_hardware(&factory), "{}", factory.name());
        }
    }
}
