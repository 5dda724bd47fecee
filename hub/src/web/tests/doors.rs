//! Who gets in, and what strangers see.

use std::net::SocketAddr;

use axum::Extension;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode, header};

use super::site::{Answer, CALL, DEVICE_TOKEN, Site, sites};
use crate::http::{self, Scheme};
use crate::user;

/// Without a login every page leads to the login and every API call answers 401, also for things that are not
/// there; only what machines and browsers need before a login is open.
#[tokio::test]
async fn nothing_is_shown_to_strangers() {
    for site in sites().await {
        for page in [
            "/cases",
            "/cases/1",
            "/cases/1/row",
            "/cases/1/order",
            "/cases/counts",
            "/calls/x",
            "/devices",
            "/devices/x",
            "/commands",
            "/quarantine",
            "/quarantine/1",
            "/nothing",
        ] {
            let answer = site.get(page, None).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
            assert!(answer.header("location").starts_with("/login?next="), "{page}");
        }
        for form in [
            "/cases/1/acknowledge",
            "/cases/1/moves",
            "/cases/1/shelf",
            "/calls/x/ticket",
            "/calls/x/contact",
            "/calls/x/contact/delete",
            "/devices",
            "/devices/x/commands",
            "/logout",
        ] {
            let answer = site.send(Request::post(form).body(Body::from("csrf=")).unwrap()).await;
            let login = format!("/login?next={form}");
            assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, login.as_str()));
        }
        let description = serde_json::to_value(crate::api::openapi()).unwrap();
        let mut tried = 0;
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let open = [("/api/v1/session", "post"), ("/api/v1/public/status", "get")];
                if open.contains(&(path.as_str(), method.as_str())) {
                    continue;
                }
                let url = path
                    .replace("{number}", "1")
                    .replace("{id}", "1")
                    .replace("{version}", "1")
                    .replace("{sha256}", &"a".repeat(64));
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = Request::builder().method(method).uri(&url).body(Body::empty()).unwrap();
                let answer = site.send(request).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.text);
                assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
                tried += 1;
            }
        }
        assert!(tried >= 26, "only {tried} operations are described");
        for open in [
            "/login",
            "/status",
            "/healthz",
            "/ca.pem",
            "/contact-key",
            "/api/openapi.json",
            "/assets/app.css",
        ] {
            assert_eq!(site.get(open, None).await.status, StatusCode::OK, "{open}");
        }
    }
}

/// A change by cookie needs the session's CSRF token, from this site, on every form and on the API.
#[tokio::test]
async fn changes_need_the_csrf_token() {
    for mut site in sites().await {
        site.raise_camera("north", "北口").await;
        let browser = site.log_in("admin").await;
        let number = site.number(&browser).await;
        for form in [
            format!("/cases/{number}/acknowledge"),
            "/calls/x/ticket".into(),
            "/calls/x/contact".into(),
            "/calls/x/contact/delete".into(),
            "/devices".into(),
            "/devices/box-1/commands".into(),
            "/logout".into(),
        ] {
            for body in ["", "csrf=wrong", "csrf=00000000000000000000000000000000"] {
                let answer = site.post(&form, &browser, body).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {body}");
            }
        }
        let path = format!("/api/v1/cases/{number}/acknowledge");
        assert_eq!(site.post(&path, &browser, "").await.status, StatusCode::FORBIDDEN);
        let foreign = Request::post(format!("/cases/{number}/acknowledge"))
            .header(header::COOKIE, &browser.cookie)
            .header("sec-fetch-site", "cross-site")
            .body(Body::from(format!("csrf={}", browser.csrf)))
            .unwrap();
        assert_eq!(site.send(foreign).await.status, StatusCode::FORBIDDEN);
        let detail = site.get(&format!("/api/v1/cases/{number}"), Some(&browser)).await.json();
        assert_eq!(detail["acknowledged_by"], serde_json::Value::Null, "nothing happened, {}", site.name);

        let form = format!("csrf={}", browser.csrf);
        let answer = site.post(&format!("/cases/{number}/acknowledge"), &browser, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let detail = site.get(&format!("/api/v1/cases/{number}"), Some(&browser)).await.json();
        assert_eq!(detail["acknowledged_by"], "admin", "{}", site.name);
    }
}

/// Roles by the table: a commander files no tickets, an operator adds no devices; logout ends the session.
#[tokio::test]
async fn roles_and_logout() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let (chief, seat) = (site.log_in("chief").await, site.log_in("seat03").await);
        let form = format!("csrf={}&matter=request", chief.csrf);
        let answer = site.post(&format!("/calls/{CALL}/ticket"), &chief, &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.text.contains("管理员、坐席"), "the page names who may");
        let form = format!("csrf={}&name=box-2", seat.csrf);
        assert_eq!(site.post("/devices", &seat, &form).await.status, StatusCode::FORBIDDEN);
        let admin = site.log_in("admin").await;
        let form = format!("csrf={}&name=box-2", admin.csrf);
        let answer = site.post("/devices", &admin, &form).await;
        assert!(answer.text.contains("edge-agent enrol --hub https://") && answer.text.contains("<svg"));
        let answer = site.post("/logout", &seat, &format!("csrf={}", seat.csrf)).await;
        assert_eq!(answer.header("location"), "/login");
        assert_eq!(site.get("/cases", Some(&seat)).await.status, StatusCode::SEE_OTHER);
    }
}

