//! A vehicle that stands where the way must stay free: one incident for each stay, from the moment it has stood too
//! long to the moment it has left.
//!
//! What is remembered is the place, not the track: a detector loses a parked car in headlights, in rain, at night and
//! behind whatever passes, and a new track on the same spot is the same stay. A stay ends when the vehicle is seen
//! to drive off, when its place no longer looks the same, or when a detector that looked at the open place has not
//! found it for a long time.
//!
//! In the dark a detector may not see at all what stands there. What is as large and as wide as a vehicle, came to stand
//! in the zone and is nobody in sight is taken for one then, too; where no model at work names vehicles, always. From
//! then on a stay that a model had seen is held, and ended, by the background as well.

use std::collections::BTreeMap;

use protocol::{Label, NormBox, UtcMs};

use super::Moment;
use super::config::Area;
use super::method::Eye;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::{Steps, covered, same_place};
use crate::tracker::Track;

/// A box on the outline of the zone trembles: out of it for less than this is not having left it.
const OUTSIDE_MS: i64 = 1_000;
/// A vehicle must have stood for this long before it is taken for one that came to stand.
const SETTLE_MS: i64 = 2_000;
/// A box that changes by more (overlap left) is of one that still rolls: who comes straight on only grows, and has the
/// last metres before him when half of his box is in its place. One that trembles so for long stands all the same.
const ROLLS: f32 = 0.8;
const TREMBLES_MS: i64 = 6_000;
/// A track that has come this far out of its place (overlap left) has driven off.
const OFF: f32 = 0.3;
/// Likeness of a place at and above which the vehicle is there, and below which the place has changed.
const ALIKE: f32 = 0.75;
const CHANGED: f32 = 0.6;
/// Looks in a row that must find the place changed.
const CHANGED_LOOKS: u32 = 3;
/// Unseen at an open place for so long, by a detector that looked: after it was seen to drive off, and otherwise.
const LEFT_MS: i64 = 1_000;
const UNSEEN_MS: i64 = 60_000;
/// A look at its place holds for so long: as long as the tracker keeps one that cannot be compared.
const KNOWN_MS: i64 = 20_000;
/// Gone from the background for so long.
const BACKGROUND_MS: i64 = 10_000;
/// So much of a place hidden behind something else says nothing about it.
const HIDDEN: f32 = 0.25;
/// Least share of the picture of what blocks a lane, where no model says what it is.
const LEAST_AREA: f32 = 0.004;
/// Height as a multiple of the width, in shares of the picture, from which on it is rather people who stand together:
/// a van from the front has about 2 in a wide picture. And the share of it that may be somebody in sight.
const UPRIGHT: f32 = 2.3;
const SOMEBODY: f32 = 0.3;
/// A region that holds so much of a vehicle that is known to stand elsewhere is that one.
const BESIDE: f32 = 0.5;

#[derive(Debug)]
struct Stay {
    place: NormBox,
    since: UtcMs,
    best: Best,
    /// What tells whether it is still there.
    held_by: Eye,
    /// The tracks that stood here.
    tracks: Vec<u64>,
    /// Looked for and not found, added up.
    unseen_ms: i64,
    changed_looks: u32,
    /// When its place was last found the same; absent once it was not.
    known_at: Option<UtcMs>,
    drove_off: bool,
}

impl Stay {
    fn is_over(&self) -> bool {
        let patience_ms = match self.held_by {
            Eye::Background => BACKGROUND_MS,
            _ if self.drove_off => LEFT_MS,
            _ => UNSEEN_MS,
        };
        self.changed_looks >= CHANGED_LOOKS || self.unseen_ms >= patience_ms
    }

    /// Its place speaks for it, though no detector does. One that was hidden for long is not compared again.
    fn is_known(&self, at: UtcMs) -> bool {
        self.known_at.is_some_and(|known| at.since_ms(known) <= KNOWN_MS)
    }

