//! Cases as JSON.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use super::model::{CaseDetail, CaseItem, CaseList, WorkflowItem};
use crate::app::App;
use crate::case::store::list as lists;
use crate::case::{self, Case, CaseError, CaseFilter, Cursor, Source};
use crate::correlation::links;
use crate::gazetteer;
use crate::organisation;
use crate::public::code;
use crate::ticket::{self, Draft, TicketError, lesson};
use crate::user::Act;
use crate::web::guard::Fields;
use crate::web::text::Lang;
use crate::workflow::{self, Actor};

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `list` reads it with errors that name the field")]
struct CaseQuery {
    /// `received`, `filed`, …
    state: Option<String>,
    /// `intrusion`, `hotline`, …
    kind: Option<String>,
    /// Received cases that are with this level: `county`, `town`, `community`, `grid`.
    level: Option<String>,
    /// Cases that this unit leads.
    unit: Option<String>,
    /// Cases that lie in this area, by its id.
    area: Option<String>,
    /// `camera`, `call`, `device`, `worker`, `citizen` or `platform`.
    source: Option<String>,
    /// Words of number, title, place or device.
    #[param(max_length = 80)]
    q: Option<String>,
    /// At most this many; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// The `next` of the page before; or a time in epoch ms: only cases opened before it.
    before: Option<String>,
}

/// The same without pages.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `filter` reads it with errors that name the field")]
pub(super) struct ExportQuery {
    /// `received`, `filed`, …
    state: Option<String>,
    /// `intrusion`, `hotline`, …
    kind: Option<String>,
    /// Received cases that are with this level.
    level: Option<String>,
    /// Cases that this unit leads.
    unit: Option<String>,
    /// Cases that lie in this area, by its id.
    area: Option<String>,
    /// `camera`, `call`, `device`, `worker`, `citizen` or `platform`.
    source: Option<String>,
    /// Words of number, title, place or device.
    q: Option<String>,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `get` reads it with errors that name the field")]
struct DetailQuery {
    /// The `next_incidents` of an answer: incidents before those it had.
    incidents: Option<String>,
    /// The `next_history` of an answer: history rows before those it had.
    history: Option<i64>,
}

/// Incidents of each listed case whose files are in the list; the case itself has the others.
const FILES_OF: i64 = 20;

/// Longest text to look for, in characters.
const MOST_WORDS: usize = 80;

/// Incidents, and history rows, of one answer.
const MOST: usize = 500;

pub(super) fn read<T: std::str::FromStr>(fields: &Fields, name: &str) -> Result<Option<T>, ApiError>
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
    caller: Caller,
    fields: Fields,
) -> Result<Json<CaseList>, ApiError> {
    let limit: i64 = read(&fields, "limit")?.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiError::Input(format!("limit: {limit} is not between 1 and 1000")));
    }
    let filter = CaseFilter {
        after: read(&fields, "before")?,
        // One more than asked for tells whether there is a next page.
        limit: limit + 1,
        ..filter(&app, caller.0.user, &fields).await?
    };
    let tenant = app.tenant().as_str();
    let mut cases = lists::list(&app.db, tenant, &filter).await?;
    let more = cases.len() as i64 > limit;
    cases.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = cases.last().filter(|_| more).map(|last| Cursor::of(last).to_string());
    let evidence = lists::newest_evidence(&app.db, tenant, &cases, FILES_OF).await?;
    Ok(Json(CaseList { cases: cases.iter().map(|case| CaseItem::new(case, &evidence)).collect(), next }))
}

/// Which cases a query asks for, of those that a user may see.
pub(super) async fn filter(app: &App, user: String, fields: &Fields) -> Result<CaseFilter, ApiError> {
    let source = match fields.get("source") {
        "" => None,
        word => Some(Source::parse(word).ok_or_else(|| {
            let all = Source::ALL.map(Source::as_str).join(", ");
            ApiError::Input(format!("source: {word:?} is not one of {all}"))
        })?),
    };
    let words = fields.get("q").trim();
    if words.chars().count() > MOST_WORDS {
        return Err(ApiError::Input(format!("q: at most {MOST_WORDS} characters")));
    }
    Ok(CaseFilter {
        state: read(fields, "state")?,
        kind: read(fields, "kind")?,
        level: read(fields, "level")?,
        source,
        words: words.to_owned(),
        unit: fields.get("unit").to_owned(),
        area: area_path(app, fields.get("area")).await?,
        user,
        ..CaseFilter::default()
    })
}

