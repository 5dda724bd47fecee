//! The way from bytes to cases, on every database there is, with every message once and with every message twice.

use std::sync::Arc;

use bytes::Bytes;
use protocol::envelope::Stamp;
use protocol::{
    BootId, CameraSubject, Chance, Clock, Delivery, Envelope, Event, Evidence, EvidenceKind, Incident,
    IncidentId, IncidentKind, Label, ManualClock, MessageId, NormBox, Origin, Phase, Receipt, ReceiptOutcome,
    Severity, Subject, Topic, UtcMs,
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

pub(super) const NOW: UtcMs = UtcMs(1_773_815_480_000);

pub(super) struct World {
    pub(super) app: App,
    pub(super) intake: Intake,
    clock: Arc<ManualClock>,
    pub(super) origin: Origin,
    boot: BootId,
    stop: CancellationToken,
    pub(super) name: String,
    /// Every message is delivered twice.
    pub(super) twice: bool,
    _db: TestDb,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Each database, once with every message delivered once and once with every message delivered twice.
pub(super) async fn worlds() -> Vec<World> {
    let mut all = Vec::new();
    for twice in [false, true] {
        for test in databases().await {
            all.push(world(test, twice).await);
        }
    }
    all
}

async fn world(test: TestDb, twice: bool) -> World {
    let clock = Arc::new(ManualClock::at(NOW));
    let chance = Arc::new(Chance::seeded(5));
    let mut config = Config::default();
    config.hub.data_dir = test.folder.clone();
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

    pub(super) fn incident(&self, rule: &str) -> Incident {
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

    pub(super) fn envelope(&self, sequence: u64, event: Event) -> Envelope {
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
    pub(super) async fn push(&self, envelope: &Envelope, receipts: &UnboundedSender<Option<Receipt>>) {
        let receipts = receipts.clone();
        let item = Item {
            topic: Topic::Event(self.origin.clone(), envelope.id),
            payload: envelope.encode().unwrap().into(),
            retained: false,
            reply: Box::new(move |receipt| drop(receipts.send(receipt))),
        };
        assert!(self.intake.push(item).await);
    }

    pub(super) async fn cases(&self) -> Vec<case::Case> {
        case::store::list::list(&self.app.db, "main", &case::CaseFilter::default()).await.unwrap()
    }
}

/// One message any number of times is one case, and every copy gets its receipt.
#[tokio::test]
async fn redelivery_makes_one_case() {
    for world in worlds().await {
        let envelope = world.envelope(1, Event::Incident(world.incident("r1")));
        assert_eq!(world.send(&envelope).await.outcome, ReceiptOutcome::Stored, "{}", world.name);
        for _ in 0..3 {
            assert_eq!(world.send(&envelope).await.outcome, ReceiptOutcome::Duplicate, "{}", world.name);
        }
        let cases = world.cases().await;
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].number, "20260318-001");
        assert_eq!(cases[0].incident_count, 1);
        let history =
            case::store::history(&world.app.db, "main", &cases[0].case_id, None, 1000).await.unwrap();
        assert_eq!(history.len(), 1);
    }
}

/// Revisions in any order leave the newest, in one case, ended once; the gap a lost one leaves is seen.
#[tokio::test]
async fn newest_revision_wins_in_any_order() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 2]] {
        for world in worlds().await {
            let first = world.incident("r1");
            for revision in order {
                let mut incident = first.clone();
                incident.revision = revision;
                incident.phase = [Phase::Opened, Phase::Updated, Phase::Ended][revision as usize - 1];
                incident.ended_at = (revision == 3).then_some(NOW.plus_ms(9));
                // Sequence 2 is never sent.
                let sequence = if revision == 1 { 1 } else { u64::from(revision) + 1 };
                assert_eq!(world.send_incident(sequence, &incident).await.outcome, ReceiptOutcome::Stored);
            }
            let cases = world.cases().await;
            assert_eq!(cases.len(), 1, "{} {order:?}", world.name);
            let incidents =
                case::store::list::incidents(&world.app.db, "main", &cases[0].case_id, None, 1000)
                    .await
                    .unwrap();
            assert_eq!(incidents.len(), 1);
            assert_eq!((incidents[0].revision, incidents[0].phase.as_str()), (3, "ended"));
            let history =
                case::store::history(&world.app.db, "main", &cases[0].case_id, None, 1000).await.unwrap();
            assert_eq!(history.iter().filter(|row| row.action == "ended").count(), 1, "{order:?}");
            let last = case::store::history_hash(&world.app.db, "main", &cases[0].case_id).await.unwrap();
            assert_eq!(case::history::first_break(&cases[0].case_id, &history, &last), None);
            let gaps = device::store::gaps(&world.app.db, "main", "box-1").await.unwrap();
            assert_eq!(gaps.iter().map(device::Gap::missing).collect::<Vec<_>>(), [1]);
        }
    }
}

