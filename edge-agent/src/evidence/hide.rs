//! Everything of a camera's picture that must not leave the box: masks, and people where they are blurred. Pure.

use protocol::{NormBox, UtcMs};

use super::blur::pixelate;
use super::people::{Shown, Sight, shown};
use crate::camera::Polygon;
use crate::frame::Picture;
use crate::mask::{Mask, Plane};

/// What is to be hidden in pictures of one camera over some time.
#[derive(Clone, Debug, Default)]
pub(super) struct Hidden {
    pub(super) masks: Vec<Polygon>,
    /// Where people are, in order of time; `None` where the camera shows them.
    pub(super) people: Option<Vec<Sight>>,
}

/// The same at one picture size.
pub(super) struct Cover {
    size: (usize, usize),
    mask: Option<Mask>,
    people: Option<Vec<Sight>>,
}

impl Hidden {
    pub(super) fn is_nothing(&self) -> bool {
        self.masks.is_empty() && self.people.is_none()
    }

    pub(super) fn has_masks(&self) -> bool {
        !self.masks.is_empty()
    }

    pub(super) fn blurs(&self) -> bool {
        self.people.is_some()
    }

    /// `width`, `height` in pixels, both even.
    pub(super) fn on(&self, width: usize, height: usize) -> Cover {
        let mask = (!self.masks.is_empty()).then(|| Mask::new(&self.masks, width, height));
        Cover { size: (width, height), mask, people: self.people.clone() }
    }

    /// Covers one picture taken at a moment.
    pub(super) fn burn(&self, picture: &mut Picture, at: UtcMs) {
        let (width, half) = (picture.width, picture.width / 2);
        let plane = |data, stride| Plane { data, stride };
        self.on(picture.width, picture.height).burn_planes(
            at.0.saturating_mul(1_000),
            plane(&mut picture.y, width),
            plane(&mut picture.u, half),
            plane(&mut picture.v, half),
        );
    }
}

impl Cover {
    /// On planes with padded rows. People first: the hatch of a mask stays whole.
    pub(super) fn burn_planes(&self, at_us: i64, mut y: Plane<'_>, mut u: Plane<'_>, mut v: Plane<'_>) {
        if let Some(sights) = &self.people {
            const ALL: NormBox = NormBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };
            let boxes = match shown(sights, UtcMs(at_us.div_euclid(1_000))) {
                Shown::Boxes(boxes) => boxes,
                Shown::Unknown => vec![ALL],
            };
            for region in &boxes {
                pixelate(self.size, region, &mut y, &mut u, &mut v);
            }
        }
        if let Some(mask) = &self.mask {
            mask.burn_planes(y, u, v);
        }
    }
}
