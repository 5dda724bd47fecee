//! Rules that ask who is in a zone: at all, for how long, how many.

use std::collections::BTreeMap;

use protocol::{Label, NormBox, UtcMs};

use super::config::{Area, Whom};
use super::occurrence::{Sighting, Verdict};
use crate::tracker::Track;

/// Out of the zone for less than this is not having left it.
pub(super) const FORGIVEN_MS: i64 = 3_000;
/// Only who stood there: one who walks out of sight and one who comes in by the same door are two.
const STOOD_MS: i64 = 1_500;
/// At most so long between the last sight of the one and the first of the other; that other must be confirmed before
/// it is looked for.
const LOST_MS: i64 = 4_000;
const REMEMBERED_MS: i64 = 6_000;
/// Who vanishes in a zone, and reappears so near (in own heights) before being forgotten, is taken for the same one:
/// trackers lose people behind each other.
const SAME_SPOT: f32 = 0.6;

impl Whom {
    /// Whether a track is one of those a rule waits for, and in sight.
    pub(super) fn names(&self, track: &Track) -> bool {
        self.labels.contains(&track.label)
            && track.best_score >= self.min_score
            && track.confirmed
            && track.visible
            && track.region.clamped().h >= self.min_size
    }
}

impl Area {
    /// Feet decide: a body that leans over the zone from outside is outside.
    pub(super) fn holds(&self, track: &Track) -> bool {
        self.whom.names(track) && self.zone.contains(track.region.clamped().foot())
    }

    /// Without a detector nobody can say what it is: motion stands for whatever the rule waits for, but only where
    /// being there is enough. A swaying branch loiters for ever.
    fn holds_motion(&self, track: &Track) -> bool {
        let region = track.region.clamped();
        track.label == Label::Motion
            && track.confirmed
            && track.visible
            && region.h >= self.whom.min_size
            && self.zone.contains(region.foot())
    }
}

/// How long one thing has been in a zone.
#[derive(Debug)]
struct Dwell {
    entered_at: UtcMs,
    inside_at: UtcMs,
    region: NormBox,
    /// It had not left its place for a while.
    stood: bool,
}

/// Who is in a zone, and since when.
#[derive(Debug, Default)]
pub(super) struct Dwellers(BTreeMap<u64, Dwell>);

impl Dwellers {
    /// Those of `inside` that have stayed for `dwell_ms`; short absences are forgiven.
    fn stayed<'t>(&mut self, at: UtcMs, inside: Vec<&'t Track>, dwell_ms: i64) -> Vec<&'t Track> {
        self.0.retain(|id, d| {
            let known = inside.iter().any(|t| t.id == *id);
            at.since_ms(d.inside_at) < if known { FORGIVEN_MS } else { REMEMBERED_MS }
        });
        for track in &inside {
            let entered_at = match self.0.get(&track.id) {
                Some(dwell) => dwell.entered_at,
                None => self.taken_over(track, &inside).unwrap_or(at),
            };
            let stood = at.since_ms(track.still_since) >= STOOD_MS;
            self.0.insert(track.id, Dwell { entered_at, inside_at: at, region: track.region, stood });
        }
        let long = |t: &&Track| self.0.get(&t.id).is_some_and(|d| at.since_ms(d.entered_at) >= dwell_ms);
        inside.into_iter().filter(long).collect()
    }

    /// When a new track is where a known one has just vanished: since when that one was here.
    fn taken_over(&mut self, track: &Track, inside: &[&Track]) -> Option<UtcMs> {
        let vanished = |id: u64| !inside.iter().any(|other| other.id == id);
        let (x, y) = track.region.foot();
        let near = |d: &Dwell| {
            let gap_ms = track.first_seen.since_ms(d.inside_at);
            let (px, py) = d.region.foot();
            let like = d.region.h / track.region.h.max(1e-6);
            (x - px).hypot(y - py) < SAME_SPOT * d.region.h
                && (0.6..1.6).contains(&like)
                && d.stood
                && gap_ms <= LOST_MS
        };
        let id = self.0.iter().find(|(id, dwell)| vanished(**id) && near(dwell)).map(|(id, _)| *id)?;
        self.0.remove(&id).map(|dwell| dwell.entered_at)
    }
}

/// Intrusion, forbidden vehicles, e-bikes in lifts.
#[derive(Debug, Default)]
pub(super) struct Presence {
    dwellers: Dwellers,
}

impl Presence {
    pub(super) fn step(
        &mut self,
        at: UtcMs,
        tracks: &[Track],
        area: &Area,
        dwell_ms: i64,
        by_motion: bool,
    ) -> Verdict {
        let inside: Vec<&Track> =
            tracks.iter().filter(|t| area.holds(t) || (by_motion && area.holds_motion(t))).collect();
        let anybody = !inside.is_empty();
        let stayed = self.dwellers.stayed(at, inside, dwell_ms);
        match Sighting::of(&stayed) {
            Some(sighting) => Verdict::Alarm(sighting),
            // One incident as long as the zone is occupied, whoever it is.
            None if anybody => Verdict::Keeps,
            None => Verdict::Nothing,
        }
    }
}

/// One thing that stays.
#[derive(Debug, Default)]
pub(super) struct Loitering(Dwellers);

impl Loitering {
    pub(super) fn step(&mut self, at: UtcMs, tracks: &[Track], area: &Area, dwell_ms: i64) -> Verdict {
        let inside = tracks.iter().filter(|t| area.holds(t)).collect();
        Verdict::of(Sighting::of(&self.0.stayed(at, inside, dwell_ms)))
    }
}

/// Many at once.
#[derive(Debug, Default)]
pub(super) struct Crowding {
    /// When each was last in the zone: a detector loses some in every frame of a crowd.
    inside_at: BTreeMap<u64, UtcMs>,
    /// Enough since then.
    since: Option<UtcMs>,
    enough_at: UtcMs,
}

impl Crowding {
    /// Who was in the zone so short a time ago still counts.
    const SEEN_MS: i64 = 1_000;
    /// Fewer for less than this is no interruption.
    const DIP_MS: i64 = 2_000;

    pub(super) fn step(
        &mut self,
        at: UtcMs,
        tracks: &[Track],
        area: &Area,
        count: u32,
        dwell_ms: i64,
    ) -> Verdict {
        let inside: Vec<&Track> = tracks.iter().filter(|t| area.holds(t)).collect();
        for track in tracks.iter().filter(|t| t.visible && !area.holds(t)) {
            self.inside_at.remove(&track.id);
        }
        self.inside_at.retain(|_, seen_at| at.since_ms(*seen_at) <= Self::SEEN_MS);
        self.inside_at.extend(inside.iter().map(|t| (t.id, at)));
        let now = u32::try_from(self.inside_at.len()).unwrap_or(u32::MAX);
        if now >= count {
            self.since.get_or_insert(at);
            self.enough_at = at;
        } else if at.since_ms(self.enough_at) >= Self::DIP_MS {
            self.since = None;
        }
        let long = self.since.is_some_and(|since| at.since_ms(since) >= dwell_ms);
        match Sighting::of(&inside) {
            Some(sighting) if long && now >= count => {
                Verdict::Alarm(Sighting { object_count: now, ..sighting })
            }
            // A crowd around the limit is one incident.
            _ if now >= count - (count / 4).max(1) => Verdict::Keeps,
            _ => Verdict::Nothing,
        }
    }
}
