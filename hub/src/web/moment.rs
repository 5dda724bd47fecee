//! Times as people read them: in the hub's zone, today without the date.

use jiff::tz::TimeZone;
use protocol::UtcMs;

/// One instant, ready for a `<time>` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub ms: i64,
    /// `14:32:08` today, `11-22 14:32` this year, `2025-11-22 14:32` before.
    pub text: String,
    /// `2026-03-18 14:32:08`
    pub full: String,
    /// RFC 3339 in UTC, for `datetime`.
    pub iso: String,
    /// Milliseconds that had passed when the page was made; never negative.
    pub age_ms: i64,
}

/// Where the people are, and what time it is.
#[derive(Clone, Debug)]
pub struct LocalTime {
    pub zone: TimeZone,
    pub now: UtcMs,
}

impl LocalTime {
    pub fn moment(&self, at: UtcMs) -> Moment {
        let age_ms = self.now.since_ms(at).max(0);
        let (Ok(then), Ok(now)) =
            (jiff::Timestamp::from_millisecond(at.0), jiff::Timestamp::from_millisecond(self.now.0))
        else {
            return Moment {
                ms: at.0,
                text: at.to_string(),
                full: at.to_string(),
                iso: at.to_string(),
                age_ms,
            };
        };
        let (then, now) =
            (then.to_zoned_datetime(self.zone.clone()), now.to_zoned_datetime(self.zone.clone()));
        let shape = if then.date() == now.date() {
            "%H:%M:%S"
        } else if then.year() == now.year() {
            "%m-%d %H:%M"
        } else {
            "%Y-%m-%d %H:%M"
        };
        Moment {
            ms: at.0,
            text: then.strftime(shape).to_string(),
            full: then.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            iso: at.to_string(),
            age_ms,
        }
    }
}

impl LocalTime {
    /// `14:32:08`, for places that name the day elsewhere.
    pub fn clock(&self, at: UtcMs) -> String {
        let Ok(then) = jiff::Timestamp::from_millisecond(at.0) else { return at.to_string() };
        then.to_zoned_datetime(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// What a browser's field of date and time sends: `2026-03-18T14:32:08`.
    pub fn parse(&self, text: &str) -> Option<UtcMs> {
        let there: jiff::civil::DateTime = text.parse().ok()?;
        Some(UtcMs(self.zone.to_timestamp(there).ok()?.as_millisecond()))
    }
}

/// `45 秒`, `3 分 20 秒`, `2 小时 5 分`, `3 天`: what `live.js` goes on counting.
pub fn age_text(ms: i64, zh: bool) -> String {
    let s = ms.max(0) / 1_000;
    let (m, h, d) = (s / 60, s / 3_600, s / 86_400);
    match (zh, s) {
        (true, ..60) => format!("{s} 秒"),
        (true, ..3_600) => format!("{m} 分 {:02} 秒", s % 60),
        (true, ..86_400) => format!("{h} 小时 {:02} 分", m % 60),
        (true, _) => format!("{d} 天 {} 小时", h % 24),
        (false, ..60) => format!("{s} s"),
        (false, ..3_600) => format!("{m} m {:02} s", s % 60),
        (false, ..86_400) => format!("{h} h {:02} m", m % 60),
        (false, _) => format!("{d} d {} h", h % 24),
    }
}

/// `02:14` or `1:02:14`.
pub fn length_text(ms: u64) -> String {
    let s = ms / 1_000;
    let (m, h) = (s / 60 % 60, s / 3_600);
    if h == 0 { format!("{m:02}:{:02}", s % 60) } else { format!("{h}:{m:02}:{:02}", s % 60) }
}

/// `3.5 MB`, for files and disks.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_000.0 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Today shows the clock, this year the day, before that the year; a future time has age 0.
    #[test]
    fn moments_say_only_what_is_needed() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        // 2026-03-18 14:31:20 +08:00
        let local = LocalTime { zone, now: UtcMs(1_773_815_480_000) };
        assert_eq!(local.moment(UtcMs(1_773_815_420_000)).text, "14:30:20");
        assert_eq!(local.moment(UtcMs(1_773_815_420_000)).age_ms, 60_000);
        assert_eq!(local.moment(UtcMs(1_773_729_080_000)).text, "03-17 14:31");
        assert_eq!(local.moment(UtcMs(1_742_279_480_000)).text, "2025-03-18 14:31");
        assert_eq!(local.moment(UtcMs(1_773_815_490_000)).age_ms, 0);
        assert_eq!(local.clock(UtcMs(1_742_279_480_000)), "14:31:20");
        let read = ["2026-03-18T14:31:20", "2026-03-18T14:31", "18.3.2026"].map(|text| local.parse(text));
        assert_eq!(read, [Some(UtcMs(1_773_815_480_000)), Some(UtcMs(1_773_815_460_000)), None]);
    }

    #[test]
    fn ages_lengths_and_sizes_by_hand() {
        assert_eq!(age_text(48_000, true), "48 秒");
        assert_eq!(age_text(200_000, false), "3 m 20 s");
        assert_eq!(age_text(7_500_000, true), "2 小时 05 分");
        assert_eq!(length_text(134_000), "02:14");
        assert_eq!(length_text(3_734_000), "1:02:14");
        assert_eq!(size_text(999), "999 B");
        assert_eq!(size_text(3_660_092), "3.7 MB");
    }
}
