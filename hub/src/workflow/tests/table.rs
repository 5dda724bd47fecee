//! The table of moves, as the domain's document has it, written out by hand: from which state each begins, and for whom.

use super::*;
use crate::case::CaseState::{
    self, Closed, Dispatched, Filed, InProgress, Received, Suspended, Verifying, Void,
};
use crate::workflow::law::law;

const OPEN: &[CaseState] = &[Received, Filed, Dispatched, InProgress, Verifying, Suspended];

/// Move, states from which it begins.
const TABLE: [(StepKind, &[CaseState]); 30] = [
    (StepKind::HandleHere, &[Received]),
    (StepKind::PassUp, &[Received]),
    (StepKind::Void, &[Received, Filed]),
    (StepKind::Join, &[Received, Filed]),
    (StepKind::Split, &[Void]),
    (StepKind::File, &[Received]),
    (StepKind::Dispatch, &[Filed]),
    (StepKind::Accept, &[Dispatched, InProgress, Suspended]),
    (StepKind::Withdraw, &[Dispatched]),
    (StepKind::AskReturn, &[Dispatched, InProgress]),
    (StepKind::AskExtension, &[InProgress]),
    (StepKind::AskSuspension, &[InProgress]),
    (StepKind::AskResumption, &[Suspended]),
    (StepKind::AskCategory, &[Filed, Dispatched, InProgress]),
    (StepKind::Endorse, &[InProgress]),
    (StepKind::Decide, &[Filed, Dispatched, InProgress, Suspended]),
    (StepKind::Reassign, &[Dispatched, InProgress]),
    (StepKind::Progress, &[InProgress]),
    (StepKind::FinishPart, &[InProgress]),
    (StepKind::Waive, &[Dispatched, InProgress]),
    (StepKind::Resume, &[Suspended]),
    (StepKind::Report, &[InProgress]),
    (StepKind::Check, &[Verifying]),
    (StepKind::Rework, &[Verifying]),
    (StepKind::Close, &[Verifying]),
    (StepKind::Reopen, &[Closed]),
    (StepKind::CallBack, &[Verifying, Closed]),
    (StepKind::Remind, OPEN),
    (StepKind::Supervise, OPEN),
    (StepKind::LiftCard, OPEN),
];

/// A step of each kind that is whole in itself.
fn example(kind: StepKind) -> Step {
    use StepKind as K;
    let x = || text("x");
    match kind {
        K::HandleHere => Step::HandleHere { result: x() },
        K::PassUp => Step::PassUp { to: None, reason: x() },
        K::Void => Step::Void { reason: VoidReason::NotOurs, note: x() },
        K::Join => Step::Join { into: text("20260318-002"), note: x() },
        K::Split => Step::Split { reason: x() },
        K::File => file(),
        K::Dispatch => dispatch("housing", &[]),
        K::Accept => Step::Accept {},
        K::Withdraw => Step::Withdraw { reason: x() },
        K::AskReturn => Step::AskReturn { reason: x() },
        K::AskExtension => Step::AskExtension { by: "1 working day".parse().unwrap(), reason: x() },
        K::AskSuspension => Step::AskSuspension { until: START.plus_ms(HOUR), reason: x() },
        K::AskResumption => Step::AskResumption { reason: x() },
        K::AskCategory => Step::AskCategory { category: text("noise"), reason: x() },
        K::Endorse => Step::Endorse { request: x(), note: x() },
        K::Decide => Step::Decide { request: x(), grant: true, reason: x() },
        K::Reassign => Step::Reassign { desk: x(), reason: x() },
        K::Progress => Step::Progress { text: x() },
        K::FinishPart => Step::FinishPart { result: x() },
        K::Waive => Step::Waive { unit: text("police"), reason: x() },
        K::Resume => Step::Resume { reason: x() },
        K::Report => Step::Report { result: x() },
        K::Check => Step::Check { agrees: true, note: x() },
        K::Rework => Step::Rework { reason: x() },
        K::Close => Step::Close { note: x() },
        K::Reopen => Step::Reopen { reason: x() },
        K::CallBack => Step::CallBack { reached: false, satisfaction: None, note: x() },
        K::Remind => Step::Remind { text: x() },
        K::Supervise => Step::Supervise { card: Card::Yellow, reason: x() },
        K::LiftCard => Step::LiftCard { card: Card::Yellow, reason: x() },
    }
}

