//! A picture of any size into the square that a detector wants, and boxes back out of it.

use protocol::NormBox;

use crate::frame::Picture;

/// Grey of the unused part, as YOLOX was trained with.
const PADDING: f32 = 114.0;

/// How a picture lies in the square: scaled evenly, in the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Edge of the square in pixels.
    side: usize,
    /// The picture's part of the square.
    width: usize,
    height: usize,
}

/// For one output coordinate: the two source samples and the share of the second.
#[derive(Clone, Copy)]
struct Tap {
    first: usize,
    second: usize,
    share: f32,
}

/// Bilinear taps with pixel centres at half, as OpenCV's `INTER_LINEAR` has them.
fn taps(out: usize, source: usize) -> Vec<Tap> {
    let step = source as f32 / out as f32;
    let tap = |i: usize| {
        let at = ((i as f32 + 0.5) * step - 0.5).clamp(0.0, (source - 1) as f32);
        let first = at as usize;
        Tap { first, second: (first + 1).min(source - 1), share: at - first as f32 }
    };
    (0..out).map(tap).collect()
}

/// One blended row of a plane.
fn blend(plane: &[u8], stride: usize, tap: Tap, out: &mut [f32]) {
    let first = &plane[tap.first * stride..][..stride];
    let second = &plane[tap.second * stride..][..stride];
    for ((out, a), b) in out.iter_mut().zip(first).zip(second) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        *out = a + (b - a) * tap.share;
    }
}

fn sample(row: &[f32], tap: Tap) -> f32 {
    let (a, b) = (row[tap.first], row[tap.second]);
    a + (b - a) * tap.share
}

impl Letterbox {
    pub fn new(width: usize, height: usize, side: usize) -> Self {
        let scale = (side as f32 / width.max(1) as f32).min(side as f32 / height.max(1) as f32);
        let fit = |v: usize| ((v as f32 * scale) as usize).clamp(1, side);
        Self { side, width: fit(width), height: fit(height) }
    }

    /// Writes the square as three planes, blue, green, red, 0..=255, sampled straight from the picture's planes:
    /// the picture is never converted as a whole. `out` holds `3 × side × side` values.
    pub fn fill(&self, picture: &Picture, out: &mut [f32]) {
        let side = self.side;
        out.fill(PADDING);
        let (half_width, half_height) = (picture.width / 2, picture.height / 2);
        let (columns, rows) = (taps(self.width, picture.width), taps(self.height, picture.height));
        let (columns_uv, rows_uv) = (taps(self.width, half_width), taps(self.height, half_height));
        let mut luma = vec![0.0; picture.width];
        let mut cb = vec![0.0; half_width];
        let mut cr = vec![0.0; half_width];
        let (blue, rest) = out.split_at_mut(side * side);
        let (green, red) = rest.split_at_mut(side * side);
        for row in 0..self.height {
            blend(&picture.y, picture.width, rows[row], &mut luma);
            blend(&picture.u, half_width, rows_uv[row], &mut cb);
            blend(&picture.v, half_width, rows_uv[row], &mut cr);
            let line = row * side..row * side + self.width;
            let (blue, green, red) = (&mut blue[line.clone()], &mut green[line.clone()], &mut red[line]);
            for x in 0..self.width {
                // ITU-R BT.601, limited range.
                let y = 1.164_383 * (sample(&luma, columns[x]) - 16.0);
                let u = sample(&cb, columns_uv[x]) - 128.0;
                let v = sample(&cr, columns_uv[x]) - 128.0;
                blue[x] = (y + 2.017_232 * u).clamp(0.0, 255.0);
                green[x] = (y - 0.391_762 * u - 0.812_968 * v).clamp(0.0, 255.0);
                red[x] = (y + 1.596_027 * v).clamp(0.0, 255.0);
            }
        }
    }

    /// A box in pixels of the square (centre and size) as shares of the picture, cut to it.
    pub fn to_picture(&self, centre_x: f32, centre_y: f32, w: f32, h: f32) -> NormBox {
        let (sx, sy) = (1.0 / self.width as f32, 1.0 / self.height as f32);
        NormBox { x: (centre_x - w / 2.0) * sx, y: (centre_y - h / 2.0) * sy, w: w * sx, h: h * sy }.clamped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: usize, height: usize, y: u8, u: u8, v: u8) -> Picture {
        let quarter = width * height / 4;
        Picture { width, height, y: vec![y; width * height], u: vec![u; quarter], v: vec![v; quarter] }
    }

    fn is(value: f32, expected: f32) -> bool {
        (value - expected).abs() < 1e-4
    }

    /// Pure red in limited-range BT.601 comes out as blue 0, green 0, red 255; the rest is padding.
    #[test]
    fn colours_and_padding() {
        let letterbox = Letterbox::new(64, 36, 32);
        let mut out = vec![0.0; 3 * 32 * 32];
        letterbox.fill(&flat(64, 36, 81, 90, 240), &mut out);
        let at = |plane: usize, x: usize, y: usize| out[plane * 1024 + y * 32 + x];
        assert!(at(0, 5, 5) < 2.0 && at(1, 5, 5) < 2.0 && at(2, 5, 5) > 252.0);
        for plane in 0..3 {
            assert!(is(at(plane, 5, 17), at(plane, 5, 5)));
            assert!(is(at(plane, 5, 18), PADDING));
        }
        let letterbox = Letterbox::new(36, 64, 32);
        letterbox.fill(&flat(36, 64, 16, 128, 128), &mut out);
        assert!(is(out[17], 0.0) && is(out[18], PADDING));
    }

    /// A ramp stays a ramp, half a pixel of the source per pixel of the square off nowhere.
    #[test]
    fn sampling_is_centred() {
        let mut picture = flat(64, 64, 0, 128, 128);
        picture.y.iter_mut().enumerate().for_each(|(i, y)| *y = 16 + (i % 64) as u8 * 3);
        let mut out = vec![0.0; 3 * 32 * 32];
        Letterbox::new(64, 64, 32).fill(&picture, &mut out);
        for (x, value) in out[..32].iter().enumerate() {
            let expected = 1.164_383 * (x as f32 * 2.0 + 0.5) * 3.0;
            assert!((value - expected).abs() < 0.01, "{x}: {value} {expected}");
        }
    }

    /// Boxes come back where they were, for wide, high and odd pictures.
    #[test]
    fn boxes_return() {
        for (w, h) in [(640, 360), (360, 640), (1918, 1078), (2, 2)] {
            let letterbox = Letterbox::new(w, h, 416);
            let (lw, lh) = (letterbox.width as f32, letterbox.height as f32);
            let region = letterbox.to_picture(lw * 0.5, lh * 0.25, lw * 0.2, lh * 0.1);
            let expected = NormBox { x: 0.4, y: 0.2, w: 0.2, h: 0.1 };
            assert!(region.iou(&expected) > 0.999, "{w}x{h}: {region:?}");
        }
    }
}
