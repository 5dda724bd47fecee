//! What cannot be taken: unreadable, poisoned, of the wrong sender, too large, too much of it.

use bytes::Bytes;
use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{Event, Incident, IncidentKind, MessageId, Origin, Receipt, ReceiptOutcome, Subject, Topic};

use super::{NOW, World, worlds, worlds_with};
use crate::intake::{Item, store};
use crate::{device, reconcile};

impl World {
    /// Hands in what has an id and is no envelope.
    async fn send_nonsense(&self, more: &str) -> Receipt {
        let id = MessageId::new(&self.app.chance, NOW);
        let bytes = Bytes::from(format!("{{\"id\":\"{id}\",\"specversion\":\"1.0\"{more}}}"));
        self.intake.submit(&self.origin, bytes).await.unwrap()
    }

    async fn quarantined(&self) -> Vec<crate::intake::Quarantined> {
        store::quarantined(&self.app.db, "main", "", 10_000).await.unwrap()
    }
}

/// A box fills its own quarantine and no more: what comes then is refused in words, leaves nothing, and stays on the
/// box. Another box's is kept. In time all of it is forgotten, and there is room again.
#[tokio::test]
async fn quarantine_has_a_bound_for_each_box() {
    for mut world in worlds_with(|config| config.intake.quarantine_per_device = 3).await {
        for n in 0..5 {
            let receipt = world.send_nonsense("").await;
            let (outcome, word) = if n < 3 {
                (ReceiptOutcome::Quarantined, "missing field")
            } else {
                (ReceiptOutcome::Refused, "3 messages of this box are in quarantine already")
            };
            assert_eq!(receipt.outcome, outcome, "{}: {n}", world.name);
            assert!(receipt.reason.as_ref().unwrap().contains(word), "{receipt:?}");
        }
        assert_eq!(world.quarantined().await.len(), 3, "{}", world.name);
        world.enrol("box-2").await;
        world.origin.device = "box-2".parse().unwrap();
        assert_eq!(world.send_nonsense("").await.outcome, ReceiptOutcome::Quarantined);

        world.clock.advance_ms(91 * 86_400_000);
        reconcile::pass(&world.app).await;
        assert!(world.quarantined().await.is_empty(), "{}", world.name);
        world.origin.device = "box-1".parse().unwrap();
        assert_eq!(world.send_nonsense("").await.outcome, ReceiptOutcome::Quarantined, "{}", world.name);
    }
}

/// A status that cannot be read comes every few seconds: only the newest is kept.
#[tokio::test]
async fn the_newest_unreadable_status_is_kept() {
    for world in worlds().await {
        let (sender, mut done) = tokio::sync::mpsc::unbounded_channel();
        for text in ["one", "two", "three"] {
            let sender = sender.clone();
            let item = Item {
                topic: Topic::Status(world.origin.clone()),
                payload: Bytes::from(text),
                retained: false,
                reply: Box::new(move |receipt| drop(sender.send(receipt))),
            };
            assert!(world.intake.push(item).await);
            assert_eq!(done.recv().await, Some(None), "a status has no receipt");
        }
        let kept = world.quarantined().await;
        assert_eq!(kept.len(), 1, "{}", world.name);
        let one = store::quarantined_one(&world.app.db, "main", "", &kept[0].quarantine_id).await.unwrap();
        assert_eq!(one.unwrap().1, b"three");
    }
}

/// What is larger than a message may be is refused and not kept; a reason that quotes a box's words is short, and fit
/// for either database.
#[tokio::test]
async fn no_message_decides_how_much_is_kept_of_it() {
    for world in worlds().await {
        let receipt = world.send_nonsense(&format!(",\"x\":\"{}\"", "x".repeat(MAX_MESSAGE_BYTES))).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Refused, "{}", world.name);
        assert!(receipt.reason.unwrap().contains("more than the 65536"));
        assert!(world.quarantined().await.is_empty(), "{}", world.name);

        let word = format!("\\u0000{}", "y".repeat(10_000));
        let receipt = world.send_nonsense(&format!(",\"type\":\"{word}\"")).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Quarantined, "{}", world.name);
        let kept = world.quarantined().await;
        assert!(kept[0].reason.starts_with("not a Shaodian event"), "{}: {}", world.name, kept[0].reason);
        assert!(kept[0].reason.chars().count() <= 500);
    }
}

/// Numbers of a box's run that are not here are counted; what lies in quarantine is here.
#[tokio::test]
async fn what_is_in_quarantine_is_not_missing() {
    for world in worlds().await {
        let boot = world.boot;
        world.send_incident(1, &world.incident("r1")).await;
        world.send_nonsense(&format!(",\"boot\":\"{boot}\",\"sequence\":2")).await;
        world.send_incident(5, &world.incident("r1")).await;
        let gaps = device::store::gaps(&world.app.db, "main", "box-1").await.unwrap();
        assert_eq!(gaps.iter().map(device::Gap::missing).collect::<Vec<_>>(), [2], "{}", world.name);
        let known = device::store::get(&world.app.db, "main", "", "box-1").await.unwrap().unwrap();
        assert_eq!(known.missing, 2, "{}", world.name);
        // A number that no box reaches does not spoil the sum.
        world.send_nonsense(&format!(",\"boot\":\"{boot}\",\"sequence\":{}", u64::MAX)).await;
        assert_eq!(device::store::list(&world.app.db, "main", "").await.unwrap()[0].missing, (1 << 40) - 4);
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
        let kept = store::quarantined(&world.app.db, "main", "", 10).await.unwrap();
        assert_eq!(kept.len(), 1, "{}", world.name);
        let one = store::quarantined_one(&world.app.db, "main", "", &kept[0].quarantine_id).await.unwrap();
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
        let kept = store::quarantined(&world.app.db, "main", "", 10).await.unwrap();
        assert_eq!(kept.len(), bad, "{}", world.name);
        let cases = world.cases().await;
        assert_eq!(cases.iter().map(|case| case.incident_count).sum::<i64>(), 40 - bad as i64);
    }
}
