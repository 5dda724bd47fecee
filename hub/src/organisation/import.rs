//! Sheets of areas and of units: all of a sheet in one transaction, or nothing. What is not in a sheet stays.

use std::collections::BTreeMap;

use super::{Area, AreaPath, Level, Unit, store};
use crate::admin::By;
use crate::admin::audit::{self, Deed};
use crate::db::{self, Db, Tx};
use crate::sheet::{self, Bad, Cells, Column, Headings, Row, short};

const MOST_ID: usize = 32;
pub(super) const MOST_NAME: usize = 60;

/// Rows that a tenant may have of either.
const MOST_ROWS: usize = 20_000;

const AREA_COLUMNS: [Column; 6] = [
    ("id", "编号", true),
    ("name", "名称", true),
    ("name_en", "英文名称", false),
    ("level", "层级", true),
    ("parent", "上级", false),
    ("rural", "农村", false),
];

const UNIT_COLUMNS: [Column; 5] = [
    ("id", "编号", true),
    ("name", "名称", true),
    ("name_en", "英文名称", false),
    ("area", "区域", false),
    ("active", "启用", true),
];

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub new: Vec<String>,
    pub changed: Vec<String>,
    pub unchanged: Vec<String>,
    pub bad: Vec<Bad>,
    /// Whether it was done.
    pub done: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    File(Bad),
    #[error("there would be {0} rows; {MOST_ROWS} are the most")]
    TooMany(usize),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What a complaint says where somebody may not change a row.
pub(crate) const OUTSIDE: &str = "lies outside of the area that you administer; leave the row out";

/// Takes a sheet of areas. A parent may stand below its children. The audit has a row of it; rows beyond the area of
/// whoever does it are bad.
pub async fn import_areas(
    db: &Db,
    tenant: &str,
    bytes: &[u8],
    dry_run: bool,
    by: &By,
) -> Result<Imported, ImportError> {
    let (headings, rows) = sheet::open(bytes, &AREA_COLUMNS).map_err(ImportError::File)?;
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let known: BTreeMap<String, Area> =
        store::areas_in(&mut tx, tenant).await?.into_iter().map(|area| (area.area.clone(), area)).collect();
    let mut outcome = Imported::default();
    let mut told: BTreeMap<String, (Area, &Row)> = BTreeMap::new();
    for row in &rows {
        match area_of(row, &headings) {
            Ok(area) => {
                if let Some((_, before)) = told.get(&area.area) {
                    let what = format!("{:?} stands in line {} too", area.area, before.line);
                    outcome.bad.push(headings.bad(row, 0, what));
                } else {
                    told.insert(area.area.clone(), (area, row));
                }
            }
            Err(bad) => outcome.bad.extend(bad),
        }
    }
    if known.len() + told.len() > MOST_ROWS {
        return Err(ImportError::TooMany(known.len() + told.len()));
    }
    let tree = Tree { known: &known, told: &told };
    let mut put = Vec::new();
    for (id, (area, row)) in &told {
        match tree.place(id) {
            Ok(path) if !by.reaches(&path) => {
                outcome.bad.push(headings.bad(row, 0, OUTSIDE.to_owned()));
            }
            Ok(path) => put.push(Area { path: path.as_str().to_owned(), ..area.clone() }),
            Err((field, what)) => outcome.bad.push(headings.bad(row, field, what)),
        }
    }
    outcome.bad.sort_by_key(|bad| bad.line);
    sort(&mut outcome, &put, |area| known.get(&area.area), |area| &area.area);
    if !dry_run && outcome.bad.is_empty() {
        put.sort_by(|a, b| a.path.cmp(&b.path));
        for area in &put {
            store::put_area(&mut tx, tenant, area).await?;
        }
        noted(&mut tx, tenant, by, Deed::Areas, &outcome).await?;
        tx.commit().await?;
        outcome.done = true;
    }
    Ok(outcome)
}

