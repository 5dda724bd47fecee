//! A recording that leaves the box without the private numbers that are spoken in it: a tone stands in their place, on the
//! side that says them. The recording itself stays as it is, and on the box.
//!
//! Where a number stands is estimated from its place among the characters of what was said without a pause
//! ([`super::redact`]), with room on both sides. What no recogniser has understood cannot be found.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, ensure};
use protocol::{Delivery, Evidence, Leg};

use super::archive;
use super::filing::seal;
use super::record::Spoken;
use crate::outbox::free_bytes;
use crate::report::EvidenceFile;

/// A telephone's own tone, well below speech: nobody who listens through headphones is startled.
const TONE_HZ: f32 = 1_000.0;
const TONE_LEVEL: f32 = 2_000.0;

/// Writes a copy of `recording`, the file of `original`, with a tone over each stretch of `private`, beside it and named by
/// its content, where the disk has room for it above `reserve_bytes`. Blocks. The same stretches make the same file.
pub(super) fn copy(
    recording: &Path,
    original: &Evidence,
    private: &[Spoken],
    reserve_bytes: u64,
) -> anyhow::Result<EvidenceFile> {
    let folder = recording.parent().context("a recording lies in a folder")?;
    ensure!(
        free_bytes(folder).unwrap_or(u64::MAX) >= reserve_bytes.saturating_add(original.size_bytes),
        "the disk of this box has no room for a copy of the recording without private numbers"
    );
    let partial = recording.with_extension("bleeped.partial");
    write(recording, &partial, private).context("a recording cannot be bleeped")?;
    let (sha256, size_bytes) = seal(&partial).context("cannot read a bleeped recording back")?;
    let path = folder.join(format!("{sha256}.wav"));
    fs::rename(&partial, &path).with_context(|| format!("cannot name the recording {}", path.display()))?;
    archive::sync_folder(&path).context("cannot sync the folder of recordings")?;
    // It is made because somebody asked.
    let delivery = Delivery::Automatic;
    Ok(EvidenceFile {
        evidence: Evidence { sha256, size_bytes, delivery, masked: true, ..original.clone() },
        path,
    })
}

fn write(from: &Path, to: &Path, private: &[Spoken]) -> Result<(), hound::Error> {
    let mut wav = hound::WavReader::open(from)?;
    let spec = wav.spec();
    let (channels, rate_hz) = (usize::from(spec.channels), u64::from(spec.sample_rate));
    let mut out = hound::WavWriter::new(BufWriter::new(File::create(to)?), spec)?;
    let step = TONE_HZ * std::f32::consts::TAU / rate_hz as f32;
    let mut sides: Vec<Side> =
        (0..channels).map(|channel| Side::of(private, channel, channels, rate_hz)).collect();
    let (mut frame, mut channel) = (0_u64, 0);
    for sample in wav.samples::<i16>() {
        let sample = sample?;
        let tone = || ((frame % rate_hz) as f32 * step).sin() * TONE_LEVEL;
        out.write_sample(if sides[channel].holds(frame) { tone() as i16 } else { sample })?;
        channel += 1;
        if channel == channels {
            (frame, channel) = (frame + 1, 0);
        }
    }
    out.finalize()
}

/// The stretches of one channel, in frames, in order; those that are past go.
struct Side(VecDeque<Range<u64>>);

impl Side {
    fn of(private: &[Spoken], channel: usize, channels: usize, rate_hz: u64) -> Self {
        // A file of one channel has both sides in it.
        let own = private.iter().filter(|p| channels == 1 || channel == usize::from(p.leg == Leg::Operator));
        let frames = |p: &Spoken| p.start_ms * rate_hz / 1_000..p.end_ms * rate_hz / 1_000;
        let mut stretches: Vec<Range<u64>> = own.map(frames).collect();
        stretches.sort_by_key(|stretch| stretch.start);
        Self(stretches.into())
    }

    fn holds(&mut self, frame: u64) -> bool {
        while self.0.front().is_some_and(|stretch| stretch.end <= frame) {
            self.0.pop_front();
        }
        // A later one may begin before this one ends, and end first.
        self.0.front().is_some_and(|stretch| stretch.start <= frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{EvidenceKind, UtcMs};

    /// Only the stretch is a tone, only on the side that speaks; length and form stay.
    #[test]
    fn bleeps_one_side() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(&path, spec).unwrap();
        for _ in 0..16_000 {
            wav.write_sample(5_i16).unwrap();
            wav.write_sample(6_i16).unwrap();
        }
        wav.finalize().unwrap();
        let original = Evidence {
            sha256: "0".repeat(64).parse().unwrap(),
            kind: EvidenceKind::Recording,
            media_type: "audio/wav".to_owned(),
            size_bytes: 1,
            delivery: Delivery::OnRequest,
            starts_at: UtcMs(7),
            duration_ms: Some(2_000),
            masked: false,
            blurred: false,
            footage: None,
        };
        let private = [Spoken { leg: Leg::Caller, start_ms: 500, end_ms: 1_000 }];
        let made = copy(&path, &original, &private, 0).unwrap();
        assert!(made.evidence.masked && made.path.exists());
        assert_eq!((made.evidence.starts_at, made.evidence.duration_ms), (UtcMs(7), Some(2_000)));
        assert_eq!(copy(&path, &original, &private, 0).unwrap(), made);
        let full = copy(&path, &original, &private, u64::MAX).unwrap_err();
        assert!(full.to_string().contains("no room"), "{full}");
        let mut read = hound::WavReader::open(&made.path).unwrap();
        assert_eq!((read.spec(), read.duration()), (spec, 16_000));
        let samples: Vec<i16> = read.samples().map(Result::unwrap).collect();
        let (left, right): (Vec<i16>, Vec<i16>) = samples.chunks(2).map(|f| (f[0], f[1])).unzip();
        assert!(right.iter().all(|s| *s == 6));
        assert!(left[..4_000].iter().chain(&left[8_000..]).all(|s| *s == 5));
        let tone = &left[4_000..8_000];
        let loudness = (tone.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / 4_000.0).sqrt();
        assert!((1_300.0..1_500.0).contains(&loudness), "{loudness}");
    }
}
