//! Who is where, for how long, and how many.

use protocol::Label;

use super::stage::{Actor, Stage, at};
use super::{Golden, rule};

const LINE: &str = "\n[[camera.lines]]\nid = \"l\"\npoints = [[0.5, 0.4], [0.5, 1.0]]\n\n[[camera.rules]]\nid = \"line\"\nkind = \"line_crossing\"\nline = \"l\"\n";

pub(crate) fn scenes() -> Vec<Golden> {
    let mut all = zones();
    all.extend(lines());
    all
}

fn zones() -> Vec<Golden> {
    let yard = rule("yard", "intrusion", "");
    let crowd: Vec<Actor> = (0..6)
        .map(|n| {
            let x = 0.2 + 0.1 * n as f32;
            let (comes, goes) = (5.0 + n as f32, 35.0 + n as f32);
            let y = 0.6 + 0.04 * (n % 3) as f32;
            let way = [at(comes, x, 0.3), at(comes + 2.0, x, y), at(goes, x, y), at(goes + 2.0, x, 0.3)];
            Actor::person(&way).seen_in(0.85)
        })
        .collect();
    vec![
        // Two cross the yard one after the other, with more than 3 s between them.
        Golden::new(
            "intrusion-two-visits",
            &yard,
            Stage::of(
                40.0,
                [
                    Actor::crosses((2.0, 12.0), 0.7),
                    Actor::person(&[at(20.0, 1.0, 0.6), at(32.0, 0.0, 0.8)]).seen_in(0.8),
                ],
            ),
            &[("yard", 3.0), ("yard", 21.2)],
        ),
        // Two at once, one hidden behind the other for a while, are one incident until both have left.
        Golden::new(
            "intrusion-one-while-occupied",
            &yard,
            Stage::of(
                40.0,
                [
                    Actor::person(&[at(3.0, 0.0, 0.7), at(15.0, 0.5, 0.7), at(28.0, 1.0, 0.7)]),
                    Actor::person(&[at(6.0, 1.0, 0.65), at(16.0, 0.5, 0.65), at(30.0, 0.0, 0.65)])
                        .hidden(&[(14.0, 17.0)]),
                ],
            ),
            &[("yard", 4.6)],
        ),
        // Feet outside, a cat inside, a poster that a detector takes for a person now and then: nothing.
        Golden::new(
            "intrusion-nobody",
            &rule("yard", "intrusion", "min_size = 0.1\n"),
            Stage::of(
                40.0,
                [
                    Actor::crosses((2.0, 38.0), 0.36),
                    Actor::new(Label::Animal, (0.06, 0.06), &[at(5.0, 0.2, 0.7), at(30.0, 0.8, 0.8)]),
                    Actor::person(&[at(0.0, 0.7, 0.8), at(40.0, 0.7, 0.8)]).seen_in(0.4),
                    Actor::new(Label::Person, (0.01, 0.05), &[at(0.0, 0.4, 0.5), at(30.0, 0.6, 0.5)]),
                ],
            )
            .still(&[(31.0, 36.0)]),
            &[],
        ),
        // No detector from 10 s on: motion takes over, and the incident is not doubled.
        Golden::new(
            "intrusion-detector-lost",
            &yard,
            Stage::of(40.0, [Actor::crosses((4.0, 30.0), 0.7).seen_in(1.0)]).blind(&[(10.0, 40.0)]),
            &[("yard", 6.6)],
        ),
        // Watched at night only; who is there before is told of when the night begins.
        Golden {
            head: "starts_at = \"2026-10-09T21:59:40+08:00\"\n\n[calendar]\nholidays = [\"2026-10-01\"]\n\n",
            ..Golden::new(
                "intrusion-at-night",
                &rule(
                    "yard",
                    "intrusion",
                    "schedule = { days = [\"workdays\"], from = \"22:00\", to = \"06:00\" }\n",
                ),
                Stage::of(50.0, [Actor::crosses((1.0, 12.0), 0.7), Actor::crosses((16.0, 40.0), 0.7)]),
                &[("yard", 20.0)],
            )
        },
        // Somebody waits, mostly without moving, and is lost behind another once.
        Golden::new(
            "loitering-waits",
            &rule("gate", "loitering", "dwell_s = 20\n"),
            Stage::of(
                60.0,
                [
                    Actor::person(&[
                        at(2.0, 0.05, 0.7),
                        at(6.0, 0.4, 0.7),
                        at(48.0, 0.45, 0.7),
                        at(54.0, 1.0, 0.7),
                    ])
                    .hidden(&[(16.0, 18.4)]),
                    Actor::new(Label::Person, (0.065, 0.32), &[at(10.0, 0.95, 0.78), at(24.0, 0.0, 0.78)]),
                ],
            )
            .still(&[(30.0, 40.0)]),
            &[("gate", 22.6)],
        ),
        // Many pass, none stays.
        Golden::new(
            "loitering-passers-by",
            &rule("gate", "loitering", "dwell_s = 20\n"),
            Stage::of(
                60.0,
                (0..7).map(|n| {
                    let from = n as f32 * 7.0;
                    let way = [at(from, 0.0, 0.7), at(from + 12.0, 1.0, 0.7)];
                    Actor::person(&way)
                }),
            ),
            &[],
        ),
        // At night the detector sees nothing of him for seconds on end, while he stands and while he takes some steps.
        Golden::new(
            "loitering-lost-at-night",
            &rule("gate", "loitering", "dwell_s = 20\n"),
            Stage::of(
                70.0,
                [Actor::person(&[
                    at(2.0, 0.05, 0.7),
                    at(8.0, 0.4, 0.7),
                    at(26.0, 0.4, 0.7),
                    at(29.0, 0.5, 0.72),
                    at(50.0, 0.5, 0.72),
                    at(56.0, 1.0, 0.7),
                ])
                .scored(0.68)
                .seen_in(0.85)
                .hidden(&[(13.0, 18.5), (23.0, 28.5), (36.0, 42.5)])],
            )
            .dark(),
            &[("gate", 23.0)],
        ),
        // A stream of people who are seen in the middle alone, under the lamp, each some seconds after the one before; some
        // slow down there.
        Golden::new(
            "loitering-stream-at-night",
            &rule("gate", "loitering", "dwell_s = 20\n"),
            Stage::of(
                100.0,
                (0..9).map(|n| {
                    let from = n as f32 * 10.0;
                    let middle = 0.5 + 0.03 * (n % 3) as f32;
                    let way = [
                        at(from, 0.0, 0.7),
                        at(from + 5.0, middle - 0.08, 0.7),
                        at(from + 7.5, middle + if n % 2 == 0 { 0.08 } else { -0.05 }, 0.7),
                        at(from + 12.0, 1.0, 0.7),
                    ];
                    Actor::person(&way).hidden(&[(from, from + 4.5), (from + 8.0, from + 12.0)])
                }),
            )
            .dark(),
            &[],
        ),
        // The same poster as above, for a rule that waits for who stays.
        Golden::new(
            "loitering-poster",
            &rule("gate", "loitering", "dwell_s = 20\n"),
            Stage::of(90.0, [Actor::person(&[at(0.0, 0.7, 0.8), at(90.0, 0.7, 0.8)]).seen_in(0.4)])
                .still(&[(40.0, 50.0)]),
            &[],
        ),
        // Six gather, with the usual gaps of a detector in a crowd.
        Golden::new(
            "crowding-gathers",
            &rule("square", "crowding", "count = 5\ndwell_s = 10\n"),
            Stage::of(50.0, crowd.clone()),
            &[("square", 20.5)],
        ),
        // Four are no crowd, five who only cross the square neither.
        Golden::new(
            "crowding-too-few",
            &rule("square", "crowding", "count = 5\ndwell_s = 10\n"),
            Stage::of(
                50.0,
                crowd.into_iter().take(4).chain((0..2).map(|n| {
                    let from = 12.0 + 14.0 * n as f32;
                    Actor::crosses((from, from + 7.0), 0.9)
                })),
            ),
            &[],
        ),
    ]
}

