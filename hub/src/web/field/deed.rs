//! 签到, 转他人, 接下 and 交流 by plain forms, from the page of the field and from that of the case.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::{Outcome, again, sees};
use crate::app::App;
use crate::field::Coming;
use crate::field::deed::{self, Deed, NotDone};
use crate::field::repeat::Key;
use crate::web::case as page;
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, local_path};
use crate::web::moves::Refusal;
use crate::web::view::FieldProblem;

pub(in crate::web) async fn submit(
    State(app): State<App>,
    Path(number): Path<String>,
    form: SafeForm,
) -> Result<Response, PageError> {
    let (viewer, fields) = (&form.viewer, &form.fields);
    let lang = viewer.preferences.lang;
    sees(&app, viewer, &number).await?;
    let Some(deed) = read(fields) else {
        return Err(PageError::Input(lang.input_unreadable().to_owned()).shown(viewer));
    };
    let (user, body) = (viewer.session.user.as_str(), format!("{deed:?}"));
    let key =
        Key::new(fields.get("form"), &format!("POST /cases/{number}/field"), user, body.as_bytes()).ok();
    let coming = Coming { key, ..Coming::default() };
    let who = (user, viewer.session.grants.as_slice());
    let is_field = fields.get("back").starts_with("/field");
    let error = match deed::act(&app, &number, &deed, who, &coming).await {
        Ok(_) => {
            app.changes.wake();
            let (own, back) = (format!("/cases/{number}"), fields.get("back"));
            return Ok(Redirect::to(if back.is_empty() { &own } else { local_path(back) }).into_response());
        }
        Err(NotDone::Db(error)) => return Err(PageError::from(error).shown(viewer)),
        Err(NotDone::Unknown(_)) => return Err(PageError::NotFound.shown(viewer)),
        Err(error) => error,
    };
    let status = match error {
        NotDone::Who(_) => StatusCode::FORBIDDEN,
        NotDone::Finished(_) | NotDone::Gone(_) | NotDone::Held(_) | NotDone::NotYours => {
            StatusCode::CONFLICT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let why = format!("{}{}", lang.field_not(), lang.pick(&error.zh(), &error.to_string()));
    if is_field {
        let text = [fields.get("text"), fields.get("note")].concat();
        let kind = fields.get("act").to_owned();
        let problem =
            FieldProblem { kind, why, changed: vec![], text, agrees: String::new(), pictures: vec![] };
        let outcome = Outcome { problem: Some((number, problem)), ..Outcome::default() };
        return Ok(again(&app, viewer, status, outcome).await);
    }
    let refusal = Refusal::of_another_form(fields.clone(), why);
    let shown = page::show(&app, viewer, &number, &Fields::default(), Some(&refusal)).await?;
    Ok((status, shown).into_response())
}

fn read(fields: &Fields) -> Option<Deed> {
    let text = |name: &str| fields.get(name).replace("\r\n", "\n").trim().to_owned();
    Some(match fields.get("act") {
        "arrive" => Deed::Arrive {
            latitude: text("latitude").parse().ok(),
            longitude: text("longitude").parse().ok(),
            accuracy: text("accuracy").parse().ok(),
        },
        "hand" => Deed::Hand { to: text("to"), note: text("note") },
        "take" => Deed::Take {},
        "say" => Deed::Say { text: text("text") },
        _ => return None,
    })
}
