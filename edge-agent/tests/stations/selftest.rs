//! Public models are held to golden pictures of the project's own before they look at a camera.

use std::path::{Path, PathBuf};

use edge_agent::detector::{self, DetectorConfig};
use models::ModelStore;
use serde_json::{Value, json};

use crate::clips::data;

const POSE: &str = "movenet-lightning";

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// As a box loads it that looks into these folders.
fn load(model: &str, folders: Vec<PathBuf>) -> Result<(), String> {
    let store = ModelStore::new(folders);
    let loaded = if model == POSE {
        let mut load = detector::pose_loader(&DetectorConfig::default(), &store).expect("it is the default");
        load().map(drop)
    } else {
        let config = DetectorConfig { models: vec![model.to_owned()], ..DetectorConfig::default() };
        detector::open(&config, &store).map(drop)
    };
    loaded.map_err(|error| error.to_string())
}

/// The same pictures with something else to be found in the last of them.
fn falsified(model: &str) -> tempfile::TempDir {
    let own = own().join(model);
    let mut golden: Value = serde_json::from_slice(&std::fs::read(own.join("golden.json")).unwrap()).unwrap();
    let cases = golden["pictures"].as_array_mut().unwrap();
    for case in &mut *cases {
        case["file"] = json!(own.join(case["file"].as_str().unwrap()));
    }
    let last = cases.last_mut().unwrap();
    if let Some(lean) = last["lean"].as_f64() {
        last["lean"] = json!(90.0 - lean);
    } else {
        last["detections"] = json!([{ "label": "animal", "score": 0.9, "box": [0.0, 0.0, 0.5, 0.5] }]);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(model)).unwrap();
    std::fs::write(folder.path().join(model).join("golden.json"), golden.to_string()).unwrap();
    folder
}

/// What was fetched answers as it should on the pictures that come with the product; one that does not is refused with
/// what was expected and found.
#[test]
fn public_models_find_what_they_should() {
    let Some(data) = data() else { return };
    for (model, expected) in [
        ("yolox-nano", "expected Animal 0.90"),
        ("fastestdet", "expected Animal 0.90"),
        (POSE, "golden-lying.jpg: expected a lean of 2° (0.63 sure), found a lean of "),
    ] {
        let fetched = data.join("models");
        load(model, vec![fetched.clone(), own()]).unwrap_or_else(|error| panic!("{error}"));
        let other = falsified(model);
        let error = load(model, vec![other.path().to_owned(), fetched, own()]).unwrap_err();
        assert!(error.contains("does not pass its self-test") && error.contains(expected), "{error}");
    }
}
