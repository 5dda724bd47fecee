//! What an exchange says over HTTP of its calls: what is refused, with which words, and that a wrong word neither
//! disturbs a call nor tells anybody the caller's number.

use edge_agent::call::CallConfig;
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, client, config, noise};

async fn say(site: &Site, path: &str, kind: &str, body: impl Into<String>) -> (StatusCode, String) {
    let url = format!("http://{}/v1/calls/{path}", site.tap.health().api_listening.unwrap());
    let answer = client().put(url).header("content-type", kind).body(body.into()).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Every kind of bad input is refused with a word of what is wrong with it, and counted; the call it was about goes on,
/// and what was said right before stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_words_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let uuid = Uuid::from_u128(41);
    assert_eq!(site.tell(uuid, json!({ "seat": "8001", "direction": "outbound" })).await, 200);
    let sound = noise(5, 4_000);
    let mut leg = Exchange::connect(site.audio(), uuid).await;
    leg.play(&sound[..2_000]).await;

    let long = "9".repeat(65);
    let huge = format!("caller={}", "1".repeat(5_000));
    let same = uuid.to_string();
    let bad: &[(&str, &str, &str, u16, &str)] = &[
        ("not-a-uuid", JSON, "{}", 400, "is not a UUID"),
        (&same, JSON, "{\"seat\": ", 400, "EOF"),
        (&same, JSON, "7", 400, "invalid"),
        (&same, JSON, "{\"callerid\": \"1\"}", 400, "callerid"),
        (&same, JSON, "{\"seat\": 8001}", 400, "seat"),
        (&same, JSON, "{\"leg\": \"middle\"}", 400, "middle"),
        (&same, JSON, "{\"direction\": \"sideways\"}", 400, "sideways"),
        (&same, JSON, "{\"call_id\": \"77\"}", 400, "call_id"),
        (&same, JSON, "{\"seat\": \"a\\u0007b\"}", 400, "printable"),
        (&same, FORM, "leg=middle", 400, "middle"),
        (&same, FORM, "seat=1&seat=2", 400, "duplicate"),
        (&same, "text/plain", "seat=1", 400, "send application/json or"),
        (&same, FORM, &huge, 413, "4096 bytes are enough"),
    ];
    for (path, kind, body, status, words) in bad {
        let (answered, text) = say(&site, path, kind, *body).await;
        assert_eq!(answered, *status, "{body}: {text}");
        assert!(text.contains(words), "{body}: {text}");
        assert!(text.starts_with("{\"error\":"), "{text}");
    }
    for field in ["caller", "seat"] {
        let (answered, text) = say(&site, &same, FORM, format!("{field}={long}")).await;
        assert!(answered == 400 && text.contains("at most 64"), "{text}");
    }
    assert_eq!(site.tap.health().words_refused_total, bad.len() as u64 + 2);

    leg.play(&sound[2_000..]).await;
    drop(leg);
    let report = site.report().await;
    assert_eq!(call_of(&report).seat.as_deref(), Some("8001"));
    assert_eq!(call_of(&report).direction, protocol::Direction::Outbound);
    site.quiet().await;
    site.stop().await;
}

/// A dial plan's empty variables say nothing, and are no mistake: what is filled is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_words_say_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let (uuid, call) = (Uuid::from_u128(42), Uuid::from_u128(43));
    let body = format!("call_id={call}&leg=&caller=%2B8613812341234&seat=%20&direction=");
    assert_eq!(say(&site, &uuid.to_string(), FORM, body).await.0, 200);
    assert_eq!(site.tell(uuid, json!({ "call_id": "", "leg": null, "seat": "" })).await, 200);
    let mut leg = Exchange::connect(site.audio(), uuid).await;
    leg.play(&noise(6, 1_600)).await;
    drop(leg);
    let report = site.report().await;
    let subject = call_of(&report);
    assert_eq!((subject.call_id.0, subject.seat.as_deref()), (call, None));
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    site.stop().await;
}

/// Who is not among the peers learns nothing and changes nothing; the box itself always may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let config = CallConfig { api_listen: "0.0.0.0:0".parse().unwrap(), ..config() };
    let site = Site::start(dir.path(), config).await;
    let port = site.tap.health().api_listening.unwrap().port();
    // An address of this machine that is not loopback, as another machine would have one.
    let route = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let outside = route.connect("192.0.2.1:9").and_then(|()| route.local_addr()).map(|at| at.ip());
    let Ok(outside) = outside.map(|ip| ip.to_string()).and_then(|ip| {
        if ip.starts_with("127.") { Err(std::io::Error::other("loopback only")) } else { Ok(ip) }
    }) else {
        println!("skipped: this machine has no address but loopback");
        return site.stop().await;
    };
    let uuid = Uuid::from_u128(44);
    for (method, path) in [("GET", "v1/calls".to_owned()), ("PUT", format!("v1/calls/{uuid}"))] {
        let url = format!("http://{outside}:{port}/{path}");
        let request = client().request(method.parse().unwrap(), url).json(&json!({ "seat": "1" }));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{method}");
        assert!(answer.text().await.unwrap().contains("is not among calls.peers"));
    }
    let here = client().get(format!("http://127.0.0.1:{port}/v1/calls")).send().await.unwrap();
    assert_eq!(here.status(), 200);
    site.stop().await;
}
