//! A policy as it is written.

use protocol::hotline::ALARMS;
use protocol::{IncidentKind, Severity};
use serde::Deserialize;

use super::{Closes, Limits, Matter};
use crate::calendar::{CalendarSpec, Limit};
use crate::case::{Source, category};
use crate::correlation::near::Near;
use crate::evaluation::score::Weights;
use crate::ticket::taxonomy::MATTERS;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    pub limits: Limits,
    #[serde(default)]
    pub(super) rule: Vec<RuleSpec>,
    pub reminders: Reminders,
    pub emergency: Emergency,
    pub cases: Cases,
    /// What is one matter when it is near; a policy that does not say has what the default says.
    #[serde(default = "default_near")]
    pub correlate: Vec<Near>,
    /// What ranks units and areas; a policy that does not say has the default.
    #[serde(default)]
    pub evaluation: Weights,
    pub calendar: CalendarSpec,
}

fn default_near() -> Vec<Near> {
    toml::from_str::<PolicySpec>(super::DEFAULT).map(|spec| spec.correlate).unwrap_or_default()
}

/// What one rule says about limits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LimitsSpec {
    pub(super) triage: Option<Limit>,
    pub(super) dispatch: Option<Limit>,
    pub(super) accept: Option<Limit>,
    pub(super) handle: Option<Limit>,
    pub(super) verify: Option<Limit>,
    pub(super) closes: Option<Closes>,
}

/// Its lists name what it matches; one that is empty matches everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, from = "RawRule")]
pub(super) struct RuleSpec {
    pub(super) name: String,
    source: Vec<String>,
    severity: Vec<String>,
    kind: Vec<String>,
    category: Vec<String>,
    matter: Vec<String>,
    rural: Option<bool>,
    pub(super) says: LimitsSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    name: String,
    #[serde(default)]
    source: Vec<String>,
    #[serde(default)]
    severity: Vec<String>,
    #[serde(default)]
    kind: Vec<String>,
    #[serde(default)]
    category: Vec<String>,
    #[serde(default)]
    matter: Vec<String>,
    rural: Option<bool>,
    triage: Option<Limit>,
    dispatch: Option<Limit>,
    accept: Option<Limit>,
    handle: Option<Limit>,
    verify: Option<Limit>,
    closes: Option<Closes>,
}

impl From<RawRule> for RuleSpec {
    fn from(raw: RawRule) -> Self {
        let RawRule { triage, dispatch, accept, handle, verify, closes, .. } = raw;
        Self {
            name: raw.name,
            source: raw.source,
            severity: raw.severity,
            kind: raw.kind,
            category: raw.category,
            matter: raw.matter,
            rural: raw.rural,
            says: LimitsSpec { triage, dispatch, accept, handle, verify, closes },
        }
    }
}

/// When people are reminded, and when a case is overdue enough for a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reminders {
    /// Of a limit.
    pub before_percent: u8,
    /// 催办, after a limit's end.
    pub remind: Limit,
    /// 督办: a yellow card at the end of a limit, red and black ones so long after it.
    pub red: Limit,
    pub black: Limit,
}

/// An emergency that nobody has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Told further after so many seconds…
    pub acknowledge_s: u32,
    /// …and again each so many.
    pub repeat_s: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// Days after its end within which a case can be opened again.
    pub reopen_days: u32,
}

impl PolicySpec {
    /// What reads well and is wrong all the same, each with its place.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !(1..=99).contains(&self.reminders.before_percent) {
            wrong.push("reminders.before_percent: between 1 and 99, of a limit".to_owned());
        }
        if self.emergency.acknowledge_s == 0 || self.emergency.repeat_s == 0 {
            wrong.push("emergency: acknowledge_s and repeat_s are at least 1".to_owned());
        }
        for (at, near) in self.correlate.iter().enumerate() {
            let place = format!("correlate {} ({})", at + 1, near.name);
            let known = |signal: &str| match signal.strip_prefix("alarm:") {
                Some(alarm) => ALARMS.iter().any(|known| known.0 == alarm),
                None => IncidentKind::ALL.iter().any(|kind| kind.as_str() == signal),
            };
            for signal in near.signals.iter().filter(|signal| !known(signal)) {
                wrong.push(format!(
                    "{place}: {signal:?} is neither a kind of incident nor `alarm:` and an alarm"
                ));
            }
            if near.signals.is_empty() || near.minutes == 0 || near.metres == 0 {
                wrong.push(format!("{place}: name signals, minutes and metres, each more than nothing"));
            }
        }
        wrong.extend(self.evaluation.wrong());
        for (at, rule) in self.rule.iter().enumerate() {
            let name = if rule.name.is_empty() { "without a name" } else { rule.name.as_str() };
            wrong.extend(rule.wrong().into_iter().map(|what| format!("rule {} ({name}): {what}", at + 1)));
        }
        wrong
    }
}

impl RuleSpec {
    pub(super) fn matches(&self, matter: Matter<'_>) -> bool {
        let named = |list: &[String], word: &str| list.is_empty() || list.iter().any(|one| one == word);
        named(&self.source, matter.source.map_or("", Source::as_str))
            && named(&self.severity, matter.severity.map_or("", Severity::as_str))
            && named(&self.kind, matter.kind)
            && named(&self.category, matter.category)
            && named(&self.matter, matter.matter)
            && self.rural.is_none_or(|rural| rural == matter.rural)
    }

    fn wrong(&self) -> Vec<String> {
        let sources = Source::ALL.map(Source::as_str);
        let severities: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
        let matters = MATTERS.map(|row| row.0);
        let mut wrong = Vec::new();
        let mut check = |field: &str, words: &[String], known: &dyn Fn(&str) -> bool, all: String| {
            for word in words.iter().filter(|word| !known(word)) {
                wrong.push(format!("{field}: {word:?} is not one of {all}"));
            }
        };
        check("source", &self.source, &|word| sources.contains(&word), sources.join(", "));
        check("severity", &self.severity, &|word| severities.contains(&word), severities.join(", "));
        check("matter", &self.matter, &|word| matters.contains(&word), matters.join(", "));
        let kinds: Vec<&str> = IncidentKind::ALL.iter().map(|kind| kind.as_str()).collect();
        check("kind", &self.kind, &|word| kinds.contains(&word), kinds.join(", "));
        let categories: Vec<&str> = category::all().iter().map(|category| category.id).collect();
        check("category", &self.category, &|word| category::find(word).is_some(), categories.join(", "));
        let LimitsSpec { triage, dispatch, accept, handle, verify, closes } = self.says;
        if [triage, dispatch, accept, handle, verify].iter().all(Option::is_none) && closes.is_none() {
            wrong.push("it says nothing; name a limit or what closes".to_owned());
        }
        wrong
    }
}
