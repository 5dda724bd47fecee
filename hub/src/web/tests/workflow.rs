//! The shared workflow by HTTP: people of four levels and two units, each seeing what is theirs.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::site::{Answer, Browser, START, Site, sites};
use crate::admin::By;
use crate::organisation::{self, AreaPath};
use crate::user::{self, Grant, Role};

const AREAS: &str = "id,name,level,parent\n\
    county,县,county,\n\
    north,北镇,town,county\n\
    dongguan,东关社区,community,north\n\
    g1,东关一网格,grid,dongguan\n\
    south,南镇,town,county\n";

const GRID: &str = "/county/north/dongguan/g1/";

pub(super) async fn people(site: &Site) {
    let (app, tenant) = (&site.app, site.app.tenant().as_str());
    organisation::store::seed_units(&app.db, tenant).await.unwrap();
    assert!(
        organisation::testing::import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap().done
    );
    for (name, role, area, unit) in [
        ("manager", Role::GridManager, GRID, None),
        ("north", Role::TownOfficer, "/county/north/", None),
        ("south", Role::TownOfficer, "/county/south/", None),
        ("dispatch", Role::Dispatcher, "/", None),
        ("leader", Role::ShiftLeader, "/", None),
        ("housing", Role::Handler, "/", Some("housing")),
        ("police", Role::Handler, "/", Some("police")),
        ("education", Role::DepartmentHead, "/", Some("education")),
    ] {
        let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) };
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
    }
}

