//! One leg as it is heard: sound in, stretches of speech out, each with its stream of words.
//!
//! Held for a leg: a third of a second of sound; while somebody speaks also a stream and, where a second recogniser
//! reads finished stretches, the stretch itself (at most 20 s, 0.6 MB).

use std::collections::VecDeque;

use sherpa_onnx::{LinearResampler, OnlineStream};

use super::turns::{Turn, Turns};
use crate::call::speech::engine::{RATE_HZ, Streaming};
use crate::call::vad::{Span, Stretches, Windows, to_f32};

/// What came before a stretch was noticed belongs to it: first consonants are quiet.
const BEFORE: usize = 300 * RATE_HZ as usize / 1_000;
/// Sound that is missing for less is silence within a stretch; a longer hole ends the stretch.
const MAX_HOLE_MS: u64 = 1_000;

/// Speech that goes on.
pub(super) struct Speech {
    pub(super) segment: u32,
    pub(super) start_ms: u64,
    pub(super) stream: OnlineStream,
    /// What it reads so far.
    pub(super) text: String,
    sound: Option<Vec<i16>>,
}

/// Speech that is over.
pub(super) struct Stretch {
    pub(super) speech: Speech,
    /// End of the voice.
    pub(super) end_ms: u64,
}

impl Stretch {
    /// Its sound, for the second recogniser.
    pub(super) fn take_sound(&mut self) -> Vec<i16> {
        self.speech.sound.take().unwrap_or_default()
    }
}

pub(super) struct Ear {
    rate_hz: u32,
    resampler: Option<LinearResampler>,
    /// The next sample of the leg, at its own rate.
    next: u64,
    /// The end of the last window, in samples at 16 kHz from the leg's first.
    heard: u64,
    windows: Windows,
    turns: Turns,
    /// As the recorder finds them where nobody listens to the running call.
    voice: Stretches,
    before: VecDeque<f32>,
    pub(super) speech: Option<Speech>,
    segments: u32,
    keep_sound: bool,
}

fn ms_of(samples: u64) -> u64 {
    samples * 1_000 / u64::from(RATE_HZ)
}

impl Ear {
    /// `at`: the first sample that will come.
    pub(super) fn new(rate_hz: u32, at: u64, keep_sound: bool) -> Self {
        let resampler = (rate_hz != RATE_HZ).then(|| {
            LinearResampler::create(rate_hz as i32, RATE_HZ as i32).expect("both rates are above zero")
        });
        let mut ear = Self {
            rate_hz,
            resampler,
            next: 0,
            heard: 0,
            windows: Windows::default(),
            turns: Turns::default(),
            voice: Stretches::default(),
            before: VecDeque::with_capacity(BEFORE + 256),
            speech: None,
            segments: 0,
            keep_sound,
        };
        ear.go_to(at);
        ear
    }

    fn go_to(&mut self, at: u64) {
        self.next = at;
        self.heard = at.saturating_mul(u64::from(RATE_HZ)) / u64::from(self.rate_hz);
        self.voice.go_to(self.heard_ms());
    }

    /// All speech of the leg, once it is over.
    pub(super) fn voice(self) -> Vec<Span> {
        self.voice.finish()
    }

    pub(super) fn heard_ms(&self) -> u64 {
        ms_of(self.heard)
    }

    /// Samples from `at` on. Returns the stretches that ended.
    pub(super) fn accept(
        &mut self,
        streaming: &Streaming,
        at: u64,
        rate_hz: u32,
        samples: &[i16],
    ) -> Vec<Stretch> {
        let mut over = Vec::new();
        if rate_hz != self.rate_hz {
            over.extend(self.end());
            let (segments, mut voice) = (self.segments, std::mem::take(&mut self.voice));
            let fresh = Self::new(rate_hz, at, self.keep_sound);
            voice.go_to(fresh.heard_ms());
            *self = Self { voice, segments, ..fresh };
        }
        let hole = at.saturating_sub(self.next);
        if hole * 1_000 > MAX_HOLE_MS * u64::from(rate_hz) {
            over.extend(self.end());
            self.go_to(at);
        } else if hole > 0 {
            let silence = self.at_16k(&vec![0.0; hole as usize]);
            self.listen(streaming, &silence, &mut over);
            self.next = at;
        }
        let wave = self.at_16k(&to_f32(samples));
        self.listen(streaming, &wave, &mut over);
        self.next += samples.len() as u64;
        over
    }

