//! Whose frame is looked at, and when.

use super::*;

/// While one frame is looked at, each camera waits with its newest frame, served in the order of waiting.
#[test]
fn cameras_are_served_in_turn_with_their_newest_frame() {
    let Bench { clock, station, hand } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let first = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    let old = a.submit(picture(12));
    clock.advance_ms(1);
    let other = b.submit(picture(20));
    let newer = a.submit(picture(14));
    assert_eq!(old.blocking_recv(), Ok(Answer::Busy));
    (0..3).for_each(|_| hand.let_go());
    for answer in [first, other, newer] {
        assert_eq!(answer.blocking_recv(), Ok(found("scripted 1")));
    }
    let mut then = [hand.sees(), hand.sees()].concat();
    then.sort_unstable();
    assert_eq!(then, [14, 20]);
    assert_eq!((a.skipped(), b.skipped()), (1, 0));
    assert_eq!((a.detected(), b.detected()), (2, 1));
    let stats = station.stats();
    assert_eq!((stats.detected, stats.skipped, stats.failed), (3, 1, 0));
}

/// Three looks a second for a camera of ten frames a second and one of a single frame: the slow one gets what it
/// wants, the fast one the rest, and what was skipped is counted.
#[test]
fn a_fast_camera_does_not_starve_a_slow_one() {
    let Bench { clock, station, hand } = bench(1);
    let fast = station.client("fast".parse().unwrap()).at_fps(10.0);
    let slow = station.client("slow".parse().unwrap()).at_fps(1.0);
    let mut waiting = vec![fast.submit(picture(10))];
    let mut looks = [0, 0];
    let mut busy_until = 0;
    for now in (0..30_000).step_by(100) {
        if now > 0 {
            waiting.push(fast.submit(picture(10)));
            if now % 1_000 == 500 {
                waiting.push(slow.submit(picture(20)));
            }
        }
        if now >= busy_until {
            let seen = hand.sees();
            looks[usize::from(seen == [20])] += 1;
            hand.let_go();
            busy_until = now + 333;
            // The answer is there before time goes on.
            let counted = |c: &DetectorClient| c.detected();
            let total = looks[0] + looks[1];
            while counted(&fast) + counted(&slow) < total {
                std::thread::yield_now();
            }
        }
        clock.advance_ms(100);
    }
    // A frame that is replaced by the next waits in the same place, so nothing but time decides.
    assert!(looks[1] >= 27, "{looks:?}");
    assert!(looks[0] >= 40, "{looks:?}");
    assert!(fast.skipped() > 150 && slow.skipped() <= 3, "{} {}", fast.skipped(), slow.skipped());
    hand.let_go();
}

/// What waits is looked at together, as many as the detector takes at once, and each camera gets its own answer.
#[test]
fn waiting_frames_go_in_batches() {
    let Bench { station, hand, .. } = bench(3);
    let cameras: Vec<_> = (0..6).map(|n| station.client(format!("c{n}").parse().unwrap())).collect();
    let mut answers = vec![cameras[0].submit(picture(10))];
    assert_eq!(hand.sees(), [10]);
    answers.extend(cameras[1..].iter().map(|camera| camera.submit(picture(20))));
    (0..3).for_each(|_| hand.let_go());
    assert_eq!((hand.sees().len(), hand.sees().len()), (3, 2));
    for answer in answers {
        assert_eq!(answer.blocking_recv(), Ok(found("scripted 1")));
    }
    assert_eq!(station.stats().detected, 6);
}

/// A frame whose turn comes too late is skipped and counted.
#[test]
fn stale_frames_are_skipped() {
    let Bench { clock, station, hand } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let _first = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    let late = b.submit(picture(20));
    clock.advance_ms(MAX_WAIT_MS as i64 + 1);
    hand.let_go();
    // Whether the first look counts as hung by then is a matter of who comes first.
    assert!([Answer::Busy, Answer::Missing].contains(&late.blocking_recv().unwrap()));
    drop(station);
    assert!(hand.shown.try_recv().is_err(), "nobody looked at it");
}
