//! Who is in a zone, and since when: by place and time alone.
//!
//! Trackers lose people behind each other, and at night for seconds on end. Who stood about, vanished in the zone away
//! from its edge, and reappears near there before long, is the same one. Nobody who is seen to come in, and nobody who
//! walks through, takes over another's time.
//!
//! What has not moved since it was first seen has not come in either: it counts when it is seen in every look from the
//! first on, or most of the time, and not as long as it may be a poster that a detector takes for somebody now and then.

use std::collections::BTreeMap;

use protocol::{Label, NormBox, UtcMs};

use super::Moment;
use super::zone::Zone;
use crate::observation::Seen;
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
/// The same for who had stood not longer before than this, and vanished so far from the edge of the zone (in own
/// heights) that nobody passes there unseen: for so long, and further off by so much for each second.
const STOOD_BEFORE_MS: i64 = 3_000;
const OFF_EDGE: f32 = 0.25;
const HIDDEN_MS: i64 = 8_000;
const WANDERS: f32 = 0.1;
/// Who reappears must stay near there for so long: somebody else would walk on.
const STAYS_MS: i64 = 2_000;
/// So far from the outline, in own heights, a foot is within the zone: a detector's boxes tremble by less.
const ENTERED: f32 = 0.05;
/// Nearer to it, two sights count that are no further apart.
const AGAIN_MS: i64 = 1_500;
/// Overlap with where it was first in the zone, below which it has moved: who comes straight on grows.
const MOVED: f32 = 0.65;
/// What has not moved counts after so many looks that all saw it, from the first on: no poster is taken for somebody so
/// steadily. Otherwise after so many and so long, when it was seen in this share of them.
const PLAIN_LOOKS: u32 = 8;
const LOOKS: u32 = 12;
const LOOKED_MS: i64 = 4_000;
const SEEN_SHARE: f32 = 0.6;

/// One thing that is in a zone, or was a moment ago.
#[derive(Debug)]
struct Dwell {
    label: Label,
    entered_at: UtcMs,
    first_at: UtcMs,
    inside_at: UtcMs,
    /// Down to the feet.
    region: NormBox,
    /// Where it was first in the zone.
    first: NormBox,
    /// When it had last not left its place for a while.
    stood_at: Option<UtcMs>,
    /// Its last sight was out of the zone.
    outside: bool,
    claim: Option<Claim>,
    /// It has moved, or was seen most of the time.
    real: bool,
    /// Well within the zone, or there in two sights: who passes along the outline is in it by an accident of one sight.
    entered: bool,
    looks: u32,
    sights: u32,
}

/// It may be one who vanished here.
#[derive(Clone, Copy, Debug)]
struct Claim {
    of: u64,
    entered_at: UtcMs,
    real: bool,
    place: NormBox,
    reach: f32,
}

impl Dwell {
    fn lingers(&self) -> bool {
        let stood = |at: UtcMs| self.inside_at.since_ms(at) <= STOOD_BEFORE_MS;
        self.claim.is_some() || self.stood_at.is_some_and(stood)
    }

    /// It must still be there: who goes is seen to go.
    fn is_hidden(&self, zone: &Zone) -> bool {
        !self.outside && self.lingers() && off_edge(&self.region, zone)
    }

    fn looked(&mut self, now: &Moment<'_>, track: Option<&Track>) {
        if now.seen.looked_for(self.label) {
            self.looks += 1;
            self.sights += u32::from(track.is_some_and(|t| t.last_seen == now.seen.at));
        }
        let Some(track) = track else { return };
        let again = now.seen.at.since_ms(self.inside_at) <= AGAIN_MS && now.seen.at > self.first_at;
        let looked = track.last_seen == now.seen.at && !matches!(now.seen.seen, Seen::Still);
        self.entered |= again && looked && !self.outside;
        let often = self.sights as f32 >= self.looks as f32 * SEEN_SHARE && self.looks >= LOOKS;
        let long = now.seen.at.since_ms(self.first_at) >= LOOKED_MS;
        let moved = track.still_since > track.first_seen || self.first.iou(&track.region) < MOVED;
        let plain = self.looks >= PLAIN_LOOKS && self.sights == self.looks;
        self.real |= track.label == Label::Motion || moved || plain || often && long;
    }
}

#[derive(Debug, Default)]
pub(super) struct Dwellers(BTreeMap<u64, Dwell>);

