//! The call tap: telephone audio becomes recordings and hotline incidents.
//!
//! The exchange connects each leg by AudioSocket and tells by HTTP who it is. Legs are written to disk as they come
//! ([`leg`]), joined into a call ([`registry`]), and filed as one recording and one incident when the call ends
//! ([`filing`]); its transcript is a later revision ([`reconcile`]). Every finished call is filed, dropped and empty
//! ones too, and once only, whenever the box is killed.
//!
//! Deliberately absent: the caller's unmasked number, pressed keys, voice prints.

pub mod archive;
pub mod audiosocket;
pub mod caller;
pub mod speech;

mod api;
mod config;
mod filing;
mod leg;
mod listener;
mod reconcile;
mod registry;
mod timeline;
mod vad;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use protocol::{CallId, Chance, Clock, LiveCall};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use api::{ActiveCall, ActiveLeg};
pub use config::CallConfig;
pub use vad::{Method, Span, Vad};

use crate::report::{EvidenceFile, Report};
use archive::Archive;
use leg::FinishedLeg;
use registry::{Announcement, Registry, TapId};

/// How often ended calls are looked for.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// How often legs and transcripts left behind are looked for.
const RECONCILE_EVERY: Duration = Duration::from_secs(60);

/// What the tap needs from the box.
#[derive(Debug)]
pub struct Deps {
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<Chance>,
    /// Holds `calls/` and `recordings/`.
    pub data_dir: PathBuf,
    /// Verified `silero_vad.onnx`; `None` = `earshot` listens.
    pub silero: Option<PathBuf>,
    /// Folders whose subfolders may hold a speech model, first come first served.
    pub model_dirs: Vec<PathBuf>,
    /// This program, which transcribes as `PROGRAM transcribe …` in a process of its own: a damaged model may
    /// end that process, never the box.
    pub program: PathBuf,
    pub reports: mpsc::Sender<Report>,
    /// Calls as they run; full = dropped and counted, nothing depends on it.
    pub live: Option<mpsc::Sender<LiveCall>>,
}

/// How the tap is, for heartbeat, `/metrics` and `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CallHealth {
    /// Where AudioSocket listens; `None` while it cannot, see `trouble`.
    pub listening: Option<SocketAddr>,
    pub api_listening: Option<SocketAddr>,
    pub active_calls: u32,
    /// `silero` or `earshot`.
    pub vad: &'static str,
    /// Name of the speech model in use; `None` = calls wait for one, `speech_trouble` may say why.
    pub speech_model: Option<String>,
    pub speech_trouble: Option<String>,
    /// Calls filed that wait for their transcript.
    pub transcripts_waiting: u64,
    pub calls_filed_total: u64,
    /// Connections turned away: strangers, too many calls, wrong peers.
    pub refused_total: u64,
    pub live_dropped_total: u64,
    pub announcements_dropped_total: u64,
    pub trouble: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    refused: AtomicU64,
    filed: AtomicU64,
    live_dropped: AtomicU64,
}

/// The call tap of a box.
#[derive(Debug)]
pub struct CallTap {
    config: CallConfig,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    archive: Archive,
    method: Method,
    model_dirs: Vec<PathBuf>,
    program: PathBuf,
    reports: mpsc::Sender<Report>,
    live: Option<mpsc::Sender<LiveCall>>,
    registry: Mutex<Registry>,
    /// File names of legs that are being written or wait for their call to end.
    live_legs: Mutex<HashMap<TapId, String>>,
    finished: Mutex<BTreeMap<TapId, FinishedLeg>>,
    status: Mutex<CallHealth>,
    counters: Counters,
    /// A call was filed.
    filed: Notify,
}

