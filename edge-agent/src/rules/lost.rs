//! Rules for lost cameras, told by frames that do not come. Pure.

use protocol::UtcMs;

use super::config::{RuleConfig, Task};

/// Schedules begin and end on a minute.
const MINUTE_MS: i64 = 60_000;

/// The rules that tell of a camera without a frame from `last` to `until`, with when each does: after its time, or when
/// its schedule begins while the camera is still gone.
pub fn lost_between(
    rules: &[RuleConfig],
    last: UtcMs,
    until: UtcMs,
) -> impl Iterator<Item = (&RuleConfig, UtcMs)> {
    rules.iter().filter(|rule| rule.enabled).filter_map(move |rule| {
        let Task::Lost { dwell_ms } = rule.task else { return None };
        let due = last.plus_ms(dwell_ms.max(1));
        let next_minute = UtcMs((due.0.div_euclid(MINUTE_MS) + 1) * MINUTE_MS);
        let minutes = (0..).map(|n| next_minute.plus_ms(n * MINUTE_MS));
        let watches = |at: &UtcMs| rule.schedule.as_ref().is_none_or(|schedule| schedule.watches(*at));
        let at = std::iter::once(due).chain(minutes).take_while(|at| *at <= until).find(watches)?;
        Some((rule, at))
    })
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
            lost_between(rules, UtcMs(ten + last), UtcMs(ten + until)).map(|(_, at)| at.0 - ten).next()
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
}
