//! Bounds: what goes first when there is too much, and that it is told.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::*;

/// Tiny bounds: openings, ends, newest revisions and answers are never dropped, and each dropped number is
/// named in a tombstone.
#[tokio::test]
async fn full_outbox_drops_only_replaced_updates_and_says_so() {
    for seed in 0..6 {
        let config = OutboxConfig { max_rows: 20, ..OutboxConfig::default() };
        let bench = Bench::new(seed, config).await;
        let dice = Chance::seeded(seed);
        let ids: Vec<_> = (0..4).map(|_| bench.id()).collect();
        let mut revisions = [0_u32; 4];
        for _ in 0..120 {
            let n = dice.below(4) as usize;
            revisions[n] += 1;
            let phase = if revisions[n] == 1 { Phase::Opened } else { Phase::Updated };
            bench.outbox.append(&report(ids[n], revisions[n], phase, Severity::Normal)).await.unwrap();
        }
        let waiting = bench.waiting().await;
        let has = |id, revision| {
            waiting.iter().any(
                |e| matches!(&e.event, Event::Incident(i) if i.incident_id == id && i.revision == revision),
            )
        };
        for (id, newest) in ids.iter().zip(revisions) {
            assert!(newest == 0 || (has(*id, 1) && has(*id, newest)), "seed {seed}");
        }
        let newest_sequence = waiting.iter().map(|e| e.sequence).max().unwrap();
        let present: BTreeSet<u64> = waiting.iter().map(|e| e.sequence).collect();
        let told: Vec<String> = waiting
            .iter()
            .filter_map(|e| match &e.event {
                Event::Tombstone(t) => Some(t.reason.clone()),
                _ => None,
            })
            .collect();
        for sequence in (1..=newest_sequence).filter(|s| !present.contains(s)) {
            assert!(told.iter().any(|text| names(text, sequence)), "seed {seed}: {sequence} vanished unsaid");
        }
        assert!(waiting.len() < 60, "seed {seed}: {} rows", waiting.len());
    }
}

/// Whether a tombstone's ranges hold this number.
fn names(text: &str, sequence: u64) -> bool {
    let Some((_, list)) = text.rsplit_once(':') else { return false };
    list.trim_end_matches(')').split(',').any(|span| {
        let (from, to) = span.split_once('-').unwrap_or((span, span));
        (from.parse::<u64>().unwrap()..=to.parse::<u64>().unwrap()).contains(&sequence)
    })
}

/// Nothing to drop: incidents are written beyond the bound, and the outbox says that it is overfull.
#[tokio::test]
async fn incidents_are_written_even_beyond_the_bound() {
    let bench = Bench::new(1, OutboxConfig { max_rows: 3, ..OutboxConfig::default() }).await;
    for _ in 0..8 {
        let id = bench.id();
        bench.outbox.append(&report(id, 1, Phase::Opened, Severity::Notice)).await.unwrap();
    }
    assert_eq!(bench.outbox.stats().await.unwrap().rows, 8);
    assert!(bench.outbox.counters().overfull.load(Ordering::Relaxed));
}

/// Evidence beyond its bound: the bulky kind of the lowest severity goes, with a tombstone; the rest stays.
#[tokio::test]
async fn evidence_is_bounded_by_severity_and_kind() {
    let bench = Bench::new(4, OutboxConfig { evidence_max_bytes: 25, ..OutboxConfig::default() }).await;
    let mut files = Vec::new();
    for (severity, kind, text) in [
        (Severity::Emergency, EvidenceKind::Clip, "emergency!"),
        (Severity::Notice, EvidenceKind::Snapshot, "notice-pic"),
        (Severity::Notice, EvidenceKind::Clip, "notice-mov"),
    ] {
        let mut report = report(bench.id(), 1, Phase::Opened, severity);
        report.files = vec![bench.file(text, kind)];
        files.push(report.files[0].path.clone());
        bench.outbox.append(&report).await.unwrap();
    }
    let there: Vec<bool> = files.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [true, true, false]);
    let told = bench.waiting().await.iter().any(
        |e| matches!(&e.event, Event::Tombstone(t) if t.reason.contains("clip") && t.incident_id.is_some()),
    );
    assert!(told, "the loss is told");
}

/// What clips in the making hold on disk counts as evidence: less room is left for finished files.
#[tokio::test]
async fn spools_count_as_evidence() {
    let bench = Bench::new(4, OutboxConfig { evidence_max_bytes: 25, ..OutboxConfig::default() }).await;
    let spools = bench.outbox.evidence_dir().join(edge_agent::report::SPOOL_FOLDER);
    std::fs::create_dir(&spools).unwrap();
    let add = async |text: &str| {
        let id = IncidentId::new(&bench.chance, START);
        let mut report = report(id, 1, Phase::Opened, Severity::Normal);
        report.files = vec![bench.file(text, EvidenceKind::Clip)];
        bench.outbox.append(&report).await.unwrap();
        report.files[0].path.clone()
    };
    let (first, second) = (add("0123456789").await, add("abcdefghij").await);
    assert!(first.exists() && second.exists());
    std::fs::write(spools.join("a.spool"), "123456").unwrap();
    let third = add("x").await;
    assert!(!first.exists() && second.exists() && third.exists(), "6 + 10 + 10 + 1 bytes are too many");
}

/// A message that is too large is not lost: it stays on the box, and the hub is told.
#[tokio::test]
async fn too_large_is_kept_and_told() {
    let bench = Bench::new(6, OutboxConfig::default()).await;
    let mut report = report(bench.id(), 1, Phase::Opened, Severity::Major);
    if let Subject::Camera(camera) = &mut report.incident.subject {
        camera.camera_name = "长".repeat(40_000);
    }
    let error = bench.outbox.append(&report).await.unwrap_err();
    assert!(matches!(error, OutboxError::Unsendable(EnvelopeError::TooLarge { .. })), "{error}");
    let rejected = bench.outbox.rejected(10).await.unwrap();
    assert_eq!((rejected[0].outcome.as_str(), rejected[0].at), ("unsendable", START));
    let waiting = bench.waiting().await;
    assert_eq!((waiting.len(), waiting[0].sequence), (1, 1), "the refused message took no number");
}
