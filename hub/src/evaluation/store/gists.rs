//! SQL of what is kept of histories in short.

use super::HistoryRow;
use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Insert, Result, from_row};

/// Cases that are read anew together.
const BATCH: i64 = 200;

const KEPT: Insert = Insert {
    into: "insert into evaluation_facts (tenant, case_id, form, history_hash, last_at_ms, gists)",
    tail: "on conflict (tenant, case_id) do update set form = excluded.form, history_hash = excluded.history_hash,
               last_at_ms = excluded.last_at_ms, gists = excluded.gists",
};

/// A case whose history went on since it was kept, and how far it has come.
#[derive(Clone, Debug)]
pub(in crate::evaluation) struct Stale {
    pub(in crate::evaluation) case_id: String,
    pub(in crate::evaluation) history_count: i64,
    pub(in crate::evaluation) history_hash: String,
    /// Of all rows up to there.
    pub(in crate::evaluation) last_at_ms: i64,
}

from_row!(Stale: case_id, history_count, history_hash, last_at_ms);

macro_rules! stale {
    ($($which:tt)*) => {
        concat!(
            "select c.case_id, c.history_count, c.history_hash,
                 coalesce((select max(h.at_ms) from case_history h where h.tenant = c.tenant and h.case_id = c.case_id
                     and h.position <= c.history_count), 0) as last_at_ms
             from cases c left join evaluation_facts f
                 on f.tenant = c.tenant and f.case_id = c.case_id and f.history_hash = c.history_hash and f.form = $2
             where c.tenant = $1 and c.drill = 0 and c.ledger <> 3 and f.case_id is null and ",
            $($which)*
        )
    };
}

/// The next cases of which nothing is kept as they are now, by id.
pub(in crate::evaluation) async fn stale(
    db: &Db,
    tenant: &str,
    form: i64,
    after: &str,
) -> Result<Vec<Stale>> {
    let sql = stale!("c.case_id > $3 order by c.case_id limit $4");
    db.fetch_all(sql, args![tenant, form, after, BATCH]).await
}

/// The same of some cases, by their numbers.
pub(in crate::evaluation) async fn stale_of(
    db: &Db,
    tenant: &str,
    form: i64,
    numbers: &[&str],
) -> Result<Vec<Stale>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => stale!(concat!("c.number in ", texts!(sqlite, 3), " order by c.case_id")),
        Dialect::Postgres => stale!(concat!("c.number in ", texts!(postgres, 3), " order by c.case_id")),
    };
    let numbers = serde_json::Value::from(numbers.to_vec()).to_string();
    db.fetch_all(sql, args![tenant, form, numbers]).await
}

/// What a case comes to as it is kept.
#[derive(Clone, Debug)]
pub(in crate::evaluation) struct Kept {
    pub(in crate::evaluation) of: Stale,
    pub(in crate::evaluation) gists: String,
}

/// Keeps them, in the order of their ids. Nobody is locked out: what two hubs write at once is the same, and what is behind
/// when it is written is not used.
pub(in crate::evaluation) async fn keep(db: &Db, tenant: &str, form: i64, all: Vec<Kept>) -> Result<()> {
    let mut tx = db.begin().await?;
    for Kept { of, gists } in all {
        tx.later(KEPT, args![tenant, of.case_id, form, of.history_hash, of.last_at_ms, gists]);
    }
    tx.commit().await
}

impl Stale {
    /// Whether a row belongs to what was there when it was asked how far the history has come.
    pub(in crate::evaluation) fn has(&self, row: &HistoryRow) -> bool {
        row.case_id == self.case_id && row.position <= self.history_count
    }
}
