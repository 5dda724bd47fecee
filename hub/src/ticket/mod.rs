//! The ticket of a call: what the operator wrote down. Filing it moves the case from received to filed, and its place is looked
//! up in the gazetteer, like the one that the caller told of.

pub mod audit;
mod filing;
pub mod knowledge;
pub mod lesson;
pub mod similar;
mod store;
pub mod taxonomy;

use protocol::UtcMs;
use serde::{Deserialize, Serialize};

pub use filing::{Filing, take};

use crate::app::App;
use crate::case::{Case, CaseError};
use crate::db::from_row;
use crate::db::{self, Db};
use crate::gazetteer::PlaceError;
use crate::workflow::store::StepError;
use crate::workflow::{Actor, Refused};

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

    /// Whether a form says what was filed.
    fn says(&self, draft: &Draft) -> bool {
        let whole = Draft {
            place: draft.place.trim().to_owned(),
            summary: draft.summary.trim().to_owned(),
            ..draft.clone()
        };
        self.draft() == whole
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
    /// The place that was picked with it.
    #[error(transparent)]
    Place(PlaceError),
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

impl From<PlaceError> for TicketError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Unknown(number) => Self::Case(CaseError::Unknown(number)),
            PlaceError::Db(error) => Self::Case(CaseError::Db(error)),
            other => Self::Place(other),
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

/// Files the ticket of a call, or corrects it, and nothing else; see [`take`].
pub async fn file(
    app: &App,
    number: &str,
    draft: &Draft,
    seen: Option<i64>,
    by: &Actor,
) -> Result<Case, TicketError> {
    take(app, number, Filing { draft: Some(draft), seen, ..Filing::default() }, by).await
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
