//! A small county with one person of every role, and cases in every state: the ground on which pages are looked at.
//!
//! What has a name in both languages has both here; everything else that is data is plain ASCII. So Chinese on an English
//! page is a word that nobody has translated, except for what [`CHINESE`] names.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edge_agent::identity::Enrolled;
use protocol::envelope::Stamp;
use protocol::hotline::{Alarm, CallReading, Offer};
use protocol::{
    BootId, CameraSubject, Clock as _, Envelope, Event, Incident, IncidentId, IncidentKind, Label, Leg,
    MessageId, NormBox, Phase, Place, Segment, Severity, Subject, Transcript, UtcMs,
};
use serde_json::{Value, json};
use world::operator::{Operator, Ticket};
use world::process::run;
use world::wait::until;
use world::{DEVICE, DatabaseKind, World};

/// Data of this world that is Chinese in every language: the box's own name.
pub(crate) const CHINESE: [&str; 1] = ["世界"];

/// Role, area, unit. A person is called as his role is, with `-1`; the administrator is there from the start.
static PEOPLE: [(&str, &str, &str); 14] = [
    ("commander", "", ""),
    ("operator", "", ""),
    ("dispatcher", "", ""),
    ("shift_leader", "", ""),
    ("handler", "", "work_safety"),
    ("department_head", "", "work_safety"),
    ("grid_manager", "dongguan-03", ""),
    ("community_officer", "dongguan", ""),
    ("town_officer", "qingwu-town", ""),
    ("informant", "dongguan-03", ""),
    ("attendant", "dongguan-03", ""),
    ("evaluator", "", ""),
    ("installer", "", ""),
    ("auditor", "", ""),
];

const AREAS: &str = "\
id,name,name_en,level,parent
qingwu,青梧县,Qingwu County,county,
qingwu-town,青梧镇,Qingwu Town,town,qingwu
beitang,北塘社区,Beitang,community,qingwu-town
dongguan,东关社区,Dongguan,community,qingwu-town
xiyuan,西园社区,Xiyuan,community,qingwu-town
nanqiao,南桥社区,Nanqiao,community,qingwu-town
";

const CASE: Duration = Duration::from_secs(60);

pub(crate) struct County {
    pub(crate) world: World,
    http: reqwest::Client,
    box_identity: Enrolled,
    boot: BootId,
    sequence: AtomicU64,
    /// Password and token of each person, by role.
    people: BTreeMap<&'static str, (String, String)>,
    /// Middle of each grid: longitude, latitude.
    middles: BTreeMap<String, (f64, f64)>,
}

impl County {
    pub(crate) async fn settle(database: DatabaseKind) -> Self {
        Self::settle_in(World::builder().database(database).start().await.unwrap()).await
    }

    pub(crate) async fn settle_in(world: World) -> Self {
        let all: Vec<&str> = Self::roles().collect();
        Self::settle_with(world, &all).await
    }

