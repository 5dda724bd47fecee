//! Station 2: the motion gate. Luma in, moving boxes out; no I/O.
//!
//! The picture is shrunk to about [`ROWS`] rows, smoothed, and compared with a running average. A pixel has changed
//! when it is brighter or darker than all of its neighbourhood in the average: a camera that shakes in the wind, and
//! a twig, move the edges of a scene by a pixel and change nothing. How large a difference counts depends on the
//! contrast of the scene (spread of its 4th to 96th percentile): fog and dusk need a finer eye than noon. It also
//! depends on the place: where the picture never rests (leaves, water, a flag), a difference must stand out from
//! what is usual there. A change of more than [`FLIP`] of the picture is a lamp, a shutter or a camera turning: the
//! average starts afresh and nothing is reported.
//!
//! This runs for every frame of every camera, so it is integers over whole rows, many pixels to an instruction, and
//! allocates nothing but the answer.

pub(crate) mod blobs;

use protocol::{NormBox, UtcMs};

use crate::shrink::Small;

const ROWS: usize = 100;
/// Difference that counts, in grey levels of a picture with full contrast.
const DIFFERENCE: f32 = 24.0;
/// Low contrast is amplified at most so much, or sensor noise would move.
const MAX_GAIN: f32 = 3.0;
/// Changed share of the picture above which everything is learned anew.
const FLIP: f32 = 0.8;
/// Time constants of the running average where nothing moves and where something does: a visitor must not
/// become background while he is there, a parked car should within a minute.
const STILL_S: f32 = 4.0;
const MOVING_S: f32 = 20.0;
/// Smallest blob in shrunken pixels.
const MIN_PIXELS: usize = 8;
/// Grey levels are kept in steps of 1/128: all of them fit 16 bits with a sign, and so do their differences.
const STEPS: i16 = 1 << 7;
/// One pixel in so many is counted for the contrast.
const SAMPLE: usize = 4;

/// What moved in one frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Motion {
    /// Largest first.
    pub boxes: Vec<NormBox>,
    /// Share of the picture that changed.
    pub changed: f32,
    /// True when everything changed at once and the gate began anew.
    pub recalibrated: bool,
}

/// The gate of one camera.
#[derive(Debug, Default)]
pub struct MotionGate {
    now: Small,
    /// Size the average was learned at; 0 × 0 before the first frame.
    size: (usize, usize),
    at: Option<UtcMs>,
    /// In [`STEPS`] of a level.
    average: Vec<i16>,
    /// Darkest and brightest of the average's 3 × 3 around each pixel.
    darkest: Vec<u8>,
    brightest: Vec<u8>,
    scratch: Vec<u8>,
    line: Vec<u8>,
    /// 1 where the picture changed, else 0.
    changed: Vec<u8>,
    blobs: blobs::Finder,
}

impl MotionGate {
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what it learned.
    pub fn reset(&mut self) {
        self.average.clear();
    }

    /// The next frame: `width × height` bytes of luma.
    pub fn look(&mut self, at: UtcMs, luma: &[u8], width: usize, height: usize) -> Motion {
        self.now.fill(luma, width, height, ROWS);
        self.now.smooth();
        let elapsed_s = self.at.map_or(0.0, |last| at.since_ms(last).max(0) as f32 / 1_000.0);
        self.at = Some(at);
        let size = (self.now.columns, self.now.rows);
        if self.size != size || self.average.is_empty() {
            self.size = size;
            self.begin();
            return Motion { recalibrated: true, ..Motion::default() };
        }

        self.neighbourhood();
        let least = (DIFFERENCE / contrast_gain(&self.now.pixels)) as u8;
        let count = self.compare(least);
        let changed = count as f32 / self.changed.len() as f32;
        if changed > FLIP {
            self.begin();
            return Motion { changed, recalibrated: true, ..Motion::default() };
        }
        self.learn(elapsed_s);
        let found =
            if count < MIN_PIXELS { Vec::new() } else { self.blobs.find(&self.changed, size.0, MIN_PIXELS) };
        let boxes = found.iter().map(|b| b.region(size.0, size.1)).collect();
        Motion { boxes, changed, recalibrated: false }
    }

