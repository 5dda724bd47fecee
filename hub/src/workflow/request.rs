//! 申请与审批: what a unit asks for and the centre decides.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::state::words;
use super::{
    Actor, Around, ClockKind, Dossier, Missing, Refused, State, Step, StepKind, Suspension, Taken, TaskState,
};
use crate::calendar::Limit;
use crate::case::category;
use crate::user::Role;

/// Longest suspension.
const MOST_SUSPENDED_MS: i64 = 366 * 86_400_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Return,
    Extension,
    Suspension,
    Resumption,
    Category,
}

words!(Ask {
    Return = "return", "退回申请", "Return";
    Extension = "extension", "延时申请", "More time";
    Suspension = "suspension", "挂账申请", "Suspension";
    Resumption = "resumption", "恢复申请", "Resumption";
    Category = "category", "分类修改申请", "Another category";
});

/// A request that waits for its decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: String,
    pub ask: Ask,
    /// Task of the unit that asks; 0 when it is about the case.
    pub task: i64,
    pub asked_by: String,
    pub asked_at: UtcMs,
    pub reason: String,
    /// Of an extension.
    pub by: Option<Limit>,
    /// Of a suspension.
    pub until: Option<UtcMs>,
    pub category: Option<String>,
    /// Whether it is the second extension, which the unit's head must stand behind.
    pub second: bool,
    pub endorsed_by: Option<String>,
    /// Once decided.
    pub decision: Option<Decision>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub granted: bool,
    pub by: String,
    pub at: UtcMs,
    pub reason: String,
}

impl Ask {
    /// Who decides: of a wrong dispatch whoever dispatches, of everything else the leaders of the shift.
    pub fn deciders(self) -> &'static [Role] {
        match self {
            Self::Return | Self::Resumption => &[Role::Dispatcher, Role::ShiftLeader, Role::Commander],
            Self::Extension | Self::Suspension | Self::Category => &[Role::ShiftLeader, Role::Commander],
        }
    }
}

impl Dossier {
    pub(super) fn request(&mut self, step: &Step, by: &Actor, around: Around<'_>) -> Result<Taken, Refused> {
        let missing = |what| Err(Refused::missing(step.kind(), what));
        match step {
            Step::Endorse { request, note } => {
                let own = self.tasks_of(step.kind(), by);
                let found = self.requests.iter_mut().find(|one| one.id == *request && one.decision.is_none());
                match found {
                    Some(found) if own.contains(&found.task) => {
                        found.endorsed_by = Some(by.name.clone());
                        Ok(Taken::new(
                            "endorsed",
                            json!({ "request": request, "ask": found.ask, "note": note }),
                        ))
                    }
                    _ => missing(Missing::Request(request.clone())),
                }
            }
            Step::Decide { request, grant, reason } => self.decide(request, *grant, reason, by, around),
            Step::AskCategory { category, reason } => {
                if category::find(category).is_none() {
                    return missing(Missing::Category(category.clone()));
                }
                if self.state.filing().is_some_and(|filing| filing.category == *category) {
                    return missing(Missing::Same);
                }
                let blank = self.blank(Ask::Category, 0, reason, by, around);
                self.ask(Request { category: Some(category.clone()), ..blank })
            }
            Step::AskReturn { reason } => {
                let task = self.lead_task();
                let blank = self.blank(Ask::Return, task, reason, by, around);
                self.ask(blank)
            }
            Step::AskResumption { reason } => {
                let task = self.lead_task();
                let blank = self.blank(Ask::Resumption, task, reason, by, around);
                self.ask(blank)
            }
            Step::AskSuspension { until, reason } => {
                if !(1..=MOST_SUSPENDED_MS).contains(&(until.0 - around.now.0)) {
                    return missing(Missing::Until);
                }
                let task = self.lead_task();
                let blank = self.blank(Ask::Suspension, task, reason, by, around);
                self.ask(Request { until: Some(*until), ..blank })
            }
            Step::AskExtension { by: limit, reason } => {
                let Some(task) = self.open_task_of(step.kind(), by) else {
                    return missing(Missing::NotAccepted);
                };
                let blank = self.blank(Ask::Extension, task, reason, by, around);
                self.ask(Request { by: Some(*limit), ..blank })
            }
            _ => unreachable!("`change` sends only requests here"),
        }
    }

    fn lead_task(&self) -> i64 {
        self.state.work().map_or(0, |work| work.lead.task)
    }

    fn blank(&self, ask: Ask, task: i64, reason: &str, by: &Actor, around: Around<'_>) -> Request {
        Request {
            id: around.id.to_owned(),
            ask,
            task,
            asked_by: by.name.clone(),
            asked_at: around.now,
            reason: reason.to_owned(),
            by: None,
            until: None,
            category: None,
            second: ask == Ask::Extension && self.was_extended(task),
            endorsed_by: None,
            decision: None,
        }
    }

