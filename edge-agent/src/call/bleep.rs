//! A recording that leaves the box without the private numbers that are spoken in it: a tone stands in their place, on the
//! side that says them. The recording itself stays as it is, and on the box.
//!
//! Where a number stands is estimated from its place among the characters of what was said without a pause
//! ([`super::redact`]), with room on both sides. What no recogniser has understood cannot be found.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context;
use protocol::{Delivery, Evidence, Leg};

use super::archive;
use super::filing::seal;
use super::record::Spoken;
use crate::report::EvidenceFile;

/// A telephone's own tone, well below speech: nobody who listens through headphones is startled.
const TONE_HZ: f32 = 1_000.0;
const TONE_LEVEL: f32 = 2_000.0;

/// Writes a copy of `recording`, the file of `original`, with a tone over each stretch of `private`, beside it and named by
/// its content. Blocks. The same stretches make the same file.
pub(super) fn copy(
    recording: &Path,
    original: &Evidence,
    private: &[Spoken],
) -> anyhow::Result<EvidenceFile> {
    let folder = recording.parent().context("a recording lies in a folder")?;
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
    let channels = u64::from(spec.channels);
    let mut out = hound::WavWriter::new(BufWriter::new(File::create(to)?), spec)?;
    let step = TONE_HZ * std::f32::consts::TAU / spec.sample_rate as f32;
    for (index, sample) in (0_u64..).zip(wav.samples::<i16>()) {
        let (frame, channel) = (index / channels, index % channels);
        let at_ms = frame * 1_000 / u64::from(spec.sample_rate);
        // A file of one channel has both sides in it.
        let is_own = |spoken: &Spoken| channels == 1 || channel == u64::from(spoken.leg == Leg::Operator);
        let is_private = private.iter().any(|p| (p.start_ms..p.end_ms).contains(&at_ms) && is_own(p));
        let phase = (frame % u64::from(spec.sample_rate)) as f32 * step;
        out.write_sample(if is_private { (phase.sin() * TONE_LEVEL) as i16 } else { sample? })?;
    }
    out.finalize()
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
        let made = copy(&path, &original, &private).unwrap();
        assert!(made.evidence.masked && made.path.exists());
        assert_eq!((made.evidence.starts_at, made.evidence.duration_ms), (UtcMs(7), Some(2_000)));
        assert_eq!(copy(&path, &original, &private).unwrap(), made);
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
