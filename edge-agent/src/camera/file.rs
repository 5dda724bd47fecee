//! A clip as frames on media time, as fast as the machine can: for replay. No leaky queue, no clock, no
//! thread of ours: the same frames on every run.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use protocol::{CameraId, UtcMs};

use super::cadence::Cadence;
use super::decode::{Disposed, pixel_aspect};
use super::picture::{fitted, from_sample, i420_caps};
use super::source::{capsfilter, element, error_text, scaler};
use crate::frame::Frame;

/// Opens a video file of any format this machine decodes. `fps`: at most so many frames per second of media
/// time; `max_width`: wider pictures are scaled down, as a camera's are.
pub fn decode_file(path: &Path, camera_id: CameraId, fps: f32, max_width: usize) -> Result<FileFrames> {
    super::init()?;
    let absolute = path.canonicalize().with_context(|| format!("opening {}", path.display()))?;
    let pipeline = gst::Pipeline::new();
    let source = element("filesrc")?;
    source.set_property("location", absolute.to_str().context("the path is not UTF-8")?);
    let bin = element("decodebin")?;
    let scale = scaler()?;
    let filter = capsfilter(&gst::Caps::builder("video/x-raw").field("format", "I420").build())?;
    let sink =
        gst_app::AppSink::builder().sync(false).max_buffers(2).drop(false).enable_last_sample(false).build();
    pipeline.add_many([&source, &bin, &scale, &filter, sink.upcast_ref()]).context("adding elements")?;
    source.link(&bin).context("linking")?;
    gst::Element::link_many([&scale, &filter, sink.upcast_ref()]).context("linking")?;
    let (weak_scale, weak_filter) = (scale.downgrade(), filter.downgrade());
    bin.connect_pad_added(move |_, pad| {
        let (Some(scale), Some(filter)) = (weak_scale.upgrade(), weak_filter.upgrade()) else { return };
        let Some(sink_pad) = scale.static_pad("sink").filter(|p| !p.is_linked()) else { return };
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let Some(shape) = caps.structure(0).filter(|s| s.name().starts_with("video/")) else { return };
        if let (Ok(width), Ok(height)) = (shape.get::<i32>("width"), shape.get::<i32>("height")) {
            let (width, height) =
                fitted(width.max(0) as usize, height.max(0) as usize, pixel_aspect(&caps), max_width);
            filter.set_property("caps", i420_caps(width, height));
        }
        thin_out(pad, Cadence::new(fps));
        // Refused pads stay unlinked; decodebin then says so on the bus.
        let _ = pad.link(&sink_pad);
    });
    pipeline.set_state(gst::State::Playing).context("starting the decoder")?;
    Ok(FileFrames { sink, pipeline: Disposed(pipeline), camera_id, sequence: 0, done: false })
}

/// Drops pictures before they are converted.
fn thin_out(pad: &gst::Pad, cadence: Cadence) {
    let cadence = std::sync::Mutex::new(cadence);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let mut cadence = cadence.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match info.buffer().and_then(|b| b.pts()) {
            Some(pts) if !cadence.takes(pts.useconds() as i64) => gst::PadProbeReturn::Drop,
            _ => gst::PadProbeReturn::Ok,
        }
    });
}

/// Frames of one file in order; ends after the last, or with one error.
pub struct FileFrames {
    sink: gst_app::AppSink,
    pipeline: Disposed,
    camera_id: CameraId,
    sequence: u64,
    done: bool,
}

impl FileFrames {
    fn pull(&self) -> Result<Option<(gst::Sample, UtcMs)>> {
        // Waits as long as the decoder works: its end and its failure both end the wait.
        while !self.sink.is_eos() {
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(200)) {
                let pts = sample.buffer().and_then(gst::BufferRef::pts).context("a picture without time")?;
                let segment = sample.segment().and_then(|s| s.downcast_ref::<gst::ClockTime>());
                let media = segment.and_then(|s| s.to_stream_time(pts)).unwrap_or(pts);
                return Ok(Some((sample, UtcMs(media.mseconds() as i64))));
            }
            let bus = self.pipeline.0.bus().context("a pipeline has a bus")?;
            if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error]) {
                return Err(anyhow!(error_text(&message).unwrap_or_default()).context("decoding the file"));
            }
        }
        Ok(None)
    }
}

impl Iterator for FileFrames {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        if self.done {
            return None;
        }
        let frame = self.pull().and_then(|pulled| {
            let Some((sample, captured_at)) = pulled else { return Ok(None) };
            let picture = from_sample(&sample).context("a picture that is not I420")?;
            self.sequence += 1;
            Ok(Some(Frame {
                camera_id: self.camera_id.clone(),
                sequence: self.sequence,
                captured_at,
                picture: Arc::new(picture),
            }))
        });
        self.done = !matches!(frame, Ok(Some(_)));
        frame.transpose()
    }
}
