//! Reading a map. What is wrong is told with the feature's place in the file.

use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde::Deserialize;
use serde_json::json;

use super::Feature;
use super::gcj02;
use crate::organisation::Level;

/// Largest file, in bytes.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// Outlines of one map, and points of one outline.
const MOST_FEATURES: usize = 20_000;
const MOST_POINTS: usize = 100_000;

#[derive(Deserialize)]
struct Collection {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    features: Vec<RawFeature>,
}

#[derive(Deserialize)]
struct RawFeature {
    #[serde(default)]
    properties: Option<Properties>,
    geometry: Option<Geometry>,
}

#[derive(Default, Deserialize)]
struct Properties {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    name_en: String,
    #[serde(default)]
    parent: String,
    #[serde(default)]
    level: String,
}

type Ring = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    coordinates: serde_json::Value,
}

impl Geometry {
    /// The rings of each polygon.
    fn polygons(self) -> Result<Vec<Vec<Ring>>, String> {
        let odd = |error: serde_json::Error| format!("its coordinates cannot be read: {error}");
        match self.kind.as_str() {
            "Polygon" => serde_json::from_value(self.coordinates).map(|rings| vec![rings]).map_err(odd),
            "MultiPolygon" => serde_json::from_value(self.coordinates).map_err(odd),
            other => Err(format!("its geometry is a {other}, neither Polygon nor MultiPolygon")),
        }
    }
}

/// In which coordinates a map was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Datum {
    #[default]
    Wgs84,
    /// What Chinese map services draw on.
    Gcj02,
}

/// The outlines of a map, or everything that is wrong with it.
pub(super) fn read(bytes: &[u8], datum: Datum) -> Result<Vec<Feature>, Vec<String>> {
    if bytes.len() > MOST_BYTES {
        let most = MOST_BYTES >> 20;
        return Err(vec![format!(
            "the file has {} MiB, more than the {most} that are taken",
            bytes.len() >> 20
        )]);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let file: Collection = serde_json::from_slice(bytes)
        .map_err(|error| vec![format!("this is no GeoJSON of polygons: {error}")])?;
    if file.kind != "FeatureCollection" {
        return Err(vec![format!("this is a {:?}; a map is a FeatureCollection", file.kind)]);
    }
    if file.features.is_empty() || file.features.len() > MOST_FEATURES {
        return Err(vec![format!("{} features; a map has 1 to {MOST_FEATURES}", file.features.len())]);
    }
    let (mut features, mut wrong) = (Vec::new(), Vec::new());
    for (at, raw) in file.features.into_iter().enumerate() {
        let properties = raw.properties.unwrap_or_default();
        let name = if properties.id.is_empty() { "without an id".to_owned() } else { properties.id.clone() };
        match feature(properties, raw.geometry, datum) {
            Ok(feature) => features.push(feature),
            Err(why) => wrong.push(format!("feature {} ({name}): {why}", at + 1)),
        }
    }
    if wrong.is_empty() { Ok(features) } else { Err(wrong) }
}

fn feature(own: Properties, geometry: Option<Geometry>, datum: Datum) -> Result<Feature, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if own.id.is_empty() || own.id.len() > 32 || !own.id.chars().all(fits) {
        return Err("properties.id: write 1 to 32 small letters, digits, - _ and .".to_owned());
    }
    let level: Level = if own.level.is_empty() { Ok(Level::Grid) } else { own.level.parse() }
        .map_err(|why| format!("properties.level: {why}"))?;
    let count = own.name.trim().chars().count();
    if count == 0 || count > 60 {
        return Err("properties.name: write 1 to 60 characters".to_owned());
    }
    if level == Level::Grid && own.parent.is_empty() {
        return Err("properties.parent: name the community, or the grid above".to_owned());
    }
    let polygons = geometry.ok_or("it has no geometry")?.polygons()?;
    let points: usize = polygons.iter().flatten().map(Vec::len).sum();
    if polygons.is_empty() || points > MOST_POINTS {
        return Err(format!("{points} points; an outline has at most {MOST_POINTS}"));
    }
    let shape = polygons.into_iter().map(|rings| polygon(rings, datum)).collect::<Result<Vec<_>, _>>()?;
    Ok(Feature {
        id: own.id,
        name_en: if own.name_en.trim().is_empty() { own.name.trim().to_owned() } else { own.name_en },
        name: own.name.trim().to_owned(),
        parent: Some(own.parent).filter(|parent| !parent.is_empty()),
        level,
        shape: MultiPolygon::new(shape),
    })
}

fn polygon(rings: Vec<Ring>, datum: Datum) -> Result<Polygon<f64>, String> {
    let mut lines =
        rings.into_iter().map(|ring| line(&ring, datum)).collect::<Result<Vec<_>, _>>()?.into_iter();
    let outer = lines.next().ok_or("a polygon without a ring")?;
    Ok(Polygon::new(outer, lines.collect()))
}

fn line(ring: &Ring, datum: Datum) -> Result<LineString<f64>, String> {
    if ring.len() < 4 || ring.first() != ring.last() {
        return Err(format!("a ring of {} points; it has at least 4 and ends where it begins", ring.len()));
    }
    let point = |pair: &Vec<f64>| -> Result<Coord<f64>, String> {
        let (Some(&longitude), Some(&latitude)) = (pair.first(), pair.get(1)) else {
            return Err("a point without longitude and latitude".to_owned());
        };
        if !(-180.0..=180.0).contains(&longitude) || !(-90.0..=90.0).contains(&latitude) {
            return Err(format!("{longitude}, {latitude} is no place on earth; longitude comes first"));
        }
        let (longitude, latitude) = match datum {
            Datum::Wgs84 => (longitude, latitude),
            Datum::Gcj02 => gcj02::to_wgs84(longitude, latitude),
        };
        Ok(Coord { x: longitude, y: latitude })
    };
    Ok(LineString::new(ring.iter().map(point).collect::<Result<_, _>>()?))
}

/// A map as it is kept: what was read, in WGS84.
pub(super) fn write(features: &[Feature]) -> String {
    let ring = |line: &LineString<f64>| line.coords().map(|at| json!([at.x, at.y])).collect::<Vec<_>>();
    let polygon = |own: &Polygon<f64>| {
        std::iter::once(own.exterior()).chain(own.interiors()).map(ring).collect::<Vec<_>>()
    };
    let feature = |own: &Feature| {
        json!({
            "type": "Feature",
            "properties": {
                "id": own.id, "name": own.name, "name_en": own.name_en, "level": own.level,
                "parent": own.parent.as_deref().unwrap_or_default(),
            },
            "geometry": { "type": "MultiPolygon", "coordinates": own.shape.0.iter().map(polygon).collect::<Vec<_>>() },
        })
    };
    let all: Vec<_> = features.iter().map(feature).collect();
    json!({ "type": "FeatureCollection", "features": all }).to_string()
}
