//! Areas and units: the tree, the slots, and what each is called.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::names::{Names, segment};
use super::{bad, changes, failed, frame, looks, refused, render, saved};
use crate::admin::By;
use crate::admin::overview;
use crate::app::App;
use crate::organisation::edit::{self, AreaNames, EditError, UnitWords};
use crate::organisation::{Area, AreaPath, Level, Unit};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer};
use crate::web::text::Lang;
use crate::web::view::{
    AdminAreasPage, AdminUnitsPage, AreaEdit, AreaRowView, Banner, UnitEdit, UnitRowView,
};

/// Areas that are listed; every other is found by its name.
const MOST: usize = 400;
/// Deeper than this nothing is set further in.
const DEEPEST: usize = 6;

/// Why an area, a unit or a turn stays as it is, for people.
pub(super) fn why(error: EditError, lang: Lang) -> Result<&'static str, PageError> {
    Ok(match error {
        EditError::Name => lang.admin_why_words(),
        EditError::Outside => lang.admin_why_outside(),
        EditError::Area(_) => lang.admin_why_area(),
        EditError::User(_) => lang.admin_why_user(),
        EditError::Turn => lang.admin_why_turn(),
        EditError::Twice => lang.admin_why_twice(),
        EditError::Unknown => return Err(PageError::NotFound),
        EditError::Db(error) => return Err(error.into()),
    })
}

pub(in crate::web) async fn areas(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    show_areas(&app, &viewer, &fields, saved(&fields, viewer.preferences.lang), None).await
}

pub(in crate::web) async fn change_area(
    State(app): State<App>,
    form: SafeForm,
) -> Result<Response, PageError> {
    let (viewer, lang) = (&form.viewer, form.viewer.preferences.lang);
    let by = changes(&app, viewer)?;
    let field = |name: &str| form.fields.get(name);
    let names = AreaNames { zh: field("zh"), en: field("en"), rural: field("rural") == "yes" };
    match edit::area(&app, &by, field("id"), names).await {
        Ok(()) => Ok(Redirect::to("/admin/areas?done=saved").into_response()),
        Err(error) => {
            let why = why(error, lang).map_err(|error| error.shown(viewer))?;
            let typed = AreaEdit {
                id: field("id").to_owned(),
                name_zh: field("zh").to_owned(),
                name_en: field("en").to_owned(),
                rural: field("rural") == "yes",
            };
            show_areas(&app, viewer, &Fields::default(), Some(bad(why)), Some(typed)).await.map(refused)
        }
    }
}

