//! Whose figures somebody may see: of areas, or of units. Pure.

use crate::organisation::AreaPath;
use crate::user::{Act, Grant};

/// 考核员, 指挥长, 管理员 and 审计员 see everything of their area, officers theirs, heads of departments their unit's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    areas: Vec<AreaPath>,
    units: Vec<String>,
}

impl Scope {
    pub fn everything() -> Self {
        Self { areas: vec![AreaPath::everything()], units: Vec::new() }
    }

    pub fn of(grants: &[Grant]) -> Self {
        let own = grants.iter().filter(|grant| grant.role.may(Act::Evaluate));
        let (mut areas, mut units) = (Vec::new(), Vec::new());
        for grant in own {
            match &grant.unit {
                Some(unit) => units.push(unit.clone()),
                None => areas.push(grant.area.clone()),
            }
        }
        Self { areas, units }
    }

    pub fn is_everything(&self) -> bool {
        self.areas.contains(&AreaPath::everything())
    }

    /// Whether a figure of a case that lies there, for this unit, is in it.
    pub fn has(&self, area: &str, unit: Option<&str>) -> bool {
        let lies_in = |own: &AreaPath| area.starts_with(own.as_str());
        self.areas.iter().any(lies_in) || unit.is_some_and(|unit| self.is_of(unit))
    }

    /// Whether a unit that works there has a row in it, whatever counts there.
    pub fn has_unit(&self, unit: &str, works_in: &str) -> bool {
        let meets = |own: &AreaPath| works_in.starts_with(own.as_str()) || own.as_str().starts_with(works_in);
        self.is_of(unit) || self.areas.iter().any(meets)
    }

    /// Whether it is the figures of this unit, wherever it works.
    pub fn is_of(&self, unit: &str) -> bool {
        self.units.iter().any(|own| own == unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Role;

    fn grant(role: Role, area: &str, unit: Option<&str>) -> Grant {
        Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) }
    }

    /// An officer sees her town, a head his unit wherever it works, an operator nothing.
    #[test]
    fn scopes_by_role() {
        let officer = Scope::of(&[grant(Role::TownOfficer, "/c/north/", None)]);
        assert!(officer.has("/c/north/x/", None) && !officer.has("/c/south/", Some("police")));
        assert!(!officer.has("/", None) && !officer.is_everything());
        let head = Scope::of(&[grant(Role::DepartmentHead, "/", Some("police"))]);
        assert!(head.has("/c/south/", Some("police")) && !head.has("/c/south/", Some("housing")));
        assert!(!head.has("/c/south/", None) && !head.is_everything());
        let operator =
            Scope::of(&[grant(Role::Operator, "/", None), grant(Role::Handler, "/", Some("police"))]);
        assert!(!operator.has("/c/south/", Some("police")));
        assert!(Scope::of(&[Grant::everywhere(Role::Evaluator)]).is_everything());
    }
}
