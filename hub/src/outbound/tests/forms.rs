//! What each form sends, as its receiver reads it.

use serde_json::{Value, json};

use super::*;
use crate::web::tests::site::sites;

/// One notice to each kind of group and to a telephone: the documented JSON, signatures that the receiver's own reckoning
/// confirms, a link to the case, and nothing of the free words of whoever sent it.
#[tokio::test]
async fn notices_in_each_form() {
    for mut site in sites().await {
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        let to = Receiver::start().await;
        site.person("li", (Role::Commander, "/", None)).await;
        let toml = format!(
            r#"
            [[channel]]
            name = "wecom"
            form = "wecom"
            url = "{wecom}"
            [[channel]]
            name = "ding"
            form = "dingtalk"
            url = "{ding}"
            secret = "SECding"
            [[channel]]
            name = "feishu"
            form = "feishu"
            url = "{feishu}"
            secret = "SECfei"
            [[channel]]
            name = "text"
            form = "sms"
            url = "{sms}"
            headers = {{ Authorization = "Bearer t0ken" }}
            body = {{ to = ["{{phone}}"], params = {{ content = "【哨点】{{text}}", ref = "{{id}}" }}, type = 2 }}
            success = {{ status = [200], pointer = "/errcode", value = 0 }}
            [[channel]]
            name = "text-form"
            form = "sms"
            url = "{form}"
            content = "form"
            body = {{ mobile = "{{phone}}", msg = "{{text}}" }}
            "#,
            wecom = to.url("/cgi-bin/webhook/send?key=k1"),
            ding = to.url("/robot/send?access_token=a1"),
            feishu = to.url("/open-apis/bot/v2/hook/h1"),
            sms = to.url("/sms?ref={id}"),
            form = to.url("/form"),
        );
        let sender = site.channels(&toml).await;
        site.tells(&number, everybody()).await;
        assert_eq!(sender.drain().await, 5, "{}", site.name);
        assert_eq!(states(&site.rows().await), ["sent"; 5]);
        assert_eq!(sender.drain().await, 0, "what was sent is not sent again");

        let of = |path: &str| {
            let all: Vec<_> = to.got().into_iter().filter(|got| got.uri.path() == path).collect();
            assert_eq!(all.len(), 1, "{path} in {}", site.name);
            all[0].clone()
        };
        let link = format!("https://hub.test/cases/{number}");
        let wecom = of("/cgi-bin/webhook/send");
        assert_eq!((wecom.method.as_str(), wecom.uri.query()), ("POST", Some("key=k1")));
        assert_eq!(wecom.header("content-type"), "application/json");
        let content = wecom.json()["markdown"]["content"].as_str().unwrap().to_owned();
        assert_eq!(wecom.json(), json!({ "msgtype": "markdown", "markdown": { "content": content } }));
        for part in
            ["### 催办 Reminder", &number, "区域入侵 · 北口", "地点 Place：北口", "期限 Limit：受理", &link]
        {
            assert!(content.contains(part), "{part} in {content}");
        }

        let ding = of("/robot/send");
        let query: Vec<(String, String)> = reqwest::Url::parse(&format!("http://x{}", ding.uri))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        let (at, sign) = (&query[1], &query[2]);
        assert_eq!(query[0], ("access_token".to_owned(), "a1".to_owned()));
        assert_eq!((at.0.as_str(), at.1.as_str()), ("timestamp", site.clock.now().0.to_string().as_str()));
        let signed = hmac_base64(b"SECding", format!("{}\nSECding", at.1).as_bytes());
        assert_eq!((sign.0.as_str(), &sign.1), ("sign", &signed));
        assert_eq!(ding.json()["msgtype"], "markdown");
        assert!(ding.json()["markdown"]["text"].as_str().unwrap().contains(&link));

        let feishu = of("/open-apis/bot/v2/hook/h1").json();
        let at = feishu["timestamp"].as_str().unwrap();
        assert_eq!(at, (site.clock.now().0 / 1_000).to_string());
        assert_eq!(feishu["sign"], hmac_base64(format!("{at}\nSECfei").as_bytes(), b""));
        assert_eq!(feishu["msg_type"], "post");

        let sms = of("/sms");
        let id = sms.header("idempotency-key").to_owned();
        assert_eq!(sms.header("authorization"), "Bearer t0ken");
        assert_eq!(sms.uri.query(), Some(format!("ref={id}").as_str()));
        let body = sms.json();
        assert_eq!((&body["type"], &body["params"]["ref"]), (&json!(2), &json!(id)));
        let phone = body["to"][0].as_str().unwrap().to_owned();
        assert!(phone.starts_with("1380000"), "{body}");
        let text = body["params"]["content"].as_str().unwrap().to_owned();
        assert!(text.starts_with("【哨点】催办：") && text.ends_with(&link), "{text}");

        let form = of("/form");
        assert_eq!(form.header("content-type"), "application/x-www-form-urlencoded");
        let fields: Vec<(String, String)> = reqwest::Url::parse(&format!("http://x/?{}", form.body))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(fields[0], ("mobile".to_owned(), phone));
        assert_eq!(fields[1], ("msg".to_owned(), text.replace("【哨点】", "")));
        for got in to.got() {
            let all = format!("{} {:?} {}", got.uri, got.headers, got.body);
            assert!(!all.contains("自由文字") && !all.contains("free words"), "{all}");
        }
    }
}

