//! Rules for lost cameras, told by frames that do not come. Pure.

use protocol::UtcMs;

use super::config::{RuleConfig, Task};

/// The rules that tell of a camera without a frame from `last` to `until`, with when each does.
pub fn lost_between(
    rules: &[RuleConfig],
    last: UtcMs,
    until: UtcMs,
) -> impl Iterator<Item = (&RuleConfig, UtcMs)> {
    rules.iter().filter(|rule| rule.enabled).filter_map(move |rule| {
        let Task::Lost { dwell_ms } = rule.task else { return None };
        let at = last.plus_ms(dwell_ms.max(1));
        let watches = rule.schedule.as_ref().is_none_or(|schedule| schedule.watches(at));
        (watches && at <= until).then_some((rule, at))
    })
}
