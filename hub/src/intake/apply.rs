//! One message inside a transaction. The caller holds the tenant's lock.

use jiff::tz::TimeZone;
use protocol::{
    Chance, Envelope, Event, Incident, MessageId, Origin, Phase, Receipt, ReceiptOutcome, Status, Topic,
    UtcMs,
};
use serde_json::json;

use super::store::{self, Unreadable};
use crate::case::{self, number};
use crate::change::{self, ChangeTopic};
use crate::db::{Result, Tx};
use crate::{command, correlation, device, evidence};

/// What applying needs besides the transaction.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub chance: &'a Chance,
    pub zone: &'a TimeZone,
    pub now: UtcMs,
}

/// Applies what came on `topic`; returns the receipt when the message has an id.
pub async fn apply(
    tx: &mut Tx,
    context: Context<'_>,
    topic: &Topic,
    payload: &[u8],
    retained: bool,
) -> Result<Option<Receipt>> {
    match topic {
        Topic::Event(origin, id) => event(tx, context, origin, *id, payload).await.map(Some),
        Topic::Status(origin) => status(tx, context, origin, payload, retained).await.map(|()| None),
        // Live words are passed on without being kept; receipts and commands are ours and never come up.
        Topic::Live(_) | Topic::Receipt(..) | Topic::Command(..) => Ok(None),
    }
}

/// Keeps bytes that cannot be read, with the reason.
pub(super) async fn quarantine(
    tx: &mut Tx,
    context: Context<'_>,
    topic: &Topic,
    payload: &[u8],
    reason: &str,
) -> Result<Option<Receipt>> {
    let (origin, message_id) = match topic {
        Topic::Event(origin, id) => (origin, Some(id)),
        other => (other.origin(), None),
    };
    let quarantine_id = context.chance.uuid_v7(context.now).to_string();
    let row =
        Unreadable { id: &quarantine_id, topic: &topic.to_string(), message_id, reason, content: payload };
    store::quarantine(tx, origin, row, context.now).await?;
    if let Some(id) = message_id {
        store::insert_unreadable(tx, origin, id, reason, context.now).await?;
    }
    change::record(tx, origin.tenant.as_str(), context.now, ChangeTopic::Quarantine, &quarantine_id).await?;
    Ok(message_id.map(|id| receipt(*id, ReceiptOutcome::Quarantined, Some(reason.to_owned()), context.now)))
}

fn receipt(message_id: MessageId, outcome: ReceiptOutcome, reason: Option<String>, at: UtcMs) -> Receipt {
    Receipt { message_id, outcome, reason, at }
}

async fn event(
    tx: &mut Tx,
    context: Context<'_>,
    origin: &Origin,
    id: MessageId,
    payload: &[u8],
) -> Result<Receipt> {
    let refused = |reason: &str| receipt(id, ReceiptOutcome::Refused, Some(reason.to_owned()), context.now);
    match device::store::state_in_tx(tx, origin).await?.as_deref() {
        Some("enrolled") => {}
        Some(_) => return Ok(refused("this device is not enrolled here, or was disabled")),
        None => return Ok(refused("this hub does not know the device")),
    }
    if let Some((sender, outcome, reason)) = store::message(tx, origin.tenant.as_str(), &id).await? {
        return Ok(if sender != origin.device.as_str() {
            refused("another device has used this message id")
        } else if outcome == "quarantined" {
            receipt(id, ReceiptOutcome::Quarantined, reason, context.now)
        } else {
            receipt(id, ReceiptOutcome::Duplicate, None, context.now)
        });
    }
    let topic = Topic::Event(origin.clone(), id);
    let unreadable = match Envelope::decode(payload, origin) {
        Ok(envelope) if envelope.id == id => match body(tx, context, origin, &envelope).await? {
            None => return Ok(receipt(id, ReceiptOutcome::Stored, None, context.now)),
            Some(reason) => reason,
        },
        Ok(envelope) => format!("the envelope's id {} is not the topic's {id}", envelope.id),
        Err(error) => error.to_string(),
    };
    let kept = quarantine(tx, context, &topic, payload, &unreadable).await?;
    Ok(kept.unwrap_or_else(|| refused(&unreadable)))
}

