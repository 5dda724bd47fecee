use proptest::prelude::*;
use protocol::{Label, NormBox};

use super::*;
use crate::detector::AtWork;
use crate::observation::Seen;

/// Somebody who came here a while ago.
fn track(id: u64, x: f32) -> Track {
    let region = NormBox { x, y: 0.4, w: 0.1, h: 0.3 };
    Track { id, first_seen: UtcMs(-1_000), ..Track::of_test(UtcMs(0), region) }
}

/// A rule on the left half of the picture; more of it in TOML.
fn left_half(kind: RuleKind, more: &str) -> RuleConfig {
    let mut geometry = Geometry::default();
    let half = Zone::new(&[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]).unwrap();
    geometry.zones.insert("left".to_owned(), Some(half));
    geometry.lines.insert("middle".to_owned(), Line::new(&[[0.5, 0.2], [0.5, 0.9]]).ok());
    let place = if kind == RuleKind::LineCrossing { "line = \"middle\"" } else { "zone = \"left\"" };
    let table = format!("id = \"r1\"\nkind = \"{}\"\n{place}\n{more}", kind.word());
    toml::from_str::<RuleTable>(&table).unwrap().compile(&geometry, None, Label::ALL).unwrap()
}

fn rules(config: RuleConfig) -> Rules {
    Rules::new(&[config])
}

fn step(rules: &mut Rules, at: i64, tracks: &[Track]) -> Vec<RuleEvent> {
    let seen = Observation::of(UtcMs(at), Seen::Unknown);
    rules.step(&Moment { tracks, seen: &seen, by: &"test 1".into() })
}

/// Phases with their times, over frames of (time, tracks).
fn play(rules: &mut Rules, frames: impl IntoIterator<Item = (i64, Vec<Track>)>) -> Vec<(Phase, i64)> {
    let frames = frames.into_iter();
    frames.flat_map(|(at, tracks)| step(rules, at, &tracks)).map(|e| (e.phase, e.at.0)).collect()
}

/// One visit is one occurrence: a short absence does not end it, 3 s do, and the end is told for that moment.
#[test]
fn a_visit_is_one_occurrence() {
    let mut rules = rules(left_half(RuleKind::Intrusion, ""));
    let inside = |t: i64| (0..2_000).contains(&t) || (4_000..5_000).contains(&t);
    let frames = (0..60).map(|i| i * 200).map(|t| (t, if inside(t) { vec![track(1, 0.1)] } else { vec![] }));
    assert_eq!(play(&mut rules, frames), [(Phase::Opened, 0), (Phase::Ended, 7_800)]);
}

/// Feet decide: a body that leans over the zone from outside is outside. Well within it once is enough; right at the
/// outline one sight may be the detector's trembling, two in a row are not.
#[test]
fn the_foot_decides() {
    let told = |feet: &[f32]| {
        let mut rules = rules(left_half(RuleKind::Intrusion, ""));
        let frame = |(i, x): (usize, &f32)| {
            let at = i as i64 * 200;
            (at, vec![Track { last_seen: UtcMs(at), ..track(1, x - 0.05) }])
        };
        play(&mut rules, feet.iter().enumerate().map(frame))
    };
    assert_eq!(told(&[0.51, 0.51, 0.48]), [(Phase::Opened, 400)]);
    assert_eq!(told(&[0.51, 0.51, 0.49]), []);
    assert_eq!(told(&[0.51, 0.49, 0.51, 0.49, 0.51]), []);
    assert_eq!(told(&[0.51, 0.49, 0.49]), [(Phase::Opened, 400)]);
}

/// What does not match raises nothing: other labels, unsure, small, unconfirmed, hidden.
#[test]
fn what_does_not_match_raises_nothing() {
    let config = left_half(RuleKind::Intrusion, "min_size = 0.2");
    let base = track(1, 0.1);
    let others = [
        Track { label: Label::Car, ..base.clone() },
        Track { best_score: 0.49, ..base.clone() },
        Track { region: NormBox { h: 0.1, ..base.region }, ..base.clone() },
        Track { confirmed: false, ..base.clone() },
        Track { visible: false, ..base.clone() },
    ];
    for other in others {
        assert!(step(&mut rules(config.clone()), 0, std::slice::from_ref(&other)).is_empty(), "{other:?}");
    }
    assert_eq!(step(&mut rules(config), 0, &[base]).len(), 1);
}

