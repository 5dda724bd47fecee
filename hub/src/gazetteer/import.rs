//! A sheet of places becomes a version: all of it, or nothing.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::words::letters;
use super::{Kind, MOST_PLACES, Place};
use crate::grid::{self, gcj02};
use crate::organisation::{Area, AreaPath};
use crate::sheet::{self, Bad, Cells, Column, Headings, Row, nearest, short};

const MOST_NAME: usize = 60;
const MOST_ALIASES: usize = 20;

const COLUMNS: [Column; 6] = [
    ("name", "名称", true),
    ("aliases", "别名", false),
    ("latitude", "纬度", false),
    ("longitude", "经度", false),
    ("area", "区域", false),
    ("kind", "类型", false),
];

/// On which coordinates a sheet was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Datum {
    #[default]
    Wgs84,
    /// As Chinese map services have it.
    Gcj02,
}

/// How a sheet is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    pub datum: Datum,
    /// Change nothing.
    pub dry_run: bool,
    /// Keep what is there and is not in the sheet.
    pub add: bool,
}

/// What an import did, or would do. Names stand for the places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Nothing after a dry run, or where nothing changed.
    pub version: Option<i64>,
    pub new: Vec<String>,
    /// Other names or kind changed.
    pub changed: Vec<String>,
    pub unchanged: usize,
    pub gone: Vec<String>,
    pub bad: Vec<Bad>,
}

/// What a sheet's rows are held against.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) areas: &'a [Area],
    pub(super) grids: Option<&'a grid::Index>,
}

/// The places of a sheet, and what is wrong with it. An error is of the whole file.
pub(super) fn read(bytes: &[u8], datum: Datum, around: Around<'_>) -> Result<(Vec<Place>, Vec<Bad>), Bad> {
    let (headings, rows) = sheet::open(bytes, &COLUMNS)?;
    if rows.is_empty() {
        let what = "the sheet has headings and no place".to_owned();
        return Err(Bad { line: 1, row: 1, column: None, what });
    }
    let paths: HashMap<&str, &Area> = around.areas.iter().map(|area| (area.area.as_str(), area)).collect();
    let (mut places, mut bad) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in &rows {
        match place(row, &headings, datum, &paths, around.grids) {
            Ok(place) => {
                if let Some(line) = seen.get(&place.id) {
                    let what =
                        format!("{:?} stands in line {line} too, at the same place", short(&place.name));
                    bad.push(headings.bad(row, 0, what));
                } else {
                    seen.insert(place.id.clone(), row.line);
                    places.push(place);
                }
            }
            Err(wrong) => bad.extend(wrong),
        }
    }
    if places.len() > MOST_PLACES {
        let what = format!("{} places; {MOST_PLACES} are the most", places.len());
        return Err(Bad { line: 1, row: 1, column: None, what });
    }
    Ok((places, bad))
}

fn place(
    row: &Row,
    headings: &Headings,
    datum: Datum,
    areas: &HashMap<&str, &Area>,
    grids: Option<&grid::Index>,
) -> Result<Place, Vec<Bad>> {
    let mut cells = Cells::new(row, headings)?;
    let name = cells.line_of(0, MOST_NAME);
    if !name.is_empty() && letters(&name).len() < 2 {
        cells.complain(0, format!("{:?} is too short; a name has two or more letters", short(&name)));
    }
    let aliases = aliases(&mut cells, &name);
    let at = point(&mut cells, datum);
    let area = cells.cell(4);
    let known = areas.get(area);
    if !area.is_empty() && known.is_none() {
        let near = nearest(area, areas.keys().copied());
        cells.complain(4, format!("there is no area {:?}{near}; `hub area list` names them", short(area)));
    }
    if area.is_empty() && at.is_none() && cells.bad.is_empty() {
        cells.complain(4, "is empty, and so are the coordinates; give one of them".to_owned());
    }
    let kind = kind(&mut cells);
    if let (true, Some((latitude, longitude)), Some(area), Some(grids)) = (kind.is_close(), at, known, grids)
        && let Some(found) = grids.at(longitude, latitude)
        && !AreaPath::kept(area.path.clone()).covers(found)
    {
        let what = format!(
            "{latitude:.5}, {longitude:.5} lies in {found} by the map, not in {}; mend one of them (drawn on GCJ-02? say \
             --gcj02)",
            area.path
        );
        cells.complain(4, what);
    }
    if !cells.bad.is_empty() {
        return Err(cells.bad);
    }
    let area = Some(area.to_owned()).filter(|area| !area.is_empty());
    Ok(Place { id: id(&name, area.as_deref(), at), name, aliases, kind, area, at })
}

