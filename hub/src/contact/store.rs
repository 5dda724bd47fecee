//! SQL of callback numbers.

use protocol::{Sealed, UtcMs};

use crate::args;
use crate::db::from_row;
use crate::db::{Db, Result, Tx};

/// What is kept for one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `None`: somebody deleted it.
    pub sealed: Option<String>,
    pub came_at_ms: i64,
    pub expires_at_ms: i64,
}

from_row!(Kept: sealed, came_at_ms, expires_at_ms);

/// Keeps the number that came with a case's newest revision, until `life_ms` after the case was opened. One that was
/// deleted, or would have expired, does not come back.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    sealed: &Sealed,
    now: UtcMs,
    life_ms: i64,
) -> Result<()> {
    tx.execute(
        "insert into contacts (tenant, case_id, sealed, came_at_ms, expires_at_ms)
         select tenant, case_id, cast($3 as text), cast($4 as bigint), opened_at_ms + cast($5 as bigint)
         from cases where tenant = $1 and case_id = $2 and opened_at_ms + cast($5 as bigint) > cast($4 as bigint)
         on conflict (tenant, case_id) do update set sealed = excluded.sealed, came_at_ms = excluded.came_at_ms
         where contacts.sealed is not null and contacts.sealed <> excluded.sealed",
        args![tenant, case_id, sealed.as_str(), now, life_ms],
    )
    .await?;
    Ok(())
}

/// What has not expired.
pub(crate) async fn of_case(db: &Db, tenant: &str, case_id: &str, now: UtcMs) -> Result<Option<Kept>> {
    db.fetch_optional(
        "select sealed, came_at_ms, expires_at_ms from contacts
         where tenant = $1 and case_id = $2 and expires_at_ms > $3",
        args![tenant, case_id, now],
    )
    .await
}

pub(super) async fn in_tx(tx: &mut Tx, tenant: &str, case_id: &str, now: UtcMs) -> Result<Option<Kept>> {
    tx.fetch_optional(
        "select sealed, came_at_ms, expires_at_ms from contacts
         where tenant = $1 and case_id = $2 and expires_at_ms > $3",
        args![tenant, case_id, now],
    )
    .await
}

/// Whether there was one to delete. That it was here stays known until it would have expired.
pub(super) async fn forget(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<bool> {
    let gone = tx
        .execute(
            "update contacts set sealed = null where tenant = $1 and case_id = $2 and sealed is not null",
            args![tenant, case_id],
        )
        .await?;
    Ok(gone > 0)
}

/// Deletes what has expired. Safe to run twice.
pub(crate) async fn expire(db: &Db, now: UtcMs) -> Result<u64> {
    db.execute("delete from contacts where expires_at_ms <= $1", args![now]).await
}
