//! 直报指挥中心, as JSON.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, Conflict, Failures, Forbidden, NotFound};
use super::cases::detail;
use super::guard::{Address, Caller};
use super::model::CaseDetail;
use crate::app::App;
use crate::case;
use crate::ticket::{self, Filing};
use crate::user::Act;
use crate::web::guard::Fields;
use crate::web::text::Lang;
use crate::workflow::Actor;

/// Longest reason, in characters.
const MOST_REASON: usize = 2_000;

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CentreRequest {
    /// What makes it one. Kept in the history; those who are told see the case.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Put the case of a call straight before the command centre: it becomes an emergency that nobody has in hand, and the centre
/// is told at once and again until somebody acknowledges it. Again while it waits is harmless.
#[utoipa::path(post, path = "/api/v1/cases/{number}/centre", params(("number" = String, Path,)),
    request_body = CentreRequest, tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn call(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    request: Result<Json<CentreRequest>, JsonRejection>,
) -> Result<Json<CaseDetail>, ApiError> {
    caller.must(Act::FileTicket)?;
    let Json(request) = request?;
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST_REASON {
        return Err(ApiError::Unprocessable(format!("reason: write 1 to {MOST_REASON} characters")));
    }
    let (tenant, user) = (app.tenant().as_str(), &caller.0.user);
    let seen = case::store::by_number(&app.db, tenant, user, &number).await?;
    if seen.is_some_and(|case| caller.must_at(Act::FileTicket, &case.area).is_err()) {
        return Err(ApiError::Role(Act::FileTicket.roles_text(Lang::En)));
    }
    let filing = Filing { centre: Some(reason), ..Filing::default() };
    let case = ticket::take(&app, &number, filing, &Actor::user(user, &caller.0.grants)).await?;
    app.changes.wake();
    detail(&app, user, &case, &Fields::default()).await
}
