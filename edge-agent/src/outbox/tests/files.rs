//! Files of evidence and their rows.

use super::*;

/// A file goes up after its incident's receipt and not before, best severity and telling kind first, and
/// leaves the disk after its retention; a recording stays until somebody asks.
#[tokio::test]
async fn files_follow_their_incident() {
    let bench = Bench::new(2, OutboxConfig::default()).await;
    let id = IncidentId::new(&bench.chance, START);
    let mut first = report(id, 1, Phase::Opened, Severity::Major);
    first.files =
        vec![bench.file("clip", EvidenceKind::Clip), bench.file("snapshot", EvidenceKind::Snapshot)];
    let message = bench.outbox.append(&first).await.unwrap();
    let call_id = CallId::new(&bench.chance, START);
    let recording = bench.file("voice", EvidenceKind::Recording);
    let called = bench
        .outbox
        .append(&call(IncidentId::new(&bench.chance, START), call_id, recording.clone()))
        .await
        .unwrap();
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "nothing before the receipt");

    bench.receipt(message, ReceiptOutcome::Stored).await;
    bench.receipt(called, ReceiptOutcome::Stored).await;
    let upload = bench.outbox.next_upload().await.unwrap().unwrap();
    assert_eq!(upload.evidence.kind, EvidenceKind::Snapshot);
    bench.outbox.set_upload_url(&upload.evidence, Some("https://hub/u/1")).await.unwrap();
    bench.outbox.postpone_upload(&upload.evidence, 5_000).await.unwrap();
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

    assert_eq!(bench.outbox.request_recording(call_id).await.unwrap().len(), 1);
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
    bench
        .outbox
        .append(&call(IncidentId::new(&bench.chance, START), call_id, recording.clone()))
        .await
        .unwrap();
    bench.clock.advance_ms(30 * DAY_MS - 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 0);
    bench.clock.advance_ms(1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 1);
    assert!(!recording.path.exists());
    assert!(bench.outbox.request_recording(call_id).await.unwrap().is_empty());
}

/// A row whose file vanished becomes a tombstone; an old file without row goes, a young one stays.
#[tokio::test]
async fn rows_and_files_are_reconciled() {
    let bench = Bench::new(5, OutboxConfig::default()).await;
    let mut report = report(IncidentId::new(&bench.chance, START), 1, Phase::Opened, Severity::Major);
    report.files = vec![bench.file("gone", EvidenceKind::Snapshot)];
    bench.outbox.append(&report).await.unwrap();
    std::fs::remove_file(&report.files[0].path).unwrap();
    let orphan = bench.outbox.evidence_dir().join("half-written.part");
    std::fs::write(&orphan, "x").unwrap();
    let modified =
        orphan.metadata().unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();

    bench.clock.set(UtcMs(modified.as_millis() as i64));
    let kept = bench.outbox.keep_house().await.unwrap();
    assert_eq!((kept.missing_files, kept.orphan_files), (1, 0));
    assert_eq!(bench.waiting().await.len(), 2, "the incident and the tombstone");
    bench.clock.advance_ms(DAY_MS + 1_000);
    assert_eq!(bench.outbox.keep_house().await.unwrap().orphan_files, 1);
    assert!(!orphan.exists());
    assert_eq!(
        bench.outbox.keep_house().await.unwrap(),
        keep::Kept::default(),
        "a second round finds nothing"
    );
}
