//! Scenes of things left behind, of fire and of smoke.

use protocol::IncidentKind;

use super::super::act::{Act, Drive, Person, Vehicle};
use super::super::flame::Fire;
use super::super::paint::Rgb;
use super::super::place::Place;
use super::super::prop::BagKind;
use super::super::script::{LightChange, Rule, Script, Sky, Sweep, Weather};
use super::super::vehicle::VehicleKind;
use super::{Draw, edge_at, scene, watched};

pub(super) fn abandoned(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::AbandonedObject).dwell(20);
    let mut out = Vec::new();
    let mut add = |name: &str, note: &str, place: Place, seconds: f32, fill: &dyn Fn(&mut Script, &Draw)| {
        let (mut script, draw) = scene(name, note, place, seed);
        script = script.watch(rule()).lasting(seconds);
        fill(&mut script, &draw);
        out.push(script);
    };
    // The bag lies about three body lengths inside the zone.
    let leaver = |draw: &Draw, place: Place| {
        let corners = watched(place).ground;
        let z = f32::midpoint(corners[0][1], corners[2][1]) + draw.some(-0.5, 0.5);
        let (side, x) = (draw.side(), draw.some(-0.8, 0.8));
        let edge = if place == Place::Corridor { 1.0 } else { edge_at(z) };
        let [from, to] = match place {
            Place::Corridor => [[0.3, 19.0], [0.2, 2.2]],
            _ => [[-side * edge, z], [side * edge, z]],
        };
        let acts = vec![draw.go([x, z]), Act::PutDown, Act::Go { to, pace: 1.5 }];
        let person = draw.person(6.0, from, acts);
        (Person { bag: Some(draw.one(&BagKind::ALL)), ..person }, [x, z])
    };
    for (name, note, place, sky) in [
        ("square", "A bag is left in the square.", Place::Square, Sky::Overcast),
        ("gate", "A bag is left before the gate.", Place::Gate, Sky::Overcast),
        ("corridor", "A bag is left in the corridor.", Place::Corridor, Sky::Overcast),
        ("sun", "A bag is left under the sun.", Place::Square, Sky::Sunny),
    ] {
        add(name, note, place, 75.0, &|s, d| {
            s.sky = vec![(0.0, sky)];
            s.people.push(leaver(d, place).0);
        });
    }
    add("passers", "People pass a bag that somebody has left.", Place::Gate, 85.0, &|s, d| {
        s.people.push(leaver(d, Place::Gate).0);
        s.people.extend((0..3).map(|i| d.passer(26.0 + i as f32 * 10.0, d.some(8.5, 9.5))));
    });
    add("fetched", "A bag is fetched again in time.", Place::Square, 75.0, &|s, d| {
        let (person, [x, z]) = leaver(d, Place::Square);
        s.people.push(person);
        let acts = vec![Act::Go { to: [x, z], pace: 1.6 }, Act::TakeUp, d.go([edge_at(z), z])];
        s.people.push(d.person(15.0, [-edge_at(z), z], acts));
    });
    add("sits", "Somebody sits on a bench for a while.", Place::Square, 75.0, &|s, d| {
        let acts = vec![d.go([-3.0, 15.5]), Act::Sit { s: 35.0 }, d.go([-13.0, 15.5])];
        s.people.push(d.person(4.0, [-13.0, 15.5], acts));
    });
    add("car", "A car parks beside the aisle and stays.", Place::CarPark, 80.0, &|s, d| {
        let drives = vec![Drive::To { to: [0.0, 17.2], speed: 4.0 }, Drive::Park { s: 200.0 }];
        let kind = d.one(&[VehicleKind::Saloon, VehicleKind::Van]);
        s.vehicles.push(Vehicle {
            kind,
            paint: None,
            starts_s: 5.0,
            from: [-16.0, 11.5],
            drives,
            lights: false,
        });
    });
    add("light", "Sun and clouds alternate over an empty square.", Place::Square, 75.0, &|s, d| {
        s.sky = vec![(0.0, Sky::Overcast), (d.some(18.0, 22.0), Sky::Sunny)];
        s.light = vec![LightChange { at_s: 40.0, over_s: 2.0, to: 0.75 }];
    });
    add("storm", "Rain and swaying trees.", Place::Gate, 60.0, &|s, _| {
        s.weather = Weather { rain: 1.0, wind: 1.0, shake: 3.0, ..Weather::default() };
    });
    out
}

fn fire_at(at: [f32; 3], starts_s: f32, size_m: f32) -> Fire {
    Fire { at, starts_s, grows_s: 8.0, ends_s: 1_000.0, size_m, flames: true, smoke: true }
}

