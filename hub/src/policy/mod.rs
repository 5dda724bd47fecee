//! Policies: what may take how long, what it takes to close, who is reminded when. Data, in versions.
//!
//! A policy is a TOML text that people write, with a number that only grows. The newest is in force; a case keeps the one
//! under which it was filed, calendar included. Reading and asking are pure; [`store`] keeps the texts, [`Policies`] has
//! them read.

pub mod cli;
pub mod effect;
mod shelf;
mod spec;
pub mod store;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use protocol::Severity;

use crate::calendar::{Calendar, Limit};
use crate::case::Source;
use crate::correlation::near::Near;
use crate::evaluation::score::Weights;
use crate::workflow::ClockKind;

pub use shelf::{Policies, PolicyError};
pub use spec::{Cases, Emergency, PolicySpec, Reminders};
use spec::{LimitsSpec, RuleSpec};

/// What holds until another one is imported.
pub const DEFAULT: &str = include_str!("default.toml");

/// A policy that was read and found whole.
#[derive(Clone, Debug)]
pub struct Policy {
    pub version: i64,
    pub calendar: Calendar,
    pub reminders: Reminders,
    pub emergency: Emergency,
    pub cases: Cases,
    /// What is one matter when it is told near each other.
    pub near: Vec<Near>,
    /// What ranks units and areas.
    pub evaluation: Weights,
    limits: Limits,
    rules: Vec<RuleSpec>,
}

/// What it takes to close a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Closes {
    /// Somebody of the grid has looked, and agrees.
    FieldCheck,
    /// The citizen was called back.
    CallBack,
    /// The report of the lead unit is enough.
    Report,
}

/// What holds for one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub triage: Limit,
    pub dispatch: Limit,
    pub accept: Limit,
    pub handle: Limit,
    pub verify: Limit,
    pub closes: Closes,
}

impl Limits {
    pub fn of(&self, clock: ClockKind) -> Limit {
        match clock {
            ClockKind::Triage => self.triage,
            ClockKind::Dispatch => self.dispatch,
            ClockKind::Accept => self.accept,
            ClockKind::Handle => self.handle,
            ClockKind::Verify => self.verify,
        }
    }
}

/// What rules look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matter<'a> {
    pub source: Option<Source>,
    pub severity: Option<Severity>,
    /// Kind of its first incident.
    pub kind: &'a str,
    pub category: &'a str,
    /// What a caller wants: `enquiry`, `complaint`, …
    pub matter: &'a str,
    /// Whether it lies in a village.
    pub rural: bool,
}

impl Policy {
    /// Reads a policy; everything that is wrong is told at once.
    pub fn read(text: &str, version: i64, zone: &TimeZone) -> Result<Self, Vec<String>> {
        let spec: PolicySpec = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let mut wrong = spec.wrong();
        let calendar = spec.calendar.build(zone.clone()).map_err(|found| wrong.extend(found)).ok();
        match (calendar, wrong.is_empty()) {
            (Some(calendar), true) => Ok(Self {
                version,
                calendar,
                reminders: spec.reminders,
                emergency: spec.emergency,
                cases: spec.cases,
                near: spec.correlate,
                evaluation: spec.evaluation,
                limits: spec.limits,
                rules: spec.rule,
            }),
            _ => Err(wrong),
        }
    }

    /// Of each limit what the first matching rule says that says anything.
    pub fn limits(&self, matter: Matter<'_>) -> Limits {
        let rules: Vec<&LimitsSpec> =
            self.rules.iter().filter(|rule| rule.matches(matter)).map(|rule| &rule.says).collect();
        let pick = |field: fn(&LimitsSpec) -> Option<Limit>, rest| {
            rules.iter().find_map(|says| field(says)).unwrap_or(rest)
        };
        let own = &self.limits;
        Limits {
            triage: pick(|says| says.triage, own.triage),
            dispatch: pick(|says| says.dispatch, own.dispatch),
            accept: pick(|says| says.accept, own.accept),
            handle: pick(|says| says.handle, own.handle),
            verify: pick(|says| says.verify, own.verify),
            closes: rules.iter().find_map(|says| says.closes).unwrap_or(own.closes),
        }
    }

    /// The rule by which the handling is limited; none where the general limit holds.
    pub fn rule(&self, matter: Matter<'_>) -> Option<&str> {
        let rule = self.rules.iter().find(|rule| rule.matches(matter) && rule.says.handle.is_some());
        rule.map(|rule| rule.name.as_str())
    }
}
