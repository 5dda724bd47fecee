//! A person who falls and stays down.
//!
//! Each of these tells of it alone:
//!
//! - the shape of the track ([`body`]): the box of somebody who stood turns low and wide within a moment, its upper
//!   edge coming down while the feet stay, and then rests;
//! - the place ([`place`]): detectors that know people standing up often do not know who lies there. Somebody who stood
//!   is upright no more, nobody goes on from there, and something low of a body's size has come to lie at his feet,
//!   as the long and short background tell;
//! - a pose model, where one is installed ([`posture`]): asked of those in doubt alone, it sees trunk and legs level. It
//!   also speaks against the shape, of somebody who bends.
//!
//! Who bends or squats looks like that to each of them now and then: what is not plain counts later, by when he has come
//! up again.
//!
//! All of it is relative to the same person's own standing box, so the shape of the picture does not matter.

mod body;
mod place;
mod posture;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use protocol::{Label, NormBox, UtcMs};

use self::body::{Body, Down};
use self::place::Ground;
use super::Moment;
use super::config::Area;
use super::occurrence::{Best, Sighting, Verdict};
use super::places::touch;
use crate::frame::Detection;
use crate::observation::Seen;
use crate::tracker::{Track, UNSURE};

/// A detector may lose who is down for so long, and the tracker may give him a new number.
const LOST_MS: i64 = 3_000;
/// An answer of the pose model is about him whose place it is, by so much (intersection over union).
const SAME_PLACE: f32 = 0.3;
/// Sure enough, whatever the rule asks of somebody who stands: who lies there is seldom seen clearly.
const LEAST_SCORE: f32 = 0.3;

#[derive(Debug, Default)]
pub(super) struct Falls {
    /// By the track in which each was last seen.
    bodies: BTreeMap<u64, Body>,
    /// So many there have been.
    known: u64,
    ground: Ground,
    doubt: Option<Doubt>,
}

/// Somebody at whom a pose model should look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    /// Since when a look is due.
    pub(super) due: UtcMs,
    pub(super) region: NormBox,
    body: u64,
}

/// Sights of people whom the tracker does not follow: it begins with nobody of whom the detector is in doubt. Those at
/// somebody who is followed may be of him: of a helper, say.
fn not_followed<'m>(now: &Moment<'m>) -> impl Iterator<Item = &'m Detection> {
    let seen = match &now.seen.seen {
        Seen::Objects { detections, .. } => detections.as_slice(),
        _ => &[],
    };
    let people = seen.iter().filter(|d| d.label == Label::Person && d.score >= UNSURE);
    people.filter(|seen| {
        !now.tracks.iter().any(|t| t.visible && t.label == Label::Person && touch(&t.whole(), &seen.region))
    })
}

impl Falls {
    /// Where a pose model should look before the next frame.
    pub(super) fn in_doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// It will look there.
    pub(super) fn ask(&mut self, at: UtcMs, doubt: Doubt) {
        if let Some(body) = self.bodies.get_mut(&doubt.body) {
            body.posture.ask(at, doubt.region);
        }
    }

