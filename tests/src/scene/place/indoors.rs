//! Lift and corridor.

use protocol::Chance;

use super::super::paint::{Canvas, Rgb};
use super::super::path::Spot;
use super::super::view::{Plane, View};
use super::parts::{one_of, some, tile, wash};
use super::{LIFT_DOOR_M, Lamp, Set};

const NEAR: f32 = 0.5;
const CABIN: f32 = 1.15;

pub(super) fn lift(canvas: &mut Canvas<'_>, view: &View, chance: &Chance) {
    let steel = one_of(chance, &[Rgb(150, 152, 154), Rgb(160, 148, 126), Rgb(132, 138, 146)]);
    ceiling(canvas, Rgb(196, 198, 198));
    // Beyond the door: the landing, its far wall with a door, its floor.
    wash(canvas, view, &Plane::facing(-3.0, 5.5), [0.0, 0.0, 6.0, 2.6], Rgb(196, 192, 182), 0.05);
    wash(canvas, view, &Plane::level(0.0), [-3.0, LIFT_DOOR_M, 6.0, 2.75], Rgb(140, 134, 124), 0.04);
    tile(
        canvas,
        view,
        &Plane::facing(-0.2, 5.45),
        [0.0, 0.0, 0.9, 2.05],
        one_of(chance, &[Rgb(108, 66, 48), Rgb(84, 92, 96)]),
    );
    tile(canvas, view, &Plane::facing(-0.9, 5.45), [0.0, 1.2, 0.4, 0.55], Rgb(214, 206, 180));
    let depth = LIFT_DOOR_M - NEAR;
    let floor = one_of(chance, &[Rgb(96, 90, 84), Rgb(74, 78, 84), Rgb(120, 108, 92)]);
    wash(canvas, view, &Plane::level(0.0), [-CABIN, NEAR, 2.0 * CABIN, depth], floor, 0.10);
    for line in 0..8 {
        let z = NEAR + line as f32 * 0.3;
        tile(canvas, view, &Plane::level(0.0), [-CABIN, z, 2.0 * CABIN, 0.012], floor.times(0.8));
    }
    for (x, light) in [(-CABIN, 0.92), (CABIN, 1.04)] {
        let wall = Plane::side(x, NEAR);
        wash(canvas, view, &wall, [0.0, 0.0, depth, 2.6], steel.times(light), 0.12);
        for panel in 0..4 {
            tile(canvas, view, &wall, [panel as f32 * 0.62, 0.0, 0.02, 2.6], steel.times(0.7));
        }
        tile(canvas, view, &wall, [0.0, 0.88, depth, 0.06], Rgb(206, 206, 204));
        if x > 0.0 {
            tile(canvas, view, &wall, [1.75, 0.95, 0.28, 0.75], Rgb(60, 62, 66));
            for button in 0..5 {
                tile(
                    canvas,
                    view,
                    &wall,
                    [1.84, 1.02 + button as f32 * 0.13, 0.08, 0.07],
                    Rgb(226, 214, 160),
                );
            }
        } else {
            let poster = one_of(chance, &[Rgb(186, 90, 66), Rgb(70, 120, 160), Rgb(210, 190, 120)]);
            tile(canvas, view, &wall, [0.9, 1.05, 0.55, 0.75], poster);
            tile(canvas, view, &wall, [0.96, 1.4, 0.43, 0.3], poster.times(1.3));
        }
    }
}

/// Whatever is not wall or floor.
fn ceiling(canvas: &mut Canvas<'_>, fill: Rgb) {
    canvas.rect(-900.0, -700.0, 3080.0, 2120.0, fill);
}

