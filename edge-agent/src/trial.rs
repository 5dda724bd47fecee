//! Rules on trial: what they would have told of, had they been in force while these observations were made. Pure.

use std::collections::BTreeMap;

use protocol::{Phase, RuleId, Trial, TriedIncident, UtcMs};

use crate::analyser::Analyser;
use crate::observation::Observation;
use crate::rules::RuleEvent;

/// Shows the observations, in their order, to an analyser that has not seen anything yet.
pub fn try_on(mut analyser: Analyser, observations: &[Observation]) -> Trial {
    let mut told = Told::default();
    for observation in observations {
        told.hear(analyser.conclude(observation));
    }
    // What `finish` would end is still going on.
    let mut incidents = told.incidents;
    incidents.sort_by_key(|incident| incident.started_at);
    let left_out = incidents.len().saturating_sub(Trial::MOST) as u64;
    incidents.truncate(Trial::MOST);
    let at = |observation: Option<&Observation>| observation.map_or(UtcMs(0), |o| o.at);
    Trial {
        from: at(observations.first()),
        to: at(observations.last()),
        frames: observations.len() as u64,
        incidents,
        left_out,
    }
}

#[derive(Default)]
struct Told {
    incidents: Vec<TriedIncident>,
    /// Where in the list an occurrence stands that has not ended.
    open: BTreeMap<(RuleId, u64), usize>,
}

impl Told {
    fn hear(&mut self, events: Vec<RuleEvent>) {
        for event in events {
            let key = (event.rule_id.clone(), event.serial);
            let score_percent = (event.score.clamp(0.0, 1.0) * 100.0).round() as u8;
            match event.phase {
                Phase::Opened => {
                    self.open.insert(key, self.incidents.len());
                    self.incidents.push(TriedIncident {
                        rule_id: event.rule_id,
                        kind: event.kind,
                        started_at: event.started_at,
                        ended_at: None,
                        score_percent,
                    });
                }
                Phase::Updated | Phase::Ended => {
                    let Some(&index) = self.open.get(&key) else { continue };
                    self.incidents[index].score_percent = score_percent;
                    if event.phase == Phase::Ended {
                        self.incidents[index].ended_at = Some(event.at);
                        self.open.remove(&key);
                    }
                }
            }
        }
    }
}
