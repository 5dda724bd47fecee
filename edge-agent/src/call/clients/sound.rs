//! Sound as clients of recognisers send it: signed 16-bit little-endian PCM of one channel, in pieces of any size, now
//! and then with the header of a WAV file before it, which is skipped and believed.
//!
//! A file comes as fast as the network carries it. It is handed on as it would be spoken, a second ahead at most: who
//! hears calls as they run hears all of it that way, and nobody else's call waits behind it.

use std::time::Duration;

use tokio::time::Instant;

use crate::call::tap::Heard;

/// How far ahead of the clock sound is handed on, and how much at a time.
const LEAD: Duration = Duration::from_secs(1);
const PIECES_PER_S: usize = 5;
/// Files with more before their sound are none that a recogniser's client sends.
const MAX_HEADER: usize = 4_096;

#[derive(Debug)]
pub(super) struct Sound {
    rate_hz: u32,
    held: Vec<u8>,
    /// Where what was handed on would have been spoken to its end.
    spoken: Option<Instant>,
    /// Nothing was handed on, so a header may still come.
    at_start: bool,
    /// It is handed on as fast as it is taken.
    hurried: bool,
}

impl Sound {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz, held: Vec::new(), spoken: None, at_start: true, hurried: false }
    }

    /// More of it; the error is for people. Bounded by taking none before the last is handed on.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.held.extend_from_slice(bytes);
        if self.at_start
            && let Start::Sound { skip, rate_hz } = start(&self.held)?
        {
            self.held.drain(..skip);
            self.rate_hz = rate_hz.unwrap_or(self.rate_hz);
            self.at_start = false;
        }
        Ok(())
    }

    /// Nothing can be handed on before more comes.
    pub(super) fn is_empty(&self) -> bool {
        self.at_start || self.held.len() < 2
    }

    /// From when on the next piece may be handed on.
    pub(super) fn due(&self) -> Instant {
        let now = Instant::now();
        let paced = self.spoken.filter(|_| !self.hurried);
        paced.and_then(|spoken| spoken.checked_sub(LEAD)).unwrap_or(now)
    }

    /// There is no time left to wait.
    pub(super) fn hurry(&mut self) {
        self.hurried = true;
    }

    pub(super) fn piece(&mut self) -> Heard {
        let most = (self.rate_hz as usize / PIECES_PER_S).max(1);
        let count = most.min(self.held.len() / 2);
        let samples: Vec<i16> =
            self.held[..count * 2].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        self.held.drain(..count * 2);
        let lasts = Duration::from_secs(count as u64) / self.rate_hz.max(1);
        let now = Instant::now();
        self.spoken = Some(self.spoken.map_or(now, |spoken| spoken.max(now)) + lasts);
        Heard::Sound { rate_hz: self.rate_hz, samples }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// Sound begins after so many bytes.
    Sound { skip: usize, rate_hz: Option<u32> },
    /// Too few bytes to tell.
    More,
}

