//! One message inside a transaction. The caller holds the tenant's lock.

use jiff::tz::TimeZone;
use protocol::limits::{MAX_EVIDENCE_PER_INCIDENT, MAX_MESSAGE_BYTES};
use protocol::{
    Chance, Envelope, Event, IncidentKind, MessageId, Origin, Outcome, Receipt, ReceiptOutcome, Status,
    Topic, UtcMs,
};

use super::message::{Message, Place};
use super::revision::revision;
use super::seen::Seen;
use super::store::{self, Remembered, Unreadable};
use crate::change::{self, ChangeTopic};
use crate::db::{Result, Tx};
use crate::gazetteer::Gazetteers;
use crate::grid::Grids;
use crate::policy::Policies;
use crate::{case, command, device};

/// What applying needs besides the transaction.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub chance: &'a Chance,
    pub zone: &'a TimeZone,
    pub now: UtcMs,
    /// Messages that one box may have in quarantine.
    pub quarantine_most: i64,
    /// How long after its case was opened a callback number is kept.
    pub contact_life_ms: i64,
    pub policies: &'a Policies,
    pub grids: &'a Grids,
    pub gazetteers: &'a Gazetteers,
}

/// Longest reason of a quarantine, in characters: it stands in lists and in the receipt.
const MOST_REASON: usize = 500;

/// A reason quotes what a box sent: no longer than people read, and without what a database cannot keep.
pub(super) fn readable(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(MOST_REASON).collect()
}

/// Applies a message; returns the receipt when it has an id.
pub(super) async fn apply(
    tx: &mut Tx,
    context: Context<'_>,
    seen: &mut Seen,
    message: &Message<'_>,
) -> Result<Option<Receipt>> {
    match message.topic {
        Topic::Event(origin, id) => event(tx, context, seen, (origin, *id), message).await,
        Topic::Status(origin) => {
            status(tx, context, seen, origin, message.payload, message.retained).await.map(|()| None)
        }
        // Live words are passed on without being kept; receipts and commands are ours and never come up.
        Topic::Live(_) | Topic::Receipt(..) | Topic::Command(..) => Ok(None),
    }
}

/// Keeps bytes that cannot be read, with the reason; refuses them when this box has filled its quarantine.
pub(super) async fn quarantine(
    tx: &mut Tx,
    context: Context<'_>,
    seen: &mut Seen,
    topic: &Topic,
    payload: &[u8],
    reason: &str,
) -> Result<Option<Receipt>> {
    let (origin, id) = match topic {
        Topic::Event(origin, id) => (origin, Some(*id)),
        other => (other.origin(), None),
    };
    let (reason, topic) = (readable(reason), topic.to_string());
    let quarantine_id = context.chance.uuid_v7(context.now).to_string();
    let message_id = id.as_ref();
    let row = Unreadable { id: &quarantine_id, topic: &topic, message_id, reason: &reason, content: payload };
    let kept = store::quarantine(tx, origin, row, context.quarantine_most, context.now).await?;
    if !kept {
        tracing::warn!(device = %origin.device, reason, "not kept: the quarantine of this box is full");
        let most = context.quarantine_most;
        let reason =
            format!("unreadable ({reason}), and {most} messages of this box are in quarantine already");
        return Ok(id.map(|id| receipt(id, ReceiptOutcome::Refused, Some(reason), context.now)));
    }
    change::record(tx, origin.tenant.as_str(), context.now, ChangeTopic::Quarantine, &quarantine_id);
    let Some(id) = id else { return Ok(None) };
    let place = Place::read(payload);
    let message = Remembered { id: &id, place, word: "unreadable", reason: Some(&reason) };
    store::remember(tx, origin, &message, context.now);
    if let Some(place) = place {
        seen.count(origin, place);
    }
    Ok(Some(receipt(id, ReceiptOutcome::Quarantined, Some(reason), context.now)))
}

fn receipt(message_id: MessageId, outcome: ReceiptOutcome, reason: Option<String>, at: UtcMs) -> Receipt {
    Receipt { message_id, outcome, reason, at }
}

