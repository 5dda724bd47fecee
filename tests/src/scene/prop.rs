//! Things: bags, trees, benches, a dog.

use protocol::Chance;
use serde::{Deserialize, Serialize};

use super::paint::{Canvas, Rgb};
use super::path::Spot;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BagKind {
    Suitcase,
    Backpack,
    Carton,
    Sack,
}

impl BagKind {
    pub(super) const ALL: [Self; 4] = [Self::Suitcase, Self::Backpack, Self::Carton, Self::Sack];

    /// Width and height, metres.
    pub(super) fn size_m(self) -> (f32, f32) {
        match self {
            Self::Suitcase => (0.46, 0.66),
            Self::Backpack => (0.40, 0.50),
            Self::Carton => (0.58, 0.44),
            Self::Sack => (0.52, 0.50),
        }
    }

    fn cloth(self) -> Rgb {
        match self {
            Self::Suitcase => Rgb(56, 42, 92),
            Self::Backpack => Rgb(36, 60, 52),
            Self::Carton => Rgb(172, 130, 84),
            Self::Sack => Rgb(46, 46, 50),
        }
    }

    /// Draws it standing at `foot`; `scale`: pixels of a metre.
    pub(super) fn draw(self, canvas: &mut Canvas<'_>, foot: Spot, scale: f32) {
        let (w, h) = self.size_m();
        let (w, h) = (w * scale, h * scale);
        let cloth = self.cloth();
        canvas.ellipse(Spot { x: foot.x + w * 0.1, y: foot.y }, w * 0.62, h * 0.10, Rgb(20, 20, 24), 0.4);
        let (left, top) = (foot.x - w / 2.0, foot.y - h);
        let round = w * 0.12;
        let body = [
            (left + round, top),
            (left + w - round, top),
            (left + w, top + round),
            (left + w, foot.y),
            (left, foot.y),
            (left, top + round),
        ];
        canvas.shaded(
            &body,
            (Spot { x: left, y: top }, cloth.times(1.3)),
            (Spot { x: left + w, y: foot.y }, cloth.times(0.6)),
        );
        let dark = cloth.times(0.5);
        match self {
            Self::Suitcase => {
                canvas.limb(
                    Spot { x: foot.x - w * 0.2, y: top - h * 0.22 },
                    Spot { x: foot.x + w * 0.2, y: top - h * 0.22 },
                    scale * 0.012,
                    scale * 0.012,
                    Rgb(60, 60, 64),
                );
                for side in [-0.2, 0.2] {
                    canvas.rect(
                        foot.x + w * side,
                        top - h * 0.22,
                        scale * 0.016,
                        h * 0.22,
                        Rgb(110, 110, 114),
                    );
                }
                for stripe in [0.3, 0.5, 0.7] {
                    canvas.rect(left + w * stripe, top + h * 0.06, scale * 0.014, h * 0.86, dark);
                }
            }
            Self::Backpack => {
                canvas.polygon(
                    &[
                        (left + w * 0.18, top + h * 0.5),
                        (left + w * 0.82, top + h * 0.5),
                        (left + w * 0.78, top + h * 0.92),
                        (left + w * 0.22, top + h * 0.92),
                    ],
                    cloth.times(1.5),
                    1.0,
                );
                canvas.rect(left + w * 0.1, top + h * 0.3, w * 0.8, h * 0.04, dark);
            }
            Self::Carton => {
                canvas.rect(left + w * 0.45, top, w * 0.1, h, cloth.times(1.25));
                canvas.rect(left, top + h * 0.02, w, h * 0.05, dark);
            }
            Self::Sack => {
                canvas.ball(Spot { x: foot.x, y: top - h * 0.02 }, w * 0.14, h * 0.14, cloth.times(1.2));
                canvas.limb(
                    Spot { x: foot.x - w * 0.2, y: top + h * 0.2 },
                    Spot { x: foot.x - w * 0.3, y: foot.y - h * 0.2 },
                    scale * 0.02,
                    scale * 0.01,
                    cloth.times(1.8),
                );
            }
        }
    }
}

/// A tree: a trunk, and leaves that the wind moves.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) at: [f32; 2],
    pub(super) height_m: f32,
    leaves: Vec<Leaf>,
}

#[derive(Clone, Copy, Debug)]
struct Leaf {
    x: f32,
    y: f32,
    r: f32,
    tone: f32,
    phase: f32,
}

