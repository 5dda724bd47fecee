//! Who asks: session cookies and bearer tokens, forms with their CSRF token, and each person's language and theme.

use axum::RequestPartsExt as _;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::net::SocketAddr;

use super::error::PageError;
use super::text::Lang;
use super::view::Theme;
use crate::app::App;
use crate::http::Scheme;
use crate::organisation::AreaPath;
use crate::user::{self, Act, Session};

/// Largest form: a configuration of 64 KiB, percent-encoded Chinese comments and all.
const MAX_FORM_BYTES: usize = 256 * 1024;

const PLAIN_COOKIE: &str = "shaodian_session";
/// Bound by browsers to this host, HTTPS and path `/`.
const HOST_COOKIE: &str = "__Host-shaodian_session";

/// Pages for whoever has yet to change a password that somebody else knows.
const MAY_UNCHANGED: [&str; 4] = ["/me", "/me/password", "/me/sessions", "/logout"];

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A browser sends it by itself, so changes need the CSRF token too.
    Cookie,
    Bearer,
}

/// Language and theme of this request.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    pub lang: Lang,
    pub theme: Theme,
    /// Path and query without `lang` and `theme`, ready for one more parameter.
    pub here: String,
}

pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => HOST_COOKIE,
        Scheme::Http => PLAIN_COOKIE,
    }
}

fn scheme(parts: &Parts) -> Scheme {
    parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http)
}

/// `Set-Cookie` that begins a session, or ends it with an empty token.
pub fn session_cookie(scheme: Scheme, token: &str) -> HeaderValue {
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    let age = if token.is_empty() { 0 } else { user::LIFE_MS / 1_000 };
    let text =
        format!("{}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}", cookie_name(scheme));
    HeaderValue::from_str(&text).expect("tokens are hexadecimal")
}

/// The session of a request, by bearer token or cookie.
pub async fn session_of(app: &App, parts: &Parts) -> Result<Option<(Session, Via)>, crate::db::Error> {
    let bearer = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let (token, via) = match bearer {
        Some(token) => (Some(token), Via::Bearer),
        None => (cookie(&parts.headers, cookie_name(scheme(parts))), Via::Cookie),
    };
    let Some(token) = token.filter(|token| !token.is_empty() && token.len() <= 128) else { return Ok(None) };
    let session = user::session(&app.db, app.tenant().as_str(), token, app.clock.now()).await?;
    Ok(session.map(|session| (session, via)))
}

/// Where the request came from, for the login limit.
pub fn address(parts: &Parts) -> String {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or_else(|| "unknown".to_owned(), |info| info.0.ip().to_string())
}

/// A browser says when a request was made by another site's page.
pub fn cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

pub fn same(a: &str, b: &str) -> bool {
    // Constant in time for equal lengths; lengths are no secret.
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |all, (x, y)| all | (x ^ y)) == 0
}

/// Somebody who is logged in, looking at a page. Without a session: to the login page and back.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub session: Session,
    pub preferences: Preferences,
}

impl Viewer {
    pub fn may(&self, act: Act) -> bool {
        self.session.may(act)
    }

    /// Refuses what no role may do there.
    pub fn must_at(&self, act: Act, area: &str) -> Result<(), PageError> {
        if self.session.may_at(act, &AreaPath::kept(area.to_owned())) {
            return Ok(());
        }
        Err(PageError::Forbidden(act.roles_text(self.preferences.lang)).shown(self))
    }

