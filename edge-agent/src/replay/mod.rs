//! A scene through stations 2 to 5 on media time, as fast as the machine can: `edge-agent replay`. The same scene
//! gives the same bytes on every run: no leaky queue, no clock, every frame is looked at in order.
//!
//! What was seen in each frame can be recorded, and played back later without pictures or weights.

pub mod scene;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use protocol::{Clock, SystemClock};

pub use self::scene::{Played, Scene, SceneIncident};
use crate::detector::{self, Detect, DetectorConfig};
use crate::say;

#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// The scene: TOML with one `[camera]` table as in the agent's configuration; its `url` is a video, or a `.jsonl`
    /// of recorded detections, relative to the scene.
    #[arg(long, value_name = "FILE")]
    pub scene: PathBuf,
    /// Incidents as JSON lines; standard output when left out or `-`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Records what was seen in each frame, one JSON line each: another scene may name it as its `url`.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Folder with models.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Leaves the detector out, as on a box without weights.
    #[arg(long)]
    pub motion_only: bool,
    /// `[detector]` of the configuration named by `--config`.
    #[arg(skip)]
    pub detector: Option<DetectorConfig>,
}

/// Writes the incidents; what was played, and how fast, goes to standard error, because it differs from run to run.
pub fn run(args: &Args) -> Result<()> {
    let clock = SystemClock::new();
    let played = match args.out.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => replay(args, &mut create(path)?)?,
        None => replay(args, &mut BufWriter::new(std::io::stdout().lock()))?,
    };
    let took_s = clock.uptime_ms().max(1) as f64 / 1_000.0;
    let media_s = played.media_ms as f64 / 1_000.0;
    say::complain(format_args!(
        "{} incidents in {} frames, {media_s:.1} s of media in {took_s:.1} s: {:.1} x",
        played.incidents.len(),
        played.frames,
        media_s / took_s
    ));
    Ok(())
}

/// As [`run`], into `out`.
pub fn replay(args: &Args, out: &mut dyn Write) -> Result<Played> {
    let mut config = args.detector.clone().unwrap_or_default();
    config.enabled &= !args.motion_only;
    let scene = Scene::load_for(&args.scene, &config.named_in(&detector::store(args.models.clone(), None)))?;
    let mut detector = if scene.is_recorded() { None } else { open_detector(&config, args.models.clone()) };
    let mut record = args.record.as_deref().map(create).transpose()?;
    let played = scene.play_with(detector.as_deref_mut(), |observation| {
        let Some(record) = &mut record else { return Ok(()) };
        serde_json::to_writer(&mut *record, observation)?;
        record.write_all(b"\n").context("recording")
    })?;
    if let Some(mut record) = record {
        record.flush().context("recording")?;
    }
    for incident in &played.incidents {
        serde_json::to_writer(&mut *out, incident).context("writing an incident")?;
        out.write_all(b"\n").context("writing an incident")?;
    }
    out.flush().context("writing the incidents")?;
    Ok(played)
}

/// The detector of a box with this configuration; `None`, with a word why, when it cannot be had.
pub fn open_detector(config: &DetectorConfig, models: Option<PathBuf>) -> Option<Box<dyn Detect>> {
    if !config.enabled {
        return None;
    }
    match detector::open_posed(config, &detector::store(models, None)) {
        Ok(detector) => Some(detector),
        Err(error) => {
            say::complain(format_args!("no detector, motion alone: {error}"));
            None
        }
    }
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    Ok(BufWriter::new(file))
}