    fn ask(&mut self, request: Request) -> Result<Taken, Refused> {
        let step = match request.ask {
            Ask::Return => StepKind::AskReturn,
            Ask::Extension => StepKind::AskExtension,
            Ask::Suspension => StepKind::AskSuspension,
            Ask::Resumption => StepKind::AskResumption,
            Ask::Category => StepKind::AskCategory,
        };
        let same =
            |one: &&Request| one.ask == request.ask && one.task == request.task && one.decision.is_none();
        if self.requests.iter().any(|one| same(&one)) {
            return Err(Refused::missing(step, Missing::AlreadyAsked(request.ask)));
        }
        let detail = json!({
            "request": request.id, "ask": request.ask, "reason": request.reason, "by": request.by,
            "until": request.until, "category": request.category,
        });
        self.requests.push(request);
        Ok(Taken::new("asked", detail))
    }

    fn decide(
        &mut self,
        id: &str,
        granted: bool,
        reason: &str,
        by: &Actor,
        around: Around<'_>,
    ) -> Result<Taken, Refused> {
        let step = StepKind::Decide;
        let found = self.requests.iter().position(|one| one.id == id && one.decision.is_none());
        let Some(at) = found else {
            return Err(Refused::missing(step, Missing::Request(id.to_owned())));
        };
        if self.requests[at].asked_by == by.name && !by.is_hub() {
            return Err(Refused::missing(step, Missing::OwnRequest));
        }
        if granted && self.requests[at].second && self.requests[at].endorsed_by.is_none() {
            return Err(Refused::missing(step, Missing::Endorsement));
        }
        if granted {
            self.grant(&self.requests[at].clone(), around);
        }
        self.requests[at].decision =
            Some(Decision { granted, by: by.name.clone(), at: around.now, reason: reason.to_owned() });
        let action = if granted { "granted" } else { "denied" };
        Ok(Taken::new(action, json!({ "request": id, "ask": self.requests[at].ask, "reason": reason })))
    }

    /// What waits for a decision when its occasion is over is decided by that.
    fn lapse(&mut self, which: impl Fn(&Request) -> bool, around: Around<'_>) {
        for request in self.requests.iter_mut().filter(|one| one.decision.is_none() && which(one)) {
            request.decision = Some(Decision {
                granted: false,
                by: "hub".to_owned(),
                at: around.now,
                reason: "lapsed".to_owned(),
            });
        }
    }

    pub(super) fn lapse_all(&mut self, around: Around<'_>) {
        self.lapse(|_| true, around);
    }

    pub(super) fn lapse_of(&mut self, task: i64, around: Around<'_>) {
        self.lapse(|request| request.task == task, around);
    }

    pub(super) fn lapse_ask(&mut self, ask: Ask, around: Around<'_>) {
        self.lapse(|request| request.ask == ask, around);
    }

    fn grant(&mut self, request: &Request, around: Around<'_>) {
        let now = around.now;
        match request.ask {
            Ask::Extension => {
                if let Some(by) = request.by {
                    self.extend(ClockKind::Handle, request.task, by);
                }
            }
            Ask::Return => self.unwork(TaskState::Returned, around),
            Ask::Suspension => {
                if let (State::InProgress(filing, work), Some(until)) = (&self.state, request.until) {
                    self.state = State::Suspended(filing.clone(), work.clone(), Suspension { until });
                    self.pause(now);
                    // Whoever lets it rest wants to keep it.
                    self.lapse_ask(Ask::Return, around);
                }
            }
            Ask::Resumption => self.unsuspend(now),
            Ask::Category => {
                if let (Some(filing), Some(category)) = (self.state.filing_mut(), &request.category) {
                    filing.category.clone_from(category);
                    filing.policy = around.policy.version;
                }
                let limits = self.limits(around.policy);
                self.relimit(|kind| limits.of(kind));
            }
        }
    }

    /// Back to filed: the work of all units ends, nobody is judged by it, and the centre dispatches anew.
    pub(super) fn unwork(&mut self, ended: TaskState, around: Around<'_>) {
        let now = around.now;
        let (State::Dispatched(filing, work) | State::InProgress(filing, work)) = self.state.clone() else {
            return;
        };
        self.lapse(|request| request.task > 0, around);
        for mut task in std::iter::once(work.lead).chain(work.co) {
            for kind in [ClockKind::Accept, ClockKind::Handle] {
                self.forget(kind, task.task, now);
            }
            if task.is_open() {
                self.discount(task.task);
                task.end(ended, now);
            }
            self.past.push(task);
        }
        self.state = State::Filed(filing);
        self.cards.clear();
        let limit = self.limits(around.policy).dispatch;
        self.start(ClockKind::Dispatch, 0, limit, now);
    }

    pub(super) fn unsuspend(&mut self, now: UtcMs) {
        if let State::Suspended(filing, work, _) = &self.state {
            self.state = State::InProgress(filing.clone(), work.clone());
            self.unpause(now);
        }
    }
}
