//! Detector, tracker and rules on real clips with hand-made boxes. They need `SHAODIAN_DATA` and say so when it
//! is not set. Figures are printed: `cargo test --release --workspace --test stations clips:: -- --nocapture`.
//!
//! Read them for what they are: the tracker's and the rules' constants were settled with these clips in view, so the
//! tracking figures are in-sample. They guard against getting worse; they do not say how well an unseen street goes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::mot::{self, Sequence, matched, merit};
use edge_agent::analyser::Analyser;
use edge_agent::camera;
use edge_agent::detector::{self, Detect, DetectorConfig, DetectorStation};
use edge_agent::frame::{Detection, Frame};
use edge_agent::replay;
use edge_agent::rules::{RuleConfig, RuleKind};
use edge_agent::tracker::Tracker;
use models::{ModelStore, search_folders};
use protocol::{Chance, Clock, Label, ManualClock, NormBox, Phase, UtcMs};

pub(crate) fn data() -> Option<PathBuf> {
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    if data.is_none() {
        eprintln!("skipped: SHAODIAN_DATA is not set");
    }
    data
}

fn yolox(data: &Path) -> Box<dyn Detect> {
    let store = ModelStore::new(search_folders(None, None, Some(data.to_owned())));
    detector::open(&DetectorConfig::default(), &store).expect("YOLOX-nano and the native library are there")
}

fn frames(clip: &Path, fps: f32) -> impl Iterator<Item = Frame> + use<> {
    camera::decode_file(clip, "c1".parse().unwrap(), fps, 640).unwrap().map(|f| f.expect("decodes"))
}

fn persons(detections: Vec<Detection>) -> Vec<Detection> {
    detections.into_iter().filter(|d| d.label == Label::Person).collect()
}

/// Persons in each frame of a clip, at the clip's own rate.
type Sights = Vec<(UtcMs, Vec<Detection>)>;

fn sights(data: &Path, clip: &str, mut detector: Box<dyn Detect>) -> Sights {
    let see = |frame: Frame| (frame.captured_at, persons(detector.detect(&frame.picture).unwrap()));
    frames(&data.join(format!("video/{clip}.mp4")), 1_000.0).map(see).collect()
}

/// Two tests want these; the second takes what the first has found.
fn pets(data: &Path) -> &'static Sights {
    static SIGHTS: OnceLock<Sights> = OnceLock::new();
    SIGHTS.get_or_init(|| sights(data, "pets09-s2l1-a", yolox(data)))
}

/// Recall and precision of persons at IoU 0.5 and this score.
fn recall_and_precision(sights: &Sights, truth: &Sequence, least: f32, name: &str) -> (f64, f64) {
    let (mut hits, mut truths, mut founds) = (0, 0, 0);
    for (i, (_, found)) in sights.iter().enumerate() {
        let found: Vec<NormBox> = found.iter().filter(|d| d.score >= least).map(|d| d.region).collect();
        let there: Vec<NormBox> = truth.get(&(i as u64 + 1)).into_iter().flatten().map(|t| t.1).collect();
        hits += matched(&there, &found).len();
        truths += there.len();
        founds += found.len();
    }
    let (recall, precision) = (hits as f64 / truths as f64, hits as f64 / founds as f64);
    println!("{name}: recall {recall:.3}, precision {precision:.3} over {truths} boxes");
    (recall, precision)
}

/// The detector finds what others measured with the same weights (0.91 / 0.71 and 0.76 / 0.63), so letterbox,
/// colours, decoding and suppression are right.
#[test]
fn yolox_finds_people() {
    let Some(data) = data() else { return };
    let truth = mot::read(&data.join("video/pets09-s2l1-a.gt.txt"), 480.0, 360.0);
    let (recall, precision) = recall_and_precision(pets(&data), &truth, 0.3, "PETS09");
    assert!(recall >= 0.88 && precision >= 0.70, "PETS09: {recall:.3} / {precision:.3}");
    let truth = mot::read(&data.join("video/tud-campus.gt.txt"), 640.0, 480.0);
    let (recall, precision) =
        recall_and_precision(&sights(&data, "tud-campus", yolox(&data)), &truth, 0.3, "TUD-Campus");
    assert!(recall >= 0.74 && precision >= 0.61, "TUD-Campus: {recall:.3} / {precision:.3}");
}