/// The row of the audit, unless nothing changed.
pub(super) async fn noted(
    tx: &mut Tx,
    tenant: &str,
    by: &By,
    deed: Deed,
    outcome: &Imported,
) -> db::Result<()> {
    if outcome.new.is_empty() && outcome.changed.is_empty() {
        return Ok(());
    }
    let after = format!("+{} ~{}", outcome.new.len(), outcome.changed.len());
    let names: Vec<&str> = outcome.new.iter().chain(&outcome.changed).map(String::as_str).collect();
    audit::note_import(tx, tenant, by, deed, (&after, names.join(" "))).await
}

/// Which rows are new, which change something.
fn sort<'a, T: PartialEq>(
    outcome: &mut Imported,
    rows: &'a [T],
    known: impl Fn(&T) -> Option<&'a T>,
    id: impl Fn(&T) -> &String,
) {
    for row in rows {
        let list = match known(row) {
            None => &mut outcome.new,
            Some(old) if old == row => &mut outcome.unchanged,
            Some(_) => &mut outcome.changed,
        };
        list.push(id(row).clone());
    }
}

fn area_of(row: &Row, headings: &Headings) -> Result<Area, Vec<Bad>> {
    let mut cells = Cells::new(row, headings)?;
    let name_zh = cells.line_of(1, MOST_NAME);
    let name_en = cells.line_or_nothing(2, MOST_NAME);
    let level = match cells.cell(3) {
        "县" | "区" | "市" => "county",
        "镇" | "乡" | "街道" => "town",
        "社区" | "村" => "community",
        "网格" => "grid",
        other => other,
    };
    if let Err(why) = level.parse::<Level>() {
        cells.complain(3, why);
    }
    let area = Area {
        area: cells.id(0, MOST_ID, ("area", "610322100")),
        parent: Some(cells.cell(4).to_owned()).filter(|parent| !parent.is_empty()),
        level: level.to_owned(),
        name_en: if name_en.is_empty() { name_zh.clone() } else { name_en },
        name_zh,
        rural: i64::from(cells.flag(5)),
        path: String::new(),
    };
    if cells.bad.is_empty() { Ok(area) } else { Err(cells.bad) }
}

/// What is known and what a sheet says, as one tree.
struct Tree<'t> {
    known: &'t BTreeMap<String, Area>,
    told: &'t BTreeMap<String, (Area, &'t Row)>,
}

/// County, town, community, and grids of two levels above one.
const DEEPEST: usize = 4;

const LEVEL_FIELD: usize = 3;
const PARENT_FIELD: usize = 4;

impl Tree<'_> {
    fn area(&self, id: &str) -> Option<&Area> {
        self.told.get(id).map(|told| &told.0).or_else(|| self.known.get(id))
    }

    /// Where an area of the sheet lies, or which field is wrong and why.
    fn place(&self, id: &str) -> Result<AreaPath, (usize, String)> {
        let area = self.area(id).expect("asked only of areas of the sheet");
        if let Some(old) = self.known.get(id)
            && (old.parent != area.parent || old.level != area.level)
        {
            let what = "an area stays where it is, since cases and people are bound to its place; give the new one \
                        another id";
            return Err((PARENT_FIELD, what.to_owned()));
        }
        let level: Level = area.level.parse().map_err(|why| (LEVEL_FIELD, why))?;
        match (&area.parent, level.above()) {
            (None, None) => Ok(AreaPath::everything().below(id)),
            (Some(_), None) => Err((PARENT_FIELD, "nothing is above a county; leave it empty".to_owned())),
            (None, Some(above)) => Err((PARENT_FIELD, format!("is empty; a {level} lies in a {above}"))),
            (Some(parent), Some(above)) => {
                let Some(found) = self.area(parent) else {
                    return Err((PARENT_FIELD, format!("there is no area {:?}", short(parent))));
                };
                // Grids of the second and third level lie in grids.
                let in_a_grid = level == Level::Grid && found.level == Level::Grid.as_str();
                if found.level != above.as_str() && !in_a_grid {
                    let what = format!("{parent} is a {}; a {level} lies in a {above}", found.level);
                    return Err((PARENT_FIELD, what));
                }
                Ok(self.place_of(parent, 0)?.below(id))
            }
        }
    }

    fn place_of(&self, id: &str, depth: usize) -> Result<AreaPath, (usize, String)> {
        if depth > DEEPEST {
            let what =
                format!("{} lies in itself, or too deep: a grid lies in at most two others", short(id));
            return Err((PARENT_FIELD, what));
        }
        match self.area(id).and_then(|area| area.parent.as_deref()) {
            Some(parent) => Ok(self.place_of(parent, depth + 1)?.below(id)),
            None => Ok(AreaPath::everything().below(id)),
        }
    }
}

