//! Cameras, detector and calls of the configuration in force, and how they change while the box runs.
//!
//! A change touches only what differs: a camera that stays as it was goes on without a gap, a call in progress is
//! never cut. What is new is on trial before the version is kept: each camera that is new, moved or ran before has
//! to show a picture, the call tap to listen. What does not hold is undone, and the answer says why. The installer's
//! file is taken the same way when somebody has it read anew; there the log and health say why not.

mod shaping;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use models::ModelStore;
use protocol::{Answer, CameraId, Chance, Clock, LiveCall, Outcome};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::shaping::{let_go, start_detector};
use self::trial::Verdict;
use crate::call::{CallConfig, CallTap};
use crate::command::NewConfiguration;
use crate::config::{self, Config, Installed, Watched, in_force};
use crate::contact::HubKey;
use crate::detector::{self, DetectorConfig, DetectorStation};
use crate::evidence::Recorder;
use crate::health::{Floor, Present};
use crate::memory::Memory;
use crate::native;
use crate::outbox::Outbox;
use crate::report::Handover;
use crate::watch::Watch;

/// How long what changed may take to work: some cameras answer slowly after their last session.
pub const TRIAL: Duration = Duration::from_secs(20);
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
    /// To which numbers of callers are sealed.
    pub hub_key: Arc<HubKey>,
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
        if let Some(from) = new.based_on.filter(|from| *from != current) {
            return Some(format!(
                "it was made from version {from}, and {current} is in force: see what has changed, and make it anew"
            ));
        }
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
}

/// The folders in which a site has its models. A recogniser that hears citizens must lie in one of them: the product's own is
/// for demonstrations.
pub fn without_own(store: &ModelStore) -> Vec<PathBuf> {
    let own = native::own_models();
    store.folders().iter().filter(|folder| Some(*folder) != own.as_ref()).cloned().collect()
}

/// Models from the command line, the configuration, `$SHAODIAN_DATA`, then those that come with the product.
pub fn model_store(option: Option<PathBuf>, config: &Config) -> ModelStore {
    detector::store(option, config.agent.models.clone())
}
