//! The three planes of a picture, shrunk to one size: what a place looks like, without its grain.

use super::steady::Shift;
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
    /// Size of a place in pixels of the chroma planes.
    block: (usize, usize),
    moved: Vec<u8>,
}

impl Grid {
    /// Shrinks to about `rows` rows. True when the grid has another size than the last one (0 × 0 at first).
    pub(super) fn fill(&mut self, picture: &Picture, rows: usize) -> bool {
        let (width, height) = (picture.width / 2, picture.height / 2);
        let tall = ((height + rows / 2) / rows).max(1);
        let wide = block_width(tall);
        self.block = (wide, tall);
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

    /// Fills it once more from the same picture, moved back by so many places. Whole pixels of the picture are moved:
    /// between two places of the grid every edge would be blurred, and by another amount after each shake.
    pub(super) fn refill(&mut self, picture: &Picture, by: Shift) {
        let (wide, tall) = self.block;
        let (width, height) = (picture.width / 2, picture.height / 2);
        let pixels = |scale: usize| {
            let pixels = |places: f32, block: usize| (places * (block * scale) as f32).round() as isize;
            (pixels(by.0, wide), pixels(by.1, tall))
        };
        let planes = [
            (&picture.y, picture.width, picture.height, 2),
            (&picture.u, width, height, 1),
            (&picture.v, width, height, 1),
        ];
        for (small, (plane, width, height, scale)) in self.planes.iter_mut().zip(planes) {
            moved(plane, width, height, pixels(scale), &mut self.moved);
            small.fill_blocks(&self.moved, width, height, (wide * scale, tall * scale));
        }
    }

    pub(super) fn luma(&self) -> &[u8] {
        &self.planes[0].pixels
    }
}

/// A plane whose pixel (x, y) is that of `plane` at (x, y) + `by`; beyond the border the border goes on.
fn moved(plane: &[u8], width: usize, height: usize, by: (isize, isize), out: &mut Vec<u8>) {
    out.clear();
    if width == 0 || plane.len() < width * height {
        return;
    }
    let most = width.min(by.0.unsigned_abs());
    for y in 0..height {
        let row = y.saturating_add_signed(by.1).min(height - 1);
        let row = &plane[row * width..][..width];
        if by.0 >= 0 {
            out.extend_from_slice(&row[most..]);
            out.resize(out.len() + most, row[width - 1]);
        } else {
            out.resize(out.len() + most, row[0]);
            out.extend_from_slice(&row[..width - most]);
        }
    }
}
