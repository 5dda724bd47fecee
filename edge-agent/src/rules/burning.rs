//! Fire and smoke: seen at one place, most of the time, for as long as the rule says. A flame that a model names in one
//! frame of many, or a lamp that flickers, never adds up.
//!
//! Only who looks for fire has a say: a look that finds none speaks against it, one for people alone counts nothing,
//! and what a track is carried over between looks was not seen.

use protocol::{Label, NormBox, UtcMs};

use super::Moment;
use super::config::{Area, Burning};
use super::method::Eye;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::{grown, touch};
use crate::observation::Seen;

/// Flames and smoke change their shape: what touches the box enlarged by this is the same fire.
const REACH: f32 = 0.5;
/// A look counts for the time since the one before, at most so long: some detectors look seldom.
const LOOK_MS: i64 = 1_000;
/// How much longer than it must be seen a fire is remembered, at most.
const MEMORY_MS: i64 = 3_000;

#[derive(Debug)]
struct Blaze {
    best: Best,
    region: NormBox,
    /// Up to here it has been counted.
    counted_at: UtcMs,
    /// Time seen less half the time unseen: what is found in less than a third of the looks never adds up.
    seen_ms: i64,
}

impl Blaze {
    /// Seen, or looked for in vain, at this moment.
    fn count(&mut self, at: UtcMs, seen: bool, most_ms: i64) {
        let passed_ms = since(Some(self.counted_at), at);
        self.counted_at = at;
        self.seen_ms += if seen { passed_ms } else { -passed_ms / 2 };
        self.seen_ms = self.seen_ms.min(most_ms);
    }
}

#[derive(Debug, Default)]
pub(super) struct Blazes {
    blazes: Vec<Blaze>,
    looked_at: Option<UtcMs>,
}

/// What a frame can say of a fire.
enum Look {
    /// Somebody looked for it.
    Taken,
    /// Nothing moves. A flame does, so that speaks against what was not seen of late.
    Still,
    /// Nobody looked for it.
    None,
}

impl Blazes {
    pub(super) fn step(&mut self, now: &Moment<'_>, area: &Area, dwell_ms: i64, by: Burning) -> Verdict {
        let at = now.seen.at;
        let look = look(now, area, by);
        let (found, most_ms) = (found(now, area, by), dwell_ms + MEMORY_MS);
        for blaze in &mut self.blazes {
            let reach = grown(&blaze.region, REACH, REACH);
            let here = || found.iter().filter(|f| touch(&reach, &f.best.region));
            match look {
                Look::Taken => {
                    let sighting = Sighting::best_of(here().filter(|f| f.seen).map(|f| f.best));
                    blaze.count(at, sighting.is_some(), most_ms);
                    if let Some(Sighting { best, .. }) = sighting {
                        (blaze.region, blaze.best) = (best.region, best);
                    }
                }
                Look::Still if here().next().is_none() => blaze.count(at, false, most_ms),
                Look::Still | Look::None => {}
            }
        }
        if matches!(look, Look::Taken) {
            let seen_ms = since(self.looked_at.replace(at), at).max(1);
            for Found { best, .. } in found.into_iter().filter(|f| f.seen) {
                let known = |b: &Blaze| touch(&grown(&b.region, REACH, REACH), &best.region);
                if !self.blazes.iter().any(known) {
                    self.blazes.push(Blaze { best, region: best.region, counted_at: at, seen_ms });
                }
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

/// Time since a look, as far as it counts.
fn since(last: Option<UtcMs>, at: UtcMs) -> i64 {
    last.map_or(0, |last| at.since_ms(last).clamp(0, LOOK_MS))
}

fn look(now: &Moment<'_>, area: &Area, by: Burning) -> Look {
    let (seen, labels) = (now.seen, &area.whom.labels);
    let by_model = labels.iter().any(|label| seen.looked_for(*label));
    // The pixels of each frame are looked at where no model names fire, for good or for now.
    let by_pixels = match by {
        Burning::Model => false,
        Burning::Flames => true,
        Burning::ModelOrFlames => !seen.signs.flames.is_empty() || seen.nobody_names(labels),
    };
    match seen.seen {
        _ if by_model || by_pixels => Look::Taken,
        Seen::Still => Look::Still,
        _ => Look::None,
    }
}

struct Found {
    best: Best,
    /// In this frame, not some time before.
    seen: bool,
}

fn found(now: &Moment<'_>, area: &Area, by: Burning) -> Vec<Found> {
    let tracks = now.tracks.iter().filter(|t| area.holds(t));
    let mut found: Vec<Found> =
        tracks.map(|t| Found { best: Best::of(t), seen: t.last_seen == now.seen.at }).collect();
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
        found.extend(signs.filter(counts).map(|best| Found { best, seen: true }));
    }
    found
}

#[cfg(test)]
mod tests;
