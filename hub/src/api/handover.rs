//! 交接班: what shifts have left to one another.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::handover::{self, Handover, HandoverError, NewHandover, Snapshot};
use crate::organisation::{self, AreaPath};
use crate::user::{Act, Session};

/// What a shift left, and who took it over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct HandoverItem {
    id: String,
    /// Path of the area whose shift it was.
    area: String,
    from: i64,
    /// When it was given.
    to: i64,
    given_by: String,
    note: String,
    /// As it stood then.
    snapshot: Snapshot,
    /// Of the next shift; nobody yet without one.
    taken_by: Option<String>,
    taken_at: Option<i64>,
}

impl HandoverItem {
    fn of(one: Handover, session: &Session) -> Self {
        Self {
            snapshot: one.snapshot_for(session),
            id: one.handover_id,
            area: one.area,
            from: one.from_ms,
            to: one.to_ms,
            given_by: one.given_by,
            note: one.note,
            taken_by: one.taken_by,
            taken_at: one.taken_at_ms,
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct HandoverList {
    /// The newest first; 100 at most.
    handovers: Vec<HandoverItem>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandoverRequest {
    /// Small letters, digits and dashes; the same one sent twice is one handover. The hub makes one where there is none.
    #[serde(default)]
    #[schema(max_length = 64)]
    id: Option<String>,
    /// Id of the area whose shift it is; without one the widest of the caller's.
    #[serde(default)]
    area: Option<String>,
    /// When the shift began, within the last 48 hours; without it where the last handover ended, or the turn of the roster
    /// began.
    #[serde(default)]
    from: Option<i64>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: String,
}

impl From<HandoverError> for ApiError {
    fn from(error: HandoverError) -> Self {
        match error {
            HandoverError::Unknown(_) => Self::NotFound(error.to_string()),
            HandoverError::Area(_) | HandoverError::From | HandoverError::Note | HandoverError::Id => {
                Self::Unprocessable(error.to_string())
            }
            HandoverError::Own => Self::Forbidden(error.to_string()),
            HandoverError::Taken { .. } => Self::Conflict(error.to_string()),
            HandoverError::Db(error) => error.into(),
        }
    }
}

/// Handovers of the areas for which the caller hands over.
#[utoipa::path(get, path = "/api/v1/handovers", tag = "handovers", responses(
    (status = 200, body = HandoverList), Forbidden, Failures))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<HandoverList>, ApiError> {
    caller.must(Act::HandOver)?;
    let all = handover::list(&app, &caller.0).await?;
    let item = |one| HandoverItem::of(one, &caller.0);
    Ok(Json(HandoverList { handovers: all.into_iter().map(item).collect() }))
}

/// Close a shift with what it leaves open.
#[utoipa::path(post, path = "/api/v1/handovers", request_body = HandoverRequest, tag = "handovers", responses(
    (status = 201, body = HandoverItem), BadBody, Forbidden, Failures))]
pub(super) async fn give(
    State(app): State<App>,
    caller: Caller,
    request: Result<Json<HandoverRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<HandoverItem>), ApiError> {
    caller.must(Act::HandOver)?;
    let Json(request) = request?;
    let area = match &request.area {
        None => handover::areas(&caller.0).into_iter().next().unwrap_or_default(),
        Some(id) => {
            let known = organisation::store::area(&app.db, app.tenant().as_str(), id).await?;
            let known = known.ok_or_else(|| HandoverError::Area(id.chars().take(64).collect()))?;
            AreaPath::kept(known.path)
        }
    };
    let from = match request.from {
        Some(at) => UtcMs(at),
        None => handover::draft(&app, &caller.0, &area).await?.from,
    };
    let id = request.id.unwrap_or_else(|| app.new_id());
    let new = NewHandover { id: &id, area: &area, from, note: &request.note };
    let given = handover::give(&app, &caller.0, &new).await?;
    Ok((StatusCode::CREATED, Json(HandoverItem::of(given, &caller.0))))
}

/// Take a shift over; who gave it cannot.
#[utoipa::path(post, path = "/api/v1/handovers/{id}/take", params(("id" = String, Path,)), tag = "handovers", responses(
    (status = 200, body = HandoverItem), BadRequest, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn take(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
) -> Result<Json<HandoverItem>, ApiError> {
    caller.must(Act::HandOver)?;
    let taken = handover::take(&app, &caller.0, &id).await?;
    Ok(Json(HandoverItem::of(taken, &caller.0)))
}
