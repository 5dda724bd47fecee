//! Scenes of rules that wait for people.

use protocol::{IncidentKind, Label};

use super::super::act::{Act, Dog, Person};
use super::super::place::Place;
use super::super::prop::BagKind;
use super::super::script::{LightChange, Line, Rule, Script, Sky, Sweep, Weather};
use super::{Draw, edge_at, scene, watched};

/// Comes from one side, stays a while in the zone's middle, leaves to the other.
pub(super) fn visitor(draw: &Draw, place: Place, starts_s: f32, stays_s: f32) -> Person {
    let (x, z) = middle(place);
    let (x, z) = (x + draw.some(-0.8, 0.8), z + draw.some(-0.8, 0.8));
    let side = draw.side();
    let [from, to] = match place {
        Place::Lane | Place::Corridor => [[0.4 * side, 19.0], [0.3 * side, 3.0]],
        _ => [[-side * edge_at(z), z + draw.some(-0.5, 0.5)], [side * edge_at(z), z]],
    };
    draw.person(starts_s, from, vec![draw.go([x, z]), Act::Stand { s: stays_s }, draw.go(to)])
}

fn middle(place: Place) -> (f32, f32) {
    let corners = watched(place).ground;
    let mean = |i: usize| corners.iter().map(|c| c[i]).sum::<f32>() / corners.len() as f32;
    (mean(0), mean(1))
}

pub(super) fn intrusion(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::Intrusion);
    let mut out = Vec::new();
    let positive = [
        (
            "visitor",
            "Somebody comes to the gate, waits and leaves.",
            Place::Gate,
            Sky::Overcast,
            Weather::default(),
        ),
        (
            "sunny",
            "Under a hard sun somebody enters the square.",
            Place::Square,
            Sky::Sunny,
            Weather::default(),
        ),
        (
            "rain",
            "In the rain, with swaying trees, somebody enters.",
            Place::Gate,
            Sky::Overcast,
            Weather { rain: 0.8, wind: 0.5, ..Weather::default() },
        ),
        (
            "snow",
            "It snows; somebody crosses the car park's aisle.",
            Place::CarPark,
            Sky::Overcast,
            Weather { snow: 0.7, ..Weather::default() },
        ),
        (
            "shaking",
            "The pole shakes in the wind while somebody comes down the lane.",
            Place::Lane,
            Sky::Overcast,
            Weather { shake: 5.0, wind: 0.8, ..Weather::default() },
        ),
        (
            "night",
            "At night somebody comes into the light of the lamp.",
            Place::Gate,
            Sky::Night,
            Weather::default(),
        ),
        (
            "infrared",
            "Under infrared light somebody crosses the square.",
            Place::Square,
            Sky::Infrared,
            Weather::default(),
        ),
        (
            "corridor",
            "Somebody comes through the corridor.",
            Place::Corridor,
            Sky::Overcast,
            Weather::default(),
        ),
    ];
    for (name, note, place, sky, weather) in positive {
        let (mut script, draw) = scene(name, note, place, seed);
        script = script.watch(rule()).lasting(45.0);
        (script.sky, script.weather) = (vec![(0.0, sky)], weather);
        script.people.push(visitor(&draw, place, draw.some(6.0, 9.0), draw.some(4.0, 8.0)));
        out.push(script);
    }
    let (mut script, draw) = scene("twice", "Two come one after the other, long apart.", Place::Gate, seed);
    script = script.watch(rule()).lasting(75.0);
    script.people = vec![visitor(&draw, Place::Gate, 5.0, 3.0), visitor(&draw, Place::Gate, 42.0, 3.0)];
    out.push(script);
    out.extend(intrusion_traps(seed));
    out
}

