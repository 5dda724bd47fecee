//! Which grid has a point. Pure.

use geo::{BoundingRect as _, Intersects as _, MultiPolygon, Point};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use crate::organisation::{AreaPath, Level};

type Leaf = GeomWithData<Rectangle<[f64; 2]>, usize>;

/// The grids of one version of the map.
#[derive(Debug)]
pub struct Index {
    pub version: i64,
    tree: RTree<Leaf>,
    grids: Vec<(AreaPath, MultiPolygon<f64>)>,
    outlines: Vec<Outline>,
}

/// An outline of a map that is no grid's: of the county, of a town or of a community.
#[derive(Clone, Debug)]
pub struct Outline {
    pub path: AreaPath,
    pub level: Level,
    pub shape: MultiPolygon<f64>,
}

impl Index {
    pub(super) fn new(version: i64, grids: Vec<(AreaPath, MultiPolygon<f64>)>) -> Self {
        let leaf = |(at, (_, shape)): (usize, &(AreaPath, MultiPolygon<f64>))| {
            let around = shape.bounding_rect()?;
            let corners = ([around.min().x, around.min().y], [around.max().x, around.max().y]);
            Some(GeomWithData::new(Rectangle::from_corners(corners.0, corners.1), at))
        };
        let tree = RTree::bulk_load(grids.iter().enumerate().filter_map(leaf).collect());
        Self { version, tree, grids, outlines: Vec::new() }
    }

    /// With the outlines that came in the same map.
    pub(super) fn with_outlines(self, outlines: Vec<Outline>) -> Self {
        Self { outlines, ..self }
    }

    /// Every grid, in the order of the map.
    pub fn grids(&self) -> impl Iterator<Item = (&AreaPath, &MultiPolygon<f64>)> {
        self.grids.iter().map(|(path, shape)| (path, shape))
    }

    /// Outlines of what has grids in it, as far as the map came with them.
    pub fn outlines(&self) -> &[Outline] {
        &self.outlines
    }

    /// The deepest grid that has this point (WGS84); of several that share an edge always the same.
    pub fn at(&self, longitude: f64, latitude: f64) -> Option<&AreaPath> {
        let point = Point::new(longitude, latitude);
        let near = self.tree.locate_in_envelope_intersecting(&AABB::from_point([longitude, latitude]));
        let has = near.map(|leaf| &self.grids[leaf.data]).filter(|(_, shape)| shape.intersects(&point));
        has.map(|(path, _)| path).max_by_key(|path| {
            let depth = path.as_str().matches('/').count();
            (depth, std::cmp::Reverse(path.as_str()))
        })
    }

    /// The outline of a grid of this version.
    pub fn shape(&self, path: &AreaPath) -> Option<&MultiPolygon<f64>> {
        self.grids.iter().find(|(own, _)| own == path).map(|(_, shape)| shape)
    }

    /// West, south, east and north of all grids.
    pub fn bounds(&self) -> Option<[f64; 4]> {
        let boxes = self.grids.iter().filter_map(|(_, shape)| shape.bounding_rect());
        boxes
            .map(|own| [own.min().x, own.min().y, own.max().x, own.max().y])
            .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
    }

    pub fn len(&self) -> usize {
        self.grids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.grids.is_empty()
    }
}
