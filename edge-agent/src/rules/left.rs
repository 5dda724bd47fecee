//! A thing that was put down and left alone. What stands out from the picture of long ago and stands still is a
//! candidate, and so is a bag that a detector names; neither people who stand about nor vehicles that park are, nor
//! who sat down and is no longer recognised as a person since. What stands upright may be somebody whom the detector
//! does not see: for a minute it is a candidate only where the people who walked by there have shown that it is too
//! low. It is left once nobody has been with it for the rule's time: who merely walks past neither starts that time
//! anew nor stops it (only while he is near nothing is told of), who stays by it does.

use protocol::{Label, NormBox, UtcMs};

use super::Moment;
use super::config::Area;
use super::method::Eye;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::{Steps, covered, grown, same_place, touch};
use super::stature::Statures;
use crate::tracker::Track;

/// Near is within this much of a person's height to the side, and up and down (which is depth).
const NEAR_X: f32 = 0.8;
const NEAR_Y: f32 = 0.3;
/// Somebody near for so long is with it.
const WITH_MS: i64 = 5_000;
/// Not seen near for so long, he has gone: detectors lose people for a moment.
const AWAY_MS: i64 = 2_000;
/// Overlap of two sights of one thing.
const SAME_THING: f32 = 0.3;
/// A candidate so far under a person or vehicle is that person or vehicle, and so is one that has so much of a vehicle
/// in it: its shadow, and ground that changed beside it, belong to the same region.
const IS_THAT: f32 = 0.5;
/// Share of a patch that lies in the box of somebody who stands and sways.
const IS_ON: f32 = 0.3;
/// Gone is what was not seen for this long, though nothing hid it; hidden at most for so long.
const GONE_MS: i64 = 4_000;
const HIDDEN_MS: i64 = 60_000;
/// What no model names is news for so long: then it is part of the place.
const NEWS_MS: i64 = 1_200_000;
/// A bag must have stood for this long.
const SETTLE_MS: i64 = 2_000;
/// Where a vehicle stood, nothing is taken for a thing left behind for this long: it may only be lost from sight.
const PARKED_MS: i64 = 600_000;
/// Somebody who was lost from sight is what stands there from then on, if it shows within this time: of what is
/// higher than wide the background tells after a minute.
const SEATED_MS: i64 = 90_000;
/// Who is first seen so soon where somebody was lost is him.
const FOUND_AGAIN_MS: i64 = 3_000;
/// Candidates larger than this share of the picture are none.
const MOST_AREA: f32 = 0.08;

#[derive(Debug)]
struct Thing {
    place: NormBox,
    best: Best,
    unseen_ms: i64,
    hidden_ms: i64,
    /// Since somebody was with it.
    alone_ms: i64,
    near: Vec<Near>,
    seen_ms: i64,
    told: bool,
}

/// Somebody, or something that moves.
#[derive(Clone, Copy, Debug)]
struct Somebody {
    track: u64,
    region: NormBox,
    /// From head to foot, and not only what of it moves.
    is_whole: bool,
}

impl Somebody {
    fn of(track: &Track) -> Self {
        Self { track: track.id, region: track.whole(), is_whole: track.label == Label::Person }
    }
}

/// Somebody near it.
#[derive(Clone, Copy, Debug)]
struct Near {
    track: u64,
    near_ms: i64,
    /// Not seen near for so long.
    away_ms: i64,
}

/// Where somebody was last seen, or what he seems to be since.
#[derive(Clone, Copy, Debug)]
struct Known {
    track: u64,
    region: NormBox,
    seen_at: UtcMs,
}

impl Known {
    /// Whether that may be him, lost from sight: as large, and no more than a step away.
    fn may_be(&self, thing: &NormBox) -> bool {
        like_in_size(thing, &self.region) && touch(&grown(&self.region, 0.5, 0.1), thing)
    }
}

#[derive(Debug, Default)]
pub(super) struct Left {
    things: Vec<Thing>,
    parked: Vec<(NormBox, UtcMs)>,
    people: Vec<Known>,
    statures: Statures,
    steps: Steps,
}

