//! Figures over HTTP: to whom, of what, and that every figure has its cases.

use super::closing::{does, furnish, opened};
use super::*;
use crate::user::{self, Grant, Role};
use crate::web::guard::percent;
use crate::web::tests::site::{Browser, START, Site, sites};

async fn somebody(site: &Site, name: &str, role: Role, area: &str, unit: Option<&str>) -> Browser {
    let grant = Grant { role, area: AreaPath::kept(text(area)), unit: unit.map(text) };
    let one = (name, "correct horse battery", &grant);
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    user::testing::add_with(db, tenant, &site.app.chance, START, one).await.unwrap();
    site.sign_in(name).await
}

async fn json(site: &Site, browser: &Browser, address: &str) -> serde_json::Value {
    let answer = site.get(address, Some(browser)).await;
    assert_eq!(answer.status, 200, "{address}: {}", answer.text);
    answer.json()
}

/// Every figure of every table has as many cases behind it as it says, above and below the line, row by row and in all;
/// they come in pages without loss.
#[tokio::test]
async fn every_figure_has_its_cases() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-10 10:00"));
        let question = Question::new(&site.app, "2026-Q1".parse().unwrap(), Scope::everything(), "");
        for shown in tables(&site.app, &question, &By::ALL).await.unwrap() {
            let table = shown.table;
            let rows = table.rows.iter().map(|row| (Some(row.key.clone()), &row.figures));
            for (key, figures) in rows.chain([(None, &table.total)]) {
                for measure in Measure::ALL {
                    // Two groupings whole, of the others a count and a rate: each figure is a reading.
                    let whole = matches!(table.by, By::Unit | By::Area(Level::Town));
                    if !whole && ![Measure::Reported, Measure::HandlingOnTime].contains(measure) {
                        continue;
                    }
                    let figure = figures.get(*measure);
                    let below = if measure.shape() == Shape::Rate { figure.d } else { figure.n };
                    for (part, wanted) in [(Part::Numerator, figure.n), (Part::Denominator, below)] {
                        // A reading each: zeros are looked at once, in the total.
                        if wanted == 0 && key.is_some() {
                            continue;
                        }
                        let place = Place { by: table.by, key: key.clone(), measure: *measure, part };
                        let found = items(&site.app, &question, &place).await.unwrap().len();
                        assert_eq!(
                            found as i64, wanted,
                            "{}: {key:?} {measure} {part:?}, {}",
                            table.by, site.name
                        );
                    }
                }
            }
        }
        let chief = site.sign_in("chief").await;
        let mut address = text("/api/v1/evaluation/cases?measure=reported&period=2026-03&limit=3");
        let mut numbers = Vec::new();
        loop {
            let page = json(&site, &chief, &address).await;
            assert_eq!(page["count"], 8);
            numbers.extend(
                page["cases"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|case| case["number"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next"].as_i64() else { break };
            address =
                format!("/api/v1/evaluation/cases?measure=reported&period=2026-03&limit=3&after={next}");
        }
        let mut sorted = numbers.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((numbers.len(), &sorted), (8, &numbers), "{}", site.name);
    }
}

/// Evaluators see everything of their area, officers theirs, heads of departments their unit's wherever it works; others
/// nothing. What one sees adds up, and no figure of others is in it.
#[tokio::test]
async fn everybody_sees_their_own() {
    for site in sites().await {
        furnish(&site).await;
        let period = "period=2026-03";
        let evaluator = somebody(&site, "kaohe", Role::Evaluator, "/", None).await;
        let north = somebody(&site, "north", Role::TownOfficer, "/county/north/", None).await;
        let head = somebody(&site, "head", Role::DepartmentHead, "/", Some("police")).await;
        let handler = somebody(&site, "handler", Role::Handler, "/", Some("police")).await;
        let reported = |table: &serde_json::Value| table["total"]["reported"]["n"].as_i64().unwrap();
        let keys = |table: &serde_json::Value| -> Vec<String> {
            table["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["key"].as_str().unwrap().to_owned())
                .collect()
        };
        let by_unit = format!("/api/v1/evaluation?{period}");
        let all = json(&site, &evaluator, &by_unit).await;
        let units = SEED.len() + 1;
        assert_eq!((reported(&all), keys(&all).len()), (8, units), "{}: every unit, and nobody's", site.name);
        assert_eq!(all["rows"][0]["name"], "住建");
        let own = json(&site, &north, &by_unit).await;
        assert_eq!(reported(&own), 4);
        let towns = json(&site, &north, &format!("/api/v1/evaluation?by=area&{period}")).await;
        assert_eq!(keys(&towns), ["/county/north/"]);
        let of_unit = json(&site, &head, &by_unit).await;
        assert_eq!((reported(&of_unit), keys(&of_unit)), (1, vec![text("police")]));
        let towns = json(&site, &head, &format!("/api/v1/evaluation?by=area&level=grid&{period}")).await;
        assert_eq!(towns["total"]["unhandled"]["n"], 1);
        for place in ["evaluation", "evaluation.csv", "evaluation/bulletin", "evaluation/cases"] {
            let refused = site.get(&format!("/api/v1/{place}?measure=reported"), Some(&handler)).await;
            assert_eq!(refused.status, 403, "{place}");
        }
        let page = site.get("/cases", Some(&handler)).await.text;
        assert!(!page.contains("href=\"/evaluation\""), "no link to a closed door");
        // Behind a figure stand only cases that one sees.
        let address = format!("/api/v1/evaluation/cases?measure=reported&{period}");
        for (browser, count) in [(&evaluator, 8), (&north, 4), (&head, 1)] {
            let found = json(&site, browser, &address).await;
            assert_eq!((found["count"].as_i64(), found["hidden"].as_i64()), (Some(count), Some(0)));
            assert_eq!(found["cases"].as_array().unwrap().len() as i64, count);
        }
        // A case that has been placed elsewhere since then counts where it lay, and is not hers to see any more.
        let moved = "update cases set area = '/county/south/' where number = $1";
        let own = json(&site, &north, &address).await;
        let number = own["cases"][0]["number"].as_str().unwrap();
        site.app.db.execute(moved, crate::args![number]).await.unwrap();
        let after = json(&site, &north, &address).await;
        assert_eq!((after["count"].as_i64(), after["hidden"].as_i64()), (Some(4), Some(1)));
        assert!(!after.to_string().contains(number), "{}", site.name);
    }
}

/// What is asked wrongly is told with the field; what does not exist is no figure.
#[tokio::test]
async fn questions_are_checked() {
    for site in sites().await {
        let chief = site.sign_in("chief").await;
        for (place, part) in [
            ("evaluation?period=2026-13", "period: \\\"2026-13\\\" is no period"),
            ("evaluation?by=colour", "by: \\\"colour\\\" is not one of"),
            ("evaluation?by=area&level=village", "level: level \\\"village\\\" is not one of"),
            ("evaluation?area=nowhere", "there is no area"),
            ("evaluation/cases", "measure: \\\"\\\" is not one of"),
            ("evaluation/cases?measure=reported&part=middle", "part: \\\"middle\\\""),
            ("evaluation/cases?measure=reported&limit=0", "limit: 0"),
            ("evaluation/bulletin?month=2026", "month: 2026 is none"),
        ] {
            let answer = site.get(&format!("/api/v1/{place}"), Some(&chief)).await;
            assert_eq!(answer.status, 400, "{place}: {}", answer.text);
            assert!(answer.text.contains(part), "{place}: {}", answer.text);
            let page = site.get(&format!("/{place}"), Some(&chief)).await;
            let same = if place.contains("limit") { 200 } else { 400 };
            assert_eq!(page.status, same, "{place}");
        }
        let none = json(&site, &chief, "/api/v1/evaluation?period=2031-01").await;
        assert_eq!(
            (none["cases"].as_i64(), none["rows"].as_array().unwrap().len()),
            (Some(0), 0),
            "{}",
            site.name
        );
        assert!(none["total"]["satisfaction"]["rate"].is_null(), "of nothing there is no rate");
    }
}

/// Pages in both languages, without a script: tables, cases, bulletin; every figure is a link that leads to its cases; files
/// are text, whatever somebody called a case or a unit.
#[tokio::test]
async fn pages_and_files() {
    for site in sites().await {
        let numbers = furnish(&site).await;
        let rename = "update cases set title_zh = '=1+1|<script>' where number = $1";
        site.app.db.execute(rename, crate::args![&numbers[0]]).await.unwrap();
        site.clock.set(at("04-01 01:00"));
        close::pass(&site.app).await;
        let chief = site.sign_in("chief").await;
        let page = site.get("/evaluation?period=2026-03", Some(&chief)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        for part in ["综合评价", "住建", "未派遣到单位", "按期处置率", "已定稿", "以下不排名", "件少"]
        {
            assert!(page.text.contains(part), "{part}");
        }
        let whole = site.get("/evaluation?period=2026-03&all=1", Some(&chief)).await;
        for part in ["住建", "未派遣到单位", "已定稿", "以下不排名", "合计", "按期核查率"]
        {
            assert!(whole.text.contains(part), "{part}");
        }
        let both = format!("{}{}", page.text, whole.text);
        let links: Vec<&str> =
            both.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let links: Vec<String> = links
            .into_iter()
            .filter(|link| link.starts_with("/evaluation"))
            .map(|link| link.replace("&#38;", "&").replace("&amp;", "&"))
            .collect();
        let behind: Vec<&String> =
            links.iter().filter(|link| link.starts_with("/evaluation/cases")).collect();
        assert!(behind.len() > 40, "{} figures lead to cases", behind.len());
        for link in behind.iter().step_by(9) {
            let cases = site.get(link, Some(&chief)).await;
            assert_eq!(cases.status, 200, "{link}");
            assert!(cases.text.contains("href=\"/cases/2026"), "{link} leads to cases");
            assert!(!cases.text.contains("|<script>"), "{link}");
        }
        for link in links.iter().filter(|link| !link.starts_with("/evaluation/cases")) {
            assert_eq!(site.get(link, Some(&chief)).await.status, 200, "{link}");
        }
        let english = site.get("/evaluation?period=2026-03&all=1&lang=en", Some(&chief)).await.text;
        for part in ["Evaluation", "Handling on time", "Not ranked", "Total", "No unit"] {
            assert!(english.contains(part), "{part}");
        }
        let bulletin = site.get("/evaluation/bulletin?month=2026-03", Some(&chief)).await.text;
        for part in ["通报", "2026年3月", "上年同月", "超期未处置", "SHA-256", numbers[4].as_str()]
        {
            assert!(bulletin.contains(part), "{part}");
        }
        let of = percent("housing");
        let csv = format!("/api/v1/evaluation/cases.csv?measure=closed&period=2026-03&key={of}");
        let csv = site.get(&csv, Some(&chief)).await;
        assert_eq!((csv.status.as_u16(), csv.header("content-type")), (200, "text/csv; charset=utf-8"));
        assert!(
            csv.header("content-disposition").contains("attachment; filename=\"cases-closed-numerator.csv\"")
        );
        assert!(
            csv.text.contains(",'=1+1|<script>,") && csv.text.matches("\r\n").count() == 5,
            "{}",
            csv.text
        );
        for kind in ["evaluation", "evaluation/bulletin", "evaluation/cases"] {
            let address = format!("/api/v1/{kind}.xlsx?period=2026-03&month=2026-03&measure=closed");
            let book = site.get(&address, Some(&chief)).await;
            assert_eq!(book.status, 200, "{kind}: {}", book.text);
            assert!(book.text.starts_with("PK"), "{kind}");
        }
    }
}

/// The bulletin sets a month beside the one before, names who is best and worst, and what has been overdue for longest.
#[tokio::test]
async fn the_bulletin() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-02 10:00"));
        let number = opened(&site, "south").await;
        does(&site, &number, &file()).await;
        does(&site, &number, &dispatch("police", &[])).await;
        site.clock.set(at("05-01 01:00"));
        let chief = site.sign_in("chief").await;
        let april = json(&site, &chief, "/api/v1/evaluation/bulletin?month=2026-04").await;
        let line = |id: &str| {
            let lines = april["lines"].as_array().unwrap();
            let line = lines.iter().find(|line| line["measure"]["id"] == id).unwrap().clone();
            ["now", "before", "a_year_ago"].map(|when| line[when]["n"].as_i64().unwrap())
        };
        assert_eq!(
            (line("reported"), line("closed"), line("unhandled_late")),
            ([1, 8, 0], [0, 4, 0], [3, 2, 0])
        );
        let overdue = april["overdue"].as_array().unwrap();
        assert_eq!((overdue.len(), april["overdue_count"].as_i64()), (3, Some(3)), "{}", site.name);
        let since: Vec<i64> = overdue.iter().map(|case| case["at"].as_i64().unwrap()).collect();
        assert!(since.is_sorted(), "{since:?}");
        assert_eq!(overdue[2]["number"].as_str(), Some(number.as_str()));
        assert_eq!(april["categories"][0]["key"], "street_facility");
        let march = json(&site, &chief, "/api/v1/evaluation/bulletin?month=2026-03").await;
        let units = &march["leagues"][0];
        assert_eq!((units["ranked"].as_i64(), units["best"][0]["key"].as_str()), (Some(1), Some("housing")));
        assert_eq!(units["worst"], json!([]), "who is best is not worst as well");
    }
}
