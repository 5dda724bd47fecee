//! Station 6: the outbox. One transaction writes an incident's revision with its file rows; only the hub's
//! receipt takes it out again.
//!
//! Invariants
//! - What [`Outbox::append`] returned `Ok` for survives a power cut (WAL, `synchronous=FULL`).
//! - A message leaves on a receipt only ([`Outbox::settle`]); refused and quarantined ones are kept as rejected.
//! - Bounded: when messages are too many, `updated` revisions that a later waiting one replaces go first, named
//!   in a tombstone. An incident's opening, its newest revision and an answer are never dropped, even beyond
//!   the bound ([`Stats`] tells, health cries). Files go in the order of [`quota`], each with a tombstone, unless
//!   the hub already holds them.
//! - A full disk is met by giving up a reserve file, so that incidents go on being written and receipts settled.
//! - (boot, sequence) counts without holes from 1: the number is taken inside the same transaction.
//! - Ages are counted by [`reckoning`], never by the wall clock: a clock that is set deletes nothing and keeps nothing.
//!
//! Absent on purpose: sending state. When to send again is the uplink's, in memory; after a restart all is due.

mod config;
mod deliver;
mod keep;
mod open;
mod peek;
mod quota;
mod reckoning;
mod reconcile;
mod reserve;
mod store;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use protocol::{BootId, Chance, Clock, EnvelopeError, Evidence, Origin, UtcMs};
use sqlx::sqlite::SqlitePool;
use tokio::sync::Notify;

pub use config::OutboxConfig;
pub use keep::{Kept, free_bytes};
pub use open::{OpenError, Opened};
pub use peek::{Glimpse, peek};
use reckoning::{Moment, Reckoning};

#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Kept as rejected, with a tombstone for the hub.
    #[error("the message was kept on the box but cannot be sent: {0}")]
    Unsendable(#[source] EnvelopeError),
    #[error("writing the outbox: {0}")]
    Store(#[from] sqlx::Error),
}

impl OutboxError {
    /// Whether the outbox was closed: nothing more will be written by this run.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Store(sqlx::Error::PoolClosed))
    }
}

/// Who speaks, and how this run stamps what it says.
#[derive(Clone, Debug)]
pub struct Voice {
    pub origin: Origin,
    pub boot: BootId,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<Chance>,
    /// Whether the machine's clock is disciplined now.
    pub clock_synced: fn() -> bool,
}

/// A place in sending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    priority: i64,
    position: i64,
}

/// A file to be uploaded.
#[derive(Clone, Debug)]
pub struct Upload {
    pub evidence: Evidence,
    pub path: PathBuf,
    /// Where an upload that was begun goes on.
    pub upload_url: Option<String>,
    pub attempts: u32,
}

/// What receipts did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub released: u64,
    pub rejected: u64,
    /// Receipts for messages that were gone already.
    pub unknown: u64,
}

/// A message that the hub did not take, or that could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub message_id: String,
    /// `quarantined`, `refused` or `unsendable`.
    pub outcome: String,
    pub reason: String,
    /// By the box's clock of that moment.
    pub at: UtcMs,
}

/// How full it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub rows: u64,
    pub bytes: u64,
    /// Age of the oldest message; 0 when none waits.
    pub oldest_ms: u64,
    pub uploads_waiting: u64,
    pub evidence_files: u64,
    pub evidence_bytes: u64,
    pub rejected_rows: u64,
}

/// What happened since the start, for metrics.
#[derive(Debug, Default)]
pub struct Counters {
    pub appended: AtomicU64,
    pub released: AtomicU64,
    pub rejected: AtomicU64,
    pub dropped_revisions: AtomicU64,
    pub dropped_files: AtomicU64,
    pub failures: AtomicU64,
    /// The last append found the outbox beyond its bound, with nothing that may be dropped.
    pub overfull: AtomicBool,
    /// The disk was full and has not had room for the reserve since.
    pub disk_full: AtomicBool,
}

/// The outbox of one box. Clones share it.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: SqlitePool,
    config: OutboxConfig,
    voice: Voice,
    /// Where evidence files live: `<data>/evidence`.
    folder: PathBuf,
    /// Where the call tap keeps what it recorded: `<data>/recordings`.
    recordings: PathBuf,
    /// The cameras' continuous recording.
    continuous: PathBuf,
    reckoning: Reckoning,
    reserve: reserve::Reserve,
    counters: Counters,
    messages: Notify,
    uploads: Notify,
}

impl Outbox {
    /// Opens `<data_dir>/outbox.sqlite`, made afresh when absent or damaged (the damaged file is kept).
    pub async fn open(
        data_dir: &Path,
        config: OutboxConfig,
        voice: Voice,
    ) -> Result<(Self, Opened), OpenError> {
        open::open(data_dir, config, voice).await
    }

    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Where files of evidence belong.
    pub fn evidence_dir(&self) -> &Path {
        &self.0.folder
    }

    pub fn boot(&self) -> BootId {
        self.0.voice.boot
    }

    pub fn origin(&self) -> &Origin {
        &self.0.voice.origin
    }

    /// Whether the wall clock is disciplined now.
    pub fn is_clock_trusted(&self) -> bool {
        (self.0.voice.clock_synced)()
    }

    /// Periodic: retention, disk reserve, files without row, rows without file. Safe to run at any time.
    pub async fn keep_house(&self) -> Result<Kept, OutboxError> {
        keep::keep_house(self).await
    }

    pub async fn stats(&self) -> Result<Stats, OutboxError> {
        let now = self.0.now();
        let mut db = self.0.pool.acquire().await?;
        Ok(store::stats(&mut db, now).await?)
    }

    /// Waits until something was appended.
    pub async fn message_appended(&self) {
        self.0.messages.notified().await;
    }

    /// Waits until a file may have become ready.
    pub async fn upload_ready(&self) {
        self.0.uploads.notified().await;
    }

    /// Closes the database: what follows fails.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Inner {
    /// Reckoned time: what ages and waits are counted by.
    fn now(&self) -> UtcMs {
        self.reckoning.now(self.voice.clock.uptime_ms())
    }

    fn moment(&self) -> Moment {
        self.voice.moment()
    }
}

impl Voice {
    fn moment(&self) -> Moment {
        Moment { uptime_ms: self.clock.uptime_ms(), wall: self.clock.now(), synced: (self.clock_synced)() }
    }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
