//! What one case counts for in a period: the rule of each measure, in one place. Pure.
//!
//! A table of a period sees the history up to the period's end (of one that runs: up to now) and nothing after it. What
//! happens later counts later; the past does not change.
//!
//! **When a limit counts.** Each clock of a case is judged once in what is known then: one that stopped in time at the
//! moment at which it stopped, one that was late at the moment at which its time was over, whether it has stopped since or
//! not. So what is overdue counts as late in the period in which it became so, and not again when it is done at last. One
//! that runs and is not over yet, or stands still because the case is suspended, is not judged yet. An extension that is
//! granted later moves the end for periods to come; a period that is over keeps its verdict. Clocks by which nobody is
//! judged (`discounted`: of a dispatch that was withdrawn or returned, of a part that was waived, of a verification that sent
//! back) count nowhere.
//!
//! **Whose it is.** What a unit did is that unit's: lead and co-handlers each have their own task. What a case did counts
//! for the unit that led it last; one that no unit ever led is nobody's. Each point has one unit, one area, one category and
//! one source, so the total is the same however a table is cut.
//!
//! Drills and self-tests count nowhere (whoever reads the cases leaves them out). A case that joined another one was
//! reported, and is nothing else.

use protocol::UtcMs;

use super::facts::{Clock, Facts, Task};
use super::fold::{Act, Deed};
use super::measure::Measure;
use crate::calendar::{Calendar, Unit};
use crate::case::CaseState;
use crate::workflow::{ClockKind, Part, Satisfaction, TaskState, VoidReason};

const MINUTE_MS: i64 = 60_000;

/// From when to when, and up to when the history was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: UtcMs,
    /// No longer in it.
    pub to: UtcMs,
    /// No longer seen: `to`, or what comes after the moment at which a period that runs was looked at.
    pub seen: UtcMs,
}

impl Span {
    fn has(self, at: UtcMs) -> bool {
        self.from <= at && at < self.to
    }
}

/// One case, or one task of it, that counts for one measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub measure: Measure,
    /// Of a rate: whether it counts above the line too. Of everything else always.
    pub hit: bool,
    /// What put it into the period; of what is overdue, since when.
    pub at: UtcMs,
    /// Nothing where no unit ever led the case.
    pub unit: Option<String>,
    /// Of a length, in minutes.
    pub worth: Worth,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// Within the hours of business, without what was suspended.
    pub working_min: i64,
    /// Day and night, with it.
    pub natural_min: i64,
}

/// Everything that a case counts for. `calendar`: that of a policy's version.
pub fn points<'c>(facts: &Facts, span: Span, calendar: &impl Fn(i64) -> Option<&'c Calendar>) -> Vec<Point> {
    let mut all = Points { span, lead: facts.lead().map(|task| task.unit.clone()), all: Vec::new() };
    triage(&mut all, facts);
    clocks(&mut all, facts);
    tasks(&mut all, facts);
    verdicts(&mut all, facts);
    for round in rounds(facts) {
        closing(&mut all, facts, &round, calendar);
    }
    all.all
}

struct Points {
    span: Span,
    /// Whose the case is.
    lead: Option<String>,
    all: Vec<Point>,
}

impl Points {
    /// In the period, or at its end.
    fn put(&mut self, measure: Measure, hit: bool, at: UtcMs, unit: Option<&str>) {
        let unit = unit.map(str::to_owned);
        self.all.push(Point { measure, hit, at, unit, worth: Worth::default() });
    }

    /// Where it happened in the period.
    fn add(&mut self, measure: Measure, hit: bool, at: UtcMs, unit: Option<&str>) {
        if self.span.has(at) {
            self.put(measure, hit, at, unit);
        }
    }

    /// The same of the case.
    fn case(&mut self, measure: Measure, hit: bool, at: UtcMs) {
        let lead = self.lead.clone();
        self.add(measure, hit, at, lead.as_deref());
    }
}

/// - 上报数: cases that were opened in the period, whatever became of them.
/// - 受理数: cases that somebody took up in it: passed up (上报/越级), handled at their level, or filed. Each once.
/// - 立案数: filings; one that is filed anew after it was reopened counts anew.
/// - 自行处置数: cases that a level closed by itself. They are on record (登记备案), and are not among those due to be closed.
/// - 自行处置率: of those and the filings, the share of the first.
/// - 误报数: cases that became void as false alarms.
/// - 按时立案率: of the filings those whose triage, at the level that filed, had not run over. What waits counts for
///   按时受理率 alone: nobody knows yet whether it will be filed.
fn triage(all: &mut Points, facts: &Facts) {
    all.case(Measure::Reported, true, facts.opened_at);
    let taken_up = |act: &&Act| matches!(act.deed, Deed::PassedUp | Deed::HandledHere | Deed::Filed);
    if let Some(act) = facts.acts.iter().filter(taken_up).find(|act| all.span.has(act.at)) {
        all.case(Measure::TakenUp, true, act.at);
    }
    for act in &facts.acts {
        match act.deed {
            Deed::HandledHere => {
                all.case(Measure::HandledHere, true, act.at);
                all.case(Measure::HandledHereRate, true, act.at);
            }
            Deed::Filed => {
                all.case(Measure::Filed, true, act.at);
                all.case(Measure::HandledHereRate, false, act.at);
                let clocks = facts.clocks.iter().filter(|clock| clock.clock == ClockKind::Triage);
                let clock = clocks.filter(|clock| clock.started_at <= act.at).max_by_key(|clock| clock.nth);
                let late = clock.is_some_and(|clock| clock.is_late(act.at));
                all.case(Measure::FilingOnTime, !late, act.at);
            }
            Deed::Voided(VoidReason::FalseAlarm) => all.case(Measure::FalseAlarm, true, act.at),
            _ => {}
        }
    }
}

