//! What operators put right, learnt on the box within the shift.
//!
//! Only the topic is learnt: alarms are no matter of opinion within a shift. The model of the program never changes.
//! Corrections are a list; from it a small [`Overlay`] of weights is made, the same one from the same list, in
//! milliseconds. To take a correction back is to leave it out and make the overlay anew: nothing of it stays behind.

use std::collections::HashMap;

use super::features::{Feature, View, features, value};
use super::model::{Head, Model, norm, softmax};
use crate::screen::reading::Reading;

/// What one operator put right of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The topic's, of what was said without private numbers.
    pub features: Vec<Feature>,
    /// Places in the lists of the taxonomy; `None`: nothing was wrong with it.
    pub category: Option<usize>,
    pub matter: Option<usize>,
}

impl Correction {
    /// Of a call whose caller said this.
    pub fn of(said: &str, category: Option<usize>, matter: Option<usize>) -> Self {
        let told: String = said.chars().take(LEARNT_CHARS).collect();
        Self { features: features(&Reading::of(&told), View::Topic), category, matter }
    }
}

/// Weights beside those of the topic's model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    weights: HashMap<Feature, Vec<f32>>,
}

/// A correction is learnt when the right answer leads by this probability …
const ENOUGH: f32 = 0.98;
/// … or after this many steps: what contradicts itself must not go on for ever.
const MOST_STEPS: usize = 30;
const STEP: f32 = 1.0;
/// No single word may weigh more than this: one slip of an operator must not turn every call that has it.
const MOST_WEIGHT: f32 = 3.0;
/// … but for what the model has never seen: that is what a correction is about, and it may weigh more by this factor.
const NEW: f32 = 3.0;
/// Times that the whole list is gone through, so that a later correction does not undo an earlier one.
const ROUNDS: usize = 2;
/// What a call is about is told in its first sentences. Learning all of a long one would take the box a hundred megabytes
/// at [`MOST_CORRECTIONS`].
pub const LEARNT_CHARS: usize = 120;
/// The oldest go first beyond this many; by then the corpus should have learnt them.
pub const MOST_CORRECTIONS: usize = 1_000;

impl Overlay {
    /// Learns the last [`MOST_CORRECTIONS`] of a list, oldest first.
    pub fn learn(model: &Model, corrections: &[Correction]) -> Self {
        let recent = &corrections[corrections.len().saturating_sub(MOST_CORRECTIONS)..];
        let mut overlay = Self::default();
        for _ in 0..ROUNDS {
            for correction in recent {
                overlay.take_in(model, correction);
            }
        }
        overlay
    }

