//! Station 6: the outbox. One transaction writes an incident's revision with its file rows; only the hub's
//! receipt takes it out again.
//!
//! Invariants
//! - What [`Outbox::append`] returned `Ok` for survives a power cut (WAL, `synchronous=FULL`).
//! - A message leaves on a receipt only ([`Outbox::settle`]); refused and quarantined ones are kept as rejected.
//! - Bounded: when messages are too many, `updated` revisions that a later waiting one replaces go first, named
//!   in a tombstone. An incident's opening, its newest revision and an answer are never dropped, even beyond
//!   the bound ([`Stats`] tells, health cries). Files go by severity and kind, each with a tombstone, unless
//!   the hub already holds them.
//! - (boot, sequence) counts without holes from 1: the number is taken inside the same transaction.
//!
//! Absent on purpose: sending state. When to send again is the uplink's, in memory; after a restart all is due.

mod keep;
mod open;
mod reserve;
mod store;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use protocol::envelope::Stamp;
use protocol::{
    Answer, BootId, CallId, Chance, Clock, CommandId, Delivery, Envelope, EnvelopeError, Event, Evidence,
    EvidenceKind, Incident, IncidentId, MessageId, Origin, Phase, Receipt, ReceiptOutcome, Severity, Subject,
    Tombstone, UtcMs,
};
use serde::Deserialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;
use tokio::sync::Notify;

use crate::report::{EvidenceFile, Report, missing_files};

pub use keep::{Kept, free_bytes};
pub use open::{OpenError, Opened};

/// `[outbox]`: how much the box keeps while it cannot deliver.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxConfig {
    /// Messages that wait for a receipt.
    pub max_rows: u64,
    /// Their size.
    pub max_bytes: u64,
    /// Files of evidence on this box.
    pub evidence_max_bytes: u64,
    /// Disk space that evidence leaves free, for incidents to be written into.
    pub disk_reserve_bytes: u64,
    /// Hours that an uploaded file stays here.
    pub keep_uploaded_h: u32,
    /// Days that a recording waits for somebody to ask for it.
    pub keep_on_request_days: u32,
    /// Days that refused messages stay visible here.
    pub keep_rejected_days: u32,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            max_rows: 100_000,
            max_bytes: 256 << 20,
            evidence_max_bytes: 20 << 30,
            disk_reserve_bytes: 512 << 20,
            keep_uploaded_h: 24,
            keep_on_request_days: 30,
            keep_rejected_days: 30,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Kept as rejected, with a tombstone for the hub.
    #[error("the message was kept on the box but cannot be sent: {0}")]
    Unsendable(#[source] EnvelopeError),
    #[error("writing the outbox: {0}")]
    Store(#[from] sqlx::Error),
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

/// How full it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub rows: u64,
    pub bytes: u64,
    pub oldest_at: Option<UtcMs>,
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
    /// The last append found the outbox beyond its bound or the disk full.
    pub overfull: AtomicBool,
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
    reserve: reserve::Reserve,
    counters: Counters,
    messages: Notify,
    uploads: Notify,
}

/// What a message is about, for its row.
struct About<'a> {
    event: Event,
    incident: Option<(IncidentId, Option<u32>)>,
    call_id: Option<CallId>,
    phase: Option<&'static str>,
    priority: u8,
    files: &'a [EvidenceFile],
    /// Nothing more follows of its incident: it needs no looking after at the next start.
    closes: bool,
}

