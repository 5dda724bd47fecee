//! A case as the law sees it, from its rows.

use protocol::UtcMs;

use crate::args;
use crate::calendar::Pause;
use crate::case::{CaseState, Source};
use crate::db::{Error, Result, Tx, from_row};
use crate::organisation::{self, AreaPath};
use crate::workflow::{
    Ask, Card, Check, Clock, ClockKind, Dossier, Ending, Facts, Filing, How, Part, Report, Request, State,
    Suspension, Task, TaskState, VoidReason, Work,
};

struct Row {
    case_id: String,
    number: String,
    kind: String,
    severity: String,
    state: String,
    source: String,
    area: String,
    level: String,
    category: Option<String>,
    matter: Option<String>,
    policy_version: Option<i64>,
    filed_at_ms: Option<i64>,
    report: Option<String>,
    reported_at_ms: Option<i64>,
    checked_by: Option<String>,
    checked_at_ms: Option<i64>,
    check_agrees: Option<i64>,
    suspended_until_ms: Option<i64>,
    ending: Option<String>,
    void_reason: Option<String>,
    joined_into: Option<String>,
    called_back: i64,
    cards: String,
    opened_at_ms: i64,
    closed_at_ms: Option<i64>,
    drill: i64,
    deadline_ms: Option<i64>,
}

from_row!(Row: case_id, number, kind, severity, state, source, area, level, category, matter, policy_version,
    filed_at_ms, report, reported_at_ms, checked_by, checked_at_ms, check_agrees, suspended_until_ms, ending,
    void_reason, joined_into, called_back, cards, opened_at_ms, closed_at_ms, drill, deadline_ms);

struct TaskRow {
    task: i64,
    unit: String,
    part: String,
    state: String,
    desk: Option<String>,
    dispatched_at_ms: i64,
    accepted_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    result: Option<String>,
}

from_row!(TaskRow: task, unit, part, state, desk, dispatched_at_ms, accepted_at_ms, ended_at_ms, result);

struct RequestRow {
    request_id: String,
    ask: String,
    task: i64,
    asked_by: String,
    asked_at_ms: i64,
    reason: String,
    extend_by: Option<String>,
    until_ms: Option<i64>,
    category: Option<String>,
    second: i64,
    endorsed_by: Option<String>,
}

from_row!(RequestRow: request_id, ask, task, asked_by, asked_at_ms, reason, extend_by, until_ms, category, second,
    endorsed_by);

struct ClockRow {
    clock: String,
    task: i64,
    nth: i64,
    policy_version: i64,
    limit_text: String,
    extensions: String,
    started_at_ms: i64,
    due_at_ms: Option<i64>,
    stopped_at_ms: Option<i64>,
    counts: i64,
    stage: i64,
    next_at_ms: Option<i64>,
}

from_row!(ClockRow: clock, task, nth, policy_version, limit_text, extensions, started_at_ms, due_at_ms, stopped_at_ms,
    counts, stage, next_at_ms);

/// A kept row that the law cannot read: of a newer hub, or damaged.
fn odd(number: &str, what: &str) -> Error {
    Error::Decode(format!("case {number}: {what} is not what this hub keeps").into())
}

