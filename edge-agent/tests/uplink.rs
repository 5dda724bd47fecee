//! The uplink against a real Mosquitto with TLS client certificates, and a hub that receipts late, twice, or not
//! at all: nothing is lost, nothing is released without a receipt.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_agent::outbox::{Outbox, OutboxConfig, Voice};
use edge_agent::report::Report;
use edge_agent::uplink::{Address, Health, Uplink};
use protocol::{
    BootId, CallId, CameraSubject, Chance, Clock, Command, CommandBody, CommandId, DeviceState, Envelope,
    Event, Incident, IncidentId, IncidentKind, Label, LiveCall, MessageId, NormBox, Origin, Phase, Receipt,
    ReceiptOutcome, Severity, Status, Subject, SystemClock, Topic, UtcMs,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rumqttc::{AsyncClient, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(30);

/// Certificates of one test: an authority, the broker, the hub and one box.
struct Pki {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = params.self_signed(&key).unwrap().pem();
        Self { ca_pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn client(&self, name: &str) -> Arc<rustls::ClientConfig> {
        let (certificate, key) = self.issue(name);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        Arc::new(config.with_client_auth_cert(chain, key).unwrap())
    }
}

/// A Mosquitto of its own, killed on drop.
struct Broker {
    child: Child,
    config: PathBuf,
    port: u16,
}

impl Broker {
    fn start(dir: &Path, pki: &Pki) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (certificate, key) = pki.issue("broker");
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let config = format!(
            "per_listener_settings true\nlistener {port} 127.0.0.1\nallow_anonymous false\nrequire_certificate true\n\
             use_identity_as_username true\ncafile {}\ncertfile {}\nkeyfile {}\nacl_file {}\nuser root\n",
            file("ca.pem", &pki.ca_pem),
            file("broker.pem", &certificate),
            file("broker.key", &key),
            file(
                "acl",
                "user hub\ntopic readwrite v1/#\n\npattern write v1/%u/event/+\npattern write v1/%u/status\n\
                 pattern write v1/%u/live\n\
                 pattern read v1/%u/receipt/+\npattern read v1/%u/command/+\n"
            ),
        );
        let config = PathBuf::from(file("mosquitto.conf", &config));
        let child = Self::spawn(&config, port)?;
        Some(Self { child, config, port })
    }

    fn spawn(config: &Path, port: u16) -> Option<Child> {
        let child = Process::new("mosquitto")
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .inspect_err(|error| eprintln!("skipped: mosquitto cannot be started ({error})"))
            .ok()?;
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(child);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("mosquitto does not listen on {port}");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = Self::spawn(&self.config, self.port).unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the hub of a test has seen and does about the n-th delivery of a message.
type Policy = fn(sequence: u64, delivery: u32) -> Reaction;

#[derive(Clone, Copy, PartialEq)]
enum Reaction {
    Silent,
    Once(ReceiptOutcome),
    Twice,
    LateMs(u64),
}

#[derive(Default)]
struct Seen {
    deliveries: BTreeMap<MessageId, u32>,
    incidents: BTreeMap<IncidentId, u64>,
    receipted: usize,
    status: Vec<DeviceState>,
    live: Vec<LiveCall>,
}

struct Hub {
    client: AsyncClient,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    fn start(port: u16, tls: Arc<rustls::ClientConfig>, policy: Policy) -> Self {
        let mut options = MqttOptions::new("hub", "localhost", port);
        options
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)))
            .set_max_packet_size(262_144, 262_144);
        let (client, mut eventloop) = AsyncClient::new(options, 4_096);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (sender, shared) = (client.clone(), seen.clone());
        let task = tokio::spawn(async move {
            loop {
                match eventloop.poll().await {
                    Ok(rumqttc::Event::Incoming(Packet::ConnAck(_))) => {
                        sender.try_subscribe("v1/+/+/event/+", QoS::AtLeastOnce).unwrap();
                        sender.try_subscribe("v1/+/+/status", QoS::AtLeastOnce).unwrap();
                        sender.try_subscribe("v1/+/+/live", QoS::AtMostOnce).unwrap();
                    }
                    Ok(rumqttc::Event::Incoming(Packet::Publish(publish))) => {
                        react(&sender, &shared, policy, &publish);
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Self { client, seen, task }
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().deliveries.len()
    }
}

fn react(client: &AsyncClient, seen: &Mutex<Seen>, policy: Policy, publish: &rumqttc::Publish) {
    let topic = Topic::parse(&publish.topic).unwrap();
    let mut seen = seen.lock().unwrap();
    let (origin, id) = match topic {
        Topic::Event(origin, id) => (origin, id),
        Topic::Live(_) => {
            assert!(publish.qos == QoS::AtMostOnce && !publish.retain);
            return seen.live.push(serde_json::from_slice(&publish.payload).unwrap());
        }
        _ => return seen.status.push(serde_json::from_slice::<Status>(&publish.payload).unwrap().state),
    };
    let envelope = Envelope::decode(&publish.payload, &origin).unwrap();
    let delivery = seen.deliveries.entry(id).or_default();
    *delivery += 1;
    let reaction = policy(envelope.sequence, *delivery);
    if let Event::Incident(incident) = &envelope.event {
        seen.incidents.insert(incident.incident_id, envelope.sequence);
    }
    let send = move |client: &AsyncClient, outcome| {
        let receipt = Receipt { message_id: id, outcome, reason: None, at: UtcMs(0) };
        let topic = Topic::Receipt(origin.clone(), id).to_string();
        client.try_publish(topic, QoS::AtLeastOnce, false, serde_json::to_vec(&receipt).unwrap()).unwrap();
    };
    seen.receipted += usize::from(reaction != Reaction::Silent);
    match reaction {
        Reaction::Silent => {}
        Reaction::Once(outcome) => send(client, outcome),
        Reaction::Twice => {
            send(client, ReceiptOutcome::Stored);
            send(client, ReceiptOutcome::Duplicate);
        }
        Reaction::LateMs(ms) => {
            let client = client.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                send(&client, ReceiptOutcome::Stored);
            });
        }
    }
}

/// One box on one broker.
struct Bench {
    dir: TempDir,
    pki: Pki,
    broker: Broker,
    outbox: Outbox,
    chance: Arc<Chance>,
    clock: Arc<dyn Clock>,
    commands: mpsc::Receiver<Command>,
    live: mpsc::Sender<LiveCall>,
    health: Arc<Health>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn synced() -> bool {
    true
}

impl Bench {
    async fn start() -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::new();
        let broker = Broker::start(dir.path(), &pki)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::seeded(1));
        let voice = Voice {
            origin: origin(),
            boot: BootId::new(&chance, clock.now()),
            clock: clock.clone(),
            chance: chance.clone(),
            clock_synced: synced,
        };
        let boot = voice.boot;
        let (outbox, _) =
            Outbox::open(&dir.path().join("data"), OutboxConfig::default(), voice).await.unwrap();
        let status = Status {
            state: DeviceState::Online,
            boot,
            at: clock.now(),
            uptime_ms: 0,
            clock_synced: true,
            version: "0".into(),
            configuration_version: 0,
            cameras: vec![],
            detector: None,
            speech_model: None,
            calls: None,
            active_calls: 0,
            outbox_rows: 0,
            outbox_oldest_ms: 0,
            uploads_waiting: 0,
            disk_free_bytes: 0,
            rejected_rows: 0,
        };
        let (status_tx, status) = watch::channel(status);
        std::mem::forget(status_tx);
        let (command_tx, commands) = mpsc::channel(4);
        let (live, live_rx) = mpsc::channel(64);
        let health = Arc::new(Health::default());
        let uplink = Uplink {
            address: Address {
                origin: origin(),
                host: "localhost".into(),
                port: broker.port,
                tls: Some(pki.client("demo/box-1")),
            },
            outbox: outbox.clone(),
            status,
            commands: command_tx,
            live: live_rx,
            health: health.clone(),
        };
        let cancel = CancellationToken::new();
        let task = tokio::spawn(uplink.run(cancel.clone()));
        Some(Self { dir, pki, broker, outbox, chance, clock, commands, live, health, cancel, task })
    }

    fn hub(&self, policy: Policy) -> Hub {
        Hub::start(self.broker.port, self.pki.client("hub"), policy)
    }

    async fn append(&self, severity: Severity) -> IncidentId {
        let id = IncidentId::new(&self.chance, self.clock.now());
        let report = Report { incident: incident(id, severity, "院内"), files: vec![], unfinished: false };
        self.outbox.append(&report).await.unwrap();
        id
    }

    async fn rows(&self) -> u64 {
        self.outbox.stats().await.unwrap().rows
    }
}

fn origin() -> Origin {
    Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() }
}

fn incident(incident_id: IncidentId, severity: Severity, rule_name: &str) -> Incident {
    Incident {
        incident_id,
        revision: 1,
        phase: Phase::Opened,
        kind: IncidentKind::Intrusion,
        severity,
        subject: Subject::Camera(CameraSubject {
            camera_id: "gate".parse().unwrap(),
            camera_name: "东门".into(),
            rule_id: "yard".parse().unwrap(),
            rule_name: rule_name.into(),
            label: Label::Person,
            score: 0.9,
            region: NormBox { x: 0.1, y: 0.1, w: 0.2, h: 0.4 },
            object_count: 1,
            motion_only: false,
            method: "test".into(),
        }),
        place: None,
        started_at: UtcMs(0),
        updated_at: UtcMs(0),
        ended_at: None,
        evidence: vec![],
        drill: false,
    }
}

/// Waits for a condition with a bound.
macro_rules! eventually {
    ($what:expr, $condition:expr) => {
        let mut left = WAIT.as_millis() / 20;
        while !$condition {
            left -= 1;
            assert!(left > 0, "not within {WAIT:?}: {}", $what);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
}

/// Everything reaches the hub although it ignores first deliveries, answers late or twice, or quarantines; and
/// a message that the broker acknowledged but the hub did not receipt stays on the box.
#[tokio::test]
async fn only_a_receipt_releases() {
    let Some(bench) = Bench::start().await else { return };
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(bench.append(Severity::Normal).await);
    }
    let silent = bench.hub(|_, _| Reaction::Silent);
    eventually!("all 40 reach the hub", silent.count() == 40);
    assert_eq!(bench.rows().await, 40, "acknowledged by the broker, kept by the box");
    drop(silent);

    let hub = bench.hub(|sequence, delivery| match sequence % 8 {
        0 if delivery == 1 => Reaction::Silent,
        1 => Reaction::LateMs(900),
        2 => Reaction::Twice,
        3 => Reaction::Once(ReceiptOutcome::Quarantined),
        _ => Reaction::Once(ReceiptOutcome::Stored),
    });
    for _ in 0..40 {
        ids.push(bench.append(Severity::Normal).await);
    }
    eventually!("the outbox is empty", bench.rows().await == 0);
    let seen = hub.seen.lock().unwrap();
    assert!(ids.iter().all(|id| seen.incidents.contains_key(id)), "every incident arrived");
    assert!(seen.receipted >= 80);
    drop(seen);
    assert_eq!(bench.outbox.stats().await.unwrap().rejected_rows, 10, "quarantined ones stay visible here");
    assert!(bench.health.resent.load(std::sync::atomic::Ordering::Relaxed) > 0);
}

/// A broker that dies in the middle and comes back with nothing loses nothing.
#[tokio::test]
async fn a_killed_broker_loses_nothing() {
    let Some(mut bench) = Bench::start().await else { return };
    let hub = bench.hub(|_, _| Reaction::Once(ReceiptOutcome::Stored));
    let mut ids = Vec::new();
    for round in 0..3 {
        for _ in 0..30 {
            ids.push(bench.append(Severity::Major).await);
        }
        eventually!("some of this round arrived", hub.count() > round * 30);
        bench.broker.kill();
        ids.push(bench.append(Severity::Emergency).await);
        bench.broker.restart();
    }
    eventually!("the outbox is empty", bench.rows().await == 0);
    let seen = hub.seen.lock().unwrap();
    assert!(ids.iter().all(|id| seen.incidents.contains_key(id)));
}

/// Emergencies overtake what waits; the largest allowed message passes every packet limit.
#[tokio::test]
async fn emergencies_first_and_large_messages_pass() {
    let Some(mut bench) = Bench::start().await else { return };
    bench.broker.kill();
    for _ in 0..200 {
        bench.append(Severity::Notice).await;
    }
    let urgent = bench.append(Severity::Emergency).await;
    let large = IncidentId::new(&bench.chance, bench.clock.now());
    let report = Report {
        incident: incident(large, Severity::Emergency, &"x".repeat(64_000)),
        files: vec![],
        unfinished: false,
    };
    bench.outbox.append(&report).await.unwrap();
    bench.broker.restart();
    // The hub joins first, or the broker would have nobody to hand the first deliveries to.
    let hub = bench.hub(|_, _| Reaction::Once(ReceiptOutcome::Stored));
    eventually!("both emergencies are there", {
        let seen = hub.seen.lock().unwrap();
        seen.incidents.contains_key(&urgent) && seen.incidents.contains_key(&large)
    });
    eventually!("the outbox is empty", bench.rows().await == 0);
}

/// Commands come down, rubbish is counted, status is retained, and an orderly end says offline.
#[tokio::test]
async fn commands_down_status_up() {
    let Some(mut bench) = Bench::start().await else { return };
    let hub = bench.hub(|_, _| Reaction::Once(ReceiptOutcome::Stored));
    eventually!("the box is online", hub.seen.lock().unwrap().status.contains(&DeviceState::Online));
    let command_id = CommandId::new(&bench.chance, bench.clock.now());
    let command = Command {
        command_id,
        issued_at: UtcMs(0),
        expires_at: UtcMs(1),
        issued_by: "zhang".into(),
        body: CommandBody::Still { camera_id: "gate".parse().unwrap() },
    };
    let topic = Topic::Command(origin(), command_id).to_string();
    hub.client.publish(&topic, QoS::AtLeastOnce, false, "rubbish").await.unwrap();
    hub.client.publish(&topic, QoS::AtLeastOnce, false, serde_json::to_vec(&command).unwrap()).await.unwrap();
    let got = tokio::time::timeout(WAIT, bench.commands.recv()).await.unwrap().unwrap();
    assert_eq!(got, command);
    assert_eq!(bench.health.unreadable.load(std::sync::atomic::Ordering::Relaxed), 1);

    bench.cancel.cancel();
    tokio::time::timeout(WAIT, &mut bench.task).await.unwrap().unwrap();
    eventually!("the end is told", hub.seen.lock().unwrap().status.last() == Some(&DeviceState::Offline));
    drop(bench.dir);
}

/// Live words of calls reach the hub while it is there and are forgotten while it is not: nothing waits for them, and
/// old ones are not told as news.
#[tokio::test]
async fn live_words_are_told_or_forgotten() {
    let Some(mut bench) = Bench::start().await else { return };
    let word = |bench: &Bench| LiveCall::Ended {
        call_id: CallId::new(&bench.chance, bench.clock.now()),
        at: bench.clock.now(),
    };
    let hub = bench.hub(|_, _| Reaction::Once(ReceiptOutcome::Stored));
    eventually!("the box is online", hub.seen.lock().unwrap().status.contains(&DeviceState::Online));
    let first = word(&bench);
    eventually!("the word", {
        // QoS 0: one that comes before the hub has subscribed is lost.
        bench.live.send(first.clone()).await.unwrap();
        hub.seen.lock().unwrap().live.contains(&first)
    });

    bench.broker.kill();
    eventually!("the loss", !bench.health.connected.load(std::sync::atomic::Ordering::Relaxed));
    let missed = word(&bench);
    bench.live.send(missed.clone()).await.unwrap();
    bench.broker.restart();
    let hub = bench.hub(|_, _| Reaction::Once(ReceiptOutcome::Stored));
    eventually!("the box is back", hub.seen.lock().unwrap().status.contains(&DeviceState::Online));
    let last = word(&bench);
    eventually!("the new word", {
        // QoS 0: one that comes before the hub has subscribed is lost.
        bench.live.send(last.clone()).await.unwrap();
        hub.seen.lock().unwrap().live.contains(&last)
    });
    assert!(!hub.seen.lock().unwrap().live.contains(&missed), "no longer live");
    assert_eq!(bench.rows().await, 0);
}
