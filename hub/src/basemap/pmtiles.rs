//! The head of a PMTiles file, version 3, as its public specification has it: 127 bytes, little-endian. Pure.
//!
//! A browser reads the file in parts and trusts its head; so everything in it is held against the file's size first.

/// Bytes that must hold the head and the root directory.
pub const FIRST: usize = 16_384;

const HEAD: usize = 127;
/// Deepest zoom that makes sense for a county.
const MOST_ZOOM: u8 = 22;

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head {
    pub min_zoom: u8,
    pub max_zoom: u8,
    /// Degrees.
    pub west: f64,
    pub south: f64,
    pub east: f64,
    pub north: f64,
}

/// Why a file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("this is no PMTiles file")]
    Unknown,
    #[error("this is version {0} of PMTiles; version 3 is needed: `pmtiles convert` makes it")]
    Version(u8),
    #[error("its tiles are {0}; vector tiles (MVT) are needed")]
    Tiles(&'static str),
    #[error("its {0} are packed with {1}, which browsers do not unpack; gzip or nothing is needed")]
    Packed(&'static str, &'static str),
    #[error("its {0} would lie from byte {1} to {2}, and the file has {3}: it is cut off or damaged")]
    Outside(&'static str, u64, u64, u64),
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

use MapError::Damaged;

fn u64_at(head: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&head[at..at + 8]);
    u64::from_le_bytes(bytes)
}

/// Degrees, from ten millionths of them.
fn degrees_at(head: &[u8], at: usize) -> f64 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&head[at..at + 4]);
    f64::from(i32::from_le_bytes(bytes)) / 1e7
}

/// Reads the first bytes of a file of `size` bytes.
pub fn read(first: &[u8], size: u64) -> Result<Head, MapError> {
    if !first.starts_with(b"PMTiles") && !first.starts_with(b"PM") {
        return Err(MapError::Unknown);
    }
    let version = if first.starts_with(b"PMTiles") { first.get(7).copied() } else { first.get(2).copied() };
    match version {
        Some(3) => {}
        Some(version) => return Err(MapError::Version(version)),
        None => return Err(Damaged("its head is cut off")),
    }
    let head = first.get(..HEAD).ok_or(Damaged("its head is cut off"))?;
    for (name, at, may_be_empty) in [
        ("root directory", 8, false),
        ("metadata", 24, true),
        ("leaf directories", 40, true),
        ("tiles", 56, false),
    ] {
        let (from, length) = (u64_at(head, at), u64_at(head, at + 8));
        let to = from.saturating_add(length);
        if to > size {
            return Err(MapError::Outside(name, from, to, size));
        }
        if length == 0 && !may_be_empty {
            return Err(Damaged(if at == 8 { "it has no directory" } else { "it has no tiles" }));
        }
    }
    let (root, length) = (u64_at(head, 8), u64_at(head, 16));
    if root < HEAD as u64 || root + length > FIRST as u64 {
        return Err(Damaged("its root directory does not lie in the first 16 KiB"));
    }
    packed("directories", head[97])?;
    packed("tiles", head[98])?;
    match head[99] {
        1 => {}
        2 => return Err(MapError::Tiles("PNG pictures")),
        3 => return Err(MapError::Tiles("JPEG pictures")),
        4 => return Err(MapError::Tiles("WebP pictures")),
        5 => return Err(MapError::Tiles("AVIF pictures")),
        _ => return Err(MapError::Tiles("of no known kind")),
    }
    let directory = &first[root as usize..(root + length) as usize];
    check_directory(directory, head[97])?;
    let (min_zoom, max_zoom) = (head[100], head[101]);
    if min_zoom > max_zoom || max_zoom > MOST_ZOOM {
        return Err(Damaged("its zooms make no sense"));
    }
    let (west, south, east, north) =
        (degrees_at(head, 102), degrees_at(head, 106), degrees_at(head, 110), degrees_at(head, 114));
    let on_earth = west >= -180.0 && east <= 180.0 && south >= -90.0 && north <= 90.0;
    if !on_earth || west >= east || south >= north {
        return Err(Damaged("its bounds are no part of the earth"));
    }
    Ok(Head { min_zoom, max_zoom, west, south, east, north })
}

fn packed(what: &'static str, how: u8) -> Result<(), MapError> {
    match how {
        1 | 2 => Ok(()),
        3 => Err(MapError::Packed(what, "brotli")),
        4 => Err(MapError::Packed(what, "zstd")),
        _ => Err(MapError::Packed(what, "something unknown")),
    }
}

/// As far as it can be told without unpacking: a directory in plain has as many entries as it says; one in gzip begins so.
fn check_directory(directory: &[u8], packed: u8) -> Result<(), MapError> {
    if packed == 2 {
        let is_gzip = directory.starts_with(&[0x1f, 0x8b]);
        return if is_gzip { Ok(()) } else { Err(Damaged("its root directory is not packed as it says")) };
    }
    let mut at = 0;
    let count = varint(directory, &mut at).ok_or(Damaged("its root directory ends too early"))?;
    if count == 0 || count > directory.len() as u64 {
        return Err(Damaged("its root directory counts wrong"));
    }
    // Tile ids, run lengths, lengths, offsets: four lists of as many numbers.
    for _ in 0..count * 4 {
        varint(directory, &mut at).ok_or(Damaged("its root directory ends too early"))?;
    }
    if at == directory.len() { Ok(()) } else { Err(Damaged("its root directory counts wrong")) }
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
