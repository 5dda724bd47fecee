//! What can be done from a card besides acknowledging, which the case's own form does: it was nothing, or its source is
//! put aside. Plain forms; `wall.js` sends the same and is answered with words instead of a page.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::refused;
use crate::app::App;
use crate::case::{self, Case};
use crate::correlation::shelf::{self, By, ShelfError};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::SafeForm;
use crate::web::text::Lang;
use crate::web::view::{WallAct, WallProblem};
use crate::workflow::store::{StepError, take};
use crate::workflow::{Actor, Refused, Step, VoidReason};

/// Voids a case as a false alarm (误报), which counts against the rule that raised it.
pub(in crate::web) async fn false_alarm(State(app): State<App>, form: SafeForm) -> Response {
    let case = match case_of(&app, &form, Act::Acknowledge).await {
        Ok(case) => case,
        Err(error) => return error.shown(&form.viewer).into_response(),
    };
    let session = &form.viewer.session;
    let note = form.fields.get("note").trim().to_owned();
    let step = Step::Void { reason: VoidReason::FalseAlarm, note: note.clone() };
    let (actor, id) = (Actor::user(&session.user, &session.grants), app.new_id());
    let taken = take(&app.db, app.tenant().as_str(), &case.number, &step, &actor, app.step_with(&id)).await;
    match taken {
        Ok(_) => done(&app, &form),
        Err(StepError::Unknown(_)) => PageError::NotFound.shown(&form.viewer).into_response(),
        Err(StepError::Db(error)) => PageError::from(error).shown(&form.viewer).into_response(),
        Err(StepError::Refused(why)) => {
            let status = match why {
                Refused::State { .. } => StatusCode::CONFLICT,
                Refused::Who { .. } => StatusCode::FORBIDDEN,
                Refused::Missing { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let why = why.text(form.viewer.preferences.lang);
            answer(&app, &form, status, &case, (WallAct::FalseAlarm, why, note)).await
        }
    }
}

/// Puts the source of a case aside for a while.
pub(in crate::web) async fn shelve(State(app): State<App>, form: SafeForm) -> Response {
    let case = match case_of(&app, &form, Act::Shelve).await {
        Ok(case) => case,
        Err(error) => return error.shown(&form.viewer).into_response(),
    };
    let session = &form.viewer.session;
    let reason = form.fields.get("reason").trim();
    let by = By { user: &session.user, grants: &session.grants };
    // What is no number is no time that the shelf takes.
    let minutes = form.fields.get("minutes").parse().unwrap_or(0);
    let status = match shelf::shelve(&app, &case.number, minutes, reason, by).await {
        Ok(_) => return done(&app, &form),
        Err(ShelfError::Unknown(_)) => return PageError::NotFound.shown(&form.viewer).into_response(),
        Err(ShelfError::Db(error)) => return PageError::from(error).shown(&form.viewer).into_response(),
        Err(error) => (status(&error), words(&error, form.viewer.preferences.lang)),
    };
    let (status, why) = status;
    answer(&app, &form, status, &case, (WallAct::Shelve, why, reason.to_owned())).await
}

/// The case that a form is about, when it is this user's to see and to act on.
pub(super) async fn case_of(app: &App, form: &SafeForm, act: Act) -> Result<Case, PageError> {
    form.viewer.must(act)?;
    let (tenant, user) = (app.tenant().as_str(), &form.viewer.session.user);
    let number = form.fields.get("number");
    let found = case::store::by_number(&app.db, tenant, user, number).await?;
    let case = found.ok_or(PageError::NotFound)?;
    form.viewer.must_at(act, &case.area)?;
    Ok(case)
}

fn done(app: &App, form: &SafeForm) -> Response {
    app.changes.wake();
    form.done("/wall")
}

/// Words for a script, the wall with them for everybody else.
async fn answer(
    app: &App,
    form: &SafeForm,
    status: StatusCode,
    case: &Case,
    (act, why, typed): (WallAct, String, String),
) -> Response {
    if form.partial {
        return (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], why).into_response();
    }
    let minutes = form.fields.get("minutes").parse().unwrap_or(0);
    let problem = WallProblem { number: case.number.clone(), act, why, typed, minutes };
    // Who puts aside may also acknowledge: whoever came this far sees the wall.
    refused(app, &form.viewer, status, problem).await
}

fn status(error: &ShelfError) -> StatusCode {
    match error {
        ShelfError::Unknown(_) => StatusCode::NOT_FOUND,
        ShelfError::Reason | ShelfError::Minutes(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ShelfError::Leaders => StatusCode::FORBIDDEN,
        ShelfError::NoSource(_) | ShelfError::Already(_) | ShelfError::NotShelved(_) => StatusCode::CONFLICT,
        ShelfError::Db(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn words(error: &ShelfError, lang: Lang) -> String {
    match error {
        ShelfError::Reason => lang.wall_bad_reason().to_owned(),
        ShelfError::Minutes(most) => format!("{} {most}", lang.wall_bad_minutes()),
        ShelfError::Leaders => lang.wall_bad_leaders().to_owned(),
        ShelfError::NoSource(_) => lang.wall_no_source().to_owned(),
        ShelfError::Already(_) => lang.wall_bad_already().to_owned(),
        ShelfError::Unknown(_) | ShelfError::NotShelved(_) | ShelfError::Db(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever may put a source aside gets back to a wall of his own.
    #[test]
    fn who_shelves_acknowledges() {
        assert!(Act::Shelve.roles().iter().all(|role| role.may(Act::Acknowledge)));
    }
}