pub(super) fn fire(seed: u64) -> Vec<Script> {
    let mut out = Vec::new();
    let mut add = |name: &str, note: &str, place: Place, fill: &dyn Fn(&mut Script, &Draw)| {
        let (mut script, draw) = scene(name, note, place, seed);
        script.rules = vec![Rule::new(IncidentKind::Fire)];
        script.seconds = 40.0;
        fill(&mut script, &draw);
        out.push(script);
    };
    add("rubbish", "Rubbish burns before the gate.", Place::Gate, &|s, d| {
        s.fires.push(fire_at(
            [d.some(-3.0, 3.0), 0.0, d.some(9.0, 13.0)],
            d.some(9.0, 12.0),
            d.some(1.3, 1.9),
        ));
    });
    add("night", "A fire at night.", Place::Square, &|s, d| {
        s.sky = vec![(0.0, Sky::Night)];
        s.fires.push(fire_at([d.some(-4.0, 4.0), 0.0, d.some(11.0, 15.0)], 10.0, d.some(1.4, 2.0)));
    });
    add("rain", "A fire in the rain, with people running.", Place::Lane, &|s, d| {
        s.weather = Weather { rain: 0.6, wind: 0.6, ..Weather::default() };
        s.fires.push(fire_at([d.some(-1.5, 1.5), 0.0, d.some(9.0, 12.0)], 10.0, d.some(1.3, 1.8)));
        let acts = vec![Act::Go { to: [0.5, 4.0], pace: 3.2 }];
        s.people.push(d.person(14.0, [0.5, 24.0], acts));
    });
    add("corridor", "Something burns in the corridor.", Place::Corridor, &|s, d| {
        s.fires.push(fire_at([d.some(-0.8, 0.8), 0.0, d.some(6.0, 9.0)], 9.0, d.some(0.9, 1.2)));
    });
    add("glare", "The low sun shines into the lens and in windows.", Place::Square, &|s, d| {
        s.sky = vec![(0.0, Sky::Sunset)];
        s.people = vec![d.passer(6.0, 11.0), d.passer(18.0, 13.0)];
    });
    add("glare-gate", "Sunset at the gate; trees sway.", Place::Gate, &|s, _| {
        s.sky = vec![(0.0, Sky::Sunset)];
        s.weather.wind = 0.8;
    });
    add("red-coats", "People in red, orange and yellow coats walk about.", Place::Gate, &|s, d| {
        for (i, coat) in
            [Rgb(206, 36, 26), Rgb(240, 120, 24), Rgb(250, 200, 50), Rgb(220, 60, 20)].into_iter().enumerate()
        {
            let person = d.passer(3.0 + i as f32 * 6.0, d.some(8.0, 12.5));
            s.people.push(Person { coat: Some(coat), ..person });
        }
    });
    add("headlights", "Cars with headlights on come closer at night.", Place::Lane, &|s, d| {
        s.sky = vec![(0.0, Sky::Night)];
        for i in 0..2 {
            let drives = vec![Drive::To { to: [0.3, 5.0], speed: 5.0 }];
            s.vehicles.push(Vehicle {
                kind: d.one(&[VehicleKind::Saloon, VehicleKind::Van]),
                paint: Some(Rgb(180, 40, 34)),
                starts_s: 4.0 + i as f32 * 16.0,
                from: [0.0, 44.0],
                drives,
                lights: true,
            });
        }
        s.sweeps.push(Sweep { from_s: 20.0, to_s: 24.0, from: [-3.0, 8.0], to: [3.0, 14.0] });
    });
    add("red-car", "A red and a yellow car park before the camera.", Place::CarPark, &|s, d| {
        for (i, paint) in [Rgb(214, 40, 24), Rgb(244, 170, 36)].into_iter().enumerate() {
            let x = -1.3 + i as f32 * 2.6;
            let drives = vec![Drive::To { to: [x, 12.0], speed: 5.0 }, Drive::Park { s: 300.0 }];
            s.vehicles.push(Vehicle {
                kind: d.one(&[VehicleKind::Saloon, VehicleKind::Hatchback]),
                paint: Some(paint),
                starts_s: 3.0 + i as f32 * 6.0,
                from: [-14.0, 10.0 + i as f32],
                drives,
                lights: false,
            });
        }
    });
    out
}

pub(super) fn smoke(seed: u64) -> Vec<Script> {
    let mut out = Vec::new();
    let mut add = |name: &str, note: &str, place: Place, fill: &dyn Fn(&mut Script, &Draw)| {
        let (mut script, draw) = scene(name, note, place, seed);
        script.rules = vec![Rule::new(IncidentKind::Smoke)];
        script.seconds = 42.0;
        fill(&mut script, &draw);
        out.push(script);
    };
    let smoulder = |at, size_m| Fire { flames: false, ..fire_at(at, 10.0, size_m) };
    add("bin", "Smoke rises from a bin.", Place::Gate, &|s, d| {
        s.fires.push(smoulder([d.some(-3.0, 3.0), 0.3, d.some(9.0, 12.0)], d.some(0.8, 1.2)));
    });
    add("wind", "Smoke drifts over the square.", Place::Square, &|s, d| {
        s.weather.wind = 0.7;
        s.fires.push(smoulder([d.some(-3.0, 3.0), 0.2, d.some(11.0, 14.0)], d.some(1.0, 1.5)));
    });
    add("corridor", "The corridor fills with smoke.", Place::Corridor, &|s, d| {
        s.fires.push(smoulder([d.some(-0.8, 0.8), 0.1, d.some(6.0, 9.0)], 0.8));
    });
    add("clouds", "Clouds pass; people walk by.", Place::Square, &|s, d| {
        s.light = vec![
            LightChange { at_s: 8.0, over_s: 6.0, to: 0.7 },
            LightChange { at_s: 22.0, over_s: 6.0, to: 1.05 },
        ];
        s.people = vec![d.passer(5.0, 11.0), d.passer(16.0, 13.0)];
    });
    add("snow", "Thick snow falls.", Place::Gate, &|s, _| {
        s.weather = Weather { snow: 1.0, wind: 0.6, ..Weather::default() };
    });
    out
}
