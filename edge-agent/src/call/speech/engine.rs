//! The recognisers of sherpa-onnx behind one face: sound in, words with their times out.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sherpa_onnx::{
    LinearResampler, OfflineParaformerModelConfig, OfflinePunctuation, OfflinePunctuationConfig,
    OfflinePunctuationModelConfig, OfflineRecognizer, OfflineRecognizerConfig, OfflineSenseVoiceModelConfig,
    OfflineZipformerCtcModelConfig, OnlineNemoCtcModelConfig, OnlineRecognizer, OnlineRecognizerConfig,
    OnlineStream, OnlineZipformer2CtcModelConfig, RecognizerResult,
};

use super::{Installed, ModelKind, numbers};

/// Every model here wants this.
pub(super) const RATE_HZ: u32 = 16_000;
/// Silence behind the last word, so that a streaming network gives what it still holds back: more than the longest
/// step (0.45 s) of those known.
const TAIL_MS: usize = 660;

/// Shorter than one window of seven 10 ms frames, features cannot be made (the native library would read beyond
/// its buffer).
const MIN_MS: usize = 150;

/// A character or a piece of a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::call) struct Token {
    pub(in crate::call) text: String,
    /// From the first sample of what it was read from.
    pub(in crate::call) at_ms: u64,
}

/// What was heard, as the recogniser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) text: String,
    /// Empty where the model gives no times.
    pub(super) tokens: Vec<Token>,
}

fn heard(text: &str, tokens: Vec<String>, times: Option<Vec<f32>>) -> Heard {
    let times = times.unwrap_or_default();
    let tokens = if times.len() == tokens.len() { tokens } else { Vec::new() };
    let tokens = tokens.into_iter().zip(times);
    let token = |(text, at_s): (String, f32)| Token { text, at_ms: (at_s.max(0.0) * 1_000.0).round() as u64 };
    Heard { text: text.trim().to_owned(), tokens: tokens.map(token).collect() }
}

/// A recogniser of either way.
pub(super) enum Engine {
    Whole(OfflineRecognizer),
    Streaming(Streaming),
}

impl Engine {
    /// `numerals`: the model may write numbers in digits, if it can.
    pub(super) fn load(installed: &Installed, threads: i32, numerals: bool) -> anyhow::Result<Self> {
        if installed.kind.streams() {
            return Streaming::load(installed, threads).map(Self::Streaming);
        }
        let model = Some(text_of(&installed.model)?);
        let mut config = OfflineRecognizerConfig::default();
        match installed.kind {
            ModelKind::SenseVoice => {
                config.model_config.sense_voice = OfflineSenseVoiceModelConfig {
                    model,
                    language: Some("auto".to_owned()),
                    use_itn: numerals,
                };
            }
            ModelKind::Paraformer => {
                config.model_config.paraformer = OfflineParaformerModelConfig { model };
            }
            _ => config.model_config.zipformer_ctc = OfflineZipformerCtcModelConfig { model },
        }
        config.model_config.tokens = Some(text_of(&installed.tokens)?);
        config.model_config.num_threads = threads;
        config.model_config.provider = Some("cpu".to_owned());
        config.decoding_method = Some("greedy_search".to_owned());
        let recogniser = OfflineRecognizer::create(&config);
        recogniser.map(Self::Whole).with_context(|| failed(installed))
    }

    /// A whole stretch of speech, samples from -1 to 1.
    pub(super) fn read(&self, rate_hz: u32, wave: &[f32]) -> Heard {
        let wave = &at_16k(rate_hz, wave);
        match self {
            Self::Whole(_) if wave.len() * 1_000 < MIN_MS * RATE_HZ as usize => Heard::default(),
            Self::Whole(recogniser) => {
                let stream = recogniser.create_stream();
                stream.accept_waveform(RATE_HZ as i32, wave);
                recogniser.decode(&stream);
                let result = stream.get_result();
                result.map(|r| heard(&r.text, r.tokens, r.timestamps)).unwrap_or_default()
            }
            Self::Streaming(streaming) => streaming.read(RATE_HZ, wave),
        }
    }
}

