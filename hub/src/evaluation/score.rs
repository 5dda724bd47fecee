//! 得分: one figure out of several rates, by weights that are data. Whole numbers throughout, so that it comes out alike
//! everywhere. Pure.
//!
//! Each rate is taken in hundredths of a percent, rounded half up; of 返工率, of which less is better, 100 % less `penalty`
//! times the rate, and never less than nothing. A rate of nothing counts nowhere: its weight goes to the others. The score
//! is the weighted mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::by::By;
use super::measure::{Measure, Shape};
use super::table::{Figure, Figures};

/// `[evaluation]` of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Rows with fewer cases that count are not ranked: 应处置数 of a unit, 应结案数 of an area.
    pub least: u32,
    /// How many times 返工率 is taken off.
    pub penalty: u32,
    /// Percent by measure, of units.
    pub unit: BTreeMap<String, u32>,
    /// The same of areas.
    pub area: BTreeMap<String, u32>,
}

impl Default for Weights {
    fn default() -> Self {
        let weights = |all: [(Measure, u32); 3]| {
            all.into_iter().map(|(measure, percent)| (measure.as_str().to_owned(), percent)).collect()
        };
        Self {
            least: 5,
            penalty: 4,
            unit: weights([
                (Measure::HandlingOnTime, 50),
                (Measure::Satisfaction, 30),
                (Measure::ReworkRate, 20),
            ]),
            area: weights([
                (Measure::ClosingOnTime, 50),
                (Measure::Satisfaction, 30),
                (Measure::TriageOnTime, 20),
            ]),
        }
    }
}

/// 100 %, in hundredths of a percent.
pub const WHOLE: i64 = 10_000;

impl Weights {
    /// What reads well and is wrong all the same.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, weights) in [("unit", &self.unit), ("area", &self.area)] {
            for word in weights.keys() {
                match word.parse::<Measure>() {
                    Ok(measure) if measure.shape() == Shape::Rate => {}
                    Ok(_) => wrong.push(format!("evaluation.{name}: {word} is no rate")),
                    Err(why) => wrong.push(format!("evaluation.{name}: {why}")),
                }
            }
            let sum: u64 = weights.values().map(|percent| u64::from(*percent)).sum();
            if sum != 100 {
                wrong.push(format!("evaluation.{name}: the weights are {sum} together; make them 100"));
            }
        }
        if self.least == 0 || self.penalty == 0 || self.penalty > 100 {
            wrong.push("evaluation: least is at least 1, penalty between 1 and 100".to_owned());
        }
        wrong
    }

    /// Those of a table; none where nobody is ranked.
    pub fn of(&self, by: By) -> &BTreeMap<String, u32> {
        static NOTHING: BTreeMap<String, u32> = BTreeMap::new();
        match by {
            By::Unit => &self.unit,
            By::Area(_) => &self.area,
            _ => &NOTHING,
        }
    }

    /// In hundredths of a percent; nothing where no rate that has a weight is of anything.
    pub fn score(&self, by: By, figures: &Figures) -> Option<i64> {
        let (mut sum, mut all) = (0, 0);
        for (word, percent) in self.of(by) {
            let Ok(measure) = word.parse::<Measure>() else { continue };
            let Some(value) = self.value(measure, figures.get(measure)) else { continue };
            sum += i64::from(*percent) * value;
            all += i64::from(*percent);
        }
        (all > 0).then(|| (sum + all / 2) / all)
    }

    fn value(&self, measure: Measure, figure: Figure) -> Option<i64> {
        let rate = figure.rate()?;
        Some(if measure.is_fault() { (WHOLE - i64::from(self.penalty) * rate).max(0) } else { rate })
    }

    /// How many cases stand behind a row.
    pub fn behind(by: By, figures: &Figures) -> i64 {
        match by {
            By::Unit => figures.get(Measure::DueToHandle).n,
            _ => figures.get(Measure::DueToClose).n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(all: &[(Measure, i64, i64)]) -> Figures {
        let mut figures = Figures::default();
        for (measure, n, d) in all {
            figures.set(*measure, Figure { n: *n, d: *d, ..Figure::default() });
        }
        figures
    }

    /// By hand: 79.1 % on time, 88 % satisfied, 8.6 % sent back: 0.5 × 79.1 + 0.3 × 88 + 0.2 × (100 − 34.4) = 79.07. Without a
    /// citizen's word the other two make up the whole; with nothing there is no score.
    #[test]
    fn scores_by_hand() {
        let weights = Weights::default();
        let on_time = (Measure::HandlingOnTime, 791, 1_000);
        let sent_back = (Measure::ReworkRate, 86, 1_000);
        let all = figures(&[on_time, (Measure::Satisfaction, 22, 25), sent_back]);
        assert_eq!(weights.score(By::Unit, &all), Some(7_907));
        assert_eq!(weights.score(By::Unit, &figures(&[on_time, sent_back])), Some(7_524));
        assert_eq!(weights.score(By::Unit, &figures(&[])), None);
        assert_eq!(weights.score(By::Source, &all), None);
        let hopeless = figures(&[(Measure::ReworkRate, 1, 2)]);
        assert_eq!(weights.score(By::Unit, &hopeless), Some(0), "never less than nothing");
    }

    /// The default holds; a weight of something that is no rate, of nothing known, and a sum other than 100 are told.
    #[test]
    fn wrong_weights_are_told() {
        assert_eq!(Weights::default().wrong(), Vec::<String>::new());
        let text = "least = 0\n[unit]\nhandled = 50\nspeed = 10\n";
        let weights: Weights = toml::from_str(text).unwrap();
        assert_eq!(weights.area, Weights::default().area, "what is left out is as by default");
        let wrong = weights.wrong().join("\n");
        for part in ["handled is no rate", "\"speed\" is not one of", "60 together", "least is at least 1"] {
            assert!(wrong.contains(part), "{part}: {wrong}");
        }
        assert!(toml::from_str::<Weights>("leest = 5").is_err());
    }
}
