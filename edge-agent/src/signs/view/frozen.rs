//! A picture that has stopped: it comes again and again, long after it was first seen.
//!
//! A sensor's noise is another one in each picture; so two pictures of a still street differ by it, everywhere. A
//! hung sensor gives one picture, and what is decoded of it differs only by what the coder did to it: most in its
//! keyframes, ever less in the pictures behind them. So this asks how far back there is a picture that is *much* more
//! like this one than noise usually lets two pictures be. Between keyframes a coder copies, and what it copies has no
//! noise of its own: the longest time that looked alike and ended by itself is remembered, and a freeze must last
//! twice as long.
//!
//! What is compared are differences between neighbouring pixels, so that slow light is none; pieces of the picture
//! whose noise does not come through the coder have no say, and neither has a clock that the camera writes into its
//! picture. Pictures from which the coder took more grain than usual (poor keyframes) are alike without being the
//! same, and are not asked. Another light is another noise, and is learned anew.
//!
//! Deliberately absent: any word where no noise comes through (black, burnt out, starved or smoothed pictures), where
//! pictures are copied for more than 12 s, or where a hung camera's coder is so short of bits that it never comes back
//! to the same picture: these cannot be told from a still scene by looking at them.

use std::collections::VecDeque;

use crate::frame::Picture;

/// The picture is sampled in pieces of so many pixels, this many across and down at most.
const PIECE: usize = 32;
const ACROSS: usize = 20;
const DOWN: usize = 15;
/// Pictures are kept so far apart, and so long beyond the time that a freeze must last; at most so long.
const APART_S: f64 = 0.39;
const BEYOND_S: f32 = 6.0;
const MEMORY_S: f32 = 30.0;
/// Differences count up to here: what moves is not more than noise can be.
const MOST: u8 = 24;
/// Mean difference of a piece that is noise at all, and that is more than noise.
const NOISE: f32 = 0.25;
const TOO_MUCH: f32 = 16.0;
/// Share of the pieces that must have noise, and of those that must be alike, and closer than so much of it.
const LIVELY: f32 = 0.25;
const ALIKE: f32 = 0.5;
const CLOSE: f32 = 0.5;
/// More than half of the pieces changed by so much against the last seconds: another light, or another view.
const FLIP: f32 = 4.0;
const YOUNG_S: f32 = 3.0;
/// Grain of a picture as a share of that of the last seconds, from which on it may be asked.
const GRAIN: f32 = 0.98;
const GRAIN_S: f32 = 3.0;
/// The noise is a mean over so long, and over less where it falls: what else changes a picture only adds to it. It is
/// known after so long.
const USUAL_S: f32 = 20.0;
const FALLS_S: f32 = 2.0;
const LEARN_S: f32 = 12.0;
/// So many times noise must have come anew, this far apart, before its absence says anything.
const RENEWALS: u32 = 4;
const RENEWED_S: f64 = 1.5;
/// A freeze lasts so long at least, and so many times the longest that was none, which is at most so long.
const LEAST_S: f32 = 5.0;
const TIMES: f32 = 2.0;
const LONGEST_S: f32 = 15.0;
/// Not seen again for so long, it has ended; twice as long once it is told of.
const WAIT_S: f64 = 5.0;

/// Slopes along the rows, piece by piece: [`SLOPES`] each.
type Sample = Vec<u8>;
const SLOPES: usize = PIECE - 1;

#[derive(Debug, Default)]
pub(super) struct Freeze {
    /// Seconds watched: its own clock, fine enough for years.
    now_s: f64,
    size: (usize, usize),
    /// The oldest first, with the time of each.
    memory: VecDeque<(f64, Sample)>,
    sample: Sample,
    /// Of this picture against each in memory, piece by piece.
    apart: Vec<f32>,
    closest: Vec<f32>,
    /// How much pieces usually differ from those of long before; 0: not known.
    noise: Vec<f32>,
    learned_s: f32,
    grain: f32,
    renewals: u32,
    renewed_s: f64,
    run: Option<Run>,
    longest_s: f32,
}

/// A time in which pictures are alike.
#[derive(Clone, Copy, Debug)]
struct Run {
    since_s: f64,
    /// When its picture was last seen.
    seen_s: f64,
}

