//! SQL of the alert wall. Every query has a bound, and tells only what whoever looks may see.

use protocol::UtcMs;

use super::load::{STEP_MS, Turn};
use crate::args;
use crate::case::Case;
use crate::case::store::{case_columns, visible};
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, from_row};

/// Areas × severities: a county of a thousand grids fits.
const MOST_PLACES: i64 = 5_000;
/// Alerts of one window that are counted.
pub(super) const MOST_ALERTS: i64 = 10_000;
const MOST_FLAPPING: i64 = 50;
/// Turns of a day and a night.
const MOST_TURNS: i64 = 500;

/// What asked somebody to look: cases that opened. Not drills, not what went into another case by itself as it opened, and
/// not what a source tells that flaps or is put aside.
macro_rules! alerts {
    () => {
        " and drill = 0 and not (joined_into is not null and closed_at_ms = opened_at_ms) "
    };
}

/// Cases that nobody has in hand, in whatever state: the worst first, of equals the one that has waited longest.
pub(super) async fn waiting(db: &Db, tenant: &str, user: &str, limit: i64) -> Result<Vec<Case>> {
    db.fetch_all(
        concat!(
            case_columns!("where tenant = $1 and closed_at_ms is null and acknowledged_at_ms is null"),
            visible!("$2"),
            " order by case severity when 'emergency' then 0 when 'major' then 1 when 'normal' then 2 else 3 end,
                  opened_at_ms, length(number), number
              limit $3"
        ),
        args![tenant, user, limit],
    )
    .await
}

/// Cases that somebody has in hand; what is due first, first.
pub(super) async fn in_hand(db: &Db, tenant: &str, user: &str, limit: i64) -> Result<Vec<Case>> {
    db.fetch_all(
        concat!(
            case_columns!("where tenant = $1 and closed_at_ms is null and acknowledged_at_ms is not null"),
            visible!("$2"),
            " order by case when due_at_ms is null then 1 else 0 end, due_at_ms, opened_at_ms, number limit $3"
        ),
        args![tenant, user, limit],
    )
    .await
}

/// What the engine and the damping know of a case.
#[derive(Clone, Debug)]
pub(super) struct Alarm {
    pub(super) case_id: String,
    /// How often it was told further.
    pub(super) escalation: i64,
    pub(super) escalate_at_ms: Option<i64>,
    pub(super) damped_since_ms: Option<i64>,
    pub(super) damped_count: i64,
}

from_row!(Alarm: case_id, escalation, escalate_at_ms, damped_since_ms, damped_count);

macro_rules! alarms {
    ($dialect:ident) => {
        concat!(
            "select case_id, escalation, escalate_at_ms, damped_since_ms, damped_count from cases
             where tenant = $1 and case_id in ",
            texts!($dialect, 2)
        )
    };
}

/// Of these cases, which were found to be the viewer's to see.
pub(super) async fn alarms(db: &Db, tenant: &str, cases: &[Case]) -> Result<Vec<Alarm>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => alarms!(sqlite),
        Dialect::Postgres => alarms!(postgres),
    };
    db.fetch_all(sql, args![tenant, listed(cases.iter().map(|case| case.case_id.as_str()))]).await
}

/// What was joined to a case.
#[derive(Clone, Debug)]
pub(super) struct JoinedTo {
    /// Number of the case that goes on.
    pub(super) joined_into: String,
    pub(super) cases: i64,
    /// Of the newest one.
    pub(super) why: String,
}

from_row!(JoinedTo: joined_into, cases, why);

macro_rules! joined {
    ($dialect:ident) => {
        concat!(
            "select joined_into, cases, why from (
                 select joined_into, coalesce(joined_why, '') as why,
                        count(*) over (partition by joined_into) as cases,
                        row_number() over (partition by joined_into order by closed_at_ms desc, number desc) as nth
                 from cases where tenant = $1 and joined_into in ",
            texts!($dialect, 2),
            visible!("$3"),
            ") ranked where nth = 1"
        )
    };
}

/// What joined each of these cases, of what this user may see.
pub(super) async fn joined(db: &Db, tenant: &str, user: &str, cases: &[Case]) -> Result<Vec<JoinedTo>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => joined!(sqlite),
        Dialect::Postgres => joined!(postgres),
    };
    db.fetch_all(sql, args![tenant, listed(cases.iter().map(|case| case.number.as_str())), user]).await
}

/// Texts as one argument for a `texts!` list.
fn listed<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<serde_json::Value>().to_string()
}

/// Open cases of one severity in one place.
#[derive(Clone, Debug)]
pub(super) struct PlaceCount {
    /// Path of the area.
    pub(super) area: String,
    pub(super) severity: String,
    /// Nobody has them in hand.
    pub(super) waiting: i64,
    pub(super) opened: i64,
}

from_row!(PlaceCount: area, severity, waiting, opened);

pub(super) async fn places(db: &Db, tenant: &str, user: &str) -> Result<Vec<PlaceCount>> {
    db.fetch_all(
        concat!(
            "select area, severity,
                    cast(sum(case when acknowledged_at_ms is null then 1 else 0 end) as bigint) as waiting,
                    count(*) as opened
             from cases where tenant = $1 and closed_at_ms is null",
            visible!("$2"),
            " group by area, severity order by area, severity limit $3"
        ),
        args![tenant, user, MOST_PLACES],
    )
    .await
}

