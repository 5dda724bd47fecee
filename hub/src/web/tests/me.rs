//! The page of one's own account, on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::site::{Answer, Browser, START, Site, sites};
use crate::admin::By;
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role, account};

const OLD: &str = "correct+horse+battery";
const NEW: &str = "another+horse+battery";

async fn change(site: &Site, who: &Browser, (old, new, again): (&str, &str, &str)) -> Answer {
    let form = format!("csrf={}&old={old}&new={new}&again={again}", who.csrf);
    site.post("/me/password", who, &form).await
}

async fn logs_in(site: &Site, password: &str) -> StatusCode {
    let form = format!("name=seat03&password={password}");
    site.send(Request::post("/login").body(Body::from(form)).unwrap()).await.status
}

async fn is_in(site: &Site, who: &Browser) -> bool {
    site.get("/api/v1/session", Some(who)).await.status == StatusCode::OK
}

/// A new password ends every other session of the user and no one else's; the one in which it was changed goes on; the old
/// one opens nothing any more.
#[tokio::test]
async fn another_password() {
    for site in sites().await {
        let (here, elsewhere, chief) =
            (site.log_in("seat03").await, site.log_in("seat03").await, site.log_in("chief").await);
        let answer = change(&site, &here, (OLD, NEW, NEW)).await;
        let told = (answer.status, answer.header("location"));
        assert_eq!(told, (StatusCode::SEE_OTHER, "/me?done=password"), "{}", answer.text);
        assert!(is_in(&site, &here).await && is_in(&site, &chief).await, "{}", site.name);
        assert!(!is_in(&site, &elsewhere).await, "a session elsewhere outlives the password, {}", site.name);
        assert!(site.get("/me?done=password", Some(&here)).await.text.contains("密码已修改"));
        assert_eq!(logs_in(&site, OLD).await, StatusCode::UNAUTHORIZED);
        assert_eq!(logs_in(&site, NEW).await, StatusCode::SEE_OTHER);
    }
}

/// What cannot be is refused in words, changes nothing and ends nothing: a wrong old one, two new ones that differ, a short
/// one, the same one, and a form without the token of the session.
#[tokio::test]
async fn passwords_that_stay() {
    for site in sites().await {
        let (here, elsewhere) = (site.log_in("seat03").await, site.log_in("seat03").await);
        for (typed, words) in [
            (("guess", NEW, NEW), "原密码不对"),
            ((OLD, NEW, "another+horse+batterx"), "两次输入的新密码不同"),
            ((OLD, "short", "short"), "太短"),
            ((OLD, "", ""), "太短"),
            ((OLD, OLD, OLD), "与原密码相同"),
        ] {
            let answer = change(&site, &here, typed).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
            assert!(
                answer.text.contains(words) && answer.text.contains("密码没有修改"),
                "{words}: {}",
                answer.text
            );
            assert!(!answer.text.contains("another horse"), "what was typed is not shown again");
        }
        let blind = Browser { cookie: here.cookie.clone(), csrf: "0".repeat(32) };
        assert_eq!(change(&site, &blind, (OLD, NEW, NEW)).await.status, StatusCode::FORBIDDEN);
        assert!(is_in(&site, &here).await && is_in(&site, &elsewhere).await, "{}", site.name);
        assert_eq!(logs_in(&site, NEW).await, StatusCode::UNAUTHORIZED);
        assert_eq!(logs_in(&site, OLD).await, StatusCode::SEE_OTHER);
    }
}

