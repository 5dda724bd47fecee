//! The caller's own browsers.

use std::sync::Arc;

use axum::Extension;
use serde_json::json;

use super::{Reader, Who};
use crate::http::{self, Scheme};
use crate::web::tests::site::{Browser, Site};

/// From now on the hub has a channel to browsers.
pub(super) fn set_up(site: &mut Site) {
    let mut config = crate::config::Config::clone(&site.app.config);
    let toml =
        "[[channel]]\nname = \"browsers\"\nform = \"web_push\"\ncontact = \"mailto:it@fengxiang.test\"\n";
    config.outbound = toml::from_str(toml).unwrap();
    site.app.config = Arc::new(config);
    site.router = http::router(site.app.clone()).layer(Extension(Scheme::Http));
}

pub(super) async fn push(reader: &mut Reader<'_>, seat: &Browser) {
    const PATH: &str = "/api/v1/me/push";
    let who = Who::Browser(seat);
    let key = reader.ask("GET", "/api/v1/me/push/key", "/api/v1/me/push/key", who, None).await.json();
    assert_eq!(key["set_up"], true);
    let offer = |endpoint: &str, auth: &str| {
        Some(json!({
            "endpoint": endpoint,
            "expirationTime": null,
            "keys": {
                "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                "auth": auth,
            },
        }))
    };
    let good = offer("https://push.example.org/one", "BTBZMqHH6r4Tts7J_aSIgg");
    for (body, status) in [
        (None, 415),
        (Some(json!({"endpoint": "x"})), 422),
        (offer("https://push.example.org/one", "short"), 422),
        (offer("http://push.example.org/one", "BTBZMqHH6r4Tts7J_aSIgg"), 422),
        (offer("https://192.168.1.1/one", "BTBZMqHH6r4Tts7J_aSIgg"), 422),
        (good.clone(), 201),
        (good, 201),
    ] {
        let answer = reader.ask("POST", PATH, PATH, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    let list = reader.ask("GET", PATH, PATH, who, None).await;
    assert!(!list.text.contains("BTBZMqHH") && !list.text.contains("/one"), "{}", list.text);
    let list = list.json();
    assert_eq!(list["subscriptions"].as_array().map(Vec::len), Some(1), "one browser is one");
    assert_eq!(list["subscriptions"][0]["service"], "push.example.org");
    let (path, id) = ("/api/v1/me/push/{id}", list["subscriptions"][0]["id"].as_str().unwrap());
    for (id, status) in [("odd", 404), (id, 204), (id, 404)] {
        let answer = reader.ask("DELETE", path, &format!("{PATH}/{id}"), who, None).await;
        assert_eq!(answer.status, status, "{id}");
    }
    for (method, path) in [("GET", PATH), ("POST", PATH), ("GET", "/api/v1/me/push/key")] {
        assert_eq!(reader.ask(method, path, path, Who::Nobody, None).await.status, 401, "{method} {path}");
    }
}
