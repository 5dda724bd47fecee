//! What people, vehicles and dogs do: scripts in, where each is at any second out. Pure functions of time, so the truth
//! is known.

use serde::{Deserialize, Serialize};

use super::cycle::CycleKind;
use super::paint::Rgb;
use super::pose::{DOUBLE_LEAP, DOUBLE_STEP, Pose};
use super::prop::BagKind;
use super::vehicle::VehicleKind;

/// Faster than this is running, metres per second.
const RUNS: f32 = 2.2;
/// How long going down and coming up take.
const BEND_S: f32 = 0.7;
const FALL_S: f32 = 0.8;
const RISE_S: f32 = 1.6;

/// Right of and away from the camera, metres.
pub type Ground = [f32; 2];

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// On foot, on the saddle, or pushing: metres per second.
    Go {
        to: Ground,
        pace: f32,
    },
    Stand {
        s: f32,
    },
    Sit {
        s: f32,
    },
    Bend {
        s: f32,
    },
    /// Falls, and lies there so long.
    Fall {
        s: f32,
    },
    Rise,
    /// Bends, leaves the bag, comes up again.
    PutDown,
    /// Bends and takes what lies nearest.
    TakeUp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Appears at `from` at this second; gone when the acts are over.
    pub starts_s: f32,
    pub from: Ground,
    pub acts: Vec<Act>,
    /// Metres.
    pub stature: f32,
    /// Absent: drawn from the seed.
    pub coat: Option<Rgb>,
    pub bag: Option<BagKind>,
    /// What they push or ride.
    pub cycle: Option<Cycle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    pub kind: CycleKind,
    pub ridden: bool,
    pub paint: Rgb,
}

impl Person {
    pub fn new(starts_s: f32, from: Ground, acts: Vec<Act>) -> Self {
        Self { starts_s, from, acts, stature: 1.7, coat: None, bag: None, cycle: None }
    }
}

/// A stretch of a person's time.
#[derive(Clone, Copy, Debug)]
struct Span {
    from_s: f32,
    to_s: f32,
    from: Ground,
    to: Ground,
    does: Does,
    /// Steps taken before it, as distance.
    walked_m: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Go { pace: f32 },
    Stand,
    Sit,
    Bend,
    PutDown,
    TakeUp,
    Fall,
    Rise,
}

/// A person's whole time.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) person: Person,
    spans: Vec<Span>,
}

/// A person at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Ground,
    pub(super) facing: f32,
    pub(super) pose: Pose,
    pub(super) carries: bool,
    /// Ground speed right and away.
    pub(super) heading: Ground,
}

impl Part {
    pub(super) fn of(person: &Person) -> Self {
        let (mut at, mut time, mut walked_m) = (person.from, person.starts_s, 0.0);
        let mut spans = Vec::new();
        for act in &person.acts {
            let (does, to, lasts) = match *act {
                Act::Go { to, pace } => (Does::Go { pace }, to, distance(at, to) / pace.max(0.05)),
                Act::Stand { s } => (Does::Stand, at, s),
                Act::Sit { s } => (Does::Sit, at, s),
                Act::Bend { s } => (Does::Bend, at, s.max(2.0 * BEND_S)),
                Act::PutDown => (Does::PutDown, at, 2.0 * BEND_S),
                Act::TakeUp => (Does::TakeUp, at, 2.0 * BEND_S),
                Act::Fall { s } => (Does::Fall, at, s + FALL_S),
                Act::Rise => (Does::Rise, at, RISE_S),
            };
            spans.push(Span { from_s: time, to_s: time + lasts, from: at, to, does, walked_m });
            walked_m += distance(at, to);
            (at, time) = (to, time + lasts);
        }
        Self { person: person.clone(), spans }
    }

