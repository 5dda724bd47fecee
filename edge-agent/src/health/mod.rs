//! How the box is: one look at every station, shown as heartbeat, `/healthz`, `/readyz` and `/metrics`, and fed
//! to systemd's watchdog.

mod last_error;
mod metrics;
mod pages;
mod rates;
mod rules;
mod time_sync;
mod watchdog;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{
    CallTapHealth, CameraHealth, CameraId, Clock, DetectorHealth, DeviceState, IncidentKind, ModelHealth,
    RuleId, Status,
};
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

pub use last_error::LastError;
pub use pages::{Pages, serve};
pub use time_sync::clock_synced;

use crate::call::{CallHealth, CallTap};
use crate::camera::{CameraHandle, DecoderInfo, FrameCounts, Role};
use crate::config::Config;
use crate::detector::{DetectorClient, DetectorStation, DetectorStats, PoseHealth};
use crate::outbox::{Outbox, Stats};
use crate::rules::RuleConfig;
use crate::watch::Watch;
use crate::{uplink, upload};
use rates::Rates;
use rules::{at_rest, method_of_each};
use watchdog::{Beat, Watchdog};

const EVERY: Duration = Duration::from_secs(1);
/// Status goes to the hub this often when nothing changed.
const HEARTBEAT_ROUNDS: u32 = 10;
/// A message that waits longer for its receipt, while the broker is there, is worth a word.
const UNCONFIRMED_MS: u64 = 600_000;

/// One watched camera, as health sees it.
#[derive(Clone)]
pub struct Post {
    pub camera: Arc<CameraHandle>,
    pub detector: DetectorClient,
    pub beat: Arc<AtomicU64>,
    pub analysed: Arc<AtomicU64>,
    pub rules: Arc<[RuleConfig]>,
}

/// What became of one camera's pictures since it was started.
#[derive(Clone, Debug)]
pub struct Seen {
    pub camera_id: CameraId,
    pub frames: FrameCounts,
    pub decoder: Option<DecoderInfo>,
    /// The main stream is analysed because the sub stream is not there.
    pub analyses_other: bool,
    /// Looked at by the motion gate, and by the detector.
    pub analysed: u64,
    pub inferred: u64,
    /// Shown to the detector when it had no time.
    pub skipped: u64,
}

impl Post {
    pub fn of(watch: &Watch) -> Self {
        Self {
            camera: watch.camera.clone(),
            detector: watch.detector.clone(),
            beat: watch.beat.clone(),
            analysed: watch.analysed.clone(),
            rules: watch.rules.clone(),
        }
    }
}

/// The stations that run at present; they change with the configuration.
#[derive(Clone, Default)]
pub struct Floor(Arc<Mutex<Present>>);

#[derive(Clone, Default)]
pub struct Present {
    /// In force.
    pub config: Arc<Config>,
    /// Why the installer's file as it is now is not in force, or what of it is not yet.
    pub file_notice: Option<String>,
    pub cameras: BTreeMap<CameraId, Post>,
    pub detector: Option<Arc<DetectorStation>>,
    pub calls: Option<Arc<CallTap>>,
}

impl Floor {
    pub fn set(&self, present: Present) {
        *self.lock() = present;
    }

