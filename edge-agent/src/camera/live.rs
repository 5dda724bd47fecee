//! The live analysis branch: units to pictures, as they come.
//!
//! A pipeline of its own, fed without ever waiting: when the decoder does not keep up, whole stretches up to the next
//! keyframe are skipped and counted, and recording never notices. Where keyframes come often enough for the analysis,
//! nothing else is decoded. A decoder starts on a thread of its own, since a driver may hang there: units wait for it
//! in their order, and after a while the next decoder gets them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::cadence::{Cadence, at_share};
use super::counts::Counts;
use super::decode::{Disposed, Hangs, buffer_of, decoding_pipeline};
use super::decoders::{Candidate, DecoderInfo, Decoders, START, media_of};
use super::hung;
use super::picture::from_sample;
use super::unit::{Format, Unit};
use crate::frame::Picture;
use crate::pace::Pace;

/// Units that may wait for the decoder: two seconds at 25 per second.
const MAX_WAITING: usize = 50;

/// One short group may be an accident (encoders begin one where the scene changes); so many are the camera's way.
const ENOUGH_SHORT_GROUPS: u32 = 8;

/// A file has ended: so long its last pictures may take.
const LAST: Duration = Duration::from_secs(2);

/// Takes a picture and its capture time in microseconds since 1970.
pub(crate) type OnPicture = Arc<dyn Fn(Picture, i64) + Send + Sync>;

/// The analysis branch of one camera.
pub(crate) struct LiveDecoder {
    how: How,
    branch: Option<Branch>,
    waits_for_keyframe: bool,
    /// Capture time of the last keyframe.
    keyframe_us: Option<i64>,
    /// Groups in a row that were short enough for the analysis to live on keyframes.
    short_groups: u32,
}

/// What every decoder of a camera is started with.
#[derive(Clone)]
struct How {
    fps: f32,
    max_width: usize,
    on_picture: OnPicture,
    counts: Arc<Counts>,
    decoders: Decoders,
    pace: Pace,
}

/// One pipeline, from the unit with which its start begins.
struct Branch {
    intake: Arc<Intake>,
    format: Arc<Format>,
    base_us: i64,
    /// Pictures decoded by others before.
    decoded_before: u64,
    /// Who is starting, and since when as far as was seen.
    starts: Option<(String, u64)>,
}

/// Between whoever feeds and the thread that starts a decoder. Locked for moments only.
struct Intake {
    stage: Mutex<Stage>,
    changed: Condvar,
}

enum Stage {
    /// Who is starting, how many could still be tried after it, and what waits for it.
    Starts {
        decoder: Option<DecoderInfo>,
        left: usize,
        units: Vec<Unit>,
    },
    Runs(Running),
    Fails(String),
    /// Whoever fed it has gone on.
    Left,
}

struct Running {
    pipeline: Disposed,
    source: gst_app::AppSrc,
    decoder: DecoderInfo,
}

/// What became of a unit.
enum Taken {
    Yes,
    /// Too many wait.
    No,
    Failed(String),
}

impl LiveDecoder {
    /// Passes on pictures at `pace` of `fps`.
    pub(crate) fn new(
        fps: f32,
        max_width: usize,
        counts: Arc<Counts>,
        pace: Pace,
        on_picture: OnPicture,
    ) -> Self {
        Self {
            how: How { fps, max_width, on_picture, counts, decoders: Decoders::default(), pace },
            branch: None,
            waits_for_keyframe: true,
            keyframe_us: None,
            short_groups: 0,
        }
    }

    /// Which decoders are not used, and why; for health.
    pub(crate) fn notice(&self) -> Option<String> {
        self.how.decoders.notice()
    }