async fn event(
    tx: &mut Tx,
    context: Context<'_>,
    seen: &mut Seen,
    (origin, id): (&Origin, MessageId),
    message: &Message<'_>,
) -> Result<Option<Receipt>> {
    let payload = message.payload;
    let refused = |reason: &str| receipt(id, ReceiptOutcome::Refused, Some(reason.to_owned()), context.now);
    // How a broker clears a message that it kept for a topic; no box says nothing.
    if payload.is_empty() {
        return Ok(None);
    }
    // Who is shut out, or not known since an old backup was brought back, gets no receipt: a receipt would let go of
    // what the box holds, and it may be let in again.
    if seen.device(tx, origin).await? != Some("enrolled") {
        tracing::warn!(device = %origin.device, "an event of a box that is not enrolled here, or was disabled");
        return Ok(None);
    }
    if let Some(fate) = seen.fate(origin, id) {
        return Ok(Some(if fate.device_id != origin.device.as_str() {
            refused("another device has used this message id")
        } else if fate.outcome == "quarantined" {
            receipt(id, ReceiptOutcome::Quarantined, fate.reason.clone(), context.now)
        } else {
            receipt(id, ReceiptOutcome::Duplicate, None, context.now)
        }));
    }
    let unreadable = match &message.envelope {
        Some(Ok(envelope)) => body(tx, context, seen, origin, envelope).await?,
        Some(Err(reason)) => Some(reason.clone()),
        None => {
            let size_bytes = payload.len();
            return Ok(Some(refused(&format!(
                "{size_bytes} bytes are more than the {MAX_MESSAGE_BYTES} allowed for one message"
            ))));
        }
    };
    let answer = match unreadable {
        None => receipt(id, ReceiptOutcome::Stored, None, context.now),
        Some(reason) => {
            let topic = Topic::Event(origin.clone(), id);
            let kept = quarantine(tx, context, seen, &topic, payload, &reason).await?;
            kept.unwrap_or_else(|| refused(&reason))
        }
    };
    // What was refused leaves nothing behind, and is judged anew when it comes again.
    if answer.outcome != ReceiptOutcome::Refused {
        seen.keep(origin, &answer);
    }
    Ok(Some(answer))
}

/// Stores a readable event; `Some` is the reason why it cannot stand, before anything was written.
async fn body(
    tx: &mut Tx,
    context: Context<'_>,
    seen: &mut Seen,
    origin: &Origin,
    envelope: &Envelope,
) -> Result<Option<String>> {
    let word = match &envelope.event {
        Event::Incident(found) if found.kind == IncidentKind::DeviceLost => {
            return Ok(Some("only the hub says that a box is lost".to_owned()));
        }
        Event::Incident(found) => {
            let incident_id = found.incident_id.to_string();
            let known = seen.desk.incident(tx, origin.tenant.as_str(), &incident_id).await?;
            if known.as_ref().is_some_and(|known| known.device_id != origin.device.as_str()) {
                return Ok(Some(format!("incident {} belongs to another device", found.incident_id)));
            }
            revision(tx, context, &mut seen.desk, origin, found, known).await?;
            "incident"
        }
        Event::Answer(answer) => {
            if let Outcome::Done { evidence } = &answer.outcome
                && evidence.len() > MAX_EVIDENCE_PER_INCIDENT
            {
                return Ok(Some(format!("the answer lists {} pieces of evidence", evidence.len())));
            }
            seen.desk.clear(tx).await?;
            command::store::apply_answer(tx, origin, answer, context.now).await?;
            "answer"
        }
        Event::Tombstone(tombstone) => {
            tracing::warn!(device = %origin.device, reason = tombstone.reason, "a box tells of a loss");
            if let Some(incident_id) = tombstone.incident_id {
                seen.desk.clear(tx).await?;
                case::store::note_loss(tx, origin, &incident_id, &tombstone.reason, context.now).await?;
            }
            "tombstone"
        }
    };
    let place = Place::of(envelope.boot, envelope.sequence);
    let message = Remembered { id: &envelope.id, place: Some(place), word, reason: None };
    store::remember(tx, origin, &message, context.now);
    seen.count(origin, place);
    Ok(None)
}

async fn status(
    tx: &mut Tx,
    context: Context<'_>,
    seen: &mut Seen,
    origin: &Origin,
    payload: &[u8],
    retained: bool,
) -> Result<()> {
    if seen.device(tx, origin).await? != Some("enrolled") {
        return Ok(());
    }
    match serde_json::from_slice::<Status>(payload) {
        Ok(status) => device::store::save_status(tx, origin, &status, retained, context.now).await,
        // An empty payload is how a broker clears a retained message.
        Err(_) if payload.is_empty() => Ok(()),
        Err(error) => {
            let reason = format!("not a status: {error}");
            quarantine(tx, context, seen, &Topic::Status(origin.clone()), payload, &reason).await.map(drop)
        }
    }
}
