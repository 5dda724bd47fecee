//! Where vehicles may not be, may not stand, and may not be taken.

use protocol::Label;

use super::stage::{Actor, Stage, at};
use super::{Golden, rule};

/// Drives in from the left, stands from 6 s on, drives off at `until`.
fn parks(until: f32) -> Actor {
    let way = [at(1.0, -0.1, 0.7), at(6.0, 0.5, 0.7), at(until, 0.5, 0.7), at(until + 5.0, 1.2, 0.7)];
    Actor::car(&way)
}

/// Where [`parks`] stands.
const PLACE: [f32; 4] = [0.4, 0.54, 0.2, 0.16];

/// Stays of more than 20 minutes and of more than an hour, through a night in which the detector loses them, still
/// stretches and passers-by: told once each, from when they have lasted long enough until they end.
#[test]
fn long_stays_are_told_once() {
    let lane = super::folder().join("blocked-lane-one-stay.toml");
    let lane = edge_agent::replay::Scene::load(&lane).unwrap();
    for (until, fps) in [(1_500.0, 5), (4_500.0, 2)] {
        let passers = (1..(until / 300.0) as i32).map(|n| {
            let from = n as f32 * 300.0;
            Actor::crosses((from, from + 15.0), 0.75)
        });
        let night = (until * 0.3, until * 0.8);
        let still: Vec<_> =
            (1..(until / 200.0) as i32).map(|n| n as f32 * 200.0).map(|s| (s, s + 90.0)).collect();
        let stage = Stage::of(until + 60.0, passers.chain([parks(until).seen_in(0.7).hidden(&[night])]))
            .parked((10.0, night.0 + 20.0), PLACE, 0.96)
            .parked((night.0 + 60.0, until), PLACE, 0.86)
            .parked((until + 5.0, until + 60.0), PLACE, 0.2)
            .still(&still);
        for seed in 0..3 {
            let told = lane.play_observations(stage.filmed(fps, seed).into_iter().map(Ok)).unwrap().incidents;
            let [stay] = &told[..] else { panic!("{until} s, seed {seed}: {told:?}") };
            let ended_s = stay.ended_s.unwrap();
            assert!((20.0..24.0).contains(&stay.started_s), "{stay:?}");
            assert!((until..until + 12.0).contains(&(ended_s as f32)), "{stay:?}");
        }
    }
}

