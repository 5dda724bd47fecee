//! The number to call a citizen back at, with the same rules as on the page.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Closed, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::case::{self, CaseError};
use crate::contact::{self, Contact, ContactError};
use crate::user::{self, Access, Act};

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct ContactRequest {
    /// Why; kept in the access register and in the case's history.
    #[schema(min_length = 1, max_length = 200)]
    purpose: String,
}

/// What is known of a case's callback number without telling it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ContactState {
    /// Whether there is one to be seen.
    kept: bool,
    /// Of a number that is kept, or was deleted before its time.
    came_at: Option<i64>,
    expires_at: Option<i64>,
    /// Who saw it, when and why; newest first.
    accesses: Vec<Access>,
}

impl From<ContactError> for ApiError {
    fn from(error: ContactError) -> Self {
        match error {
            ContactError::Purpose => Self::Unprocessable(error.to_string()),
            ContactError::Nothing(_) => Self::NotFound(error.to_string()),
            ContactError::Closed(..) => Self::Conflict(error.to_string()),
            ContactError::Confidential(_) => Self::Forbidden(error.to_string()),
            ContactError::Case(error) => error.into(),
        }
    }
}

/// Tell the number to call the citizen back at. Each call is a row of the access register and of the case's history.
#[utoipa::path(post, path = "/api/v1/cases/{number}/contact", params(("number" = String, Path,)),
    request_body = ContactRequest, tag = "cases", responses((status = 200, body = Contact),
    BadBody, Forbidden, NotFound, Closed, Failures))]
pub(super) async fn look(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    request: Result<Json<ContactRequest>, JsonRejection>,
) -> Result<Json<Contact>, ApiError> {
    caller.must(Act::Contact)?;
    let Json(request) = request?;
    must_there(&app, &caller, &number).await?;
    Ok(Json(contact::look(&app, &number, &caller.0.user, &request.purpose).await?))
}

/// A case that is not there is told by what follows.
async fn must_there(app: &App, caller: &Caller, number: &str) -> Result<(), ApiError> {
    let case = case::store::by_number(&app.db, app.tenant().as_str(), &caller.0.user, number).await?;
    case.map_or(Ok(()), |case| caller.must_at(Act::Contact, &case.area))
}

/// Whether a number is kept, until when, and who saw it; never the number.
#[utoipa::path(get, path = "/api/v1/cases/{number}/contact", params(("number" = String, Path,)), tag = "cases",
    responses((status = 200, body = ContactState), BadRequest, NotFound, Failures))]
pub(super) async fn state(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
) -> Result<Json<ContactState>, ApiError> {
    let tenant = app.tenant().as_str();
    let case = case::store::by_number(&app.db, tenant, &caller.0.user, &number).await?;
    let case = case.ok_or(CaseError::Unknown(number))?;
    let kept = contact::store::of_case(&app.db, tenant, &case.case_id, app.clock.now()).await?;
    Ok(Json(ContactState {
        kept: kept.as_ref().is_some_and(contact::Kept::is_here),
        came_at: kept.as_ref().map(|kept| kept.came_at_ms),
        expires_at: kept.as_ref().map(|kept| kept.expires_at_ms),
        accesses: user::register_of_case(&app.db, tenant, &case.number, contact::KIND).await?,
    }))
}

/// Delete the number before it expires.
#[utoipa::path(delete, path = "/api/v1/cases/{number}/contact", params(("number" = String, Path,)), tag = "cases",
    responses((status = 204), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn forget(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
) -> Result<StatusCode, ApiError> {
    caller.must(Act::Contact)?;
    must_there(&app, &caller, &number).await?;
    contact::forget(&app, &number, &caller.0.user).await?;
    Ok(StatusCode::NO_CONTENT)
}
