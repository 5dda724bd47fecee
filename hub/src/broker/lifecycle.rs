//! A hub beside a real broker, with real clients, on a clock that the test moves: boxes that fall silent and come back,
//! commands that wait, clocks that are wrong, boxes that are shut out, certificates that end, and two hubs at once.

use std::sync::Arc;
use std::time::Duration;

use protocol::envelope::Stamp;
use protocol::{
    Answer, BootId, CameraId, Clock, Command, CommandBody, CommandId, DeviceState, Envelope, Event, Incident,
    IncidentId, IncidentKind, ManualClock, MessageId, Origin, Outcome, Phase, Severity, Status, Subject,
    SystemClock, Topic, UtcMs,
};
use rumqttc::{LastWill, QoS};

use super::Outside;
use super::tests::{BOUND, Kind, Peer, Running, World, run_hub, wait, world_on};
use crate::app::App;
use crate::command::{CommandRow, NewCommand};
use crate::db::testing::databases;
use crate::device::Device;
use crate::renewal::Renewal;
use crate::{case, command, device, reconcile};

/// A clock that begins as the machine's, since certificates are checked by that one.
fn clock(ago_ms: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemClock::new().now().plus_ms(-ago_ms)))
}

fn origin(name: &str) -> Origin {
    Origin { tenant: "main".parse().unwrap(), device: name.parse().unwrap() }
}

struct Bench {
    world: World,
    clock: Arc<ManualClock>,
    hub: Running,
}

/// Both brokers, each on each database.
async fn benches() -> Vec<Bench> {
    let mut all = Vec::new();
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        for test in databases().await {
            let clock = clock(0);
            let Some(mut world) = world_on(kind, test, clock.clone()).await else { continue };
            let hub = run_hub(&world.app, world.ends.take().unwrap(), world.address(&world.app)).await;
            all.push(Bench { world, clock, hub });
        }
    }
    all
}

fn status(state: DeviceState, at: UtcMs) -> Status {
    Status {
        calls: None,
        state,
        boot: BootId(uuid::Uuid::from_u128(7)),
        at,
        uptime_ms: 1,
        clock_synced: true,
        version: "1".into(),
        configuration_version: 0,
        cameras: vec![],
        detector: None,
        speech_model: None,
        active_calls: 0,
        outbox_rows: 0,
        outbox_oldest_ms: 0,
        uploads_waiting: 0,
        disk_free_bytes: 0,
        rejected_rows: 0,
    }
}

impl Bench {
    fn name(&self) -> String {
        format!("{:?} on {}", self.world.kind, self.world.db.name)
    }

    fn app(&self) -> &App {
        &self.world.app
    }

    /// Connects as box `a`, with its last will, hears commands, and says that it is online.
    async fn box_a(&self) -> Peer {
        let mut options = self.world.options("a", "main/a");
        let will = serde_json::to_vec(&status(DeviceState::Offline, self.clock.now())).unwrap();
        options.set_last_will(LastWill::new(
            Topic::Status(origin("a")).to_string(),
            will,
            QoS::AtLeastOnce,
            true,
        ));
        let mut peer = Peer::connect(options).await.expect("an enrolled box may connect");
        for filter in Topic::device_filters(&origin("a")) {
            assert!(peer.subscribe(&filter).await);
        }
        self.heartbeat(&mut peer, status(DeviceState::Online, self.clock.now())).await;
        peer
    }

    async fn heartbeat(&self, peer: &mut Peer, status: Status) {
        let topic = Topic::Status(origin("a")).to_string();
        peer.publish(&topic, true, &serde_json::to_string(&status).unwrap()).await;
    }

    async fn device(&self) -> Device {
        device::store::get(&self.app().db, "main", "a").await.unwrap().unwrap()
    }

    async fn wait_link(&self, link: &str) {
        wait(link, async || self.device().await.link.as_deref() == Some(link)).await;
    }

    /// The hub's periodic work, once.
    async fn pass(&self) {
        reconcile::pass(self.app()).await;
    }

    async fn cases(&self) -> Vec<case::Case> {
        case::store::list::list(&self.app().db, "main", &case::CaseFilter::default()).await.unwrap()
    }

    /// What the history of the only case says.
    async fn story(&self) -> Vec<String> {
        let cases = self.cases().await;
        assert_eq!(cases.len(), 1, "{}", self.name());
        let rows = case::store::history(&self.app().db, "main", &cases[0].case_id, None, 1000).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }

    async fn ask(&self) -> CommandId {
        let new = NewCommand {
            origin: origin("a"),
            body: CommandBody::Still { camera_id: "c1".parse::<CameraId>().unwrap() },
            purpose: "look".into(),
            issued_by: "li".into(),
            case_number: None,
            life_ms: command::DEFAULT_LIFE_MS,
        };
        self.app().commands.create(new).await.unwrap()
    }

    async fn row(&self, id: CommandId) -> CommandRow {
        command::store::get(&self.app().db, "main", &id.to_string()).await.unwrap().unwrap()
    }

    async fn wait_sends(&self, id: CommandId, sends: i64) {
        wait("the command is sent", async || self.row(id).await.sends >= sends).await;
        assert_eq!(self.row(id).await.sends, sends, "{}", self.name());
    }
}

/// The next command that reaches the box.
async fn next_command(peer: &mut Peer) -> Command {
    loop {
        if let Some(at) = peer.heard.iter().position(|(topic, _)| topic.contains("/command/")) {
            return serde_json::from_str(&peer.heard.remove(at).1).unwrap();
        }
        assert!(peer.next().await.is_some(), "the box's connection ended");
    }
}

/// A box whose last will comes is offline at once and a case a minute later; once; it ends when the box is back. A box
/// that only falls silent is found too, joins the same case, and a hub that was away itself blames nobody.
#[tokio::test]
async fn a_lost_box_becomes_a_case_and_comes_back() {
    for bench in benches().await {
        let name = bench.name();
        let mut peer = bench.box_a().await;
        bench.wait_link("online").await;
        // Gone without a goodbye.
        drop(peer);
        bench.wait_link("offline").await;
        bench.pass().await;
        assert!(bench.cases().await.is_empty(), "{name}: a short break is nobody's case");
        bench.clock.advance_ms(device::LOST_AFTER_MS + 1);
        for _ in 0..2 {
            bench.pass().await;
            assert_eq!(bench.story().await, ["opened"], "{name}");
        }
        let case = bench.cases().await.remove(0);
        assert_eq!((case.kind.as_str(), case.device_id.as_str()), ("device_lost", "a"), "{name}");

        peer = bench.box_a().await;
        bench.wait_link("online").await;
        for _ in 0..2 {
            bench.pass().await;
            assert_eq!(bench.story().await, ["opened", "ended"], "{name}");
        }

        // Heartbeats stop, the connection stands.
        bench.clock.advance_ms(device::SILENT_AFTER_MS + 1);
        bench.pass().await;
        assert_eq!(bench.device().await.link.as_deref(), Some("offline"), "{name}");
        assert_eq!(bench.story().await, ["opened", "ended", "joined"], "{name}");
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        bench.wait_link("online").await;
        bench.pass().await;
        assert_eq!(bench.story().await, ["opened", "ended", "joined", "ended"], "{name}");

        // The hub loses its broker: nobody's silence counts until it has listened for a while.
        bench.hub.0.cancel();
        wait("the hub is deaf", async || bench.app().metrics.broker_since().is_none()).await;
        bench.clock.advance_ms(10 * device::SILENT_AFTER_MS);
        bench.pass().await;
        assert_eq!(bench.device().await.link.as_deref(), Some("online"), "{name}");
        assert_eq!(bench.story().await.len(), 4, "{name}");
    }
}