/// Where an area lies, by its id; nothing for none.
async fn area_path(app: &App, id: &str) -> Result<String, ApiError> {
    if id.is_empty() {
        return Ok(String::new());
    }
    let found = organisation::store::area(&app.db, app.tenant().as_str(), id).await?;
    let found = found.ok_or_else(|| ApiError::Input(format!("area: there is no area {id:?}")))?;
    Ok(found.path)
}

impl From<TicketError> for ApiError {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::Wrong(_) => Self::Unprocessable(error.to_string()),
            TicketError::NotACall(_) | TicketError::FiledMeanwhile(_) | TicketError::Finished(_) => {
                Self::Conflict(error.to_string())
            }
            TicketError::Refused(refused) => refused.into(),
            TicketError::Place(error) => error.into(),
            TicketError::Case(error) => error.into(),
        }
    }
}

/// A case as this user may see it.
pub(super) async fn detail(
    app: &App,
    user: &str,
    case: &Case,
    fields: &Fields,
) -> Result<Json<CaseDetail>, ApiError> {
    let tenant = app.tenant().as_str();
    let (before, rows_before) = (read::<Cursor>(fields, "incidents")?, read(fields, "history")?);
    let limit = MOST as i64 + 1;
    let joined = lists::joined(&app.db, tenant, user, &case.number).await?;
    let reports = case::store::joined::reports(&app.db, tenant, user, &case.number).await?;
    let members = std::iter::once(case.case_id.as_str()).chain(joined.iter().map(|one| one.case_id.as_str()));
    let mut incidents = lists::incidents_of(&app.db, tenant, members, before.as_ref(), limit).await?;
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
    let mut tx = app.db.begin_read().await?;
    let dossier = workflow::store::load(&mut tx, tenant, &case.number).await?;
    let dossier = dossier.ok_or_else(|| CaseError::Unknown(case.number.clone()))?;
    drop(tx);
    Ok(Json(CaseDetail {
        case: CaseItem::new(case, &evidence).with_joined(&joined, &evidence),
        links: links::of_case(&app.db, tenant, &case.case_id).await?,
        joined: joined.iter().map(Into::into).collect(),
        joined_reports: reports.iter().map(Into::into).collect(),
        history: history.iter().map(Into::into).collect(),
        incidents: incidents.iter().rev().map(Into::into).collect(),
        next_history,
        next_incidents,
        ticket: ticket::get(&app.db, tenant, &case.case_id).await?,
        place_told: gazetteer::of_case(&app.db, tenant, &case.case_id).await?.map(Into::into),
        public_code: code::of_case(app, case).await?.as_deref().map(code::shown),
        confidential: case.confidential != 0,
        workflow: WorkflowItem::new(&dossier, app.clock.now()),
    }))
}

/// One case with its newest history and incidents, and its ticket.
#[utoipa::path(get, path = "/api/v1/cases/{number}", params(("number" = String, Path,), DetailQuery), tag = "cases", responses(
    (status = 200, body = CaseDetail),
    BadRequest, NotFound, Failures))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    fields: Fields,
) -> Result<Json<CaseDetail>, ApiError> {
    let case = case::store::by_number(&app.db, app.tenant().as_str(), &caller.0.user, &number).await?;
    detail(&app, &caller.0.user, &case.ok_or(CaseError::Unknown(number))?, &fields).await
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
    if let Some(case) = case::store::by_number(&app.db, tenant, user, &number).await? {
        caller.must_at(Act::Acknowledge, &case.area)?;
    }
    let case = case::store::acknowledge(&app.db, tenant, &number, user, app.clock.now()).await?;
    app.changes.wake();
    detail(&app, &caller.0.user, &case, &Fields::default()).await
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
    let before = match case::store::by_number(&app.db, tenant, user, &number).await? {
        Some(case) if caller.must_at(Act::FileTicket, &case.area).is_err() => {
            return Err(ApiError::Role(Act::FileTicket.roles_text(Lang::En)));
        }
        Some(case) => ticket::get(&app.db, tenant, &case.case_id).await?.map(|ticket| ticket.draft()),
        None => None,
    };
    let actor = Actor::user(user, &caller.0.grants);
    let case = ticket::file(&app, &number, &draft, None, &actor).await?;
    lesson::teach(&app, &case, user, &draft, before.as_ref()).await;
    app.changes.wake();
    detail(&app, &caller.0.user, &case, &Fields::default()).await
}
