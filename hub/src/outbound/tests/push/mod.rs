//! Notices in browsers, from the transaction of the notice to what the browser reads, through a push service that is really
//! there.

mod service;

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;

use super::*;
use crate::http::{self, Scheme};
use crate::push;
use crate::web::tests::site::{Browser, HOSTILE, sites};
use service::{Service, Subscriber};

impl Site {
    /// A channel to browsers of this service.
    async fn browsers(&mut self, service: &Service, more: &str) -> Sender {
        let toml = format!(
            "[[channel]]\nname = \"browsers\"\nform = \"web_push\"\ninsecure = true\nca = \"{}\"\n{more}\n",
            service.ca.display()
        );
        let sender = self.channels(&toml).await;
        self.router = http::router(self.app.clone()).layer(Extension(Scheme::Http));
        sender
    }

    /// Asks for notices on a browser, as its page does.
    async fn subscribe(&self, who: &Browser, one: &Subscriber, service: &Service) -> String {
        let request = Request::post("/api/v1/me/push")
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(one.offer(service).to_string()))
            .unwrap();
        let answer = self.send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn browsers_of(&self, user: &str) -> Vec<push::Subscription> {
        push::of_user(&self.app.db, self.app.tenant().as_str(), user).await.unwrap()
    }
}

/// A site with the case of a camera and two commanders.
async fn at_work() -> Vec<(Site, String)> {
    let mut all = Vec::new();
    for mut site in sites().await {
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        for name in ["li", "wang"] {
            site.person(name, (Role::Commander, "/", None)).await;
        }
        all.push((site, number));
    }
    all
}

/// Each browser of everybody who is told gets a message that only it can read, signed by the key to which it subscribed;
/// it says what other channels say and nothing of the free words, and a newer one of the same case takes its place.
#[tokio::test]
async fn each_browser_is_told() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let sender = site.browsers(&service, "").await;
        let (li, wang) = (site.sign_in("li").await, site.sign_in("wang").await);
        let (desk, phone, other) = (Subscriber::new(1), Subscriber::new(2), Subscriber::new(3));
        let id = site.subscribe(&li, &desk, &service).await;
        site.subscribe(&li, &phone, &service).await;
        site.subscribe(&wang, &other, &service).await;
        // Whom the notice is not for hears nothing of it.
        let seat = Subscriber::new(4);
        site.subscribe(&site.log_in("seat03").await, &seat, &service).await;
        site.tells(&number, everybody()).await;
        assert_eq!(sender.drain().await, 3, "{}", site.name);
        assert_eq!(states(&site.rows().await), ["sent"; 3]);
        assert!(service.came_to(&seat.path).is_empty());

        let came = service.came_to(&desk.path);
        assert_eq!(came.len(), 1);
        let topic = came[0].header("topic").to_owned();
        let said = desk.said(&came[0]);
        assert_eq!(
            (said["title"].as_str(), said["url"].as_str(), said["urgent"].as_bool(), said["tag"].as_str()),
            (
                Some("催办 Reminder"),
                Some(format!("/cases/{number}").as_str()),
                Some(false),
                Some(topic.as_str())
            )
        );
        let body = said["body"].as_str().unwrap();
        for part in [number.as_str(), "紧急 Emergency", "事项 Matter：区域入侵 · 北口", "地点 Place：北口"]
        {
            assert!(body.contains(part), "{part} in {body}");
        }
        assert!(!body.contains("自由文字") && !body.contains("free words"), "{body}");
        assert_eq!(phone.open(&came[0].body), None, "another browser cannot read it");
        assert_eq!(other.open(&came[0].body), None);

        assert_eq!(came[0].header("content-encoding"), "aes128gcm");
        assert_eq!((came[0].header("ttl"), came[0].header("urgency")), ("86400", "normal"));
        let (claims, key) = came[0].signed();
        assert_eq!(key, site.app.vapid.public());
        let exp = site.clock.now().0 / 1_000 + 12 * 3_600;
        assert_eq!(claims, json!({ "aud": service.origin(), "exp": exp, "sub": "https://hub.test" }));
        // What can be seen on the way does not name the case.
        let seen = format!("{:?} {}", came[0].headers, came[0].path);
        assert!(!seen.contains(&number), "{seen}");

        let ids: BTreeSet<String> = [&desk, &phone, &other]
            .into_iter()
            .map(|one| one.said(&service.came_to(&one.path)[0])["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids.len(), 3, "each message has an id of its own");
        let topics: BTreeSet<String> =
            service.came().iter().map(|came| came.header("topic").to_owned()).collect();
        assert_eq!(topics.len(), 3, "no service can tell that two are told of one case");

        site.tells(&number, everybody()).await;
        sender.drain().await;
        assert_eq!(service.came_to(&desk.path)[1].header("topic"), topic);
        let kept = site.browsers_of("li").await.into_iter().find(|one| one.push_id == id).unwrap();
        assert_eq!((kept.last_success_at_ms, kept.failures), (Some(site.clock.now().0), 0));
    }
}

