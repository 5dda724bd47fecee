//! The three planes of a picture, shrunk to one size: what a place looks like, without its grain.

use super::steady::{Shift, sample};
use crate::frame::Picture;
use crate::shrink::{Small, block_width};

/// Colour of one place: luma, and both chroma.
pub(super) type Colour = [f32; 3];

/// A picture made small.
#[derive(Debug, Default)]
pub(super) struct Grid {
    planes: [Small; 3],
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Grid {
    /// Shrinks to about `rows` rows. True when the grid has another size than the last one (0 × 0 at first).
    pub(super) fn fill(&mut self, picture: &Picture, rows: usize) -> bool {
        let (width, height) = (picture.width / 2, picture.height / 2);
        let tall = ((height + rows / 2) / rows).max(1);
        let wide = block_width(tall);
        let [y, u, v] = &mut self.planes;
        y.fill_blocks(&picture.y, picture.width, picture.height, (2 * wide, 2 * tall));
        u.fill_blocks(&picture.u, width, height, (wide, tall));
        v.fill_blocks(&picture.v, width, height, (wide, tall));
        let fits = u.pixels.len() == y.pixels.len() && v.pixels.len() == y.pixels.len();
        let size = if fits { (y.columns, y.rows) } else { (0, 0) };
        let changed = size != (self.columns, self.rows);
        (self.columns, self.rows) = size;
        changed
    }

    pub(super) fn len(&self) -> usize {
        self.columns * self.rows
    }

    pub(super) fn colour(&self, i: usize) -> Colour {
        let [y, u, v] = &self.planes;
        [f32::from(y.pixels[i]), f32::from(u.pixels[i]), f32::from(v.pixels[i])]
    }

    /// Moves what is seen back by so many places.
    pub(super) fn move_back(&mut self, by: Shift) {
        for plane in &mut self.planes {
            let columns = self.columns;
            plane.pixels = (0..plane.pixels.len())
                .map(|i| (sample(&plane.pixels, columns, i, by) + 0.5) as u8)
                .collect();
        }
    }

    pub(super) fn luma(&self) -> &[u8] {
        &self.planes[0].pixels
    }
}
