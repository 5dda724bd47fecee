//! How a picture, or a part of it, lies in the input that a detector wants, and boxes back out of it.

use models::contract::{Fit, PictureInput};
use protocol::NormBox;

/// Where which part of a picture lies in the input. Pixels throughout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Of the whole picture.
    picture: (usize, usize),
    /// What is shown of it: left, top, width, height.
    pub(super) part: (usize, usize, usize, usize),
    pub(super) input: (usize, usize),
    /// Where it lies in the input: left, top, width, height.
    pub(super) lies: (usize, usize, usize, usize),
}

impl Letterbox {
    /// The whole of a picture.
    pub fn new(width: usize, height: usize, input: &PictureInput) -> Self {
        Self::part((width, height), (0, 0, width, height), input)
    }

    /// A part of a picture: left, top, width, height, within it and not empty.
    pub fn part(picture: (usize, usize), part: (usize, usize, usize, usize), input: &PictureInput) -> Self {
        let (of_x, of_y) =
            (input.width as f32 / part.2.max(1) as f32, input.height as f32 / part.3.max(1) as f32);
        let (scale_x, scale_y) = match input.fit {
            Fit::Stretch => (of_x, of_y),
            Fit::Corner | Fit::Centre => (of_x.min(of_y), of_x.min(of_y)),
        };
        let fits = |v: usize, scale: f32, most: usize| ((v as f32 * scale) as usize).clamp(1, most);
        let (width, height) = match input.fit {
            Fit::Stretch => (input.width, input.height),
            _ => (fits(part.2, scale_x, input.width), fits(part.3, scale_y, input.height)),
        };
        let (left, top) = match input.fit {
            Fit::Centre => ((input.width - width) / 2, (input.height - height) / 2),
            _ => (0, 0),
        };
        Self { picture, part, input: (input.width, input.height), lies: (left, top, width, height) }
    }

    /// A box in pixels of the input, from corner to corner, as shares of the picture, cut to it.
    pub fn to_picture(&self, x1: f32, y1: f32, x2: f32, y2: f32) -> NormBox {
        let axis = |v: f32, lies: usize, size: usize, part: usize, shown: usize, whole: usize| {
            ((v - lies as f32) * (shown as f32 / size as f32) + part as f32) / whole as f32
        };
        let (lies, part) = (self.lies, self.part);
        let across = |v| axis(v, lies.0, lies.2, part.0, part.2, self.picture.0);
        let down = |v| axis(v, lies.1, lies.3, part.1, part.3, self.picture.1);
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

    /// A box found in a part is told in shares of the whole.
    #[test]
    fn parts_are_parts_of_the_whole() {
        let letterbox = Letterbox::part((640, 360), (320, 90, 208, 128), &input(Fit::Corner));
        let region = letterbox.to_picture(0.0, 0.0, 416.0, 256.0);
        let expected = NormBox { x: 0.5, y: 0.25, w: 208.0 / 640.0, h: 128.0 / 360.0 };
        assert!(region.iou(&expected) > 0.999, "{region:?}");
    }
}