/// Looks for the header of a WAV file.
fn start(bytes: &[u8]) -> Result<Start, String> {
    let sound = Start::Sound { skip: 0, rate_hz: None };
    if bytes.is_empty() {
        return Ok(Start::More);
    }
    let (riff, wave) = (b"RIFF".as_slice(), b"WAVE".as_slice());
    if bytes.len() < 12 {
        let may_be = riff.starts_with(&bytes[..bytes.len().min(4)]);
        return Ok(if may_be { Start::More } else { sound });
    }
    if &bytes[..4] != riff || &bytes[8..12] != wave {
        return Ok(sound);
    }
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (mut at, mut rate_hz) = (12, None);
    while let Some(length) = u32_at(at + 4) {
        match &bytes[at..at + 4] {
            b"fmt " => {
                let form = (u16_at(at + 8), u16_at(at + 10), u32_at(at + 12), u16_at(at + 22));
                let (Some(kind), Some(channels), Some(rate), Some(bits)) = form else { break };
                // The second number says that the kind is told further on; with 16 bits that is PCM.
                if !matches!(kind, 1 | 0xfffe) || channels != 1 || bits != 16 {
                    return Err(format!(
                        "a WAV file must be PCM of 16 bits and one channel, not kind {kind}, {bits} bits, {channels} \
                         channels"
                    ));
                }
                if !(8_000..=48_000).contains(&rate) {
                    return Err(format!("a WAV file must have 8000 to 48000 Hz, not {rate}"));
                }
                rate_hz = Some(rate);
            }
            b"data" => return Ok(Start::Sound { skip: at + 8, rate_hz }),
            _ => {}
        }
        let padded = (length as usize).saturating_add(length as usize & 1);
        at = at.saturating_add(8).saturating_add(padded);
        if at > MAX_HEADER {
            break;
        }
    }
    if bytes.len() > MAX_HEADER || at > MAX_HEADER {
        return Err(format!(
            "a WAV file without sound in its first {MAX_HEADER} bytes; send its sound alone"
        ));
    }
    Ok(Start::More)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wav(channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate_hz,
            bits_per_sample: bits,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        (1..=i32::from(channels) * 40).for_each(|s| writer.write_sample(s).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn all(sound: &mut Sound) -> (u32, Vec<i16>) {
        let (mut rate, mut out) = (0, Vec::new());
        while !sound.is_empty() {
            let Heard::Sound { rate_hz, samples } = sound.piece() else { panic!("sound") };
            rate = rate_hz;
            out.extend(samples);
        }
        (rate, out)
    }

    /// A header is skipped however it is cut, and its rate believed; sound without one is untouched.
    #[tokio::test]
    async fn headers_are_skipped() {
        let file = wav(1, 16_000, 16);
        for size in [1, 7, 44, 4_000] {
            let mut sound = Sound::new(8_000);
            file.chunks(size).for_each(|piece| sound.take(piece).unwrap());
            assert_eq!(all(&mut sound), (16_000, (1..=40).collect()), "{size}");
        }
        let mut sound = Sound::new(8_000);
        sound.take(b"RI").unwrap();
        assert!(sound.is_empty());
        sound.take(b"xx").unwrap();
        assert_eq!(all(&mut sound).1.len(), 2);
        for (file, words) in
            [(wav(2, 8_000, 16), "2 channels"), (wav(1, 8_000, 24), "24 bits"), (wav(1, 96_000, 16), "96000")]
        {
            let error = Sound::new(8_000).take(&file).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let mut endless = file[..36].to_vec();
        endless.extend(b"junk\xff\xff\xff\x7f");
        assert!(Sound::new(8_000).take(&endless).unwrap_err().contains("4096"));
    }

    /// As much as is sent at once, no more is handed on than a second ahead; who pauses may not make up for it.
    #[tokio::test(start_paused = true)]
    async fn a_second_ahead_at_most() {
        let mut sound = Sound::new(8_000);
        sound.take(&vec![1; 8_000 * 2 * 10]).unwrap();
        let begun = Instant::now();
        let mut handed = 0;
        while sound.due() <= Instant::now() {
            let Heard::Sound { samples, .. } = sound.piece() else { panic!("sound") };
            handed += samples.len();
        }
        assert!((8_000..=9_600).contains(&handed), "{handed}");
        assert!(sound.due() > begun && sound.due() <= begun + Duration::from_millis(200));
        tokio::time::advance(Duration::from_secs(60)).await;
        handed = 0;
        while sound.due() <= Instant::now() {
            let Heard::Sound { samples, .. } = sound.piece() else { panic!("sound") };
            handed += samples.len();
        }
        assert!((8_000..=9_600).contains(&handed), "{handed} after a pause");
    }

    proptest! {
        /// Whatever comes, in whatever pieces, is refused or read, and held no longer than until it is handed on.
        #[test]
        fn any_bytes(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8), riff in any::<bool>()) {
            let mut sound = Sound::new(8_000);
            let mut wanted = Vec::new();
            if riff {
                wanted.extend_from_slice(b"RIFF....WAVE");
            }
            wanted.extend(pieces.concat());
            for piece in wanted.chunks(5) {
                if sound.take(piece).is_err() {
                    return Ok(());
                }
            }
            prop_assert!(sound.held.len() <= wanted.len());
        }
    }
}