impl Left {
    pub(super) fn step(&mut self, now: &Moment<'_>, area: &Area, dwell_ms: i64) -> Verdict {
        let at = now.seen.at;
        let passed_ms = self.steps.to(at);
        self.remember_vehicles(at, now.tracks);
        self.remember_people(now);
        self.statures.see(at, now.tracks);
        let candidates = self.candidates(now, area);
        let people: Vec<Somebody> =
            now.tracks.iter().filter(|t| t.visible && moves_about(t)).map(Somebody::of).collect();
        let mut seen = vec![false; self.things.len()];
        for best in candidates {
            match self.things.iter_mut().position(|t| same_place(&t.place, &best.region, SAME_THING)) {
                Some(index) => {
                    self.things[index].best = best;
                    if let Some(seen) = seen.get_mut(index) {
                        *seen = true;
                    }
                }
                None => self.things.push(Thing {
                    place: best.region,
                    best,
                    unseen_ms: 0,
                    hidden_ms: 0,
                    alone_ms: 0,
                    near: Vec::new(),
                    seen_ms: 0,
                    told: false,
                }),
            }
        }
        for (thing, seen) in self.things.iter_mut().zip(seen) {
            thing.pass(passed_ms, seen, &people);
            thing.told |= seen && !thing.is_visited() && thing.alone_ms >= dwell_ms.max(1);
        }
        self.things.retain(|thing| thing.unseen_ms < GONE_MS && thing.hidden_ms < HIDDEN_MS);
        let told = self.things.iter().filter(|t| t.told && t.is_news());
        Verdict::of(Sighting::best_of(told.map(|t| t.best)))
    }

    fn candidates(&self, now: &Moment<'_>, area: &Area) -> Vec<Best> {
        let at = now.seen.at;
        // What has been taken for a thing stays one, whatever is learned of people meanwhile.
        let known = |region: &NormBox| self.things.iter().any(|t| same_place(&t.place, region, SAME_THING));
        let low = now.seen.signs.standing.iter();
        let low = low.filter(|s| self.statures.is_low(&s.region) || known(&s.region));
        let signs = now.seen.signs.left.iter().chain(low);
        let signs = signs.filter(|s| s.score >= area.whom.min_score).map(|s| Best {
            label: Label::Object,
            score: s.score,
            region: s.region.clamped(),
            eye: Eye::Background,
        });
        let bags = now
            .tracks
            .iter()
            .filter(|t| area.whom.names(t) && at.since_ms(t.still_since) >= SETTLE_MS)
            .map(Best::of);
        let fits = |best: &Best| {
            best.region.h >= area.whom.min_size
                && best.region.area() <= MOST_AREA
                && area.zone.contains(best.region.foot())
        };
        let is_other = |best: &Best| {
            let that = |region: &NormBox| covered(&best.region, region) >= IS_THAT;
            let vehicle = |region: &NormBox| that(region) || covered(region, &best.region) >= IS_THAT;
            let stands = |t: &Track| is_vehicle(t.label) && t.confirmed && t.visible;
            let in_sight = now.tracks.iter().filter(|t| moves_about(t) || stands(t));
            let sat_in = |t: &Track| {
                if is_vehicle(t.label) {
                    vehicle(&t.region)
                } else {
                    is_on(&best.region, t) || that(&t.region) && like_in_size(&best.region, &t.region)
                }
            };
            in_sight.into_iter().any(sat_in)
                || self.parked.iter().any(|(region, _)| vehicle(region))
                || self.people.iter().any(|known| known.may_be(&best.region))
        };
        // A named thing first: it says more than a mere difference.
        let mut found: Vec<Best> = bags.filter(fits).collect();
        for sign in signs.filter(fits).filter(|best| !is_other(best)) {
            if !found.iter().any(|best| touch(&best.region, &sign.region)) {
                found.push(sign);
            }
        }
        found
    }

    fn remember_people(&mut self, now: &Moment<'_>) {
        let at = now.seen.at;
        let people = now.tracks.iter().filter(|t| t.label == Label::Person && t.visible && t.confirmed);
        for (id, region) in people.map(|track| (track.id, track.whole())) {
            let known = self.people.iter().any(|known| known.track == id);
            if known {
                self.people.retain(|known| known.track != id);
            } else {
                self.people.retain(|lost| {
                    let gone_ms = at.since_ms(lost.seen_at);
                    gone_ms <= 0
                        || gone_ms > FOUND_AGAIN_MS
                        || !touch(&grown(&lost.region, 0.5, 0.1), &region)
                });
            }
            self.people.push(Known { track: id, region, seen_at: at });
        }
        for known in self.people.iter_mut().filter(|known| known.seen_at < at) {
            if now.seen.signs.left.iter().any(|sign| known.may_be(&sign.region)) {
                known.seen_at = at;
            }
        }
        self.people.retain(|known| at.since_ms(known.seen_at) < SEATED_MS);
    }

