//! 交接班: the page that closes a shift, and past handovers. What it tells is [`crate::handover`]'s; cases behind each figure
//! are listed with it, as they are now.

use std::collections::HashMap;

use askama::Template as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use protocol::UtcMs;

use super::error::PageError;
use super::guard::{Fields, SafeForm, Viewer, percent};
use super::moment::LocalTime;
use super::shell::{local, shell};
use super::text::Lang;
use super::view::{
    AsideView, HandoverForm, HandoverOnePage, HandoverPage, HandoverPart, HandoverView, LeftView, Nav,
    OfflineView, OnDutyView, OptionView,
};
use super::wall::{AreaNames, held};
use crate::app::App;
use crate::case::Case;
use crate::handover::{self, Handover, HandoverError, Listed, NewHandover, Snapshot, store};
use crate::organisation::{self, AreaPath};
use crate::user::Act;

/// What was typed in a form that was refused, and why.
struct Again<'a> {
    fields: &'a Fields,
    why: String,
    /// Its id is no good: sent again under the same one it would be refused for ever.
    is_new: bool,
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::HandOver)?;
    made(&app, &viewer, &fields, None).await.map(Html).map_err(|error| error.shown(&viewer))
}

async fn made(
    app: &App,
    viewer: &Viewer,
    fields: &Fields,
    again: Option<Again<'_>>,
) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Handover).await?;
    "/handover?".clone_into(&mut frame.here);
    let (session, lang, local) = (&viewer.session, frame.lang, local(app));
    let names = names(app).await?;
    let own = handover::areas(session);
    let asked = again.as_ref().map_or(fields, |again| again.fields).get("area");
    let area = own.iter().find(|area| area.as_str() == asked).or(own.first()).cloned().unwrap_or_default();
    let draft = handover::draft(app, session, &area).await?;
    let all = handover::list(app, session).await?;
    let desk = Desk { names: &names, local: &local, lang, user: &session.user };
    let (waiting, past): (Vec<_>, Vec<_>) =
        all.iter().map(|one| desk.view(one)).partition(|one| one.taken_by.is_none());
    let typed = |name: &str| again.as_ref().map(|again| again.fields.get(name).to_owned());
    let keeps_id = again.as_ref().is_some_and(|again| !again.is_new);
    let choice = |one: &AreaPath| OptionView {
        value: one.to_string(),
        word: desk.area(one.as_str()),
        on: *one == area,
    };
    let page = HandoverPage {
        form: HandoverForm {
            id: typed("id").filter(|_| keeps_id).unwrap_or_else(|| app.new_id()),
            areas: own.iter().map(choice).collect(),
            from: typed("from").unwrap_or_else(|| field_time(&local, draft.from)),
            note: typed("note").unwrap_or_default(),
        },
        left: left(app, viewer, &desk, &draft.snapshot).await?,
        waiting,
        past,
        problem: again.map(|again| again.why),
        shell: &frame,
    };
    Ok(page.render()?)
}

/// `2026-03-18T08:00:00`
fn field_time(local: &LocalTime, at: UtcMs) -> String {
    local.moment(at).full.replace(' ', "T")
}

async fn names(app: &App) -> Result<AreaNames, PageError> {
    Ok(AreaNames::new(&organisation::store::areas(&app.db, app.tenant().as_str()).await?))
}

