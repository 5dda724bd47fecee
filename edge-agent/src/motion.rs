//! Station 2: the motion gate. Luma in, moving boxes out; no I/O.
//!
//! The picture is shrunk to about [`ROWS`] rows, smoothed, and compared with a running average. How large a
//! difference counts depends on the contrast of the scene (spread of its 4th to 96th percentile): fog and dusk
//! need a finer eye than noon. A change of more than [`FLIP`] of the picture is a lamp, a shutter or a camera
//! turning: the average starts afresh and nothing is reported.

use protocol::{NormBox, UtcMs};

const ROWS: usize = 100;
/// Difference that counts, in grey levels of a picture with full contrast.
const DIFFERENCE: f32 = 30.0;
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
/// Pixels at most so far apart belong to one blob, boxes likewise: head and legs are one person.
const REACH: usize = 2;
/// Most boxes reported; the smallest are left out (snow, leaves: the gate is open anyway).
const MAX_BOXES: usize = 64;

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
    /// Shrunken size; 0 × 0 before the first frame.
    columns: usize,
    rows: usize,
    at: Option<UtcMs>,
    average: Vec<f32>,
    small: Vec<f32>,
    scratch: Vec<f32>,
    changed: Vec<bool>,
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
        // Whole pixels are averaged, so the shrunken picture is near ROWS high, not exactly.
        let factor = ((height + ROWS / 2) / ROWS).max(1);
        let (columns, rows) = (width / factor, height / factor);
        if (columns, rows) != (self.columns, self.rows) {
            (self.columns, self.rows) = (columns, rows);
            self.average.clear();
        }
        shrink(luma, width, factor, columns, rows, &mut self.small);
        smooth(&mut self.small, columns, rows, &mut self.scratch);
        let elapsed_s = self.at.map_or(0.0, |last| at.since_ms(last).max(0) as f32 / 1_000.0);
        self.at = Some(at);
        if self.average.len() != self.small.len() || self.small.is_empty() {
            self.average.clone_from(&self.small);
            return Motion { recalibrated: true, ..Motion::default() };
        }

        let least = DIFFERENCE / contrast_gain(&self.small);
        self.changed.clear();
        self.changed
            .extend(self.small.iter().zip(&self.average).map(|(now, mean)| (now - mean).abs() > least));
        let count = self.changed.iter().filter(|c| **c).count();
        let changed = count as f32 / self.changed.len() as f32;
        if changed > FLIP {
            self.average.clone_from(&self.small);
            return Motion { changed, recalibrated: true, ..Motion::default() };
        }
        let (still, moving) = (1.0 - (-elapsed_s / STILL_S).exp(), 1.0 - (-elapsed_s / MOVING_S).exp());
        for ((mean, now), moved) in self.average.iter_mut().zip(&self.small).zip(&self.changed) {
            *mean += (now - *mean) * if *moved { moving } else { still };
        }
        let boxes = if count < MIN_PIXELS { Vec::new() } else { blobs(&mut self.changed, columns, rows) };
        Motion { boxes, changed, recalibrated: false }
    }
}

/// Averages blocks of `factor × factor` pixels.
fn shrink(luma: &[u8], width: usize, factor: usize, columns: usize, rows: usize, out: &mut Vec<f32>) {
    out.clear();
    out.reserve(columns * rows);
    let scale = 1.0 / (factor * factor) as f32;
    let mut sums = vec![0_u16; columns * factor];
    for row in 0..rows {
        sums.fill(0);
        for line in luma[row * factor * width..].chunks(width).take(factor) {
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum += u16::from(*value);
            }
        }
        out.extend(sums.chunks_exact(factor).map(|block| {
            let sum: u32 = block.iter().map(|s| u32::from(*s)).sum();
            sum as f32 * scale
        }));
    }
}

/// 1-2-1 in both directions; the outermost pixels stay as they are.
fn smooth(image: &mut [f32], columns: usize, rows: usize, scratch: &mut Vec<f32>) {
    scratch.clear();
    scratch.extend_from_slice(image);
    if columns < 3 || rows < 3 {
        return;
    }
    for (from, to) in image.chunks_exact(columns).zip(scratch.chunks_exact_mut(columns)) {
        for x in 1..columns - 1 {
            to[x] = (from[x - 1] + 2.0 * from[x] + from[x + 1]) * 0.25;
        }
    }
    for y in 1..rows - 1 {
        let (above, here, below) = (
            &scratch[(y - 1) * columns..y * columns],
            &scratch[y * columns..(y + 1) * columns],
            &scratch[(y + 1) * columns..(y + 2) * columns],
        );
        let to = &mut image[y * columns..(y + 1) * columns];
        for x in 0..columns {
            to[x] = (above[x] + 2.0 * here[x] + below[x]) * 0.25;
        }
    }
}

