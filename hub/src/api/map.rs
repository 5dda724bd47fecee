//! What a map shows, as GeoJSON (RFC 7946) in WGS84: grids, open cases, boxes; and whose ground a point is.

mod shape;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::Severity;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::ApiError;
use super::answers::{BadRequest, Failures, Forbidden, Unchanged};
use super::cases::read;
use super::guard::Caller;
use crate::app::App;
use crate::map::{self, Bounds, Ground, MOST_CASES, Pin, Wanted, store};
use crate::organisation::{self, Area, AreaPath};
use crate::user::Act;
use crate::web::guard::Fields;
use shape::{
    AreaOpen, BoxFeature, BoxFeatures, BoxProperties, CaseFeature, CaseFeatures, CaseProperties,
    CollectionWord, FeatureWord, GridFeature, GridFeatures, GridProperties, GroundArea, GroundItem,
    MapOutline, MapPoint, rounded,
};

const GEO_JSON: &str = "application/geo+json";
/// What an answer without a map says.
const NO_MAP: &str = "there is no map of grids; `hub grid import` takes one";
/// Part of the tag: another shape of the answer is another answer.
const SHAPE: &str = "grids 1";

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

/// Boxes where somebody says that they stand; the others in the middle of their grid of the map in force.
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
        let ground = by_path.get(row.area.as_str());
        let own = row.own_place();
        let [longitude, latitude] = own.or_else(|| ground?.middle())?;
        Some(BoxFeature {
            kind: FeatureWord::Feature,
            properties: BoxProperties {
                device_id: row.device_id,
                title: row.title,
                area: ground.map(|ground| ground.area.area.clone()),
                placed: own.is_some(),
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
