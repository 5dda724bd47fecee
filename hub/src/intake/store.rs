//! SQL of intake: messages, incidents, quarantine.

use protocol::{Incident, MessageId, Origin, Subject, UtcMs};
use sqlx::AssertSqlSafe;

use super::Quarantined;
use super::apply::Place;
use crate::case::store::head_columns;
use crate::db::from_row;
use crate::db::{Arg, Db, Insert, Result, Tx, placeholders};
use crate::{args, case};

const MESSAGES: Insert = Insert {
    into: "insert into messages (tenant, message_id, device_id, boot, sequence, type, received_at_ms, outcome, reason)",
    tail: "on conflict (tenant, message_id) do nothing",
};

/// Ids asked for at once.
const IDS: usize = 32;

/// What became of a message before.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) message_id: String,
    pub(super) device_id: String,
    pub(super) outcome: String,
    pub(super) reason: Option<String>,
}

from_row!(Fate: message_id, device_id, outcome, reason);

/// What became of these messages, of those that were here.
pub(super) async fn fates(tx: &mut Tx, tenant: &str, ids: &[&MessageId]) -> Result<Vec<Fate>> {
    let mut all = Vec::new();
    for part in ids.chunks(IDS) {
        // Always the same number of placeholders, so that the database prepares one text.
        let filled = part.iter().chain(std::iter::repeat(&part[0])).take(IDS);
        let args = std::iter::once(Arg::from(tenant)).chain(filled.map(|id| Arg::from(*id))).collect();
        let sql = format!(
            "select message_id, device_id, outcome, reason from messages
             where tenant = $1 and message_id in {}",
            placeholders(2, IDS)
        );
        all.extend(tx.fetch_all::<Fate>(AssertSqlSafe(sql), args).await?);
    }
    Ok(all)
}

/// What is remembered of a message, so that its redelivery is answered alike.
pub(super) struct Remembered<'a> {
    pub(super) id: &'a MessageId,
    /// Nothing when it could not be read that far.
    pub(super) place: Option<Place>,
    pub(super) word: &'a str,
    /// Why it is in quarantine; nothing for what was stored.
    pub(super) reason: Option<&'a str>,
}

pub(super) fn remember(tx: &mut Tx, origin: &Origin, message: &Remembered<'_>, now: UtcMs) {
    let outcome = if message.reason.is_some() { "quarantined" } else { "stored" };
    let row = args![
        &origin.tenant,
        message.id,
        &origin.device,
        message.place.map_or_else(String::new, |place| place.boot.to_string()),
        message.place.map_or(0, |place| place.sequence),
        message.word,
        now,
        outcome,
        message.reason
    ];
    tx.later(MESSAGES, row);
}

pub(super) struct KnownIncident {
    pub(super) device_id: String,
    pub(super) revision: i64,
    pub(super) phase: String,
    pub(super) case: case::store::Head,
}

from_row!(KnownIncident: device_id, revision, phase; flat case);

pub(super) async fn known_incident(
    tx: &mut Tx,
    tenant: &str,
    incident: &Incident,
) -> Result<Option<KnownIncident>> {
    tx.fetch_optional(
        concat!(
            "select i.device_id, i.revision, i.phase, ",
            head_columns!("c."),
            " from incidents i join cases c on c.tenant = i.tenant and c.case_id = i.case_id
             where i.tenant = $1 and i.incident_id = $2"
        ),
        args![tenant, &incident.incident_id],
    )
    .await
}

/// Inserts the incident, or replaces an older revision.
pub(super) async fn put_incident(
    tx: &mut Tx,
    origin: &Origin,
    incident: &Incident,
    case_id: &str,
    now: UtcMs,
) -> Result<()> {
    let (camera, call) = match &incident.subject {
        Subject::Camera(camera) => (Some(camera.camera_id.to_string()), None),
        Subject::Call(call) => (None, Some(call.call_id.to_string())),
        Subject::Device => (None, None),
    };
    let data = serde_json::to_string(incident).map_err(|error| sqlx::Error::Encode(error.into()))?;
    tx.execute(
        "insert into incidents (tenant, incident_id, device_id, revision, phase, kind, severity, camera_id, call_id,
             case_id, started_at_ms, updated_at_ms, ended_at_ms, first_received_at_ms, received_at_ms, drill, data)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16)
         on conflict (tenant, incident_id) do update set revision = excluded.revision, phase = excluded.phase,
             kind = excluded.kind, severity = excluded.severity, started_at_ms = excluded.started_at_ms,
             updated_at_ms = excluded.updated_at_ms, ended_at_ms = excluded.ended_at_ms,
             received_at_ms = excluded.received_at_ms, data = excluded.data
         where incidents.revision < excluded.revision",
        args![
            &origin.tenant,
            &incident.incident_id,
            &origin.device,
            i64::from(incident.revision),
            incident.phase.as_str(),
            incident.kind.as_str(),
            incident.severity.as_str(),
            camera,
            call,
            case_id,
            incident.started_at,
            incident.updated_at,
            incident.ended_at,
            now,
            incident.drill,
            data
        ],
    )
    .await?;
    Ok(())
}

