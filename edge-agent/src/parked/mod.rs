//! Does the place where something came to rest still look as it did then?
//!
//! When a thing has come to rest, a small anchor is kept of its box: the slopes of the brightness on a coarse grid.
//! Later looks are compared by normalised correlation of slopes, block by block, of which the best part counts. That
//! forgives what leaves slopes alone or covers a part only: another light, dusk, headlights, rain, somebody who walks
//! past. Nothing is said of a place that changes from one look to the next (something passes in front of it), nor of
//! one too dark to have slopes. Pure: pictures in, likenesses out; what they mean is the tracker's to say.

use protocol::{NormBox, UtcMs};

use crate::frame::Picture;
use crate::observation::Parked;
use crate::tracker::Resting;

/// A place is compared so often.
const LOOK_MS: i64 = 1_000;
/// Cells of the grid on each side, and samples per cell and side at most.
const GRID: usize = 26;
const SAMPLES: usize = 4;
/// Slopes are compared in blocks of this many cells on each side.
const BLOCK: usize = 6;
const BLOCKS: usize = (GRID - 2) / BLOCK;
/// The best blocks that hold this share of the anchor's slopes count.
const COUNTED: f32 = 0.6;
/// Slopes of a cell that are the camera's noise, in steps of brightness.
const NOISE: f32 = 0.8;
/// A place with less than this share of the anchor's slopes, as strong as they are in this light, has lost what
/// made them.
const BARE: f32 = 0.08;
/// Black, and brightness above it in which slopes can be told from their absence, as a share of the anchor's.
const BLACK: f32 = 16.0;
const DARK: f32 = 0.2;
/// Two looks as much alike as this are of a steady place.
const STEADY: f32 = 0.8;
/// A look this much like the anchor teaches it, by this share: light wanders over a day.
const LEARN_FROM: f32 = 0.93;
const LEARN: f32 = 0.05;

/// Brightness slopes of one box.
#[derive(Clone, Debug)]
struct Patch {
    /// Across and down, per cell within the grid's border.
    slopes: Vec<[f32; 2]>,
    mean: f32,
}

#[derive(Clone, Debug)]
struct Anchor {
    id: u64,
    place: NormBox,
    then: Patch,
    last: Patch,
    looked_at: UtcMs,
}

/// The watched places of one camera.
#[derive(Debug, Default)]
pub struct Places {
    anchors: Vec<Anchor>,
}

impl Places {
    /// Compares the places of resting things with what they were; those due only. A place is new when its thing was
    /// not resting there before.
    pub fn look(&mut self, at: UtcMs, picture: &Picture, resting: &[Resting]) -> Vec<Parked> {
        self.anchors.retain(|a| resting.iter().any(|r| r.id == a.id && r.place == a.place));
        let mut told = Vec::new();
        for thing in resting {
            match self.anchors.iter_mut().find(|a| a.id == thing.id) {
                Some(anchor) if at.since_ms(anchor.looked_at) >= LOOK_MS => {
                    anchor.looked_at = at;
                    let alike = anchor.compare(Patch::of(picture, &thing.place));
                    told.extend(alike.map(|alike| Parked { region: thing.place, alike }));
                }
                Some(_) => {}
                // What is hidden just now would anchor its hider.
                None if thing.seen => {
                    let then = Patch::of(picture, &thing.place);
                    let last = then.clone();
                    self.anchors.push(Anchor { id: thing.id, place: thing.place, then, last, looked_at: at });
                }
                None => {}
            }
        }
        told
    }
}

impl Anchor {
    /// Likeness in two decimals; `None` when nothing can be told.
    fn compare(&mut self, now: Patch) -> Option<f32> {
        let (energy_then, energy_now) = (self.then.energy(), now.energy());
        let alike = likeness(&self.then, &now, COUNTED);
        let light = |patch: &Patch| (patch.mean - BLACK).max(0.0) / (self.then.mean - BLACK).max(1.0);
        let is_bare = |patch: &Patch| patch.energy() < BARE * energy_then * light(patch).min(1.0).powi(2);
        let (bare, bare_before) = (is_bare(&now), is_bare(&self.last));
        let steady = likeness(&self.last, &now, 1.0) >= STEADY;
        let dark = light(&now) < DARK;
        if alike >= LEARN_FROM {
            for (then, now) in self.then.slopes.iter_mut().zip(&now.slopes) {
                // By direction: a place that gets darker must not make its anchor fade.
                let scale = (energy_then / energy_now.max(f32::MIN_POSITIVE)).sqrt();
                for (then, now) in then.iter_mut().zip(now) {
                    *then += LEARN * (now * scale - *then);
                }
            }
            self.then.mean += LEARN * (now.mean - self.then.mean);
        }
        self.last = now;
        let told = if energy_then <= 0.0 {
            // Never had anything to go by.
            None
        } else if bare && !dark {
            bare_before.then_some(alike.min(0.1))
        } else if alike >= LEARN_FROM || steady {
            Some(alike)
        } else {
            // Half hidden, or shone upon: still itself if most of it is.
            (alike >= STEADY).then_some(alike)
        };
        told.map(|alike| (alike.clamp(0.0, 1.0) * 100.0).round() / 100.0)
    }
}