/// A source that flaps.
#[derive(Clone, Debug)]
pub(super) struct Flapping {
    pub(super) number: String,
    pub(super) title_zh: String,
    pub(super) title_en: String,
    pub(super) damped_since_ms: i64,
    pub(super) damped_count: i64,
}

from_row!(Flapping: number, title_zh, title_en, damped_since_ms, damped_count);

/// Sources that flap, those that began last first.
pub(super) async fn flapping(db: &Db, tenant: &str, user: &str) -> Result<Vec<Flapping>> {
    db.fetch_all(
        concat!(
            "select number, title_zh, title_en, damped_since_ms, damped_count
             from cases where tenant = $1 and closed_at_ms is null and damped_since_ms is not null",
            visible!("$2"),
            " order by damped_since_ms desc, number limit $3"
        ),
        args![tenant, user, MOST_FLAPPING],
    )
    .await
}

/// When the newest case of all opened.
pub(super) async fn latest(db: &Db, tenant: &str, user: &str) -> Result<Option<i64>> {
    let row: Option<(i64,)> = db
        .fetch_optional(
            concat!(
                "select opened_at_ms from cases where tenant = $1",
                visible!("$2"),
                " order by opened_at_ms desc limit 1"
            ),
            args![tenant, user],
        )
        .await?;
    Ok(row.map(|(at,)| at))
}

/// Alerts of each step of [`STEP_MS`] back from `now`, the current one being 0: (step, alerts).
pub(super) async fn alerts_by_step(
    db: &Db,
    tenant: &str,
    user: &str,
    (after_ms, now): (i64, UtcMs),
) -> Result<Vec<(i64, i64)>> {
    db.fetch_all(
        concat!(
            "select step, count(*) as alerts from (
                 select ($3 - opened_at_ms) / $4 as step from cases
                 where tenant = $1 and opened_at_ms > $2 and opened_at_ms <= $3",
            alerts!(),
            visible!("$5"),
            " order by opened_at_ms desc limit $6) counted group by step order by step"
        ),
        args![tenant, after_ms, now, STEP_MS, user, MOST_ALERTS],
    )
    .await
}

/// How many alerts there were after one moment and until another, up to [`MOST_ALERTS`].
pub(super) async fn count_alerts(
    db: &Db,
    tenant: &str,
    user: &str,
    (after_ms, until): (i64, UtcMs),
) -> Result<i64> {
    let (count,): (i64,) = db
        .fetch_one(
            concat!(
                "select count(*) from (
                     select 1 as one from cases where tenant = $1 and opened_at_ms > $2 and opened_at_ms <= $3",
                alerts!(),
                visible!("$4"),
                " order by opened_at_ms desc limit $5) counted"
            ),
            args![tenant, after_ms, until, user, MOST_ALERTS],
        )
        .await?;
    Ok(count)
}

/// Turns of those who watch over an area, as far as they touch a time; the nearest area's first.
pub(super) async fn turns(
    db: &Db,
    tenant: &str,
    area: &str,
    (after_ms, until): (i64, UtcMs),
) -> Result<Vec<Turn>> {
    db.fetch_all(
        "select user_name, area, from_ms, to_ms from duties
         where tenant = $1 and to_ms > $2 and from_ms <= $3
           and substr(cast($4 as text), 1, length(area)) = area
         order by length(area) desc, from_ms, user_name limit $5",
        args![tenant, after_ms, until, area, MOST_TURNS],
    )
    .await
}

/// Which cases a figure of the wall counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind {
    /// `waiting`, `inhand` or `open`; nothing for what has ended as well.
    pub(super) part: &'static str,
    pub(super) severity: &'static str,
    /// Path of an area in which they lie.
    pub(super) area: String,
    /// Only what lies in no town.
    pub(super) county: bool,
    /// Only what counts as an alert of the load.
    pub(super) alerts: bool,
    pub(super) after_ms: i64,
    pub(super) until_ms: i64,
}

/// Open cases are asked for by themselves, so that those that have ended are not passed over one by one.
macro_rules! behind {
    ($part:literal) => {
        concat!(
            case_columns!(
                "where tenant = $1 and opened_at_ms > $2 and opened_at_ms <= $3
                   and ($4 = '' or severity = $4)
                   and ($5 = '' or substr(area, 1, length(cast($5 as text))) = $5)
                   and ($6 = 0 or length(area) - length(replace(area, '/', '')) <= 2)
                   and ($7 = 0 or (1 = 1"
            ),
            alerts!(),
            "))",
            $part,
            visible!("$8"),
            " order by opened_at_ms desc, length(number) desc, number desc limit $9"
        )
    };
}

/// The newest of the cases behind a figure.
pub(super) async fn behind(
    db: &Db,
    tenant: &str,
    user: &str,
    asked: &Behind,
    limit: i64,
) -> Result<Vec<Case>> {
    let sql = match asked.part {
        "open" => behind!(" and closed_at_ms is null"),
        "waiting" => behind!(" and closed_at_ms is null and acknowledged_at_ms is null"),
        "inhand" => behind!(" and closed_at_ms is null and acknowledged_at_ms is not null"),
        _ => behind!(""),
    };
    let (after_ms, until_ms) = (asked.after_ms, asked.until_ms);
    db.fetch_all(
        sql,
        args![
            tenant,
            after_ms,
            until_ms,
            asked.severity,
            &asked.area,
            asked.county,
            asked.alerts,
            user,
            limit
        ],
    )
    .await
}