/// The case as the law sees it.
pub async fn load(tx: &mut Tx, tenant: &str, number: &str) -> Result<Option<Dossier>> {
    // A case that was opened in the same transaction has its clocks among what is written at the end.
    tx.settle().await?;
    let row: Option<Row> = tx
        .fetch_optional(
            "select c.case_id, c.number, c.kind, c.severity, c.state, c.source, c.area, c.level, c.category,
                    coalesce(t.matter, nullif(c.matter, '')) as matter,
                    c.policy_version, c.filed_at_ms, c.report, c.reported_at_ms, c.checked_by, c.checked_at_ms,
                    c.check_agrees, c.suspended_until_ms, c.ending, c.void_reason, c.joined_into,
                    c.called_back, c.cards, c.opened_at_ms, c.closed_at_ms, c.drill, c.deadline_ms
             from cases c left join tickets t on t.tenant = c.tenant and t.case_id = c.case_id
             where c.tenant = $1 and c.number = $2",
            args![tenant, number],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let tasks = tasks(tx, tenant, &row).await?;
    let (open, past): (Vec<Task>, Vec<Task>) = match row.state.as_str() {
        "dispatched" | "in_progress" | "suspended" | "verifying" => current(tasks),
        _ => (Vec::new(), tasks),
    };
    let rural = organisation::store::is_rural(tx, tenant, &row.area).await?;
    let cards = row.cards.split(' ').filter_map(Card::kept).collect();
    Ok(Some(Dossier {
        state: state(&row, open)?,
        past,
        requests: requests(tx, tenant, &row).await?,
        clocks: clocks(tx, tenant, &row).await?,
        pauses: pauses(tx, tenant, &row.case_id).await?,
        cards,
        called_back: u32::try_from(row.called_back).unwrap_or(0),
        deadline: row.deadline_ms.map(UtcMs),
        facts: Facts {
            severity: row.severity.parse().map_err(|_| odd(&row.number, "its severity"))?,
            source: Source::parse(&row.source).ok_or_else(|| odd(&row.number, "its source"))?,
            matter: row.matter.unwrap_or_default(),
            area: AreaPath::kept(row.area),
            rural,
            drill: row.drill != 0,
            opened_at: UtcMs(row.opened_at_ms),
            case_id: row.case_id,
            number: row.number,
            kind: row.kind,
        },
    }))
}

/// The newest dispatch: from its lead on.
fn current(mut tasks: Vec<Task>) -> (Vec<Task>, Vec<Task>) {
    let lead = tasks.iter().rposition(|task| task.part == Part::Lead).unwrap_or(tasks.len());
    let open = tasks.split_off(lead);
    (open, tasks)
}

fn state(row: &Row, tasks: Vec<Task>) -> Result<State> {
    let missing = |what| odd(&row.number, what);
    let filing = || -> Result<Filing> {
        let both = row.category.clone().zip(row.policy_version).zip(row.filed_at_ms);
        let ((category, policy), at) = both.ok_or_else(|| missing("its filing"))?;
        Ok(Filing { category, policy, at: UtcMs(at) })
    };
    let work = || -> Result<Work> {
        let mut tasks = tasks.into_iter();
        let lead = tasks.next().ok_or_else(|| missing("its lead"))?;
        Ok(Work { lead, co: tasks.collect() })
    };
    let closed_at = UtcMs(row.closed_at_ms.unwrap_or(0));
    Ok(match row.state.parse::<CaseState>().map_err(|_| missing("its state"))? {
        CaseState::Received => {
            State::Received { level: row.level.parse().map_err(|_| missing("its level"))? }
        }
        CaseState::Filed => State::Filed(filing()?),
        CaseState::Dispatched => State::Dispatched(filing()?, work()?),
        CaseState::InProgress => State::InProgress(filing()?, work()?),
        CaseState::Suspended => {
            let until = UtcMs(row.suspended_until_ms.ok_or_else(|| missing("its suspension"))?);
            State::Suspended(filing()?, work()?, Suspension { until })
        }
        CaseState::Verifying => {
            let report = row.report.clone().zip(row.reported_at_ms).ok_or_else(|| missing("its report"))?;
            let check = row.check_agrees.map(|agrees| Check {
                agrees: agrees != 0,
                by: row.checked_by.clone().unwrap_or_default(),
                at: UtcMs(row.checked_at_ms.unwrap_or(0)),
            });
            State::Verifying(filing()?, work()?, Report { result: report.0, at: UtcMs(report.1) }, check)
        }
        CaseState::Closed => {
            let how = row.ending.as_deref().and_then(How::kept).ok_or_else(|| missing("its ending"))?;
            State::Closed(Ending { how, at: closed_at, filing: filing().ok() })
        }
        CaseState::Void => State::Void {
            reason: row
                .void_reason
                .as_deref()
                .and_then(VoidReason::kept)
                .ok_or_else(|| missing("its reason"))?,
            into: row.joined_into.clone(),
            at: closed_at,
        },
    })
}

async fn tasks(tx: &mut Tx, tenant: &str, case: &Row) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = tx
        .fetch_all(
            "select task, unit, part, state, desk, dispatched_at_ms, accepted_at_ms, ended_at_ms, result
             from case_tasks where tenant = $1 and case_id = $2 order by task",
            args![tenant, &case.case_id],
        )
        .await?;
    let read = |row: TaskRow| {
        Some(Task {
            task: row.task,
            part: Part::kept(&row.part)?,
            state: TaskState::kept(&row.state)?,
            unit: row.unit,
            desk: row.desk,
            dispatched_at: UtcMs(row.dispatched_at_ms),
            accepted_at: row.accepted_at_ms.map(UtcMs),
            ended_at: row.ended_at_ms.map(UtcMs),
            result: row.result,
        })
    };
    rows.into_iter().map(|row| read(row).ok_or_else(|| odd(&case.number, "a task"))).collect()
}

