//! Units to an MP4: as they are, or decoded, covered and encoded again.
//!
//! Files are fragmented, one fragment a second: a browser plays them while they arrive, and they are written in one
//! pass. Encoding again goes behind everything else that this machine does: niced, at most 720p, with a hardware encoder
//! where there is one.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::encoder::{self, Encoder};
use super::hide::{Cover, Hidden};
use super::timing::Times;
use crate::camera::{self, Disposed, Format, Unit};
use crate::mask::Plane;

/// A re-encoded clip is at most so large: it shows what happened and leaves the machine its time.
const MOST_WIDTH: usize = 1280;
const MOST_HEIGHT: usize = 720;

/// Length of one fragment.
const FRAGMENT_MS: u32 = 1_000;
/// Of the times written into a file.
const TICKS_PER_SECOND: u32 = 90_000;

/// Longest that writing one clip may take.
const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(300);

/// Units that wait for the decoder of a clip that is encoded again.
const WAITING: u64 = 8;

pub(super) type Timed<'a> = (&'a Unit, Times);

/// The camera's own units in an MP4.
pub(super) fn remux(units: &[Timed<'_>], to: &Path) -> Result<()> {
    let format = &units[0].0.format;
    let pipeline = gst::Pipeline::new();
    let source = source(&format.caps);
    let sink = file_sink(&pipeline, to)?;
    pipeline.add(&source).context("adding appsrc")?;
    to_video_track(source.upcast_ref(), &sink)?;
    run(pipeline, &source, units, to)
}

/// The same pictures in H.264, with what is to be hidden covered in each.
pub(super) fn remake(units: &[Timed<'_>], hidden: &Hidden, to: &Path) -> Result<()> {
    if let Some(hardware) = encoder::hardware() {
        match remake_with(&hardware, units, hidden, to) {
            Ok(()) => return Ok(()),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(encoder = %hardware.name(), error, "a hardware encoder failed; software does it");
            }
        }
    }
    remake_with(&Encoder::Software, units, hidden, to)
}

fn remake_with(with: &Encoder, units: &[Timed<'_>], hidden: &Hidden, to: &Path) -> Result<()> {
    let format = &units[0].0.format;
    let widest = MOST_WIDTH.min(MOST_HEIGHT * format.width / format.height.max(1));
    let aspect = camera::pixel_aspect(&format.caps);
    let (width, height) = camera::fitted(format.width, format.height, aspect, widest);
    let pipeline = gst::Pipeline::new();
    let source = source(&with_rate(format, units));
    source.set_max_buffers(WAITING);
    let decoder = camera::decoder_for(&format.caps)?;
    let scale = camera::scaler()?;
    let filter = camera::capsfilter(&camera::i420_caps(width, height))?;
    let bits = (width * height * 9 / 4).max(300_000);
    let parser = camera::element("h264parse")?;
    let sink = file_sink(&pipeline, to)?;
    let mut chain = vec![source.clone().upcast(), decoder, scale, filter.clone()];
    chain.extend(with.elements(bits as u32, 50)?);
    chain.push(parser.clone());
    pipeline.add_many(&chain).context("adding elements")?;
    gst::Element::link_many(&chain).context("linking the encoder")?;
    to_video_track(&parser, &sink)?;
    let pad = filter.static_pad("src").context("a filter has a source pad")?;
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width as u32, height as u32)
        .build()
        .context("describing the picture")?;
    let cover = hidden.on(width, height);
    // A picture's time in the file, put back to when it was taken.
    let (first, at) = &units[0];
    let shift_us = first.captured_us - at.pts_us;
    let weak = pipeline.downgrade();
    let last_us = AtomicI64::new(-1);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, probe| {
        yield_to_others();
        if let Some(buffer) = probe.buffer_mut() {
            let buffer = buffer.make_mut();
            let at_us = in_order(buffer, &last_us);
            if burn(buffer, &info, &cover, at_us + shift_us) {
                return gst::PadProbeReturn::Ok;
            }
        }
        // Nothing uncovered may pass: better no clip than this one.
        if let Some(pipeline) = weak.upgrade() {
            gst::element_error!(pipeline, gst::StreamError::Encode, ("a picture could not be masked"));
        }
        gst::PadProbeReturn::Drop
    });
    if matches!(with, Encoder::Software) {
        decode_as_shown(&parser)?;
    }
    run(pipeline, &source, units, to)
}

