//! Segments of speech to words, by sherpa-onnx.

use std::path::Path;

use anyhow::Context;
use protocol::{Leg, Segment};
use sherpa_onnx::{
    OfflineParaformerModelConfig, OfflineRecognizer, OfflineRecognizerConfig, OfflineSenseVoiceModelConfig,
    OnlineRecognizer, OnlineRecognizerConfig, OnlineZipformer2CtcModelConfig,
};

use super::{Installed, ModelKind};
use crate::call::archive::Spoken;
use crate::call::vad::to_f32;

/// Recognisers like a little air around the words.
const MARGIN_MS: u64 = 120;
/// Shorter than one window of seven 10 ms frames, features cannot be made (the native library would read beyond
/// its buffer); speech segments are longer anyway.
const MIN_SAMPLES_MS: usize = 150;
const THREADS: i32 = 2;

pub(super) enum Recogniser {
    Whole(OfflineRecognizer),
    Streaming(OnlineRecognizer),
}

impl Recogniser {
    pub(super) fn load(installed: &Installed) -> anyhow::Result<Self> {
        let model = Some(text(&installed.model)?);
        let tokens = Some(text(&installed.tokens)?);
        let failed = || format!("{} cannot be loaded as {:?}", installed.model.display(), installed.kind);
        if installed.kind == ModelKind::StreamingZipformerCtc {
            let mut config = OnlineRecognizerConfig::default();
            config.model_config.zipformer2_ctc = OnlineZipformer2CtcModelConfig { model };
            config.model_config.tokens = tokens;
            config.model_config.num_threads = THREADS;
            config.decoding_method = Some("greedy_search".to_owned());
            return OnlineRecognizer::create(&config).map(Self::Streaming).with_context(failed);
        }
        let mut config = OfflineRecognizerConfig::default();
        match installed.kind {
            ModelKind::SenseVoice => {
                config.model_config.sense_voice =
                    OfflineSenseVoiceModelConfig { model, language: Some("auto".to_owned()), use_itn: true };
            }
            _ => config.model_config.paraformer = OfflineParaformerModelConfig { model },
        }
        config.model_config.tokens = tokens;
        config.model_config.num_threads = THREADS;
        config.model_config.provider = Some("cpu".to_owned());
        config.decoding_method = Some("greedy_search".to_owned());
        OfflineRecognizer::create(&config).map(Self::Whole).with_context(failed)
    }

    fn words(&self, rate_hz: u32, wave: &[f32]) -> String {
        match self {
            Self::Whole(recogniser) => {
                let stream = recogniser.create_stream();
                stream.accept_waveform(rate_hz as i32, wave);
                recogniser.decode(&stream);
                stream.get_result().map(|r| r.text).unwrap_or_default()
            }
            Self::Streaming(recogniser) => {
                let stream = recogniser.create_stream();
                stream.accept_waveform(rate_hz as i32, wave);
                // Half a second of silence, so that the last chunk is whole.
                stream.accept_waveform(rate_hz as i32, &vec![0.0; rate_hz as usize / 2]);
                stream.input_finished();
                while recogniser.is_ready(&stream) {
                    recogniser.decode(&stream);
                }
                recogniser.get_result(&stream).map(|r| r.text).unwrap_or_default()
            }
        }
    }

    /// The words of each stretch of speech in a recording, in order of time; stretches without words are left out.
    pub(super) fn transcribe(&self, recording: &Recording, speech: &[Spoken]) -> Vec<Segment> {
        let mut segments = Vec::new();
        for spoken in speech {
            let wave = recording.cut(
                spoken.leg,
                spoken.start_ms.saturating_sub(MARGIN_MS),
                spoken.end_ms + MARGIN_MS,
            );
            if wave.len() * 1_000 < MIN_SAMPLES_MS * recording.rate_hz as usize {
                continue;
            }
            let words = self.words(recording.rate_hz, &wave);
            let words = words.trim();
            if !words.is_empty() {
                segments.push(Segment {
                    leg: spoken.leg,
                    start_ms: spoken.start_ms,
                    end_ms: spoken.end_ms,
                    text: words.to_owned(),
                });
            }
        }
        segments
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned())
}

/// A WAV file in memory: left (or only) = caller, right = operator.
pub(super) struct Recording {
    pub(super) rate_hz: u32,
    channels: usize,
    samples: Vec<i16>,
}

