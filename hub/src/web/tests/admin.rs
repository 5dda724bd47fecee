//! The pages of administration as a browser meets them, on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::site::{Browser, START, Site, sites};
use crate::args;
use crate::organisation::{self, AreaPath};
use crate::policy::{self, effect};
use crate::user::{self, Grant, Role};
use crate::web::guard::percent;
use crate::workflow::{self, Actor, Step};

const AREAS: &str =
    "id,name,level,parent\ncounty,县,county,\nnorth,北镇,town,county\nsouth,南镇,town,county\n";

/// `north` administers one of two towns, `eye` audits everything.
async fn county(site: &Site) {
    let (app, tenant) = (&site.app, site.app.tenant().as_str());
    assert!(
        organisation::testing::import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap().done
    );
    let at = |role, area: &str| Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
    for (name, grant) in [
        ("north", at(Role::Administrator, "/county/north/")),
        ("wang", at(Role::TownOfficer, "/county/south/")),
        ("eye", at(Role::Auditor, "/")),
    ] {
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).map_or(rest, |(found, _)| found)
}

async fn count(site: &Site, sql: &'static str, name: &str) -> i64 {
    let (count,): (i64,) = site.app.db.fetch_one(sql, args![name]).await.unwrap();
    count
}

const PAGES: [&str; 17] = [
    "/admin",
    "/admin/users",
    "/admin/users/wang",
    "/admin/areas",
    "/admin/units",
    "/admin/duty",
    "/admin/imports",
    "/admin/imports/areas",
    "/admin/imports/policies",
    "/admin/basemaps",
    "/admin/policies",
    "/admin/policies/1",
    "/admin/categories",
    "/admin/gazetteer",
    "/admin/knowledge",
    "/admin/audit",
    "/admin/access",
];

/// Every page is there for who administers and for who audits; the auditor finds no form that changes anything.
#[tokio::test]
async fn every_page_is_there() {
    for site in sites().await {
        county(&site).await;
        let (admin, eye) = (site.log_in("admin").await, site.sign_in("eye").await);
        for path in PAGES {
            let page = site.get(path, Some(&admin)).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            let english = site.get(&format!("{path}?lang=en"), Some(&admin)).await.text;
            assert!(english.contains("Access register") && !english.contains("查阅登记"), "{path}");
            let page = site.get(path, Some(&eye)).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            assert!(
                !page.text.contains("method=\"post\" action=\"/admin"),
                "{path} has a form for an auditor"
            );
        }
        let overview = site.get("/admin", Some(&admin)).await.text;
        for missing in ["没有节假日表的年份：2027", "没有底图", "没有网格图", "没有排班", "没有部门负责人"]
        {
            assert!(overview.contains(missing), "{missing}: {overview}");
        }
        assert!(!overview.contains("没有审计员"), "there is one");
        for (path, kind) in [("/admin/audit.csv", "audit-"), ("/admin/access.csv", "access-")] {
            let sheet = site.get(path, Some(&eye)).await;
            assert!(sheet.header("content-disposition").contains(kind), "{path}");
        }
        let register = site.get("/admin/access?person=eye", Some(&admin)).await.text;
        assert!(register.contains("下载 查阅登记"), "a download of a register is a row of it: {register}");
        assert_eq!(site.get("/admin/audit?from=odd", Some(&admin)).await.status, StatusCode::OK);
    }
}

/// A new user gets a password that is shown once, can do nothing before it is changed, and then everything that is his.
#[tokio::test]
async fn a_first_password_is_changed() {
    for site in sites().await {
        county(&site).await;
        let north = site.sign_in("north").await;
        let form = format!("csrf={}&name=chen&role=town_officer&area=north", north.csrf);
        let page = site.post("/admin/users", &north, &form).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let password = between(&page.text, "admin__secret\">", "<").to_owned();
        assert!(!site.get("/admin/users", Some(&north)).await.text.contains(&password), "shown once");
        let again = site.post("/admin/users", &north, &form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "sent twice, made once");
        assert!(again.text.contains("已有这个用户名") && again.text.contains("value=\"chen\""));
        let wide = format!("csrf={}&name=zhao&role=operator&area=", north.csrf);
        let refused = site.post("/admin/users", &north, &wide).await;
        assert!(refused.text.contains("超出您管理的区域"), "{}", refused.text);

        let login = format!("name=chen&password={password}&next=/cases");
        let answer = site.send(Request::post("/login").body(Body::from(login)).unwrap()).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let mut chen = Browser { cookie, csrf: String::new() };
        let held = site.get("/cases", Some(&chen)).await;
        assert_eq!((held.status, held.header("location")), (StatusCode::SEE_OTHER, "/me?due=password"));
        assert_eq!(site.get("/api/v1/cases", Some(&chen)).await.status, StatusCode::FORBIDDEN);
        let me = site.get("/me", Some(&chen)).await.text;
        assert!(me.contains("请先修改"), "{me}");
        chen.csrf = between(&me, "name=\"csrf\" content=\"", "\"").to_owned();
        let new = "a+password+of+his+own";
        let form = format!("csrf={}&old={password}&new={new}&again={new}", chen.csrf);
        assert_eq!(site.post("/me/password", &chen, &form).await.header("location"), "/me?done=password");
        assert_eq!(site.get("/cases", Some(&chen)).await.status, StatusCode::OK, "{}", site.name);
    }
}

