//! Shapes of the answers: features of GeoJSON (RFC 7946), each with what it says of itself.

use geo::MultiPolygon;
use serde::Serialize;
use utoipa::ToSchema;

/// Coordinates are told to a centimetre.
const PER_DEGREE: f64 = 1e7;

/// The word of GeoJSON for a thing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) enum FeatureWord {
    Feature,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) enum CollectionWord {
    FeatureCollection,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) enum PointWord {
    Point,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) enum OutlineWord {
    MultiPolygon,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct MapPoint {
    #[serde(rename = "type")]
    pub(super) kind: PointWord,
    /// Longitude and latitude.
    #[schema(value_type = Vec<f64>)]
    pub(super) coordinates: [f64; 2],
}

impl MapPoint {
    pub(super) fn at(longitude: f64, latitude: f64) -> Self {
        Self { kind: PointWord::Point, coordinates: [rounded(longitude), rounded(latitude)] }
    }
}

pub(super) fn rounded(degrees: f64) -> f64 {
    (degrees * PER_DEGREE).round() / PER_DEGREE
}

pub(super) type Ring = Vec<[f64; 2]>;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct MapOutline {
    #[serde(rename = "type")]
    pub(super) kind: OutlineWord,
    #[schema(value_type = Vec<Vec<Vec<Vec<f64>>>>)]
    pub(super) coordinates: Vec<Vec<Ring>>,
}

impl MapOutline {
    pub(super) fn of(shape: &MultiPolygon<f64>) -> Self {
        let ring =
            |line: &geo::LineString<f64>| line.coords().map(|at| [rounded(at.x), rounded(at.y)]).collect();
        let polygon = |own: &geo::Polygon<f64>| {
            std::iter::once(own.exterior()).chain(own.interiors()).map(ring).collect::<Vec<Ring>>()
        };
        Self { kind: OutlineWord::MultiPolygon, coordinates: shape.0.iter().map(polygon).collect() }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct GridProperties {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) name_en: String,
    /// The area or grid above.
    pub(super) parent: Option<String>,
    /// `grid`; `county`, `town` or `community` of an outline that came with the map.
    pub(super) level: String,
    /// 1 to 3: level of a grid. 0: an outline.
    pub(super) rank: usize,
    /// Open cases in it that the caller may see, those of grids in it too.
    pub(super) open: i64,
    /// A point inside, longitude first: where its name stands.
    #[schema(value_type = Option<Vec<f64>>)]
    pub(super) middle: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct GridFeature {
    #[serde(rename = "type")]
    pub(super) kind: FeatureWord,
    pub(super) properties: GridProperties,
    pub(super) geometry: MapOutline,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct GridFeatures {
    #[serde(rename = "type")]
    pub(super) kind: CollectionWord,
    /// Version of the map in force; 0 before there is one.
    pub(super) version: i64,
    /// Why there is nothing.
    pub(super) why: Option<String>,
    pub(super) features: Vec<GridFeature>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CaseProperties {
    pub(super) number: String,
    pub(super) severity: String,
    pub(super) state: String,
    pub(super) title: String,
    pub(super) title_en: String,
    /// As people say it.
    pub(super) place: Option<String>,
    /// Id of the area that it lies in; nothing where none is known.
    pub(super) area: Option<String>,
    /// Somebody has it in hand.
    pub(super) acknowledged: bool,
    pub(super) drill: bool,
    pub(super) opened_at: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CaseFeature {
    #[serde(rename = "type")]
    pub(super) kind: FeatureWord,
    pub(super) properties: CaseProperties,
    pub(super) geometry: MapPoint,
}

/// Open cases of one area.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AreaOpen {
    /// Id of the area.
    pub(super) area: String,
    /// Those of areas below it too.
    pub(super) open: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct CaseFeatures {
    #[serde(rename = "type")]
    pub(super) kind: CollectionWord,
    /// There are more; these are the newest.
    pub(super) truncated: bool,
    /// How many open cases lie where, with a point or without: of every area that has one.
    pub(super) open: Vec<AreaOpen>,
    pub(super) features: Vec<CaseFeature>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BoxProperties {
    pub(super) device_id: String,
    pub(super) title: String,
    /// Id of the grid in which it stands; nothing of one that stands in none and has a place of its own.
    pub(super) area: Option<String>,
    /// Whether somebody has said where it stands; else it is drawn in the middle of its grid.
    pub(super) placed: bool,
    /// `online`, `offline`, or `never` before its first word.
    pub(super) link: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BoxFeature {
    #[serde(rename = "type")]
    pub(super) kind: FeatureWord,
    pub(super) properties: BoxProperties,
    /// The middle of the grid: no more is known of a box.
    pub(super) geometry: MapPoint,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct BoxFeatures {
    #[serde(rename = "type")]
    pub(super) kind: CollectionWord,
    /// Boxes that stand in no grid of the map in force, and are not among these.
    pub(super) elsewhere: usize,
    pub(super) features: Vec<BoxFeature>,
}

/// Whose ground a point is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct GroundItem {
    /// Id of the deepest grid that has the point; nothing outside every grid.
    pub(super) grid: Option<String>,
    pub(super) name: Option<String>,
    pub(super) name_en: Option<String>,
    /// The grid and what lies above it, the widest first.
    pub(super) chain: Vec<GroundArea>,
    /// Version of the map; 0 before there is one.
    pub(super) version: i64,
    /// Why no grid is named.
    pub(super) why: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct GroundArea {
    pub(super) area: String,
    pub(super) level: String,
    pub(super) name: String,
    pub(super) name_en: String,
}