/// A command asked while the box is away is sent when it comes, again while it does not answer, no more after its end,
/// which is seen; an answer that comes later still counts.
#[tokio::test]
async fn commands_wait_for_their_box_and_end() {
    for bench in benches().await {
        let name = bench.name();
        let first = bench.ask().await;
        bench.wait_sends(first, 1).await;
        assert_eq!(bench.row(first).await.state, "sent", "{name}");
        bench.clock.advance_ms(1_000);
        let mut peer = bench.box_a().await;
        assert_eq!(
            next_command(&mut peer).await.command_id,
            first,
            "{name}: sent again when it comes online"
        );
        bench.wait_sends(first, 2).await;

        bench.clock.advance_ms(command::RESEND_AFTER_MS + 1);
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        assert_eq!(next_command(&mut peer).await.command_id, first, "{name}: and while it does not answer");
        bench.wait_sends(first, 3).await;

        bench.clock.advance_ms(command::DEFAULT_LIFE_MS);
        bench.pass().await;
        let row = bench.row(first).await;
        assert_eq!(
            (row.state.as_str(), row.reason.as_deref()),
            ("expired", Some("no answer in time")),
            "{name}"
        );
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        let second = bench.ask().await;
        assert_eq!(next_command(&mut peer).await.command_id, second, "{name}: the ended one is sent no more");
        assert_eq!(bench.row(first).await.sends, 3, "{name}");

        let stamp = Stamp {
            id: MessageId::new(&bench.app().chance, bench.clock.now()),
            at: bench.clock.now(),
            boot: BootId(uuid::Uuid::from_u128(7)),
            sequence: 1,
            uptime_ms: 1,
            clock_synced: true,
        };
        let late = Answer {
            command_id: first,
            outcome: Outcome::Failed { reason: "the camera is dark".into() },
            answered_at: bench.clock.now(),
        };
        let envelope = Envelope::new(&origin("a"), stamp, Event::Answer(late));
        let topic = Topic::Event(origin("a"), envelope.id).to_string();
        peer.publish(&topic, false, &serde_json::to_string(&envelope).unwrap()).await;
        wait("the late answer counts", async || bench.row(first).await.state == "failed").await;
        let row = bench.row(first).await;
        assert_eq!((row.reason.as_deref(), row.answered_at_ms.is_some()), (Some("the camera is dark"), true));
    }
}

/// A box clock an hour off is measured and flagged, a set clock is believed at once, one that the box does not trust is
/// flagged however right; what a broker kept is no measurement.
#[tokio::test]
async fn wrong_clocks_are_seen() {
    const HOUR_MS: i64 = 3_600_000;
    for bench in benches().await {
        let name = bench.name();
        let mut peer = bench.box_a().await;
        bench.wait_link("online").await;
        assert!(!bench.device().await.clock_is_off(), "{name}");
        let now = bench.clock.now();
        bench.heartbeat(&mut peer, status(DeviceState::Online, now.plus_ms(-HOUR_MS))).await;
        wait("the skew is measured", async || bench.device().await.skew_ms == Some(HOUR_MS)).await;
        assert!(bench.device().await.clock_is_off(), "{name}");

        bench.heartbeat(&mut peer, status(DeviceState::Online, now)).await;
        wait("a set clock is believed", async || !bench.device().await.clock_is_off()).await;
        let unsure = Status { clock_synced: false, ..status(DeviceState::Online, now) };
        bench.heartbeat(&mut peer, unsure).await;
        wait("the box does not trust its clock", async || bench.device().await.clock_is_off()).await;
        assert_eq!(bench.device().await.skew_ms, Some(0), "{name}");
        bench.heartbeat(&mut peer, status(DeviceState::Online, now)).await;
        wait("and now it does", async || !bench.device().await.clock_is_off()).await;

        // Hours later another hub reads what the broker kept.
        bench.hub.0.cancel();
        wait("the hub stops", async || bench.app().metrics.broker_since().is_none()).await;
        bench.clock.advance_ms(5 * HOUR_MS);
        let config = crate::config::Config::clone(&bench.app().config);
        let (app, ends) = App::with_db(
            config,
            bench.world.db.db.clone(),
            bench.clock.clone(),
            Arc::new(protocol::Chance::seeded(3)),
        )
        .unwrap();
        let before = bench.device().await;
        let _hub = run_hub(&app, ends, bench.world.address(&app)).await;
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        wait("a live word comes", async || bench.device().await.last_seen_at_ms > before.last_seen_at_ms)
            .await;
        assert_eq!(bench.device().await.skew_ms, Some(0), "{name}: the kept one was no measurement");
    }
}

async fn ends(peer: &mut Peer) {
    let ended = async { while peer.events.poll().await.is_ok() {} };
    tokio::time::timeout(BOUND * 4, ended).await.expect("the connection is ended");
}