/// Guesses at the old password count as failed logins do: an open page is no way to try many, and logins from there are
/// stopped with it. What is wrong with the new one counts for nothing.
#[tokio::test]
async fn guesses_are_stopped() {
    for site in sites().await {
        let here = site.log_in("seat03").await;
        for _ in 0..10 {
            change(&site, &here, (OLD, "short", "short")).await;
        }
        for _ in 0..5 {
            let answer = change(&site, &here, ("guess", NEW, NEW)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", site.name);
        }
        let stopped = change(&site, &here, (OLD, NEW, NEW)).await;
        assert_eq!(stopped.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(stopped.text.contains("尝试次数过多"), "{}", stopped.text);
        assert_eq!(logs_in(&site, OLD).await, StatusCode::TOO_MANY_REQUESTS);
        assert!(is_in(&site, &here).await);
        site.clock.advance_ms(16 * 60_000);
        assert_eq!(change(&site, &here, (OLD, NEW, NEW)).await.status, StatusCode::SEE_OTHER);
    }
}

/// The page says who one is and where, in both languages; the name in the bar leads there; and it needs no script.
#[tokio::test]
async fn who_one_is() {
    for site in sites().await {
        let app = &site.app;
        let tenant = app.tenant().as_str();
        crate::organisation::store::seed_units(&app.db, tenant).await.unwrap();
        let areas = "id,name,level,parent\nc,青梧县,county,\n";
        crate::organisation::testing::import_areas(&app.db, tenant, areas.as_bytes(), false).await.unwrap();
        let near = Grant { role: Role::Dispatcher, area: AreaPath::kept("/c/".to_owned()), unit: None };
        user::people::grant(app, &By::cli(START), "seat03", &near).await.unwrap();
        let of_unit =
            Grant { role: Role::Handler, area: AreaPath::everything(), unit: Some("police".to_owned()) };
        user::people::grant(app, &By::cli(START), "seat03", &of_unit).await.unwrap();
        let here = site.log_in("seat03").await;
        let page = site.get("/me", Some(&here)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        for part in [
            "我的账户",
            "坐席",
            "派遣员",
            "青梧县",
            "部门承办人",
            "公安",
            "全部",
            "href=\"/me\"",
            "action=\"/me/password\"",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(
            !page.text.contains("<script>")
                && page.header("content-security-policy").contains("script-src 'self'")
        );
        assert!(page.text.contains(&format!("data-key=\"{}\"", app.vapid.public())));
        let page = site.get("/me?lang=en", Some(&here)).await;
        assert!(page.text.contains("My account") && page.text.contains("Everywhere"), "{}", page.text);
        assert!(
            page.headers
                .get_all("set-cookie")
                .iter()
                .any(|cookie| cookie.to_str().unwrap().starts_with("lang=en"))
        );
        let stranger = site.get("/me", None).await;
        assert_eq!(
            (stranger.status, stranger.header("location")),
            (StatusCode::SEE_OTHER, "/login?next=/me")
        );
        // A form's address, opened as a page, leads to the page.
        assert_eq!(site.get("/me/password", Some(&here)).await.header("location"), "/me");
    }
}

/// Somebody sees his sessions and ends another one of them by its form; the one at hand stays, and so does everybody
/// else's, whatever is sent.
#[tokio::test]
async fn sessions_elsewhere() {
    for site in sites().await {
        let (here, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        site.clock.advance_ms(1_000);
        let elsewhere = site.log_in("seat03").await;
        let list = async |name: &str| {
            let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
            account::sessions(db, tenant, name, site.app.clock.now()).await.unwrap()
        };
        let (own, others) = (list("seat03").await, list("chief").await);
        assert_eq!((own.len(), others.len()), (2, 1), "{}", site.name);
        let page = site.get("/me", Some(&here)).await.text;
        assert_eq!(page.matches("action=\"/me/sessions\"").count(), 1, "not for the one at hand");
        assert!(page.contains("本会话") && !page.contains(others[0].id()));
        // Newest use first: the other one is the later one.
        let (other, mine) = (own[0].id().to_owned(), own[1].id().to_owned());
        assert!(page.contains(&format!("value=\"{other}\"")));
        let end = async |id: &str| {
            let form = format!("csrf={}&id={id}", here.csrf);
            let answer = site.post("/me/sessions", &here, &form).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            answer.header("location").to_owned()
        };
        for odd in [mine.as_str(), others[0].id(), "", "%25", "0", &other[..15]] {
            assert_eq!(end(odd).await, "/me", "{odd}");
        }
        for one in [&here, &elsewhere, &chief] {
            assert!(is_in(&site, one).await, "{}", site.name);
        }
        assert_eq!(end(&other).await, "/me?done=session");
        assert!(!is_in(&site, &elsewhere).await && is_in(&site, &here).await && is_in(&site, &chief).await);
    }
}

/// A session says from where it was begun, where that is known.
#[tokio::test]
async fn from_where() {
    for site in sites().await {
        let from = axum::extract::ConnectInfo(std::net::SocketAddr::from(([192, 0, 2, 7], 4711)));
        let mut request =
            Request::post("/login").body(Body::from(format!("name=seat03&password={OLD}"))).unwrap();
        request.extensions_mut().insert(from);
        let answer = site.send(request).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let request = Request::get("/me").header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let page = site.send(request).await;
        assert!(page.text.contains("<span class=\"num\">192.0.2.7</span>"), "{}: {}", site.name, page.text);
        let unknown = site.log_in("chief").await;
        assert!(!site.get("/me", Some(&unknown)).await.text.contains("unknown"));
    }
}

/// The service worker may have the whole hub as its scope, is asked for anew each time, and may load nothing from elsewhere;
/// which page it keeps is told in `tests/field.rs`.
#[tokio::test]
async fn the_service_worker() {
    for site in sites().await {
        let answer = site.get("/sw.js", None).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/javascript"));
        assert_eq!(answer.header("service-worker-allowed"), "/");
        assert_eq!(answer.header("cache-control"), "no-cache");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; connect-src 'self'; script-src 'self'"), "{policy}");
        assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1);
        for part in ["\"push\"", "\"notificationclick\"", "\"pushsubscriptionchange\""] {
            assert!(answer.text.contains(&format!("addEventListener({part}")), "{part}");
        }
        let page = site.get("/login", None).await;
        assert!(
            page.header("content-security-policy").contains("frame-ancestors 'none'"),
            "pages have theirs"
        );
    }
}