    fn begin(&mut self) {
        self.average.clear();
        self.average.extend(self.now.pixels.iter().map(|v| i16::from(*v) * STEPS));
        for plane in [&mut self.darkest, &mut self.brightest, &mut self.scratch, &mut self.changed] {
            plane.clear();
            plane.resize(self.average.len(), 0);
        }
    }

    fn neighbourhood(&mut self) {
        for (level, average) in self.scratch.iter_mut().zip(&self.average) {
            // Never negative: a shift, in two instructions less than the division.
            *level = (average >> STEPS.trailing_zeros()) as u8;
        }
        let columns = self.size.0;
        self.line.resize(columns, 0);
        extremes(&self.scratch, columns, &mut self.line, &mut self.darkest, |a, b| a.min(b));
        extremes(&self.scratch, columns, &mut self.line, &mut self.brightest, |a, b| a.max(b));
    }

    /// Marks what changed, and counts it.
    fn compare(&mut self, least: u8) -> usize {
        let bounds = self.darkest.iter().zip(&self.brightest);
        for ((changed, now), (dark, bright)) in self.changed.iter_mut().zip(&self.now.pixels).zip(bounds) {
            let beyond = now.saturating_sub(*bright) | dark.saturating_sub(*now);
            *changed = u8::from(beyond > least);
        }
        self.changed.chunks(255).map(|c| usize::from(c.iter().sum::<u8>())).sum()
    }

    fn learn(&mut self, elapsed_s: f32) {
        // Shares in 1/65536, below a half so that they have no sign bit.
        let share = |time_s: f32| ((1.0 - (-elapsed_s / time_s).exp()) * 65_536.0).min(32_767.0) as i16;
        let (still, moving) = (share(STILL_S), share(MOVING_S));
        let seen = self.now.pixels.iter().zip(&self.changed);
        for (average, (now, changed)) in self.average.iter_mut().zip(seen) {
            let share = if *changed == 0 { still } else { moving };
            let apart = i16::from(*now) * STEPS - *average;
            *average += ((i32::from(apart) * i32::from(share)) >> 16) as i16;
        }
    }
}

/// The most extreme of each pixel's 3 × 3, `more` being min or max; what lies outside the picture has no say.
fn extremes(plane: &[u8], columns: usize, line: &mut [u8], out: &mut [u8], more: impl Fn(u8, u8) -> u8) {
    let rows = plane.len() / columns;
    let row = |y: usize| &plane[y * columns..(y + 1) * columns];
    for (y, out) in out.chunks_exact_mut(columns).enumerate() {
        let (above, below) = (row(y.saturating_sub(1)), row((y + 1).min(rows - 1)));
        for (((to, a), b), c) in line.iter_mut().zip(above).zip(row(y)).zip(below) {
            *to = more(more(*a, *b), *c);
        }
        out.copy_from_slice(line);
        if columns > 1 {
            for (to, right) in out.iter_mut().zip(&line[1..]) {
                *to = more(*to, *right);
            }
            for (to, left) in out[1..].iter_mut().zip(&line[..]) {
                *to = more(*to, *left);
            }
        }
    }
}

/// By how much differences grow when the middle 92 % of the grey levels are spread over the whole range.
fn contrast_gain(image: &[u8]) -> f32 {
    // Two counters, because equal neighbours would wait for one another.
    let mut histograms = [[0_u32; 256]; 2];
    for pair in image.chunks_exact(2 * SAMPLE) {
        histograms[0][usize::from(pair[0])] += 1;
        histograms[1][usize::from(pair[SAMPLE])] += 1;
    }
    let [mut histogram, other] = histograms;
    histogram.iter_mut().zip(other).for_each(|(sum, more)| *sum += more);
    let tail = histogram.iter().sum::<u32>() * 4 / 100;
    let low = level_beyond(&histogram, tail, 0..256).unwrap_or(0);
    let high = level_beyond(&histogram, tail, (0..256).rev()).unwrap_or(255);
    let spread: f32 = 255.0 / high.saturating_sub(low).max(1) as f32;
    spread.clamp(1.0, MAX_GAIN)
}

/// The first level, counted in the order of `levels`, that has more than `tail` pixels up to it.
fn level_beyond(histogram: &[u32; 256], tail: u32, mut levels: impl Iterator<Item = usize>) -> Option<usize> {
    let mut sum = 0;
    levels.find(|&level| {
        sum += histogram[level];
        sum > tail
    })
}

#[cfg(test)]
mod tests;
