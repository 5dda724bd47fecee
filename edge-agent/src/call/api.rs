//! `PUT /v1/calls/{uuid}`: the exchange tells who is on a connection, before its audio starts, while it runs, or after
//! its call was filed.
//! `POST` does the same, so that Asterisk's own `CURL()` can send it: no shell ever sees a caller's name.
//! `POST /v1/recordings` takes a recording as a finished call.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use protocol::{CallId, Direction, Leg, UtcMs};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::registry::Announcement;
use super::words::MAX_FIELD;
use super::{CallTap, caller, inbox, lock, registry};

/// Of one word about a call.
const MAX_BODY_BYTES: usize = 4 * 1_024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// The call both legs belong to; unset = this UUID is the call.
    #[serde(default, deserialize_with = "filled")]
    call_id: Option<CallId>,
    #[serde(default, deserialize_with = "filled")]
    leg: Option<Leg>,
    /// Kept masked, `138****1234`, and sealed for the hub.
    #[serde(default, deserialize_with = "filled")]
    caller: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    seat: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    direction: Option<Direction>,
}

/// A dial plan fills its words from variables that may be empty: an empty word is none.
fn filled<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let word: Option<String> = Option::deserialize(deserializer)?;
    let word = word.as_deref().map(str::trim).filter(|word| !word.is_empty());
    word.map(|word| T::deserialize(word.into_deserializer())).transpose()
}

/// A call in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveCall {
    pub call_id: CallId,
    pub caller_masked: Option<String>,
    pub seat: Option<String>,
    pub legs: Vec<ActiveLeg>,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveLeg {
    pub uuid: Uuid,
    pub leg: Leg,
    pub connected: bool,
}

#[derive(Serialize)]
struct ActiveCalls {
    calls: Vec<ActiveCall>,
    at: UtcMs,
}

/// The routes; whoever serves them must give `ConnectInfo<SocketAddr>`.
pub(super) fn router(tap: Arc<CallTap>) -> Router {
    Router::new()
        .route("/v1/calls", get(list))
        .route("/v1/calls/{uuid}", put(announce).post(announce))
        .route("/v1/recordings", post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(tap)
}

fn refuse(status: StatusCode, words: impl std::fmt::Display) -> Response {
    (status, Json(serde_json::json!({ "error": words.to_string() }))).into_response()
}

/// The answer to those who may not speak here.
fn turned_away(tap: &CallTap, peer: IpAddr) -> Option<Response> {
    let words = || format!("{peer} is not among calls.peers");
    (!tap.config.admits(peer)).then(|| refuse(StatusCode::FORBIDDEN, words()))
}

async fn list(State(tap): State<Arc<CallTap>>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    if let Some(answer) = turned_away(&tap, peer.ip()) {
        return answer;
    }
    Json(ActiveCalls { calls: tap.active_calls(), at: tap.clock.now() }).into_response()
}

async fn announce(
    State(tap): State<Arc<CallTap>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(uuid): Path<String>,
    request: Request,
) -> Response {
    let answer = answer(&tap, peer, &uuid, request).await;
    if answer.status().is_client_error() {
        tap.counters.words_refused.fetch_add(1, Ordering::Relaxed);
        // Not what was said: it may be a citizen's number or name. The answer tells it to who said it.
        let status = answer.status().as_u16();
        tracing::warn!(%peer, status, "a word of the exchange about a call was refused; its answer says why");
    }
    answer
}

async fn answer(tap: &Arc<CallTap>, peer: SocketAddr, uuid: &str, request: Request) -> Response {
    if let Some(answer) = turned_away(tap, peer.ip()) {
        return answer;
    }
    let Ok(socket) = Uuid::parse_str(uuid) else {
        return refuse(StatusCode::BAD_REQUEST, format!("{uuid:?} is not a UUID"));
    };
    let told = match read(request).await {
        Ok(told) => told,
        Err((status, words)) => return refuse(status, words),
    };
    for (name, value) in [("caller", &told.caller), ("seat", &told.seat)] {
        if value.as_ref().is_some_and(|v| v.chars().count() > MAX_FIELD || v.chars().any(char::is_control)) {
            return refuse(
                StatusCode::BAD_REQUEST,
                format!("{name} must be at most {MAX_FIELD} printable characters"),
            );
        }
    }
    let announcement = Announcement {
        call_id: told.call_id,
        leg: told.leg,
        caller_masked: told.caller.as_deref().and_then(caller::mask),
        callback: told.caller.as_deref().and_then(|number| tap.sealer.seal(number)),
        seat: told.seat,
        direction: told.direction,
    };
    // Noted first, looked for among the filed afterwards: whichever moment the call ends at, the word is found.
    let now_ms = tap.clock.uptime_ms();
    let connected = match lock(&tap.registry).announce(socket, announcement.clone(), now_ms) {
        Ok(changed) => !changed.is_empty(),
        Err(refusal) => return refuse(StatusCode::CONFLICT, refusal),
    };
    if connected {
        return Json(serde_json::json!({ "uuid": socket, "connected": true, "filed": false }))
            .into_response();
    }
    match tap.told_after_filing(socket, announcement).await {
        Ok(filed) => {
            Json(serde_json::json!({ "uuid": socket, "connected": false, "filed": filed })).into_response()
        }
        Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")),
    }
}

async fn receive(
    State(tap): State<Arc<CallTap>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<Vec<(String, String)>>,
    request: Request,
) -> Response {
    if let Some(answer) = turned_away(&tap, peer.ip()) {
        return answer;
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    match inbox::receive(&tap, query, length, request.into_body()).await {
        Ok(received) => (StatusCode::ACCEPTED, Json(received)).into_response(),
        Err((status, words)) => {
            tap.word_refused();
            tracing::warn!(%peer, status = status.as_u16(), "an upload was refused; its answer says why");
            refuse(status, words)
        }
    }
}

/// A JSON or a form body; neither type nor length may surprise us.
async fn read(request: Request) -> Result<Told, (StatusCode, String)> {
    let json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/json"));
    let wrong = |status: StatusCode, words: String| match status {
        StatusCode::PAYLOAD_TOO_LARGE => (status, format!("{words}; {MAX_BODY_BYTES} bytes are enough")),
        _ => (StatusCode::BAD_REQUEST, words),
    };
    if json {
        let told = Json::<Told>::from_request(request, &()).await;
        return told.map(|Json(told)| told).map_err(|e| wrong(e.status(), e.body_text()));
    }
    // `Form` reads the query of a GET; here the method is always PUT or POST.
    let told = Form::<Told>::from_request(request, &()).await;
    told.map(|Form(told)| told).map_err(|e| {
        let words = format!("{}; send application/json or application/x-www-form-urlencoded", e.body_text());
        wrong(e.status(), words)
    })
}

impl CallTap {
    fn active_calls(&self) -> Vec<ActiveCall> {
        let now_ms = self.clock.uptime_ms();
        let describe = |(call_id, call): (CallId, registry::Call)| ActiveCall {
            call_id,
            caller_masked: call.iter().find_map(|(_, t)| t.announced.caller_masked.clone()),
            seat: call.iter().find_map(|(_, t)| t.announced.seat.clone()),
            duration_ms: now_ms.saturating_sub(call.iter().map(|(_, t)| t.opened_ms).min().unwrap_or(now_ms)),
            legs: call
                .iter()
                .map(|(_, t)| ActiveLeg { uuid: t.socket, leg: t.leg(), connected: t.closed_ms.is_none() })
                .collect(),
        };
        lock(&self.registry).calls().into_iter().map(describe).collect()
    }
}
