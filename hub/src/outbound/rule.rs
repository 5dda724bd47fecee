//! What goes where. Pure.

use protocol::Severity;
use serde::{Deserialize, Serialize};

use super::config::{ChannelConfig, Form};
use crate::user::Role;

/// What a channel takes, as it is kept beside the outbox: no secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) form: Form,
    /// Nobody named: everybody who is told.
    whom: Vec<Whom>,
    /// Ids of areas; none: wherever.
    areas: Vec<String>,
    /// Kinds of notices, or actions of cases; none: all.
    kinds: Vec<String>,
    least_severity: Severity,
    drills: bool,
}

/// One word of `for`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Whom {
    User(String),
    Unit(String),
    Role(String),
    Area(String),
}

impl Whom {
    /// `user:li`, `unit:police`, `role:commander`, `area:dongguan`
    pub(super) fn read(word: &str) -> Result<Self, String> {
        let wrong = || format!("{word:?} must be user:NAME, unit:ID, role:ROLE or area:ID");
        let (kind, id) = word.split_once(':').ok_or_else(wrong)?;
        if id.is_empty() || id.contains('/') {
            return Err(wrong());
        }
        match kind {
            "user" => Ok(Self::User(id.to_owned())),
            "unit" => Ok(Self::Unit(id.to_owned())),
            "area" => Ok(Self::Area(id.to_owned())),
            "role" => {
                let role = id.parse::<Role>().map_err(|error| format!("{word:?}: {error}"))?;
                Ok(Self::Role(role.as_str().to_owned()))
            }
            _ => Err(wrong()),
        }
    }
}

/// What there is to tell, as rules look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause<'a> {
    pub(super) kind: &'a str,
    pub(super) severity: Severity,
    /// Path of where the case lies.
    pub(super) area: &'a str,
    pub(super) drill: bool,
}

/// Somebody who is told, with what he is where the case lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) roles: Vec<String>,
    pub(super) units: Vec<String>,
    /// Nothing: he has none.
    pub(super) mail: String,
    pub(super) phone: String,
    /// Receivers by which his browsers are known.
    pub(super) browsers: Vec<String>,
}

impl Rule {
    /// `Err` names a word of `for` that cannot be read; the configuration was checked for that.
    pub(super) fn of(channel: &ChannelConfig, form: Form) -> Result<Self, String> {
        let mut whom = Vec::new();
        let mut areas: Vec<String> = channel.area.iter().cloned().collect();
        for word in &channel.whom {
            match Whom::read(word)? {
                Whom::Area(id) => areas.push(id),
                other => whom.push(other),
            }
        }
        Ok(Self {
            form,
            whom,
            areas,
            kinds: channel.kinds.clone(),
            least_severity: channel.least_severity.unwrap_or(Severity::Notice),
            drills: channel.drills,
        })
    }

