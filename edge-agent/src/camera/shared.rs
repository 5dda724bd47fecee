//! What a camera's threads, pipelines and handle share, and what becomes of each unit: evidence is kept of the main
//! stream, analysis sees the sub stream where there is one, and each takes the other's place while that is away.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use protocol::{CameraHealth, CameraState, Clock, UtcMs};

use super::anchor::Drift;
use super::blind::Watcher;
use super::choice::{Choice, Role, Take};
use super::config::CameraConfig;
use super::counts::{Counts, FrameCounts};
use super::live::LiveDecoder;
use super::ring::Ring;
use super::slot::FrameSlot;
use super::stamp::Stamped;
use super::state::{Rate, StateLog};
use super::stop::Stop;
use super::stream::Stream;
use super::unit::Unit;
use crate::evidence::people::People;
use crate::frame::{Frame, Picture};
use crate::mask::Masks;
use crate::pace::Pace;

/// Bytes of encoded video kept in memory per camera, whatever its bit rate.
const RING_BYTES: usize = 64 * 1024 * 1024;
/// Two streams of a camera tell of one moment at slightly different times: a picture that is older than the last by no
/// more is of the other stream, and late.
const OVERLAP_MS: i64 = 5_000;

pub(super) struct Camera {
    pub(super) config: CameraConfig,
    pub(super) ring: Arc<Ring>,
    pub(super) frames: FrameSlot,
    /// Kept only where people are blurred.
    pub(super) people: Arc<People>,
    masks: Mutex<Masks>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counts: Arc<Counts>,
    pub(super) stop: Stop,
    /// By [`Role`].
    states: [Mutex<StateLog>; 2],
    rate: Mutex<Rate>,
    recording: Mutex<Choice>,
    analysis: Mutex<Analysis>,
    last_frame: Mutex<Option<Frame>>,
    sequence: AtomicU64,
    /// Units arrive and no picture comes out of them.
    blind: AtomicBool,
}

struct Analysis {
    choice: Choice,
    decoder: LiveDecoder,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Camera {
    pub(super) fn new(config: CameraConfig, clock: Arc<dyn Clock>, pace: Pace) -> Arc<Self> {
        // A clip is asked for a little after its moment (detection, tracking, rules): 4 s more than the pre-roll.
        let ring = Arc::new(Ring::new(config.pre_roll_s + 4, RING_BYTES));
        let counts = Arc::new(Counts::of(&config.id));
        let now_ms = clock.uptime_ms();
        let analysed = if config.sub_url.is_some() { Role::Sub } else { Role::Main };
        Arc::new_cyclic(|camera: &Weak<Self>| {
            let camera = camera.clone();
            let on_picture = move |picture, captured_us| {
                if let Some(camera) = camera.upgrade() {
                    camera.picture_arrived(picture, captured_us);
                }
            };
            let decoder = LiveDecoder::new(
                config.analysis_fps,
                config.analysis_width,
                counts.clone(),
                pace,
                Arc::new(on_picture),
            );
            Self {
                ring,
                frames: FrameSlot::default(),
                people: Arc::default(),
                masks: Mutex::new(Masks::new(&config.masks)),
                counts,
                stop: Stop::default(),
                states: [(); 2].map(|()| Mutex::new(StateLog::new(clock.now()))),
                rate: Mutex::default(),
                recording: Mutex::new(Choice::new(Role::Main, now_ms)),
                analysis: Mutex::new(Analysis { choice: Choice::new(analysed, now_ms), decoder }),
                last_frame: Mutex::default(),
                sequence: AtomicU64::new(0),
                blind: AtomicBool::new(false),
                config,
                clock,
            }
        })
    }

    fn state(&self, role: Role) -> MutexGuard<'_, StateLog> {
        lock(&self.states[role as usize])
    }

