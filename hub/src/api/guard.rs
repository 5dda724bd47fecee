//! Who calls the API.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::ApiError;
use crate::admin::By;
use crate::app::App;
use crate::organisation::{self, AreaPath};
use crate::user::{Act, Session};
use crate::web::guard::{Via, cross_site, same, session_of};
use crate::web::text::Lang;

/// A logged-in person or script. Changes by cookie are refused without the session's CSRF token.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Session);

impl Caller {
    pub(super) fn must(&self, act: Act) -> Result<(), ApiError> {
        if self.0.may(act) { Ok(()) } else { Err(ApiError::Role(act.roles_text(Lang::En))) }
    }

    /// The same there: a role for another area does not help.
    pub(super) fn must_at(&self, act: Act, area: &str) -> Result<(), ApiError> {
        if self.0.may_at(act, &AreaPath::kept(area.to_owned())) {
            return Ok(());
        }
        Err(ApiError::Role(act.roles_text(Lang::En)))
    }
}

impl Caller {
    /// How far he may look at how things are set up.
    pub(super) fn looks(&self, app: &App) -> Result<By, ApiError> {
        self.must(Act::Audit)?;
        Ok(By::looking(&self.0, app.clock.now()))
    }

    /// How far he may change that.
    pub(super) fn changes(&self, app: &App) -> Result<By, ApiError> {
        self.must(Act::Organise)?;
        Ok(By::of(&self.0, app.clock.now()))
    }
}

/// The path of an area by its id; or its path; nothing written is everywhere.
pub(super) async fn path_of(app: &App, area: &str) -> Result<AreaPath, ApiError> {
    let area = area.trim();
    if area.is_empty() || area == "/" {
        return Ok(AreaPath::everything());
    }
    let all = organisation::store::areas(&app.db, app.tenant().as_str()).await?;
    let known = all.into_iter().find(|known| known.area == area || known.path == area);
    let known = known.ok_or_else(|| ApiError::Unprocessable(format!("area: there is no area {area}")))?;
    Ok(AreaPath::kept(known.path))
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Some((session, via)) = session_of(app, parts).await? else { return Err(ApiError::Anonymous) };
        // The page on which it is changed follows the feed.
        if session.must_change && !["/api/v1/session", "/api/v1/changes"].contains(&parts.uri.path()) {
            let why = "an administrator made this password: change it on /me first".to_owned();
            return Err(ApiError::Forbidden(why));
        }
        let changes = !parts.method.is_safe();
        if changes && via == Via::Cookie {
            let given = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
            if cross_site(&parts.headers) || !same(given.unwrap_or_default(), &session.csrf) {
                return Err(ApiError::Csrf);
            }
        }
        Ok(Self(session))
    }
}

/// What the address names.
pub(super) struct Address<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Address<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|path| Self(path.0)).map_err(|rejection| ApiError::Input(rejection.body_text()))
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::of_body(rejection.status(), rejection.body_text())
    }
}