/// Incidents of one camera and rule join the open case and lift its severity; after it closes, a new one opens.
#[tokio::test]
async fn one_open_case_per_cause() {
    for world in worlds().await {
        world.send_incident(1, &world.incident("r1")).await;
        let mut worse = world.incident("r1");
        worse.severity = Severity::Emergency;
        world.send_incident(2, &worse).await;
        world.send_incident(3, &world.incident("r2")).await;
        let mut cases = world.cases().await;
        cases.sort_by(|a, b| a.number.cmp(&b.number));
        assert_eq!(
            cases.iter().map(|case| (case.incident_count, case.severity.as_str())).collect::<Vec<_>>(),
            [(2, "emergency"), (1, "normal")]
        );

        let acknowledged =
            case::store::acknowledge(&world.app.db, "main", &cases[0].number, "li", NOW).await.unwrap();
        assert_eq!(acknowledged.acknowledged_by.as_deref(), Some("li"));
        let again =
            case::store::acknowledge(&world.app.db, "main", &cases[0].number, "wang", NOW).await.unwrap();
        assert_eq!(again.acknowledged_by.as_deref(), Some("li"), "the first one counts");

        let mut tx = world.app.db.begin().await.unwrap();
        tx.lock_tenant("main").await.unwrap();
        let (number, none) = (&cases[0].number, serde_json::json!({}));
        let step = case::Move::Close;
        let closed = case::store::move_case(&mut tx, "main", number, step, "user:li", &none, NOW).await;
        assert_eq!(closed.unwrap().state, "closed");
        let again = case::store::move_case(&mut tx, "main", number, step, "user:li", &none, NOW).await;
        assert!(matches!(again, Err(case::CaseError::Transition(_))));
        tx.commit().await.unwrap();

        world.clock.advance_ms(1);
        world.send_incident(4, &world.incident("r1")).await;
        assert_eq!(world.cases().await.len(), 3, "{}", world.name);
    }
}

/// What cannot be read is kept with its reason, answered alike each time, and is no case.
#[tokio::test]
async fn unreadable_bytes_are_kept() {
    for world in worlds().await {
        let id = MessageId::new(&world.app.chance, NOW);
        let bytes = Bytes::from(format!("{{\"id\":\"{id}\",\"specversion\":\"1.0\"}}"));
        for _ in 0..2 {
            let receipt = world.intake.submit(&world.origin, bytes.clone()).await.unwrap();
            assert_eq!(receipt.outcome, ReceiptOutcome::Quarantined);
            assert!(receipt.reason.unwrap().contains("missing field"));
        }
        let kept = super::store::quarantined(&world.app.db, "main", 10).await.unwrap();
        assert_eq!(kept.len(), 1, "{}", world.name);
        let one = super::store::quarantined_one(&world.app.db, "main", &kept[0].quarantine_id).await.unwrap();
        assert_eq!(one.unwrap().1, bytes);
        assert!(world.cases().await.is_empty());
    }
}

/// A box that is unknown or disabled, or takes another's message id or incident, is told so and stores nothing.
#[tokio::test]
async fn wrong_senders_are_refused() {
    for mut world in worlds().await {
        world.enrol("box-2").await;
        let (first, incident) =
            (world.envelope(1, Event::Incident(world.incident("r1"))), world.incident("r9"));
        world.send(&first).await;
        world.send_incident(2, &incident).await;
        let before = world.cases().await;

        world.origin.device = "box-2".parse().unwrap();
        let mut stolen = world.envelope(1, Event::Incident(world.incident("r1")));
        stolen.id = first.id;
        assert_eq!(world.send(&stolen).await.outcome, ReceiptOutcome::Refused);
        let mut other = incident.clone();
        other.revision = 2;
        assert_eq!(world.send_incident(2, &other).await.outcome, ReceiptOutcome::Quarantined);

        let lost = Incident { kind: IncidentKind::DeviceLost, ..world.incident("r1") };
        let receipt = world.send_incident(4, &lost).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Quarantined, "a box does not speak as the hub");

        // No receipt: the box keeps it until it is let in again.
        let envelope = world.envelope(3, Event::Incident(world.incident("r1")));
        let bytes = Bytes::from(envelope.encode().unwrap());
        device::store::set_disabled(&world.app.db, "main", "box-2", true, NOW).await.unwrap();
        assert!(world.intake.submit(&world.origin, bytes.clone()).await.is_err());
        let stranger = Origin { device: "stranger".parse().unwrap(), ..world.origin.clone() };
        assert!(world.intake.submit(&stranger, bytes.clone()).await.is_err());
        assert_eq!(world.cases().await, before, "{}", world.name);
        device::store::set_disabled(&world.app.db, "main", "box-2", false, NOW).await.unwrap();
        assert_eq!(world.send(&envelope).await.outcome, ReceiptOutcome::Stored);
    }
}

