//! Who has which browser told, on both databases, through the API and by its store.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::{MOST_PER_USER, MOST_REFUSALS, id, of_user, store};
use crate::admin::By;
use crate::http::{self, Scheme};
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, Browser, Site, sites};

const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

/// Hubs with a channel to browsers.
async fn hubs() -> Vec<Site> {
    let mut all = sites().await;
    for site in &mut all {
        let mut config = crate::config::Config::clone(&site.app.config);
        let toml = "[[channel]]\nname = \"b\"\nform = \"web_push\"\ncontact = \"mailto:it@fengxiang.test\"\n";
        config.outbound = toml::from_str(toml).unwrap();
        site.app.config = Arc::new(config);
        site.router = http::router(site.app.clone()).layer(Extension(Scheme::Http));
    }
    all
}

async fn ask(site: &Site, who: &Browser, method: &str, path: &str, body: Option<Value>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, &who.cookie)
        .header("x-csrf-token", &who.csrf)
        .header(header::CONTENT_TYPE, "application/json");
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    site.send(request.body(body).unwrap()).await
}

fn offer(endpoint: &str) -> Value {
    json!({ "endpoint": endpoint, "keys": { "p256dh": POINT, "auth": AUTH }, "label": "Chrome\n· Android" })
}

async fn add(site: &Site, who: &Browser, endpoint: &str) -> String {
    let answer = ask(site, who, "POST", "/api/v1/me/push", Some(offer(endpoint))).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn ids(site: &Site, user: &str) -> Vec<String> {
    let all = of_user(&site.app.db, site.app.tenant().as_str(), user).await.unwrap();
    all.into_iter().map(|one| one.push_id).collect()
}

/// Somebody sees and removes his own browsers only; what another one has is neither listed, nor removed, nor tried. Without
/// the token of the session nothing changes.
#[tokio::test]
async fn each_has_his_own() {
    for site in hubs().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let own = add(&site, &seat, "https://push.example.org/seat").await;
        assert_eq!(own, id("https://push.example.org/seat"));
        let listed = ask(&site, &seat, "GET", "/api/v1/me/push", None).await.json();
        assert_eq!(listed["subscriptions"][0]["label"], "Chrome · Android");
        let others = ask(&site, &chief, "GET", "/api/v1/me/push", None).await.json();
        assert_eq!(others["subscriptions"], json!([]), "{}", site.name);
        let address = format!("/api/v1/me/push/{own}");
        assert_eq!(ask(&site, &chief, "DELETE", &address, None).await.status, StatusCode::NOT_FOUND);
        for act in ["test", "remove"] {
            let form = format!("csrf={}&id={own}&act={act}", chief.csrf);
            assert_eq!(site.post("/me/push", &chief, &form).await.status, StatusCode::NOT_FOUND, "{act}");
        }
        assert!(!site.get("/me", Some(&chief)).await.text.contains(&own));
        let blind = Browser { cookie: seat.cookie.clone(), csrf: String::new() };
        assert_eq!(ask(&site, &blind, "DELETE", &address, None).await.status, StatusCode::FORBIDDEN);
        let refused =
            ask(&site, &blind, "POST", "/api/v1/me/push", Some(offer("https://x.example.org/"))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(ids(&site, "seat03").await, [own.clone()]);
        assert_eq!(ask(&site, &seat, "DELETE", &address, None).await.status, StatusCode::NO_CONTENT);
        assert!(ids(&site, "seat03").await.is_empty());
    }
}

/// The eleventh takes the place of the oldest one, also when all come within one moment; another user's stay.
#[tokio::test]
async fn the_eleventh() {
    for site in hubs().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        add(&site, &chief, "https://push.example.org/chief").await;
        let mut all = Vec::new();
        for nth in 0..=MOST_PER_USER {
            all.push(add(&site, &seat, &format!("https://push.example.org/{nth}")).await);
            site.clock.advance_ms(1_000);
        }
        let mut kept = ids(&site, "seat03").await;
        kept.reverse();
        assert_eq!(kept, all[1..], "{}", site.name);
        // One that comes again is not the oldest any more.
        add(&site, &seat, "https://push.example.org/1").await;
        add(&site, &seat, "https://push.example.org/new").await;
        let kept = ids(&site, "seat03").await;
        assert_eq!(kept.len() as i64, MOST_PER_USER);
        assert!(kept.contains(&all[1]) && !kept.contains(&all[2]));
        assert!(kept.contains(&id("https://push.example.org/new")), "the newest one stays");
        assert_eq!(ids(&site, "chief").await.len(), 1);
    }
}

