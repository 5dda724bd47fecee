//! The toys read what the Python package reads with them (`tests/speech/make_golden.py`), token by token.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sherpa_onnx::OnlineStream;

use super::engine::{Engine, Heard, Pen, Streaming};
use super::{Installed, ModelKind};
use crate::call::vad::to_f32;

const RATE_HZ: u32 = 8_000;
/// As the script gives it: 100 ms.
const PIECE: usize = 800;

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    partials: Vec<String>,
    tokens: Vec<String>,
    times: Vec<f64>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech")
}

fn golden(model: &str) -> BTreeMap<String, Read> {
    let text = std::fs::read_to_string(folder().join("golden.json")).unwrap();
    let mut all: BTreeMap<String, BTreeMap<String, Read>> = serde_json::from_str(&text).unwrap();
    all.remove(model).unwrap()
}

fn sound(recording: &str) -> Vec<f32> {
    let mut wav = hound::WavReader::open(folder().join(recording)).unwrap();
    assert_eq!(wav.spec().sample_rate, RATE_HZ);
    to_f32(&wav.samples().collect::<Result<Vec<i16>, _>>().unwrap())
}

fn toy(name: &str, kind: ModelKind) -> Installed {
    Installed::all(&folder().join(name)).unwrap().into_iter().find(|m| m.kind == kind).unwrap()
}

fn same(heard: &Heard, want: &Read, what: &str) {
    let tokens: Vec<&str> = heard.tokens.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(tokens, want.tokens, "{what}");
    let times: Vec<u64> = want.times.iter().map(|s| (s * 1_000.0).round() as u64).collect();
    assert_eq!(heard.tokens.iter().map(|t| t.at_ms).collect::<Vec<_>>(), times, "{what}");
    assert!(!tokens.is_empty(), "{what} holds something to read");
}

const STREAMING: [(&str, &str, ModelKind); 2] = [
    ("toy-streaming-zipformer", "toy-streaming-zipformer", ModelKind::StreamingZipformerCtc),
    ("toy-pair/streaming", "toy-pair", ModelKind::StreamingNemoCtc),
];

/// Piece by piece, with the same words at the same moments on the way.
#[test]
fn streams_like_the_python_package() {
    for (key, name, kind) in STREAMING {
        let streaming = Streaming::load(&toy(name, kind), 1).unwrap();
        for (recording, want) in golden(key) {
            let (stream, mut partials) = (streaming.begin(), Vec::<String>::new());
            for piece in sound(&recording).chunks(PIECE) {
                stream.accept_waveform(RATE_HZ as i32, piece);
                while streaming.is_ready(&stream) {
                    streaming.step(&[&stream]);
                }
                let text = streaming.so_far(&stream).text;
                if !text.is_empty() && partials.last() != Some(&text) {
                    partials.push(text);
                }
            }
            assert_eq!(partials, want.partials, "{key} {recording}");
            same(&streaming.end(&stream, RATE_HZ), &want, &format!("{key} {recording}"));
        }
    }
}

/// Many who speak at once and out of step, decoded together, each read as if alone.
#[test]
fn reads_many_at_once_like_one() {
    for (key, name, kind) in STREAMING {
        let streaming = Streaming::load(&toy(name, kind), 1).unwrap();
        let golden = golden(key);
        // Each begins a piece later than the one before.
        let mut speakers: Vec<(String, Vec<f32>, OnlineStream)> = Vec::new();
        for recording in golden.keys().cycle().take(6) {
            speakers.push((recording.clone(), sound(recording), streaming.begin()));
        }
        let longest =
            speakers.iter().map(|(_, wave, _)| wave.len()).max().unwrap() / PIECE + speakers.len() + 1;
        for turn in 0..longest {
            for (index, (_, wave, stream)) in speakers.iter().enumerate() {
                if let Some(piece) = turn.checked_sub(index).and_then(|n| wave.chunks(PIECE).nth(n)) {
                    stream.accept_waveform(RATE_HZ as i32, piece);
                }
            }
            loop {
                let ready: Vec<&OnlineStream> =
                    speakers.iter().map(|(_, _, s)| s).filter(|s| streaming.is_ready(s)).collect();
                if ready.is_empty() {
                    break;
                }
                streaming.step(&ready);
            }
        }
        for (recording, _, stream) in &speakers {
            same(
                &streaming.end(stream, RATE_HZ),
                &golden[recording],
                &format!("{key} {recording} among many"),
            );
        }
    }
}

/// The second recogniser of a folder that holds two.
#[test]
fn reads_finished_speech_like_the_python_package() {
    let engine = Engine::load(&toy("toy-pair", ModelKind::ZipformerCtc), 1, true).unwrap();
    for (recording, want) in golden("toy-pair/final") {
        same(&engine.read(RATE_HZ, &sound(&recording)), &want, &recording);
    }
}

/// A streaming model reads finished speech in one go as it does piece by piece.
#[test]
fn a_streaming_model_reads_finished_speech() {
    for (key, name, kind) in STREAMING {
        let engine = Engine::load(&toy(name, kind), 1, true).unwrap();
        for (recording, want) in golden(key) {
            same(&engine.read(RATE_HZ, &sound(&recording)), &want, &recording);
        }
    }
}

/// Marks come from their model, digits from us; a model that writes both itself is left alone.
#[test]
fn writes_what_was_read() {
    let marks = folder().join("toy-punctuation/model.onnx");
    let pen = |kind, marks: Option<&Path>| Pen::new(kind, marks).unwrap();
    assert_eq!(pen(ModelKind::StreamingNemoCtc, Some(&marks)).write("三号楼高低"), "3号楼高低。");
    assert_eq!(pen(ModelKind::StreamingNemoCtc, None).write("三号楼高低"), "3号楼高低");
    assert_eq!(pen(ModelKind::SenseVoice, Some(&marks)).write("三号楼"), "三号楼");
    assert_eq!(pen(ModelKind::ZipformerCtc, Some(&marks)).write(""), "");
}
