//! Real brokers with real clients over TLS: two boxes, `a` and `b`, and a watcher who sees everything.

mod boxes;
mod certificates;
mod confinement;
mod live;
mod reload;
mod replicas;
mod retained;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Once};
use std::time::Duration;

use protocol::envelope::Stamp;
use protocol::limits::MAX_PACKET_BYTES;
use protocol::{
    BootId, Chance, Clock, Envelope, Incident, IncidentId, IncidentKind, ManualClock, MessageId, Origin,
    Phase, Severity, Subject, SystemClock, Topic,
};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Address, Embedded, Internal, Link, TlsFiles, client_tls, mosquitto};
use crate::app::{App, Ends};
use crate::config::{BrokerMode, Config};
use crate::db::testing::{TestDb, databases};
use crate::{device, pki};

const ID: &str = "019d0000-0000-7000-8000-000000000000";
const BOUND: Duration = Duration::from_secs(5);
/// How long nothing must arrive before we believe that nothing will. The watcher's own marker bounds it below.
const QUIET: Duration = Duration::from_millis(150);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Embedded,
    Mosquitto,
}

/// A running broker with boxes `main/a` and `main/b`.
struct World {
    kind: Kind,
    port: u16,
    folder: PathBuf,
    ca: PathBuf,
    internal: Option<Internal>,
    app: App,
    ends: Option<Ends>,
    /// Tells the embedded broker of a new certificate.
    renewed: watch::Sender<u64>,
    mosquitto: Option<Child>,
    task: Option<tokio::task::JoinHandle<()>>,
    db: TestDb,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut child) = self.mosquitto.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

async fn world(kind: Kind) -> Option<World> {
    let test = databases().await.swap_remove(0);
    world_on(kind, test, Arc::new(SystemClock::new())).await
}

/// A broker and what a hub beside it needs, on this database and clock.
async fn world_on(kind: Kind, test: TestDb, clock: Arc<dyn Clock>) -> Option<World> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let port = free_port();
    let mut config = Config::default();
    config.hub.data_dir = test.folder.clone();
    config.broker.port = port;
    if kind == Kind::Mosquitto {
        config.broker.mode = BrokerMode::External;
        config.broker.config_dir = Some(test.folder.join("clients/mosquitto"));
    }
    let chance = Arc::new(Chance::seeded(9));
    let (app, ends) = App::with_db(config, test.db.clone(), clock.clone(), chance.clone()).unwrap();
    let folder = test.folder.join("clients");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["a", "b"] {
        enrol(&app, name, &folder).await;
    }
    sign(&app, "zz/watcher", &folder.join("watcher"));

    let mut world = World {
        kind,
        port,
        ca: app.authority.ca_path(),
        folder,
        internal: None,
        app,
        ends: Some(ends),
        renewed: watch::Sender::new(0),
        mosquitto: None,
        task: None,
        db: test,
    };
    match kind {
        Kind::Embedded => {
            let (certificate, key) = pki::server_certificate(&world.app).unwrap();
            let tls = TlsFiles { certificate, key, client_ca: world.ca.clone() };
            let listen = ([127, 0, 0, 1], port).into();
            let broker = Embedded::bind(listen, tls, "secret".into(), world.app.db.clone()).await.unwrap();
            world.internal = Some(broker.internal.clone());
            world.task = Some(tokio::spawn(broker.run(world.renewed.subscribe())));
        }
        Kind::Mosquitto => {
            let path = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
                .into_iter()
                .find(|path| Path::new(path).exists());
            let Some(path) = path else {
                eprintln!("Mosquitto not tested: it is not installed");
                return None;
            };
            let configuration =
                mosquitto::write(&world.app, &world.folder.join("mosquitto"), port).await.unwrap();
            let acl = configuration.with_file_name("acl");
            let text = std::fs::read_to_string(&acl).unwrap();
            std::fs::write(&acl, format!("user zz/watcher\ntopic readwrite #\n\n{text}")).unwrap();
            if rustix::process::geteuid().is_root() {
                // Started by root it becomes the user mosquitto, who may not enter this test's folder.
                let text = std::fs::read_to_string(&configuration).unwrap();
                std::fs::write(&configuration, format!("user root\n{text}")).unwrap();
            }
            let child =
                Command::new(path).arg("-c").arg(configuration).stderr(Stdio::null()).spawn().unwrap();
            world.mosquitto = Some(child);
        }
    }
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some(world);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the broker {kind:?} does not listen");
}

