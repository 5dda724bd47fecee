//! Who may report, what is kept of it, and that the same report sent twice is one.

use serde_json::Value;

use super::{Site, furnish, get, post, read, sites, text};
use crate::args;
use crate::case;
use crate::contact;
use crate::open311::key;
use crate::open311::request::REPEAT_MS;
use crate::user::{self, Role};
use crate::web::tests::site::START;

async fn number(site: &Site, fields: &[(&str, &str)], repeat: Option<&str>) -> String {
    let made = post(site, "requests.json", fields, repeat).await;
    assert_eq!(made.status, 201, "{}", made.text);
    text(&read(&made)[0]["service_request_id"])
}

async fn count(site: &Site, table: &str) -> i64 {
    let sql = match table {
        "cases" => "select count(*) from cases",
        "contacts" => "select count(*) from contacts",
        _ => "select count(*) from open311_requests",
    };
    let (count,): (i64,) = site.app.db.fetch_one(sql, args![]).await.unwrap();
    count
}

async fn told(site: &Site, number: &str) -> (case::Case, Value) {
    let tenant = site.app.tenant().as_str();
    let case = case::store::by_number(&site.app.db, tenant, "", number).await.unwrap().unwrap();
    let rows = case::store::history(&site.app.db, tenant, &case.case_id, None, 50).await.unwrap();
    let told = rows.iter().find(|row| row.action == "told").unwrap();
    assert_eq!(told.actor, "open311:weixin");
    (case, serde_json::from_str(&told.detail).unwrap())
}

/// A report is a case of a citizen, received by the county, in the grid of its place, with its words in the history; the
/// number to call back is sealed, told only to those who may know, and neither name nor number stands anywhere in clear.
#[tokio::test]
async fn a_report_becomes_a_case() {
    for site in sites().await {
        let key = furnish(&site).await;
        let fields = [
            ("api_key", key.as_str()),
            ("service_code", "noise"),
            ("lat", "34.51"),
            ("long", "107.41"),
            ("address_string", "东关巷 3 号"),
            ("description", "夜间施工"),
            ("phone", "138 1234 6027"),
            ("last_name", "欧阳"),
            ("email", "ouyang@example.org"),
            ("media_url", "https://example.org/a.jpg"),
        ];
        let number = number(&site, &fields, None).await;
        let (case, detail) = told(&site, &number).await;
        assert_eq!(
            (case.source.as_str(), case.state.as_str(), case.level.as_str()),
            ("citizen", "received", "county")
        );
        assert_eq!(
            (case.area.as_str(), case.place.as_deref()),
            ("/county/north/dongguan/g1/", Some("东关巷 3 号"))
        );
        let sql = "select grid_version from cases where number = $1";
        let (version,): (Option<i64>,) = site.app.db.fetch_one(sql, args![&number]).await.unwrap();
        assert_eq!(version, Some(1), "{}: the map by which its grid was found", site.name);
        assert_eq!(case.title_zh, "噪声扰民：夜间施工");
        assert_eq!(
            (detail["summary"].as_str(), detail["service_code"].as_str(), detail["media_url"].as_str()),
            (Some("夜间施工"), Some("noise"), Some("https://example.org/a.jpg"))
        );
        let seat = site.log_in("seat03").await;
        let contact = contact::look(&site.app, &number, "seat03", "回访").await.unwrap();
        let shown = serde_json::to_string(&contact).unwrap();
        assert!(shown.contains("13812346027") && shown.contains("欧阳"), "{shown}");
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await;
        let json = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await;
        for (what, text) in [("page", &page.text), ("json", &json.text), ("history", &detail.to_string())] {
            for private in ["13812346027", "138 1234", "欧阳", "ouyang@"] {
                assert!(!text.contains(private), "{private} on the {what}, {}", site.name);
            }
        }
        assert!(page.text.contains("夜间施工") && page.text.contains("https://example.org/a.jpg"));
    }
}

