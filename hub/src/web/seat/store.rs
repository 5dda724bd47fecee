//! SQL of a seat's calls. Every query has a bound, and tells only what whoever looks may see.

use crate::args;
use crate::case::store::visible;
use crate::db::dialect::{Dialect, json_text};
use crate::db::{Db, Result, from_row};

/// Calls that are looked through for the names of seats, newest first, and names that are told.
const MOST_LOOKED: i64 = 2_000;
const MOST_SEATS: i64 = 200;

/// A call with its case.
#[derive(Clone, Debug)]
pub(super) struct CallRow {
    pub(super) number: String,
    pub(super) call_id: String,
    pub(super) severity: String,
    pub(super) state: String,
    pub(super) title_zh: String,
    pub(super) title_en: String,
    pub(super) place: Option<String>,
    pub(super) closed_at_ms: Option<i64>,
    pub(super) phase: String,
    /// By the box's clock, which is so far behind the hub's.
    pub(super) started_at_ms: i64,
    pub(super) ended_at_ms: Option<i64>,
    pub(super) skew_ms: Option<i64>,
    pub(super) seat: Option<String>,
    pub(super) caller: Option<String>,
    pub(super) duration_ms: Option<i64>,
    /// JSON of [`protocol::hotline::Alarm`]s.
    pub(super) alarms: Option<String>,
    pub(super) told_place: Option<String>,
    pub(super) category: Option<String>,
    pub(super) ticket_place: Option<String>,
    pub(super) filed_by: Option<String>,
    /// The first time.
    pub(super) filed_at_ms: Option<i64>,
}

from_row!(CallRow: number, call_id, severity, state, title_zh, title_en, place, closed_at_ms, phase,
    started_at_ms, ended_at_ms, skew_ms, seat, caller, duration_ms, alarms, told_place, category, ticket_place, filed_by,
    filed_at_ms);

/// A call's newest incident tells of it: legs that were heard apart become one.
macro_rules! incident {
    () => {
        " join incidents i on i.tenant = cases.tenant and i.incident_id = (
              select x.incident_id from incidents x
              where x.tenant = cases.tenant and x.case_id = cases.case_id and x.call_id is not null
              order by x.first_received_at_ms desc, x.incident_id desc limit 1) "
    };
}

macro_rules! calls {
    ($dialect:ident, $part:literal) => {
        concat!(
            "select cases.number, cases.call_id, cases.severity, cases.state, cases.title_zh, cases.title_en, cases.place,
                    cases.closed_at_ms, i.phase, i.started_at_ms, i.ended_at_ms, s.skew_ms, ",
            json_text!($dialect, "i.data", "subject", "seat"),
            " as seat, ",
            json_text!($dialect, "i.data", "subject", "caller_masked"),
            " as caller, cast(",
            json_text!($dialect, "i.data", "subject", "duration_ms"),
            " as bigint) as duration_ms, ",
            json_text!($dialect, "i.data", "subject", "reading", "alarms"),
            " as alarms, ",
            json_text!($dialect, "i.data", "subject", "reading", "place", "text"),
            " as told_place, t.category, t.place as ticket_place, t.filed_by,
                    coalesce(cases.filed_at_ms, t.filed_at_ms) as filed_at_ms
             from cases",
            incident!(),
            "left join tickets t on t.tenant = cases.tenant and t.case_id = cases.case_id
             left join device_status s on s.tenant = cases.tenant and s.device_id = cases.device_id
             where cases.tenant = $1 and cases.call_id is not null",
            $part,
            " and (cast($3 as text) = '' or coalesce(",
            json_text!($dialect, "i.data", "subject", "seat"),
            ", '') = $3)",
            visible!("$4"),
            " order by cases.opened_at_ms desc, length(cases.number) desc, cases.number desc limit $5"
        )
    };
}

/// Calls of a seat (nothing: of all) that came since a moment, newest first.
pub(super) async fn since(
    db: &Db,
    tenant: &str,
    user: &str,
    (from_ms, seat): (i64, &str),
    limit: i64,
) -> Result<Vec<CallRow>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => calls!(sqlite, " and cases.opened_at_ms >= $2"),
        Dialect::Postgres => calls!(postgres, " and cases.opened_at_ms >= $2"),
    };
    db.fetch_all(sql, args![tenant, from_ms, seat, user, limit]).await
}

/// Those of before that moment that nobody has filed.
pub(super) async fn left_over(
    db: &Db,
    tenant: &str,
    user: &str,
    (from_ms, seat): (i64, &str),
    limit: i64,
) -> Result<Vec<CallRow>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => {
            calls!(
                sqlite,
                " and cases.closed_at_ms is null and cases.state = 'received' and cases.opened_at_ms < $2"
            )
        }
        Dialect::Postgres => {
            calls!(
                postgres,
                " and cases.closed_at_ms is null and cases.state = 'received' and cases.opened_at_ms < $2"
            )
        }
    };
    db.fetch_all(sql, args![tenant, from_ms, seat, user, limit]).await
}

macro_rules! seats {
    ($dialect:ident) => {
        concat!(
            "select distinct seat from (select ",
            json_text!($dialect, "i.data", "subject", "seat"),
            " as seat from cases",
            incident!(),
            "where cases.tenant = $1 and cases.call_id is not null and cases.opened_at_ms >= $2",
            visible!("$3"),
            " order by cases.opened_at_ms desc limit $4) newest
             where seat is not null and seat <> '' order by seat limit $5"
        )
    };
}

/// Seats whose calls were seen since a moment.
pub(super) async fn seats(db: &Db, tenant: &str, user: &str, from_ms: i64) -> Result<Vec<String>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => seats!(sqlite),
        Dialect::Postgres => seats!(postgres),
    };
    let rows: Vec<(String,)> =
        db.fetch_all(sql, args![tenant, from_ms, user, MOST_LOOKED, MOST_SEATS]).await?;
    Ok(rows.into_iter().map(|(seat,)| seat).collect())
}
