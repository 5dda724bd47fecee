//! What is on a map and what is not, for whom, on both databases.

use protocol::{Event, IncidentKind, Place, Severity, Transcript};
use serde_json::{Value, json};

use super::*;
use crate::grid::Datum;
use crate::organisation::testing::import_areas;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Browser, START, Site, call, sites};

pub(crate) const AREAS: &str = "id,name,level,parent\nc,青梧县,county,\nt,青梧镇,town,c\neast,东关社区,community,t\nwest,西园社区,community,t\n";

/// Names, parents and squares of grids: west, south, east and north in thousandths of a degree from 106.93, 34.51.
pub(crate) type Squares<'a> = &'a [(&'a str, &'a str, [f64; 4])];

/// Two grids side by side in one community, and one in the other.
pub(crate) const MAP: Squares<'static> = &[
    ("e1", "east", [0.0, 0.0, 1.0, 1.0]),
    ("e2", "east", [1.0, 0.0, 2.0, 1.0]),
    ("w1", "west", [2.0, 0.0, 3.0, 1.0]),
];

/// The same, and `e1` is divided in two.
const DIVIDED: Squares<'static> = &[
    ("e1", "east", [0.0, 0.0, 1.0, 1.0]),
    ("e1-n", "e1", [0.0, 0.5, 1.0, 1.0]),
    ("e1-s", "e1", [0.0, 0.0, 1.0, 0.5]),
    ("e2", "east", [1.0, 0.0, 2.0, 1.0]),
    ("w1", "west", [2.0, 0.0, 3.0, 1.0]),
];

fn file(squares: Squares<'_>, more: Vec<Value>) -> String {
    let at = |x: f64, y: f64| [106.93 + x * 0.001, 34.51 + y * 0.001];
    let feature = |(id, parent, [w, s, e, n]): &(&str, &str, [f64; 4])| {
        let ring = [at(*w, *s), at(*e, *s), at(*e, *n), at(*w, *n), at(*w, *s)];
        json!({
            "type": "Feature",
            "properties": { "id": id, "name": format!("{id}号"), "level": "grid", "parent": parent },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    };
    let all: Vec<Value> = squares.iter().map(feature).chain(more).collect();
    json!({ "type": "FeatureCollection", "features": all }).to_string()
}

async fn take(site: &Site, text: &str) {
    let (app, by) = (&site.app, ("user:admin", "x", START));
    let map = (text.as_bytes(), Datum::Wgs84);
    app.grids.import(&app.db, app.tenant().as_str(), map, by, false).await.unwrap();
}

/// Puts a map in force; its communities are known.
pub(crate) async fn put_in_force(site: &Site, squares: Squares<'_>) {
    take(site, &file(squares, vec![])).await;
}

async fn county(site: &Site, squares: Squares<'_>) {
    import_areas(&site.app.db, site.app.tenant().as_str(), AREAS.as_bytes(), false).await.unwrap();
    put_in_force(site, squares).await;
}

impl Site {
    /// An alarm of a camera of its own at a point in thousandths of a degree, or at none.
    async fn map_alarm(&mut self, name: &str, at: Option<(f64, f64)>, severity: Severity) -> String {
        let mut incident = self.camera_incident(&format!("camera-{}", self.sequence), name);
        incident.severity = severity;
        incident.place = Some(Place {
            name: name.to_owned(),
            latitude: at.map(|(_, y)| 34.51 + y * 0.001),
            longitude: at.map(|(x, _)| 106.93 + x * 0.001),
        });
        self.hand_in(Event::Incident(incident)).await;
        self.clock.advance_ms(1_000);
        let filter = crate::case::CaseFilter { limit: 1, ..crate::case::CaseFilter::default() };
        let newest = crate::case::store::list::list(&self.app.db, self.app.tenant().as_str(), &filter).await;
        newest.unwrap()[0].number.clone()
    }

    async fn map_viewer(&self, name: &str, role: Role, area: &str) -> Browser {
        let (app, tenant) = (&self.app, self.app.tenant().as_str());
        let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        self.sign_in(name).await
    }

    async fn map_asked(&self, path: &str, who: &Browser) -> Value {
        let answer = self.get(path, Some(who)).await;
        assert_eq!(answer.status, 200, "{path}, {}: {}", self.name, answer.text);
        answer.json()
    }
}

fn numbers(cases: &Value) -> Vec<&str> {
    let features = cases["features"].as_array().unwrap();
    features.iter().map(|one| one["properties"]["number"].as_str().unwrap()).collect()
}

/// `(id, open)` of the areas that the answer counts.
fn open(cases: &Value) -> Vec<(&str, i64)> {
    let all = cases["open"].as_array().unwrap().iter();
    all.map(|one| (one["area"].as_str().unwrap(), one["open"].as_i64().unwrap())).collect()
}

fn of_grid<'v>(grids: &'v Value, id: &str) -> &'v Value {
    let mut features = grids["features"].as_array().unwrap().iter();
    &features.find(|one| one["properties"]["id"] == id).unwrap()["properties"]
}

