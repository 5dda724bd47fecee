//! One watched camera: its frames through stations 2 to 5 on a thread of its own, and what they tell as
//! revisions into the outbox. The opening is committed at once; its picture and its clip are later revisions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use protocol::{CameraState, Chance, Clock, Incident, IncidentId, Phase, Place, RuleId};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep, timeout};

use crate::analyser::{Analyser, GAP_MS};
use crate::camera::{CameraHandle, FrameSlot};
use crate::detector::{Answer, DetectorClient};
use crate::evidence::people::{People, Sight};
use crate::evidence::{ClipEnd, Drawn, Pending, Recorder};
use crate::frame::Frame;
use crate::memory::Memory;
use crate::outbox::{Outbox, OutboxError};
use crate::report::{EvidenceFile, Report, Wanted, needs_copy};
use crate::revisions::Revisions;
use crate::rules::{RuleConfig, RuleEvent, RuleKind, Task};

/// Events between analysis and outbox. When full the analysis waits; frames are then replaced, and counted.
const EVENTS: usize = 64;
/// Finished files on their way into a revision. When full their makers wait.
const FILES: usize = 16;
/// Without a frame the thread still shows that it lives this often.
const LOOK: Duration = Duration::from_secs(1);
/// Without a frame for so long nobody sees what goes on: incidents end, as they do in replay.
const SILENT: Duration = Duration::from_millis(GAP_MS as u64);
/// Pictures of one incident: the first, and better ones that rules point out.
const MAX_PICTURES: u32 = 4;
/// Names the rule for a lost camera where none is written: 30 s without picture are an incident.
const LOST_RULE: &str = "camera-lost";
/// A watch that is stopped gets so long for its last words, usually.
pub const END: Duration = Duration::from_secs(3);

/// What the analysis saw.
struct Sighting {
    event: RuleEvent,
    method: String,
    frame: Option<Frame>,
}

/// What a watched camera needs of the box.
#[derive(Clone)]
pub struct Deps {
    pub outbox: Outbox,
    pub recorder: Arc<Recorder>,
    pub memory: Arc<Memory>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<Chance>,
}

/// A running watch.
pub struct Watch {
    pub camera: Arc<CameraHandle>,
    pub detector: DetectorClient,
    /// Those that are switched on.
    pub rules: Arc<[RuleConfig]>,
    /// Counts rounds of the analysis thread: the watchdog wants to see it move.
    pub beat: Arc<AtomicU64>,
    /// Frames that the motion gate looked at.
    pub analysed: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    teller: tokio::task::JoinHandle<()>,
}

impl Watch {
    pub fn start(
        camera: CameraHandle,
        rules: &[RuleConfig],
        detector: DetectorClient,
        deps: &Deps,
    ) -> Result<Self> {
        let camera = Arc::new(camera);
        let analyser = Analyser::new(rules);
        let (tx, rx) = mpsc::channel(EVENTS);
        let stop = Arc::new(AtomicBool::new(false));
        let [beat, analysed] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let analysis = Analysis {
            frames: camera.frames(),
            analyser,
            people: camera.config().blur_people.then(|| camera.view().people().clone()),
            detector: detector.clone(),
            memory: deps.memory.clone(),
            events: tx,
            stop: stop.clone(),
            beat: beat.clone(),
            analysed: analysed.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("watch {}", camera.id()))
            .spawn(move || analysis.run())
            .context("starting the thread that watches a camera")?;
        let config = camera.config();
        let place = config.place.clone().map(Place::from);
        let name = config.display_name().to_owned();
        let (clock, chance) = (deps.clock.clone(), deps.chance.clone());
        deps.recorder.record(&camera.view());
        let (made, files) = mpsc::channel(FILES);
        let teller = Teller {
            making: 0,
            open: BTreeMap::new(),
            made,
            revisions: Revisions::new(config.id.clone(), name, place, clock, chance),
            camera: camera.clone(),
            deps: deps.clone(),
            last_seen_ms: deps.clock.uptime_ms(),
            lost_rules: lost_rules(rules),
        };
        let teller = tokio::spawn(teller.run(rx, files));
        let rules = rules.iter().filter(|rule| rule.enabled).cloned().collect();
        Ok(Self { camera, detector, rules, beat, analysed, stop, thread: Some(thread), teller })
    }

