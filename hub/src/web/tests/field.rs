//! The page for people of the grids, by plain forms and as a browser keeps it, on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;

use super::site::{Answer, Browser, START, Site, sites};
use super::workflow::people;
use crate::args;
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role};
use crate::workflow::{self, Actor, Step};

const GRID: &str = "/county/north/dongguan/g1/";

async fn grids() -> Vec<Site> {
    let all = sites().await;
    for site in &all {
        people(site).await;
        for (name, role, area) in [
            ("informant", Role::Informant, GRID),
            ("elsewhere", Role::GridManager, "/county/south/"),
            ("community", Role::CommunityOfficer, "/county/north/dongguan/"),
        ] {
            let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
            let (app, one) = (&site.app, (name, "correct horse battery", &grant));
            user::testing::add_with(&app.db, app.tenant().as_str(), &app.chance, START, one).await.unwrap();
        }
    }
    all
}

/// A small picture; another `number` is another one.
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

/// A form with files, as browsers send it.
async fn fills_in(
    site: &Site,
    path: &str,
    who: &Browser,
    typed: &[(&str, &str)],
    files: &[Vec<u8>],
) -> Answer {
    let mut body = Vec::new();
    let mut part = |head: String, content: &[u8]| {
        body.extend(format!("--b0\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend(content);
        body.extend(b"\r\n");
    };
    part("name=\"csrf\"".to_owned(), who.csrf.as_bytes());
    for (name, value) in typed {
        part(format!("name=\"{name}\""), value.as_bytes());
    }
    for file in files {
        part("name=\"picture\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg".to_owned(), file);
    }
    body.extend(b"--b0--\r\n");
    let request = Request::post(path)
        .header(header::COOKIE, &who.cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b0")
        .body(Body::from(body))
        .unwrap();
    site.send(request).await
}

/// What a page's form brings by itself.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn count(site: &Site, sql: &'static str) -> i64 {
    let (count,): (i64,) = site.app.db.fetch_one(sql, args![]).await.unwrap();
    count
}

const CASES: &str = "select count(*) from cases";

/// A matter of the grid, reported by its manager.
async fn reported(site: &Site, who: &Browser) -> String {
    let body = json!({"title": "路灯不亮", "text": "三天了", "place": "东关巷北口"});
    let made = site.json("POST", "/api/v1/cases", who, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["number"].as_str().unwrap().to_owned()
}

/// Up to where a unit has reported its result.
async fn verifying(site: &Site, number: &str) {
    for step in [
        Step::File { category: "street_facility".into(), note: String::new() },
        Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() },
        Step::Accept {},
        Step::Report { result: "已换灯泡".into() },
    ] {
        let (app, id) = (&site.app, site.app.new_id());
        let with = app.step_with(&id);
        workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
            .await
            .unwrap_or_else(|error| panic!("{step:?}: {error}"));
    }
}

/// Each sees what waits in his own grid, and nobody else's; an informant sees what only the manager may do, and who may; the
/// community sees its grids' checks, not what a grid has in hand.
#[tokio::test]
async fn everybody_sees_his_own_grid() {
    for site in grids().await {
        let manager = site.sign_in("manager").await;
        let number = reported(&site, &manager).await;
        let task = format!("id=\"task-{number}\"");
        for (name, sees) in
            [("manager", true), ("informant", true), ("elsewhere", false), ("community", false)]
        {
            let who = site.sign_in(name).await;
            let page = site.get("/field", Some(&who)).await;
            assert_eq!(page.status, StatusCode::OK, "{name}");
            assert_eq!(page.text.contains(&task), sees, "{name}, {}", site.name);
            assert_eq!(page.text.contains("自行处置，结案</button></p>"), name == "manager", "{name}");
            let may_open = ["manager", "informant", "community"].contains(&name);
            let opened = site.get(&format!("/field/cases/{number}"), Some(&who)).await.status;
            assert_eq!(opened == StatusCode::NOT_FOUND, !may_open, "{name}: {opened}");
        }
        let informant = site.sign_in("informant").await;
        let page = site.get("/field", Some(&informant)).await.text;
        assert!(page.contains("以下角色可以操作：网格管理员"), "{}: why not is said", site.name);
        verifying(&site, &number).await;
        for (name, sees) in
            [("manager", true), ("informant", true), ("elsewhere", false), ("community", true)]
        {
            let who = site.sign_in(name).await;
            let page = site.get("/field", Some(&who)).await.text;
            assert_eq!(page.contains(&task) && page.contains("已换灯泡"), sees, "{name}, {}", site.name);
        }
        for name in ["housing", "seat03", "admin"] {
            let who = site.sign_in(name).await;
            assert_eq!(site.get("/field", Some(&who)).await.status, StatusCode::FORBIDDEN, "{name}");
        }
    }
}

/// A report by the plain form, with a picture, handled on the spot: one case, closed, with its place and what was done, however
/// often the form is sent; it is in the list of whoever reported it.
#[tokio::test]
async fn a_report_from_the_spot() {
    for site in grids().await {
        let manager = site.sign_in("manager").await;
        let page = site.get("/field", Some(&manager)).await.text;
        let form = hidden(&page, "form");
        let typed = [
            ("form", form.as_str()),
            ("title", "井盖松动"),
            ("text", "踩上去会翻"),
            ("place", "东关巷北口"),
            ("latitude", "34.5105"),
            ("longitude", "107.4012"),
            ("severity", "major"),
            ("area", "g1"),
            ("handled", "1"),
            ("result", "已垫稳"),
        ];
        let sent = fills_in(&site, "/field/report", &manager, &typed, &[photo(1)]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let again = fills_in(&site, "/field/report", &manager, &typed, &[]).await;
        assert_eq!(again.header("location"), sent.header("location"), "{}: {}", site.name, again.text);
        assert_eq!(count(&site, CASES).await, 1, "{}", site.name);
        let location = sent.header("location");
        let number =
            location.strip_prefix("/field?reported=").unwrap().strip_suffix("#mine").unwrap().to_owned();
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&manager)).await.json();
        assert_eq!((case["state"].as_str(), case["severity"].as_str()), (Some("closed"), Some("major")));
        let rows = case["history"].as_array().unwrap();
        let actions: Vec<_> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["told", "attached", "handled_here"], "{}", site.name);
        assert_eq!(case["evidence"].as_array().map(Vec::len), Some(1), "{case}");
        let (location,): (String,) =
            site.app.db.fetch_one("select location from cases", args![]).await.unwrap();
        assert!(location.contains("34.5105"), "{location}");
        let page = site.get(&format!("/field?reported={number}"), Some(&manager)).await.text;
        assert!(
            page.contains(&format!("已上报，案号 {number}"))
                && page.contains(&format!("href=\"/cases/{number}\""))
        );
        let hostile = site.get("/field?reported=%3Cscript%3E", Some(&manager)).await.text;
        assert!(
            !hostile.contains("&#60;script") && !hostile.contains("<script>"),
            "only numbers are repeated"
        );
        let other = site.sign_in("informant").await;
        let page = site.get("/field", Some(&other)).await.text;
        assert!(page.contains("您还没有上报过事项"), "{}: the list is one's own", site.name);
    }
}

