//! Voice activity: where on one leg somebody speaks.
//!
//! Silero (by sherpa-onnx) where its weights are installed, `earshot` (weights inside the program) otherwise. Both see
//! 16 kHz mono; other rates are resampled on the way in. Who hears a running call always has `earshot`, by [`Windows`]
//! and [`Stretches`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sherpa_onnx::{LinearResampler, SileroVadModelConfig, VadModelConfig, VoiceActivityDetector};

const RATE_HZ: u32 = 16_000;
/// Speech that goes on longer is cut, so that no recogniser meets an endless segment.
const MAX_SPEECH_MS: u64 = 20_000;
/// Shorter speech is a cough; shorter silence is a breath.
const MIN_SPEECH_MS: u64 = 150;
const MIN_SILENCE_MS: u64 = 200;

/// A stretch of speech, in milliseconds from the leg's first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub start_ms: u64,
    pub end_ms: u64,
}

/// Which detector listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Path of `silero_vad.onnx`. The native library ends the process on a file that is no model, so only
    /// bytes that the model manifest knows may be named here.
    Silero(PathBuf),
    Earshot,
}

impl Method {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Silero(_) => "silero",
            Self::Earshot => "earshot",
        }
    }
}

/// The voice detector of one leg.
pub struct Vad {
    engine: Engine,
    resampler: Option<LinearResampler>,
}

enum Engine {
    Silero { detector: VoiceActivityDetector, found: Vec<Span> },
    Earshot(Box<Earshot>),
}

impl std::fmt::Debug for Vad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vad(..)")
    }
}

impl Vad {
    /// Loads the detector (Silero takes some 20 ms). Falls back to `earshot`, with a warning, when it cannot.
    pub fn new(method: &Method, rate_hz: u32) -> Self {
        let engine = match method {
            Method::Silero(path) => silero(path).map_or_else(
                || {
                    tracing::warn!(path = %path.display(), "Silero cannot be loaded; earshot listens instead");
                    Engine::Earshot(Box::default())
                },
                |detector| Engine::Silero { detector, found: Vec::new() },
            ),
            Method::Earshot => Engine::Earshot(Box::default()),
        };
        let resampler = (rate_hz != RATE_HZ).then(|| {
            LinearResampler::create(rate_hz as i32, RATE_HZ as i32).expect("both rates are above zero")
        });
        Self { engine, resampler }
    }

    pub fn accept(&mut self, samples: &[i16]) {
        let wave = to_f32(samples);
        let wave = match &self.resampler {
            Some(resampler) => resampler.resample(&wave, false),
            None => wave,
        };
        self.push(&wave);
    }

    /// All speech, in order, once the leg has ended.
    pub fn finish(mut self) -> Vec<Span> {
        if let Some(resampler) = &self.resampler {
            let rest = resampler.resample(&[], true);
            self.push(&rest);
        }
        match self.engine {
            Engine::Silero { detector, mut found } => {
                detector.flush();
                drain(&detector, &mut found);
                merge(found)
            }
            Engine::Earshot(earshot) => earshot.stretches.finish(),
        }
    }

    fn push(&mut self, wave: &[f32]) {
        match &mut self.engine {
            Engine::Silero { detector, found } => {
                detector.accept_waveform(wave);
                drain(detector, found);
            }
            Engine::Earshot(earshot) => earshot.push(wave),
        }
    }
}

/// Signed 16-bit as the models want it.
pub(super) fn to_f32(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|s| f32::from(*s) / 32_768.0).collect()
}

fn silero(path: &Path) -> Option<VoiceActivityDetector> {
    let config = VadModelConfig {
        silero_vad: SileroVadModelConfig {
            model: Some(path.to_str()?.to_owned()),
            threshold: 0.5,
            min_silence_duration: MIN_SILENCE_MS as f32 / 1_000.0,
            min_speech_duration: MIN_SPEECH_MS as f32 / 1_000.0,
            window_size: 512,
            max_speech_duration: MAX_SPEECH_MS as f32 / 1_000.0,
        },
        sample_rate: RATE_HZ as i32,
        num_threads: 1,
        provider: Some("cpu".to_owned()),
        ..VadModelConfig::default()
    };
    VoiceActivityDetector::create(&config, 30.0)
}

