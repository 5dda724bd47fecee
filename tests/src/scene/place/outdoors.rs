//! Gate, lane, square, car park.

use protocol::Chance;

use super::super::paint::{Canvas, Rgb};
use super::super::path::Spot;
use super::super::prop::Tree;
use super::super::vehicle::{self, Parked, VehicleKind};
use super::super::view::{Plane, View};
use super::parts::{facade, marking, one_of, paving, sky, some, stains, tile, wash};
use super::{Lamp, Set};

const WALLS: [Rgb; 7] = [
    Rgb(178, 164, 148),
    Rgb(164, 158, 152),
    Rgb(190, 176, 150),
    Rgb(150, 118, 98),
    Rgb(204, 200, 190),
    Rgb(168, 174, 166),
    Rgb(188, 150, 126),
];
const PAVINGS: [Rgb; 4] = [Rgb(156, 154, 148), Rgb(146, 140, 132), Rgb(166, 160, 150), Rgb(136, 138, 140)];

pub(super) fn furnish_gate(set: &mut Set, chance: &Chance) {
    set.lamps.push(Lamp { at: [5.2, 5.0, 14.0], reach_m: 9.0 });
    set.lamps.push(Lamp { at: [-7.5, 5.0, 12.0], reach_m: 8.0 });
    set.trees.push(Tree::drawn([-6.5 + some(chance, -0.6, 0.6), 14.6], 5.5, chance));
    if chance.below(2) == 0 {
        set.trees.push(Tree::drawn([11.4, 14.8], 4.6, chance));
    }
    if chance.below(3) > 0 {
        set.parked.push(any_car(chance, [6.4, 13.6], 0.0));
    }
}

fn any_car(chance: &Chance, at: [f32; 2], heading: f32) -> Parked {
    let kinds = [VehicleKind::Saloon, VehicleKind::Hatchback, VehicleKind::Saloon, VehicleKind::Van];
    Parked {
        kind: kinds[chance.below(4) as usize],
        paint: vehicle::any_paint(chance),
        at,
        heading: heading + if chance.below(2) == 0 { std::f32::consts::PI } else { 0.0 },
        lights: false,
    }
}

pub(super) fn gate(canvas: &mut Canvas<'_>, view: &View, chance: &Chance) {
    sky(canvas, chance);
    for x in [-26.0, -9.0, 8.0] {
        let plane = Plane::facing(x + some(chance, 0.0, 2.0), 26.0);
        facade(canvas, view, &plane, (0.0, some(chance, 12.0, 15.5), 4), one_of(chance, &WALLS), chance);
    }
    paving(canvas, view, [-22.0, 4.9, 44.0, 11.2], (one_of(chance, &PAVINGS), 0.88), (1.0, 1.0), chance);
    let wall = Plane::facing(-22.0, 16.0);
    let brick = one_of(chance, &[Rgb(150, 112, 92), Rgb(164, 156, 144), Rgb(128, 104, 96)]);
    wash(canvas, view, &wall, [0.0, 0.0, 44.0, 1.9], brick.times(0.84), 0.06);
    for row in 0..8 {
        let mut u = if row % 2 == 0 { 9.0 } else { 9.28 };
        while u < 35.0 {
            let shade = brick.times(some(chance, 0.88, 1.1));
            tile(canvas, view, &wall, [u, row as f32 * 0.235 + 0.02, 0.52, 0.20], shade);
            u += 0.56;
        }
    }
    tile(canvas, view, &wall, [0.0, 1.9, 44.0, 0.18], Rgb(170, 166, 158));
    let gate = Plane::facing(-1.9, 15.9);
    tile(canvas, view, &gate, [0.0, 0.0, 3.8, 2.2], Rgb(120, 124, 122));
    for bar in 0..16 {
        tile(canvas, view, &gate, [0.08 + bar as f32 * 0.235, 0.05, 0.07, 2.0], Rgb(48, 54, 58));
    }
    for v in [0.12, 1.0, 1.9] {
        tile(canvas, view, &gate, [0.0, v, 3.8, 0.08], Rgb(48, 54, 58));
    }
    for u in [-0.55, 3.8] {
        wash(canvas, view, &gate, [u, 0.0, 0.55, 2.7], Rgb(176, 168, 156), 0.12);
    }
    tile(canvas, view, &gate, [0.0, 2.2, 3.8, 0.5], one_of(chance, &[Rgb(126, 42, 38), Rgb(38, 66, 108)]));
    for letter in 0..6 {
        tile(canvas, view, &gate, [0.4 + letter as f32 * 0.52, 2.3, 0.32, 0.3], Rgb(214, 184, 110));
    }
    marking(canvas, view, [-2.2, 8.0, 4.4, 5.2], Rgb(206, 168, 52), true);
    let road = Plane::level(0.0);
    wash(canvas, view, &road, [-22.0, 2.0, 44.0, 3.9], Rgb(92, 94, 96), -0.06);
    tile(canvas, view, &road, [-22.0, 5.9, 44.0, 0.16], Rgb(190, 188, 182));
    stains(canvas, view, [-10.0, 4.4, 20.0, 1.2], Rgb(92, 94, 96), chance);
}

