//! Tickets in, eight steps, results out, on both databases; and everything that networks do to it.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::add_key;
use crate::args;
use crate::organisation::testing::import_areas;
use crate::organisation::{self, AreaPath};
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, Browser, START, Site, sites};

const AREAS: &str = "id,name,level,parent\nc,县,county,\nt,镇,town,c\n";
const HOUR_MS: i64 = 3_600_000;

/// A site with a platform and people, and the platform's key.
async fn county() -> Vec<(Site, String)> {
    let mut all = Vec::new();
    for site in sites().await {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        organisation::store::seed_units(&app.db, tenant).await.unwrap();
        import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap();
        for (name, role, area, unit) in [
            ("town", Role::TownOfficer, "/c/t/", None),
            ("dispatch", Role::Dispatcher, "/", None),
            ("leader", Role::ShiftLeader, "/", None),
            ("housing", Role::Handler, "/", Some("housing")),
        ] {
            let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) };
            let one = (name, "correct horse battery", &grant);
            user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        }
        let key = add_key(app, "city").await.unwrap().unwrap();
        all.push((site, key));
    }
    all
}

impl Site {
    async fn platform(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/platform/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    async fn ticket(&self, key: &str, id: &str, body: Value) -> Answer {
        self.platform(key, "PUT", &format!("tickets/{id}"), Some(&body)).await
    }

    async fn progress_after(&self, key: &str, after: i64) -> Vec<Value> {
        let answer = self.platform(key, "GET", &format!("progress?after={after}&limit=500"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["progress"].as_array().unwrap().clone()
    }

    async fn steps(&self, number: &str, who: &Browser, body: Value) -> Value {
        let request = Request::post(format!("/api/v1/cases/{number}/moves"))
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.send(request).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        answer.json()
    }

    async fn detail(&self, number: &str, who: &Browser) -> Value {
        self.get(&format!("/api/v1/cases/{number}"), Some(who)).await.json()
    }
}

fn ticket(revision: i64) -> Value {
    json!({"revision": revision, "title": "路灯不亮", "text": "三盏不亮", "place": "镇上", "area": "t",
           "category": "street_facility"})
}

fn events(progress: &[Value]) -> Vec<&str> {
    progress.iter().map(|one| one["event"].as_str().unwrap()).collect()
}

/// A ticket goes the eight steps like any matter; the platform is told each, in positions without holes, with its own id, and
/// the result; what it confirms it need not ask for again, what it lost it can.
#[tokio::test]
async fn a_ticket_goes_eight_steps() {
    for (site, key) in county().await {
        let mut given = ticket(1);
        given["contact"] = json!({"name": "王建国", "phone": "13812346027"});
        let made = site.ticket(&key, "GD-2026/001", given.clone()).await;
        // The slash is the platform's own: it is sent encoded.
        assert_eq!(made.status, 404, "{}", made.text);
        let made = site.ticket(&key, "GD-2026%2F001", given.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let taken = made.json();
        let number = taken["case"].as_str().unwrap().to_owned();
        assert_eq!(
            (&taken["ticket"], &taken["revision"], &taken["applied"], &taken["category"]),
            (&json!("GD-2026/001"), &json!(1), &json!(true), &json!("street_facility"))
        );
        let (seat, town, dispatch, housing) = (
            site.log_in("seat03").await,
            site.sign_in("town").await,
            site.sign_in("dispatch").await,
            site.sign_in("housing").await,
        );
        let case = site.detail(&number, &seat).await;
        assert_eq!(
            (&case["workflow"]["source"], &case["workflow"]["level"], &case["workflow"]["area"]),
            (&json!("platform"), &json!("county"), &json!("/c/t/")),
            "{}",
            site.name
        );
        assert!(!case.to_string().contains("王建国") && !case.to_string().contains("13812346027"));
        let offered = site.get(&format!("/api/v1/cases/{number}/moves"), Some(&seat)).await.json();
        assert_eq!(offered["category"]["id"], "street_facility");
        assert_eq!(offered["category"]["why"], "上级平台的分类");

        site.steps(&number, &seat, json!({"move": "file", "category": "street_facility"})).await;
        site.steps(&number, &dispatch, json!({"move": "dispatch", "lead": "housing"})).await;
        site.steps(&number, &housing, json!({"move": "accept"})).await;
        site.steps(&number, &housing, json!({"move": "progress", "text": "已到现场"})).await;
        site.steps(&number, &housing, json!({"move": "report", "result": "已换灯泡"})).await;
        site.steps(&number, &town, json!({"move": "check", "agrees": true, "note": "亮了"})).await;
        site.steps(&number, &dispatch, json!({"move": "close", "note": "办结"})).await;
        let told = site.progress_after(&key, 0).await;
        let wanted =
            ["received", "filed", "dispatched", "accepted", "progress", "reported", "checked", "closed"];
        assert_eq!(events(&told), wanted, "{}", site.name);
        for (at, one) in told.iter().enumerate() {
            assert_eq!((&one["position"], &one["ticket"]), (&json!(at + 1), &json!("GD-2026/001")));
            assert_eq!(one["case"], json!(number));
            for secret in ["王建国", "13812346027", "seat03", "housing-", "user:"] {
                assert!(!one.to_string().contains(secret), "{secret}: {one}");
            }
        }
        assert_eq!(told[5]["data"], json!({"unit": "housing", "text": "已换灯泡"}));
        assert!(told[2]["data"]["due_at"].is_i64(), "{}", told[2]);

        assert_eq!(site.progress_after(&key, 0).await, told, "{}: asked again, the same words", site.name);
        assert_eq!(site.progress_after(&key, 6).await, told[6..]);
        let ack = async |position: i64| {
            site.platform(&key, "POST", "progress/ack", Some(&json!({"position": position}))).await
        };
        assert_eq!(ack(8).await.json()["acked"], 8);
        assert_eq!(ack(3).await.json()["acked"], 8, "a late word changes nothing");
        assert_eq!(ack(9).await.status, 400);
        let rest = site.platform(&key, "GET", "progress", None).await.json();
        assert_eq!((&rest["progress"], &rest["newest"], &rest["acked"]), (&json!([]), &json!(8), &json!(8)));
        // Called back and opened again: it is told on.
        site.steps(&number, &seat, json!({"move": "reopen", "reason": "又灭了"})).await;
        let rest = site.platform(&key, "GET", "progress", None).await.json();
        assert_eq!(events(rest["progress"].as_array().unwrap()), ["reopened"]);
    }
}

/// The same revision again, in another order of fields, changes nothing; a late one neither; other content under the same
/// number is a conflict; a later one amends what is shown, and the history has each once.
#[tokio::test]
async fn revisions_come_as_they_like() {
    for (site, key) in county().await {
        let seat = site.log_in("seat03").await;
        for _ in 0..3 {
            let answer = site.ticket(&key, "T1", ticket(1)).await;
            assert!([200, 201].contains(&answer.status.as_u16()));
        }
        let mut third = ticket(3);
        third["title"] = json!("五盏路灯不亮");
        third["severity"] = json!("major");
        third["note"] = json!("市民又来电");
        let amended = site.ticket(&key, "T1", third.clone()).await;
        assert_eq!((amended.status.as_u16(), &amended.json()["applied"]), (200, &json!(true)));
        let late = site.ticket(&key, "T1", ticket(2)).await.json();
        assert_eq!((&late["applied"], &late["revision"]), (&json!(false), &json!(3)), "{}", site.name);
        let again = site.ticket(&key, "T1", third.clone()).await.json();
        assert_eq!(again["applied"], false);
        third["text"] = json!("另有一盏");
        let refused = site.ticket(&key, "T1", third).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        let number = amended.json()["case"].as_str().unwrap().to_owned();
        let case = site.detail(&number, &seat).await;
        assert_eq!((&case["title"], &case["severity"]), (&json!("五盏路灯不亮"), &json!("major")));
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["told", "amended", "raised"], "{}", site.name);
        let (cases,): (i64,) = site.app.db.fetch_one("select count(*) from cases", args![]).await.unwrap();
        assert_eq!(cases, 1, "{}: one ticket, one case", site.name);
        assert_eq!(events(&site.progress_after(&key, 0).await), ["received", "amended"]);
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        assert!(page.contains("上级平台补充") && page.contains("首尾相连"), "{}", site.name);
    }
}

/// Of two deadlines the earlier counts, for every clock; a later one that the platform grants gives the county's own back.
#[tokio::test]
async fn the_earlier_deadline_counts() {
    for (site, key) in county().await {
        let (seat, dispatch) = (site.log_in("seat03").await, site.sign_in("dispatch").await);
        let deadline = START.0 + 5 * HOUR_MS;
        let mut given = ticket(1);
        given["deadline_at"] = json!(deadline);
        let number = site.ticket(&key, "T1", given.clone()).await.json()["case"].as_str().unwrap().to_owned();
        site.steps(&number, &seat, json!({"move": "file", "category": "street_facility"})).await;
        let case = site.steps(&number, &dispatch, json!({"move": "dispatch", "lead": "housing"})).await;
        let due = |case: &Value| {
            let mut clocks = case["workflow"]["clocks"].as_array().unwrap().iter();
            let handle = clocks.rfind(|clock| clock["clock"] == "handle").unwrap();
            handle["due_at"].as_i64().unwrap()
        };
        assert_eq!(due(&case), deadline, "{}", site.name);
        given["revision"] = json!(2);
        given["deadline_at"] = json!(START.0 + 90 * 24 * HOUR_MS);
        site.ticket(&key, "T1", given.clone()).await;
        let own = due(&site.detail(&number, &seat).await);
        assert!(own > deadline && own < START.0 + 90 * 24 * HOUR_MS, "{}: seven working days", site.name);
        given["revision"] = json!(3);
        given["deadline_at"] = Value::Null;
        site.ticket(&key, "T1", given).await;
        assert_eq!(due(&site.detail(&number, &seat).await), own);
        let case = site.detail(&number, &seat).await;
        let rows = case["history"].as_array().unwrap().iter().filter(|row| row["action"] == "deadline_asked");
        assert_eq!(rows.count(), 3, "{}: each change is a row", site.name);
    }
}

/// A category that nobody knows is kept and taken for 其他, with a note; one that is known by its code or name is that one;
/// what cannot be taken says why, and nothing of it stays.
#[tokio::test]
async fn nothing_is_lost_for_a_word() {
    for (site, key) in county().await {
        let seat = site.log_in("seat03").await;
        let mut odd = ticket(1);
        odd["category"] = json!("市政-0301");
        let taken = site.ticket(&key, "T1", odd).await.json();
        assert_eq!(taken["category"], "other", "{}", site.name);
        assert!(taken["note"].as_str().unwrap().contains("市政-0301"), "{taken}");
        let case = site.detail(taken["case"].as_str().unwrap(), &seat).await;
        assert_eq!(case["history"][0]["detail"]["category_told"], "市政-0301");
        assert!(case["history"][0]["detail"]["note"].as_str().unwrap().contains("其他"));
        let mut named = ticket(1);
        named["category"] = json!("噪声扰民");
        assert_eq!(site.ticket(&key, "T2", named).await.json()["category"], "noise");

        let with = |name: &str, value: Value| {
            let mut body = ticket(1);
            body[name] = value;
            body
        };
        for (body, part) in [
            (with("title", json!("")), "title"),
            (with("revision", json!(0)), "revision"),
            (with("area", json!("nowhere")), "nowhere"),
            (with("latitude", json!(34.5)), "both or neither"),
            (with("category", json!("x".repeat(61))), "category"),
            (with("contact", json!({"phone": "none"})), "phone"),
            (with("odd", json!(1)), "odd"),
            (json!({"revision": 1}), "title"),
        ] {
            let refused = site.ticket(&key, "T3", body.clone()).await;
            assert_eq!(refused.status, 422, "{body}");
            assert!(refused.text.contains(part), "{part}: {}", refused.text);
        }
        let (tickets,): (i64,) =
            site.app.db.fetch_one("select count(*) from platform_tickets", args![]).await.unwrap();
        assert_eq!(tickets, 2, "{}", site.name);
    }
}

/// What the platform takes back before anybody was sent is void; what is being handled goes on. What is not the county's
/// returns with the reason. What joined another case is told from there.
#[tokio::test]
async fn tickets_end_in_other_ways() {
    for (site, key) in county().await {
        let (seat, dispatch) = (site.log_in("seat03").await, site.sign_in("dispatch").await);
        let number = async |id: &str| {
            site.ticket(&key, id, ticket(1)).await.json()["case"].as_str().unwrap().to_owned()
        };
        let back = |revision: i64| {
            let mut body = ticket(revision);
            body["withdrawn"] = json!(true);
            body
        };
        let (void, kept, ours, joined) =
            (number("V").await, number("K").await, number("N").await, number("J").await);
        let taken = site.ticket(&key, "V", back(2)).await.json();
        assert_eq!(taken["state"], "void", "{}", site.name);
        assert_eq!(site.detail(&void, &seat).await["workflow"]["void_reason"], "taken_back");

        site.steps(&kept, &seat, json!({"move": "file", "category": "other"})).await;
        site.steps(&kept, &dispatch, json!({"move": "dispatch", "lead": "housing"})).await;
        let taken = site.ticket(&key, "K", back(2)).await.json();
        assert_eq!(taken["state"], "dispatched", "{}: somebody was sent", site.name);
        let last = site.detail(&kept, &seat).await;
        let last = last["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["action"], &last["detail"]["withdrawn"]), (&json!("amended"), &json!(true)));

        let not_ours = json!({"move": "void", "reason": "not_ours", "note": "属邻县管辖"});
        site.steps(&ours, &seat, not_ours).await;
        site.steps(&joined, &seat, json!({"move": "join", "into": kept, "note": "同一盏灯"})).await;
        let before = site.progress_after(&key, 0).await;
        let housing = site.sign_in("housing").await;
        site.clock.advance_ms(1_000);
        site.steps(&kept, &housing, json!({"move": "accept"})).await;
        site.steps(&kept, &housing, json!({"move": "report", "result": "已修"})).await;
        let all = site.progress_after(&key, 0).await;
        assert_eq!(all[..before.len()], before, "{}: what was told stays", site.name);
        let of = |id: &str| -> Vec<&str> {
            let own: Vec<&Value> = all.iter().filter(|one| one["ticket"] == id).collect();
            own.iter().map(|one| one["event"].as_str().unwrap()).collect()
        };
        assert_eq!(of("V"), ["received", "amended", "returned"]);
        assert_eq!(of("K"), ["received", "filed", "dispatched", "amended", "accepted", "reported"]);
        assert_eq!(of("N"), ["received", "returned"]);
        assert_eq!(of("J"), ["received", "joined", "accepted", "reported"], "{}: told from there", site.name);
        let returned = all.iter().find(|one| one["ticket"] == "N" && one["event"] == "returned").unwrap();
        assert_eq!(returned["data"], json!({"reason": "not_ours", "text": "属邻县管辖"}));
        let positions: Vec<i64> = all.iter().map(|one| one["position"].as_i64().unwrap()).collect();
        assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>(), "no holes");
    }
}

/// A key opens the platform's own doors and no other; of another platform one sees nothing; a key that was replaced or
/// revoked opens nothing; a session of a person is no key.
#[tokio::test]
async fn keys_open_one_door() {
    for (site, key) in county().await {
        let other = add_key(&site.app, "province").await.unwrap().unwrap();
        assert_eq!(add_key(&site.app, "No Name").await.unwrap(), None);
        site.ticket(&key, "T1", ticket(1)).await;
        assert_eq!(site.progress_after(&key, 0).await.len(), 1);
        assert!(site.progress_after(&other, 0).await.is_empty(), "{}: another's tickets", site.name);
        // The same id of another platform is another ticket.
        assert_eq!(site.ticket(&other, "T1", ticket(1)).await.status, 201);
        let request = Request::get("/api/v1/cases").header(header::AUTHORIZATION, format!("Bearer {key}"));
        assert_eq!(site.send(request.body(Body::empty()).unwrap()).await.status, 401);
        let seat = site.log_in("seat03").await;
        assert_eq!(site.get("/api/v1/platform/progress", Some(&seat)).await.status, 401);
        for wrong in ["", "x", &"0".repeat(64)] {
            assert_eq!(site.platform(wrong, "GET", "progress", None).await.status, 401);
        }
        let newer = add_key(&site.app, "city").await.unwrap().unwrap();
        assert_eq!(site.platform(&key, "GET", "progress", None).await.status, 401, "it was replaced");
        assert_eq!(site.progress_after(&newer, 0).await.len(), 1, "{}: its tickets stay", site.name);
        assert!(super::revoke_key(&site.app, "city").await.unwrap());
        assert_eq!(site.platform(&newer, "GET", "progress", None).await.status, 401);
        assert!(!super::revoke_key(&site.app, "city").await.unwrap());
        let sql = "select count(*) from platform_keys where key_sha256 = $1";
        let (kept,): (i64,) = site.app.db.fetch_one(sql, args![&newer]).await.unwrap();
        assert_eq!(kept, 0, "only hashes are kept");
    }
}
