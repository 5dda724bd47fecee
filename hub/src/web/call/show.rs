//! The page of a call, with what came of a form that was sent from it.

use axum::response::{IntoResponse, Response};
use protocol::{Direction, Leg, Transcript, UtcMs};

use super::marks::{self, Wanted};
use super::{Call, form, place};
use crate::app::App;
use crate::ticket::Draft;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Viewer, percent};
use crate::web::moment::{LocalTime, length_text};
use crate::web::shell::{local, render, shell};
use crate::web::text::Lang;
use crate::web::view::{CallPage, CentreView, MapMode, Nav, RecordingView, SaidView, TranscriptView};
use crate::web::{cases, contact, heard, knowledge, map, seat, words};

/// What of a page is not the call's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown<'a> {
    /// Why the recording is listened to.
    pub(super) purpose: &'a str,
    /// What the form holds; nothing: there is none.
    pub(super) draft: Option<Draft>,
    /// Id of the place that is picked in it.
    pub(super) entry: String,
    /// The point that is picked in it, where no entry is.
    pub(super) point: String,
    /// Why nothing was filed; empty: what is missing says it.
    pub(super) error: Option<String>,
    /// What was done, though the ticket is not filed yet.
    pub(super) told: Option<&'static str>,
    /// The seat of this browser.
    pub(super) seat: String,
}

