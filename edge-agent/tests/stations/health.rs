//! How the box says that it is: its local pages over real HTTP, and the status that goes to the hub.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::common::{START, WAIT, eventually, free_port, report, voice};
use edge_agent::camera;
use edge_agent::config::Config;
use edge_agent::contact::HubKey;
use edge_agent::evidence::Recorder;
use edge_agent::health::{self, Floor, Health, Pages, Vitals};
use edge_agent::memory::Memory;
use edge_agent::outbox::{Outbox, OutboxConfig};
use edge_agent::stations::{Site, Stations};
use edge_agent::{uplink, upload};
use protocol::{
    Chance, Clock, DetectorHealth, DeviceState, IncidentId, Phase, Receipt, ReceiptOutcome, Severity, Status,
    SystemClock,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

struct Bench {
    dir: tempfile::TempDir,
    listen: SocketAddr,
    outbox: Outbox,
    uplink: Arc<uplink::Health>,
    upload: Arc<upload::Health>,
    status: watch::Receiver<Status>,
    http: reqwest::Client,
    cancel: CancellationToken,
    stations: Stations,
}

impl Bench {
    /// A box with one test camera, its detector switched off, said to be connected.
    async fn start(disk_reserve_bytes: u64, enrolled: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        camera::init().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let toml = "[detector]\nenabled = false\n[[camera]]\nid = \"gate\"\nurl = \"test://ball\"\n";
        let mut config = Config::parse("edge.toml", toml, []).unwrap();
        config.agent.data_dir = dir.path().to_owned();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::seeded(1));
        let voice = voice(clock.clone(), chance.clone());
        let (outbox, _) = Outbox::open(dir.path(), OutboxConfig::default(), voice).await.unwrap();
        let floor = Floor::default();
        let (uplink, upload) = (Arc::<uplink::Health>::default(), Arc::<upload::Health>::default());
        uplink.connected.store(true, Ordering::Relaxed);
        let health = Arc::new(Health {
            floor: floor.clone(),
            outbox: outbox.clone(),
            disk_reserve_bytes,
            enrolled,
            uplink: uplink.clone(),
            upload: upload.clone(),
            clock: clock.clone(),
        });
        let recorder = Arc::new(Recorder::new(outbox.evidence_dir().to_owned(), clock.clone()).unwrap());
        let site = Site {
            models: None,
            installed: edge_agent::config::Installed::new(None, config.clone()),
            clock,
            chance,
            outbox: outbox.clone(),
            floor,
            recorder,
            memory: Arc::new(Memory::open(dir.path(), &[]).unwrap()),
            reports: mpsc::channel(1).0,
            live: mpsc::channel(1).0,
            hub_key: Arc::new(HubKey::without_hub()),
            trial: WAIT,
        };
        let stations = Stations::start(site, config).await.unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let cancel = CancellationToken::new();
        let (status_tx, status) = watch::channel(health.first_status());
        let (vitals_tx, vitals) = watch::channel(Vitals::default());
        tokio::spawn(health.clone().run(status_tx, vitals_tx, cancel.clone()));
        tokio::spawn(health::serve(listen, Pages { health, vitals }, cancel.clone()));
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { dir, listen, outbox, uplink, upload, status, http, cancel, stations }
    }

    /// Status and text of a page; 0 while nobody listens yet.
    async fn page(&self, path: &str) -> (u16, String) {
        match self.http.get(format!("http://{}{path}", self.listen)).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap()),
            Err(_) => (0, String::new()),
        }
    }

    /// Value of one line of the metrics.
    async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.page("/metrics").await;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    async fn end(self) {
        self.stations.stop().await;
        self.cancel.cancel();
        self.outbox.close().await;
        drop(self.dir);
    }
}

/// A box whose camera runs is ready, although its detector is missing: the status and the metrics say that, and count
/// what was analysed.
#[tokio::test(flavor = "multi_thread")]
async fn a_working_box_is_ready_and_says_what_is_missing() {
    let bench = Bench::start(0, true).await;
    eventually!("ready", bench.page("/readyz").await.0 == 200);
    assert_eq!(bench.page("/healthz").await, (200, "ok\n".to_owned()));
    let analysed = "shaodian_edge_camera_frames_analysed_total{camera=\"gate\"}";
    eventually!("analysed frames", bench.metric(analysed).await.is_some_and(|n| n >= 5.0));
    assert_eq!(bench.metric("shaodian_edge_camera_running{camera=\"gate\"}").await, Some(1.0));
    assert_eq!(bench.metric("shaodian_edge_detector_ready").await, Some(0.0));
    assert_eq!(bench.metric("shaodian_edge_ready").await, Some(1.0));
    eventually!("the status", bench.status.borrow().cameras.len() == 1);
    let status = bench.status.borrow().clone();
    assert_eq!(status.state, DeviceState::Online);
    let Some(DetectorHealth::MotionOnly { reason }) = status.detector else {
        panic!("{:?}", status.detector)
    };
    assert!(reason.contains("switched off"), "{reason}");
    bench.end().await;
}

/// Each trouble is named on the page, one beside the other, and goes when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn troubles_are_named() {
    let bench = Bench::start(u64::MAX, true).await;
    let trouble = async |word: &str| {
        eventually!(word, {
            let (status, text) = bench.page("/readyz").await;
            status == 503 && text.contains(word)
        });
    };
    trouble("MiB free").await;
    bench.uplink.connected.store(false, Ordering::Relaxed);
    bench.uplink.last_error.set("connection refused");
    trouble("hub: connection refused").await;
    bench.uplink.connected.store(true, Ordering::Relaxed);
    eventually!("the hub is back", !bench.page("/readyz").await.1.contains("hub:"));
    bench.outbox.counters().disk_full.store(true, Ordering::Relaxed);
    trouble("disk: full").await;
    bench.outbox.counters().overfull.store(true, Ordering::Relaxed);
    trouble("outbox: beyond its bound").await;
    bench.upload.last_error.set("the hub answered 401");
    assert!(!bench.page("/readyz").await.1.contains("evidence:"), "nothing waits, so nothing is wrong");
    bench.end().await;

    let bench = Bench::start(0, false).await;
    eventually!("not enrolled", bench.page("/readyz").await.1.contains("this box is not enrolled"));
    bench.end().await;
}

/// What the hub did not take is in view with its reason, on the page, in the metrics and in the status, although the
/// box is ready.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_did_not_take_is_in_view() {
    let bench = Bench::start(0, true).await;
    eventually!("ready", bench.page("/readyz").await.0 == 200);
    assert!(bench.page("/readyz").await.1.contains("\"notices\":[]"));
    let id = IncidentId::new(&Chance::seeded(1), START);
    let message_id = bench.outbox.append(&report(id, 1, Phase::Opened, Severity::Major)).await.unwrap();
    let reason = Some("specversion is \"9\"".to_owned());
    let receipt = Receipt { message_id, outcome: ReceiptOutcome::Quarantined, reason, at: START };
    bench.outbox.settle(&[receipt]).await.unwrap();
    eventually!("the notice", {
        let (status, text) = bench.page("/readyz").await;
        status == 200
            && text.contains("1 messages were not taken by the hub")
            && text.contains("specversion is")
    });
    assert_eq!(bench.metric("shaodian_edge_outbox_rejected").await, Some(1.0));
    assert_eq!(bench.metric("shaodian_edge_notices").await, Some(1.0));
    eventually!("the status", bench.status.borrow().rejected_rows == 1);
    bench.end().await;
}
