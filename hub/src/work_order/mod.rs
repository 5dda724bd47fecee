//! 《网格事件批办单》: a dispatched case on one sheet of paper, for those who sign for it.
//!
//! What is on it is what the case's own page shows to the same people, without who reported it. There is one from the
//! dispatch on. Each print is a row of the access register and leaves no mark in the history.

mod store;
#[cfg(test)]
mod tests;

use protocol::UtcMs;
use serde_json::Value;

use crate::app::App;
use crate::calendar::Limit;
use crate::case::{self, Case, CaseError, CaseState};
use crate::category::{self, Categories};
use crate::db;
use crate::public;
use crate::ticket;
use crate::user::{self, Access};
use crate::workflow::{self, Clock, ClockKind, Dossier, Part, Task, TaskState};

/// What the access register calls it.
pub const KIND: &str = "order";

#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error("case {0} has not been dispatched: there is no order yet")]
    Early(String),
}

impl From<db::Error> for OrderError {
    fn from(error: db::Error) -> Self {
        Self::Case(error.into())
    }
}

/// What is printed.
#[derive(Clone, Debug)]
pub struct WorkOrder {
    pub case: Case,
    /// What was told of it, in the words of the ticket or of whoever reported it; nothing of what a camera raised.
    pub text: String,
    /// 大类 and 小类, each in Chinese and English.
    pub category: Vec<(String, String)>,
    /// Of the ticket, where it has one.
    pub place: String,
    /// Names of the areas in which it lies, from the top: Chinese and English.
    pub areas: Vec<(String, String)>,
    pub filed_at: Option<UtcMs>,
    /// Version under which it was filed, and the rule by which the handling is limited; no rule where the general limits hold.
    pub policy: i64,
    pub rule: Option<String>,
    pub parts: Vec<PartOf>,
    /// What the dispatcher said.
    pub note: String,
    pub public_code: Option<String>,
}

/// One unit's part.
#[derive(Clone, Debug)]
pub struct PartOf {
    /// Chinese and English.
    pub unit: (String, String),
    pub part: Part,
    pub dispatched_at: UtcMs,
    pub accepted_at: Option<UtcMs>,
    pub accept: Option<Due>,
    pub handle: Option<Due>,
}

/// How long, and until when.
#[derive(Clone, Debug)]
pub struct Due {
    pub limit: Limit,
    pub extensions: Vec<Limit>,
    /// Nothing while it stands still.
    pub at: Option<UtcMs>,
}

/// The order of a case that this user may see.
pub async fn of_case(app: &App, number: &str, user: &str) -> Result<WorkOrder, OrderError> {
    let tenant = app.tenant().as_str();
    let unknown = || CaseError::Unknown(number.to_owned());
    let case = case::store::by_number(&app.db, tenant, user, number).await?.ok_or_else(unknown)?;
    let mut tx = app.db.begin_read().await?;
    let dossier = workflow::store::load(&mut tx, tenant, number).await?.ok_or_else(unknown)?;
    let tasks = current(&dossier);
    let (Some(filing), false) = (dossier.state.filing(), tasks.is_empty()) else {
        return Err(OrderError::Early(number.to_owned()));
    };
    let policy = app.policies.version_in(&mut tx, tenant, filing.policy).await?;
    let rule = policy.rule(dossier.matter()).map(str::to_owned);
    drop(tx);
    let ticket = ticket::get(&app.db, tenant, &case.case_id).await?;
    let told = store::told(&app.db, tenant, &case.case_id).await?;
    let told: Value = told.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let told = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let note = store::dispatch_note(&app.db, tenant, &case.case_id).await?;
    let note: Value = note.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let names = store::unit_names(&app.db, tenant).await?;
    let categories = category::all(&app.db, tenant).await?;
    let areas = public::store::areas(&app.db, tenant, &case.area).await?;
    let parts = tasks.into_iter().map(|task| PartOf {
        unit: names
            .iter()
            .find(|(id, ..)| *id == task.unit)
            .map_or_else(|| (task.unit.clone(), task.unit.clone()), |(_, zh, en)| (zh.clone(), en.clone())),
        part: task.part,
        dispatched_at: task.dispatched_at,
        accepted_at: task.accepted_at,
        accept: due(&dossier.clocks, ClockKind::Accept, task.task),
        handle: due(&dossier.clocks, ClockKind::Handle, task.task),
    });
    Ok(WorkOrder {
        text: ticket.as_ref().map_or_else(|| told("summary"), |ticket| ticket.summary.clone()),
        category: case.category.as_deref().map(|id| two_levels(&categories, id)).unwrap_or_default(),
        place: ticket.map(|ticket| ticket.place).or_else(|| case.place.clone()).unwrap_or_default(),
        areas: areas.into_iter().map(|(_, zh, en)| (zh, en)).collect(),
        filed_at: Some(filing.at),
        policy: filing.policy,
        rule,
        parts: parts.collect(),
        note: note.get("note").and_then(Value::as_str).unwrap_or_default().to_owned(),
        public_code: public::code::of_case(app, &case).await?,
        case,
    })
}