/// What commas, marks of enumeration, slashes and bars separate.
fn aliases(cells: &mut Cells<'_>, name: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let parts = cells.cell(1).split([',', '，', ';', '；', '、', '/', '|', '\n']).map(str::trim);
    for alias in parts.filter(|alias| !alias.is_empty()) {
        let count = letters(alias).len();
        if !(2..=MOST_NAME).contains(&count) || alias.contains(char::is_control) {
            cells.complain(1, format!("{:?} is no name; it has 2 to {MOST_NAME} letters", short(alias)));
        } else if alias != name && all.iter().all(|own| own != alias) {
            all.push(alias.to_owned());
        }
    }
    if all.len() > MOST_ALIASES {
        cells.complain(1, format!("{} other names; {MOST_ALIASES} are the most", all.len()));
    }
    all
}

/// Latitude and longitude, WGS84; nothing where neither is written.
fn point(cells: &mut Cells<'_>, datum: Datum) -> Option<(f64, f64)> {
    let (latitude, longitude) = (cells.cell(2), cells.cell(3));
    match (latitude.is_empty(), longitude.is_empty()) {
        (true, true) => return None,
        (false, true) => {
            cells.complain(3, "is empty, but there is a latitude; give both or neither".to_owned());
        }
        (true, false) => {
            cells.complain(2, "is empty, but there is a longitude; give both or neither".to_owned());
        }
        (false, false) => {}
    }
    let latitude = degrees(cells, 2, 90.0)?;
    let longitude = degrees(cells, 3, 180.0)?;
    let (longitude, latitude) = match datum {
        Datum::Wgs84 => (longitude, latitude),
        Datum::Gcj02 => gcj02::to_wgs84(longitude, latitude),
    };
    // A hand's breadth; what a sheet writes beyond that is noise, and the id is made of it.
    let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
    Some((round(latitude), round(longitude)))
}

fn degrees(cells: &mut Cells<'_>, field: usize, most: f64) -> Option<f64> {
    let text = cells.cell(field);
    let read = text.parse::<f64>().ok().filter(|degrees| degrees.is_finite() && degrees.abs() <= most);
    if read.is_none() && !text.is_empty() {
        let what =
            format!("{:?} is no number of degrees from -{most} to {most}, such as 34.5112", short(text));
        cells.complain(field, what);
    }
    read
}

fn kind(cells: &mut Cells<'_>) -> Kind {
    let text = cells.cell(5);
    if text.is_empty() {
        return Kind::Point;
    }
    let known = Kind::ALL.iter().find(|(_, en, zh)| text.eq_ignore_ascii_case(en) || text == *zh);
    if known.is_none() {
        let words: Vec<String> = Kind::ALL.iter().map(|(_, en, zh)| format!("{en} ({zh})")).collect();
        cells.complain(5, format!("{:?} is not one of {}", short(text), words.join(", ")));
    }
    known.map_or(Kind::Point, |known| known.0)
}

/// Sixteen hexadecimal digits.
fn id(name: &str, area: Option<&str>, at: Option<(f64, f64)>) -> String {
    let canonical = serde_json::json!([name, area, at]).to_string();
    hex::encode(&Sha256::digest(canonical)[..8])
}

/// What there is after an import, and what that changes.
pub(super) fn merge(known: &[Place], sheet: Vec<Place>, add: bool) -> (Vec<Place>, Imported) {
    let before: HashMap<&str, &Place> = known.iter().map(|place| (place.id.as_str(), place)).collect();
    let mut outcome = Imported::default();
    for place in &sheet {
        match before.get(place.id.as_str()) {
            None => outcome.new.push(place.name.clone()),
            Some(old) if **old == *place => outcome.unchanged += 1,
            Some(_) => outcome.changed.push(place.name.clone()),
        }
    }
    let told: HashMap<&str, ()> = sheet.iter().map(|place| (place.id.as_str(), ())).collect();
    let rest: Vec<Place> =
        known.iter().filter(|place| !told.contains_key(place.id.as_str())).cloned().collect();
    let mut all = sheet;
    if add {
        all.extend(rest);
    } else {
        outcome.gone = rest.into_iter().map(|place| place.name).collect();
    }
    (all, outcome)
}
