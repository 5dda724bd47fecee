//! The map: what its script is told, and the page that is one.

use askama::Template;

use super::{FilterChoice, Nav, Sev, Shell, StateWord, Theme};
use crate::web::moment::Moment;

/// Where a map stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapMode {
    /// The page that is one.
    Page,
    /// Beside the cards.
    Wall,
    /// In a room: looked at.
    Screen,
    /// Where one case lies.
    Case,
    /// Above the tasks of somebody of the grid.
    Field,
    /// Where somebody points at a place; the script of that page mounts it.
    Pick,
}

impl MapMode {
    pub fn code(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Wall => "wall",
            Self::Screen => "screen",
            Self::Case => "case",
            Self::Field => "field",
            Self::Pick => "pick",
        }
    }

    /// Single keys are this map's.
    pub fn has_keys(self) -> bool {
        matches!(self, Self::Page | Self::Wall)
    }

    /// What is raised in 3D is worth a button.
    pub fn has_height(self) -> bool {
        matches!(self, Self::Page | Self::Wall | Self::Screen)
    }
}

/// What a map is told.
#[derive(Clone, Debug)]
pub struct MapView {
    pub mode: MapMode,
    /// Address of the newest base map.
    pub basemap: Option<String>,
    /// `west,south,east,north` of the grids, else of the base map.
    pub bounds: Option<String>,
    /// A map of grids is in force.
    pub has_grids: bool,
    /// This user sees boxes.
    pub has_boxes: bool,
    /// Only cases of this severity; nothing for all.
    pub severity: &'static str,
    /// `longitude,latitude` of the one place that is shown.
    pub point: Option<String>,
    /// Words of the severities, the worst first, with a bar between.
    pub severities: String,
}

#[derive(Clone, Debug)]
pub struct MapRow {
    pub number: String,
    pub title: String,
    pub sev: Sev,
    pub state: StateWord,
    pub place: String,
    /// Names of where it lies, town first.
    pub areas: Vec<String>,
    pub opened: Moment,
    pub age: String,
    pub acknowledged: bool,
    pub drill: bool,
}

/// Open cases of one grid of the first level.
#[derive(Clone, Debug)]
pub struct MapAreaRow {
    pub areas: Vec<String>,
    pub open: i64,
    pub url: String,
}

#[derive(Template)]
#[template(path = "map.html")]
pub struct MapPage<'a> {
    pub shell: &'a Shell,
    pub map: MapView,
    pub severities: Vec<FilterChoice>,
    pub rows: Vec<MapRow>,
    /// More cases have a point.
    pub cut: bool,
    /// Open cases that have none.
    pub unplaced: i64,
    pub unplaced_url: String,
    pub areas: Vec<MapAreaRow>,
}
