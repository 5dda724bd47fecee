//! Hours in which nothing happens that a rule waits for: what must give no alarm at all. Around the clock, at every
//! place, in every weather, watched by all rules at once.

use protocol::IncidentKind;

use super::super::act::{Drive, Vehicle};
use super::super::place::Place;
use super::super::script::{LightChange, Line, Rule, Script, Sky, Sweep, Weather};
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
    script.note = format!("Nothing happens: {place:?}, {sky:?}.");
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
    watch_everything(&mut script);
    script
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

/// At night headlights sweep by; in the car park a car comes and stays for an hour, outside the zone.
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

fn watch_everything(script: &mut Script) {
    let zone = watched(script.place);
    for kind in KINDS {
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
