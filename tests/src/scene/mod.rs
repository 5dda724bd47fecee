//! Generated video: people walk through a drawn street, and where each of them is in every frame is known.
//!
//! The same seed draws the same clip. Our own work from the first pixel, so that the demo and the tests need
//! nobody's recordings.

mod act;
mod cycle;
mod encode;
mod facts;
mod figure;
mod film;
mod flame;
mod lens;
mod light;
mod paint;
pub mod path;
mod place;
mod pose;
mod prop;
mod script;
mod sensor;
mod stage;
mod still;
mod street;
pub mod suite;
mod vehicle;
mod view;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use protocol::Chance;
use serde::{Deserialize, Serialize};
use tiny_skia::Pixmap;

pub use act::{Act, Cycle, Dog, Drive, Ground, Person, Vehicle};
pub use cycle::CycleKind;
pub use facts::TrueIncident;
pub use film::{Film, scene_toml, shoot, truth_json};
pub use flame::Fire;
pub use paint::Rgb;
pub use path::{Spot, Stretch, Walker};
pub use place::Place;
pub use prop::BagKind;
pub use script::{Fault, FaultKind, LightChange, Line, Rule, Script, Sky, Sweep, Weather, Zone};
pub use sensor::Shot;
pub use stage::{Seen, Stage, Take};
pub use still::draw_stills;
pub use vehicle::VehicleKind;

use encode::{Encoder, Format};
use figure::{Look, Placed};
use paint::Canvas;
use pose::Pose;
use sensor::Noise;

/// What to draw.
#[derive(Clone, Debug)]
pub struct Scene {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub seconds: u32,
    pub seed: u64,
    /// B-frames between reference frames; cameras with them are the ones that break recorders.
    pub bframes: u32,
    pub cast: Vec<Walker>,
}

impl Scene {
    /// 1280×720, 12 frames per second, [`standard_cast`].
    pub fn standard(seconds: u32, seed: u64) -> Self {
        Self { width: 1280, height: 720, fps: 12, seconds, seed, bframes: 0, cast: standard_cast() }
    }

    /// An empty street: nothing may be reported from it.
    pub fn empty(seconds: u32, seed: u64) -> Self {
        Self { cast: Vec::new(), ..Self::standard(seconds, seed) }
    }

    /// Draws and encodes the clip to `mp4`, and gives the truth about it.
    pub fn generate(&self, mp4: &Path) -> Result<Truth> {
        ensure!(
            self.width.is_multiple_of(2) && self.height.is_multiple_of(2),
            "width and height must be even"
        );
        ensure!(self.fps > 0 && self.seconds > 0, "a clip needs at least one frame");
        let mut studio = Studio::new(self)?;
        let Self { width, height, fps, bframes, .. } = *self;
        let mut encoder = Encoder::start(Format { width, height, fps, bframes, bitrate_kbps: 3000 }, mp4)?;
        let noise = Noise::new((width * height) as usize, self.seed);
        for frame in 0..self.frames() {
            let mut shot = Shot::of(studio.draw(frame));
            noise.add(&mut shot, frame, 1.7);
            encoder.push(&shot, frame as u64)?;
        }
        encoder.finish()?;
        Ok(studio.truth)
    }

    fn frames(&self) -> usize {
        (self.seconds * self.fps) as usize
    }
}

/// One passer-by in front, one who enters the forecourt and waits at the gate, one who walks along the wall,
/// one who comes back through the forecourt. The first event begins within 5 s.
pub fn standard_cast() -> Vec<Walker> {
    let spot = |x: f32, y: f32| Spot { x, y };
    let to = |x: f32, y: f32, pause_s: f32| Stretch { to: spot(x, y), pause_s };
    let walker = |name: &str, starts_s: f32, from: Spot, way: Vec<Stretch>, stature: f32, pace: f32| Walker {
        name: name.into(),
        starts_s,
        from,
        way,
        stature,
        pace,
    };
    vec![
        walker(
            "visitor",
            0.5,
            spot(150.0, 560.0),
            vec![to(560.0, 520.0, 0.0), to(640.0, 440.0, 6.0), to(1330.0, 560.0, 0.0)],
            1.0,
            0.78,
        ),
        walker("passer-by", 6.0, spot(1340.0, 690.0), vec![to(-60.0, 686.0, 0.0)], 0.97, 0.80),
        walker(
            "along the wall",
            9.0,
            spot(-40.0, 384.0),
            vec![to(460.0, 382.0, 2.0), to(-60.0, 388.0, 0.0)],
            1.02,
            0.85,
        ),
        walker(
            "resident",
            19.0,
            spot(1330.0, 600.0),
            vec![to(700.0, 500.0, 3.0), to(-80.0, 590.0, 0.0)],
            0.94,
            0.9,
        ),
    ]
}

