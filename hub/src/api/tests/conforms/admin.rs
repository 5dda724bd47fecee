//! Users, areas, units and rosters.

use serde_json::{Value, json};

use super::{Reader, Who};
use crate::web::tests::site::Browser;

pub(super) async fn admin(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    let (seat, admin) = (Who::Browser(seat), Who::Browser(admin));
    users(reader, seat, admin).await;
    places(reader, seat, admin).await;
    turns(reader, seat, admin).await;
    // What was done is on record, by whoever did it.
    let audit = "/api/v1/audit";
    let list = reader.ask("GET", audit, audit, admin, None).await.json();
    let acts: Vec<&str> =
        list["audit"].as_array().unwrap().iter().filter_map(|row| row["act"].as_str()).collect();
    for act in ["user_added", "user_granted", "user_revoked", "user_reach", "user_removed", "unit_changed"] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }
    for act in ["turn_added", "turn_removed"] {
        assert_eq!(acts.iter().filter(|own| **own == act).count(), 1, "{act}");
    }
}

async fn users(reader: &mut Reader<'_>, seat: Who<'_>, admin: Who<'_>) {
    const ALL: &str = "/api/v1/users";
    const ONE: &str = "/api/v1/users/{name}";
    for (who, status) in [(Who::Nobody, 401), (seat, 403), (admin, 200)] {
        assert_eq!(reader.ask("GET", ALL, ALL, who, None).await.status, status);
    }
    let new = |name: &str, role: &str| Some(json!({ "name": name, "role": role }));
    for (who, body, status) in [
        (Who::Nobody, new("bai", "operator"), 401),
        (seat, new("bai", "operator"), 403),
        (admin, None, 415),
        (admin, Some(json!({ "role": "operator" })), 422),
        (admin, new("bai", "king"), 422),
        (admin, new("b ai", "operator"), 422),
        (admin, new("bai", "handler"), 422),
        (admin, Some(json!({ "name": "bai", "role": "operator", "area": "nowhere" })), 422),
        (admin, new("bai", "operator"), 201),
        (admin, new("bai", "operator"), 409),
    ] {
        let answer = reader.ask("POST", ALL, ALL, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
        if status == 201 {
            assert!(answer.json()["password"].as_str().is_some_and(|password| password.len() >= 12));
        }
    }
    let own = "/api/v1/users/bai";
    let change = |what: &str| json!({ "change": what });
    let role = |what: &str, role: &str| json!({ "change": what, "role": role });
    let reach = |phone: &str| json!({ "change": "reach", "phone": phone });
    for (who, address, body, status) in [
        (Who::Nobody, own, Some(change("lock")), 401),
        (seat, own, Some(change("lock")), 403),
        (admin, own, None, 415),
        (admin, own, Some(change("crown")), 422),
        (admin, "/api/v1/users/ghost", Some(change("lock")), 404),
        (admin, own, Some(role("grant", "auditor")), 200),
        (admin, own, Some(role("revoke", "evaluator")), 404),
        (admin, own, Some(role("revoke", "operator")), 200),
        (admin, own, Some(role("revoke", "auditor")), 409),
        (admin, own, Some(reach("abc")), 422),
        (admin, own, Some(reach("13800000000")), 200),
        (admin, own, Some(change("lock")), 200),
        (admin, own, Some(change("unlock")), 200),
        (admin, own, Some(change("end_sessions")), 200),
        (admin, "/api/v1/users/admin", Some(change("lock")), 409),
    ] {
        let answer = reader.ask("POST", ONE, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{address} {body:?}: {}", answer.text);
    }
    let made: Value = reader.ask("POST", ONE, own, admin, Some(change("password"))).await.json();
    assert!(made["password"].is_string(), "{made}");
    let known = reader.ask("GET", ONE, own, admin, None).await.json();
    assert_eq!(known["roles"], json!([{ "role": "auditor", "area": "/", "unit": null }]));
    assert_eq!((known["phone"].as_str(), known["must_change"].as_bool()), (Some("13800000000"), Some(true)));
    for (who, address, status) in [(seat, own, 403), (admin, "/api/v1/users/ghost", 404)] {
        assert_eq!(reader.ask("GET", ONE, address, who, None).await.status, status);
    }
    assert_eq!(reader.ask("POST", ONE, own, admin, Some(change("remove"))).await.status, 200);
    assert_eq!(reader.ask("POST", ONE, own, admin, Some(change("remove"))).await.status, 404);
    let again = reader.ask("POST", ALL, ALL, admin, new("bai", "operator")).await;
    assert_eq!(again.status, 409, "a name is not given again: {}", again.text);
}

async fn places(reader: &mut Reader<'_>, seat: Who<'_>, admin: Who<'_>) {
    const AREA: &str = "/api/v1/areas/{id}";
    const UNIT: &str = "/api/v1/units/{id}";
    let app = &reader.site.app;
    let sheet = "id,name,level,parent\ncounty,县,county,\n".as_bytes();
    crate::organisation::testing::import_areas(&app.db, app.tenant().as_str(), sheet, false).await.unwrap();
    let words = |name: &str| Some(json!({ "name": name, "name_en": "Fengxiang" }));
    for (who, address, body, status) in [
        (Who::Nobody, "/api/v1/areas/county", words("凤翔"), 401),
        (seat, "/api/v1/areas/county", words("凤翔"), 403),
        (admin, "/api/v1/areas/county", None, 415),
        (admin, "/api/v1/areas/county", words(""), 422),
        (admin, "/api/v1/areas/ghost", words("凤翔"), 404),
        (admin, "/api/v1/areas/county", words("凤翔"), 204),
    ] {
        let answer = reader.ask("PUT", AREA, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{address} {body:?}: {}", answer.text);
    }
    let unit = |area: &str| Some(json!({ "name": "文旅", "area": area, "active": true }));
    for (who, address, body, status) in [
        (Who::Nobody, "/api/v1/units/slot20", unit(""), 401),
        (seat, "/api/v1/units/slot20", unit(""), 403),
        (admin, "/api/v1/units/slot20", None, 415),
        (admin, "/api/v1/units/slot20", unit("nowhere"), 422),
        (admin, "/api/v1/units/ghost", unit(""), 404),
        (admin, "/api/v1/units/slot20", unit("county"), 204),
    ] {
        let answer = reader.ask("PUT", UNIT, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{address} {body:?}: {}", answer.text);
    }
    let units = reader.ask("GET", "/api/v1/units", "/api/v1/units", admin, None).await.json();
    let known = units["units"].as_array().unwrap().iter().find(|unit| unit["unit"] == "slot20").unwrap();
    assert_eq!((known["name_zh"].as_str(), known["area"].as_str()), (Some("文旅"), Some("/county/")));
}

async fn turns(reader: &mut Reader<'_>, seat: Who<'_>, admin: Who<'_>) {
    const ALL: &str = "/api/v1/turns";
    const ONE: &str = "/api/v1/turns/{id}";
    let from = protocol::Clock::now(&*reader.site.app.clock).0;
    let turn = |user: &str, post: &str, hours: i64| {
        let to = from + hours * 3_600_000;
        Some(json!({ "user": user, "post": post, "area": "", "from_ms": from, "to_ms": to }))
    };
    for (who, body, status) in [
        (Who::Nobody, turn("seat03", "duty", 8), 401),
        (seat, turn("seat03", "duty", 8), 403),
        (admin, None, 415),
        (admin, turn("seat03", "cook", 8), 422),
        (admin, turn("ghost", "duty", 8), 422),
        (admin, turn("seat03", "duty", 0), 422),
        (admin, turn("seat03", "duty", 8), 204),
        (admin, turn("seat03", "duty", 8), 409),
    ] {
        let answer = reader.ask("POST", ALL, ALL, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    let list = reader.ask("GET", ALL, ALL, admin, None).await.json();
    assert_eq!(list["turns"].as_array().map(Vec::len), Some(1), "{list}");
    let id = list["turns"][0]["id"].as_str().unwrap().to_owned();
    for (address, who, status) in [
        ("/api/v1/turns?from=odd", admin, 400),
        ("/api/v1/turns?from=5&to=5", admin, 400),
        (ALL, seat, 403),
        (ALL, Who::Nobody, 401),
    ] {
        assert_eq!(reader.ask("GET", ALL, address, who, None).await.status, status, "{address}");
    }
    let own = format!("{ALL}/{id}");
    for (who, status) in [(Who::Nobody, 401), (seat, 403), (admin, 204), (admin, 404)] {
        assert_eq!(reader.ask("DELETE", ONE, &own, who, None).await.status, status);
    }
}
