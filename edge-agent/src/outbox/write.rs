//! Into the outbox: one transaction per event, its files with it.

use std::sync::atomic::Ordering;

use protocol::envelope::Stamp;
use protocol::{
    Answer, CallId, CommandId, Delivery, Envelope, Event, EvidenceKind, Incident, IncidentId, MessageId,
    Phase, Severity, Subject, Tombstone,
};
use sqlx::SqliteConnection;

use super::{DAY_MS, Outbox, OutboxError, keep, store};
use crate::report::{EvidenceFile, Report, missing_files};

/// What a message is about, for its row.
pub(super) struct About<'a> {
    event: Event,
    /// The command that it answers, once.
    command: Option<CommandId>,
    incident: Option<(IncidentId, Option<u32>)>,
    call_id: Option<CallId>,
    phase: Option<&'static str>,
    priority: u8,
    files: &'a [EvidenceFile],
    /// Nothing more follows of its incident: it needs no looking after at the next start.
    closes: bool,
}

/// Place in line of a severity: emergencies before all others.
pub(super) fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Emergency => 0,
        Severity::Major => 1,
        Severity::Normal => 2,
        Severity::Notice => 3,
    }
}

impl Outbox {
    /// Commits one revision with the files that are new in it.
    pub async fn append(&self, report: &Report) -> Result<MessageId, OutboxError> {
        let incident = &report.incident;
        let call_id = match &incident.subject {
            Subject::Call(call) => Some(call.call_id),
            Subject::Camera(_) | Subject::Device => None,
        };
        // A call is told when it is over.
        let closes = call_id.is_some() || (incident.phase == Phase::Ended && !report.unfinished);
        let about = About {
            event: Event::Incident(incident.clone()),
            command: None,
            incident: Some((incident.incident_id, Some(incident.revision))),
            call_id,
            phase: Some(incident.phase.as_str()),
            priority: priority(incident.severity),
            files: &report.files,
            closes,
        };
        Ok(self.write(&about).await?.expect("only a command can be answered already"))
    }

    /// Commits the answer to a command with the files it names; `None` when that command was answered before.
    pub async fn answer(
        &self,
        answer: &Answer,
        files: &[EvidenceFile],
    ) -> Result<Option<MessageId>, OutboxError> {
        self.write(&About {
            event: Event::Answer(answer.clone()),
            command: Some(answer.command_id),
            incident: None,
            call_id: None,
            phase: None,
            // A person waits for it.
            priority: 0,
            files,
            closes: false,
        })
        .await
    }

