//! All SQL of the outbox: small functions over one connection, no decisions.

mod evidence;
mod message;
mod salvage;

use protocol::UtcMs;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row, query, query_scalar};

use super::Stats;
use super::reckoning::Mark;

pub(super) use evidence::*;
pub(super) use message::*;
pub(super) use salvage::*;

type Result<T> = sqlx::Result<T>;

/// Rows and bytes of one table, kept by triggers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn decode_error(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

pub(super) async fn sqlite_version(db: &mut SqliteConnection) -> Result<String> {
    query_scalar("select sqlite_version()").fetch_one(db).await
}

pub(super) async fn quick_check(db: &mut SqliteConnection) -> Result<String> {
    query_scalar("pragma quick_check(1)").fetch_one(db).await
}

pub(super) async fn schema_version(db: &mut SqliteConnection) -> Result<i64> {
    query_scalar("pragma user_version").fetch_one(db).await
}

/// Each step takes the schema one version further. One that a box has taken is never changed.
const STEPS: [&str; 3] = [
    concat!("begin immediate;\n", include_str!("schema.sql"), "\npragma user_version = 1;\ncommit;"),
    concat!("begin immediate;\n", include_str!("schema_2.sql"), "\npragma user_version = 2;\ncommit;"),
    concat!("begin immediate;\n", include_str!("schema_3.sql"), "\npragma user_version = 3;\ncommit;"),
];
pub(super) const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// Takes the steps that a database of version `found` lacks.
pub(super) async fn upgrade(db: &mut SqliteConnection, found: i64) -> Result<()> {
    for step in STEPS.into_iter().skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(step).execute(&mut *db).await?;
    }
    Ok(())
}

/// The last run's reckoning.
pub(super) async fn mark(db: &mut SqliteConnection) -> Result<Option<Mark>> {
    let row = query("select at_ms, trusted_at_ms, trusted_wall_ms from reckoning").fetch_optional(db).await?;
    row.map(|row| {
        let trusted: (Option<i64>, Option<i64>) =
            (row.try_get("trusted_at_ms")?, row.try_get("trusted_wall_ms")?);
        Ok(Mark {
            at: UtcMs(row.try_get("at_ms")?),
            trusted: trusted.0.zip(trusted.1).map(|(at, wall)| (UtcMs(at), UtcMs(wall))),
        })
    })
    .transpose()
}

pub(super) async fn set_mark(db: &mut SqliteConnection, mark: Mark) -> Result<()> {
    query(
        "insert into reckoning (one, at_ms, trusted_at_ms, trusted_wall_ms) values (1, $1, $2, $3)
         on conflict (one) do update set
             at_ms = excluded.at_ms, trusted_at_ms = excluded.trusted_at_ms,
             trusted_wall_ms = excluded.trusted_wall_ms",
    )
    .bind(mark.at.0)
    .bind(mark.trusted.map(|(at, _)| at.0))
    .bind(mark.trusted.map(|(_, wall)| wall.0))
    .execute(db)
    .await
    .map(drop)
}

/// When the newest message or file row was written.
pub(super) async fn newest(db: &mut SqliteConnection) -> Result<Option<UtcMs>> {
    let newest: Option<i64> = query_scalar(
        "select max(created_at_ms) from
             (select created_at_ms from message union all select created_at_ms from evidence)",
    )
    .fetch_one(db)
    .await?;
    Ok(newest.map(UtcMs))
}

/// Files that no row named at the last look, and since when.
pub(super) async fn orphans(db: &mut SqliteConnection) -> Result<Vec<(String, i64)>> {
    sqlx::query_as("select path, since_ms from orphan").fetch_all(db).await
}

pub(super) async fn insert_orphan(db: &mut SqliteConnection, path: &str, since: UtcMs) -> Result<()> {
    query("insert into orphan (path, since_ms) values ($1, $2) on conflict do nothing")
        .bind(path)
        .bind(since.0)
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn remove_orphan(db: &mut SqliteConnection, path: &str) -> Result<()> {
    query("delete from orphan where path = $1").bind(path).execute(db).await.map(drop)
}

pub(super) async fn total(db: &mut SqliteConnection, name: &'static str) -> Result<Total> {
    let row = query("select rows, bytes from total where name = $1").bind(name).fetch_one(db).await?;
    Ok(Total { rows: unsigned(row.try_get("rows")?), bytes: unsigned(row.try_get("bytes")?) })
}

/// Forgets rejected messages and answered commands older than `before`, and boots that have no row left.
pub(super) async fn forget(db: &mut SqliteConnection, before: UtcMs, this_boot: &str) -> Result<()> {
    query("delete from rejected where at_ms < $1").bind(before.0).execute(&mut *db).await?;
    query("delete from answered where at_ms < $1").bind(before.0).execute(&mut *db).await?;
    query("delete from boot where boot <> $1 and boot not in (select boot from message)")
        .bind(this_boot)
        .execute(db)
        .await
        .map(drop)
}

/// `now`: reckoned.
pub(super) async fn stats(db: &mut SqliteConnection, now: UtcMs) -> Result<Stats> {
    let message = total(db, "message").await?;
    let evidence = total(db, "evidence").await?;
    let oldest: Option<i64> = query_scalar("select created_at_ms from message order by position limit 1")
        .fetch_optional(&mut *db)
        .await?;
    let waiting: i64 =
        query_scalar("select count(*) from evidence where state = 'waiting'").fetch_one(&mut *db).await?;
    let rejected: i64 = query_scalar("select count(*) from rejected").fetch_one(db).await?;
    Ok(Stats {
        rows: message.rows,
        bytes: message.bytes,
        oldest_ms: oldest.map_or(0, |at| unsigned(now.since_ms(UtcMs(at)))),
        uploads_waiting: unsigned(waiting),
        evidence_files: evidence.rows,
        evidence_bytes: evidence.bytes,
        rejected_rows: unsigned(rejected),
    })
}
