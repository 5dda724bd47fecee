use protocol::{Chance, Phase};

use super::*;
use crate::detector::NAMED;
use crate::frame::Picture;
use crate::rules::{RuleKind, method};

const W: usize = 320;
const H: usize = 180;

/// A street, with a dark block of 24 × 60 whose left edge is at `x`.
fn frame(sequence: u64, x: Option<usize>) -> Frame {
    let mut y: Vec<u8> = (0..W * H).map(|i| 110 + ((i % W / 20 + i / W / 15) % 5) as u8 * 20).collect();
    for row in 60..120 {
        if let Some(x) = x {
            y[row * W + x..row * W + (x + 24).min(W)].fill(20);
        }
    }
    let uv = vec![128; W * H / 4];
    let picture = Arc::new(Picture { width: W, height: H, y, u: uv.clone(), v: uv });
    let captured_at = UtcMs(sequence as i64 * 200);
    Frame { camera_id: "c1".parse().unwrap(), sequence, captured_at, picture }
}

fn walk(sequence: u64) -> Frame {
    frame(sequence, (20..40).contains(&sequence).then(|| 20 + 8 * (sequence as usize - 20)))
}

fn person(frame: &Frame) -> Answer {
    let x = frame.picture.y[90 * W..91 * W].iter().position(|v| *v == 20);
    let region = |x| NormBox { x: x as f32 / W as f32, y: 0.33, w: 24.0 / W as f32, h: 0.33 };
    let detection = |x| Detection { label: Label::Person, score: 0.8, region: region(x) };
    Answer::Found(Looked::new("test 1", NAMED, x.map(detection).into_iter().collect()))
}

fn analyser() -> Analyser {
    Analyser::new(&[RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Intrusion)])
}

/// A walk past the camera is one intrusion by the detector, which rests while nothing moves.
#[test]
fn a_walk_is_one_intrusion() {
    let mut analyser = analyser();
    let mut asked = 0;
    let events: Vec<RuleEvent> = (0..80)
        .flat_map(|i| {
            analyser.analyse(&walk(i), |f| {
                asked += 1;
                person(f)
            })
        })
        .collect();
    let phases: Vec<_> = events.iter().map(|e| e.phase).filter(|p| *p != Phase::Updated).collect();
    assert_eq!(phases, [Phase::Opened, Phase::Ended]);
    assert_eq!((events[0].label, events[0].motion_only), (Label::Person, false));
    assert_eq!(analyser.method(), "test 1");
    assert!((20..45).contains(&asked), "asked {asked} times for 80 frames");
}

/// Without a detector the same walk is one intrusion marked motion-only.
#[test]
fn without_detector_motion_raises_it() {
    let mut analyser = analyser();
    let events: Vec<RuleEvent> =
        (0..80).flat_map(|i| analyser.analyse(&walk(i), |_| Answer::Missing)).collect();
    let phases: Vec<_> = events.iter().map(|e| e.phase).filter(|p| *p != Phase::Updated).collect();
    assert_eq!(phases, [Phase::Opened, Phase::Ended]);
    assert!(events.iter().all(|e| e.motion_only && e.score == 0.0 && e.label == Label::Motion));
    assert_eq!(analyser.method(), MOTION);
}

/// A detector that fails in mid-walk hands over to motion; the incident goes on, and is not doubled.
#[test]
fn the_incident_survives_losing_the_detector() {
    let mut analyser = analyser();
    let events: Vec<RuleEvent> = (0..80)
        .flat_map(|i| analyser.analyse(&walk(i), |f| if i < 28 { person(f) } else { Answer::Missing }))
        .collect();
    let opened = events.iter().filter(|e| e.phase == Phase::Opened).count();
    assert_eq!(opened, 1);
    assert!(!events[0].motion_only);
    assert_eq!(events.last().map(|e| e.phase), Some(Phase::Ended));
}

