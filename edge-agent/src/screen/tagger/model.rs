//! A linear model: a table of small weights, one row a feature, one column an answer.
//!
//! Two of them make the tagger, one for each [`View`]. The topic's answers are the categories and the matters, the
//! alarm's the urgencies and the alarms. A table is used as it lies in memory, without unpacking; all numbers are
//! little-endian:
//!
//! ```text
//! "SDTAG1\0\0" · rows u32 · columns u32 · columns × (scale f32, bias f32) · 2 × temperature f32
//! rows × feature u32, ascending · rows × columns × weight i8
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::features::{Feature, Found, View, found, value};
use super::label::{ALARMS, MATTERS, URGENCIES, categories};
use crate::screen::reading::Reading;

pub(super) const MAGIC: &[u8; 8] = b"SDTAG1\0\0";
/// Stretches that are named as reasons.
const REASONS: usize = 3;
const HEAD: usize = MAGIC.len() + 8;

/// Answers of one kind, side by side in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    Category,
    Matter,
    Urgency,
    Alarm,
}

impl Head {
    pub fn view(self) -> View {
        match self {
            Self::Category | Self::Matter => View::Topic,
            Self::Urgency | Self::Alarm => View::Alarm,
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Category => categories().len(),
            Self::Matter => MATTERS.len(),
            Self::Urgency => URGENCIES.len(),
            Self::Alarm => ALARMS.len(),
        }
    }

    /// Where its answers stand in a row of its view.
    pub fn columns(self) -> Range<usize> {
        let [first, _] = self.view().heads();
        let start = if self == first { 0 } else { first.width() };
        start..start + self.width()
    }
}

impl View {
    pub fn heads(self) -> [Head; 2] {
        match self {
            Self::Topic => [Head::Category, Head::Matter],
            Self::Alarm => [Head::Urgency, Head::Alarm],
        }
    }

    /// Columns of a row.
    pub fn columns(self) -> usize {
        self.heads()[1].columns().end
    }
}

/// A model in memory.
#[derive(Clone, Debug)]
pub struct Model {
    bytes: Cow<'static, [u8]>,
    view: View,
    rows: usize,
    scales: Vec<f32>,
    biases: Vec<f32>,
    temperatures: Temperatures,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    #[error("it is no tagger model")]
    Magic,
    #[error("it answers {found} questions, this program asks {wanted}: train it again")]
    Columns { found: usize, wanted: usize },
    #[error("it is {found} bytes long, {wanted} by its own account")]
    Length { found: usize, wanted: usize },
}

/// What the scores of each head of a view are divided by.
pub type Temperatures = [f32; 2];

impl Model {
    /// A table of this view. More bytes than it says of itself are an error.
    pub fn of(view: View, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, Damaged> {
        let bytes = bytes.into();
        if bytes.len() < HEAD || !bytes.starts_with(MAGIC) {
            return Err(Damaged::Magic);
        }
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (rows, found) = (number(8) as usize, number(12) as usize);
        let wanted = view.columns();
        if found != wanted {
            return Err(Damaged::Columns { found, wanted });
        }
        let length = HEAD + wanted * 8 + 8 + rows * (4 + wanted);
        if bytes.len() != length {
            return Err(Damaged::Length { found: bytes.len(), wanted: length });
        }
        let float = |at: usize| f32::from_bits(number(at));
        let after = HEAD + wanted * 8;
        Ok(Self {
            rows,
            scales: (0..wanted).map(|c| float(HEAD + c * 8)).collect(),
            biases: (0..wanted).map(|c| float(HEAD + c * 8 + 4)).collect(),
            temperatures: [0, 1].map(|h| float(after + h * 4)),
            view,
            bytes,
        })
    }

    fn width(&self) -> usize {
        self.scales.len()
    }

    fn features_at(&self) -> usize {
        HEAD + self.width() * 8 + 8
    }

    /// The weights of a feature, one per column.
    fn row(&self, feature: Feature) -> Option<&[u8]> {
        let at = self.features_at();
        let name = |row: usize| {
            let at = at + row * 4;
            u32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
        };
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = usize::midpoint(low, high);
            match name(middle).cmp(&feature) {
                std::cmp::Ordering::Equal => {
                    let from = at + self.rows * 4 + middle * self.width();
                    return Some(&self.bytes[from..from + self.width()]);
                }
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Whether it weighs a feature at all.
    pub fn knows(&self, feature: Feature) -> bool {
        self.row(feature).is_some()
    }

    /// Sums of weights per column, and how many features the model knows.
    fn sums(&self, features: &[Feature]) -> (Vec<f32>, f32) {
        let mut sums = vec![0f32; self.width()];
        let mut known = 0.0;
        for (value, row) in features.iter().filter_map(|f| Some((value(*f), self.row(*f)?))) {
            known += value * value;
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += f32::from(weight.cast_signed()) * value;
            }
        }
        (sums, known)
    }

    /// Scores of one column each, before they become probabilities.
    pub fn scores(&self, features: &[Feature]) -> Vec<f32> {
        let (sums, known) = self.sums(features);
        let norm = norm(known);
        sums.iter()
            .zip(self.scales.iter().zip(&self.biases))
            .map(|(sum, (scale, bias))| *sum * scale * norm + bias)
            .collect()
    }

    /// Probabilities of the answers of a head. Those of alarms do not add up to one.
    pub fn probabilities(&self, scores: &[f32], head: Head) -> Vec<f32> {
        let temperature = self.temperatures[usize::from(head != self.view.heads()[0])];
        let part: Vec<f32> = scores[head.columns()].iter().map(|s| s / temperature).collect();
        if head == Head::Alarm { part.into_iter().map(sigmoid).collect() } else { softmax(part) }
    }

    /// The stretches of letters that speak most for a column: two letters and more each, apart, strongest first.
    pub fn reasons(&self, reading: &Reading, column: usize) -> Vec<Range<usize>> {
        let mut stretches: BTreeMap<(usize, usize), f32> = BTreeMap::new();
        for Found { feature, from, to } in found(reading, self.view) {
            if let Some(row) = self.row(feature)
                && to - from >= 2
            {
                let weight = f32::from(row[column].cast_signed()) * value(feature);
                *stretches.entry((from, to)).or_default() += weight;
            }
        }
        let mut stretches: Vec<_> = stretches.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
        stretches.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut best: Vec<Range<usize>> = Vec::new();
        for ((from, to), _) in stretches {
            if best.len() < REASONS && best.iter().all(|r| r.end <= from || r.start >= to) {
                best.push(from..to);
            }
        }
        best
    }
}

/// Places of `scores`, highest first.
pub fn ranked(scores: &[f32]) -> impl Iterator<Item = usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    places.into_iter()
}

/// Long utterances do not shout.
pub(super) fn norm(square: f32) -> f32 {
    1.0 / square.max(1.0).sqrt()
}

pub(super) fn softmax(mut scores: Vec<f32>) -> Vec<f32> {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut total = 0.0;
    for score in &mut scores {
        *score = (*score - highest).exp();
        total += *score;
    }
    scores.iter_mut().for_each(|s| *s /= total);
    scores
}

pub(super) fn sigmoid(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}
