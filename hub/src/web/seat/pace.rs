//! How long it takes from hang-up to the ticket, and where a day begins. Pure.

use jiff::tz::TimeZone;
use protocol::UtcMs;

/// Seconds from the end of a call to its first filing; nothing while one of the two is missing. A ticket that was filed while
/// the call ran took none. `skew_ms`: how far the box's clock is behind the hub's.
pub(super) fn took_s(ended_at_ms: Option<i64>, skew_ms: i64, filed_at_ms: Option<i64>) -> Option<i64> {
    let (ended, filed) = (ended_at_ms?, filed_at_ms?);
    Some((filed - ended.saturating_add(skew_ms)).max(0) / 1_000)
}

/// The middle one, of an even number the mean of the middle two, in tenths.
pub(super) fn median_tenths(mut all: Vec<i64>) -> Option<i64> {
    all.sort_unstable();
    let (half, count) = (all.len() / 2, all.len());
    let upper = *all.get(half)?;
    if count % 2 == 1 { Some(upper * 10) } else { Some((all[half - 1] + upper) * 5) }
}

/// `7.5`, `12`
pub(super) fn tenths_text(tenths: i64) -> String {
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// The local midnight before a moment.
pub(super) fn day_begins(now: UtcMs, zone: &TimeZone) -> UtcMs {
    let at = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let begins = at.to_zoned_datetime(zone.clone()).start_of_day();
    begins.map_or(now, |begins| UtcMs(begins.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the hang-up by the hub's clock to the filing, whole seconds, never less than none.
    #[test]
    fn time_from_hang_up() {
        assert_eq!(took_s(Some(10_000), 0, Some(18_400)), Some(8));
        assert_eq!(took_s(Some(10_000), 2_000, Some(18_400)), Some(6), "the box is 2 s behind");
        assert_eq!(took_s(Some(10_000), 0, Some(4_000)), Some(0), "filed while it ran");
        assert_eq!((took_s(None, 0, Some(1)), took_s(Some(1), 0, None)), (None, None));
    }

    #[test]
    fn the_middle_by_hand() {
        assert_eq!(median_tenths(vec![]), None);
        assert_eq!(median_tenths(vec![9]), Some(90));
        assert_eq!(median_tenths(vec![20, 7, 8]), Some(80));
        assert_eq!(median_tenths(vec![8, 7]), Some(75));
        assert_eq!((tenths_text(75).as_str(), tenths_text(120).as_str()), ("7.5", "12"));
    }

    /// The day begins where the people are.
    #[test]
    fn days_begin_at_local_midnight() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        // 2026-03-18 14:31:20 +08:00
        assert_eq!(day_begins(UtcMs(1_773_815_480_000), &zone), UtcMs(1_773_763_200_000));
    }
}