impl Recording {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let mut wav =
            hound::WavReader::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let spec = wav.spec();
        anyhow::ensure!(
            spec.bits_per_sample == 16 && spec.sample_format == hound::SampleFormat::Int,
            "{} is not 16-bit PCM",
            path.display()
        );
        anyhow::ensure!((1..=2).contains(&spec.channels), "{} has more than two channels", path.display());
        let samples = wav
            .samples()
            .collect::<Result<Vec<i16>, _>>()
            .with_context(|| format!("{} is damaged", path.display()))?;
        Ok(Self { rate_hz: spec.sample_rate, channels: usize::from(spec.channels), samples })
    }

    pub(super) fn legs(&self) -> &'static [Leg] {
        if self.channels == 2 { &[Leg::Caller, Leg::Operator] } else { &[Leg::Caller] }
    }

    /// One side, from `start_ms` to `end_ms` or the end.
    pub(super) fn side(&self, leg: Leg, start_ms: u64, end_ms: u64) -> Vec<i16> {
        let frames = self.samples.len() / self.channels;
        let at = |ms: u64| {
            usize::try_from(ms.saturating_mul(u64::from(self.rate_hz)) / 1_000).unwrap_or(frames).min(frames)
        };
        let channel = usize::from(leg == Leg::Operator).min(self.channels - 1);
        let (from, to) = (at(start_ms), at(end_ms));
        self.samples[from * self.channels..to.max(from) * self.channels]
            .iter()
            .skip(channel)
            .step_by(self.channels)
            .copied()
            .collect()
    }

    fn cut(&self, leg: Leg, start_ms: u64, end_ms: u64) -> Vec<f32> {
        to_f32(&self.side(leg, start_ms, end_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 8_000;

    fn toy(name: &str) -> Recogniser {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech").join(name);
        Recogniser::load(&Installed::at(&folder).unwrap()).unwrap()
    }

    /// A stereo file of tones: what the toy models read as 低 (500 Hz) and 高 (2500 Hz).
    fn tones(left: &[(f32, u32)], right: &[(f32, u32)]) -> Recording {
        let render = |parts: &[(f32, u32)]| -> Vec<i16> {
            parts
                .iter()
                .flat_map(|(hz, ms)| {
                    let step = hz * std::f32::consts::TAU / RATE_HZ as f32;
                    (0..ms * RATE_HZ / 1_000).map(move |i| ((i as f32 * step).sin() * 8_000.0) as i16)
                })
                .collect()
        };
        let (left, right) = (render(left), render(right));
        let samples = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]).collect();
        Recording { rate_hz: RATE_HZ, channels: 2, samples }
    }

    fn spoken(leg: Leg, start_ms: u64, end_ms: u64) -> Spoken {
        Spoken { leg, start_ms, end_ms }
    }

    /// The right words of the right side at the right time, and none where there are none.
    #[test]
    fn reads_what_the_toy_was_built_to_read() {
        let recording = tones(
            &[(500.0, 1_000), (0.0, 500), (2_500.0, 500), (0.0, 1_000)],
            &[(0.0, 1_500), (2_500.0, 500), (500.0, 500), (0.0, 500)],
        );
        let speech = [
            spoken(Leg::Caller, 200, 800),
            spoken(Leg::Operator, 200, 800),
            spoken(Leg::Caller, 0, 3_000),
            spoken(Leg::Operator, 1_500, 2_500),
        ];
        let read = |name| -> Vec<(Leg, u64, String)> {
            toy(name)
                .transcribe(&recording, &speech)
                .into_iter()
                .map(|s| (s.leg, s.start_ms, s.text))
                .collect()
        };
        let line = |leg, start_ms, text: &str| (leg, start_ms, text.to_owned());
        assert_eq!(
            read("toy-sense-voice"),
            [line(Leg::Caller, 200, "低"), line(Leg::Caller, 0, "低高"), line(Leg::Operator, 1_500, "高低")]
        );
        // The Paraformer toy says one word, that of the first 70 ms; the margin before the last span is silent.
        assert_eq!(read("toy-paraformer"), [line(Leg::Caller, 200, "低"), line(Leg::Caller, 0, "低")]);
    }
}