    /// Ends what is open, finishes clips with what is there, writes it all down. What takes longer than `patience` (a
    /// clip that waits to be masked, say) goes on by itself for as long as the box runs.
    pub async fn stop(mut self, patience: Duration) {
        self.camera.ask_to_stop();
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It may wait for a detector that hangs, or for a disk that takes no word.
            let ended = tokio::task::spawn_blocking(move || thread.join());
            if timeout(patience, ended).await.is_err() {
                tracing::warn!(camera = %self.camera.id(), "its analysis did not end in time; left behind");
            }
        }
        if timeout(patience, &mut self.teller).await.is_err() {
            tracing::info!(camera = %self.camera.id(), "evidence of a stopped camera is still being made");
        }
        // The last holder stops it and waits; others only look at it for a moment.
        match Arc::try_unwrap(self.camera) {
            Ok(camera) => {
                let _ = tokio::task::spawn_blocking(move || camera.stop()).await;
            }
            Err(shared) => drop(shared),
        }
    }
}

/// Those that are written and switched on; the usual one where none is written.
fn lost_rules(rules: &[RuleConfig]) -> Vec<RuleConfig> {
    let mut written = rules.iter().filter(|rule| matches!(rule.task, Task::Lost { .. })).peekable();
    if written.peek().is_some() {
        return written.filter(|rule| rule.enabled).cloned().collect();
    }
    let id = LOST_RULE.parse().expect("a plain word is a name");
    vec![RuleConfig::whole_picture(id, RuleKind::CameraLost)]
}

struct Analysis {
    frames: FrameSlot,
    analyser: Analyser,
    /// Where people are to be blurred.
    people: Option<Arc<People>>,
    detector: DetectorClient,
    memory: Arc<Memory>,
    events: mpsc::Sender<Sighting>,
    stop: Arc<AtomicBool>,
    beat: Arc<AtomicU64>,
    analysed: Arc<AtomicU64>,
}

impl Analysis {
    fn run(mut self) {
        let mut silent = Duration::ZERO;
        while !self.stop.load(Ordering::Relaxed) && !self.frames.is_done() {
            self.beat.fetch_add(1, Ordering::Relaxed);
            let Some(frame) = self.frames.recv_timeout(LOOK) else {
                let heard = silent < SILENT;
                silent += LOOK;
                // Once per silence.
                if heard && silent >= SILENT {
                    let events = self.analyser.finish();
                    if !self.tell(events, None) {
                        return;
                    }
                }
                continue;
            };
            silent = Duration::ZERO;
            let detector = &self.detector;
            let observation = self.analyser.observe_with(
                &frame,
                |frame: &Frame| -> Answer { detector.ask(frame) },
                |person| detector.pose(person),
            );
            self.memory.keep(&frame.camera_id, &observation);
            let events = self.analyser.conclude(&observation);
            self.analysed.fetch_add(1, Ordering::Relaxed);
            if let (Some(people), Some(here)) = (&self.people, self.analyser.people()) {
                // Before anything is told of it: whoever makes its picture must know.
                people.saw(Sight { at: frame.captured_at, people: here });
            }
            if !self.tell(events, Some(&frame)) {
                return;
            }
        }
        // Nobody will see these end otherwise.
        let events = self.analyser.finish();
        self.tell(events, None);
    }

    fn tell(&self, events: Vec<RuleEvent>, frame: Option<&Frame>) -> bool {
        events.into_iter().all(|event| {
            let method = event.method.to_string();
            let frame = frame.filter(|_| event.best_frame).cloned();
            self.events.blocking_send(Sighting { event, method, frame }).is_ok()
        })
    }
}

