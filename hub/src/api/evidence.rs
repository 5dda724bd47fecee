//! Files, with ranges, and a row in the access register for each view.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::Sha256Hex;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadRequest, Failures, FileAnswers, NotFound};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::evidence::Grant;
use crate::range::{self, RangeError};
use crate::user::{self, Access, Act};
use crate::web::guard::Fields;

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
struct EvidenceQuery {
    /// Why; needed for recordings of calls, kept in the access register.
    purpose: Option<String>,
    /// `1` to save the file instead of showing it.
    download: Option<String>,
}

/// What a browser may be told a file is.
const KNOWN_TYPES: [&str; 5] = ["image/jpeg", "image/png", "image/webp", "video/mp4", "audio/wav"];

/// One file as evidence of one case. Understands `Range`; writes a row in the access register.
#[utoipa::path(get, path = "/api/v1/cases/{number}/evidence/{sha256}",
    params(("number" = String, Path,), ("sha256" = String, Path, pattern = "^[0-9a-f]{64}$"), EvidenceQuery), tag = "evidence", responses(FileAnswers, Failures))]
pub(super) async fn of_case(
    State(app): State<App>,
    caller: Caller,
    Address((number, sha256)): Address<(String, String)>,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, &caller, &sha256, Some(&number), &fields, &headers).await
}

/// One file by its content alone: the answer to a request about no case, or a file that only one case may show.
#[utoipa::path(get, path = "/api/v1/evidence/{sha256}", params(("sha256" = String, Path, pattern = "^[0-9a-f]{64}$"), EvidenceQuery),
    tag = "evidence", responses(FileAnswers, Failures))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Address(sha256): Address<String>,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, &caller, &sha256, None, &fields, &headers).await
}

/// What lets the file be shown. A recording that several cases may show needs its case named: the register says
/// whose call was heard.
fn choose(mut grants: Vec<Grant>) -> Result<Grant, ApiError> {
    let recording = grants.iter().any(|grant| grant.kind == "recording");
    let mut cases: Vec<&str> = grants.iter().filter_map(|grant| grant.case_number.as_deref()).collect();
    cases.dedup();
    if recording && cases.len() > 1 {
        return Err(ApiError::Unprocessable(format!(
            "the cases {} have equal recordings; ask with the case: /api/v1/cases/NUMBER/evidence/SHA256",
            cases.join(", ")
        )));
    }
    if grants.is_empty() {
        return Err(ApiError::NotFound(
            "this file is not here: not uploaded yet, not released for this case, or not of this tenant"
                .to_owned(),
        ));
    }
    // A recording wants its purpose whatever else has the same bytes.
    let at = grants.iter().position(|grant| grant.kind == "recording").unwrap_or(0);
    Ok(grants.swap_remove(at))
}

async fn serve(
    app: &App,
    caller: &Caller,
    sha256: &str,
    case_number: Option<&str>,
    fields: &Fields,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let sha256: Sha256Hex = sha256.parse().map_err(ApiError::Input)?;
    let stored = choose(app.evidence.grants(app.tenant(), &sha256, case_number, &caller.0.user).await?)?;
    let path = app.evidence.path(app.tenant(), &sha256);
    let purpose = fields.get("purpose").trim();
    let recording = stored.kind == "recording";
    if recording {
        caller.must(Act::Recording)?;
        caller.must_at(Act::Recording, &stored.area)?;
        if purpose.is_empty() {
            return Err(ApiError::Unprocessable(
                "a recording needs ?purpose=: it goes into the register".to_owned(),
            ));
        }
    }
    let download = fields.get("download") == "1";
    let now = app.clock.now();
    let access = Access {
        at_ms: now.0,
        user_name: caller.0.user.clone(),
        sha256: sha256.to_string(),
        kind: stored.kind.clone(),
        act: if download {
            "download"
        } else if recording {
            "listen"
        } else {
            "view"
        }
        .to_owned(),
        purpose: purpose.chars().take(200).collect(),
        case_number: stored.case_number.clone(),
        call_id: stored.call_id.clone(),
    };
    user::register(&app.db, app.tenant().as_str(), &app.chance, now, &access).await?;

    let tag = format!("\"{sha256}\"");
    let mut response =
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let size = u64::try_from(stored.size_bytes).unwrap_or(0);
            let file = tokio::fs::File::open(&path)
                .await
                .map_err(|error| ApiError::Internal(format!("opening {}: {error}", path.display())))?;
            let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
            range::send(file, size, asked).await?
        };
    let all = response.headers_mut();
    let kind = KNOWN_TYPES.into_iter().find(|known| *known == stored.media_type);
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.unwrap_or("application/octet-stream")));
    all.insert(header::ETAG, HeaderValue::from_str(&tag).expect("a hash is a header value"));
    all.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Kept by this browser only, and asked for again each time: every view passes the register.
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    all.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    all.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if download {
        let end = kind.and_then(|kind| kind.split('/').nth(1)).unwrap_or("bin");
        let end = if end == "jpeg" { "jpg" } else { end };
        let name = format!("attachment; filename=\"{}-{}.{end}\"", stored.kind, &sha256.as_str()[..12]);
        if let Ok(value) = HeaderValue::from_str(&name) {
            all.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    Ok(response)
}

impl From<RangeError> for ApiError {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Outside(_) => Self::Range(error.to_string()),
            RangeError::Io(_) => Self::Internal(error.to_string()),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Register {
    /// Newest first.
    accesses: Vec<Access>,
}

/// Who looked at a file, when and why.
#[utoipa::path(get, path = "/api/v1/evidence/{sha256}/register", params(("sha256" = String, Path, pattern = "^[0-9a-f]{64}$")),
    tag = "evidence", responses((status = 200, body = Register), BadRequest, NotFound, Failures))]
pub(super) async fn register(
    State(app): State<App>,
    caller: Caller,
    Address(sha256): Address<String>,
) -> Result<Json<Register>, ApiError> {
    caller.must(Act::SeeCases)?;
    let sha256: Sha256Hex = sha256.parse().map_err(ApiError::Input)?;
    let seen = app.evidence.grants(app.tenant(), &sha256, None, &caller.0.user).await?;
    if seen.is_empty() {
        return Err(ApiError::NotFound("no file of this hash is yours to see".to_owned()));
    }
    let accesses = user::register_of(&app.db, app.tenant().as_str(), sha256.as_str()).await?;
    Ok(Json(Register { accesses }))
}
