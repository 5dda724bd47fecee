//! The uplink against a real Mosquitto with TLS client certificates, and a hub that receipts late, twice, or not
//! at all: nothing is lost, nothing is released without a receipt.

mod broker;
mod hub;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::{WAIT, eventually, origin, report, voice};
use broker::{Broker, Pki};
use edge_agent::outbox::{Outbox, OutboxConfig};
use edge_agent::uplink::{Address, Health, NO_RECEIPT, Uplink};
use hub::{Hub, Policy, Reaction};
use protocol::{
    CallId, Chance, Clock, Command, CommandBody, CommandId, DeviceState, IncidentId, LiveCall, Phase,
    ReceiptOutcome, Severity, Status, Subject, SystemClock, Topic, UtcMs,
};
use rumqttc::QoS;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

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

impl Bench {
    async fn start() -> Option<Self> {
        Self::start_with(NO_RECEIPT).await
    }

    async fn start_with(no_receipt: Duration) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::new();
        let broker = Broker::start(dir.path(), &pki)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::seeded(1));
        let voice = voice(clock.clone(), chance.clone());
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
            models: vec![],
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
            no_receipt,
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
        self.outbox.append(&report(id, 1, Phase::Opened, severity)).await.unwrap();
        id
    }

    async fn rows(&self) -> u64 {
        self.outbox.stats().await.unwrap().rows
    }
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
    {
        let seen = hub.seen.lock().unwrap();
        assert!(ids.iter().all(|id| seen.incidents.contains_key(id)), "every incident arrived");
        assert!(seen.receipted >= 80);
    }
    assert_eq!(bench.outbox.stats().await.unwrap().rejected_rows, 10, "quarantined ones stay visible here");
    assert!(bench.health.resent.load(Ordering::Relaxed) > 0);
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
    let mut report = report(large, 1, Phase::Opened, Severity::Emergency);
    if let Subject::Camera(camera) = &mut report.incident.subject {
        camera.rule_name = "x".repeat(64_000);
    }
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
    assert_eq!(bench.health.unreadable.load(Ordering::Relaxed), 1);

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
    eventually!("the loss", !bench.health.connected.load(Ordering::Relaxed));
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

/// One message that the hub never receipts does not tear down the connection as long as others are receipted; where
/// nothing else goes, the connection is tried anew, ever more seldom, and the message stays.
#[tokio::test]
async fn a_stuck_message_does_not_tear_down_the_link() {
    let Some(mut bench) = Bench::start_with(Duration::from_secs(4)).await else { return };
    let hub = bench.hub(|sequence, _| match sequence {
        1 => Reaction::Silent,
        _ => Reaction::Once(ReceiptOutcome::Stored),
    });
    let health = bench.health.clone();
    let connections = || health.connections.load(Ordering::Relaxed);
    let stuck = bench.append(Severity::Normal).await;
    eventually!("the first message", hub.count() == 1);
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(9) {
        bench.append(Severity::Normal).await;
        eventually!("its receipt", bench.rows().await == 1);
        // The pace of a quiet site; what is proven is that nothing happens.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(connections(), 1, "the link works");

    // Cut once, and nothing else to send: tried anew after 4 s, then 8, then 16.
    bench.broker.kill();
    bench.broker.restart();
    eventually!("the new connection", connections() == 2);
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(connections(), 3, "once more, and not every four seconds");
    assert!(hub.seen.lock().unwrap().incidents.contains_key(&stuck));
    let stats = bench.outbox.stats().await.unwrap();
    assert_eq!((stats.rows, stats.rejected_rows), (1, 0));
}
