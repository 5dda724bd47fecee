//! Bodies by kind of vehicle, in metres.

use super::VehicleKind;
use Skin::{Dark, Glass, Paint};

/// A body: its outline from the side (forward, up, half width), clockwise from the lower front, and what the edge
/// that begins at each point is made of.
pub(super) struct Shell {
    pub(super) outline: Vec<(f32, f32, f32)>,
    pub(super) skin: Vec<Skin>,
    /// Forward from, to, up from, to: on both sides.
    pub(super) windows: Vec<[f32; 4]>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Skin {
    Paint,
    Glass,
    Dark,
}

/// Everything of one kind.
pub(super) struct Form {
    pub(super) length: f32,
    pub(super) half: f32,
    pub(super) height: f32,
    pub(super) shells: Vec<(Shell, f32)>,
    pub(super) wheels: Vec<f32>,
    pub(super) wheel_radius: f32,
}

impl Form {
    /// How far ahead of its origin the middle of its length is.
    pub(super) fn middle(&self) -> f32 {
        let outlines = self.shells.iter().flat_map(|s| &s.0.outline);
        let (low, high) = outlines.fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.0), h.max(p.0)));
        f32::midpoint(low, high)
    }
}

pub(super) fn form(kind: VehicleKind) -> Form {
    match kind {
        VehicleKind::Saloon => car(false),
        VehicleKind::Hatchback => car(true),
        VehicleKind::Van => van(),
        VehicleKind::Truck => truck(),
        VehicleKind::Bus => bus(),
    }
}

/// `tone`: of the paint; below one half it is dark whatever the paint.
fn shell(outline: &[(f32, f32, f32)], skin: &[Skin], windows: &[[f32; 4]], tone: f32) -> (Shell, f32) {
    (Shell { outline: outline.to_vec(), skin: skin.to_vec(), windows: windows.to_vec() }, tone)
}

fn car(hatch: bool) -> Form {
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
        &[(0.98, 0.92, 0.84), (0.22, 1.43, 0.66), (roof_rear, 1.46, 0.66), (belt_rear + 0.02, 0.97, 0.84)],
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

fn van() -> Form {
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

fn truck() -> Form {
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
        &[(3.05, 0.35, 1.0), (3.10, 1.15, 1.02), (2.85, 2.15, 0.94), (1.35, 2.2, 0.94), (1.3, 0.4, 1.0)],
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

fn bus() -> Form {
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
