//! Boxes with identities in MOTChallenge's text form, and the usual figures of merit on them.

use std::collections::BTreeMap;
use std::path::Path;

use edge_agent::tracker::assign::best_pairs;
use protocol::NormBox;

/// Boxes with identity, by frame counted from 1.
pub(crate) type Sequence = BTreeMap<u64, Vec<(u64, NormBox)>>;

/// Overlap at which a box is the right one.
const RIGHT: f32 = 0.5;

/// Reads `frame,id,x,y,w,h,…` in pixels of a picture of `width × height`.
pub(crate) fn read(path: &Path, width: f32, height: f32) -> Sequence {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut sequence = Sequence::new();
    for line in text.lines() {
        let v: Vec<f32> = line.split(',').map(|f| f.trim().parse().expect("a number")).collect();
        let region = NormBox { x: v[2] / width, y: v[3] / height, w: v[4] / width, h: v[5] / height };
        sequence.entry(v[0] as u64).or_default().push((v[1] as u64, region));
    }
    sequence
}

/// Best pairs of one frame that overlap enough.
pub(crate) fn matched(truth: &[NormBox], found: &[NormBox]) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (t, a) in truth.iter().enumerate() {
        for (f, b) in found.iter().enumerate() {
            let overlap = a.iou(b);
            if overlap >= RIGHT {
                edges.push((t, f, overlap));
            }
        }
    }
    best_pairs(truth.len(), found.len(), &edges)
}

/// CLEAR-MOT (Bernardin & Stiefelhagen 2008) and IDF1 (Ristani et al. 2016).
pub(crate) struct Merit {
    pub(crate) mota: f64,
    pub(crate) idf1: f64,
    pub(crate) switches: usize,
    pub(crate) missed: usize,
    pub(crate) false_boxes: usize,
    pub(crate) truths: usize,
}

impl std::fmt::Display for Merit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mota, idf1, switches, missed, false_boxes, truths } = self;
        write!(f, "MOTA {mota:.3}, IDF1 {idf1:.3}, {switches} switches, ")?;
        write!(f, "{missed} missed and {false_boxes} false of {truths} boxes")
    }
}

pub(crate) fn merit(truth: &Sequence, found: &Sequence, frames: std::ops::RangeInclusive<u64>) -> Merit {
    let (mut switches, mut missed, mut false_boxes, mut truths, mut founds) = (0, 0, 0, 0, 0);
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    let mut together: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    let nothing = Vec::new();
    for frame in frames {
        let (t, f) = (truth.get(&frame).unwrap_or(&nothing), found.get(&frame).unwrap_or(&nothing));
        truths += t.len();
        founds += f.len();
        for (a, x) in t {
            for (b, y) in f {
                if x.iou(y) >= RIGHT {
                    *together.entry((*a, *b)).or_default() += 1;
                }
            }
        }
        // A pair of the last frame stays a pair while it overlaps enough; only the rest is matched anew.
        let mut kept: Vec<(u64, u64)> = Vec::new();
        for (a, x) in t {
            let Some(&b) = last.get(a) else { continue };
            let free = !kept.iter().any(|k| k.1 == b);
            if free && f.iter().any(|(id, y)| *id == b && x.iou(y) >= RIGHT) {
                kept.push((*a, b));
            }
        }
        let t_rest: Vec<_> = t.iter().filter(|(a, _)| !kept.iter().any(|k| k.0 == *a)).collect();
        let f_rest: Vec<_> = f.iter().filter(|(b, _)| !kept.iter().any(|k| k.1 == *b)).collect();
        let boxes = |v: &[&(u64, NormBox)]| v.iter().map(|x| x.1).collect::<Vec<_>>();
        let fresh = matched(&boxes(&t_rest), &boxes(&f_rest));
        for &(i, j) in &fresh {
            let (a, b) = (t_rest[i].0, f_rest[j].0);
            switches += usize::from(last.insert(a, b).is_some_and(|before| before != b));
        }
        let pairs = kept.len() + fresh.len();
        missed += t.len() - pairs;
        false_boxes += f.len() - pairs;
    }
    let index = |side: fn(&(u64, u64)) -> u64| {
        let mut ids: Vec<u64> = together.keys().map(side).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (a, b) = (index(|k| k.0), index(|k| k.1));
    let place = |ids: &[u64], id: u64| ids.binary_search(&id).expect("listed above");
    let edges: Vec<_> = together.iter().map(|(k, n)| (place(&a, k.0), place(&b, k.1), *n as f32)).collect();
    let right: usize = best_pairs(a.len(), b.len(), &edges)
        .iter()
        .map(|&(i, j)| together.get(&(a[i], b[j])).copied().unwrap_or(0))
        .sum();
    Merit {
        mota: 1.0 - (missed + false_boxes + switches) as f64 / truths as f64,
        idf1: 2.0 * right as f64 / (truths + founds) as f64,
        switches,
        missed,
        false_boxes,
        truths,
    }
}
