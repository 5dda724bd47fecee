//! Each trap is one small scene: without its defence, the test fails.

mod flame;
mod left;
mod view;

use proptest::prelude::*;
use protocol::Chance;

use super::*;
use crate::motion::MotionGate;

const W: usize = 320;
const H: usize = 180;

/// A picture of the size of these tests that somebody paints on.
struct Canvas(Picture);

impl Canvas {
    /// A street: paving with joints, a wall with windows above, some colour.
    fn street() -> Self {
        let mut canvas = Self(Picture {
            width: W,
            height: H,
            y: vec![0; W * H],
            u: vec![128; W * H / 4],
            v: vec![128; W * H / 4],
        });
        canvas.fill(|x, y| {
            let joint = x % 32 < 2 || y % 18 < 2;
            let window = y < 70 && (x + 11) % 48 < 20 && (y + 5) % 36 < 18;
            match (joint, window) {
                (_, true) => 52,
                (true, _) => 88,
                _ if y < 70 => 150,
                _ => 118 + ((x / 32 + y / 18) % 3) as u8 * 9,
            }
        });
        canvas
    }

    fn fill(&mut self, level: impl Fn(usize, usize) -> u8) {
        for (i, luma) in self.0.y.iter_mut().enumerate() {
            *luma = level(i % W, i / W);
        }
    }

    fn each(&mut self, mut change: impl FnMut(usize, usize, u8) -> u8) {
        for (i, luma) in self.0.y.iter_mut().enumerate() {
            *luma = change(i % W, i / W, *luma);
        }
    }

    /// A block with its colour; whatever lies outside the picture is left out.
    fn block(&mut self, (left, top, w, h): (usize, usize, usize, usize), [y, u, v]: [u8; 3]) {
        for py in top..(top + h).min(H) {
            for px in left..(left + w).min(W) {
                self.0.y[py * W + px] = y;
                self.0.u[py / 2 * (W / 2) + px / 2] = u;
                self.0.v[py / 2 * (W / 2) + px / 2] = v;
            }
        }
    }

    fn gain(mut self, gain: f32, more: f32) -> Self {
        self.each(|_, _, v| ((f32::from(v) - 16.0) * gain + 16.0 + more).clamp(0.0, 255.0) as u8);
        self
    }

    fn shifted(mut self, dx: isize, dy: isize) -> Self {
        let was = self.0.y.clone();
        let at = |v: usize, by: isize, size: usize| (v as isize + by).clamp(0, size as isize - 1) as usize;
        self.each(|x, y, _| was[at(y, dy, H) * W + at(x, dx, W)]);
        self
    }

    /// Mean of a square around each pixel.
    fn blurred(mut self, radius: usize) -> Self {
        let was = self.0.y.clone();
        self.each(|x, y, _| {
            let xs = x.saturating_sub(radius)..(x + radius + 1).min(W);
            let ys = y.saturating_sub(radius)..(y + radius + 1).min(H);
            let count = (xs.len() * ys.len()) as u32;
            let sum: u32 =
                ys.flat_map(|y| xs.clone().map(move |x| y * W + x)).map(|i| u32::from(was[i])).sum();
            (sum / count) as u8
        });
        self
    }

    /// Adds -amount..=amount to each pixel. One draw for a picture: the rest follows from it (xorshift), because
    /// these tests need some hundred million.
    fn noisy(mut self, amount: u64, chance: &Chance) -> Picture {
        let mut state = chance.below(u64::MAX) | 1;
        self.each(|_, _, v| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            v.saturating_add(((state >> 33) % (2 * amount + 1)) as u8).saturating_sub(amount as u8)
        });
        self.0
    }
}

/// Five pictures a second through all methods.
fn run(seconds: usize, wanted: Wanted, mut scene: impl FnMut(f32, &Chance) -> Picture) -> Vec<Signs> {
    let chance = Chance::seeded(11);
    let (mut gate, mut reader) = (MotionGate::new(), SignReader::new(wanted));
    (0..seconds * 5)
        .map(|i| {
            let at = UtcMs(i as i64 * 200);
            let picture = scene(i as f32 / 5.0, &chance);
            let motion = gate.look(at, &picture.y, picture.width, picture.height);
            reader.look(at, &picture, &motion)
        })
        .collect()
}

proptest! {
    /// Any size of picture, also changing in mid-stream, at any time, gives numbers and boxes inside the picture.
    #[test]
    fn any_picture_at_any_time_is_survived(
        looks in prop::collection::vec((0_usize..90, 0_usize..90, -100_000_i64..100_000), 1..10),
        seed: u64,
    ) {
        let chance = Chance::seeded(seed);
        let mut reader = SignReader::new(Wanted { flame: true, left: true, view: true });
        let mut at = UtcMs(0);
        for (w, h, step_ms) in looks {
            let (width, height) = (2 * w, 2 * h);
            let plane = |n: usize| (0..n).map(|_| chance.below(256) as u8).collect::<Vec<u8>>();
            let picture = Picture { width, height, y: plane(width * height), u: plane(w * h), v: plane(w * h) };
            for _ in 0..12 {
                at = at.plus_ms(200);
                let signs = reader.look(at, &picture, &Motion::default());
                for sign in signs.flames.iter().chain(&signs.left).chain(&signs.standing) {
                    let b = sign.region;
                    prop_assert!((0.0..=1.0).contains(&sign.score));
                    prop_assert!(b.x >= 0.0 && b.y >= 0.0 && b.x + b.w <= 1.001 && b.y + b.h <= 1.001);
                }
                let view = signs.view.unwrap_or_default();
                for strength in [view.covered, view.defocused, view.moved, view.frozen] {
                    prop_assert!((0.0..=1.0).contains(&strength));
                }
            }
            at = at.plus_ms(step_ms);
        }
    }
}
