use protocol::Chance;

use super::*;

fn person(x: f32, y: f32, score: f32) -> Detection {
    Detection { label: Label::Person, score, region: NormBox { x, y, w: 0.05, h: 0.2 } }
}

fn visible(tracker: &Tracker) -> Vec<u64> {
    tracker.tracks().iter().filter(|t| t.visible && t.confirmed).map(|t| t.id).collect()
}

/// A walker sure of itself is one track from the second sight on, at 2 and at 25 frames per second.
#[test]
fn a_walker_is_one_track() {
    for fps in [2, 5, 25] {
        let mut tracker = Tracker::new();
        for i in 0..4 * fps {
            tracker.step(UtcMs(i * 1_000 / fps), &[person(0.1 + 0.05 * i as f32 / fps as f32, 0.4, 0.8)]);
            assert_eq!(visible(&tracker), if i < 1 { vec![] } else { vec![1] }, "{fps} fps, frame {i}");
        }
    }
}

/// Somebody less sure needs a third sight.
#[test]
fn an_unsure_walker_needs_a_third_sight() {
    let mut tracker = Tracker::new();
    for i in 0_i64..5 {
        tracker.step(UtcMs(i * 200), &[person(0.1 + 0.01 * i as f32, 0.4, if i == 0 { 0.6 } else { 0.5 })]);
        assert_eq!(visible(&tracker), if i < 2 { vec![] } else { vec![1] }, "frame {i}");
    }
}

/// Two people who cross keep their numbers, because each is expected further on.
#[test]
fn crossing_people_keep_their_numbers() {
    let mut tracker = Tracker::new();
    for i in 0_i64..40 {
        let s = i as f32 * 0.015;
        tracker.step(UtcMs(i * 200), &[person(0.2 + s, 0.40, 0.8), person(0.7 - s, 0.42, 0.8)]);
    }
    let tracks = tracker.tracks();
    assert_eq!(visible(&tracker), [1, 2]);
    assert!(tracks[0].region.x > 0.7 && tracks[1].region.x < 0.2, "{tracks:?}");
}

/// Half hidden for a second (unsure sights), then wholly for a second: still the same track.
#[test]
fn occlusion_is_bridged() {
    let mut tracker = Tracker::new();
    for i in 0_i64..30 {
        let score = if (10..15).contains(&i) { 0.2 } else { 0.8 };
        let seen = [person(0.1 + 0.01 * i as f32, 0.4, score)];
        tracker.step(UtcMs(i * 200), if (15..20).contains(&i) { &[] } else { &seen });
    }
    assert_eq!(visible(&tracker), [1]);
}

/// A walker stops where the detector hardly sees him, and misses him altogether in the first frame: still the same track, for
/// as long as he stands there. An unsure sight elsewhere is not him.
#[test]
fn who_stops_unsurely_is_kept() {
    let mut tracker = Tracker::new();
    for i in 0_i64..60 {
        let stands = person(0.1 + 0.02 * i.min(10) as f32, 0.4, if i < 11 { 0.8 } else { 0.2 });
        let seen = [stands];
        tracker.step(UtcMs(i * 200), if i == 11 { &[] } else { &seen });
        if i > 12 {
            assert_eq!(visible(&tracker), [1], "frame {i}");
        }
    }
    for i in 60_i64..64 {
        tracker.step(UtcMs(i * 200), &[person(0.36, 0.4, 0.2)]);
    }
    assert_eq!(visible(&tracker), [] as [u64; 0]);
}

/// Unsure sights alone, single flashes and things that changed kind never become a track.
#[test]
fn noise_is_no_track() {
    let mut tracker = Tracker::new();
    for i in 0_i64..20 {
        let car = Detection { label: Label::Car, ..person(0.5, 0.1, 0.9) };
        let mut seen = vec![person(0.1, 0.4, 0.3)];
        match i % 4 {
            0 => seen.push(person(0.5, 0.1, 0.9)),
            2 => seen.push(car),
            _ => {}
        }
        tracker.step(UtcMs(i * 200), &seen);
        assert_eq!(visible(&tracker), [0_u64; 0]);
    }
}

/// The label is what most sights said: one wrong name does not change it.
#[test]
fn one_wrong_name_changes_nothing() {
    let mut tracker = Tracker::new();
    for i in 0_i64..10 {
        let label = if i == 4 { Label::Truck } else { Label::Car };
        tracker.step(UtcMs(i * 200), &[Detection { label, ..person(0.5, 0.5, 0.8) }]);
    }
    assert_eq!(tracker.tracks()[0].label, Label::Car);
}

/// Frames nobody looked at keep what stood there; then it is lost and forgotten in its time.
#[test]
fn held_tracks_stay_lost_ones_go() {
    let mut tracker = Tracker::new();
    (0_i64..5).for_each(|i| tracker.step(UtcMs(i * 200), &[person(0.5, 0.5, 0.8)]));
    (5_i64..100).for_each(|i| tracker.hold(UtcMs(i * 200)));
    assert_eq!(visible(&tracker), [1]);
    assert!(!tracker.moving());
    tracker.step(UtcMs(20_000), &[]);
    assert_eq!((visible(&tracker).len(), tracker.tracks().len()), (0, 1));
    tracker.step(UtcMs(22_200), &[]);
    assert!(tracker.is_empty());
}

