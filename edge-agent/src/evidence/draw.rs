//! What is drawn on a snapshot, and the snapshot as JPEG. Pure.

use anyhow::{Context, Result};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use protocol::{NormBox, Severity};

use crate::frame::Picture;

const QUALITY: u8 = 85;

/// A colour as Y, U, V (BT.601, limited range).
type Yuv = [u8; 3];

const BLACK: Yuv = [16, 128, 128];

fn colour(severity: Severity) -> Yuv {
    match severity {
        Severity::Emergency => [82, 90, 240],
        Severity::Major => [158, 40, 175],
        Severity::Normal => [210, 16, 146],
        Severity::Notice => [130, 190, 80],
    }
}

/// Draws the frame of `region` in the colour of its severity, with a dark edge that shows on any ground.
pub(crate) fn frame(picture: &mut Picture, region: &NormBox, severity: Severity) {
    let region = region.clamped();
    let (width, height) = (picture.width as f32, picture.height as f32);
    // Chroma has half the resolution: everything in blocks of 2 × 2.
    let left = (region.x * width / 2.0) as usize;
    let top = (region.y * height / 2.0) as usize;
    let right = ((region.x + region.w) * width / 2.0) as usize;
    let bottom = ((region.y + region.h) * height / 2.0) as usize;
    let thickness = (picture.width / 640).max(1);
    for ring in 0..=2 * thickness {
        let yuv = if ring < thickness || ring == 2 * thickness { BLACK } else { colour(severity) };
        let inset = |v: usize| v.saturating_add(ring);
        outline(
            picture,
            inset(left),
            inset(top),
            right.saturating_sub(ring),
            bottom.saturating_sub(ring),
            yuv,
        );
    }
}

fn outline(picture: &mut Picture, left: usize, top: usize, right: usize, bottom: usize, yuv: Yuv) {
    if left > right || top > bottom {
        return;
    }
    for x in left..=right {
        block(picture, x, top, yuv);
        block(picture, x, bottom, yuv);
    }
    for y in top..=bottom {
        block(picture, left, y, yuv);
        block(picture, right, y, yuv);
    }
}

fn block(picture: &mut Picture, column: usize, row: usize, [y, u, v]: Yuv) {
    let (columns, rows) = (picture.width / 2, picture.height / 2);
    let (column, row) = (column.min(columns - 1), row.min(rows - 1));
    for offset in [0, 1, picture.width, picture.width + 1] {
        picture.y[row * 2 * picture.width + column * 2 + offset] = y;
    }
    picture.u[row * columns + column] = u;
    picture.v[row * columns + column] = v;
}

/// The picture as JPEG.
pub(crate) fn jpeg(picture: &Picture) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let (width, height) = (picture.width as u32, picture.height as u32);
    JpegEncoder::new_with_quality(&mut out, QUALITY)
        .encode(&rgb(picture), width, height, ExtendedColorType::Rgb8)
        .context("writing a JPEG")?;
    Ok(out)
}

/// I420 to RGB: ITU-R BT.601, limited range, in 16-bit fixed point.
fn rgb(picture: &Picture) -> Vec<u8> {
    let half = picture.width / 2;
    let mut out = Vec::with_capacity(picture.width * picture.height * 3);
    for (row, luma) in picture.y.chunks_exact(picture.width).enumerate() {
        let chroma = row / 2 * half..(row / 2 + 1) * half;
        let chroma = picture.u[chroma.clone()].iter().zip(&picture.v[chroma]);
        for (pair, (u, v)) in luma.chunks_exact(2).zip(chroma) {
            let (u, v) = (i32::from(*u) - 128, i32::from(*v) - 128);
            let (red, green, blue) = (104_597 * v, -25_675 * u - 53_279 * v, 132_201 * u);
            for y in pair {
                let y = 76_309 * (i32::from(*y) - 16) + 32_768;
                out.extend([red, green, blue].map(|c| ((y + c) >> 16).clamp(0, 255) as u8));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey() -> Picture {
        Picture { width: 64, height: 48, y: vec![126; 64 * 48], u: vec![128; 32 * 24], v: vec![128; 32 * 24] }
    }

    /// Black, white and the three severities come out as the colours they are meant to be.
    #[test]
    fn colours_by_hand() {
        let one =
            |[y, u, v]: Yuv| rgb(&Picture { width: 2, height: 2, y: vec![y; 4], u: vec![u], v: vec![v] });
        assert_eq!(one(BLACK)[..3], [0, 0, 0]);
        assert_eq!(one([235, 128, 128])[..3], [255, 255, 255]);
        let red = one(colour(Severity::Emergency));
        assert!(red[0] > 220 && red[1] < 40 && red[2] < 40, "{red:?}");
    }

    /// Colours survive the way to planes and back within what whole numbers and shared chroma lose.
    #[test]
    fn planes_and_back() {
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 120, 40]];
        for colour in colours {
            let back = rgb(&Picture::from_rgb(2, 2, &colour.repeat(4)));
            let off = back.chunks(3).flat_map(|p| p.iter().zip(colour)).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off <= Some(3), "{colour:?} became {back:?}");
        }
    }

    /// The frame runs along the region's edge and leaves its middle and the rest alone; a region beyond the
    /// picture is drawn as far as there is a picture.
    #[test]
    fn frames_a_region() {
        let mut shown = grey();
        frame(&mut shown, &NormBox { x: 0.25, y: 0.25, w: 0.5, h: 0.5 }, Severity::Major);
        assert_eq!(shown.y[12 * 64 + 32], BLACK[0]);
        assert_eq!(shown.y[14 * 64 + 32], colour(Severity::Major)[0]);
        assert_eq!(shown.y[24 * 64 + 32], 126);
        assert_eq!(shown.y[4 * 64 + 4], 126);
        frame(&mut shown, &NormBox { x: 0.9, y: -0.5, w: 4.0, h: 9.0 }, Severity::Notice);
        assert_ne!(shown.y[47 * 64 + 63], 126);
    }

    /// The JPEG decodes to the picture's size and grey.
    #[test]
    fn writes_a_jpeg() {
        let decoded = image::load_from_memory(&jpeg(&grey()).unwrap()).unwrap().to_rgb8();
        assert_eq!(decoded.dimensions(), (64, 48));
        assert!(decoded.pixels().all(|p| p.0.iter().all(|c| c.abs_diff(128) < 4)));
    }
}
