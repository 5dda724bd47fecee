//! SQL of signed roots.

use crate::args;
use crate::case::HistoryEntry;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Insert, Result, Tx, from_row};

/// Cases of one root: what was written since the last one, at most.
const MOST: i64 = 5_000;

const HEADS: Insert =
    Insert { into: "insert into history_heads (tenant, root, case_id, position, hash)", tail: "" };

/// How far the history of a case had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub case_id: String,
    pub position: i64,
    pub hash: String,
}

from_row!(Head: case_id, position, hash);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    pub root: i64,
    pub at_ms: i64,
    pub prev_hash: String,
    pub hash: String,
    pub signer: String,
    pub signature: String,
}

from_row!(Root: root, at_ms, prev_hash, hash, signer, signature);

macro_rules! root_columns {
    ($rest:literal) => {
        concat!(
            "select root, at_ms, prev_hash, hash, signer, signature from history_roots where tenant = $1 ",
            $rest
        )
    };
}

pub async fn last(db: &Db, tenant: &str) -> Result<Option<Root>> {
    db.fetch_optional(root_columns!("order by root desc limit 1"), args![tenant]).await
}

pub async fn last_in(tx: &mut Tx, tenant: &str) -> Result<Option<Root>> {
    tx.fetch_optional(root_columns!("order by root desc limit 1"), args![tenant]).await
}

/// One of them, by its number.
pub async fn root(db: &Db, tenant: &str, root: i64) -> Result<Option<Root>> {
    db.fetch_optional(root_columns!("and root = $2"), args![tenant, root]).await
}

pub async fn roots(db: &Db, tenant: &str) -> Result<Vec<Root>> {
    db.fetch_all(root_columns!("order by root"), args![tenant]).await
}

/// Whether any case was written to since it was last rooted.
pub async fn is_behind(db: &Db, tenant: &str) -> Result<bool> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select case_id from cases where tenant = $1 and history_count > rooted_count limit 1",
            args![tenant],
        )
        .await?;
    Ok(row.is_some())
}

/// Ends of histories that no root covers.
pub async fn unrooted(tx: &mut Tx, tenant: &str) -> Result<Vec<Head>> {
    tx.fetch_all(
        "select case_id, history_count as position, history_hash as hash from cases
         where tenant = $1 and history_count > rooted_count order by case_id limit $2",
        args![tenant, MOST],
    )
    .await
}

macro_rules! rooted {
    ($dialect:ident) => {
        concat!(
            "update cases set rooted_count = history_count where tenant = $1 and case_id in ",
            texts!($dialect, 2)
        )
    };
}

pub async fn insert(tx: &mut Tx, tenant: &str, root: &Root, heads: &[Head]) -> Result<()> {
    tx.execute(
        "insert into history_roots (tenant, root, at_ms, prev_hash, hash, signer, signature)
         values ($1, $2, $3, $4, $5, $6, $7)",
        args![tenant, root.root, root.at_ms, &root.prev_hash, &root.hash, &root.signer, &root.signature],
    )
    .await?;
    for head in heads {
        tx.later(HEADS, args![tenant, root.root, &head.case_id, head.position, &head.hash]);
    }
    let ids: serde_json::Value = heads.iter().map(|head| head.case_id.as_str()).collect();
    let sql = match tx.dialect() {
        Dialect::Sqlite => rooted!(sqlite),
        Dialect::Postgres => rooted!(postgres),
    };
    tx.execute(sql, args![tenant, ids.to_string()]).await?;
    Ok(())
}

pub async fn heads(db: &Db, tenant: &str, root: i64) -> Result<Vec<Head>> {
    db.fetch_all(
        "select case_id, position, hash from history_heads where tenant = $1 and root = $2 order by case_id",
        args![tenant, root],
    )
    .await
}

/// The end of a case's history, as the case has it.
#[derive(Clone, Debug)]
pub struct CaseEnd {
    pub case_id: String,
    pub number: String,
    pub history_count: i64,
    pub history_hash: String,
}

from_row!(CaseEnd: case_id, number, history_count, history_hash);

/// A page of cases by id.
pub async fn cases(db: &Db, tenant: &str, after: &str) -> Result<Vec<CaseEnd>> {
    db.fetch_all(
        "select case_id, number, history_count, history_hash from cases
         where tenant = $1 and case_id > $2 order by case_id limit 500",
        args![tenant, after],
    )
    .await
}

/// One of them, in a snapshot.
pub async fn case_in(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<CaseEnd>> {
    tx.fetch_optional(
        "select case_id, number, history_count, history_hash from cases where tenant = $1 and case_id = $2",
        args![tenant, case_id],
    )
    .await
}

/// Its rows, in a snapshot.
pub async fn rows_in(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Vec<HistoryEntry>> {
    tx.fetch_all(
        "select position, at_ms, actor, action, detail, prev_hash, hash from case_history
         where tenant = $1 and case_id = $2 order by position",
        args![tenant, case_id],
    )
    .await
}

/// Every row of a case's history.
pub async fn rows(db: &Db, tenant: &str, case_id: &str) -> Result<Vec<HistoryEntry>> {
    db.fetch_all(
        "select position, at_ms, actor, action, detail, prev_hash, hash from case_history
         where tenant = $1 and case_id = $2 order by position",
        args![tenant, case_id],
    )
    .await
}

/// Cases that have history and are not there.
pub async fn orphans(db: &Db, tenant: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            "select distinct h.case_id from case_history h
             where h.tenant = $1 and not exists (
                 select 1 from cases c where c.tenant = h.tenant and c.case_id = h.case_id)
             order by h.case_id",
            args![tenant],
        )
        .await?;
    Ok(rows.into_iter().map(|(case_id,)| case_id).collect())
}

/// What a root covers and is not there as it was.
#[derive(Clone, Debug)]
pub struct Miss {
    pub root: i64,
    pub case_id: String,
    pub number: Option<String>,
    pub position: i64,
    /// Of the row that is there instead.
    pub hash: Option<String>,
}

from_row!(Miss: root, case_id, number, position, hash);

pub async fn misses(db: &Db, tenant: &str) -> Result<Vec<Miss>> {
    db.fetch_all(
        "select s.root, s.case_id, c.number, s.position, h.hash
         from history_heads s
         left join case_history h on h.tenant = s.tenant and h.case_id = s.case_id and h.position = s.position
         left join cases c on c.tenant = s.tenant and c.case_id = s.case_id
         where s.tenant = $1 and (h.hash is null or h.hash <> s.hash)
         order by s.root, s.case_id limit 10000",
        args![tenant],
    )
    .await
}