fn two_levels(all: &Categories, id: &str) -> Vec<(String, String)> {
    let Some(category) = all.find(id) else { return vec![(id.to_owned(), id.to_owned())] };
    let group = all.groups.iter().find(|group| group.id == category.group);
    let group = group.map(|group| (group.zh.clone(), group.en.clone()));
    group.into_iter().chain(std::iter::once((category.zh.clone(), category.en.clone()))).collect()
}

/// Whether there is one of such a case, by its state and lead unit alone.
pub fn is_there(case: &Case) -> bool {
    let from_dispatch_on = [
        CaseState::Dispatched,
        CaseState::InProgress,
        CaseState::Suspended,
        CaseState::Verifying,
        CaseState::Closed,
    ];
    let state = case.state.parse::<CaseState>().unwrap_or(CaseState::Received);
    from_dispatch_on.contains(&state) && case.lead_unit.is_some()
}

/// Tasks of the dispatch that holds, or held when the case was closed; the lead first.
fn current(dossier: &Dossier) -> Vec<Task> {
    let mut tasks: Vec<Task> = match dossier.state.word() {
        CaseState::Received | CaseState::Filed | CaseState::Void => Vec::new(),
        CaseState::Closed => {
            let held = |task: &&Task| !matches!(task.state, TaskState::Withdrawn | TaskState::Returned);
            let newest = dossier.past.iter().filter(held).map(|task| task.dispatched_at).max();
            let of_it = dossier.past.iter().filter(held).filter(|task| Some(task.dispatched_at) == newest);
            of_it.cloned().collect()
        }
        _ => dossier.state.work().into_iter().flat_map(|work| work.tasks()).cloned().collect(),
    };
    tasks.sort_by_key(|task| (task.part != Part::Lead, task.task));
    tasks
}

fn due(clocks: &[Clock], kind: ClockKind, task: i64) -> Option<Due> {
    let own = clocks.iter().filter(|clock| clock.kind == kind && clock.task == task);
    own.max_by_key(|clock| clock.nth).map(|clock| Due {
        limit: clock.limit,
        extensions: clock.extensions.clone(),
        at: clock.due_at,
    })
}

/// Notes a print.
pub async fn register(app: &App, order: &WorkOrder, user: &str) -> db::Result<()> {
    let now = app.clock.now();
    let access = Access {
        at_ms: now.0,
        user_name: user.to_owned(),
        sha256: String::new(),
        kind: KIND.to_owned(),
        act: "print".to_owned(),
        purpose: String::new(),
        case_number: Some(order.case.number.clone()),
        call_id: order.case.call_id.clone(),
    };
    let mut tx = app.db.begin().await?;
    user::register_each(&mut tx, app.tenant().as_str(), &app.chance, now, &access).await?;
    tx.commit().await
}
