//! SQL of maps: texts, append-only.

use protocol::UtcMs;

use crate::args;
use crate::db::versions::{Versions, versions};
use crate::db::{Db, Result, Tx, from_row};

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

/// As GeoJSON in WGS84.
pub const VERSIONS: Versions = versions!("grid_maps");

/// Puts a map in force; the caller holds the tenant's lock.
pub(super) async fn add(
    tx: &mut Tx,
    tenant: &str,
    (text, grids): (&str, i64),
    (by, note, now): (&str, &str, UtcMs),
) -> Result<i64> {
    let version = VERSIONS.newest_in(tx, tenant).await? + 1;
    tx.execute(
        "insert into grid_maps (tenant, version, content, grids, made_by, made_at_ms, note)
         values ($1, $2, $3, $4, $5, $6, $7)",
        args![tenant, version, text, grids, by, now, note],
    )
    .await?;
    VERSIONS.is_newest(tx, tenant, version);
    Ok(version)
}
