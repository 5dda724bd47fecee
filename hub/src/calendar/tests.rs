//! Known dates by hand, and any date against a simulator that goes from minute to minute.

use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use super::*;

fn spec() -> CalendarSpec {
    toml::from_str(
        r#"
        weekdays = ["mon", "tue", "wed", "thu", "fri"]
        [[hours]]
        open = ["08:30-12:00", "14:00-18:00"]
        [[hours]]
        from = "2026-06-01"
        open = ["08:00-12:00", "15:00-18:30"]
        [[year]]
        year = 2026
        holidays = ["2026-01-01..2026-01-03", "2026-02-15..2026-02-23", "2026-05-01..2026-05-05"]
        workdays = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09"]
        "#,
    )
    .unwrap()
}

fn shanghai() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

fn calendar() -> Calendar {
    spec().build(shanghai()).unwrap()
}

fn at(text: &str) -> UtcMs {
    let local: jiff::civil::DateTime = text.parse().unwrap();
    UtcMs(shanghai().to_timestamp(local).unwrap().as_millisecond())
}

fn due(start: &str, limit: &str, pauses: &[(&str, &str)]) -> String {
    let pauses: Vec<Pause> = pauses
        .iter()
        .map(|(from, to)| Pause { from: at(from), to: (!to.is_empty()).then(|| at(to)) })
        .collect();
    match calendar().due(at(start), limit.parse().unwrap(), &pauses) {
        Some(due) => shanghai()
            .to_datetime(Timestamp::from_millisecond(due.0).unwrap())
            .strftime("%Y-%m-%d %H:%M")
            .to_string(),
        None => "never".to_owned(),
    }
}

/// Each kind of limit over a weekend, the Spring Festival with its make-up days, and lunch.
#[test]
fn known_dates() {
    for (start, limit, end) in [
        // Wednesday.
        ("2026-03-18 10:00", "1 working day", "2026-03-19 18:00"),
        ("2026-03-18 10:00", "3 working days", "2026-03-23 18:00"),
        ("2026-03-18 10:00", "same working day", "2026-03-18 18:00"),
        ("2026-03-18 18:00", "same working day", "2026-03-19 18:00"),
        ("2026-03-18 23:00", "same day", "2026-03-19 00:00"),
        ("2026-03-18 10:00", "5 days", "2026-03-24 00:00"),
        // Saturday: Sunday and the beginning do not count.
        ("2026-03-21 10:00", "1 working day", "2026-03-23 18:00"),
        // Friday before the holidays; Saturday the 14th is worked, the 15th to 23rd is not, the 28th is worked.
        ("2026-02-13 10:00", "1 working day", "2026-02-14 18:00"),
        ("2026-02-13 10:00", "2 working days", "2026-02-24 18:00"),
        ("2026-02-24 10:00", "4 working days", "2026-02-28 18:00"),
        ("2026-02-13 10:00", "2 days", "2026-02-16 00:00"),
        ("2026-03-18 11:00", "2 working hours", "2026-03-18 15:00"),
        ("2026-03-18 12:30", "4 working hours", "2026-03-18 18:00"),
        ("2026-03-20 17:30", "1 working hour", "2026-03-23 09:00"),
        ("2026-02-14 17:30", "1 working hour", "2026-02-24 09:00"),
        ("2026-03-20 17:30", "2 hours", "2026-03-20 19:30"),
        // Summer hours.
        ("2026-05-29 17:30", "1 working hour", "2026-06-01 08:30"),
        ("2026-06-01 10:00", "1 working day", "2026-06-02 18:30"),
    ] {
        assert_eq!(due(start, limit, &[]), end, "{limit} from {start}");
    }
}

