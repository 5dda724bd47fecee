//! The life of one stream: connect, deliver, fail, wait, connect again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::blind::Watcher;
use super::decode::Disposed;
use super::pulse::{Flow, Pulse};
use super::retry::Retry;
use super::shared::Camera;
use super::source::{self, REFUSES_PASSWORD};
use super::stamp::Stamper;
use super::stream::Stream;
use super::tls::Refusal;

/// No unit for so long means that the camera is gone, whatever its connection says.
const STALL_MS: u64 = 5_000;

/// How often the supervisor looks.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// Between two rounds of a film, from start to start.
const SHORTEST_FILM: Duration = Duration::from_millis(500);

/// One stream of a camera, over all its sessions.
pub(super) struct Feed {
    camera: Arc<Camera>,
    stream: Stream,
    pulse: Arc<Pulse>,
    stall_ms: u64,
    /// Last capture time of any session; `i64::MIN` before the first.
    newest_us: Arc<AtomicI64>,
}

enum Over {
    Stopped,
    EndOfFile,
}

impl Feed {
    pub(super) fn new(camera: Arc<Camera>, stream: Stream) -> Self {
        Self {
            camera,
            stream,
            pulse: Arc::new(Pulse::new()),
            stall_ms: STALL_MS,
            newest_us: Arc::new(AtomicI64::new(i64::MIN)),
        }
    }

    /// Runs until told to stop, or until a file that does not repeat has ended.
    pub(super) fn run(&self) {
        let camera = &self.camera;
        let mut retry = Retry::new();
        while !camera.stop.is_asked() {
            let started_ms = camera.clock.uptime_ms();
            // A fault of ours in one camera is that camera's failure: it is built anew like after any other.
            let session = catch_unwind(AssertUnwindSafe(|| self.run_once()));
            let session =
                session.unwrap_or_else(|_| Err(anyhow!("a fault of this program; its log says which")));
            let lasted_ms = camera.clock.uptime_ms().saturating_sub(started_ms);
            match session {
                Ok(Over::Stopped) => break,
                // Not again at once when the film is one picture long.
                Ok(Over::EndOfFile) if camera.config.repeat => {
                    camera.stop.wait(SHORTEST_FILM.saturating_sub(Duration::from_millis(lasted_ms)));
                }
                Ok(Over::EndOfFile) => {
                    tracing::info!(camera = %camera.config.id, "the file has ended");
                    break;
                }
                Err(error) => {
                    camera.failed(&self.stream, &error);
                    let refused = format!("{error:#}").contains(REFUSES_PASSWORD);
                    retry.wait(&self.stream, &*camera.clock, &camera.stop, lasted_ms, refused);
                }
            }
        }
        camera.stream_ended(self.stream.role);
    }

    /// One session: from a new pipeline to its end.
    fn run_once(&self) -> Result<Over> {
        let (camera, role) = (&self.camera, self.stream.role);
        let sink = self.unit_sink();
        let before = camera.ring.stats();
        camera.session_begins(role);
        self.pulse.begin(camera.clock.uptime_ms());
        let refusal = Refusal::default();
        let pipeline = Disposed(source::pipeline(&self.stream, &sink, &refusal)?);
        let over = self.supervise(&pipeline.0);
        let over = over.map_err(|error| refusal.take().map_or(error, |words| anyhow!(words)));
        let after = camera.ring.stats();
        // First the source, so that nobody feeds the decoder when it goes.
        drop(pipeline);
        camera.session_ends(role, matches!(over, Ok(Over::EndOfFile)));
        match over {
            Ok(Over::EndOfFile) if after.units > before.units => Ok(Over::EndOfFile),
            Ok(Over::EndOfFile) if after.undecodable > before.undecodable => {
                Err(anyhow!("there is no keyframe in the file: no picture of it can be shown"))
            }
            Ok(Over::EndOfFile) => Err(anyhow!("there is no video in the file")),
            over => over,
        }
    }

