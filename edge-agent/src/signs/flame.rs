//! Flames: hot colours that dance in place.
//!
//! What counts as hot follows Celik & Demirel (2009): more red than blue, and bright. The last two seconds are kept
//! as small masks, five a second however fast the camera is (faster flicker shows as chance changes from one to the
//! next). A region that was hot for a good part of that time is a flame when
//!
//! - it has a core as bright as only light is: no red jacket, flag or brick wall, brightly as the sun may shine,
//! - its outline dances: places at its edge go on and off again and again, as no lamp, sign or setting sun does,
//! - the core stays: whatever walks or drives by leaves no place hot for long,
//! - it never goes out altogether, as what blinks does, and its outline is ragged.
//!
//! Deliberately absent: smoke (it has no colour of its own), and flames that cover less than [`MIN_PLACES`].

use std::collections::VecDeque;

use protocol::UtcMs;

use super::grid::{Colour, Grid};
use super::{Sign, score};
use crate::frame::Picture;
use crate::motion::blobs::{Blob, Finder};

const ROWS: usize = 120;
/// So many looks are kept, so far apart at least; a longer pause begins anew.
const LOOKS: usize = 12;
const EVERY_MS: i64 = 180;
const PAUSE_MS: i64 = 2_000;
const MIN_LOOKS: usize = 8;
const MIN_PLACES: usize = 8;

#[derive(Debug, Default)]
struct Look {
    hot: Vec<u8>,
    luma: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct FlameFinder {
    grid: Grid,
    looks: VecDeque<Look>,
    at: Option<UtcMs>,
    /// In how many looks each place was hot.
    times: Vec<u8>,
    mask: Vec<u8>,
    finder: Finder,
    signs: Vec<Sign>,
}

/// What a region did in the looks that are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behaviour {
    /// Its brightest tenth, in luma.
    core: f32,
    /// Share of its places that were hot in nearly all looks.
    steady: f32,
    /// Changes between hot and not, per place at its edge and look.
    dance: f32,
    /// Its size in the look when it was smallest, as a share of its mean size.
    least: f32,
    /// Mean change of its size from look to look, as a share of its mean size.
    breath: f32,
    /// Mean change of luma from look to look.
    flicker: f32,
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
        }
        self.take();
        self.signs.clear();
        if self.looks.len() >= MIN_LOOKS {
            self.judge();
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

    fn judge(&mut self) {
        let often = (self.looks.len() as u8).div_ceil(3);
        self.mask.clear();
        self.mask.extend(self.times.iter().map(|times| u8::from(*times >= often)));
        if self.grid.len() == 0 {
            return;
        }
        for blob in self.finder.find(&self.mask, self.grid.columns, MIN_PLACES) {
            let behaviour = self.behaviour(&blob);
            if let Some(strength) = behaviour.flame() {
                let region = blob.region(self.grid.columns, self.grid.rows);
                self.signs.push(Sign { region, score: score(strength) });
            }
        }
    }

    fn behaviour(&self, blob: &Blob) -> Behaviour {
        let columns = self.grid.columns;
        let places: Vec<usize> = (blob.top..=blob.bottom)
            .flat_map(|y| (blob.left..=blob.right).map(move |x| y * columns + x))
            .filter(|i| self.times[*i] > 0)
            .collect();
        let looks = self.looks.len() as f32;
        let steady = |i: &&usize| f32::from(self.times[**i]) >= 0.85 * looks;
        let sizes: Vec<f32> =
            self.looks.iter().map(|l| places.iter().map(|i| f32::from(l.hot[*i])).sum::<f32>()).collect();
        let mean = sizes.iter().sum::<f32>() / looks;
        let edge: Vec<usize> =
            places.iter().copied().filter(|i| usize::from(self.times[*i]) < self.looks.len()).collect();
        let pairs = || self.looks.iter().zip(self.looks.iter().skip(1));
        let steps = looks - 1.0;
        let toggles: usize =
            pairs().map(|(a, b)| edge.iter().filter(|i| a.hot[**i] != b.hot[**i]).count()).sum();
        let change = |i: usize, a: &Look, b: &Look| f32::from(a.luma[i].abs_diff(b.luma[i]));
        let flicker: f32 = pairs().map(|(a, b)| places.iter().map(|i| change(*i, a, b)).sum::<f32>()).sum();
        let mut brightest: Vec<u8> =
            places.iter().map(|i| self.looks.iter().map(|l| l.luma[*i]).max().unwrap_or_default()).collect();
        brightest.sort_unstable();
        Behaviour {
            core: brightest.get(brightest.len() * 9 / 10).map_or(0.0, |v| f32::from(*v)),
            steady: places.iter().filter(steady).count() as f32 / places.len().max(1) as f32,
            dance: toggles as f32 / (edge.len().max(1) as f32 * steps),
            least: sizes.iter().copied().fold(f32::MAX, f32::min) / mean.max(1.0),
            breath: sizes.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f32>() / steps / mean.max(1.0),
            flicker: flicker / (places.len().max(1) as f32 * steps),
        }
    }
}

impl Behaviour {
    /// How sure it is a flame, if it is one.
    fn flame(&self) -> Option<f32> {
        let is = self.core >= 190.0
            && self.steady >= 0.05
            && self.dance >= 0.25
            && self.least >= 0.25
            && self.breath >= 0.03
            && self.flicker >= 5.0;
        is.then(|| 0.5 + 0.5 * ((self.dance - 0.25) / 0.25).min(1.0))
    }
}

/// More red than blue, and bright: yellow to orange. In BT.601 limited range.
fn is_hot([y, u, v]: Colour) -> bool {
    y >= 110.0 && v >= 136.0 && u <= 124.0 && v - u >= 24.0
}