    /// With people of these roles alone, and the administrator: each takes about a second.
    pub(crate) async fn settle_with(world: World, roles: &[&str]) -> Self {
        let hub = |words: &[&str]| run(world.hub_command(words).unwrap()).unwrap();
        let areas = world.path("areas.csv");
        std::fs::write(&areas, AREAS).unwrap();
        hub(&["area", "import", areas.to_str().unwrap()]);
        let (map, middles) = grids();
        let grids = world.path("grids.geojson");
        std::fs::write(&grids, map).unwrap();
        hub(&["grid", "import", grids.to_str().unwrap(), "--note", "for tests"]);
        hub(&["device", "place", DEVICE, "dongguan"]);
        let http = world::http::browser(Some(&world.ca())).unwrap();
        let mut people = BTreeMap::new();
        let mut passwords = vec![("administrator", world.password().unwrap())];
        for (role, area, unit) in PEOPLE.into_iter().filter(|one| roles.contains(&one.0)) {
            let name = name_of(role);
            let mut words = vec!["user", "add", &name, "--role", role];
            let places = [("--area", area), ("--unit", unit)];
            words.extend(places.iter().filter(|place| !place.1.is_empty()).flat_map(|(a, b)| [*a, *b]));
            passwords.push((role, hub(&words)));
        }
        for (role, password) in passwords {
            let answer = http
                .post(format!("{}/api/v1/session", world.https()))
                .json(&json!({"name": name_of(role), "password": password}))
                .send()
                .await
                .unwrap();
            let session: Value = answer.json().await.unwrap();
            let token = session["token"].as_str().unwrap_or_else(|| panic!("{role}: {session}")).to_owned();
            people.insert(role, (password, token));
        }
        // Without the cookies of all these logins.
        let http = world::http::browser(Some(&world.ca())).unwrap();
        let box_identity = Enrolled::load(&world.path("edge")).unwrap().unwrap();
        let boot = BootId::new(&world.chance, world.clock.now());
        Self { http, box_identity, boot, sequence: AtomicU64::new(1), people, middles, world }
    }

