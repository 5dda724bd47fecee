//! Cases as JSON.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use super::model::{CaseDetail, CaseItem, CaseList};
use crate::app::App;
use crate::case::store::list as lists;
use crate::case::{self, Case, CaseError, CaseFilter, Cursor};
use crate::ticket::{self, Draft, TicketError, lesson};
use crate::user::Act;
use crate::web::guard::Fields;

#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "describes the query; `list` reads it with errors that name the field")]
struct CaseQuery {
    /// `received`, `filed`, …
    state: Option<String>,
    /// `intrusion`, `hotline`, …
    kind: Option<String>,
    /// At most this many; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// The `next` of the page before; or a time in epoch ms: only cases opened before it.
    before: Option<String>,
}

#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "describes the query; `get` reads it with errors that name the field")]
struct DetailQuery {
    /// The `next_incidents` of an answer: incidents before those it had.
    incidents: Option<String>,
    /// The `next_history` of an answer: history rows before those it had.
    history: Option<i64>,
}

/// Incidents of each listed case whose files are in the list; the case itself has the others.
const FILES_OF: i64 = 20;

/// Incidents, and history rows, of one answer.
const MOST: usize = 500;

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
    BadRequest, Failures))]
pub(super) async fn list(
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
        // One more than asked for tells whether there is a next page.
        limit: limit + 1,
        ..CaseFilter::default()
    };
    let tenant = app.tenant().as_str();
    let mut cases = lists::list(&app.db, tenant, &filter).await?;
    let more = cases.len() as i64 > limit;
    cases.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = cases.last().filter(|_| more).map(|last| Cursor::of(last).to_string());
    let evidence = lists::newest_evidence(&app.db, tenant, &cases, FILES_OF).await?;
    Ok(Json(CaseList { cases: cases.iter().map(|case| CaseItem::new(case, &evidence)).collect(), next }))
}

async fn detail(app: &App, case: &Case, fields: &Fields) -> Result<Json<CaseDetail>, ApiError> {
    let tenant = app.tenant().as_str();
    let (before, rows_before) = (read::<Cursor>(fields, "incidents")?, read(fields, "history")?);
    let limit = MOST as i64 + 1;
    let mut incidents = lists::incidents(&app.db, tenant, &case.case_id, before.as_ref(), limit).await?;
    let more = incidents.len() > MOST;
    incidents.truncate(MOST);
    let next_incidents = incidents.last().filter(|_| more).map(|last| Cursor::before(last).to_string());
    let ids = incidents.iter().map(|incident| incident.incident_id.as_str());
    let evidence = lists::evidence_of(&app.db, tenant, ids, std::slice::from_ref(case)).await?;
    let mut history = case::store::history(&app.db, tenant, &case.case_id, rows_before, limit).await?;
    let next_history = (history.len() > MOST).then(|| {
        history.remove(0);
        history[0].position
    });
    Ok(Json(CaseDetail {
        case: CaseItem::new(case, &evidence),
        history: history.iter().map(Into::into).collect(),
        incidents: incidents.iter().rev().map(Into::into).collect(),
        next_history,
        next_incidents,
        ticket: ticket::get(&app.db, tenant, &case.case_id).await?,
    }))
}

/// One case with its newest history and incidents, and its ticket.
#[utoipa::path(get, path = "/api/v1/cases/{number}", params(("number" = String, Path,), DetailQuery), tag = "cases", responses(
    (status = 200, body = CaseDetail),
    BadRequest, NotFound, Failures))]
pub(super) async fn get(
    State(app): State<App>,
    _caller: Caller,
    Address(number): Address<String>,
    fields: Fields,
) -> Result<Json<CaseDetail>, ApiError> {
    let case = case::store::by_number(&app.db, app.tenant().as_str(), &number).await?;
    detail(&app, &case.ok_or(CaseError::Unknown(number))?, &fields).await
}

/// Say that the case is seen and in hand. The first one counts; again is harmless.
#[utoipa::path(post, path = "/api/v1/cases/{number}/acknowledge", params(("number" = String, Path,)), tag = "cases",
    responses((status = 200, body = CaseDetail),
    BadRequest, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
) -> Result<Json<CaseDetail>, ApiError> {
    caller.must(Act::Acknowledge)?;
    let (tenant, user) = (app.tenant().as_str(), &caller.0.user);
    let case = case::store::acknowledge(&app.db, tenant, &number, user, app.clock.now()).await?;
    app.changes.wake();
    detail(&app, &case, &Fields::default()).await
}

/// File the ticket of a call (the case moves from received to filed), or correct it.
#[utoipa::path(put, path = "/api/v1/cases/{number}/ticket", params(("number" = String, Path,)), request_body = Draft,
    tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn ticket(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Json<CaseDetail>, ApiError> {
    caller.must(Act::FileTicket)?;
    let Json(draft) = draft?;
    let (tenant, user) = (app.tenant().as_str(), &caller.0.user);
    let before = match case::store::by_number(&app.db, tenant, &number).await? {
        Some(case) => ticket::get(&app.db, tenant, &case.case_id).await?.map(|ticket| ticket.draft()),
        None => None,
    };
    let case = match ticket::file(&app.db, tenant, &number, &draft, None, user, app.clock.now()).await {
        Ok(case) => case,
        Err(error @ TicketError::Wrong(_)) => return Err(ApiError::Unprocessable(error.to_string())),
        Err(
            error @ (TicketError::NotACall(_) | TicketError::FiledMeanwhile(_) | TicketError::Finished(_)),
        ) => {
            return Err(ApiError::Conflict(error.to_string()));
        }
        Err(TicketError::Case(error)) => return Err(error.into()),
    };
    lesson::teach(&app, &case, user, &draft, before.as_ref()).await;
    app.changes.wake();
    detail(&app, &case, &Fields::default()).await
}
