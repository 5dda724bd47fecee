//! The commands as they are typed.

use std::process::{Command, Stdio};

/// A reader who has gone (`edge-agent check | head -1`) is no error: no panic, and the status still tells what was
/// found.
#[test]
fn a_reader_may_leave() {
    let dir = tempfile::tempdir().unwrap();
    let (good, bad) = (dir.path().join("good.toml"), dir.path().join("bad.toml"));
    let data = format!("[agent]\ndata_dir = {:?}\n", dir.path().join("data"));
    std::fs::write(&good, &data).unwrap();
    std::fs::write(&bad, data + "[agnet]\n").unwrap();
    for (config, arguments, success) in [
        (&good, &["check"][..], true),
        (&bad, &["check"], false),
        (&bad, &["doctor"], false),
        (&bad, &["doctor", "--json"], false),
        (&good, &["--help"], true),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_edge-agent"))
            .arg("--config")
            .arg(config)
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), success, "{arguments:?}: {} {words}", output.status);
        assert!(output.status.code().is_some() && !words.contains("panicked"), "{arguments:?}: {words}");
    }
}

/// From the product's own model to a stick, from there to a box, where one byte that is another is told with both hashes;
/// what the configuration names stays.
#[test]
fn models_travel_on_a_stick() {
    let dir = tempfile::tempdir().unwrap();
    let (config, stick, box_) =
        (dir.path().join("edge.toml"), dir.path().join("stick"), dir.path().join("box"));
    let text = format!("[agent]\ndata_dir = {:?}\nmodels = {:?}\n", dir.path().join("data"), box_);
    std::fs::write(&config, text).unwrap();
    let models = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_edge-agent"))
            .env_remove("SHAODIAN_DATA")
            .arg("--config")
            .arg(&config)
            .arg("models")
            .args(arguments)
            .output()
            .unwrap();
        let words = [output.stdout, output.stderr].map(|w| String::from_utf8_lossy(&w).into_owned());
        (output.status.code(), words.concat())
    };
    let (product, path) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/../models"), |p: &std::path::Path| p.display().to_string());
    let (status, words) = models(&["--models", &path(&stick), "import", product]);
    assert!(status == Some(0) && words.contains("mandarin-demo 1: imported to"), "{words}");
    let onward = dir.path().join("onward");
    let (status, words) = models(&["--models", &path(&stick), "bundle", &path(&onward)]);
    assert!(status == Some(0) && words.contains("mandarin-demo 1: bundled in"), "{words}");
    let (status, words) = models(&["import", &path(&onward)]);
    assert!(status == Some(0) && box_.join("mandarin-demo/1/final.onnx").is_file(), "{words}");
    let (_, words) = models(&["import", &path(&onward)]);
    assert!(words.contains("is there already"), "{words}");

    let listing = || {
        let (status, words) = models(&["list", "--json"]);
        let listing: serde_json::Value = serde_json::from_str(&words).unwrap();
        assert_eq!(status, Some(0));
        let of = |name: &str| {
            listing["models"].as_array().unwrap().iter().find(|m| m["name"] == name).unwrap().clone()
        };
        (of("mandarin-demo"), of("yolox-nano"))
    };
    let (demo, yolox) = listing();
    assert_eq!(
        (&demo["state"], &demo["used"], &demo["size_bytes"]),
        (&"manifest".into(), &false.into(), &4_922_864.into())
    );
    assert_eq!(
        (&yolox["state"], &yolox["used"], &yolox["labels"][2]),
        (&"absent".into(), &true.into(), &"bicycle".into())
    );
    assert_eq!(models(&["verify"]).0, Some(0));
    let file = box_.join("mandarin-demo/1/tokens.txt");
    let mut tokens = std::fs::read(&file).unwrap();
    tokens[100] ^= 1;
    std::fs::write(&file, tokens).unwrap();
    let (status, words) = models(&["verify"]);
    assert!(status == Some(1) && words.contains("tokens.txt: SHA-256 should be"), "{words}");
    let (status, words) = models(&["list"]);
    assert!(status == Some(0) && words.contains("DIFFERENT"), "{words}");
    let (status, words) = models(&["import", &path(&onward)]);
    assert!(status == Some(0) && words.contains("imported to"), "{words}");

    let (status, words) = models(&["remove", "yolox-nano"]);
    assert!(status == Some(1) && words.contains("named by the configuration"), "{words}");
    assert_eq!(models(&["remove", "mandarin-demo"]).0, Some(0));
    assert!(!box_.join("mandarin-demo").exists());
    let (status, words) = models(&["fetch", "mandarin-demo"]);
    assert!(status == Some(1) && words.contains("comes with the product"), "{words}");
}
