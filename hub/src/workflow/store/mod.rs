//! SQL of the workflow. A step, its history row and its live-feed row share one transaction, which holds the tenant's
//! lock: of two who act at once the second meets the case as the first left it.

mod read;

use protocol::UtcMs;
use serde_json::json;

pub use read::load;

use super::request::Decision;
use super::{Actor, Around, Ask, Card, Clock, Dossier, Missing, Refused, Request, Said, State, Step, Task};
use crate::args;
use crate::case::{self, Case, CaseState};
use crate::category;
use crate::correlation::join;
use crate::db::{Db, Error, Insert, Result, Tx};
use crate::engine;
use crate::organisation;
use crate::policy::Policies;

const CLOCKS: Insert = Insert {
    into: "insert into case_clocks (tenant, case_id, clock, task, nth, policy_version, limit_text, extensions, started_at_ms,
               due_at_ms, stopped_at_ms, counts, stage, next_at_ms)",
    tail: "on conflict (tenant, case_id, clock, task, nth) do update set policy_version = excluded.policy_version,
               limit_text = excluded.limit_text, extensions = excluded.extensions, due_at_ms = excluded.due_at_ms,
               stopped_at_ms = excluded.stopped_at_ms, counts = excluded.counts, stage = excluded.stage,
               next_at_ms = excluded.next_at_ms",
};

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Not there, or not for this user to see.
    #[error("there is no case {0}")]
    Unknown(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("case database: {0}")]
    Db(#[from] Error),
}

/// What taking a step needs besides the database.
#[derive(Clone, Copy, Debug)]
pub struct With<'a> {
    pub policies: &'a Policies,
    pub now: UtcMs,
    /// A new id.
    pub id: &'a str,
}

/// Takes a step of a case that its actor may see; returns the case after it.
pub async fn take(
    db: &Db,
    tenant: &str,
    number: &str,
    step: &Step,
    by: &Actor,
    with: With<'_>,
) -> std::result::Result<Case, StepError> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = take_in(&mut tx, tenant, number, step, by, with).await?;
    tx.commit().await?;
    Ok(case)
}

/// The same inside a transaction that changes more.
pub async fn take_in(
    tx: &mut Tx,
    tenant: &str,
    number: &str,
    step: &Step,
    by: &Actor,
    with: With<'_>,
) -> std::result::Result<Case, StepError> {
    take_saying(tx, tenant, number, (step, None), by, with).await
}

/// A step of the hub, with what it says of it: the text of the step is for who reads the row without that.
pub async fn take_saying(
    tx: &mut Tx,
    tenant: &str,
    number: &str,
    (step, said): (&Step, Option<&Said>),
    by: &Actor,
    with: With<'_>,
) -> std::result::Result<Case, StepError> {
    let unknown = || StepError::Unknown(number.to_owned());
    let viewer = by.name.strip_prefix("user:").unwrap_or_default();
    case::store::visible_in(tx, tenant, viewer, number).await?.ok_or_else(unknown)?;
    let before = load(tx, tenant, number).await?.ok_or_else(unknown)?;
    if let Step::Join { into, .. } = step {
        let target = case::store::visible_in(tx, tenant, viewer, into).await?;
        let open =
            target.and_then(|case| case.state.parse::<CaseState>().ok()).is_some_and(CaseState::is_open);
        if !open || into == number {
            return Err(Refused::missing(step.kind(), Missing::JoinTarget(into.clone())).into());
        }
    }
    if matches!(step, Step::Reopen { .. } | Step::Split { .. })
        && let Some(other) = case::store::open_of_cause(tx, tenant, number).await?
    {
        return Err(Refused::missing(step.kind(), Missing::OpenAgain(other)).into());
    }
    let frozen = before.state.filing().map(|filing| filing.policy);
    let policy = match frozen.filter(|_| !renews(&before, step)) {
        Some(version) => with.policies.version_in(tx, tenant, version).await?,
        None => with.policies.newest_in(tx, tenant, with.now).await?,
    };
    let units = organisation::store::units_in(tx, tenant).await?;
    let mut after = before.clone();
    let around = Around { policy: &policy, units: &units, now: with.now, id: with.id };
    let offered = is_offered(tx, tenant, step).await?;
    let mut taken = after.take(step, by, around)?;
    if let Some(said) = said {
        taken.says(said);
    }
    // The law first: who may not file it at all is told that.
    if let Some(category) = offered.err() {
        return Err(Refused::missing(step.kind(), Missing::Category(category)).into());
    }
    save(tx, tenant, &before, &after).await?;
    case::store::append(tx, tenant, &after.facts.case_id, with.now, &by.name, taken.action, &taken.detail)
        .await?;
    // Whoever acts on it has it in hand; what goes to another level or begins anew is nobody's yet.
    match step {
        Step::PassUp { .. } | Step::Reopen { .. } | Step::Split { .. } => {
            case::store::set_waiting(tx, tenant, &after.facts.case_id, None).await?;
        }
        _ if !by.is_hub() => {
            case::store::take_in_hand(tx, tenant, &after.facts.case_id, viewer, with.now).await?;
        }
        _ => {}
    }
    if !by.is_hub() && matches!(step, Step::Remind { .. } | Step::Supervise { .. }) {
        engine::tell_by_hand(tx, tenant, &after, step, with).await?;
    }
    if let Step::Join { into, note } = step {
        tell_target(tx, tenant, &after, (into, note), by, with.now).await?;
        join::joined(tx, tenant, number, into, note, by, with.now).await?;
    }
    if let (Step::Split { reason }, State::Void { into: Some(from), .. }) = (step, &before.state) {
        join::split(tx, tenant, (&after.facts.case_id, number), from, reason, by, with.now).await?;
    }
    case::store::in_tx(tx, tenant, number).await.map_err(|_| unknown())
}

