//! The demonstration recogniser reads what it read: a guard over its files and the runtime that loads them, on a small
//! set of its own. What the model is worth is in its card, on more.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::align::{Edits, edits, spoken};
use crate::call::speech::engine::Engine;
use crate::call::speech::{Installed, ModelKind};
use crate::call::vad::to_f32;

/// Character error rates that are still the model's own; 21.9 % and 31.4 % were measured when they were written, and
/// Wilson's intervals of as many characters end at 25.4 % and 35.2 %.
const FINISHED_AT_MOST: f64 = 0.27;
const STREAMING_AT_MOST: f64 = 0.37;

struct Sentence {
    text: String,
    rate_hz: u32,
    wave: Vec<f32>,
}

/// Every line of `unseen.tsv`, spoken by espeak-ng.
fn sentences(folder: &Path) -> Vec<Sentence> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/unseen.tsv");
    let lines = std::fs::read_to_string(list).unwrap();
    let speak = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [text, pinyin, variant, speed, pitch] = fields[..] else { panic!("unseen.tsv: {line:?}") };
        let wav: PathBuf = folder.join(format!("{number}.wav"));
        let voice = format!("cmn-latn-pinyin+{variant}");
        let said = Command::new("espeak-ng")
            .args(["-v", &voice, "-s", speed, "-p", pitch, "-w"])
            .arg(&wav)
            .arg(pinyin)
            .output()
            .expect("espeak-ng speaks (Debian package espeak-ng)");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let reader = hound::WavReader::open(&wav).unwrap();
        let rate_hz = reader.spec().sample_rate;
        let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
        Sentence { text: text.to_owned(), rate_hz, wave: to_f32(&samples) }
    };
    lines.lines().filter(|line| !line.starts_with('#')).enumerate().map(speak).collect()
}

/// Both of its recognisers, on sentences and voices that they have not learnt.
#[test]
fn the_demonstration_recogniser_holds_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let sentences = sentences(folder.path());
    assert!(sentences.len() >= 40, "{}", sentences.len());
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mandarin-demo");
    let installed = Installed::all(&model).unwrap();
    for (kind, at_most) in
        [(ModelKind::ZipformerCtc, FINISHED_AT_MOST), (ModelKind::StreamingZipformerCtc, STREAMING_AT_MOST)]
    {
        let engine = Engine::load(installed.iter().find(|m| m.kind == kind).unwrap(), 1, false).unwrap();
        let mut all = Edits::default();
        for Sentence { text, rate_hz, wave } in &sentences {
            all.add(edits(&spoken(text), &spoken(&engine.read(*rate_hz, wave).text)));
        }
        println!("{kind:?}: {all}");
        assert!(
            all.rate() <= at_most,
            "models/mandarin-demo, {kind:?}: {all}, more than {:.0} %: its files, runtime, resampling or espeak-ng \
             have changed; measure it whole with models/mandarin-demo/train/evaluate.py, mend what was meant to stay as it \
             was, and write a worse figure here and into its card only where that is wanted",
            at_most * 100.0
        );
    }
}
