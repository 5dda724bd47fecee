//! The call tap: telephone audio becomes recordings and hotline incidents.
//!
//! The exchange brings each leg by AudioSocket ([`asterisk`]), WebSocket ([`freeswitch`]), SIPREC ([`siprec`]) or as a
//! client of a recogniser ([`clients`]: Vosk, FunASR) and tells who it is; finished recordings come as files
//! ([`inbox`]). Whatever brings them, legs are bounded in one place ([`tap`]), given to who listens live ([`live`]), written to disk as they come ([`leg`]), joined into a call
//! ([`registry`]), and filed as one recording and one incident when the call ends ([`filing`]); its transcript is a
//! later revision ([`reconcile`]). Every finished call is filed, dropped and empty ones too, and once only, whenever
//! the box is killed.
//!
//! Deliberately absent: the caller's number in clear ([`caller`]), pressed keys, voice prints.

pub mod archive;
pub mod audiosocket;
pub mod caller;
pub mod record;
pub mod siprec;
pub mod speech;

mod api;
mod asterisk;
mod bleep;
mod clients;
mod config;
mod corrections;
mod filing;
mod freeswitch;
mod handshake;
mod health;
mod inbox;
mod ledger;
mod leg;
mod listener;
mod live;
mod ports;
mod raising;
mod reconcile;
mod redact;
mod registry;
mod release;
mod sweep;
mod tap;
#[cfg(test)]
mod tests;
mod timeline;
mod transcripts;
mod vad;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use protocol::{CallId, Chance, Clock, LiveCall};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use api::{ActiveCall, ActiveLeg};
pub use config::CallConfig;
pub use health::{CallHealth, Cause};
pub use release::Release;
pub use vad::{Method, Span, Vad};

use crate::contact::HubKey;
use crate::report::Handover;
use crate::screen::Screener;
use crate::screen::gazetteer::Gazetteer;
use archive::Archive;
use caller::Sealer;
use corrections::Corrections;
use ledger::Ledger;
use leg::FinishedLeg;
use live::Live;
use registry::{Announcement, Registry, TapId};
use speech::Refusals;

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
    pub reports: mpsc::Sender<Handover>,
    /// With less free space than this no further leg is taken: what the box knows already comes first.
    pub disk_reserve_bytes: u64,
    /// To which numbers of callers are sealed.
    pub hub_key: Arc<HubKey>,
    /// Where calls that begin and end, and their words, are told at once; what nobody takes is dropped, and counted.
    pub live: mpsc::Sender<LiveCall>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    refused: AtomicU64,
    words_refused: AtomicU64,
    filed: AtomicU64,
    live_dropped: AtomicU64,
    recordings_rejected: AtomicU64,
    alarms: AtomicU64,
    alarms_late: AtomicU64,
}

/// The call tap of a box.
#[derive(Debug)]
pub struct CallTap {
    config: CallConfig,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    /// Uptimes of legs can be compared within one run only.
    run: Uuid,
    disk_reserve_bytes: u64,
    ledger: Ledger,
    method: Method,
    model_dirs: Vec<PathBuf>,
    program: PathBuf,
    reports: mpsc::Sender<Handover>,
    live: mpsc::Sender<LiveCall>,
    live_words: Arc<Live>,
    refusals: Refusals,
    sealer: Arc<Sealer>,
    screener: Screener,
    corrections: Corrections,
    raise: raising::Sender,
    /// Taken by the task that writes alarms.
    raises: Mutex<Option<raising::Receiver>>,
    /// It is known whether a speech model is installed.
    looked_for_models: AtomicBool,
    uploads: Semaphore,
    registry: Mutex<Registry>,
    /// File names of legs that are being written or wait for their call to end. Known here before their file is.
    live_legs: Mutex<HashMap<TapId, String>>,
    finished: Mutex<BTreeMap<TapId, FinishedLeg>>,
    status: Mutex<CallHealth>,
    counters: Counters,
}

