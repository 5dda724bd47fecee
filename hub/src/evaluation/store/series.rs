//! SQL of several periods that are read at once.

use super::CASES;
use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, from_row};
use crate::evaluation::point::Span;

/// A case that could count in one of several periods, with all that says in which.
#[derive(Clone, Debug)]
pub(in crate::evaluation) struct SweptCase {
    pub(in crate::evaluation) case_id: String,
    pub(in crate::evaluation) number: String,
    pub(in crate::evaluation) opened_at_ms: i64,
    pub(in crate::evaluation) closed_at_ms: Option<i64>,
    pub(in crate::evaluation) updated_at_ms: i64,
    /// Of all rows of its history.
    pub(in crate::evaluation) last_at_ms: Option<i64>,
    /// What is kept of its history, where that is as it is now.
    pub(in crate::evaluation) gists: Option<String>,
}

from_row!(SweptCase: case_id, number, opened_at_ms, closed_at_ms, updated_at_ms, last_at_ms, gists);

impl SweptCase {
    /// Whether [`super::cases`] would have it in this span.
    pub(in crate::evaluation) fn could_count(&self, span: Span) -> bool {
        let touched = self.updated_at_ms.max(self.last_at_ms.unwrap_or(i64::MIN));
        self.opened_at_ms < span.seen.0 && (self.closed_at_ms.is_none() || touched >= span.from.0)
    }
}

/// The next cases that could count in a span, as [`super::cases`] chooses them, up to where their histories have come.
pub(in crate::evaluation) async fn swept(
    db: &Db,
    tenant: &str,
    span: Span,
    form: i64,
    after: &str,
) -> Result<Vec<SweptCase>> {
    db.fetch_all(
        "select c.case_id, c.number, c.opened_at_ms, c.closed_at_ms, c.updated_at_ms,
             coalesce(f.last_at_ms, (select max(h.at_ms) from case_history h
                 where h.tenant = c.tenant and h.case_id = c.case_id)) as last_at_ms,
             f.gists
         from cases c left join evaluation_facts f
             on f.tenant = c.tenant and f.case_id = c.case_id and f.history_hash = c.history_hash and f.form = $6
         where c.tenant = $1 and c.drill = 0 and c.ledger <> 3 and c.opened_at_ms < $2
           and (c.closed_at_ms is null or c.updated_at_ms >= $3 or f.last_at_ms >= $3
                or (f.case_id is null and exists (
                    select 1 from case_history h
                    where h.tenant = c.tenant and h.case_id = c.case_id and h.at_ms >= $3)))
           and c.case_id > $4
         order by c.case_id limit $5",
        args![tenant, span.seen, span.from, after, CASES as i64, form],
    )
    .await
}

/// How far a history had come by a signed root.
#[derive(Clone, Debug)]
pub(in crate::evaluation) struct HeadRow {
    pub(in crate::evaluation) case_id: String,
    pub(in crate::evaluation) root: i64,
    pub(in crate::evaluation) position: i64,
}

from_row!(HeadRow: case_id, root, position);

macro_rules! heads {
    ($dialect:ident) => {
        concat!(
            "select case_id, root, position from history_heads
             where tenant = $1 and root <= $3 and case_id in ",
            texts!($dialect, 2),
            " order by case_id, root"
        )
    };
}

/// Of some cases, up to a root: one row for each root before which somebody wrote to the case.
pub(in crate::evaluation) async fn heads(
    db: &Db,
    tenant: &str,
    ids: Vec<&str>,
    root: i64,
) -> Result<Vec<HeadRow>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => heads!(sqlite),
        Dialect::Postgres => heads!(postgres),
    };
    let ids = serde_json::Value::from(ids).to_string();
    db.fetch_all(sql, args![tenant, ids, root]).await
}
