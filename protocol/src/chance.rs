//! Chance. Ids, tokens and jitter come from one [`Chance`], seeded by the operating system in `main` and
//! by a printed number in tests.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use uuid::Uuid;

use crate::clock::UtcMs;

/// A cryptographically strong generator (ChaCha) behind a lock.
pub struct Chance(Mutex<StdRng>);

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance(..)")
    }
}

impl Chance {
    /// Seeded from the operating system.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for chance")]
    pub fn from_os() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// The same sequence for the same seed: for tests and replay.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    fn lock(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A UUIDv7 whose time part is `now`, so ids sort by creation.
    pub fn uuid_v7(&self, now: UtcMs) -> Uuid {
        let mut tail = [0_u8; 10];
        self.lock().fill_bytes(&mut tail);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &tail).into_uuid()
    }

    /// `N` random bytes, fit for secrets.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0_u8; N];
        self.lock().fill_bytes(&mut out);
        out
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.lock().random_range(0..bound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids made later sort later, and carry version 7.
    #[test]
    fn uuids_sort_by_time() {
        let chance = Chance::seeded(7);
        let early = chance.uuid_v7(UtcMs(1_000));
        let late = chance.uuid_v7(UtcMs(2_000));
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
    }

    /// A seed fixes the whole sequence.
    #[test]
    fn seeded_sequences_repeat() {
        let draw = |seed| {
            let c = Chance::seeded(seed);
            (c.bytes::<8>(), c.below(1_000))
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
