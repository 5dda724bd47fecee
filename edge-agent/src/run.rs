//! The machine: which stations run, what joins them, how they end.
//!
//! ```text
//! camera ─ newest frame ─► watch (analyser ◄─► detector) ─ sightings (64) ─► revisions ─► outbox
//! exchange ─► call tap ─ reports (64) ──────────────────────────────────────────────────► outbox
//! outbox ─► uplink ─► hub ─ receipts ─► outbox          outbox ─► uploader ─► hub
//! hub ─► uplink ─ commands (32) ─► desk ─► outbox        every station ─► health ─► hub, systemd, local pages
//! ```
//!
//! Bounds: a full queue makes its producer wait, except commands (the hub sends them again) and frames (the
//! newest replaces the older). Order of the end: cameras and calls say their last words into the outbox, then
//! desk, uploader and uplink stop, the outbox closes last.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use models::{ModelStore, search_folders};
use protocol::{Answer, BootId, Chance, Clock, Origin, Outcome, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::call::{self, CallTap};
use crate::camera;
use crate::command::{Desk, NewConfiguration};
use crate::config::{Config, HubConfig, in_force};
use crate::detector::{self, DetectorStation};
use crate::evidence::Recorder;
use crate::health::{self, Floor, Health, Pages, Post, Present, Vitals, clock_synced};
use crate::identity::Enrolled;
use crate::outbox::{Outbox, Voice};
use crate::recovery::Recovery;
use crate::report::Report;
use crate::uplink::{self, Uplink};
use crate::upload::{self, Uploader};
use crate::watch::{self as watching, Watch};

const REPORTS: usize = 64;
const COMMANDS: usize = 32;
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Each part of the end gets this long at most.
const END: Duration = Duration::from_secs(2);

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub config: Option<PathBuf>,
    pub models: Option<PathBuf>,
}

/// What stays while configurations change.
struct Site {
    options: Options,
    data_dir: PathBuf,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    outbox: Outbox,
    floor: Floor,
    recorder: Arc<Recorder>,
    reports: mpsc::Sender<Report>,
}

pub async fn run(options: Options) -> Result<()> {
    let installed = Config::load(options.config.as_deref())?;
    let data_dir = installed.agent.data_dir.clone();
    let _lock = lock_data_dir(&data_dir)?;
    let mut config = in_force(&data_dir, installed.clone());

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let chance = Arc::new(Chance::from_os());
    let enrolled = Enrolled::load(&data_dir)?;
    let voice = Voice {
        origin: enrolled.as_ref().map_or_else(not_enrolled, Enrolled::origin),
        boot: BootId::new(&chance, clock.now()),
        clock: clock.clone(),
        chance: chance.clone(),
        clock_synced,
    };
    let (outbox, opened) = Outbox::open(&data_dir, installed.outbox.clone(), voice).await?;
    if let Some((kept, saved)) = &opened.damaged {
        tracing::error!(kept = %kept.display(), saved, "the outbox was damaged and begun afresh");
    }
    let left = outbox.end_left_open().await?;
    if !left.is_empty() {
        tracing::warn!(left = left.len(), "the last run left incidents unfinished; they are ended");
    }

    // Stations that outlive a change of configuration.
    let cancel = CancellationToken::new();
    let (reports, reports_rx) = mpsc::channel(REPORTS);
    let (commands, commands_rx) = mpsc::channel(COMMANDS);
    let (configure, mut configurations) = mpsc::channel(1);
    let floor = Floor::default();
    let recorder = Arc::new(Recorder::new(outbox.evidence_dir().to_owned(), clock.clone())?);
    recorder.forget_all_but(&left.iter().map(|incident| incident.incident_id).collect::<Vec<_>>());
    let (uplink_health, upload_health) =
        (Arc::new(uplink::Health::default()), Arc::new(upload::Health::default()));
    let health = Arc::new(Health {
        floor: floor.clone(),
        outbox: outbox.clone(),
        disk_reserve_bytes: installed.outbox.disk_reserve_bytes,
        enrolled: enrolled.is_some(),
        uplink: uplink_health.clone(),
        upload: upload_health.clone(),
        clock: clock.clone(),
    });
    let (status, status_rx) = watch::channel(health.first_status());
    let (vitals, vitals_rx) = watch::channel(Vitals::default());
    let writer = tokio::spawn(write_reports(outbox.clone(), reports_rx, cancel.clone()));
    let recovery =
        Recovery { outbox: outbox.clone(), recorder: recorder.clone(), clock: clock.clone(), left };
    let mut delivery = vec![
        tokio::spawn(recovery.run(cancel.clone())),
        tokio::spawn(keep_house(outbox.clone(), cancel.clone())),
        tokio::spawn(health.clone().run(status, vitals, cancel.clone())),
        tokio::spawn(health::serve(
            installed.health.listen,
            Pages { health: health.clone(), vitals: vitals_rx },
            cancel.clone(),
        )),
    ];
    let desk = Desk {
        outbox: outbox.clone(),
        clock: clock.clone(),
        floor: floor.clone(),
        recorder: recorder.clone(),
        configure,
    };
    delivery.push(tokio::spawn(desk.run(commands_rx, cancel.clone())));
    if let Some(enrolled) = &enrolled {
        let (address, uploader) =
            delivery_of(enrolled, &installed.hub, &outbox, &uplink_health, &upload_health)?;
        let uplink =
            Uplink { address, outbox: outbox.clone(), status: status_rx, commands, health: uplink_health };
        delivery.push(tokio::spawn(uplink.run(cancel.clone())));
        delivery.push(tokio::spawn(uploader.run(cancel.clone())));
    } else {
        tracing::warn!("this box is not enrolled: incidents wait here (edge-agent enrol --hub … --code …)");
    }

    // Stations of the present configuration.
    let site = Site {
        options,
        data_dir: data_dir.clone(),
        clock,
        chance,
        outbox: outbox.clone(),
        floor,
        recorder,
        reports,
    };
    let mut stations = Stations::start(&site, &config)?;
    println!(
        "edge-agent ready {} cameras={} calls={} health=http://{}",
        enrolled.as_ref().map_or_else(|| "not enrolled".to_owned(), |e| e.origin().source()),
        config.cameras.len(),
        if config.calls.is_some() { "on" } else { "off" },
        installed.health.listen,
    );
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    loop {
        let new = tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(new) = configurations.recv() => new,
        };
        stations = stations.change(&site, &mut config, new).await?;
    }
    tracing::info!("stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    stations.stop(&site).await;
    // The writer ends when the last sender of reports is gone.
    drop(site);
    if timeout(END, writer).await.is_err() {
        tracing::warn!("the last reports of calls were not written; they are handed over at the next start");
    }
    cancel.cancel();
    for task in delivery {
        let _ = timeout(END, task).await;
    }
    outbox.close().await;
    Ok(())
}

