//! Where the cases of a period lie: each grid, community or town filled by what counts in it, with the same figures as a
//! list. Drawn by the hub, so it needs no script and prints.

mod drawing;

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Html;
use geo::MultiPolygon;

use super::trend::coordinate;
use super::{Here, Links, Opening, hours, pick, share, tabs};
use crate::app::App;
use crate::evaluation::asked::Asked;
use crate::evaluation::by::up_to;
use crate::evaluation::names::Names;
use crate::evaluation::table::{Figure, Table, TableRow};
use crate::evaluation::{By, Measure, Part, tables};
use crate::grid::Index;
use crate::organisation::Level;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::shell::render;
use crate::web::text::Lang;
use crate::web::view::{
    DensityLabelView, DensityLegendView, DensityMapView, DensityPage, DensityRowView, DensityShapeView,
    FigureView, FilterChoice, PartsView,
};
use drawing::{MOST_SHAPES, draw, step, steps};

/// What fills the outlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shade {
    Reported,
    Late,
    Hours,
}

impl Shade {
    const ALL: [Self; 3] = [Self::Reported, Self::Late, Self::Hours];

    fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Late => "late",
            Self::Hours => "hours",
        }
    }

    fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Reported => lang.ev_density_reported(),
            Self::Late => lang.ev_density_late(),
            Self::Hours => lang.ev_density_hours(),
        }
    }

    fn read(text: &str) -> Result<Self, String> {
        match Self::ALL.into_iter().find(|one| one.as_str() == text) {
            Some(found) => Ok(found),
            None if text.is_empty() => Ok(Self::Reported),
            None => {
                Err(format!("measure: {text:?} is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
            }
        }
    }

    /// In whole numbers that can be compared: cases, hundredths of a percent, minutes. Of nothing there is none.
    fn value(self, row: &TableRow) -> Option<i64> {
        match self {
            Self::Reported => Some(row.figures.get(Measure::Reported).n),
            Self::Late => late(row).rate(),
            Self::Hours => row.figures.get(Measure::TimeToClose).average().map(|(_, natural)| natural),
        }
    }

    fn text(self, value: Option<i64>, lang: Lang) -> String {
        match (self, value) {
            (_, None) => lang.ev_none().to_owned(),
            (Self::Reported, Some(count)) => count.to_string(),
            (Self::Late, Some(rate)) => format!("{}%", share(Some(rate))),
            (Self::Hours, Some(minutes)) => hours(minutes),
        }
    }
}

/// Of those due to be closed, those that were not closed on time.
fn late(row: &TableRow) -> Figure {
    let on_time = row.figures.get(Measure::ClosingOnTime);
    Figure { n: on_time.d - on_time.n, d: on_time.d, ..Figure::default() }
}

/// Levels that have outlines worth looking at.
const LEVELS: [Level; 3] = [Level::Grid, Level::Community, Level::Town];

fn level(text: &str) -> Result<Level, String> {
    if text.is_empty() {
        return Ok(Level::Grid);
    }
    let found = LEVELS.into_iter().find(|level| level.as_str() == text);
    found.ok_or_else(|| format!("level: {text:?} is not one of {}", LEVELS.map(Level::as_str).join(", ")))
}

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Evaluate)?;
    let shown = |error: PageError| error.shown(&viewer);
    let wrong = |why: String| shown(PageError::Input(why));
    let level = level(fields.get("level")).map_err(wrong)?;
    let shade = Shade::read(fields.get("measure")).map_err(wrong)?;
    let by = By::Area(level);
    let asked = Asked::read_by(&app, &fields, &viewer.session, by).await;
    let Opening { frame, asked, names, areas } = Opening::of(&app, &viewer, asked).await?;
    let lang = frame.lang;
    let made = tables(&app, &asked.question, &[by]).await;
    let found = made.map_err(|error| shown(PageError::from(error)))?.pop();
    let table = found.ok_or_else(|| shown(PageError::NotFound))?.table;
    let index = app.grids.newest(&app.db, app.tenant().as_str()).await;
    let index = index.map_err(|error| shown(PageError::from(error)))?;
    let links = Links { by, period: table.period.clone(), area: &asked.area, lang };
    let known = Known { table: &table, names: &names, shade, lang };
    let (map, drawn, no_map) = match &index {
        None => (None, BTreeSet::new(), lang.ev_density_no_map()),
        Some(index) => known.map(index, level, &links),
    };
    let own = |level: Level, shade: Shade, period: &str| {
        let page = links.page("density", period);
        format!("{page}&level={}&measure={}", level.as_str(), shade.as_str())
    };
    let query = links.query(by, &table.period);
    let page = DensityPage {
        tabs: tabs(&links, &asked.question.period, Here::Density),
        level: level.as_str(),
        level_word: lang.pick(level.zh(), level.en()),
        measure: shade.as_str(),
        measure_word: shade.word(lang),
        levels: LEVELS
            .map(|one| FilterChoice {
                word: lang.pick(one.zh(), one.en()),
                url: own(one, shade, &links.period),
                on: one == level,
            })
            .to_vec(),
        measures: Shade::ALL
            .map(|one| FilterChoice {
                word: one.word(lang),
                url: own(level, one, &links.period),
                on: one == shade,
            })
            .to_vec(),
        periods: links.periods(&asked.question.period, |_, period| own(level, shade, period)),
        areas,
        rows: known.rows(&drawn, &links),
        map,
        no_map,
        csv: format!("/api/v1/evaluation.csv?{query}"),
        xlsx: format!("/api/v1/evaluation.xlsx?{query}"),
        period: table.period.clone(),
        shell: &frame,
    };
    render(&page, &viewer)
}

