//! SQL of the live feed.

use protocol::UtcMs;

use super::Change;
use crate::args;
use crate::db::{Db, Result, Tx};

pub(super) async fn record(tx: &mut Tx, tenant: &str, now: UtcMs, topic: &str, subject: &str) -> Result<i64> {
    let (position,): (i64,) = tx
        .fetch_one(
            "update tenants set change_position = change_position + 1 where tenant = $1
             returning change_position",
            args![tenant],
        )
        .await?;
    tx.execute(
        "insert into changes (tenant, position, at_ms, topic, subject) values ($1, $2, $3, $4, $5)",
        args![tenant, position, now, topic, subject],
    )
    .await?;
    Ok(position)
}

pub(super) async fn after(db: &Db, tenant: &str, position: i64, limit: i64) -> Result<Vec<Change>> {
    db.fetch_all(
        "select position, at_ms, topic, subject from changes
         where tenant = $1 and position > $2 order by position limit $3",
        args![tenant, position, limit],
    )
    .await
}

pub(super) async fn newest(db: &Db, tenant: &str) -> Result<i64> {
    let row: Option<(i64,)> =
        db.fetch_optional("select change_position from tenants where tenant = $1", args![tenant]).await?;
    Ok(row.map_or(0, |(position,)| position))
}

pub(super) async fn oldest(db: &Db, tenant: &str) -> Result<Option<i64>> {
    let (position,): (Option<i64>,) =
        db.fetch_one("select min(position) from changes where tenant = $1", args![tenant]).await?;
    Ok(position)
}

pub(super) async fn prune(db: &Db, before_ms: i64) -> Result<u64> {
    db.execute("delete from changes where at_ms < $1", args![before_ms]).await
}