fn lines() -> Vec<Golden> {
    let over = |from: f32, y: f32| Actor::person(&[at(from, 0.1, y), at(from + 10.0, 0.9, y)]);
    let back = |from: f32, y: f32| Actor::person(&[at(from, 0.9, y), at(from + 10.0, 0.1, y)]);
    vec![
        Golden::new(
            "line-both-ways",
            LINE,
            Stage::of(45.0, [over(2.0, 0.7), back(14.0, 0.8), over(28.0, 0.6)]),
            &[("line", 7.0), ("line", 19.0), ("line", 33.0)],
        ),
        // Only who leaves counts.
        Golden::new(
            "line-one-way",
            &format!("{LINE}direction = \"right_to_left\"\n"),
            Stage::of(45.0, [over(2.0, 0.7), back(14.0, 0.8), over(28.0, 0.6)]),
            &[("line", 19.0)],
        ),
        // Somebody stands on the line for half a minute and turns back; one passes beyond its end.
        Golden::new(
            "line-stands-on-it",
            LINE,
            Stage::of(
                50.0,
                [
                    Actor::person(&[
                        at(2.0, 0.1, 0.7),
                        at(8.0, 0.497, 0.7),
                        at(36.0, 0.497, 0.7),
                        at(44.0, 0.1, 0.7),
                    ])
                    .trembling(0.05),
                    Actor::person(&[at(4.0, 0.2, 0.33), at(20.0, 0.8, 0.33)]),
                ],
            ),
            &[],
        ),
    ]
}