/// Of nothing, then the steps from the lightest.
const CLASSES: [&str; 6] = ["d0", "d1", "d2", "d3", "d4", "d5"];

/// What is drawn and listed.
struct Known<'a> {
    table: &'a Table,
    names: &'a Names,
    shade: Shade,
    lang: Lang,
}

impl Known<'_> {
    /// Rows that lie somewhere: what lies in no area of the level has a figure and no ground.
    fn placed(&self) -> impl Iterator<Item = &TableRow> {
        self.table.rows.iter().filter(|row| !row.key.is_empty())
    }

    fn ends(&self) -> Vec<i64> {
        let values: Vec<i64> = self.placed().filter_map(|row| self.shade.value(row)).collect();
        steps(&values)
    }

    fn class(&self, ends: &[i64], row: &TableRow) -> &'static str {
        self.shade
            .value(row)
            .filter(|_| !row.key.is_empty())
            .map_or("dx", |value| CLASSES[step(ends, value).min(5)])
    }

    fn name(&self, key: &str) -> String {
        pick(self.names.of(self.table.by, key), self.lang)
    }

    /// The drawing, the keys that are on it, and why there is none.
    fn map(
        &self,
        index: &Index,
        level: Level,
        links: &Links<'_>,
    ) -> (Option<DensityMapView>, BTreeSet<String>, &'static str) {
        let rows: BTreeMap<&str, &TableRow> = self.placed().map(|row| (row.key.as_str(), row)).collect();
        let known = outlines(index, level, &rows);
        if known.len() > MOST_SHAPES {
            return (None, BTreeSet::new(), self.lang.ev_density_too_many());
        }
        if known.is_empty() {
            return (None, BTreeSet::new(), self.lang.ev_density_nothing());
        }
        let drawn: BTreeSet<String> = known.iter().map(|(key, _)| (*key).to_owned()).collect();
        let mut shapes = ground(index, level, links.area, &rows);
        // Rather the figures alone than nothing.
        if shapes.len() + known.len() > MOST_SHAPES {
            shapes.clear();
        }
        shapes.extend(known);
        let Some(drawing) = draw(&shapes) else {
            return (None, BTreeSet::new(), self.lang.ev_density_nothing());
        };
        let ends = self.ends();
        let text = |row: &TableRow| self.shade.text(self.shade.value(row), self.lang);
        let shape = |(at, path): (usize, String)| {
            let key = shapes.get(at)?.0;
            let Some(row) = rows.get(key).copied() else {
                return Some(DensityShapeView { class: "d0", path, url: None, title: None });
            };
            Some(DensityShapeView {
                class: self.class(&ends, row),
                path,
                url: self.door(row, links).url,
                title: Some(format!("{} {}", self.name(key), text(row))),
            })
        };
        let label = |(key, (x, y)): (&String, &(f64, f64))| {
            let row = *rows.get(key.as_str())?;
            Some(DensityLabelView {
                x: coordinate(*x),
                // The middle of the letters, not their foot.
                y: coordinate(*y + 4.0),
                text: text(row),
            })
        };
        let map = DensityMapView {
            version: index.version,
            width: coordinate(drawing.width),
            height: coordinate(drawing.height),
            says: self.says(drawn.len()),
            labels: drawing.labels.iter().filter_map(label).collect(),
            shapes: drawing.paths.into_iter().filter_map(shape).collect(),
            legend: self.legend(&ends),
        };
        (Some(map), drawn, "")
    }

    /// The drawing in a sentence.
    fn says(&self, drawn: usize) -> String {
        let most = self
            .placed()
            .filter_map(|row| Some((self.shade.value(row)?, row)))
            .max_by_key(|(value, _)| *value);
        let word = self.shade.word(self.lang);
        let most = most.map(|(value, row)| (self.name(&row.key), self.shade.text(Some(value), self.lang)));
        match (most, self.lang.is_zh()) {
            (Some((name, text)), true) => format!("{drawn} 个边界的{word}，最高的是{name}，{text}"),
            (Some((name, text)), false) => {
                format!("{word} of {drawn} outlines; the highest is {name} with {text}")
            }
            (None, true) => format!("{drawn} 个边界，{word}都没有"),
            (None, false) => format!("{drawn} outlines without any {word}"),
        }
    }

    /// The steps that there are, each with the values in it.
    fn legend(&self, ends: &[i64]) -> Vec<DensityLegendView> {
        let values = || self.placed().filter_map(|row| self.shade.value(row));
        let mut all = Vec::new();
        if self.placed().any(|row| self.shade.value(row).is_none()) {
            all.push(DensityLegendView { class: "dx", text: self.lang.ev_none().to_owned() });
        }
        if values().any(|value| value == 0) {
            all.push(DensityLegendView { class: "d0", text: self.lang.ev_density_zero().to_owned() });
        }
        let mut above = 0;
        for end in ends {
            let own = || values().filter(|value| *value > above && value <= end);
            let (Some(least), Some(most)) = (own().min(), own().max()) else { continue };
            let (least, most) =
                (self.shade.text(Some(least), self.lang), self.shade.text(Some(most), self.lang));
            let text = if least == most { least } else { format!("{least}–{most}") };
            all.push(DensityLegendView { class: CLASSES[step(ends, *end).min(5)], text });
            above = *end;
        }
        all
    }

    /// The figure that fills the outline, and its cases.
    fn door(&self, row: &TableRow, links: &Links<'_>) -> FigureView {
        match self.shade {
            Shade::Reported => reported(row, links),
            Shade::Late => late_view(row, links, self.lang),
            Shade::Hours => length(row, links, self.lang),
        }
    }

    /// The most first; where nothing is known last.
    fn rows(&self, drawn: &BTreeSet<String>, links: &Links<'_>) -> Vec<DensityRowView> {
        let ends = self.ends();
        let mut rows: Vec<&TableRow> = self.table.rows.iter().collect();
        rows.sort_by_key(|row| {
            (row.key.is_empty(), std::cmp::Reverse(self.shade.value(row)), row.key.clone())
        });
        let view = |row: &TableRow| {
            let above = row.key.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
            DensityRowView {
                class: self.class(&ends, row),
                name: self.name(&row.key),
                within: if above.is_empty() {
                    String::new()
                } else {
                    pick(self.names.area(&format!("{above}/")), self.lang)
                },
                on_map: drawn.contains(&row.key),
                reported: reported(row, links),
                late: late_view(row, links, self.lang),
                hours: length(row, links, self.lang),
            }
        };
        rows.into_iter().map(view).collect()
    }
}

