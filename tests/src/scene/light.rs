//! The light of a scene: sky, lamps, headlights, the low sun.

use tiny_skia::Pixmap;

use super::flame::{flow, random};
use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::place::Set;
use super::script::{Script, Sky};
use super::sensor::{LightMap, light_evenly};
use super::vehicle::Parked;
use super::view::View;

pub(super) struct Lighting {
    seed: u32,
    /// What lamps alone light, of the sky and view it was made for.
    lamps: Option<(Sky, View, LightMap)>,
}

impl Lighting {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed: seed as u32, lamps: None }
    }

    /// Lights the page that was drawn as under an even sky.
    #[expect(clippy::too_many_arguments, reason = "everything that gives light")]
    pub(super) fn apply(
        &mut self,
        page: &mut Pixmap,
        script: &Script,
        set: &Set,
        sky: Sky,
        light: f32,
        at_s: f32,
        cars: &[Parked],
    ) {
        match sky {
            Sky::Sunny if (light - 1.0).abs() < 1e-3 => {}
            Sky::Sunny => light_evenly(page, [light; 3]),
            Sky::Overcast => light_evenly(page, [0.86 * light, 0.87 * light, 0.90 * light]),
            Sky::Sunset => light_evenly(page, [0.84 * light, 0.66 * light, 0.52 * light]),
            Sky::Night | Sky::Infrared => {
                let mut map = self.lamps(page, set, sky).clone();
                headlights(&mut map, page, script, set, at_s, cars);
                let tint = if sky == Sky::Night { [1.05, 0.92, 0.76] } else { [1.0; 3] };
                map.light(page, tint.map(|t| t * light));
            }
        }
    }

    fn lamps(&mut self, page: &Pixmap, set: &Set, sky: Sky) -> &LightMap {
        if self.lamps.as_ref().is_none_or(|(of, view, _)| *of != sky || *view != set.view) {
            let (w, h) = (page.width() as usize, page.height() as usize);
            let scale = w as f32 / 1280.0;
            let mut map = LightMap::even(w, h, if sky == Sky::Night { 0.20 } else { 0.26 });
            if sky == Sky::Infrared {
                let (cx, cy) = (w as f32 * 0.5, h as f32 * 0.62);
                map.add((cx, cy), (w as f32 * 0.72, h as f32 * 0.8), 0.62);
            } else {
                for lamp in &set.lamps {
                    let [x, y, z] = lamp.at;
                    let (foot, top) = (set.view.ground([x, z]), set.view.at([x, y, z]));
                    let reach = lamp.reach_m * set.view.scale(z) * scale;
                    map.add((foot.x * scale, foot.y * scale), (reach, reach * 0.55), 0.62);
                    map.add((top.x * scale, (top.y + 40.0) * scale), (reach * 0.5, reach * 0.5), 0.35);
                }
            }
            self.lamps = Some((sky, set.view, map));
        }
        &self.lamps.as_ref().expect("made just above").2
    }

    /// What shines into the lens.
    pub(super) fn shine(&self, canvas: &mut Canvas<'_>, set: &Set, sky: Sky, at_s: f32, cars: &[Parked]) {
        let dark = matches!(sky, Sky::Night | Sky::Infrared);
        for car in cars.iter().filter(|c| c.lights && dark) {
            let (lamps, _) = car.headlights(&set.view);
            let size = set.view.scale(car.at[1].max(2.0));
            for lamp in lamps {
                if car.comes_closer() {
                    canvas.glow(lamp, (size * 0.9, size * 0.8), Rgb(255, 250, 230), 0.85);
                    canvas.ellipse(lamp, size * 0.16, size * 0.15, Rgb(255, 255, 250), 1.0);
                }
            }
        }
        if sky == Sky::Night && !set.place.indoors() {
            for lamp in &set.lamps {
                let top = set.view.at(lamp.at);
                let size = set.view.scale(lamp.at[2]);
                canvas.glow(top, (size * 1.2, size * 1.0), Rgb(255, 214, 150), 0.7);
            }
        }
        if sky == Sky::Sunset {
            self.low_sun(canvas, at_s);
        }
    }

    /// The sun at the edge of a roof, its flare, and panes that throw it back; thin clouds pass over it.
    fn low_sun(&self, canvas: &mut Canvas<'_>, at_s: f32) {
        let part = |k: u32| random(self.seed.wrapping_add(k));
        let veil = 0.75 + 0.25 * flow(self.seed ^ 5, at_s * 0.15);
        let sun = Spot { x: 160.0 + part(1) * 960.0, y: 40.0 + part(2) * 70.0 };
        canvas.glow(sun, (420.0, 300.0), Rgb(255, 150, 60), 0.55 * veil);
        canvas.glow(sun, (90.0, 80.0), Rgb(255, 230, 170), 0.95 * veil);
        for pane in 0..4 {
            let at = Spot { x: 120.0 + part(10 + pane) * 1040.0, y: 90.0 + part(20 + pane) * 160.0 };
            let shimmer = 0.7 + 0.3 * flow(self.seed ^ (30 + pane), at_s * 0.8);
            canvas.rect(at.x - 14.0, at.y - 18.0, 28.0, 36.0, Rgb(255, 168, 62).times(shimmer));
            canvas.glow(at, (60.0, 54.0), Rgb(255, 140, 40), 0.5 * shimmer * veil);
        }
        // Its streak on the ground.
        let streak = Spot { x: sun.x, y: 600.0 };
        canvas.glow(streak, (130.0, 160.0), Rgb(255, 150, 60), 0.35 * veil);
    }
}

fn headlights(map: &mut LightMap, page: &Pixmap, script: &Script, set: &Set, at_s: f32, cars: &[Parked]) {
    let scale = page.width() as f32 / 1280.0;
    let mut pool = |[x, z]: [f32; 2], strength: f32| {
        let (spot, size) = (set.view.ground([x, z.max(2.0)]), set.view.scale(z.max(2.0)) * scale);
        map.add((spot.x * scale, spot.y * scale), (size * 4.2, size * 1.5), strength);
        map.add((spot.x * scale, (spot.y - size) * scale), (size * 2.4, size * 2.0), strength * 0.3);
    };
    for car in cars.iter().filter(|c| c.lights) {
        pool(car.headlights(&set.view).1, 0.85);
    }
    for sweep in script.sweeps.iter().filter(|w| (w.from_s..w.to_s).contains(&at_s)) {
        let share = (at_s - sweep.from_s) / (sweep.to_s - sweep.from_s);
        let at = [0, 1].map(|i| sweep.from[i] + (sweep.to[i] - sweep.from[i]) * share);
        pool(at, 0.8 * (share.min(1.0 - share) * 6.0).min(1.0));
    }
}
