//! Draws a script's frames, one after the other, and tells what stands where in each.

use anyhow::{Context, Result, ensure};
use protocol::{Chance, Label};
use tiny_skia::Pixmap;

use super::act::{Moment, Part};
use super::cycle::{self, CycleKind};
use super::figure::{self, Extent, Look, Placed};
use super::lens;
use super::light::Lighting;
use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::place::{LIFT_DOOR_M, Set};
use super::prop::{self, BagKind};
use super::script::{FaultKind, Script, Sky};
use super::sensor::{self, Noise, Shot};
use super::vehicle::{self, Parked, VehicleKind};
use super::view::View;

/// A picture that the camera gives.
#[derive(Clone, Debug)]
pub struct Take {
    pub at_ms: u64,
    pub shot: Shot,
    pub seen: Vec<Seen>,
}

/// Something that is in the picture, in shares of it, not cut off at its edges. What stands in front of it is not
/// taken off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub label: Label,
    /// x, y, width, height.
    pub region: [f32; 4],
}

pub struct Stage {
    script: Script,
    set: Set,
    sun: Option<[f32; 2]>,
    background: Pixmap,
    page: Pixmap,
    parts: Vec<(Part, Look)>,
    paints: Vec<Rgb>,
    noise: Noise,
    lighting: Lighting,
    /// The developed picture of a moment in which nothing differed from now.
    still: Option<(Still, Shot)>,
    last: Option<Shot>,
    frame: usize,
}

/// All that a picture without anything moving depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Still {
    sky: Sky,
    light: u32,
    view: View,
}

enum Item<'a> {
    Person(&'a Part, &'a Look, Moment),
    Car(Parked),
    Bag(BagKind, [f32; 2]),
    Dog([f32; 2], f32, f32),
    Tree(usize),
    Smoke(usize),
    Door(f32),
}

impl Stage {
    pub fn set_up(script: &Script) -> Result<Self> {
        let (width, height) = (script.width, script.height);
        ensure!(width.is_multiple_of(4) && height.is_multiple_of(4), "width and height are multiples of 4");
        ensure!(script.fps > 0 && script.seconds > 0.0, "a clip needs at least one frame");
        let chance = Chance::seeded(script.seed);
        let size = || Pixmap::new(width, height).context("a picture of no size");
        let looks = script.people.iter().map(|person| {
            let look = Look::drawn(&chance);
            (Part::of(person), person.coat.map_or(look, |coat| look.in_coat(coat)))
        });
        let parts = looks.collect();
        let paints =
            script.vehicles.iter().map(|v| v.paint.unwrap_or_else(|| vehicle::any_paint(&chance))).collect();
        let side = if chance.below(2) == 0 { 1.0 } else { -1.0 };
        let sun = [side * (0.5 + chance.below(60) as f32 / 100.0), chance.below(60) as f32 / 100.0 - 0.2];
        let view = script.place.view();
        let mut stage = Self {
            set: Set::built(script.place, script.seed, view),
            sun: script.sky.iter().any(|(_, sky)| *sky == Sky::Sunny).then_some(sun),
            background: size()?,
            page: size()?,
            parts,
            paints,
            noise: Noise::new((width * height) as usize, script.seed),
            lighting: Lighting::new(script.seed),
            still: None,
            last: None,
            frame: 0,
            script: script.clone(),
        };
        stage.paint_background();
        Ok(stage)
    }

    /// Cars that never move; no [`Take`] tells of them. As in the picture taken last.
    pub fn standing(&self) -> Vec<Seen> {
        let seen = |car: &Parked| {
            let (x, y, w, h) = car.extent(&self.set.view);
            Seen { label: label_of(car.kind), region: [x / 1280.0, y / 720.0, w / 1280.0, h / 720.0] }
        };
        self.set.parked.iter().map(seen).collect()
    }

    fn scale(&self) -> f32 {
        self.script.width as f32 / 1280.0
    }

    fn paint_background(&mut self) {
        let scale = self.scale();
        let mut canvas = Canvas { pixels: self.background.as_mut(), scale };
        self.set.draw(&mut canvas, self.sun);
        if self.script.weather.wind <= 0.0 {
            for tree in &self.set.trees {
                let (foot, scale) = (self.set.view.ground(tree.at), self.set.view.scale(tree.at[1]));
                tree.draw(&mut canvas, foot, scale, 0.0, 0.0);
            }
        }
        // No real surface is even.
        for (i, px) in self.background.data_mut().chunks_exact_mut(4).enumerate() {
            let grain = (super::flame::random(i as u32) * 9.0) as i16 - 4;
            px[..3].iter_mut().for_each(|v| *v = (i16::from(*v) + grain).clamp(0, 255) as u8);
        }
    }