fn reported(row: &TableRow, links: &Links<'_>) -> FigureView {
    links.figure(Measure::Reported, row.figures.get(Measure::Reported), Some(&row.key))
}

fn late_view(row: &TableRow, links: &Links<'_>, lang: Lang) -> FigureView {
    let figure = late(row);
    let door = |part: Part| links.behind(Measure::ClosingOnTime, part, Some(&row.key));
    let counts = figure.d > 0;
    let missed = (figure.n > 0).then(|| door(Part::Missed));
    FigureView {
        text: figure.rate().map_or_else(|| lang.ev_none().to_owned(), |rate| share(Some(rate))),
        url: missed.clone().or_else(|| counts.then(|| door(Part::Denominator))),
        parts: counts.then(|| PartsView {
            n: figure.n,
            n_url: missed,
            d: figure.d,
            d_url: door(Part::Denominator),
        }),
    }
}

fn length(row: &TableRow, links: &Links<'_>, lang: Lang) -> FigureView {
    let figure = row.figures.get(Measure::TimeToClose);
    FigureView {
        text: figure.average().map_or_else(|| lang.ev_none().to_owned(), |(_, natural)| hours(natural)),
        ..links.figure(Measure::TimeToClose, figure, Some(&row.key))
    }
}

/// Classes of a table of counts, in the same steps.
pub(super) fn heat_step(all: &[i64]) -> impl Fn(i64) -> &'static str + use<> {
    const CLASSES: [&str; 6] = ["h0", "h1", "h2", "h3", "h4", "h5"];
    let ends = steps(all);
    move |value| CLASSES[step(&ends, value).min(5)]
}

