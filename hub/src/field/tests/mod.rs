//! Reports, moves and pictures that come late, twice or in vain, on both databases.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::*;
use crate::args;
use crate::organisation::testing::import_areas;
use crate::organisation::{self, AreaPath};
use crate::reconcile;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, Browser, START, Site, sites};

const AREAS: &str = "id,name,level,parent\nc,县,county,\nt,镇,town,c\nd,东关社区,community,t\n\
    g1,一网格,grid,d\ng2,二网格,grid,d\n";
const KEY: &str = "0195a1c2-0000-7000-8000-0000000000a1";
const OTHER: &str = "0195a1c2-0000-7000-8000-0000000000a2";
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

async fn grids() -> Vec<Site> {
    let all = sites().await;
    for site in &all {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        organisation::store::seed_units(&app.db, tenant).await.unwrap();
        assert!(import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap().done);
        for (name, role, area) in
            [("zhang", Role::GridManager, "/c/t/d/g1/"), ("li", Role::GridManager, "/c/t/d/g2/")]
        {
            let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
            let one = (name, "correct horse battery", &grant);
            user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        }
    }
    all
}

async fn post(site: &Site, path: &str, who: &Browser, more: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::post(path)
        .header(header::COOKIE, &who.cookie)
        .header("x-csrf-token", &who.csrf)
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    site.send(request.body(body).unwrap()).await
}

async fn send(site: &Site, path: &str, who: &Browser, key: &str, body: &Value) -> Answer {
    post(site, path, who, &[("idempotency-key", key)], Body::from(body.to_string())).await
}

async fn count(site: &Site, sql: &'static str) -> i64 {
    let (count,): (i64,) = site.app.db.fetch_one(sql, args![]).await.unwrap();
    count
}

const CASES: &str = "select count(*) from cases";
const KEYS: &str = "select count(*) from field_repeats";
const WAITING: &str = "select count(*) from attachments where case_id is null";

fn lamp() -> Value {
    json!({"title": "路灯不亮", "text": "三天了", "place": "巷口"})
}