    pub async fn is_answered(&self, id: CommandId) -> Result<bool, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::is_answered(&mut db, id).await?)
    }

    /// Ends what a killed run left open, as of its last word. Call once, before new incidents. Returns all that it
    /// left unfinished: those whose files were still being made wait for [`Self::append`] with what can be
    /// recovered, [`Self::explain_loss`] or [`Self::close_incident`]. One whose end cannot be written now (the disk
    /// is full, say) is returned as it was, for [`Self::end`]: a box that cannot write must still start and make room.
    pub async fn end_left_open(&self) -> Result<Vec<Incident>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        let mut left = store::open_incidents(&mut db).await?;
        drop(db);
        for incident in &mut left {
            match self.end(incident).await {
                Ok(ended) => *incident = ended,
                Err(error) => {
                    tracing::error!(%error, incident = %incident.incident_id, "its end cannot be written yet");
                }
            }
        }
        Ok(left)
    }

    /// Ends an incident of a former run, as of its last word; one that has ended stays as it is.
    pub async fn end(&self, incident: &Incident) -> Result<Incident, OutboxError> {
        let mut incident = incident.clone();
        if incident.phase != Phase::Ended {
            incident.revision += 1;
            incident.phase = Phase::Ended;
            incident.ended_at = Some(incident.updated_at);
            incident.updated_at = self.0.voice.clock.now();
            let unfinished = !missing_files(&incident).is_empty();
            self.append(&Report { incident: incident.clone(), files: Vec::new(), unfinished }).await?;
        }
        Ok(incident)
    }

    /// Tells the hub that a file of an incident will never come; `closes`: it was the last that was awaited.
    pub async fn explain_loss(
        &self,
        incident_id: IncidentId,
        reason: String,
        closes: bool,
    ) -> Result<MessageId, OutboxError> {
        self.0.counters.dropped_files.fetch_add(1, Ordering::Relaxed);
        let written = self.write(&About { closes, ..tombstone(Some(incident_id), reason) }).await?;
        Ok(written.expect("only a command can be answered already"))
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
        let written = self.write(&tombstone(incident_id, reason)).await?;
        Ok(written.expect("only a command can be answered already"))
    }

    async fn write(&self, about: &About<'_>) -> Result<Option<MessageId>, OutboxError> {
        self.with_reserve(|| self.write_once(about)).await
    }

    /// A full disk is met once by giving up the reserve file.
    pub(super) async fn with_reserve<T, F>(&self, write: impl Fn() -> F) -> Result<T, OutboxError>
    where
        F: Future<Output = Result<T, OutboxError>>,
    {
        let mut result = write().await;
        if let Err(OutboxError::Store(error)) = &result
            && is_disk_full(error)
        {
            self.0.counters.disk_full.store(true, Ordering::Relaxed);
            if self.0.reserve.release() {
                tracing::error!("the disk is full: the reserve was given up, to go on writing incidents");
                result = write().await;
            }
        }
        if result.is_err() {
            self.0.counters.failures.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    async fn write_once(&self, about: &About<'_>) -> Result<Option<MessageId>, OutboxError> {
        let mut tx = self.0.pool.begin().await?;
        if let Some(command) = about.command
            && !store::insert_answered(&mut tx, command, self.0.now()).await?
        {
            return Ok(None);
        }
        if let Some((incident_id, Some(revision))) = about.incident
            && let Some(id) = store::find_revision(&mut tx, incident_id, revision).await?
        {
            // Handed over again after a restart; it still waits.
            return Ok(Some(id));
        }
        let id = match self.insert(&mut tx, about).await {
            Ok(id) => id,
            Err(OutboxError::Unsendable(error)) => {
                // Nothing of it may vanish: the whole text stays here, the hub learns that something is missing.
                let json = serde_json::to_vec(&about.event).unwrap_or_default();
                let voice = &self.0.voice;
                let reason = error.to_string();
                let id = MessageId::new(&voice.chance, voice.clock.now());
                self.reject(&mut tx, id, "unsendable", &reason, &json).await?;
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
        Ok(Some(id))
    }

    /// Keeps what will not be sent where people can see it.
    pub(super) async fn reject(
        &self,
        db: &mut SqliteConnection,
        id: MessageId,
        outcome: &str,
        reason: &str,
        envelope: &[u8],
    ) -> Result<(), OutboxError> {
        let (at, told_at) = (self.0.now(), self.0.voice.clock.now());
        let new = store::NewRejected { id, outcome, reason, envelope, at, told_at };
        Ok(store::insert_rejected(db, &new).await?)
    }

    pub(super) fn appended(&self) {
        self.0.counters.appended.fetch_add(1, Ordering::Relaxed);
        self.0.messages.notify_one();
    }

    pub(super) async fn insert(
        &self,
        db: &mut SqliteConnection,
        about: &About<'_>,
    ) -> Result<MessageId, OutboxError> {
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
                at: self.0.now(),
            },
        )
        .await?;
        match (&about.event, about.incident) {
            (_, Some((id, _))) if about.closes => store::set_closed(db, id).await?,
            (Event::Incident(incident), _) => store::set_open(db, incident).await?,
            _ => {}
        }
        for file in about.files {
            self.insert_file(db, about, file, envelope.id).await?;
        }
        Ok(envelope.id)
    }

    async fn insert_file(
        &self,
        db: &mut SqliteConnection,
        about: &About<'_>,
        file: &EvidenceFile,
        message_id: MessageId,
    ) -> Result<(), OutboxError> {
        let now = self.0.now();
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
}

pub(super) fn tombstone(incident_id: Option<IncidentId>, reason: String) -> About<'static> {
    About {
        event: Event::Tombstone(Tombstone { incident_id, reason }),
        command: None,
        incident: incident_id.map(|id| (id, None)),
        call_id: None,
        phase: None,
        priority: priority(Severity::Notice),
        files: &[],
        closes: false,
    }
}

/// SQLITE_FULL (13), and SQLITE_IOERR_WRITE (778) and SQLITE_IOERR_SHMSIZE (4874), which some file systems give for
/// the same.
fn is_disk_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    code.is_some_and(|code| matches!(code.as_ref(), "13" | "778" | "4874"))
}
