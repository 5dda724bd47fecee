//! Encoded units to pictures: the live analysis branch, and one-shot decoding of units from the ring.
//!
//! The live branch is a pipeline of its own, fed without ever waiting: when the decoder does not keep up,
//! whole stretches up to the next keyframe are skipped and counted, and recording never notices. Where keyframes come
//! often enough for the analysis, nothing else is decoded.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::cadence::Cadence;
use super::counts::Counts;
use super::decoders::{DecoderInfo, Decoders, decoder_for};
use super::picture::{fitted, from_sample, i420_caps};
use super::unit::{Format, Unit};
use crate::frame::Picture;

/// Units that may wait for the decoder: two seconds at 25 per second.
const MAX_WAITING: u64 = 50;

/// One short group may be an accident (encoders begin one where the scene changes); so many are the camera's way.
const ENOUGH_SHORT_GROUPS: u32 = 8;

/// Takes a picture and its capture time in microseconds since 1970.
pub(crate) type OnPicture = Arc<dyn Fn(Picture, i64) + Send + Sync>;

/// The analysis branch of one camera.
pub(crate) struct LiveDecoder {
    fps: f32,
    max_width: usize,
    on_picture: OnPicture,
    counts: Arc<Counts>,
    decoders: Decoders,
    running: Option<Running>,
    waits_for_keyframe: bool,
    /// Capture time of the last keyframe.
    keyframe_us: Option<i64>,
    /// Groups in a row that were short enough for the analysis to live on keyframes.
    short_groups: u32,
}

struct Running {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    format: Arc<Format>,
    base_us: i64,
    decoder: DecoderInfo,
    /// Pictures decoded by others before.
    decoded_before: u64,
}

impl LiveDecoder {
    pub(crate) fn new(fps: f32, max_width: usize, counts: Arc<Counts>, on_picture: OnPicture) -> Self {
        Self {
            fps,
            max_width,
            on_picture,
            counts,
            decoders: Decoders::default(),
            running: None,
            waits_for_keyframe: true,
            keyframe_us: None,
            short_groups: 0,
        }
    }

    fn skip(&self) {
        self.counts.undecoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the decoder one more unit; returns at once. An error means that this stretch cannot be
    /// decoded; the next keyframe tries again.
    pub(crate) fn feed(&mut self, unit: &Unit) -> Result<()> {
        if unit.keyframe {
            self.measure_group(unit.captured_us);
        } else if self.short_groups >= ENOUGH_SHORT_GROUPS {
            // Not needed, so nothing that is missing.
            self.waits_for_keyframe = true;
            return Ok(());
        }
        if self.waits_for_keyframe && !unit.keyframe {
            self.skip();
            return Ok(());
        }
        if !self.running.as_ref().is_some_and(|r| r.format == unit.format) {
            self.stop();
            if !unit.keyframe {
                self.skip();
                return Ok(());
            }
            self.running = Some(self.start(unit)?);
        }
        let Some(running) = &self.running else { return Ok(()) };
        if let Some(problem) = running.problem() {
            self.give_up(&problem);
            return Err(anyhow!("decoding stopped: {problem}"));
        }
        if unit.captured_us < running.base_us {
            // A leading picture of the first keyframe: it refers to units that we never had.
            return Ok(());
        }
        if running.source.current_level_buffers() >= MAX_WAITING {
            self.waits_for_keyframe = true;
            self.skip();
            return Ok(());
        }
        self.waits_for_keyframe = false;
        let buffer = buffer_of(unit, running.base_us);
        // Refused only while the pipeline fails or ends, which `problem` tells about next time.
        let _ = running.source.push_buffer(buffer);
        Ok(())
    }

    /// Decoding a whole group costs many times its keyframe alone.
    fn measure_group(&mut self, captured_us: i64) {
        let group_us = self.keyframe_us.replace(captured_us).map(|last| captured_us - last);
        let wanted_us = 1_050_000.0 / f64::from(self.fps.max(0.01));
        let short = group_us.is_some_and(|us| us > 0 && us as f64 <= wanted_us);
        self.short_groups = if short { self.short_groups.saturating_add(1) } else { 0 };
    }

    /// Lets the decoder show what it still holds, for up to two seconds: a file has ended.
    pub(crate) fn finish(&mut self) {
        if let Some(running) = &self.running {
            let _ = running.source.end_of_stream();
            if let Err(error) =
                super::source::wait_for_end(&running.pipeline, gst::ClockTime::from_seconds(2))
            {
                tracing::debug!(%error, "the last pictures of a file were not decoded");
            }
        }
    }

    /// Lets the current pipeline go; the next keyframe starts another. To be called whenever the stream or
    /// its time begins anew.
    pub(crate) fn stop(&mut self) {
        self.waits_for_keyframe = true;
        self.keyframe_us = None;
        self.short_groups = 0;
        if let Some(running) = self.running.take() {
            dispose(running.pipeline);
        }
    }

    /// As [`stop`](Self::stop), because of what the decoder did: one that has shown nothing is not used again.
    pub(crate) fn give_up(&mut self, reason: &str) {
        if let Some(running) = &self.running
            && self.counts.decoded.load(Ordering::Relaxed) == running.decoded_before
        {
            self.decoders.pass_over(&running.decoder.name, reason);
        }
        self.stop();
    }

    fn start(&mut self, first: &Unit) -> Result<Running> {
        let format = first.format.clone();
        let base_us = first.captured_us;
        let on_picture = self.on_picture.clone();
        let sink = gst_app::AppSink::builder()
            .sync(false)
            .async_(false)
            .max_buffers(1)
            .drop(true)
            .enable_last_sample(false)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        let pts = sample.buffer().and_then(gst::BufferRef::pts);
                        if let (Some(picture), Some(pts)) = (from_sample(&sample), pts) {
                            on_picture(picture, base_us + pts.useconds() as i64);
                        }
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            )
            .build();
        let (mut cadence, counts) = (Cadence::new(self.fps), self.counts.clone());
        let takes = move |at_us| {
            counts.decoded.fetch_add(1, Ordering::Relaxed);
            cadence.takes(at_us)
        };
        let (element, decoder) = self.decoders.start(&format.caps)?;
        let (pipeline, source) =
            decoding_pipeline(&format, element, self.max_width, takes, sink.upcast_ref(), true)?;
        let running = Running {
            pipeline,
            source,
            format,
            base_us,
            decoder,
            decoded_before: self.counts.decoded.load(Ordering::Relaxed),
        };
        if running.pipeline.set_state(gst::State::Playing).is_err() {
            let problem = running.problem().unwrap_or_else(|| "it does not start".into());
            self.decoders.pass_over(&running.decoder.name, &problem);
            dispose(running.pipeline);
            return Err(anyhow!("starting the decoder: {problem}"));
        }
        self.counts.decodes_with(&running.decoder);
        Ok(running)
    }
}

