//! Masks: parts of the picture that nobody looks at and that never leave the box. Pure.
//!
//! They are burnt in as soon as a picture is decoded, before motion gate, detector and recorded observations see it, and
//! once more into everything that is made of the camera's own units: snapshots, stills, clips.
//!
//! A mask covers every 2 × 2 block (one chroma sample) that its outline touches or encloses, so scaling and chroma
//! subsampling cannot carry a pixel out of it. An outline that crosses itself has no inner holes: what cannot be
//! reached from the picture's edge without crossing it is covered, however it was drawn. The fill is flat grey with a
//! hatch, to be seen as a mask and not taken for a wall.

use crate::camera::Polygon;
use crate::frame::Picture;

const DARK: u8 = 64;
const LIGHT: u8 = 112;

/// The masks of one camera at one picture size.
#[derive(Clone, Debug)]
pub(crate) struct Mask {
    width: usize,
    height: usize,
    /// One per 2 × 2 block, row by row.
    covered: Vec<bool>,
}

/// One plane of a picture with the distance between its rows.
pub(crate) struct Plane<'a> {
    pub(crate) data: &'a mut [u8],
    pub(crate) stride: usize,
}

/// Masks of one camera at whatever size its pictures come.
#[derive(Debug, Default)]
pub struct Masks {
    polygons: Vec<Polygon>,
    current: Option<Mask>,
}

impl Masks {
    pub fn new(polygons: &[Polygon]) -> Self {
        Self { polygons: polygons.to_vec(), current: None }
    }

    /// Fills what is masked of a picture.
    pub fn burn(&mut self, picture: &mut Picture) {
        if self.polygons.is_empty() {
            return;
        }
        let (width, height) = (picture.width, picture.height);
        let fits = self.current.as_ref().is_some_and(|mask| (mask.width, mask.height) == (width, height));
        if !fits {
            self.current = None;
        }
        let mask = self.current.get_or_insert_with(|| Mask::new(&self.polygons, width, height));
        mask.burn(picture);
    }
}

impl Mask {
    /// `width`, `height` in pixels, both even.
    pub(crate) fn new(polygons: &[Polygon], width: usize, height: usize) -> Self {
        let (columns, rows) = (width / 2, height / 2);
        let mut covered = vec![false; columns * rows];
        for polygon in polygons {
            let corners: Vec<[f32; 2]> =
                polygon.iter().map(|[x, y]| [x * columns as f32, y * rows as f32]).collect();
            for (cell, inside) in covered.iter_mut().zip(enclosed(&corners, columns, rows)) {
                *cell |= inside;
            }
        }
        Self { width, height, covered }
    }

    /// Fills the masked blocks of an I420 picture of this size.
    pub(crate) fn burn(&self, picture: &mut Picture) {
        assert_eq!((self.width, self.height), (picture.width, picture.height), "a mask fits one size");
        let (width, half) = (picture.width, picture.width / 2);
        let plane = |data, stride| Plane { data, stride };
        self.burn_planes(
            plane(&mut picture.y, width),
            plane(&mut picture.u, half),
            plane(&mut picture.v, half),
        );
    }

    /// The same on planes with padded rows.
    pub(crate) fn burn_planes(&self, y: Plane<'_>, u: Plane<'_>, v: Plane<'_>) {
        let columns = self.width / 2;
        for (index, _) in self.covered.iter().enumerate().filter(|(_, covered)| **covered) {
            let (column, row) = (index % columns, index / columns);
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (px, py) = (column * 2 + dx, row * 2 + dy);
                y.data[py * y.stride + px] = hatch(px, py);
            }
            u.data[row * u.stride + column] = 128;
            v.data[row * v.stride + column] = 128;
        }
    }

    #[cfg(test)]
    fn covers(&self, x: usize, y: usize) -> bool {
        self.covered[y / 2 * (self.width / 2) + x / 2]
    }
}

/// Diagonal stripes in steps of a video coder's blocks: each block is of one grey, so it stays what it is however few
/// bits the scene beside it leaves.
fn hatch(x: usize, y: usize) -> u8 {
    if (x / 8 + y / 8) & 2 == 0 { DARK } else { LIGHT }
}

/// Cells that the outline touches or encloses: all but those that the picture's edge leads to.
fn enclosed(corners: &[[f32; 2]], columns: usize, rows: usize) -> Vec<bool> {
    let mut open = vec![false; columns * rows];
    let wall: Vec<bool> = (0..columns * rows)
        .map(|at| touches(corners, (at % columns) as f32 + 0.5, (at / columns) as f32 + 0.5))
        .collect();
    let on_edge = |at: usize| {
        let (x, y) = (at % columns, at / columns);
        x == 0 || y == 0 || x + 1 == columns || y + 1 == rows
    };
    let mut next: Vec<usize> = (0..wall.len()).filter(|at| on_edge(*at) && !wall[*at]).collect();
    while let Some(at) = next.pop() {
        if std::mem::replace(&mut open[at], true) {
            continue;
        }
        let x = at % columns;
        let around = [
            (x > 0).then(|| at - 1),
            (x + 1 < columns).then(|| at + 1),
            at.checked_sub(columns),
            (at + columns < open.len()).then(|| at + columns),
        ];
        next.extend(around.into_iter().flatten().filter(|to| !wall[*to] && !open[*to]));
    }
    open.into_iter().map(|open| !open).collect()
}

