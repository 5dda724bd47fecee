//! Stepping over a line. A foot point trembles by a few hundredths of a body: somebody is on the other side only
//! when clearly so, and a step back and forth on the line itself is none.

use std::collections::BTreeMap;

use protocol::UtcMs;

use super::config::Whom;
use super::line::{Line, Side};
use super::occurrence::Best;
use crate::tracker::Track;

/// Least distance that counts as being on one side: this share of the object's height, within limits.
const CLEAR: f32 = 0.08;
const CLEAR_MIN: f32 = 0.004;
const CLEAR_MAX: f32 = 0.02;
/// An object unseen for so long is forgotten.
const FORGET_MS: i64 = 10_000;

#[derive(Debug)]
struct Walk {
    seen_at: UtcMs,
    foot: (f32, f32),
    /// The side it was clearly on.
    side: Option<Side>,
    /// The last step over the endless line led between the ends of the line.
    between: bool,
    /// Stepped over before the tracker was sure of it.
    waiting: bool,
}

#[derive(Debug, Default)]
pub(super) struct Crossing(BTreeMap<u64, Walk>);

impl Crossing {
    /// Whoever has stepped over the line in this frame.
    pub(super) fn step(&mut self, at: UtcMs, tracks: &[Track], line: &Line, whom: &Whom) -> Vec<Best> {
        self.0.retain(|_, walk| at.since_ms(walk.seen_at) < FORGET_MS);
        let mut crossed = Vec::new();
        for track in tracks.iter().filter(|t| t.visible && whom.labels.contains(&t.label)) {
            let region = track.region.clamped();
            let foot = track.foot();
            let distance = line.distance(foot);
            let clear = (CLEAR * region.h).clamp(CLEAR_MIN, CLEAR_MAX);
            let here = if distance > 0.0 { Side::Right } else { Side::Left };
            let walk = self.0.entry(track.id).or_insert(Walk {
                seen_at: at,
                foot,
                side: None,
                between: false,
                waiting: false,
            });
            let was_right = line.distance(walk.foot) > 0.0;
            if was_right != (here == Side::Right) {
                walk.between = line.is_between_ends(walk.foot, foot);
            }
            (walk.seen_at, walk.foot) = (at, foot);
            if distance.abs() >= clear {
                let over = walk.side.is_some_and(|side| side != here) && walk.between && line.counts(here);
                walk.waiting |= over;
                walk.side = Some(here);
            }
            if walk.waiting && whom.names(track) {
                walk.waiting = false;
                crossed.push(Best::of(track));
            }
        }
        crossed
    }
}
