//! YOLOX (Ge et al. 2021): undecoded output of several grids.

use super::{Classes, Tensor, of_picture};
use crate::detector::letterbox::Letterbox;
use crate::frame::Detection;

/// Centre, size and object stand before the classes.
const BEFORE: usize = 5;

/// One picture's rows and how many values each has, after checking that they are as many as the grids have cells.
pub(super) fn rows<'t>(
    tensors: &'t [Tensor<'_>],
    strides: &[usize],
    input: (usize, usize),
    number: usize,
    pictures: usize,
) -> Result<(&'t [f32], usize), String> {
    let tensor = tensors.first().ok_or("it answers nothing")?;
    let (shape, values) = of_picture(tensor, 2, number, pictures)?;
    let cells: usize = strides.iter().map(|s| (input.0 / s) * (input.1 / s)).sum();
    if shape[0] != cells || shape[1] <= BEFORE {
        return Err(format!("output is {:?}, not 1 x {cells} x (5 + classes)", tensor.shape));
    }
    Ok((values, shape[1]))
}

/// Position relative to its grid cell, size as logarithm, score = object × class.
pub(super) fn decode(
    values: &[f32],
    columns: usize,
    strides: &[usize],
    classes: &Classes,
    letterbox: &Letterbox,
) -> Vec<Detection> {
    let mut found = Vec::new();
    let mut rows = values.chunks_exact(columns);
    for &stride in strides {
        let (across, down) = (letterbox.input.0 / stride, letterbox.input.1 / stride);
        for cell in 0..across * down {
            let Some(row) = rows.next() else { return found };
            if row[4] < classes.least_score {
                continue;
            }
            let Some((class, class_score)) = classes.best(row[BEFORE..].iter()) else { continue };
            let size = stride as f32;
            let (x, y) = ((row[0] + (cell % across) as f32) * size, (row[1] + (cell / across) as f32) * size);
            let (w, h) = (row[2].exp() * size / 2.0, row[3].exp() * size / 2.0);
            if x.is_finite() && y.is_finite() {
                classes.take(
                    &mut found,
                    class,
                    row[4] * class_score,
                    [x - w, y - h, x + w, y + h],
                    letterbox,
                );
            }
        }
    }
    found
}
