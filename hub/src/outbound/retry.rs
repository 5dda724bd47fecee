//! When what failed is tried again. Pure: chance is an argument.

/// A row is tried so often before it is given up: over sixteen hours.
pub(super) const MOST_TRIES: i64 = 16;

const FIRST_MS: i64 = 30_000;
const LONGEST_MS: i64 = 2 * 3_600_000;

const FIRST_PAUSE_MS: i64 = 10_000;
const LONGEST_PAUSE_MS: i64 = 5 * 60_000;

/// How long a row waits that was tried `tries` times: each time twice as long, and up to a quarter more, so that what
/// failed together does not come back together.
pub(super) fn row_ms(tries: i64, chance: impl Fn(u64) -> u64) -> i64 {
    grown(FIRST_MS, LONGEST_MS, tries, chance)
}

/// How long a channel rests that failed `failures` times in a row.
pub(super) fn pause_ms(failures: i64, chance: impl Fn(u64) -> u64) -> i64 {
    grown(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, failures, chance)
}

fn grown(first_ms: i64, longest_ms: i64, times: i64, chance: impl Fn(u64) -> u64) -> i64 {
    let doublings = u32::try_from(times.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    let wait_ms = (first_ms << doublings).min(longest_ms);
    let jitter = chance(u64::try_from(wait_ms / 4).unwrap_or(0));
    wait_ms.saturating_add(i64::try_from(jitter).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits double up to their bound, whatever the count, and jitter stays within a quarter.
    #[test]
    fn waits_grow() {
        let without = |tries| row_ms(tries, |_| 0);
        assert_eq!(
            [1, 2, 3, 8, 9, 10, i64::MAX].map(without).map(|ms| ms / 1_000),
            [30, 60, 120, 3_840, 7_200, 7_200, 7_200]
        );
        assert_eq!(without(0), 30_000);
        let chance = protocol::Chance::seeded(3);
        for tries in 1..=MOST_TRIES {
            let (wait_ms, least_ms) = (row_ms(tries, |below| chance.below(below)), without(tries));
            assert!((least_ms..least_ms + least_ms / 4).contains(&wait_ms), "{tries}: {wait_ms}");
        }
        assert_eq!([1, 2, 6, 7].map(|failures| pause_ms(failures, |_| 0) / 1_000), [10, 20, 300, 300]);
    }

    /// A receiver that is away over night is not given up.
    #[test]
    fn over_a_night() {
        let all_ms: i64 = (1..MOST_TRIES).map(|tries| row_ms(tries, |_| 0)).sum();
        assert!(all_ms > 16 * 3_600_000, "{all_ms}");
    }
}
