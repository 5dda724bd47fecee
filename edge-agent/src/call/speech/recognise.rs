//! Segments of speech to words, by sherpa-onnx.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use protocol::{Leg, Segment};
use sherpa_onnx::{
    OfflineParaformerModelConfig, OfflineRecognizer, OfflineRecognizerConfig, OfflineSenseVoiceModelConfig,
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

pub(super) struct Recogniser(OfflineRecognizer);

impl Recogniser {
    pub(super) fn load(installed: &Installed) -> anyhow::Result<Self> {
        let model = Some(text(&installed.model)?);
        let tokens = Some(text(&installed.tokens)?);
        let failed = || format!("{} cannot be loaded as {:?}", installed.model.display(), installed.kind);
        let mut config = OfflineRecognizerConfig::default();
        match installed.kind {
            ModelKind::SenseVoice => {
                config.model_config.sense_voice =
                    OfflineSenseVoiceModelConfig { model, language: Some("auto".to_owned()), use_itn: true };
            }
            ModelKind::Paraformer => {
                config.model_config.paraformer = OfflineParaformerModelConfig { model };
            }
        }
        config.model_config.tokens = tokens;
        config.model_config.num_threads = THREADS;
        config.model_config.provider = Some("cpu".to_owned());
        config.decoding_method = Some("greedy_search".to_owned());
        OfflineRecognizer::create(&config).map(Self).with_context(failed)
    }

    fn words(&self, rate_hz: u32, wave: &[f32]) -> String {
        let stream = self.0.create_stream();
        stream.accept_waveform(rate_hz as i32, wave);
        self.0.decode(&stream);
        stream.get_result().map(|r| r.text).unwrap_or_default()
    }

    /// The words of each stretch of speech in a recording, in order of time; stretches without words are left out.
    pub(super) fn transcribe(
        &self,
        recording: &mut Recording,
        speech: &[Spoken],
    ) -> anyhow::Result<Vec<Segment>> {
        let mut segments = Vec::new();
        for spoken in speech {
            let (from, to) = (spoken.start_ms.saturating_sub(MARGIN_MS), spoken.end_ms + MARGIN_MS);
            let wave = to_f32(&recording.side(spoken.leg, from, to)?);
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
        Ok(segments)
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned())
}

/// A WAV file: left (or only) = caller, right = operator. Two hours are half a gigabyte, so only the stretch that is
/// asked for is read.
pub(super) struct Recording {
    pub(super) rate_hz: u32,
    channels: usize,
    frames: u32,
    wav: hound::WavReader<BufReader<File>>,
}

impl Recording {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let wav = hound::WavReader::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let spec = wav.spec();
        anyhow::ensure!(
            spec.bits_per_sample == 16 && spec.sample_format == hound::SampleFormat::Int,
            "{} is not 16-bit PCM",
            path.display()
        );
        anyhow::ensure!((1..=2).contains(&spec.channels), "{} has more than two channels", path.display());
        Ok(Self {
            rate_hz: spec.sample_rate,
            channels: usize::from(spec.channels),
            frames: wav.duration(),
            wav,
        })
    }

    pub(super) fn legs(&self) -> &'static [Leg] {
        if self.channels == 2 { &[Leg::Caller, Leg::Operator] } else { &[Leg::Caller] }
    }

    pub(super) fn length_ms(&self) -> u64 {
        u64::from(self.frames) * 1_000 / u64::from(self.rate_hz)
    }

    /// One side, from `start_ms` to `end_ms` or the end.
    pub(super) fn side(&mut self, leg: Leg, start_ms: u64, end_ms: u64) -> anyhow::Result<Vec<i16>> {
        let (frames, rate_hz) = (self.frames, u64::from(self.rate_hz));
        let at = |ms: u64| u32::try_from(ms.saturating_mul(rate_hz) / 1_000).unwrap_or(frames).min(frames);
        let channel = usize::from(leg == Leg::Operator).min(self.channels - 1);
        let (from, to) = (at(start_ms), at(end_ms));
        self.wav.seek(from).context("a recording cannot be read")?;
        let count = to.saturating_sub(from) as usize * self.channels;
        self.wav
            .samples()
            .take(count)
            .skip(channel)
            .step_by(self.channels)
            .collect::<Result<_, _>>()
            .context("a recording is damaged")
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
    fn tones(folder: &Path, left: &[(f32, u32)], right: &[(f32, u32)]) -> Recording {
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
        let path = folder.join("tones.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: RATE_HZ,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(&path, spec).unwrap();
        for sample in left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]) {
            wav.write_sample(sample).unwrap();
        }
        wav.finalize().unwrap();
        Recording::open(&path).unwrap()
    }

    fn spoken(leg: Leg, start_ms: u64, end_ms: u64) -> Spoken {
        Spoken { leg, start_ms, end_ms }
    }

    /// The right words of the right side at the right time, and none where there are none.
    #[test]
    fn reads_what_the_toy_was_built_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut recording = tones(
            folder.path(),
            &[(500.0, 1_000), (0.0, 500), (2_500.0, 500), (0.0, 1_000)],
            &[(0.0, 1_500), (2_500.0, 500), (500.0, 500), (0.0, 500)],
        );
        let speech = [
            spoken(Leg::Caller, 200, 800),
            spoken(Leg::Operator, 200, 800),
            spoken(Leg::Caller, 0, 3_000),
            spoken(Leg::Operator, 1_500, 2_500),
        ];
        let mut read = |name| -> Vec<(Leg, u64, String)> {
            toy(name)
                .transcribe(&mut recording, &speech)
                .unwrap()
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
