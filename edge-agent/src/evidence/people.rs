//! Where people are in a camera's picture, for as long as a clip may need to know.
//!
//! The analysis notes after each frame where it has people; whoever makes evidence of a camera that blurs them asks
//! which parts of a picture to cover. In doubt more is covered: between two analysed frames everything a person may have
//! crossed, a while before he was first seen, a while after he was last seen, and the whole picture where the analysis
//! did not look at all. Who is lost for longer, and comes back under another number, is known by place and time only: the
//! way from where somebody was lost to where somebody was found is covered if he can have walked it. Two who cross may
//! be taken for one another by that; then the ways of both are covered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{NormBox, UtcMs};
use serde::{Deserialize, Serialize};

/// As long as the longest clip, and its way to the disk.
const KEEP_MS: i64 = 300_000;
/// A person of whom nothing was seen since is covered so long where he was.
const AFTER_MS: i64 = 2_000;
/// He was there so long before he was noticed.
const BEFORE_MS: i64 = 1_000;
/// Sights of one person so far apart say nothing of the time between.
const TOGETHER_MS: i64 = 3_000;
/// Somebody who is lost may come back under another number: within this time,
const RETURN_MS: i64 = 10_000;
/// no farther away than he can have walked (in heights of himself each second, of which a walker makes one), from a step
/// beside where he was lost on,
const HEIGHTS_PER_S: f32 = 1.2;
/// and about as tall as he was.
const TALLER: f32 = 1.6;
/// Pictures are at least so wide for their height, and their boxes are in shares of either.
const WIDE: f32 = 4.0 / 3.0;
/// Shares of a box added on each side: boxes of detectors cut off hands, hair and feet.
const WIDER: f32 = 0.2;
const HIGHER: f32 = 0.12;
/// And at least so much of the picture.
const LEAST: f32 = 0.01;

/// One analysed frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// Capture time of the frame.
    pub at: UtcMs,
    pub people: Vec<Spot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// Number of the track that was seen here in this frame; 0 = somebody whom nobody follows, or who was not seen in
    /// this frame and may still be where he was.
    pub track: u64,
    pub region: NormBox,
}

/// The sights of one camera's last minutes.
#[derive(Debug, Default)]
pub struct People(Mutex<VecDeque<Sight>>);

impl People {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Sight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn saw(&self, sight: Sight) {
        let mut sights = self.lock();
        let jumped = sights.back().is_some_and(|last| sight.at <= last.at);
        if jumped {
            // The clock was set back: times before and after cannot be compared.
            sights.clear();
        }
        while sights.front().is_some_and(|first| sight.at.since_ms(first.at) > KEEP_MS) {
            sights.pop_front();
        }
        sights.push_back(sight);
    }

    /// Everything after a moment, in order.
    pub fn after(&self, at: UtcMs) -> Vec<Sight> {
        let sights = self.lock();
        let start = sights.partition_point(|sight| sight.at <= at);
        sights.range(start..).cloned().collect()
    }

    /// When the analysis last knew.
    pub fn newest(&self) -> Option<UtcMs> {
        self.lock().back().map(|sight| sight.at)
    }
}

/// What of a picture shows people.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    /// Nobody looked: it may be anywhere.
    Unknown,
    /// Already widened; may overlap.
    Boxes(Vec<NormBox>),
}