/// A poisoned lock holds whole values here: every change under it is one assignment or one map operation.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CallTap {
    pub fn new(config: CallConfig, deps: Deps) -> anyhow::Result<Arc<Self>> {
        let method = deps.silero.map_or(Method::Earshot, Method::Silero);
        let (raise, raises) = mpsc::channel(raising::MAX_WAITING);
        let read = config.gazetteer.as_deref().map_or(Ok(Gazetteer::default()), Gazetteer::load);
        let (gazetteer, unread) = match read {
            Ok(gazetteer) => (gazetteer, None),
            // Calls are taken all the same: a place without its grid is still a place.
            Err(error) => (Gazetteer::default(), Some(format!("no place is known by its grid: {error}"))),
        };
        let archive = Archive::open(&deps.data_dir)?;
        let screener = Screener::new(gazetteer);
        let corrections = Corrections::open(archive.calls(), &screener);
        let sealer = Sealer::new(config.contact, deps.hub_key, Arc::clone(&deps.chance));
        let tap = Arc::new(Self {
            sealer: Arc::new(sealer),
            ledger: Ledger::new(archive),
            status: Mutex::new(CallHealth { vad: method.name(), ..CallHealth::default() }),
            config,
            run: deps.chance.uuid_v7(deps.clock.now()),
            disk_reserve_bytes: deps.disk_reserve_bytes,
            clock: deps.clock,
            chance: deps.chance,
            method,
            model_dirs: deps.model_dirs,
            program: deps.program,
            reports: deps.reports,
            live: deps.live,
            live_words: Arc::default(),
            refusals: Refusals::default(),
            screener,
            corrections,
            raise,
            raises: Mutex::new(Some(raises)),
            looked_for_models: AtomicBool::new(false),
            uploads: Semaphore::new(inbox::MAX_UPLOADS),
            registry: Mutex::default(),
            live_legs: Mutex::default(),
            finished: Mutex::default(),
            counters: Counters::default(),
        });
        tap.trouble(Cause::Gazetteer, unread);
        Ok(tap)
    }

    fn word_refused(&self) {
        self.counters.words_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// An operator tagged a call otherwise than this box had offered; with neither tag the box's own offer was right after
    /// all. Errors are for people: the call is not known any more, or nothing was said.
    pub async fn correct(
        self: &Arc<Self>,
        call_id: CallId,
        category: Option<String>,
        matter: Option<String>,
    ) -> anyhow::Result<()> {
        let tap = Arc::clone(self);
        listener::blocking(move || {
            // A correction is taken back also when its call's words are gone.
            let said = match (&category, &matter) {
                (None, None) => String::new(),
                _ => {
                    anyhow::ensure!(
                        tap.ledger.is_loaded(),
                        "the calls of this box are still being read from its disk"
                    );
                    tap.ledger.said(call_id).context("this box holds no words of that call any more")?
                }
            };
            tap.corrections.put(&tap.screener, call_id, &said, (category, matter), tap.clock.now())
        })
        .await
    }

    /// The exchange's HTTP routes, for a listener with `ConnectInfo<SocketAddr>`.
    pub fn router(self: &Arc<Self>) -> Router {
        api::router(Arc::clone(self))
    }

    /// Listens and files until cancelled. Then every leg is closed, every call filed and handed over.
    pub async fn run(self: Arc<Self>, cancel: CancellationToken) -> anyhow::Result<()> {
        let ran = Arc::clone(&self).run_all(cancel).await;
        if let Err(error) = &ran {
            self.trouble(Cause::Tap, Some(format!("the call tap has stopped: {error:#}")));
        }
        ran
    }

    async fn run_all(self: Arc<Self>, cancel: CancellationToken) -> anyhow::Result<()> {
        // What the last run left behind is filed before anything new comes.
        self.recover().await;
        let legs = tokio::spawn(Arc::clone(&self).listen(cancel.clone()));
        let websocket = tokio::spawn(Arc::clone(&self).listen_websocket(cancel.clone()));
        let clients = tokio::spawn(clients::run(Arc::clone(&self), cancel.clone()));
        let api = tokio::spawn(Arc::clone(&self).listen_api(cancel.clone()));
        let siprec = tokio::spawn(siprec::run(Arc::clone(&self), cancel.clone()));
        let inbox = tokio::spawn(inbox::run(Arc::clone(&self), cancel.clone()));
        let filing = tokio::spawn(Arc::clone(&self).sweep(cancel.clone()));
        let handover = tokio::spawn(reconcile::run(Arc::clone(&self), cancel.clone()));
        let transcripts = tokio::spawn(transcripts::run(Arc::clone(&self), cancel.clone()));
        // Both go on to the end of the last leg.
        let (deaf, told) = (CancellationToken::new(), CancellationToken::new());
        let words = tokio::spawn(live::keeper::run(Arc::clone(&self), deaf.clone()));
        let raising = tokio::spawn(raising::run(Arc::clone(&self), told.clone()));
        let (deaf, told) = (deaf.drop_guard(), told.drop_guard());
        // Tens of thousands of records take a while; calls are taken meanwhile.
        let tap = Arc::clone(&self);
        let _ = listener::blocking(move || {
            tap.ledger.load();
            Ok(())
        })
        .await;
        legs.await.context("the AudioSocket listener failed")?;
        websocket.await.context("the WebSocket listener failed")?;
        clients.await.context("the listeners for Vosk and FunASR failed")?;
        api.await.context("the call API failed")?;
        siprec.await.context("the SIPREC server failed")?;
        inbox.await.context("the inbox failed")?;
        filing.await.context("the filing of calls failed")?;
        // The last legs ended after the sweep saw the signal at the latest; nobody waits for a transfer now.
        self.file_ended(0).await;
        drop(deaf);
        words.await.context("the words of running calls failed")?;
        drop(told);
        raising.await.context("the alarms of running calls failed")?;
        transcripts.await.context("the transcription of calls failed")?;
        handover.await.context("the hand-over of calls failed")?;
        reconcile::hand_over(&self).await;
        Ok(())
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
        age_ms > self.config.max_call_ms()
    }

    /// For who watches now; nothing waits for it. Whether there was room.
    fn tell_live(&self, word: LiveCall) -> bool {
        let told = self.live.try_send(word).is_ok();
        if !told {
            self.counters.live_dropped.fetch_add(1, Ordering::Relaxed);
        }
        told
    }
}
