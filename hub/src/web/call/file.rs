//! What is sent from the page of a call: its ticket (`Ctrl Enter`), the case with which it is one matter (`M`), and the command
//! centre that must know now (`F2`). The last two take the ticket along when it is whole; else it stays in the form.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::hotline::ALARMS;

use super::show::{Shown, show};
use super::{Call, begun, form, read};
use crate::app::App;
use crate::gazetteer::Choice;
use crate::ticket::{self, Filing, Ticket, TicketError, lesson, taxonomy};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{SafeForm, Viewer};
use crate::web::heard::quoted;
use crate::web::seat;
use crate::web::text::Lang;
use crate::workflow::Actor;

/// Characters of a summary that say why the centre is called.
const MOST_REASON: usize = 100;

/// Characters of what is written of a place that name its point.
const MOST_NAME: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    File,
    Join,
    Centre,
}

pub(in crate::web) async fn file(
    State(app): State<App>,
    Path(call_id): Path<String>,
    headers: HeaderMap,
    sent: SafeForm,
) -> Result<Response, PageError> {
    act(&app, &call_id, &headers, &sent, Asked::File).await
}

pub(in crate::web) async fn join(
    State(app): State<App>,
    Path(call_id): Path<String>,
    headers: HeaderMap,
    sent: SafeForm,
) -> Result<Response, PageError> {
    act(&app, &call_id, &headers, &sent, Asked::Join).await
}

pub(in crate::web) async fn centre(
    State(app): State<App>,
    Path(call_id): Path<String>,
    headers: HeaderMap,
    sent: SafeForm,
) -> Result<Response, PageError> {
    act(&app, &call_id, &headers, &sent, Asked::Centre).await
}

async fn act(
    app: &App,
    call_id: &str,
    headers: &HeaderMap,
    sent: &SafeForm,
    asked: Asked,
) -> Result<Response, PageError> {
    let (viewer, fields) = (&sent.viewer, &sent.fields);
    let lang = viewer.preferences.lang;
    viewer.must(Act::FileTicket)?;
    if let Some(call) = begun::find(app, viewer, call_id).await? {
        return begun::refuse(app, viewer, &call, fields, seat::chosen(headers)).await;
    }
    let call = read(app, viewer, call_id).await?;
    viewer.must_at(Act::FileTicket, &call.case.area)?;
    // Where the ticket is filed already its form is not there.
    let has_form = asked == Asked::File || fields.pairs().iter().any(|(name, _)| name == "summary");
    let mut typed = has_form.then(|| form::draft(fields));
    if let (Asked::Centre, Some(draft)) = (asked, &mut typed) {
        taxonomy::URGENCIES[0].0.clone_into(&mut draft.urgency);
    }
    let whole = typed.as_ref().filter(|draft| asked == Asked::File || draft.wrong().is_empty());
    let (entry, point) = (fields.get("entry").to_owned(), fields.get("point").to_owned());
    let place = whole.and_then(|draft| picked(&entry, &point, &call, &draft.place));
    let (why, reason) = (
        why_joined(&call, fields.get("into")),
        why_called(&call, typed.as_ref().map(|d| d.summary.as_str())),
    );
    let filing = Filing {
        draft: whole,
        seen: Some(fields.get("known").parse().unwrap_or(0)),
        place: place.as_ref(),
        into: (asked == Asked::Join).then_some((fields.get("into"), why.as_str())),
        centre: (asked == Asked::Centre).then_some(reason.as_str()),
    };
    let user = &viewer.session.user;
    let actor = Actor::user(user, &viewer.session.grants);
    let page = |error: Option<String>, told| Shown {
        draft: typed.clone(),
        entry: entry.clone(),
        point: point.clone(),
        error,
        told,
        seat: seat::chosen(headers),
        ..Shown::default()
    };
    let (status, error) = match ticket::take(app, &call.case.number, filing, &actor).await {
        Ok(_) => {
            if let Some(draft) = whole {
                let before = call.ticket.as_ref().map(Ticket::draft);
                lesson::teach(app, &call.case, user, draft, before.as_ref()).await;
            }
            app.changes.wake();
            if typed.is_none() || whole.is_some() {
                return Ok(Redirect::to(&format!("/calls/{call_id}")).into_response());
            }
            // Done, but for the ticket: what was typed of it stays in the form.
            let told = if asked == Asked::Join { lang.call_joined_draft() } else { lang.call_centre_draft() };
            let call = read(app, viewer, call_id).await?;
            return show(app, viewer, &call, page(None, Some(told))).await;
        }
        // What was typed stays in the form, beside what is there now.
        Err(TicketError::FiledMeanwhile(by)) => {
            (StatusCode::CONFLICT, format!("{}{by}", lang.filed_meanwhile()))
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, in_words(error, viewer)?),
    };
    let call = read(app, viewer, call_id).await?;
    let page = show(app, viewer, &call, page(Some(error), None)).await?;
    Ok((status, page).into_response())
}

