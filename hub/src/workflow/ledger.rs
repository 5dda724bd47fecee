//! 台账: a case as its history keeps it: state, tasks, requests, clocks with their limits and ends, but no words and no names
//! of people.
//!
//! The first row of a history has it whole, the row of each step what that step changed. So whoever reads the rows in their
//! order knows the case as of any of them, by what was known then, and needs no other table: [`crate::evaluation`] stands on
//! this. Older cases get it whole once, in a row of their own (`recorded`). Who changes what is in here without a step
//! writes an [`Entry`] into the history row that says so; what a ticket and a more severe incident change is read from their
//! own rows.

use std::collections::BTreeMap;

use protocol::{Severity, UtcMs};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ask, Card, Check, ClockKind, Dossier, How, Part, State, Task, TaskState, VoidReason};
use crate::calendar::{Limit, Pause};
use crate::case::{CaseState, category};
use crate::organisation::Level;

/// Where the detail of a history row has its entry.
pub const KEY: &str = "ledger";

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub subject: Subject,
    pub stand: Stand,
    /// By their number.
    pub tasks: Vec<TaskFact>,
    /// Those that wait, by their id.
    pub requests: Vec<RequestFact>,
    /// By kind, task and number.
    pub clocks: Vec<ClockFact>,
    /// When the handling stood still, the earliest first.
    pub pauses: Vec<PauseFact>,
    pub cards: Vec<Card>,
    pub called_back: u32,
}

/// What no step changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// [`crate::case::Source`]
    pub source: String,
    pub kind: String,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub matter: String,
    /// [`crate::organisation::AreaPath`]
    pub area: String,
    #[serde(default, skip_serializing_if = "is_no")]
    pub rural: bool,
    #[serde(default, skip_serializing_if = "is_no")]
    pub drill: bool,
    pub opened_at: UtcMs,
}

/// Where the case is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    pub state: CaseState,
    /// That has it, while it is received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing: Option<FilingFact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<UtcMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckFact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_until: Option<UtcMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<VoidReason>,
    /// Closed or void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcMs>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilingFact {
    /// 小类
    pub category: String,
    /// 大类, as it was then.
    pub group: String,
    /// Version, calendar included.
    pub policy: i64,
    pub at: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFact {
    pub agrees: bool,
    pub at: UtcMs,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFact {
    pub task: i64,
    pub unit: String,
    pub part: Part,
    pub state: TaskState,
    pub dispatched_at: UtcMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<UtcMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcMs>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFact {
    pub request: String,
    pub ask: Ask,
    /// 0: about the case.
    pub task: i64,
    pub asked_at: UtcMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UtcMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "is_no")]
    pub second: bool,
    #[serde(default, skip_serializing_if = "is_no")]
    pub endorsed: bool,
}

/// 痕迹: what is due, and by which standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFact {
    pub clock: ClockKind,
    /// 0: of the case.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub task: i64,
    pub nth: i64,
    pub policy: i64,
    pub limit: Limit,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Limit>,
    pub started_at: UtcMs,
    /// Nothing while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<UtcMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<UtcMs>,
    /// Nobody is judged by it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub discounted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseFact {
    pub from: UtcMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UtcMs>,
}

/// What one row of a history says: all of a ledger, or what is new in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Nothing that was said before holds.
    #[serde(default, skip_serializing_if = "is_no")]
    pub whole: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand: Option<Stand>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskFact>,
    /// All that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Vec<RequestFact>>,
    /// Begun, stopped or moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockFact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<PauseFact>,
    /// All that are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<Vec<Card>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_back: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_no(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_nothing(number: &i64) -> bool {
    *number == 0
}

impl Ledger {
    pub fn of(dossier: &Dossier) -> Self {
        let facts = &dossier.facts;
        let tasks = dossier.past.iter().chain(dossier.state.work().into_iter().flat_map(|work| work.tasks()));
        let mut tasks: Vec<TaskFact> = tasks.map(TaskFact::of).collect();
        tasks.sort_by_key(|task| task.task);
        let waiting = dossier.requests.iter().filter(|request| request.decision.is_none());
        let mut requests: Vec<RequestFact> = waiting
            .map(|request| RequestFact {
                request: request.id.clone(),
                ask: request.ask,
                task: request.task,
                asked_at: request.asked_at,
                by: request.by,
                until: request.until,
                category: request.category.clone(),
                second: request.second,
                endorsed: request.endorsed_by.is_some(),
            })
            .collect();
        requests.sort_by(|a, b| a.request.cmp(&b.request));
        let mut clocks: Vec<ClockFact> = dossier
            .clocks
            .iter()
            .map(|clock| ClockFact {
                clock: clock.kind,
                task: clock.task,
                nth: clock.nth,
                policy: clock.policy,
                limit: clock.limit,
                extensions: clock.extensions.clone(),
                started_at: clock.started_at,
                due_at: clock.due_at,
                stopped_at: clock.stopped_at,
                discounted: !clock.counts,
            })
            .collect();
        clocks.sort_by_key(ClockFact::key);
        // Of two that began at one instant the later one stands, as in the table.
        let pauses: BTreeMap<i64, PauseFact> = dossier
            .pauses
            .iter()
            .map(|Pause { from, to }| (from.0, PauseFact { from: *from, to: *to }))
            .collect();
        let mut cards = dossier.cards.clone();
        cards.sort_unstable();
        Self {
            subject: Subject {
                source: facts.source.as_str().to_owned(),
                kind: facts.kind.clone(),
                severity: facts.severity,
                matter: facts.matter.clone(),
                area: facts.area.as_str().to_owned(),
                rural: facts.rural,
                drill: facts.drill,
                opened_at: facts.opened_at,
            },
            stand: Stand::of(&dossier.state),
            tasks,
            requests,
            clocks,
            pauses: pauses.into_values().collect(),
            cards,
            called_back: dossier.called_back,
        }
    }

