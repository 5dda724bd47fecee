//! Reports by hand, and moves of cases: the same law and the same words as on the pages.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::cases::detail;
use super::guard::{Address, Caller};
use super::model::CaseDetail;
use super::repeat::Repeatable;
use crate::app::App;
use crate::case::report::{Enclosed, NewReport, ReportError};
use crate::category::likely::{self, Likely};
use crate::contact::Reporter;
use crate::field::{self, Coming, NotMoved, NotReported};
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
    /// What it is likely to be filed under, while it is received.
    category: Option<Suggested>,
    /// To whom it is likely to go, while it is filed.
    unit: Option<Suggested>,
}

/// Offered, for people to decide.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Suggested {
    id: String,
    name: String,
    name_en: String,
    /// In Chinese and in English.
    why: String,
    why_en: String,
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
    let case = case.ok_or_else(unknown)?;
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
    let moves = moves.collect();
    drop(tx);
    let (category, unit) = likely::of_case(&app, &case, &dossier).await?;
    Ok(Json(MoveList { moves, category: category.map(Into::into), unit: unit.map(Into::into) }))
}

impl From<Likely> for Suggested {
    fn from(likely: Likely) -> Self {
        let Likely { id, zh, en, why_zh, why_en } = likely;
        Self { id, name: zh, name_en: en, why: why_zh, why_en }
    }
}

/// A move, and what comes with it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct MoveRequest {
    #[serde(flatten)]
    step: Step,
    /// Pictures of yours, by their ids; with `handle_here`, `progress`, `finish_part`, `report`, `check` and `rework`. A
    /// rework needs one, unless the field check brought one.
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<String>,
    /// The position of the case's history at which it was written: where somebody has moved the case since, it is refused.
    #[serde(default)]
    position: Option<i64>,
    /// When it was written, epoch ms by the sender's clock. Limits run by the hub's.
    #[serde(default)]
    occurred_at: Option<i64>,
}

/// Make a move. What is refused says who could and what is missing, and changes nothing.
#[utoipa::path(post, path = "/api/v1/cases/{number}/moves", params(("number" = String, Path,),
    ("Idempotency-Key" = Option<String>, Header, description = "A UUID: the same move under it is made once."),
    ("X-Sent-At" = Option<i64>, Header, description = "When it is sent, epoch ms by the sender's clock.")),
    request_body = MoveRequest, tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn step(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    request: Result<Repeatable<MoveRequest>, ApiError>,
) -> Result<Json<CaseDetail>, ApiError> {
    let Repeatable { body: MoveRequest { step, attachments, position, occurred_at }, bytes, came } = request?;
    let user = &caller.0.user;
    let coming = Coming { key: came.key(user, &bytes)?, written: came.written(occurred_at)?, position };
    let case = field::step(&app, &number, &step, (user, &caller.0.grants), &attachments, &coming).await?;
    app.changes.wake();
    detail(&app, user, &case, &Fields::default()).await
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
    /// 保密: nothing of it but its number, its state and its dates leaves the platform.
    #[serde(default)]
    confidential: bool,
    /// Of a complaint: id of the unit that it is about. Of a confidential one, its people are not told who reported it.
    #[serde(default)]
    complained_of: Option<String>,
    /// Who reported it. Kept sealed and for a time only; told by `POST /api/v1/cases/{number}/contact` alone.
    #[serde(default)]
    contact: Option<Reporter>,
    /// Pictures of yours, by their ids.
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<String>,
    /// When it was written, epoch ms by the sender's clock. Limits run by the hub's.
    #[serde(default)]
    occurred_at: Option<i64>,
}

impl From<NotReported> for ApiError {
    fn from(error: NotReported) -> Self {
        match error {
            NotReported::Reused(reused) => reused.into(),
            NotReported::Gone(_) => Self::Both(StatusCode::CONFLICT, DONE_ZH.to_owned(), error.to_string()),
            NotReported::Report(error) => error.into(),
        }
    }
}

impl From<NotMoved> for ApiError {
    fn from(error: NotMoved) -> Self {
        match error {
            NotMoved::Reused(reused) => reused.into(),
            NotMoved::GoneOn(_) => {
                Self::Both(StatusCode::CONFLICT, MOVED_ON_ZH.to_owned(), error.to_string())
            }
            NotMoved::Gone(_) => Self::Both(StatusCode::CONFLICT, DONE_ZH.to_owned(), error.to_string()),
            NotMoved::Step(error) => error.into(),
        }
    }
}

const DONE_ZH: &str = "这一条早先已经收到并办成；案件现在不在您能看到的范围内。";
const MOVED_ON_ZH: &str = "您填写之后，案件已有变化。请看变化后再决定。";

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Wrong(_) | ReportError::Area(_) | ReportError::Unit(_) => {
                Self::Unprocessable(error.to_string())
            }
            ReportError::NotYours(_) => Self::Both(
                StatusCode::FORBIDDEN,
                "这个位置不在您的区域内；请选择所属网格，或不用位置。".to_owned(),
                error.to_string(),
            ),
            ReportError::Db(error) => error.into(),
        }
    }
}

/// Report a matter by hand. It is received at the level of whoever reports: a grid's by its manager, a centre's by the
/// county.
#[utoipa::path(post, path = "/api/v1/cases", params(
    ("Idempotency-Key" = Option<String>, Header, description = "A UUID: the same report under it is one case."),
    ("X-Sent-At" = Option<i64>, Header, description = "When it is sent, epoch ms by the sender's clock.")),
    request_body = ReportRequest, tag = "cases", responses(
    (status = 201, body = CaseDetail),
    BadBody, Forbidden, Failures))]
pub(super) async fn report(
    State(app): State<App>,
    caller: Caller,
    request: Result<Repeatable<ReportRequest>, ApiError>,
) -> Result<(StatusCode, Json<CaseDetail>), ApiError> {
    caller.must(Act::Report)?;
    let Repeatable { body: request, bytes, came } = request?;
    let user = &caller.0.user;
    let coming =
        Coming { key: came.key(user, &bytes)?, written: came.written(request.occurred_at)?, position: None };
    let new = NewReport {
        title: request.title,
        text: request.text,
        place: request.place,
        area: request.area,
        at: request.latitude.zip(request.longitude),
        severity: request.severity.unwrap_or(protocol::Severity::Normal),
        confidential: request.confidential,
    };
    let with = Enclosed {
        reporter: request.contact.unwrap_or_default(),
        complained_of: request.complained_of,
        attachments: request.attachments,
    };
    let case = field::report(&app, &new, &with, (user, &caller.0.grants), &coming).await?;
    app.changes.wake();
    Ok((StatusCode::CREATED, detail(&app, user, &case, &Fields::default()).await?))
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
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
