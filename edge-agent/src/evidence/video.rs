//! Units to an MP4: as they are, or decoded, covered and encoded again.
//!
//! Files are fragmented, one fragment a second: a browser plays them while they arrive, and they are written in one
//! pass. Encoding again goes behind everything else that this machine does: niced, at most 720p, with a hardware encoder
//! where there is one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::encoder::{self, Encoder};
use super::hide::{Cover, Hidden};
use super::timing::Times;
use super::writing::Run;
use crate::camera::{self, Candidate, Format, Unit};
use crate::mask::Plane;

/// A re-encoded clip is at most so large: it shows what happened and leaves the machine its time.
const MOST_WIDTH: usize = 1280;
const MOST_HEIGHT: usize = 720;

/// Length of one fragment.
const FRAGMENT_MS: u32 = 1_000;
/// Of the times written into a file.
const TICKS_PER_SECOND: u32 = 90_000;

/// Writing a clip may take as long as it goes on: so long it may stand still. Hardware decodes and encodes a picture in
/// milliseconds, and software can do its work: it is given up sooner.
const STILL: Still =
    Still { hardware: gst::ClockTime::from_seconds(10), last: gst::ClockTime::from_seconds(30) };

/// Units that wait for the decoder of a clip that is encoded again.
const WAITING: u64 = 8;

/// No picture was shown yet.
const NONE_US: i64 = -1;

pub(super) type Timed<'a> = (&'a Unit, Times);

/// How long a pipeline may stand still: one with hardware for which something else can be tried, and any other.
#[derive(Clone, Copy)]
struct Still {
    hardware: gst::ClockTime,
    last: gst::ClockTime,
}

