//! What a picture file is, by its bytes, and the same without what it tells besides the picture. Pure.
//!
//! A telephone writes where and when it was, whose it is, and small copies of the picture into its files. Everything goes but
//! what is needed to show the picture as it was taken: its pixels, its colours, and which way is up. What stands behind the
//! picture's end goes too. The pixels are not looked at: what is in the picture is whoever took it's to answer for.

/// Pixels that a browser is asked to show at most.
const MOST_PIXELS: u64 = 100_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    Webp,
}

impl Format {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// A picture that tells nothing but itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub format: Format,
    pub bytes: Vec<u8>,
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("this is no JPEG, PNG or WebP picture")]
    Unknown,
    #[error(
        "this is a HEIC or AVIF picture, which many browsers do not show; let the camera save JPEG (\"most compatible\")"
    )]
    Heif,
    #[error("the picture is damaged: {0}; send the file again")]
    Damaged(&'static str),
    #[error("the picture has {0} × {1} pixels; {MOST_PIXELS} are the most")]
    TooLarge(u32, u32),
}

use PictureError::Damaged;

const ENDS: PictureError = Damaged("it ends too early");

/// Reads a file, by its first bytes, whatever it is called.
pub fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Ok(Picture { format: Format::Jpeg, bytes: jpeg(bytes)? });
    }
    if bytes.starts_with(PNG) {
        return Ok(Picture { format: Format::Png, bytes: png(bytes)? });
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(Picture { format: Format::Webp, bytes: webp(bytes)? });
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Err(PictureError::Heif);
    }
    Err(PictureError::Unknown)
}

fn sized(width: u32, height: u32) -> Result<(), PictureError> {
    if width == 0 || height == 0 {
        return Err(Damaged("it has no size"));
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PictureError::TooLarge(width, height));
    }
    Ok(())
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// ITU-T T.81: markers and their segments. What a decoder needs stays: tables, frames, scans, and of the application's
/// segments JFIF without its small copy, colour profiles and Adobe's word on the colours.
fn jpeg(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut out = vec![0xff, 0xd8];
    let (mut at, mut turned, mut framed, mut scanned) = (2, None, false, false);
    // Behind JFIF, which stands first where there is one.
    let mut head = out.len();
    loop {
        let marker = marker(bytes, &mut at)?;
        match marker {
            0xd9 => break,
            0x01 | 0xd0..=0xd8 => return Err(Damaged("a marker stands where none belongs")),
            _ => {}
        }
        let length = usize::from(be16(bytes, at).ok_or(ENDS)?);
        if length < 2 {
            return Err(Damaged("a part of it has no length"));
        }
        let body = bytes.get(at + 2..at + length).ok_or(ENDS)?;
        let whole = &bytes[at..at + length];
        at += length;
        let keep = |out: &mut Vec<u8>| {
            out.extend([0xff, marker]);
            out.extend(whole);
        };
        match marker {
            0xe0 if body.starts_with(b"JFIF\0") && body.len() >= 14 => {
                out.extend([0xff, 0xe0, 0, 16]);
                out.extend(&body[..12]);
                out.extend([0, 0]);
                if head == 2 {
                    head = out.len();
                }
            }
            0xe1 => turned = turned.or_else(|| turn(body)),
            0xe2 if body.starts_with(b"ICC_PROFILE\0") => keep(&mut out),
            0xee if body.starts_with(b"Adobe") => keep(&mut out),
            0xe0..=0xef | 0xfe => {}
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                let size = be16(body, 1).zip(be16(body, 3)).ok_or(ENDS)?;
                sized(u32::from(size.1), u32::from(size.0))?;
                framed = true;
                keep(&mut out);
            }
            0xda => {
                scanned = true;
                keep(&mut out);
                let end = scan(bytes, at)?;
                out.extend(&bytes[at..end]);
                at = end;
            }
            _ => keep(&mut out),
        }
    }
    if !framed || !scanned {
        return Err(Damaged("there is no picture in it"));
    }
    out.extend([0xff, 0xd9]);
    if let Some(turned) = turned {
        out.splice(head..head, upright(turned));
    }
    Ok(out)
}

/// The marker at a place, and moves behind it; fill bytes may stand before it.
fn marker(bytes: &[u8], at: &mut usize) -> Result<u8, PictureError> {
    if bytes.get(*at).ok_or(ENDS)? != &0xff {
        return Err(Damaged("a marker is missing"));
    }
    loop {
        *at += 1;
        match bytes.get(*at).ok_or(ENDS)? {
            0xff => {}
            marker => {
                *at += 1;
                return Ok(*marker);
            }
        }
    }
}

/// Where the coded part of a scan ends: at the next marker that is no restart.
fn scan(bytes: &[u8], from: usize) -> Result<usize, PictureError> {
    let mut at = from;
    loop {
        let step = bytes[at..].iter().position(|byte| *byte == 0xff).ok_or(ENDS)?;
        match bytes.get(at + step + 1).ok_or(ENDS)? {
            0x00 | 0xd0..=0xd7 => at += step + 2,
            0xff => at += step + 1,
            _ => return Ok(at + step),
        }
    }
}

