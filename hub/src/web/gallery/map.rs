//! The map and its box, in the states that look different.

use askama::Template as _;

use super::sample::{at, shell};
use crate::web::text::Lang;
use crate::web::view::*;

/// What a map of a county is told.
pub(super) fn map(lang: Lang, mode: MapMode) -> MapView {
    MapView {
        mode,
        basemap: Some("/basemap/9f3c.pmtiles".into()),
        bounds: Some("106.93,34.51,106.94,34.52".into()),
        has_grids: true,
        has_boxes: mode == MapMode::Page,
        severity: "",
        point: (mode == MapMode::Case).then(|| "106.9342,34.5112".into()),
        severities: lang.pick("紧急|重要|一般|提示", "Emergency|Major|Normal|Notice").into(),
    }
}

fn row(lang: Lang, number: &str, sev: (&'static str, &'static str), acknowledged: bool) -> MapRow {
    MapRow {
        number: number.into(),
        title: lang.pick("烟雾明火", "Fire").into(),
        sev: Sev { class: sev.0, word: sev.1 },
        state: StateWord { class: "received", word: lang.pick("待受理", "Received") },
        place: super::HOSTILE.into(),
        areas: vec!["示例镇".into(), "东关社区".into(), "第03网格".into()],
        opened: at(48),
        age: "48".into(),
        acknowledged,
        drill: acknowledged,
    }
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let shell = shell(lang, theme, Nav::Map);
    let choice = |word, url: &str, on| FilterChoice { word, url: url.to_owned(), on };
    let page = |map: MapView, rows: Vec<MapRow>| MapPage {
        shell: &shell,
        severities: vec![
            choice(lang.all(), "/map", true),
            choice(lang.pick("紧急", "Emergency"), "/map?severity=emergency", false),
        ],
        cut: !rows.is_empty(),
        unplaced: i64::from(!rows.is_empty()) * 12,
        unplaced_url: "/wall/cases?part=open".into(),
        areas: rows
            .iter()
            .map(|row| MapAreaRow {
                areas: row.areas.clone(),
                open: 3,
                url: "/wall/cases?part=open&area=/c/t/e/g/".into(),
            })
            .collect(),
        rows,
        map,
    };
    let rows = vec![
        row(lang, "20260318-029", ("p1", lang.pick("紧急", "Emergency")), false),
        row(lang, "20260318-021", ("p3", lang.pick("一般", "Normal")), true),
    ];
    let bare = MapView { has_grids: false, basemap: None, bounds: None, ..map(lang, MapMode::Page) };
    vec![("map", page(map(lang, MapMode::Page), rows).render()), ("map-empty", page(bare, vec![]).render())]
}