/// Whether the outline passes through a cell, given by its centre, or by its corner.
fn touches(corners: &[[f32; 2]], x: f32, y: f32) -> bool {
    /// Half the diagonal of a cell, and a little: nothing slips through between two cells.
    const REACH: f32 = 0.75;
    corners.iter().enumerate().any(|(i, a)| {
        let b = corners[(i + 1) % corners.len()];
        distance_squared(*a, b, x, y) <= REACH * REACH
    })
}

/// From a point to the segment `a`–`b`.
fn distance_squared(a: [f32; 2], b: [f32; 2], x: f32, y: f32) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let along =
        if length > 0.0 { (((x - a[0]) * dx + (y - a[1]) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    let (ex, ey) = (x - a[0] - along * dx, y - a[1] - along * dy);
    ex * ex + ey * ey
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(width: usize, height: usize, value: u8) -> Picture {
        let chroma = vec![value; width * height / 4];
        Picture { width, height, y: vec![value; width * height], u: chroma.clone(), v: chroma }
    }

    /// Inside nothing of the picture is left, far outside nothing is touched.
    #[test]
    fn fills_the_inside_only() {
        let square = vec![[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
        let mut shown = picture(64, 32, 200);
        Masks::new(&[square]).burn(&mut shown);
        for y in 0..32 {
            for x in 0..64 {
                let (luma, chroma) = (shown.y[y * 64 + x], shown.u[y / 2 * 32 + x / 2]);
                if (16..48).contains(&x) && (8..24).contains(&y) {
                    assert!([DARK, LIGHT].contains(&luma) && chroma == 128, "{x},{y}");
                }
                if !(14..50).contains(&x) || !(6..26).contains(&y) {
                    assert_eq!((luma, chroma), (200, 200), "{x},{y}");
                }
            }
        }
    }

    /// A mask over everything leaves nothing, at any size.
    #[test]
    fn covers_the_whole_picture() {
        let all = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        for (width, height) in [(2, 2), (426, 240), (640, 358)] {
            let mask = Mask::new(std::slice::from_ref(&all), width, height);
            assert!(mask.covered.iter().all(|c| *c), "{width}x{height}");
        }
    }

    /// A star and a doubled loop, as drawn by an unsteady finger: their middles, wound twice or in both directions,
    /// are covered too.
    #[test]
    fn loops_have_no_holes() {
        let star = vec![[0.5, 0.05], [0.75, 0.95], [0.05, 0.4], [0.95, 0.4], [0.25, 0.95]];
        let twice = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]];
        let back = [[0.3, 0.2], [0.3, 0.7], [0.7, 0.7], [0.7, 0.2]];
        let doubled = [twice, [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]].concat();
        let undone = [twice, back].concat();
        for outline in [star, doubled, undone] {
            let mask = Mask::new(std::slice::from_ref(&outline), 320, 180);
            assert!(mask.covers(160, 90), "{outline:?}");
            assert!(!mask.covers(4, 4) && !mask.covers(316, 176), "{outline:?}");
        }
    }

    proptest! {
        /// However the outline runs, all is covered that either rule of filling calls inside.
        #[test]
        fn every_rule_of_filling_is_satisfied(
            outline in proptest::collection::vec(proptest::array::uniform2(0.0_f32..=1.0), 3..10),
            px in 0_usize..96, py in 0_usize..64,
        ) {
            let mask = Mask::new(std::slice::from_ref(&outline), 96, 64);
            let (x, y) = ((px as f32 + 0.5) / 96.0, (py as f32 + 0.5) / 64.0);
            let (mut crossings, mut winding) = (0, 0);
            for (i, a) in outline.iter().enumerate() {
                let b = outline[(i + 1) % outline.len()];
                if (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
                    crossings += 1;
                    winding += if b[1] > a[1] { 1 } else { -1 };
                }
            }
            prop_assert!((crossings % 2 == 0 && winding == 0) || mask.covers(px, py));
        }

        /// Every pixel whose centre lies in a triangle is masked, however thin the triangle.
        #[test]
        fn no_pixel_inside_is_left(points in proptest::array::uniform6(0.0_f32..=1.0), px in 0_usize..96, py in 0_usize..64) {
            let polygon = vec![[points[0], points[1]], [points[2], points[3]], [points[4], points[5]]];
            let mask = Mask::new(std::slice::from_ref(&polygon), 96, 64);
            let (x, y) = ((px as f32 + 0.5) / 96.0, (py as f32 + 0.5) / 64.0);
            let side = |a: [f32; 2], b: [f32; 2]| (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
            let sides = [side(polygon[0], polygon[1]), side(polygon[1], polygon[2]), side(polygon[2], polygon[0])];
            let inside = sides.iter().all(|s| *s > 0.0) || sides.iter().all(|s| *s < 0.0);
            prop_assert!(!inside || mask.covers(px, py));
        }
    }
}
