//! Reports without a login, as a browser sends them, on both databases through the whole router.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::*;
use crate::args;
use crate::organisation;
use crate::organisation::testing::import_areas;
use crate::policy::Closes;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, START, Site, sites};
use crate::workflow::{self, Actor, ClockKind, Step};

const AREAS: &str = "id,name,name_en,level,parent\n\
    county,县,County,county,\n\
    north,北镇,North,town,county\n\
    dongguan,东关社区,Dongguan,community,north\n";
const MAP: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"id": "g1", "name": "一网格", "parent": "dongguan"},
     "geometry": {"type": "Polygon", "coordinates": [[[107.40, 34.50], [107.42, 34.50], [107.42, 34.52], [107.40, 34.52], [107.40, 34.50]]]}}]}"#;
const GRID: &str = "/county/north/dongguan/g1/";

async fn county() -> Vec<Site> {
    let all = sites().await;
    for site in &all {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        organisation::store::seed_units(&app.db, tenant).await.unwrap();
        assert!(import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap().done);
        let by = ("user:admin", "x", app.clock.now());
        let map = (MAP.as_bytes(), crate::grid::Datum::Wgs84);
        app.grids.import(&app.db, tenant, map, by, false).await.unwrap_or_else(|error| panic!("{error}"));
        let area = AreaPath::kept("/county/north/dongguan/".to_owned());
        let grant = Grant { role: Role::CommunityOfficer, area, unit: None };
        let one = ("community", "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
    }
    all
}

/// A browser with the form before it.
struct Visitor {
    cookie: String,
    csrf: String,
    form: String,
}

fn hidden(page: &str, name: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn visit(site: &Site) -> Visitor {
    let page = site.get("/report", None).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let cookie = page.header("set-cookie").to_owned();
    for part in ["shaodian_ask=", "HttpOnly", "SameSite=Strict", "Path=/report"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    Visitor { cookie, csrf: hidden(&page.text, "csrf"), form: hidden(&page.text, "form") }
}

async fn send(site: &Site, who: &Visitor, typed: &[(&str, &str)], files: &[Vec<u8>]) -> Answer {
    send_from(site, who, typed, files, "same-origin").await
}

async fn send_from(
    site: &Site,
    who: &Visitor,
    typed: &[(&str, &str)],
    files: &[Vec<u8>],
    from: &str,
) -> Answer {
    let mut body = Vec::new();
    let mut part = |head: String, content: &[u8]| {
        body.extend(format!("--b0\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend(content);
        body.extend(b"\r\n");
    };
    part("name=\"csrf\"".to_owned(), who.csrf.as_bytes());
    part("name=\"form\"".to_owned(), who.form.as_bytes());
    part("name=\"website\"".to_owned(), b"");
    for (name, value) in typed {
        part(format!("name=\"{name}\""), value.as_bytes());
    }
    for file in files {
        part("name=\"picture\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg".to_owned(), file);
    }
    body.extend(b"--b0--\r\n");
    let request = Request::post("/report")
        .header(header::COOKIE, &who.cookie)
        .header("sec-fetch-site", from)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b0")
        .body(Body::from(body))
        .unwrap();
    site.send(request).await
}

fn photo(number: u8) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    };
    [
        vec![0xff, 0xd8],
        segment(0xe1, b"Exif\0\0GPS 34.5105 N"),
        segment(0xdb, &[number; 65]),
        segment(0xc0, &[8, 0, 3, 0, 2, 1, 1, 0x11, 0]),
        segment(0xda, &[1, 1, 0, 0, 0x3f, 0]),
        vec![1, 2, 3, 0xff, 0xd9],
    ]
    .concat()
}

const LAMP: [(&str, &str); 3] =
    [("matter", "request"), ("text", "路灯不亮\r\n三天了"), ("place", "东关巷 3 号")];

fn lamp_and<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    LAMP.iter().copied().chain(more.iter().copied()).collect()
}

/// Number and code of a receipt.
fn receipt_of(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let of = |id: &str| {
        let (_, rest) = answer.text.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("no {id}"));
        rest.split('<').next().unwrap().to_owned()
    };
    (of("number"), of("code"))
}

async fn count(site: &Site, sql: &'static str) -> i64 {
    let (count,): (i64,) = site.app.db.fetch_one(sql, args![]).await.unwrap();
    count
}

const CASES: &str = "select count(*) from cases";

async fn case_of(site: &Site, number: &str) -> (Case, Vec<Value>) {
    let tenant = site.app.tenant().as_str();
    let case = case::store::by_number(&site.app.db, tenant, "", number).await.unwrap().unwrap();
    let rows = case::store::history(&site.app.db, tenant, &case.case_id, None, 50).await.unwrap();
    let rows = rows.iter().map(|row| {
        json!({"actor": row.actor, "action": row.action, "detail": serde_json::from_str::<Value>(&row.detail).unwrap()})
    });
    (case, rows.collect())
}

/// A report with a place and pictures is a case of a citizen, with the community of its place, in its grid; the receipt's number
/// and code tell of it; its pictures say nothing of where they were taken.
#[tokio::test]
async fn a_report_becomes_a_case() {
    for site in county().await {
        let visitor = visit(&site).await;
        let typed = lamp_and(&[("latitude", "34.51"), ("longitude", "107.41")]);
        let answer = send(&site, &visitor, &typed, &[photo(1), photo(2)]).await;
        let (number, code) = receipt_of(&answer);
        assert_eq!(answer.header("cache-control"), "no-store");
        let (case, rows) = case_of(&site, &number).await;
        assert_eq!((case.source.as_str(), case.state.as_str()), ("citizen", "received"), "{}", site.name);
        assert_eq!((case.area.as_str(), case.level.as_str()), (GRID, "community"), "{}", site.name);
        assert_eq!((case.title_zh.as_str(), case.place.as_deref()), ("求助：路灯不亮", Some("东关巷 3 号")));
        assert!(case.location.as_deref().is_some_and(|at| at.contains("34.51")), "{:?}", case.location);
        assert_eq!((&rows[0]["actor"], &rows[0]["action"]), (&json!("citizen"), &json!("told")));
        assert_eq!(
            (&rows[0]["detail"]["matter"], &rows[0]["detail"]["summary"]),
            (&json!("request"), &json!("路灯不亮\n三天了"))
        );
        assert_eq!((&rows[1]["actor"], &rows[1]["action"]), (&json!("citizen"), &json!("attached")));
        assert_eq!(rows[1]["detail"]["files"].as_array().map(Vec::len), Some(2), "{rows:?}");
        for sha256 in rows[1]["detail"]["files"].as_array().unwrap() {
            let file = site.app.evidence.path(site.app.tenant(), &sha256.as_str().unwrap().parse().unwrap());
            let bytes = std::fs::read(file).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("GPS"), "{}: it tells where it was", site.name);
        }
        let officer = site.sign_in("community").await;
        let page = site.get(&format!("/cases/{number}"), Some(&officer)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", site.name);
        assert!(page.text.contains("市民") && page.text.contains("首尾相连"), "{}", page.text);
        assert!(site.get("/field", Some(&officer)).await.text.contains(&format!("id=\"task-{number}\"")));
        let asked = site.get(&format!("/api/v1/public/status?number={number}&code={code}"), None).await;
        assert_eq!((asked.status, asked.json()["state"].as_str()), (StatusCode::OK, Some("received")));
        let status = site.get("/status", None).await.text;
        assert!(
            status.contains("href=\"/report\"")
                && site.get("/report", None).await.text.contains("href=\"/status\"")
        );
    }
}

/// Where the place is not on the map it is the county's.
#[tokio::test]
async fn without_a_position_it_is_the_countys() {
    for site in county().await {
        for more in [vec![], vec![("latitude", "20.0"), ("longitude", "100.0")]] {
            let visitor = visit(&site).await;
            let (number, _) = receipt_of(&send(&site, &visitor, &lamp_and(&more), &[]).await);
            let (case, _) = case_of(&site, &number).await;
            assert_eq!((case.area.as_str(), case.level.as_str()), ("/", "county"), "{}: {more:?}", site.name);
        }
    }
}

/// The same form sent twice is one case and gets the same receipt; with something else in it, it is refused.
#[tokio::test]
async fn a_form_is_done_once() {
    for site in county().await {
        let visitor = visit(&site).await;
        let first = receipt_of(&send(&site, &visitor, &LAMP, &[photo(1)]).await);
        assert_eq!(receipt_of(&send(&site, &visitor, &LAMP, &[photo(1)]).await), first, "{}", site.name);
        assert_eq!(count(&site, CASES).await, 1);
        for (typed, files) in [
            (lamp_and(&[("confidential", "1")]), vec![photo(1)]),
            (lamp_and(&[("phone", "13812346027")]), vec![photo(1)]),
            (LAMP.to_vec(), vec![photo(2)]),
        ] {
            let other = send(&site, &visitor, &typed, &files).await;
            assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed:?}");
            assert!(other.text.contains("这张表已经提交过"), "{}", other.text);
        }
        // Another browser with the same id of a form is another form.
        let stranger = Visitor { form: visitor.form.clone(), ..visit(&site).await };
        assert_ne!(receipt_of(&send(&site, &stranger, &LAMP, &[photo(1)]).await).0, first.0, "{}", site.name);
        assert_eq!(count(&site, CASES).await, 2);
    }
}