    /// Running while any of its streams does; what is then missing is a notice.
    pub(super) fn health(&self) -> CameraHealth {
        let main = self.state(Role::Main).clone();
        let sub = self.config.sub_url.is_some().then(|| self.state(Role::Sub).clone());
        let runs = |log: &StateLog| log.state == CameraState::Running;
        let why = |log: &StateLog| log.reason.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        let blind = self.blind.load(Ordering::Relaxed);
        let (shown, notice) = match &sub {
            Some(sub) if runs(sub) && !runs(&main) && main.state != CameraState::Ended => (
                sub,
                Some(format!(
                    "the main stream is not there{}: evidence is made of the sub stream",
                    why(&main)
                )),
            ),
            Some(sub) if runs(&main) && !runs(sub) => {
                (&main, Some(format!("the sub stream is not there{}: the main stream is analysed", why(sub))))
            }
            Some(_) if runs(&main) && !lock(&self.analysis).choice.is_as_wanted() => {
                (&main, Some("the sub stream is left aside: the main stream is analysed".to_owned()))
            }
            _ => (&main, None),
        };
        let passed_over = lock(&self.analysis).decoder.notice();
        let notices: Vec<String> = [notice, passed_over].into_iter().flatten().collect();
        CameraHealth {
            camera_id: self.config.id.clone(),
            name: self.config.display_name().to_owned(),
            state: shown.state,
            since: shown.since,
            frames_per_second: lock(&self.rate).per_second(&*self.clock),
            frames_dropped: self.frames.replaced() + self.counts.undecoded.load(Ordering::Relaxed),
            reason: shown.reason.clone().or_else(|| {
                (runs(shown) && blind)
                    .then(|| "video arrives, but no picture can be decoded from it".to_owned())
            }),
            notice: (!notices.is_empty()).then(|| notices.join("; ")),
            decoder: self.counts.decoder().map(|decoder| format!("{} ({})", decoder.name, decoder.kind())),
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
            stalls: load(&self.counts.stalls),
            blocked: load(&self.counts.blocked),
        }
    }

    pub(super) fn decoded(&self) -> u64 {
        self.counts.decoded.load(Ordering::Relaxed)
    }

    pub(super) fn last_frame(&self) -> Option<Frame> {
        lock(&self.last_frame).clone()
    }

    /// Which stream is analysed now.
    pub(super) fn analysed(&self) -> Role {
        lock(&self.analysis).choice.current()
    }

    pub(super) fn failed(&self, stream: &Stream, error: &anyhow::Error) {
        let reason = self.config.clean(&format!("{error:#}"));
        let (url, stream, id) = (&stream.url, stream.role, &self.config.id);
        let changed = self.state(stream).failed(reason.clone(), self.clock.now());
        let stream = stream.as_str();
        if changed {
            tracing::warn!(camera = %id, stream, %url, reason, "camera lost");
        } else {
            tracing::info!(camera = %id, stream, %url, reason, "camera not reached");
        }
    }

    pub(super) fn session_begins(&self, role: Role) {
        if lock(&self.recording).current() == role {
            self.ring.gap();
        }
    }

    /// `whole`: a file was read to its end.
    pub(super) fn session_ends(&self, role: Role, whole: bool) {
        let mut analysis = lock(&self.analysis);
        if analysis.choice.current() == role {
            if whole {
                analysis.decoder.finish();
            }
            analysis.decoder.stop();
        }
    }

    /// No session of this stream will follow. With the main stream the camera ends.
    pub(super) fn stream_ended(&self, role: Role) {
        self.state(role).set(CameraState::Ended, None, self.clock.now());
        if role == Role::Main {
            self.stop.ask();
            self.frames.close();
        }
    }

