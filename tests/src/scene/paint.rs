//! Small strokes over tiny-skia: shaded limbs, filled polygons, ellipses.

use serde::{Deserialize, Serialize};
use tiny_skia::{
    BlendMode, Color, FillRule, GradientStop, LinearGradient, Paint, PathBuilder, PixmapMut, Point,
    RadialGradient, Rect, Shader, SpreadMode, Transform,
};

use super::path::Spot;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Lighter (> 1) or darker (< 1).
    pub(super) fn times(self, factor: f32) -> Self {
        let scale = |v: u8| (f32::from(v) * factor).clamp(0.0, 255.0) as u8;
        Self(scale(self.0), scale(self.1), scale(self.2))
    }

    /// So much of the way to `other`.
    pub(super) fn towards(self, other: Self, share: f32) -> Self {
        let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share) as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    pub(super) fn color(self, alpha: f32) -> Color {
        Color::from_rgba8(self.0, self.1, self.2, (alpha * 255.0) as u8)
    }
}

/// A canvas in the 1280×720 space of the drawing, whatever the size of the picture.
pub(super) struct Canvas<'a> {
    pub(super) pixels: PixmapMut<'a>,
    pub(super) scale: f32,
}

impl Canvas<'_> {
    fn fill_path(&mut self, path: Option<tiny_skia::Path>, shader: Shader<'static>) {
        let Some(path) = path else { return };
        let paint = Paint { shader, anti_alias: true, ..Paint::default() };
        let transform = Transform::from_scale(self.scale, self.scale);
        self.pixels.fill_path(&path, &paint, FillRule::Winding, transform, None);
    }

    pub(super) fn polygon(&mut self, corners: &[(f32, f32)], fill: Rgb, alpha: f32) {
        self.fill_path(outline(corners), Shader::SolidColor(fill.color(alpha)));
    }

    /// A polygon shaded from one side to the other.
    pub(super) fn shaded(&mut self, corners: &[(f32, f32)], from: (Spot, Rgb), to: (Spot, Rgb)) {
        self.fill_path(outline(corners), gradient(from, to));
    }

    pub(super) fn rect(&mut self, x: f32, y: f32, w: f32, h: f32, fill: Rgb) {
        self.fill_path(
            Rect::from_xywh(x, y, w, h).map(PathBuilder::from_rect),
            Shader::SolidColor(fill.color(1.0)),
        );
    }

    pub(super) fn ellipse(&mut self, centre: Spot, rx: f32, ry: f32, fill: Rgb, alpha: f32) {
        self.fill_path(oval(centre, rx, ry), Shader::SolidColor(fill.color(alpha)));
    }

    /// Polygons as one surface, so that where they overlap nothing gets darker twice. Each is turned the same way
    /// round, or they would cut holes into each other.
    pub(super) fn union(&mut self, parts: &[Vec<(f32, f32)>], fill: Rgb, alpha: f32) {
        let mut path = PathBuilder::new();
        for part in parts {
            let turn: f32 = (0..part.len())
                .map(|i| (part[i], part[(i + 1) % part.len()]))
                .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
                .sum();
            let step = |i: usize| if turn < 0.0 { part[part.len() - 1 - i] } else { part[i] };
            for i in 0..part.len() {
                let (x, y) = step(i);
                if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
            }
            path.close();
        }
        self.fill_path(path.finish(), Shader::SolidColor(fill.color(alpha)));
    }

    /// Light that is added to what is there, fading to its edge.
    pub(super) fn glow(&mut self, centre: Spot, (rx, ry): (f32, f32), light: Rgb, strength: f32) {
        self.radial(centre, (rx, ry), light, strength, BlendMode::Plus);
    }

    /// Something without an edge, over what is there.
    pub(super) fn puff(&mut self, centre: Spot, radii: (f32, f32), fill: Rgb, alpha: f32) {
        self.radial(centre, radii, fill, alpha, BlendMode::SourceOver);
    }

    fn radial(
        &mut self,
        centre: Spot,
        (rx, ry): (f32, f32),
        fill: Rgb,
        strength: f32,
        blend_mode: BlendMode,
    ) {
        let stops = [(0.0, 1.0), (0.45, 0.55), (1.0, 0.0)]
            .map(|(at, share)| GradientStop::new(at, fill.color((strength * share).clamp(0.0, 1.0))));
        // A circle of radius one about the middle, stretched to the oval.
        let stretch = Transform::from_row(rx, 0.0, 0.0, ry, centre.x, centre.y);
        let middle = Point::from_xy(0.0, 0.0);
        let shader = RadialGradient::new(middle, 0.0, middle, 1.0, stops.to_vec(), SpreadMode::Pad, stretch);
        let (Some(path), Some(shader)) = (oval(centre, rx, ry), shader) else { return };
        let paint = Paint { shader, blend_mode, anti_alias: false, ..Paint::default() };
        let transform = Transform::from_scale(self.scale, self.scale);
        self.pixels.fill_path(&path, &paint, FillRule::Winding, transform, None);
    }

    /// A ball lit from the upper left.
    pub(super) fn ball(&mut self, centre: Spot, rx: f32, ry: f32, fill: Rgb) {
        let light = Spot { x: centre.x - rx, y: centre.y - ry };
        let dark = Spot { x: centre.x + rx, y: centre.y + ry };
        self.fill_path(oval(centre, rx, ry), gradient((light, fill.times(1.12)), (dark, fill.times(0.72))));
    }

    /// A tapered limb with round ends, lit across its width.
    pub(super) fn limb(&mut self, from: Spot, to: Spot, r_from: f32, r_to: f32, fill: Rgb) {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = (dx * dx + dy * dy).sqrt().max(0.01);
        let (nx, ny) = (-dy / length, dx / length);
        // The lit side is the one that faces up or left.
        let (nx, ny) = if nx + ny > 0.0 { (-nx, -ny) } else { (nx, ny) };
        let lit = fill.times(1.15);
        let dim = fill.times(0.62);
        let radius = r_from.max(r_to);
        let light = Spot { x: from.x + nx * radius, y: from.y + ny * radius };
        let dark = Spot { x: from.x - nx * radius, y: from.y - ny * radius };
        let shader = gradient((light, lit), (dark, dim));
        self.fill_path(oval(from, r_from, r_from), shader.clone());
        let corners = [
            (from.x + nx * r_from, from.y + ny * r_from),
            (to.x + nx * r_to, to.y + ny * r_to),
            (to.x - nx * r_to, to.y - ny * r_to),
            (from.x - nx * r_from, from.y - ny * r_from),
        ];
        self.fill_path(outline(&corners), shader.clone());
        self.fill_path(oval(to, r_to, r_to), shader);
    }
}

fn outline(corners: &[(f32, f32)]) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    let (&(x, y), rest) = corners.split_first()?;
    path.move_to(x, y);
    for &(x, y) in rest {
        path.line_to(x, y);
    }
    path.close();
    path.finish()
}

fn oval(centre: Spot, rx: f32, ry: f32) -> Option<tiny_skia::Path> {
    let rect = Rect::from_xywh(centre.x - rx, centre.y - ry, rx * 2.0, ry * 2.0)?;
    PathBuilder::from_oval(rect)
}

fn gradient(from: (Spot, Rgb), to: (Spot, Rgb)) -> Shader<'static> {
    let stops = vec![GradientStop::new(0.0, from.1.color(1.0)), GradientStop::new(1.0, to.1.color(1.0))];
    let point = |s: Spot| Point::from_xy(s.x, s.y);
    LinearGradient::new(point(from.0), point(to.0), stops, SpreadMode::Pad, Transform::identity())
        .unwrap_or(Shader::SolidColor(from.1.color(1.0)))
}
