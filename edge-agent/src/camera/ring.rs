//! The last seconds of a camera as it encoded them, in memory: where every clip gets its beginning.
//!
//! Invariants: the ring starts with a keyframe; it holds at least `keep` of time when the camera has
//! delivered that much and the byte bound allows it, and at most one group of pictures more. Whoever makes
//! a clip takes a [`Hold`]: it keeps what the ring had and gathers what follows, so an eviction or a lost
//! camera takes nothing from a clip already begun.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use protocol::UtcMs;

use super::unit::Unit;

/// Clips that may be gathered from one camera at the same time.
pub const MAX_HOLDS: usize = 8;

/// Bytes one clip may gather; beyond, it ends early and says so.
pub(super) const MAX_HOLD_BYTES: usize = 128 * 1024 * 1024;

/// A picture this far from the moment asked for does not show it.
const NEAR_US: i64 = 1_000_000;

/// What the ring went through since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingStats {
    pub units: u64,
    pub bytes: u64,
    /// Times the stream was interrupted or restarted.
    pub gaps: u64,
    /// Units thrown away before their time because the byte bound was reached.
    pub evicted_for_bytes: u64,
    /// Units before the first keyframe after a gap: nothing can decode them.
    pub undecodable: u64,
}

pub struct Ring {
    inner: Mutex<Inner>,
}

struct Inner {
    units: VecDeque<Unit>,
    bytes: usize,
    keep_us: i64,
    max_bytes: usize,
    broken: bool,
    newest_us: Option<i64>,
    holds: Vec<Weak<Mutex<Gathered>>>,
    stats: RingStats,
}

impl Ring {
    pub fn new(keep_s: u32, max_bytes: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                units: VecDeque::new(),
                bytes: 0,
                keep_us: i64::from(keep_s) * 1_000_000,
                max_bytes,
                broken: false,
                newest_us: None,
                holds: Vec::new(),
                stats: RingStats::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As long as this is kept nobody gets at the ring.
    #[cfg(test)]
    pub(super) fn block(&self) -> impl Drop + '_ {
        self.lock()
    }

    pub fn push(&self, unit: Unit) {
        self.lock().push(unit);
    }

    /// Units are missing from here on: the next one kept is a keyframe, marked so.
    pub fn gap(&self) {
        self.lock().broken = true;
    }

    /// Forgets everything, because the wall clock jumped and times before and after cannot be compared.
    /// Clips being gathered keep what they have.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.units.clear();
        inner.bytes = 0;
        inner.newest_us = None;
        inner.broken = true;
    }

    /// Keeps everything from the last keyframe at or before `from` (the oldest unit, when the ring does not
    /// reach back that far) and whatever follows. `None` when [`MAX_HOLDS`] clips are being gathered.
    pub fn hold(&self, from: UtcMs) -> Option<Hold> {
        let mut inner = self.lock();
        inner.holds.retain(|hold| hold.strong_count() > 0);
        if inner.holds.len() >= MAX_HOLDS {
            return None;
        }
        let start = inner.keyframe_before(from).unwrap_or(0);
        let units: Vec<Unit> = inner.units.range(start..).cloned().collect();
        let bytes = units.iter().map(|u| u.data.len()).sum();
        let gathered = Arc::new(Mutex::new(Gathered { units, bytes, truncated: false }));
        inner.holds.push(Arc::downgrade(&gathered));
        Some(Hold(gathered))
    }

    /// What a decoder needs to show the picture captured at `at`, or the nearest to it: the picture's own capture time
    /// in microseconds, and the units from its keyframe to a few beyond (a picture may be encoded after later ones).
    /// `None` when the ring holds none within [`NEAR_US`]: another stream of the camera was analysed, or another time.
    pub fn around(&self, at: UtcMs) -> Option<(i64, Vec<Unit>)> {
        let mut inner = self.lock();
        let units = inner.units.make_contiguous();
        let shown = nearest(units, at)?;
        Some((units[shown].captured_us, decodable(units, shown)?.to_vec()))
    }

    /// The newest group of pictures.
    pub fn last_group(&self) -> Vec<Unit> {
        let inner = self.lock();
        let start = inner.units.iter().rposition(|u| u.keyframe).unwrap_or(0);
        inner.units.range(start..).cloned().collect()
    }

    /// What arrived after the first `position` units since start, as far as it is still here, and the position to go on
    /// from.
    pub fn since(&self, position: u64) -> (u64, Vec<Unit>) {
        let inner = self.lock();
        let oldest = inner.stats.units - inner.units.len() as u64;
        let skip = usize::try_from(position.saturating_sub(oldest)).unwrap_or(usize::MAX);
        (inner.stats.units, inner.units.range(skip.min(inner.units.len())..).cloned().collect())
    }

    /// Latest capture time that has arrived, in microseconds since 1970.
    pub fn newest_us(&self) -> Option<i64> {
        self.lock().newest_us
    }

    pub fn stats(&self) -> RingStats {
        self.lock().stats
    }
}

