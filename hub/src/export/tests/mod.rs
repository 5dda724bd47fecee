//! Sheets as spreadsheets and other systems get them, on both databases.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::{KIND, book_of, csv, row};
use crate::args;
use crate::case::CaseFilter;
use crate::organisation::{self, AreaPath};
use crate::sheet;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Browser, START, Site, sites};
use crate::workflow::{self, Actor, Card, Step};

const AREAS: &str = "id,name,name_en,level,parent\n\
    county,县,County,county,\n\
    north,北镇,North,town,county\n\
    south,南镇,South,town,county\n";

async fn report(site: &Site, browser: &Browser, body: serde_json::Value) -> String {
    let request = Request::post("/api/v1/cases")
        .header(header::COOKIE, &browser.cookie)
        .header("x-csrf-token", &browser.csrf)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let made = site.send(request).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["number"].as_str().unwrap().to_owned()
}

async fn take(site: &Site, number: &str, step: Step) {
    let (app, id) = (&site.app, site.app.new_id());
    let with = app.step_with(&id);
    workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
        .await
        .unwrap_or_else(|error| panic!("{step:?}: {error}"));
}

async fn furnish(site: &Site) -> (Browser, Browser) {
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    organisation::store::seed_units(db, tenant).await.unwrap();
    assert!(organisation::testing::import_areas(db, tenant, AREAS.as_bytes(), false).await.unwrap().done);
    let area = AreaPath::kept("/county/south/".to_owned());
    let grant = Grant { role: Role::TownOfficer, area, unit: None };
    let south = ("south", "correct horse battery", &grant);
    user::testing::add_with(db, tenant, &site.app.chance, START, south).await.unwrap();
    (site.log_in("seat03").await, site.sign_in("south").await)
}

/// What a sheet says, by its headings' English halves.
fn cell<'r>(rows: &'r [sheet::Row], at: usize, heading: &str) -> &'r str {
    let column = rows[0].cells.iter().position(|cell| cell.ends_with(heading));
    &rows[at].cells[column.unwrap_or_else(|| panic!("no {heading} in {:?}", rows[0].cells))]
}

/// A sheet opens as it is: a mark for UTF-8, headings in both languages, the codes of digital city management, and what others
/// wrote as text; it has what the list has, and of that what its user may see.
#[tokio::test]
async fn a_sheet_has_what_its_user_may_see() {
    for site in sites().await {
        let (seat, south) = furnish(&site).await;
        let hostile = json!({"title": "=HYPERLINK(\"http://x\",\"y\")", "text": "x", "place": "@东关,\"巷\"\n口", "area": "north",
            "latitude": 34.5, "longitude": -107.4});
        let first = report(&site, &seat, hostile).await;
        site.clock.advance_ms(60_000);
        let second = report(
            &site,
            &seat,
            json!({"title": "南镇井盖", "text": "x", "place": "街口", "area": "south", "confidential": true}),
        )
        .await;
        for step in [
            Step::File { category: "street_facility".into(), note: String::new() },
            Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() },
            Step::Supervise { card: Card::Yellow, reason: "x".into() },
        ] {
            take(&site, &first, step).await;
        }
        let answer = site.get("/api/v1/cases/export.csv", Some(&seat)).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/csv; charset=utf-8"));
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"cases-20260318.csv\"");
        assert!(answer.text.starts_with("\u{feff}案号 Number,状态 State,"), "{}", answer.text);
        let rows = sheet::read(answer.text.as_bytes()).unwrap();
        assert_eq!(rows.len(), 3, "{}", answer.text);
        assert_eq!((cell(&rows, 1, "Number"), cell(&rows, 2, "Number")), (second.as_str(), first.as_str()));
        for (heading, wanted) in [
            (" State", "已派遣待签收"),
            ("State code", "3"),
            ("Supervision code", "9"),
            ("Source", "市民上报"),
            ("Severity", "一般"),
            ("Group", "市容市政"),
            ("Matter", "'=HYPERLINK(\"http://x\",\"y\")"),
            ("Place", "'@东关,\"巷\"\n口"),
            ("Area", "县 北镇"),
            ("Longitude", "-107.4"),
            ("Latitude", "34.5"),
            ("Reported", "2026-03-18 14:31:20"),
            ("Filed", "2026-03-18 14:32:20"),
            ("Dispatched", "2026-03-18 14:32:20"),
            ("Ended", ""),
            ("Lead unit", "住建"),
            ("Confidential", ""),
        ] {
            assert_eq!(cell(&rows, 2, heading), wanted, "{heading}, {}", site.name);
        }
        assert_eq!((cell(&rows, 1, "State code"), cell(&rows, 1, "Confidential")), ("1", "是"));
        for (browser, query, wanted) in [
            (&south, "", vec![&second]),
            (&seat, "?state=dispatched", vec![&first]),
            (&seat, "?area=south", vec![&second]),
            (&seat, "?source=camera", vec![]),
            (&seat, "?q=%E5%8D%97%E9%95%87", vec![&second]),
            (&seat, "?unit=housing", vec![&first]),
        ] {
            let answer = site.get(&format!("/api/v1/cases/export.csv{query}"), Some(browser)).await;
            let rows = sheet::read(answer.text.as_bytes()).unwrap();
            let numbers: Vec<&String> = rows[1..].iter().map(|row| &row.cells[0]).collect();
            assert_eq!(numbers, wanted, "{query}, {}", site.name);
        }
        let registered: Vec<(String, String, String)> = site
            .app
            .db
            .fetch_all(
                "select user_name, act, purpose from access_register where kind = $1 order by access_id",
                args![KIND],
            )
            .await
            .unwrap();
        assert_eq!(registered.len(), 7, "each download is a row: {registered:?}");
        assert!(registered.contains(&("seat03".to_owned(), "download".to_owned(), "csv ".to_owned())));
        assert!(registered.iter().any(|row| row.0 == "south" && row.2 == "csv "));
        assert!(registered.iter().any(|row| row.2 == "csv state=dispatched"));
    }
}

