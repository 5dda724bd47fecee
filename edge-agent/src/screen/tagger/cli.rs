//! `edge-agent train-tagger`: fits the model to the corpus, and measures it on utterances that it has not seen.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::corpus::{self, Pattern};
use super::correction::Overlay;
use super::decision::Decision;
use super::features::{Feature, View, features};
use super::label::{Labels, alarm, category, matter, urgency};
use super::measure::measure;
use super::model::Model;
use super::noise::Slips;
use super::train::{Fit, fit, utter};
use super::{Tagger, Tags};
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
    /// Folder where topic.bin, alarm.bin and decision.txt are written; nothing is fitted without it
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
        Some(folder) => train(&patterns, &slips, Fit { seed: args.seed, ..Fit::default() }, folder)?,
        None => Tagger::built_in(),
    };
    for path in &args.measure {
        let set = labelled(path)?;
        let noisy = misheard(&set, &slips, args.seed);
        say!("{}\n{}", path.display(), measure(&tagger, &set, args.wrong));
        say!(
            "  with {:.0} % of the characters misheard\n{}",
            SLIP_RATE * 100.0,
            measure(&tagger, &noisy, false)
        );
    }
    Ok(())
}

/// The set as a recogniser may hear it.
pub(super) fn misheard(set: &[Labelled], slips: &Slips, seed: u64) -> Vec<Labelled> {
    let mut chance = StdRng::seed_from_u64(seed);
    let slip =
        |l: &Labelled| Labelled { text: slips.slip(&l.text, SLIP_RATE, &mut chance), labels: l.labels };
    set.iter().map(slip).collect()
}

pub(super) fn slips(patterns: &[Pattern]) -> Slips {
    let mut chance = StdRng::seed_from_u64(1);
    let texts: Vec<String> = patterns.iter().map(|p| p.say(&mut chance)).collect();
    Slips::of(texts.iter().map(String::as_str))
}

/// Fits all of the tagger and writes it. How sure its models may be, and how their answers are weighed, is found on
/// patterns that models of the same kind were not fitted to.
fn train(patterns: &[Pattern], slips: &Slips, how: Fit, folder: &Path) -> anyhow::Result<Tagger> {
    let (kept, rest): (Vec<_>, Vec<_>) =
        patterns.iter().cloned().enumerate().partition(|(index, _)| index % FOLDS == 0);
    let plain = |part: Vec<(usize, Pattern)>| part.into_iter().map(|(_, p)| p).collect::<Vec<_>>();
    let (kept, rest) = (plain(kept), plain(rest));
    let mut chance = StdRng::seed_from_u64(how.seed);
    let mut model = |view: View, file: &str| -> anyhow::Result<(Model, Model)> {
        let fitted = fit(view, &rest, slips, how);
        let unsure = Model::of(view, fitted.write([1.0; 2]))?;
        let whole = kept.iter().filter(|p| !p.fragment);
        let unseen: Vec<(Vec<Feature>, Labels)> = whole
            .map(|p| (features(&Reading::of(&utter(View::Topic, p, slips, &mut chance)), view), p.labels))
            .collect();
        let temperatures = super::train::temperatures(view, &unsure, &unseen);
        let bytes = fit(view, patterns, slips, how).write(temperatures);
        let path = folder.join(file);
        fs::write(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        let (count, length) = (patterns.len(), bytes.len());
        say!("{}: {count} patterns, {length} bytes, temperatures {temperatures:.2?}", path.display());
        Ok((Model::of(view, fitted.write(temperatures))?, Model::of(view, bytes)?))
    };
    let (held_topic, topic) = model(View::Topic, "topic.bin")?;
    let (held_alarm, alarm) = model(View::Alarm, "alarm.bin")?;
    let held = Tagger {
        topic: held_topic,
        alarm: held_alarm,
        decision: Decision::trusting(),
        overlay: Overlay::default(),
    };
    let known: Vec<(Tags, bool)> = kept
        .iter()
        .flat_map(|p| [(View::Topic, p), (View::Alarm, p), (View::Topic, p)])
        .map(|(view, p)| {
            let text = utter(view, p, slips, &mut chance);
            (held.answers(&Reading::of(&text)), p.labels.alarms != 0)
        })
        .collect();
    let decision = Decision::fit(&known);
    let path = folder.join("decision.txt");
    fs::write(&path, decision.write()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Tagger { topic, alarm, decision, overlay: Overlay::default() })
}

/// Reads `{"text", "matter", "category", "urgency", "alarms"}` lines.
pub(super) fn labelled(path: &Path) -> anyhow::Result<Vec<Labelled>> {
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
