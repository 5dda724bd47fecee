//! Why something was late, as far as its history says: what it was and where, and what happened on the way. Pure.
//!
//! Groups are counts of what a rate counts below its line and not above it; nobody is blamed by them, and a cause is what
//! stands in the history, not what somebody meant by it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use protocol::UtcMs;

use super::by::By;
use super::facts::{Clock, Facts, Task};
use super::fold::Deed;
use super::measure::Measure;
use super::point::Point;
use crate::organisation::Level;
use crate::workflow::{ClockKind, Part, TaskState};

/// What a history says of a case that was late. A case may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// 派遣后才转协办: the co-handler came in by a later dispatch than the first.
    CoLater,
    /// 退回: a unit gave it back as not its own.
    Returned,
    /// 返工: a verification sent it back.
    Rework,
    /// 延时: its limit was moved, and still did not hold.
    Extended,
}

impl Cause {
    pub const ALL: [Self; 4] = [Self::CoLater, Self::Returned, Self::Rework, Self::Extended];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CoLater => "co_later",
            Self::Returned => "returned",
            Self::Rework => "rework",
            Self::Extended => "extended",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::CoLater => "派遣后才转协办",
            Self::Returned => "退回后重派",
            Self::Rework => "核查返工",
            Self::Extended => "延时后仍超期",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Self::CoLater => "Joined as co-handler after the first dispatch",
            Self::Returned => "Returned and dispatched again",
            Self::Rework => "Sent back by a verification",
            Self::Extended => "Late in spite of an extension",
        }
    }

    /// Whether the history of the case says so of what counts at this point.
    pub fn holds(self, facts: &Facts, point: &Point) -> bool {
        // Of a limit of one unit what that unit did; of the whole case what anybody did.
        let of_unit = point.measure == Measure::HandlingOnTime;
        let own = |task: &&Task| !of_unit || point.unit.as_deref() == Some(task.unit.as_str());
        match self {
            Self::CoLater => {
                let leads = facts.tasks.iter().filter(|task| task.part == Part::Lead);
                let first = leads.map(|task| task.dispatched_at).min();
                let mut co = facts.tasks.iter().filter(own).filter(|task| task.part == Part::Co);
                first.is_some_and(|first| co.any(|task| task.dispatched_at > first))
            }
            Self::Returned => facts.tasks.iter().any(|task| task.state == TaskState::Returned),
            Self::Rework => facts.acts.iter().any(|act| act.deed == Deed::Rework),
            Self::Extended => {
                let moved = |task: &Task| {
                    let own = |clock: &Clock| clock.clock == ClockKind::Handle && clock.task == task.task;
                    facts.clocks.iter().any(|clock| own(clock) && clock.extended)
                };
                facts.tasks.iter().filter(own).any(moved)
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cause {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|cause| cause.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// One limit that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// 小类; empty for what is not filed.
    pub category: String,
    /// Path; empty for what lies in no community.
    pub community: String,
    pub causes: Vec<Cause>,
    /// By how much, by day and night; of what is not done yet up to when the history was read.
    pub over_min: i64,
}

impl Late {
    pub fn of(facts: &Facts, point: &Point, seen: UtcMs) -> Self {
        // Units that were sent for together have limits that end at one moment: each is late by its own.
        let own = |clock: &&Clock| {
            let of_unit =
                |task: &Task| task.task == clock.task && point.unit.as_deref() == Some(task.unit.as_str());
            point.measure != Measure::HandlingOnTime
                || (clock.clock == ClockKind::Handle && facts.tasks.iter().any(of_unit))
        };
        let clocks = facts.clocks.iter().filter(|clock| clock.due_at == Some(point.at)).filter(own);
        let over = clocks.map(|clock| clock.stopped_at.unwrap_or(seen).since_ms(point.at)).max();
        Self {
            category: By::Category.key(facts, point).into_owned(),
            community: By::Area(Level::Community).key(facts, point).into_owned(),
            causes: Cause::ALL.into_iter().filter(|cause| cause.holds(facts, point)).collect(),
            over_min: over.unwrap_or(0).max(0) / 60_000,
        }
    }
}

/// Of one category in one community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub category: String,
    pub community: String,
    pub count: i64,
    /// On average.
    pub over_min: i64,
}

/// All that was late of one row, put into groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    pub count: i64,
    /// The largest first; together they are all.
    pub groups: Vec<Group>,
    /// Those that there are; what has several stands in each.
    pub causes: Vec<(Cause, i64)>,
}

pub fn why(all: &[Late]) -> Why {
    let mut groups: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    let mut causes: BTreeMap<Cause, i64> = BTreeMap::new();
    for one in all {
        let group = groups.entry((&one.category, &one.community)).or_default();
        *group = (group.0 + 1, group.1 + one.over_min);
        for cause in &one.causes {
            *causes.entry(*cause).or_default() += 1;
        }
    }
    let mut groups: Vec<Group> = groups
        .into_iter()
        .map(|((category, community), (count, over))| Group {
            category: category.to_owned(),
            community: community.to_owned(),
            count,
            over_min: (over + count / 2) / count,
        })
        .collect();
    // The same every time: they came in the order of their names.
    groups.sort_by_key(|group| -group.count);
    let mut causes: Vec<(Cause, i64)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, count)| -count);
    Why { count: all.len() as i64, groups, causes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(category: &str, community: &str, causes: &[Cause], over_min: i64) -> Late {
        Late { category: category.into(), community: community.into(), causes: causes.to_vec(), over_min }
    }

    /// By hand: the largest group first, averages rounded, groups that add up to all; what has two causes counts in both.
    #[test]
    fn groups_by_hand() {
        let all = [
            late("waste", "/c/t/east/", &[Cause::Returned], 100),
            late("stalls", "/c/t/west/", &[], 60),
            late("stalls", "/c/t/west/", &[Cause::Rework, Cause::Returned], 121),
            late("stalls", "/c/t/east/", &[], 0),
        ];
        let why = why(&all);
        let told: Vec<(&str, &str, i64, i64)> = why
            .groups
            .iter()
            .map(|group| (group.category.as_str(), group.community.as_str(), group.count, group.over_min))
            .collect();
        assert_eq!(
            told,
            [
                ("stalls", "/c/t/west/", 2, 91),
                ("stalls", "/c/t/east/", 1, 0),
                ("waste", "/c/t/east/", 1, 100)
            ]
        );
        assert_eq!(why.groups.iter().map(|group| group.count).sum::<i64>(), why.count);
        assert_eq!(why.causes, [(Cause::Returned, 2), (Cause::Rework, 1)]);
        assert_eq!(super::why(&[]), Why::default(), "of nothing there is nothing");
    }

    #[test]
    fn causes_read_back() {
        for cause in Cause::ALL {
            assert_eq!(cause.as_str().parse(), Ok(cause));
        }
        assert!("weather".parse::<Cause>().unwrap_err().contains("returned"));
    }
}