/// What goes on for an open incident.
struct Making {
    clip: ClipEnd,
    pictures: u32,
}

/// A file that was to be made: of what incident, of what kind, and what came of it.
type Made = (IncidentId, Wanted, Result<EvidenceFile>);

/// Turns sightings and finished files into committed revisions, in order.
struct Teller {
    revisions: Revisions,
    camera: Arc<CameraHandle>,
    deps: Deps,
    last_seen_ms: u64,
    /// When a camera without picture is an incident; empty: never.
    lost_rules: Vec<RuleConfig>,
    /// By rule and occurrence. A clip goes on until it is told that its incident ended.
    open: BTreeMap<(RuleId, u64), Making>,
    /// Files being made.
    making: usize,
    made: mpsc::Sender<Made>,
}

impl Teller {
    async fn run(mut self, mut sightings: mpsc::Receiver<Sighting>, mut files: mpsc::Receiver<Made>) {
        let mut tick = interval(LOOK);
        let mut watching = true;
        while watching || self.making > 0 {
            tokio::select! {
                sighting = sightings.recv(), if watching => match sighting {
                    Some(sighting) => self.tell(sighting).await,
                    None => watching = false,
                },
                Some(made) = files.recv() => self.add_file(made).await,
                _ = tick.tick(), if watching => self.look_after_camera().await,
            }
        }
        // Whoever watches next does not know of this one.
        for rule in std::mem::take(&mut self.lost_rules) {
            if let Some(incident) = self.revisions.camera_lost(None, &self.camera.health(), &rule) {
                self.commit(incident, Vec::new()).await;
            }
        }
    }

    async fn tell(&mut self, sighting: Sighting) {
        let Sighting { event, method, frame } = sighting;
        let Some(incident) = self.revisions.tell(&event, &method) else { return };
        let id = incident.incident_id;
        let key = (event.rule_id.clone(), event.serial);
        let drawn = Some(Drawn { region: event.region, severity: event.severity });
        match (event.phase, frame) {
            (Phase::Opened, Some(frame)) => {
                // Before anything else: from here on the camera keeps what the clip needs.
                let view = self.camera.view();
                let opening = self.deps.recorder.open(id, &view, &frame, event.started_at, drawn);
                self.expect(id, Wanted::Snapshot, opening.snapshot);
                self.expect(id, Wanted::Clip, opening.clip);
                self.open.insert(key, Making { clip: opening.end, pictures: 1 });
            }
            (Phase::Updated, Some(frame)) => {
                if let Some(making) = self.open.get_mut(&key)
                    && making.pictures < MAX_PICTURES
                {
                    making.pictures += 1;
                    let better = self.deps.recorder.snapshot(&self.camera.view(), &frame, drawn);
                    self.expect(id, Wanted::Snapshot, better);
                }
            }
            (Phase::Ended, _) => {
                if let Some(making) = self.open.remove(&key) {
                    making.clip.at(event.at);
                }
            }
            (Phase::Opened | Phase::Updated, None) => {}
        }
        self.commit(incident, Vec::new()).await;
    }

    fn expect(&mut self, id: IncidentId, wanted: Wanted, file: Pending) {
        self.revisions.expect_file(id);
        self.making += 1;
        let made = self.made.clone();
        tokio::spawn(async move {
            let file = file.finished().await;
            // Nobody hears it only when the box stops: the next start recovers what it can.
            let _ = made.send((id, wanted, file)).await;
        });
    }

    /// The file, or the reason why it will never come, goes to the hub.
    async fn add_file(&mut self, (id, wanted, file): Made) {
        self.making -= 1;
        if let (Wanted::Clip, Ok(clip)) = (&wanted, &file)
            && needs_copy(&clip.evidence)
        {
            let copy = self.deps.recorder.viewing_copy(clip);
            self.expect(id, Wanted::ViewingCopy(Box::new(clip.evidence.clone())), copy);
        }
        let revision = self.revisions.file_came(id, file.as_ref().ok().map(|file| &file.evidence));
        let told = match (revision, file) {
            (Some(incident), Ok(file)) => self.commit(incident, vec![file]).await,
            (_, Err(error)) => self.explain(id, &wanted, &error).await,
            // The same picture as before, or one too many.
            (None, Ok(_)) => self.close_if_told(id).await,
        };
        // What was spooled serves the snapshot, too.
        if told && !self.revisions.expects_files(id) {
            self.deps.recorder.forget(id);
        }
    }