impl Run {
    fn lasted_s(&self) -> f32 {
        (self.seen_s - self.since_s) as f32
    }
}

impl Freeze {
    /// 0.5 and above: frozen.
    pub(super) fn look(&mut self, step_s: f32, picture: &Picture) -> f32 {
        self.now_s += f64::from(step_s);
        let size = (picture.width, picture.height);
        let mut sample = std::mem::take(&mut self.sample);
        take_sample(picture, &mut sample);
        if self.size != size || sample.is_empty() {
            *self = Self { size, now_s: self.now_s, ..Self::default() };
        }
        let strength = if self.memory.is_empty() { 0.0 } else { self.judge(step_s, &sample) };
        self.remember(sample);
        strength
    }

    fn judge(&mut self, step_s: f32, sample: &[u8]) -> f32 {
        let pieces = sample.len() / SLOPES;
        self.compare(sample);
        if self.has_flipped(pieces) {
            self.memory.clear();
            self.noise.clear();
            (self.learned_s, self.renewals, self.run) = (0.0, 0, None);
            return 0.0;
        }
        let has_grain = self.has_grain(step_s, sample);
        let needed_s = self.needed_s();
        let mut strength = 0.0;
        if self.learned_s >= LEARN_S {
            let lively = self.noise.iter().filter(|noise| **noise >= NOISE).count();
            let may_ask = has_grain && lively as f32 >= LIVELY * pieces as f32;
            let alike_s = if may_ask { self.alike_since_s(pieces, lively) } else { None };
            self.follow(alike_s, needed_s);
            let is_new = may_ask && alike_s.is_none_or(|since_s| self.now_s - since_s < 1.0);
            if is_new && self.now_s - self.renewed_s >= RENEWED_S {
                (self.renewed_s, self.renewals) = (self.now_s, self.renewals.saturating_add(1));
            }
            let lasted_s = self.run.map_or(0.0, |run| run.lasted_s());
            strength = if self.renewals < RENEWALS { 0.0 } else { 0.5 * lasted_s / needed_s };
        }
        if strength < 0.3 {
            self.learn(step_s, pieces, needed_s);
        }
        strength
    }

    fn needed_s(&self) -> f32 {
        LEAST_S.max(TIMES * self.longest_s)
    }

    fn compare(&mut self, sample: &[u8]) {
        self.apart.clear();
        for (_, kept) in &self.memory {
            let pieces = sample.chunks_exact(SLOPES).zip(kept.chunks_exact(SLOPES));
            self.apart.extend(pieces.map(|(a, b)| difference(a, b)));
        }
    }

    /// The least of each piece against pictures that old.
    fn closest(&mut self, pieces: usize, wanted: impl Fn(f32) -> bool) -> bool {
        self.closest.clear();
        self.closest.resize(pieces, f32::MAX);
        let mut any = false;
        for ((at_s, _), apart) in self.memory.iter().zip(self.apart.chunks_exact(pieces)) {
            if wanted((self.now_s - at_s) as f32) {
                any = true;
                self.closest.iter_mut().zip(apart).for_each(|(least, apart)| *least = least.min(*apart));
            }
        }
        any
    }

    fn has_flipped(&mut self, pieces: usize) -> bool {
        if self.noise.is_empty() || !self.closest(pieces, |age_s| age_s <= YOUNG_S) {
            return false;
        }
        let changed = |(apart, noise): (&f32, &f32)| *apart > (FLIP * noise).max(FLIP);
        self.closest.iter().zip(&self.noise).filter(|pair| changed(*pair)).count() * 2 > pieces
    }

    /// Whether the coder left it as much grain as it usually does.
    fn has_grain(&mut self, step_s: f32, sample: &[u8]) -> bool {
        let is_lively = |i: usize| self.noise.get(i).is_none_or(|noise| *noise >= NOISE);
        let lively = sample.chunks_exact(SLOPES).enumerate().filter(|(i, _)| is_lively(*i));
        let (sum, count) = lively.fold((0_u64, 0_u64), |(sum, count), (_, piece)| {
            let grain: u32 = piece.iter().map(|slope| u32::from(slope.abs_diff(128))).sum();
            (sum + u64::from(grain), count + 1)
        });
        let grain = sum as f32 / (count.max(1) as usize * SLOPES) as f32;
        self.grain = if self.grain <= 0.0 {
            grain
        } else {
            self.grain + (grain - self.grain) * super::share(step_s, GRAIN_S)
        };
        grain >= GRAIN * self.grain
    }