/// Motion stands in for whatever an intrusion rule waits for, is marked, has no score, and never loiters.
#[test]
fn motion_raises_marked_intrusion_only() {
    let motion = Track { label: Label::Motion, ..track(1, 0.1) };
    let mut intrusion = rules(left_half(RuleKind::Intrusion, ""));
    let event = step(&mut intrusion, 0, std::slice::from_ref(&motion)).remove(0);
    assert!(event.motion_only && event.label == Label::Motion && event.score == 0.0);
    assert_eq!(&*event.method, method::MOTION);
    let config = left_half(RuleKind::Loitering, "dwell_s = 1");
    assert!(play(&mut rules(config), (0..50).map(|i| (i * 200, vec![motion.clone()]))).is_empty());
}

/// Loitering opens when one track has stayed for the time, not when several take turns.
#[test]
fn loitering_is_one_track_staying() {
    let config = left_half(RuleKind::Loitering, "dwell_s = 10");
    let stays = (0..=60).map(|i| (i * 200, vec![track(1, 0.1)]));
    assert_eq!(play(&mut rules(config.clone()), stays), [(Phase::Opened, 10_000)]);
    let turns = (0..=60).map(|i| (i * 200, vec![track(i as u64 / 30, 0.1 + (i / 30) as f32 * 0.3)]));
    assert!(play(&mut rules(config.clone()), turns).is_empty());
    // One whom the tracker lost and found again at the same spot is the same.
    let renamed = (0..=60).map(|i| {
        let first_seen = UtcMs(i / 30 * 6_000 - 1);
        (i * 200, vec![Track { first_seen, ..track(i as u64 / 30, 0.1) }])
    });
    assert_eq!(play(&mut rules(config.clone()), renamed), [(Phase::Opened, 10_000)]);
    // Half a second outside is forgiven, four seconds are not.
    let out = |from: i64, to: i64| {
        (0..=75)
            .map(move |i| (i * 200, vec![track(1, if (from..to).contains(&(i * 200)) { 0.6 } else { 0.1 })]))
    };
    assert_eq!(play(&mut rules(config.clone()), out(5_000, 5_500)), [(Phase::Opened, 10_000)]);
    assert!(play(&mut rules(config), out(5_000, 9_000)).is_empty());
}

/// Five a second for 30 s: the first is there until 6 s, the second from `again_ms`. How the first had moved last, where
/// the second is seen first and goes then, per second.
fn lost_and_found(still_since: i64, again_ms: i64, x: f32, pace: f32) -> Vec<(Phase, i64)> {
    let config = left_half(RuleKind::Loitering, "dwell_s = 20");
    let frames = (0..150).map(|i| i * 200).map(|at| {
        let first = Track { still_since: UtcMs(still_since), ..track(1, 0.2) };
        let gone = (at - again_ms) as f32 / 1_000.0;
        let second = Track { first_seen: UtcMs(again_ms), ..track(2, x + pace * gone) };
        let second = Track { still_since: UtcMs(if pace > 0.0 { at } else { again_ms }), ..second };
        let here = if at <= 6_000 {
            vec![first]
        } else if at >= again_ms {
            vec![second]
        } else {
            vec![]
        };
        (at, here)
    });
    play(&mut rules(config), frames)
}

/// At night a detector loses somebody for seconds. Who stood about, vanished inside the zone and reappears near there is
/// the same one; who walked, who reappears elsewhere, later, or walks on from there, is not.
#[test]
fn who_is_lost_within_the_zone_is_still_there() {
    assert_eq!(lost_and_found(2_000, 12_000, 0.25, 0.0), [(Phase::Opened, 20_000)]);
    assert_eq!(lost_and_found(2_000, 18_600, 0.25, 0.0), [], "too late");
    assert_eq!(lost_and_found(6_000, 12_000, 0.25, 0.0), [], "the first was walking");
    assert_eq!(lost_and_found(2_000, 12_000, 0.44, 0.0), [], "at the edge anybody may come in");
    assert_eq!(lost_and_found(2_000, 12_000, 0.1, 0.15), [], "the second walks through");
}