/// Stores a readable event; `Some` is the reason why it cannot stand, before anything was written.
async fn body(
    tx: &mut Tx,
    context: Context<'_>,
    origin: &Origin,
    envelope: &Envelope,
) -> Result<Option<String>> {
    let word = match &envelope.event {
        Event::Incident(found) => {
            let known = store::known_incident(tx, origin.tenant.as_str(), found).await?;
            if known.is_some_and(|known| known.device_id != origin.device.as_str()) {
                return Ok(Some(format!("incident {} belongs to another device", found.incident_id)));
            }
            incident(tx, context, origin, found).await?;
            "incident"
        }
        Event::Answer(answer) => {
            command::store::apply_answer(tx, origin, answer, context.now).await?;
            "answer"
        }
        Event::Tombstone(tombstone) => {
            tracing::warn!(device = %origin.device, reason = tombstone.reason, "a box tells of a loss");
            if let Some(incident_id) = tombstone.incident_id {
                case::store::note_loss(tx, origin, &incident_id, &tombstone.reason, context.now).await?;
            }
            "tombstone"
        }
    };
    store::insert_message(tx, origin, envelope, word, context.now).await?;
    Ok(None)
}

/// Stores one revision of an incident and puts it into its case. Also the way in for what the hub itself says of a
/// silent box.
pub async fn incident(tx: &mut Tx, context: Context<'_>, origin: &Origin, incident: &Incident) -> Result<()> {
    let tenant = origin.tenant.as_str();
    let now = context.now;
    let cause = correlation::cause(origin, incident);
    let known = store::known_incident(tx, tenant, incident).await?;
    if known.as_ref().is_some_and(|known| known.revision >= i64::from(incident.revision)) {
        return Ok(());
    }
    let case_id = match &known {
        Some(known) => known.case_id.clone(),
        None => {
            let new_id = context.chance.uuid_v7(now).to_string();
            let day = number::local_day(now, context.zone);
            let new = case::store::NewCase { case_id: &new_id, day: &day, now };
            case::store::open_or_join(tx, origin, incident, &cause, new).await?
        }
    };
    store::put_incident(tx, origin, incident, &case_id, now).await?;
    let owner_id = incident.incident_id.to_string();
    for file in &incident.evidence {
        evidence::store::link(tx, origin, "incident", &owner_id, file).await?;
    }
    if let Some(known) = &known {
        case::store::raise(tx, origin, incident, &case_id, &known.case_severity, now).await?;
        if cause.joins_closed {
            store::rename_case(tx, tenant, &case_id, &cause).await?;
        }
    }
    let ended_before = known.as_ref().is_some_and(|known| known.phase == Phase::Ended.as_str());
    if incident.phase == Phase::Ended && !ended_before {
        let detail = json!({ "incident_id": incident.incident_id, "ended_at": incident.ended_at });
        let actor = case::store::actor(origin, incident);
        case::store::append(tx, tenant, &case_id, now, &actor, "ended", &detail).await?;
    } else if known.is_some() {
        case::store::touch(tx, tenant, &case_id, now).await?;
    }
    Ok(())
}

async fn status(
    tx: &mut Tx,
    context: Context<'_>,
    origin: &Origin,
    payload: &[u8],
    retained: bool,
) -> Result<()> {
    if device::store::state_in_tx(tx, origin).await?.as_deref() != Some("enrolled") {
        return Ok(());
    }
    match serde_json::from_slice::<Status>(payload) {
        Ok(status) => device::store::save_status(tx, origin, &status, retained, context.now).await,
        // An empty payload is how a broker clears a retained message.
        Err(_) if payload.is_empty() => Ok(()),
        Err(error) => {
            let reason = format!("not a status: {error}");
            quarantine(tx, context, &Topic::Status(origin.clone()), payload, &reason).await.map(drop)
        }
    }
}
