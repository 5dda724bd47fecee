//! The ticket of a call: what the operator wrote down. Filing it moves the case from received to filed, and its place is looked
//! up in the gazetteer, like the one that the caller told of.

pub mod audit;
pub mod knowledge;
pub mod lesson;
pub mod similar;
mod store;
pub mod taxonomy;

use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::case::store::Head;
use crate::case::{self, Case, CaseError, CaseState};
use crate::category;
use crate::correlation::links;
use crate::db::from_row;
use crate::db::{self, Db};
use crate::gazetteer::{self, Searching};
use crate::workflow::store::StepError;
use crate::workflow::{self, Actor, Refused, Step};

/// Longest place and summary, in characters.
pub const MAX_PLACE: usize = 200;
pub const MAX_SUMMARY: usize = 2_000;

/// What is filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// `enquiry`, `complaint`, `request`, `suggestion`, `report` or `praise`.
    pub matter: String,
    /// Id of the taxonomy.
    pub category: String,
    /// `emergency`, `urgent` or `normal`.
    pub urgency: String,
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub place: String,
    /// 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub summary: String,
}

/// A filed ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Ticket {
    pub matter: String,
    pub category: String,
    pub urgency: String,
    pub place: String,
    pub summary: String,
    pub filed_by: String,
    pub filed_at_ms: i64,
}

from_row!(Ticket: matter, category, urgency, place, summary, filed_by, filed_at_ms);

impl Ticket {
    /// What was filed, to be filed again or compared.
    pub fn draft(&self) -> Draft {
        Draft {
            matter: self.matter.clone(),
            category: self.category.clone(),
            urgency: self.urgency.clone(),
            place: self.place.clone(),
            summary: self.summary.clone(),
        }
    }
}

/// A field that stops the filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Matter,
    Category,
    Urgency,
    Place,
    Summary,
}

#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("these fields are missing or wrong: {0:?}")]
    Wrong(Vec<Field>),
    #[error("case {0} is not of a call: only calls have tickets")]
    NotACall(String),
    /// By this user, after the sender had looked.
    #[error("{0} has filed a ticket meanwhile; look at it first")]
    FiledMeanwhile(String),
    #[error("case {0} is finished; its ticket cannot change")]
    Finished(String),
    #[error(transparent)]
    Refused(Refused),
    #[error(transparent)]
    Case(#[from] CaseError),
}

impl From<StepError> for TicketError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Unknown(number) => Self::Case(CaseError::Unknown(number)),
            StepError::Refused(refused) => Self::Refused(refused),
            StepError::Db(error) => Self::Case(CaseError::Db(error)),
        }
    }
}

impl From<db::Error> for TicketError {
    fn from(error: db::Error) -> Self {
        Self::Case(CaseError::Db(error))
    }
}

impl Draft {
    /// Fields that stop the filing, in the order of the form.
    pub fn wrong(&self) -> Vec<Field> {
        let fits = |text: &str, max| !text.trim().is_empty() && text.chars().count() <= max;
        let checks = [
            (Field::Matter, taxonomy::MATTERS.iter().any(|row| row.0 == self.matter)),
            (Field::Urgency, taxonomy::URGENCIES.iter().any(|row| row.0 == self.urgency)),
            (Field::Category, taxonomy::category(&self.category).is_some()),
            (Field::Place, fits(&self.place, MAX_PLACE)),
            (Field::Summary, fits(&self.summary, MAX_SUMMARY)),
        ];
        checks.into_iter().filter(|(_, right)| !right).map(|(field, _)| field).collect()
    }
}

/// Cases of the last days that are still open and that this user may see, newest first, to be compared with a call.
pub async fn open_cases(
    db: &Db,
    tenant: &str,
    user: &str,
    but: &str,
    now: UtcMs,
) -> db::Result<Vec<similar::Told>> {
    store::open_cases(db, tenant, user, but, now).await
}

pub async fn get(db: &Db, tenant: &str, case_id: &str) -> db::Result<Option<Ticket>> {
    store::get(db, tenant, case_id).await
}

