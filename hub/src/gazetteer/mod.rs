//! Places by their names: where it is what somebody tells in words.
//!
//! A gazetteer is a sheet that a county keeps: names, other names, coordinates or the area. It comes in versions; the newest
//! is in force and lies in memory ([`Index`], pure), read anew when there is another one, by this hub or by any. What a
//! caller tells of, or somebody writes, is looked up in the transaction that opens the case ([`told`]), what an operator writes
//! into a ticket in the one that files it ([`written`]): one place that is sure says where the case lies; of several the
//! operator picks ([`choose`]), by the same history.
//!
//! Kinds are those of the box's own gazetteer. What is wide (a town, a road) lies in many grids: its coordinates show it on
//! a map and never find a grid.
//! Deliberately absent: house numbers. They are kept as told and looked up by nobody.

pub mod cli;
mod import;
mod index;
mod locate;
mod shelf;
mod sound;
mod store;
#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};

pub use import::{Datum, Imported, Mode};
pub use index::{Entry, Found, How, Index};
pub use locate::{Choice, PlaceError, Searching, Told, choose, choose_in, pointed, told, written};
pub use shelf::{GazetteerError, Gazetteers};
pub use store::{Kept, Version, list};

use crate::db::{Db, Result};
use crate::organisation::AreaPath;

/// Places of one tenant.
pub const MOST_PLACES: usize = 100_000;

/// How closely a place says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlaceKind)]
pub enum Kind {
    Town,
    Community,
    Village,
    Road,
    Estate,
    Point,
}

impl Kind {
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Town, "town", "镇"),
        (Self::Community, "community", "社区"),
        (Self::Village, "village", "村"),
        (Self::Road, "road", "道路"),
        (Self::Estate, "estate", "小区"),
        (Self::Point, "point", "地点"),
    ];

    /// Whether its coordinates say in which grid it lies.
    pub fn is_close(self) -> bool {
        matches!(self, Self::Estate | Self::Point)
    }
}

/// One row of a gazetteer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Of name, area and coordinates: the same from version to version while these stay.
    pub id: String,
    pub name: String,
    pub aliases: Vec<String>,
    pub kind: Kind,
    /// Id of the area in which it lies.
    pub area: Option<String>,
    /// Latitude and longitude, WGS84.
    pub at: Option<(f64, f64)>,
}

/// A place that may be meant, as it is offered and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    pub id: String,
    pub name: String,
    pub kind: Kind,
    /// `/county/town/`; nothing where the gazetteer does not say and no grid has it.
    pub area: Option<String>,
    /// WGS84.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub how: How,
    /// How near the words are to its name, up to 100.
    pub percent: u8,
    /// The name, or other name, that was met.
    pub matched: String,
}

impl From<&Found<'_>> for Candidate {
    fn from(found: &Found<'_>) -> Self {
        let place = &found.entry.place;
        Self {
            id: place.id.clone(),
            name: place.name.clone(),
            kind: place.kind,
            area: found.entry.path.as_ref().map(|path| path.as_str().to_owned()),
            latitude: place.at.map(|at| at.0),
            longitude: place.at.map(|at| at.1),
            how: found.how,
            percent: found.percent,
            matched: found.name.to_owned(),
        }
    }
}

impl Candidate {
    /// What no gazetteer has.
    fn spot(name: &str, at: Option<(f64, f64)>, area: Option<String>) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            kind: Kind::Point,
            area,
            latitude: at.map(|at| at.0),
            longitude: at.map(|at| at.1),
            how: How::Exact,
            percent: 100,
            matched: name.to_owned(),
        }
    }

    fn entry(&self) -> Entry {
        Entry {
            place: Place {
                id: self.id.clone(),
                name: self.name.clone(),
                aliases: Vec::new(),
                kind: self.kind,
                area: None,
                at: self.latitude.zip(self.longitude),
            },
            path: self.area.clone().map(AreaPath::kept),
        }
    }
}

/// What is known of where a case lies in words.
pub async fn of_case(db: &Db, tenant: &str, case_id: &str) -> Result<Option<Kept>> {
    store::of_case(db, tenant, case_id).await
}