    /// When the oldest picture was seen that is alike.
    fn alike_since_s(&self, pieces: usize, lively: usize) -> Option<f64> {
        let least = (ALIKE * lively as f32).ceil() as usize;
        let is_alike = |apart: &[f32]| {
            let close = |(apart, noise): &(&f32, &f32)| **noise >= NOISE && **apart <= CLOSE * **noise;
            apart.iter().zip(&self.noise).filter(close).count() >= least
        };
        let mut all = self.memory.iter().zip(self.apart.chunks_exact(pieces));
        all.find(|(_, apart)| is_alike(apart)).map(|((at_s, _), _)| *at_s)
    }

    /// Goes on with the run of alike pictures, ends it, or begins one.
    fn follow(&mut self, alike_s: Option<f64>, needed_s: f32) {
        if let Some(run) = self.run {
            let told = run.lasted_s() >= needed_s;
            let wait_s = if told { 2.0 * WAIT_S } else { WAIT_S };
            if self.now_s - run.seen_s > wait_s {
                self.longest_s = self.longest_s.max(run.lasted_s().min(LONGEST_S));
                self.run = None;
            }
        }
        let Some(since_s) = alike_s else { return };
        let oldest_s = self.memory.front().map_or(since_s, |(at_s, _)| *at_s);
        let run = self.run.get_or_insert(Run { since_s, seen_s: self.now_s });
        // The memory may end before the run began.
        if since_s <= run.since_s + 0.5 || since_s <= oldest_s + 0.5 {
            run.seen_s = self.now_s;
        }
    }

    /// How much pieces differ from those of before any copy.
    fn learn(&mut self, step_s: f32, pieces: usize, needed_s: f32) {
        if !self.closest(pieces, |age_s| age_s >= needed_s) {
            return;
        }
        self.noise.resize(pieces, 0.0);
        let share = |tau_s: f32| super::share(step_s, tau_s.min(self.learned_s + step_s));
        let (rises, falls) = (share(USUAL_S), share(FALLS_S));
        for (noise, apart) in self.noise.iter_mut().zip(&self.closest) {
            if *apart > TOO_MUCH {
                continue;
            }
            let share = if *apart < *noise { falls } else { rises };
            *noise = if *noise <= 0.0 { *apart } else { *noise + (*apart - *noise) * share };
        }
        self.learned_s += step_s;
    }

    fn remember(&mut self, sample: Sample) {
        if self.memory.back().is_some_and(|(at_s, _)| self.now_s - at_s < APART_S) {
            self.sample = sample;
            return;
        }
        let keeps_s = f64::from((self.needed_s() + BEYOND_S).min(MEMORY_S));
        while self.memory.front().is_some_and(|(at_s, _)| self.now_s - at_s > keeps_s) {
            self.sample = self.memory.pop_front().map(|(_, sample)| sample).unwrap_or_default();
        }
        if !sample.is_empty() {
            self.memory.push_back((self.now_s, sample));
        }
    }
}

/// Slopes of pieces spread evenly over the picture; nothing of one that is too small or shorter than it says.
fn take_sample(picture: &Picture, sample: &mut Sample) {
    sample.clear();
    let (width, height) = (picture.width, picture.height);
    if width < PIECE || height == 0 || picture.y.len() < width * height {
        return;
    }
    let (across, down) = ((width / PIECE).min(ACROSS), height.min(DOWN));
    for row in 0..down {
        let line = &picture.y[(2 * row + 1) * height / (2 * down) * width..][..width];
        for piece in 0..across {
            let piece = &line[(2 * piece + 1) * (width - PIECE) / (2 * across)..][..PIECE];
            let slopes = piece.iter().zip(&piece[1..]);
            sample.extend(slopes.map(|(a, b)| (i16::from(*b) - i16::from(*a) + 128).clamp(0, 255) as u8));
        }
    }
}

/// Mean difference of two pieces.
fn difference(a: &[u8], b: &[u8]) -> f32 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b).min(MOST))).sum();
    sum as f32 / SLOPES as f32
}
