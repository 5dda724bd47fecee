//! What a watcher must report of a script, rule by rule, worked out from the script itself: from where feet and wheels
//! stand, when something was put down, when it began to burn. It knows nothing of detectors and trackers.
//!
//! An event starts when its alarm is due: of a stay that must last, when it has lasted so long. Where a rule only wants
//! to be sure (fire, smoke, a fall, a covered or moved camera), that is when it really begins.

use protocol::{IncidentKind, Label};

use super::act::Part;
use super::lens;
use super::path::{Spot, inside};
use super::place::{LIFT_DOOR_M, Place};
use super::script::{FaultKind, Rule, Script};
use super::vehicle::{Parked, VehicleKind};
use super::view::View;

/// Moments looked at per second.
const RATE: f32 = 10.0;
/// A zone counts as left when it was empty so long.
const EMPTY_S: f32 = 3.0;
/// Flames and smoke are there to be seen this long after they began.
const VISIBLE_S: f32 = 1.0;

/// One event, as the truth file tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueIncident {
    pub kind: IncidentKind,
    pub rule: String,
    pub zone: Option<String>,
    pub started_s: f32,
    /// `None`: it lasts to the end of the clip.
    pub ended_s: Option<f32>,
}

/// Everything that is due of a script, in order of time.
pub(super) fn incidents(script: &Script) -> Vec<TrueIncident> {
    let facts = Facts::of(script);
    let mut out: Vec<TrueIncident> = script.rules.iter().flat_map(|rule| facts.of_rule(rule)).collect();
    out.sort_by(|a, b| a.started_s.total_cmp(&b.started_s));
    out
}

struct Facts<'s> {
    script: &'s Script,
    view: View,
    parts: Vec<Part>,
}

/// From, to, in seconds.
type Stay = (f32, f32);

impl<'s> Facts<'s> {
    fn of(script: &'s Script) -> Self {
        Self { script, view: script.place.view(), parts: script.people.iter().map(Part::of).collect() }
    }