/// An emergency is urgent to the push service, and has a topic of its own.
#[tokio::test]
async fn emergencies_are_urgent() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let sender = site.browsers(&service, "").await;
        let desk = Subscriber::new(1);
        site.subscribe(&site.sign_in("li").await, &desk, &service).await;
        site.tells(&number, everybody()).await;
        let (app, id, now) = (&site.app, site.app.new_id(), site.clock.now());
        let mut tx = app.db.begin().await.unwrap();
        tx.lock_tenant(app.tenant().as_str()).await.unwrap();
        let urgent = Notice { kind: Kind::Emergency, ..notice(&id, &number, everybody()) };
        assert!(notice::tell(&mut tx, app.tenant().as_str(), &id, &urgent, now).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(sender.drain().await, 2, "{}", site.name);
        let came = service.came();
        let of = |urgency: &str| came.iter().find(|came| came.header("urgency") == urgency).unwrap();
        assert_ne!(of("high").header("topic"), of("normal").header("topic"));
        assert_eq!(desk.said(of("high"))["urgent"], true);
    }
}

/// A browser that its service does not know any more is forgotten, once; what waits for it is given up, and others go on.
#[tokio::test]
async fn one_that_is_gone() {
    for (mut site, number) in at_work().await {
        for status in [410, 404] {
            let service = Service::start().await;
            let sender = site.browsers(&service, "").await;
            let (gone, there) = (Subscriber::new(1), Subscriber::new(2));
            let li = site.sign_in("li").await;
            site.subscribe(&li, &gone, &service).await;
            let id = site.subscribe(&li, &there, &service).await;
            service.answer(&gone.path, status, None);
            site.tells(&number, everybody()).await;
            sender.drain().await;
            let mut rows = site.rows().await;
            rows.sort_by_key(|row| row.state.clone());
            assert_eq!(states(&rows), ["given_up", "sent"], "{}", site.name);
            assert!(rows[0].reason.contains("has ended") && rows[0].reason.contains(&status.to_string()));
            let kept = site.browsers_of("li").await;
            assert_eq!(kept.iter().map(|one| one.push_id.clone()).collect::<Vec<_>>(), [id.clone()]);
            // No row is made for it any more.
            site.tells(&number, everybody()).await;
            sender.drain().await;
            assert_eq!((service.came_to(&gone.path).len(), service.came_to(&there.path).len()), (1, 2));
            let tenant = site.app.tenant().as_str().to_owned();
            assert!(push::remove(&site.app.db, &tenant, "li", &id).await.unwrap());
            site.app.db.execute("delete from outbox", crate::args![]).await.unwrap();
        }
    }
}

/// A service that has too much to do gets the message again, when it asked to, as the same message; meanwhile other
/// browsers are told: one service does not stop the channel.
#[tokio::test]
async fn one_that_is_busy() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let sender = site.browsers(&service, "").await;
        let (busy, free) = (Subscriber::new(1), Subscriber::new(2));
        site.subscribe(&site.sign_in("li").await, &busy, &service).await;
        site.subscribe(&site.sign_in("wang").await, &free, &service).await;
        service.answer(&busy.path, 429, Some(600));
        service.answer(&busy.path, 503, None);
        site.tells(&number, everybody()).await;
        assert_eq!(sender.drain().await, 2);
        let waiting = async || {
            let rows = site.rows().await;
            rows.into_iter().find(|row| row.receiver.starts_with("li ")).unwrap()
        };
        let row = waiting().await;
        assert_eq!((row.state.as_str(), row.tries), ("waiting", 1), "{}", site.name);
        assert!(row.reason.starts_with("429 "), "{row:?}");
        site.tells("", vec![Audience::user("wang")]).await;
        assert_eq!(sender.drain().await, 1, "the channel does not rest");
        site.clock.advance_ms(500_000);
        assert_eq!(sender.drain().await, 0, "it asked for ten minutes");
        site.clock.advance_ms(101_000);
        assert_eq!(sender.drain().await, 1);
        assert!(waiting().await.reason.starts_with("503 "));
        site.clock.advance_ms(100_000);
        assert_eq!(sender.drain().await, 1);
        assert_eq!(waiting().await.state, "sent");
        let came = service.came_to(&busy.path);
        assert_eq!(came.len(), 3);
        let said: Vec<_> = came.iter().map(|came| busy.said(came)["id"].clone()).collect();
        assert_eq!((&said[0], &said[1]), (&said[1], &said[2]));
        assert_ne!(came[0].body, came[1].body, "sealed anew each time");
        assert_eq!(site.browsers_of("li").await[0].failures, 0, "no fault of the browser");
    }
}

