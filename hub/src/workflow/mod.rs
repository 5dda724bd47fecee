//! The shared workflow: eight steps, four levels, one truth.
//!
//! A [`Dossier`] is a case as the law sees it: its [`State`] with everything that belongs to that state, the clocks that
//! run, the requests that wait. A [`Step`] is what somebody does; [`Dossier::take`] answers with the case after it or
//! with a [`Refused`] that says who could and what is missing, in the words that screens and answers show. All of it is
//! pure. [`store`] reads a dossier, takes a step and writes the case, its history row and its live-feed row in one
//! transaction; the same invariants are constraints of the tables.

mod clock;
mod finish;
mod law;
pub mod ledger;
mod moments;
mod outlook;
mod place;
mod refusal;
mod request;
mod said;
mod state;
mod step;
pub mod store;
#[cfg(test)]
mod tests;
mod triage;
mod work;

use protocol::{Severity, UtcMs};
use serde_json::{Value, json};

pub use clock::{Clock, ClockKind};
pub use law::{Law, Offer, Who};
use ledger::{Entry, Ledger};
pub use moments::{Deed, moments};
pub use refusal::{Missing, Refused};
pub use request::{Ask, Request};
pub use said::Said;
pub use state::{
    Card, Check, Ending, Filing, How, Part, Report, Satisfaction, State, Suspension, Task, TaskState,
    VoidReason, Work,
};
pub use step::{Step, StepKind};

use crate::calendar::Pause;
use crate::case::Source;
use crate::organisation::{AreaPath, Level, Unit};
use crate::policy::{Limits, Matter, Policy};
use crate::user::Grant;

/// Who takes a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `user:NAME` or `hub`, as the history has it.
    pub name: String,
    /// What the user may, where; nothing for the hub, which the law does not bind.
    pub grants: Vec<Grant>,
}

impl Actor {
    pub fn user(name: &str, grants: &[Grant]) -> Self {
        Self { name: format!("user:{name}"), grants: grants.to_vec() }
    }

    /// The system itself: what is due by the clock.
    pub fn hub() -> Self {
        Self { name: "hub".to_owned(), grants: Vec::new() }
    }

    fn is_hub(&self) -> bool {
        self.name == "hub"
    }
}

/// What does not change with steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub case_id: String,
    pub number: String,
    pub kind: String,
    pub severity: Severity,
    pub source: Source,
    /// What a caller wants; empty without a ticket.
    pub matter: String,
    pub area: AreaPath,
    pub rural: bool,
    /// Goes the whole way, reminds nobody and counts nowhere.
    pub drill: bool,
    pub opened_at: UtcMs,
}

/// A case as the law sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dossier {
    pub facts: Facts,
    pub state: State,
    /// Tasks of earlier dispatches, and those that a step ended.
    pub past: Vec<Task>,
    /// Not decided yet.
    pub requests: Vec<Request>,
    pub clocks: Vec<Clock>,
    /// In order; the last may still run.
    pub pauses: Vec<Pause>,
    /// 督办 cards that are open.
    pub cards: Vec<Card>,
    /// Attempts to call the citizen back; who was reached counts for three.
    pub called_back: u32,
    /// What the platform above asks for: no clock of the case ends later.
    pub deadline: Option<UtcMs>,
}

/// What a step needs to know besides the case.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The one in force, or that under which the case was filed.
    pub policy: &'a Policy,
    pub units: &'a [Unit],
    pub now: UtcMs,
    /// A new id, for what the step may create.
    pub id: &'a str,
}

/// A step that was taken: what goes into the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub action: &'static str,
    pub detail: Value,
}

impl Taken {
    /// What the hub says of it, beside the text of the step.
    fn says(&mut self, said: &Said) {
        if let Value::Object(fields) = &mut self.detail {
            fields.insert(said::KEY.to_owned(), json!(said));
        }
    }

    fn new(action: &'static str, detail: Value) -> Self {
        Self { action, detail }
    }
}

