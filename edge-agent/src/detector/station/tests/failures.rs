//! A detector that fails, hangs or was never there, and what the others do then.

use super::*;

/// A detector that panics is one that fails: whoever waits is answered, and the station lives on.
#[test]
fn a_panic_is_a_failure() {
    let Bench { station, hand, .. } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let bad = a.submit(picture(6));
    assert_eq!(hand.sees(), [6]);
    let waiting = b.submit(picture(20));
    hand.let_go();
    assert_eq!((bad.blocking_recv(), waiting.blocking_recv()), (Ok(Answer::Missing), Ok(Answer::Missing)));
    assert!(matches!(station.health(), DetectorHealth::MotionOnly { .. }));
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
    assert_eq!(station.stats().failed, 1);
}

/// A failing detector answers everybody who waits, says why in its health, and later frames at once.
#[test]
fn failure_turns_to_motion_only() {
    let Bench { station, hand, .. } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let health = DetectorHealth::Model { name: "scripted 1".to_owned(), troubles: Vec::new() };
    assert_eq!(station.health(), health);
    let bad = a.submit(picture(8));
    assert_eq!(hand.sees(), [8]);
    let waiting = b.submit(picture(20));
    hand.let_go();
    assert_eq!(bad.blocking_recv(), Ok(Answer::Missing));
    assert_eq!(waiting.blocking_recv(), Ok(Answer::Missing));
    let DetectorHealth::MotionOnly { reason } = station.health() else { panic!("still trusted") };
    assert!(reason.contains("width 8"), "{reason}");
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
    assert_eq!(station.stats().failed, 1);
}

/// A look that does not end lets everybody go within three seconds and is told in health; when it ends after all, the
/// detector is trusted again.
#[test]
fn a_hanging_look_is_left_alone() {
    let Bench { clock, station, hand } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let hung = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    let waiting = b.submit(picture(20));
    clock.advance_ms(HANGS_MS as i64 + 1);
    // Health looks once a second.
    assert!(HANGS_MS + WATCH.as_millis() as u64 + 1_000 < 3_000);
    assert_eq!((hung.blocking_recv(), waiting.blocking_recv()), (Ok(Answer::Missing), Ok(Answer::Missing)));
    let DetectorHealth::MotionOnly { reason } = station.health() else { panic!("still trusted") };
    assert!(reason.contains("scripted 1") && reason.contains("1500 ms"), "{reason}");
    assert_eq!(a.submit(picture(12)).blocking_recv(), Ok(Answer::Missing));
    assert_eq!(station.failing().len(), 1);

    hand.let_go();
    let real = protocol::SystemClock::new();
    while !station.failing().is_empty() {
        assert!(real.uptime_ms() < 20_000, "never trusted again");
        std::thread::yield_now();
    }
    let again = a.submit(picture(14));
    assert_eq!(hand.sees(), [14]);
    hand.let_go();
    assert_eq!(again.blocking_recv(), Ok(found("scripted 1")));
    assert_eq!(station.stats().failed, 1);
}

/// Two detectors side by side: both look at each frame; when one fails, the other goes on, and motion stands in for
/// the one that named what moves.
#[test]
fn one_of_two_may_fail() {
    const VEHICLES: &[Label] = &[Label::Car];
    let ((people, people_hand), (vehicles, vehicles_hand)) =
        (scripted("people 1", 1), scripted_for("vehicles 2", VEHICLES, 1));
    let (_clock, station) = start(vec![people, vehicles]);
    let a = station.client("a".parse().unwrap());
    let both = a.submit(picture(10));
    assert_eq!((people_hand.sees(), vehicles_hand.sees()), (vec![10], vec![10]));
    people_hand.let_go();
    vehicles_hand.let_go();
    let parts: [(&str, &[Label]); 2] = [("people 1", NAMED), ("vehicles 2", VEHICLES)];
    assert_eq!(both.blocking_recv(), Ok(Answer::Found(looked(&parts, NAMED))));

    let bad = a.submit(picture(10));
    assert_eq!((people_hand.sees(), vehicles_hand.sees()), (vec![10], vec![10]));
    people_hand.break_down();
    vehicles_hand.let_go();
    let partly = Answer::Partly(without(NAMED, looked(&parts[1..], VEHICLES)));
    assert_eq!(bad.blocking_recv(), Ok(partly.clone()));
    vehicles_hand.let_go();
    assert_eq!(a.submit(picture(12)).blocking_recv(), Ok(partly), "and so in the next frame");
    assert_eq!((station.failing().len(), station.at_work().len()), (1, 1));
}

/// A detector that was never there is told in health beside the one that works.
#[test]
fn health_names_who_looks_and_who_does_not() {
    let (people, hand) = scripted("people 1", 1);
    let missing = Post::new(Box::new(|| {
        Err(DetectError::Contract { model: "fire 1".to_owned(), problem: "no weights".to_owned() })
    }));
    let (_clock, station) = start(vec![people, missing]);
    let DetectorHealth::Model { name, troubles } = station.health() else { panic!("one works") };
    assert_eq!(name, "people 1");
    assert!(troubles.len() == 1 && troubles[0].contains("no weights"), "{troubles:?}");
    let a = station.client("a".parse().unwrap());
    let answer = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    hand.let_go();
    let anything: Vec<Label> = crate::detector::anything().collect();
    assert_eq!(
        answer.blocking_recv(),
        Ok(Answer::Found(without(&anything, looked(&[("people 1", NAMED)], NAMED)))),
        "motion does not stand in for what nobody knows"
    );
}

/// A model of which nothing was known when the box started is what it turns out to be once it is loaded.
#[test]
fn what_a_model_names_is_known_when_it_is_loaded() {
    let (people, people_hand) = scripted("people 1", 1);
    let (fire, fire_hand) = scripted_for("fire 1", BURNS, 1);
    let (_clock, station) = start(vec![people, fire]);
    let a = station.client("a".parse().unwrap());
    let answer = a.submit(picture(10));
    assert_eq!((people_hand.sees(), fire_hand.sees()), (vec![10], vec![10]));
    // It fails, and is still known to be nobody whom motion could stand in for.
    fire_hand.break_down();
    until_failing(&station, 1);
    people_hand.let_go();
    let without_fire = without(BURNS, looked(&[("people 1", NAMED)], NAMED));
    assert_eq!(answer.blocking_recv(), Ok(Answer::Found(without_fire)));
}
