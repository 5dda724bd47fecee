//! Where a walker is at each frame: a pure function of its script, so the truth is known.
//!
//! Lengths are pixels of the drawing's own 1280×720 space; [`super::Scene`] scales at the end.

use serde::{Deserialize, Serialize};

/// A point on the ground or in the picture, in pixels of the 1280×720 space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    pub x: f32,
    pub y: f32,
}

/// One leg of a way: walk to `to`, then stand there for `pause_s`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Stretch {
    pub to: Spot,
    #[serde(default)]
    pub pause_s: f32,
}

/// A person's script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Walker {
    pub name: String,
    /// Appears at `from` at this second of the clip.
    pub starts_s: f32,
    pub from: Spot,
    pub way: Vec<Stretch>,
    /// 1.0 is an adult of 1.70 m.
    pub stature: f32,
    /// Body heights per second; 0.75 is an unhurried walk.
    pub pace: f32,
}

/// How a walker stands in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stance {
    pub foot: Spot,
    pub height: f32,
    /// Where in the double step, 0..1; meaningful while walking.
    pub phase: f32,
    pub walking: bool,
    /// −1 to the left, +1 to the right.
    pub facing: f32,
}

/// Height of an adult whose feet are at `y`: 90 px at the wall, 280 px at the lower edge.
pub fn adult_height(y: f32) -> f32 {
    (90.0 + (y - FAR_Y) / (NEAR_Y - FAR_Y) * 190.0).clamp(60.0, 320.0)
}

/// Ground line at the wall and at the lower edge of the picture.
pub const FAR_Y: f32 = 350.0;
pub const NEAR_Y: f32 = 710.0;

/// Length of a double step in body heights.
const DOUBLE_STEP: f32 = 0.82;

impl Walker {
    /// The stance of each frame of a clip; `None` before the walker appears and after its way ends.
    pub fn stances(&self, frames: usize, fps: f32) -> Vec<Option<Stance>> {
        let mut out = Vec::with_capacity(frames);
        let mut at = self.from;
        let mut way = self.way.iter().copied();
        let mut stretch = way.next();
        let mut paused_s = 0.0;
        let mut phase = 0.0_f32;
        let mut facing = 1.0;
        for frame in 0..frames {
            if (frame as f32) / fps < self.starts_s {
                out.push(None);
                continue;
            }
            let height = adult_height(at.y) * self.stature;
            let mut walking = false;
            match stretch {
                None => {
                    out.push(None);
                    continue;
                }
                Some(Stretch { to, pause_s }) => {
                    let (dx, dy) = (to.x - at.x, to.y - at.y);
                    // Depth is foreshortened: a pixel upwards is about two pixels of ground.
                    let ground = (dx * dx + 4.0 * dy * dy).sqrt();
                    let stride = self.pace * height / fps;
                    if ground > stride {
                        let share = stride / ground;
                        at = Spot { x: at.x + dx * share, y: at.y + dy * share };
                        phase = (phase + self.pace / fps / DOUBLE_STEP).fract();
                        walking = true;
                        if dx.abs() > 0.5 {
                            facing = dx.signum();
                        }
                    } else {
                        at = to;
                        paused_s += 1.0 / fps;
                        if paused_s >= pause_s {
                            paused_s = 0.0;
                            stretch = way.next();
                        }
                    }
                }
            }
            let height = adult_height(at.y) * self.stature;
            out.push(Some(Stance { foot: at, height, phase, walking, facing }));
        }
        out
    }
}

/// Whether `at` lies inside `polygon` (even-odd).
pub fn inside(polygon: &[Spot], at: Spot) -> bool {
    let mut odd = false;
    for (i, a) in polygon.iter().enumerate() {
        let b = polygon[(i + 1) % polygon.len()];
        if (a.y > at.y) != (b.y > at.y) && at.x < (b.x - a.x) * (at.y - a.y) / (b.y - a.y) + a.x {
            odd = !odd;
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walker appears when scripted, arrives, waits as long as told and leaves.
    #[test]
    fn a_way_is_walked_and_left() {
        let walker = Walker {
            name: "a".into(),
            starts_s: 1.0,
            from: Spot { x: 0.0, y: 600.0 },
            way: vec![Stretch { to: Spot { x: 300.0, y: 600.0 }, pause_s: 2.0 }],
            stature: 1.0,
            pace: 0.75,
        };
        let stances = walker.stances(200, 10.0);
        assert!(stances[..10].iter().all(Option::is_none));
        let standing = stances.iter().flatten().filter(|s| !s.walking).count();
        assert!((20..=22).contains(&standing), "stood {standing} frames for 2 s at 10 fps");
        assert!(stances.last().unwrap().is_none());
        assert!(stances.iter().flatten().all(|s| s.foot.x <= 300.0));
    }

    #[test]
    fn inside_a_square() {
        let square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)].map(|(x, y)| Spot { x, y });
        assert!(inside(&square, Spot { x: 5.0, y: 5.0 }));
        assert!(!inside(&square, Spot { x: 15.0, y: 5.0 }));
    }
}
