//! 我的账户: who one is here, another password, one's sessions, and one's browsers that are told. All of it works without
//! script but the asking of the browser itself (`me.js`).

use askama::Template as _;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use protocol::UtcMs;

use super::error::PageError;
use super::guard::{self, Fields, SafeForm, Viewer};
use super::shell::{local, shell};
use super::text::Lang;
use super::view::{BrowserView, GrantView, MeOutcome, MePage, Nav, SessionView};
use super::words;
use crate::app::App;
use crate::outbound::push::{self as outbound, Tested};
use crate::push::{self, Subscription};
use crate::user::account::{self, ChangeError, NewPassword, Opened};
use crate::user::{Grant, password};
use crate::{db, organisation};

pub(super) async fn page(State(app): State<App>, viewer: Viewer, fields: Fields) -> Response {
    let lang = viewer.preferences.lang;
    let outcome = match fields.get("done") {
        "password" => MeOutcome::Done(lang.me_password_done()),
        "session" => MeOutcome::Done(lang.me_session_done()),
        "removed" => MeOutcome::Done(lang.me_push_removed()),
        "sent" => MeOutcome::Done(lang.me_push_sent()),
        _ if viewer.session.must_change => MeOutcome::Failed(lang.me_password_due(), String::new()),
        _ => MeOutcome::None,
    };
    show(&app, &viewer, outcome, StatusCode::OK).await
}

