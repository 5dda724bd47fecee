//! How a picture lies in the input that a detector wants, and boxes back out of it.

use models::contract::{Fit, PictureInput};
use protocol::NormBox;

/// Where a picture lies in the input. Pixels throughout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    picture: (usize, usize),
    pub(super) input: (usize, usize),
    /// Where it lies in the input: left, top, width, height.
    pub(super) lies: (usize, usize, usize, usize),
}

impl Letterbox {
    /// Of a picture that is not empty.
    pub fn new(width: usize, height: usize, input: &PictureInput) -> Self {
        let picture = (width, height);
        let (of_x, of_y) =
            (input.width as f32 / width.max(1) as f32, input.height as f32 / height.max(1) as f32);
        let (scale_x, scale_y) = match input.fit {
            Fit::Stretch => (of_x, of_y),
            Fit::Corner | Fit::Centre => (of_x.min(of_y), of_x.min(of_y)),
        };
        let fits = |v: usize, scale: f32, most: usize| ((v as f32 * scale) as usize).clamp(1, most);
        let (width, height) = match input.fit {
            Fit::Stretch => (input.width, input.height),
            _ => (fits(width, scale_x, input.width), fits(height, scale_y, input.height)),
        };
        let (left, top) = match input.fit {
            Fit::Centre => ((input.width - width) / 2, (input.height - height) / 2),
            _ => (0, 0),
        };
        Self { picture, input: (input.width, input.height), lies: (left, top, width, height) }
    }

    /// A box in pixels of the input, from corner to corner, as shares of the picture, cut to it.
    pub fn to_picture(&self, x1: f32, y1: f32, x2: f32, y2: f32) -> NormBox {
        let axis = |v: f32, lies: usize, size: usize, whole: usize| {
            (v - lies as f32) * (whole as f32 / size as f32) / whole as f32
        };
        let (left, top, width, height) = self.lies;
        let across = |v| axis(v, left, width, self.picture.0);
        let down = |v| axis(v, top, height, self.picture.1);
        let (x, y) = (across(x1), down(y1));
        NormBox { x, y, w: across(x2) - x, h: down(y2) - y }.clamped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(fit: Fit) -> PictureInput {
        toml::from_str::<PictureInput>("width = 416\nheight = 256\nchannels = 'bgr'\nfit = 'corner'")
            .map(|input| PictureInput { fit, ..input })
            .unwrap()
    }

    /// Boxes come back where they were, for wide, high and odd pictures, however they lie in the input.
    #[test]
    fn boxes_return() {
        for fit in [Fit::Corner, Fit::Centre, Fit::Stretch] {
            for (w, h) in [(640, 360), (360, 640), (1918, 1078), (2, 2)] {
                let letterbox = Letterbox::new(w, h, &input(fit));
                let (left, top, lw, lh) = letterbox.lies;
                let at = |share: f32, start: usize, size: usize| start as f32 + share * size as f32;
                let region = letterbox.to_picture(
                    at(0.4, left, lw),
                    at(0.2, top, lh),
                    at(0.6, left, lw),
                    at(0.3, top, lh),
                );
                let expected = NormBox { x: 0.4, y: 0.2, w: 0.2, h: 0.1 };
                assert!(region.iou(&expected) > 0.999, "{fit:?} {w}x{h}: {region:?}");
            }
        }
    }
}
