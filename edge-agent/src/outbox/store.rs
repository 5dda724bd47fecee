//! All SQL of the outbox: small functions over one connection, no decisions.

use protocol::{CallId, CommandId, Evidence, Incident, IncidentId, MessageId, UtcMs};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, query, query_scalar};

use super::{Place, Stats, Upload};

type Result<T> = sqlx::Result<T>;

/// Rows and bytes of one table, kept by triggers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// A message about to be written.
pub(super) struct NewMessage<'a> {
    pub(super) message_id: MessageId,
    pub(super) source: &'a str,
    pub(super) boot: &'a str,
    pub(super) sequence: u64,
    pub(super) incident: Option<(IncidentId, Option<u32>)>,
    pub(super) phase: Option<&'a str>,
    pub(super) priority: u8,
    pub(super) envelope: &'a [u8],
    pub(super) at: UtcMs,
}

/// A file about to be written.
pub(super) struct NewEvidence<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) path: &'a str,
    pub(super) message_id: MessageId,
    pub(super) incident_id: Option<IncidentId>,
    pub(super) call_id: Option<CallId>,
    pub(super) priority: u8,
    pub(super) state: &'static str,
    pub(super) expires_at: Option<UtcMs>,
    pub(super) at: UtcMs,
}

/// A file row that left the table: its file is to be deleted after the commit.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) sha256: String,
    pub(super) path: String,
    pub(super) incident_id: Option<IncidentId>,
    pub(super) kind: &'static str,
    pub(super) state: String,
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn decode_error(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

pub(super) async fn sqlite_version(db: &mut SqliteConnection) -> Result<String> {
    query_scalar("select sqlite_version()").fetch_one(db).await
}

pub(super) async fn quick_check(db: &mut SqliteConnection) -> Result<String> {
    query_scalar("pragma quick_check(1)").fetch_one(db).await
}

pub(super) async fn schema_version(db: &mut SqliteConnection) -> Result<i64> {
    query_scalar("pragma user_version").fetch_one(db).await
}

pub(super) async fn create(db: &mut SqliteConnection) -> Result<()> {
    const SCHEMA: &str =
        concat!("begin immediate;\n", include_str!("schema.sql"), "\npragma user_version = 1;\ncommit;");
    sqlx::raw_sql(SCHEMA).execute(db).await.map(drop)
}

pub(super) async fn next_sequence(db: &mut SqliteConnection, boot: &str) -> Result<u64> {
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
pub(super) async fn share_priority(
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

pub(super) async fn insert_message(db: &mut SqliteConnection, new: &NewMessage<'_>) -> Result<()> {
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

/// The same content may be named again: a file that is asked for stays asked for, one that was uploaded and
/// is here again is offered again (the hub says it holds it).
pub(super) async fn insert_evidence(db: &mut SqliteConnection, new: &NewEvidence<'_>) -> Result<()> {
    let json = serde_json::to_string(new.evidence).map_err(decode_error)?;
    query(
        "insert into evidence (sha256, message_id, incident_id, call_id, path, evidence, priority, kind_priority,
             size_bytes, state, created_at_ms, expires_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (sha256) do update set
             path = excluded.path, message_id = excluded.message_id, due_at_ms = 0,
             priority = min(priority, excluded.priority),
             state = case when state = 'waiting' then state else excluded.state end,
             expires_at_ms = case when state = 'waiting' then expires_at_ms else excluded.expires_at_ms end",
    )
    .bind(new.evidence.sha256.as_str())
    .bind(new.message_id.to_string())
    .bind(new.incident_id.map(|id| id.to_string()))
    .bind(new.call_id.map(|id| id.to_string()))
    .bind(new.path)
    .bind(json)
    .bind(i64::from(new.priority))
    .bind(i64::from(new.evidence.kind.priority()))
    .bind(new.evidence.size_bytes as i64)
    .bind(new.state)
    .bind(new.at.0)
    .bind(new.expires_at.map(|at| at.0))
    .execute(db)
    .await
    .map(drop)
}

/// The next messages in sending order after `after`.
pub(super) async fn head(
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

pub(super) async fn envelope(db: &mut SqliteConnection, id: MessageId) -> Result<Option<Vec<u8>>> {
    query_scalar("select envelope from message where message_id = $1")
        .bind(id.to_string())
        .fetch_optional(db)
        .await
}

/// Deletes a message and returns its bytes; `None` when it was not there (a second receipt).
pub(super) async fn take_message(db: &mut SqliteConnection, id: MessageId) -> Result<Option<Vec<u8>>> {
    query_scalar("delete from message where message_id = $1 returning envelope")
        .bind(id.to_string())
        .fetch_optional(db)
        .await
}

pub(super) async fn insert_rejected(
    db: &mut SqliteConnection,
    id: MessageId,
    outcome: &str,
    reason: &str,
    envelope: &[u8],
    at: UtcMs,
) -> Result<()> {
    query(
        "insert into rejected (message_id, outcome, reason, envelope, at_ms) values ($1, $2, $3, $4, $5)
         on conflict (message_id) do nothing",
    )
    .bind(id.to_string())
    .bind(outcome)
    .bind(reason)
    .bind(envelope)
    .bind(at.0)
    .execute(db)
    .await
    .map(drop)
}

/// What the hub did not take, newest first.
pub(super) async fn rejected(
    db: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<(String, String, String, i64)>> {
    sqlx::query_as("select message_id, outcome, reason, at_ms from rejected order by at_ms desc limit $1")
        .bind(i64::from(limit))
        .fetch_all(db)
        .await
}

/// The waiting message of this revision, when it was written before.
pub(super) async fn find_revision(
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

pub(super) async fn set_open(db: &mut SqliteConnection, incident: &Incident) -> Result<()> {
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

pub(super) async fn set_closed(db: &mut SqliteConnection, incident_id: IncidentId) -> Result<()> {
    query("delete from open_incident where incident_id = $1")
        .bind(incident_id.to_string())
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn open_incidents(db: &mut SqliteConnection) -> Result<Vec<Incident>> {
    let rows: Vec<String> =
        query_scalar("select incident from open_incident order by incident_id").fetch_all(db).await?;
    rows.iter().map(|json| serde_json::from_str(json).map_err(decode_error)).collect()
}

/// Messages that came from another name of this box (before it was enrolled, or enrolled anew).
pub(super) async fn foreign(db: &mut SqliteConnection, source: &str) -> Result<Vec<(String, Vec<u8>)>> {
    sqlx::query_as("select message_id, envelope from message where source <> $1")
        .bind(source)
        .fetch_all(db)
        .await
}

pub(super) async fn rewrite(
    db: &mut SqliteConnection,
    id: &str,
    source: &str,
    envelope: &[u8],
) -> Result<()> {
    query("update message set source = $2, envelope = $3 where message_id = $1")
        .bind(id)
        .bind(source)
        .bind(envelope)
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn total(db: &mut SqliteConnection, name: &'static str) -> Result<Total> {
    let row = query("select rows, bytes from total where name = $1").bind(name).fetch_one(db).await?;
    Ok(Total { rows: unsigned(row.try_get("rows")?), bytes: unsigned(row.try_get("bytes")?) })
}

/// Removes up to `limit` `updated` revisions that a later waiting revision replaces; their files pass to it.
/// Returns boot and sequence of each.
pub(super) async fn remove_superseded(db: &mut SqliteConnection, limit: u32) -> Result<Vec<(String, u64)>> {
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

fn removed(row: &SqliteRow) -> Result<Removed> {
    let evidence: Evidence =
        serde_json::from_str(row.try_get::<&str, _>("evidence")?).map_err(decode_error)?;
    let incident: Option<&str> = row.try_get("incident_id")?;
    Ok(Removed {
        sha256: row.try_get("sha256")?,
        path: row.try_get("path")?,
        incident_id: incident.and_then(|id| id.parse().ok()),
        kind: evidence.kind.as_str(),
        state: row.try_get("state")?,
    })
}

/// Removes the file row that can best be spared: what the hub holds first, then the lowest severity and the
/// bulkiest kind, oldest first.
pub(super) async fn remove_cheapest_evidence(db: &mut SqliteConnection) -> Result<Option<Removed>> {
    query(
        "delete from evidence where sha256 = (
             select sha256 from evidence
             order by (state = 'uploaded') desc, priority desc, kind_priority desc, created_at_ms limit 1)
         returning sha256, path, incident_id, evidence, state",
    )
    .fetch_optional(db)
    .await?
    .as_ref()
    .map(removed)
    .transpose()
}

pub(super) async fn remove_expired_evidence(db: &mut SqliteConnection, now: UtcMs) -> Result<Vec<Removed>> {
    query(
        "delete from evidence where expires_at_ms <= $1 and state <> 'waiting'
         returning sha256, path, incident_id, evidence, state",
    )
    .bind(now.0)
    .fetch_all(db)
    .await?
    .iter()
    .map(removed)
    .collect()
}

pub(super) async fn remove_evidence(db: &mut SqliteConnection, sha256: &str) -> Result<Option<Removed>> {
    query("delete from evidence where sha256 = $1 returning sha256, path, incident_id, evidence, state")
        .bind(sha256)
        .fetch_optional(db)
        .await?
        .as_ref()
        .map(removed)
        .transpose()
}

pub(super) async fn evidence_paths(db: &mut SqliteConnection) -> Result<Vec<(String, String)>> {
    sqlx::query_as("select sha256, path from evidence").fetch_all(db).await
}

/// The next file whose incident the hub holds.
pub(super) async fn next_upload(db: &mut SqliteConnection, now: UtcMs) -> Result<Option<Upload>> {
    query(
        "select sha256, path, evidence, upload_url, attempts from evidence e
         where state = 'waiting' and due_at_ms <= $1
           and not exists (select 1 from message m where m.message_id = e.message_id)
         order by priority, kind_priority, created_at_ms limit 1",
    )
    .bind(now.0)
    .fetch_optional(db)
    .await?
    .map(|row| {
        Ok(Upload {
            evidence: serde_json::from_str(row.try_get::<&str, _>("evidence")?).map_err(decode_error)?,
            path: row.try_get::<String, _>("path")?.into(),
            upload_url: row.try_get("upload_url")?,
            attempts: row.try_get::<i64, _>("attempts")? as u32,
        })
    })
    .transpose()
}

pub(super) async fn set_upload_url(db: &mut SqliteConnection, sha256: &str, url: Option<&str>) -> Result<()> {
    query("update evidence set upload_url = $2 where sha256 = $1")
        .bind(sha256)
        .bind(url)
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn postpone_upload(db: &mut SqliteConnection, sha256: &str, due_at: UtcMs) -> Result<()> {
    query("update evidence set attempts = attempts + 1, due_at_ms = $2 where sha256 = $1")
        .bind(sha256)
        .bind(due_at.0)
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn set_uploaded(db: &mut SqliteConnection, sha256: &str, expires_at: UtcMs) -> Result<()> {
    query("update evidence set state = 'uploaded', upload_url = null, expires_at_ms = $2 where sha256 = $1")
        .bind(sha256)
        .bind(expires_at.0)
        .execute(db)
        .await
        .map(drop)
}

/// Marks the recordings of a call for upload and returns them.
pub(super) async fn request_call(db: &mut SqliteConnection, call_id: CallId) -> Result<Vec<Evidence>> {
    query(
        "update evidence set state = 'waiting', due_at_ms = 0, expires_at_ms = null
         where call_id = $1 returning evidence",
    )
    .bind(call_id.to_string())
    .fetch_all(db)
    .await?
    .iter()
    .map(|row| serde_json::from_str(row.try_get::<&str, _>("evidence")?).map_err(decode_error))
    .collect()
}

pub(super) async fn is_answered(db: &mut SqliteConnection, id: CommandId) -> Result<bool> {
    let found: Option<i64> = query_scalar("select 1 from answered where command_id = $1")
        .bind(id.to_string())
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// False when it was answered before.
pub(super) async fn insert_answered(db: &mut SqliteConnection, id: CommandId, at: UtcMs) -> Result<bool> {
    let done = query("insert into answered (command_id, at_ms) values ($1, $2) on conflict do nothing")
        .bind(id.to_string())
        .bind(at.0)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets rejected messages and answered commands older than `before`, and boots that have no row left.
pub(super) async fn forget(db: &mut SqliteConnection, before: UtcMs, this_boot: &str) -> Result<()> {
    query("delete from rejected where at_ms < $1").bind(before.0).execute(&mut *db).await?;
    query("delete from answered where at_ms < $1").bind(before.0).execute(&mut *db).await?;
    query("delete from boot where boot <> $1 and boot not in (select boot from message)")
        .bind(this_boot)
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn stats(db: &mut SqliteConnection) -> Result<Stats> {
    let message = total(db, "message").await?;
    let evidence = total(db, "evidence").await?;
    let oldest: Option<i64> = query_scalar("select created_at_ms from message order by position limit 1")
        .fetch_optional(&mut *db)
        .await?;
    let waiting: i64 =
        query_scalar("select count(*) from evidence where state = 'waiting'").fetch_one(&mut *db).await?;
    let rejected: i64 = query_scalar("select count(*) from rejected").fetch_one(db).await?;
    Ok(Stats {
        rows: message.rows,
        bytes: message.bytes,
        oldest_at: oldest.map(UtcMs),
        uploads_waiting: unsigned(waiting),
        evidence_files: evidence.rows,
        evidence_bytes: evidence.bytes,
        rejected_rows: unsigned(rejected),
    })
}

/// One readable message of a damaged database, as it can be written into a fresh one.
pub(super) async fn salvage_from(db: &mut SqliteConnection, after: i64) -> Result<Option<i64>> {
    query_scalar("select position from damaged.message where position > $1 order by position limit 1")
        .bind(after)
        .fetch_optional(db)
        .await
}

pub(super) async fn attach_damaged(db: &mut SqliteConnection, path: &str) -> Result<()> {
    query("attach database $1 as damaged").bind(path).execute(db).await.map(drop)
}

pub(super) async fn detach_damaged(db: &mut SqliteConnection) -> Result<()> {
    query("detach database damaged").execute(db).await.map(drop)
}

pub(super) async fn salvage_message(db: &mut SqliteConnection, position: i64) -> Result<u64> {
    let copied = query(
        "insert or ignore into message (message_id, source, boot, sequence, incident_id, revision, phase, priority,
             envelope, created_at_ms)
         select message_id, source, boot, sequence, incident_id, revision, phase, priority, envelope, created_at_ms
         from damaged.message where position = $1",
    )
    .bind(position)
    .execute(db)
    .await?;
    Ok(copied.rows_affected())
}

pub(super) async fn salvage_evidence(db: &mut SqliteConnection) -> Result<u64> {
    let copied = query(
        "insert or ignore into evidence
         select sha256, message_id, incident_id, call_id, path, evidence, priority, kind_priority, size_bytes, state,
             upload_url, attempts, due_at_ms, created_at_ms, expires_at_ms
         from damaged.evidence",
    )
    .execute(db)
    .await?;
    Ok(copied.rows_affected())
}