/// Another model, described by the manifest alone, finds people as others measured it (0.75 / 0.76 at 0.6).
#[test]
fn fastestdet_finds_people() {
    let Some(data) = data() else { return };
    let store = ModelStore::new(search_folders(None, None, Some(data.clone())));
    let config = DetectorConfig { models: vec!["fastestdet".to_owned()], ..DetectorConfig::default() };
    let detector = detector::open(&config, &store).unwrap();
    let truth = mot::read(&data.join("video/tud-campus.gt.txt"), 640.0, 480.0);
    let seen = sights(&data, "tud-campus", detector);
    let (recall, precision) = recall_and_precision(&seen, &truth, 0.6, "TUD-Campus by FastestDet");
    assert!(recall >= 0.72 && precision >= 0.72, "{recall:.3} / {precision:.3}");
}

fn track(frames: impl Iterator<Item = (u64, UtcMs, Vec<Detection>)>) -> Sequence {
    let mut tracker = Tracker::new();
    frames
        .map(|(number, at, detections)| {
            tracker.step(at, &detections);
            let shown =
                tracker.tracks().into_iter().filter(|t| t.visible && t.confirmed && t.best_score >= 0.5);
            (number, shown.map(|t| (t.id, t.region)).collect())
        })
        .collect()
}

/// Real boxes with noise (jitter, one in eight missed, false alarms): people keep their numbers.
#[test]
fn tracker_keeps_numbers_on_noisy_truth() {
    let Some(data) = data() else { return };
    let truth = mot::read(&data.join("video/pets09-s2l1-a.gt.txt"), 480.0, 360.0);
    let chance = Chance::seeded(1);
    let noise = |size: f32| (chance.below(2_001) as f32 / 1_000.0 - 1.0) * 0.06 * size;
    let seen = |boxes: &Vec<(u64, NormBox)>| -> Vec<Detection> {
        let mut seen = Vec::new();
        for (_, b) in boxes {
            if chance.below(8) == 0 {
                continue;
            }
            let region = NormBox { x: b.x + noise(b.w), y: b.y + noise(b.h), w: b.w, h: b.h + noise(b.h) };
            let score = 0.2 + chance.below(70) as f32 / 100.0;
            seen.push(Detection { label: Label::Person, score, region });
        }
        if chance.below(3) == 0 {
            let (x, y) = (chance.below(90) as f32 / 100.0, chance.below(80) as f32 / 100.0);
            let region = NormBox { x, y, w: 0.04, h: 0.15 };
            seen.push(Detection { label: Label::Person, score: 0.5, region });
        }
        seen
    };
    let nobody = Vec::new();
    let frames =
        (1..=530_u64).map(|n| (n, UtcMs(n as i64 * 1_000 / 7), seen(truth.get(&n).unwrap_or(&nobody))));
    let merit = merit(&truth, &track(frames), 1..=530);
    println!("tracker on noisy truth (in-sample): {merit}");
    assert!(merit.switches <= 10 && merit.idf1 >= 0.84, "{merit}");
}

/// Detector and tracker together, at the clip's rate.
#[test]
fn detector_and_tracker_on_pets() {
    let Some(data) = data() else { return };
    let truth = mot::read(&data.join("video/pets09-s2l1-a.gt.txt"), 480.0, 360.0);
    let seen = pets(&data).iter().enumerate().map(|(i, (at, found))| (i as u64 + 1, *at, found.clone()));
    let merit = merit(&truth, &track(seen), 1..=530);
    println!("YOLOX-nano and tracker on PETS09 (in-sample): {merit}");
    assert!(merit.idf1 >= 0.72 && merit.mota >= 0.78, "{merit}");
}