/// By how much differences grow when the middle 92 % of the grey levels are spread over the whole range.
fn contrast_gain(image: &[f32]) -> f32 {
    let mut histogram = [0_usize; 256];
    for value in image {
        histogram[(*value as usize).min(255)] += 1;
    }
    let tail = image.len() * 4 / 100;
    let low = level_beyond(&histogram, tail, 0..256).unwrap_or(0);
    let high = level_beyond(&histogram, tail, (0..256).rev()).unwrap_or(255);
    let spread: f32 = 255.0 / high.saturating_sub(low).max(1) as f32;
    spread.clamp(1.0, MAX_GAIN)
}

/// The first level, counted in the order of `levels`, that has more than `tail` pixels up to it.
fn level_beyond(
    histogram: &[usize; 256],
    tail: usize,
    mut levels: impl Iterator<Item = usize>,
) -> Option<usize> {
    let mut sum = 0;
    levels.find(|&level| {
        sum += histogram[level];
        sum > tail
    })
}

/// A blob's bounds in shrunken pixels, inclusive.
#[derive(Clone, Copy)]
struct Blob {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    pixels: usize,
}

impl Blob {
    fn near(&self, other: &Self) -> bool {
        self.left <= other.right + REACH
            && other.left <= self.right + REACH
            && self.top <= other.bottom + REACH
            && other.top <= self.bottom + REACH
    }

    fn joined(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            pixels: self.pixels + other.pixels,
        }
    }
}

/// Connected components of `mask` (which is used up), large ones first.
fn blobs(mask: &mut [bool], columns: usize, rows: usize) -> Vec<NormBox> {
    let mut found: Vec<Blob> = Vec::new();
    let mut open = Vec::new();
    for start in 0..mask.len() {
        if !std::mem::take(&mut mask[start]) {
            continue;
        }
        open.push(start);
        let mut blob = Blob { left: columns, top: rows, right: 0, bottom: 0, pixels: 0 };
        while let Some(i) = open.pop() {
            let (x, y) = (i % columns, i / columns);
            blob = blob.joined(&Blob { left: x, top: y, right: x, bottom: y, pixels: 1 });
            for ny in y.saturating_sub(REACH)..(y + REACH + 1).min(rows) {
                for nx in x.saturating_sub(REACH)..(x + REACH + 1).min(columns) {
                    if std::mem::take(&mut mask[ny * columns + nx]) {
                        open.push(ny * columns + nx);
                    }
                }
            }
        }
        if blob.pixels >= MIN_PIXELS {
            found.push(blob);
        }
    }
    found.sort_by_key(|b| std::cmp::Reverse(b.pixels));
    found.truncate(MAX_BOXES);
    let mut boxes: Vec<NormBox> = joined_when_near(found).iter().map(|b| region(b, columns, rows)).collect();
    boxes.sort_by(|a, b| b.area().total_cmp(&a.area()));
    boxes
}

fn joined_when_near(mut blobs: Vec<Blob>) -> Vec<Blob> {
    let mut i = 0;
    while i < blobs.len() {
        match (i + 1..blobs.len()).find(|&j| blobs[i].near(&blobs[j])) {
            Some(j) => {
                let other = blobs.remove(j);
                blobs[i] = blobs[i].joined(&other);
                // It grew: what was too far before may be near now, also among those already settled.
                i = 0;
            }
            None => i += 1,
        }
    }
    blobs
}

