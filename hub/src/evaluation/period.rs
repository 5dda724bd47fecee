//! Periods as people write them, and where they begin and end. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::{Date, ISOWeekDate, Time, Weekday};
use jiff::tz::TimeZone;
use protocol::UtcMs;

use super::point::Span;

/// Longest period, in days: three years.
const MOST_DAYS: i32 = 1_100;

/// A day, week, month, quarter, half-year or year, or from one day to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    kind: Kind,
    pub from: Date,
    /// No longer in it.
    pub to: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Day,
    Week,
    Month,
    Quarter,
    Half,
    Year,
    Range,
}

impl Period {
    pub fn month(year: i16, month: i8) -> Option<Self> {
        let from = Date::new(year, month, 1).ok()?;
        Some(Self { kind: Kind::Month, from, to: from.checked_add(1.month()).ok()? })
    }

    /// The month in which a moment lies.
    pub fn month_of(at: UtcMs, zone: &TimeZone) -> Option<Self> {
        let day = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned_datetime(zone.clone()).date();
        Self::month(day.year(), day.month())
    }

    pub fn is_month(&self) -> bool {
        self.kind == Kind::Month
    }

    /// The one of the same kind right before.
    pub fn before(&self) -> Option<Self> {
        self.moved(-1)
    }

    /// The one of the same kind right after.
    pub fn after(&self) -> Option<Self> {
        self.moved(1)
    }

    fn moved(&self, by: i64) -> Option<Self> {
        let span = match self.kind {
            Kind::Day => by.days(),
            Kind::Week => (7 * by).days(),
            Kind::Month => by.months(),
            Kind::Quarter => (3 * by).months(),
            Kind::Half => (6 * by).months(),
            Kind::Year => by.years(),
            Kind::Range => (by * i64::from(self.days())).days(),
        };
        Some(Self {
            kind: self.kind,
            from: self.from.checked_add(span).ok()?,
            to: self.to.checked_add(span).ok()?,
        })
    }

    /// The same of the year before.
    pub fn a_year_ago(&self) -> Option<Self> {
        let year = |day: Date| day.checked_add((-1).years()).ok();
        Some(Self { kind: self.kind, from: year(self.from)?, to: year(self.to)? })
    }

    fn days(&self) -> i32 {
        self.from.until(self.to).map_or(i32::MAX, |span| span.get_days())
    }

    /// In epoch milliseconds; what happens at `now` is still seen. The hub's zone says when a day begins.
    pub fn span(&self, zone: &TimeZone, now: UtcMs) -> Span {
        let at = |day: Date| {
            let midnight = zone.to_timestamp(day.to_datetime(Time::midnight()));
            midnight.map_or(UtcMs(i64::MAX), |at| UtcMs(at.as_millisecond()))
        };
        let (from, to) = (at(self.from), at(self.to));
        Span { from, to, seen: to.min(now.plus_ms(1)) }
    }
}

impl Period {
    /// As it is written where the years beside it say the rest: `10`, `W41`, `Q4`, `10-05`.
    pub fn short(&self) -> String {
        let month = self.from.month();
        match self.kind {
            Kind::Week => format!("W{:02}", self.from.iso_week_date().week()),
            Kind::Month => month.to_string(),
            Kind::Quarter => format!("Q{}", (month - 1) / 3 + 1),
            Kind::Half => format!("H{}", (month - 1) / 6 + 1),
            Kind::Year => format!("{:04}", self.from.year()),
            Kind::Day | Kind::Range => format!("{month:02}-{:02}", self.from.day()),
        }
    }

    /// The day, week or month in which its last day lies, or today's where it still runs.
    pub fn last(&self, step: Step, today: Date) -> Option<Self> {
        let day = self.to.yesterday().ok()?.min(today);
        Some(match step {
            Step::Day => Self { kind: Kind::Day, from: day, to: day.tomorrow().ok()? },
            Step::Week => {
                let from =
                    ISOWeekDate::new(day.iso_week_date().year(), day.iso_week_date().week(), Weekday::Monday);
                let from = from.ok()?.date();
                Self { kind: Kind::Week, from, to: from.checked_add(7.days()).ok()? }
            }
            Step::Month => Self::month(day.year(), day.month())?,
        })
    }

