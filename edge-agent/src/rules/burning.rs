//! Fire and smoke: seen at one place, most of the time, for as long as the rule says. A flame that a model names in one frame of many, or
//! a lamp that flickers, never adds up.

use protocol::{Label, NormBox, UtcMs};

use super::Moment;
use super::config::{Area, Burning};
use super::method::Eye;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::{Steps, grown, touch};
use crate::observation::Seen;

/// Flames and smoke change their shape: what touches the box enlarged by this is the same fire.
const REACH: f32 = 0.5;
/// A sight counts for the time since the one before, at most so long: some detectors look seldom.
const SIGHT_MS: i64 = 1_000;
/// How much longer than it must be seen a fire is remembered, at most.
const MEMORY_MS: i64 = 3_000;

#[derive(Debug)]
struct Blaze {
    best: Best,
    region: NormBox,
    sighted_at: UtcMs,
    /// Time seen less half the time unseen: what is there in less than a third of the frames never adds up.
    seen_ms: i64,
}

#[derive(Debug, Default)]
pub(super) struct Blazes {
    blazes: Vec<Blaze>,
    steps: Steps,
}

impl Blazes {
    pub(super) fn step(&mut self, now: &Moment<'_>, area: &Area, dwell_ms: i64, by: Burning) -> Verdict {
        let passed_ms = self.steps.to(now.seen.at);
        // Nobody looked: nothing changes.
        if matches!(now.seen.seen, Seen::Unknown) && now.seen.signs.flames.is_empty() {
            return self.verdict(dwell_ms);
        }
        let found = found(now, area, by);
        for blaze in &mut self.blazes {
            let reach = grown(&blaze.region, REACH, REACH);
            let here: Vec<&Found> = found.iter().filter(|f| touch(&reach, &f.best.region)).collect();
            let sighted_at = here.iter().map(|f| f.sighted_at).max();
            match (Sighting::best_of(here.iter().map(|f| f.best)), sighted_at) {
                (Some(sighting), Some(sighted_at)) => {
                    // A track is carried on from look to look; what it was not seen to be counts nothing.
                    let more_ms = sighted_at.since_ms(blaze.sighted_at).clamp(0, SIGHT_MS);
                    blaze.seen_ms = (blaze.seen_ms + more_ms).min(dwell_ms + MEMORY_MS);
                    blaze.sighted_at = blaze.sighted_at.max(sighted_at);
                    blaze.region = sighting.best.region;
                    blaze.best = sighting.best;
                }
                _ => blaze.seen_ms -= passed_ms / 2,
            }
        }
        for Found { best, sighted_at } in found {
            let known = |b: &Blaze| touch(&grown(&b.region, REACH, REACH), &best.region);
            if !self.blazes.iter().any(known) {
                self.blazes.push(Blaze { best, region: best.region, sighted_at, seen_ms: 1 });
            }
        }
        self.blazes.retain(|blaze| blaze.seen_ms > 0);
        self.verdict(dwell_ms)
    }

    fn verdict(&self, dwell_ms: i64) -> Verdict {
        let long = self.blazes.iter().filter(|blaze| blaze.seen_ms > dwell_ms);
        match Sighting::best_of(long.map(|blaze| blaze.best)) {
            Some(sighting) => Verdict::Alarm(sighting),
            None if self.blazes.is_empty() => Verdict::Nothing,
            None => Verdict::Keeps,
        }
    }
}

struct Found {
    best: Best,
    sighted_at: UtcMs,
}

fn found(now: &Moment<'_>, area: &Area, by: Burning) -> Vec<Found> {
    let tracks = now.tracks.iter().filter(|t| area.holds(t));
    let mut found: Vec<Found> =
        tracks.map(|t| Found { best: Best::of(t), sighted_at: t.last_seen }).collect();
    // Where a model looks for fire, the observation holds none.
    if by != Burning::Model {
        let signs = now.seen.signs.flames.iter().map(|sign| Best {
            label: Label::Fire,
            score: sign.score,
            region: sign.region.clamped(),
            eye: Eye::Flames,
        });
        let counts = |best: &Best| {
            best.score >= area.whom.min_score
                && best.region.h >= area.whom.min_size
                && area.zone.contains(best.region.foot())
        };
        found.extend(signs.filter(counts).map(|best| Found { best, sighted_at: now.seen.at }));
    }
    found
}
