//! When two boxes are the same place.

use protocol::{NormBox, UtcMs};

/// Whether two boxes overlap by so much (intersection over union).
pub(super) fn same_place(a: &NormBox, b: &NormBox, least: f32) -> bool {
    a.iou(b) >= least
}

/// Share of `a` that lies under `b`.
pub(super) fn covered(a: &NormBox, b: &NormBox) -> f32 {
    let w = (a.x + a.w).min(b.x + b.w) - a.x.max(b.x);
    let h = (a.y + a.h).min(b.y + b.h) - a.y.max(b.y);
    if w <= 0.0 || h <= 0.0 || a.area() <= 0.0 { 0.0 } else { w * h / a.area() }
}

/// The box with so much of its own size more on each side.
pub(super) fn grown(region: &NormBox, share_x: f32, share_y: f32) -> NormBox {
    let (dx, dy) = (region.w * share_x, region.h * share_y);
    NormBox { x: region.x - dx, y: region.y - dy, w: region.w + 2.0 * dx, h: region.h + 2.0 * dy }
}

pub(super) fn touch(a: &NormBox, b: &NormBox) -> bool {
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

/// Time from frame to frame; a gap counts no more than two seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps(Option<UtcMs>);

impl Steps {
    pub(super) fn to(&mut self, at: UtcMs) -> i64 {
        self.0.replace(at).map_or(0, |last| at.since_ms(last).clamp(0, 2_000))
    }
}