/// The unit whose picture was captured at `at`, or nearest to it.
pub(crate) fn nearest(units: &[Unit], at: UtcMs) -> Option<usize> {
    // In the middle of the millisecond that frames are named by.
    let at_us = at.0.saturating_mul(1_000).saturating_add(500);
    let away = |unit: &Unit| unit.captured_us.saturating_sub(at_us).abs();
    let nearest = units.iter().enumerate().min_by_key(|(_, unit)| away(unit));
    nearest.filter(|(_, unit)| away(unit) <= NEAR_US).map(|(index, _)| index)
}

/// What a decoder needs to show the picture of `units[shown]`.
pub(crate) fn decodable(units: &[Unit], shown: usize) -> Option<&[Unit]> {
    /// Deepest reordering H.264 and H.265 allow.
    const REORDER: usize = 16;
    let start = units[..=shown].iter().rposition(|unit| unit.keyframe)?;
    Some(&units[start..units.len().min(shown + 1 + REORDER)])
}

impl Inner {
    fn push(&mut self, mut unit: Unit) {
        let changed = self
            .units
            .back()
            .is_some_and(|last| !Arc::ptr_eq(&last.format, &unit.format) && last.format != unit.format);
        if (self.broken || changed || self.units.is_empty()) && !unit.keyframe {
            self.stats.undecodable += 1;
            return;
        }
        unit.after_gap = std::mem::take(&mut self.broken);
        self.stats.gaps += u64::from(unit.after_gap);
        self.stats.units += 1;
        self.stats.bytes += unit.data.len() as u64;
        self.newest_us = Some(self.newest_us.map_or(unit.captured_us, |t| t.max(unit.captured_us)));
        self.holds.retain(|hold| {
            let Some(hold) = hold.upgrade() else { return false };
            hold.lock().unwrap_or_else(PoisonError::into_inner).push(&unit);
            true
        });
        self.bytes += unit.data.len();
        self.units.push_back(unit);
        self.evict();
    }

    fn evict(&mut self) {
        let newest = self.newest_us.unwrap_or(i64::MIN);
        loop {
            let next = self.units.iter().skip(1).position(|u| u.keyframe).map(|i| i + 1);
            let old = next.is_some_and(|n| self.units[n].captured_us <= newest - self.keep_us);
            let full = self.bytes > self.max_bytes;
            if !old && !full {
                return;
            }
            // One group larger than the bound: let it go, and start again with the next keyframe.
            let count = next.unwrap_or(self.units.len());
            self.broken |= next.is_none();
            self.stats.evicted_for_bytes += if old { 0 } else { count as u64 };
            self.bytes -= self.units.drain(..count).map(|u| u.data.len()).sum::<usize>();
        }
    }

