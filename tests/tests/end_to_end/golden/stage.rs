//! A stage on which made-up things move: what a detector and the pixel methods would say of it, frame by frame.

use std::sync::Arc;

use edge_agent::detector::{Stance, Unsought};
use edge_agent::frame::Detection;
use edge_agent::observation::{Observation, Parked, Posed, Seen};
use edge_agent::signs::{Sign, View};
use protocol::{Chance, Label, NormBox, UtcMs};

/// Where the feet of a thing are at a moment, and how large it is, in shares of the picture.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) s: f32,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) w: f32,
    pub(crate) h: f32,
}

/// From, to, in seconds.
pub(crate) type Span = (f32, f32);

/// One thing; it is there from its first key to its last.
#[derive(Clone)]
pub(crate) struct Actor {
    label: Label,
    keys: Vec<Key>,
    score: f32,
    /// Share of frames in which a detector sees it.
    sights: f32,
    /// How far its box trembles, in own sizes.
    tremble: f32,
    /// The detector does not see it.
    hidden: Vec<Span>,
}

pub(crate) fn at(s: f32, x: f32, y: f32) -> (f32, f32, f32) {
    (s, x, y)
}

impl Actor {
    /// Something of one size that goes from place to place.
    pub(crate) fn new(label: Label, (w, h): (f32, f32), places: &[(f32, f32, f32)]) -> Self {
        Self::shaped(label, &places.iter().map(|&(s, x, y)| Key { s, x, y, w, h }).collect::<Vec<_>>())
    }

    /// Something that changes its size as well.
    pub(crate) fn shaped(label: Label, keys: &[Key]) -> Self {
        let keys = keys.to_vec();
        Self { label, keys, score: 0.8, sights: 0.95, tremble: 0.02, hidden: Vec::new() }
    }

    pub(crate) fn person(places: &[(f32, f32, f32)]) -> Self {
        Self::new(Label::Person, (0.05, 0.25), places)
    }

    /// Walks through the picture from the left, its feet at `y`.
    pub(crate) fn crosses((from, to): Span, y: f32) -> Self {
        Self::person(&[at(from, 0.0, y), at(to, 1.0, y)])
    }

    pub(crate) fn car(places: &[(f32, f32, f32)]) -> Self {
        Self::new(Label::Car, (0.2, 0.16), places)
    }

    pub(crate) fn scored(self, score: f32) -> Self {
        Self { score, ..self }
    }

    pub(crate) fn seen_in(self, sights: f32) -> Self {
        Self { sights, ..self }
    }

    pub(crate) fn trembling(self, tremble: f32) -> Self {
        Self { tremble, ..self }
    }

    pub(crate) fn hidden(mut self, spans: &[Span]) -> Self {
        self.hidden.extend(spans);
        self
    }

    fn at(&self, s: f32) -> Option<Key> {
        let (first, last) = (self.keys.first()?, self.keys.last()?);
        if !(first.s..=last.s).contains(&s) {
            return None;
        }
        let next = self.keys.iter().position(|k| k.s >= s)?;
        let (a, b) = (self.keys[next.saturating_sub(1)], self.keys[next]);
        let share = if b.s > a.s { (s - a.s) / (b.s - a.s) } else { 1.0 };
        let mix = |p: f32, q: f32| p + (q - p) * share;
        Some(Key { s, x: mix(a.x, b.x), y: mix(a.y, b.y), w: mix(a.w, b.w), h: mix(a.h, b.h) })
    }
}

type Shown<T> = Vec<(Span, NormBox, T)>;

/// Everything there is to see.
#[derive(Clone, Default)]
pub(crate) struct Stage {
    seconds: f32,
    actors: Vec<Actor>,
    left: Shown<f32>,
    flames: Shown<(f32, f32)>,
    parked: Shown<f32>,
    posed: Shown<Stance>,
    view: Vec<(Span, View)>,
    has_view: bool,
    dark: bool,
    /// Nothing moves, so nobody looks.
    still: Vec<Span>,
    /// The detector is away: what moves are areas.
    blind: Vec<Span>,
    /// The detector is away, but one of fire looks.
    fire_alone: Vec<Span>,
    /// Fire is looked for so often, in seconds; 0: in every frame.
    fire_every_s: f32,
    /// No frame comes.
    gaps: Vec<Span>,
}

impl Stage {
    pub(crate) fn of(seconds: f32, actors: impl IntoIterator<Item = Actor>) -> Self {
        Self { seconds, actors: actors.into_iter().collect(), ..Self::default() }
    }

    /// A thing that stands out from the long background.
    pub(crate) fn left(mut self, span: Span, region: [f32; 4], score: f32) -> Self {
        self.left.push((span, boxed(region), score));
        self
    }

    /// A flame, seen in this share of the frames.
    pub(crate) fn flame(mut self, span: Span, region: [f32; 4], sights: f32) -> Self {
        self.flames.push((span, boxed(region), (0.8, sights)));
        self
    }

    /// Once a second, how much alike a place is.
    pub(crate) fn parked(mut self, span: Span, region: [f32; 4], alike: f32) -> Self {
        self.parked.push((span, boxed(region), alike));
        self
    }

    /// What a pose model says of who is at a place.
    pub(crate) fn posed(mut self, span: Span, region: [f32; 4], lean: f32, score: f32) -> Self {
        self.posed.push((span, boxed(region), Stance { lean, score }));
        self
    }

    /// A view of a camera in good order, except for these.
    pub(crate) fn view(mut self, troubles: &[(Span, View)]) -> Self {
        self.view.extend(troubles);
        self.has_view = true;
        self
    }

    /// By night.
    pub(crate) fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    pub(crate) fn still(mut self, spans: &[Span]) -> Self {
        self.still.extend(spans);
        self
    }

