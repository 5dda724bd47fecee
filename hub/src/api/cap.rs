//! Alerts for those outside (CAP 1.2): read by systems that have a login, released and taken back by commanders.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, File, Forbidden, NotFound};
use super::cases::read;
use super::guard::{Address, Caller};
use crate::app::App;
use crate::cap::{self, CapError, Released, Words};
use crate::case;
use crate::http::reached_at;
use crate::user::Act;
use crate::web::guard::Fields;

impl From<CapError> for ApiError {
    fn from(error: CapError) -> Self {
        match error {
            CapError::Case(error) => error.into(),
            CapError::Unfit(why) => Self::Conflict(why),
            CapError::Wrong(why) => Self::Unprocessable(why),
            CapError::Nothing(why) => Self::NotFound(why),
        }
    }
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
struct CapQuery {
    /// Which message; the newest when absent.
    #[param(minimum = 1)]
    revision: Option<i64>,
}

/// The newest alert of a case as it was released, or one of its revisions; without any, what would be released, with the
/// status `Draft`.
#[utoipa::path(get, path = "/api/v1/cases/{number}/cap", params(("number" = String, Path,), CapQuery), tag = "alerts",
    responses((status = 200, body = File, content_type = "application/cap+xml"),
    BadRequest, NotFound, Conflict, Failures))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let revision: Option<i64> = read(&fields, "revision")?;
    if revision.is_some_and(|revision| revision < 1) {
        return Err(ApiError::Input("revision: they count from 1".to_owned()));
    }
    let text = cap::of_case(&app, &number, &caller.0.user, revision).await?;
    Ok(([(header::CONTENT_TYPE, "application/cap+xml")], text).into_response())
}

/// Release the alert of a case, or replace the one that holds. Emergencies and major cases only, none that is confidential.
#[utoipa::path(post, path = "/api/v1/cases/{number}/cap", params(("number" = String, Path,)), request_body = Words,
    tag = "alerts", responses((status = 200, body = Released), BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn release(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    words: Result<Json<Words>, JsonRejection>,
) -> Result<Json<Released>, ApiError> {
    caller.must(Act::ReleaseAlert)?;
    let Json(words) = words?;
    must_there(&app, &caller, &number).await?;
    Ok(Json(cap::release(&app, &number, &caller.0.user, &words).await?))
}

/// Take the alert of a case back. The hub does it by itself when the case ends.
#[utoipa::path(delete, path = "/api/v1/cases/{number}/cap", params(("number" = String, Path,)), tag = "alerts",
    responses((status = 200, body = Released), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
) -> Result<Json<Released>, ApiError> {
    caller.must(Act::ReleaseAlert)?;
    must_there(&app, &caller, &number).await?;
    Ok(Json(cap::cancel(&app, &number, &caller.0.user).await?))
}

/// A case that is not there is told by what follows.
async fn must_there(app: &App, caller: &Caller, number: &str) -> Result<(), ApiError> {
    let case = case::store::by_number(&app.db, app.tenant().as_str(), &caller.0.user, number).await?;
    case.map_or(Ok(()), |case| caller.must_at(Act::ReleaseAlert, &case.area))
}

/// Alerts that hold, and those that were taken back within a day, as an Atom feed: of cases that the caller may see.
#[utoipa::path(get, path = "/api/v1/cap", tag = "alerts", responses(
    (status = 200, body = File, content_type = "application/atom+xml"), Failures))]
pub(super) async fn feed(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = cap::feed(&app, &caller.0.user, &reached_at(&app, &uri, &headers)).await?;
    Ok(([(header::CONTENT_TYPE, "application/atom+xml")], text).into_response())
}