/// A stay that was told of is one, though he is out of sight for some seconds; who is seen to leave ends it.
#[test]
fn a_stay_goes_on_while_he_is_out_of_sight() {
    let config = left_half(RuleKind::Loitering, "dwell_s = 10");
    let there = |at: i64| at <= 12_000 || at >= 18_000;
    let renamed = Track { first_seen: UtcMs(18_000), ..track(2, 0.12) };
    let stays = |at: i64| if at <= 12_000 { track(1, 0.1) } else { renamed.clone() };
    let frames = (0..=150).map(|i| i * 200).map(|at| (at, if there(at) { vec![stays(at)] } else { vec![] }));
    assert_eq!(play(&mut rules(config.clone()), frames), [(Phase::Opened, 10_000)]);
    let leaves =
        (0..=150).map(|i| i * 200).map(|at| (at, vec![track(1, if at <= 12_000 { 0.1 } else { 0.6 })]));
    assert_eq!(play(&mut rules(config), leaves), [(Phase::Opened, 10_000), (Phase::Ended, 15_000)]);
}

/// A car parked beside the lane is not in it, also when somebody who passes stretches its box into the lane for a moment;
/// one that parks in it is.
#[test]
fn a_stretched_box_is_no_car_in_the_lane() {
    let car = |x: f32, at: i64| {
        let region = NormBox { x, y: 0.4, w: 0.2, h: 0.13 };
        Track { label: Label::Car, region, last_seen: UtcMs(at), ..track(1, x) }
    };
    let told = |x: &dyn Fn(i64) -> f32| {
        let mut rules = rules(left_half(RuleKind::BlockedLane, "dwell_s = 20"));
        play(&mut rules, (0..600).map(|i| i * 200).map(|at| (at, vec![car(x(at), at)])))
    };
    assert_eq!(told(&|at| if at == 10_000 { 0.38 } else { 0.42 }), []);
    assert_eq!(told(&|_| 0.38), [(Phase::Opened, 20_000)]);
}

/// What has not moved since it was first seen counts when it is seen in eight looks in a row or in most, and not when a
/// detector takes it for somebody now and then.
#[test]
fn a_poster_is_nobody() {
    let first_told = |seen: &dyn Fn(i64) -> bool| {
        let mut rules = rules(left_half(RuleKind::Intrusion, ""));
        let frames = (0..300).map(|i| i * 200).map(|at| {
            let poster = Track { first_seen: UtcMs(0), last_seen: UtcMs(at), ..track(1, 0.1) };
            (at, if seen(at / 200) { vec![poster] } else { vec![] })
        });
        let looked = |(at, tracks): (i64, Vec<Track>)| {
            let seen = Seen::Objects { by: "test 1".into(), detections: Vec::new() };
            let seen = Observation::of(UtcMs(at), seen);
            rules.step(&Moment { tracks: &tracks, seen: &seen, by: &"test 1".into() })
        };
        frames.flat_map(looked).map(|e| e.at.0).next()
    };
    assert_eq!(first_told(&|_| true), Some(1_400));
    assert!(first_told(&|i| i % 5 != 0).is_some_and(|at| at < 6_000));
    assert_eq!(first_told(&|i| i % 5 < 2), None);
}

/// More objects and better pictures are told, but not more often than every 3 s.
#[test]
fn updates_are_rare_and_carry_the_best_picture() {
    let mut rules = rules(left_half(RuleKind::Intrusion, ""));
    let mut frames = vec![(0, vec![track(1, 0.1)])];
    frames.extend((1..25).map(|i| (i * 200, vec![track(1, 0.1), track(2, 0.2)])));
    let near = Track { region: NormBox { x: 0.1, y: 0.1, w: 0.3, h: 0.8 }, ..track(1, 0.1) };
    frames.extend((25..60).map(|i| (i * 200, vec![near.clone(), track(2, 0.2)])));
    let events: Vec<RuleEvent> = frames.iter().flat_map(|(at, t)| step(&mut rules, *at, t)).collect();
    let told: Vec<_> = events.iter().map(|e| (e.phase, e.at.0, e.object_count, e.best_frame)).collect();
    assert_eq!(
        told,
        [(Phase::Opened, 0, 1, true), (Phase::Updated, 3_000, 2, false), (Phase::Updated, 6_000, 2, true)]
    );
    assert_eq!(events[2].region, near.region);
}