/// Who is removed is out at once: the session, the browsers, the roles; the name stays, and is nobody else's. The name has to
/// be typed, and who is of another town is not there.
#[tokio::test]
async fn who_is_removed_is_out() {
    for site in sites().await {
        county(&site).await;
        let (admin, north, seat) =
            (site.log_in("admin").await, site.sign_in("north").await, site.log_in("seat03").await);
        let tenant = site.app.tenant().as_str();
        site.app
            .db
            .execute(
                "insert into push_subscriptions (tenant, push_id, user_name, endpoint, p256dh, auth, label,
                     created_at_ms) values ($1, 'p1', 'seat03', 'https://push.test/x', 'k', 'a', 'x', 1)",
                args![tenant],
            )
            .await
            .unwrap();
        let page = "/admin/users/seat03";
        assert_eq!(site.get(page, Some(&north)).await.status, StatusCode::NOT_FOUND);
        let remove = |who: &Browser, confirm: &str| format!("csrf={}&act=remove&confirm={confirm}", who.csrf);
        assert_eq!(site.post(page, &north, &remove(&north, "seat03")).await.status, StatusCode::NOT_FOUND);
        let typed = site.post(page, &admin, &remove(&admin, "seat04")).await;
        assert!(typed.text.contains("没有移除"), "{}", typed.text);
        assert_eq!(site.get("/cases", Some(&seat)).await.status, StatusCode::OK, "still there");
        let done = site.post(page, &admin, &remove(&admin, "seat03")).await;
        assert_eq!(done.header("location"), "/admin/users/seat03?done=removed", "{}", done.text);
        let gone = site.get("/cases", Some(&seat)).await;
        assert!(gone.header("location").starts_with("/login"), "the session has ended, {}", site.name);
        let pushes = "select count(*) from push_subscriptions where user_name = $1";
        assert_eq!(count(&site, pushes, "seat03").await, 0);
        assert_eq!(count(&site, "select count(*) from grants where user_name = $1", "seat03").await, 0);
        assert_eq!(count(&site, "select count(*) from users where name = $1", "seat03").await, 1);
        assert_eq!(count(&site, "select count(*) from audit where subject = $1", "seat03").await, 1);
        let login = "name=seat03&password=correct+horse+battery";
        let answer = site.send(Request::post("/login").body(Body::from(login)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let form = format!("csrf={}&name=seat03&role=operator", admin.csrf);
        assert!(site.post("/admin/users", &admin, &form).await.text.contains("已移除的用户"));
        let own = site.post("/admin/users/admin", &admin, &remove(&admin, "admin")).await;
        assert!(own.text.contains("不能收回自己的权限"), "{}", own.text);
    }
}

/// A lock ends sessions and shuts out; taken back, the same password opens again.
#[tokio::test]
async fn a_lock_shuts_out() {
    for site in sites().await {
        county(&site).await;
        let (admin, seat) = (site.log_in("admin").await, site.log_in("seat03").await);
        let act = |word: &str| format!("csrf={}&act={word}", admin.csrf);
        site.post("/admin/users/seat03", &admin, &act("lock")).await;
        assert!(site.get("/cases", Some(&seat)).await.header("location").starts_with("/login"));
        let login = "name=seat03&password=correct+horse+battery";
        let shut = site.send(Request::post("/login").body(Body::from(login)).unwrap()).await;
        assert_eq!(shut.status, StatusCode::UNAUTHORIZED, "{}", site.name);
        site.post("/admin/users/seat03", &admin, &act("unlock")).await;
        site.log_in("seat03").await;
    }
}

/// A sheet is tried on the page, its faults stand there with their places, and it is done when it is confirmed; a token that
/// is not the session's changes nothing.
#[tokio::test]
async fn a_sheet_is_tried_and_confirmed() {
    for site in sites().await {
        county(&site).await;
        let admin = site.log_in("admin").await;
        let tried = async |text: &str, csrf: &str| {
            let form = format!("csrf={csrf}&text={}", percent(text));
            site.post("/admin/imports/areas", &admin, &form).await
        };
        let bad = tried("id,name,level,parent\neast,东镇,town,nowhere\n", &admin.csrf).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(bad.text.contains("D (parent)") && bad.text.contains("没有区域"), "{}", bad.text);
        assert!(!bad.text.contains("name=\"sha256\"") && bad.text.contains("east,东镇"), "the text is kept");
        let good = "id,name,level,parent\neast,东镇,town,county\n";
        assert_eq!(tried(good, "0").await.status, StatusCode::FORBIDDEN);
        let shown = tried(good, &admin.csrf).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
        let areas = "select count(*) from areas where area = $1";
        assert_eq!(count(&site, areas, "east").await, 0, "a trial changes nothing");
        let sha256 = between(&shown.text, "name=\"sha256\" value=\"", "\"").to_owned();
        let confirm = |sha256: &str| format!("csrf={}&sha256={sha256}", admin.csrf);
        let other = site.post("/admin/imports/areas/confirm", &admin, &confirm(&"0".repeat(64))).await;
        assert_eq!((other.status, count(&site, areas, "east").await), (StatusCode::CONFLICT, 0));
        let done = site.post("/admin/imports/areas/confirm", &admin, &confirm(&sha256)).await;
        assert!(done.status == StatusCode::OK && done.text.contains("已导入"), "{}", done.text);
        assert_eq!(count(&site, areas, "east").await, 1, "{}", site.name);
        let twice = site.post("/admin/imports/areas/confirm", &admin, &confirm(&sha256)).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        // Beside that of the command line, from before.
        let of_pages = "select count(*) from audit where act = $1 and made_by = 'user:admin'";
        assert_eq!(count(&site, of_pages, "import_areas").await, 1, "{}", site.name);
        let north = site.sign_in("north").await;
        let form = format!("csrf={}&text=x&note=x", north.csrf);
        let refused = site.post("/admin/imports/policies", &north, &form).await;
        assert!(refused.text.contains("只有负责全县的管理员"), "{}", refused.text);
    }
}

/// A file of a browser's form is taken like a pasted text.
#[tokio::test]
async fn a_file_is_taken() {
    for site in sites().await {
        let admin = site.log_in("admin").await;
        let body = format!(
            "--b0\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--b0\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n{AREAS}\r\n--b0\r\nContent-Disposition: \
             form-data; name=\"text\"\r\n\r\n\r\n--b0--\r\n",
            admin.csrf
        );
        let request = Request::post("/admin/imports/areas")
            .header("cookie", &admin.cookie)
            .header("content-type", "multipart/form-data; boundary=b0")
            .body(Body::from(body))
            .unwrap();
        let shown = site.send(request).await;
        assert!(shown.status == StatusCode::OK && shown.text.contains("name=\"sha256\""), "{}", shown.text);
    }
}

/// A base map is brought on a page and checked as the command line does it: it is in force, on record, and can be taken away; a
/// foreign file is refused in words, leaves nothing, and nobody brings one who administers a part alone.
#[tokio::test]
async fn a_base_map_is_brought() {
    for site in sites().await {
        let admin = site.log_in("admin").await;
        let send = async |browser: &Browser, csrf: &str, content: &[u8]| {
            let mut body = format!(
                "--b0\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--b0\r\nContent-Disposition: \
                 form-data; name=\"file\"; filename=\"county.pmtiles\"\r\n\r\n"
            )
            .into_bytes();
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n--b0--\r\n");
            let request = Request::post("/admin/basemaps")
                .header("cookie", &browser.cookie)
                .header("content-type", "multipart/form-data; boundary=b0")
                .body(Body::from(body))
                .unwrap();
            site.send(request).await
        };
        let tiles = crate::basemap::tests::tiles(crate::basemap::tests::COUNTY);
        for (content, why) in
            [(b"PK\x03\x04 a zip".as_slice(), "这不是 PMTiles 文件"), (&tiles[..130], "文件"), (b"", "没有")]
        {
            let refused = send(&admin, &admin.csrf, content).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}: {}", site.name, refused.text);
            assert!(
                refused.text.contains("role=\"alert\"") && refused.text.contains(why),
                "{}",
                refused.text
            );
        }
        assert_eq!(send(&admin, "wrong", &tiles).await.status, StatusCode::FORBIDDEN, "{}", site.name);
        let folder = site.app.data_dir().join("basemaps");
        let kept = || std::fs::read_dir(&folder).map_or(0, |files| files.count());
        assert_eq!(kept(), 0, "{}: what is refused leaves nothing", site.name);
        let done = send(&admin, &admin.csrf, &tiles).await;
        assert_eq!(
            (done.status, done.header("location")),
            (StatusCode::SEE_OTHER, "/admin/basemaps?done=unknown"),
            "{}",
            done.text
        );
        let page = site.get("/admin/basemaps", Some(&admin)).await.text;
        assert!(page.contains("county.pmtiles") && page.contains("在用"), "{page}");
        let list = site.get("/api/v1/basemaps", Some(&admin)).await.json();
        let sha256 = list["basemaps"][0]["sha256"].as_str().unwrap().to_owned();
        let form = format!("csrf={}&sha256={sha256}", admin.csrf);
        assert_eq!(site.post("/admin/basemaps/remove", &admin, &form).await.status, StatusCode::SEE_OTHER);
        assert_eq!(site.post("/admin/basemaps/remove", &admin, &form).await.status, StatusCode::NOT_FOUND);
        assert_eq!(kept(), 0, "{}", site.name);
        let audit = site.get("/api/v1/audit", Some(&admin)).await.json();
        let acts: Vec<_> = audit["audit"].as_array().unwrap().iter().map(|row| row["act"].clone()).collect();
        assert_eq!(acts, ["basemap_removed", "import_basemap"], "{}", site.name);
        county(&site).await;
        let north = site.sign_in("north").await;
        let refused = send(&north, &north.csrf, &tiles).await;
        assert_eq!((refused.status, kept()), (StatusCode::UNPROCESSABLE_ENTITY, 0), "{}", site.name);
    }
}

