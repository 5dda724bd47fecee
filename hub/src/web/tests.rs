//! Pages and API as a browser and a script meet them, on both databases, through the whole router.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::{Extension, Router};
use futures_util::StreamExt as _;
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
use crate::db::testing::{TestDb, databases};
use crate::http::Scheme;
use crate::user::{self, Role};
use crate::{device, http};

mod calls;

const START: UtcMs = UtcMs(1_773_815_480_000);
const DEVICE_TOKEN: &str = "device-token";
const HOSTILE: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
const CALL: &str = "0195a1c2-0000-7000-8000-0000000000c1";

/// A hub without broker and listeners.
pub(crate) struct Site {
    pub(crate) app: App,
    router: Router,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    sequence: u64,
    name: &'static str,
    _db: TestDb,
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
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// A logged-in browser.
pub(crate) struct Browser {
    cookie: String,
    csrf: String,
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
            user::add(&app.db, app.tenant().as_str(), &app.chance, START, user).await.unwrap();
        }
        let router = http::router(app.clone()).layer(Extension(Scheme::Http));
        let site = Site { app, router, clock, stop, sequence: 0, name: db.name, _db: db };
        site.enrol().await;
        all.push(site);
    }
    all
}

impl Site {
    fn origin(&self) -> Origin {
        Origin { tenant: self.app.tenant().clone(), device: "box-1".parse().unwrap() }
    }

    async fn enrol(&self) {
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
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str, browser: Option<&Browser>) -> Answer {
        let mut request = Request::get(path);
        if let Some(browser) = browser {
            request = request.header(header::COOKIE, &browser.cookie);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, browser: &Browser, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, &browser.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    async fn log_in(&self, name: &str) -> Browser {
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

    /// Hands in an event over HTTP, as a box would; returns when it is committed.
    async fn hand_in(&mut self, event: Event) {
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

    fn incident(&self, subject: Subject, kind: IncidentKind, place: &str) -> Incident {
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

    async fn raise(&mut self, subject: Subject, kind: IncidentKind, place: &str) {
        let incident = self.incident(subject, kind, place);
        self.hand_in(Event::Incident(incident)).await;
    }

    async fn raise_camera(&mut self, camera: &str, name: &str) {
        let subject = CameraSubject {
            camera_id: camera.parse().unwrap(),
            camera_name: name.to_owned(),
            rule_id: "night".parse().unwrap(),
            rule_name: name.to_owned(),
            label: Label::Person,
            score: 0.9,
            region: NormBox { x: 0.1, y: 0.1, w: 0.2, h: 0.4 },
            object_count: 1,
            motion_only: false,
            method: name.to_owned(),
        };
        self.raise(Subject::Camera(subject), IncidentKind::Intrusion, name).await;
    }

    async fn raise_call(&mut self, said: &str) {
        let subject = call(CALL, said, Transcript::Failed { reason: said.to_owned() });
        self.raise(subject, IncidentKind::Hotline, "东关巷北口").await;
    }

    async fn number(&self, browser: &Browser) -> String {
        let list = self.get("/api/v1/cases", Some(browser)).await.json();
        list["cases"][0]["number"].as_str().unwrap().to_owned()
    }
}

fn call(id: &str, seat: &str, transcript: Transcript) -> Subject {
    Subject::Call(CallSubject {
        call_id: id.parse().unwrap(),
        caller_masked: Some("138****6027".to_owned()),
        seat: Some(seat.to_owned()),
        direction: Direction::Inbound,
        legs: vec![Leg::Caller, Leg::Operator],
        duration_ms: 30_000,
        speech_ms: 20_000,
        transcript,
    })
}

/// Without a login every page leads to the login and every API call answers 401, also for things that are not
/// there; only what machines and browsers need before a login is open.
#[tokio::test]
async fn nothing_is_shown_to_strangers() {
    for site in sites().await {
        for page in [
            "/cases",
            "/cases/1",
            "/cases/1/row",
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
        for form in ["/cases/1/acknowledge", "/calls/x/ticket", "/devices", "/devices/x/commands", "/logout"]
        {
            let answer = site.send(Request::post(form).body(Body::from("csrf=")).unwrap()).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::SEE_OTHER, "/login"),
                "{form}"
            );
        }
        let description = serde_json::to_value(crate::api::openapi()).unwrap();
        let mut tried = 0;
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                if (path.as_str(), method.as_str()) == ("/api/v1/session", "post") {
                    continue;
                }
                let url =
                    path.replace("{number}", "1").replace("{id}", "1").replace("{sha256}", &"a".repeat(64));
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = Request::builder().method(method).uri(&url).body(Body::empty()).unwrap();
                let answer = site.send(request).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.text);
                assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
                tried += 1;
            }
        }
        assert!(tried >= 14, "only {tried} operations are described");
        for open in ["/login", "/healthz", "/ca.pem", "/api/openapi.json", "/assets/app.css"] {
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

/// An incomplete ticket changes nothing and keeps what was typed; a whole one moves the case to filed, once, with
/// its history row; a correction is one more row.
#[tokio::test]
async fn filing_a_ticket_moves_the_case() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let url = format!("/calls/{CALL}/ticket");
        let partial =
            format!("csrf={}&matter=request&place=%E4%B8%9C%E5%85%B3&summary=kept+words", seat.csrf);
        let answer = site.post(&url, &seat, &partial).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("kept words") && answer.text.contains("请选择类别"));
        let state =
            async |site: &Site| site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        assert_eq!(state(&site).await["state"], "received", "{}", site.name);

        let whole = format!("{partial}&category=noise&urgency=normal");
        let answer = site.post(&url, &seat, &whole).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, format!("/calls/{CALL}").as_str())
        );
        assert_eq!(site.post(&url, &seat, &whole).await.status, StatusCode::SEE_OTHER);
        let case = state(&site).await;
        assert_eq!((&case["state"], &case["ticket"]["category"]), (&"filed".into(), &"noise".into()));
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["opened", "filed", "corrected"], "{}", site.name);
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await;
        assert!(page.text.contains("噪声扰民") && page.text.contains("kept words"));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await;
        assert!(page.text.contains("首尾相连"), "the chain holds");
    }
}

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