/// What shows people at a moment, by sights in order of time. A moment is known only by sights near enough that whoever
/// they show is covered at it: otherwise who came meanwhile would be seen.
pub(super) fn shown(sights: &[Sight], at: UtcMs) -> Shown {
    let start = sights.partition_point(|sight| at.since_ms(sight.at) > TOGETHER_MS);
    let end = sights.partition_point(|sight| sight.at.since_ms(at) <= TOGETHER_MS);
    let near = &sights[start..end.max(start)];
    let middle = near.partition_point(|sight| sight.at <= at);
    let (before, after) = near.split_at(middle);
    let looked_before = before.last().is_some_and(|sight| at.since_ms(sight.at) <= AFTER_MS);
    let looked_after = after.first().is_some_and(|sight| sight.at.since_ms(at) <= BEFORE_MS);
    if !looked_before && !looked_after {
        return Shown::Unknown;
    }
    let mut boxes = Vec::new();
    let mut done: Vec<u64> = Vec::new();
    // The sights next to the moment decide for each track; one that is not followed counts as long as a track would.
    for sight in before.iter().rev() {
        for spot in &sight.people {
            if spot.track != 0 && done.contains(&spot.track) {
                continue;
            }
            let next = later(after, spot.track)
                .filter(|(next_at, _)| spot.track != 0 && next_at.since_ms(sight.at) <= TOGETHER_MS);
            if let Some((_, next)) = next {
                boxes.push(wider(&around(&spot.region, &next)));
            } else if at.since_ms(sight.at) <= if spot.track == 0 { BEFORE_MS } else { AFTER_MS } {
                boxes.push(wider(&spot.region));
            } else {
                continue;
            }
            done.push(spot.track);
        }
    }
    for sight in after.iter().take_while(|sight| sight.at.since_ms(at) <= BEFORE_MS) {
        for spot in &sight.people {
            if spot.track == 0 || !done.contains(&spot.track) {
                boxes.push(wider(&spot.region));
                done.push(spot.track);
            }
        }
    }
    boxes.extend(ways_back(sights, at).iter().map(wider));
    Shown::Boxes(boxes)
}

/// Where whoever was lost before a moment and found after it may be meanwhile.
fn ways_back(sights: &[Sight], at: UtcMs) -> Vec<NormBox> {
    let start = sights.partition_point(|sight| at.since_ms(sight.at) > RETURN_MS);
    let end = sights.partition_point(|sight| sight.at.since_ms(at) <= RETURN_MS);
    let near = &sights[start..end.max(start)];
    let (before, after) = near.split_at(near.partition_point(|sight| sight.at <= at));
    let (mut lost, mut found) = (BTreeMap::new(), BTreeMap::new());
    for (sight, spot) in followed(before.iter()) {
        lost.insert(spot.track, (sight.at, spot.region));
    }
    for (sight, spot) in followed(after.iter().rev()) {
        found.insert(spot.track, (sight.at, spot.region));
    }
    // Who is seen on both sides under one number within a moment is no riddle: he is covered by it.
    let known: Vec<u64> = lost
        .iter()
        .filter(|(track, (lost_at, _))| {
            found.get(track).is_some_and(|(found_at, _)| found_at.since_ms(*lost_at) <= TOGETHER_MS)
        })
        .map(|(track, _)| *track)
        .collect();
    for track in known {
        lost.remove(&track);
        found.remove(&track);
    }
    let mut ways = Vec::new();
    for (lost_at, from) in lost.values() {
        for (found_at, to) in found.values() {
            if can_walk(from, to, found_at.since_ms(*lost_at)) {
                ways.push(around(from, to));
            }
        }
    }
    ways
}

fn followed<'s>(sights: impl Iterator<Item = &'s Sight>) -> impl Iterator<Item = (&'s Sight, &'s Spot)> {
    sights.flat_map(|sight| sight.people.iter().filter(|spot| spot.track != 0).map(move |spot| (sight, spot)))
}

/// Whether one person can have been at both places, by the way of his feet.
fn can_walk(from: &NormBox, to: &NormBox, ms: i64) -> bool {
    let tall = from.h.max(to.h);
    let reach = tall * (1.0 + HEIGHTS_PER_S * ms as f32 / 1_000.0);
    let foot = |b: &NormBox| (b.x + b.w / 2.0, b.y + b.h);
    let ((x0, y0), (x1, y1)) = (foot(from), foot(to));
    (0..=RETURN_MS).contains(&ms)
        && tall <= TALLER * from.h.min(to.h)
        && ((x1 - x0) * WIDE).hypot(y1 - y0) <= reach
}

/// The next sight of a track.
fn later(after: &[Sight], track: u64) -> Option<(UtcMs, NormBox)> {
    after.iter().find_map(|sight| {
        let spot = sight.people.iter().find(|spot| spot.track == track)?;
        Some((sight.at, spot.region))
    })
}

/// The smallest box around two: whoever went straight from one to the other stayed in it.
fn around(a: &NormBox, b: &NormBox) -> NormBox {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    NormBox { x, y, w: (a.x + a.w).max(b.x + b.w) - x, h: (a.y + a.h).max(b.y + b.h) - y }
}

