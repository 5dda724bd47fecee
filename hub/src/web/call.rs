//! One call: its recording, its words, and the ticket form beside them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use protocol::hotline::Offer;
use protocol::{CallSubject, Direction, Leg, Phase, Subject, Transcript, UtcMs};

use super::error::PageError;
use super::guard::{Fields, SafeForm, Viewer, percent};
use super::moment::{LocalTime, length_text};
use super::shell::{local, render, shell};
use super::text::Lang;
use super::view::{CallPage, Choice, Nav, RecordingView, SaidView, TicketForm, TranscriptView};
use super::{cases, contact, heard, knowledge, words};
use crate::app::App;
use crate::case::store::list;
use crate::case::{self, Case, CaseEvidence, CaseIncident};
use crate::command::{self, CommandRow};
use crate::device;
use crate::ticket::similar::{self, Similar};
use crate::ticket::{self, Draft, Field, Ticket, TicketError, lesson, taxonomy};
use crate::user::Act;
use crate::workflow::Actor;

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(call_id): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    let call = read(&app, &viewer, &call_id).await?;
    let edit = fields.get("edit") == "1";
    let draft = call.ticket.as_ref().filter(|_| edit).map(Ticket::draft);
    let show_form = call.ticket.is_none() || edit;
    let draft = show_form.then(|| draft.unwrap_or_else(|| offered(&call)));
    show(&app, &viewer, &call, fields.get("purpose").trim(), draft, None).await
}

/// Incidents looked at of a call's case: the call itself, and alarms raised while it ran.
const NEWEST: i64 = 20;

/// What the call itself says, for the operator to keep or to change.
fn offered(call: &Call) -> Draft {
    let reading = call.subject.reading.clone().unwrap_or_default();
    let first = |offers: &[Offer]| offers.first().map(|offer| offer.id.clone()).unwrap_or_default();
    let place = reading.place.as_ref().map(|place| match &place.grid {
        Some(grid) => format!("{}（{grid}）", place.text),
        None => place.text.clone(),
    });
    Draft {
        matter: first(&reading.matters),
        category: first(&reading.categories),
        urgency: first(&reading.urgencies),
        place: place.or_else(|| call.case.place.clone()).unwrap_or_default(),
        summary: reading.summary,
    }
}

/// What a call page is made of.
struct Call {
    case: Case,
    subject: CallSubject,
    /// The call is over.
    over: bool,
    similar: Vec<Similar>,
    started_at: UtcMs,
    device_id: String,
    recording: Option<CaseEvidence>,
    requests: Vec<CommandRow>,
    ticket: Option<Ticket>,
    /// Whether its box can turn speech into words.
    recognises: bool,
    /// Whether its box cannot be reached now.
    away: bool,
}