/// The place that somebody picked with the form, unless it is the one that he has picked before: an entry, else a point.
fn picked(entry: &str, point: &str, call: &Call, words: &str) -> Option<Choice> {
    if !entry.is_empty() {
        return (entry != call.picked).then(|| Choice::Entry(entry.to_owned()));
    }
    let (latitude, longitude) = point.split_once(',')?;
    let name = words.trim().chars().take(MOST_NAME).collect();
    Some(Choice::Point(latitude.trim().parse().ok()?, longitude.trim().parse().ok()?, name))
}

/// Why nothing was done; empty where the form itself says it.
fn in_words(error: TicketError, viewer: &Viewer) -> Result<String, PageError> {
    let lang = viewer.preferences.lang;
    match error {
        TicketError::Wrong(_) => Ok(String::new()),
        TicketError::Finished(_) => Ok(lang.wrong_state().to_owned()),
        TicketError::Refused(refused) => Ok(refused.text(lang)),
        TicketError::Place(error) => Ok(error.text(lang)),
        TicketError::FiledMeanwhile(by) => Ok(format!("{}{by}", lang.filed_meanwhile())),
        TicketError::NotACall(_) => Err(PageError::NotFound.shown(viewer)),
        TicketError::Case(error) => Err(PageError::from(error).shown(viewer)),
    }
}

/// Both languages: the history is read in either.
fn why_joined(call: &Call, into: &str) -> String {
    let said = |lang: Lang| {
        let alike = call.similar.iter().find(|one| one.told.number == into);
        let alike =
            alike.map_or(String::new(), |one| format!(" ({} {}%)", lang.call_join_like(), one.percent));
        format!("{}{alike}", lang.call_join_note())
    };
    format!("{} {}", said(Lang::Zh), said(Lang::En))
}

/// The alarms that hold, with what was said; without any the beginning of the summary.
fn why_called(call: &Call, summary: Option<&str>) -> String {
    let raised = call.subject.reading.iter().flat_map(|reading| &reading.alarms).filter(|alarm| alarm.holds);
    let alarms: Vec<String> = raised
        .filter_map(|alarm| {
            let (_, zh, en) = ALARMS.iter().find(|known| known.0 == alarm.id)?;
            Some(format!("{zh} {en}{}", quoted(&alarm.words, Lang::Zh)))
        })
        .collect();
    let own = call.ticket.as_ref().map(|ticket| ticket.summary.as_str());
    let said = summary.filter(|text| !text.trim().is_empty()).or(own).unwrap_or_default();
    let said: String =
        if alarms.is_empty() { said.trim().chars().take(MOST_REASON).collect() } else { alarms.join("、") };
    let who = format!("{} {}", Lang::Zh.call_centre_reason(), Lang::En.call_centre_reason());
    if said.is_empty() { who } else { format!("{who}: {said}") }
}
