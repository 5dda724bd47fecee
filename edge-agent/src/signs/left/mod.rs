//! Things put down and left: two backgrounds (Porikli 2008), one that knows the place as it has long been and one
//! for what has newly come to stand there.
//!
//! Each place of a shrunken picture has its long-term colour and, when it shows another one, a candidate that grows
//! older as long as it is seen. Who passes in front hides the candidate and does not make it younger. Places with an
//! old enough candidate form regions; a region of the size of a thing is told of when it
//!
//! - is stranger to its surroundings than what was there before (else something was *taken away*, a parked car say,
//!   and what one sees is the ground that it hid),
//! - is not the ground itself in another light (a shadow, a sunny patch: same texture, same hue),
//! - rests: people who stand about sway, and leave. What is higher than wide may be one all the same, whom no detector
//!   sees; it is told of apart for a while, and who knows how high people are there can tell.
//!
//! What has been there for [`ABSORB_S`] and is not told of is part of the place. Deliberately absent: what it is, and who
//! brought it, and for how long it may be news.

mod outline;
mod pairs;
mod place;

use protocol::UtcMs;

use self::place::{ABSORB_S, Place, Shows, blend};
use super::grid::{Colour, Grid};
use super::{Sign, Steps, score, share};
use crate::frame::Picture;
use crate::motion::Motion;
use crate::motion::blobs::{Blob, Finder};

const ROWS: usize = 100;
/// The long-term colour follows daylight with this time constant; at first it learns for [`LEARN_S`].
const DAYLIGHT_S: f32 = 15.0;
const CANDIDATE_S: f32 = 5.0;
const LEARN_S: f32 = 3.0;
/// A candidate seen for this long stands still.
const STANDS_S: f32 = 2.0;
/// More of the picture than this changed: that is light, not things. Everything is learned anew.
const FLIP: f32 = 0.5;
/// Sizes of things: places at least, shares of the picture at most.
const MIN_PLACES: usize = 12;
const MAX_AREA: f32 = 0.25;
/// Mean luma of a picture taken in the dark.
const DARK: f32 = 64.0;
/// Places of a region's box that belong to it, at least.
const FILL: f32 = 0.25;
/// A region rests while no more of it than this looks different from its candidate.
const SWAY: f32 = 0.12;
const RESTS: f32 = 0.7;
const REST_S: f32 = 3.0;
/// What is higher than wide by this may be somebody who stands there, and is told of apart until it has rested so long:
/// nobody stands like a thing for a minute.
const UPRIGHT: f32 = 1.6;
const UPRIGHT_S: f32 = 60.0;

/// A region that is being watched.
#[derive(Clone, Copy, Debug)]
struct Thing {
    blob: Blob,
    /// Mean over [`REST_S`] of "it rests", 0..=1.
    rest: f32,
    rested_s: f32,
    /// When it came, the ground around it changed too.
    came_with_light: bool,
    found: bool,
}

/// What stands out in one frame.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) left: Vec<Sign>,
    /// Higher than wide, and not for long.
    pub(super) standing: Vec<Sign>,
}

#[derive(Debug, Default)]
pub(super) struct LeftFinder {
    grid: Grid,
    places: Vec<Place>,
    steps: Steps,
    learned_s: f32,
    mask: Vec<u8>,
    finder: Finder,
    things: Vec<Thing>,
    /// Height of the picture as a multiple of its width.
    high: f32,
}

impl LeftFinder {
    pub(super) fn look(&mut self, at: UtcMs, picture: &Picture, motion: &Motion) -> Found {
        let step_s = self.steps.to(at);
        let resized = self.grid.fill(picture, ROWS);
        self.high = picture.height as f32 / picture.width.max(1) as f32;
        if self.grid.len() == 0 {
            self.places.clear();
            return Found::default();
        }
        let learning = self.learned_s < LEARN_S;
        if resized || motion.recalibrated && !learning {
            self.begin();
            return Found::default();
        }
        self.learned_s += step_s;
        if learning {
            self.learn();
            return Found::default();
        }
        let foreign = self.compare(step_s);
        if foreign as f32 > FLIP * self.places.len() as f32 {
            self.begin();
            return Found::default();
        }
        self.mask.clear();
        self.mask.extend(self.places.iter().map(|p| u8::from(p.seen_s >= STANDS_S)));
        let blobs = self.finder.find(&self.mask, self.grid.columns, MIN_PLACES);
        self.watch(step_s, blobs)
    }

    fn begin(&mut self) {
        self.places.clear();
        let place = |i| {
            let long = self.grid.colour(i);
            Place { long, recent: long, ..Place::default() }
        };
        self.places.extend((0..self.grid.len()).map(place));
        self.things.clear();
        self.learned_s = 0.0;
    }

