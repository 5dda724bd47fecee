//! The live feed.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt as _;
use protocol::hotline::Alarm;
use protocol::{CallId, Event, IncidentKind, Leg, LiveCall, Phase, Segment, Subject, Transcript};
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::site::{Browser, CALL, Site, call, sites};

const LATER: &str = "0195a1c2-0000-7000-8000-0000000000c9";

/// A stream resumed behind the last id gives every change once, in order; one from nowhere is told to read anew.
#[tokio::test]
async fn the_feed_misses_nothing() {
    for mut site in sites().await {
        let browser = site.log_in("admin").await;
        let before = site.app.changes.newest(site.app.tenant().as_str()).await.unwrap();
        for camera in ["a", "b", "c", "d"] {
            site.raise_camera(camera, camera).await;
        }
        let newest = site.app.changes.newest(site.app.tenant().as_str()).await.unwrap();
        assert!(newest >= before + 4, "{}", site.name);
        let all = site.events(&browser, &before.to_string(), newest).await;
        assert_eq!(all, (before + 1..=newest).collect::<Vec<_>>(), "{}", site.name);
        // The connection breaks after two; the browser comes back with the last id it saw.
        let rest = site.events(&browser, &(before + 2).to_string(), newest).await;
        assert_eq!(rest, (before + 3..=newest).collect::<Vec<_>>(), "{}", site.name);
        let text = site.first_event(&browser, &(newest + 1_000).to_string()).await;
        assert!(text.contains("event: resync") && !text.contains("id:"), "{text}");
        let text = site.first_event(&browser, &newest.to_string()).await;
        assert!(text.contains("event: beat") && !text.contains("id:"), "{text}");
    }
}

/// Whoever reads a call hears what its box tells of it: all that is known when he comes, then what is new, together and at
/// most four times a second. Another box's words of the same call are not among them.
#[tokio::test]
async fn words_come_as_they_are_said() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let seat = site.log_in("seat03").await;
        site.say("box-1", CALL, Leg::Operator, 0, "您好", true);
        site.say("box-1", CALL, Leg::Caller, 2_000, "我家着", false);
        site.say("box-2", CALL, Leg::Caller, 3_000, "别的盒子", true);
        let mut words = site.listen(&seat, CALL).await;
        let asked = Instant::now();
        let first = words.next().await;
        assert_eq!((&first["call_id"], &first["ended"]), (&CALL.into(), &false.into()), "{}", site.name);
        assert_eq!(lines(&first), [("operator", "您好", true), ("caller", "我家着", false)], "{}", site.name);
        for end in 0..50 {
            site.say("box-1", CALL, Leg::Caller, 2_000, &format!("我家着火了{}", "啊".repeat(end)), false);
        }
        let alarm = Alarm { id: "fire".into(), words: vec!["着火了".into()], at_ms: 2_000, holds: true };
        site.tell("box-1", &LiveCall::Alarm { call_id: CALL.parse().unwrap(), alarms: vec![alarm] });
        let second = words.next().await;
        assert!(asked.elapsed() >= Duration::from_millis(250), "{}: too soon", site.name);
        assert_eq!(lines(&second), [("caller", format!("我家着火了{}", "啊".repeat(49)).as_str(), false)]);
        assert_eq!(second["lines"][0]["alarms"], serde_json::json!(["fire"]));
        site.tell("box-1", &LiveCall::Ended { call_id: CALL.parse().unwrap(), at: site.now() });
        let last = words.next().await;
        assert_eq!((lines(&last).len(), &last["ended"]), (0, &true.into()));
        assert!(asked.elapsed() >= Duration::from_millis(500), "{}: too soon", site.name);
    }
}

