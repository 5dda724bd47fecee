//! Hours in which nothing happens that a rule waits for: what must give no alarm at all. Around the clock, at every
//! place, in every weather, watched by all rules at once. In every other clip people go about their ways through the
//! zone, and only the rules that nobody may enter it are left out; in the others they keep outside of it.

use protocol::IncidentKind;

use super::super::act::{Act, Drive, Vehicle};
use super::super::place::Place;
use super::super::prop::BagKind;
use super::super::script::{LightChange, Line, Rule, Script, Sky, Sweep, Weather};
use super::people::visitor;
use super::{Draw, KINDS, watched};

/// One quiet clip, of so many seconds. `number` counts through places and skies, so that thirty
/// of them show each place under each.
pub fn script(number: u64, seed: u64, seconds: f32) -> Script {
    let place = Place::ALL[(number % 6) as usize];
    let name = format!("quiet-{number}");
    let draw = Draw::of(&name, seed);
    let mut script = Script::new(&format!("{name}-{seed}"), place, super::own_seed(&name, seed));
    script.seconds = seconds;
    let skies = [Sky::Overcast, Sky::Sunny, Sky::Night, Sky::Infrared, Sky::Sunset];
    let sky = if place.indoors() { Sky::Overcast } else { skies[(number % 5) as usize] };
    // Places and skies go round in other numbers: in time each is seen both ways.
    let busy = number / 6 % 2 == 1;
    let who = if busy { "people come and go" } else { "nobody enters" };
    script.note = format!("Nothing happens: {place:?}, {sky:?}, {who}.");
    script.sky = vec![(0.0, sky)];
    if !place.indoors() {
        script.weather = draw.one(&[
            Weather::default(),
            Weather { wind: 0.6, ..Weather::default() },
            Weather { rain: 0.7, wind: 0.5, ..Weather::default() },
            Weather { snow: 0.6, ..Weather::default() },
            Weather { wind: 1.0, shake: 3.0, ..Weather::default() },
            Weather { noise: 0.4, ..Weather::default() },
        ]);
        clouds(&mut script, &draw);
        traffic(&mut script, &draw, sky);
    }
    if place == Place::Lift {
        let mut from = 20.0;
        while from + 10.0 < seconds {
            script.door.push((from, from + draw.some(5.0, 9.0)));
            from += draw.some(60.0, 150.0);
        }
    }
    if busy {
        visits(&mut script, &draw);
    } else {
        pass_outside(&mut script, &draw);
    }
    watch_everything(&mut script, busy);
    script
}

/// One after another somebody comes through the zone and does what people do there, never for long: stands and looks,
/// bends to a shoe, sits down, carries a bag along, puts it down and takes it up again.
fn visits(script: &mut Script, draw: &Draw) {
    if script.place == Place::Lift {
        return rides(script, draw);
    }
    let mut at_s = draw.some(6.0, 20.0);
    while at_s + 20.0 < script.seconds {
        let mut person = visitor(draw, script.place, at_s, draw.some(0.0, 4.0));
        let does = match draw.0.below(7) {
            0 => vec![Act::Bend { s: draw.some(2.0, 6.0) }],
            1 => vec![Act::Sit { s: draw.some(5.0, 15.0) }],
            2 => vec![Act::Stand { s: draw.some(4.0, 12.0) }],
            3 => vec![Act::PutDown, Act::Stand { s: draw.some(2.0, 8.0) }, Act::TakeUp],
            _ => vec![],
        };
        let puts_down = does.contains(&Act::PutDown);
        let leave = person.acts.pop().expect("a visitor leaves");
        person.acts.extend(does);
        person.acts.push(leave);
        if puts_down || draw.0.below(3) == 0 {
            person.bag = Some(draw.one(&[BagKind::Suitcase, BagKind::Backpack]));
        }
        script.people.push(person);
        at_s += draw.some(45.0, 120.0);
    }
}

