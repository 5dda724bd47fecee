//! 管理: what a county sets up, who may what, and who changed and looked at what. Plain forms, no script.
//!
//! Who administers an area changes what lies in it; who audits one sees the same and changes nothing.

pub(super) mod basemaps;
pub(super) mod duty;
mod form;
pub(super) mod imports;
pub(super) mod lists;
mod names;
pub(super) mod places;
pub(super) mod policies;
pub(super) mod registers;
pub(super) mod user;
pub(super) mod users;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, Response};

use super::error::PageError;
use super::guard::{Fields, Viewer};
use super::shell::{local, render, shell};
use super::text::Lang;
use super::view::{AdminPage, Banner, FindingView, Nav, Shell, ThereView};
use crate::admin::By;
use crate::admin::overview::{self, MOST_NAMES, Missing, There};
use crate::app::App;
use crate::db;
use crate::user::Act;

pub(super) async fn page(State(app): State<App>, viewer: Viewer) -> Result<Html<String>, PageError> {
    let by = looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, "/admin?").await?;
    let (there, missing) = overview::look(&app, &by).await.map_err(|error| failed(&viewer, error))?;
    let page = AdminPage {
        shell: &frame,
        tab: "overview",
        there: there_views(&there, frame.lang),
        missing: findings(&app, &missing, frame.lang),
    };
    render(&page, &viewer)
}

/// How far somebody may look.
fn looks(app: &App, viewer: &Viewer) -> Result<By, PageError> {
    viewer.must(Act::Audit)?;
    Ok(By::looking(&viewer.session, app.clock.now()))
}

/// How far somebody may change things.
fn changes(app: &App, viewer: &Viewer) -> Result<By, PageError> {
    viewer.must(Act::Organise)?;
    Ok(By::of(&viewer.session, app.clock.now()))
}

/// `here`: the address of the page itself, also where a form was answered.
async fn frame(app: &App, viewer: &Viewer, here: &str) -> Result<Shell, PageError> {
    let mut frame = shell(app, viewer, Nav::Admin).await?;
    here.clone_into(&mut frame.here);
    Ok(frame)
}

fn failed(viewer: &Viewer, error: db::Error) -> PageError {
    PageError::from(error).shown(viewer)
}

fn good(text: &str) -> Banner {
    Banner { good: true, text: text.to_owned() }
}

fn bad(text: impl Into<String>) -> Banner {
    Banner { good: false, text: text.into() }
}

/// What stands above a page after a change that was made.
fn saved(fields: &Fields, lang: Lang) -> Option<Banner> {
    (fields.get("done") == "saved").then(|| good(lang.admin_saved()))
}

/// A form that comes back with what is wrong.
fn refused(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

fn there_views(there: &There, lang: Lang) -> Vec<ThereView> {
    let version =
        |version: Option<i64>| version.map_or_else(|| "—".to_owned(), |version| version.to_string());
    let of = |all: usize, part: usize| format!("{all} ({part})");
    let row = |word, figure, href| ThereView { word, figure, href };
    vec![
        row(lang.admin_there_users(), of(there.users, there.locked), "/admin/users"),
        row(lang.admin_there_areas(), of(there.areas, there.grids), "/admin/areas"),
        row(lang.admin_there_units(), there.units.to_string(), "/admin/units"),
        row(lang.admin_there_categories(), there.categories.to_string(), "/admin/categories"),
        row(lang.admin_there_policy(), there.policy.to_string(), "/admin/policies"),
        row(lang.admin_there_map(), version(there.map), "/admin/imports/grids"),
        row(lang.admin_there_places(), there.places.to_string(), "/admin/gazetteer"),
        row(lang.admin_there_knowledge(), there.knowledge.to_string(), "/admin/knowledge"),
        row(lang.admin_there_basemaps(), there.basemaps.to_string(), "/admin/basemaps"),
    ]
}

fn findings(app: &App, missing: &Missing, lang: Lang) -> Vec<FindingView> {
    let mut all = Vec::new();
    let mut tell = |what: String, why: &str, href| all.push(FindingView { what, why: why.to_owned(), href });
    if let Some(year) = missing.holidays {
        tell(format!("{}{year}", lang.admin_no_holidays()), lang.admin_no_holidays_why(), "/admin/policies");
    }
    let named = |word: &str, names: Vec<&str>| {
        let more = if names.len() > MOST_NAMES { " …" } else { "" };
        let shown = names[..names.len().min(MOST_NAMES)].join(lang.pick("、", ", "));
        format!("{word}{} ({shown}{more})", names.len())
    };
    if !missing.units_without_head.is_empty() {
        let units = missing.units_without_head.iter();
        let names = units.map(|unit| lang.pick(&unit.name_zh, &unit.name_en)).collect();
        tell(named(lang.admin_no_head(), names), lang.admin_no_head_why(), "/admin/units");
    }
    if !missing.grids_without_manager.is_empty() {
        let grids = missing.grids_without_manager.iter();
        let names = grids.map(|area| lang.pick(&area.name_zh, &area.name_en)).collect();
        tell(
            named(lang.admin_no_manager(), names),
            lang.admin_no_manager_why(),
            "/admin/areas?missing=manager",
        );
    }
    if missing.no_roster {
        tell(lang.admin_no_roster().to_owned(), lang.admin_no_roster_why(), "/admin/duty");
    }
    if !missing.gaps.is_empty() {
        let gap = |(from, to): &(protocol::UtcMs, protocol::UtcMs)| {
            format!("{} – {}", app.local_time(*from), app.local_time(*to))
        };
        let all: Vec<String> = missing.gaps.iter().take(MOST_NAMES).map(gap).collect();
        let what = format!("{}{}", lang.admin_gap(), all.join(lang.pick("；", "; ")));
        tell(what, lang.admin_no_roster_why(), "/admin/duty");
    }
    if !missing.categories_without_unit.is_empty() {
        let categories = missing.categories_without_unit.iter();
        let names = categories.map(|(zh, en)| lang.pick(zh, en)).collect();
        let what = named(lang.admin_no_unit(), names);
        tell(what, lang.admin_no_unit_why(), "/admin/categories?missing=unit");
    }
    for (is_missing, what, why, href) in [
        (missing.no_map, lang.admin_no_map(), lang.admin_no_map_why(), "/admin/imports/grids"),
        (missing.no_basemap, lang.admin_no_basemap(), lang.admin_no_basemap_why(), "/admin/basemaps"),
        (
            missing.no_gazetteer,
            lang.admin_no_gazetteer(),
            lang.admin_no_gazetteer_why(),
            "/admin/imports/gazetteer",
        ),
        (
            missing.no_knowledge,
            lang.admin_no_knowledge(),
            lang.admin_no_knowledge_why(),
            "/admin/imports/knowledge",
        ),
        (missing.no_auditor, lang.admin_no_auditor(), lang.admin_no_auditor_why(), "/admin/users"),
    ] {
        if is_missing {
            tell(what.to_owned(), why, href);
        }
    }
    all
}
