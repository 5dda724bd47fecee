//! What the evaluation answers.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::evaluation::names::Names;
use crate::evaluation::store::Behind;
use crate::evaluation::table::{Figure, Figures, TableRow};
use crate::evaluation::{By, Item, Kept, Measure, Shape};

/// A measure and what it is called.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct MeasureItem {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) name_en: &'static str,
    /// `count` of what happened, `stock` at the end, `rate`, or `length` on average.
    pub(super) shape: &'static str,
}

/// One figure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct FigureItem {
    /// How many; of a rate those above the line.
    pub(super) n: i64,
    /// Of a rate, those below the line.
    pub(super) d: Option<i64>,
    /// In hundredths of a percent; nothing of nothing.
    pub(super) rate: Option<i64>,
    /// Average, in minutes within the hours of business.
    pub(super) working_min: Option<i64>,
    /// Average, in minutes by day and night.
    pub(super) natural_min: Option<i64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct RowItem {
    /// Id of a unit, path of an area, id of a category or source; empty for what has none.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) name_en: String,
    /// Nothing below the line: too few cases.
    pub(super) rank: Option<i64>,
    /// In hundredths of a percent.
    pub(super) score: Option<i64>,
    /// By measure.
    pub(super) figures: BTreeMap<String, FigureItem>,
}

/// A table of one period.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct TableAnswer {
    pub(super) by: &'static str,
    pub(super) level: &'static str,
    pub(super) period: String,
    pub(super) from: i64,
    pub(super) to: i64,
    /// Up to when the history was read.
    pub(super) seen: i64,
    /// Of a month that is closed, when the table is of everything: what vouches for it.
    pub(super) closed: Option<Kept>,
    /// Version whose weights rank the rows; percent by measure.
    pub(super) policy: i64,
    pub(super) weights: BTreeMap<String, u32>,
    /// Rows with fewer cases stand below the line.
    pub(super) least: u32,
    /// Cases that count for anything.
    pub(super) cases: i64,
    /// Cases whose history does not say what they were then.
    pub(super) unread: i64,
    pub(super) measures: Vec<MeasureItem>,
    pub(super) rows: Vec<RowItem>,
    pub(super) total: BTreeMap<String, FigureItem>,
}

/// Tables of periods in a row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct SeriesAnswer {
    /// The oldest period first.
    pub(super) tables: Vec<TableAnswer>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct BehindItem {
    pub(super) number: String,
    /// What put it into the period; of what is overdue, since when.
    pub(super) at: i64,
    pub(super) unit: Option<String>,
    pub(super) title: String,
    pub(super) title_en: String,
    /// As it is now.
    pub(super) state: String,
    pub(super) area: String,
    pub(super) category: Option<String>,
}

/// The cases behind a figure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct CasesAnswer {
    /// Of the figure.
    pub(super) count: i64,
    /// Of this page, that you may not see now.
    pub(super) hidden: i64,
    pub(super) cases: Vec<BehindItem>,
    pub(super) next: Option<i64>,
}

/// A measure, now and then.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct LineItem {
    pub(super) measure: MeasureItem,
    pub(super) now: FigureItem,
    pub(super) before: FigureItem,
    pub(super) a_year_ago: FigureItem,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct LeagueItem {
    pub(super) by: &'static str,
    pub(super) level: &'static str,
    pub(super) ranked: i64,
    pub(super) unranked: i64,
    pub(super) best: Vec<RowItem>,
    /// The last first.
    pub(super) worst: Vec<RowItem>,
}

/// The bulletin of a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct BulletinAnswer {
    pub(super) month: String,
    pub(super) closed: Option<Kept>,
    pub(super) cases: i64,
    pub(super) unread: i64,
    pub(super) lines: Vec<LineItem>,
    pub(super) leagues: Vec<LeagueItem>,
    /// The longest overdue first, at most 100.
    pub(super) overdue: Vec<BehindItem>,
    pub(super) overdue_count: i64,
    /// By how many were filed, at most 10.
    pub(super) categories: Vec<RowItem>,
}

impl MeasureItem {
    pub(super) fn new(measure: Measure) -> Self {
        let shape = match measure.shape() {
            Shape::Count => "count",
            Shape::Stock => "stock",
            Shape::Rate => "rate",
            Shape::Length => "length",
        };
        Self { id: measure.as_str(), name: measure.zh(), name_en: measure.en(), shape }
    }
}

impl FigureItem {
    pub(super) fn new(measure: Measure, figure: Figure) -> Self {
        let rate = measure.shape() == Shape::Rate;
        let average = figure.average().filter(|_| measure.shape() == Shape::Length);
        Self {
            n: figure.n,
            d: rate.then_some(figure.d),
            rate: figure.rate().filter(|_| rate),
            working_min: average.map(|both| both.0),
            natural_min: average.map(|both| both.1),
        }
    }
}

pub(super) fn figures(figures: &Figures) -> BTreeMap<String, FigureItem> {
    let item =
        |measure: &Measure| (measure.as_str().to_owned(), FigureItem::new(*measure, figures.get(*measure)));
    Measure::ALL.iter().map(item).collect()
}

pub(super) fn row(by: By, row: &TableRow, names: &Names) -> RowItem {
    let (name, name_en) = names.of(by, &row.key);
    RowItem {
        key: row.key.clone(),
        name,
        name_en,
        rank: row.rank,
        score: row.score,
        figures: figures(&row.figures),
    }
}

impl BehindItem {
    pub(super) fn new((item, behind): &(Item, Behind)) -> Self {
        Self {
            number: item.number.clone(),
            at: item.at.0,
            unit: item.unit.clone(),
            title: behind.title_zh.clone(),
            title_en: behind.title_en.clone(),
            state: behind.state.clone(),
            area: behind.area.clone(),
            category: behind.category.clone(),
        }
    }
}
