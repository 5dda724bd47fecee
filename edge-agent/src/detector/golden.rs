//! A model's self-test: pictures that lie beside it in `golden.json`, and what it must name in them. Right bytes on a
//! library, a provider or a processor that computes something else are found out here, before a camera depends on them.

use std::path::{Path, PathBuf};

use protocol::{Label, NormBox};
use serde::Deserialize;

use super::{Detect, DetectError};
use crate::frame::{Detection, Picture};
use crate::picture;

/// What `golden.json` holds. What else stands there is for people.
#[derive(Debug, Deserialize)]
struct Golden {
    /// Everything that is named with this score or more is expected; what is less sure does not matter.
    threshold: f32,
    tolerance: Tolerance,
    pictures: Vec<Case>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Tolerance {
    /// How far a score may be off.
    score: f32,
    /// How much a box must at least overlap the expected one (intersection over union).
    iou: f32,
}

#[derive(Debug, Deserialize)]
struct Case {
    /// Beside the `golden.json`.
    file: PathBuf,
    detections: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    label: Label,
    score: f32,
    /// Left, top, width, height as shares.
    #[serde(rename = "box")]
    region: [f32; 4],
}

/// Shows the model its golden pictures. The error says of the first that differs what was expected and what was found.
pub(super) fn hold(model: &mut dyn Detect, golden: &Path) -> Result<(), DetectError> {
    let name = model.name().to_owned();
    let broken = |problem: String| DetectError::SelfTest { model: name.clone(), problem };
    let unreadable = |error: String| broken(format!("{} cannot be read: {error}", golden.display()));
    let text = std::fs::read(golden).map_err(|e| unreadable(e.to_string()))?;
    let Golden { threshold, tolerance, pictures } =
        serde_json::from_slice(&text).map_err(|e| unreadable(e.to_string()))?;
    if pictures.is_empty() {
        return Err(unreadable("it holds no picture".to_owned()));
    }
    for case in pictures {
        let shown = case.file.display().to_string();
        let file = golden.with_file_name(&case.file);
        let picture: Picture = picture::read(&file).map_err(|e| broken(format!("{e:#}")))?;
        let found = model.detect(&picture)?;
        case.compare(found, threshold, tolerance)
            .map_err(|problem| broken(format!("in its golden picture {shown}: {problem}")))?;
    }
    Ok(())
}

impl Case {
    fn compare(&self, mut found: Vec<Detection>, threshold: f32, tolerance: Tolerance) -> Result<(), String> {
        for Expected { label, score, region: [x, y, w, h] } in &self.detections {
            let region = NormBox { x: *x, y: *y, w: *w, h: *h };
            let same = |d: &Detection| {
                d.label == *label
                    && (d.score - score).abs() <= tolerance.score
                    && d.region.clamped().iou(&region) >= tolerance.iou
            };
            match found.iter().position(same) {
                Some(at) => drop(found.swap_remove(at)),
                None => {
                    return Err(format!(
                        "expected {label:?} {score:.2} at {region:?}, found {}",
                        told(&found, threshold - tolerance.score)
                    ));
                }
            }
        }
        // Doubles of what was expected, and what was not.
        let more = threshold + tolerance.score;
        if found.iter().any(|d| d.score > more) {
            return Err(format!("expected nothing more, found {}", told(&found, more)));
        }
        Ok(())
    }
}

fn told(found: &[Detection], least: f32) -> String {
    let sure = found.iter().filter(|d| d.score >= least);
    let words: Vec<String> =
        sure.map(|d| format!("{:?} {:.2} at {:?}", d.label, d.score, d.region.clamped())).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