impl Dwellers {
    /// A frame in which these are in the zone; returns those that count.
    pub(super) fn step<'t>(
        &mut self,
        now: &Moment<'_>,
        zone: &Zone,
        inside: Vec<&'t Track>,
    ) -> Vec<&'t Track> {
        let at = now.seen.at;
        for track in now.tracks.iter().filter(|t| t.visible && !inside.iter().any(|i| i.id == t.id)) {
            self.0.entry(track.id).and_modify(|d| d.outside = true);
        }
        self.0.retain(|id, d| {
            let patience_ms = match inside.iter().any(|t| t.id == *id) {
                _ if d.is_hidden(zone) => HIDDEN_MS + REMEMBERED_MS - LOST_MS,
                true => FORGIVEN_MS,
                false => REMEMBERED_MS,
            };
            at.since_ms(d.inside_at) < patience_ms
        });
        for track in &inside {
            if !self.0.contains_key(&track.id) {
                let dwell = self.begun(at, track, &inside, zone);
                self.0.insert(track.id, dwell);
            }
        }
        for (id, dwell) in &mut self.0 {
            let track = inside.iter().find(|t| t.id == *id).copied();
            dwell.looked(now, track);
            if let Some(track) = track {
                (dwell.inside_at, dwell.region, dwell.outside) = (at, track.whole(), false);
                if at.since_ms(track.still_since) >= STOOD_MS {
                    dwell.stood_at = Some(at);
                }
            }
        }
        self.settle_claims(at);
        inside.into_iter().filter(|t| self.0.get(&t.id).is_some_and(|d| d.real && d.entered)).collect()
    }

    /// Whether it has been there for so long.
    pub(super) fn stayed(&self, at: UtcMs, track: &Track, dwell_ms: i64) -> bool {
        self.0.get(&track.id).is_some_and(|d| at.since_ms(d.entered_at) >= dwell_ms)
    }

    /// Whether somebody who had been there for so long is out of sight and has not been seen to go.
    pub(super) fn hides(&self, at: UtcMs, zone: &Zone, dwell_ms: i64) -> bool {
        let long = |d: &Dwell| d.real && d.inside_at.since_ms(d.entered_at) >= dwell_ms;
        self.0.values().any(|d| long(d) && d.is_hidden(zone) && at.since_ms(d.inside_at) <= HIDDEN_MS)
    }

    fn begun(&mut self, at: UtcMs, track: &Track, inside: &[&Track], zone: &Zone) -> Dwell {
        let new = Dwell {
            label: track.label,
            entered_at: at,
            first_at: at,
            inside_at: at,
            region: track.whole(),
            first: track.region,
            stood_at: None,
            outside: false,
            claim: None,
            real: false,
            entered: zone.edge_distance(track.foot()) >= ENTERED * track.whole().h,
            looks: 0,
            sights: 0,
        };
        let vanished = self.0.iter().filter(|(id, d)| !d.outside && !inside.iter().any(|t| t.id == **id));
        let whole = track.whole();
        let off = |d: &Dwell| distance(&d.region, &whole) / d.region.h.max(1e-6);
        let like = |d: &Dwell| (0.6..1.6).contains(&(d.region.h / whole.h.max(1e-6)));
        let lost: Vec<(u64, &Dwell, i64)> = vanished
            .map(|(id, d)| (*id, d, track.first_seen.since_ms(d.inside_at)))
            .filter(|(_, d, gap_ms)| *gap_ms >= 0 && like(d))
            .collect();
        let at_once =
            |d: &Dwell, gap_ms| gap_ms <= LOST_MS && d.stood_at == Some(d.inside_at) && off(d) < SAME_SPOT;
        if let Some((id, d, _)) = lost.iter().find(|(_, d, gap_ms)| at_once(d, *gap_ms)) {
            let (id, dwell) = (
                *id,
                Dwell { entered_at: d.entered_at, claim: d.claim, real: d.real, entered: d.entered, ..new },
            );
            self.0.remove(&id);
            return dwell;
        }
        let reach = |gap_ms: i64| SAME_SPOT + WANDERS * gap_ms as f32 / 1_000.0;
        let later = |d: &Dwell, gap_ms| {
            gap_ms <= HIDDEN_MS && d.is_hidden(zone) && off(d) < reach(gap_ms) && off_edge(&whole, zone)
        };
        let claim = lost.iter().find(|(_, d, gap_ms)| later(d, *gap_ms)).map(|(id, d, gap_ms)| Claim {
            of: *id,
            entered_at: d.claim.map_or(d.entered_at, |claim| claim.entered_at),
            real: d.real || d.claim.is_some_and(|claim| claim.real),
            place: d.region,
            reach: reach(*gap_ms) * d.region.h,
        });
        Dwell { claim, ..new }
    }

    /// Who has stayed near the place takes over the time; who has walked on does not.
    fn settle_claims(&mut self, at: UtcMs) {
        let mut settled = Vec::new();
        for dwell in self.0.values_mut().filter(|d| d.inside_at == at) {
            let Some(claim) = dwell.claim else { continue };
            if distance(&claim.place, &dwell.region) > claim.reach {
                dwell.claim = None;
            } else if at.since_ms(dwell.first_at) >= STAYS_MS {
                dwell.entered_at = claim.entered_at;
                dwell.real |= claim.real;
                dwell.claim = None;
                dwell.stood_at = Some(at);
                settled.push(claim.of);
            }
        }
        for id in settled {
            self.0.remove(&id);
        }
    }
}

/// Between two foot points.
fn distance(a: &NormBox, b: &NormBox) -> f32 {
    let ((ax, ay), (bx, by)) = (a.clamped().foot(), b.clamped().foot());
    (ax - bx).hypot(ay - by)
}

/// Its foot is not at the edge of the zone.
fn off_edge(region: &NormBox, zone: &Zone) -> bool {
    zone.edge_distance(region.clamped().foot()) >= OFF_EDGE * region.h
}