impl Drop for LiveDecoder {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Running {
    fn problem(&self) -> Option<String> {
        let message = self.pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        super::source::error_text(&message)
    }
}

/// Decodes `units` (from a keyframe on) and returns the picture captured at `at_us`, at most `max_width`
/// wide. `None` when it does not come out.
pub(crate) fn decode_one(units: &[Unit], at_us: i64, max_width: usize) -> Result<Option<Picture>> {
    let Some(first) = units.first() else { return Ok(None) };
    let base_us = first.captured_us;
    let found = Arc::new(Mutex::new(None));
    let result = found.clone();
    let sink = gst_app::AppSink::builder()
        .sync(false)
        .enable_last_sample(false)
        .callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    *found.lock().unwrap_or_else(PoisonError::into_inner) = from_sample(&sample);
                    Err(gst::FlowError::Eos)
                })
                .build(),
        )
        .build();
    // Only the wanted picture is converted: scaling a whole group at full size costs more than decoding it.
    let wanted = at_us - base_us;
    let decoder = decoder_for(&first.format.caps)?;
    let (pipeline, source) = decoding_pipeline(
        &first.format,
        decoder,
        max_width,
        move |us| us == wanted,
        sink.upcast_ref(),
        false,
    )?;
    let pipeline = Disposed(pipeline);
    pipeline.0.set_state(gst::State::Playing).context("starting the decoder")?;
    for unit in units.iter().take_while(|u| Arc::ptr_eq(&u.format, &first.format) || u.format == first.format)
    {
        if source.push_buffer(buffer_of(unit, base_us)).is_err() {
            break;
        }
    }
    let _ = source.end_of_stream();
    super::source::wait_for_end(&pipeline.0, gst::ClockTime::from_seconds(10))?;
    let picture = result.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(picture)
}

/// A pipeline that is put to rest when it goes out of scope.
pub(crate) struct Disposed(pub(crate) gst::Pipeline);