async fn show(app: &App, viewer: &Viewer, outcome: MeOutcome, status: StatusCode) -> Response {
    match made(app, viewer, outcome).await {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

async fn made(app: &App, viewer: &Viewer, outcome: MeOutcome) -> Result<String, PageError> {
    let (tenant, name, lang) = (app.tenant().as_str(), &viewer.session.user, viewer.preferences.lang);
    let mut frame = shell(app, viewer, Nav::None).await?;
    // Neither the address of a form nor what was just done is carried on.
    "/me?".clone_into(&mut frame.here);
    let sessions = account::sessions(&app.db, tenant, name, app.clock.now()).await?;
    let browsers = push::of_user(&app.db, tenant, name).await?;
    let page = MePage {
        shell: &frame,
        name: name.clone(),
        grants: grants(app, &viewer.session.grants, lang).await?,
        sessions: sessions.iter().map(|one| session(app, one, viewer)).collect(),
        browsers: browsers.iter().map(|one| browser(app, one)).collect(),
        push_key: app.vapid.public(),
        push_set_up: push::is_set_up(app),
        least_chars: password::MIN_CHARS,
        outcome,
    };
    Ok(page.render()?)
}

async fn grants(app: &App, all: &[Grant], lang: Lang) -> db::Result<Vec<GrantView>> {
    let areas = organisation::store::areas(&app.db, app.tenant().as_str()).await?;
    let units = organisation::store::units(&app.db, app.tenant().as_str()).await?;
    let pick = |zh: &str, en: &str| lang.pick(zh, if en.is_empty() { zh } else { en }).to_owned();
    let area = |grant: &Grant| {
        let path = grant.area.as_str();
        if path == "/" {
            return lang.me_everywhere().to_owned();
        }
        let known = areas.iter().find(|area| area.path == path);
        known.map_or_else(|| path.to_owned(), |area| pick(&area.name_zh, &area.name_en))
    };
    let unit = |grant: &Grant| {
        let id = grant.unit.as_deref().unwrap_or_default();
        let known = units.iter().find(|unit| unit.unit == id && !unit.name_zh.is_empty());
        known.map_or_else(|| words::unit(id, lang), |unit| pick(&unit.name_zh, &unit.name_en))
    };
    let view =
        |grant: &Grant| GrantView { role: grant.role.word(lang), area: area(grant), unit: unit(grant) };
    Ok(all.iter().map(view).collect())
}

fn session(app: &App, one: &Opened, viewer: &Viewer) -> SessionView {
    let local = local(app);
    SessionView {
        id: one.id().to_owned(),
        since: local.moment(UtcMs(one.created_at_ms)),
        seen: local.moment(UtcMs(one.seen_at_ms)),
        // Where a server did not see one it says so in a word of its own.
        address: Some(one.address.clone()).filter(|address| address != "unknown").unwrap_or_default(),
        is_this: one.is(&viewer.session),
    }
}

fn browser(app: &App, one: &Subscription) -> BrowserView {
    let local = local(app);
    let service = one.service();
    BrowserView {
        id: one.push_id.clone(),
        label: if one.label.is_empty() { service.clone() } else { one.label.clone() },
        service,
        since: local.moment(UtcMs(one.created_at_ms)),
        last: one.last_success_at_ms.map(|at| local.moment(UtcMs(at))),
        failures: one.failures,
    }
}

/// The form of the password: old, new, and the new one again.
pub(super) async fn change_password(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = guard::address(&parts);
    let form = match SafeForm::from_request(Request::from_parts(parts, body), &app).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let (viewer, fields) = (&form.viewer, &form.fields);
    let typed = NewPassword { old: fields.get("old"), new: fields.get("new"), again: fields.get("again") };
    let now = app.clock.now();
    let tenant = app.tenant().as_str();
    let changed =
        account::change_password(&app.db, tenant, &app.chance, now, &viewer.session, typed, &address).await;
    let lang = viewer.preferences.lang;
    let (why, status) = match changed {
        Ok(()) => return Redirect::to("/me?done=password").into_response(),
        Err(ChangeError::Short) => (lang.me_password_short(), StatusCode::UNPROCESSABLE_ENTITY),
        Err(ChangeError::Differs) => (lang.me_password_differs(), StatusCode::UNPROCESSABLE_ENTITY),
        Err(ChangeError::Same) => (lang.me_password_same(), StatusCode::UNPROCESSABLE_ENTITY),
        Err(ChangeError::Wrong) => {
            tracing::warn!(%address, user = viewer.session.user, "a password was not changed: the old one is wrong");
            (lang.me_password_wrong(), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(ChangeError::TooMany) => {
            tracing::warn!(%address, user = viewer.session.user, "too many wrong passwords");
            (lang.login_many(), StatusCode::TOO_MANY_REQUESTS)
        }
        Err(ChangeError::Db(error)) => return PageError::from(error).shown(viewer).into_response(),
        Err(error @ ChangeError::Hash(_)) => {
            return PageError::Internal(error.to_string()).shown(viewer).into_response();
        }
    };
    show(&app, viewer, MeOutcome::Failed(why, String::new()), status).await
}

/// Ends one of the others; one that is not there has ended already.
pub(super) async fn end_session(State(app): State<App>, form: SafeForm) -> Response {
    let (viewer, tenant) = (&form.viewer, app.tenant().as_str());
    let ended = account::end_session(&app.db, tenant, &viewer.session, form.fields.get("id")).await;
    match ended {
        Ok(true) => Redirect::to("/me?done=session").into_response(),
        Ok(false) => Redirect::to("/me").into_response(),
        Err(error) => PageError::from(error).shown(viewer).into_response(),
    }
}

/// Tries one of one's browsers, or has it told no more.
pub(super) async fn browsers(State(app): State<App>, form: SafeForm) -> Response {
    let (viewer, id) = (&form.viewer, form.fields.get("id"));
    let (user, lang) = (viewer.session.user.as_str(), viewer.preferences.lang);
    let tested = match form.fields.get("act") {
        "remove" => match push::remove(&app.db, app.tenant().as_str(), user, id).await {
            Ok(true) => return Redirect::to("/me?done=removed").into_response(),
            Ok(false) => Ok(Tested::Unknown),
            Err(error) => Err(error),
        },
        "test" => outbound::test(&app, user, id).await,
        _ => return Redirect::to("/me").into_response(),
    };
    let (why, detail, status) = match tested {
        Ok(Tested::Sent) => return Redirect::to("/me?done=sent").into_response(),
        Ok(Tested::Failed(reason)) => (lang.me_push_failed(), reason, StatusCode::BAD_GATEWAY),
        Ok(Tested::Unknown) => (lang.me_push_unknown(), String::new(), StatusCode::NOT_FOUND),
        Ok(Tested::Busy) => (lang.me_push_busy(), String::new(), StatusCode::SERVICE_UNAVAILABLE),
        Ok(Tested::NotSetUp) => (lang.me_push_unready(), String::new(), StatusCode::CONFLICT),
        Err(error) => return PageError::from(error).shown(viewer).into_response(),
    };
    show(&app, viewer, MeOutcome::Failed(why, detail), status).await
}