    /// The next picture; `None` when the clip is over. Frames that the camera loses are left out.
    pub fn take(&mut self) -> Option<Take> {
        while self.frame < self.script.frames() {
            let frame = self.frame;
            self.frame += 1;
            let at_s = frame as f32 / self.script.fps as f32;
            let during = |kind: FaultKind| {
                self.script.faults.iter().any(|f| f.kind == kind && (f.from_s..f.to_s).contains(&at_s))
            };
            if during(FaultKind::Loss) {
                continue;
            }
            let at_ms = frame as u64 * 1000 / u64::from(self.script.fps);
            if let Some(shot) = self.last.as_ref().filter(|_| during(FaultKind::Freeze)) {
                return Some(Take { at_ms, shot: shot.clone(), seen: Vec::new() });
            }
            let (clean, seen) = self.expose(at_s);
            let shot = self.finish(clean, frame, at_s);
            self.last = Some(shot.clone());
            return Some(Take { at_ms, shot, seen });
        }
        None
    }

    /// What the lens lets through.
    fn expose(&mut self, at_s: f32) -> (Shot, Vec<Seen>) {
        self.turn(lens::turned(&self.script, at_s));
        let sky = self.script.sky_at(at_s);
        let light = self.script.light_at(at_s);
        let parts = std::mem::take(&mut self.parts);
        let items = self.items(&parts, at_s);
        let lively = !items.is_empty()
            || self.script.fires.iter().any(|f| f.strength(at_s) > 0.0)
            || self.script.sweeps.iter().any(|w| (w.from_s..w.to_s).contains(&at_s))
            || lens::covered(&self.script, at_s)
            || sky == Sky::Sunset;
        let key = Still { sky, light: (light * 1000.0) as u32, view: self.set.view };
        if let Some((_, shot)) = self.still.as_ref().filter(|(of, _)| !lively && *of == key) {
            let shot = shot.clone();
            self.parts = parts;
            return (shot, Vec::new());
        }
        let seen = self.draw(&items, at_s, sky);
        drop(items);
        let cars = self.cars(at_s);
        self.lighting.apply(&mut self.page, &self.script, &self.set, sky, light, at_s, &cars);
        let scale = self.scale();
        let mut canvas = Canvas { pixels: self.page.as_mut(), scale };
        for fire in &self.script.fires {
            fire.draw_flames(&mut canvas, &self.set.view, at_s, if sky == Sky::Night { 0.1 } else { 0.9 });
        }
        self.lighting.shine(&mut canvas, &self.set, sky, at_s, &cars);
        lens::cover(&mut canvas, &self.script, at_s);
        let mut shot = Shot::of(&self.page);
        if sky == Sky::Infrared {
            shot.monochrome();
        }
        if !lively {
            self.still = Some((key, shot.clone()));
        }
        self.parts = parts;
        (shot, seen)
    }

    fn turn(&mut self, by: [f32; 2]) {
        let view = self.script.place.view().turned(by);
        if view != self.set.view {
            self.set.view = view;
            self.background.data_mut().fill(0);
            self.paint_background();
        }
    }

    /// Weather, noise and the lens, on a clean picture.
    fn finish(&self, mut shot: Shot, frame: usize, at_s: f32) -> Shot {
        let weather = &self.script.weather;
        if weather.rain > 0.0 {
            sensor::rain(&mut shot, frame, weather.rain);
        }
        if weather.snow > 0.0 {
            sensor::snow(&mut shot, at_s, self.script.seed, weather.snow);
        }
        if weather.shake > 0.0 {
            let swing = |key: u32| {
                let amount = (super::flame::flow(key, at_s * 5.0) - 0.5) * 2.0 * weather.shake * self.scale();
                (amount / 2.0).round() as i32 * 2
            };
            shot = shot.shifted(swing(71), swing(72));
        }
        let radius = lens::defocus(&self.script, at_s) * self.scale();
        if radius >= 0.5 {
            shot.blur(radius.round() as usize);
        }
        let level = match self.script.sky_at(at_s) {
            Sky::Night => 4.2,
            Sky::Infrared => 3.2,
            _ => 1.7,
        };
        self.noise.add(&mut shot, frame, level + weather.noise * 6.0);
        shot
    }

    fn cars(&self, at_s: f32) -> Vec<Parked> {
        let vehicles = self.script.vehicles.iter().zip(&self.paints);
        vehicles
            .filter_map(|(v, paint)| {
                let now = v.at(at_s)?;
                Some(Parked {
                    kind: v.kind,
                    paint: *paint,
                    at: now.at,
                    heading: now.heading,
                    lights: v.lights,
                })
            })
            .collect()
    }