/// Files the ticket of a call, or corrects it. The first filing files the case; a correction is a row of its history, and
/// where it names another category than the case was filed under, a request to change that. All of it commits together.
/// `seen`: when the ticket was filed that the sender looked at (epoch ms, 0 = none yet); another one is not replaced.
/// Nothing there replaces whatever is.
pub async fn file(
    app: &App,
    number: &str,
    draft: &Draft,
    seen: Option<i64>,
    by: &Actor,
) -> Result<Case, TicketError> {
    let (tenant, id) = (app.tenant().as_str(), app.new_id());
    let with = app.step_with(&id);
    let (user, now) = (by.name.strip_prefix("user:").unwrap_or(&by.name), with.now);
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    if case.call_id.is_none() {
        return Err(TicketError::NotACall(number.to_owned()));
    }
    // Under the tenant's lock: of two who file at once, one learns of the other.
    if let Some(seen) = seen
        && let Some((by, at_ms)) = store::filed(&mut tx, tenant, &case.case_id).await?
        && at_ms != seen
    {
        return Err(TicketError::FiledMeanwhile(by));
    }
    let wrong = draft.wrong();
    if !wrong.is_empty() {
        return Err(TicketError::Wrong(wrong));
    }
    // What was joined to another case is handled there; what its caller said is still written down here.
    let joined = links::in_tx(&mut tx, tenant, &case.case_id).await?.joined_into.is_some();
    if !joined && !case.state.parse::<CaseState>().is_ok_and(CaseState::is_open) {
        return Err(TicketError::Finished(number.to_owned()));
    }
    store::put(&mut tx, tenant, &case.case_id, draft, user, now).await?;
    if let Some(severity) = taxonomy::severity(&draft.urgency) {
        case::store::lift(&mut tx, tenant, &case.case_id, severity, &by.name, now).await?;
    }
    let detail = json!(draft);
    let action = if case.state == CaseState::Received.as_str() { "ticket" } else { "corrected" };
    let mut head = Head::read(&mut tx, tenant, &case.case_id).await?;
    head.note(&mut tx, tenant, now, &by.name, action, &detail);
    // Before it is filed: in a village other limits hold from then on.
    let places = Searching { gazetteers: &app.gazetteers, grids: &app.grids, policies: &app.policies, now };
    gazetteer::written(&mut tx, tenant, &mut head, (draft.place.trim(), by), places).await?;
    head.save(&mut tx, tenant, now).await?;
    let categories = category::all_in(&mut tx, tenant).await?;
    let category = categories.of_hotline(&draft.category).map_or(&draft.category, |own| &own.id).clone();
    if case.state == CaseState::Received.as_str() {
        let step = Step::File { category, note: String::new() };
        workflow::store::take_in(&mut tx, tenant, number, &step, by, with).await?;
    } else if !joined && case.category.as_ref() != Some(&category) {
        let step = Step::AskCategory { category, reason: "工单更正 Ticket corrected".to_owned() };
        match workflow::store::take_in(&mut tx, tenant, number, &step, by, with).await {
            // Asked already, or too late for it: the ticket is corrected all the same.
            Ok(_) | Err(StepError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // As it is now: it may have been lifted.
    let case = case::store::in_tx(&mut tx, tenant, number).await?;
    tx.commit().await?;
    Ok(case)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each field stops the filing by its own name, and a whole draft passes.
    #[test]
    fn wrong_fields_are_named() {
        let good = Draft {
            matter: "request".into(),
            category: "noise".into(),
            urgency: "normal".into(),
            place: "东关巷北口".into(),
            summary: "夜间施工噪声".into(),
        };
        assert!(good.wrong().is_empty());
        let empty = Draft {
            matter: String::new(),
            category: "?".into(),
            urgency: "now".into(),
            place: "  ".into(),
            summary: "长".repeat(MAX_SUMMARY + 1),
        };
        assert_eq!(
            empty.wrong(),
            [Field::Matter, Field::Urgency, Field::Category, Field::Place, Field::Summary]
        );
        assert!(Draft { summary: "长".repeat(MAX_SUMMARY), ..good }.wrong().is_empty());
    }
}