/// After an end, the rule is quiet for its cool-down, then speaks again if somebody is still there.
#[test]
fn cooldown_holds_back_the_next_occurrence() {
    let mut rules = rules(left_half(RuleKind::Intrusion, "cooldown_s = 10"));
    let inside = |t: i64| t == 0 || t >= 5_000;
    let frames = (0..100).map(|i| i * 200).map(|t| (t, if inside(t) { vec![track(1, 0.1)] } else { vec![] }));
    assert_eq!(
        play(&mut rules, frames),
        [(Phase::Opened, 0), (Phase::Ended, 3_000), (Phase::Opened, 13_000)]
    );
}

/// A line is crossed once, by whoever is clearly on its other side; trembling on it is nothing, and the way past its
/// end neither.
#[test]
fn a_line_is_crossed_once() {
    let foot_at = |x: f32, y: f32| Track {
        region: NormBox { x: x - 0.05, y: y - 0.3, w: 0.1, h: 0.3 },
        ..track(1, 0.0)
    };
    let walk = |from: f32, to: f32, y: f32| {
        (0..=40).map(move |i| (i * 200, vec![foot_at(from + (to - from) * i as f32 / 40.0, y)]))
    };
    let told = |more: &str, frames: Vec<(i64, Vec<Track>)>| {
        play(&mut rules(left_half(RuleKind::LineCrossing, more)), frames)
    };
    let over: Vec<_> = walk(0.3, 0.7, 0.6).collect();
    assert_eq!(told("", over.clone()), [(Phase::Opened, 4_600), (Phase::Ended, 7_600)]);
    assert_eq!(told("direction = \"left_to_right\"", over.clone()).len(), 2);
    assert_eq!(told("direction = \"right_to_left\"", over), []);
    assert_eq!(told("", walk(0.3, 0.7, 0.95).collect()), []);
    let trembles =
        (0..100).map(|i| (i * 200, vec![foot_at(0.5 + 0.01 * ((i * 7 % 5) - 2) as f32 / 2.0, 0.6)]));
    let (there, back) = (walk(0.3, 0.5, 0.6), walk(0.5, 0.3, 0.6).map(|(at, t)| (at + 30_000, t)));
    let trembling = there.chain(trembles.map(|(at, t)| (at + 8_400, t))).chain(back);
    assert_eq!(told("", trembling.collect()), []);
    // Two who cross in the same frame are two incidents.
    let both = walk(0.3, 0.7, 0.6).map(|(at, mut tracks)| {
        tracks.push(Track { id: 2, ..tracks[0].clone() });
        (at, tracks)
    });
    let phases: Vec<_> = told("", both.collect()).into_iter().map(|(phase, _)| phase).collect();
    assert_eq!(phases, [Phase::Opened, Phase::Ended, Phase::Opened, Phase::Ended]);
}

/// A crowd is so many for so long; around the limit it is one incident, and not several.
#[test]
fn a_crowd_has_a_number_and_a_time() {
    let config = left_half(RuleKind::Crowding, "count = 4\ndwell_s = 5");
    let crowd = |n: u64| (0..n).map(|id| track(id, 0.05 * id as f32)).collect::<Vec<_>>();
    let frames = |n: &dyn Fn(i64) -> u64| (0..200).map(|i| (i * 200, crowd(n(i)))).collect::<Vec<_>>();
    // Never long enough, with one missing for more than the dip that is forgiven.
    assert_eq!(play(&mut rules(config.clone()), frames(&|i| if i % 30 < 18 { 3 } else { 4 })), []);
    // One or another missing now and then, from 4 s to 20 s.
    let flickers = frames(&|i| if (20..100).contains(&i) { 4 - u64::from(i % 7 == 0) } else { 1 });
    let told = play(&mut rules(config.clone()), flickers);
    assert_eq!(told.iter().map(|t| t.0).collect::<Vec<_>>(), [Phase::Opened, Phase::Ended], "{told:?}");
    assert!((9_000..9_800).contains(&told[0].1), "{told:?}");
    // Three are a crowd that has begun to dissolve, not a new one.
    let around = frames(&|i| if i > 50 && i % 40 < 20 { 3 } else { 4 });
    assert_eq!(play(&mut rules(config), around), [(Phase::Opened, 5_000)]);
}