/// A report that cannot be taken comes back with the reason and all that was typed, its picture too, and leaves no case.
#[tokio::test]
async fn a_refused_report_keeps_its_words() {
    for site in grids().await {
        let manager = site.sign_in("manager").await;
        for (more, why) in [
            (vec![("title", ""), ("place", "巷口")], "没有提交：请填写或选择：什么事"),
            (vec![("title", "井盖"), ("place", "")], "没有提交：请填写或选择：在哪里"),
            (
                vec![("title", "井盖"), ("place", "巷口"), ("handled", "1")],
                "没有提交：请填写或选择：怎么处置的",
            ),
            (vec![("title", "井盖"), ("place", "巷口"), ("area", "south")], "不在您的网格内"),
            (
                vec![("title", "井盖"), ("place", "巷口"), ("latitude", "34"), ("longitude", "x")],
                "没有提交：位置不对",
            ),
        ] {
            let typed = [vec![("text", "踩上去会翻")], more].concat();
            let refused = fills_in(&site, "/field/report", &manager, &typed, &[photo(2)]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}: {}", refused.text);
            assert!(refused.text.contains(why) && refused.text.contains("踩上去会翻"), "{why}");
            assert!(refused.text.contains("name=\"attachment\" value=\""), "{why}: its picture waits");
        }
        assert_eq!(count(&site, CASES).await, 0, "{}", site.name);
        let svg = fills_in(
            &site,
            "/field/report",
            &manager,
            &[("title", "x"), ("text", "x"), ("place", "x")],
            &[b"<svg onload=alert(1)>".to_vec()],
        )
        .await;
        assert_eq!(svg.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", svg.text);
        assert_eq!(count(&site, CASES).await, 0, "{}: no case of a form with such a file", site.name);
        let blind = Browser { cookie: manager.cookie.clone(), csrf: "0".repeat(32) };
        let foreign = fills_in(&site, "/field/report", &blind, &[("title", "x")], &[photo(3)]).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    }
}

/// A check by the plain form is noted, sent twice it is noted once. One that was drawn before the case went on is refused; the
/// page says what has changed and keeps the words; a draft is told the same.
#[tokio::test]
async fn checks_and_conflicts() {
    for site in grids().await {
        let (manager, informant) = (site.sign_in("manager").await, site.sign_in("informant").await);
        let number = reported(&site, &manager).await;
        verifying(&site, &number).await;
        let path = format!("/field/cases/{number}");
        let page = site.get("/field", Some(&informant)).await.text;
        let position = hidden(&page, "position");
        let check = |agrees: &'static str, note: &'static str, position: &str| {
            vec![
                ("move", "check".to_owned()),
                ("position", position.to_owned()),
                ("agrees", agrees.to_owned()),
                ("note", note.to_owned()),
            ]
        };
        let send = async |who: &Browser, typed: Vec<(&str, String)>| {
            let typed: Vec<(&str, &str)> = typed.iter().map(|(name, text)| (*name, text.as_str())).collect();
            fills_in(&site, &path, who, &typed, &[photo(4)]).await
        };
        let unsaid = send(&informant, check("", "两盏都亮", &position)).await;
        assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unsaid.text);
        assert!(unsaid.text.contains("两盏都亮"), "{}: its words are kept", site.name);
        for _ in 0..2 {
            let done = send(&informant, check("1", "两盏都亮", &position)).await;
            let told = (done.status, done.header("location").to_owned());
            assert_eq!(
                told,
                (StatusCode::SEE_OTHER, format!("/field?moved={number}#tasks")),
                "{}",
                done.text
            );
        }
        let late = send(&manager, check("0", "有一盏不亮", &position)).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
        assert!(late.text.contains("案件已有变化") && late.text.contains("有一盏不亮"), "{}", late.text);
        assert!(late.text.contains("informant · 现场核查"), "{}: what has changed is said", site.name);
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&manager)).await.json();
        let rows = case["history"].as_array().unwrap();
        let checks = rows.iter().filter(|row| row["action"] == "checked").count();
        assert_eq!(checks, 1, "{}", site.name);

        let changes = site.get(&format!("{path}/changes?after={position}"), Some(&manager)).await;
        assert_eq!(changes.status, StatusCode::OK);
        assert!(
            changes.text.contains("现场核查") && changes.text.contains("data-position=\""),
            "{}",
            changes.text
        );
        let none = site.get(&format!("{path}/changes?after=999"), Some(&manager)).await;
        assert!(!none.text.contains("<li>"), "{}", none.text);
        let elsewhere = site.sign_in("elsewhere").await;
        let hidden = site.get(&format!("{path}/changes?after=0"), Some(&elsewhere)).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", site.name);
        assert_eq!(
            site.get(&format!("{path}/changes?after=x"), Some(&manager)).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

/// The browser may be asked where it is on the two pages on which that is needed, and on no other. What can be installed says
/// so, with pictures of its own; nothing of it is loaded from elsewhere.
#[tokio::test]
async fn what_can_be_installed() {
    for site in grids().await {
        let manager = site.sign_in("manager").await;
        for (path, may) in
            [("/field", true), ("/report", true), ("/cases", false), ("/status", false), ("/me", false)]
        {
            let answer = site.get(path, Some(&manager)).await;
            let policy = answer.header("permissions-policy");
            assert_eq!(policy.contains("geolocation=(self)"), may, "{path}: {policy}");
            assert!(policy.contains("camera=(), microphone=()"), "{path}: {policy}");
            assert!(answer.header("content-security-policy").contains("manifest-src 'self'"), "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        let manifest = site.get("/manifest.webmanifest", None).await;
        assert_eq!(manifest.header("content-type"), "application/manifest+json");
        let manifest = manifest.json();
        assert_eq!(
            (manifest["name"].as_str(), manifest["start_url"].as_str()),
            (Some("哨点"), Some("/field"))
        );
        for icon in manifest["icons"].as_array().unwrap() {
            let picture = site.get(icon["src"].as_str().unwrap(), None).await;
            assert_eq!(picture.status, StatusCode::OK, "{icon}");
            assert_eq!(picture.header("content-type"), icon["type"].as_str().unwrap());
            if icon["type"] == "image/png" {
                assert!(picture.text.contains("PNG") && picture.text.contains("IEND"), "{icon}");
            }
        }
        let page = site.get("/field", Some(&manager)).await.text;
        assert!(page.contains("rel=\"manifest\" href=\"/manifest.webmanifest\""));
        assert!(page.contains("data-user=\"manager\"") && !page.contains("style="), "{page}");
    }
}

/// The worker keeps one page and its parts, which are there, gives it up when somebody logs out, and answers nothing else.
#[tokio::test]
async fn the_worker_keeps_one_page() {
    for site in grids().await {
        let worker = site.get("/sw.js", None).await.text;
        assert!(worker.contains("const PAGE = \"/field\""), "{worker}");
        let parts = worker.split_once("const PARTS = [").unwrap().1.split_once(']').unwrap().0;
        let parts: Vec<&str> = parts.split('"').skip(1).step_by(2).collect();
        assert!(parts.contains(&"/assets/field.js") && parts.contains(&"/assets/drafts.js"), "{parts:?}");
        for part in &parts {
            assert_eq!(site.get(part, None).await.status, StatusCode::OK, "{part}");
            assert!(part.starts_with("/assets/") || *part == "/manifest.webmanifest", "{part} is a page");
        }
        assert!(worker.contains("\"/logout\"") && worker.contains("caches.delete(KEPT)"));
        assert!(worker.contains("importScripts(\"/assets/drafts.js\")"));
        let keys: Vec<&str> = worker.matches("cache.put(").collect();
        assert_eq!(keys.len(), 1, "one place keeps, and it is asked for the page and its parts alone");
    }
}

/// Pages that were kept ask for their token anew.
#[tokio::test]
async fn the_session_tells_its_token() {
    for site in grids().await {
        let manager = site.sign_in("manager").await;
        let who = site.get("/api/v1/session", Some(&manager)).await.json();
        assert_eq!(
            (who["name"].as_str(), who["csrf"].as_str()),
            (Some("manager"), Some(manager.csrf.as_str()))
        );
        assert_eq!(site.get("/api/v1/session", None).await.status, StatusCode::UNAUTHORIZED);
    }
}
