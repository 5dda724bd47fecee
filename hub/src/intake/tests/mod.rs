//! The way from bytes to cases, on every database there is, with every message once and with every message twice.

mod calls;
mod cases;
mod delivery;
mod flood;
mod lists;
mod matters;
mod unreadable;

use std::sync::Arc;

use bytes::Bytes;
use protocol::envelope::Stamp;
use protocol::{
    BootId, CameraSubject, Chance, Envelope, Event, Incident, IncidentId, IncidentKind, Label, ManualClock,
    MessageId, NormBox, Origin, Phase, Receipt, ReceiptOutcome, Severity, Subject, Topic, UtcMs,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{Intake, Item};
use crate::app::App;
use crate::case;
use crate::config::Config;
use crate::db::testing::{TestDb, databases};
use crate::device;
use crate::metrics::Metrics;

const NOW: UtcMs = UtcMs(1_773_815_480_000);

struct World {
    app: App,
    intake: Intake,
    clock: Arc<ManualClock>,
    origin: Origin,
    boot: BootId,
    stop: CancellationToken,
    name: String,
    /// Every message is delivered twice.
    twice: bool,
    _db: TestDb,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Each database, once with every message delivered once and once with every message delivered twice.
async fn worlds() -> Vec<World> {
    worlds_with(|_| {}).await
}

/// The same with other settings.
async fn worlds_with(set: impl Fn(&mut Config)) -> Vec<World> {
    let mut all = Vec::new();
    for twice in [false, true] {
        for test in databases().await {
            all.push(world(test, twice, &set).await);
        }
    }
    all
}

async fn world(test: TestDb, twice: bool, set: impl Fn(&mut Config)) -> World {
    let clock = Arc::new(ManualClock::at(NOW));
    let chance = Arc::new(Chance::seeded(5));
    let mut config = Config::default();
    config.hub.data_dir = test.folder.clone();
    set(&mut config);
    let (app, _) = App::with_db(config, test.db.clone(), clock.clone(), chance.clone()).unwrap();
    let (intake, items) = Intake::new(Arc::new(Metrics::default()));
    let stop = CancellationToken::new();
    tokio::spawn(app.intake_worker().run(items, stop.clone()));
    let origin = Origin { tenant: "main".parse().unwrap(), device: "box-1".parse().unwrap() };
    let boot = BootId::new(&chance, NOW);
    let name = format!("{}{}", test.name, if twice { ", twice" } else { "" });
    let world = World { app, intake, clock, origin, boot, stop, name, twice, _db: test };
    world.enrol("box-1").await;
    world
}

impl World {
    async fn enrol(&self, device: &str) {
        let device: protocol::DeviceId = device.parse().unwrap();
        let code = device::enrol::add(&self.app, &self.origin.tenant, &device, "北口").await.unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        device::enrol::enrol(&self.app, &code, &csr).await.unwrap();
    }

    fn incident(&self, rule: &str) -> Incident {
        Incident {
            incident_id: IncidentId::new(&self.app.chance, NOW),
            revision: 1,
            phase: Phase::Opened,
            kind: IncidentKind::Intrusion,
            severity: Severity::Normal,
            subject: Subject::Camera(CameraSubject {
                camera_id: "c1".parse().unwrap(),
                camera_name: "北口 02".into(),
                rule_id: rule.parse().unwrap(),
                rule_name: "夜间".into(),
                rule_name_en: None,
                label: Label::Person,
                score: 0.9,
                region: NormBox { x: 0.0, y: 0.0, w: 0.1, h: 0.1 },
                object_count: 1,
                motion_only: false,
                method: "m".into(),
            }),
            place: None,
            started_at: NOW,
            updated_at: NOW,
            ended_at: None,
            evidence: vec![],
            drill: false,
        }
    }

    fn envelope(&self, sequence: u64, event: Event) -> Envelope {
        let stamp = Stamp {
            id: MessageId::new(&self.app.chance, NOW),
            at: NOW,
            boot: self.boot,
            sequence,
            uptime_ms: 1,
            clock_synced: true,
        };
        Envelope::new(&self.origin, stamp, event)
    }

    async fn send(&self, envelope: &Envelope) -> Receipt {
        let bytes = Bytes::from(envelope.encode().unwrap());
        let first = self.intake.submit(&self.origin, bytes.clone()).await.unwrap();
        if self.twice {
            let again = self.intake.submit(&self.origin, bytes).await.unwrap();
            let expected = match first.outcome {
                ReceiptOutcome::Stored => ReceiptOutcome::Duplicate,
                other => other,
            };
            assert_eq!(again.outcome, expected, "{}: the second delivery", self.name);
        }
        first
    }

    async fn send_incident(&self, sequence: u64, incident: &Incident) -> Receipt {
        self.send(&self.envelope(sequence, Event::Incident(incident.clone()))).await
    }

    /// Queues a message as the broker's connection does; the receipt goes to `receipts`.
    async fn push(&self, envelope: &Envelope, receipts: &UnboundedSender<Option<Receipt>>) {
        let receipts = receipts.clone();
        let item = Item {
            topic: Topic::Event(self.origin.clone(), envelope.id),
            payload: envelope.encode().unwrap().into(),
            retained: false,
            reply: Box::new(move |receipt| drop(receipts.send(receipt))),
        };
        assert!(self.intake.push(item).await);
    }

    async fn cases(&self) -> Vec<case::Case> {
        case::store::list::list(&self.app.db, "main", &case::CaseFilter::default()).await.unwrap()
    }
}
