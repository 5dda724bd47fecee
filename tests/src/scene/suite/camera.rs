//! Scenes of cameras that something is wrong with, and of what only looks so.

use protocol::IncidentKind;

use super::super::act::{Act, Drive, Vehicle};
use super::super::place::Place;
use super::super::script::{Fault, FaultKind, LightChange, Rule, Script, Sky, Weather};
use super::super::vehicle::VehicleKind;
use super::{Draw, scene};

/// All rules of this family watch every scene: a covered camera must not be told of as a moved one.
fn watch() -> Vec<Rule> {
    let family = [
        IncidentKind::CameraCovered,
        IncidentKind::CameraDefocused,
        IncidentKind::CameraMoved,
        IncidentKind::CameraFrozen,
        IncidentKind::CameraLost,
    ];
    let rule = |kind| match kind {
        IncidentKind::CameraDefocused | IncidentKind::CameraFrozen => Rule::new(kind).dwell(5),
        IncidentKind::CameraLost => Rule::new(kind).dwell(10),
        _ => Rule::new(kind),
    };
    family.map(rule).into()
}

pub(super) fn faults(kind: IncidentKind, seed: u64) -> Vec<Script> {
    let mut out = Vec::new();
    let mut add = |name: &str, note: &str, place: Place, fill: &dyn Fn(&mut Script, &Draw)| {
        let (mut script, draw) = scene(name, note, place, seed);
        script.rules = watch();
        // The view has to be known before it can be told that it is another.
        script.seconds = 75.0;
        fill(&mut script, &draw);
        out.push(script);
    };
    let fault = |kind: FaultKind, from_s: f32, to_s: f32| Fault { kind, from_s, to_s };
    let at = |d: &Draw| d.some(30.0, 36.0);
    match kind {
        IncidentKind::CameraCovered => {
            add("hand", "A hand covers the lens for a while.", Place::Gate, &|s, d| {
                s.faults = vec![fault(FaultKind::Hand, at(d), 58.0)];
            });
            add("spray", "Somebody sprays paint on the lens.", Place::Corridor, &|s, d| {
                s.faults = vec![fault(FaultKind::Spray, at(d), 1_000.0)];
            });
            add("cloth", "A bag is pulled over the camera.", Place::Lane, &|s, d| {
                s.faults = vec![fault(FaultKind::Cloth, at(d), 1_000.0)];
            });
        }
        IncidentKind::CameraDefocused => {
            for (name, place, sky) in [
                ("gate", Place::Gate, Sky::Overcast),
                ("square", Place::Square, Sky::Sunny),
                ("night", Place::Gate, Sky::Night),
            ] {
                add(name, "The lens loses its focus.", place, &|s, d| {
                    s.sky = vec![(0.0, sky)];
                    s.faults = vec![fault(FaultKind::Defocus(d.some(9.0, 14.0)), at(d), 1_000.0)];
                });
            }
        }
        IncidentKind::CameraMoved => {
            for (name, place) in [("gate", Place::Gate), ("square", Place::Square), ("lane", Place::Lane)] {
                add(name, "Somebody turns the camera.", place, &|s, d| {
                    let by = [d.side() * d.some(280.0, 520.0), d.some(-80.0, 120.0)];
                    s.faults = vec![fault(FaultKind::Turn(by), at(d), 1_000.0)];
                });
            }
        }
        IncidentKind::CameraFrozen => {
            for (name, place, rain) in [("gate", Place::Gate, 0.0), ("rain", Place::Square, 0.8)] {
                add(name, "The picture freezes.", place, &|s, d| {
                    s.weather.rain = rain;
                    s.people = vec![d.passer(10.0, 11.0)];
                    s.faults = vec![fault(FaultKind::Freeze, at(d), 62.0)];
                });
            }
        }
        _ => {
            for (name, place) in [("gate", Place::Gate), ("square", Place::Square)] {
                add(name, "No pictures come for a while.", place, &|s, d| {
                    s.people = vec![d.passer(8.0, 11.0)];
                    s.faults = vec![fault(FaultKind::Loss, at(d), 62.0)];
                });
            }
        }
    }
    traps(&mut add);
    out
}

type Fill<'f> = &'f dyn Fn(&mut Script, &Draw);

/// Everything that has fooled methods of this kind elsewhere.
fn traps(add: &mut dyn FnMut(&str, &str, Place, Fill<'_>)) {
    add("lights-out", "The light in the corridor goes out and on again.", Place::Corridor, &|s, d| {
        s.light = vec![
            LightChange { at_s: d.some(28.0, 32.0), over_s: 0.3, to: 0.35 },
            LightChange { at_s: 52.0, over_s: 0.3, to: 1.0 },
        ];
    });
    add("truck", "A truck stands before the camera for a while.", Place::Lane, &|s, d| {
        let drives = vec![
            Drive::To { to: [0.3, 7.5], speed: 5.0 },
            Drive::Park { s: d.some(12.0, 16.0) },
            Drive::Back { to: [0.0, 46.0], speed: 5.0 },
        ];
        let truck = Vehicle {
            kind: VehicleKind::Truck,
            paint: None,
            starts_s: 24.0,
            from: [0.0, 44.0],
            drives,
            lights: false,
        };
        s.vehicles.push(truck);
    });
    add("infrared-switch", "Night falls: the camera switches to infrared.", Place::Gate, &|s, _| {
        s.light = vec![
            LightChange { at_s: 5.0, over_s: 24.0, to: 0.45 },
            LightChange { at_s: 30.0, over_s: 0.1, to: 1.0 },
        ];
        s.sky = vec![(0.0, Sky::Overcast), (30.0, Sky::Infrared)];
    });
    add("storm", "Heavy weather, a shaking pole.", Place::Square, &|s, _| {
        s.weather = Weather { rain: 0.8, snow: 0.3, wind: 1.0, shake: 6.0, ..Weather::default() };
    });
    add("crowd", "Many people walk close by the camera.", Place::Square, &|s, d| {
        for i in 0..9 {
            let side = d.side();
            let z = d.some(6.9, 9.0);
            let acts = vec![Act::Go { to: [side * 9.0, z], pace: d.some(1.0, 1.6) }];
            s.people.push(d.person(20.0 + i as f32 * 3.0, [-side * 9.0, z], acts));
        }
    });
    add("nothing", "A still night; only the sensor's noise.", Place::Square, &|s, _| {
        s.sky = vec![(0.0, Sky::Night)];
        s.weather.noise = 0.5;
    });
}
