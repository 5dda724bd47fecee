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
    ("0007_boots", include_str!("../../migrations/0007_boots.sql")),
    ("0008_sender", include_str!("../../migrations/0008_sender.sql")),
    ("0009_command_result", include_str!("../../migrations/0009_command_result.sql")),
    ("0010_footage", include_str!("../../migrations/0010_footage.sql")),
    ("0011_contact", include_str!("../../migrations/0011_contact.sql")),
    ("0012_knowledge", include_str!("../../migrations/0012_knowledge.sql")),
    ("0013_organisation", include_str!("../../migrations/0013_organisation.sql")),
    ("0014_policy", include_str!("../../migrations/0014_policy.sql")),
    ("0015_workflow", include_str!("../../migrations/0015_workflow.sql")),
    ("0016_engine", include_str!("../../migrations/0016_engine.sql")),
    ("0017_grid", include_str!("../../migrations/0017_grid.sql")),
    ("0018_correlation", include_str!("../../migrations/0018_correlation.sql")),
    ("0019_outbound", include_str!("../../migrations/0019_outbound.sql")),
    ("0020_public", include_str!("../../migrations/0020_public.sql")),
    ("0021_evaluation", include_str!("../../migrations/0021_evaluation.sql")),
    ("0022_speed", include_str!("../../migrations/0022_speed.sql")),
    ("0023_gazetteer", include_str!("../../migrations/0023_gazetteer.sql")),
    ("0024_self_test", include_str!("../../migrations/0024_self_test.sql")),
    ("0025_push", include_str!("../../migrations/0025_push.sql")),
    ("0026_evaluation_facts", include_str!("../../migrations/0026_evaluation_facts.sql")),
    ("0027_interop", include_str!("../../migrations/0027_interop.sql")),
    ("0028_intake", include_str!("../../migrations/0028_intake.sql")),
    ("0029_operator", include_str!("../../migrations/0029_operator.sql")),
    ("0030_handover", include_str!("../../migrations/0030_handover.sql")),
    ("0031_field", include_str!("../../migrations/0031_field.sql")),
    ("0032_admin", include_str!("../../migrations/0032_admin.sql")),
    ("0033_camera", include_str!("../../migrations/0033_camera.sql")),
    ("0034_lists", include_str!("../../migrations/0034_lists.sql")),
    ("0035_contact_keys", include_str!("../../migrations/0035_contact_keys.sql")),
    ("0036_desks", include_str!("../../migrations/0036_desks.sql")),
    ("0037_box_place", include_str!("../../migrations/0037_box_place.sql")),
    ("0038_engine_claims", include_str!("../../migrations/0038_engine_claims.sql")),
];

pub(crate) async fn apply(db: &Db, now_ms: i64) -> anyhow::Result<()> {
    apply_all(db, MIGRATIONS, now_ms).await
}

async fn apply_all(db: &Db, migrations: &[(&str, &str)], now_ms: i64) -> anyhow::Result<()> {
    // Of two hubs that begin with an empty PostgreSQL, one may fail here; then the other has made it.
    if make_list(db).await.is_err() {
        make_list(db).await?;
    }
    let known: Vec<(String,)> =
        db.fetch_all("select name from schema_migrations order by name", args![]).await?;
    if let Some((newer,)) = known.iter().find(|(name,)| migrations.iter().all(|(known, _)| known != name)) {
        bail!(
            "a newer hub has changed this database ({newer}); use that version, or bring back an older backup"
        );
    }
    for (name, text) in migrations {
        let mut tx = db.begin().await?;
        apply_one(&mut tx, name, &db.dialect().expand(text), &hex::encode(Sha256::digest(text)), now_ms)
            .await
            .with_context(|| format!("migration {name}"))?;
        tx.commit().await?;
    }
    Ok(())
}

const LIST: &str = "create table if not exists schema_migrations (
             name text primary key, checksum text not null, applied_at_ms bigint not null)";

async fn make_list(db: &Db) -> super::Result<u64> {
    db.execute(LIST, args![]).await
}

/// Names and checksums of what this hub knows, oldest first.
pub(crate) fn known() -> Vec<(String, String)> {
    let both = |(name, text): &(&str, &str)| ((*name).to_owned(), hex::encode(Sha256::digest(text)));
    MIGRATIONS.iter().map(both).collect()
}

/// Names and checksums of what has run on a database that has been a hub's, oldest first.
pub(crate) async fn ran(tx: &mut Tx) -> super::Result<Vec<(String, String)>> {
    tx.fetch_all("select name, checksum from schema_migrations order by name", args![]).await
}

/// Runs what has not run yet, up to `last` (everything without one), all in the caller's transaction: on an empty
/// database, which nobody else is filling.
pub(crate) async fn apply_in(tx: &mut Tx, last: Option<&str>, now_ms: i64) -> anyhow::Result<()> {
    tx.execute(LIST, args![]).await?;
    for (name, text) in MIGRATIONS.iter().filter(|(name, _)| last.is_none_or(|last| *name <= last)) {
        let (sql, checksum) = (tx.dialect().expand(text), hex::encode(Sha256::digest(text)));
        apply_one(tx, name, &sql, &checksum, now_ms).await.with_context(|| format!("migration {name}"))?;
    }
    Ok(())
}

