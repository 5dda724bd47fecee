//! The status of a matter as citizens meet it, on both databases, through the whole router.

mod leaks;

use std::net::SocketAddr;

use axum::Extension;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::{ADDRESS_WINDOW_MS, MOST_OF_ADDRESS, MOST_OF_NUMBER, NUMBER_WINDOW_MS};
use crate::http::{self, Scheme};
use crate::organisation;
use crate::web::tests::site::{Answer, Browser, Site, sites};
use crate::workflow::{self, Actor, Satisfaction, Step, VoidReason};

const AREAS: &str = "id,name,name_en,level,parent\n\
    county,县,County,county,\n\
    north,北镇,North,town,county\n\
    dongguan,东关社区,Dongguan,community,north\n\
    g1,一网格,Grid 1,grid,dongguan\n";

/// Areas, units, and a matter that somebody reported in a grid; returns its number and its code.
pub(super) async fn reported(site: &Site, seat: &Browser, more: Value) -> (String, String) {
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    organisation::store::seed_units(db, tenant).await.unwrap();
    assert!(organisation::testing::import_areas(db, tenant, AREAS.as_bytes(), false).await.unwrap().done);
    let mut body = json!({"title": "井盖破损", "text": "巷口井盖破了", "place": "东关巷口", "area": "g1"});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let request = Request::post("/api/v1/cases")
        .header(header::COOKIE, &seat.cookie)
        .header("x-csrf-token", &seat.csrf)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let made = site.send(request).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("no {name} in {made}")).to_owned();
    (text("number"), text("public_code"))
}

/// A step that the hub takes.
pub(super) async fn take(site: &Site, number: &str, step: Step) {
    let (app, id) = (&site.app, site.app.new_id());
    let with = app.step_with(&id);
    workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
        .await
        .unwrap_or_else(|error| panic!("{step:?}: {error}"));
}

fn text(what: &str) -> String {
    what.to_owned()
}

async fn status(site: &Site, number: &str, code: &str) -> Answer {
    site.get(&format!("/api/v1/public/status?number={number}&code={code}"), None).await
}

/// The steps that have a date, and the one where it is.
fn steps(told: &Value) -> (Vec<u64>, Option<u64>) {
    let all = told["steps"].as_array().unwrap();
    let number = |step: &Value| step["step"].as_u64().unwrap();
    let dated = all.iter().filter(|step| step["at"].is_i64()).map(number).collect();
    (dated, all.iter().find(|step| step["current"] == true).map(number))
}

/// From the report to the call-back: each step shows when it is done, the unit once it is dispatched, the end with its date,
/// what the citizen said; and nothing that anybody wrote.
#[tokio::test]
async fn a_matter_is_followed_to_its_end() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let (number, code) = reported(&site, &seat, json!({})).await;
        let told = status(&site, &number, &code).await.json();
        assert_eq!(
            (told["number"].as_str(), told["state"].as_str()),
            (Some(number.as_str()), Some("received"))
        );
        assert_eq!(steps(&told), (vec![1], Some(2)));
        assert_eq!(told["place"], json!({"name": "东关社区一网格", "name_en": "Dongguan, Grid 1"}));
        for nothing in ["category", "unit", "ending", "ended_at", "satisfaction", "goes_on_in"] {
            assert!(told[nothing].is_null(), "{nothing} in {told}");
        }
        take(&site, &number, Step::File { category: text("street_facility"), note: text("内部") }).await;
        let told = status(&site, &number, &code).await.json();
        assert_eq!(steps(&told), (vec![1, 2, 3], Some(4)));
        assert_eq!(told["category"]["name_en"], "Street facilities");
        take(&site, &number, Step::Dispatch { lead: text("housing"), co: vec![], note: text("内部") }).await;
        let told = status(&site, &number, &code).await.json();
        assert_eq!(
            (steps(&told), told["unit"]["name"].as_str()),
            ((vec![1, 2, 3, 4], Some(5)), Some("住建"))
        );
        take(&site, &number, Step::Withdraw { reason: text("内部") }).await;
        let told = status(&site, &number, &code).await.json();
        assert_eq!((steps(&told), told["unit"].is_null()), ((vec![1, 2, 3], Some(4)), true));
        for step in [
            Step::Dispatch { lead: text("city_management"), co: vec![], note: String::new() },
            Step::Accept {},
            Step::Report { result: text("内部结果") },
            Step::Check { agrees: true, note: text("内部") },
            Step::Close { note: text("内部") },
            Step::CallBack { reached: true, satisfaction: Some(Satisfaction::Mostly), note: text("内部") },
        ] {
            take(&site, &number, step).await;
        }
        let answer = status(&site, &number, &code).await;
        let told = answer.json();
        assert_eq!(steps(&told), (vec![1, 2, 3, 4, 5, 6, 7, 8], Some(8)), "{}", site.name);
        assert_eq!((told["ending"]["name"].as_str(), told["ended_at"].is_i64()), (Some("办结"), true));
        assert_eq!(
            (told["unit"]["name"].as_str(), told["satisfaction"]["name"].as_str()),
            (Some("城管"), Some("基本满意"))
        );
        for unsaid in ["内部", "井盖破", "东关巷口", "seat03"] {
            assert!(!answer.text.contains(unsaid), "{unsaid} in {}", answer.text);
        }
        take(&site, &number, Step::Reopen { reason: text("内部") }).await;
        let told = status(&site, &number, &code).await.json();
        assert_eq!(
            (steps(&told), told["satisfaction"].is_null()),
            ((vec![1], Some(2)), true),
            "it begins anew"
        );
    }
}

