//! Cases as JSON.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};

use super::ApiError;
use super::guard::Caller;
use super::model::{CaseDetail, CaseItem, CaseList, Problem};
use crate::app::App;
use crate::case::store::list;
use crate::case::{self, Case, CaseError, CaseFilter, Cursor};
use crate::ticket::{self, Draft, TicketError};
use crate::user::Act;
use crate::web::guard::Fields;

/// A list names the files of this many newest incidents of each case; a case's own answer names more.
const INCIDENTS_EACH: i64 = 3;
/// A case's answer holds at most this many of its newest incidents and history rows, oldest first.
const ROWS: i64 = 500;

#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "describes the query; `page` reads it with errors that name the field")]
struct CaseQuery {
    /// `received`, `filed`, …
    state: Option<String>,
    /// `intrusion`, `hotline`, …
    kind: Option<String>,
    /// At most this many (1 to 1000; 100 when absent).
    limit: Option<i64>,
    /// The next page: `next` of the answer before. Or only cases opened before this (epoch ms).
    before: Option<String>,
}

fn read<T: std::str::FromStr>(fields: &Fields, name: &str) -> Result<Option<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    match fields.get(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error| ApiError::Input(format!("{name}: {error}"))),
    }
}

/// Cases, newest first.
#[utoipa::path(get, path = "/api/v1/cases", params(CaseQuery), tag = "cases", responses(
    (status = 200, body = CaseList),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn page(
    State(app): State<App>,
    _caller: Caller,
    fields: Fields,
) -> Result<Json<CaseList>, ApiError> {
    let limit: i64 = read(&fields, "limit")?.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiError::Input(format!("limit: {limit} is not between 1 and 1000")));
    }
    let filter = CaseFilter {
        state: read(&fields, "state")?,
        kind: read(&fields, "kind")?,
        after: read(&fields, "before")?,
        // One more than asked tells whether there is a next page.
        limit: limit + 1,
        ..CaseFilter::default()
    };
    let tenant = app.tenant().as_str();
    let mut cases = list::list(&app.db, tenant, &filter).await?;
    let more = cases.len() > limit as usize;
    cases.truncate(limit as usize);
    let evidence = list::newest_evidence(&app.db, tenant, &cases, INCIDENTS_EACH).await?;
    Ok(Json(CaseList {
        next: cases.last().filter(|_| more).map(|last| Cursor::of(last).to_string()),
        cases: cases.iter().map(|case| CaseItem::new(case, &evidence)).collect(),
    }))
}

async fn detail(app: &App, case: &Case) -> Result<Json<CaseDetail>, ApiError> {
    let tenant = app.tenant().as_str();
    let history = case::store::history(&app.db, tenant, &case.case_id, None, ROWS).await?;
    let mut incidents = list::incidents(&app.db, tenant, &case.case_id, None, ROWS).await?;
    incidents.reverse();
    let ids = incidents.iter().map(|incident| incident.incident_id.as_str());
    let evidence = list::evidence_of(&app.db, tenant, ids, std::slice::from_ref(case)).await?;
    Ok(Json(CaseDetail {
        case: CaseItem::new(case, &evidence),
        history: history.iter().map(Into::into).collect(),
        incidents: incidents.iter().map(Into::into).collect(),
        ticket: ticket::get(&app.db, tenant, &case.case_id).await?,
    }))
}

/// One case with its history, incidents and ticket.
#[utoipa::path(get, path = "/api/v1/cases/{number}", params(("number" = String, Path,)), tag = "cases", responses(
    (status = 200, body = CaseDetail),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn get(
    State(app): State<App>,
    _caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<CaseDetail>, ApiError> {
    let case = case::store::by_number(&app.db, app.tenant().as_str(), &number).await?;
    detail(&app, &case.ok_or(CaseError::Unknown(number))?).await
}

/// Say that the case is seen and in hand. The first one counts; again is harmless.
#[utoipa::path(post, path = "/api/v1/cases/{number}/acknowledge", params(("number" = String, Path,)), tag = "cases",
    responses((status = 200, body = CaseDetail),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<CaseDetail>, ApiError> {
    caller.must(Act::Acknowledge)?;
    let (tenant, user) = (app.tenant().as_str(), &caller.0.user);
    let case = case::store::acknowledge(&app.db, tenant, &number, user, app.clock.now()).await?;
    app.changes.wake();
    detail(&app, &case).await
}

/// File the ticket of a call (the case moves from received to filed), or correct it.
#[utoipa::path(put, path = "/api/v1/cases/{number}/ticket", params(("number" = String, Path,)), request_body = Draft,
    tag = "cases", responses((status = 200, body = CaseDetail),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn ticket(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Json<CaseDetail>, ApiError> {
    caller.must(Act::FileTicket)?;
    let Json(draft) = draft?;
    let (tenant, user) = (app.tenant().as_str(), &caller.0.user);
    let case = match ticket::file(&app.db, tenant, &number, &draft, user, app.clock.now()).await {
        Ok(case) => case,
        Err(error @ TicketError::Wrong(_)) => return Err(ApiError::Unprocessable(error.to_string())),
        Err(error @ (TicketError::NotACall(_) | TicketError::Finished(_))) => {
            return Err(ApiError::Conflict(error.to_string()));
        }
        Err(TicketError::Case(error)) => return Err(error.into()),
    };
    app.changes.wake();
    detail(&app, &case).await
}
