//! Things left alone, fire and smoke.

use protocol::Label;

use super::stage::{Actor, Stage, at};
use super::{Golden, rule};

const BAG: [f32; 4] = [0.5, 0.74, 0.04, 0.06];

pub(crate) fn scenes() -> Vec<Golden> {
    let hall = rule("hall", "abandoned_object", "dwell_s = 10\n");
    let owner = |leaves: f32| {
        Actor::person(&[
            at(2.0, 0.0, 0.8),
            at(8.0, 0.5, 0.8),
            at(leaves, 0.52, 0.8),
            at(leaves + 6.0, 1.1, 0.8),
        ])
    };
    let mut all = vec![
        // Put down at 9 s, left at once; passers-by do not make it attended; fetched at the end.
        Golden::new(
            "abandoned-left-at-once",
            &hall,
            Stage::of(
                70.0,
                [
                    owner(10.0),
                    Actor::person(&[at(20.0, 1.0, 0.85), at(30.0, 0.0, 0.85)]),
                    Actor::person(&[
                        at(50.0, 1.0, 0.8),
                        at(54.0, 0.52, 0.8),
                        at(57.0, 0.52, 0.8),
                        at(62.0, 1.0, 0.8),
                    ]),
                ],
            )
            .left((12.0, 56.0), BAG, 0.8),
            &[("hall", 22.0)],
        ),
        // One passer-by after the other: nobody stays with it.
        Golden::new(
            "abandoned-passers",
            &hall,
            Stage::of(
                60.0,
                [12.0, 15.0, 18.0]
                    .map(|s| Actor::crosses((s, s + 10.0), 0.84))
                    .into_iter()
                    .chain([owner(10.0)]),
            )
            .left((12.0, 60.0), BAG, 0.8),
            &[("hall", 22.0)],
        ),
        // The owner waits beside it for long, then goes.
        Golden::new(
            "abandoned-owner-waits",
            &hall,
            Stage::of(70.0, [owner(40.0)]).left((12.0, 70.0), BAG, 0.8),
            &[("hall", 52.0)],
        ),
        // A detector that names bags, without any background.
        Golden::new(
            "abandoned-named-bag",
            &hall,
            Stage::of(
                50.0,
                [
                    owner(10.0),
                    Actor::new(Label::Bag, (0.04, 0.06), &[at(9.0, 0.52, 0.8), at(50.0, 0.52, 0.8)]),
                ],
            ),
            &[("hall", 22.0)],
        ),
        // Somebody sits down and is no longer recognised; later he is, gets up and goes. What he leaves is told of.
        Golden::new(
            "abandoned-sits-down",
            &hall,
            Stage::of(
                90.0,
                [Actor::person(&[
                    at(2.0, 0.0, 0.8),
                    at(8.0, 0.5, 0.8),
                    at(60.0, 0.5, 0.8),
                    at(66.0, 1.1, 0.8),
                ])
                .hidden(&[(9.0, 60.0)])],
            )
            .left((12.0, 60.0), [0.48, 0.64, 0.06, 0.16], 0.8)
            .left((62.0, 90.0), BAG, 0.8),
            &[("hall", 72.0)],
        ),
        // With its owner all the time; a person who stands like a post; a car that parks and is lost from sight.
        Golden::new(
            "abandoned-none",
            &rule("hall", "abandoned_object", "dwell_s = 15\n"),
            Stage::of(
                70.0,
                [
                    owner(45.0),
                    Actor::person(&[at(0.0, 0.25, 0.7), at(70.0, 0.25, 0.7)]),
                    Actor::new(Label::Car, (0.12, 0.1), &[at(0.0, 0.75, 0.6), at(70.0, 0.75, 0.6)])
                        .hidden(&[(25.0, 70.0)]),
                ],
            )
            .left((12.0, 48.0), BAG, 0.8)
            .left((10.0, 70.0), [0.225, 0.46, 0.05, 0.24], 0.7)
            .left((8.0, 70.0), [0.69, 0.5, 0.12, 0.1], 0.9),
            &[],
        ),
    ];
    let yard = rule("yard", "fire", "");
    all.extend([
        Golden::new(
            "fire-named",
            &yard,
            Stage::of(
                40.0,
                [Actor::new(Label::Fire, (0.08, 0.12), &[at(10.0, 0.5, 0.7), at(40.0, 0.52, 0.7)])
                    .seen_in(0.8)
                    .trembling(0.15)],
            ),
            &[("yard", 11.0)],
        ),
        // No model that names fire is there for a while: its colour and flicker stand in.
        Golden::new(
            "fire-by-flicker",
            &yard,
            Stage::of(40.0, []).blind(&[(0.0, 40.0)]).flame((10.0, 40.0), [0.45, 0.6, 0.08, 0.12], 0.85),
            &[("yard", 11.0)],
        ),
        // A lamp taken for fire in one frame of six; a red jacket that walks by; a flame that goes out at once.
        Golden::new(
            "fire-none",
            &yard,
            Stage::of(
                50.0,
                [
                    Actor::new(Label::Fire, (0.03, 0.03), &[at(0.0, 0.7, 0.5), at(50.0, 0.7, 0.5)])
                        .seen_in(0.15)
                        .scored(0.8),
                    Actor::crosses((5.0, 30.0), 0.7),
                    Actor::new(Label::Fire, (0.03, 0.05), &[at(20.0, 0.3, 0.7), at(21.5, 0.3, 0.7)]),
                ],
            ),
            &[],
        ),
        // The model of fire looks once in 1.2 s, beside one of people that looks at every frame: what it names most times
        // burns, what it names one time in seven does not.
        Golden::new(
            "fire-looked-for-seldom",
            &yard,
            Stage::of(
                60.0,
                [Actor::new(Label::Fire, (0.08, 0.12), &[at(10.0, 0.5, 0.7), at(60.0, 0.52, 0.7)])
                    .seen_in(0.9)],
            )
            .fire_every(1.2),
            &[("yard", 13.0)],
        ),
        Golden::new(
            "fire-none-looked-for-seldom",
            &yard,
            Stage::of(
                120.0,
                [Actor::new(Label::Fire, (0.05, 0.08), &[at(0.0, 0.5, 0.7), at(120.0, 0.5, 0.7)])
                    .seen_in(0.15)],
            )
            .fire_every(1.2),
            &[],
        ),
        Golden::new(
            "smoke-named",
            &rule("roof", "smoke", ""),
            Stage::of(
                50.0,
                [Actor::new(Label::Smoke, (0.15, 0.2), &[at(10.0, 0.5, 0.7), at(50.0, 0.55, 0.6)])
                    .seen_in(0.75)
                    .trembling(0.2)
                    .scored(0.7)],
            ),
            &[("roof", 12.0)],
        ),
        // Mist that is named for a moment now and then.
        Golden::new(
            "smoke-none",
            &rule("roof", "smoke", ""),
            Stage::of(
                50.0,
                [
                    Actor::new(Label::Smoke, (0.2, 0.2), &[at(5.0, 0.5, 0.7), at(7.0, 0.5, 0.7)]),
                    Actor::new(Label::Smoke, (0.2, 0.2), &[at(20.0, 0.3, 0.7), at(45.0, 0.3, 0.7)])
                        .seen_in(0.3)
                        .scored(0.8),
                ],
            ),
            &[],
        ),
    ]);
    all
}
