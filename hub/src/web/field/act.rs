//! The forms of the page: a report from the spot, and the moves of a task. Each is done by the call that the API makes; a form
//! that is refused comes back with the reason, all that was typed, and its pictures by their ids.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::Severity;

use super::{Outcome, again, blank, sees, severities, told};
use crate::app::App;
use crate::attachment::MOST_NAMED;
use crate::case::report::{Enclosed, NewReport, ReportError};
use crate::contact::Reporter;
use crate::field::repeat::{Key, Reused};
use crate::field::{self, Coming, NotMoved, NotReported};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::Fields;
use crate::web::moves::{self, MoveForm, NotMade};
use crate::web::text::Lang;
use crate::web::view::{FieldProblem, FieldReport};
use crate::workflow::store::StepError;
use crate::workflow::{Refused, Step, StepKind};

/// A move of a task.
pub(in crate::web) async fn step(
    State(app): State<App>,
    Path(number): Path<String>,
    form: MoveForm,
) -> Result<Response, PageError> {
    let viewer = &form.viewer;
    let lang = viewer.preferences.lang;
    viewer.must(Act::Field)?;
    sees(&app, viewer, &number).await?;
    let unreadable = || PageError::Input(lang.input_unreadable().to_owned()).shown(viewer);
    let kind = StepKind::kept(form.fields.get("move")).ok_or_else(unreadable)?;
    let position = form.fields.get("position").parse::<i64>().map_err(|_| unreadable())?;
    let (status, why, changed) = match moves::attempt(&app, &form, &number, kind, position).await {
        Ok(()) => {
            app.changes.wake();
            return Ok(Redirect::to(&format!("/field?moved={number}#tasks")).into_response());
        }
        Err(NotMade::Gone) => return Err(PageError::NotFound.shown(viewer)),
        Err(NotMade::Db(error)) => return Err(PageError::from(error).shown(viewer)),
        Err(NotMade::Form(why)) => (StatusCode::UNPROCESSABLE_ENTITY, why, vec![]),
        Err(NotMade::Moved(rows)) => {
            (StatusCode::CONFLICT, lang.field_gone_on().to_owned(), told(&app, &rows, lang))
        }
        Err(NotMade::Refused(refused)) => {
            let why = moves::why_not(&app, &refused, lang).await;
            (status_of(&refused), why.map_err(|error| PageError::from(error).shown(viewer))?, vec![])
        }
    };
    let text = |name: &str| form.fields.get(name).to_owned();
    let problem = FieldProblem {
        kind: kind.as_str().to_owned(),
        why: format!("{}{why}", lang.field_not()),
        changed,
        text: [text("note"), text("result"), text("reason")].concat(),
        agrees: text("agrees"),
        pictures: form.pictures.clone(),
    };
    let outcome = Outcome { problem: Some((number, problem)), ..Outcome::default() };
    Ok(again(&app, viewer, status, outcome).await)
}