    /// What has to be drawn over the background, the farthest first.
    fn items<'a>(&self, parts: &'a [(Part, Look)], at_s: f32) -> Vec<Item<'a>> {
        let mut items: Vec<(f32, Item<'a>)> = Vec::new();
        for (part, look) in parts {
            if let Some(now) = part.at(at_s) {
                items.push((now.at[1], Item::Person(part, look, now)));
            }
        }
        items.extend(self.cars(at_s).into_iter().map(|car| (car.at[1], Item::Car(car))));
        for (kind, at) in self.bags_at(parts, at_s) {
            items.push((at[1], Item::Bag(kind, at)));
        }
        for dog in &self.script.dogs {
            if let Some((at, facing, phase)) = dog.at(at_s) {
                items.push((at[1], Item::Dog(at, facing, phase)));
            }
        }
        if self.script.weather.wind > 0.0 {
            items.extend(self.set.trees.iter().enumerate().map(|(i, t)| (t.at[1], Item::Tree(i))));
        }
        for (i, fire) in self.script.fires.iter().enumerate() {
            if fire.smoke && at_s >= fire.starts_s && at_s < fire.ends_s + 6.0 {
                items.push((fire.at[2], Item::Smoke(i)));
            }
        }
        if self.set.place == super::place::Place::Lift {
            items.push((LIFT_DOOR_M, Item::Door(self.door(at_s))));
        }
        items.sort_by(|a, b| b.0.total_cmp(&a.0));
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// How far the lift's door is open; its leaves take a second.
    fn door(&self, at_s: f32) -> f32 {
        let open = |&(from, to): &(f32, f32)| (at_s - from).min(to - at_s).clamp(0.0, 1.0);
        self.script.door.iter().map(open).fold(0.0, f32::max)
    }

    fn bags_at(&self, parts: &[(Part, Look)], at_s: f32) -> Vec<(BagKind, [f32; 2])> {
        let taken = |put_s: f32, at: [f32; 2]| {
            let takes = parts.iter().filter_map(|(part, _)| part.take_up());
            takes
                .filter(|(s, by)| *s > put_s && (by[0] - at[0]).abs() < 1.5 && (by[1] - at[1]).abs() < 1.5)
                .any(|(s, _)| at_s >= s)
        };
        let put = parts.iter().filter_map(|(part, _)| Some((part.person.bag?, part.put_down()?)));
        let left = put.filter(|(_, (s, at))| at_s >= *s && !taken(*s, *at)).map(|(bag, (_, at))| (bag, at));
        let there = self.script.bags.iter().filter(|(_, at)| !taken(-1.0, *at)).copied();
        left.chain(there).collect()
    }

    fn draw(&mut self, items: &[Item<'_>], at_s: f32, sky: Sky) -> Vec<Seen> {
        self.page.data_mut().copy_from_slice(self.background.data());
        let scale = self.scale();
        let (set, script) = (&self.set, &self.script);
        let view = &set.view;
        let mut canvas = Canvas { pixels: self.page.as_mut(), scale };
        let sun = self.sun.filter(|_| sky == Sky::Sunny);
        draw_shadows(&mut canvas, view, items, sun);
        let mut seen = Vec::new();
        let mut note = |label: Label, (x, y, w, h): Extent| {
            seen.push(Seen { label, region: [x / 1280.0, y / 720.0, w / 1280.0, h / 720.0] });
        };
        for item in items {
            match item {
                Item::Person(part, look, now) => draw_person(&mut canvas, view, part, look, now, &mut note),
                Item::Car(car) => note(label_of(car.kind), car.draw(&mut canvas, view)),
                Item::Bag(kind, at) => {
                    let (foot, scale) = (view.ground(*at), view.scale(at[1]));
                    kind.draw(&mut canvas, foot, scale);
                    let (w, h) = kind.size_m();
                    note(Label::Bag, (foot.x - w * scale / 2.0, foot.y - h * scale, w * scale, h * scale));
                }
                Item::Dog(at, facing, phase) => {
                    let (foot, scale) = (view.ground(*at), view.scale(at[1]));
                    prop::dog(&mut canvas, foot, scale, *facing, *phase);
                    note(
                        Label::Animal,
                        (foot.x - 0.55 * scale, foot.y - 0.68 * scale, 1.1 * scale, 0.68 * scale),
                    );
                }
                Item::Tree(i) => {
                    let tree = &set.trees[*i];
                    let (foot, scale) = (view.ground(tree.at), view.scale(tree.at[1]));
                    tree.draw(&mut canvas, foot, scale, script.weather.wind, at_s + tree.at[0]);
                }
                Item::Smoke(i) => {
                    script.fires[*i].draw_smoke(&mut canvas, view, at_s, script.weather.wind);
                }
                Item::Door(open) => set.draw_door(&mut canvas, *open),
            }
        }
        seen
    }
}

pub(super) fn label_of(kind: VehicleKind) -> Label {
    match kind {
        VehicleKind::Truck => Label::Truck,
        VehicleKind::Bus => Label::Bus,
        _ => Label::Car,
    }
}

fn draw_shadows(canvas: &mut Canvas<'_>, view: &View, items: &[Item<'_>], sun: Option<[f32; 2]>) {
    for item in items {
        match item {
            Item::Person(part, _, now) => {
                let foot = view.ground(now.at);
                let scale = view.scale(now.at[1]);
                // Below the feet; below the whole body where it lies.
                let over = now.pose.skeleton().tilt.sin();
                let under =
                    Spot { x: foot.x + 0.46 * over * part.person.stature * scale * now.facing, y: foot.y };
                canvas.ellipse(
                    under,
                    (0.30 + 0.55 * over) * scale,
                    (0.07 + 0.05 * over) * scale,
                    Rgb(18, 18, 24),
                    0.34,
                );
                let Some([right, away]) = sun else { continue };
                let h = part.person.stature;
                let ground = |[ahead, up]: [f32; 2]| {
                    view.ground([
                        now.at[0] + ahead * h * now.facing + up * h * right,
                        now.at[1] + up * h * away,
                    ])
                };
                let limbs: Vec<Vec<(f32, f32)>> = figure::silhouette(&now.pose.skeleton())
                    .into_iter()
                    .map(|(a, b, r)| thick(ground(a), ground(b), r * h * scale))
                    .collect();
                canvas.union(&limbs, Rgb(18, 18, 26), 0.42);
            }
            Item::Car(car) => {
                canvas.polygon(
                    &car.shadow(view, sun),
                    Rgb(18, 18, 24),
                    if sun.is_some() { 0.42 } else { 0.30 },
                );
            }
            _ => {}
        }
    }
}

