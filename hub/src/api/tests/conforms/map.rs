//! What maps show: grids, cases, boxes, and whose ground a point is.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::{Reader, Who};
use crate::map::tests::{AREAS, MAP, put_in_force};
use crate::organisation::testing::import_areas;
use crate::web::tests::site::Browser;

pub(super) async fn map(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    let who = Who::Browser(seat);
    let (grids, at) = ("/api/v1/map/grids", "/api/v1/map/at");
    // Before there is a map.
    let none = reader.ask("GET", grids, grids, who, None).await.json();
    assert_eq!((none["version"].as_i64(), none["why"].is_string()), (Some(0), true));
    let none = reader.ask("GET", at, &format!("{at}?lat=34.51&lon=106.93"), who, None).await.json();
    assert!(none["grid"].is_null() && none["why"].is_string(), "{none}");
    let app = &reader.site.app;
    import_areas(&app.db, app.tenant().as_str(), AREAS.as_bytes(), false).await.unwrap();
    put_in_force(reader.site, MAP).await;
    reader.site.put_box_in("/c/t/east/e1/").await;

    let whole = reader.ask("GET", grids, grids, who, None).await;
    assert_eq!(whole.json()["features"].as_array().map(Vec::len), Some(3), "{}", whole.text);
    let request = Request::get(grids)
        .header(header::COOKIE, &seat.cookie)
        .header(header::IF_NONE_MATCH, whole.header("etag"))
        .body(Body::empty())
        .unwrap();
    let same = reader.site.send(request).await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    reader.compare("GET", grids, &same);
    let path = "/api/v1/map/cases";
    for (address, status) in [
        (path.to_owned(), 200),
        (format!("{path}?severity=emergency&limit=5&bbox=106.0,34.0,108.0,35.0"), 200),
        (format!("{path}?severity=odd"), 400),
        (format!("{path}?limit=0"), 400),
        (format!("{path}?limit=2001"), 400),
        (format!("{path}?bbox=108.0,34.0,106.0,35.0"), 400),
        (format!("{path}?bbox=1,2,3"), 400),
    ] {
        let answer = reader.ask("GET", path, &address, who, None).await;
        assert_eq!(answer.status, status, "{address}: {}", answer.text);
    }
    let report = json!({"title": "井盖破损", "text": "井盖破了", "place": "东关", "latitude": 34.5105, "longitude": 106.9305});
    reader.ask("POST", "/api/v1/cases", "/api/v1/cases", who, Some(report)).await;
    let cases = reader.ask("GET", path, path, who, None).await.json();
    assert!(cases["features"].as_array().is_some_and(|all| !all.is_empty()), "{cases}");
    let path = "/api/v1/map/boxes";
    let boxes = reader.ask("GET", path, path, Who::Browser(admin), None).await.json();
    assert_eq!(boxes["features"][0]["properties"]["area"], "e1", "{boxes}");
    for (query, status) in
        [("lat=34.5105&lon=106.9305", 200), ("lat=0&lon=0", 200), ("lat=91&lon=0", 400), ("lat=1", 400)]
    {
        let answer = reader.ask("GET", at, &format!("{at}?{query}"), who, None).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
    for path in [grids, "/api/v1/map/cases", "/api/v1/map/boxes", at] {
        assert_eq!(reader.ask("GET", path, path, Who::Nobody, None).await.status, 401, "{path}");
    }
}
