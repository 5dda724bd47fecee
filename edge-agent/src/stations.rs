//! Cameras, detector and calls of the configuration in force, and how they change while the box runs.
//!
//! A change touches only what differs: a camera that stays as it was goes on without a gap, a call in progress is
//! never cut. What is new is on trial before the version is kept: each camera that is new, moved or ran before has
//! to show a picture, the call tap to listen. What does not hold is undone, and the answer says why. The installer's
//! file is taken the same way when somebody has it read anew; there the log and health say why not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use models::ModelStore;
use protocol::{Answer, CameraId, CameraState, Chance, Clock, DetectorHealth, LiveCall, Outcome};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::call::{self, CallConfig, CallTap};
use crate::camera;
use crate::command::NewConfiguration;
use crate::config::{self, Config, Installed, Watched, in_force};
use crate::detector::{self, DetectorConfig, DetectorStation};
use crate::evidence::Recorder;
use crate::health::{Floor, Post, Present};
use crate::memory::Memory;
use crate::outbox::Outbox;
use crate::report::Handover;
use crate::watch::{self, Watch};

/// How long what changed may take to work: some cameras answer slowly after their last session.
pub const TRIAL: Duration = Duration::from_secs(20);
/// How often a trial is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// When the configuration changes, the former tap must have ended before the next one opens its folder.
const CHANGE_END: Duration = Duration::from_secs(60);
/// When the box stops, calls get this long to say their last words, and a detector to end.
const END: Duration = Duration::from_secs(2);

/// What stays while configurations change.
pub struct Site {
    /// Folder of models named on the command line.
    pub models: Option<PathBuf>,
    /// The installer's file: where data lies and how the hub is reached.
    pub installed: Arc<Installed>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<Chance>,
    pub outbox: Outbox,
    pub floor: Floor,
    pub recorder: Arc<Recorder>,
    pub memory: Arc<Memory>,
    pub reports: mpsc::Sender<Handover>,
    /// Calls as they run, for the hub's `live` topic.
    pub live: mpsc::Sender<LiveCall>,
    pub trial: Duration,
}

/// A camera as it runs.
struct Running {
    watched: Watched,
    watch: Watch,
}

/// The call tap as it runs.
struct Calls {
    config: CallConfig,
    tap: Arc<CallTap>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// The detector as it runs.
struct Detecting {
    config: DetectorConfig,
    station: Arc<DetectorStation>,
}

pub struct Stations {
    site: Site,
    /// In force: kept on disk, or the installer's.
    config: Config,
    detector: Detecting,
    cameras: BTreeMap<CameraId, Running>,
    calls: Option<Calls>,
    /// Why the installer's file as it is now is not in force.
    file_notice: Option<String>,
}

/// How a trial ended.
enum Verdict {
    Holds,
    Fails(String),
    /// The box is stopped: nothing is kept, nothing answered; the hub asks again.
    Stopped,
}

/// What of a change has to prove itself.
struct Judged {
    cameras: Vec<CameraId>,
    detector: bool,
    calls: bool,
}

impl Stations {
    pub async fn start(site: Site, config: Config) -> Result<Self> {
        let detector = start_detector(&site, &config.detector)?;
        let mut this = Self {
            site,
            config: config.clone(),
            detector,
            cameras: BTreeMap::new(),
            calls: None,
            file_notice: None,
        };
        this.shape(&config).await?;
        Ok(this)
    }

    /// Says the last words and stops.
    pub async fn stop(mut self) {
        let nothing = Config { cameras: Vec::new(), calls: None, ..self.config.clone() };
        self.stop_what_differs(&nothing, END).await;
        self.site.floor.set(Present::default());
        let_go(self.detector).await;
    }

