//! Where the cases lie.

use askama::Template;

use super::{AreaChoice, EvaluationTabs, FigureView, FilterChoice, Nav, Shell, Theme};

/// An outline on the drawing, filled by what counts in it.
#[derive(Clone, Debug)]
pub struct DensityShapeView {
    /// `d0` to `d5`, `dx` for what has no figure.
    pub class: &'static str,
    pub path: String,
    pub url: Option<String>,
    /// Name and figure; of what has none, nothing.
    pub title: Option<String>,
}

#[derive(Clone, Debug)]
pub struct DensityLabelView {
    pub x: String,
    pub y: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct DensityLegendView {
    pub class: &'static str,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct DensityMapView {
    pub version: i64,
    pub width: String,
    pub height: String,
    pub says: String,
    pub shapes: Vec<DensityShapeView>,
    pub labels: Vec<DensityLabelView>,
    pub legend: Vec<DensityLegendView>,
}

#[derive(Clone, Debug)]
pub struct DensityRowView {
    pub class: &'static str,
    pub name: String,
    /// Where it lies.
    pub within: String,
    pub on_map: bool,
    pub reported: FigureView,
    pub late: FigureView,
    pub hours: FigureView,
}

#[derive(Template)]
#[template(path = "density.html")]
pub struct DensityPage<'a> {
    pub shell: &'a Shell,
    pub tabs: EvaluationTabs,
    pub period: String,
    pub level: &'static str,
    pub level_word: &'static str,
    pub measure: &'static str,
    pub measure_word: &'static str,
    pub levels: Vec<FilterChoice>,
    pub measures: Vec<FilterChoice>,
    pub periods: Vec<FilterChoice>,
    pub areas: Vec<AreaChoice>,
    pub map: Option<DensityMapView>,
    /// Why there is none.
    pub no_map: &'static str,
    pub rows: Vec<DensityRowView>,
    pub csv: String,
    pub xlsx: String,
}
