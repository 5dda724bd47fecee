//! The edges of a picture as a field of directions, and how like two such fields are.
//!
//! Each place holds its gradient with the angle doubled: an edge counts the same from dark to bright as from bright
//! to dark, so that a picture in infrared is like the one by day, and means over time keep what stays where it is
//! and lose what moves. Strong edges are limited, or one bright line would outweigh a street.

use crate::shrink::Small;

pub(super) const ROWS: usize = 72;
/// Edge of a cell in places.
pub(super) const CELL: usize = 8;
/// Gradients below are grain, above are all the same.
const GRAIN: f32 = 3.0;
/// Edges that one can steer by.
const LANDMARK: f32 = 10.0;
const STRONG: f32 = 40.0;

#[derive(Clone, Debug, Default)]
pub(super) struct Structure {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Direction and strength of the edge in each place.
    pub(super) field: Vec<[f32; 2]>,
}

/// What one cell of the picture shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    /// Mean luma.
    pub(super) level: f32,
    /// Sum of the strength of its edges.
    pub(super) edges: f32,
    /// The steepest slope between neighbours of the full picture, and of the shrunken one.
    pub(super) slope: f32,
    pub(super) coarse: f32,
}

impl Structure {
    /// The edges of a smoothed picture; `cells` gets their sums and the levels, not the slopes.
    pub(super) fn read(&mut self, small: &Small, cells: &mut Vec<Cell>) {
        let (columns, rows) = (small.columns, small.rows);
        (self.columns, self.rows) = (columns, rows);
        self.field.clear();
        self.field.resize(columns * rows, [0.0; 2]);
        let (across, down) = (columns / CELL, rows / CELL);
        cells.clear();
        cells.resize(across * down, Cell::default());
        if cells.is_empty() {
            return;
        }
        let level = |i: usize| f32::from(small.pixels[i]);
        for y in 0..down * CELL {
            for x in 0..across * CELL {
                let i = y * columns + x;
                let cell = &mut cells[y / CELL * across + x / CELL];
                cell.level += level(i) / (CELL * CELL) as f32;
                if x == 0 || y == 0 || x + 1 == columns || y + 1 == rows {
                    continue;
                }
                let (dx, dy) = (level(i + 1) - level(i - 1), level(i + columns) - level(i - columns));
                let strength = (dx * dx + dy * dy).sqrt();
                if strength < GRAIN {
                    continue;
                }
                cell.edges += strength;
                cell.coarse = cell.coarse.max(strength);
                let scale = strength.min(STRONG) / (strength * strength);
                self.field[i] = [(dx * dx - dy * dy) * scale, 2.0 * dx * dy * scale];
            }
        }
    }

    /// Moves towards `now`, in each cell by its share.
    pub(super) fn blend(&mut self, now: &Self, share: impl Fn(usize) -> f32) {
        if self.field.len() != now.field.len() {
            *self = now.clone();
            return;
        }
        let (across, down) = (self.columns / CELL, self.rows / CELL);
        for cell in 0..across * down {
            let (left, top, share) = (cell % across * CELL, cell / across * CELL, share(cell));
            for y in top..top + CELL {
                let row = y * self.columns + left..y * self.columns + left + CELL;
                for (mean, now) in self.field[row.clone()].iter_mut().zip(&now.field[row]) {
                    mean[0] += (now[0] - mean[0]) * share;
                    mean[1] += (now[1] - mean[1]) * share;
                }
            }
        }
    }

    /// Likeness to `other` in each cell and as a whole: 1 the same, 0 nothing in common. `strengths` gets the mean
    /// strength of this field in each cell.
    pub(super) fn likeness(&self, other: &Self, cells: &mut Vec<f32>, strengths: &mut Vec<f32>) -> f32 {
        let (across, down) = (self.columns / CELL, self.rows / CELL);
        cells.clear();
        strengths.clear();
        let mut whole = [0.0_f32; 3];
        for cell in 0..across * down {
            let (left, top) = (cell % across * CELL, cell / across * CELL);
            let mut sums = [0.0_f32; 3];
            let mut strength = 0.0;
            for y in top..top + CELL {
                let row = y * self.columns + left..y * self.columns + left + CELL;
                for (a, b) in self.field[row.clone()].iter().zip(&other.field[row]) {
                    let own = a[0] * a[0] + a[1] * a[1];
                    sums[0] += a[0] * b[0] + a[1] * b[1];
                    sums[1] += own;
                    sums[2] += b[0] * b[0] + b[1] * b[1];
                    strength += own.sqrt();
                }
            }
            whole.iter_mut().zip(sums).for_each(|(whole, part)| *whole += part);
            cells.push(cosine(sums));
            strengths.push(strength / (CELL * CELL) as f32);
        }
        cosine(whole)
    }

