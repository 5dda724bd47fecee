//! Moves of a case by forms: the same law and the same words as in the API, and nothing that needs script.
//!
//! A form carries the position of the history that it was drawn from. Made under the tenant's lock: where the case has gone
//! on since, nothing is done, and the page says what has changed and keeps what was typed; where it went on by this very
//! form, sent twice, it is done already. A move that is refused keeps what was typed too, and its pictures wait by their ids.
//!
//! Deliberately absent: any decision about cases. [`panel`] draws what [`crate::workflow`] allows, [`read`] reads a form.

mod about;
mod again;
mod fields;
mod form;
pub(super) mod multipart;
mod panel;
mod read;
#[cfg(test)]
pub(super) mod sample;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::case as page;
use super::error::PageError;
use super::guard::{Fields, SafeForm, Viewer, local_path};
use super::shell::local;
use super::text::Lang;
use crate::app::App;
use crate::case::{self, HistoryEntry};
use crate::correlation::links;
use crate::correlation::shelf::{self, By, ShelfError};
use crate::user::Act;
use crate::workflow::store::StepError;
use crate::workflow::{Actor, Refused, Step, StepKind};
use crate::{attachment, db};
pub(crate) use again::{counts, is_made};
pub(super) use fields::{limits, name as unit_name, worded};
pub(super) use form::MoveForm;
pub(super) use panel::{read as panel, why_not};

/// Rows of a history that are looked at for what has changed; a case with more of them has changed.
const MOST_SINCE: i64 = 200;

/// A form that changed nothing, to be shown again.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// [`form_id`]
    form: String,
    /// What was typed.
    fields: Fields,
    /// Its pictures, which wait.
    pictures: Vec<String>,
    why: String,
    /// Rows since it was drawn.
    changed: Vec<HistoryEntry>,
}

impl Refusal {
    /// Of a form that is no move: it stands above them, with what was typed.
    pub(super) fn of_another_form(fields: Fields, why: String) -> Self {
        Self { form: String::new(), fields, pictures: vec![], why, changed: vec![] }
    }
}

/// A move that holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Now,
    /// By this very form, sent before.
    Before,
}

/// Why a move was not made.
#[derive(Debug)]
pub(super) enum NotMade {
    /// The case is not there, or not this user's to see.
    Gone,
    /// Something of the form, in words.
    Form(String),
    /// The case has gone on.
    Moved(Vec<HistoryEntry>),
    Refused(Refused),
    Db(db::Error),
}

impl From<db::Error> for NotMade {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

impl From<StepError> for NotMade {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Unknown(_) => Self::Gone,
            StepError::Refused(refused) => Self::Refused(refused),
            StepError::Db(error) => Self::Db(error),
        }
    }
}

/// The element of a form: by its kind and, where there are several, what it is about.
fn form_id(kind: &str, about: &str) -> String {
    let kind = kind.replace('_', "-");
    if about.is_empty() { format!("move-{kind}") } else { format!("move-{kind}-{about}") }
}

