//! Files, with ranges, and a row in the access register for each view.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::Sha256Hex;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadRequest, Failures, FileAnswers};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::evidence::Grant;
use crate::user::{self, Access, Act};
use crate::web::guard::Fields;

#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "describes the query")]
struct EvidenceQuery {
    /// Why; needed for recordings of calls, kept in the access register.
    purpose: Option<String>,
    /// `1` to save the file instead of showing it.
    download: Option<String>,
}

/// What a browser may be told a file is.
const KNOWN_TYPES: [&str; 4] = ["image/jpeg", "image/png", "video/mp4", "audio/wav"];

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
            let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
            send(file, size, range).await?
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

async fn send(mut file: tokio::fs::File, size: u64, range: Option<&str>) -> Result<Response, ApiError> {
    let Some(part) = range.map(|range| parse_range(range, size)) else {
        return Ok(whole(file, size));
    };
    let (first, last) = match part {
        Part::Whole => return Ok(whole(file, size)),
        Part::None => return Err(ApiError::Range(format!("the file has {size} bytes"))),
        Part::Bytes(first, last) => (first, last),
    };
    file.seek(SeekFrom::Start(first))
        .await
        .map_err(|error| ApiError::Internal(format!("seeking: {error}")))?;
    let length = last - first + 1;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), 64 * 1024));
    let range = format!("bytes {first}-{last}/{size}");
    let headers = [
        (header::CONTENT_RANGE, HeaderValue::from_str(&range).expect("digits are a header value")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    Ok((StatusCode::PARTIAL_CONTENT, headers, body).into_response())
}

fn whole(file: tokio::fs::File, size: u64) -> Response {
    let body = Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024));
    ([(header::CONTENT_LENGTH, HeaderValue::from(size))], body).into_response()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Not a range we understand: RFC 9110 says to send everything.
    Whole,
    /// First and last byte, both included.
    Bytes(u64, u64),
    /// Outside the file.
    None,
}

fn parse_range(text: &str, size: u64) -> Part {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')) else {
        return Part::Whole;
    };
    if last.contains(',') {
        return Part::Whole;
    }
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), _) if first >= size => Part::None,
        (Ok(first), Ok(last)) if last < first => Part::Whole,
        (Ok(first), Ok(last)) => Part::Bytes(first, last.min(size - 1)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Part::Bytes(first, size - 1),
        (Err(_), Ok(0)) if first.trim().is_empty() => Part::None,
        (Err(_), Ok(tail)) if first.trim().is_empty() && size > 0 => {
            Part::Bytes(size.saturating_sub(tail), size - 1)
        }
        _ => Part::Whole,
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Register {
    /// Newest first.
    accesses: Vec<Access>,
}

/// Who looked at a file, when and why.
#[utoipa::path(get, path = "/api/v1/evidence/{sha256}/register", params(("sha256" = String, Path, pattern = "^[0-9a-f]{64}$")),
    tag = "evidence", responses((status = 200, body = Register), BadRequest, Failures))]
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges by RFC 9110, including what players ask for first.
    #[test]
    fn ranges_by_table() {
        for (text, part) in [
            ("bytes=0-", Part::Bytes(0, 99)),
            ("bytes=0-1", Part::Bytes(0, 1)),
            ("bytes=90-200", Part::Bytes(90, 99)),
            ("bytes=-10", Part::Bytes(90, 99)),
            ("bytes=-200", Part::Bytes(0, 99)),
            ("bytes=100-", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("items=0-1", Part::Whole),
            ("bytes=a-b", Part::Whole),
        ] {
            assert_eq!(parse_range(text, 100), part, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Part::None);
    }
}
