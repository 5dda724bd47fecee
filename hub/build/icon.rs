//! The mark of the hub as a picture for home screens: two arcs and a point on the colour of what can be pressed, drawn from
//! their geometry. PNG (RFC 2083) with sixteen shades; it is small enough to be stored without being compressed.

/// Colours of the ground and of the mark.
const GROUND: [u8; 3] = [0x0a, 0x62, 0x75];
const MARK: [u8; 3] = [0xff, 0xff, 0xff];
/// Units of the drawing, `favicon.svg`, and which part of the icon it takes: systems cut icons to a circle.
const UNITS: f64 = 22.0;
const SHARE: f64 = 0.62;
const SHADES: u8 = 16;
/// Longest stored block of a deflate stream.
const MOST_BLOCK: usize = 65_535;

/// A square picture of so many pixels.
pub(crate) fn png(size: u32) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..size {
        rows.push(0);
        for x in (0..size).step_by(2) {
            rows.push(shade(x, y, size) << 4 | shade(x + 1, y, size));
        }
    }
    let mut head = [size.to_be_bytes(), size.to_be_bytes()].concat();
    head.extend([4, 3, 0, 0, 0]);
    let mut palette = Vec::new();
    for shade in 0..SHADES {
        let part = f64::from(shade) / f64::from(SHADES - 1);
        palette.extend(GROUND.iter().zip(MARK).map(|(ground, mark)| {
            (f64::from(*ground) + (f64::from(mark) - f64::from(*ground)) * part).round() as u8
        }));
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", head), (b"PLTE", palette), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())]
    {
        chunk(&mut out, *kind, &body);
    }
    out
}

/// How much of the mark a pixel has.
fn shade(x: u32, y: u32, size: u32) -> u8 {
    let scale = f64::from(size) * SHARE / UNITS;
    let middle = f64::from(size) / 2.0;
    let (dx, dy) = ((f64::from(x) + 0.5 - middle) / scale, (f64::from(y) + 0.5 - middle) / scale);
    let far = dx.hypot(dy);
    // The arcs are open below, by a quarter.
    let open = dy > dx.abs();
    let line = |radius: f64, strength: f64| {
        let off = if open { f64::MAX } else { (far - radius).abs() - 1.1 };
        (0.5 - off * scale).clamp(0.0, 1.0) * strength
    };
    let point = (0.5 - (far - 2.6) * scale).clamp(0.0, 1.0);
    let all = line(9.5, 1.0).max(line(5.4, 0.6)).max(point);
    (all * f64::from(SHADES - 1)).round() as u8
}

/// A zlib stream of stored blocks (RFC 1950, RFC 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(MOST_BLOCK).peekable();
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        let length = block.len() as u16;
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    out.extend((body.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend(kind);
    out.extend(body);
    let mut crc = u32::MAX;
    for byte in &out[from..] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    out.extend((!crc).to_be_bytes());
}