pub(crate) fn scenes() -> Vec<Golden> {
    let lane = rule("lane", "blocked_lane", "dwell_s = 15\n");
    vec![
        Golden::new(
            "blocked-lane-one-stay",
            &lane,
            Stage::of(60.0, [parks(45.0)]).still(&[(12.0, 40.0)]),
            &[("lane", 21.0)],
        ),
        // Night falls on the parked car, the detector loses it in headlights, in rain and behind passers-by.
        Golden::new(
            "blocked-lane-lost-at-night",
            &lane,
            Stage::of(
                110.0,
                [
                    parks(90.0).seen_in(0.7).hidden(&[(25.0, 33.0), (40.0, 82.0)]),
                    Actor::car(&[at(26.0, -0.2, 0.82), at(32.0, 1.2, 0.82)]),
                    Actor::crosses((44.0, 60.0), 0.8),
                ],
            )
            .parked((10.0, 40.0), PLACE, 0.96)
            .parked((48.0, 90.0), PLACE, 0.88)
            .parked((95.0, 110.0), PLACE, 0.2),
            &[("lane", 21.0)],
        ),
        // The same without anybody comparing the place: the detector alone loses it for half a minute.
        Golden::new(
            "blocked-lane-lost-for-a-while",
            &lane,
            Stage::of(90.0, [parks(75.0).hidden(&[(25.0, 55.0)]), Actor::crosses((22.0, 60.0), 0.75)]),
            &[("lane", 21.0)],
        ),
        // The detector has lost it for good, and does not see it leave; its place does.
        Golden::new(
            "blocked-lane-leaves-unseen",
            &lane,
            Stage::of(
                90.0,
                [
                    parks(60.0).hidden(&[(25.0, 90.0)]),
                    Actor::person(&[at(20.0, 0.0, 0.95), at(88.0, 0.3, 0.95)]),
                ],
            )
            .parked((8.0, 60.0), PLACE, 0.94)
            .parked((62.0, 90.0), PLACE, 0.15),
            &[("lane", 21.0)],
        ),
        // No detector at all: what came to stand there differs from the picture of long ago.
        Golden::new(
            "blocked-lane-by-background",
            &lane,
            Stage::of(80.0, [parks(60.0).hidden(&[(7.0, 60.0)])]).blind(&[(0.0, 80.0)]).left(
                (9.0, 61.0),
                PLACE,
                0.7,
            ),
            &[("lane", 24.0)],
        ),
        // The detector has died, and one of fire goes on: it is the background's again, from the first or in the middle of
        // a stay, which it ends as well.
        Golden::new(
            "blocked-lane-beside-fire",
            &lane,
            Stage::of(80.0, [parks(60.0).hidden(&[(7.0, 60.0)])]).fire_alone(&[(0.0, 80.0)]).left(
                (9.0, 61.0),
                PLACE,
                0.7,
            ),
            &[("lane", 24.0)],
        ),
        Golden::new(
            "blocked-lane-detector-dies",
            &lane,
            Stage::of(110.0, [parks(70.0).hidden(&[(30.0, 70.0)])]).fire_alone(&[(30.0, 110.0)]).left(
                (9.0, 71.0),
                PLACE,
                0.7,
            ),
            &[("lane", 21.0)],
        ),
        // The detector never sees it in the dark; what came to stand there does, also through headlights, and when
        // somebody stands before it. People who talk in the lane are none.
        Golden::new(
            "blocked-lane-unseen-at-night",
            &lane,
            Stage::of(
                100.0,
                [
                    Actor::person(&[
                        at(20.0, 0.0, 0.72),
                        at(30.0, 0.5, 0.72),
                        at(45.0, 0.5, 0.72),
                        at(52.0, 1.1, 0.72),
                    ]),
                    Actor::person(&[at(0.0, 0.2, 0.8), at(100.0, 0.2, 0.8)]),
                ],
            )
            .dark()
            .left((9.0, 27.0), PLACE, 0.8)
            .left((29.0, 33.0), PLACE, 0.6)
            .left((39.0, 70.0), PLACE, 0.8)
            .left((20.0, 100.0), [0.75, 0.55, 0.06, 0.2], 0.7)
            .left((20.0, 100.0), [0.15, 0.55, 0.14, 0.25], 0.7),
            &[("lane", 24.0)],
        ),
        // By day a detector is believed: what it does not name as a vehicle is none.
        Golden::new(
            "blocked-lane-unnamed-by-day",
            &lane,
            Stage::of(60.0, []).left((9.0, 60.0), PLACE, 0.8),
            &[],
        ),
        // One after the other on the same spot are two stays.
        Golden::new(
            "blocked-lane-two-stays",
            &lane,
            Stage::of(
                100.0,
                [
                    parks(35.0),
                    Actor::car(&[
                        at(45.0, -0.1, 0.7),
                        at(50.0, 0.5, 0.7),
                        at(85.0, 0.5, 0.7),
                        at(90.0, 1.2, 0.7),
                    ]),
                ],
            ),
            &[("lane", 21.0), ("lane", 65.0)],
        ),
        // Stops for a moment, waits in a queue that moves on, stands beside the lane.
        Golden::new(
            "blocked-lane-only-stops",
            &lane,
            Stage::of(
                70.0,
                [
                    parks(14.0),
                    Actor::car(&[
                        at(20.0, -0.1, 0.7),
                        at(24.0, 0.3, 0.7),
                        at(34.0, 0.3, 0.7),
                        at(36.0, 0.6, 0.7),
                        at(46.0, 0.6, 0.7),
                        at(50.0, 1.2, 0.7),
                    ]),
                    Actor::car(&[at(0.0, 0.5, 0.3), at(70.0, 0.5, 0.3)]),
                ],
            ),
            &[],
        ),
        Golden::new(
            "vehicle-forbidden",
            &rule("walk", "vehicle_forbidden", ""),
            Stage::of(
                50.0,
                [
                    Actor::car(&[at(3.0, -0.1, 0.7), at(13.0, 1.1, 0.7)]),
                    Actor::new(Label::Truck, (0.25, 0.3), &[at(25.0, 1.1, 0.8), at(40.0, -0.1, 0.8)]),
                    Actor::person(&[at(0.0, 0.3, 0.9), at(50.0, 0.6, 0.9)]),
                ],
            ),
            &[("walk", 4.7), ("walk", 27.5)],
        ),
        // Beside the walk, and a bicycle on it.
        Golden::new(
            "vehicle-forbidden-none",
            &rule("walk", "vehicle_forbidden", ""),
            Stage::of(
                40.0,
                [
                    Actor::car(&[at(3.0, -0.1, 0.36), at(30.0, 1.1, 0.36)]),
                    Actor::new(Label::Bicycle, (0.08, 0.12), &[at(5.0, 0.0, 0.7), at(20.0, 1.0, 0.7)]),
                ],
            ),
            &[],
        ),
        // Pushed in, rides along, pushed out. The person beside it is none.
        Golden::new(
            "ebike-in-lift",
            &rule("lift", "ebike_in_lift", ""),
            Stage::of(
                50.0,
                [
                    Actor::new(
                        Label::Motorcycle,
                        (0.25, 0.4),
                        &[at(8.0, 0.5, 0.3), at(11.0, 0.5, 0.8), at(35.0, 0.5, 0.8), at(38.0, 0.5, 0.3)],
                    )
                    .seen_in(0.8)
                    .scored(0.65),
                    Actor::person(&[
                        at(8.0, 0.6, 0.5),
                        at(11.0, 0.6, 0.9),
                        at(36.0, 0.6, 0.9),
                        at(39.0, 0.6, 0.5),
                    ]),
                ],
            ),
            &[("lift", 9.6)],
        ),
        // A pram, a folded bicycle that the detector names once in a while, an e-bike before the door.
        Golden::new(
            "ebike-in-lift-none",
            &rule("lift", "ebike_in_lift", ""),
            Stage::of(
                50.0,
                [
                    Actor::person(&[at(5.0, 0.5, 0.5), at(9.0, 0.5, 0.9), at(40.0, 0.5, 0.9)]),
                    Actor::new(
                        Label::Bag,
                        (0.2, 0.25),
                        &[at(5.0, 0.4, 0.5), at(9.0, 0.4, 0.9), at(40.0, 0.4, 0.9)],
                    ),
                    Actor::new(Label::Motorcycle, (0.2, 0.2), &[at(12.0, 0.4, 0.9), at(35.0, 0.4, 0.9)])
                        .seen_in(0.1)
                        .scored(0.45),
                    Actor::new(Label::Motorcycle, (0.15, 0.2), &[at(2.0, 0.5, 0.36), at(30.0, 0.5, 0.36)]),
                ],
            ),
            &[],
        ),
    ]
}
