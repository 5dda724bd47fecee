//! What administrators changed, and who looked at what.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadRequest, Failures, Forbidden};
use super::guard::Caller;
use crate::admin::asked::{self, NoDay};
use crate::admin::audit::{self, Row};
use crate::admin::looks::{self, Look};
use crate::app::App;
use crate::user::Act;
use crate::web::guard::Fields;

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
pub(super) struct AuditQuery {
    /// Name of a user, or `cli`.
    by: Option<String>,
    /// What it was done to: a name or an id.
    subject: Option<String>,
    /// Such as `user_granted`; an unknown one is all.
    act: Option<String>,
    /// Local days, both included: `2026-03-18`.
    from: Option<String>,
    to: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AuditList {
    /// The newest first.
    audit: Vec<Row>,
    /// Where the next page begins; nothing on the last one.
    next: Option<String>,
}

fn odd(_: NoDay) -> ApiError {
    ApiError::Input("from, to: local days, such as 2026-03-18".to_owned())
}

/// What administrators and the command line changed, as far as it concerns one's area.
#[utoipa::path(get, path = "/api/v1/audit", params(AuditQuery), tag = "organisation", responses(
    (status = 200, body = AuditList), BadRequest, Forbidden, Failures))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<AuditList>, ApiError> {
    caller.must(Act::Audit)?;
    let wanted = asked::of_audit(&app, &fields, &caller.0.user).map_err(odd)?;
    let (audit, next) = audit::page(&app.db, app.tenant().as_str(), &wanted, audit::PAGE).await?;
    Ok(Json(AuditList { audit, next: next.map(|next| next.to_string()) }))
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query")]
pub(super) struct AccessQuery {
    /// Name of the user who looked.
    person: Option<String>,
    /// Number of a case.
    case: Option<String>,
    /// Local days, both included: `2026-03-18`.
    from: Option<String>,
    to: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AccessList {
    /// The newest first.
    access: Vec<Look>,
    /// Where the next page begins; nothing on the last one.
    next: Option<String>,
}

/// Who looked at, downloaded, listened to or asked for what, and what for; of cases in one's area.
#[utoipa::path(get, path = "/api/v1/access", params(AccessQuery), tag = "organisation", responses(
    (status = 200, body = AccessList), BadRequest, Forbidden, Failures))]
pub(super) async fn access(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<AccessList>, ApiError> {
    caller.must(Act::Audit)?;
    let wanted = asked::of_register(&app, &fields, &caller.0.user).map_err(odd)?;
    let (access, next) = looks::page(&app.db, app.tenant().as_str(), &wanted, looks::PAGE).await?;
    Ok(Json(AccessList { access, next: next.map(|next| next.to_string()) }))
}
