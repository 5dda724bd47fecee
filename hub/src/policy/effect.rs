//! What another policy would have meant for cases that are over. Pure but for reading them.
//!
//! Of each category the last closed cases are taken, and of each the clocks by which somebody was judged. A clock keeps its
//! beginning, its end, the time it stood still and what it was given in addition; only its limit, and the calendar, are those
//! of the new text. Severity, category and the rest are those that the case has now. What is closed was handled under the
//! old limit: people may work otherwise under another one, and no figure here knows that.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Severity, UtcMs};

use super::{Matter, Policy, store};
use crate::calendar::{Limit, Pause};
use crate::case::Source;
use crate::db::{Db, Result};
use crate::organisation;
use crate::workflow::ClockKind;

/// Cases of one category that are looked at.
pub const PER_CATEGORY: i64 = 50;
/// The last closed cases, of all categories, among which they are.
pub(super) const MOST_CASES: i64 = 5_000;
/// Limits that are named in one row; of more the rest is left out.
const MOST_LIMITS: usize = 3;

/// A clock of a case that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub case_id: String,
    pub category: String,
    pub source: Option<Source>,
    pub severity: Option<Severity>,
    pub kind: String,
    pub matter: String,
    pub rural: bool,
    pub clock: ClockKind,
    pub limit: Limit,
    pub extensions: Vec<Limit>,
    pub started_at: UtcMs,
    pub due_at: Option<UtcMs>,
    pub stopped_at: UtcMs,
    /// Only the handling stands still.
    pub pauses: Vec<Pause>,
}

/// What it comes to for one clock of one category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub category: String,
    pub clock: ClockKind,
    /// Cases that had such a clock.
    pub cases: usize,
    /// The limits that they had, and would have.
    pub then: Vec<Limit>,
    pub new: Vec<Limit>,
    /// How many of them were late, and would have been.
    pub late_then: usize,
    pub late_new: usize,
}

impl Past {
    fn was_late(&self) -> bool {
        self.due_at.is_some_and(|due| self.stopped_at.0 > due.0)
    }

    fn would_be_late(&self, policy: &Policy, limit: Limit) -> bool {
        let pauses = if self.clock == ClockKind::Handle { self.pauses.as_slice() } else { &[] };
        let first = policy.calendar.due(self.started_at, limit, pauses);
        let due = self.extensions.iter().fold(first, |due, more| policy.calendar.due(due?, *more, pauses));
        due.is_some_and(|due| self.stopped_at.0 > due.0)
    }
}

/// Rows by category and clock: of the handling always, of the others where a limit would be another one or somebody would
/// be late who was not, or the other way round.
pub fn effect(pasts: &[Past], policy: &Policy) -> Vec<Effect> {
    #[derive(Default)]
    struct Sum<'p> {
        cases: BTreeSet<&'p str>,
        then: BTreeSet<Limit>,
        new: BTreeSet<Limit>,
        late_then: BTreeSet<&'p str>,
        late_new: BTreeSet<&'p str>,
    }
    let mut sums: BTreeMap<(&str, ClockKind), Sum<'_>> = BTreeMap::new();
    for past in pasts {
        let matter = Matter {
            source: past.source,
            severity: past.severity,
            kind: &past.kind,
            category: &past.category,
            matter: &past.matter,
            rural: past.rural,
        };
        let limit = policy.limits(matter).of(past.clock);
        let sum = sums.entry((past.category.as_str(), past.clock)).or_default();
        let case = past.case_id.as_str();
        sum.cases.insert(case);
        sum.then.insert(past.limit);
        sum.new.insert(limit);
        if past.was_late() {
            sum.late_then.insert(case);
        }
        if past.would_be_late(policy, limit) {
            sum.late_new.insert(case);
        }
    }
    let rows = sums.into_iter().filter(|((_, clock), sum)| {
        *clock == ClockKind::Handle || sum.then != sum.new || sum.late_then != sum.late_new
    });
    let row = |((category, clock), sum): ((&str, ClockKind), Sum<'_>)| Effect {
        category: category.to_owned(),
        clock,
        cases: sum.cases.len(),
        then: sum.then.into_iter().take(MOST_LIMITS).collect(),
        new: sum.new.into_iter().take(MOST_LIMITS).collect(),
        late_then: sum.late_then.len(),
        late_new: sum.late_new.len(),
    };
    rows.map(row).collect()
}