/// Whether the category that a step names is one of the tenant's that cases are filed under; if not, which one.
async fn is_offered(tx: &mut Tx, tenant: &str, step: &Step) -> Result<std::result::Result<(), String>> {
    let (Step::File { category, .. } | Step::AskCategory { category, .. }) = step else { return Ok(Ok(())) };
    let all = category::all_in(tx, tenant).await?;
    let is_active = all.find(category).is_some_and(|own| own.active);
    Ok(if is_active { Ok(()) } else { Err(category.clone()) })
}

/// Whether the step gives the case the policy in force: a new filing, another category.
fn renews(dossier: &Dossier, step: &Step) -> bool {
    match step {
        Step::Reopen { .. } => true,
        Step::Decide { request, .. } => {
            dossier.requests.iter().any(|one| one.id == *request && one.ask == Ask::Category)
        }
        _ => false,
    }
}

/// The case that another one joined says so too.
async fn tell_target(
    tx: &mut Tx,
    tenant: &str,
    joined: &Dossier,
    (into, why): (&str, &str),
    by: &Actor,
    now: UtcMs,
) -> std::result::Result<(), StepError> {
    let target =
        case::store::in_tx(tx, tenant, into).await.map_err(|_| StepError::Unknown(into.to_owned()))?;
    let detail = json!({ "case": joined.facts.number, "kind": joined.facts.kind, "reason": why });
    case::store::append(tx, tenant, &target.case_id, now, &by.name, "took_in", &detail).await?;
    Ok(())
}

/// Writes what a step changed.
pub async fn save(tx: &mut Tx, tenant: &str, before: &Dossier, after: &Dossier) -> Result<()> {
    let case_id = &after.facts.case_id;
    save_case(tx, tenant, after).await?;
    // What has ended makes room for what begins.
    let tasks = after.past.iter().chain(after.state.work().into_iter().flat_map(|work| work.tasks()));
    for task in tasks {
        put_task(tx, tenant, case_id, task).await?;
    }
    for request in after.requests.iter().filter(|request| !before.requests.contains(request)) {
        put_request(tx, tenant, case_id, request).await?;
    }
    put_clocks(tx, tenant, after, &before.clocks);
    for pause in after.pauses.iter().filter(|pause| !before.pauses.contains(pause)) {
        tx.execute(
            "insert into case_pauses (tenant, case_id, from_ms, to_ms) values ($1, $2, $3, $4)
             on conflict (tenant, case_id, from_ms) do update set to_ms = excluded.to_ms",
            args![tenant, case_id, pause.from, pause.to],
        )
        .await?;
    }
    Ok(())
}

/// Clocks that a case has and `known` has not.
pub fn put_clocks(tx: &mut Tx, tenant: &str, dossier: &Dossier, known: &[Clock]) {
    for clock in dossier.clocks.iter().filter(|clock| !known.contains(clock)) {
        let row = args![
            tenant,
            &dossier.facts.case_id,
            clock.kind.as_str(),
            clock.task,
            clock.nth,
            clock.policy,
            clock.limit.to_string(),
            json!(clock.extensions).to_string(),
            clock.started_at,
            clock.due_at,
            clock.stopped_at,
            clock.counts,
            clock.stage,
            clock.next_at
        ];
        tx.later(CLOCKS, row);
    }
}