/// Two cameras share one detector on its thread, each analysed on a thread of its own as in the running agent:
/// both raise their intrusion, every frame is accounted for, and none is skipped, because each waits its turn.
#[test]
fn two_cameras_share_one_detector() {
    let Some(data) = data() else { return };
    let load = data.clone();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(UtcMs(0)));
    let station = DetectorStation::start(clock, Box::new(move || Ok(yolox(&load)))).unwrap();
    let rule = RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Intrusion);
    let watch = |id: &str| {
        let client = station.client(id.parse().unwrap());
        let mut analyser = Analyser::new(std::slice::from_ref(&rule));
        let mut asked = 0;
        let mut events = Vec::new();
        for frame in frames(&data.join("video/tud-campus.mp4"), 5.0) {
            events.extend(analyser.analyse(&frame, |frame| {
                asked += 1;
                client.ask(frame)
            }));
        }
        assert_eq!(client.skipped(), 0);
        assert_eq!(analyser.method(), "yolox-nano 0.1.1");
        (asked, events)
    };
    let (one, two) = std::thread::scope(|s| {
        let (one, two) = (s.spawn(|| watch("c1")), s.spawn(|| watch("c2")));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(one, two);
    assert!(one.1.first().is_some_and(|e| e.phase == Phase::Opened && e.label == Label::Person));
    let stats = station.stats();
    assert_eq!((stats.detected, stats.skipped, stats.failed), (one.0 + two.0, 0, 0));
}

/// A scene of one clip with a camera's words for it.
fn play(clip: &Path, words: &str) -> (replay::Played, String) {
    let folder = tempfile::tempdir().unwrap();
    let scene = folder.path().join("scene.toml");
    std::fs::write(&scene, format!("[camera]\nid = \"c1\"\nurl = {clip:?}\n{words}")).unwrap();
    let mut out = Vec::new();
    let args = replay::Args { scene, ..replay::Args::default() };
    let played = replay::replay(&args, &mut out).unwrap();
    (played, String::from_utf8(out).unwrap())
}

const ANYWHERE: &str = "[[camera.rules]]\nid = \"anywhere\"\nkind = \"intrusion\"\n";

/// Decoder, detector, tracker and rules give the same bytes on a second run.
#[test]
fn the_same_bytes_twice_with_the_detector() {
    let Some(data) = data() else { return };
    let clip = data.join("video/tud-campus.mp4");
    let (played, first) = play(&clip, ANYWHERE);
    assert!(!played.incidents.is_empty() && played.detected > 0, "{first}");
    assert_eq!(play(&clip, ANYWHERE).1, first);
}

/// Six persons one after another in a room: an intrusion each, and none else, as the KISA certification counts
/// (an alarm from 2 s before to 10 s after an event's start finds it; one that starts inside an event, to 2 s
/// after its end, is not false).
#[test]
fn one_by_one_gives_an_intrusion_each() {
    let Some(data) = data() else { return };
    let clip = data.join("video/one-by-one-person-detection.mp4");
    let (played, _) = play(&clip, ANYWHERE);
    assert_eq!(played.motion_only, 0, "{played:?}");

    let text = std::fs::read_to_string(data.join("video/one-by-one-person-detection.events.json")).unwrap();
    let events: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fps = events["fps"].as_f64().unwrap();
    let second = |v: &serde_json::Value| v.as_f64().unwrap() / fps;
    let visits: Vec<(f64, f64)> =
        events["person_present"].as_array().unwrap().iter().map(|v| (second(&v[0]), second(&v[1]))).collect();
    let alarms: Vec<f64> = played.incidents.iter().map(|i| i.started_s).collect();
    let found = visits.iter().filter(|v| alarms.iter().any(|a| (v.0 - 2.0..=v.0 + 10.0).contains(a))).count();
    let false_alarms =
        alarms.iter().filter(|a| !visits.iter().any(|v| (v.0 - 2.0..=v.1 + 2.0).contains(a))).count();
    let delays: Vec<f64> =
        visits.iter().filter_map(|v| alarms.iter().find(|a| **a >= v.0 - 2.0).map(|a| a - v.0)).collect();
    println!("one by one: {found} of {} found, {false_alarms} false, delays {delays:.1?} s", visits.len());
    assert_eq!((found, false_alarms), (visits.len(), 0), "{alarms:?} for {visits:?}");
}
