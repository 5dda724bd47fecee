//! Outlines as paths of an SVG, and values in five steps. Pure.
//!
//! Longitude and latitude are taken as a plane, the first shortened by the cosine of the latitude in the middle: within a
//! county nobody sees the difference. Lines are thinned to what a screen shows.

use std::collections::BTreeMap;

use geo::{Area as _, BoundingRect as _, Centroid as _, LineString, MultiPolygon};

use crate::web::evaluation::trend::coordinate;

/// The largest drawing, in pixels.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 640.0;

/// Two points that are nearer than this are one, in pixels.
const NEAR: f64 = 0.7;

/// Points of one drawing: above, lines are thinned further.
const MOST_POINTS: usize = 40_000;

/// Outlines of one drawing; more are a list only.
pub(super) const MOST_SHAPES: usize = 4_000;

/// An outline that is smaller has no figure on it, in pixels.
const LABEL_WIDTH: f64 = 26.0;
const LABEL_HEIGHT: f64 = 13.0;

/// Values are put into so many steps.
pub(super) const STEPS: usize = 5;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Place of the outline in what was given, and its path.
    pub(super) paths: Vec<(usize, String)>,
    /// Where the figure of a key stands, for those that have room for it.
    pub(super) labels: BTreeMap<String, (f64, f64)>,
}

/// From the ground to the drawing.
struct Plane {
    west: f64,
    north: f64,
    /// Pixels for a degree of longitude, and of latitude.
    scale: (f64, f64),
}

impl Plane {
    fn at(&self, longitude: f64, latitude: f64) -> (f64, f64) {
        ((longitude - self.west) * self.scale.0, (self.north - latitude) * self.scale.1)
    }
}

/// `shapes`: by the key whose figure they show; several may have the same. Nothing where nothing has an extent.
pub(super) fn draw(shapes: &[(&str, &MultiPolygon<f64>)]) -> Option<Drawing> {
    let boxes = shapes.iter().filter_map(|(_, shape)| shape.bounding_rect());
    let [west, south, east, north] = boxes
        .map(|own| [own.min().x, own.min().y, own.max().x, own.max().y])
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])?;
    let shorter = f64::midpoint(south, north).to_radians().cos();
    let (wide, high) = ((east - west) * shorter, north - south);
    if wide <= 0.0 || high <= 0.0 {
        return None;
    }
    let scale = (WIDTH / wide).min(HEIGHT / high);
    let plane = Plane { west, north, scale: (scale * shorter, scale) };
    let mut near = NEAR;
    let paths = loop {
        let (paths, points) = paths(shapes, &plane, near);
        if points <= MOST_POINTS || near > HEIGHT {
            break paths;
        }
        near *= 2.0;
    };
    Some(Drawing { width: wide * scale, height: high * scale, paths, labels: labels(shapes, &plane) })
}

/// Paths, and how many points they have together.
fn paths(shapes: &[(&str, &MultiPolygon<f64>)], plane: &Plane, near: f64) -> (Vec<(usize, String)>, usize) {
    let (mut all, mut points) = (Vec::with_capacity(shapes.len()), 0);
    for (at, (_, shape)) in shapes.iter().enumerate() {
        let mut path = String::new();
        for polygon in *shape {
            points += ring(&mut path, polygon.exterior(), plane, near, true);
            for hole in polygon.interiors() {
                points += ring(&mut path, hole, plane, near, false);
            }
        }
        all.push((at, path));
    }
    (all, points)
}

/// Adds a ring to a path; returns its points. One that has shrunk to nothing stays as a speck where `keep` says so.
fn ring(path: &mut String, line: &LineString<f64>, plane: &Plane, near: f64, keep: bool) -> usize {
    let all: Vec<(f64, f64)> = line.coords().map(|at| plane.at(at.x, at.y)).collect();
    let mut kept: Vec<(f64, f64)> = Vec::new();
    // A ring ends where it begins.
    for &(x, y) in all.iter().take(all.len().saturating_sub(1)) {
        if kept.last().is_none_or(|last| (x - last.0).hypot(y - last.1) >= near) {
            kept.push((x, y));
        }
    }
    if kept.len() < 3 {
        let Some(&(x, y)) = all.first().filter(|_| keep) else { return 0 };
        kept = vec![(x, y), (x + 1.0, y), (x + 1.0, y + 1.0), (x, y + 1.0)];
    }
    for (at, (x, y)) in kept.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        *path += &format!("{letter}{} {}", coordinate(*x), coordinate(*y));
    }
    path.push('Z');
    kept.len()
}

/// The middle of all that has the same key, by area.
fn labels(shapes: &[(&str, &MultiPolygon<f64>)], plane: &Plane) -> BTreeMap<String, (f64, f64)> {
    /// Sums of places by area, area, and the extent in pixels.
    #[derive(Default)]
    struct Middle {
        x: f64,
        y: f64,
        area: f64,
        extent: Option<[f64; 4]>,
    }
    let mut all: BTreeMap<&str, Middle> = BTreeMap::new();
    for (key, shape) in shapes {
        let (Some(middle), Some(around)) = (shape.centroid(), shape.bounding_rect()) else { continue };
        let area = shape.unsigned_area();
        let (x, y) = plane.at(middle.x(), middle.y());
        let (left, top) = plane.at(around.min().x, around.max().y);
        let (right, bottom) = plane.at(around.max().x, around.min().y);
        let own = all.entry(key).or_default();
        (own.x, own.y, own.area) = (own.x + x * area, own.y + y * area, own.area + area);
        own.extent = Some(own.extent.map_or([left, top, right, bottom], |known| {
            [known[0].min(left), known[1].min(top), known[2].max(right), known[3].max(bottom)]
        }));
    }
    let place = |(key, middle): (&str, Middle)| {
        let [left, top, right, bottom] = middle.extent?;
        let has_room = right - left >= LABEL_WIDTH && bottom - top >= LABEL_HEIGHT && middle.area > 0.0;
        has_room.then(|| (key.to_owned(), (middle.x / middle.area, middle.y / middle.area)))
    };
    all.into_iter().filter_map(place).collect()
}

