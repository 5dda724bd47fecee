//! What the box knows of one call: its incident, its recording, and how far both have got. Pure.
//!
//! A record begins with an alarm of the running call, or else when the call is filed. Filing makes the next revision of the
//! same incident; what was raised before stays in it.

use protocol::hotline::{Alarm, CallReading, URGENCIES};
use protocol::{Incident, Leg, Phase, Severity, Subject, Transcript, UtcMs};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Speech of one side, in milliseconds from the start of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    pub leg: Leg,
    pub start_ms: u64,
    pub end_ms: u64,
}

/// A filed call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Newest revision, its transcript whole however long it is.
    pub incident: Incident,
    /// File name in `recordings/`; `None` for a call without a single sample, and for one that still runs.
    pub recording: Option<String>,
    /// The revision from which on there is a recording.
    #[serde(default)]
    pub recorded_revision: u32,
    pub speech: Vec<Spoken>,
    /// Where private numbers are said, as far as its words are known.
    #[serde(default)]
    pub private: Vec<Spoken>,
    /// The newest revision that the outbox has committed; 0 = none yet.
    #[serde(default)]
    pub committed_revision: u32,
    /// Transcriptions that failed.
    #[serde(default)]
    pub attempts: u32,
    /// The connections it came by: a late word about one of them finds the call.
    #[serde(default)]
    pub sockets: Vec<Uuid>,
    /// The exchange said which way the call went; otherwise the incident holds a guess.
    #[serde(default)]
    pub direction_told: bool,
}

impl Record {
    pub fn is_committed(&self) -> bool {
        self.committed_revision >= self.incident.revision
    }

    pub fn waits_for_words(&self) -> bool {
        self.is_filed()
            && matches!(&self.incident.subject, Subject::Call(call) if call.transcript == Transcript::Waiting)
    }

    /// Its call is over; before that a record is of an alarm.
    pub fn is_filed(&self) -> bool {
        self.incident.phase == Phase::Ended
    }

    /// The running call raises these. False when it is filed already, or they were raised before.
    pub fn raise(&mut self, alarms: Vec<Alarm>, now: UtcMs) -> bool {
        let Subject::Call(call) = &mut self.incident.subject else { return false };
        let known = &mut call.reading.get_or_insert_default().alarms;
        let before = known.len();
        if self.incident.phase != Phase::Ended {
            for alarm in alarms {
                if known.iter().all(|raised| raised.id != alarm.id) {
                    known.push(alarm);
                }
            }
        }
        if known.len() == before {
            return false;
        }
        self.incident.phase = if self.incident.revision == 0 { Phase::Opened } else { Phase::Updated };
        self.incident.revision += 1;
        self.incident.severity = Severity::Emergency;
        self.incident.updated_at = now;
        true
    }

    /// What was read from its words, with every alarm that was raised before; without words all stays as it is.
    pub fn put_reading(&mut self, reading: Option<CallReading>) {
        let (Subject::Call(call), Some(reading)) = (&mut self.incident.subject, reading) else { return };
        self.incident.severity = self.incident.severity.min(severity(&reading));
        let raised = call.reading.replace(reading).map(|before| before.alarms).unwrap_or_default();
        self.keep(raised);
    }

    /// Alarms that were raised while the call ran stay: those that its words as a whole do not bear out, as taken back.
    fn keep(&mut self, raised: Vec<Alarm>) {
        let Subject::Call(call) = &mut self.incident.subject else { return };
        if raised.is_empty() {
            return;
        }
        self.incident.severity = Severity::Emergency;
        let Some(reading) = &mut call.reading else {
            call.reading = Some(CallReading { alarms: raised, ..CallReading::default() });
            return;
        };
        for alarm in raised.into_iter().rev() {
            match reading.alarms.iter_mut().find(|known| known.id == alarm.id) {
                Some(known) => known.at_ms = known.at_ms.min(alarm.at_ms),
                None => reading.alarms.insert(0, Alarm { holds: false, ..alarm }),
            }
        }
    }

    /// This is what became of a call of which `early` told while it ran, and `others` of those of its sides that nobody had
    /// said to be one call.
    pub fn follow(&mut self, early: Option<&Self>, others: &[Self]) {
        if let Some(early) = early {
            self.incident.revision = early.incident.revision + 1;
            self.recorded_revision = self.incident.revision;
            self.committed_revision = early.committed_revision;
        }
        let mut raised: Vec<Alarm> = Vec::new();
        for alarm in early.into_iter().chain(others).flat_map(Self::alarms) {
            match raised.iter_mut().find(|known| known.id == alarm.id) {
                Some(known) => known.at_ms = known.at_ms.min(alarm.at_ms),
                None => raised.push(alarm.clone()),
            }
        }
        self.keep(raised);
    }

    fn alarms(&self) -> &[Alarm] {
        match &self.incident.subject {
            Subject::Call(call) => call.reading.as_ref().map_or(&[], |reading| &reading.alarms),
            _ => &[],
        }
    }
}

/// How soon somebody must act on what was read.
fn severity(reading: &CallReading) -> Severity {
    let urgent = reading.urgencies.first().is_some_and(|offer| offer.id == URGENCIES[1]);
    match (reading.alarms.is_empty(), urgent) {
        (false, _) => Severity::Emergency,
        (true, true) => Severity::Major,
        (true, false) => Severity::Normal,
    }
}