/// A case in each state.
pub(super) fn in_each_state() -> Vec<Desk> {
    let operator = actor(Role::Operator, "/");
    let mut all = vec![Desk::at(Level::County)];
    let mut filed = Desk::at(Level::County);
    filed.does(&file(), &operator);
    all.push(filed);
    let mut dispatched = Desk::at(Level::County);
    dispatched.does(&file(), &operator);
    dispatched.does(&dispatch("city_management", &["police"]), &dispatcher());
    all.push(dispatched);
    all.push(in_progress());
    let mut suspended = in_progress();
    let lead = of_unit(Role::DepartmentHead, "city_management");
    suspended.does(&Step::AskSuspension { until: START.plus_ms(99 * HOUR), reason: text("x") }, &lead);
    let request = suspended.request();
    suspended.does(&Step::Decide { request, grant: true, reason: text("x") }, &actor(Role::Commander, "/"));
    all.push(suspended);
    all.push(verifying());
    let mut closed = verifying();
    closed.does(&Step::Check { agrees: true, note: text("x") }, &actor(Role::GridManager, GRID));
    closed.does(&Step::Close { note: String::new() }, &dispatcher());
    all.push(closed);
    let mut void = Desk::at(Level::County);
    void.does(&Step::Join { into: text("20260318-009"), note: text("x") }, &operator);
    all.push(void);
    all
}

/// Every pair of state and move: what the document does not have is refused for that, whoever asks, and says from where
/// it begins; what it has is never refused for that.
#[test]
fn every_state_by_every_move() {
    assert_eq!(TABLE.len(), StepKind::ALL.len());
    let desks = in_each_state();
    let words: Vec<_> = desks.iter().map(|desk| desk.dossier.state.word()).collect();
    assert!(CaseState::ALL.iter().all(|state| words.contains(state)), "{words:?}");
    for mut desk in desks {
        let here = desk.dossier.state.word();
        for (kind, begins) in TABLE {
            assert_eq!(example(kind).kind(), kind);
            let before = desk.dossier.clone();
            let refused = desk.take(&example(kind), &Actor::hub()).err();
            let for_state = matches!(&refused, Some(Refused::State { begins: told, .. }) if *told == begins);
            assert_eq!(for_state, !begins.contains(&here), "{kind:?} from {here}: {refused:?}");
            if refused.is_some() {
                assert_eq!(desk.dossier, before, "{kind:?} from {here}: a refusal changes nothing");
            }
            desk.dossier = before;
        }
    }
}

