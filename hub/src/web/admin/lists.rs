//! What imports brought: categories, places, and what operators may tell.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use protocol::UtcMs;

use super::names::{Names, last, who};
use super::{failed, frame, local, looks, render};
use crate::admin::audit::Deed;
use crate::app::App;
use crate::category::{self, Category};
use crate::gazetteer::{self, Kind};
use crate::ticket::knowledge;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::view::{AdminListPage, LastView};

/// Rows that are listed; every other is found.
const MOST: usize = 300;

/// Those that have a text in them, and how many there are of these.
fn found(rows: Vec<Vec<String>>, find: &str) -> (Vec<Vec<String>>, usize) {
    let wanted = find.trim().to_lowercase();
    let meets =
        |row: &Vec<String>| wanted.is_empty() || row.iter().any(|cell| cell.to_lowercase().contains(&wanted));
    let mut all: Vec<Vec<String>> = rows.into_iter().filter(meets).collect();
    let count = all.len();
    all.truncate(MOST);
    (all, count)
}

pub(in crate::web) async fn categories(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, "/admin/categories?").await?;
    let lang = frame.lang;
    let shown = |error| failed(&viewer, error);
    let all = category::all(&app.db, app.tenant().as_str()).await.map_err(shown)?;
    let names = Names::read(&app, lang).await.map_err(shown)?;
    let lacking = fields.get("missing") == "unit";
    let row = |own: &Category| {
        let group = all.groups.iter().find(|group| group.id == own.group);
        let answers = own.units.iter().map(|(area, unit)| match area.area() {
            Some(_) => format!("{}: {}", names.area(area.as_str()), names.unit(unit)),
            None => names.unit(unit),
        });
        vec![
            own.id.clone(),
            group.map_or_else(|| own.group.clone(), |group| lang.pick(&group.zh, &group.en).to_owned()),
            own.code.clone(),
            lang.pick(&own.zh, &own.en).to_owned(),
            own.kinds.join(", "),
            own.hotline.join(", "),
            answers.collect::<Vec<_>>().join(lang.pick("、", ", ")),
            if own.active { lang.admin_yes() } else { lang.admin_no() }.to_owned(),
        ]
    };
    let own = all.categories.iter().filter(|own| !lacking || (own.active && own.units.is_empty()));
    let (rows, count) = found(own.map(row).collect(), fields.get("q"));
    let page = AdminListPage {
        tab: "categories",
        title: lang.admin_categories(),
        action: "/admin/categories",
        import: "/admin/imports/categories",
        count,
        cut: count > rows.len(),
        find: fields.get("q").to_owned(),
        last: last(&app, Deed::Categories, lang).await.map_err(shown)?,
        heads: vec![
            lang.admin_id(),
            lang.admin_group(),
            lang.admin_code(),
            lang.admin_name(),
            lang.admin_kinds(),
            lang.admin_hotline(),
            lang.admin_answers(),
            lang.admin_active(),
        ],
        rows,
        word_lists: true,
        shell: &frame,
    };
    Ok(render(&page, &viewer)?.into_response())
}

pub(in crate::web) async fn places(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, "/admin/gazetteer?").await?;
    let (lang, local, tenant) = (frame.lang, local(&app), app.tenant().as_str());
    let shown = |error| failed(&viewer, error);
    let index = app.gazetteers.newest(&app.db, tenant).await.map_err(shown)?;
    let names = Names::read(&app, lang).await.map_err(shown)?;
    let kind = |kind: Kind| {
        let known = Kind::ALL.iter().find(|row| row.0 == kind);
        known.map_or("", |row| lang.pick(row.2, row.1)).to_owned()
    };
    let row = |entry: &gazetteer::Entry| {
        let place = &entry.place;
        vec![
            place.name.clone(),
            place.aliases.join(lang.pick("、", ", ")),
            kind(place.kind),
            entry.path.as_ref().map(|path| names.area(path.as_str())).unwrap_or_default(),
            place.at.map(|(y, x)| format!("{y:.6}, {x:.6}")).unwrap_or_default(),
        ]
    };
    let (rows, count) = found(index.entries().iter().map(row).collect(), fields.get("q"));
    let newest = gazetteer::list(&app.db, tenant).await.map_err(shown)?.into_iter().next();
    let page = AdminListPage {
        tab: "gazetteer",
        title: lang.admin_gazetteer(),
        action: "/admin/gazetteer",
        import: "/admin/imports/gazetteer",
        count,
        cut: count > rows.len(),
        find: fields.get("q").to_owned(),
        last: newest.map(|version| LastView {
            at: local.moment(UtcMs(version.made_at_ms)),
            by: who(&version.made_by, lang),
        }),
        heads: vec![
            lang.admin_name(),
            lang.admin_aliases(),
            lang.admin_kind(),
            lang.admin_area(),
            lang.admin_place_at(),
        ],
        rows,
        word_lists: false,
        shell: &frame,
    };
    Ok(render(&page, &viewer)?.into_response())
}

pub(in crate::web) async fn knowledge(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, "/admin/knowledge?").await?;
    let (lang, local) = (frame.lang, local(&app));
    let shown = |error| failed(&viewer, error);
    let index = app.knowledge.index(&app.db, app.tenant().as_str()).await.map_err(shown)?;
    let row = |entry: &knowledge::Entry| {
        vec![
            entry.id.clone(),
            entry.title.clone(),
            entry.categories.join(", "),
            entry.words.join(lang.pick("、", ", ")),
            entry.unit.clone(),
            entry.valid_until.clone().unwrap_or_default(),
            local.moment(UtcMs(entry.updated_at_ms)).text,
        ]
    };
    let (rows, count) = found(index.entries().iter().map(row).collect(), fields.get("q"));
    let page = AdminListPage {
        tab: "knowledge",
        title: lang.admin_knowledge(),
        action: "/admin/knowledge",
        import: "/admin/imports/knowledge",
        count,
        cut: count > rows.len(),
        find: fields.get("q").to_owned(),
        last: last(&app, Deed::Knowledge, lang).await.map_err(shown)?,
        heads: vec![
            lang.admin_id(),
            lang.admin_title(),
            lang.admin_categories(),
            lang.admin_words(),
            lang.admin_answers(),
            lang.admin_valid(),
            lang.admin_updated(),
        ],
        rows,
        word_lists: false,
        shell: &frame,
    };
    Ok(render(&page, &viewer)?.into_response())
}
