//! Two boxes and a watcher who sees everything, over TLS with real clients, on both brokers: whatever box A tries,
//! nothing of B's is read, nothing is said in B's name, and nothing outside A's subtree is touched.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Once};
use std::time::Duration;

use protocol::limits::MAX_PACKET_BYTES;
use protocol::{Chance, Clock, Origin, SystemClock};
use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, QoS, TlsConfiguration, Transport,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Address, Embedded, Link, TlsFiles, client_tls, mosquitto};
use crate::app::{App, Ends};
use crate::config::{BrokerMode, Config};
use crate::db::testing::{TestDb, databases};
use crate::{device, pki};

const ID: &str = "019d0000-0000-7000-8000-000000000000";
pub(super) const BOUND: Duration = Duration::from_secs(5);
/// How long nothing must arrive before we believe that nothing will. The watcher's own marker bounds it below.
const QUIET: Duration = Duration::from_millis(150);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Embedded,
    Mosquitto,
}

/// A running broker with boxes `main/a` and `main/b`.
pub(super) struct World {
    pub(super) kind: Kind,
    port: u16,
    pub(super) folder: PathBuf,
    ca: PathBuf,
    internal: Option<super::Internal>,
    pub(super) app: App,
    pub(super) ends: Option<Ends>,
    /// Tells the embedded broker of a new certificate.
    pub(super) renewed: watch::Sender<u64>,
    pub(super) mosquitto: Option<Child>,
    task: Option<tokio::task::JoinHandle<()>>,
    pub(super) db: TestDb,
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
pub(super) async fn world_on(kind: Kind, test: TestDb, clock: Arc<dyn Clock>) -> Option<World> {
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
            let configuration = mosquitto::write(&world.app, &world.folder.join("mosquitto"), port).unwrap();
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

pub(super) async fn enrol(app: &App, name: &str, folder: &Path) {
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
pub(super) struct Peer {
    pub(super) client: AsyncClient,
    pub(super) events: EventLoop,
    /// What arrived so far and nobody looked at: topic and payload.
    pub(super) heard: Vec<(String, String)>,
}

impl Peer {
    /// `None` when the broker refuses.
    pub(super) async fn connect(options: MqttOptions) -> Option<Self> {
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
    pub(super) async fn next(&mut self) -> Option<Event> {
        let event = tokio::time::timeout(BOUND, self.events.poll()).await.expect("an answer").ok()?;
        if let Event::Incoming(Packet::Publish(publish)) = &event {
            let text = String::from_utf8_lossy(&publish.payload).into_owned();
            self.heard.push((publish.topic.clone(), text));
        }
        Some(event)
    }

    /// Whether the broker granted it.
    pub(super) async fn subscribe(&mut self, filter: &str) -> bool {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        while let Some(event) = self.next().await {
            if let Event::Incoming(Packet::SubAck(ack)) = event {
                return !ack.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure);
            }
        }
        false
    }

    /// Sends and waits until the broker has dealt with it, whatever it thinks of it.
    pub(super) async fn publish(&mut self, topic: &str, retain: bool, payload: &str) {
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
    pub(super) async fn quiet(&mut self) -> Vec<String> {
        while let Ok(Some(_)) = tokio::time::timeout(QUIET, self.next()).await {}
        self.heard.drain(..).map(|(topic, _)| topic).collect()
    }
}

/// Stops a hub's tasks when dropped.
pub(super) struct Running(pub(super) CancellationToken);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs intake and link of a hub, and returns when it hears the broker.
pub(super) async fn run_hub(app: &App, ends: Ends, address: Address) -> Running {
    let stop = CancellationToken::new();
    tokio::spawn(app.intake_worker().run(ends.items, stop.clone()));
    tokio::spawn(Link { app: app.clone(), address }.run(stop.clone()));
    wait("the hub hears its broker", async || app.metrics.broker_since().is_some()).await;
    Running(stop)
}

/// Waits for a condition, with a generous bound.
pub(super) async fn wait(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until).await.unwrap_or_else(|_| panic!("{what}"));
}

impl World {
    /// Where this world's hub finds its broker.
    pub(super) fn address(&self, app: &App) -> Address {
        if let Some(internal) = &self.internal {
            return Address::Internal(internal.address, internal.password.clone());
        }
        let name = super::hub_name(app.config.broker.replica);
        let client = app.authority.client(&name, &app.chance, app.clock.now()).unwrap();
        let tls = client_tls(&self.ca, &client.0, &client.1).unwrap();
        Address::External("localhost".into(), self.port, tls)
    }

    /// The box's certificate with any client id.
    pub(super) fn options(&self, name: &str, client_id: &str) -> MqttOptions {
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
    pub(super) fn port(&self) -> u16 {
        self.port
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

async fn worlds() -> Vec<World> {
    let mut all = Vec::new();
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        all.extend(world(kind).await);
    }
    all
}

const TOPICS: [&str; 14] = [
    "v1/main/a/event/ID",
    "v1/main/a/status",
    "v1/main/a/live",
    "v1/main/a/receipt/ID",
    "v1/main/a/command/ID",
    "v1/main/b/event/ID",
    "v1/main/b/status",
    "v1/main/b/live",
    "v1/main/b/receipt/ID",
    "v1/main/b/command/ID",
    "v1/other/a/event/ID",
    "v1/main/a",
    "elsewhere",
    "v1/main/a/event/ID/more",
];

/// Publish and retain: what arrives and what is kept is A's own, and of that only what a box says.
#[tokio::test]
async fn a_box_speaks_only_for_itself() {
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        assert!(watcher.subscribe("#").await);
        for topic in TOPICS {
            for retain in [false, true] {
                world
                    .box_a()
                    .await
                    .publish(&topic.replace("ID", ID), retain, &format!("{topic} {retain}"))
                    .await;
            }
        }
        watcher.publish("marker", false, "end").await;
        let seen: BTreeSet<String> = watcher.until("end").await.into_iter().map(|(_, text)| text).collect();
        let mut allowed = vec![
            "v1/main/a/event/ID false",
            "v1/main/a/live false",
            "v1/main/a/status false",
            "v1/main/a/status true",
        ];
        if world.kind == Kind::Mosquitto {
            // Its ACL does not tell retained messages from others; they stay within the box's own subtree.
            allowed.extend(["v1/main/a/event/ID true", "v1/main/a/live true"]);
        }
        assert_eq!(seen, allowed.into_iter().map(ToOwned::to_owned).collect(), "{:?}", world.kind);

        let mut late = Peer::connect(match &world.internal {
            Some(internal) => {
                let mut options = MqttOptions::new("late", "127.0.0.1", internal.address.port());
                options.set_credentials("late", &internal.password);
                options
            }
            None => world.options("watcher", "zz/watcher"),
        })
        .await
        .unwrap();
        assert!(late.subscribe("#").await);
        let kept = late.quiet().await;
        assert!(kept.contains(&"v1/main/a/status".to_owned()), "{:?}: {kept:?}", world.kind);
        assert!(kept.iter().all(|topic| topic.starts_with("v1/main/a/")), "{:?}: {kept:?}", world.kind);
    }
}

/// Subscribe, wildcard, shared: whatever A asks for, only its own receipts and commands come.
#[tokio::test]
async fn a_box_hears_only_what_is_for_it() {
    const FILTERS: [&str; 14] = [
        "v1/main/a/receipt/+",
        "v1/main/a/command/+",
        "#",
        "+/#",
        "v1/#",
        "v1/+/+/receipt/+",
        "v1/main/+/command/+",
        "v1/main/b/receipt/+",
        "v1/main/b/#",
        "v1/main/a/#",
        "$share/g/v1/main/b/receipt/+",
        "$share/g/v1/main/a/receipt/+",
        "$share/g/#",
        "$SYS/#",
    ];
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        for filter in FILTERS {
            let mut a = world.box_a().await;
            let granted = a.subscribe(filter).await;
            for topic in TOPICS {
                watcher.publish(&topic.replace("ID", ID), false, "secret").await;
            }
            let heard = if granted { a.quiet().await } else { Vec::new() };
            let own = |topic: &String| {
                topic.starts_with("v1/main/a/receipt/") || topic.starts_with("v1/main/a/command/")
            };
            assert!(heard.iter().all(own), "{:?} {filter}: {heard:?}", world.kind);
            let is_own = filter.starts_with("v1/main/a/") && filter.ends_with('+');
            assert!(!is_own || heard.len() == 1, "{:?} {filter}: {heard:?}", world.kind);
        }
    }
}

/// Last will: only on one's own status.
#[tokio::test]
async fn a_last_will_is_ones_own_status() {
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        assert!(watcher.subscribe("#").await);
        for topic in TOPICS {
            let mut options = world.options("a", "main/a");
            options.set_last_will(LastWill::new(topic.replace("ID", ID), topic, QoS::AtLeastOnce, false));
            // Dropped without a goodbye, so the will is published if there is one.
            drop(Peer::connect(options).await);
        }
        // Another connection of the box: by then its earlier ones are over.
        drop(world.box_a().await);
        tokio::time::sleep(QUIET).await;
        watcher.publish("marker", false, "end").await;
        let seen: BTreeSet<String> = watcher.until("end").await.into_iter().map(|(topic, _)| topic).collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        match world.kind {
            Kind::Embedded => assert_eq!(seen, ["v1/main/a/status"]),
            Kind::Mosquitto => {
                assert!(seen.contains(&"v1/main/a/status"));
                let event = format!("v1/main/a/event/{ID}");
                let own = ["v1/main/a/status", "v1/main/a/live", event.as_str()];
                assert!(seen.iter().all(|topic| own.contains(topic)), "{seen:?}");
            }
        }
    }
}

/// Another's client id, a disabled box, an unknown name and no certificate do not come in, and do not push out whoever
/// is there.
#[tokio::test]
async fn identities_cannot_be_borrowed() {
    for world in worlds().await {
        let mut b = Peer::connect(world.options("b", "main/b")).await.unwrap();
        assert!(b.subscribe("v1/main/b/receipt/+").await);
        let mut watcher = world.watcher().await;
        let topic = format!("v1/main/b/receipt/{ID}");
        if let Some(mut thief) = Peer::connect(world.options("a", "main/b")).await {
            // Mosquitto gives it its own name instead.
            assert_eq!(world.kind, Kind::Mosquitto);
            watcher.publish(&topic, false, "for b").await;
            assert!(thief.quiet().await.is_empty());
        } else {
            watcher.publish(&topic, false, "for b").await;
        }
        assert_eq!(b.quiet().await, [topic.clone()], "{:?}: b is still there and hears", world.kind);

        let mut bare = MqttOptions::new("main/a", "localhost", world.port);
        let mut roots = rustls::RootCertStore::empty();
        let ca = std::fs::read(&world.ca).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(&ca).unwrap();
        roots.add(pem.contents.into()).unwrap();
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        bare.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(tls))));
        bare.set_credentials("main/a", "secret");
        assert!(Peer::connect(bare).await.is_none(), "{:?}: no certificate", world.kind);