    fn of_rule(&self, rule: &Rule) -> Vec<TrueIncident> {
        let dwell = |default: u32| rule.dwell_s.unwrap_or(default) as f32;
        let due = |stays: Vec<Stay>, after: f32| {
            stays
                .into_iter()
                .filter(|(from, to)| to - from > after)
                .map(|(from, to)| (from + after, to))
                .collect()
        };
        let fault = |wanted: fn(FaultKind) -> bool, takes: f32| -> Vec<Stay> {
            let those = self.script.faults.iter().filter(|f| wanted(f.kind));
            those.map(|f| (f.from_s + takes, f.to_s.min(self.script.seconds))).collect()
        };
        let stays: Vec<Stay> = match rule.kind {
            IncidentKind::Intrusion | IncidentKind::VehicleForbidden | IncidentKind::EbikeInLift => {
                let each: Vec<Stay> = self.stays(rule).into_iter().flatten().collect();
                due(joined(each, EMPTY_S), dwell(0))
            }
            IncidentKind::Loitering => {
                let long = self.stays(rule).into_iter().flat_map(|s| due(joined(s, EMPTY_S), dwell(60)));
                joined(long.collect(), EMPTY_S)
            }
            IncidentKind::Crowding => {
                let count = rule.count.unwrap_or(5) as usize;
                due(joined(self.together(rule, count), EMPTY_S), dwell(10))
            }
            IncidentKind::LineCrossing => self.crossings(rule),
            IncidentKind::BlockedLane => {
                let stands = self.script.vehicles.iter().flat_map(|v| {
                    self.samples(|s| {
                        v.at(s).is_some_and(|now| {
                            !now.moves && self.in_zone(rule, self.wheels(v.kind, now.at, now.heading))
                        })
                    })
                });
                due(joined(stands.collect(), EMPTY_S), dwell(60))
            }
            IncidentKind::AbandonedObject => due(self.left_alone(rule), dwell(30)),
            IncidentKind::Fall => {
                let lies = self.parts.iter().flat_map(|part| {
                    let here =
                        |s: f32| part.at(s).is_some_and(|m| self.in_zone(rule, self.view.ground(m.at)));
                    part.lies().into_iter().filter(move |(from, _)| here(*from)).collect::<Vec<_>>()
                });
                due(lies.collect(), dwell(0))
            }
            IncidentKind::Fire | IncidentKind::Smoke => {
                let fires = self.script.fires.iter().filter(|f| match rule.kind {
                    IncidentKind::Fire => f.flames,
                    _ => f.smoke,
                });
                due(fires.map(|f| (f.starts_s + VISIBLE_S, f.ends_s)).collect(), dwell(0))
            }
            IncidentKind::CameraCovered => {
                let quick = fault(|k| matches!(k, FaultKind::Hand | FaultKind::Cloth), lens::TAKES_S);
                let spray = fault(|k| k == FaultKind::Spray, lens::SPRAY_S);
                due([quick, spray].concat(), dwell(0))
            }
            IncidentKind::CameraDefocused => {
                due(fault(|k| matches!(k, FaultKind::Defocus(r) if r >= 5.0), lens::TAKES_S), dwell(10))
            }
            IncidentKind::CameraMoved => {
                due(fault(|k| matches!(k, FaultKind::Turn(_)), lens::TAKES_S), dwell(0))
            }
            IncidentKind::CameraFrozen => due(fault(|k| k == FaultKind::Freeze, 0.0), dwell(10)),
            IncidentKind::CameraLost => due(fault(|k| k == FaultKind::Loss, 0.0), dwell(30)),
            _ => Vec::new(),
        };
        let end = self.script.seconds;
        let ended = |to: f32| (to < end - 0.5).then_some(to);
        stays
            .into_iter()
            .map(|(from, to)| TrueIncident {
                kind: rule.kind,
                rule: rule.id.clone(),
                zone: rule.zone.clone().or_else(|| rule.line.clone()),
                started_s: from,
                ended_s: ended(to),
            })
            .collect()
    }

    fn labels(rule: &Rule) -> Vec<Label> {
        if !rule.labels.is_empty() {
            return rule.labels.clone();
        }
        match rule.kind {
            IncidentKind::VehicleForbidden | IncidentKind::BlockedLane => {
                vec![Label::Car, Label::Bus, Label::Truck]
            }
            IncidentKind::EbikeInLift => vec![Label::Motorcycle, Label::Bicycle],
            _ => vec![Label::Person],
        }
    }

    /// When each thing that the rule waits for is in its zone, thing by thing.
    fn stays(&self, rule: &Rule) -> Vec<Vec<Stay>> {
        let labels = Self::labels(rule);
        let mut out = Vec::new();
        for part in &self.parts {
            let cycle = part.person.cycle.map(|c| match c.kind {
                super::cycle::CycleKind::Bicycle => Label::Bicycle,
                super::cycle::CycleKind::Ebike => Label::Motorcycle,
            });
            if labels.contains(&Label::Person) || cycle.is_some_and(|c| labels.contains(&c)) {
                out.push(self.samples(|s| {
                    part.at(s).is_some_and(|m| self.shown(m.at) && self.in_zone(rule, self.view.ground(m.at)))
                }));
            }
        }
        for vehicle in
            self.script.vehicles.iter().filter(|v| labels.contains(&super::stage::label_of(v.kind)))
        {
            out.push(self.samples(|s| {
                vehicle
                    .at(s)
                    .is_some_and(|now| self.in_zone(rule, self.wheels(vehicle.kind, now.at, now.heading)))
            }));
        }
        out
    }

    /// Not hidden behind the lift's front wall.
    fn shown(&self, at: [f32; 2]) -> bool {
        self.script.place != Place::Lift || at[1] < LIFT_DOOR_M
    }

