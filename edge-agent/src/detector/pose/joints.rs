//! From the joints that a model of the MoveNet kind gives (17 points of COCO: y and x as shares of the input, score)
//! to how a body lies. Pure.

use serde::{Deserialize, Serialize};

const POINTS: usize = 17;
/// Left and right of each, in COCO's order.
const SHOULDERS: [usize; 2] = [5, 6];
const HIPS: [usize; 2] = [11, 12];
const KNEES: [usize; 2] = [13, 14];
const ANKLES: [usize; 2] = [15, 16];

/// How one person stands or lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stance {
    /// Degrees by which trunk and legs both lean at least: 0 upright, 90 level, 180 head down. Who sits has an upright
    /// trunk, who bends upright legs: both are near 0.
    pub lean: f32,
    /// Mean score of the joints it was taken from, 0..=1 in two decimals.
    pub score: f32,
}

/// By how much the picture was turned before the model saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Not,
    /// By a quarter, clockwise.
    Right,
    Left,
}

impl Turn {
    /// A way in the turned picture as it is in the picture itself.
    fn back(self, (x, y): (f32, f32)) -> (f32, f32) {
        match self {
            Self::Not => (x, y),
            Self::Right => (y, -x),
            Self::Left => (-y, x),
        }
    }
}

/// `points`: 17 × (y, x, score); `size` of the input in pixels. An error names a shape that is none of these.
pub(super) fn stance(points: &[f32], (width, height): (f32, f32), turn: Turn) -> Result<Stance, String> {
    if points.len() != POINTS * 3 {
        return Err(format!("it gives {} values, not {POINTS} points of y, x and score", points.len()));
    }
    let middle = |[a, b]: [usize; 2]| {
        let mean = |i: usize| f32::midpoint(points[a * 3 + i], points[b * 3 + i]);
        turn.back((mean(1) * width, mean(0) * height))
    };
    let used = [SHOULDERS, HIPS, KNEES, ANKLES];
    let score = used.iter().flatten().map(|joint| points[joint * 3 + 2]).sum::<f32>() / 8.0;
    let (hips, trunk) = (middle(HIPS), middle(SHOULDERS));
    let lean = from_upright(hips, trunk).min(from_upright(middle(ANKLES), hips));
    if !(score.is_finite() && lean.is_finite()) {
        return Ok(Stance::default());
    }
    // To steps that do not differ between processors.
    Ok(Stance { lean: lean.round(), score: (score.clamp(0.0, 1.0) * 100.0).round() / 100.0 })
}

/// Degrees between straight up and the way from `low` to `high`; y grows downwards.
fn from_upright(low: (f32, f32), high: (f32, f32)) -> f32 {
    (high.0 - low.0).abs().atan2(low.1 - high.1).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body whose middle line has these four points, shoulders first: shares of the input.
    fn body(line: [(f32, f32); 4], score: f32) -> Vec<f32> {
        let mut points = vec![0.0; POINTS * 3];
        for (joints, (x, y)) in [SHOULDERS, HIPS, KNEES, ANKLES].into_iter().zip(line) {
            for (joint, off) in joints.into_iter().zip([-0.02, 0.02]) {
                points[joint * 3..joint * 3 + 3].copy_from_slice(&[y, x + off, score]);
            }
        }
        points
    }

    fn of(line: [(f32, f32); 4], turn: Turn) -> Stance {
        stance(&body(line, 0.6), (192.0, 192.0), turn).unwrap()
    }

    const STANDS: [(f32, f32); 4] = [(0.5, 0.3), (0.5, 0.5), (0.5, 0.65), (0.5, 0.8)];

    /// Standing, sitting and bending lean little; lying does, whichever way round, and head down most.
    #[test]
    fn only_who_lies_leans() {
        assert_eq!(of(STANDS, Turn::Not), Stance { lean: 0.0, score: 0.6 });
        let sits = [(0.4, 0.4), (0.4, 0.6), (0.6, 0.6), (0.6, 0.8)];
        let bends = [(0.7, 0.5), (0.5, 0.5), (0.5, 0.65), (0.5, 0.8)];
        assert!(of(sits, Turn::Not).lean < 46.0 && of(bends, Turn::Not).lean < 10.0);
        let lies = [(0.3, 0.5), (0.5, 0.5), (0.65, 0.5), (0.8, 0.5)];
        assert_eq!(of(lies, Turn::Not), Stance { lean: 90.0, score: 0.6 });
        let head_down = [(0.5, 0.8), (0.5, 0.5), (0.5, 0.4), (0.5, 0.2)];
        assert_eq!(of(head_down, Turn::Not), Stance { lean: 180.0, score: 0.6 });
    }

    /// Who stands in the turned picture lies in the picture itself.
    #[test]
    fn turns_are_undone() {
        let level = Stance { lean: 90.0, score: 0.6 };
        assert_eq!((of(STANDS, Turn::Right), of(STANDS, Turn::Left)), (level, level));
        let lies = [(0.3, 0.5), (0.5, 0.5), (0.65, 0.5), (0.8, 0.5)];
        // Head to the left in a picture turned to the right: it was down before; turned to the left: up.
        let leans = |lean| Stance { lean, score: 0.6 };
        assert_eq!([of(lies, Turn::Right), of(lies, Turn::Left)], [180.0, 0.0].map(leans));
    }

    /// Another shape is refused, and what is no number is no pose.
    #[test]
    fn nonsense_is_no_pose() {
        assert!(stance(&[0.0; 50], (192.0, 192.0), Turn::Not).unwrap_err().contains("50 values"));
        let nan = stance(&body(STANDS, f32::NAN), (192.0, 192.0), Turn::Not).unwrap();
        assert_eq!(nan, Stance::default());
    }
}
