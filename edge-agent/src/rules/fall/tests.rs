//! Somebody before one camera, as the rule sees him, five times a second.

use protocol::Phase;

use super::place::BENDS_MS;
use super::*;
use crate::detector::Stance;
use crate::frame::Detection;
use crate::observation::{Observation, Posed};
use crate::rules::{Geometry, RuleTable, Rules};

const FRAME_MS: i64 = 200;
const FEET: f32 = 0.63;
const UPRIGHT: NormBox = NormBox { x: 0.45, y: FEET - 0.18, w: 0.04, h: 0.18 };

/// What a frame holds: who is followed, and of whom else the detector is in doubt.
type Frame = (Vec<Track>, Vec<NormBox>);

/// When incidents opened and ended, in frames up to 12 s. The pose model, where there is one, says that a body lies there.
fn events(pose: bool, frame: impl Fn(i64) -> Frame) -> Vec<(Phase, i64)> {
    let table = toml::from_str::<RuleTable>("id = \"r1\"\nkind = \"fall\"\ndwell_s = 3").unwrap();
    let mut rules = Rules::new(&[table.compile(&Geometry::default(), None, Label::ALL).unwrap()]);
    let step = |at: i64| {
        let (tracks, unsure) = frame(at);
        let unsure = unsure.into_iter().map(|region| Detection { label: Label::Person, score: 0.3, region });
        let seen = Seen::Objects { by: "test 1".into(), detections: unsure.collect() };
        let stance = Stance { lean: 85.0, score: 0.5 };
        let posed = rules.in_doubt().filter(|_| pose).map(|region| Posed { region, stance });
        let seen = Observation { posed, ..Observation::of(UtcMs(at), seen) };
        rules.step(&Moment { tracks: &tracks, seen: &seen, by: &"test 1".into() })
    };
    let events = (0..12_000).step_by(FRAME_MS as usize).flat_map(step);
    events.filter(|e| e.phase != Phase::Updated).map(|e| (e.phase, e.at.0)).collect()
}

fn told(pose: bool, frame: impl Fn(i64) -> Frame) -> Option<i64> {
    events(pose, frame).first().map(|(_, at)| *at)
}

/// Followed since `since`.
fn seen(id: u64, since: i64, at: i64, region: NormBox) -> Track {
    Track { id, first_seen: UtcMs(since), ..Track::of_test(UtcMs(at), region) }
}

/// He stands there for three seconds, and is then lost from sight.
fn stood(at: i64) -> Vec<Track> {
    if at < 3_000 { vec![seen(1, 0, at, UPRIGHT)] } else { Vec::new() }
}

#[test]
fn who_is_lost_and_lies_there_is_told_of() {
    assert!(told(true, |at| (stood(at), Vec::new())).is_some_and(|at| at <= 8_000));
}

/// The first box of his new number took in more than him: the next ones tell that it is he who walks on.
#[test]
fn who_walks_on_under_a_new_number_has_not_fallen() {
    let walks_on = |at: i64| {
        let x = UPRIGHT.x - 0.06 * (at - 3_000) as f32 / 1_000.0;
        let region = NormBox { x, ..UPRIGHT };
        let long = NormBox { y: FEET - 0.25, h: 0.25, ..region };
        let region = if at < 3_200 { long } else { region };
        (if at < 3_000 { stood(at) } else { vec![seen(2, 3_000, at, region)] }, Vec::new())
    };
    assert_eq!(told(true, walks_on), None);
}

/// He walks on, seen too unsurely to be followed.
#[test]
fn who_walks_on_hardly_seen_has_not_fallen() {
    let walks = |at: i64| {
        let x = UPRIGHT.x - 0.06 * (at - 3_000) as f32 / 1_000.0;
        let on = (at >= 3_600).then_some(NormBox { x, ..UPRIGHT });
        (stood(at), on.into_iter().collect())
    };
    assert_eq!(told(true, walks), None);
}

/// Unsure sights of one who is not followed are of him, who stands there all the same; those of a helper are not.
#[test]
fn glimpses_of_a_helper_do_not_speak_for_who_lies_there() {
    let beside = NormBox { x: UPRIGHT.x + 0.03, ..UPRIGHT };
    let there = |at: i64| if at >= 5_600 { vec![beside] } else { Vec::new() };
    assert_eq!(told(true, |at| (stood(at), there(at))), None);
    let helper = |at: i64| {
        let mut tracks = stood(at);
        tracks.extend(there(at).into_iter().map(|region| seen(2, 5_600, at, region)));
        (tracks, there(at))
    };
    assert!(told(true, helper).is_some());
}

