//! A plane of pixels made small, for methods that look at shapes and not at grains. Pure.
//!
//! Each small pixel is the mean of one block. Blocks are a power of two wide, so that halving a few times makes
//! them; of high blocks only some rows are read ([`taps`]): what is lost to averaging there is less than what the
//! smoothing behind it takes away, and memory is what this costs.

/// A shrunken plane, and what it takes to make the next one without allocating.
#[derive(Clone, Debug, Default)]
pub(crate) struct Small {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// `columns × rows` bytes.
    pub(crate) pixels: Vec<u8>,
    line: Vec<u8>,
    half: Vec<u8>,
    across: Vec<u8>,
}

impl Small {
    /// Shrinks a plane of `width × height` bytes to about `rows` rows (never fewer than half, never more than twice
    /// as many, unless the plane has no more). A plane of no size, or one shorter than it says, gives nothing.
    pub(crate) fn fill(&mut self, plane: &[u8], width: usize, height: usize, rows: usize) {
        let rows = rows.max(1);
        let tall = ((height + rows / 2) / rows).max(1);
        self.fill_blocks(plane, width, height, (block_width(tall), tall));
    }

    /// The same with blocks of a given size; `wide` is a power of two.
    pub(crate) fn fill_blocks(&mut self, plane: &[u8], width: usize, height: usize, block: (usize, usize)) {
        let (wide, tall) = block;
        (self.columns, self.rows) = (width / wide, height / tall);
        if self.columns == 0 || self.rows == 0 || plane.len() < width * height {
            (self.columns, self.rows) = (0, 0);
            self.pixels.clear();
            return;
        }
        let used = self.columns * wide;
        self.line.resize(used, 0);
        self.half.resize(used, 0);
        self.pixels.resize(self.columns * self.rows, 0);
        for (row, out) in self.pixels.chunks_exact_mut(self.columns).enumerate() {
            let block = &plane[row * tall * width..][..tall * width];
            blend_rows(block, width, tall, &mut self.line);
            let (mut from, mut to) = (&mut self.line[..], &mut self.half[..]);
            let mut length = used;
            for _ in 0..wide.trailing_zeros() {
                halve(&from[..length], &mut to[..length / 2]);
                (from, to, length) = (to, from, length / 2);
            }
            out.copy_from_slice(&from[..length]);
        }
    }

    /// 1-2-1 in both directions; the outermost pixels keep what they have in the direction that leads outwards.
    pub(crate) fn smooth(&mut self) {
        let (columns, rows) = (self.columns, self.rows);
        if columns < 3 || rows < 3 {
            return;
        }
        // Sideways into a plane of its own, then downwards back: neither reads what it has just written. The plane is
        // one long row, because short rows leave a rest each; its outermost columns are then as they were.
        let length = self.pixels.len();
        self.across.resize(length, 0);
        let (left, here, right) =
            (&self.pixels[..length - 2], &self.pixels[1..length - 1], &self.pixels[2..]);
        soften(left, here, right, &mut self.across[1..length - 1]);
        for (row, out) in self.pixels.chunks_exact(columns).zip(self.across.chunks_exact_mut(columns)) {
            (out[0], out[columns - 1]) = (row[0], row[columns - 1]);
        }
        self.pixels[..columns].copy_from_slice(&self.across[..columns]);
        let last = (rows - 1) * columns;
        self.pixels[last..].copy_from_slice(&self.across[last..]);
        let (above, here, below) = (&self.across[..], &self.across[columns..], &self.across[2 * columns..]);
        let inner = last - columns;
        soften(&above[..inner], &here[..inner], &below[..inner], &mut self.pixels[columns..last]);
    }
}

/// A power of two near `tall`, a little wide rather than much too narrow.
pub(crate) fn block_width(tall: usize) -> usize {
    let most = (tall * 6 / 5).clamp(1, 32);
    1 << most.ilog2()
}

/// Which rows of a block are read: all of a low one, three or four spread evenly over a high one.
fn taps(tall: usize) -> (usize, [usize; 4]) {
    match tall {
        1 => (1, [0; 4]),
        2 => (2, [0, 1, 0, 0]),
        3..=7 => (3, [tall / 6, tall / 2, tall - 1 - tall / 6, 0]),
        _ => (4, [tall / 8, tall * 3 / 8, tall * 5 / 8, tall * 7 / 8]),
    }
}

/// One line out of a block of `tall` rows.
fn blend_rows(block: &[u8], width: usize, tall: usize, line: &mut [u8]) {
    let used = line.len();
    let (count, at) = taps(tall);
    let row = |i: usize| &block[at[i] * width..][..used];
    match count {
        1 => line.copy_from_slice(row(0)),
        2 => {
            for ((to, a), b) in line.iter_mut().zip(row(0)).zip(row(1)) {
                *to = mean(*a, *b);
            }
        }
        3 => soften(row(0), row(1), row(2), line),
        _ => {
            let rows = row(0).iter().zip(row(1)).zip(row(2).iter().zip(row(3)));
            for (to, ((a, b), (c, d))) in line.iter_mut().zip(rows) {
                *to = mean(mean(*a, *b), mean(*c, *d));
            }
        }
    }
}

/// Mean of two, halves up: one machine instruction for sixteen of them, as long as it is written like this
/// (`div_ceil` is seven).
fn mean(a: u8, b: u8) -> u8 {
    ((u16::from(a) + u16::from(b) + 1) >> 1) as u8
}

fn soften(before: &[u8], here: &[u8], after: &[u8], out: &mut [u8]) {
    for (((to, a), b), c) in out.iter_mut().zip(before).zip(here).zip(after) {
        *to = mean(mean(*a, *c), *b);
    }
}

/// Means of neighbours. Two bytes are taken as one number, because so it is done for eight pairs at a time.
fn halve(line: &[u8], out: &mut [u8]) {
    let (pairs, _) = line.as_chunks::<2>();
    for (to, pair) in out.iter_mut().zip(pairs) {
        let both = u16::from_le_bytes(*pair);
        *to = (((both & 0xff) + (both >> 8) + 1) >> 1) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any plane becomes one of about the rows asked for; an even one keeps its level, within rounding.
        #[test]
        fn any_plane_shrinks(width in 0_usize..400, height in 0_usize..400, rows in 0_usize..150, level: u8) {
            let mut small = Small::default();
            small.fill(&vec![level; width * height], width, height, rows);
            small.smooth();
            prop_assert_eq!(small.pixels.len(), small.columns * small.rows);
            prop_assert!(small.pixels.iter().all(|v| v.abs_diff(level) <= 1));
            if height >= rows.max(1) && width > 40 && height > 40 {
                prop_assert!(small.rows * 2 >= rows.max(1) && small.rows <= 2 * rows.max(1), "{} rows", small.rows);
            }
        }
    }

    /// A bright half is where it was.
    #[test]
    fn things_stay_in_their_place() {
        let plane: Vec<u8> = (0..640 * 360).map(|i| if i % 640 < 320 { 200 } else { 40 }).collect();
        let mut small = Small::default();
        small.fill(&plane, 640, 360, 100);
        let row = &small.pixels[..small.columns];
        assert!(row[..small.columns / 2].iter().all(|v| *v == 200));
        assert!(row[small.columns / 2..].iter().all(|v| *v == 40));
    }
}
