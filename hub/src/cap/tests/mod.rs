//! Alerts: the message held against the schema of CAP 1.2 as its text gives it, and what is released by whom.

mod schema;

use axum::body::Body;
use axum::http::{Request, header};
use protocol::Event;
use serde_json::{Value, json};

use crate::args;
use crate::organisation;
use crate::reconcile;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, Browser, HOSTILE, START, Site, sites};
use crate::workflow::{self, Actor, Step, VoidReason};
use schema::{Element, check};

async fn ask(site: &Site, method: &str, path: &str, browser: &Browser, body: Option<Value>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, &browser.cookie)
        .header("x-csrf-token", &browser.csrf)
        .header(header::CONTENT_TYPE, "application/json");
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    site.send(request.body(body).unwrap()).await
}

async fn take(site: &Site, number: &str, step: Step) {
    let (app, id) = (&site.app, site.app.new_id());
    let with = app.step_with(&id);
    workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
        .await
        .unwrap_or_else(|error| panic!("{step:?}: {error}"));
}

/// A camera's emergency; returns its number.
async fn emergency(
    site: &mut Site,
    seat: &Browser,
    camera: &str,
    name: &str,
    at: Option<(f64, f64)>,
) -> String {
    let mut incident = site.camera_incident(camera, name);
    incident.place = Some(protocol::Place {
        name: name.to_owned(),
        latitude: at.map(|at| at.0),
        longitude: at.map(|at| at.1),
    });
    site.hand_in(Event::Incident(incident)).await;
    let list = site.get("/api/v1/cases", Some(seat)).await.json();
    list["cases"][0]["number"].as_str().unwrap().to_owned()
}

/// The newest message of a case, read and held against the schema.
async fn message(site: &Site, number: &str, browser: &Browser) -> Element {
    let answer = site.get(&format!("/api/v1/cases/{number}/cap"), Some(browser)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "application/cap+xml"),
        "{}",
        answer.text
    );
    check(&answer.text)
}