/// Whoever uses a browser now is told there, and who did before no more.
#[tokio::test]
async fn a_browser_changes_hands() {
    for site in hubs().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let one = add(&site, &seat, "https://push.example.org/shared").await;
        assert_eq!(add(&site, &chief, "https://push.example.org/shared").await, one);
        assert_eq!(ids(&site, "seat03").await, Vec::<String>::new(), "{}", site.name);
        assert_eq!(ids(&site, "chief").await, [one]);
    }
}

/// A hub without a channel to browsers takes none, and the page says so; with one, what is no browser's is refused in
/// words that do not repeat it.
#[tokio::test]
async fn what_is_refused() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let answer =
            ask(&site, &seat, "POST", "/api/v1/me/push", Some(offer("https://push.example.org/x"))).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
        assert!(answer.json()["detail"].as_str().unwrap().contains("web_push"));
        assert!(site.get("/me", Some(&seat)).await.text.contains("data-set-up=\"false\""));
        assert!(ids(&site, "seat03").await.is_empty());
    }
    for site in hubs().await {
        let seat = site.log_in("seat03").await;
        assert!(site.get("/me", Some(&seat)).await.text.contains("data-set-up=\"true\""));
        for endpoint in
            ["http://push.example.org/sEcReT", "https://10.0.0.7/sEcReT", "https://localhost/sEcReT"]
        {
            let answer = ask(&site, &seat, "POST", "/api/v1/me/push", Some(offer(endpoint))).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{endpoint}");
            assert!(!answer.text.contains("sEcReT"), "{}", answer.text);
        }
        assert!(ids(&site, "seat03").await.is_empty(), "{}", site.name);
    }
}

/// Browsers go with their user, with his last role, and when an administrator sets another password; those of others stay.
#[tokio::test]
async fn who_is_gone() {
    for site in hubs().await {
        let app = &site.app;
        let tenant = app.tenant().as_str();
        for name in ["li", "wang"] {
            let one = (name, "correct horse battery", Role::Operator);
            user::testing::add(&app.db, tenant, &app.chance, app.clock.now(), one).await.unwrap();
            let browser = site.log_in(name).await;
            add(&site, &browser, &format!("https://push.example.org/{name}")).await;
        }
        let chief = site.log_in("chief").await;
        add(&site, &chief, "https://push.example.org/chief").await;
        assert_eq!(super::prune(&app.db).await.unwrap(), 0, "{}", site.name);
        user::people::new_password(app, &By::cli(app.clock.now()), "li").await.unwrap();
        assert!(ids(&site, "li").await.is_empty());
        // As somebody is taken away, whoever does it.
        let grants = user::grants(&app.db, tenant, "wang").await.unwrap();
        assert_eq!(grants, [Grant::everywhere(Role::Operator)]);
        app.db
            .execute("delete from grants where tenant = $1 and user_name = 'wang'", crate::args![tenant])
            .await
            .unwrap();
        assert_eq!(super::prune(&app.db).await.unwrap(), 1);
        assert_eq!(super::prune(&app.db).await.unwrap(), 0, "twice is once");
        assert!(ids(&site, "wang").await.is_empty());
        assert_eq!(ids(&site, "chief").await.len(), 1);
    }
}

/// What a push service will not have is counted, is forgotten with the next success, and ends the subscription when nothing
/// else comes.
#[tokio::test]
async fn refusals_are_counted() {
    for site in hubs().await {
        let seat = site.log_in("seat03").await;
        let one = add(&site, &seat, "https://push.example.org/x").await;
        let (db, tenant, now) = (&site.app.db, site.app.tenant().as_str(), site.app.clock.now());
        let refuse = async || store::note_refusal(db, tenant, "seat03", &one, MOST_REFUSALS).await.unwrap();
        for _ in 1..MOST_REFUSALS {
            assert!(!refuse().await);
        }
        assert_eq!(of_user(db, tenant, "seat03").await.unwrap()[0].failures, MOST_REFUSALS - 1);
        store::note_success(db, tenant, "seat03", &one, now).await.unwrap();
        let kept = of_user(db, tenant, "seat03").await.unwrap().remove(0);
        assert_eq!((kept.failures, kept.last_success_at_ms), (0, Some(now.0)), "{}", site.name);
        for nth in 1..=MOST_REFUSALS {
            assert_eq!(refuse().await, nth == MOST_REFUSALS);
        }
        assert!(ids(&site, "seat03").await.is_empty());
    }
}