    /// As a row of equal steps: nothing for a quarter, half-year, year or range.
    pub fn step(&self) -> Option<Step> {
        match self.kind {
            Kind::Day => Some(Step::Day),
            Kind::Week => Some(Step::Week),
            Kind::Month => Some(Step::Month),
            _ => None,
        }
    }
}

/// By what a row of periods goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Day,
    Week,
    Month,
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.from.year(), self.from.month());
        match self.kind {
            Kind::Day => write!(f, "{}", self.from),
            Kind::Week => {
                let week = self.from.iso_week_date();
                write!(f, "{:04}-W{:02}", week.year(), week.week())
            }
            Kind::Month => write!(f, "{year:04}-{month:02}"),
            Kind::Quarter => write!(f, "{year:04}-Q{}", (month - 1) / 3 + 1),
            Kind::Half => write!(f, "{year:04}-H{}", (month - 1) / 6 + 1),
            Kind::Year => write!(f, "{year:04}"),
            Kind::Range => {
                write!(f, "{}..{}", self.from, self.to.yesterday().unwrap_or(self.to))
            }
        }
    }
}

impl FromStr for Period {
    type Err = String;
    /// `2026-10-05`, `2026-W41`, `2026-10`, `2026-Q4`, `2026-H2`, `2026`, `2026-10-01..2026-10-15` (both days in it).
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no period; write 2026-10-05, 2026-W41, 2026-10, 2026-Q4, 2026-H2, 2026 or \
                 2026-10-01..2026-10-15"
            )
        };
        let text = text.trim();
        if let Some((first, last)) = text.split_once("..") {
            let day = |part: &str| part.trim().parse::<Date>().map_err(|_| wrong());
            let (from, last) = (day(first)?, day(last)?);
            let period = Self { kind: Kind::Range, from, to: last.tomorrow().map_err(|_| wrong())? };
            return match period.days() {
                ..=0 => Err(format!("{text}: ends before it begins")),
                days if days > MOST_DAYS => Err(format!("{text}: {days} days are more than three years")),
                _ => Ok(period),
            };
        }
        let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
        if year.len() != 4 || !year.bytes().all(|c| c.is_ascii_digit()) {
            return Err(wrong());
        }
        let year: i16 = year.parse().map_err(|_| wrong())?;
        let number = |digits: &str, most: i8| -> Result<i8, String> {
            digits.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(wrong)
        };
        let first = |month: i8| Date::new(year, month, 1).map_err(|_| wrong());
        let (kind, from, length) = match rest {
            None => (Kind::Year, first(1)?, 1.year()),
            Some(rest) => match (rest.get(..1), rest.get(1..)) {
                (Some("Q" | "q"), Some(digit)) => {
                    (Kind::Quarter, first(3 * number(digit, 4)? - 2)?, 3.months())
                }
                (Some("H" | "h"), Some(digit)) => (Kind::Half, first(6 * number(digit, 2)? - 5)?, 6.months()),
                (Some("W" | "w"), Some(digits)) => {
                    let week = ISOWeekDate::new(year, number(digits, 53)?, Weekday::Monday);
                    (Kind::Week, week.map_err(|_| wrong())?.date(), 7.days())
                }
                _ if rest.contains('-') => (Kind::Day, text.parse().map_err(|_| wrong())?, 1.day()),
                _ => (Kind::Month, first(number(rest, 12)?)?, 1.month()),
            },
        };
        Ok(Self { kind, from, to: from.checked_add(length).map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    fn days(text: &str) -> String {
        let period: Period = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(period.to_string().parse(), Ok(period.clone()), "{text} reads back");
        format!("{} {}", period.from, period.to)
    }

    /// Each form by hand, the end not in it; what is no period is refused with what would be one.
    #[test]
    fn periods_by_hand() {
        for (text, wanted) in [
            ("2026-10-05", "2026-10-05 2026-10-06"),
            ("2026-W41", "2026-10-05 2026-10-12"),
            ("2026-W01", "2025-12-29 2026-01-05"),
            ("2026-10", "2026-10-01 2026-11-01"),
            ("2026-12", "2026-12-01 2027-01-01"),
            ("2026-Q4", "2026-10-01 2027-01-01"),
            ("2026-H1", "2026-01-01 2026-07-01"),
            ("2026", "2026-01-01 2027-01-01"),
            ("2026-10-01..2026-10-15", "2026-10-01 2026-10-16"),
            ("2026-10-01..2026-10-01", "2026-10-01 2026-10-02"),
        ] {
            assert_eq!(days(text), wanted, "{text}");
        }
        for bad in [
            "",
            "26",
            "2026-13",
            "2026-0",
            "2026-Q5",
            "2026-H3",
            "2026-W54",
            "2026-02-30",
            "October",
            "2026-",
            "+2026",
            "2026-10-01..",
            "2026-Ä",
            "2026-10-15..2026-10-01",
            "2020-01-01..2026-01-01",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad:?}");
        }
        assert!("2026-13".parse::<Period>().unwrap_err().contains("2026-Q4"));
    }

    /// Neighbours are of the same kind; a year ago is the same month; a range goes back by its own length.
    #[test]
    fn neighbours() {
        let before = |text: &str| text.parse::<Period>().unwrap().before().unwrap().to_string();
        assert_eq!(before("2026-01"), "2025-12");
        assert_eq!(before("2026-Q1"), "2025-Q4");
        assert_eq!(before("2026-W01"), "2025-W52");
        assert_eq!(before("2026-10-01..2026-10-15"), "2026-09-16..2026-09-30");
        let march: Period = "2026-03".parse().unwrap();
        assert_eq!(march.a_year_ago().unwrap().to_string(), "2025-03");
        assert_eq!(march.after().unwrap().to_string(), "2026-04");
    }

    /// The last day, week and month of a quarter, and of one that still runs.
    #[test]
    fn the_last_step() {
        let quarter: Period = "2026-Q1".parse().unwrap();
        let last = |step, today: &str| quarter.last(step, today.parse().unwrap()).unwrap().to_string();
        let long_over = [Step::Day, Step::Week, Step::Month].map(|step| last(step, "2026-12-31"));
        assert_eq!(long_over, ["2026-03-31", "2026-W14", "2026-03"]);
        let runs = [Step::Day, Step::Week, Step::Month].map(|step| last(step, "2026-02-11"));
        assert_eq!(runs, ["2026-02-11", "2026-W07", "2026-02"]);
        assert_eq!(quarter.step(), None);
        for (text, short, step) in [
            ("2026-10-05", "10-05", Some(Step::Day)),
            ("2026-W41", "W41", Some(Step::Week)),
            ("2026-10", "10", Some(Step::Month)),
            ("2026-Q4", "Q4", None),
            ("2026-H2", "H2", None),
            ("2026", "2026", None),
            ("2026-10-01..2026-10-15", "10-01", None),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.short().as_str(), period.step()), (short, step), "{text}");
        }
    }

    /// A month begins at midnight where the people are, and one that runs is seen now.
    #[test]
    fn a_month_is_local() {
        let zone = TimeZone::fixed(Offset::constant(8));
        let now = UtcMs(1_773_799_200_000);
        let month = Period::month_of(now, &zone).unwrap();
        assert_eq!(month.to_string(), "2026-03");
        let span = month.span(&zone, now);
        assert_eq!((span.from, span.to), (UtcMs(1_772_294_400_000), UtcMs(1_774_972_800_000)));
        assert_eq!(span.seen, now.plus_ms(1));
        assert_eq!(month.before().unwrap().span(&zone, now).seen, span.from);
    }
}