/// An alert is what a commander released: a draft before, then a message, an update that refers to it, a cancellation that
/// refers to both; each keeps its own text, and each is a row of the history.
#[tokio::test]
async fn alerts_are_released_replaced_and_taken_back() {
    for mut site in sites().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let number = emergency(&mut site, &seat, "north", "北口", Some((34.51, 107.41))).await;
        let draft = message(&site, &number, &seat).await;
        assert_eq!((draft.text("status"), draft.text("msgType")), ("Draft", "Alert"));
        let path = format!("/api/v1/cases/{number}/cap");
        assert_eq!(
            ask(&site, "POST", &path, &seat, Some(json!({}))).await.status,
            403,
            "an operator releases none"
        );
        let words = json!({"text": "东侧围墙有人翻入", "text_en": "Somebody climbed over the east wall", "instruction": "请派出所到场"});
        let first = ask(&site, "POST", &path, &chief, Some(words)).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let first = first.json();
        assert_eq!(
            (first["revision"].as_i64(), first["msg_type"].as_str(), first["status"].as_str()),
            (Some(1), Some("Alert"), Some("Actual"))
        );
        let alert = message(&site, &number, &seat).await;
        assert_eq!(alert.text("identifier"), first["identifier"].as_str().unwrap());
        assert_eq!((alert.text("sent"), alert.text("scope")), ("2026-03-18T14:31:20+08:00", "Restricted"));
        assert!(alert.find("references").is_none());
        let infos = alert.all("info");
        assert_eq!(infos.iter().map(|info| info.text("language")).collect::<Vec<_>>(), ["zh-CN", "en-US"]);
        assert_eq!(infos[0].text("description"), "东侧围墙有人翻入");
        assert_eq!((infos[0].text("event"), infos[1].text("event")), ("区域入侵", "Intrusion"));
        assert_eq!(
            (infos[0].text("category"), infos[0].text("severity"), infos[0].text("urgency")),
            ("Security", "Severe", "Immediate")
        );
        assert_eq!(infos[0].text("instruction"), "请派出所到场");
        assert!(infos[1].find("instruction").is_none(), "nobody wrote one in English");
        assert_eq!(infos[0].all("area")[0].text("circle"), "34.510000,107.410000 0.2");

        site.clock.advance_ms(60_000);
        take(&site, &number, Step::File { category: "intrusion".into(), note: String::new() }).await;
        assert_eq!(ask(&site, "POST", &path, &chief, Some(json!({}))).await.json()["msg_type"], "Update");
        let update = message(&site, &number, &seat).await;
        let reference =
            |of: &Element| format!("{},{},{}", of.text("sender"), of.text("identifier"), of.text("sent"));
        assert_eq!(update.text("references"), reference(&alert));
        assert_eq!(
            (update.all("info")[0].text("certainty"), alert.all("info")[0].text("certainty")),
            ("Observed", "Possible")
        );
        site.clock.advance_ms(60_000);
        assert_eq!(ask(&site, "DELETE", &path, &chief, None).await.json()["msg_type"], "Cancel");
        let cancel = message(&site, &number, &seat).await;
        assert_eq!(cancel.text("references"), format!("{} {}", reference(&alert), reference(&update)));
        assert_eq!(cancel.all("info")[0].text("urgency"), "Past");
        assert_eq!(
            ask(&site, "DELETE", &path, &chief, None).await.status,
            404,
            "there is nothing to take back"
        );
        let old = site.get(&format!("{path}?revision=1"), Some(&seat)).await;
        assert_eq!(check(&old.text).text("identifier"), alert.text("identifier"), "each stays what it was");
        // Released anew it is an alert of its own.
        assert_eq!(ask(&site, "POST", &path, &chief, Some(json!({}))).await.json()["msg_type"], "Alert");
        assert!(message(&site, &number, &seat).await.find("references").is_none());
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        let actions: Vec<&str> =
            case["history"].as_array().unwrap().iter().filter_map(|row| row["action"].as_str()).collect();
        let released = actions.iter().filter(|action| **action == "alert_released").count();
        assert_eq!((released, actions.iter().filter(|action| **action == "alert_cancelled").count()), (3, 1));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await;
        assert!(page.text.contains("发布预警") && page.text.contains("解除预警"), "{}", site.name);
    }
}

/// An update names what it takes the place of letter by letter as that named itself, though the hub tells another time now; by
/// Greenwich the offset is `-00:00`.
#[tokio::test]
async fn references_stay_as_they_were_sent() {
    for mut site in sites().await {
        let (seat, _) = (site.log_in("seat03").await, site.log_in("chief").await);
        let number = emergency(&mut site, &seat, "north", "北口", Some((34.51, 107.41))).await;
        let mut references = Vec::new();
        for (zone, sent) in [
            (jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(8)), "2026-03-18T14:31:20+08:00"),
            (jiff::tz::TimeZone::UTC, "2026-03-18T06:32:20-00:00"),
            (jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(-5)), "2026-03-18T01:33:20-05:00"),
        ] {
            let app = crate::app::App { zone, ..site.app.clone() };
            crate::cap::release(&app, &number, "chief", &crate::cap::Words::default()).await.unwrap();
            let told = message(&site, &number, &seat).await;
            assert_eq!(told.text("sent"), sent, "{}", site.name);
            let named = told.find("references").map(|_| told.text("references").to_owned());
            assert_eq!(named, (!references.is_empty()).then(|| references.join(" ")), "{}", site.name);
            references.push(format!("{},{},{sent}", told.text("sender"), told.text("identifier")));
            site.clock.advance_ms(60_000);
        }
    }
}