    /// Applies a configuration of the hub, or undoes it when it does not hold. Answers the command. An error
    /// means that the former configuration could not be started again either.
    pub async fn change(&mut self, new: NewConfiguration, stop: &CancellationToken) -> Result<()> {
        // A copy that came while the first was at work. Not known: it is tried, and its version is not newer.
        if self.site.outbox.is_answered(new.command_id).await.unwrap_or(false) {
            return Ok(());
        }
        let version = new.version;
        let (verdict, undone) = match self.refusal(&new) {
            Some(reason) => (Verdict::Fails(reason), Ok(())),
            None => {
                let data_dir = self.site.installed.current().agent.data_dir.clone();
                let keep = || config::keep(&data_dir, version, &new.toml);
                self.take(&new.config, keep, stop).await
            }
        };
        if matches!(verdict, Verdict::Stopped) {
            return Ok(());
        }
        let outcome = match verdict {
            Verdict::Fails(reason) => {
                tracing::error!(version, reason, "a configuration was not taken");
                Outcome::Failed { reason }
            }
            Verdict::Holds | Verdict::Stopped => {
                tracing::info!(version, "a new configuration is in force");
                Outcome::Done { evidence: Vec::new() }
            }
        };
        let answer = Answer { command_id: new.command_id, outcome, answered_at: self.site.clock.now() };
        if let Err(error) = self.site.outbox.answer(&answer, &[]).await {
            // The hub asks again, and hears of the version then in force.
            tracing::error!(%error, version, "the answer to a configuration could not be written");
        }
        undone.context("starting the former configuration again")
    }

    /// The installer's file has changed: it is read anew and taken like a configuration of the hub. An error means that
    /// the former configuration could not be started again.
    pub async fn reload(&mut self, stop: &CancellationToken) -> Result<()> {
        let (taken, undone) = match self.site.installed.read_again() {
            Err(error) => (Err(error.to_string()), Ok(())),
            Ok(file) => self.take_file(file, stop).await,
        };
        self.file_notice = match taken {
            Err(reason) => {
                tracing::error!(reason, "the installer's file was not taken");
                Some(format!("configuration: the file was read anew and not taken: {reason}"))
            }
            Ok(waits) => {
                tracing::info!(cameras = self.cameras.len(), waits, "the installer's file was read anew");
                waits.map(|sections| {
                    format!("configuration: the file is in force, but for {sections}, at the next start only")
                })
            }
        };
        self.show();
        undone.context("starting the former configuration again")
    }

    /// What of the file waits for the next start, or why it was not taken; and the outcome of undoing it.
    async fn take_file(
        &mut self,
        config::Reread { config: file, at_next_start }: config::Reread,
        stop: &CancellationToken,
    ) -> (Result<Option<String>, String>, Result<()>) {
        let wanted = in_force(&file.agent.data_dir, file.clone());
        if wanted.version > 0 {
            let version = wanted.version;
            tracing::warn!(version, "a configuration of the hub is in force: of the file, masks alone count");
        }
        if let Some(reason) = self.cuts_calls(&wanted) {
            return (Err(reason), Ok(()));
        }
        let (verdict, undone) = self.take(&wanted, || Ok(()), stop).await;
        match verdict {
            Verdict::Fails(reason) => (Err(reason), undone),
            Verdict::Stopped => (Ok(None), undone),
            Verdict::Holds => {
                self.site.installed.replace(file);
                (Ok((!at_next_start.is_empty()).then(|| at_next_start.join(", "))), undone)
            }
        }
    }

    /// Why a configuration is not even tried.
    fn refusal(&self, new: &NewConfiguration) -> Option<String> {
        let current = self.config.version;
        if new.version <= current {
            return Some(format!("version {} is not newer than {current}, which is in force", new.version));
        }
        self.cuts_calls(&new.config)
    }

    fn cuts_calls(&self, wanted: &Config) -> Option<String> {
        let active = self.calls.as_ref().map_or(0, |calls| calls.tap.health().active_calls);
        let changes = wanted.calls.as_ref() != self.calls.as_ref().map(|calls| &calls.config);
        (changes && active > 0).then(|| {
            format!(
                "a change of [calls] would cut {active} calls in progress; send it again when they are over"
            )
        })
    }

    /// Tries a configuration; what does not hold is undone, with the outcome of that.
    async fn take(
        &mut self,
        wanted: &Config,
        keep: impl FnOnce() -> Result<()>,
        stop: &CancellationToken,
    ) -> (Verdict, Result<()>) {
        let former = self.config.clone();
        match self.attempt(wanted, keep, stop).await {
            Verdict::Fails(why) => {
                let undone = self.shape(&former).await;
                let reason = format!("undone, version {} is in force again: {why}", former.version);
                (Verdict::Fails(reason), undone)
            }
            verdict => {
                let gone = |camera: &&CameraId| !wanted.cameras.iter().any(|w| w.camera.id == **camera);
                let watched = former.cameras.iter().map(|w| &w.camera.id);
                watched.filter(gone).for_each(|id| self.site.memory.forget(id));
                (verdict, Ok(()))
            }
        }
    }