/// What a service will not have is given up with its reason, and counted; the browser stays.
#[tokio::test]
async fn one_that_refuses() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let sender = site.browsers(&service, "").await;
        let desk = Subscriber::new(1);
        site.subscribe(&site.sign_in("li").await, &desk, &service).await;
        for (nth, status) in [413, 400].into_iter().enumerate() {
            service.answer(&desk.path, status, None);
            site.tells(&number, everybody()).await;
            sender.drain().await;
            let reason = format!("{status} as the test says");
            let given_up: Vec<String> = site.rows().await.into_iter().map(|row| row.reason).collect();
            assert!(given_up.contains(&reason), "{}: {given_up:?}", site.name);
            assert_eq!(site.browsers_of("li").await[0].failures, nth as i64 + 1);
        }
        assert_eq!(states(&site.rows().await), ["given_up"; 2]);
        site.clock.advance_ms(24 * 3_600_000);
        assert_eq!(sender.drain().await, 0, "not tried again");
    }
}

/// Of a confidential case a browser reads number and state, also when it becomes so while the message waits; of a call
/// nothing that the caller said, nor who it was.
#[tokio::test]
async fn what_stays_in_the_hub() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let sender = site.browsers(&service, "").await;
        let desk = Subscriber::new(1);
        site.subscribe(&site.sign_in("li").await, &desk, &service).await;
        site.tells(&number, everybody()).await;
        site.app
            .db
            .execute("update cases set confidential = 1 where number = $1", crate::args![&number])
            .await
            .unwrap();
        site.tells(&number, everybody()).await;
        site.raise_call(HOSTILE).await;
        let admin = site.log_in("admin").await;
        let list = site.get("/api/v1/cases?kind=hotline", Some(&admin)).await.json();
        let call = list["cases"][0]["number"].as_str().unwrap().to_owned();
        site.tells(&call, everybody()).await;
        assert_eq!(sender.drain().await, 3, "{}", site.name);
        let (mut confidential, mut of_call) = (0, 0);
        for came in service.came() {
            let said = desk.said(&came).to_string();
            if said.contains(&number) {
                assert!(said.contains("保密案件") && said.contains("状态 State："), "{said}");
                for part in ["北口", "入侵", "Intrusion", "紧急 Emergency"] {
                    assert!(!said.contains(part), "{part} in {said}");
                }
                confidential += 1;
            } else {
                assert!(said.contains(&call) && !said.contains("6027") && !said.contains("script"), "{said}");
                of_call += 1;
            }
        }
        assert_eq!((confidential, of_call), (2, 1));
    }
}

/// A browser that was taken back while its message waited is not told; the row says why.
#[tokio::test]
async fn one_that_was_taken_back() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let sender = site.browsers(&service, "").await;
        let desk = Subscriber::new(1);
        let id = site.subscribe(&site.sign_in("li").await, &desk, &service).await;
        site.tells(&number, everybody()).await;
        let tenant = site.app.tenant().as_str().to_owned();
        assert!(push::remove(&site.app.db, &tenant, "li", &id).await.unwrap());
        sender.drain().await;
        let rows = site.rows().await;
        assert_eq!(
            (rows[0].state.as_str(), rows[0].reason.as_str()),
            ("given_up", "this browser is not to be told any more")
        );
        assert!(service.came().is_empty(), "{}", site.name);
    }
}

