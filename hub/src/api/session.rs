//! Login of scripts and browsers.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, Failures, Forbidden, TooMany};
use super::guard::Caller;
use crate::app::App;
use crate::http::Scheme;
use crate::user::{self, LoginError};
use crate::web::guard::{address, cross_site, session_cookie};

#[derive(Deserialize, ToSchema)]
pub(super) struct Credentials {
    name: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SessionToken {
    /// For `Authorization: Bearer …`.
    token: String,
    /// For `X-CSRF-Token`, when the cookie is used instead.
    csrf: String,
    role: String,
}

/// Log in. Sets the session cookie too.
#[utoipa::path(post, path = "/api/v1/session", request_body = Credentials, tag = "session", responses(
    (status = 200, body = SessionToken),
    BadBody, Forbidden, TooMany, Failures), security(()))]
pub(super) async fn log_in(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    if cross_site(&parts.headers) {
        return Err(ApiError::Csrf);
    }
    let (address, scheme) =
        (address(&parts), parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http));
    let request = Request::from_parts(parts, body);
    let Json(given) = Json::<Credentials>::from_request(request, &())
        .await
        .map_err(|e: JsonRejection| ApiError::from(e))?;
    let credentials = (given.name.as_str(), given.password.as_str());
    let result =
        user::log_in(&app.db, app.tenant().as_str(), &app.chance, app.clock.now(), credentials, &address);
    let logged_in = match result.await {
        Ok(logged_in) => logged_in,
        Err(error @ LoginError::Wrong) => {
            return Ok(crate::http::problem(StatusCode::UNAUTHORIZED, &error.to_string()));
        }
        Err(error @ LoginError::TooMany) => return Err(ApiError::TooMany(error.to_string())),
        Err(LoginError::Db(error)) => return Err(error.into()),
        Err(LoginError::Hash(error)) => return Err(ApiError::Internal(error)),
    };
    let cookie = session_cookie(scheme, &logged_in.token);
    let answer =
        SessionToken { token: logged_in.token, csrf: logged_in.csrf, role: logged_in.role.to_string() };
    Ok(([(header::SET_COOKIE, cookie)], Json(answer)).into_response())
}

/// Log out: ends this session.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses(
    (status = 204), Forbidden, Failures))]
pub(super) async fn log_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, ApiError> {
    user::log_out(&app.db, app.tenant().as_str(), &caller.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(super) struct WhoAmI {
    name: String,
    role: String,
    /// For `X-CSRF-Token`, of this session: pages that lie open for long, or were kept, ask for it anew.
    csrf: String,
}

/// Whose session this is.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses(
    (status = 200, body = WhoAmI), Failures))]
pub(super) async fn who(caller: Caller) -> Json<WhoAmI> {
    Json(WhoAmI { name: caller.0.user, role: caller.0.role.to_string(), csrf: caller.0.csrf })
}