/// The software encoders reorder nothing: pictures are decoded when they are shown. What is guessed on the way does not
/// always rise.
fn decode_as_shown(parser: &gst::Element) -> Result<()> {
    let pad = parser.static_pad("src").context("a parser has a source pad")?;
    pad.add_probe(gst::PadProbeType::BUFFER, |_, probe| {
        if let Some(buffer) = probe.buffer_mut() {
            let buffer = buffer.make_mut();
            buffer.set_dts(buffer.pts());
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// A picture's time, later than that of the one before: a stream with B-frames from a network that stutters has times that
/// step back, of which decoders make pictures without time, and muxers an error.
fn in_order(buffer: &mut gst::BufferRef, last_us: &AtomicI64) -> i64 {
    const LEAST_US: i64 = 1_000;
    let last = last_us.load(Ordering::Relaxed);
    let told = buffer.pts().map(|pts| pts.useconds() as i64).filter(|us| *us > last);
    let at_us = told.unwrap_or(last + LEAST_US).max(0);
    if told.is_none() {
        buffer.set_pts(gst::ClockTime::from_useconds(at_us as u64));
        buffer.set_dts(gst::ClockTime::NONE);
    }
    last_us.store(at_us, Ordering::Relaxed);
    at_us
}

fn burn(buffer: &mut gst::BufferRef, info: &gst_video::VideoInfo, cover: &Cover, at_us: i64) -> bool {
    let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info) else {
        return false;
    };
    let strides: Vec<usize> = frame.plane_stride().iter().map(|s| s.unsigned_abs() as usize).collect();
    let [y, u, v, _] = frame.planes_data_mut();
    let [ys, us, vs] = strides[..] else { return false };
    cover.burn_planes(
        at_us,
        Plane { data: y, stride: ys },
        Plane { data: u, stride: us },
        Plane { data: v, stride: vs },
    );
    true
}

fn yield_to_others() {
    const NICE: i32 = 10;
    let thread = Some(rustix::thread::gettid());
    if rustix::process::getpriority_process(thread).is_ok_and(|now| now < NICE) {
        // Not being allowed to costs politeness, not correctness.
        let _ = rustix::process::setpriority_process(thread, NICE);
    }
}

/// Encoders want a rate even where the camera names none.
fn with_rate(format: &Format, units: &[Timed<'_>]) -> gst::Caps {
    let mut caps = format.caps.clone();
    let named = caps.structure(0).and_then(|s| s.get::<gst::Fraction>("framerate").ok());
    if named.is_none_or(|rate| rate.numer() == 0) {
        let length_us: i64 = units.iter().map(|(_, t)| t.duration_us).sum();
        let per_second = (units.len() as i64 * 1_000_000 / length_us.max(1)).clamp(1, 120);
        caps.make_mut().set("framerate", gst::Fraction::new(per_second as i32, 1));
    }
    caps
}

fn source(caps: &gst::Caps) -> gst_app::AppSrc {
    gst_app::AppSrc::builder().caps(caps).format(gst::Format::Time).max_bytes(0).max_buffers(0).build()
}

/// `mp4mux ! filesink`.
fn file_sink(pipeline: &gst::Pipeline, to: &Path) -> Result<gst::Element> {
    let path = to.to_str().with_context(|| format!("{} is not UTF-8", to.display()))?;
    let muxer = camera::element("mp4mux")?;
    muxer.set_property("fragment-duration", FRAGMENT_MS);
    let sink = camera::element("filesink")?;
    sink.set_property("location", path);
    pipeline.add_many([&muxer, &sink]).context("adding the muxer")?;
    muxer.link(&sink).context("linking the file")?;
    Ok(muxer)
}

/// By name: from caps that it does not know yet, the muxer would give an audio track.
fn to_video_track(from: &gst::Element, muxer: &gst::Element) -> Result<()> {
    from.link_pads(Some("src"), muxer, Some("video_%u")).context("linking the muxer")?;
    let track = muxer.sink_pads().into_iter().next().context("the muxer has no track")?;
    // Its own choice, a hundredth of a picture, rounds pictures that come a millisecond apart onto one moment.
    track.set_property("trak-timescale", TICKS_PER_SECOND);
    Ok(())
}

/// Pushes everything through and waits for the file to be complete.
fn run(pipeline: gst::Pipeline, source: &gst_app::AppSrc, units: &[Timed<'_>], to: &Path) -> Result<()> {
    let pipeline = Disposed(pipeline);
    let started = pipeline.0.set_state(gst::State::Playing);
    started.with_context(|| format!("starting to write {}", to.display()))?;
    let bus = pipeline.0.bus().context("a pipeline has a bus")?;
    let clock = gst::SystemClock::obtain();
    let deadline = clock.time() + LIMIT;
    for (unit, at) in units {
        // Never blocked inside the source: a pipeline that has failed takes nothing more and wakes nobody.
        while source.max_buffers() > 0 && source.current_level_buffers() >= source.max_buffers() {
            let nap = gst::ClockTime::from_mseconds(20);
            if let Some(problem) = bus.timed_pop_filtered(nap, &[gst::MessageType::Error]) {
                let words = camera::error_text(&problem).unwrap_or_default();
                return Err(anyhow!(words).context(format!("writing {}", to.display())));
            }
            ensure!(clock.time() < deadline, "not finished after {} s", LIMIT.seconds());
        }
        let mut buffer = camera::buffer_of(unit, unit.captured_us);
        let fresh = buffer.get_mut().ok_or_else(|| anyhow!("a new buffer has one owner"))?;
        let time = |us: i64| gst::ClockTime::from_useconds(us.max(0) as u64);
        fresh.set_pts(time(at.pts_us));
        fresh.set_dts(time(at.dts_us));
        fresh.set_duration(time(at.duration_us));
        if source.push_buffer(buffer).is_err() {
            // The pipeline has failed: its own words follow from the bus.
            break;
        }
    }
    let _ = source.end_of_stream();
    camera::wait_for_end(&pipeline.0, LIMIT).with_context(|| format!("writing {}", to.display()))
}
