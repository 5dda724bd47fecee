//! From a drawn page to what a camera gives: light, colours as luma and chroma, weather before the lens, noise,
//! shaking, blur. Everything is a function of the seed and the number of the frame.

use protocol::Chance;
use tiny_skia::Pixmap;

use super::flame::{flow, random};

/// One picture, 8-bit I420, BT.601 limited range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    pub width: usize,
    pub height: usize,
    pub y: Vec<u8>,
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl Shot {
    /// The planes in one piece.
    pub fn i420(&self) -> Vec<u8> {
        [&self.y[..], &self.u, &self.v].concat()
    }

    /// Red, green, blue, three bytes a pixel.
    pub fn rgb(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.width * self.height * 3);
        for row in 0..self.height {
            for column in 0..self.width {
                let at = row / 2 * (self.width / 2) + column / 2;
                let y = 1.164 * (f32::from(self.y[row * self.width + column]) - 16.0);
                let (u, v) = (f32::from(self.u[at]) - 128.0, f32::from(self.v[at]) - 128.0);
                let colour = [y + 1.596 * v, y - 0.392 * u - 0.813 * v, y + 2.017 * u];
                out.extend(colour.map(|c| c.round().clamp(0.0, 255.0) as u8));
            }
        }
        out
    }

    pub(super) fn of(page: &Pixmap) -> Self {
        let (width, height) = (page.width() as usize, page.height() as usize);
        let rgba = page.data();
        let mut y = Vec::with_capacity(width * height);
        y.extend(rgba.chunks_exact(4).map(|px| {
            let (r, g, b) = (i32::from(px[0]), i32::from(px[1]), i32::from(px[2]));
            (((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8
        }));
        let (mut u, mut v) = (Vec::with_capacity(width * height / 4), Vec::with_capacity(width * height / 4));
        for row in rgba.chunks_exact(width * 4).step_by(2) {
            for px in row.chunks_exact(8) {
                let (r, g, b) = (i32::from(px[0]), i32::from(px[1]), i32::from(px[2]));
                u.push((((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128) as u8);
                v.push((((112 * r - 94 * g - 18 * b + 128) >> 8) + 128) as u8);
            }
        }
        Self { width, height, y, u, v }
    }

    /// Without colours, as with the infrared filter swung away.
    pub(super) fn monochrome(&mut self) {
        self.u.fill(128);
        self.v.fill(128);
    }

    /// Moves the picture by even numbers of pixels; what was at an edge is repeated there.
    pub(super) fn shifted(&self, dx: i32, dy: i32) -> Self {
        let plane = |from: &[u8], width: usize, height: usize, dx: i32, dy: i32| {
            let mut out = Vec::with_capacity(from.len());
            for row in 0..height as i32 {
                let source = (row - dy).clamp(0, height as i32 - 1) as usize * width;
                let line = &from[source..source + width];
                if dx >= 0 {
                    out.extend(std::iter::repeat_n(line[0], dx as usize));
                    out.extend(&line[..width - dx as usize]);
                } else {
                    out.extend(&line[(-dx) as usize..]);
                    out.extend(std::iter::repeat_n(line[width - 1], (-dx) as usize));
                }
            }
            out
        };
        let (w, h) = (self.width, self.height);
        Self {
            width: w,
            height: h,
            y: plane(&self.y, w, h, dx, dy),
            u: plane(&self.u, w / 2, h / 2, dx / 2, dy / 2),
            v: plane(&self.v, w / 2, h / 2, dx / 2, dy / 2),
        }
    }

    /// Blurred like a lens out of focus: three box filters come close to its disc.
    pub(super) fn blur(&mut self, radius: usize) {
        let (w, h) = (self.width, self.height);
        for _ in 0..3 {
            box_filter(&mut self.y, w, h, radius);
            box_filter(&mut self.u, w / 2, h / 2, radius.div_ceil(2));
            box_filter(&mut self.v, w / 2, h / 2, radius.div_ceil(2));
        }
    }
}

fn box_filter(plane: &mut [u8], width: usize, height: usize, radius: usize) {
    if radius == 0 {
        return;
    }
    let span = (2 * radius + 1) as u32;
    let mut line = vec![0_u8; width.max(height)];
    let mut run = |plane: &mut [u8], start: usize, step: usize, count: usize| {
        for (i, v) in line[..count].iter_mut().enumerate() {
            *v = plane[start + i * step];
        }
        let at = |i: isize| u32::from(line[i.clamp(0, count as isize - 1) as usize]);
        let mut sum: u32 = (-(radius as isize)..=radius as isize).map(at).sum();
        for i in 0..count {
            plane[start + i * step] = (sum / span) as u8;
            let i = i as isize;
            sum = sum + at(i + radius as isize + 1) - at(i - radius as isize);
        }
    };
    for row in 0..height {
        run(plane, row * width, 1, width);
    }
    for column in 0..width {
        run(plane, column, width, height);
    }
}

/// How bright each pixel is lit, in 1/256.
#[derive(Clone, Debug)]
pub(super) struct LightMap {
    width: usize,
    gain: Vec<u16>,
}

impl LightMap {
    pub(super) fn even(width: usize, height: usize, gain: f32) -> Self {
        Self { width, gain: vec![(gain * 256.0) as u16; width * height] }
    }

    /// Adds a pool of light (pixels: centre, radii), strongest in its middle.
    pub(super) fn add(&mut self, (cx, cy): (f32, f32), (rx, ry): (f32, f32), strength: f32) {
        let height = self.gain.len() / self.width;
        let within = |c: f32, r: f32, max: usize| {
            ((c - r).max(0.0) as usize).min(max)..((c + r + 1.0).max(0.0) as usize).min(max)
        };
        for row in within(cy, ry, height) {
            let dy = (row as f32 - cy) / ry;
            for column in within(cx, rx, self.width) {
                let dx = (column as f32 - cx) / rx;
                let share = (1.0 - dx * dx - dy * dy).max(0.0);
                let gain = &mut self.gain[row * self.width + column];
                *gain = gain.saturating_add((strength * share * share * 256.0) as u16).min(360);
            }
        }
    }

    /// Lights a page; `tint`: red, green, blue.
    pub(super) fn light(&self, page: &mut Pixmap, tint: [f32; 3]) {
        let tint = tint.map(|t| (t * 256.0) as u32);
        for (px, gain) in page.data_mut().chunks_exact_mut(4).zip(&self.gain) {
            for (value, tint) in px.iter_mut().zip(tint) {
                *value = ((u32::from(*value) * u32::from(*gain) * tint) >> 16).min(255) as u8;
            }
        }
    }
}

/// The same light everywhere.
pub(super) fn light_evenly(page: &mut Pixmap, rgb: [f32; 3]) {
    let table: [[u8; 256]; 3] =
        rgb.map(|gain| std::array::from_fn(|v| (v as f32 * gain).clamp(0.0, 255.0) as u8));
    for px in page.data_mut().chunks_exact_mut(4) {
        for (value, table) in px.iter_mut().zip(&table) {
            *value = table[usize::from(*value)];
        }
    }
}

/// Noise of the sensor, and the flicker of its exposure.
pub(super) struct Noise {
    /// One tile; every frame starts reading it somewhere else.
    tile: Vec<i8>,
    seed: u32,
}

impl Noise {
    pub(super) fn new(pixels: usize, seed: u64) -> Self {
        let chance = Chance::seeded(seed ^ 0x005e_ed0f_0153);
        let dice: Vec<u8> = (0..(1 << 17) + pixels).step_by(32).flat_map(|_| chance.bytes::<32>()).collect();
        // The sum of dice is closer to a sensor's noise than one.
        let tile = dice.windows(2).map(|w| {
            let sum = (w[0] & 15) + (w[0] >> 4) + (w[1] & 15) + (w[1] >> 4);
            (i16::from(sum) - 30) as i8
        });
        Self { tile: tile.collect(), seed: seed as u32 }
    }

    /// `level`: its standard deviation in grey values, about.
    pub(super) fn add(&self, shot: &mut Shot, frame: usize, level: f32) {
        let room = self.tile.len() - shot.y.len();
        let offset = (random(self.seed ^ (frame as u32).wrapping_mul(31)) * room as f32) as usize;
        let flicker = ((frame as f32 * 0.9).sin() * 1.2) as i16;
        // The tile's standard deviation is about 9.
        let factor = (level / 9.0 * 64.0) as i16;
        for (y, n) in shot.y.iter_mut().zip(&self.tile[offset..]) {
            *y = (i16::from(*y) + flicker + ((i16::from(*n) * factor) >> 6)).clamp(16, 235) as u8;
        }
    }
}

/// Streaks of rain before the lens.
pub(super) fn rain(shot: &mut Shot, frame: usize, amount: f32) {
    let (w, h) = (shot.width as i32, shot.height as i32);
    let key = frame as u32 * 4099;
    for drop in 0..(amount * 260.0) as u32 {
        let part = |k: u32| random(key + drop * 5 + k);
        let (x, y) = ((part(0) * w as f32) as i32, (part(1) * h as f32) as i32);
        let (length, light) = (6 + (part(2) * 16.0) as i32, 14 + (part(3) * 34.0) as i32);
        for step in 0..length {
            let (px, py) = (x + step / 5, y + step);
            if (0..w).contains(&px) && (0..h).contains(&py) {
                let value = &mut shot.y[(py * w + px) as usize];
                *value = (i32::from(*value) + light).min(230) as u8;
            }
        }
    }
}

/// Flakes that drift down; near ones are large, fast and soft.
pub(super) fn snow(shot: &mut Shot, at_s: f32, seed: u64, amount: f32) {
    let (w, h) = (shot.width as f32, shot.height as f32);
    for flake in 0..(amount * 320.0) as u32 {
        let key = (seed as u32).wrapping_add(flake * 11);
        let near = random(key).powi(3);
        let fall = (random(key + 1) + at_s * (0.10 + 0.9 * near)).fract();
        let drift = (flow(key + 2, at_s * 0.6) - 0.5) * 0.14 + random(key + 3);
        let (cx, cy, r) = (drift.rem_euclid(1.0) * w, fall * h, (0.7 + 2.6 * near) * w / 640.0);
        let light = 235.0 - 50.0 * near;
        for row in ((cy - r).max(0.0) as usize)..((cy + r + 1.0).min(h) as usize) {
            for column in ((cx - r).max(0.0) as usize)..((cx + r + 1.0).min(w) as usize) {
                let away = ((column as f32 - cx).powi(2) + (row as f32 - cy).powi(2)).sqrt() / r;
                let share = (1.0 - away).clamp(0.0, 1.0) * 0.9;
                let value = &mut shot.y[row * shot.width + column];
                let lit = f32::from(*value) + (light - f32::from(*value)) * share;
                *value = lit.clamp(16.0, 235.0) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: u8) -> Shot {
        Shot { width: 64, height: 32, y: vec![value; 2048], u: vec![128; 512], v: vec![128; 512] }
    }

    /// Noise has the level asked for, and is another one in the next frame.
    #[test]
    fn noise_has_its_level() {
        let noise = Noise::new(2048, 3);
        let noisy = |frame| {
            let mut shot = grey(120);
            noise.add(&mut shot, frame, 4.0);
            shot.y
        };
        let mean = noisy(0).iter().map(|v| f32::from(*v)).sum::<f32>() / 2048.0;
        let spread = noisy(0).iter().map(|v| (f32::from(*v) - mean).powi(2)).sum::<f32>() / 2048.0;
        assert!((2.5..6.0).contains(&spread.sqrt()), "{spread}");
        assert_eq!(noisy(4), noisy(4));
        assert_ne!(noisy(4), noisy(5));
    }

    /// A blurred edge is soft, an even picture stays as it is; a shifted one comes back.
    #[test]
    fn lens_and_pole() {
        let mut even = grey(90);
        even.blur(3);
        assert_eq!(even, grey(90));
        let mut edge = grey(16);
        edge.y.chunks_mut(64).for_each(|row| row[32..].fill(216));
        let back = edge.shifted(4, -2).shifted(-4, 2);
        assert_eq!(back.y[10 * 64 + 20..10 * 64 + 50], edge.y[10 * 64 + 20..10 * 64 + 50]);
        assert_eq!(edge.shifted(4, 0).y[10 * 64 + 35], 16);
        edge.blur(3);
        let row = &edge.y[10 * 64..11 * 64];
        assert!(row.windows(2).all(|w| w[0] <= w[1] && w[1] - w[0] < 40), "{row:?}");
    }
}
