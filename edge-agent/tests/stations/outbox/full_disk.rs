//! A disk without space: evidence is given up before incidents, and incidents go on being written for a while.

use std::sync::atomic::Ordering;

use super::*;
use crate::small_disk::SmallDisk;

/// On a disk that is really full, incidents are still written and receipts still settled, from the reserve; the
/// flag that health shows stays until there is room for a reserve again; nothing that was promised is lost.
#[tokio::test]
async fn incidents_are_written_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount(48) else { return };
    let (clock, chance) = (Arc::new(ManualClock::at(START)), Arc::new(Chance::seeded(1)));
    let config = OutboxConfig { disk_reserve_bytes: 0, ..OutboxConfig::default() };
    let (outbox, _) = Outbox::open(disk.path(), config, voice(clock.clone(), chance.clone())).await.unwrap();
    outbox.keep_house().await.unwrap();
    assert!(disk.path().join("reserve").exists());
    let full = || outbox.counters().disk_full.load(Ordering::Relaxed);
    disk.fill();
    let mut promised = Vec::new();
    for _ in 0..400 {
        let id = IncidentId::new(&chance, START);
        promised.push(outbox.append(&report(id, 1, Phase::Opened, Severity::Notice)).await.unwrap());
    }
    assert!(full(), "health is told");
    assert!(!disk.path().join("reserve").exists(), "the reserve went first");
    assert_eq!(settle(&outbox, promised[0], ReceiptOutcome::Stored).await.released, 1);

    disk.fill();
    outbox.keep_house().await.unwrap();
    assert!(full(), "no room for a reserve yet");
    std::fs::remove_file(disk.path().join("fill")).unwrap();
    outbox.keep_house().await.unwrap();
    assert!(!full() && disk.path().join("reserve").exists());
    assert_eq!(outbox.stats().await.unwrap().rows, 399);
    outbox.close().await;
}

/// Below the disk's reserve every file goes that may go, what the hub holds and the least severe first, each loss
/// told; no incident goes.
#[tokio::test]
async fn a_low_disk_costs_evidence_not_incidents() {
    let config = OutboxConfig { disk_reserve_bytes: u64::MAX, ..OutboxConfig::default() };
    let bench = Bench::new(11, config).await;
    let mut files = Vec::new();
    for n in 0..6 {
        let id = bench.id();
        let mut report = report(id, 1, Phase::Opened, Severity::Major);
        report.files = vec![bench.file(&format!("clip {n}"), EvidenceKind::Clip)];
        files.push(report.files[0].clone());
        bench.outbox.append(&report).await.unwrap();
    }
    bench.outbox.uploaded(&files[0].evidence).await.unwrap();
    bench.outbox.keep_house().await.unwrap();
    assert!(files.iter().all(|file| !file.path.exists()));
    let waiting = bench.waiting().await;
    let incidents = waiting.iter().filter(|e| matches!(e.event, Event::Incident(_))).count();
    let told: Vec<_> = waiting
        .iter()
        .filter_map(|e| match &e.event {
            Event::Tombstone(t) if t.reason.contains("disk") => t.incident_id,
            _ => None,
        })
        .collect();
    assert_eq!((incidents, told.len()), (6, 5), "the hub holds the sixth file");
    assert_eq!(bench.outbox.counters().dropped_files.load(Ordering::Relaxed), 5);
}