/// From another machine, over HTTPS.
async fn from_outside(site: &Site, request: Request<Body>) -> Answer {
    let from: SocketAddr = "203.0.113.7:40000".parse().unwrap();
    let router =
        http::router(site.app.clone()).layer(Extension(Scheme::Https)).layer(Extension(ConnectInfo(from)));
    Site::send_to(router, request).await
}

/// How the hub is inside is told to its own machine, to an administrator and to a box: to nobody else.
#[tokio::test]
async fn strangers_learn_nothing_of_the_inside() {
    for site in sites().await {
        let ask = async |path: &str, token: &str| {
            let mut request = Request::get(path);
            if !token.is_empty() {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            from_outside(&site, request.body(Body::empty()).unwrap()).await
        };
        let log_in = async |name: &str| {
            let credentials = ("correct horse battery", site.app.clock.now());
            let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
            user::log_in(db, tenant, &site.app.chance, credentials.1, (name, credentials.0), "203.0.113.7")
                .await
                .unwrap()
                .token
        };
        for stranger in [String::new(), "guessed".to_owned(), log_in("seat03").await] {
            let metrics = ask("/metrics", &stranger).await;
            assert_eq!(metrics.status, StatusCode::UNAUTHORIZED, "{}", site.name);
            assert!(!metrics.text.contains("shaodian_"), "{}", metrics.text);
            let ready = ask("/readyz", &stranger).await;
            // The hub of this test has no broker, and says so to those who may know.
            assert_eq!((ready.status, ready.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"));
        }
        for insider in [log_in("admin").await, DEVICE_TOKEN.to_owned()] {
            assert_eq!(ask("/metrics", &insider).await.status, StatusCode::OK, "{}", site.name);
            assert!(ask("/readyz", &insider).await.text.contains("broker: not connected"));
        }
        assert!(site.get("/metrics", None).await.text.contains("# TYPE"), "the hub's own machine");
        assert!(site.get("/readyz", None).await.text.contains("broker: not connected"));
    }
}

/// Whoever is thrown out is told so, and comes back to the page they were on, also out of a form.
#[tokio::test]
async fn an_ended_login_leads_back() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let seat = site.log_in("seat03").await;
        site.clock.advance_ms(user::IDLE_MS + 1);
        let page = site.get("/cases?kind=call", Some(&seat)).await;
        assert_eq!(page.header("location"), "/login?next=/cases%3Fkind%3Dcall&expired=1", "{}", site.name);
        let form = format!("csrf={}&summary=typed", seat.csrf);
        let filed = site.post(&format!("/calls/{CALL}/ticket"), &seat, &form).await;
        let login = format!("/login?next=/calls/{CALL}/ticket&expired=1");
        assert_eq!((filed.status, filed.header("location")), (StatusCode::SEE_OTHER, login.as_str()));
        let page = site.get(&login, None).await;
        assert!(
            page.text.contains("登录已过期")
                && page.text.contains(&format!("value=\"/calls/{CALL}/ticket\""))
        );
        let wrong = format!("name=seat03&password=wrong&next=/calls/{CALL}/ticket");
        let again = site.send(Request::post("/login").body(Body::from(wrong)).unwrap()).await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED);
        assert!(
            again.text.contains(&format!("/login?next=/calls/{CALL}/ticket&#38;lang=en")),
            "the way is kept"
        );
        let right = format!("name=seat03&password=correct+horse+battery&next=/calls/{CALL}/ticket");
        let in_again = site.send(Request::post("/login").body(Body::from(right)).unwrap()).await;
        assert_eq!(in_again.header("location"), format!("/calls/{CALL}/ticket"));
        let seat = site.log_in("seat03").await;
        let back = site.get(&format!("/calls/{CALL}/ticket"), Some(&seat)).await;
        assert_eq!(
            (back.status, back.header("location")),
            (StatusCode::SEE_OTHER, format!("/calls/{CALL}").as_str())
        );
        for elsewhere in ["https://evil.example/", "//evil.example/", "/\\evil.example"] {
            let form = format!("name=seat03&password=correct+horse+battery&next={elsewhere}");
            let answer = site.send(Request::post("/login").body(Body::from(form)).unwrap()).await;
            assert_eq!(answer.header("location"), "/", "{elsewhere}");
        }
    }
}

