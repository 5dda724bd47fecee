//! `edge-agent detect IMAGE…`: what the installed detectors name in pictures, a JSON object per picture. For whoever
//! wonders why a camera alarmed, or did not.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use models::{ModelError, ModelStore};
use protocol::{Label, NormBox, Severity};
use serde::Serialize;

use crate::detector::{self, Detect, DetectError, DetectorConfig};
use crate::evidence::draw;
use crate::frame::Picture;
use crate::rules::USUAL_SCORE;
use crate::{picture, say};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// JPEG or PNG pictures.
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// A model by its name; may be given several times. Left out: every detector that is installed.
    #[arg(long = "model", value_name = "NAME")]
    pub names: Vec<String>,
    /// Writes each picture into this folder with its detections framed: fire red, smoke orange, people and the rest in
    /// other colours; what is below the threshold is not framed.
    #[arg(long, value_name = "DIR")]
    pub draw: Option<PathBuf>,
    /// Folder with models, looked at first.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// `[detector]` and `[agent] models` of the configuration.
    #[arg(skip)]
    pub configured: (DetectorConfig, Option<PathBuf>),
}

/// One line of the output.
#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a Path,
    /// The score from which on rules count a detection where the configuration says nothing else; the same for all
    /// labels.
    threshold: f32,
    detections: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    label: Label,
    /// 0 to 1.
    score: f32,
    /// Left, top, width, height as shares of the picture's width and height.
    #[serde(rename = "box")]
    region: [f32; 4],
    /// Name and version.
    model: String,
}

/// Writes a line per picture. A picture that cannot be read is told of on standard error, the others are looked at all
/// the same; the result says whether all could.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<bool> {
    let (config, configured) = &args.configured;
    let mut detectors = open(args, config, &detector::store(args.models.clone(), configured.clone()))?;
    if let Some(folder) = &args.draw {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let mut all = true;
    for (at, file) in args.images.iter().enumerate() {
        let mut picture = match picture::read(file) {
            Ok(picture) => picture,
            Err(error) => {
                say::complain(format_args!("edge-agent: {error:#}"));
                all = false;
                continue;
            }
        };
        let line = Line { file, threshold: USUAL_SCORE, detections: look(&mut detectors, &picture)? };
        serde_json::to_writer(&mut *out, &line).context("writing a line")?;
        out.write_all(b"\n").context("writing a line")?;
        if let Some(folder) = &args.draw {
            frame(&mut picture, &line.detections);
            let drawn = folder.join(drawn_name(at, file));
            let jpeg = draw::jpeg(&picture)?;
            std::fs::write(&drawn, jpeg).with_context(|| format!("writing {}", drawn.display()))?;
        }
    }
    out.flush().context("writing the lines")?;
    Ok(all)
}

/// The models asked for, each of which must be there; or all that are.
fn open(args: &Args, config: &DetectorConfig, store: &ModelStore) -> Result<Vec<Box<dyn Detect>>> {
    let mut detectors = Vec::new();
    let asked = !args.names.is_empty();
    let names = if asked { args.names.clone() } else { installed_names(store) };
    for name in names {
        match detector::open_one(&name, config, store) {
            Ok(detector) => detectors.push(detector),
            // Of those that nobody asked for, one that was never put there is no news.
            Err(DetectError::Model(ModelError::Missing { .. })) if !asked => {}
            Err(error) if asked => return Err(error.into()),
            Err(error) => {
                say::complain(format_args!("edge-agent: left out: {:#}", anyhow::Error::from(error)));
            }
        }
    }
    if detectors.is_empty() {
        let folders: Vec<_> = store.folders().iter().map(|f| f.display().to_string()).collect();
        bail!(
            "no detector is installed (searched: {}); `edge-agent models list` shows which there are and `edge-agent \
             models fetch` gets them",
            if folders.is_empty() {
                "no folder; name one with --models".to_owned()
            } else {
                folders.join(", ")
            }
        );
    }
    Ok(detectors)
}

/// Every detector there may be, but what only stands in for one that is there.
fn installed_names(store: &ModelStore) -> Vec<String> {
    let needless = |name: &String| {
        let others = store.model(name).map(|model| model.stands_in_for).unwrap_or_default();
        others.iter().any(|other| store.find(other).is_ok())
    };
    let mut names = detector::installable(store);
    names.retain(|name| !needless(name));
    names
}

fn look(detectors: &mut [Box<dyn Detect>], picture: &Picture) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for detector in detectors {
        let model = detector.name().to_owned();
        found.extend(detector.detect(picture)?.into_iter().map(|detection| {
            let NormBox { x, y, w, h } = detection.region.clamped();
            let model = model.clone();
            Found { label: detection.label, score: detection.score, region: [x, y, w, h], model }
        }));
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(found)
}

fn frame(picture: &mut Picture, found: &[Found]) {
    for Found { label, region: [x, y, w, h], .. } in found.iter().filter(|f| f.score >= USUAL_SCORE) {
        let colour = match label {
            Label::Fire => Severity::Emergency,
            Label::Smoke => Severity::Major,
            Label::Person => Severity::Normal,
            _ => Severity::Notice,
        };
        draw::frame(picture, &NormBox { x: *x, y: *y, w: *w, h: *h }, colour);
    }
}

/// Two pictures of one name from two folders do not overwrite each other.
fn drawn_name(at: usize, file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    format!("{:04}-{stem}.jpg", at + 1)
}
