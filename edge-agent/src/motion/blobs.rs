//! Connected regions of a mask, by runs: what is not set costs next to nothing.

use protocol::NormBox;

/// Pixels at most so far apart belong to one blob, boxes likewise: head and legs are one person.
const REACH: usize = 2;
/// Most boxes reported; the smallest are left out (snow, leaves: the gate is open anyway).
const MAX_BOXES: usize = 64;

/// A blob's bounds in pixels of the mask, inclusive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blob {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) right: usize,
    pub(crate) bottom: usize,
    pub(crate) pixels: usize,
}

/// Set pixels of one row, from `left` to `right` inclusive.
#[derive(Clone, Copy, Debug)]
struct Run {
    left: usize,
    right: usize,
    blob: usize,
}

/// Keeps its memory from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    runs: Vec<Run>,
    /// Where the runs of each row begin.
    rows: Vec<usize>,
    blobs: Vec<Blob>,
    /// Union-find: a blob that has become part of another names it.
    parents: Vec<usize>,
}

impl Finder {
    /// Blobs of at least `least` non-zero pixels of `mask`, those near one another joined; large boxes first.
    pub(crate) fn find(&mut self, mask: &[u8], columns: usize, least: usize) -> Vec<Blob> {
        self.runs.clear();
        self.rows.clear();
        self.blobs.clear();
        self.parents.clear();
        for (y, row) in mask.chunks_exact(columns).enumerate() {
            self.rows.push(self.runs.len());
            let first_above = self.rows[y.saturating_sub(REACH)];
            self.row(row, y, first_above);
        }
        let own = |i: &usize| self.parents[*i] == *i && self.blobs[*i].pixels >= least;
        let mut found: Vec<Blob> = (0..self.blobs.len()).filter(own).map(|i| self.blobs[i]).collect();
        found.sort_by_key(|b| std::cmp::Reverse(b.pixels));
        found.truncate(MAX_BOXES);
        let mut blobs = joined_when_near(found);
        blobs.sort_by_key(|b| std::cmp::Reverse(b.area()));
        blobs
    }

    /// The runs of row `y`, each joined with those above that it touches.
    fn row(&mut self, row: &[u8], y: usize, first_above: usize) {
        let own = self.runs.len();
        let mut x = 0;
        while let Some(left) = next_set(row, x) {
            let (mut right, mut pixels) = (left, 1);
            x = left + 1;
            while x < row.len() && x - right <= REACH {
                if row[x] != 0 {
                    (right, pixels) = (x, pixels + 1);
                }
                x += 1;
            }
            let mut blob = self.blobs.len();
            self.parents.push(blob);
            self.blobs.push(Blob { left, top: y, right, bottom: y, pixels });
            for above in first_above..own {
                let Run { left: l, right: r, blob: other } = self.runs[above];
                if l <= right + REACH && left <= r + REACH {
                    blob = self.join(blob, other);
                }
            }
            self.runs.push(Run { left, right, blob });
        }
    }

    fn join(&mut self, a: usize, b: usize) -> usize {
        let (a, b) = (self.root(a), self.root(b));
        let (into, from) = (a.min(b), a.max(b));
        if into != from {
            self.parents[from] = into;
            self.blobs[into] = self.blobs[into].joined(&self.blobs[from]);
        }
        into
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parents[i] != i {
            self.parents[i] = self.parents[self.parents[i]];
            i = self.parents[i];
        }
        i
    }
}

/// The first pixel set at or after `from`; eight unset ones are passed in one step.
fn next_set(row: &[u8], from: usize) -> Option<usize> {
    let rest = &row[from..];
    let (blocks, _) = rest.as_chunks::<8>();
    let empty = 8 * blocks.iter().take_while(|b| **b == [0; 8]).count();
    rest[empty..].iter().position(|v| *v != 0).map(|at| from + empty + at)
}

impl Blob {
    pub(crate) fn width(&self) -> usize {
        self.right + 1 - self.left
    }

    pub(crate) fn height(&self) -> usize {
        self.bottom + 1 - self.top
    }

    pub(crate) fn area(&self) -> usize {
        self.width() * self.height()
    }

    /// As a share of a mask of that size.
    pub(crate) fn region(&self, columns: usize, rows: usize) -> NormBox {
        let (w, h) = (columns as f32, rows as f32);
        NormBox {
            x: self.left as f32 / w,
            y: self.top as f32 / h,
            w: self.width() as f32 / w,
            h: self.height() as f32 / h,
        }
    }

    fn near(&self, other: &Self) -> bool {
        self.left <= other.right + REACH
            && other.left <= self.right + REACH
            && self.top <= other.bottom + REACH
            && other.top <= self.bottom + REACH
    }

    fn joined(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            pixels: self.pixels + other.pixels,
        }
    }
}

fn joined_when_near(mut blobs: Vec<Blob>) -> Vec<Blob> {
    let mut i = 0;
    while i < blobs.len() {
        match (i + 1..blobs.len()).find(|&j| blobs[i].near(&blobs[j])) {
            Some(j) => {
                let other = blobs.remove(j);
                blobs[i] = blobs[i].joined(&other);
                // It grew: what was too far before may be near now, also among those already settled.
                i = 0;
            }
            None => i += 1,
        }
    }
    blobs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bounds and sizes of the connected regions, found one pixel after another.
    fn by_filling(mask: &[u8], columns: usize) -> Vec<(usize, usize, usize, usize, usize)> {
        let rows = mask.len() / columns;
        let mut left = mask.to_vec();
        let mut found = Vec::new();
        for start in 0..left.len() {
            let mut open = Vec::new();
            if std::mem::take(&mut left[start]) != 0 {
                open.push(start);
            }
            let mut bounds = (columns, rows, 0, 0, 0);
            while let Some(i) = open.pop() {
                let (x, y) = (i % columns, i / columns);
                let (l, t, r, b, n) = bounds;
                bounds = (l.min(x), t.min(y), r.max(x), b.max(y), n + 1);
                for ny in y.saturating_sub(REACH)..(y + REACH + 1).min(rows) {
                    for nx in x.saturating_sub(REACH)..(x + REACH + 1).min(columns) {
                        if std::mem::take(&mut left[ny * columns + nx]) != 0 {
                            open.push(ny * columns + nx);
                        }
                    }
                }
            }
            if bounds.4 > 0 {
                found.push(bounds);
            }
        }
        found.sort_unstable();
        found
    }

    proptest! {
        /// Runs find the regions that filling finds, with their sizes.
        #[test]
        fn runs_find_what_filling_finds(
            columns in 1_usize..40,
            pixels in prop::collection::vec(prop::bool::weighted(0.12), 40..900),
        ) {
            let mask: Vec<u8> = pixels[..pixels.len() / columns * columns].iter().map(|p| u8::from(*p)).collect();
            let mut finder = Finder::default();
            finder.find(&mask, columns, 1);
            let own = |i: &usize| finder.parents[*i] == *i;
            let mut found: Vec<_> = (0..finder.blobs.len())
                .filter(own)
                .map(|i| finder.blobs[i])
                .map(|b| (b.left, b.top, b.right, b.bottom, b.pixels))
                .collect();
            found.sort_unstable();
            prop_assert_eq!(found, by_filling(&mask, columns));
        }
    }
}
