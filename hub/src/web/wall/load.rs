//! How much the people on duty are asked to look at. Pure.
//!
//! EEMUA 191: about one alert for each operator in ten minutes is what somebody can look at well; from two on, alerts are
//! overlooked. The time of the roster is what counts: two people for half an hour are one for an hour.

use crate::db::from_row;

/// Alerts are counted over so long.
pub(super) const STEP_MS: i64 = 600_000;
pub(super) const HOUR_MS: i64 = 6 * STEP_MS;
/// No shift is longer than this to the wall: a roster may name a whole week.
pub(super) const LONGEST_SHIFT_MS: i64 = 24 * HOUR_MS;
/// Without a roster: what is shown beside the last hour.
const SOME_HOURS_MS: i64 = 8 * HOUR_MS;

/// So many are good, and so many the limit.
pub(super) const GOOD: f64 = 1.0;
pub(super) const LIMIT: f64 = 2.0;

/// One turn of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) user_name: String,
    /// Path of the area.
    pub(super) area: String,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

from_row!(Turn: user_name, area, from_ms, to_ms);

/// Who is on duty when.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster(Vec<Turn>);

impl Roster {
    /// The nearest area alone, as those are told whom the engine tells: a community's own roster comes before the county's.
    pub(super) fn nearest(mut turns: Vec<Turn>) -> Self {
        let longest = turns.iter().map(|turn| turn.area.len()).max().unwrap_or(0);
        turns.retain(|turn| turn.area.len() == longest);
        Self(turns)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn now(&self, now_ms: i64) -> impl Iterator<Item = &Turn> {
        self.0.iter().filter(move |turn| turn.from_ms <= now_ms && now_ms < turn.to_ms)
    }

    /// How many people are on duty.
    pub(super) fn on_duty(&self, now_ms: i64) -> usize {
        let mut names: Vec<&str> = self.now(now_ms).map(|turn| turn.user_name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// When the shift began that goes on now; nothing when nobody is on duty.
    pub(super) fn shift_from(&self, now_ms: i64) -> Option<i64> {
        let began = self.now(now_ms).map(|turn| turn.from_ms).min()?;
        Some(began.max(now_ms - LONGEST_SHIFT_MS))
    }

    /// Time of people on duty, summed: whoever has two posts at once is there once.
    fn person_ms(&self, from_ms: i64, to_ms: i64) -> i64 {
        let mut turns: Vec<(&str, i64, i64)> = self
            .0
            .iter()
            .map(|turn| (turn.user_name.as_str(), turn.from_ms.max(from_ms), turn.to_ms.min(to_ms)))
            .filter(|(_, from, to)| from < to)
            .collect();
        turns.sort_unstable();
        let mut sum = 0;
        let mut last: Option<(&str, i64)> = None;
        for (name, from, to) in turns {
            let counted = last.filter(|(known, _)| *known == name).map_or(from, |(_, end)| end.max(from));
            sum += (to - counted).max(0);
            last = Some((name, counted.max(to)));
        }
        sum
    }

    /// What a number of alerts in a time comes to.
    pub(super) fn load(&self, alerts: i64, (from_ms, to_ms): (i64, i64)) -> Load {
        let length_ms = (to_ms - from_ms).max(1);
        let person_ms = self.person_ms(from_ms, to_ms);
        // Nobody on the roster: one desk would have had all of it.
        let per = if person_ms > 0 { person_ms } else { length_ms };
        Load {
            alerts,
            people: (person_ms > 0).then(|| person_ms as f64 / length_ms as f64),
            per_operator: alerts as f64 * STEP_MS as f64 / per as f64,
        }
    }
}

/// Since when alerts are summed besides the last hour, and whether that is a shift.
pub(super) fn since(roster: &Roster, now_ms: i64) -> (i64, bool) {
    roster.shift_from(now_ms).map_or((now_ms - SOME_HOURS_MS, false), |from| (from, true))
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Load {
    pub(super) alerts: i64,
    /// On the mean; nothing without a roster.
    pub(super) people: Option<f64>,
    /// In ten minutes.
    pub(super) per_operator: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    High,
    Over,
}

impl Load {
    pub(super) fn verdict(self) -> Verdict {
        if self.per_operator <= GOOD {
            Verdict::Good
        } else if self.per_operator <= LIMIT {
            Verdict::High
        } else {
            Verdict::Over
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000 * HOUR_MS;

    fn turn(user: &str, area: &str, from_h: i64, to_h: i64) -> Turn {
        let at = |hours: i64| NOW + hours * HOUR_MS;
        Turn { user_name: user.into(), area: area.into(), from_ms: at(from_h), to_ms: at(to_h) }
    }

    /// By hand: twelve alerts in an hour are two in ten minutes for one person and one for two; a person with two posts is
    /// one; whoever came for half the hour counts half.
    #[test]
    fn figures_by_hand() {
        let hour = (NOW - HOUR_MS, NOW);
        let one = Roster::nearest(vec![turn("a", "/", -4, 4), turn("a", "/", -4, 4)]);
        let load = one.load(12, hour);
        assert_eq!((load.people, load.per_operator, load.verdict()), (Some(1.0), 2.0, Verdict::High));
        assert_eq!(one.load(13, hour).verdict(), Verdict::Over);
        let two = Roster::nearest(vec![turn("a", "/", -4, 4), turn("b", "/", -1, 4)]);
        let load = two.load(12, hour);
        assert_eq!((load.people, load.per_operator, load.verdict()), (Some(2.0), 1.0, Verdict::Good));
        let mut late = turn("b", "/", -1, 4);
        late.from_ms = NOW - HOUR_MS / 2;
        let half = Roster::nearest(vec![turn("a", "/", -4, 4), late]).load(9, hour);
        assert_eq!((half.people, half.per_operator), (Some(1.5), 1.0));
    }

    /// Without a roster one desk would have had all of it, and the figure says that it knows of nobody.
    #[test]
    fn nobody_on_the_roster() {
        let none = Roster::nearest(vec![]);
        assert!(none.is_empty());
        let load = none.load(6, (NOW - HOUR_MS, NOW));
        assert_eq!((load.people, load.per_operator), (None, 1.0));
        assert_eq!((none.on_duty(NOW), since(&none, NOW)), (0, (NOW - SOME_HOURS_MS, false)));
        let yesterday = Roster::nearest(vec![turn("a", "/", -30, -20)]);
        assert_eq!((yesterday.on_duty(NOW), yesterday.load(6, (NOW - HOUR_MS, NOW)).people), (0, None));
    }

    /// The nearest roster counts alone; the shift began with its first turn that goes on, a day ago at most; a turn that
    /// ends now is over.
    #[test]
    fn shifts_of_the_nearest_area() {
        let roster = Roster::nearest(vec![
            turn("town", "/county/town/", -6, 2),
            turn("late", "/county/town/", -2, 2),
            turn("gone", "/county/town/", -8, 0),
            turn("county", "/", -9, 9),
        ]);
        assert_eq!(roster.on_duty(NOW), 2);
        assert_eq!(since(&roster, NOW), (NOW - 6 * HOUR_MS, true));
        let week = Roster::nearest(vec![turn("a", "/", -100, 68)]);
        assert_eq!(week.shift_from(NOW), Some(NOW - LONGEST_SHIFT_MS));
    }
}
