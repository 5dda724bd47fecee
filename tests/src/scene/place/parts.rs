//! Parts that places are built from.

use protocol::Chance;

use super::super::paint::{Canvas, Rgb};
use super::super::path::Spot;
use super::super::view::{Plane, Point, View};

/// A number in `low..high`.
pub(super) fn some(chance: &Chance, low: f32, high: f32) -> f32 {
    low + (high - low) * chance.below(1000) as f32 / 1000.0
}

pub(super) fn one_of(chance: &Chance, colours: &[Rgb]) -> Rgb {
    let colour = colours[chance.below(colours.len() as u64) as usize];
    colour.times(some(chance, 0.92, 1.08))
}

pub(super) fn tile(canvas: &mut Canvas<'_>, view: &View, plane: &Plane, rect: [f32; 4], fill: Rgb) {
    canvas.polygon(&plane.rect(view, rect), fill, 1.0);
}

/// A rectangle darker towards its lower (nearer) edge by `fall`.
pub(super) fn wash(
    canvas: &mut Canvas<'_>,
    view: &View,
    plane: &Plane,
    rect: [f32; 4],
    fill: Rgb,
    fall: f32,
) {
    let corners = plane.rect(view, rect);
    let top = corners.iter().map(|c| c.1).fold(f32::MAX, f32::min);
    let low = corners.iter().map(|c| c.1).fold(f32::MIN, f32::max);
    let x = corners[0].0;
    canvas.shaded(
        &corners,
        (Spot { x, y: top }, fill.times(1.0 + fall)),
        (Spot { x, y: low.max(top + 1.0) }, fill.times(1.0 - fall)),
    );
}

pub(super) fn sky(canvas: &mut Canvas<'_>, chance: &Chance) {
    let blue = some(chance, 0.0, 1.0);
    let high = Rgb(172, 186, 200).towards(Rgb(116, 160, 210), blue);
    let low = Rgb(206, 210, 214);
    let corners = [(-600.0, -400.0), (1880.0, -400.0), (1880.0, 420.0), (-600.0, 420.0)];
    canvas.shaded(&corners, (Spot { x: 0.0, y: 0.0 }, high), (Spot { x: 0.0, y: 300.0 }, low));
}

/// A house front: floors of windows on `plane`, from `u` on, `width` wide, `floors` high.
pub(super) fn facade(
    canvas: &mut Canvas<'_>,
    view: &View,
    plane: &Plane,
    (u, width, floors): (f32, f32, u32),
    wall: Rgb,
    chance: &Chance,
) {
    let height = floors as f32 * 3.0;
    wash(canvas, view, plane, [u, 0.0, width, height], wall, 0.08);
    let columns = (width / 2.6).floor().max(1.0);
    let step = width / columns;
    for floor in 0..floors {
        let v = floor as f32 * 3.0;
        tile(canvas, view, plane, [u, v + 2.86, width, 0.14], wall.times(0.82));
        for column in 0..columns as u32 {
            let x = u + column as f32 * step + step * 0.22;
            let w = step * 0.56;
            if floor == 0 && chance.below(4) == 0 {
                tile(
                    canvas,
                    view,
                    plane,
                    [x, 0.0, w * 0.8, 2.15],
                    one_of(chance, &[Rgb(96, 58, 44), Rgb(70, 78, 84)]),
                );
                continue;
            }
            tile(canvas, view, plane, [x - 0.08, v + 0.92, w + 0.16, 1.42], wall.times(0.72));
            let glass = Rgb(88, 102, 116).times(some(chance, 0.7, 1.25));
            wash(canvas, view, plane, [x, v + 1.0, w, 1.26], glass, 0.16);
            tile(canvas, view, plane, [x + w * 0.48, v + 1.0, w * 0.05, 1.26], wall.times(0.8));
            if chance.below(4) == 0 {
                tile(canvas, view, plane, [x + w * 0.1, v + 0.35, w * 0.6, 0.5], Rgb(190, 190, 186));
                tile(canvas, view, plane, [x + w * 0.18, v + 0.42, w * 0.3, 0.36], Rgb(120, 122, 122));
            }
            if chance.below(5) == 0 {
                let cloth = one_of(chance, &[Rgb(170, 80, 80), Rgb(90, 110, 160), Rgb(206, 198, 170)]);
                tile(canvas, view, plane, [x + w * 0.2, v + 0.5, w * 0.35, 0.55], cloth);
            }
        }
    }
}

