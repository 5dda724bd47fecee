//! What is given up first when the box keeps too much. The order stands here and nowhere else:
//!
//! 1. files that the hub holds already;
//! 2. the continuous recording, oldest first, of whichever camera;
//! 3. recordings of calls that nobody has asked for;
//! 4. files that are on their way to the hub: of the lowest severity first, of these clips, then recordings that were
//!    asked for, then snapshots, then stills, the oldest first. Each is told to the hub as lost.
//!
//! An incident is never given up, nor is an answer.
//!
//! The recording has a bound of its own, and so has evidence; the disk's reserve is for both. Pure, but for the fragment
//! of SQL that says the same.

/// The order among rows of evidence.
macro_rules! cheapest_first {
    () => {
        "order by case state when 'uploaded' then 1 when 'held' then 3 else 4 end,
                  priority desc, kind_priority desc, created_at_ms"
    };
}
pub(super) use cheapest_first;

/// The recording leaves this much more free than the reserve, or it would stop for want of room before anybody looks
/// again: a minute of 16 main streams.
const HEADROOM_BYTES: u64 = 1 << 30;

/// Bytes, all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) free: u64,
    /// What stays free for incidents.
    pub(super) reserve: u64,
    /// Files the hub holds already.
    pub(super) uploaded: u64,
    pub(super) recording: u64,
    pub(super) recording_max: u64,
}

/// Bytes that have to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Excess {
    /// Of files that the hub holds.
    pub(super) uploaded: u64,
    pub(super) recording: u64,
    /// Of all other files, by the order above. Only so much as is missing: when something else fills the disk, giving up
    /// everything would not help.
    pub(super) others: u64,
}

pub(super) fn excess(usage: Usage) -> Excess {
    let Usage { free, reserve, uploaded, recording, recording_max } = usage;
    let over = recording.saturating_sub(recording_max);
    let missing = reserve.saturating_sub(free.saturating_add(over));
    let from_uploaded = missing.min(uploaded);
    let still_missing = missing - from_uploaded;
    // What it writes next is no reason to lose what the hub waits for, but one to make room of its own.
    let left = recording - over;
    let comfort = reserve.saturating_add(HEADROOM_BYTES.min(recording_max / 8));
    let cramped = comfort.saturating_sub(free.saturating_add(over).saturating_add(from_uploaded));
    let from_recording = cramped.min(left);
    Excess {
        uploaded: from_uploaded,
        recording: over + from_recording,
        others: still_missing.saturating_sub(from_recording),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn gib(usage: [u64; 5]) -> Usage {
        let [free, reserve, uploaded, recording, recording_max] = usage.map(|n| n * GIB);
        Usage { free, reserve, uploaded, recording, recording_max }
    }

    fn of(usage: [u64; 5]) -> [u64; 3] {
        let Excess { uploaded, recording, others } = excess(gib(usage));
        [uploaded, recording, others].map(|bytes| bytes / GIB)
    }

    /// Room enough: nothing goes. A recording beyond its bound shrinks to it. A low disk takes what the hub holds first,
    /// then the recording, then the rest; a recording makes its own headroom before it is cramped.
    #[test]
    fn the_order_by_hand() {
        assert_eq!(of([100, 2, 5, 20, 64]), [0, 0, 0]);
        assert_eq!(of([100, 2, 5, 70, 64]), [0, 6, 0]);
        assert_eq!(of([1, 3, 5, 20, 64]), [2, 1, 0]);
        assert_eq!(of([0, 8, 5, 20, 64]), [5, 4, 0]);
        assert_eq!(of([0, 30, 5, 20, 64]), [5, 20, 5]);
        assert_eq!(of([2, 2, 0, 20, 64]), [0, 1, 0]);
        assert_eq!(of([0, 3, 0, 0, 64]), [0, 0, 3]);
        assert_eq!(of([5, 1, 0, 10, 0]), [0, 10, 0]);
    }

    proptest! {
        /// Nothing is given up before what is cheaper is gone, never more than there is, and the reserve is met where
        /// it can be.
        #[test]
        fn the_cheapest_goes_first(
            free in 0..200 * GIB, reserve in 0..20 * GIB, uploaded in 0..50 * GIB, recording in 0..200 * GIB,
            recording_max in 0..200 * GIB,
        ) {
            let usage = Usage { free, reserve, uploaded, recording, recording_max };
            let gone = excess(usage);
            prop_assert!(gone.uploaded <= uploaded && gone.recording <= recording);
            prop_assert!(gone.others == 0 || (gone.uploaded == uploaded && gone.recording == recording));
            prop_assert!(recording - gone.recording <= recording_max);
            let met = free + gone.uploaded + gone.recording + gone.others;
            prop_assert!(met >= reserve);
        }
    }
}
