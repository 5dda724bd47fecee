//! All SQL of the outbox: small functions over one connection, no decisions.

mod evidence;
mod message;
mod salvage;

use protocol::UtcMs;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row, query, query_scalar};

use super::Stats;

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

pub(super) async fn create(db: &mut SqliteConnection) -> Result<()> {
    const SCHEMA: &str =
        concat!("begin immediate;\n", include_str!("schema.sql"), "\npragma user_version = 1;\ncommit;");
    sqlx::raw_sql(SCHEMA).execute(db).await.map(drop)
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

pub(super) async fn stats(db: &mut SqliteConnection) -> Result<Stats> {
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
        oldest_at: oldest.map(UtcMs),
        uploads_waiting: unsigned(waiting),
        evidence_files: evidence.rows,
        evidence_bytes: evidence.bytes,
        rejected_rows: unsigned(rejected),
    })
}
