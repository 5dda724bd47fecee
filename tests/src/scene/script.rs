//! A scene as data: a seed, a place, who does what when, the weather, what happens to the camera, and the rules that
//! watch it. The same script gives the same clip.

use protocol::{IncidentKind, Label};
use serde::{Deserialize, Serialize};

use super::act::{Dog, Ground, Person, Vehicle};
use super::flame::Fire;
use super::place::Place;
use super::prop::BagKind;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// Name of its files.
    pub name: String,
    /// What it is about, for people.
    pub note: String,
    pub seed: u64,
    pub place: Place,
    pub seconds: f32,
    pub fps: u32,
    pub width: u32,
    pub height: u32,
    /// From this second on; the first from 0.
    pub sky: Vec<(f32, Sky)>,
    pub weather: Weather,
    /// Changes of brightness on top of the sky's.
    pub light: Vec<LightChange>,
    pub people: Vec<Person>,
    pub vehicles: Vec<Vehicle>,
    pub dogs: Vec<Dog>,
    /// Bags that stand there from the beginning.
    pub bags: Vec<(BagKind, Ground)>,
    pub fires: Vec<Fire>,
    pub sweeps: Vec<Sweep>,
    /// From, to: the lift's door stands open.
    pub door: Vec<(f32, f32)>,
    pub faults: Vec<Fault>,
    pub zones: Vec<Zone>,
    pub lines: Vec<Line>,
    pub rules: Vec<Rule>,
}

impl Script {
    /// A quiet overcast minute, 640×360 at 5 frames per second, which nobody watches.
    pub fn new(name: &str, place: Place, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            note: String::new(),
            seed,
            place,
            seconds: 60.0,
            fps: 5,
            width: 640,
            height: 360,
            sky: vec![(0.0, Sky::Overcast)],
            weather: Weather::default(),
            light: Vec::new(),
            people: Vec::new(),
            vehicles: Vec::new(),
            dogs: Vec::new(),
            bags: Vec::new(),
            fires: Vec::new(),
            sweeps: Vec::new(),
            door: Vec::new(),
            faults: Vec::new(),
            zones: Vec::new(),
            lines: Vec::new(),
            rules: Vec::new(),
        }
    }

    pub fn frames(&self) -> usize {
        (self.seconds * self.fps as f32).round() as usize
    }

    pub(super) fn sky_at(&self, s: f32) -> Sky {
        self.sky.iter().rev().find(|(from, _)| *from <= s).map_or(Sky::Overcast, |(_, sky)| *sky)
    }

    /// Brightness, 1 = as the sky gives it.
    pub(super) fn light_at(&self, s: f32) -> f32 {
        let mut level = 1.0;
        for change in &self.light {
            let share = ((s - change.at_s) / change.over_s.max(0.001)).clamp(0.0, 1.0);
            level += (change.to - level) * share;
        }
        level
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sky {
    /// Hard shadows.
    Sunny,
    Overcast,
    /// A low sun that shines into the lens, and in windows.
    Sunset,
    /// Lamps light pools of ground; the sensor is noisy.
    Night,
    /// The camera's own infrared light, monochrome.
    Infrared,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weather {
    /// 0..1.
    pub rain: f32,
    pub snow: f32,
    /// Trees sway, smoke drifts.
    pub wind: f32,
    /// The pole sways: pixels of a 1280 px wide picture.
    pub shake: f32,
    /// Sensor noise on top of the usual, 0..1.
    pub noise: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LightChange {
    pub at_s: f32,
    pub over_s: f32,
    pub to: f32,
}

/// The light of a car that is not in the picture, passing over the ground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    pub from_s: f32,
    pub to_s: f32,
    pub from: Ground,
    pub to: Ground,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    pub from_s: f32,
    pub to_s: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    Hand,
    Spray,
    Cloth,
    /// Pixels of a 1280 px wide picture.
    Defocus(f32),
    /// So many of these pixels right and down; stays until the end.
    Turn([f32; 2]),
    /// The same picture again and again.
    Freeze,
    /// No pictures at all.
    Loss,
}

/// Named corners on the ground.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    pub id: String,
    pub ground: Vec<Ground>,
}

impl Zone {
    /// x, z, width, depth.
    pub fn rect(id: &str, [x, z, w, d]: [f32; 4]) -> Self {
        Self { id: id.to_owned(), ground: vec![[x, z + d], [x + w, z + d], [x + w, z], [x, z]] }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub id: String,
    pub ground: [Ground; 2],
}

/// A rule as the scene file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub kind: IncidentKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dwell_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
}

impl Rule {
    /// The kind's own name as id, over the whole picture.
    pub fn new(kind: IncidentKind) -> Self {
        Self {
            id: kind.as_str().replace('_', "-"),
            kind,
            zone: None,
            line: None,
            labels: Vec::new(),
            dwell_s: None,
            count: None,
            direction: None,
        }
    }

    pub fn in_zone(self, zone: &str) -> Self {
        Self { zone: Some(zone.to_owned()), ..self }
    }

    pub fn dwell(self, dwell_s: u32) -> Self {
        Self { dwell_s: Some(dwell_s), ..self }
    }
}
