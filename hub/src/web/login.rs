//! In and out.

use askama::Template as _;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::error::PageError;
use super::guard::{self, Fields, Preferences, SafeForm, session_cookie};
use super::shell;
use super::view::{LoginPage, Nav};
use crate::app::App;
use crate::http::Scheme;
use crate::user::{self, LoginError};

pub(super) async fn page(State(app): State<App>, fields: Fields, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let preferences = parts.extensions.get::<Preferences>().cloned().unwrap_or_default();
    match guard::session_of(&app, &parts).await {
        Ok(Some(_)) => Redirect::to(guard::local_path(fields.get("next"))).into_response(),
        Ok(None) => {
            let expired = (fields.get("expired") == "1").then(|| preferences.lang.login_expired());
            form(&app, &preferences, "", fields.get("next"), expired, StatusCode::OK)
        }
        Err(error) => PageError::from(error).into_response(),
    }
}

fn form(
    app: &App,
    preferences: &Preferences,
    name: &str,
    next: &str,
    error: Option<&'static str>,
    status: StatusCode,
) -> Response {
    let mut shell = shell::frame(app, preferences, Nav::None, None, String::new(), None);
    if !next.is_empty() {
        // Changing the language after a wrong password must not forget where to go.
        shell.here = format!("/login?next={}&", guard::percent(next));
    }
    let page = LoginPage { shell: &shell, name: name.to_owned(), next: next.to_owned(), error };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => PageError::from(error).into_response(),
    }
}

pub(super) async fn submit(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let preferences = parts.extensions.get::<Preferences>().cloned().unwrap_or_default();
    // No session yet, so no CSRF token: the browser's own word on the origin keeps other sites out.
    if guard::cross_site(&parts.headers) {
        return PageError::Csrf.into_response();
    }
    let Ok(bytes) = axum::body::to_bytes(body, 16 * 1024).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fields = Fields::parse(&bytes);
    let (name, next) = (fields.get("name").trim(), fields.get("next"));
    let lang = preferences.lang;
    let scheme =
        axum::Extension::<Scheme>::from_request_parts(&mut parts, &()).await.map_or(Scheme::Http, |s| s.0);
    let credentials = (name, fields.get("password"));
    let tenant = app.tenant().as_str();
    let address = guard::address(&parts);
    match user::log_in(&app.db, tenant, &app.chance, app.clock.now(), credentials, &address).await {
        Ok(logged_in) => {
            let cookie = session_cookie(scheme, &logged_in.token);
            ([(header::SET_COOKIE, cookie)], Redirect::to(guard::local_path(next))).into_response()
        }
        Err(LoginError::Wrong) => {
            tracing::warn!(%address, "a login failed");
            form(&app, &preferences, name, next, Some(lang.login_wrong()), StatusCode::UNAUTHORIZED)
        }
        Err(LoginError::TooMany) => {
            tracing::warn!(%address, "too many failed logins");
            form(&app, &preferences, name, next, Some(lang.login_many()), StatusCode::TOO_MANY_REQUESTS)
        }
        Err(error) => PageError::Internal(error.to_string()).into_response(),
    }
}

pub(super) async fn log_out(
    State(app): State<App>,
    scheme: Option<axum::Extension<Scheme>>,
    form: SafeForm,
) -> Response {
    let ended = user::log_out(&app.db, app.tenant().as_str(), &form.viewer.session).await;
    if let Err(error) = ended {
        return PageError::from(error).shown(&form.viewer).into_response();
    }
    let cookie = session_cookie(scheme.map_or(Scheme::Http, |scheme| scheme.0), "");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
}