/// A suspended clock neither counts hours nor the ends of days; one that is still suspended has no end.
#[test]
fn pauses_stand_still() {
    let thursday = [("2026-03-19 09:00", "2026-03-20 09:00")];
    assert_eq!(due("2026-03-18 10:00", "1 working day", &thursday), "2026-03-20 18:00");
    assert_eq!(due("2026-03-18 10:00", "8 working hours", &thursday), "2026-03-20 10:30");
    assert_eq!(due("2026-03-18 10:00", "48 hours", &thursday), "2026-03-21 10:00");
    assert_eq!(due("2026-03-18 10:00", "2 hours", &thursday), "2026-03-18 12:00", "the pause came later");
    let still = [("2026-03-18 11:00", "")];
    for limit in ["1 working day", "1 day", "8 working hours", "8 hours"] {
        assert_eq!(due("2026-03-18 10:00", limit, &still), "never", "{limit}");
    }
    let twice = [("2026-03-18 11:00", "2026-03-18 11:30"), ("2026-03-18 14:00", "2026-03-18 15:00")];
    assert_eq!(due("2026-03-18 10:00", "3 working hours", &twice), "2026-03-18 16:30");
}

/// Three quarters of a limit, in the time that it counts.
#[test]
fn shares_run_in_working_time() {
    let calendar = calendar();
    let (start, end) = (at("2026-03-18 14:00"), at("2026-03-19 18:00"));
    // 4 hours of the afternoon and 7.5 of the next day: three quarters are 8.625.
    let share = calendar.share(start, end, 75, Unit::WorkingDay, &[]).unwrap();
    assert_eq!(share, at("2026-03-19 15:07:30"));
    assert_eq!(calendar.share(start, end, 50, Unit::Minute, &[]).unwrap(), at("2026-03-19 04:00"));
    assert_eq!(calendar.next_open(at("2026-03-18 08:30")), Some(at("2026-03-18 08:30")));
    assert_eq!(calendar.next_open(at("2026-03-18 12:00")), Some(at("2026-03-18 14:00")));
    assert_eq!(calendar.next_open(at("2026-03-20 18:00")), Some(at("2026-03-23 08:30")));
}

/// A year without a table is told.
#[test]
fn unknown_years_are_told() {
    assert_eq!(calendar().unknown_from(at("2026-03-18 10:00")).unwrap().to_string(), "2027-01-01");
    assert_eq!(calendar().unknown_from(at("2025-03-18 10:00")).unwrap().to_string(), "2025-03-18");
}

/// Everything that is wrong with a calendar is told at once, each with its place.
#[test]
fn wrong_calendars_are_told() {
    let spec: CalendarSpec = toml::from_str(
        r#"
        weekdays = ["mon", "Monday"]
        hours = [{ from = "2026-01-01", open = ["12:00-08:30"] }, { open = [] }, { from = "2026-06-01", open = ["08:00-12:00", "11:00-25:00"] }]
        year = [{ year = 2026, holidays = ["2026-02-30", "2025-01-01", "2026-05-01..2026-04-01", "2026-01-01..2026-12-31"], workdays = ["2026-10-10"] },
                { year = 2026, holidays = ["2026-10-10"] }]
        "#,
    )
    .unwrap();
    let wrong = spec.build(shanghai()).unwrap_err();
    for part in [
        "calendar.weekdays: \"Monday\"",
        "row 1: the first row holds from the beginning",
        "row 1: \"12:00-08:30\"",
        "row 2: say from which day on",
        "row 3: \"11:00-25:00\"",
        "\"2026-02-30\" is no day",
        "2025-01-01 does not lie in 2026",
        "ends before it begins",
        "more than 31 days",
        "2026 stands there twice",
        "2026-10-10 is both",
    ] {
        assert!(wrong.iter().any(|line| line.contains(part)), "{part}: {wrong:#?}");
    }
    let empty = CalendarSpec { weekdays: vec![], hours: vec![], year: vec![] }.build(shanghai()).unwrap_err();
    assert_eq!(empty.len(), 2, "{empty:#?}");
}

/// The same question answered by going from minute to minute, with days from a table and nothing shared with the code
/// above: local time is eight hours ahead, days are counted from the epoch.
struct Simulator {
    /// Of each day since the epoch day `first`: opening and closing minutes.
    days: Vec<Vec<(i64, i64)>>,
    first: i64,
}

const DAY: i64 = 24 * 60;

