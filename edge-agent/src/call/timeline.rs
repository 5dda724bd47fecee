//! Where on the clock a leg's samples belong. Pure.
//!
//! The exchange stamps nothing, so arrival is all there is. Samples normally follow each other; two things look alike
//! at first, a network stall (the missing audio comes later, all at once) and a real pause (it never comes: hold,
//! silence suppression). So after a jump the samples are held for a moment: when the leg catches up it was a stall and
//! nothing is inserted, when it does not the pause becomes silence, and both legs of a call stay in step.

/// A leg this far behind the clock has a gap; less is jitter.
const GAP_MS: u64 = 300;
/// How long to wait for a stalled leg to catch up.
const HOLD_MS: u64 = 500;
/// While a leg starts, a later chunk that comes early shows that the first one came late.
const SETTLE_MS: u64 = 2_000;

/// What to append to the leg's file, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Samples of silence.
    pub(super) silence: u64,
    pub(super) samples: Vec<i16>,
}

#[derive(Debug)]
pub(super) struct Timeline {
    rate_hz: u32,
    /// Uptime at which the first sample was made, as far as is known.
    starts_at_ms: Option<u64>,
    first_arrival_ms: u64,
    /// How far the start was moved back so far.
    moved_ms: u64,
    placed: u64,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    since_ms: u64,
    /// Least samples behind since then.
    gap: u64,
    samples: Vec<i16>,
}

impl Timeline {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self { rate_hz, starts_at_ms: None, first_arrival_ms: 0, moved_ms: 0, placed: 0, held: None }
    }

    /// Uptime in milliseconds of the leg's first sample; `None` before any came.
    pub(super) fn starts_at_ms(&self) -> Option<u64> {
        self.starts_at_ms
    }

    fn samples_in(&self, ms: u64) -> u64 {
        ms * u64::from(self.rate_hz) / 1_000
    }

    fn ms_of(&self, samples: u64) -> u64 {
        samples * 1_000 / u64::from(self.rate_hz)
    }

    /// Milliseconds of audio (with inserted silence) beyond what the clock allows; 0 when behind.
    pub(super) fn lead_ms(&self, now_ms: u64) -> u64 {
        let held = self.held.as_ref().map_or(0, |h| h.samples.len() as u64);
        let due = now_ms.saturating_sub(self.first_arrival_ms);
        self.ms_of(self.placed + held).saturating_sub(due)
    }

    /// `samples` came at `now_ms` (uptime).
    pub(super) fn arrive(&mut self, now_ms: u64, samples: Vec<i16>) -> Placed {
        let count = samples.len() as u64;
        let starts_at_ms = *self.starts_at_ms.get_or_insert_with(|| {
            self.first_arrival_ms = now_ms;
            now_ms.saturating_sub(count * 1_000 / u64::from(self.rate_hz))
        });
        let made = self.samples_in(now_ms.saturating_sub(starts_at_ms));
        let have = self.placed + count + self.held.as_ref().map_or(0, |h| h.samples.len() as u64);
        if have > made && now_ms.saturating_sub(self.first_arrival_ms) < SETTLE_MS {
            let early_ms = self.ms_of(have - made).min(GAP_MS - self.moved_ms);
            self.moved_ms += early_ms;
            self.starts_at_ms = Some(starts_at_ms.saturating_sub(early_ms));
        }
        let behind = made.saturating_sub(have);
        let jitter = self.samples_in(GAP_MS);
        if let Some(held) = &mut self.held {
            held.gap = held.gap.min(behind);
            held.samples.extend(samples);
            let over = held.gap <= jitter || now_ms.saturating_sub(held.since_ms) >= HOLD_MS;
            return if over { self.release() } else { Placed::default() };
        }
        if behind > jitter {
            self.held = Some(Held { since_ms: now_ms, gap: behind, samples });
            return Placed::default();
        }
        self.placed += count;
        Placed { silence: 0, samples }
    }

    /// What is still held, when the leg ends.
    pub(super) fn release(&mut self) -> Placed {
        let Some(held) = self.held.take() else { return Placed::default() };
        let silence = if held.gap > self.samples_in(GAP_MS) { held.gap } else { 0 };
        self.placed += silence + held.samples.len() as u64;
        Placed { silence, samples: held.samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNK: usize = 160;

    /// Runs arrivals (uptime, number of 20 ms chunks) through; gives the track with silence as 0 and sound as 1.
    fn track(arrivals: &[(u64, usize)]) -> (Timeline, Vec<i16>) {
        let mut line = Timeline::new(8_000);
        let mut out = Vec::new();
        let mut put = |placed: Placed| {
            out.resize(out.len() + placed.silence as usize, 0);
            out.extend(placed.samples);
        };
        for (at, chunks) in arrivals {
            for _ in 0..*chunks {
                put(line.arrive(*at, vec![1; CHUNK]));
            }
        }
        put(line.release());
        (line, out)
    }

    /// A steady leg is kept as it is, and starts one chunk before the first arrival.
    #[test]
    fn steady() {
        let arrivals: Vec<_> = (0..100).map(|i| (1_000 + i * 20, 1)).collect();
        let (line, out) = track(&arrivals);
        assert_eq!(line.starts_at_ms(), Some(980));
        assert_eq!(out, vec![1; 100 * CHUNK]);
    }

    /// Two seconds without a frame, then steady again: two seconds of silence, in their place.
    #[test]
    fn a_pause_becomes_silence() {
        let mut arrivals: Vec<_> = (0..50).map(|i| (1_000 + i * 20, 1)).collect();
        arrivals.extend((0..100).map(|i| (4_000 + i * 20, 1)));
        let (_, out) = track(&arrivals);
        let want = [vec![1; 50 * CHUNK], vec![0; 2_000 * 8], vec![1; 100 * CHUNK]].concat();
        assert_eq!(out, want);
    }

    /// The network stalls for two seconds and then brings everything: nothing is inserted.
    #[test]
    fn a_stall_inserts_nothing() {
        let mut arrivals: Vec<_> = (0..50).map(|i| (1_000 + i * 20, 1)).collect();
        arrivals.push((4_000, 101));
        arrivals.extend((1..50).map(|i| (4_000 + i * 20, 1)));
        let (_, out) = track(&arrivals);
        assert_eq!(out, vec![1; 200 * CHUNK]);
    }

    /// A leg whose first chunk was late is moved back to where it really started.
    #[test]
    fn a_late_first_chunk_does_not_shift_the_leg() {
        let mut arrivals = vec![(1_100, 1), (1_100, 5)];
        arrivals.extend((6..100).map(|i| (1_000 + i * 20, 1)));
        let (line, out) = track(&arrivals);
        assert_eq!(line.starts_at_ms(), Some(980));
        assert_eq!(out.len(), 100 * CHUNK);
    }

    proptest! {
        /// No sample is ever lost, doubled or reordered, whenever it arrives.
        #[test]
        fn every_sample_once(steps in proptest::collection::vec((0_u64..3_000, 0_usize..400), 0..60)) {
            let mut line = Timeline::new(8_000);
            let (mut now, mut next, mut out) = (5_000, 1_i16, Vec::new());
            for (wait, count) in steps {
                now += wait;
                let samples: Vec<i16> = (0..count).map(|i| (next + i as i16 - 1) % 30_000 + 1).collect();
                next = (next + count as i16 - 1) % 30_000 + 1;
                out.extend(line.arrive(now, samples).samples);
            }
            out.extend(line.release().samples);
            for (i, sample) in out.iter().enumerate() {
                prop_assert_eq!(usize::from(*sample as u16), i % 30_000 + 1);
            }
        }
    }
}
