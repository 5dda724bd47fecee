//! Case numbers: `YYYYMMDD-NNN`, the local day and a count within it. Pure; the count is a row (see the store).

use jiff::tz::{Offset, TimeZone};
use protocol::UtcMs;

/// The zone named in the configuration. China has had one offset without summer time since 1991, so its zone works
/// on machines without a zone database too.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).or_else(|error| match name {
        "Asia/Shanghai" => Ok(TimeZone::fixed(Offset::constant(8))),
        _ => Err(format!("time zone {name:?} is not known here ({error}); Asia/Shanghai always is")),
    })
}

/// `YYYYMMDD` of the moment in `zone`.
pub fn local_day(at: UtcMs, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned_datetime(zone.clone()).strftime("%Y%m%d").to_string()
}

/// At least three digits; a fourth comes by itself.
pub fn number(day: &str, count: i64) -> String {
    format!("{day}-{count:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The day turns at local midnight, not at UTC's.
    #[test]
    fn day_turns_at_local_midnight() {
        let shanghai = zone("Asia/Shanghai").unwrap();
        // 2026-03-18T15:59:59.999Z is 23:59:59.999 in Shanghai.
        let before = UtcMs(1_773_849_599_999);
        assert_eq!(local_day(before, &shanghai), "20260318");
        assert_eq!(local_day(before.plus_ms(1), &shanghai), "20260319");
        assert!(zone("Mars/Olympus").is_err());
    }

    /// Counts past 999 keep growing.
    #[test]
    fn numbers_grow() {
        assert_eq!(number("20260318", 7), "20260318-007");
        assert_eq!(number("20260318", 1234), "20260318-1234");
    }
}
