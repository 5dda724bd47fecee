//! The figures of all scenes together, as a table and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use protocol::IncidentKind;
use serde::Serialize;

use super::score::{Scored, Tallies, Tally};
use super::{Outcome, SceneScore, Unwatched};

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Model that looked; absent: motion alone.
    pub detector: Option<String>,
    pub classes: BTreeMap<IncidentKind, Scored>,
    /// Every class together; each scene's time counts once.
    pub all: Scored,
    pub scenes: Vec<SceneScore>,
    /// Scenes that no model here can see for.
    pub unwatched: Vec<Unwatched>,
    /// Scenes that could not be scored, and why.
    pub failed: Vec<(String, String)>,
}

impl Report {
    pub(super) fn of(detector: Option<String>, outcomes: impl Iterator<Item = Outcome>) -> Self {
        let (mut scenes, mut unwatched, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Scored(scene) => scenes.push(scene),
                Outcome::Unwatched(scene) => unwatched.push(scene),
                Outcome::Failed { scene, reason } => failed.push((scene, reason)),
            }
        }
        let (mut tallies, mut all) = (Tallies::new(), Tally::default());
        for scene in &scenes {
            all.add_scene(scene.media_s);
            let kinds: BTreeSet<IncidentKind> = scene.rules.iter().map(|rule| rule.kind).collect();
            for kind in kinds {
                tallies.entry(kind).or_default().add_scene(scene.media_s);
            }
            for rule in &scene.rules {
                tallies.entry(rule.kind).or_default().add(&rule.judged);
                all.add(&rule.judged);
            }
        }
        let classes = tallies.iter().map(|(kind, tally)| (*kind, tally.scored())).collect();
        Self { detector, classes, all: all.scored(), scenes, unwatched, failed }
    }

    /// Classes that score less, with their score. A class with neither events nor alarms has none.
    pub fn below(&self, limit: f64) -> Vec<(IncidentKind, f64)> {
        let scored = self.classes.iter().filter_map(|(kind, scored)| Some((*kind, scored.f1?)));
        scored.filter(|(_, f1)| *f1 < limit).collect()
    }

    pub(super) fn why_none(&self) -> String {
        let failed = self.failed.iter().map(|(scene, reason)| format!("{scene}: {reason}"));
        let unwatched = self.unwatched.iter().map(|u| format!("{}: {}", u.scene, u.reason));
        failed.chain(unwatched).next().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<19} {:>6} {:>6} {:>6} {:>6} {:>6}  {:>6} {:>6} {:>6}  {:>8} {:>8}  {:>7} {:>7}",
            "class",
            "scenes",
            "hours",
            "found",
            "missed",
            "false",
            "prec.",
            "recall",
            "F1",
            "false/h",
            "95% <=",
            "delay s",
            "p95"
        )?;
        for (kind, scored) in &self.classes {
            row(f, kind.as_str(), scored)?;
        }
        row(f, "all", &self.all)?;
        let by = self.detector.as_deref().unwrap_or("motion alone");
        writeln!(f, "seen by {by}; an alarm counts from 2 s before to 10 s after the event's start")?;
        for scene in &self.scenes {
            for rule in &scene.rules {
                for at_s in &rule.missed_s {
                    writeln!(f, "missed  {at_s:>7.1} s  {:<18} {}", rule.kind, scene.scene)?;
                }
                for at_s in &rule.false_s {
                    writeln!(f, "false   {at_s:>7.1} s  {:<18} {}", rule.kind, scene.scene)?;
                }
            }
        }
        for Unwatched { scene, reason, .. } in &self.unwatched {
            writeln!(f, "not watched: {scene}: {reason}")?;
        }
        for (scene, reason) in &self.failed {
            writeln!(f, "not scored: {scene}: {reason}")?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, scored: &Scored) -> fmt::Result {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    writeln!(
        f,
        "{name:<19} {:>6} {:>6.2} {:>6} {:>6} {:>6}  {:>6} {:>6} {:>6}  {:>8} {:>8}  {:>7} {:>7}",
        scored.scenes,
        scored.camera_hours,
        scored.found,
        scored.missed,
        scored.false_alarms,
        number(scored.precision, 3),
        number(scored.recall, 3),
        number(scored.f1, 3),
        number(scored.false_per_hour, 2),
        number(scored.false_per_hour_bound, 2),
        number(scored.delay_median_s, 1),
        number(scored.delay_p95_s, 1),
    )
}
