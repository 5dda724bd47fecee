//! A vehicle's parts as the camera sees them: body, windows, wheels, lamps.

use super::form::{Form, Shell, Skin};
use super::{Parked, VehicleKind, hull};
use crate::scene::paint::{Canvas, Rgb};
use crate::scene::path::Spot;
use crate::scene::view::{Point, View};

impl Parked {
    pub(super) fn draw_under(&self, canvas: &mut Canvas<'_>, view: &View, form: &Form) {
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

    pub(super) fn draw_shell(&self, canvas: &mut Canvas<'_>, view: &View, shell: &Shell, paint: Rgb) {
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

    pub(super) fn draw_wheels(&self, canvas: &mut Canvas<'_>, view: &View, form: &Form) {
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

    pub(super) fn draw_lamps(&self, canvas: &mut Canvas<'_>, view: &View, form: &Form) {
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