    pub fn present(&self) -> Present {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rule and what watches for it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHealth {
    pub camera_id: CameraId,
    pub rule_id: RuleId,
    pub kind: IncidentKind,
    /// A model's name or a method without one; `None`: nothing sees it for now.
    pub method: Option<String>,
}

/// Everything there is to know at one moment.
#[derive(Clone, Default)]
pub struct Vitals {
    pub uptime_ms: u64,
    pub clock_synced: bool,
    pub configuration_version: u64,
    pub cameras: Vec<CameraHealth>,
    pub seen: Vec<Seen>,
    pub rules: Vec<RuleHealth>,
    pub detector: Option<DetectorHealth>,
    pub models: Vec<ModelHealth>,
    pub detector_stats: DetectorStats,
    /// Share of the rate asked for at which cameras are looked at, 0 to 1.
    pub analysis_share: f32,
    pub calls: Option<CallHealth>,
    pub outbox: Stats,
    pub disk_free_bytes: u64,
    /// What keeps the box from being ready; empty when it is.
    pub troubles: Vec<String>,
    /// What people should see to although the box is ready.
    pub notices: Vec<String>,
    /// Cameras whose analysis does not move.
    pub stuck: Vec<CameraId>,
}

pub struct Health {
    pub floor: Floor,
    pub outbox: Outbox,
    pub disk_reserve_bytes: u64,
    pub enrolled: bool,
    pub uplink: Arc<uplink::Health>,
    pub upload: Arc<upload::Health>,
    pub clock: Arc<dyn Clock>,
}

impl Health {
    /// The first status, before anything runs.
    pub fn first_status(&self) -> Status {
        self.status(&Vitals::default())
    }

    fn status(&self, vitals: &Vitals) -> Status {
        Status {
            state: DeviceState::Online,
            boot: self.outbox.boot(),
            at: self.clock.now(),
            uptime_ms: vitals.uptime_ms,
            clock_synced: vitals.clock_synced,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            configuration_version: vitals.configuration_version,
            cameras: vitals.cameras.clone(),
            detector: vitals.detector.clone(),
            speech_model: vitals.calls.as_ref().and_then(|calls| calls.speech_model.clone()),
            active_calls: vitals.calls.as_ref().map_or(0, |calls| calls.active_calls),
            calls: vitals.calls.as_ref().map(call_tap),
            outbox_rows: vitals.outbox.rows,
            outbox_oldest_ms: vitals.outbox.oldest_ms,
            uploads_waiting: vitals.outbox.uploads_waiting,
            disk_free_bytes: vitals.disk_free_bytes,
            rejected_rows: vitals.outbox.rejected_rows,
            models: vitals.models.clone(),
        }
    }

    /// Looks every second; tells the hub when something changed or the heartbeat is due; feeds the watchdog.
    pub async fn run(
        self: Arc<Self>,
        status: watch::Sender<Status>,
        vitals: watch::Sender<Vitals>,
        cancel: CancellationToken,
    ) {
        let mut tick = interval(EVERY);
        let (mut watchdog, mut rates) = (Watchdog::default(), Rates::default());
        let mut rounds = 0;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = tick.tick() => {}
            }
            let now = self.look(&mut watchdog, &mut rates).await;
            let told = telling(&status.borrow());
            let next = self.status(&now);
            rounds += 1;
            if rounds >= HEARTBEAT_ROUNDS || telling(&next) != told {
                rounds = 0;
                // Nobody listens on a box that is not enrolled.
                let _ = status.send(next);
            }
            let moves = now.stuck.is_empty() && !watchdog.outbox_stuck(self.clock.uptime_ms());
            let _ = vitals.send(now);
            if moves {
                // Fails only where no service manager listens.
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
            }
        }
    }

    async fn look(&self, watchdog: &mut Watchdog, rates: &mut Rates) -> Vitals {
        let present = self.floor.present();
        let uptime_ms = self.clock.uptime_ms();
        let disk_free_bytes = crate::outbox::free_bytes(self.outbox.evidence_dir()).unwrap_or(0);
        let (outbox, mut troubles) = match self.outbox.stats().await {
            Ok(stats) => {
                watchdog.outbox_answers(self.clock.uptime_ms());
                (stats, Vec::new())
            }
            Err(error) => (Stats::default(), vec![format!("outbox: {error}")]),
        };
        troubles.extend(self.storing_troubles(disk_free_bytes));
        troubles.extend(self.delivery_troubles(&outbox));
        let stuck = watchdog.stuck(present.cameras.iter().map(beat).collect(), uptime_ms);
        troubles.extend(stuck.iter().map(|id| format!("camera {id}: its analysis does not move")));
        let calls = present.calls.as_ref().map(|tap| tap.health());
        troubles.extend(
            calls.iter().flat_map(|calls| calls.troubles.values()).map(|why| format!("calls: {why}")),
        );
        let detector = present.detector.as_ref().map(|station| station.health());
        let models = present.detector.as_ref().map(|station| rates.models(station.models(), uptime_ms));
        let pose = present.detector.as_ref().map_or(PoseHealth::Unwanted, |station| station.pose());
        let at_work = present.detector.as_ref().map(|station| station.at_work()).unwrap_or_default();
        let rules = method_of_each(&present, &at_work, &pose);
        let cameras: Vec<_> = present.cameras.values().map(camera_health).collect();
        let mut notices = self.notices(&outbox).await;
        notices.extend(at_rest(&rules));
        if let PoseHealth::Fails { reason } = &pose {
            notices.push(format!("pose: {reason}; falls are told without it"));
        }
        if let PoseHealth::Works { name, note: Some(note) } = &pose {
            notices.push(format!("pose: {name} {note}"));
        }
        notices.extend(present.file_notice.clone());
        let kept = present.calls.as_ref().and_then(|tap| tap.callback_trouble());
        notices.extend(kept.map(|why| format!("calls: no callback numbers are kept: {why}")));
        notices.extend(cameras.iter().filter_map(|camera| {
            camera.notice.as_ref().map(|notice| format!("camera {}: {notice}", camera.camera_id))
        }));
        Vitals {
            uptime_ms,
            clock_synced: clock_synced(),
            configuration_version: present.config.version,
            cameras,
            seen: present.cameras.values().map(seen).collect(),
            rules,
            detector,
            models: models.unwrap_or_default(),
            detector_stats: present.detector.as_ref().map(|station| station.stats()).unwrap_or_default(),
            analysis_share: present.detector.as_ref().map_or(1.0, |station| station.pace().share()),
            calls,
            notices,
            outbox,
            disk_free_bytes,
            troubles,
            stuck,
        }
    }