fn wider(b: &NormBox) -> NormBox {
    let (dx, dy) = ((b.w * WIDER).max(LEAST), (b.h * HIGHER).max(LEAST));
    NormBox { x: b.x - dx, y: b.y - dy, w: b.w + 2.0 * dx, h: b.h + 2.0 * dy }.clamped()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use protocol::Label;

    use super::*;
    use crate::analyser::Analyser;
    use crate::frame::Detection;
    use crate::observation::{Observation, Seen};

    fn spot(track: u64, x: f32) -> Spot {
        Spot { track, region: NormBox { x, y: 0.4, w: 0.05, h: 0.2 } }
    }

    fn sight(at: i64, people: Vec<Spot>) -> Sight {
        Sight { at: UtcMs(at), people }
    }

    fn covers(shown: &Shown, x: f32, y: f32) -> bool {
        let inside = |b: &NormBox| (b.x..=b.x + b.w).contains(&x) && (b.y..=b.y + b.h).contains(&y);
        match shown {
            Shown::Unknown => true,
            Shown::Boxes(boxes) => boxes.iter().any(inside),
        }
    }

    /// A walker is covered before he is first seen, between two sights, and after the last, each for its time and no
    /// longer; where nobody looked for seconds everything counts as people.
    #[test]
    fn a_walk_is_covered_from_end_to_end() {
        let mut sights: Vec<Sight> = (0..10).map(|n| sight(n * 200, vec![])).collect();
        sights.extend((10..20).map(|n| sight(n * 200, vec![spot(1, (n - 10) as f32 * 0.05)])));
        sights.extend((20..60).map(|n| sight(n * 200, vec![])));
        let at = |ms: i64| shown(&sights, UtcMs(ms));
        assert!(covers(&at(1_100), 0.02, 0.5) && !covers(&at(900), 0.02, 0.5));
        for ms in (2_000..3_800).step_by(40) {
            let middle = (ms - 2_000) as f32 / 200.0 * 0.05 + 0.025;
            assert!(covers(&at(ms), middle, 0.5), "{ms}");
            assert!(!covers(&at(ms), middle + 0.2, 0.5), "{ms}");
        }
        assert!(covers(&at(5_700), 0.47, 0.5));
        assert_eq!(at(5_900), Shown::Boxes(vec![]));
        assert_eq!(shown(&sights, UtcMs(20_000)), Shown::Unknown);
        assert_eq!(shown(&[], UtcMs(0)), Shown::Unknown);
    }

    /// The analysis stops for a while: what lies too far from its last and its next look to say who was there is covered
    /// whole, and nothing else.
    #[test]
    fn a_pause_of_the_analysis_hides_everything() {
        for pause_ms in [2_800, 4_000, 9_000] {
            let mut sights: Vec<Sight> = (0..20).map(|n| sight(n * 200, vec![])).collect();
            let (stopped, resumed) = (3_800, 3_800 + pause_ms);
            sights.extend((0..20).map(|n| sight(resumed + n * 200, vec![])));
            for ms in (0..resumed + 3_800).step_by(40) {
                let blind = ms > stopped + AFTER_MS && ms < resumed - BEFORE_MS;
                assert_eq!(shown(&sights, UtcMs(ms)) == Shown::Unknown, blind, "{pause_ms}: {ms}");
            }
        }
    }

    /// A walker whom the detector does not see for a second, or for whom it has no time, is covered all along his way;
    /// whoever stands is covered where he stands.
    #[test]
    fn who_is_missed_for_a_second_stays_covered() {
        let (way, standing) = (|ms: i64| ms as f32 * 0.000_2, 0.85_f32);
        let person = |x: f32| Detection {
            label: Label::Person,
            score: 0.8,
            region: NormBox { x, y: 0.3, w: 0.08, h: 0.4 },
        };
        for busy in [false, true] {
            let (mut analyser, people) = (Analyser::new(&[]), People::default());
            let mut missed = 0;
            for ms in (0..4_000).step_by(200) {
                let gone = (1_700..2_700).contains(&ms);
                missed += usize::from(gone);
                let seen = match (gone, busy) {
                    (true, true) => Seen::Unknown,
                    (true, false) => Seen::Objects { by: "test 1".into(), detections: vec![] },
                    (false, _) => Seen::Objects {
                        by: "test 1".into(),
                        detections: vec![person(way(ms)), person(standing)],
                    },
                };
                let at = UtcMs(ms);
                analyser.conclude(&Observation::of(at, seen));
                assert_eq!(analyser.people().is_none(), gone && busy);
                if let Some(found) = analyser.people() {
                    people.saw(Sight { at, people: found });
                }
            }
            let sights = people.after(UtcMs(-1));
            assert_eq!((missed, sights.len()), (5, if busy { 15 } else { 20 }));
            for ms in (0..3_800).step_by(40) {
                let shown = shown(&sights, UtcMs(ms));
                for (x, share) in [(way(ms), 0.2), (way(ms), 0.8), (standing, 0.5)] {
                    assert!(covers(&shown, x + 0.08 * share, 0.5), "busy {busy}, {ms}: {shown:?}");
                }
                assert!(shown != Shown::Unknown);
            }
        }
    }

    /// Somebody is lost behind something and found again six seconds later under a new number, where he can have walked
    /// to: he is covered all the way. Whoever appears too far away, too late or of another size is somebody else, and two
    /// who are followed all the time hide nothing between them.
    #[test]
    fn who_comes_back_under_a_new_number_is_covered_meanwhile() {
        let seen = |lost_x: f32, found: Spot, found_ms: i64| -> Vec<Sight> {
            let people = |ms: i64| {
                let mut here = vec![spot(90, 0.9)];
                here.extend((ms <= 2_000).then(|| spot(1, lost_x)));
                here.extend((ms >= found_ms).then_some(found));
                here
            };
            (0..100).map(|n| sight(n * 200, people(n * 200))).collect()
        };
        let sights = seen(0.2, spot(2, 0.4), 8_000);
        for ms in (2_000..8_000).step_by(100) {
            let way = 0.225 + 0.2 * (ms - 2_000) as f32 / 6_000.0;
            let now = shown(&sights, UtcMs(ms));
            assert!(covers(&now, way, 0.5), "{ms}: {now:?}");
            assert!(!covers(&now, 0.65, 0.5) && !covers(&now, way, 0.9), "{ms}: {now:?}");
        }
        assert!(!covers(&shown(&sights, UtcMs(11_000)), 0.225, 0.5), "it is over");
        let small = Spot { region: NormBox { x: 0.25, y: 0.5, w: 0.025, h: 0.1 }, ..spot(2, 0.0) };
        for (found, found_ms) in [(spot(2, 0.8), 4_500), (spot(2, 0.25), 13_000), (small, 8_000)] {
            let sights = seen(0.05, found, found_ms);
            let (from, to) = (0.075_f32, found.region.x + 0.0125);
            let now = shown(&sights, UtcMs(if found_ms == 4_500 { 4_200 } else { 6_000 }));
            assert!(!covers(&now, f32::midpoint(from, to), 0.5), "{found:?}: {now:?}");
        }
    }

    /// Old sights go, a clock that is set back starts afresh, and a reader gets what is new, once.
    #[test]
    fn sights_are_bounded() {
        let people = People::default();
        for n in 0..4_000 {
            people.saw(sight(n * 200, vec![]));
        }
        assert!(people.lock().len() <= 1_502);
        assert_eq!(people.after(UtcMs(3_998 * 200)).len(), 1);
        people.saw(sight(5, vec![]));
        assert_eq!(people.newest(), Some(UtcMs(5)));
    }

    proptest! {
        /// Wherever a tracked person goes straight between two sights, he is covered at each moment.
        #[test]
        fn straight_ways_are_covered(x0 in 0.0_f32..0.9, x1 in 0.0_f32..0.9, share in 0.0_f32..1.0) {
            let sights = [sight(1_000, vec![spot(7, x0)]), sight(2_000, vec![spot(7, x1)])];
            let at = UtcMs(1_000 + (share * 1_000.0) as i64);
            let middle = x0 + (x1 - x0) * share + 0.025;
            prop_assert!(covers(&shown(&sights, at), middle, 0.5));
        }
    }
}
