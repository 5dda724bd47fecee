//! The AudioSocket wire (Asterisk `res_audiosocket`): `kind: u8 | length: u16 big-endian | payload`.
//! Pure and incremental: bytes in at any chunking, frames out. A frame's header is judged as soon as its three
//! bytes are there, so garbage is refused at once and no more than one frame (64 KiB) is ever held.

use uuid::Uuid;

/// One message of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Hangup,
    /// Which call leg this is; always first.
    Id(Uuid),
    /// A key pressed: one ASCII character.
    Dtmf(u8),
    /// Signed 16-bit mono.
    Audio {
        rate_hz: u32,
        samples: Vec<i16>,
    },
    /// The exchange failed; its own code.
    Error(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("byte {at}: kind {kind:#04x} is not AudioSocket; does something else connect to this port?")]
    Kind { kind: u8, at: u64 },
    #[error("byte {at}: a frame of kind {kind:#04x} cannot be {length} bytes long")]
    Length { kind: u8, length: u16, at: u64 },
}

const HANGUP: u8 = 0x00;
const ID: u8 = 0x01;
const DTMF: u8 = 0x03;
const ERROR: u8 = 0xff;

/// Kinds 0x10 to 0x16, in order.
const RATES_HZ: [u32; 7] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000];

fn rate_of(kind: u8) -> Option<u32> {
    RATES_HZ.get(usize::from(kind.checked_sub(0x10)?)).copied()
}

#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
    /// Bytes of whole frames given out so far.
    at: u64,
}

impl Decoder {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole frame, `None` when more bytes are needed. After an error the stream is lost.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, WireError> {
        let [kind, high, low, ..] = self.held[..] else { return Ok(None) };
        let length = u16::from_be_bytes([high, low]);
        let rate = rate_of(kind);
        let fits = match kind {
            HANGUP => length == 0,
            ID => length == 16,
            DTMF => length == 1,
            ERROR => length <= 255,
            _ if rate.is_some() => length.is_multiple_of(2),
            _ => return Err(WireError::Kind { kind, at: self.at }),
        };
        if !fits {
            return Err(WireError::Length { kind, length, at: self.at });
        }
        let end = 3 + usize::from(length);
        if self.held.len() < end {
            return Ok(None);
        }
        let payload = &self.held[3..end];
        let frame = match (kind, rate) {
            (_, Some(rate_hz)) => Frame::Audio {
                rate_hz,
                samples: payload.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect(),
            },
            (ID, _) => Frame::Id(Uuid::from_slice(payload).expect("the length was checked to be 16")),
            (DTMF, _) => Frame::Dtmf(payload[0]),
            (HANGUP, _) => Frame::Hangup,
            _ => Frame::Error(payload.to_vec()),
        };
        self.held.drain(..end);
        self.at += end as u64;
        Ok(Some(frame))
    }
}

/// The bytes of `frame`, for those who play the exchange. Audio at a rate the wire does not know, or longer than
/// one frame holds (32,767 samples), cannot be written.
pub fn encode(frame: &Frame) -> Option<Vec<u8>> {
    let (kind, payload) = match frame {
        Frame::Hangup => (HANGUP, Vec::new()),
        Frame::Id(id) => (ID, id.as_bytes().to_vec()),
        Frame::Dtmf(key) => (DTMF, vec![*key]),
        Frame::Error(code) => (ERROR, code.clone()),
        Frame::Audio { rate_hz, samples } => {
            let index = RATES_HZ.iter().position(|r| r == rate_hz)?;
            (0x10 + index as u8, samples.iter().flat_map(|s| s.to_le_bytes()).collect())
        }
    };
    let mut bytes = vec![kind];
    bytes.extend(u16::try_from(payload.len()).ok()?.to_be_bytes());
    bytes.extend(payload);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame() -> impl Strategy<Value = Frame> {
        prop_oneof![
            Just(Frame::Hangup),
            any::<u128>().prop_map(|n| Frame::Id(Uuid::from_u128(n))),
            any::<u8>().prop_map(Frame::Dtmf),
            proptest::collection::vec(any::<u8>(), 0..256).prop_map(Frame::Error),
            (0..RATES_HZ.len(), proptest::collection::vec(any::<i16>(), 0..700))
                .prop_map(|(rate, samples)| Frame::Audio { rate_hz: RATES_HZ[rate], samples }),
        ]
    }

    fn decode_all(decoder: &mut Decoder) -> Result<Vec<Frame>, WireError> {
        let mut out = Vec::new();
        while let Some(frame) = decoder.next_frame()? {
            out.push(frame);
        }
        Ok(out)
    }

    proptest! {
        /// Any frames, cut anywhere, come back the same.
        #[test]
        fn chunking_does_not_matter(
            frames in proptest::collection::vec(frame(), 0..12),
            cuts in proptest::collection::vec(1_usize..900, 1..40),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|f| encode(f).unwrap()).collect();
            let mut decoder = Decoder::default();
            let mut out = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                decoder.feed(now);
                out.extend(decode_all(&mut decoder).unwrap());
                rest = later;
            }
            prop_assert_eq!(out, frames);
            prop_assert!(decoder.held.is_empty());
        }

        /// Any bytes at all end in frames or a clear error, and never more than one frame is held.
        #[test]
        fn garbage_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..4_000)) {
            let mut decoder = Decoder::default();
            for chunk in bytes.chunks(7) {
                decoder.feed(chunk);
                if let Err(error) = decode_all(&mut decoder) {
                    prop_assert!(error.to_string().starts_with("byte "));
                    return Ok(());
                }
                prop_assert!(decoder.held.len() < 3 + 65_536);
            }
        }
    }

    /// The bytes of the protocol's own description: 20 ms at 8 kHz is 320 bytes; an HTTP request is not ours.
    #[test]
    fn known_bytes() {
        let audio = Frame::Audio { rate_hz: 8_000, samples: vec![-2; 160] };
        let bytes = encode(&audio).unwrap();
        assert_eq!(&bytes[..5], [0x10, 0x01, 0x40, 0xfe, 0xff]);
        let mut decoder = Decoder::default();
        decoder.feed(b"GET / HTTP/1.1\r\n");
        assert_eq!(decoder.next_frame(), Err(WireError::Kind { kind: b'G', at: 0 }));
        let mut decoder = Decoder::default();
        decoder.feed(&[0x01, 0, 15]);
        assert_eq!(decoder.next_frame(), Err(WireError::Length { kind: 1, length: 15, at: 0 }));
    }
}
