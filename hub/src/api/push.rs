//! The caller's own browsers that are told while no page is open. Addresses and keys come in and are never told again.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Failures, Forbidden, NotFound, NotSetUp};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::push::{self, Offer, PushError, Subscription};

/// A browser of the caller.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PushItem {
    /// The first 24 hexadecimal digits of the SHA-256 of its endpoint.
    id: String,
    /// Host of its push service.
    service: String,
    label: String,
    created_at: i64,
    last_success_at: Option<i64>,
    /// Messages in a row that its push service would not have.
    failures: i64,
}

impl From<&Subscription> for PushItem {
    fn from(one: &Subscription) -> Self {
        Self {
            id: one.push_id.clone(),
            service: one.service(),
            label: one.label.clone(),
            created_at: one.created_at_ms,
            last_success_at: one.last_success_at_ms,
            failures: one.failures,
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PushList {
    /// The newest first; 10 at most.
    subscriptions: Vec<PushItem>,
}

/// What `PushSubscription.toJSON()` gives, and a name for the browser.
#[derive(Clone, Deserialize, ToSchema)]
pub(super) struct PushRequest {
    /// `https://…` of the browser's push service.
    #[schema(max_length = 1024)]
    endpoint: String,
    keys: PushKeys,
    #[serde(default)]
    #[schema(max_length = 60)]
    label: String,
}

#[derive(Clone, Deserialize, ToSchema)]
pub(super) struct PushKeys {
    /// Public key of the browser: 65 bytes in base64url.
    p256dh: String,
    /// 16 bytes in base64url.
    auth: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PushKey {
    /// `applicationServerKey` of this hub, in base64url.
    key: String,
    /// Whether the hub's configuration has a channel to browsers.
    set_up: bool,
}

impl From<PushError> for ApiError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::NotSetUp => Self::Conflict(error.to_string()),
            PushError::Wrong(why) => Self::Unprocessable(why),
            PushError::Db(error) => error.into(),
        }
    }
}

/// The caller's browsers that are told.
#[utoipa::path(get, path = "/api/v1/me/push", tag = "me", responses((status = 200, body = PushList), Failures))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<PushList>, ApiError> {
    let all = push::of_user(&app.db, app.tenant().as_str(), &caller.0.user).await?;
    Ok(Json(PushList { subscriptions: all.iter().map(PushItem::from).collect() }))
}

/// Have a browser told. The same one again takes its newer keys; of more than 10 the oldest one leaves.
#[utoipa::path(post, path = "/api/v1/me/push", request_body = PushRequest, tag = "me", responses(
    (status = 201, body = PushItem), BadBody, Forbidden, NotSetUp, Failures))]
pub(super) async fn add(
    State(app): State<App>,
    caller: Caller,
    request: Result<Json<PushRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(request) = request?;
    let offer = Offer {
        endpoint: &request.endpoint,
        p256dh: &request.keys.p256dh,
        auth: &request.keys.auth,
        label: &request.label,
    };
    let made = push::add(&app, &caller.0.user, offer).await?;
    Ok((StatusCode::CREATED, Json(PushItem::from(&made))).into_response())
}

/// Have a browser told no more.
#[utoipa::path(delete, path = "/api/v1/me/push/{id}", params(("id" = String, Path,)), tag = "me", responses(
    (status = 204), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
) -> Result<StatusCode, ApiError> {
    if push::remove(&app.db, app.tenant().as_str(), &caller.0.user, &id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::NotFound("you have no such browser; GET /api/v1/me/push lists them".to_owned()))
}

/// To which key browsers subscribe.
#[utoipa::path(get, path = "/api/v1/me/push/key", tag = "me", responses((status = 200, body = PushKey), Failures))]
pub(super) async fn key(State(app): State<App>, _caller: Caller) -> Json<PushKey> {
    Json(PushKey { key: app.vapid.public(), set_up: push::is_set_up(&app) })
}
