//! The generated street is fit for its work: its truth is exact, and a public person detector sees its people.

use std::path::PathBuf;

use edge_agent::camera::decode_file;
use edge_agent::detector::{self, DetectorConfig};
use models::{ModelStore, search_folders};
use protocol::Label;
use world::scene::{Scene, TruePerson};

/// The same seed draws the same people at the same places; the first event is the visitor's, early.
#[test]
fn a_seed_fixes_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |name: &str, seed| {
        let scene = Scene { width: 640, height: 360, ..Scene::standard(16, seed) };
        scene.generate(&folder.path().join(name)).unwrap()
    };
    let (one, same) = (draw("a.mp4", 5), draw("b.mp4", 5));
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&same).unwrap());
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("a.mp4").len(), bytes("b.mp4").len());

    let first = &one.events[0];
    assert_eq!((first.kind.as_str(), first.walker.as_str()), ("intrusion", "visitor"));
    assert!(first.start_ms < 5_000 && first.end_ms > first.start_ms + 5_000, "{first:?}");
    assert_eq!(one.frames.len(), 16 * 12);
    assert!(Scene::empty(1, 1).generate(&folder.path().join("c.mp4")).unwrap().events.is_empty());
}

/// A drawn person is only worth something if a detector trained on real people finds it: YOLOX-nano at ≥ 0.5 in
/// ≥ 90 % of the frames in which the person is wholly visible, on a seed other than the one used for drawing.
#[test]
fn yolox_finds_the_walkers() {
    let Some(data) = std::env::var_os("SHAODIAN_DATA").filter(|d| !d.is_empty()) else {
        println!("skipped: SHAODIAN_DATA is not set, no weights to look with");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mp4 = folder.path().join("street.mp4");
    let truth = Scene::standard(30, 77).generate(&mp4).unwrap();
    let store = ModelStore::new(search_folders(None, None, Some(PathBuf::from(data))));
    let mut detector = detector::open(&DetectorConfig::default(), &store).unwrap();

    let (mut visible, mut found, mut frames) = (0, 0, 0);
    let clip = decode_file(&mp4, "street".parse().unwrap(), truth.fps as f32, 1280).unwrap();
    for frame in clip.step_by(3) {
        let frame = frame.unwrap();
        frames += 1;
        let here =
            &truth.frames[(frame.captured_at.0 as f64 * f64::from(truth.fps) / 1000.0).round() as usize];
        let people: Vec<[f32; 4]> = detector
            .detect(&frame.picture)
            .unwrap()
            .into_iter()
            .filter(|d| d.label == Label::Person && d.score >= 0.5)
            .map(|d| {
                let (w, h) = (truth.width as f32, truth.height as f32);
                [d.region.x * w, d.region.y * h, d.region.w * w, d.region.h * h]
            })
            .collect();
        for person in here.people.iter().filter(|p| p.visible(&truth, 0.95)) {
            visible += 1;
            found += usize::from(people.iter().any(|b| overlap(b, person) >= 0.5));
        }
    }
    println!("YOLOX-nano finds {found} of {visible} visible figures at >= 0.5 in {frames} frames");
    assert!(visible > 80, "only {visible} figures were drawn");
    assert!(found * 10 >= visible * 9, "{found} of {visible}");
}

/// Intersection over union.
fn overlap(b: &[f32; 4], person: &TruePerson) -> f32 {
    let [px, py, pw, ph] = person.region;
    let [x, y, w, h] = *b;
    let inner = ((x + w).min(px + pw) - x.max(px)).max(0.0) * ((y + h).min(py + ph) - y.max(py)).max(0.0);
    inner / (w * h + pw * ph - inner)
}
