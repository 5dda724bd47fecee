//! One call: its recording, its words, and the ticket form beside them; what is done with it by one key is [`file`]'s.

mod begun;
mod file;
mod form;
mod marks;
mod place;
mod show;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::hotline::{CallReading, Offer};
use protocol::{CallSubject, Origin, Phase, Subject, UtcMs};

pub(super) use file::{centre, file, join};
pub(super) use place::places;
use show::Shown;

use super::error::PageError;
use super::guard::{Fields, Viewer};
use super::seat;
use crate::app::App;
use crate::case::store::list;
use crate::case::{self, Case, CaseEvidence, CaseIncident};
use crate::command::{self, CommandRow};
use crate::correlation::links;
use crate::device;
use crate::engine::centre::{self as command_centre, Called};
use crate::gazetteer;
use crate::ticket::lesson::{self, Past};
use crate::ticket::similar::{self, Similar};
use crate::ticket::{self, Draft, Ticket};
use crate::workflow::{self, Actor, StepKind};

/// Incidents looked at of a call's case: the call itself, and alarms raised while it ran.
const NEWEST: i64 = 20;

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(call_id): Path<String>,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if let Some(begun) = begun::find(&app, &viewer, &call_id).await? {
        return begun::show(
            &app,
            &viewer,
            &begun,
            Shown { seat: seat::chosen(&headers), ..Shown::default() },
        )
        .await;
    }
    let call = read(&app, &viewer, &call_id).await?;
    let edit = fields.get("edit") == "1";
    let draft = call.ticket.as_ref().filter(|_| edit).map(Ticket::draft);
    let show_form = call.ticket.is_none() || edit;
    let draft =
        show_form.then(|| draft.unwrap_or_else(|| offered(&call.subject, call.case.place.as_deref())));
    let shown = Shown {
        purpose: fields.get("purpose").trim(),
        draft,
        entry: call.picked.clone(),
        seat: seat::chosen(&headers),
        ..Shown::default()
    };
    show::show(&app, &viewer, &call, shown).await
}

