//! What a map shows, as GeoJSON (RFC 7946) in WGS84: grids, open cases, boxes; and whose ground a point is.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use geo::MultiPolygon;
use protocol::Severity;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadRequest, Failures, Forbidden, Unchanged};
use super::cases::read;
use super::guard::Caller;
use crate::app::App;
use crate::map::{self, Bounds, Ground, MOST_CASES, Pin, Wanted, store};
use crate::organisation::{self, Area, AreaPath};
use crate::user::Act;
use crate::web::guard::Fields;

const GEO_JSON: &str = "application/geo+json";
/// Coordinates are told to a centimetre.
const PER_DEGREE: f64 = 1e7;
/// What an answer without a map says.
const NO_MAP: &str = "there is no map of grids; `hub grid import` takes one";
/// Part of the tag: another shape of the answer is another answer.
const SHAPE: &str = "grids 1";

/// The word of GeoJSON for a thing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
enum FeatureWord {
    Feature,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
enum CollectionWord {
    FeatureCollection,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
enum PointWord {
    Point,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
enum OutlineWord {
    MultiPolygon,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct MapPoint {
    #[serde(rename = "type")]
    kind: PointWord,
    /// Longitude and latitude.
    #[schema(value_type = Vec<f64>)]
    coordinates: [f64; 2],
}

impl MapPoint {
    fn at(longitude: f64, latitude: f64) -> Self {
        Self { kind: PointWord::Point, coordinates: [rounded(longitude), rounded(latitude)] }
    }
}

fn rounded(degrees: f64) -> f64 {
    (degrees * PER_DEGREE).round() / PER_DEGREE
}

type Ring = Vec<[f64; 2]>;

#[derive(Clone, Debug, Serialize, ToSchema)]
struct MapOutline {
    #[serde(rename = "type")]
    kind: OutlineWord,
    #[schema(value_type = Vec<Vec<Vec<Vec<f64>>>>)]
    coordinates: Vec<Vec<Ring>>,
}

impl MapOutline {
    fn of(shape: &MultiPolygon<f64>) -> Self {
        let ring =
            |line: &geo::LineString<f64>| line.coords().map(|at| [rounded(at.x), rounded(at.y)]).collect();
        let polygon = |own: &geo::Polygon<f64>| {
            std::iter::once(own.exterior()).chain(own.interiors()).map(ring).collect::<Vec<Ring>>()
        };
        Self { kind: OutlineWord::MultiPolygon, coordinates: shape.0.iter().map(polygon).collect() }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct GridProperties {
    id: String,
    name: String,
    name_en: String,
    /// The area or grid above.
    parent: Option<String>,
    /// `grid`; `county`, `town` or `community` of an outline that came with the map.
    level: String,
    /// 1 to 3: level of a grid. 0: an outline.
    rank: usize,
    /// Open cases in it that the caller may see, those of grids in it too.
    open: i64,
    /// A point inside, longitude first: where its name stands.
    #[schema(value_type = Option<Vec<f64>>)]
    middle: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct GridFeature {
    #[serde(rename = "type")]
    kind: FeatureWord,
    properties: GridProperties,
    geometry: MapOutline,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct GridFeatures {
    #[serde(rename = "type")]
    kind: CollectionWord,
    /// Version of the map in force; 0 before there is one.
    version: i64,
    /// Why there is nothing.
    why: Option<String>,
    features: Vec<GridFeature>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct CaseProperties {
    number: String,
    severity: String,
    state: String,
    title: String,
    title_en: String,
    /// As people say it.
    place: Option<String>,
    /// Id of the area that it lies in; nothing where none is known.
    area: Option<String>,
    /// Somebody has it in hand.
    acknowledged: bool,
    drill: bool,
    opened_at: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct CaseFeature {
    #[serde(rename = "type")]
    kind: FeatureWord,
    properties: CaseProperties,
    geometry: MapPoint,
}

/// Open cases of one area.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AreaOpen {
    /// Id of the area.
    area: String,
    /// Those of areas below it too.
    open: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CaseFeatures {
    #[serde(rename = "type")]
    kind: CollectionWord,
    /// There are more; these are the newest.
    truncated: bool,
    /// How many open cases lie where, with a point or without: of every area that has one.
    open: Vec<AreaOpen>,
    features: Vec<CaseFeature>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct BoxProperties {
    device_id: String,
    title: String,
    /// Id of the grid in which it stands.
    area: String,
    /// `online`, `offline`, or `never` before its first word.
    link: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct BoxFeature {
    #[serde(rename = "type")]
    kind: FeatureWord,
    properties: BoxProperties,
    /// The middle of the grid: no more is known of a box.
    geometry: MapPoint,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BoxFeatures {
    #[serde(rename = "type")]
    kind: CollectionWord,
    /// Boxes that stand in no grid of the map in force, and are not among these.
    elsewhere: usize,
    features: Vec<BoxFeature>,
}

/// Whose ground a point is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct GroundItem {
    /// Id of the deepest grid that has the point; nothing outside every grid.
    grid: Option<String>,
    name: Option<String>,
    name_en: Option<String>,
    /// The grid and what lies above it, the widest first.
    chain: Vec<GroundArea>,
    /// Version of the map; 0 before there is one.
    version: i64,
    /// Why no grid is named.
    why: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct GroundArea {
    area: String,
    level: String,
    name: String,
    name_en: String,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; the handlers read it with errors that name the field")]
struct GridQuery {
    /// Counts only cases of this severity: `emergency`, `major`, `normal` or `notice`.
    severity: Option<String>,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; the handlers read it with errors that name the field")]
struct PinQuery {
    /// Only cases of this severity: `emergency`, `major`, `normal` or `notice`.
    severity: Option<String>,
    /// Only what lies in this part: west,south,east,north in degrees.
    bbox: Option<String>,
    /// At most this many, the newest; 2000 when absent.
    #[param(minimum = 1, maximum = 2000)]
    limit: Option<usize>,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `at` reads it with errors that name the field")]
struct PointQuery {
    /// Latitude in degrees, WGS84.
    lat: f64,
    /// Longitude in degrees, WGS84.
    lon: f64,
}

/// The map in force: outlines and grids, each with the number of open cases in it. Its `ETag` changes with the map and with the
/// numbers.
#[utoipa::path(get, path = "/api/v1/map/grids", params(GridQuery), tag = "map", responses(
    (status = 200, body = GridFeatures, content_type = "application/geo+json"), Unchanged, BadRequest, Failures))]
pub(super) async fn grids(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let severity = severity(&fields)?;
    let (tenant, user) = (app.tenant().as_str(), caller.0.user.as_str());
    let index = app.grids.newest(&app.db, tenant).await?;
    let areas = organisation::store::areas(&app.db, tenant).await?;
    let counts = store::open_by_area(&app.db, tenant, user, severity).await?;
    let grounds = index.as_deref().map(|index| map::grounds(index, &areas, &counts)).unwrap_or_default();
    let version = index.as_deref().map_or(0, |index| index.version);
    let tag = tag(version, &grounds);
    // Kept by the browser of this caller alone, and asked for again each time.
    let cache = (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let etag = HeaderValue::from_str(&tag).expect("hexadecimal in quotes is a header value");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [cache, (header::ETAG, etag)]).into_response());
    }
    let answer = GridFeatures {
        kind: CollectionWord::FeatureCollection,
        version,
        why: (version == 0).then(|| NO_MAP.to_owned()),
        features: grounds.iter().map(grid_feature).collect(),
    };
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(GEO_JSON));
    Ok(([cache, (header::ETAG, etag), kind], Json(answer)).into_response())
}

/// Of everything in the answer that can change, but for the outlines, which the version stands for.
fn tag(version: i64, grounds: &[Ground<'_>]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{SHAPE}\n{version}\n"));
    for ground in grounds {
        let Area { area, name_zh, name_en, .. } = ground.area;
        hasher.update(format!("{area}\t{name_zh}\t{name_en}\t{}\t{}\n", ground.rank, ground.open));
    }
    format!("\"{}\"", hex::encode(&hasher.finalize()[..12]))
}

fn grid_feature(ground: &Ground<'_>) -> GridFeature {
    let area = ground.area;
    GridFeature {
        kind: FeatureWord::Feature,
        properties: GridProperties {
            id: area.area.clone(),
            name: area.name_zh.clone(),
            name_en: in_english(area).to_owned(),
            parent: area.parent.clone(),
            level: area.level.clone(),
            rank: ground.rank,
            open: ground.open,
            middle: ground.middle().map(|at| at.map(rounded)),
        },
        geometry: MapOutline::of(ground.shape),
    }
}

fn in_english(area: &Area) -> &str {
    if area.name_en.is_empty() { &area.name_zh } else { &area.name_en }
}

/// Open cases whose place has a point, the newest, and how many open cases lie where.
#[utoipa::path(get, path = "/api/v1/map/cases", params(PinQuery), tag = "map", responses(
    (status = 200, body = CaseFeatures, content_type = "application/geo+json"), BadRequest, Failures))]
pub(super) async fn cases(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    let severity = severity(&fields)?;
    let limit: usize = read(&fields, "limit")?.unwrap_or(MOST_CASES);
    if !(1..=MOST_CASES).contains(&limit) {
        return Err(ApiError::Input(format!("limit: {limit} is not between 1 and {MOST_CASES}")));
    }
    let bounds = match fields.get("bbox") {
        "" => None,
        text => Some(Bounds::parse(text).map_err(|why| ApiError::Input(format!("bbox: {why}")))?),
    };
    let (tenant, user) = (app.tenant().as_str(), caller.0.user.as_str());
    let found = map::pins(&app.db, tenant, user, Wanted { severity, bounds, limit }).await?;
    let counts = store::open_by_area(&app.db, tenant, user, severity).await?;
    Ok(geo_json(&CaseFeatures {
        kind: CollectionWord::FeatureCollection,
        truncated: found.truncated,
        open: map::open_by_id(&counts).into_iter().map(|(area, open)| AreaOpen { area, open }).collect(),
        features: found.pins.into_iter().map(case_feature).collect(),
    }))
}

fn case_feature(pin: Pin) -> CaseFeature {
    let case = pin.case;
    CaseFeature {
        kind: FeatureWord::Feature,
        geometry: MapPoint::at(pin.longitude, pin.latitude),
        properties: CaseProperties {
            number: case.number,
            severity: case.severity,
            state: case.state,
            title: case.title_zh,
            title_en: case.title_en,
            place: case.place,
            area: AreaPath::kept(case.area).area().map(str::to_owned),
            acknowledged: case.acknowledged_at_ms.is_some(),
            drill: case.drill != 0,
            opened_at: case.opened_at_ms,
        },
    }
}

/// Boxes that stand in a grid of the map in force.
#[utoipa::path(get, path = "/api/v1/map/boxes", tag = "map", responses(
    (status = 200, body = BoxFeatures, content_type = "application/geo+json"), Forbidden, Failures))]
pub(super) async fn boxes(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    caller.must(Act::SeeDevices)?;
    let tenant = app.tenant().as_str();
    let index = app.grids.newest(&app.db, tenant).await?;
    let areas = organisation::store::areas(&app.db, tenant).await?;
    let rows = store::boxes(&app.db, tenant, &caller.0.user).await?;
    let grounds = index.as_deref().map(|index| map::grounds(index, &areas, &[])).unwrap_or_default();
    let by_path: BTreeMap<&str, &Ground<'_>> = grounds
        .iter()
        .filter(|ground| ground.rank > 0)
        .map(|ground| (ground.path.as_str(), ground))
        .collect();
    let all = rows.len();
    let feature = |row: store::BoxRow| {
        let ground = by_path.get(row.area.as_str())?;
        let [longitude, latitude] = ground.middle()?;
        Some(BoxFeature {
            kind: FeatureWord::Feature,
            properties: BoxProperties {
                device_id: row.device_id,
                title: row.title,
                area: ground.area.area.clone(),
                link: row.link.unwrap_or_else(|| "never".to_owned()),
            },
            geometry: MapPoint::at(longitude, latitude),
        })
    };
    let features: Vec<_> = rows.into_iter().filter_map(feature).collect();
    let elsewhere = all - features.len();
    Ok(geo_json(&BoxFeatures { kind: CollectionWord::FeatureCollection, elsewhere, features }))
}

/// Whose ground a point is: the deepest grid of the map in force, and what lies above it.
#[utoipa::path(get, path = "/api/v1/map/at", params(PointQuery), tag = "map", responses(
    (status = 200, body = GroundItem), BadRequest, Failures))]
pub(super) async fn at(
    State(app): State<App>,
    _caller: Caller,
    fields: Fields,
) -> Result<Json<GroundItem>, ApiError> {
    let (latitude, longitude) = (degrees(&fields, "lat", 90.0)?, degrees(&fields, "lon", 180.0)?);
    let tenant = app.tenant().as_str();
    let mut item = GroundItem {
        grid: None,
        name: None,
        name_en: None,
        chain: Vec::new(),
        version: 0,
        why: Some(NO_MAP.to_owned()),
    };
    let Some(index) = app.grids.newest(&app.db, tenant).await? else { return Ok(Json(item)) };
    item.version = index.version;
    let Some(path) = index.at(longitude, latitude) else {
        item.why = Some("no grid of the map has this point".to_owned());
        return Ok(Json(item));
    };
    let areas = organisation::store::areas(&app.db, tenant).await?;
    let named = |area: &&Area| GroundArea {
        area: area.area.clone(),
        level: area.level.clone(),
        name: area.name_zh.clone(),
        name_en: in_english(area).to_owned(),
    };
    item.chain = map::chain(&areas, path).iter().map(named).collect();
    if let Some(own) = item.chain.last() {
        (item.name, item.name_en) = (Some(own.name.clone()), Some(own.name_en.clone()));
    }
    item.grid = path.area().map(str::to_owned);
    item.why = None;
    Ok(Json(item))
}

fn geo_json(answer: &impl Serialize) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(GEO_JSON));
    ([kind], Json(answer)).into_response()
}

/// The severity that is asked for; nothing for all.
fn severity(fields: &Fields) -> Result<&'static str, ApiError> {
    Ok(read::<Severity>(fields, "severity")?.map_or("", Severity::as_str))
}

fn degrees(fields: &Fields, name: &str, most: f64) -> Result<f64, ApiError> {
    let text = fields.get(name);
    let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite() && value.abs() <= most);
    value
        .ok_or_else(|| ApiError::Input(format!("{name}: {text:?}; write degrees between -{most} and {most}")))
}
