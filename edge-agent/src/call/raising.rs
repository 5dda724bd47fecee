//! Alarms of running calls. What a caller says is weighed as it is recognised; from which a life may be at stake is told at
//! once, and opens the call's incident while it still runs.
//!
//! Weighing takes about a millisecond and happens where words arrive. Writing takes a disk: it is done here, one after
//! the other. When too much waits an alarm is counted and only told live; the filing of its call finds it again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::hotline::{Alarm, CallReading};
use protocol::{
    CallId, CallSubject, Direction, Incident, IncidentId, IncidentKind, LiveCall, Phase, Place, Severity,
    Subject, Transcript,
};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::listener::blocking;
use super::record::Record;
use super::registry::Tap;
use super::{CallTap, Cause, lock};

/// Alarms that wait for the disk.
pub(super) const MAX_WAITING: usize = 256;
/// Between two attempts to write one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Alarms of one running call.
#[derive(Debug)]
pub(super) struct Raise {
    call_id: CallId,
    alarms: Vec<Alarm>,
}

/// Runs until the last call is filed; what is told by then is written. A disk that takes nothing is tried again.
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    let Some(mut waiting) = lock(&tap.raises).take() else { return };
    loop {
        let raise = tokio::select! {
            biased;
            raise = waiting.recv() => raise,
            () = cancel.cancelled() => return,
        };
        let Some(raise) = raise else { return };
        let mut wait = FIRST_WAIT;
        while let Err(error) = write(&tap, &raise).await {
            let call_id = raise.call_id;
            let words = format!("an alarm of call {call_id} cannot be kept yet, trying again: {error:#}");
            tap.trouble(Cause::Alarm, Some(words));
            tokio::select! {
                // Its legs are on disk: whoever files them finds it in their words.
                () = cancel.cancelled() => return,
                () = sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
            }
        }
        tap.trouble(Cause::Alarm, None);
    }
}

impl CallTap {
    /// Tells of alarms that a running call raises.
    pub(super) fn raise(&self, call_id: CallId, alarms: Vec<Alarm>) {
        let ids: Vec<&str> = alarms.iter().map(|alarm| alarm.id.as_str()).collect();
        // Which words raised it is the caller's own affair: the log does not hold them.
        tracing::warn!(%call_id, alarms = ids.join(","), "a call raises an alarm");
        self.counters.alarms.fetch_add(alarms.len() as u64, Ordering::Relaxed);
        self.tell_live(LiveCall::Alarm { call_id, alarms: alarms.clone() });
        if self.raise.try_send(Raise { call_id, alarms }).is_err() {
            self.counters.alarms_late.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) type Sender = mpsc::Sender<Raise>;
pub(super) type Receiver = mpsc::Receiver<Raise>;

async fn write(tap: &Arc<CallTap>, raise: &Raise) -> anyhow::Result<()> {
    let (call_id, alarms) = (raise.call_id, raise.alarms.clone());
    let legs: Vec<(IncidentId, Tap)> = {
        let registry = lock(&tap.registry);
        let names = lock(&tap.live_legs);
        let calls = registry.calls();
        let legs = calls.get(&call_id).map(Vec::as_slice).unwrap_or_default();
        legs.iter().filter_map(|(id, leg)| Some((names.get(id)?.parse().ok()?, (*leg).clone()))).collect()
    };
    let tap = Arc::clone(tap);
    blocking(move || {
        // No leg: filed meanwhile, and weighed as a whole.
        let ids: Vec<IncidentId> = legs.iter().map(|(id, _)| *id).collect();
        let begun = |incident_id| begun(&tap, call_id, incident_id, &legs);
        tap.ledger.raise(&ids, begun, alarms, tap.clock.now())
    })
    .await
}

/// The record of a call that has only begun.
fn begun(tap: &CallTap, call_id: CallId, incident_id: IncidentId, legs: &[(IncidentId, Tap)]) -> Record {
    let (now, uptime_ms) = (tap.clock.now(), tap.clock.uptime_ms());
    let opened_ms = legs.iter().map(|(_, leg)| leg.opened_ms).min().unwrap_or(uptime_ms);
    let told = |pick: fn(&Tap) -> Option<String>| legs.iter().find_map(|(_, leg)| pick(leg));
    let named = legs.iter().find(|(_, leg)| leg.announced.caller_masked.is_some());
    let direction = legs.iter().find_map(|(_, leg)| leg.announced.direction);
    let mut sides: Vec<protocol::Leg> = legs.iter().map(|(_, leg)| leg.leg()).collect();
    sides.sort_unstable();
    sides.dedup();
    Record {
        incident: Incident {
            incident_id,
            revision: 0,
            phase: Phase::Opened,
            kind: IncidentKind::Hotline,
            severity: Severity::Emergency,
            subject: Subject::Call(CallSubject {
                call_id,
                caller_masked: told(|leg| leg.announced.caller_masked.clone()),
                callback: named.and_then(|(_, leg)| leg.announced.callback.clone()),
                seat: told(|leg| leg.announced.seat.clone()).map(|number| tap.config.seat(&number)),
                direction: direction.unwrap_or(Direction::Inbound),
                legs: sides,
                duration_ms: uptime_ms.saturating_sub(opened_ms),
                speech_ms: 0,
                transcript: Transcript::Waiting,
                reading: Some(CallReading::default()),
                interrupted: false,
            }),
            place: tap.config.place.clone().map(Place::from),
            started_at: now.plus_ms(-(uptime_ms.saturating_sub(opened_ms) as i64)),
            updated_at: now,
            ended_at: None,
            evidence: Vec::new(),
            drill: false,
        },
        recording: None,
        recorded_revision: 0,
        speech: Vec::new(),
        private: Vec::new(),
        committed_revision: 0,
        attempts: 0,
        sockets: legs.iter().map(|(_, leg)| leg.socket).collect(),
        direction_told: direction.is_some(),
    }
}
