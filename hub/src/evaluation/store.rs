//! SQL of the evaluation: histories in pages, tables of closed months, the cases behind a figure. Every query has a bound.

mod gists;
mod roster;
mod series;

use protocol::UtcMs;

pub(super) use gists::{Kept as KeptGists, Stale, keep, stale, stale_of};
pub(super) use roster::{add_to_roster, roster, roster_in};
pub(super) use series::{SweptCase, heads, swept};

use super::point::Span;
use crate::args;
use crate::case::store::visible;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Arg, Db, Result, Tx, from_row};

/// Cases that are looked at together, and rows of their histories read at once.
const CASES: usize = 500;
const ROWS: usize = 4_000;

/// A case that could count.
#[derive(Clone, Debug)]
pub(super) struct CaseRow {
    pub(super) case_id: String,
    pub(super) number: String,
    /// How far its history had come by the root that is asked for; as far as it has come without one.
    pub(super) last: i64,
    /// What is kept of its history, where that is as it is now.
    pub(super) gists: Option<String>,
}

from_row!(CaseRow: case_id, number, last, gists);

/// A row of a case's history.
#[derive(Clone, Debug)]
pub(super) struct HistoryRow {
    pub(super) case_id: String,
    pub(super) position: i64,
    pub(super) at_ms: i64,
    pub(super) action: String,
    pub(super) detail: String,
}

from_row!(HistoryRow: case_id, position, at_ms, action, detail);

/// What is kept says when the last row was written; where nothing is, the history itself is asked.
macro_rules! cases {
    ($last:literal) => {
        concat!(
            "select c.case_id, c.number, ",
            $last,
            " as last, f.gists
             from cases c left join evaluation_facts f
                 on f.tenant = c.tenant and f.case_id = c.case_id and f.history_hash = c.history_hash and f.form = $6
             where c.tenant = $1 and c.drill = 0 and c.ledger <> 3 and c.opened_at_ms < $2
               and (c.closed_at_ms is null or c.updated_at_ms >= $3 or f.last_at_ms >= $3
                    or (f.case_id is null and exists (
                        select 1 from case_history h
                        where h.tenant = c.tenant and h.case_id = c.case_id and h.at_ms >= $3)))
               and c.case_id > $4
             order by c.case_id limit $5"
        )
    };
}

/// The next cases that could count in a span: opened before its end, and open now or with a row of their history since its
/// beginning. What becomes of a case after that, and a machine's clock that is set back, only widen the choice, so the same
/// cases count whenever it is asked. `form`: of what is kept that may be used; nothing for none of it.
pub(super) async fn cases(
    db: &Db,
    tenant: &str,
    (span, root): (Span, Option<i64>),
    form: Option<i64>,
    after: &str,
) -> Result<Vec<CaseRow>> {
    let sql = match root {
        None => cases!("cast(9223372036854775807 as bigint)"),
        Some(_) => cases!(
            "coalesce((select max(k.position) from history_heads k
                 where k.tenant = c.tenant and k.case_id = c.case_id and k.root <= $7), 0)"
        ),
    };
    // No form is less than nothing.
    let form = form.unwrap_or(-1);
    let mut args = args![tenant, span.seen, span.from, after, CASES as i64, form];
    args.extend(root.map(Arg::from));
    db.fetch_all(sql, args).await
}

/// Cases opened before the end of a span that this hub cannot read.
pub(super) async fn unreadable(db: &Db, tenant: &str, span: Span) -> Result<i64> {
    let (count,): (i64,) = db
        .fetch_one(
            "select count(*) from cases where tenant = $1 and ledger = 3 and drill = 0 and opened_at_ms < $2",
            args![tenant, span.seen],
        )
        .await?;
    Ok(count)
}

/// Rows of some histories, case by case, each in its order. Rows that say nothing of what is measured are left out: a camera
/// may tell of one matter thousands of times.
macro_rules! histories {
    ($dialect:ident, $cut:literal) => {
        concat!(
            "select case_id, position, at_ms, action, detail from case_history h
             where tenant = $1 and case_id in ",
            texts!($dialect, 2),
            // Joined with nothing, so that no database takes the mark for the way in instead of the list.
            " and (case_id || '' > $3 or (case_id || '' = $3 and position > $4))
              and action not in ('joined', 'ended', 'acknowledged', 'command', 'answered', 'lost', 'took_in', 'escalated',
                  'flapping', 'calmed', 'progress', 'reassigned', 'contact_seen', 'contact_deleted') ",
            $cut,
            " order by case_id, position limit $5"
        )
    };
}

/// As far as a history had come by a signed root.
macro_rules! up_to_root {
    ($dialect:ident) => {
        histories!(
            $dialect,
            "and position <= coalesce((
                 select max(k.position) from history_heads k
                 where k.tenant = h.tenant and k.case_id = h.case_id and k.root <= $6), 0)"
        )
    };
}

/// The rows of these cases, handed on as they are read.
pub(super) async fn histories(
    db: &Db,
    tenant: &str,
    ids: Vec<&str>,
    root: Option<i64>,
    each: &mut impl FnMut(HistoryRow),
) -> Result<()> {
    let sql = match (db.dialect(), root) {
        (Dialect::Sqlite, None) => histories!(sqlite, ""),
        (Dialect::Sqlite, Some(_)) => up_to_root!(sqlite),
        (Dialect::Postgres, None) => histories!(postgres, ""),
        (Dialect::Postgres, Some(_)) => up_to_root!(postgres),
    };
    let ids = serde_json::Value::from(ids).to_string();
    let (mut case_id, mut position) = (String::new(), 0);
    loop {
        let mut args = args![tenant, &ids, &case_id, position, ROWS as i64];
        args.extend(root.map(Arg::from));
        let page: Vec<HistoryRow> = db.fetch_all(sql, args).await?;
        let is_last = page.len() < ROWS;
        if let Some(last) = page.last() {
            (case_id, position) = (last.case_id.clone(), last.position);
        }
        page.into_iter().for_each(&mut *each);
        if is_last {
            return Ok(());
        }
    }
}

