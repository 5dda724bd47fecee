//! The descriptive fields of an ONNX file, without loading it. The format is protobuf (`ModelProto`, onnx.proto3);
//! only its top level is walked, so this takes a moment for any size and sees at once when a file is cut short.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// `ModelProto.metadata_props`, a list of `StringStringEntryProto { key = 1; value = 2 }`.
const METADATA_PROPS: u64 = 14;
/// `ModelProto.graph`.
const GRAPH: u64 = 7;
/// Longest single entry worth reading (SenseVoice keeps two vectors of 560 numbers as text).
const MAX_ENTRY: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum OnnxError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is cut short or still being copied")]
    Short,
    #[error("is not an ONNX file")]
    Shape,
}

pub(super) fn metadata(path: &Path) -> Result<BTreeMap<String, String>, OnnxError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    read(BufReader::new(file), size)
}

fn read(mut input: impl Read + Seek, size: u64) -> Result<BTreeMap<String, String>, OnnxError> {
    let (mut at, mut found, mut has_graph) = (0, BTreeMap::new(), false);
    while at < size {
        let (tag, tag_bytes) = varint(&mut input)?;
        let (value, value_bytes) = match tag & 7 {
            0 => varint(&mut input)?,
            2 => varint(&mut input)?,
            1 => (8, 0),
            5 => (4, 0),
            _ => return Err(OnnxError::Shape),
        };
        at += tag_bytes + value_bytes;
        if tag & 7 == 0 {
            continue;
        }
        at = at.checked_add(value).ok_or(OnnxError::Shape)?;
        if at > size {
            return Err(OnnxError::Short);
        }
        if tag == METADATA_PROPS << 3 | 2 && value <= MAX_ENTRY {
            let mut bytes = vec![0; value as usize];
            input.read_exact(&mut bytes)?;
            let (key, text) = entry(&bytes)?;
            found.insert(key, text);
        } else {
            has_graph |= tag == GRAPH << 3 | 2;
            input.seek(SeekFrom::Start(at))?;
        }
    }
    if has_graph { Ok(found) } else { Err(OnnxError::Shape) }
}

fn entry(mut bytes: &[u8]) -> Result<(String, String), OnnxError> {
    let (mut key, mut text) = (String::new(), String::new());
    while !bytes.is_empty() {
        let (tag, _) = varint(&mut bytes)?;
        let (length, _) = varint(&mut bytes)?;
        let value = bytes.split_off(..length as usize).ok_or(OnnxError::Shape)?;
        let value = String::from_utf8_lossy(value).into_owned();
        match tag {
            0x0a => key = value,
            0x12 => text = value,
            _ => return Err(OnnxError::Shape),
        }
    }
    Ok((key, text))
}

/// A base-128 number and how many bytes it took.
fn varint(input: &mut impl Read) -> Result<(u64, u64), OnnxError> {
    let mut value = 0;
    for index in 0..10 {
        let mut byte = [0];
        input.read_exact(&mut byte).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => OnnxError::Short,
            _ => OnnxError::Io(error),
        })?;
        value |= u64::from(byte[0] & 0x7f) << (7 * index);
        if byte[0] & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    Err(OnnxError::Shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn read_bytes(bytes: &[u8]) -> Result<BTreeMap<String, String>, OnnxError> {
        read(Cursor::new(bytes), bytes.len() as u64)
    }

    /// `ir_version = 8`, a graph of 3 bytes, one property.
    const MODEL: &[u8] = b"\x08\x08\x3a\x03abc\x72\x08\x0a\x02kk\x12\x02vv";

    /// Properties are found; every cut and any garbage is an error, never a panic.
    #[test]
    fn reads_properties_and_sees_cuts() {
        assert_eq!(read_bytes(MODEL).unwrap()["kk"], "vv");
        for cut in [1, 3, 5, 8, 10, 15] {
            assert!(read_bytes(&MODEL[..cut]).is_err(), "cut at {cut} was taken");
        }
        assert!(matches!(read_bytes(b"\x7fELF\x02\x01\x01"), Err(OnnxError::Shape | OnnxError::Short)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bytes(&bytes);
        }
    }
}
