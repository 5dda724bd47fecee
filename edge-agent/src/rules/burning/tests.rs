//! Sights of a model that names fire, through tracker and rule.

use super::*;
use crate::detector::Unsought;
use crate::frame::Detection;
use crate::observation::Observation;
use crate::rules::{RuleConfig, RuleEvent, RuleKind, Rules};
use crate::tracker::Tracker;
use protocol::Phase;

const FLAME: NormBox = NormBox { x: 0.4, y: 0.5, w: 0.1, h: 0.15 };
const FRAME_MS: i64 = 200;

/// What a frame of five a second is shown to.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    /// The model of fire, that names one, surely.
    Fire,
    /// The model of fire, that names none.
    NoFire,
    /// One that looks for people alone.
    People,
    /// Nobody: nothing moves.
    Still,
}

use Shown::{Fire, NoFire, People, Still};

/// When what opened and ended in these frames.
fn told(frames: impl IntoIterator<Item = Shown>) -> Vec<(Phase, i64)> {
    let config = RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Fire);
    let (mut rules, mut tracker) = (Rules::new(&[config]), Tracker::new());
    let mut events: Vec<RuleEvent> = Vec::new();
    for (i, shown) in frames.into_iter().enumerate() {
        let at = UtcMs(i as i64 * FRAME_MS);
        let fire = Detection { label: Label::Fire, score: 0.8, region: FLAME };
        let detections = if shown == Fire { vec![fire] } else { Vec::new() };
        let seen = match shown {
            Still => Seen::Still,
            _ => Seen::Objects { by: "any 1".into(), detections: detections.clone() },
        };
        let mut observation = Observation::of(at, seen);
        match shown {
            Still => tracker.hold(at),
            _ => tracker.step(at, &detections),
        }
        if shown == People {
            observation.unsought = Unsought { waiting: vec![Label::Fire, Label::Smoke], missing: vec![] };
        }
        let tracks = tracker.tracks();
        events.extend(rules.step(&Moment { tracks: &tracks, seen: &observation, by: &"any 1".into() }));
    }
    events.iter().filter(|e| e.phase != Phase::Updated).map(|e| (e.phase, e.at.0)).collect()
}

/// Frames in a row, over and over.
fn again(row: &[Shown], times: usize) -> Vec<Shown> {
    row.repeat(times)
}

/// A model that looks at every frame and names fire, however surely, in one of six or of four, is mistaken; in one of two
/// it is not.
#[test]
fn looks_that_find_none_speak_against_it() {
    assert_eq!(told(again(&[Fire, NoFire, NoFire, NoFire, NoFire, NoFire], 100)), []);
    assert_eq!(told(again(&[Fire, NoFire, NoFire, NoFire], 100)), []);
    assert!(matches!(told(again(&[Fire, NoFire], 100))[..], [(Phase::Opened, 10_000..15_000)]));
    assert!(matches!(told(again(&[Fire], 100))[..], [(Phase::Opened, 3_000..4_000)]));
}

/// A model that looks once a second is no less believed for the looks of another at people in between, and no more.
#[test]
fn looks_for_people_count_nothing() {
    let each = [Fire, People, People, People, People];
    assert!(matches!(told(again(&each, 40))[..], [(Phase::Opened, 4_000..7_000)]));
    let one_of_four = [&each[..], &again(&[NoFire, People, People, People, People], 3)].concat();
    assert_eq!(told(again(&one_of_four, 40)), []);
}

/// It burns down: looks that find none end it; looks for people alone do not, for nobody knows.
#[test]
fn only_looks_for_it_end_it() {
    let burns = again(&[Fire], 50);
    let out = [&burns[..], &again(&[NoFire], 100)].concat();
    let ended = told(out);
    assert!(matches!(ended[..], [(Phase::Opened, _), (Phase::Ended, 15_000..25_000)]), "{ended:?}");
    assert_eq!(told([&burns[..], &again(&[People], 100)].concat()).len(), 1);
}

/// A still scene speaks against a flame, but not while the looks in between go on finding it.
#[test]
fn a_still_scene_speaks_against_what_is_no_longer_seen() {
    let burns = again(&[Fire], 50);
    assert_eq!(told([&burns[..], &again(&[Still], 150)].concat()).len(), 2);
    let looked_at = again(&[Fire, Still, Still, Still, Still], 40);
    assert!(matches!(told(looked_at)[..], [(Phase::Opened, 4_000..7_000)]));
}
