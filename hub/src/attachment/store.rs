//! SQL of pictures that people bring.

use protocol::UtcMs;

use super::Attachment;
use crate::args;
use crate::db::{Db, Result, Tx};

/// Removed in one pass.
const MOST: i64 = 200;

/// How many of a user's wait to be named.
pub(super) async fn waiting(tx: &mut Tx, tenant: &str, user: &str) -> Result<i64> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from attachments where tenant = $1 and made_by = $2 and case_id is null",
            args![tenant, user],
        )
        .await?;
    Ok(count)
}

pub(super) async fn insert(
    tx: &mut Tx,
    tenant: &str,
    attachment: &Attachment,
    user: &str,
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into attachments (tenant, attachment_id, sha256, media_type, size_bytes, made_by, made_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)",
        args![
            tenant,
            &attachment.attachment_id,
            &attachment.sha256,
            &attachment.media_type,
            attachment.size_bytes,
            user,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Whether a picture is still there, waiting or named.
pub(super) async fn is_here(tx: &mut Tx, tenant: &str, id: &str) -> Result<bool> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select attachment_id from attachments where tenant = $1 and attachment_id = $2",
            args![tenant, id],
        )
        .await?;
    Ok(row.is_some())
}

/// Gives a picture that waits, and is this user's, to a case; returns its hash.
pub(super) async fn name(
    tx: &mut Tx,
    tenant: &str,
    (id, case_id, action): (&str, &str, &str),
    user: &str,
    now: UtcMs,
) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "update attachments set case_id = $3, action = $4, named_at_ms = $6
             where tenant = $1 and attachment_id = $2 and made_by = $5 and case_id is null returning sha256",
            args![tenant, id, case_id, action, user, now],
        )
        .await?;
    Ok(row.map(|(sha256,)| sha256))
}

/// Whether a picture came with a field check since the result was reported.
pub(super) async fn check_has_picture(tx: &mut Tx, tenant: &str, number: &str) -> Result<bool> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from cases c
             join attachments a on a.tenant = c.tenant and a.case_id = c.case_id
             where c.tenant = $1 and c.number = $2 and a.action = 'check' and a.named_at_ms >= c.reported_at_ms",
            args![tenant, number],
        )
        .await?;
    Ok(count > 0)
}

/// Whether anything has waited since before `before_ms`.
pub(super) async fn any_old(db: &Db, tenant: &str, before_ms: i64) -> Result<bool> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select attachment_id from attachments
             where tenant = $1 and case_id is null and made_at_ms <= $2 limit 1",
            args![tenant, before_ms],
        )
        .await?;
    Ok(row.is_some())
}

/// Forgets what has waited too long; returns the hashes of their files.
pub(super) async fn forget_old(tx: &mut Tx, tenant: &str, before_ms: i64) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx
        .fetch_all(
            "delete from attachments where tenant = $1 and attachment_id in (
                 select attachment_id from attachments
                 where tenant = $1 and case_id is null and made_at_ms <= $2 order by made_at_ms limit $3)
             returning sha256",
            args![tenant, before_ms, MOST],
        )
        .await?;
    Ok(rows.into_iter().map(|(sha256,)| sha256).collect())
}

/// Whether another picture, or a box, has the same file.
pub(super) async fn is_needed(tx: &mut Tx, tenant: &str, sha256: &str) -> Result<bool> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select sha256 from attachments where tenant = $1 and sha256 = $2
             union
             select sha256 from evidence where tenant = $1 and sha256 = $2 limit 1",
            args![tenant, sha256],
        )
        .await?;
    Ok(row.is_some())
}
