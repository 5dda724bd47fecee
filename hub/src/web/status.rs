//! 网上办事: what became of a matter, by its number and its code, without a login and without script. The code comes in a
//! form, never in an address, which others would see.

use askama::Template as _;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use protocol::UtcMs;

use super::error::PageError;
use super::guard::{self, Fields, Preferences, percent};
use super::moment::LocalTime;
use super::shell::{self, local};
use super::text::Lang;
use super::view::{Nav, StatusPage, StatusView, StepView};
use super::words;
use crate::app::App;
use crate::public::{self, Answer, Status};

/// Largest form, in bytes.
const MOST_FORM: usize = 4 * 1024;

pub(super) async fn page(State(app): State<App>, fields: Fields, request: Request) -> Response {
    let preferences = request.extensions().get::<Preferences>().cloned().unwrap_or_default();
    show(&app, &preferences, fields.get("number"), None, None, StatusCode::OK)
}

pub(super) async fn ask(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let preferences = parts.extensions.get::<Preferences>().cloned().unwrap_or_default();
    let Ok(bytes) = axum::body::to_bytes(body, MOST_FORM).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (fields, lang) = (Fields::parse(&bytes), preferences.lang);
    let number = fields.get("number").trim();
    match public::ask(&app, number, fields.get("code"), &guard::address(&parts)).await {
        Ok(Answer::Told(status)) => {
            let told = view(&status, &local(&app), lang);
            show(&app, &preferences, number, None, Some(told), StatusCode::OK)
        }
        Ok(Answer::Unknown) => {
            show(&app, &preferences, number, Some(lang.status_unknown()), None, StatusCode::NOT_FOUND)
        }
        Ok(Answer::Locked) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            show(&app, &preferences, number, Some(lang.status_locked()), None, status)
        }
        Err(error) => PageError::from(error).into_response(),
    }
}

fn show(
    app: &App,
    preferences: &Preferences,
    number: &str,
    error: Option<&'static str>,
    told: Option<StatusView>,
    status: StatusCode,
) -> Response {
    let mut shell = shell::frame(app, preferences, Nav::None, None, String::new(), None);
    // Another language asks anew: the code is not carried in an address.
    shell.here = format!("/status?number={}&", percent(number));
    let page = StatusPage { shell: &shell, number: number.to_owned(), error, told };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => PageError::from(error).into_response(),
    }
}

fn view(status: &Status, local: &LocalTime, lang: Lang) -> StatusView {
    let moment = |at: i64| local.moment(UtcMs(at)).full;
    let steps = status.steps.iter().map(|step| {
        let class = match (step.current, step.at) {
            (true, _) => "now",
            (false, Some(_)) => "done",
            (false, None) => "todo",
        };
        let name = [
            lang.step_1(),
            lang.step_2(),
            lang.step_3(),
            lang.step_4(),
            lang.step_5(),
            lang.step_6(),
            lang.step_7(),
            lang.step_8(),
        ]
        .get(step.step.wrapping_sub(1))
        .copied()
        .unwrap_or_default();
        StepView { number: step.step, name, class, lines: step.at.map(moment).into_iter().collect() }
    });
    let ending = status.ending.as_ref().map(|ending| {
        let why = ending.reason.as_ref().map(|reason| reason.word(lang));
        [Some(ending.called.word(lang)), why]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(lang.pick("：", ": "))
    });
    let word = |named: &Option<public::Named>| named.as_ref().map(|named| named.word(lang).to_owned());
    let facts = [
        (lang.status_what(), word(&status.category)),
        (lang.status_where(), word(&status.place)),
        (lang.status_reported(), Some(moment(status.reported_at))),
        (lang.status_unit(), word(&status.unit)),
        (lang.status_outcome(), ending),
        (lang.status_ended(), status.ended_at.map(moment)),
        (lang.status_satisfaction(), word(&status.satisfaction)),
    ];
    StatusView {
        number: status.number.clone(),
        goes_on_in: status.goes_on_in.clone(),
        state: words::state(status.state.as_str(), lang),
        steps: steps.collect(),
        confidential: status.confidential,
        facts: facts.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect(),
    }
}
