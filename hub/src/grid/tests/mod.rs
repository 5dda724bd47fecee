//! Maps that are whole and maps that are not, on both databases.

use std::fmt::Write as _;

use protocol::{Chance, UtcMs};
use serde_json::{Value, json};

use super::store::VERSIONS;
use super::*;
use crate::args;
use crate::db::Db;
use crate::db::testing::databases;
use crate::organisation::testing::import_areas;
use crate::organisation::{self, Level};
use crate::web::tests::site::sites;

const AREAS: &str = "id,name,level,parent\nc,青梧县,county,\nt,青梧镇,town,c\neast,东关社区,community,t\nwest,西园社区,community,t\n";

const NOW: UtcMs = UtcMs(1_773_799_200_000);
const BY: (&str, &str, UtcMs) = ("user:admin", "x", NOW);

/// A cell of a chart of 100 m squares, by its column and row, as a ring of longitudes and latitudes.
fn square(x: f64, y: f64, width: f64, height: f64) -> Vec<[f64; 2]> {
    let at = |x: f64, y: f64| [106.93 + x * 0.001, 34.51 + y * 0.001];
    vec![at(x, y), at(x + width, y), at(x + width, y + height), at(x, y + height), at(x, y)]
}

fn feature(id: &str, level: &str, parent: &str, ring: &[[f64; 2]]) -> Value {
    json!({
        "type": "Feature",
        "properties": { "id": id, "name": format!("{id}号"), "level": level, "parent": parent },
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    })
}

/// Two communities of 3 × 3 grids each, side by side; `e11` is divided in two, and one of these in two again.
fn map() -> Vec<Value> {
    let mut all = Vec::new();
    for (community, left) in [("east", 3.0), ("west", 0.0)] {
        all.push(feature(community, "community", "t", &square(left, 0.0, 3.0, 3.0)));
        for x in 0..3 {
            for y in 0..3 {
                let (id, x, y) = (format!("{}{x}{y}", &community[..1]), f64::from(x), f64::from(y));
                all.push(feature(&id, "grid", community, &square(left + x, y, 1.0, 1.0)));
            }
        }
    }
    all.push(feature("e11-n", "grid", "e11", &square(4.0, 1.5, 1.0, 0.5)));
    all.push(feature("e11-s", "grid", "e11", &square(4.0, 1.0, 1.0, 0.5)));
    all.push(feature("e11-s1", "grid", "e11-s", &square(4.0, 1.0, 0.5, 0.5)));
    all.push(feature("e11-s2", "grid", "e11-s", &square(4.5, 1.0, 0.5, 0.5)));
    all
}

