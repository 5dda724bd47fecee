//! Whoever and whatever may stand in a camera's picture, at random: pictures to train a detector with and to measure it on.
//! A few seconds each, one frame a second, everybody there from the first.

use super::super::act::{Act, Cycle, Dog, Drive, Ground, Person, Vehicle};
use super::super::cycle::CycleKind;
use super::super::paint::Rgb;
use super::super::place::Place;
use super::super::prop::BagKind;
use super::super::script::{Fault, FaultKind, LightChange, Script, Sky, Weather};
use super::super::vehicle::VehicleKind;
use super::Draw;

/// Frames of a script.
pub const FRAMES: u32 = 3;

pub fn script(seed: u64) -> Script {
    let name = format!("mixed-{seed}");
    let draw = Draw::of(&name, seed);
    let place = draw.one(&Place::ALL);
    let mut script = Script::new(&name, place, super::own_seed(&name, seed));
    (script.fps, script.seconds) = (1, FRAMES as f32);
    let skies = [Sky::Overcast, Sky::Overcast, Sky::Sunny, Sky::Sunset, Sky::Night, Sky::Infrared];
    script.sky = vec![(0.0, if place.indoors() { Sky::Overcast } else { draw.one(&skies) })];
    script.light = vec![LightChange { at_s: 0.0, over_s: 0.0, to: draw.some(0.55, 1.15) }];
    script.weather = Weather { noise: draw.some(0.0, 0.6), ..Weather::default() };
    if !place.indoors() && draw.0.below(4) == 0 {
        script.weather.rain = draw.some(0.2, 0.9);
        script.weather.wind = draw.some(0.0, 1.0);
    } else if !place.indoors() && draw.0.below(6) == 0 {
        script.weather.snow = draw.some(0.2, 0.9);
    }
    // Another camera: it looks elsewhere, and not always sharp.
    let turned = [draw.some(-220.0, 220.0), draw.some(-70.0, 70.0)];
    script.faults.push(Fault { kind: FaultKind::Turn(turned), from_s: 0.0, to_s: script.seconds });
    if draw.0.below(4) == 0 {
        let blur = FaultKind::Defocus(draw.some(1.0, 4.0));
        script.faults.push(Fault { kind: blur, from_s: 0.0, to_s: script.seconds });
    }
    if place == Place::Lift && draw.flip() {
        script.door.push((-2.0, 9.0));
    }
    let crowd = if place == Place::Lift { 4 } else { 9 };
    for _ in 0..draw.0.below(crowd) {
        let person = somebody(&draw, place);
        script.people.push(person);
    }
    if !place.indoors() {
        for _ in 0..draw.0.below(4) {
            script.vehicles.push(vehicle(&draw, place));
        }
        if draw.0.below(6) == 0 {
            let (from, to) = (spot(&draw, place), spot(&draw, place));
            script.dogs.push(Dog { starts_s: 0.0, from, to, pace: draw.some(0.5, 3.0) });
        }
    }
    for _ in 0..draw.0.below(3) {
        script.bags.push((draw.one(&BagKind::ALL), spot(&draw, place)));
    }
    script
}

/// Somewhere on the ground that the camera sees; near and far alike.
fn spot(draw: &Draw, place: Place) -> Ground {
    let (near, far, half): (f32, f32, f32) = match place {
        Place::Lift => (1.3, 2.5, 0.9),
        Place::Corridor => (2.5, 13.0, 1.4),
        Place::Lane => (4.5, 32.0, 3.0),
        Place::Gate => (4.5, 15.0, 30.0),
        Place::Square | Place::CarPark => (4.5, 26.0, 30.0),
    };
    let z = near * (far / near).powf(draw.some(0.0, 1.0));
    let half = half.min(z * 0.68);
    [draw.some(-half, half), z]
}

fn somebody(draw: &Draw, place: Place) -> Person {
    let from = spot(draw, place);
    let to = spot(draw, place);
    let act = match draw.0.below(12) {
        0..=5 => Act::Go { to, pace: draw.some(0.6, 1.6) },
        6 => Act::Go { to, pace: draw.some(2.4, 3.6) },
        7 | 8 => Act::Stand { s: 9.0 },
        9 => Act::Sit { s: 9.0 },
        10 => Act::Bend { s: 4.0 },
        _ => Act::Fall { s: 9.0 },
    };
    // Who falls has fallen: a second of it is seen, then how somebody lies.
    let mut person = Person {
        stature: draw.some(1.25, 1.92),
        ..Person::new(-1.0, from, vec![act, Act::Stand { s: 9.0 }])
    };
    if draw.0.below(5) == 0 {
        person.bag = Some(draw.one(&BagKind::ALL));
    }
    let on_foot = matches!(act, Act::Go { .. } | Act::Stand { .. });
    if on_foot && draw.0.below(if place == Place::Corridor { 12 } else { 5 }) == 0 {
        let kind = draw.one(&[CycleKind::Bicycle, CycleKind::Ebike]);
        let ridden = !place.indoors() && draw.flip();
        person.cycle = Some(Cycle { kind, ridden, paint: paint(draw) });
    }
    person
}

fn paint(draw: &Draw) -> Rgb {
    let shade = || draw.some(20.0, 235.0) as u8;
    Rgb(shade(), shade(), shade())
}

fn vehicle(draw: &Draw, place: Place) -> Vehicle {
    let kinds =
        [VehicleKind::Saloon, VehicleKind::Hatchback, VehicleKind::Van, VehicleKind::Truck, VehicleKind::Bus];
    let kind = draw.one(&kinds);
    let [x, z] = spot(draw, place);
    // Larger ones stand farther off: the camera hangs over people.
    let from =
        [x, z.max(7.0) + if matches!(kind, VehicleKind::Truck | VehicleKind::Bus) { 5.0 } else { 0.0 }];
    let angle = draw.some(0.0, std::f32::consts::TAU);
    let to = [from[0] + 9.0 * angle.cos(), (from[1] + 9.0 * angle.sin()).max(5.0)];
    let drive = Drive::To { to, speed: draw.some(0.05, 1.5) };
    let paint = draw.flip().then(|| paint(draw));
    Vehicle { kind, paint, starts_s: -1.0, from, drives: vec![drive], lights: draw.0.below(3) == 0 }
}
