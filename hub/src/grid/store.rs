//! SQL of maps: texts, append-only.

use protocol::UtcMs;

use crate::args;
use crate::db::{Arg, Db, Result, Tx, from_row};

/// A version as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Version {
    pub version: i64,
    /// Grids of it.
    pub grids: i64,
    pub made_by: String,
    pub made_at_ms: i64,
    pub note: String,
}

from_row!(Version: version, grids, made_by, made_at_ms, note);

pub async fn list(db: &Db, tenant: &str) -> Result<Vec<Version>> {
    db.fetch_all(
        "select version, grids, made_by, made_at_ms, note from grid_maps where tenant = $1 order by version desc",
        args![tenant],
    )
    .await
}

/// The newest version; 0 without any.
pub(super) async fn newest(db: &Db, tenant: &str) -> Result<i64> {
    let (version,): (i64,) = db
        .fetch_one("select coalesce(max(version), 0) from grid_maps where tenant = $1", args![tenant])
        .await?;
    Ok(version)
}

/// Which version is in force, as a transaction learns it.
const NEWEST: &str = "map in force";

/// The same under the tenant's lock.
pub(super) async fn newest_in(tx: &mut Tx, tenant: &str) -> Result<i64> {
    if let Some(Arg::Int(Some(version))) = tx.known(NEWEST, tenant) {
        return Ok(*version);
    }
    let (version,): (i64,) = tx
        .fetch_one("select coalesce(max(version), 0) from grid_maps where tenant = $1", args![tenant])
        .await?;
    tx.learn(NEWEST, tenant, version);
    Ok(version)
}

/// GeoJSON in WGS84.
pub async fn text(db: &Db, tenant: &str, version: i64) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select content from grid_maps where tenant = $1 and version = $2",
            args![tenant, version],
        )
        .await?;
    Ok(row.map(|(text,)| text))
}

pub(super) async fn text_in(tx: &mut Tx, tenant: &str, version: i64) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select content from grid_maps where tenant = $1 and version = $2",
            args![tenant, version],
        )
        .await?;
    Ok(row.map(|(text,)| text))
}

/// Puts a map in force; the caller holds the tenant's lock.
pub(super) async fn add(
    tx: &mut Tx,
    tenant: &str,
    (text, grids): (&str, i64),
    (by, note, now): (&str, &str, UtcMs),
) -> Result<i64> {
    let version = newest_in(tx, tenant).await? + 1;
    tx.execute(
        "insert into grid_maps (tenant, version, content, grids, made_by, made_at_ms, note)
         values ($1, $2, $3, $4, $5, $6, $7)",
        args![tenant, version, text, grids, by, now, note],
    )
    .await?;
    tx.learn(NEWEST, tenant, version);
    Ok(version)
}
