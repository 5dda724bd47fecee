//! Two-wheelers seen from the side, as they are pushed and ridden: bicycles, and the electric scooters with a seat that
//! stand before every house.

use serde::{Deserialize, Serialize};

use super::paint::{Canvas, Rgb};
use super::path::Spot;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CycleKind {
    Bicycle,
    /// An electric scooter with seat.
    Ebike,
}

const INK: Rgb = Rgb(26, 26, 30);
const STEEL: Rgb = Rgb(112, 114, 118);
const RUBBER: Rgb = Rgb(20, 20, 23);

/// Draws a two-wheeler whose wheels stand at `foot`. `along`: −1..1, how much of its length shows, and which way its
/// front is.
pub(super) fn cycle(
    canvas: &mut Canvas<'_>,
    kind: CycleKind,
    paint: Rgb,
    foot: Spot,
    scale: f32,
    along: f32,
) {
    canvas.ellipse(foot, 0.85 * scale * along.abs().max(0.3), 0.08 * scale, Rgb(20, 20, 24), 0.4);
    let side = Side { foot, scale, along };
    match kind {
        CycleKind::Bicycle => bicycle(canvas, &side, paint),
        CycleKind::Ebike => scooter(canvas, &side, paint),
    }
}

/// The plane in which it stands.
#[derive(Clone, Copy)]
struct Side {
    foot: Spot,
    scale: f32,
    along: f32,
}

impl Side {
    /// Metres ahead of the middle, and up.
    fn at(&self, (ahead, up): (f32, f32)) -> Spot {
        Spot { x: self.foot.x + ahead * self.scale * self.along, y: self.foot.y - up * self.scale }
    }

    /// Its far half: what is as far from the middle on the other side is drawn a little higher and shifted.
    fn far(&self) -> Self {
        let Self { foot, scale, .. } = *self;
        Self { foot: Spot { x: foot.x + 0.03 * scale, y: foot.y - 0.06 * scale }, ..*self }
    }

    fn polygon(&self, canvas: &mut Canvas<'_>, points: &[(f32, f32)], fill: Rgb) {
        let corners: Vec<(f32, f32)> = points.iter().map(|p| self.at(*p)).map(|s| (s.x, s.y)).collect();
        let top = corners.iter().map(|c| c.1).fold(f32::MAX, f32::min);
        let low = corners.iter().map(|c| c.1).fold(f32::MIN, f32::max);
        let x = corners[0].0;
        canvas.shaded(
            &corners,
            (Spot { x, y: top }, fill.times(1.25)),
            (Spot { x, y: low.max(top + 1.0) }, fill.times(0.6)),
        );
    }

    /// A tube between two points; `r`: its radius in metres.
    fn tube(&self, canvas: &mut Canvas<'_>, from: (f32, f32), to: (f32, f32), r: f32, fill: Rgb) {
        canvas.limb(self.at(from), self.at(to), r * self.scale, r * self.scale, fill);
    }

    /// Something round; radii in metres.
    fn round(&self, canvas: &mut Canvas<'_>, at: (f32, f32), (rx, ry): (f32, f32), fill: Rgb) {
        let squeeze = self.along.abs().max(0.25);
        canvas.ellipse(self.at(at), rx * self.scale * squeeze, ry * self.scale, fill, 1.0);
    }
}

