//! Flames: hot colours that dance in place.
//!
//! What counts as hot follows Celik & Demirel (2009): more red than blue, and bright. The last two seconds are kept
//! as small masks, five a second however fast the camera is (faster flicker shows as chance changes from one to the
//! next). A region that was hot for a good part of that time is a flame when
//!
//! - it has a core as bright as only light is: no red jacket, flag or brick wall, brightly as the sun may shine,
//! - its outline dances: places at its edge go on and off again and again, as no lamp, sign or setting sun does,
//! - it dances in haste: what a place shows in one look says nothing of the next. Leaves that sway before a wall in the
//!   evening sun cover and uncover it as well, but a branch swings to and fro once a second or slower, so that from
//!   look to look its edge goes on the way it went,
//! - the core stays: whatever walks or drives by leaves no place hot for long,
//! - it never goes out altogether, as what blinks does, and its outline is ragged,
//! - it flickers far more than the picture as a whole, and than what else is bright in it: at night the sensor's noise
//!   and lit rain make every lamp and all that it lights lively, and a branch before it gives the light an outline that
//!   moves.
//!
//! A camera that shakes in the wind makes every lamp dance: its shake is taken out of the pictures first.
//!
//! Deliberately absent: smoke (it has no colour of its own), and flames that cover less than [`MIN_PLACES`].

use std::collections::VecDeque;

use protocol::{NormBox, UtcMs};

use super::grid::{Colour, Grid};
use super::steady::Steady;
use super::{Sign, score, share};
use crate::frame::Picture;
use crate::motion::blobs::{Blob, Finder};

const ROWS: usize = 120;
/// So many looks are kept, so far apart at least; a longer pause begins anew.
const LOOKS: usize = 12;
const EVERY_MS: i64 = 180;
const PAUSE_MS: i64 = 2_000;
const MIN_LOOKS: usize = 8;
const PERSISTS_S: f32 = 2.0;
const STEADY: f32 = 0.6;
const MIN_PLACES: usize = 16;
/// Luma changes by so much from look to look where it burns, and reaches so much in a flame.
const LIVELY: f32 = 5.0;
const GLOW: u8 = 175;
/// A flame changes at least so much from look to look, so many times as much as the picture's median place, and as three
/// quarters of the places that are so bright as it and lie elsewhere, where these are enough. One place in so many is
/// looked at.
const FLICKER: f32 = 6.0;
const ABOVE_NOISE: f32 = 4.0;
const ABOVE_BRIGHT: f32 = 3.0;
const BRIGHT: u8 = 100;
const BRIGHT_PLACES: usize = 24;
const SAMPLE: usize = 37;
const SAMPLE_BRIGHT: usize = 7;

#[derive(Debug, Default)]
struct Look {
    hot: Vec<u8>,
    luma: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct FlameFinder {
    grid: Grid,
    steady: Steady,
    looks: VecDeque<Look>,
    at: Option<UtcMs>,
    /// In how many looks each place was hot.
    times: Vec<u8>,
    mask: Vec<u8>,
    finder: Finder,
    /// Where it has burnt, and how steadily: a mean over [`PERSISTS_S`].
    fires: Vec<(NormBox, f32)>,
    signs: Vec<Sign>,
}

/// What a region did in the looks that are kept.
#[derive(Clone, Copy, Debug)]
struct Behaviour {
    /// Share of its places that have glowed.
    glow: f32,
    /// Share of its places that were hot in nearly all looks.
    steady: f32,
    /// Changes between hot and not, per place at its edge and look.
    dance: f32,
    /// Change of luma from one look to the next, as a share of that to the next but one: 1 by chance, a half for what
    /// goes on its way.
    haste: f32,
    /// Its size in the look when it was smallest, as a share of its mean size.
    least: f32,
    /// Mean change of its size from look to look, as a share of its mean size.
    breath: f32,
    /// Mean change of luma from look to look.
    flicker: f32,
    /// How far it went from the first looks to the last, in its own sizes.
    drift: f32,
}

impl FlameFinder {
    pub(super) fn look(&mut self, at: UtcMs, picture: &Picture) -> Vec<Sign> {
        let since_ms = self.at.map_or(i64::MAX, |last| at.since_ms(last));
        if (0..EVERY_MS).contains(&since_ms) {
            return self.signs.clone();
        }
        self.at = Some(at);
        if self.grid.fill(picture, ROWS) || !(0..PAUSE_MS).contains(&since_ms) {
            self.looks.clear();
            self.times.clear();
            self.times.resize(self.grid.len(), 0);
            self.fires.clear();
            self.steady.clear();
        }
        if let Some(shift) = self.steady.shift(self.grid.luma(), self.grid.columns) {
            self.grid.refill(picture, shift);
        }
        self.take();
        self.signs.clear();
        if self.looks.len() >= MIN_LOOKS {
            self.judge(since_ms as f32 / 1_000.0);
        }
        self.signs.clone()
    }

