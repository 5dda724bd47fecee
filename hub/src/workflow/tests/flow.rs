//! The ways a case goes.

use super::*;
use crate::web::text::Lang;

fn missing(result: Result<Taken, Refused>) -> Missing {
    match result {
        Err(Refused::Missing { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

/// All eight steps: received, filed, dispatched to a lead and a co-handler, in progress, reported, looked at, closed,
/// called back.
#[test]
fn the_whole_way() {
    let mut desk = in_progress();
    assert_eq!(desk.dossier.answers(), Answers::Unit("city_management"));
    let lead = of_unit(Role::Handler, "city_management");
    desk.does(&Step::Progress { text: text("已到现场") }, &lead);
    let early = desk.take(&Step::Report { result: text("完成") }, &lead);
    assert_eq!(missing(early), Missing::Parts(vec![text("police")]));
    desk.does(&Step::FinishPart { result: text("已劝离") }, &of_unit(Role::Handler, "police"));
    desk.does(&Step::Report { result: text("完成") }, &lead);
    let close = Step::Close { note: String::new() };
    assert_eq!(missing(desk.take(&close, &dispatcher())), Missing::FieldCheck);
    let by_the_unit = desk.take(&close, &of_unit(Role::DepartmentHead, "city_management"));
    assert!(matches!(by_the_unit, Err(Refused::Who { .. })), "who handled it cannot close it");
    let looked = |agrees| Step::Check { agrees, note: text("看过") };
    desk.does(&looked(false), &actor(Role::Attendant, GRID));
    assert_eq!(missing(desk.take(&close, &dispatcher())), Missing::FieldCheckDisagrees);
    desk.does(&looked(true), &actor(Role::GridManager, GRID));
    desk.does(&close, &dispatcher());
    assert!(matches!(&desk.dossier.state, State::Closed(ending) if ending.how == How::Verified));
    assert!(desk.dossier.clocks.iter().all(|clock| clock.stopped_at.is_some()), "no clock runs on");
    let call = |reached, satisfaction| Step::CallBack { reached, satisfaction, note: String::new() };
    let operator = actor(Role::Operator, "/");
    assert_eq!(missing(desk.take(&call(true, None), &operator)), Missing::Satisfaction);
    desk.does(&call(true, Some(Satisfaction::Satisfied)), &operator);
    assert_eq!(desk.dossier.answers(), Answers::Nobody);
}

/// 小事不出网格: handled where it is, or passed up, level by level or over one's head; never down.
#[test]
fn small_matters_stay_below() {
    let mut desk = Desk::at(Level::Grid);
    let manager = actor(Role::GridManager, GRID);
    desk.does(&Step::PassUp { to: None, reason: text("需要协调") }, &manager);
    assert_eq!(desk.dossier.answers(), Answers::Level(Level::Community));
    let low = Step::PassUp { to: Some(Level::Grid), reason: text("x") };
    let officer = actor(Role::CommunityOfficer, COMMUNITY);
    assert_eq!(missing(desk.take(&low, &officer)), Missing::Level(Level::Community));
    desk.does(&Step::PassUp { to: Some(Level::County), reason: text("重大") }, &officer);
    assert_eq!(desk.dossier.answers(), Answers::Level(Level::County));
    let mut other = Desk::at(Level::Grid);
    other.does(&Step::HandleHere { result: text("已劝离") }, &manager);
    assert!(matches!(&other.dossier.state, State::Closed(ending) if ending.how == How::HandledHere));
}

/// A false alarm is void with that reason; what another case covers joins it; neither comes back by itself.
#[test]
fn void_and_joined() {
    let operator = actor(Role::Operator, "/");
    let mut desk = Desk::at(Level::County);
    let joined = Step::Void { reason: VoidReason::Joined, note: text("x") };
    assert!(
        matches!(missing(desk.take(&joined, &operator)), Missing::JoinTarget(_)),
        "joining names its target"
    );
    desk.does(&Step::Void { reason: VoidReason::FalseAlarm, note: text("是树影") }, &operator);
    assert!(matches!(desk.dossier.state, State::Void { reason: VoidReason::FalseAlarm, into: None, .. }));
    assert!(desk.dossier.offers(&operator).iter().all(|offer| offer.refused.is_some()), "it is over");
    let mut desk = Desk::at(Level::County);
    desk.does(&file(), &operator);
    desk.does(&Step::Join { into: text("20260318-009"), note: text("同一起") }, &operator);
    assert!(matches!(&desk.dossier.state, State::Void { into: Some(into), .. } if into == "20260318-009"));
    let offers = desk.dossier.offers(&operator);
    let open = offers.iter().filter(|offer| offer.refused.is_none()).map(|offer| offer.step);
    assert_eq!(open.collect::<Vec<_>>(), [StepKind::Split], "nothing but taking it out again");
}

/// Withdrawn before it is accepted, returned after: both end the units' work, and the next dispatch is a new round.
#[test]
fn dispatched_anew() {
    let mut desk = Desk::at(Level::County);
    desk.does(&file(), &actor(Role::Operator, "/"));
    desk.does(&dispatch("housing", &["police"]), &dispatcher());
    desk.does(&Step::Withdraw { reason: text("派错") }, &dispatcher());
    assert!(desk.dossier.past.iter().all(|task| task.state == TaskState::Withdrawn));
    desk.does(&dispatch("city_management", &[]), &dispatcher());
    assert_eq!(desk.dossier.state.work().unwrap().lead.task, 3, "tasks count over all dispatches");
    let lead = of_unit(Role::DepartmentHead, "city_management");
    desk.does(&Step::AskReturn { reason: text("不属本单位") }, &lead);
    let again = desk.take(&Step::AskReturn { reason: text("不属本单位") }, &lead);
    assert_eq!(missing(again), Missing::AlreadyAsked(Ask::Return));
    let request = desk.request();
    let granted = Step::Decide { request: request.clone(), grant: true, reason: text("同意") };
    let by_itself = desk.take(&granted, &lead);
    assert!(matches!(by_itself, Err(Refused::Who { .. })), "nobody grants his own request");
    desk.does(&granted, &dispatcher());
    assert!(matches!(desk.dossier.state, State::Filed(_)));
    assert_eq!(missing(desk.take(&granted, &dispatcher())), Missing::Request(request));
}

/// Dispatch names units that are there, each once.
#[test]
fn dispatch_names_units() {
    let mut desk = Desk::at(Level::County);
    desk.does(&file(), &actor(Role::Operator, "/"));
    for (step, what) in [
        (dispatch("nobody", &[]), Missing::Unit(text("nobody"))),
        (dispatch("science", &[]), Missing::Unit(text("science"))),
        (dispatch("police", &["housing", "police"]), Missing::UnitTwice(text("police"))),
    ] {
        assert_eq!(missing(desk.take(&step, &dispatcher())), what);
    }
    assert!(matches!(desk.dossier.state, State::Filed(_)), "nothing half-done stays");
}

/// The centre lets the case go on without a co-handler that does not come.
#[test]
fn a_part_can_be_waived() {
    let mut desk = Desk::at(Level::County);
    desk.does(&file(), &actor(Role::Operator, "/"));
    desk.does(&dispatch("city_management", &["police"]), &dispatcher());
    let lead = of_unit(Role::Handler, "city_management");
    desk.does(&Step::Accept {}, &lead);
    assert_eq!(missing(desk.take(&Step::Accept {}, &lead)), Missing::AlreadyAccepted);
    desk.does(&Step::Waive { unit: text("police"), reason: text("不再需要") }, &dispatcher());
    desk.does(&Step::Report { result: text("完成") }, &lead);
    assert!(matches!(desk.dossier.state, State::Verifying(..)));
}

/// 分类修改 is asked for and granted; the limits of the new category hold from the same beginning.
#[test]
fn another_category_has_other_limits() {
    let mut desk = Desk::at(Level::County);
    desk.policy = Policy::read(
        &crate::policy::DEFAULT.replace(
            "[[rule]]\nname = \"紧急\"",
            "[[rule]]\nname = \"噪声\"\ncategory = [\"noise\"]\nhandle = \"2 working days\"\n\n[[rule]]\nname = \"紧急\"",
        ),
        2,
        &TimeZone::fixed(Offset::constant(8)),
    )
    .unwrap();
    let operator = actor(Role::Operator, "/");
    desk.does(&file(), &operator);
    desk.does(&dispatch("environment", &[]), &dispatcher());
    assert_eq!(desk.clock(ClockKind::Handle, 1).limit.to_string(), "7 working days");
    let ask = |category: &str| Step::AskCategory { category: text(category), reason: text("实为噪声") };
    assert_eq!(missing(desk.take(&ask("blocked_lane"), &operator)), Missing::Same);
    assert!(matches!(missing(desk.take(&ask("odd"), &operator)), Missing::Category(_)));
    desk.does(&ask("noise"), &operator);
    let decide = Step::Decide { request: desk.request(), grant: true, reason: text("同意") };
    let refused = desk.take(&decide, &dispatcher()).unwrap_err();
    assert!(matches!(refused, Refused::Who { .. }), "a dispatcher does not decide on categories");
    desk.hours(5);
    desk.does(&decide, &actor(Role::ShiftLeader, "/"));
    let clock = desk.clock(ClockKind::Handle, 1);
    assert_eq!((clock.limit.to_string().as_str(), clock.started_at), ("2 working days", START));
    assert_eq!(desk.dossier.state.filing().unwrap().category, "noise");
}

/// Reopened within thirty days, with a triage of its own; later it is a new case.
#[test]
fn reopened_in_time() {
    let operator = actor(Role::Operator, "/");
    let reopen = Step::Reopen { reason: text("又占用了") };
    for (days, fits) in [(29, true), (31, false)] {
        let mut desk = verifying();
        desk.does(&Step::Check { agrees: true, note: text("x") }, &actor(Role::GridManager, GRID));
        desk.does(&Step::Close { note: String::new() }, &dispatcher());
        desk.hours(24 * days);
        match desk.take(&reopen, &operator) {
            Ok(_) => assert!(fits && desk.dossier.state == State::Received { level: Level::County }),
            Err(refused) => {
                assert!(!fits && refused.text(Lang::En).contains("more than 30 days ago"), "{refused}");
            }
        }
    }
}

/// Cards are shown once each and lifted with a reason; only leaders show them.
#[test]
fn supervision_is_the_leaders() {
    let mut desk = in_progress();
    let show = Step::Supervise { card: Card::Yellow, reason: text("超期") };
    assert!(matches!(desk.take(&show, &dispatcher()), Err(Refused::Who { .. })));
    let leader = actor(Role::ShiftLeader, "/");
    desk.does(&show, &leader);
    assert_eq!(missing(desk.take(&show, &leader)), Missing::CardOpen);
    desk.does(&Step::LiftCard { card: Card::Yellow, reason: text("已整改") }, &leader);
    assert!(desk.dossier.cards.is_empty());
    desk.does(&Step::Remind { text: text("请尽快") }, &actor(Role::TownOfficer, TOWN));
    desk.does(&Step::Supervise { card: Card::Red, reason: text("超期五日") }, &Actor::hub());
}

/// Texts that must be there are asked for, and none is longer than people read.
#[test]
fn empty_and_endless_texts_are_refused() {
    let mut desk = in_progress();
    let lead = of_unit(Role::Handler, "city_management");
    assert_eq!(missing(desk.take(&Step::Progress { text: text("  ") }, &lead)), Missing::Text("text"));
    let endless = Step::Report { result: "长".repeat(2_001) };
    assert_eq!(missing(desk.take(&endless, &lead)), Missing::TooLong("result"));
}

/// Nobody decides on his own request, and people of a unit that handled a case neither look nor close, whatever other roles
/// they have.
#[test]
fn nobody_judges_his_own() {
    let both = Actor::user(
        "zhao",
        &[
            grant(Role::Handler, "/", Some("city_management")),
            grant(Role::ShiftLeader, "/", None),
            grant(Role::GridManager, GRID, None),
        ],
    );
    let mut desk = in_progress();
    desk.does(&Step::AskExtension { by: "1 working day".parse().unwrap(), reason: text("x") }, &both);
    let decide = Step::Decide { request: desk.request(), grant: true, reason: text("x") };
    assert_eq!(missing(desk.take(&decide, &both)), Missing::OwnRequest);
    desk.does(&decide, &actor(Role::ShiftLeader, "/"));
    let mut desk = verifying();
    assert_eq!(missing(desk.take(&Step::Check { agrees: true, note: text("x") }, &both)), Missing::OwnWork);
    desk.does(&Step::Check { agrees: true, note: text("x") }, &actor(Role::GridManager, GRID));
    assert_eq!(missing(desk.take(&Step::Close { note: String::new() }, &both)), Missing::OwnWork);
    desk.does(&Step::Close { note: String::new() }, &dispatcher());
}

/// A role in one unit does not act for another unit of the same person.
#[test]
fn a_head_speaks_for_his_own_unit() {
    let both = Actor::user(
        "qian",
        &[
            grant(Role::DepartmentHead, "/", Some("police")),
            grant(Role::Handler, "/", Some("city_management")),
        ],
    );
    let mut desk = in_progress();
    let taken = desk.does(&Step::Reassign { desk: text("孙"), reason: text("x") }, &both);
    assert_eq!(taken.detail["unit"], "police", "the lead comes first, and is not his to reassign");
}

/// What is filed is the county's: a grid's manager voids it no longer.
#[test]
fn what_is_filed_is_the_countys() {
    let mut desk = Desk::at(Level::Grid);
    desk.does(&file(), &actor(Role::Operator, "/"));
    let void = Step::Void { reason: VoidReason::NotOurs, note: text("x") };
    assert!(matches!(desk.take(&void, &actor(Role::GridManager, GRID)), Err(Refused::Who { .. })));
    desk.does(&void, &actor(Role::Operator, "/"));
}

/// A return that waits when the case is suspended lapses; a citizen who is not reached three times was called back; cards
/// end with the case; a unit of another area is sent nothing.
#[test]
fn ends_of_what_waits() {
    let mut desk = in_progress();
    let (lead, leader) = (of_unit(Role::DepartmentHead, "city_management"), actor(Role::ShiftLeader, "/"));
    desk.does(&Step::AskReturn { reason: text("x") }, &lead);
    let back = desk.request();
    desk.does(&Step::AskSuspension { until: START.plus_ms(99 * HOUR), reason: text("x") }, &lead);
    let rest = desk.dossier.requests.last().unwrap().id.clone();
    desk.does(&Step::Decide { request: rest, grant: true, reason: text("x") }, &leader);
    let decide = Step::Decide { request: back.clone(), grant: true, reason: text("x") };
    assert_eq!(missing(desk.take(&decide, &dispatcher())), Missing::Request(back));

    let mut desk = verifying();
    desk.dossier.facts.source = Source::Call;
    desk.dossier.facts.matter = text("enquiry");
    desk.does(&Step::Supervise { card: Card::Yellow, reason: text("x") }, &leader);
    let (close, operator) = (Step::Close { note: String::new() }, actor(Role::Operator, "/"));
    for _ in 0..3 {
        assert_eq!(missing(desk.take(&close, &dispatcher())), Missing::CallBack);
        desk.does(&Step::CallBack { reached: false, satisfaction: None, note: String::new() }, &operator);
    }
    desk.does(&close, &dispatcher());
    assert!(desk.dossier.cards.is_empty());

    let mut desk = Desk::at(Level::County);
    desk.units.iter_mut().find(|unit| unit.unit == "housing").unwrap().area = OTHER_TOWN.to_owned();
    desk.does(&file(), &operator);
    assert_eq!(missing(desk.take(&dispatch("housing", &[]), &dispatcher())), Missing::Unit(text("housing")));
}
