//! RTP with G.711 (RFC 3550, RFC 3551): from packets as the network brings them to samples in their order. Pure: told
//! the uptime, asks no clock.
//!
//! A packet that is missing is waited for a moment; what never comes is silence, as long as the timestamps say, so that
//! both sides of a call stay in step. Held at most: [`MAX_HELD`] packets. Deliberately absent: loss concealment,
//! since a recording shows what was heard.

use std::collections::BTreeMap;

/// Hertz, of G.711 always.
pub const RATE_HZ: u32 = 8_000;
/// A missing packet is waited for this long.
const WAIT_MS: u64 = 80;
/// Packets that wait for one before them.
const MAX_HELD: usize = 64;
/// A jump of timestamps beyond this is a new clock, not a pause: ten seconds.
const MAX_PAUSE: u32 = 10 * RATE_HZ;
/// A sequence number this far off is another sender's.
const MAX_AHEAD: i64 = 1_000;

/// How samples are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// µ-law, payload type 0.
    Mu,
    /// A-law, payload type 8.
    A,
}

/// One packet, its payload still packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: &'a [u8],
}

/// Reads a datagram; `None` when it is no RTP.
pub fn parse(datagram: &[u8]) -> Option<Packet<'_>> {
    let [first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3, rest @ ..] = datagram else { return None };
    if first >> 6 != 2 {
        return None;
    }
    let mut payload = rest.get(usize::from(first & 0x0f) * 4..)?;
    if first & 0x10 != 0 {
        let [_, _, high, low, ..] = *payload else { return None };
        payload = payload.get(4 + usize::from(u16::from_be_bytes([high, low])) * 4..)?;
    }
    if first & 0x20 != 0 {
        let padding = usize::from(*payload.last()?);
        payload = payload.get(..payload.len().checked_sub(padding)?)?;
    }
    Some(Packet {
        payload_type: second & 0x7f,
        sequence: u16::from_be_bytes([*s0, *s1]),
        timestamp: u32::from_be_bytes([*t0, *t1, *t2, *t3]),
        ssrc: u32::from_be_bytes([*i0, *i1, *i2, *i3]),
        payload,
    })
}