/// Takes a sheet of units; `by` as with areas.
pub async fn import_units(
    db: &Db,
    tenant: &str,
    bytes: &[u8],
    dry_run: bool,
    by: &By,
) -> Result<Imported, ImportError> {
    let (headings, rows) = sheet::open(bytes, &UNIT_COLUMNS).map_err(ImportError::File)?;
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let areas = store::areas_in(&mut tx, tenant).await?;
    let known: BTreeMap<String, Unit> =
        store::units_in(&mut tx, tenant).await?.into_iter().map(|unit| (unit.unit.clone(), unit)).collect();
    let mut outcome = Imported::default();
    let mut put: Vec<Unit> = Vec::new();
    for row in &rows {
        match unit_of(row, &headings, &areas) {
            Ok(unit) if put.iter().any(|other| other.unit == unit.unit) => {
                let what = format!("{:?} stands there twice; give one of them another id", unit.unit);
                outcome.bad.push(headings.bad(row, 0, what));
            }
            Ok(unit) if !is_within(&unit, &known, by) => {
                outcome.bad.push(headings.bad(row, 3, OUTSIDE.to_owned()));
            }
            Ok(unit) => put.push(unit),
            Err(bad) => outcome.bad.extend(bad),
        }
    }
    if known.len() + put.len() > MOST_ROWS {
        return Err(ImportError::TooMany(known.len() + put.len()));
    }
    sort(&mut outcome, &put, |unit| known.get(&unit.unit), |unit| &unit.unit);
    if !dry_run && outcome.bad.is_empty() {
        for unit in &put {
            store::put_unit(&mut tx, tenant, unit).await?;
        }
        noted(&mut tx, tenant, by, Deed::Units, &outcome).await?;
        tx.commit().await?;
        outcome.done = true;
    }
    Ok(outcome)
}

/// Whether a unit works within somebody's area, and did before.
fn is_within(unit: &Unit, known: &BTreeMap<String, Unit>, by: &By) -> bool {
    let mut both = [Some(unit), known.get(&unit.unit)].into_iter().flatten();
    both.all(|unit| by.reaches(&AreaPath::kept(unit.area.clone())))
}

fn unit_of(row: &Row, headings: &Headings, areas: &[Area]) -> Result<Unit, Vec<Bad>> {
    let mut cells = Cells::new(row, headings)?;
    let name_zh = cells.line_of(1, MOST_NAME);
    let name_en = cells.line_or_nothing(2, MOST_NAME);
    let area = match cells.cell(3) {
        "" => "/".to_owned(),
        id => match areas.iter().find(|area| area.area == id) {
            Some(area) => area.path.clone(),
            None => {
                cells.complain(3, format!("there is no area {:?}; import areas first", short(id)));
                String::new()
            }
        },
    };
    let unit = Unit {
        unit: cells.id(0, MOST_ID, ("unit", "city_management")),
        name_en: if name_en.is_empty() { name_zh.clone() } else { name_en },
        name_zh,
        area,
        active: i64::from(cells.flag(4)),
    };
    if cells.bad.is_empty() { Ok(unit) } else { Err(cells.bad) }
}
