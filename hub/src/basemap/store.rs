//! SQL of base maps.

use super::BaseMap;
use crate::args;
use crate::db::{Db, Error, Result, Tx, from_row};

struct Row {
    sha256: String,
    name: String,
    size_bytes: i64,
    about: String,
    made_at_ms: i64,
}

from_row!(Row: sha256, name, size_bytes, about, made_at_ms);

impl Row {
    fn read(self) -> Result<BaseMap> {
        Ok(BaseMap {
            about: serde_json::from_str(&self.about).map_err(|error| Error::Decode(error.into()))?,
            sha256: self.sha256,
            name: self.name,
            size_bytes: self.size_bytes,
            made_at_ms: self.made_at_ms,
        })
    }
}

pub(super) async fn list(db: &Db, tenant: &str) -> Result<Vec<BaseMap>> {
    let rows: Vec<Row> = db
        .fetch_all(
            "select sha256, name, size_bytes, about, made_at_ms from basemaps where tenant = $1
             order by made_at_ms desc, sha256",
            args![tenant],
        )
        .await?;
    rows.into_iter().map(Row::read).collect()
}

pub(super) async fn find(db: &Db, tenant: &str, sha256: &str) -> Result<Option<BaseMap>> {
    let row: Option<Row> = db
        .fetch_optional(
            "select sha256, name, size_bytes, about, made_at_ms from basemaps where tenant = $1 and sha256 = $2",
            args![tenant, sha256],
        )
        .await?;
    row.map(Row::read).transpose()
}

pub(super) async fn put(tx: &mut Tx, tenant: &str, map: &BaseMap) -> Result<()> {
    let about = serde_json::to_string(&map.about).map_err(|error| Error::Encode(error.into()))?;
    tx.execute(
        "insert into basemaps (tenant, sha256, name, size_bytes, about, made_at_ms) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant, sha256) do update set name = excluded.name, made_at_ms = excluded.made_at_ms",
        args![tenant, &map.sha256, &map.name, map.size_bytes, about, map.made_at_ms],
    )
    .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, tenant: &str, sha256: &str) -> Result<bool> {
    let removed =
        tx.execute("delete from basemaps where tenant = $1 and sha256 = $2", args![tenant, sha256]).await?;
    Ok(removed > 0)
}
