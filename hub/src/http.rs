//! What machines ask of the hub over HTTP: enrolment, health, metrics. People's pages and the JSON API are in
//! [`crate::web`] and [`crate::api`]; [`router`] puts all of it together.

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use protocol::{EnrolAnswer, EnrolRequest};

use std::net::SocketAddr;

use crate::app::App;
use crate::config::BrokerMode;
use crate::device::{DeviceError, enrol};
use crate::evidence::tus::device_of;
use crate::user::Act;
use crate::web::guard::session_of;

/// How a request came; cookies and redirects depend on it. In every request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Https,
    /// Loopback only.
    Http,
}

pub fn router(app: App) -> Router {
    Router::new()
        .route("/ca.pem", get(ca))
        .route("/contact-key", get(contact_key))
        .route("/api/v1/enrol", post(enrolment))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(app.clone())
        .merge(crate::open311::router(app.clone()))
        .merge(crate::api::router(app.clone()))
        .merge(crate::web::router(app.clone()))
        .merge(crate::evidence::tus::router(app))
}

/// The hub's authority, for a box that holds its pin and for people who install it in their browser.
async fn ca(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], app.authority.ca_pem().to_owned()).into_response()
}

/// To which boxes seal callers' numbers; no secret. For boxes that enrolled before there was one.
async fn contact_key(State(app): State<App>) -> String {
    format!("{}\n", app.contact_key.key())
}

async fn enrolment(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    request: Result<Json<EnrolRequest>, JsonRejection>,
) -> Response {
    let Json(request) = match request {
        Ok(request) => request,
        Err(rejection) => return problem(rejection.status(), &rejection.body_text()),
    };
    match enrol::enrol(&app, &request.code, &request.csr_pem).await {
        Ok(enrolled) => {
            let broker = &app.config.broker;
            let (host, port) = match broker.mode {
                BrokerMode::Embedded => (String::new(), broker.listen.port()),
                BrokerMode::External => (broker.host.clone(), broker.port),
            };
            let named = [&broker.public_host, &host].into_iter().find(|host| !host.is_empty()).cloned();
            Json(EnrolAnswer {
                tenant: enrolled.origin.tenant,
                device: enrolled.origin.device,
                certificate_pem: enrolled.certificate_pem,
                ca_pem: app.authority.ca_pem().to_owned(),
                mqtt_host: named.unwrap_or_else(|| called_as(&uri, &headers)),
                mqtt_port: port,
                token: enrolled.token,
                contact_key: Some(app.contact_key.key()),
            })
            .into_response()
        }
        Err(error) => {
            let status = match &error {
                DeviceError::Code | DeviceError::Unknown(_) => StatusCode::FORBIDDEN,
                DeviceError::Certificate(_) => StatusCode::UNPROCESSABLE_ENTITY,
                DeviceError::Db(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            problem(status, &error.to_string())
        }
    }
}

/// The name under which somebody reached us: where HTTPS answered, MQTT will too. HTTP/2 has it in `:authority`,
/// which hyper gives as the host of the URI, and sends no `Host`; HTTP/1.1 has only `Host`.
pub(crate) fn called_as(uri: &Uri, headers: &HeaderMap) -> String {
    let host = uri.authority().map(Authority::as_str);
    let host = host.or_else(|| headers.get(header::HOST).and_then(|value| value.to_str().ok()));
    let host = host.unwrap_or("localhost");
    host.parse::<Authority>()
        .map_or_else(|_| host.to_owned(), |authority| authority.host().trim_matches(['[', ']']).to_owned())
}

/// Where others reach this hub: as the configuration says, else over HTTPS by the name under which this request did,
/// `https://host:8443`.
pub(crate) fn reached_at(app: &App, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(url) = &app.config.http.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let (host, port) = (called_as(uri, headers), app.config.http.listen.port());
    // An IPv6 address needs its brackets in front of a port.
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

/// `application/problem+json` (RFC 9457).
pub fn problem(status: StatusCode, detail: &str) -> Response {
    problem_of(status, detail, None)
}

/// The same for people who read Chinese.
pub(crate) fn problem_in_both(status: StatusCode, zh: &str, en: &str) -> Response {
    problem_of(status, en, Some(zh))
}

fn problem_of(status: StatusCode, detail: &str, detail_zh: Option<&str>) -> Response {
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    if let Some(zh) = detail_zh {
        body["detail_zh"] = serde_json::json!(zh);
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// Who may read how the hub is: somebody on its own machine, an administrator, a box. Numbers of devices, words of the
/// database and paths are nothing for the whole network.
struct Insider(bool);

impl FromRequestParts<App> for Insider {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        // Plain HTTP listens on loopback only.
        let here = parts.extensions.get::<Scheme>() == Some(&Scheme::Http)
            || parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .is_some_and(|from| from.0.ip().is_loopback());
        let named = async || {
            let session = session_of(app, parts).await.ok().flatten();
            session.is_some_and(|(session, _)| session.may(Act::Organise))
                || device_of(app, &parts.headers).await.is_ok()
        };
        Ok(Self(here || named().await))
    }
}

/// Database, broker, disk and clock: everything that cases need to come in. Strangers get the bare answer.
async fn ready(State(app): State<App>, Insider(inside): Insider) -> Response {
    let mut wrong = Vec::new();
    if let Err(error) = app.changes.newest(app.tenant().as_str()).await {
        wrong.push(format!("database: {error}"));
    }
    if app.metrics.broker_since().is_none() {
        wrong.push("broker: not connected".to_owned());
    }
    let keep_free_bytes = app.config.evidence.keep_free_bytes;
    match rustix::fs::statvfs(&app.config.hub.data_dir) {
        Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < keep_free_bytes => {
            let mib = keep_free_bytes >> 20;
            wrong.push(format!(
                "disk: less than {mib} MiB free in the data folder; evidence waits on the boxes"
            ));
        }
        Ok(_) => {}
        Err(error) => wrong.push(format!("disk: {error}")),
    }
    if app.clock.now().0 < SANE_CLOCK_MS {
        wrong.push("clock: before 2026; set the time".to_owned());
    }
    if wrong.is_empty() {
        "ready\n".into_response()
    } else if !inside {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, wrong.join("\n") + "\n").into_response()
    }
}

/// 2026-01-01: a clock before it was never set.
const SANE_CLOCK_MS: i64 = 1_767_225_600_000;

async fn metrics(State(app): State<App>, Insider(inside): Insider) -> Response {
    if !inside {
        let text = "metrics are for the hub's own machine, or with the token of an administrator or a device";
        return problem(StatusCode::UNAUTHORIZED, text);
    }
    (
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        app.metrics.text(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box that comes over HTTP/2 names the hub in `:authority` alone; one over HTTP/1.1 in `Host` alone.
    #[test]
    fn the_hub_hears_under_which_name_it_is_called() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let mut host = HeaderMap::new();
        host.insert(header::HOST, "hub.local:8443".parse().unwrap());
        assert_eq!(called_as(&uri("https://10.1.2.3:8443/api/v1/enrol"), &HeaderMap::new()), "10.1.2.3");
        assert_eq!(called_as(&uri("/api/v1/enrol"), &host), "hub.local");
        assert_eq!(called_as(&uri("https://[fe80::1]:8443/x"), &HeaderMap::new()), "fe80::1");
        assert_eq!(called_as(&uri("/api/v1/enrol"), &HeaderMap::new()), "localhost");
    }
}
