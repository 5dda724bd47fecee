//! One case: evidence, history, and what can be done next.

use axum::extract::{Path, State};
use axum::response::{Html, Response};

use super::error::PageError;
use super::guard::{SafeForm, Viewer};
use super::shell::{local, render, shell};
use super::view::{CasePage, Nav, StillTarget};
use super::{cases, words};
use crate::app::App;
use crate::case::{self, Case, HistoryEntry, history};
use crate::user::Act;
use crate::{command, db, ticket};

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
) -> Result<Html<String>, PageError> {
    let frame = shell(&app, &viewer, Nav::Cases).await?;
    let tenant = app.tenant().as_str();
    let shown = |error: db::Error| PageError::from(error).shown(&viewer);
    let Some(case) = case::store::by_number(&app.db, tenant, &number).await.map_err(shown)? else {
        return Err(PageError::NotFound.shown(&viewer));
    };
    let last = case::store::history_hash(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let entries = case::store::history(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let incidents = case::store::incidents(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let files =
        case::store::evidence_of(&app.db, tenant, std::slice::from_ref(&case)).await.map_err(shown)?;
    let requests = command::store::of_case(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let filed = ticket::get(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let row = cases::rows(&app, &viewer, vec![case.clone()]).await?.remove(0);

    let (local, lang) = (local(&app), frame.lang);
    let evidence = |wanted: fn(&str) -> bool| -> Vec<_> {
        let files = files.iter().filter(|e| wanted(&e.kind));
        files.map(|e| words::evidence(e, Some(&case.number), &local, lang)).collect()
    };
    let page = CasePage {
        steps: words::steps(&case, filed.as_ref(), &local, lang),
        clips: evidence(|kind| kind == "clip"),
        pictures: evidence(|kind| kind == "snapshot" || kind == "still"),
        recordings: files.iter().filter(|e| e.kind == "recording").count(),
        history_whole: whole(&case.case_id, &entries, &last),
        history: entries.iter().rev().map(|entry| words::history(entry, &local, lang)).collect(),
        incidents: incidents.iter().rev().map(|incident| words::incident(incident, &local, lang)).collect(),
        still: still(&case, row.camera.as_deref(), &viewer),
        requests: requests.iter().map(|row| words::request(row, vec![], &local, lang)).collect(),
        device_id: case.device_id.clone(),
        ticket: filed.as_ref().map(|filed| words::ticket(filed, &local, lang)),
        may_file: viewer.may(Act::FileTicket),
        file_roles: Act::FileTicket.roles_text(lang),
        acknowledge_roles: Act::Acknowledge.roles_text(lang),
        error: None,
        row,
        shell: &frame,
    };
    render(&page, &viewer)
}

/// `last` was read before the rows: a row appended in between is no tampering, so the chain must hold, and the
/// kept hash must be one of its rows'.
fn whole(case_id: &str, entries: &[HistoryEntry], last: &str) -> bool {
    let newest = entries.last().map_or(history::START, |entry| entry.hash.as_str());
    history::first_break(case_id, entries, newest).is_none()
        && (newest == last || entries.iter().any(|entry| entry.hash == last))
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
    let user = &form.viewer.session.user;
    case::store::acknowledge(&app.db, app.tenant().as_str(), &number, user, app.clock.now())
        .await
        .map_err(|error| PageError::from(error).shown(&form.viewer))?;
    app.changes.wake();
    Ok(form.done(&format!("/cases/{number}")))
}
