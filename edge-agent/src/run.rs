//! The machine: which stations run, what joins them, how they end.
//!
//! ```text
//! camera ─ newest frame ─► watch (analyser ◄─► detector) ─ sightings (64) ─► revisions ─► outbox
//!                            └─ observations (512) ─► memory of the last hour ─► desk
//! exchange ─► call tap ─ reports (64) ──────────────────────────────────────────────────► outbox
//! outbox ─► uplink ─► hub ─ receipts ─► outbox          outbox ─► uploader ─► hub
//! SIGHUP ─ the installer's file, read anew ─► stations
//! hub ─► uplink ─ commands (32) ─► desk ─► outbox        every station ─► health ─► hub, systemd, local pages
//! call tap ─ live words (64) ─► uplink ─► hub           desk ─ configuration (1) ─► stations
//! ```
//!
//! Bounds: a full queue makes its producer wait, except commands (the hub sends them again), live words (they are
//! dropped and counted, as are observations) and frames (the newest replaces the older). Order of the end: cameras and
//! calls say their last words into the outbox, then desk, uploader and uplink stop, the outbox closes last. A task that
//! ends before is told and ends the agent.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use protocol::{BootId, Chance, Clock, Origin, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::command::{self, Desk};
use crate::config::{Config, HubConfig, Installed, Reading, in_force};
use crate::contact::HubKey;
use crate::evidence::{Recorder, archive};
use crate::health::{self, Floor, Health, Pages, Vitals, clock_synced};
use crate::heap;
use crate::identity::Enrolled;
use crate::memory::Memory;
use crate::outbox::{Outbox, Voice};
use crate::recovery::{self, Recovery};
use crate::report::Handover;
use crate::say;
use crate::stations::{self, Site, Stations};
use crate::supervise::Supervised;
use crate::uplink::{self, Uplink};
use crate::upload::{self, Uploader};
use crate::watch as watching;

const REPORTS: usize = 64;
const COMMANDS: usize = 32;
const LIVE: usize = 64;
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Each part of the end gets this long at most.
const END: Duration = Duration::from_secs(2);

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub config: Option<PathBuf>,
    pub models: Option<PathBuf>,
}