    pub(crate) fn blind(mut self, spans: &[Span]) -> Self {
        self.blind.extend(spans);
        self
    }

    pub(crate) fn fire_alone(mut self, spans: &[Span]) -> Self {
        self.fire_alone.extend(spans);
        self
    }

    /// The model of fire looks no more often than this; another looks at every frame.
    pub(crate) fn fire_every(self, seconds: f32) -> Self {
        Self { fire_every_s: seconds, ..self }
    }

    pub(crate) fn gap(mut self, span: Span) -> Self {
        self.gaps.push(span);
        self
    }

    /// What the camera saw, at so many frames per second.
    pub(crate) fn filmed(&self, fps: u32, seed: u64) -> Vec<Observation> {
        let chance = Chance::seeded(seed);
        let frames = (self.seconds * fps as f32) as i64;
        (0..frames)
            .map(|i| i * 1_000 / i64::from(fps))
            .filter(|ms| !within(&self.gaps, *ms as f32 / 1_000.0))
            .map(|ms| self.frame(ms, fps, &chance))
            .collect()
    }

    /// The first frame of each of its periods.
    fn fire_is_due(&self, ms: i64, fps: u32) -> bool {
        let period = |ms: i64| (ms as f32 / 1_000.0 / self.fire_every_s) as i64;
        self.fire_every_s == 0.0 || ms == 0 || period(ms) != period(ms - 1_000 / i64::from(fps))
    }

    fn frame(&self, ms: i64, fps: u32, chance: &Chance) -> Observation {
        let s = ms as f32 / 1_000.0;
        let mut seen = Vec::new();
        for actor in &self.actors {
            // Drawn in any case, so that what one does changes nothing for the others.
            let draw = [(); 6].map(|()| chance.below(1_001) as f32 / 1_000.0);
            let sight = draw[0] < actor.sights && !within(&actor.hidden, s);
            if let Some(key) = actor.at(s).filter(|_| sight) {
                seen.push(detection(actor, key, &draw));
            }
        }
        let (blind, fire_alone) = (within(&self.blind, s), within(&self.fire_alone, s));
        let burns = |label: &Label| BURNS.contains(label);
        let mut unsought = Unsought::default();
        if !self.fire_is_due(ms, fps) {
            unsought.waiting = BURNS.to_vec();
            seen.retain(|d| !burns(&d.label));
        }
        let moving = |d: Detection| Detection { label: Label::Motion, score: 1.0, ..d };
        let seen = if within(&self.still, s) {
            Seen::Still
        } else if blind {
            Seen::Motion { detections: seen.into_iter().map(moving).collect() }
        } else if fire_alone {
            unsought.missing = Label::ALL.iter().copied().filter(|l| named(*l) && !burns(l)).collect();
            let moves = |d: Detection| if burns(&d.label) { d } else { moving(d) };
            let detections = seen.into_iter().map(moves).collect();
            Seen::Objects { by: Arc::from("fire 1 + motion"), detections }
        } else {
            Seen::Objects { by: Arc::from("staged 1"), detections: seen }
        };
        let mut observation = Observation { unsought, ..Observation::of(UtcMs(ms), seen) };
        let signs = &mut observation.signs;
        signs.dark = self.dark;
        let now = |span: &Span| (span.0..span.1).contains(&s);
        for (_, region, score) in self.left.iter().filter(|(span, ..)| now(span)) {
            signs.left.push(Sign { region: *region, score: *score });
        }
        for (_, region, (score, sights)) in self.flames.iter().filter(|(span, ..)| now(span)) {
            if (chance.below(1_000) as f32) < sights * 1_000.0 {
                signs.flames.push(Sign { region: *region, score: *score });
            }
        }
        if let Some((_, region, stance)) = self.posed.iter().find(|(span, ..)| now(span)) {
            observation.posed = Some(Posed { region: *region, stance: *stance });
        }
        let signs = &mut observation.signs;
        if self.has_view {
            let trouble = self.view.iter().find(|(span, _)| now(span));
            signs.view = Some(trouble.map_or(View::default(), |(_, view)| *view));
        }
        if ms % 1_000 == 0 {
            for (_, region, alike) in self.parked.iter().filter(|(span, ..)| now(span)) {
                observation.parked.push(Parked { region: *region, alike: *alike });
            }
        }
        observation
    }
}

const BURNS: &[Label] = &[Label::Fire, Label::Smoke];

/// What detectors name.
fn named(label: Label) -> bool {
    !matches!(label, Label::Motion | Label::Object | Label::Picture)
}

fn within(spans: &[Span], s: f32) -> bool {
    spans.iter().any(|(from, to)| (*from..*to).contains(&s))
}

fn boxed([x, y, w, h]: [f32; 4]) -> NormBox {
    NormBox { x, y, w, h }
}

fn detection(actor: &Actor, key: Key, draw: &[f32; 6]) -> Detection {
    let shake = |size: f32, chance: f32| size * actor.tremble * (chance * 2.0 - 1.0);
    let (w, h) = (key.w + shake(key.w, draw[1]), key.h + shake(key.h, draw[2]));
    let (x, y) = (key.x + shake(key.w, draw[3]), key.y + shake(key.h, draw[4]));
    let round = |v: f32, unit: f32| (v * unit).round() / unit;
    let region = NormBox {
        x: round(x - w / 2.0, 1_000.0),
        y: round(y - h, 1_000.0),
        w: round(w, 1_000.0),
        h: round(h, 1_000.0),
    };
    let score = round((actor.score + (draw[5] - 0.5) * 0.16).clamp(0.0, 1.0), 100.0);
    Detection { label: actor.label, score, region }
}
