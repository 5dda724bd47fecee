//! How well a model tells what people have labelled. The built-in one is held to what its card says of it.

use std::collections::BTreeMap;

use super::Tagger;
use super::cli::Labelled;
use super::label::{ALARMS, categories};
use super::model::ranked;
use crate::say;
use crate::screen::danger::dangers;
use crate::screen::reading::Reading;
use crate::screen::{BEING_SAID, SAID};

/// What a caller may say before and after what is measured.
const TALK: &str =
    "我给你们反映个事啊，我们小区物业费一年比一年涨，电梯老是坏，楼道灯也不亮，跟他们说了好几回都没人管";

/// Hits among trials, with Wilson's interval at 95 %.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    hits: u32,
    of: u32,
}

impl Share {
    fn add(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.of += 1;
    }
}

/// What was told of a set, by name, as a table.
#[derive(Debug)]
pub(super) struct Figures {
    shares: Vec<(&'static str, Share)>,
    at_recalls: String,
    /// How far confidences are from what comes true, on average.
    off: f32,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, share) in &self.shares {
            writeln!(f, "  {name:22} {share}")?;
        }
        writeln!(f, "  precision at a recall of {}", self.at_recalls)?;
        write!(f, "  calibration: off by    {:.3} on average", self.off)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.of == 0 {
            return write!(f, "none");
        }
        let (n, p, z) = (f64::from(self.of), f64::from(self.hits) / f64::from(self.of), 1.96);
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
        write!(f, "{p:.3} ({:.3} to {:.3}, {} of {})", middle - half, middle + half, self.hits, self.of)
    }
}

/// What was told rightly. `wrong`: each utterance that was not, on standard output.
pub(super) fn measure(tagger: &Tagger, set: &[Labelled], wrong: bool) -> Figures {
    let (mut top1, mut top3, mut matter, mut urgency) = <(Share, Share, Share, Share)>::default();
    // Probability of an emergency, and whether there is one.
    let mut curve: Vec<(f32, bool)> = Vec::with_capacity(set.len());
    let (mut recall, mut precision, mut each_recall, mut each_precision) =
        <(Share, Share, Share, Share)>::default();
    let (mut spoken_recall, mut spoken_precision, mut amid_recall, mut amid_precision) =
        <(Share, Share, Share, Share)>::default();
    // By tenth of confidence: how often the first category was right.
    let mut calibration: BTreeMap<u32, (Share, f32)> = BTreeMap::new();
    for Labelled { text, labels } in set {
        let tags = tagger.tags(&Reading::of(text));
        let offers: Vec<usize> = ranked(&tags.category).take(3).collect();
        let raised = dangers(tagger, text, SAID);
        let mask = raised.iter().fold(0u16, |mask, danger| mask | 1 << danger.alarm);
        top1.add(offers[0] == labels.category);
        top3.add(offers.contains(&labels.category));
        matter.add(ranked(&tags.matter).next() == Some(labels.matter));
        let told = if mask != 0 { 0 } else { 1 + usize::from(tags.urgency[2] >= tags.urgency[1]) };
        urgency.add(told == labels.urgency);
        curve.push((tags.urgency[0], labels.alarms != 0));
        if labels.alarms != 0 {
            recall.add(mask != 0);
        }
        if mask != 0 {
            precision.add(labels.alarms != 0);
        }
        for (raised, recall, precision) in [
            (is_raised_while_spoken(tagger, text), &mut spoken_recall, &mut spoken_precision),
            (is_raised_amid_talk(tagger, text), &mut amid_recall, &mut amid_precision),
        ] {
            if labels.alarms != 0 {
                recall.add(raised);
            }
            if raised {
                precision.add(labels.alarms != 0);
            }
        }
        for alarm in 0..ALARMS.len() {
            let (holds, said) = (labels.alarms >> alarm & 1 == 1, mask >> alarm & 1 == 1);
            if holds {
                each_recall.add(said);
            }
            if said {
                each_precision.add(holds);
            }
        }
        let confidence = tags.category[offers[0]];
        let bin = calibration.entry((confidence * 10.0) as u32).or_default();
        bin.0.add(offers[0] == labels.category);
        bin.1 += confidence;
        if wrong && (offers[0] != labels.category || (mask != 0) != (labels.alarms != 0)) {
            let ids = |mask: u16| -> Vec<&str> {
                (0..ALARMS.len()).filter(|a| mask >> a & 1 == 1).map(|a| ALARMS[a].0).collect()
            };
            let id = |category: usize| categories()[category].id.as_str();
            let (is, told) = (id(labels.category), id(offers[0]));
            say!(
                "{text}\t{is} told {told} {confidence:.2}\t{:?} told {:?} {:.2}",
                ids(labels.alarms),
                ids(mask),
                tags.urgency[0]
            );
        }
    }
    let off: f32 = calibration.values().map(|(share, sum)| (share.hits as f32 - sum).abs()).sum();
    let shares = vec![
        ("category, first", top1),
        ("category, of three", top3),
        ("matter", matter),
        ("urgency", urgency),
        ("an alarm: recall", recall),
        ("an alarm: precision", precision),
        ("… while spoken: recall", spoken_recall),
        ("… while spoken: prec.", spoken_precision),
        ("… amid talk: recall", amid_recall),
        ("… amid talk: prec.", amid_precision),
        ("each alarm: recall", each_recall),
        ("each alarm: precision", each_precision),
    ];
    Figures { shares, at_recalls: at_recalls(curve), off: off / set.len().max(1) as f32 }
}

