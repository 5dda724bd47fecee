//! Whether a life is at stake, decided on everything that both models say of an utterance.
//!
//! Each model looks at words; together they know more: an enquiry about a pension is no emergency however it is worded, and
//! of what one alarm is sure of, something must be true. One more line through both answers, fitted to utterances that
//! neither of them was fitted to.

use std::collections::HashMap;

use super::Tags;
use super::label::{ALARMS, MATTERS, categories};
use super::model::sigmoid;

/// Probabilities are kept this far from certainty before they become odds.
const EDGE: f32 = 1e-4;
/// Steps of the fitting, their size, and the pull of every weight towards zero.
const STEPS: usize = 800;
const RATE: f32 = 0.2;
const PULL: f32 = 3e-4;

/// A weight for each thing that is known, by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    bias: f32,
    weights: Vec<f32>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    #[error("line {0} is no name and number")]
    Line(usize),
    #[error("it does not weigh {0:?}")]
    Missing(String),
}

impl Decision {
    /// What the alarm's model says of itself.
    pub fn trusting() -> Self {
        let weights = names().iter().map(|name| if name == "emergency" { 1.0 } else { 0.0 }).collect();
        Self { bias: 0.0, weights }
    }

    /// Reads what [`Self::write`] wrote: a name and a weight a line.
    pub fn of(text: &str) -> Result<Self, Damaged> {
        let mut weights: HashMap<&str, f32> = HashMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let (name, weight) = line.split_once(' ').ok_or(Damaged::Line(index + 1))?;
            weights.insert(name, weight.parse().map_err(|_| Damaged::Line(index + 1))?);
        }
        let weight = |name: &str| weights.get(name).copied().ok_or_else(|| Damaged::Missing(name.to_owned()));
        Ok(Self {
            bias: weight("bias")?,
            weights: names().iter().map(|name| weight(name)).collect::<Result<_, _>>()?,
        })
    }

    pub fn write(&self) -> String {
        let weights = names().into_iter().zip(&self.weights);
        let line = |name: &str, weight: f32| format!("{name} {weight:.4}\n");
        weights.fold(line("bias", self.bias), |text, (name, weight)| text + &line(&name, *weight))
    }

    /// Probability that a life is at stake.
    pub fn emergency(&self, tags: &Tags) -> f32 {
        sigmoid(self.score(&inputs(tags)))
    }

    fn score(&self, inputs: &[f32]) -> f32 {
        self.bias + inputs.iter().zip(&self.weights).map(|(input, weight)| input * weight).sum::<f32>()
    }

    /// Logistic regression on utterances of which it is known whether a life is at stake.
    pub fn fit(known: &[(Tags, bool)]) -> Self {
        let samples: Vec<(Vec<f32>, f32)> =
            known.iter().map(|(tags, holds)| (inputs(tags), f32::from(u8::from(*holds)))).collect();
        let mut fitted = Self::trusting();
        let mut squares = vec![1e-6f32; fitted.weights.len() + 1];
        for _ in 0..STEPS {
            let mut slopes = vec![0f32; fitted.weights.len() + 1];
            for (inputs, truth) in &samples {
                let off = sigmoid(fitted.score(inputs)) - truth;
                slopes[0] += off;
                for (slope, input) in slopes[1..].iter_mut().zip(inputs) {
                    *slope += off * input;
                }
            }
            let weights = std::iter::once(&mut fitted.bias).chain(&mut fitted.weights);
            for ((weight, slope), square) in weights.zip(slopes).zip(&mut squares) {
                let slope = slope / samples.len().max(1) as f32 + PULL * *weight;
                *square += slope * slope;
                *weight -= RATE * slope / square.sqrt();
            }
        }
        fitted
    }
}

/// What is weighed, in the order of [`inputs`].
fn names() -> Vec<String> {
    let own = ["emergency", "strongest"].map(ToOwned::to_owned);
    let matters = MATTERS.iter().map(|matter| format!("matter.{}", matter.0));
    let categories = categories().iter().map(|category| format!("category.{}", category.id));
    let alarms = ALARMS.iter().map(|alarm| format!("alarm.{}", alarm.0));
    own.into_iter().chain(matters).chain(categories).chain(alarms).collect()
}

fn inputs(tags: &Tags) -> Vec<f32> {
    let odds = |p: f32| (p.clamp(EDGE, 1.0 - EDGE) / (1.0 - p.clamp(EDGE, 1.0 - EDGE))).ln();
    let strongest = tags.alarms.iter().copied().fold(0.0, f32::max);
    let own = [odds(tags.urgency[0]), odds(strongest)];
    own.iter().chain(&tags.matter).chain(&tags.category).chain(&tags.alarms).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(emergency: f32, enquiry: f32) -> Tags {
        let mut matter = vec![0.0; MATTERS.len()];
        matter[0] = enquiry;
        Tags {
            category: vec![0.0; categories().len()],
            matter,
            urgency: vec![emergency, 0.0, 1.0 - emergency],
            alarms: vec![emergency; ALARMS.len()],
        }
    }

    /// It learns what neither answer says alone, and reads what it wrote.
    #[test]
    fn learns_from_both_answers() {
        let known: Vec<(Tags, bool)> =
            (0..200).map(|n| (tags(0.6, if n % 2 == 0 { 0.0 } else { 1.0 }), n % 2 == 0)).collect();
        let fitted = Decision::fit(&known);
        assert!(fitted.emergency(&tags(0.6, 0.0)) > 0.9 && fitted.emergency(&tags(0.6, 1.0)) < 0.1);
        let read = Decision::of(&fitted.write()).unwrap();
        assert!((read.emergency(&tags(0.7, 0.5)) - fitted.emergency(&tags(0.7, 0.5))).abs() < 1e-3);
        assert!((Decision::trusting().emergency(&tags(0.3, 1.0)) - 0.3).abs() < 1e-4);
    }

    /// A damaged file is an error that says where.
    #[test]
    fn says_what_is_damaged() {
        assert_eq!(Decision::of("bias 1\nemergency"), Err(Damaged::Line(2)));
        assert_eq!(Decision::of("bias 1"), Err(Damaged::Missing("emergency".into())));
    }
}
