//! The suite: for each kind of rule scenes in which it must tell of something, and scenes with what is known to fool it.
//!
//! Methods are tuned on [`Set::Tuning`] alone; figures are reported on [`Set::Reporting`]. A seed draws everything in
//! which scenes of one name differ: clothes, statures, paces, colours, houses, moments.

mod camera;
mod hazards;
pub mod mixed;
mod people;
pub mod quiet;
mod vehicles;

pub use vehicles::long_stay;

use protocol::{Chance, IncidentKind};

use super::act::{Act, Ground, Person};
use super::place::Place;
use super::script::{Rule, Script, Zone};

/// Which seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    Tuning,
    Reporting,
}

/// Seeds count from here.
pub const TUNING_SEED: u64 = 1_000;
pub const REPORTING_SEED: u64 = 900_000;

impl Set {
    /// The seed of one round of the suite.
    pub fn seed(self, round: u64) -> u64 {
        match self {
            Self::Tuning => TUNING_SEED + round,
            Self::Reporting => REPORTING_SEED + round,
        }
    }
}

/// Kinds of which there are scenes.
pub const KINDS: [IncidentKind; 16] = [
    IncidentKind::Intrusion,
    IncidentKind::LineCrossing,
    IncidentKind::Loitering,
    IncidentKind::Crowding,
    IncidentKind::VehicleForbidden,
    IncidentKind::BlockedLane,
    IncidentKind::AbandonedObject,
    IncidentKind::EbikeInLift,
    IncidentKind::Fall,
    IncidentKind::Fire,
    IncidentKind::Smoke,
    IncidentKind::CameraCovered,
    IncidentKind::CameraDefocused,
    IncidentKind::CameraMoved,
    IncidentKind::CameraFrozen,
    IncidentKind::CameraLost,
];

/// All scenes of a kind for one seed.
pub fn scenes(kind: IncidentKind, seed: u64) -> Vec<Script> {
    let mut scripts = match kind {
        IncidentKind::Intrusion => people::intrusion(seed),
        IncidentKind::LineCrossing => people::line_crossing(seed),
        IncidentKind::Loitering => people::loitering(seed),
        IncidentKind::Crowding => people::crowding(seed),
        IncidentKind::Fall => people::fall(seed),
        IncidentKind::VehicleForbidden => vehicles::forbidden(seed),
        IncidentKind::BlockedLane => vehicles::blocked_lane(seed),
        IncidentKind::EbikeInLift => vehicles::ebike_in_lift(seed),
        IncidentKind::AbandonedObject => hazards::abandoned(seed),
        IncidentKind::Fire => hazards::fire(seed),
        IncidentKind::Smoke => hazards::smoke(seed),
        IncidentKind::CameraCovered
        | IncidentKind::CameraDefocused
        | IncidentKind::CameraMoved
        | IncidentKind::CameraFrozen
        | IncidentKind::CameraLost => camera::faults(kind, seed),
        IncidentKind::Hotline | IncidentKind::DeviceLost => Vec::new(),
    };
    for script in &mut scripts {
        script.name = format!("{}-{}-{seed}", kind.as_str().replace('_', "-"), script.name);
    }
    scripts
}

/// What a seed draws.
struct Draw(Chance);

impl Draw {
    /// Of one scene of one seed.
    fn of(script: &str, seed: u64) -> Self {
        Self(Chance::seeded(own_seed(script, seed)))
    }

    fn some(&self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.below(1000) as f32 / 1000.0
    }

    fn flip(&self) -> bool {
        self.0.below(2) == 0
    }

    fn one<T: Copy>(&self, of: &[T]) -> T {
        of[self.0.below(of.len() as u64) as usize]
    }

    /// −1 or 1.
    fn side(&self) -> f32 {
        if self.flip() { 1.0 } else { -1.0 }
    }

    /// Somebody who walks these ways, from a moment on.
    fn person(&self, starts_s: f32, from: Ground, acts: Vec<Act>) -> Person {
        Person { stature: self.some(1.55, 1.88), ..Person::new(starts_s, from, acts) }
    }

    fn go(&self, to: Ground) -> Act {
        Act::Go { to, pace: self.some(1.0, 1.5) }
    }

    /// Somebody who crosses the picture at this distance.
    fn passer(&self, starts_s: f32, z: f32) -> Person {
        let side = self.side();
        let edge = edge_at(z);
        self.person(starts_s, [-side * edge, z], vec![self.go([side * edge, z])])
    }
}

/// How far right of the middle the picture's edge is, and a body more.
fn edge_at(z: f32) -> f32 {
    z * 0.72 + 1.5
}

/// A scene of one rule, named after what happens in it.
fn scene(name: &str, note: &str, place: Place, seed: u64) -> (Script, Draw) {
    let mut script = Script::new(name, place, own_seed(name, seed));
    note.clone_into(&mut script.note);
    (script, Draw::of(name, seed))
}

/// Scenes of one round look different: other people, other houses.
fn own_seed(name: &str, seed: u64) -> u64 {
    name.bytes().fold(seed, |h, b| h.wrapping_mul(0x0100_0000_01b3) ^ u64::from(b))
}

/// The ground a rule watches at each place.
fn watched(place: Place) -> Zone {
    match place {
        Place::Gate => Zone::rect("forecourt", [-2.2, 8.0, 4.4, 5.2]),
        Place::Lane => Zone::rect("lane", [-2.3, 6.4, 4.6, 14.0]),
        Place::Square => Zone::rect("middle", [-3.6, 9.0, 7.2, 7.0]),
        Place::CarPark => Zone::rect("aisle", [-6.0, 8.6, 12.0, 5.4]),
        Place::Lift => Zone::rect("cabin", [-1.1, 1.45, 2.2, 1.25]),
        Place::Corridor => Zone::rect("hall", [-1.6, 4.6, 3.2, 5.0]),
    }
}

impl Script {
    /// Watches the place's zone by this rule.
    fn watch(mut self, rule: Rule) -> Self {
        let zone = watched(self.place);
        self.rules.push(rule.in_zone(&zone.id));
        self.zones = vec![zone];
        self
    }

    fn lasting(self, seconds: f32) -> Self {
        Self { seconds, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind has scenes with and scenes without something to tell, their names differ, every event can be
    /// found before the clip ends, and a seed gives the same scripts again.
    #[test]
    fn the_suite_is_whole() {
        let seed = Set::Reporting.seed(0);
        for kind in KINDS {
            let scripts = scenes(kind, seed);
            assert_eq!(scripts, scenes(kind, seed));
            assert_ne!(scripts, scenes(kind, seed + 1));
            let mut names: Vec<&str> = scripts.iter().map(|s| s.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), scripts.len(), "{kind}: a name twice");
            let told: Vec<usize> = scripts.iter().map(|s| s.incidents().len()).collect();
            assert!(told.contains(&0), "{kind} has no scene without events: {told:?}");
            assert!(told.iter().filter(|n| **n > 0).count() >= 2, "{kind}: {told:?}");
            for script in &scripts {
                for event in script.incidents() {
                    assert!(
                        event.started_s + 10.5 < script.seconds && event.started_s > 2.0,
                        "{}: {event:?} of {} s",
                        script.name,
                        script.seconds
                    );
                }
            }
        }
    }
}