async fn show_areas(
    app: &App,
    viewer: &Viewer,
    asked: &Fields,
    banner: Option<Banner>,
    typed: Option<AreaEdit>,
) -> Result<Response, PageError> {
    let frame = frame(app, viewer, "/admin/areas?").await?;
    let (lang, by) = (frame.lang, looks(app, viewer)?);
    let own = By::of(&viewer.session, by.at);
    let names = Names::read(app, lang).await.map_err(|error| failed(viewer, error))?;
    let managed = overview::managed(app).await.map_err(|error| failed(viewer, error))?;
    let manager = |area: &Area| match (area.level.as_str(), managed.contains(&area.path)) {
        ("grid", true) => "yes",
        ("grid", false) => "no",
        _ => "",
    };
    let row = |area: &Area| AreaRowView {
        depth: area.path.matches('/').count().saturating_sub(1).clamp(1, DEEPEST),
        name: area.name_zh.clone(),
        name_en: area.name_en.clone(),
        level: area.level.parse().map_or("—", |level: Level| lang.pick(level.zh(), level.en())),
        rural: area.rural == 1,
        manager: manager(area),
        edit: own
            .reaches(&AreaPath::kept(area.path.clone()))
            .then(|| format!("/admin/areas?edit={}", segment(&area.area))),
        id: area.area.clone(),
    };
    let wanted = asked.get("q").trim().to_lowercase();
    let lacking = asked.get("missing") == "manager";
    let meets = |area: &&Area| {
        let texts = [&area.area, &area.name_zh, &area.name_en];
        by.reaches(&AreaPath::kept(area.path.clone()))
            && (wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted)))
            && (!lacking || manager(area) == "no")
    };
    let mut rows: Vec<AreaRowView> = names.areas.iter().filter(meets).map(row).collect();
    let count = rows.len();
    rows.truncate(MOST);
    let chosen = names.areas.iter().find(|area| area.area == asked.get("edit"));
    let chosen = chosen.filter(|area| own.reaches(&AreaPath::kept(area.path.clone()))).map(|area| AreaEdit {
        id: area.area.clone(),
        name_zh: area.name_zh.clone(),
        name_en: area.name_en.clone(),
        rural: area.rural == 1,
    });
    let page = AdminAreasPage {
        tab: "areas",
        count,
        cut: count > rows.len(),
        rows,
        find: asked.get("q").to_owned(),
        banner,
        edit: typed.or(chosen),
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

pub(in crate::web) async fn units(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    show_units(&app, &viewer, &fields, saved(&fields, viewer.preferences.lang), false).await
}

pub(in crate::web) async fn change_unit(
    State(app): State<App>,
    form: SafeForm,
) -> Result<Response, PageError> {
    let (viewer, lang) = (&form.viewer, form.viewer.preferences.lang);
    let by = changes(&app, viewer)?;
    let field = |name: &str| form.fields.get(name);
    let active = field("active") == "yes";
    let words = UnitWords { zh: field("zh"), en: field("en"), area: field("area").trim(), active };
    match edit::unit(&app, &by, field("id"), words).await {
        Ok(()) => Ok(Redirect::to("/admin/units?done=saved").into_response()),
        Err(error) => {
            let why = why(error, lang).map_err(|error| error.shown(viewer))?;
            show_units(&app, viewer, &form.fields, Some(bad(why)), true).await.map(refused)
        }
    }
}

/// `typed`: the fields are those of a form, not of an address.
async fn show_units(
    app: &App,
    viewer: &Viewer,
    fields: &Fields,
    banner: Option<Banner>,
    typed: bool,
) -> Result<Response, PageError> {
    let frame = frame(app, viewer, "/admin/units?").await?;
    let (lang, by) = (frame.lang, looks(app, viewer)?);
    let own = By::of(&viewer.session, by.at);
    let names = Names::read(app, lang).await.map_err(|error| failed(viewer, error))?;
    let heads = overview::heads(app).await.map_err(|error| failed(viewer, error))?;
    let may = |unit: &Unit| viewer.may(Act::Organise) && own.reaches(&AreaPath::kept(unit.area.clone()));
    let row = |unit: &Unit| UnitRowView {
        name: unit.name_zh.clone(),
        name_en: unit.name_en.clone(),
        area: names.area(&unit.area),
        active: unit.active == 1,
        head: heads.contains(&unit.unit),
        edit: may(unit).then(|| format!("/admin/units?edit={}", segment(&unit.unit))),
        id: unit.unit.clone(),
    };
    let id = fields.get(if typed { "id" } else { "edit" });
    let chosen = names.units.iter().find(|unit| unit.unit == id).filter(|unit| may(unit));
    let edit = chosen.map(|unit| {
        let areas = names.area_choices(|path| own.reaches(path));
        if typed {
            return UnitEdit {
                id: unit.unit.clone(),
                name_zh: fields.get("zh").to_owned(),
                name_en: fields.get("en").to_owned(),
                area: fields.get("area").to_owned(),
                active: fields.get("active") == "yes",
                areas,
            };
        }
        UnitEdit {
            id: unit.unit.clone(),
            name_zh: unit.name_zh.clone(),
            name_en: unit.name_en.clone(),
            area: AreaPath::kept(unit.area.clone()).area().unwrap_or_default().to_owned(),
            active: unit.active == 1,
            areas,
        }
    });
    let mine = |unit: &&Unit| by.reaches(&AreaPath::kept(unit.area.clone()));
    let page = AdminUnitsPage {
        tab: "units",
        rows: names.units.iter().filter(mine).map(row).collect(),
        banner,
        edit,
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}
