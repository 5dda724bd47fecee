//! The least that hearing calls costs: the `sherpa-onnx` crate alone on what `simulate rush` has written, leg by leg and
//! as fast as it can, with the models, settings and threads of the box. `deploy/bench.sh` holds the agent against it.
//!
//! `engine MODEL FOLDER` prints one JSON line, CPU seconds: the streaming recogniser over every sample; the same over
//! only what the box took for speech; the recogniser for finished speech over that. MODEL holds `streaming.onnx` and
//! `final.onnx`, as `models/mandarin-demo` does.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use sherpa_onnx::{
    LinearResampler, OfflineRecognizer, OfflineRecognizerConfig, OfflineZipformerCtcModelConfig,
    OnlineRecognizer, OnlineRecognizerConfig, OnlineZipformer2CtcModelConfig,
};

const MODEL_HZ: u32 = 16_000;
/// As the box gives them to its recogniser: 100 ms.
const PIECES_PER_S: u32 = 10;
/// The silence after which the box takes a stretch for ended; its recognisers hear it too.
const HANG_MS: u64 = 350;
/// Of less the library cannot make features, and the box does not ask it either.
const MIN_MS: usize = 150;

/// One line of `legs.json`.
#[derive(Deserialize)]
struct Leg {
    wav: String,
    /// Beginnings and ends in milliseconds.
    stretches: Vec<[u64; 2]>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder] = arguments.as_slice() else { anyhow::bail!("engine MODEL FOLDER") };
    let folder = Path::new(folder);
    let list = folder.join("legs.json");
    let text = std::fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let legs: Vec<Leg> = serde_json::from_str(&text).with_context(|| format!("in {}", list.display()))?;
    ensure!(!legs.is_empty(), "{} names no leg", list.display());
    let (streaming, finished) = load(model)?;

    let (mut audio_s, mut speech_s, mut characters) = (0.0, 0.0, 0);
    let (mut all, mut speech, mut last) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for leg in &legs {
        let (rate_hz, sound) = read(&folder.join(&leg.wav))?;
        audio_s += sound.len() as f64 / f64::from(rate_hz);
        let (spent, ()) = timed(|| stream(&streaming, rate_hz, &sound));
        all += spent;
        for [start_ms, end_ms] in &leg.stretches {
            let at = |ms: u64| ((ms * u64::from(rate_hz) / 1_000) as usize).min(sound.len());
            let stretch = &sound[at(*start_ms)..at((end_ms + HANG_MS).max(*start_ms))];
            speech_s += stretch.len() as f64 / f64::from(rate_hz);
            let (spent, ()) = timed(|| stream(&streaming, rate_hz, stretch));
            speech += spent;
            let (spent, text) = timed(|| finish(&finished, rate_hz, stretch));
            last += spent;
            characters += text.chars().count();
        }
    }
    // An engine that reads nothing would be cheap.
    ensure!(characters > 0, "nothing was read in {audio_s:.0} s");
    println!(
        "{{\"audio_s\":{audio_s:.2},\"speech_s\":{speech_s:.2},\"characters\":{characters},\"streaming_cpu_s\":{:.3},\
         \"streaming_speech_cpu_s\":{:.3},\"final_cpu_s\":{:.3}}}",
        all.as_secs_f64(),
        speech.as_secs_f64(),
        last.as_secs_f64()
    );
    Ok(())
}

/// As `edge-agent/src/call/speech/engine.rs` loads them, one thread each.
fn load(folder: &str) -> Result<(OnlineRecognizer, OfflineRecognizer)> {
    let file = |name: &str| Some(format!("{folder}/{name}"));
    let mut config = OnlineRecognizerConfig::default();
    config.model_config.zipformer2_ctc = OnlineZipformer2CtcModelConfig { model: file("streaming.onnx") };
    config.model_config.tokens = file("tokens.txt");
    config.model_config.num_threads = 1;
    config.decoding_method = Some("greedy_search".to_owned());
    let streaming = OnlineRecognizer::create(&config).with_context(|| format!("{folder}/streaming.onnx"))?;
    let mut config = OfflineRecognizerConfig::default();
    config.model_config.zipformer_ctc = OfflineZipformerCtcModelConfig { model: file("final.onnx") };
    config.model_config.tokens = file("tokens.txt");
    config.model_config.num_threads = 1;
    config.model_config.provider = Some("cpu".to_owned());
    config.decoding_method = Some("greedy_search".to_owned());
    let finished = OfflineRecognizer::create(&config).with_context(|| format!("{folder}/final.onnx"))?;
    Ok((streaming, finished))
}

fn read(path: &Path) -> Result<(u32, Vec<f32>)> {
    let wav = hound::WavReader::open(path).with_context(|| format!("opening {}", path.display()))?;
    ensure!(wav.spec().channels == 1, "{}: one leg a file", path.display());
    let rate_hz = wav.spec().sample_rate;
    let samples = wav.into_samples::<i16>().map(|sample| Ok(f32::from(sample?) / 32_768.0));
    Ok((rate_hz, samples.collect::<Result<_>>().with_context(|| format!("reading {}", path.display()))?))
}

/// Piece by piece; the library resamples nothing itself, so that it writes no line about it for each stream.
fn stream(recogniser: &OnlineRecognizer, rate_hz: u32, sound: &[f32]) {
    let stream = recogniser.create_stream();
    let resampler = LinearResampler::create(rate_hz as i32, MODEL_HZ as i32);
    for piece in sound.chunks((rate_hz / PIECES_PER_S) as usize) {
        let piece = resampler.as_ref().map_or_else(|| piece.to_vec(), |r| r.resample(piece, false));
        stream.accept_waveform(MODEL_HZ as i32, &piece);
        while recogniser.is_ready(&stream) {
            recogniser.decode(&stream);
        }
    }
}

fn finish(recogniser: &OfflineRecognizer, rate_hz: u32, sound: &[f32]) -> String {
    let resampler = LinearResampler::create(rate_hz as i32, MODEL_HZ as i32);
    let sound = resampler.map_or_else(|| sound.to_vec(), |r| r.resample(sound, true));
    if sound.len() * 1_000 < MIN_MS * MODEL_HZ as usize {
        return String::new();
    }
    let stream = recogniser.create_stream();
    stream.accept_waveform(MODEL_HZ as i32, &sound);
    recogniser.decode(&stream);
    stream.get_result().map(|result| result.text).unwrap_or_default()
}

/// CPU time of all threads of this process.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
    };
    let began = now();
    let done = work();
    (now().saturating_sub(began), done)
}
