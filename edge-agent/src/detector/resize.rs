//! The same network for pictures of another size: its ONNX file with another shape of the input. Pure.
//!
//! Networks of convolutions alone do not care how large a picture is; only the file says so. Changed are the rows and
//! columns of the first input; what was said of shapes behind it is taken out, and ONNX Runtime works them out anew.

use thiserror::Error;

/// Fields of onnx.proto3: model → graph → input and output → type → tensor → shape → dimensions.
const INPUT_SHAPE: [u64; 5] = [7, 11, 2, 1, 2];
const OUTPUT_SHAPE: [u64; 5] = [7, 12, 2, 1, 2];
const INNER_VALUES: [u64; 2] = [7, 13];
const DIM: u64 = 1;
/// `dim_value`, as a varint.
const DIM_VALUE: u8 = 1 << 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum ResizeError {
    #[error("it is not an ONNX file, or is cut short")]
    NotOnnx,
    #[error("its first input is no picture")]
    NoPicture,
}

/// What becomes of a field that holds a message.
enum Becomes {
    Same,
    Other(Vec<u8>),
    Nothing,
}

/// The network of `onnx` for pictures of `side` × `side`. `at`: which dimensions of its input are rows and columns.
pub(super) fn resized(onnx: &[u8], at: [usize; 2], side: usize) -> Result<Vec<u8>, ResizeError> {
    let mut inputs = 0;
    let input = edited(onnx, &INPUT_SHAPE, &mut |shape| {
        inputs += 1;
        if inputs > 1 { Ok(Becomes::Same) } else { reshaped(shape, at, side).map(Becomes::Other) }
    })?;
    if inputs == 0 {
        return Err(ResizeError::NoPicture);
    }
    let output = edited(&input, &OUTPUT_SHAPE, &mut |_| Ok(Becomes::Nothing))?;
    edited(&output, &INNER_VALUES, &mut |_| Ok(Becomes::Nothing))
}

fn reshaped(shape: &[u8], at: [usize; 2], side: usize) -> Result<Vec<u8>, ResizeError> {
    let mut place = 0;
    let new = edited(shape, &[DIM], &mut |_| {
        let is_side = at.contains(&place);
        place += 1;
        let mut dim = vec![DIM_VALUE];
        push_varint(&mut dim, side as u64);
        Ok(if is_side { Becomes::Other(dim) } else { Becomes::Same })
    })?;
    if place == 4 { Ok(new) } else { Err(ResizeError::NoPicture) }
}

/// A message with every field at `path` edited.
fn edited(
    message: &[u8],
    path: &[u64],
    edit: &mut dyn FnMut(&[u8]) -> Result<Becomes, ResizeError>,
) -> Result<Vec<u8>, ResizeError> {
    let (mut out, mut rest) = (Vec::with_capacity(message.len()), message);
    while !rest.is_empty() {
        let field = rest;
        let tag = varint(&mut rest)?;
        let length = match tag & 7 {
            0 => varint(&mut rest).map(|_| 0)?,
            1 => 8,
            2 => varint(&mut rest)?,
            5 => 4,
            _ => return Err(ResizeError::NotOnnx),
        };
        let length = usize::try_from(length).map_err(|_| ResizeError::NotOnnx)?;
        let (value, after) = rest.split_at_checked(length).ok_or(ResizeError::NotOnnx)?;
        rest = after;
        let becomes = match path {
            [last] if tag == last << 3 | 2 => edit(value)?,
            [first, deeper @ ..] if tag == first << 3 | 2 && !deeper.is_empty() => {
                Becomes::Other(edited(value, deeper, edit)?)
            }
            _ => Becomes::Same,
        };
        match becomes {
            Becomes::Same => out.extend_from_slice(&field[..field.len() - rest.len()]),
            Becomes::Nothing => {}
            Becomes::Other(value) => {
                push_varint(&mut out, tag);
                push_varint(&mut out, value.len() as u64);
                out.extend(value);
            }
        }
    }
    Ok(out)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ResizeError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(ResizeError::NotOnnx)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ResizeError::NotOnnx)
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field that holds a message.
    fn field(number: u64, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_varint(&mut out, number << 3 | 2);
        push_varint(&mut out, value.len() as u64);
        out.extend(value);
        out
    }

    fn value(name: &str, dims: &[u64]) -> Vec<u8> {
        let dim = |size: &u64| {
            let mut dim = vec![DIM_VALUE];
            push_varint(&mut dim, *size);
            field(DIM, &dim)
        };
        let shape: Vec<u8> = dims.iter().flat_map(dim).collect();
        // elem_type = float
        let tensor = [vec![1 << 3, 1], field(2, &shape)].concat();
        [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
    }

    fn network(input: &[u64], output: &[u8], inner: Option<&[u64]>) -> Vec<u8> {
        let graph = [
            field(1, b"a node"),
            field(11, &value("images", input)),
            field(12, output),
            inner.map(|dims| field(13, &value("inner", dims))).unwrap_or_default(),
        ];
        // ir_version, producer
        [vec![1 << 3, 8], field(2, b"somebody"), field(7, &graph.concat())].concat()
    }

    /// Rows and columns change, and nothing else of the input; longer numbers make longer messages around them.
    #[test]
    fn only_rows_and_columns_change() {
        let shapeless = [field(1, b"out"), field(2, &field(1, &[1 << 3, 1]))].concat();
        for (side, at, now) in [(320, [2, 3], [1, 3, 320, 320]), (64, [1, 2], [1, 64, 64, 416])] {
            let before = network(&[1, 3, 416, 416], &value("out", &[1, 3_549, 85]), Some(&[1, 24, 208, 208]));
            assert_eq!(resized(&before, at, side as usize).unwrap(), network(&now, &shapeless, None));
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let flat = network(&[1, 80], &value("out", &[1, 2]), None);
        assert_eq!(resized(&flat, [2, 3], 320), Err(ResizeError::NoPicture));
        assert_eq!(resized(&[], [2, 3], 320), Err(ResizeError::NoPicture));
        let whole = network(&[1, 3, 416, 416], &value("out", &[1, 2]), None);
        assert_eq!(resized(&whole[..whole.len() - 1], [2, 3], 320), Err(ResizeError::NotOnnx));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = resized(&bytes, [2, 3], 320);
        }
    }
}
