//! A sheet of categories: all of it in one transaction, or nothing.

use std::collections::{BTreeMap, HashMap};

use protocol::IncidentKind;

use super::{Categories, Category, Group, MOST, Sort, all_in, store};
use crate::admin::By;
use crate::admin::audit::{self, Deed};
use crate::db::{self, Db};
use crate::organisation::{self, Area, AreaPath, Unit};
use crate::sheet::{self, Bad, Cells, Column, Headings, Row, nearest, short};
use crate::ticket::taxonomy;

const MOST_ID: usize = 32;
const MOST_NAME: usize = 60;
const MOST_CODE: usize = 32;
/// Units that answer for one category.
const MOST_UNITS: usize = 200;

const COLUMNS: [Column; 10] = [
    ("id", "编号", true),
    ("group", "大类", true),
    ("sort", "部件事件", false),
    ("code", "代码", false),
    ("name", "名称", true),
    ("name_en", "英文名称", false),
    ("kinds", "告警类型", false),
    ("hotline", "热线类别", false),
    ("units", "承办单位", false),
    ("active", "启用", false),
];

/// How a sheet is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// Change nothing.
    pub dry_run: bool,
    /// Take away what is not in the sheet: what nothing names, and was not built in, goes; the rest becomes inactive.
    pub replace: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub new: Vec<String>,
    pub changed: Vec<String>,
    pub unchanged: Vec<String>,
    pub removed: Vec<String>,
    /// Not in the sheet, and named by something.
    pub inactive: Vec<String>,
    pub bad: Vec<Bad>,
    /// Whether it was done.
    pub done: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    File(Bad),
    #[error("there would be {0} categories; {MOST} are the most")]
    TooMany(usize),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// A row of the sheet.
enum Told {
    Group(Group),
    Category(Category),
}

/// Takes a sheet; the audit has a row of it.
pub async fn import(
    db: &Db,
    tenant: &str,
    bytes: &[u8],
    mode: Mode,
    by: &By,
) -> Result<Imported, ImportError> {
    let (headings, rows) = sheet::open(bytes, &COLUMNS).map_err(ImportError::File)?;
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let areas = organisation::store::areas_in(&mut tx, tenant).await?;
    let units = organisation::store::units_in(&mut tx, tenant).await?;
    let is_first = store::all_in(&mut tx, tenant).await?.categories.is_empty();
    let known = all_in(&mut tx, tenant).await?;
    let mut outcome = Imported::default();
    let mut lines: BTreeMap<String, &Row> = BTreeMap::new();
    let mut told = Categories::default();
    for row in &rows {
        match read(row, &headings, &areas, &units) {
            Ok(one) => {
                let id = match &one {
                    Told::Group(group) => &group.id,
                    Told::Category(category) => &category.id,
                };
                if let Some(other) = lines.get(id) {
                    let what = format!("{id:?} stands in line {} too", other.line);
                    outcome.bad.push(headings.bad(row, 0, what));
                    continue;
                }
                lines.insert(id.clone(), row);
                match one {
                    Told::Group(group) => told.groups.push(group),
                    Told::Category(category) => told.categories.push(category),
                }
            }
            Err(bad) => outcome.bad.extend(bad),
        }
    }
    let after = merge(&known, &told, mode.replace);
    if after.categories.len() + after.groups.len() > MOST {
        return Err(ImportError::TooMany(after.categories.len() + after.groups.len()));
    }
    let at = |id: &str, field, what| lines.get(id).map(|row| headings.bad(row, field, what));
    for (id, field, what) in wrong(&after, &known, &told) {
        outcome.bad.extend(at(&id, field, what));
    }
    outcome.bad.sort_by_key(|bad| bad.line);
    sort(&mut outcome, &known, &told);
    let mut resting = Vec::new();
    for own in known.categories.iter().filter(|own| mode.replace && told.find(&own.id).is_none()) {
        let is_built_in = crate::case::category::is_built_in(&own.id);
        if is_built_in || store::is_used(&mut tx, tenant, &own.id).await? {
            if own.active {
                outcome.inactive.push(own.id.clone());
            }
            resting.push(Category { active: false, ..own.clone() });
        } else {
            outcome.removed.push(own.id.clone());
        }
    }
    if mode.dry_run || !outcome.bad.is_empty() {
        return Ok(outcome);
    }
    if is_first {
        // The built-in ones are there before those of a sheet.
        for group in &known.groups {
            store::put_group(&mut tx, tenant, group).await?;
        }
        for category in &known.categories {
            store::put(&mut tx, tenant, category).await?;
        }
    }
    for group in &told.groups {
        store::put_group(&mut tx, tenant, group).await?;
    }
    for category in told.categories.iter().chain(&resting) {
        store::put(&mut tx, tenant, category).await?;
    }
    for id in &outcome.removed {
        store::remove(&mut tx, tenant, id).await?;
    }
    for group in known.groups.iter().filter(|_| mode.replace) {
        let is_told = told.groups.iter().any(|own| own.id == group.id);
        let left = told.categories.iter().chain(&resting).any(|own| own.group == group.id);
        if !is_told && !left {
            store::remove_group(&mut tx, tenant, &group.id).await?;
        }
    }
    let all = outcome.new.iter().chain(&outcome.changed).chain(&outcome.removed).chain(&outcome.inactive);
    let names: Vec<&str> = all.map(String::as_str).collect();
    if !names.is_empty() {
        let gone = outcome.removed.len() + outcome.inactive.len();
        let told = format!("+{} ~{} -{gone}", outcome.new.len(), outcome.changed.len());
        audit::note_import(&mut tx, tenant, by, Deed::Categories, (&told, names.join(" "))).await?;
    }
    tx.commit().await?;
    outcome.done = true;
    super::all(db, tenant).await?;
    Ok(outcome)
}