impl Tree {
    pub(super) fn drawn(at: [f32; 2], height_m: f32, chance: &Chance) -> Self {
        let part = |n: u64| chance.below(n) as f32 / n as f32;
        let leaves = (0..70).map(|_| {
            let (angle, out) = (part(1000) * std::f32::consts::TAU, part(1000).sqrt());
            Leaf {
                x: angle.cos() * out * 0.34,
                y: 0.66 + angle.sin() * out * 0.30,
                r: 0.05 + part(100) * 0.05,
                tone: 0.62 + part(100) * 0.6,
                phase: part(1000) * std::f32::consts::TAU,
            }
        });
        Self { at, height_m, leaves: leaves.collect() }
    }

    /// `wind` 0..1 at this second.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, foot: Spot, scale: f32, wind: f32, at_s: f32) {
        let h = self.height_m * scale;
        // Gusts come and go; every leaf has its own rhythm on top.
        let gust = wind * (0.5 + 0.5 * (at_s * 0.37).sin()) * (1.0 + 0.6 * (at_s * 1.9).sin());
        let bow = gust * 0.035 * h;
        canvas.limb(
            foot,
            Spot { x: foot.x + bow, y: foot.y - h * 0.6 },
            0.030 * h,
            0.016 * h,
            Rgb(88, 72, 58),
        );
        for leaf in &self.leaves {
            let own = wind * 0.018 * h * (at_s * 4.3 + leaf.phase).sin();
            let x = foot.x + leaf.x * h + bow * leaf.y * 1.6 + own;
            let y = foot.y - leaf.y * h + own * 0.4;
            canvas.ellipse(
                Spot { x, y },
                leaf.r * h * 1.2,
                leaf.r * h,
                Rgb(74, 100, 58).times(leaf.tone),
                0.92,
            );
        }
    }
}

/// A bench 1.6 m long, its seat at the height people sit.
pub(super) fn bench(canvas: &mut Canvas<'_>, foot: Spot, scale: f32) {
    let wood = Rgb(124, 88, 56);
    let (left, w) = (foot.x - 0.8 * scale, 1.6 * scale);
    canvas.ellipse(Spot { x: foot.x, y: foot.y }, 0.9 * scale, 0.10 * scale, Rgb(20, 20, 24), 0.3);
    for leg in [0.1, 0.86] {
        canvas.rect(left + w * leg, foot.y - 0.44 * scale, 0.06 * scale, 0.44 * scale, Rgb(60, 60, 62));
    }
    for (up, tone) in [(0.84, 0.9), (0.70, 0.8), (0.46, 1.1)] {
        canvas.rect(left, foot.y - up * scale, w, 0.09 * scale, wood.times(tone));
    }
}

/// A dog, for rules that wait for people. `phase` of its step, 0..1.
pub(super) fn dog(canvas: &mut Canvas<'_>, foot: Spot, scale: f32, facing: f32, phase: f32) {
    let fur = Rgb(128, 96, 64);
    let at = |ahead: f32, up: f32| Spot { x: foot.x + ahead * scale * facing, y: foot.y - up * scale };
    canvas.ellipse(foot, 0.42 * scale, 0.05 * scale, Rgb(20, 20, 24), 0.35);
    let turn = phase * std::f32::consts::TAU;
    for (hip, off) in [(-0.26, 0.0), (0.24, 3.1), (-0.22, 3.4), (0.28, 0.4)] {
        let swing = (turn + off).sin() * 0.12;
        canvas.limb(at(hip, 0.30), at(hip + swing, 0.02), 0.045 * scale, 0.025 * scale, fur.times(0.8));
    }
    canvas.limb(at(-0.28, 0.36), at(0.28, 0.38), 0.11 * scale, 0.12 * scale, fur);
    canvas.limb(at(0.28, 0.42), at(0.42, 0.54), 0.07 * scale, 0.07 * scale, fur);
    canvas.ball(at(0.46, 0.56), 0.10 * scale, 0.085 * scale, fur.times(1.1));
    canvas.limb(at(0.50, 0.54), at(0.60, 0.52), 0.045 * scale, 0.03 * scale, fur.times(0.7));
    canvas.limb(at(-0.36, 0.42), at(-0.52, 0.58), 0.03 * scale, 0.015 * scale, fur);
}
