//! One `[[camera.rule]]` of the configuration.

use protocol::limits::MAX_NAME_CHARS;
use protocol::{IncidentKind, Label, RuleId, Severity};
use serde::{Deserialize, Serialize};

use super::zone::Zone;
use crate::detector::NAMED;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Somebody is in the zone.
    Intrusion,
    /// Somebody stays in the zone for `loiter_s`.
    Loitering,
}

impl RuleKind {
    pub fn incident_kind(self) -> IncidentKind {
        match self {
            Self::Intrusion => IncidentKind::Intrusion,
            Self::Loitering => IncidentKind::Loitering,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    pub id: RuleId,
    pub kind: RuleKind,
    /// As people call it: 消防通道. Empty: the kind's name.
    #[serde(default)]
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Outline in shares of the picture, `[x, y]` each, in order. Empty: the whole picture.
    #[serde(default)]
    pub zone: Vec<[f32; 2]>,
    #[serde(default = "persons")]
    pub labels: Vec<Label>,
    /// The detector must have been this sure of the object over several sights.
    #[serde(default = "half")]
    pub min_score: f32,
    /// Smallest height of the object, as share of the picture's height.
    #[serde(default)]
    pub min_size: f32,
    /// Default: major for intrusion, normal for loitering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Seconds in the zone that make a visit loitering.
    #[serde(default = "minute")]
    pub loiter_s: u32,
    /// Seconds after the end of an occurrence in which no new one opens. The default of 0 misses no second
    /// visitor; the hub joins incidents of one rule in one case anyway.
    #[serde(default)]
    pub cooldown_s: u32,
}

fn yes() -> bool {
    true
}

fn persons() -> Vec<Label> {
    vec![Label::Person]
}

fn half() -> f32 {
    0.5
}

fn minute() -> u32 {
    60
}

/// What is wrong in a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}, {field}: {problem}")]
pub struct RuleError {
    pub rule: String,
    /// Name of the field in the configuration: `min_score`, `zone[2]`.
    pub field: String,
    pub problem: String,
}

impl RuleConfig {
    /// The whole picture, persons, everything else as by default.
    pub fn whole_picture(id: RuleId, kind: RuleKind) -> Self {
        Self {
            id,
            kind,
            name: String::new(),
            enabled: true,
            zone: Vec::new(),
            labels: persons(),
            min_score: half(),
            min_size: 0.0,
            severity: None,
            loiter_s: minute(),
            cooldown_s: 0,
        }
    }

    pub fn title(&self) -> String {
        if self.name.is_empty() { self.kind.incident_kind().zh().to_owned() } else { self.name.clone() }
    }

    pub fn severity(&self) -> Severity {
        self.severity.unwrap_or(match self.kind {
            RuleKind::Intrusion => Severity::Major,
            RuleKind::Loitering => Severity::Normal,
        })
    }

    /// Everything that is wrong with it; empty when nothing is.
    pub fn validate(&self) -> Vec<RuleError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, problem: String| {
            errors.push(RuleError { rule: self.id.to_string(), field: field.to_owned(), problem });
        };
        if let Err(e) = Zone::new(&self.zone) {
            wrong(&e.field(), e.to_string());
        }
        let length = self.name.chars().count();
        if length > MAX_NAME_CHARS {
            wrong("name", format!("has {length} characters; {MAX_NAME_CHARS} are enough for everybody"));
        }
        if self.labels.is_empty() {
            wrong("labels", "is empty; name at least one, such as \"person\"".to_owned());
        }
        for label in self.labels.iter().filter(|l| !NAMED.contains(l)) {
            let known: Vec<_> = NAMED.iter().map(|l| l.as_str()).collect();
            let why = match label {
                Label::Motion => "stands in by itself when no detector is there",
                _ => "is named by no detector of this version",
            };
            wrong("labels", format!("\"{label}\" {why}; use one of {}", known.join(", ")));
        }
        for (field, value) in [("min_score", self.min_score), ("min_size", self.min_size)] {
            if !(0.0..=1.0).contains(&value) {
                wrong(field, format!("{value} is not between 0 and 1"));
            }
        }
        if self.kind == RuleKind::Loitering && !(1..=86_400).contains(&self.loiter_s) {
            wrong("loiter_s", format!("{} is not between 1 and 86400 seconds", self.loiter_s));
        }
        if self.cooldown_s > 86_400 {
            wrong("cooldown_s", format!("{} is more than a day (86400 seconds)", self.cooldown_s));
        }
        errors
    }
}