/// Evidence named by an incident shows with its case, as not here yet; positions of the live feed have no hole.
#[tokio::test]
async fn evidence_and_feed_follow_the_case() {
    for world in worlds().await {
        let mut incident = world.incident("r1");
        incident.evidence.push(Evidence {
            sha256: "ab".repeat(32).parse().unwrap(),
            kind: EvidenceKind::Snapshot,
            media_type: "image/jpeg".into(),
            size_bytes: 12,
            delivery: Delivery::Automatic,
            starts_at: NOW,
            duration_ms: None,
            masked: true,
        });
        world.send_incident(1, &incident).await;
        let cases = world.cases().await;
        let files = case::store::list::newest_evidence(&world.app.db, "main", &cases, 20).await.unwrap();
        assert_eq!(files.len(), 1, "{}", world.name);
        assert_eq!((files[0].kind.as_str(), files[0].stored_at_ms), ("snapshot", None));
        let changes = world.app.changes.after("main", 0, 100).await.unwrap();
        let positions: Vec<i64> = changes.iter().map(|change| change.position).collect();
        assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>());
        assert_eq!(changes.last().unwrap().subject, cases[0].number);
        assert_eq!(world.app.changes.newest("main").await.unwrap(), positions.len() as i64);
    }
}

/// A message that the database cannot take (PostgreSQL keeps no NUL in text) is quarantined by itself; the others of
/// its batch are stored.
#[tokio::test]
async fn a_poisoned_message_stands_alone() {
    for world in worlds().await {
        let (sender, mut receipts) = tokio::sync::mpsc::unbounded_channel();
        let mut poisoned = None;
        for sequence in 1..=40 {
            // A case of its own, whose title holds the name.
            let mut incident = world.incident(if sequence == 17 { "poison" } else { "r1" });
            if sequence == 17
                && let Subject::Camera(camera) = &mut incident.subject
            {
                camera.camera_name = "nul \0 byte".into();
            }
            let envelope = world.envelope(sequence, Event::Incident(incident));
            if sequence == 17 {
                poisoned = Some(envelope.id);
            }
            world.push(&envelope, &sender).await;
        }
        drop(sender);
        let mut outcomes = Vec::new();
        while let Some(receipt) = receipts.recv().await {
            let receipt = receipt.unwrap();
            outcomes.push(receipt.outcome);
            let bad = world.name.starts_with("postgres") && Some(receipt.message_id) == poisoned;
            let expected = if bad { ReceiptOutcome::Quarantined } else { ReceiptOutcome::Stored };
            assert_eq!(receipt.outcome, expected, "{}: {:?}", world.name, receipt.reason);
        }
        assert_eq!(outcomes.len(), 40);
        let bad = outcomes.iter().filter(|outcome| **outcome == ReceiptOutcome::Quarantined).count();
        let kept = super::store::quarantined(&world.app.db, "main", 10).await.unwrap();
        assert_eq!(kept.len(), bad, "{}", world.name);
        let cases = world.cases().await;
        assert_eq!(cases.iter().map(|case| case.incident_count).sum::<i64>(), 40 - bad as i64);
    }
}

/// Many boxes' messages at once are committed together; every one gets its receipt, each case its own number.
#[tokio::test]
async fn a_flood_is_committed_in_batches() {
    for world in worlds().await {
        const COUNT: u64 = 600;
        let (sender, mut receipts) = tokio::sync::mpsc::unbounded_channel();
        let started = world_clock().uptime_ms();
        for sequence in 1..=COUNT {
            let envelope =
                world.envelope(sequence, Event::Incident(world.incident(&format!("r{}", sequence % 50))));
            for _ in 0..if world.twice { 2 } else { 1 } {
                world.push(&envelope, &sender).await;
            }
        }
        drop(sender);
        let mut stored = 0;
        while let Some(receipt) = receipts.recv().await {
            stored += u64::from(receipt.unwrap().outcome == ReceiptOutcome::Stored);
        }
        assert_eq!(stored, COUNT, "{}", world.name);
        let took = world_clock().uptime_ms().saturating_sub(started).max(1);
        println!("{}: {COUNT} incidents in {took} ms = {}/s", world.name, COUNT * 1000 / took);
        let cases = world.cases().await;
        assert_eq!(cases.len(), 50);
        assert_eq!(cases.iter().map(|case| case.incident_count).sum::<i64>(), COUNT as i64);
    }
}

/// The machine's clock, for the figure above only.
fn world_clock() -> &'static protocol::SystemClock {
    static CLOCK: std::sync::OnceLock<protocol::SystemClock> = std::sync::OnceLock::new();
    CLOCK.get_or_init(protocol::SystemClock::new)
}