fn intrusion_traps(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::Intrusion);
    let mut out = Vec::new();
    let (mut script, draw) =
        scene("outside", "People pass before and behind the zone, never in it.", Place::Gate, seed);
    script = script.watch(rule()).lasting(50.0);
    script.people = vec![draw.passer(4.0, 6.4), draw.passer(14.0, 14.6), draw.passer(26.0, 6.2)];
    out.push(script);

    let (mut script, draw) = scene(
        "shadow",
        "A passer-by's long shadow falls into the zone, the feet stay outside.",
        Place::Square,
        seed,
    );
    script = script.watch(rule()).lasting(50.0);
    script.sky = vec![(0.0, Sky::Sunny)];
    script.people = vec![draw.passer(5.0, 8.1), draw.passer(22.0, 17.4)];
    out.push(script);

    let (mut script, draw) = scene(
        "headlights",
        "At night, headlights of cars that stay unseen sweep over the zone.",
        Place::Gate,
        seed,
    );
    script = script.watch(rule()).lasting(60.0);
    script.sky = vec![(0.0, Sky::Night)];
    for i in 0..4 {
        let (from_s, side) = (6.0 + i as f32 * 12.0, draw.side());
        let to_s = from_s + draw.some(2.5, 5.0);
        script.sweeps.push(Sweep { from_s, to_s, from: [-9.0 * side, 9.0], to: [9.0 * side, 12.0] });
    }
    out.push(script);

    let (mut script, _) =
        scene("storm", "Trees sway, it rains, the pole shakes; nobody is there.", Place::Gate, seed);
    script = script.watch(rule()).lasting(60.0);
    script.weather = Weather { rain: 1.0, wind: 1.0, shake: 4.0, ..Weather::default() };
    out.push(script);

    let (mut script, draw) =
        scene("light", "Clouds pass, a lamp goes on and off; nobody is there.", Place::Square, seed);
    script = script.watch(rule()).lasting(60.0);
    script.light = vec![
        LightChange { at_s: 8.0, over_s: 8.0, to: 0.7 },
        LightChange { at_s: 24.0, over_s: 0.2, to: 1.15 },
        LightChange { at_s: draw.some(32.0, 36.0), over_s: 0.2, to: 0.75 },
        LightChange { at_s: 45.0, over_s: 6.0, to: 1.0 },
    ];
    out.push(script);

    let (mut script, draw) = scene("dog", "A dog runs through the zone.", Place::Gate, seed);
    script = script.watch(rule()).lasting(40.0);
    let side = draw.side();
    script.dogs.push(Dog { starts_s: 8.0, from: [-9.0 * side, 10.0], to: [9.0 * side, 10.6], pace: 2.4 });
    out.push(script);

    let (mut script, _) =
        scene("infrared-switch", "The camera switches to infrared and back.", Place::Gate, seed);
    script = script.watch(rule()).lasting(50.0);
    script.sky = vec![(0.0, Sky::Overcast), (14.0, Sky::Infrared), (32.0, Sky::Overcast)];
    out.push(script);
    out
}

pub(super) fn line_crossing(seed: u64) -> Vec<Script> {
    let mut out = Vec::new();
    let build = |name: &str, note: &str, direction: &str| {
        let (mut script, draw) = scene(name, note, Place::Gate, seed);
        script.seconds = 45.0;
        script.lines = vec![Line { id: "kerb".to_owned(), ground: [[0.0, 6.6], [0.0, 14.5]] }];
        let mut rule = Rule::new(IncidentKind::LineCrossing);
        (rule.line, rule.direction) = (Some("kerb".to_owned()), Some(direction.to_owned()));
        script.rules = vec![rule];
        (script, draw)
    };
    let walk = |draw: &Draw, starts_s: f32, right: bool, z: f32| {
        let side = if right { 1.0 } else { -1.0 };
        draw.person(
            starts_s,
            [-side * edge_at(z), z],
            vec![draw.go([side * edge_at(z), z + draw.some(-0.4, 0.4)])],
        )
    };
    let (mut script, draw) =
        build("right", "Somebody crosses in the direction that counts.", "left_to_right");
    script.people.push(walk(&draw, 5.0, true, draw.some(8.5, 11.5)));
    out.push(script);
    let (mut script, draw) = build("either", "Two cross, one each way, and both ways count.", "both");
    script.people = vec![walk(&draw, 4.0, true, 9.0), walk(&draw, 22.0, false, 10.5)];
    script.seconds = 55.0;
    out.push(script);
    let (mut script, draw) = build("rain", "Somebody crosses in the rain.", "right_to_left");
    script.weather.rain = 0.7;
    script.people.push(walk(&draw, 6.0, false, 10.0));
    out.push(script);
    let (mut script, draw) = build("wrong-way", "Somebody crosses against the direction.", "left_to_right");
    script.people.push(walk(&draw, 5.0, false, 10.0));
    out.push(script);
    let (mut script, draw) = build("turns-back", "Somebody comes near the line and turns back.", "both");
    let z = draw.some(9.0, 11.0);
    let acts = vec![draw.go([-1.3, z]), Act::Stand { s: 4.0 }, draw.go([-9.0, z])];
    script.people.push(draw.person(4.0, [-9.0, z], acts));
    out.push(script);
    let (mut script, _) = build("storm", "Wind, rain and a shaking pole; nobody is there.", "both");
    script.weather = Weather { rain: 0.9, wind: 1.0, shake: 3.0, ..Weather::default() };
    out.push(script);
    out
}

