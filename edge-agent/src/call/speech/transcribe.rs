//! `edge-agent transcribe FILE`: what a recording says, with whatever model is installed. The box runs the same command
//! with `--worker` (finished calls: one line of JSON in per call, one out) and with `--live` (calls as they run).

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::Context;
use models::supply::check_folder;
use protocol::{Leg, Segment};
use serde::{Deserialize, Serialize};

use super::recognise::{Line, Recogniser};
use super::recording::Recording;
use super::{Choice, Installed, choose, live, punctuation};
use crate::call::record::Spoken;
use crate::call::vad::{Method, Vad};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// WAV recording, 16-bit: left = caller, right = operator, or one side only.
    #[arg(required_unless_present_any = ["worker", "live"])]
    pub file: Option<PathBuf>,
    /// Folder of the speech model, or its name below --models.
    #[arg(long)]
    pub model: Option<String>,
    /// Folder that holds model folders; may be given several times.
    #[arg(long = "models")]
    pub models: Vec<PathBuf>,
    /// One JSON object instead of lines of text.
    #[arg(long)]
    pub json: bool,
    /// Reads requests from standard input.
    #[arg(long, hide = true, conflicts_with_all = ["file", "json"])]
    pub worker: bool,
    /// Reads the sound of calls from standard input as they run.
    #[arg(long, hide = true, conflicts_with_all = ["file", "json", "worker"])]
    pub live: bool,
    /// Folder of the model for words while somebody speaks, or its name below --models.
    #[arg(long, hide = true, requires = "live")]
    pub live_model: Option<String>,
}

/// What the worker is asked, per call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub recording: PathBuf,
    pub speech: Vec<Spoken>,
}

/// What the worker says; first of all `Ready`, or `Failed` where the model is not fit for work.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(super) enum Reply {
    Ready,
    Done { segments: Vec<Segment> },
    Failed { reason: String },
}

#[derive(Serialize)]
struct Output {
    model: String,
    segments: Vec<Line>,
}

/// Blocks until done. `default_models` are searched after `--models`.
pub fn run(args: &Args, default_models: &[PathBuf]) -> anyhow::Result<()> {
    let roots = [args.models.as_slice(), default_models].concat();
    let choice = chosen(&roots, args.model.as_deref(), args.live_model.as_deref())?;
    // Words without marks are better than none.
    let marks = punctuation(&roots).filter(|file| {
        let checked = file.parent().map_or(Ok(()), check_folder);
        checked.inspect_err(|error| tracing::warn!(%error, "no punctuation")).is_ok()
    });
    if args.live {
        return live::work(&choice, marks.as_deref());
    }
    let load = || check(&choice.finished).and_then(|()| Recogniser::load(&choice.finished, marks.as_deref()));
    if args.worker {
        return work(load());
    }
    let file = args.file.as_ref().context("give a recording")?;
    let mut recording = Recording::open(file)?;
    let speech = find_speech(&mut recording)?;
    let recogniser = load()?;
    let segments = recogniser.transcribe(&mut recording, &speech)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&Output { model: choice.finished.name, segments })?)?;
        return Ok(());
    }
    for Line { segment, .. } in segments {
        let side = if segment.leg == Leg::Caller { "caller  " } else { "operator" };
        let (minutes, seconds) = (segment.start_ms / 60_000, segment.start_ms % 60_000 / 1_000);
        writeln!(out, "{minutes:02}:{seconds:02} {side} {}", segment.text)?;
    }
    Ok(())
}

/// The models to use; none is an error that says where one was looked for.
pub(super) fn chosen(roots: &[PathBuf], model: Option<&str>, live: Option<&str>) -> anyhow::Result<Choice> {
    choose(roots, model, live, &[]).map_err(anyhow::Error::msg)?.with_context(|| {
        let tried: Vec<_> = roots.iter().map(|r| r.display().to_string()).collect();
        format!(
            "no speech model below {}; `edge-agent models fetch sense-voice-small`, or unpack one of \
             models/manifest.toml there",
            tried.join(", ")
        )
    })
}

/// Holds a model against what was installed: the native library ends the process on a file that it cannot read.
pub(super) fn check(model: &Installed) -> anyhow::Result<()> {
    Ok(model.model.parent().map_or(Ok(()), check_folder)?)
}

pub(super) fn find_speech(recording: &mut Recording) -> anyhow::Result<Vec<Spoken>> {
    const BLOCK_MS: u64 = 60_000;
    let mut speech = Vec::new();
    for leg in recording.legs() {
        let mut vad = Vad::new(&Method::Earshot, recording.rate_hz);
        for from in (0..recording.length_ms()).step_by(BLOCK_MS as usize) {
            vad.accept(&recording.side(*leg, from, from + BLOCK_MS)?);
        }
        let spans = vad.finish();
        speech.extend(spans.iter().map(|s| Spoken { leg: *leg, start_ms: s.start_ms, end_ms: s.end_ms }));
    }
    speech.sort_by_key(|s| (s.start_ms, s.leg));
    Ok(speech)
}

fn work(loaded: anyhow::Result<Recogniser>) -> anyhow::Result<()> {
    // Cameras and running calls come first.
    if let Err(error) = rustix::process::nice(10) {
        tracing::warn!(%error, "transcription runs at full priority");
    }
    let mut out = std::io::stdout().lock();
    let mut say = |reply: &Reply| -> anyhow::Result<()> {
        writeln!(out, "{}", serde_json::to_string(reply)?)?;
        Ok(out.flush()?)
    };
    let recogniser = match loaded {
        Ok(recogniser) => recogniser,
        Err(error) => {
            say(&Reply::Failed { reason: format!("{error:#}") })?;
            return Err(error);
        }
    };
    say(&Reply::Ready)?;
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?).context("a request that is not ours")?;
        let read = Recording::open(&request.recording)
            .and_then(|mut recording| recogniser.transcribe(&mut recording, &request.speech));
        say(&match read {
            Ok(lines) => Reply::Done { segments: lines.into_iter().map(|line| line.segment).collect() },
            Err(error) => Reply::Failed { reason: format!("{error:#}") },
        })?;
    }
    Ok(())
}