    /// The first seconds: the mean of what is seen, and how restless it is.
    fn learn(&mut self) {
        for (i, place) in self.places.iter_mut().enumerate() {
            let now = self.grid.colour(i);
            place.restless += ((now[0] - place.long[0]).abs() - place.restless) * 0.2;
            blend(&mut place.long, now, 0.2);
            place.recent = place.long;
        }
    }

    /// Compares each place with what it knows; returns how many show something else than they long have.
    fn compare(&mut self, step_s: f32) -> usize {
        let (daylight, candidate) = (share(step_s, DAYLIGHT_S), share(step_s, CANDIDATE_S));
        let mut foreign = 0;
        for (i, place) in self.places.iter_mut().enumerate() {
            let now = self.grid.colour(i);
            place.show(now, step_s, daylight, candidate);
            foreign += usize::from(place.shows != Shows::Long);
        }
        foreign
    }

    fn watch(&mut self, step_s: f32, blobs: Vec<Blob>) -> Found {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        self.things.iter_mut().for_each(|t| t.found = false);
        let mut found = Found::default();
        for blob in blobs {
            let region = blob.region(columns, rows);
            if !self.is_thing_sized(&blob) {
                continue;
            }
            let unrest = self.unrest(&blob);
            let outline = self.outline(&blob);
            let upright = region.h * self.high > UPRIGHT * region.w;
            let same = |t: &Thing| t.blob.region(columns, rows).iou(&region) > 0.5;
            let slot = self.things.iter().position(same).unwrap_or_else(|| {
                self.things.push(Thing {
                    blob,
                    rest: 0.5,
                    rested_s: 0.0,
                    came_with_light: false,
                    found: true,
                });
                self.things.len() - 1
            });
            let thing = &mut self.things[slot];
            (thing.blob, thing.found) = (blob, true);
            // Hidden altogether it neither rests nor sways.
            if unrest < 0.6 {
                let rests = f32::from(unrest < SWAY);
                thing.rest += (rests - thing.rest) * share(step_s, REST_S);
                thing.rested_s = if thing.rest < RESTS { 0.0 } else { thing.rested_s + step_s };
            }
            // The ground soon follows the light, what has become another colour does not.
            thing.came_with_light |= thing.rested_s < REST_S && outline.shares_its_light();
            let Thing { rest, rested_s, came_with_light, .. } = *thing;
            let waits = upright && rested_s < UPRIGHT_S;
            let strength = self.strength(&blob, outline, came_with_light);
            let sign = Sign { region, score: score(strength * rest) };
            if rest >= RESTS && strength > 0.0 && waits {
                found.standing.push(sign);
            } else if rest >= RESTS && strength > 0.0 {
                self.keep_young(&blob);
                found.left.push(sign);
            }
        }
        self.things.retain(|t| t.found);
        found
    }

    /// What is told of must not become part of the place.
    fn keep_young(&mut self, blob: &Blob) {
        let columns = self.grid.columns;
        for y in blob.top..=blob.bottom {
            for place in &mut self.places[y * columns + blob.left..=y * columns + blob.right] {
                place.seen_s = place.seen_s.min(ABSORB_S / 2.0);
            }
        }
    }

    /// Whether the last picture was taken in the dark, where detectors miss what is there.
    pub(super) fn is_dark(&self) -> bool {
        let luma = self.grid.luma();
        let sum: u32 = luma.iter().map(|v| u32::from(*v)).sum();
        !luma.is_empty() && (sum as f32) < DARK * luma.len() as f32
    }

    fn is_thing_sized(&self, blob: &Blob) -> bool {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let touches = blob.left == 0 || blob.top == 0 || blob.right + 1 == columns || blob.bottom + 1 == rows;
        let shape = blob.width() <= 6 * blob.height() && blob.height() <= 6 * blob.width();
        !touches
            && shape
            && blob.area() as f32 <= MAX_AREA * self.places.len() as f32
            && blob.pixels as f32 >= FILL * blob.area() as f32
    }

    fn inside<'a>(&'a self, blob: &'a Blob) -> impl Iterator<Item = usize> + 'a {
        let columns = self.grid.columns;
        (blob.top..=blob.bottom)
            .flat_map(move |y| (blob.left..=blob.right).map(move |x| y * columns + x))
            .filter(|i| self.mask[*i] != 0)
    }

    /// Share of the region that does not look like its candidate now.
    fn unrest(&self, blob: &Blob) -> f32 {
        let other = self.inside(blob).filter(|i| self.places[*i].shows != Shows::Candidate).count();
        other as f32 / blob.pixels.max(1) as f32
    }
}
