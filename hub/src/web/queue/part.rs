//! The parts of the queue: what waits for whom, and what is watched over. Pure.

use crate::organisation::{AreaPath, Level};
use crate::user::{Act, Grant, Role};
use crate::web::text::Lang;
use crate::workflow::StepKind;

/// One list of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Received at one's level, and nobody's yet.
    Triage,
    /// Received at one's level and in hand, not filed.
    File,
    Dispatch,
    /// Requests of units that wait for a decision.
    Requests,
    /// Reported, and nobody has looked on site.
    Check,
    /// Reported: to be closed, or sent back.
    Close,
    /// Whoever has it: a limit ends within the hour.
    Soon,
    /// A limit has passed.
    Late,
    /// A card lies on it.
    Supervised,
    Suspended,
}

impl Part {
    pub(super) const ALL: [Self; 10] = [
        Self::Triage,
        Self::File,
        Self::Dispatch,
        Self::Requests,
        Self::Check,
        Self::Close,
        Self::Soon,
        Self::Late,
        Self::Supervised,
        Self::Suspended,
    ];

    /// As addresses have it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::File => "file",
            Self::Dispatch => "dispatch",
            Self::Requests => "requests",
            Self::Check => "check",
            Self::Close => "close",
            Self::Soon => "soon",
            Self::Late => "late",
            Self::Supervised => "supervised",
            Self::Suspended => "suspended",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == word)
    }

    pub(super) fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Triage => lang.queue_triage(),
            Self::File => lang.queue_file(),
            Self::Dispatch => lang.queue_dispatch(),
            Self::Requests => lang.queue_requests(),
            Self::Check => lang.queue_check(),
            Self::Close => lang.queue_close(),
            Self::Soon => lang.queue_soon(),
            Self::Late => lang.queue_late(),
            Self::Supervised => lang.queue_supervised(),
            Self::Suspended => lang.queue_suspended(),
        }
    }

    /// Whether it waits for whoever looks; the others he only watches over.
    pub(super) fn is_own(self) -> bool {
        !matches!(self, Self::Soon | Self::Late | Self::Supervised | Self::Suspended)
    }

    /// The move that is waited for: whose it is says the law.
    fn step(self) -> StepKind {
        match self {
            Self::Triage | Self::File => StepKind::File,
            Self::Dispatch => StepKind::Dispatch,
            Self::Requests => StepKind::Decide,
            Self::Check => StepKind::Check,
            Self::Close => StepKind::Close,
            Self::Soon | Self::Late | Self::Supervised | Self::Suspended => StepKind::Remind,
        }
    }
}

/// Where somebody has a part: an area, and the level that has the case where that matters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) area: AreaPath,
    pub(super) level: Option<Level>,
}

impl Scope {
    fn covers(&self, other: &Self) -> bool {
        self.level == other.level && self.area.covers(&other.area)
    }
}

/// Where this part waits for somebody; none lies within another.
pub(super) fn scopes(part: Part, grants: &[Grant]) -> Vec<Scope> {
    let may = |role: Role| role.may(Act::Queue) && part.step().roles().contains(&role);
    let at_level = matches!(part, Part::Triage | Part::File);
    let own = grants.iter().filter(|grant| may(grant.role));
    let all: Vec<Scope> =
        own.map(|grant| Scope { area: grant.area.clone(), level: at_level.then(|| grant.level()) }).collect();
    let mut kept: Vec<Scope> = Vec::new();
    for (at, scope) in all.iter().enumerate() {
        let within = |(other_at, other): (usize, &Scope)| {
            other_at != at && other.covers(scope) && (other != scope || other_at < at)
        };
        if !all.iter().enumerate().any(within) {
            kept.push(scope.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: Role, area: &str) -> Grant {
        Grant { role, area: AreaPath::kept(area.to_owned()), unit: None }
    }

    fn places(part: Part, grants: &[Grant]) -> Vec<(String, Option<Level>)> {
        scopes(part, grants).into_iter().map(|scope| (scope.area.to_string(), scope.level)).collect()
    }

    /// A centre has what is received at the county and everything that is filed; an officer what is received at his level,
    /// the checks, and nothing to dispatch. What lies within another area of the same person is not looked for twice.
    #[test]
    fn everybody_has_his_own() {
        let centre = [grant(Role::Dispatcher, "/")];
        assert_eq!(places(Part::Triage, &centre), [("/".to_owned(), Some(Level::County))]);
        assert_eq!(places(Part::Dispatch, &centre), [("/".to_owned(), None)]);
        assert_eq!(places(Part::Check, &centre), []);
        let town = [grant(Role::TownOfficer, "/c/n/")];
        assert_eq!(places(Part::File, &town), [("/c/n/".to_owned(), Some(Level::Town))]);
        assert_eq!(places(Part::Check, &town), [("/c/n/".to_owned(), None)]);
        for part in [Part::Dispatch, Part::Requests, Part::Close] {
            assert_eq!(places(part, &town), [], "{part:?}");
        }
        let both = [
            grant(Role::ShiftLeader, "/c/"),
            grant(Role::Commander, "/c/"),
            grant(Role::Dispatcher, "/c/n/"),
            grant(Role::CommunityOfficer, "/c/n/e/"),
        ];
        assert_eq!(places(Part::Dispatch, &both), [("/c/".to_owned(), None)]);
        assert_eq!(
            places(Part::Triage, &both),
            [
                ("/c/".to_owned(), Some(Level::County)),
                ("/c/n/".to_owned(), Some(Level::Town)),
                ("/c/n/e/".to_owned(), Some(Level::Community)),
            ]
        );
        assert_eq!(places(Part::Late, &[grant(Role::Operator, "/")]), [], "the queue is not an operator's");
    }

    #[test]
    fn parts_read_back() {
        for part in Part::ALL {
            assert_eq!(Part::parse(part.as_str()), Some(part));
        }
        assert_eq!(Part::parse("all"), None);
    }
}