/// Two agents on one folder would number their messages over each other.
fn lock_data_dir(data_dir: &Path) -> Result<std::fs::File> {
    std::fs::create_dir_all(data_dir)
        .with_context(|| format!("making {}; set [agent] data_dir", data_dir.display()))?;
    let path = data_dir.join("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .with_context(|| format!("another edge-agent runs with {}", data_dir.display()))?;
    Ok(file)
}

/// The name under which a box writes before it is enrolled; its messages are renamed then.
fn not_enrolled() -> Origin {
    let plain = "a plain word is a name";
    Origin { tenant: "none".parse().expect(plain), device: "not-enrolled".parse().expect(plain) }
}

fn delivery_of(
    enrolled: &Enrolled,
    hub: &HubConfig,
    outbox: &Outbox,
    uplink_health: &Arc<uplink::Health>,
    upload_health: &Arc<upload::Health>,
) -> Result<(uplink::Address, Uploader)> {
    let identity = &enrolled.identity;
    let address = uplink::Address {
        origin: enrolled.origin(),
        host: hub.mqtt_host.clone().unwrap_or_else(|| identity.mqtt_host.clone()),
        port: hub.mqtt_port.unwrap_or(identity.mqtt_port),
        tls: Some(enrolled.tls()?),
    };
    let url = hub.url.as_ref().unwrap_or(&identity.hub_url);
    let flow = uplink_health.clone();
    let uploader = Uploader {
        outbox: outbox.clone(),
        http: enrolled.http()?,
        hub_url: url.parse().with_context(|| format!("the hub's address {url:?}"))?,
        token: identity.token.clone(),
        messages_flow: Arc::new(move || flow.connected.load(std::sync::atomic::Ordering::Relaxed)),
        health: upload_health.clone(),
    };
    Ok((address, uploader))
}

/// Calls' reports into the outbox.
async fn write_reports(outbox: Outbox, mut reports: mpsc::Receiver<Report>, cancel: CancellationToken) {
    while let Some(report) = reports.recv().await {
        watching::commit(&outbox, &report, &cancel).await;
    }
}

async fn keep_house(outbox: Outbox, cancel: CancellationToken) {
    let mut tick = interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = outbox.keep_house().await {
            tracing::error!(%error, "housekeeping failed; trying again in a minute");
        }
    }
}

