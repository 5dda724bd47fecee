//! The same envelope as over MQTT, for boxes and other systems that speak HTTP.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, header};
use protocol::{Envelope, Receipt};

use super::ApiError;
use super::answers::{BadRequest, Failures, TooLarge};
use crate::app::App;
use crate::device;
use crate::intake::SubmitError;

/// Hand in one message; the receipt comes after the hub's commit. The bearer token is a device's.
#[utoipa::path(post, path = "/api/v1/incidents", request_body = Envelope, tag = "devices", responses(
    (status = 200, body = Receipt),
    BadRequest, TooLarge, Failures))]
pub(super) async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    payload: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, ApiError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let origin = match token {
        Some(token) => device::store::by_token(&app.db, token).await?,
        None => None,
    };
    let origin = origin.ok_or(ApiError::Anonymous)?;
    let payload =
        payload.map_err(|rejection| ApiError::of_body(rejection.status(), rejection.body_text()))?;
    match app.intake.submit(&origin, payload).await {
        Ok(receipt) => Ok(Json(receipt)),
        Err(error @ SubmitError::NoId) => Err(ApiError::Input(error.to_string())),
        Err(error @ SubmitError::Busy) => Err(ApiError::Busy(error.to_string())),
    }
}