/// `for`, kinds and severities hold for browsers as for every channel.
#[tokio::test]
async fn filters_hold() {
    for (mut site, number) in at_work().await {
        let service = Service::start().await;
        let (desk, other) = (Subscriber::new(1), Subscriber::new(2));
        for (more, told) in [
            ("for = [\"user:li\"]", 1),
            ("for = [\"role:handler\"]", 0),
            ("kinds = [\"emergency\"]", 0),
            ("kinds = [\"overdue\"]", 2),
            ("least_severity = \"major\"", 2),
            ("least_severity = \"emergency\"", 0),
            ("for = [\"area:elsewhere\"]", 0),
        ] {
            let sender = site.browsers(&service, more).await;
            site.subscribe(&site.sign_in("li").await, &desk, &service).await;
            site.subscribe(&site.sign_in("wang").await, &other, &service).await;
            site.tells(&number, everybody()).await;
            assert_eq!(sender.drain().await, told, "{more}, {}", site.name);
        }
    }
}

/// Somebody tries his own browser on his page and is told what came of it; so is whoever runs the hub, for all browsers of
/// a user.
#[tokio::test]
async fn tests_of_browsers() {
    for (mut site, _) in at_work().await {
        let service = Service::start().await;
        site.browsers(&service, "").await;
        let (desk, li) = (Subscriber::new(1), site.sign_in("li").await);
        let id = site.subscribe(&li, &desk, &service).await;
        let form = format!("csrf={}&id={id}&act=test", li.csrf);
        let answer = site.post("/me/push", &li, &form).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/me?done=sent"),
            "{}",
            answer.text
        );
        assert!(site.get("/me?done=sent", Some(&li)).await.text.contains("已交给推送服务"));
        let came = service.came_to(&desk.path);
        let said = desk.said(&came[0]);
        assert!(said["title"].as_str().unwrap().contains("测试消息") && said["url"] == "/", "{said}");
        assert_eq!(came[0].header("topic"), "");

        service.answer(&desk.path, 503, None);
        let answer = site.post("/me/push", &li, &form).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert!(answer.text.contains("没有送出") && answer.text.contains("503"), "{}", answer.text);
        let told = cli::test(&site.app, "browsers", Some("li")).await.unwrap();
        assert!(told.starts_with("127.0.0.1\ttest\tsent: 201"), "{told}");
        let nobody = cli::test(&site.app, "browsers", Some("wang")).await.unwrap_err().to_string();
        assert!(nobody.contains("/me"), "{nobody}");
        assert!(cli::test(&site.app, "browsers", None).await.unwrap_err().to_string().contains("--to USER"));
        service.answer(&desk.path, 410, None);
        assert!(
            cli::test(&site.app, "browsers", Some("li")).await.unwrap_err().to_string().contains("has ended")
        );
        assert!(site.browsers_of("li").await.is_empty(), "{}", site.name);
        assert!(site.rows().await.is_empty(), "no test is a row");
    }
}

/// What cannot stand in the section is said with its line.
#[test]
fn the_section() {
    let wrong = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.toml");
        std::fs::write(&path, text).unwrap();
        let loaded = crate::config::Config::load(Some(&path));
        loaded.err().map(|error| error.to_string().replace(&path.display().to_string(), "hub.toml"))
    };
    let channel = |more: &str| format!("[[outbound.channel]]\nname = \"b\"\nform = \"web_push\"\n{more}\n");
    assert_eq!(wrong(&channel("contact = \"mailto:it@fengxiang.test\"")), None);
    assert_eq!(wrong(&format!("[http]\npublic_url = \"https://hub.test\"\n{}", channel(""))), None);
    let none = wrong(&channel("")).unwrap();
    assert!(none.contains("contact = \"mailto:") && none.contains("public_url"), "{none}");
    let plain = wrong(&format!("[http]\npublic_url = \"http://hub.test\"\n{}", channel(""))).unwrap();
    assert!(plain.contains("push services want to know"), "{plain}");
    for (more, part) in [
        ("contact = \"it@fengxiang.test\"", "hub.toml:4: [[outbound.channel]] b: contact must be"),
        ("contact = \"mailto:nobody\"", "contact must be"),
        (
            "contact = \"https://x.test\"\nurl = \"https://x.test\"",
            "hub.toml:5: [[outbound.channel]] b: url is not for web_push",
        ),
        ("contact = \"https://x.test\"\nsecret = \"x\"", "secret is not for web_push"),
        ("contact = \"https://x.test\"\nfor = [\"boss\"]", "user:NAME"),
    ] {
        let told = wrong(&channel(more)).unwrap();
        assert!(told.contains(part), "{part} in {told}");
    }
}
