//! Which of the cases behind a figure: what stands behind a part of it that a page shows by itself. Pure.

use jiff::tz::TimeZone;
use protocol::UtcMs;

use super::by::By;
use super::facts::Facts;
use super::late::Cause;
use super::point::Point;
use crate::organisation::Level;

/// Nothing set: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// 小类; empty for what is not filed.
    pub category: Option<String>,
    /// Path of a community; empty for what lies in none.
    pub community: Option<String>,
    pub cause: Option<Cause>,
    /// 0 is Monday.
    pub weekday: Option<i8>,
    pub hour: Option<i8>,
}

impl Narrow {
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    pub fn has(&self, facts: &Facts, point: &Point, zone: &TimeZone) -> bool {
        let is = |wanted: &Option<String>, by: By| {
            wanted.as_ref().is_none_or(|wanted| *wanted == by.key(facts, point))
        };
        let at = || {
            let wanted = (self.weekday, self.hour);
            wanted == (None, None)
                || weekday_and_hour(point.at, zone).is_some_and(|(weekday, hour)| {
                    wanted.0.is_none_or(|wanted| wanted == weekday)
                        && wanted.1.is_none_or(|wanted| wanted == hour)
                })
        };
        is(&self.category, By::Category)
            && is(&self.community, By::Area(Level::Community))
            && self.cause.is_none_or(|cause| cause.holds(facts, point))
            && at()
    }
}

/// Where the people are; 0 is Monday. Nothing for a moment that no calendar has.
pub fn weekday_and_hour(at: UtcMs, zone: &TimeZone) -> Option<(i8, i8)> {
    let there = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned_datetime(zone.clone());
    Some((there.date().weekday().to_monday_zero_offset(), there.hour()))
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    /// By hand: Wednesday 18 March 2026, 14:31 in the county, is Wednesday morning in Greenwich.
    #[test]
    fn weekdays_and_hours_are_local() {
        let at = UtcMs(1_773_815_480_000);
        assert_eq!(weekday_and_hour(at, &TimeZone::fixed(Offset::constant(8))), Some((2, 14)));
        assert_eq!(weekday_and_hour(at, &TimeZone::UTC), Some((2, 6)));
        let sunday = at.plus_ms(4 * 86_400_000 + 9 * 3_600_000);
        assert_eq!(weekday_and_hour(sunday, &TimeZone::fixed(Offset::constant(8))), Some((6, 23)));
        assert_eq!(weekday_and_hour(UtcMs(i64::MAX), &TimeZone::UTC), None);
    }
}