    /// By whole milliseconds, as `at` is: a keyframe within that millisecond is not after it.
    fn keyframe_before(&self, at: UtcMs) -> Option<usize> {
        self.units.iter().rposition(|u| u.keyframe && u.captured_at() <= at)
    }
}

struct Gathered {
    units: Vec<Unit>,
    bytes: usize,
    truncated: bool,
}

impl Gathered {
    fn push(&mut self, unit: &Unit) {
        self.truncated |= self.bytes + unit.data.len() > MAX_HOLD_BYTES;
        if !self.truncated {
            self.bytes += unit.data.len();
            self.units.push(unit.clone());
        }
    }
}

/// The units of one clip in the making. Dropping it lets them go.
pub struct Hold(Arc<Mutex<Gathered>>);

impl Hold {
    /// Everything gathered so far, in decoding order.
    pub fn units(&self) -> Vec<Unit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).units.clone()
    }

    /// What was gathered after the first `count` units.
    pub fn units_after(&self, count: usize) -> Vec<Unit> {
        let gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.units.get(count..).unwrap_or_default().to_vec()
    }

    /// Whether [`MAX_HOLD_BYTES`] cut it short.
    pub fn is_truncated(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).truncated
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::unit::{Codec, Format};
    use super::*;

    fn unit(captured_ms: i64, keyframe: bool, size: usize) -> Unit {
        let caps = Codec::H264.ring_caps();
        let format = Arc::new(Format { codec: Codec::H264, width: 2, height: 2, caps });
        Unit {
            captured_us: captured_ms * 1_000,
            keyframe,
            after_gap: false,
            data: Bytes::from(vec![0; size]),
            format,
        }
    }

    /// A group of 5 pictures per second from second `from` to `to`, 100 bytes each.
    fn fill(ring: &Ring, from: i64, to: i64) {
        for at in (from * 1_000..to * 1_000).step_by(200) {
            ring.push(unit(at, at % 1_000 == 0, 100));
        }
    }

    fn times(units: &[Unit]) -> Vec<i64> {
        units.iter().map(|u| u.captured_us / 1_000).collect()
    }

    fn ring(keep_s: u32, max_bytes: usize) -> Ring {
        crate::camera::init().unwrap();
        Ring::new(keep_s, max_bytes)
    }

    /// The ring reaches back as long as asked, at most one group longer, and starts with a keyframe.
    #[test]
    fn keeps_what_was_asked() {
        let ring = ring(8, usize::MAX);
        fill(&ring, 0, 30);
        let held = ring.hold(UtcMs(0)).unwrap().units();
        assert!(held[0].keyframe);
        let newest = ring.newest_us().unwrap();
        let reach = newest - held[0].captured_us;
        assert!((8_000_000..=9_000_000).contains(&reach), "{reach}");
    }

    /// A hold starts at most one group before the time asked, never after, and gathers what follows even
    /// when the ring has long evicted it.
    #[test]
    fn a_hold_survives_eviction() {
        let ring = ring(8, usize::MAX);
        fill(&ring, 0, 10);
        let hold = ring.hold(UtcMs(5_300)).unwrap();
        fill(&ring, 10, 60);
        let held = times(&hold.units());
        assert_eq!((held[0], *held.last().unwrap()), (5_000, 59_800));
        assert_eq!(held.len(), 55 * 5);
    }

    /// Times are asked for in milliseconds: a keyframe within the one asked for is early enough, not a group too late.
    #[test]
    fn a_keyframe_of_the_same_millisecond_is_early_enough() {
        let ring = ring(8, usize::MAX);
        for at_us in (0..5).map(|second| second * 1_000_000 + 333) {
            ring.push(Unit { captured_us: at_us, ..unit(0, true, 100) });
        }
        assert_eq!(times(&ring.hold(UtcMs(3_000)).unwrap().units())[0], 3_000);
        assert_eq!(times(&ring.hold(UtcMs(2_999)).unwrap().units())[0], 2_000);
    }

    /// Bytes are bounded whatever the camera sends, and what that cost is counted.
    #[test]
    fn bytes_are_bounded() {
        let ring = ring(8, 1_000);
        fill(&ring, 0, 20);
        assert!(ring.lock().bytes <= 1_000);
        assert!(ring.lock().units.front().is_some_and(|u| u.keyframe));
        assert!(ring.stats().evicted_for_bytes > 0);
        ring.push(unit(20_000, true, 5_000));
        assert_eq!(ring.lock().units.len(), 0);
        assert_eq!(ring.lock().bytes, 0);
        ring.push(unit(20_200, false, 10));
        assert_eq!(ring.lock().units.len(), 0, "nothing can decode a delta unit without its keyframe");
        ring.push(unit(21_000, true, 10));
        assert_eq!(ring.lock().units.len(), 1);
    }

    /// After a gap the ring waits for a keyframe, marks it, and counts.
    #[test]
    fn a_gap_is_recorded() {
        let ring = ring(8, usize::MAX);
        fill(&ring, 0, 2);
        ring.gap();
        ring.push(unit(5_200, false, 100));
        ring.push(unit(6_000, true, 100));
        ring.push(unit(6_200, false, 100));
        let units = ring.hold(UtcMs(0)).unwrap().units();
        assert_eq!(times(&units)[9..], [1_800, 6_000, 6_200]);
        assert_eq!(units.iter().filter(|u| u.after_gap).count(), 1);
        assert_eq!((ring.stats().gaps, ring.stats().undecodable), (1, 1));
    }

    /// A reader that goes on from its position gets every unit once, also over an eviction of what it has read, and of
    /// what was evicted before it read only what is left.
    #[test]
    fn a_reader_goes_on_where_it_was() {
        let ring = ring(8, usize::MAX);
        fill(&ring, 0, 5);
        let (position, first) = ring.since(0);
        assert_eq!((position, times(&first).len()), (25, 25));
        fill(&ring, 5, 12);
        let (position, more) = ring.since(position);
        assert_eq!((position, times(&more)[0], more.len()), (60, 5_000, 35));
        assert!(ring.since(position).1.is_empty());
        fill(&ring, 12, 60);
        let (position, late) = ring.since(position);
        assert!(position == 300 && late.len() < 50 && late[0].keyframe);
        ring.clear();
        assert!(ring.since(position).1.is_empty());
    }

    /// Clips at once are bounded; a finished one makes room.
    #[test]
    fn holds_are_bounded() {
        let ring = ring(8, usize::MAX);
        let mut holds: Vec<_> = (0..MAX_HOLDS).map(|_| ring.hold(UtcMs(0)).unwrap()).collect();
        assert!(ring.hold(UtcMs(0)).is_none());
        holds.pop();
        assert!(ring.hold(UtcMs(0)).is_some());
    }

    /// A decoder gets the picture's group from its keyframe on, that of the nearest picture where none is of that very
    /// moment, and nothing for a time long gone.
    #[test]
    fn around_a_picture() {
        let ring = ring(8, usize::MAX);
        fill(&ring, 0, 10);
        let (shown_us, units) = ring.around(UtcMs(4_400)).unwrap();
        assert_eq!((shown_us, &times(&units)[..3]), (4_400_000, &[4_000, 4_200, 4_400][..]));
        assert_eq!(ring.around(UtcMs(4_490)).unwrap().0, 4_400_000);
        assert_eq!(ring.around(UtcMs(4_510)).unwrap().0, 4_600_000);
        assert_eq!(ring.around(UtcMs(10_500)).unwrap().0, 9_800_000, "the newest, until its own is there");
        assert!(ring.around(UtcMs(11_000)).is_none());
        assert_eq!(times(&ring.last_group()), [9_000, 9_200, 9_400, 9_600, 9_800]);
    }
}