/// Name and number are sealed: neither stands in a table, a page, the history or an answer, and the hotline reads them, who says
/// why. Who stays anonymous leaves nothing.
#[tokio::test]
async fn who_reported_it_is_sealed() {
    for site in county().await {
        let visitor = visit(&site).await;
        let typed = lamp_and(&[
            ("name", "欧阳建国"),
            ("phone", "138 1234 6027"),
            ("call_back", "1"),
            ("confidential", "1"),
        ]);
        let answer = send(&site, &visitor, &typed, &[]).await;
        let (number, _) = receipt_of(&answer);
        let (case, rows) = case_of(&site, &number).await;
        assert_eq!((case.confidential, &rows[0]["detail"]["call_back"]), (1, &json!(true)));
        let seat = site.log_in("seat03").await;
        let kept: Vec<(Option<String>, Option<String>)> =
            site.app.db.fetch_all("select sealed, sealed_name from contacts", args![]).await.unwrap();
        let keys: Vec<(String, String)> =
            site.app.db.fetch_all("select body_sha256, answer from field_repeats", args![]).await.unwrap();
        let mut all = vec![answer.text, format!("{rows:?} {kept:?} {keys:?} {case:?}")];
        for path in [format!("/cases/{number}"), format!("/api/v1/cases/{number}"), "/cases".to_owned()] {
            all.push(site.get(&path, Some(&seat)).await.text);
        }
        for text in &all {
            assert!(
                !text.contains("欧阳") && !text.contains("6027") && !text.contains("13812346027"),
                "{text}"
            );
        }
        assert_eq!(kept.len(), 1);
        let look = contact::look(&site.app, &number, "seat03", "回访").await.unwrap();
        assert_eq!((look.number.as_deref(), look.name.as_deref()), (Some("13812346027"), Some("欧阳建国")));

        let typed = lamp_and(&[("name", "欧阳建国"), ("phone", "13812346027"), ("anonymous", "1")]);
        let (number, _) = receipt_of(&send(&site, &visit(&site).await, &typed, &[]).await);
        assert!(contact::look(&site.app, &number, "seat03", "回访").await.is_err(), "{}", site.name);
        assert_eq!(count(&site, "select count(*) from contacts").await, 1, "{}", site.name);
    }
}