    /// Keeps what this picture shows, and forgets the oldest look.
    fn take(&mut self) {
        let mut look = Look::default();
        if self.looks.len() == LOOKS {
            look = self.looks.pop_front().unwrap_or_default();
            self.times.iter_mut().zip(&look.hot).for_each(|(times, hot)| *times -= hot);
        }
        look.hot.clear();
        look.hot.extend((0..self.grid.len()).map(|i| u8::from(is_hot(self.grid.colour(i)))));
        look.luma.clear();
        look.luma.extend_from_slice(self.grid.luma());
        self.times.iter_mut().zip(&look.hot).for_each(|(times, hot)| *times += hot);
        self.looks.push_back(look);
    }

    fn judge(&mut self, step_s: f32) {
        if self.grid.len() == 0 {
            return;
        }
        let often = (self.looks.len() as u8).div_ceil(3);
        self.mask.clear();
        // A brick wall is as hot as a flame, and rests.
        for i in 0..self.times.len() {
            self.mask.push(u8::from(self.times[i] >= often && self.flicker(i) >= LIVELY));
        }
        let mut burns = Vec::new();
        let blobs = self.finder.find(&self.mask, self.grid.columns, MIN_PLACES);
        for blob in blobs {
            let behaviour = self.behaviour(&blob);
            // Asked for last: it takes a look at the rest of the picture.
            let stands_out = || {
                behaviour.flicker >= ABOVE_NOISE * self.noise()
                    && behaviour.flicker >= ABOVE_BRIGHT * self.noise_of_light(&blob)
            };
            if let Some(strength) = behaviour.flame().filter(|_| stands_out()) {
                burns.push((blob.region(self.grid.columns, self.grid.rows), strength));
            }
        }
        self.persist(step_s, &burns);
    }

    /// One look may be chance: a fire burns on in its place.
    fn persist(&mut self, step_s: f32, burns: &[(NormBox, f32)]) {
        let share = share(step_s, PERSISTS_S);
        self.fires.iter_mut().for_each(|(_, steady)| *steady -= *steady * share);
        for (region, strength) in burns {
            let slot = self.fires.iter().position(|(place, _)| touches(place, region));
            let slot = slot.unwrap_or_else(|| {
                self.fires.push((*region, 0.0));
                self.fires.len() - 1
            });
            let (place, steady) = &mut self.fires[slot];
            (*place, *steady) = (*region, *steady + share);
            if *steady >= STEADY {
                self.signs.push(Sign { region: *region, score: score(*strength) });
            }
        }
        self.fires.retain(|(_, steady)| *steady > 0.05);
    }

    /// Mean change of luma in one place from look to look.
    fn flicker(&self, i: usize) -> f32 {
        let looks = || self.looks.iter().map(|l| l.luma[i]);
        let sum: u32 = looks().zip(looks().skip(1)).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
        sum as f32 / (self.looks.len().max(2) - 1) as f32
    }