/// The grids of the area that is asked for in which nothing counts and that have no row: what the figures lie among. They say
/// nothing, as there may be cases in them that this reader must not see.
fn ground<'a>(
    index: &'a Index,
    level: Level,
    area: &str,
    rows: &BTreeMap<&str, &TableRow>,
) -> Vec<(&'a str, &'a MultiPolygon<f64>)> {
    let grids = index.grids().map(|(path, shape)| (path.as_str(), shape));
    let own = grids.filter(|(path, _)| path.starts_with(area) && up_to(path, Level::Grid) == *path);
    own.filter(|(path, _)| !rows.contains_key(&*up_to(path, level))).collect()
}

/// Outlines of the rows: of a level that came with the map its own, else those of the grids in it. Grids of lower levels lie
/// in those of the first and are not drawn.
fn outlines<'a>(
    index: &'a Index,
    level: Level,
    rows: &BTreeMap<&'a str, &'a TableRow>,
) -> Vec<(&'a str, &'a MultiPolygon<f64>)> {
    let key_of = |path: &str| rows.get_key_value(path).map(|(key, _)| *key);
    let mut own: BTreeMap<&str, &MultiPolygon<f64>> = BTreeMap::new();
    for outline in index.outlines().iter().filter(|outline| outline.level == level) {
        if let Some(key) = key_of(outline.path.as_str()) {
            own.insert(key, &outline.shape);
        }
    }
    let mut all: Vec<(&str, &MultiPolygon<f64>)> = own.iter().map(|(key, shape)| (*key, *shape)).collect();
    for (path, shape) in index.grids() {
        let path = path.as_str();
        if up_to(path, Level::Grid) != path {
            continue;
        }
        if let Some(key) = key_of(&up_to(path, level)).filter(|key| !own.contains_key(key)) {
            all.push((key, shape));
        }
    }
    all
}
