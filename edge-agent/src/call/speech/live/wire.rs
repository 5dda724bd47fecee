//! What passes between the box and the process that hears calls as they run.
//!
//! In: frames. One byte says what it is, eight which leg; numbers are little-endian.
//!
//! ```text
//! 1 audio   leg u64, first sample u64, rate in Hz u32, count u32, samples s16
//! 2 end     leg u64
//! 3 tick    number u64
//! ```
//!
//! Out: a line of JSON each ([`Says`]).

use std::io::{self, Read};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(in crate::call::speech) use super::super::engine::Token;
use crate::call::vad::Span;

/// Longest piece of sound in one frame.
pub(in crate::call) const MAX_SAMPLES: usize = 1 << 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::call) enum Frame {
    /// `at`: which of the leg's samples is the first one here. What is left out between two pieces was not heard.
    Audio { leg: u64, at: u64, rate_hz: u32, samples: Vec<i16> },
    /// The leg is over.
    End { leg: u64 },
    /// Answered when everything before it has been heard.
    Tick { number: u64 },
}

impl Frame {
    pub(in crate::call) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Audio { leg, at, rate_hz, samples } => {
                out.push(1);
                out.extend(leg.to_le_bytes());
                out.extend(at.to_le_bytes());
                out.extend(rate_hz.to_le_bytes());
                out.extend((samples.len() as u32).to_le_bytes());
                out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
            }
            Self::End { leg } => {
                out.push(2);
                out.extend(leg.to_le_bytes());
            }
            Self::Tick { number } => {
                out.push(3);
                out.extend(number.to_le_bytes());
            }
        }
    }

    /// The next frame; `None` where the input ends between two.
    pub(in crate::call::speech) fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        let mut kind = [0];
        if input.read(&mut kind)? == 0 {
            return Ok(None);
        }
        let bad = |words: String| io::Error::new(io::ErrorKind::InvalidData, words);
        let leg = u64::from_le_bytes(take(input)?);
        match kind[0] {
            1 => {
                let at = u64::from_le_bytes(take(input)?);
                let (rate_hz, count) = (u32::from_le_bytes(take(input)?), u32::from_le_bytes(take(input)?));
                if !(1..=192_000).contains(&rate_hz) || count as usize > MAX_SAMPLES {
                    return Err(bad(format!("{count} samples at {rate_hz} Hz are no piece of sound")));
                }
                let mut bytes = vec![0; count as usize * 2];
                input.read_exact(&mut bytes)?;
                let samples = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
                Ok(Some(Self::Audio { leg, at, rate_hz, samples }))
            }
            2 => Ok(Some(Self::End { leg })),
            3 => Ok(Some(Self::Tick { number: leg })),
            other => Err(bad(format!("a frame of kind {other}"))),
        }
    }
}

fn take<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What somebody is saying or has said on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::call) struct Words {
    pub(in crate::call) leg: u64,
    /// Counts the leg's stretches of speech; partial words and the final ones of a stretch have the same number.
    pub(in crate::call) segment: u32,
    /// From the leg's first sample.
    pub(in crate::call) start_ms: u64,
    pub(in crate::call) end_ms: u64,
    /// Empty when what seemed to be words were none.
    pub(in crate::call) text: String,
    /// Of final words, as spoken, where the model tells their times; from the leg's first sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::call) tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(in crate::call) enum Says {
    /// Before it reads a model's file, which may be its end.
    Loading {
        model: PathBuf,
    },
    /// The one that it loaded last is not fit for work; it ends.
    Refused {
        reason: String,
    },
    /// The models are loaded and have passed their self-test.
    Ready,
    Partial(Words),
    Final(Words),
    /// Every word of the leg has been said. `speech`: where somebody spoke, with or without words.
    Ended {
        leg: u64,
        speech: Vec<Span>,
    },
    /// Everything before that tick has been heard.
    Tock {
        number: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Frames come out as they went in; a cut one is an error, and so is what is none.
    #[test]
    fn frames_come_through() {
        let frames = [
            Frame::Audio { leg: 7, at: 1 << 40, rate_hz: 8_000, samples: vec![1, -2, i16::MIN] },
            Frame::Audio { leg: 7, at: 3, rate_hz: 48_000, samples: vec![] },
            Frame::Tick { number: 9 },
            Frame::End { leg: 7 },
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|f| f.encode(&mut bytes));
        let mut input = &bytes[..];
        for frame in &frames {
            assert_eq!(Frame::read(&mut input).unwrap().as_ref(), Some(frame));
        }
        assert_eq!(Frame::read(&mut input).unwrap(), None);
        let mut first = Vec::new();
        frames[0].encode(&mut first);
        for cut in 1..first.len() {
            assert!(Frame::read(&mut &first[..cut]).is_err(), "{cut} bytes were taken");
        }
    }

    proptest! {
        /// Whatever comes, reading ends and asks for no more memory than a frame may have.
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut input = &bytes[..];
            while let Ok(Some(_)) = Frame::read(&mut input) {}
        }
    }
}