/// Which way is up, as Exif has it (tag 0x0112); nothing for as it lies.
fn turn(body: &[u8]) -> Option<u8> {
    let tiff = body.strip_prefix(b"Exif\0\0")?;
    let big = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let two: [u8; 2] = tiff.get(at..at + 2)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let long = if big { be32(tiff, 4)? } else { le32(tiff, 4)? };
    let first = usize::try_from(long).ok()?;
    let count = usize::from(short(first)?);
    let entry = (0..count.min(512)).map(|nth| first + 2 + nth * 12).find(|at| short(*at) == Some(0x0112))?;
    u8::try_from(short(entry + 8)?).ok().filter(|way| (2..=8).contains(way))
}

/// An Exif segment that says which way is up and nothing else.
fn upright(way: u8) -> Vec<u8> {
    let mut out = vec![0xff, 0xe1, 0, 34];
    out.extend(b"Exif\0\0MM\0*\0\0\0\x08");
    out.extend([0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, way, 0, 0, 0, 0, 0, 0]);
    out
}

const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// Chunks without which a PNG looks otherwise.
const OF_PNG: [&[u8; 4]; 12] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD",
    b"pHYs",
];

fn png(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut out = PNG.to_vec();
    let (mut at, mut pixels) = (PNG.len(), false);
    loop {
        let length = usize::try_from(be32(bytes, at).ok_or(ENDS)?).map_err(|_| ENDS)?;
        let kind = bytes.get(at + 4..at + 8).ok_or(ENDS)?;
        let end = at.checked_add(length).and_then(|end| end.checked_add(12)).ok_or(ENDS)?;
        let whole = bytes.get(at..end).ok_or(ENDS)?;
        if at == PNG.len() {
            if kind != b"IHDR" {
                return Err(Damaged("its head is missing"));
            }
            sized(be32(whole, 8).ok_or(ENDS)?, be32(whole, 12).ok_or(ENDS)?)?;
        }
        if OF_PNG.iter().any(|known| kind == *known) {
            out.extend(whole);
        }
        pixels |= kind == b"IDAT";
        at = end;
        if kind == b"IEND" {
            break;
        }
    }
    if pixels { Ok(out) } else { Err(Damaged("there is no picture in it")) }
}

/// Chunks without which a WebP looks otherwise.
const OF_WEBP: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"];
/// Bits of VP8X that announce Exif and XMP.
const TELLS: u8 = 0x08 | 0x04;

fn webp(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let told = usize::try_from(le32(bytes, 4).ok_or(ENDS)?).map_err(|_| ENDS)?;
    let end = told.checked_add(8).filter(|end| *end <= bytes.len()).ok_or(ENDS)?;
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    let (mut at, mut is_sized) = (12, false);
    while at < end {
        let kind = bytes.get(at..at + 4).ok_or(ENDS)?;
        let length = usize::try_from(le32(bytes, at + 4).ok_or(ENDS)?).map_err(|_| ENDS)?;
        let next = at.checked_add(8).and_then(|body| body.checked_add(length)).ok_or(ENDS)?;
        let body = bytes.get(at + 8..next).filter(|_| next <= end).ok_or(ENDS)?;
        if let Some((width, height)) = webp_size(kind, body) {
            sized(width, height)?;
            is_sized = true;
        }
        if OF_WEBP.iter().any(|known| kind == *known) {
            let from = out.len();
            out.extend(&bytes[at..next]);
            if kind == b"VP8X" && !body.is_empty() {
                out[from + 8] &= !TELLS;
            }
            if length % 2 == 1 {
                out.push(0);
            }
        }
        at = next + length % 2;
    }
    if !is_sized {
        return Err(Damaged("there is no picture in it"));
    }
    let size = u32::try_from(out.len() - 8).map_err(|_| ENDS)?;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    Ok(out)
}

/// Width and height that a chunk tells.
fn webp_size(kind: &[u8], body: &[u8]) -> Option<(u32, u32)> {
    match kind {
        b"VP8X" => {
            let three = |at: usize| {
                let part = body.get(at..at + 3)?;
                Some(1 + (u32::from(part[0]) | (u32::from(part[1]) << 8) | (u32::from(part[2]) << 16)))
            };
            three(4).zip(three(7))
        }
        b"VP8 " if body.get(3..6) == Some(&[0x9d, 0x01, 0x2a]) => {
            let side =
                |at: usize| Some(u32::from(*body.get(at)?) | ((u32::from(*body.get(at + 1)?) & 0x3f) << 8));
            side(6).zip(side(8))
        }
        b"VP8L" if body.first() == Some(&0x2f) => {
            let bits = le32(body, 1)?;
            Some((1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
