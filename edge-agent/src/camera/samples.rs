//! Encoded units for tests.

use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::decode::Disposed;
use super::source::{capsfilter, element, encoder};
use super::unit::{Codec, Format, Unit};

/// A moving picture of `width` by 96 pixels in H.264, as a camera would send it: 25 pictures a second, a keyframe in
/// each; times begin at 0.
pub(crate) fn encoded(pictures: i32, width: i32) -> Vec<Unit> {
    crate::camera::init().unwrap();
    let pipeline = gst::Pipeline::new();
    let source = element("videotestsrc").unwrap();
    source.set_property("num-buffers", pictures);
    let small = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", width)
        .field("height", 96)
        .field("framerate", gst::Fraction::new(25, 1))
        .build();
    let sink = gst_app::AppSink::builder().sync(false).build();
    let chain = [
        source,
        capsfilter(&small).unwrap(),
        encoder(500_000, 25).unwrap(),
        element("h264parse").unwrap(),
        capsfilter(&Codec::H264.ring_caps()).unwrap(),
        sink.clone().upcast(),
    ];
    pipeline.add_many(&chain).unwrap();
    gst::Element::link_many(&chain).unwrap();
    let pipeline = Disposed(pipeline);
    pipeline.0.set_state(gst::State::Playing).unwrap();
    let (mut units, mut format) = (Vec::new(), None);
    while let Ok(sample) = sink.pull_sample() {
        let buffer = sample.buffer().unwrap();
        let format = format
            .get_or_insert_with(|| Arc::new(Format::from_caps(sample.caps().unwrap()).unwrap()))
            .clone();
        units.push(Unit {
            captured_us: buffer.pts().unwrap().useconds() as i64,
            keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            after_gap: false,
            data: Bytes::copy_from_slice(&buffer.map_readable().unwrap()),
            format,
        });
    }
    units
}