/// A disabled box is cut off Mosquitto at once, is kept out after the broker's reload, and comes in again when it is let;
/// other boxes notice nothing.
#[tokio::test]
async fn mosquitto_shuts_a_disabled_box_out() {
    let test = databases().await.swap_remove(0);
    let Some(world) = world_on(Kind::Mosquitto, test, clock(0)).await else { return };
    let app = &world.app;
    let connect = async |name: &str| Peer::connect(world.options(name, &format!("main/{name}"))).await;
    let (mut a, mut b) = (connect("a").await.unwrap(), connect("b").await.unwrap());
    assert!(a.subscribe("v1/main/a/command/+").await && b.subscribe("v1/main/b/command/+").await);
    let mut outside = Outside::new(app.clone(), app.authority.ca_path());
    outside.pass().await.unwrap();

    let disable = async |yes: bool| {
        device::store::set_disabled(&app.db, "main", "b", yes, app.clock.now()).await.unwrap();
    };
    let reload = || {
        let id = world.mosquitto.as_ref().unwrap().id();
        let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    };
    disable(true).await;
    outside.pass().await.unwrap();
    ends(&mut b).await;
    reload();
    wait("a revoked certificate is refused", async || connect("b").await.is_none()).await;
    outside.pass().await.unwrap();
    a.publish("v1/main/a/live", false, "still here").await;
    assert!(a.subscribe("v1/main/a/receipt/+").await, "the others stay");

    disable(false).await;
    outside.pass().await.unwrap();
    reload();
    wait("and let in again", async || connect("b").await.is_some()).await;
}

/// A box that enrolled again is known by its new certificate; whoever holds the old one stays out, on both brokers.
#[tokio::test]
async fn a_superseded_certificate_is_refused() {
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        let test = databases().await.swap_remove(0);
        let Some(world) = world_on(kind, test, clock(0)).await else { continue };
        let connect = async |name: &str| Peer::connect(world.options(name, "main/b")).await;
        assert!(connect("b").await.is_some());
        for end in ["pem", "key"] {
            let b = world.folder.join("b").with_extension(end);
            std::fs::copy(&b, world.folder.join("stolen").with_extension(end)).unwrap();
        }
        super::tests::enrol(&world.app, "b", &world.folder).await;
        if let Some(child) = &world.mosquitto {
            Outside::new(world.app.clone(), world.app.authority.ca_path()).pass().await.unwrap();
            let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
        }
        wait("the old one is refused", async || connect("stolen").await.is_none()).await;
        assert!(connect("b").await.is_some(), "{kind:?}");
    }
}

/// Who the server at `port` says it is: its certificate in DER.
async fn presented(world: &World, port: u16) -> Vec<u8> {
    let path = world.folder.join("a");
    let tls = super::client_tls(
        &world.app.authority.ca_path(),
        &path.with_extension("pem"),
        &path.with_extension("key"),
    )
    .unwrap();
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = tokio_rustls::TlsConnector::from(tls).connect(name, socket).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Near its end the certificate is made anew while the hub runs: new connections see it on HTTPS and MQTT, those that
/// stand go on.
#[tokio::test]
async fn certificates_are_renewed_without_dropping_anybody() {
    const DAY_MS: i64 = 86_400_000;
    let test = databases().await.swap_remove(0);
    // Two years of life, 120 days before its end it is renewed; the TLS clients look at the machine's clock.
    let clock = clock(630 * DAY_MS);
    let world = world_on(Kind::Embedded, test, clock.clone()).await.unwrap();
    let mut renewal = Renewal::begin(world.app.clone(), world.renewed.clone()).await.unwrap();
    let handle: axum_server::Handle<std::net::SocketAddr> = axum_server::Handle::new();
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), renewal.https())
        .handle(handle.clone())
        .serve(router.into_make_service());
    tokio::spawn(server);
    let https = handle.listening().await.unwrap().port();

    let mut a = Peer::connect(world.options("a", "main/a")).await.unwrap();
    assert!(a.subscribe("v1/main/a/command/+").await);
    let before = presented(&world, https).await;
    assert_eq!(presented(&world, world.port()).await, before);
    assert!(!renewal.look().await.unwrap(), "it is good yet");
    clock.advance_ms(630 * DAY_MS);
    assert!(renewal.look().await.unwrap());
    let after = presented(&world, https).await;
    assert_ne!(after, before);
    // The listener is bound anew; for a moment nobody may answer.
    wait("MQTT shows the new one", async || {
        match tokio::net::TcpStream::connect(("127.0.0.1", world.port())).await {
            Ok(_) => presented(&world, world.port()).await == after,
            Err(_) => false,
        }
    })
    .await;
    assert!(a.subscribe("v1/main/a/receipt/+").await, "who was connected still is");
    assert!(!renewal.look().await.unwrap());
}

fn incident(app: &App, number: u64) -> Event {
    let now = app.clock.now();
    Event::Incident(Incident {
        incident_id: IncidentId::new(&app.chance, now),
        revision: 1,
        phase: Phase::Opened,
        kind: IncidentKind::CameraLost,
        severity: Severity::Notice,
        subject: Subject::Device,
        place: None,
        started_at: now.plus_ms(number as i64),
        updated_at: now,
        ended_at: None,
        evidence: vec![],
        drill: false,
    })
}