/// When a clock is judged, and whether it was kept.
fn verdict(clock: &Clock, seen: UtcMs) -> Option<(UtcMs, bool)> {
    let due = clock.due_at.filter(|_| !clock.discounted)?;
    match clock.stopped_at {
        Some(stopped) if stopped <= due => Some((stopped, true)),
        Some(_) => Some((due, false)),
        None => (due < seen).then_some((due, false)),
    }
}

/// - 按时受理率: of the triage clocks that were judged (at each level anew, whatever the triage came to), those kept.
/// - 按期派遣率: of the dispatch clocks that were judged, those kept; one that ended because the case became void is not
///   judged.
/// - 应处置数, 按期处置率: the handling clocks that were judged, lead's and co-handlers'; of them, those kept.
/// - 按期核查率: of the verification clocks that were judged, those kept.
fn clocks(all: &mut Points, facts: &Facts) {
    let voided_at = facts.ended_at.filter(|_| facts.state == CaseState::Void);
    for clock in &facts.clocks {
        let Some((at, kept)) = verdict(clock, all.span.seen) else { continue };
        match clock.clock {
            ClockKind::Triage => all.case(Measure::TriageOnTime, kept, at),
            ClockKind::Dispatch => {
                let with_the_case = |void: UtcMs| clock.stopped_at.is_some_and(|stopped| stopped >= void);
                if !voided_at.is_some_and(with_the_case) {
                    all.case(Measure::DispatchOnTime, kept, at);
                }
            }
            ClockKind::Accept => {}
            ClockKind::Handle => {
                let unit = unit_of(facts, clock.task);
                all.add(Measure::DueToHandle, true, at, unit);
                all.add(Measure::HandlingOnTime, kept, at, unit);
            }
            ClockKind::Verify => all.case(Measure::CheckOnTime, kept, at),
        }
    }
}

fn unit_of(facts: &Facts, task: i64) -> Option<&str> {
    facts.tasks.iter().find(|one| one.task == task).map(|one| one.unit.as_str())
}

fn handling(facts: &Facts, task: i64) -> Option<&Clock> {
    let own = |clock: &&Clock| clock.clock == ClockKind::Handle && clock.task == task && !clock.discounted;
    facts.clocks.iter().filter(own).max_by_key(|clock| clock.nth)
}

/// - 派遣数: dispatches to a lead unit, without those withdrawn before anybody acted.
/// - 准确派遣率: of these, those that were not returned as wrong (退回).
/// - 处置数: tasks, lead's and co-handlers', that were done; one that was sent back is done when it is done again. What was
///   waived counts nowhere.
/// - 超期处置数: of these, those done after their limit.
/// - 未处置数: tasks that are not done at the end of the period, without those of suspended cases.
/// - 超期未处置数: of these, those whose limit is over.
/// - 挂账数: cases that are suspended at the end of the period.
fn tasks(all: &mut Points, facts: &Facts) {
    let state = facts.state;
    for task in &facts.tasks {
        let unit = Some(task.unit.as_str());
        if task.part == Part::Lead && task.state != TaskState::Withdrawn {
            let right = task.state != TaskState::Returned;
            all.add(Measure::Dispatched, true, task.dispatched_at, unit);
            all.add(Measure::DispatchAccurate, right, task.dispatched_at, unit);
        }
        let clock = handling(facts, task.task);
        if let (TaskState::Done, Some(at)) = (task.state, task.ended_at) {
            all.add(Measure::Handled, true, at, unit);
            if clock.is_some_and(|clock| clock.is_late(at)) {
                all.add(Measure::HandledLate, true, at, unit);
            }
        }
        let waits = task.is_open() && matches!(state, CaseState::Dispatched | CaseState::InProgress);
        if waits {
            all.put(Measure::Unhandled, true, task.dispatched_at, unit);
            if let Some((due, false)) = clock.and_then(|clock| verdict(clock, all.span.seen)) {
                all.put(Measure::UnhandledLate, true, due, unit);
            }
        }
    }
    if state == CaseState::Suspended {
        let since = facts.suspended.last().map_or(all.span.seen, |pause| pause.from);
        let lead = all.lead.clone();
        all.put(Measure::Suspended, true, since, lead.as_deref());
    }
}