/// By a small history: an emergency that took two hours was in time by four, and would be late by one. The page says so
/// beside what differs.
#[tokio::test]
async fn a_policy_is_held_against_the_past() {
    for mut site in sites().await {
        county(&site).await;
        organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        site.raise_camera("north", "北口").await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        site.give_to(&number, "housing").await;
        let (app, tenant) = (site.app.clone(), site.app.tenant().as_str().to_owned());
        site.clock.advance_ms(2 * 3_600_000);
        for step in [
            Step::Accept {},
            Step::Report { result: "已处理".into() },
            Step::Check { agrees: true, note: "看过".into() },
            Step::Close { note: String::new() },
        ] {
            let id = app.new_id();
            workflow::store::take(&app.db, &tenant, &number, &step, &Actor::hub(), app.step_with(&id))
                .await
                .unwrap_or_else(|error| panic!("{step:?}: {error}"));
        }
        let text = policy::DEFAULT.replace("handle = \"4 hours\"", "handle = \"1 hour\"");
        let pasts = effect::pasts(&app.db, &tenant).await.unwrap();
        let new = policy::Policy::read(&text, 0, &app.zone).unwrap();
        let rows = effect::effect(&pasts, &new);
        let handle: Vec<_> = rows.iter().filter(|row| row.clock == workflow::ClockKind::Handle).collect();
        assert_eq!(handle.len(), 1, "{rows:?}");
        assert_eq!((handle[0].cases, handle[0].late_then, handle[0].late_new), (1, 0, 1), "{}", site.name);
        let form = format!("csrf={}&note=faster&text={}", admin.csrf, percent(&text));
        let page = site.post("/admin/imports/policies", &admin, &form).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        for part in ["4小时", "1小时", "admin__line--new", "handle = &#34;1 hour&#34;", "name=\"sha256\""]
        {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
        assert_eq!(policy::store::list(&app.db, &tenant).await.unwrap().len(), 1, "only tried");
        let sha256 = between(&page.text, "name=\"sha256\" value=\"", "\"").to_owned();
        let form = format!("csrf={}&sha256={sha256}", admin.csrf);
        let done = site.post("/admin/imports/policies/confirm", &admin, &form).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        let list = policy::store::list(&app.db, &tenant).await.unwrap();
        assert_eq!((list[0].version, list[0].made_by.as_str()), (2, "user:admin"));
        let old = site.get("/admin/policies/1", Some(&admin)).await.text;
        assert!(old.contains("admin__line--gone"), "an old version shows what differs: {old}");
    }
}