/// The library would do the same, and write a line about it into the log each time.
fn at_16k(rate_hz: u32, wave: &[f32]) -> Vec<f32> {
    let resampler = (rate_hz != RATE_HZ).then(|| LinearResampler::create(rate_hz as i32, RATE_HZ as i32));
    resampler.flatten().map_or_else(|| wave.to_vec(), |r| r.resample(wave, true))
}

/// A recogniser that gives words while somebody speaks; one for all who do.
pub(super) struct Streaming(OnlineRecognizer);

impl Streaming {
    pub(super) fn load(installed: &Installed, threads: i32) -> anyhow::Result<Self> {
        let model = Some(text_of(&installed.model)?);
        let mut config = OnlineRecognizerConfig::default();
        match installed.kind {
            ModelKind::StreamingNemoCtc => {
                config.model_config.nemo_ctc = OnlineNemoCtcModelConfig { model };
            }
            _ => config.model_config.zipformer2_ctc = OnlineZipformer2CtcModelConfig { model },
        }
        config.model_config.tokens = Some(text_of(&installed.tokens)?);
        config.model_config.num_threads = threads;
        config.decoding_method = Some("greedy_search".to_owned());
        OnlineRecognizer::create(&config).map(Self).with_context(|| failed(installed))
    }

    /// A whole stretch of speech, samples from -1 to 1.
    pub(super) fn read(&self, rate_hz: u32, wave: &[f32]) -> Heard {
        let stream = self.begin();
        stream.accept_waveform(RATE_HZ as i32, &at_16k(rate_hz, wave));
        self.end(&stream, RATE_HZ)
    }

    pub(super) fn begin(&self) -> OnlineStream {
        self.0.create_stream()
    }

    pub(super) fn is_ready(&self, stream: &OnlineStream) -> bool {
        self.0.is_ready(stream)
    }

    /// One step of each of `ready`, in one go.
    pub(super) fn step(&self, ready: &[&OnlineStream]) {
        self.0.decode_multiple_streams(ready);
    }

    pub(super) fn so_far(&self, stream: &OnlineStream) -> Heard {
        let result: Option<RecognizerResult> = self.0.get_result(stream);
        result.map(|r| heard(&r.text, r.tokens, r.timestamps)).unwrap_or_default()
    }

    /// Everything that `stream` still holds; it takes no more sound.
    pub(super) fn end(&self, stream: &OnlineStream, rate_hz: u32) -> Heard {
        stream.accept_waveform(rate_hz as i32, &vec![0.0; TAIL_MS * rate_hz as usize / 1_000]);
        stream.input_finished();
        while self.0.is_ready(stream) {
            self.0.decode(stream);
        }
        self.so_far(stream)
    }
}

/// Puts what a recogniser wrote into the form that people read.
pub(super) struct Pen {
    punctuation: Option<OfflinePunctuation>,
    /// The recogniser sets marks and writes numerals itself.
    leave: bool,
}

impl Pen {
    pub(super) fn new(kind: ModelKind, punctuation: Option<&Path>) -> anyhow::Result<Self> {
        let leave = kind == ModelKind::SenseVoice;
        let load = |path: &Path| {
            let model = OfflinePunctuationModelConfig {
                ct_transformer: Some(text_of(path)?),
                num_threads: 1,
                ..OfflinePunctuationModelConfig::default()
            };
            OfflinePunctuation::create(&OfflinePunctuationConfig { model })
                .with_context(|| format!("{} cannot be loaded as a punctuation model", path.display()))
        };
        let punctuation = punctuation.filter(|_| !leave).map(load).transpose()?;
        Ok(Self { punctuation, leave })
    }

    /// Leaves everything as the recogniser wrote it.
    pub(super) fn none() -> Self {
        Self { punctuation: None, leave: true }
    }

    pub(super) fn write(&self, text: &str) -> String {
        if self.leave || text.is_empty() {
            return text.to_owned();
        }
        let marked = self.punctuation.as_ref().and_then(|p| p.add_punctuation(text));
        numbers::written(marked.as_deref().unwrap_or(text))
    }
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned())
}

fn failed(installed: &Installed) -> String {
    format!("{} cannot be loaded as {:?}", installed.model.display(), installed.kind)
}