pub(super) fn furnish_lane(set: &mut Set, chance: &Chance) {
    set.lamps.push(Lamp { at: [3.5, 4.6, 11.0], reach_m: 8.0 });
    set.lamps.push(Lamp { at: [-3.5, 4.6, 22.0], reach_m: 9.0 });
    set.trees.push(Tree::drawn([3.6, 17.0 + some(chance, -1.0, 1.0)], 4.2, chance));
    if chance.below(2) == 0 {
        set.trees.push(Tree::drawn([-3.7, 27.0], 5.0, chance));
    }
}

pub(super) fn lane(canvas: &mut Canvas<'_>, view: &View, chance: &Chance) {
    sky(canvas, chance);
    let end = Plane::facing(-12.0, 48.0);
    facade(canvas, view, &end, (0.0, 24.0, 6), one_of(chance, &WALLS), chance);
    let asphalt = one_of(chance, &[Rgb(104, 104, 104), Rgb(122, 118, 112), Rgb(92, 96, 100)]);
    wash(canvas, view, &Plane::level(0.0), [-8.0, 2.0, 16.0, 46.0], asphalt, -0.08);
    stains(canvas, view, [-2.6, 5.0, 5.2, 24.0], asphalt, chance);
    for (x, wall) in [(-4.3, one_of(chance, &WALLS)), (4.3, one_of(chance, &WALLS))] {
        // From far to near, so that nearer parts hide farther ones.
        for block in (0..6).rev() {
            let plane = Plane::side(x, 1.5 + block as f32 * 7.8);
            facade(canvas, view, &plane, (0.0, 7.8, 6), wall.times(if x < 0.0 { 0.9 } else { 1.0 }), chance);
        }
    }
    let kerb = Plane::level(0.0);
    for x in [-4.3, 2.7] {
        tile(canvas, view, &kerb, [x, 1.5, 1.6, 46.0], Rgb(150, 148, 142));
        let edge = if x < 0.0 { x + 1.5 } else { x };
        tile(canvas, view, &kerb, [edge, 1.5, 0.12, 46.0], Rgb(196, 192, 184));
    }
    marking(canvas, view, [-2.3, 6.4, 4.6, 14.0], Rgb(212, 176, 56), true);
}

pub(super) fn furnish_square(set: &mut Set, chance: &Chance) {
    set.lamps.push(Lamp { at: [-6.0, 5.2, 17.0], reach_m: 11.0 });
    set.lamps.push(Lamp { at: [7.0, 5.2, 20.0], reach_m: 11.0 });
    for x in [-9.5, 9.8, -12.0] {
        let at = [x + some(chance, -0.8, 0.8), 21.0 + some(chance, -3.0, 4.0)];
        set.trees.push(Tree::drawn(at, some(chance, 4.5, 6.5), chance));
    }
    set.benches.push([-4.6, 17.5]);
    set.benches.push([5.2, 15.0]);
}

