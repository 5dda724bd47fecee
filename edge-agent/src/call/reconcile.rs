//! Hands the newest revision of every filed call to the outbox, until the outbox says that it has committed it. One
//! that was committed when the box died before it heard so is sent again: the hub knows it by incident and revision.

use std::sync::Arc;

use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{CallSubject, Incident, IncidentId, Segment, Subject, Transcript};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::listener::blocking;
use super::record::Record;
use super::{CallTap, RECONCILE_EVERY};
use crate::report::{Handover, Report};

/// What is wrapped around an incident in its message.
const MESSAGE_RESERVE_BYTES: usize = 2 * 1_024;

/// Runs until cancelled.
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = hand_over(&tap) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tap.ledger.unsent.notified() => {}
            () = sleep(RECONCILE_EVERY) => {}
        }
    }
}

/// Hands over whatever the outbox does not hold yet, oldest first, one at a time.
pub(super) async fn hand_over(tap: &Arc<CallTap>) {
    for id in tap.ledger.unsent() {
        match hand_over_one(tap, id).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("the outbox is closed; calls are handed over at the next start");
                return;
            }
            Err(error) => {
                tracing::error!(incident = %id, error = format!("{error:#}"), "a call's record cannot be kept; trying again");
            }
        }
    }
}

async fn hand_over_one(tap: &Arc<CallTap>, id: IncidentId) -> anyhow::Result<bool> {
    let ledger = Arc::clone(tap);
    let Some(record) = blocking(move || ledger.ledger.change(id, |_| false)).await? else { return Ok(true) };
    let revision = record.incident.revision;
    let (handover, committed) = Handover::new(report(tap, record));
    if tap.reports.send(handover).await.is_err() || committed.await.is_err() {
        return Ok(false);
    }
    let ledger = Arc::clone(tap);
    blocking(move || ledger.ledger.committed(id, revision)).await?;
    Ok(true)
}

/// What leaves of a record: its files with the first revision that has them and leaves, and as much transcript as fits.
fn report(tap: &CallTap, record: Record) -> Report {
    let first = record.committed_revision < record.recorded_revision.max(1);
    let files = if first { tap.ledger.archive.files_of(&record) } else { Vec::new() };
    let mut incident = record.incident;
    fit(&mut incident);
    Report { incident, files, unfinished: false }
}

/// Shortens a transcript to what one message holds beside the rest of its incident, an hour of talk; how many lines stay on
/// the box is said in it.
fn fit(incident: &mut Incident) {
    let lines = |incident: &mut Incident| match &mut incident.subject {
        Subject::Call(CallSubject { transcript: Transcript::Done { segments, .. }, .. }) => {
            std::mem::take(segments)
        }
        _ => Vec::new(),
    };
    let mut all = lines(incident);
    let rest = serde_json::to_vec(incident).map_or(0, |json| json.len());
    let stays = shorten(&mut all, MAX_MESSAGE_BYTES.saturating_sub(MESSAGE_RESERVE_BYTES + rest));
    if let Subject::Call(CallSubject { transcript: Transcript::Done { segments, left_out, .. }, .. }) =
        &mut incident.subject
    {
        *segments = all;
        *left_out = stays;
    }
}

/// As many lines as find room; returns how many do not.
fn shorten(segments: &mut Vec<Segment>, mut room: usize) -> u32 {
    let fitting = segments.iter().take_while(|segment| {
        let size = serde_json::to_vec(segment).map_or(0, |json| json.len() + 1);
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    let kept = fitting.count();
    let left_out = segments.len() - kept;
    segments.truncate(kept);
    u32::try_from(left_out).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Leg;

    /// The longest talk still fits a message, what is missing is counted, and a short one is untouched.
    #[test]
    fn long_talk_fits_a_message() {
        const ROOM: usize = MAX_MESSAGE_BYTES - 8 * 1_024;
        let line = |n: u64| Segment {
            leg: Leg::Caller,
            start_ms: n * 5_000,
            end_ms: n * 5_000 + 4_000,
            text: "哨".repeat(40),
        };
        let mut short: Vec<_> = (0..20).map(line).collect();
        assert_eq!((shorten(&mut short, ROOM), short.len()), (0, 20));
        let mut long: Vec<_> = (0..2_000).map(line).collect();
        let left_out = shorten(&mut long, ROOM);
        assert!(serde_json::to_vec(&long).unwrap().len() < MAX_MESSAGE_BYTES - 4_096);
        assert!(left_out > 0);
        assert_eq!(long.len() + left_out as usize, 2_000);
    }
}
