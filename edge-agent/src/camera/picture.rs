//! Decoder output to [`Picture`]: I420, tightly packed, even sides.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::frame::Picture;

/// Size of the picture that fits `max_width` at the stream's shape, pixels made square, both sides even.
pub(crate) fn fitted(
    width: usize,
    height: usize,
    pixel_aspect: (i32, i32),
    max_width: usize,
) -> (usize, usize) {
    let aspect = f64::from(pixel_aspect.0.max(1)) / f64::from(pixel_aspect.1.max(1));
    let shown = width as f64 * aspect;
    let scale = (max_width as f64 / shown).min(1.0);
    let even = |v: f64| ((v / 2.0).floor() as usize * 2).max(2);
    (even(shown * scale), even(height as f64 * scale))
}

/// Caps of the pictures we take.
pub(crate) fn i420_caps(width: usize, height: usize) -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", width as i32)
        .field("height", height as i32)
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

/// The planes of one sample, copied without row padding. `None` when it is not a readable I420 picture.
pub(crate) fn from_sample(sample: &gst::Sample) -> Option<Picture> {
    let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
    if info.format() != gst_video::VideoFormat::I420 {
        return None;
    }
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, &info).ok()?;
    let (width, height) = (frame.width() as usize & !1, frame.height() as usize & !1);
    if width == 0 || height == 0 {
        return None;
    }
    let plane = |index: usize, width: usize, height: usize| -> Option<Vec<u8>> {
        let stride = usize::try_from(*frame.plane_stride().get(index)?).ok()?;
        let data = frame.plane_data(index as u32).ok()?;
        let mut out = Vec::with_capacity(width * height);
        for row in data.chunks(stride).take(height) {
            out.extend_from_slice(row.get(..width)?);
        }
        (out.len() == width * height).then_some(out)
    };
    Some(Picture {
        width,
        height,
        y: plane(0, width, height)?,
        u: plane(1, width / 2, height / 2)?,
        v: plane(2, width / 2, height / 2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures keep their shape, get even sides, are never enlarged, and non-square pixels are undone.
    #[test]
    fn fits() {
        assert_eq!(fitted(1920, 1080, (1, 1), 640), (640, 360));
        assert_eq!(fitted(426, 240, (1, 1), 640), (426, 240));
        assert_eq!(fitted(641, 479, (1, 1), 640), (640, 478));
        assert_eq!(fitted(720, 576, (16, 15), 10_000), (768, 576));
        assert_eq!(fitted(1, 1, (1, 1), 640), (2, 2));
    }
}
