//! The live feed as server-sent events. Ids come only from the durable log, so whoever reconnects with the last id
//! misses nothing; beats, the resync order and the words of running calls carry none. Of those, whoever connects is told
//! all that is known, and from then on what is new. Of changes a reader is told at once, and then at most four times a
//! second of all that came meanwhile.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::ApiError;
use super::answers::{BadRequest, Failures};
use super::guard::Caller;
use crate::app::App;
use crate::change::{Change, ChangeTopic, LOOK_AGAIN};
use crate::running::{Listener, MOST_LISTENED};
use crate::user::{self, Session};
use crate::web::guard::Fields;

/// A beat this often tells a reader that it is not late.
const BEAT: Duration = Duration::from_secs(2);

/// Told at once.
const BATCH: usize = 500;

/// A reader is told of changes no more often than this, however many there are: four times a second.
const BREATH: Duration = Duration::from_millis(250);

/// Further behind than this, reading everything anew is cheaper.
const TOO_FAR: i64 = 5_000;

/// How often a stream asks whether its session still lasts.
const SESSION_CHECK: Duration = Duration::from_secs(30);

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
struct ChangesQuery {
    /// Position to go on from; `Last-Event-ID` wins. Without either: from now.
    after: Option<i64>,
    /// Ids of running calls, with commas between: their words come as they are said.
    calls: Option<String>,
}

/// The calls whose words are asked for.
fn asked_calls(text: &str) -> Result<Vec<Listener>, ApiError> {
    let ids: Vec<&str> = text.split(',').filter(|id| !id.is_empty()).collect();
    if ids.len() > MOST_LISTENED {
        return Err(ApiError::Input(format!("calls: at most {MOST_LISTENED}, not {}", ids.len())));
    }
    let listen = |id: &str| id.parse().map(Listener::new);
    ids.into_iter().map(listen).collect::<Result<_, _>>().map_err(|e| ApiError::Input(format!("calls: {e}")))
}

/// What changed, as it changes: events `change` (with id), `beat` (hub's clock) and `resync` (read everything anew). For
/// the calls that are asked for `words` as well: `call_id`, `lines` (each with `leg`, `start_ms`, `end_ms`, `text`,
/// `finished` and `alarms`, in place of the one with the same side and beginning) and whether the call has `ended`.
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
    let calls = asked_calls(fields.get("calls"))?;
    let oldest = app.changes.oldest(app.tenant().as_str()).await?;
    let lost = match oldest {
        Some(oldest) => position.saturating_add(1) < oldest,
        None => position < newest,
    };
    // Ahead of the log: the database is another one than the reader knew.
    let resync = lost || position > newest || newest.saturating_sub(position) > TOO_FAR;
    let now = Instant::now();
    let mut reader = Reader {
        session: caller.0,
        wake,
        said: app.running.subscribe(),
        calls,
        next_look: now,
        breath: now,
        position: if resync { newest } else { position },
        next_beat: now,
        next_check: now + SESSION_CHECK,
        resync,
        app,
    };
    reader.resolve(|_| true).await?;
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let mut response = Body::from_stream(events).into_response();
    let all = response.headers_mut();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies (nginx) must hand each event on at once.
    all.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Reader {
    app: App,
    session: Session,
    wake: watch::Receiver<u64>,
    said: watch::Receiver<u64>,
    position: i64,
    calls: Vec<Listener>,
    next_beat: Instant,
    next_check: Instant,
    next_look: Instant,
    /// Not before it, whatever wakes.
    breath: Instant,
    resync: bool,
}

impl Reader {
    /// What is told next; `None` ends the stream: the session is over or the database failed, and the reader asks again.
    async fn next(&mut self) -> Option<Bytes> {
        if self.resync {
            self.resync = false;
            let at = self.app.clock.now().0;
            return event("resync", None, &json!({ "position": self.position, "at": at }));
        }
        loop {
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
                // A call that is no case yet may have begun, or be told of again after this hub was away.
                self.resolve(Listener::hears_nobody).await.ok()?;
                let at = self.app.clock.now().0;
                return event("beat", None, &json!({ "at": at }));
            }
            if now >= self.next_look {
                self.next_look = now + LOOK_AGAIN;
                let told = self.look().await?;
                if !told.is_empty() {
                    self.breath = now + BREATH;
                    // There may be more than is told at once.
                    self.next_look = self.breath;
                    return Some(told.into());
                }
            }
            if let Some(words) = self.calls.iter_mut().find_map(|call| call.fresh(&self.app.running, now)) {
                return event("words", None, &words);
            }
            self.wait(now).await;
        }
    }

    /// What changed since, together; nothing if it is nothing for this user.
    async fn look(&mut self) -> Option<Vec<u8>> {
        let mut told = Vec::new();
        loop {
            let (tenant, user) = (self.app.tenant().as_str(), self.session.user.as_str());
            let (changes, last) =
                self.app.changes.visible_after(tenant, user, self.position, BATCH).await.ok()?;
            // What this user may not see is passed over; there may be more than a batch.
            if last == self.position {
                return Some(told);
            }
            self.position = last;
            for change in changes {
                if change.topic == ChangeTopic::Case.as_str() {
                    // A call may be known by another name now.
                    self.resolve(|call| call.concerns(&change.subject)).await.ok()?;
                }
                write(&mut told, "change", Some(change.position), &*change)?;
            }
            if !told.is_empty() {
                return Some(told);
            }
        }
    }

    async fn resolve(&mut self, which: impl Fn(&Listener) -> bool) -> crate::db::Result<()> {
        for call in self.calls.iter_mut().filter(|call| which(call)) {
            call.resolve(&self.app, &self.session).await?;
        }
        Ok(())
    }

    /// Until something is due, may have changed, or may have been said.
    async fn wait(&mut self, now: Instant) {
        // What was said while a call was just told of is told a moment later.
        let later = self.calls.iter().map(Listener::next).filter(|next| *next > now);
        let until = later.chain([self.next_beat, self.next_look]).min().unwrap_or(now);
        let listens = self.calls.iter().any(|call| call.next() <= now);
        tokio::select! {
            // A closed channel cannot be: `app` holds the sender.
            _ = self.wake.changed() => self.next_look = self.breath.max(now),
            _ = self.said.changed(), if listens => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

/// One event of the stream (WHATWG HTML, "server-sent events"). JSON has no line breaks of its own.
fn event(name: &str, id: Option<i64>, data: &impl Serialize) -> Option<Bytes> {
    let mut text = Vec::new();
    write(&mut text, name, id, data)?;
    Some(text.into())
}

fn write(text: &mut Vec<u8>, name: &str, id: Option<i64>, data: &impl Serialize) -> Option<()> {
    text.extend_from_slice(format!("event: {name}\n").as_bytes());
    if let Some(id) = id {
        text.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    text.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *text, data).ok()?;
    text.extend_from_slice(b"\n\n");
    Some(())
}
