//! A clip: units from the ring as an MP4. As recorded where the camera has no masks; decoded, masked and
//! encoded again where it has.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use protocol::{EvidenceKind, UtcMs};

use super::file::{Facts, Folder};
use super::mask::{Mask, Plane};
use super::timing::{Times, times};
use crate::camera::{self, Disposed, Format, Polygon, Unit};
use crate::report::EvidenceFile;

/// A re-encoded clip is at most so large: it shows what happened and leaves the machine its time.
const MASKED_WIDTH: usize = 1280;
const MASKED_HEIGHT: usize = 720;

/// Longest that writing one clip may take.
const LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(300);

/// Units that wait for the decoder of a clip that is masked.
const WAITING: u64 = 8;

/// Writes the units of the moment `at` up to `until` as evidence. Blocks; run it where blocking is allowed.
pub(super) fn write(
    folder: &Folder,
    units: &[Unit],
    at: UtcMs,
    until: UtcMs,
    masks: &[Polygon],
) -> Result<EvidenceFile> {
    let units = cut(units, at, until);
    let (Some(first), Some(last)) = (units.first(), units.iter().map(|u| u.captured_us).max()) else {
        bail!("there is no video of {at}");
    };
    let presented: Vec<i64> = units.iter().map(|u| u.captured_us).collect();
    let timed: Vec<(&Unit, Times)> = units.iter().copied().zip(times(&presented)).collect();
    let part = folder.part();
    if masks.is_empty() {
        remux(&timed, part.path())?;
    } else {
        remake(&timed, masks, part.path())?;
    }
    let frame_us = timed.last().map_or(0, |t| t.1.duration_us);
    let duration_us = last - first.captured_us + frame_us;
    folder.keep(
        &part,
        &Facts {
            kind: EvidenceKind::Clip,
            starts_at: first.captured_at(),
            duration_ms: u64::try_from(duration_us / 1_000).ok(),
            masked: !masks.is_empty(),
        },
    )
}

/// The units that make one file: the run of one format that shows `at` (else the longest), up to `until`,
/// without pictures that precede their first keyframe.
fn cut(units: &[Unit], at: UtcMs, until: UtcMs) -> Vec<&Unit> {
    let runs = units.chunk_by(|a, b| a.format == b.format);
    let span = |run: &[Unit]| run.iter().map(|u| u.captured_us).max().unwrap_or(0) - run[0].captured_us;
    // In whole milliseconds, as `at` is: the very first unit counts too.
    let shows = |run: &[Unit]| {
        let last = run.iter().map(Unit::captured_at).max();
        last.is_some_and(|last| (run[0].captured_at()..=last).contains(&at))
    };
    let Some(run) = runs.max_by_key(|run| (shows(run), span(run))) else { return Vec::new() };
    let start = run[0].captured_us;
    let until_us = until.0.saturating_mul(1_000);
    run.iter().filter(|u| u.captured_us >= start).take_while(|u| u.captured_us <= until_us).collect()
}

fn remux(units: &[(&Unit, Times)], to: &Path) -> Result<()> {
    let format = &units[0].0.format;
    let pipeline = gst::Pipeline::new();
    let source = source(&format.caps);
    let sink = file_sink(&pipeline, to)?;
    pipeline.add(&source).context("adding appsrc")?;
    to_video_track(source.upcast_ref(), &sink)?;
    run(pipeline, &source, units, to)
}

fn remake(units: &[(&Unit, Times)], masks: &[Polygon], to: &Path) -> Result<()> {
    let format = &units[0].0.format;
    let widest = MASKED_WIDTH.min(MASKED_HEIGHT * format.width / format.height.max(1));
    let aspect = camera::pixel_aspect(&format.caps);
    let (width, height) = camera::fitted(format.width, format.height, aspect, widest);
    let pipeline = gst::Pipeline::new();
    let source = source(&with_rate(format, units));
    source.set_max_buffers(WAITING);
    let decoder = camera::decoder_for(&format.caps)?;
    let scale = camera::scaler()?;
    let filter = camera::capsfilter(&camera::i420_caps(width, height))?;
    let bits = (width * height * 9 / 4).max(300_000);
    let encoder = camera::encoder(bits as u32, 50)?;
    let parser = camera::element("h264parse")?;
    let sink = file_sink(&pipeline, to)?;
    let chain = [source.upcast_ref(), &decoder, &scale, &filter, &encoder, &parser];
    pipeline.add_many(chain).context("adding elements")?;
    gst::Element::link_many(chain).context("linking the encoder")?;
    to_video_track(&parser, &sink)?;
    let pad = filter.static_pad("src").context("a filter has a source pad")?;
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width as u32, height as u32)
        .build()
        .context("describing the picture")?;
    let mask = Mask::new(masks, width, height);
    let weak = pipeline.downgrade();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, probe| {
        yield_to_others();
        let burnt = probe.buffer_mut().is_some_and(|buffer| burn(buffer.make_mut(), &info, &mask));
        if burnt {
            return gst::PadProbeReturn::Ok;
        }
        // Nothing unmasked may pass: better no clip than this one.
        if let Some(pipeline) = weak.upgrade() {
            gst::element_error!(pipeline, gst::StreamError::Encode, ("a picture could not be masked"));
        }
        gst::PadProbeReturn::Drop
    });
    run(pipeline, &source, units, to)
}

fn burn(buffer: &mut gst::BufferRef, info: &gst_video::VideoInfo, mask: &Mask) -> bool {
    let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info) else {
        return false;
    };
    let strides: Vec<usize> = frame.plane_stride().iter().map(|s| s.unsigned_abs() as usize).collect();
    let [y, u, v, _] = frame.planes_data_mut();
    let [ys, us, vs] = strides[..] else { return false };
    mask.burn_planes(
        Plane { data: y, stride: ys },
        Plane { data: u, stride: us },
        Plane { data: v, stride: vs },
    );
    true
}

/// Re-encoding goes behind everything else that this machine does.
fn yield_to_others() {
    const NICE: i32 = 10;
    let thread = Some(rustix::thread::gettid());
    if rustix::process::getpriority_process(thread).is_ok_and(|now| now < NICE) {
        // Not being allowed to costs politeness, not correctness.
        let _ = rustix::process::setpriority_process(thread, NICE);
    }
}

/// Encoders want a rate even where the camera names none.
fn with_rate(format: &Format, units: &[(&Unit, Times)]) -> gst::Caps {
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

/// `mp4mux ! filesink`, with the index in front so that a browser can begin before it has everything.
fn file_sink(pipeline: &gst::Pipeline, to: &Path) -> Result<gst::Element> {
    let path = to.to_str().with_context(|| format!("{} is not UTF-8", to.display()))?;
    let muxer = camera::element("mp4mux")?;
    muxer.set_property("faststart", true);
    muxer.set_property("faststart-file", format!("{path}.index.part"));
    let sink = camera::element("filesink")?;
    sink.set_property("location", path);
    pipeline.add_many([&muxer, &sink]).context("adding the muxer")?;
    muxer.link(&sink).context("linking the file")?;
    Ok(muxer)
}

/// By name: from caps that it does not know yet, the muxer would give an audio track.
fn to_video_track(from: &gst::Element, muxer: &gst::Element) -> Result<()> {
    from.link_pads(Some("src"), muxer, Some("video_%u")).context("linking the muxer")
}

/// Pushes everything through and waits for the file to be complete.
fn run(pipeline: gst::Pipeline, source: &gst_app::AppSrc, units: &[(&Unit, Times)], to: &Path) -> Result<()> {
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
