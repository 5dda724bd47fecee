//! Pixels of a picture into the tensor that a model wants: scaled, converted and laid out in one pass.
//!
//! The picture is never converted as a whole: of each output row, brightness is blended from two of its rows and
//! sampled with fixed-point weights looked up per column; colour, of which the picture has half as many rows and
//! columns, is sampled once for every two by two pixels.

use models::contract::{Channels, Element, Layout, PictureInput};

use super::letterbox::Letterbox;
use crate::frame::Picture;

/// Weights of the two samples that are blended add up to this.
const WHOLE: i16 = 128;

/// One model's input, kept from picture to picture.
#[derive(Debug)]
pub struct Input {
    contract: PictureInput,
    /// Pictures side by side.
    batch: usize,
    values: Values,
    /// How the last picture of each place lay; where the same, what lies around it is still grey.
    laid: Vec<Option<Letterbox>>,
    tables: Option<(Letterbox, Tables)>,
    rows: Rows,
}

/// The tensor's values.
#[derive(Debug)]
pub enum Values {
    Float(Vec<f32>),
    Byte(Vec<u8>),
}

/// For one output column or row: the first of two neighbours, and the weight of the second.
#[derive(Clone, Copy, Debug)]
struct Tap {
    first: u32,
    share: i16,
}

#[derive(Debug)]
struct Tables {
    columns: Vec<Tap>,
    rows: Vec<Tap>,
    colour_columns: Vec<Tap>,
    colour_rows: Vec<Tap>,
}

/// Work space of one output row.
#[derive(Debug, Default)]
struct Rows {
    blended: Vec<i16>,
    luma: Vec<f32>,
    /// What colour adds to blue, green and red, each value twice.
    added: [Vec<f32>; 3],
    /// Colour as it is sampled.
    sampled: [Vec<f32>; 2],
}

/// Bilinear taps with pixel centres at half, as OpenCV's `INTER_LINEAR` has them.
fn taps(out: usize, source: usize) -> Vec<Tap> {
    let step = source as f32 / out as f32;
    let last = source - 1;
    let tap = |i: usize| {
        let at = ((i as f32 + 0.5) * step - 0.5).clamp(0.0, last as f32);
        // The last one has no second: all weight is on the first.
        let first = (at as usize).min(last);
        let share = if first == last { 0.0 } else { at - first as f32 };
        Tap { first: first as u32, share: (share * f32::from(WHOLE)).round() as i16 }
    };
    (0..out).map(tap).collect()
}

impl Tables {
    fn new(letterbox: &Letterbox, picture: &Picture) -> Self {
        let (_, _, width, height) = letterbox.lies;
        let half = |v: usize| v.div_ceil(2).max(1);
        Self {
            columns: taps(width, picture.width),
            rows: taps(height, picture.height),
            colour_columns: taps(half(width), picture.width / 2),
            colour_rows: taps(half(height), picture.height / 2),
        }
    }
}

impl Input {
    pub fn new(contract: &PictureInput, batch: usize) -> Self {
        let size = batch * 3 * contract.width * contract.height;
        let values = match contract.element {
            Element::Float32 => Values::Float(vec![0.0; size]),
            Element::Uint8 => Values::Byte(vec![0; size]),
        };
        let (laid, rows) = (vec![None; batch], Rows::default());
        Self { contract: contract.clone(), batch, values, laid, tables: None, rows }
    }

    /// The tensor's shape for its first `pictures`.
    pub fn shape(&self, pictures: usize) -> [usize; 4] {
        let PictureInput { width, height, .. } = self.contract;
        match self.contract.layout {
            Layout::Nchw => [pictures, 3, height, width],
            Layout::Nhwc => [pictures, height, width, 3],
        }
    }

    pub fn batch(&self) -> usize {
        self.batch
    }

    pub fn contract(&self) -> &PictureInput {
        &self.contract
    }

    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Writes a picture, as it lies in the input, to its place of the batch.
    pub fn fill(&mut self, place: usize, letterbox: &Letterbox, picture: &Picture) {
        let (left, top, _, height) = letterbox.lies;
        let size = 3 * self.contract.width * self.contract.height;
        if self.laid[place] != Some(*letterbox) {
            self.grey(place * size..(place + 1) * size);
            self.laid[place] = Some(*letterbox);
        }
        if self.tables.as_ref().is_none_or(|(laid, _)| laid != letterbox) {
            self.tables = Some((*letterbox, Tables::new(letterbox, picture)));
        }
        let Some((_, tables)) = &self.tables else { return };
        let half_width = picture.width / 2;
        for row in 0..height {
            if row % 2 == 0 {
                let tap = tables.colour_rows[row / 2];
                self.rows.colour(&picture.u, &picture.v, half_width, tap, &tables.colour_columns);
            }
            self.rows.luma(&picture.y, picture.width, tables.rows[row], &tables.columns);
            let at = Place { start: place * size, row: top + row, left };
            write(&self.contract, &mut self.values, &self.rows, at);
        }
    }

