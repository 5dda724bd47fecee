//! Who was there when: units that work, and areas of each level, so that whoever had no case in a period is in its table
//! too. Pure.
//!
//! Units and areas are kept as they are now; what they were is kept here, as entries that are only ever added: since when
//! one is there, since when it is no longer. Entries have numbers, and a closed month remembers the number up to which it
//! read them, so its rows are the same whenever it is made again. Of before the first entry nothing is known: who is there
//! then is taken to have been there always.

use std::collections::{BTreeMap, BTreeSet};

use protocol::UtcMs;

use super::by::By;
use super::point::Span;
use super::scope::Scope;
use crate::db::from_row;
use crate::organisation::{Area, Unit};

/// One more, or one less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without holes.
    pub position: i64,
    pub at_ms: i64,
    /// [`By`]: a unit, or the level of an area.
    pub kind: String,
    /// Id of a unit, path of an area.
    pub key: String,
    /// Path of where it works, or lies.
    pub area: String,
    /// 0: it is not there any more.
    pub active: i64,
}

from_row!(Entry: position, at_ms, kind, key, area, active);

/// By kind and key, where each one works or lies.
pub type Present = BTreeMap<(String, String), String>;

/// Those that are there now.
pub fn present(units: &[Unit], areas: &[Area]) -> Present {
    let units = units.iter().filter(|unit| unit.active != 0);
    let units = units.map(|unit| ((By::Unit.to_string(), unit.unit.clone()), unit.area.clone()));
    let areas = areas.iter().map(|area| ((area.level.clone(), area.path.clone()), area.path.clone()));
    units.chain(areas).collect()
}

/// Entries that make a roster say what is there now.
pub fn news(roster: &[Entry], present: &Present, now: UtcMs) -> Vec<Entry> {
    let told = told(roster);
    let last = roster.last();
    // What a machine's clock that was set back says happened after what is known already.
    let at_ms = last.map_or(0, |last| now.0.max(last.at_ms));
    let entry = |((kind, key), area): (&(String, String), &String), active| Entry {
        position: 0,
        at_ms,
        kind: kind.clone(),
        key: key.clone(),
        area: area.clone(),
        active,
    };
    let come = present.iter().filter(|(of, area)| told.get(*of) != Some(*area)).map(|one| entry(one, 1));
    let gone = told.iter().filter(|(of, _)| !present.contains_key(*of)).map(|one| entry(one, 0));
    let first = last.map_or(1, |last| last.position + 1);
    (first..).zip(come.chain(gone)).map(|(position, entry)| Entry { position, ..entry }).collect()
}

fn told(roster: &[Entry]) -> Present {
    let mut all = Present::new();
    for entry in roster {
        let of = (entry.kind.clone(), entry.key.clone());
        if entry.active == 0 {
            all.remove(&of);
        } else {
            all.insert(of, entry.area.clone());
        }
    }
    all
}

/// Keys of those who were there at any time of a span, and belong to what somebody asks for: `area` is the path to which he
/// narrows it. Of tables that are no leagues, none.
pub fn there(roster: &[Entry], by: By, span: Span, (scope, area): (&Scope, &str)) -> BTreeSet<String> {
    if !by.is_ranked() || span.seen <= span.from {
        return BTreeSet::new();
    }
    let all = during(roster, span);
    let of = |kind: By| all.iter().filter(move |one| one.kind == kind.as_str());
    let lies_in = |path: &str, other: &str| path.starts_with(other);
    match by {
        By::Unit => {
            let works = |one: &&&Entry| {
                (lies_in(&one.area, area) || lies_in(area, &one.area)) && scope.has_unit(&one.key, &one.area)
            };
            of(by).filter(works).map(|one| one.key.clone()).collect()
        }
        _ => {
            let own = |one: &&&Entry| {
                let unit_works =
                    || of(By::Unit).any(|unit| scope.is_of(&unit.key) && lies_in(&one.key, &unit.area));
                lies_in(&one.key, area) && (scope.has(&one.key, None) || unit_works())
            };
            of(by).filter(own).map(|one| one.key.clone()).collect()
        }
    }
}

