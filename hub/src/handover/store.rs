//! SQL of handovers, append-only but for who took one over; and of what they tell of. Every query has a bound.

use protocol::UtcMs;

use super::{Aside, Handover, Listed, Offline, OnDuty, Snapshot};
use crate::args;
use crate::case::Case;
use crate::case::store::{case_columns, visible};
use crate::db::dialect::{Dialect, texts};
use crate::db::{Arg, Db, Result, Tx, from_row};
use crate::device::store::seen_box;
use crate::organisation::AreaPath;

/// Cases that are counted at most, and numbers that are kept of them.
const MOST_COUNTED: i64 = 10_000;
pub(super) const MOST_NUMBERS: i64 = 200;
/// Turns of a roster, sources that are put aside, boxes.
const MOST_TURNS: i64 = 100;
const MOST_ASIDE: i64 = 200;
const MOST_OFFLINE: i64 = 200;

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select handover_id, area, from_ms, to_ms, given_by, note, snapshot, taken_by, taken_at_ms
             from handovers ",
            $rest
        )
    };
}

pub(super) async fn by_id(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<Handover>> {
    tx.fetch_optional(columns!("where tenant = $1 and handover_id = $2"), args![tenant, id]).await
}

/// Those of an area and of what lies in it, the newest first.
pub(super) async fn of_area(db: &Db, tenant: &str, area: &str, limit: i64) -> Result<Vec<Handover>> {
    db.fetch_all(
        columns!(
            "where tenant = $1 and substr(area, 1, length(cast($2 as text))) = $2
             order by to_ms desc, handover_id desc limit $3"
        ),
        args![tenant, area, limit],
    )
    .await
}

pub(super) async fn insert(tx: &mut Tx, tenant: &str, one: &Handover) -> Result<()> {
    tx.execute(
        "insert into handovers (tenant, handover_id, area, from_ms, to_ms, given_by, note, snapshot)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            tenant,
            &one.handover_id,
            &one.area,
            one.from_ms,
            one.to_ms,
            &one.given_by,
            &one.note,
            &one.snapshot
        ],
    )
    .await?;
    Ok(())
}

/// The first one counts.
pub(super) async fn set_taken(tx: &mut Tx, tenant: &str, id: &str, (by, at): (&str, UtcMs)) -> Result<u64> {
    tx.execute(
        "update handovers set taken_by = $3, taken_at_ms = $4
         where tenant = $1 and handover_id = $2 and taken_by is null",
        args![tenant, id, by, at],
    )
    .await
}

/// When the last shift of this very area was handed over.
pub(super) async fn last_end(tx: &mut Tx, tenant: &str, area: &str, now: UtcMs) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "select to_ms from handovers where tenant = $1 and area = $2 and to_ms < $3 order by to_ms desc limit 1",
            args![tenant, area, now],
        )
        .await?;
    Ok(row.map(|(at,)| at))
}

/// When the turn began that runs now over this area; of the nearest roster.
pub(super) async fn turn_began(tx: &mut Tx, tenant: &str, area: &str, now: UtcMs) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "select from_ms from duties
             where tenant = $1 and to_ms > $3 and from_ms < $3
               and substr(cast($2 as text), 1, length(area)) = area
             order by length(area) desc, from_ms desc limit 1",
            args![tenant, area, now],
        )
        .await?;
    Ok(row.map(|(at,)| at))
}

/// What stands open in an area, of what this user may see, and what came in since `from`.
pub(super) async fn snapshot(
    tx: &mut Tx,
    tenant: &str,
    (area, user): (&AreaPath, &str),
    (from, to): (UtcMs, UtcMs),
) -> Result<Snapshot> {
    let area = area.as_str();
    let whose = (area, user);
    let came_in = listed(tx, tenant, whose, &CAME_IN, args![from, to]).await?;
    let unacknowledged = listed(tx, tenant, whose, &UNACKNOWLEDGED, vec![]).await?;
    let emergencies = listed(tx, tenant, whose, &EMERGENCIES, vec![]).await?;
    let overdue = listed(tx, tenant, whose, &OVERDUE, args![to]).await?;
    let requests = listed(tx, tenant, whose, &REQUESTS, vec![]).await?;
    Ok(Snapshot {
        duty: duty(tx, tenant, area, (from, to)).await?,
        came_in,
        unacknowledged,
        emergencies,
        overdue,
        requests,
        shelved: shelved(tx, tenant, whose, to).await?,
        offline: offline(tx, tenant, whose).await?,
    })
}

/// How one figure is counted, and which cases are behind it.
struct Part {
    count: &'static str,
    numbers: &'static str,
}

/// Counted and listed by one condition.
macro_rules! part {
    ($condition:literal, $order:literal) => {
        Part {
            count: concat!(
                "select count(*) from (select 1 from cases
                 where tenant = $1 and substr(area, 1, length(cast($2 as text))) = $2",
                $condition,
                visible!("$3"),
                " limit $4) counted"
            ),
            numbers: concat!(
                "select number from cases
                 where tenant = $1 and substr(area, 1, length(cast($2 as text))) = $2",
                $condition,
                visible!("$3"),
                " order by ",
                $order,
                ", length(number), number limit $4"
            ),
        }
    };
}

