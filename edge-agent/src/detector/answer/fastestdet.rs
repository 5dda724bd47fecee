//! FastestDet (dog-qiuqiu 2022): one grid, anchor-free.

use super::{Classes, Tensor, of_picture};
use crate::detector::letterbox::Letterbox;
use crate::frame::Detection;

/// Object and box stand before the classes.
const BEFORE: usize = 5;
const OBJECT_POWER: f32 = 0.6;
const CLASS_POWER: f32 = 0.4;

pub(super) fn decode(
    tensors: &[Tensor<'_>],
    classes: &Classes,
    letterbox: &Letterbox,
    number: usize,
    pictures: usize,
) -> Result<Vec<Detection>, String> {
    let tensor = tensors.first().ok_or("it answers nothing")?;
    let (shape, values) = of_picture(tensor, 3, number, pictures)?;
    let [planes, rows, columns] = *shape else { return Err(format!("output is {:?}", tensor.shape)) };
    if planes <= BEFORE || rows * columns == 0 {
        return Err(format!("output is {:?}, not 1 x (5 + classes) x rows x columns", tensor.shape));
    }
    let cells = rows * columns;
    let (width, height) = (letterbox.input.0 as f32, letterbox.input.1 as f32);
    let mut found = Vec::new();
    for cell in 0..cells {
        let value = |plane: usize| values[plane * cells + cell];
        let object = value(0);
        // Both factors are at most 1.
        if object.powf(OBJECT_POWER) < classes.least_score {
            continue;
        }
        let scores = values[BEFORE * cells + cell..].iter().step_by(cells);
        let Some((class, class_score)) = classes.best(scores) else { continue };
        let score = object.powf(OBJECT_POWER) * class_score.powf(CLASS_POWER);
        let x = (value(1).tanh() + (cell % columns) as f32) / columns as f32 * width;
        let y = (value(2).tanh() + (cell / columns) as f32) / rows as f32 * height;
        let (w, h) = (sigmoid(value(3)) * width / 2.0, sigmoid(value(4)) * height / 2.0);
        classes.take(&mut found, class, score, [x - w, y - h, x + w, y + h], letterbox);
    }
    Ok(found)
}

fn sigmoid(v: f32) -> f32 {
    1.0 / (1.0 + (-v).exp())
}