/// The clocks of the last closed cases, [`PER_CATEGORY`] of each category.
pub async fn pasts(db: &Db, tenant: &str) -> Result<Vec<Past>> {
    let areas = organisation::store::areas(db, tenant).await?;
    let villages: Vec<&str> =
        areas.iter().filter(|area| area.rural == 1).map(|area| area.path.as_str()).collect();
    let mut pauses: BTreeMap<String, Vec<Pause>> = BTreeMap::new();
    for (case_id, from, to) in store::past_pauses(db, tenant, PER_CATEGORY, MOST_CASES).await? {
        pauses.entry(case_id).or_default().push(Pause { from: UtcMs(from), to: to.map(UtcMs) });
    }
    let rows = store::past_clocks(db, tenant, PER_CATEGORY, MOST_CASES).await?;
    Ok(rows.into_iter().filter_map(|row| row.read(&villages, &pauses)).collect())
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::*;
    use crate::calendar::Unit;
    use crate::policy::DEFAULT;

    const HOUR: i64 = 3_600_000;
    /// Wednesday, 2026-03-18 10:00 in Shanghai.
    const START: i64 = 1_773_799_200_000;

    fn policy(handle: &str) -> Policy {
        let text = DEFAULT.replace("handle = \"7 working days\"", &format!("handle = \"{handle}\""));
        Policy::read(&text, 1, &TimeZone::fixed(Offset::constant(8))).unwrap()
    }

    fn past(case_id: &str, hours: i64) -> Past {
        Past {
            case_id: case_id.into(),
            category: "street_facility".into(),
            source: Some(Source::Worker),
            severity: Some(Severity::Normal),
            kind: "report".into(),
            matter: String::new(),
            rural: false,
            clock: ClockKind::Handle,
            limit: Limit::new(7, Unit::WorkingDay),
            extensions: vec![],
            started_at: UtcMs(START),
            due_at: Some(UtcMs(START + 7 * 24 * HOUR)),
            stopped_at: UtcMs(START + hours * HOUR),
            pauses: vec![],
        }
    }

    /// A small history by hand: three cases of 5, 50 and 400 hours. By the old limit one was late, by four hours two are,
    /// and what stood still or was given in addition does not count against anybody.
    #[test]
    fn a_small_history_by_hand() {
        let history = [past("a", 5), past("b", 50), past("c", 400)];
        let rows = effect(&history, &policy("6 hours"));
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((row.cases, row.late_then, row.late_new), (3, 1, 2));
        assert_eq!(row.then, [Limit::new(7, Unit::WorkingDay)]);
        assert_eq!(row.new, [Limit::new(360, Unit::Minute)]);
        let stood = Past {
            pauses: vec![Pause { from: UtcMs(START + HOUR), to: Some(UtcMs(START + 49 * HOUR)) }],
            ..past("b", 50)
        };
        assert_eq!(effect(&[stood], &policy("6 hours"))[0].late_new, 0, "it stood still for two days");
        let longer = Past { extensions: vec![Limit::new(48 * 60, Unit::Minute)], ..past("b", 50) };
        assert_eq!(effect(&[longer], &policy("6 hours"))[0].late_new, 0, "it was given two days more");
        let other = Past { clock: ClockKind::Verify, limit: Limit::new(1, Unit::WorkingDay), ..past("a", 1) };
        assert!(effect(&[other], &policy("6 hours")).is_empty(), "what stays as it is is no row");
    }
}