impl Site {
    async fn stream(&self, browser: &Browser, last_id: &str) -> axum::body::BodyDataStream {
        let request = Request::get("/api/v1/changes")
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
        tokio::time::timeout(std::time::Duration::from_secs(10), read).await.expect("the events come");
        ids
    }
}

/// What a hostile installer or caller wrote comes out as text on every page, through the real intake.
#[tokio::test]
async fn hostile_names_are_text() {
    for mut site in sites().await {
        site.raise_camera("north", HOSTILE).await;
        let admin = site.log_in("admin").await;
        let camera_case = site.number(&admin).await;
        site.clock.advance_ms(1_000);
        site.raise_call(HOSTILE).await;
        let call_case = site.number(&admin).await;
        assert_ne!(camera_case, call_case);
        for path in [
            "/cases".to_owned(),
            format!("/cases?q={}", super::guard::percent(HOSTILE)),
            format!("/cases/{camera_case}"),
            format!("/cases/{camera_case}/row"),
            format!("/cases/{call_case}"),
            format!("/calls/{CALL}?purpose={}", super::guard::percent(HOSTILE)),
            "/devices/box-1?lang=en".to_owned(),
        ] {
            let answer = site.get(&path, Some(&admin)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(!answer.text.contains("<script>alert") && !answer.text.contains("<img src=x"), "{path}");
            assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{path}");
        }
    }
}

/// The list puts unacknowledged cases first and finds by words; languages and themes stay chosen.
#[tokio::test]
async fn the_list_and_the_choices() {
    for mut site in sites().await {
        site.raise_camera("north", "水厂西墙").await;
        site.raise_camera("south", "学校东门").await;
        let browser = site.log_in("chief").await;
        let page = site.get("/cases?lang=en&theme=dark", Some(&browser)).await;
        assert!(page.text.contains("Unacknowledged") && page.text.contains("data-theme=\"dark\""));
        let cookies: Vec<_> =
            page.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(
            cookies.iter().any(|c| c.starts_with("lang=en"))
                && cookies.iter().any(|c| c.starts_with("theme=dark"))
        );
        let found = site.get(&format!("/cases?q={}", super::guard::percent("学校")), Some(&browser)).await;
        assert!(found.text.contains("学校东门") && !found.text.contains("水厂西墙"), "{}", site.name);
        let none = site.get("/cases?q=100%25", Some(&browser)).await;
        assert!(!none.text.contains("学校东门"), "a wildcard is a letter");
        assert_eq!(site.get("/cases/20000101-001", Some(&browser)).await.status, StatusCode::NOT_FOUND);
    }
}