    fn skip(&self) {
        self.how.counts.undecoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the decoder one more unit; returns at once. An error means that this stretch cannot be
    /// decoded; the next keyframe tries again.
    pub(crate) fn feed(&mut self, unit: &Unit, now_ms: u64) -> Result<()> {
        if unit.keyframe {
            self.measure_group(unit.captured_us);
        } else if self.short_groups >= ENOUGH_SHORT_GROUPS {
            // Not needed, so nothing that is missing.
            self.waits_for_keyframe = true;
            return Ok(());
        }
        self.go_on_without_the_late(now_ms)?;
        if self.waits_for_keyframe && !unit.keyframe {
            self.skip();
            return Ok(());
        }
        if !self.branch.as_ref().is_some_and(|b| b.format == unit.format) {
            self.stop();
            if !unit.keyframe {
                self.skip();
                return Ok(());
            }
            self.waits_for_keyframe = false;
            return self.start(vec![unit.clone()]);
        }
        let Some(branch) = &self.branch else { return Ok(()) };
        if unit.captured_us < branch.base_us {
            // A leading picture of the first keyframe: it refers to units that we never had.
            return Ok(());
        }
        match branch.take(unit) {
            Taken::Yes => self.waits_for_keyframe = false,
            Taken::No => {
                self.waits_for_keyframe = true;
                self.skip();
            }
            Taken::Failed(problem) => {
                self.give_up(&problem);
                return Err(anyhow!("decoding stopped: {problem}"));
            }
        }
        Ok(())
    }

    /// What waits for a decoder that hangs while it starts goes to the next one.
    fn go_on_without_the_late(&mut self, now_ms: u64) -> Result<()> {
        let Some(late) = self.branch.as_mut().and_then(|branch| branch.late(now_ms)) else { return Ok(()) };
        hung::note(&late);
        self.how.decoders.pass_over(&late, &format!("it does not start: {}", Hangs(START)));
        let units = self.branch.take().map_or_else(Vec::new, |branch| branch.leave());
        if units.is_empty() { Ok(()) } else { self.start(units) }
    }

    /// Decoding a whole group costs many times its keyframe alone.
    fn measure_group(&mut self, captured_us: i64) {
        let group_us = self.keyframe_us.replace(captured_us).map(|last| captured_us - last);
        let fps = at_share(self.how.fps, self.how.pace.share());
        let wanted_us = 1_050_000.0 / f64::from(fps.max(0.01));
        let short = group_us.is_some_and(|us| us > 0 && us as f64 <= wanted_us);
        self.short_groups = if short { self.short_groups.saturating_add(1) } else { 0 };
    }

    /// Lets the decoder show what it still holds, for a moment: a file has ended.
    pub(crate) fn finish(&mut self) {
        if let Some(Err(error)) = self.branch.as_ref().map(|branch| branch.intake.finish()) {
            tracing::debug!("the last pictures of a file were not decoded: {error:#}");
        }
    }

    /// Lets the current pipeline go; the next keyframe starts another. To be called whenever the stream or
    /// its time begins anew.
    pub(crate) fn stop(&mut self) {
        self.waits_for_keyframe = true;
        self.keyframe_us = None;
        self.short_groups = 0;
        if let Some(branch) = self.branch.take() {
            branch.leave();
        }
    }

    /// As [`stop`](Self::stop), because of what the decoder did: one that has shown nothing is not used again.
    pub(crate) fn give_up(&mut self, reason: &str) {
        if let Some(branch) = &self.branch
            && self.how.counts.decoded.load(Ordering::Relaxed) == branch.decoded_before
            && let Some(decoder) = branch.intake.decoder()
        {
            self.how.decoders.pass_over(&decoder.name, reason);
        }
        self.stop();
    }

    /// From a keyframe on.
    fn start(&mut self, units: Vec<Unit>) -> Result<()> {
        let first = units.first().context("a decoder starts with a unit")?;
        let (format, base_us) = (first.format.clone(), first.captured_us);
        let candidates = self.how.decoders.candidates(&format.caps)?;
        let stage = Stage::Starts { decoder: None, left: candidates.len(), units };
        let intake = Arc::new(Intake { stage: Mutex::new(stage), changed: Condvar::new() });
        let decoded_before = self.how.counts.decoded.load(Ordering::Relaxed);
        self.branch = Some(Branch {
            intake: intake.clone(),
            format: format.clone(),
            base_us,
            decoded_before,
            starts: None,
        });
        let how = self.how.clone();
        let thread = move || how.start_one_of(&candidates, &format, base_us, &intake);
        let started = std::thread::Builder::new().name("decoder".into()).spawn(thread);
        started.map(drop).context("a thread for a decoder")
    }
}

impl Drop for LiveDecoder {
    fn drop(&mut self) {
        self.stop();
    }
}

impl How {
    /// Tries one after the other, and gives what waits to the first that starts. Takes as long as drivers do.
    fn start_one_of(&self, candidates: &[Candidate], format: &Arc<Format>, base_us: i64, intake: &Intake) {
        for (n, candidate) in candidates.iter().enumerate() {
            if !intake.tries(&candidate.info, candidates.len() - 1 - n) {
                return;
            }
            match self.pipeline(candidate, format, base_us) {
                Ok(running) => return intake.open(running, base_us, &self.counts),
                Err(_) if intake.is_left() => return,
                Err(error) => self.decoders.pass_over(&candidate.info.name, &format!("{error:#}")),
            }
        }
        intake.fail(format!("no decoder for {} starts; the log says why", media_of(&format.caps)));
    }