pub(super) async fn make(
    State(app): State<App>,
    Path(number): Path<String>,
    form: MoveForm,
) -> Result<Response, PageError> {
    let viewer = &form.viewer;
    let lang = viewer.preferences.lang;
    sees(&app, viewer, &number).await?;
    let Some(kind) = StepKind::kept(form.fields.get("move")) else {
        return Err(PageError::Input(lang.move_unknown().to_owned()).shown(viewer));
    };
    let Ok(position) = form.fields.get("position").parse::<i64>() else {
        return Err(PageError::Input(lang.input_unreadable().to_owned()).shown(viewer));
    };
    let (status, why, changed) = match attempt(&app, &form, &number, kind, position).await {
        Ok(()) => {
            app.changes.wake();
            let (own, back) = (format!("/cases/{number}"), form.fields.get("back"));
            return Ok(Redirect::to(if back.is_empty() { &own } else { local_path(back) }).into_response());
        }
        Err(NotMade::Gone) => return Err(PageError::NotFound.shown(viewer)),
        Err(NotMade::Db(error)) => return Err(PageError::from(error).shown(viewer)),
        Err(NotMade::Form(why)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{}{why}", lang.move_not_made()), vec![])
        }
        Err(NotMade::Moved(rows)) => (StatusCode::CONFLICT, lang.move_stale().to_owned(), rows),
        Err(NotMade::Refused(refused)) => {
            let status = match refused {
                Refused::State { .. } => StatusCode::CONFLICT,
                Refused::Who { .. } => StatusCode::FORBIDDEN,
                Refused::Missing { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let why =
                why_not(&app, &refused, lang).await.map_err(|error| PageError::from(error).shown(viewer))?;
            (status, format!("{}{why}", lang.move_not_made()), vec![])
        }
    };
    let refusal = Refusal {
        form: form_id(kind.as_str(), form.fields.get("request")),
        fields: form.fields.clone(),
        pictures: form.pictures.clone(),
        why,
        changed,
    };
    let page = page::show(&app, viewer, &number, &Fields::default(), Some(&refusal)).await?;
    Ok((status, page).into_response())
}

/// What is not one's own is not there.
async fn sees(app: &App, viewer: &Viewer, number: &str) -> Result<case::Case, PageError> {
    let (tenant, user) = (app.tenant().as_str(), &viewer.session.user);
    let case = case::store::by_number(&app.db, tenant, user, number).await;
    let case = case.map_err(|error| PageError::from(error).shown(viewer))?;
    case.ok_or_else(|| PageError::NotFound.shown(viewer))
}

/// Makes a move of a form that was drawn at a position of the history; one that was made already is done.
pub(super) async fn attempt(
    app: &App,
    form: &MoveForm,
    number: &str,
    kind: StepKind,
    position: i64,
) -> Result<(), NotMade> {
    let lang = form.viewer.preferences.lang;
    if !form.problems.is_empty() {
        return Err(NotMade::Form(form.problems.join(lang.pick("；", "; "))));
    }
    let step = read::step(kind, &form.fields, &local(app), lang).map_err(NotMade::Form)?;
    make_at(app, &form.viewer, (number, position), &step, &form.pictures).await.map(|_| ())
}

/// Makes a move of a case at the position of its history at which somebody saw it.
pub(super) async fn make_at(
    app: &App,
    viewer: &Viewer,
    (number, position): (&str, i64),
    step: &Step,
    pictures: &[String],
) -> Result<Made, NotMade> {
    let tenant = app.tenant().as_str();
    let (user, grants) = (viewer.session.user.as_str(), viewer.session.grants.as_slice());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?.ok_or(NotMade::Gone)?;
    let since = case::store::history_since(&mut tx, tenant, &case.case_id, position, MOST_SINCE).await?;
    let is_cut = since.len() as i64 == MOST_SINCE;
    let changed: Vec<HistoryEntry> = since.into_iter().filter(counts).collect();
    if is_made(&changed, step, user) {
        return Ok(Made::Before);
    }
    if is_cut || !changed.is_empty() {
        return Err(NotMade::Moved(changed));
    }
    let actor = Actor::user(user, grants);
    attachment::take_step(&mut tx, app, number, step, (user, &actor), pictures).await?;
    tx.commit().await?;
    Ok(Made::Now)
}

/// Puts the source of a case aside, or takes it back. Sent twice it is done once.
pub(super) async fn shelf(
    State(app): State<App>,
    Path(number): Path<String>,
    sent: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &sent.viewer;
    let lang = viewer.preferences.lang;
    viewer.must(Act::Shelve)?;
    let case = sees(&app, viewer, &number).await?;
    viewer.must_at(Act::Shelve, &case.area)?;
    let by = By { user: &viewer.session.user, grants: &viewer.session.grants };
    let kind = if sent.fields.get("move") == "unshelve" { "unshelve" } else { "shelve" };
    let result = if kind == "unshelve" {
        shelf::take_back(&app, &number, by).await
    } else {
        let minutes = sent.fields.get("minutes").parse().unwrap_or(0);
        shelf::shelve(&app, &number, minutes, sent.fields.get("reason"), by).await
    };
    let shown = |error: db::Error| PageError::from(error).shown(viewer);
    let done = || {
        app.changes.wake();
        Ok(Redirect::to(&format!("/cases/{number}")).into_response())
    };
    let error = match result {
        Ok(_) | Err(ShelfError::NotShelved(_)) => return done(),
        Err(ShelfError::Unknown(_)) => return Err(PageError::NotFound.shown(viewer)),
        Err(ShelfError::Db(error)) => return Err(shown(error)),
        Err(error) => error,
    };
    if let ShelfError::Already(_) = error {
        let link = links::of_case(&app.db, app.tenant().as_str(), &case.case_id).await.map_err(shown)?;
        if link.shelved_by.as_deref() == Some(viewer.session.user.as_str()) {
            return done();
        }
    }
    let (status, why) = shelf_words(&error, lang);
    let refusal = Refusal {
        form: form_id(kind, ""),
        fields: sent.fields.clone(),
        pictures: vec![],
        why: format!("{}{why}", lang.move_not_made()),
        changed: vec![],
    };
    let page = page::show(&app, viewer, &number, &Fields::default(), Some(&refusal)).await?;
    Ok((status, page).into_response())
}

fn shelf_words(error: &ShelfError, lang: Lang) -> (StatusCode, &'static str) {
    match error {
        ShelfError::Reason => (StatusCode::UNPROCESSABLE_ENTITY, lang.shelf_reason()),
        ShelfError::Minutes(_) => (StatusCode::UNPROCESSABLE_ENTITY, lang.shelf_minutes()),
        ShelfError::Leaders => (StatusCode::FORBIDDEN, lang.shelf_leaders()),
        ShelfError::NoSource(_) => (StatusCode::CONFLICT, lang.shelf_no_source()),
        ShelfError::Already(_) => (StatusCode::CONFLICT, lang.shelf_already()),
        ShelfError::NotShelved(_) | ShelfError::Unknown(_) | ShelfError::Db(_) => {
            (StatusCode::CONFLICT, lang.shelf_not())
        }
    }
}
