//! tus 1.0 over HTTP: core, creation, termination, expiration (<https://tus.io/protocols/resumable-upload>). Devices only.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{options, patch};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::limits::MAX_EVIDENCE_BYTES;
use protocol::{Origin, UtcMs};

use super::upload::{Announced, Standing, UploadError};
use crate::app::App;
use crate::device;
use crate::http::problem;

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const BASE: &str = "/api/v1/uploads";

pub fn router(app: App) -> Router {
    Router::new()
        .route(BASE, options(offer).post(create))
        .route(&format!("{BASE}/{{id}}"), patch(fill).head(stand).delete(abandon).options(offer))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(app)
}

/// Version and identity, before anything else; every answer names the version.
async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let mut response = if request.method() == axum::http::Method::OPTIONS {
        next.run(request).await
    } else if request.headers().get(&RESUMABLE) != Some(&VERSION) {
        let mut response = problem(StatusCode::PRECONDITION_FAILED, "the header Tus-Resumable must be 1.0.0");
        response.headers_mut().insert(HeaderName::from_static("tus-version"), VERSION);
        response
    } else {
        match device_of(&app, request.headers()).await {
            Ok(origin) => {
                request.extensions_mut().insert(origin);
                next.run(request).await
            }
            Err(response) => *response,
        }
    };
    response.headers_mut().insert(RESUMABLE, VERSION);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The device whose token the request carries.
pub async fn device_of(app: &App, headers: &HeaderMap) -> Result<Origin, Box<Response>> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let refuse = || {
        let text = "a device's token is needed: Authorization: Bearer …; enrol the box if it has none";
        Box::new(problem(StatusCode::UNAUTHORIZED, text))
    };
    match device::store::by_token(&app.db, token.ok_or_else(refuse)?).await {
        Ok(origin) => origin.ok_or_else(refuse),
        Err(error) => Err(Box::new(problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()))),
    }
}

async fn offer() -> Response {
    let headers = [
        ("tus-version", "1.0.0".to_owned()),
        ("tus-extension", "creation,termination,expiration".to_owned()),
        ("tus-max-size", MAX_EVIDENCE_BYTES.to_string()),
    ];
    (StatusCode::NO_CONTENT, headers.map(|(name, value)| (HeaderName::from_static(name), value)))
        .into_response()
}

async fn create(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<Response, UploadError> {
    let announced = announced(&headers)?;
    let standing = app.evidence.begin(&origin, &announced).await?;
    let location = format!("{BASE}/{}", standing.upload_id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], stand_headers(&standing)).into_response())
}

async fn stand(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
) -> Result<Response, UploadError> {
    let standing = app.evidence.standing(&origin, &id).await?;
    let length = [(LENGTH, HeaderValue::from(standing.size_bytes))];
    Ok((StatusCode::OK, length, stand_headers(&standing)).into_response())
}

async fn fill(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, UploadError> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|value| value != "application/offset+octet-stream") {
        return Ok(problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type must be application/offset+octet-stream",
        ));
    }
    let offset = number(&headers, &OFFSET)?;
    let standing = app.evidence.fill(&origin, &id, offset, body.into_data_stream()).await?;
    Ok((StatusCode::NO_CONTENT, stand_headers(&standing)).into_response())
}

async fn abandon(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
) -> Result<Response, UploadError> {
    app.evidence.abandon(&origin, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn stand_headers(standing: &Standing) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(OFFSET, HeaderValue::from(standing.offset_bytes));
    if let Ok(value) = HeaderValue::from_str(&http_date(standing.expires_at)) {
        headers.insert(EXPIRES, value);
    }
    headers
}

/// RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(at: UtcMs) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<i64, UploadError> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<i64>().ok())
        .filter(|value| *value >= 0)
        .ok_or_else(|| UploadError::Metadata(format!("the header {name} must be a number of bytes")))
}

fn announced(headers: &HeaderMap) -> Result<Announced, UploadError> {
    let size_bytes = number(headers, &LENGTH)? as u64;
    let text = headers.get(&METADATA).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = |key: &str| -> Result<String, UploadError> {
        let encoded =
            text.split(',').filter_map(|pair| pair.trim().split_once(' ')).find(|(name, _)| *name == key);
        encoded
            .and_then(|(_, value)| STANDARD.decode(value.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| UploadError::Metadata(format!("Upload-Metadata lacks {key} (base64)")))
    };
    let sha256 = value("sha256")?.parse().map_err(UploadError::Metadata)?;
    let kind = serde_json::from_value(serde_json::Value::String(value("kind")?))
        .map_err(|error| UploadError::Metadata(format!("Upload-Metadata kind: {error}")))?;
    Ok(Announced { sha256, kind, media_type: value("filetype")?, size_bytes })
}

impl IntoResponse for UploadError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Metadata(_) | Self::Overrun { .. } => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Quota { .. } | Self::Unfinished { .. } | Self::Daily { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Expired(_) => StatusCode::GONE,
            Self::Offset { .. } => StatusCode::CONFLICT,
            Self::Locked => StatusCode::LOCKED,
            // tus: checksum mismatch.
            Self::Mismatch { .. } => {
                StatusCode::from_u16(460).expect("460 is within the range of status codes")
            }
            Self::Io(_) | Self::Db(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::INSUFFICIENT_STORAGE].contains(&status) {
            tracing::warn!(error = %self, "an upload failed");
        }
        problem(status, &self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The date form that HTTP wants.
    #[test]
    fn dates_are_http_dates() {
        assert_eq!(http_date(UtcMs(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    /// Metadata is read as tus writes it; what is missing is named.
    #[test]
    fn metadata_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(LENGTH, HeaderValue::from(5));
        let hash = "ab".repeat(32);
        let text = format!(
            "kind {},sha256 {}, filetype {}",
            STANDARD.encode("clip"),
            STANDARD.encode(&hash),
            STANDARD.encode("video/mp4")
        );
        headers.insert(METADATA, text.parse().unwrap());
        let read = announced(&headers).unwrap();
        assert_eq!((read.sha256.as_str(), read.kind.as_str(), read.size_bytes), (hash.as_str(), "clip", 5));
        headers.insert(METADATA, "kind Y2xpcA==".parse().unwrap());
        assert_eq!(announced(&headers).unwrap_err().to_string(), "Upload-Metadata lacks sha256 (base64)");
        headers.remove(&LENGTH);
        assert!(announced(&headers).unwrap_err().to_string().contains("upload-length"));
    }
}
