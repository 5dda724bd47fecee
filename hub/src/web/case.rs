//! One case: evidence, history, and what can be done next.

use axum::extract::{Path, State};
use axum::response::{Html, Response};

use super::error::PageError;
use super::field::talk_line;
use super::guard::{Fields, SafeForm, Viewer, percent};
use super::map;
use super::moves::{self, Refusal};
use super::shell::{local, render, shell};
use super::view::{CasePage, Nav, StillTarget, with_copies};
use super::wall::due;
use super::{cases, words};
use crate::app::App;
use crate::case::store::list;
use crate::case::{self, Case, Cursor, HistoryEntry, history};
use crate::correlation::links;
use crate::field::deed::{ACTIONS, Deed};
use crate::public::code;
use crate::user::Act;
use crate::{command, db, ticket, work_order};

/// Incidents and history rows of one page; earlier ones are a click away.
const INCIDENTS: usize = 50;
const ROWS: usize = 100;

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    show(&app, &viewer, &number, &fields, None).await
}

/// The page, with what came of a form that changed nothing.
pub(super) async fn show(
    app: &App,
    viewer: &Viewer,
    number: &str,
    fields: &Fields,
    refusal: Option<&Refusal>,
) -> Result<Html<String>, PageError> {
    let mut frame = shell(app, viewer, Nav::Cases).await?;
    if refusal.is_some() {
        // The address of a form is none of a page.
        frame.here = format!("/cases/{number}?");
    }
    let tenant = app.tenant().as_str();
    let shown = |error: db::Error| PageError::from(error).shown(viewer);
    let Some(case) =
        case::store::by_number(&app.db, tenant, &viewer.session.user, number).await.map_err(shown)?
    else {
        return Err(PageError::NotFound.shown(viewer));
    };
    let last = case::store::history_hash(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let rows_before: Option<i64> = fields.get("history").parse().ok();
    let mut entries = case::store::history(&app.db, tenant, &case.case_id, rows_before, ROWS as i64 + 1)
        .await
        .map_err(shown)?;
    let older_history = (entries.len() > ROWS).then(|| {
        entries.remove(0);
        format!("/cases/{number}?history={}", entries[0].position)
    });
    let before: Option<Cursor> = fields.get("incidents").parse().ok();
    let limit = INCIDENTS as i64 + 1;
    let joined = list::joined(&app.db, tenant, &viewer.session.user, &case.number).await.map_err(shown)?;
    let told = case::store::joined::reports(&app.db, tenant, &viewer.session.user, &case.number)
        .await
        .map_err(shown)?;
    let members = std::iter::once(case.case_id.as_str()).chain(joined.iter().map(|one| one.case_id.as_str()));
    let mut incidents =
        list::incidents_of(&app.db, tenant, members, before.as_ref(), limit).await.map_err(shown)?;
    let link = links::of_case(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let more = incidents.len() > INCIDENTS;
    incidents.truncate(INCIDENTS);
    let older_incidents = incidents
        .last()
        .filter(|_| more)
        .map(|last| format!("/cases/{number}?incidents={}", percent(&Cursor::before(last).to_string())));
    // What commands brought belongs to the case as a whole: with its newest incidents.
    let whole_case = if before.is_none() { std::slice::from_ref(&case) } else { &[] };
    let ids = incidents.iter().map(|incident| incident.incident_id.as_str());
    let files = list::evidence_of(&app.db, tenant, ids, whole_case).await.map_err(shown)?;
    let requests = command::store::of_case(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let filed = ticket::get(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let row = cases::rows(app, viewer, vec![case.clone()]).await?.remove(0);
    let moves = moves::panel(app, viewer, &case, &link, refusal).await.map_err(shown)?;
    let moves = moves.ok_or_else(|| PageError::NotFound.shown(viewer))?;

    let code = code::of_case(app, &case).await.map_err(shown)?;
    let map = map::of_place(app, viewer, case.location.as_deref()).await.map_err(shown)?;
    let (local, lang) = (local(app), frame.lang);
    let evidence = |wanted: fn(&str) -> bool| -> Vec<_> {
        let files = files.iter().filter(|e| wanted(&e.kind));
        files
            .map(|e| {
                // A file is shown under the case whose incident names it.
                let of = joined
                    .iter()
                    .find(|one| one.case_id == e.case_id)
                    .map_or(&case.number, |one| &one.number);
                words::evidence(e, Some(of), &local, lang)
            })
            .collect()
    };
    let page = CasePage {
        due: due(&case, &local, lang),
        steps: words::steps(&case, filed.as_ref(), &local, lang),
        clips: with_copies(evidence(|kind| kind == "clip")),
        pictures: evidence(|kind| ["snapshot", "still", "attachment"].contains(&kind)),
        recordings: files.iter().filter(|e| e.kind == "recording").count(),
        history_whole: whole(&case.case_id, &entries, rows_before.is_none().then_some(&last)),
        talk: entries
            .iter()
            .filter(|entry| ACTIONS.contains(&entry.action.as_str()))
            .map(|entry| talk_line(entry, &local, lang))
            .collect(),
        may_talk: row.open && Deed::may_say(&viewer.session.grants, &case.area),
        form_id: app.new_id(),
        history: entries.iter().rev().map(|entry| words::history(entry, &local, lang)).collect(),
        incidents: incidents.iter().map(|incident| words::incident(incident, &local, lang)).collect(),
        older_incidents,
        older_history,
        earlier: before.is_some() || rows_before.is_some(),
        joined: joined
            .iter()
            .map(|one| words::joined(one, &local, lang))
            .chain(told.iter().map(|one| words::joined_report(one, &local, lang)))
            .collect(),
        link: words::link(&link, &local, lang),
        map,
        still: still(&case, row.camera.as_deref(), viewer),
        requests: requests.iter().map(|row| words::request(row, vec![], &local, lang)).collect(),
        public_code: code.as_deref().map(code::shown),
        has_order: work_order::is_there(&case),
        device_id: case.device_id.clone(),
        ticket: filed.as_ref().map(|filed| words::ticket(filed, &local, lang)),
        may_file: viewer.may(Act::FileTicket),
        file_roles: Act::FileTicket.roles_text(lang),
        acknowledge_roles: Act::Acknowledge.roles_text(lang),
        at: refusal.map(|_| format!("/cases/{number}")),
        moves,
        row,
        shell: &frame,
    };
    render(&page, viewer)
}

/// Whether the rows shown hold together. `last`, the hash kept with the case, was read before the rows: a row
/// appended in between is no tampering, so the kept hash must be one of theirs. Without it: a page of earlier rows.
fn whole(case_id: &str, entries: &[HistoryEntry], last: Option<&String>) -> bool {
    let newest = entries.last().map_or(history::START, |entry| entry.hash.as_str());
    history::first_break(case_id, entries, newest).is_none()
        && last.is_none_or(|last| newest == last || entries.iter().any(|entry| entry.hash == *last))
}

fn still(case: &Case, camera_name: Option<&str>, viewer: &Viewer) -> Option<StillTarget> {
    let camera_id = case.camera_id.clone()?;
    Some(StillTarget {
        device_id: case.device_id.clone(),
        camera_name: camera_name.unwrap_or(&camera_id).to_owned(),
        camera_id,
        may: viewer.may(Act::RequestStill),
        roles: Act::RequestStill.roles_text(viewer.preferences.lang),
    })
}

pub(super) async fn acknowledge(
    State(app): State<App>,
    Path(number): Path<String>,
    form: SafeForm,
) -> Result<Response, PageError> {
    form.viewer.must(Act::Acknowledge)?;
    let (user, tenant) = (&form.viewer.session.user, app.tenant().as_str());
    let shown = |error: db::Error| PageError::from(error).shown(&form.viewer);
    if let Some(case) = case::store::by_number(&app.db, tenant, user, &number).await.map_err(shown)? {
        form.viewer.must_at(Act::Acknowledge, &case.area)?;
    }
    case::store::acknowledge(&app.db, app.tenant().as_str(), &number, user, app.clock.now())
        .await
        .map_err(|error| PageError::from(error).shown(&form.viewer))?;
    app.changes.wake();
    Ok(form.done(&format!("/cases/{number}")))
}