impl Drop for Disposed {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

/// Puts a pipeline to rest on a thread of its own: a decoder that hangs must not hang its camera.
fn dispose(pipeline: gst::Pipeline) {
    let rest = move || drop(Disposed(pipeline));
    if let Err(error) = std::thread::Builder::new().name("dispose".into()).spawn(rest) {
        tracing::error!(%error, "no thread to stop a decoder with");
    }
}

/// `appsrc ! decoder ! [only pictures that takes() wants] ! scale ! I420 ! sink`. `takes` gets microseconds
/// since the first unit.
fn decoding_pipeline(
    format: &Format,
    decoder: gst::Element,
    max_width: usize,
    takes: impl FnMut(i64) -> bool + Send + 'static,
    sink: &gst::Element,
    is_live: bool,
) -> Result<(gst::Pipeline, gst_app::AppSrc)> {
    let pipeline = gst::Pipeline::new();
    let source = gst_app::AppSrc::builder()
        .caps(&format.caps)
        .format(gst::Format::Time)
        .is_live(is_live)
        .max_bytes(0)
        .max_buffers(0)
        .build();
    let scale = super::source::scaler()?;
    let (width, height) = fitted(format.width, format.height, pixel_aspect(&format.caps), max_width);
    let mut wanted = i420_caps(width, height);
    if !is_live {
        // Pictures for people get the colours that `Picture` promises; for analysis the conversion is waste.
        wanted.make_mut().set("colorimetry", "bt601");
    }
    let caps = super::source::capsfilter(&wanted)?;
    let pad = decoder.static_pad("src").context("the decoder has no source pad")?;
    let takes = Mutex::new(takes);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let pts = info.buffer().and_then(|b| b.pts());
        let mut takes = takes.lock().unwrap_or_else(PoisonError::into_inner);
        match pts {
            Some(pts) if takes(pts.useconds() as i64) => gst::PadProbeReturn::Ok,
            _ => gst::PadProbeReturn::Drop,
        }
    });
    let chain = [source.upcast_ref(), &decoder, &scale, &caps, sink];
    pipeline.add_many(chain).context("adding elements")?;
    gst::Element::link_many(chain).context("linking the decoder")?;
    Ok((pipeline, source))
}

pub(crate) fn pixel_aspect(caps: &gst::CapsRef) -> (i32, i32) {
    caps.structure(0)
        .and_then(|s| s.get::<gst::Fraction>("pixel-aspect-ratio").ok())
        .map_or((1, 1), |f| (f.numer(), f.denom()))
}

/// The unit for a decoder, timed from `base_us`. Without DTS: decoders go by order.
pub(crate) fn buffer_of(unit: &Unit, base_us: i64) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(unit.data.clone());
    let fresh = buffer.get_mut().expect("a new buffer has one owner");
    fresh.set_pts(gst::ClockTime::from_useconds((unit.captured_us - base_us).max(0) as u64));
    if !unit.keyframe {
        fresh.set_flags(gst::BufferFlags::DELTA_UNIT);
    }
    buffer
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{channel, sync_channel};
    use std::time::Duration;

    use bytes::Bytes;

    use super::super::ring::Ring;
    use super::super::source::encoding_chain;
    use super::super::unit::Codec;
    use super::*;

    /// Sixteen seconds of a moving picture, as a camera would send them.
    fn units() -> Vec<Unit> {
        crate::camera::init().unwrap();
        let pipeline = gst::Pipeline::new();
        let source = super::super::source::element("videotestsrc").unwrap();
        source.set_property("num-buffers", 400);
        let small = gst::Caps::builder("video/x-raw")
            .field("width", 160)
            .field("height", 96)
            .field("framerate", gst::Fraction::new(25, 1))
            .build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let mut chain = vec![source, super::super::source::capsfilter(&small).unwrap()];
        chain.extend(encoding_chain().unwrap());
        chain.push(super::super::source::element("h264parse").unwrap());
        chain.push(super::super::source::capsfilter(&Codec::H264.ring_caps()).unwrap());
        chain.push(sink.clone().upcast());
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

    /// Analysis hangs on a picture: feeding never waits, what waits is bounded, the ring gets every unit, and
    /// when analysis wakes up it goes on from a keyframe.
    #[test]
    fn a_stuck_analysis_stops_nobody() {
        let units = units();
        let ring = Ring::new(60, usize::MAX);
        let (wake, asleep) = sync_channel::<()>(0);
        let (pictures, seen) = channel();
        let asleep = Mutex::new(asleep);
        let on_picture = move |_: Picture, at_us: i64| {
            let _ = pictures.send(at_us);
            let _ = asleep.lock().unwrap().recv();
        };
        let counts = Arc::new(Counts::default());
        let mut decoder = LiveDecoder::new(25.0, 160, counts.clone(), Arc::new(on_picture));
        for unit in &units {
            ring.push(unit.clone());
            decoder.feed(unit).unwrap();
        }
        assert_eq!((ring.stats().units, ring.stats().undecodable), (400, 0));
        let skipped = counts.undecoded.load(Ordering::Relaxed);
        assert!(skipped > 200, "only {skipped} skipped");
        assert_eq!(seen.recv_timeout(Duration::from_secs(10)), Ok(units[0].captured_us));
        drop(wake);
        while seen.recv_timeout(Duration::from_secs(1)).is_ok() {}
        let later = units[0].captured_us + 60_000_000;
        for unit in &units[units.iter().rposition(|u| u.keyframe).unwrap()..] {
            decoder.feed(&Unit { captured_us: unit.captured_us + 60_000_000, ..unit.clone() }).unwrap();
        }
        let woken = seen.recv_timeout(Duration::from_secs(10)).expect("pictures flow again");
        assert!(woken >= later);
    }
}
