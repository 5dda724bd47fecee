//! How many pictures each model looks at a second, from what it has counted.

use std::collections::{BTreeMap, VecDeque};

use protocol::{ModelHealth, ModelTask};

use crate::detector::ModelState;

/// Over so long.
const WINDOW_MS: u64 = 10_000;

/// What was counted lately, by model.
#[derive(Debug, Default)]
pub(super) struct Rates(BTreeMap<String, VecDeque<(u64, u64)>>);

impl Rates {
    /// Called once a round, with all that there are.
    pub(super) fn models(&mut self, states: Vec<ModelState>, now_ms: u64) -> Vec<ModelHealth> {
        self.0.retain(|name, _| states.iter().any(|state| state.wanted == *name));
        let health = |state: ModelState| ModelHealth {
            looks_per_second: self.rate(&state.wanted, state.looked, now_ms),
            task: if state.is_pose { ModelTask::Pose } else { ModelTask::Detector },
            wanted: state.wanted,
            at_work: state.at_work,
            stand_in: state.stand_in,
            reason: state.reason,
        };
        states.into_iter().map(health).collect()
    }

    fn rate(&mut self, name: &str, count: u64, now_ms: u64) -> f32 {
        let seen = self.0.entry(name.to_owned()).or_default();
        // It was started anew, or the machine's time.
        if seen.back().is_some_and(|(at_ms, before)| *before > count || *at_ms > now_ms) {
            seen.clear();
        }
        seen.push_back((now_ms, count));
        while seen.len() > 2 && now_ms - seen[1].0 >= WINDOW_MS {
            seen.pop_front();
        }
        let (from_ms, from) = seen[0];
        let took_ms = now_ms - from_ms;
        if took_ms == 0 {
            return 0.0;
        }
        let rate = (count - from) as f32 * 1_000.0 / took_ms as f32;
        (rate * 10.0).round() / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(wanted: &str, looked: u64) -> ModelState {
        ModelState {
            wanted: wanted.to_owned(),
            is_pose: false,
            at_work: Some(format!("{wanted} 1")),
            stand_in: false,
            reason: None,
            looked,
        }
    }

    /// Each model has its own rate, of the last ten seconds; one that is started anew begins anew, and one that is gone is
    /// forgotten.
    #[test]
    fn rates_are_of_the_last_seconds() {
        let mut rates = Rates::default();
        let mut rate = |now_ms: u64, all: &[(&str, u64)]| -> Vec<f32> {
            let states = all.iter().map(|(name, looked)| state(name, *looked)).collect();
            rates.models(states, now_ms).iter().map(|model| model.looks_per_second).collect()
        };
        assert_eq!(rate(1_000, &[("a", 5), ("b", 0)]), [0.0, 0.0]);
        assert_eq!(rate(3_000, &[("a", 15), ("b", 1)]), [5.0, 0.5]);
        assert_eq!(rate(11_000, &[("a", 15), ("b", 1)]), [1.0, 0.1]);
        assert_eq!(rate(21_000, &[("a", 15), ("b", 101)]), [0.0, 10.0]);
        assert_eq!(rate(22_000, &[("a", 3), ("b", 101)]), [0.0, 9.1]);
        assert_eq!(rate(23_000, &[("a", 5)]), [2.0]);
        assert_eq!(rate(24_000, &[("a", 5), ("b", 500)])[1..], [0.0], "nothing is known of it any more");
    }
}
