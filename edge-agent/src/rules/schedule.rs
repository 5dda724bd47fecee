//! When a rule watches: days, hours, holidays, in the site's time.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use protocol::UtcMs;
use serde::Deserialize;

use super::calendar::Calendar;

/// One stretch of days and hours as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTable {
    /// `mon` … `sun`, `workdays`, `weekends`; every day when not written.
    #[serde(default)]
    pub days: Vec<Day>,
    /// `22:00`; from midnight when not written.
    #[serde(default)]
    pub from: Option<Hour>,
    /// `06:00`; not later than `from`: the next morning. To midnight when not written.
    #[serde(default)]
    pub to: Option<Hour>,
    #[serde(default)]
    pub holidays: Holidays,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    #[serde(alias = "monday")]
    Mon,
    #[serde(alias = "tuesday")]
    Tue,
    #[serde(alias = "wednesday")]
    Wed,
    #[serde(alias = "thursday")]
    Thu,
    #[serde(alias = "friday")]
    Fri,
    #[serde(alias = "saturday")]
    Sat,
    #[serde(alias = "sunday")]
    Sun,
    /// Monday to Friday and make-up days, without holidays.
    #[serde(alias = "workday")]
    Workdays,
    /// All other days.
    #[serde(alias = "weekend")]
    Weekends,
}

/// What holidays of the calendar mean for a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holidays {
    /// They are days like others.
    #[default]
    Also,
    Never,
    Only,
}

/// Minutes after midnight, 0 to 1440.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Hour(u16);

impl TryFrom<String> for Hour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = |(hours, minutes): (&str, &str)| {
            let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
            (minutes < 60 && hours * 60 + minutes <= 1440).then_some(Self(hours * 60 + minutes))
        };
        text.split_once(':')
            .filter(|(h, m)| h.len() <= 2 && m.len() == 2)
            .and_then(read)
            .ok_or_else(|| format!("{text:?} is no time of day; write it like \"22:30\", up to \"24:00\""))
    }
}

/// When a rule watches. Pure: what time it is at the site follows from the time given.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    stretches: Vec<ScheduleTable>,
    calendar: Arc<Calendar>,
}

impl Schedule {
    /// `None` without a stretch: always.
    pub fn new(stretches: Vec<ScheduleTable>, calendar: Arc<Calendar>) -> Option<Self> {
        (!stretches.is_empty()).then_some(Self { stretches, calendar })
    }

    pub fn watches(&self, at: UtcMs) -> bool {
        let now = self.calendar.local(at);
        self.stretches.iter().any(|stretch| stretch.holds(now, &self.calendar))
    }
}

impl ScheduleTable {
    fn holds(&self, now: DateTime, calendar: &Calendar) -> bool {
        let from = self.from.map_or(0, |h| h.0);
        let to = self.to.map_or(1440, |h| h.0);
        let minute = u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs());
        if from < to {
            return (from..to).contains(&minute) && self.begins_on(now.date(), calendar);
        }
        // Over midnight: the hours after it belong to the day before.
        let yesterday = || now.date().yesterday().is_ok_and(|day| self.begins_on(day, calendar));
        (minute >= from && self.begins_on(now.date(), calendar)) || (minute < to && yesterday())
    }

    fn begins_on(&self, date: Date, calendar: &Calendar) -> bool {
        let day = self.days.is_empty() || self.days.iter().any(|day| day.is(date, calendar));
        let holiday = calendar.is_holiday(date);
        day && match self.holidays {
            Holidays::Also => true,
            Holidays::Never => !holiday,
            Holidays::Only => holiday,
        }
    }
}

impl Day {
    fn is(self, date: Date, calendar: &Calendar) -> bool {
        let weekday = match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
            Self::Workdays => return calendar.is_workday(date),
            Self::Weekends => return !calendar.is_workday(date),
        };
        date.weekday() == weekday
    }
}

/// The zone's clock at a moment.
pub(super) fn local(at: UtcMs, zone: &TimeZone) -> DateTime {
    let moment = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.to_zoned_datetime(zone.clone()).datetime()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::calendar::CalendarTable;

    fn calendar() -> Arc<Calendar> {
        let text = "time_zone = \"Asia/Shanghai\"\nholidays = [\"2026-10-01\", \"2026-10-02\"]\nworkdays = [\"2026-10-10\"]";
        let table: CalendarTable = toml::from_str(text).unwrap();
        Arc::new(table.compile(|_| Some(TimeZone::fixed(jiff::tz::offset(8)))).unwrap())
    }

    fn schedule(text: &str) -> Schedule {
        Schedule::new(vec![toml::from_str(text).unwrap()], calendar()).unwrap()
    }

    /// `2026-10-01T22:30` at the site.
    fn at(text: &str) -> UtcMs {
        let moment =
            text.parse::<DateTime>().unwrap().to_zoned_datetime(TimeZone::fixed(jiff::tz::offset(8)));
        UtcMs(moment.unwrap().timestamp().as_millisecond())
    }

    /// Hours over midnight belong to the day they begin on.
    #[test]
    fn nights_belong_to_their_evening() {
        let friday_night = schedule("days = [\"fri\"]\nfrom = \"22:00\"\nto = \"06:00\"");
        let expected = [
            ("2026-10-09T21:59", false),
            ("2026-10-09T22:00", true),
            ("2026-10-10T05:59", true),
            ("2026-10-10T06:00", false),
            ("2026-10-10T22:30", false),
            ("2026-10-09T03:00", false),
        ];
        for (text, watches) in expected {
            assert_eq!(friday_night.watches(at(text)), watches, "{text}");
        }
    }

    /// Holidays count as the stretch says; make-up days are workdays.
    #[test]
    fn holidays_and_make_up_days() {
        let (thursday, saturday) = (at("2026-10-01T12:00"), at("2026-10-10T12:00"));
        let week = |words: &str| schedule(&format!("days = [\"thu\"]\n{words}"));
        assert!(week("").watches(thursday));
        assert!(!week("holidays = \"never\"").watches(thursday));
        assert!(week("holidays = \"only\"").watches(thursday));
        assert!(!week("holidays = \"only\"").watches(at("2026-10-08T12:00")));
        let workdays = schedule("days = [\"workdays\"]");
        assert!(!workdays.watches(thursday) && workdays.watches(saturday));
        let weekends = schedule("days = [\"weekends\"]");
        assert!(weekends.watches(thursday) && !weekends.watches(saturday));
        assert!(weekends.watches(at("2026-10-11T00:00")));
    }

    /// From and to at the same time is a whole day from there; what is not written is the whole day.
    #[test]
    fn whole_days() {
        let day = schedule("days = [\"mon\"]\nfrom = \"08:00\"\nto = \"08:00\"");
        assert!(day.watches(at("2026-10-12T08:00")) && day.watches(at("2026-10-13T07:59")));
        assert!(!day.watches(at("2026-10-12T07:59")) && !day.watches(at("2026-10-13T08:00")));
        assert!(schedule("days = []").watches(at("2026-10-12T23:59")));
        assert!(schedule("from = \"23:00\"").watches(at("2026-10-12T23:59")));
        assert!(!schedule("from = \"23:00\"\nto = \"24:00\"").watches(at("2026-10-13T00:00")));
    }

    /// Times of day are read strictly.
    #[test]
    fn times_are_read() {
        for bad in ["24:01", "8", "08:60", "8:5", "-1:00", "", "008:00"] {
            assert!(Hour::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(Hour::try_from("8:05".to_owned()), Ok(Hour(485)));
    }
}
