//! SQL of what is due. Every query has a bound; what it finds is looked at again under the tenant's lock.

pub(super) mod claims;

use protocol::UtcMs;

use super::claim::AT_ONCE;
use crate::args;
use crate::db::{Db, Result, Tx, from_row};
use claims::unclaimed;

/// A clock whose next moment has come.
#[derive(Clone, Debug)]
pub(super) struct DueClock {
    pub(super) tenant: String,
    pub(super) number: String,
    pub(super) clock: String,
    pub(super) task: i64,
    pub(super) nth: i64,
}

from_row!(DueClock: tenant, number, clock, task, nth);

impl DueClock {
    pub(super) fn subject(&self) -> (&str, &str) {
        (&self.tenant, &self.number)
    }
}

pub(super) async fn due_clocks(db: &Db, now: UtcMs) -> Result<Vec<DueClock>> {
    db.fetch_all(
        concat!(
            "select k.tenant, c.number, k.clock, k.task, k.nth
             from case_clocks k join cases c on c.tenant = k.tenant and c.case_id = k.case_id
             where k.stopped_at_ms is null and k.next_at_ms is not null and k.next_at_ms <= $1",
            unclaimed!("clock", "c.tenant", "c.number"),
            "order by k.next_at_ms limit $2"
        ),
        args![now, AT_ONCE],
    )
    .await
}

/// Under the lock: which stage the clock is at, if its moment has still come.
pub(super) async fn still_due(tx: &mut Tx, case_id: &str, due: &DueClock, now: UtcMs) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "select stage from case_clocks
             where tenant = $1 and case_id = $2 and clock = $3 and task = $4 and nth = $5 and stopped_at_ms is null
               and next_at_ms is not null and next_at_ms <= $6",
            args![&due.tenant, case_id, &due.clock, due.task, due.nth, now],
        )
        .await?;
    Ok(row.map(|(stage,)| stage))
}

pub(super) async fn set_stage(
    tx: &mut Tx,
    case_id: &str,
    due: &DueClock,
    stage: i64,
    next_at: Option<UtcMs>,
) -> Result<()> {
    tx.execute(
        "update case_clocks set stage = $6, next_at_ms = $7
         where tenant = $1 and case_id = $2 and clock = $3 and task = $4 and nth = $5",
        args![&due.tenant, case_id, &due.clock, due.task, due.nth, stage, next_at],
    )
    .await?;
    Ok(())
}

/// A case by tenant and number.
#[derive(Clone, Debug)]
pub(super) struct DueCase {
    pub(super) tenant: String,
    pub(super) number: String,
}

from_row!(DueCase: tenant, number);

impl DueCase {
    pub(super) fn subject(&self) -> (&str, &str) {
        (&self.tenant, &self.number)
    }
}

/// Suspensions whose time is over.
pub(super) async fn over(db: &Db, now: UtcMs) -> Result<Vec<DueCase>> {
    db.fetch_all(
        concat!(
            "select tenant, number from cases where suspended_until_ms is not null and suspended_until_ms <= $1",
            unclaimed!("suspension", "cases.tenant", "cases.number"),
            "order by suspended_until_ms limit $2"
        ),
        args![now, AT_ONCE],
    )
    .await
}

/// Emergencies that nobody has in hand and that are to be told further.
pub(super) async fn unanswered(db: &Db, now: UtcMs) -> Result<Vec<DueCase>> {
    db.fetch_all(
        concat!(
            "select tenant, number from cases where escalate_at_ms is not null and escalate_at_ms <= $1",
            unclaimed!("emergency", "cases.tenant", "cases.number"),
            "order by escalate_at_ms limit $2"
        ),
        args![now, AT_ONCE],
    )
    .await
}

/// Tenants with emergencies that wait for a person and of which the engine knows nothing yet: just opened, or just raised.
pub(super) async fn unwatched(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            "select distinct tenant from cases
             where closed_at_ms is null and state = 'received' and acknowledged_at_ms is null
               and severity = 'emergency' and drill = 0 and escalate_at_ms is null and escalation = 0",
            args![],
        )
        .await?;
    Ok(rows.into_iter().map(|(tenant,)| tenant).collect())
}

/// Under the lock: from when on they are told further.
pub(super) async fn watch(tx: &mut Tx, tenant: &str, acknowledge_ms: i64) -> Result<u64> {
    tx.execute(
        "update cases set escalate_at_ms = updated_at_ms + $2
         where tenant = $1 and closed_at_ms is null and state = 'received' and acknowledged_at_ms is null
           and severity = 'emergency' and drill = 0 and escalate_at_ms is null and escalation = 0",
        args![tenant, acknowledge_ms],
    )
    .await
}