/// Cameras, detector and calls of one configuration.
struct Stations {
    watches: Vec<Watch>,
    detector: Arc<DetectorStation>,
    calls: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Stations {
    fn start(site: &Site, config: &Config) -> Result<Self> {
        let Site { clock, outbox, chance, .. } = site;
        let store = model_store(site.options.models.clone(), config);
        let silero = store.find("silero-vad").ok().map(|weights| weights.main_file().to_owned());
        let folders = store.folders().to_vec();
        let wanted = config.detector.clone();
        let loader = Box::new(move || detector::open(&wanted, &store));
        let detector = DetectorStation::start(clock.clone(), loader).context("starting the detector")?;
        let detector = Arc::new(detector);

        let deps = watching::Deps {
            outbox: outbox.clone(),
            recorder: site.recorder.clone(),
            clock: clock.clone(),
            chance: chance.clone(),
        };
        let mut watches = Vec::new();
        for watched in &config.cameras {
            let client = detector.client(watched.camera.id.clone());
            let handle = camera::spawn(watched.camera.clone(), clock.clone())?;
            watches.push(Watch::start(handle, &watched.rules, client, &deps)?);
        }

        let mut tap = None;
        let mut calls = None;
        if let Some(wanted) = &config.calls {
            let started = CallTap::new(
                wanted.clone(),
                call::Deps {
                    clock: clock.clone(),
                    chance: chance.clone(),
                    data_dir: site.data_dir.clone(),
                    silero,
                    model_dirs: folders,
                    program: std::env::current_exe().context("finding this program's own file")?,
                    reports: site.reports.clone(),
                    live: None,
                },
            )?;
            let cancel = CancellationToken::new();
            let running = run_calls(started.clone(), cancel.clone());
            calls = Some((cancel, tokio::spawn(running)));
            tap = Some(started);
        }
        let posts = watches.iter().map(|watch| {
            let post = Post {
                camera: watch.camera.clone(),
                detector: watch.detector.clone(),
                beat: watch.beat.clone(),
                analysed: watch.analysed.clone(),
            };
            (watch.camera.id().clone(), post)
        });
        site.floor.set(Present {
            configuration_version: config.version,
            cameras: posts.collect(),
            detector: Some(detector.clone()),
            calls: tap,
        });
        Ok(Self { watches, detector, calls })
    }

    /// Says the last words and stops.
    async fn stop(self, site: &Site) {
        site.floor.set(Present::default());
        if let Some((cancel, _)) = &self.calls {
            cancel.cancel();
        }
        let mut ending: tokio::task::JoinSet<()> = self.watches.into_iter().map(Watch::stop).collect();
        while ending.join_next().await.is_some() {}
        if let Some((_, task)) = self.calls
            && timeout(END, task).await.is_err()
        {
            tracing::warn!("calls did not end in time; what is on disk is filed at the next start");
        }
        // Joins the thread after the picture it looks at.
        let _ = tokio::task::spawn_blocking(move || drop(self.detector)).await;
    }

    /// Restarts with a new configuration; when that does not hold, with the old one. Answers the command.
    async fn change(self, site: &Site, config: &mut Config, new: NewConfiguration) -> Result<Self> {
        self.stop(site).await;
        let mut wanted = *new.config;
        wanted.version = new.version;
        let started = Self::start(site, &wanted);
        let kept = started.and_then(|stations| {
            crate::config::keep(&site.data_dir, new.version, &new.toml)?;
            Ok(stations)
        });
        let (stations, outcome) = match kept {
            Ok(stations) => {
                tracing::info!(version = new.version, "a new configuration is in force");
                *config = wanted;
                (stations, Outcome::Done { evidence: Vec::new() })
            }
            Err(error) => {
                let reason = format!("it could not be started, the former one is in force again: {error:#}");
                tracing::error!(version = new.version, reason, "a configuration was rolled back");
                (Self::start(site, config)?, Outcome::Failed { reason })
            }
        };
        let answer = Answer { command_id: new.command_id, outcome, answered_at: site.clock.now() };
        site.outbox.answer(&answer, &[]).await?;
        Ok(stations)
    }
}

async fn run_calls(tap: Arc<CallTap>, cancel: CancellationToken) {
    if let Err(error) = tap.run(cancel).await {
        tracing::error!(error = format!("{error:#}"), "the call tap stopped");
    }
}

/// Models from the command line, the configuration, then `$SHAODIAN_DATA`.
pub fn model_store(option: Option<PathBuf>, config: &Config) -> ModelStore {
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    ModelStore::new(search_folders(option, config.agent.models.clone(), data))
}
