//! Periods beside each other: the evaluation's overview, and its trends.

use askama::Template;

use super::{AreaChoice, EvaluationTabs, FigureView, FilterChoice, Nav, Shell, Theme};

/// One of the figures on top, with the same of the period before.
#[derive(Clone, Debug)]
pub struct HeadlineView {
    pub name: &'static str,
    pub now: FigureView,
    /// `%`, how many, or nothing.
    pub unit: &'static str,
    pub before: FigureView,
}

/// A place against the period before.
#[derive(Clone, Debug)]
pub struct PlaceChangeView {
    /// `up`, `dn`, `eq`, or nothing.
    pub class: &'static str,
    pub word: String,
}

/// A rate as a bar of 100 units.
#[derive(Clone, Debug)]
pub struct RateBarView {
    pub width: String,
    pub figure: FigureView,
    /// Lower than the line.
    pub low: bool,
}

/// Six periods, small.
#[derive(Clone, Debug, Default)]
pub struct SparkView {
    pub path: String,
    /// The last one.
    pub dot: Option<(String, String)>,
    /// The same in words.
    pub says: String,
}

#[derive(Clone, Debug)]
pub struct LeaguePlaceView {
    pub rank: String,
    pub change: PlaceChangeView,
    pub name: String,
    /// Too few cases for a place.
    pub few: bool,
    /// The first of those that stand below the line.
    pub line: bool,
    pub count: FigureView,
    pub bar: RateBarView,
    pub others: Vec<FigureView>,
    pub length: FigureView,
    pub spark: SparkView,
    pub score: String,
    /// Of one that fell: to what was late.
    pub why: Option<String>,
}

#[derive(Clone, Debug)]
pub struct OverviewView {
    pub before_word: &'static str,
    pub headlines: Vec<HeadlineView>,
    /// Of the columns.
    pub count_name: &'static str,
    pub bar_name: &'static str,
    pub other_names: Vec<&'static str>,
    /// In percent.
    pub low: i64,
    pub places: Vec<LeaguePlaceView>,
    /// Names of those that had nothing.
    pub idle: Vec<String>,
    pub trend: TrendView,
    /// Where rows compete.
    pub why: Option<WhyView>,
}

#[derive(Clone, Debug)]
pub struct TickView {
    pub y: String,
    pub text_y: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct TrendBarView {
    /// Left edge and middle.
    pub x: String,
    pub mid: String,
    pub y: String,
    pub height: String,
    /// On the first and the last.
    pub text: Option<String>,
    pub label: String,
}

#[derive(Clone, Debug)]
pub struct TrendDotView {
    pub x: String,
    pub y: String,
    pub radius: &'static str,
}

#[derive(Clone, Debug)]
pub struct TrendRowView {
    pub name: String,
    pub url: String,
    pub running: bool,
    pub due: FigureView,
    pub rate: FigureView,
}

/// A line of rates over bars of counts.
#[derive(Clone, Debug, Default)]
pub struct TrendView {
    pub says: String,
    pub ticks: Vec<TickView>,
    pub bars: Vec<TrendBarView>,
    pub line: String,
    pub dots: Vec<TrendDotView>,
    /// The last rate: where and what.
    pub last: Option<(String, String, String)>,
    pub rows: Vec<TrendRowView>,
    /// Of the rates and of the counts.
    pub rate_name: &'static str,
    pub count_name: &'static str,
}

#[derive(Clone, Debug)]
pub struct WhyRowView {
    pub text: String,
    pub count: i64,
    pub url: String,
    pub note: String,
}

/// What was late of one row.
#[derive(Clone, Debug)]
pub struct WhyView {
    /// Nothing where nobody fell.
    pub of: Option<WhyOfView>,
}

#[derive(Clone, Debug)]
pub struct WhyOfView {
    pub name: String,
    pub fell: bool,
    pub measure: &'static str,
    pub before: String,
    pub now: String,
    pub count: i64,
    pub url: String,
    pub groups: Vec<WhyRowView>,
    pub more: Vec<WhyRowView>,
    pub causes: Vec<WhyRowView>,
}

#[derive(Clone, Debug)]
pub struct TrendsColumnView {
    pub name: String,
    pub full: String,
    pub url: String,
}

/// A cell of a heat table: `h0` to `h5`.
#[derive(Clone, Debug)]
pub struct HeatCellView {
    pub class: &'static str,
    pub figure: FigureView,
}

#[derive(Clone, Debug)]
pub struct TrendsRowView {
    pub name: String,
    pub cells: Vec<HeatCellView>,
}

#[derive(Template)]
#[template(path = "trends.html")]
pub struct TrendsPage<'a> {
    pub shell: &'a Shell,
    pub tabs: EvaluationTabs,
    pub period: String,
    /// As the form sends them.
    pub by: &'static str,
    pub level: &'static str,
    pub measure: &'static str,
    pub measure_word: &'static str,
    pub by_word: &'static str,
    pub rows_by: Vec<FilterChoice>,
    pub steps: Vec<FilterChoice>,
    pub measures: Vec<FilterChoice>,
    pub periods: Vec<FilterChoice>,
    pub areas: Vec<AreaChoice>,
    pub columns: Vec<TrendsColumnView>,
    pub rows: Vec<TrendsRowView>,
    pub total: Vec<FigureView>,
    /// Rows that are not listed, and where they are.
    pub more: usize,
    pub more_url: String,
    /// Monday first; nothing where the measure counts nothing.
    pub hours: Vec<TrendsRowView>,
}