async fn actions(site: &Site, number: &str) -> Vec<String> {
    let tenant = site.app.tenant().as_str();
    let case = case::store::by_number(&site.app.db, tenant, "", number).await.unwrap().unwrap();
    let rows = case::store::history(&site.app.db, tenant, &case.case_id, None, 50).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

/// The same report under the same key is one case and answers alike; something else under it is refused and changes nothing;
/// the key of somebody else is another key; after thirty days it stands for something new.
#[tokio::test]
async fn a_report_comes_twice() {
    for site in grids().await {
        let (zhang, li) = (site.sign_in("zhang").await, site.sign_in("li").await);
        let first = send(&site, "/api/v1/cases", &zhang, KEY, &lamp()).await;
        assert_eq!(first.status, 201, "{}", first.text);
        let again = send(&site, "/api/v1/cases", &zhang, &format!("\"{KEY}\""), &lamp()).await;
        assert_eq!((again.status.as_u16(), again.json()), (201, first.json()), "{}", site.name);
        assert_eq!(count(&site, CASES).await, 1);
        let mut other = lamp();
        other["text"] = json!("五天了");
        let refused = send(&site, "/api/v1/cases", &zhang, KEY, &other).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let problem = refused.json();
        assert!(problem["detail"].as_str().unwrap().starts_with("Idempotency-Key"), "{problem}");
        assert!(problem["detail_zh"].as_str().unwrap().contains("较早"), "{problem}");
        assert_eq!(count(&site, CASES).await, 1, "{}: nothing is kept of it", site.name);
        let of_li = send(&site, "/api/v1/cases", &li, KEY, &lamp()).await;
        assert_eq!(of_li.status, 201);
        assert_ne!(of_li.json()["number"], first.json()["number"], "{}: his own", site.name);
        assert_eq!(count(&site, KEYS).await, 2);
        site.clock.advance_ms(repeat::KEEP_MS);
        reconcile::pass(&site.app).await;
        assert_eq!(count(&site, KEYS).await, 0, "{}: nothing is kept for longer", site.name);
        let zhang = site.sign_in("zhang").await;
        assert_eq!(send(&site, "/api/v1/cases", &zhang, KEY, &other).await.status, 201);
        assert_eq!(count(&site, CASES).await, 3);
    }
}

/// What was refused is not kept: mended, it goes under its key. What is no key is refused, and without one nothing is the same.
#[tokio::test]
async fn a_refusal_is_not_kept() {
    for site in grids().await {
        let zhang = site.sign_in("zhang").await;
        let mut empty = lamp();
        empty["title"] = json!(" ");
        assert_eq!(send(&site, "/api/v1/cases", &zhang, KEY, &empty).await.status, 422);
        assert_eq!((count(&site, CASES).await, count(&site, KEYS).await), (0, 0), "{}", site.name);
        assert_eq!(send(&site, "/api/v1/cases", &zhang, KEY, &lamp()).await.status, 201);
        for odd in ["1", "0195a1c2", ""] {
            let refused = send(&site, "/api/v1/cases", &zhang, odd, &lamp()).await;
            assert_eq!(refused.status, 400, "{odd:?}: {}", refused.text);
        }
        for _ in 0..2 {
            let made = post(&site, "/api/v1/cases", &zhang, &[], Body::from(lamp().to_string())).await;
            assert_eq!(made.status, 201);
        }
        assert_eq!(count(&site, CASES).await, 3, "{}", site.name);
    }
}

/// A hub that dies before it commits leaves neither case nor key; the report that comes again is made once. One that dies
/// after it, before it answers, has made it: the same comes again and is answered.
#[tokio::test]
async fn a_crash_between() {
    for site in grids().await {
        let (app, grants) = (
            &site.app,
            [Grant { role: Role::GridManager, area: AreaPath::kept("/c/t/d/g1/".to_owned()), unit: None }],
        );
        let new = NewReport {
            title: "路灯不亮".into(),
            text: "三天了".into(),
            place: "巷口".into(),
            area: None,
            at: None,
            severity: protocol::Severity::Normal,
            confidential: false,
        };
        let with = Enclosed::default();
        let key = Key::new(KEY, "POST /api/v1/cases", "zhang", b"{}").unwrap();
        let coming = Coming { key: Some(key), ..Coming::default() };
        let by = report::by_user(app, &new, &with, "zhang", &grants).await;
        let mut tx = app.db.begin().await.unwrap();
        tx.lock_tenant(app.tenant().as_str()).await.unwrap();
        report_in(app, &mut tx, (&new, &with), by, "zhang", &coming).await.unwrap();
        drop(tx);
        assert_eq!((count(&site, CASES).await, count(&site, KEYS).await), (0, 0), "{}", site.name);
        let made = report(app, &new, &with, ("zhang", &grants), &coming).await.unwrap();
        let again = report(app, &new, &with, ("zhang", &grants), &coming).await.unwrap();
        assert_eq!((made.number, count(&site, CASES).await), (again.number, 1), "{}", site.name);
    }
}

fn photo(number: u8) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    };
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[number; 65]),
        segment(0xc0, &[8, 0, 3, 0, 2, 1, 1, 0x11, 0]),
        segment(0xda, &[1, 1, 0, 0, 0x3f, 0]),
        vec![1, 2, 3, 0xff, 0xd9],
    ]
    .concat()
}

/// A picture that comes twice is taken once; another one under its key is refused; one that nobody named in time is taken anew
/// under the same key, so that a draft that waited for days still brings it.
#[tokio::test]
async fn a_picture_comes_twice() {
    for site in grids().await {
        let zhang = site.sign_in("zhang").await;
        let bring = async |who: &Browser, number: u8| {
            let key = [("idempotency-key", KEY)];
            post(&site, "/api/v1/attachments", who, &key, Body::from(photo(number))).await
        };
        let first = bring(&zhang, 1).await;
        assert_eq!(first.status, 201, "{}", first.text);
        let again = bring(&zhang, 1).await;
        assert_eq!((again.status.as_u16(), again.json()), (201, first.json()), "{}", site.name);
        assert_eq!(count(&site, WAITING).await, 1);
        assert_eq!(bring(&zhang, 2).await.status, 422);
        assert_eq!(count(&site, WAITING).await, 1, "{}", site.name);
        let uploads = std::fs::read_dir(site.app.data_dir().join("uploads")).unwrap().count();
        assert_eq!(uploads, 0, "{}: nothing is left over", site.name);
        site.clock.advance_ms(DAY_MS);
        reconcile::pass(&site.app).await;
        assert_eq!(count(&site, WAITING).await, 0);
        let zhang = site.sign_in("zhang").await;
        let anew = bring(&zhang, 1).await.json();
        assert_ne!(anew["attachment_id"], first.json()["attachment_id"], "{}", site.name);
        let id = &anew["attachment_id"];
        let mut with_picture = lamp();
        with_picture["attachments"] = json!([id]);
        let made = send(&site, "/api/v1/cases", &zhang, OTHER, &with_picture).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(bring(&zhang, 1).await.json(), anew, "{}: named, it is still the same", site.name);
        assert_eq!(count(&site, WAITING).await, 0);
    }
}

