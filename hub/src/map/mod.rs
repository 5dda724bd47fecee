//! 地图: open cases where they lie, how many there are on each grid, whose ground a point is, and where boxes stand.
//!
//! Everything is read for one person and tells no more than he may see. Only open cases are on a map, and every query has a
//! bound. Deciding is pure; drawing is the browser's (`assets/static/map.js`). Deliberately absent: people, their ways, and
//! where a person is.

pub mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use geo::{InteriorPoint as _, MultiPolygon};

use crate::db::{self, Db};
use crate::grid::Index;
use crate::organisation::{Area, AreaPath};
use store::{AreaCount, CaseRow};

/// Cases of one map. Somebody who has more open than this looks at a part of it.
pub const MOST_CASES: usize = 2_000;
/// Cases that are read at most to find those of a part.
const MOST_READ: usize = 20_000;
/// Levels of grids.
const MOST_RANK: usize = 3;

/// West, south, east and north, degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub west: f64,
    pub south: f64,
    pub east: f64,
    pub north: f64,
}

impl Bounds {
    /// `106.9,34.5,107.1,34.6`, as map libraries write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<f64> = text
            .split(',')
            .map(|part| part.trim().parse().map_err(|_| format!("{part:?} is no number of degrees")))
            .collect::<Result<_, String>>()?;
        let [west, south, east, north] = parts[..] else {
            return Err(format!("{} numbers; write west,south,east,north", parts.len()));
        };
        let on_earth = |most: f64, value: f64| value.is_finite() && value.abs() <= most;
        let fits =
            on_earth(180.0, west) && on_earth(180.0, east) && on_earth(90.0, south) && on_earth(90.0, north);
        if !fits || west > east || south > north {
            return Err(format!("{text:?} is no part of the earth; write west,south,east,north"));
        }
        Ok(Self { west, south, east, north })
    }

    fn has(&self, longitude: f64, latitude: f64) -> bool {
        (self.west..=self.east).contains(&longitude) && (self.south..=self.north).contains(&latitude)
    }
}

/// Which cases are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// A word of [`protocol::Severity`]; nothing for all.
    pub severity: &'static str,
    pub bounds: Option<Bounds>,
    /// At most this many, the newest.
    pub limit: usize,
}

/// An open case with a place on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    pub case: CaseRow,
    pub longitude: f64,
    pub latitude: f64,
}

/// The newest open cases with a place.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    pub pins: Vec<Pin>,
    /// Others are not among them.
    pub truncated: bool,
}

/// Open cases that this user may see and of which the point is known, the newest first.
pub async fn pins(db: &Db, tenant: &str, user: &str, wanted: Wanted) -> db::Result<Pins> {
    let limit = wanted.limit.min(MOST_CASES);
    // Whether a point lies in a part is not the database's to say.
    let most = if wanted.bounds.is_some() { MOST_READ } else { limit };
    let mut rows = store::placed(db, tenant, user, wanted.severity, most as i64 + 1).await?;
    let cut = rows.len() > most;
    rows.truncate(most);
    let mut pins: Vec<Pin> = rows.into_iter().filter_map(pin).collect();
    if let Some(bounds) = wanted.bounds {
        pins.retain(|pin| bounds.has(pin.longitude, pin.latitude));
    }
    let truncated = cut || pins.len() > limit;
    pins.truncate(limit);
    Ok(Pins { pins, truncated })
}

/// One whose place cannot be read is none on the map; it stays in every list.
fn pin(case: CaseRow) -> Option<Pin> {
    let (latitude, longitude) = point(case.location.as_deref()?)?;
    Some(Pin { case, longitude, latitude })
}

/// Latitude and longitude of a place as it is kept with a case; nothing where only words are known.
pub fn point(location: &str) -> Option<(f64, f64)> {
    let place: protocol::Place = serde_json::from_str(location).ok()?;
    let (latitude, longitude) = place.latitude.zip(place.longitude)?;
    let on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    on_earth.then_some((latitude, longitude))
}

/// One area of the map in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground<'a> {
    pub area: &'a Area,
    pub path: &'a AreaPath,
    pub shape: &'a MultiPolygon<f64>,
    /// 1 to 3: level of the grid. 0: an outline of what has grids in it.
    pub rank: usize,
    /// Open cases that lie in it, those of grids in it too.
    pub open: i64,
}

impl Ground<'_> {
    /// A point inside, longitude first, for its name.
    pub fn middle(&self) -> Option<[f64; 2]> {
        self.shape.interior_point().map(|point| [point.x(), point.y()])
    }
}

/// Outlines and grids of a map, those that have others in them first. One that no table names is left out.
pub fn grounds<'a>(index: &'a Index, areas: &'a [Area], counts: &[AreaCount]) -> Vec<Ground<'a>> {
    let by_path: BTreeMap<&str, &Area> = areas.iter().map(|area| (area.path.as_str(), area)).collect();
    let levels: BTreeMap<&str, &str> =
        areas.iter().map(|area| (area.area.as_str(), area.level.as_str())).collect();
    let sums = sums(counts);
    let ground = |path: &'a AreaPath, shape: &'a MultiPolygon<f64>, is_grid: bool| {
        let area = *by_path.get(path.as_str())?;
        let is_level_of_grids = |part: &&str| levels.get(part).is_some_and(|level| *level == "grid");
        let rank = path.as_str().split('/').filter(is_level_of_grids).count().clamp(1, MOST_RANK);
        let open = sums.get(path.as_str()).copied().unwrap_or(0);
        Some(Ground { area, path, shape, rank: if is_grid { rank } else { 0 }, open })
    };
    let outlines = index.outlines().iter().filter_map(|own| ground(&own.path, &own.shape, false));
    let grids = index.grids().filter_map(|(path, shape)| ground(path, shape, true));
    let mut all: Vec<_> = outlines.chain(grids).collect();
    all.sort_by(|a, b| (a.rank, a.path).cmp(&(b.rank, b.path)));
    all
}

/// Of each area what lies in it and in those below it.
fn sums(counts: &[AreaCount]) -> BTreeMap<String, i64> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for count in counts {
        let ends = count.area.match_indices('/').skip(1).map(|(at, _)| at + 1);
        for end in ends {
            *sums.entry(count.area[..end].to_owned()).or_default() += count.opened;
        }
    }
    sums
}

/// Open cases of each area by its id, those of areas below it too.
pub fn open_by_id(counts: &[AreaCount]) -> BTreeMap<String, i64> {
    let named = |(path, sum): (String, i64)| Some((AreaPath::kept(path).area()?.to_owned(), sum));
    sums(counts).into_iter().filter_map(named).collect()
}

/// An area and all above it, the widest first, as far as they are known.
pub fn chain<'a>(areas: &'a [Area], path: &AreaPath) -> Vec<&'a Area> {
    let above = |area: &&Area| AreaPath::kept(area.path.clone()).covers(path);
    let mut chain: Vec<&Area> = areas.iter().filter(above).collect();
    chain.sort_by_key(|area| area.path.len());
    chain
}
