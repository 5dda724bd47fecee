//! What is due when: the limits of the policy, from the moment the domain names, through pauses and extensions.

use super::*;

fn local(at: UtcMs) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap()).strftime("%m-%d %H:%M").to_string()
}

fn due(desk: &Desk, kind: ClockKind, task: i64) -> String {
    desk.clock(kind, task).due_at.map_or("never".to_owned(), local)
}

/// Handling runs from the dispatch, not from the acceptance, for lead and co-handlers alike.
#[test]
fn handling_runs_from_the_dispatch() {
    let mut desk = Desk::at(Level::County);
    assert_eq!(due(&desk, ClockKind::Triage, 0), "03-18 11:00");
    desk.does(&file(), &actor(Role::Operator, "/"));
    assert_eq!(due(&desk, ClockKind::Dispatch, 0), "03-18 11:00");
    let taken = desk.does(&dispatch("city_management", &["police"]), &dispatcher());
    let begun = taken.detail["ledger"]["clocks"].as_array().unwrap().iter();
    let begun: Vec<_> = begun.filter(|clock| clock.get("stopped_at").is_none()).collect();
    assert_eq!(begun.len(), 4, "{}", taken.detail);
    assert!(begun.iter().all(|clock| clock["policy"] == 1), "the history says by which standard: {begun:?}");
    for task in [1, 2] {
        assert_eq!(due(&desk, ClockKind::Accept, task), "03-18 11:00");
        assert_eq!(due(&desk, ClockKind::Handle, task), "03-27 18:00");
    }
    desk.hours(30);
    desk.does(&Step::Accept {}, &of_unit(Role::Handler, "city_management"));
    assert!(desk.clock(ClockKind::Accept, 1).is_late(desk.now));
    assert_eq!(due(&desk, ClockKind::Handle, 1), "03-27 18:00", "accepting late gains nothing");
    assert_eq!(desk.dossier.next_due().unwrap().kind, ClockKind::Accept, "the police have not accepted");
}

/// Suspended cases stand still, for all units; what was left is left.
#[test]
fn suspension_stands_still() {
    let mut desk = in_progress();
    let lead = of_unit(Role::DepartmentHead, "city_management");
    let until = |days: i64| desk_time(days);
    let past = Step::AskSuspension { until: START, reason: text("等招标") };
    assert!(matches!(desk.take(&past, &lead), Err(Refused::Missing { what: Missing::Until, .. })));
    desk.does(&Step::AskSuspension { until: until(60), reason: text("等招标") }, &lead);
    let decide = |desk: &Desk, grant| Step::Decide { request: desk.request(), grant, reason: text("可") };
    let leader = actor(Role::ShiftLeader, "/");
    // Thursday 10:00: it does not count, and neither does Friday.
    desk.hours(24);
    desk.does(&decide(&desk, true), &leader);
    assert!(matches!(desk.dossier.state, State::Suspended(..)));
    assert_eq!(
        (due(&desk, ClockKind::Handle, 1), due(&desk, ClockKind::Handle, 2)),
        ("never".into(), "never".into())
    );
    desk.hours(24 * 4);
    desk.does(&Step::AskResumption { reason: text("已中标") }, &lead);
    desk.does(&decide(&desk, true), &dispatcher());
    // Monday 10:00: seven working days are Monday to Friday, Monday and Tuesday.
    assert_eq!(due(&desk, ClockKind::Handle, 1), "03-31 18:00");
    assert_eq!(due(&desk, ClockKind::Handle, 2), "03-31 18:00");
    assert!(matches!(desk.dossier.state, State::InProgress(..)));
}

fn desk_time(days: i64) -> UtcMs {
    START.plus_ms(days * 24 * HOUR)
}

/// The first extension is the shift leader's, the second needs the unit's head first; each begins where the time before
/// ends.
#[test]
fn extensions_by_the_rules() {
    let mut desk = in_progress();
    let (handler, head) =
        (of_unit(Role::Handler, "city_management"), of_unit(Role::DepartmentHead, "city_management"));
    let ask = Step::AskExtension { by: "3 working days".parse().unwrap(), reason: text("下雨") };
    let leader = actor(Role::ShiftLeader, "/");
    desk.does(&ask, &handler);
    desk.does(&Step::Decide { request: desk.request(), grant: true, reason: text("可") }, &leader);
    assert_eq!(due(&desk, ClockKind::Handle, 1), "04-01 18:00");
    assert_eq!(due(&desk, ClockKind::Handle, 2), "03-27 18:00", "only who asked has more time");
    desk.does(&ask, &handler);
    let second = Step::Decide { request: desk.request(), grant: true, reason: text("可") };
    let refused = desk.take(&second, &leader);
    assert!(matches!(refused, Err(Refused::Missing { what: Missing::Endorsement, .. })));
    let endorse = Step::Endorse { request: desk.request(), note: String::new() };
    assert!(matches!(
        desk.take(&endorse, &of_unit(Role::DepartmentHead, "police")),
        Err(Refused::Missing { .. })
    ));
    desk.does(&endorse, &head);
    desk.does(&second, &leader);
    // 4 to 6 April are the Qingming holidays.
    assert_eq!(due(&desk, ClockKind::Handle, 1), "04-07 18:00");
    desk.does(&ask, &handler);
    desk.does(&Step::Decide { request: desk.request(), grant: false, reason: text("不再延") }, &leader);
    assert_eq!(due(&desk, ClockKind::Handle, 1), "04-07 18:00");
}

