//! SQL of policies: texts, append-only.

use protocol::UtcMs;

use crate::args;
use crate::db::{Arg, Db, Result, Tx, from_row};

/// A version as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Version {
    pub version: i64,
    pub made_by: String,
    pub made_at_ms: i64,
    pub note: String,
}

from_row!(Version: version, made_by, made_at_ms, note);

pub async fn list(db: &Db, tenant: &str) -> Result<Vec<Version>> {
    db.fetch_all(
        "select version, made_by, made_at_ms, note from policies where tenant = $1 order by version desc",
        args![tenant],
    )
    .await
}

/// The newest version; 0 without any.
pub(super) async fn newest(db: &Db, tenant: &str) -> Result<i64> {
    let (version,): (i64,) = db
        .fetch_one("select coalesce(max(version), 0) from policies where tenant = $1", args![tenant])
        .await?;
    Ok(version)
}

/// Which version is in force, as a transaction learns it.
const NEWEST: &str = "policy in force";

/// The same under the tenant's lock.
pub(super) async fn newest_in(tx: &mut Tx, tenant: &str) -> Result<i64> {
    if let Some(Arg::Int(Some(version))) = tx.known(NEWEST, tenant) {
        return Ok(*version);
    }
    let (version,): (i64,) = tx
        .fetch_one("select coalesce(max(version), 0) from policies where tenant = $1", args![tenant])
        .await?;
    tx.learn(NEWEST, tenant, version);
    Ok(version)
}

pub async fn text(db: &Db, tenant: &str, version: i64) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select content from policies where tenant = $1 and version = $2",
            args![tenant, version],
        )
        .await?;
    Ok(row.map(|(text,)| text))
}

pub(super) async fn text_in(tx: &mut Tx, tenant: &str, version: i64) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select content from policies where tenant = $1 and version = $2",
            args![tenant, version],
        )
        .await?;
    Ok(row.map(|(text,)| text))
}

/// Adds the next version; the caller holds the tenant's lock.
pub(super) async fn add(
    tx: &mut Tx,
    tenant: &str,
    text: &str,
    by: &str,
    note: &str,
    now: UtcMs,
) -> Result<i64> {
    let (version,): (i64,) = tx
        .fetch_one(
            "insert into policies (tenant, version, content, made_by, made_at_ms, note)
             select cast($1 as text), coalesce(max(version), 0) + 1, cast($2 as text), cast($3 as text),
                    cast($4 as bigint), cast($5 as text)
             from policies where tenant = $1
             returning version",
            args![tenant, text, by, now, note],
        )
        .await?;
    tx.learn(NEWEST, tenant, version);
    Ok(version)
}
