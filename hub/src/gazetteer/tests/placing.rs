//! Calls and reports that find their place, and people who say where it is.

use axum::body::Body;
use axum::http::{Request, header};
use protocol::hotline::{CallReading, ToldPlace};
use protocol::{Event, Incident, IncidentKind, Severity, Subject, Transcript};
use serde_json::{Value, json};

use super::{AREAS, SHEET, map, middle};
use crate::args;
use crate::gazetteer::Mode;
use crate::grid;
use crate::organisation::testing::import_areas;
use crate::organisation::{self, AreaPath};
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, Browser, CALL, START, Site, call, sites};

pub(super) async fn county() -> Vec<Site> {
    let all = sites().await;
    for site in &all {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        organisation::store::seed_units(&app.db, tenant).await.unwrap();
        import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap();
        let (text, by) = (map(), ("hub", "x", START));
        let text = (text.as_bytes(), grid::Datum::Wgs84);
        app.grids.import(&app.db, tenant, text, by, false).await.unwrap();
        let sheet = (SHEET.as_bytes(), Mode::default());
        let taken = app.gazetteers.import(&app.db, tenant, sheet, &app.grids, by).await.unwrap();
        assert_eq!(taken.version, Some(1), "{:?}", taken.bad);
        for (name, role, area) in [
            ("manager", Role::GridManager, "/c/t/east/e1/"),
            ("town", Role::TownOfficer, "/c/t/"),
            ("easterner", Role::CommunityOfficer, "/c/t/east/"),
            ("evaluator", Role::Evaluator, "/"),
        ] {
            let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
            let one = (name, "correct horse battery", &grant);
            user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        }
    }
    all
}

impl Site {
    pub(super) fn call_about(&self, text: &str, grid: Option<&str>) -> Incident {
        let mut subject = call(CALL, "03", Transcript::Silent);
        if let Subject::Call(call) = &mut subject {
            call.reading = Some(CallReading {
                place: Some(ToldPlace { text: text.to_owned(), grid: grid.map(str::to_owned) }),
                ..CallReading::default()
            });
        }
        Incident { severity: Severity::Normal, ..self.incident(subject, IncidentKind::Hotline, "") }
    }

    pub(super) async fn asks(&self, method: &str, path: &str, who: &Browser, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    pub(super) async fn case(&self, number: &str, who: &Browser) -> Value {
        self.get(&format!("/api/v1/cases/{number}"), Some(who)).await.json()
    }

    pub(super) async fn grid_version(&self, number: &str) -> Option<i64> {
        let sql = "select grid_version from cases where number = $1";
        let (version,): (Option<i64>,) = self.app.db.fetch_one(sql, args![number]).await.unwrap();
        version
    }
}

pub(super) fn rows<'a>(case: &'a Value, action: &str) -> Vec<&'a Value> {
    case["history"].as_array().unwrap().iter().filter(|row| row["action"] == action).collect()
}

/// A place that is sure gives the call's case its point, its grid with the map's version, and one row of history that says
/// by which entry; a homophone is as good, what the box says later again changes nothing.
#[tokio::test]
async fn a_told_place_is_found() {
    for mut site in county().await {
        let mut incident = site.call_about("在风名路菜市场门口", None);
        site.hand_in(Event::Incident(incident.clone())).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(case["workflow"]["area"], "/c/t/east/e1/", "{}", site.name);
        assert_eq!(
            case["location"],
            json!({"name": "凤鸣路菜市场", "latitude": 34.5105, "longitude": 106.9315})
        );
        assert_eq!(site.grid_version(&number).await, Some(1));
        let told = &case["place_told"];
        assert_eq!((&told["chosen_by"], &told["chosen"]["name"]), (&json!("hub"), &json!("凤鸣路菜市场")));
        let located = rows(&case, "located");
        assert_eq!(located.len(), 1, "{}", site.name);
        assert_eq!((&located[0]["actor"], &located[0]["detail"]["gazetteer"]), (&json!("hub"), &json!(1)));
        assert_eq!(located[0]["detail"]["how"], "sound_within");
        incident.revision = 2;
        site.hand_in(Event::Incident(incident)).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(rows(&case, "located").len(), 1, "{}: the same words are not looked up again", site.name);
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        assert!(page.contains("确定地点") && page.contains("首尾相连"), "the chain holds");
        // Who manages that grid sees it now.
        let manager = site.sign_in("manager").await;
        assert_eq!(site.get(&format!("/cases/{number}"), Some(&manager)).await.status, 200);
    }
}