    fn remember_vehicles(&mut self, at: UtcMs, tracks: &[Track]) {
        self.parked.retain(|(_, seen_at)| at.since_ms(*seen_at) < PARKED_MS);
        let stands = |t: &&Track| {
            is_vehicle(t.label) && t.visible && t.confirmed && at.since_ms(t.still_since) >= SETTLE_MS
        };
        for track in tracks.iter().filter(stands) {
            match self.parked.iter_mut().find(|(region, _)| same_place(region, &track.region, 0.5)) {
                Some(known) => *known = (track.region, at),
                None => self.parked.push((track.region, at)),
            }
        }
    }
}

impl Thing {
    fn pass(&mut self, passed_ms: i64, seen: bool, people: &[Somebody]) {
        let hidden = people.iter().any(|somebody| touch(&somebody.region, &self.place));
        if seen {
            (self.unseen_ms, self.hidden_ms) = (0, 0);
            self.seen_ms += passed_ms;
        } else if hidden {
            self.hidden_ms += passed_ms;
        } else {
            self.unseen_ms += passed_ms;
        }
        self.near.iter_mut().for_each(|near| near.away_ms += passed_ms);
        for Somebody { track, .. } in people.iter().filter(|somebody| is_near(somebody, &self.place)) {
            // Lost from sight and found again under another name is still the same.
            let known = self.near.iter().position(|near| near.track == *track);
            let lost = || self.near.iter().position(|near| near.away_ms > passed_ms);
            match known.or_else(lost) {
                Some(index) => {
                    let near_ms = self.near[index].near_ms + passed_ms;
                    self.near[index] = Near { track: *track, near_ms, away_ms: 0 };
                }
                None => self.near.push(Near { track: *track, near_ms: passed_ms, away_ms: 0 }),
            }
        }
        self.near.retain(|near| near.away_ms < AWAY_MS);
        if self.near.iter().any(|near| near.near_ms >= WITH_MS) {
            self.alone_ms = 0;
        } else {
            self.alone_ms += passed_ms;
        }
    }

    /// Whether somebody is near now.
    fn is_visited(&self) -> bool {
        self.near.iter().any(|near| near.away_ms == 0)
    }

    fn is_news(&self) -> bool {
        self.best.eye != Eye::Background || self.seen_ms < NEWS_MS
    }
}

/// Somebody, or something that moves and may be somebody.
fn moves_about(track: &Track) -> bool {
    matches!(track.label, Label::Person | Label::Motion)
}

fn is_vehicle(label: Label) -> bool {
    matches!(
        label,
        Label::Car | Label::Bus | Label::Truck | Label::Motorcycle | Label::Ebike | Label::Bicycle
    )
}

/// A person's own outline, not a bag at his feet.
fn like_in_size(thing: &NormBox, person: &NormBox) -> bool {
    thing.h >= 0.6 * person.h
}

/// On somebody's body rather than on the ground before him: what stands behind him is not seen.
fn is_on(thing: &NormBox, somebody: &Track) -> bool {
    let body = &somebody.region;
    let above_feet = body.y + body.h - thing.y - thing.h > NEAR_Y * body.h;
    somebody.label == Label::Person && above_feet && covered(thing, body) >= IS_ON
}

fn is_near(somebody: &Somebody, thing: &NormBox) -> bool {
    // To the side a body height is what it is in depth: shares of the width are smaller by the picture's shape, which
    // is not known here; a body is about four times as high as it is wide.
    let Somebody { region: body, is_whole, .. } = somebody;
    let lower = NormBox { y: body.y + body.h * 0.5, h: body.h * 0.5, ..*body };
    let reach = grown(&lower, NEAR_X * 3.0, NEAR_Y * 2.0);
    // In depth feet are compared, where they are known: who walks up to the camera covers much of the picture, and is
    // far from what lies behind him.
    let apart = (body.y + body.h - thing.y - thing.h).abs();
    touch(&reach, thing) && (!is_whole || apart <= NEAR_Y * body.h)
}

#[cfg(test)]
mod tests;