async fn enrol(app: &App, name: &str, folder: &Path) {
    let code = device::enrol::add(app, app.tenant(), &name.parse().unwrap(), name).await.unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let enrolled = device::enrol::enrol(app, &code, &csr).await.unwrap();
    std::fs::write(folder.join(name).with_extension("pem"), enrolled.certificate_pem).unwrap();
    std::fs::write(folder.join(name).with_extension("key"), key.serialize_pem()).unwrap();
}

fn sign(app: &App, name: &str, path: &Path) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let origin = device::origin_of_name(name).unwrap();
    let signed = app.authority.sign_device(&origin, &csr, &app.chance, app.clock.now()).unwrap();
    std::fs::write(path.with_extension("pem"), signed.pem).unwrap();
    std::fs::write(path.with_extension("key"), key.serialize_pem()).unwrap();
}

/// A connected client.
struct Peer {
    client: AsyncClient,
    events: EventLoop,
    /// What arrived so far and nobody looked at: topic and payload.
    heard: Vec<(String, String)>,
}

impl Peer {
    /// `None` when the broker refuses.
    async fn connect(options: MqttOptions) -> Option<Self> {
        let (client, mut events) = AsyncClient::new(options, 100);
        loop {
            match tokio::time::timeout(BOUND, events.poll()).await.expect("the broker answers") {
                Ok(Event::Incoming(Packet::ConnAck(ack))) => {
                    return (ack.code == rumqttc::ConnectReturnCode::Success).then_some(Self {
                        client,
                        events,
                        heard: Vec::new(),
                    });
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next event, keeping what is published to us; `None` when the connection ended.
    async fn next(&mut self) -> Option<Event> {
        let event = tokio::time::timeout(BOUND, self.events.poll()).await.expect("an answer").ok()?;
        if let Event::Incoming(Packet::Publish(publish)) = &event {
            let text = String::from_utf8_lossy(&publish.payload).into_owned();
            self.heard.push((publish.topic.clone(), text));
        }
        Some(event)
    }

    /// Whether the broker granted it.
    async fn subscribe(&mut self, filter: &str) -> bool {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        while let Some(event) = self.next().await {
            if let Event::Incoming(Packet::SubAck(ack)) = event {
                return !ack.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure);
            }
        }
        false
    }

    /// Sends and waits until the broker has dealt with it, whatever it thinks of it.
    async fn publish(&mut self, topic: &str, retain: bool, payload: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.unwrap();
        while let Some(event) = self.next().await {
            if matches!(event, Event::Incoming(Packet::PubAck(_))) {
                return;
            }
        }
    }

    /// Everything that arrived and arrives before `marker`, as (topic, payload).
    async fn until(&mut self, marker: &str) -> Vec<(String, String)> {
        loop {
            if let Some(end) = self.heard.iter().position(|(_, text)| text == marker) {
                let mut seen: Vec<_> = self.heard.drain(..=end).collect();
                seen.pop();
                return seen;
            }
            assert!(self.next().await.is_some(), "the watcher's connection ended");
        }
    }

    /// Topics of everything that arrived, and arrives within a short while.
    async fn quiet(&mut self) -> Vec<String> {
        while let Ok(Some(_)) = tokio::time::timeout(QUIET, self.next()).await {}
        self.heard.drain(..).map(|(topic, _)| topic).collect()
    }
}

/// Stops a hub's tasks when dropped.
struct Running(pub(super) CancellationToken);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs intake and link of a hub, and returns when it hears the broker.
async fn run_hub(app: &App, ends: Ends, address: Address) -> Running {
    let stop = CancellationToken::new();
    tokio::spawn(app.intake_worker().run(ends.items, stop.clone()));
    tokio::spawn(Link { app: app.clone(), address }.run(stop.clone()));
    wait("the hub hears its broker", async || app.metrics.broker_since().is_some()).await;
    Running(stop)
}

/// Waits for a condition, with a generous bound.
async fn wait(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until).await.unwrap_or_else(|_| panic!("{what}"));
}

impl World {
    /// Where this world's hub finds its broker.
    fn address(&self, app: &App) -> Address {
        if let Some(internal) = &self.internal {
            return Address::Internal(internal.address, internal.password.clone());
        }
        let name = crate::broker::hub_name(app.config.broker.replica);
        let client = app.authority.client(&name, &app.chance, app.clock.now()).unwrap();
        let tls = client_tls(&self.ca, &client.0, &client.1).unwrap();
        Address::External("localhost".into(), self.port, tls)
    }

    /// The box's certificate with any client id.
    fn options(&self, name: &str, client_id: &str) -> MqttOptions {
        let path = self.folder.join(name);
        let tls = client_tls(&self.ca, &path.with_extension("pem"), &path.with_extension("key")).unwrap();
        let mut options = MqttOptions::new(client_id, "localhost", self.port);
        options
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)))
            .set_keep_alive(Duration::from_secs(30))
            .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
        options
    }

    async fn box_a(&self) -> Peer {
        Peer::connect(self.options("a", "main/a")).await.expect("an enrolled box may connect")
    }

    /// Where boxes connect, as a TLS client sees it.
    fn port(&self) -> u16 {
        self.port
    }

    /// Has Mosquitto read its certificates and its revocation list again.
    fn reload_mosquitto(&self) {
        let id = self.mosquitto.as_ref().expect("this world has a Mosquitto").id();
        let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    }

    async fn watcher(&self) -> Peer {
        let options = match &self.internal {
            Some(internal) => {
                let mut options = MqttOptions::new("watcher", "127.0.0.1", internal.address.port());
                options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
                options.set_credentials("watcher", &internal.password);
                options
            }
            None => self.options("watcher", "zz/watcher"),
        };
        Peer::connect(options).await.expect("the watcher may connect")
    }
}