/// The end of a case takes its alert back by itself, once; the feed has what holds, of cases that one may see.
#[tokio::test]
async fn the_feed_has_what_holds() {
    for mut site in sites().await {
        let (db, tenant) = (site.app.db.clone(), site.app.tenant().as_str().to_owned());
        let grant = Grant {
            role: Role::Commander,
            area: organisation::AreaPath::kept("/elsewhere/".to_owned()),
            unit: None,
        };
        let far = ("far", "correct horse battery", &grant);
        user::testing::add_with(&db, &tenant, &site.app.chance, START, far).await.unwrap();
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let far = site.sign_in("far").await;
        let number = emergency(&mut site, &seat, "north", "北口", None).await;
        let path = format!("/api/v1/cases/{number}/cap");
        assert_eq!(
            ask(&site, "POST", &path, &far, Some(json!({}))).await.status,
            404,
            "not there for others"
        );
        assert!(!site.get("/api/v1/cap", Some(&seat)).await.text.contains("<entry>"), "nothing was released");
        ask(&site, "POST", &path, &chief, Some(json!({}))).await;
        let feed = site.get("/api/v1/cap", Some(&seat)).await;
        assert_eq!(feed.header("content-type"), "application/atom+xml");
        let read = Element::read(&feed.text);
        assert_eq!(read.name, "feed");
        let entry = read.all("entry")[0];
        for needed in ["id", "title", "updated", "link"] {
            assert!(
                entry.find(needed).is_some() && (needed == "link" || !entry.text(needed).is_empty()),
                "{needed}"
            );
        }
        let href = entry.find("link").unwrap().attribute("href").split_once("/api/").unwrap().1.to_owned();
        let led = site.get(&format!("/api/{href}"), Some(&seat)).await;
        assert_eq!(check(&led.text).text("msgType"), "Alert", "the entry leads to its message");
        assert!(!site.get("/api/v1/cap", Some(&far)).await.text.contains("<entry>"), "{}", site.name);
        reconcile::pass(&site.app).await;
        assert_eq!(
            message(&site, &number, &seat).await.text("msgType"),
            "Alert",
            "it holds while the case is open"
        );
        take(&site, &number, Step::Void { reason: VoidReason::Duplicate, note: "x".into() }).await;
        reconcile::pass(&site.app).await;
        reconcile::pass(&site.app).await;
        assert_eq!(message(&site, &number, &seat).await.text("msgType"), "Cancel");
        let (count,): (i64,) = db.fetch_one("select count(*) from cap_alerts", args![]).await.unwrap();
        assert_eq!(count, 2, "taken back once, {}", site.name);
        assert!(
            site.get("/api/v1/cap", Some(&seat)).await.text.contains("解除"),
            "whoever read it learns that it is over"
        );
        site.clock.advance_ms(25 * 3_600_000);
        let seat = site.log_in("seat03").await;
        assert!(!site.get("/api/v1/cap", Some(&seat)).await.text.contains("<entry>"));
        let over = ask(&site, "POST", &path, &chief_again(&site).await, Some(json!({}))).await;
        assert_eq!(over.status, 409, "{}", over.text);
    }
}

async fn chief_again(site: &Site) -> Browser {
    site.log_in("chief").await
}

