//! One camera's life: connect, deliver, fail, wait, connect again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use protocol::{CameraHealth, CameraState, Clock};

use super::anchor::{Anchor, Drift};
use super::blind::Watcher;
use super::config::CameraConfig;
use super::counts::{Counts, FrameCounts};
use super::decode::{Disposed, LiveDecoder};
use super::ring::Ring;
use super::slot::FrameSlot;
use super::source;
use super::state::StateLog;
use super::unit::{Format, Unit};
use crate::evidence::people::People;
use crate::frame::{Frame, Picture};
use crate::mask::Masks;

/// No unit for so long means that the camera is gone, whatever its connection says.
const STALL_MS: u64 = 5_000;

/// How often the supervisor looks.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(100);

const BACK_OFF_FIRST: Duration = Duration::from_millis(500);
const BACK_OFF_MOST: Duration = Duration::from_secs(5);

/// Everything the camera's thread, its pipelines and its handle share.
pub(super) struct Camera {
    pub(super) config: CameraConfig,
    pub(super) ring: Arc<Ring>,
    pub(super) frames: FrameSlot,
    /// Kept only where people are blurred.
    pub(super) people: Arc<People>,
    masks: Mutex<Masks>,
    clock: Arc<dyn Clock>,
    state: Mutex<StateLog>,
    last_frame: Mutex<Option<Frame>>,
    sequence: AtomicU64,
    counts: Arc<Counts>,
    /// Uptime when the last unit arrived.
    last_unit_ms: AtomicU64,
    /// Units arrive and no picture comes out of them.
    blind: AtomicBool,
}

enum Over {
    Stopped,
    EndOfFile,
}