/// A sheet of several pages has every case once, in the order of the list, whatever comes in meanwhile.
#[tokio::test]
async fn long_sheets_are_whole() {
    for site in sites().await {
        let (seat, _) = furnish(&site).await;
        report(&site, &seat, json!({"title": "第一件", "text": "x", "place": "x"})).await;
        let mut tx = site.app.db.begin().await.unwrap();
        for at in 0..2_300 {
            tx.execute(
                "insert into cases (tenant, case_id, number, kind, severity, state, correlation_key, device_id, title_zh,
                     title_en, incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms, history_count,
                     history_hash)
                 select tenant, 'x' || cast($1 as text), $1, kind, severity, state, $1, device_id, title_zh, title_en, 0,
                     0, opened_at_ms, opened_at_ms + cast($2 as bigint), updated_at_ms, 0, ''
                 from cases where title_zh = '第一件' and case_id not like 'x%'",
                args![format!("20260318-{:04}", at + 1_000), i64::from(at / 7)],
            )
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        let filter = CaseFilter { user: "seat03".into(), ..CaseFilter::default() };
        let rows = csv(&site.app, filter.clone()).await.unwrap();
        let parts: Vec<_> = futures_util::TryStreamExt::try_collect::<Vec<_>>(rows).await.unwrap();
        assert!(parts.len() >= 4, "{} pieces", parts.len());
        let text = String::from_utf8(parts.concat()).unwrap();
        let read = sheet::read(text.as_bytes()).unwrap();
        let mut numbers: Vec<&str> = read[1..].iter().map(|row| row.cells[0].as_str()).collect();
        assert_eq!(numbers.len(), 2_301, "{}", site.name);
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 2_301, "one came twice, {}", site.name);
        // A workbook ends at its bound, and says so; one that is whole does not.
        let cut = book_of(&site.app, filter.clone(), 1_500).await.unwrap();
        let whole = book_of(&site.app, filter, 2_301).await.unwrap();
        assert!(cut.starts_with(b"PK\x03\x04") && whole.starts_with(b"PK\x03\x04"));
        assert!(cut.len() < whole.len(), "{} bytes, {} bytes", cut.len(), whole.len());
    }
}

/// A workbook has a row a case and no formula; its bound is said in its last line.
#[tokio::test]
async fn workbooks_say_when_they_are_cut() {
    use super::cell::Cell;
    let rows = vec![vec![Cell::text("=1+1"), Cell::Number(3.0)], vec![Cell::text("东关"), Cell::Nothing]];
    let whole = super::xlsx::write(&rows, false, START).unwrap();
    let cut = super::xlsx::write(&rows, true, START).unwrap();
    assert_eq!(whole, super::xlsx::write(&rows, false, START).unwrap(), "the same cases make the same file");
    assert!(cut.len() > whole.len());
    assert_eq!(row::headings().len(), 25);
    for site in sites().await {
        let (seat, _) = furnish(&site).await;
        report(&site, &seat, json!({"title": "=1", "text": "x", "place": "x"})).await;
        let answer = site.get("/api/v1/cases/export.xlsx", Some(&seat)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        );
        assert!(answer.text.starts_with("PK"), "{}", site.name);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}