    /// The stretch that was going on; what comes next has nothing to do with what came before.
    pub(super) fn end(&mut self) -> Option<Stretch> {
        self.turns.reset();
        self.windows = Windows::default();
        self.before.clear();
        if let Some(resampler) = &self.resampler {
            resampler.resample(&[], true);
        }
        let end_ms = self.heard_ms();
        self.speech.take().map(|speech| Stretch { speech, end_ms })
    }

    fn at_16k(&self, wave: &[f32]) -> Vec<f32> {
        self.resampler.as_ref().map_or_else(|| wave.to_vec(), |resampler| resampler.resample(wave, false))
    }

    fn listen(&mut self, streaming: &Streaming, wave: &[f32], over: &mut Vec<Stretch>) {
        let mut windows = std::mem::take(&mut self.windows);
        windows.push(wave, |score, window| self.window(streaming, score, window, over));
        self.windows = windows;
    }

    fn window(&mut self, streaming: &Streaming, score: f32, window: &[f32], over: &mut Vec<Stretch>) {
        self.heard += window.len() as u64;
        self.voice.score(score);
        match self.turns.next(score) {
            Turn::Silence => {
                self.before.extend(window);
                let old = self.before.len().saturating_sub(BEFORE);
                self.before.drain(..old);
            }
            Turn::Begins => {
                self.before.extend(window);
                let sound: Vec<f32> = self.before.drain(..).collect();
                self.begin(streaming, self.heard - sound.len() as u64);
                self.feed(&sound);
            }
            Turn::Speech => self.feed(window),
            Turn::Ends { silent_ms } => {
                self.feed(window);
                let end_ms = self.heard_ms().saturating_sub(silent_ms);
                over.extend(self.speech.take().map(|speech| Stretch { speech, end_ms }));
            }
            Turn::Cut => {
                self.feed(window);
                let end_ms = self.heard_ms();
                over.extend(self.speech.take().map(|speech| Stretch { speech, end_ms }));
                self.begin(streaming, self.heard);
            }
        }
    }

    fn begin(&mut self, streaming: &Streaming, from: u64) {
        self.segments += 1;
        self.speech = Some(Speech {
            segment: self.segments,
            start_ms: ms_of(from),
            stream: streaming.begin(),
            text: String::new(),
            sound: self.keep_sound.then(Vec::new),
        });
    }

    fn feed(&mut self, wave: &[f32]) {
        let Some(speech) = &mut self.speech else { return };
        speech.stream.accept_waveform(RATE_HZ as i32, wave);
        if let Some(sound) = &mut speech.sound {
            sound.extend(wave.iter().map(|s| (s * 32_768.0).clamp(-32_768.0, 32_767.0) as i16));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::call::speech::Installed;
    use crate::call::vad::{Method, Vad};

    /// Speech of a leg is where the recorder finds it, however its sound is cut into pieces, and also behind sound that is
    /// missing, which is silence to the recorder.
    #[test]
    fn speech_is_where_the_recorder_finds_it() {
        let toys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech");
        let toy = Installed::at(&toys.join("toy-streaming-zipformer")).unwrap();
        let streaming = Streaming::load(&toy, 1).unwrap();
        let mut wav = hound::WavReader::open(toys.join("hello-8k.wav")).unwrap();
        let mut spoken = wav.samples().collect::<Result<Vec<i16>, _>>().unwrap();
        spoken.resize(spoken.len() + 4_000, 1);
        for (hole, apart_ms) in [(0, 0), (4_000, 0), (40_000, 2 * Windows::MS)] {
            let (mut ear, mut recorder) = (Ear::new(8_000, 0, false), Vad::new(&Method::Earshot, 8_000));
            let mut at = 0;
            for _ in 0..2 {
                for piece in spoken.chunks(800) {
                    ear.accept(&streaming, at, 8_000, piece);
                    at += piece.len() as u64;
                }
                at += hole;
                recorder.accept(&spoken);
                recorder.accept(&vec![0; hole as usize]);
            }
            ear.end();
            let (found, wanted) = (ear.voice(), recorder.finish());
            assert!(wanted.len() >= 2 && found.len() == wanted.len(), "{found:?} {wanted:?}");
            for (found, wanted) in found.iter().zip(&wanted) {
                let apart =
                    found.start_ms.abs_diff(wanted.start_ms).max(found.end_ms.abs_diff(wanted.end_ms));
                assert!(apart <= apart_ms, "{found:?} {wanted:?}");
            }
        }
    }
}
