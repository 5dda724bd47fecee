//! `edge-agent detect` as it is typed, with the model that comes with the product.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn detect(arguments: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-agent"));
    command.env_remove("SHAODIAN_DATA").arg("detect").args(arguments).output().unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fire-smoke").join(name)
}

/// One line a picture in the order they were given, with the threshold and boxes as shares; what is no picture is named and
/// stops no other; each picture is drawn, and what is at the threshold is framed in it.
#[test]
fn pictures_are_told_of_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let (text, drawn) = (dir.path().join("notes.jpg"), dir.path().join("seen"));
    std::fs::write(&text, "no picture").unwrap();
    let (fire, nothing) = (golden("golden-fire.jpg"), golden("golden-nothing.jpg"));
    let model = ["--model", "fire-smoke", "--draw"].map(Path::new);
    let output = detect(&[&[fire.as_path(), &text, &nothing], &model[..], &[&drawn]].concat());
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("notes.jpg") && words.contains("JPEG or PNG"), "{words}");
    let lines: Vec<Value> = output
        .stdout
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let files: Vec<_> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(files, [fire.to_str().unwrap(), nothing.to_str().unwrap()]);

    let sure = |line: &Value| -> Vec<Value> {
        let threshold = line["threshold"].as_f64().unwrap();
        let found = line["detections"].as_array().unwrap().iter();
        found.filter(|d| d["score"].as_f64().unwrap() >= threshold).cloned().collect()
    };
    let seen = sure(&lines[0]);
    let flame = seen.iter().find(|d| d["label"] == "fire").unwrap_or_else(|| panic!("{}", lines[0]));
    let [x, y, w, h] = [0, 1, 2, 3].map(|at| flame["box"][at].as_f64().unwrap());
    assert!(x >= 0.0 && y >= 0.0 && w > 0.02 && h > 0.02 && x + w <= 1.001 && y + h <= 1.001, "{flame}");
    assert!(flame["model"].as_str().unwrap().starts_with("fire-smoke "), "{flame}");
    assert!(sure(&lines[1]).is_empty(), "{}", lines[1]);

    let pixels = |path: &Path| image::open(path).unwrap().into_rgb8();
    let far = |a: &Path, b: &Path| {
        let (a, b) = (pixels(a), pixels(b));
        assert_eq!(a.dimensions(), b.dimensions());
        a.pixels().zip(b.pixels()).filter(|(a, b)| (0..3).any(|c| a.0[c].abs_diff(b.0[c]) > 60)).count()
    };
    let framed = far(&fire, &drawn.join("0001-golden-fire.jpg"));
    let alone = far(&nothing, &drawn.join("0003-golden-nothing.jpg"));
    assert!(framed > 100 && alone < 20, "{framed} {alone}");
}

/// A model that is not there is said so, with what to do.
#[test]
fn a_model_that_is_missing_is_said_so() {
    let output = detect(&[&golden("golden-fire.jpg"), Path::new("--model"), Path::new("yolox-nano")]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(words.contains("yolox-nano is not installed") && words.contains("models fetch"), "{words}");
}