/// A detector without time leaves the known as it is: no end, no second beginning.
#[test]
fn busy_frames_change_nothing() {
    let mut analyser = analyser();
    let mut phases = Vec::new();
    for i in 0..60 {
        let standing = frame(i, (i >= 10).then_some(100));
        let answer = |f: &Frame| if i > 15 && i % 5 != 0 { Answer::Busy } else { person(f) };
        phases.extend(analyser.analyse(&standing, answer).into_iter().map(|e| e.phase));
    }
    assert_eq!(phases, [Phase::Opened]);
}

/// A clock that jumps, to the past or to the future, ends what was open at its last frame; who still stands
/// there is told of anew within two seconds, as anybody whom nobody saw coming, not when the old time has come round again.
#[test]
fn a_clock_jump_starts_afresh() {
    for jump_ms in [31_536_000_000, -31_536_000_000, -28_800_000, -60_000, 60_000] {
        let mut analyser = analyser();
        let mut told = Vec::new();
        for i in 0..40 {
            let mut standing = frame(i, Some(100));
            if i >= 20 {
                standing.captured_at = standing.captured_at.plus_ms(jump_ms);
            }
            told.extend(analyser.analyse(&standing, person).into_iter().map(|e| (e.phase, e.at.0)));
        }
        assert_eq!(told[1], (Phase::Ended, 19 * 200), "{told:?}");
        let phases: Vec<_> = told.iter().map(|(phase, _)| *phase).collect();
        assert_eq!(phases, [Phase::Opened, Phase::Ended, Phase::Opened], "{jump_ms} ms: {told:?}");
        assert!(told[0].1 <= 2_000 && told[2].1 - jump_ms - 20 * 200 <= 2_000, "{jump_ms} ms: {told:?}");
    }
}

const FIRE: &[Label] = &[Label::Fire, Label::Smoke];
const PEOPLE: &str = "people 1";
const FLAMES: &str = "flames 2";

/// From the sixth second on something burns: tongues of random height, orange above yellow.
fn burning(sequence: u64, chance: &Chance) -> Frame {
    let mut frame = frame(sequence, None);
    let picture = Arc::make_mut(&mut frame.picture);
    picture.y.iter_mut().for_each(|luma| *luma += chance.below(3) as u8);
    for tongue in 0..if sequence < 30 { 0 } else { 8 } {
        let height = 14 + chance.below(34) as usize;
        for row in 150 - height..150 {
            let [y, u, v] = if row < 150 - height / 2 { [170, 70, 185] } else { [215, 80, 158] };
            for x in 140 + tongue * 6..146 + tongue * 6 {
                picture.y[row * W + x] = y;
                picture.u[row / 2 * (W / 2) + x / 2] = u;
                picture.v[row / 2 * (W / 2) + x / 2] = v;
            }
        }
    }
    frame
}

/// Sights of flames in 20 s of it, and what was told, when the detectors say this of each frame.
fn watch_a_fire(says: impl Fn(u64) -> Answer) -> (usize, Vec<RuleEvent>) {
    let chance = Chance::seeded(11);
    let mut analyser = Analyser::new(&[RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Fire)]);
    let (mut sights, mut told) = (0, Vec::new());
    for sequence in 0..100 {
        let observation = analyser.observe(&burning(sequence, &chance), |_| says(sequence));
        sights += usize::from(!observation.signs.flames.is_empty());
        told.extend(analyser.conclude(&observation));
    }
    (sights, told)
}

