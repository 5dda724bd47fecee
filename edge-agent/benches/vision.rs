//! Stations 2 to 4, one frame each, without decoder and inference: `cargo bench --workspace --bench vision`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use edge_agent::detector::{self, Input, Letterbox, Tensor};
use edge_agent::frame::{Detection, Picture};
use edge_agent::motion::{Motion, MotionGate};
use edge_agent::parked::Places;
use edge_agent::signs::{SignReader, Wanted};
use edge_agent::tracker::{Resting, Tracker};
use protocol::{Chance, Label, NormBox, UtcMs};

const W: usize = 640;
const H: usize = 360;

/// A textured street with a dark block that stands at `x`.
fn picture(width: usize, height: usize, x: usize, chance: &Chance) -> Picture {
    let mut y: Vec<u8> = (0..width * height)
        .map(|i| (90 + (i % width / 40 + i / width / 30) % 5 * 20 + chance.below(8) as usize) as u8)
        .collect();
    for row in 150..270 {
        y[row * width + x..row * width + x + 40].fill(20);
    }
    let chroma = vec![128; width * height / 4];
    Picture { width, height, y, u: chroma.clone(), v: chroma }
}

fn motion(c: &mut Criterion) {
    let chance = Chance::seeded(1);
    for (width, height) in [(W, H), (1280, 720)] {
        let frames: Vec<Picture> = (0..16).map(|i| picture(width, height, 30 * i, &chance)).collect();
        let (mut gate, mut n) = (MotionGate::new(), 0_usize);
        c.bench_function(&format!("motion gate, {width}x{height}"), |b| {
            b.iter(|| {
                n += 1;
                let frame = &frames[n % frames.len()];
                black_box(gate.look(UtcMs(n as i64 * 200), &frame.y, width, height))
            });
        });
    }
}

fn signs(c: &mut Criterion) {
    let chance = Chance::seeded(4);
    let frames: Vec<Picture> = (0..16).map(|i| picture(W, H, 30 * i, &chance)).collect();
    let all = Wanted { flame: true, left: true, view: true };
    let methods = [
        ("flame", Wanted { flame: true, ..Wanted::default() }),
        ("left", Wanted { left: true, ..Wanted::default() }),
        ("view", Wanted { view: true, ..Wanted::default() }),
        ("all", all),
    ];
    for (name, wanted) in methods {
        let (mut reader, mut n) = (SignReader::new(wanted), 0_usize);
        c.bench_function(&format!("signs, {name}, 640x360"), |b| {
            b.iter(|| {
                n += 1;
                let frame = &frames[n % frames.len()];
                black_box(reader.look(UtcMs(n as i64 * 200), frame, &Motion::default()))
            });
        });
    }
}

fn detector(c: &mut Criterion) {
    let chance = Chance::seeded(2);
    let frame = picture(W, H, 200, &chance);
    let contract =
        models::manifest().model("yolox-nano").and_then(|m| m.detector.as_ref()).expect("in the manifest");
    let letterbox = Letterbox::new(W, H, &contract.picture);
    let mut input = Input::new(&contract.picture, 1);
    c.bench_function("letterbox, 640x360 to 416", |b| {
        b.iter(|| input.fill(0, &letterbox, black_box(&frame)));
    });

    let mut output = vec![0.0_f32; 3_549 * 85];
    for row in output.chunks_exact_mut(85).step_by(40) {
        row[..5].copy_from_slice(&[0.5, 0.5, 1.0, 1.5, 0.8]);
        row[5 + chance.below(8) as usize] = 0.9;
    }
    c.bench_function("decode and suppress, 89 boxes", |b| {
        let tensor = Tensor { name: "output", shape: vec![1, 3_549, 85], values: output.as_slice().into() };
        b.iter(|| detector::read(contract, black_box(std::slice::from_ref(&tensor)), &[letterbox]));
    });
}

fn tracker(c: &mut Criterion) {
    for (name, across, size) in [("tracker, 100 objects", 10, 1.0), ("tracker, 300 objects", 20, 0.5)] {
        let count = if across == 10 { 100 } else { 300 };
        let chance = Chance::seeded(3);
        // There and back, so that nobody jumps when the frames begin again: a jump would be as many tracks more.
        let frames: Vec<Vec<Detection>> = (0..100)
            .map(|i| {
                let thing = |n: u64| {
                    let (x, y) = ((n % across) as f32 * 0.09 * size, (n / across) as f32 * 0.09 * size);
                    let (w, h) = (0.04 * size, 0.12 * size);
                    let shake = |size: f32| (chance.below(101) as f32 / 100.0 - 0.5) * 0.1 * size;
                    let x = x + 0.0005 * (50 - (i - 50_i32).abs()) as f32 + shake(w);
                    let region = NormBox { x, y: y + shake(h), w, h };
                    Detection { label: Label::Person, score: 0.7, region }
                };
                (0..count).map(thing).collect()
            })
            .collect();
        c.bench_function(name, |b| {
            let (mut tracker, mut n) = (Tracker::new(), 0_usize);
            b.iter(|| {
                n += 1;
                tracker.step(UtcMs(n as i64 * 200), black_box(&frames[n % frames.len()]));
            });
            let tracks = tracker.tracks().len() as u64;
            assert!((count..count * 13 / 10).contains(&tracks), "{tracks} tracks");
        });
    }
}

fn parked(c: &mut Criterion) {
    let chance = Chance::seeded(4);
    let frame = picture(W, H, 200, &chance);
    let place = NormBox { x: 0.3, y: 0.4, w: 0.2, h: 0.25 };
    let resting = [Resting { id: 1, place, seen: true }];
    c.bench_function("one parked place compared", |b| {
        let (mut places, mut n) = (Places::default(), 0);
        b.iter(|| {
            n += 1_000;
            black_box(places.look(UtcMs(n), &frame, &resting))
        });
    });
}

criterion_group!(benches, motion, signs, detector, tracker, parked);
criterion_main!(benches);
