use protocol::Chance;

use super::*;

const W: usize = 320;
const H: usize = 180;
const CAR: (usize, usize, usize, usize) = (120, 80, 90, 44);

fn place() -> NormBox {
    let (x, y, w, h) = CAR;
    let share = |v: usize, of: usize| v as f32 / of as f32;
    NormBox { x: share(x, W), y: share(y, H), w: share(w, W), h: share(h, H) }
}

/// A street as `light` shows it, with the car or without, and a dark block in front at `passer`.
fn picture(chance: &Chance, car: bool, light: f32, passer: Option<usize>) -> Picture {
    let mut y = vec![0_u8; W * H];
    for (i, pixel) in y.iter_mut().enumerate() {
        let (px, py) = (i % W, i / W);
        let mut value = 90.0 + ((px * 7 + py * 13) % 11) as f32;
        let (cx, cy, cw, ch) = CAR;
        if car && (cx..cx + cw).contains(&px) && (cy..cy + ch).contains(&py) {
            let (u, v) = ((px - cx) as f32 / cw as f32, (py - cy) as f32 / ch as f32);
            let wheel = |at: f32| (u - at).hypot((v - 0.85) * 0.5) < 0.1;
            value = match () {
                () if v < 0.35 && !(0.2..0.8).contains(&u) => value,
                () if v < 0.35 && [0.25..0.48, 0.52..0.75].iter().any(|window| window.contains(&u)) => 50.0,
                () if wheel(0.2) || wheel(0.8) => 25.0,
                () => 170.0 - 40.0 * v,
            };
        }
        if passer.is_some_and(|x| (x..x + 60).contains(&px)) && (60..150).contains(&py) {
            value = 40.0 + ((px / 6 + py / 9) % 3) as f32 * 30.0;
        }
        let noise = (chance.below(9) as f32 - 4.0) * 0.8;
        *pixel = (value * light + noise).clamp(16.0, 235.0) as u8;
    }
    let uv = vec![128; W * H / 4];
    Picture { width: W, height: H, y, u: uv.clone(), v: uv }
}

fn watch(frames: impl Iterator<Item = Picture>) -> Vec<f32> {
    let mut places = Places::default();
    let resting = [Resting { id: 1, place: place(), seen: true }];
    frames
        .enumerate()
        .flat_map(|(i, picture)| places.look(UtcMs(i as i64 * 1_000), &picture, &resting))
        .map(|parked| parked.alike)
        .collect()
}

/// A car that stays is alike through noise, a cloud, dusk down to a fifth of the light and a bright noon.
#[test]
fn light_changes_nothing() {
    let chance = Chance::seeded(1);
    let lights = [1.0, 1.0, 0.6, 0.9, 1.3, 0.8, 0.6, 0.45, 0.35, 0.28, 0.22];
    let told = watch(lights.iter().map(|&light| picture(&chance, true, light, None)));
    assert_eq!(told.len(), lights.len() - 1);
    assert!(told.iter().all(|alike| *alike >= 0.9), "{told:?}");
}

/// What passes in front is not mistaken for a change: nothing is said while it passes, and after it all is as before.
#[test]
fn passers_by_change_nothing() {
    let chance = Chance::seeded(2);
    let passer = |i: usize| (4..12).contains(&i).then(|| 40 + (i - 4) * 30);
    let told = watch((0..16).map(|i| picture(&chance, true, 1.0, passer(i))));
    assert!(told.iter().all(|alike| *alike >= 0.7) && told.len() >= 10, "{told:?}");
    assert!(told.iter().rev().take(3).all(|alike| *alike >= 0.9), "{told:?}");
}

/// The empty place after the car has left is told as changed from the second look on, by day and at dusk.
#[test]
fn an_empty_place_is_told() {
    for light in [1.0, 0.6] {
        let chance = Chance::seeded(3);
        let told = watch((0..10).map(|i| picture(&chance, i < 5, light, None)));
        let (before, after) = told.split_at(4);
        assert!(before.iter().all(|alike| *alike >= 0.9), "{told:?}");
        assert!(after.len() >= 4 && after.iter().all(|alike| *alike < 0.7), "{told:?}");
    }
}

/// In the dark nothing is said of the place, neither that it is the same nor that it has changed.
#[test]
fn the_dark_tells_nothing() {
    let chance = Chance::seeded(4);
    let told = watch((0..8).map(|i| picture(&chance, true, if i < 3 { 1.0 } else { 0.05 }, None)));
    assert_eq!(told.len(), 2, "{told:?}");
}

/// A place too small to have a grid, at the very edge, is looked at without harm.
#[test]
fn tiny_places_are_harmless() {
    let mut places = Places::default();
    let chance = Chance::seeded(5);
    let place = NormBox { x: 0.999, y: 0.999, w: 0.001, h: 0.001 };
    let resting = [Resting { id: 1, place, seen: true }];
    for i in 0..3 {
        for parked in places.look(UtcMs(i * 1_000), &picture(&chance, true, 1.0, None), &resting) {
            assert!((0.0..=1.0).contains(&parked.alike));
        }
    }
}
