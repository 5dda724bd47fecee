//! What holds for every rule, whatever it is shown.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{Label, NormBox};

use super::*;
use crate::detector::{Stance, Unsought};
use crate::frame::Detection;
use crate::observation::{Parked, Posed, Seen};
use crate::signs::{Sign, Signs, View};
use crate::tracker::Tracker;

/// One rule of each kind, with times short enough to be reached; all the time, or in some minutes only.
fn one_of_each(scheduled: bool) -> Vec<RuleConfig> {
    let mut geometry = Geometry::default();
    geometry.lines.insert("l".to_owned(), Line::new(&[[0.5, 0.1], [0.5, 0.9]]).ok());
    let zone = Zone::new(&[[0.1, 0.2], [0.9, 0.2], [0.9, 1.0], [0.1, 1.0]]).unwrap();
    geometry.zones.insert("z".to_owned(), Some(zone));
    let utc = CalendarTable::default().compile(|_| Some(jiff::tz::TimeZone::UTC)).unwrap();
    let minutes = ["from = \"0:17\"\nto = \"0:18\"", "from = \"0:19\"\nto = \"0:40\""];
    let minutes = minutes.map(|text| toml::from_str(text).unwrap());
    let schedule = Schedule::new(minutes.to_vec(), Arc::new(utc)).filter(|_| scheduled);
    let rule = |kind: &RuleKind| {
        let word = kind.word();
        let place = match kind.place() {
            kind::Place::Zone => "zone = \"z\"",
            kind::Place::Line => "line = \"l\"",
            kind::Place::Picture => "",
        };
        let dwell = if kind.usual_dwell_s().is_some() { "dwell_s = 1.5" } else { "" };
        let count = if *kind == RuleKind::Crowding { "count = 3" } else { "" };
        let text = format!("id = {word:?}\nkind = {word:?}\n{place}\n{dwell}\n{count}\ncooldown_s = 1\n");
        toml::from_str::<RuleTable>(&text).unwrap().compile(&geometry, schedule.clone(), Label::ALL).unwrap()
    };
    RuleKind::ALL.iter().map(rule).collect()
}

fn region() -> impl Strategy<Value = NormBox> {
    let share = || prop_oneof![8 => 0.0_f32..1.0, 1 => Just(0.0), 1 => -0.5_f32..1.5];
    (share(), share(), share(), share()).prop_map(|(x, y, w, h)| NormBox { x, y, w, h })
}

/// Few places and sizes, so that things are found again.
fn place() -> impl Strategy<Value = NormBox> {
    let grid = (0_u8..4, 0_u8..3, 0_u8..2).prop_map(|(x, y, size)| {
        let h = 0.15 + 0.15 * f32::from(size);
        NormBox { x: 0.1 + 0.2 * f32::from(x), y: 0.2 + 0.15 * f32::from(y), w: h * 0.6, h }
    });
    prop_oneof![9 => grid, 1 => region()]
}

fn detections() -> impl Strategy<Value = Vec<Detection>> {
    let label = prop::sample::select(Label::ALL);
    let one =
        (label, 0.0_f32..=1.0, place()).prop_map(|(label, score, region)| Detection { label, score, region });
    prop::collection::vec(one, 0..6)
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        6 => detections().prop_map(|detections| Seen::Objects { by: "any 1".into(), detections }),
        2 => detections().prop_map(|detections| Seen::Motion { detections }),
        1 => Just(Seen::Still),
        1 => Just(Seen::Unknown),
    ]
}

fn signs() -> impl Strategy<Value = Signs> {
    let signs = || prop::collection::vec((place(), 0.0_f32..=1.0), 0..3);
    let view = prop::option::of((0.0_f32..=1.0, 0.0_f32..=1.0, 0.0_f32..=1.0, 0.0_f32..=1.0));
    let sign =
        |all: Vec<(NormBox, f32)>| all.into_iter().map(|(region, score)| Sign { region, score }).collect();
    (any::<bool>(), signs(), signs(), signs(), view).prop_map(move |(dark, flames, left, standing, view)| {
        Signs {
            dark,
            flames: sign(flames),
            left: sign(left),
            standing: sign(standing),
            view: view.map(|(covered, defocused, moved, frozen)| View { covered, defocused, moved, frozen }),
        }
    })
}

