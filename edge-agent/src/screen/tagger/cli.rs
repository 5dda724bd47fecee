//! `edge-agent train-tagger`: fits the model to the corpus, and measures it on utterances that it has not seen.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Tagger;
use super::corpus::{self, Pattern};
use super::features::{Feature, View, features};
use super::label::{Labels, alarm, category, matter, urgency};
use super::measure::measure;
use super::model::{Model, Temperatures};
use super::noise::Slips;
use super::train::{Fit, fit};
use crate::say;
use crate::screen::reading::Reading;

/// One pattern in this many is kept back, to find how sure the model may be.
const FOLDS: usize = 5;
/// Share of characters that a recogniser gets wrong in the second measure.
const SLIP_RATE: f64 = 0.1;

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Folder of patterns
    #[arg(long, value_name = "DIR", default_value = "models/tagger/corpus")]
    pub corpus: PathBuf,
    /// Folder where topic.bin and alarm.bin are written; nothing is fitted without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Labelled utterances, one JSON object a line, to measure the model on; may be given several times
    #[arg(long, value_name = "FILE")]
    pub measure: Vec<PathBuf>,
    /// Seed of everything that is drawn
    #[arg(long, default_value_t = Fit::default().seed)]
    pub seed: u64,
    /// Prints each utterance that is told wrongly
    #[arg(long)]
    pub wrong: bool,
}

/// An utterance whose labels are known.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub text: String,
    pub labels: Labels,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let patterns = corpus::read(&args.corpus)?;
    let slips = slips(&patterns);
    let tagger = match &args.out {
        Some(folder) => {
            let how = Fit { seed: args.seed, ..Fit::default() };
            let topic = make(View::Topic, &patterns, &slips, how, &folder.join("topic.bin"))?;
            let alarm = make(View::Alarm, &patterns, &slips, how, &folder.join("alarm.bin"))?;
            Tagger { topic, alarm }
        }
        None => Tagger::built_in(),
    };
    for path in &args.measure {
        let set = labelled(path)?;
        let mut chance = StdRng::seed_from_u64(args.seed);
        let noisy: Vec<Labelled> = set
            .iter()
            .map(|l| Labelled { text: slips.slip(&l.text, SLIP_RATE, &mut chance), labels: l.labels })
            .collect();
        say!("{}\n{}", path.display(), measure(&tagger, &set, args.wrong));
        say!(
            "  with {:.0} % of the characters misheard\n{}",
            SLIP_RATE * 100.0,
            measure(&tagger, &noisy, false)
        );
    }
    Ok(())
}

fn slips(patterns: &[Pattern]) -> Slips {
    let mut chance = StdRng::seed_from_u64(1);
    let texts: Vec<String> = patterns.iter().map(|p| p.say(&mut chance)).collect();
    Slips::of(texts.iter().map(String::as_str))
}

/// Fits one of the two models and writes it.
fn make(view: View, patterns: &[Pattern], slips: &Slips, how: Fit, path: &Path) -> anyhow::Result<Model> {
    let temperatures = temperatures(view, patterns, slips, how)?;
    let bytes = fit(view, patterns, slips, how).write(temperatures);
    fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    let (count, length) = (patterns.len(), bytes.len());
    say!("{}: {count} patterns, {length} bytes, temperatures {temperatures:.2?}", path.display());
    Ok(Model::of(view, bytes)?)
}

/// How much to take back of the model's certainty, found on patterns that it was not fitted to.
fn temperatures(view: View, patterns: &[Pattern], slips: &Slips, how: Fit) -> anyhow::Result<Temperatures> {
    let (kept, rest): (Vec<_>, Vec<_>) =
        patterns.iter().cloned().enumerate().partition(|(i, _)| i % FOLDS == 0);
    let plain = |part: Vec<(usize, Pattern)>| part.into_iter().map(|(_, p)| p).collect::<Vec<_>>();
    let model = Model::of(view, fit(view, &plain(rest), slips, how).write([1.0; 2]))?;
    let mut chance = StdRng::seed_from_u64(how.seed);
    let unseen: Vec<(Vec<Feature>, Labels)> = plain(kept)
        .iter()
        .map(|p| (features(&Reading::of(&super::train::utter(p, slips, &mut chance)), view), p.labels))
        .collect();
    Ok(super::train::temperatures(view, &model, &unseen))
}

/// Reads `{"text", "matter", "category", "urgency", "alarms"}` lines.
fn labelled(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    #[derive(serde::Deserialize)]
    struct Line {
        text: String,
        matter: String,
        category: String,
        urgency: String,
        alarms: Vec<String>,
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = |line: &str| -> anyhow::Result<Labelled> {
        let line: Line = serde_json::from_str(line)?;
        let mut labels = Labels {
            category: category(&line.category)
                .with_context(|| format!("category {:?} is not known", line.category))?,
            matter: matter(&line.matter).with_context(|| format!("matter {:?} is not known", line.matter))?,
            urgency: urgency(&line.urgency)
                .with_context(|| format!("urgency {:?} is not known", line.urgency))?,
            alarms: 0,
        };
        for id in &line.alarms {
            labels.alarms |= 1 << alarm(id).with_context(|| format!("alarm {id:?} is not known"))?;
        }
        Ok(Labelled { text: line.text, labels })
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| read(line).with_context(|| format!("{}:{}", path.display(), n + 1)))
        .collect()
}