impl Simulator {
    fn new() -> Self {
        let epoch_day = |text: &str| {
            let day: Date = text.parse().unwrap();
            i64::from((day - "1970-01-01".parse::<Date>().unwrap()).get_days())
        };
        let days = |texts: &[(&str, &str)]| -> Vec<i64> {
            texts.iter().flat_map(|(from, to)| epoch_day(from)..=epoch_day(to)).collect()
        };
        let holidays =
            days(&[("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"), ("2026-05-01", "2026-05-05")]);
        let workdays = days(&[
            ("2026-01-04", "2026-01-04"),
            ("2026-02-14", "2026-02-14"),
            ("2026-02-28", "2026-02-28"),
            ("2026-05-09", "2026-05-09"),
        ]);
        let (first, summer) = (epoch_day("2025-12-01"), epoch_day("2026-06-01"));
        let of = |day: i64| {
            // The epoch was a Thursday.
            let weekend = matches!((day + 3) % 7, 5 | 6);
            let works = workdays.contains(&day) || (!weekend && !holidays.contains(&day));
            match (works, day >= summer) {
                (false, _) => vec![],
                (true, false) => vec![(510, 720), (840, 1080)],
                (true, true) => vec![(480, 720), (900, 1110)],
            }
        };
        Self { days: (first..first + 500).map(of).collect(), first }
    }

    /// In minutes since the epoch, local. Each minute is judged by its beginning.
    fn due(&self, start: i64, limit: Limit, pauses: &[(i64, i64)]) -> Option<i64> {
        let paused = |at: i64| pauses.iter().any(|(from, to)| *from <= at && at < *to);
        let mut count = 0;
        let end = (self.first + 499) * DAY;
        let mut minute = start;
        while minute < end {
            let (day, of_day) = (minute / DAY, minute % DAY);
            let open = &self.days[usize::try_from(day - self.first).unwrap()];
            let runs = match limit.unit {
                Unit::Minute => !paused(minute),
                Unit::WorkingMinute => {
                    !paused(minute) && open.iter().any(|(opens, closes)| *opens <= of_day && of_day < *closes)
                }
                Unit::Day | Unit::WorkingDay => {
                    // Whether a day ends as this minute does.
                    let closes =
                        if limit.unit == Unit::Day { Some(DAY) } else { open.last().map(|last| last.1) };
                    let ends = closes == Some(of_day + 1) && !paused(minute + 1);
                    ends && (limit.count == 0 || day > start / DAY)
                }
            };
            minute += 1;
            if runs {
                count += 1;
                if count >= limit.count.max(1) {
                    return Some(minute);
                }
            }
        }
        None
    }
}

fn limits() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (0_u32..25).prop_map(|count| Limit::new(count, Unit::WorkingDay)),
        (0_u32..40).prop_map(|count| Limit::new(count, Unit::Day)),
        (1_u32..6_000).prop_map(|count| Limit::new(count, Unit::WorkingMinute)),
        (1_u32..30_000).prop_map(|count| Limit::new(count, Unit::Minute)),
    ]
}

/// How many questions are put: few in tests, a million in `deploy/soak.sh calendar`.
fn questions() -> ProptestConfig {
    let asked = std::env::var("SHAODIAN_CALENDAR_QUESTIONS").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(3_000), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(questions())]

    /// Any start in seven months, any limit, up to four pauses: the same end as by going from minute to minute.
    #[test]
    fn agrees_with_the_simulator(
        start in 0_i64..210 * DAY,
        limit in limits(),
        lengths in proptest::collection::vec((1_i64..4_000, 1_i64..6_000), 0..4),
    ) {
        thread_local! { static SIMULATOR: (Simulator, Calendar) = (Simulator::new(), calendar()); }
        SIMULATOR.with(|(simulator, calendar)| {
            let start = simulator.first * DAY + DAY + start;
            let mut pauses = Vec::new();
            let mut at = start - 1_000;
            for (gap, length) in lengths {
                pauses.push((at + gap, at + gap + length));
                at += gap + length;
            }
            let utc = |minute: i64| UtcMs((minute - 8 * 60) * MINUTE_MS);
            let own: Vec<Pause> =
                pauses.iter().map(|(from, to)| Pause { from: utc(*from), to: Some(utc(*to)) }).collect();
            let found = calendar.due(utc(start), limit, &own);
            prop_assert_eq!(found, simulator.due(start, limit, &pauses).map(utc), "{} from {}", limit, start);
            Ok(())
        })?;
    }
}