impl Patch {
    fn of(picture: &Picture, place: &NormBox) -> Self {
        let place = place.clamped();
        let (left, top) = (place.x * picture.width as f32, place.y * picture.height as f32);
        let (step_x, step_y) =
            (place.w * picture.width as f32 / GRID as f32, place.h * picture.height as f32 / GRID as f32);
        let samples = |step: f32| (step.ceil() as usize).clamp(1, SAMPLES);
        let (across, down) = (samples(step_x), samples(step_y));
        let at = |start: f32, step: f32, i: usize, of: usize, edge: usize| {
            ((start + step * (i as f32 + 0.5) / of as f32) as usize).min(edge - 1)
        };
        let columns: Vec<usize> =
            (0..GRID * across).map(|i| at(left, step_x, i, across, picture.width)).collect();
        let mut cells = [[0.0_f32; GRID]; GRID];
        for (row, cells) in cells.iter_mut().enumerate() {
            for sample in 0..down {
                let y = at(top, step_y, row * down + sample, down, picture.height);
                let line = &picture.y[y * picture.width..][..picture.width];
                for (cell, columns) in cells.iter_mut().zip(columns.chunks_exact(across)) {
                    *cell += columns.iter().map(|&x| f32::from(line[x])).sum::<f32>();
                }
            }
        }
        let per_cell = 1.0 / (across * down) as f32;
        let mean = cells.iter().flatten().sum::<f32>() * per_cell / (GRID * GRID) as f32;
        let inner = 1..GRID - 1;
        let slope = |x: usize, y: usize| {
            [(cells[y][x + 1] - cells[y][x - 1]) * per_cell, (cells[y + 1][x] - cells[y - 1][x]) * per_cell]
        };
        let slopes = inner.clone().flat_map(|y| inner.clone().map(move |x| (x, y))).map(|(x, y)| slope(x, y));
        Self { slopes: slopes.collect(), mean }
    }

    /// Sum of squared slopes above the noise.
    fn energy(&self) -> f32 {
        above_noise(self.slopes.iter().map(|s| s[0] * s[0] + s[1] * s[1]).sum(), self.slopes.len())
    }
}

fn above_noise(energy: f32, cells: usize) -> f32 {
    (energy - 2.0 * NOISE * NOISE * cells as f32).max(0.0)
}

/// Correlation of slopes over those blocks that are most alike, as many as hold `share` of the first one's slopes.
fn likeness(then: &Patch, now: &Patch, share: f32) -> f32 {
    let mut blocks = [(0.0_f32, 0.0_f32); BLOCKS * BLOCKS];
    for (number, told) in blocks.iter_mut().enumerate() {
        let (left, top) = (number % BLOCKS * BLOCK, number / BLOCKS * BLOCK);
        let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
        for row in top..top + BLOCK {
            let line = row * (GRID - 2) + left..row * (GRID - 2) + left + BLOCK;
            for (a, b) in then.slopes[line.clone()].iter().zip(&now.slopes[line]) {
                both += a[0] * b[0] + a[1] * b[1];
                first += a[0] * a[0] + a[1] * a[1];
                second += b[0] * b[0] + b[1] * b[1];
            }
        }
        let (first, second) = (above_noise(first, BLOCK * BLOCK), above_noise(second, BLOCK * BLOCK));
        let correlation = if first > 0.0 && second > 0.0 { both / (first * second).sqrt() } else { 0.0 };
        *told = (correlation.clamp(-1.0, 1.0), first);
    }
    blocks.sort_by(|a, b| b.0.total_cmp(&a.0));
    let wanted = share * blocks.iter().map(|b| b.1).sum::<f32>();
    let (mut sum, mut weight) = (0.0, 0.0);
    for (correlation, energy) in blocks {
        let counted = energy.min(wanted - weight);
        if counted <= 0.0 {
            continue;
        }
        sum += correlation * counted;
        weight += counted;
    }
    if weight > 0.0 { sum / weight } else { 0.0 }
}

#[cfg(test)]
mod tests;
