//! The workflow's part of a case's answer.

use protocol::UtcMs;
use serde::Serialize;
use utoipa::ToSchema;

use crate::organisation::Level;
use crate::workflow::{
    Answers, Ask, Card, Clock, ClockKind, Dossier, How, Part, Request, State, Task, TaskState, VoidReason,
};

/// Where the case is in the shared workflow.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct WorkflowItem {
    /// `camera`, `call`, `device`, `worker`, `citizen` or `platform`.
    source: String,
    /// `/county/town/`, of where it lies.
    area: String,
    /// Whose turn it is: a level, or a unit. Neither once it has ended.
    level: Option<Level>,
    unit: Option<String>,
    /// Once filed.
    category: Option<String>,
    /// Version under which it was filed.
    policy: Option<i64>,
    tasks: Vec<TaskItem>,
    /// Not decided yet.
    requests: Vec<RequestItem>,
    clocks: Vec<ClockItem>,
    /// 督办 that is open.
    cards: Vec<Card>,
    /// What the lead reported, while it is verified.
    report: Option<String>,
    /// Whether the field check agrees.
    check_agrees: Option<bool>,
    ending: Option<How>,
    void_reason: Option<VoidReason>,
    joined_into: Option<String>,
    suspended_until: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct TaskItem {
    task: i64,
    unit: String,
    part: Part,
    state: TaskState,
    /// Who of the unit has it.
    desk: Option<String>,
    dispatched_at: i64,
    accepted_at: Option<i64>,
    ended_at: Option<i64>,
    result: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct RequestItem {
    request: String,
    ask: Ask,
    /// 0: about the case.
    task: i64,
    asked_by: String,
    asked_at: i64,
    reason: String,
    by: Option<String>,
    until: Option<i64>,
    category: Option<String>,
    endorsed_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct ClockItem {
    clock: ClockKind,
    /// 0: of the case.
    task: i64,
    /// `3 working days`
    limit: String,
    extensions: Vec<String>,
    started_at: i64,
    /// Nothing while it stands still.
    due_at: Option<i64>,
    stopped_at: Option<i64>,
    late: bool,
    /// Not of a dispatch that was taken back.
    counts: bool,
}

impl WorkflowItem {
    pub(in crate::api) fn new(dossier: &Dossier, now: UtcMs) -> Self {
        let (state, facts) = (&dossier.state, &dossier.facts);
        let (level, unit) = match dossier.answers() {
            Answers::Level(level) => (Some(level), None),
            Answers::Unit(unit) => (None, Some(unit.to_owned())),
            Answers::Nobody => (None, None),
        };
        let tasks = dossier.past.iter().chain(state.work().into_iter().flat_map(|work| work.tasks()));
        let filing = state.filing();
        let mut item = Self {
            source: facts.source.as_str().to_owned(),
            area: facts.area.as_str().to_owned(),
            level,
            unit,
            category: filing.map(|filing| filing.category.clone()),
            policy: filing.map(|filing| filing.policy),
            tasks: tasks.map(TaskItem::from).collect(),
            requests: dossier.requests.iter().map(RequestItem::from).collect(),
            clocks: dossier.clocks.iter().map(|clock| ClockItem::new(clock, now)).collect(),
            cards: dossier.cards.clone(),
            report: None,
            check_agrees: None,
            ending: None,
            void_reason: None,
            joined_into: None,
            suspended_until: None,
        };
        match state {
            State::Verifying(_, _, report, check) => {
                item.report = Some(report.result.clone());
                item.check_agrees = check.as_ref().map(|check| check.agrees);
            }
            State::Closed(ending) => item.ending = Some(ending.how),
            State::Void { reason, into, .. } => {
                item.void_reason = Some(*reason);
                item.joined_into.clone_from(into);
            }
            State::Suspended(.., suspension) => item.suspended_until = Some(suspension.until.0),
            _ => {}
        }
        item
    }
}

impl From<&Task> for TaskItem {
    fn from(task: &Task) -> Self {
        Self {
            task: task.task,
            unit: task.unit.clone(),
            part: task.part,
            state: task.state,
            desk: task.desk.clone(),
            dispatched_at: task.dispatched_at.0,
            accepted_at: task.accepted_at.map(|at| at.0),
            ended_at: task.ended_at.map(|at| at.0),
            result: task.result.clone(),
        }
    }
}

impl From<&Request> for RequestItem {
    fn from(request: &Request) -> Self {
        Self {
            request: request.id.clone(),
            ask: request.ask,
            task: request.task,
            asked_by: request.asked_by.clone(),
            asked_at: request.asked_at.0,
            reason: request.reason.clone(),
            by: request.by.map(|limit| limit.to_string()),
            until: request.until.map(|until| until.0),
            category: request.category.clone(),
            endorsed_by: request.endorsed_by.clone(),
        }
    }
}

impl ClockItem {
    fn new(clock: &Clock, now: UtcMs) -> Self {
        Self {
            clock: clock.kind,
            task: clock.task,
            limit: clock.limit.to_string(),
            extensions: clock.extensions.iter().map(ToString::to_string).collect(),
            started_at: clock.started_at.0,
            due_at: clock.due_at.map(|at| at.0),
            stopped_at: clock.stopped_at.map(|at| at.0),
            late: clock.is_late(now),
            counts: clock.counts,
        }
    }
}