/// Over HTTPS the session's cookie is bound to this host and to HTTPS; guessing through the page is stopped in words.
#[tokio::test]
async fn cookies_and_guesses() {
    for site in sites().await {
        let log_in = async |password: &str| {
            let form = format!("name=seat03&password={password}");
            from_outside(&site, Request::post("/login").body(Body::from(form)).unwrap()).await
        };
        let cookie = log_in("correct+horse+battery").await.header("set-cookie").to_owned();
        assert!(cookie.starts_with("__Host-shaodian_session="), "{cookie}");
        for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        for _ in 0..5 {
            assert_eq!(log_in("guess").await.status, StatusCode::UNAUTHORIZED, "{}", site.name);
        }
        let stopped = log_in("correct+horse+battery").await;
        assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(stopped.text.contains("尝试次数过多") && !stopped.headers.contains_key("set-cookie"));
    }
}

/// What cannot be kept or named is the sender's fault, on both databases and every page.
#[tokio::test]
async fn odd_texts_are_no_fault_of_the_hub() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        for path in [
            "/cases?q=%00",
            "/cases/%00",
            "/cases/%ff",
            "/cases/%00/row",
            "/calls/%00",
            "/devices/%00",
            "/quarantine/%00",
            "/quarantine?device=%00",
            "/api/v1/cases/%00",
            "/api/v1/cases/%ff",
            "/api/v1/cases?before=%00",
            "/api/v1/commands/%00",
            "/api/v1/changes?after=9223372036854775808",
        ] {
            let answer = site.get(path, Some(&admin)).await;
            assert!(answer.status.as_u16() < 500, "{path}: {} on {}", answer.status, site.name);
            if path.starts_with("/api/") {
                assert_eq!(
                    answer.header("content-type"),
                    "application/problem+json",
                    "{path}: {}",
                    answer.text
                );
            }
        }
        let csrf = &admin.csrf;
        for (path, form) in [
            (
                format!("/calls/{CALL}/ticket"),
                "matter=request&category=noise&urgency=normal&place=a%00b&summary=x",
            ),
            ("/devices/box-1/commands".to_owned(), "command=recording&call_id={CALL}&purpose=a%00b"),
            (format!("/cases/{number}%00/acknowledge"), ""),
        ] {
            let form = format!("csrf={csrf}&{}", form.replace("{CALL}", CALL));
            let answer = site.post(&path, &admin, &form).await;
            assert!(answer.status.as_u16() < 500, "{path}: {} on {}", answer.status, site.name);
        }
    }
}