/// A limb's shadow on the ground: flat, so half as thick upwards.
fn thick(a: Spot, b: Spot, r: f32) -> Vec<(f32, f32)> {
    let ring = |c: Spot| {
        (0..6).map(move |i| {
            let angle = i as f32 / 6.0 * std::f32::consts::TAU;
            (c.x + angle.cos() * r, c.y + angle.sin() * r * 0.5)
        })
    };
    vehicle::hull(ring(a).chain(ring(b)).collect())
}

fn draw_person(
    canvas: &mut Canvas<'_>,
    view: &View,
    part: &Part,
    look: &Look,
    now: &Moment,
    note: &mut impl FnMut(Label, Extent),
) {
    let (foot, scale) = (view.ground(now.at), view.scale(now.at[1]));
    let placed = Placed { foot, height: part.person.stature * scale, facing: now.facing };
    let bones = now.pose.skeleton();
    let draw_bag = |canvas: &mut Canvas<'_>| {
        if let Some(bag) = part.person.bag.filter(|_| now.carries) {
            let hand = Spot { x: foot.x + 0.14 * scale * now.facing, y: foot.y - 0.16 * scale };
            bag.draw(canvas, hand, scale);
        }
    };
    let Some(cycle) = part.person.cycle else {
        draw_bag(canvas);
        note(Label::Person, figure::draw(canvas, look, placed, &bones));
        return;
    };
    let [dx, dz] = now.heading;
    let whole = (dx * dx + dz * dz).sqrt();
    let along = if whole < 0.01 { 0.85 } else { (dx.abs() / whole).max(0.38) };
    let wheels = if cycle.ridden {
        foot
    } else {
        Spot { x: foot.x + 0.25 * scale * now.facing, y: foot.y + 0.12 * scale }
    };
    if cycle.ridden {
        cycle::cycle(canvas, cycle.kind, cycle.paint, wheels, scale, along * now.facing);
        note(Label::Person, figure::draw(canvas, look, placed, &bones));
    } else {
        note(Label::Person, figure::draw(canvas, look, placed, &bones));
        cycle::cycle(canvas, cycle.kind, cycle.paint, wheels, scale, along * now.facing);
    }
    let label = match cycle.kind {
        CycleKind::Bicycle => Label::Bicycle,
        CycleKind::Ebike => Label::Motorcycle,
    };
    let half = 0.92 * scale * along;
    note(label, (wheels.x - half, wheels.y - 1.25 * scale, 2.0 * half, 1.25 * scale));
}
