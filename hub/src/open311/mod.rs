//! Open311 GeoReport v2, with mySociety's updates: how applications of others report matters and read what became of them.
//!
//! Reading needs no key and shows what is public ([`store`] says what that is): never a confidential case, a drill, a false
//! alarm, an alarm that nobody filed, never who reported it, where exactly, or in which words. Reporting needs a key
//! (`hub open311 key`); it is the same call into [`crate::case::report`] as from the consoles. Each answer is made once
//! ([`node`]) and written as XML or JSON.
//!
//! Deliberately absent: fetching what `media_url` names, attributes of services (none has any), asynchronous tokens (every
//! request has its number at once).

mod asked;
pub mod key;
mod node;
mod request;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod update;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::uri::Uri;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use jiff::Timestamp;
use protocol::UtcMs;

use crate::app::App;
use crate::category::{self, Categories};
use crate::http::reached_at;
use crate::web::guard::Fields;
use node::{Format, Node, Wrong, answer};

/// Where it lies.
pub(crate) const BASE: &str = "/open311/v2";
/// Largest form, in bytes: 4,000 Chinese characters, percent-encoded, and the rest.
const MOST_FORM: usize = 64 * 1024;
/// Longest stretch of time of one answer.
const MOST_DAYS_MS: i64 = 90 * 86_400_000;
/// Rows of one answer.
const MOST_ROWS: i64 = 1_000;
const MOST_PAGES: i64 = 10_000;

/// What can be asked for, and how: for the table of roles.
#[cfg(test)]
pub(crate) const PATHS: [(&str, &str); 9] = [
    ("GET", "/open311/v2/discovery.json"),
    ("GET", "/open311/v2/services.json"),
    ("GET", "/open311/v2/services/{code}"),
    ("GET", "/open311/v2/requests.json"),
    ("POST", "/open311/v2/requests.json"),
    ("GET", "/open311/v2/requests/{number}"),
    ("GET", "/open311/v2/tokens/{token}"),
    ("GET", "/open311/v2/servicerequestupdates.json"),
    ("POST", "/open311/v2/servicerequestupdates.json"),
];

pub fn router(app: App) -> Router {
    Router::new().route("/open311/v2/{*path}", any(serve)).with_state(app)
}

/// Removes answers that are not given again. Safe to run twice.
pub async fn forget(app: &App, now: UtcMs) -> crate::db::Result<u64> {
    request::forget(app, now).await
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Resource {
    Discovery,
    Services,
    Service(String),
    Requests,
    Request(String),
    Token(String),
    Updates,
}

/// `requests/20260318-001.xml`: what, and in which format.
fn read_path(path: &str) -> Option<(Resource, Format)> {
    let (path, end) = path.rsplit_once('.')?;
    let format = match end {
        "json" => Format::Json,
        "xml" => Format::Xml,
        _ => return None,
    };
    let resource = match path.split_once('/') {
        None => match path {
            "discovery" => Resource::Discovery,
            "services" => Resource::Services,
            "requests" => Resource::Requests,
            "servicerequestupdates" => Resource::Updates,
            _ => return None,
        },
        Some((_, id)) if id.is_empty() || id.contains('/') => return None,
        Some(("services", code)) => Resource::Service(code.to_owned()),
        Some(("requests", id)) => Resource::Request(id.to_owned()),
        Some(("tokens", token)) => Resource::Token(token.to_owned()),
        Some(_) => return None,
    };
    Some((resource, format))
}

/// A request that was read.
struct Asked<'a> {
    app: &'a App,
    categories: Categories,
    /// Of the query, and of the form.
    fields: Fields,
    /// The form as it came.
    body: Vec<u8>,
    repeat_key: Option<String>,
    /// `https://host:port`
    host: String,
}

impl Asked<'_> {
    /// Every field of this name, split at commas: the standard takes lists and repetitions.
    fn list(&self, name: &str) -> Vec<&str> {
        let own = self.fields.pairs().iter().filter(|(key, _)| key == name);
        own.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// There is one jurisdiction: the tenant's.
    fn check_jurisdiction(&self) -> Result<(), Wrong> {
        let given = self.fields.get("jurisdiction_id").trim();
        if given.is_empty() || given == self.app.tenant().as_str() {
            return Ok(());
        }
        Err(Wrong::missing("jurisdiction_id was not found"))
    }

    /// The stretch of time that is asked for: at most ninety days, the last ones when nothing is said.
    fn span(&self) -> Result<(UtcMs, UtcMs), Wrong> {
        let now = self.app.clock.now();
        let (start, end) = (self.moment("start_date")?, self.moment("end_date")?);
        let (start, end) = match (start, end) {
            (None, None) => (now.plus_ms(-MOST_DAYS_MS), now),
            (Some(start), None) => (start, start.plus_ms(MOST_DAYS_MS)),
            (None, Some(end)) => (end.plus_ms(-MOST_DAYS_MS), end),
            (Some(start), Some(end)) => (start, end),
        };
        match end.0.saturating_sub(start.0) {
            ..0 => Err(Wrong::input("end_date lies before start_date")),
            span if span > MOST_DAYS_MS => {
                Err(Wrong::input("start_date and end_date may not span more than 90 days"))
            }
            _ => Ok((start, end)),
        }
    }

    fn moment(&self, name: &str) -> Result<Option<UtcMs>, Wrong> {
        let text = self.fields.get(name).trim();
        if text.is_empty() {
            return Ok(None);
        }
        // A plus sign that was not encoded comes as a blank.
        let read = text.replace(' ', "+").parse::<Timestamp>();
        let at = read.map_err(|_| {
            Wrong::input(format!("{name}: write a time with its zone, such as 2010-01-01T00:00:00Z"))
        })?;
        Ok(Some(UtcMs(at.as_millisecond())))
    }

    /// Rows of a page, and how many come before it.
    fn page(&self) -> Result<(i64, i64), Wrong> {
        let read = |name: &str, default: i64, most: i64| match self.fields.get(name).trim() {
            "" => Ok(default),
            text => text
                .parse()
                .ok()
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| Wrong::input(format!("{name}: write a number from 1 to {most}"))),
        };
        let (page, size) = (read("page", 1, MOST_PAGES)?, read("page_size", MOST_ROWS, MOST_ROWS)?);
        Ok((size, (page - 1) * size))
    }
}

