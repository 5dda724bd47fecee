//! What somebody may, where: a role over an area, of a unit for those who work in one.

use super::Role;
use crate::db::from_row;
use crate::organisation::AreaPath;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    pub area: AreaPath,
    pub unit: Option<String>,
}

impl Grant {
    /// A role over everything.
    pub fn everywhere(role: Role) -> Self {
        Self { role, area: AreaPath::everything(), unit: None }
    }

    /// Why it cannot be given; people of a unit have one, others none.
    pub fn wrong(&self) -> Option<&'static str> {
        match (self.role.is_of_a_unit(), &self.unit) {
            (true, None) => Some("this role works in a unit; name it"),
            (false, Some(_)) => Some("this role works in no unit; leave it out"),
            _ => None,
        }
    }
}

/// As it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GrantRow {
    role: String,
    area: String,
    unit: String,
}

from_row!(GrantRow: role, area, unit);

impl GrantRow {
    /// Nothing for a role of a newer hub.
    pub(super) fn read(self) -> Option<Grant> {
        let unit = Some(self.unit).filter(|unit| !unit.is_empty());
        Some(Grant { role: self.role.parse().ok()?, area: AreaPath::kept(self.area), unit })
    }
}