fn bicycle(canvas: &mut Canvas<'_>, side: &Side, paint: Rgb) {
    const R: f32 = 0.33;
    for ahead in [-0.60, 0.62] {
        // One sees through between the spokes.
        let on = |share: f32, r: f32| {
            let (sin, cos) = (share * std::f32::consts::TAU).sin_cos();
            (ahead + cos * r, R + sin * r)
        };
        for spoke in 0..14 {
            side.tube(canvas, (ahead, R), on(spoke as f32 / 14.0, R * 0.94), 0.004, Rgb(150, 150, 150));
        }
        for (r, thick, fill) in [(R - 0.035, 0.010, Rgb(160, 160, 160)), (R - 0.016, 0.018, INK)] {
            for part in 0..36 {
                side.tube(canvas, on(part as f32 / 36.0, r), on((part + 1) as f32 / 36.0, r), thick, fill);
            }
        }
        side.round(canvas, (ahead, R), (0.04, 0.04), STEEL);
    }
    // Chain ring, pedal and chain.
    side.round(canvas, (-0.12, 0.30), (0.09, 0.09), INK);
    side.round(canvas, (-0.12, 0.30), (0.06, 0.06), STEEL);
    side.tube(canvas, (-0.60, 0.36), (-0.12, 0.38), 0.006, INK);
    side.tube(canvas, (-0.60, 0.30), (-0.12, 0.22), 0.006, INK);
    side.tube(canvas, (-0.12, 0.30), (-0.02, 0.16), 0.014, STEEL);
    for (a, b) in [
        ((-0.60, 0.33), (-0.12, 0.30)),
        ((-0.12, 0.30), (0.42, 0.72)),
        ((-0.22, 0.72), (0.42, 0.72)),
        ((-0.12, 0.30), (-0.24, 0.82)),
        ((-0.60, 0.33), (-0.22, 0.72)),
        ((0.62, 0.33), (0.40, 0.95)),
    ] {
        side.tube(canvas, a, b, 0.026, paint);
    }
    canvas.limb(side.at((-0.36, 0.85)), side.at((-0.12, 0.86)), 0.045 * side.scale, 0.03 * side.scale, INK);
    side.tube(canvas, (0.40, 0.95), (0.30, 0.99), 0.026, INK);
    let basket = side.at((0.5, 0.9));
    canvas.rect(basket.x - 0.12 * side.scale, basket.y, 0.26 * side.scale, 0.2 * side.scale, Rgb(70, 70, 72));
}

/// Wheels of sixteen inches, tyre and all, with cast spokes, the motor in the rear one.
fn scooter_wheel(canvas: &mut Canvas<'_>, side: &Side, ahead: f32, motor: bool) {
    const R: f32 = 0.265;
    let hub = (ahead, R);
    let on = |share: f32, r: f32| {
        let (sin, cos) = (share * std::f32::consts::TAU).sin_cos();
        (ahead + cos * r, R + sin * r)
    };
    for spoke in 0..5 {
        side.tube(canvas, hub, on(spoke as f32 / 5.0 + 0.05, R * 0.62), 0.018, Rgb(190, 192, 196));
    }
    for (r, thick, fill) in [
        (R * 0.64, 0.014, Rgb(190, 192, 196)),
        (R * 0.84, R * 0.16, RUBBER),
        (R * 0.80, R * 0.05, Rgb(38, 38, 42)),
    ] {
        for part in 0..36 {
            side.tube(canvas, on(part as f32 / 36.0, r), on((part + 1) as f32 / 36.0, r), thick, fill);
        }
    }
    let core = if motor { 0.36 } else { 0.2 };
    side.round(canvas, hub, (R * core, R * core), Rgb(96, 98, 102));
    side.round(canvas, hub, (R * 0.09, R * 0.09), INK);
}

