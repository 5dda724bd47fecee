//! One of them: roles, password, lock, sessions, addresses, and an end.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::UtcMs;

use super::names::{Names, user_page, who};
use super::registers::audit_cells;
use super::users::{grant_form, read_grant, standing, why};
use super::{bad, changes, failed, frame, good, local, looks, refused, render};
use crate::admin::By;
use crate::admin::audit::{self, Asked};
use crate::app::App;
use crate::organisation::AreaPath;
use crate::outbound;
use crate::user::people::{self, PeopleError};
use crate::user::{Act, Grant};
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer, percent};
use crate::web::text::Lang;
use crate::web::view::{AdminUserPage, Banner, GrantHeldView, RegisterRow};

/// Changes that are shown on the page of somebody.
const RECENT: usize = 20;

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let lang = viewer.preferences.lang;
    let done = match fields.get("done") {
        "granted" => Some(lang.admin_done_granted()),
        "revoked" => Some(lang.admin_done_revoked()),
        "locked" => Some(lang.admin_done_locked()),
        "unlocked" => Some(lang.admin_done_unlocked()),
        "sessions" => Some(lang.admin_done_sessions()),
        "removed" => Some(lang.admin_done_removed()),
        "saved" => Some(lang.admin_saved()),
        _ => None,
    };
    show(&app, &viewer, &name, done.map(good), None, &Fields::default()).await
}

/// What a form asked for came to: a word for the page, a password, or why not.
enum Done {
    Told(&'static str),
    Password(String),
    Refused(String),
}

pub(in crate::web) async fn act(
    State(app): State<App>,
    Path(name): Path<String>,
    form: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &form.viewer;
    let by = changes(&app, viewer)?;
    match done(&app, &by, &name, &form).await.map_err(|error| error.shown(viewer))? {
        // Who was removed is nobody's any more but of those who administer everything.
        Done::Told("removed") if !by.reaches_everything() => Ok(Redirect::to("/admin/users").into_response()),
        Done::Told(word) => Ok(Redirect::to(&format!("{}?done={word}", user_page(&name))).into_response()),
        Done::Password(password) => show(&app, viewer, &name, None, Some(password), &Fields::default()).await,
        Done::Refused(why) => {
            show(&app, viewer, &name, Some(bad(why)), None, &form.fields).await.map(refused)
        }
    }
}

async fn done(app: &App, by: &By, name: &str, form: &SafeForm) -> Result<Done, PageError> {
    let (fields, lang) = (&form.fields, form.viewer.preferences.lang);
    let told = |result: Result<(), PeopleError>, word: &'static str| match result {
        Ok(()) => Ok(Done::Told(word)),
        Err(error) => why(error, lang).map(|why| Done::Refused(why.to_owned())),
    };
    match fields.get("act") {
        "grant" => {
            let names = Names::read(app, lang).await?;
            match read_grant(fields, &names, lang) {
                Ok(grant) => told(people::grant(app, by, name, &grant).await, "granted"),
                Err(why) => Ok(Done::Refused(why.to_owned())),
            }
        }
        "revoke" => {
            let Ok(role) = fields.get("role").parse() else {
                return Ok(Done::Refused(lang.admin_why_role().to_owned()));
            };
            let unit = Some(fields.get("unit").to_owned()).filter(|unit| !unit.is_empty());
            let grant = Grant { role, area: AreaPath::kept(fields.get("area").to_owned()), unit };
            told(people::revoke(app, by, name, &grant).await, "revoked")
        }
        "password" => match people::new_password(app, by, name).await {
            Ok(password) => Ok(Done::Password(password)),
            Err(error) => why(error, lang).map(|why| Done::Refused(why.to_owned())),
        },
        "lock" => told(people::lock(app, by, name, true).await, "locked"),
        "unlock" => told(people::lock(app, by, name, false).await, "unlocked"),
        "sessions" => told(people::end_sessions(app, by, name).await.map(drop), "sessions"),
        "remove" if fields.get("confirm").trim() != name => {
            Ok(Done::Refused(lang.admin_remove_confirm().to_owned()))
        }
        "remove" => told(people::remove(app, by, name).await, "removed"),
        "reach" => reach(app, by, name, fields, lang).await,
        _ => {
            let known = people::one(&app.db, app.tenant().as_str(), by, name).await?;
            known.map(|_| Done::Told("")).ok_or(PageError::NotFound)
        }
    }
}

async fn reach(app: &App, by: &By, name: &str, fields: &Fields, lang: Lang) -> Result<Done, PageError> {
    if people::one(&app.db, app.tenant().as_str(), by, name).await?.is_none() {
        return Err(PageError::NotFound);
    }
    let text = |field: &str| Some(fields.get(field).trim().to_owned());
    let change = outbound::cli::Change { mail: text("mail"), phone: text("phone"), clear: false };
    match outbound::cli::reach_by(app, by, name, &change).await {
        Ok(_) => Ok(Done::Told("saved")),
        Err(error) => Ok(Done::Refused(format!("{}{error:#}", lang.admin_why_reach()))),
    }
}

async fn show(
    app: &App,
    viewer: &Viewer,
    name: &str,
    banner: Option<Banner>,
    password: Option<String>,
    typed: &Fields,
) -> Result<Response, PageError> {
    let by = looks(app, viewer)?;
    let tenant = app.tenant().as_str();
    let shown = |error: crate::db::Error| failed(viewer, error);
    let known = people::one(&app.db, tenant, &by, name).await.map_err(shown)?;
    let person = known.ok_or_else(|| PageError::NotFound.shown(viewer))?;
    let frame = frame(app, viewer, &format!("{}?", user_page(name))).await?;
    let (lang, local) = (frame.lang, local(app));
    let names = Names::read(app, lang).await.map_err(shown)?;
    let own = By::of(&viewer.session, by.at);
    let asked = Asked { viewer: viewer.session.user.clone(), subject: name.to_owned(), ..Asked::default() };
    let (changes, _) = audit::page(&app.db, tenant, &asked, RECENT).await.map_err(shown)?;
    let (class, state) = standing(&person, lang);
    let held = |grant: &Grant| GrantHeldView {
        role: grant.role.word(lang),
        area: names.area(grant.area.as_str()),
        unit: grant.unit.as_deref().map(|unit| names.unit(unit)).unwrap_or_default(),
        role_code: grant.role.as_str(),
        area_path: grant.area.as_str().to_owned(),
        unit_id: grant.unit.clone().unwrap_or_default(),
    };
    let row = |row: &audit::Row| RegisterRow {
        at: local.moment(UtcMs(row.made_at_ms)),
        cells: audit_cells(row, &who(&row.made_by, lang), lang, false),
    };
    let page = AdminUserPage {
        tab: "users",
        action: user_page(name),
        class,
        state,
        since: local.moment(UtcMs(person.created_at_ms)),
        seen: person.seen_at_ms.map(|at| local.moment(UtcMs(at))),
        sessions: person.sessions,
        grants: person.grants.iter().map(held).collect(),
        mail: person.mail,
        phone: person.phone,
        locked: person.locked_at_ms.is_some(),
        removed: person.removed_at_ms.is_some(),
        oneself: viewer.session.user == name,
        may: viewer.may(Act::Organise) && own.manages(&person.grants, &names.units),
        may_roles: Act::Organise.roles_text(lang),
        banner,
        password,
        form: grant_form(&names, &own, typed, lang),
        changes: changes.iter().map(row).collect(),
        all_changes: format!("/admin/audit?subject={}", percent(name)),
        name: person.name,
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}
