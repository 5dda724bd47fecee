//! Where a case lies: whose it is to say, and what that changes. Pure; looking places up is [`crate::gazetteer`]'s.

use protocol::UtcMs;

use super::law::{allows, law};
use super::{Actor, Dossier, Refused, StepKind};
use crate::organisation::AreaPath;
use crate::policy::Policy;

impl Dossier {
    /// Whether a user may say where the case lies: who may void it, and while he may. Later, units have it by where it lies.
    pub fn may_be_placed(&self, by: &Actor) -> Result<(), Refused> {
        allows(self, StepKind::Void, None, by)
    }

    /// Whether one of the roles that place cases is a user's there: nobody puts a case where he may do nothing with it.
    pub fn may_be_placed_in(by: &Actor, area: &AreaPath) -> bool {
        let roles = law(StepKind::Void).who.roles();
        by.grants.iter().any(|grant| roles.contains(&grant.role) && grant.area.covers(area))
    }

    /// It lies elsewhere than was thought: where villages have other limits than towns, those of there hold, from the same
    /// beginning.
    pub fn lie_in(&mut self, area: AreaPath, rural: bool, policy: &Policy, now: UtcMs) {
        self.facts.area = area;
        if std::mem::replace(&mut self.facts.rural, rural) != rural {
            let limits = self.limits(policy);
            self.relimit(|kind| limits.of(kind));
            self.reckon(policy, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};
    use protocol::Severity;

    use super::*;
    use crate::case::Source;
    use crate::organisation::Level;
    use crate::user::{Grant, Role};
    use crate::workflow::{ClockKind, Facts, Step};

    const NOW: UtcMs = UtcMs(1_773_799_200_000);

    fn dossier(policy: &Policy) -> Dossier {
        let facts = Facts {
            case_id: "c".to_owned(),
            number: "20260318-001".to_owned(),
            kind: "hotline".to_owned(),
            severity: Severity::Normal,
            source: Source::Worker,
            matter: String::new(),
            area: AreaPath::kept("/c/".to_owned()),
            rural: false,
            drill: false,
            opened_at: NOW,
        };
        Dossier::received(facts, Level::County, policy)
    }

    fn actor(role: Role, area: &str) -> Actor {
        Actor::user("li", &[Grant { role, area: AreaPath::kept(area.to_owned()), unit: None }])
    }

    /// A case that turns out to lie in a village has the village's time from the same beginning; back in town, the town's.
    #[test]
    fn limits_follow_the_place() {
        let policy = Policy::read(crate::policy::DEFAULT, 1, &TimeZone::fixed(Offset::constant(8))).unwrap();
        let mut dossier = dossier(&policy);
        let before = dossier.clone();
        let village = AreaPath::kept("/c/v/".to_owned());
        dossier.lie_in(village.clone(), true, &policy, NOW.plus_ms(60_000));
        assert_eq!(dossier.clocks[0].limit.to_string(), "2 hours");
        assert_eq!(dossier.clocks[0].due_at, Some(NOW.plus_ms(2 * 3_600_000)));
        assert_eq!(dossier.facts.area, village);
        dossier.lie_in(before.facts.area.clone(), false, &policy, NOW.plus_ms(60_000));
        assert_eq!(dossier.clocks, before.clocks);
        assert_eq!(dossier.clocks[0].kind, ClockKind::Triage);
    }

    /// Who triages places cases, in his own area; who handles them does not, and nobody does after the dispatch.
    #[test]
    fn who_places_cases() {
        let policy = Policy::read(crate::policy::DEFAULT, 1, &TimeZone::fixed(Offset::constant(8))).unwrap();
        let mut dossier = dossier(&policy);
        assert!(dossier.may_be_placed(&actor(Role::Operator, "/")).is_ok());
        for other in
            [actor(Role::Evaluator, "/"), actor(Role::Operator, "/d/"), actor(Role::Informant, "/c/")]
        {
            assert!(matches!(dossier.may_be_placed(&other), Err(Refused::Who { .. })), "{other:?}");
        }
        let town = actor(Role::Dispatcher, "/c/t/");
        assert!(Dossier::may_be_placed_in(&town, &AreaPath::kept("/c/t/g/".to_owned())));
        assert!(!Dossier::may_be_placed_in(&town, &AreaPath::kept("/c/".to_owned())));
        let units = [crate::organisation::Unit {
            unit: "police".to_owned(),
            name_zh: "公安".to_owned(),
            name_en: "Police".to_owned(),
            area: "/".to_owned(),
            active: 1,
        }];
        let around = crate::workflow::Around { policy: &policy, units: &units, now: NOW, id: "r" };
        for step in [
            Step::File { category: "noise".to_owned(), note: String::new() },
            Step::Dispatch { lead: "police".to_owned(), co: vec![], note: String::new() },
        ] {
            dossier.take(&step, &Actor::hub(), around).unwrap();
        }
        let late = dossier.may_be_placed(&actor(Role::Operator, "/"));
        assert!(matches!(late, Err(Refused::State { .. })), "{late:?}");
    }
}
