//! Scenes of rules that wait for vehicles.

use protocol::IncidentKind;

use super::super::act::{Act, Cycle, Drive, Ground, Person, Vehicle};
use super::super::cycle::CycleKind;
use super::super::paint::Rgb;
use super::super::place::Place;
use super::super::prop::BagKind;
use super::super::script::{LightChange, Rule, Script, Sky, Sweep, Weather};
use super::super::vehicle::VehicleKind;
use super::{Draw, edge_at, scene};

fn car(kind: VehicleKind, starts_s: f32, from: Ground, drives: Vec<Drive>) -> Vehicle {
    Vehicle { kind, paint: None, starts_s, from, drives, lights: false }
}

fn to(x: f32, z: f32, speed: f32) -> Drive {
    Drive::To { to: [x, z], speed }
}

/// Across the picture at this distance, standing at `x` for a while.
fn crossing(draw: &Draw, kind: VehicleKind, starts_s: f32, (x, z): (f32, f32), stands_s: f32) -> Vehicle {
    let side = draw.side();
    let edge = edge_at(z) + 4.5;
    let mut drives = vec![to(x, z, draw.some(4.0, 6.0))];
    if stands_s > 0.0 {
        drives.push(Drive::Park { s: stands_s });
    }
    drives.push(to(side * edge, z, draw.some(4.0, 6.0)));
    car(kind, starts_s, [-side * edge, z], drives)
}

const MOST: [VehicleKind; 4] =
    [VehicleKind::Saloon, VehicleKind::Hatchback, VehicleKind::Van, VehicleKind::Saloon];

pub(super) fn forbidden(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::VehicleForbidden);
    let mut out = Vec::new();
    for (name, note, kind, sky, weather) in [
        (
            "saloon",
            "A car drives into the square and out again.",
            VehicleKind::Saloon,
            Sky::Overcast,
            Weather::default(),
        ),
        ("van", "A van crosses the square under the sun.", VehicleKind::Van, Sky::Sunny, Weather::default()),
        (
            "rain",
            "A small car comes in the rain.",
            VehicleKind::Hatchback,
            Sky::Overcast,
            Weather { rain: 0.8, wind: 0.4, ..Weather::default() },
        ),
        ("truck", "A truck stops in the square.", VehicleKind::Truck, Sky::Overcast, Weather::default()),
    ] {
        let (mut script, draw) = scene(name, note, Place::Square, seed);
        script = script.watch(rule()).lasting(45.0);
        (script.sky, script.weather) = (vec![(0.0, sky)], weather);
        let at = (draw.some(-0.8, 0.8), draw.some(11.5, 13.5));
        script.vehicles.push(crossing(&draw, kind, 6.0, at, draw.some(6.0, 12.0)));
        out.push(script);
    }
    let (mut script, draw) =
        scene("cyclists", "Cyclists and people with e-bikes cross the square.", Place::Square, seed);
    script = script.watch(rule()).lasting(50.0);
    for (i, ridden) in [true, true, false].into_iter().enumerate() {
        let mut person = draw.passer(4.0 + i as f32 * 10.0, draw.some(10.0, 15.0));
        let kind = draw.one(&[CycleKind::Bicycle, CycleKind::Ebike]);
        person.cycle = Some(Cycle { kind, ridden, paint: draw.one(&PAINTS) });
        if ridden {
            for act in &mut person.acts {
                if let Act::Go { pace, .. } = act {
                    *pace = 3.0;
                }
            }
        }
        script.people.push(person);
    }
    out.push(script);
    let (mut script, draw) =
        scene("outside", "Cars pass behind the square, none enters it.", Place::Square, seed);
    script = script.watch(rule()).lasting(45.0);
    script.vehicles = vec![
        crossing(&draw, draw.one(&MOST), 4.0, (0.0, 19.5), 0.0),
        crossing(&draw, draw.one(&MOST), 18.0, (3.0, 20.0), 6.0),
    ];
    out.push(script);
    let (mut script, draw) = scene("people", "People with cartons cross the square.", Place::Square, seed);
    script = script.watch(rule()).lasting(45.0);
    for i in 0..4 {
        let person = draw.passer(4.0 + i as f32 * 6.0, draw.some(10.0, 15.0));
        script.people.push(Person { bag: Some(BagKind::Carton), ..person });
    }
    out.push(script);
    out
}

