//! SQL of the queue. Every query reads open cases only, has a bound, and tells only what whoever looks may see.

use protocol::UtcMs;

use super::part::{Part, Scope};
use crate::args;
use crate::case::Case;
use crate::case::store::{case_columns, visible};
use crate::db::{Arg, Db, Result, from_row};
use crate::organisation::Level;

/// A limit this near ends soon.
pub(super) const SOON_MS: i64 = 3_600_000;
/// Requests that wait, of everybody's.
pub(super) const MOST_REQUESTS: i64 = 500;
/// Units with open work.
const MOST_UNITS: i64 = 500;

/// A case of a list, and how far its history has come.
#[derive(Clone, Debug)]
pub(in crate::web) struct Waiting {
    pub(in crate::web) history_count: i64,
    /// 督办 cards that are open.
    pub(in crate::web) cards: String,
    /// 核查: whether who looked on site agrees; nothing while nobody has.
    pub(in crate::web) check_agrees: Option<i64>,
    pub(in crate::web) case: Case,
}

from_row!(Waiting: history_count, cards, check_agrees; flat case);

/// Which of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Nothing: all.
    pub(super) severity: &'static str,
    pub(super) source: &'static str,
}

/// Overdue ones first, then those whose limit ends soonest; what has none comes last, the oldest first.
macro_rules! soonest {
    () => {
        "case when due_at_ms is null then 1 else 0 end, due_at_ms, opened_at_ms, length(number), number"
    };
}

macro_rules! waiting {
    ($part:literal) => {
        concat!(
            "select found.*, more.history_count, more.cards, more.check_agrees from (",
            case_columns!(
                "where tenant = $1 and closed_at_ms is null
                   and substr(area, 1, length(cast($3 as text))) = $3
                   and ($4 = '' or (state = 'received' and level = $4))
                   and ($5 = '' or severity = $5) and ($6 = '' or source = $6)
                   and ($7 = 0 or (due_at_ms is not null and due_at_ms > $7))
                   and ($8 = 0 or (due_at_ms is not null and due_at_ms <= $8))"
            ),
            $part,
            visible!("$2"),
            " order by ",
            soonest!(),
            " limit $9) found
              join cases more on more.tenant = $1 and more.case_id = found.case_id
              order by case when found.due_at_ms is null then 1 else 0 end, found.due_at_ms, found.opened_at_ms,
                  length(found.number), found.number"
        )
    };
}

/// Cases of a part within one scope.
pub(super) async fn waiting(
    db: &Db,
    tenant: &str,
    user: &str,
    (part, scope, filter): (Part, &Scope, &Filter),
    (now, limit): (UtcMs, i64),
) -> Result<Vec<Waiting>> {
    let sql = match part {
        Part::Triage => waiting!(" and acknowledged_at_ms is null"),
        Part::File => waiting!(" and acknowledged_at_ms is not null"),
        Part::Dispatch => waiting!(" and state = 'filed'"),
        Part::Check => waiting!(" and state = 'verifying' and checked_at_ms is null"),
        Part::Close => waiting!(" and state = 'verifying'"),
        Part::Supervised => waiting!(" and cards <> ''"),
        Part::Suspended => waiting!(" and state = 'suspended'"),
        Part::Requests | Part::Soon | Part::Late => waiting!(""),
    };
    let (after, until) = match part {
        Part::Soon => (now.0, now.0 + SOON_MS),
        Part::Late => (0, now.0),
        _ => (0, 0),
    };
    let level = scope.level.map_or("", Level::as_str);
    let args: Vec<Arg> =
        args![tenant, user, scope.area.as_str(), level, filter.severity, filter.source, after, until, limit];
    db.fetch_all(sql, args).await
}

/// How many cases of each part there are in one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) triage: i64,
    pub(super) filing: i64,
    pub(super) dispatching: i64,
    pub(super) checking: i64,
    pub(super) closing: i64,
    pub(super) soon: i64,
    pub(super) late: i64,
    pub(super) supervised: i64,
    pub(super) suspended: i64,
}

from_row!(Counts: triage, filing, dispatching, checking, closing, soon, late, supervised, suspended);