    pub(super) fn at(&self, s: f32) -> Option<Moment> {
        let index = self.spans.iter().position(|p| (p.from_s..p.to_s).contains(&s))?;
        let span = &self.spans[index];
        let (passed, lasts) = (s - span.from_s, span.to_s - span.from_s);
        let share = passed / lasts.max(1e-6);
        let at = [
            span.from[0] + (span.to[0] - span.from[0]) * share,
            span.from[1] + (span.to[1] - span.from[1]) * share,
        ];
        // Who goes straight away or comes straight closer keeps the side last shown.
        let turned =
            self.spans[..=index].iter().rev().map(|p| p.to[0] - p.from[0]).find(|dx| dx.abs() > 0.05);
        let steps = |length: f32| {
            ((span.walked_m + distance(span.from, at)) / (length * self.person.stature)).fract()
        };
        let dip = |s: f32| (s / BEND_S).min(1.0).min((lasts - s) / BEND_S).clamp(0.0, 1.0);
        let pose = match (span.does, self.person.cycle) {
            (Does::Go { .. }, Some(Cycle { ridden: true, .. })) => Pose::Ride { phase: steps(2.0) },
            (_, Some(Cycle { ridden: true, .. })) => Pose::Ride { phase: 0.2 },
            (Does::Go { pace }, _) if pace > RUNS => Pose::Run { phase: steps(DOUBLE_LEAP) },
            (Does::Go { .. }, _) => Pose::Walk { phase: steps(DOUBLE_STEP) },
            (Does::Stand, _) => Pose::Stand { sway: (s * 0.8 + self.person.starts_s).sin() },
            (Does::Sit, _) => Pose::Sit,
            (Does::Bend | Does::PutDown | Does::TakeUp, _) => Pose::Bend { share: dip(passed) },
            (Does::Fall, _) => Pose::Fall { share: (passed / FALL_S).min(1.0) },
            (Does::Rise, _) => Pose::Fall { share: 1.0 - share },
        };
        let speed = |i: usize| (span.to[i] - span.from[i]) / lasts.max(1e-6);
        Some(Moment {
            at,
            facing: turned.map_or(1.0, f32::signum),
            pose,
            carries: self.person.bag.is_some() && self.put_down().is_none_or(|(put_s, _)| s < put_s),
            heading: [speed(0), speed(1)],
        })
    }

    /// When and where the bag is left.
    pub(super) fn put_down(&self) -> Option<(f32, Ground)> {
        self.done(Does::PutDown).map(|span| {
            let ahead = if span.from[0] < 0.0 { 0.35 } else { -0.35 };
            (span.from_s + BEND_S, [span.from[0] + ahead, span.from[1] - 0.1])
        })
    }

    /// When and where a bag is taken.
    pub(super) fn take_up(&self) -> Option<(f32, Ground)> {
        self.done(Does::TakeUp).map(|span| (span.from_s + BEND_S, span.from))
    }

    /// From lying there to getting up.
    pub(super) fn lies(&self) -> Vec<(f32, f32)> {
        let falls = self.spans.iter().filter(|p| p.does == Does::Fall);
        falls.map(|p| (p.from_s + FALL_S, p.to_s)).collect()
    }

    fn done(&self, does: Does) -> Option<&Span> {
        self.spans.iter().find(|p| p.does == does)
    }
}

fn distance(a: Ground, b: Ground) -> f32 {
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vehicle {
    pub kind: VehicleKind,
    pub paint: Option<Rgb>,
    pub starts_s: f32,
    pub from: Ground,
    pub drives: Vec<Drive>,
    /// Headlights on.
    pub lights: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drive {
    /// Metres per second.
    To {
        to: Ground,
        speed: f32,
    },
    /// In reverse gear.
    Back {
        to: Ground,
        speed: f32,
    },
    Park {
        s: f32,
    },
}

/// A vehicle at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Driven {
    pub(super) at: Ground,
    pub(super) heading: f32,
    pub(super) moves: bool,
}

impl Vehicle {
    pub(super) fn at(&self, s: f32) -> Option<Driven> {
        if s < self.starts_s {
            return None;
        }
        let (mut at, mut time) = (self.from, self.starts_s);
        let mut heading = self.first_heading();
        for (i, drive) in self.drives.iter().enumerate() {
            let (to, speed, turn) = match *drive {
                Drive::To { to, speed } => (to, speed, 0.0),
                Drive::Back { to, speed } => (to, speed, std::f32::consts::PI),
                Drive::Park { s: lasts } => {
                    if s < time + lasts {
                        return Some(Driven { at, heading, moves: false });
                    }
                    time += lasts;
                    continue;
                }
            };
            let length = distance(at, to);
            let lasts = length / speed.max(0.1);
            let new = (to[1] - at[1]).atan2(to[0] - at[0]) + turn;
            if s < time + lasts {
                let passed = s - time;
                let parks = |d: Option<&Drive>| matches!(d, Some(Drive::Park { .. }));
                let (sets_off, stops) =
                    (i > 0 && parks(self.drives.get(i - 1)), parks(self.drives.get(i + 1)));
                let share = eased(passed / lasts, sets_off, stops);
                let swing = shortest(new - heading) * (passed / 1.2).min(1.0);
                let at = [at[0] + (to[0] - at[0]) * share, at[1] + (to[1] - at[1]) * share];
                return Some(Driven { at, heading: heading + swing, moves: true });
            }
            heading = new;
            (at, time) = (to, time + lasts);
        }
        None
    }

    fn first_heading(&self) -> f32 {
        let first = self.drives.iter().find_map(|d| match *d {
            Drive::To { to, .. } => Some((to, 0.0)),
            Drive::Back { to, .. } => Some((to, std::f32::consts::PI)),
            Drive::Park { .. } => None,
        });
        first.map_or(0.0, |(to, turn)| (to[1] - self.from[1]).atan2(to[0] - self.from[0]) + turn)
    }
}

/// Distance covered at this share of the time: slow where it sets off and where it stops.
fn eased(t: f32, sets_off: bool, stops: bool) -> f32 {
    match (sets_off, stops) {
        (true, true) => t * t * (3.0 - 2.0 * t),
        (true, false) => t * t * (2.0 - t),
        (false, true) => 1.0 - (1.0 - t).powi(2),
        (false, false) => t,
    }
}

fn shortest(angle: f32) -> f32 {
    let turn = std::f32::consts::TAU;
    (angle + std::f32::consts::PI).rem_euclid(turn) - std::f32::consts::PI
}

/// A dog that runs along its way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dog {
    pub starts_s: f32,
    pub from: Ground,
    pub to: Ground,
    pub pace: f32,
}