    fn grey(&mut self, range: std::ops::Range<usize>) {
        let plane = self.contract.width * self.contract.height;
        let padding = self.contract.padding;
        match &mut self.values {
            Values::Byte(bytes) => bytes[range].fill(padding),
            Values::Float(floats) => {
                for (i, value) in floats[range].iter_mut().enumerate() {
                    let channel = if self.contract.layout == Layout::Nchw { i / plane } else { i % 3 };
                    let (factor, offset) = affine(&self.contract, channel);
                    *value = f32::from(padding) * factor + offset;
                }
            }
        }
    }
}

impl Rows {
    /// One row of a plane between two, with a value more at its end so that every column has a second neighbour.
    fn blend(&mut self, plane: &[u8], stride: usize, tap: Tap) {
        let row = tap.first as usize;
        let first = &plane[row * stride..][..stride];
        let second = if tap.share == 0 { first } else { &plane[(row + 1) * stride..][..stride] };
        self.blended.resize(stride + 1, 0);
        // At most 255 × 128: fits.
        let (a_share, b_share) = (WHOLE - tap.share, tap.share);
        for ((out, a), b) in self.blended.iter_mut().zip(first).zip(second) {
            *out = i16::from(*a) * a_share + i16::from(*b) * b_share;
        }
    }

    fn luma(&mut self, plane: &[u8], stride: usize, tap: Tap, columns: &[Tap]) {
        self.blend(plane, stride, tap);
        self.luma.resize(columns.len(), 0.0);
        sample(&self.blended, columns, &mut self.luma);
    }

    fn colour(&mut self, u: &[u8], v: &[u8], stride: usize, tap: Tap, columns: &[Tap]) {
        const ONE: f32 = 1.0 / (WHOLE as f32 * WHOLE as f32);
        // ITU-R BT.601, limited range.
        let size = columns.len();
        self.blend(u, stride, tap);
        self.sampled[0].resize(size, 0.0);
        sample(&self.blended, columns, &mut self.sampled[0]);
        self.blend(v, stride, tap);
        self.sampled[1].resize(size, 0.0);
        sample(&self.blended, columns, &mut self.sampled[1]);
        self.added.iter_mut().for_each(|added| added.resize(2 * size, 0.0));
        let [blue, green, red] = &mut self.added;
        let pairs = blue.chunks_exact_mut(2).zip(green.chunks_exact_mut(2)).zip(red.chunks_exact_mut(2));
        for (((blue, green), red), (u, v)) in pairs.zip(self.sampled[0].iter().zip(&self.sampled[1])) {
            let (u, v) = (u * ONE - 128.0, v * ONE - 128.0);
            blue.fill(2.017_232 * u);
            green.fill(-0.391_762 * u - 0.812_968 * v);
            red.fill(1.596_027 * v);
        }
    }
}

/// Samples a blended row at each column, in units of 1/`WHOLE`².
fn sample(row: &[i16], columns: &[Tap], out: &mut [f32]) {
    for (out, tap) in out.iter_mut().zip(columns) {
        let first = tap.first as usize;
        let [a, b] = row[first..first + 2] else { continue };
        *out = (i32::from(a) * i32::from(WHOLE - tap.share) + i32::from(b) * i32::from(tap.share)) as f32;
    }
}

/// Blue, green or red, 0 to 255, of a sampled luma and what colour adds to it.
fn pixel(luma: f32, added: f32) -> f32 {
    const SCALE: f32 = 1.164_383 / (WHOLE as f32 * WHOLE as f32);
    const BLACK: f32 = 1.164_383 * 16.0;
    (luma * SCALE - BLACK + added).clamp(0.0, 255.0)
}

/// What a pixel is multiplied by, and what is added then, in one channel of the tensor.
fn affine(contract: &PictureInput, channel: usize) -> (f32, f32) {
    let std = contract.std[channel];
    (contract.scale / std, -contract.mean[channel] / std)
}

/// Where a row goes.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    row: usize,
    left: usize,
}

