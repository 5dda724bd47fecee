//! Steps 5 and 6: units handle their parts, the lead reports.

use protocol::UtcMs;
use serde_json::json;

use super::law::law;
use super::{
    Actor, Around, Ask, ClockKind, Dossier, Missing, Part, Refused, Report, State, Step, StepKind, Taken,
    Task, TaskState,
};
use crate::user::{Grant, Role};

impl Dossier {
    pub(super) fn work(&mut self, step: &Step, by: &Actor, around: Around<'_>) -> Result<Taken, Refused> {
        let missing = |what| Err(Refused::missing(step.kind(), what));
        let now = around.now;
        match step {
            Step::Accept {} => {
                let Some(task) = self.task_of(step.kind(), by, |task| task.state == TaskState::Dispatched)
                else {
                    return missing(Missing::AlreadyAccepted);
                };
                task.state = TaskState::Accepted;
                task.accepted_at = Some(now);
                let (number, unit, part) = (task.task, task.unit.clone(), task.part);
                self.stop(ClockKind::Accept, number, now);
                // The case is in hand when its lead has it.
                if let (State::Dispatched(filing, work), Part::Lead) = (&self.state, part) {
                    self.state = State::InProgress(filing.clone(), work.clone());
                }
                Ok(Taken::new("accepted", json!({ "unit": unit, "task": number })))
            }
            Step::Withdraw { reason } => {
                self.unwork(TaskState::Withdrawn, around);
                Ok(Taken::new("withdrawn", json!({ "reason": reason })))
            }
            Step::Reassign { desk, reason } => {
                let Some(task) = self.task_of(step.kind(), by, |task| task.is_open()) else {
                    return missing(Missing::NotAccepted);
                };
                task.desk = Some(desk.trim().to_owned());
                Ok(Taken::new("reassigned", json!({ "unit": task.unit, "desk": desk, "reason": reason })))
            }
            Step::Progress { text } => {
                let Some(task) = self.task_of(step.kind(), by, |task| task.state == TaskState::Accepted)
                else {
                    return missing(Missing::NotAccepted);
                };
                Ok(Taken::new("progress", json!({ "unit": task.unit, "text": text })))
            }
            Step::FinishPart { result } => {
                let mine = |task: &Task| task.part == Part::Co && task.state == TaskState::Accepted;
                let Some(task) = self.task_of(step.kind(), by, mine) else {
                    return missing(Missing::NotAccepted);
                };
                task.end(TaskState::Done, now);
                task.result = Some(result.clone());
                let (number, unit) = (task.task, task.unit.clone());
                self.stop(ClockKind::Handle, number, now);
                self.lapse_of(number, around);
                Ok(Taken::new("part_done", json!({ "unit": unit, "result": result })))
            }
            Step::Waive { unit, reason } => {
                let co = self
                    .state
                    .work_mut()
                    .and_then(|work| work.co.iter_mut().find(|task| task.unit == *unit && task.is_open()));
                let Some(task) = co else { return missing(Missing::Unit(unit.clone())) };
                task.end(TaskState::Waived, now);
                let number = task.task;
                self.forget(ClockKind::Accept, number, now);
                self.forget(ClockKind::Handle, number, now);
                self.lapse_of(number, around);
                Ok(Taken::new("waived", json!({ "unit": unit, "reason": reason })))
            }
            Step::Resume { reason } => {
                self.lapse_ask(Ask::Resumption, around);
                self.unsuspend(now);
                Ok(Taken::new("resumed", json!({ "reason": reason })))
            }
            Step::Report { result } => self.report(step, result, now, around),
            _ => unreachable!("`change` sends only work here"),
        }
    }

    fn report(
        &mut self,
        step: &Step,
        result: &str,
        now: UtcMs,
        around: Around<'_>,
    ) -> Result<Taken, Refused> {
        let missing = |what| Err(Refused::missing(step.kind(), what));
        let State::InProgress(filing, mut work) = self.state.clone() else {
            return missing(Missing::NotAccepted);
        };
        let open: Vec<String> =
            work.co.iter().filter(|task| task.is_open()).map(|task| task.unit.clone()).collect();
        if !open.is_empty() {
            return missing(Missing::Parts(open));
        }
        work.lead.end(TaskState::Done, now);
        work.lead.result = Some(result.to_owned());
        self.stop(ClockKind::Handle, work.lead.task, now);
        self.lapse_all(around);
        let detail = json!({ "unit": work.lead.unit, "result": result });
        self.state = State::Verifying(filing, work, Report { result: result.to_owned(), at: now }, None);
        let limit = self.limits(around.policy).verify;
        self.start(ClockKind::Verify, 0, limit, now);
        Ok(Taken::new("reported", detail))
    }

    /// The first task that fits of units in which this user has a role for the move.
    fn task_of(&mut self, kind: StepKind, by: &Actor, fits: impl Fn(&Task) -> bool) -> Option<&mut Task> {
        let own = self.tasks_of(kind, by);
        let work = self.state.work_mut()?;
        work.tasks_mut().find(|task| own.contains(&task.task) && fits(task))
    }

    /// Numbers of those tasks; of the hub all.
    pub(super) fn tasks_of(&self, kind: StepKind, by: &Actor) -> Vec<i64> {
        let roles = law(kind).who.roles();
        self.tasks_where(by, |role| roles.contains(&role))
    }

    /// Whether a unit of this user has had a part in what is verified now.
    pub(super) fn has_handled(&self, by: &Actor) -> bool {
        !by.is_hub() && !self.tasks_where(by, |_| true).is_empty()
    }

    fn tasks_where(&self, by: &Actor, role: impl Fn(Role) -> bool) -> Vec<i64> {
        let own = |task: &&Task| {
            let of = |grant: &Grant| grant.unit.as_deref() == Some(task.unit.as_str()) && role(grant.role);
            by.is_hub() || by.grants.iter().any(of)
        };
        let tasks = self.state.work().into_iter().flat_map(|work| work.tasks());
        tasks.filter(own).map(|task| task.task).collect()
    }

    /// The task that this user's unit has accepted and not ended.
    pub(super) fn open_task_of(&self, kind: StepKind, by: &Actor) -> Option<i64> {
        let own = self.tasks_of(kind, by);
        let mut tasks = self.state.work()?.tasks();
        tasks.find(|task| own.contains(&task.task) && task.state == TaskState::Accepted).map(|task| task.task)
    }
}