/// Open cases with a point are on the map, the newest first, where the box said; those without are counted where they lie and
/// are no point; whoever sees one of them gets one. What has ended is not there, for nobody.
#[tokio::test]
async fn everybody_gets_the_points_of_his_own() {
    for mut site in sites().await {
        county(&site, MAP).await;
        let (chief, seat) = (site.log_in("chief").await, site.log_in("seat03").await);
        let (near, far) = (
            site.map_viewer("near", Role::CommunityOfficer, "/c/t/west/").await,
            site.map_viewer("far", Role::TownOfficer, "/c/u/").await,
        );
        let installer = site.map_viewer("ladder", Role::Installer, "/").await;
        let first = site.map_alarm("东关", Some((0.5, 0.5)), Severity::Emergency).await;
        let second = site.map_alarm("西园", Some((2.5, 0.5)), Severity::Normal).await;
        site.put_box_in("/c/t/east/e2/").await;
        let third = site.map_alarm("没有坐标", None, Severity::Normal).await;

        let cases = site.map_asked("/api/v1/map/cases", &chief).await;
        assert_eq!(numbers(&cases), [&second, &first], "{}", site.name);
        assert_eq!(cases["truncated"], false);
        let one = &cases["features"][1];
        assert_eq!(one["geometry"], json!({ "type": "Point", "coordinates": [106.9305, 34.5105] }));
        let told = &one["properties"];
        assert_eq!((told["severity"].as_str(), told["area"].as_str()), (Some("emergency"), Some("e1")));
        assert_eq!((told["acknowledged"].as_bool(), told["drill"].as_bool()), (Some(false), Some(false)));
        // Each case counts for its grid and all above it, the one without a point too.
        let counted = [("c", 3), ("e1", 1), ("e2", 1), ("east", 2), ("t", 3), ("w1", 1), ("west", 1)];
        assert_eq!(open(&cases), counted, "{}", site.name);

        let own = site.map_asked("/api/v1/map/cases", &near).await;
        assert_eq!(numbers(&own), [&second], "{}", site.name);
        assert_eq!(open(&own), [("c", 1), ("t", 1), ("w1", 1), ("west", 1)]);
        let grids = site.map_asked("/api/v1/map/grids", &near).await;
        assert_eq!(
            (of_grid(&grids, "w1")["open"].as_i64(), of_grid(&grids, "e1")["open"].as_i64()),
            (Some(1), Some(0))
        );
        for who in [&far, &installer] {
            let none = site.map_asked("/api/v1/map/cases", who).await;
            assert!(numbers(&none).is_empty() && open(&none).is_empty(), "{}: {none}", site.name);
        }

        // One that nobody needs any more leaves the map; one that somebody takes in hand stays and says so.
        let form = format!("csrf={}&number={second}&note=x", chief.csrf);
        assert_eq!(site.post("/wall/false-alarm", &chief, &form).await.status, 303);
        let form = format!("csrf={}", seat.csrf);
        assert_eq!(site.post(&format!("/cases/{first}/acknowledge"), &seat, &form).await.status, 303);
        let cases = site.map_asked("/api/v1/map/cases", &chief).await;
        assert_eq!(numbers(&cases), [&first], "{}", site.name);
        assert_eq!(cases["features"][0]["properties"]["acknowledged"], true);
        assert_eq!(
            open(&cases),
            [("c", 2), ("e1", 1), ("e2", 1), ("east", 2), ("t", 2)],
            "{third} is open yet"
        );
        let own = site.map_asked("/api/v1/map/cases", &near).await;
        assert!(numbers(&own).is_empty() && open(&own).is_empty(), "closed cases are not there");
    }
}