/// Of several nothing is taken: they are kept for the operator, who picks; his word stands when the call says more, and
/// what was told before and is not any more is put back.
#[tokio::test]
async fn of_several_the_operator_picks() {
    for mut site in county().await {
        let mut incident = site.call_about("幸福超市", None);
        site.hand_in(Event::Incident(incident.clone())).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(
            (&case["workflow"]["area"], &case["location"]),
            (&json!("/"), &Value::Null),
            "{}",
            site.name
        );
        let candidates = case["place_told"]["candidates"].as_array().unwrap();
        let both: Vec<_> = candidates.iter().filter(|one| one["percent"] == 100).collect();
        assert_eq!(both.len(), 2, "{candidates:?}");
        assert!(rows(&case, "located").is_empty());

        // The box says in which grid: then it is sure.
        let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
        call.reading.as_mut().unwrap().place.as_mut().unwrap().grid = Some("东关社区".into());
        incident.revision = 2;
        site.hand_in(Event::Incident(incident.clone())).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(case["workflow"]["area"], "/c/t/east/e2/", "{}", site.name);
        // Other words that say nothing: it is put back to where it lay.
        let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
        call.reading.as_mut().unwrap().place = Some(ToldPlace { text: "一个仓库".into(), grid: None });
        incident.revision = 3;
        site.hand_in(Event::Incident(incident.clone())).await;
        let case = site.case(&number, &seat).await;
        assert_eq!((&case["workflow"]["area"], &case["location"]), (&json!("/"), &Value::Null));
        assert_eq!((rows(&case, "located").len(), rows(&case, "unlocated").len()), (1, 1), "{}", site.name);
        assert_eq!(site.grid_version(&number).await, None);

        let west = both.iter().find(|one| one["area"] == "/c/t/west/").unwrap();
        let path = format!("/api/v1/cases/{number}/place");
        let picked = site.asks("POST", &path, &seat, &json!({"place": west["id"]})).await;
        assert_eq!(picked.status, 200, "{}", picked.text);
        let case = picked.json();
        assert_eq!(case["workflow"]["area"], "/c/t/west/w1/", "{}", site.name);
        assert_eq!(case["place_told"]["chosen_by"], "user:seat03");
        assert_eq!(case["acknowledged_by"], "seat03", "whoever places it has it in hand");
        let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
        call.reading.as_mut().unwrap().place =
            Some(ToldPlace { text: "凤鸣路菜市场".into(), grid: None });
        incident.revision = 4;
        site.hand_in(Event::Incident(incident)).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(case["workflow"]["area"], "/c/t/west/w1/", "{}: a person's word stands", site.name);
        assert_eq!(rows(&case, "located").len(), 2);
    }
}

