//! The platform above: tickets in, progress and results out. It shows a key of its own, which is nobody's session.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures};
use super::guard::Address;
use crate::app::App;
use crate::http::problem;
use crate::platform::{self, Given, Progress, ProgressError, Taken, TicketError};
use crate::web::guard::Fields;

/// Whose key was shown.
pub(super) struct Platform(String);

impl FromRequestParts<App> for Platform {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let key = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let found = match key {
            Some(key) => platform::platform_of(app, key).await,
            None => Ok(None),
        };
        match found {
            Ok(Some(platform)) => Ok(Self(platform)),
            Ok(None) => {
                let why = "show the key of a platform: `Authorization: Bearer KEY`, made by `hub platform key add NAME`";
                Err(problem(StatusCode::UNAUTHORIZED, why))
            }
            Err(error) => Err(ApiError::from(error).into_response()),
        }
    }
}

impl From<TicketError> for ApiError {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::Wrong(why) => Self::Unprocessable(why),
            TicketError::Conflict(..) => Self::Conflict(error.to_string()),
            TicketError::Step(error) => error.into(),
            TicketError::Db(error) => error.into(),
        }
    }
}

impl From<ProgressError> for ApiError {
    fn from(error: ProgressError) -> Self {
        match error {
            ProgressError::Position(..) => Self::Input(error.to_string()),
            ProgressError::Db(error) => error.into(),
        }
    }
}

/// Send a ticket, or a later revision of one, whole. The id is the platform's own. What is sent again, or late, changes
/// nothing.
#[utoipa::path(put, path = "/api/v1/platform/tickets/{ticket}", params(("ticket" = String, Path,)), request_body = Given,
    tag = "platform", security(("platform" = [])), responses(
    (status = 200, description = "The ticket was known.", body = Taken),
    (status = 201, description = "The ticket is a new case.", body = Taken),
    BadBody, Conflict, Failures))]
pub(super) async fn put(
    State(app): State<App>,
    Platform(platform): Platform,
    Address(ticket): Address<String>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<Taken>), ApiError> {
    let Json(body) = body?;
    let (given, hash) = Given::read(body)?;
    let taken = platform::take(&app, &platform, &ticket, (&given, &hash)).await?;
    let status = if taken.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(taken)))
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `progress` reads it with errors that name the field")]
struct ProgressQuery {
    /// The newest position that the platform has; what was confirmed when absent.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// At most this many; 100 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ProgressList {
    /// In the order of their positions.
    progress: Vec<Progress>,
    /// The newest position there is; 0 before any.
    newest: i64,
    /// How far the platform has confirmed.
    acked: i64,
}

/// What happened to the platform's tickets since a position.
#[utoipa::path(get, path = "/api/v1/platform/progress", params(ProgressQuery), tag = "platform",
    security(("platform" = [])), responses((status = 200, body = ProgressList), BadRequest, Failures))]
pub(super) async fn progress(
    State(app): State<App>,
    Platform(platform): Platform,
    fields: Fields,
) -> Result<Json<ProgressList>, ApiError> {
    let read = |name: &str| match fields.get(name) {
        "" => Ok(None),
        text => text.parse::<i64>().map(Some).map_err(|error| ApiError::Input(format!("{name}: {error}"))),
    };
    let (after, limit) = (read("after")?, read("limit")?.unwrap_or(100));
    if !(1..=platform::MOST).contains(&limit) {
        return Err(ApiError::Input(format!("limit: {limit} is not between 1 and {}", platform::MOST)));
    }
    let (progress, newest, acked) = platform::after(&app, &platform, after, limit).await?;
    Ok(Json(ProgressList { progress, newest, acked }))
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ack {
    /// Everything up to here is kept by the platform.
    #[schema(minimum = 0)]
    position: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Acked {
    /// How far it has confirmed now; a lower position than before changes nothing.
    acked: i64,
}

/// Confirm progress.
#[utoipa::path(post, path = "/api/v1/platform/progress/ack", request_body = Ack, tag = "platform",
    security(("platform" = [])), responses((status = 200, body = Acked), BadBody, Failures))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    Platform(platform): Platform,
    body: Result<Json<Ack>, JsonRejection>,
) -> Result<Json<Acked>, ApiError> {
    let Json(ack) = body?;
    Ok(Json(Acked { acked: platform::acknowledge(&app, &platform, ack.position).await? }))
}