    /// How much luma changes from look to look in the middle one of the places that do not themselves seem to burn.
    fn noise(&self) -> f32 {
        let places = (0..self.grid.len()).step_by(SAMPLE).filter(|i| self.mask[*i] == 0);
        let mut changes: Vec<f32> = places.map(|i| self.flicker(i)).collect();
        if changes.is_empty() {
            return 0.0;
        }
        let middle = changes.len() / 2;
        *changes.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    /// The same, of what is bright and lies apart from `blob` by half its size: three quarters of it change by less. 0 where
    /// hardly anything is.
    fn noise_of_light(&self, blob: &Blob) -> f32 {
        let Some(last) = self.looks.back() else { return 0.0 };
        let columns = self.grid.columns;
        let (dx, dy) = ((blob.right - blob.left) / 2 + 1, (blob.bottom - blob.top) / 2 + 1);
        let apart = |i: usize| {
            let (x, y) = (i % columns, i / columns);
            x + dx < blob.left || x > blob.right + dx || y + dy < blob.top || y > blob.bottom + dy
        };
        let places = (0..last.luma.len()).step_by(SAMPLE_BRIGHT);
        let mut changes: Vec<f32> =
            places.filter(|i| last.luma[*i] >= BRIGHT && apart(*i)).map(|i| self.flicker(i)).collect();
        if changes.len() < BRIGHT_PLACES {
            return 0.0;
        }
        let most = changes.len() * 3 / 4;
        *changes.select_nth_unstable_by(most, f32::total_cmp).1
    }

    fn haste(&self, places: &[usize]) -> f32 {
        let change = |ahead: usize| {
            let pairs = self.looks.iter().zip(self.looks.iter().skip(ahead));
            let count = self.looks.len().saturating_sub(ahead).max(1) as f32;
            let change = |(a, b): (&Look, &Look)| {
                places.iter().map(|i| u32::from(a.luma[*i].abs_diff(b.luma[*i]))).sum::<u32>()
            };
            pairs.map(change).sum::<u32>() as f32 / count
        };
        change(1) / change(2).max(1.0)
    }

    fn drift(&self, places: &[usize], size: f32) -> f32 {
        let columns = self.grid.columns;
        let third = self.looks.len() / 3;
        let middle = |looks: &mut dyn Iterator<Item = &Look>| {
            let (mut x, mut y, mut n) = (0.0, 0.0, 0.0_f32);
            for look in looks {
                for i in places.iter().filter(|i| look.hot[**i] != 0) {
                    (x, y, n) = (x + (i % columns) as f32, y + (i / columns) as f32, n + 1.0);
                }
            }
            (x / n.max(1.0), y / n.max(1.0))
        };
        let first = middle(&mut self.looks.iter().take(third));
        let last = middle(&mut self.looks.iter().rev().take(third));
        (last.0 - first.0).hypot(last.1 - first.1) / size.sqrt().max(1.0)
    }

    fn behaviour(&self, blob: &Blob) -> Behaviour {
        let columns = self.grid.columns;
        let places: Vec<usize> = (blob.top..=blob.bottom)
            .flat_map(|y| (blob.left..=blob.right).map(move |x| y * columns + x))
            .filter(|i| self.times[*i] > 0 && self.flicker(*i) >= LIVELY)
            .collect();
        let (count, looks) = (places.len().max(1) as f32, self.looks.len() as f32);
        let share = |of: &dyn Fn(usize) -> bool| places.iter().filter(|i| of(**i)).count() as f32 / count;
        let sizes: Vec<f32> =
            self.looks.iter().map(|l| places.iter().map(|i| f32::from(l.hot[*i])).sum::<f32>()).collect();
        let mean = sizes.iter().sum::<f32>() / looks;
        let edge: Vec<usize> =
            places.iter().copied().filter(|i| usize::from(self.times[*i]) < self.looks.len()).collect();
        let pairs = self.looks.iter().zip(self.looks.iter().skip(1));
        let steps = looks - 1.0;
        let toggles: usize =
            pairs.map(|(a, b)| edge.iter().filter(|i| a.hot[**i] != b.hot[**i]).count()).sum();
        Behaviour {
            glow: share(&|i| self.looks.iter().any(|l| l.hot[i] != 0 && l.luma[i] >= GLOW)),
            steady: share(&|i| f32::from(self.times[i]) >= 0.8 * looks),
            dance: toggles as f32 / (edge.len().max(1) as f32 * steps),
            haste: self.haste(&places),
            least: sizes.iter().copied().fold(f32::MAX, f32::min) / mean.max(1.0),
            breath: sizes.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f32>() / steps / mean.max(1.0),
            drift: self.drift(&places, mean),
            flicker: places.iter().map(|i| self.flicker(*i)).sum::<f32>() / count,
        }
    }
}

impl Behaviour {
    /// How sure it is a flame, if it is one.
    fn flame(&self) -> Option<f32> {
        let is = self.glow >= 0.15
            && self.steady >= 0.1
            && self.dance >= 0.2
            && self.haste >= 0.7
            // Barrier tape in the wind before a bright bed of straw, with legs that pass: a little of both.
            && self.dance * self.haste >= 0.2
            && self.least >= 0.25
            && self.breath >= 0.03
            && self.flicker >= FLICKER
            && self.drift <= 0.35;
        is.then(|| 0.5 + 0.5 * ((self.dance - 0.2) / 0.3).min(1.0))
    }
}

/// More red than blue, and bright: yellow to orange. In BT.601 limited range.
fn is_hot([y, u, v]: Colour) -> bool {
    y >= 110.0 && v >= 136.0 && u <= 124.0 && v - u >= 24.0
}

fn touches(a: &NormBox, b: &NormBox) -> bool {
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