/// What was not taken says why in a word; what was joined is followed into the case in which it goes on.
#[tokio::test]
async fn what_is_not_taken_or_joined_says_so() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let (first, code) = reported(&site, &seat, json!({})).await;
        take(&site, &first, Step::Void { reason: VoidReason::NotOurs, note: text("内部") }).await;
        let told = status(&site, &first, &code).await;
        assert_eq!(told.json()["ending"]["name"], "不予受理", "{}", told.text);
        assert_eq!(told.json()["ending"]["reason"]["name"], "不属受理范围");
        assert!(!told.text.contains("内部"));
        let (second, code) = reported(&site, &seat, json!({"title": "另一井盖"})).await;
        let (third, _) = reported(&site, &seat, json!({"title": "又一井盖"})).await;
        let (fourth, _) = reported(&site, &seat, json!({"title": "末一井盖"})).await;
        take(&site, &second, Step::Join { into: third.clone(), note: text("同一处") }).await;
        take(&site, &third, Step::Join { into: fourth.clone(), note: text("同一处") }).await;
        take(&site, &fourth, Step::File { category: text("street_facility"), note: String::new() }).await;
        let told = status(&site, &second, &code).await.json();
        assert_eq!(
            (told["number"].as_str(), told["goes_on_in"].as_str()),
            (Some(second.as_str()), Some(fourth.as_str()))
        );
        assert_eq!((told["state"].as_str(), steps(&told).0), (Some("filed"), vec![1, 2, 3]), "{}", site.name);
    }
}

/// From an address of its own.
async fn from(site: &Site, address: &str, number: &str, code: &str) -> Answer {
    let at: SocketAddr = address.parse().unwrap();
    let router =
        http::router(site.app.clone()).layer(Extension(Scheme::Https)).layer(Extension(ConnectInfo(at)));
    let path = format!("/api/v1/public/status?number={number}&code={code}");
    Site::send_to(router, Request::get(path).body(Body::empty()).unwrap()).await
}

/// A wrong number and a wrong code get the same answer; after a few of them the address is locked, after a few for one number
/// that number is, from wherever, with the right code too, until the time has passed.
#[tokio::test]
async fn guessing_is_limited() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let (number, code) = reported(&site, &seat, json!({})).await;
        let wrong_code = from(&site, "203.0.113.1:1", &number, "ZZZZZZZZ").await;
        for (what, asked, code) in [
            ("number", "20990101-001", code.as_str()),
            ("no number", "first", code.as_str()),
            ("no code", number.as_str(), "short"),
            ("empty number", "-", code.as_str()),
        ] {
            let other = from(&site, "203.0.113.1:1", asked, code).await;
            assert_eq!((other.status, &other.text), (wrong_code.status, &wrong_code.text), "{what}");
            assert_eq!(other.header("content-type"), wrong_code.header("content-type"));
        }
        assert_eq!(wrong_code.status, 404);
        // The code is right in any form, and right answers lock nobody.
        for shown in [code.to_lowercase(), code.replace('-', ""), code.replace('-', "+")] {
            for _ in 0..MOST_OF_ADDRESS {
                assert_eq!(from(&site, "203.0.113.2:1", &number, &shown).await.status, 200, "{shown}");
            }
        }
        // One address, a number each time.
        for at in 0..MOST_OF_ADDRESS {
            let asked = format!("20980101-{at:03}");
            assert_eq!(from(&site, "203.0.113.3:7", &asked, "ZZZZZZZZ").await.status, 404, "{at}");
        }
        let locked = from(&site, "203.0.113.3:9", &number, &code).await;
        assert_eq!(
            (locked.status.as_u16(), locked.header("content-type")),
            (429, "application/problem+json")
        );
        assert_eq!(from(&site, "203.0.113.4:1", &number, &code).await.status, 200, "others are not locked");
        site.clock.advance_ms(ADDRESS_WINDOW_MS + 1);
        assert_eq!(from(&site, "203.0.113.3:9", &number, &code).await.status, 200);
        site.clock.advance_ms(NUMBER_WINDOW_MS);
        // One number, from everywhere; a line of version 6 is one address whatever it ends in.
        for at in 0..MOST_OF_NUMBER {
            let address = format!("[2001:db8:{at:x}::1]:1");
            assert_eq!(from(&site, &address, &number, "ZZZZZZZZ").await.status, 404, "{at}, {}", site.name);
        }
        assert_eq!(from(&site, "203.0.113.5:1", &number, &code).await.status, 429, "the number is locked");
        assert_eq!(
            from(&site, "203.0.113.5:1", "20980101-999", "ZZZZZZZZ").await.status,
            404,
            "others are not"
        );
        site.clock.advance_ms(NUMBER_WINDOW_MS - 1_000);
        assert_eq!(from(&site, "203.0.113.6:1", &number, &code).await.status, 429);
        // What was refused did not make it last longer.
        site.clock.advance_ms(1_001);
        assert_eq!(from(&site, "203.0.113.6:1", &number, &code).await.status, 200);
        super::forget(&site.app, site.app.clock.now().plus_ms(2 * NUMBER_WINDOW_MS)).await.unwrap();
        let left: (i64,) =
            site.app.db.fetch_one("select count(*) from public_tries", crate::args![]).await.unwrap();
        assert_eq!(left.0, 0, "{}", site.name);
    }
}