    async fn attempt(
        &mut self,
        wanted: &Config,
        keep: impl FnOnce() -> Result<()>,
        stop: &CancellationToken,
    ) -> Verdict {
        let judged = self.judged(wanted);
        if let Err(error) = self.shape(wanted).await {
            return Verdict::Fails(format!("{error:#}"));
        }
        match self.on_trial(&judged, stop).await {
            Verdict::Holds => {}
            other => return other,
        }
        if let Err(error) = keep() {
            return Verdict::Fails(format!("it cannot be kept: {error:#}"));
        }
        self.config.clone_from(wanted);
        self.show();
        Verdict::Holds
    }

    /// A camera that was dark before, at the same address, is nothing that this change can be blamed for.
    fn judged(&self, wanted: &Config) -> Judged {
        let detector = wanted.detector != self.detector.config;
        let cameras = wanted.cameras.iter().filter(|new| {
            let Some(old) = self.cameras.get(&new.camera.id) else { return true };
            let ran = old.watch.camera.health().state == CameraState::Running;
            let restarts = detector || old.watched != **new;
            restarts && (ran || !old.watched.camera.shares_an_address(&new.camera))
        });
        let saw = matches!(self.detector.station.health(), DetectorHealth::Model { .. });
        Judged {
            cameras: cameras.map(|new| new.camera.id.clone()).collect(),
            detector: detector && wanted.detector.enabled && saw,
            calls: wanted.calls.as_ref() != self.calls.as_ref().map(|calls| &calls.config),
        }
    }

    async fn on_trial(&self, judged: &Judged, stop: &CancellationToken) -> Verdict {
        let end = Instant::now() + self.site.trial;
        loop {
            let troubles = self.troubles(judged);
            if troubles.is_empty() {
                return Verdict::Holds;
            }
            if Instant::now() >= end {
                return Verdict::Fails(troubles.join("\n"));
            }
            tokio::select! {
                () = stop.cancelled() => return Verdict::Stopped,
                () = sleep(LOOK) => {}
            }
        }
    }

    /// What does not work yet, for people.
    fn troubles(&self, judged: &Judged) -> Vec<String> {
        let mut troubles = Vec::new();
        for id in &judged.cameras {
            let Some(running) = self.cameras.get(id) else { continue };
            let camera = &running.watch.camera;
            if camera.view().last_frame().is_none() {
                let why = camera.health().reason.unwrap_or_else(|| "no picture".to_owned());
                troubles.push(format!("camera {id}: {why}"));
            }
        }
        if judged.detector {
            let failing = self.detector.station.failing().into_iter();
            troubles.extend(failing.map(|reason| format!("detector: {reason}")));
        }
        if judged.calls
            && let Some(calls) = &self.calls
        {
            let health = calls.tap.health();
            if health.listening.is_none() || health.api_listening.is_none() {
                let why = health.troubles.into_values().collect::<Vec<_>>().join("; ");
                let why = if why.is_empty() { "not listening yet".to_owned() } else { why };
                troubles.push(format!("calls: {why}"));
            }
        }
        troubles
    }

    /// Makes the box run what `wanted` says: stops what differs, starts what is missing, leaves the rest alone.
    async fn shape(&mut self, wanted: &Config) -> Result<()> {
        self.stop_what_differs(wanted, CHANGE_END).await;
        if wanted.detector != self.detector.config {
            let detector = start_detector(&self.site, &wanted.detector)?;
            let former = std::mem::replace(&mut self.detector, detector);
            self.show();
            let_go(former).await;
        }
        let started = self.start_what_is_missing(wanted);
        self.show();
        started
    }

