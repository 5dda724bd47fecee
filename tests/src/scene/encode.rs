//! Pictures to an H.264 MP4.

use std::path::Path;

use super::sensor::Shot;
use anyhow::{Context, Result, bail};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;

/// How long the encoder may take to close the file.
const CLOSE_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// What the clip is to be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) fps: u32,
    pub(super) bframes: u32,
    pub(super) bitrate_kbps: u32,
}

pub(super) struct Encoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    fps: u32,
}

impl Encoder {
    pub(super) fn start(format: Format, mp4: &Path) -> Result<Self> {
        gst::init().context("starting GStreamer")?;
        let Format { width, height, fps, .. } = format;
        let line = format!(
            "appsrc name=in format=time block=true max-bytes=8000000 \
             caps=video/x-raw,format=I420,width={width},height={height},framerate={fps}/1,colorimetry=bt601 \
             ! {encoder} ! h264parse ! mp4mux faststart=true ! filesink name=out",
            encoder = encoder(format)?,
        );
        let pipeline = gst::parse::launch(&line)
            .with_context(|| format!("building {line:?}"))?
            .downcast::<gst::Pipeline>()
            .ok()
            .context("several elements make a pipeline")?;
        let by_name = |name: &str| pipeline.by_name(name).context("element named in the line above");
        by_name("out")?.set_property("location", mp4.display().to_string());
        let source = by_name("in")?.downcast::<AppSrc>().ok().context("`in` is an appsrc")?;
        pipeline.set_state(gst::State::Playing).context("starting the encoder")?;
        Ok(Self { pipeline, source, fps })
    }

    /// The frame of this number; numbers may be left out, not go back.
    pub(super) fn push(&mut self, shot: &Shot, frame: u64) -> Result<()> {
        let mut buffer = gst::Buffer::from_mut_slice(shot.i420());
        let frame_ns = 1_000_000_000 / u64::from(self.fps);
        {
            let buffer = buffer.get_mut().context("a new buffer has one owner")?;
            buffer.set_pts(gst::ClockTime::from_nseconds(frame * 1_000_000_000 / u64::from(self.fps)));
            buffer.set_duration(gst::ClockTime::from_nseconds(frame_ns));
        }
        if self.source.push_buffer(buffer).is_err() {
            self.wait_for_the_end()?;
            bail!("the encoder stopped taking pictures");
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        self.source.end_of_stream().context("ending the clip")?;
        self.wait_for_the_end()
    }

    fn wait_for_the_end(&self) -> Result<()> {
        let bus = self.pipeline.bus().context("a pipeline has a bus")?;
        let last = bus
            .timed_pop_filtered(CLOSE_TIMEOUT, &[gst::MessageType::Eos, gst::MessageType::Error])
            .context("the encoder did not finish the file in 60 s")?;
        match last.view() {
            gst::MessageView::Error(e) => bail!("encoding: {} ({:?})", e.error(), e.debug()),
            _ => Ok(()),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// OpenH264 (BSD) where it can do what is asked; x264 for B-frames or where the other is missing.
fn encoder(format: Format) -> Result<String> {
    let has = |name: &str| gst::ElementFactory::find(name).is_some();
    let Format { fps, bframes, bitrate_kbps, .. } = format;
    let gop = fps * 2;
    if bframes == 0 && has("openh264enc") {
        let bitrate = bitrate_kbps * 1000;
        return Ok(format!(
            "openh264enc bitrate={bitrate} gop-size={gop} rate-control=bitrate complexity=low multi-thread=2"
        ));
    }
    if has("x264enc") {
        return Ok(format!(
            "x264enc bitrate={bitrate_kbps} speed-preset=veryfast key-int-max={gop} bframes={bframes} b-adapt=false"
        ));
    }
    bail!("no H.264 encoder: install gstreamer1.0-plugins-bad (openh264enc) or -ugly (x264enc)")
}
