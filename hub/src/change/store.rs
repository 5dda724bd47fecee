//! SQL of the live feed.

use std::collections::BTreeMap;

use super::{Change, Noted};
use crate::args;
use crate::case::store::visible;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Insert, Result, Tx};

const CHANGES: Insert =
    Insert { into: "insert into changes (tenant, position, at_ms, topic, subject)", tail: "" };

/// One step of the tenant's counter for all its changes, in the order in which they were made.
pub(super) async fn write(tx: &mut Tx, changes: Vec<Noted>) -> Result<()> {
    let mut by_tenant: BTreeMap<String, Vec<Noted>> = BTreeMap::new();
    for change in changes {
        by_tenant.entry(change.tenant.clone()).or_default().push(change);
    }
    for (tenant, changes) in by_tenant {
        let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
        let (last,): (i64,) = tx
            .fetch_one(
                "update tenants set change_position = change_position + $2 where tenant = $1
                 returning change_position",
                args![&tenant, count],
            )
            .await?;
        for (position, change) in (last - count + 1..).zip(changes) {
            let row = args![&tenant, position, change.at, change.topic.as_str(), change.subject];
            tx.later(CHANGES, row);
        }
    }
    Ok(())
}

pub(super) async fn after(db: &Db, tenant: &str, position: i64, limit: i64) -> Result<Vec<Change>> {
    db.fetch_all(
        "select position, at_ms, topic, subject from changes
         where tenant = $1 and position > $2 order by position limit $3",
        args![tenant, position, limit],
    )
    .await
}

/// Of these cases those that a user may see.
pub(super) async fn visible_cases(
    db: &Db,
    tenant: &str,
    user: &str,
    numbers: &[&str],
) -> Result<Vec<String>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select number from cases where tenant = $1 and number in ",
                texts!($dialect, 2),
                visible!("$3")
            )
        };
    }
    let sql = match db.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    let listed = serde_json::Value::from(numbers).to_string();
    let rows: Vec<(String,)> = db.fetch_all(sql, args![tenant, listed, user]).await?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
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