fn write(contract: &PictureInput, values: &mut Values, rows: &Rows, at: Place) {
    let (width, plane) = (contract.width, contract.width * contract.height);
    for channel in 0..3 {
        let added = &rows.added[if contract.channels == Channels::Bgr { channel } else { 2 - channel }];
        let pixels = rows.luma.iter().zip(added).map(|(luma, added)| pixel(*luma, *added));
        let (factor, offset) = affine(contract, channel);
        let (start, step) = match contract.layout {
            Layout::Nchw => (at.start + channel * plane + at.row * width + at.left, 1),
            Layout::Nhwc => (at.start + 3 * (at.row * width + at.left) + channel, 3),
        };
        match values {
            // The same as the next arm; a step known to be one lets the compiler take several at a time.
            Values::Float(floats) if step == 1 => {
                let out = floats[start..].iter_mut();
                out.zip(pixels).for_each(|(out, pixel)| *out = pixel * factor + offset);
            }
            Values::Float(floats) => {
                let out = floats[start..].iter_mut().step_by(step);
                out.zip(pixels).for_each(|(out, pixel)| *out = pixel * factor + offset);
            }
            Values::Byte(bytes) => {
                let out = bytes[start..].iter_mut().step_by(step);
                out.zip(pixels).for_each(|(out, pixel)| *out = pixel.round() as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(text: &str) -> PictureInput {
        toml::from_str(&format!("width = 32\nheight = 32\n{text}")).unwrap()
    }

    fn flat(width: usize, height: usize, y: u8, u: u8, v: u8) -> Picture {
        let quarter = width * height / 4;
        Picture { width, height, y: vec![y; width * height], u: vec![u; quarter], v: vec![v; quarter] }
    }

    fn filled(contract: &PictureInput, picture: &Picture) -> Vec<f32> {
        let mut input = Input::new(contract, 1);
        input.fill(0, &Letterbox::new(picture.width, picture.height, contract), picture);
        match input.values {
            Values::Float(floats) => floats,
            Values::Byte(bytes) => bytes.into_iter().map(f32::from).collect(),
        }
    }

    /// Pure red in limited-range BT.601 comes out as blue 0, green 0, red 255; the rest is padding.
    #[test]
    fn colours_and_padding() {
        let contract = contract("channels = 'bgr'\nfit = 'corner'\npadding = 114");
        let out = filled(&contract, &flat(64, 36, 81, 90, 240));
        let at = |plane: usize, x: usize, y: usize| out[plane * 1024 + y * 32 + x];
        assert!(at(0, 5, 5) < 2.0 && at(1, 5, 5) < 2.0 && at(2, 5, 5) > 252.0);
        for plane in 0..3 {
            assert!((at(plane, 5, 17) - at(plane, 5, 5)).abs() < 1e-3);
            assert!((at(plane, 5, 18) - 114.0).abs() < 1e-3);
        }
        let out = filled(&contract, &flat(36, 64, 16, 128, 128));
        assert!(out[17].abs() < 1e-3 && (out[18] - 114.0).abs() < 1e-3);
    }

    /// A ramp stays a ramp, half a pixel of the source per pixel of the input off nowhere.
    #[test]
    fn sampling_is_centred() {
        let mut picture = flat(64, 64, 0, 128, 128);
        picture.y.iter_mut().enumerate().for_each(|(i, y)| *y = 16 + (i % 64) as u8 * 3);
        let out = filled(&contract("channels = 'bgr'\nfit = 'corner'"), &picture);
        for (x, value) in out[..32].iter().enumerate() {
            let expected = 1.164_383 * (x as f32 * 2.0 + 0.5) * 3.0;
            assert!((value - expected).abs() < 0.01, "{x}: {value} {expected}");
        }
    }

    /// Layout, order of channels, bytes and normalisation are the contract's: red is found where each puts it.
    #[test]
    fn every_layout_holds_the_same_picture() {
        let red = flat(32, 32, 81, 90, 240);
        let bytes =
            filled(&contract("channels = 'rgb'\nfit = 'stretch'\nlayout = 'nhwc'\nelement = 'uint8'"), &red);
        assert!(bytes[0] > 252.0 && bytes[1] < 2.0 && bytes[2] < 2.0 && bytes[3] > 252.0);
        let planes = filled(&contract("channels = 'rgb'\nfit = 'stretch'"), &red);
        assert!(planes[0] > 252.0 && planes[1024] < 2.0);
        let text = "channels = 'rgb'\nfit = 'stretch'\nscale = 0.00392156862745\nmean = [0.5, 0.5, 0.5]\nstd = [0.25, 0.5, 0.5]";
        let scaled = filled(&contract(text), &red);
        assert!(
            (scaled[0] - 2.0).abs() < 0.05 && (scaled[1024] + 1.0).abs() < 0.05,
            "{} {}",
            scaled[0],
            scaled[1024]
        );
    }

    /// The grey around a picture is there again after one of another shape.
    #[test]
    fn shapes_change() {
        let contract = contract("channels = 'bgr'\nfit = 'corner'\npadding = 114");
        let mut input = Input::new(&contract, 1);
        input.fill(0, &Letterbox::new(64, 64, &contract), &flat(64, 64, 200, 128, 128));
        input.fill(0, &Letterbox::new(64, 36, &contract), &flat(64, 36, 81, 90, 240));
        let Values::Float(wide) = &input.values else { unreachable!() };
        assert_eq!(*wide, filled(&contract, &flat(64, 36, 81, 90, 240)));
    }
}
