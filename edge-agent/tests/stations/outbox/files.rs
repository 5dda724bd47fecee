//! Files of evidence and their rows.

use super::*;

/// A file goes up after its incident's receipt and not before, best severity and telling kind first, and
/// leaves the disk after its retention; a recording stays until somebody asks.
#[tokio::test]
async fn files_follow_their_incident() {
    let bench = Bench::new(2, OutboxConfig::default()).await;
    let id = bench.id();
    let mut first = report(id, 1, Phase::Opened, Severity::Major);
    first.files =
        vec![bench.file("clip", EvidenceKind::Clip), bench.file("snapshot", EvidenceKind::Snapshot)];
    let message = bench.outbox.append(&first).await.unwrap();
    let call_id = CallId::new(&bench.chance, START);
    let recording = bench.file("voice", EvidenceKind::Recording);
    let called = bench.outbox.append(&call(bench.id(), call_id, recording.clone())).await.unwrap();
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "nothing before the receipt");

    bench.receipt(message, ReceiptOutcome::Stored).await;
    bench.receipt(called, ReceiptOutcome::Stored).await;
    let upload = bench.outbox.next_upload().await.unwrap().unwrap();
    assert_eq!(upload.evidence.kind, EvidenceKind::Snapshot);
    bench.outbox.set_upload_url(&upload.evidence, Some("https://hub/u/1")).await.unwrap();
    bench.outbox.postpone_upload(&upload.evidence, 5_000, 1).await.unwrap();
    assert_eq!(bench.outbox.next_upload().await.unwrap().unwrap().evidence.kind, EvidenceKind::Clip);
    bench.clock.advance_ms(5_000);
    let again = bench.outbox.next_upload().await.unwrap().unwrap();
    assert_eq!((again.upload_url.as_deref(), again.attempts), (Some("https://hub/u/1"), 1));
    bench.outbox.uploaded(&again.evidence).await.unwrap();
    let clip = bench.outbox.next_upload().await.unwrap().unwrap();
    bench.outbox.uploaded(&clip.evidence).await.unwrap();
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "the recording was not asked for");

    bench.clock.advance_ms(DAY_MS + 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 2);
    assert!(!again.path.exists() && recording.path.exists());

    assert_eq!(bench.outbox.request_recordings(call_id, &[]).await.unwrap().len(), 1);
    assert_eq!(bench.outbox.next_upload().await.unwrap().unwrap().path, recording.path);
    bench.clock.advance_ms(40 * DAY_MS);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 0, "asked for: kept until it is up");
}

/// A recording that nobody asked for goes after its days, row and file.
#[tokio::test]
async fn unasked_recordings_expire() {
    let bench = Bench::new(3, OutboxConfig::default()).await;
    let call_id = CallId::new(&bench.chance, START);
    let recording = bench.file("voice", EvidenceKind::Recording);
    bench.outbox.append(&call(bench.id(), call_id, recording.clone())).await.unwrap();
    bench.clock.advance_ms(30 * DAY_MS - 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 0);
    bench.clock.advance_ms(1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 1);
    assert!(!recording.path.exists());
    assert!(bench.outbox.request_recordings(call_id, &[]).await.unwrap().is_empty());
}

/// Two calls that sound the same are one file. Each has it as its recording, as long as it is here.
#[tokio::test]
async fn calls_that_sound_alike_have_a_recording_each() {
    let bench = Bench::new(13, OutboxConfig::default()).await;
    let recording = bench.file("nobody speaks", EvidenceKind::Recording);
    let calls = [CallId::new(&bench.chance, START), CallId::new(&bench.chance, START)];
    for call_id in calls {
        bench.outbox.append(&call(bench.id(), call_id, recording.clone())).await.unwrap();
    }
    for call_id in calls {
        let found = bench.outbox.request_recordings(call_id, &[]).await.unwrap();
        assert_eq!(found.iter().map(|file| &file.sha256).collect::<Vec<_>>(), [&recording.evidence.sha256]);
        let stays = std::slice::from_ref(&recording.evidence.sha256);
        assert!(bench.outbox.request_recordings(call_id, stays).await.unwrap().is_empty());
    }
    bench.outbox.uploaded(&recording.evidence).await.unwrap();
    bench.clock.advance_ms(DAY_MS + 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 1);
    for call_id in calls {
        assert!(bench.outbox.request_recordings(call_id, &[]).await.unwrap().is_empty());
    }
}

/// A row whose file vanished becomes a tombstone; a file that has had no row for a day goes, a young one stays; a
/// recording without row is kept as long as one that nobody asked for.
#[tokio::test]
async fn rows_and_files_are_reconciled() {
    let bench = Bench::new(5, OutboxConfig::default()).await;
    let mut report = report(bench.id(), 1, Phase::Opened, Severity::Major);
    report.files = vec![bench.file("gone", EvidenceKind::Snapshot)];
    bench.outbox.append(&report).await.unwrap();
    std::fs::remove_file(&report.files[0].path).unwrap();
    let orphan = bench.outbox.evidence_dir().join("half-written.part");
    std::fs::write(&orphan, "x").unwrap();
    let recordings = bench.dir.path().join("recordings");
    std::fs::create_dir(&recordings).unwrap();
    let voices = crate::common::file(&recordings, b"voices", EvidenceKind::Recording).path;

    let kept = bench.outbox.keep_house().await.unwrap();
    assert_eq!((kept.missing_files, kept.orphan_files), (1, 0));
    assert_eq!(bench.waiting().await.len(), 2, "the incident and the tombstone");
    bench.clock.advance_ms(DAY_MS - 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap(), Kept::default());
    bench.clock.advance_ms(1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().orphan_files, 1);
    assert!(!orphan.exists() && voices.exists());
    assert_eq!(bench.outbox.keep_house().await.unwrap(), Kept::default(), "a second round finds nothing");
    bench.clock.advance_ms(29 * DAY_MS);
    assert_eq!(bench.outbox.keep_house().await.unwrap().orphan_files, 1);
    assert!(!voices.exists());
}

/// A file that gets its row late is no orphan any more, and begins anew when it loses it.
#[tokio::test]
async fn a_file_with_a_row_is_no_orphan() {
    let bench = Bench::new(12, OutboxConfig::default()).await;
    let file = bench.file("late", EvidenceKind::Snapshot);
    bench.outbox.keep_house().await.unwrap();
    bench.clock.advance_ms(DAY_MS - 1);
    let mut report = report(bench.id(), 1, Phase::Opened, Severity::Major);
    report.files = vec![file.clone()];
    bench.outbox.append(&report).await.unwrap();
    bench.clock.advance_ms(10 * DAY_MS);
    assert_eq!(bench.outbox.keep_house().await.unwrap(), Kept::default());
    assert!(file.path.exists());
}