    fn seen(&mut self, best: Best) {
        (self.best, self.held_by) = (best, best.eye);
        self.unseen_ms = 0;
        self.changed_looks = 0;
        self.drove_off = false;
    }
}

/// Where a vehicle in sight has come to a stand, and when.
#[derive(Clone, Copy, Debug)]
struct Halt {
    place: NormBox,
    since: UtcMs,
    /// Since when it has been in the zone, and when it was last seen there.
    inside: Option<(UtcMs, UtcMs)>,
}

#[derive(Debug, Default)]
pub(super) struct Parking {
    stays: Vec<Stay>,
    /// By track.
    halts: BTreeMap<u64, Halt>,
    steps: Steps,
}

impl Parking {
    pub(super) fn step(
        &mut self,
        now: &Moment<'_>,
        area: &Area,
        dwell_ms: i64,
        by_background: bool,
    ) -> Verdict {
        let at = now.seen.at;
        let passed_ms = self.steps.to(at);
        let mut found = self.see_tracks(now, area);
        let by_background = by_background || now.seen.nobody_names(&area.whom.labels);
        let vehicles_sought = area.whom.labels.iter().any(|label| now.seen.looked_for(*label));
        found.extend(self.see_background(now, area, by_background));
        self.compare_places(now);
        for (index, stay) in self.stays.iter_mut().enumerate() {
            let looked = vehicles_sought || stay.held_by == Eye::Background || stay.changed_looks > 0;
            if looked
                && !found.contains(&index)
                && (stay.drove_off || !stay.is_known(at))
                && !is_hidden(stay, now)
            {
                stay.unseen_ms += passed_ms;
            }
        }
        self.stays.retain(|stay| !stay.is_over());
        let long = self.stays.iter().filter(|stay| at.since_ms(stay.since) >= dwell_ms);
        Verdict::of(Sighting::best_of(long.map(|stay| stay.best)))
    }

    /// Vehicles in sight: those that stand begin or confirm a stay, those that drive off end one.
    fn see_tracks(&mut self, now: &Moment<'_>, area: &Area) -> Vec<usize> {
        let at = now.seen.at;
        let mut found = Vec::new();
        self.halts.retain(|id, _| now.tracks.iter().any(|t| t.id == *id));
        for track in now.tracks.iter().filter(|t| area.whom.names(t)) {
            let region = track.region.clamped();
            let stands_since = self.halt(at, track, &region, area.holds(track));
            for stay in self.stays.iter_mut().filter(|stay| stay.tracks.contains(&track.id)) {
                stay.drove_off = !same_place(&stay.place, &region, OFF);
            }
            let index = match self.stays.iter().position(|stay| same_place(&stay.place, &region, 0.5)) {
                Some(index) => index,
                None => {
                    let Some(since) = stands_since else { continue };
                    self.stays.push(Stay {
                        place: region,
                        since,
                        best: Best::of(track),
                        held_by: Eye::Model,
                        tracks: Vec::new(),
                        unseen_ms: 0,
                        changed_looks: 0,
                        known_at: None,
                        drove_off: false,
                    });
                    self.stays.len() - 1
                }
            };
            // Whoever drives past the place in front of it is not the one that stands there.
            if at.since_ms(track.still_since) < SETTLE_MS && !self.stays[index].tracks.contains(&track.id) {
                continue;
            }
            let stay = &mut self.stays[index];
            stay.seen(Best::of(track));
            if !stay.tracks.contains(&track.id) {
                stay.tracks.push(track.id);
            }
            found.push(index);
        }
        found
    }