/// A crowd of 300 on a grid, with jitter and missed sights: everybody keeps his number. There is no cap.
#[test]
fn crowds_are_not_capped() {
    let chance = Chance::seeded(11);
    let jitter = || (chance.below(1_000) as f32 / 1_000.0 - 0.5) * 0.01;
    let mut tracker = Tracker::new();
    for i in 0_i64..40 {
        let seen: Vec<Detection> = (0..300)
            .filter(|n| i < 5 || (n + i) % 9 != 0)
            .map(|n| {
                let (x, y) = ((n % 25) as f32 * 0.038, (n / 25) as f32 * 0.08);
                let region =
                    NormBox { x: x + jitter() + 0.001 * i as f32, y: y + jitter(), w: 0.026, h: 0.07 };
                Detection { label: Label::Person, score: 0.7, region }
            })
            .collect();
        tracker.step(UtcMs(i * 200), &seen);
    }
    let ids: Vec<u64> = tracker.tracks().iter().map(|t| t.id).collect();
    assert_eq!(ids, (1..=300).collect::<Vec<_>>());
}

fn car(x: f32) -> Detection {
    Detection { label: Label::Car, score: 0.8, region: NormBox { x, y: 0.5, w: 0.2, h: 0.15 } }
}

/// A car that has stood for ten seconds, then what `alike` says of its place each second while the detector no longer sees it;
/// tells for each second whether it is in sight.
fn parked_then(alike: &[Option<f32>]) -> Vec<bool> {
    let mut tracker = Tracker::new();
    for i in 0_i64..50 {
        tracker.step(UtcMs(i * 200), &[car(0.3)]);
        if i % 5 == 0 {
            let same = tracker
                .resting(UtcMs(i * 200))
                .iter()
                .map(|r| Parked { region: r.place, alike: 0.97 })
                .collect::<Vec<_>>();
            tracker.parked(UtcMs(i * 200), &same);
        }
    }
    let mut told = Vec::new();
    for (second, alike) in (0_i64..).zip(alike) {
        for i in 0..5 {
            let at = UtcMs(10_000 + second * 1_000 + i * 200);
            tracker.step(at, &[]);
            if let (0, Some(alike)) = (i, *alike) {
                let place = tracker.resting(at).first().map(|r| Parked { region: r.place, alike });
                tracker.parked(at, place.as_slice());
            }
        }
        told.push(visible(&tracker) == [1]);
    }
    told
}

/// A parked car that the detector loses stays in sight as long as its place looks the same, through moments of which
/// nothing can be told; two changed looks end it, one does not; and it is not believed for ever.
#[test]
fn a_parked_car_is_carried_by_its_place() {
    assert_eq!(parked_then(&[Some(0.95); 90]), [true; 90]);
    assert_eq!(parked_then(&[None, None, Some(0.93), None, Some(0.75), Some(0.5), Some(0.95)]), [true; 7]);
    assert_eq!(parked_then(&[Some(0.95), Some(0.3), Some(0.2), None]), [true, true, false, false]);
    let hidden = parked_then(&[None; 30]);
    assert!(hidden[..15].iter().all(|v| *v) && !hidden[29], "{hidden:?}");
}

/// Without a watch on its place, and for people, the detector alone decides.
#[test]
fn only_watched_things_are_carried() {
    let mut tracker = Tracker::new();
    (0_i64..50).for_each(|i| tracker.step(UtcMs(i * 200), &[person(0.5, 0.5, 0.8)]));
    assert!(tracker.resting(UtcMs(10_000)).is_empty());
    tracker.step(UtcMs(10_000), &[]);
    assert!(visible(&tracker).is_empty());
}

/// A detector of fire looks once a second among frames of another: three flames seen so are one track, that is in
/// sight in between and goes when the fire is out.
#[test]
fn fire_is_followed_though_looked_for_less_often() {
    let mut tracker = Tracker::new();
    let fire =
        Detection { label: Label::Fire, score: 0.5, region: NormBox { x: 0.4, y: 0.4, w: 0.1, h: 0.1 } };
    let first = Detection { score: 0.7, ..fire };
    for i in 0_i64..50 {
        let seen = if i % 5 > 0 || i >= 30 { vec![] } else { vec![if i == 0 { first } else { fire }] };
        tracker.step(UtcMs(i * 200), &seen);
        let expected = (10..33).contains(&i);
        assert_eq!(visible(&tracker) == [1], expected, "frame {i}");
    }
}

/// A lamp that is named fire now and then while nothing moves is not held from one look to the next; a person who
/// stands there is.
#[test]
fn flames_are_not_held_unseen() {
    for (label, times) in [(Label::Fire, 0), (Label::Person, 1)] {
        let mut tracker = Tracker::new();
        let mut sights = 0;
        for i in 0_i64..150 {
            let lamp = Detection { label, ..person(0.4, 0.3, 0.8) };
            match i {
                0 | 35 | 100 => tracker.step(UtcMs(i * 200), &[lamp]),
                _ => tracker.hold(UtcMs(i * 200)),
            }
            sights += visible(&tracker).len();
        }
        assert_eq!(visible(&tracker).len(), times, "{label}");
        assert_eq!(sights > 0, times > 0, "{label}: {sights}");
    }
}