    /// Whether it is told of this at all.
    pub(super) fn takes(&self, cause: Cause<'_>) -> bool {
        let lies_in = |id: &String| cause.area.split('/').any(|part| part == id);
        (self.drills || !cause.drill)
            // The list of severities starts with the worst.
            && cause.severity <= self.least_severity
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == cause.kind))
            && (self.areas.is_empty() || self.areas.iter().any(lies_in))
    }

    /// Whether somebody who is told is told here.
    pub(super) fn is_for(&self, person: &Person) -> bool {
        self.whom.is_empty()
            || self.whom.iter().any(|whom| match whom {
                Whom::User(name) => *name == person.name,
                Whom::Unit(id) => person.units.contains(id),
                Whom::Role(role) => person.roles.contains(role),
                Whom::Area(_) => false,
            })
    }

    /// Whether a group hears it: when it is meant for a unit or a role of its list, or for somebody who is of it. A
    /// unit's group hears what its unit is told, whether anybody of it has an account here or not.
    pub(super) fn is_for_group(&self, units: &[&str], roles: &[&str], named: &[&Person]) -> bool {
        self.whom.is_empty()
            || self.whom.iter().any(|whom| match whom {
                Whom::Unit(id) => units.contains(&id.as_str()),
                Whom::Role(role) => roles.contains(&role.as_str()),
                Whom::User(_) | Whom::Area(_) => false,
            })
            || named.iter().any(|person| self.is_for(person))
    }

    /// Names of `for` and `area`, to be compared with what there is.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let whom = self.whom.iter().filter_map(|whom| match whom {
            Whom::User(name) => Some(("user", name.as_str())),
            Whom::Unit(id) => Some(("unit", id.as_str())),
            Whom::Role(_) | Whom::Area(_) => None,
        });
        whom.chain(self.areas.iter().map(|id| ("area", id.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(channel: ChannelConfig) -> Rule {
        Rule::of(&channel, Form::WeCom).unwrap()
    }

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    const CAUSE: Cause<'_> = Cause {
        kind: "card",
        severity: Severity::Normal,
        area: "/fengxiang/chengguan/dongguan/",
        drill: false,
    };

    /// Each filter by itself lets through what it names and nothing beside it; without filters all goes but drills.
    #[test]
    fn filters() {
        assert!(rule(ChannelConfig::default()).takes(CAUSE));
        let drill = Cause { drill: true, ..CAUSE };
        assert!(!rule(ChannelConfig::default()).takes(drill));
        assert!(rule(ChannelConfig { drills: true, ..Default::default() }).takes(drill));
        let kinds = rule(ChannelConfig { kinds: words(&["card", "overdue"]), ..Default::default() });
        assert!(kinds.takes(CAUSE) && !kinds.takes(Cause { kind: "due_soon", ..CAUSE }));
        let major = rule(ChannelConfig { least_severity: Some(Severity::Major), ..Default::default() });
        assert!(!major.takes(CAUSE) && major.takes(Cause { severity: Severity::Emergency, ..CAUSE }));
        let area = rule(ChannelConfig { whom: words(&["area:chengguan"]), ..Default::default() });
        assert!(area.takes(CAUSE) && area.takes(Cause { area: "/fengxiang/chengguan/", ..CAUSE }));
        assert!(!area.takes(Cause { area: "/fengxiang/", ..CAUSE }), "the county is not in its town");
        assert!(!area.takes(Cause { area: "/fengxiang/chengguan2/", ..CAUSE }), "an id is whole");
    }

    /// `for` names people by what they are; a group hears for a unit that has nobody here, and for who is of a role.
    #[test]
    fn audiences() {
        let person = |name: &str, roles: &[&str], units: &[&str]| Person {
            name: name.to_owned(),
            roles: words(roles),
            units: words(units),
            ..Person::default()
        };
        let (li, wang) = (person("li", &["commander"], &[]), person("wang", &["handler"], &["police"]));
        let rule =
            rule(ChannelConfig { whom: words(&["role:commander", "unit:fire"]), ..Default::default() });
        assert!(rule.is_for(&li) && !rule.is_for(&wang));
        assert!(rule.is_for_group(&["fire"], &[], &[]) && rule.is_for_group(&[], &["commander"], &[]));
        assert!(rule.is_for_group(&[], &[], &[&wang, &li]) && !rule.is_for_group(&["police"], &[], &[&wang]));
        let open = Rule { whom: Vec::new(), ..rule };
        assert!(open.is_for(&wang) && open.is_for_group(&[], &[], &[]));
    }

    /// What cannot be read is told with what would be right.
    #[test]
    fn words_of_for() {
        assert_eq!(Whom::read("unit:police"), Ok(Whom::Unit("police".to_owned())));
        for bad in ["police", "group:x", "unit:", "area:a/b"] {
            assert!(Whom::read(bad).unwrap_err().contains("user:NAME"), "{bad}");
        }
        assert!(Whom::read("role:boss").unwrap_err().contains("commander"), "roles are named");
    }

    /// What is kept beside the outbox reads back.
    #[test]
    fn rules_read_back() {
        let rule = rule(ChannelConfig { whom: words(&["role:commander", "area:x"]), ..Default::default() });
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&text).unwrap(), rule);
        assert!(rule.names().eq([("area", "x")]));
    }
}