/// A part, a severity and a limit leave out what they say; what a limit leaves out is told.
#[tokio::test]
async fn parts_severities_and_limits() {
    for mut site in sites().await {
        county(&site, MAP).await;
        let chief = site.log_in("chief").await;
        let mut raised = Vec::new();
        for (x, severity) in [(0.2, Severity::Emergency), (1.2, Severity::Normal), (2.2, Severity::Emergency)]
        {
            raised.push(site.map_alarm("口", Some((x, 0.5)), severity).await);
        }
        let asked: [(&str, Vec<&String>, bool); 7] = [
            ("severity=emergency", vec![&raised[2], &raised[0]], false),
            ("severity=notice", vec![], false),
            ("limit=2", vec![&raised[2], &raised[1]], true),
            ("limit=3", vec![&raised[2], &raised[1], &raised[0]], false),
            ("bbox=106.9311,34.5,106.9313,34.6", vec![&raised[1]], false),
            ("bbox=106.9,34.5,107.0,34.6&limit=1", vec![&raised[2]], true),
            ("bbox=106.9311,34.5,106.9313,34.6&severity=emergency", vec![], false),
        ];
        for (query, wanted, truncated) in asked {
            let cases = site.map_asked(&format!("/api/v1/map/cases?{query}"), &chief).await;
            assert_eq!(numbers(&cases), wanted, "{query}, {}", site.name);
            assert_eq!(cases["truncated"], truncated, "{query}, {}", site.name);
        }
        let grids = site.map_asked("/api/v1/map/grids?severity=emergency", &chief).await;
        assert_eq!(
            (of_grid(&grids, "e1")["open"].as_i64(), of_grid(&grids, "e2")["open"].as_i64()),
            (Some(1), Some(0))
        );
    }
}

/// Grids come with their outlines, levels and numbers, those above first; the tag holds until a number, a name or the map
/// changes, and is each caller's own.
#[tokio::test]
async fn grids_and_their_tag() {
    use axum::body::Body;
    use axum::http::{Request, header};

    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let none = site.map_asked("/api/v1/map/grids", &chief).await;
        assert_eq!(none["features"], json!([]));
        assert!(none["why"].as_str().unwrap().contains("hub grid import"), "{none}");
        county(&site, DIVIDED).await;
        let near = site.map_viewer("near", Role::CommunityOfficer, "/c/t/west/").await;
        let grids = site.get("/api/v1/map/grids", Some(&chief)).await;
        assert_eq!(grids.header("content-type"), "application/geo+json");
        assert_eq!(grids.header("cache-control"), "private, no-cache");
        let told = grids.json();
        let ids: Vec<_> =
            told["features"].as_array().unwrap().iter().map(|one| &one["properties"]["id"]).collect();
        assert_eq!(ids, ["e1", "e2", "w1", "e1-n", "e1-s"], "{}", site.name);
        let south = of_grid(&told, "e1-s");
        assert_eq!((south["rank"].as_i64(), south["parent"].as_str()), (Some(2), Some("e1")));
        assert_eq!((south["name"].as_str(), south["level"].as_str()), (Some("e1-s号"), Some("grid")));
        let middle: Vec<f64> = serde_json::from_value(south["middle"].clone()).unwrap();
        assert!(
            (106.93..=106.931).contains(&middle[0]) && (34.51..=34.5105).contains(&middle[1]),
            "{middle:?}"
        );
        let ring = &told["features"][0]["geometry"]["coordinates"][0][0];
        assert_eq!((ring[0].clone(), ring[4].clone()), (json!([106.93, 34.51]), json!([106.93, 34.51])));

        let again = async |who: &Browser, tag: &str| {
            let request = Request::get("/api/v1/map/grids")
                .header(header::COOKIE, &who.cookie)
                .header(header::IF_NONE_MATCH, tag)
                .body(Body::empty())
                .unwrap();
            site.send(request).await
        };
        let tag = grids.header("etag").to_owned();
        let same = again(&chief, &tag).await;
        assert_eq!((same.status.as_u16(), same.text.as_str(), same.header("etag")), (304, "", tag.as_str()));
        assert_eq!(again(&chief, "\"odd\"").await.status, 200);
        assert_eq!(again(&near, &tag).await.status, 304, "nobody has a case yet");
        site.map_alarm("东关", Some((0.5, 0.2)), Severity::Emergency).await;
        let get = async |who: &Browser| site.get("/api/v1/map/grids", Some(who)).await;
        let (counted, elsewhere) = (get(&chief).await, get(&near).await);
        assert_ne!(counted.header("etag"), tag, "{}", site.name);
        assert_eq!(elsewhere.header("etag"), tag, "what one does not see changes nothing");
        let told = counted.json();
        let numbers = ["e1", "e1-s", "e1-n", "e2"].map(|id| of_grid(&told, id)["open"].as_i64().unwrap());
        assert_eq!(numbers, [1, 1, 0, 0], "a case counts for the grid above too");
        // The same grids as another version.
        put_in_force(&site, DIVIDED).await;
        assert_ne!(get(&near).await.header("etag"), tag);
        assert_eq!(get(&near).await.json()["version"], 2);
    }
}

