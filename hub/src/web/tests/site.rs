//! A hub without broker and listeners, and those who talk to it: a box, browsers, scripts.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use protocol::envelope::Stamp;
use protocol::{
    BootId, CallSubject, CameraSubject, Chance, Clock as _, Direction, Envelope, Event, Incident, IncidentId,
    IncidentKind, Label, Leg, ManualClock, MessageId, NormBox, Origin, Phase, Severity, Subject, Transcript,
    UtcMs,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::app::App;
use crate::config::Config;
use crate::db::Db;
use crate::db::testing::{TestDb, databases};
use crate::http::Scheme;
use crate::user::{self, Role};
use crate::workflow::{self, Actor, Step};
use crate::{device, http};

pub(crate) const START: UtcMs = UtcMs(1_773_815_480_000);
pub(crate) const DEVICE_TOKEN: &str = "device-token";
pub(crate) const HOSTILE: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
pub(crate) const CALL: &str = "0195a1c2-0000-7000-8000-0000000000c1";

/// A hub without broker and listeners.
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    stop: CancellationToken,
    pub(crate) sequence: u64,
    pub(crate) name: &'static str,
    db: TestDb,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// A logged-in browser.
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

pub(crate) async fn sites() -> Vec<Site> {
    // The hub's `main` does this in its first line.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut all = Vec::new();
    for db in databases().await {
        let mut config = Config::default();
        config.hub.data_dir = db.folder.join("data");
        std::fs::create_dir_all(&config.hub.data_dir).unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let (app, ends) =
            App::with_db(config, db.db.clone(), clock.clone(), Arc::new(Chance::seeded(9))).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(app.intake_worker().run(ends.items, stop.clone()));
        for (name, role) in
            [("admin", Role::Administrator), ("seat03", Role::Operator), ("chief", Role::Commander)]
        {
            let user = (name, "correct horse battery", role);
            user::testing::add(&app.db, app.tenant().as_str(), &app.chance, START, user).await.unwrap();
        }
        let router = http::router(app.clone()).layer(Extension(Scheme::Http));
        let site = Site { app, router, clock, stop, sequence: 0, name: db.name, db };
        site.enrol().await;
        all.push(site);
    }
    all
}

impl Site {
    /// Another hub on the same database, by connections of its own.
    pub(crate) async fn second_hub(&self) -> App {
        let db = Db::connect(self.db.url.as_deref(), &self.db.folder.join("hub.db")).await.unwrap();
        let config = (*self.app.config).clone();
        let (app, _) = App::with_db(config, db, self.clock.clone(), Arc::new(Chance::seeded(10))).unwrap();
        app
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { tenant: self.app.tenant().clone(), device: "box-1".parse().unwrap() }
    }

    pub(crate) async fn enrol(&self) {
        let origin = self.origin();
        device::enrol::add(&self.app, &origin.tenant, &origin.device, "box-1").await.unwrap();
        let mut tx = self.app.db.begin().await.unwrap();
        let signed = crate::pki::Signed {
            pem: String::new(),
            sha256: "cert".into(),
            serial: "41".into(),
            expires_at: START.plus_ms(1_000_000_000),
        };
        device::store::set_identity(&mut tx, &origin, &signed, DEVICE_TOKEN, START).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Self::send_to(self.router.clone(), request).await
    }

    pub(crate) async fn send_to(router: Router, request: Request<Body>) -> Answer {
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str, browser: Option<&Browser>) -> Answer {
        let mut request = Request::get(path);
        if let Some(browser) = browser {
            request = request.header(header::COOKIE, &browser.cookie);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, browser: &Browser, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, &browser.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn log_in(&self, name: &str) -> Browser {
        let form = format!("name={name}&password=correct+horse+battery&next=/devices");
        let request = Request::post("/login").body(Body::from(form)).unwrap();
        let answer = self.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/devices"));
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let page = self
            .send(Request::get("/cases").header(header::COOKIE, &cookie).body(Body::empty()).unwrap())
            .await;
        let csrf = page.text.split("name=\"csrf\" content=\"").nth(1).unwrap();
        Browser { cookie, csrf: csrf.split('"').next().unwrap().to_owned() }
    }

    /// The same whatever the user may see.
    pub(crate) async fn sign_in(&self, name: &str) -> Browser {
        let form = format!("name={name}&password=correct+horse+battery&next=/cases");
        let answer = self.send(Request::post("/login").body(Body::from(form)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let request = Request::get("/cases").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
        let page = self.send(request).await;
        let csrf = page.text.split("name=\"csrf\" content=\"").nth(1).unwrap();
        Browser { cookie, csrf: csrf.split('"').next().unwrap().to_owned() }
    }

    /// Where the box stands: its incidents lie there.
    pub(crate) async fn put_box_in(&self, area: &str) {
        let mut tx = self.app.db.begin().await.unwrap();
        device::store::set_area(&mut tx, &self.origin(), area).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Files and dispatches a case, as the hub itself may.
    pub(crate) async fn give_to(&self, number: &str, unit: &str) {
        for step in [
            Step::File { category: "other".into(), note: String::new() },
            Step::Dispatch { lead: unit.to_owned(), co: vec![], note: String::new() },
        ] {
            let (app, id) = (&self.app, self.app.new_id());
            let tenant = app.tenant().as_str();
            workflow::store::take(&app.db, tenant, number, &step, &Actor::hub(), app.step_with(&id))
                .await
                .unwrap();
        }
    }

    /// Hands in an event over HTTP, as a box would; returns when it is committed.
    pub(crate) async fn hand_in(&mut self, event: Event) {
        let (chance, now) = (&self.app.chance, self.clock.now());
        self.sequence += 1;
        let stamp = Stamp {
            id: MessageId::new(chance, now),
            at: now,
            boot: BootId::new(chance, START),
            sequence: self.sequence,
            uptime_ms: 1,
            clock_synced: true,
        };
        let envelope = Envelope::new(&self.origin(), stamp, event);
        // The whole suite also holds with every message delivered twice.
        for outcome in ["stored", "duplicate"] {
            let request = Request::post("/api/v1/incidents")
                .header(header::AUTHORIZATION, format!("Bearer {DEVICE_TOKEN}"))
                .body(Body::from(envelope.encode().unwrap()))
                .unwrap();
            let answer = self.send(request).await;
            assert_eq!(answer.json()["outcome"], outcome, "{}", answer.text);
        }
    }

    pub(crate) fn incident(&self, subject: Subject, kind: IncidentKind, place: &str) -> Incident {
        let now = self.clock.now();
        Incident {
            incident_id: IncidentId::new(&self.app.chance, now),
            revision: 1,
            phase: Phase::Opened,
            kind,
            severity: Severity::Emergency,
            subject,
            place: (!place.is_empty()).then(|| protocol::Place {
                name: place.to_owned(),
                latitude: None,
                longitude: None,
            }),
            started_at: now,
            updated_at: now,
            ended_at: None,
            evidence: vec![],
            drill: false,
        }
    }

    pub(crate) async fn raise(&mut self, subject: Subject, kind: IncidentKind, place: &str) {
        let incident = self.incident(subject, kind, place);
        self.hand_in(Event::Incident(incident)).await;
    }

    pub(crate) fn camera_incident(&self, camera: &str, name: &str) -> Incident {
        let subject = CameraSubject {
            camera_id: camera.parse().unwrap(),
            camera_name: name.to_owned(),
            rule_id: "night".parse().unwrap(),
            rule_name: name.to_owned(),
            rule_name_en: None,
            label: Label::Person,
            score: 0.9,
            region: NormBox { x: 0.1, y: 0.1, w: 0.2, h: 0.4 },
            object_count: 1,
            motion_only: false,
            method: name.to_owned(),
        };
        self.incident(Subject::Camera(subject), IncidentKind::Intrusion, name)
    }

    pub(crate) async fn raise_camera(&mut self, camera: &str, name: &str) {
        let incident = self.camera_incident(camera, name);
        self.hand_in(Event::Incident(incident)).await;
    }

    pub(crate) async fn raise_call(&mut self, said: &str) {
        let subject = call(CALL, said, Transcript::Failed { reason: said.to_owned() });
        self.raise(subject, IncidentKind::Hotline, "东关巷北口").await;
    }

    pub(crate) async fn number(&self, browser: &Browser) -> String {
        let list = self.get("/api/v1/cases", Some(browser)).await.json();
        list["cases"][0]["number"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn call(id: &str, seat: &str, transcript: Transcript) -> Subject {
    Subject::Call(CallSubject {
        call_id: id.parse().unwrap(),
        caller_masked: Some("138****6027".to_owned()),
        callback: None,
        seat: Some(seat.to_owned()),
        direction: Direction::Inbound,
        legs: vec![Leg::Caller, Leg::Operator],
        duration_ms: 30_000,
        speech_ms: 20_000,
        transcript,
        reading: None,
        interrupted: false,
    })
}