/// Two hubs on one PostgreSQL and one Mosquitto: neither knocks the other out, each event is handled once, by both a
/// share; a command is sent once; when one goes, the other takes all.
#[tokio::test]
async fn two_hubs_share_one_broker() {
    let Some(test) = databases().await.into_iter().find(|test| test.name == "postgres") else { return };
    let clock = clock(0);
    let Some(world) = world_on(Kind::Mosquitto, test, clock.clone()).await else { return };
    let mut hubs = Vec::new();
    for replica in [1_u8, 2] {
        let mut config = crate::config::Config::clone(&world.app.config);
        config.broker.replica = Some(replica);
        config.hub.data_dir = world.folder.join(format!("hub-{replica}"));
        let pki = config.hub.data_dir.join("pki");
        std::fs::create_dir_all(&pki).unwrap();
        for name in ["ca.pem", "ca.key"] {
            std::fs::copy(world.app.data_dir().join("pki").join(name), pki.join(name)).unwrap();
        }
        let chance = Arc::new(protocol::Chance::seeded(u64::from(replica)));
        let (app, ends) = App::with_db(config, world.db.db.clone(), clock.clone(), chance).unwrap();
        let running = run_hub(&app, ends, world.address(&app)).await;
        hubs.push((app, running));
    }
    let mut a = Peer::connect(world.options("a", "main/a")).await.unwrap();
    for filter in Topic::device_filters(&origin("a")) {
        assert!(a.subscribe(&filter).await);
    }
    let stored = |app: &App| -> u64 {
        let text = app.metrics.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("shaodian_hub_messages_total{outcome=\"stored\"} "));
        line.map_or(0, |count| count.parse().unwrap())
    };
    let mut sequence = 0;
    let mut send = async |a: &mut Peer, count: u64| {
        for _ in 0..count {
            sequence += 1;
            let stamp = Stamp {
                id: MessageId::new(&world.app.chance, clock.now()),
                at: clock.now(),
                boot: BootId(uuid::Uuid::from_u128(7)),
                sequence,
                uptime_ms: 1,
                clock_synced: true,
            };
            let envelope = Envelope::new(&origin("a"), stamp, incident(&world.app, sequence));
            let topic = Topic::Event(origin("a"), envelope.id).to_string();
            a.publish(&topic, false, &serde_json::to_string(&envelope).unwrap()).await;
        }
    };
    send(&mut a, 100).await;
    wait("all are stored", async || hubs.iter().map(|(app, _)| stored(app)).sum::<u64>() >= 100).await;
    let shares: Vec<u64> = hubs.iter().map(|(app, _)| stored(app)).collect();
    assert_eq!(shares.iter().sum::<u64>(), 100, "{shares:?}");
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    for (app, _) in &hubs {
        let text = app.metrics.text();
        assert!(text.contains("shaodian_hub_broker_reconnects_total 1\n"), "neither was knocked out: {text}");
        assert!(!text.contains("outcome=\"duplicate\""), "{text}");
    }
    let cases = case::store::list::list(&world.app.db, "main", &case::CaseFilter::default()).await.unwrap();
    assert_eq!((cases.len(), cases[0].incident_count), (1, 100));

    let asked = NewCommand {
        origin: origin("a"),
        body: CommandBody::Still { camera_id: "c1".parse().unwrap() },
        purpose: "look".into(),
        issued_by: "li".into(),
        case_number: None,
        life_ms: command::DEFAULT_LIFE_MS,
    };
    let id = hubs[0].0.commands.create(asked).await.unwrap();
    for (app, _) in &hubs {
        app.commands.nudge();
    }
    let topic = Topic::Command(origin("a"), id).to_string();
    wait("the command comes", async || {
        let _ = tokio::time::timeout(Duration::from_millis(50), a.next()).await;
        a.heard.iter().any(|(heard, _)| *heard == topic)
    })
    .await;
    let extra: Vec<String> = a.quiet().await;
    assert_eq!(extra.iter().filter(|heard| **heard == topic).count(), 1, "sent by one of them");

    let (gone, running) = hubs.remove(0);
    drop(running);
    wait("one hub is gone", async || gone.metrics.broker_since().is_none()).await;
    let before = stored(&hubs[0].0);
    send(&mut a, 50).await;
    wait("the other takes all", async || stored(&hubs[0].0) >= before + 50).await;
}