impl Camera {
    pub(super) fn new(config: CameraConfig, clock: Arc<dyn Clock>, ring: Arc<Ring>) -> Self {
        let state = Mutex::new(StateLog::new(clock.now()));
        let masks = Mutex::new(Masks::new(&config.masks));
        Self {
            config,
            ring,
            frames: FrameSlot::default(),
            people: Arc::default(),
            masks,
            clock,
            state,
            last_frame: Mutex::default(),
            sequence: AtomicU64::new(0),
            counts: Arc::default(),
            last_unit_ms: AtomicU64::new(0),
            blind: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, StateLog> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn health(&self) -> CameraHealth {
        let state = self.state();
        CameraHealth {
            camera_id: self.config.id.clone(),
            name: self.config.display_name().to_owned(),
            state: state.state,
            since: state.since,
            frames_per_second: state.frames_per_second(&*self.clock),
            frames_dropped: self.frames.replaced() + self.counts.undecoded.load(Ordering::Relaxed),
            reason: state.reason.clone().or_else(|| {
                let blind = state.state == CameraState::Running && self.blind.load(Ordering::Relaxed);
                blind.then(|| "video arrives, but no picture can be decoded from it".to_owned())
            }),
        }
    }

    pub(super) fn counted(&self) -> FrameCounts {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let ring = self.ring.stats();
        FrameCounts {
            units: ring.units,
            gaps: ring.gaps,
            undecoded: load(&self.counts.undecoded),
            decoded: load(&self.counts.decoded),
            offered: load(&self.sequence),
            dropped: self.frames.replaced(),
        }
    }

    pub(super) fn last_frame(&self) -> Option<Frame> {
        self.last_frame.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs until told to stop, or until a file that does not repeat has ended.
    pub(super) fn run(self: Arc<Self>, stop: &Receiver<()>) {
        let mut back_off = BACK_OFF_FIRST;
        loop {
            let started_ms = self.clock.uptime_ms();
            // A fault of ours in one camera is that camera's failure: it is built anew like after any other.
            let session = catch_unwind(AssertUnwindSafe(|| self.run_once(stop)));
            let session =
                session.unwrap_or_else(|_| Err(anyhow!("a fault of this program; its log says which")));
            let lasted_ms = self.clock.uptime_ms().saturating_sub(started_ms);
            let pause = match session {
                Ok(Over::Stopped) => break,
                // Not again at once when the film is one picture long.
                Ok(Over::EndOfFile) if self.config.repeat => {
                    BACK_OFF_FIRST.saturating_sub(Duration::from_millis(lasted_ms))
                }
                Ok(Over::EndOfFile) => {
                    tracing::info!(camera = %self.config.id, "the file has ended");
                    break;
                }
                Err(error) => {
                    self.failed(&error);
                    if lasted_ms > 2 * STALL_MS {
                        back_off = BACK_OFF_FIRST;
                    }
                    let pause = back_off;
                    back_off = (back_off * 2).min(BACK_OFF_MOST);
                    pause
                }
            };
            match stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.state().set(CameraState::Ended, None, self.clock.now());
        self.frames.close();
    }

    fn failed(&self, error: &anyhow::Error) {
        let reason = self.config.clean(&format!("{error:#}"));
        let url = &self.config.url;
        if self.state().failed(reason.clone(), self.clock.now()) {
            tracing::warn!(camera = %self.config.id, %url, reason, "camera lost");
        } else {
            tracing::info!(camera = %self.config.id, %url, reason, "camera not reached");
        }
    }

    /// One session: from a new pipeline to its end.
    fn run_once(self: &Arc<Self>, stop: &Receiver<()>) -> Result<Over> {
        let decoder = Arc::new(Mutex::new(self.live_decoder()));
        let sink = self.unit_sink(decoder.clone());
        let before = self.ring.stats();
        self.ring.gap();
        self.last_unit_ms.store(self.clock.uptime_ms(), Ordering::Relaxed);
        let pipeline = Disposed(source::pipeline(&self.config, &sink)?);
        let over = self.supervise(&pipeline.0, &decoder, stop);
        let after = self.ring.stats();
        // First the source, so that nobody feeds the decoder when it goes.
        drop(pipeline);
        let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(over, Ok(Over::EndOfFile)) {
            decoder.finish();
        }
        decoder.stop();
        match over {
            Ok(Over::EndOfFile) if after.units > before.units => Ok(Over::EndOfFile),
            Ok(Over::EndOfFile) if after.undecodable > before.undecodable => {
                Err(anyhow!("there is no keyframe in the file: no picture of it can be shown"))
            }
            Ok(Over::EndOfFile) => Err(anyhow!("there is no video in the file")),
            over => over,
        }
    }

    fn supervise(
        &self,
        pipeline: &gst::Pipeline,
        decoder: &Mutex<LiveDecoder>,
        stop: &Receiver<()>,
    ) -> Result<Over> {
        let bus = pipeline.bus().context("a pipeline has a bus")?;
        if pipeline.set_state(gst::State::Playing).is_err() {
            let message = bus.pop_filtered(&[gst::MessageType::Error]);
            let problem = message.and_then(|m| source::error_text(&m));
            bail!(problem.unwrap_or_else(|| "the stream does not start".into()));
        }
        let is_file = self.config.url_is_file();
        let mut pictures = Watcher::new(self.counts.decoded.load(Ordering::Relaxed), self.clock.uptime_ms());
        loop {
            self.look_for_pictures(&mut pictures, decoder);
            match stop.try_recv() {
                Ok(()) | Err(std::sync::mpsc::TryRecvError::Disconnected) => return Ok(Over::Stopped),
                Err(std::sync::mpsc::TryRecvError::Empty) => {}
            }
            let wanted = [gst::MessageType::Error, gst::MessageType::Eos];
            if let Some(message) = bus.timed_pop_filtered(LOOK, &wanted) {
                match source::error_text(&message) {
                    Some(problem) => bail!(problem),
                    None if is_file => return Ok(Over::EndOfFile),
                    None => bail!("the camera ended the stream"),
                }
            }
            let quiet_ms = self.clock.uptime_ms().saturating_sub(self.last_unit_ms.load(Ordering::Relaxed));
            if quiet_ms > STALL_MS {
                bail!("no picture for {} s", quiet_ms / 1_000);
            }
        }
    }

    fn look_for_pictures(&self, pictures: &mut Watcher, decoder: &Mutex<LiveDecoder>) {
        let look = pictures.look(self.counts.decoded.load(Ordering::Relaxed), self.clock.uptime_ms());
        if self.blind.swap(look.blind, Ordering::Relaxed) != look.blind {
            tracing::warn!(camera = %self.config.id, blind = look.blind, "whether pictures can be decoded has changed");
        }
        if look.rebuild {
            tracing::info!(camera = %self.config.id, "its decoder shows nothing; the next keyframe starts another");
            decoder.lock().unwrap_or_else(PoisonError::into_inner).stop();
        }
    }

    /// Where units arrive: stamped, into the ring, then to the decoder.
    fn unit_sink(self: &Arc<Self>, decoder: Arc<Mutex<LiveDecoder>>) -> gst_app::AppSink {
        let camera = self.clone();
        let mut stamper = Stamper::default();
        gst_app::AppSink::builder()
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
                        match stamper.unit(&camera, sink, &sample, &mut decoder) {
                            Ok(Some(unit)) => camera.unit_arrived(unit, &mut decoder),
                            Ok(None) => {}
                            Err(error) => {
                                gst::element_error!(sink, gst::StreamError::Format, ("{error:#}"));
                                return Err(gst::FlowError::Error);
                            }
                        }
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            )
            .build()
    }

    fn unit_arrived(&self, unit: Unit, decoder: &mut LiveDecoder) {
        self.last_unit_ms.store(self.clock.uptime_ms(), Ordering::Relaxed);
        if self.state().set(CameraState::Running, None, self.clock.now()) {
            let format = &unit.format;
            let size = format!("{}x{}", format.width, format.height);
            tracing::info!(camera = %self.config.id, codec = ?format.codec, size, "camera runs");
        }
        self.ring.push(unit.clone());
        if let Err(error) = decoder.feed(&unit) {
            // Once is enough while it lasts.
            if self.blind.load(Ordering::Relaxed) {
                tracing::debug!(camera = %self.config.id, "analysis: {error:#}");
            } else {
                tracing::warn!(camera = %self.config.id, "analysis: {error:#}; recording goes on");
            }
        }
    }

    fn live_decoder(self: &Arc<Self>) -> LiveDecoder {
        let camera = self.clone();
        let on_picture = move |picture, captured_us| camera.picture_arrived(picture, captured_us);
        let (fps, width) = (self.config.analysis_fps, self.config.analysis_width);
        LiveDecoder::new(fps, width, self.counts.clone(), Arc::new(on_picture))
    }

    fn picture_arrived(&self, mut picture: Picture, captured_us: i64) {
        // Nobody looks at what is masked: neither motion gate nor detector, and it is in no recorded observation.
        self.masks.lock().unwrap_or_else(PoisonError::into_inner).burn(&mut picture);
        let frame = Frame {
            camera_id: self.config.id.clone(),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            captured_at: protocol::UtcMs(captured_us.div_euclid(1_000)),
            picture: Arc::new(picture),
        };
        self.state().frame_arrived(&*self.clock);
        *self.last_frame.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame.clone());
        self.frames.put(frame);
    }
}

/// Turns one session's samples into units with wall time.
#[derive(Default)]
struct Stamper {
    anchor: Option<Anchor>,
    format: Option<Arc<Format>>,
}

impl Stamper {
    fn unit(
        &mut self,
        camera: &Camera,
        sink: &gst_app::AppSink,
        sample: &gst::Sample,
        decoder: &mut LiveDecoder,
    ) -> Result<Option<Unit>> {
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
        let paced = camera.config.realtime || !camera.config.url_is_file();
        let drift = self.anchor.as_ref().map(|a| a.drift(&*camera.clock, media_us, lag_us));
        match drift {
            Some(Drift::None) => {}
            Some(drift) => {
                tracing::warn!(camera = %camera.config.id, ?drift, "time begins anew");
                decoder.stop();
                if drift == Drift::ClockSet {
                    camera.ring.clear();
                } else {
                    camera.ring.gap();
                }
                self.anchor = None;
            }
            None => {}
        }
        let newest = camera.ring.newest_us();
        if self.anchor.is_none()
            && paced
            && newest.is_some_and(|last| Anchor::is_behind(&*camera.clock, last))
        {
            tracing::warn!(camera = %camera.config.id, "the clock was set back; what was kept is let go");
            camera.ring.clear();
        }
        let anchor = self.anchor.get_or_insert_with(|| {
            Anchor::tie(&*camera.clock, media_us, lag_us, camera.ring.newest_us(), paced)
        });
        let data = buffer.map_readable().context("reading a unit")?;
        Ok(Some(Unit {
            captured_us: anchor.captured_us(media_us),
            keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            after_gap: false,
            data: Bytes::copy_from_slice(&data),
            format,
        }))
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
