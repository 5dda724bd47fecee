//! A sound file of any format this machine decodes becomes raw samples, one file for each side: 8 or 16 kHz, whichever
//! is nearer, and at most two channels. Blocks.
//!
//! Memory: what GStreamer's queues hold, whatever the file says of itself.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::camera::{self, Disposed, capsfilter, element, error_text};

/// A decoder that yields nothing for this long is taken as hung.
const PATIENCE_MS: u64 = 15_000;
const PULL_MS: u64 = 200;

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) rate_hz: u32,
    /// 1 or 2.
    pub(super) channels: usize,
    /// Samples of each channel.
    pub(super) frames: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It never will be read.
    #[error("{0}")]
    Unreadable(String),
    /// The box shuts down.
    #[error("interrupted")]
    Stopped,
    /// It is not the file's fault.
    #[error(transparent)]
    Box(#[from] anyhow::Error),
}

fn unreadable(words: impl Into<String>) -> Failure {
    Failure::Unreadable(words.into())
}

/// Writes the samples of `file` to `sides`, signed 16-bit little-endian. Of one channel only the first is made.
pub(super) fn decode(
    file: &Path,
    sides: [&Path; 2],
    max_ms: u64,
    stopped: impl Fn() -> bool,
) -> Result<Decoded, Failure> {
    let (pipeline, sink) = pipeline(file)?;
    pipeline.0.set_state(gst::State::Playing).map_err(|_| unreadable("the decoder does not start"))?;
    let bus = pipeline.0.bus().context("a pipeline without bus")?;
    let (mut decoded, mut writers, mut waited_ms) = (None, Vec::new(), 0);
    loop {
        if stopped() {
            return Err(Failure::Stopped);
        }
        let sample = sink.try_pull_sample(gst::ClockTime::from_mseconds(PULL_MS));
        let Some(sample) = sample else {
            if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error]) {
                let words = error_text(&message).unwrap_or_else(|| "it cannot be decoded".to_owned());
                return Err(unreadable(words));
            }
            if sink.is_eos() {
                break;
            }
            waited_ms += PULL_MS;
            if waited_ms >= PATIENCE_MS {
                return Err(unreadable("no sound came of it in 15 s"));
            }
            continue;
        };
        waited_ms = 0;
        let form = form_of(&sample).ok_or_else(|| unreadable("its sound has no rate"))?;
        let Decoded { rate_hz, channels, frames } =
            *decoded.get_or_insert(Decoded { rate_hz: form.0, channels: form.1, frames: 0 });
        if (rate_hz, channels) != form {
            return Err(unreadable("its sound changes rate or channels midway"));
        }
        if writers.is_empty() {
            for side in &sides[..channels] {
                let made = File::create(side).with_context(|| format!("cannot make {}", side.display()))?;
                writers.push(BufWriter::new(made));
            }
        }
        let buffer = sample.buffer().context("a sample without buffer")?;
        let bytes = buffer.map_readable().context("a buffer that cannot be read")?;
        for (index, sample) in bytes.chunks_exact(2).enumerate() {
            writers[index % channels].write_all(sample).context("cannot write decoded sound")?;
        }
        let frames = frames + (bytes.len() / 2 / channels) as u64;
        decoded = Some(Decoded { rate_hz, channels, frames });
        if frames * 1_000 / u64::from(rate_hz) > max_ms {
            return Err(unreadable(format!(
                "it is longer than {} minutes (max_call_minutes)",
                max_ms / 60_000
            )));
        }
    }
    for writer in &mut writers {
        writer.flush().context("cannot write decoded sound")?;
    }
    decoded.filter(|d| d.frames > 0).ok_or_else(|| unreadable("it holds no sound"))
}

fn form_of(sample: &gst::Sample) -> Option<(u32, usize)> {
    let shape = sample.caps()?.structure(0)?;
    let (rate, channels) = (shape.get::<i32>("rate").ok()?, shape.get::<i32>("channels").ok()?);
    (rate > 0 && (1..=2).contains(&channels)).then_some((rate as u32, channels as usize))
}

fn pipeline(file: &Path) -> anyhow::Result<(Disposed, gst_app::AppSink)> {
    camera::init()?;
    let pipeline = gst::Pipeline::new();
    let source = element("filesrc")?;
    source.set_property("location", file.to_str().context("the path is not UTF-8")?);
    let (bin, convert, resample) =
        (element("decodebin")?, element("audioconvert")?, element("audioresample")?);
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .field("rate", gst::List::new([8_000_i32, 16_000]))
        .field("channels", gst::List::new([1_i32, 2]))
        .build();
    let filter = capsfilter(&caps)?;
    let sink =
        gst_app::AppSink::builder().sync(false).max_buffers(16).drop(false).enable_last_sample(false).build();
    let chain = [&convert, &resample, &filter, sink.upcast_ref()];
    pipeline.add_many([&source, &bin]).context("adding elements")?;
    pipeline.add_many(chain).context("adding elements")?;
    source.link(&bin).context("linking")?;
    gst::Element::link_many(chain).context("linking")?;
    let end = convert.downgrade();
    bin.connect_pad_added(move |_, pad| {
        let Some(end) = end.upgrade().and_then(|e| e.static_pad("sink")).filter(|p| !p.is_linked()) else {
            return;
        };
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        if caps.structure(0).is_some_and(|s| s.name() == "audio/x-raw") {
            // Refused pads stay unlinked; decodebin then says so on the bus.
            let _ = pad.link(&end);
        }
    });
    // Pictures and texts have no sound: without this the pipeline would wait for it.
    let (end, bus) = (convert.downgrade(), pipeline.bus().context("a pipeline without bus")?);
    bin.connect_no_more_pads(move |bin| {
        let linked = end.upgrade().and_then(|e| e.static_pad("sink")).is_some_and(|p| p.is_linked());
        if !linked {
            let none = gst::message::Error::builder(gst::StreamError::WrongType, "it holds no sound");
            let _ = bus.post(none.src(bin).build());
        }
    });
    Ok((Disposed(pipeline), sink))
}
