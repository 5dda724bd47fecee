//! Golden scenes: recorded observations through tracker and rules give these incidents, byte for byte. The scenes are
//! made up by the program beside this file; `SHAODIAN_BLESS=1` writes scenes, recordings and expectations anew, to be
//! read in the diff before they are committed. What each must give is written beside it in any case, and counted as the
//! KISA certification counts.

mod falls;
mod people;
mod stage;
mod things;
mod vehicles;
mod views;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use edge_agent::replay::{Scene, SceneIncident};
use protocol::IncidentKind;
use stage::Stage;

/// One scene and the starts of the incidents that are due.
pub(crate) struct Golden {
    name: &'static str,
    rules: String,
    stage: Stage,
    due: Vec<(&'static str, f32)>,
    /// In words of the scene file, before `[camera]`.
    head: &'static str,
}

impl Golden {
    fn new(name: &'static str, rules: &str, stage: Stage, due: &[(&'static str, f32)]) -> Self {
        Self { name, rules: rules.to_owned(), stage, due: due.to_vec(), head: "" }
    }

    fn toml(&self) -> String {
        let Self { name, rules, head, .. } = self;
        format!("{head}[camera]\nid = \"golden\"\nurl = \"{name}.seen.jsonl\"\n{rules}")
    }
}

/// A rule on the lower part of the picture.
pub(crate) fn rule(id: &str, kind: &str, more: &str) -> String {
    format!(
        "\n[[camera.zones]]\nid = \"z-{id}\"\npolygon = [[0.1, 0.4], [0.9, 0.4], [0.9, 1.0], [0.1, 1.0]]\n\
         \n[[camera.rules]]\nid = \"{id}\"\nkind = \"{kind}\"\nzone = \"z-{id}\"\n{more}"
    )
}

fn all() -> Vec<Golden> {
    [people::scenes(), falls::scenes(), vehicles::scenes(), things::scenes(), views::scenes()]
        .into_iter()
        .flatten()
        .collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// A number for each name, the same on every machine.
fn seed(name: &str) -> u64 {
    name.bytes().fold(7, |hash, byte| hash * 31 % 1_000_003 + u64::from(byte))
}

fn lines<T: serde::Serialize>(all: &[T]) -> String {
    all.iter().fold(String::new(), |mut text, one| {
        writeln!(text, "{}", serde_json::to_string(one).unwrap()).unwrap();
        text
    })
}

/// Every scene gives what it gave, byte for byte.
#[test]
fn scenes_give_what_they_gave() {
    let bless = std::env::var_os("SHAODIAN_BLESS").is_some();
    for golden in all() {
        let file = |end: &str| folder().join(format!("{}.{end}", golden.name));
        if bless {
            std::fs::write(file("toml"), golden.toml()).unwrap();
            std::fs::write(file("seen.jsonl"), lines(&golden.stage.filmed(5, seed(golden.name)))).unwrap();
        }
        let told = Scene::load(&file("toml")).unwrap().play(None).unwrap();
        if bless {
            std::fs::write(file("incidents.jsonl"), lines(&told)).unwrap();
        }
        let expected = std::fs::read_to_string(file("incidents.jsonl")).unwrap();
        assert_eq!(lines(&told), expected, "{} no longer gives the incidents it gave", golden.name);
    }
}

/// Found and false alarms of one scene: an alarm from 2 s before to 10 s after an event's start finds it, once.
fn count(golden: &Golden, told: &[SceneIncident]) -> (usize, usize, usize) {
    let mut left: Vec<&SceneIncident> = told.iter().collect();
    let mut found = 0;
    for (rule, due) in &golden.due {
        let hit = |i: &&SceneIncident| {
            i.rule.as_str() == *rule && (due - 2.0..=due + 10.0).contains(&(i.started_s as f32))
        };
        if let Some(index) = left.iter().position(hit) {
            left.remove(index);
            found += 1;
        }
    }
    (found, golden.due.len() - found, left.len())
}

/// What is due is told once and nothing else is, whatever the frame rate and the chances of the detector.
#[test]
fn every_rate_gives_what_is_due() {
    let mut by_kind: BTreeMap<IncidentKind, [usize; 3]> = BTreeMap::new();
    let mut wrong = String::new();
    for golden in all() {
        let path = folder().join(format!("{}.toml", golden.name));
        let scene = Scene::load(&path).unwrap();
        for fps in [3, 5, 8, 15] {
            for variant in 0..5 {
                let seen = golden.stage.filmed(fps, seed(golden.name) + variant * 1_000_003);
                let told = scene.play_observations(seen.into_iter().map(Ok)).unwrap().incidents;
                let (found, missed, false_alarms) = count(&golden, &told);
                let kind = scene.file.watched.rules[0].incident_kind();
                let sum = by_kind.entry(kind).or_default();
                for (sum, n) in sum.iter_mut().zip([found, missed, false_alarms]) {
                    *sum += n;
                }
                if missed + false_alarms > 0 {
                    let starts: Vec<_> =
                        told.iter().map(|i| (i.rule.as_str(), i.started_s, i.ended_s)).collect();
                    let due = &golden.due;
                    writeln!(
                        wrong,
                        "{} at {fps} fps, variant {variant}: {starts:?} for {due:?}",
                        golden.name
                    )
                    .unwrap();
                }
            }
        }
    }
    for (kind, [found, missed, false_alarms]) in &by_kind {
        let f1 = 2.0 * *found as f32 / (2 * found + missed + false_alarms).max(1) as f32;
        println!("{kind}: found {found}, missed {missed}, false {false_alarms}, F1 {f1:.3}");
    }
    println!("{wrong}");
    for (kind, [found, missed, false_alarms]) in &by_kind {
        let f1 = 2.0 * *found as f32 / (2 * found + missed + false_alarms).max(1) as f32;
        assert!(f1 >= 0.95, "{kind}: F1 {f1}\n{wrong}");
    }
}