/// Somebody walks past a parked car, close before it: a box of both, unsure or sure, keeps the car in sight, where it stands.
/// When it drives off towards the camera, it grows all around and is followed; so is one of which half was hidden.
#[test]
fn who_passes_a_parked_car_does_not_stretch_it() {
    let mut tracker = Tracker::new();
    (0_i64..20).for_each(|i| tracker.step(UtcMs(i * 200), &[car(0.3)]));
    let stands = tracker.tracks().remove(0).region;
    let both = |score| Detection { score, region: NormBox { h: 0.25, ..stands }, ..car(0.3) };
    for i in 20_i64..30 {
        let score = if i % 2 == 0 { 0.15 } else { 0.6 };
        tracker.step(UtcMs(i * 200), &[both(score), person(0.35, 0.55, 0.8)]);
        let tracks = tracker.tracks();
        assert!(tracks[0].visible && tracks[0].region == stands, "{tracks:?}");
    }
    let NormBox { x, y, w, h } = stands;
    let nearer = NormBox { x: x - 0.2 * w, y: y - 0.2 * h, w: 1.4 * w, h: 1.4 * h };
    let mut driver = Tracker::new();
    (0_i64..20).for_each(|i| driver.step(UtcMs(i * 200), &[car(0.3)]));
    driver.step(UtcMs(4_000), &[Detection { region: nearer, ..car(0.3) }]);
    assert!(driver.tracks()[0].region.h > 1.3 * h);
    (30_i64..200).for_each(|i| tracker.step(UtcMs(i * 200), &[both(0.6)]));
    assert!(tracker.tracks().remove(0).region.h > 0.2);
}

/// A truck that comes in: named surely once, as car and as truck, and hardly from then on. It is one track; a person seen
/// so is none, and neither is a truck that was never seen surely.
#[test]
fn a_vehicle_seen_surely_once_is_followed() {
    let sights = |label: Label, scores: [f32; 5]| {
        let mut tracker = Tracker::new();
        for (i, score) in (0_i64..).zip(scores) {
            let region = NormBox { x: 0.05 + 0.04 * i as f32, y: 0.3, w: 0.35, h: 0.3 };
            let car = Detection { label: Label::Car, score: if i == 0 { 0.45 } else { 0.0 }, region };
            tracker.step(UtcMs(i * 200), &[Detection { label, score, region }, car]);
        }
        (visible(&tracker), tracker.tracks().first().map_or(0.0, |t| t.best_score))
    };
    let (seen, best) = sights(Label::Truck, [0.52, 0.44, 0.38, 0.3, 0.2]);
    assert_eq!(seen, [1]);
    assert!((0.5..0.6).contains(&best), "{best}");
    assert!(sights(Label::Truck, [0.2, 0.44, 0.38, 0.3, 0.2]).0.is_empty());
    assert!(sights(Label::Person, [0.7, 0.34, 0.38, 0.3, 0.2]).0.is_empty());
    let (_, best) = sights(Label::Truck, [0.52, 0.12, 0.1, 0.1, 0.1]);
    assert!(best < 0.4, "{best}: one sure sight is not enough for a rule");
}

/// A passer-by at night, as YOLOX-nano saw him: every other time not at all, and then without his dark trousers. He is one,
/// and his feet are where he goes.
#[test]
fn who_comes_and_goes_without_legs_is_one() {
    let seen = [
        (0, 0.850, 0.562, 0.075, 0.246, 0.69),
        (200, 0.829, 0.563, 0.072, 0.135, 0.72),
        (800, 0.781, 0.556, 0.041, 0.141, 0.47),
        (1_000, 0.734, 0.559, 0.079, 0.261, 0.80),
        (1_200, 0.715, 0.557, 0.072, 0.152, 0.59),
        (2_000, 0.616, 0.558, 0.087, 0.189, 0.67),
        (2_200, 0.603, 0.559, 0.068, 0.144, 0.59),
        (2_800, 0.548, 0.560, 0.048, 0.153, 0.66),
        (3_000, 0.505, 0.566, 0.080, 0.147, 0.64),
        (3_200, 0.494, 0.561, 0.061, 0.149, 0.63),
    ];
    let mut tracker = Tracker::new();
    for at in (0..=3_200).step_by(200) {
        let here = seen.iter().filter(|s| s.0 == at);
        let sights: Vec<_> = here
            .map(|&(_, x, y, w, h, score)| Detection {
                label: Label::Person,
                score,
                region: NormBox { x, y, w, h },
            })
            .collect();
        tracker.step(UtcMs(at), &sights);
        let tracks = tracker.tracks();
        assert_eq!(tracks.len(), 1, "{at} ms");
        assert!((0.76..0.84).contains(&tracks[0].foot().1), "{at} ms: {:?}", tracks[0].foot());
    }
}
