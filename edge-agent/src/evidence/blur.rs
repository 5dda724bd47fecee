//! People made unrecognisable: coarse cells of one colour each. Pure.
//!
//! A cell is as large as a head in its box, so a face is never more than two cells or so, and its colour is a rounded
//! mean: what was inside cannot be computed back. Build, clothing's colour, gait and company may still tell who it is.

use protocol::NormBox;

use crate::mask::Plane;

/// A head is about an eighth of a person's height; boxes of sitting people and half figures are shorter.
const CELLS_PER_BOX: usize = 6;
/// Pixels, even.
const SMALLEST: usize = 16;
/// Means are rounded to so many levels.
const STEP: usize = 8;

/// Replaces a region of an I420 picture of `width` × `height` (both even) by coarse cells.
pub(super) fn pixelate(
    size: (usize, usize),
    region: &NormBox,
    y: &mut Plane<'_>,
    u: &mut Plane<'_>,
    v: &mut Plane<'_>,
) {
    let (width, height) = size;
    let region = region.clamped();
    let cell = even((region.h * height as f32) as usize / CELLS_PER_BOX).max(SMALLEST);
    // Cells lie on one grid of the picture: a person who walks does not carry his cells along.
    let span = |from: f32, length: f32, all: usize| {
        let first = (from * all as f32) as usize / cell * cell;
        let last = ((from + length) * all as f32).ceil() as usize;
        (first..last.min(all)).step_by(cell)
    };
    for top in span(region.y, region.h, height) {
        for left in span(region.x, region.w, width) {
            let (right, bottom) = ((left + cell).min(width), (top + cell).min(height));
            flatten(y, left..right, top..bottom);
            let half = |a: usize, b: usize| a / 2..b.div_ceil(2);
            flatten(u, half(left, right), half(top, bottom));
            flatten(v, half(left, right), half(top, bottom));
        }
    }
}

fn even(value: usize) -> usize {
    value & !1
}

fn flatten(plane: &mut Plane<'_>, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) {
    let count = columns.len() * rows.len();
    if count == 0 {
        return;
    }
    let row = |row: usize| row * plane.stride + columns.start..row * plane.stride + columns.end;
    let sum: usize =
        rows.clone().map(|r| plane.data[row(r)].iter().map(|v| usize::from(*v)).sum::<usize>()).sum();
    let mean = ((sum / count + STEP / 2) / STEP * STEP).min(255) as u8;
    for r in rows {
        let span = r * plane.stride + columns.start..r * plane.stride + columns.end;
        plane.data[span].fill(mean);
    }
}

#[cfg(test)]
mod tests {
    use protocol::Chance;

    use super::*;

    /// Inside the region every cell is of one colour, which says little of what was there: two pictures that differ
    /// in one pixel become the same; outside nothing changes.
    #[test]
    fn cells_say_nothing_of_their_inside() {
        let (w, h) = (320, 180);
        let chance = Chance::seeded(3);
        let noise = |n: usize| -> Vec<u8> { (0..n).map(|_| chance.below(200) as u8 + 20).collect() };
        let planes = [noise(w * h), noise(w * h / 4), noise(w * h / 4)];
        let region = NormBox { x: 0.3, y: 0.2, w: 0.2, h: 0.6 };
        let blurred = |mut planes: [Vec<u8>; 3]| {
            let [y, u, v] = &mut planes;
            let (mut y, mut u, mut v) = (
                Plane { data: y, stride: w },
                Plane { data: u, stride: w / 2 },
                Plane { data: v, stride: w / 2 },
            );
            pixelate((w, h), &region, &mut y, &mut u, &mut v);
            planes
        };
        let shown = blurred(planes.clone());
        // 108 pixels high: cells of 18.
        let mut cells = 0;
        for (top, left) in (36..144).step_by(18).flat_map(|t| (108..144).step_by(18).map(move |l| (t, l))) {
            let first = shown[0][top * w + left];
            let same = (top..top + 18).all(|y| (left..left + 18).all(|x| shown[0][y * w + x] == first));
            assert!(same, "cell at {left},{top}");
            cells += 1;
        }
        assert_eq!(cells, 12);
        for (x, y) in [(0, 0), (60, 90), (190, 90), (100, 10), (319, 179)] {
            assert_eq!(shown[0][y * w + x], planes[0][y * w + x]);
        }
        let mut other = planes.clone();
        other[0][90 * w + 120] ^= 1;
        assert_eq!(blurred(other), shown);
    }

    /// Any region is safe, also one that leaves the picture, or has no extent.
    #[test]
    fn any_region_will_do() {
        for region in [
            NormBox { x: -1.0, y: -1.0, w: 3.0, h: 3.0 },
            NormBox { x: 0.99, y: 0.99, w: 0.5, h: 0.5 },
            NormBox { x: 0.5, y: 0.5, w: 0.0, h: 0.0 },
        ] {
            let (w, h) = (34, 18);
            let (mut y, mut u, mut v) = (vec![9; w * h], vec![9; w * h / 4], vec![9; w * h / 4]);
            let plane = |data, stride| Plane { data, stride };
            pixelate(
                (w, h),
                &region,
                &mut plane(&mut y, w),
                &mut plane(&mut u, w / 2),
                &mut plane(&mut v, w / 2),
            );
        }
    }
}
