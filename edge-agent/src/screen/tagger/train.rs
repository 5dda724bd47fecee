//! Fits the tagger to the corpus: logistic regression by stochastic gradient descent with AdaGrad's step sizes.
//!
//! Each pattern says a number of utterances, with what people put before and after, and some with the slips of a
//! recogniser. Everything is drawn from one seed: the same corpus gives the same model.

use std::collections::HashMap;
use std::iter;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::corpus::Pattern;
use super::features::{Feature, View, features, value};
use super::label::Labels;
use super::model::{Head, MAGIC, Model, Temperatures, norm, sigmoid, softmax};
use super::noise::Slips;
use crate::screen::reading::Reading;

/// How a model is fitted.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// Utterances per pattern.
    pub variants: usize,
    pub epochs: usize,
    pub rate: f32,
    /// Pull of every weight towards zero per step that sees it.
    pub decay: f32,
    /// Patterns that a feature must occur in.
    pub patterns: u32,
    /// Share of the features that a step does not see.
    pub dropout: f64,
    /// Rows of the model at most; the heaviest stay.
    pub rows: usize,
    /// What the gradient of a missed alarm weighs against that of a false one.
    pub alarm_weight: f32,
    /// What a call without alarm weighs where it is learnt which alarm it is.
    pub calm_weight: f32,
    pub seed: u64,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            variants: 20,
            epochs: 3,
            rate: 0.3,
            decay: 1e-5,
            patterns: 2,
            dropout: 0.3,
            rows: 120_000,
            alarm_weight: 1.5,
            calm_weight: 0.5,
            seed: 20_261,
        }
    }
}

/// What people say before they come to it.
const BEFORE: &[&str] = &[
    "喂你好,",
    "喂,",
    "你好,我想反映一下,",
    "您好,",
    "同志你好,",
    "你好,是市民热线吗,",
    "哎,我跟你说啊,",
    "喂,一二三四五吗,",
    "你好我想咨询一下,",
    "我要投诉,",
    "我想问一下,",
    "那个,",
    "嗯,是这样的,",
    "我是{estate}的住户,",
    "麻烦问一下,",
    "师傅你好,",
    "我要反映个问题,",
    "我打电话是想说,",
    "领导你好,",
    "诶,你好,",
    "我这儿有个事,",
];
/// … and when they are done.
const AFTER: &[&str] = &[
    ",谢谢",
    ",你们管不管",
    ",麻烦你们了",
    ",希望尽快处理",
    ",能不能派人来看看",
    ",你给登记一下",
    ",就这个事",
    ",你看咋弄",
    ",啊",
    ",好吧",
    ",听得到吗",
    ",赶紧的",
    ",我等你们回话",
    ",对",
    ",拜托了",
];
/// Between two clauses.
const BETWEEN: &[&str] = &["那个", "就是说", "嗯", "然后呢", "你知道吧", "这个"];

/// How people urge before they say what it is: calls of every kind begin so, and none is an alarm for it.
const URGING: &[&str] = &[
    "你们快来,",
    "你们快点来,",
    "快来人啊,",
    "赶紧派人来,",
    "快点快点,",
    "快快快,",
    "哎呀,",
    "哎呀你们快来看看,",
    "不好了,",
    "出事了,",
    "急死我了,",
    "赶紧的赶紧的,",
    "你们咋还不来,",
    "喂喂你们快派人,",
];

/// A fragment says this many times as many utterances as another pattern: there are few of them, and while a call runs they are
/// what is heard most.
const FRAGMENT_WEIGHT: usize = 5;

struct Sample {
    rows: Vec<(u32, f32)>,
    labels: Labels,
}

