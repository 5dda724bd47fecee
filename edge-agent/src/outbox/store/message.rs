//! Messages, what the hub refused of them, incidents told as open, commands answered.

use protocol::{CommandId, Incident, IncidentId, MessageId, UtcMs};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row, query, query_scalar};

use super::{Result, decode_error, unsigned};
use crate::outbox::{Place, Rejected};

/// A message about to be written.
pub(in crate::outbox) struct NewMessage<'a> {
    pub(in crate::outbox) message_id: MessageId,
    pub(in crate::outbox) source: &'a str,
    pub(in crate::outbox) boot: &'a str,
    pub(in crate::outbox) sequence: u64,
    pub(in crate::outbox) incident: Option<(IncidentId, Option<u32>)>,
    pub(in crate::outbox) phase: Option<&'a str>,
    pub(in crate::outbox) priority: u8,
    pub(in crate::outbox) envelope: &'a [u8],
    pub(in crate::outbox) at: UtcMs,
}

pub(in crate::outbox) async fn next_sequence(db: &mut SqliteConnection, boot: &str) -> Result<u64> {
    let next: i64 = query_scalar(
        "insert into boot (boot, last_sequence) values ($1, 1)
         on conflict (boot) do update set last_sequence = last_sequence + 1 returning last_sequence",
    )
    .bind(boot)
    .fetch_one(db)
    .await?;
    Ok(unsigned(next))
}

/// All waiting rows of an incident share the best priority among them, so its revisions keep their order.
pub(in crate::outbox) async fn share_priority(
    db: &mut SqliteConnection,
    incident_id: IncidentId,
    priority: u8,
) -> Result<u8> {
    let incident_id = incident_id.to_string();
    let best: Option<i64> = query_scalar("select min(priority) from message where incident_id = $1")
        .bind(&incident_id)
        .fetch_one(&mut *db)
        .await?;
    let best = best.map_or(priority, |best| priority.min(best as u8));
    query("update message set priority = $2 where incident_id = $1 and priority > $2")
        .bind(&incident_id)
        .bind(i64::from(best))
        .execute(db)
        .await?;
    Ok(best)
}

pub(in crate::outbox) async fn insert_message(db: &mut SqliteConnection, new: &NewMessage<'_>) -> Result<()> {
    query(
        "insert into message (message_id, source, boot, sequence, incident_id, revision, phase, priority, envelope,
             created_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.message_id.to_string())
    .bind(new.source)
    .bind(new.boot)
    .bind(new.sequence as i64)
    .bind(new.incident.map(|(id, _)| id.to_string()))
    .bind(new.incident.and_then(|(_, revision)| revision).map(i64::from))
    .bind(new.phase)
    .bind(i64::from(new.priority))
    .bind(new.envelope)
    .bind(new.at.0)
    .execute(db)
    .await
    .map(drop)
}

/// The waiting message of this revision, when it was written before.
pub(in crate::outbox) async fn find_revision(
    db: &mut SqliteConnection,
    incident_id: IncidentId,
    revision: u32,
) -> Result<Option<MessageId>> {
    let found: Option<String> =
        query_scalar("select message_id from message where incident_id = $1 and revision = $2")
            .bind(incident_id.to_string())
            .bind(i64::from(revision))
            .fetch_optional(db)
            .await?;
    found.map(|id| id.parse().map_err(decode_error)).transpose()
}

