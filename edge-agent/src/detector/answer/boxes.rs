//! The generic contract: finished boxes in one to three tensors.

use models::contract::{BoxForm, Boxes, Columns, Unit};

use super::{Classes, Tensor, of_picture};
use crate::detector::letterbox::Letterbox;
use crate::frame::Detection;

const BOX: usize = 4;

pub(super) fn decode(
    form: &Boxes,
    tensors: &[Tensor<'_>],
    classes: &Classes,
    letterbox: &Letterbox,
    number: usize,
    pictures: usize,
) -> Result<Vec<Detection>, String> {
    let named = |name: &str| {
        tensors.iter().find(|t| t.name == name).ok_or_else(|| {
            let there: Vec<_> = tensors.iter().map(|t| t.name).collect();
            format!("it has no output {name:?}, but {}", there.join(", "))
        })
    };
    let tensor = match &form.boxes {
        Some(name) => named(name)?,
        None => tensors.first().ok_or("it answers nothing")?,
    };
    let (shape, values) = of_picture(tensor, 2, number, pictures)?;
    let (count, columns) = if form.turned { (shape[1], shape[0]) } else { (shape[0], shape[1]) };
    if columns < BOX {
        return Err(format!("{} is {:?}: a box has four columns", tensor.name, tensor.shape));
    }
    let value = |row: usize, column: usize| {
        if form.turned { values[column * count + row] } else { values[row * columns + column] }
    };
    let scores = form
        .scores
        .as_deref()
        .map(|name| named(name).and_then(|t| per_box(t, count, number, pictures)))
        .transpose()?;
    let numbers = form
        .classes
        .as_deref()
        .map(|name| named(name).and_then(|t| per_box(t, count, number, pictures)))
        .transpose()?;

    let mut found = Vec::new();
    let mut own = Vec::new();
    for row in 0..count {
        own.clear();
        own.extend((BOX..columns).map(|column| value(row, column)));
        let scored = match (&scores, &numbers) {
            (Some(scores), Some(numbers)) => {
                first(scores, row).zip(class(first(numbers, row))).map(|(s, c)| (c, s))
            }
            (Some((1, scores)), None) => scores.get(row).map(|score| (0, *score)),
            (Some((wide, scores)), None) => {
                scores.get(row * wide..(row + 1) * wide).and_then(|s| classes.best(s.iter()))
            }
            // The score stands with the box, its class apart.
            (None, Some(numbers)) => {
                own.first().copied().zip(class(first(numbers, row))).map(|(s, c)| (c, s))
            }
            (None, None) => in_row(form.columns, &own, classes),
        };
        if let Some((class, score)) = scored {
            let corners =
                corners(form, [value(row, 0), value(row, 1), value(row, 2), value(row, 3)], letterbox);
            classes.take(&mut found, class, score, corners, letterbox);
        }
    }
    Ok(found)
}

/// How many values each box has in a tensor of its own, and the values.
fn per_box<'t>(
    tensor: &'t Tensor<'_>,
    count: usize,
    number: usize,
    pictures: usize,
) -> Result<(usize, &'t [f32]), String> {
    // `1 × N` may be read as N of one picture or as one row of N: the number of boxes tells.
    let one = of_picture(tensor, 1, number, pictures).ok().filter(|(shape, _)| shape[0] == count);
    let (shape, values) = match one {
        Some(one) => one,
        None => of_picture(tensor, 2, number, pictures)?,
    };
    match (shape[0] == count, count) {
        (true, _) => Ok((values.len() / count.max(1), values)),
        (false, _) => Err(format!("{} is {:?} for {count} boxes", tensor.name, tensor.shape)),
    }
}

fn first(tensor: &(usize, &[f32]), row: usize) -> Option<f32> {
    tensor.1.get(row * tensor.0).copied()
}

/// A class number as models write it: a whole number in a float.
fn class(value: Option<f32>) -> Option<usize> {
    value.filter(|v| (0.0..1e6).contains(v)).map(|v| v.round() as usize)
}

fn in_row(columns: Columns, own: &[f32], classes: &Classes) -> Option<(usize, f32)> {
    match columns {
        Columns::ScoreClass => class(own.get(1).copied()).zip(own.first().copied()),
        Columns::ClassScore => class(own.first().copied()).zip(own.get(1).copied()),
        Columns::Scores => classes.best(own.iter()),
        Columns::ObjectScores => {
            let (object, scores) = own.split_first()?;
            classes.best(scores.iter()).map(|(class, score)| (class, object * score))
        }
    }
}

/// From corner to corner in pixels of the input.
fn corners(form: &Boxes, [a, b, c, d]: [f32; 4], letterbox: &Letterbox) -> [f32; 4] {
    let [x1, y1, x2, y2] = match form.form {
        BoxForm::Corners => [a, b, c, d],
        BoxForm::CornersYx => [b, a, d, c],
        BoxForm::Centre => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
        BoxForm::Size => [a, b, a + c, b + d],
    };
    let (width, height) = match form.unit {
        Unit::Pixels => (1.0, 1.0),
        Unit::Shares => (letterbox.input.0 as f32, letterbox.input.1 as f32),
    };
    [x1 * width, y1 * height, x2 * width, y2 * height]
}
