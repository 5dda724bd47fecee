//! The scripts of `deploy/`: they parse, say clearly what a machine lacks, and draw a sound demo county.

use std::collections::HashMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// `deploy/setup.sh --no-build` on a machine that has only these programs, and `rustc` of this version if any.
fn setup_with(rust: Option<&str>) -> Output {
    let machine = tempfile::tempdir().unwrap();
    let bin = machine.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in
        ["bash", "sh", "env", "dirname", "uname", "sed", "cut", "sort", "head", "dpkg-query", "printf", "id"]
    {
        let real =
            ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name)).into_iter().find(|p| p.exists());
        symlink(real.unwrap_or_else(|| panic!("this machine has no {name}")), bin.join(name)).unwrap();
    }
    if let Some(version) = rust {
        for name in ["rustc", "cargo"] {
            let script = bin.join(name);
            std::fs::write(&script, format!("#!/bin/sh\necho \"{name} {version} (0000000 2020-01-01)\"\n"))
                .unwrap();
            std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        }
    }
    Command::new(root().join("deploy/setup.sh"))
        .arg("--no-build")
        .env_clear()
        .env("PATH", &bin)
        .env("HOME", machine.path())
        .output()
        .unwrap()
}

/// No script has a syntax error, and each that people run can be run.
#[test]
fn scripts_parse() {
    let mut seen = 0;
    for folder in ["deploy", "deploy/demo", ".ci"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !text.starts_with("#!/usr/bin/env bash") && path.extension().is_none_or(|e| e != "sh") {
                continue;
            }
            let parsed = Command::new("bash").arg("-n").arg(&path).output().unwrap();
            assert!(parsed.status.success(), "{}: {}", path.display(), said(&parsed));
            if text.starts_with("#!") {
                let mode = path.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o111, 0o111, "{} cannot be run", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} scripts found");
}

/// Without Rust, and with an old one, set-up stops at once with what is wrong and what to do.
#[test]
fn setup_says_what_rust_it_needs() {
    let none = setup_with(None);
    assert!(!none.status.success());
    assert!(
        said(&none).contains("Rust is not installed") && said(&none).contains("what to do"),
        "{}",
        said(&none)
    );
    let old = setup_with(Some("1.63.0"));
    assert!(!old.status.success());
    assert!(
        said(&old).contains("Rust 1.63.0 is too old") && said(&old).contains("rustup update"),
        "{}",
        said(&old)
    );
}

/// The demo county has 41 grids that cover it without gap or overlap, and is drawn the same every time.
#[test]
fn demo_county_is_covered_exactly() {
    let draw = || Command::new("python3").arg(root().join("deploy/demo/county.py")).output().unwrap();
    let drawn = draw();
    assert!(drawn.status.success(), "{}", said(&drawn));
    assert_eq!(drawn.stdout, draw().stdout);
    let county: serde_json::Value = serde_json::from_slice(&drawn.stdout).unwrap();
    let grids = county["features"].as_array().unwrap();
    assert_eq!(grids.len(), 41);

    // Whole millionths of a degree: no rounding in here.
    let mut edges: HashMap<((i64, i64), (i64, i64)), i64> = HashMap::new();
    let mut double_area = 0;
    for grid in grids {
        let ring = grid["geometry"]["coordinates"][0].as_array().unwrap();
        let whole = |n: &serde_json::Value| (n.as_f64().unwrap() * 1e6).round() as i64;
        let points: Vec<(i64, i64)> = ring.iter().map(|p| (whole(&p[0]), whole(&p[1]))).collect();
        assert_eq!(points.first(), points.last());
        let mut own = 0;
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            own += a.0 * b.1 - b.0 * a.1;
            // An inner edge is walked once in each direction, so it cancels.
            *edges.entry((a.min(b), a.max(b))).or_default() += if a < b { 1 } else { -1 };
        }
        assert!(own > 0, "{} is clockwise or empty", grid["properties"]["name"]);
        double_area += own;
    }
    let outline: Vec<_> = edges.into_iter().filter(|(_, times)| *times != 0).collect();
    let on_border =
        |(x, y): (i64, i64)| x == 106_920_000 || x == 106_980_000 || y == 34_510_000 || y == 34_550_000;
    assert!(
        outline.iter().all(|((a, b), times)| times.abs() == 1 && on_border(*a) && on_border(*b)),
        "{outline:?}"
    );
    assert_eq!(double_area, 2 * 60_000 * 40_000);
}