/// Outlines that come with a map are told as such, and whose ground a point is says the deepest grid with everything above it;
/// outside there is none, and an edge is always the same one's.
#[tokio::test]
async fn whose_ground_a_point_is() {
    for site in sites().await {
        import_areas(&site.app.db, site.app.tenant().as_str(), AREAS.as_bytes(), false).await.unwrap();
        let chief = site.log_in("chief").await;
        let at = async |latitude: f64, longitude: f64| {
            site.map_asked(&format!("/api/v1/map/at?lat={latitude}&lon={longitude}"), &chief).await
        };
        let none = at(34.51, 106.93).await;
        assert_eq!((none["version"].as_i64(), none["grid"].as_str()), (Some(0), None));
        let outline = |id: &str, west: f64, east: f64| {
            let ring = [[west, 34.51], [east, 34.51], [east, 34.511], [west, 34.511], [west, 34.51]];
            json!({
                "type": "Feature",
                "properties": { "id": id, "name": id, "level": "community", "parent": "t" },
                "geometry": { "type": "Polygon", "coordinates": [ring] },
            })
        };
        let outlines = vec![outline("east", 106.93, 106.932), outline("west", 106.932, 106.933)];
        take(&site, &file(DIVIDED, outlines)).await;
        let grids = site.map_asked("/api/v1/map/grids", &chief).await;
        let east = of_grid(&grids, "east");
        assert_eq!((east["rank"].as_i64(), east["level"].as_str()), (Some(0), Some("community")));
        assert_eq!(grids["features"][0]["properties"]["rank"], 0, "outlines come first");

        let inside = at(34.5102, 106.9305).await;
        assert_eq!((inside["grid"].as_str(), inside["name"].as_str()), (Some("e1-s"), Some("e1-s号")));
        let chain: Vec<_> = inside["chain"].as_array().unwrap().iter().map(|one| &one["area"]).collect();
        assert_eq!(chain, ["c", "t", "east", "e1", "e1-s"], "{}", site.name);
        assert!(inside["why"].is_null());
        let outside = at(34.6, 106.9305).await;
        assert_eq!((outside["grid"].as_str(), outside["chain"].clone()), (None, json!([])));
        assert!(outside["why"].is_string());
        let edge = at(34.5102, 106.931).await;
        assert!(["e1-s", "e2"].contains(&edge["grid"].as_str().unwrap()), "{edge}");
        assert_eq!(edge, at(34.5102, 106.931).await);
    }
}

/// Boxes stand in the middle of their grid, for whoever sees boxes there; what stands in none is counted.
#[tokio::test]
async fn boxes_stand_in_their_grid() {
    for site in sites().await {
        county(&site, MAP).await;
        let chief = site.log_in("chief").await;
        let elsewhere = site.map_asked("/api/v1/map/boxes", &chief).await;
        assert_eq!((elsewhere["features"].clone(), elsewhere["elsewhere"].as_i64()), (json!([]), Some(1)));
        site.put_box_in("/c/t/east/e2/").await;
        let boxes = site.map_asked("/api/v1/map/boxes", &chief).await;
        assert_eq!(boxes["elsewhere"], 0);
        let own = &boxes["features"][0];
        assert_eq!(own["properties"]["device_id"], "box-1");
        assert_eq!(
            (own["properties"]["area"].as_str(), own["properties"]["link"].as_str()),
            (Some("e2"), Some("never"))
        );
        let x = own["geometry"]["coordinates"][0].as_f64().unwrap();
        assert!((106.931..=106.932).contains(&x), "{x}");
        // Somebody says where it stands: there it is drawn, on whatever ground, and taken back it is in the middle again.
        let admin = site.log_in("admin").await;
        let page = "/devices/box-1/cameras/north";
        let say = async |latitude: &str, longitude: &str| {
            let form = format!("csrf={}&command=place&latitude={latitude}&longitude={longitude}", admin.csrf);
            site.post(page, &admin, &form).await
        };
        assert_eq!(say("34.51", "106.9305").await.status, 303, "{}", site.name);
        let placed = site.map_asked("/api/v1/map/boxes", &chief).await;
        assert_eq!(
            placed["features"][0]["geometry"]["coordinates"],
            json!([106.9305, 34.51]),
            "{}",
            site.name
        );
        assert_eq!(placed["features"][0]["properties"]["placed"], true);
        let audit = site.get("/api/v1/audit", Some(&admin)).await.json();
        let row = &audit["audit"][0];
        assert_eq!(
            (row["act"].as_str(), row["subject"].as_str()),
            (Some("box_place"), Some("box-1")),
            "{row}"
        );
        assert_eq!(
            (row["area"].as_str(), row["new_value"].as_str()),
            (Some("/c/t/east/e2/"), Some("34.510000, 106.930500"))
        );
        assert_eq!(say("", "").await.status, 303);
        assert_eq!(site.map_asked("/api/v1/map/boxes", &chief).await, boxes, "{}", site.name);
        let installer = site.map_viewer("ladder", Role::Installer, "/c/t/west/").await;
        let hidden = site.map_asked("/api/v1/map/boxes", &installer).await;
        assert_eq!((hidden["features"].clone(), hidden["elsewhere"].as_i64()), (json!([]), Some(0)));
        let officer = site.map_viewer("near", Role::CommunityOfficer, "/c/t/east/").await;
        assert_eq!(site.get("/api/v1/map/boxes", Some(&officer)).await.status, 403, "{}", site.name);
    }
}