/// Role by role, what may be done with a case that lies in one's area, is with one's level and one's unit: by hand.
#[test]
fn every_role_by_every_move() {
    use StepKind as K;
    let centre: &[StepKind] = &[
        K::Void,
        K::Join,
        K::Split,
        K::File,
        K::Dispatch,
        K::Withdraw,
        K::AskCategory,
        K::Decide,
        K::Waive,
        K::Resume,
        K::Rework,
        K::Close,
        K::Reopen,
        K::Remind,
    ];
    let leaders: Vec<StepKind> = centre.iter().copied().chain([K::Supervise, K::LiftCard]).collect();
    let with = |base: &[StepKind], more: &[StepKind]| -> Vec<StepKind> {
        base.iter().chain(more).copied().collect()
    };
    let unit: &[StepKind] = &[
        K::Accept,
        K::AskReturn,
        K::AskExtension,
        K::AskSuspension,
        K::AskResumption,
        K::Progress,
        K::FinishPart,
        K::Report,
    ];
    let officers: &[StepKind] = &[
        K::HandleHere,
        K::PassUp,
        K::Void,
        K::Join,
        K::File,
        K::AskCategory,
        K::Check,
        K::Rework,
        K::Remind,
    ];
    let may: Vec<(Role, Vec<StepKind>)> = vec![
        (Role::Administrator, vec![K::File]),
        (
            Role::Operator,
            vec![K::Void, K::Join, K::Split, K::File, K::AskCategory, K::Reopen, K::CallBack, K::Remind],
        ),
        (Role::Commander, leaders.clone()),
        (Role::ShiftLeader, with(&leaders, &[K::CallBack])),
        (Role::Dispatcher, centre.to_vec()),
        (Role::DepartmentHead, with(unit, &[K::Endorse, K::Reassign])),
        (Role::Handler, unit.to_vec()),
        (Role::TownOfficer, officers.to_vec()),
        (Role::CommunityOfficer, officers.to_vec()),
        (Role::GridManager, vec![K::HandleHere, K::PassUp, K::Void, K::Join, K::Check, K::Rework]),
        (Role::Informant, vec![K::Check, K::Rework]),
        (Role::Attendant, vec![K::Check, K::Rework]),
        (Role::Evaluator, vec![]),
        (Role::Installer, vec![]),
        (Role::Auditor, vec![]),
    ];
    assert_eq!(may.len(), Role::ALL.len());
    for (role, allowed) in may {
        let area = match role {
            Role::TownOfficer => TOWN,
            Role::CommunityOfficer => COMMUNITY,
            Role::GridManager | Role::Informant | Role::Attendant => GRID,
            _ => COUNTY,
        };
        let level = grant(role, area, None).level();
        let mut found: Vec<StepKind> = Vec::new();
        for mut desk in in_each_state() {
            if let State::Received { level: held } = &mut desk.dossier.state {
                *held = level;
            }
            // Of the lead's unit, and of the co-handler's.
            let units =
                if role.is_of_a_unit() { vec![Some("city_management"), Some("police")] } else { vec![None] };
            for unit in units {
                let by = Actor::user("x", &[grant(role, area, unit)]);
                found.extend(
                    desk.dossier.offers(&by).into_iter().filter(|o| o.refused.is_none()).map(|o| o.step),
                );
            }
        }
        for kind in StepKind::ALL {
            assert_eq!(found.contains(kind), allowed.contains(kind), "{role}: {kind:?}");
        }
    }
}

/// The same roles in another town's area, at another level or of another unit may nothing of it, and are told why.
#[test]
fn elsewhere_nobody_may() {
    for desk in in_each_state() {
        for role in Role::ALL {
            let unit = role.is_of_a_unit().then_some("education");
            let by = Actor::user("x", &[grant(role, OTHER_TOWN, unit)]);
            for offer in desk.dossier.offers(&by) {
                let refused = offer.refused.unwrap_or_else(|| panic!("{role} may {:?}", offer.step));
                assert!(matches!(refused, Refused::Who { .. }), "{refused}");
            }
        }
    }
    let mut desk = Desk::at(Level::Community);
    let refused =
        desk.take(&Step::HandleHere { result: text("x") }, &actor(Role::GridManager, GRID)).unwrap_err();
    assert!(refused.text(crate::web::text::Lang::Zh).contains("案件现由社区一级受理"), "{refused}");
    desk.does(&Step::Void { reason: VoidReason::NotOurs, note: text("x") }, &actor(Role::Operator, "/"));
}

/// Every refusal reads as a sentence in both languages, and the Chinese one has no English in it.
#[test]
fn refusals_are_sentences() {
    use crate::web::text::Lang;
    for mut desk in in_each_state() {
        for (kind, _) in TABLE {
            for by in [Actor::hub(), actor(Role::Evaluator, "/"), dispatcher()] {
                let before = desk.dossier.clone();
                if let Err(refused) = desk.take(&example(kind), &by) {
                    let (zh, en) = (refused.text(Lang::Zh), refused.text(Lang::En));
                    assert!(zh.ends_with('。') && zh.chars().count() > 8, "{zh}");
                    assert!(en.is_ascii() && en.len() > 20, "{en}");
                    assert!(
                        en.contains(&format!("\"{}\"", kind.en()))
                            && zh.contains(&format!("“{}”", kind.zh()))
                    );
                }
                desk.dossier = before;
            }
        }
    }
    assert!(StepKind::ALL.iter().all(|kind| !law(*kind).from.is_empty()));
}
