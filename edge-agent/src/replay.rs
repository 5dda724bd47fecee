//! A clip through stations 2 to 5 on media time, as fast as the machine can. The same clip gives the same bytes
//! on every run: no leaky queue, no clock, every frame is looked at in order.
//!
//! What was seen in each frame can be recorded, and played back later without pictures or weights.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use models::{ModelStore, search_folders};
use protocol::{CameraId, Clock, Phase, SystemClock, UtcMs};
use serde::{Deserialize, Serialize};

use crate::analyser::Analyser;
use crate::camera;
use crate::detector::{self, Answer, Detect, DetectorConfig};
use crate::frame::Frame;
use crate::observation::{Observation, Seen};
use crate::rules::{RuleConfig, RuleEvent, RuleKind};
use crate::say;

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The clip: any video file.
    #[arg(required_unless_present = "recorded", conflicts_with = "recorded")]
    pub clip: Option<PathBuf>,
    /// Plays back what an earlier run recorded, instead of a clip.
    #[arg(long, value_name = "FILE")]
    pub recorded: Option<PathBuf>,
    /// Records what was seen in each frame, one JSON line each.
    #[arg(long, value_name = "FILE", conflicts_with = "recorded")]
    pub record: Option<PathBuf>,
    /// TOML with `[[rule]]` tables as in a camera's configuration. Without it: intrusion and loitering of
    /// persons anywhere in the picture.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Frames analysed per second of the clip, at most.
    #[arg(long, default_value_t = 5.0)]
    pub fps: f32,
    /// Wider pictures are scaled down to this width first.
    #[arg(long, default_value_t = 640)]
    pub width: usize,
    /// Folder with models.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Leaves the detector out, as on a box without weights.
    #[arg(long)]
    pub motion_only: bool,
}

/// Counted over one replay; the last line of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub frames: u64,
    pub media_ms: i64,
    /// Frames the detector looked at, frames judged by motion alone, frames in which nothing moved.
    pub detected: u64,
    pub motion_only: u64,
    pub still: u64,
    pub opened: u64,
    pub ended: u64,
}

/// Prints one JSON line per event and a summary on standard output; speed goes to standard error, because it
/// differs from run to run.
pub fn run(args: &Args) -> Result<()> {
    let clock = SystemClock::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let summary = replay(args, &mut out)?;
    out.flush().context("writing to standard output")?;
    let took_s = (clock.uptime_ms().max(1)) as f64 / 1_000.0;
    let (frames, media_s) = (summary.frames, summary.media_ms as f64 / 1_000.0);
    let speed = media_s / took_s;
    say::complain(format_args!("{frames} frames, {media_s:.1} s of media in {took_s:.1} s: {speed:.1} x"));
    Ok(())
}

/// As [`run`], into `out`.
pub fn replay(args: &Args, out: &mut dyn Write) -> Result<Summary> {
    let rules = match &args.rules {
        Some(path) => read_rules(path)?,
        None => default_rules(),
    };
    ensure!((0.1..=120.0).contains(&args.fps), "--fps {} is not between 0.1 and 120", args.fps);
    ensure!((64..=3840).contains(&args.width), "--width {} is not between 64 and 3840", args.width);
    let analyser = Analyser::new(&rules)?;
    let mut played = Played { analyser, summary: Summary::default(), first_at: None, out };
    match (&args.clip, &args.recorded) {
        (_, Some(recording)) => played.recording(recording)?,
        (Some(clip), None) => played.clip(clip, args)?,
        (None, None) => bail!("name a clip, or a recording with --recorded"),
    }
    played.finish()
}

struct Played<'o> {
    analyser: Analyser,
    summary: Summary,
    first_at: Option<UtcMs>,
    out: &'o mut dyn Write,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a RuleEvent,
    method: &'a str,
}

