//! Drawn pictures to an H.264 MP4, with the sensor noise and the flicker of a real camera.

use std::path::Path;

use anyhow::{Context, Result, bail};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use protocol::Chance;
use tiny_skia::Pixmap;

use super::Scene;

/// How long the encoder may take to close the file.
const CLOSE_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(60);

pub(super) struct Encoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    /// One tile of noise; every frame starts reading it somewhere else.
    noise: Vec<i8>,
    chance: Chance,
    fps: u32,
    frame: u64,
}

impl Encoder {
    pub(super) fn start(scene: &Scene, mp4: &Path) -> Result<Self> {
        gst::init().context("starting GStreamer")?;
        let (width, height, fps) = (scene.width, scene.height, scene.fps);
        let line = format!(
            "appsrc name=in format=time block=true max-bytes=8000000 \
             caps=video/x-raw,format=I420,width={width},height={height},framerate={fps}/1,colorimetry=bt601 \
             ! {encoder} ! h264parse ! mp4mux faststart=true ! filesink name=out",
            encoder = encoder(scene)?,
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
        let chance = Chance::seeded(scene.seed ^ 0x005e_ed0f_0153);
        let noise = (0..(1 << 18) + scene.width as usize * scene.height as usize)
            .step_by(8)
            .flat_map(|_| chance.bytes::<8>())
            // The sum of two dice is closer to a sensor's noise than one.
            .collect::<Vec<u8>>()
            .windows(2)
            .map(|w| ((i16::from(w[0] & 7) + i16::from(w[1] >> 5)) - 7) as i8 / 2)
            .collect();
        Ok(Self { pipeline, source, noise, chance, fps, frame: 0 })
    }

    pub(super) fn push(&mut self, page: &Pixmap) -> Result<()> {
        let flicker = ((self.frame as f32 * 0.9).sin() * 1.2) as i16;
        let offset = self.chance.below(1 << 17) as usize;
        let i420 = to_i420(page, flicker, &self.noise[offset..]);
        let mut buffer = gst::Buffer::from_mut_slice(i420);
        let frame_ns = 1_000_000_000 / u64::from(self.fps);
        {
            let buffer = buffer.get_mut().context("a new buffer has one owner")?;
            buffer.set_pts(gst::ClockTime::from_nseconds(self.frame * 1_000_000_000 / u64::from(self.fps)));
            buffer.set_duration(gst::ClockTime::from_nseconds(frame_ns));
        }
        self.frame += 1;
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
fn encoder(scene: &Scene) -> Result<String> {
    let has = |name: &str| gst::ElementFactory::find(name).is_some();
    let gop = scene.fps * 2;
    if scene.bframes == 0 && has("openh264enc") {
        return Ok(format!(
            "openh264enc bitrate=3000000 gop-size={gop} rate-control=bitrate complexity=low multi-thread=2"
        ));
    }
    if has("x264enc") {
        let bframes = scene.bframes;
        return Ok(format!(
            "x264enc bitrate=3000 speed-preset=veryfast key-int-max={gop} bframes={bframes} b-adapt=false"
        ));
    }
    bail!("no H.264 encoder: install gstreamer1.0-plugins-bad (openh264enc) or -ugly (x264enc)")
}

/// BT.601 limited range, 4:2:0; `noise` and `flicker` are added to the luma.
fn to_i420(page: &Pixmap, flicker: i16, noise: &[i8]) -> Vec<u8> {
    let (width, height) = (page.width() as usize, page.height() as usize);
    let rgba = page.data();
    let mut out = vec![0_u8; width * height * 3 / 2];
    let (luma, chroma) = out.split_at_mut(width * height);
    for ((y, px), n) in luma.iter_mut().zip(rgba.chunks_exact(4)).zip(noise) {
        let (r, g, b) = (i32::from(px[0]), i32::from(px[1]), i32::from(px[2]));
        let clean = ((66 * r + 129 * g + 25 * b + 128) >> 8) as i16 + 16;
        *y = (clean + flicker + i16::from(*n)).clamp(16, 235) as u8;
    }
    let (cb, cr) = chroma.split_at_mut(width * height / 4);
    for row in 0..height / 2 {
        for column in 0..width / 2 {
            let at = (row * 2 * width + column * 2) * 4;
            let (r, g, b) = (i32::from(rgba[at]), i32::from(rgba[at + 1]), i32::from(rgba[at + 2]));
            let i = row * (width / 2) + column;
            cb[i] = (((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128) as u8;
            cr[i] = (((112 * r - 94 * g - 18 * b + 128) >> 8) + 128) as u8;
        }
    }
    out
}