/// What is confidential, not severe or only about the equipment has none; a drill says that it is one and stays out of the
/// feed; what others wrote stays text.
#[tokio::test]
async fn what_has_no_alert() {
    for mut site in sites().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let number = emergency(&mut site, &seat, "north", HOSTILE, None).await;
        let path = format!("/api/v1/cases/{number}/cap");
        let hostile = json!({"text": HOSTILE, "instruction": format!("{HOSTILE}\u{1}]]>")});
        assert_eq!(ask(&site, "POST", &path, &chief, Some(hostile)).await.status, 200);
        let alert = message(&site, &number, &seat).await;
        assert_eq!(alert.all("info")[0].text("description"), HOSTILE);
        assert_eq!(alert.all("info")[0].text("instruction"), format!("{HOSTILE}]]>"));

        let mut drill = site.camera_incident("south", "南口");
        drill.drill = true;
        site.hand_in(Event::Incident(drill)).await;
        let list = site.get("/api/v1/cases", Some(&seat)).await.json();
        let drill = list["cases"][0]["number"].as_str().unwrap().to_owned();
        assert_ne!(drill, number);
        let released =
            ask(&site, "POST", &format!("/api/v1/cases/{drill}/cap"), &chief, Some(json!({}))).await.json();
        assert_eq!(released["status"], "Exercise", "{released}");
        assert!(message(&site, &drill, &seat).await.text("note").contains("演练"));
        assert!(!site.get("/api/v1/cap", Some(&seat)).await.text.contains(&drill), "{}", site.name);

        let report =
            json!({"title": "井盖", "text": "x", "place": "x", "severity": "major", "confidential": true});
        let hidden = ask(&site, "POST", "/api/v1/cases", &seat, Some(report)).await.json();
        let plain = json!({"title": "井盖", "text": "x", "place": "x"});
        let plain = ask(&site, "POST", "/api/v1/cases", &seat, Some(plain)).await.json();
        for (case, says) in [(&hidden, "confidential"), (&plain, "neither an emergency nor major")] {
            let path = format!("/api/v1/cases/{}/cap", case["number"].as_str().unwrap());
            for answer in [
                ask(&site, "POST", &path, &chief, Some(json!({}))).await,
                site.get(&path, Some(&chief)).await,
            ] {
                assert_eq!(answer.status, 409, "{}", answer.text);
                assert!(answer.text.contains(says), "{}", answer.text);
            }
        }
        // One that becomes confidential afterwards is taken back, and not told again.
        site.app
            .db
            .execute("update cases set confidential = 1 where number = $1", args![&number])
            .await
            .unwrap();
        assert_eq!(site.get(&path, Some(&seat)).await.status, 409);
        reconcile::pass(&site.app).await;
        let over = message(&site, &number, &seat).await;
        assert_eq!(over.text("msgType"), "Cancel");
        assert!(!site.get("/api/v1/cap", Some(&seat)).await.text.contains("<script"), "{}", site.name);
    }
}

/// Where no point is known the alert holds in the grid of the case, whose outline it has.
#[tokio::test]
async fn the_grid_is_drawn() {
    for mut site in sites().await {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let areas = "id,name,name_en,level,parent\ncounty,县,County,county,\nnorth,北镇,North,town,county\n\
            dongguan,东关社区,Dongguan,community,north\n";
        assert!(
            organisation::testing::import_areas(&app.db, tenant, areas.as_bytes(), false).await.unwrap().done
        );
        let map = r#"{"type": "FeatureCollection", "features": [{"type": "Feature",
            "properties": {"id": "g1", "name": "一网格", "name_en": "Grid 1", "parent": "dongguan"},
            "geometry": {"type": "Polygon", "coordinates": [[[107.40, 34.50], [107.42, 34.50], [107.42, 34.52], [107.40, 34.52], [107.40, 34.50]]]}}]}"#;
        let by = ("user:admin", "x", app.clock.now());
        app.grids
            .import(&app.db, tenant, (map.as_bytes(), crate::grid::Datum::Wgs84), by, false)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        site.put_box_in("/county/north/dongguan/g1/").await;
        let seat = site.log_in("seat03").await;
        let number = emergency(&mut site, &seat, "north", "北口", None).await;
        let draft = message(&site, &number, &seat).await;
        let area = draft.all("info")[0].all("area")[0].clone();
        assert_eq!(area.text("areaDesc"), "县北镇东关社区一网格");
        assert_eq!(draft.all("info")[1].all("area")[0].text("areaDesc"), "Grid 1, Dongguan, North, County");
        assert!(area.find("circle").is_none());
        let corners: Vec<&str> = area.text("polygon").split(' ').collect();
        assert_eq!((corners.len(), corners.first()), (5, corners.last()), "{corners:?}");
        assert!(corners.contains(&"34.500000,107.400000"), "latitude first: {corners:?}");
        assert_eq!(area.find("geocode").unwrap().text("value"), "/county/north/dongguan/g1/");
    }
}
