//! Files of evidence: waiting for the hub, held until somebody asks, or uploaded.

use protocol::{CallId, Evidence, IncidentId, MessageId, Sha256Hex, UtcMs};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, query};

use super::{Result, decode_error};
use crate::outbox::Upload;
use crate::outbox::quota::cheapest_first;

/// A file about to be written.
pub(in crate::outbox) struct NewEvidence<'a> {
    pub(in crate::outbox) evidence: &'a Evidence,
    pub(in crate::outbox) path: &'a str,
    pub(in crate::outbox) message_id: MessageId,
    pub(in crate::outbox) incident_id: Option<IncidentId>,
    /// Of the call whose recording it is.
    pub(in crate::outbox) call_id: Option<CallId>,
    pub(in crate::outbox) priority: u8,
    pub(in crate::outbox) state: &'static str,
    pub(in crate::outbox) expires_at: Option<UtcMs>,
    pub(in crate::outbox) at: UtcMs,
}

/// A file row that left the table: its file is to be deleted after the commit.
#[derive(Debug)]
pub(in crate::outbox) struct Removed {
    pub(in crate::outbox) sha256: String,
    pub(in crate::outbox) path: String,
    pub(in crate::outbox) incident_id: Option<IncidentId>,
    pub(in crate::outbox) kind: &'static str,
    pub(in crate::outbox) size_bytes: u64,
    pub(in crate::outbox) state: String,
}

/// The same content may be named again: a file that is asked for stays asked for, one that was uploaded and
/// is here again is offered again (the hub says it holds it).
pub(in crate::outbox) async fn insert_evidence(
    db: &mut SqliteConnection,
    new: &NewEvidence<'_>,
) -> Result<()> {
    let json = serde_json::to_string(new.evidence).map_err(decode_error)?;
    query(
        "insert into evidence (sha256, message_id, incident_id, path, evidence, priority, kind_priority,
             size_bytes, state, created_at_ms, expires_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (sha256) do update set
             path = excluded.path, message_id = excluded.message_id, due_at_ms = 0,
             priority = min(priority, excluded.priority),
             state = case when state = 'waiting' then state else excluded.state end,
             expires_at_ms = case when state = 'waiting' then expires_at_ms else excluded.expires_at_ms end",
    )
    .bind(new.evidence.sha256.as_str())
    .bind(new.message_id.to_string())
    .bind(new.incident_id.map(|id| id.to_string()))
    .bind(new.path)
    .bind(json)
    .bind(i64::from(new.priority))
    .bind(i64::from(new.evidence.kind.priority()))
    .bind(new.evidence.size_bytes as i64)
    .bind(new.state)
    .bind(new.at.0)
    .bind(new.expires_at.map(|at| at.0))
    .execute(&mut *db)
    .await?;
    let Some(call_id) = new.call_id else { return Ok(()) };
    query("insert or ignore into call_recording (call_id, sha256) values ($1, $2)")
        .bind(call_id.to_string())
        .bind(new.evidence.sha256.as_str())
        .execute(db)
        .await
        .map(drop)
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
        size_bytes: evidence.size_bytes,
        state: row.try_get("state")?,
    })
}

/// Removes the file row that can best be spared, by the order in [`crate::outbox::quota`].
pub(in crate::outbox) async fn remove_cheapest_evidence(
    db: &mut SqliteConnection,
) -> Result<Option<Removed>> {
    query(concat!(
        "delete from evidence where sha256 = (select sha256 from evidence ",
        cheapest_first!(),
        " limit 1) returning sha256, path, incident_id, evidence, state"
    ))
    .fetch_optional(db)
    .await?
    .as_ref()
    .map(removed)
    .transpose()
}

/// The next file that the hub holds, in the same order.
pub(in crate::outbox) async fn remove_uploaded_evidence(
    db: &mut SqliteConnection,
) -> Result<Option<Removed>> {
    query(concat!(
        "delete from evidence where sha256 = (select sha256 from evidence where state = 'uploaded' ",
        cheapest_first!(),
        " limit 1) returning sha256, path, incident_id, evidence, state"
    ))
    .fetch_optional(db)
    .await?
    .as_ref()
    .map(removed)
    .transpose()
}

/// Bytes of files that the hub holds.
pub(in crate::outbox) async fn uploaded_bytes(db: &mut SqliteConnection) -> Result<u64> {
    let (bytes,): (i64,) =
        sqlx::query_as("select coalesce(sum(size_bytes), 0) from evidence where state = 'uploaded'")
            .fetch_one(db)
            .await?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

pub(in crate::outbox) async fn remove_expired_evidence(
    db: &mut SqliteConnection,
    now: UtcMs,
) -> Result<Vec<Removed>> {
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

pub(in crate::outbox) async fn remove_evidence(
    db: &mut SqliteConnection,
    sha256: &str,
) -> Result<Option<Removed>> {
    query("delete from evidence where sha256 = $1 returning sha256, path, incident_id, evidence, state")
        .bind(sha256)
        .fetch_optional(db)
        .await?
        .as_ref()
        .map(removed)
        .transpose()
}

pub(in crate::outbox) async fn evidence_paths(db: &mut SqliteConnection) -> Result<Vec<(String, String)>> {
    sqlx::query_as("select sha256, path from evidence").fetch_all(db).await
}

/// The next file whose incident the hub holds.
pub(in crate::outbox) async fn next_upload(db: &mut SqliteConnection, now: UtcMs) -> Result<Option<Upload>> {
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

pub(in crate::outbox) async fn set_upload_url(
    db: &mut SqliteConnection,
    sha256: &str,
    url: Option<&str>,
) -> Result<()> {
    query("update evidence set upload_url = $2 where sha256 = $1")
        .bind(sha256)
        .bind(url)
        .execute(db)
        .await
        .map(drop)
}

pub(in crate::outbox) async fn postpone_upload(
    db: &mut SqliteConnection,
    sha256: &str,
    due_at: UtcMs,
    attempts: u32,
) -> Result<()> {
    query("update evidence set attempts = $3, due_at_ms = $2 where sha256 = $1")
        .bind(sha256)
        .bind(due_at.0)
        .bind(i64::from(attempts))
        .execute(db)
        .await
        .map(drop)
}

pub(in crate::outbox) async fn set_uploaded(
    db: &mut SqliteConnection,
    sha256: &str,
    expires_at: UtcMs,
) -> Result<()> {
    query("update evidence set state = 'uploaded', upload_url = null, expires_at_ms = $2 where sha256 = $1")
        .bind(sha256)
        .bind(expires_at.0)
        .execute(db)
        .await
        .map(drop)
}

/// Marks the recordings of a call for upload, but for those that `stay`, and returns them.
pub(in crate::outbox) async fn request_call(
    db: &mut SqliteConnection,
    call_id: CallId,
    stay: &[Sha256Hex],
) -> Result<Vec<Evidence>> {
    let stay = serde_json::to_string(stay).map_err(decode_error)?;
    query(
        "update evidence set state = 'waiting', due_at_ms = 0, expires_at_ms = null
         where sha256 in (select sha256 from call_recording where call_id = $1)
             and sha256 not in (select value from json_each($2)) returning evidence",
    )
    .bind(call_id.to_string())
    .bind(stay)
    .fetch_all(db)
    .await?
    .iter()
    .map(|row| serde_json::from_str(row.try_get::<&str, _>("evidence")?).map_err(decode_error))
    .collect()
}