/// Entries by which somebody was there at any time of a span.
fn during(roster: &[Entry], span: Span) -> Vec<&Entry> {
    let mut since: BTreeMap<(&str, &str), &Entry> = BTreeMap::new();
    let mut all = Vec::new();
    for entry in roster {
        let ended = since.remove(&(entry.kind.as_str(), entry.key.as_str()));
        all.extend(ended.filter(|one| one.at_ms < span.seen.0 && entry.at_ms > span.from.0));
        if entry.active != 0 {
            since.insert((&entry.kind, &entry.key), entry);
        }
    }
    all.extend(since.into_values().filter(|one| one.at_ms < span.seen.0));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn unit(id: &str, area: &str, active: i64) -> Unit {
        let name = || id.to_owned();
        Unit { unit: name(), name_zh: name(), name_en: name(), area: area.to_owned(), active }
    }

    fn area(level: &str, path: &str) -> Area {
        let name = || path.to_owned();
        Area {
            area: name(),
            parent: None,
            level: level.to_owned(),
            name_zh: name(),
            name_en: name(),
            rural: 0,
            path: name(),
        }
    }

    fn day(from: i64, to: i64) -> Span {
        Span { from: UtcMs(from * DAY_MS), to: UtcMs(to * DAY_MS), seen: UtcMs(to * DAY_MS) }
    }

    fn learn(roster: &mut Vec<Entry>, units: &[Unit], areas: &[Area], at: i64) {
        let more = news(roster, &present(units, areas), UtcMs(at * DAY_MS));
        roster.extend(more);
    }

    fn names(roster: &[Entry], by: By, span: Span) -> Vec<String> {
        there(roster, by, span, (&Scope::everything(), "")).into_iter().collect()
    }

    /// By hand: one that is switched off on day 10, one that comes on day 20, one that is never on. Who was there at any time
    /// is listed, who was not is not; what is learnt later changes nothing of what was.
    #[test]
    fn who_was_there() {
        let areas = [area("county", "/c/"), area("town", "/c/n/")];
        let mut roster = Vec::new();
        learn(&mut roster, &[unit("a", "/", 1), unit("b", "/", 1), unit("z", "/", 0)], &areas, 5);
        assert_eq!(names(&roster, By::Unit, day(0, 1)), ["a", "b"], "of before nothing else is known");
        learn(&mut roster, &[unit("a", "/", 0), unit("b", "/", 1), unit("z", "/", 0)], &areas, 10);
        let first = roster.clone();
        learn(&mut roster, &[unit("b", "/", 1), unit("d", "/", 1)], &areas, 20);
        assert_eq!(roster[..first.len()], first, "entries are only ever added");
        for (span, wanted) in [
            (day(0, 9), vec!["a", "b"]),
            (day(8, 12), vec!["a", "b"]),
            (day(10, 20), vec!["b"]),
            (day(11, 21), vec!["b", "d"]),
            (day(30, 31), vec!["b", "d"]),
        ] {
            assert_eq!(names(&roster, By::Unit, span), wanted, "{span:?}");
        }
        assert_eq!(names(&first, By::Unit, day(11, 21)), ["b"]);
        assert_eq!(names(&roster, By::Area(crate::organisation::Level::Town), day(0, 1)), ["/c/n/"]);
        assert_eq!(
            names(&roster, By::Area(crate::organisation::Level::Grid), day(0, 1)),
            Vec::<String>::new()
        );
        assert_eq!(names(&roster, By::Source, day(0, 1)), Vec::<String>::new(), "no league");
        let ahead = Span { seen: UtcMs(3 * DAY_MS), ..day(9, 12) };
        assert_eq!(names(&roster, By::Unit, ahead), Vec::<String>::new(), "what has not begun has nobody");
        assert_eq!(news(&roster, &present(&[unit("b", "/", 1), unit("d", "/", 1)], &areas), UtcMs(0)), []);
        let positions: Vec<i64> = roster.iter().map(|entry| entry.position).collect();
        assert_eq!(positions, (1..=roster.len() as i64).collect::<Vec<_>>());
    }

    /// A clock that is set back does not put anybody into the past.
    #[test]
    fn a_clock_that_goes_back() {
        let mut roster = Vec::new();
        learn(&mut roster, &[unit("a", "/", 1)], &[], 5);
        learn(&mut roster, &[], &[], 20);
        learn(&mut roster, &[unit("b", "/", 1)], &[], 1);
        assert_eq!(names(&roster, By::Unit, day(2, 3)), ["a"]);
        assert_eq!(names(&roster, By::Unit, day(19, 21)), ["a", "b"]);
    }

    /// An officer's tables have the areas below his and the units that work there; a head's his unit, and the areas in which
    /// it works; a narrower question fewer.
    #[test]
    fn to_whom() {
        use crate::organisation::{AreaPath, Level};
        use crate::user::{Grant, Role};
        let areas = [area("county", "/c/"), area("town", "/c/n/"), area("town", "/c/s/")];
        let units = [unit("all", "/", 1), unit("north", "/c/n/", 1), unit("south", "/c/s/", 1)];
        let mut roster = Vec::new();
        learn(&mut roster, &units, &areas, 5);
        let of = |role, area: &str, unit: Option<&str>| {
            Scope::of(&[Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) }])
        };
        let listed = |by, scope: &Scope, area: &str| -> Vec<String> {
            there(&roster, by, day(6, 7), (scope, area)).into_iter().collect()
        };
        let (town, everything) = (By::Area(Level::Town), Scope::everything());
        assert_eq!(listed(By::Unit, &everything, "/c/n/"), ["all", "north"]);
        assert_eq!(listed(town, &everything, "/c/n/"), ["/c/n/"]);
        let officer = of(Role::TownOfficer, "/c/n/", None);
        assert_eq!(listed(By::Unit, &officer, ""), ["all", "north"]);
        assert_eq!(listed(town, &officer, ""), ["/c/n/"]);
        assert_eq!(listed(town, &officer, "/c/s/"), Vec::<String>::new());
        assert_eq!(
            listed(By::Area(Level::County), &officer, ""),
            Vec::<String>::new(),
            "it is not his alone"
        );
        let head = of(Role::DepartmentHead, "/", Some("south"));
        assert_eq!(listed(By::Unit, &head, ""), ["south"]);
        assert_eq!(listed(town, &head, ""), ["/c/s/"]);
    }
}