/// A poisoned lock holds whole values here: every change under it is one assignment or one map operation.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CallTap {
    pub fn new(config: CallConfig, deps: Deps) -> anyhow::Result<Arc<Self>> {
        let method = deps.silero.map_or(Method::Earshot, Method::Silero);
        Ok(Arc::new(Self {
            archive: Archive::open(&deps.data_dir)?,
            status: Mutex::new(CallHealth { vad: method.name(), ..CallHealth::default() }),
            config,
            clock: deps.clock,
            chance: deps.chance,
            method,
            model_dirs: deps.model_dirs,
            program: deps.program,
            reports: deps.reports,
            live: deps.live,
            registry: Mutex::default(),
            live_legs: Mutex::default(),
            finished: Mutex::default(),
            counters: Counters::default(),
            filed: Notify::new(),
        }))
    }

    pub fn health(&self) -> CallHealth {
        let registry = lock(&self.registry);
        CallHealth {
            active_calls: registry.calls().len() as u32,
            announcements_dropped_total: registry.announcements_dropped,
            calls_filed_total: self.counters.filed.load(Ordering::Relaxed),
            refused_total: self.counters.refused.load(Ordering::Relaxed),
            live_dropped_total: self.counters.live_dropped.load(Ordering::Relaxed),
            ..lock(&self.status).clone()
        }
    }

    /// The exchange's HTTP routes, for a listener with `ConnectInfo<SocketAddr>`.
    pub fn router(self: &Arc<Self>) -> Router {
        api::router(Arc::clone(self))
    }

    /// Listens and files until cancelled. Then every leg is closed, every call filed and handed over.
    pub async fn run(self: Arc<Self>, cancel: CancellationToken) -> anyhow::Result<()> {
        // What the last run left behind is filed before anything new comes.
        self.recover().await;
        let legs = tokio::spawn(Arc::clone(&self).listen(cancel.clone()));
        let api = tokio::spawn(Arc::clone(&self).listen_api(cancel.clone()));
        let filing = tokio::spawn(Arc::clone(&self).sweep(cancel.clone()));
        let transcripts = tokio::spawn(reconcile::run(Arc::clone(&self), cancel.clone()));
        legs.await.context("the AudioSocket listener failed")?;
        api.await.context("the call API failed")?;
        filing.await.context("the filing of calls failed")?;
        // The last legs ended after the sweep saw the signal at the latest; nobody waits for a transfer now.
        self.file_ended(0).await;
        let sent = transcripts.await.context("the transcription of calls failed")?;
        reconcile::hand_over(&self, sent).await;
        Ok(())
    }

    async fn listen(self: Arc<Self>, cancel: CancellationToken) {
        let address = self.config.audiosocket_listen;
        let Some(listener) = self.bind(address, &cancel).await else { return };
        lock(&self.status).listening = listener.local_addr().ok();
        tracing::info!(%address, vad = self.method.name(), "waiting for calls by AudioSocket");
        listener::serve(self, listener, cancel).await;
    }

    async fn listen_api(self: Arc<Self>, cancel: CancellationToken) {
        let Some(listener) = self.bind(self.config.api_listen, &cancel).await else { return };
        lock(&self.status).api_listening = listener.local_addr().ok();
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service).with_graceful_shutdown(cancel.clone().cancelled_owned());
        tokio::select! {
            served = served => if let Err(error) = served {
                tracing::error!(%error, "the call API stopped");
            },
            // Open requests are short; a peer that keeps its connection must not hold the box.
            () = async { cancel.cancelled().await; sleep(Duration::from_secs(1)).await } => {}
        }
    }

    /// Tries until the port is ours: a box boots before its network does.
    async fn bind(&self, address: SocketAddr, cancel: &CancellationToken) -> Option<TcpListener> {
        let mut wait = Duration::from_millis(250);
        loop {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    lock(&self.status).trouble = None;
                    return Some(listener);
                }
                Err(error) => {
                    let words = format!("cannot listen at {address}: {error}; is another program there?");
                    tracing::error!("{words}");
                    lock(&self.status).trouble = Some(words);
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return None,
                () = sleep(wait) => wait = (wait * 2).min(Duration::from_secs(15)),
            }
        }
    }

    async fn sweep(self: Arc<Self>, cancel: CancellationToken) {
        let mut next_recovery = tokio::time::Instant::now() + RECONCILE_EVERY;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(SWEEP_EVERY) => {}
            }
            self.file_ended(self.config.join_grace_ms).await;
            if tokio::time::Instant::now() >= next_recovery {
                next_recovery += RECONCILE_EVERY;
                self.recover().await;
            }
        }
    }

    async fn file_ended(self: &Arc<Self>, grace_ms: u64) {
        let over = lock(&self.registry).take_ended(grace_ms, self.clock.uptime_ms());
        for (call_id, call) in over {
            let mut legs = Vec::new();
            for (id, tap) in &call {
                // A tap without a finished leg lost its recorder: the next recovery files what it wrote.
                if let Some(mut leg) = lock(&self.finished).remove(id) {
                    leg.state.announced = tap.announced.clone();
                    legs.push(leg);
                }
            }
            if !legs.is_empty() {
                self.file(call_id, legs).await;
            }
            let mut live = lock(&self.live_legs);
            for (id, _) in &call {
                live.remove(id);
            }
            drop(live);
            self.send_live(LiveCall::Ended { call_id, at: self.clock.now() });
        }
    }

    /// Files the legs that no running connection owns: after a crash, or when filing failed before.
    async fn recover(self: &Arc<Self>) {
        let live: Vec<String> = lock(&self.live_legs).values().cloned().collect();
        let (folder, method) = (self.archive.legs(), self.method.clone());
        let left = listener::blocking(move || Ok(leg::recover(&folder, &live, &method))).await;
        let mut calls: BTreeMap<CallId, Vec<FinishedLeg>> = BTreeMap::new();
        for leg in left.unwrap_or_default() {
            calls.entry(leg.state.tap().call_id()).or_default().push(leg);
        }
        for (call_id, legs) in calls {
            tracing::warn!(%call_id, legs = legs.len(), "filing a call that was left unfinished");
            self.file(call_id, legs).await;
        }
    }

    async fn file(self: &Arc<Self>, call_id: CallId, legs: Vec<FinishedLeg>) {
        let tap = Arc::clone(self);
        let now = self.clock.now();
        let filed =
            listener::blocking(move || filing::file(&tap.archive, &tap.config, call_id, legs, now)).await;
        match filed {
            Ok(Some(record)) => {
                self.counters.filed.fetch_add(1, Ordering::Relaxed);
                tracing::info!(%call_id, incident = %record.incident.incident_id, "call filed");
                self.filed.notify_one();
            }
            Ok(None) => {}
            Err(error) => {
                let words =
                    format!("call {call_id} cannot be filed yet, trying again every minute: {error:#}");
                tracing::error!("{words}");
                lock(&self.status).trouble = Some(words);
            }
        }
    }

    fn active_calls(&self) -> Vec<ActiveCall> {
        let now_ms = self.clock.uptime_ms();
        let describe = |(call_id, call): (CallId, registry::Call)| ActiveCall {
            call_id,
            caller_masked: call.iter().find_map(|(_, t)| t.announced.caller_masked.clone()),
            seat: call.iter().find_map(|(_, t)| t.announced.seat.clone()),
            duration_ms: now_ms.saturating_sub(call.iter().map(|(_, t)| t.opened_ms).min().unwrap_or(now_ms)),
            legs: call
                .iter()
                .map(|(_, t)| ActiveLeg { uuid: t.socket, leg: t.leg(), connected: t.closed_ms.is_none() })
                .collect(),
        };
        lock(&self.registry).calls().into_iter().map(describe).collect()
    }

    fn announced(&self, tap: TapId) -> Option<Announcement> {
        lock(&self.registry).get(tap).map(|t| t.announced.clone())
    }

    /// Whether the call of this leg has reached the longest a call may be.
    fn is_too_long(&self, tap: TapId) -> bool {
        let registry = lock(&self.registry);
        let Some(call_id) = registry.get(tap).map(registry::Tap::call_id) else { return true };
        let calls = registry.calls();
        let began = calls.get(&call_id).and_then(|call| call.iter().map(|(_, t)| t.opened_ms).min());
        let age_ms = self.clock.uptime_ms().saturating_sub(began.unwrap_or(u64::MAX));
        age_ms > self.config.max_call_minutes * 60_000
    }

    fn tell_live(&self, tap: TapId, make: impl FnOnce(CallId, Option<String>) -> LiveCall) {
        let told = lock(&self.registry).get(tap).map(|t| (t.call_id(), t.announced.seat.clone()));
        if let Some((call_id, seat)) = told {
            self.send_live(make(call_id, seat));
        }
    }

    fn send_live(&self, word: LiveCall) {
        if let Some(live) = &self.live
            && live.try_send(word).is_err()
        {
            self.counters.live_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The recording of a call and its description, for the named user who asks for it.
pub fn recording(data_dir: &Path, call_id: CallId) -> anyhow::Result<Option<EvidenceFile>> {
    let archive = Archive::open(data_dir)?;
    let Some(record) = archive.find(call_id) else { return Ok(None) };
    Ok(reconcile::files_of(&archive, &record).pop().filter(|file| file.path.exists()))
}
