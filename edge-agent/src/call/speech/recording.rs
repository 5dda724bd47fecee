//! Recordings of calls, as the box and others write them.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use protocol::Leg;

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
