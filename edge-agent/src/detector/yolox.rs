//! YOLOX (Ge et al. 2021) by ONNX Runtime: undecoded output of three grids, COCO's 80 classes.

use std::cmp::Ordering;

use models::Weights;
use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use protocol::Label;

use super::letterbox::Letterbox;
use super::{Detect, DetectError};
use crate::frame::{Detection, Picture};
use crate::tracker::UNSURE;

const SIDE: usize = 416;
const STRIDES: [usize; 3] = [8, 16, 32];
/// Centre, size, object score, then one score per class.
const CLASSES: usize = 80;
const VALUES: usize = 5 + CLASSES;
/// Two boxes of one label that overlap more are one thing.
const OVERLAP: f32 = 0.45;

/// COCO class to label; the rest of the 80 is dropped, as SYSTEM's promise wants it.
fn label(class: usize) -> Option<Label> {
    Some(match class {
        0 => Label::Person,
        1 => Label::Bicycle,
        2 => Label::Car,
        3 => Label::Motorcycle,
        5 => Label::Bus,
        7 => Label::Truck,
        15 | 16 => Label::Animal,
        24 | 26 | 28 => Label::Bag,
        _ => return None,
    })
}

/// One loaded model.
pub struct Yolox {
    name: String,
    session: Session,
    input: Vec<f32>,
}

impl Yolox {
    pub fn load(environment: &Environment, weights: &Weights, threads: usize) -> Result<Self, DetectError> {
        let name = weights.title();
        let fail = |doing| failure(&name, doing);
        let mut builder = Session::builder(environment).map_err(fail("preparing"))?;
        builder = builder
            .with_intra_threads(threads.max(1))
            .map_err(ort::Error::from)
            .map_err(fail("setting threads"))?
            // Cameras leave pauses between frames; spinning through them would cost more than inference.
            .with_intra_op_spinning(false)
            .map_err(ort::Error::from)
            .map_err(fail("setting threads"))?
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(ort::Error::from)
            .map_err(fail("setting optimisation"))?;
        let session = builder.commit_from_file(weights.main_file()).map_err(fail("loading weights"))?;
        let mut yolox = Self { name, session, input: vec![0.0; 3 * SIDE * SIDE] };
        // A model of another shape must be refused now, not in front of a camera.
        yolox.infer(&Picture { width: 2, height: 2, y: vec![0; 4], u: vec![128], v: vec![128] })?;
        Ok(yolox)
    }

    fn infer(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        let letterbox = Letterbox::new(picture.width, picture.height, SIDE);
        letterbox.fill(picture, &mut self.input);
        let fail = |doing| failure(&self.name, doing);
        let input = TensorRef::from_array_view(([1_usize, 3, SIDE, SIDE], &*self.input))
            .map_err(fail("preparing a picture"))?;
        let outputs = self.session.run(ort::inputs![input]).map_err(fail("looking at a picture"))?;
        let (shape, values) = outputs[0].try_extract_tensor::<f32>().map_err(fail("reading what it saw"))?;
        if **shape != [1, cells() as i64, VALUES as i64] {
            let problem = format!("output is {shape:?}, not 1 x {} x {VALUES}", cells());
            return Err(DetectError::Contract { model: self.name.clone(), problem });
        }
        Ok(decode(values, &letterbox))
    }
}

impl Detect for Yolox {
    fn name(&self) -> &str {
        &self.name
    }

    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        self.infer(picture)
    }
}

fn failure(model: &str, doing: &'static str) -> impl FnOnce(ort::Error) -> DetectError {
    move |source| DetectError::Inference { model: model.to_owned(), doing, source }
}

fn cells() -> usize {
    STRIDES.iter().map(|s| (SIDE / s).pow(2)).sum()
}

/// Raw output to detections: position relative to its grid cell, size as logarithm, score = object × class.
pub fn decode(values: &[f32], letterbox: &Letterbox) -> Vec<Detection> {
    let mut found = Vec::new();
    let mut rows = values.chunks_exact(VALUES);
    for stride in STRIDES {
        let cells = SIDE / stride;
        for cell in 0..cells * cells {
            let Some(row) = rows.next() else { return found };
            if row[4] < UNSURE {
                continue;
            }
            let best =
                row[5..].iter().enumerate().max_by(|a, b| a.1.partial_cmp(b.1).unwrap_or(Ordering::Equal));
            let Some((class, class_score)) = best else { continue };
            let score = row[4] * class_score;
            let Some(label) = label(class).filter(|_| score >= UNSURE) else { continue };
            let size = stride as f32;
            let (column, line) = ((cell % cells) as f32, (cell / cells) as f32);
            let (x, y) = ((row[0] + column) * size, (row[1] + line) * size);
            // Not a number anywhere in a box makes it none.
            if !row[..4].iter().all(|v| v.is_finite()) {
                continue;
            }
            let region = letterbox.to_picture(x, y, row[2].exp() * size, row[3].exp() * size);
            if region.area() > 0.0 {
                found.push(Detection { label, score, region });
            }
        }
    }
    let mut kept = suppress(found);
    for detection in &mut kept {
        detection.score = (detection.score * 100.0).round() / 100.0;
    }
    kept
}