/// The camera's own units in an MP4.
pub(super) fn remux(units: &[Timed<'_>], to: &Path) -> Result<()> {
    let format = &units[0].0.format;
    let pipeline = gst::Pipeline::new();
    let source = source(&format.caps);
    let sink = file_sink(&pipeline, to)?;
    pipeline.add(&source).context("adding appsrc")?;
    to_video_track(source.upcast_ref(), &sink)?;
    let run = Run { pipeline, source, muxer: sink, moved: Arc::default(), still: STILL.last };
    run.push(units, to)
}

/// The same pictures in H.264, with what is to be hidden covered in each. Whichever decoder or encoder fails, the next
/// one is tried: software at last. What hangs is remembered: only the first clip waits for it.
pub(super) fn remake(units: &[Timed<'_>], hidden: &Hidden, to: &Path) -> Result<()> {
    let decoders = camera::candidates(&units[0].0.format.caps);
    remake_by(decoders, STILL, units, hidden, to)
}

fn remake_by(
    mut decoders: Vec<Candidate>,
    still: Still,
    units: &[Timed<'_>],
    hidden: &Hidden,
    to: &Path,
) -> Result<()> {
    camera::hung_last(&mut decoders);
    let mut encoder = encoder::hardware().unwrap_or(Encoder::Software);
    let mut left = decoders.into_iter().peekable();
    let mut decoder = left.next().context("no decoder for it: install gstreamer1.0-libav")?;
    loop {
        let shown = Arc::new(AtomicI64::new(NONE_US));
        let software = matches!(encoder, Encoder::Software);
        let replaceable = !software || decoder.info.hardware && left.peek().is_some();
        let still = if replaceable { still.hardware } else { still.last };
        let made = decoder
            .start_within(camera::START)
            .and_then(|started| remake_with(&encoder, started, still, units, hidden, to, &shown));
        let Err(error) = made else { return Ok(()) };
        let saw_nothing = shown.load(Ordering::Relaxed) == NONE_US;
        let why = format!("{error:#}");
        // What shows no picture fails by itself; after that, whatever is hardware is left out in turn.
        if (saw_nothing || software && decoder.info.hardware)
            && let Some(next) = left.next()
        {
            tracing::warn!(
                decoder = decoder.info.name,
                why,
                "a clip cannot be made; another decoder is tried"
            );
            camera::note_if_hung(&decoder.info.name, &error);
            decoder = next;
        } else if !software {
            tracing::warn!(encoder = %encoder.name(), why, "a hardware encoder failed; software does it");
            camera::note_if_hung(&encoder.name(), &error);
            encoder = Encoder::Software;
        } else {
            return Err(error);
        }
    }
}

/// `shown` becomes the time of the last picture that was covered, in microseconds from the clip's start.
fn remake_with(
    with: &Encoder,
    decoder: gst::Element,
    still: gst::ClockTime,
    units: &[Timed<'_>],
    hidden: &Hidden,
    to: &Path,
    shown: &Arc<AtomicI64>,
) -> Result<()> {
    let format = &units[0].0.format;
    let widest = MOST_WIDTH.min(MOST_HEIGHT * format.width / format.height.max(1));
    let aspect = camera::pixel_aspect(&format.caps);
    let (width, height) = camera::fitted(format.width, format.height, aspect, widest);
    let pipeline = gst::Pipeline::new();
    let source = source(&with_rate(format, units));
    source.set_max_buffers(WAITING);
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
    let last_us = shown.clone();
    let moved = Arc::new(AtomicU64::new(0));
    let covered = moved.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, probe| {
        yield_to_others();
        covered.fetch_add(1, Ordering::Relaxed);
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
    let run = Run { pipeline, source, muxer: sink, moved, still };
    run.push(units, to)?;
    ensure!(shown.load(Ordering::Relaxed) != NONE_US, "no picture of it could be decoded");
    Ok(())
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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::super::timing::times;
    use super::*;
    use crate::camera::DecoderInfo;
    use crate::camera::samples::encoded;

    /// A decoder in front of which something stands.
    fn behind(words: &'static str, hardware: bool) -> Candidate {
        named(words, words, hardware)
    }

    fn named(name: &str, words: &'static str, hardware: bool) -> Candidate {
        let start = move || {
            let all = format!("{words} ! avdec_h264 max-threads=1");
            Ok(gst::parse::bin_from_description(&all, true)?.upcast())
        };
        Candidate { info: DecoderInfo { name: name.to_owned(), hardware }, start: Arc::new(start) }
    }

    fn remade(decoders: &[Candidate], still_ms: u64) -> Result<u64> {
        // Two seconds.
        let units = encoded(50, 160);
        assert_eq!(units.len(), 50);
        let presented: Vec<i64> = units.iter().map(|u| u.captured_us).collect();
        let timed: Vec<Timed<'_>> = units.iter().zip(times(&presented)).collect();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("clip.mp4");
        let still = Still {
            hardware: gst::ClockTime::from_mseconds(still_ms),
            last: gst::ClockTime::from_seconds(30),
        };
        remake_by(decoders.to_vec(), still, &timed, &Hidden::default(), &to)?;
        Ok(std::fs::metadata(&to).unwrap().len())
    }

    /// A decoder that does not start, one that starts and shows nothing, and one that hangs are each followed by the
    /// next; what none of them shows is an error in words, not an empty file.
    #[test]
    fn the_next_decoder_shows_it() {
        let blind = || behind("identity drop-probability=1.0", true);
        let hung = || behind("identity sleep-time=1500000", true);
        let absent = || Candidate {
            info: DecoderInfo { name: "absent".to_owned(), hardware: true },
            start: Arc::new(|| Err(anyhow!("no device"))),
        };
        assert!(remade(&[absent(), blind(), hung(), behind("identity", false)], 1_000).unwrap() > 2_000);
        for none in [vec![absent()], vec![blind(), blind()]] {
            assert!(remade(&none, 1_000).is_err());
        }
        assert!(format!("{:#}", remade(&[], 1_000).unwrap_err()).contains("no decoder"));
    }

    /// Only the first clip waits for a decoder that hangs, and no longer than hardware is given.
    #[test]
    fn a_hang_is_remembered() {
        let clock = gst::SystemClock::obtain();
        let hung = named("hungonce", "identity sleep-time=20000000", true);
        let waited = [(); 2].map(|()| {
            let started = clock.time();
            assert!(remade(&[hung.clone(), behind("identity", false)], 1_500).unwrap() > 2_000);
            (clock.time() - started).mseconds()
        });
        assert!(camera::has_hung("hungonce") && !camera::has_hung("identity"));
        assert!((1_500..12_000).contains(&waited[0]), "{waited:?}");
        assert!(waited[1] < 1_500, "{waited:?}");
    }

    /// A machine that is slow, and goes on, is given the time it takes.
    #[test]
    fn slow_is_not_stuck() {
        let slow = behind("identity sleep-time=40000", true);
        let clock = gst::SystemClock::obtain();
        let started = clock.time();
        assert!(remade(&[slow, behind("identity drop-probability=1.0", false)], 1_000).unwrap() > 2_000);
        assert!(clock.time() - started > gst::ClockTime::from_mseconds(1_900));
    }
}