async fn apply_one(tx: &mut Tx, name: &str, sql: &str, checksum: &str, now_ms: i64) -> anyhow::Result<()> {
    if let On::Postgres(tx) = &mut tx.on {
        // A large table takes as long as it takes, and another replica waits for it.
        sqlx::raw_sql("set local statement_timeout = 0").execute(&mut **tx).await?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;

    /// A hub of before files were bound to their senders: what its boxes sent stays theirs, its gaps are counted.
    #[tokio::test]
    async fn an_older_database_keeps_what_it_has() {
        for test in testing::bare().await {
            let db = &test.db;
            apply_all(db, &MIGRATIONS[..6], 1).await.unwrap();
            for (id, boot, sequence) in [("m1", "b1", 1_i64), ("m2", "b1", 4), ("m3", "", 0)] {
                db.execute(
                    "insert into messages (tenant, message_id, device_id, boot, sequence, type, received_at_ms, outcome)
                     values ('t', $1, 'box', $2, $3, 'incident', 1, 'stored')",
                    args![id, boot, sequence],
                )
                .await
                .unwrap();
            }
            db.execute(
                "insert into evidence (tenant, sha256, device_id, kind, media_type, size_bytes, stored_at_ms)
                 values ('t', 'aa', 'box', 'clip', 'video/mp4', 5, 7)",
                args![],
            )
            .await
            .unwrap();
            apply(db, 2).await.unwrap();
            let gaps = crate::device::store::gaps(db, "t", "box").await.unwrap();
            assert_eq!(
                gaps.iter().map(|gap| (gap.boot.as_str(), gap.missing())).collect::<Vec<_>>(),
                [("b1", 2)]
            );
            let files: Vec<(String, String, i64)> =
                db.fetch_all("select device_id, sha256, size_bytes from evidence", args![]).await.unwrap();
            assert_eq!(files, [("box".to_owned(), "aa".to_owned(), 5)], "{}", test.name);
        }
    }

    /// Cases of before the workflow keep to its law, whatever became of them, and those that are open get their clocks.
    #[tokio::test]
    async fn older_cases_keep_to_the_law() {
        for test in testing::bare().await {
            let db = &test.db;
            apply_all(db, &MIGRATIONS[..12], 1).await.unwrap();
            for (id, state, closed) in [
                ("a", "received", None),
                ("b", "filed", None),
                ("c", "closed", Some(9_i64)),
                ("d", "void", Some(9)),
            ] {
                db.execute(
                    "insert into cases (tenant, case_id, number, kind, severity, state, correlation_key, device_id, title_zh,
                         title_en, incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms, closed_at_ms,
                         history_count, history_hash)
                     values ('default', $1, $1, 'hotline', 'normal', $2, $1, 'box', 'x', 'x', 0, 0, 1, 1, 1, $3, 0, '')",
                    args![id, state, closed],
                )
                .await
                .unwrap();
            }
            db.execute(
                "insert into tickets (tenant, case_id, matter, category, urgency, place, summary, filed_by, filed_at_ms)
                 values ('default', 'b', 'request', 'noise', 'normal', 'x', 'x', 'li', 5)",
                args![],
            )
            .await
            .unwrap();
            apply(db, 2).await.unwrap_or_else(|error| panic!("{}: {error:#}", test.name));
            let filed: (String, i64, String) = db
                .fetch_one("select category, filed_at_ms, area from cases where case_id = 'b'", args![])
                .await
                .unwrap();
            assert_eq!(filed, ("noise".to_owned(), 5, "/".to_owned()));
            let mut config = crate::config::Config::default();
            config.hub.data_dir.clone_from(&test.folder);
            let now = protocol::UtcMs(1_773_799_200_000);
            let clock = std::sync::Arc::new(protocol::ManualClock::at(now));
            let chance = std::sync::Arc::new(protocol::Chance::seeded(1));
            let _ = rustls::crypto::ring::default_provider().install_default();
            let (app, _) = crate::app::App::with_db(config, db.clone(), clock, chance).unwrap();
            crate::engine::pass(&app, now).await.unwrap();
            let clocks: Vec<(String, String)> = db
                .fetch_all("select case_id, clock from case_clocks order by case_id", args![])
                .await
                .unwrap();
            let wanted =
                [("a", "triage"), ("b", "dispatch")].map(|(id, kind)| (id.to_owned(), kind.to_owned()));
            assert_eq!(clocks, wanted, "{}", test.name);
        }
    }

    /// An older hub does not touch the database of a newer one.
    #[tokio::test]
    async fn a_newer_database_is_refused() {
        for test in testing::databases().await {
            let error = apply_all(&test.db, &MIGRATIONS[..7], 2).await.unwrap_err().to_string();
            assert!(error.contains("0008_sender"), "{}: {error}", test.name);
        }
    }
}