/// Flicker stands in for a model that names fire as soon as that is away, although another looks at every frame, and
/// only then: not where it is busy with another frame, or not due.
#[test]
fn flames_stand_in_for_the_model_of_fire_alone() {
    let all = [NAMED, FIRE].concat();
    let people = |names: &[Label]| Looked::new(PEOPLE, names, Vec::new());
    let (sights, told) = watch_a_fire(|_| Answer::Found(people(NAMED)));
    assert!(sights > 20, "{sights}");
    assert_eq!((told[0].phase, &*told[0].method), (Phase::Opened, method::FLAMES));
    let (sights, _) = watch_a_fire(|_| Answer::Partly(people(NAMED)));
    assert!(sights > 20, "{sights}");
    // It dies while the fire burns.
    let (sights, told) = watch_a_fire(|i| Answer::Found(people(if i < 40 { &all } else { NAMED })));
    assert!(sights > 10 && !told.is_empty(), "{sights}");

    assert_eq!(watch_a_fire(|_| Answer::Found(people(&all))), (0, Vec::new()));
    let seldom = |i| match i % 5 {
        0 => Answer::Partly(Looked::new(FLAMES, FIRE, Vec::new())),
        _ => Answer::NotDue { names: FIRE.to_vec() },
    };
    assert_eq!(watch_a_fire(seldom), (0, Vec::new()));
    let busy = |i| if i == 0 { Answer::Found(people(&all)) } else { Answer::Busy };
    assert_eq!(watch_a_fire(busy), (0, Vec::new()));
}

/// An incident names the model that named what burns, also when its picture is of a frame that another looked at. What
/// was recorded plays back the same, and what was recorded without these names still plays.
#[test]
fn an_incident_names_the_model_that_saw_it() {
    let all = [NAMED, FIRE].concat();
    let region = NormBox { x: 0.43, y: 0.6, w: 0.15, h: 0.25 };
    let flame = Detection { label: Label::Fire, score: 0.8, region };
    let says = |i: u64| {
        let mut looked = Looked::new(PEOPLE, &all, Vec::new());
        if i.is_multiple_of(5) {
            looked.by = format!("{PEOPLE} + {FLAMES}").into();
            looked.detections.push(flame);
            looked.sources.insert(Label::Fire, FLAMES.into());
        } else {
            looked.unsought.waiting = FIRE.to_vec();
        }
        Answer::Found(looked)
    };
    let (_, told) = watch_a_fire(says);
    assert_eq!((told[0].phase, &*told[0].method), (Phase::Opened, FLAMES), "{told:?}");

    let rule = || [RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Fire)];
    let chance = Chance::seeded(11);
    let (mut live, mut played) = (Analyser::new(&rule()), Analyser::new(&rule()));
    let mut lines = Vec::new();
    for sequence in 0..100 {
        let observation = live.observe(&burning(sequence, &chance), |_| says(sequence));
        lines.push(serde_json::to_string(&observation).unwrap());
        let again: Observation = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(again, observation);
        assert_eq!(played.conclude(&again), live.conclude(&observation));
    }
    let named = lines.iter().filter(|line| line.contains("sources")).count();
    assert!(named > 10 && named <= 20, "one detector needs no word more: {named}");
    let mut former = Analyser::new(&rule());
    let told: Vec<RuleEvent> = lines
        .iter()
        .flat_map(|line| {
            let mut observation: Observation = serde_json::from_str(line).unwrap();
            observation.sources.clear();
            former.conclude(&observation)
        })
        .collect();
    assert_eq!(&*told[0].method, "people 1 + flames 2");
}

/// Where motion stands in for one detector, what another named is told by its name.
#[test]
fn motion_beside_a_model_does_not_sign_for_it() {
    let mut analyser = Analyser::new(&[RuleConfig::whole_picture("r1".parse().unwrap(), RuleKind::Fire)]);
    let region = NormBox { x: 0.43, y: 0.6, w: 0.15, h: 0.25 };
    let flame = Detection { label: Label::Fire, score: 0.8, region };
    let events: Vec<RuleEvent> = (0..40)
        .flat_map(|i| analyser.analyse(&walk(i), |_| Answer::Partly(Looked::new(FLAMES, FIRE, vec![flame]))))
        .collect();
    assert_eq!((events[0].kind, &*events[0].method), (RuleKind::Fire.incident_kind(), FLAMES));
}