    /// What began with a whole entry; nothing otherwise.
    pub fn begin(entry: Entry) -> Option<Self> {
        let Entry { whole: true, subject: Some(subject), stand: Some(stand), .. } = entry else {
            return None;
        };
        Some(Self {
            subject,
            stand,
            tasks: entry.tasks,
            requests: entry.requests.unwrap_or_default(),
            clocks: entry.clocks,
            pauses: entry.pauses,
            cards: entry.cards.unwrap_or_default(),
            called_back: entry.called_back.unwrap_or(0),
        })
    }

    /// Takes in what a row says is new.
    pub fn apply(&mut self, entry: Entry) {
        if entry.whole {
            if let Some(anew) = Self::begin(entry) {
                *self = anew;
            }
            return;
        }
        if let Some(subject) = entry.subject {
            self.subject = subject;
        }
        if let Some(stand) = entry.stand {
            self.stand = stand;
        }
        put(&mut self.tasks, entry.tasks, |task| task.task);
        put(&mut self.clocks, entry.clocks, ClockFact::key);
        put(&mut self.pauses, entry.pauses, |pause| pause.from.0);
        if let Some(requests) = entry.requests {
            self.requests = requests;
        }
        if let Some(cards) = entry.cards {
            self.cards = cards;
        }
        if let Some(called_back) = entry.called_back {
            self.called_back = called_back;
        }
    }
}

/// Replaces what has the same key and adds the rest, in the order of keys.
fn put<T, K: Ord>(all: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> K) {
    for one in new {
        match all.binary_search_by_key(&key(&one), &key) {
            Ok(at) => all[at] = one,
            Err(at) => all.insert(at, one),
        }
    }
}

impl Entry {
    /// All of it.
    pub fn whole(dossier: &Dossier) -> Self {
        let ledger = Ledger::of(dossier);
        Self {
            whole: true,
            subject: Some(ledger.subject),
            stand: Some(ledger.stand),
            tasks: ledger.tasks,
            requests: Some(ledger.requests).filter(|all| !all.is_empty()),
            clocks: ledger.clocks,
            pauses: ledger.pauses,
            cards: Some(ledger.cards).filter(|all| !all.is_empty()),
            called_back: Some(ledger.called_back).filter(|count| *count > 0),
        }
    }

    /// What is new; [`Ledger::apply`] gives `after` again.
    pub fn since(before: &Ledger, after: Ledger) -> Self {
        fn new<T: PartialEq>(before: &[T], after: Vec<T>) -> Vec<T> {
            after.into_iter().filter(|one| !before.contains(one)).collect()
        }
        Self {
            whole: false,
            subject: (before.subject != after.subject).then_some(after.subject),
            stand: (before.stand != after.stand).then_some(after.stand),
            tasks: new(&before.tasks, after.tasks),
            requests: (before.requests != after.requests).then_some(after.requests),
            clocks: new(&before.clocks, after.clocks),
            pauses: new(&before.pauses, after.pauses),
            cards: (before.cards != after.cards).then_some(after.cards),
            called_back: (before.called_back != after.called_back).then_some(after.called_back),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// That of a history row's detail. An error is of one that this hub cannot read.
    pub fn read(detail: &Value) -> Result<Option<Self>, serde_json::Error> {
        detail.get(KEY).map(Self::deserialize).transpose()
    }

    /// Whether a history row's detail has a ledger from its beginning.
    pub fn is_whole(detail: &Value) -> bool {
        detail.get(KEY).and_then(|entry| entry.get("whole")).and_then(Value::as_bool) == Some(true)
    }
}

impl TaskFact {
    fn of(task: &Task) -> Self {
        Self {
            task: task.task,
            unit: task.unit.clone(),
            part: task.part,
            state: task.state,
            dispatched_at: task.dispatched_at,
            accepted_at: task.accepted_at,
            ended_at: task.ended_at,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.state, TaskState::Dispatched | TaskState::Accepted)
    }
}

impl ClockFact {
    fn key(&self) -> (ClockKind, i64, i64) {
        (self.clock, self.task, self.nth)
    }

    /// Whether its time had ended when it stopped, or has by then.
    pub fn is_late(&self, now: UtcMs) -> bool {
        self.due_at.is_some_and(|due| self.stopped_at.unwrap_or(now).0 > due.0)
    }
}

impl Stand {
    fn of(state: &State) -> Self {
        let mut stand = Self {
            state: state.word(),
            level: None,
            filing: state.filing().map(|filing| FilingFact {
                group: category::find(&filing.category)
                    .map(|known| known.group.to_owned())
                    .unwrap_or_default(),
                category: filing.category.clone(),
                policy: filing.policy,
                at: filing.at,
            }),
            reported_at: None,
            check: None,
            suspended_until: None,
            how: None,
            void: None,
            ended_at: None,
        };
        match state {
            State::Received { level } => stand.level = Some(*level),
            State::Filed(_) | State::Dispatched(..) | State::InProgress(..) => {}
            State::Suspended(.., suspension) => stand.suspended_until = Some(suspension.until),
            State::Verifying(_, _, report, check) => {
                stand.reported_at = Some(report.at);
                stand.check =
                    check.as_ref().map(|Check { agrees, at, .. }| CheckFact { agrees: *agrees, at: *at });
            }
            State::Closed(ending) => {
                stand.how = Some(ending.how);
                stand.ended_at = Some(ending.at);
            }
            State::Void { reason, at, .. } => {
                stand.void = Some(*reason);
                stand.ended_at = Some(*at);
            }
        }
        stand
    }
}