    fn together(&self, rule: &Rule, count: usize) -> Vec<Stay> {
        self.samples(|s| {
            let here = self.parts.iter().filter_map(|part| part.at(s));
            here.filter(|m| self.in_zone(rule, self.view.ground(m.at))).count() >= count
        })
    }

    fn crossings(&self, rule: &Rule) -> Vec<Stay> {
        let Some(line) = self.script.lines.iter().find(|l| Some(&l.id) == rule.line.as_ref()) else {
            return Vec::new();
        };
        let [a, b] = line.ground.map(|p| self.view.ground(p));
        let labels = Self::labels(rule);
        let mut out = Vec::new();
        let mut follow = |place: &dyn Fn(f32) -> Option<Spot>| {
            let mut before: Option<Spot> = None;
            for i in 0..(self.script.seconds * RATE) as u32 {
                let now = place(i as f32 / RATE);
                if let (Some(p), Some(q)) = (before, now) {
                    let wanted = match rule.direction.as_deref() {
                        Some("left_to_right") => q.x > p.x,
                        Some("right_to_left") => q.x < p.x,
                        Some("bottom_to_top") => q.y < p.y,
                        Some("top_to_bottom") => q.y > p.y,
                        _ => true,
                    };
                    if wanted && steps_over((a, b), (p, q)) {
                        out.push((i as f32 / RATE, i as f32 / RATE + 1.0));
                    }
                }
                before = now;
            }
        };
        for part in self.parts.iter().filter(|_| labels.contains(&Label::Person)) {
            follow(&|s| part.at(s).map(|m| self.view.ground(m.at)));
        }
        for v in self.script.vehicles.iter().filter(|v| labels.contains(&super::stage::label_of(v.kind))) {
            follow(&|s| v.at(s).map(|now| self.wheels(v.kind, now.at, now.heading)));
        }
        joined(out, EMPTY_S)
    }

    /// From when its owner has left a bag behind to when somebody takes it.
    fn left_alone(&self, rule: &Rule) -> Vec<Stay> {
        let takes: Vec<(f32, [f32; 2])> = self.parts.iter().filter_map(Part::take_up).collect();
        let left = self.parts.iter().filter_map(|part| Some((part.person.bag?, part.put_down()?)));
        let left = left.filter(|(_, (_, at))| self.in_zone(rule, self.view.ground(*at)));
        left.map(|(_, (put_s, at))| {
            let near = |by: &[f32; 2]| (by[0] - at[0]).abs() < 1.5 && (by[1] - at[1]).abs() < 1.5;
            let taken = takes.iter().filter(|(s, by)| *s > put_s && near(by)).map(|(s, _)| *s);
            (put_s, taken.fold(self.script.seconds, f32::min))
        })
        .collect()
    }

    /// The middle of the lower edge of a vehicle's box, where rules see it stand.
    fn wheels(&self, kind: VehicleKind, at: [f32; 2], heading: f32) -> Spot {
        let parked = Parked { kind, paint: super::paint::Rgb(0, 0, 0), at, heading, lights: false };
        let (x, y, w, h) = parked.extent(&self.view);
        Spot { x: x + w / 2.0, y: y + h }
    }

    fn in_zone(&self, rule: &Rule, at: Spot) -> bool {
        let visible = (0.0..=1280.0).contains(&at.x) && (0.0..=740.0).contains(&at.y);
        let zone = rule.zone.as_ref().and_then(|id| self.script.zones.iter().find(|z| z.id == *id));
        visible
            && zone.is_none_or(|zone| {
                let corners: Vec<Spot> = zone.ground.iter().map(|p| self.view.ground(*p)).collect();
                inside(&corners, Spot { y: at.y.min(719.9), ..at })
            })
    }

    /// The stretches of time in which something holds.
    fn samples(&self, holds: impl Fn(f32) -> bool) -> Vec<Stay> {
        let mut out: Vec<Stay> = Vec::new();
        let mut open = false;
        for i in 0..(self.script.seconds * RATE) as u32 {
            let s = i as f32 / RATE;
            match (holds(s), open) {
                (true, false) => out.push((s, s + 1.0 / RATE)),
                (true, true) => out.last_mut().expect("one is open").1 = s + 1.0 / RATE,
                (false, _) => {}
            }
            open = holds(s);
        }
        out
    }
}

