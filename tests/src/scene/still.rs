//! Single pictures of a script with what stands in them: what detectors are trained with and measured on.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use serde_json::json;

use super::script::Script;
use super::sensor::Shot;
use super::stage::{Seen, Stage};

/// JPEG, as cameras write it.
const QUALITY: u8 = 88;
/// Less than this share of it in the picture: it is not told of.
const LEAST_SHARE: f32 = 0.3;
/// More than this of it behind one other thing: neither.
const HIDDEN: f32 = 0.75;

/// Writes every picture of these scripts into `folder`, and `truth.jsonl` with a line for each: `file`, `boxes` (label, x, y,
/// width, height as shares of the picture, cut at its edges). Returns how many pictures there are.
pub fn draw_stills(scripts: impl IntoIterator<Item = Script>, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let truth = folder.join("truth.jsonl");
    let file = File::create(&truth).with_context(|| format!("creating {}", truth.display()))?;
    let (mut lines, mut count) = (BufWriter::new(file), 0);
    for script in scripts {
        let mut stage = Stage::set_up(&script)?;
        while let Some(take) = stage.take() {
            let name = format!("{}-{}.jpg", script.name, take.at_ms);
            write_jpeg(&take.shot, &folder.join(&name))?;
            // In the order in which they are drawn: the later stand in front.
            let all = [stage.standing(), take.seen].concat();
            let shown = all.iter().enumerate().filter(|(at, seen)| !is_hidden(seen, &all[at + 1..]));
            let boxes: Vec<_> = shown.filter_map(|(_, seen)| within(seen)).collect();
            writeln!(lines, "{}", json!({ "file": name, "boxes": boxes })).context("writing the truth")?;
            count += 1;
        }
    }
    lines.flush().context("writing the truth")?;
    Ok(count)
}

/// Whether one of those before it stands in front of most of it.
fn is_hidden(seen: &Seen, before: &[Seen]) -> bool {
    let [x, y, w, h] = seen.region;
    let covers = |other: &Seen| {
        let [left, top, wide, high] = other.region;
        let width = (x + w).min(left + wide) - x.max(left);
        let height = (y + h).min(top + high) - y.max(top);
        width.max(0.0) * height.max(0.0)
    };
    before.iter().any(|other| covers(other) > HIDDEN * w * h)
}

fn within(seen: &Seen) -> Option<serde_json::Value> {
    let [x, y, w, h] = seen.region;
    let (left, top) = (x.max(0.0), y.max(0.0));
    let (right, low) = ((x + w).min(1.0), (y + h).min(1.0));
    let shown = (right - left).max(0.0) * (low - top).max(0.0);
    (shown > LEAST_SHARE * w * h).then(|| json!([seen.label, left, top, right - left, low - top]))
}

fn write_jpeg(shot: &Shot, path: &Path) -> Result<()> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut encoder = JpegEncoder::new_with_quality(BufWriter::new(file), QUALITY);
    let (width, height) = (shot.width as u32, shot.height as u32);
    let encoded = encoder.encode(&shot.rgb(), width, height, image::ExtendedColorType::Rgb8);
    encoded.with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use protocol::Label;

    use super::*;

    fn seen(region: [f32; 4]) -> Seen {
        Seen { label: Label::Person, region }
    }

    /// Somebody is told of while a quarter of him shows beside what stands before him.
    #[test]
    fn hidden_things_are_not_told_of() {
        let somebody = seen([0.4, 0.4, 0.1, 0.4]);
        for (van, hidden) in
            [([0.4, 0.4, 0.07, 0.4], false), ([0.4, 0.4, 0.08, 0.4], true), ([0.6, 0.4, 0.3, 0.4], false)]
        {
            assert_eq!(is_hidden(&somebody, &[seen(van)]), hidden, "{van:?}");
        }
        // Two that each hide half do not hide him: what shows between them cannot be told from boxes.
        assert!(!is_hidden(&somebody, &[seen([0.3, 0.4, 0.15, 0.4]), seen([0.45, 0.4, 0.2, 0.4])]));
        assert!(!is_hidden(&somebody, &[]));
    }

    /// Boxes end at the picture's edges; of what has less than 0.3 of itself inside nothing is told.
    #[test]
    fn boxes_end_at_the_edges() {
        let told = |region| within(&seen(region));
        let whole = told([0.25, 0.5, 0.25, 0.25]).unwrap();
        assert_eq!(whole, json!(["person", 0.25, 0.5, 0.25, 0.25]));
        assert_eq!(told([-0.25, 0.5, 0.5, 0.75]).unwrap(), json!(["person", 0.0, 0.5, 0.25, 0.5]));
        assert!(told([0.75, 0.0, 0.5, 0.5]).is_some());
        assert_eq!(told([0.9, 0.0, 0.5, 0.5]), None);
        assert_eq!(told([1.5, 0.0, 0.5, 0.5]), None);
    }
}
