//! The number to call a citizen back at: asked for on the call's page with a purpose, told once, in an answer that nobody keeps.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use protocol::{OpenError, UtcMs};

use super::error::{PageError, bare_shell};
use super::guard::{SafeForm, Viewer};
use super::shell::{local, render};
use super::view::{ContactAsk, ContactPage, ContactTold};
use crate::app::App;
use crate::case::{self, Case, CaseError};
use crate::contact::{self, ContactError};
use crate::user::Act;

/// For the call's page; `None`: no number came, or it has expired.
pub(super) async fn ask(app: &App, viewer: &Viewer, case: &Case) -> Result<Option<ContactAsk>, PageError> {
    let kept = contact::store::of_case(&app.db, app.tenant().as_str(), &case.case_id, app.clock.now()).await;
    let kept = kept.map_err(|error| PageError::from(error).shown(viewer))?;
    Ok(kept.map(|kept| ContactAsk {
        may: viewer.may(Act::Contact),
        roles: Act::Contact.roles_text(viewer.preferences.lang),
        deleted: !kept.is_here(),
        until: local(app).moment(UtcMs(kept.expires_at_ms)),
    }))
}

async fn case_of(app: &App, viewer: &Viewer, call_id: &str) -> Result<Case, PageError> {
    let case = case::store::by_call(&app.db, app.tenant().as_str(), &viewer.session.user, call_id).await;
    let case = case.map_err(|error| PageError::from(error).shown(viewer))?;
    case.ok_or_else(|| PageError::NotFound.shown(viewer))
}

pub(super) async fn look(
    State(app): State<App>,
    Path(call_id): Path<String>,
    sent: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &sent.viewer;
    viewer.must(Act::Contact)?;
    let case = case_of(&app, viewer, &call_id).await?;
    viewer.must_at(Act::Contact, &case.area)?;
    let (lang, purpose) = (viewer.preferences.lang, sent.fields.get("purpose"));
    let (status, told) = match contact::look(&app, &case.number, &viewer.session.user, purpose).await {
        Ok(found) => {
            let until = local(&app).moment(UtcMs(found.expires_at));
            (StatusCode::OK, ContactTold::Number { number: found.number.unwrap_or_default(), until })
        }
        Err(error) => {
            let (status, why) = match error {
                ContactError::Purpose => (StatusCode::UNPROCESSABLE_ENTITY, lang.purpose_missing()),
                ContactError::Nothing(_) => (StatusCode::NOT_FOUND, lang.contact_nothing()),
                ContactError::Closed(_, OpenError::Foreign) => (StatusCode::CONFLICT, lang.contact_foreign()),
                ContactError::Closed(_, OpenError::Damaged) => (StatusCode::CONFLICT, lang.contact_damaged()),
                ContactError::Confidential(_) => (StatusCode::FORBIDDEN, lang.contact_confidential()),
                ContactError::Case(error) => return Err(page_error(error, viewer)),
            };
            (status, ContactTold::Nothing(why))
        }
    };
    // It follows no feed: an update would take the number away, or ask for it again.
    let frame = bare_shell(&viewer.preferences, Some(viewer));
    let page =
        ContactPage { shell: &frame, call_id, case_number: case.number, purpose: purpose.trim(), told };
    let mut answer = (status, render(&page, viewer)?).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

pub(super) async fn delete(
    State(app): State<App>,
    Path(call_id): Path<String>,
    sent: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &sent.viewer;
    viewer.must(Act::Contact)?;
    let case = case_of(&app, viewer, &call_id).await?;
    viewer.must_at(Act::Contact, &case.area)?;
    match contact::forget(&app, &case.number, &viewer.session.user).await {
        // Deleted by somebody else, or expired in the same moment: what was wanted.
        Ok(()) | Err(ContactError::Nothing(_)) => {
            Ok(Redirect::to(&format!("/calls/{call_id}")).into_response())
        }
        Err(ContactError::Case(error)) => Err(page_error(error, viewer)),
        Err(error @ (ContactError::Purpose | ContactError::Closed(..) | ContactError::Confidential(_))) => {
            Err(PageError::Input(error.to_string()).shown(viewer))
        }
    }
}

fn page_error(error: CaseError, viewer: &Viewer) -> PageError {
    PageError::from(error).shown(viewer)
}
