//! Whether a map covers the ground once and once only. Pure.

use std::collections::BTreeMap;

use geo::{
    Area as _, BooleanOps as _, BoundingRect as _, Centroid as _, Euclidean, Length as _, MapCoords as _,
    MultiPolygon, Polygon, Validation as _, unary_union,
};

use super::Feature;
use crate::organisation::{Area, Level};

/// Gaps and overlaps that are smaller, or narrower on the whole, come from rounding: in square metres, and in metres.
const LEAST_M2: f64 = 1.0;
const LEAST_M: f64 = 0.25;

/// Levels of grids.
const MOST_RANK: usize = 3;

/// Everything that is wrong with a map, each with its place; `areas` is the tree that is known.
pub(super) fn wrong(features: &[Feature], areas: &[Area]) -> Vec<String> {
    let mut wrong = twice(features);
    let ranks = match ranks(features, areas) {
        Ok(ranks) => ranks,
        Err(orphans) => {
            wrong.extend(orphans);
            return wrong;
        }
    };
    let plane = Plane::of(features);
    let shapes: Vec<MultiPolygon<f64>> = features.iter().map(|feature| plane.flat(&feature.shape)).collect();
    for (feature, shape) in features.iter().zip(&shapes) {
        if let Err(why) = shape.check_validation() {
            wrong.push(format!(
                "{} ({}): its outline crosses itself or is none: {why}",
                feature.id, feature.name
            ));
        }
    }
    if !wrong.is_empty() {
        return wrong;
    }
    let map = Map { features, shapes: &shapes, ranks: &ranks, plane: &plane };
    for rank in 1..=MOST_RANK {
        wrong.extend(map.overlaps(rank));
    }
    wrong.extend(map.coverage());
    wrong
}

fn twice(features: &[Feature]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for feature in features {
        *seen.entry(&feature.id).or_default() += 1;
    }
    let many = seen.into_iter().filter(|(_, count)| *count > 1);
    many.map(|(id, count)| format!("{id}: {count} features have this id; give each its own")).collect()
}

/// Of each grid its level, 1 to 3; 0 of other outlines.
fn ranks(features: &[Feature], areas: &[Area]) -> Result<Vec<usize>, Vec<String>> {
    let by_id: BTreeMap<&str, &Feature> =
        features.iter().map(|feature| (feature.id.as_str(), feature)).collect();
    let rank = |feature: &Feature| -> Result<usize, String> {
        if feature.level != Level::Grid {
            let known =
                areas.iter().any(|area| area.area == feature.id && area.level == feature.level.as_str());
            let what =
                || format!("{}: there is no {} of this id; import areas first", feature.id, feature.level);
            return known.then_some(0).ok_or_else(what);
        }
        let mut own = feature;
        for rank in 1..=MOST_RANK {
            let parent = own.parent.as_deref().unwrap_or_default();
            match by_id.get(parent) {
                Some(above) if above.level == Level::Grid => own = above,
                _ => {
                    let known = areas.iter().any(|area| area.area == parent && area.level == "community");
                    let what = || {
                        format!(
                            "{} ({}): its parent {parent:?} is neither a grid of this map nor a community",
                            own.id, own.name
                        )
                    };
                    return known.then_some(rank).ok_or_else(what);
                }
            }
        }
        Err(format!(
            "{} ({}): it lies more than {MOST_RANK} grids deep, or in itself",
            feature.id, feature.name
        ))
    };
    let (mut ranks, mut wrong) = (Vec::new(), Vec::new());
    for feature in features {
        match rank(feature) {
            Ok(rank) => ranks.push(rank),
            Err(why) => wrong.push(why),
        }
    }
    wrong.dedup();
    if wrong.is_empty() { Ok(ranks) } else { Err(wrong) }
}

/// The ground as a plane in metres, good for a county.
struct Plane {
    longitude: f64,
    latitude: f64,
    east_m: f64,
}

/// Metres of a degree of latitude.
const NORTH_M: f64 = 110_574.0;

impl Plane {
    fn of(features: &[Feature]) -> Self {
        let first = features.iter().find_map(|feature| feature.shape.bounding_rect()).map(|all| all.center());
        let (longitude, latitude) = first.map_or((0.0, 0.0), |at| (at.x, at.y));
        Self { longitude, latitude, east_m: 111_320.0 * latitude.to_radians().cos() }
    }

    fn flat(&self, shape: &MultiPolygon<f64>) -> MultiPolygon<f64> {
        shape.map_coords(|at| geo::Coord {
            x: (at.x - self.longitude) * self.east_m,
            y: (at.y - self.latitude) * NORTH_M,
        })
    }

