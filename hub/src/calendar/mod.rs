//! Working time. Pure.
//!
//! Limits count as the Civil Code of the People's Republic of China has it: the day on which one begins is not counted
//! (article 201), and its last day ends at midnight, or with the hours of business where there are any (article 203).
//! Natural days go on over holidays, as in the published rules of the platforms that use them: that is what sets them
//! apart from working days. A clock stands still while its case is suspended; a day counts when the clock runs at its end.

mod limit;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use protocol::UtcMs;

pub use limit::{Limit, Unit};
pub use spec::{CalendarSpec, HoursSpec, YearSpec};

/// When people work. Made from a [`CalendarSpec`].
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    /// Monday first.
    weekdays: [bool; 7],
    /// The earliest first; the first holds from the beginning.
    hours: Vec<Hours>,
    holidays: BTreeSet<Date>,
    workdays: BTreeSet<Date>,
    /// Years whose holidays are known.
    years: BTreeSet<i16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hours {
    from: Date,
    spans: Vec<Span>,
}

/// Minutes of a day; 24 × 60 is its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    opens: u16,
    closes: u16,
}

/// From when to when a clock stands still; without an end it still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub from: UtcMs,
    pub to: Option<UtcMs>,
}

/// Nothing ends later than so many days after it began: limits and pauses are shorter.
const HORIZON_DAYS: usize = 3_660;

const MINUTE_MS: i64 = 60_000;

impl Calendar {
    /// When a clock that began at `start` runs out; `None` while it stands still before that. `pauses` are in order and
    /// apart from each other.
    pub fn due(&self, start: UtcMs, limit: Limit, pauses: &[Pause]) -> Option<UtcMs> {
        let length_ms = i64::from(limit.count) * MINUTE_MS;
        match limit.unit {
            Unit::WorkingDay | Unit::Day => self.end_of_day(start, limit, pauses),
            Unit::WorkingMinute | Unit::Minute => self.after(start, length_ms, limit.unit, pauses),
        }
    }

    /// The moment at which `percent` of the time between `start` and `due` have run, in what `unit` counts.
    pub fn share(
        &self,
        start: UtcMs,
        due: UtcMs,
        percent: u8,
        unit: Unit,
        pauses: &[Pause],
    ) -> Option<UtcMs> {
        let part_ms = self.running_ms(start, due, unit, pauses) * i64::from(percent) / 100;
        self.after(start, part_ms, unit, pauses)
    }

    /// How much of the time from `from` to `to` counts, in milliseconds.
    pub fn running_ms(&self, from: UtcMs, to: UtcMs, unit: Unit, pauses: &[Pause]) -> i64 {
        let runs = self.runs(from.0, unit, pauses).take_while(|run| run.0 < to.0);
        runs.map(|(begins, ends)| ends.min(to.0) - begins).sum()
    }

    /// The first moment from `at` on at which people work.
    pub fn next_open(&self, at: UtcMs) -> Option<UtcMs> {
        self.runs(at.0, Unit::WorkingMinute, &[]).next().map(|(begins, _)| UtcMs(begins))
    }

    /// The first day from `at` on whose holidays nobody has entered: only weekends are known there.
    pub fn unknown_from(&self, at: UtcMs) -> Option<Date> {
        let mut day = self.day_of(at.0)?;
        while self.years.contains(&day.year()) {
            day = Date::new(day.year() + 1, 1, 1).ok()?;
        }
        Some(day)
    }

    /// `length_ms` of counted time after `start`.
    fn after(&self, start: UtcMs, length_ms: i64, unit: Unit, pauses: &[Pause]) -> Option<UtcMs> {
        let mut left_ms = length_ms;
        for (begins, ends) in self.runs(start.0, unit, pauses) {
            if ends - begins >= left_ms {
                return Some(UtcMs(begins + left_ms));
            }
            left_ms -= ends - begins;
        }
        None
    }

    fn end_of_day(&self, start: UtcMs, limit: Limit, pauses: &[Pause]) -> Option<UtcMs> {
        let first = self.day_of(start.0)?;
        let mut left = limit.count;
        for day in days_from(first) {
            let ends = match limit.unit {
                Unit::Day => self.at(day, 24 * 60),
                _ => match self.spans(day).last() {
                    Some(last) => self.at(day, last.closes),
                    None => continue,
                },
            };
            if ends <= start.0 || pauses.iter().any(|pause| pause.covers(ends)) {
                continue;
            }
            if limit.count == 0 {
                return Some(UtcMs(ends));
            }
            if day > first {
                left -= 1;
                if left == 0 {
                    return Some(UtcMs(ends));
                }
            }
        }
        None
    }

    /// Stretches of time that count, from `start` on.
    fn runs<'a>(
        &'a self,
        start: i64,
        unit: Unit,
        pauses: &'a [Pause],
    ) -> Box<dyn Iterator<Item = (i64, i64)> + 'a> {
        if matches!(unit, Unit::Day | Unit::Minute) {
            return Box::new(without((start, i64::MAX), pauses).into_iter());
        }
        let days = self.day_of(start).into_iter().flat_map(days_from);
        let open = days.flat_map(move |day| {
            let spans = self.spans(day).iter();
            spans.map(move |span| (self.at(day, span.opens).max(start), self.at(day, span.closes)))
        });
        Box::new(open.filter(|run| run.0 < run.1).flat_map(move |run| without(run, pauses)))
    }

    /// Hours of business; none on a day on which nobody works.
    fn spans(&self, day: Date) -> &[Span] {
        let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        let works = self.workdays.contains(&day) || (self.weekdays[weekday] && !self.holidays.contains(&day));
        let hours = self.hours.iter().rev().find(|hours| hours.from <= day);
        hours.filter(|_| works).map_or(&[], |hours| hours.spans.as_slice())
    }

    fn day_of(&self, at_ms: i64) -> Option<Date> {
        Timestamp::from_millisecond(at_ms).ok().map(|at| self.zone.to_datetime(at).date())
    }

    /// In epoch milliseconds; the end of time for days that no clock reaches.
    fn at(&self, day: Date, minute: u16) -> i64 {
        let at = day.to_datetime(Time::midnight()).checked_add(i64::from(minute).minutes());
        let at = at.and_then(|at| self.zone.to_timestamp(at));
        at.map_or(i64::MAX, |at| at.as_millisecond())
    }
}

impl Pause {
    fn covers(self, at: i64) -> bool {
        self.from.0 <= at && self.to.is_none_or(|to| at < to.0)
    }
}

fn days_from(first: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(HORIZON_DAYS)
}

/// What pauses leave of a stretch.
fn without(run: (i64, i64), pauses: &[Pause]) -> Vec<(i64, i64)> {
    let (mut begins, ends) = run;
    let mut left = Vec::new();
    for pause in pauses {
        if pause.from.0 > begins {
            left.push((begins, pause.from.0.min(ends)));
        }
        begins = begins.max(pause.to.map_or(i64::MAX, |to| to.0));
        if begins >= ends {
            return left.into_iter().filter(|part| part.0 < part.1).collect();
        }
    }
    left.push((begins, ends));
    left.into_iter().filter(|part| part.0 < part.1).collect()
}