    pub(super) fn unit_arrived(&self, role: Role, Stamped { unit, drift }: Stamped) {
        let now_ms = self.clock.uptime_ms();
        if self.state(role).set(CameraState::Running, None, self.clock.now()) {
            let format = &unit.format;
            let size = format!("{}x{}", format.width, format.height);
            tracing::info!(camera = %self.config.id, stream = role.as_str(), codec = ?format.codec, size, "camera runs");
        }
        if drift != Drift::None {
            tracing::warn!(camera = %self.config.id, stream = role.as_str(), ?drift, "time begins anew");
        }
        self.record(role, &unit, drift, now_ms);
        self.analyse(role, &unit, drift, now_ms);
    }

    fn record(&self, role: Role, unit: &Unit, drift: Drift, now_ms: u64) {
        let mut recording = lock(&self.recording);
        // Time never runs back in the ring, not even where one stream is a little behind the other.
        let is_later = self.ring.newest_us().is_none_or(|newest| unit.captured_us > newest);
        match recording.take(role, unit.keyframe && (is_later || drift == Drift::ClockSet), now_ms) {
            Take::No => return,
            Take::Switched => {
                tracing::warn!(camera = %self.config.id, stream = role.as_str(), "evidence is made of another stream");
                self.ring.gap();
            }
            Take::Yes => {}
        }
        match drift {
            Drift::None => {}
            Drift::ClockSet => self.ring.clear(),
            Drift::MediaRestarted => self.ring.gap(),
        }
        self.ring.push(unit.clone());
    }

    fn analyse(&self, role: Role, unit: &Unit, drift: Drift, now_ms: u64) {
        let mut analysis = lock(&self.analysis);
        match analysis.choice.take(role, unit.keyframe, now_ms) {
            Take::No => return,
            Take::Switched => {
                tracing::warn!(camera = %self.config.id, stream = role.as_str(), "another stream is analysed");
                analysis.decoder.stop();
            }
            Take::Yes if drift != Drift::None => analysis.decoder.stop(),
            Take::Yes => {}
        }
        if let Err(error) = analysis.decoder.feed(unit, now_ms) {
            // Once is enough while it lasts.
            if self.blind.load(Ordering::Relaxed) {
                tracing::debug!(camera = %self.config.id, "analysis: {error:#}");
            } else {
                tracing::warn!(camera = %self.config.id, "analysis: {error:#}; recording goes on");
            }
        }
    }

    /// Whether pictures come out of the stream that is analysed; by its supervisor, now and then.
    pub(super) fn look_for_pictures(&self, role: Role, pictures: &mut Watcher) {
        let now_ms = self.clock.uptime_ms();
        let mut analysis = lock(&self.analysis);
        if analysis.choice.current() != role {
            *pictures = Watcher::new(self.decoded(), now_ms);
            return;
        }
        let look = pictures.look(self.decoded(), now_ms);
        if self.blind.swap(look.blind, Ordering::Relaxed) != look.blind {
            tracing::warn!(camera = %self.config.id, blind = look.blind, "whether pictures can be decoded has changed");
        }
        if look.blind && role == Role::Sub {
            analysis.choice.is_useless(now_ms);
        }
        if look.rebuild {
            tracing::info!(camera = %self.config.id, "its decoder shows nothing; the next keyframe starts another");
            analysis.decoder.give_up("it shows nothing");
        }
    }

    fn picture_arrived(&self, mut picture: Picture, captured_us: i64) {
        let captured_at = UtcMs(captured_us.div_euclid(1_000));
        let mut last = lock(&self.last_frame);
        if let Some(last) = &*last
            && (0..OVERLAP_MS).contains(&last.captured_at.since_ms(captured_at))
        {
            return;
        }
        // Nobody looks at what is masked: neither motion gate nor detector, and it is in no recorded observation.
        lock(&self.masks).burn(&mut picture);
        let frame = Frame {
            camera_id: self.config.id.clone(),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            captured_at,
            picture: Arc::new(picture),
        };
        lock(&self.rate).arrived(&*self.clock);
        *last = Some(frame.clone());
        drop(last);
        self.frames.put(frame);
    }
}