fn drain(detector: &VoiceActivityDetector, found: &mut Vec<Span>) {
    while let Some(segment) = detector.front() {
        let start = u64::try_from(segment.start()).unwrap_or(0);
        let end = start + u64::try_from(segment.n()).unwrap_or(0);
        found.push(Span { start_ms: ms_of(start), end_ms: ms_of(end) });
        detector.pop();
    }
}

fn ms_of(samples: u64) -> u64 {
    samples * 1_000 / u64::from(RATE_HZ)
}

/// Joins spans that touch or nearly do, unless the result grows too long.
fn merge(spans: Vec<Span>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last)
                if span.start_ms.saturating_sub(last.end_ms) < MIN_SILENCE_MS
                    && span.end_ms - last.start_ms <= MAX_SPEECH_MS =>
            {
                last.end_ms = last.end_ms.max(span.end_ms);
            }
            _ => out.push(span),
        }
    }
    out
}

/// `earshot` scores 16 ms windows of sound at 16 kHz.
#[derive(Default)]
pub(super) struct Windows {
    detector: earshot::Detector,
    held: Vec<f32>,
}

impl Windows {
    const SAMPLES: usize = 256;
    pub(super) const MS: u64 = 16;
    /// Speech begins at this score, and goes on above the other.
    pub(super) const ENTER: f32 = 0.5;
    pub(super) const STAY: f32 = 0.35;

    /// Each whole window with its score, from 0 (no voice) to 1.
    pub(super) fn push(&mut self, wave: &[f32], mut each: impl FnMut(f32, &[f32])) {
        self.held.extend_from_slice(wave);
        let whole = self.held.len() / Self::SAMPLES * Self::SAMPLES;
        let ready: Vec<f32> = self.held.drain(..whole).map(|s| s.clamp(-1.0, 1.0)).collect();
        for window in ready.chunks_exact(Self::SAMPLES) {
            each(self.detector.predict_f32(window), window);
        }
    }
}

#[derive(Default)]
struct Earshot {
    windows: Windows,
    stretches: Stretches,
}

impl Earshot {
    fn push(&mut self, wave: &[f32]) {
        self.windows.push(wave, |score, _| self.stretches.score(score));
    }
}

/// From the scores of windows to stretches of speech. The hysteresis around the scores is ours.
#[derive(Default)]
pub(super) struct Stretches {
    /// Where the next window begins.
    at_ms: u64,
    speaking_since: Option<u64>,
    last_voice: u64,
    found: Vec<Span>,
}

impl Stretches {
    /// The next window is another one; what was missed is silence.
    pub(super) fn go_to(&mut self, at_ms: u64) {
        self.close();
        self.at_ms = at_ms;
    }

