//! Rules for lost cameras, told by frames that do not come. Pure.

use std::collections::BTreeMap;

use protocol::{RuleId, UtcMs};

use super::config::{RuleConfig, Task};

/// Schedules begin and end on a minute.
const MINUTE_MS: i64 = 60_000;

/// What the rules for a lost camera remember.
#[derive(Debug, Default)]
pub struct Lost {
    /// When the last incident of each ended.
    ended: BTreeMap<RuleId, UtcMs>,
}

impl Lost {
    /// The rules that tell of a camera without a frame from `last` to `until`, with when each does: after its time, or when
    /// its schedule begins, or its pause after the last incident is over, while the camera is still gone.
    pub fn between<'r>(
        &mut self,
        rules: &'r [RuleConfig],
        last: UtcMs,
        until: UtcMs,
    ) -> Vec<(&'r RuleConfig, UtcMs)> {
        let mut told = Vec::new();
        for rule in rules.iter().filter(|rule| rule.enabled) {
            let Task::Lost { dwell_ms } = rule.task else { continue };
            let mut due = last.plus_ms(dwell_ms.max(1));
            if let Some(at) = self.ended.get(&rule.id) {
                due = due.max(at.plus_ms(i64::from(rule.cooldown_s) * 1_000));
            }
            let next_minute = UtcMs((due.0.div_euclid(MINUTE_MS) + 1) * MINUTE_MS);
            let minutes = (0..).map(|n| next_minute.plus_ms(n * MINUTE_MS));
            let watches = |at: &UtcMs| rule.schedule.as_ref().is_none_or(|schedule| schedule.watches(*at));
            let at = std::iter::once(due).chain(minutes).take_while(|at| *at <= until).find(watches);
            if let Some(at) = at {
                self.ended.insert(rule.id.clone(), until);
                told.push((rule, at));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::rules::calendar::CalendarTable;
    use crate::rules::{RuleKind, schedule::Schedule};

    /// A camera that went dark a minute before the night's rule begins is told of when it begins; one that is back by then,
    /// or not gone for long enough, is not.
    #[test]
    fn a_schedule_that_begins_finds_who_is_gone() {
        let zone: CalendarTable = toml::from_str("time_zone = \"UTC\"").unwrap();
        let calendar = Arc::new(zone.compile(|_| Some(TimeZone::UTC)).unwrap());
        let night = toml::from_str("from = \"22:00\"\nto = \"06:00\"").unwrap();
        let schedule = Schedule::new(vec![night], calendar);
        let rule = RuleConfig {
            schedule,
            ..RuleConfig::whole_picture("night".parse().unwrap(), RuleKind::CameraLost)
        };
        let ten = 22 * 3_600_000;
        let told = |last: i64, until: i64| {
            let rules = std::slice::from_ref(&rule);
            let told = Lost::default().between(rules, UtcMs(ten + last), UtcMs(ten + until));
            told.first().map(|(_, at)| at.0 - ten)
        };
        assert_eq!(told(-55_000, 140_000), Some(0));
        assert_eq!(told(-55_000, -1), None);
        assert_eq!(told(-10_000, 140_000), Some(20_000));
        assert_eq!(told(-10_000, 19_999), None);
        assert_eq!(told(60_000, 140_000), Some(90_000));
        let morning = 8 * 3_600_000;
        assert_eq!(told(morning, morning + 60_000), None);
        assert_eq!(told(morning, 30 * 3_600_000), Some(24 * 3_600_000), "the next night");
    }

    /// A camera that comes and goes is one incident until the rule's pause is over.
    #[test]
    fn a_pause_holds_for_lost_cameras_too() {
        let whole = RuleConfig::whole_picture("lost".parse().unwrap(), RuleKind::CameraLost);
        let rule = RuleConfig { cooldown_s: 600, ..whole };
        let mut lost = Lost::default();
        let mut told = |last: i64, until: i64| {
            let rules = std::slice::from_ref(&rule);
            lost.between(rules, UtcMs(last), UtcMs(until)).first().map(|(_, at)| at.0)
        };
        assert_eq!(told(0, 60_000), Some(30_000));
        assert_eq!(told(70_000, 200_000), None);
        assert_eq!(told(640_000, 800_000), Some(670_000));
        assert_eq!(told(900_000, 2_000_000), Some(1_400_000), "gone for so long that the pause ends");
    }
}