/// One sample (ITU-T G.711).
pub fn expand(law: Law, packed: u8) -> i16 {
    match law {
        Law::Mu => {
            let bits = !packed;
            let magnitude = (((i32::from(bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
            (if bits & 0x80 != 0 { -magnitude } else { magnitude }) as i16
        }
        Law::A => {
            let bits = packed ^ 0x55;
            let (segment, low) = ((bits & 0x70) >> 4, i32::from(bits & 0x0f) << 4);
            let magnitude = if segment == 0 { low + 8 } else { (low + 0x108) << (segment - 1) };
            (if bits & 0x80 != 0 { magnitude } else { -magnitude }) as i16
        }
    }
}

/// Puts the packets of one stream in order.
#[derive(Debug, Default)]
pub struct Jitter {
    ssrc: Option<u32>,
    /// Sequence number, counted on beyond 16 bits, and timestamp of what comes next.
    next: Option<(i64, u32)>,
    held: BTreeMap<i64, Held>,
    /// Packets that came too late, twice, or from nowhere.
    pub dropped: u64,
}

#[derive(Debug)]
struct Held {
    since_ms: u64,
    timestamp: u32,
    samples: Vec<i16>,
}

impl Jitter {
    /// A packet came at `now_ms`. Returns the samples that are next by now.
    pub fn arrive(&mut self, now_ms: u64, packet: Packet<'_>, law: Law) -> Vec<i16> {
        let mut ready = Vec::new();
        if self.ssrc != Some(packet.ssrc) {
            ready = self.flush();
            self.ssrc = Some(packet.ssrc);
            self.next = None;
        }
        let (mut place, _) = *self.next.get_or_insert((i64::from(packet.sequence), packet.timestamp));
        let ahead = i64::from(packet.sequence.wrapping_sub(place as u16) as i16);
        if !(-MAX_AHEAD..=MAX_AHEAD).contains(&ahead) {
            // The sender began anew.
            ready.append(&mut self.flush());
            place = i64::from(packet.sequence);
            self.next = Some((place, packet.timestamp));
        } else if ahead < 0 || self.held.contains_key(&(place + ahead)) {
            self.dropped += 1;
            return ready;
        } else {
            place += ahead;
        }
        let samples = packet.payload.iter().map(|packed| expand(law, *packed)).collect();
        self.held.insert(place, Held { since_ms: now_ms, timestamp: packet.timestamp, samples });
        ready.append(&mut self.ready(now_ms));
        ready
    }

    /// The samples that are next by `now_ms`: those in order, and those that have waited long enough.
    pub fn ready(&mut self, now_ms: u64) -> Vec<i16> {
        let mut out = Vec::new();
        while let (Some((first, held)), Some((next, _))) = (self.held.first_key_value(), self.next) {
            let waited = now_ms.saturating_sub(held.since_ms) >= WAIT_MS || self.held.len() > MAX_HELD;
            if *first != next && !waited {
                break;
            }
            self.release(&mut out);
        }
        out
    }

    /// Milliseconds until [`Self::ready`] may have more.
    pub fn wait_ms(&self, now_ms: u64) -> Option<u64> {
        let since_ms = self.held.first_key_value()?.1.since_ms;
        Some((since_ms + WAIT_MS).saturating_sub(now_ms))
    }

    /// All that is held: the stream is over.
    pub fn flush(&mut self) -> Vec<i16> {
        let mut out = Vec::new();
        while !self.held.is_empty() {
            self.release(&mut out);
        }
        out
    }

    fn release(&mut self, out: &mut Vec<i16>) {
        let Some((place, Held { timestamp, mut samples, .. })) = self.held.pop_first() else { return };
        let due = self.next.map_or(timestamp, |(_, due)| due);
        let after = timestamp.wrapping_add(samples.len() as u32);
        let early = due.wrapping_sub(timestamp);
        let gap = timestamp.wrapping_sub(due);
        if gap <= MAX_PAUSE {
            out.resize(out.len() + gap as usize, 0);
        } else if early <= MAX_PAUSE {
            // It says again what was said.
            samples.drain(..samples.len().min(early as usize));
        }
        out.append(&mut samples);
        self.next = Some((place + 1, after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(sequence: u16, timestamp: u32, payload: &[u8]) -> Packet<'_> {
        Packet { payload_type: 8, sequence, timestamp, ssrc: 7, payload }
    }

    /// Corner values of the standard's tables.
    #[test]
    fn expands_g711() {
        for (law, packed, want) in [
            (Law::Mu, 0xff, 0),
            (Law::Mu, 0x7f, 0),
            (Law::Mu, 0x00, -32_124),
            (Law::Mu, 0x80, 32_124),
            (Law::A, 0xd5, 8),
            (Law::A, 0x55, -8),
            (Law::A, 0xaa, 32_256),
            (Law::A, 0x2a, -32_256),
        ] {
            assert_eq!(expand(law, packed), want, "{law:?} {packed:#04x}");
        }
    }

    /// Contributing sources, an extension and padding are stepped over; a short one is no packet.
    #[test]
    fn reads_headers() {
        let plain = [0x80, 0x88, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9];
        let read = parse(&plain).unwrap();
        assert_eq!((read.payload_type, read.sequence, read.timestamp, read.ssrc), (8, 1, 2, 3));
        assert_eq!(read.payload, [9, 9]);
        let mut full = plain[..12].to_vec();
        full[0] = 0x80 | 0x20 | 0x10 | 1;
        full.extend([1, 1, 1, 1, 0xbe, 0xde, 0, 1, 2, 2, 2, 2, 9, 9, 0, 2]);
        assert_eq!(parse(&full).unwrap().payload, [9, 9]);
        assert_eq!(parse(&plain[..11]), None);
        assert_eq!(parse(&[0x00; 20]), None);
        full[19] = 200;
        assert_eq!(parse(&full), None);
    }

    /// Swapped packets are put in order, a lost one is silence after a moment, a doubled or late one is left out, and
    /// numbers that begin again at zero are no loss.
    #[test]
    fn orders_and_fills() {
        let mut jitter = Jitter::default();
        let mut out = Vec::new();
        let sound = [0xd5_u8; 160];
        let say = |n: u64| {
            packet(65_533_u16.wrapping_add(n as u16), 4_294_967_000_u32.wrapping_add(n as u32 * 160), &sound)
        };
        for (now, n) in [(0, 0), (20, 1), (40, 3), (45, 2), (60, 4), (100, 6), (120, 7)] {
            out.extend(jitter.arrive(now, say(n), Law::A));
        }
        assert_eq!((out.len(), jitter.wait_ms(120)), (5 * 160, Some(60)));
        out.extend(jitter.ready(170));
        assert_eq!(out.len(), 5 * 160);
        out.extend(jitter.ready(180));
        out.extend(jitter.arrive(181, say(5), Law::A));
        out.extend(jitter.arrive(182, say(7), Law::A));
        let want = [vec![8; 5 * 160], vec![0; 160], vec![8; 2 * 160]].concat();
        assert_eq!((out, jitter.dropped), (want, 2));
    }

    /// A pause of the sender (no packets, timestamps go on) is silence; another clock or sender is none.
    #[test]
    fn pauses_and_new_clocks() {
        let sound = [0xd5_u8; 160];
        let mut jitter = Jitter::default();
        assert_eq!(jitter.arrive(0, packet(1, 0, &sound), Law::A).len(), 160);
        assert_eq!(jitter.arrive(2_000, packet(2, 16_000, &sound), Law::A).len(), 16_000);
        assert_eq!(jitter.arrive(2_020, packet(3, 900_000_000, &sound), Law::A).len(), 160);
        assert_eq!(jitter.arrive(2_040, packet(30_000, 5, &sound), Law::A).len(), 160);
        let other = Packet { ssrc: 8, ..packet(9, 77, &sound) };
        assert_eq!(jitter.arrive(2_060, other, Law::A).len(), 160);
    }

    proptest! {
        /// Whatever comes, no more is held than allowed, and nothing panics.
        #[test]
        fn bounded(packets in proptest::collection::vec((any::<u16>(), any::<u32>(), 0_u32..3, 0_u64..200), 0..300)) {
            let (mut jitter, mut now) = (Jitter::default(), 0);
            for (sequence, timestamp, ssrc, step) in packets {
                now += step;
                let packet = Packet { payload_type: 0, sequence, timestamp, ssrc, payload: &[0; 20] };
                let out = jitter.arrive(now, packet, Law::Mu);
                prop_assert!(jitter.held.len() <= MAX_HELD + 1);
                prop_assert!(out.len() <= (MAX_HELD + 2) * (MAX_PAUSE as usize + 20));
            }
        }

        /// No datagram panics.
        #[test]
        fn any_datagram(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes);
        }
    }
}
