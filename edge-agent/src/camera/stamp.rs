//! Samples of one session to units with wall time.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use protocol::Clock;

use super::anchor::{Anchor, Drift};
use super::unit::{Format, Unit};

/// One session's. `newest_us` goes from session to session: time never runs back.
#[derive(Default)]
pub(super) struct Stamper {
    anchor: Option<Anchor>,
    format: Option<Arc<Format>>,
    newest_us: Option<i64>,
    paced: bool,
}

/// What came with one sample.
pub(super) struct Stamped {
    pub(super) unit: Unit,
    /// Time began anew with it.
    pub(super) drift: Drift,
}

impl Stamper {
    /// `newest_us`: the last capture time given out for this stream. `paced`: live, or a file in real time.
    pub(super) fn new(newest_us: Option<i64>, paced: bool) -> Self {
        Self { newest_us, paced, ..Self::default() }
    }

    pub(super) fn stamp(
        &mut self,
        clock: &dyn Clock,
        sink: &gst_app::AppSink,
        sample: &gst::Sample,
    ) -> Result<Option<Stamped>> {
        let buffer = sample.buffer().context("a sample without data")?;
        let caps = sample.caps().context("a sample without caps")?;
        let Some(pts) = buffer.pts() else { return Ok(None) };
        if self.format.as_ref().is_none_or(|f| f.caps.as_ref() != caps) {
            let format =
                Format::from_caps(caps).with_context(|| format!("cannot read the stream: {caps}"))?;
            self.format = Some(Arc::new(format));
        }
        let format = self.format.clone().ok_or_else(|| anyhow!("no format"))?;
        let media_us = media_us(sample, pts);
        let running_us = sink.current_running_time().map(|t| t.useconds() as i64);
        let lag_us = running_us.map_or(0, |now| now - media_us);
        let mut drift = self.anchor.as_ref().map_or(Drift::None, |a| a.drift(clock, media_us, lag_us));
        if drift != Drift::None {
            self.anchor = None;
        }
        let behind = |last: i64| self.paced && Anchor::is_behind(clock, last);
        if drift == Drift::ClockSet || (self.anchor.is_none() && self.newest_us.is_some_and(behind)) {
            drift = Drift::ClockSet;
            self.newest_us = None;
        }
        let anchor = self
            .anchor
            .get_or_insert_with(|| Anchor::tie(clock, media_us, lag_us, self.newest_us, self.paced));
        let captured_us = anchor.captured_us(media_us);
        self.newest_us = Some(self.newest_us.map_or(captured_us, |newest| newest.max(captured_us)));
        let data = buffer.map_readable().context("reading a unit")?;
        let unit = Unit {
            captured_us,
            keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            after_gap: false,
            data: Bytes::copy_from_slice(&data),
            format,
        };
        Ok(Some(Stamped { unit, drift }))
    }
}

/// Running time of a presentation time: may lie before zero where a file's edit list cuts into its start.
fn media_us(sample: &gst::Sample, pts: gst::ClockTime) -> i64 {
    let segment = sample.segment().and_then(|s| s.downcast_ref::<gst::ClockTime>());
    match segment.and_then(|s| s.to_running_time_full(pts)) {
        Some(gst::Signed::Positive(at)) => at.useconds() as i64,
        Some(gst::Signed::Negative(at)) => -(at.useconds() as i64),
        None => pts.useconds() as i64,
    }
}