    pub(super) fn step(&mut self, now: &Moment<'_>, area: &Area, dwell_ms: i64) -> Verdict {
        let at = now.seen.at;
        self.hear(now);
        self.ground.step(at, &now.seen.signs.left, now.tracks);
        self.bodies.retain(|_, body| body.is_worth_keeping(at));
        for track in now.tracks.iter().filter(|t| t.visible && t.label == Label::Person) {
            if let Some(body) = self.taken_over(at, track, now.tracks) {
                self.bodies.insert(track.id, body);
            }
            let known = &mut self.known;
            let body = self.bodies.entry(track.id).or_insert_with(|| {
                *known += 1;
                Body::new(*known, at, track)
            });
            body.see(at, track);
        }
        if now.seen.looked_for(Label::Person) {
            for (id, body) in &mut self.bodies {
                let track = now.tracks.iter().find(|track| track.id == *id && track.last_seen == at);
                body.looked(at, track);
                if track.is_none() {
                    body.walks_on(at, not_followed(now));
                    body.glimpsed(at, not_followed(now).map(|seen| &seen.region));
                }
            }
        }
        let counts = |body: &&Body| body.standing.h >= area.whom.min_size;
        for body in self.bodies.values().filter(counts) {
            self.ground.lie_down(at, body, now.tracks);
        }
        self.doubt = self.next_doubt(now, area);
        let bodies = self.bodies.values_mut().filter(|body| counts(&&**body));
        let by_shape: Vec<Down> = bodies
            .filter(|body| !body.posture.speaks_against(at))
            .filter_map(|body| body.lies(at, dwell_ms))
            .filter(|down| area.zone.contains(down.place.foot()))
            .collect();
        let by_pose =
            self.bodies.values().filter(counts).filter(|body| !body.is_glimpsed()).filter_map(|body| {
                let (since, best) = body.posture.lying(at)?;
                let told = at.since_ms(since) >= dwell_ms && area.zone.contains(body.standing.foot());
                told.then_some(best)
            });
        let by_place = self.ground.lying().filter_map(|(since, best)| {
            let told = at.since_ms(since) >= dwell_ms && area.zone.contains(best.region.foot());
            told.then_some(best)
        });
        let sure = |best: &Best| best.score >= area.whom.min_score.min(LEAST_SCORE);
        // Who is seen lying says more than that something lies there.
        let mut told: Vec<Best> = by_shape.into_iter().map(|down| down.best).filter(sure).collect();
        if told.is_empty() {
            told = by_pose.filter(sure).collect();
        }
        if told.is_empty() {
            told = by_place.filter(sure).collect();
        }
        Verdict::of(Sighting::best_of(told))
    }

    /// What the pose model said of whom it was asked about.
    fn hear(&mut self, now: &Moment<'_>) {
        let Some(posed) = now.seen.posed else { return };
        let about =
            self.bodies.iter_mut().map(|(id, body)| (body.posture.is_about(&posed.region), *id, body));
        let most =
            about.filter(|(share, ..)| *share >= SAME_PLACE).reduce(|a, b| if b.0 > a.0 { b } else { a });
        if let Some((_, id, body)) = most {
            let other = |t: &Track| {
                t.id != id && t.visible && t.label == Label::Person && touch(&t.whole(), &posed.region)
            };
            let alone = !now.tracks.iter().any(other);
            body.posture.look(now.seen.at, posed.region, posed.stance, &body.standing, alone);
        }
    }

    /// Who has waited longest to be looked at, of those that the rule is about.
    fn next_doubt(&self, now: &Moment<'_>, area: &Area) -> Option<Doubt> {
        let at = now.seen.at;
        let due = self.bodies.iter().filter_map(|(id, body)| {
            if body.standing.h < area.whom.min_size {
                return None;
            }
            let standing = body.known().filter(|s| area.zone.contains(s.foot()))?;
            Some((body.posture.due(at, standing, body.down.is_some())?, *id))
        });
        let (due, id) = due.min()?;
        let seen = now.tracks.iter().find(|track| track.id == id && track.last_seen == at);
        let about_feet = || self.bodies.get(&id).map(|body| posture::about_feet(&body.standing));
        let region = seen.map(|track| track.region).or_else(about_feet)?;
        Some(Doubt { due, region, body: id })
    }

    /// A tracker that does not know a lying box from the standing one before it starts a new track on the spot; one
    /// that lost a walker for a moment starts one a few steps on. The first box may be too high or too low for him: until
    /// he is known, the next ones tell. Where it followed one person, and his head and trunk by a number of their own, and
    /// lost him, he is those.
    fn taken_over(&mut self, at: UtcMs, track: &Track, tracks: &[Track]) -> Option<Body> {
        let own = self.bodies.get(&track.id);
        let (first, is_known) =
            own.map_or((track.region, false), |body| (body.first, body.known().is_some()));
        let lost = |id: &u64| !tracks.iter().any(|t| t.id == *id && t.visible);
        let goes_on = |body: &Body| {
            // Who was there beside him before he was lost is another.
            let new = !is_known && body.seen_at < track.first_seen;
            new && (body.may_lie_as(&track.region)
                || body.may_go_on_as(track.first_seen, &first, &track.region))
        };
        let is_other =
            |body: &Body| own.is_none_or(|own| own.is_part_of(body)) && body.was_here(at, &track.whole());
        let is = |body: &Body| goes_on(body) || is_other(body);
        let id = self.bodies.iter().find_map(|(id, body)| (lost(id) && is(body)).then_some(*id))?;
        self.bodies.remove(&id)
    }
}