impl Counts {
    /// Requests are counted by themselves.
    pub(super) fn of(&self, part: Part) -> i64 {
        match part {
            Part::Triage => self.triage,
            Part::File => self.filing,
            Part::Dispatch => self.dispatching,
            Part::Check => self.checking,
            Part::Close => self.closing,
            Part::Soon => self.soon,
            Part::Late => self.late,
            Part::Supervised => self.supervised,
            Part::Suspended => self.suspended,
            Part::Requests => 0,
        }
    }
}

macro_rules! sum {
    ($condition:literal) => {
        concat!("cast(coalesce(sum(case when ", $condition, " then 1 else 0 end), 0) as bigint)")
    };
}

/// The same conditions as those of the lists.
pub(super) async fn counts(
    db: &Db,
    tenant: &str,
    user: &str,
    (scope, filter): (&Scope, &Filter),
    now: UtcMs,
) -> Result<Counts> {
    let level = scope.level.map_or("", Level::as_str);
    db.fetch_one(
        concat!(
            "select ",
            sum!("state = 'received' and level = $4 and acknowledged_at_ms is null"),
            " as triage, ",
            sum!("state = 'received' and level = $4 and acknowledged_at_ms is not null"),
            " as filing, ",
            sum!("state = 'filed'"),
            " as dispatching, ",
            sum!("state = 'verifying' and checked_at_ms is null"),
            " as checking, ",
            sum!("state = 'verifying'"),
            " as closing, ",
            sum!("due_at_ms is not null and due_at_ms > $7 and due_at_ms <= $8"),
            " as soon, ",
            sum!("due_at_ms is not null and due_at_ms <= $7"),
            " as late, ",
            sum!("cards <> ''"),
            " as supervised, ",
            sum!("state = 'suspended'"),
            " as suspended
             from cases where tenant = $1 and closed_at_ms is null
               and substr(area, 1, length(cast($3 as text))) = $3
               and ($5 = '' or severity = $5) and ($6 = '' or source = $6)",
            visible!("$2")
        ),
        args![
            tenant,
            user,
            scope.area.as_str(),
            level,
            filter.severity,
            filter.source,
            now,
            now.plus_ms(SOON_MS)
        ],
    )
    .await
}

/// A request that waits for its decision.
#[derive(Clone, Debug)]
pub(super) struct AskedRow {
    pub(super) number: String,
    pub(super) area: String,
    pub(super) severity: String,
    pub(super) source: String,
    pub(super) request_id: String,
    pub(super) ask: String,
    pub(super) asked_by: String,
}

from_row!(AskedRow: number, area, severity, source, request_id, ask, asked_by);

/// Requests that wait, of cases that this user may see; that of the case whose limit ends first, first.
pub(super) async fn requests(db: &Db, tenant: &str, user: &str) -> Result<Vec<AskedRow>> {
    db.fetch_all(
        concat!(
            "select cases.number, cases.area, cases.severity, cases.source, r.request_id, r.ask, r.asked_by
             from case_requests r join cases on cases.tenant = r.tenant and cases.case_id = r.case_id
             where r.tenant = $1 and r.granted is null and cases.closed_at_ms is null",
            visible!("$2"),
            " order by case when cases.due_at_ms is null then 1 else 0 end, cases.due_at_ms, r.asked_at_ms, r.request_id
              limit $3"
        ),
        args![tenant, user, MOST_REQUESTS],
    )
    .await
}

/// What a unit has to do now, of what this user may see.
#[derive(Clone, Debug)]
pub(super) struct UnitLoad {
    pub(super) unit: String,
    /// Its parts that are not done.
    pub(super) opened: i64,
    /// Of those, with a limit that has passed.
    pub(super) late: i64,
}

from_row!(UnitLoad: unit, opened, late);

pub(super) async fn loads(db: &Db, tenant: &str, user: &str, now: UtcMs) -> Result<Vec<UnitLoad>> {
    db.fetch_all(
        concat!(
            "select unit, count(*) as opened, cast(sum(is_late) as bigint) as late from (
                 select t.unit, case when exists (
                     select 1 from case_clocks k
                     where k.tenant = t.tenant and k.case_id = t.case_id and k.task = t.task
                       and k.stopped_at_ms is null and k.due_at_ms is not null and k.due_at_ms <= $3)
                     then 1 else 0 end as is_late
                 from cases join case_tasks t on t.tenant = cases.tenant and t.case_id = cases.case_id
                 where cases.tenant = $1 and cases.closed_at_ms is null and t.ended_at_ms is null",
            visible!("$2"),
            ") parts group by unit order by unit limit $4"
        ),
        args![tenant, user, now, MOST_UNITS],
    )
    .await
}