/// Closes a shift; leads to what was kept.
pub(super) async fn give(State(app): State<App>, form: SafeForm) -> Response {
    let viewer = &form.viewer;
    if let Err(error) = viewer.must(Act::HandOver) {
        return error.into_response();
    }
    let (lang, fields) = (viewer.preferences.lang, &form.fields);
    let area = AreaPath::kept(fields.get("area").to_owned());
    let note = fields.get("note").replace("\r\n", "\n");
    let given = match local(&app).parse(fields.get("from")) {
        Some(from) => {
            let new = NewHandover { id: fields.get("id"), area: &area, from, note: &note };
            handover::give(&app, &viewer.session, &new).await
        }
        None => Err(HandoverError::From),
    };
    let error = match given {
        Ok(given) => {
            return Redirect::to(&format!("/handover/{}", percent(&given.handover_id))).into_response();
        }
        Err(HandoverError::Db(error)) => return PageError::from(error).shown(viewer).into_response(),
        Err(error) => error,
    };
    let why = format!("{}{}", lang.handover_not_done(), words(&error, lang));
    let is_new = matches!(error, HandoverError::Id);
    match made(&app, viewer, fields, Some(Again { fields, why, is_new })).await {
        Ok(html) => (status(&error), Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

fn status(error: &HandoverError) -> StatusCode {
    match error {
        HandoverError::Unknown(_) => StatusCode::NOT_FOUND,
        HandoverError::Own => StatusCode::FORBIDDEN,
        HandoverError::Taken { .. } => StatusCode::CONFLICT,
        HandoverError::Area(_) | HandoverError::From | HandoverError::Note | HandoverError::Id => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        HandoverError::Db(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn words(error: &HandoverError, lang: Lang) -> String {
    match error {
        HandoverError::Area(_) => lang.handover_bad_area().to_owned(),
        HandoverError::From => lang.handover_bad_from().to_owned(),
        HandoverError::Note => lang.handover_bad_note().to_owned(),
        HandoverError::Own => lang.handover_bad_own().to_owned(),
        HandoverError::Taken { by, .. } => format!("{}{by}", lang.handover_bad_taken()),
        HandoverError::Id | HandoverError::Unknown(_) | HandoverError::Db(_) => {
            lang.handover_bad_form().to_owned()
        }
    }
}

pub(super) async fn one(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::HandOver)?;
    let found = handover::get(&app, &viewer.session, &id).await;
    let found = found.map_err(|error| PageError::from(error).shown(&viewer))?;
    let found = found.ok_or_else(|| PageError::NotFound.shown(&viewer))?;
    shown(&app, &viewer, &found, None).await.map(Html).map_err(|error| error.shown(&viewer))
}

async fn shown(
    app: &App,
    viewer: &Viewer,
    found: &Handover,
    problem: Option<String>,
) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Handover).await?;
    frame.here = format!("/handover/{}?", percent(&found.handover_id));
    let names = names(app).await?;
    let local = local(app);
    let desk = Desk { names: &names, local: &local, lang: frame.lang, user: &viewer.session.user };
    let page = HandoverOnePage {
        one: desk.view(found),
        left: left(app, viewer, &desk, &found.snapshot_for(&viewer.session)).await?,
        problem,
        shell: &frame,
    };
    Ok(page.render()?)
}

/// Takes a shift over.
pub(super) async fn take(State(app): State<App>, Path(id): Path<String>, form: SafeForm) -> Response {
    let viewer = &form.viewer;
    if let Err(error) = viewer.must(Act::HandOver) {
        return error.into_response();
    }
    let lang = viewer.preferences.lang;
    let error = match handover::take(&app, &viewer.session, &id).await {
        Ok(taken) => {
            return Redirect::to(&format!("/handover/{}", percent(&taken.handover_id))).into_response();
        }
        Err(HandoverError::Unknown(_)) => return PageError::NotFound.shown(viewer).into_response(),
        Err(HandoverError::Db(error)) => return PageError::from(error).shown(viewer).into_response(),
        Err(error) => error,
    };
    let why = format!("{}{}", lang.handover_not_done(), words(&error, lang));
    let page = async {
        let found = handover::get(&app, &viewer.session, &id).await?.ok_or(PageError::NotFound)?;
        shown(&app, viewer, &found, Some(why)).await
    };
    match page.await {
        Ok(html) => (status(&error), Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

struct Desk<'a> {
    names: &'a AreaNames,
    local: &'a LocalTime,
    lang: Lang,
    user: &'a str,
}

impl Desk<'_> {
    fn area(&self, path: &str) -> String {
        if path == "/" {
            self.lang.handover_everywhere().to_owned()
        } else {
            self.names.name(path, self.lang)
        }
    }

    fn view(&self, one: &Handover) -> HandoverView {
        let (lang, snapshot) = (self.lang, one.snapshot());
        HandoverView {
            id: one.handover_id.clone(),
            area: self.area(&one.area),
            from: self.local.moment(UtcMs(one.from_ms)),
            to: self.local.moment(UtcMs(one.to_ms)),
            by: one.given_by.clone(),
            note: one.note.clone(),
            figures: figures(&snapshot, lang).into_iter().map(|(_, word, own)| (word, own.count)).collect(),
            taken_by: one.taken_by.clone(),
            taken_at: one.taken_at_ms.map(|at| self.local.moment(UtcMs(at))),
            is_own: one.given_by == self.user,
        }
    }
}

/// Figures with cases behind them, in the order of the page.
fn figures(snapshot: &Snapshot, lang: Lang) -> [(&'static str, &'static str, &Listed); 5] {
    [
        ("unacknowledged", lang.handover_unacknowledged(), &snapshot.unacknowledged),
        ("emergencies", lang.handover_emergencies(), &snapshot.emergencies),
        ("overdue", lang.handover_overdue(), &snapshot.overdue),
        ("requests", lang.handover_requests(), &snapshot.requests),
        ("came-in", lang.handover_came_in(), &snapshot.came_in),
    ]
}

/// A snapshot with its cases as they are now, as far as the reader may see them.
async fn left(
    app: &App,
    viewer: &Viewer,
    desk: &Desk<'_>,
    snapshot: &Snapshot,
) -> Result<LeftView, PageError> {
    let (tenant, user, lang, local) = (app.tenant().as_str(), &viewer.session.user, desk.lang, desk.local);
    let mut parts = Vec::new();
    for (id, word, own) in figures(snapshot, lang) {
        let cases = store::cases(&app.db, tenant, user, &own.numbers).await?;
        let known: HashMap<&str, &Case> = cases.iter().map(|case| (case.number.as_str(), case)).collect();
        let rows = own.numbers.iter().filter_map(|number| known.get(number.as_str()));
        let unseen = own.numbers.iter().filter(|number| !known.contains_key(number.as_str()));
        parts.push(HandoverPart {
            id,
            word,
            count: own.count,
            rows: rows.map(|case| held(case, desk.names, local, lang)).collect(),
            unseen: unseen.cloned().collect(),
            more: own.count - own.numbers.len() as i64,
        });
    }
    let duty = snapshot.duty.iter().map(|one| OnDutyView {
        name: one.user.clone(),
        post: if one.post == "leader" { lang.handover_post_leader() } else { lang.handover_post_duty() },
        from: local.moment(UtcMs(one.from_ms)),
        to: local.moment(UtcMs(one.to_ms)),
    });
    let aside = snapshot.shelved.iter().map(|one| AsideView {
        number: one.number.clone(),
        reason: one.reason.clone(),
        by: one.by.clone(),
        until: local.moment(UtcMs(one.until_ms)),
    });
    let may_open = viewer.may(Act::SeeDevices);
    let offline = snapshot.offline.iter().map(|one| OfflineView {
        url: may_open.then(|| format!("/devices/{}", percent(&one.device_id))),
        id: one.device_id.clone(),
        title: one.title.clone(),
        since: one.since_ms.map(|at| local.moment(UtcMs(at))),
    });
    Ok(LeftView { duty: duty.collect(), parts, shelved: aside.collect(), offline: offline.collect() })
}