/// What could not be done comes again later, so that it does not stand before the rest.
pub(super) async fn postpone_clock(db: &Db, due: &DueClock, until: UtcMs) -> Result<u64> {
    db.execute(
        "update case_clocks set next_at_ms = $6
         where tenant = $1 and clock = $3 and task = $4 and nth = $5
           and case_id in (select case_id from cases where tenant = $1 and number = $2)",
        args![&due.tenant, &due.number, &due.clock, due.task, due.nth, until],
    )
    .await
}

/// Open cases without any clock: of before there were any.
pub(super) async fn without_clocks(db: &Db, now: UtcMs) -> Result<Vec<DueCase>> {
    db.fetch_all(
        concat!(
            "select tenant, number from cases
             where closed_at_ms is null and not exists (
                 select 1 from case_clocks k where k.tenant = cases.tenant and k.case_id = cases.case_id)",
            unclaimed!("older", "cases.tenant", "cases.number"),
            "limit $2"
        ),
        args![now, AT_ONCE],
    )
    .await
}

#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub(super) case_id: String,
    pub(super) area: String,
    pub(super) level: String,
    pub(super) title_zh: String,
    pub(super) title_en: String,
    pub(super) escalation: i64,
    pub(super) waits: i64,
}

from_row!(Unanswered: case_id, area, level, title_zh, title_en, escalation, waits);

/// Under the lock: the case, and whether it still waits.
pub(super) async fn still_unanswered(tx: &mut Tx, due: &DueCase, now: UtcMs) -> Result<Option<Unanswered>> {
    tx.fetch_optional(
        "select case_id, area, level, title_zh, title_en, escalation,
                cast(case when closed_at_ms is null and acknowledged_at_ms is null then 1 else 0 end as bigint) as waits
         from cases where tenant = $1 and number = $2 and escalate_at_ms is not null and escalate_at_ms <= $3",
        args![&due.tenant, &due.number, now],
    )
    .await
}

/// How far a case was told that somebody has put straight before the command centre and that nobody has in hand yet; nothing
/// of any other. One that began to wait anew since, reopened say, is below `step` again and must be told of anew.
pub(super) async fn at_centre(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    step: i64,
) -> Result<Option<(i64, Option<i64>)>> {
    tx.fetch_optional(
        "select escalation, escalate_at_ms from cases
         where tenant = $1 and case_id = $2 and closed_at_ms is null and acknowledged_at_ms is null
           and (drill <> 0 or escalation >= $3)
           and exists (select 1 from case_history h
                       where h.tenant = cases.tenant and h.case_id = cases.case_id and h.action = 'centre_called')",
        args![tenant, case_id, step],
    )
    .await
}

/// When, and by whom, a case was put before the command centre last; nothing once it has begun to wait anew (`at_centre`).
pub(super) async fn called_centre(
    db: &Db,
    tenant: &str,
    case_id: &str,
    step: i64,
) -> Result<Option<(i64, String)>> {
    db.fetch_optional(
        "select h.at_ms, h.actor from case_history h
             join cases c on c.tenant = h.tenant and c.case_id = h.case_id
         where h.tenant = $1 and h.case_id = $2 and h.action = 'centre_called'
           and (c.acknowledged_at_ms is not null or c.drill <> 0 or c.escalation >= $3)
           and not exists (select 1 from case_history r
                           where r.tenant = h.tenant and r.case_id = h.case_id and r.action = 'reopened'
                             and r.position > h.position)
         order by h.position desc limit 1",
        args![tenant, case_id, step],
    )
    .await
}

/// Whether somebody has called the centre since, as the history has it.
pub(super) async fn called_centre_by(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    (by, since_ms): (&str, i64),
) -> Result<bool> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "select position from case_history
             where tenant = $1 and case_id = $2 and action = 'centre_called' and actor = $3 and at_ms >= $4
             order by position desc limit 1",
            args![tenant, case_id, by, since_ms],
        )
        .await?;
    Ok(row.is_some())
}

pub(super) async fn set_escalation(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    escalation: i64,
    next_at: Option<UtcMs>,
) -> Result<()> {
    tx.execute(
        "update cases set escalation = $3, escalate_at_ms = $4 where tenant = $1 and case_id = $2",
        args![tenant, case_id, escalation, next_at],
    )
    .await?;
    Ok(())
}
