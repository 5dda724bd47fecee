//! Polygons on the picture.

/// What is wrong with a polygon, by point.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ZoneError {
    #[error("has {0} points; a zone needs 3 to {max}", max = Zone::MAX_POINTS)]
    Count(usize),
    #[error(
        "point ({x}, {y}) is outside the picture; coordinates are shares of its width and height, 0 to 1"
    )]
    Outside { index: usize, x: f32, y: f32 },
    #[error(
        "the edge after point {first} crosses the edge after point {second}; list the points in the order of the outline"
    )]
    Crossing { first: usize, second: usize },
    #[error("encloses no area; its points lie on one line")]
    Flat,
}

impl ZoneError {
    /// The field to point at: `polygon` or `polygon[2]`.
    pub fn field(&self) -> String {
        match self {
            Self::Outside { index, .. } => format!("polygon[{index}]"),
            _ => "polygon".to_owned(),
        }
    }
}

/// A simple polygon in shares of the picture. Its outline belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(Vec<(f32, f32)>);

impl Zone {
    pub const MAX_POINTS: usize = 64;

    /// All of it, its edges included.
    pub fn whole_picture() -> Self {
        Self(vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    }

    pub fn new(points: &[[f32; 2]]) -> Result<Self, ZoneError> {
        let points: Vec<(f32, f32)> = points.iter().map(|&[x, y]| (x, y)).collect();
        if !(3..=Self::MAX_POINTS).contains(&points.len()) {
            return Err(ZoneError::Count(points.len()));
        }
        let inside = |v: f32| (0.0..=1.0).contains(&v);
        if let Some((index, &(x, y))) = points.iter().enumerate().find(|(_, p)| !inside(p.0) || !inside(p.1))
        {
            return Err(ZoneError::Outside { index, x, y });
        }
        let n = points.len();
        let edge = |i: usize| (points[i], points[(i + 1) % n]);
        for first in 0..n {
            for second in first + 2..n {
                let neighbours = first == 0 && second == n - 1;
                if !neighbours && edges_touch(edge(first), edge(second)) {
                    return Err(ZoneError::Crossing { first, second });
                }
            }
        }
        let twice_area: f32 = (0..n).map(edge).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        if twice_area.abs() < 1e-6 {
            return Err(ZoneError::Flat);
        }
        Ok(Self(points))
    }

    /// How far a point is from the outline, in shares of the picture.
    pub fn edge_distance(&self, p: (f32, f32)) -> f32 {
        let n = self.0.len();
        let to_edge = |i: usize| {
            let (a, b) = (self.0[i], self.0[(i + 1) % n]);
            let (way_x, way_y) = (b.0 - a.0, b.1 - a.1);
            let along = (p.0 - a.0) * way_x + (p.1 - a.1) * way_y;
            let share = (along / (way_x * way_x + way_y * way_y).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
            (p.0 - a.0 - share * way_x).hypot(p.1 - a.1 - share * way_y)
        };
        (0..n).map(to_edge).fold(f32::INFINITY, f32::min)
    }

    pub fn points(&self) -> &[(f32, f32)] {
        &self.0
    }

    /// Even-odd rule; the outline counts as inside, so that a foot cut off by the picture's edge is in a zone
    /// that reaches that edge.
    pub fn contains(&self, (x, y): (f32, f32)) -> bool {
        let n = self.0.len();
        let mut inside = false;
        for i in 0..n {
            let (a, b) = (self.0[i], self.0[(i + 1) % n]);
            if on_edge(a, b, (x, y)) {
                return true;
            }
            if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
                inside = !inside;
            }
        }
        inside
    }
}

type Point = (f32, f32);

/// Positive when a → b → c turns one way, negative the other, 0 when straight.
fn turn(a: Point, b: Point, c: Point) -> f32 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

fn on_edge(a: Point, b: Point, p: Point) -> bool {
    const NEAR: f32 = 1e-5;
    let between = |v: f32, s: f32, t: f32| v >= s.min(t) - NEAR && v <= s.max(t) + NEAR;
    turn(a, b, p).abs() < NEAR && between(p.0, a.0, b.0) && between(p.1, a.1, b.1)
}

fn edges_touch((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let crosses = turn(a, b, c) * turn(a, b, d) < 0.0 && turn(c, d, a) * turn(c, d, b) < 0.0;
    crosses || on_edge(a, b, c) || on_edge(a, b, d) || on_edge(c, d, a) || on_edge(c, d, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const U_SHAPE: &[[f32; 2]] =
        &[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.6, 0.9], [0.6, 0.4], [0.4, 0.4], [0.4, 0.9], [0.1, 0.9]];

    /// A concave zone holds its arms and not the gap between them.
    #[test]
    fn concave_zones_have_their_gap() {
        let zone = Zone::new(U_SHAPE).unwrap();
        assert!(zone.contains((0.2, 0.8)) && zone.contains((0.8, 0.8)) && zone.contains((0.5, 0.2)));
        assert!(!zone.contains((0.5, 0.8)) && !zone.contains((0.05, 0.5)));
    }

    /// The whole picture includes its last row: feet at the bottom edge are in.
    #[test]
    fn the_outline_is_inside() {
        let zone = Zone::whole_picture();
        assert!(zone.contains((0.5, 1.0)) && zone.contains((0.0, 0.0)) && zone.contains((1.0, 0.3)));
    }

    /// Every kind of bad polygon is refused by name.
    #[test]
    fn bad_polygons_are_refused() {
        assert_eq!(Zone::new(&[[0.0, 0.0], [1.0, 1.0]]), Err(ZoneError::Count(2)));
        let outside = Zone::new(&[[0.0, 0.0], [1.0, 0.0], [1.2, 1.0]]).unwrap_err();
        assert_eq!(outside.field(), "polygon[2]");
        let nan = Zone::new(&[[0.0, 0.0], [f32::NAN, 0.0], [1.0, 1.0]]).unwrap_err();
        assert_eq!(nan.field(), "polygon[1]");
        let bow_tie = Zone::new(&[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]);
        assert_eq!(bow_tie, Err(ZoneError::Crossing { first: 0, second: 2 }));
        let line = Zone::new(&[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]);
        assert_eq!(line, Err(ZoneError::Flat));
        let doubled = Zone::new(&[[0.1, 0.1], [0.5, 0.1], [0.1, 0.1], [0.5, 0.5]]);
        assert!(matches!(doubled, Err(ZoneError::Crossing { .. })), "{doubled:?}");
    }
}