    async fn explain(&self, id: IncidentId, wanted: &Wanted, error: &anyhow::Error) -> bool {
        let reason = format!("its {} could not be made: {error:#}", wanted.word());
        tracing::warn!(camera = %self.camera.id(), incident = %id, reason, "no evidence");
        let closes = !self.revisions.is_being_told(id);
        let (outbox, reason) = (&self.deps.outbox, &reason);
        let write = || async move { outbox.explain_loss(id, reason.clone(), closes).await.map(drop) };
        until_written("the loss of a file", id, write).await
    }

    async fn close_if_told(&self, id: IncidentId) -> bool {
        self.revisions.is_being_told(id)
            || until_written("an end", id, || self.deps.outbox.close_incident(id)).await
    }

    async fn look_after_camera(&mut self) {
        let health = self.camera.health();
        let now_ms = self.deps.clock.uptime_ms();
        // Running with a reason: video arrives that cannot be decoded.
        let sees = match health.state {
            CameraState::Running => health.reason.is_none(),
            CameraState::Ended => true,
            CameraState::Connecting | CameraState::Lost => false,
        };
        if sees {
            self.last_seen_ms = now_ms;
        }
        let gone_ms = i64::try_from(now_ms.saturating_sub(self.last_seen_ms)).unwrap_or(i64::MAX);
        let now = self.deps.clock.now();
        let revisions = &mut self.revisions;
        let told = self.lost_rules.iter().filter_map(|rule| {
            let watches = rule.schedule.as_ref().is_none_or(|schedule| schedule.watches(now));
            let long = matches!(rule.task, Task::Lost { dwell_ms } if gone_ms > dwell_ms);
            let since = (watches && long).then(|| now.plus_ms(-gone_ms));
            revisions.camera_lost(since, &health, rule)
        });
        for incident in told.collect::<Vec<_>>() {
            self.commit(incident, Vec::new()).await;
        }
    }

    /// False when the box stops before the disk has taken it.
    async fn commit(&self, incident: Incident, files: Vec<EvidenceFile>) -> bool {
        let (id, revision, phase) = (incident.incident_id, incident.revision, incident.phase);
        tracing::info!(incident = %id, revision, phase = phase.as_str(), kind = incident.kind.as_str(), camera = %self.camera.id(), "incident");
        let unfinished = self.revisions.expects_files(id);
        commit(&self.deps.outbox, &Report { incident, files, unfinished }).await
    }
}

/// Writes a report; false when the box stops before the disk has taken it.
pub async fn commit(outbox: &Outbox, report: &Report) -> bool {
    let id = report.incident.incident_id;
    let write = || async move {
        match outbox.append(report).await {
            Err(error @ OutboxError::Unsendable(_)) => {
                // Kept among the rejected, with a tombstone for the hub.
                tracing::error!(%error, incident = %id, "an incident cannot be sent");
                Ok(())
            }
            other => other.map(drop),
        }
    };
    until_written("an incident", id, write).await
}

/// A disk that refuses is asked again until it takes it or the outbox is closed (then false).
async fn until_written<F>(what: &str, id: IncidentId, write: impl Fn() -> F) -> bool
where
    F: Future<Output = Result<(), OutboxError>>,
{
    loop {
        match write().await {
            Ok(()) => return true,
            Err(error) if error.is_closed() => return false,
            Err(error) => tracing::error!(%error, incident = %id, "{what} cannot be written; trying again"),
        }
        sleep(LOOK).await;
    }
}
