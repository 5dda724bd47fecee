//! The law by itself, and on both databases.

mod clocks;
mod flow;
mod kept;
mod ledger;
mod outlook;
mod table;

use jiff::tz::{Offset, TimeZone};

use super::*;
use crate::organisation::unit::SEED;
use crate::user::Role;

const COUNTY: &str = "/fengxiang/";
const TOWN: &str = "/fengxiang/chengguan/";
const COMMUNITY: &str = "/fengxiang/chengguan/dongguan/";
const GRID: &str = "/fengxiang/chengguan/dongguan/g1/";
const OTHER_TOWN: &str = "/fengxiang/biaojiao/";

/// Wednesday, 2026-03-18 10:00 in Shanghai.
const START: UtcMs = UtcMs(1_773_799_200_000);
const HOUR: i64 = 3_600_000;

fn policy() -> Policy {
    Policy::read(crate::policy::DEFAULT, 1, &TimeZone::fixed(Offset::constant(8))).unwrap()
}

fn units() -> Vec<Unit> {
    let unit = |(id, zh, en): &(&str, &str, &str)| Unit {
        unit: (*id).to_owned(),
        name_zh: (*zh).to_owned(),
        name_en: (*en).to_owned(),
        area: "/".to_owned(),
        active: i64::from(*id != "science"),
    };
    SEED.iter().map(unit).collect()
}

fn grant(role: Role, area: &str, unit: Option<&str>) -> Grant {
    Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) }
}

fn actor(role: Role, area: &str) -> Actor {
    Actor::user(role.as_str(), &[grant(role, area, None)])
}

fn of_unit(role: Role, unit: &str) -> Actor {
    Actor::user(&format!("{role}-{unit}"), &[grant(role, "/", Some(unit))])
}

fn facts() -> Facts {
    Facts {
        case_id: "c1".to_owned(),
        number: "20260318-001".to_owned(),
        kind: "blocked_lane".to_owned(),
        severity: Severity::Normal,
        source: Source::Camera,
        matter: String::new(),
        area: AreaPath::kept(GRID.to_owned()),
        rural: false,
        drill: false,
        opened_at: START,
    }
}

/// A case and those who work on it, without a database.
struct Desk {
    dossier: Dossier,
    policy: Policy,
    units: Vec<Unit>,
    now: UtcMs,
    ids: u32,
}

impl Desk {
    fn at(level: Level) -> Self {
        let policy = policy();
        Self {
            dossier: Dossier::received(facts(), level, &policy),
            policy,
            units: units(),
            now: START,
            ids: 0,
        }
    }

    fn take(&mut self, step: &Step, by: &Actor) -> Result<Taken, Refused> {
        self.ids += 1;
        let id = format!("r{}", self.ids);
        let around = Around { policy: &self.policy, units: &self.units, now: self.now, id: &id };
        self.dossier.take(step, by, around)
    }

    /// A step that must be taken.
    fn does(&mut self, step: &Step, by: &Actor) -> Taken {
        let before = self.dossier.state.word();
        self.take(step, by).unwrap_or_else(|refused| panic!("{step:?} from {before}: {refused}"))
    }

    fn hours(&mut self, hours: i64) {
        self.now = self.now.plus_ms(hours * HOUR);
    }

    fn clock(&self, kind: ClockKind, task: i64) -> &Clock {
        let own = self.dossier.clocks.iter().filter(|clock| clock.kind == kind && clock.task == task);
        own.max_by_key(|clock| clock.nth).unwrap_or_else(|| panic!("no {kind:?} of task {task}"))
    }

    fn request(&self) -> String {
        self.dossier.requests.iter().find(|one| one.decision.is_none()).expect("one waits").id.clone()
    }
}

fn text(what: &str) -> String {
    what.to_owned()
}

fn file() -> Step {
    Step::File { category: text("blocked_lane"), note: String::new() }
}

fn dispatch(lead: &str, co: &[&str]) -> Step {
    Step::Dispatch { lead: text(lead), co: co.iter().map(|unit| text(unit)).collect(), note: String::new() }
}

fn dispatcher() -> Actor {
    actor(Role::Dispatcher, "/")
}

/// In progress with city_management in the lead and police helping, both accepted.
fn in_progress() -> Desk {
    let mut desk = Desk::at(Level::County);
    desk.does(&file(), &actor(Role::Operator, "/"));
    desk.does(&dispatch("city_management", &["police"]), &dispatcher());
    desk.does(&Step::Accept {}, &of_unit(Role::Handler, "city_management"));
    desk.does(&Step::Accept {}, &of_unit(Role::Handler, "police"));
    desk
}

/// Reported by the lead.
fn verifying() -> Desk {
    let mut desk = in_progress();
    desk.does(&Step::FinishPart { result: text("已劝离") }, &of_unit(Role::Handler, "police"));
    desk.does(&Step::Report { result: text("已清障") }, &of_unit(Role::Handler, "city_management"));
    desk
}
