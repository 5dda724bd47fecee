//! Rules that ask who is in a zone: at all, for how long, how many.

use std::collections::BTreeMap;

use protocol::{Label, UtcMs};

use super::Moment;
use super::config::{Area, Whom};
use super::dwell::Dwellers;
use super::occurrence::{Sighting, Verdict};
use crate::tracker::Track;

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
        self.whom.names(track) && self.zone.contains(track.foot())
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

/// Intrusion, forbidden vehicles, e-bikes in lifts.
#[derive(Debug, Default)]
pub(super) struct Presence {
    dwellers: Dwellers,
}

impl Presence {
    pub(super) fn step(&mut self, now: &Moment<'_>, area: &Area, dwell_ms: i64, by_motion: bool) -> Verdict {
        let counts = |t: &&Track| area.holds(t) || (by_motion && area.holds_motion(t));
        let here = self.dwellers.step(now, &area.zone, now.tracks.iter().filter(counts).collect());
        let stayed = here.iter().copied().filter(|t| self.dwellers.stayed(now.seen.at, t, dwell_ms));
        match Sighting::of(&stayed.collect::<Vec<_>>()) {
            Some(sighting) => Verdict::Alarm(sighting),
            // One incident as long as the zone is occupied, whoever it is.
            None if !here.is_empty() => Verdict::Keeps,
            None => Verdict::Nothing,
        }
    }
}

/// One thing that stays.
#[derive(Debug, Default)]
pub(super) struct Loitering(Dwellers);

impl Loitering {
    pub(super) fn step(&mut self, now: &Moment<'_>, area: &Area, dwell_ms: i64) -> Verdict {
        let at = now.seen.at;
        let here = self.0.step(now, &area.zone, now.tracks.iter().filter(|t| area.holds(t)).collect());
        let stayed = here.into_iter().filter(|t| self.0.stayed(at, t, dwell_ms));
        match Sighting::of(&stayed.collect::<Vec<_>>()) {
            Some(sighting) => Verdict::Alarm(sighting),
            // One incident for each stay, whether he is in sight or not.
            None if self.0.hides(at, &area.zone, dwell_ms) => Verdict::Keeps,
            None => Verdict::Nothing,
        }
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
