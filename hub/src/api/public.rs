//! What became of a matter, for its number and its code, without a login.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;

use super::ApiError;
use super::answers::{BadRequest, NotFound, Outage, TooManyTries};
use crate::app::App;
use crate::public::{self, Answer, Status};
use crate::web::guard::{self, Fields};

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
struct StatusQuery {
    /// `YYYYMMDD-NNN`
    number: String,
    /// Eight characters; hyphens, blanks and small letters do not matter.
    code: String,
}

/// Where the request came from.
pub(super) struct Origin(String);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(guard::address(parts)))
    }
}

/// How far a matter has come, for whoever reported it. A wrong number and a wrong code get the same answer.
#[utoipa::path(get, path = "/api/v1/public/status", params(StatusQuery), tag = "public", security(()), responses(
    (status = 200, body = Status),
    BadRequest, NotFound, TooManyTries, Outage))]
pub(super) async fn status(
    State(app): State<App>,
    from: Origin,
    fields: Fields,
) -> Result<Json<Status>, ApiError> {
    for name in ["number", "code"] {
        if fields.get(name).trim().is_empty() {
            return Err(ApiError::Input(format!("{name}: give it as ?number=…&code=…")));
        }
    }
    match public::ask(&app, fields.get("number"), fields.get("code"), &from.0).await? {
        Answer::Told(status) => Ok(Json(*status)),
        Answer::Unknown => Err(ApiError::NotFound("no matter has this number with this code".to_owned())),
        Answer::Locked => Err(ApiError::TooMany("too many wrong answers; try again in an hour".to_owned())),
    }
}