    /// Since when a vehicle has stood, if for long enough, and in the zone: one box that somebody who passes stretches
    /// into it is none.
    fn halt(&mut self, at: UtcMs, track: &Track, region: &NormBox, inside: bool) -> Option<UtcMs> {
        let Track { id, still_since, .. } = *track;
        // Who stood there before anybody watched has stood there since.
        let new = Halt { place: *region, since: still_since, inside: None };
        let halt = self.halts.entry(id).or_insert(new);
        if !same_place(&halt.place, region, ROLLS) {
            (halt.place, halt.since) = (*region, at);
        }
        halt.inside = match halt.inside {
            known if inside => Some((known.map_or(at, |(since, _)| since), at)),
            known => known.filter(|(_, last)| at.since_ms(*last) < OUTSIDE_MS),
        };
        let stays_inside = halt.inside.is_some_and(|(since, last)| last.since_ms(since) >= SETTLE_MS);
        let trembles = at.since_ms(still_since) >= TREMBLES_MS;
        let since = if trembles { still_since } else { halt.since.max(still_since) };
        (stays_inside && at.since_ms(since) >= SETTLE_MS).then_some(since)
    }

    /// Whatever large has come to stand there: where no model names vehicles, and in the dark. What stands there by any
    /// other word is confirmed by it.
    fn see_background(&mut self, now: &Moment<'_>, area: &Area, alone: bool) -> Vec<usize> {
        let at = now.seen.at;
        let mut found = Vec::new();
        let signs = now.seen.signs.left.iter().filter(|sign| {
            let region = sign.region.clamped();
            sign.score >= area.whom.min_score
                && region.area() >= LEAST_AREA
                && region.h >= area.whom.min_size
                && area.zone.contains(region.foot())
        });
        for sign in signs {
            let region = sign.region.clamped();
            let best = Best { label: Label::Object, score: sign.score, region, eye: Eye::Background };
            if let Some(index) = self.stays.iter().position(|stay| same_place(&stay.place, &region, 0.3)) {
                let stay = &mut self.stays[index];
                if stay.best.eye == Eye::Background {
                    stay.seen(best);
                } else if stay.drove_off {
                    continue;
                } else {
                    stay.unseen_ms = 0;
                    if alone {
                        stay.held_by = Eye::Background;
                    }
                }
                found.push(index);
            } else if alone || now.seen.signs.dark && may_be_vehicle(&region, area, now) {
                self.stays.push(Stay {
                    place: region,
                    since: at,
                    best,
                    held_by: Eye::Background,
                    tracks: Vec::new(),
                    unseen_ms: 0,
                    changed_looks: 0,
                    known_at: None,
                    drove_off: false,
                });
                found.push(self.stays.len() - 1);
            }
        }
        found
    }

    fn compare_places(&mut self, now: &Moment<'_>) {
        for look in &now.seen.parked {
            let Some(stay) = self.stays.iter_mut().find(|s| same_place(&s.place, &look.region, 0.5)) else {
                continue;
            };
            if look.alike >= ALIKE {
                (stay.known_at, stay.unseen_ms, stay.changed_looks) = (Some(now.seen.at), 0, 0);
            } else if !is_hidden(stay, now) {
                // The tracker may give the place up from here on, and nobody compares it any more.
                stay.known_at = None;
                stay.changed_looks += u32::from(look.alike < CHANGED);
            }
        }
    }
}

/// Neither upright nor somebody who is in sight, nor a vehicle beside the lane with what its lamps light.
fn may_be_vehicle(region: &NormBox, area: &Area, now: &Moment<'_>) -> bool {
    let beside = |t: &&Track| area.whom.names(t) && !area.holds(t) && covered(&t.region, region) >= BESIDE;
    if now.tracks.iter().any(|t| beside(&t)) {
        return false;
    }
    let somebody = |t: &&Track| {
        matches!(t.label, Label::Person | Label::Motion) && covered(region, &t.region) >= SOMEBODY
    };
    region.h <= UPRIGHT * region.w && !now.tracks.iter().any(|t| somebody(&t))
}

/// Whether something else that is in sight stands or passes in front of a place.
fn is_hidden(stay: &Stay, now: &Moment<'_>) -> bool {
    now.tracks
        .iter()
        .filter(|t| t.visible && !stay.tracks.contains(&t.id))
        .any(|t| covered(&stay.place, &t.region) >= HIDDEN)
}
