//! What reading a caller's words costs: one utterance, and a call's lines as they are weighed while it runs. The floor is
//! reading the letters and sounds alone.

#![expect(clippy::unwrap_used, reason = "a measurement may end at what it cannot have")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use edge_agent::screen::gazetteer::Gazetteer;
use edge_agent::screen::reading::Reading;
use edge_agent::screen::{Screener, call};
use protocol::{Leg, Segment};

/// The calm calls of the model's card.
fn utterances() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tagger/eval/calm.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let text = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["text"].as_str().unwrap().to_owned()
    };
    lines.lines().take(200).map(text).collect()
}

fn screening(criterion: &mut Criterion) {
    let screener = Screener::new(Gazetteer::default());
    let all = utterances();
    let mut group = criterion.benchmark_group("screen");
    group.throughput(Throughput::Elements(all.len() as u64));
    group.bench_function("letters_and_sounds", |b| {
        b.iter(|| all.iter().for_each(|text| drop(black_box(Reading::of(text)))));
    });
    group.bench_function("utterance", |b| {
        b.iter(|| all.iter().for_each(|text| drop(black_box(screener.screen(text)))));
    });
    let lines: Vec<Segment> = (0..3)
        .map(|n| Segment {
            leg: Leg::Caller,
            start_ms: n * 3_000,
            end_ms: n * 3_000 + 2_500,
            text: all[n as usize].clone(),
        })
        .collect();
    group.throughput(Throughput::Elements(1));
    group.bench_function("partial_words", |b| b.iter(|| black_box(call::alarms_in_last(&screener, &lines))));
    group.finish();
}

criterion_group!(benches, screening);
criterion_main!(benches);