    /// Refuses what the role may not do.
    pub fn must(&self, act: Act) -> Result<(), PageError> {
        if self.may(act) {
            return Ok(());
        }
        Err(PageError::Forbidden(act.roles_text(self.preferences.lang)).shown(self))
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let preferences = parts.extensions.get::<Preferences>().cloned().unwrap_or_default();
        match session_of(app, parts).await {
            Ok(Some((session, _))) => {
                if session.must_change && !MAY_UNCHANGED.contains(&parts.uri.path()) {
                    return Err(Redirect::to("/me?due=password").into_response());
                }
                Ok(Self { session, preferences })
            }
            Ok(None) => {
                let uri =
                    parts.extract::<OriginalUri>().await.map_or_else(|_| parts.uri.clone(), |uri| uri.0);
                let had = cookie(&parts.headers, cookie_name(scheme(parts))).is_some();
                Err(to_login(&uri, had))
            }
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

/// And back afterwards, from a form too: its address leads to its page. Whoever had a session is told that it ended.
fn to_login(uri: &Uri, had_session: bool) -> Response {
    let back = uri.path_and_query().map_or("/", |back| back.as_str());
    let mut login = "/login".to_owned();
    if back != "/" {
        login += &format!("?next={}", percent(back));
        if had_session {
            login += "&expired=1";
        }
    }
    Redirect::to(&login).into_response()
}

/// Percent-encodes everything but unreserved characters and `/`.
pub fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path of this hub, or `/`, which leads to everybody's own desk: never another site.
pub fn local_path(path: &str) -> &str {
    let safe = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.chars().any(char::is_control);
    if safe { path } else { "/" }
}

/// Fields of a form or query, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those that came in parts.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    pub fn parse(text: &[u8]) -> Self {
        let decode = |part: &[u8]| {
            let mut out = Vec::with_capacity(part.len());
            let mut rest = part;
            while let Some((&first, tail)) = rest.split_first() {
                let hex = |b: &u8| char::from(*b).to_digit(16);
                match (first, tail) {
                    (b'%', [a, b, after @ ..]) if hex(a).is_some() && hex(b).is_some() => {
                        out.push((hex(a).unwrap_or(0) * 16 + hex(b).unwrap_or(0)) as u8);
                        rest = after;
                    }
                    (b'+', _) => {
                        out.push(b' ');
                        rest = tail;
                    }
                    _ => {
                        out.push(first);
                        rest = tail;
                    }
                }
            }
            String::from_utf8_lossy(&out).into_owned()
        };
        let pairs = text.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
        let split = |pair: &[u8]| {
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            (decode(&pair[..at]), decode(pair.get(at + 1..).unwrap_or_default()))
        };
        Self(pairs.map(split).collect())
    }

    /// The field's text; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Fields {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

/// A form from a logged-in person's own page: the session's CSRF token came with it.
#[derive(Clone, Debug)]
pub struct SafeForm {
    pub viewer: Viewer,
    pub fields: Fields,
    /// htmx asked: answer with a fragment or nothing instead of a redirect.
    pub partial: bool,
}

impl SafeForm {
    /// Back to where the form was, or `204` for htmx (the live feed brings what changed).
    pub fn done(&self, fallback: &str) -> Response {
        if self.partial {
            return StatusCode::NO_CONTENT.into_response();
        }
        let back = self.fields.get("back");
        Redirect::to(local_path(if back.is_empty() { fallback } else { back })).into_response()
    }
}

impl FromRequest<App> for SafeForm {
    type Rejection = Response;
    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut parts, app).await?;
        let Ok(bytes) = to_bytes(body, MAX_FORM_BYTES).await else {
            let why = viewer.preferences.lang.input_too_large().to_owned();
            return Err(PageError::Input(why).shown(&viewer).into_response());
        };
        let fields = Fields::parse(&bytes);
        let header = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
        let given = header.unwrap_or_else(|| fields.get("csrf"));
        if cross_site(&parts.headers) || !same(given, &viewer.session.csrf) {
            return Err(PageError::Csrf.shown(&viewer).into_response());
        }
        Ok(Self { viewer, fields, partial: parts.headers.contains_key("hx-request") })
    }
}

type Asked = (Option<Lang>, Option<Theme>);

fn read_preferences(headers: &HeaderMap, uri: &Uri) -> (Preferences, Asked) {
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let asked = (Lang::parse(query.get("lang")), Theme::parse(query.get("theme")));
    let kept = |name| cookie(headers, name).unwrap_or_default();
    let mut here = uri.path().to_owned() + "?";
    // What is said about this page's look or use is not carried on.
    let carried = |key: &str| !["lang", "theme", "purpose"].contains(&key);
    for (key, value) in query.pairs().iter().filter(|(key, _)| carried(key)) {
        here += &format!("{}={}&", percent(key), percent(value));
    }
    let preferences = Preferences {
        lang: asked.0.or_else(|| Lang::parse(kept("lang"))).unwrap_or_default(),
        theme: asked.1.or_else(|| Theme::parse(kept("theme"))).unwrap_or_default(),
        here,
    };
    (preferences, asked)
}

/// Reads language and theme from the query, then the cookies, and keeps what the query said.
pub async fn preferences(mut request: Request, next: Next) -> Response {
    let (preferences, asked) = read_preferences(request.headers(), request.uri());
    request.extensions_mut().insert(preferences);
    let mut response = next.run(request).await;
    let choices = [("lang", asked.0.map(Lang::code)), ("theme", asked.1.map(Theme::code))];
    for (name, code) in choices.into_iter().filter_map(|(name, code)| code.map(|code| (name, code))) {
        let text = format!("{name}={code}; Path=/; Max-Age=31536000; SameSite=Lax");
        let value = HeaderValue::from_str(&text).expect("codes are plain words");
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forms and queries decode as browsers write them.
    #[test]
    fn fields_decode() {
        let fields = Fields::parse("a=1+2&b=%E4%B8%9C%E5%85%B3&c&d=%zz&e=x%3D%26".as_bytes());
        assert_eq!(fields.get("a"), "1 2");
        assert_eq!(fields.get("b"), "东关");
        assert_eq!((fields.get("c"), fields.get("none")), ("", ""));
        assert_eq!(fields.get("d"), "%zz");
        assert_eq!(fields.get("e"), "x=&");
        assert_eq!(percent("/calls/1?edit=1"), "/calls/1%3Fedit%3D1");
    }

    /// `next` and `back` never lead to another site.
    #[test]
    fn only_local_paths() {
        assert_eq!(local_path("/cases/1?x=1"), "/cases/1?x=1");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb"] {
            assert_eq!(local_path(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn session_cookies_by_scheme() {
        let https = session_cookie(Scheme::Https, "ab").to_str().unwrap().to_owned();
        assert!(
            https.starts_with("__Host-shaodian_session=ab; Path=/;") && https.ends_with("; Secure"),
            "{https}"
        );
        assert!(https.contains("HttpOnly") && https.contains("SameSite=Lax"));
        let http = session_cookie(Scheme::Http, "").to_str().unwrap().to_owned();
        assert!(
            http.contains("Max-Age=0") && !http.contains("Secure") && !http.contains("__Host-"),
            "{http}"
        );
    }
}