/// A move under a key is made once; one that was written before somebody moved the case is refused, says so in both languages,
/// and changes nothing.
#[tokio::test]
async fn moves_come_late() {
    for site in grids().await {
        let zhang = site.sign_in("zhang").await;
        let made = send(&site, "/api/v1/cases", &zhang, KEY, &lamp()).await.json();
        let number = made["number"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/cases/{number}/moves");
        let seat = site.log_in("seat03").await;
        let acknowledge = format!("/api/v1/cases/{number}/acknowledge");
        let taken = post(&site, &acknowledge, &seat, &[], Body::empty()).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
        let handled = json!({"move": "handle_here", "result": "换了灯泡", "position": 1});
        let late = send(&site, &path, &zhang, OTHER, &handled).await;
        assert_eq!(late.status, 409, "{}", late.text);
        assert!(late.json()["detail_zh"].as_str().unwrap().contains("已有变化"), "{}", late.text);
        assert_eq!(actions(&site, &number).await, ["told", "acknowledged"], "{}", site.name);

        let handled = json!({"move": "handle_here", "result": "换了灯泡", "position": 2});
        let first = send(&site, &path, &zhang, OTHER, &handled).await;
        assert_eq!(first.status, 200, "{}: refused, its key is free: {}", site.name, first.text);
        let again = send(&site, &path, &zhang, OTHER, &handled).await;
        assert_eq!((again.status.as_u16(), again.json()), (200, first.json()), "{}", site.name);
        let other = json!({"move": "handle_here", "result": "没有换"});
        assert_eq!(send(&site, &path, &zhang, OTHER, &other).await.status, 422);
        // Without a key, by the position alone: what one has done oneself is done.
        let bare = post(&site, &path, &zhang, &[], Body::from(handled.to_string())).await;
        assert_eq!(bare.status, 200, "{}", bare.text);
        assert_eq!(actions(&site, &number).await, ["told", "acknowledged", "handled_here"], "{}", site.name);
    }
}

/// When something was written stands beside when it came, a wrong clock of the telephone too; limits run by the hub's clock.
#[tokio::test]
async fn offline_times_are_kept() {
    for site in grids().await {
        let zhang = site.sign_in("zhang").await;
        // Written two days ago on a telephone whose clock is an hour ahead.
        let (sent, written) = (START.0 + HOUR_MS, START.0 + HOUR_MS - 2 * DAY_MS);
        let mut body = lamp();
        body["occurred_at"] = json!(written);
        let told_at = sent.to_string();
        let more = [("x-sent-at", told_at.as_str()), ("idempotency-key", KEY)];
        let made = post(&site, "/api/v1/cases", &zhang, &more, Body::from(body.to_string())).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let case = made.json();
        let detail = &case["history"][0]["detail"];
        assert_eq!((&detail["occurred_at"], &detail["skew_ms"]), (&json!(written), &json!(HOUR_MS)));
        assert_eq!(case["opened_at"], json!(START.0), "{}: limits run from when it came: {case}", site.name);
        let number = case["number"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/cases/{number}/moves");
        let handled = json!({"move": "handle_here", "result": "换了", "occurred_at": written});
        let made = post(&site, &path, &zhang, &more[..1], Body::from(handled.to_string())).await;
        assert_eq!(made.status, 200, "{}", made.text);
        assert_eq!(actions(&site, &number).await, ["told", "handled_here", "written"], "{}", site.name);
        let page = site.get(&format!("/cases/{number}"), Some(&zhang)).await.text;
        assert!(
            page.contains("写于 03-16 14:31") && page.contains("手机时钟快 1 小时"),
            "{}: {page}",
            site.name
        );
        assert!(page.contains("首尾相连"), "{}: the chain holds", site.name);

        let odd = json!({"title": "x", "text": "x", "place": "x", "occurred_at": 12});
        assert_eq!(send(&site, "/api/v1/cases", &zhang, OTHER, &odd).await.status, 422);
        let odd = [("x-sent-at", "soon")];
        let refused = post(&site, "/api/v1/cases", &zhang, &odd, Body::from(lamp().to_string())).await;
        assert_eq!(refused.status, 400);
        assert_eq!(count(&site, CASES).await, 1, "{}", site.name);
    }
}