/// Place in line of a severity: emergencies before all others.
fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Emergency => 0,
        Severity::Major => 1,
        Severity::Normal => 2,
        Severity::Notice => 3,
    }
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

    /// Commits one revision with the files that are new in it.
    pub async fn append(&self, report: &Report) -> Result<MessageId, OutboxError> {
        let incident = &report.incident;
        let call_id = match &incident.subject {
            Subject::Call(call) => Some(call.call_id),
            Subject::Camera(_) | Subject::Device => None,
        };
        // A call is told when it is over.
        let closes = call_id.is_some() || (incident.phase == Phase::Ended && !report.unfinished);
        self.write(&About {
            event: Event::Incident(incident.clone()),
            incident: Some((incident.incident_id, Some(incident.revision))),
            call_id,
            phase: Some(incident.phase.as_str()),
            priority: priority(incident.severity),
            files: &report.files,
            closes,
        })
        .await
    }

    /// Commits the answer to a command with the files it names; `None` when that command was answered before.
    pub async fn answer(
        &self,
        answer: &Answer,
        files: &[EvidenceFile],
    ) -> Result<Option<MessageId>, OutboxError> {
        let about = About {
            event: Event::Answer(answer.clone()),
            incident: None,
            call_id: None,
            phase: None,
            // A person waits for it.
            priority: 0,
            files,
            closes: false,
        };
        let mut tx = self.0.pool.begin().await?;
        if !store::insert_answered(&mut tx, answer.command_id, answer.answered_at).await? {
            return Ok(None);
        }
        let id = self.insert(&mut tx, &about).await?;
        tx.commit().await?;
        self.appended();
        Ok(Some(id))
    }

    pub async fn is_answered(&self, id: CommandId) -> Result<bool, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::is_answered(&mut db, id).await?)
    }

    /// Ends what a killed run left open, as of its last word. Call once, before new incidents. Returns all that it
    /// left unfinished, ended now: those whose files were still being made wait for [`Self::append`] with what
    /// can be recovered, [`Self::explain_loss`] or [`Self::close_incident`].
    pub async fn end_left_open(&self) -> Result<Vec<Incident>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        let mut left = store::open_incidents(&mut db).await?;
        drop(db);
        for incident in left.iter_mut().filter(|incident| incident.phase != Phase::Ended) {
            incident.revision += 1;
            incident.phase = Phase::Ended;
            incident.ended_at = Some(incident.updated_at);
            incident.updated_at = self.0.voice.clock.now();
            let unfinished = !missing_files(incident).is_empty();
            self.append(&Report { incident: incident.clone(), files: Vec::new(), unfinished }).await?;
        }
        Ok(left)
    }

    /// Tells the hub that a file of an incident will never come; `closes`: it was the last that was awaited.
    pub async fn explain_loss(
        &self,
        incident_id: IncidentId,
        reason: String,
        closes: bool,
    ) -> Result<MessageId, OutboxError> {
        self.0.counters.dropped_files.fetch_add(1, Ordering::Relaxed);
        self.write(&About { closes, ..tombstone(Some(incident_id), reason) }).await
    }

    /// Nothing more follows of this incident.
    pub async fn close_incident(&self, incident_id: IncidentId) -> Result<(), OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::set_closed(&mut db, incident_id).await?)
    }

    /// Says that something numbered or named was lost.
    pub async fn tombstone(
        &self,
        incident_id: Option<IncidentId>,
        reason: String,
    ) -> Result<MessageId, OutboxError> {
        self.write(&tombstone(incident_id, reason)).await
    }

    /// Writes one event; a full disk is met once by giving up the reserve file.
    async fn write(&self, about: &About<'_>) -> Result<MessageId, OutboxError> {
        let result = match self.write_once(about).await {
            Err(OutboxError::Store(error)) if is_disk_full(&error) && self.0.reserve.release() => {
                tracing::error!("the disk is full: the reserve was given up to write an incident");
                self.0.counters.overfull.store(true, Ordering::Relaxed);
                self.write_once(about).await
            }
            other => other,
        };
        if result.is_err() {
            self.0.counters.failures.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    async fn write_once(&self, about: &About<'_>) -> Result<MessageId, OutboxError> {
        let mut tx = self.0.pool.begin().await?;
        if let Some((incident_id, Some(revision))) = about.incident
            && let Some(id) = store::find_revision(&mut tx, incident_id, revision).await?
        {
            // Handed over again after a restart; it still waits.
            return Ok(id);
        }
        let id = match self.insert(&mut tx, about).await {
            Ok(id) => id,
            Err(OutboxError::Unsendable(error)) => {
                // Nothing of it may vanish: the whole text stays here, the hub learns that something is missing.
                let json = serde_json::to_vec(&about.event).unwrap_or_default();
                let voice = &self.0.voice;
                let (now, reason) = (voice.clock.now(), error.to_string());
                let id = MessageId::new(&voice.chance, now);
                store::insert_rejected(&mut tx, id, "unsendable", &reason, &json, now).await?;
                let incident_id = about.incident.map(|(id, _)| id);
                self.insert(
                    &mut tx,
                    &tombstone(incident_id, format!("a message could not be sent: {reason}")),
                )
                .await?;
                tx.commit().await?;
                self.0.counters.rejected.fetch_add(1, Ordering::Relaxed);
                self.appended();
                return Err(OutboxError::Unsendable(error));
            }
            Err(other) => return Err(other),
        };
        let spared = keep::make_room(self, &mut tx).await?;
        tx.commit().await?;
        keep::unlink(&spared).await;
        self.appended();
        Ok(id)
    }

    fn appended(&self) {
        self.0.counters.appended.fetch_add(1, Ordering::Relaxed);
        self.0.messages.notify_one();
    }

    async fn insert(&self, db: &mut SqliteConnection, about: &About<'_>) -> Result<MessageId, OutboxError> {
        let voice = &self.0.voice;
        let (now, boot) = (voice.clock.now(), voice.boot.to_string());
        let stamp = Stamp {
            id: MessageId::new(&voice.chance, now),
            at: now,
            boot: voice.boot,
            // Taken below, once the size is known to be right: a refused message takes no number.
            sequence: u64::MAX,
            uptime_ms: voice.clock.uptime_ms(),
            clock_synced: (voice.clock_synced)(),
        };
        let mut envelope = Envelope::new(&voice.origin, stamp, about.event.clone());
        envelope.encode().map_err(OutboxError::Unsendable)?;
        envelope.sequence = store::next_sequence(db, &boot).await?;
        let bytes = envelope.encode().map_err(OutboxError::Unsendable)?;
        let priority = match about.incident {
            Some((id, Some(_))) => store::share_priority(db, id, about.priority).await?,
            _ => about.priority,
        };
        store::insert_message(
            db,
            &store::NewMessage {
                message_id: envelope.id,
                source: &envelope.source,
                boot: &boot,
                sequence: envelope.sequence,
                incident: about.incident,
                phase: about.phase,
                priority,
                envelope: &bytes,
                at: now,
            },
        )
        .await?;
        match (&about.event, about.incident) {
            (_, Some((id, _))) if about.closes => store::set_closed(db, id).await?,
            (Event::Incident(incident), _) => store::set_open(db, incident).await?,
            _ => {}
        }
        for file in about.files {
            self.insert_file(db, about, file, envelope.id, now).await?;
        }
        Ok(envelope.id)
    }

    async fn insert_file(
        &self,
        db: &mut SqliteConnection,
        about: &About<'_>,
        file: &EvidenceFile,
        message_id: MessageId,
        now: UtcMs,
    ) -> Result<(), OutboxError> {
        let days = i64::from(self.0.config.keep_on_request_days);
        let (state, expires_at) = match file.evidence.delivery {
            Delivery::Automatic => ("waiting", None),
            Delivery::OnRequest => ("held", Some(now.plus_ms(days * DAY_MS))),
        };
        let is_recording = file.evidence.kind == EvidenceKind::Recording;
        let new = store::NewEvidence {
            evidence: &file.evidence,
            path: &file.path.to_string_lossy(),
            message_id,
            incident_id: about.incident.map(|(id, _)| id),
            call_id: about.call_id.filter(|_| is_recording),
            priority: about.priority,
            state,
            expires_at,
            at: now,
        };
        Ok(store::insert_evidence(db, &new).await?)
    }

    /// The next messages after `after`: emergencies first, an incident's revisions in order.
    pub async fn head(
        &self,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<(Place, MessageId)>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::head(&mut db, after, limit).await?)
    }

    /// Bytes of a waiting message; `None` when it was released meanwhile.
    pub async fn envelope(&self, id: MessageId) -> Result<Option<Vec<u8>>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::envelope(&mut db, id).await?)
    }

    /// Releases what these receipts speak of, in one commit.
    pub async fn settle(&self, receipts: &[Receipt]) -> Result<Settled, OutboxError> {
        let now = self.0.voice.clock.now();
        let mut settled = Settled::default();
        let mut tx = self.0.pool.begin().await?;
        for receipt in receipts {
            let Some(envelope) = store::take_message(&mut tx, receipt.message_id).await? else {
                settled.unknown += 1;
                continue;
            };
            match receipt.outcome {
                ReceiptOutcome::Stored | ReceiptOutcome::Duplicate => settled.released += 1,
                ReceiptOutcome::Quarantined | ReceiptOutcome::Refused => {
                    let reason = receipt.reason.as_deref().unwrap_or("the hub gave no reason");
                    let outcome = receipt.outcome.as_str();
                    tracing::warn!(message = %receipt.message_id, outcome, reason, "the hub did not take a message");
                    store::insert_rejected(&mut tx, receipt.message_id, outcome, reason, &envelope, now)
                        .await?;
                    settled.rejected += 1;
                }
            }
        }
        tx.commit().await?;
        self.0.counters.released.fetch_add(settled.released, Ordering::Relaxed);
        self.0.counters.rejected.fetch_add(settled.rejected, Ordering::Relaxed);
        if settled.released + settled.rejected > 0 {
            self.0.uploads.notify_one();
        }
        Ok(settled)
    }

    /// Messages the hub did not take: id, outcome, reason, when (epoch ms).
    pub async fn rejected(&self, limit: u32) -> Result<Vec<(String, String, String, i64)>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::rejected(&mut db, limit).await?)
    }

    /// The next file whose incident the hub holds, by severity and kind.
    pub async fn next_upload(&self) -> Result<Option<Upload>, OutboxError> {
        let now = self.0.voice.clock.now();
        let mut db = self.0.pool.acquire().await?;
        Ok(store::next_upload(&mut db, now).await?)
    }

    /// Remembers where an upload goes on after a restart; `None` begins it anew.
    pub async fn set_upload_url(&self, evidence: &Evidence, url: Option<&str>) -> Result<(), OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::set_upload_url(&mut db, evidence.sha256.as_str(), url).await?)
    }

    /// Tries that file again in `delay_ms`.
    pub async fn postpone_upload(&self, evidence: &Evidence, delay_ms: i64) -> Result<(), OutboxError> {
        let due_at = self.0.voice.clock.now().plus_ms(delay_ms);
        let mut db = self.0.pool.acquire().await?;
        Ok(store::postpone_upload(&mut db, evidence.sha256.as_str(), due_at).await?)
    }

    /// The hub holds that file now.
    pub async fn uploaded(&self, evidence: &Evidence) -> Result<(), OutboxError> {
        let keep_ms = i64::from(self.0.config.keep_uploaded_h) * HOUR_MS;
        let expires_at = self.0.voice.clock.now().plus_ms(keep_ms);
        let mut db = self.0.pool.acquire().await?;
        Ok(store::set_uploaded(&mut db, evidence.sha256.as_str(), expires_at).await?)
    }

    /// Removes a file that cannot be delivered and tells the hub why.
    pub async fn give_up_file(&self, evidence: &Evidence, why: &str) -> Result<(), OutboxError> {
        keep::give_up(self, evidence.sha256.as_str(), why).await
    }

    /// Marks the recordings of a call for upload; empty when this box has none.
    pub async fn request_recording(&self, call_id: CallId) -> Result<Vec<Evidence>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        let found = store::request_call(&mut db, call_id).await?;
        self.0.uploads.notify_one();
        Ok(found)
    }

    /// Periodic: retention, disk reserve, files without row, rows without file. Safe to run at any time.
    pub async fn keep_house(&self) -> Result<Kept, OutboxError> {
        keep::keep_house(self).await
    }

    pub async fn stats(&self) -> Result<Stats, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::stats(&mut db).await?)
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

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn tombstone(incident_id: Option<IncidentId>, reason: String) -> About<'static> {
    About {
        event: Event::Tombstone(Tombstone { incident_id, reason }),
        incident: incident_id.map(|id| (id, None)),
        call_id: None,
        phase: None,
        priority: priority(Severity::Notice),
        files: &[],
        closes: false,
    }
}

/// SQLITE_FULL (13), and SQLITE_IOERR_WRITE (778), which some file systems give for the same.
fn is_disk_full(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "13" || code == "778")
}