impl Played<'_> {
    fn clip(&mut self, clip: &Path, args: &Args) -> Result<()> {
        let mut detector = open_detector(args);
        let mut record = args.record.as_deref().map(create).transpose()?;
        let camera: CameraId = "replay".parse().context("the name of the camera")?;
        for frame in camera::decode_file(clip, camera, args.fps, args.width)? {
            let frame = frame.with_context(|| format!("decoding {}", clip.display()))?;
            let mut failed = None;
            let observation =
                self.analyser.observe(&frame, |frame| match ask(detector.as_deref_mut(), frame) {
                    Ok(answer) => answer,
                    Err(error) => {
                        failed = Some(error);
                        Answer::Missing
                    }
                });
            if let Some(error) = failed {
                return Err(error).with_context(|| format!("frame {}", frame.sequence));
            }
            if let Some(record) = &mut record {
                serde_json::to_writer(&mut *record, &observation)?;
                record.write_all(b"\n").context("recording")?;
            }
            self.observation(&observation)?;
        }
        if let Some(mut record) = record {
            record.flush().context("recording")?;
        }
        if self.summary.frames == 0 {
            bail!("{} holds no picture", clip.display());
        }
        Ok(())
    }

    fn recording(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let place = || format!("{}, line {}", path.display(), number + 1);
            let line = line.with_context(place)?;
            self.observation(&serde_json::from_str(&line).with_context(place)?)?;
        }
        Ok(())
    }

    fn observation(&mut self, observation: &Observation) -> Result<()> {
        let summary = &mut self.summary;
        summary.frames += 1;
        summary.media_ms = observation.at.since_ms(*self.first_at.get_or_insert(observation.at));
        match observation.seen {
            Seen::Objects { .. } => summary.detected += 1,
            Seen::Motion { .. } => summary.motion_only += 1,
            Seen::Still => summary.still += 1,
            Seen::Unknown => {}
        }
        let events = self.analyser.conclude(observation);
        self.tell(&events)
    }

    fn tell(&mut self, events: &[RuleEvent]) -> Result<()> {
        for event in events {
            match event.phase {
                Phase::Opened => self.summary.opened += 1,
                Phase::Ended => self.summary.ended += 1,
                Phase::Updated => {}
            }
            serde_json::to_writer(&mut *self.out, &Line { event, method: self.analyser.method() })?;
            self.out.write_all(b"\n").context("writing an event")?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Summary> {
        let events = self.analyser.finish();
        self.tell(&events)?;
        let summary = serde_json::json!({ "summary": self.summary });
        writeln!(self.out, "{summary}").context("writing the summary")?;
        Ok(self.summary)
    }
}

/// A detector that fails in the middle would make the output depend on the machine, so that is an error here.
fn ask(detector: Option<&mut (dyn Detect + 'static)>, frame: &Frame) -> Result<Answer> {
    let Some(detector) = detector else { return Ok(Answer::Missing) };
    let detections = detector.detect(&frame.picture)?;
    Ok(Answer::Found { by: detector.name().into(), detections })
}

fn open_detector(args: &Args) -> Option<Box<dyn Detect>> {
    if args.motion_only {
        return None;
    }
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    let store = ModelStore::new(search_folders(args.models.clone(), None, data));
    match detector::open(&DetectorConfig::default(), &store) {
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

fn read_rules(path: &Path) -> Result<Vec<RuleConfig>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RuleFile {
        #[serde(default)]
        rule: Vec<RuleConfig>,
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let file: RuleFile = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    let errors: Vec<_> = file.rule.iter().flat_map(RuleConfig::validate).map(|e| e.to_string()).collect();
    if !errors.is_empty() {
        bail!("{}: {}", path.display(), errors.join("; "));
    }
    Ok(file.rule)
}

fn default_rules() -> Vec<RuleConfig> {
    [("intrusion", RuleKind::Intrusion), ("loitering", RuleKind::Loitering)]
        .into_iter()
        .filter_map(|(id, kind)| Some(RuleConfig::whole_picture(id.parse().ok()?, kind)))
        .collect()
}