impl Dog {
    /// Where, facing, phase of its step.
    pub(super) fn at(&self, s: f32) -> Option<(Ground, f32, f32)> {
        let whole = distance(self.from, self.to);
        let gone = (s - self.starts_s) * self.pace;
        (0.0..whole).contains(&gone).then(|| {
            let share = gone / whole;
            let at = [
                self.from[0] + (self.to[0] - self.from[0]) * share,
                self.from[1] + (self.to[1] - self.from[1]) * share,
            ];
            (at, (self.to[0] - self.from[0]).signum(), (gone / 0.7).fract())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 m at 2 m/s, 5 s of standing, then down for 7 s: where and how at each moment, and gone afterwards.
    #[test]
    fn a_part_by_hand() {
        let acts = vec![Act::Go { to: [10.0, 8.0], pace: 2.0 }, Act::Stand { s: 5.0 }, Act::Fall { s: 7.0 }];
        let part = Part::of(&Person::new(1.0, [0.0, 8.0], acts));
        assert!(part.at(0.9).is_none());
        let walks = part.at(3.5).unwrap();
        assert!((walks.at[0] - 5.0).abs() < 1e-4 && matches!(walks.pose, Pose::Walk { .. }));
        assert!(matches!(part.at(8.0).unwrap().pose, Pose::Stand { .. }));
        assert_eq!(part.lies(), [(11.8, 18.8)]);
        assert_eq!(part.at(15.0).unwrap().pose, Pose::Fall { share: 1.0 });
        assert!(part.at(18.9).is_none());
    }

    /// A bag is carried until it is put down.
    #[test]
    fn a_bag_is_left() {
        let acts =
            vec![Act::Go { to: [4.0, 8.0], pace: 1.0 }, Act::PutDown, Act::Go { to: [9.0, 8.0], pace: 1.0 }];
        let part = Part::of(&Person { bag: Some(BagKind::Sack), ..Person::new(0.0, [0.0, 8.0], acts) });
        let (put_s, _) = part.put_down().unwrap();
        assert!((put_s - 4.7).abs() < 1e-4);
        assert!(part.at(4.6).unwrap().carries && !part.at(4.8).unwrap().carries);
    }

    /// A car arrives, stands exactly as long as told, and drives off the way it looks.
    #[test]
    fn a_car_parks() {
        let car = Vehicle {
            kind: VehicleKind::Saloon,
            paint: None,
            starts_s: 2.0,
            from: [-10.0, 9.0],
            drives: vec![
                Drive::To { to: [0.0, 9.0], speed: 5.0 },
                Drive::Park { s: 60.0 },
                Drive::To { to: [10.0, 9.0], speed: 5.0 },
            ],
            lights: false,
        };
        assert!(car.at(1.0).is_none() && car.at(3.0).unwrap().moves);
        for s in [4.1, 30.0, 63.9] {
            let parked = car.at(s).unwrap();
            assert!(!parked.moves && parked.at[0].abs() < 1e-5 && parked.heading.abs() < 1e-5);
        }
        assert!(car.at(65.0).unwrap().moves && car.at(66.1).is_none());
    }
}
