//! What the background tells of, beside people who walk, stand and help, through the rule.

use protocol::Phase;

use super::*;
use crate::observation::{Observation, Seen};
use crate::rules::{Geometry, RuleTable, Rules};
use crate::signs::Sign;

const FRAME_MS: i64 = 200;
/// As high as people are where they walk in these scenes.
const PERSON: f32 = 0.3;
const GROUND: f32 = 0.8;

fn track(id: u64, label: Label, at: i64, region: NormBox) -> Track {
    Track { id, label, ..Track::of_test(UtcMs(at), region) }
}

fn person(x: f32, at: i64) -> Track {
    track(1 + (at / 20_000) as u64, Label::Person, at, NormBox { x, y: GROUND - PERSON, w: 0.08, h: PERSON })
}

/// Somebody crosses the picture every eight seconds, until this time.
fn walkers(at: i64, until: i64) -> Vec<Track> {
    let x = 0.02 + 0.9 * (at % 8_000) as f32 / 8_000.0;
    if at < until { vec![person(x, at)] } else { Vec::new() }
}

/// What a frame holds: tracks, what lies and what stands upright.
type Frame = (Vec<Track>, Vec<NormBox>, Vec<NormBox>);

/// When incidents opened and ended in frames of five a second; a thing counts after ten seconds.
fn told(seconds: i64, frame: impl Fn(i64) -> Frame) -> Vec<(Phase, i64)> {
    let table =
        toml::from_str::<RuleTable>("id = \"r1\"\nkind = \"abandoned_object\"\ndwell_s = 10").unwrap();
    let mut rules = Rules::new(&[table.compile(&Geometry::default(), None, Label::ALL).unwrap()]);
    let mut events = Vec::new();
    for at in (0..seconds * 1_000).step_by(FRAME_MS as usize) {
        let (tracks, left, standing) = frame(at);
        let mut seen =
            Observation::of(UtcMs(at), Seen::Objects { by: "test 1".into(), detections: Vec::new() });
        let signs =
            |regions: Vec<NormBox>| regions.into_iter().map(|region| Sign { region, score: 0.8 }).collect();
        (seen.signs.left, seen.signs.standing) = (signs(left), signs(standing));
        events.extend(rules.step(&Moment { tracks: &tracks, seen: &seen, by: &"test 1".into() }));
    }
    events.iter().filter(|e| e.phase != Phase::Updated).map(|e| (e.phase, e.at.0)).collect()
}

/// Something upright, so many times as high as people are.
fn upright(of_a_person: f32) -> NormBox {
    let h = of_a_person * PERSON;
    NormBox { x: 0.6, y: GROUND - h, w: 0.06, h }
}

/// A suitcase where people have walked is told of; who stands there unseen by the detector, or a child, is not.
#[test]
fn upright_things_are_known_by_their_height() {
    let scene = |of_a_person: f32| {
        told(60, |at| {
            let thing = (at >= 20_000).then(|| upright(of_a_person));
            (walkers(at, 16_000), Vec::new(), thing.into_iter().collect())
        })
    };
    let suitcase = scene(0.5);
    assert!(matches!(suitcase[..], [(Phase::Opened, 30_000..=31_000)]), "{suitcase:?}");
    assert_eq!(scene(0.75), [], "a child");
    assert_eq!(scene(1.0), [], "somebody");
    let nobody_walked =
        told(60, |at| (Vec::new(), Vec::new(), if at >= 20_000 { vec![upright(0.5)] } else { Vec::new() }));
    assert_eq!(nobody_walked, []);
}

/// What was taken for a thing stays that one, though shorter people walk by since; told of once, until it is fetched.
#[test]
fn a_suitcase_is_one_whoever_walks_by_later() {
    let events = told(240, |at| {
        let mut walkers = walkers(at, if at < 20_000 { 16_000 } else { 200_000 });
        for track in walkers.iter_mut().filter(|_| at >= 40_000) {
            track.region.h = 0.6 * PERSON;
            track.region.y = GROUND - 0.04 - track.region.h;
        }
        let here = (20_000..220_000).contains(&at);
        // After a minute it is told of beside what lies.
        let (left, standing) = if at < 80_000 { (0, usize::from(here)) } else { (usize::from(here), 0) };
        (walkers, vec![upright(0.55); left], vec![upright(0.55); standing])
    });
    let phases: Vec<Phase> = events.iter().map(|e| e.0).collect();
    assert_eq!(phases, [Phase::Opened, Phase::Ended], "{events:?}");
}

/// A patch on somebody's coat is him; a bag at his feet, when he has gone, is not.
#[test]
fn what_is_on_somebody_is_him() {
    let coat = NormBox { x: 0.52, y: 0.62, w: 0.03, h: 0.03 };
    assert_eq!(told(60, |at| (vec![person(0.5, at)], vec![coat], Vec::new())), []);
    let bag = NormBox { x: 0.52, y: GROUND - 0.05, w: 0.04, h: 0.05 };
    let events = told(60, |at| {
        let owner = if at < 10_000 { vec![person(0.5, at)] } else { Vec::new() };
        (owner, vec![bag], Vec::new())
    });
    assert!(matches!(events[..], [(Phase::Opened, 20_000..=23_000)]), "{events:?}");
}

/// A region that holds a parked vehicle is that vehicle and its shadow, also when the detector has lost it.
#[test]
fn a_region_that_holds_a_vehicle_is_that_vehicle() {
    let region = NormBox { x: 0.3, y: 0.55, w: 0.2, h: 0.2 };
    let scene = |car: bool| {
        told(120, |at| {
            let parked =
                Track { still_since: UtcMs(0), ..track(99, Label::Car, at, NormBox { h: 0.13, ..region }) };
            let in_sight = car && (4_000..60_000).contains(&at);
            (
                if in_sight { vec![parked] } else { Vec::new() },
                if at < 8_000 { vec![] } else { vec![region] },
                vec![],
            )
        })
    };
    assert_eq!(scene(true), []);
    assert!(!scene(false).is_empty());
}
