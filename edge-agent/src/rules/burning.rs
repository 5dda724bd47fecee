//! Fire and smoke: seen at one place, most of the time, for as long as the rule says. A flame that a model names in one frame of many, or
//! a lamp that flickers, never adds up.

use protocol::{Label, NormBox};

use super::Moment;
use super::config::{Area, Burning};
use super::method::Eye;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::{Steps, grown, touch};
use crate::observation::Seen;

/// Flames and smoke change their shape: what touches the box enlarged by this is the same fire.
const REACH: f32 = 0.5;
/// How much longer than it must be seen a fire is remembered, at most.
const MEMORY_MS: i64 = 3_000;

#[derive(Debug)]
struct Blaze {
    best: Best,
    region: NormBox,
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
            let here: Vec<&Best> = found.iter().filter(|best| touch(&reach, &best.region)).collect();
            match Sighting::best_of(here.into_iter().copied()) {
                Some(sighting) => {
                    blaze.seen_ms = (blaze.seen_ms + passed_ms).min(dwell_ms + MEMORY_MS);
                    blaze.region = sighting.best.region;
                    blaze.best = sighting.best;
                }
                None => blaze.seen_ms -= passed_ms / 2,
            }
        }
        for best in found {
            let known = |b: &Blaze| touch(&grown(&b.region, REACH, REACH), &best.region);
            if !self.blazes.iter().any(known) {
                self.blazes.push(Blaze { best, region: best.region, seen_ms: 1 });
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

fn found(now: &Moment<'_>, area: &Area, by: Burning) -> Vec<Best> {
    let mut found: Vec<Best> = now.tracks.iter().filter(|t| area.holds(t)).map(Best::of).collect();
    // Where a model looks for fire, the observation holds none.
    if by != Burning::Model {
        let signs = now.seen.signs.flames.iter().map(|sign| Best {
            label: Label::Fire,
            score: sign.score,
            region: sign.region.clamped(),
            eye: Eye::Flames,
        });
        found.extend(signs.filter(|best| {
            best.score >= area.whom.min_score
                && best.region.h >= area.whom.min_size
                && area.zone.contains(best.region.foot())
        }));
    }
    found
}
