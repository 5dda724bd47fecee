//! The evaluation by hand, at random, and on both databases.

mod cache;
mod closing;
mod http;
mod points;
mod random;
mod record;
mod roster;
mod series;

use jiff::tz::{Offset, TimeZone};
use protocol::{Severity, UtcMs};
use serde_json::json;

use super::facts::Facts;
use super::fold::{CaseFile, Row, Unread};
use super::point::{Span, points};
use super::table::{Figures, Tally};
use super::*;
use crate::calendar::Calendar;
use crate::case::Source;
use crate::organisation::unit::SEED;
use crate::organisation::{AreaPath, Level, Unit};
use crate::policy;
use crate::workflow::ledger::{Entry, KEY};
use crate::workflow::{Actor, Around, Dossier, Facts as CaseFacts, Refused, Step, VoidReason};

const GRID: &str = "/county/north/dongguan/g1/";

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// `03-27 18:00` of 2026, in the county.
fn at(text: &str) -> UtcMs {
    let there: jiff::civil::DateTime = format!("2026-{}:00", text.replace(' ', "T")).parse().unwrap();
    UtcMs(zone().to_timestamp(there).unwrap().as_millisecond())
}

fn policy() -> Policy {
    Policy::read(policy::DEFAULT, 1, &zone()).unwrap()
}

/// A month of 2026, long over.
fn month(month: i8) -> Span {
    Period::month(2026, month).unwrap().span(&zone(), at("12-31 00:00"))
}

fn text(what: &str) -> String {
    what.to_owned()
}

fn file() -> Step {
    Step::File { category: text("street_facility"), note: String::new() }
}

fn dispatch(lead: &str, co: &[&str]) -> Step {
    Step::Dispatch { lead: text(lead), co: co.iter().map(|unit| text(unit)).collect(), note: String::new() }
}

fn report() -> Step {
    Step::Report { result: text("完成") }
}

fn check() -> Step {
    Step::Check { agrees: true, note: text("看过") }
}

fn close_it() -> Step {
    Step::Close { note: String::new() }
}

/// A case and the rows of its history, without a database.
struct Story {
    dossier: Dossier,
    policy: Policy,
    units: Vec<Unit>,
    now: UtcMs,
    rows: Vec<Row>,
}

impl Story {
    fn new(opened: &str, level: Level) -> Self {
        Self::of(1, at(opened), level, GRID, Source::Worker)
    }

    fn of(nth: u32, opened_at: UtcMs, level: Level, area: &str, source: Source) -> Self {
        let policy = policy();
        let facts = CaseFacts {
            case_id: format!("c{nth}"),
            number: format!("20260318-{nth:03}"),
            kind: text("report"),
            severity: Severity::Normal,
            source,
            matter: String::new(),
            area: AreaPath::kept(text(area)),
            rural: false,
            drill: false,
            opened_at,
        };
        let unit = |(id, zh, en): &(&str, &str, &str)| Unit {
            unit: text(id),
            name_zh: text(zh),
            name_en: text(en),
            area: text("/"),
            active: 1,
        };
        let dossier = Dossier::received(facts, level, &policy);
        let told = json!({ (KEY): Entry::whole(&dossier) });
        let rows = vec![Row { at: opened_at, action: text("told"), detail: told }];
        Self { dossier, policy, units: SEED.iter().map(unit).collect(), now: opened_at, rows }
    }

    fn try_to(&mut self, step: &Step) -> Result<(), Refused> {
        let id = format!("r{}", self.rows.len());
        let around = Around { policy: &self.policy, units: &self.units, now: self.now, id: &id };
        let taken = self.dossier.take(step, &Actor::hub(), around)?;
        self.rows.push(Row { at: self.now, action: text(taken.action), detail: taken.detail });
        Ok(())
    }

    fn does(&mut self, when: &str, step: &Step) -> &mut Self {
        self.now = at(when);
        let here = self.dossier.state.word();
        self.try_to(step).unwrap_or_else(|refused| panic!("{step:?} from {here}: {refused}"));
        self
    }

    fn request(&self) -> String {
        let waits = self.dossier.requests.iter().find(|one| one.decision.is_none());
        waits.expect("one waits").id.clone()
    }

    fn granted(&mut self, when: &str) -> &mut Self {
        let step = Step::Decide { request: self.request(), grant: true, reason: text("同意") };
        self.does(when, &step)
    }

    /// What is known of it before a moment.
    fn known(&self, seen: UtcMs) -> Facts {
        let rows = self.rows.iter().take_while(|row| row.at < seen).cloned();
        CaseFile::fold(&self.dossier.facts.number, rows).unwrap().into()
    }

    fn points(&self, span: Span) -> Vec<Point> {
        let calendar = |version: i64| -> Option<&Calendar> {
            (version == self.policy.version).then_some(&self.policy.calendar)
        };
        points(&self.known(span.seen), span, &calendar)
    }

    fn figures(&self, span: Span) -> Figures {
        tally([self], By::Source, span).total
    }
}

fn tally<'s>(stories: impl IntoIterator<Item = &'s Story>, by: By, span: Span) -> Table {
    let mut tally = Tally::new(by);
    for story in stories.into_iter().filter(|story| story.dossier.facts.opened_at < span.seen) {
        tally.add(&story.known(span.seen), &story.points(span));
    }
    tally.finish("2026", span, (0, None), (1, &score::Weights::default()))
}

/// Figures by hand: measure, how many, of how many.
fn assert_figures(figures: &Figures, wanted: &[(Measure, i64, i64)], what: &str) {
    for measure in Measure::ALL {
        let found = figures.get(*measure);
        let (_, n, d) = wanted.iter().find(|one| one.0 == *measure).copied().unwrap_or((*measure, 0, 0));
        assert_eq!((found.n, found.d), (n, d), "{what}: {measure}");
    }
}