/// The wall around the door, and its two leaves.
pub(super) fn lift_door(canvas: &mut Canvas<'_>, view: &View, open: f32) {
    let steel = Rgb(158, 160, 162);
    let wall = Plane::facing(0.0, LIFT_DOOR_M);
    let half = 0.55;
    for rect in
        [[-CABIN, 0.0, CABIN - half, 2.4], [half, 0.0, CABIN - half, 2.4], [-half, 2.1, 2.0 * half, 0.6]]
    {
        wash(canvas, view, &wall, rect, steel.times(0.86), 0.08);
    }
    let leaf = half * (1.0 - open);
    if leaf > 0.01 {
        wash(canvas, view, &wall, [-half, 0.0, leaf, 2.1], steel, 0.10);
        wash(canvas, view, &wall, [half - leaf, 0.0, leaf, 2.1], steel.times(1.03), 0.10);
        tile(canvas, view, &wall, [half - leaf, 0.0, 0.012, 2.1], steel.times(0.5));
    }
    tile(canvas, view, &wall, [-0.2, 2.2, 0.4, 0.14], Rgb(40, 12, 12));
    tile(canvas, view, &wall, [-0.05, 2.22, 0.1, 0.10], Rgb(230, 90, 60));
}

pub(super) fn furnish_corridor(set: &mut Set) {
    for z in [4.5, 9.0, 14.0] {
        set.lamps.push(Lamp { at: [0.0, 2.7, z], reach_m: 5.0 });
    }
}

pub(super) fn corridor(canvas: &mut Canvas<'_>, view: &View, chance: &Chance) {
    let half = 1.9;
    let (far, depth) = (20.0, 18.5);
    let paint = one_of(chance, &[Rgb(206, 202, 190), Rgb(190, 200, 196), Rgb(210, 196, 172)]);
    let floor = one_of(chance, &[Rgb(150, 142, 130), Rgb(120, 126, 130), Rgb(168, 160, 146)]);
    ceiling(canvas, Rgb(222, 222, 216));
    wash(canvas, view, &Plane::facing(-half, far), [0.0, 0.0, 2.0 * half, 2.8], paint.times(0.9), 0.04);
    tile(canvas, view, &Plane::facing(-0.6, far - 0.05), [0.0, 0.9, 1.2, 1.3], Rgb(200, 216, 226));
    wash(canvas, view, &Plane::level(2.8), [-half, 1.5, 2.0 * half, depth], Rgb(222, 222, 216), -0.04);
    for z in [4.5, 9.0, 14.0] {
        tile(canvas, view, &Plane::level(2.79), [-0.5, z - 0.6, 1.0, 1.2], Rgb(250, 250, 246));
    }
    wash(canvas, view, &Plane::level(0.0), [-half, 1.5, 2.0 * half, depth], floor, -0.05);
    for line in 0..30 {
        tile(
            canvas,
            view,
            &Plane::level(0.0),
            [-half, 1.5 + line as f32 * 0.6, 2.0 * half, 0.015],
            floor.times(0.88),
        );
    }
    for column in -3..=3 {
        tile(canvas, view, &Plane::level(0.0), [column as f32 * 0.6, 1.5, 0.015, depth], floor.times(0.9));
    }
    for z in [4.5, 9.0, 14.0] {
        let shine = view.ground([0.0, z]);
        canvas.puff(
            Spot { x: shine.x, y: shine.y },
            (view.scale(z) * 0.7, view.scale(z) * 0.28),
            Rgb(250, 250, 246),
            0.25,
        );
    }
    for x in [-half, half] {
        let wall = Plane::side(x, 1.5);
        wash(
            canvas,
            view,
            &wall,
            [0.0, 0.0, depth, 2.8],
            paint.times(if x < 0.0 { 0.94 } else { 1.0 }),
            0.05,
        );
        tile(canvas, view, &wall, [0.0, 0.0, depth, 0.12], paint.times(0.6));
        tile(canvas, view, &wall, [0.0, 0.85, depth, 0.05], paint.times(0.75));
        let mut u = some(chance, 1.2, 2.2);
        while u < depth - 1.2 {
            let door = one_of(chance, &[Rgb(112, 72, 50), Rgb(96, 104, 110), Rgb(138, 98, 64)]);
            tile(canvas, view, &wall, [u - 0.08, 0.0, 1.06, 2.16], door.times(0.6));
            wash(canvas, view, &wall, [u, 0.0, 0.9, 2.08], door, 0.05);
            tile(canvas, view, &wall, [u + 0.08, 1.0, 0.1, 0.05], Rgb(206, 200, 180));
            u += some(chance, 2.6, 3.6);
        }
    }
    tile(canvas, view, &Plane::side(half, 1.5), [3.4, 0.3, 0.5, 0.7], Rgb(176, 34, 30));
}
