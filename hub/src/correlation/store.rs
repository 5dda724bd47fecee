//! SQL of what joins, stays apart and is put aside.

use std::collections::BTreeSet;

use protocol::UtcMs;

use super::links::Links;
use super::near::Spot;
use super::shelf::Shelved;
use crate::args;
use crate::case::store::visible;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, Tx, from_row};
use crate::engine::claim::AT_ONCE;
use crate::engine::unclaimed;
use crate::organisation::AreaPath;

/// Open cases that a new one is held against.
const MOST_COMPARED: i64 = 500;

/// Sources that are put aside, in one list.
const MOST_SHELVED: i64 = 500;

/// A case with what decides which of two goes on.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    pub(super) spot: Spot,
    pub(super) is_received: bool,
    pub(super) is_in_hand: bool,
    pub(super) drill: i64,
    pub(super) opened_at_ms: i64,
}

struct Row {
    case_id: String,
    number: String,
    signal: String,
    signal_at_ms: i64,
    location: Option<String>,
    area: String,
    state: String,
    in_hand: i64,
    drill: i64,
    opened_at_ms: i64,
}

from_row!(Row: case_id, number, signal, signal_at_ms, location, area, state, in_hand, drill, opened_at_ms);

impl From<Row> for Compared {
    fn from(row: Row) -> Self {
        let place = row.location.and_then(|json| serde_json::from_str::<protocol::Place>(&json).ok());
        Self {
            spot: Spot {
                case_id: row.case_id,
                number: row.number,
                signal: row.signal,
                told_at: UtcMs(row.signal_at_ms),
                at: place.and_then(|place| place.longitude.zip(place.latitude)),
                area: AreaPath::kept(row.area),
            },
            is_received: row.state == "received",
            is_in_hand: row.in_hand != 0,
            drill: row.drill,
            opened_at_ms: row.opened_at_ms,
        }
    }
}

macro_rules! compared {
    ($($rest:expr),+) => {
        concat!(
            "select case_id, number, signal, signal_at_ms, location, area, state,
                    cast(case when acknowledged_at_ms is null then 0 else 1 end as bigint) as in_hand, drill, opened_at_ms
             from cases where tenant = $1 and closed_at_ms is null and signal <> '' ",
            $($rest),+
        )
    };
}

