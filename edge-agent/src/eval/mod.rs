//! `edge-agent eval`: scenes with their truth through the whole analysis, and how well its alarms agree with what
//! really happened.
//!
//! A scene is `NAME.toml` with `NAME.truth.json` beside it (see [`truth`]); scored by the rule in [`score`]. Scenes are
//! independent of each other, so several run at once; each is played alone, in order, on media time.

mod bound;
mod picture;
mod report;
pub mod score;
pub mod truth;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use protocol::{IncidentKind, Label, NormBox};
use serde::Serialize;

pub use self::bound::upper_bound;
pub use self::report::Report;
use self::score::{Happened, Judged, judge};
use self::truth::{TrueEvent, Truth, Watched};
use crate::detector::{self, Detect, DetectorConfig};
use crate::observation::Seen;
use crate::replay::{Scene, SceneIncident, open_detector};
use crate::rules::{RuleConfig, Task};
use crate::say;

#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Folder with scenes: each NAME.toml with NAME.truth.json beside it.
    #[arg(long, value_name = "DIR")]
    pub scenes: PathBuf,
    /// Writes everything that was counted, for machines.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes a picture of every missed event and every false alarm into this folder.
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Fails when a class of events scores less.
    #[arg(long, value_name = "0..1")]
    pub min_f1: Option<f64>,
    /// With --min-f1: a class that nothing here can see, and that need not be measured. May be given several times.
    #[arg(long, value_name = "KIND", requires = "min_f1")]
    pub except: Vec<IncidentKind>,
    /// Folder with models.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Leaves the detector out, as on a box without weights.
    #[arg(long)]
    pub motion_only: bool,
    /// Scenes played at the same time; as many as there are processors when left out.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// `[detector]` of the configuration named by `--config`.
    #[arg(skip)]
    pub detector: Option<DetectorConfig>,
}

/// Prints the table; fails when a scene could not be scored, and as `--min-f1` says.
pub fn run(args: &Args) -> Result<ExitCode> {
    if let Some(limit) = args.min_f1 {
        ensure!((0.0..=1.0).contains(&limit), "--min-f1 {limit} is not between 0 and 1");
    }
    let report = eval(args)?;
    say!("{report}");
    if let Some(path) = &args.json {
        let text = serde_json::to_vec_pretty(&report).context("writing the figures")?;
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let mut short: Vec<String> = Vec::new();
    if let Some(limit) = args.min_f1 {
        let low = report.below(limit);
        short.extend(low.iter().map(|(kind, f1)| format!("{kind}: F1 {f1:.3} is below {limit:.3}")));
        let unseen: BTreeSet<IncidentKind> = report.unwatched.iter().flat_map(|u| u.kinds.clone()).collect();
        let unexcused = unseen.iter().filter(|kind| !args.except.contains(kind));
        short.extend(unexcused.map(|kind| format!("{kind}: not measured; --except {kind} lets it pass")));
    }
    if !report.failed.is_empty() {
        short.push(format!("{} scenes could not be scored", report.failed.len()));
    }
    short.iter().for_each(|line| say!("{line}"));
    Ok(if short.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As [`run`], without a word.
pub fn eval(args: &Args) -> Result<Report> {
    let paths = scene_files(&args.scenes)?;
    ensure!(!paths.is_empty(), "{} holds no scene", args.scenes.display());
    if let Some(folder) = &args.pictures {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut config = args.detector.clone().unwrap_or_default();
    config.enabled &= !args.motion_only;
    let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let next = AtomicUsize::new(0);
    let played: Mutex<Vec<(usize, Outcome)>> = Mutex::default();
    let by: Mutex<Option<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, paths.len()) {
            scope.spawn(|| {
                let mut detector = open_detector(&config, args.models.clone());
                let name = detector.as_ref().map(|d| d.name().to_owned());
                *by.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = name;
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(index) else { break };
                    let outcome = outcome(path, &config, detector.as_deref_mut(), args);
                    played.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, outcome));
                }
            });
        }
    });
    let mut played = played.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    played.sort_by_key(|(index, _)| *index);
    let detector = by.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let report = Report::of(detector, played.into_iter().map(|(_, outcome)| outcome));
    ensure!(!report.scenes.is_empty(), "no scene could be scored: {}", report.why_none());
    Ok(report)
}

/// What became of a scene.
enum Outcome {
    Scored(SceneScore),
    Unwatched(Unwatched),
    /// Scene or truth is wrong, or its clip does not play.
    Failed {
        scene: String,
        reason: String,
    },
}

/// A scene with a rule that nothing here can see for.
#[derive(Clone, Debug, Serialize)]
pub struct Unwatched {
    pub scene: String,
    pub kinds: BTreeSet<IncidentKind>,
    pub reason: String,
}

/// One scene's events and alarms.
#[derive(Clone, Debug, Serialize)]
pub struct SceneScore {
    pub scene: String,
    pub media_s: f64,
    pub frames: u64,
    /// Frames the detector looked at.
    pub detected: u64,
    pub rules: Vec<RuleScore>,
}

