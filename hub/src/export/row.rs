//! A case as a row: which columns there are, and what stands in them. Pure.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use protocol::UtcMs;
use serde_json::Value;

use super::cell::Cell;
use super::store::More;
use crate::case::{Case, CaseState};
use crate::category::Categories;
use crate::web::moment::LocalTime;
use crate::web::text::Lang;
use crate::web::words;
use crate::workflow::{ClockKind, How, VoidReason};

/// Chinese and English, in order.
const HEADINGS: [(&str, &str); 25] = [
    ("案号", "Number"),
    ("状态", "State"),
    ("状态代码", "State code"),
    ("督办代码", "Supervision code"),
    ("来源", "Source"),
    ("等级", "Severity"),
    ("大类", "Group"),
    ("小类", "Category"),
    ("事项", "Matter"),
    ("地点", "Place"),
    ("区域", "Area"),
    ("经度", "Longitude"),
    ("纬度", "Latitude"),
    ("上报时间", "Reported"),
    ("立案时间", "Filed"),
    ("派遣时间", "Dispatched"),
    ("反馈时间", "Result reported"),
    ("结束时间", "Ended"),
    ("主办单位", "Lead unit"),
    ("当前时限", "Clock"),
    ("截止时间", "Due"),
    ("结束方式", "Ending"),
    ("事件数", "Incidents"),
    ("保密", "Confidential"),
    ("演练", "Drill"),
];

pub(super) fn headings() -> Vec<Cell> {
    HEADINGS.iter().map(|(zh, en)| Cell::text(format!("{zh} {en}"))).collect()
}

/// 督办 is no state: it lies on one.
const SUPERVISED: f64 = 9.0;

/// The codes of digital city management.
pub(super) fn state_code(state: CaseState) -> f64 {
    match state {
        CaseState::Received => 1.0,
        CaseState::Filed | CaseState::Dispatched => 3.0,
        CaseState::InProgress => 4.0,
        CaseState::Verifying => 5.0,
        CaseState::Closed => 6.0,
        CaseState::Void => 7.0,
        CaseState::Suspended => 8.0,
    }
}

/// What ids mean, and where the people are.
pub(super) struct Names {
    /// By path.
    pub(super) areas: HashMap<String, String>,
    pub(super) units: HashMap<String, String>,
    pub(super) categories: Categories,
    pub(super) zone: TimeZone,
}

impl Names {
    /// The columns of a case; without `more` those that come from elsewhere are empty.
    pub(super) fn row(&self, case: &Case, more: Option<&More>) -> Vec<Cell> {
        let state: CaseState = case.state.parse().unwrap_or(CaseState::Received);
        let category = case.category.as_deref().and_then(|id| self.categories.find(id));
        let groups = &self.categories.groups;
        let group = category.and_then(|own| groups.iter().find(|group| group.id == own.group));
        let (longitude, latitude) = coordinates(case);
        let time = |ms: Option<i64>| Cell::maybe(ms.map(|ms| self.time(ms)));
        let yes = |flag: i64| if flag == 0 { Cell::Nothing } else { Cell::text("是") };
        let clock = case.due_clock.as_deref().and_then(ClockKind::kept);
        let supervised = more.is_some_and(|more| !more.cards.is_empty());
        vec![
            Cell::text(&case.number),
            Cell::text(state.zh()),
            Cell::Number(state_code(state)),
            if supervised { Cell::Number(SUPERVISED) } else { Cell::Nothing },
            Cell::text(words::source(&case.source, Lang::Zh)),
            Cell::text(words::severity(&case.severity, Lang::Zh).word),
            Cell::maybe(group.map(|group| &group.zh)),
            Cell::maybe(category.map(|category| &category.zh)),
            Cell::text(&case.title_zh),
            Cell::maybe(case.place.as_deref()),
            Cell::text(self.area(&case.area)),
            longitude.map_or(Cell::Nothing, Cell::Number),
            latitude.map_or(Cell::Nothing, Cell::Number),
            time(Some(case.opened_at_ms)),
            time(more.and_then(|more| more.filed_at_ms)),
            time(more.and_then(|more| more.dispatched_at_ms)),
            time(more.and_then(|more| more.reported_at_ms)),
            time(case.closed_at_ms),
            Cell::maybe(case.lead_unit.as_ref().map(|unit| self.units.get(unit).unwrap_or(unit))),
            Cell::maybe(clock.map(ClockKind::zh)),
            time(case.due_at_ms),
            Cell::maybe(more.and_then(ending)),
            Cell::Number(case.incident_count as f64),
            yes(case.confidential),
            yes(case.drill),
        ]
    }

    fn time(&self, ms: i64) -> String {
        LocalTime { zone: self.zone.clone(), now: UtcMs(ms) }.moment(UtcMs(ms)).full
    }

    /// The names of all areas in which it lies, from the top.
    fn area(&self, path: &str) -> String {
        let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| &path[..=at]);
        ends.filter_map(|prefix| self.areas.get(prefix)).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

fn ending(more: &More) -> Option<&'static str> {
    let how = more.ending.as_deref().and_then(How::kept).map(How::zh);
    how.or_else(|| more.void_reason.as_deref().and_then(VoidReason::kept).map(VoidReason::zh))
}

fn coordinates(case: &Case) -> (Option<f64>, Option<f64>) {
    let place: Option<Value> = case.location.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let read = |name: &str| place.as_ref().and_then(|place| place.get(name)).and_then(Value::as_f64);
    (read("longitude"), read("latitude"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes as they are published; each state has one.
    #[test]
    fn codes_by_table() {
        let codes = CaseState::ALL.map(|state| (state.as_str(), state_code(state)));
        let wanted = [
            ("received", 1.0),
            ("filed", 3.0),
            ("dispatched", 3.0),
            ("in_progress", 4.0),
            ("verifying", 5.0),
            ("closed", 6.0),
            ("void", 7.0),
            ("suspended", 8.0),
        ];
        assert_eq!(codes, wanted);
    }
}