/// A caller's case is where he says, once somebody has said where that is; before, it is no point.
#[tokio::test]
async fn calls_get_their_point() {
    for mut site in sites().await {
        county(&site, MAP).await;
        let seat = site.log_in("seat03").await;
        let id = crate::web::tests::site::CALL;
        site.raise(call(id, "03", Transcript::Silent), IncidentKind::Hotline, "东关").await;
        let number = site.number(&seat).await;
        assert!(numbers(&site.map_asked("/api/v1/map/cases", &seat).await).is_empty(), "{}", site.name);
        let kept = gazetteer_point(&site, &seat, &number, 34.5105, 106.9315).await;
        assert_eq!(kept, "/c/t/east/e2/");
        let cases = site.map_asked("/api/v1/map/cases", &seat).await;
        assert_eq!(numbers(&cases), [&number], "{}", site.name);
        assert_eq!(cases["features"][0]["properties"]["area"], "e2");
    }
}

/// Says by the API where a case lies; returns the area in which it then is.
async fn gazetteer_point(site: &Site, who: &Browser, number: &str, latitude: f64, longitude: f64) -> String {
    use axum::body::Body;
    use axum::http::{Request, header};

    let body = json!({ "latitude": latitude, "longitude": longitude, "name": "巷口" });
    let request = Request::post(format!("/api/v1/cases/{number}/place"))
        .header(header::COOKIE, &who.cookie)
        .header("x-csrf-token", &who.csrf)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let answer = site.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["workflow"]["area"].as_str().unwrap().to_owned()
}

/// Parts of the earth, and what is none.
#[test]
fn bounds_are_read() {
    let own = Bounds::parse("106.9,34.5, 107.1,34.6").unwrap();
    assert_eq!(own, Bounds { west: 106.9, south: 34.5, east: 107.1, north: 34.6 });
    assert!(own.has(107.1, 34.5) && !own.has(107.2, 34.55) && !own.has(107.0, 34.7));
    for odd in [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,2,3,4",
        "3,2,1,4",
        "1,4,3,2",
        "NaN,1,2,3",
        "-181,0,0,1",
        "0,-91,0,1",
        "0,0,inf,1",
    ] {
        assert!(Bounds::parse(odd).is_err(), "{odd:?}");
    }
}

/// Only a place with a point on earth is one.
#[test]
fn points_are_read() {
    assert_eq!(point(r#"{"name":"x","latitude":34.5,"longitude":107.0}"#), Some((34.5, 107.0)));
    for odd in [
        r#"{"name":"x"}"#,
        r#"{"name":"x","latitude":34.5}"#,
        r#"{"name":"x","latitude":94.5,"longitude":107.0}"#,
        r#"{"name":"a \"latitude\" of mine"}"#,
        "odd",
        "",
    ] {
        assert_eq!(point(odd), None, "{odd}");
    }
}

/// A case counts for everything above it, and one of nowhere for nothing.
#[test]
fn counts_add_up() {
    let count = |area: &str, opened| AreaCount { area: area.to_owned(), opened };
    let counts =
        [count("/", 7), count("/c/", 1), count("/c/t/e/g/", 2), count("/c/t/e/", 1), count("/c/u/", 4)];
    let all: Vec<(String, i64)> = open_by_id(&counts).into_iter().collect();
    let told: Vec<(&str, i64)> = all.iter().map(|(id, sum)| (id.as_str(), *sum)).collect();
    assert_eq!(told, [("c", 8), ("e", 3), ("g", 2), ("t", 3), ("u", 4)]);
}
