//! How high people are where they stand, learned from those who walk by. Ground that is flat shows everybody who stands
//! on one row of the picture about equally high: what is much lower there is nobody who stands.
//!
//! Nothing is assumed of the camera. Of rows that nobody has walked on, and of cameras without a detector of people,
//! nothing is known; a stretch without pictures after which rules begin afresh is a new beginning here, too.

use protocol::{Label, NormBox, UtcMs};

use crate::tracker::Track;

/// Rows, from the top of the picture to its lower edge, by which feet are told apart.
const ROWS: usize = 50;
/// So far up and down, in heights of a person, people are about as high: seen from 2.5 m up and more, those who stand so
/// far apart differ by a quarter at most.
const NEAR: f32 = 1.0 / 3.0;
/// Sights that make it known, and the most that count: trees grow, cameras are turned.
const SIGHTS: u32 = 10;
const MOST_SIGHTS: u32 = 500;
/// Lower than this share of a person's height is nobody who stands: a child of three has 0.55 of it, and does not keep
/// still.
const LOW: f32 = 0.6;
/// Who has not left his place for so long may sit.
const WALKS_MS: i64 = 1_500;
/// Nearer to the picture's edge he may be cut off.
const EDGE: f32 = 0.01;

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Mean height as share of the picture's.
    height: f32,
    sights: u32,
}

/// Of one camera, as one rule has seen it.
#[derive(Debug)]
pub(super) struct Statures(Box<[Row; ROWS]>);

impl Default for Statures {
    fn default() -> Self {
        Self(Box::new([Row::default(); ROWS]))
    }
}

impl Statures {
    /// A frame; learns from everybody who walks in it and is seen from head to foot.
    pub(super) fn see(&mut self, at: UtcMs, tracks: &[Track]) {
        let walks = |t: &&Track| {
            let b = &t.region;
            let whole = b.x >= EDGE && b.y >= EDGE && b.x + b.w <= 1.0 - EDGE && b.y + b.h <= 1.0 - EDGE;
            let seen = t.confirmed && t.last_seen == at && at.since_ms(t.still_since) <= WALKS_MS;
            t.label == Label::Person && seen && whole && t.hidden_below == 0.0
        };
        for Track { region, .. } in tracks.iter().filter(walks) {
            let row = &mut self.0[((region.y + region.h) * ROWS as f32) as usize % ROWS];
            row.sights = (row.sights + 1).min(MOST_SIGHTS);
            row.height += (region.h - row.height) / row.sights as f32;
        }
    }

    /// Whether what stands there is known to be too low for somebody who stands.
    pub(super) fn is_low(&self, thing: &NormBox) -> bool {
        let foot = thing.y + thing.h;
        let middle = |i: usize| (i as f32 + 0.5) / ROWS as f32;
        let near = |i: &usize| (middle(*i) - foot).abs() <= NEAR * self.0[*i].height;
        let (mut sum, mut sights) = (0.0, 0);
        for row in (0..ROWS).filter(near).map(|i| self.0[i]) {
            sum += row.height * row.sights as f32;
            sights += row.sights;
        }
        sights >= SIGHTS && thing.h < LOW * sum / sights as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks across with his feet on this row, as high as people are there: a tenth of the picture at a third of it,
    /// three tenths at its lower edge.
    fn walks(statures: &mut Statures, foot: f32, sights: i64, still_ms: i64) {
        let h = 0.1 + (foot - 0.33) * 0.3;
        for i in 0..sights {
            let at = UtcMs(i * 200);
            let region = NormBox { x: 0.1 + 0.02 * i as f32, y: foot - h, w: 0.05, h };
            statures.see(at, &[Track { still_since: at.plus_ms(-still_ms), ..Track::of_test(at, region) }]);
        }
    }

    fn thing(foot: f32, h: f32) -> NormBox {
        NormBox { x: 0.7, y: foot - h, w: 0.03, h }
    }

    /// Where people have walked, a suitcase is low and somebody who stands is not; further down, where everything is
    /// larger, the same suitcase is as high in its place.
    #[test]
    fn suitcases_are_low_and_people_are_not() {
        let mut statures = Statures::default();
        walks(&mut statures, 0.6, 20, 400);
        walks(&mut statures, 0.9, 20, 400);
        for (foot, person) in [(0.6, 0.18), (0.62, 0.187), (0.9, 0.27)] {
            assert!(statures.is_low(&thing(foot, 0.45 * person)), "a suitcase at {foot}");
            assert!(!statures.is_low(&thing(foot, 0.75 * person)), "a child at {foot}");
            assert!(!statures.is_low(&thing(foot, person)), "somebody at {foot}");
        }
        assert!(!statures.is_low(&thing(0.6, 0.14)) && statures.is_low(&thing(0.9, 0.14)));
    }

    /// Nothing is known where nobody has walked, or only once, and of people who sit nothing is learned.
    #[test]
    fn nothing_is_known_of_other_rows() {
        let mut statures = Statures::default();
        assert!(!statures.is_low(&thing(0.6, 0.02)));
        walks(&mut statures, 0.6, 9, 400);
        assert!(!statures.is_low(&thing(0.6, 0.02)));
        walks(&mut statures, 0.6, 30, 400);
        assert!(statures.is_low(&thing(0.6, 0.02)) && !statures.is_low(&thing(0.4, 0.02)));
        let mut sitting = Statures::default();
        walks(&mut sitting, 0.6, 40, 5_000);
        assert!(!sitting.is_low(&thing(0.6, 0.02)));
    }
}