/// The case, if it is open and can be held against others.
pub(super) async fn own(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<Compared>> {
    let row: Option<Row> = tx.fetch_optional(compared!("and case_id = $2"), args![tenant, case_id]).await?;
    Ok(row.map(Into::into))
}

/// Other open cases of these signals that were told since, and that were not split from this one.
pub(super) async fn others(
    tx: &mut Tx,
    tenant: &str,
    own: &Compared,
    signals: &BTreeSet<&str>,
    since_ms: i64,
) -> Result<Vec<Compared>> {
    macro_rules! asked {
        ($dialect:ident) => {
            compared!(
                "and case_id <> $2 and drill = $3 and signal_at_ms >= $4 and signal in ",
                texts!($dialect, 6),
                " and not exists (select 1 from cases_apart a where a.tenant = cases.tenant and a.case_id = $2
                                  and a.other_id = cases.case_id)
                 order by signal_at_ms desc limit $5"
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    let signals = serde_json::json!(signals).to_string();
    let rows: Vec<Row> = tx
        .fetch_all(sql, args![tenant, &own.spot.case_id, own.drill, since_ms, MOST_COMPARED, signals])
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Two cases that a person split do not come together by themselves again.
pub(super) async fn keep_apart(tx: &mut Tx, tenant: &str, one: &str, other: &str, now: UtcMs) -> Result<()> {
    for (case_id, other_id) in [(one, other), (other, one)] {
        tx.execute(
            "insert into cases_apart (tenant, case_id, other_id, since_ms) values ($1, $2, $3, $4)
             on conflict (tenant, case_id, other_id) do nothing",
            args![tenant, case_id, other_id, now],
        )
        .await?;
    }
    Ok(())
}

/// What joined one case goes with it into another; returns the numbers.
pub(super) async fn repoint(
    tx: &mut Tx,
    tenant: &str,
    from: &str,
    into: &str,
) -> Result<Vec<(String, String)>> {
    tx.fetch_all(
        "update cases set joined_into = $3 where tenant = $1 and joined_into = $2 returning case_id, number",
        args![tenant, from, into],
    )
    .await
}

pub(super) async fn set_why(tx: &mut Tx, tenant: &str, number: &str, why: Option<&str>) -> Result<()> {
    tx.execute(
        "update cases set joined_why = $3 where tenant = $1 and number = $2",
        args![tenant, number, why],
    )
    .await?;
    Ok(())
}

/// A source that is put aside.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) shelf_id: String,
    pub(super) case_id: String,
    pub(super) severity: String,
    pub(super) until_ms: i64,
    pub(super) counted: i64,
}

from_row!(Shelf: shelf_id, case_id, severity, until_ms, counted);

pub(super) async fn shelf(tx: &mut Tx, tenant: &str, key: &str) -> Result<Option<Shelf>> {
    tx.fetch_optional(
        "select shelf_id, case_id, severity, until_ms, counted from shelves
         where tenant = $1 and correlation_key = $2 and ended_ms is null",
        args![tenant, key],
    )
    .await
}

/// The source of a case.
pub(super) async fn source(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<String> {
    let (key,): (String,) = tx
        .fetch_one(
            "select correlation_key from cases where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok(key)
}

pub(super) struct NewShelf<'a> {
    pub(super) id: &'a str,
    pub(super) key: &'a str,
    pub(super) case_id: &'a str,
    pub(super) severity: &'a str,
    pub(super) reason: &'a str,
    pub(super) by: &'a str,
    pub(super) until: UtcMs,
}

pub(super) async fn put_shelf(tx: &mut Tx, tenant: &str, new: &NewShelf<'_>, now: UtcMs) -> Result<()> {
    tx.execute(
        "insert into shelves (tenant, shelf_id, correlation_key, case_id, severity, reason, shelved_by, from_ms, until_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![tenant, new.id, new.key, new.case_id, new.severity, new.reason, new.by, now, new.until],
    )
    .await?;
    Ok(())
}

pub(super) async fn count_on_shelf(tx: &mut Tx, tenant: &str, shelf_id: &str) -> Result<()> {
    tx.execute(
        "update shelves set counted = counted + 1 where tenant = $1 and shelf_id = $2",
        args![tenant, shelf_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn end_shelf(tx: &mut Tx, tenant: &str, key: &str, by: &str, now: UtcMs) -> Result<()> {
    tx.execute(
        "update shelves set ended_ms = $4, ended_by = $3
         where tenant = $1 and correlation_key = $2 and ended_ms is null",
        args![tenant, key, by, now],
    )
    .await?;
    Ok(())
}

/// Sources whose time on the shelf is over: tenant and source.
pub(super) async fn over(db: &Db, now: UtcMs) -> Result<Vec<(String, String)>> {
    db.fetch_all(
        concat!(
            "select tenant, correlation_key from shelves where ended_ms is null and until_ms <= $1",
            unclaimed!("shelf", "shelves.tenant", "shelves.correlation_key"),
            "order by until_ms limit $2"
        ),
        args![now, AT_ONCE],
    )
    .await
}

/// What is put aside now, of cases that a user may see; what comes back first, first.
pub(super) async fn shelved(db: &Db, tenant: &str, user: &str) -> Result<Vec<Shelved>> {
    db.fetch_all(
        concat!(
            "select cases.number, cases.title_zh, cases.title_en, s.severity, s.reason, s.shelved_by, s.from_ms, s.until_ms,
                    s.counted
             from shelves s join cases on cases.tenant = s.tenant and cases.case_id = s.case_id
             where s.tenant = $1 and s.ended_ms is null",
            visible!("$2"),
            " order by s.until_ms limit $3"
        ),
        args![tenant, user, MOST_SHELVED],
    )
    .await
}

const LINKS: &str = "select c.joined_into, c.joined_why, s.until_ms as shelved_until_ms, s.shelved_by, c.damped_since_ms,
            c.damped_count
     from cases c
     left join shelves s on s.tenant = c.tenant and s.correlation_key = c.correlation_key and s.ended_ms is null
     where c.tenant = $1 and c.case_id = $2";

pub(super) async fn links(db: &Db, tenant: &str, case_id: &str) -> Result<Option<Links>> {
    db.fetch_optional(LINKS, args![tenant, case_id]).await
}

pub(super) async fn links_in(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<Links>> {
    tx.fetch_optional(LINKS, args![tenant, case_id]).await
}

/// Cases whose source flapped and has been quiet since: tenant and case.
pub(super) async fn calm(db: &Db, now: UtcMs, before_ms: i64) -> Result<Vec<(String, String)>> {
    db.fetch_all(
        concat!(
            "select tenant, case_id from cases where damped_since_ms is not null and recent_from_ms <= $2",
            unclaimed!("calm", "cases.tenant", "cases.case_id"),
            "order by recent_from_ms limit $3"
        ),
        args![now, before_ms, AT_ONCE],
    )
    .await
}
