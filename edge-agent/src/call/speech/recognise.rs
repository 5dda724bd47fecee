//! Segments of speech to words.

use protocol::Segment;
use serde::Serialize;

use super::engine::{Engine, Pen, Token};
use super::recording::Recording;
use super::{Installed, selftest};
use crate::call::record::Spoken;
use crate::call::vad::to_f32;

/// Recognisers like a little air around the words.
const MARGIN_MS: u64 = 120;
const THREADS: i32 = 2;

pub(super) struct Recogniser {
    engine: Engine,
    pen: Pen,
}

/// A segment and, where the model tells them, the times of its characters in the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) segment: Segment,
    /// As they were spoken: numbers are not written in digits here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tokens: Vec<Token>,
}

impl Recogniser {
    /// One that does not pass its self-test is an error.
    pub(super) fn load(installed: &Installed, punctuation: Option<&std::path::Path>) -> anyhow::Result<Self> {
        let engine = Engine::load(installed, THREADS, true)?;
        selftest::hold(installed, |rate_hz, wave| engine.read(rate_hz, wave))?;
        Ok(Self { engine, pen: Pen::new(installed.kind, punctuation)? })
    }

    /// As it was spoken, without numerals and punctuation: for measuring.
    pub(super) fn load_as_spoken(installed: &Installed) -> anyhow::Result<Self> {
        let engine = Engine::load(installed, THREADS, false)?;
        Ok(Self { engine, pen: Pen::none() })
    }

    /// The words of each stretch of speech in a recording, in order of time; stretches without words are left out.
    pub(super) fn transcribe(
        &self,
        recording: &mut Recording,
        speech: &[Spoken],
    ) -> anyhow::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for spoken in speech {
            let (from, to) = (spoken.start_ms.saturating_sub(MARGIN_MS), spoken.end_ms + MARGIN_MS);
            let wave = to_f32(&recording.side(spoken.leg, from, to)?);
            let heard = self.engine.read(recording.rate_hz, &wave);
            if heard.text.is_empty() {
                continue;
            }
            let segment = Segment {
                leg: spoken.leg,
                start_ms: spoken.start_ms,
                end_ms: spoken.end_ms,
                text: self.pen.write(&heard.text),
            };
            let moved = heard.tokens.into_iter().map(|t| Token { at_ms: from + t.at_ms, ..t });
            lines.push(Line { segment, tokens: moved.collect() });
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Leg;
    use std::path::Path;

    const RATE_HZ: u32 = 8_000;

    fn toy(name: &str) -> Recogniser {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech").join(name);
        Recogniser::load(&Installed::at(&folder).unwrap(), None).unwrap()
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
                .map(|l| (l.segment.leg, l.segment.start_ms, l.segment.text))
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