/// One rule of a scene.
#[derive(Clone, Debug, Serialize)]
pub struct RuleScore {
    pub rule: String,
    pub kind: IncidentKind,
    pub found: Vec<Found>,
    /// When each missed event began.
    pub missed_s: Vec<f64>,
    /// When each false alarm was given.
    pub false_s: Vec<f64>,
    #[serde(skip)]
    judged: Judged,
}

/// An event and the alarm that found it.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    pub started_s: f64,
    pub delay_s: f64,
}

fn scene_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("opening {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Boxes that were seen at a moment.
type Sight = (f64, Vec<NormBox>);

fn outcome(
    path: &Path,
    config: &DetectorConfig,
    detector: Option<&mut (dyn Detect + 'static)>,
    args: &Args,
) -> Outcome {
    let scene = name_of(path);
    let named = config.named_in(&detector::store(args.models.clone(), None));
    match Scene::load_for(path, &named) {
        Ok(loaded) => match play(path, &loaded, detector, args) {
            Ok(scored) => Outcome::Scored(scored),
            Err(error) => Outcome::Failed { scene, reason: format!("{error:#}") },
        },
        Err(error) => {
            let reason = format!("{error:#}");
            // Right in itself, if there were models for everything?
            match Scene::load_for(path, Label::ALL) {
                Ok(seen) => {
                    let kinds = seen.file.watched.rules.iter().map(RuleConfig::incident_kind).collect();
                    Outcome::Unwatched(Unwatched { scene, kinds, reason })
                }
                Err(_) => Outcome::Failed { scene, reason },
            }
        }
    }
}

fn play(
    path: &Path,
    scene: &Scene,
    detector: Option<&mut (dyn Detect + 'static)>,
    args: &Args,
) -> Result<SceneScore> {
    let rules: Vec<&RuleConfig> = scene.file.watched.rules.iter().filter(|rule| rule.enabled).collect();
    let truth = Truth::of(path, scene.media(), &rules.iter().map(|rule| watched(rule)).collect::<Vec<_>>())?;
    for event in &truth.events {
        let due = |rule: &&RuleConfig| {
            rule.incident_kind() == event.kind && event.rule.as_ref().is_none_or(|of| *of == rule.id.as_str())
        };
        let which = event.rule.as_deref().unwrap_or("any name");
        ensure!(
            rules.iter().any(due),
            "its truth has a {} at {} s for a rule of {which}, and {} has none that is switched on",
            event.kind,
            event.started_s,
            path.display()
        );
    }
    let mut sights: Vec<Sight> = Vec::new();
    let played = scene.play_with(detector, |observation| {
        if args.pictures.is_some()
            && let Seen::Objects { detections, .. } | Seen::Motion { detections } = &observation.seen
        {
            let boxes = detections.iter().map(|d| d.region).collect();
            sights.push((observation.at.0 as f64 / 1_000.0, boxes));
        }
        Ok(())
    })?;
    let rules = rules.iter().map(|rule| score_rule(rule, &truth, &played.incidents)).collect();
    let name = name_of(path);
    let score = SceneScore {
        scene: name,
        media_s: played.media_ms as f64 / 1_000.0,
        frames: played.frames,
        detected: played.detected,
        rules,
    };
    if let Some(folder) = &args.pictures
        && !scene.is_recorded()
    {
        picture::write(&score, path, scene, &sights, folder)?;
    }
    Ok(score)
}

fn watched(rule: &RuleConfig) -> Watched {
    let dwell_ms = match rule.task {
        Task::Presence { dwell_ms, .. }
        | Task::Loitering { dwell_ms, .. }
        | Task::Crowding { dwell_ms, .. }
        | Task::Parking { dwell_ms, .. }
        | Task::Left { dwell_ms, .. }
        | Task::Fall { dwell_ms, .. }
        | Task::Burning { dwell_ms, .. }
        | Task::View { dwell_ms, .. }
        | Task::Lost { dwell_ms } => dwell_ms,
        Task::Crossing { .. } => 0,
    };
    Watched { rule: rule.id.to_string(), kind: rule.incident_kind(), dwell_s: dwell_ms as f64 / 1_000.0 }
}

fn score_rule(rule: &RuleConfig, truth: &Truth, incidents: &[SceneIncident]) -> RuleScore {
    let name = rule.id.to_string();
    let concerns =
        |e: &&TrueEvent| e.kind == rule.incident_kind() && e.rule.as_ref().is_none_or(|of| *of == name);
    let happened =
        |e: &TrueEvent| Happened { started_s: e.started_s, ended_s: e.ended_s.unwrap_or(truth.media_s) };
    let events: Vec<Happened> = truth.events.iter().filter(concerns).map(happened).collect();
    let alarms: Vec<f64> = incidents.iter().filter(|i| i.rule == rule.id).map(|i| i.started_s).collect();
    let judged = judge(&events, &alarms);
    let found = judged.found.iter();
    RuleScore {
        rule: name,
        kind: rule.incident_kind(),
        found: found.map(|&(e, _, delay_s)| Found { started_s: events[e].started_s, delay_s }).collect(),
        missed_s: judged.missed.iter().map(|&e| events[e].started_s).collect(),
        false_s: judged.false_alarms.iter().map(|&a| alarms[a]).collect(),
        judged,
    }
}
