//! Flames, and what has their colours.

use super::*;

fn flames(seconds: usize, scene: impl FnMut(f32, &Chance) -> Canvas) -> usize {
    flames_in_noise(2, seconds, scene)
}

fn flames_in_noise(noise: u64, seconds: usize, mut scene: impl FnMut(f32, &Chance) -> Canvas) -> usize {
    let wanted = Wanted { flame: true, ..Wanted::default() };
    let signs = run(seconds, wanted, |s, chance| scene(s, chance).noisy(noise, chance));
    signs.iter().filter(|s| !s.flames.is_empty()).count()
}

const ORANGE: [u8; 3] = [170, 70, 185];
const YELLOW: [u8; 3] = [215, 80, 158];

/// Tongues of fire of random height on a foot of yellow.
fn fire(canvas: &mut Canvas, chance: &Chance) {
    for tongue in 0..8 {
        let height = 14 + chance.below(34) as usize;
        canvas.block((140 + tongue * 6, 150 - height, 6, height), ORANGE);
        canvas.block((140 + tongue * 6, 150 - height / 2, 6, height / 2), YELLOW);
    }
}

/// A fire burns within ten seconds, where it is, and goes on.
#[test]
fn a_fire_is_told_of() {
    let burning = flames(20, |s, chance| {
        let mut canvas = Canvas::street();
        if s >= 4.0 {
            fire(&mut canvas, chance);
        }
        canvas
    });
    assert!(burning >= 5 * (20 - 4 - 8), "{burning} frames");
    assert_eq!(flames(10, |_, _| Canvas::street()), 0);
}

/// Hot colours that are no fire: a setting sun, a red coat that walks, tail lights that stop, a sign that blinks, a
/// lit brick wall, a flag.
#[test]
fn hot_colours_are_no_fire() {
    type Scene = fn(&mut Canvas, f32, &Chance);
    let scenes: [(&str, Scene); 7] = [
        ("sunset", |c, s, _| {
            for ring in 0..12 {
                let size = 96 - ring * 8;
                let y = 150 + ring as u8 * 7 + (s * 0.5) as u8;
                c.block((160 - size / 2, 50 - size / 4, size, size / 2), [y, 84, 168]);
            }
        }),
        ("coat", |c, s, _| c.block(((s * 22.0) as usize % 300, 80, 22, 50), [95, 105, 200])),
        ("yellow vest", |c, s, _| c.block(((s * 22.0) as usize % 300, 80, 22, 50), [205, 60, 150])),
        ("tail lights", |c, s, _| {
            let glare = if s % 4.0 < 2.0 { 60 } else { 200 };
            c.block((100, 100, 12, 8), [glare, 100, 200]);
            c.block((150, 100, 12, 8), [glare, 100, 200]);
        }),
        ("sign", |c, s, _| {
            if s % 1.0 < 0.5 {
                c.block((120, 40, 60, 24), [200, 70, 170]);
            }
        }),
        ("wall", |c, _, chance| c.block((80, 20, 120, 60), [150 + chance.below(3) as u8, 100, 160])),
        ("flag", |c, s, _| {
            for x in 0..48 {
                let lift = (8.0 * (x as f32 / 9.0 - s * 5.0).sin()) as isize;
                c.block((120 + x, (60 + lift) as usize, 1, 36), [110, 90, 210]);
            }
        }),
    ];
    for (name, paint) in scenes {
        let seen = flames(20, |s, chance| {
            let mut canvas = Canvas::street();
            paint(&mut canvas, s, chance);
            canvas
        });
        assert_eq!(seen, 0, "{name}");
    }
}

/// Branches that sway before a wall in the evening sun, each by itself, cover and uncover it: from look to look they
/// go on the way they went, as no flame does.
#[test]
fn a_hot_wall_behind_swaying_branches_is_no_fire() {
    let seen = flames(30, |s, _| {
        let mut canvas = Canvas::street();
        canvas.block((120, 40, 80, 60), YELLOW);
        for branch in 0..8 {
            let sway = (s * 4.2 + branch as f32 * 1.9).sin();
            canvas.block((120 + branch * 10, 40, 10, (24.0 + 12.0 * sway) as usize), [60, 118, 120]);
        }
        canvas
    });
    assert_eq!(seen, 0);
}

/// A lamp behind a branch in a night of much noise: the noise alone makes the edge of its light dance in haste.
#[test]
fn a_lamp_in_a_noisy_night_is_no_fire() {
    let seen = flames_in_noise(14, 30, |s, _| {
        let mut canvas = Canvas::street();
        for ring in 0..12 {
            let size = 96 - ring * 8;
            canvas.block((120 - size / 2, 60 - size / 2, size, size), [102 + 8 * ring as u8, 108, 146]);
        }
        let sway = (s * 2.1).sin();
        canvas.block((120, 60, 60, (40.0 + 4.0 * sway) as usize), [60, 118, 120]);
        canvas
    });
    assert_eq!(seen, 0);
}

/// Tongues as of a fire, where all else that is bright flickers as they do: a light sweeps over white cars, some of which
/// look yellow. Cars under a steady light hide no fire.
#[test]
fn what_dances_like_all_that_is_bright_is_no_fire() {
    let seen = |swept: bool| {
        flames(20, |_, chance| {
            let mut canvas = Canvas::street();
            for car in 0..6 {
                let light = if swept { chance.below(120) as u8 } else { 60 };
                canvas.block((10 + car * 50, 20, 40, 50), [120 + light, 126, 128]);
            }
            fire(&mut canvas, chance);
            canvas
        })
    };
    assert_eq!(seen(true), 0);
    assert!(seen(false) >= 40, "{} frames", seen(false));
}

/// Panes with sharp edges that throw back the low sun, on a wall nearly as warm, before a camera that shakes by parts
/// of a place of the grid.
#[test]
fn panes_of_a_shaking_camera_are_no_fire() {
    let seen = flames(30, |_, chance| {
        let (right, down) = (chance.below(4) as usize, chance.below(4) as usize);
        let mut canvas = Canvas::street().shifted(-(right as isize), -(down as isize));
        canvas.block((40 + right, 30 + down, 120, 60), [106, 112, 150]);
        for pane in 0..3 {
            canvas.block((60 + pane * 14 + right, 40 + pane * 9 + down, 14, 18), [190, 80, 160]);
        }
        canvas
    });
    assert_eq!(seen, 0);
}

/// A camera on a mast in the wind: its lamps, glowing on a warm wall, dance as flames do, with all else. A fire in the
/// same picture is told of.
#[test]
fn lamps_of_a_shaking_camera_are_no_fire() {
    let seen = |burns: bool| {
        flames(20, |_, chance| {
            let (right, down) = (chance.below(7) as usize, chance.below(7) as usize);
            let mut canvas = Canvas::street().shifted(-(right as isize), -(down as isize));
            for ring in 0..10 {
                let size = 40 - ring * 4;
                let at = (60 - size / 2 + right, 50 - size / 2 + down, size, size);
                canvas.block(at, [110 + 12 * ring as u8, 100, 160]);
            }
            if burns {
                fire(&mut canvas, chance);
            }
            canvas
        })
    };
    assert_eq!(seen(false), 0);
    assert!(seen(true) >= 40, "{} frames", seen(true));
}