/// Of many who guess at once no more get an answer than of those who guess one after the other.
#[tokio::test]
async fn guessing_at_once_helps_nobody() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let (number, _) = reported(&site, &seat, json!({})).await;
        let guesses = (0..40).map(|at| {
            let address = format!("198.51.100.{at}:1");
            let number = number.clone();
            let site = &site;
            async move { from(site, &address, &number, "ZZZZZZZZ").await.status.as_u16() }
        });
        let answers = futures_util::future::join_all(guesses).await;
        let heard = answers.iter().filter(|status| **status == 404).count() as i64;
        assert!(heard <= MOST_OF_NUMBER, "{heard} were answered on {}", site.name);
        assert!(answers.iter().all(|status| [404, 429].contains(status)), "{answers:?}");
    }
}

/// The page works by form alone, in both languages; the code is in no address, and what was typed comes back as text.
#[tokio::test]
async fn the_page_needs_no_script() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let (number, code) = reported(&site, &seat, json!({})).await;
        let form = site.get("/status", None).await;
        assert_eq!(form.status, 200);
        assert!(
            form.text.contains("method=\"post\" action=\"/status\"") && form.text.contains("办理进度查询")
        );
        assert!(!form.text.contains("<script"), "there is none");
        let post = async |body: String, lang: &str| {
            let request = Request::post("/status").header(header::COOKIE, format!("lang={lang}"));
            site.send(request.body(Body::from(body)).unwrap()).await
        };
        let told = post(format!("number={number}&code={code}"), "zh").await;
        assert_eq!(told.status, 200);
        assert!(told.text.contains("待受理") && told.text.contains("东关社区一网格"), "{}", told.text);
        assert!(
            !told.text.contains(&code) && !told.text.contains(&code.replace('-', "")),
            "the code is not shown"
        );
        let told = post(format!("number={number}&code={code}"), "en").await;
        assert!(told.text.contains("Received") && told.text.contains("Dongguan, Grid 1"));
        let wrong = post("number=%3Cscript%3E&code=x".to_owned(), "zh").await;
        assert_eq!(wrong.status, 404);
        assert!(
            wrong.text.contains("案号或查询码不正确") && !wrong.text.contains("<script"),
            "{}",
            wrong.text
        );
        let large = post(format!("number={}", "1".repeat(5_000)), "zh").await;
        assert_eq!(large.status, 413);
    }
}

/// The code is on the case's own page and in its JSON, the same for everybody who may see it, and there is none of what a
/// camera raised.
#[tokio::test]
async fn the_code_is_told_to_those_who_see_the_case() {
    for mut site in sites().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let (number, code) = reported(&site, &seat, json!({})).await;
        for browser in [&seat, &chief] {
            let page = site.get(&format!("/cases/{number}"), Some(browser)).await;
            assert!(page.text.contains(&code), "{}", site.name);
        }
        site.raise_camera("north", "北口").await;
        let list = site.get("/api/v1/cases?kind=intrusion", Some(&seat)).await.json();
        let of_camera = list["cases"][0]["number"].as_str().unwrap();
        let case = site.get(&format!("/api/v1/cases/{of_camera}"), Some(&seat)).await.json();
        assert!(case["public_code"].is_null(), "{case}");
        let count: (i64,) =
            site.app.db.fetch_one("select count(*) from public_codes", crate::args![]).await.unwrap();
        assert_eq!(count.0, 1, "{}", site.name);
    }
}