pub(super) async fn show(
    app: &App,
    viewer: &Viewer,
    call: &Call,
    shown: Shown<'_>,
) -> Result<Response, PageError> {
    let mut frame =
        shell(app, viewer, if viewer.may(Act::FileTicket) { Nav::Seat } else { Nav::Hotline }).await?;
    let subject = &call.subject;
    if shown.error.is_some() || shown.told.is_some() {
        // The address of a form is none of a page.
        frame.here = format!("/calls/{}?", subject.call_id);
    }
    let (local, lang) = (local(app), frame.lang);
    let failed = |error: crate::db::Error| PageError::from(error).shown(viewer);
    let Shown { purpose, draft, entry, point, error, told, seat } = shown;
    let (wrong, editing) = (error.is_some(), draft.is_some());
    let call_id = subject.call_id.to_string();
    let calls = if viewer.may(Act::FileTicket) {
        Some(seat::calls_of(app, viewer, &seat, Some(&call_id)).await.map_err(failed)?)
    } else {
        None
    };
    let form = match &draft {
        Some(draft) => {
            let places = place::offers(app, &draft.place, &entry, lang).await.map_err(failed)?;
            let known = call.ticket.as_ref().map_or(0, |ticket| ticket.filed_at_ms);
            let from = form::From { subject: &call.subject, past: &call.past, known };
            Some(form::view(draft, &from, (places, point), wrong, viewer))
        }
        None => None,
    };
    let may_file = viewer.may(Act::FileTicket);
    let over_since = call.ended_at.filter(|_| call.over && call.ticket.is_none());
    let page = CallPage {
        row: cases::rows(app, viewer, vec![call.case.clone()]).await?.remove(0),
        caller: subject.caller_masked.clone().unwrap_or_else(|| lang.caller_unknown().to_owned()),
        seat: subject.seat.clone().unwrap_or_default(),
        direction: match subject.direction {
            Direction::Inbound => lang.inbound(),
            Direction::Outbound => lang.outbound(),
        },
        legs: if subject.legs.len() > 1 { lang.both_legs() } else { lang.one_leg() },
        length: length_text(subject.duration_ms),
        speech: length_text(subject.speech_ms),
        started: local.moment(call.started_at),
        device_id: call.device_id.clone(),
        interrupted: subject.interrupted,
        transcript: transcript(call, lang),
        alarms: heard::alarms(subject, lang),
        similar: call.similar.iter().map(|one| heard::similar(one, call.may_join, &local, lang)).collect(),
        knowledge: knowledge::beside(app, subject, lang).await.map_err(failed)?,
        findings: call.ticket.as_ref().map_or_else(Vec::new, |ticket| heard::findings(ticket, subject, lang)),
        recording: recording(call, viewer, purpose, &local),
        contact: contact::ask(app, viewer, &call.case).await?,
        may_listen: viewer.may(Act::Recording),
        listen_roles: Act::Recording.roles_text(lang),
        ticket: call.ticket.as_ref().filter(|_| draft.is_none()).map(|t| words::ticket(t, &local, lang)),
        form,
        error: error.filter(|text| !text.is_empty()),
        editing: call.ticket.is_some() && editing,
        purpose_query: (!purpose.is_empty()).then(|| percent(purpose)),
        told,
        calls,
        runs_since_ms: (!call.over).then_some(call.started_at.0 + call.skew_ms),
        over_since: over_since.map(|at| local.moment(UtcMs(at.0 + call.skew_ms))),
        centre: call.centre.as_ref().map(|called| CentreView {
            at: local.moment(called.at),
            by: called.by.strip_prefix("user:").unwrap_or(&called.by).to_owned(),
            in_hand: call.case.acknowledged_by.clone(),
        }),
        may_centre: may_file && (words::is_open(&call.case) || call.joined_into.is_some()),
        urges_centre: may_file
            && call.centre.is_none()
            && subject.reading.iter().flat_map(|reading| &reading.alarms).any(|alarm| alarm.holds),
        joined_into: call.joined_into.clone(),
        map: if editing { map::view(app, viewer, MapMode::Pick).await.map_err(failed)? } else { None },
        call_id,
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

fn transcript(call: &Call, lang: Lang) -> TranscriptView {
    let live = |note| TranscriptView::Live {
        note,
        away: call.away,
        alarms: heard::alarm_words(lang),
        heard: marks::heard(&call.subject),
    };
    match &call.subject.transcript {
        Transcript::Waiting if !call.over => live(lang.transcript_ongoing()),
        Transcript::Waiting if call.recognises => live(lang.transcript_running()),
        Transcript::Waiting => TranscriptView::Waiting,
        Transcript::Silent => TranscriptView::Silent,
        Transcript::Failed { reason } => TranscriptView::Failed(words::reason(reason, lang)),
        Transcript::Done { segments, model, left_out } => {
            let wanted = Wanted::of(&call.subject, lang);
            TranscriptView::Done {
                said: segments
                    .iter()
                    .map(|segment| {
                        let caller = segment.leg == Leg::Caller;
                        SaidView {
                            who: if caller { lang.caller() } else { lang.seat() },
                            caller,
                            at: length_text(segment.start_ms),
                            start_ms: segment.start_ms,
                            end_ms: segment.end_ms,
                            parts: wanted.line(&segment.text, caller),
                        }
                    })
                    .collect(),
                model: model.clone(),
                left_out: *left_out,
            }
        }
    }
}

/// A recording plays for somebody who said why: in the request that brought it, or now.
fn recording(call: &Call, viewer: &Viewer, purpose: &str, local: &LocalTime) -> RecordingView {
    let Some(file) = &call.recording else { return RecordingView::None };
    let mut requests = call.requests.iter().filter(|row| row.name == "recording");
    if file.stored_at_ms.is_some() {
        let own = requests.find(|row| row.issued_by == viewer.session.user).map(|row| row.purpose.as_str());
        let stated = if purpose.is_empty() { own } else { Some(purpose) };
        return match stated.filter(|_| viewer.may(Act::Recording)) {
            Some(purpose) => RecordingView::Plays {
                url: format!(
                    "{}?purpose={}",
                    words::evidence_url(&file.sha256, Some(&call.case.number)),
                    percent(purpose)
                ),
                purpose: purpose.to_owned(),
                media_type: file.media_type.clone(),
                bleeped: file.masked != 0,
                length_ms: file.duration_ms,
            },
            None => RecordingView::NeedsPurpose,
        };
    }
    match requests.next() {
        // Newest first. A done one whose file is still on its way waits too.
        Some(row) if ["waiting", "sent", "done"].contains(&row.state.as_str()) => RecordingView::Asked {
            by: row.issued_by.clone(),
            purpose: row.purpose.clone(),
            at: local.moment(UtcMs(row.issued_at_ms)),
        },
        Some(row) => {
            let word = words::answer(&row.state, viewer.preferences.lang).1;
            RecordingView::OnSite {
                last_failure: Some(
                    row.reason
                        .as_deref()
                        .map_or_else(|| word.to_owned(), |why| words::reason(why, viewer.preferences.lang)),
                ),
            }
        }
        None => RecordingView::OnSite { last_failure: None },
    }
}