fn status_of(refused: &Refused) -> StatusCode {
    match refused {
        Refused::State { .. } => StatusCode::CONFLICT,
        Refused::Who { .. } => StatusCode::FORBIDDEN,
        Refused::Missing { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A report from the spot; where it was handled there, that too.
pub(in crate::web) async fn report(State(app): State<App>, form: MoveForm) -> Result<Response, PageError> {
    let viewer = &form.viewer;
    let lang = viewer.preferences.lang;
    viewer.must(Act::Field)?;
    match taken(&app, &form, lang).await {
        Ok(number) => {
            app.changes.wake();
            Ok(Redirect::to(&format!("/field?reported={number}#mine")).into_response())
        }
        // Reported it is: its task is on the page, where what is missing can be done.
        Err(Stopped::NotHandled(number, why)) => {
            app.changes.wake();
            let why = format!("{}{why} {number}", lang.field_handled_not());
            let outcome = Outcome { done: Some(why), ..Outcome::default() };
            Ok(again(&app, viewer, StatusCode::OK, outcome).await)
        }
        Err(Stopped::Db(error)) => Err(PageError::from(error).shown(viewer)),
        Err(Stopped::Form(why)) => {
            let typed = typed(&form.fields, &form.pictures, lang);
            let report = FieldReport { problem: Some(format!("{}{why}", lang.field_not())), ..typed };
            let outcome = Outcome { report: Some(report), ..Outcome::default() };
            Ok(again(&app, viewer, StatusCode::UNPROCESSABLE_ENTITY, outcome).await)
        }
    }
}

enum Stopped {
    /// What is to be mended.
    Form(String),
    /// It is a case, of this number; why it was not handled.
    NotHandled(String, String),
    Db(crate::db::Error),
}

impl From<crate::db::Error> for Stopped {
    fn from(error: crate::db::Error) -> Self {
        Self::Db(error)
    }
}

async fn taken(app: &App, form: &MoveForm, lang: Lang) -> Result<String, Stopped> {
    let (fields, viewer) = (&form.fields, &form.viewer);
    if !form.problems.is_empty() {
        return Err(Stopped::Form(form.problems.join(lang.pick("；", "; "))));
    }
    let text = |name: &str| fields.get(name).replace("\r\n", "\n").trim().to_owned();
    let handled = fields.get("handled") == "1";
    let result = text("result");
    if handled && result.is_empty() {
        return Err(Stopped::Form(format!("{}{}", lang.move_fill_in(), lang.field_handled_result())));
    }
    let at = match (text("latitude"), text("longitude")) {
        (latitude, longitude) if latitude.is_empty() && longitude.is_empty() => None,
        (latitude, longitude) => {
            let both = latitude.parse().ok().zip(longitude.parse().ok());
            Some(both.ok_or_else(|| Stopped::Form(lang.ask_wrong_at().to_owned()))?)
        }
    };
    let new = NewReport {
        title: text("title"),
        text: text("text"),
        place: text("place"),
        area: Some(text("area")).filter(|area| !area.is_empty()),
        at,
        severity: fields.get("severity").parse().unwrap_or(Severity::Normal),
        confidential: false,
    };
    let pictures = form.pictures.iter().take(MOST_NAMED + 1).cloned().collect();
    let with = Enclosed { reporter: Reporter::default(), complained_of: None, attachments: pictures };
    let who = (viewer.session.user.as_str(), viewer.session.grants.as_slice());
    let coming = Coming { key: key(fields, who.0, &new, &result), ..Coming::default() };
    let case = field::report(app, &new, &with, who, &coming).await.map_err(|error| in_words(error, lang))?;
    if handled && case.state == crate::case::CaseState::Received.as_str() {
        let step = Step::HandleHere { result };
        match field::step(app, &case.number, &step, who, &[], &Coming::default()).await {
            Ok(_) => {}
            Err(NotMoved::Step(StepError::Db(error))) => return Err(error.into()),
            Err(NotMoved::Step(StepError::Refused(refused))) => {
                return Err(Stopped::NotHandled(case.number, refused.text(lang)));
            }
            Err(other) => return Err(Stopped::NotHandled(case.number, other.to_string())),
        }
    }
    Ok(case.number)
}

/// The form's own id: sent twice, it is one case. Its pictures are new ones each time, so they are not part of it.
fn key(fields: &Fields, user: &str, new: &NewReport, result: &str) -> Option<Key> {
    let body = format!("{new:?}{result}");
    Key::new(fields.get("form"), "POST /field/report", user, body.as_bytes()).ok()
}

fn in_words(error: NotReported, lang: Lang) -> Stopped {
    Stopped::Form(match error {
        NotReported::Report(ReportError::Db(error)) => return Stopped::Db(error),
        NotReported::Reused(reused) => lang.pick(Reused::ZH, &reused.to_string()).to_owned(),
        NotReported::Gone(_) => lang
            .pick(
                "这一条早先已经收到；案件现在不在您能看到的范围内",
                "this was taken when it came before; its case no longer lies where you may see it",
            )
            .to_owned(),
        NotReported::Report(ReportError::NotYours(_)) => lang
            .pick(
                "这个位置不在您的网格内；请选择所属网格，或不用位置",
                "this position does not lie in your grid; choose the grid, or leave the position out",
            )
            .to_owned(),
        NotReported::Report(ReportError::Wrong(why)) => wrong(&why, lang),
        NotReported::Report(other) => other.to_string(),
    })
}

/// What the domain says of a field, as the form calls it.
fn wrong(why: &str, lang: Lang) -> String {
    let field = |name: &str| why.starts_with(name);
    let label = match why {
        _ if field("title") => lang.field_what(),
        _ if field("text") => lang.field_text(),
        _ if field("place") => lang.field_where(),
        _ if why.contains("picture") => return lang.ask_wrong_pictures().to_owned(),
        _ => return why.to_owned(),
    };
    format!("{}{label}", lang.move_fill_in())
}

fn typed(fields: &Fields, pictures: &[String], lang: Lang) -> FieldReport {
    let text = |name: &str| fields.get(name).to_owned();
    FieldReport {
        title: text("title"),
        text: text("text"),
        place: text("place"),
        areas: vec![(text("area"), String::new(), true)],
        severities: severities(fields.get("severity").parse().unwrap_or(Severity::Normal), lang),
        latitude: text("latitude"),
        longitude: text("longitude"),
        accuracy: text("accuracy"),
        handled: fields.get("handled") == "1",
        result: text("result"),
        pictures: pictures.to_vec(),
        ..blank(lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the domain refuses is said by the form's own words.
    #[test]
    fn refusals_name_the_field() {
        for (why, word) in [
            ("title: 0 characters; write 1 to 80", "什么事"),
            ("text: 0 characters; write 1 to 2000", "具体情况"),
            ("place: 0 characters; write 1 to 200", "在哪里"),
            ("there is no picture x of yours that waits to be named", "照片"),
        ] {
            assert!(wrong(why, Lang::Zh).contains(word), "{why}");
        }
        assert_eq!(wrong("34, 181 is no place on earth", Lang::Zh), "34, 181 is no place on earth");
    }
}
