//! What went wrong, as a page in the reader's language. Nothing of the inside is shown; the log has it.

use askama::Template as _;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::guard::{Preferences, Viewer};
use super::moment::Moment;
use super::shell::who;
use super::view::{ErrorPage, Nav, Shell};

#[derive(Debug)]
pub enum PageError {
    NotFound,
    /// The words name the roles that may.
    Forbidden(String),
    Csrf,
    /// The case is closed or void.
    Finished,
    /// The case has not come so far.
    Early,
    Input(String),
    /// The database holds no such text.
    BadValue,
    Internal(String),
    /// One of the above, for somebody known.
    Shown(Box<PageError>, Box<Viewer>),
}

impl PageError {
    #[must_use]
    pub fn shown(self, viewer: &Viewer) -> Self {
        match self {
            already @ Self::Shown(..) => already,
            plain => Self::Shown(Box::new(plain), Box::new(viewer.clone())),
        }
    }
}

impl From<crate::db::Error> for PageError {
    fn from(error: crate::db::Error) -> Self {
        if crate::db::is_bad_value(&error) {
            return Self::BadValue;
        }
        Self::Internal(format!("database: {error}"))
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("template: {error}"))
    }
}

impl From<crate::case::CaseError> for PageError {
    fn from(error: crate::case::CaseError) -> Self {
        use crate::case::CaseError;
        match error {
            CaseError::Unknown(_) => Self::NotFound,
            CaseError::Finished(_) => Self::Finished,
            CaseError::Db(error) => error.into(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (error, viewer) = match self {
            Self::Shown(error, viewer) => (*error, Some(viewer)),
            plain => (plain, None),
        };
        let preferences = viewer.as_ref().map(|viewer| viewer.preferences.clone()).unwrap_or_default();
        let l = preferences.lang;
        let (status, title, why, detail) = match error {
            Self::NotFound | Self::Shown(..) => {
                (StatusCode::NOT_FOUND, l.error_404(), l.error_404_why(), String::new())
            }
            Self::Forbidden(roles) => (
                StatusCode::FORBIDDEN,
                l.error_403(),
                l.error_403_why(),
                format!("{}{roles}", l.only_roles()),
            ),
            Self::Csrf => (StatusCode::FORBIDDEN, l.error_csrf(), l.error_csrf_why(), String::new()),
            Self::Finished => (StatusCode::CONFLICT, l.error_409(), l.error_409_why(), String::new()),
            Self::Early => (StatusCode::CONFLICT, l.error_early(), l.order_early_why(), String::new()),
            Self::Input(detail) => (StatusCode::BAD_REQUEST, l.error_400(), "", detail),
            Self::BadValue => (StatusCode::BAD_REQUEST, l.error_400(), l.input_bad_text(), String::new()),
            Self::Internal(detail) => {
                tracing::error!(%detail, "a page could not be made");
                (StatusCode::INTERNAL_SERVER_ERROR, l.error_500(), l.error_500_why(), String::new())
            }
        };
        let shell = bare_shell(&preferences, viewer.as_deref());
        let page = ErrorPage { shell: &shell, status: status.as_u16(), title, why, detail };
        match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "the error page itself failed");
                (status, title).into_response()
            }
        }
    }
}

/// A frame without clock or feed: error pages read nothing, and what is told once is not read again.
pub(super) fn bare_shell(preferences: &Preferences, viewer: Option<&Viewer>) -> Shell {
    let never = Moment { ms: 0, text: String::new(), full: String::new(), iso: String::new(), age_ms: 0 };
    Shell {
        lang: preferences.lang,
        theme: preferences.theme,
        nav: Nav::None,
        who: viewer.map(who),
        csrf: viewer.map(|viewer| viewer.session.csrf.clone()).unwrap_or_default(),
        now: never,
        here: if preferences.here.is_empty() { "?".to_owned() } else { preferences.here.clone() },
        find: String::new(),
        position: None,
    }
}
