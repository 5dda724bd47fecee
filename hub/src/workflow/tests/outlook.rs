//! What could be done now, tried on a copy.

use super::*;

fn outlook(desk: &Desk, by: &Actor) -> Vec<Offer> {
    let around = Around { policy: &desk.policy, units: &desk.units, now: desk.now, id: "trial" };
    desk.dossier.outlook(by, around)
}

fn of(desk: &Desk, by: &Actor, step: StepKind) -> Option<Refused> {
    let found = outlook(desk, by).into_iter().find(|offer| offer.step == step);
    found.unwrap_or_else(|| panic!("{step:?} does not begin from {}", desk.dossier.state.word())).refused
}

fn lacks(desk: &Desk, by: &Actor, step: StepKind) -> Missing {
    match of(desk, by, step) {
        Some(Refused::Missing { what, .. }) => what,
        other => panic!("{step:?}: {other:?}"),
    }
}

/// What the table allows and the case is not ready for says what is missing, until it is there; looking changes nothing.
#[test]
fn it_says_what_is_missing() {
    let mut desk = in_progress();
    let (lead, police) = (of_unit(Role::Handler, "city_management"), of_unit(Role::DepartmentHead, "police"));
    let before = desk.dossier.clone();
    assert_eq!(lacks(&desk, &lead, StepKind::Report), Missing::Parts(vec![text("police")]));
    assert_eq!(lacks(&desk, &lead, StepKind::Accept), Missing::AlreadyAccepted);
    assert_eq!(lacks(&desk, &dispatcher(), StepKind::Decide), Missing::Nothing);
    assert_eq!(lacks(&desk, &police, StepKind::Endorse), Missing::Nothing);
    assert_eq!(of(&desk, &dispatcher(), StepKind::Waive), None, "one part is open");
    assert_eq!(desk.dossier, before);
    desk.does(&Step::Waive { unit: text("police"), reason: text("x") }, &dispatcher());
    assert_eq!(of(&desk, &lead, StepKind::Report), None);
    assert_eq!(lacks(&desk, &dispatcher(), StepKind::Waive), Missing::Nothing);

    let mut desk = verifying();
    assert_eq!(lacks(&desk, &dispatcher(), StepKind::Close), Missing::FieldCheck);
    desk.does(&Step::Check { agrees: true, note: text("x") }, &actor(Role::GridManager, GRID));
    assert_eq!(of(&desk, &dispatcher(), StepKind::Close), None);
    assert!(matches!(of(&desk, &lead, StepKind::Close), Some(Refused::Who { .. })), "it is not his");
}

/// A request is a dispatcher's to decide or a leader's, and nobody's who asked.
#[test]
fn requests_have_their_deciders() {
    let mut desk = in_progress();
    let lead = of_unit(Role::Handler, "city_management");
    desk.does(&Step::AskExtension { by: "1 working day".parse().unwrap(), reason: text("x") }, &lead);
    let leader = actor(Role::ShiftLeader, "/");
    assert_eq!(of(&desk, &leader, StepKind::Decide), None);
    assert!(matches!(of(&desk, &dispatcher(), StepKind::Decide), Some(Refused::Who { .. })));
    desk.does(&Step::AskReturn { reason: text("x") }, &lead);
    assert_eq!(of(&desk, &dispatcher(), StepKind::Decide), None, "of two, one is his");
}

/// Cards that are shown can be lifted, those that are not shown can be shown, and nothing else.
#[test]
fn cards_are_there_or_not() {
    let mut desk = in_progress();
    let leader = actor(Role::Commander, "/");
    assert_eq!(lacks(&desk, &leader, StepKind::LiftCard), Missing::Nothing);
    for card in Card::ALL {
        assert_eq!(of(&desk, &leader, StepKind::Supervise), None);
        desk.does(&Step::Supervise { card: *card, reason: text("x") }, &leader);
    }
    assert_eq!(lacks(&desk, &leader, StepKind::Supervise), Missing::CardOpen);
    assert_eq!(of(&desk, &leader, StepKind::LiftCard), None);
}
