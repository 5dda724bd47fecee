//! From a model's tensors to detections, in each of the forms that a contract may name.

mod boxes;
mod fastestdet;
mod yolox;

use std::cmp::Ordering;

use models::contract::{Answer, Contract};
use protocol::Label;

use super::letterbox::Letterbox;
use crate::frame::Detection;

/// One tensor of an answer, of one picture or of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub values: std::borrow::Cow<'a, [f32]>,
}

/// What a class number means, and what is sure enough.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    labels: Vec<Option<Label>>,
    least_score: f32,
    overlap: Option<f32>,
}

impl Classes {
    /// An error names the label that the protocol does not have.
    pub(super) fn new(contract: &Contract) -> Result<Self, String> {
        let mut labels = Vec::new();
        for (name, numbers) in &contract.labels {
            let label = known(name)?;
            for &number in numbers.iter().filter(|n| **n < MOST_CLASSES) {
                if labels.len() <= number {
                    labels.resize(number + 1, None);
                }
                labels[number] = Some(label);
            }
        }
        Ok(Self { labels, least_score: contract.least_score, overlap: contract.overlap })
    }

    fn label(&self, class: usize) -> Option<Label> {
        self.labels.get(class).copied().flatten()
    }

    /// The best class that has a label, and its score.
    fn best<'s>(&self, scores: impl Iterator<Item = &'s f32>) -> Option<(usize, f32)> {
        let best =
            scores.copied().enumerate().max_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal));
        best.filter(|(class, _)| self.label(*class).is_some())
    }

    /// Adds what has a label, is sure enough and has a place in the picture.
    fn take(
        &self,
        found: &mut Vec<Detection>,
        class: usize,
        score: f32,
        corners: [f32; 4],
        letterbox: &Letterbox,
    ) {
        let Some(label) = self.label(class) else { return };
        // Not a number anywhere in a box makes it none.
        if !(score >= self.least_score && corners[..2].iter().all(|v| v.is_finite()))
            || corners.iter().any(|v| v.is_nan())
        {
            return;
        }
        let [x1, y1, x2, y2] = corners;
        let region = letterbox.to_picture(x1, y1, x2, y2);
        if region.area() > 0.0 {
            found.push(Detection { label, score: score.min(1.0), region });
        }
    }
}

/// More classes than any detector has.
const MOST_CLASSES: usize = 100_000;

/// A label of the manifest as the protocol's.
pub(super) fn known(name: &str) -> Result<Label, String> {
    let parsed = serde_json::from_value::<Label>(serde_json::Value::String(name.to_owned()));
    let told = parsed.ok().filter(|label| !matches!(label, Label::Motion | Label::Object | Label::Picture));
    told.ok_or_else(|| format!("{name:?} is no label that a detector may use"))
}

/// What a model of this contract says: the detections of each picture of a batch, surest first.
pub fn read(
    contract: &Contract,
    tensors: &[Tensor<'_>],
    letterboxes: &[Letterbox],
) -> Result<Vec<Vec<Detection>>, String> {
    decode(&contract.answer, &Classes::new(contract)?, tensors, letterboxes)
}

/// As [`read`]. `letterboxes`: how each picture lay in the input.
pub(super) fn decode(
    answer: &Answer,
    classes: &Classes,
    tensors: &[Tensor<'_>],
    letterboxes: &[Letterbox],
) -> Result<Vec<Vec<Detection>>, String> {
    let mut all = Vec::with_capacity(letterboxes.len());
    for (number, letterbox) in letterboxes.iter().enumerate() {
        let found = match answer {
            Answer::Yolox { strides } => {
                let (values, columns) =
                    yolox::rows(tensors, strides, letterbox.input, number, letterboxes.len())?;
                yolox::decode(values, columns, strides, classes, letterbox)
            }
            Answer::Fastestdet => fastestdet::decode(tensors, classes, letterbox, number, letterboxes.len())?,
            Answer::Boxes(form) => {
                boxes::decode(form, tensors, classes, letterbox, number, letterboxes.len())?
            }
        };
        let mut kept = suppress(found, classes.overlap);
        for detection in &mut kept {
            // More would differ between processors.
            detection.score = (detection.score * 100.0).round() / 100.0;
        }
        all.push(kept);
    }
    Ok(all)
}

/// The part of a tensor that belongs to picture `number` of `pictures`, with its shape; a leading axis that counts
/// pictures is taken off.
fn of_picture<'t>(
    tensor: &'t Tensor<'_>,
    dimensions: usize,
    number: usize,
    pictures: usize,
) -> Result<(&'t [usize], &'t [f32]), String> {
    let (shape, values) = (&tensor.shape[..], &tensor.values[..]);
    let mismatch = || format!("{} is {shape:?} for {pictures} pictures", tensor.name);
    match shape.len() {
        n if n == dimensions && pictures == 1 => Ok((shape, values)),
        n if n == dimensions + 1 && shape[0] == pictures => {
            let size = values.len() / pictures;
            Ok((&shape[1..], &values[number * size..][..size]))
        }
        _ => Err(mismatch()),
    }
}

/// Of boxes of one label that overlap much, the surest stays. Surest first.
fn suppress(mut found: Vec<Detection>, overlap: Option<f32>) -> Vec<Detection> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let Some(overlap) = overlap else { return found };
    let mut kept: Vec<Detection> = Vec::new();
    for one in found {
        let doubled = |k: &Detection| k.label == one.label && k.region.iou(&one.region) > overlap;
        if !kept.iter().any(doubled) {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