/// What happens in a clip: written beside it as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Truth {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub seconds: u32,
    pub seed: u64,
    /// The zone before the gate, in shares of the picture's width and height.
    pub zone: Vec<[f32; 2]>,
    pub events: Vec<TrueEvent>,
    pub frames: Vec<TrueFrame>,
}

/// One stay of one walker's feet inside the zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrueEvent {
    pub kind: String,
    pub walker: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrueFrame {
    pub at_ms: u64,
    pub people: Vec<TruePerson>,
}

/// Boxes in pixels of the clip, not clipped to its edges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TruePerson {
    pub walker: String,
    pub foot: [f32; 2],
    /// x, y, width, height.
    pub region: [f32; 4],
}

impl TruePerson {
    /// Whether at least `share` of the box is inside the picture.
    pub fn visible(&self, truth: &Truth, share: f32) -> bool {
        let [x, y, w, h] = self.region;
        let inner_w = (x + w).min(truth.width as f32) - x.max(0.0);
        let inner_h = (y + h).min(truth.height as f32) - y.max(0.0);
        inner_w.max(0.0) * inner_h.max(0.0) >= share * w * h
    }
}

impl Truth {
    pub fn write(&self, json: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self).context("writing the truth as JSON")?;
        std::fs::write(json, bytes).with_context(|| format!("writing {}", json.display()))
    }
}

struct Actor {
    walker: Walker,
    look: Look,
    stances: Vec<Option<path::Stance>>,
    entered_ms: Option<u64>,
}

/// Draws frame after frame.
struct Studio {
    scale: f32,
    fps: u32,
    street: Pixmap,
    page: Pixmap,
    actors: Vec<Actor>,
    truth: Truth,
}

impl Studio {
    fn new(scene: &Scene) -> Result<Self> {
        let chance = Chance::seeded(scene.seed);
        let scale = scene.width as f32 / 1280.0;
        let size = || Pixmap::new(scene.width, scene.height).context("a picture of no size");
        let mut street = size()?;
        street::draw(&mut Canvas { pixels: street.as_mut(), scale }, |n| chance.below(n));
        let actors = scene
            .cast
            .iter()
            .map(|walker| Actor {
                look: Look::drawn(&chance),
                stances: walker.stances(scene.frames(), scene.fps as f32),
                walker: walker.clone(),
                entered_ms: None,
            })
            .collect();
        let truth = Truth {
            width: scene.width,
            height: scene.height,
            fps: scene.fps,
            seconds: scene.seconds,
            seed: scene.seed,
            zone: street::FORECOURT.iter().map(|s| [s.x / 1280.0, s.y / 720.0]).collect(),
            events: Vec::new(),
            frames: Vec::new(),
        };
        Ok(Self { scale, fps: scene.fps, page: size()?, street, actors, truth })
    }

    /// The next frame; call it in order.
    fn draw(&mut self, frame: usize) -> &Pixmap {
        let at_ms = frame as u64 * 1000 / u64::from(self.fps);
        self.page.data_mut().copy_from_slice(self.street.data());
        let mut canvas = Canvas { pixels: self.page.as_mut(), scale: self.scale };
        // The farther person first.
        let mut order: Vec<usize> = (0..self.actors.len()).collect();
        let depth = |a: &Actor| a.stances[frame].map_or(0.0, |s| s.foot.y);
        order.sort_by(|&a, &b| depth(&self.actors[a]).total_cmp(&depth(&self.actors[b])));
        let mut people = Vec::new();
        for i in order {
            let actor = &mut self.actors[i];
            let stance = actor.stances[frame];
            let in_zone = stance.is_some_and(|s| path::inside(&street::FORECOURT, s.foot));
            match (actor.entered_ms, in_zone) {
                (None, true) => actor.entered_ms = Some(at_ms),
                (Some(start_ms), false) => {
                    self.truth.events.push(TrueEvent {
                        kind: "intrusion".into(),
                        walker: actor.walker.name.clone(),
                        start_ms,
                        end_ms: at_ms,
                    });
                    actor.entered_ms = None;
                }
                _ => {}
            }
            let Some(stance) = stance else { continue };
            let pose = if stance.walking {
                Pose::Walk { phase: stance.phase }
            } else {
                Pose::Stand { sway: (at_ms as f32 / 1300.0).sin() }
            };
            let (foot, height, facing) = (stance.foot, stance.height, stance.facing);
            canvas.ellipse(
                Spot { x: foot.x + 0.10 * height, y: foot.y },
                0.26 * height,
                0.045 * height,
                Rgb(20, 20, 26),
                0.34,
            );
            let placed = Placed { foot, height, facing };
            let (x, y, w, h) = figure::draw(&mut canvas, &actor.look, placed, &pose.skeleton());
            people.push(TruePerson {
                walker: actor.walker.name.clone(),
                foot: [stance.foot.x * self.scale, stance.foot.y * self.scale],
                region: [x, y, w, h].map(|v| v * self.scale),
            });
        }
        self.truth.frames.push(TrueFrame { at_ms, people });
        &self.page
    }
}
