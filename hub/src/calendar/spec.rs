//! A calendar as people write it, and everything that can be wrong with it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Calendar, Hours, Span};

/// `[calendar]` of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    /// `mon` to `sun`.
    pub weekdays: Vec<String>,
    /// Hours of business; the first row holds from the beginning, each other from its day on.
    pub hours: Vec<HoursSpec>,
    /// The State Council's yearly table of holidays and make-up days.
    #[serde(default)]
    pub year: Vec<YearSpec>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursSpec {
    /// `2026-06-01`; left out in the first row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// `08:30-12:00`, in order; lunch is what lies between.
    pub open: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearSpec {
    pub year: i16,
    /// `2026-01-01` or `2026-02-15..2026-02-23`, both ends included.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// 调休上班: weekends on which people work.
    #[serde(default)]
    pub workdays: Vec<String>,
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Longest stretch of one entry, in days.
const MOST_STRETCH: i32 = 31;

impl CalendarSpec {
    /// The calendar in `zone`, or everything that is wrong, each with its place.
    pub fn build(&self, zone: TimeZone) -> Result<Calendar, Vec<String>> {
        let mut wrong = Vec::new();
        let weekdays = weekdays(&self.weekdays, &mut wrong);
        let hours = hours(&self.hours, &mut wrong);
        let (mut holidays, mut workdays, mut years) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for spec in &self.year {
            let year = spec.year;
            if !years.insert(year) {
                wrong.push(format!("calendar.year: {year} stands there twice; put its days together"));
            }
            for (name, texts, days) in
                [("holidays", &spec.holidays, &mut holidays), ("workdays", &spec.workdays, &mut workdays)]
            {
                for text in texts {
                    let place = format!("calendar.year {year}, {name}");
                    match stretch(text) {
                        // A New Year's holiday may begin in the year before.
                        Ok(found) if found.iter().any(|day| day.year() == year) => days.extend(found),
                        Ok(_) => wrong.push(format!("{place}: {text} does not lie in {year}")),
                        Err(why) => wrong.push(format!("{place}: {why}")),
                    }
                }
            }
        }
        for day in holidays.intersection(&workdays) {
            wrong
                .push(format!("calendar.year: {day} is both a holiday and a workday; leave one of them out"));
        }
        if wrong.is_empty() {
            Ok(Calendar { zone, weekdays, hours, holidays, workdays, years })
        } else {
            Err(wrong)
        }
    }
}

fn weekdays(names: &[String], wrong: &mut Vec<String>) -> [bool; 7] {
    let mut works = [false; 7];
    for name in names {
        match WEEKDAYS.iter().position(|known| known == name) {
            Some(at) => works[at] = true,
            None => wrong.push(format!("calendar.weekdays: {name:?} is not one of {}", WEEKDAYS.join(", "))),
        }
    }
    if names.is_empty() {
        wrong.push("calendar.weekdays: nobody ever works; name at least one day".to_owned());
    }
    works
}

fn hours(specs: &[HoursSpec], wrong: &mut Vec<String>) -> Vec<Hours> {
    let mut all: Vec<Hours> = Vec::new();
    for (at, spec) in specs.iter().enumerate() {
        let place = format!("calendar.hours, row {}", at + 1);
        let from = match (at, spec.from) {
            (0, None) => Date::MIN,
            (0, Some(_)) => {
                wrong.push(format!("{place}: the first row holds from the beginning; leave its from out"));
                Date::MIN
            }
            (_, Some(from)) => from,
            (_, None) => {
                wrong.push(format!("{place}: say from which day on, from = \"2026-06-01\""));
                continue;
            }
        };
        if at > 0 && all.last().is_some_and(|before| before.from >= from) {
            wrong.push(format!("{place}: {from} is not after the row before; order the rows by their day"));
        }
        let mut spans: Vec<Span> = Vec::new();
        for text in &spec.open {
            match span(text) {
                Ok(span) if spans.last().is_none_or(|before| before.closes <= span.opens) => spans.push(span),
                Ok(_) => wrong.push(format!("{place}: {text} begins before the one before it ends")),
                Err(why) => wrong.push(format!("{place}: {why}")),
            }
        }
        if spec.open.is_empty() {
            wrong.push(format!("{place}: no hours; write open = [\"08:30-12:00\", \"14:00-18:00\"]"));
        }
        all.push(Hours { from, spans });
    }
    if specs.is_empty() {
        wrong
            .push("calendar.hours: no hours of business; add a row with open = [\"09:00-17:00\"]".to_owned());
    }
    all
}

fn span(text: &str) -> Result<Span, String> {
    let minute = |part: &str| -> Option<u16> {
        let (hours, minutes) = part.trim().split_once(':')?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
    };
    let both = text.split_once('-').and_then(|(opens, closes)| Some((minute(opens)?, minute(closes)?)));
    match both {
        Some((opens, closes)) if opens < closes => Ok(Span { opens, closes }),
        _ => Err(format!("{text:?} is no stretch of a day; write \"08:30-12:00\"")),
    }
}

fn stretch(text: &str) -> Result<Vec<Date>, String> {
    let wrong = || format!("{text:?} is no day; write \"2026-01-01\" or \"2026-02-15..2026-02-23\"");
    let day = |part: &str| part.trim().parse::<Date>().map_err(|_| wrong());
    let (first, last) = match text.split_once("..") {
        Some((first, last)) => (day(first)?, day(last)?),
        None => (day(text)?, day(text)?),
    };
    let mut days = vec![first];
    while days[days.len() - 1] < last {
        let next = days[days.len() - 1].tomorrow().map_err(|_| wrong())?;
        days.push(next);
        if days.len() as i32 > MOST_STRETCH {
            return Err(format!("{text}: more than {MOST_STRETCH} days; is the second one right?"));
        }
    }
    if last < first { Err(format!("{text}: ends before it begins")) } else { Ok(days) }
}
