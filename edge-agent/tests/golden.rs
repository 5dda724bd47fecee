//! Golden scenes: recorded detections through tracker and rules give these incidents, byte for byte. The
//! scenes are made up (`scene`); `SHAODIAN_BLESS=1` writes recordings and expectations anew, to be read in the
//! diff before they are committed.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use edge_agent::frame::Detection;
use edge_agent::observation::{Observation, Seen};
use edge_agent::replay;
use protocol::{Chance, Label, NormBox, UtcMs};

/// What the camera of one scene saw, 5 frames per second.
fn scene(name: &str) -> Vec<Observation> {
    let chance = Chance::seeded(name.len() as u64);
    let trembling = |v: f32| ((v + (chance.below(21) as f32 - 10.0) / 5_000.0) * 10_000.0).round() / 10_000.0;
    let thing = |label: Label, x: f32, y: f32, h: f32, score: f32| {
        let region = NormBox { x: trembling(x), y: trembling(y), w: trembling(h * 0.25), h: trembling(h) };
        Detection { label, score, region }
    };
    let score = || (55 + chance.below(40)) as f32 / 100.0;
    let person = |x: f32, y: f32, h: f32| thing(Label::Person, x, y, h, score());
    let objects = |detections| Seen::Objects { by: "recorded 1".into(), detections };
    let frames =
        |n: i64, see: &dyn Fn(i64) -> Seen| (0..n).map(|i| Observation::of(UtcMs(i * 200), see(i))).collect();
    match name {
        // Two walk through the yard against each other; one is hidden by the other for a second.
        "two-cross-the-yard" => frames(150, &|i| {
            let mut seen = Vec::new();
            if (20..100).contains(&i) {
                seen.push(person(0.02 + 0.01 * (i - 20) as f32, 0.5, 0.3));
            }
            if (30..110).contains(&i) && !(58..63).contains(&i) {
                seen.push(person(0.9 - 0.011 * (i - 30) as f32, 0.52, 0.25));
            }
            objects(seen)
        }),
        // Somebody waits at the gate for more than a minute, mostly without moving.
        "waits-at-the-gate" => frames(500, &|i| match i {
            20..420 if i % 5 == 0 || i < 60 => objects(vec![person(0.4, 0.4, 0.35)]),
            20..420 => Seen::Still,
            _ if i % 25 == 0 => objects(Vec::new()),
            _ => Seen::Still,
        }),
        // No detector: somebody comes and goes; leaves flicker here and there.
        "motion-alone" => frames(150, &|i| {
            let mut seen = Vec::new();
            if (40..90).contains(&i) {
                seen.push(thing(Label::Motion, 0.1 + 0.012 * (i - 40) as f32, 0.5, 0.3, 1.0));
            }
            if chance.below(4) == 0 {
                seen.push(thing(Label::Motion, 0.8, 0.1, 0.1, 1.0));
            }
            Seen::Motion { detections: seen }
        }),
        // A market day: forty people, a bicycle, cars in the background, many of them half hidden.
        "market-day" => frames(60, &|i| {
            let mut seen = Vec::new();
            for n in 0..40_i64 {
                let x =
                    0.02 + ((n * 37 % 97) as f32 / 100.0 + 0.002 * (i * (n % 3 - 1)) as f32).clamp(0.0, 0.9);
                let y = 0.3 + (n % 8) as f32 * 0.06;
                match chance.below(10) {
                    0 => {}
                    1 | 2 => seen.push(thing(Label::Person, x, y, 0.15, 0.25)),
                    _ => seen.push(person(x, y, 0.15)),
                }
            }
            seen.push(thing(Label::Bicycle, 0.01 * i as f32 * 0.8, 0.6, 0.1, score()));
            seen.push(thing(if i % 3 == 0 { Label::Truck } else { Label::Car }, 0.7, 0.2, 0.2, score()));
            objects(seen)
        }),
        other => panic!("no scene {other:?}"),
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn played(scene: &str) -> String {
    let args = replay::Args {
        clip: None,
        recorded: Some(file(&format!("{scene}.seen.jsonl"))),
        record: None,
        rules: Some(file("rules.toml")),
        fps: 5.0,
        width: 640,
        models: None,
        motion_only: false,
    };
    let mut out = Vec::new();
    replay::replay(&args, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn holds(name: &str) {
    if std::env::var_os("SHAODIAN_BLESS").is_some() {
        let mut lines = String::new();
        for observation in scene(name) {
            writeln!(lines, "{}", serde_json::to_string(&observation).unwrap()).unwrap();
        }
        std::fs::write(file(&format!("{name}.seen.jsonl")), lines).unwrap();
        std::fs::write(file(&format!("{name}.events.jsonl")), played(name)).unwrap();
    }
    let expected = std::fs::read_to_string(file(&format!("{name}.events.jsonl"))).unwrap();
    assert_eq!(played(name), expected, "{name} no longer gives the incidents it gave");
}

#[test]
fn two_cross_the_yard() {
    holds("two-cross-the-yard");
}

#[test]
fn waits_at_the_gate() {
    holds("waits-at-the-gate");
}

#[test]
fn motion_alone() {
    holds("motion-alone");
}

#[test]
fn market_day() {
    holds("market-day");
}
