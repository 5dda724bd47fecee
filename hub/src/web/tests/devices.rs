//! The page of a box.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use protocol::{
    Answer, BootId, CallTapHealth, Clock as _, DeviceState, Event, IncidentKind, MessageId, ModelHealth,
    ModelTask, Outcome, Phase, Status, Transcript, Trial, TriedIncident,
};

use super::site::{CALL, DEVICE_TOKEN, HOSTILE, START, Site, call, sites};
use crate::device;

impl Site {
    /// A heartbeat of a box that taps calls and has trouble with it.
    async fn heartbeat(&self, trouble: &str) {
        self.is(DeviceState::Online, trouble).await;
    }

    async fn is(&self, state: DeviceState, trouble: &str) {
        let calls = CallTapHealth {
            voice_detector: "earshot".into(),
            transcripts_waiting: 7,
            calls_filed: 31,
            refused: 5,
            announcements_dropped: 2,
            troubles: vec![trouble.to_owned()],
        };
        let status = Status {
            state,
            boot: BootId::new(&self.app.chance, START),
            at: START,
            uptime_ms: 1_000,
            clock_synced: true,
            version: "0.1.0".into(),
            configuration_version: 0,
            cameras: vec![],
            detector: None,
            speech_model: Some("paraformer".into()),
            active_calls: 1,
            calls: Some(calls),
            outbox_rows: 0,
            outbox_oldest_ms: 0,
            uploads_waiting: 0,
            disk_free_bytes: 1_000_000,
            rejected_rows: 0,
            models: vec![],
        };
        self.has_told(&status).await;
    }

