//! What stations 1–4 hand on: pictures and what a detector saw in them.

use std::sync::Arc;

use protocol::{CameraId, Label, NormBox, UtcMs};
use serde::{Deserialize, Serialize};

/// One decoded picture as the decoder gives it: 8-bit I420 (4:2:0), tightly packed rows of even width.
/// The luma plane serves the motion gate as it is; the detector converts only the pixels it samples.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels; both even.
    pub width: usize,
    pub height: usize,
    /// `width × height` bytes, BT.601 limited range.
    pub y: Vec<u8>,
    /// `width/2 × height/2` bytes each.
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

impl Picture {
    /// Of `width × height` pixels of red, green, blue; the last row or column of an odd side is left out. BT.601 limited
    /// range, chroma averaged over 2 × 2 pixels.
    pub fn from_rgb(width: usize, height: usize, rgb: &[u8]) -> Self {
        let (even_width, even_height) = (width & !1, height & !1);
        let pixel = |x: usize, y: usize| {
            let at = (y * width + x) * 3;
            [rgb[at], rgb[at + 1], rgb[at + 2]].map(i32::from)
        };
        let mut y = Vec::with_capacity(even_width * even_height);
        for row in 0..even_height {
            y.extend((0..even_width).map(|column| {
                let [r, g, b] = pixel(column, row);
                (((16_829 * r + 33_039 * g + 6_416 * b + 32_768) >> 16) + 16) as u8
            }));
        }
        let (mut u, mut v) = (Vec::new(), Vec::new());
        for row in (0..even_height).step_by(2) {
            for column in (0..even_width).step_by(2) {
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| pixel(column + dx, row + dy));
                let [r, g, b] = [0, 1, 2].map(|c| four.iter().map(|p| p[c]).sum::<i32>());
                u.push((((-9_714 * r - 19_070 * g + 28_784 * b + 131_072) >> 18) + 128) as u8);
                v.push((((28_784 * r - 24_103 * g - 4_681 * b + 131_072) >> 18) + 128) as u8);
            }
        }
        Self { width: even_width, height: even_height, y, u, v }
    }

    /// A part of it, in pixels; sides and edges are made even, and cut to the picture. At least two pixels each way.
    #[must_use]
    pub fn cut(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let axis = |from: usize, length: usize, whole: usize| {
            let from = (from & !1).min(whole.saturating_sub(2));
            (from, (length & !1).clamp(2, whole - from))
        };
        let ((left, width), (top, height)) = (axis(left, width, self.width), axis(top, height, self.height));
        let part = |plane: &[u8], stride: usize, by: usize| -> Vec<u8> {
            let rows = plane.chunks_exact(stride).skip(top / by).take(height / by);
            rows.flat_map(|row| &row[left / by..(left + width) / by]).copied().collect()
        };
        Self {
            width,
            height,
            y: part(&self.y, self.width, 1),
            u: part(&self.u, self.width / 2, 2),
            v: part(&self.v, self.width / 2, 2),
        }
    }

    /// Turned by a quarter, clockwise.
    #[must_use]
    pub fn turned_right(&self) -> Self {
        let turned = |plane: &[u8], width: usize, height: usize| -> Vec<u8> {
            (0..width).flat_map(|x| (0..height).rev().map(move |y| plane[y * width + x])).collect()
        };
        let (width, height) = (self.width, self.height);
        Self {
            width: height,
            height: width,
            y: turned(&self.y, width, height),
            u: turned(&self.u, width / 2, height / 2),
            v: turned(&self.v, width / 2, height / 2),
        }
    }
}

/// One picture of one camera.
#[derive(Clone, Debug)]
pub struct Frame {
    pub camera_id: CameraId,
    /// Counts decoded frames of this camera since the agent started.
    pub sequence: u64,
    /// Wall time of capture. In replay: media time, counted from the start of the clip.
    pub captured_at: UtcMs,
    pub picture: Arc<Picture>,
}

/// One thing a detector named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    pub label: Label,
    /// 0..=1.
    pub score: f32,
    pub region: NormBox,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(width: usize, height: usize) -> Picture {
        let plane = |n: usize| (0..n).map(|i| i as u8).collect::<Vec<u8>>();
        let quarter = width * height / 4;
        Picture { width, height, y: plane(width * height), u: plane(quarter), v: plane(quarter) }
    }

    /// A part begins and ends at even pixels within the picture, in all planes alike.
    #[test]
    fn parts_are_even_and_inside() {
        let picture = numbered(8, 4);
        let part = picture.cut(3, 1, 5, 9);
        assert_eq!((part.width, part.height), (4, 4));
        assert_eq!(part.y[..8], [2, 3, 4, 5, 10, 11, 12, 13]);
        assert_eq!(part.u, [1, 2, 5, 6]);
        assert_eq!(picture.cut(90, 90, 0, 0).y, [22, 23, 30, 31]);
    }

    /// Clockwise: the left edge becomes the upper one, and four turns are none.
    #[test]
    fn quarter_turns() {
        let picture = numbered(4, 2);
        let turned = picture.turned_right();
        assert_eq!((turned.width, turned.height), (2, 4));
        assert_eq!(turned.y, [4, 0, 5, 1, 6, 2, 7, 3]);
        assert_eq!(turned.turned_right().turned_right().turned_right(), picture);
    }
}
