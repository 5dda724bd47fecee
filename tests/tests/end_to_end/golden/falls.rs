//! Who falls, and who only looks like it.

use protocol::Label;

use super::stage::{Actor, Key, Stage, at};
use super::{Golden, rule};

pub(crate) fn scenes() -> Vec<Golden> {
    let floor = rule("floor", "fall", "");
    vec![
        // Goes over sideways within a second, lies, is helped up.
        Golden::new(
            "fall-lies",
            &floor,
            Stage::of(
                40.0,
                [stands_then(&[
                    key(10.9, 0.53, 0.81, 0.17, 0.11),
                    key(30.0, 0.53, 0.81, 0.17, 0.11),
                    key(32.0, 0.5, 0.8, 0.06, 0.3),
                    key(38.0, 0.5, 0.8, 0.06, 0.3),
                ])
                .scored(0.7)],
            ),
            &[("floor", 11.0)],
        ),
        // Falls while walking; the detector is unsure of who lies there, and misses him now and then.
        Golden::new(
            "fall-walking",
            &floor,
            Stage::of(
                40.0,
                [Actor::shaped(
                    Label::Person,
                    &[
                        key(1.0, 0.1, 0.8, 0.07, 0.3),
                        key(9.0, 0.5, 0.8, 0.07, 0.3),
                        key(9.8, 0.57, 0.82, 0.18, 0.12),
                        key(38.0, 0.57, 0.82, 0.18, 0.12),
                    ],
                )
                .scored(0.6)
                .seen_in(0.8)],
            ),
            &[("floor", 10.0)],
        ),
        // Sits down on a bench, gets up again; another bends for something twice.
        Golden::new(
            "fall-sits-and-bends",
            &floor,
            Stage::of(
                50.0,
                [
                    stands_then(&[
                        key(10.8, 0.5, 0.8, 0.075, 0.22),
                        key(30.0, 0.5, 0.8, 0.075, 0.22),
                        key(31.0, 0.5, 0.8, 0.06, 0.3),
                        key(45.0, 0.5, 0.8, 0.06, 0.3),
                    ]),
                    Actor::shaped(
                        Label::Person,
                        &[
                            key(2.0, 0.2, 0.9, 0.07, 0.34),
                            key(10.0, 0.2, 0.9, 0.07, 0.34),
                            key(10.7, 0.2, 0.9, 0.13, 0.2),
                            key(12.0, 0.2, 0.9, 0.13, 0.2),
                            key(12.7, 0.2, 0.9, 0.07, 0.34),
                            key(20.0, 0.2, 0.9, 0.07, 0.34),
                            key(20.7, 0.2, 0.9, 0.13, 0.2),
                            key(22.5, 0.2, 0.9, 0.13, 0.2),
                            key(23.2, 0.2, 0.9, 0.07, 0.34),
                            key(40.0, 0.2, 0.9, 0.07, 0.34),
                        ],
                    ),
                ],
            ),
            &[],
        ),
        // Walks away from the camera; one steps behind a wall, so that only the head shows; one lies down slowly.
        Golden::new(
            "fall-walks-away",
            &floor,
            Stage::of(
                50.0,
                [
                    Actor::shaped(
                        Label::Person,
                        &[key(1.0, 0.3, 0.95, 0.09, 0.4), key(30.0, 0.4, 0.5, 0.03, 0.12)],
                    ),
                    Actor::shaped(
                        Label::Person,
                        &[
                            key(3.0, 0.7, 0.8, 0.06, 0.3),
                            key(12.0, 0.7, 0.8, 0.06, 0.3),
                            key(12.6, 0.7, 0.58, 0.05, 0.08),
                            key(30.0, 0.75, 0.58, 0.05, 0.08),
                        ],
                    ),
                    Actor::shaped(
                        Label::Person,
                        &[
                            key(3.0, 0.5, 0.8, 0.06, 0.3),
                            key(12.0, 0.5, 0.8, 0.06, 0.3),
                            key(13.5, 0.5, 0.8, 0.09, 0.19),
                            key(16.0, 0.5, 0.8, 0.09, 0.19),
                            key(18.0, 0.5, 0.8, 0.17, 0.1),
                            key(40.0, 0.5, 0.8, 0.17, 0.1),
                        ],
                    ),
                ],
            ),
            &[],
        ),
        // The detector knows nobody who lies: it loses him where he stood, and something of a body's length lies there. He
        // is up again later.
        Golden::new(
            "fall-lost-from-sight",
            &floor,
            Stage::of(
                50.0,
                [
                    stands_then(&[key(10.6, 0.5, 0.8, 0.07, 0.24)]),
                    Actor::person(&[at(36.0, 0.5, 0.8), at(38.0, 0.5, 0.8), at(46.0, 1.0, 0.8)]),
                ],
            )
            .left((13.8, 35.0), [0.47, 0.7, 0.18, 0.1], 0.8),
            &[("floor", 13.8)],
        ),
        // Falls straight away from the camera, and is half seen, now and then: too high to be low, too narrow to lie.
        Golden::new(
            "fall-away-from-camera",
            &floor,
            Stage::of(
                40.0,
                [stands_then(&[key(10.6, 0.5, 0.76, 0.07, 0.2), key(36.0, 0.5, 0.76, 0.07, 0.2)])
                    .scored(0.62)
                    .seen_in(0.6)],
            )
            .left((14.0, 40.0), [0.46, 0.68, 0.08, 0.12], 0.75),
            &[("floor", 14.0)],
        ),
        // What also lies there when somebody is lost from sight: a suitcase that its owner leaves, lost for a second while
        // he does; a sack that had lain there before somebody vanished behind a pillar; somebody who sits on the ground, half
        // as high as he stands; who was long down on hands and knees before he lay still; a door left open.
        Golden::new(
            "fall-other-things",
            &floor,
            Stage::of(
                60.0,
                [
                    Actor::person(&[
                        at(1.0, 0.0, 0.9),
                        at(8.0, 0.3, 0.9),
                        at(10.0, 0.3, 0.9),
                        at(20.0, 1.0, 0.9),
                    ])
                    .hidden(&[(10.0, 11.4)]),
                    Actor::person(&[at(20.0, 0.9, 0.7), at(26.0, 0.7, 0.7)]),
                    Actor::person(&[at(22.0, 0.1, 0.6), at(26.0, 0.2, 0.6)]),
                    Actor::person(&[at(30.0, 0.9, 0.95), at(36.0, 0.6, 0.95)]),
                    Actor::person(&[at(40.0, 0.9, 0.8), at(46.0, 0.5, 0.8)]),
                ],
            )
            .left((12.6, 60.0), [0.29, 0.84, 0.05, 0.08], 0.9)
            .left((15.0, 25.0), [0.64, 0.64, 0.12, 0.08], 0.9)
            .left((28.0, 60.0), [0.64, 0.64, 0.12, 0.08], 0.9)
            .left((29.5, 60.0), [0.16, 0.45, 0.09, 0.15], 0.9)
            .left((44.0, 60.0), [0.53, 0.85, 0.16, 0.1], 0.9)
            .left((49.0, 60.0), [0.46, 0.5, 0.09, 0.3], 0.9),
            &[],
        ),
        // Somebody puts a bag at his feet and stays by it; the detector takes him and his bag for two for a while.
        Golden::new(
            "fall-thing-at-somebodys-feet",
            &floor,
            Stage::of(
                60.0,
                [
                    Actor::new(
                        Label::Person,
                        (0.08, 0.4),
                        &[at(1.0, 0.5, 0.8), at(24.0, 0.5, 0.8), at(32.0, 1.0, 0.8)],
                    ),
                    Actor::new(Label::Person, (0.05, 0.2), &[at(2.0, 0.52, 0.8), at(8.5, 0.52, 0.8)]),
                ],
            )
            .left((11.6, 60.0), [0.49, 0.72, 0.07, 0.08], 0.9),
            &[],
        ),
        // The same evidence from a pose model, asked of those alone who are upright no more: who lies; who bends low, though
        // his box looks like somebody who lies; who lies down at his ease.
        Golden::new(
            "fall-posed",
            &floor,
            Stage::of(40.0, [stands_then(&[key(10.6, 0.5, 0.8, 0.07, 0.24)])])
                .posed((10.4, 30.0), [0.29, 0.59, 0.42, 0.31], 88.0, 0.5)
                .posed((30.0, 40.0), [0.29, 0.59, 0.42, 0.31], 12.0, 0.6),
            &[("floor", 14.0)],
        ),
        Golden::new(
            "fall-posed-otherwise",
            &floor,
            Stage::of(
                70.0,
                [
                    stands_then(&[
                        key(10.6, 0.53, 0.81, 0.17, 0.11),
                        key(20.0, 0.53, 0.81, 0.17, 0.11),
                        key(20.6, 0.5, 0.8, 0.06, 0.3),
                        key(30.0, 0.5, 0.8, 0.06, 0.3),
                    ]),
                    Actor::person(&[at(34.0, 0.0, 0.8), at(40.0, 0.4, 0.8), at(44.0, 0.4, 0.8)]),
                ],
            )
            .posed((10.0, 30.0), [0.445, 0.7, 0.17, 0.11], 20.0, 0.6)
            .posed((44.0, 47.0), [0.22, 0.62, 0.35, 0.26], 25.0, 0.5)
            .posed((47.0, 70.0), [0.22, 0.62, 0.35, 0.26], 85.0, 0.6),
            &[],
        ),
    ]
}

/// Stands at `x` from 1 s on, then changes shape.
fn stands_then(then: &[Key]) -> Actor {
    let mut keys = vec![key(1.0, 0.5, 0.8, 0.06, 0.3), key(10.0, 0.5, 0.8, 0.06, 0.3)];
    keys.extend(then);
    Actor::shaped(Label::Person, &keys)
}

fn key(s: f32, x: f32, y: f32, w: f32, h: f32) -> Key {
    Key { s, x, y, w, h }
}
