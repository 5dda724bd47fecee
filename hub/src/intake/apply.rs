//! One message inside a transaction. The caller holds the tenant's lock.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use protocol::limits::{MAX_EVIDENCE_PER_INCIDENT, MAX_MESSAGE_BYTES};
use protocol::{
    BootId, Chance, Envelope, Event, Incident, IncidentKind, MessageId, Origin, Outcome, Phase, Receipt,
    ReceiptOutcome, Status, Subject, TenantId, Topic, UtcMs,
};
use serde_json::json;

use super::store::{self, Fate, KnownIncident, Remembered, Unreadable};
use crate::case::store::Placed;
use crate::case::{self, number};
use crate::change::{self, ChangeTopic};
use crate::db::{Result, Tx};
use crate::gazetteer::{self, Gazetteers, Searching, Told};
use crate::grid::Grids;
use crate::policy::Policies;
use crate::workflow::store::With;
use crate::{command, contact, correlation, device, evidence};

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

/// Where a message stands among those of its box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) boot: BootId,
    pub(super) sequence: i64,
}

/// No box counts further; what says more would only spoil sums.
const MOST_SEQUENCE: u64 = 1 << 40;

impl Place {
    fn of(boot: BootId, sequence: u64) -> Self {
        Self { boot, sequence: sequence.min(MOST_SEQUENCE) as i64 }
    }

    /// From bytes that are no whole envelope.
    fn read(payload: &[u8]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Head {
            boot: BootId,
            sequence: u64,
        }
        serde_json::from_slice::<Head>(payload).ok().map(|head| Self::of(head.boot, head.sequence))
    }
}

/// Longest reason of a quarantine, in characters: it stands in lists and in the receipt.
const MOST_REASON: usize = 500;

/// A reason quotes what a box sent: no longer than people read, and without what a database cannot keep.
pub(super) fn readable(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(MOST_REASON).collect()
}

/// What a transaction has learned of boxes and messages; true as long as it holds their tenants' locks.
#[derive(Debug, Default)]
pub(super) struct Seen {
    devices: HashMap<Origin, Option<String>>,
    fates: HashMap<(TenantId, String), Fate>,
    /// Of each run of a box: highest number and how many, of what this transaction keeps.
    runs: HashMap<(Origin, BootId), (i64, i64)>,
}

impl Seen {
    /// Asks once for all messages of a batch.
    pub(super) async fn read(tx: &mut Tx, topics: impl Iterator<Item = &Topic>) -> Result<Self> {
        let mut by_tenant: BTreeMap<&str, (&TenantId, Vec<&MessageId>)> = BTreeMap::new();
        for topic in topics {
            if let Topic::Event(origin, id) = topic {
                let entry = by_tenant.entry(origin.tenant.as_str());
                entry.or_insert_with(|| (&origin.tenant, Vec::new())).1.push(id);
            }
        }
        let mut seen = Self::default();
        for (name, (tenant, ids)) in by_tenant {
            for fate in store::fates(tx, name, &ids).await? {
                seen.fates.insert((tenant.clone(), fate.message_id.clone()), fate);
            }
        }
        Ok(seen)
    }

    async fn device(&mut self, tx: &mut Tx, origin: &Origin) -> Result<Option<&str>> {
        if !self.devices.contains_key(origin) {
            let state = device::store::state_in_tx(tx, origin).await?;
            self.devices.insert(origin.clone(), state);
        }
        Ok(self.devices.get(origin).and_then(Option::as_deref))
    }

    fn count(&mut self, origin: &Origin, place: Place) {
        let (highest, count) = self.runs.entry((origin.clone(), place.boot)).or_default();
        *highest = (*highest).max(place.sequence);
        *count += 1;
    }

    /// Writes what was counted; the last act before the commit.
    pub(super) fn write(self, tx: &mut Tx) {
        for ((origin, boot), (highest, count)) in self.runs {
            device::store::count_messages(tx, &origin, boot, highest, count);
        }
    }

    fn fate(&self, origin: &Origin, id: MessageId) -> Option<&Fate> {
        self.fates.get(&(origin.tenant.clone(), id.to_string()))
    }

    fn keep(&mut self, origin: &Origin, receipt: &Receipt) {
        let fate = Fate {
            message_id: receipt.message_id.to_string(),
            device_id: origin.device.to_string(),
            outcome: receipt.outcome.as_str().to_owned(),
            reason: receipt.reason.clone(),
        };
        self.fates.insert((origin.tenant.clone(), fate.message_id.clone()), fate);
    }
}