    /// The strongest places, at most one in each 4 × 4.
    fn landmarks(&self) -> Vec<(usize, usize, [f32; 2])> {
        let mut found = Vec::new();
        for top in (0..self.rows).step_by(4) {
            for left in (0..self.columns).step_by(4) {
                let places = (top..(top + 4).min(self.rows))
                    .flat_map(|y| (left..(left + 4).min(self.columns)).map(move |x| (x, y)));
                let best = places
                    .map(|(x, y)| (x, y, self.field[y * self.columns + x]))
                    .max_by(|a, b| size(a.2).total_cmp(&size(b.2)));
                found.extend(best.filter(|(_, _, edge)| size(*edge) > LANDMARK));
            }
        }
        found
    }

    /// By how many places this field must be moved to lie best on `known`, and how well it does then.
    pub(super) fn shift_onto(&self, known: &Self) -> Option<Shift> {
        let landmarks = self.landmarks();
        if landmarks.len() < 40 {
            return None;
        }
        let (reach_x, reach_y) = ((self.columns / 2) as isize, (self.rows / 2) as isize);
        let fit = |dx: isize, dy: isize| self.fit(known, &landmarks, dx, dy);
        let coarse = (-reach_y..=reach_y)
            .step_by(2)
            .flat_map(|dy| (-reach_x..=reach_x).step_by(2).map(move |dx| (dx, dy)));
        let (x, y) = coarse.max_by(|a, b| fit(a.0, a.1).total_cmp(&fit(b.0, b.1)))?;
        let fine = (y - 1..=y + 1).flat_map(|dy| (x - 1..=x + 1).map(move |dx| (dx, dy)));
        let (dx, dy) = fine.max_by(|a, b| fit(a.0, a.1).total_cmp(&fit(b.0, b.1)))?;
        Some(Shift { dx, dy, likeness: fit(dx, dy), unmoved: fit(0, 0) })
    }

    fn fit(&self, known: &Self, landmarks: &[(usize, usize, [f32; 2])], dx: isize, dy: isize) -> f32 {
        let mut sums = [[0.0_f32; 3]; 2];
        let mut inside = [0_usize; 2];
        for (x, y, edge) in landmarks {
            let (Some(x), Some(y)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else { continue };
            if x >= self.columns || y >= self.rows {
                continue;
            }
            let there = known.field[y * self.columns + x];
            let way = usize::from(edge[0] < 0.0);
            sums[way][0] += edge[0] * there[0] + edge[1] * there[1];
            sums[way][1] += edge[0] * edge[0] + edge[1] * edge[1];
            sums[way][2] += there[0] * there[0] + there[1] * there[1];
            inside[way] += 1;
        }
        // Too little in common to tell. Upright edges must fit as well as level ones: one long line fits anywhere
        // along itself.
        let enough = (inside[0] + inside[1]) * 3 >= landmarks.len() && inside.iter().all(|n| *n >= 10);
        if enough { cosine(sums[0]).min(cosine(sums[1])) } else { 0.0 }
    }
}

/// One field laid on another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    pub(super) dx: isize,
    pub(super) dy: isize,
    pub(super) likeness: f32,
    /// Likeness where it lies.
    pub(super) unmoved: f32,
}

fn size(edge: [f32; 2]) -> f32 {
    (edge[0] * edge[0] + edge[1] * edge[1]).sqrt()
}

fn cosine([both, a, b]: [f32; 3]) -> f32 {
    if a <= 0.0 || b <= 0.0 { 0.0 } else { both / (a * b).sqrt() }
}