const CAME_IN: Part = part!(" and opened_at_ms > $5 and opened_at_ms <= $6", "opened_at_ms");
const UNACKNOWLEDGED: Part = part!(
    " and closed_at_ms is null and severity = 'emergency' and drill = 0 and acknowledged_at_ms is null",
    "opened_at_ms"
);
const EMERGENCIES: Part = part!(
    " and closed_at_ms is null and severity = 'emergency' and drill = 0 and acknowledged_at_ms is not null",
    "opened_at_ms"
);
const OVERDUE: Part = part!(
    " and closed_at_ms is null and due_at_ms is not null and due_at_ms <= $5",
    "due_at_ms, opened_at_ms"
);
const REQUESTS: Part = part!(
    " and closed_at_ms is null and exists (select 1 from case_requests r where r.tenant = cases.tenant
          and r.case_id = cases.case_id and r.granted is null)",
    "opened_at_ms"
);

async fn listed(
    tx: &mut Tx,
    tenant: &str,
    (area, user): (&str, &str),
    part: &Part,
    times: Vec<Arg>,
) -> Result<Listed> {
    let bound = |most: i64| {
        let mut all = args![tenant, area, user, most];
        all.extend(times.clone());
        all
    };
    let (count,): (i64,) = tx.fetch_one(part.count, bound(MOST_COUNTED)).await?;
    let numbers: Vec<(String,)> = tx.fetch_all(part.numbers, bound(MOST_NUMBERS)).await?;
    Ok(Listed { count, numbers: numbers.into_iter().map(|(number,)| number).collect() })
}

struct Turn {
    user_name: String,
    post: String,
    area: String,
    from_ms: i64,
    to_ms: i64,
}

from_row!(Turn: user_name, post, area, from_ms, to_ms);

/// Turns of the nearest roster that touch the time.
async fn duty(tx: &mut Tx, tenant: &str, area: &str, (from, to): (UtcMs, UtcMs)) -> Result<Vec<OnDuty>> {
    let turns: Vec<Turn> = tx
        .fetch_all(
            "select user_name, post, area, from_ms, to_ms from duties
             where tenant = $1 and to_ms > $3 and from_ms < $4
               and substr(cast($2 as text), 1, length(area)) = area
             order by length(area) desc, from_ms, post desc, user_name limit $5",
            args![tenant, area, from, to, MOST_TURNS],
        )
        .await?;
    let nearest = turns.first().map(|turn| turn.area.clone()).unwrap_or_default();
    let own = turns.into_iter().filter(|turn| turn.area == nearest);
    let one = |turn: Turn| OnDuty {
        user: turn.user_name,
        post: turn.post,
        from_ms: turn.from_ms,
        to_ms: turn.to_ms,
    };
    Ok(own.map(one).collect())
}

async fn shelved(tx: &mut Tx, tenant: &str, (area, user): (&str, &str), now: UtcMs) -> Result<Vec<Aside>> {
    let rows: Vec<(String, String, String, i64)> = tx
        .fetch_all(
            concat!(
                "select cases.number, s.reason, s.shelved_by, s.until_ms
                 from shelves s join cases on cases.tenant = s.tenant and cases.case_id = s.case_id
                 where s.tenant = $1 and s.ended_ms is null and s.until_ms > $4
                   and substr(cases.area, 1, length(cast($2 as text))) = $2",
                visible!("$3"),
                " order by s.until_ms, cases.number limit $5"
            ),
            args![tenant, area, user, now, MOST_ASIDE],
        )
        .await?;
    let one = |(number, reason, by, until_ms)| Aside { number, reason, by, until_ms };
    Ok(rows.into_iter().map(one).collect())
}

async fn offline(tx: &mut Tx, tenant: &str, (area, user): (&str, &str)) -> Result<Vec<Offline>> {
    let rows: Vec<(String, String, Option<i64>)> = tx
        .fetch_all(
            concat!(
                "select d.device_id, d.title, s.offline_since_ms
                 from devices d join device_status s on s.tenant = d.tenant and s.device_id = d.device_id
                 where d.tenant = $1 and d.state = 'enrolled' and s.state = 'offline'
                   and substr(d.area, 1, length(cast($2 as text))) = $2",
                seen_box!("$3"),
                " order by d.device_id limit $4"
            ),
            args![tenant, area, user, MOST_OFFLINE],
        )
        .await?;
    let one = |(device_id, title, since_ms)| Offline { device_id, title, since_ms };
    Ok(rows.into_iter().map(one).collect())
}

macro_rules! numbered {
    ($dialect:ident) => {
        concat!(
            case_columns!("where tenant = $1 and number in "),
            texts!($dialect, 2),
            visible!("$3"),
            " limit $4"
        )
    };
}

/// Of these cases, at most [`MOST_NUMBERS`], those that a user may see.
pub(crate) async fn cases(db: &Db, tenant: &str, user: &str, numbers: &[String]) -> Result<Vec<Case>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let sql = match db.dialect() {
        Dialect::Sqlite => numbered!(sqlite),
        Dialect::Postgres => numbered!(postgres),
    };
    let list = numbers.iter().map(String::as_str).collect::<serde_json::Value>().to_string();
    db.fetch_all(sql, args![tenant, list, user, MOST_NUMBERS]).await
}
