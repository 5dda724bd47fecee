//! The live feed as server-sent events. Ids come only from the durable log, so whoever reconnects with the last id
//! misses nothing; beats and the resync order carry none.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::ApiError;
use super::answers::{BadRequest, Failures};
use super::guard::Caller;
use crate::app::App;
use crate::change::Change;
use crate::user::{self, Session};
use crate::web::guard::Fields;

/// A beat this often tells a reader that it is not late.
const BEAT: Duration = Duration::from_secs(2);

/// Read from the log at once.
const BATCH: i64 = 200;

/// Further behind than this, reading everything anew is cheaper.
const TOO_FAR: i64 = 5_000;

/// How often a stream asks whether its session still lasts.
const SESSION_CHECK: Duration = Duration::from_secs(30);

#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "describes the query")]
struct ChangesQuery {
    /// Position to go on from; `Last-Event-ID` wins. Without either: from now.
    after: Option<i64>,
}

/// What changed, as it changes: events `change` (with id), `beat` (hub's clock) and `resync` (read everything anew).
#[utoipa::path(get, path = "/api/v1/changes", params(ChangesQuery), tag = "changes", responses(
    (status = 200, body = Change, content_type = "text/event-stream"),
    BadRequest, Failures))]
pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked =
        headers.get("last-event-id").and_then(|value| value.to_str().ok()).unwrap_or(fields.get("after"));
    // Subscribed before the newest position is read: nothing falls between.
    let wake = app.changes.subscribe();
    let newest = app.changes.newest(app.tenant().as_str()).await?;
    let position = match asked {
        "" => newest,
        text => text.parse().map_err(|_| ApiError::Input(format!("{text:?} is not a position")))?,
    };
    let oldest = app.changes.oldest(app.tenant().as_str()).await?;
    let lost = match oldest {
        Some(oldest) => position.saturating_add(1) < oldest,
        None => position < newest,
    };
    // Ahead of the log: the database is another one than the reader knew.
    let resync = lost || position > newest || newest.saturating_sub(position) > TOO_FAR;
    let now = Instant::now();
    let reader = Reader {
        session: caller.0,
        wake,
        position: if resync { newest } else { position },
        ready: VecDeque::new(),
        next_beat: now,
        next_check: now + SESSION_CHECK,
        resync,
        app,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let mut response = Sse::new(events).into_response();
    let all = response.headers_mut();
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies (nginx) must hand each event on at once.
    all.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Reader {
    app: App,
    session: Session,
    wake: watch::Receiver<u64>,
    position: i64,
    ready: VecDeque<Change>,
    next_beat: Instant,
    next_check: Instant,
    resync: bool,
}

impl Reader {
    /// The next event; `None` ends the stream: the session is over or the database failed, and the reader asks again.
    async fn next(&mut self) -> Option<Event> {
        if self.resync {
            self.resync = false;
            let at = self.app.clock.now().0;
            return Event::default()
                .event("resync")
                .json_data(json!({ "position": self.position, "at": at }))
                .ok();
        }
        loop {
            if let Some(change) = self.ready.pop_front() {
                self.position = change.position;
                return Event::default()
                    .event("change")
                    .id(change.position.to_string())
                    .json_data(&change)
                    .ok();
            }
            let now = Instant::now();
            if now >= self.next_check {
                self.next_check = now + SESSION_CHECK;
                let at = self.app.clock.now();
                let token = &self.session.token_sha256;
                let lasts = user::by_hash(&self.app.db, self.app.tenant().as_str(), token, at).await;
                lasts.ok().flatten()?;
            }
            if now >= self.next_beat {
                self.next_beat = now + BEAT;
                let at = self.app.clock.now().0;
                return Event::default().event("beat").json_data(json!({ "at": at })).ok();
            }
            let changes = self.app.changes.after(self.app.tenant().as_str(), self.position, BATCH).await;
            self.ready.extend(changes.ok()?);
            if self.ready.is_empty() {
                let wait = self.app.changes.wait(&mut self.wake);
                // Whichever comes first; both only mean: look again.
                let _ = tokio::time::timeout_at(self.next_beat, wait).await;
            }
        }
    }
}