fn scooter(canvas: &mut Canvas<'_>, side: &Side, paint: Rgb) {
    let (front, rear) = (0.60, -0.58);
    let far = side.far();
    // What shows of its far half: grip, mirror, floor and seat's edge.
    far.tube(canvas, (0.30, 1.02), (0.20, 1.05), 0.022, INK);
    far.tube(canvas, (0.33, 1.02), (0.36, 1.22), 0.008, INK);
    far.round(canvas, (0.38, 1.26), (0.09, 0.065), Rgb(44, 46, 50));
    far.polygon(canvas, &[(-0.30, 0.34), (0.32, 0.34), (0.38, 0.24), (-0.30, 0.22)], INK);
    scooter_wheel(canvas, side, front, false);
    scooter_wheel(canvas, side, rear, true);
    // Fork with its tubes and mudguard; swing arm and shock absorber.
    side.tube(canvas, (0.42, 0.80), (front, 0.265), 0.040, Rgb(170, 172, 176));
    side.polygon(
        canvas,
        &[
            (0.40, 0.42),
            (0.44, 0.50),
            (0.58, 0.53),
            (0.74, 0.49),
            (0.84, 0.38),
            (0.80, 0.36),
            (0.70, 0.45),
            (0.56, 0.47),
        ],
        paint,
    );
    side.tube(canvas, (rear, 0.265), (-0.10, 0.26), 0.032, INK);
    side.tube(canvas, (-0.62, 0.27), (-0.50, 0.58), 0.030, STEEL);
    for turn in 0..4 {
        let up = 0.32 + turn as f32 * 0.055;
        side.tube(canvas, (-0.645 + (up - 0.27) * 0.39, up), (-0.575 + (up - 0.27) * 0.39, up), 0.010, INK);
    }
    // The floor over the battery's case, and the stand below.
    side.polygon(
        canvas,
        &[(-0.32, 0.36), (0.34, 0.36), (0.42, 0.20), (0.30, 0.16), (-0.26, 0.16)],
        INK.times(1.3),
    );
    side.polygon(canvas, &[(-0.30, 0.37), (0.36, 0.37), (0.38, 0.33), (-0.30, 0.33)], INK);
    side.tube(canvas, (-0.12, 0.18), (-0.20, 0.02), 0.014, STEEL);
    // The shield before the knees, with the lining towards them, up to the cowl of the handlebar.
    side.polygon(
        canvas,
        &[(0.26, 0.34), (0.18, 0.66), (0.24, 0.92), (0.32, 0.92), (0.36, 0.34)],
        INK.times(1.5),
    );
    side.polygon(
        canvas,
        &[
            (0.32, 0.28),
            (0.26, 0.64),
            (0.30, 0.94),
            (0.42, 0.97),
            (0.52, 0.78),
            (0.55, 0.58),
            (0.46, 0.42),
            (0.42, 0.24),
        ],
        paint,
    );
    side.polygon(canvas, &[(0.36, 0.52), (0.33, 0.66), (0.44, 0.74), (0.50, 0.60)], paint.times(1.3));
    // The body under the seat, its edge, and the tail.
    side.polygon(
        canvas,
        &[
            (-0.14, 0.34),
            (-0.08, 0.62),
            (-0.14, 0.72),
            (-0.60, 0.73),
            (-0.92, 0.80),
            (-0.96, 0.72),
            (-0.84, 0.62),
            (-0.50, 0.58),
            (-0.32, 0.34),
        ],
        paint,
    );
    side.polygon(
        canvas,
        &[(-0.16, 0.36), (-0.10, 0.60), (-0.60, 0.68), (-0.86, 0.70), (-0.80, 0.64), (-0.46, 0.58)],
        INK.times(1.4),
    );
    // What shines on its panels.
    for (a, c) in [((0.40, 0.60), (0.38, 0.90)), ((-0.30, 0.69), (-0.80, 0.75)), ((0.60, 0.50), (0.72, 0.46))]
    {
        side.tube(canvas, a, c, 0.012, paint.towards(Rgb(255, 255, 255), 0.6));
    }
    // A seat for two, padded, with a rail behind.
    side.polygon(
        canvas,
        &[
            (-0.06, 0.72),
            (-0.06, 0.79),
            (-0.16, 0.83),
            (-0.40, 0.81),
            (-0.48, 0.86),
            (-0.80, 0.88),
            (-0.90, 0.84),
            (-0.88, 0.78),
            (-0.60, 0.73),
        ],
        INK,
    );
    side.tube(canvas, (-0.84, 0.82), (-1.00, 0.92), 0.014, STEEL);
    side.tube(canvas, (-1.00, 0.92), (-0.92, 0.95), 0.014, STEEL);
    side.polygon(canvas, &[(-0.98, 0.74), (-0.92, 0.80), (-0.90, 0.72), (-0.95, 0.68)], Rgb(190, 36, 32));
    // Rear mudguard with its plate.
    side.polygon(canvas, &[(-0.78, 0.58), (-0.88, 0.62), (-0.98, 0.36), (-0.93, 0.34)], INK);
    side.polygon(canvas, &[(-0.93, 0.56), (-0.96, 0.57), (-1.00, 0.42), (-0.97, 0.41)], Rgb(214, 214, 210));
    // Cowl with headlight and instrument, grip with lever, mirror on its stalk.
    side.polygon(
        canvas,
        &[(0.22, 0.98), (0.26, 1.06), (0.40, 1.07), (0.48, 0.98), (0.44, 0.90), (0.30, 0.92)],
        paint,
    );
    side.polygon(canvas, &[(0.44, 0.91), (0.50, 0.98), (0.45, 1.04), (0.40, 0.98)], Rgb(240, 240, 230));
    side.polygon(canvas, &[(0.24, 1.03), (0.28, 1.10), (0.38, 1.09), (0.36, 1.05)], INK);
    side.tube(canvas, (0.32, 1.00), (0.10, 1.05), 0.032, INK);
    side.tube(canvas, (0.28, 0.97), (0.17, 0.96), 0.008, STEEL);
    side.tube(canvas, (0.28, 1.02), (0.24, 1.22), 0.009, INK);
    side.round(canvas, (0.23, 1.27), (0.095, 0.07), Rgb(44, 46, 50));
    side.round(canvas, (0.22, 1.27), (0.07, 0.05), Rgb(150, 162, 170));
}
