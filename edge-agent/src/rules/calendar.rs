//! The site's days: its time zone, its holidays, the weekend days that are worked in exchange.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use protocol::UtcMs;
use serde::Deserialize;

use super::schedule::local;

/// `[calendar]` as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarTable {
    /// As the IANA database calls it.
    pub time_zone: String,
    /// `2026-10-01`, …
    pub holidays: Vec<String>,
    /// Weekend days that are worked, as make-up for a holiday.
    pub workdays: Vec<String>,
}

impl Default for CalendarTable {
    fn default() -> Self {
        Self { time_zone: "Asia/Shanghai".to_owned(), holidays: Vec::new(), workdays: Vec::new() }
    }
}

/// The days of a site.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    holidays: BTreeSet<Date>,
    workdays: BTreeSet<Date>,
}

impl Default for Calendar {
    /// China's time, which has had no summer time since 1991; no holidays.
    fn default() -> Self {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        Self { zone, holidays: BTreeSet::new(), workdays: BTreeSet::new() }
    }
}

impl CalendarTable {
    /// `find` knows the time zones of this machine. Everything that is wrong: key and problem.
    pub fn compile(
        &self,
        find: impl Fn(&str) -> Option<TimeZone>,
    ) -> Result<Calendar, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        let mut dates = |key: &str, texts: &[String]| -> BTreeSet<Date> {
            let read = |(index, text): (usize, &String)| match text.parse::<Date>() {
                Ok(date) => Some(date),
                Err(_) => {
                    let problem = format!("{text:?} is no date; write it like \"2026-10-01\"");
                    wrong.push((format!("{key}[{index}]"), problem));
                    None
                }
            };
            texts.iter().enumerate().filter_map(read).collect()
        };
        let holidays = dates("holidays", &self.holidays);
        let workdays = dates("workdays", &self.workdays);
        if let Some(date) = holidays.intersection(&workdays).next() {
            wrong.push(("workdays".to_owned(), format!("{date} is among the holidays as well; it is one")));
        }
        let zone = find(&self.time_zone).unwrap_or_else(|| {
            let problem =
                format!("{:?} is no time zone known here; write one like \"Asia/Shanghai\"", self.time_zone);
            wrong.push(("time_zone".to_owned(), problem));
            TimeZone::UTC
        });
        if wrong.is_empty() { Ok(Calendar { zone, holidays, workdays }) } else { Err(wrong) }
    }
}

impl Calendar {
    /// What the clock on the wall says.
    pub fn local(&self, at: UtcMs) -> DateTime {
        local(at, &self.zone)
    }

    pub fn is_holiday(&self, date: Date) -> bool {
        self.holidays.contains(&date)
    }

    pub fn is_workday(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.workdays.contains(&date) || (!weekend && !self.is_holiday(date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every mistake is named with its place in the list.
    #[test]
    fn mistakes_are_named() {
        let text =
            "time_zone = \"Nowhere\"\nholidays = [\"2026-10-01\", \"10-02\"]\nworkdays = [\"2026-10-01\"]";
        let table: CalendarTable = toml::from_str(text).unwrap();
        let keys: Vec<_> = table.compile(|_| None).unwrap_err().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["holidays[1]", "workdays", "time_zone"]);
    }
}