/// The change of a case as a CloudEvent: read by the rules of CloudEvents and of Standard Webhooks, by the receiver's own
/// reckoning, and with what is documented and nothing else.
#[tokio::test]
async fn events_are_signed() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        to.answers(204, "");
        let key = b"0123456789abcdef0123456789abcdef";
        let secret = {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(key)
        };
        let toml = format!(
            "[[channel]]\nname = \"hook\"\nform = \"cloudevents\"\nurl = \"{}\"\nsecret = \"whsec_{secret}\"\n",
            to.url("/hook")
        );
        let sender = site.channels(&toml).await;
        site.raise_camera("north", "北口").await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        site.post(&format!("/cases/{number}/acknowledge"), &admin, &format!("csrf={}", admin.csrf)).await;
        site.give_to(&number, "police").await;
        assert_eq!(sender.drain().await, 4, "opened, acknowledged, filed, dispatched; {}", site.name);
        let got = to.got();
        let mut ids = Vec::new();
        for (got, action) in got.iter().zip(["opened", "acknowledged", "filed", "dispatched"]) {
            assert_eq!(got.header("content-type"), "application/cloudevents+json; charset=utf-8");
            let (id, at) = (got.header("webhook-id"), got.header("webhook-timestamp"));
            assert_eq!(at, (site.clock.now().0 / 1_000).to_string());
            let signed = hmac_base64(key, format!("{id}.{at}.{}", got.body).as_bytes());
            assert_eq!(got.header("webhook-signature"), format!("v1,{signed}"));
            let event = got.json();
            assert_eq!(event["id"], id);
            assert_eq!(event["type"], format!("cn.shaodian.case.{action}.v1"));
            assert_eq!(
                (&event["specversion"], &event["source"]),
                (&json!("1.0"), &json!("urn:shaodian:main"))
            );
            assert_eq!((&event["subject"], &event["data"]["number"]), (&json!(number), &json!(number)));
            assert_eq!(event["data"]["action"], action);
            ids.push(id.to_owned());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4, "each has its own id");
        let last = got[3].json();
        assert_eq!(last["data"]["state"], "dispatched");
        let mut names: Vec<&String> = last["data"].as_object().unwrap().keys().collect();
        names.sort();
        let known = [
            "action",
            "area",
            "category",
            "drill",
            "due_at",
            "due_clock",
            "kind",
            "latitude",
            "level",
            "longitude",
            "number",
            "opened_at",
            "place",
            "position",
            "severity",
            "source",
            "state",
            "title_en",
            "title_zh",
        ];
        assert_eq!(names, known);
    }
}