async fn serve(
    State(app): State<App>,
    Path(path): Path<String>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some((resource, format)) = read_path(&path) else {
        let is_json = path.rsplit_once('.').is_some_and(|(_, end)| end == "json");
        let format = if is_json { Format::Json } else { Format::Xml };
        return Wrong::missing(format!("there is no {path}; {BASE}/discovery.xml says what there is"))
            .answer(format);
    };
    let taken = match (&resource, &method) {
        (Resource::Requests | Resource::Updates, &Method::POST) => true,
        (_, method) => method.is_safe() && *method != Method::OPTIONS,
    };
    if !taken {
        return Wrong::new(StatusCode::METHOD_NOT_ALLOWED, format!("{path} does not take {method}"))
            .answer(format);
    }
    match act(&app, resource, &uri, method == Method::POST, &headers, body).await {
        Ok((status, root, node)) => answer(format, status, root, &node),
        Err(wrong) => wrong.answer(format),
    }
}

type Answered = (StatusCode, &'static str, Node);

async fn act(
    app: &App,
    resource: Resource,
    uri: &Uri,
    post: bool,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answered, Wrong> {
    let body = if post { read_form(headers, body).await? } else { Vec::new() };
    let mut text = uri.query().unwrap_or_default().as_bytes().to_vec();
    text.push(b'&');
    text.extend_from_slice(&body);
    let repeat_key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        app,
        categories: category::all(&app.db, app.tenant().as_str()).await?,
        fields: Fields::parse(&text),
        body,
        repeat_key,
        host: reached_at(app, uri, headers),
    };
    // Where the service is, is told whatever it is asked for.
    if resource != Resource::Discovery {
        asked.check_jurisdiction()?;
    }
    match resource {
        Resource::Discovery => Ok((StatusCode::OK, "discovery", service::discovery(&asked))),
        Resource::Services => Ok((StatusCode::OK, "services", service::list(&asked))),
        Resource::Service(code) => {
            Ok((StatusCode::OK, "service_definition", service::definition(&asked, &code)?))
        }
        Resource::Requests if post => request::post(&asked).await,
        Resource::Requests => request::list(&asked).await,
        Resource::Request(id) => request::get(&asked, &id).await,
        Resource::Token(token) => request::of_token(&asked, &token).await,
        Resource::Updates if post => update::post(&asked).await,
        Resource::Updates => update::list(&asked).await,
    }
}

async fn read_form(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Wrong> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Wrong::input("send the form as application/x-www-form-urlencoded in UTF-8"));
    }
    let bytes = to_bytes(body, MOST_FORM).await;
    bytes.map(|bytes| bytes.to_vec()).map_err(|_| Wrong::input("the form is larger than 64 KiB"))
}

#[cfg(test)]
mod paths {
    use super::*;

    /// Every address of the standard is read; what is none is refused.
    #[test]
    fn paths_by_table() {
        use Resource as R;
        for (path, wanted) in [
            ("discovery.xml", Some((R::Discovery, Format::Xml))),
            ("services.json", Some((R::Services, Format::Json))),
            ("services/noise.xml", Some((R::Service("noise".into()), Format::Xml))),
            ("requests.json", Some((R::Requests, Format::Json))),
            ("requests/20260318-001.json", Some((R::Request("20260318-001".into()), Format::Json))),
            ("tokens/a.b.xml", Some((R::Token("a.b".into()), Format::Xml))),
            ("servicerequestupdates.xml", Some((R::Updates, Format::Xml))),
            ("requests", None),
            ("requests.html", None),
            ("requests/.xml", None),
            ("requests/a/b.xml", None),
            ("else/a.xml", None),
            (".xml", None),
        ] {
            assert_eq!(read_path(path), wanted, "{path}");
        }
        for (_, path) in PATHS {
            let path = path.strip_prefix("/open311/v2/").unwrap();
            let path = if path.contains('{') { format!("{path}.json") } else { path.to_owned() };
            assert!(read_path(&path).is_some(), "{path}");
        }
    }
}