    fn pipeline(&self, candidate: &Candidate, format: &Arc<Format>, base_us: i64) -> Result<Running> {
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
        let (mut cadence, counts, pace) = (Cadence::new(self.fps), self.counts.clone(), self.pace.clone());
        let takes = move |at_us| {
            counts.decoded.fetch_add(1, Ordering::Relaxed);
            cadence.takes_at(at_us, pace.share())
        };
        let element = (candidate.start)()?;
        let (pipeline, source) =
            decoding_pipeline(format, element, self.max_width, takes, sink.upcast_ref(), true)?;
        let running = Running { pipeline: Disposed(pipeline), source, decoder: candidate.info.clone() };
        if running.pipeline.0.set_state(gst::State::Playing).is_err() {
            return Err(anyhow!(running.problem().unwrap_or_else(|| "it does not start".into())));
        }
        Ok(running)
    }
}

impl Branch {
    fn take(&self, unit: &Unit) -> Taken {
        match &mut *self.intake.lock() {
            Stage::Starts { units, .. } if units.len() < MAX_WAITING => {
                units.push(unit.clone());
                Taken::Yes
            }
            Stage::Starts { .. } | Stage::Left => Taken::No,
            Stage::Fails(problem) => Taken::Failed(problem.clone()),
            Stage::Runs(running) => {
                if let Some(problem) = running.problem() {
                    return Taken::Failed(problem);
                }
                if running.source.current_level_buffers() >= MAX_WAITING as u64 {
                    return Taken::No;
                }
                running.push(unit, self.base_us);
                Taken::Yes
            }
        }
    }

    /// The decoder that has been starting for too long, where others could be tried.
    fn late(&mut self, now_ms: u64) -> Option<String> {
        let stage = self.intake.lock();
        let Stage::Starts { decoder: Some(decoder), left: 1.., .. } = &*stage else { return None };
        match &self.starts {
            Some((name, since_ms)) if *name == decoder.name => {
                (now_ms.saturating_sub(*since_ms) > START.as_millis() as u64).then(|| name.clone())
            }
            _ => {
                self.starts = Some((decoder.name.clone(), now_ms));
                None
            }
        }
    }

    /// What still waits.
    fn leave(self) -> Vec<Unit> {
        match self.intake.turn(Stage::Left) {
            Stage::Starts { units, .. } => units,
            Stage::Runs(running) => {
                running.pipeline.leave();
                Vec::new()
            }
            Stage::Fails(_) | Stage::Left => Vec::new(),
        }
    }
}

impl Intake {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, stage: Stage) -> Stage {
        let former = std::mem::replace(&mut *self.lock(), stage);
        self.changed.notify_all();
        former
    }

    fn is_left(&self) -> bool {
        matches!(*self.lock(), Stage::Left)
    }

    /// Who is starting, or runs.
    fn decoder(&self) -> Option<DecoderInfo> {
        match &*self.lock() {
            Stage::Starts { decoder, .. } => decoder.clone(),
            Stage::Runs(running) => Some(running.decoder.clone()),
            Stage::Fails(_) | Stage::Left => None,
        }
    }

    /// False when nobody waits for it any more.
    fn tries(&self, info: &DecoderInfo, more: usize) -> bool {
        let mut stage = self.lock();
        let Stage::Starts { decoder, left, .. } = &mut *stage else { return false };
        (*decoder, *left) = (Some(info.clone()), more);
        true
    }

    /// What waits comes first; then whoever feeds goes on with the pipeline itself.
    fn open(&self, running: Running, base_us: i64, counts: &Counts) {
        let mut stage = self.lock();
        let Stage::Starts { units, .. } = &*stage else { return };
        counts.decodes_with(&running.decoder);
        units.iter().for_each(|unit| running.push(unit, base_us));
        *stage = Stage::Runs(running);
        drop(stage);
        self.changed.notify_all();
    }

    fn fail(&self, problem: String) {
        let mut stage = self.lock();
        if matches!(*stage, Stage::Starts { .. }) {
            *stage = Stage::Fails(problem);
        }
        drop(stage);
        self.changed.notify_all();
    }

    /// Waits for the start, and then for the end.
    fn finish(&self) -> Result<()> {
        let starts = |stage: &mut Stage| matches!(stage, Stage::Starts { .. });
        let waited = self.changed.wait_timeout_while(self.lock(), LAST, starts);
        let (stage, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let Stage::Runs(running) = &*stage else { return Err(anyhow!("there is no decoder")) };
        let _ = running.source.end_of_stream();
        super::source::wait_for_end(&running.pipeline.0, gst::ClockTime::from_seconds(LAST.as_secs()))
    }
}

impl Running {
    fn push(&self, unit: &Unit, base_us: i64) {
        // Refused only while the pipeline fails or ends, which `problem` tells about next time.
        let _ = self.source.push_buffer(buffer_of(unit, base_us));
    }

    fn problem(&self) -> Option<String> {
        let message = self.pipeline.0.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        super::source::error_text(&message)
    }
}

#[cfg(test)]
mod tests;