/// Of boxes of one label that overlap much, the surest stays. Surest first.
fn suppress(mut found: Vec<Detection>) -> Vec<Detection> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for one in found {
        let doubled = |k: &Detection| k.label == one.label && k.region.iou(&one.region) > OVERLAP;
        if !kept.iter().any(doubled) {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty output with some cells set: (index of cell, dx, dy, ln w, ln h, object, class, class score).
    type Cell = (usize, f32, f32, f32, f32, f32, usize, f32);

    fn output(set: &[Cell]) -> Vec<f32> {
        let mut values = vec![0.0; cells() * VALUES];
        for &(cell, x, y, w, h, object, class, score) in set {
            let row = &mut values[cell * VALUES..][..VALUES];
            row[..5].copy_from_slice(&[x, y, w, h, object]);
            row[5 + class] = score;
        }
        values
    }

    fn square() -> Letterbox {
        Letterbox::new(416, 416, SIDE)
    }

    /// Cell (3, 2) of the middle grid: centre (3.5, 2.25) × 16, size e^1 × 16 by e^2 × 16, score 0.8 × 0.9.
    #[test]
    fn one_cell_by_hand() {
        let cell = 52 * 52 + 2 * 26 + 3;
        let found = decode(&output(&[(cell, 0.5, 0.25, 1.0, 2.0, 0.8, 0, 0.9)]), &square());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].label, found[0].score), (Label::Person, 0.72));
        let (w, h) = (1_f32.exp() * 16.0 / 416.0, 2_f32.exp() * 16.0 / 416.0);
        let (x, y) = (3.5 * 16.0 / 416.0 - w / 2.0, 2.25 * 16.0 / 416.0 - h / 2.0);
        let expected = protocol::NormBox { x, y: y.max(0.0), w, h: h.min(h + y) };
        assert!(found[0].region.iou(&expected) > 0.999, "{:?} {expected:?}", found[0].region);
    }

    /// Of two boxes on one person the surer stays; a bicycle in the same place stays too.
    #[test]
    fn suppression_is_per_label() {
        let cell = 52 * 52 + 10 * 26 + 10;
        let found = decode(
            &output(&[
                (cell, 0.5, 0.5, 1.0, 1.0, 0.6, 0, 1.0),
                (cell + 1, -0.4, 0.5, 1.0, 1.0, 0.9, 0, 1.0),
                (cell + 26, 0.5, -0.5, 1.0, 1.0, 0.7, 1, 1.0),
            ]),
            &square(),
        );
        let told: Vec<_> = found.iter().map(|d| (d.label, d.score)).collect();
        assert_eq!(told, [(Label::Person, 0.9), (Label::Bicycle, 0.7)]);
    }

    /// Only the allow-list comes out: of COCO's 80 classes eleven have a label, a cat is an animal.
    #[test]
    fn what_has_no_label_is_dropped() {
        assert_eq!((0..CLASSES).filter_map(label).count(), 11);
        let names: std::collections::BTreeSet<_> = (0..CLASSES).filter_map(label).collect();
        assert_eq!(names, super::super::NAMED.iter().copied().collect());
        let found = decode(
            &output(&[(0, 0.5, 0.5, 1.0, 1.0, 0.9, 62, 0.9), (30, 0.5, 0.5, 1.0, 1.0, 0.9, 15, 0.9)]),
            &square(),
        );
        assert_eq!(found.iter().map(|d| d.label).collect::<Vec<_>>(), [Label::Animal]);
    }

    /// Garbage (NaN, infinities, wrong length) never panics and never leaves the picture.
    #[test]
    fn garbage_is_harmless() {
        let nan = f32::NAN;
        let set = [
            (5, nan, nan, nan, nan, nan, 0, nan),
            (7, nan, 0.5, 1.0, 1.0, 0.9, 0, 0.9),
            (8, 0.5, 0.5, 1.0, nan, 0.9, 0, 0.9),
            (9, 0.5, 0.5, 200.0, f32::INFINITY, 0.9, 0, 0.9),
            (10, 0.5, 0.5, 200.0, 1.0, 0.9, 0, 0.9),
        ];
        for detection in decode(&output(&set), &square()) {
            let r = detection.region;
            assert!(r.x >= 0.0 && r.y >= 0.0 && r.x + r.w <= 1.0 && r.y + r.h <= 1.0, "{r:?}");
        }
        assert!(decode(&[0.0; 100], &square()).is_empty());
    }
}