impl Site {
    pub(super) async fn json(&self, method: &str, path: &str, browser: &Browser, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &browser.cookie)
            .header("x-csrf-token", &browser.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    async fn does(&self, number: &str, browser: &Browser, body: Value) -> Value {
        let answer = self.json("POST", &format!("/api/v1/cases/{number}/moves"), browser, &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        answer.json()
    }

    async fn numbers(&self, browser: &Browser, query: &str) -> Vec<String> {
        let list = self.get(&format!("/api/v1/cases{query}"), Some(browser)).await.json();
        let cases = list["cases"].as_array().unwrap_or_else(|| panic!("{list}"));
        cases.iter().map(|case| case["number"].as_str().unwrap().to_owned()).collect()
    }
}

/// A matter that a grid's manager reports goes all eight steps: passed up, filed, dispatched, handled by two units, looked at
/// on site, closed. At each step those see it whom it concerns, and others do not.
#[tokio::test]
async fn eight_steps_by_http() {
    for site in sites().await {
        people(&site).await;
        let mut who = std::collections::HashMap::new();
        for name in
            ["manager", "north", "south", "dispatch", "leader", "housing", "police", "education", "seat03"]
        {
            who.insert(name, site.sign_in(name).await);
        }
        let report = json!({"title": "井盖破损", "text": "巷口井盖破了", "place": "东关巷口"});
        let made = site.json("POST", "/api/v1/cases", &who["manager"], &report).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let case = made.json();
        let number = case["number"].as_str().unwrap().to_owned();
        assert_eq!(
            (case["workflow"]["area"].as_str(), case["workflow"]["level"].as_str()),
            (Some(GRID), Some("grid"))
        );
        let elsewhere = json!({"title": "x", "text": "x", "place": "x", "area": "south"});
        let refused = site.json("POST", "/api/v1/cases", &who["manager"], &elsewhere).await;
        assert_eq!(refused.status, 403, "{}", refused.text);

        for (name, sees) in
            [("manager", true), ("north", true), ("seat03", true), ("south", false), ("housing", false)]
        {
            assert_eq!(site.numbers(&who[name], "").await.contains(&number), sees, "{name}, {}", site.name);
            let page = site.get(&format!("/cases/{number}"), Some(&who[name])).await;
            assert_eq!(page.status, if sees { 200 } else { 404 }, "{name}");
        }
        site.does(&number, &who["manager"], json!({"move": "pass_up", "to": "county", "reason": "需要住建"}))
            .await;
        assert_eq!(site.numbers(&who["seat03"], "?level=county").await, std::slice::from_ref(&number));
        let early = json!({"move": "dispatch", "lead": "housing", "co": ["police"]});
        let moves = format!("/api/v1/cases/{number}/moves");
        let refused = site.json("POST", &moves, &who["dispatch"], &early).await;
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("begins from: Filed"), "{}", refused.text);
        site.does(&number, &who["seat03"], json!({"move": "file", "category": "street_facility"})).await;
        let case = site.does(&number, &who["dispatch"], early).await;
        assert_eq!(case["workflow"]["tasks"].as_array().unwrap().len(), 2);
        assert_eq!(
            site.numbers(&who["housing"], "").await,
            std::slice::from_ref(&number),
            "now it is theirs"
        );
        assert!(site.numbers(&who["education"], "").await.is_empty());
        assert_eq!(site.numbers(&who["leader"], "?unit=housing").await, std::slice::from_ref(&number));
        assert_eq!(site.numbers(&who["leader"], "?area=dongguan").await, std::slice::from_ref(&number));
        assert!(site.numbers(&who["leader"], "?area=south").await.is_empty());
        let hidden = site.json("POST", &moves, &who["education"], &json!({"move": "accept"})).await;
        assert_eq!(hidden.status, 404, "what is not one's own is not there: {}", hidden.text);

        for name in ["housing", "police"] {
            site.does(&number, &who[name], json!({"move": "accept"})).await;
        }
        site.does(&number, &who["police"], json!({"move": "finish_part", "result": "已围挡"})).await;
        let case =
            site.does(&number, &who["housing"], json!({"move": "report", "result": "已更换井盖"})).await;
        assert_eq!(
            (case["state"].as_str(), case["workflow"]["report"].as_str()),
            (Some("verifying"), Some("已更换井盖"))
        );
        let own = site.json("POST", &moves, &who["housing"], &json!({"move": "close"})).await;
        assert_eq!(own.status, 403, "who handled it cannot close it");
        assert!(own.text.contains("Dispatcher"), "it says who can: {}", own.text);
        let unseen = site.json("POST", &moves, &who["dispatch"], &json!({"move": "close"})).await;
        assert_eq!(unseen.status, 422);
        site.does(&number, &who["manager"], json!({"move": "check", "agrees": true, "note": "已更换"})).await;
        let case = site.does(&number, &who["dispatch"], json!({"move": "close"})).await;
        assert_eq!(
            (case["state"].as_str(), case["workflow"]["ending"].as_str()),
            (Some("closed"), Some("verified"))
        );
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
        let expected = [
            "told",
            "passed_up",
            "filed",
            "dispatched",
            "accepted",
            "accepted",
            "part_done",
            "reported",
            "checked",
            "closed",
        ];
        assert_eq!(json!(actions), json!(expected));
        let page = site.get(&format!("/cases/{number}"), Some(&who["north"])).await.text;
        for word in ["上报", "派遣", "签收", "反馈", "核查", "结案", "已更换井盖"] {
            assert!(page.contains(word), "{word}");
        }
        assert!(!page.contains("passed_up") && !page.contains("part_done"), "no code words on the page");
    }
}

/// A role that is taken away holds no longer at the next request.
#[tokio::test]
async fn a_role_taken_away_is_gone() {
    for mut site in sites().await {
        people(&site).await;
        site.put_box_in("/county/north/").await;
        site.raise_camera("north", "北口").await;
        let north = site.sign_in("north").await;
        assert_eq!(site.numbers(&north, "").await.len(), 1);
        let (app, by) = (&site.app, By::cli(START));
        let grant =
            |area: &str| Grant { role: Role::TownOfficer, area: AreaPath::kept(area.to_owned()), unit: None };
        let last = user::people::revoke(app, &by, "north", &grant("/county/north/")).await;
        assert!(last.unwrap_err().to_string().contains("no other role"));
        user::people::grant(app, &by, "north", &grant("/county/south/")).await.unwrap();
        user::people::revoke(app, &by, "north", &grant("/county/north/")).await.unwrap();
        assert!(site.numbers(&north, "").await.is_empty(), "{}", site.name);
        let handler = Grant { role: Role::Handler, ..grant("/") };
        let refused = user::people::grant(app, &by, "north", &handler).await.unwrap_err();
        assert!(refused.to_string().contains("name it"), "{refused}");
    }
}

/// What a role allows it allows in its own area: an operator of another town, who may look here as its officer, sees the
/// case and neither takes it, nor learns the citizen's number, nor commands the box; its requests and messages are not there
/// for him.
#[tokio::test]
async fn acts_keep_to_their_area() {
    for mut site in sites().await {
        people(&site).await;
        let elsewhere =
            Grant { role: Role::Operator, area: AreaPath::kept("/county/south/".into()), unit: None };
        user::people::grant(&site.app, &By::cli(START), "north", &elsewhere).await.unwrap();
        site.put_box_in("/county/north/").await;
        site.raise_call("03").await;
        let (north, seat) = (site.sign_in("north").await, site.sign_in("seat03").await);
        let number = site.number(&seat).await;
        assert_eq!(site.get(&format!("/cases/{number}"), Some(&north)).await.status, 200);
        let purpose = json!({"purpose": "x"});
        let contact = site.json("POST", &format!("/api/v1/cases/{number}/contact"), &north, &purpose).await;
        assert_eq!(contact.status, 403, "{}", contact.text);
        let draft = json!({"matter": "request", "category": "noise", "urgency": "normal", "place": "x", "summary": "x"});
        let ticket = site.json("PUT", &format!("/api/v1/cases/{number}/ticket"), &north, &draft).await;
        assert_eq!(ticket.status, 403, "{}", ticket.text);
        let still = json!({"command": "still", "camera_id": "north", "purpose": "x", "case_number": number});
        let asked = site.json("POST", "/api/v1/devices/box-1/commands", &north, &still).await;
        assert_eq!(asked.status, 403, "{}", asked.text);
        let devices = site.get("/api/v1/devices", Some(&north)).await.json();
        assert_eq!(devices["devices"], json!([]), "the box stands elsewhere, {}", site.name);
        assert_eq!(site.json("POST", "/api/v1/devices/box-1/commands", &seat, &still).await.status, 202);
        let asked = |list: Value| list["commands"].as_array().unwrap().len();
        assert_eq!(asked(site.get("/api/v1/commands", Some(&seat)).await.json()), 1);
        // The request is about a case that he sees.
        assert_eq!(asked(site.get("/api/v1/commands", Some(&north)).await.json()), 1);
        let south = site.sign_in("south").await;
        assert_eq!(site.get("/api/v1/commands", Some(&south)).await.status, 403);
        let page = site.get("/cases", Some(&south)).await.text;
        assert!(
            !page.contains("href=\"/devices\"") && !page.contains("href=\"/quarantine\""),
            "no link to a closed door"
        );
    }
}

/// A case is not opened again beside another open one of its cause.
#[tokio::test]
async fn not_two_open_of_one_cause() {
    for mut site in sites().await {
        site.raise_camera("north", "北口").await;
        let (seat, hub) = (site.sign_in("seat03").await, crate::workflow::Actor::hub());
        let number = site.number(&seat).await;
        let (app, id) = (site.app.clone(), site.app.new_id());
        let step = crate::workflow::Step::HandleHere { result: "已劝离".into() };
        let tenant = app.tenant().as_str();
        crate::workflow::store::take(&app.db, tenant, &number, &step, &hub, app.step_with(&id))
            .await
            .unwrap();
        site.clock.advance_ms(1_000);
        site.raise_camera("north", "北口").await;
        let other = site.number(&seat).await;
        assert_ne!(number, other);
        let reopen = json!({"move": "reopen", "reason": "又来了"});
        let refused = site.json("POST", &format!("/api/v1/cases/{number}/moves"), &seat, &reopen).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains(&other), "it names the open one: {}", refused.text);
    }
}
