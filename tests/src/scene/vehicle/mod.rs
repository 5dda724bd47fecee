//! Cars, vans, trucks and buses: bodies extruded from their outline seen from the side, with windows, lamps and
//! wheels, at any heading.

mod draw;
mod form;

use protocol::Chance;
use serde::{Deserialize, Serialize};

use super::figure::Extent;
use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::view::{Point, View};
use form::form;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VehicleKind {
    Saloon,
    Hatchback,
    Van,
    Truck,
    Bus,
}

pub(super) const PAINTS: [Rgb; 9] = [
    Rgb(214, 216, 218),
    Rgb(180, 184, 190),
    Rgb(34, 36, 40),
    Rgb(96, 100, 106),
    Rgb(150, 36, 34),
    Rgb(40, 66, 120),
    Rgb(232, 232, 228),
    Rgb(72, 92, 80),
    Rgb(196, 160, 70),
];

/// One vehicle at one moment. `heading`: radians, 0 to the right, π/2 away from the camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parked {
    pub(super) kind: VehicleKind,
    pub(super) paint: Rgb,
    pub(super) at: [f32; 2],
    pub(super) heading: f32,
    pub(super) lights: bool,
}

impl Parked {
    fn world(&self, [ahead, up, left]: Point) -> Point {
        let (sin, cos) = self.heading.sin_cos();
        [self.at[0] + ahead * cos - left * sin, up, self.at[1] + ahead * sin + left * cos]
    }

    fn half_length(&self) -> f32 {
        form(self.kind).length / 2.0
    }

    /// The corners of the box about it.
    fn corners(&self) -> Vec<Point> {
        let form = form(self.kind);
        let centre = form.middle();
        let mut out = Vec::new();
        for ahead in [-form.length / 2.0, form.length / 2.0] {
            for left in [-form.half, form.half] {
                for up in [0.0, form.height] {
                    out.push(self.world([ahead + centre, up, left]));
                }
            }
        }
        out
    }

    pub(super) fn extent(&self, view: &View) -> Extent {
        let spots: Vec<Spot> = self.outline_points().into_iter().map(|p| view.at(p)).collect();
        let fold = |get: fn(&Spot) -> f32, pick: fn(f32, f32) -> f32, from: f32| {
            spots.iter().map(get).fold(from, pick)
        };
        let (left, right) = (fold(|s| s.x, f32::min, f32::MAX), fold(|s| s.x, f32::max, f32::MIN));
        let (top, low) = (fold(|s| s.y, f32::min, f32::MAX), fold(|s| s.y, f32::max, f32::MIN));
        (left, top, right - left, low - top)
    }

    fn outline_points(&self) -> Vec<Point> {
        let form = form(self.kind);
        let mut out = Vec::new();
        for left in [-1.0, 1.0] {
            for (shell, _) in &form.shells {
                out.extend(shell.outline.iter().map(|&(x, y, half)| self.world([x, y, half * left])));
            }
            out.extend(form.wheels.iter().map(|&x| self.world([x, 0.0, form.half * left])));
        }
        out
    }

    /// Its shadow on the ground under this sun (metres of shadow per metre of height, right and away).
    pub(super) fn shadow(&self, view: &View, sun: Option<[f32; 2]>) -> Vec<(f32, f32)> {
        let [right, away] = sun.unwrap_or([0.0, 0.0]);
        let points = self.corners().into_iter().map(|[x, y, z]| {
            let y = if sun.is_some() { y * 0.8 } else { 0.0 };
            let spot = view.ground([x + y * right, z + y * away]);
            (spot.x, spot.y)
        });
        hull(points.collect())
    }

    /// Where its two headlights are, and the middle of the ground they light.
    pub(super) fn headlights(&self, view: &View) -> ([Spot; 2], [f32; 2]) {
        let front = self.half_length() + form(self.kind).middle();
        let lamps = [-0.62, 0.62].map(|left| view.at(self.world([front, 0.65, left])));
        let pool = self.world([front + 5.0, 0.0, 0.0]);
        (lamps, [pool[0], pool[2]])
    }

    /// Whether its front looks at the camera.
    pub(super) fn comes_closer(&self) -> bool {
        self.heading.sin() * self.at[1] + self.heading.cos() * self.at[0] < 0.0
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, view: &View) -> Extent {
        let form = form(self.kind);
        let dark = Rgb(24, 25, 28);
        self.draw_under(canvas, view, &form);
        for (number, (shell, tone)) in form.shells.iter().enumerate() {
            let paint = if *tone < 0.5 { dark } else { self.paint.times(*tone) };
            self.draw_shell(canvas, view, shell, paint);
            if number == 0 {
                self.draw_wheels(canvas, view, &form);
            }
        }
        self.draw_lamps(canvas, view, &form);
        self.extent(view)
    }
}

pub(super) fn any_paint(chance: &Chance) -> Rgb {
    PAINTS[chance.below(PAINTS.len() as u64) as usize].times(0.9 + chance.below(20) as f32 / 100.0)
}

/// The convex outline of points (Andrew's monotone chain).
pub(super) fn hull(mut points: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let cross =
        |o: (f32, f32), a: (f32, f32), b: (f32, f32)| (a.0 - o.0) * (b.1 - o.1) - (a.1 - o.1) * (b.0 - o.0);
    let mut out: Vec<(f32, f32)> = Vec::new();
    for pass in 0..2 {
        let start = out.len();
        let ordered: Box<dyn Iterator<Item = &(f32, f32)>> =
            if pass == 0 { Box::new(points.iter()) } else { Box::new(points.iter().rev()) };
        for &p in ordered {
            while out.len() >= start + 2 && cross(out[out.len() - 2], out[out.len() - 1], p) <= 0.0 {
                out.pop();
            }
            out.push(p);
        }
        out.pop();
    }
    out
}
