use proptest::prelude::*;

use super::*;

fn track(id: u64, x: f32) -> Track {
    Track {
        id,
        label: Label::Person,
        score: 0.8,
        best_score: 0.9,
        region: NormBox { x, y: 0.4, w: 0.1, h: 0.3 },
        confirmed: true,
        visible: true,
        first_seen: UtcMs(0),
        last_seen: UtcMs(0),
        still_since: UtcMs(0),
    }
}

/// The left half of the picture.
fn left_half(kind: RuleKind) -> RuleConfig {
    RuleConfig {
        zone: vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]],
        ..RuleConfig::whole_picture("r1".parse().unwrap(), kind)
    }
}

fn rules(config: RuleConfig) -> Rules {
    Rules::new(&[config]).unwrap()
}

/// Phases with their times, over frames of (time, tracks).
fn play(rules: &mut Rules, frames: impl IntoIterator<Item = (i64, Vec<Track>)>) -> Vec<(Phase, i64)> {
    frames
        .into_iter()
        .flat_map(|(at, tracks)| rules.step(UtcMs(at), &tracks))
        .map(|e| (e.phase, e.at.0))
        .collect()
}

/// One visit is one occurrence: a short absence does not end it, 3 s do, and the end is told for that moment.
#[test]
fn a_visit_is_one_occurrence() {
    let mut rules = rules(left_half(RuleKind::Intrusion));
    let inside = |t: i64| (0..2_000).contains(&t) || (4_000..5_000).contains(&t);
    let frames = (0..60).map(|i| i * 200).map(|t| (t, if inside(t) { vec![track(1, 0.1)] } else { vec![] }));
    assert_eq!(play(&mut rules, frames), [(Phase::Opened, 0), (Phase::Ended, 7_800)]);
}

/// Feet decide: a body that leans over the zone from outside is outside.
#[test]
fn the_foot_decides() {
    let mut rules = rules(left_half(RuleKind::Intrusion));
    assert!(rules.step(UtcMs(0), &[track(1, 0.46)]).is_empty());
    assert_eq!(rules.step(UtcMs(200), &[track(1, 0.44)]).len(), 1);
}

/// What does not match raises nothing: other labels, unsure, small, unconfirmed, hidden.
#[test]
fn what_does_not_match_raises_nothing() {
    let config = RuleConfig { min_size: 0.2, ..left_half(RuleKind::Intrusion) };
    let base = track(1, 0.1);
    let others = [
        Track { label: Label::Car, ..base.clone() },
        Track { best_score: 0.49, ..base.clone() },
        Track { region: NormBox { h: 0.1, ..base.region }, ..base.clone() },
        Track { confirmed: false, ..base.clone() },
        Track { visible: false, ..base.clone() },
    ];
    for other in others {
        assert!(rules(config.clone()).step(UtcMs(0), std::slice::from_ref(&other)).is_empty(), "{other:?}");
    }
    assert_eq!(rules(config).step(UtcMs(0), &[base]).len(), 1);
}

/// Motion stands in for whatever an intrusion rule waits for, is marked, has no score, and never loiters.
#[test]
fn motion_raises_marked_intrusion_only() {
    let motion = Track { label: Label::Motion, ..track(1, 0.1) };
    let event = rules(left_half(RuleKind::Intrusion)).step(UtcMs(0), std::slice::from_ref(&motion)).remove(0);
    assert!(event.motion_only && event.label == Label::Motion && event.score == 0.0);
    let config = RuleConfig { loiter_s: 1, ..left_half(RuleKind::Loitering) };
    assert!(play(&mut rules(config), (0..50).map(|i| (i * 200, vec![motion.clone()]))).is_empty());
}

/// Loitering opens when one track has stayed for the time, not when several take turns.
#[test]
fn loitering_is_one_track_staying() {
    let config = RuleConfig { loiter_s: 10, ..left_half(RuleKind::Loitering) };
    let stays = (0..=60).map(|i| (i * 200, vec![track(1, 0.1)]));
    assert_eq!(play(&mut rules(config.clone()), stays), [(Phase::Opened, 10_000)]);
    let turns = (0..=60).map(|i| (i * 200, vec![track(i as u64 / 30, 0.1)]));
    assert!(play(&mut rules(config.clone()), turns).is_empty());
    // Half a second outside is forgiven, four seconds are not.
    let gap = |from: i64, to: i64| {
        (0..=75).map(move |i| {
            (i * 200, if (from..to).contains(&(i * 200)) { vec![] } else { vec![track(1, 0.1)] })
        })
    };
    assert_eq!(play(&mut rules(config.clone()), gap(5_000, 5_500)), [(Phase::Opened, 10_000)]);
    assert!(play(&mut rules(config), gap(5_000, 9_000)).is_empty());
}

/// More objects and better pictures are told, but not more often than every 3 s.
#[test]
fn updates_are_rare_and_carry_the_best_picture() {
    let mut rules = rules(left_half(RuleKind::Intrusion));
    let mut frames = vec![(0, vec![track(1, 0.1)])];
    frames.extend((1..25).map(|i| (i * 200, vec![track(1, 0.1), track(2, 0.2)])));
    let near = Track { region: NormBox { x: 0.1, y: 0.1, w: 0.3, h: 0.8 }, ..track(1, 0.1) };
    frames.extend((25..60).map(|i| (i * 200, vec![near.clone(), track(2, 0.2)])));
    let events: Vec<RuleEvent> = frames.iter().flat_map(|(at, t)| rules.step(UtcMs(*at), t)).collect();
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
    let mut rules = rules(RuleConfig { cooldown_s: 10, ..left_half(RuleKind::Intrusion) });
    let inside = |t: i64| t == 0 || t >= 5_000;
    let frames = (0..100).map(|i| i * 200).map(|t| (t, if inside(t) { vec![track(1, 0.1)] } else { vec![] }));
    assert_eq!(
        play(&mut rules, frames),
        [(Phase::Opened, 0), (Phase::Ended, 3_000), (Phase::Opened, 13_000)]
    );
}

/// Every field that is wrong is named, all at once.
#[test]
fn validation_names_each_field() {
    let config: RuleConfig = toml::from_str(
        "id = \"r1\"\nkind = \"loitering\"\nzone = [[0,0],[1,0]]\nlabels = [\"motion\", \"ebike\"]\nmin_score = 1.5\nmin_size = -1\nloiter_s = 0\ncooldown_s = 100000",
    )
    .unwrap();
    let fields: Vec<_> = config.validate().into_iter().map(|e| e.field).collect();
    assert_eq!(fields, ["zone", "labels", "labels", "min_score", "min_size", "loiter_s", "cooldown_s"]);
    assert!(toml::from_str::<RuleConfig>("id = \"r1\"\nkind = \"intrusion\"\nfoo = 1").is_err());
    let face = toml::from_str::<RuleConfig>("id = \"r1\"\nkind = \"intrusion\"\nlabels = [\"face\"]");
    assert!(face.is_err());
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
        let mut rules = rules(RuleConfig { loiter_s: 2, cooldown_s, ..left_half(kind) });
        let (mut at, mut open, mut serial, mut occupied_at, mut ended_at) = (0, false, 0, 0, None);
        for (step, seen) in frames {
            at += step;
            let mut tracks: Vec<Track> = seen.iter().map(|&(id, x)| track(id, f32::from(x) / 10.0)).collect();
            tracks.dedup_by_key(|t| t.id);
            let occupied = tracks.iter().any(|t| t.region.x < 0.45);
            let events = rules.step(UtcMs(at), &tracks);
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
