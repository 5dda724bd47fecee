//! Files made by hand, with everything that a telephone writes into them.

use super::*;

const SECRET: &[u8] = b"GPS 34.5105 N 106.9315 E";

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], body].concat()
}

/// An Exif body: which way is up, in either order of bytes, and where it was.
fn exif(big: bool, way: u16) -> Vec<u8> {
    let two = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let four = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut out = b"Exif\0\0".to_vec();
    out.extend(if big { b"MM" } else { b"II" });
    out.extend(two(42));
    out.extend(four(8));
    out.extend(two(2));
    for (tag, value) in [(0x0100_u16, 7_u16), (0x0112, way)] {
        out.extend(two(tag));
        out.extend(two(3));
        out.extend(four(1));
        out.extend(two(value));
        out.extend([0, 0]);
    }
    out.extend(four(0));
    out.extend(SECRET);
    out
}

/// The pixels of a picture of 2 × 3, as far as markers go: two scans, a restart, an escaped byte and fill bytes.
fn pixels() -> Vec<u8> {
    let mut out = segment(0xdb, &[7; 65]);
    out.extend(segment(0xc2, &[8, 0, 3, 0, 2, 1, 1, 0x11, 0]));
    out.extend(segment(0xc4, &[1; 20]));
    out.extend(segment(0xda, &[1, 1, 0, 0, 0x3f, 0]));
    out.extend([1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4]);
    out.extend(segment(0xc4, &[2; 20]));
    out.extend(segment(0xda, &[1, 1, 0, 1, 0x3f, 0]));
    out.extend([5, 0xff, 0x00]);
    out
}

fn jfif(thumbnail: bool) -> Vec<u8> {
    let mut body = b"JFIF\0\x01\x02\x01\0\x48\0\x48".to_vec();
    if thumbnail {
        body.extend([1, 1]);
        body.extend(b"RGB");
    } else {
        body.extend([0, 0]);
    }
    segment(0xe0, &body)
}

fn photo(big: bool, way: u16) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    out.extend(jfif(true));
    out.extend(segment(0xe1, &exif(big, way)));
    out.extend(segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()));
    out.extend(segment(0xe2, b"ICC_PROFILE\0colours"));
    out.extend(segment(0xe2, &[b"MPF\0", SECRET].concat()));
    out.extend(segment(0xed, &[b"Photoshop 3.0\0", SECRET].concat()));
    out.extend(segment(0xee, b"Adobe\0\x64\0\0\0\0\x01"));
    out.extend(segment(0xfe, SECRET));
    // Fill bytes may stand before a marker.
    out.extend([0xff, 0xff]);
    out.extend(&pixels()[..]);
    out.extend([0xff, 0xd9]);
    // A telephone's film of the moment, behind the picture.
    out.extend(b"\0\0\0\x18ftypmp42");
    out.extend(SECRET);
    out
}

/// Of a telephone's picture the pixels, the colours and which way is up are left, and nothing else; read again it stays as it
/// is.
#[test]
fn a_photo_tells_nothing_but_itself() {
    for (big, way) in [(true, 6), (false, 8), (true, 1), (false, 99)] {
        let sent = photo(big, way);
        assert!(has(&sent, SECRET));
        let picture = read(&sent).unwrap();
        assert_eq!((picture.format, picture.format.media_type()), (Format::Jpeg, "image/jpeg"));
        let kept = &picture.bytes;
        for gone in [SECRET, b"http:", b"MPF", b"Photoshop", b"ftyp", b"RGB"] {
            assert!(!has(kept, gone), "{}", String::from_utf8_lossy(gone));
        }
        let mut wanted = vec![0xff, 0xd8];
        wanted.extend(jfif(false));
        if way == 6 || way == 8 {
            wanted.extend(upright(u8::try_from(way).unwrap()));
        }
        wanted.extend(segment(0xe2, b"ICC_PROFILE\0colours"));
        wanted.extend(segment(0xee, b"Adobe\0\x64\0\0\0\0\x01"));
        wanted.extend(pixels());
        wanted.extend([0xff, 0xd9]);
        assert_eq!(*kept, wanted, "{big} {way}");
        assert_eq!(read(kept).unwrap().bytes, wanted, "again it is the same");
    }
    // Without JFIF, what is up stands first.
    let mut bare = vec![0xff, 0xd8];
    bare.extend(segment(0xe1, &exif(true, 3)));
    bare.extend(pixels());
    bare.extend([0xff, 0xd9]);
    assert!(read(&bare).unwrap().bytes[2..].starts_with(&upright(3)));
}

fn chunk(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], kind, body, b"crc!"].concat()
}

fn head(width: u32, height: u32) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat()
}