impl Dossier {
    /// Takes a step, or says why not; then nothing has changed.
    pub fn take(&mut self, step: &Step, by: &Actor, around: Around<'_>) -> Result<Taken, Refused> {
        let kind = step.kind();
        law::allows(self, kind, step.request(), by)?;
        step.wrong().map_or(Ok(()), |missing| Err(Refused::missing(kind, missing)))?;
        let mut after = self.clone();
        let mut taken = after.change(step, by, around)?;
        after.reckon(around.policy, around.now);
        // 痕迹: what changed, what is due, and by which standard.
        let entry = Entry::since(&Ledger::of(self), Ledger::of(&after));
        if let (Value::Object(fields), false) = (&mut taken.detail, entry.is_empty()) {
            fields.insert(ledger::KEY.to_owned(), json!(entry));
        }
        *self = after;
        Ok(taken)
    }

    fn change(&mut self, step: &Step, by: &Actor, around: Around<'_>) -> Result<Taken, Refused> {
        match step {
            Step::HandleHere { .. }
            | Step::PassUp { .. }
            | Step::Void { .. }
            | Step::Join { .. }
            | Step::Split { .. }
            | Step::File { .. }
            | Step::Dispatch { .. } => self.triage(step, by, around),
            Step::Accept {}
            | Step::Withdraw { .. }
            | Step::Reassign { .. }
            | Step::Progress { .. }
            | Step::FinishPart { .. }
            | Step::Waive { .. }
            | Step::Resume { .. }
            | Step::Report { .. } => self.work(step, by, around),
            Step::AskReturn { .. }
            | Step::AskExtension { .. }
            | Step::AskSuspension { .. }
            | Step::AskResumption { .. }
            | Step::AskCategory { .. }
            | Step::Endorse { .. }
            | Step::Decide { .. } => self.request(step, by, around),
            Step::Check { .. }
            | Step::Rework { .. }
            | Step::Close { .. }
            | Step::Reopen { .. }
            | Step::CallBack { .. }
            | Step::Remind { .. }
            | Step::Supervise { .. }
            | Step::LiftCard { .. } => self.finish(step, by, around),
        }
    }

    /// What policies look at.
    pub fn matter(&self) -> Matter<'_> {
        let facts = &self.facts;
        Matter {
            source: Some(facts.source),
            severity: Some(facts.severity),
            kind: &facts.kind,
            category: self.state.filing().map_or("", |filing| filing.category.as_str()),
            matter: &facts.matter,
            rural: facts.rural,
        }
    }

    fn limits(&self, policy: &Policy) -> Limits {
        policy.limits(self.matter())
    }

    /// Who answers for it (首问负责): the last that signed, or whose turn it was before.
    pub fn answers(&self) -> Answers<'_> {
        match &self.state {
            State::Received { level } => Answers::Level(*level),
            State::Filed(_) | State::Dispatched(..) | State::Verifying(..) => Answers::Level(Level::County),
            State::InProgress(_, work) | State::Suspended(_, work, _) => Answers::Unit(&work.lead.unit),
            State::Closed(_) | State::Void { .. } => Answers::Nobody,
        }
    }

    /// A new dossier of a case that has just been received.
    pub fn received(facts: Facts, level: Level, policy: &Policy) -> Self {
        let opened_at = facts.opened_at;
        let mut dossier = Self {
            facts,
            state: State::Received { level },
            past: Vec::new(),
            requests: Vec::new(),
            clocks: Vec::new(),
            pauses: Vec::new(),
            cards: Vec::new(),
            called_back: 0,
            deadline: None,
        };
        let limit = dossier.limits(policy).triage;
        dossier.start(ClockKind::Triage, 0, limit, opened_at);
        dossier.reckon(policy, opened_at);
        dossier
    }

    /// Starts the clock of what a case without any waits for; returns whether it waits for something.
    pub fn begin_clocks(&mut self, policy: &Policy, now: UtcMs) -> bool {
        let limits = self.limits(policy);
        match self.state {
            State::Received { .. } => self.start(ClockKind::Triage, 0, limits.triage, now),
            State::Filed(_) => self.start(ClockKind::Dispatch, 0, limits.dispatch, now),
            _ => return false,
        }
        self.reckon(policy, now);
        true
    }

    /// The running clock that ends first.
    pub fn next_due(&self) -> Option<&Clock> {
        let running = self.clocks.iter().filter(|clock| clock.stopped_at.is_none() && clock.due_at.is_some());
        running.min_by_key(|clock| clock.due_at.map(|at| at.0))
    }
}

/// Who answers for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers<'a> {
    Level(Level),
    Unit(&'a str),
    Nobody,
}
