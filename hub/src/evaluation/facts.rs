//! A case as far as it is measured, as of a moment. Pure.
//!
//! [`super::fold`] reads all that a history says; this is the part of it that [`super::point`], [`super::by`],
//! [`super::scope`] and [`super::late`] look at. What is not in here can change no figure, so it need not be kept where
//! histories are kept in short ([`super::gist`]).

use protocol::UtcMs;
use serde::{Deserialize, Serialize};

use super::fold::{Act, CaseFile};
use crate::calendar::Pause;
use crate::case::CaseState;
use crate::workflow::ledger::{ClockFact, FilingFact, TaskFact};
use crate::workflow::{ClockKind, Part, TaskState};

/// What is known of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub number: String,
    /// [`crate::case::Source`]
    pub source: String,
    /// [`crate::organisation::AreaPath`]
    pub area: String,
    pub drill: bool,
    pub opened_at: UtcMs,
    pub state: CaseState,
    /// Closed or void.
    pub ended_at: Option<UtcMs>,
    /// By their number.
    pub tasks: Vec<Task>,
    /// By kind, task and number.
    pub clocks: Vec<Clock>,
    /// The last filing there was, of a void case too.
    pub filing: Option<Filing>,
    /// In their order.
    pub acts: Vec<Act>,
    /// 挂账; the last may still last.
    pub suspended: Vec<Pause>,
}

/// Short names: hundreds of thousands of these are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    #[serde(rename = "n")]
    pub task: i64,
    #[serde(rename = "u")]
    pub unit: String,
    #[serde(rename = "p")]
    pub part: Part,
    #[serde(rename = "s")]
    pub state: TaskState,
    #[serde(rename = "d")]
    pub dispatched_at: UtcMs,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcMs>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    #[serde(rename = "c")]
    pub clock: ClockKind,
    /// 0: of the case.
    #[serde(rename = "t", default, skip_serializing_if = "is_nothing")]
    pub task: i64,
    #[serde(rename = "n")]
    pub nth: i64,
    #[serde(rename = "b")]
    pub started_at: UtcMs,
    /// Nothing while it stands still.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<UtcMs>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<UtcMs>,
    /// Nobody is judged by it.
    #[serde(rename = "x", default, skip_serializing_if = "is_no")]
    pub discounted: bool,
    /// 延时: its end was moved.
    #[serde(rename = "g", default, skip_serializing_if = "is_no")]
    pub extended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    /// 小类
    #[serde(rename = "c")]
    pub category: String,
    /// 大类, as it was then.
    #[serde(rename = "g")]
    pub group: String,
    /// Version, calendar included.
    #[serde(rename = "p")]
    pub policy: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
pub(super) fn is_no(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_nothing(number: &i64) -> bool {
    *number == 0
}

impl Facts {
    /// The unit that leads it, or led it last; nobody's fault was a dispatch that was taken back.
    pub fn lead(&self) -> Option<&Task> {
        self.leads().next_back()
    }

    /// The same at a moment.
    pub fn lead_at(&self, at: UtcMs) -> Option<&Task> {
        self.leads().rfind(|task| task.dispatched_at <= at)
    }

    fn leads(&self) -> impl DoubleEndedIterator<Item = &Task> {
        let stands = |task: &&Task| !matches!(task.state, TaskState::Withdrawn | TaskState::Returned);
        self.tasks.iter().filter(|task| task.part == Part::Lead).filter(stands)
    }
}

impl From<CaseFile> for Facts {
    fn from(file: CaseFile) -> Self {
        let (subject, stand) = (file.ledger.subject, file.ledger.stand);
        Self {
            number: file.number,
            source: subject.source,
            area: subject.area,
            drill: subject.drill,
            opened_at: subject.opened_at,
            state: stand.state,
            ended_at: stand.ended_at,
            tasks: file.ledger.tasks.iter().map(Task::of).collect(),
            clocks: file.ledger.clocks.iter().map(Clock::of).collect(),
            filing: file.filing.as_ref().map(Filing::of),
            acts: file.acts,
            suspended: file.suspended,
        }
    }
}

impl Task {
    pub(super) fn of(fact: &TaskFact) -> Self {
        Self {
            task: fact.task,
            unit: fact.unit.clone(),
            part: fact.part,
            state: fact.state,
            dispatched_at: fact.dispatched_at,
            ended_at: fact.ended_at,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.state, TaskState::Dispatched | TaskState::Accepted)
    }
}

impl Clock {
    pub(super) fn of(fact: &ClockFact) -> Self {
        Self {
            clock: fact.clock,
            task: fact.task,
            nth: fact.nth,
            started_at: fact.started_at,
            due_at: fact.due_at,
            stopped_at: fact.stopped_at,
            discounted: fact.discounted,
            extended: !fact.extensions.is_empty(),
        }
    }

    pub(super) fn key(&self) -> (ClockKind, i64, i64) {
        (self.clock, self.task, self.nth)
    }

    /// Whether its time had ended when it stopped, or has by then.
    pub fn is_late(&self, now: UtcMs) -> bool {
        self.due_at.is_some_and(|due| self.stopped_at.unwrap_or(now).0 > due.0)
    }
}

impl Filing {
    pub(super) fn of(fact: &FilingFact) -> Self {
        Self { category: fact.category.clone(), group: fact.group.clone(), policy: fact.policy }
    }
}
