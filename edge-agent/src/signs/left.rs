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
//! - rests: people who stand about sway, and leave.
//!
//! What has been there for [`ABSORB_S`] and is not told of is part of the place. Deliberately absent: what it is, and who
//! brought it, and for how long it may be news.

use protocol::UtcMs;

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
/// Differences of luma and of chroma (sum of both) that count, on a place as calm as can be.
const LUMA: f32 = 14.0;
const CHROMA: f32 = 11.0;
/// How much more restless places need, in mean deviations, and at most.
const RESTLESS: f32 = 3.0;
const MOST_RESTLESS: f32 = 30.0;
/// A candidate seen for this long stands still.
const STANDS_S: f32 = 2.0;
/// A candidate hidden for as long as it was seen, or this long, is forgotten.
const HIDDEN_S: f32 = 30.0;
const ABSORB_S: f32 = 1_200.0;
/// More of the picture than this changed: that is light, not things. Everything is learned anew.
const FLIP: f32 = 0.5;
/// Sizes of things: places at least, shares of the picture at most.
const MIN_PLACES: usize = 12;
const MAX_AREA: f32 = 0.25;
/// Mean luma of a picture taken in the dark.
const DARK: f32 = 64.0;
/// Places of a region's box that belong to it, at least.
const FILL: f32 = 0.25;
/// What stands there is at least so strange, and has so much of the strangeness of now and before together.
const STRANGE: f32 = 8.0;
const STANDS_OUT: f32 = 0.55;
/// Surroundings reach so far, and are compared by a sample of at most so many places.
const RING: usize = 5;
const SAMPLE: usize = 80;
/// How much of the change inside may also be seen around it: light does not keep to the outline of a thing.
const AROUND: f32 = 0.3;
/// How much brighter or darker plain ground may become by light: when it changed alone, and with all around it.
const PLAIN: f32 = 0.2;
const PLAIN_WITH_LIGHT: f32 = 0.5;
/// A region rests while no more of it than this looks different from its candidate.
const SWAY: f32 = 0.12;
const RESTS: f32 = 0.7;
const REST_S: f32 = 3.0;
/// What is higher than wide by this may be somebody who stands there, and counts only after so long a rest: nobody
/// stands like a thing for a minute.
const UPRIGHT: f32 = 1.6;
const UPRIGHT_S: f32 = 60.0;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    long: Colour,
    /// Mean deviation of luma from `long` while that is what is seen.
    restless: f32,
    candidate: Colour,
    /// Mean over the last seconds of what looked nearly like `long`.
    recent: Colour,
    seen_s: f32,
    hidden_s: f32,
    /// What this frame shows: neither, the long-term colour, or the candidate.
    shows: Shows,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shows {
    #[default]
    Neither,
    Long,
    Candidate,
}

