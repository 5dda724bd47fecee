//! What a detector wants to be shown and how it answers, as data: a model of a known kind needs no new code.
//!
//! The same tables stand in `manifest.toml` and in the `model.toml` that a site puts beside weights of its own; they
//! are explained in `docs/MODELS.md`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A detector's side of the agreement.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub picture: PictureInput,
    pub answer: Answer,
    /// Label of the protocol → class numbers of the model. Every other class is dropped.
    pub labels: BTreeMap<String, Vec<usize>>,
    /// Less sure boxes are dropped.
    #[serde(default = "least_score")]
    pub least_score: f32,
    /// Of two boxes of one label that overlap more, the surer stays. Absent: the model sees to that itself.
    pub overlap: Option<f32>,
    /// Smaller inputs on which the same network also works.
    #[serde(default)]
    pub smaller: Vec<Smaller>,
}

/// A square input smaller than the model's own.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smaller {
    /// Pixels.
    pub side: usize,
    /// Points of AP50 that it costs at most, on the clips that it was measured on.
    pub loses: f32,
}

fn least_score() -> f32 {
    0.1
}

/// How a picture goes in.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureInput {
    /// Name of the tensor; absent: the model's first input.
    pub tensor: Option<String>,
    pub width: usize,
    pub height: usize,
    #[serde(default)]
    pub layout: Layout,
    #[serde(default)]
    pub element: Element,
    pub channels: Channels,
    /// A value that goes in is `(pixel × scale − mean) / std`, pixels being 0 to 255, `mean` and `std` in the order
    /// of `channels`.
    #[serde(default = "one")]
    pub scale: f32,
    #[serde(default)]
    pub mean: [f32; 3],
    #[serde(default = "ones")]
    pub std: [f32; 3],
    pub fit: Fit,
    /// Grey of what the picture does not cover.
    #[serde(default)]
    pub padding: u8,
}

fn one() -> f32 {
    1.0
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Picture, channel, row, column.
    #[default]
    Nchw,
    /// Picture, row, column, channel.
    Nhwc,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    #[default]
    Float32,
    Uint8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    Bgr,
    Rgb,
}

/// How a picture of another shape lies in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Scaled evenly, in the upper left corner.
    Corner,
    /// Scaled evenly, in the middle.
    Centre,
    /// Stretched to fill it.
    Stretch,
}

/// How the model answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// YOLOX (Ge et al. 2021) as it is exported without its decoder: `1 × cells × (5 + classes)`, the grids of all
    /// strides one after another; x and y relative to the cell, ln of width and height, object, one score per class.
    Yolox { strides: Vec<usize> },
    /// FastestDet (dog-qiuqiu): `1 × (5 + classes) × rows × columns`; object, x, y (tanh), width, height (sigmoid),
    /// one score per class. Score = object^0.6 × class^0.4.
    Fastestdet,
    /// The generic contract: finished boxes, in one to three tensors.
    Boxes(Boxes),
}

/// Boxes that need no decoding. A leading batch axis may be there or not.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boxes {
    /// Tensor of the boxes, `N × columns`, the first four being the box; absent: the model's first output.
    pub boxes: Option<String>,
    /// Tensor of the scores, `N` or `N × classes`. Absent: they are further columns of the boxes.
    pub scores: Option<String>,
    /// Tensor of the class numbers, `N`. Absent: further columns, or the best of the scores.
    pub classes: Option<String>,
    #[serde(default)]
    pub form: BoxForm,
    #[serde(default)]
    pub unit: Unit,
    /// What follows the box in a row where neither `scores` nor `classes` is named.
    #[serde(default)]
    pub columns: Columns,
    /// True where the tensor is `columns × N`.
    #[serde(default)]
    pub turned: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxForm {
    /// x1, y1, x2, y2.
    #[default]
    Corners,
    /// y1, x1, y2, x2.
    CornersYx,
    /// Middle x and y, width, height.
    Centre,
    /// x1, y1, width, height.
    Size,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Pixels of the input.
    #[default]
    Pixels,
    /// Shares of the input's width and height.
    Shares,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// Score, class number.
    #[default]
    ScoreClass,
    /// Class number, score.
    ClassScore,
    /// One score per class.
    Scores,
    /// Object, then one score per class; score = object × class.
    ObjectScores,
}

impl PictureInput {
    /// What makes it unusable, if anything does.
    pub fn problem(&self) -> Option<String> {
        let Self { width, height, std, .. } = self;
        if !(16..=4096).contains(width) || !(16..=4096).contains(height) {
            return Some(format!("its input of {width} x {height} is not between 16 and 4096 pixels"));
        }
        std.contains(&0.0).then(|| "std must not be 0".to_owned())
    }
}

impl Contract {
    /// What makes it unusable, if anything does.
    pub fn problem(&self) -> Option<String> {
        if let Some(problem) = self.picture.problem() {
            return Some(problem);
        }
        let PictureInput { width, height, .. } = &self.picture;
        if let Answer::Yolox { strides } = &self.answer
            && (strides.is_empty() || strides.iter().any(|s| *s == 0 || width % s != 0 || height % s != 0))
        {
            return Some(format!("strides {strides:?} do not divide {width} x {height}"));
        }
        for Smaller { side, .. } in &self.smaller {
            if width != height || *side < 16 || side >= width {
                return Some(format!(
                    "a smaller input of {side} x {side} pixels: only for a square input, from 16 up to less than its \
                     {width} x {height}"
                ));
            }
            if let Some(problem) = self.at(*side).problem() {
                return Some(problem);
            }
        }
        if self.labels.values().all(Vec::is_empty) {
            return Some("it names no label".to_owned());
        }
        None
    }

    /// The same with another input.
    pub fn at(&self, side: usize) -> Self {
        let mut other = self.clone();
        (other.picture.width, other.picture.height) = (side, side);
        other.smaller.clear();
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::manifest;

    /// A smaller input is smaller, square as the model's own, and fits its strides.
    #[test]
    fn a_smaller_input_must_fit() {
        let yolox = manifest().model("yolox-nano").unwrap().detector.clone().unwrap();
        let with = |width: usize, height: usize, side: usize| {
            let mut contract = yolox.clone();
            (contract.picture.width, contract.picture.height) = (width, height);
            contract.smaller = vec![Smaller { side, loses: 0.0 }];
            contract.problem()
        };
        assert_eq!(with(416, 416, 320), None);
        for (width, height, side) in [(416, 416, 416), (416, 416, 0), (640, 384, 320)] {
            assert!(with(width, height, side).unwrap().contains("square"), "{width} {height} {side}");
        }
        assert!(with(416, 416, 300).unwrap().contains("strides"));
        assert_eq!(yolox.at(320).picture.width, 320);
    }
}
