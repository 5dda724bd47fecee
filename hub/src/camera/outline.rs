//! Outlines on a picture, in shares of its width and height. Pure; the box has checks of its own, this one says beforehand
//! what it would refuse.

pub type Point = (f64, f64);

/// Points of one outline, at most; the box has the same.
pub const MOST_POINTS: usize = 64;
/// A line that is shorter is crossed by nobody whom one could see.
pub const LEAST_LENGTH: f64 = 0.02;
/// A line that leans less than this out of the level is not crossed sideways, and the other way round.
const LEAN: f64 = 0.1;

/// `0.2,0.5 0.8,0.5`; nothing where it is not of this form.
pub fn points(text: &str) -> Option<Vec<Point>> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    text.replace('，', ",")
        .split_whitespace()
        .map(|pair| pair.split_once(',').and_then(|(x, y)| Some((number(x)?, number(y)?))))
        .collect()
}

/// The same the other way round.
pub fn text(points: &[Point]) -> String {
    points.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

pub fn is_inside(point: Point) -> bool {
    (0.0..=1.0).contains(&point.0) && (0.0..=1.0).contains(&point.1)
}

/// Two edges of the closed outline that touch, by the points at which they begin, counted from 1.
pub fn crossing(points: &[Point]) -> Option<(usize, usize)> {
    let n = points.len();
    let edge = |i: usize| (points[i], points[(i + 1) % n]);
    (0..n).flat_map(|first| (first + 2..n).map(move |second| (first, second))).find_map(|(first, second)| {
        let neighbours = first == 0 && second == n - 1;
        (!neighbours && edges_touch(edge(first), edge(second))).then_some((first + 1, second + 1))
    })
}

/// Share of the picture that it encloses.
pub fn area(points: &[Point]) -> f64 {
    let n = points.len();
    let twice: f64 =
        (0..n).map(|i| (points[i], points[(i + 1) % n])).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
    twice.abs() / 2.0
}

pub fn length(a: Point, b: Point) -> f64 {
    (b.0 - a.0).hypot(b.1 - a.1)
}

/// Whether a line between these ends can be crossed so; sideways needs one that is not level.
pub fn can_be_crossed(a: Point, b: Point, direction: &str) -> bool {
    let (right_x, right_y) = (-(b.1 - a.1) / length(a, b), (b.0 - a.0) / length(a, b));
    match direction {
        "left_to_right" | "right_to_left" | "right" | "left" => right_x.abs() >= LEAN,
        "top_to_bottom" | "bottom_to_top" | "down" | "up" => right_y.abs() >= LEAN,
        _ => true,
    }
}

fn turn(a: Point, b: Point, c: Point) -> f64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

fn on_edge(a: Point, b: Point, p: Point) -> bool {
    const NEAR: f64 = 1e-5;
    let between = |v: f64, s: f64, t: f64| v >= s.min(t) - NEAR && v <= s.max(t) + NEAR;
    turn(a, b, p).abs() < NEAR && between(p.0, a.0, b.0) && between(p.1, a.1, b.1)
}

fn edges_touch((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let crosses = turn(a, b, c) * turn(a, b, d) < 0.0 && turn(c, d, a) * turn(c, d, b) < 0.0;
    crosses || on_edge(a, b, c) || on_edge(a, b, d) || on_edge(c, d, a) || on_edge(c, d, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read and written back; what is no list of points is none.
    #[test]
    fn points_are_read() {
        assert_eq!(points("0.2,0.5 0.8，.5"), Some(vec![(0.2, 0.5), (0.8, 0.5)]));
        assert_eq!(points("  "), Some(vec![]));
        for bad in ["0.2", "0.2,", "0.2;0.5", "a,b", "0.1,0.2,0.3", "NaN,0", "inf,0"] {
            assert_eq!(points(bad), None, "{bad}");
        }
        assert_eq!(text(&[(0.2, 0.5), (1.0, 0.0)]), "0.2,0.5 1,0");
    }

    /// By hand: a square encloses a quarter, a bow tie crosses itself, points on one line enclose nothing.
    #[test]
    fn outlines_by_hand() {
        let square = [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)];
        assert_eq!((crossing(&square), area(&square)), (None, 0.25));
        let tie = [(0.0, 0.0), (0.5, 0.5), (0.5, 0.0), (0.0, 0.5)];
        assert_eq!(crossing(&tie), Some((1, 3)));
        assert!(area(&[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]) < 1e-9);
        let triangle = [(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)];
        assert_eq!(crossing(&triangle), None);
    }

    /// A level line is crossed downwards and not sideways; one that leans, either way.
    #[test]
    fn ways_over_a_line() {
        let (a, b) = ((0.1, 0.5), (0.9, 0.5));
        assert!(
            can_be_crossed(a, b, "down") && can_be_crossed(a, b, "forward") && can_be_crossed(a, b, "both")
        );
        assert!(!can_be_crossed(a, b, "left_to_right") && can_be_crossed(a, (0.9, 0.1), "left_to_right"));
    }
}
