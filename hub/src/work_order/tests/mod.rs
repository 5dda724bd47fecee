//! 批办单: who gets one, when, and what is on it.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::KIND;
use crate::args;
use crate::organisation::{self, AreaPath};
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Browser, HOSTILE, START, Site, sites};
use crate::workflow::{self, Actor, Step};

const AREAS: &str = "id,name,name_en,level,parent\n\
    county,县,County,county,\n\
    north,北镇,North,town,county\n\
    dongguan,东关社区,Dongguan,community,north\n";

async fn take(site: &Site, number: &str, step: Step) {
    let (app, id) = (&site.app, site.app.new_id());
    let with = app.step_with(&id);
    workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
        .await
        .unwrap_or_else(|error| panic!("{step:?}: {error}"));
}

async fn reported(site: &Site, seat: &Browser, confidential: bool) -> (String, String) {
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    organisation::store::seed_units(db, tenant).await.unwrap();
    assert!(organisation::testing::import_areas(db, tenant, AREAS.as_bytes(), false).await.unwrap().done);
    let body = json!({"title": HOSTILE, "text": "巷口井盖破了", "place": "东关巷口", "area": "dongguan", "confidential": confidential});
    let request = Request::post("/api/v1/cases")
        .header(header::COOKIE, &seat.cookie)
        .header("x-csrf-token", &seat.csrf)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let made = site.send(request).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
    (text("number"), text("public_code"))
}

async fn prints(site: &Site) -> i64 {
    let (count,): (i64,) = site
        .app
        .db
        .fetch_one("select count(*) from access_register where kind = $1 and act = 'print'", args![KIND])
        .await
        .unwrap();
    count
}

/// There is none before the dispatch; then it has number, matter, place, each unit with its limits, the policy, boxes to sign,
/// the way back and the code, in Chinese with English beside, and the other way round; each print is a row of the register
/// and none of the history.
#[tokio::test]
async fn an_order_has_what_units_sign_for() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let (number, code) = reported(&site, &seat, false).await;
        let path = format!("/cases/{number}/order");
        let case_page = format!("/cases/{number}");
        let no_link = site.get(&case_page, Some(&seat)).await;
        assert!(!no_link.text.contains(&path), "no door to what is not there");
        assert_eq!(site.get(&path, Some(&seat)).await.status, 409);
        take(&site, &number, Step::File { category: "street_facility".into(), note: String::new() }).await;
        let early = site.get(&path, Some(&seat)).await;
        assert_eq!(early.status, 409);
        assert!(early.text.contains("案件派遣之后才有批办单"), "{}", early.text);
        assert_eq!(prints(&site).await, 0);
        let note = "先围挡后更换".to_owned();
        take(&site, &number, Step::Dispatch { lead: "housing".into(), co: vec!["police".into()], note })
            .await;
        assert!(site.get(&case_page, Some(&seat)).await.text.contains(&path));
        let before =
            site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json()["history"].clone();
        let sheet = site.get(&path, Some(&seat)).await;
        assert_eq!(sheet.status, 200);
        for wanted in [
            "网格事件批办单",
            "Work order",
            &number,
            &code,
            "巷口井盖破了",
            "东关巷口",
            "东关社区",
            "市容市政",
            "主办",
            "住建",
            "协办",
            "公安",
            "先围挡后更换",
            "时限标准版本",
            "签收",
            "承办",
            "审核",
            "批准",
            "<svg",
            "/cases/",
            "2026-03-18 14:31:20",
            "&#60;script&#62;",
            "seat03",
        ] {
            assert!(sheet.text.contains(wanted), "no {wanted} on {}", sheet.text);
        }
        assert!(sheet.text.find("住建") < sheet.text.find("公安"), "the lead comes first");
        assert!(!sheet.text.contains("<script") && !sheet.text.contains("style=\""), "{}", sheet.text);
        assert!(sheet.header("content-security-policy").contains("default-src 'self'"));
        let english = site.get(&format!("{path}?lang=en"), Some(&seat)).await;
        for wanted in ["lang=\"en\"", "Housing and construction", "Name, date", "Accepted by", "working day"]
        {
            assert!(english.text.contains(wanted), "no {wanted} on {}", english.text);
        }
        assert_eq!(prints(&site).await, 2, "each print is a row");
        let after = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json()["history"].clone();
        assert_eq!(before, after, "and none of the history, {}", site.name);
        assert_eq!(site.get("/assets/order.css", None).await.status, 200);
        // A dispatch that was taken back takes its order back.
        take(&site, &number, Step::Withdraw { reason: "x".into() }).await;
        assert_eq!(site.get(&path, Some(&seat)).await.status, 409);
        for step in [
            Step::Dispatch { lead: "city_management".into(), co: vec![], note: String::new() },
            Step::Accept {},
            Step::Report { result: "已更换".into() },
            Step::Check { agrees: true, note: "x".into() },
            Step::Close { note: "x".into() },
        ] {
            take(&site, &number, step).await;
        }
        let closed = site.get(&format!("{path}?lang=zh"), Some(&seat)).await;
        assert!(closed.text.contains("城管") && !closed.text.contains("住建"), "of the dispatch that held");
    }
}

/// Whoever may not see the case gets none; a unit gets that of a case that is its own; a confidential one is stamped.
#[tokio::test]
async fn an_order_is_for_those_who_see_the_case() {
    for site in sites().await {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        for (name, unit) in [("housing", "housing"), ("education", "education")] {
            let grant =
                Grant { role: Role::Handler, area: AreaPath::everything(), unit: Some(unit.to_owned()) };
            user::testing::add_with(
                &app.db,
                tenant,
                &app.chance,
                START,
                (name, "correct horse battery", &grant),
            )
            .await
            .unwrap();
        }
        let (seat, housing, education) =
            (site.log_in("seat03").await, site.sign_in("housing").await, site.sign_in("education").await);
        let (number, _) = reported(&site, &seat, true).await;
        take(&site, &number, Step::File { category: "street_facility".into(), note: String::new() }).await;
        take(&site, &number, Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() })
            .await;
        let path = format!("/cases/{number}/order");
        let own = site.get(&path, Some(&housing)).await;
        assert_eq!(own.status, 200);
        assert!(own.text.contains("class=\"stamp\">保密"), "{}", own.text);
        assert_eq!(site.get(&path, Some(&education)).await.status, 404, "{}", site.name);
        assert_eq!(site.get(&path, None).await.status, 303);
        assert_eq!(site.get("/cases/20000101-001/order", Some(&seat)).await.status, 404);
        assert_eq!(prints(&site).await, 1);
    }
}
