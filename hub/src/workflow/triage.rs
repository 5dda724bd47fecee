//! Steps 2 to 4: what becomes of a matter, and who gets it.

use serde_json::json;

use super::{
    Actor, Around, ClockKind, Dossier, Ending, Filing, How, Missing, Part, Refused, State, Step, Taken, Task,
    TaskState, VoidReason, Work,
};
use crate::case::category;
use crate::organisation::{AreaPath, Level, Unit};

impl Dossier {
    pub(super) fn triage(&mut self, step: &Step, _: &Actor, around: Around<'_>) -> Result<Taken, Refused> {
        let missing = |what| Err(Refused::missing(step.kind(), what));
        let now = around.now;
        match (self.state.clone(), step) {
            (State::Received { level }, Step::HandleHere { result }) => {
                self.stop(ClockKind::Triage, 0, now);
                self.state = State::Closed(Ending { how: How::HandledHere, at: now, filing: None });
                Ok(Taken::new("handled_here", json!({ "level": level, "result": result })))
            }
            (State::Received { level }, Step::PassUp { to, reason }) => {
                let Some(to) = to.or(level.above()).filter(|to| *to > level) else {
                    return missing(Missing::Level(level));
                };
                self.stop(ClockKind::Triage, 0, now);
                self.state = State::Received { level: to };
                let limit = self.limits(around.policy).triage;
                self.start(ClockKind::Triage, 0, limit, now);
                Ok(Taken::new("passed_up", json!({ "from_level": level, "to_level": to, "reason": reason })))
            }
            (State::Received { .. } | State::Filed(_), Step::Void { reason, note }) => {
                if *reason == VoidReason::Joined {
                    return missing(Missing::JoinTarget(String::new()));
                }
                self.end_triage(around);
                self.state = State::Void { reason: *reason, into: None, at: now };
                Ok(Taken::new("voided", json!({ "void": reason, "reason": note })))
            }
            (State::Received { .. } | State::Filed(_), Step::Join { into, note }) => {
                self.end_triage(around);
                self.state = State::Void { reason: VoidReason::Joined, into: Some(into.clone()), at: now };
                Ok(Taken::new("joined_into", json!({ "into": into, "reason": note })))
            }
            (State::Void { into, .. }, Step::Split { reason }) => {
                let Some(from) = into else { return missing(Missing::NotJoined) };
                self.state = State::Received { level: Level::County };
                let limit = self.limits(around.policy).triage;
                self.start(ClockKind::Triage, 0, limit, now);
                Ok(Taken::new("split_off", json!({ "case": from, "reason": reason })))
            }
            (State::Received { .. }, Step::File { category, note }) => {
                if category::find(category).is_none() {
                    return missing(Missing::Category(category.clone()));
                }
                self.stop(ClockKind::Triage, 0, now);
                let filing = Filing { category: category.clone(), policy: around.policy.version, at: now };
                self.state = State::Filed(filing);
                let limit = self.limits(around.policy).dispatch;
                self.start(ClockKind::Dispatch, 0, limit, now);
                Ok(Taken::new("filed", json!({ "category": category, "note": note })))
            }
            (State::Filed(filing), Step::Dispatch { lead, co, note }) => {
                let work = self.assign(lead, co, around)?;
                self.stop(ClockKind::Dispatch, 0, now);
                let limits = self.limits(around.policy);
                for task in work.tasks() {
                    self.start(ClockKind::Accept, task.task, limits.accept, now);
                    // 时限从派遣起算: otherwise units push a case back and forth while no clock runs.
                    self.start(ClockKind::Handle, task.task, limits.handle, now);
                }
                self.state = State::Dispatched(filing, work);
                Ok(Taken::new("dispatched", json!({ "lead": lead, "co": co, "note": note })))
            }
            (from, _) => Err(Refused::State {
                step: step.kind(),
                from: from.word(),
                begins: super::law::law(step.kind()).from,
            }),
        }
    }

    fn end_triage(&mut self, around: Around<'_>) {
        self.stop(ClockKind::Triage, 0, around.now);
        self.stop(ClockKind::Dispatch, 0, around.now);
        self.lapse_all(around);
    }

    fn assign(&self, lead: &str, co: &[String], around: Around<'_>) -> Result<Work, Refused> {
        let missing = |what| Refused::missing(super::StepKind::Dispatch, what);
        let mut units: Vec<&str> = vec![lead];
        units.extend(co.iter().map(String::as_str));
        for (at, unit) in units.iter().enumerate() {
            let works_there = |known: &Unit| AreaPath::kept(known.area.clone()).covers(&self.facts.area);
            let fits = |known: &&Unit| known.unit == **unit && known.active == 1 && works_there(known);
            if around.units.iter().find(fits).is_none() {
                return Err(missing(Missing::Unit((*unit).to_owned())));
            }
            if units[..at].contains(unit) {
                return Err(missing(Missing::UnitTwice((*unit).to_owned())));
            }
        }
        let first = 1 + self.past.iter().map(|task| task.task).max().unwrap_or(0);
        let mut tasks = units.iter().zip(first..).map(|(unit, task)| Task {
            task,
            unit: (*unit).to_owned(),
            part: if task == first { Part::Lead } else { Part::Co },
            state: TaskState::Dispatched,
            desk: None,
            dispatched_at: around.now,
            accepted_at: None,
            ended_at: None,
            result: None,
        });
        let lead = tasks.next().ok_or_else(|| missing(Missing::Unit(lead.to_owned())))?;
        Ok(Work { lead, co: tasks.collect() })
    }
}
