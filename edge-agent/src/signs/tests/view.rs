//! Lenses covered and blurred, cameras turned and frozen, and what looks like it.

use super::*;

/// The highest of each of the view's strengths from second `from` on.
fn view(from: usize, seconds: usize, mut scene: impl FnMut(f32) -> Canvas) -> View {
    let wanted = Wanted { view: true, ..Wanted::default() };
    let signs = run(seconds, wanted, |s, chance| scene(s).noisy(2, chance));
    let views = signs.iter().skip(from * 5).filter_map(|s| s.view);
    views.fold(View::default(), |a, b| View {
        covered: a.covered.max(b.covered),
        defocused: a.defocused.max(b.defocused),
        moved: a.moved.max(b.moved),
        frozen: a.frozen.max(b.frozen),
    })
}

fn all_is_well(view: View) -> bool {
    view.covered.max(view.defocused).max(view.moved).max(view.frozen) < 0.5
}

/// The street, and from second 12 on what `change` makes of it.
fn changed(change: impl Fn(Canvas, f32) -> Canvas) -> impl Fn(f32) -> Canvas {
    move |s| if s < 12.0 { Canvas::street() } else { change(Canvas::street(), s - 12.0) }
}

/// Lens covered, wholly or in part: told within the time given, and called nothing else.
#[test]
fn a_covered_lens_is_told() {
    let smooth = |level: usize| move |x: usize, y: usize| (level + x / 30 + y / 40) as u8;
    for level in [30, 90, 190] {
        let seen = view(
            0,
            20,
            changed(|mut c, _| {
                c.fill(smooth(level));
                c
            }),
        );
        assert!(seen.covered >= 0.5 && seen.moved < 0.5 && seen.defocused < 0.5, "{level}: {seen:?}");
    }
    // Paint over the left half, soft at its border.
    let seen = view(
        0,
        30,
        changed(|mut c, _| {
            c.each(|x, _, v| {
                let paint = ((160.0 - x as f32) / 30.0 + 0.5).clamp(0.0, 1.0);
                (f32::from(v) * (1.0 - paint) + 60.0 * paint) as u8
            });
            c
        }),
    );
    assert!(seen.covered >= 0.5 && seen.moved < 0.5, "{seen:?}");
}

/// What takes contrast from the scene without hiding it is no cover: dusk, fog, a lamp switched off or on, a lorry
/// that stops in front for ten seconds.
#[test]
fn weather_light_and_lorries_cover_nothing() {
    let dusk = |c: Canvas, s: f32| c.gain((1.0 - s / 40.0).max(0.25), 0.0);
    let fog = |c: Canvas, s: f32| {
        let clear = (1.0 - s / 40.0).max(0.3);
        c.gain(clear, 130.0 * (1.0 - clear))
    };
    let lorry = |mut c: Canvas, s: f32| {
        let front = if s < 12.0 { s / 2.0 } else { (14.0 - s) / 2.0 }.clamp(0.0, 1.0);
        let width = (front * W as f32) as usize;
        c.block((0, 6, width, 166), [170, 120, 130]);
        c.block((0, 140, width, 30), [45, 128, 128]);
        (10..width).step_by(24).for_each(|x| c.block((x, 60, 11, 26), [60, 150, 110]));
        c
    };
    assert!(all_is_well(view(0, 45, changed(dusk))));
    assert!(all_is_well(view(0, 45, changed(fog))));
    assert!(all_is_well(view(0, 30, changed(lorry))));
    for gain in [0.15, 1.6] {
        assert!(all_is_well(view(0, 40, changed(move |c, _| c.gain(gain, 0.0)))), "{gain}");
    }
}

/// Out of focus is told; a switch to night, which takes light and adds grain, is not.
#[test]
fn a_blurred_view_is_told_and_night_is_not() {
    for radius in [2, 5] {
        let seen = view(0, 20, changed(move |c, _| c.blurred(radius)));
        assert!(seen.defocused >= 0.5 && seen.moved < 0.5 && seen.covered < 0.5, "{radius}: {seen:?}");
    }
    let chance = Chance::seeded(2);
    let night = |c: Canvas, _: f32| {
        let mut grainy = Canvas(c.gain(0.5, 10.0).noisy(9, &chance));
        grainy.0.u.fill(128);
        grainy.0.v.fill(128);
        grainy
    };
    assert!(all_is_well(view(0, 40, changed(night))));
}