const PAINTS: [Rgb; 5] =
    [Rgb(40, 90, 150), Rgb(170, 40, 40), Rgb(230, 230, 226), Rgb(40, 42, 46), Rgb(60, 120, 90)];

/// Comes down the lane, stands, drives on towards the camera's side or backs out.
fn lane_car(draw: &Draw, kind: VehicleKind, starts_s: f32, z: f32, stands_s: f32) -> Vehicle {
    let x = draw.some(-0.7, 0.7);
    let drives =
        vec![to(x, z, 5.0), Drive::Park { s: stands_s }, Drive::Back { to: [0.0, 52.0], speed: 5.0 }];
    car(kind, starts_s, [0.0, 46.0], drives)
}

pub(super) fn blocked_lane(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::BlockedLane).dwell(20);
    let mut out = Vec::new();
    let mut add = |name: &str, note: &str, seconds: f32, fill: &dyn Fn(&mut Script, &Draw)| {
        let (mut script, draw) = scene(name, note, Place::Lane, seed);
        script = script.watch(rule()).lasting(seconds);
        fill(&mut script, &draw);
        out.push(script);
    };
    add("parks", "A car parks in the fire lane and leaves again.", 85.0, &|s, d| {
        s.vehicles.push(lane_car(d, d.one(&MOST), 3.0, d.some(9.5, 12.0), d.some(45.0, 50.0)));
    });
    add("passers", "People walk past before a parked van.", 90.0, &|s, d| {
        s.vehicles.push(lane_car(d, VehicleKind::Van, 3.0, 12.0, 52.0));
        for i in 0..4 {
            let x = d.some(-1.9, 1.9);
            s.people.push(d.person(14.0 + i as f32 * 10.0, [x, 20.0], vec![d.go([x, 3.0])]));
        }
    });
    add("rain", "A car parks in the rain.", 85.0, &|s, d| {
        s.weather = Weather { rain: 0.9, wind: 0.7, ..Weather::default() };
        s.vehicles.push(lane_car(d, VehicleKind::Saloon, 3.0, 10.5, 46.0));
    });
    add("clouds", "The light changes while a car stands there.", 95.0, &|s, d| {
        s.light = vec![
            LightChange { at_s: 30.0, over_s: 3.0, to: 0.68 },
            LightChange { at_s: 44.0, over_s: 0.4, to: 1.12 },
            LightChange { at_s: 55.0, over_s: 5.0, to: 0.9 },
        ];
        s.vehicles.push(lane_car(d, d.one(&MOST), 3.0, 11.0, 60.0));
    });
    add("night", "A car parks at night; headlights of others pass over it.", 95.0, &|s, d| {
        s.sky = vec![(0.0, Sky::Night)];
        s.vehicles.push(lane_car(d, VehicleKind::Hatchback, 3.0, 10.5, 55.0));
        for i in 0..4 {
            let from_s = 26.0 + i as f32 * 9.0;
            s.sweeps.push(Sweep { from_s, to_s: from_s + 3.5, from: [-4.0, 6.0], to: [4.0, 16.0] });
        }
    });
    add("short", "A car stops to let somebody out.", 60.0, &|s, d| {
        s.vehicles.push(lane_car(d, d.one(&MOST), 3.0, 11.0, d.some(7.0, 11.0)));
    });
    add("stops-and-goes", "Two cars stop one after the other, neither long enough.", 85.0, &|s, d| {
        s.vehicles.push(lane_car(d, d.one(&MOST), 3.0, 11.0, 11.0));
        s.vehicles.push(lane_car(d, d.one(&MOST), 38.0, 11.0, 11.0));
    });
    add("people", "People stand and talk in the lane.", 75.0, &|s, d| {
        for i in 0..2 {
            let at = [-0.5 + i as f32 * 1.1, 10.0];
            let acts = vec![d.go(at), Act::Stand { s: 45.0 }, d.go([at[0], 3.0])];
            s.people.push(d.person(3.0, [at[0], 20.0], acts));
        }
    });
    add("storm", "Trees sway over the empty lane, it rains.", 60.0, &|s, _| {
        s.weather = Weather { rain: 1.0, wind: 1.0, shake: 3.0, ..Weather::default() };
    });
    out
}