pub(super) fn square(canvas: &mut Canvas<'_>, view: &View, chance: &Chance) {
    sky(canvas, chance);
    for x in [-40.0, -18.0, 4.0, 22.0] {
        let plane = Plane::facing(x, 36.0 + some(chance, 0.0, 6.0));
        let floors = 3 + chance.below(4) as u32;
        facade(canvas, view, &plane, (0.0, some(chance, 15.0, 21.0), floors), one_of(chance, &WALLS), chance);
    }
    let lawn = one_of(chance, &[Rgb(96, 112, 72), Rgb(112, 118, 80)]);
    wash(canvas, view, &Plane::level(0.0), [-60.0, 24.0, 120.0, 12.5], lawn, 0.06);
    for bush in 0..22 {
        let spot = view.ground([-24.0 + bush as f32 * 2.2 + some(chance, -0.8, 0.8), 24.5]);
        let r = some(chance, 14.0, 30.0);
        canvas.ball(
            Spot { x: spot.x, y: spot.y - r * 0.5 },
            r * 1.3,
            r * 0.8,
            lawn.times(some(chance, 0.5, 0.8)),
        );
    }
    let fill = one_of(chance, &PAVINGS);
    paving(canvas, view, [-40.0, 5.0, 80.0, 19.0], (fill, 0.9), (1.2, 1.2), chance);
}

pub(super) fn furnish_car_park(set: &mut Set, chance: &Chance) {
    set.lamps.push(Lamp { at: [-8.0, 5.5, 20.0], reach_m: 12.0 });
    set.lamps.push(Lamp { at: [8.0, 5.5, 20.0], reach_m: 12.0 });
    set.trees.push(Tree::drawn([-11.0, 23.5], 5.5, chance));
    set.trees.push(Tree::drawn([10.5, 23.5], 5.0, chance));
    // Bays 2.6 m wide; the middle ones stay free for the script.
    for bay in [-4, -3, -2, 2, 3, 4] {
        if chance.below(3) > 0 {
            set.parked.push(any_car(chance, [bay as f32 * 2.6, 17.4], std::f32::consts::FRAC_PI_2));
        }
    }
}

pub(super) fn car_park(canvas: &mut Canvas<'_>, view: &View, chance: &Chance) {
    sky(canvas, chance);
    for x in [-34.0, -12.0, 10.0] {
        let plane = Plane::facing(x, 34.0);
        facade(canvas, view, &plane, (0.0, some(chance, 17.0, 21.0), 5), one_of(chance, &WALLS), chance);
    }
    let lawn = one_of(chance, &[Rgb(92, 108, 70), Rgb(110, 114, 82)]);
    wash(canvas, view, &Plane::level(0.0), [-60.0, 21.0, 120.0, 13.2], lawn, 0.05);
    let asphalt = one_of(chance, &[Rgb(108, 108, 108), Rgb(124, 120, 114), Rgb(96, 100, 104)]);
    wash(canvas, view, &Plane::level(0.0), [-40.0, 3.0, 80.0, 18.0], asphalt, -0.06);
    stains(canvas, view, [-10.0, 7.0, 20.0, 12.0], asphalt, chance);
    let ground = Plane::level(0.0);
    for line in -6..=6 {
        tile(canvas, view, &ground, [line as f32 * 2.6 - 1.36, 14.8, 0.12, 5.2], Rgb(214, 212, 204));
    }
    tile(canvas, view, &ground, [-17.0, 20.0, 34.0, 0.12], Rgb(214, 212, 204));
    tile(canvas, view, &Plane::facing(-40.0, 21.0), [0.0, 0.0, 80.0, 0.16], Rgb(170, 168, 160));
    for arrow in [-5.0, 3.0] {
        let corners = [
            [arrow, 10.6],
            [arrow + 1.6, 10.6],
            [arrow + 1.6, 10.3],
            [arrow + 2.4, 10.8],
            [arrow + 1.6, 11.3],
            [arrow + 1.6, 11.0],
            [arrow, 11.0],
        ]
        .map(|p| view.ground(p))
        .map(|s| (s.x, s.y));
        canvas.polygon(&corners, Rgb(208, 206, 198), 0.8);
    }
}
