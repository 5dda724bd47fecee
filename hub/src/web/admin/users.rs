//! People of one's area: the list, and a new one.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use protocol::UtcMs;

use super::names::{Names, role_choices, user_page};
use super::{bad, changes, failed, frame, local, looks, refused, render};
use crate::admin::By;
use crate::app::App;
use crate::user::people::{self, PeopleError, Person};
use crate::user::{Act, Grant, Role};
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer};
use crate::web::text::Lang;
use crate::web::view::{AdminUsersPage, Banner, GrantForm, PersonRowView, SecretView};

/// People that are listed; every other is found by his name.
const MOST: usize = 300;

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    show(&app, &viewer, fields.get("q"), None, None, &Fields::default()).await
}

/// A new one: the page that answers shows the password, once.
pub(in crate::web) async fn add(State(app): State<App>, form: SafeForm) -> Result<Response, PageError> {
    let (viewer, lang) = (&form.viewer, form.viewer.preferences.lang);
    let by = changes(&app, viewer)?;
    let names = Names::read(&app, lang).await.map_err(|error| failed(viewer, error))?;
    let name = form.fields.get("name").trim();
    let wrong = match read_grant(&form.fields, &names, lang) {
        Err(why) => why,
        Ok(grant) => match people::add(&app, &by, name, &grant).await {
            Ok(password) => {
                let made = SecretView { name: name.to_owned(), password };
                return show(&app, viewer, "", None, Some(made), &Fields::default()).await;
            }
            Err(error) => why(error, lang).map_err(|error| error.shown(viewer))?,
        },
    };
    show(&app, viewer, "", Some(bad(wrong)), None, &form.fields).await.map(refused)
}

/// What a form says of a role, or why it says none.
pub(super) fn read_grant(fields: &Fields, names: &Names, lang: Lang) -> Result<Grant, &'static str> {
    let role: Role = fields.get("role").parse().map_err(|_| lang.admin_why_role())?;
    let area = names.path(fields.get("area")).ok_or(lang.admin_why_area())?;
    let unit = Some(fields.get("unit").trim()).filter(|unit| !unit.is_empty());
    if unit.is_some_and(|id| names.units.iter().all(|unit| unit.unit != id)) {
        return Err(lang.admin_why_unit());
    }
    match (role.is_of_a_unit(), unit) {
        (true, None) => Err(lang.admin_why_needs_unit()),
        (false, Some(_)) => Err(lang.admin_why_no_unit()),
        _ => Ok(Grant { role, area, unit: unit.map(str::to_owned) }),
    }
}

/// Why somebody stays as he is, for people.
pub(super) fn why(error: PeopleError, lang: Lang) -> Result<&'static str, PageError> {
    Ok(match error {
        PeopleError::Outside => lang.admin_why_outside(),
        PeopleError::Oneself => lang.admin_why_oneself(),
        PeopleError::LastAdministrator(_) => lang.admin_why_last(),
        PeopleError::LastRole(_) => lang.admin_why_last_role(),
        PeopleError::NoRole(_) => lang.admin_why_no_role(),
        PeopleError::Grant(_) => lang.admin_why_needs_unit(),
        PeopleError::Name => lang.admin_why_name(),
        PeopleError::Taken(_) => lang.admin_why_taken(),
        PeopleError::Gone(_) => lang.admin_why_gone(),
        PeopleError::Unknown(_) => return Err(PageError::NotFound),
        PeopleError::Db(error) => return Err(error.into()),
        error @ PeopleError::Hash(_) => return Err(PageError::Internal(error.to_string())),
    })
}

/// How an account stands: class and word.
pub(super) fn standing(person: &Person, lang: Lang) -> (&'static str, &'static str) {
    if person.removed_at_ms.is_some() {
        ("revoked", lang.admin_user_removed())
    } else if person.locked_at_ms.is_some() {
        ("bad", lang.admin_user_locked())
    } else if person.must_change {
        ("soon", lang.admin_user_fresh())
    } else {
        ("ok", lang.admin_user_active())
    }
}

/// The form of a role, with what was typed.
pub(super) fn grant_form(names: &Names, by: &By, typed: &Fields, lang: Lang) -> GrantForm {
    let role = Some(typed.get("role")).filter(|role| !role.is_empty()).unwrap_or("operator");
    GrantForm {
        name: typed.get("name").to_owned(),
        area: typed.get("area").to_owned(),
        unit: typed.get("unit").to_owned(),
        roles: role_choices(role, lang),
        areas: names.area_choices(|path| by.reaches(path)),
        units: names.unit_choices(|path| by.reaches(path)),
    }
}

async fn show(
    app: &App,
    viewer: &Viewer,
    find: &str,
    banner: Option<Banner>,
    made: Option<SecretView>,
    typed: &Fields,
) -> Result<Response, PageError> {
    let frame = frame(app, viewer, "/admin/users?").await?;
    let (lang, local) = (frame.lang, local(app));
    let by = looks(app, viewer)?;
    let names = Names::read(app, lang).await.map_err(|error| failed(viewer, error))?;
    let all =
        people::list(&app.db, app.tenant().as_str(), &by).await.map_err(|error| failed(viewer, error))?;
    let row = |person: Person| {
        let (class, state) = standing(&person, lang);
        PersonRowView {
            href: user_page(&person.name),
            class,
            state,
            roles: person.grants.iter().map(|grant| names.grant(grant)).collect(),
            seen: person.seen_at_ms.map(|at| local.moment(UtcMs(at))),
            name: person.name,
        }
    };
    let wanted = find.trim().to_lowercase();
    let meets = |row: &PersonRowView| {
        let texts = std::iter::once(row.name.as_str()).chain(row.roles.iter().map(String::as_str));
        wanted.is_empty() || texts.chain([row.state]).any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut rows: Vec<PersonRowView> = all.into_iter().map(row).filter(meets).collect();
    let count = rows.len();
    rows.truncate(MOST);
    let may = viewer.may(Act::Organise);
    let own = By::of(&viewer.session, by.at);
    let page = AdminUsersPage {
        tab: "users",
        count,
        cut: count > rows.len(),
        rows,
        find: find.to_owned(),
        banner,
        made,
        form: may.then(|| grant_form(&names, &own, typed, lang)),
        may_roles: Act::Organise.roles_text(lang),
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}