    fn supervise(&self, pipeline: &gst::Pipeline) -> Result<Over> {
        let (camera, role) = (&self.camera, self.stream.role);
        let bus = pipeline.bus().context("a pipeline has a bus")?;
        if pipeline.set_state(gst::State::Playing).is_err() {
            let message = bus.pop_filtered(&[gst::MessageType::Error]);
            let problem = message.and_then(|m| source::error_text(&m));
            bail!(problem.unwrap_or_else(|| "the stream does not start".into()));
        }
        let is_file = self.stream.is_file();
        let mut pictures = Watcher::new(camera.decoded(), camera.clock.uptime_ms());
        let mut blocked = false;
        loop {
            if camera.stop.is_asked() {
                return Ok(Over::Stopped);
            }
            let wanted = [gst::MessageType::Error, gst::MessageType::Eos];
            if let Some(message) = bus.timed_pop_filtered(LOOK, &wanted) {
                match source::error_text(&message) {
                    Some(problem) => bail!(problem),
                    None if is_file => return Ok(Over::EndOfFile),
                    None => bail!("the camera ended the stream"),
                }
            }
            match self.pulse.look(camera.clock.uptime_ms(), self.stall_ms) {
                Flow::Flows => blocked = false,
                Flow::Blocked { ms } => {
                    // Once for each: nothing that a new session would mend.
                    if !std::mem::replace(&mut blocked, true) {
                        camera.counts.blocked.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(camera = %camera.config.id, stream = role.as_str(), ms, "this box keeps the camera waiting");
                    }
                    continue;
                }
                Flow::Silent { ms } => {
                    camera.counts.stalls.fetch_add(1, Ordering::Relaxed);
                    bail!("no picture for {} s", ms / 1_000);
                }
            }
            camera.look_for_pictures(role, &mut pictures);
        }
    }

    /// Where units arrive: stamped, then to the camera. Holds the camera weakly: a pipeline that hangs in its end must
    /// not keep a whole camera.
    fn unit_sink(&self) -> gst_app::AppSink {
        let camera: Weak<Camera> = Arc::downgrade(&self.camera);
        let (role, pulse, newest_us) = (self.stream.role, self.pulse.clone(), self.newest_us.clone());
        let paced = self.stream.realtime || !self.stream.is_file();
        let newest = Some(newest_us.load(Ordering::Relaxed)).filter(|us| *us != i64::MIN);
        let mut stamper = Stamper::new(newest, paced);
        gst_app::AppSink::builder()
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let camera = camera.upgrade().ok_or(gst::FlowError::Flushing)?;
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        pulse.push_begins(camera.clock.uptime_ms());
                        let stamped = stamper.stamp(&*camera.clock, sink, &sample);
                        if let Ok(Some(stamped)) = &stamped {
                            newest_us.store(stamped.unit.captured_us, Ordering::Relaxed);
                        }
                        let taken = stamped.map(|stamped| {
                            if let Some(stamped) = stamped {
                                camera.unit_arrived(role, stamped);
                            }
                        });
                        pulse.push_ends(camera.clock.uptime_ms());
                        taken.map_or_else(
                            |error| {
                                gst::element_error!(sink, gst::StreamError::Format, ("{error:#}"));
                                Err(gst::FlowError::Error)
                            },
                            |()| Ok(gst::FlowSuccess::Ok),
                        )
                    })
                    .build(),
            )
            .build()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{CameraState, SystemClock};

    use super::super::choice::Role;
    use super::super::config::CameraConfig;
    use super::*;
    use crate::pace::Pace;

    fn wait_for(what: &str, condition: impl Fn() -> bool) {
        for _ in 0..1_000 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("not within 10 s: {what}");
    }

    /// A ring that takes nothing for long is our fault: it is told once, and the session goes on as it was. When the
    /// camera has ended nothing keeps it.
    #[test]
    fn our_own_stall_restarts_nothing() {
        crate::camera::init().unwrap();
        let config = CameraConfig::new("gate".parse().unwrap(), "test://ball");
        let stream = config.stream(Role::Main).unwrap();
        let camera = Camera::new(config, Arc::new(SystemClock::new()), Pace::default());
        let feed = Feed { stall_ms: 300, ..Feed::new(camera.clone(), stream) };
        let thread = std::thread::spawn(move || feed.run());
        wait_for("units", || camera.ring.stats().units > 5);
        let blocked = || camera.counts.blocked.load(Ordering::Relaxed);
        {
            let _held = camera.ring.block();
            wait_for("our own stall", || blocked() == 1);
            let began_ms = camera.clock.uptime_ms();
            wait_for("three times as long", || camera.clock.uptime_ms() > began_ms + 900);
        }
        let units = camera.ring.stats().units;
        wait_for("units again", || camera.ring.stats().units > units + 20);
        assert_eq!((blocked(), camera.counts.stalls.load(Ordering::Relaxed)), (1, 0));
        assert_eq!(camera.ring.stats().gaps, 1, "only the start");
        assert_eq!(camera.health().state, CameraState::Running);
        camera.stop.ask();
        thread.join().unwrap();
        let gone = Arc::downgrade(&camera);
        drop(camera);
        wait_for("its decoder to go", || gone.strong_count() == 0);
    }
}
