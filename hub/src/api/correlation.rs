//! What was joined, put aside and judged: sources on the shelf, and how often each rule was right.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::cases::detail;
use super::guard::{Address, Caller};
use super::model::CaseDetail;
use crate::app::App;
use crate::case::precision::{self, RulePrecision};
use crate::case::{self, Case};
use crate::correlation::shelf::{self, By, ShelfError, Shelved};
use crate::user::Act;
use crate::web::guard::Fields;

/// Without a time: the last so many days.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShelfRequest {
    /// An emergency for an hour at most, anything else for three days.
    #[schema(minimum = 1, maximum = 4320)]
    minutes: u32,
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ShelfList {
    /// What comes back first, first.
    shelves: Vec<Shelved>,
}

impl From<ShelfError> for ApiError {
    fn from(error: ShelfError) -> Self {
        let why = error.to_string();
        match error {
            ShelfError::Unknown(_) => Self::NotFound(why),
            ShelfError::Reason | ShelfError::Minutes(_) => Self::Unprocessable(why),
            ShelfError::Leaders => Self::Forbidden(why),
            ShelfError::NoSource(_) | ShelfError::Already(_) | ShelfError::NotShelved(_) => {
                Self::Conflict(why)
            }
            ShelfError::Db(error) => error.into(),
        }
    }
}

/// Alarm sources that are put aside now.
#[utoipa::path(get, path = "/api/v1/shelves", tag = "cases", responses((status = 200, body = ShelfList), Failures))]
pub(super) async fn shelves(State(app): State<App>, caller: Caller) -> Result<Json<ShelfList>, ApiError> {
    Ok(Json(ShelfList { shelves: shelf::list(&app.db, app.tenant().as_str(), &caller.0.user).await? }))
}

/// Put the source of a case aside for a while: what it tells meanwhile is counted, and rings nowhere. Something more severe
/// is told all the same.
#[utoipa::path(post, path = "/api/v1/cases/{number}/shelf", params(("number" = String, Path,)),
    request_body = ShelfRequest, tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn shelve(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    request: Result<Json<ShelfRequest>, JsonRejection>,
) -> Result<Json<CaseDetail>, ApiError> {
    allowed(&app, &caller, &number).await?;
    let Json(request) = request?;
    let by = By { user: &caller.0.user, grants: &caller.0.grants };
    let case = shelf::shelve(&app, &number, request.minutes, &request.reason, by).await?;
    shown(&app, &caller.0.user, &case).await
}

/// Take the source of a case back before its time.
#[utoipa::path(delete, path = "/api/v1/cases/{number}/shelf", params(("number" = String, Path,)), tag = "cases",
    responses((status = 200, body = CaseDetail),
    BadRequest, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn take_back(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
) -> Result<Json<CaseDetail>, ApiError> {
    allowed(&app, &caller, &number).await?;
    let case = shelf::take_back(&app, &number, By { user: &caller.0.user, grants: &caller.0.grants }).await?;
    shown(&app, &caller.0.user, &case).await
}

async fn allowed(app: &App, caller: &Caller, number: &str) -> Result<(), ApiError> {
    caller.must(Act::Shelve)?;
    match case::store::by_number(&app.db, app.tenant().as_str(), &caller.0.user, number).await? {
        Some(case) => caller.must_at(Act::Shelve, &case.area),
        None => Err(ApiError::NotFound(format!("there is no case {number}"))),
    }
}

async fn shown(app: &App, user: &str, case: &Case) -> Result<Json<CaseDetail>, ApiError> {
    app.changes.wake();
    detail(app, user, case, &Fields::default()).await
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `rules` reads it with errors that name the field")]
pub(super) struct PrecisionQuery {
    /// Cases opened since, in epoch ms; 30 days before `before` without it.
    from: Option<i64>,
    /// …and before; now without it.
    before: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PrecisionList {
    from: i64,
    before: i64,
    /// Those with most false alarms first; at most 1000.
    rules: Vec<RulePrecision>,
}

/// How often each rule of each camera was right, by what people found: false alarms (误报) against what was filed or
/// handled.
#[utoipa::path(get, path = "/api/v1/rules/precision", params(PrecisionQuery), tag = "cases", responses(
    (status = 200, body = PrecisionList), BadRequest, Failures))]
pub(super) async fn rules(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<PrecisionList>, ApiError> {
    let read = |name: &str| match fields.get(name) {
        "" => Ok(None),
        text => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| ApiError::Input(format!("{name}: {text:?} is not a time in epoch milliseconds"))),
    };
    let before = read("before")?.unwrap_or(app.clock.now().0);
    let from = read("from")?.unwrap_or(before.saturating_sub(DAYS * DAY_MS));
    let rules = precision::of_rules(&app.db, app.tenant().as_str(), &caller.0.user, (from, before)).await?;
    Ok(Json(PrecisionList { from, before, rules }))
}