/// Open cases in which a unit has a part that is not done; with `late`, one whose limit has passed.
pub(super) async fn of_unit(
    db: &Db,
    tenant: &str,
    user: &str,
    (unit, late): (&str, bool),
    (now, limit): (UtcMs, i64),
) -> Result<Vec<Waiting>> {
    db.fetch_all(
        concat!(
            "select found.*, more.history_count, more.cards, more.check_agrees from (",
            case_columns!(
                "where tenant = $1 and closed_at_ms is null and exists (
                     select 1 from case_tasks t
                     where t.tenant = cases.tenant and t.case_id = cases.case_id and t.unit = $3
                       and t.ended_at_ms is null
                       and ($4 = 0 or exists (
                           select 1 from case_clocks k
                           where k.tenant = t.tenant and k.case_id = t.case_id and k.task = t.task
                             and k.stopped_at_ms is null and k.due_at_ms is not null and k.due_at_ms <= $5)))"
            ),
            visible!("$2"),
            " order by ",
            soonest!(),
            " limit $6) found
              join cases more on more.tenant = $1 and more.case_id = found.case_id
              order by case when found.due_at_ms is null then 1 else 0 end, found.due_at_ms, found.opened_at_ms,
                  length(found.number), found.number"
        ),
        args![tenant, user, unit, late, now, limit],
    )
    .await
}

/// How often a unit has handled cases of a category.
#[derive(Clone, Debug)]
pub(super) struct Handled {
    pub(super) unit: String,
    pub(super) near: i64,
    pub(super) town: i64,
    pub(super) everywhere: i64,
}

from_row!(Handled: unit, near, town, everywhere);

/// Which units have led cases of this category to their result since, of what this user may see: in the nearer area, in the wider
/// one, and everywhere.
pub(super) async fn handled(
    db: &Db,
    tenant: &str,
    (user, category): (&str, &str),
    [near, town]: [&str; 2],
    since: UtcMs,
) -> Result<Vec<Handled>> {
    db.fetch_all(
        concat!(
            "select t.unit,
                 cast(sum(case when substr(cases.area, 1, length(cast($4 as text))) = $4 then 1 else 0 end) as bigint) as near,
                 cast(sum(case when substr(cases.area, 1, length(cast($5 as text))) = $5 then 1 else 0 end) as bigint) as town,
                 count(*) as everywhere
             from case_tasks t join cases on cases.tenant = t.tenant and cases.case_id = t.case_id
             where t.tenant = $1 and t.part = 'lead' and t.state = 'done' and t.ended_at_ms > $6
               and cases.category = $3 and cases.drill = 0",
            visible!("$2"),
            " group by t.unit order by 2 desc, 3 desc, 4 desc, 1 limit $7"
        ),
        args![tenant, user, category, near, town, since, MOST_UNITS],
    )
    .await
}

/// Names and queries of the views that somebody has saved.
pub(super) async fn views(db: &Db, tenant: &str, user: &str) -> Result<Vec<(String, String)>> {
    db.fetch_all(
        "select name, query from queue_views where tenant = $1 and user_name = $2 order by name",
        args![tenant, user],
    )
    .await
}

/// Keeps a view, in place of the one of that name; `false`: there are as many as one person has.
pub(super) async fn keep_view(
    db: &Db,
    tenant: &str,
    (user, name, query): (&str, &str, &str),
    (most, now): (i64, UtcMs),
) -> Result<bool> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let (others,): (i64,) = tx
        .fetch_one(
            "select count(*) from queue_views where tenant = $1 and user_name = $2 and name <> $3",
            args![tenant, user, name],
        )
        .await?;
    if others >= most {
        return Ok(false);
    }
    tx.execute(
        "insert into queue_views (tenant, user_name, name, query, saved_at_ms) values ($1, $2, $3, $4, $5)
         on conflict (tenant, user_name, name) do update set query = excluded.query,
             saved_at_ms = excluded.saved_at_ms",
        args![tenant, user, name, query, now],
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn forget_view(db: &Db, tenant: &str, user: &str, name: &str) -> Result<u64> {
    db.execute(
        "delete from queue_views where tenant = $1 and user_name = $2 and name = $3",
        args![tenant, user, name],
    )
    .await
}
