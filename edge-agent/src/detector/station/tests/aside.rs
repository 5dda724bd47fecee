//! Detectors of fire and smoke alone, that nobody waits for.

use super::*;

/// One for fire beside one for people is asked as seldom as it should be, and counts as looking all the time. When the
/// first fails, what burns is still seen, and motion stands in for people; when the second fails, the first goes on.
#[test]
fn fire_is_looked_for_aside() {
    let people_and_fire: Vec<Label> = NAMED.iter().chain(BURNS).copied().collect();
    let parts: [(&str, &[Label]); 2] = [("people 1", NAMED), ("fire 1", BURNS)];
    let ((people, people_hand), (fire, fire_hand)) =
        (scripted("people 1", 1), scripted_for("fire 1", BURNS, 1));
    let (clock, station) = start(vec![people, fire.every(1_000)]);
    let a = station.client("a".parse().unwrap());
    let mut told = Vec::new();
    for at_ms in (0..2_000).step_by(200) {
        let answer = a.submit(picture(10));
        assert_eq!(people_hand.sees(), [10]);
        if at_ms % 1_000 == 0 {
            assert_eq!(fire_hand.sees(), [10]);
            fire_hand.let_go();
            until_answered(&a, 1);
        }
        people_hand.let_go();
        told.push(answer.blocking_recv().unwrap());
        clock.advance_ms(200);
    }
    let by_both = Answer::Found(looked(&parts, &people_and_fire));
    let by_one = Answer::Found(looked(&parts[..1], &people_and_fire));
    let count = |answer: &Answer| told.iter().filter(|told| *told == answer).count();
    assert_eq!((count(&by_both), count(&by_one)), (2, 8), "{told:?}");

    let bad = a.submit(picture(10));
    assert_eq!((people_hand.sees(), fire_hand.sees()), (vec![10], vec![10]));
    people_hand.break_down();
    assert_eq!(bad.blocking_recv(), Ok(Answer::NotDue { names: BURNS.to_vec() }));
    fire_hand.let_go();
    until_answered(&a, 1);
    let next = a.submit(picture(10)).blocking_recv().unwrap();
    let by_fire = Answer::Partly(without(NAMED, looked(&parts[1..], BURNS)));
    assert_eq!(next, by_fire, "what came late is told with the next");
    clock.advance_ms(200);
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::NotDue { names: BURNS.to_vec() }));
    clock.advance_ms(800);
    let last = a.submit(picture(10));
    assert_eq!(fire_hand.sees(), [10]);
    fire_hand.break_down();
    last.blocking_recv().unwrap();
    until_failing(&station, 2);
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
}

/// A detector of fire that takes long or hangs keeps nobody waiting who looks for people, is not shown frame upon frame,
/// and what it says in the end is told with a later frame. One that hangs no longer counts as looking.
#[test]
fn a_slow_detector_aside_is_not_waited_for() {
    let people_and_fire: Vec<Label> = NAMED.iter().chain(BURNS).copied().collect();
    let parts: [(&str, &[Label]); 2] = [("people 1", NAMED), ("fire 1", BURNS)];
    let ((people, people_hand), (fire, fire_hand)) =
        (scripted("people 1", 1), scripted_for("fire 1", BURNS, 1));
    let (clock, station) = start(vec![people, fire]);
    let a = station.client("a".parse().unwrap());
    let by_people = Answer::Found(looked(&parts[..1], &people_and_fire));
    let frame = || {
        let answer = a.submit(picture(10));
        assert_eq!(people_hand.sees(), [10]);
        people_hand.let_go();
        clock.advance_ms(200);
        answer.blocking_recv().unwrap()
    };
    for _ in 0..3 {
        assert_eq!(frame(), by_people);
    }
    assert_eq!(fire_hand.sees(), [10]);
    assert!(fire_hand.shown.try_recv().is_err(), "it is shown one frame at a time");
    fire_hand.let_go();
    until_answered(&a, 1);
    assert_eq!(frame(), Answer::Found(looked(&parts, &people_and_fire)));
    assert_eq!(fire_hand.sees(), [10]);

    // It hangs from here on.
    clock.advance_ms(HANGS_MS as i64 + 1);
    until_failing(&station, 1);
    let without_fire = without(BURNS, looked(&parts[..1], NAMED));
    assert_eq!(frame(), Answer::Found(without_fire), "nobody looks for fire");
    assert_eq!((a.skipped(), station.at_work().len()), (0, 1));
}

/// What was said of a frame of long ago is no news of this one.
#[test]
fn late_words_grow_old() {
    let ((people, people_hand), (fire, fire_hand)) =
        (scripted("people 1", 1), scripted_for("fire 1", BURNS, 1));
    let (clock, station) = start(vec![people, fire.every(60_000)]);
    let a = station.client("a".parse().unwrap());
    let first = a.submit(picture(10));
    assert_eq!((people_hand.sees(), fire_hand.sees()), (vec![10], vec![10]));
    people_hand.let_go();
    first.blocking_recv().unwrap();
    fire_hand.let_go();
    until_answered(&a, 1);
    clock.advance_ms(5_000);
    let next = a.submit(picture(10));
    people_hand.let_go();
    let Answer::Found(next) = next.blocking_recv().unwrap() else { panic!("people were looked for") };
    assert_eq!(&*next.by, "people 1");
}

/// One of fire alone leaves people to motion; whether it was its turn or not, it counts as looking for fire.
#[test]
fn fire_alone_is_due_now_and_then() {
    let (fire, fire_hand) = scripted_for("fire 1", BURNS, 1);
    let (clock, station) = start(vec![fire.every(1_000)]);
    let a = station.client("a".parse().unwrap());
    for at_ms in (0..2_000).step_by(200) {
        let answer = a.submit(picture(10));
        if at_ms % 1_000 == 0 {
            assert_eq!(fire_hand.sees(), [10]);
            fire_hand.let_go();
            assert_eq!(answer.blocking_recv(), Ok(Answer::Partly(looked(&[("fire 1", BURNS)], BURNS))));
        } else {
            assert_eq!(answer.blocking_recv(), Ok(Answer::NotDue { names: BURNS.to_vec() }));
        }
        clock.advance_ms(200);
    }
    assert_eq!((a.detected(), a.skipped()), (2, 0));
}
