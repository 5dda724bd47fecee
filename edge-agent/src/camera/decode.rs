//! Encoded units to pictures: the pipeline that does it, and one-shot decoding of units from the ring.

use std::sync::mpsc::{RecvTimeoutError, SendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::decoders::{self, START};
use super::hung;
use super::picture::{fitted, from_sample, i420_caps};
use super::unit::{Format, Unit};
use crate::frame::Picture;

/// A decoder of pictures asked for gets so long, then the next is tried.
const DECODE: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// Decodes `units` (from a keyframe on) and returns the picture captured at `at_us`, at most `max_width`
/// wide. `None` when it does not come out. A decoder that hangs is followed by the next.
pub(crate) fn decode_one(units: &[Unit], at_us: i64, max_width: usize) -> Result<Option<Picture>> {
    let Some(first) = units.first() else { return Ok(None) };
    let mut left = decoders::candidates(&first.format.caps).into_iter().peekable();
    while let Some(candidate) = left.next() {
        let hung = match candidate.start_within(START) {
            Ok(decoder) => match decode_with(decoder, units, at_us, max_width) {
                Err(error) if error.is::<Hangs>() && left.peek().is_some() => error,
                result => return result,
            },
            Err(error) => error,
        };
        tracing::warn!(decoder = candidate.info.name, "a picture is decoded by another: {hung:#}");
        hung::note_if_hung(&candidate.info.name, &hung);
    }
    bail!("no decoder for {:?} starts", first.format.codec)
}

fn decode_with(
    decoder: gst::Element,
    units: &[Unit],
    at_us: i64,
    max_width: usize,
) -> Result<Option<Picture>> {
    let first = &units[0];
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
    let (pipeline, source) = decoding_pipeline(
        &first.format,
        decoder,
        max_width,
        move |us| us == wanted,
        sink.upcast_ref(),
        false,
    )?;
    let pipeline = Disposed(pipeline);
    let decoded = (|| {
        pipeline.play_within(START)?;
        for unit in
            units.iter().take_while(|u| Arc::ptr_eq(&u.format, &first.format) || u.format == first.format)
        {
            if source.push_buffer(buffer_of(unit, base_us)).is_err() {
                break;
            }
        }
        let _ = source.end_of_stream();
        super::source::wait_for_end(&pipeline.0, DECODE)
    })();
    if let Err(error) = decoded {
        pipeline.leave();
        return Err(error);
    }
    let picture = result.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(picture)
}

/// A pipeline that is put to rest when it goes out of scope.
pub(crate) struct Disposed(pub(crate) gst::Pipeline);

impl Disposed {
    /// Starts it. A device that hangs meanwhile is [`Hangs`], and the pipeline is then to be [left](Self::leave).
    pub(crate) fn play_within(&self, limit: Duration) -> Result<()> {
        let pipeline = self.0.clone();
        within(limit, move || pipeline.set_state(gst::State::Playing), |_| {})?
            .context("starting the decoder")?;
        Ok(())
    }

    /// Puts it to rest on a thread of its own: what hangs must not hang whoever used it.
    pub(crate) fn leave(self) {
        if let Err(error) = std::thread::Builder::new().name("dispose".into()).spawn(move || drop(self)) {
            tracing::error!(%error, "no thread to stop a decoder with");
        }
    }
}

impl Drop for Disposed {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

/// Something of a driver's has not come back or shown anything in its time.
#[derive(Debug, thiserror::Error)]
#[error("it hangs: nothing for {} s", .0.as_secs_f32())]
pub(crate) struct Hangs(pub(crate) Duration);

/// Does something on a thread of its own, and waits for it no longer than `limit`. What comes later goes to `late`.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
    late: impl FnOnce(T) + Send + 'static,
) -> Result<T> {
    // Taken by somebody who still waits, or not at all: nothing lies in the channel when nobody reads it any more.
    let (done, wait) = sync_channel(0);
    let thread = move || {
        if let Err(SendError(made)) = done.send(work()) {
            late(made);
        }
    };
    std::thread::Builder::new().name("decoder".into()).spawn(thread).context("a thread for a decoder")?;
    match wait.recv_timeout(limit) {
        Ok(made) => Ok(made),
        Err(RecvTimeoutError::Timeout) => Err(Hangs(limit).into()),
        Err(RecvTimeoutError::Disconnected) => bail!("a fault of this program; its log says which"),
    }
}

/// `appsrc ! decoder ! [only pictures that takes() wants] ! scale ! I420 ! sink`. `takes` gets microseconds
/// since the first unit.
pub(super) fn decoding_pipeline(
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
