//! Which move a case waits for from somebody of the grid, and whether he may make it. Pure; the law has the last word.

use crate::case::CaseState;
use crate::organisation::{AreaPath, Level};
use crate::user::Grant;
use crate::workflow::StepKind;

/// What is to be done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// 核查, on site.
    Check,
    /// 处置 or 上报, by the level that has it.
    Handle,
}

impl Work {
    /// Nothing for what waits for somebody else.
    pub fn of(state: &str) -> Option<Self> {
        match state.parse() {
            Ok(CaseState::Verifying) => Some(Self::Check),
            Ok(CaseState::Received) => Some(Self::Handle),
            _ => None,
        }
    }

    /// The moves that do it, the usual one first.
    pub fn moves(self) -> &'static [StepKind] {
        match self {
            Self::Check => &[StepKind::Check],
            Self::Handle => &[StepKind::HandleHere, StepKind::PassUp],
        }
    }
}

/// Whether one of these roles may make the move of a case in this area, that this level has.
pub fn may(kind: StepKind, grants: &[Grant], area: &AreaPath, level: Level) -> bool {
    grants.iter().any(|grant| {
        let fits = kind == StepKind::Check || grant.level() == level;
        fits && kind.roles().contains(&grant.role) && grant.area.covers(area)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Role;

    /// A manager handles what his grid has, an informant does not; both check; nobody does elsewhere.
    #[test]
    fn who_may() {
        let grid = AreaPath::kept("/c/t/d/g1/".to_owned());
        let of = |role, area: &str| [Grant { role, area: AreaPath::kept(area.to_owned()), unit: None }];
        let (manager, informant) = (of(Role::GridManager, "/c/t/d/g1/"), of(Role::Informant, "/c/t/d/g1/"));
        let (other, officer) = (of(Role::GridManager, "/c/t/d/g2/"), of(Role::CommunityOfficer, "/c/t/d/"));
        for (grants, level, handles, checks) in [
            (&manager, Level::Grid, true, true),
            (&manager, Level::Community, false, true),
            (&informant, Level::Grid, false, true),
            (&other, Level::Grid, false, false),
            (&officer, Level::Community, true, true),
            (&officer, Level::Grid, false, true),
        ] {
            assert_eq!(may(StepKind::HandleHere, grants, &grid, level), handles, "{grants:?} {level}");
            assert_eq!(may(StepKind::Check, grants, &grid, level), checks, "{grants:?} {level}");
        }
        assert_eq!(Work::of("verifying").map(Work::moves), Some(&[StepKind::Check][..]));
        assert_eq!((Work::of("filed"), Work::of("odd")), (None, None));
    }
}