/// A call's place, its caller and the name by which its exchange knows it may become known only in a later revision: the
/// case is then that call's, by its title, for those who look for it and for incidents to come. When another case is the
/// announced call's already, only incidents to come go on to that one.
pub(super) async fn rename_case(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    cause: &crate::correlation::Cause,
) -> Result<()> {
    tx.execute(
        "update cases set title_zh = $3, title_en = $4, place = $5, call_id = $6,
             correlation_key = case when exists (
                 select 1 from cases other
                 where other.tenant = $1 and other.correlation_key = $7 and other.case_id <> $2
             ) then correlation_key else $7 end
         where tenant = $1 and case_id = $2",
        args![
            tenant,
            case_id,
            &cause.title_zh,
            &cause.title_en,
            cause.place.clone(),
            cause.call_id.map(|id| id.to_string()),
            &cause.key
        ],
    )
    .await?;
    Ok(())
}

/// What is kept of bytes that could not be read.
pub(super) struct Unreadable<'a> {
    pub(super) id: &'a str,
    pub(super) topic: &'a str,
    pub(super) message_id: Option<&'a MessageId>,
    pub(super) reason: &'a str,
    pub(super) content: &'a [u8],
}

/// Of a topic without message ids only the newest is kept: the next one says the same. `false` when this box has as
/// many there as it may.
pub(super) async fn quarantine(
    tx: &mut Tx,
    origin: &Origin,
    row: Unreadable<'_>,
    most: i64,
    now: UtcMs,
) -> Result<bool> {
    if row.message_id.is_none() {
        tx.execute(
            "delete from quarantine where tenant = $1 and device_id = $2 and topic = $3",
            args![&origin.tenant, &origin.device, row.topic],
        )
        .await?;
    }
    let (held,): (i64,) = tx
        .fetch_one(
            "select count(*) from quarantine where tenant = $1 and device_id = $2",
            args![&origin.tenant, &origin.device],
        )
        .await?;
    if held >= most {
        return Ok(false);
    }
    tx.execute(
        "insert into quarantine (tenant, quarantine_id, device_id, topic, message_id, reason, received_at_ms, content)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            &origin.tenant,
            row.id,
            &origin.device,
            row.topic,
            row.message_id.map(ToString::to_string),
            row.reason,
            now,
            row.content.to_vec()
        ],
    )
    .await?;
    Ok(true)
}

/// Forgets what has lain in quarantine since before `before_ms`. Safe to run twice.
pub async fn forget_quarantine(db: &Db, before_ms: i64) -> Result<u64> {
    db.execute("delete from quarantine where received_at_ms < $1", args![before_ms]).await
}

/// Only messages `q` of boxes that a user may see; of no box, only for who sees them all.
macro_rules! seen_message {
    ($user:literal) => {
        concat!(
            " and (cast(",
            $user,
            " as text) = '' or exists (
                select 1 from grants g
                left join devices d on d.tenant = g.tenant and d.device_id = q.device_id
                where g.tenant = q.tenant and g.user_name = ",
            $user,
            " and g.role in ('administrator', 'operator', 'commander', 'shift_leader', 'auditor') and g.unit = ''
                  and substr(coalesce(d.area, '/'), 1, length(g.area)) = g.area))"
        )
    };
}
pub(crate) use seen_message;

/// Newest first, of what a user may see.
pub async fn quarantined(db: &Db, tenant: &str, user: &str, limit: i64) -> Result<Vec<Quarantined>> {
    db.fetch_all(
        concat!(
            "select quarantine_id, device_id, topic, message_id, reason, received_at_ms,
                    cast(length(content) as bigint) as size_bytes
             from quarantine q where tenant = $1",
            seen_message!("$3"),
            " order by received_at_ms desc, quarantine_id limit $2"
        ),
        args![tenant, limit, user],
    )
    .await
}

/// One quarantined message with its bytes.
pub async fn quarantined_one(
    db: &Db,
    tenant: &str,
    user: &str,
    id: &str,
) -> Result<Option<(Quarantined, Vec<u8>)>> {
    let row: Option<Quarantined> = db
        .fetch_optional(
            concat!(
                "select quarantine_id, device_id, topic, message_id, reason, received_at_ms,
                        cast(length(content) as bigint) as size_bytes
                 from quarantine q where tenant = $1 and quarantine_id = $2",
                seen_message!("$3")
            ),
            args![tenant, id, user],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (content,): (Vec<u8>,) = db
        .fetch_one(
            "select content from quarantine where tenant = $1 and quarantine_id = $2",
            args![tenant, id],
        )
        .await?;
    Ok(Some((row, content)))
}
