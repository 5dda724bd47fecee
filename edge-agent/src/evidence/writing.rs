//! A pipeline that writes units to a file, watched until the file is complete.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::video::Timed;
use crate::camera::{self, Disposed, Hangs};

/// How often is looked whether it goes on.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(20);

/// A pipeline that writes a file.
pub(super) struct Run {
    pub(super) pipeline: gst::Pipeline,
    pub(super) source: gst_app::AppSrc,
    pub(super) muxer: gst::Element,
    /// Counts what goes on in it besides what leaves its source and reaches its file.
    pub(super) moved: Arc<AtomicU64>,
    /// So long it may stand still.
    pub(super) still: gst::ClockTime,
}

impl Run {
    /// Pushes everything through and waits for the file to be complete. A pipeline that stands still [hangs](Hangs): it
    /// is left behind.
    pub(super) fn push(self, units: &[Timed<'_>], to: &Path) -> Result<()> {
        let pipeline = Disposed(self.pipeline.clone());
        let pushed = self.push_into(&pipeline, units, to);
        if pushed.is_err() {
            pipeline.leave();
        }
        pushed
    }

    fn push_into(self, pipeline: &Disposed, units: &[Timed<'_>], to: &Path) -> Result<()> {
        let moved = self.moved;
        let ends = [self.source.static_pad("src"), self.muxer.sink_pads().into_iter().next()];
        for pad in ends.into_iter().flatten() {
            let moved = moved.clone();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                moved.fetch_add(1, Ordering::Relaxed);
                gst::PadProbeReturn::Ok
            });
        }
        let started = pipeline.play_within(self.still.into());
        started.with_context(|| format!("starting to write {}", to.display()))?;
        let bus = pipeline.0.bus().context("a pipeline has a bus")?;
        let clock = gst::SystemClock::obtain();
        let mut progress = Progress { moved, last: 0, since: clock.time(), clock, still: self.still };
        let source = &self.source;
        for (unit, at) in units {
            // Never blocked inside the source: a pipeline that has failed takes nothing more and wakes nobody.
            while source.max_buffers() > 0 && source.current_level_buffers() >= source.max_buffers() {
                let problem = bus.timed_pop_filtered(LOOK, &[gst::MessageType::Error]);
                progress.look(problem.as_ref()).with_context(|| format!("writing {}", to.display()))?;
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
        loop {
            let end = bus.timed_pop_filtered(LOOK, &[gst::MessageType::Eos, gst::MessageType::Error]);
            progress.look(end.as_ref()).with_context(|| format!("writing {}", to.display()))?;
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

/// Whether a pipeline still goes on.
struct Progress {
    /// Counts what leaves its source, what happens on the way, and what reaches its file.
    moved: Arc<AtomicU64>,
    last: u64,
    since: gst::ClockTime,
    clock: gst::Clock,
    still: gst::ClockTime,
}

impl Progress {
    /// `said`: what the pipeline said meanwhile.
    fn look(&mut self, said: Option<&gst::Message>) -> Result<()> {
        if let Some(problem) = said.and_then(|said| camera::error_text(said)) {
            return Err(anyhow!(problem));
        }
        let (moved, now) = (self.moved.load(Ordering::Relaxed), self.clock.time());
        if moved != self.last {
            (self.last, self.since) = (moved, now);
        }
        if now < self.since + self.still { Ok(()) } else { Err(Hangs(self.still.into()).into()) }
    }
}
