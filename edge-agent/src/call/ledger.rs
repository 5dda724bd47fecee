//! Filed calls: what each still waits for. The records lie on disk ([`Archive`]); in memory is only what must be
//! found at once, because a box without a speech model keeps a month of calls that wait for their words.
//!
//! A record changes here only, under one lock: the hand-over, the transcript and a late word of the exchange may
//! come at the same moment, and none may undo the other. Whatever touches a record blocks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::hotline::{Alarm, CallReading};
use protocol::{CallId, CallSubject, IncidentId, Phase, Subject, Transcript, UtcMs};
use tokio::sync::Notify;
use uuid::Uuid;

use super::archive::Archive;
use super::config::CallConfig;
use super::lock;
use super::record::{Record, Spoken};
use super::registry::Announcement;
use crate::screen;

/// A call without recording is remembered this long, for words about it that come late.
const REMEMBER_EMPTY_MS: i64 = 24 * 3_600_000;

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) archive: Archive,
    index: Mutex<BTreeMap<IncidentId, Entry>>,
    /// What earlier runs filed is known.
    loaded: AtomicBool,
    /// Held while a record is read, changed and written.
    changing: Mutex<()>,
    /// A revision waits for the outbox.
    pub(super) unsent: Notify,
    /// A call waits for its words.
    pub(super) wordless: Notify,
}

#[derive(Clone, Debug)]
struct Entry {
    call_id: Option<CallId>,
    sockets: Vec<Uuid>,
    recording: Option<String>,
    ended_at: UtcMs,
    /// Its call is over.
    filed: bool,
    committed: bool,
    wordless: bool,
}

impl Entry {
    fn of(record: &Record) -> Self {
        let call_id = match &record.incident.subject {
            Subject::Call(call) => Some(call.call_id),
            _ => None,
        };
        Self {
            call_id,
            sockets: record.sockets.clone(),
            recording: record.recording.clone(),
            ended_at: record.incident.ended_at.unwrap_or(record.incident.started_at),
            filed: record.is_filed(),
            committed: record.is_committed(),
            wordless: record.waits_for_words(),
        }
    }
}

impl Ledger {
    pub(super) fn new(archive: Archive) -> Self {
        Self {
            archive,
            index: Mutex::default(),
            loaded: AtomicBool::new(false),
            changing: Mutex::default(),
            unsent: Notify::new(),
            wordless: Notify::new(),
        }
    }

    /// Learns what earlier runs filed. Calls filed meanwhile are known better already.
    pub(super) fn load(&self) {
        for record in self.archive.load_all() {
            lock(&self.index).entry(record.incident.incident_id).or_insert_with(|| Entry::of(&record));
        }
        self.loaded.store(true, Ordering::Release);
        self.unsent.notify_one();
        self.wordless.notify_one();
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Files a call that is over, after what was told of it while it ran, and of its other sides under ids of their own.
    /// False when it was filed before. Those others end by [`Self::end`], afterwards: a crash in between does it again.
    pub(super) fn add(&self, record: &mut Record, others: &[IncidentId]) -> anyhow::Result<bool> {
        let _changing = lock(&self.changing);
        let early = self.archive.load(record.incident.incident_id);
        if early.as_ref().is_some_and(Record::is_filed) {
            return Ok(false);
        }
        let others: Vec<Record> = others.iter().filter_map(|id| self.archive.load(*id)).collect();
        record.follow(early.as_ref(), &others);
        self.put(record)?;
        Ok(true)
    }

    /// Adds alarms to the record of a running call: that of the oldest of its legs' `ids` which has one, else one that is
    /// `begun` under the oldest. A filed call's own words say all of it.
    pub(super) fn raise(
        &self,
        ids: &[IncidentId],
        begun: impl FnOnce(IncidentId) -> Record,
        alarms: Vec<Alarm>,
        now: UtcMs,
    ) -> anyhow::Result<()> {
        let _changing = lock(&self.changing);
        let held = ids.iter().filter(|id| self.archive.holds(**id)).min();
        let Some(id) = held.or_else(|| ids.iter().min()).copied() else { return Ok(()) };
        let mut record = self.archive.load(id).unwrap_or_else(|| begun(id));
        if record.raise(alarms, now) { self.put(&record) } else { Ok(()) }
    }

    /// Ends what was told of a running call that nothing will file: it became part of another, or its sound is lost.
    pub(super) fn end(&self, id: IncidentId, transcript: Transcript, now: UtcMs) -> anyhow::Result<()> {
        self.change(id, |record| {
            let running = !record.is_filed();
            if running {
                record.incident.phase = Phase::Ended;
                record.incident.revision += 1;
                record.incident.updated_at = now;
                record.incident.ended_at = Some(now);
                if let Subject::Call(call) = &mut record.incident.subject {
                    call.transcript = transcript;
                }
            }
            running
        })
        .map(drop)
    }

    /// Running calls of which an alarm was told.
    pub(super) fn unfiled(&self) -> Vec<IncidentId> {
        lock(&self.index).iter().filter(|(_, entry)| !entry.filed).map(|(id, _)| *id).collect()
    }

    fn put(&self, record: &Record) -> anyhow::Result<()> {
        self.archive.save(record)?;
        let entry = Entry::of(record);
        let (committed, wordless) = (entry.committed, entry.wordless);
        lock(&self.index).insert(record.incident.incident_id, entry);
        // Only now: who wakes looks at the index at once.
        if !committed {
            self.unsent.notify_one();
        }
        if wordless {
            self.wordless.notify_one();
        }
        Ok(())
    }

    /// Changes a record; `edit` says whether it did. `None` when there is no such record any more.
    pub(super) fn change(
        &self,
        id: IncidentId,
        edit: impl FnOnce(&mut Record) -> bool,
    ) -> anyhow::Result<Option<Record>> {
        let _changing = lock(&self.changing);
        let Some(mut record) = self.archive.load(id) else {
            lock(&self.index).remove(&id);
            return Ok(None);
        };
        if edit(&mut record) {
            self.put(&record)?;
        }
        Ok(Some(record))
    }

    /// Calls whose newest revision the outbox does not hold, oldest first.
    pub(super) fn unsent(&self) -> Vec<IncidentId> {
        lock(&self.index).iter().filter(|(_, e)| !e.committed).map(|(id, _)| *id).collect()
    }

    /// Calls without transcript, oldest first.
    pub(super) fn wordless(&self) -> Vec<IncidentId> {
        lock(&self.index).iter().filter(|(_, e)| e.wordless).map(|(id, _)| *id).collect()
    }

    /// What is kept of a call, newest first.
    pub(super) fn of_call(&self, call_id: CallId) -> impl Iterator<Item = Record> {
        let index = lock(&self.index);
        let newest_first = index.iter().rev().filter(|(_, entry)| entry.call_id == Some(call_id));
        let ids: Vec<IncidentId> = newest_first.map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.archive.load(id))
    }

