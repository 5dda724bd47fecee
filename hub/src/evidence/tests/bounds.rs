//! What one box can put here and what it can get: no more than it may, and nothing of another's.

use axum::http::StatusCode;
use protocol::envelope::Stamp;
use protocol::{
    BootId, Delivery, Envelope, Event, Evidence, EvidenceKind, Incident, IncidentId, IncidentKind, MessageId,
    Origin, Phase, ReceiptOutcome, Severity, Sha256Hex, Subject,
};
use sha2::{Digest, Sha256};

use super::{QUOTA, World, enrol, header, world, world_with};
use crate::case::CaseFilter;
use crate::db::testing::databases;
use crate::evidence::Grant;

impl World {
    /// An incident of a box that names this content.
    async fn name(&self, device: &str, content: &[u8]) {
        let (app, now) = (&self.app, self.app.clock.now());
        let origin = Origin { tenant: app.tenant().clone(), device: device.parse().unwrap() };
        let file = Evidence {
            sha256: hash(content),
            kind: EvidenceKind::Snapshot,
            media_type: "image/jpeg".into(),
            size_bytes: content.len() as u64,
            delivery: Delivery::Automatic,
            starts_at: now,
            duration_ms: None,
            masked: true,
            blurred: false,
            footage: None,
        };
        let incident = Incident {
            incident_id: IncidentId::new(&app.chance, now),
            revision: 1,
            phase: Phase::Opened,
            kind: IncidentKind::CameraLost,
            severity: Severity::Normal,
            subject: Subject::Device,
            place: None,
            started_at: now,
            updated_at: now,
            ended_at: None,
            evidence: vec![file],
            drill: false,
        };
        let stamp = Stamp {
            id: MessageId::new(&app.chance, now),
            at: now,
            boot: BootId::new(&app.chance, now),
            sequence: 1,
            uptime_ms: 1,
            clock_synced: true,
        };
        let envelope = Envelope::new(&origin, stamp, Event::Incident(incident));
        let receipt = app.intake.submit(&origin, envelope.encode().unwrap().into()).await.unwrap();
        assert_eq!(receipt.outcome, ReceiptOutcome::Stored);
    }

    async fn grants(&self, content: &[u8]) -> Vec<Grant> {
        self.app.evidence.grants(self.app.tenant(), &hash(content), None, "").await.unwrap()
    }

    async fn send_whole(&self, content: &[u8]) {
        let path = header(&self.create(content, content).await, "location");
        assert_eq!(self.patch(&path, 0, content).await.status(), StatusCode::NO_CONTENT);
    }

    fn begun(&self) -> usize {
        std::fs::read_dir(self.app.data_dir().join("uploads")).unwrap().count()
    }
}

fn hash(content: &[u8]) -> Sha256Hex {
    hex::encode(Sha256::digest(content)).parse().unwrap()
}

/// A box that knows the hash of another's picture is neither told that it is here nor shown it with its own incident;
/// once it has sent the whole of it, the content is its own too, and lies on the disk once.
#[tokio::test]
async fn knowing_a_hash_is_not_having_the_content() {
    for test in databases().await {
        let name = test.name;
        let mut world = world(test, QUOTA).await;
        let content = b"a picture of somebody's gate".as_slice();
        world.name("box-1", content).await;
        world.send_whole(content).await;
        assert_eq!(world.grants(content).await.len(), 1, "{name}");

        world.token = enrol(&world.app, "box-2").await;
        world.name("box-2", content).await;
        assert_eq!(world.grants(content).await.len(), 1, "{name}: nothing for the other's case");
        let cases =
            crate::case::store::list::list(&world.app.db, "main", &CaseFilter::default()).await.unwrap();
        let shown =
            crate::case::store::list::newest_evidence(&world.app.db, "main", &cases, 9).await.unwrap();
        let here = shown.iter().filter(|file| file.stored_at_ms.is_some()).count();
        assert_eq!((shown.len(), here), (2, 1), "{name}");
        let begun = world.create(content, content).await;
        assert_eq!(
            (begun.status(), header(&begun, "upload-offset")),
            (StatusCode::CREATED, "0".into()),
            "{name}"
        );

        world.send_whole(content).await;
        assert_eq!(world.grants(content).await.len(), 2, "{name}");
        assert_eq!(
            std::fs::read(world.app.evidence.path(world.app.tenant(), &hash(content))).unwrap(),
            content
        );
        assert_eq!(header(&world.create(content, content).await, "upload-offset"), "28", "{name}: now it is");
    }
}

