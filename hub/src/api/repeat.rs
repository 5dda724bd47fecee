//! A request that may come twice: its `Idempotency-Key`, and when the sender's clock says that it sends.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::ApiError;
use crate::app::App;
use crate::field::repeat::Key;
use crate::field::written::Written;

/// What a request says of itself beside its body.
#[derive(Clone, Debug)]
pub(super) struct Came {
    /// As it stands in the header.
    key: Option<String>,
    /// What is asked for: a key stands for one thing.
    of: String,
    /// Epoch milliseconds by the sender's clock. Not in the body: it differs each time the same is sent.
    sent_at: Option<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Came {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
        let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.0.path());
        let sent_at = text("x-sent-at").map(|text| text.trim().parse::<i64>()).transpose();
        let sent_at =
            sent_at.map_err(|_| ApiError::Input("X-Sent-At: write epoch milliseconds".to_owned()))?;
        Ok(Self { key: text("idempotency-key"), of: format!("{} {path}", parts.method), sent_at })
    }
}

impl Came {
    /// The key of this user for this body.
    pub(super) fn key(&self, user: &str, body: &[u8]) -> Result<Option<Key>, ApiError> {
        let key = self.key.as_deref().map(|text| Key::new(text, &self.of, user, body)).transpose();
        key.map_err(|odd| ApiError::Input(odd.to_string()))
    }

    pub(super) fn written(&self, occurred_at: Option<i64>) -> Result<Written, ApiError> {
        let written = Written { occurred_at, sent_at: self.sent_at };
        written.wrong().map_or(Ok(written), |why| Err(ApiError::Unprocessable(why.to_owned())))
    }
}

/// A body of JSON, with its bytes: the same bytes are the same request.
#[derive(Clone, Debug)]
pub(super) struct Repeatable<T> {
    pub(super) body: T,
    pub(super) bytes: Bytes,
    pub(super) came: Came,
}

impl<T: DeserializeOwned> FromRequest<App> for Repeatable<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let came = Came::from_request_parts(&mut parts, app).await?;
        let again = parts.clone();
        let bytes = Bytes::from_request(Request::from_parts(parts, body), app).await;
        let bytes =
            bytes.map_err(|rejection| ApiError::of_body(rejection.status(), rejection.body_text()))?;
        let request = Request::from_parts(again, Body::from(bytes.clone()));
        let Json(body) = Json::<T>::from_request(request, app).await.map_err(ApiError::from)?;
        Ok(Self { body, bytes, came })
    }
}