/// Without a key, with a guessed or a revoked one, nothing is reported; a key of an area reports there only; one of the
/// platform above reports as it.
#[tokio::test]
async fn keys_say_who_and_where() {
    for site in sites().await {
        furnish(&site).await;
        let app = &site.app;
        let (south, above) = (
            key::add(app, "south", Some("south"), false).await.unwrap(),
            key::add(app, "city", None, true).await.unwrap(),
        );
        let old = key::add(app, "old", None, false).await.unwrap();
        key::revoke(app, "old").await.unwrap();
        assert!(key::revoke(app, "old").await.is_err() && key::add(app, "old", None, false).await.is_err());
        assert!(key::add(app, "a b", None, false).await.is_err());
        assert!(key::add(app, "nowhere", Some("nowhere"), false).await.is_err());
        let before = count(&site, "cases").await;
        for (key, lat, status, says) in [
            ("", "34.51", 403, "api_key"),
            ("guessed", "34.51", 403, "api_key"),
            (&old, "34.51", 403, "api_key"),
            (&south, "34.51", 400, "does not lie where the key may report"),
            (&above, "91", 400, "no place on earth"),
        ] {
            for end in ["json", "xml"] {
                let fields = [("api_key", key), ("service_code", "noise"), ("lat", lat), ("long", "107.41")];
                let refused = post(&site, &format!("requests.{end}"), &fields, None).await;
                assert_eq!(refused.status, status, "{key}: {}", refused.text);
                assert!(text(&read(&refused)[0]["description"]).contains(says), "{}", refused.text);
            }
        }
        assert_eq!(count(&site, "cases").await, before, "{}", site.name);
        let at = [("lat", "34.51"), ("long", "107.41"), ("service_code", "noise")];
        let number = number(&site, &[&at[..], &[("api_key", above.as_str())]].concat(), None).await;
        let tenant = app.tenant().as_str();
        let case = case::store::by_number(&app.db, tenant, "", &number).await.unwrap().unwrap();
        assert_eq!(case.source, "platform");
        // Outside the map a key of an area reports into its area.
        let told = [("address_string", "南镇街口"), ("service_code", "noise"), ("api_key", south.as_str())];
        let number = self::number(&site, &told, None).await;
        let case = case::store::by_number(&app.db, tenant, "", &number).await.unwrap().unwrap();
        assert!(case.area.starts_with("/county/south/"), "{}", case.area);
        // Neither is a key a login, nor a login a key.
        let seat = user::testing::add(
            &app.db,
            tenant,
            &app.chance,
            START,
            ("other", "correct horse battery", Role::Operator),
        )
        .await;
        seat.unwrap();
        let browser = site.sign_in("other").await;
        let form = "service_code=noise&address_string=x";
        let refused = site.post("/open311/v2/requests.json", &browser, form).await;
        assert_eq!(refused.status, 403);
        assert_eq!(site.get(&format!("/api/v1/cases?api_key={above}"), None).await.status, 401);
    }
}

/// The same form with the same `Idempotency-Key` is one request for ten minutes, for its key alone; another form under it is
/// refused; without it each is a request.
#[tokio::test]
async fn the_same_form_twice_is_one_request() {
    for site in sites().await {
        let key = furnish(&site).await;
        let other = key::add(&site.app, "other", None, false).await.unwrap();
        let fields = [("api_key", key.as_str()), ("service_code", "noise"), ("address_string", "东关")];
        let first = number(&site, &fields, Some("a1")).await;
        assert_eq!(number(&site, &fields, Some("a1")).await, first);
        let again = post(&site, "requests.xml", &fields, Some("a1")).await;
        assert_eq!(text(&read(&again)[0]["service_request_id"]), first, "in the other format too");
        assert!(!again.text.contains("查询码"), "the code is told once");
        assert_eq!(count(&site, "requests").await, 1);
        let lost = get(&site, &format!("tokens/a1.json?api_key={key}")).await;
        assert_eq!(text(&read(&lost)[0]["service_request_id"]), first);
        assert_eq!(get(&site, "tokens/a1.json").await.status, 404, "nobody else's");
        assert_eq!(get(&site, &format!("tokens/a1.json?api_key={other}")).await.status, 404);
        let changed = [("api_key", key.as_str()), ("service_code", "noise"), ("address_string", "西关")];
        let refused = post(&site, "requests.json", &changed, Some("a1")).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains("Idempotency-Key"));
        let of_other = [("api_key", other.as_str()), ("service_code", "noise"), ("address_string", "东关")];
        assert_ne!(number(&site, &of_other, Some("a1")).await, first);
        assert_ne!(number(&site, &fields, Some("a2")).await, first);
        assert_ne!(number(&site, &fields, None).await, first);
        for odd in ["", "a b", &"x".repeat(201)] {
            let answer = post(&site, "requests.json", &fields, Some(odd)).await;
            assert_eq!(answer.status, if odd.is_empty() { 201 } else { 400 }, "{odd:?}: {}", answer.text);
        }
        let remark =
            [("api_key", key.as_str()), ("service_request_id", first.as_str()), ("description", "又响了")];
        let update = post(&site, "servicerequestupdates.json", &remark, Some("a1")).await;
        let same = post(&site, "servicerequestupdates.json", &remark, Some("a1")).await;
        assert_eq!((update.status.as_u16(), &update.text), (201, &same.text), "a remark too");
        site.clock.advance_ms(REPEAT_MS + 1);
        assert_ne!(number(&site, &fields, Some("a1")).await, first, "after ten minutes it is a new one");
        crate::open311::forget(&site.app, site.app.clock.now().plus_ms(REPEAT_MS + 1)).await.unwrap();
        let left: (i64,) =
            site.app.db.fetch_one("select count(*) from open311_repeats", args![]).await.unwrap();
        assert_eq!(left.0, 0, "{}", site.name);
    }
}

