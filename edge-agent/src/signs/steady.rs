//! Takes the shake of a camera out of its pictures: a mast in the wind moves every edge, and what is bright and stands
//! still would seem to dance.
//!
//! The shift of the whole picture against the mean of those before is found by Lucas and Kanade's least squares over all
//! edges. What moves in the scene pulls little at it: differences beyond [`MOST`] count as that much.

/// Largest shift that is followed, in places; more is a camera being turned.
const REACH: f32 = 4.0;
/// Less than this is left as it is.
const LEAST: f32 = 0.08;
const STEPS: usize = 4;
const MOST: f32 = 24.0;
/// A new picture's share of the mean.
const SHARE: f32 = 0.15;

/// A distance in places: right, down.
pub(super) type Shift = (f32, f32);

/// One camera's view as it is on average.
#[derive(Debug, Default)]
pub(super) struct Steady {
    mean: Vec<f32>,
    columns: usize,
}

impl Steady {
    /// How far a picture of `columns` places a row lies from where those before lay; none where it does not matter or
    /// cannot be told. The first after another size begins anew.
    pub(super) fn shift(&mut self, luma: &[u8], columns: usize) -> Option<Shift> {
        if self.mean.len() != luma.len() || self.columns != columns || columns < 8 {
            self.columns = columns;
            self.mean = luma.iter().map(|v| f32::from(*v)).collect();
            return None;
        }
        let shift = self.search(luma);
        let at = shift.unwrap_or_default();
        for (i, mean) in self.mean.iter_mut().enumerate() {
            *mean += SHARE * (sample(luma, columns, i, at) - *mean);
        }
        shift
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.mean.clear();
    }

    fn search(&self, luma: &[u8]) -> Option<Shift> {
        let (columns, rows) = (self.columns, self.mean.len() / self.columns);
        let mut at = (0.0_f32, 0.0_f32);
        for _ in 0..STEPS {
            let [mut xx, mut xy, mut yy, mut x, mut y] = [0.0_f32; 5];
            for row in 1..rows.saturating_sub(1) {
                for i in row * columns + 1..(row + 1) * columns - 1 {
                    let gx = (self.mean[i + 1] - self.mean[i - 1]) / 2.0;
                    let gy = (self.mean[i + columns] - self.mean[i - columns]) / 2.0;
                    // Flat places say nothing, and are most of a picture.
                    if gx.abs() + gy.abs() < 4.0 {
                        continue;
                    }
                    let lacks = (self.mean[i] - sample(luma, columns, i, at)).clamp(-MOST, MOST);
                    (xx, xy, yy) = (xx + gx * gx, xy + gx * gy, yy + gy * gy);
                    (x, y) = (x + gx * lacks, y + gy * lacks);
                }
            }
            let determinant = xx * yy - xy * xy;
            // Edges of one direction only, or none, leave the shift along them open.
            if determinant <= 1e-3 * (xx + yy) * (xx + yy) {
                return None;
            }
            let step = ((yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant);
            at = (at.0 + step.0, at.1 + step.1);
            if at.0.hypot(at.1) > REACH {
                return None;
            }
            if step.0.hypot(step.1) < LEAST / 4.0 {
                break;
            }
        }
        (at.0.hypot(at.1) >= LEAST).then_some(at)
    }
}

/// A plane's value at place `i` moved by `at`, between its neighbours; beyond the border the border goes on.
fn sample(plane: &[u8], columns: usize, i: usize, at: Shift) -> f32 {
    let (right, bottom) = (columns - 1, plane.len() / columns - 1);
    let clamped = |v: f32, most: usize| v.clamp(0.0, most as f32);
    let (x, y) = (clamped((i % columns) as f32 + at.0, right), clamped((i / columns) as f32 + at.1, bottom));
    let (left, top) = (x as usize, y as usize);
    let (fx, fy) = (x - left as f32, y - top as f32);
    let value = |x: usize, y: usize| f32::from(plane[y.min(bottom) * columns + x.min(right)]);
    let row = |y: usize| value(left, y) * (1.0 - fx) + value(left + 1, y) * fx;
    row(top) * (1.0 - fy) + row(top + 1) * fy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of many sizes, in steps of one place; `dx`, `dy` in quarters.
    fn scene(dx: f32, dy: f32) -> Vec<u8> {
        let level =
            |x: f32, y: f32| 110.0 + 60.0 * (x / 5.0).sin() * (y / 7.0).cos() + 20.0 * ((x + y) / 11.0).sin();
        (0..96 * 54).map(|i| level((i % 96) as f32 - dx, (i / 96) as f32 - dy) as u8).collect()
    }

    /// A shift of parts of a place is found; none where nothing moved, or nothing is there to see it by.
    #[test]
    fn shifts_are_found() {
        let mut steady = Steady::default();
        assert_eq!(steady.shift(&scene(0.0, 0.0), 96), None);
        assert_eq!(steady.shift(&scene(0.0, 0.0), 96), None);
        for (dx, dy) in [(0.5, 0.0), (-1.0, 0.75), (2.0, -1.5)] {
            let (x, y) = steady.shift(&scene(dx, dy), 96).unwrap();
            assert!((x - dx).abs() < 0.15 && (y - dy).abs() < 0.15, "{dx}, {dy}: {x}, {y}");
        }
        let mut blind = Steady::default();
        assert!((0..3).all(|_| blind.shift(&[90; 96 * 54], 96).is_none()));
        let lines: Vec<u8> = (0..96 * 54).map(|i| if i % 96 / 8 % 2 == 0 { 60 } else { 160 }).collect();
        let mut one_way = Steady::default();
        assert!((0..3).all(|_| one_way.shift(&lines, 96).is_none()));
    }
}
