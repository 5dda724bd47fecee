//! A call that runs and is no case yet: its words as they are said, the ticket's form with what its box offers so far, places,
//! like cases and knowledge. Nothing of it is stored, so nothing can be filed: that waits for the case, which comes with the
//! end of the call or with an alarm, and then stands under the same address.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::{CallSubject, Direction, Leg, Segment, Transcript};

use super::show::Shown;
use super::{alike, form, offered, place};
use crate::app::App;
use crate::device;
use crate::running::{self, Line, Uncased};
use crate::ticket::{self, lesson};
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::moment::length_text;
use crate::web::shell::{local, render, shell};
use crate::web::text::Lang;
use crate::web::view::{CallBegunPage, MapMode, Nav, TranscriptView};
use crate::web::{heard, knowledge, map, seat};

/// The call of this name, if it is such a one for this viewer.
pub(super) async fn find(app: &App, viewer: &Viewer, call_id: &str) -> Result<Option<Uncased>, PageError> {
    let Ok(call_id) = call_id.parse() else { return Ok(None) };
    let found = running::uncased(app, &viewer.session, call_id).await;
    found.map_err(|error| PageError::from(error).shown(viewer))
}

/// A form that was sent too early: what was typed stays in it.
pub(super) async fn refuse(
    app: &App,
    viewer: &Viewer,
    call: &Uncased,
    fields: &Fields,
    seat: String,
) -> Result<Response, PageError> {
    let shown = Shown {
        draft: Some(form::draft(fields)),
        entry: fields.get("entry").to_owned(),
        point: fields.get("point").to_owned(),
        error: Some(viewer.preferences.lang.call_not_yet().to_owned()),
        seat,
        ..Shown::default()
    };
    Ok((StatusCode::CONFLICT, show(app, viewer, call, shown).await?).into_response())
}

pub(super) async fn show(
    app: &App,
    viewer: &Viewer,
    call: &Uncased,
    shown: Shown<'_>,
) -> Result<Response, PageError> {
    let mut frame = shell(app, viewer, Nav::Seat).await?;
    let (subject, call_id) = (subject(call), call.call.call_id.to_string());
    // The address of a form is none of a page.
    frame.here = format!("/calls/{call_id}?");
    let (local, lang) = (local(app), frame.lang);
    let failed = |error: crate::db::Error| PageError::from(error).shown(viewer);
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    let began = call.call.started_at.unwrap_or(local.now);
    let others = ticket::open_cases(&app.db, tenant, user, "", local.now).await.map_err(failed)?;
    let similar = alike(&subject, (None, None), began, others);
    let past =
        lesson::past(&app.db, tenant, subject.reading.as_ref(), "", local.now).await.map_err(failed)?;
    let draft = shown.draft.unwrap_or_else(|| offered(&subject, None));
    let places = place::offers(app, &draft.place, &shown.entry, lang).await.map_err(failed)?;
    let from = form::From { subject: &subject, past: &past, known: 0 };
    let device_id = call.call.origin.device.to_string();
    let device = device::store::get(&app.db, tenant, "", &device_id).await.map_err(failed)?;
    let away = device.and_then(|device| device.link).as_deref() == Some("offline");
    let page = CallBegunPage {
        caller: lang.caller_unknown().to_owned(),
        seat: call.call.seat.clone().unwrap_or_default(),
        started: call.call.started_at.map(|at| local.moment(at)),
        runs_since_ms: call.call.started_at.filter(|_| !call.ended).map(|at| at.0),
        length: length_text(u64::try_from(local.now.since_ms(began)).unwrap_or(0)),
        ended: call.ended,
        transcript: words(call, away, lang),
        similar: similar.iter().map(|one| heard::similar(one, false, &local, lang)).collect(),
        knowledge: knowledge::beside(app, &subject, lang).await.map_err(failed)?,
        form: Some(form::view(&draft, &from, (places, shown.point), false, viewer)),
        error: shown.error,
        calls: seat::calls_of(app, viewer, &shown.seat, Some(&call_id)).await.map_err(failed)?,
        map: map::view(app, viewer, MapMode::Pick).await.map_err(failed)?,
        device_id,
        call_id,
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

/// What is said stands there as it is said.
fn words(call: &Uncased, away: bool, lang: Lang) -> TranscriptView {
    let note = if call.ended { lang.transcript_running() } else { lang.transcript_ongoing() };
    TranscriptView::Live { note, away, alarms: heard::alarm_words(lang), heard: "{}".to_owned() }
}

/// The call as its incident would tell of it now. Its words are those that are kept. Pure.
fn subject(call: &Uncased) -> CallSubject {
    let mut legs: Vec<Leg> = call.lines.iter().map(|line| line.leg).collect();
    legs.sort_unstable();
    legs.dedup();
    let said = |line: &Line| Segment {
        leg: line.leg,
        start_ms: line.start_ms,
        end_ms: line.end_ms,
        text: line.text.clone(),
    };
    CallSubject {
        call_id: call.call.call_id,
        caller_masked: None,
        callback: None,
        seat: call.call.seat.clone(),
        direction: Direction::Inbound,
        legs,
        duration_ms: call.lines.iter().map(|line| line.end_ms).max().unwrap_or_default(),
        speech_ms: 0,
        transcript: Transcript::Done {
            segments: call.lines.iter().filter(|line| !line.text.is_empty()).map(said).collect(),
            model: String::new(),
            left_out: 0,
        },
        reading: call.reading.clone(),
        interrupted: false,
    }
}
