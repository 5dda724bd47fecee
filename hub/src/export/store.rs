//! SQL of what a sheet shows of a case besides the case itself.

use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, from_row};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct More {
    pub(super) case_id: String,
    pub(super) filed_at_ms: Option<i64>,
    /// Of the dispatch that holds.
    pub(super) dispatched_at_ms: Option<i64>,
    pub(super) reported_at_ms: Option<i64>,
    pub(super) ending: Option<String>,
    pub(super) void_reason: Option<String>,
    /// Open ones, with blanks between.
    pub(super) cards: String,
}

from_row!(More: case_id, filed_at_ms, dispatched_at_ms, reported_at_ms, ending, void_reason, cards);

macro_rules! more {
    ($dialect:ident) => {
        concat!(
            "select c.case_id, c.filed_at_ms,
                    (select max(t.dispatched_at_ms) from case_tasks t
                     where t.tenant = c.tenant and t.case_id = c.case_id
                       and t.state not in ('withdrawn', 'returned')) as dispatched_at_ms,
                    c.reported_at_ms, c.ending, c.void_reason, c.cards
             from cases c where c.tenant = $1 and c.case_id in ",
            texts!($dialect, 2)
        )
    };
}

pub(super) async fn more(db: &Db, tenant: &str, cases: impl Iterator<Item = &str>) -> Result<Vec<More>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => more!(sqlite),
        Dialect::Postgres => more!(postgres),
    };
    db.fetch_all(sql, args![tenant, cases.collect::<serde_json::Value>().to_string()]).await
}
