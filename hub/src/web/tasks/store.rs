//! SQL of what was dispatched to a unit. Only open cases, each of its own parts of the newest dispatch, with a bound.

use crate::args;
use crate::case::Case;
use crate::case::store::visible;
use crate::db::{Db, Result, from_row};

/// One part of one case.
#[derive(Clone, Debug)]
pub(super) struct TaskRow {
    /// `lead` or `co`.
    pub(super) part: String,
    /// [`crate::workflow::TaskState`]
    pub(super) task_state: String,
    pub(super) task_unit: String,
    pub(super) desk: String,
    /// The limit of this part that ends first.
    pub(super) own_due_ms: Option<i64>,
    /// Requests of this part that wait for their decision.
    pub(super) asked: i64,
    /// It was reported before and sent back.
    pub(super) reworks: i64,
    pub(super) cards: String,
    pub(super) history_count: i64,
    pub(super) case: Case,
}

from_row!(TaskRow: part, task_state, task_unit, desk, own_due_ms, asked, reworks, cards, history_count; flat case);

/// Parts of a unit that are not over: those to be accepted and in hand, and those that were reported while their case is open.
/// Overdue ones first, then those whose limit ends soonest.
pub(super) async fn of_unit(
    db: &Db,
    tenant: &str,
    user: &str,
    unit: &str,
    limit: i64,
) -> Result<Vec<TaskRow>> {
    db.fetch_all(
        concat!(
            "select own.* from (
                 select cases.case_id, cases.number, cases.kind, cases.severity, cases.state, cases.device_id,
                        cases.camera_id, cases.call_id, cases.title_zh, cases.title_en, cases.place, cases.location,
                        cases.incident_count, cases.drill, cases.started_at_ms, cases.opened_at_ms, cases.updated_at_ms,
                        cases.acknowledged_at_ms, cases.acknowledged_by, cases.closed_at_ms, cases.source, cases.area,
                        cases.level, cases.category, cases.lead_unit, cases.due_clock, cases.due_at_ms,
                        cases.confidential, cases.cards, cases.history_count,
                        t.part, t.state as task_state, t.unit as task_unit, coalesce(t.desk, '') as desk,
                        (select min(k.due_at_ms) from case_clocks k
                         where k.tenant = t.tenant and k.case_id = t.case_id and k.task = t.task
                           and k.stopped_at_ms is null) as own_due_ms,
                        (select count(*) from case_requests r
                         where r.tenant = t.tenant and r.case_id = t.case_id and r.task = t.task
                           and r.granted is null) as asked,
                        (select count(*) from case_clocks v
                         where v.tenant = t.tenant and v.case_id = t.case_id and v.clock = 'verify'
                           and v.stopped_at_ms is not null and v.started_at_ms >= t.dispatched_at_ms) as reworks
                 from case_tasks t join cases on cases.tenant = t.tenant and cases.case_id = t.case_id
                 where t.tenant = $1 and t.unit = $3 and cases.closed_at_ms is null
                   and cases.state in ('dispatched', 'in_progress', 'suspended', 'verifying')
                   and t.state in ('dispatched', 'accepted', 'done')
                   and t.task >= (select max(l.task) from case_tasks l
                                  where l.tenant = t.tenant and l.case_id = t.case_id and l.part = 'lead')",
            visible!("$2"),
            ") own
             order by case when own.own_due_ms is null then 1 else 0 end, own.own_due_ms, own.opened_at_ms,
                 length(own.number), own.number
             limit $4"
        ),
        args![tenant, user, unit, limit],
    )
    .await
}