async fn requests(tx: &mut Tx, tenant: &str, case: &Row) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = tx
        .fetch_all(
            "select request_id, ask, task, asked_by, asked_at_ms, reason, extend_by, until_ms, category, second,
                    endorsed_by
             from case_requests where tenant = $1 and case_id = $2 and granted is null order by asked_at_ms, request_id",
            args![tenant, &case.case_id],
        )
        .await?;
    let read = |row: RequestRow| {
        Some(Request {
            id: row.request_id,
            ask: Ask::kept(&row.ask)?,
            task: row.task,
            asked_by: row.asked_by,
            asked_at: UtcMs(row.asked_at_ms),
            reason: row.reason,
            by: row.extend_by.map(|text| text.parse()).transpose().ok()?,
            until: row.until_ms.map(UtcMs),
            category: row.category,
            second: row.second != 0,
            endorsed_by: row.endorsed_by,
            decision: None,
        })
    };
    rows.into_iter().map(|row| read(row).ok_or_else(|| odd(&case.number, "a request"))).collect()
}

async fn clocks(tx: &mut Tx, tenant: &str, case: &Row) -> Result<Vec<Clock>> {
    let rows: Vec<ClockRow> = tx
        .fetch_all(
            "select clock, task, nth, policy_version, limit_text, extensions, started_at_ms, due_at_ms, stopped_at_ms,
                    counts, stage, next_at_ms
             from case_clocks where tenant = $1 and case_id = $2 order by started_at_ms, clock, task, nth",
            args![tenant, &case.case_id],
        )
        .await?;
    let read = |row: ClockRow| {
        Some(Clock {
            kind: ClockKind::kept(&row.clock)?,
            task: row.task,
            nth: row.nth,
            policy: row.policy_version,
            limit: row.limit_text.parse().ok()?,
            extensions: serde_json::from_str(&row.extensions).ok()?,
            started_at: UtcMs(row.started_at_ms),
            due_at: row.due_at_ms.map(UtcMs),
            stopped_at: row.stopped_at_ms.map(UtcMs),
            counts: row.counts != 0,
            stage: row.stage,
            next_at: row.next_at_ms.map(UtcMs),
        })
    };
    rows.into_iter().map(|row| read(row).ok_or_else(|| odd(&case.number, "a clock"))).collect()
}

async fn pauses(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Vec<Pause>> {
    let rows: Vec<(i64, Option<i64>)> = tx
        .fetch_all(
            "select from_ms, to_ms from case_pauses where tenant = $1 and case_id = $2 order by from_ms",
            args![tenant, case_id],
        )
        .await?;
    Ok(rows.into_iter().map(|(from, to)| Pause { from: UtcMs(from), to: to.map(UtcMs) }).collect())
}
