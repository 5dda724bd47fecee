//! `edge-agent transcribe` and `edge-agent eval-speech` as people use them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn agent(args: &[&str]) -> (bool, String, String) {
    let toys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech");
    let out = Command::new(env!("CARGO_BIN_EXE_edge-agent")).args(args).current_dir(toys).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.success(), text(out.stdout), text(out.stderr))
}

fn json(args: &[&str]) -> Value {
    let (good, out, error) = agent(args);
    assert!(good, "{error}");
    serde_json::from_str(&out).unwrap()
}

/// A recording is read by the kind of model that is named, with the times of its characters.
#[test]
fn transcribes_with_every_kind() {
    for (model, words) in
        [("toy-pair", "矮尖"), ("toy-streaming-zipformer", "低高"), ("toy-sense-voice", "低高")]
    {
        let read = json(&["transcribe", "hello-8k.wav", "--model", model, "--models", ".", "--json"]);
        assert_eq!(read["model"], model);
        let segments = read["segments"].as_array().unwrap();
        assert!(!segments.is_empty());
        for segment in segments {
            let text = segment["text"].as_str().unwrap().trim_end_matches('。');
            assert!(!text.is_empty() && text.chars().all(|c| words.contains(c)), "{model}: {text}");
            if model != "toy-sense-voice" {
                let tokens = segment["tokens"].as_array().unwrap();
                assert_eq!(tokens.len(), text.chars().count());
                let (start, end) = (&segment["start_ms"], &segment["end_ms"]);
                let within = start.as_u64().unwrap().saturating_sub(200)..=end.as_u64().unwrap() + 200;
                assert!(tokens.iter().all(|t| within.contains(&t["at_ms"].as_u64().unwrap())), "{segment}");
            }
        }
    }
}

/// What is read is measured against what was said: none wrong against itself, one wrong where one is changed; what
/// cannot be measured is an error that says what.
#[test]
fn measures_errors() {
    let models = ["--model", "toy-pair", "--models", "."];
    let read = json(&[&["transcribe", "hello-8k.wav", "--json"][..], &models].concat());
    let texts = read["segments"].as_array().unwrap().iter().map(|s| s["text"].as_str().unwrap());
    let said: String = texts.collect();
    let said = said.replace('。', "");
    let dir = tempfile::tempdir().unwrap();
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/hello-8k.wav");
    let recording = recording.to_str().unwrap();
    let list = dir.path().join("list.tsv");
    let wrong = format!("哨{}", said.chars().skip(1).collect::<String>());
    std::fs::write(&list, format!("{recording}\t{said}。\n{{\"audio\":{recording:?},\"text\":{wrong:?}}}\n"))
        .unwrap();
    let list = list.to_str().unwrap();
    let measured = json(&[&["eval-speech", "--manifest", list, "--json", "--verbose"][..], &models].concat());
    let count = said.chars().count() as u64;
    assert_eq!(measured["characters"], 2 * count);
    assert_eq!(
        [&measured["substituted"], &measured["deleted"], &measured["inserted"]].map(|v| v.as_u64().unwrap()),
        [1, 0, 0]
    );
    assert!((measured["cer"].as_f64().unwrap() - 1.0 / (2 * count) as f64).abs() < 1e-9);
    assert_eq!(measured["files"].as_array().unwrap().len(), 2);
    assert_eq!(measured["files"][0]["substituted"], 0);
    let (good, out, error) = agent(&[&["eval-speech", "--manifest", list][..], &models].concat());
    assert!(good && out.contains("2 recordings: CER") && out.contains("real-time factor"), "{out} {error}");
    let (good, _, error) = agent(&[&["eval-speech", "--manifest", "nowhere.tsv"][..], &models].concat());
    assert!(!good && error.contains("nowhere.tsv"), "{error}");
}
