//! Models as data: a site's own detector, several side by side, batches, providers, and what health says when one of
//! them is not there. A toy model that keeps to the generic contract stands in for real weights
//! (`detectors/make_toy_detectors.py`); real ones are tried in `clips.rs`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use edge_agent::detector::{self, Answer, AtWork, DetectorConfig, DetectorStation, PoseHealth, Provider};
use edge_agent::frame::Picture;
use edge_agent::rules::{RuleConfig, RuleKind, method};
use models::ModelStore;
use protocol::{Clock, DetectorHealth, Label, ManualClock, UtcMs};

fn toys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detectors")
}

fn store() -> ModelStore {
    ModelStore::new(vec![toys()])
}

fn config(models: &[&str]) -> DetectorConfig {
    DetectorConfig { models: models.iter().map(|m| (*m).to_owned()).collect(), ..DetectorConfig::default() }
}

/// A grey picture; `luma` 16 is black, 235 white.
fn grey(luma: u8) -> Picture {
    Picture { width: 64, height: 36, y: vec![luma; 64 * 36], u: vec![128; 32 * 18], v: vec![128; 32 * 18] }
}

/// Each picture of a batch gets what was said of it; of 300 things none is left out; more pictures than one inference
/// takes are no matter.
#[test]
fn a_batch_answers_each_picture() {
    let mut toy = detector::open(&config(&["toy-crowd"]), &store()).unwrap();
    assert_eq!(
        (toy.name(), toy.labels(), toy.note()),
        ("toy-crowd 1", &[Label::Fire, Label::Person][..], None)
    );
    assert!(toy.batch() > 1);
    let lumas: Vec<u8> = (0..11).map(|n| 60 + n * 16).collect();
    let pictures: Vec<Picture> = lumas.iter().map(|luma| grey(*luma)).collect();
    let all = toy.detect_batch(&pictures.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(all.len(), pictures.len());
    for (found, (luma, picture)) in all.iter().zip(lumas.iter().zip(&pictures)) {
        let bright = (f32::from(*luma) - 16.0) * 255.0 / 219.0 / 255.0;
        assert_eq!(found.len(), 300);
        assert!(found.iter().all(|d| (d.score - bright).abs() <= 0.011), "{bright} {:?}", found[0]);
        assert_eq!(found.iter().filter(|d| d.label == Label::Fire).count(), 20);
        assert_eq!(toy.detect(picture).unwrap(), *found);
    }
}

/// A provider that this library does not have is told, and the next one is taken; without a next one it is an error.
#[test]
fn providers_fall_back_with_a_reason() {
    let wish =
        |providers: &[Provider]| DetectorConfig { providers: providers.to_vec(), ..config(&["toy-crowd"]) };
    let wished = wish(&[Provider::TensorRt, Provider::Cuda, Provider::OpenVino, Provider::Cpu]);
    let toy = detector::open(&wished, &store()).unwrap();
    let note = toy.note().unwrap();
    assert!(note.starts_with("runs on cpu"), "{note}");
    for name in ["tensorrt", "cuda", "openvino"] {
        assert!(note.contains(&format!("{name} does not work")), "{note}");
    }
    assert!(detector::open(&wish(&[Provider::Cuda]), &store()).is_err());
}

/// A model whose file is not what its description says is refused when it is loaded, with both shapes.
#[test]
fn a_wrong_description_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("toy-crowd");
    std::fs::create_dir(&own).unwrap();
    std::fs::copy(toys().join("toy-crowd/toy-crowd.onnx"), own.join("toy-crowd.onnx")).unwrap();
    let text = std::fs::read_to_string(toys().join("toy-crowd/model.toml")).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from));
        std::fs::write(own.join("model.toml"), text.replace(from, to)).unwrap();
        let store = ModelStore::new(vec![folder.path().to_owned()]);
        detector::open(&config(&["toy-crowd"]), &store).err().unwrap().to_string()
    };
    for (from, to, why) in [
        ("width = 64", "width = 32", "[1, 3, 64, 32]"),
        ("tensor = \"picture\"", "tensor = \"image\"", "no input \"image\""),
        ("fit = ", "element = \"uint8\"\nfit = ", "Uint8"),
        ("kind = \"boxes\"", "kind = \"yolox\"\nstrides = [8, 16]", "not 1 x 80"),
        ("kind = \"boxes\"", "kind = \"boxes\"\nscores = \"s\"", "no output \"s\""),
        ("person = [0]", "face = [0]", "\"face\" is no label"),
    ] {
        let error = refused(from, to);
        assert!(error.contains(why) && error.contains("toy-crowd"), "{error}");
    }
}

/// What can be named is known from the descriptions.
#[test]
fn labels_are_known_before_loading() {
    let store = store();
    assert_eq!(config(&["toy-crowd"]).named_in(&store), {
        let mut labels = vec![Label::Person, Label::Fire];
        labels.sort_unstable();
        labels
    });
    let both = config(&["yolox-nano", "toy-crowd"]);
    assert!(both.named_in(&store).contains(&Label::Car));
    let unknown = config(&["no-such"]).named_in(&store);
    assert!(unknown.contains(&Label::Smoke) && !unknown.contains(&Label::Motion), "{unknown:?}");
    assert!(config(&["silero-vad"]).named_in(&store).is_empty(), "it is no detector");
    assert!(DetectorConfig { enabled: false, ..both }.named_in(&store).is_empty());
    assert_eq!(DetectorConfig::default().named(), {
        let mut labels = detector::NAMED.to_vec();
        labels.sort_unstable();
        labels
    });
}

