//! Cars, vans, trucks and buses: bodies extruded from their outline seen from the side, with windows, lamps and
//! wheels, at any heading.

use protocol::Chance;
use serde::{Deserialize, Serialize};

use super::figure::Extent;
use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::view::{Point, View};

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

/// A body: its outline from the side (forward, up, half width), clockwise from the lower front, and what the edge
/// that begins at each point is made of.
struct Shell {
    outline: Vec<(f32, f32, f32)>,
    skin: Vec<Skin>,
    /// Forward from, to, up from, to: on both sides.
    windows: Vec<[f32; 4]>,
}

#[derive(Clone, Copy, PartialEq)]
enum Skin {
    Paint,
    Glass,
    Dark,
}

/// Everything of one kind.
struct Form {
    length: f32,
    half: f32,
    height: f32,
    shells: Vec<(Shell, f32)>,
    wheels: Vec<f32>,
    wheel_radius: f32,
}

impl Form {
    /// How far ahead of its origin the middle of its length is.
    fn middle(&self) -> f32 {
        let outlines = self.shells.iter().flat_map(|s| &s.0.outline);
        let (low, high) = outlines.fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.0), h.max(p.0)));
        f32::midpoint(low, high)
    }
}

fn form(kind: VehicleKind) -> Form {
    use Skin::{Dark, Glass, Paint};
    let shell = |outline: &[(f32, f32, f32)], skin: &[Skin], windows: &[[f32; 4]], tone: f32| {
        (Shell { outline: outline.to_vec(), skin: skin.to_vec(), windows: windows.to_vec() }, tone)
    };
    match kind {
        VehicleKind::Saloon | VehicleKind::Hatchback => {
            let hatch = kind == VehicleKind::Hatchback;
            let rear = if hatch { -1.95 } else { -2.25 };
            let (belt_rear, roof_rear) = if hatch { (-1.9, -1.45) } else { (-1.62, -0.95) };
            let lower = shell(
                &[
                    (2.15, 0.22, 0.84),
                    (2.22, 0.55, 0.86),
                    (2.00, 0.76, 0.86),
                    (0.95, 0.93, 0.88),
                    (belt_rear, 0.98, 0.88),
                    (rear, 0.92, 0.85),
                    (rear - 0.03, 0.5, 0.85),
                    (rear + 0.05, 0.22, 0.82),
                ],
                &[Paint, Paint, Paint, Dark, Paint, Paint, Dark, Dark],
                &[],
                1.0,
            );
            let upper = shell(
                &[
                    (0.98, 0.92, 0.84),
                    (0.22, 1.43, 0.66),
                    (roof_rear, 1.46, 0.66),
                    (belt_rear + 0.02, 0.97, 0.84),
                ],
                &[Glass, Paint, Glass, Dark],
                &[[0.62, -0.30, 1.0, 1.36], [-0.38, roof_rear - 0.22, 1.0, 1.36]],
                0.97,
            );
            Form {
                length: 2.22 - rear,
                half: 0.88,
                height: 1.46,
                shells: vec![lower, upper],
                wheels: vec![1.36, rear + 0.83],
                wheel_radius: 0.33,
            }
        }
        VehicleKind::Van => {
            let lower = shell(
                &[
                    (2.35, 0.25, 0.92),
                    (2.42, 0.75, 0.95),
                    (2.15, 1.02, 0.95),
                    (1.62, 1.14, 0.95),
                    (-2.35, 1.14, 0.95),
                    (-2.40, 0.5, 0.95),
                    (-2.35, 0.25, 0.92),
                ],
                &[Paint, Paint, Paint, Dark, Paint, Dark, Dark],
                &[],
                1.0,
            );
            let upper = shell(
                &[(1.66, 1.13, 0.93), (0.98, 1.93, 0.80), (-2.25, 1.98, 0.80), (-2.36, 1.13, 0.93)],
                &[Glass, Paint, Glass, Dark],
                &[[1.25, 0.55, 1.2, 1.8], [0.45, -0.75, 1.2, 1.8], [-0.85, -2.15, 1.2, 1.8]],
                1.0,
            );
            Form {
                length: 4.8,
                half: 0.95,
                height: 1.98,
                shells: vec![lower, upper],
                wheels: vec![1.45, -1.45],
                wheel_radius: 0.35,
            }
        }
        VehicleKind::Truck => {
            let bed = shell(
                &[(1.2, 0.55, 1.05), (1.2, 0.9, 1.05), (-3.1, 0.9, 1.05), (-3.1, 0.55, 1.05)],
                &[Dark, Dark, Dark, Dark],
                &[],
                0.4,
            );
            let load = shell(
                &[(1.15, 0.9, 1.08), (1.15, 2.75, 1.08), (-3.1, 2.75, 1.08), (-3.1, 0.9, 1.08)],
                &[Paint, Paint, Paint, Dark],
                &[],
                1.12,
            );
            let cab = shell(
                &[
                    (3.05, 0.35, 1.0),
                    (3.10, 1.15, 1.02),
                    (2.85, 2.15, 0.94),
                    (1.35, 2.2, 0.94),
                    (1.3, 0.4, 1.0),
                ],
                &[Paint, Glass, Paint, Dark, Dark],
                &[[2.75, 1.75, 1.3, 2.0]],
                0.9,
            );
            Form {
                length: 6.2,
                half: 1.08,
                height: 2.75,
                shells: vec![bed, load, cab],
                wheels: vec![2.2, -1.5, -2.3],
                wheel_radius: 0.44,
            }
        }
        VehicleKind::Bus => {
            let lower = shell(
                &[(4.5, 0.35, 1.22), (4.55, 1.15, 1.25), (-4.5, 1.15, 1.25), (-4.5, 0.35, 1.22)],
                &[Paint, Dark, Paint, Dark],
                &[],
                1.0,
            );
            let windows: Vec<[f32; 4]> =
                (0..6).map(|i| 3.9 - i as f32 * 1.38).map(|x| [x, x - 1.26, 1.25, 2.35]).collect();
            let upper = shell(
                &[(4.54, 1.14, 1.25), (4.35, 2.75, 1.18), (-4.45, 2.85, 1.18), (-4.5, 1.14, 1.25)],
                &[Glass, Paint, Glass, Dark],
                &windows,
                1.05,
            );
            Form {
                length: 9.0,
                half: 1.25,
                height: 2.85,
                shells: vec![lower, upper],
                wheels: vec![3.0, -2.6],
                wheel_radius: 0.48,
            }
        }
    }
}

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

    fn draw_under(&self, canvas: &mut Canvas<'_>, view: &View, form: &Form) {
        // The tyres under front and rear, and between them the dark below the body.
        let mut ground = Vec::new();
        let middle = form.middle();
        for (ahead, left) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
            let p = self.world([middle + ahead * form.length * 0.47, 0.0, left * form.half]);
            let low = view.at([p[0], 0.02, p[2]]);
            let high = view.at([p[0], 0.34, p[2]]);
            ground.extend([(low.x, low.y), (high.x, high.y)]);
        }
        canvas.polygon(&hull(ground), Rgb(22, 22, 25), 0.9);
        let end = middle + if self.comes_closer() { 0.44 } else { -0.44 } * form.length;
        for side in [-1.0, 1.0] {
            let tyre = [(0.98, 0.0), (0.98, 0.5), (0.72, 0.5), (0.72, 0.0)]
                .map(|(across, up)| view.at(self.world([end, up, side * across * form.half])))
                .map(|s| (s.x, s.y));
            canvas.polygon(&tyre, Rgb(12, 12, 13), 1.0);
        }
    }

    fn draw_shell(&self, canvas: &mut Canvas<'_>, view: &View, shell: &Shell, paint: Rgb) {
        let count = shell.outline.len();
        let glass = Rgb(46, 54, 62);
        for i in 0..count {
            let (a, b) = (shell.outline[i], shell.outline[(i + 1) % count]);
            let corners = [(a, -1.0), (b, -1.0), (b, 1.0), (a, 1.0)]
                .map(|((x, y, half), side): ((f32, f32, f32), f32)| self.world([x, y, half * side]));
            let Some(face) = visible(view, &corners) else { continue };
            let (rise, run) = (b.1 - a.1, b.0 - a.0);
            let level = run.abs() / (rise * rise + run * run).sqrt().max(0.01);
            let (fill, light) = match shell.skin[i] {
                Skin::Paint => (paint, 0.78 + 0.34 * level),
                Skin::Glass => (glass, 1.0),
                Skin::Dark => (Rgb(38, 40, 44), 1.0),
            };
            let (top, low) = ends(&face);
            if shell.skin[i] == Skin::Glass {
                // Pillars and roof edge in the body's paint around the pane, and what the pane reflects.
                canvas.shaded(&face, (top, paint.times(1.05)), (low, paint.times(0.8)));
                let [a, b, c, d] = [face[0], face[1], face[2], face[3]];
                let inset = |p, q, share: f32| lerp(p, q, share);
                let (ab, dc) =
                    ((inset(a, b, 0.04), inset(a, b, 0.94)), (inset(d, c, 0.04), inset(d, c, 0.94)));
                let pane = [
                    inset(ab.0, dc.0, 0.05),
                    inset(ab.1, dc.1, 0.07),
                    inset(ab.1, dc.1, 0.93),
                    inset(ab.0, dc.0, 0.95),
                ];
                canvas.shaded(&pane, (top, Rgb(116, 130, 142)), (low, glass.times(0.8)));
                let shine = [pane[1], lerp(pane[1], pane[2], 0.55), lerp(pane[0], pane[3], 0.25), pane[0]];
                canvas.polygon(&shine, Rgb(190, 204, 214), 0.22);
                continue;
            }
            canvas.shaded(&face, (top, fill.times(light * 1.12)), (low, fill.times(light * 0.82)));
        }
        for side in [-1.0, 1.0] {
            let corners: Vec<Point> =
                shell.outline.iter().map(|&(x, y, half)| self.world([x, y, half * side])).collect();
            let turned: Vec<Point> = if side > 0.0 { corners } else { corners.into_iter().rev().collect() };
            let Some(face) = visible(view, &turned) else { continue };
            let (top, low) = ends(&face);
            canvas.shaded(&face, (top, paint.times(1.04)), (low, paint.times(0.58)));
            self.draw_windows(canvas, view, shell, side);
        }
    }

    fn draw_windows(&self, canvas: &mut Canvas<'_>, view: &View, shell: &Shell, side: f32) {
        let (low_y, high_y) =
            shell.outline.iter().fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.1), h.max(p.1)));
        let half_at = |up: f32| {
            let share = ((up - low_y) / (high_y - low_y).max(0.01)).clamp(0.0, 1.0);
            let (low, high) = (shell.outline[0].2, shell.outline[1].2);
            low + (high - low) * share
        };
        // A pane stays within the shell, whose front and rear lean.
        let front = |up: f32| {
            let (a, b) = (shell.outline[0], shell.outline[1]);
            a.0 + (b.0 - a.0) * (up - a.1) / (b.1 - a.1).max(0.01) - 0.10
        };
        for &[from, to, low, high] in &shell.windows {
            let corners =
                [(from.max(to), low), (from.max(to), high), (from.min(to), high), (from.min(to), low)].map(
                    |(x, up)| {
                        let x = x.min(front(up).max(from.min(to)));
                        let p = view.at(self.world([x, up, half_at(up) * side * 1.003]));
                        (p.x, p.y)
                    },
                );
            let (top, bottom) = ends(&corners);
            canvas.shaded(&corners, (top, Rgb(92, 106, 118)), (bottom, Rgb(34, 40, 46)));
        }
    }

    fn draw_wheels(&self, canvas: &mut Canvas<'_>, view: &View, form: &Form) {
        let r = form.wheel_radius;
        for side in [-1.0, 1.0] {
            for &x in &form.wheels {
                let ring = |radius: f32, inward: f32| -> Vec<Point> {
                    let turn = (0..14).map(|i| i as f32 / 14.0 * std::f32::consts::TAU * side);
                    turn.map(|a| {
                        self.world([
                            x + a.cos() * radius,
                            r + a.sin() * radius,
                            (form.half + 0.01 - inward) * side,
                        ])
                    })
                    .collect()
                };
                let Some(tyre) = visible(view, &ring(r, 0.0)) else { continue };
                let arch: Vec<(f32, f32)> =
                    ring(r * 1.16, 0.0).iter().map(|p| view.at(*p)).map(|s| (s.x, s.y)).collect();
                canvas.polygon(&arch, Rgb(18, 18, 20), 0.9);
                canvas.polygon(&tyre, Rgb(30, 31, 34), 1.0);
                for (radius, tone) in [(0.64, 150), (0.2, 60)] {
                    let disc: Vec<(f32, f32)> =
                        ring(r * radius, 0.0).iter().map(|p| view.at(*p)).map(|s| (s.x, s.y)).collect();
                    canvas.polygon(&disc, Rgb(tone, tone + 2, tone + 4), 1.0);
                }
            }
        }
    }

    fn draw_lamps(&self, canvas: &mut Canvas<'_>, view: &View, form: &Form) {
        let (middle, half) = (form.middle(), form.half);
        let big = matches!(self.kind, VehicleKind::Truck | VehicleKind::Bus);
        for (end, lamp) in [(1.0, Rgb(238, 236, 216)), (-1.0, Rgb(168, 34, 30))] {
            let x = middle + end * (form.length / 2.0 + 0.01);
            let quad = |left: f32, width: f32, up: f32, height: f32| {
                let corners =
                    [(left, up), (left, up + height), (left + width, up + height), (left + width, up)]
                        .map(|(l, u)| self.world([x, u, l * end]));
                visible(view, &corners)
            };
            let up = if big { 0.75 } else { 0.58 };
            let mut plate = |left: f32, width: f32, low: f32, height: f32, fill: Rgb| {
                if let Some(face) = quad(left * half, width * half, low, height) {
                    canvas.polygon(&face, fill, 1.0);
                }
            };
            // Bumper with its intake, grille or boot lid, plate (without any writing), lamps.
            plate(-0.98, 1.96, 0.24, 0.18, self.paint.times(0.72));
            plate(-0.62, 1.24, 0.24, 0.10, Rgb(22, 22, 24));
            if end > 0.0 {
                plate(-0.48, 0.96, up - 0.02, 0.16, Rgb(26, 27, 30));
                plate(-0.44, 0.88, up + 0.05, 0.02, Rgb(150, 152, 154));
            } else {
                plate(-0.90, 1.80, up + 0.02, 0.03, self.paint.times(0.55));
            }
            plate(-0.26, 0.52, 0.40, 0.13, Rgb(206, 208, 212));
            for left in [-0.96, 0.54] {
                plate(left, 0.42, up - 0.02, 0.19, Rgb(40, 40, 44));
                plate(left + 0.03, 0.35, up, 0.15, lamp);
            }
        }
        // Mirrors.
        if !big {
            for side in [-1.0, 1.0] {
                let root = self.world([0.72, 1.0, side * (half + 0.10)]);
                let spot = view.at(root);
                let size = view.scale(root[2]);
                canvas.ball(spot, 0.11 * size, 0.075 * size, self.paint.times(0.8));
            }
        }
    }
}

pub(super) fn any_paint(chance: &Chance) -> Rgb {
    PAINTS[chance.below(PAINTS.len() as u64) as usize].times(0.9 + chance.below(20) as f32 / 100.0)
}

/// The corners in the picture, if the face is turned to the camera: its corners run clockwise on the screen then.
fn visible(view: &View, corners: &[Point]) -> Option<Vec<(f32, f32)>> {
    let flat: Vec<(f32, f32)> = corners.iter().map(|p| view.at(*p)).map(|s| (s.x, s.y)).collect();
    let turn: f32 = (0..flat.len())
        .map(|i| (flat[i], flat[(i + 1) % flat.len()]))
        .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
        .sum();
    (turn > 0.0).then_some(flat)
}

fn ends(face: &[(f32, f32)]) -> (Spot, Spot) {
    let top = face.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
    let low = face.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
    (Spot { x: top.0, y: top.1 }, Spot { x: top.0, y: low.1.max(top.1 + 0.5) })
}

fn lerp(a: (f32, f32), b: (f32, f32), share: f32) -> (f32, f32) {
    (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share)
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