    /// `34.51234, 106.93210`
    fn place(&self, piece: &Polygon<f64>) -> String {
        let at = piece.centroid().unwrap_or_default();
        format!("{:.5}, {:.5}", at.y() / NORTH_M + self.latitude, at.x() / self.east_m + self.longitude)
    }
}

struct Map<'m> {
    features: &'m [Feature],
    shapes: &'m [MultiPolygon<f64>],
    ranks: &'m [usize],
    plane: &'m Plane,
}

impl Map<'_> {
    fn name(&self, at: usize) -> String {
        format!("{} ({})", self.features[at].id, self.features[at].name)
    }

    fn of_rank(&self, rank: usize) -> Vec<usize> {
        (0..self.features.len()).filter(|at| self.ranks[*at] == rank).collect()
    }

    /// Pairs of grids of one level that lie on the same ground.
    fn overlaps(&self, rank: usize) -> Vec<String> {
        let own = self.of_rank(rank);
        let boxes: Vec<_> = own.iter().map(|at| self.shapes[*at].bounding_rect()).collect();
        let mut wrong = Vec::new();
        for (i, a) in own.iter().enumerate() {
            for (j, b) in own.iter().enumerate().skip(i + 1) {
                let (Some(one), Some(two)) = (boxes[i], boxes[j]) else { continue };
                let apart = one.max().x <= two.min().x
                    || two.max().x <= one.min().x
                    || one.max().y <= two.min().y
                    || two.max().y <= one.min().y;
                if apart {
                    continue;
                }
                for piece in large(self.shapes[*a].intersection(&self.shapes[*b])) {
                    wrong.push(format!(
                        "{} and {} overlap by {} at {}",
                        self.name(*a),
                        self.name(*b),
                        size(&piece),
                        self.plane.place(&piece)
                    ));
                }
            }
        }
        wrong
    }

    /// What of each outline no grid covers, and what of a grid lies outside the one above; without outlines, holes between
    /// the grids of the first level.
    fn coverage(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut covered = false;
        for (at, feature) in self.features.iter().enumerate() {
            let inside = |child: &usize| self.lies_in(*child, at);
            let children: Vec<usize> = (0..self.features.len()).filter(inside).collect();
            if children.is_empty() || feature.level == Level::Town {
                continue;
            }
            covered |= self.ranks[at] == 0;
            let whole = union(children.iter().map(|child| &self.shapes[*child]));
            for piece in large(self.shapes[at].difference(&whole)) {
                let (size, place) = (size(&piece), self.plane.place(&piece));
                wrong.push(format!("{} has a gap of {size} at {place}: no grid covers it", self.name(at)));
            }
            for child in children {
                for piece in large(self.shapes[child].difference(&self.shapes[at])) {
                    let (size, place) = (size(&piece), self.plane.place(&piece));
                    wrong.push(format!(
                        "{} lies outside {} by {size} at {place}",
                        self.name(child),
                        self.name(at)
                    ));
                }
            }
        }
        if !covered {
            let first = self.of_rank(1);
            let whole = union(first.iter().map(|at| &self.shapes[*at]));
            for hole in whole.0.iter().flat_map(|part| part.interiors()) {
                let piece = Polygon::new(hole.clone(), Vec::new());
                for piece in large(MultiPolygon::new(vec![piece])) {
                    let (size, place) = (size(&piece), self.plane.place(&piece));
                    wrong.push(format!("a gap of {size} between the grids at {place}"));
                }
            }
        }
        wrong
    }

    /// Of grids in the one above or in their community's outline; of first-level grids in the county's.
    fn lies_in(&self, child: usize, at: usize) -> bool {
        let above = &self.features[at];
        if self.ranks[child] == 0 {
            return false;
        }
        match above.level {
            Level::County => self.ranks[child] == 1,
            Level::Town => false,
            Level::Community | Level::Grid => {
                self.features[child].parent.as_deref() == Some(above.id.as_str())
            }
        }
    }
}

fn union<'s>(shapes: impl Iterator<Item = &'s MultiPolygon<f64>>) -> MultiPolygon<f64> {
    let polygons: Vec<&Polygon<f64>> = shapes.flat_map(|shape| &shape.0).collect();
    unary_union(polygons)
}

/// Pieces that are no rounding.
fn large(pieces: MultiPolygon<f64>) -> Vec<Polygon<f64>> {
    let is_large = |piece: &Polygon<f64>| {
        let (area, around) = (piece.unsigned_area(), Euclidean.length(piece.exterior()));
        area > LEAST_M2 && 2.0 * area / around > LEAST_M
    };
    pieces.into_iter().filter(is_large).collect()
}

/// `120 m²`
fn size(piece: &Polygon<f64>) -> String {
    format!("{:.0} m²", piece.unsigned_area().max(1.0))
}