/// - 返工数: results that a verification sent back, for the unit that led then.
/// - 返工率: of the results on which a verification came to an end (closed or sent back), those sent back.
/// - 满意率: of the cases whose citizen was reached, by the last word in the period: satisfied or mostly satisfied. Who was not
///   reached said nothing.
fn verdicts(all: &mut Points, facts: &Facts) {
    for act in &facts.acts {
        let back = match act.deed {
            Deed::Rework => true,
            Deed::Closed => false,
            _ => continue,
        };
        let unit = facts.lead_at(act.at).map(|task| task.unit.as_str());
        all.add(Measure::ReworkRate, back, act.at, unit);
        if back {
            all.add(Measure::Rework, true, act.at, unit);
        }
    }
    let said = facts.acts.iter().rev().filter(|act| all.span.has(act.at)).find_map(|act| match act.deed {
        Deed::CalledBack(said) => Some((act.at, said)),
        _ => None,
    });
    if let Some((at, said)) = said {
        all.case(Measure::Satisfaction, said != Satisfaction::Unsatisfied, at);
    }
}

/// One way of a case from its filing to its closing; a reopened case goes another.
struct Round {
    /// When it was opened, or opened again.
    begun_at: UtcMs,
    filed_at: UtcMs,
    closed_at: Option<UtcMs>,
}

impl Round {
    fn has(&self, at: UtcMs) -> bool {
        self.filed_at <= at && self.closed_at.is_none_or(|closed| at <= closed)
    }
}

fn rounds(facts: &Facts) -> Vec<Round> {
    let mut all: Vec<Round> = Vec::new();
    let mut begun_at = facts.opened_at;
    for act in &facts.acts {
        match act.deed {
            Deed::Filed => all.push(Round { begun_at, filed_at: act.at, closed_at: None }),
            Deed::Closed => {
                if let Some(last) = all.last_mut() {
                    last.closed_at.get_or_insert(act.at);
                }
            }
            // What became void, or goes on in another case, is not to be closed.
            Deed::Voided(_) | Deed::Joined => all.retain(|round| round.closed_at.is_some()),
            Deed::Reopened | Deed::Split => begun_at = act.at,
            _ => {}
        }
    }
    all
}

/// - 结案数: cases closed after a verification.
/// - 应结案数: cases that were to be closed: those closed with the lead's handling and the verification within their limits,
///   at their closing; all others at the first moment at which one of the two ran over, closed since or not.
/// - 结案率: of these, those closed by the end of the period.
/// - 按期结案率: of these, those closed within both limits.
/// - 平均办结时长: of the cases closed, from when they were reported (or reopened): minutes within the hours of business of
///   the calendar under which the case was filed, without suspensions; and minutes by day and night, with them.
fn closing<'c>(
    all: &mut Points,
    facts: &Facts,
    round: &Round,
    calendar: &impl Fn(i64) -> Option<&'c Calendar>,
) {
    let lead: Option<&Task> = round.closed_at.map_or_else(|| facts.lead(), |at| facts.lead_at(at));
    let lead = lead.filter(|task| round.has(task.dispatched_at));
    let unit = lead.map(|task| task.unit.as_str());
    let checks = facts.clocks.iter().filter(|clock| clock.clock == ClockKind::Verify);
    let own = lead.and_then(|task| handling(facts, task.task));
    let all_clocks = own.into_iter().chain(checks.filter(|clock| round.has(clock.started_at)));
    let late = all_clocks.filter_map(|clock| verdict(clock, all.span.seen)).filter(|(_, kept)| !kept);
    let late_at = late.map(|(at, _)| at).min();
    if let Some(at) = late_at.or(round.closed_at) {
        all.add(Measure::DueToClose, true, at, unit);
        all.add(Measure::ClosingRate, round.closed_at.is_some(), at, unit);
        all.add(Measure::ClosingOnTime, late_at.is_none(), at, unit);
    }
    let Some(at) = round.closed_at.filter(|at| all.span.has(*at)) else { return };
    all.put(Measure::Closed, true, at, unit);
    let natural_min = at.since_ms(round.begun_at).max(0) / MINUTE_MS;
    let filing = facts.filing.as_ref().and_then(|filing| calendar(filing.policy));
    let working_min = filing.map_or(natural_min, |calendar| {
        calendar.running_ms(round.begun_at, at, Unit::WorkingMinute, &facts.suspended) / MINUTE_MS
    });
    let worth = Worth { working_min, natural_min };
    all.all.push(Point {
        measure: Measure::TimeToClose,
        hit: true,
        at,
        unit: unit.map(str::to_owned),
        worth,
    });
}
