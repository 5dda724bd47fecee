//! What happens to the camera itself: covered, out of focus, turned away.

use super::flame::random;
use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::script::{Fault, FaultKind, Script};

/// How long a hand takes to reach the lens, a cloth to fall over it, the focus to be lost, the camera to be turned.
pub(super) const TAKES_S: f32 = 1.0;
/// Spray builds up more slowly.
pub(super) const SPRAY_S: f32 = 2.5;

/// 0..1: how far a fault has come by now.
fn share(fault: &Fault, at_s: f32, takes_s: f32) -> f32 {
    if !(fault.from_s..fault.to_s).contains(&at_s) {
        return 0.0;
    }
    ((at_s - fault.from_s) / takes_s).min(1.0)
}

pub(super) fn covered(script: &Script, at_s: f32) -> bool {
    let covers = |kind| matches!(kind, FaultKind::Hand | FaultKind::Spray | FaultKind::Cloth);
    script.faults.iter().any(|f| covers(f.kind) && share(f, at_s, TAKES_S) > 0.0)
}

/// Radius of the blur, in pixels of a 1280 px wide picture.
pub(super) fn defocus(script: &Script, at_s: f32) -> f32 {
    let radius = |f: &Fault| match f.kind {
        FaultKind::Defocus(radius) => radius * share(f, at_s, TAKES_S),
        _ => 0.0,
    };
    script.faults.iter().map(radius).fold(0.0, f32::max)
}

/// How far the picture has moved, in pixels of a 1280 px wide picture.
pub(super) fn turned(script: &Script, at_s: f32) -> [f32; 2] {
    let mut by = [0.0, 0.0];
    for fault in &script.faults {
        if let FaultKind::Turn([x, y]) = fault.kind {
            let s = share(fault, at_s, TAKES_S);
            let s = s * s * (3.0 - 2.0 * s);
            by = [by[0] + x * s, by[1] + y * s];
        }
    }
    by.map(f32::round)
}

pub(super) fn cover(canvas: &mut Canvas<'_>, script: &Script, at_s: f32) {
    for fault in &script.faults {
        match fault.kind {
            FaultKind::Hand => hand(canvas, share(fault, at_s, TAKES_S), at_s),
            FaultKind::Cloth => cloth(canvas, share(fault, at_s, TAKES_S)),
            FaultKind::Spray => spray(canvas, share(fault, at_s, SPRAY_S), script.seed as u32),
            _ => {}
        }
    }
}

/// A palm from below, so near that it is dark and out of focus; it is never quite still.
fn hand(canvas: &mut Canvas<'_>, share: f32, at_s: f32) {
    if share <= 0.0 {
        return;
    }
    let skin = Rgb(64, 40, 32);
    let tremble = (at_s * 7.0).sin() * 6.0;
    let y = 1500.0 - share * 1180.0 + tremble;
    for (x, reach) in [(150.0, 560.0), (420.0, 700.0), (700.0, 720.0), (980.0, 640.0)] {
        canvas.limb(
            Spot { x, y: y + 500.0 },
            Spot { x: x + 20.0, y: y - reach * 0.9 },
            190.0,
            150.0,
            skin.times(1.1),
        );
    }
    canvas.puff(Spot { x: 640.0, y }, (1300.0, 1000.0), skin, 0.9);
    canvas.ellipse(Spot { x: 640.0, y: y + 120.0 }, 980.0, 640.0, skin, 0.97);
}

/// A white bag pulled over: bright, with soft folds.
fn cloth(canvas: &mut Canvas<'_>, share: f32) {
    if share <= 0.0 {
        return;
    }
    let low = share * 760.0;
    let top = Spot { x: 0.0, y: 0.0 };
    let corners = [(-10.0, -10.0), (1290.0, -10.0), (1290.0, low), (-10.0, low - 40.0)];
    canvas.shaded(&corners, (top, Rgb(198, 196, 190)), (Spot { x: 1280.0, y: 720.0 }, Rgb(168, 166, 162)));
    for fold in 0..5 {
        let x = 120.0 + fold as f32 * 260.0;
        canvas.puff(Spot { x, y: low * 0.5 }, (120.0, low * 0.6), Rgb(150, 148, 146), 0.35);
    }
}

/// Paint: blot after blot, until hardly anything is left free.
fn spray(canvas: &mut Canvas<'_>, share: f32, seed: u32) {
    let blots = (share * 90.0) as u32;
    for blot in 0..blots {
        let part = |k: u32| random(seed.wrapping_add(blot * 5 + k));
        // The can moves across in rows.
        let row = (blot / 15) as f32;
        let x = (blot % 15) as f32 * 92.0 + part(0) * 60.0 - 30.0;
        let centre = Spot { x, y: row * 140.0 + part(1) * 80.0 - 30.0 };
        let r = 110.0 + part(2) * 40.0;
        canvas.ellipse(centre, r, r * 0.9, Rgb(30, 32, 36).times(0.8 + part(3) * 0.3), 0.97);
    }
}