/// A car that stands in the fire lane for `stands_s` seconds, from an afternoon through a rainy night with headlights into
/// the next day, while people walk past before it: one stay, at two pictures a second. The clip ends half a minute after
/// it has driven off.
pub fn long_stay(seed: u64, stands_s: f32) -> Script {
    let (mut script, draw) = scene("long-stay", "A car stands in the fire lane for long.", Place::Lane, seed);
    script = script.watch(Rule::new(IncidentKind::BlockedLane).dwell(20)).lasting(stands_s + 50.0);
    script.fps = 2;
    let at = |share: f32| 20.0 + share * stands_s;
    let skies =
        [(0.0, Sky::Overcast), (at(0.25), Sky::Sunset), (at(0.35), Sky::Night), (at(0.75), Sky::Overcast)];
    script.sky = skies.to_vec();
    script.weather = Weather { rain: 0.5, wind: 0.4, ..Weather::default() };
    script.vehicles.push(lane_car(&draw, VehicleKind::Saloon, 3.0, 10.5, stands_s));
    let mut from_s = at(0.38);
    while from_s < at(0.72) {
        script.sweeps.push(Sweep { from_s, to_s: from_s + 3.5, from: [-4.0, 6.0], to: [4.0, 16.0] });
        from_s += draw.some(40.0, 120.0);
    }
    let mut from_s = 40.0;
    while from_s + 30.0 < stands_s {
        let x = draw.some(-1.9, 1.9);
        script.people.push(draw.person(from_s, [x, 20.0], vec![draw.go([x, 3.0])]));
        script.light.push(LightChange {
            at_s: from_s + 20.0,
            over_s: draw.one(&[0.4, 5.0, 40.0]),
            to: draw.some(0.75, 1.05),
        });
        from_s += draw.some(90.0, 240.0);
    }
    script
}

pub(super) fn ebike_in_lift(seed: u64) -> Vec<Script> {
    let rule = || Rule::new(IncidentKind::EbikeInLift);
    let mut out = Vec::new();
    let mut add = |name: &str, note: &str, fill: &dyn Fn(&mut Script, &Draw)| {
        let (mut script, draw) = scene(name, note, Place::Lift, seed);
        script = script.watch(rule()).lasting(46.0);
        script.door = vec![(4.0, 11.0), (28.0, 36.0)];
        fill(&mut script, &draw);
        out.push(script);
    };
    // Comes in from the landing, rides along, leaves by the door.
    let rider = |draw: &Draw, x: f32, z: f32| {
        let acts = vec![
            Act::Go { to: [x, z], pace: 0.8 },
            Act::Stand { s: draw.some(20.5, 22.0) },
            Act::Go { to: [0.1, 3.4], pace: 0.9 },
            Act::Go { to: [2.5, 4.6], pace: 1.0 },
        ];
        draw.person(4.6, [-0.15, 3.9], acts)
    };
    for (name, kind, note) in [
        ("pushed", CycleKind::Ebike, "An e-bike is pushed into the lift."),
        ("second", CycleKind::Ebike, "An e-bike is pushed into the lift, its owner farther back."),
        ("bicycle", CycleKind::Bicycle, "A bicycle is taken along."),
    ] {
        add(name, note, &|s, d| {
            // A cabin is not deep: what is pushed in stands near the camera.
            let z = if name == "second" { 2.05 } else { 1.8 };
            let cycle = Cycle { kind, ridden: false, paint: d.one(&PAINTS) };
            s.people.push(Person { cycle: Some(cycle), ..rider(d, -0.25, z) });
        });
    }
    add("suitcase", "Somebody with a suitcase takes the lift.", &|s, d| {
        s.people.push(Person { bag: Some(BagKind::Suitcase), ..rider(d, 0.0, 2.1) });
    });
    add("full", "Three people take the lift.", &|s, d| {
        for (i, x) in [-0.6, 0.1, 0.7].into_iter().enumerate() {
            let mut person = rider(d, x, 1.9 + i as f32 * 0.25);
            person.starts_s += i as f32 * 0.6;
            s.people.push(person);
        }
    });
    add("empty", "The door opens and closes; nobody comes.", &|_, _| {});
    out
}