fn region(blob: &Blob, columns: usize, rows: usize) -> NormBox {
    let (w, h) = (columns as f32, rows as f32);
    NormBox {
        x: blob.left as f32 / w,
        y: blob.top as f32 / h,
        w: (blob.right + 1 - blob.left) as f32 / w,
        h: (blob.bottom + 1 - blob.top) as f32 / h,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::Chance;

    use super::*;

    const W: usize = 640;
    const H: usize = 360;

    /// A street with some texture, and a grey block of 40 × 120 at `x`, if any.
    fn scene(x: Option<usize>, light: i32, contrast: i32) -> Vec<u8> {
        let mut luma = vec![0; W * H];
        for (i, pixel) in luma.iter_mut().enumerate() {
            let (px, py) = (i % W, i / W);
            let ground = 128 + (((px / 40 + py / 30) % 5) as i32 - 2) * 40 * contrast / 100;
            let inside = x.is_some_and(|x| (x..x + 40).contains(&px) && (150..270).contains(&py));
            let value = if inside { 128 - 120 * contrast / 100 } else { ground };
            *pixel = (value + light).clamp(0, 255) as u8;
        }
        luma
    }

    fn run(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Motion> {
        let mut gate = MotionGate::new();
        frames.into_iter().enumerate().map(|(i, f)| gate.look(UtcMs(i as i64 * 200), &f, W, H)).collect()
    }

    /// A still street is still, and the first frame teaches only.
    #[test]
    fn a_still_street_is_still() {
        let seen = run((0..20).map(|_| scene(None, 0, 100)));
        assert!(seen.iter().all(|m| m.boxes.is_empty()));
        assert!(seen[0].recalibrated && !seen[1].recalibrated);
    }

    /// A walker is one box where he is, by day and in fog.
    #[test]
    fn a_walker_is_one_box() {
        for contrast in [100, 40] {
            let mut frames = vec![scene(None, 0, contrast); 5];
            frames.extend((0..10).map(|i| scene(Some(100 + 20 * i), 0, contrast)));
            for (i, motion) in run(frames).iter().enumerate().skip(5) {
                let x = (100 + 20 * (i - 5)) as f32 / W as f32;
                let expected = NormBox { x, y: 150.0 / 360.0, w: 40.0 / W as f32, h: 120.0 / 360.0 };
                // Behind him the average has hardly begun to change, so there is no second box.
                assert_eq!(motion.boxes.len(), 1, "contrast {contrast}, frame {i}: {motion:?}");
                assert!(motion.boxes[0].iou(&expected) > 0.6, "frame {i}: {motion:?}");
            }
        }
    }

    /// A lamp that changes everything begins anew; then the walker is seen again.
    #[test]
    fn a_lamp_recalibrates() {
        let mut frames = vec![scene(None, -60, 100); 5];
        frames.extend(vec![scene(None, 60, 100); 5]);
        frames.push(scene(Some(300), 60, 100));
        let seen = run(frames);
        assert!(seen[5].recalibrated && seen[5].boxes.is_empty() && seen[5].changed > FLIP);
        assert!(seen[6..10].iter().all(|m| m.boxes.is_empty()));
        assert_eq!(seen[10].boxes.len(), 1);
    }

    /// Dusk, a level every few seconds, is no motion.
    #[test]
    fn dusk_is_no_motion() {
        let seen = run((0..200).map(|i| scene(None, -i / 4, 100)));
        assert!(seen.iter().all(|m| m.boxes.is_empty()));
    }

    /// Sensor noise of ±12 levels is no motion: shrinking averages it away.
    #[test]
    fn noise_is_no_motion() {
        let chance = Chance::seeded(3);
        let noisy = |_| {
            let mut luma = scene(None, 0, 100);
            luma.iter_mut().for_each(|p| *p = p.saturating_add(chance.below(25) as u8).saturating_sub(12));
            luma
        };
        assert!(run((0..8).map(noisy)).iter().all(|m| m.boxes.is_empty()));
    }

    /// What was parked becomes background within a minute.
    #[test]
    fn the_parked_becomes_background() {
        let mut frames = vec![scene(None, 0, 100); 3];
        frames.extend((0..300).map(|_| scene(Some(200), 0, 100)));
        let seen = run(frames);
        assert_eq!(seen[10].boxes.len(), 1);
        assert!(seen.last().unwrap().boxes.is_empty());
    }

    proptest! {
        /// Any size of picture, also changing in mid-stream, gives boxes inside the picture.
        #[test]
        fn boxes_are_inside_for_any_size(sizes in prop::collection::vec((1_usize..200, 1_usize..300), 1..6), seed: u64) {
            let chance = Chance::seeded(seed);
            let mut gate = MotionGate::new();
            for (i, (w, h)) in sizes.into_iter().enumerate() {
                for k in 0..2 {
                    let luma: Vec<u8> = (0..w * h).map(|_| chance.below(256) as u8).collect();
                    let motion = gate.look(UtcMs((i * 2 + k) as i64 * 200), &luma, w, h);
                    for b in motion.boxes {
                        prop_assert!(b.x >= 0.0 && b.y >= 0.0 && b.w > 0.0 && b.h > 0.0);
                        prop_assert!(b.x + b.w <= 1.001 && b.y + b.h <= 1.001);
                    }
                }
            }
        }
    }
}