pub(super) fn loitering(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::Loitering).dwell(20);
    let mut out = Vec::new();
    for (name, note, place, sky) in [
        ("waits", "Somebody waits before the gate, and walks up and down.", Place::Gate, Sky::Overcast),
        ("sun", "Somebody strolls about in the sun.", Place::Square, Sky::Sunny),
        ("night", "Somebody hangs about under the lamp at night.", Place::Gate, Sky::Night),
        ("corridor", "Somebody stays in the corridor.", Place::Corridor, Sky::Overcast),
    ] {
        let (mut script, draw) = scene(name, note, place, seed);
        script = script.watch(rule()).lasting(75.0);
        script.sky = vec![(0.0, sky)];
        let (x, z) = middle(place);
        let mut person = visitor(&draw, place, 5.0, 8.0);
        let leave = person.acts.pop().expect("a visitor leaves");
        for step in 0..3 {
            let side = if step % 2 == 0 { 1.0 } else { -1.0 };
            let to = [x + side * draw.some(0.5, 1.2), z + draw.some(-1.0, 1.0)];
            person.acts.extend([Act::Go { to, pace: 0.8 }, Act::Stand { s: draw.some(5.0, 8.0) }]);
        }
        person.acts.push(leave);
        script.people.push(person);
        out.push(script);
    }
    let (mut script, draw) =
        scene("passes", "People pass through, one after the other, none stays.", Place::Gate, seed);
    script = script.watch(rule()).lasting(75.0);
    for i in 0..6 {
        script.people.push(draw.passer(4.0 + i as f32 * 9.0, draw.some(9.0, 12.0)));
    }
    out.push(script);
    let (mut script, draw) = scene("short", "Somebody waits, but not long enough.", Place::Square, seed);
    script = script.watch(rule()).lasting(50.0);
    script.people.push(visitor(&draw, Place::Square, 5.0, 6.0));
    out.push(script);
    let (mut script, draw) =
        scene("bench", "Somebody sits for long on a bench outside the zone.", Place::Square, seed);
    script = script.watch(rule()).lasting(75.0);
    let bench = [-4.6, 17.4];
    let acts = vec![draw.go(bench), Act::Sit { s: 45.0 }, draw.go([-14.0, 17.4])];
    script.people.push(draw.person(3.0, [-14.0, 17.4], acts));
    out.push(script);
    out
}

