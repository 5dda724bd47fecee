//! One area, unit or turn of a roster, as administrators change it.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller, path_of};
use crate::app::App;
use crate::organisation::duty::Post;
use crate::organisation::edit::{self, AreaNames, EditError, NewTurn, Planned, UnitWords};
use crate::organisation::{AreaPath, store};
use crate::web::guard::Fields;

/// What is listed where nothing else is asked: two weeks from now on.
const SPAN_MS: i64 = 14 * 86_400_000;
/// Longest time of one list.
const MOST_MS: i64 = 92 * 86_400_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaWords {
    /// 1 to 60 characters, in one line.
    name: String,
    /// The Chinese one where there is none.
    #[serde(default)]
    name_en: String,
    /// Limits are longer there, where the policy says so.
    #[serde(default)]
    rural: bool,
}

/// What an area is called. Its place and its id stay: cases and people are bound to them.
#[utoipa::path(put, path = "/api/v1/areas/{id}", params(("id" = String, Path,)), request_body = AreaWords,
    tag = "administration", responses((status = 204), BadBody, Forbidden, NotFound, Failures))]
pub(super) async fn area(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
    request: Result<Json<AreaWords>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let by = caller.changes(&app)?;
    let Json(words) = request?;
    let names = AreaNames { zh: &words.name, en: &words.name_en, rural: words.rural };
    edit::area(&app, &by, &id, names).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitChange {
    /// 1 to 60 characters, in one line.
    name: String,
    /// The Chinese one where there is none.
    #[serde(default)]
    name_en: String,
    /// Id of the area where it works; nothing is everywhere.
    #[serde(default)]
    area: String,
    /// Nothing is dispatched to one that is not.
    active: bool,
}

/// What a unit is called, where it works, and whether it does.
#[utoipa::path(put, path = "/api/v1/units/{id}", params(("id" = String, Path,)), request_body = UnitChange,
    tag = "administration", responses((status = 204), BadBody, Forbidden, NotFound, Failures))]
pub(super) async fn unit(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
    request: Result<Json<UnitChange>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let by = caller.changes(&app)?;
    let Json(words) = request?;
    store::seed_units(&app.db, app.tenant().as_str()).await?;
    let change =
        UnitWords { zh: &words.name, en: &words.name_en, area: words.area.trim(), active: words.active };
    edit::unit(&app, &by, &id, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
pub(super) struct TurnsQuery {
    /// Epoch ms; now without it.
    from: Option<i64>,
    /// Epoch ms, 92 days later at most; two weeks later without it.
    to: Option<i64>,
}

/// A turn of the roster.
#[derive(Serialize, ToSchema)]
pub(super) struct TurnItem {
    id: String,
    user: String,
    /// `duty` or `leader`.
    post: String,
    /// As `/county/town/`; `/` is everywhere.
    area: String,
    from_ms: i64,
    to_ms: i64,
}

impl From<Planned> for TurnItem {
    fn from(turn: Planned) -> Self {
        Self {
            id: turn.duty_id,
            user: turn.user_name,
            post: turn.post,
            area: turn.area,
            from_ms: turn.from_ms,
            to_ms: turn.to_ms,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct TurnList {
    /// By their beginning.
    turns: Vec<TurnItem>,
}

/// Turns that lie in a time, even in part: those of one's area, and those of an area around it.
#[utoipa::path(get, path = "/api/v1/turns", params(TurnsQuery), tag = "administration", responses(
    (status = 200, body = TurnList), BadRequest, Forbidden, Failures))]
pub(super) async fn turns(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<TurnList>, ApiError> {
    let by = caller.looks(&app)?;
    let moment = |name: &str, usual: UtcMs| match fields.get(name) {
        "" => Ok(usual),
        text => text.parse().map(UtcMs).map_err(|_| ApiError::Input(format!("{name}: epoch milliseconds"))),
    };
    let from = moment("from", by.at)?;
    let to = moment("to", UtcMs(from.0.saturating_add(SPAN_MS)))?;
    if !(1..=MOST_MS).contains(&to.0.saturating_sub(from.0)) {
        return Err(ApiError::Input("to: after from, and 92 days later at most".to_owned()));
    }
    let meets = |turn: &Planned| {
        let area = AreaPath::kept(turn.area.clone());
        by.reaches(&area) || by.areas().iter().any(|own| area.covers(own))
    };
    let all = edit::planned(&app, (from, to)).await?;
    Ok(Json(TurnList { turns: all.into_iter().filter(meets).map(TurnItem::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTurnItem {
    user: String,
    /// `duty` or `leader`.
    post: String,
    /// The area's id, or its path; nothing is everywhere.
    #[serde(default)]
    area: String,
    from_ms: i64,
    /// Within a week of its beginning.
    to_ms: i64,
}

/// Plan one more turn. The same turn twice is refused.
#[utoipa::path(post, path = "/api/v1/turns", request_body = NewTurnItem, tag = "administration", responses(
    (status = 204), BadBody, Forbidden, Conflict, Failures))]
pub(super) async fn add_turn(
    State(app): State<App>,
    caller: Caller,
    request: Result<Json<NewTurnItem>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let by = caller.changes(&app)?;
    let Json(new) = request?;
    let post = Post::ALL.into_iter().find(|post| post.as_str() == new.post);
    let post = post.ok_or_else(|| ApiError::Unprocessable("post: duty or leader".to_owned()))?;
    let area = path_of(&app, &new.area).await?;
    let (from, to) = (UtcMs(new.from_ms), UtcMs(new.to_ms));
    edit::add_turn(&app, &by, NewTurn { user: &new.user, post, area: &area, from, to }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a turn back.
#[utoipa::path(delete, path = "/api/v1/turns/{id}", params(("id" = String, Path,)), tag = "administration",
    responses((status = 204), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn remove_turn(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
) -> Result<StatusCode, ApiError> {
    let by = caller.changes(&app)?;
    edit::remove_turn(&app, &by, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Unknown => Self::NotFound(error.to_string()),
            EditError::Outside => Self::Forbidden(error.to_string()),
            EditError::Twice => Self::Conflict(error.to_string()),
            EditError::Name | EditError::Area(_) | EditError::User(_) | EditError::Turn => {
                Self::Unprocessable(error.to_string())
            }
            EditError::Db(error) => error.into(),
        }
    }
}