fn unsought() -> impl Strategy<Value = Unsought> {
    let labels = || prop::sample::subsequence(Label::ALL.to_vec(), 0..4);
    let some = (labels(), labels()).prop_map(|(waiting, missing)| Unsought { waiting, missing });
    prop_oneof![2 => Just(Unsought::default()), 1 => some]
}

/// What a pose model says, of whoever is asked about.
fn posed() -> impl Strategy<Value = Option<Posed>> {
    let one = (place(), 0.0_f32..=180.0, 0.0_f32..=1.0)
        .prop_map(|(region, lean, score)| Posed { region, stance: Stance { lean, score } });
    prop::option::of(one)
}

type Sight = (i64, u8, Seen, Unsought, Signs, Vec<(NormBox, f32)>, Option<Posed>);

fn frame() -> impl Strategy<Value = Sight> {
    // The same sight for some frames, as in life; now and then a gap.
    let elapsed = prop_oneof![9 => 20_i64..600, 1 => 0_i64..8_000];
    let parked = prop::collection::vec((place(), 0.0_f32..=1.0), 0..2);
    (elapsed, 1_u8..12, seen(), unsought(), signs(), parked, posed())
}

proptest! {
    /// For any comings and goings: nothing panics; each rule has at most one open occurrence; opened and ended
    /// alternate with the same serial; times do not run backwards, and nothing ends before it began.
    #[test]
    fn every_rule_keeps_to_its_word(scheduled: bool, frames in prop::collection::vec(frame(), 1..40)) {
        let mut rules = Rules::new(&one_of_each(scheduled));
        let mut tracker = Tracker::new();
        let mut open: BTreeMap<String, (u64, i64)> = BTreeMap::new();
        let mut serials: BTreeMap<String, u64> = BTreeMap::new();
        let mut at = 1_000_000;
        let mut all = Vec::new();
        for (elapsed, times, seen, unsought, signs, parked, posed) in frames {
            let parked: Vec<Parked> =
                parked.into_iter().map(|(region, alike)| Parked { region, alike }).collect();
            for _ in 0..times {
                at += elapsed;
                // Half of the looks are at whoever a rule has asked about.
                let asked = rules.in_doubt().filter(|_| times % 2 == 0);
                let posed = posed.map(|posed| Posed { region: asked.unwrap_or(posed.region), ..posed });
                let observation = Observation {
                    posed,
                    unsought: unsought.clone(),
                    signs: signs.clone(),
                    parked: parked.clone(),
                    ..Observation::of(UtcMs(at), seen.clone())
                };
                match &observation.seen {
                    Seen::Objects { detections, .. } | Seen::Motion { detections } => {
                        tracker.step(observation.at, detections);
                    }
                    Seen::Still => tracker.hold(observation.at),
                    Seen::Unknown => {}
                }
                let tracks = tracker.tracks();
                all.extend(rules.step(&Moment { tracks: &tracks, seen: &observation, by: &"any 1".into() }));
            }
        }
        all.extend(rules.finish(UtcMs(at)));
        for event in all {
            let id = event.rule_id.to_string();
            prop_assert!(event.at.0 <= at && event.started_at <= event.at, "{event:?}");
            match event.phase {
                Phase::Opened => {
                    let serial = serials.entry(id.clone()).or_default();
                    *serial += 1;
                    prop_assert_eq!(event.serial, *serial);
                    prop_assert!(open.insert(id, (event.serial, event.at.0)).is_none(), "{:?}", event);
                }
                Phase::Updated => prop_assert_eq!(open.get(&id).map(|o| o.0), Some(event.serial)),
                Phase::Ended => {
                    let opened = open.remove(&id);
                    prop_assert_eq!(opened.map(|o| o.0), Some(event.serial));
                    prop_assert!(opened.is_some_and(|o| o.1 <= event.at.0));
                }
            }
        }
        prop_assert!(open.is_empty());
    }
}
