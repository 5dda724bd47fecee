//! Things left behind, and what is none.

use super::*;

fn left(seconds: usize, mut scene: impl FnMut(f32) -> Canvas) -> Vec<Signs> {
    run(seconds, Wanted { left: true, ..Wanted::default() }, |s, chance| scene(s).noisy(2, chance))
}

const BAG: (usize, usize, usize, usize) = (140, 110, 26, 22);
const BLACK: [u8; 3] = [30, 130, 126];

fn with(what: (usize, usize, usize, usize), colour: [u8; 3]) -> Canvas {
    let mut canvas = Canvas::street();
    canvas.block(what, colour);
    canvas
}

/// A bag put down is told of within seconds, where it lies, as long as it lies there, also behind who passes; and
/// no longer when it is taken away.
#[test]
fn a_bag_is_told_of_until_it_is_taken() {
    let signs = left(50, |s| {
        let mut canvas = if (6.0..40.0).contains(&s) { with(BAG, BLACK) } else { Canvas::street() };
        if (20.0..24.0).contains(&s) {
            canvas.block(((s - 20.0) as usize * 60 + 60, 60, 24, 90), [180, 120, 140]);
        }
        canvas
    });
    let share = |b: NormBox| (b.x * W as f32, b.y * H as f32, b.w * W as f32, b.h * H as f32);
    for (i, frame) in signs.iter().enumerate() {
        let at = i as f32 / 5.0;
        if (12.0..40.0).contains(&at) {
            assert_eq!(frame.left.len(), 1, "{at} s: {frame:?}");
            let (x, y, w, h) = share(frame.left[0].region);
            assert!((x - 140.0).abs() < 6.0 && (y - 110.0).abs() < 6.0, "{at} s: {x} {y}");
            assert!((w - 26.0).abs() < 8.0 && (h - 22.0).abs() < 8.0 && frame.left[0].score >= 0.5);
        }
        if !(6.0..=43.0).contains(&at) {
            assert!(frame.left.is_empty(), "{at} s: {frame:?}");
        }
    }
}

/// No thing was left: something that had long been there is taken away, a shadow falls, the sun comes out, somebody
/// stands about and sways, a lamp changes everything.
#[test]
fn gaps_shadows_and_people_are_not_left_things() {
    let nothing_left = |name: &str, signs: &[Signs]| {
        assert!(signs.iter().all(|s| s.left.is_empty()), "{name}");
    };
    let quiet = |name: &str, signs: Vec<Signs>| {
        nothing_left(name, &signs);
        assert!(signs.iter().all(|s| s.standing.is_empty()), "{name}");
    };
    quiet("gap", left(30, |s| if s < 10.0 { with(BAG, BLACK) } else { Canvas::street() }));
    for light in [0.6, 1.3] {
        let patch = |s: f32| {
            let mut canvas = Canvas::street();
            if s >= 8.0 {
                canvas.each(|x, y, v| {
                    let lit = (100..160).contains(&x) && (90..140).contains(&y);
                    if lit { (16.0 + (f32::from(v) - 16.0) * light).min(255.0) as u8 } else { v }
                });
            }
            canvas
        };
        quiet("patch of light", left(30, patch));
    }
    let chance = Chance::seeded(4);
    let person = |s: f32| {
        let mut canvas = Canvas::street();
        if s >= 8.0 {
            let sway = 100 + chance.below(9) as usize;
            canvas.block((sway, 60, 18, 26), [170, 120, 145]);
            canvas.block((sway, 86, 18, 40), [40, 128, 128]);
        }
        canvas
    };
    // He may be told of apart, as what stands upright is.
    nothing_left("person", &left(40, person));
    quiet("lamp", left(30, |s| if s < 10.0 { Canvas::street() } else { Canvas::street().gain(0.5, 0.0) }));
}

/// A suitcase higher than wide is told of within seconds, but apart: for a minute it may be somebody who stands there.
#[test]
fn what_stands_upright_is_told_of_apart_for_a_minute() {
    let signs = left(90, |s| if s < 6.0 { Canvas::street() } else { with((140, 100, 16, 36), BLACK) });
    for (i, frame) in signs.iter().enumerate() {
        let lies = (frame.left.len(), frame.standing.len());
        match i as f32 / 5.0 {
            at if at < 6.0 => assert_eq!(lies, (0, 0), "{at} s"),
            at if (12.0..64.0).contains(&at) => assert_eq!(lies, (0, 1), "{at} s: {frame:?}"),
            at if at >= 74.0 => assert_eq!(lies, (1, 0), "{at} s: {frame:?}"),
            _ => {}
        }
    }
}