/// A fitted model, not yet written.
#[derive(Debug)]
pub struct Fitted {
    view: View,
    rows: HashMap<Feature, u32>,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// One utterance of a pattern as it may reach the box.
pub fn utter(view: View, pattern: &Pattern, slips: &Slips, chance: &mut StdRng) -> String {
    let mut text = pattern.say(chance);
    // While a call runs half of it is heard. Half of a calm call is calm; half of an alarm may be anything.
    if view == View::Alarm && pattern.labels.is_normal() && chance.random_bool(0.45) {
        text = part(&text, chance).to_owned();
    }
    if chance.random_bool(0.25) {
        let before = BEFORE[chance.random_range(0..BEFORE.len())].replace("{estate}", "阳光小区");
        text = before + &text;
    }
    if view == View::Alarm && chance.random_bool(0.1) {
        text.insert_str(0, URGING[chance.random_range(0..URGING.len())]);
    }
    if chance.random_bool(0.2) {
        text.push_str(AFTER[chance.random_range(0..AFTER.len())]);
    }
    if chance.random_bool(0.15)
        && let Some(at) = text.find([',', '，'])
    {
        let mark = text[at..].chars().next().map_or(1, char::len_utf8);
        text.insert_str(at + mark, BETWEEN[chance.random_range(0..BETWEEN.len())]);
    }
    if chance.random_bool(0.35) {
        let rate = chance.random_range(0.03..0.18);
        text = slips.slip(&text, rate, chance);
    }
    text
}

/// Some of the clauses of `text` that follow each other, often broken off where somebody is still speaking.
fn part<'t>(text: &'t str, chance: &mut StdRng) -> &'t str {
    let marks = text.match_indices([',', '，', '。', '？', '；']);
    let mut cuts: Vec<(usize, usize)> = marks.map(|(at, mark)| (at, at + mark.len())).collect();
    cuts.push((text.len(), text.len()));
    let from = chance.random_range(0..cuts.len());
    let to = chance.random_range(from..cuts.len());
    let begin = if from == 0 { 0 } else { cuts[from - 1].1 };
    let clauses = &text[begin..cuts[to].0];
    let letters = clauses.chars().count();
    if letters < 4 || chance.random_bool(0.5) {
        return clauses;
    }
    let kept = chance.random_range(2..letters);
    clauses.char_indices().nth(kept).map_or(clauses, |(end, _)| &clauses[..end])
}

pub fn fit(view: View, patterns: &[Pattern], slips: &Slips, how: Fit) -> Fitted {
    let mut chance = StdRng::seed_from_u64(how.seed);
    let mut texts: Vec<(Vec<Feature>, Labels)> = Vec::with_capacity(patterns.len() * how.variants);
    let heard = patterns.iter().filter(|pattern| view == View::Alarm || !pattern.fragment);
    let often = |p: &'_ Pattern| if p.fragment { FRAGMENT_WEIGHT } else { 1 };
    for pattern in heard.flat_map(|pattern| iter::repeat_n(pattern, often(pattern))) {
        for _ in 0..how.variants {
            let text = utter(view, pattern, slips, &mut chance);
            texts.push((features(&Reading::of(&text), view), pattern.labels));
        }
    }
    // What only one pattern says would be learnt by heart.
    let mut counts: HashMap<Feature, (u32, u32)> = HashMap::new();
    for (index, (features, _)) in texts.iter().enumerate() {
        let pattern = (index / how.variants) as u32 + 1;
        for feature in features {
            let (patterns, last) = counts.entry(*feature).or_default();
            if *last != pattern {
                *last = pattern;
                *patterns += 1;
            }
        }
    }
    let mut kept: Vec<Feature> =
        counts.into_iter().filter(|(_, (n, _))| *n >= how.patterns).map(|(f, _)| f).collect();
    kept.sort_unstable();
    let rows: HashMap<Feature, u32> = kept.iter().enumerate().map(|(row, f)| (*f, row as u32)).collect();
    let mut samples: Vec<Sample> = texts
        .into_iter()
        .map(|(features, labels)| Sample {
            rows: features.iter().filter_map(|f| Some((*rows.get(f)?, value(*f)))).collect(),
            labels,
        })
        .collect();

    let width = view.columns();
    let mut fitted = Fitted { view, weights: vec![0.0; rows.len() * width], biases: vec![0.0; width], rows };
    let mut squares = vec![1e-3f32; fitted.weights.len()];
    let mut bias_squares = vec![1e-3f32; width];
    let mut seen: Vec<(u32, f32)> = Vec::new();
    for _ in 0..how.epochs {
        samples.shuffle(&mut chance);
        for sample in &samples {
            seen.clear();
            seen.extend(sample.rows.iter().copied().filter(|_| !chance.random_bool(how.dropout)));
            let norm = norm(seen.iter().map(|(_, v)| v * v).sum());
            let gradient = fitted.gradient(&seen, sample.labels, norm, how);
            for (row, value) in &seen {
                let from = *row as usize * width;
                for (column, slope) in gradient.iter().enumerate() {
                    let weight = &mut fitted.weights[from + column];
                    let slope = slope * norm * value + how.decay * *weight;
                    let square = &mut squares[from + column];
                    *square += slope * slope;
                    *weight -= how.rate * slope / square.sqrt();
                }
            }
            for (column, slope) in gradient.iter().enumerate() {
                bias_squares[column] += slope * slope;
                fitted.biases[column] -= how.rate * slope / bias_squares[column].sqrt();
            }
        }
    }
    fitted.prune(how.rows);
    fitted
}

impl Fitted {
    fn scores(&self, rows: &[(u32, f32)], norm: f32) -> Vec<f32> {
        let width = self.view.columns();
        let mut scores = vec![0.0f32; width];
        for (row, value) in rows {
            let from = *row as usize * width;
            for (score, weight) in scores.iter_mut().zip(&self.weights[from..from + width]) {
                *score += weight * value;
            }
        }
        scores.iter().zip(&self.biases).map(|(s, b)| s * norm + b).collect()
    }