/// A PNG keeps its pixels and colours; texts, times, Exif, moving pictures and what stands behind its end go.
#[test]
fn a_png_tells_nothing_but_itself() {
    let (begin, end) = ([PNG, &chunk(b"IHDR", &head(2, 3))].concat(), chunk(b"IEND", b""));
    let (colours, pixels) = (chunk(b"iCCP", b"p"), chunk(b"IDAT", b"pixels"));
    let told = [b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME", b"acTL", b"fcTL", b"prVt"]
        .map(|kind| chunk(kind, SECRET));
    let sent = [&begin, &told.concat(), &colours, &pixels, &told.concat(), &end, SECRET].concat();
    let picture = read(&sent).unwrap();
    assert_eq!(picture.format.media_type(), "image/png");
    assert_eq!(picture.bytes, [begin, colours, pixels, end].concat());
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let size = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &size[..], b"WEBP", chunks].concat()
}

fn of_riff(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    let pad: &[u8] = if body.len() % 2 == 1 { &[0] } else { &[] };
    [kind, &length[..], body, pad].concat()
}

/// A WebP loses Exif and XMP, and no longer announces them; its size is right again.
#[test]
fn a_webp_tells_nothing_but_itself() {
    let extended = |flags: u8| of_riff(b"VP8X", &[flags, 0, 0, 0, 1, 0, 0, 2, 0, 0]);
    let lossless = of_riff(b"VP8L", &[0x2f, 1, 0x80, 0, 0]);
    let told = [of_riff(b"EXIF", SECRET), of_riff(b"XMP ", SECRET), of_riff(b"ABCD", SECRET)].concat();
    let sent = riff(&[&extended(0x3c)[..], &of_riff(b"ICCP", b"p"), &lossless, &told].concat());
    let picture = read(&[&sent[..], SECRET].concat()).unwrap();
    assert_eq!(picture.format.media_type(), "image/webp");
    let wanted = riff(&[&extended(0x30)[..], &of_riff(b"ICCP", b"p"), &lossless].concat());
    assert_eq!(picture.bytes, wanted);
    assert_eq!(webp_size(b"VP8L", &[0x2f, 1, 0x80, 0, 0]), Some((2, 3)));
    let lossy = [0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00];
    assert_eq!(webp_size(b"VP8 ", &lossy), Some((320, 240)));
}

/// What is no picture, is damaged, or would fill a browser, is refused with what is wrong; no cut of a good file is taken, and
/// none makes the reader fall.
#[test]
fn other_files_are_refused() {
    for (bytes, why) in [
        (&b""[..], PictureError::Unknown),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", PictureError::Unknown),
        (b"GIF89a", PictureError::Unknown),
        (b"\0\0\0\x18ftypheic", PictureError::Heif),
        (b"\xff\xd8\xff\xd9", Damaged("there is no picture in it")),
        (b"\xff\xd8\xff\xe0\0\x01", Damaged("a part of it has no length")),
        (b"\xff\xd8\xff\xd8", Damaged("a marker stands where none belongs")),
    ] {
        assert_eq!(read(bytes), Err(why), "{}", String::from_utf8_lossy(bytes));
    }
    let mut huge = vec![0xff, 0xd8];
    huge.extend(segment(0xc0, &[8, 0xff, 0xff, 0xff, 0xff, 1]));
    assert_eq!(read(&huge), Err(PictureError::TooLarge(65_535, 65_535)));
    let wide = [PNG, &chunk(b"IHDR", &head(1_000_000, 1_000_000))].concat();
    assert_eq!(read(&wide), Err(PictureError::TooLarge(1_000_000, 1_000_000)));
    assert_eq!(read(&[PNG, &chunk(b"IHDR", &head(0, 3))].concat()), Err(Damaged("it has no size")));
    assert_eq!(read(&[PNG, &chunk(b"IDAT", b"x")].concat()), Err(Damaged("its head is missing")));
    let film = photo(true, 6);
    let whole = film.len() - SECRET.len() - 12;
    for cut in 3..whole {
        assert!(read(&film[..cut]).is_err(), "{cut} bytes are taken for a whole picture");
    }
    assert!(read(&film[..whole]).is_ok());
    let png = [PNG, &chunk(b"IHDR", &head(2, 3)), &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b"")].concat();
    for cut in 0..png.len() {
        assert!(read(&png[..cut]).is_err(), "{cut}");
    }
    let webp = riff(&of_riff(b"VP8L", &[0x2f, 1, 0x80, 0, 0]));
    for cut in 0..webp.len() {
        assert!(read(&webp[..cut]).is_err(), "{cut}");
    }
    // Bytes turned over anywhere: taken or refused, never a fall.
    for at in 0..film.len() {
        let mut odd = film.clone();
        odd[at] ^= 0xff;
        let _ = read(&odd);
    }
}