/// Mean differences of colour in and around a region.
#[derive(Clone, Copy, Debug, Default)]
struct Outline {
    /// How strange in its surroundings is what stands there, and was what was there before?
    now: f32,
    before: f32,
    /// Between now and before: of the region, and of its surroundings.
    inside: f32,
    around: f32,
    /// By which share both became brighter (below 0: darker).
    brighter: [f32; 2],
}

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
    pub(super) fn look(&mut self, at: UtcMs, picture: &Picture, motion: &Motion) -> Vec<Sign> {
        let step_s = self.steps.to(at);
        let resized = self.grid.fill(picture, ROWS);
        self.high = picture.height as f32 / picture.width.max(1) as f32;
        if self.grid.len() == 0 {
            self.places.clear();
            return Vec::new();
        }
        let learning = self.learned_s < LEARN_S;
        if resized || motion.recalibrated && !learning {
            self.begin();
            return Vec::new();
        }
        self.learned_s += step_s;
        if learning {
            self.learn();
            return Vec::new();
        }
        let foreign = self.compare(step_s);
        if foreign as f32 > FLIP * self.places.len() as f32 {
            self.begin();
            return Vec::new();
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

    fn watch(&mut self, step_s: f32, blobs: Vec<Blob>) -> Vec<Sign> {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        self.things.iter_mut().for_each(|t| t.found = false);
        let mut signs = Vec::new();
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
            if rest >= RESTS && !waits && strength > 0.0 {
                self.keep_young(&blob);
                signs.push(Sign { region, score: score(strength * rest) });
            }
        }
        self.things.retain(|t| t.found);
        signs
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

    /// 0 when it is a gap or the light; else how much it stands out, from 0.5 on.
    fn strength(&self, blob: &Blob, outline: Outline, came_with_light: bool) -> f32 {
        let Outline { now, before, .. } = outline;
        let stands_out = now >= STRANGE && now >= STANDS_OUT * (now + before);
        if !stands_out || outline.ground_changed_too() || self.is_light(blob, came_with_light) {
            return 0.0;
        }
        (0.6 + now / 100.0).min(1.0)
    }

    /// The region against its surroundings, by a sample of both.
    fn outline(&self, blob: &Blob) -> Outline {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let xs = blob.left.saturating_sub(RING)..(blob.right + RING + 1).min(columns);
        let ys = blob.top.saturating_sub(RING)..(blob.bottom + RING + 1).min(rows);
        // The outline itself is a mixture, so what lies next to it is left out.
        let free = |x: usize, y: usize| {
            let xs = x.saturating_sub(1)..(x + 2).min(columns);
            !(y.saturating_sub(1)..(y + 2).min(rows))
                .any(|y| xs.clone().any(|x| self.mask[y * columns + x] != 0))
        };
        let ring: Vec<&Place> = ys
            .flat_map(|y| xs.clone().map(move |x| (x, y)))
            .filter(|(x, y)| free(*x, *y))
            .map(|(x, y)| &self.places[y * columns + x])
            .collect();
        let inner: Vec<&Place> = self.inside(blob).map(|i| &self.places[i]).collect();
        if ring.len() < 8 {
            return Outline::default();
        }
        let sample = |from: &[&Place]| -> Vec<Place> {
            let step = from.len().div_ceil(SAMPLE);
            from.iter().step_by(step).map(|place| **place).collect()
        };
        let (ring, inner) = (sample(&ring), sample(&inner));
        let mean = |values: &mut dyn Iterator<Item = f32>, n: usize| values.sum::<f32>() / n.max(1) as f32;
        let brighter = |from: &[Place], now: fn(&Place) -> Colour| {
            let mut pairs = Pairs::default();
            from.iter().for_each(|p| pairs.add(p.long[0] - 16.0, now(p)[0] - 16.0));
            pairs.ratio() - 1.0
        };
        Outline {
            now: mean(&mut inner.iter().map(|p| strangeness(p.candidate, &ring)), inner.len()),
            before: mean(&mut inner.iter().map(|p| strangeness(p.long, &ring)), inner.len()),
            inside: mean(&mut inner.iter().map(|p| apart(p.candidate, p.long)), inner.len()),
            around: mean(&mut ring.iter().map(|p| apart(p.recent, p.long)), ring.len()),
            brighter: [brighter(&inner, |p| p.candidate), brighter(&ring, |p| p.recent)],
        }
    }

    /// Is it the same ground, evenly darker or brighter, with the same texture and hue?
    ///
    /// What is plain shows no texture to tell by: of a mark on the ground, brighter or darker with all around it, more is
    /// believed than of a patch that changed alone.
    fn is_light(&self, blob: &Blob, came_with_light: bool) -> bool {
        let mut pairs = Pairs::default();
        self.inside(blob).for_each(|i| {
            let Place { long, candidate, .. } = self.places[i];
            pairs.add(long[0] - 16.0, candidate[0] - 16.0);
        });
        let ratio = pairs.ratio();
        // Less light is less colour, too.
        let bleak = ratio.clamp(0.5, 2.0);
        let hue = self.inside(blob).map(|i| {
            let Place { long, candidate, .. } = self.places[i];
            let off = |c: usize| (candidate[c] - 128.0 - bleak * (long[c] - 128.0)).abs();
            off(1) + off(2)
        });
        let hue = hue.sum::<f32>() / pairs.n.max(1.0);
        let alike = pairs.correlation();
        let same_texture = alike > 0.85 && hue < CHROMA || alike > 0.9 && hue < 2.0 * CHROMA;
        let plain = if came_with_light { PLAIN_WITH_LIGHT } else { PLAIN };
        let same_plain = pairs.flat() && hue < CHROMA && (ratio - 1.0).abs() < plain;
        (0.4..2.5).contains(&ratio) && (same_texture || same_plain)
    }
}

impl Outline {
    fn ground_changed_too(&self) -> bool {
        self.around > AROUND * self.inside
    }

    /// Whether the ground around became brighter or darker as well, each by its own brightness: light is a factor.
    fn shares_its_light(&self) -> bool {
        let [inside, around] = self.brighter;
        around * inside.signum() > AROUND * inside.abs()
    }
}

impl Place {
    fn show(&mut self, now: Colour, step_s: f32, daylight: f32, candidate: f32) {
        let margin = (RESTLESS * self.restless).min(MOST_RESTLESS);
        if alike(now, self.long, margin) {
            self.shows = Shows::Long;
            blend(&mut self.recent, now, candidate);
            self.restless += ((now[0] - self.long[0]).abs() - self.restless) * daylight;
            blend(&mut self.long, now, daylight);
            // Taken away, it is forgotten in two seconds, however long it lay there.
            self.seen_s = (self.seen_s - (4.0 + 2.0 * self.seen_s) * step_s).max(0.0);
        } else if self.seen_s > 0.0 && alike(now, self.candidate, margin.min(LUMA)) {
            self.shows = Shows::Candidate;
            blend(&mut self.candidate, now, candidate);
            self.seen_s += step_s;
            self.hidden_s = 0.0;
        } else {
            self.shows = Shows::Neither;
            self.hidden_s += step_s;
            if self.hidden_s >= self.seen_s.min(HIDDEN_S) {
                (self.candidate, self.seen_s, self.hidden_s) = (now, step_s, 0.0);
            }
        }
        if self.seen_s > ABSORB_S {
            (self.long, self.seen_s) = (self.candidate, 0.0);
        }
    }
}

fn alike(a: Colour, b: Colour, margin: f32) -> bool {
    (a[0] - b[0]).abs() <= LUMA + margin && (a[1] - b[1]).abs() + (a[2] - b[2]).abs() <= CHROMA + margin * 0.3
}

/// How far a colour is from those of the surroundings: from the third nearest, so that one odd place is none.
fn strangeness(colour: Colour, ring: &[Place]) -> f32 {
    let mut nearest = [f32::MAX; 3];
    for place in ring {
        let apart = apart(colour, place.long);
        if apart < nearest[2] {
            nearest[2] = apart;
            nearest.sort_unstable_by(f32::total_cmp);
        }
    }
    nearest[2]
}

fn apart(a: Colour, b: Colour) -> f32 {
    (a[0] - b[0]).abs() + 2.0 * ((a[1] - b[1]).abs() + (a[2] - b[2]).abs())
}

fn blend(mean: &mut Colour, now: Colour, share: f32) {
    for (mean, now) in mean.iter_mut().zip(now) {
        *mean += (now - *mean) * share;
    }
}

/// Sums over pairs of values.
#[derive(Default)]
struct Pairs {
    n: f32,
    a: f32,
    b: f32,
    aa: f32,
    bb: f32,
    ab: f32,
}

impl Pairs {
    fn add(&mut self, a: f32, b: f32) {
        self.n += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    fn variances(&self) -> (f32, f32) {
        let n = self.n.max(1.0);
        let square = |sum: f32| sum / n * sum / n;
        ((self.aa / n - square(self.a)).max(0.0), (self.bb / n - square(self.b)).max(0.0))
    }

    fn correlation(&self) -> f32 {
        let (a, b) = self.variances();
        let n = self.n.max(1.0);
        let both = self.ab / n - self.a / n * (self.b / n);
        if a < 4.0 || b < 1.0 { 0.0 } else { both / (a * b).sqrt() }
    }

    /// Neither has texture.
    fn flat(&self) -> bool {
        let (a, b) = self.variances();
        a < 9.0 && b < 9.0
    }

    fn ratio(&self) -> f32 {
        self.b / self.a.max(1.0)
    }
}