    /// The caller's words of a call, as they left the box. `None` when no record has any.
    pub(super) fn said(&self, call_id: CallId) -> Option<String> {
        self.of_call(call_id).find_map(|record| match record.incident.subject {
            Subject::Call(CallSubject { transcript: Transcript::Done { segments, .. }, .. }) => {
                Some(screen::call::said(&segments))
            }
            _ => None,
        })
    }

    pub(super) fn wordless_count(&self) -> u64 {
        lock(&self.index).values().filter(|e| e.wordless).count() as u64
    }

    /// The outbox has committed this revision.
    pub(super) fn committed(&self, id: IncidentId, revision: u32) -> anyhow::Result<()> {
        self.change(id, |record| {
            let newer = revision > record.committed_revision;
            record.committed_revision = record.committed_revision.max(revision);
            // On its way to who may open it; a record that is kept for weeks needs no number.
            if record.is_committed()
                && let Subject::Call(call) = &mut record.incident.subject
            {
                call.callback = None;
            }
            newer
        })
        .map(drop)
    }

    /// What became of the words of a call.
    pub(super) fn transcribed(
        &self,
        id: IncidentId,
        transcript: Transcript,
        private: Vec<Spoken>,
        reading: Option<CallReading>,
        now: UtcMs,
    ) -> anyhow::Result<()> {
        self.change(id, |record| {
            let Subject::Call(call) = &mut record.incident.subject else { return false };
            call.transcript = transcript;
            record.private = private;
            record.put_reading(reading);
            record.incident.revision += 1;
            record.incident.updated_at = now;
            true
        })
        .map(drop)
    }

    /// A word about a connection whose call is filed: what was not known becomes known, as a further revision.
    /// What was known stays, since an exchange may use an id again; which call and side it was is settled by then.
    /// False when no call that came by this connection is kept.
    pub(super) fn told(
        &self,
        socket: Uuid,
        told: &Announcement,
        config: &CallConfig,
        now: UtcMs,
    ) -> anyhow::Result<bool> {
        let newest = |index: &BTreeMap<IncidentId, Entry>| {
            index.iter().rev().find(|(_, e)| e.sockets.contains(&socket)).map(|(id, _)| *id)
        };
        let Some(id) = newest(&lock(&self.index)) else { return Ok(false) };
        let changed = self.change(id, |record| {
            let Subject::Call(call) = &mut record.incident.subject else { return false };
            let before = (call.clone(), record.direction_told);
            if call.caller_masked.is_none() {
                call.caller_masked.clone_from(&told.caller_masked);
                call.callback.clone_from(&told.callback);
            }
            call.seat = call.seat.take().or_else(|| told.seat.as_deref().map(|seat| config.seat(seat)));
            if let Some(direction) = told.direction.filter(|_| !record.direction_told) {
                call.direction = direction;
                record.direction_told = true;
            }
            if before.0 != *call {
                record.incident.revision += 1;
                record.incident.updated_at = now;
            }
            before != (call.clone(), record.direction_told)
        })?;
        Ok(changed.is_some())
    }

    /// Ends the waiting of calls whose recording is gone, and forgets calls with nothing left to do or to say.
    pub(super) fn expire(&self, now: UtcMs) -> anyhow::Result<()> {
        let entries: Vec<(IncidentId, Entry)> =
            lock(&self.index).iter().map(|(id, e)| (*id, e.clone())).collect();
        for (id, entry) in entries {
            let gone = entry.recording.as_ref().is_some_and(|name| !self.archive.has_recording(name));
            // Either way: a clock that was set since makes it forgotten early, not kept for ever.
            let old = now.since_ms(entry.ended_at).abs() > REMEMBER_EMPTY_MS;
            if entry.wordless {
                if gone {
                    let reason = "the recording was deleted before a speech model came".to_owned();
                    self.transcribed(id, Transcript::Failed { reason }, Vec::new(), None, now)?;
                }
            } else if entry.filed && entry.committed && (gone || entry.recording.is_none() && old) {
                self.forget(id)?;
            }
        }
        Ok(())
    }

    fn forget(&self, id: IncidentId) -> anyhow::Result<()> {
        let _changing = lock(&self.changing);
        let known = lock(&self.index).get(&id).is_some_and(|e| e.filed && e.committed && !e.wordless);
        if known {
            self.archive.remove(id)?;
            lock(&self.index).remove(&id);
        }
        Ok(())
    }
}
