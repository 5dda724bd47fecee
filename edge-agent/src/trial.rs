//! Rules on trial: what they would have told of, had they been in force while these observations were made. Pure.

use std::collections::BTreeMap;

use protocol::{Phase, RuleId, Trial, TriedIncident, UtcMs};

use crate::analyser::Analyser;
use crate::observation::Observation;
use crate::rules::{Lost, RuleConfig, RuleEvent};

/// Rules, before an analyser that has not seen anything yet. Observations are shown to it one by one: an hour of a crowd
/// is too much to be held at once.
pub struct Tryout<'r> {
    rules: &'r [RuleConfig],
    analyser: Analyser,
    told: Told,
    /// When the first and the last observation was made.
    span: Option<(UtcMs, UtcMs)>,
    frames: u64,
}

impl<'r> Tryout<'r> {
    pub fn new(rules: &'r [RuleConfig]) -> Self {
        Self { rules, analyser: Analyser::new(rules), told: Told::default(), span: None, frames: 0 }
    }

    /// The next observation.
    pub fn see(&mut self, observation: &Observation) {
        if let Some((_, last)) = self.span {
            self.told.lost(self.rules, last, observation.at, true);
        }
        self.span = Some((self.span.map_or(observation.at, |(first, _)| first), observation.at));
        self.frames += 1;
        self.told.hear(self.analyser.conclude(observation));
    }

    /// What they told of; `None` when nothing was seen. `until`: no more observations were made up to then.
    pub fn end(mut self, until: UtcMs) -> Option<Trial> {
        let (from, to) = self.span?;
        self.told.lost(self.rules, to, until, false);
        // What `finish` would end is still going on.
        let mut incidents = self.told.incidents;
        incidents.sort_by_key(|incident| incident.started_at);
        let left_out = incidents.len().saturating_sub(Trial::MOST) as u64;
        incidents.truncate(Trial::MOST);
        Some(Trial { from, to, frames: self.frames, incidents, left_out })
    }
}

#[derive(Default)]
struct Told {
    incidents: Vec<TriedIncident>,
    /// Where in the list an occurrence stands that has not ended.
    open: BTreeMap<(RuleId, u64), usize>,
    lost: Lost,
}

impl Told {
    /// A stretch without frames. `back`: with the frame at its end the camera is there again.
    fn lost(&mut self, rules: &[RuleConfig], last: UtcMs, until: UtcMs, back: bool) {
        for (rule, started_at) in self.lost.between(rules, last, until) {
            self.incidents.push(TriedIncident {
                rule_id: rule.id.clone(),
                kind: rule.incident_kind(),
                started_at,
                ended_at: back.then_some(until),
                score_percent: 0,
            });
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Seen;
    use crate::rules::RuleKind;

    fn try_on(rules: &[RuleConfig], seen: &[Observation], until: UtcMs) -> Trial {
        let mut tryout = Tryout::new(rules);
        seen.iter().for_each(|observation| tryout.see(observation));
        tryout.end(until).unwrap()
    }

    /// A camera that was dark for a while, and one that has been dark since, are told of; short pauses are not.
    #[test]
    fn lost_cameras_are_tried_too() {
        let rules = [RuleConfig::whole_picture("lost".parse().unwrap(), RuleKind::CameraLost)];
        let seen: Vec<Observation> =
            [0, 1_000, 6_000, 120_000, 121_000].map(|ms| Observation::of(UtcMs(ms), Seen::Still)).into();
        let told = |until| {
            let trial = try_on(&rules, &seen, UtcMs(until));
            let times = trial.incidents.iter().map(|i| (i.started_at.0, i.ended_at.map(|at| at.0)));
            times.collect::<Vec<_>>()
        };
        assert_eq!(told(122_000), [(36_000, Some(120_000))]);
        assert_eq!(told(600_000), [(36_000, Some(120_000)), (151_000, None)]);
    }

    /// A pause in which the live analysis gives up waiting ends an incident here too, with the last frame before it.
    #[test]
    fn a_pause_ends_incidents_as_it_does_live() {
        use crate::frame::Detection;
        use protocol::{Label, NormBox};

        let rules = [RuleConfig::whole_picture("in".parse().unwrap(), RuleKind::Intrusion)];
        let region = NormBox { x: 0.4, y: 0.4, w: 0.1, h: 0.3 };
        let person = Detection { label: Label::Person, score: 0.9, region };
        let times = (0..5_000).chain(27_000..32_000).step_by(200).collect::<Vec<i64>>();
        let seen: Vec<Observation> = times
            .iter()
            .map(|ms| {
                Observation::of(UtcMs(*ms), Seen::Objects { by: "test 1".into(), detections: vec![person] })
            })
            .collect();
        let trial = try_on(&rules, &seen, UtcMs(32_000));
        let ends: Vec<_> = trial.incidents.iter().map(|i| i.ended_at).collect();
        let last = times.iter().filter(|ms| **ms < 5_000).max().unwrap();
        assert_eq!(ends, [Some(UtcMs(*last)), None], "{:?}", trial.incidents);
    }
}