/// Paving: a level ground with seams.
pub(super) fn paving(
    canvas: &mut Canvas<'_>,
    view: &View,
    rect: [f32; 4],
    (fill, seam): (Rgb, f32),
    (step_x, step_z): (f32, f32),
    chance: &Chance,
) {
    let plane = Plane::level(0.0);
    wash(canvas, view, &plane, rect, fill, -0.05);
    let [x, z, w, d] = rect;
    for _ in 0..140 {
        let (sx, sz) = (some(chance, x, x + w), some(chance, z, z + d));
        let slab = [(sx / step_x).floor() * step_x, (sz / step_z).floor() * step_z, step_x, step_z];
        tile(canvas, view, &plane, slab, fill.times(some(chance, 0.93, 1.05)));
    }
    let line = fill.times(seam);
    let mut u = x;
    while u <= x + w {
        tile(canvas, view, &plane, [u, z, 0.03, d], line);
        u += step_x;
    }
    let mut v = z;
    while v <= z + d {
        tile(canvas, view, &plane, [x, v, w, 0.03], line);
        v += step_z * (1.0 + (v / 24.0).floor());
    }
    stains(canvas, view, rect, fill, chance);
}

pub(super) fn stains(
    canvas: &mut Canvas<'_>,
    view: &View,
    [x, z, w, d]: [f32; 4],
    fill: Rgb,
    chance: &Chance,
) {
    for _ in 0..26 {
        let spot = view.ground([some(chance, x, x + w), some(chance, z, z + d * 0.7)]);
        let r = some(chance, 4.0, 34.0);
        canvas.ellipse(spot, r, r * 0.28, fill.times(some(chance, 0.84, 1.06)), 0.5);
    }
}

/// Marks on the ground around a rectangle, with stripes across when `hatched`.
pub(super) fn marking(
    canvas: &mut Canvas<'_>,
    view: &View,
    [x, z, w, d]: [f32; 4],
    paint: Rgb,
    hatched: bool,
) {
    let plane = Plane::level(0.0);
    for rect in [[x, z, w, 0.14], [x, z + d - 0.14, w, 0.14], [x, z, 0.12, d], [x + w - 0.12, z, 0.12, d]] {
        canvas.polygon(&plane.rect(view, rect), paint, 0.85);
    }
    if hatched {
        let count = (d / 1.4) as u32;
        for stripe in 0..count {
            let near = z + stripe as f32 * 1.4;
            let corners = [[x, near], [x + w, near + 1.0], [x + w, near + 1.18], [x, near + 0.18]]
                .map(|p| view.ground(p))
                .map(|s| (s.x, s.y));
            canvas.polygon(&corners, paint, 0.45);
        }
    }
}

pub(super) fn lamp_post(canvas: &mut Canvas<'_>, view: &View, [x, y, z]: Point) {
    let (foot, top, scale) = (view.ground([x, z]), view.at([x, y, z]), view.scale(z));
    let steel = Rgb(104, 108, 110);
    canvas.limb(foot, top, 0.07 * scale, 0.05 * scale, steel);
    let arm = if x > 0.0 { -0.9 } else { 0.9 };
    let end = Spot { x: top.x + arm * scale, y: top.y - 0.15 * scale };
    canvas.limb(top, end, 0.04 * scale, 0.035 * scale, steel);
    canvas.ellipse(end, 0.28 * scale, 0.09 * scale, Rgb(220, 218, 204), 1.0);
}
