//! 网格: the page on the telephones of those who work in a grid, a community or a town: what waits to be checked and handled
//! there, reports from the spot, and what became of one's own. It works by plain forms; `field.js` makes drafts of them, which
//! survive days without a network, and `sw.js` keeps this one page for then.
//!
//! What is done here is done by the same calls as through the API; a form carries the position of the history that it was drawn
//! from, like those of `web/moves`. Nothing of where people are is kept.

mod act;
mod deed;
mod task;

use askama::Template as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use protocol::Severity;

pub(super) use act::{report, step};
pub(super) use deed::submit as deed;

use super::error::PageError;
use super::guard::{Fields, Viewer};
use super::shell::{local, shell};
use super::text::Lang;
use super::view::{FieldChanges, FieldPage, FieldProblem, FieldReport, FieldTask, MapMode, MapView, Nav};
use super::{map, words};
use crate::app::App;
use crate::case::{self, HistoryEntry};
use crate::field::deed::doers;
use crate::field::store::Found;
use crate::field::{MOST_SINCE, store};
use crate::organisation::{self, Area, AreaPath};
use crate::user::{Act, Grant, Session};
use crate::web::moves::counts;
use crate::workflow::StepKind;
pub(super) use task::line as talk_line;
use task::{Around, Beside, Colleagues};

/// More than anybody does in a day.
const MOST_TASKS: usize = 60;
const MOST_MINE: i64 = 20;
/// Pictures of one task.
const MOST_PICTURES: i64 = 4;
/// Messages of one task, the newest.
const MOST_TALK: i64 = 20;
/// Degrees around the tasks on the map: about two hundred metres.
const MAP_MARGIN: f64 = 0.002;
/// Grids that are offered for a report: those of a large town.
const MOST_AREAS: usize = 400;

/// What is shown besides what waits.
#[derive(Clone, Debug, Default)]
struct Outcome {
    done: Option<String>,
    /// A form of a task that was refused, and the number of its case.
    problem: Option<(String, FieldProblem)>,
    report: Option<FieldReport>,
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Field)?;
    let lang = viewer.preferences.lang;
    let number = |name: &str| Some(fields.get(name)).filter(|number| is_number(number));
    let done = match (number("reported"), number("moved")) {
        (Some(number), _) => Some(format!("{} {number}", lang.field_sent())),
        (None, Some(number)) => Some(format!("{} {number}", lang.field_moved())),
        (None, None) => None,
    };
    let outcome = Outcome { done, ..Outcome::default() };
    made(&app, &viewer, outcome).await.map(Html).map_err(|error| error.shown(&viewer))
}

/// Only what can be a case's is repeated on the page.
fn is_number(text: &str) -> bool {
    (1..=24).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// The address of a form opened as a page, after a login in between: leads to the page that it is on.
pub(super) async fn back(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
) -> Result<Redirect, PageError> {
    viewer.must(Act::Field)?;
    sees(&app, &viewer, &number).await?;
    Ok(Redirect::to("/field"))
}

/// What has happened to a case since a draft was written.
pub(super) async fn changes(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Field)?;
    let case = sees(&app, &viewer, &number).await?;
    let lang = viewer.preferences.lang;
    let after = fields.get("after").parse::<i64>();
    let after = after.map_err(|_| PageError::Input(lang.input_unreadable().to_owned()).shown(&viewer))?;
    let shown = |error: crate::db::Error| PageError::from(error).shown(&viewer);
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin_read().await.map_err(shown)?;
    let rows = case::store::history_since(&mut tx, tenant, &case.case_id, after, MOST_SINCE).await;
    let rows: Vec<HistoryEntry> = rows.map_err(shown)?.into_iter().filter(counts).collect();
    let position = case::store::history_count(&mut tx, tenant, &case.case_id).await.map_err(shown)?;
    drop(tx);
    let frame = shell(&app, &viewer, Nav::Field).await?;
    let page = FieldChanges {
        shell: &frame,
        state: words::state(&case.state, lang),
        changed: told(&app, &rows, lang),
        position,
    };
    page.render().map(Html).map_err(|error| PageError::from(error).shown(&viewer))
}

/// Rows of a history, each as a line.
fn told(app: &App, rows: &[HistoryEntry], lang: Lang) -> Vec<String> {
    let local = local(app);
    let line = |row: &HistoryEntry| {
        let view = words::history(row, &local, lang);
        let parts = [view.at.text, view.by, view.action, view.detail];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    };
    rows.iter().map(line).collect()
}

/// What is not one's own is not there.
async fn sees(app: &App, viewer: &Viewer, number: &str) -> Result<case::Case, PageError> {
    let (tenant, user) = (app.tenant().as_str(), &viewer.session.user);
    let case = case::store::by_number(&app.db, tenant, user, number).await;
    let case = case.map_err(|error| PageError::from(error).shown(viewer))?;
    case.ok_or_else(|| PageError::NotFound.shown(viewer))
}

