//! A region against its surroundings, now and before: does something stand there, is it a gap, or light?

use super::pairs::Pairs;
use super::place::{CHROMA, Place, apart};
use super::{Blob, Colour, LeftFinder};

/// What stands there is at least so strange, and has so much of the strangeness of now and before together.
const STRANGE: f32 = 8.0;
const STANDS_OUT: f32 = 0.55;
/// Surroundings reach so far, and are compared by a sample of at most so many places.
const RING: usize = 5;
const SAMPLE: usize = 80;
/// How much of the change inside may also be seen around it: light does not keep to the outline of a thing.
const AROUND: f32 = 0.3;
/// How much brighter or darker plain ground may become by light: when it changed alone, and with all around it.
const PLAIN: f32 = 0.2;
const PLAIN_WITH_LIGHT: f32 = 0.5;

/// Mean differences of colour in and around a region.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outline {
    /// How strange in its surroundings is what stands there, and was what was there before?
    now: f32,
    before: f32,
    /// Between now and before: of the region, and of its surroundings.
    inside: f32,
    around: f32,
    /// By which share both became brighter (below 0: darker).
    brighter: [f32; 2],
}

impl LeftFinder {
    /// 0 when it is a gap or the light; else how much it stands out, from 0.5 on.
    pub(super) fn strength(&self, blob: &Blob, outline: Outline, came_with_light: bool) -> f32 {
        let Outline { now, before, .. } = outline;
        let stands_out = now >= STRANGE && now >= STANDS_OUT * (now + before);
        if !stands_out || outline.ground_changed_too() || self.is_light(blob, came_with_light) {
            return 0.0;
        }
        (0.6 + now / 100.0).min(1.0)
    }

    /// The region against its surroundings, by a sample of both.
    pub(super) fn outline(&self, blob: &Blob) -> Outline {
        let (columns, rows) = (self.grid.columns, self.grid.rows);
        let xs = blob.left.saturating_sub(RING)..(blob.right + RING + 1).min(columns);
        let ys = blob.top.saturating_sub(RING)..(blob.bottom + RING + 1).min(rows);
        // The outline itself is a mixture, so what lies next to it is left out.
        let free = |x: usize, y: usize| {
            let xs = x.saturating_sub(1)..(x + 2).min(columns);
            !(y.saturating_sub(1)..(y + 2).min(rows))
                .any(|y| xs.clone().any(|x| self.mask[y * columns + x] != 0))
        };
        let ring: Vec<&Place> = ys
            .flat_map(|y| xs.clone().map(move |x| (x, y)))
            .filter(|(x, y)| free(*x, *y))
            .map(|(x, y)| &self.places[y * columns + x])
            .collect();
        let inner: Vec<&Place> = self.inside(blob).map(|i| &self.places[i]).collect();
        if ring.len() < 8 {
            return Outline::default();
        }
        let sample = |from: &[&Place]| -> Vec<Place> {
            let step = from.len().div_ceil(SAMPLE);
            from.iter().step_by(step).map(|place| **place).collect()
        };
        let (ring, inner) = (sample(&ring), sample(&inner));
        let mean = |values: &mut dyn Iterator<Item = f32>, n: usize| values.sum::<f32>() / n.max(1) as f32;
        let brighter = |from: &[Place], now: fn(&Place) -> Colour| {
            let mut pairs = Pairs::default();
            from.iter().for_each(|p| pairs.add(p.long[0] - 16.0, now(p)[0] - 16.0));
            pairs.ratio() - 1.0
        };
        Outline {
            now: mean(&mut inner.iter().map(|p| strangeness(p.candidate, &ring)), inner.len()),
            before: mean(&mut inner.iter().map(|p| strangeness(p.long, &ring)), inner.len()),
            inside: mean(&mut inner.iter().map(|p| apart(p.candidate, p.long)), inner.len()),
            around: mean(&mut ring.iter().map(|p| apart(p.recent, p.long)), ring.len()),
            brighter: [brighter(&inner, |p| p.candidate), brighter(&ring, |p| p.recent)],
        }
    }

    /// Is it the same ground, evenly darker or brighter, with the same texture and hue?
    ///
    /// What is plain shows no texture to tell by: of a mark on the ground, brighter or darker with all around it, more is
    /// believed than of a patch that changed alone.
    fn is_light(&self, blob: &Blob, came_with_light: bool) -> bool {
        let mut pairs = Pairs::default();
        self.inside(blob).for_each(|i| {
            let Place { long, candidate, .. } = self.places[i];
            pairs.add(long[0] - 16.0, candidate[0] - 16.0);
        });
        let ratio = pairs.ratio();
        // Less light is less colour, too.
        let bleak = ratio.clamp(0.5, 2.0);
        let hue = self.inside(blob).map(|i| {
            let Place { long, candidate, .. } = self.places[i];
            let off = |c: usize| (candidate[c] - 128.0 - bleak * (long[c] - 128.0)).abs();
            off(1) + off(2)
        });
        let hue = hue.sum::<f32>() / pairs.n.max(1.0);
        let alike = pairs.correlation();
        let same_texture = alike > 0.85 && hue < CHROMA || alike > 0.9 && hue < 2.0 * CHROMA;
        let plain = if came_with_light { PLAIN_WITH_LIGHT } else { PLAIN };
        let same_plain = pairs.flat() && hue < CHROMA && (ratio - 1.0).abs() < plain;
        (0.4..2.5).contains(&ratio) && (same_texture || same_plain)
    }
}

impl Outline {
    fn ground_changed_too(&self) -> bool {
        self.around > AROUND * self.inside
    }

    /// Whether the ground around became brighter or darker as well, each by its own brightness: light is a factor.
    pub(super) fn shares_its_light(&self) -> bool {
        let [inside, around] = self.brighter;
        around * inside.signum() > AROUND * inside.abs()
    }
}

/// How far a colour is from those of the surroundings: from the third nearest, so that one odd place is none.
fn strangeness(colour: Colour, ring: &[Place]) -> f32 {
    let mut nearest = [f32::MAX; 3];
    for place in ring {
        let apart = apart(colour, place.long);
        if apart < nearest[2] {
            nearest[2] = apart;
            nearest.sort_unstable_by(f32::total_cmp);
        }
    }
    nearest[2]
}