async fn read(app: &App, viewer: &Viewer, call_id: &str) -> Result<Call, PageError> {
    let tenant = app.tenant().as_str();
    let shown = |error: crate::db::Error| PageError::from(error).shown(viewer);
    let missing = || PageError::NotFound.shown(viewer);
    let user = viewer.session.user.as_str();
    let case =
        case::store::by_call(&app.db, tenant, user, call_id).await.map_err(shown)?.ok_or_else(missing)?;
    let incidents = list::incidents(&app.db, tenant, &case.case_id, None, NEWEST).await.map_err(shown)?;
    let (incident, subject) = incidents.iter().find_map(subject).ok_or_else(missing)?;
    let ids = incidents.iter().map(|incident| incident.incident_id.as_str());
    let files = list::evidence_of(&app.db, tenant, ids, std::slice::from_ref(&case)).await.map_err(shown)?;
    let requests = command::store::of_case(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let ticket = ticket::get(&app.db, tenant, &case.case_id).await.map_err(shown)?;
    let device = device::store::get(&app.db, tenant, "", &incident.device_id).await.map_err(shown)?;
    let others =
        ticket::open_cases(&app.db, tenant, user, &case.case_id, app.clock.now()).await.map_err(shown)?;
    Ok(Call {
        over: incident.phase == Phase::Ended.as_str(),
        similar: alike(&case, &subject, ticket.as_ref(), UtcMs(incident.started_at_ms), others),
        away: device.as_ref().and_then(|device| device.link.as_deref()) == Some("offline"),
        recognises: device
            .and_then(|device| device.status())
            .is_some_and(|status| status.speech_model.is_some()),
        started_at: UtcMs(incident.started_at_ms),
        device_id: incident.device_id.clone(),
        recording: to_play(files),
        subject,
        case,
        requests,
        ticket,
    })
}

/// Of a call's recording and copies of it, which the box made without private numbers, the one that is here; copies first.
fn to_play(files: Vec<CaseEvidence>) -> Option<CaseEvidence> {
    let recordings = files.into_iter().filter(|file| file.kind == "recording");
    recordings.min_by_key(|file| (file.stored_at_ms.is_none(), file.masked == 0))
}

fn alike(
    case: &Case,
    subject: &CallSubject,
    ticket: Option<&Ticket>,
    at: UtcMs,
    others: Vec<similar::Told>,
) -> Vec<Similar> {
    let reading = subject.reading.clone().unwrap_or_default();
    let place = ticket.map(|t| t.place.clone()).or_else(|| reading.place.map(|p| p.text));
    let summary = ticket.map_or(reading.summary, |t| t.summary.clone());
    let words = format!("{} {summary}", reading.title);
    let holding = reading.alarms.iter().filter(|alarm| alarm.holds);
    let alarms: Vec<&str> = holding.map(|alarm| alarm.id.as_str()).collect();
    let place = place.or_else(|| case.place.clone()).unwrap_or_default();
    similar::similar(&place, &words, &alarms, at, others)
}

fn subject(row: &CaseIncident) -> Option<(&CaseIncident, CallSubject)> {
    match serde_json::from_str::<protocol::Incident>(&row.data).ok()?.subject {
        Subject::Call(call) => Some((row, call)),
        _ => None,
    }
}

async fn show(
    app: &App,
    viewer: &Viewer,
    call: &Call,
    purpose: &str,
    draft: Option<Draft>,
    error: Option<String>,
) -> Result<Response, PageError> {
    let frame = shell(app, viewer, Nav::Hotline).await?;
    let (local, lang) = (local(app), frame.lang);
    let subject = &call.subject;
    let (wrong, editing) = (error.is_some(), draft.is_some());
    let page = CallPage {
        row: cases::rows(app, viewer, vec![call.case.clone()]).await?.remove(0),
        call_id: subject.call_id.to_string(),
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
        similar: call.similar.iter().map(|one| heard::similar(one, &local, lang)).collect(),
        knowledge: knowledge::beside(app, subject, lang)
            .await
            .map_err(|error| PageError::from(error).shown(viewer))?,
        findings: call.ticket.as_ref().map_or_else(Vec::new, |ticket| heard::findings(ticket, subject, lang)),
        recording: recording(call, viewer, purpose, &local),
        contact: contact::ask(app, viewer, &call.case).await?,
        may_listen: viewer.may(Act::Recording),
        listen_roles: Act::Recording.roles_text(lang),
        ticket: call.ticket.as_ref().filter(|_| draft.is_none()).map(|t| words::ticket(t, &local, lang)),
        form: draft.map(|draft| form(&draft, call, wrong, viewer)),
        error: error.filter(|text| !text.is_empty()),
        editing: call.ticket.is_some() && editing,
        purpose_query: (!purpose.is_empty()).then(|| percent(purpose)),
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

fn transcript(call: &Call, lang: Lang) -> TranscriptView {
    let live = |note| TranscriptView::Live { note, away: call.away, alarms: heard::alarm_words(lang) };
    match &call.subject.transcript {
        Transcript::Waiting if !call.over => live(lang.transcript_ongoing()),
        Transcript::Waiting if call.recognises => live(lang.transcript_running()),
        Transcript::Waiting => TranscriptView::Waiting,
        Transcript::Silent => TranscriptView::Silent,
        Transcript::Failed { reason } => TranscriptView::Failed(reason.clone()),
        Transcript::Done { segments, model, left_out } => TranscriptView::Done {
            said: segments
                .iter()
                .map(|segment| SaidView {
                    who: if segment.leg == Leg::Caller { lang.caller() } else { lang.seat() },
                    caller: segment.leg == Leg::Caller,
                    at: length_text(segment.start_ms),
                    text: segment.text.clone(),
                })
                .collect(),
            model: model.clone(),
            left_out: *left_out,
        },
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
                last_failure: Some(row.reason.clone().unwrap_or_else(|| word.to_owned())),
            }
        }
        None => RecordingView::OnSite { last_failure: None },
    }
}

fn known(call: &Call) -> i64 {
    call.ticket.as_ref().map_or(0, |ticket| ticket.filed_at_ms)
}

fn form(draft: &Draft, call: &Call, wrong: bool, viewer: &Viewer) -> TicketForm {
    let lang = viewer.preferences.lang;
    let matters = taxonomy::MATTERS.iter().enumerate().map(|(index, (id, zh, en))| Choice {
        id: (*id).to_owned(),
        word: lang.pick(zh, en).to_owned(),
        key: Some((index + 1).to_string()),
        on: draft.matter == *id,
        sev: None,
    });
    let first_key = taxonomy::MATTERS.len() + 1;
    let urgencies = taxonomy::URGENCIES.iter().enumerate().map(|(index, (id, zh, en, severity))| Choice {
        id: (*id).to_owned(),
        word: lang.pick(zh, en).to_owned(),
        key: Some((first_key + index).to_string()),
        on: draft.urgency == *id,
        sev: Some(words::sev(*severity, lang).class),
    });
    let categories = taxonomy::categories().iter().map(|category| Choice {
        id: category.id.clone(),
        word: format!("{} · {}", taxonomy::word(category, lang), category.unit),
        key: None,
        on: draft.category == category.id,
        sev: None,
    });
    let words_of = |field: &Field| match field {
        Field::Matter => lang.wrong_matter(),
        Field::Category => lang.wrong_category(),
        Field::Urgency => lang.wrong_urgency(),
        Field::Place => lang.wrong_place(),
        Field::Summary => lang.wrong_summary(),
    };
    TicketForm {
        offers: heard::offers(&call.subject, draft, lang),
        matters: matters.collect(),
        categories: categories.collect(),
        urgencies: urgencies.collect(),
        place: draft.place.clone(),
        summary: draft.summary.clone(),
        known: known(call),
        wrong: if wrong { draft.wrong().iter().map(words_of).collect() } else { vec![] },
        may: viewer.may(Act::FileTicket),
        roles: Act::FileTicket.roles_text(lang),
    }
}

pub(super) async fn file(
    State(app): State<App>,
    Path(call_id): Path<String>,
    sent: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &sent.viewer;
    viewer.must(Act::FileTicket)?;
    let call = read(&app, viewer, &call_id).await?;
    viewer.must_at(Act::FileTicket, &call.case.area)?;
    let text = |name: &str| sent.fields.get(name).to_owned();
    let draft = Draft {
        matter: text("matter"),
        category: text("category"),
        urgency: text("urgency"),
        place: text("place"),
        summary: text("summary"),
    };
    let user = &viewer.session.user;
    let (number, seen) = (&call.case.number, text("known").parse().unwrap_or(0));
    let actor = Actor::user(user, &viewer.session.grants);
    let result = ticket::file(&app, number, &draft, Some(seen), &actor).await;
    let error = match result {
        Ok(_) => {
            let before = call.ticket.as_ref().map(Ticket::draft);
            lesson::teach(&app, &call.case, user, &draft, before.as_ref()).await;
            app.changes.wake();
            return Ok(Redirect::to(&format!("/calls/{call_id}")).into_response());
        }
        // What was typed stays in the form, beside what is there now.
        Err(TicketError::FiledMeanwhile(by)) => {
            let why = format!("{}{by}", viewer.preferences.lang.filed_meanwhile());
            let call = read(&app, viewer, &call_id).await?;
            let page = show(&app, viewer, &call, "", Some(draft), Some(why)).await?;
            return Ok((StatusCode::CONFLICT, page).into_response());
        }
        Err(TicketError::Wrong(_)) => String::new(),
        Err(TicketError::Finished(_)) => viewer.preferences.lang.wrong_state().to_owned(),
        Err(TicketError::NotACall(_)) => return Err(PageError::NotFound.shown(viewer)),
        Err(TicketError::Refused(refused)) => refused.text(viewer.preferences.lang),
        Err(TicketError::Case(error)) => return Err(PageError::from(error).shown(viewer)),
    };
    // What was typed stays in the form.
    let page = show(&app, viewer, &call, "", Some(draft), Some(error)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
