//! Lines on the picture, and the ways to step over them.

use serde::{Deserialize, Serialize};

/// Which steps over a line count. In terms of the picture, or relative to the order of the line's points: `forward`
/// goes from its left hand to its right, as seen from its first point towards its second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    #[serde(alias = "any")]
    Both,
    #[serde(alias = "right")]
    LeftToRight,
    #[serde(alias = "left")]
    RightToLeft,
    #[serde(alias = "down")]
    TopToBottom,
    #[serde(alias = "up")]
    BottomToTop,
    #[serde(alias = "a_to_b")]
    Forward,
    #[serde(alias = "b_to_a")]
    Backward,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LineError {
    #[error("has {0} points; a line has two, its ends")]
    Count(usize),
    #[error(
        "point ({x}, {y}) is outside the picture; coordinates are shares of its width and height, 0 to 1"
    )]
    Outside { index: usize, x: f32, y: f32 },
    #[error("is shorter than {min} of the picture; nobody can be seen to cross it", min = Line::MIN_LENGTH)]
    Short,
}

impl LineError {
    /// The field to point at: `points` or `points[1]`.
    pub fn field(&self) -> String {
        match self {
            Self::Outside { index, .. } => format!("points[{index}]"),
            _ => "points".to_owned(),
        }
    }
}

type Point = (f32, f32);

/// Two ends in shares of the picture, and the steps over it that count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    from: Point,
    to: Point,
    rightwards: bool,
    leftwards: bool,
}

/// One side of a line, as seen from its first point towards its second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

impl Line {
    pub const MIN_LENGTH: f32 = 0.02;
    /// Who steps past an end by so much of the line's length has still crossed it.
    const SLACK: f32 = 0.03;
    /// A line that leans less than this out of the level cannot be crossed sideways (and the other way round).
    const LEAN: f32 = 0.1;

    /// From edge to edge, either way.
    pub(super) const fn across() -> Self {
        Self { from: (0.0, 0.5), to: (1.0, 0.5), rightwards: true, leftwards: true }
    }

    /// A line that may be crossed either way.
    pub fn new(points: &[[f32; 2]]) -> Result<Self, LineError> {
        let &[[ax, ay], [bx, by]] = points else { return Err(LineError::Count(points.len())) };
        let inside = |v: f32| (0.0..=1.0).contains(&v);
        for (index, (x, y)) in [(ax, ay), (bx, by)].into_iter().enumerate() {
            if !inside(x) || !inside(y) {
                return Err(LineError::Outside { index, x, y });
            }
        }
        let line = Self { from: (ax, ay), to: (bx, by), rightwards: true, leftwards: true };
        if line.length() < Self::MIN_LENGTH { Err(LineError::Short) } else { Ok(line) }
    }

    /// The same line for steps in one direction; the reason when it cannot be crossed so.
    pub fn towards(self, direction: Direction) -> Result<Self, &'static str> {
        // The way from the left hand to the right, in the picture.
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let (right_x, right_y) = (-dy / self.length(), dx / self.length());
        let forward = match direction {
            Direction::Both => return Ok(self),
            Direction::Forward => true,
            Direction::Backward => false,
            Direction::LeftToRight | Direction::RightToLeft if right_x.abs() < Self::LEAN => {
                return Err("the line lies level: it is crossed \"top_to_bottom\" or \"bottom_to_top\"");
            }
            Direction::TopToBottom | Direction::BottomToTop if right_y.abs() < Self::LEAN => {
                return Err("the line stands upright: it is crossed \"left_to_right\" or \"right_to_left\"");
            }
            Direction::LeftToRight => right_x > 0.0,
            Direction::RightToLeft => right_x < 0.0,
            Direction::TopToBottom => right_y > 0.0,
            Direction::BottomToTop => right_y < 0.0,
        };
        Ok(Self { rightwards: forward, leftwards: !forward, ..self })
    }

    /// Whether a step to this side counts.
    pub fn counts(&self, to: Side) -> bool {
        match to {
            Side::Right => self.rightwards,
            Side::Left => self.leftwards,
        }
    }

    /// Distance from the endless line in shares of the picture; positive on its right hand.
    pub fn distance(&self, p: Point) -> f32 {
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        (dx * (p.1 - self.from.1) - dy * (p.0 - self.from.0)) / self.length()
    }

    /// Whether the way from `p` to `q` leads between the ends of the line.
    pub fn is_between_ends(&self, p: Point, q: Point) -> bool {
        let (a, b) = (self.distance(p), self.distance(q));
        if (a - b).abs() < f32::EPSILON {
            return false;
        }
        let share = a / (a - b);
        let at = (p.0 + (q.0 - p.0) * share, p.1 + (q.1 - p.1) * share);
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let along = ((at.0 - self.from.0) * dx + (at.1 - self.from.1) * dy) / self.length().powi(2);
        (-Self::SLACK..=1.0 + Self::SLACK).contains(&along)
    }

    fn length(&self) -> f32 {
        (self.to.0 - self.from.0).hypot(self.to.1 - self.from.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line drawn downwards has the picture's left on its right hand; words of the picture do not depend on how it
    /// was drawn.
    #[test]
    fn directions_are_those_of_the_picture() {
        let down = Line::new(&[[0.5, 0.0], [0.5, 1.0]]).unwrap();
        let up = Line::new(&[[0.5, 1.0], [0.5, 0.0]]).unwrap();
        assert!(down.distance((0.2, 0.5)) > 0.0 && up.distance((0.2, 0.5)) < 0.0);
        let side = |line: Line, direction| {
            let line = line.towards(direction).unwrap();
            (line.counts(Side::Left), line.counts(Side::Right))
        };
        assert_eq!(side(down, Direction::LeftToRight), (true, false));
        assert_eq!(side(up, Direction::LeftToRight), (false, true));
        assert_eq!(side(down, Direction::Forward), (false, true));
        assert_eq!(side(down, Direction::Backward), (true, false));
        assert_eq!(side(down, Direction::Both), (true, true));
        assert!(down.towards(Direction::TopToBottom).is_err());
        let level = Line::new(&[[0.0, 0.5], [1.0, 0.5]]).unwrap();
        assert_eq!(side(level, Direction::TopToBottom), (false, true));
        assert!(level.towards(Direction::RightToLeft).is_err());
    }

    /// A way past the end of a line does not cross it.
    #[test]
    fn a_line_has_ends() {
        let line = Line::new(&[[0.5, 0.3], [0.5, 0.7]]).unwrap();
        assert!(line.is_between_ends((0.4, 0.5), (0.6, 0.5)));
        assert!(!line.is_between_ends((0.4, 0.8), (0.6, 0.8)));
        assert!(!line.is_between_ends((0.4, 0.5), (0.4, 0.6)));
    }

    /// Every kind of bad line is refused by name.
    #[test]
    fn bad_lines_are_refused() {
        assert_eq!(Line::new(&[[0.0, 0.0]]), Err(LineError::Count(1)));
        assert_eq!(Line::new(&[[0.1, 0.1], [0.1, 0.11]]), Err(LineError::Short));
        assert_eq!(Line::new(&[[0.1, 0.1], [f32::NAN, 0.1]]).unwrap_err().field(), "points[1]");
    }
}