    async fn stop_what_differs(&mut self, wanted: &Config, patience: Duration) {
        let all = wanted.detector != self.detector.config;
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.cameras)
            .into_iter()
            .partition(|(_, running)| !all && wanted.cameras.contains(&running.watched));
        self.cameras = stay;
        let calls = self.calls.take_if(|calls| wanted.calls.as_ref() != Some(&calls.config));
        // Nobody else may hold what is stopped.
        self.show();
        if let Some(calls) = &calls {
            calls.cancel.cancel();
        }
        let mut ending: JoinSet<()> =
            go.into_values().map(|running| running.watch.stop(watch::END)).collect();
        while ending.join_next().await.is_some() {}
        if let Some(calls) = calls
            && timeout(patience, calls.task).await.is_err()
        {
            tracing::warn!("calls did not end in time; what is on disk is filed at the next start");
        }
    }

    fn start_what_is_missing(&mut self, wanted: &Config) -> Result<()> {
        let Site { clock, chance, outbox, recorder, memory, .. } = &self.site;
        let deps = watch::Deps {
            outbox: outbox.clone(),
            recorder: recorder.clone(),
            memory: memory.clone(),
            clock: clock.clone(),
            chance: chance.clone(),
        };
        for watched in &wanted.cameras {
            let id = &watched.camera.id;
            if self.cameras.contains_key(id) {
                continue;
            }
            if watched.rules.iter().any(|rule| rule.enabled && rule.asks_pose()) {
                self.detector.station.want_pose().context("starting the pose model")?;
            }
            let handle = camera::spawn(watched.camera.clone(), clock.clone())?;
            let client = self.detector.station.client(id.clone()).at_fps(watched.camera.analysis_fps);
            let watch = Watch::start(handle, &watched.rules, client, &deps)?;
            self.cameras.insert(id.clone(), Running { watched: watched.clone(), watch });
        }
        if let (None, Some(config)) = (&self.calls, &wanted.calls) {
            self.calls = Some(start_calls(&self.site, config)?);
        }
        Ok(())
    }

    /// Tells health and the command desk what runs.
    fn show(&self) {
        let posts = self.cameras.iter().map(|(id, running)| (id.clone(), Post::of(&running.watch)));
        self.site.floor.set(Present {
            config: Arc::new(self.config.clone()),
            file_notice: self.file_notice.clone(),
            cameras: posts.collect(),
            detector: Some(self.detector.station.clone()),
            calls: self.calls.as_ref().map(|calls| calls.tap.clone()),
        });
    }
}

fn start_detector(site: &Site, config: &DetectorConfig) -> Result<Detecting> {
    let store = model_store(site.models.clone(), &site.installed.current());
    let (posts, pose) = (detector::posts(config, &store), detector::pose_loader(config, &store));
    let station =
        DetectorStation::start_with(site.clock.clone(), posts, pose).context("starting the detector")?;
    Ok(Detecting { config: config.clone(), station: Arc::new(station) })
}

/// Joins its thread after the picture it looks at; one that hangs in it is left behind.
async fn let_go(detector: Detecting) {
    if timeout(END, tokio::task::spawn_blocking(move || drop(detector))).await.is_err() {
        tracing::warn!("the detector did not end in time; left behind");
    }
}

fn start_calls(site: &Site, config: &CallConfig) -> Result<Calls> {
    let installed = site.installed.current();
    let store = model_store(site.models.clone(), &site.installed.current());
    let deps = call::Deps {
        clock: site.clock.clone(),
        chance: site.chance.clone(),
        data_dir: installed.agent.data_dir.clone(),
        silero: store.find("silero-vad").ok().map(|weights| weights.main_file().to_owned()),
        model_dirs: store.folders().to_vec(),
        program: std::env::current_exe().context("finding this program's own file")?,
        reports: site.reports.clone(),
        live: site.live.clone(),
        disk_reserve_bytes: installed.outbox.disk_reserve_bytes,
    };
    let tap = CallTap::new(config.clone(), deps)?;
    let cancel = CancellationToken::new();
    let running = run_calls(tap.clone(), cancel.clone());
    Ok(Calls { config: config.clone(), tap, cancel, task: tokio::spawn(running) })
}

async fn run_calls(tap: Arc<CallTap>, cancel: CancellationToken) {
    if let Err(error) = tap.run(cancel).await {
        tracing::error!(error = format!("{error:#}"), "the call tap stopped");
    }
}

/// Models from the command line, the configuration, then `$SHAODIAN_DATA`.
pub fn model_store(option: Option<PathBuf>, config: &Config) -> ModelStore {
    detector::store(option, config.agent.models.clone())
}