/// A table of a closed month.
#[derive(Clone, Debug)]
pub(super) struct KeptTable {
    pub(super) kind: String,
    pub(super) made_at_ms: i64,
    pub(super) root: i64,
    pub(super) policy_version: i64,
    /// Number of the last entry of the roster that was read; 0 before there was one.
    pub(super) roster: i64,
    pub(super) hash: String,
    pub(super) content: String,
}

from_row!(KeptTable: kind, made_at_ms, root, policy_version, roster, hash, content);

pub(super) async fn table(db: &Db, tenant: &str, period: &str, kind: &str) -> Result<Option<KeptTable>> {
    db.fetch_optional(
        "select kind, made_at_ms, root, policy_version, roster, hash, content from evaluation_tables
         where tenant = $1 and period = $2 and kind = $3",
        args![tenant, period, kind],
    )
    .await
}

/// All tables of a closed month.
pub(super) async fn kept(db: &Db, tenant: &str, period: &str) -> Result<Vec<KeptTable>> {
    db.fetch_all(
        "select kind, made_at_ms, root, policy_version, roster, hash, content from evaluation_tables
         where tenant = $1 and period = $2 order by kind",
        args![tenant, period],
    )
    .await
}

/// By what a month was closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    pub(super) root: i64,
    pub(super) policy_version: i64,
    pub(super) roster: i64,
}

from_row!(Closed: root, policy_version, roster);

/// Nothing while a month is not closed.
pub(super) async fn closed(db: &Db, tenant: &str, period: &str) -> Result<Option<Closed>> {
    db.fetch_optional(
        "select root, policy_version, roster from evaluation_tables
         where tenant = $1 and period = $2 order by kind limit 1",
        args![tenant, period],
    )
    .await
}

/// The newest closed month.
pub(super) async fn last_closed(db: &Db, tenant: &str) -> Result<Option<String>> {
    let (period,): (Option<String>,) =
        db.fetch_one("select max(period) from evaluation_tables where tenant = $1", args![tenant]).await?;
    Ok(period)
}

/// When the first case was opened whose history says by itself what it is.
pub(super) async fn first_opened(db: &Db, tenant: &str) -> Result<Option<i64>> {
    let (at,): (Option<i64>,) = db
        .fetch_one(
            "select min(opened_at_ms) from cases where tenant = $1 and ledger = 1 and drill = 0",
            args![tenant],
        )
        .await?;
    Ok(at)
}

/// Keeps the tables of a month that is not closed yet; the caller holds the tenant's lock. Returns how many.
pub(super) async fn close(
    tx: &mut Tx,
    tenant: &str,
    period: &str,
    tables: &[KeptTable],
    now: UtcMs,
) -> Result<u64> {
    let mut made = 0;
    for table in tables {
        made += tx
            .execute(
                "insert into evaluation_tables
                     (tenant, period, kind, made_at_ms, root, policy_version, roster, hash, content)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant, period, kind) do nothing",
                args![
                    tenant,
                    period,
                    &table.kind,
                    now,
                    table.root,
                    table.policy_version,
                    table.roster,
                    &table.hash,
                    &table.content
                ],
            )
            .await?;
    }
    Ok(made)
}

/// Whether a month is closed, under the tenant's lock.
pub(super) async fn is_closed(tx: &mut Tx, tenant: &str, period: &str) -> Result<bool> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from evaluation_tables where tenant = $1 and period = $2",
            args![tenant, period],
        )
        .await?;
    Ok(count > 0)
}

/// Cases whose history does not say by itself what they are.
pub(super) async fn without_ledger(db: &Db, tenant: &str, limit: i64) -> Result<Vec<(String, String)>> {
    db.fetch_all(
        "select case_id, number from cases where tenant = $1 and ledger = 0 order by case_id limit $2",
        args![tenant, limit],
    )
    .await
}

/// Under the tenant's lock: whether it still does not.
pub(super) async fn is_without_ledger(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<bool> {
    let row: Option<(i64,)> = tx
        .fetch_optional("select ledger from cases where tenant = $1 and case_id = $2", args![tenant, case_id])
        .await?;
    Ok(row == Some((0,)))
}

/// This hub cannot read it: not tried again.
pub(super) async fn set_unreadable(db: &Db, tenant: &str, case_id: &str) -> Result<u64> {
    db.execute(
        "update cases set ledger = 3 where tenant = $1 and case_id = $2 and ledger = 0",
        args![tenant, case_id],
    )
    .await
}

/// What is shown of a case behind a figure, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    pub number: String,
    pub title_zh: String,
    pub title_en: String,
    pub state: String,
    pub area: String,
    pub category: Option<String>,
}

from_row!(Behind: number, title_zh, title_en, state, area, category);

macro_rules! behind {
    ($dialect:ident) => {
        concat!(
            "select number, title_zh, title_en, state, area, category from cases
             where tenant = $1 and number in ",
            texts!($dialect, 2),
            visible!("$3"),
            " order by number"
        )
    };
}

/// Those of the cases that this user may see.
pub(super) async fn behind(db: &Db, tenant: &str, numbers: &[&str], user: &str) -> Result<Vec<Behind>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => behind!(sqlite),
        Dialect::Postgres => behind!(postgres),
    };
    let numbers = serde_json::Value::from(numbers.to_vec()).to_string();
    db.fetch_all(sql, args![tenant, numbers, user]).await
}