/// Whether an alarm is raised at some moment while an utterance is spoken: after each clause, by what was said until then.
fn is_raised_while_spoken(tagger: &Tagger, text: &str) -> bool {
    let ends = text.match_indices([',', '，', '。', '？']).map(|(at, _)| at);
    ends.chain([text.len()]).any(|end| !dangers(tagger, &text[..end], BEING_SAID).is_empty())
}

/// Whether an alarm is raised by an utterance that stands in the middle of other talk.
fn is_raised_amid_talk(tagger: &Tagger, text: &str) -> bool {
    !dangers(tagger, &format!("{TALK}，{text}，{TALK}"), SAID).is_empty()
}

/// What precision could be had for which recall, and from which probability on.
fn at_recalls(mut curve: Vec<(f32, bool)>) -> String {
    curve.sort_by(|a, b| b.0.total_cmp(&a.0));
    let alarms = curve.iter().filter(|(_, holds)| *holds).count();
    let mut parts = Vec::new();
    for wanted in [0.95, 0.97, 0.99] {
        let mut found = 0;
        for (rank, (probability, holds)) in curve.iter().enumerate() {
            found += usize::from(*holds);
            if found as f32 >= wanted * alarms as f32 && alarms > 0 {
                let precision = found as f32 / (rank + 1) as f32;
                parts.push(format!("{wanted}: {precision:.3} (from {probability:.3} on)"));
                break;
            }
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::cli::{labelled, misheard, slips};
    use super::super::corpus;
    use super::super::train::Fit;
    use super::*;

    /// Rows of the model card, and what they are called here.
    const ROWS: [(&str, &str); 11] = [
        ("category, first of three", "category, first"),
        ("category, among three", "category, of three"),
        ("matter", "matter"),
        ("an alarm where there is one (recall)", "an alarm: recall"),
        ("an alarm raised is one (precision)", "an alarm: precision"),
        ("… while it is spoken: recall", "… while spoken: recall"),
        ("… while it is spoken: precision", "… while spoken: prec."),
        ("… in the middle of other talk: recall", "… amid talk: recall"),
        ("… in the middle of other talk: precision", "… amid talk: prec."),
        ("each alarm: recall", "each alarm: recall"),
        ("each alarm: precision", "each alarm: precision"),
    ];

    /// The lower ends of the intervals in a row of the card: as said, and misheard.
    fn floors(card: &str, row: &str) -> [f64; 2] {
        let line = card.lines().find(|line| line.starts_with(&format!("| {row} |")));
        let line = line.unwrap_or_else(|| panic!("the model card has no row {row:?}"));
        let cells: Vec<&str> = line.split('|').map(str::trim).skip(2).take(2).collect();
        let floor = |cell: &str| -> f64 {
            let low = cell.split_once('(').and_then(|(_, interval)| interval.split_once(" to "));
            let (low, _) = low.unwrap_or_else(|| panic!("{row}: {cell:?} is no figure with its interval"));
            low.parse().unwrap_or_else(|_| panic!("{row}: {low:?} is no number"))
        };
        [floor(cells[0]), floor(cells[1])]
    }

    /// The models of the program do not fall below the intervals that their card gives, on the same calls.
    #[test]
    fn the_built_in_models_hold_what_their_card_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tagger");
        let card = std::fs::read_to_string(folder.join("README.md")).unwrap();
        let mut set = Vec::new();
        for file in ["alarms", "calm", "calls"] {
            set.extend(labelled(&folder.join(format!("eval/{file}.jsonl"))).unwrap());
        }
        let with_alarm = set.iter().filter(|call| call.labels.alarms != 0).count();
        assert!(with_alarm >= 500 && set.len() - with_alarm >= 1_000, "{with_alarm} of {}", set.len());
        let noisy =
            misheard(&set, &slips(&corpus::read(&folder.join("corpus")).unwrap()), Fit::default().seed);
        let tagger = Tagger::built_in();
        let measured = [&set, &noisy].map(|set| measure(&tagger, set, false));
        println!("as said\n{}\nmisheard\n{}", measured[0], measured[1]);
        let mut fallen = Vec::new();
        for (row, name) in ROWS {
            for ((figures, floor), how) in
                measured.iter().zip(floors(&card, row)).zip(["as said", "misheard"])
            {
                let (_, share) = figures.shares.iter().find(|(known, _)| *known == name).unwrap();
                if f64::from(share.hits) < floor * f64::from(share.of) {
                    fallen.push(format!("{row}, {how}: {share} is below {floor}"));
                }
            }
        }
        assert!(
            fallen.is_empty(),
            "the built-in tagger is worse than models/tagger/README.md says:\n{}\nA change of models, thresholds or of \
             how words are read made it so: see which calls with `edge-agent train-tagger --measure \
             models/tagger/eval/alarms.jsonl --measure models/tagger/eval/calm.jsonl --measure models/tagger/eval/calls.jsonl \
             --wrong` and mend it; write lower \
             figures into the card only where the loss is wanted",
            fallen.join("\n")
        );
    }
}