/// Sent back, the lead goes on with what was left of its time: the verification was not its own.
#[test]
fn rework_goes_on_with_what_was_left() {
    let mut desk = in_progress();
    desk.hours(24 * 2);
    desk.does(&Step::FinishPart { result: text("x") }, &of_unit(Role::Handler, "police"));
    // Friday 10:00; Friday, Monday and Tuesday end while it is verified.
    desk.does(&Step::Report { result: text("x") }, &of_unit(Role::Handler, "city_management"));
    assert!(!desk.clock(ClockKind::Handle, 1).is_late(desk_time(300)), "stopped in time stays in time");
    desk.hours(24 * 5);
    desk.does(&Step::Rework { reason: text("仍有占用") }, &actor(Role::Informant, GRID));
    assert_eq!(due(&desk, ClockKind::Handle, 1), "04-01 18:00");
    assert!(!desk.clock(ClockKind::Verify, 0).counts, "the verification begins anew");
    desk.does(&Step::Report { result: text("x") }, &of_unit(Role::Handler, "city_management"));
    assert_eq!(desk.clock(ClockKind::Verify, 0).nth, 2);
}

/// What was dispatched wrongly is held against nobody.
#[test]
fn a_wrong_dispatch_counts_for_nobody() {
    let mut desk = Desk::at(Level::County);
    desk.does(&file(), &actor(Role::Operator, "/"));
    desk.does(&dispatch("housing", &[]), &dispatcher());
    desk.hours(100);
    desk.does(&Step::Withdraw { reason: text("派错") }, &dispatcher());
    assert!(!desk.clock(ClockKind::Handle, 1).counts && !desk.clock(ClockKind::Accept, 1).counts);
    assert!(
        desk.clock(ClockKind::Dispatch, 0).nth == 2
            && desk.clock(ClockKind::Dispatch, 0).stopped_at.is_none()
    );
}

/// A machine's clock that is set back ends nothing before it began.
#[test]
fn clocks_that_go_back() {
    let mut desk = Desk::at(Level::County);
    desk.hours(-5);
    desk.does(&file(), &actor(Role::Operator, "/"));
    let clock = desk.clock(ClockKind::Triage, 0);
    assert_eq!(clock.stopped_at, Some(clock.started_at));
}

/// The deadline of the platform above: of it and the own limit the earlier counts, also for clocks that begin later; more
/// time does not move it; a later one gives the own limit back.
#[test]
fn the_platforms_deadline_holds() {
    let mut desk = Desk::at(Level::County);
    let policy = policy();
    let own = desk.clock(ClockKind::Triage, 0).due_at;
    let deadline = START.plus_ms(6 * HOUR);
    desk.dossier.ask_by(Some(deadline), &policy, START);
    assert_eq!(desk.clock(ClockKind::Triage, 0).due_at, own, "an earlier limit stays");
    desk.does(&file(), &actor(Role::Operator, "/"));
    desk.does(&dispatch("city_management", &[]), &dispatcher());
    let unit = of_unit(Role::Handler, "city_management");
    desk.does(&Step::Accept {}, &unit);
    assert_eq!(desk.clock(ClockKind::Handle, 1).due_at, Some(deadline));
    desk.does(&Step::AskExtension { by: "2 working days".parse().unwrap(), reason: text("x") }, &unit);
    let decide = Step::Decide { request: desk.request(), grant: true, reason: text("x") };
    desk.does(&decide, &actor(Role::ShiftLeader, "/"));
    assert_eq!(desk.clock(ClockKind::Handle, 1).due_at, Some(deadline), "nobody here moves it");
    desk.dossier.ask_by(None, &policy, desk.now);
    let free = desk.clock(ClockKind::Handle, 1).due_at.unwrap();
    assert!(free.0 > START.plus_ms(7 * 24 * HOUR).0, "seven working days and two more");
    // One that was over before anything began: what begins then is due at once.
    desk.dossier.ask_by(Some(START.plus_ms(-HOUR)), &policy, desk.now);
    assert_eq!(desk.clock(ClockKind::Handle, 1).due_at, Some(START));
}
