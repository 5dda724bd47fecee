//! Reading what can be read of a damaged database, into a fresh one.

use sqlx::query;
use sqlx::query_scalar;
use sqlx::sqlite::SqliteConnection;

use super::Result;

pub(in crate::outbox) async fn attach_damaged(db: &mut SqliteConnection, path: &str) -> Result<()> {
    query("attach database $1 as damaged").bind(path).execute(db).await.map(drop)
}

pub(in crate::outbox) async fn detach_damaged(db: &mut SqliteConnection) -> Result<()> {
    query("detach database damaged").execute(db).await.map(drop)
}

/// One readable message of a damaged database, as it can be written into a fresh one.
pub(in crate::outbox) async fn salvage_from(db: &mut SqliteConnection, after: i64) -> Result<Option<i64>> {
    query_scalar("select position from damaged.message where position > $1 order by position limit 1")
        .bind(after)
        .fetch_optional(db)
        .await
}

pub(in crate::outbox) async fn salvage_message(db: &mut SqliteConnection, position: i64) -> Result<u64> {
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

pub(in crate::outbox) async fn salvage_evidence(db: &mut SqliteConnection) -> Result<u64> {
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