pub async fn run(options: Options) -> Result<()> {
    let reading = Reading { models: options.models.clone(), lenient: true, ..Reading::default() };
    let installed = Config::load_as(options.config.as_deref(), &reading)?;
    let data_dir = installed.agent.data_dir.clone();
    let _lock = lock_data_dir(&data_dir)?;
    let config = in_force(&data_dir, installed.clone());
    let stop = CancellationToken::new();
    stop_when_told(stop.clone())?;
    let mut reread = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let file = Installed::new(options.config.clone(), installed.clone());

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
        tracing::warn!(left = left.len(), "the last run left incidents unfinished");
    }

    // Stations that outlive a change of configuration.
    let cancel = CancellationToken::new();
    let (reports, reports_rx) = mpsc::channel(REPORTS);
    let (commands, commands_rx) = mpsc::channel(COMMANDS);
    let (live, live_rx) = mpsc::channel(LIVE);
    let (configure, mut configurations) = mpsc::channel(1);
    let floor = Floor::default();
    let recorder = Recorder::new(outbox.evidence_dir().to_owned(), clock.clone())?;
    let reserve = installed.outbox.disk_reserve_bytes;
    let recorder = recorder.leaving_free(reserve).recording_in(archive::prepare(&data_dir)?, reserve);
    let recorder = Arc::new(recorder);
    recorder.forget_all_but(&left.iter().map(|incident| incident.incident_id).collect::<Vec<_>>());
    let watched: Vec<_> = config.cameras.iter().map(|watched| watched.camera.id.clone()).collect();
    let memory = Arc::new(Memory::open(&data_dir, &watched)?);
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
    let mut writer = tokio::spawn(write_reports(outbox.clone(), reports_rx));
    let recovery = Recovery {
        outbox: outbox.clone(),
        recorder: recorder.clone(),
        clock: clock.clone(),
        left,
        again: recovery::AGAIN,
    };
    let recovery = tokio::spawn(recovery.run(cancel.clone()));
    let mut tasks = Supervised::default();
    tasks.spawn("housekeeping", keep_house(outbox.clone(), cancel.clone()));
    tasks.spawn("health", health.clone().run(status, vitals, cancel.clone()));
    let pages = Pages { health: health.clone(), vitals: vitals_rx };
    tasks.spawn("the health page", health::serve(installed.health.listen, pages, cancel.clone()));
    let desk = Desk {
        outbox: outbox.clone(),
        clock: clock.clone(),
        floor: floor.clone(),
        recorder: recorder.clone(),
        memory: memory.clone(),
        installed: file.clone(),
        configure,
        making: command::Making::default(),
    };
    tasks.spawn("the desk for commands", desk.run(commands_rx, cancel.clone()));
    let hub_key = Arc::new(match &enrolled {
        Some(_) => HubKey::open(&Enrolled::folder(&data_dir)),
        None => HubKey::without_hub(),
    });
    if let Some(enrolled) = &enrolled {
        let (address, uploader) =
            delivery_of(enrolled, &installed.hub, &outbox, &uplink_health, &upload_health)?;
        let asking = hub_key.clone().follow(uploader.http.clone(), uploader.hub_url.clone(), cancel.clone());
        tasks.spawn("asking for the hub's key", asking);
        let uplink = Uplink {
            address,
            outbox: outbox.clone(),
            status: status_rx,
            commands,
            live: live_rx,
            health: uplink_health,
            no_receipt: uplink::NO_RECEIPT,
        };
        tasks.spawn("the uplink", uplink.run(cancel.clone()));
        tasks.spawn("the uploader", uploader.run(cancel.clone()));
    } else {
        tracing::warn!("this box is not enrolled: incidents wait here (edge-agent enrol --hub … --code …)");
    }

    // Stations of the configuration in force.
    let site = Site {
        models: options.models,
        installed: file,
        clock,
        chance,
        outbox: outbox.clone(),
        floor,
        recorder,
        memory,
        reports,
        live,
        hub_key,
        trial: stations::TRIAL,
    };
    let (cameras, calls) = (config.cameras.len(), if config.calls.is_some() { "on" } else { "off" });
    let mut stations = Stations::start(site, config).await?;
    let who = enrolled.as_ref().map_or_else(|| "not enrolled".to_owned(), |e| e.origin().source());
    let listen = installed.health.listen;
    say!("edge-agent ready {who} cameras={cameras} calls={calls} health=http://{listen}");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let failed = loop {
        tokio::select! {
            () = stop.cancelled() => break None,
            name = tasks.ended() => break Some(name),
            // Its senders are still there, so only a fault ends it.
            _ = &mut writer => break Some("the writer of calls' reports"),
            Some(new) = configurations.recv() => stations.change(new, &stop).await?,
            Some(()) = reread.recv() => {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Reloading]);
                stations.reload(&stop).await?;
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
            }
        }
    };
    tracing::info!("stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    // With the stations goes the last sender of reports, and the writer ends.
    stations.stop().await;
    if !writer.is_finished() && timeout(END, writer).await.is_err() {
        tracing::warn!("the last reports of calls were not written; they are handed over at the next start");
    }
    cancel.cancel();
    let _ = timeout(END, recovery).await;
    tasks.stopped(END).await;
    outbox.close().await;
    failed.map_or(Ok(()), |name| Err(anyhow!("{name} ended by itself; see the log above")))
}

/// SIGTERM or Ctrl-C, also in the middle of a change.
fn stop_when_told(stop: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
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
    let address = uplink::Address::of(enrolled, hub)?;
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

/// Calls' reports into the outbox. The call tap keeps each until it hears that it is there.
async fn write_reports(outbox: Outbox, mut reports: mpsc::Receiver<Handover>) {
    while let Some(handover) = reports.recv().await {
        if watching::commit(&outbox, &handover.report).await {
            handover.committed();
        }
    }
}

async fn keep_house(outbox: Outbox, cancel: CancellationToken) {
    let mut tick = interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        // It blocks, for the longer the more lies free.
        let _ = tokio::task::spawn_blocking(heap::give_back).await;
        if let Err(error) = outbox.keep_house().await {
            tracing::error!(%error, "housekeeping failed; trying again in a minute");
        }
    }
}
