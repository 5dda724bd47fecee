//! Which places the words of a ticket may mean: up to three of the gazetteer, each with its grid and with why it is offered.
//! A person picks; nothing here decides.

use axum::extract::{Path, State};
use axum::response::Html;

use super::begun;
use crate::app::App;
use crate::gazetteer::{Candidate, Found, How, Kind};
use crate::organisation::Area;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::shell::{render, shell};
use crate::web::text::Lang;
use crate::web::view::{CallPlace, CallPlacesPart, Nav, PlaceOffers};
use crate::{case, db, grid, organisation};

/// Places that are offered.
const MOST: usize = 3;
/// Two that differ by no more per cent are for a person to tell apart.
const NEAR_PERCENT: u8 = 5;
/// Longest text that is looked up, in characters.
const MOST_ASKED: usize = 200;
/// Of the earth, in metres.
const RADIUS_M: f64 = 6_371_000.0;

/// The places that these words may mean, for the script of an open form.
pub(in crate::web) async fn places(
    State(app): State<App>,
    viewer: Viewer,
    Path(call_id): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    let shown = |error: db::Error| PageError::from(error).shown(&viewer);
    let (tenant, user) = (app.tenant().as_str(), &viewer.session.user);
    // Whoever may not see the call learns nothing by its address.
    let case = case::store::by_call(&app.db, tenant, user, &call_id).await.map_err(shown)?;
    if case.is_none() && begun::find(&app, &viewer, &call_id).await?.is_none() {
        return Err(PageError::NotFound.shown(&viewer));
    }
    let frame = shell(&app, &viewer, Nav::Seat).await?;
    let words: String = fields.get("q").chars().take(MOST_ASKED).collect();
    let places = offers(&app, &words, fields.get("entry"), frame.lang).await.map_err(shown)?;
    render(&CallPlacesPart { shell: &frame, places }, &viewer)
}

/// `picked`: id of the one that somebody has picked.
pub(super) async fn offers(app: &App, words: &str, picked: &str, lang: Lang) -> db::Result<PlaceOffers> {
    let tenant = app.tenant().as_str();
    let index = app.gazetteers.newest(&app.db, tenant).await?;
    let (words, told_grid) = apart(words);
    if index.is_empty() || words.is_empty() {
        let lost = !picked.is_empty();
        return Ok(PlaceOffers { all: vec![], unclear: false, lost, empty: index.is_empty() });
    }
    let map = app.grids.newest(&app.db, tenant).await?;
    let areas = organisation::store::areas(&app.db, tenant).await?;
    let found: Vec<Found<'_>> = index.find(words, MOST);
    let sure = index.sure(words, told_grid).map(|found| found.entry.place.id.clone());
    let all: Vec<Candidate> = found.iter().map(Candidate::from).collect();
    Ok(arranged(
        &all,
        sure.as_deref(),
        picked,
        &|candidate| chain(candidate, map.as_deref(), &areas, lang),
        lang,
    ))
}

/// What a box wrote behind the place is the name of its grid.
fn apart(words: &str) -> (&str, Option<&str>) {
    let words = words.trim();
    let Some((place, rest)) = words.split_once('（') else { return (words, None) };
    match rest.strip_suffix('）') {
        Some(grid) if !place.trim().is_empty() => (place.trim(), Some(grid.trim())),
        _ => (words, None),
    }
}

/// Pure. `sure`: the one that the hub takes by itself.
fn arranged(
    all: &[Candidate],
    sure: Option<&str>,
    picked: &str,
    chain: &dyn Fn(&Candidate) -> Vec<String>,
    lang: Lang,
) -> PlaceOffers {
    let first = all.first().and_then(point);
    let view = |(nth, candidate): (usize, &Candidate)| CallPlace {
        key: nth + 1,
        id: candidate.id.clone(),
        name: candidate.name.clone(),
        percent: candidate.percent,
        chain: chain(candidate),
        why: why(candidate, first.filter(|_| nth > 0), lang),
        sure: sure == Some(candidate.id.as_str()),
        on: !picked.is_empty() && candidate.id == picked,
        at: point(candidate),
    };
    let views: Vec<CallPlace> = all.iter().enumerate().map(view).collect();
    let unclear = sure.is_none()
        && matches!(views.as_slice(), [one, two, ..] if one.percent.abs_diff(two.percent) <= NEAR_PERCENT);
    let lost = !picked.is_empty() && views.iter().all(|one| !one.on);
    PlaceOffers { all: views, unclear, lost, empty: false }
}

fn point(candidate: &Candidate) -> Option<(f64, f64)> {
    candidate.latitude.zip(candidate.longitude)
}

