//! Fire and smoke: tongues that flicker, grow and give light, puffs that rise and spread. A function of time and seed.

use serde::{Deserialize, Serialize};

use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::view::View;

/// Something that burns, or only smoulders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fire {
    /// Metres: right, up, away.
    pub at: [f32; 3],
    pub starts_s: f32,
    /// From the first flame to its full size.
    pub grows_s: f32,
    pub ends_s: f32,
    /// Full height of the flames; of smoke alone, the width of its source.
    pub size_m: f32,
    pub flames: bool,
    pub smoke: bool,
}

const TONGUES: u32 = 9;
const PUFFS: u32 = 34;
const PUFF_LIFE_S: f32 = 6.0;

impl Fire {
    /// 0..1 of its full size.
    pub(super) fn strength(&self, at_s: f32) -> f32 {
        if !(self.starts_s..self.ends_s).contains(&at_s) {
            return 0.0;
        }
        let grown = ((at_s - self.starts_s) / self.grows_s.max(0.01)).min(1.0);
        let dying = ((self.ends_s - at_s) / 2.0).min(1.0);
        (0.25 + 0.75 * grown) * dying
    }

    pub(super) fn draw_smoke(&self, canvas: &mut Canvas<'_>, view: &View, at_s: f32, wind: f32) {
        if !self.smoke || at_s < self.starts_s || at_s > self.ends_s + PUFF_LIFE_S {
            return;
        }
        let source = view.at(self.at);
        let scale = view.scale(self.at[2]);
        // The oldest first: they are the widest.
        let number = ((at_s - self.starts_s) / PUFF_LIFE_S * PUFFS as f32) as u32;
        for puff in number.saturating_sub(PUFFS)..=number {
            let born_s = self.starts_s + puff as f32 * PUFF_LIFE_S / PUFFS as f32;
            let age = at_s - born_s;
            let strength = self.strength(born_s);
            if !(0.0..PUFF_LIFE_S).contains(&age) || strength <= 0.0 {
                continue;
            }
            let noise = |k: u32| random(puff * 7 + k) - 0.5;
            let rise = 0.75 * age * (1.0 - age / PUFF_LIFE_S * 0.3);
            let drift = (0.10 + 0.5 * wind) * age + noise(1) * 0.25 * age.sqrt();
            let radius = self.size_m * (0.34 + 0.20 * age) * (0.8 + noise(2) * 0.5) * (0.5 + 0.5 * strength);
            let fade = 1.0 - age / PUFF_LIFE_S;
            let grey = 176.0 + noise(3) * 60.0 - if self.flames { 96.0 } else { 0.0 };
            let grey = grey.clamp(0.0, 255.0) as u8;
            let centre = Spot { x: source.x + drift * scale, y: source.y - (rise + 0.1) * scale };
            canvas.puff(
                centre,
                (radius * scale * 1.15, radius * scale),
                Rgb(grey, grey, grey),
                0.85 * fade * (age * 2.0).min(1.0),
            );
        }
    }

    pub(super) fn draw_flames(&self, canvas: &mut Canvas<'_>, view: &View, at_s: f32, light: f32) {
        let strength = self.strength(at_s);
        if !self.flames || strength <= 0.0 {
            return;
        }
        let foot = view.at(self.at);
        let h = self.size_m * strength * view.scale(self.at[2]);
        let flicker = 0.85 + 0.3 * flow(99, at_s * 7.0);
        // Light on what is around; stronger where it is dark.
        let middle = Spot { x: foot.x, y: foot.y - h * 0.3 };
        canvas.glow(middle, (h * 2.2, h * 1.6), Rgb(255, 120, 30), (0.20 + 0.35 * (1.0 - light)) * flicker);
        for (layer, fill, size) in [
            (0, Rgb(214, 66, 14), 1.0),
            (1, Rgb(250, 140, 24), 0.74),
            (2, Rgb(255, 214, 84), 0.48),
            (3, Rgb(255, 246, 200), 0.26),
        ] {
            for tongue in 0..TONGUES {
                let key = tongue * 13 + layer;
                let across = (tongue as f32 + 0.5) / TONGUES as f32 - 0.5;
                let swell = 0.55 + 0.75 * flow(key, at_s * 6.0 + random(key) * 50.0);
                let high = h * size * swell * (1.0 - across.abs() * 1.1);
                let wide = h * 0.16 * size.sqrt() * (0.8 + 0.4 * flow(key + 5, at_s * 5.0));
                let x = foot.x + across * h * 0.75 * size.sqrt();
                let lean = (flow(key + 9, at_s * 4.0) - 0.5) * high * 0.5;
                canvas.polygon(&tongue_outline(x, foot.y, wide, high, lean), fill, 0.92);
            }
        }
        // Sparks above.
        for spark in 0..5 {
            let cycle = (at_s * 1.4 + random(spark + 40)).fract();
            let x =
                foot.x + (random(spark + 50) - 0.5) * h * 0.8 + (at_s * 9.0 + spark as f32).sin() * h * 0.05;
            canvas.ellipse(
                Spot { x, y: foot.y - h * (0.7 + cycle * 0.9) },
                1.6,
                2.2,
                Rgb(255, 190, 90),
                1.0 - cycle,
            );
        }
    }
}

fn tongue_outline(x: f32, y: f32, wide: f32, high: f32, lean: f32) -> Vec<(f32, f32)> {
    // A drop, its tip bent.
    [
        (0.0, -0.5),
        (0.12, -1.0),
        (0.35, -0.9),
        (0.7, -0.42),
        (1.0, 0.0),
        (0.7, 0.42),
        (0.35, 0.9),
        (0.12, 1.0),
        (0.0, 0.5),
    ]
    .map(|(up, side): (f32, f32)| (x + side * wide + lean * up * up, y - up * high))
    .to_vec()
}

/// A number in 0..1 that belongs to `key`.
pub(super) fn random(key: u32) -> f32 {
    let mut v = key.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    v = (v ^ (v >> 16)).wrapping_mul(0x7feb_352d);
    v = (v ^ (v >> 15)).wrapping_mul(0x846c_a68b);
    ((v ^ (v >> 16)) >> 8) as f32 / (1 << 24) as f32
}

/// A number in 0..1 that moves smoothly and never repeats: one per `key`.
pub(super) fn flow(key: u32, t: f32) -> f32 {
    let step = t.floor();
    let share = t - step;
    let at = |n: f32| random(key.wrapping_mul(7919).wrapping_add(n as i64 as u32));
    let eased = share * share * (3.0 - 2.0 * share);
    at(step) + (at(step + 1.0) - at(step)) * eased
}