/// A clock that begins as the machine's, since certificates are checked by that one.
fn clock(ago_ms: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemClock::new().now().plus_ms(-ago_ms)))
}

fn origin(name: &str) -> Origin {
    Origin { tenant: "main".parse().unwrap(), device: name.parse().unwrap() }
}

/// Topic and text of a message of box `a`.
fn told(app: &App, sequence: u64, event: protocol::Event) -> (String, String) {
    let now = app.clock.now();
    let stamp = Stamp {
        id: MessageId::new(&app.chance, now),
        at: now,
        boot: BootId(uuid::Uuid::from_u128(7)),
        sequence,
        uptime_ms: 1,
        clock_synced: true,
    };
    let envelope = Envelope::new(&origin("a"), stamp, event);
    let topic = Topic::Event(origin("a"), envelope.id).to_string();
    (topic, serde_json::to_string(&envelope).unwrap())
}

/// Something that a box says of itself.
fn incident(app: &App, number: u64) -> protocol::Event {
    let now = app.clock.now();
    protocol::Event::Incident(Incident {
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

/// How many messages a hub has answered so.
fn count(app: &App, outcome: &str) -> u64 {
    let head = format!("shaodian_hub_messages_total{{outcome=\"{outcome}\"}} ");
    let text = app.metrics.text();
    text.lines().find_map(|line| line.strip_prefix(&head)).map_or(0, |count| count.parse().unwrap())
}