/// Into the lift while its door stands open, and out when it opens again.
fn rides(script: &mut Script, draw: &Draw) {
    for rides in script.door.windows(2) {
        let ([(opens_s, closes_s), (again_s, _)], true) = ([rides[0], rides[1]], draw.flip()) else {
            continue;
        };
        if closes_s - opens_s < 6.0 {
            continue;
        }
        let acts = vec![
            Act::Go { to: [draw.some(-0.4, 0.4), draw.some(1.8, 2.2)], pace: 0.8 },
            Act::Stand { s: (again_s - opens_s - 3.0).max(1.0) },
            Act::Go { to: [0.1, 3.4], pace: 0.9 },
            Act::Go { to: [2.5, 4.6], pace: 1.0 },
        ];
        script.people.push(draw.person(opens_s + 0.6, [-0.15, 3.9], acts));
    }
}

/// People pass before and behind the zone, where the place has room for that.
fn pass_outside(script: &mut Script, draw: &Draw) {
    let ways = match script.place {
        Place::Gate => [6.2, 14.8],
        Place::Square => [8.0, 17.4],
        Place::CarPark => [7.2, 15.8],
        Place::Lane | Place::Lift | Place::Corridor => return,
    };
    let mut at_s = draw.some(10.0, 40.0);
    while at_s + 30.0 < script.seconds {
        script.people.push(draw.passer(at_s, draw.one(&ways)));
        at_s += draw.some(40.0, 150.0);
    }
}

/// It gets darker and lighter, slowly and at once.
fn clouds(script: &mut Script, draw: &Draw) {
    let mut at_s = draw.some(20.0, 60.0);
    while at_s < script.seconds {
        let over_s = draw.one(&[0.3, 2.0, 10.0, 40.0]);
        script.light.push(LightChange { at_s, over_s, to: draw.some(0.72, 1.08) });
        at_s += draw.some(45.0, 200.0);
    }
}

/// At night headlights sweep by; in the car park a car comes and stays to the end, outside the zone.
fn traffic(script: &mut Script, draw: &Draw, sky: Sky) {
    if sky == Sky::Night {
        let mut from_s = draw.some(10.0, 40.0);
        while from_s + 5.0 < script.seconds {
            let (side, z) = (draw.side(), draw.some(7.0, 13.0));
            let sweep = Sweep {
                from_s,
                to_s: from_s + draw.some(2.0, 5.0),
                from: [-9.0 * side, z],
                to: [9.0 * side, z],
            };
            script.sweeps.push(sweep);
            from_s += draw.some(30.0, 120.0);
        }
    }
    if script.place == Place::CarPark {
        let drives = vec![
            Drive::To { to: [0.0, 17.4], speed: 4.0 },
            Drive::Park { s: 3_600.0 },
            Drive::Back { to: [-18.0, 20.4], speed: 3.0 },
        ];
        script.vehicles.push(Vehicle {
            kind: super::super::vehicle::VehicleKind::Saloon,
            paint: None,
            starts_s: 8.0,
            from: [-18.0, 20.4],
            drives,
            lights: sky == Sky::Night,
        });
    }
}

fn watch_everything(script: &mut Script, busy: bool) {
    let zone = watched(script.place);
    for kind in KINDS {
        let rides_far = script.place == Place::Lift && kind == IncidentKind::Loitering;
        if busy && (rides_far || matches!(kind, IncidentKind::Intrusion | IncidentKind::LineCrossing)) {
            continue;
        }
        let rule = Rule::new(kind);
        match kind {
            // Needs a model that most boxes do not have.
            IncidentKind::Smoke => {}
            IncidentKind::LineCrossing => {
                let [a, b] = [zone.ground[0], zone.ground[2]];
                script.lines = vec![Line { id: "line".to_owned(), ground: [a, b] }];
                script.rules.push(Rule { line: Some("line".to_owned()), ..rule });
            }
            IncidentKind::Fire
            | IncidentKind::CameraCovered
            | IncidentKind::CameraDefocused
            | IncidentKind::CameraMoved
            | IncidentKind::CameraFrozen
            | IncidentKind::CameraLost => script.rules.push(rule),
            _ => script.rules.push(rule.in_zone(&zone.id)),
        }
    }
    script.zones = vec![zone];
}