    fn take_in(&mut self, model: &Model, correction: &Correction) {
        let square: f32 = correction.features.iter().map(|f| value(*f) * value(*f)).sum();
        let norm = norm(square);
        for (head, right) in [(Head::Category, correction.category), (Head::Matter, correction.matter)] {
            let Some(right) = right else { continue };
            for _ in 0..MOST_STEPS {
                let scores = self.scores(model, &correction.features);
                let shares = softmax(scores[head.columns()].to_vec());
                if shares[right] >= ENOUGH {
                    break;
                }
                for feature in &correction.features {
                    let pull = if model.knows(*feature) { 1.0 } else { NEW };
                    let weights =
                        self.weights.entry(*feature).or_insert_with(|| vec![0.0; View::Topic.columns()]);
                    for (answer, share) in shares.iter().enumerate() {
                        let slope = share - f32::from(u8::from(answer == right));
                        let weight = &mut weights[head.columns().start + answer];
                        *weight = (*weight - pull * STEP * slope * norm * value(*feature))
                            .clamp(-pull * MOST_WEIGHT, pull * MOST_WEIGHT);
                    }
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The model's scores with what was learnt.
    pub fn scores(&self, model: &Model, features: &[Feature]) -> Vec<f32> {
        let mut scores = model.scores(features);
        if self.is_empty() {
            return scores;
        }
        let square: f32 = features.iter().map(|f| value(*f) * value(*f)).sum();
        let norm = norm(square);
        for (feature, weights) in features.iter().filter_map(|f| Some((*f, self.weights.get(f)?))) {
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += weight * value(feature) * norm;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tagger::Tagger;
    use crate::screen::tagger::label::category;
    use crate::screen::tagger::model::ranked;

    fn read(text: &str) -> Vec<Feature> {
        features(&Reading::of(text), View::Topic)
    }

    /// The three categories that are offered.
    fn offered(overlay: &Overlay, model: &Model, text: &str) -> Vec<usize> {
        ranked(&overlay.scores(model, &read(text))[Head::Category.columns()]).take(3).collect()
    }

    fn told(overlay: &Overlay, model: &Model, text: &str) -> usize {
        offered(overlay, model, text)[0]
    }

    fn as_category(text: &str, id: &str) -> Correction {
        Correction::of(text, category(id), None)
    }

    /// A few corrections of a new matter offer it for its other calls too, first for most of them, turn nothing else, and leave nothing behind when
    /// they are taken back.
    #[test]
    fn corrections_are_learnt_and_taken_back() {
        let model = Tagger::built_in().topic;
        let corrections = [
            as_category("我们村头那个量子驿站半夜开着大灯", "telecom"),
            as_category("量子驿站的机柜在院墙外头", "telecom"),
            as_category("那个量子驿站是谁批的", "telecom"),
        ];
        let overlay = Overlay::learn(&model, &corrections);
        let telecom = category("telecom").unwrap();
        let unseen = [
            "村委会旁边新修的量子驿站归谁管",
            "量子驿站占了我家的路",
            "我要问量子驿站的事",
            "那个量子驿站晃眼得很",
        ];
        for text in unseen {
            assert!(!offered(&Overlay::default(), &model, text).contains(&telecom), "{text}");
            assert!(offered(&overlay, &model, text).contains(&telecom), "{text}");
        }
        let first = unseen.iter().filter(|text| told(&overlay, &model, text) == telecom).count();
        assert!(first >= 3, "{first} of {}", unseen.len());
        for other in ["老板拖着工资不给", "楼下烧烤摊吵得没法睡", "医院挂不上号", "自来水发黄"]
        {
            assert_eq!(told(&overlay, &model, other), told(&Overlay::default(), &model, other), "{other}");
        }
        assert_eq!(Overlay::learn(&model, &[]), Overlay::default());
        assert_eq!(Overlay::learn(&model, &corrections), overlay);
    }

    /// Whatever operators put right, the same alarms are raised.
    #[test]
    fn corrections_raise_and_silence_nothing() {
        let mut tagger = Tagger::built_in();
        let texts = ["我家闻到很重的煤气味", "楼下着火了烟特别大", "问一下社保卡咋办", "有人要从楼上跳下来"];
        let emergency = |tagger: &Tagger| {
            let of = |text: &&str| tagger.tags(&Reading::of(text)).urgency[0].to_bits();
            texts.iter().map(of).collect::<Vec<_>>()
        };
        let before = emergency(&tagger);
        let calm: Vec<Correction> = texts.iter().map(|text| as_category(text, "family_planning")).collect();
        tagger.overlay = Overlay::learn(&tagger.topic, &calm);
        assert_eq!(told(&tagger.overlay, &tagger.topic, texts[0]), category("family_planning").unwrap());
        assert_eq!(emergency(&tagger), before);
    }

    /// Operators who contradict each other do not keep the box busy, and no word gets a weight beyond all bounds.
    #[test]
    fn contradictions_end() {
        let model = Tagger::built_in().topic;
        let quarrel: Vec<Correction> =
            (0..200).map(|i| as_category("路灯不亮", if i % 2 == 0 { "noise" } else { "land" })).collect();
        let overlay = Overlay::learn(&model, &quarrel);
        assert!(overlay.weights.values().flatten().all(|w| w.abs() <= NEW * MOST_WEIGHT));
        assert!(!overlay.weights.is_empty());
    }
}