/// Head and trunk were followed by a number of their own; when he bends, that number alone goes on, and comes up again.
#[test]
fn one_person_of_two_numbers_is_one() {
    let bends = NormBox { y: FEET - 0.11, h: 0.11, ..UPRIGHT };
    let trunk = NormBox { h: 0.09, ..UPRIGHT };
    let two = |at: i64| {
        let tracks = match at {
            ..3_000 => vec![seen(1, 0, at, UPRIGHT), seen(2, 0, at, trunk)],
            3_000..4_000 => vec![seen(1, 0, at, bends)],
            4_000..5_800 => vec![seen(2, 0, at, bends)],
            _ => vec![seen(2, 0, at, UPRIGHT)],
        };
        (tracks, Vec::new())
    };
    assert_eq!(told(true, two), None);
}

/// Somebody who stands beside him when he falls, followed only since then, is another, though he who lies is lost from
/// sight for a look.
#[test]
fn who_stands_beside_him_is_not_taken_for_him() {
    let lies = NormBox { x: 0.4, y: FEET - 0.06, w: 0.1, h: 0.06 };
    let beside = NormBox { x: UPRIGHT.x + 0.1, ..UPRIGHT };
    let falls = |at: i64| {
        let mut tracks = vec![seen(1, 0, at, if at < 3_000 { UPRIGHT } else { lies })];
        if at >= 3_200 {
            tracks.push(seen(2, 3_200, at, beside));
        }
        tracks[0].visible = at != 3_400;
        (tracks, Vec::new())
    };
    assert_eq!(told(false, falls), Some(6_000));
}

/// One look gives him a double, and the next a box between the two: he who lies there is who he was.
#[test]
fn a_double_takes_nobodys_place() {
    let lies = NormBox { x: 0.4, y: FEET - 0.07, w: 0.12, h: 0.07 };
    let between = NormBox { x: 0.4275, ..lies };
    let doubled = |at: i64| {
        let mut tracks = vec![match at {
            ..3_000 => seen(1, 0, at, UPRIGHT),
            3_000..4_200 => seen(1, 0, at, lies),
            _ => seen(1, 0, at, between),
        }];
        if at == 4_000 {
            tracks.push(seen(2, at, at, NormBox { x: 0.455, ..lies }));
        }
        (tracks, Vec::new())
    };
    assert_eq!(told(false, doubled), Some(6_000));
}

/// Once told of, he lies there though later boxes are less flat.
#[test]
fn one_fall_is_told_of_once() {
    let lies = |h: f32| NormBox { x: 0.43, y: FEET - h, w: 0.09, h };
    let falls = |at: i64| {
        let region = match at {
            ..3_000 => UPRIGHT,
            3_000..5_200 => lies(0.085),
            _ => lies(0.095),
        };
        (vec![seen(1, 0, at, region)], Vec::new())
    };
    assert_eq!(events(false, falls), [(Phase::Opened, 6_000)]);
}

/// By the shape of his track: flat, and not only now and then, as who squats is as long. Who bends is not as flat.
#[test]
fn who_bends_or_squats_is_not_as_flat_as_who_lies() {
    let lies = NormBox { x: 0.43, y: FEET - 0.085, w: 0.09, h: 0.085 };
    let bends = NormBox { x: 0.435, y: FEET - 0.105, w: 0.066, h: 0.105 };
    let squats = NormBox { x: 0.455, y: FEET - 0.1, w: 0.045, h: 0.1 };
    let down = |low: NormBox, every: i64| {
        told(false, move |at| {
            let region = match (at / FRAME_MS) % every {
                _ if at < 3_000 => UPRIGHT,
                0 => low,
                _ => squats,
            };
            (vec![seen(1, 0, at, region)], Vec::new())
        })
    };
    assert_eq!(down(lies, 1), Some(6_000));
    assert_eq!(down(bends, 1), Some(6_000 + BENDS_MS));
    assert_eq!(down(lies, 5), None);
}
