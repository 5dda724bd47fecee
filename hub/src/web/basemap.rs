//! The base map's file, in parts, to whoever is logged in.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use protocol::Sha256Hex;

use super::error::PageError;
use super::guard::Viewer;
use crate::app::App;
use crate::basemap;
use crate::range::{self, RangeError};

/// `HASH.pmtiles`: what lies under a hash never changes, so the browser keeps what it has.
pub(super) async fn serve(
    State(app): State<App>,
    viewer: Viewer,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let missing = || PageError::NotFound.shown(&viewer);
    let hash: Option<Sha256Hex> = file.strip_suffix(basemap::ENDING).and_then(|hash| hash.parse().ok());
    let hash = hash.ok_or_else(missing)?;
    let found = basemap::find(&app.db, app.tenant().as_str(), &hash).await;
    let found = found.map_err(|error| PageError::from(error).shown(&viewer))?.ok_or_else(missing)?;
    let tag = format!("\"{hash}\"");
    let mut response =
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let opened = tokio::fs::File::open(basemap::path(&app, &hash)).await;
            // Of several hubs only those have it on whose machine it was imported, or to which it was copied.
            let opened = opened.map_err(|error| {
                tracing::warn!(%hash, %error, "a base map is known and its file is not here");
                missing()
            })?;
            let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
            let size = u64::try_from(found.size_bytes).unwrap_or(0);
            match range::send(opened, size, asked).await {
                Ok(response) => response,
                Err(RangeError::Outside(size)) => {
                    let whole =
                        HeaderValue::from_str(&format!("bytes */{size}")).expect("digits are a header value");
                    (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, whole)]).into_response()
                }
                Err(error @ RangeError::Io(_)) => {
                    return Err(PageError::Internal(error.to_string()).shown(&viewer));
                }
            }
        };
    let all = response.headers_mut();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.pmtiles"));
    all.insert(header::ETAG, HeaderValue::from_str(&tag).expect("a hash is a header value"));
    all.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    Ok(response)
}
