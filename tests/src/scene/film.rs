//! A script as files: NAME.mp4, NAME.toml (the scene file of `edge-agent replay` and `eval`) and NAME.truth.json.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::encode::{Encoder, Format};
use super::facts::{self, TrueIncident};
use super::script::Script;
use super::stage::{Stage, Take};

/// A script's pictures one after the other, without any file.
pub struct Film {
    stage: Stage,
}

impl Film {
    pub fn of(script: &Script) -> Result<Self> {
        Ok(Self { stage: Stage::set_up(script)? })
    }
}

impl Iterator for Film {
    type Item = Take;

    fn next(&mut self) -> Option<Take> {
        self.stage.take()
    }
}

impl Script {
    /// What a watcher with these rules must report.
    pub fn incidents(&self) -> Vec<TrueIncident> {
        facts::incidents(self)
    }
}

/// Writes the three files into `folder`.
pub fn shoot(script: &Script, folder: &Path) -> Result<()> {
    let file = |ending: &str| folder.join(format!("{}.{ending}", script.name));
    let Script { width, height, fps, .. } = *script;
    let mp4 = file("mp4");
    let format = Format { width, height, fps, bframes: 0, bitrate_kbps: width * height * fps / 900 };
    let mut encoder = Encoder::start(format, &mp4)?;
    for take in Film::of(script)? {
        let frame = (take.at_ms * u64::from(fps)).div_ceil(1000);
        encoder.push(&take.shot, frame).with_context(|| format!("drawing {}", mp4.display()))?;
    }
    encoder.finish()?;
    let write = |ending: &str, text: String| {
        std::fs::write(file(ending), text).with_context(|| format!("writing {}", file(ending).display()))
    };
    write("toml", scene_toml(script))?;
    write("truth.json", truth_json(script))
}

/// The scene file.
pub fn scene_toml(script: &Script) -> String {
    let view = script.place.view();
    let points = |ground: &[[f32; 2]]| {
        let shares = ground.iter().map(|p| view.ground(*p)).map(|s| {
            format!("[{:.4}, {:.4}]", (s.x / 1280.0).clamp(0.0, 1.0), (s.y / 720.0).clamp(0.0, 1.0))
        });
        format!("[{}]", shares.collect::<Vec<_>>().join(", "))
    };
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(out, "{text}");
    };
    line(format_args!("# {} Seed {}.", script.note, script.seed));
    line(format_args!("[camera]\nid = {}", quoted(&script.name)));
    line(format_args!("url = {}", quoted(&format!("{}.mp4", script.name))));
    line(format_args!("analysis_fps = {}", script.fps));
    for zone in &script.zones {
        line(format_args!("\n[[camera.zones]]\nid = {}", quoted(&zone.id)));
        line(format_args!("polygon = {}", points(&zone.ground)));
    }
    for l in &script.lines {
        line(format_args!("\n[[camera.lines]]\nid = {}\npoints = {}", quoted(&l.id), points(&l.ground)));
    }
    for rule in &script.rules {
        line(format_args!("\n[[camera.rules]]\nid = {}\nkind = \"{}\"", quoted(&rule.id), rule.kind));
        for (key, value) in [("zone", &rule.zone), ("line", &rule.line), ("direction", &rule.direction)] {
            if let Some(value) = value {
                line(format_args!("{key} = {}", quoted(value)));
            }
        }
        if !rule.labels.is_empty() {
            let labels: Vec<String> = rule.labels.iter().map(|l| quoted(l.as_str())).collect();
            line(format_args!("labels = [{}]", labels.join(", ")));
        }
        for (key, value) in [("dwell_s", rule.dwell_s), ("count", rule.count)] {
            if let Some(value) = value {
                line(format_args!("{key} = {value}"));
            }
        }
    }
    out
}

/// The truth beside it.
pub fn truth_json(script: &Script) -> String {
    let tenths = |s: f32| (f64::from(s) * 10.0).round() / 10.0;
    let events: Vec<_> = script
        .incidents()
        .into_iter()
        .map(|e| {
            let mut event = json!({ "kind": e.kind, "rule": e.rule, "started_s": tenths(e.started_s) });
            if let Some(zone) = e.zone {
                event["zone"] = json!(zone);
            }
            if let Some(ended_s) = e.ended_s {
                event["ended_s"] = json!(tenths(ended_s));
            }
            event
        })
        .collect();
    let truth = json!({ "media_s": tenths(script.seconds), "note": script.note, "events": events });
    format!("{truth:#}\n")
}
