//! 网格: whose ground a point is. Maps in versions, each checked whole before it is in force.
//!
//! A map is GeoJSON in WGS84. Grids of the first level lie in communities of the tree of areas, those of the second in grids
//! of the first, those of the third in grids of the second. Where an outline is known (of the county or of a community, in
//! the same file, or the grid above), the grids in it cover it without gap and without overlap; where none is, they leave no
//! hole between them. What is in force stays what it was: a case keeps the version under which its place was found.

mod check;
pub mod cli;
pub mod gcj02;
mod geojson;
mod index;
mod shelf;
pub mod store;
#[cfg(test)]
mod tests;

use geo::MultiPolygon;

use crate::organisation::Level;

pub use geojson::Datum;
pub use index::{Index, Outline};
pub use shelf::{GridError, Grids, Taken};

/// One outline of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    pub id: String,
    pub name: String,
    pub name_en: String,
    /// The area or grid above; none of the county's own outline.
    pub parent: Option<String>,
    /// `grid`, or `county`, `town`, `community` for an outline of one that is known.
    pub level: Level,
    /// Longitude and latitude, WGS84.
    pub shape: MultiPolygon<f64>,
}