/// The next messages in sending order after `after`.
pub(in crate::outbox) async fn head(
    db: &mut SqliteConnection,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<(Place, MessageId)>> {
    let after = after.unwrap_or(Place { priority: -1, position: -1 });
    query(
        "select priority, position, message_id from message
         where priority > $1 or (priority = $1 and position > $2)
         order by priority, position limit $3",
    )
    .bind(after.priority)
    .bind(after.position)
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?
    .iter()
    .map(|row| {
        let id: &str = row.try_get("message_id")?;
        let place = Place { priority: row.try_get("priority")?, position: row.try_get("position")? };
        Ok((place, id.parse().map_err(decode_error)?))
    })
    .collect()
}

pub(in crate::outbox) async fn envelope(db: &mut SqliteConnection, id: MessageId) -> Result<Option<Vec<u8>>> {
    query_scalar("select envelope from message where message_id = $1")
        .bind(id.to_string())
        .fetch_optional(db)
        .await
}

/// Deletes a message and returns its bytes; `None` when it was not there (a second receipt).
pub(in crate::outbox) async fn take_message(
    db: &mut SqliteConnection,
    id: MessageId,
) -> Result<Option<Vec<u8>>> {
    query_scalar("delete from message where message_id = $1 returning envelope")
        .bind(id.to_string())
        .fetch_optional(db)
        .await
}

/// Removes up to `limit` `updated` revisions that a later waiting revision replaces; their files pass to it.
/// Returns boot and sequence of each.
pub(in crate::outbox) async fn remove_superseded(
    db: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<(String, u64)>> {
    let rows = query(
        "select m.position, m.message_id, m.boot, m.sequence, (
             select n.message_id from message n
             where n.incident_id = m.incident_id order by n.revision desc limit 1) as heir
         from message m
         where m.phase = 'updated' and exists (
             select 1 from message n where n.incident_id = m.incident_id and n.revision > m.revision)
         order by m.position limit $1",
    )
    .bind(i64::from(limit))
    .fetch_all(&mut *db)
    .await?;
    let mut removed = Vec::with_capacity(rows.len());
    for row in rows {
        query("update evidence set message_id = $2 where message_id = $1")
            .bind(row.try_get::<String, _>("message_id")?)
            .bind(row.try_get::<String, _>("heir")?)
            .execute(&mut *db)
            .await?;
        query("delete from message where position = $1")
            .bind(row.try_get::<i64, _>("position")?)
            .execute(&mut *db)
            .await?;
        removed.push((row.try_get("boot")?, unsigned(row.try_get("sequence")?)));
    }
    Ok(removed)
}

/// Messages that came from another name of this box (before it was enrolled, or enrolled anew).
pub(in crate::outbox) async fn foreign(
    db: &mut SqliteConnection,
    source: &str,
    limit: u32,
) -> Result<Vec<(MessageId, Vec<u8>)>> {
    query("select message_id, envelope from message where source <> $1 order by position limit $2")
        .bind(source)
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?
        .iter()
        .map(|row| {
            let id: &str = row.try_get("message_id")?;
            Ok((id.parse().map_err(decode_error)?, row.try_get("envelope")?))
        })
        .collect()
}

pub(in crate::outbox) async fn rewrite(
    db: &mut SqliteConnection,
    id: MessageId,
    source: &str,
    envelope: &[u8],
) -> Result<()> {
    query("update message set source = $2, envelope = $3 where message_id = $1")
        .bind(id.to_string())
        .bind(source)
        .bind(envelope)
        .execute(db)
        .await
        .map(drop)
}

pub(in crate::outbox) struct NewRejected<'a> {
    pub(in crate::outbox) id: MessageId,
    pub(in crate::outbox) outcome: &'a str,
    pub(in crate::outbox) reason: &'a str,
    pub(in crate::outbox) envelope: &'a [u8],
    pub(in crate::outbox) at: UtcMs,
    /// By the wall clock, for people.
    pub(in crate::outbox) told_at: UtcMs,
}

pub(in crate::outbox) async fn insert_rejected(
    db: &mut SqliteConnection,
    new: &NewRejected<'_>,
) -> Result<()> {
    query(
        "insert into rejected (message_id, outcome, reason, envelope, at_ms, told_at_ms)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (message_id) do nothing",
    )
    .bind(new.id.to_string())
    .bind(new.outcome)
    .bind(new.reason)
    .bind(new.envelope)
    .bind(new.at.0)
    .bind(new.told_at.0)
    .execute(db)
    .await
    .map(drop)
}

/// What the hub did not take, newest first.
pub(in crate::outbox) async fn rejected(db: &mut SqliteConnection, limit: u32) -> Result<Vec<Rejected>> {
    query(
        "select message_id, outcome, reason, coalesce(told_at_ms, at_ms) as told_at_ms from rejected
         order by at_ms desc limit $1",
    )
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?
    .iter()
    .map(|row| {
        Ok(Rejected {
            message_id: row.try_get("message_id")?,
            outcome: row.try_get("outcome")?,
            reason: row.try_get("reason")?,
            at: UtcMs(row.try_get("told_at_ms")?),
        })
    })
    .collect()
}

pub(in crate::outbox) async fn set_open(db: &mut SqliteConnection, incident: &Incident) -> Result<()> {
    let json = serde_json::to_string(incident).map_err(decode_error)?;
    query(
        "insert into open_incident (incident_id, incident) values ($1, $2)
         on conflict (incident_id) do update set incident = excluded.incident",
    )
    .bind(incident.incident_id.to_string())
    .bind(json)
    .execute(db)
    .await
    .map(drop)
}

pub(in crate::outbox) async fn set_closed(db: &mut SqliteConnection, incident_id: IncidentId) -> Result<()> {
    query("delete from open_incident where incident_id = $1")
        .bind(incident_id.to_string())
        .execute(db)
        .await
        .map(drop)
}

pub(in crate::outbox) async fn open_incidents(db: &mut SqliteConnection) -> Result<Vec<Incident>> {
    let rows: Vec<String> =
        query_scalar("select incident from open_incident order by incident_id").fetch_all(db).await?;
    rows.iter().map(|json| serde_json::from_str(json).map_err(decode_error)).collect()
}

pub(in crate::outbox) async fn is_answered(db: &mut SqliteConnection, id: CommandId) -> Result<bool> {
    let found: Option<i64> = query_scalar("select 1 from answered where command_id = $1")
        .bind(id.to_string())
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// False when it was answered before.
pub(in crate::outbox) async fn insert_answered(
    db: &mut SqliteConnection,
    id: CommandId,
    at: UtcMs,
) -> Result<bool> {
    let done = query("insert into answered (command_id, at_ms) values ($1, $2) on conflict do nothing")
        .bind(id.to_string())
        .bind(at.0)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}