/// Words of a call are for those who may read it: nobody who is not logged in, of a call without a case whoever files tickets
/// and nobody else, nothing of what was not asked for. A call that gets another name goes on for those who know it by its old one.
#[tokio::test]
async fn words_are_for_readers_of_their_call() {
    for mut site in sites().await {
        let first = site.incident(call(CALL, "03", Transcript::Waiting), IncidentKind::Hotline, "");
        site.say("box-1", CALL, Leg::Caller, 0, "还没有案件", true);
        let ask = |calls: &str| format!("/api/v1/changes?calls={calls}");
        assert_eq!(site.get(&ask(CALL), None).await.status, StatusCode::UNAUTHORIZED);
        let seat = site.log_in("seat03").await;
        let wrong = site.get(&ask("7"), Some(&seat)).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
        let many = site.get(&ask(&[CALL; 17].join(",")), Some(&seat)).await;
        assert!(many.status == StatusCode::BAD_REQUEST && many.text.contains("at most 16"), "{}", many.text);

        let chief = site.log_in("chief").await;
        let (mut none, mut words) = (site.listen(&seat, "").await, site.listen(&chief, CALL).await);
        let mut early = site.listen(&seat, CALL).await;
        assert_eq!(lines(&early.next().await), [("caller", "还没有案件", true)], "{}", site.name);
        assert!(words.quiet().await, "{}: a call without a case", site.name);
        site.hand_in(Event::Incident(first.clone())).await;
        assert_eq!(lines(&words.next().await), [("caller", "还没有案件", true)], "{}", site.name);

        let mut renamed = first;
        (renamed.revision, renamed.phase) = (2, Phase::Updated);
        let Subject::Call(subject) = &mut renamed.subject else { unreachable!() };
        subject.call_id = LATER.parse().unwrap();
        site.hand_in(Event::Incident(renamed)).await;
        site.say("box-1", LATER, Leg::Caller, 5_000, "换了名字", true);
        let mut heard = Vec::new();
        while !heard.contains(&"换了名字".to_owned()) {
            let told = words.next().await;
            assert_eq!(told["call_id"], CALL, "as it was asked for");
            heard.extend(lines(&told).iter().map(|(_, text, _)| (*text).to_owned()));
        }
        assert_eq!(heard.first().map(String::as_str), Some("还没有案件"), "{}: {heard:?}", site.name);
        assert!(none.quiet().await, "{}: nobody asked", site.name);
    }
}

fn lines(words: &Value) -> Vec<(&str, &str, bool)> {
    let all = words["lines"].as_array().unwrap().iter();
    let parts =
        all.map(|line| (line["leg"].as_str().unwrap(), line["text"].as_str().unwrap(), &line["finished"]));
    parts.map(|(leg, text, finished)| (leg, text, *finished == true)).collect()
}

/// The words of a stream.
pub(super) struct Heard {
    stream: BodyDataStream,
    rest: String,
}

impl Heard {
    async fn event(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let event = event.to_owned();
                self.rest = rest.to_owned();
                return event;
            }
            self.rest += &String::from_utf8_lossy(&self.stream.next().await.unwrap().unwrap());
        }
    }

    pub(super) async fn next(&mut self) -> Value {
        let read = async {
            loop {
                let event = self.event().await;
                if event.contains("event: words") {
                    assert!(!event.contains("id:"), "{event}");
                    return serde_json::from_str(event.split_once("data: ").unwrap().1).unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("the words come")
    }

    /// No words until the next two beats.
    pub(super) async fn quiet(&mut self) -> bool {
        let mut beats = 0;
        while beats < 2 {
            let event = self.event().await;
            if event.contains("event: words") {
                return false;
            }
            beats += usize::from(event.contains("event: beat"));
        }
        true
    }
}

impl Site {
    fn now(&self) -> protocol::UtcMs {
        protocol::Clock::now(&*self.clock)
    }

    /// As the connection to the broker hands it on.
    pub(super) fn tell(&self, device: &str, told: &LiveCall) {
        let origin = protocol::Origin { device: device.parse().unwrap(), ..self.origin() };
        self.app.running.hear(origin, &serde_json::to_vec(told).unwrap());
    }

    pub(super) fn say(&self, device: &str, call: &str, leg: Leg, start_ms: u64, text: &str, finished: bool) {
        let call_id: CallId = call.parse().unwrap();
        let segment = Segment { leg, start_ms, end_ms: start_ms + 900, text: text.to_owned() };
        let told = if finished {
            LiveCall::Final { call_id, segment }
        } else {
            LiveCall::Partial { call_id, segment }
        };
        self.tell(device, &told);
    }

    pub(super) async fn listen(&self, browser: &Browser, calls: &str) -> Heard {
        let stream = self.stream_of(browser, "", &format!("?calls={calls}")).await;
        Heard { stream, rest: String::new() }
    }

    async fn stream(&self, browser: &Browser, last_id: &str) -> BodyDataStream {
        self.stream_of(browser, last_id, "").await
    }

    async fn stream_of(&self, browser: &Browser, last_id: &str, query: &str) -> BodyDataStream {
        let request = Request::get(format!("/api/v1/changes{query}"))
            .header(header::COOKIE, &browser.cookie)
            .header("last-event-id", last_id)
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    }

    async fn first_event(&self, browser: &Browser, last_id: &str) -> String {
        let bytes = self.stream(browser, last_id).await.next().await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ids of the stream up to `last`.
    async fn events(&self, browser: &Browser, last_id: &str, last: i64) -> Vec<i64> {
        let mut stream = self.stream(browser, last_id).await;
        let mut ids = Vec::new();
        let read = async {
            while ids.last() != Some(&last) {
                let bytes = stream.next().await.unwrap().unwrap();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                ids.extend(text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse::<i64>().ok()));
            }
        };
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("the events come");
        ids
    }
}