    fn storing_troubles(&self, disk_free_bytes: u64) -> Vec<String> {
        let counters = self.outbox.counters();
        let mut troubles = Vec::new();
        if counters.overfull.load(Ordering::Relaxed) {
            troubles.push("outbox: beyond its bound; is the hub gone for long?".to_owned());
        }
        if counters.disk_full.load(Ordering::Relaxed) {
            troubles.push("disk: full; incidents are written into its last reserve".to_owned());
        }
        if disk_free_bytes < self.disk_reserve_bytes {
            troubles.push(format!("disk: {} MiB free", disk_free_bytes >> 20));
        }
        troubles
    }

    fn delivery_troubles(&self, outbox: &Stats) -> Vec<String> {
        let mut troubles = Vec::new();
        if !self.enrolled {
            troubles.push("hub: this box is not enrolled".to_owned());
        } else if !self.uplink.connected.load(Ordering::Relaxed) {
            let why = self.uplink.last_error.get().unwrap_or_else(|| "connecting".to_owned());
            troubles.push(format!("hub: {why}"));
        } else if outbox.oldest_ms > UNCONFIRMED_MS {
            let minutes = outbox.oldest_ms / 60_000;
            troubles.push(format!(
                "outbox: the broker is there, but a message has waited {minutes} minutes for the hub's receipt"
            ));
        }
        if outbox.uploads_waiting > 0
            && let Some(why) = self.upload.last_error.get()
        {
            troubles.push(format!("evidence: {why}"));
        }
        troubles
    }

    /// What does not keep the box from working, and is not mended by waiting.
    async fn notices(&self, outbox: &Stats) -> Vec<String> {
        let mut notices = Vec::new();
        if outbox.rejected_rows > 0 {
            let newest = self.outbox.rejected(1).await.unwrap_or_default();
            let newest = newest.first().map(|r| format!("; the newest was {}: {}", r.outcome, r.reason));
            notices.push(format!(
                "outbox: {} messages were not taken by the hub and are kept here{}",
                outbox.rejected_rows,
                newest.unwrap_or_default()
            ));
        }
        let lost = self.outbox.counters().dropped_files.load(Ordering::Relaxed);
        if lost > 0 {
            notices
                .push(format!("evidence: {lost} files were lost since the start; the hub was told of each"));
        }
        notices
    }
}

/// What of a status is worth telling at once.
fn telling(status: &Status) -> String {
    let cameras: Vec<_> = status.cameras.iter().map(|c| (&c.camera_id, c.state, &c.notice)).collect();
    let calls = status.calls.as_ref().map(|calls| &calls.troubles);
    let models: Vec<_> = status.models.iter().map(|m| (&m.wanted, &m.at_work, &m.reason)).collect();
    format!(
        "{cameras:?} {:?} {:?} {} {} {} {calls:?} {models:?}",
        status.detector,
        status.speech_model,
        status.active_calls,
        status.configuration_version,
        status.rejected_rows
    )
}

fn call_tap(health: &CallHealth) -> CallTapHealth {
    CallTapHealth {
        voice_detector: health.vad.to_owned(),
        transcripts_waiting: health.transcripts_waiting,
        calls_filed: health.calls_filed_total,
        refused: health.refused_total,
        announcements_dropped: health.announcements_dropped_total,
        troubles: health.troubles.values().cloned().collect(),
    }
}

fn camera_health(post: &Post) -> CameraHealth {
    let mut health = post.camera.health();
    health.frames_dropped += post.detector.skipped();
    health
}

fn beat((id, post): (&CameraId, &Post)) -> Beat {
    let count = post.beat.load(Ordering::Relaxed);
    Beat { camera_id: id.clone(), count, ended: post.camera.view().has_ended() }
}

fn seen(post: &Post) -> Seen {
    Seen {
        camera_id: post.camera.id().clone(),
        frames: post.camera.counted(),
        decoder: post.camera.decoder(),
        analyses_other: post.camera.config().sub_url.is_some() && post.camera.analysed() == Role::Main,
        analysed: post.analysed.load(Ordering::Relaxed),
        inferred: post.detector.detected(),
        skipped: post.detector.skipped(),
    }
}