    async fn has_told(&self, status: &Status) {
        let mut tx = self.app.db.begin().await.unwrap();
        tx.lock_tenant(self.app.tenant().as_str()).await.unwrap();
        device::store::save_status(&mut tx, &self.origin(), status, false, START).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A message that nobody can read.
    async fn send_nonsense(&self) {
        let id = MessageId::new(&self.app.chance, START);
        let request = Request::post("/api/v1/incidents")
            .header(header::AUTHORIZATION, format!("Bearer {DEVICE_TOKEN}"))
            .body(Body::from(format!(r#"{{"id":"{id}","nonsense":"{}"}}"#, HOSTILE.replace('"', "'"))))
            .unwrap();
        assert_eq!(self.send(request).await.json()["outcome"], "quarantined");
    }
}

/// A call that runs has a place for its words, and says so when they stand still because its box is away; one that is
/// transcribed has none.
#[tokio::test]
async fn a_running_call_says_that_its_box_is_away() {
    for mut site in sites().await {
        let seat = site.log_in("seat03").await;
        let mut incident = site.incident(call(CALL, "03", Transcript::Waiting), IncidentKind::Hotline, "");
        site.hand_in(Event::Incident(incident.clone())).await;
        let page = async |site: &Site| site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        let place = format!("id=\"words\" data-call=\"{CALL}\"");
        for (state, away) in
            [(DeviceState::Online, false), (DeviceState::Offline, true), (DeviceState::Online, false)]
        {
            site.is(state, "").await;
            let page = page(&site).await;
            assert!(page.contains(&place) && page.contains("边说边出字"), "{}: {page}", site.name);
            assert!(page.contains("device:box-1\" data-self"), "{}: it hears of its box", site.name);
            assert_eq!(page.contains("盒子失联"), away, "{}", site.name);
        }
        (incident.revision, incident.phase) = (2, Phase::Ended);
        site.hand_in(Event::Incident(incident.clone())).await;
        let on_its_way = page(&site).await;
        assert!(on_its_way.contains(&place) && on_its_way.contains("正在转写"), "{}", site.name);
        (incident.revision, incident.subject) = (3, call(CALL, "03", Transcript::Silent));
        site.hand_in(Event::Incident(incident)).await;
        assert!(!page(&site).await.contains("id=\"words\""), "{}", site.name);
    }
}

/// What is wrong with a box stands on its page: troubles of its call tap, messages that never came, messages that could
/// not be read; and its words are shown as words.
#[tokio::test]
async fn a_box_shows_what_is_wrong_with_it() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.raise_camera("north", "北口").await;
        site.heartbeat("AudioSocket 9092: address in use").await;
        let page = site.get("/devices/box-1?lang=en", Some(&admin)).await.text;
        assert!(
            page.contains("AudioSocket 9092: address in use") && page.contains("earshot"),
            "{}",
            site.name
        );
        assert!(!page.contains("on their way, or lost") && !page.contains("/quarantine?device"));
        assert!(site.get("/devices?lang=en", Some(&admin)).await.text.contains("Call tap in trouble"));

        // Messages 2 to 4 never come.
        site.sequence += 3;
        site.raise_camera("south", "南口").await;
        site.send_nonsense().await;
        site.heartbeat(HOSTILE).await;
        let page = site.get("/devices/box-1?lang=en", Some(&admin)).await.text;
        assert!(page.contains("on their way, or lost"), "{}", site.name);
        assert!(page.contains("href=\"/quarantine?device=box-1\">1</a>"), "{}", site.name);
        assert!(page.contains("&#60;script&#62;alert") && !page.contains("<script>alert"));
        let own = site.get("/quarantine?device=box-1", Some(&admin)).await.text;
        assert!(own.contains("class=\"jk\"") && !own.contains("<script>alert"));
        let id = own.split("/quarantine/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let item = site.get(&format!("/quarantine/{id}"), Some(&admin)).await.text;
        assert!(item.contains("nonsense") && !item.contains("<script>alert"), "{}", site.name);
        assert!(!site.get("/quarantine?device=box-2", Some(&admin)).await.text.contains("class=\"jk\""));
    }
}

/// Rules on trial: asked with a camera and a text by who may configure, and what came of them stands under the request,
/// for people and for programs.
#[tokio::test]
async fn rules_are_tried() {
    for mut site in sites().await {
        site.raise_camera("north", "北口").await;
        let rules = "command=replay&camera_id=north&purpose=check&toml=%5B%5Brules%5D%5D%0D%0Aid%3D1";
        let seat = site.log_in("seat03").await;
        let form = |browser: &super::site::Browser| format!("csrf={}&{rules}", browser.csrf);
        let refused = site.post("/devices/box-1/commands", &seat, &form(&seat)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", site.name);
        let admin = site.log_in("admin").await;
        let sent = site.post("/devices/box-1/commands", &admin, &form(&admin)).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let asked = site.get("/api/v1/commands", Some(&admin)).await.json()["commands"][0].clone();
        assert_eq!((&asked["command"], &asked["trial"]), (&"replay".into(), &serde_json::Value::Null));

        let lane = |started: i64, ended_at| TriedIncident {
            rule_id: "lane".parse().unwrap(),
            kind: IncidentKind::BlockedLane,
            started_at: START.plus_ms(started),
            ended_at,
            score_percent: 87,
        };
        let trial = Trial {
            from: START,
            to: START.plus_ms(3_600_000),
            frames: 17_982,
            incidents: vec![lane(1_000, Some(START.plus_ms(9_000))), lane(20_000, None)],
            left_out: 4,
        };
        site.hand_in(Event::Answer(Answer {
            command_id: asked["command_id"].as_str().unwrap().parse().unwrap(),
            outcome: Outcome::Tried { trial: trial.clone() },
            answered_at: site.clock.now(),
        }))
        .await;
        let answered = site.get("/api/v1/commands", Some(&admin)).await.json()["commands"][0].clone();
        assert_eq!(answered["state"], "done", "{}", site.name);
        assert_eq!(serde_json::from_value::<Trial>(answered["trial"].clone()).unwrap(), trial);
        let page = site.get("/devices/box-1?lang=en", Some(&admin)).await.text;
        assert!(
            page.contains("17982") && page.contains("Blocked fire lane") && page.contains("87 %"),
            "{page}"
        );
        assert!(page.contains("going on") && page.contains("4</b> more not listed"), "{page}");
    }
}

/// Each model of a box is told of by name and version, with how often it looks; one that stands in is marked, one that was
/// refused or does not run says why, on the list and on the box's page, in both languages, as words and nothing else.
#[tokio::test]
async fn models_are_told_of_one_by_one() {
    let model = |wanted: &str, at_work: Option<&str>, reason: Option<&str>| ModelHealth {
        wanted: wanted.to_owned(),
        task: ModelTask::Detector,
        at_work: at_work.map(str::to_owned),
        stand_in: false,
        looks_per_second: 9.84,
        reason: reason.map(str::to_owned),
    };
    for site in sites().await {
        site.heartbeat("").await;
        let admin = site.log_in("admin").await;
        let page = site.get("/devices/box-1", Some(&admin)).await.text;
        assert!(!page.contains("id=\"models\""), "{}: a box that does not tell", site.name);
        let device = device::store::get(&site.app.db, site.app.tenant().as_str(), "", "box-1").await.unwrap();
        let status = Status {
            models: vec![
                ModelHealth {
                    stand_in: true,
                    ..model("yolox-nano", Some("stand-in 1"), Some("stands in for it"))
                },
                model(
                    "ours",
                    Some("ours 2"),
                    Some("what was installed in its place is refused: ours 3: SHA-256"),
                ),
                model("broken", None, Some(HOSTILE)),
                ModelHealth {
                    task: ModelTask::Pose,
                    looks_per_second: 0.0,
                    ..model("movenet", Some("movenet 4"), None)
                },
            ],
            ..device.unwrap().status().unwrap()
        };
        site.has_told(&status).await;
        for (path, words) in [
            (
                "/devices",
                &["stand-in 1", "替用", "ours 2", "ours 3: SHA-256", "broken 未运行", "9.8/s", "movenet 4"][..],
            ),
            (
                "/devices/box-1",
                &["yolox-nano", "stand-in 1", "替用", "ours 3: SHA-256", "未运行", ">9.8<", "姿态"],
            ),
        ] {
            let page = site.get(path, Some(&admin)).await.text;
            for word in words {
                assert!(page.contains(word), "{}: {path}: {word} is not in {page}", site.name);
            }
            assert!(!page.contains("<script>alert"), "{}: {path}", site.name);
            assert_eq!(page.matches("替用").count(), 1, "{}: one stands in", site.name);
        }
        let page = site.get("/devices/box-1?lang=en", Some(&admin)).await.text;
        assert!(
            page.contains("stand-in</span>") && page.contains("not at work") && page.contains("Looks/s"),
            "{page}"
        );
    }
}
