//! How often cameras are looked at when there is not time for all: every camera at the same share of the rate it asked
//! for, so that frames that nobody could look at are not even prepared. Goes down within seconds, comes back slowly, and
//! only where the time for it is sure to be there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Steps of the share, each way.
const STEP: f32 = 0.8;
/// Below this share cameras wait in line as they can.
const LEAST: f32 = 0.2;
/// More than this share of frames that found no time, for so many seconds in a row, is too much.
const TOO_MANY: f32 = 0.1;
const SECONDS_TO_SLOW: u32 = 3;
/// With none that found no time, for so long, and the busiest detector still below this use at the next higher share.
const SECONDS_TO_RECOVER: u32 = 15;
const ROOM: f32 = 0.85;

/// The share as cameras see it; all hold the same.
#[derive(Clone, Debug)]
pub struct Pace(Arc<AtomicU32>);

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1.0_f32.to_bits())))
    }
}

impl Pace {
    /// Above 0, at most 1: of the rate that a camera asks for.
    pub fn share(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, share: f32) {
        self.0.store(share.to_bits(), Ordering::Relaxed);
    }
}

/// What the detectors did in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Second {
    pub(crate) looked: u64,
    /// Found no time.
    pub(crate) skipped: u64,
    /// Share of the second in which the busiest one was looking.
    pub(crate) busy: f32,
}

/// Chooses the share, from one second to the next.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    pace: Pace,
    overloaded_s: u32,
    easy_s: u32,
}

impl Pacer {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, ..Self::default() }
    }

    /// The new share, if it changed.
    pub(crate) fn step(&mut self, second: Second) -> Option<f32> {
        let share = self.pace.share();
        let asked = second.looked + second.skipped;
        let too_many = asked > 0 && second.skipped as f32 > TOO_MANY * asked as f32;
        let higher = (share / STEP).min(1.0);
        let room = second.skipped == 0 && second.busy * higher / share < ROOM;
        self.overloaded_s = if too_many { self.overloaded_s + 1 } else { 0 };
        self.easy_s = if room { self.easy_s + 1 } else { 0 };
        let next = if self.overloaded_s >= SECONDS_TO_SLOW {
            (share * STEP).max(LEAST)
        } else if self.easy_s >= SECONDS_TO_RECOVER {
            higher
        } else {
            return None;
        };
        (self.overloaded_s, self.easy_s) = (0, 0);
        if next.to_bits() == share.to_bits() {
            return None;
        }
        self.pace.set(next);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Detectors that look at most so often a second, and cameras that ask for so many looks.
    fn seconds(pacer: &mut Pacer, asked: f32, most: f32, seconds: u32) -> Vec<f32> {
        let second = |share: f32| {
            let offered = asked * share;
            let looked = offered.min(most);
            Second { looked: looked as u64, skipped: (offered - looked) as u64, busy: looked / most }
        };
        (0..seconds).filter_map(|_| pacer.step(second(pacer.pace.share()))).collect()
    }

    /// Twice too much: within fifteen seconds no frame more is offered than can be looked at, and there it stays.
    #[test]
    fn overload_is_met_within_seconds_and_does_not_swing() {
        let mut pacer = Pacer::default();
        let down = seconds(&mut pacer, 100.0, 50.0, 15);
        assert!(down.is_sorted_by(|a, b| a > b) && !down.is_empty(), "{down:?}");
        let share = pacer.pace.share();
        assert!((0.4..=0.55).contains(&share), "{share}");
        let hour = seconds(&mut pacer, 100.0, 50.0, 3_600);
        assert!(hour.is_empty(), "an hour of the same load changes nothing: {hour:?}");
    }

    /// When the load goes, cameras are at their own rate again, step by step.
    #[test]
    fn the_rate_comes_back() {
        let mut pacer = Pacer::default();
        seconds(&mut pacer, 100.0, 30.0, 60);
        assert!(pacer.pace.share() < 0.4);
        let up = seconds(&mut pacer, 20.0, 30.0, 120);
        assert!(up.is_sorted_by(|a, b| a < b), "{up:?}");
        assert_eq!(pacer.pace.share().to_bits(), 1.0_f32.to_bits());
    }

    /// A second in which much came at once is no reason, and no camera is left out altogether.
    #[test]
    fn one_second_is_no_load() {
        let mut pacer = Pacer::default();
        let burst = Second { looked: 10, skipped: 30, busy: 1.0 };
        let calm = Second { looked: 10, skipped: 0, busy: 0.3 };
        for _ in 0..100 {
            assert_eq!((pacer.step(burst), pacer.step(burst), pacer.step(calm)), (None, None, None));
        }
        for _ in 0..1_000 {
            pacer.step(burst);
        }
        assert_eq!(pacer.pace.share().to_bits(), LEAST.to_bits());
    }
}