/// A receiver by HTTPS is trusted by the authority that its channel names, and by nothing less.
#[tokio::test]
async fn https_with_an_authority() {
    let mut site = sites().await.remove(0);
    let (ca, certificate, key) = authority(&site.app.data_dir().join("known"));
    let (stranger, ..) = authority(&site.app.data_dir().join("stranger"));
    let to = Receiver::start_tls(&certificate, &key).await;
    let toml = format!(
        "[[channel]]\nname = \"known\"\nform = \"cloudevents\"\nurl = \"https://localhost:{port}/known\"\nsecret = \"s\"\n\
         ca = \"{}\"\n\
         [[channel]]\nname = \"stranger\"\nform = \"cloudevents\"\nurl = \"https://localhost:{port}/stranger\"\n\
         secret = \"s\"\nca = \"{}\"\n",
        ca.display(),
        stranger.display(),
        port = to.port(),
    );
    let sender = site.channels(&toml).await;
    site.raise_camera("north", "北口").await;
    sender.drain().await;
    let rows = site.rows().await;
    let of = |name: &str| rows.iter().find(|row| row.channel == name).unwrap();
    assert_eq!(of("known").state, "sent", "{rows:?}");
    assert_eq!(of("stranger").state, "waiting");
    assert!(of("stranger").reason.contains("certificate"), "{:?}", of("stranger"));
    assert!(!of("stranger").reason.contains("https://"), "no address in a reason: it may hold a key");
    let paths: Vec<String> = to.got().iter().map(|got| got.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/known"]);
}

/// A test message is marked, is about no case, and says what the receiver answered; a channel to people needs one.
#[tokio::test]
async fn a_channel_is_tried() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        site.person("li", (Role::Commander, "/", None)).await;
        let toml = format!(
            "[[channel]]\nname = \"group\"\nform = \"wecom\"\nurl = \"{0}\"\n\
             [[channel]]\nname = \"hook\"\nform = \"cloudevents\"\nurl = \"{0}\"\nsecret = \"s\"\n\
             [[channel]]\nname = \"text\"\nform = \"sms\"\nurl = \"{0}?to={{phone}}&text={{text}}\"\nmethod = \"GET\"\n",
            to.url("/x")
        );
        site.channels(&toml).await;
        let app = &site.app;
        assert_eq!(cli::test(app, "group", None).await.unwrap(), "sent: 0 ok");
        assert!(to.got()[0].body.contains("测试消息，不涉及任何案件"));
        assert!(cli::test(app, "hook", None).await.unwrap().starts_with("sent: 200"));
        assert_eq!(to.got()[1].json()["type"], "cn.shaodian.test.v1");
        assert!(cli::test(app, "text", Some("li")).await.unwrap().starts_with("sent: 200"));
        assert!(to.got()[2].uri.query().unwrap().starts_with("to=1380000"));
        to.answer(200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#);
        let refused = cli::test(app, "group", None).await.unwrap_err().to_string();
        assert_eq!(refused, "refused: 93000 invalid webhook url");
        for (name, user, part) in [
            ("text", None, "--to USER"),
            ("text", Some("admin"), "hub user reach admin --phone"),
            ("group", Some("li"), "leave --to out"),
            ("nowhere", None, "it has group, hook, text"),
        ] {
            let error = cli::test(app, name, user).await.unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(site.rows().await.is_empty(), "a test leaves no row, {}", site.name);
    }
}

/// A name of a place that would be a link or a mention in a group arrives as letters.
#[tokio::test]
async fn names_do_nothing() {
    let mut site = sites().await.remove(0);
    let to = Receiver::start().await;
    let sender = site
        .channels(&format!("[[channel]]\nname = \"g\"\nform = \"wecom\"\nurl = \"{}\"\n", to.url("/")))
        .await;
    site.raise_camera("north", "[点我](http://evil.test)<@all>").await;
    let number = site.number(&site.log_in("admin").await).await;
    site.tells(&number, everybody()).await;
    sender.drain().await;
    let got: Value = to.got()[0].json();
    let text = got["markdown"]["content"].as_str().unwrap();
    assert!(!text.contains("](http://evil") && !text.contains("<@"), "{text}");
}