/// What there is after the sheet.
fn merge(known: &Categories, told: &Categories, replace: bool) -> Categories {
    let mut all = told.clone();
    all.groups.extend(
        known.groups.iter().filter(|own| told.groups.iter().all(|other| other.id != own.id)).cloned(),
    );
    let rest = known.categories.iter().filter(|own| told.find(&own.id).is_none());
    all.categories.extend(rest.map(|own| Category { active: own.active && !replace, ..own.clone() }));
    all
}

/// What does not hold together after the sheet: id, field, what.
fn wrong(after: &Categories, known: &Categories, told: &Categories) -> Vec<(String, usize, String)> {
    let mut wrong = Vec::new();
    for own in &told.categories {
        if after.groups.iter().all(|group| group.id != own.group) {
            let near = nearest(&own.group, after.groups.iter().map(|group| group.id.as_str()));
            let what = format!(
                "there is no 大类 {:?}{near}; give it a row of its own, with nothing in this column",
                short(&own.group)
            );
            wrong.push((own.id.clone(), 1, what));
        }
        if known.groups.iter().chain(&told.groups).any(|group| group.id == own.id) {
            wrong.push((own.id.clone(), 0, format!("{:?} is the id of a 大类", own.id)));
        }
    }
    for group in told.groups.iter().filter(|group| known.find(&group.id).is_some()) {
        wrong.push((group.id.clone(), 0, format!("{:?} is the id of a 小类", group.id)));
    }
    let lists: [(usize, Words); 2] = [(6, kinds), (7, hotline)];
    for (field, words) in lists {
        let mut taken: HashMap<&str, &str> = HashMap::new();
        for own in after.categories.iter().filter(|own| own.active) {
            for word in words(own) {
                // Those of the sheet come first: what was there before gives way to nobody in silence.
                if let Some(other) = taken.insert(word, &own.id).filter(|other| *other != own.id) {
                    let id = if told.find(&own.id).is_some() { own.id.clone() } else { other.to_owned() };
                    let with = if id == own.id { other } else { own.id.as_str() };
                    wrong.push((id, field, format!("{word} means {with} too; take it away there first")));
                }
            }
        }
    }
    wrong
}

/// A list of a category.
type Words = fn(&Category) -> &[String];

fn kinds(own: &Category) -> &[String] {
    &own.kinds
}

fn hotline(own: &Category) -> &[String] {
    &own.hotline
}

/// Which rows are new, which change something.
fn sort(outcome: &mut Imported, known: &Categories, told: &Categories) {
    let mut put = |id: &String, old: Option<bool>| {
        let list = match old {
            None => &mut outcome.new,
            Some(true) => &mut outcome.unchanged,
            Some(false) => &mut outcome.changed,
        };
        list.push(id.clone());
    };
    for own in &told.groups {
        put(&own.id, known.groups.iter().find(|old| old.id == own.id).map(|old| old == own));
    }
    for own in &told.categories {
        put(&own.id, known.find(&own.id).map(|old| old == own));
    }
}