/// Applies what came on `topic`; returns the receipt when the message has an id.
pub(super) async fn apply(
    tx: &mut Tx,
    context: Context<'_>,
    seen: &mut Seen,
    topic: &Topic,
    payload: &[u8],
    retained: bool,
) -> Result<Option<Receipt>> {
    match topic {
        Topic::Event(origin, id) => event(tx, context, seen, origin, *id, payload).await,
        Topic::Status(origin) => status(tx, context, seen, origin, payload, retained).await.map(|()| None),
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
    origin: &Origin,
    id: MessageId,
    payload: &[u8],
) -> Result<Option<Receipt>> {
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
    if payload.len() > MAX_MESSAGE_BYTES {
        let size_bytes = payload.len();
        return Ok(Some(refused(&format!(
            "{size_bytes} bytes are more than the {MAX_MESSAGE_BYTES} allowed for one message"
        ))));
    }
    let unreadable = match Envelope::decode(payload, origin) {
        Ok(mut envelope) if envelope.id == id => {
            if let Event::Incident(Incident { subject: Subject::Call(call), .. }) = &mut envelope.event {
                call.bound();
            }
            body(tx, context, seen, origin, &envelope).await?
        }
        Ok(envelope) => Some(format!("the envelope's id {} is not the topic's {id}", envelope.id)),
        Err(error) => Some(error.to_string()),
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
            let known = store::known_incident(tx, origin.tenant.as_str(), found).await?;
            if known.as_ref().is_some_and(|known| known.device_id != origin.device.as_str()) {
                return Ok(Some(format!("incident {} belongs to another device", found.incident_id)));
            }
            revision(tx, context, origin, found, known).await?;
            "incident"
        }
        Event::Answer(answer) => {
            if let Outcome::Done { evidence } = &answer.outcome
                && evidence.len() > MAX_EVIDENCE_PER_INCIDENT
            {
                return Ok(Some(format!("the answer lists {} pieces of evidence", evidence.len())));
            }
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
    let place = Place::of(envelope.boot, envelope.sequence);
    let message = Remembered { id: &envelope.id, place: Some(place), word, reason: None };
    store::remember(tx, origin, &message, context.now);
    seen.count(origin, place);
    Ok(None)
}

/// What the hub itself says of a silent box, by the same way.
pub async fn incident(tx: &mut Tx, context: Context<'_>, origin: &Origin, incident: &Incident) -> Result<()> {
    let known = store::known_incident(tx, origin.tenant.as_str(), incident).await?;
    revision(tx, context, origin, incident, known).await
}

/// Stores one revision of an incident and puts it into its case. An older revision than the known one tells
/// nothing new, except that it may have been more severe.
async fn revision(
    tx: &mut Tx,
    context: Context<'_>,
    origin: &Origin,
    incident: &Incident,
    known: Option<KnownIncident>,
) -> Result<()> {
    let (tenant, now) = (origin.tenant.as_str(), context.now);
    let (incident, callback) = contact::apart(incident);
    let incident = &*incident;
    let cause = correlation::cause(origin, incident);
    let (Placed { head: mut case, opened, counted }, phase_before) = match known {
        Some(known) => {
            let mut case = known.case;
            let lifted = case.raise(tx, origin, incident, now);
            if known.revision >= i64::from(incident.revision) {
                return if lifted { case.save(tx, tenant, now).await } else { Ok(()) };
            }
            let counted = case.is_damped();
            (Placed { head: case, opened: false, counted }, Some(known.phase))
        }
        None => {
            let new_id = context.chance.uuid_v7(now).to_string();
            let day = number::local_day(now, context.zone);
            let new = case::store::NewCase {
                case_id: &new_id,
                day: &day,
                now,
                policies: context.policies,
                grids: context.grids,
            };
            (case::store::open_or_join(tx, origin, incident, &cause, new).await?, None)
        }
    };
    case.signals(incident, now);
    store::put_incident(tx, origin, incident, &case.case_id, now).await?;
    if let Some(sealed) = callback {
        contact::store::keep(tx, tenant, &case.case_id, &sealed, now, context.contact_life_ms).await?;
    }
    let owner_id = incident.incident_id.to_string();
    for file in &incident.evidence {
        evidence::store::link(tx, origin, "incident", &owner_id, file);
    }
    if phase_before.is_some() && cause.joins_closed {
        store::rename_case(tx, tenant, &case.case_id, &cause).await?;
    }
    if let Some((text, grid)) = correlation::told(incident) {
        let with = Searching {
            gazetteers: context.gazetteers,
            grids: context.grids,
            policies: context.policies,
            now,
        };
        gazetteer::told(tx, tenant, &mut case, Told { text, grid, within: None }, with).await?;
    }
    if incident.phase == Phase::Ended && phase_before.as_deref() != Some(Phase::Ended.as_str()) && !counted {
        let detail = json!({ "incident_id": incident.incident_id, "ended_at": incident.ended_at });
        let actor = case::store::actor(origin, incident);
        case.note(tx, tenant, now, &actor, "ended", &detail);
    }
    let (case_id, joined_into) = (case.case_id.clone(), case.joined_into.clone());
    case.save(tx, tenant, now).await?;
    one_matter(tx, context, tenant, incident, (&case_id, joined_into), (opened, counted)).await
}

/// What is told of a case that was joined goes on to where the work is; a new case, or a call of which more is known, may
/// be the same matter as another one.
async fn one_matter(
    tx: &mut Tx,
    context: Context<'_>,
    tenant: &str,
    incident: &Incident,
    (case_id, joined_into): (&str, Option<String>),
    (opened, counted): (bool, bool),
) -> Result<()> {
    let (policies, now) = (context.policies, context.now);
    match joined_into {
        Some(_) if counted => Ok(()),
        Some(into) => {
            let severity = incident.severity;
            correlation::join::told_on(tx, tenant, &into, severity, incident.drill, policies, now).await
        }
        None if opened || matches!(incident.subject, Subject::Call(_)) => {
            let id = context.chance.uuid_v7(now).to_string();
            let with = With { policies, now, id: &id };
            correlation::join::consider(tx, tenant, case_id, with).await.map(drop)
        }
        None => Ok(()),
    }
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