/// Forms that are odd are refused in words, in the format that was asked for, and leave nothing behind.
#[tokio::test]
async fn odd_forms_leave_nothing() {
    for site in sites().await {
        let key = furnish(&site).await;
        let before = count(&site, "cases").await;
        for (name, value, status) in [
            ("description", "a\u{0}b", 400),
            ("description", "a\u{1b}[31m", 400),
            ("address_string", "\u{7}", 400),
            ("service_code", "'; drop table cases; --", 404),
            ("service_code", "<x/>", 404),
            ("media_url", "file:///etc/passwd", 400),
            ("media_url", "https://a b", 400),
            ("lat", "1e999", 400),
            ("phone", "=1+1", 400),
            ("jurisdiction_id", "elsewhere", 404),
        ] {
            let mut fields = vec![("api_key", key.as_str()), (name, value)];
            for (own, plain) in [("service_code", "noise"), ("address_string", "东关"), ("long", "107.41")]
            {
                if own != name && (own != "long" || name == "lat") {
                    fields.push((own, plain));
                }
            }
            for end in ["json", "xml"] {
                let refused = post(&site, &format!("requests.{end}"), &fields, None).await;
                assert_eq!(refused.status, status, "{name} {value:?}: {}", refused.text);
                assert_eq!(text(&read(&refused)[0]["code"]), status.to_string());
            }
        }
        for path in
            ["requests/%00.xml", "tokens/%00.xml", "requests/%3Cx%3E.xml", "nothing%3Cx%3E.json", "requests"]
        {
            let answer = get(&site, path).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
            assert!(
                answer.header("content-type").starts_with("application/json") || !answer.text.contains("<x>")
            );
        }
        let json = axum::http::Request::post("/open311/v2/requests.json")
            .header("content-type", "application/json")
            .body(axum::body::Body::from("{}"))
            .unwrap();
        assert_eq!(site.send(json).await.status, 400);
        let long = "a".repeat(70_000);
        let large = [("api_key", key.as_str()), ("description", long.as_str())];
        assert_eq!(post(&site, "requests.json", &large, None).await.status, 400);
        assert_eq!(post(&site, "services.json", &large[..1], None).await.status, 405);
        assert_eq!(
            (count(&site, "cases").await, count(&site, "contacts").await),
            (before, 0),
            "{}",
            site.name
        );
    }
}

/// One key cannot flood the hub: after so many requests within an hour it waits.
#[tokio::test]
async fn a_key_has_its_share() {
    for site in sites().await {
        let key = furnish(&site).await;
        let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
        for at in 0..600 {
            db.execute(
                "insert into open311_requests (tenant, case_id, key_name, service_code, made_at_ms)
                 values ($1, $2, 'weixin', 'noise', $3)",
                args![tenant, format!("c{at}"), START],
            )
            .await
            .unwrap();
        }
        let fields = [("api_key", key.as_str()), ("service_code", "noise"), ("address_string", "东关")];
        assert_eq!(post(&site, "requests.json", &fields, None).await.status, 429, "{}", site.name);
        site.clock.advance_ms(3_600_001);
        assert_eq!(post(&site, "requests.json", &fields, None).await.status, 201);
    }
}

/// What others add is for those who handle the case: it is in its history, and nobody outside reads the words.
#[tokio::test]
async fn remarks_are_for_those_who_handle_it() {
    for site in sites().await {
        let key = furnish(&site).await;
        let south = key::add(&site.app, "south", Some("south"), false).await.unwrap();
        let at = [("api_key", key.as_str()), ("service_code", "noise"), ("lat", "34.51"), ("long", "107.41")];
        let number = number(&site, &at, None).await;
        for (key, id, description, status) in [
            ("", number.as_str(), "x", 403),
            (&south, number.as_str(), "x", 403),
            (&key, "", "x", 400),
            (&key, number.as_str(), " ", 400),
            (&key, "20000101-001", "x", 404),
            (&key, number.as_str(), "昨夜又响了", 201),
        ] {
            let fields = [("api_key", key), ("service_request_id", id), ("description", description)];
            let answer = post(&site, "servicerequestupdates.xml", &fields, None).await;
            assert_eq!(answer.status, status, "{id} {description}: {}", answer.text);
        }
        let seat = site.log_in("seat03").await;
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await;
        assert!(page.text.contains("补充说明") && page.text.contains("昨夜又响了"), "{}", site.name);
        let outside = get(&site, "servicerequestupdates.json").await;
        assert!(
            outside.text.contains("有补充说明") && !outside.text.contains("昨夜又响了"),
            "{}",
            outside.text
        );
    }
}