fn read(row: &Row, headings: &Headings, areas: &[Area], units: &[Unit]) -> Result<Told, Vec<Bad>> {
    let mut cells = Cells::new(row, headings)?;
    let id = cells.id(0, MOST_ID, ("category", "street_lamp"));
    let (zh, en) = (cells.line_of(4, MOST_NAME), cells.line_or_nothing(5, MOST_NAME));
    let en = if en.is_empty() { zh.clone() } else { en };
    let code = cells.line_or_nothing(3, MOST_CODE);
    let sort = match cells.cell(2) {
        "" => None,
        "thing" | "部件" => Some(Sort::Thing),
        "event" | "事件" => Some(Sort::Event),
        other => {
            cells.complain(2, format!("{:?} is neither thing (部件) nor event (事件)", short(other)));
            None
        }
    };
    let group = cells.cell(1).to_owned();
    if group.is_empty() {
        if sort.is_none() && cells.cell(2).is_empty() {
            cells.complain(2, "is empty; a 大类 is of things (部件) or of events (事件)".to_owned());
        }
        for field in [6, 7, 8] {
            if !cells.cell(field).is_empty() {
                cells.complain(field, "a 大类 has none; write it with its 小类".to_owned());
            }
        }
        let group = Group { id, sort: sort.unwrap_or(Sort::Event), code, zh, en };
        return if cells.bad.is_empty() { Ok(Told::Group(group)) } else { Err(cells.bad) };
    }
    if sort.is_some() {
        cells.complain(2, "is that of its 大类; leave it empty".to_owned());
    }
    let kinds = kinds_of(&mut cells);
    let hotline = hotline_of(&mut cells);
    let units = units_of(&mut cells, areas, units);
    let active = cells.cell(9).is_empty() || cells.flag(9);
    let category = Category { id, group, code, zh, en, kinds, hotline, units, active };
    if cells.bad.is_empty() { Ok(Told::Category(category)) } else { Err(cells.bad) }
}

/// What commas, marks of enumeration, bars and line breaks separate.
fn listed(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(|c: char| c.is_whitespace() || ",，;；、|".contains(c)).filter(|part| !part.is_empty())
}

fn kinds_of(cells: &mut Cells<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for word in listed(cells.cell(6)) {
        let known = IncidentKind::ALL.iter().find(|kind| kind.as_str() == word || kind.zh() == word);
        match known.filter(|kind| **kind != IncidentKind::Hotline) {
            Some(kind) => all.push(kind.as_str().to_owned()),
            None => {
                let near = nearest(word, IncidentKind::ALL.iter().map(|kind| kind.as_str()));
                cells.complain(6, format!("{:?} is no kind of incident{near}", short(word)));
            }
        }
    }
    all
}

fn hotline_of(cells: &mut Cells<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for word in listed(cells.cell(7)) {
        match taxonomy::categories().iter().find(|own| own.id == word || own.zh == word) {
            Some(known) => all.push(known.id.clone()),
            None => {
                let near = nearest(word, taxonomy::categories().iter().map(|own| own.id.as_str()));
                cells.complain(7, format!("{:?} is no category of the hotline{near}", short(word)));
            }
        }
    }
    all
}

/// `city_management、chengguan:chengguan_office`: a unit for everywhere, another one in an area.
fn units_of(cells: &mut Cells<'_>, areas: &[Area], units: &[Unit]) -> Vec<(AreaPath, String)> {
    let mut all: Vec<(AreaPath, String)> = Vec::new();
    for part in listed(cells.cell(8)) {
        let (area, id) = part.split_once([':', '：']).map_or((None, part), |(area, id)| (Some(area), id));
        let path = match area {
            None => AreaPath::everything(),
            Some(area) => match areas.iter().find(|own| own.area == area) {
                Some(own) => AreaPath::kept(own.path.clone()),
                None => {
                    let near = nearest(area, areas.iter().map(|own| own.area.as_str()));
                    cells.complain(8, format!("there is no area {:?}{near}", short(area)));
                    continue;
                }
            },
        };
        if !units.iter().any(|unit| unit.unit == id) {
            let near = nearest(id, units.iter().map(|unit| unit.unit.as_str()));
            cells.complain(8, format!("there is no unit {:?}{near}; `hub unit list` names them", short(id)));
        } else if all.iter().any(|(known, _)| *known == path) {
            cells.complain(8, format!("{:?}: this area has a unit already", short(part)));
        } else {
            all.push((path, id.to_owned()));
        }
    }
    if all.len() > MOST_UNITS {
        cells.complain(8, format!("{} units; {MOST_UNITS} are the most", all.len()));
    }
    all
}
