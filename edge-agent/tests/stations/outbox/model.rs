//! The outbox against a model: whatever the order of appends, receipts, crashes and reopenings, what was
//! committed and not receipted is there, in sending order, and nothing else.

use std::collections::BTreeMap;

use protocol::{BootId, Clock as _};

use super::*;

/// What the model knows of one committed message, in order of commit.
#[derive(Clone, Copy, Debug)]
struct Known {
    message: MessageId,
    incident: IncidentId,
    /// Best severity among the rows of its incident that waited together.
    priority: u8,
}

const SEVERITIES: [Severity; 4] = [Severity::Emergency, Severity::Major, Severity::Normal, Severity::Notice];

/// Place in line: emergencies before all others.
fn priority(severity: Severity) -> u8 {
    SEVERITIES.iter().position(|known| *known == severity).unwrap() as u8
}

/// Random life of an outbox with wide bounds: after each step what waits is exactly what the model says, in
/// order of (best severity of the incident, commit), numbered without holes per boot.
#[tokio::test]
async fn behaves_as_its_model() {
    for seed in 0..12 {
        let mut bench = Bench::new(seed, OutboxConfig::default()).await;
        let dice = Chance::seeded(seed ^ 0xd1ce);
        let mut model: Vec<Known> = Vec::new();
        let mut live: BTreeMap<IncidentId, (u32, bool)> = BTreeMap::new();
        let mut sequences: BTreeMap<BootId, u64> = BTreeMap::new();
        let (mut released, mut rejected) = (0_u64, 0_u64);
        for step in 0..80 {
            bench.clock.advance_ms(17);
            match dice.below(10) {
                0..5 => {
                    let open: Vec<_> =
                        live.iter().filter(|(_, (_, ended))| !ended).map(|(id, _)| *id).collect();
                    let id = match open.get(dice.below(open.len() as u64 + 1) as usize) {
                        Some(id) => *id,
                        None => IncidentId::new(&bench.chance, bench.clock.now()),
                    };
                    let entry = live.entry(id).or_insert((0, false));
                    entry.0 += 1;
                    let phase = match (entry.0, dice.below(3)) {
                        (1, _) => Phase::Opened,
                        (_, 0) => Phase::Ended,
                        _ => Phase::Updated,
                    };
                    entry.1 = phase == Phase::Ended;
                    let severity = SEVERITIES[dice.below(4) as usize];
                    let mut report = report(id, entry.0, phase, severity);
                    if dice.below(3) == 0 {
                        report.files.push(bench.file(&format!("{seed}/{step}"), EvidenceKind::Snapshot));
                    }
                    let message = bench.outbox.append(&report).await.unwrap();
                    *sequences.entry(bench.outbox.boot()).or_default() += 1;
                    let best = model.iter().filter(|k| k.incident == id).map(|k| k.priority).min();
                    let priority = priority(severity).min(best.unwrap_or(u8::MAX));
                    model.push(Known { message, incident: id, priority });
                    model.iter_mut().filter(|k| k.incident == id).for_each(|k| k.priority = priority);
                }
                5..8 if !model.is_empty() => {
                    let at = dice.below(model.len() as u64) as usize;
                    let id = model.remove(at).message;
                    let outcome = match dice.below(6) {
                        0 => ReceiptOutcome::Quarantined,
                        1 => ReceiptOutcome::Refused,
                        2 => ReceiptOutcome::Duplicate,
                        _ => ReceiptOutcome::Stored,
                    };
                    let kept = matches!(outcome, ReceiptOutcome::Quarantined | ReceiptOutcome::Refused);
                    let settled = bench.receipt(id, outcome).await;
                    assert_eq!((settled.released, settled.rejected), (u64::from(!kept), u64::from(kept)));
                    assert_eq!(
                        bench.receipt(id, outcome).await.unknown,
                        1,
                        "a second receipt changes nothing"
                    );
                    if kept { rejected += 1 } else { released += 1 }
                }
                8 => bench.crash().await,
                _ => {
                    let unknown = MessageId::new(&bench.chance, bench.clock.now());
                    assert_eq!(bench.receipt(unknown, ReceiptOutcome::Stored).await.unknown, 1);
                }
            }
            compare(&bench, &model, seed, step).await;
        }
        let stats = bench.outbox.stats().await.unwrap();
        assert_eq!((stats.rows, stats.rejected_rows), (model.len() as u64, rejected), "seed {seed}");
        assert!(released > 0, "seed {seed} released nothing");
        for envelope in bench.waiting().await {
            assert!(envelope.sequence <= sequences[&envelope.boot], "seed {seed}: a number was skipped");
        }
    }
}

async fn compare(bench: &Bench, model: &[Known], seed: u64, step: u32) {
    let waiting: Vec<_> = bench.waiting().await.iter().map(|envelope| envelope.id).collect();
    let mut expected = model.to_vec();
    expected.sort_by_key(|known| known.priority);
    let expected: Vec<_> = expected.iter().map(|known| known.message).collect();
    assert_eq!(waiting, expected, "seed {seed} step {step}");
    assert_eq!(bench.outbox.stats().await.unwrap().rows, model.len() as u64);
}