/// Stays less than `apart_s` from each other are one.
fn joined(mut stays: Vec<Stay>, apart_s: f32) -> Vec<Stay> {
    stays.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut out: Vec<Stay> = Vec::new();
    for stay in stays {
        match out.last_mut() {
            Some(last) if stay.0 - last.1 < apart_s => last.1 = last.1.max(stay.1),
            _ => out.push(stay),
        }
    }
    out
}

fn steps_over((a, b): (Spot, Spot), (p, q): (Spot, Spot)) -> bool {
    let turn = |o: Spot, s: Spot, t: Spot| (s.x - o.x) * (t.y - o.y) - (s.y - o.y) * (t.x - o.x);
    turn(a, b, p) * turn(a, b, q) < 0.0 && turn(p, q, a) * turn(p, q, b) < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Act, BagKind, Drive, Person, Vehicle, Zone};

    fn times(script: &Script) -> Vec<(f32, Option<f32>)> {
        incidents(script).iter().map(|e| (e.started_s, e.ended_s)).collect()
    }

    fn near(a: f32, b: f32) -> bool {
        (a - b).abs() < 0.25
    }

    fn street(kind: IncidentKind) -> Script {
        let mut script = Script::new("a", Place::Gate, 1);
        script.zones = vec![Zone::rect("z", [-2.0, 8.0, 4.0, 4.0])];
        script.rules = vec![Rule::new(kind).in_zone("z")];
        script
    }

    /// Walking at 1 m/s along z = 10 from x = −6: in the zone from 4 s to 8 s.
    #[test]
    fn a_walk_through_the_zone() {
        let mut script = street(IncidentKind::Intrusion);
        script.people = vec![Person::new(0.0, [-6.0, 10.0], vec![Act::Go { to: [6.0, 10.0], pace: 1.0 }])];
        let told = times(&script);
        assert!(told.len() == 1 && near(told[0].0, 4.0) && near(told[0].1.unwrap(), 8.0), "{told:?}");
        script.rules = vec![Rule::new(IncidentKind::Loitering).in_zone("z").dwell(5)];
        assert!(times(&script).is_empty());
    }

    /// A car that stands for 30 s is due after 20 s, and over when it sets off; a bag is due until it is taken.
    #[test]
    fn stays_that_must_last() {
        let mut script = street(IncidentKind::BlockedLane);
        script.rules[0].dwell_s = Some(20);
        let drives = vec![
            Drive::To { to: [0.0, 10.0], speed: 6.0 },
            Drive::Park { s: 30.0 },
            Drive::To { to: [12.0, 10.0], speed: 6.0 },
        ];
        let car = Vehicle {
            kind: VehicleKind::Saloon,
            paint: None,
            starts_s: 0.0,
            from: [-12.0, 10.0],
            drives,
            lights: false,
        };
        script.vehicles = vec![car];
        let told = times(&script);
        assert!(told.len() == 1 && near(told[0].0, 22.0) && near(told[0].1.unwrap(), 32.0), "{told:?}");

        let mut script = street(IncidentKind::AbandonedObject);
        script.rules[0].dwell_s = Some(10);
        let leaves = vec![Act::PutDown, Act::Go { to: [9.0, 10.0], pace: 2.0 }];
        let fetches = vec![Act::Go { to: [0.0, 10.0], pace: 1.0 }, Act::TakeUp];
        script.people = vec![
            Person { bag: Some(BagKind::Sack), ..Person::new(0.0, [0.0, 10.0], leaves) },
            Person::new(30.0, [-5.0, 10.0], fetches),
        ];
        let told = times(&script);
        assert!(told.len() == 1 && near(told[0].0, 10.7) && near(told[0].1.unwrap(), 35.7), "{told:?}");
    }
}
