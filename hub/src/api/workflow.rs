//! Reports by hand, and moves of cases: the same law and the same words as on the pages.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::cases::detail;
use super::guard::{Address, Caller};
use super::model::CaseDetail;
use crate::app::App;
use crate::case::report::{self, NewReport, ReportError};
use crate::notice::{self, Received};
use crate::user::Act;
use crate::web::guard::Fields;
use crate::web::text::Lang;
use crate::workflow::{self, Actor, Step, StepKind};

/// A move that begins where the case is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct MoveItem {
    #[serde(rename = "move")]
    kind: StepKind,
    /// What screens call it.
    name: &'static str,
    name_en: &'static str,
    allowed: bool,
    /// Why not, and who could; in Chinese and in English.
    why: Option<String>,
    why_en: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct MoveList {
    moves: Vec<MoveItem>,
}

/// What can be done with the case by whoever asks, and why not the rest.
#[utoipa::path(get, path = "/api/v1/cases/{number}/moves", params(("number" = String, Path,)), tag = "cases", responses(
    (status = 200, body = MoveList),
    BadRequest, NotFound, Failures))]
pub(super) async fn moves(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
) -> Result<Json<MoveList>, ApiError> {
    let tenant = app.tenant().as_str();
    let unknown = || ApiError::NotFound(format!("there is no case {number}"));
    let mut tx = app.db.begin_read().await?;
    let case = crate::case::store::visible_in(&mut tx, tenant, &caller.0.user, &number).await?;
    case.ok_or_else(unknown)?;
    let dossier = workflow::store::load(&mut tx, tenant, &number).await?.ok_or_else(unknown)?;
    let offers = dossier.offers(&Actor::user(&caller.0.user, &caller.0.grants)).into_iter();
    let moves = offers.map(|offer| MoveItem {
        kind: offer.step,
        name: offer.step.zh(),
        name_en: offer.step.en(),
        allowed: offer.refused.is_none(),
        why: offer.refused.as_ref().map(|refused| refused.text(Lang::Zh)),
        why_en: offer.refused.as_ref().map(|refused| refused.text(Lang::En)),
    });
    Ok(Json(MoveList { moves: moves.collect() }))
}

/// Make a move. What is refused says who could and what is missing, and changes nothing.
#[utoipa::path(post, path = "/api/v1/cases/{number}/moves", params(("number" = String, Path,)), request_body = Step,
    tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn step(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    step: Result<Json<Step>, JsonRejection>,
) -> Result<Json<CaseDetail>, ApiError> {
    let Json(step) = step?;
    let tenant = app.tenant().as_str();
    let (id, actor) = (app.new_id(), Actor::user(&caller.0.user, &caller.0.grants));
    let case = workflow::store::take(&app.db, tenant, &number, &step, &actor, app.step_with(&id)).await?;
    app.changes.wake();
    detail(&app, &case, &Fields::default()).await
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportRequest {
    /// What there is, in a few words.
    #[schema(min_length = 1, max_length = 80)]
    title: String,
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
    #[schema(min_length = 1, max_length = 200)]
    place: String,
    /// Id of the area in which it lies; without one, where whoever reports works.
    #[serde(default)]
    area: Option<String>,
    /// WGS84.
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
    /// `emergency`, `major`, `normal` or `notice`; normal without one.
    #[serde(default)]
    severity: Option<protocol::Severity>,
}

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Wrong(_) | ReportError::Area(_) => Self::Unprocessable(error.to_string()),
            ReportError::NotYours(_) => Self::Forbidden(error.to_string()),
            ReportError::Db(error) => error.into(),
        }
    }
}

/// Report a matter by hand. It is received at the level of whoever reports: a grid's by its manager, a centre's by the
/// county.
#[utoipa::path(post, path = "/api/v1/cases", request_body = ReportRequest, tag = "cases", responses(
    (status = 201, body = CaseDetail),
    BadBody, Forbidden, Failures))]
pub(super) async fn report(
    State(app): State<App>,
    caller: Caller,
    request: Result<Json<ReportRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<CaseDetail>), ApiError> {
    caller.must(Act::Report)?;
    let Json(request) = request?;
    let new = NewReport {
        title: request.title,
        text: request.text,
        place: request.place,
        area: request.area,
        at: request.latitude.zip(request.longitude),
        severity: request.severity.unwrap_or(protocol::Severity::Normal),
    };
    let case = report::report(&app, &new, &caller.0.user, &caller.0.grants).await?;
    app.changes.wake();
    Ok((StatusCode::CREATED, detail(&app, &case, &Fields::default()).await?))
}

#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "describes the query; `notices` reads it with errors that name the field")]
pub(super) struct NoticeQuery {
    /// `1`: only those that you have not read.
    unread: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct NoticeList {
    /// The newest first, at most 200.
    notices: Vec<Received>,
}

/// What you were told: deadlines, reminders, cards, emergencies that nobody has in hand.
#[utoipa::path(get, path = "/api/v1/notices", params(NoticeQuery), tag = "notices", responses(
    (status = 200, body = NoticeList), BadRequest, Failures))]
pub(super) async fn notices(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<NoticeList>, ApiError> {
    let unread = match fields.get("unread") {
        "" | "0" => false,
        "1" => true,
        other => return Err(ApiError::Input(format!("unread: {other:?} is neither 0 nor 1"))),
    };
    let tenant = app.tenant().as_str();
    Ok(Json(NoticeList { notices: notice::of_user(&app.db, tenant, &caller.0.user, unread, 200).await? }))
}

/// Say that you have read it.
#[utoipa::path(post, path = "/api/v1/notices/{id}/read", params(("id" = String, Path,)), tag = "notices", responses(
    (status = 204), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn read_notice(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
) -> Result<StatusCode, ApiError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    if notice::read(&app.db, tenant, &caller.0.user, &id, now).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::NotFound(format!("there is no notice {id} for you")))
}
