//! Closed → open → closed: the one state machine behind every rule.

use std::sync::Arc;

use protocol::{Label, NormBox, Phase, UtcMs};

use super::method::{Eye, Models};
use crate::tracker::Track;

/// At most one `Updated` in this time.
const UPDATE_MS: i64 = 3_000;
/// A picture replaces the best one when it is better by this factor: a new snapshot costs a message and a file.
const BETTER: f32 = 1.3;

/// What one frame says of a rule's condition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// The condition of the alarm is met.
    Alarm(Sighting),
    /// Not enough to open, but what is open stays.
    Keeps,
    Nothing,
}

/// The best object of one frame, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) best: Best,
    pub(super) object_count: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    pub(super) label: Label,
    pub(super) score: f32,
    pub(super) region: NormBox,
    pub(super) eye: Eye,
}

impl Best {
    pub(super) fn of(track: &Track) -> Self {
        let score = if track.label == Label::Motion { 0.0 } else { track.score };
        Self { label: track.label, score, region: track.region.clamped(), eye: Eye::of(track.label) }
    }

    /// Large, certain and wholly in the picture is good; what touches the border is probably cut off.
    fn quality(&self) -> f32 {
        let r = &self.region;
        let cut = r.x <= 0.005 || r.y <= 0.005 || r.x + r.w >= 0.995 || r.y + r.h >= 0.995;
        (0.1 + self.score) * r.area().sqrt() * if cut { 0.5 } else { 1.0 }
    }
}

impl Sighting {
    /// `None` when nobody is there. Among equals the first wins, so the choice is deterministic.
    pub(super) fn best_of(all: impl IntoIterator<Item = Best>) -> Option<Self> {
        let mut object_count = 0;
        let count = |best| {
            object_count += 1;
            best
        };
        let better = |a: Best, b: Best| if b.quality() > a.quality() { b } else { a };
        let best = all.into_iter().map(count).reduce(better)?;
        Some(Self { best, object_count })
    }

    pub(super) fn of(tracks: &[&Track]) -> Option<Self> {
        Self::best_of(tracks.iter().map(|t| Best::of(t)))
    }
}

impl Verdict {
    /// Somebody there is an alarm.
    pub(super) fn of(sighting: Option<Sighting>) -> Self {
        sighting.map_or(Self::Nothing, Self::Alarm)
    }
}

/// What is known of the occurrence that is open, or was open last.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) serial: u64,
    pub(super) at: UtcMs,
    pub(super) started_at: UtcMs,
    pub(super) best: Best,
    pub(super) method: Arc<str>,
    pub(super) object_count: u32,
    pub(super) motion_only: bool,
    occupied_at: UtcMs,
    told_count: u32,
}

#[derive(Debug)]
enum State {
    /// `until`: the cool-down after the last occurrence.
    Closed {
        until: Option<UtcMs>,
    },
    Open,
}

#[derive(Debug)]
pub(super) struct Occurrence {
    cooldown_ms: i64,
    /// It ends when its condition has not held for so long.
    hold_ms: i64,
    state: State,
    seen: Seen,
}

impl Occurrence {
    pub(super) fn new(cooldown_ms: i64, hold_ms: i64) -> Self {
        let nowhere = NormBox { x: 0.0, y: 0.0, w: 0.0, h: 0.0 };
        let best = Best { label: Label::Motion, score: 0.0, region: nowhere, eye: Eye::Motion };
        let zero = UtcMs(0);
        let seen = Seen {
            serial: 0,
            at: zero,
            started_at: zero,
            best,
            method: "".into(),
            object_count: 0,
            motion_only: false,
            occupied_at: zero,
            told_count: 0,
        };
        Self { cooldown_ms, hold_ms, state: State::Closed { until: None }, seen }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What this frame changes, and whether it is the best picture so far. `by`: which models see what.
    pub(super) fn step(&mut self, at: UtcMs, verdict: Verdict, by: &Models) -> Option<(Phase, bool)> {
        match (&self.state, verdict) {
            (State::Open, Verdict::Alarm(sighting)) => self.stay(at, sighting, by),
            (State::Open, Verdict::Keeps) => {
                self.seen.occupied_at = at;
                None
            }
            (State::Open, Verdict::Nothing) => {
                let ends_at = self.seen.occupied_at.plus_ms(self.hold_ms);
                (at >= ends_at && self.finish(ends_at)).then_some((Phase::Ended, false))
            }
            (State::Closed { until }, Verdict::Alarm(sighting)) => {
                // A clock that was set back to before that end knows of no cool-down.
                let cools = |until: UtcMs| (until.plus_ms(-self.cooldown_ms)..until).contains(&at);
                if until.is_some_and(cools) {
                    return None;
                }
                self.open(at, sighting, by);
                Some((Phase::Opened, true))
            }
            (State::Closed { .. }, Verdict::Keeps | Verdict::Nothing) => None,
        }
    }

    /// Ends the open occurrence, if there is one.
    pub(super) fn finish(&mut self, at: UtcMs) -> bool {
        if matches!(self.state, State::Closed { .. }) {
            return false;
        }
        self.seen.at = at;
        self.state = State::Closed { until: Some(at.plus_ms(self.cooldown_ms)) };
        true
    }

    fn open(&mut self, at: UtcMs, sighting: Sighting, by: &Models) {
        self.state = State::Open;
        self.seen = Seen {
            serial: self.seen.serial + 1,
            at,
            started_at: at,
            best: sighting.best,
            method: method_of(&sighting.best, by),
            object_count: sighting.object_count,
            motion_only: sighting.best.label == Label::Motion,
            occupied_at: at,
            told_count: sighting.object_count,
        };
    }

    fn stay(&mut self, at: UtcMs, sighting: Sighting, by: &Models) -> Option<(Phase, bool)> {
        let seen = &mut self.seen;
        seen.occupied_at = at;
        seen.object_count = seen.object_count.max(sighting.object_count);
        if at.since_ms(seen.at) < UPDATE_MS {
            return None;
        }
        // A detector that comes back and names what motion alone had seen is better whatever its size.
        let named = seen.motion_only && sighting.best.label != Label::Motion;
        let better = named || sighting.best.quality() > seen.best.quality() * BETTER;
        if !better && seen.object_count == seen.told_count {
            return None;
        }
        if better {
            seen.best = sighting.best;
            seen.method = method_of(&sighting.best, by);
            seen.motion_only = seen.best.label == Label::Motion;
        }
        seen.at = at;
        seen.told_count = seen.object_count;
        Some((Phase::Updated, better))
    }
}

fn method_of(best: &Best, by: &Models) -> Arc<str> {
    best.eye.name().map_or_else(|| by.naming(best.label), Arc::from)
}