/// Of two configured models one has no weights: the other looks, motion stands in for what the first would name, and
/// health tells both.
#[test]
fn one_model_missing_leaves_the_other_at_work() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(UtcMs(0)));
    let station =
        DetectorStation::start_all(clock, detector::posts(&config(&["yolox-nano", "toy-crowd"]), &store()))
            .unwrap();
    let DetectorHealth::Model { name, troubles } = station.health() else { panic!("{:?}", station.health()) };
    assert_eq!(name, "toy-crowd 1");
    assert!(troubles.len() == 1 && troubles[0].contains("yolox-nano is not installed"), "{troubles:?}");
    let camera = station.client("c1".parse().unwrap());
    let answer = camera.submit(Arc::new(grey(200))).blocking_recv().unwrap();
    let Answer::Partly(looked) = answer else { panic!("{answer:?}") };
    assert_eq!((&*looked.by, looked.detections.len()), ("toy-crowd 1", 300));
    assert_eq!(looked.names, [Label::Person, Label::Fire]);
}

/// A rule is watched by the models at work that name what it waits for: with the one for fire away, flicker watches for
/// fire and nothing for smoke, whoever else looks.
#[test]
fn health_names_who_watches_for_a_rule() {
    let at_work = |name: &str, labels: &[Label]| AtWork { name: name.into(), labels: labels.to_vec() };
    let people = at_work("people 1", detector::NAMED);
    let fire = at_work("fire 2", &[Label::Fire, Label::Smoke]);
    let watches = |kind: RuleKind, models: &[&AtWork]| {
        let models: Vec<AtWork> = models.iter().map(|m| (*m).clone()).collect();
        RuleConfig::whole_picture("r1".parse().unwrap(), kind).method(&models, None)
    };
    let told = |name: &str| Some(name.to_owned());
    let both = [&people, &fire];
    assert_eq!(watches(RuleKind::Fire, &both), told("fire 2"));
    assert_eq!(watches(RuleKind::Smoke, &both), told("fire 2"));
    assert_eq!(watches(RuleKind::Intrusion, &both), told("people 1"));
    assert_eq!(watches(RuleKind::Fire, &[&people]), told(method::FLAMES));
    assert_eq!(watches(RuleKind::Smoke, &[&people]), None);
    assert_eq!(watches(RuleKind::BlockedLane, &both), told("people 1"));
    assert_eq!(watches(RuleKind::BlockedLane, &[]), told(method::BACKGROUND));
    assert_eq!(watches(RuleKind::Intrusion, &[&fire]), told(method::MOTION));
    for kind in [RuleKind::Loitering, RuleKind::LineCrossing, RuleKind::Crowding, RuleKind::Fall] {
        assert_eq!(watches(kind, &[&fire]), None, "{kind:?}");
        assert!(watches(kind, &both).is_some_and(|by| by.starts_with("people 1")), "{kind:?}");
    }
}

/// A model of which there is not even a description stands for nobody who names people: with another that does, motion
/// does not come in between.
#[test]
fn a_model_without_description_is_no_reason_for_motion() {
    let models = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(UtcMs(0)));
    let store = ModelStore::new(vec![toys(), models.path().to_owned()]);
    let posts = detector::posts(&config(&["toy-crowd", "our-fire"]), &store);
    let station = DetectorStation::start_all(clock, posts).unwrap();
    assert!(station.failing()[0].contains("our-fire"), "{:?}", station.failing());
    let camera = station.client("c1".parse().unwrap());
    let answer = camera.submit(Arc::new(grey(200))).blocking_recv().unwrap();
    assert!(matches!(answer, Answer::Found(_)), "people are named");
}

/// A pose model that is not there, or is another file, keeps nothing from working: health says why, and a rule for falls
/// says what else watches for it. It is not even looked for before a rule wants it.
#[test]
fn a_pose_model_missing_or_broken_is_told() {
    let wrong = tempfile::tempdir().unwrap();
    let file = wrong.path().join("movenet-lightning/movenet_singlepose_lightning_int8_4.onnx");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, "no model").unwrap();
    let broken = ModelStore::new(vec![wrong.path().to_owned()]);
    for (store, why) in [(store(), "movenet-lightning is not installed"), (broken, "SHA-256 should be")] {
        let config = config(&["toy-crowd"]);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(UtcMs(0)));
        let pose = detector::pose_to_load(&config, &store);
        let station = DetectorStation::start_with(clock, Vec::new(), pose).unwrap();
        assert_eq!(station.pose(), PoseHealth::Unwanted);
        station.want_pose().unwrap();
        let PoseHealth::Fails { reason } = station.pose() else { panic!("{:?}", station.pose()) };
        assert!(reason.contains(why), "{reason}");
        assert_eq!(station.client("c1".parse().unwrap()).pose(grey(100)), None);
    }
    let none = DetectorConfig { pose: String::new(), ..config(&["toy-crowd"]) };
    assert!(detector::pose_to_load(&none, &store()).is_none());
    let rule = RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Fall);
    assert_eq!(rule.method(&[], Some("movenet 1")), None, "somebody must have stood");
    let toy = [AtWork { name: "toy 1".into(), labels: vec![Label::Person] }];
    let without = rule.method(&toy, None).unwrap();
    assert_eq!(without, "toy 1, shape of the track, long and short background");
    assert!(rule.method(&toy, Some("movenet 1")).unwrap().contains("movenet 1"));
}

/// Looking less often is for fire and smoke only.
#[test]
fn people_are_looked_for_in_every_frame() {
    let seldom =
        DetectorConfig { every_ms: [("toy-crowd".to_owned(), 1_000)].into(), ..config(&["toy-crowd"]) };
    let error = detector::open(&seldom, &store()).err().unwrap().to_string();
    assert!(error.contains("every_ms is for detectors that name fire and smoke alone"), "{error}");
}