/// What the call itself says, for the operator to keep or to change. `place`: where its box stands.
fn offered(subject: &CallSubject, place: Option<&str>) -> Draft {
    let reading = subject.reading.clone().unwrap_or_default();
    let told = reading.place.as_ref();
    let first = |offers: &[Offer]| offers.first().map(|offer| offer.id.clone()).unwrap_or_default();
    let told = told.map(|place| match &place.grid {
        Some(grid) => format!("{}（{grid}）", place.text),
        None => place.text.clone(),
    });
    Draft {
        matter: first(&reading.matters),
        category: first(&reading.categories),
        urgency: first(&reading.urgencies),
        place: told.or_else(|| place.map(str::to_owned)).unwrap_or_default(),
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
    ended_at: Option<UtcMs>,
    /// How far the box's clock, by which those two are, is behind the hub's.
    skew_ms: i64,
    device_id: String,
    recording: Option<CaseEvidence>,
    requests: Vec<CommandRow>,
    ticket: Option<Ticket>,
    /// Whether its box can turn speech into words.
    recognises: bool,
    /// Whether its box cannot be reached now.
    away: bool,
    /// How earlier calls with the same first offer were tagged.
    past: Vec<Past>,
    /// Id of the place that a person has picked for it.
    picked: String,
    centre: Option<Called>,
    joined_into: Option<String>,
    /// The law lets the viewer join it to another case.
    may_join: bool,
}

async fn read(app: &App, viewer: &Viewer, call_id: &str) -> Result<Call, PageError> {
    let tenant = app.tenant().as_str();
    let shown = |error: crate::db::Error| PageError::from(error).shown(viewer);
    let missing = || PageError::NotFound.shown(viewer);
    let (user, now) = (viewer.session.user.as_str(), app.clock.now());
    let case =
        case::store::by_call(&app.db, tenant, user, call_id).await.map_err(shown)?.ok_or_else(missing)?;
    let id = case.case_id.as_str();
    let incidents = list::incidents(&app.db, tenant, id, None, NEWEST).await.map_err(shown)?;
    let (incident, mut subject) = incidents.iter().find_map(subject).ok_or_else(missing)?;
    if incident.phase != Phase::Ended.as_str() {
        read_so_far(app, &incident.device_id, &mut subject);
    }
    let ids = incidents.iter().map(|incident| incident.incident_id.as_str());
    let files = list::evidence_of(&app.db, tenant, ids, std::slice::from_ref(&case)).await.map_err(shown)?;
    let requests = command::store::of_case(&app.db, tenant, id).await.map_err(shown)?;
    let ticket = ticket::get(&app.db, tenant, id).await.map_err(shown)?;
    let device = device::store::get(&app.db, tenant, "", &incident.device_id).await.map_err(shown)?;
    let others = ticket::open_cases(&app.db, tenant, user, id, now).await.map_err(shown)?;
    let past = lesson::past(&app.db, tenant, subject.reading.as_ref(), id, now).await.map_err(shown)?;
    let place = gazetteer::of_case(&app.db, tenant, id).await.map_err(shown)?;
    let by_person = place.filter(|kept| kept.chosen_by.as_deref().is_some_and(|by| by != "hub"));
    let link = links::of_case(&app.db, tenant, id).await.map_err(shown)?;
    Ok(Call {
        over: incident.phase == Phase::Ended.as_str(),
        similar: alike(
            &subject,
            (ticket.as_ref(), case.place.as_deref()),
            UtcMs(incident.started_at_ms),
            others,
        ),
        away: device.as_ref().and_then(|device| device.link.as_deref()) == Some("offline"),
        skew_ms: device.as_ref().and_then(|device| device.skew_ms).unwrap_or(0),
        recognises: device
            .and_then(|device| device.status())
            .is_some_and(|status| status.speech_model.is_some()),
        started_at: UtcMs(incident.started_at_ms),
        ended_at: incident.ended_at_ms.map(UtcMs),
        device_id: incident.device_id.clone(),
        recording: to_play(files),
        past,
        picked: by_person.and_then(|kept| kept.chosen).map(|chosen| chosen.id).unwrap_or_default(),
        centre: command_centre::called(&app.db, tenant, id).await.map_err(shown)?,
        joined_into: link.joined_into,
        may_join: may_join(app, viewer, &case.number).await.map_err(shown)?,
        subject,
        case,
        requests,
        ticket,
    })
}

async fn may_join(app: &App, viewer: &Viewer, number: &str) -> crate::db::Result<bool> {
    let mut tx = app.db.begin_read().await?;
    let Some(dossier) = workflow::store::load(&mut tx, app.tenant().as_str(), number).await? else {
        return Ok(false);
    };
    let by = Actor::user(&viewer.session.user, &viewer.session.grants);
    Ok(dossier.offers(&by).iter().any(|offer| offer.step == StepKind::Join && offer.refused.is_none()))
}

/// Of a call's recording and copies of it, which the box made without private numbers, the one that is here; copies first.
fn to_play(files: Vec<CaseEvidence>) -> Option<CaseEvidence> {
    let recordings = files.into_iter().filter(|file| file.kind == "recording");
    recordings.min_by_key(|file| (file.stored_at_ms.is_none(), file.masked == 0))
}

/// While a call runs its incident tells of its alarms alone; what its box reads from the words meanwhile stands beside them.
fn read_so_far(app: &App, device_id: &str, subject: &mut CallSubject) {
    let Ok(device) = device_id.parse() else { return };
    let origin = Origin { tenant: app.tenant().clone(), device };
    let Some(told) = app.running.reading(&origin, subject.call_id) else { return };
    let own = subject.reading.get_or_insert_default();
    if own.categories.is_empty() {
        // How urgent it is the alarms say.
        let (alarms, urgencies) = (std::mem::take(&mut own.alarms), std::mem::take(&mut own.urgencies));
        *own = CallReading {
            urgencies: if alarms.is_empty() { told.urgencies } else { urgencies },
            alarms,
            ..told
        };
    }
}

/// `box_place`: where its box stands.
fn alike(
    subject: &CallSubject,
    (ticket, box_place): (Option<&Ticket>, Option<&str>),
    at: UtcMs,
    others: Vec<similar::Told>,
) -> Vec<Similar> {
    let reading = subject.reading.clone().unwrap_or_default();
    let place = ticket.map(|t| t.place.clone()).or_else(|| reading.place.map(|p| p.text));
    let summary = ticket.map_or(reading.summary, |t| t.summary.clone());
    let words = format!("{} {summary}", reading.title);
    let holding = reading.alarms.iter().filter(|alarm| alarm.holds);
    let alarms: Vec<&str> = holding.map(|alarm| alarm.id.as_str()).collect();
    let place = place.or_else(|| box_place.map(str::to_owned)).unwrap_or_default();
    similar::similar(&place, &words, &alarms, at, others)
}

fn subject(row: &CaseIncident) -> Option<(&CaseIncident, CallSubject)> {
    match serde_json::from_str::<protocol::Incident>(&row.data).ok()?.subject {
        Subject::Call(call) => Some((row, call)),
        _ => None,
    }
}