/// Who places cases, where, how and how long; every refusal says why and changes nothing.
#[tokio::test]
async fn placing_keeps_to_the_law() {
    for mut site in county().await {
        site.hand_in(Event::Incident(site.call_about("没有这个地方", None))).await;
        let mut who = std::collections::HashMap::new();
        for name in ["seat03", "town", "easterner", "evaluator", "manager"] {
            who.insert(name, site.sign_in(name).await);
        }
        let number = site.number(&who["seat03"]).await;
        let path = format!("/api/v1/cases/{number}/place");
        let ask = async |name: &str, body: Value| site.asks("POST", &path, &who[name], &body).await;
        let (latitude, longitude) = middle(2);
        let point = json!({"latitude": latitude, "longitude": longitude, "name": "井盖"});
        assert_eq!(ask("town", point.clone()).await.status, 404, "it lies nowhere yet: not theirs to see");
        let refused = ask("evaluator", point.clone()).await;
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains("the place of a case is set by: Operator"), "{}", refused.text);
        for wrong in [
            json!({}),
            json!({"place": "nothing"}),
            json!({"area": "nowhere"}),
            json!({"latitude": 99.0, "longitude": 1.0}),
            json!({"latitude": 34.5}),
            json!({"area": "east", "place": "x"}),
            json!({"odd": 1}),
        ] {
            assert_eq!(ask("seat03", wrong.clone()).await.status, 422, "{wrong}");
        }
        let case = site.case(&number, &who["seat03"]).await;
        assert!(rows(&case, "located").is_empty() && case["workflow"]["area"] == "/", "{}", site.name);

        let case = ask("seat03", point).await.json();
        assert_eq!(case["workflow"]["area"], "/c/t/east/e2/", "{}", site.name);
        assert_eq!(case["location"]["name"], "井盖");
        // It is theirs now, but it is with the county: they do not triage it, nor put it where they may do nothing.
        assert_eq!(ask("town", json!({"area": "west"})).await.status, 403);
        assert_eq!(ask("manager", json!({"area": "e1"})).await.status, 404);
        let case = ask("seat03", json!({"area": "hill"})).await.json();
        assert_eq!((&case["workflow"]["area"], &case["location"]), (&json!("/c/t/hill/"), &Value::Null));
        assert_eq!(site.grid_version(&number).await, None, "{}", site.name);
        let clock = &case["workflow"]["clocks"][0];
        assert_eq!(
            (&clock["clock"], &clock["limit"]),
            (&json!("triage"), &json!("2 hours")),
            "a village's limit"
        );

        site.give_to(&number, "housing").await;
        let late = ask("seat03", json!({"area": "west"})).await;
        assert_eq!(late.status, 409, "{}", late.text);
        assert!(late.text.contains("before it is dispatched"), "{}", late.text);
    }
}

/// A report by hand without coordinates is looked up the same way, within where whoever reports works; at the village's
/// place it has the village's time from the first moment on.
#[tokio::test]
async fn reports_find_their_place() {
    for site in county().await {
        let (seat, manager) = (site.log_in("seat03").await, site.sign_in("manager").await);
        let report = |place: &str| json!({"title": "井盖破损", "text": "破了", "place": place});
        let made = site.asks("POST", "/api/v1/cases", &seat, &report("北岭村委会门口")).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let case = made.json();
        assert_eq!(case["workflow"]["area"], "/c/t/hill/h1/", "{}", site.name);
        assert_eq!(case["location"]["name"], "北岭村委会");
        assert_eq!(case["workflow"]["clocks"][0]["limit"], "2 hours");
        let clocks = case["workflow"]["clocks"].as_array().unwrap().len();
        assert_eq!(clocks, 1, "{}: one clock, not two", site.name);
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["told", "located"]);
        // Elsewhere than the grid of whoever reports: offered, not taken.
        let case = site.asks("POST", "/api/v1/cases", &manager, &report("北岭村委会")).await.json();
        assert_eq!((&case["workflow"]["area"], &case["location"]), (&json!("/c/t/east/e1/"), &Value::Null));
        assert_eq!(case["place_told"]["candidates"][0]["name"], "北岭村委会");
        assert_eq!(case["place_told"]["chosen_by"], Value::Null);
        let case = site.asks("POST", "/api/v1/cases", &manager, &report("凤鸣市场")).await.json();
        assert_eq!(case["location"]["name"], "凤鸣路菜市场", "{}: in his own grid it is taken", site.name);
    }
}

/// The search box: ranked, bounded, for everybody who is logged in.
#[tokio::test]
async fn places_are_searched() {
    for site in county().await {
        let seat = site.log_in("seat03").await;
        let ask = async |query: &str| site.get(&format!("/api/v1/places?{query}"), Some(&seat)).await;
        let found = ask("q=%E5%87%A4%E9%B8%A3").await.json();
        let names: Vec<_> =
            found["places"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["凤鸣路", "凤鸣路菜市场"], "{}: the nearer in length first", site.name);
        assert_eq!(found["gazetteer"], 1);
        assert_eq!(ask("q=%E5%87%A4%E9%B8%A3&limit=1").await.json()["places"].as_array().unwrap().len(), 1);
        for wrong in
            ["", "q=", "q=x&limit=0", "q=x&limit=51", "q=x&limit=y", &format!("q={}", "x".repeat(101))]
        {
            assert_eq!(ask(wrong).await.status, 400, "{wrong}");
        }
        assert_eq!(site.get("/api/v1/places?q=x", None).await.status, 401);
    }
}