/// A camera turned a little or a lot is told; one that shakes in the wind, or sees everything inverted in infrared,
/// is not.
#[test]
fn a_turned_camera_is_told_and_a_shaken_one_is_not() {
    for (dx, dy) in [(11, 0), (40, 5), (0, -25)] {
        // The street repeats itself; a post and a door do not.
        let with_marks = move |mut c: Canvas| {
            c.block((70, 20, 9, 130), [30, 128, 128]);
            c.block((201, 84, 40, 60), [190, 110, 140]);
            c
        };
        let scene = move |s: f32| {
            let c = with_marks(Canvas::street());
            if s < 12.0 { c } else { c.shifted(dx, dy) }
        };
        let seen = view(0, 24, scene);
        assert!(seen.moved >= 0.5 && seen.covered < 0.5, "{dx}, {dy}: {seen:?}");
    }
    let chance = Chance::seeded(3);
    let shaken = |c: Canvas, _: f32| c.shifted(chance.below(7) as isize - 3, chance.below(5) as isize - 2);
    assert!(all_is_well(view(0, 40, changed(shaken))));
    let inverted = |mut c: Canvas, _: f32| {
        c.each(|_, _, v| 235 - v.clamp(16, 235) + 16);
        c
    };
    assert!(all_is_well(view(0, 40, changed(inverted))));
}

/// A picture that has stopped is told, whether or not the clock in it goes on, and although a coder shows it another
/// way in each keyframe and nears it again behind it. A still street is not, nor one whose encoder copies from keyframe
/// to keyframe, even if it has no more noise than one grey value here and there; nor one whose noise has become less.
#[test]
fn a_frozen_picture_is_told_and_a_still_one_is_not() {
    let wanted = Wanted { view: true, ..Wanted::default() };
    let frozen_at = |signs: &[Signs]| signs.iter().position(|s| s.view.is_some_and(|v| v.frozen >= 0.5));
    for (clock, coder) in [(false, false), (true, false), (true, true)] {
        let mut last = None;
        let signs = run(42, wanted, |s, chance| {
            let fresh = Canvas::street().noisy(2, chance);
            let mut shown = if s < 28.0 { last.insert(fresh).clone() } else { last.clone().unwrap_or(fresh) };
            // What the coder leaves out of a keyframe and brings back within its two seconds.
            let coarse = 6.0 * (1.0 - s / 2.0 + (s / 2.0).floor()) - 3.0;
            if coder && coarse > 0.0 {
                let step = 1.0 + coarse;
                shown
                    .y
                    .iter_mut()
                    .for_each(|v| *v = ((f32::from(*v) / step).round() * step).min(255.0) as u8);
            }
            if clock {
                shown.y[W * 8 + 8..W * 8 + 28].fill(16 + chance.below(2) as u8 * 200);
            }
            shown
        });
        let at = frozen_at(&signs);
        // Five pictures a second.
        assert!(at.is_some_and(|at| (140..180).contains(&at)), "clock {clock}, coder {coder}: frame {at:?}");
    }
    let still = run(60, wanted, |s, chance| Canvas::street().noisy(if s < 30.0 { 4 } else { 1 }, chance));
    assert_eq!(frozen_at(&still), None);
    for (gop, noise) in [(20, 2), (60, 2), (20, 1)] {
        let mut keyframe = None;
        let copied = run(80, wanted, |s, chance| {
            let is_key = ((s * 5.0).round() as usize).is_multiple_of(gop);
            let fresh = Canvas::street().noisy(noise, chance);
            if is_key { keyframe.insert(fresh).clone() } else { keyframe.clone().unwrap_or(fresh) }
        });
        assert_eq!(frozen_at(&copied), None, "a keyframe every {gop} pictures, noise {noise}");
    }
}