/// What cannot be taken comes back with each reason and all that was typed, and is no case; so does what a program fills in.
#[tokio::test]
async fn what_is_wrong_is_said() {
    for site in county().await {
        let visitor = visit(&site).await;
        for (typed, why) in [
            (vec![("matter", "odd"), ("text", "踩上去会翻"), ("place", "巷口")], "请选择事由"),
            (vec![("matter", "request"), ("text", "踩上去会翻"), ("place", " ")], "请写明在哪里"),
            (lamp_and(&[("latitude", "34"), ("longitude", "x")]), "位置不对"),
            (lamp_and(&[("phone", "call me")]), "电话请写"),
            (lamp_and(&[("call_back", "1")]), "要回电话请留下电话"),
        ] {
            let refused = send(&site, &visitor, &typed, &[]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
            let text = typed.iter().find(|(name, _)| *name == "text").unwrap().1.split('\r').next().unwrap();
            assert!(refused.text.contains(why) && refused.text.contains(text), "{why}: {}", refused.text);
        }
        // The field that nobody sees, filled in.
        let mut body =
            format!("csrf={}&form={}&website=http%3A%2F%2Fspam.example", visitor.csrf, visitor.form);
        for (name, value) in LAMP {
            body += &format!("&{name}={}", crate::web::guard::percent(value));
        }
        let request = Request::post("/report")
            .header(header::COOKIE, &visitor.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let trapped = site.send(request).await;
        assert_eq!(trapped.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", trapped.text);
        assert!(
            trapped.text.contains("像程序自动提交") && trapped.text.contains("路灯不亮"),
            "{}",
            trapped.text
        );
        assert_eq!(count(&site, CASES).await, 0, "{}", site.name);
    }
}

/// A form that lay on another site, one without its cookie, and one whose cookie is another's are refused before anything of
/// them is kept.
#[tokio::test]
async fn foreign_forms_are_refused() {
    for site in county().await {
        let visitor = visit(&site).await;
        let foreign = send_from(&site, &visitor, &LAMP, &[photo(1)], "cross-site").await;
        let bare = Visitor { cookie: "x=y".into(), ..visit(&site).await };
        let bare = send(&site, &bare, &LAMP, &[photo(1)]).await;
        let other = Visitor { csrf: "0".repeat(32), ..visit(&site).await };
        let other = send(&site, &other, &LAMP, &[photo(1)]).await;
        for (what, answer) in [("cross-site", foreign), ("no cookie", bare), ("another's", other)] {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}, {}", site.name);
        }
        assert_eq!(count(&site, CASES).await, 0, "{}", site.name);
        assert_eq!(count(&site, "select count(*) from attachments").await, 0, "{}", site.name);
    }
}

/// Files that are no pictures, and too many, are refused in words; the texts and the pictures that are ones are kept, and go
/// along when the form is sent again.
#[tokio::test]
async fn hostile_files_are_refused() {
    for site in county().await {
        let visitor = visit(&site).await;
        let svg = b"<svg onload=alert(1)>".to_vec();
        for hostile in [svg, photo(1)[..60].to_vec(), b"<html><script>alert(1)</script>".to_vec()] {
            let refused = send(&site, &visitor, &LAMP, &[hostile]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
            assert!(
                refused.text.contains("不是 JPEG、PNG 或 WebP 照片") && refused.text.contains("路灯不亮")
            );
        }
        let many = send(&site, &visitor, &LAMP, &[photo(1), photo(2), photo(3), photo(4), photo(5)]).await;
        assert_eq!(many.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(many.text.contains("一次最多 4 张照片"), "{}", many.text);
        let large = send(&site, &visitor, &LAMP, &[vec![0xff; (5 << 20) + 1]]).await;
        assert_eq!(large.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", large.text);
        assert!(large.text.contains("照片超过 5 MB"), "{}", large.text);
        assert_eq!(count(&site, CASES).await, 0, "{}", site.name);
        let kept: Vec<&str> = many
            .text
            .split("name=\"attachment\" value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(kept.len(), 4, "{kept:?}");
        let again: Vec<(&str, &str)> = kept.iter().map(|id| ("attachment", *id)).collect();
        let stranger = send(&site, &visit(&site).await, &lamp_and(&again), &[]).await;
        assert_eq!(stranger.status, StatusCode::UNPROCESSABLE_ENTITY, "{}: not his pictures", site.name);
        let (number, _) = receipt_of(&send(&site, &visitor, &lamp_and(&again), &[]).await);
        let (_, rows) = case_of(&site, &number).await;
        assert_eq!(rows[1]["detail"]["files"].as_array().map(Vec::len), Some(4), "{}", site.name);
    }
}

/// The matter that a citizen chose is that by which the policy limits his case, from the first clock on: advice is answered
/// sooner than a complaint is settled, and each closes its own way.
#[tokio::test]
async fn the_matter_chooses_the_limit() {
    const DAY_MS: i64 = 86_400_000;
    for site in county().await {
        let mut due = Vec::new();
        for matter in ["enquiry", "complaint", "suggestion", "request"] {
            let mut typed = LAMP.to_vec();
            typed[0].1 = matter;
            let (number, _) = receipt_of(&send(&site, &visit(&site).await, &typed, &[]).await);
            let (app, tenant) = (&site.app, site.app.tenant().as_str());
            for step in [
                Step::File { category: "noise".into(), note: String::new() },
                Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() },
            ] {
                let id = app.new_id();
                workflow::store::take(&app.db, tenant, &number, &step, &Actor::hub(), app.step_with(&id))
                    .await
                    .unwrap_or_else(|error| panic!("{matter}: {error}"));
            }
            let mut tx = app.db.begin_read().await.unwrap();
            let dossier = workflow::store::load(&mut tx, tenant, &number).await.unwrap().unwrap();
            drop(tx);
            assert_eq!(dossier.facts.matter, matter, "{}", site.name);
            let clock = dossier.clocks.iter().find(|clock| clock.kind == ClockKind::Handle).unwrap();
            let policy = app.policies.newest(&app.db, tenant, START).await.unwrap();
            due.push((clock.due_at.unwrap().0 - START.0, policy.limits(dossier.matter()).closes));
        }
        let [(enquiry, by_call), (complaint, _), (suggestion, by_report), (request, _)] = due[..] else {
            panic!("{due:?}")
        };
        assert_eq!((by_call, by_report), (Closes::CallBack, Closes::Report), "{}", site.name);
        assert!(enquiry >= 3 * DAY_MS && enquiry < 8 * DAY_MS, "{}: {due:?}", site.name);
        assert!(complaint == suggestion && complaint >= 13 * DAY_MS, "{}: {due:?}", site.name);
        assert_ne!(request, complaint, "{}: what no rule names has the category's", site.name);
    }
}

/// Whatever stops a form, what was typed comes back with it: one that comes too often, one whose page has expired, one that is too
/// large. One that lay on another site's page brings nothing back, whoever says so.
#[tokio::test]
async fn a_refused_form_keeps_its_words() {
    for site in county().await {
        let typed = lamp_and(&[("name", "欧阳"), ("phone", "13812346027")]);
        let keeps = |answer: &Answer, what: &str| {
            for words in ["路灯不亮", "东关巷 3 号", "value=\"欧阳\"", "value=\"request\" required checked"]
            {
                assert!(
                    answer.text.contains(words),
                    "{what}, {}: {words} is not in {}",
                    site.name,
                    answer.text
                );
            }
        };
        let expired = Visitor { cookie: "x=y".into(), ..visit(&site).await };
        let answer = send(&site, &expired, &typed, &[photo(1)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        keeps(&answer, "expired");
        // With the page that came back it goes through.
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let again =
            Visitor { cookie, csrf: hidden(&answer.text, "csrf"), form: hidden(&answer.text, "form") };
        receipt_of(&send(&site, &again, &typed, &[]).await);

        let visitor = visit(&site).await;
        let long = "长".repeat(20_000);
        let mut large = typed.clone();
        large.insert(0, ("odd", &long));
        let answer = send(&site, &visitor, &large, &[]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text);
        keeps(&answer, "large");

        for from in ["cross-site", "none"] {
            let stranger = Visitor { cookie: "x=y".into(), ..visit(&site).await };
            let answer = send_from(&site, &stranger, &typed, &[], from).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert!(
                !answer.text.contains("路灯不亮") && !answer.text.contains("欧阳"),
                "{from}: {}",
                answer.text
            );
        }
        while limit::allow(&site.app, "unknown").await.unwrap() {}
        let answer = send(&site, &visitor, &typed, &[photo(1)]).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        keeps(&answer, "too many");
        assert_eq!(count(&site, "select count(*) from attachments").await, 0, "{}", site.name);
        assert_eq!(count(&site, CASES).await, 1, "{}", site.name);
    }
}

/// A database that fails says so, and the form comes back as the same one: sent again when it is well, it is one matter.
#[tokio::test]
async fn a_busy_database_loses_nothing() {
    for site in county().await {
        let visitor = visit(&site).await;
        for (away, back) in [
            ("alter table cases rename to cases_away", "alter table cases_away rename to cases"),
            (
                "alter table public_tries rename to tries_away",
                "alter table tries_away rename to public_tries",
            ),
        ] {
            site.app.db.execute(away, args![]).await.unwrap();
            let answer = send(&site, &visitor, &LAMP, &[]).await;
            site.app.db.execute(back, args![]).await.unwrap();
            let status = answer.status;
            assert!(status.is_server_error(), "{away}: {status} {}", answer.text);
            assert!(answer.text.contains("中心正忙") && answer.text.contains("路灯不亮"), "{}", answer.text);
            assert_eq!(hidden(&answer.text, "form"), visitor.form, "{}: the same form", site.name);
        }
        let first = receipt_of(&send(&site, &visitor, &LAMP, &[]).await);
        assert_eq!(receipt_of(&send(&site, &visitor, &LAMP, &[]).await), first, "{}", site.name);
        assert_eq!(count(&site, CASES).await, 1, "{}", site.name);
    }
}

/// From one address twenty forms an hour are read, wrong ones too; then none until the first is an hour old.
#[tokio::test]
async fn too_many_are_stopped() {
    for site in county().await {
        let visitor = visit(&site).await;
        for _ in 0..limit::MOST_OF_ADDRESS {
            let read = send(&site, &visitor, &[("matter", "odd")], &[]).await;
            assert_eq!(read.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", site.name);
        }
        let stopped = send(&site, &visitor, &LAMP, &[photo(1)]).await;
        assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS, "{}", stopped.text);
        assert!(stopped.text.contains("提交次数过多"), "{}", stopped.text);
        assert_eq!(
            count(&site, "select count(*) from attachments").await,
            0,
            "{}: nothing was read",
            site.name
        );
        site.clock.advance_ms(limit::WINDOW_MS);
        receipt_of(&send(&site, &visitor, &LAMP, &[]).await);
        assert_eq!(count(&site, CASES).await, 1, "{}", site.name);
    }
}

/// All addresses together have a bound of their own, and what is refused does not count.
#[tokio::test]
async fn everybody_together_has_a_bound() {
    for site in county().await {
        let app = &site.app;
        let mut allowed = 0;
        for nth in 0..limit::MOST_OF_ALL + 20 {
            let address = format!("192.0.{}.{}", nth / 10 / 250, nth / 10 % 250 + 1);
            allowed += i64::from(limit::allow(app, &address).await.unwrap());
        }
        assert_eq!(allowed, limit::MOST_OF_ALL, "{}", site.name);
        let tries = count(&site, "select count(*) from public_tries where subject = 'ask/all'").await;
        assert_eq!(tries, limit::MOST_OF_ALL, "{}", site.name);
        site.clock.advance_ms(limit::WINDOW_MS);
        assert!(limit::allow(app, "192.0.2.9").await.unwrap(), "{}", site.name);
    }
}
