//! Append-only migrations, one text for both databases, each remembered by name and checksum.
//!
//! A new one is a file in `migrations/` and a line in [`MIGRATIONS`]; one that has run is never edited (the
//! checksum refuses it). Names sort in the order of the list.

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use super::{Db, On, Tx};
use crate::args;

/// In order. Expand first, contract in a later release.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_core", include_str!("../../migrations/0001_core.sql")),
    ("0002_user", include_str!("../../migrations/0002_user.sql")),
    ("0003_ticket", include_str!("../../migrations/0003_ticket.sql")),
    ("0004_release", include_str!("../../migrations/0004_release.sql")),
    ("0005_superseded", include_str!("../../migrations/0005_superseded.sql")),
    ("0006_list", include_str!("../../migrations/0006_list.sql")),
];

pub(super) async fn apply(db: &Db, now_ms: i64) -> anyhow::Result<()> {
    db.execute(
        "create table if not exists schema_migrations (
             name text primary key, checksum text not null, applied_at_ms bigint not null)",
        args![],
    )
    .await?;
    for (name, text) in MIGRATIONS {
        let mut tx = db.begin().await?;
        apply_one(&mut tx, name, &db.dialect().expand(text), &hex::encode(Sha256::digest(text)), now_ms)
            .await
            .with_context(|| format!("migration {name}"))?;
        tx.commit().await?;
    }
    Ok(())
}

async fn apply_one(tx: &mut Tx, name: &str, sql: &str, checksum: &str, now_ms: i64) -> anyhow::Result<()> {
    // Two replicas that start together must not both create: the first to insert its row holds the other back.
    let fresh = tx
        .execute(
            "insert into schema_migrations (name, checksum, applied_at_ms) values ($1, $2, $3)
             on conflict (name) do nothing",
            args![name, checksum, now_ms],
        )
        .await?;
    if fresh == 0 {
        let (known,): (String,) =
            tx.fetch_one("select checksum from schema_migrations where name = $1", args![name]).await?;
        if known != checksum {
            bail!(
                "its text is not the one this database ran; use the hub version that made the database, or a newer one"
            );
        }
        return Ok(());
    }
    match &mut tx.on {
        On::Sqlite(tx) => sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await.map(drop)?,
        On::Postgres(tx) => {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await.map(drop)?;
        }
    }
    Ok(())
}