/// What met what, and how far it is from the first one.
fn why(candidate: &Candidate, first: Option<(f64, f64)>, lang: Lang) -> String {
    let matched = candidate.matched.as_str();
    let quoted = |word: &str| format!("{word}“{matched}”");
    let how = match candidate.how {
        How::Exact => lang.place_exact().to_owned(),
        How::Alias => quoted(lang.place_alias()),
        How::Sound | How::SoundWithin => quoted(lang.place_sound()),
        How::Within => quoted(lang.place_within()),
        How::Prefix => quoted(lang.place_prefix()),
        How::Contains => quoted(lang.place_contains()),
        How::Near => quoted(lang.place_near()),
    };
    let kind = Kind::ALL.iter().find(|known| known.0 == candidate.kind);
    let mut parts = vec![kind.map_or("", |known| lang.pick(known.2, known.1)).to_owned(), how];
    if let (Some(first), Some(own)) = (first, point(candidate)) {
        parts.push(format!("{} {} {}", lang.place_apart(), metres(first, own), lang.place_metres()));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// Between two points of one county: as the crow flies, in metres, rounded to what anybody knows.
fn metres(from: (f64, f64), to: (f64, f64)) -> i64 {
    let (north, east) = ((to.0 - from.0).to_radians(), (to.1 - from.1).to_radians());
    let east = east * from.0.to_radians().cos();
    let apart = north.hypot(east) * RADIUS_M;
    let step = if apart < 1_000.0 { 10.0 } else { 100.0 };
    ((apart / step).round() * step) as i64
}

/// Names of the areas in which it lies, the grid of its point where a map says so.
fn chain(candidate: &Candidate, map: Option<&grid::Index>, areas: &[Area], lang: Lang) -> Vec<String> {
    let close = point(candidate).filter(|_| candidate.kind.is_close()).zip(map);
    let by_map = close.and_then(|((latitude, longitude), map)| map.at(longitude, latitude));
    let path = by_map.map(|path| path.as_str().to_owned()).or_else(|| candidate.area.clone());
    let Some(path) = path else { return Vec::new() };
    let mut above: Vec<&Area> =
        areas.iter().filter(|area| path.starts_with(area.path.as_str()) && area.level != "county").collect();
    above.sort_by_key(|area| area.path.len());
    let name = |area: &&Area| {
        let en = if area.name_en.is_empty() { &area.name_zh } else { &area.name_en };
        lang.pick(&area.name_zh, en).to_owned()
    };
    above.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: &str, percent: u8, how: How, at: Option<(f64, f64)>) -> Candidate {
        Candidate {
            id: id.to_owned(),
            name: format!("名{id}"),
            kind: Kind::Point,
            area: None,
            latitude: at.map(|at| at.0),
            longitude: at.map(|at| at.1),
            how,
            percent,
            matched: "菜场".to_owned(),
        }
    }

    /// Each says why and how far from the first; two about as likely are for a person, unless the hub is sure of one; what was
    /// picked is marked, and said when it is not there any more.
    #[test]
    fn candidates_explain_themselves() {
        let all = [
            candidate("a", 98, How::Alias, Some((34.5105, 106.9315))),
            candidate("b", 94, How::Contains, Some((34.5105, 106.9325))),
            candidate("c", 40, How::Near, None),
        ];
        let none = |_: &Candidate| Vec::new();
        let offers = arranged(&all, None, "b", &none, Lang::Zh);
        assert!(offers.unclear && offers.picked() && !offers.lost);
        let why: Vec<&str> = offers.all.iter().map(|one| one.why.as_str()).collect();
        assert_eq!(why[0], "地点 · 别称“菜场”");
        assert_eq!(why[1], "地点 · 名称里有这些字：“菜场” · 距候选 1 约 90 米");
        assert_eq!(why[2], "地点 · 音近“菜场”");
        assert_eq!(
            offers.all.iter().map(|one| (one.key, one.on)).collect::<Vec<_>>(),
            [(1, false), (2, true), (3, false)]
        );
        let sure = arranged(&all, Some("a"), "", &none, Lang::En);
        assert!(!sure.unclear && sure.all[0].sure && !sure.picked() && !sure.lost);
        assert!(arranged(&all, None, "gone", &none, Lang::Zh).lost);
        assert!(!arranged(&all[1..], None, "", &none, Lang::Zh).unclear, "94 and 40 are not alike");
    }

    /// The grid that a box wrote in brackets is no part of the name.
    #[test]
    fn a_grid_in_brackets_is_apart() {
        assert_eq!(apart(" 凤鸣路菜市场（东关社区第03网格） "), ("凤鸣路菜市场", Some("东关社区第03网格")));
        assert_eq!(apart("凤鸣路"), ("凤鸣路", None));
        assert_eq!(apart("（东关）"), ("（东关）", None));
        assert_eq!(metres((34.5, 106.9), (34.51, 106.9)), 1_100);
    }
}