async fn save_case(tx: &mut Tx, tenant: &str, dossier: &Dossier) -> Result<()> {
    let state = &dossier.state;
    let (level, filing) = (
        match state {
            State::Received { level } => level.as_str(),
            _ => "county",
        },
        state.filing(),
    );
    let (report, check) = match state {
        State::Verifying(_, _, report, check) => (Some(report), check.as_ref()),
        _ => (None, None),
    };
    let (ending, void, into, closed_at) = match state {
        State::Closed(ending) => (Some(ending.how.as_str()), None, None, Some(ending.at)),
        State::Void { reason, into, at } => (None, Some(reason.as_str()), into.clone(), Some(*at)),
        _ => (None, None, None, None),
    };
    let until = match state {
        State::Suspended(.., suspension) => Some(suspension.until),
        _ => None,
    };
    let next = dossier.next_due();
    let mut cards = dossier.cards.clone();
    cards.sort_unstable();
    let cards: Vec<&str> = cards.into_iter().map(Card::as_str).collect();
    tx.execute(
        // What led to the end of a case stays with it.
        "update cases set state = $3, level = $4,
             category = case when $3 = 'void' then category else $5 end,
             policy_version = case when $3 = 'void' then policy_version else $6 end,
             filed_at_ms = case when $3 = 'void' then filed_at_ms else $7 end,
             lead_unit = case when $3 in ('closed', 'void') then lead_unit else $8 end,
             report = case when $3 in ('closed', 'void') then report else $9 end,
             reported_at_ms = case when $3 in ('closed', 'void') then reported_at_ms else $10 end,
             checked_by = case when $3 in ('closed', 'void') then checked_by else $11 end,
             checked_at_ms = case when $3 in ('closed', 'void') then checked_at_ms else $12 end,
             check_agrees = case when $3 in ('closed', 'void') then check_agrees else $13 end,
             suspended_until_ms = $14, ending = $15, void_reason = $16, joined_into = $17, closed_at_ms = $18,
             called_back = $19, cards = $20, due_clock = $21, due_at_ms = $22
         where tenant = $1 and case_id = $2",
        args![
            tenant,
            &dossier.facts.case_id,
            state.word().as_str(),
            level,
            filing.map(|filing| filing.category.as_str()),
            filing.map(|filing| filing.policy),
            filing.map(|filing| filing.at),
            state.work().map(|work| work.lead.unit.as_str()),
            report.map(|report| report.result.as_str()),
            report.map(|report| report.at),
            check.map(|check| check.by.as_str()),
            check.map(|check| check.at),
            check.map(|check| i64::from(check.agrees)),
            until,
            ending,
            void,
            into,
            closed_at,
            i64::from(dossier.called_back),
            cards.join(" "),
            next.map(|clock| clock.kind.as_str()),
            next.and_then(|clock| clock.due_at)
        ],
    )
    .await?;
    Ok(())
}

async fn put_task(tx: &mut Tx, tenant: &str, case_id: &str, task: &Task) -> Result<()> {
    tx.execute(
        "insert into case_tasks (tenant, case_id, task, unit, part, state, desk, dispatched_at_ms, accepted_at_ms,
             ended_at_ms, result)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant, case_id, task) do update set state = excluded.state, desk = excluded.desk,
             accepted_at_ms = excluded.accepted_at_ms, ended_at_ms = excluded.ended_at_ms, result = excluded.result",
        args![
            tenant,
            case_id,
            task.task,
            &task.unit,
            task.part.as_str(),
            task.state.as_str(),
            task.desk.clone(),
            task.dispatched_at,
            task.accepted_at,
            task.ended_at,
            task.result.clone()
        ],
    )
    .await?;
    Ok(())
}

async fn put_request(tx: &mut Tx, tenant: &str, case_id: &str, request: &Request) -> Result<()> {
    let decision: Option<&Decision> = request.decision.as_ref();
    tx.execute(
        "insert into case_requests (tenant, case_id, request_id, ask, task, asked_by, asked_at_ms, reason, extend_by,
             until_ms, category, second, endorsed_by, granted, decided_by, decided_at_ms, answer)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (tenant, request_id) do update set endorsed_by = excluded.endorsed_by, granted = excluded.granted,
             decided_by = excluded.decided_by, decided_at_ms = excluded.decided_at_ms, answer = excluded.answer",
        args![
            tenant,
            case_id,
            &request.id,
            request.ask.as_str(),
            request.task,
            &request.asked_by,
            request.asked_at,
            &request.reason,
            request.by.map(|limit| limit.to_string()),
            request.until,
            request.category.clone(),
            request.second,
            request.endorsed_by.clone(),
            decision.map(|decision| i64::from(decision.granted)),
            decision.map(|decision| decision.by.as_str()),
            decision.map(|decision| decision.at),
            decision.map(|decision| decision.reason.as_str())
        ],
    )
    .await?;
    Ok(())
}