    /// Slope of the loss per column.
    fn gradient(&self, rows: &[(u32, f32)], labels: Labels, norm: f32, how: Fit) -> Vec<f32> {
        let scores = self.scores(rows, norm);
        let mut slopes = Vec::with_capacity(scores.len());
        for head in self.view.heads() {
            let part = scores[head.columns()].to_vec();
            let truth = match head {
                Head::Category => labels.category,
                Head::Matter => labels.matter,
                Head::Urgency => labels.urgency,
                Head::Alarm => {
                    // Whether it is one at all, the urgency learns with all its weight.
                    let learns = if labels.alarms == 0 { how.calm_weight } else { 1.0 };
                    slopes.extend(part.into_iter().enumerate().map(|(alarm, score)| {
                        let holds = labels.alarms >> alarm & 1 == 1;
                        let slope = sigmoid(score) - f32::from(u8::from(holds));
                        learns * if holds { slope * how.alarm_weight } else { slope }
                    }));
                    continue;
                }
            };
            slopes.extend(
                softmax(part).into_iter().enumerate().map(|(i, p)| p - f32::from(u8::from(i == truth))),
            );
        }
        slopes
    }

    /// Keeps the rows that say most.
    fn prune(&mut self, most: usize) {
        let width = self.view.columns();
        let weight = |row: u32| -> f32 {
            let from = row as usize * width;
            self.weights[from..from + width].iter().map(|w| w * w).sum()
        };
        let mut rows: Vec<(Feature, u32)> = self.rows.iter().map(|(f, r)| (*f, *r)).collect();
        rows.sort_by(|a, b| weight(b.1).total_cmp(&weight(a.1)).then(a.0.cmp(&b.0)));
        rows.truncate(most);
        rows.sort_unstable();
        let weights = rows
            .iter()
            .flat_map(|(_, row)| self.weights[*row as usize * width..(*row as usize + 1) * width].to_vec())
            .collect();
        self.rows = rows.iter().enumerate().map(|(new, (feature, _))| (*feature, new as u32)).collect();
        self.weights = weights;
    }

    /// The file that [`super::model::Model`] reads.
    pub fn write(&self, temperatures: Temperatures) -> Vec<u8> {
        let width = self.view.columns();
        let mut rows: Vec<(Feature, u32)> = self.rows.iter().map(|(f, r)| (*f, *r)).collect();
        rows.sort_unstable();
        let largest = |column: usize| {
            self.weights.iter().skip(column).step_by(width).fold(0.0f32, |most, w| most.max(w.abs()))
        };
        let scales: Vec<f32> = (0..width).map(|c| largest(c).max(1e-6) / 127.0).collect();
        let mut out = MAGIC.to_vec();
        out.extend((rows.len() as u32).to_le_bytes());
        out.extend((width as u32).to_le_bytes());
        for (scale, bias) in scales.iter().zip(&self.biases) {
            out.extend(scale.to_le_bytes());
            out.extend(bias.to_le_bytes());
        }
        for temperature in temperatures {
            out.extend(temperature.to_le_bytes());
        }
        for (feature, _) in &rows {
            out.extend(feature.to_le_bytes());
        }
        for (_, row) in &rows {
            let from = *row as usize * width;
            let small = self.weights[from..from + width].iter().zip(&scales);
            out.extend(small.map(|(w, scale)| (w / scale).round().clamp(-127.0, 127.0) as i8 as u8));
        }
        out
    }
}

/// The temperatures under which the model is least surprised by utterances that it was not fitted to.
pub fn temperatures(view: View, model: &Model, unseen: &[(Vec<Feature>, Labels)]) -> Temperatures {
    let scores: Vec<(Vec<f32>, Labels)> =
        unseen.iter().map(|(f, labels)| (model.scores(f), *labels)).collect();
    view.heads().map(|head| {
        let surprise = |temperature: f32| -> f32 {
            scores
                .iter()
                .map(|(scores, labels)| {
                    let part: Vec<f32> = scores[head.columns()].iter().map(|s| s / temperature).collect();
                    match head {
                        Head::Category => -softmax(part)[labels.category].ln(),
                        Head::Matter => -softmax(part)[labels.matter].ln(),
                        Head::Urgency => -softmax(part)[labels.urgency].ln(),
                        Head::Alarm if labels.alarms == 0 => 0.0,
                        Head::Alarm => part
                            .iter()
                            .enumerate()
                            .map(|(a, s)| -sigmoid(if labels.alarms >> a & 1 == 1 { *s } else { -s }).ln())
                            .sum(),
                    }
                })
                .sum()
        };
        let steps = (10..=60).map(|tenth| tenth as f32 / 10.0);
        steps.min_by(|a, b| surprise(*a).total_cmp(&surprise(*b))).expect("there are steps")
    })
}