pub(super) fn crowding(seed: u64) -> Vec<Script> {
    let rule = || Rule { count: Some(5), ..Rule::new(IncidentKind::Crowding).dwell(8) };
    let gather = |draw: &Draw, place: Place, many: u32, stay_s: f32| -> Vec<Person> {
        let (x, z) = middle(place);
        (0..many)
            .map(|i| {
                // In a ragged row and a half, so that few are hidden.
                let step = i as f32 - (many - 1) as f32 / 2.0;
                let at = [x + step * 0.95 + draw.some(-0.12, 0.12), z + if i % 2 == 0 { 0.9 } else { -0.9 }];
                let side = if step < 0.0 { -1.0 } else { 1.0 };
                let edge = [side * edge_at(z), at[1]];
                let acts = vec![draw.go(at), Act::Stand { s: stay_s + draw.some(0.0, 2.0) }, draw.go(edge)];
                draw.person(3.0 + i as f32 * 0.5, edge, acts)
            })
            .collect()
    };
    let mut out = Vec::new();
    for (name, note, place, sky, many) in [
        ("square", "Seven meet in the square.", Place::Square, Sky::Overcast, 7),
        ("sun", "Six meet under the sun.", Place::Square, Sky::Sunny, 6),
        ("car-park", "Seven stand together in the car park.", Place::CarPark, Sky::Overcast, 7),
    ] {
        let (mut script, draw) = scene(name, note, place, seed);
        script = script.watch(rule()).lasting(60.0);
        script.sky = vec![(0.0, sky)];
        script.people = gather(&draw, place, many, 26.0);
        out.push(script);
    }
    let (mut script, draw) = scene("three", "Only three stand there.", Place::Square, seed);
    script = script.watch(rule()).lasting(50.0);
    script.people = gather(&draw, Place::Square, 3, 25.0);
    out.push(script);
    let (mut script, draw) = scene("stream", "Many pass, never many at once.", Place::Square, seed);
    script = script.watch(rule()).lasting(60.0);
    script.people = (0..7).map(|i| draw.passer(3.0 + i as f32 * 6.0, draw.some(10.0, 15.0))).collect();
    out.push(script);
    out
}

type Does = fn(&Draw) -> Vec<Act>;

pub(super) fn fall(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::Fall);
    let mut out = Vec::new();
    for (name, note, place, sky) in [
        ("square", "Somebody falls in the square and stays down.", Place::Square, Sky::Overcast),
        ("gate", "Somebody falls before the gate.", Place::Gate, Sky::Overcast),
        ("sun", "Somebody falls under the sun.", Place::Square, Sky::Sunny),
        ("night", "Somebody falls at night.", Place::Gate, Sky::Night),
    ] {
        let (mut script, draw) = scene(name, note, place, seed);
        script = script.watch(rule()).lasting(55.0);
        script.sky = vec![(0.0, sky)];
        let mut person = visitor(&draw, place, 4.0, 2.0);
        let leave = person.acts.pop().expect("a visitor leaves");
        person.acts.extend([Act::Fall { s: draw.some(20.0, 26.0) }, Act::Rise, leave]);
        script.people.push(person);
        out.push(script);
    }
    let traps: [(&str, &str, Does); 4] = [
        ("bends", "Somebody bends down twice and goes on.", |d| {
            vec![Act::Bend { s: d.some(3.0, 5.0) }, Act::Stand { s: 2.0 }, Act::Bend { s: 6.0 }]
        }),
        ("sits", "Somebody sits down for a while.", |_| vec![Act::Sit { s: 18.0 }]),
        ("runs", "Somebody runs through.", |_| vec![Act::Go { to: [1.5, 11.5], pace: 3.4 }]),
        ("stumbles", "Somebody falls and is up again at once.", |_| vec![Act::Fall { s: 0.6 }, Act::Rise]),
    ];
    for (name, note, does) in traps {
        let (mut script, draw) = scene(name, note, Place::Square, seed);
        script = script.watch(rule()).lasting(50.0);
        let mut person = visitor(&draw, Place::Square, 4.0, 1.0);
        let leave = person.acts.pop().expect("a visitor leaves");
        person.acts.extend(does(&draw));
        person.acts.push(leave);
        if name == "stumbles" {
            script.rules[0].labels = vec![Label::Person];
        }
        script.people.push(person);
        out.push(script);
    }
    // Whoever gets up at once has not fallen to anybody who must be called.
    if let Some(script) = out.iter_mut().find(|s| s.name == "stumbles") {
        script.rules[0].dwell_s = Some(3);
    }
    let (mut script, draw) =
        scene("suitcase", "Somebody sets a suitcase down and walks on without it.", Place::Square, seed);
    script = script.watch(rule()).lasting(45.0);
    let z = draw.some(10.0, 13.0);
    let acts = vec![draw.go([0.0, z]), Act::PutDown, draw.go([edge_at(z), z])];
    script.people.push(Person { bag: Some(BagKind::Suitcase), ..draw.person(3.0, [-edge_at(z), z], acts) });
    out.push(script);
    out
}
