//! Who changes something, when, and how far he may. Pure.

use protocol::UtcMs;

use crate::organisation::{AreaPath, Unit};
use crate::user::{Act, Grant, Session};

/// Whoever may run `hub` on its machine, as the audit calls him.
const CLI: &str = "cli";

/// Somebody who changes how the county is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `user:NAME` or [`CLI`]
    pub who: String,
    pub at: UtcMs,
    /// Areas that he administers.
    areas: Vec<AreaPath>,
    /// The newest row of the audit that he has seen the outcome of, where what he does is to rest on that.
    since: Option<i64>,
}

/// Who brings something that is kept in versions: somebody who administers, or a name that was let in elsewhere.
#[derive(Clone, Copy, Debug)]
pub enum Teller<'a> {
    Name(&'a str),
    By(&'a By),
}

impl<'a> From<&'a str> for Teller<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl<'a> From<&'a By> for Teller<'a> {
    fn from(by: &'a By) -> Self {
        Self::By(by)
    }
}

impl Teller<'_> {
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::By(by) => &by.who,
        }
    }

    pub fn by(&self, at: UtcMs) -> By {
        match self {
            Self::Name(name) => By::told(name, at),
            Self::By(by) => (*by).clone(),
        }
    }
}

impl By {
    /// The command line may everything.
    pub fn cli(at: UtcMs) -> Self {
        Self { who: CLI.to_owned(), at, areas: vec![AreaPath::everything()], since: None }
    }

    /// Somebody who is logged in, as far as he administers.
    pub fn of(session: &Session, at: UtcMs) -> Self {
        let own = session.grants.iter().filter(|grant| grant.role.may(Act::Organise));
        Self {
            who: format!("user:{}", session.user),
            at,
            areas: own.map(|grant| grant.area.clone()).collect(),
            since: None,
        }
    }

    /// For who only looks: as far as he may look.
    pub fn looking(session: &Session, at: UtcMs) -> Self {
        let own = session.grants.iter().filter(|grant| grant.role.may(Act::Audit));
        Self {
            who: format!("user:{}", session.user),
            at,
            areas: own.map(|grant| grant.area.clone()).collect(),
            since: None,
        }
    }

    /// For what was let in elsewhere: `hub` is the command line there.
    pub fn told(who: &str, at: UtcMs) -> Self {
        let who = if who == "hub" { CLI } else { who };
        Self { who: who.to_owned(), at, areas: vec![AreaPath::everything()], since: None }
    }

    /// The same, whose change is refused once the audit has a newer row than this.
    pub(super) fn resting_on(&self, since: i64) -> Self {
        Self { since: Some(since), ..self.clone() }
    }

    pub(super) fn since(&self) -> Option<i64> {
        self.since
    }

    pub fn reaches(&self, area: &AreaPath) -> bool {
        self.areas.iter().any(|own| own.covers(area))
    }

    pub fn reaches_everything(&self) -> bool {
        self.reaches(&AreaPath::everything())
    }

    /// Whether a role is his to give and to take. People of a unit work wherever the unit does.
    pub fn reaches_grant(&self, grant: &Grant, units: &[Unit]) -> bool {
        let unit = grant.unit.as_deref().and_then(|id| units.iter().find(|unit| unit.unit == id));
        let wide = match (&grant.unit, unit) {
            (None, _) => None,
            (Some(_), Some(unit)) => Some(AreaPath::kept(unit.area.clone())),
            (Some(_), None) => Some(AreaPath::everything()),
        };
        self.reaches(&grant.area) && wide.is_none_or(|area| self.reaches(&area))
    }

    /// Whether somebody is his to change: all that he may is. Who has no role is only for who administers everything.
    pub fn manages(&self, grants: &[Grant], units: &[Unit]) -> bool {
        if grants.is_empty() {
            return self.reaches_everything();
        }
        grants.iter().all(|grant| self.reaches_grant(grant, units))
    }

    pub fn is(&self, user: &str) -> bool {
        self.who.strip_prefix("user:") == Some(user)
    }

    pub fn is_person(&self) -> bool {
        self.who != CLI
    }

    /// The areas themselves, for a list of choices.
    pub fn areas(&self) -> &[AreaPath] {
        &self.areas
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Role;

    fn path(text: &str) -> AreaPath {
        AreaPath::kept(text.to_owned())
    }

    fn unit(id: &str, area: &str) -> Unit {
        Unit { unit: id.into(), name_zh: id.into(), name_en: id.into(), area: area.into(), active: 1 }
    }

    /// A town's administrator gives roles in his town, none over more, and none in a unit that works beyond it.
    #[test]
    fn an_administrator_keeps_to_his_area() {
        let town = By { who: "user:north".into(), at: UtcMs(1), areas: vec![path("/c/north/")], since: None };
        let units = [unit("police", "/"), unit("north-office", "/c/north/")];
        let grant = |role, area: &str, unit: Option<&str>| Grant {
            role,
            area: path(area),
            unit: unit.map(str::to_owned),
        };
        assert!(town.reaches_grant(&grant(Role::GridManager, "/c/north/g1/", None), &units));
        assert!(!town.reaches_grant(&grant(Role::GridManager, "/c/south/", None), &units));
        assert!(!town.reaches_grant(&grant(Role::Administrator, "/c/", None), &units));
        assert!(town.reaches_grant(&grant(Role::Handler, "/c/north/", Some("north-office")), &units));
        assert!(!town.reaches_grant(&grant(Role::Handler, "/c/north/", Some("police")), &units));
        assert!(!town.reaches_grant(&grant(Role::Handler, "/c/north/", Some("gone")), &units));
        assert!(!town.manages(&[], &units) && By::cli(UtcMs(1)).manages(&[], &units));
        let both = [grant(Role::Operator, "/c/north/", None), grant(Role::Operator, "/c/south/", None)];
        assert!(!town.manages(&both, &units), "who works elsewhere too is not his");
        assert!(town.is("north") && !town.is("user:north") && town.is_person());
        assert_eq!(By::told("hub", UtcMs(1)).who, CLI);
    }
}