        if world.kind == Kind::Embedded {
            assert!(Peer::connect(world.options("watcher", "zz/watcher")).await.is_none(), "not enrolled");
            let mut guess =
                MqttOptions::new("x", "127.0.0.1", world.internal.as_ref().unwrap().address.port());
            guess.set_credentials(super::HUB_NAME, "guess");
            assert!(Peer::connect(guess).await.is_none(), "the hub's own door");
            let own = Origin { tenant: "main".parse().unwrap(), device: "b".parse().unwrap() };
            device::store::set_disabled(
                &world.app.db,
                "main",
                own.device.as_str(),
                true,
                world.app.clock.now(),
            )
            .await
            .unwrap();
            let expelled = async { while b.events.poll().await.is_ok() {} };
            tokio::time::timeout(BOUND * 2, expelled).await.expect("a disabled box is put out");
            assert!(Peer::connect(world.options("b", "main/b")).await.is_none(), "and stays out");
        }
    }
}

/// The largest message that may be passes both brokers; rumqttc's own limit would be 10 KiB.
#[tokio::test]
async fn the_largest_messages_pass() {
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        assert!(watcher.subscribe("#").await);
        let mut a = world.box_a().await;
        let large = "x".repeat(protocol::limits::MAX_MESSAGE_BYTES);
        a.publish(&format!("v1/main/a/event/{ID}"), false, &large).await;
        watcher.publish("marker", false, "end").await;
        let seen = watcher.until("end").await;
        assert_eq!(
            seen.iter().map(|(_, text)| text.len()).collect::<Vec<_>>(),
            [large.len()],
            "{:?}",
            world.kind
        );
    }
}