    /// Every role there is, those first whose pages have the most forms.
    pub(crate) fn roles() -> impl Iterator<Item = &'static str> {
        let (first, rest) = PEOPLE.split_at(3);
        first.iter().map(|one| one.0).chain(["administrator"]).chain(rest.iter().map(|one| one.0))
    }

    /// Name and password.
    pub(crate) fn person(&self, role: &str) -> (String, &str) {
        (name_of(role), &self.people[role].0)
    }

    /// The hub's own command; what it prints.
    pub(crate) fn hub(&self, words: &[&str]) -> String {
        run(self.world.hub_command(words).unwrap()).unwrap()
    }

    /// Middle of a grid: longitude, latitude.
    pub(crate) fn middle(&self, grid: &str) -> (f64, f64) {
        self.middles[grid]
    }

    /// The API, as somebody; what it refuses is an end of the test.
    pub(crate) async fn ask(&self, role: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.world.https());
        let request = match &body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let answer = request.bearer_auth(&self.people[role].1).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{role}: {path}: {status}: {text}\n{}", self.world.tails());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn case(&self, number: &str) -> Value {
        self.ask("administrator", &format!("/api/v1/cases/{number}"), None).await
    }

    pub(crate) async fn cases(&self) -> Vec<Value> {
        let list = self.ask("administrator", "/api/v1/cases?limit=200", None).await;
        list["cases"].as_array().unwrap().clone()
    }

    /// One step of a case.
    pub(crate) async fn step(&self, role: &str, number: &str, step: Value) {
        self.ask(role, &format!("/api/v1/cases/{number}/moves"), Some(step)).await;
    }

    /// What a camera in the middle of a grid tells; gives the number of its case.
    pub(crate) async fn alert(
        &self,
        camera: &str,
        kind: IncidentKind,
        severity: Severity,
        grid: &str,
    ) -> String {
        let now = self.world.clock.now();
        let (longitude, latitude) = self.middles[grid];
        self.send(Incident {
            incident_id: IncidentId::new(&self.world.chance, now),
            revision: 1,
            phase: Phase::Opened,
            kind,
            severity,
            subject: Subject::Camera(CameraSubject {
                camera_id: camera.parse().unwrap(),
                camera_name: format!("Camera {camera}"),
                rule_id: "watch".parse().unwrap(),
                rule_name: format!("Watch {camera}"),
                rule_name_en: Some(format!("Watch {camera}")),
                label: Label::Motion,
                score: 0.0,
                region: NormBox { x: 0.4, y: 0.3, w: 0.2, h: 0.3 },
                object_count: 1,
                motion_only: true,
                method: "motion".into(),
            }),
            place: Some(Place {
                name: format!("Gate of {camera}"),
                latitude: Some(latitude),
                longitude: Some(longitude),
            }),
            started_at: now,
            updated_at: now,
            ended_at: None,
            evidence: vec![],
            drill: false,
        })
        .await;
        let cases = self.cases().await;
        let case = cases.iter().find(|case| case["camera_id"] == camera && case["state"] == "received");
        case.unwrap_or_else(|| panic!("no case of {camera}: {cases:?}"))["number"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn send(&self, incident: Incident) {
        let message = self.envelope(incident);
        let receipt = self.submit(message.encode().unwrap()).await;
        assert_eq!(receipt["outcome"], "stored", "{receipt}");
    }

    fn envelope(&self, incident: Incident) -> Envelope {
        let (chance, at): (_, UtcMs) = (&self.world.chance, self.world.clock.now());
        let stamp = Stamp {
            id: MessageId::new(chance, at),
            at,
            boot: self.boot,
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed),
            uptime_ms: 1,
            clock_synced: true,
        };
        Envelope::new(&self.box_identity.origin(), stamp, Event::Incident(incident))
    }

    /// Over HTTP, with the box's own token.
    async fn submit(&self, message: Vec<u8>) -> Value {
        let answer = self
            .box_identity
            .http()
            .unwrap()
            .post(format!("{}/api/v1/incidents", self.world.https()))
            .bearer_auth(&self.box_identity.identity.token)
            .body(message)
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// A short call of which the box has read something; its case and its id.
    async fn call(&self) -> (String, String) {
        let mut call = self.world.call();
        call.speed = 4.0;
        let tone: Vec<i16> = (0..4_000).map(|n| ((f64::from(n) * 0.35).sin() * 9_000.0) as i16).collect();
        call.place(&tone, &tone, &self.world.chance, &self.world.clock).await.unwrap();
        let id = call.call_id.to_string();
        let case = until(CASE, "the case of a call", async || {
            let cases = self.cases().await;
            let own = cases.iter().find(|case| case["call_id"] == id.as_str() && case["state"] == "received");
            Ok(own.cloned())
        })
        .await
        .unwrap_or_else(|e| panic!("{e:#}\n{}", self.world.tails()));
        let number = case["number"].as_str().unwrap().to_owned();
        let case = self.case(&number).await;
        let mut incident: Incident = serde_json::from_value(case["incidents"][0]["data"].clone()).unwrap();
        (incident.revision, incident.phase) = (100, Phase::Updated);
        incident.updated_at = self.world.clock.now();
        incident.place = Some(Place { name: "Gate road 12".into(), latitude: None, longitude: None });
        let Subject::Call(subject) = &mut incident.subject else { panic!("not of a call: {case}") };
        let said =
            |leg, start_ms, text: &str| Segment { leg, start_ms, end_ms: start_ms + 900, text: text.into() };
        let segments = vec![
            said(Leg::Operator, 0, "Hello, this is the desk"),
            said(Leg::Caller, 1_000, "There is a fire behind the market"),
        ];
        subject.transcript = Transcript::Done { segments, model: "test".into(), left_out: 0 };
        let offer = |id: &str| vec![Offer { id: id.into(), percent: 70, words: vec!["fire".into()] }];
        subject.reading = Some(CallReading {
            summary: "A fire behind the market".into(),
            matters: offer("report"),
            categories: offer("fire_hazard"),
            urgencies: offer("emergency"),
            alarms: vec![Alarm { id: "fire".into(), words: vec!["fire".into()], at_ms: 1_000, holds: true }],
            ..CallReading::default()
        });
        self.send(incident).await;
        (number, id)
    }

    /// Something of everything that pages show.
    pub(crate) async fn fill(&self) {
        use IncidentKind as K;
        self.alert("market", K::Smoke, Severity::Emergency, "dongguan-03").await;
        self.alert("school", K::Intrusion, Severity::Notice, "beitang-02").await;

        let lane = self.alert("lane", K::BlockedLane, Severity::Major, "dongguan-06").await;
        self.go(&lane, "in_progress").await;
        let extension =
            json!({"move": "ask_extension", "by": "3 working days", "reason": "parts are missing"});
        self.step("handler", &lane, extension).await;
        let remind = json!({"move": "remind", "text": "people ask every day"});
        self.step("dispatcher", &lane, remind).await;

        let lift = self.alert("lift", K::EbikeInLift, Severity::Normal, "xiyuan-01").await;
        self.go(&lift, "verifying").await;
        let square = self.alert("square", K::Crowding, Severity::Normal, "dongguan-09").await;
        self.go(&square, "closed").await;
        let tree = self.alert("tree", K::Loitering, Severity::Notice, "nanqiao-04").await;
        let void = json!({"move": "void", "reason": "false_alarm", "note": "the shadow of a tree"});
        self.step("dispatcher", &tree, void).await;

        let (_, call) = self.call().await;
        let (name, password) = self.person("operator");
        let (base, ca) = (self.world.https(), self.world.ca());
        let seat = Operator::login(&base, Some(&ca), &name, password).await.unwrap();
        let ticket = Ticket {
            place: "Gate road 12".into(),
            summary: "A fire behind the market".into(),
            ..Ticket::default()
        };
        seat.file(&call, &ticket).await.unwrap();
        self.call().await;

        let report = json!({
            "title": "A lamp is dark", "text": "The third lamp from the gate", "place": "Gate road",
            "area": "dongguan-03", "severity": "normal",
        });
        self.ask("grid_manager", "/api/v1/cases", Some(report)).await;
        let still = json!({"command": "still", "camera_id": "market", "purpose": "what burns there"});
        self.ask("operator", &format!("/api/v1/devices/{DEVICE}/commands"), Some(still)).await;
        self.unreadable().await;
    }

    /// Takes a case as far as that.
    pub(crate) async fn go(&self, number: &str, to: &str) {
        let steps = [
            ("dispatcher", json!({"move": "file", "category": "fire_hazard"}), "filed"),
            ("dispatcher", json!({"move": "dispatch", "lead": "work_safety", "note": "go"}), "dispatched"),
            ("handler", json!({"move": "accept"}), "in_progress"),
            ("handler", json!({"move": "report", "result": "it is done"}), "verifying"),
            ("town_officer", json!({"move": "check", "agrees": true, "note": "it is"}), "checked"),
            ("dispatcher", json!({"move": "close", "note": "good"}), "closed"),
        ];
        for (role, step, reached) in steps {
            self.step(role, number, step).await;
            if reached == to {
                return;
            }
        }
        panic!("no step leads to {to}");
    }

    /// A message that the hub cannot read and keeps apart.
    async fn unreadable(&self) {
        let now = self.world.clock.now();
        let id = MessageId::new(&self.world.chance, now).to_string();
        let receipt = self.submit(json!({"specversion": "1.0", "id": id}).to_string().into_bytes()).await;
        assert_eq!(receipt["outcome"], "quarantined", "{receipt}");
    }
}

fn name_of(role: &str) -> String {
    if role == "administrator" { "admin".to_owned() } else { format!("{role}-1") }
}

/// The demo's map, with English names; and the middle of each grid.
fn grids() -> (String, BTreeMap<String, (f64, f64)>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/county.py");
    let mut command = Command::new("python3");
    command.arg(script);
    let mut map: Value = serde_json::from_str(&run(command).unwrap()).unwrap();
    let mut middles = BTreeMap::new();
    for feature in map["features"].as_array_mut().unwrap() {
        let own = &mut feature["properties"];
        let id = own["id"].as_str().unwrap().to_owned();
        let middle = [0, 1].map(|axis| own["centre"][axis].as_f64().unwrap());
        let (community, number) = id.split_once('-').unwrap();
        let (first, rest) = community.split_at(1);
        own["name_en"] = json!(format!("{}{rest} grid {number}", first.to_uppercase()));
        middles.insert(id, (middle[0], middle[1]));
    }
    (map.to_string(), middles)
}
