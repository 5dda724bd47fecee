//! `edge-agent eval-speech`: how well the installed speech model reads recordings whose words are known.
//!
//! The character error rate is micro-averaged: all edits over all characters said, after everything but letters and
//! digits has been taken out on both sides. Models write as they hear here, without numerals and punctuation, so the
//! references must be as spoken too. Recordings go through voice detection as calls do: what it misses counts.

pub(super) mod align;
#[cfg(test)]
mod demonstration;
mod manifest;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use protocol::{Clock, SystemClock};
use serde::Serialize;

use self::align::{Edits, edits, spoken};
use super::recognise::Recogniser;
use super::recording::Recording;
use super::transcribe::{check, chosen, find_speech};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to read: lines of PATH<tab>TEXT, or JSON objects with `audio` and `text`. Paths are relative to it.
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    /// Folder of the speech model, or its name below --models.
    #[arg(long)]
    pub model: Option<String>,
    /// Folder that holds model folders; may be given several times.
    #[arg(long = "models")]
    pub models: Vec<PathBuf>,
    /// The model for words while somebody speaks, instead of the one for speech that is over.
    #[arg(long)]
    pub streaming: bool,
    /// Every recording as well.
    #[arg(long)]
    pub verbose: bool,
    /// One JSON object instead of lines of text.
    #[arg(long)]
    pub json: bool,
}

/// One recording, or all of them.
#[derive(Clone, Debug, Default, Serialize)]
struct Score {
    #[serde(flatten)]
    edits: Edits,
    audio_ms: u64,
    took_ms: u64,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.edits.add(other.edits);
        self.audio_ms += other.audio_ms;
        self.took_ms += other.took_ms;
    }

    /// Time taken over length of sound.
    fn real_time_factor(&self) -> f64 {
        self.took_ms as f64 / self.audio_ms.max(1) as f64
    }
}

#[derive(Serialize)]
struct File {
    audio: PathBuf,
    said: String,
    read: String,
    #[serde(flatten)]
    score: Score,
}

#[derive(Serialize)]
struct Output {
    model: String,
    cer: f64,
    real_time_factor: f64,
    recordings: usize,
    #[serde(flatten)]
    total: Score,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
}

/// Blocks until done. `default_models` are searched after `--models`.
pub fn run(args: &Args, default_models: &[PathBuf]) -> anyhow::Result<()> {
    let roots = [args.models.as_slice(), default_models].concat();
    let choice = chosen(&roots, args.model.as_deref(), None)?;
    let model = if args.streaming {
        choice.live.context("no speech model here gives words while somebody speaks")?
    } else {
        choice.finished
    };
    let entries = manifest::read(&args.manifest)?;
    check(&model)?;
    let recogniser = Recogniser::load_as_spoken(&model)?;
    let clock = SystemClock::new();
    let (mut total, mut files) = (Score::default(), Vec::new());
    let mut out = std::io::stdout().lock();
    for entry in entries {
        let mut recording = Recording::open(&entry.audio)?;
        let began = clock.uptime_ms();
        let speech = find_speech(&mut recording)?;
        let lines = recogniser.transcribe(&mut recording, &speech)?;
        let took_ms = clock.uptime_ms() - began;
        let read: String = lines.into_iter().map(|line| line.segment.text).collect();
        let audio_ms = recording.length_ms() * recording.legs().len() as u64;
        let score = Score { edits: edits(&spoken(&entry.text), &spoken(&read)), audio_ms, took_ms };
        total.add(&score);
        if args.verbose && !args.json {
            let (edits, shown) = (score.edits, entry.audio.display());
            writeln!(out, "{shown}: {edits}\n  said {}\n  read {read}", entry.text)?;
        }
        files.push(File { audio: entry.audio, said: entry.text, read, score });
    }
    let output = Output {
        model: model.name,
        cer: total.edits.rate(),
        real_time_factor: total.real_time_factor(),
        recordings: files.len(),
        total,
        files: if args.verbose { files } else { Vec::new() },
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&output)?)?;
    } else {
        let Output { model, recordings, total, real_time_factor, .. } = &output;
        writeln!(out, "{model}, {recordings} recordings: {}", total.edits)?;
        writeln!(
            out,
            "{:.1} s of sound, real-time factor {real_time_factor:.3}",
            total.audio_ms as f64 / 1_000.0
        )?;
    }
    Ok(())
}
