//! From metres to the picture: a camera on a pole, looking straight ahead, its picture shifted up or down as a
//! shift lens does, so that what stands upright is drawn upright.

use serde::{Deserialize, Serialize};

use super::path::Spot;

/// Metres: right, up from the ground, away from the camera.
pub(super) type Point = [f32; 3];

/// Nothing nearer than this is drawn.
const NEAREST_M: f32 = 0.35;

/// Where a camera hangs and how it looks; lengths of the picture in its 1280×720 space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct View {
    pub(super) horizon: f32,
    pub(super) centre: f32,
    pub(super) focal: f32,
    pub(super) height_m: f32,
}

impl View {
    pub(super) fn at(&self, [x, y, z]: Point) -> Spot {
        let scale = self.scale(z);
        Spot { x: self.centre + x * scale, y: self.horizon + (self.height_m - y) * scale }
    }

    /// A point of the ground.
    pub(super) fn ground(&self, [x, z]: [f32; 2]) -> Spot {
        self.at([x, 0.0, z])
    }

    /// Pixels of a metre at this distance.
    pub(super) fn scale(&self, z: f32) -> f32 {
        self.focal / z.max(NEAREST_M)
    }

    /// The same place seen by a camera that somebody has turned: what was at the middle is now `by` pixels off.
    pub(super) fn turned(&self, by: [f32; 2]) -> Self {
        Self { centre: self.centre + by[0], horizon: self.horizon + by[1], ..*self }
    }
}

/// A flat surface in space, with its own two directions in metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    origin: Point,
    along: Point,
    up: Point,
}

impl Plane {
    pub(super) fn new(origin: Point, along: Point, up: Point) -> Self {
        Self { origin, along, up }
    }

    /// A wall that faces the camera, from `x` on at distance `z`.
    pub(super) fn facing(x: f32, z: f32) -> Self {
        Self::new([x, 0.0, z], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    }

    /// A wall that runs away from the camera at `x`, from distance `z` on.
    pub(super) fn side(x: f32, z: f32) -> Self {
        Self::new([x, 0.0, z], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    }

    /// Level ground (or a ceiling, at height `y`).
    pub(super) fn level(y: f32) -> Self {
        Self::new([0.0, y, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    }

    pub(super) fn point(&self, u: f32, v: f32) -> Point {
        std::array::from_fn(|i| self.origin[i] + self.along[i] * u + self.up[i] * v)
    }

    /// The corners of a rectangle on it, as the camera sees them.
    pub(super) fn rect(&self, view: &View, [u, v, w, h]: [f32; 4]) -> [(f32, f32); 4] {
        [(u, v), (u + w, v), (u + w, v + h), (u, v + h)].map(|(u, v)| {
            let spot = view.at(self.point(u, v));
            (spot.x, spot.y)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View = View { horizon: 180.0, centre: 640.0, focal: 900.0, height_m: 3.0 };

    /// 9 m away a metre is 100 pixels: the ground lies 300 pixels below the horizon, the eye's height on it.
    #[test]
    fn projection_by_hand() {
        assert_eq!(VIEW.ground([0.0, 9.0]), Spot { x: 640.0, y: 480.0 });
        assert_eq!(VIEW.at([2.0, 3.0, 9.0]), Spot { x: 840.0, y: 180.0 });
        let door = Plane::facing(1.0, 9.0).rect(&VIEW, [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(door, [(740.0, 480.0), (840.0, 480.0), (840.0, 280.0), (740.0, 280.0)]);
    }
}