fn text(features: &[Value]) -> String {
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

fn without(id: &str) -> Vec<Value> {
    map().into_iter().filter(|feature| feature["properties"]["id"] != id).collect()
}

fn with(more: Value) -> Vec<Value> {
    let mut all = without(more["properties"]["id"].as_str().unwrap());
    all.push(more);
    all
}

async fn take(db: &Db, features: &[Value], dry_run: bool) -> Result<Taken, GridError> {
    let bytes = text(features);
    Grids::default().import(db, "t", (bytes.as_bytes(), Datum::Wgs84), BY, dry_run).await
}

/// A whole map of three levels of grids goes in; its grids are areas, points find the deepest.
#[tokio::test]
async fn a_whole_map_goes_in() {
    for test in databases().await {
        let db = &test.db;
        import_areas(db, "t", AREAS.as_bytes(), false).await.unwrap();
        let dry = take(db, &map(), true).await.unwrap();
        assert_eq!((dry.version, dry.grids, dry.new.len()), (None, 22, 22));
        assert_eq!(organisation::store::areas(db, "t").await.unwrap().len(), 4, "a dry run changes nothing");
        assert_eq!(take(db, &map(), false).await.unwrap().version, Some(1));
        let index = Grids::default().newest(db, "t").await.unwrap().unwrap();
        let at = |x: f64, y: f64| {
            index.at(106.93 + x * 0.001, 34.51 + y * 0.001).map(|path| path.as_str().to_owned())
        };
        assert_eq!(at(0.5, 0.5).as_deref(), Some("/c/t/west/w00/"), "{}", test.name);
        assert_eq!(at(4.2, 1.2).as_deref(), Some("/c/t/east/e11/e11-s/e11-s1/"));
        assert_eq!(at(4.2, 1.7).as_deref(), Some("/c/t/east/e11/e11-n/"));
        assert_eq!(at(9.0, 9.0), None);
        // On an edge it is always the same one.
        assert_eq!(at(1.0, 0.5), at(1.0, 0.5));
        // A later map without one of them: the grid stays an area, and is told of.
        let mut merged = without("w00");
        merged.retain(|feature| feature["properties"]["id"] != "w10");
        merged.push(feature("w0", "grid", "west", &square(0.0, 0.0, 2.0, 1.0)));
        let taken = take(db, &merged, false).await.unwrap();
        assert_eq!(
            (taken.version, taken.new, taken.gone),
            (Some(2), vec!["w0".into()], vec!["w00".into(), "w10".into()])
        );
        assert_eq!(store::list(db, "t").await.unwrap().len(), 2);
        assert!(
            VERSIONS.text(db, "t", 1).await.unwrap().unwrap().contains("\"w00\""),
            "the old one stays what it was"
        );
    }
}

/// What covers the ground twice or not at all, hangs in the air or lies outside, is told with its place, and nothing goes in.
#[tokio::test]
async fn maps_that_are_not_whole() {
    let bow: Vec<[f64; 2]> = {
        let ring = square(0.0, 0.0, 1.0, 1.0);
        vec![ring[0], ring[2], ring[1], ring[3], ring[0]]
    };
    for (features, told) in [
        (without("e11-n"), "e11 (e11号) has a gap of 5071 m² at 34.51175, 106.93450"),
        (without("w00"), "west (west号) has a gap of 10143 m² at 34.51050, 106.93050: no grid covers it"),
        (
            with(feature("w00", "grid", "west", &square(0.0, 0.0, 1.1, 1.0))),
            "w10 (w10号) and w00 (w00号) overlap by 1014 m²",
        ),
        (
            with(feature("w20", "grid", "west", &square(2.0, 0.0, 1.2, 1.0))),
            "w20 (w20号) lies outside west (west号) by 2029 m²",
        ),
        (
            with(feature("w20", "grid", "nowhere", &square(2.0, 0.0, 1.0, 1.0))),
            "its parent \"nowhere\" is neither a grid of this map nor a community",
        ),
        (
            with(feature("e11", "grid", "e11-n", &square(4.0, 1.0, 1.0, 1.0))),
            "it lies more than 3 grids deep, or in itself",
        ),
        (
            with(feature("north", "community", "t", &square(0.0, 3.0, 1.0, 1.0))),
            "north: there is no community of this id",
        ),
        (with(feature("w00", "grid", "west", &bow)), "w00 (w00号): its outline crosses itself"),
        (map().into_iter().chain(without("east")).collect(), "w00: 2 features have this id"),
    ] {
        for test in databases().await {
            import_areas(&test.db, "t", AREAS.as_bytes(), false).await.unwrap();
            let error = take(&test.db, &features, false).await.unwrap_err().to_string();
            assert!(error.contains(told), "{told}:\n{error}");
            assert_eq!(organisation::store::areas(&test.db, "t").await.unwrap().len(), 4, "{}", test.name);
        }
    }
}

/// Without outlines, a hole between grids is found; a grid that lay elsewhere before is refused.
#[tokio::test]
async fn holes_and_moves() {
    for test in databases().await {
        let db = &test.db;
        import_areas(db, "t", AREAS.as_bytes(), false).await.unwrap();
        let bare = |features: Vec<Value>| -> Vec<Value> {
            features.into_iter().filter(|feature| feature["properties"]["level"] == "grid").collect()
        };
        let error = take(db, &bare(without("w11")), false).await.unwrap_err().to_string();
        assert!(error.contains("a gap of 10143 m² between the grids at 34.51150, 106.93150"), "{error}");
        take(db, &bare(map()), false).await.unwrap();
        let moved = with(feature("w20", "grid", "east", &square(2.0, 0.0, 1.0, 1.0)));
        let error = take(db, &bare(moved), false).await.unwrap_err().to_string();
        assert!(error.contains("w20 (w20号): it lay in west"), "{error}");
    }
}

/// Files that are no maps are refused with what is wrong and where.
#[tokio::test]
async fn files_that_are_no_maps() {
    let wrong = |value: Value| text(&[value]);
    let point = json!({"type": "Feature", "properties": {"id": "a", "name": "a", "parent": "east"}, "geometry": {"type": "Point", "coordinates": [1, 2]}});
    let open = feature("a", "grid", "east", &square(0.0, 0.0, 1.0, 1.0)[..4]);
    let turned: Vec<[f64; 2]> = square(0.0, 0.0, 1.0, 1.0).into_iter().map(|[x, y]| [y, x]).collect();
    for (file, told) in [
        ("{".to_owned(), "this is no GeoJSON of polygons"),
        (json!({"type": "Topology"}).to_string(), "this is a \"Topology\""),
        (text(&[]), "0 features"),
        (wrong(point), "feature 1 (a): its geometry is a Point, neither Polygon nor MultiPolygon"),
        (wrong(open), "feature 1 (a): a ring of 4 points"),
        (wrong(feature("A", "grid", "east", &square(0.0, 0.0, 1.0, 1.0))), "feature 1 (A): properties.id"),
        (
            wrong(feature("a", "block", "east", &square(0.0, 0.0, 1.0, 1.0))),
            "properties.level: level \"block\"",
        ),
        (
            wrong(feature("a", "grid", "", &square(0.0, 0.0, 1.0, 1.0))),
            "properties.parent: name the community",
        ),
        (
            wrong(feature("a", "grid", "east", &turned)),
            "34.51, 106.93 is no place on earth; longitude comes first",
        ),
    ] {
        for test in databases().await {
            let taken =
                Grids::default().import(&test.db, "t", (file.as_bytes(), Datum::Wgs84), BY, false).await;
            let error = taken.unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
    }
}

/// Thousands of points: the same grid as by asking every grid in turn.
#[tokio::test]
async fn points_find_their_grid() {
    use geo::Intersects as _;
    let chance = Chance::seeded(4);
    let test = databases().await.remove(0);
    import_areas(&test.db, "t", AREAS.as_bytes(), false).await.unwrap();
    take(&test.db, &map(), false).await.unwrap();
    let index = Grids::default().newest(&test.db, "t").await.unwrap().unwrap();
    let (features, areas) = (
        geojson::read(text(&map()).as_bytes(), Datum::Wgs84).unwrap(),
        organisation::store::areas(&test.db, "t").await.unwrap(),
    );
    for _ in 0..3_000 {
        let part = |bytes: [u8; 4]| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
        let (longitude, latitude) =
            (106.929 + part(chance.bytes()) * 0.008, 34.509 + part(chance.bytes()) * 0.005);
        let has = features.iter().filter(|own| own.level == Level::Grid);
        let has = has.filter(|own| own.shape.intersects(&geo::Point::new(longitude, latitude)));
        let paths = has.map(|own| areas.iter().find(|area| area.area == own.id).unwrap().path.clone());
        let deepest = paths.max_by_key(|path| path.matches('/').count());
        assert_eq!(index.at(longitude, latitude).map(|path| path.as_str().to_owned()), deepest);
    }
}

/// A map drawn on GCJ-02 lands where it belongs.
#[tokio::test]
async fn maps_of_map_services() {
    let mut drawn = map();
    for feature in &mut drawn {
        for point in feature["geometry"]["coordinates"][0].as_array_mut().unwrap() {
            let (x, y) = gcj02::from_wgs84(point[0].as_f64().unwrap(), point[1].as_f64().unwrap());
            *point = json!([x, y]);
        }
    }
    for test in databases().await {
        import_areas(&test.db, "t", AREAS.as_bytes(), false).await.unwrap();
        let bytes = text(&drawn);
        let grids = Grids::default();
        grids.import(&test.db, "t", (bytes.as_bytes(), Datum::Gcj02), BY, false).await.unwrap();
        let index = grids.newest(&test.db, "t").await.unwrap().unwrap();
        let mut lines = String::new();
        for (x, y) in [(0.5, 0.5), (5.5, 2.5)] {
            let _ = writeln!(lines, "{}", index.at(106.93 + x * 0.001, 34.51 + y * 0.001).unwrap());
        }
        assert_eq!(lines, "/c/t/west/w00/\n/c/t/east/e22/\n");
    }
}

/// What a box raises, and what somebody reports, lies in the grid of its place, by the map in force; a case keeps that.
#[tokio::test]
async fn cases_lie_in_their_grid() {
    for mut site in sites().await {
        let (app, tenant) = (site.app.clone(), site.app.tenant().as_str().to_owned());
        import_areas(&app.db, &tenant, AREAS.as_bytes(), false).await.unwrap();
        let bytes = text(&map());
        let map = (bytes.as_bytes(), Datum::Wgs84);
        app.grids.import(&app.db, &tenant, map, BY, false).await.unwrap();
        let mut incident = site.camera_incident("north", "北口");
        incident.place =
            Some(protocol::Place {
                name: "巷口".into(), latitude: Some(34.5112), longitude: Some(106.9342)
            });
        site.hand_in(protocol::Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        assert_eq!(case["workflow"]["area"], "/c/t/east/e11/e11-s/e11-s1/", "{}", site.name);
        let sql = "select grid_version from cases where number = $1";
        let (version,): (Option<i64>,) = app.db.fetch_one(sql, args![&number]).await.unwrap();
        assert_eq!(version, Some(1));
    }
}