/// Outside its schedule a rule tells nothing, and what is open ends with it.
#[test]
fn schedules_end_what_is_open() {
    let calendar = Arc::new(Calendar::default());
    // 08:00:10 in China is ten seconds after the epoch's midnight in Greenwich.
    let morning: ScheduleTable = toml::from_str("from = \"07:00\"\nto = \"08:01\"").unwrap();
    let schedule = Schedule::new(vec![morning], calendar);
    let config = RuleConfig { schedule, ..left_half(RuleKind::Intrusion, "") };
    let stays = (0..600).map(|i| (i * 200, vec![track(1, 0.1)]));
    assert_eq!(play(&mut rules(config), stays), [(Phase::Opened, 0), (Phase::Ended, 60_000)]);
}

proptest! {
    /// For any frame times and any comings and goings: phases alternate, serials count up, an occurrence ends
    /// exactly 3 s after its last occupied frame, and never while somebody is there.
    #[test]
    fn occurrences_are_well_formed(
        frames in prop::collection::vec((1_i64..5_000, prop::collection::vec((0_u64..4, 0_u8..10), 0..4)), 1..200),
        loitering in any::<bool>(),
        cooldown_s in 0_u32..5,
    ) {
        let kind = if loitering { RuleKind::Loitering } else { RuleKind::Intrusion };
        let mut rules = rules(left_half(kind, &format!("dwell_s = {}\ncooldown_s = {cooldown_s}", if loitering { 2 } else { 0 })));
        let (mut at, mut open, mut serial, mut occupied_at, mut ended_at) = (0, false, 0, 0, None);
        for (elapsed, seen) in frames {
            at += elapsed;
            let mut tracks: Vec<Track> = seen.iter().map(|&(id, x)| track(id, f32::from(x) / 10.0)).collect();
            tracks.dedup_by_key(|t| t.id);
            let occupied = tracks.iter().any(|t| t.region.x < 0.45);
            let events = step(&mut rules, at, &tracks);
            prop_assert!(events.len() <= 1);
            for event in events {
                prop_assert_eq!(event.phase == Phase::Opened, !open);
                match event.phase {
                    Phase::Opened => {
                        serial += 1;
                        open = true;
                        prop_assert!(occupied && event.started_at == UtcMs(at) && event.best_frame);
                        prop_assert!(ended_at.is_none_or(|e| at >= e + i64::from(cooldown_s) * 1_000));
                    }
                    Phase::Updated => prop_assert!(occupied),
                    Phase::Ended => {
                        open = false;
                        ended_at = Some(event.at.0);
                        prop_assert!(loitering || !occupied);
                        if !loitering {
                            prop_assert_eq!(event.at.0, occupied_at + EMPTY_MS);
                        }
                        prop_assert!(event.at.0 <= at);
                    }
                }
                prop_assert_eq!(event.serial, serial);
            }
            if occupied {
                occupied_at = at;
            }
            prop_assert!(loitering || open || !occupied || ended_at.is_some());
        }
        let left = rules.finish(UtcMs(at));
        prop_assert_eq!(left.len(), usize::from(open));
    }
}

/// Where the model of vehicles is away, health names the background, whoever else is at work.
#[test]
fn health_tells_that_the_background_stands_in() {
    let config = left_half(RuleKind::BlockedLane, "");
    let model = |name: &str, labels: &[Label]| AtWork { name: name.into(), labels: labels.to_vec() };
    let fire = model("fire 1", &[Label::Fire, Label::Smoke]);
    let vehicles = model("vehicles 2", &[Label::Car, Label::Truck]);
    assert_eq!(config.method(&[fire.clone(), vehicles], None).as_deref(), Some("vehicles 2"));
    assert_eq!(config.method(&[fire], None).as_deref(), Some(method::BACKGROUND));
}
