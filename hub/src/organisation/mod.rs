//! Who there is: the tree of areas, and the units that do the work. Who may do what where is [`crate::user::grant`].

pub mod cli;
pub mod duty;
pub mod edit;
mod import;
mod level;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod unit;

use serde::Serialize;

pub(crate) use import::OUTSIDE;
pub use import::{ImportError, Imported, import_areas, import_units};
pub use level::{AreaPath, Level};

use crate::db::from_row;

/// A county, town, community or grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Area {
    /// Small letters and digits, such as its administrative code.
    pub area: String,
    /// The area above; none above the county.
    pub parent: Option<String>,
    /// `county`, `town`, `community` or `grid`.
    pub level: String,
    pub name_zh: String,
    pub name_en: String,
    /// 1 for a village, 0 for a community of the town.
    pub rural: i64,
    /// `/county/town/`
    pub path: String,
}

from_row!(Area: area, parent, level, name_zh, name_en, rural, path);

/// A department, or another body that handles cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Unit {
    pub unit: String,
    pub name_zh: String,
    pub name_en: String,
    /// Where it works: `/` is everywhere.
    pub area: String,
    /// 0: nothing is dispatched to it.
    pub active: i64,
}

from_row!(Unit: unit, name_zh, name_en, area, active);