/// The page with what came of a form.
async fn again(app: &App, viewer: &Viewer, status: StatusCode, outcome: Outcome) -> Response {
    match made(app, viewer, outcome).await {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

async fn made(app: &App, viewer: &Viewer, outcome: Outcome) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Field).await?;
    // Neither the address of a form nor what was just done is carried on.
    "/field?".clone_into(&mut frame.here);
    let (tenant, user, db) = (app.tenant().as_str(), viewer.session.user.as_str(), &app.db);
    let (local, lang, session) = (local(app), frame.lang, &viewer.session);
    let mut found = store::tasks(db, tenant, user, MOST_TASKS as i64 + 1).await?;
    let more = found.len() > MOST_TASKS;
    found.truncate(MOST_TASKS);
    let brought = store::brought(db, tenant, &found, MOST_PICTURES).await?;
    let areas = organisation::store::areas(db, tenant).await?;
    let problem = outcome.problem.as_ref();
    let beside = Beside {
        hands: store::hands(db, tenant, &found).await?,
        talk: store::talk(db, tenant, &found, MOST_TALK).await?,
        colleagues: colleagues(app, user, &found).await?,
    };
    let around =
        Around { session, areas: &areas, brought: &brought, beside: &beside, problem, local: &local, lang };
    let tasks = found.iter().filter_map(|case| task::task(case, &around));
    let tasks = tasks.map(|task| FieldTask { form_id: app.new_id(), ..task });
    let (checks, handles): (Vec<FieldTask>, Vec<FieldTask>) = tasks.partition(|task| task.is_check);
    let map = map::view(app, viewer, MapMode::Field).await?;
    let map = map.map(|map| MapView { bounds: bounds(&checks, &handles).or(map.bounds.clone()), ..map });
    let mine = store::reported(db, tenant, user, MOST_MINE).await?;
    let report = outcome.report.unwrap_or_else(|| blank(lang));
    let page = FieldPage {
        name: user.to_owned(),
        role: session.role.word(lang),
        area: home(session, &areas, lang),
        map,
        handles,
        checks,
        more,
        mine: mine.iter().map(|case| task::mine(case, &local, lang)).collect(),
        report: FieldReport { form_id: app.new_id(), ..dressed(report, session, &areas, lang) },
        done: outcome.done,
        shell: &frame,
    };
    Ok(page.render()?)
}

/// Those to whom the viewer can hand each task, by what it waits for and where it lies.
async fn colleagues(app: &App, user: &str, found: &[Found]) -> crate::db::Result<Colleagues> {
    let mut all = Colleagues::new();
    let mut tx = app.db.begin_read().await?;
    for case in found {
        let key = task::place(case);
        if all.contains_key(&key) {
            continue;
        }
        let level = case.level.parse().unwrap_or(organisation::Level::County);
        let roles = doers(&case.state, level);
        let names = store::colleagues(&mut tx, app.tenant().as_str(), user, (&roles, &case.area)).await?;
        all.insert(key, names);
    }
    Ok(all)
}

/// `west,south,east,north` around the tasks that have a point; nothing without any.
fn bounds(checks: &[FieldTask], handles: &[FieldTask]) -> Option<String> {
    let points = checks.iter().chain(handles).filter_map(|task| {
        let (latitude, longitude) = task.at.as_ref()?;
        Some((longitude.parse::<f64>().ok()?, latitude.parse::<f64>().ok()?))
    });
    let around = |(west, south, east, north): (f64, f64, f64, f64), (x, y): (f64, f64)| {
        (west.min(x), south.min(y), east.max(x), north.max(y))
    };
    let start = (f64::MAX, f64::MAX, f64::MIN, f64::MIN);
    let (west, south, east, north) = points.fold(start, around);
    let margin = MAP_MARGIN;
    (west <= east).then(|| {
        format!("{:.6},{:.6},{:.6},{:.6}", west - margin, south - margin, east + margin, north + margin)
    })
}

/// A form in which nothing was typed.
fn blank(lang: Lang) -> FieldReport {
    FieldReport { severities: severities(Severity::Normal, lang), ..FieldReport::default() }
}

fn severities(on: Severity, lang: Lang) -> Vec<(&'static str, &'static str, bool)> {
    Severity::ALL
        .iter()
        .rev()
        .copied()
        .map(|one| (one.as_str(), words::sev(one, lang).word, one == on))
        .collect()
}

/// With what this user may choose.
fn dressed(mut report: FieldReport, session: &Session, areas: &[Area], lang: Lang) -> FieldReport {
    let chosen = report.areas.first().map(|(id, ..)| id.clone()).unwrap_or_default();
    let own = |area: &&Area| {
        let path = AreaPath::kept(area.path.clone());
        let reports =
            session.grants.iter().any(|grant| grant.role.may(Act::Report) && grant.area.covers(&path));
        reports && area.level == organisation::Level::Grid.as_str()
    };
    let named = areas.iter().filter(own).take(MOST_AREAS);
    report.areas = named
        .map(|area| (area.area.clone(), task::chain(areas, &area.path, lang), area.area == chosen))
        .collect();
    let may = session.grants.iter().any(|grant| StepKind::HandleHere.roles().contains(&grant.role));
    report.no_handling = (!may).then(|| {
        let roles: Vec<_> = StepKind::HandleHere.roles().iter().map(|role| role.word(lang)).collect();
        format!("{}{}", lang.only_roles(), roles.join(lang.pick("、", ", ")))
    });
    report
}

/// Where he works, by the first of his roles for which this page is.
fn home(session: &Session, areas: &[Area], lang: Lang) -> String {
    let own = session.grants.iter().filter(|grant| grant.role.may(Act::Field));
    let nearest: Option<&Grant> = own.max_by_key(|grant| grant.area.as_str().len());
    let path = nearest.map_or("/", |grant| grant.area.as_str());
    let name = task::chain(areas, path, lang);
    if name.is_empty() { lang.me_everywhere().to_owned() } else { name }
}