    pub(super) fn score(&mut self, score: f32) {
        let at = self.at_ms;
        self.at_ms += Windows::MS;
        let threshold = if self.speaking_since.is_some() { Windows::STAY } else { Windows::ENTER };
        if score >= threshold {
            self.last_voice = at + Windows::MS;
            self.speaking_since.get_or_insert(at);
        }
        let silent = at.saturating_sub(self.last_voice) >= MIN_SILENCE_MS;
        let long = self.speaking_since.is_some_and(|since| at - since >= MAX_SPEECH_MS);
        if silent || long {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(start_ms) = self.speaking_since.take()
            && self.last_voice - start_ms >= MIN_SPEECH_MS
        {
            self.found.push(Span { start_ms, end_ms: self.last_voice });
        }
    }

    /// All of them, in order.
    pub(super) fn finish(mut self) -> Vec<Span> {
        self.close();
        merge(self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(method: &Method, rate_hz: u32, samples: &[i16]) -> Vec<Span> {
        let mut vad = Vad::new(method, rate_hz);
        for chunk in samples.chunks(333) {
            vad.accept(chunk);
        }
        vad.finish()
    }

    /// Silence and a steady tone hold no speech.
    #[test]
    fn nobody_speaks() {
        let tone: Vec<i16> = (0..24_000).map(|i| ((f64::from(i) * 0.05).sin() * 8_000.0) as i16).collect();
        assert_eq!(listen(&Method::Earshot, 8_000, &vec![0; 24_000]), vec![]);
        assert_eq!(listen(&Method::Earshot, 8_000, &tone), vec![]);
    }

    /// Near spans join; a join never grows beyond the longest segment.
    #[test]
    fn merges() {
        let span = |start_ms, end_ms| Span { start_ms, end_ms };
        assert_eq!(
            merge(vec![span(0, 500), span(600, 900), span(2_000, 2_500)]),
            [span(0, 900), span(2_000, 2_500)]
        );
        assert_eq!(merge(vec![span(0, 15_000), span(15_000, 25_000)]).len(), 2);
    }

    /// Against hand-made marks, per 10 ms, both detectors at 16 kHz and at telephone rate: precision and recall.
    #[test]
    fn finds_speech_where_people_marked_it() {
        let Some(data) = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from)
        else {
            println!("skipped: SHAODIAN_DATA is not set");
            return;
        };
        let silero = Method::Silero(data.join("models/silero-vad/silero_vad.onnx"));
        let mut short = Vec::new();
        for (method, telephone, floor) in [
            (&silero, false, (0.85, 0.95)),
            (&silero, true, (0.85, 0.95)),
            (&Method::Earshot, false, (0.8, 0.85)),
            (&Method::Earshot, true, (0.8, 0.85)),
        ] {
            let (mut both, mut found, mut marked) = (0_u32, 0_u32, 0_u32);
            for entry in std::fs::read_dir(data.join("audio/vad")).unwrap() {
                let marks_path = entry.unwrap().path();
                if marks_path.extension().is_none_or(|e| e != "scv") {
                    continue;
                }
                let mut wav = hound::WavReader::open(marks_path.with_extension("wav")).unwrap();
                let rate = wav.spec().sample_rate;
                let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
                let length_ms = samples.len() as u64 * 1_000 / u64::from(rate);
                let spans = if telephone {
                    let down = LinearResampler::create(rate as i32, 8_000).unwrap();
                    let low: Vec<i16> = down
                        .resample(&to_f32(&samples), true)
                        .iter()
                        .map(|s| (s * 32_767.0) as i16)
                        .collect();
                    listen(method, 8_000, &low)
                } else {
                    listen(method, rate, &samples)
                };
                let text = std::fs::read_to_string(&marks_path).unwrap();
                let fields: Vec<f64> = text.trim().split(',').skip(1).map(|f| f.parse().unwrap()).collect();
                let said = |ms: u64| {
                    let at = ms as f64 / 1_000.0;
                    fields.chunks_exact(3).any(|f| f[2] > 0.5 && f[0] <= at && at < f[1])
                };
                for ms in (0..length_ms).step_by(10) {
                    let (is, heard) = (said(ms), spans.iter().any(|s| s.start_ms <= ms && ms < s.end_ms));
                    both += u32::from(is && heard);
                    found += u32::from(heard);
                    marked += u32::from(is);
                }
            }
            let (precision, recall) =
                (f64::from(both) / f64::from(found), f64::from(both) / f64::from(marked));
            println!(
                "vad {} at {}: precision {precision:.3} recall {recall:.3}",
                method.name(),
                if telephone { "8 kHz" } else { "16 kHz" }
            );
            if precision < floor.0 || recall < floor.1 {
                short.push((method.name(), telephone));
            }
        }
        assert_eq!(short, vec![]);
    }
}
