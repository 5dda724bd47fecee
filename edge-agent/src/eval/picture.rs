//! A picture of each missed event and each false alarm: the frame of that moment with the scene's zones and lines, and
//! the boxes that were seen then.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use protocol::Severity;
use serde::Deserialize;

use super::{SceneScore, Sight};
use crate::camera;
use crate::evidence::draw;
use crate::frame::Picture;
use crate::mask::Masks;
use crate::replay::Scene;

/// Nothing seen longer ago than this is drawn.
const RECENT_S: f64 = 0.5;

pub(super) fn write(
    score: &SceneScore,
    file: &Path,
    scene: &Scene,
    sights: &[Sight],
    folder: &Path,
) -> Result<()> {
    let mut moments: Vec<(f64, String)> = Vec::new();
    for rule in &score.rules {
        let mut note = |what: &str, times: &[f64]| {
            let name = |at_s: &f64| format!("{}-{}-{what}-{at_s:.1}s.jpg", score.scene, rule.rule);
            moments.extend(times.iter().map(|at_s| (*at_s, name(at_s))));
        };
        note("missed", &rule.missed_s);
        note("false", &rule.false_s);
    }
    if moments.is_empty() {
        return Ok(());
    }
    moments.sort_by(|a, b| a.0.total_cmp(&b.0));
    let outlines = outlines(file)?;
    let camera = &scene.file.watched.camera;
    let (fps, width) = (camera.analysis_fps, camera.analysis_width);
    let mut open = moments.into_iter().peekable();
    let mut last: Option<Arc<Picture>> = None;
    let mut masks = Masks::new(&camera.masks);
    for frame in camera::decode_file(scene.media(), camera.id.clone(), fps, width)? {
        let mut frame = frame.with_context(|| format!("decoding {}", scene.media().display()))?;
        masks.burn(Arc::make_mut(&mut frame.picture));
        let at_s = frame.captured_at.0 as f64 / 1_000.0;
        // The first frame at or after the moment.
        while let Some((_, name)) = open.next_if(|(moment, _)| *moment <= at_s) {
            save(&frame.picture, at_s, &outlines, sights, &folder.join(name))?;
        }
        last = Some(frame.picture);
        if open.peek().is_none() {
            return Ok(());
        }
    }
    let Some(picture) = last else { return Ok(()) };
    open.try_for_each(|(at_s, name)| save(&picture, at_s, &outlines, sights, &folder.join(name)))
}

fn save(
    picture: &Picture,
    at_s: f64,
    outlines: &[Vec<[f32; 2]>],
    sights: &[Sight],
    path: &Path,
) -> Result<()> {
    let mut picture = picture.clone();
    for outline in outlines {
        for (i, from) in outline.iter().enumerate() {
            stroke(&mut picture, *from, outline[(i + 1) % outline.len()]);
        }
    }
    let seen = sights.iter().rev().find(|(s, _)| *s <= at_s + 1e-3);
    for region in seen.filter(|(s, _)| at_s - s < RECENT_S).iter().flat_map(|(_, boxes)| boxes) {
        draw::frame(&mut picture, region, Severity::Normal);
    }
    std::fs::write(path, draw::jpeg(&picture)?).with_context(|| format!("writing {}", path.display()))
}

/// A yellow line between two points in shares of the picture.
fn stroke(picture: &mut Picture, from: [f32; 2], to: [f32; 2]) {
    let (columns, rows) = (picture.width / 2, picture.height / 2);
    let steps = columns.max(rows);
    for step in 0..=steps {
        let share = step as f32 / steps as f32;
        let at = |i: usize, size: usize| {
            let place = (from[i] + (to[i] - from[i]) * share) * size as f32;
            (place.max(0.0) as usize).min(size - 1)
        };
        let (column, row) = (at(0, columns), at(1, rows));
        for offset in [0, 1, picture.width, picture.width + 1] {
            picture.y[row * 2 * picture.width + column * 2 + offset] = 210;
        }
        picture.u[row * columns + column] = 16;
        picture.v[row * columns + column] = 146;
    }
}

/// The zones and lines of a scene file; a line is an outline of two points.
fn outlines(file: &Path) -> Result<Vec<Vec<[f32; 2]>>> {
    #[derive(Default, Deserialize)]
    struct Shape {
        #[serde(alias = "points")]
        polygon: Vec<[f32; 2]>,
    }
    #[derive(Deserialize)]
    struct Camera {
        #[serde(default)]
        zones: Vec<Shape>,
        #[serde(default)]
        lines: Vec<Shape>,
    }
    #[derive(Deserialize)]
    struct File {
        camera: Camera,
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let File { camera } = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
    Ok(camera.zones.into_iter().chain(camera.lines).map(|shape| shape.polygon).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stroke from corner to corner is yellow along the diagonal and leaves the other corners alone.
    #[test]
    fn a_stroke_by_hand() {
        let mut picture =
            Picture { width: 32, height: 32, y: vec![16; 1024], u: vec![128; 256], v: vec![128; 256] };
        stroke(&mut picture, [0.0, 0.0], [1.0, 1.0]);
        assert_eq!((picture.y[0], picture.y[16 * 32 + 16], picture.y[31 * 32 + 31]), (210, 210, 210));
        assert_eq!((picture.y[31], picture.u[0], picture.u[15]), (16, 16, 128));
    }
}