/// A file that went missing in a crash is not taken for finished because another box has sent the same.
#[tokio::test]
async fn a_lost_upload_is_not_paid_with_another_boxs_file() {
    for test in databases().await {
        let mut world = world(test, QUOTA).await;
        let content = b"of box 1".as_slice();
        world.send_whole(content).await;
        world.token = enrol(&world.app, "box-2").await;
        let path = header(&world.create(content, content).await, "location");
        std::fs::remove_file(world.app.evidence.upload_path(path.rsplit('/').next().unwrap())).unwrap();
        assert_eq!(world.patch(&path, 0, content).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(header(&world.create(content, content).await, "upload-offset"), "0");
    }
}

/// The same file begun again and again is one upload; of different files only so many are under way, named or not.
#[tokio::test]
async fn uploads_under_way_have_a_bound() {
    for test in databases().await {
        let name = test.name;
        let world = world_with(test, |_| {}).await;
        for _ in 0..20 {
            assert_eq!(world.create(b"one", b"one").await.status(), StatusCode::CREATED);
        }
        assert_eq!(world.begun(), 1, "{name}");
        for n in 1..16 {
            let content = format!("file {n}");
            world.name("box-1", content.as_bytes()).await;
            let answer = world.create(content.as_bytes(), content.as_bytes()).await;
            assert_eq!(answer.status(), StatusCode::CREATED, "{name}: {n}");
        }
        let more = world.create(b"more", b"more").await;
        assert_eq!(more.status(), StatusCode::TOO_MANY_REQUESTS, "{name}");
        assert_eq!(
            world.create(b"one", b"one").await.status(),
            StatusCode::CREATED,
            "{name}: a known one goes on"
        );
        assert_eq!(world.begun(), 16, "{name}");
        world.send_whole(b"one").await;
        assert_eq!(
            world.create(b"more", b"more").await.status(),
            StatusCode::CREATED,
            "{name}: there is room again"
        );
    }
}

/// However small files are that nothing names, there are not many of them; those that an incident names are not counted.
#[tokio::test]
async fn small_files_count_too() {
    for test in databases().await {
        let name = test.name;
        let world = world(test, QUOTA).await;
        for n in 0..40 {
            let content = format!("named {n}");
            world.name("box-1", content.as_bytes()).await;
            world.send_whole(content.as_bytes()).await;
        }
        let mut taken = 0;
        loop {
            let content = format!("file {taken}");
            match world.create(content.as_bytes(), content.as_bytes()).await.status() {
                StatusCode::CREATED => world.send_whole(content.as_bytes()).await,
                StatusCode::TOO_MANY_REQUESTS => break,
                other => panic!("{other}"),
            }
            taken += 1;
            assert!(taken < 20, "{name}");
        }
        assert_eq!(taken, 15, "{name}: of 64 KiB and a few bytes each in 1 MiB");
    }
}

/// What a box may send in a day is an end for named files too, and the next day begins anew; a full disk takes nothing.
#[tokio::test]
async fn a_day_and_the_disk_have_an_end() {
    for test in databases().await {
        let name = test.name;
        let world = world_with(test, |config| config.device_daily_bytes = 10).await;
        for content in [b"12345".as_slice(), b"123456".as_slice()] {
            world.name("box-1", content).await;
        }
        world.send_whole(b"12345").await;
        assert_eq!(
            world.create(b"123456", b"123456").await.status(),
            StatusCode::TOO_MANY_REQUESTS,
            "{name}"
        );
        world.clock.advance_ms(25 * 3_600_000);
        assert_eq!(world.create(b"123456", b"123456").await.status(), StatusCode::CREATED, "{name}");
    }
    let full = world_with(databases().await.swap_remove(0), |config| config.keep_free_bytes = u64::MAX).await;
    assert_eq!(full.create(b"abc", b"abc").await.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(full.begun(), 0);
}

/// What a crash left under way without a row is removed, what has one stays.
#[tokio::test]
async fn leftovers_are_swept() {
    for test in databases().await {
        let world = world(test, QUOTA).await;
        let path = header(&world.create(b"abc", b"abc").await, "location");
        std::fs::write(world.app.evidence.upload_path("left-over"), b"x").unwrap();
        assert_eq!(world.app.evidence.remove_orphans().await.unwrap(), 1);
        assert_eq!(world.begun(), 1);
        assert_eq!(world.patch(&path, 0, b"abc").await.status(), StatusCode::NO_CONTENT);
    }
}