/// Upper ends of the steps into which values above nothing fall, about as many in each; equal values stand in one step, so
/// there may be fewer than five.
pub(super) fn steps(values: &[i64]) -> Vec<i64> {
    let mut all: Vec<i64> = values.iter().copied().filter(|value| *value > 0).collect();
    all.sort_unstable();
    let end = |nth: usize| all[(nth * all.len()).div_ceil(STEPS) - 1];
    let mut ends: Vec<i64> = if all.is_empty() { Vec::new() } else { (1..=STEPS).map(end).collect() };
    ends.dedup();
    ends
}

/// 0 for nothing, else 1 to 5: the highest step is always the darkest.
pub(super) fn step(ends: &[i64], value: i64) -> usize {
    if value <= 0 {
        return 0;
    }
    let at = ends.iter().position(|end| value <= *end).unwrap_or(ends.len().saturating_sub(1));
    STEPS - ends.len().min(STEPS) + at + 1
}

#[cfg(test)]
mod tests {
    use geo::polygon;

    use super::*;

    fn square(west: f64, south: f64, side: f64) -> MultiPolygon<f64> {
        let (east, north) = (west + side, south + side);
        let ring =
            polygon![(x: west, y: south), (x: east, y: south), (x: east, y: north), (x: west, y: north)];
        MultiPolygon::new(vec![ring])
    }

    /// By hand, at the equator: two squares of a degree side by side fill the width; north is up; each has its figure in its
    /// middle, and both together have one where they have one key.
    #[test]
    fn two_squares_by_hand() {
        let (left, right) = (square(0.0, -0.5, 1.0), square(1.0, -0.5, 1.0));
        let drawing = draw(&[("a", &left), ("b", &right)]).unwrap();
        assert!((drawing.width - 900.0).abs() < 0.01 && (drawing.height - 450.0).abs() < 0.1);
        assert_eq!(drawing.paths[0], (0, "M0 450L450 450L450 0L0 0Z".to_owned()));
        assert_eq!(drawing.paths[1], (1, "M450 450L900 450L900 0L450 0Z".to_owned()));
        let near = |found: (f64, f64), wanted: (f64, f64)| {
            (found.0 - wanted.0).abs() < 0.5 && (found.1 - wanted.1).abs() < 0.5
        };
        assert!(near(drawing.labels["a"], (225.0, 225.0)) && near(drawing.labels["b"], (675.0, 225.0)));
        let one = draw(&[("a", &left), ("a", &right)]).unwrap();
        assert!(near(one.labels["a"], (450.0, 225.0)) && one.labels.len() == 1);
    }

    /// At 60 degrees a degree of longitude is half as long: a square of degrees is drawn twice as high as wide.
    #[test]
    fn longitudes_shrink() {
        let drawing = draw(&[("a", &square(10.0, 59.5, 1.0))]).unwrap();
        assert!((drawing.height - 640.0).abs() < 0.01, "{}", drawing.height);
        assert!((drawing.width / drawing.height - 0.5).abs() < 0.01);
    }

    /// Of a line with thousands of points within a pixel few are left; what is smaller than a pixel stays as a speck and has
    /// no figure; what has no extent is not drawn.
    #[test]
    fn lines_are_thinned() {
        let many = (0..4_000).map(|nth| {
            let turn = f64::from(nth) / 4_000.0 * std::f64::consts::TAU;
            (turn.cos(), turn.sin())
        });
        let mut ring: Vec<(f64, f64)> = many.collect();
        ring.push(ring[0]);
        let circle = MultiPolygon::new(vec![geo::Polygon::new(LineString::from(ring), vec![])]);
        let speck = square(0.0, 0.0, 0.000_01);
        let drawing = draw(&[("circle", &circle), ("speck", &speck)]).unwrap();
        let points = drawing.paths[0].1.matches('L').count();
        assert!((500..2_500).contains(&points), "{points}");
        assert_eq!(drawing.paths[1].1.matches('L').count(), 3);
        assert!(drawing.labels.contains_key("circle") && !drawing.labels.contains_key("speck"));
        assert_eq!(draw(&[]), None);
        assert_eq!(draw(&[("a", &MultiPolygon::new(vec![]))]), None);
    }

    /// Five steps with as many in each; equal values are not torn apart; one value is the darkest; nothing is no step.
    #[test]
    fn steps_by_hand() {
        let values: Vec<i64> = (1..=10).collect();
        assert_eq!(steps(&values), [2, 4, 6, 8, 10]);
        let of = |value| step(&steps(&values), value);
        assert_eq!([0, 1, 2, 3, 9, 10].map(of), [0, 1, 1, 2, 5, 5]);
        assert_eq!(steps(&[0, 3, 3, 3, 3]), [3]);
        assert_eq!([0, 3].map(|value| step(&[3], value)), [0, 5]);
        assert_eq!(steps(&[1, 1, 1, 9]), [1, 9]);
        assert_eq!([1, 9].map(|value| step(&[1, 9], value)), [4, 5]);
        assert_eq!(steps(&[0, 0]), Vec::<i64>::new());
        assert_eq!(step(&[], 0), 0);
    }
}
