//! 地图: open cases where they lie, on a page of its own; and what the maps of other pages are told ([`view`]).
//!
//! The page says in lists what the map shows, and works without it. `map.js` draws; this module decides nothing about cases.

use axum::extract::State;
use axum::response::Html;
use protocol::{Severity, UtcMs};

use super::error::PageError;
use super::guard::{Fields, Viewer, percent};
use super::shell::{local, render, shell};
use super::text::Lang;
use super::view::{FilterChoice, MapAreaRow, MapMode, MapPage, MapRow, MapView, Nav};
use super::wall::AreaNames;
use super::words;
use crate::app::App;
use crate::basemap::{self, ENDING};
use crate::map::{self, Pin, Wanted, store};
use crate::user::Act;
use crate::{db, organisation};

/// Rows of one page; the map has more.
const MOST_ROWS: usize = 200;
/// Grids of one page: those with the most open cases.
const MOST_AREAS: usize = 100;

/// What a map is told, where there is anything to draw cases on: grids, or a base map.
pub(super) async fn view(app: &App, viewer: &Viewer, mode: MapMode) -> db::Result<Option<MapView>> {
    let made = made(app, viewer, mode).await?;
    Ok(Some(made).filter(|made| made.has_grids || made.basemap.is_some()))
}

/// The map of one place; nothing where its point is not known.
pub(super) async fn of_place(
    app: &App,
    viewer: &Viewer,
    location: Option<&str>,
) -> db::Result<Option<MapView>> {
    let Some((latitude, longitude)) = location.and_then(map::point) else { return Ok(None) };
    let made = view(app, viewer, MapMode::Case).await?;
    Ok(made.map(|made| MapView { point: Some(format!("{longitude},{latitude}")), ..made }))
}

async fn made(app: &App, viewer: &Viewer, mode: MapMode) -> db::Result<MapView> {
    let (tenant, lang) = (app.tenant().as_str(), viewer.preferences.lang);
    let index = app.grids.newest(&app.db, tenant).await?;
    let base = basemap::list(&app.db, tenant).await?.into_iter().next();
    let own = index.as_deref().and_then(|index| index.bounds());
    let of_base = base.as_ref().map(|base| {
        let about = &base.about;
        [about.west, about.south, about.east, about.north]
    });
    let bounds = own
        .or(of_base)
        .map(|[west, south, east, north]| format!("{west:.6},{south:.6},{east:.6},{north:.6}"));
    let words: Vec<&str> =
        Severity::ALL.iter().map(|severity| lang.pick(severity.zh(), severity.en())).collect();
    Ok(MapView {
        mode,
        basemap: base.map(|base| format!("/basemap/{}{ENDING}", base.sha256)),
        bounds,
        has_grids: index.is_some(),
        has_boxes: mode == MapMode::Page && viewer.may(Act::SeeDevices),
        severity: "",
        point: None,
        severities: words.join("|"),
    })
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::SeeCases)?;
    let frame = shell(&app, &viewer, Nav::Map).await?;
    let (lang, local) = (frame.lang, local(&app));
    let shown = |error: db::Error| PageError::from(error).shown(&viewer);
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    // What is no severity asks for all.
    let severity = fields.get("severity").parse::<Severity>().map_or("", Severity::as_str);
    let wanted = Wanted { severity, bounds: None, limit: map::MOST_CASES };
    let found = map::pins(&app.db, tenant, user, wanted).await.map_err(shown)?;
    let counts = store::open_by_area(&app.db, tenant, user, severity).await.map_err(shown)?;
    let areas = organisation::store::areas(&app.db, tenant).await.map_err(shown)?;
    let index = app.grids.newest(&app.db, tenant).await.map_err(shown)?;
    let grounds = index.as_deref().map(|index| map::grounds(index, &areas, &counts)).unwrap_or_default();
    let names = AreaNames::new(&areas);
    let open: i64 = counts.iter().map(|count| count.opened).sum();
    let unplaced = if found.truncated { 0 } else { open - found.pins.len() as i64 };
    let behind = |more: &str| {
        let of = if severity.is_empty() { String::new() } else { format!("&severity={severity}") };
        format!("/wall/cases?part=open{of}{more}")
    };
    let mut first: Vec<_> = grounds.iter().filter(|ground| ground.rank == 1 && ground.open > 0).collect();
    first.sort_by_key(|ground| std::cmp::Reverse(ground.open));
    let area = |ground: &&map::Ground<'_>| MapAreaRow {
        areas: names.chain(ground.path.as_str(), lang),
        open: ground.open,
        url: behind(&format!("&area={}", percent(ground.path.as_str()))),
    };
    let row = |pin: &Pin| {
        let case = &pin.case;
        let opened = local.moment(UtcMs(case.opened_at_ms));
        MapRow {
            number: case.number.clone(),
            title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
            sev: words::severity(&case.severity, lang),
            state: words::state(&case.state, lang),
            place: case.place.clone().unwrap_or_default(),
            areas: names.chain(&case.area, lang),
            age: super::moment::age_text(opened.age_ms, lang.is_zh()),
            opened,
            acknowledged: case.acknowledged_at_ms.is_some(),
            drill: case.drill != 0,
        }
    };
    let page = MapPage {
        map: MapView { severity, ..made(&app, &viewer, MapMode::Page).await.map_err(shown)? },
        severities: severities(severity, lang),
        rows: found.pins.iter().take(MOST_ROWS).map(row).collect(),
        cut: found.truncated || found.pins.len() > MOST_ROWS,
        // One that opened between the two readings is none without a point.
        unplaced: unplaced.max(0),
        unplaced_url: behind(""),
        areas: first.iter().take(MOST_AREAS).map(area).collect(),
        shell: &frame,
    };
    render(&page, &viewer)
}

fn severities(asked: &str, lang: Lang) -> Vec<FilterChoice> {
    let all = FilterChoice { word: lang.all(), url: "/map".to_owned(), on: asked.is_empty() };
    let choice = |severity: Severity| FilterChoice {
        word: lang.pick(severity.zh(), severity.en()),
        url: format!("/map?severity={}", severity.as_str()),
        on: severity.as_str() == asked,
    };
    std::iter::once(all).chain(Severity::ALL.iter().copied().map(choice)).collect()
}
