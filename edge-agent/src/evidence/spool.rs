//! What a clip in the making has gathered so far, on disk as it comes.
//!
//! A box that is killed in the middle of an incident finishes the clip from here when it starts again. One file
//! per incident, readable by its owner only: it holds the camera's own units, unmasked, and never leaves the box.
//! The masks that held while it was filmed stand in its head, and are burnt into whatever is made of it. It goes
//! when the outbox holds the clip.
//!
//! Form: one line of JSON ([`Plan`]), then records of a tag, a length (u32, little-endian) and as many bytes. A
//! tail that was cut off in mid-write is left out.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::{Buf as _, Bytes};
use gstreamer as gst;
use protocol::UtcMs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::hide::Hidden;
use super::people::Sight;
use super::snapshot::Drawn;
use crate::camera::{Format, Polygon, Unit};

/// Caps of the units that follow, as text.
const FORMAT: u8 = b'F';
/// Capture time (i64), flags, and the unit's bytes.
const UNIT: u8 = b'U';
/// Where people were in one analysed frame ([`Sight`]), as JSON; only of a camera that blurs them.
const SIGHT: u8 = b'P';

const KEYFRAME: u8 = 1;
const AFTER_GAP: u8 = 2;

/// No head is longer: it names outlines of masks.
const MOST_HEAD_BYTES: u64 = 1 << 20;

/// What is to be made of the units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) started_at: UtcMs,
    /// First moment that the clip is to show.
    pub(super) from: UtcMs,
    /// Last moment that the clip may show.
    pub(super) until: UtcMs,
    /// The picture of the snapshot.
    pub(super) frame_at: UtcMs,
    pub(super) drawn: Option<Drawn>,
    pub(super) masks: Vec<Polygon>,
    pub(super) blur_people: bool,
}

/// The disk was full, or the box went down at once. No later attempt finds more.
#[derive(Debug, thiserror::Error)]
#[error("nothing of it was on the disk when the box went down")]
pub(super) struct NothingGathered;

/// What a spool holds beside its head.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) units: Vec<Unit>,
    pub(super) sights: Vec<Sight>,
}

impl Plan {
    /// What is to be hidden, with people where they were seen.
    pub(super) fn hidden(&self, sights: Vec<Sight>) -> Hidden {
        Hidden { masks: self.masks.clone(), people: self.blur_people.then_some(sights) }
    }
}

pub(super) struct Spool {
    file: File,
    format: Option<Arc<Format>>,
}

impl Spool {
    /// `head`: what is to become of it.
    pub(super) fn create(path: &Path, head: &impl Serialize) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let mut head = serde_json::to_vec(head)?;
        head.push(b'\n');
        file.write_all(&head)?;
        // Its name must survive a power cut as well as its content.
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, format: None })
    }

    /// Survives a power cut when it returns.
    pub(super) fn append(&mut self, units: &[Unit], sights: &[Sight]) -> io::Result<()> {
        self.write(units, sights)?;
        self.sync()
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// The same without waiting for the disk. Returns bytes.
    pub(super) fn write(&mut self, units: &[Unit], sights: &[Sight]) -> io::Result<u64> {
        let mut bytes = 0;
        let mut out = BufWriter::with_capacity(1 << 18, &self.file);
        // First: pictures that a power cut leaves without their sights would show people where nobody knows of them.
        for sight in sights {
            bytes += record(&mut out, SIGHT, &[&serde_json::to_vec(sight)?])?;
        }
        for unit in units {
            if self.format.as_ref().is_none_or(|format| *format != unit.format) {
                let caps = unit.format.caps.to_string();
                bytes += record(&mut out, FORMAT, &[caps.as_bytes()])?;
                self.format = Some(unit.format.clone());
            }
            let flags = if unit.keyframe { KEYFRAME } else { 0 } | if unit.after_gap { AFTER_GAP } else { 0 };
            bytes += record(&mut out, UNIT, &[&unit.captured_us.to_le_bytes(), &[flags], &unit.data])?;
        }
        out.flush()?;
        Ok(bytes)
    }
}

fn record(out: &mut impl Write, tag: u8, parts: &[&[u8]]) -> io::Result<u64> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).map_err(io::Error::other)?;
    out.write_all(&[tag])?;
    out.write_all(&length.to_le_bytes())?;
    parts.iter().try_for_each(|part| out.write_all(part))?;
    Ok(5 + u64::from(length))
}

/// Everything that was written whole.
pub(super) fn read<H: DeserializeOwned>(path: &Path) -> Result<(H, Gathered)> {
    let whole = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    parse(whole.into()).with_context(|| format!("in {}", path.display()))
}

/// The head alone.
pub(super) fn read_head<H: DeserializeOwned>(path: &Path) -> Result<H> {
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let read = BufReader::new(file).take(MOST_HEAD_BYTES).read_until(b'\n', &mut head);
    read.with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&head).with_context(|| format!("the head of {}", path.display()))
}

fn parse<H: DeserializeOwned>(mut rest: Bytes) -> Result<(H, Gathered)> {
    let head = rest.iter().position(|byte| *byte == b'\n').ok_or(NothingGathered)?;
    let plan = serde_json::from_slice(&rest[..head]).context("its head cannot be read")?;
    rest.advance(head + 1);
    let (mut gathered, mut format) = (Gathered::default(), None);
    while let Some((tag, bytes)) = next(&mut rest) {
        match tag {
            FORMAT => format = Some(Arc::new(read_format(&bytes)?)),
            UNIT => gathered.units.push(read_unit(bytes, format.as_ref())?),
            SIGHT => gathered.sights.push(serde_json::from_slice(&bytes).context("a sight")?),
            // What a power cut left behind the last sync.
            _ => break,
        }
    }
    Ok((plan, gathered))
}

fn next(rest: &mut Bytes) -> Option<(u8, Bytes)> {
    const HEAD: usize = 5;
    let head = rest.get(..HEAD)?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let tag = head[0];
    if rest.len() < HEAD + length {
        return None;
    }
    rest.advance(HEAD);
    Some((tag, rest.split_to(length)))
}

fn read_format(text: &[u8]) -> Result<Format> {
    let text = std::str::from_utf8(text).context("a format that is no text")?;
    let caps = gst::Caps::from_str(text).map_err(|_| anyhow!("a format that cannot be read: {text}"))?;
    Format::from_caps(&caps).with_context(|| format!("a format without size: {text}"))
}

fn read_unit(mut bytes: Bytes, format: Option<&Arc<Format>>) -> Result<Unit> {
    let captured_us = bytes.try_get_i64_le().context("a unit without time")?;
    let flags = bytes.try_get_u8().context("a unit without flags")?;
    Ok(Unit {
        captured_us,
        keyframe: flags & KEYFRAME != 0,
        after_gap: flags & AFTER_GAP != 0,
        data: bytes,
        format: format.context("a unit before its format")?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use protocol::{NormBox, Severity};

    use super::super::people::Spot;
    use super::*;
    use crate::camera::Codec;

    fn unit(captured_us: i64, keyframe: bool, width: i32) -> Unit {
        let mut caps = Codec::H264.ring_caps();
        let fields = caps.make_mut();
        fields.set("width", width);
        fields.set("height", 90_i32);
        fields.set("framerate", gst::Fraction::new(25, 1));
        fields.set("codec_data", gst::Buffer::from_slice([1_u8, 0x4d, 0, 0xff, b'"', b';']));
        let format = Arc::new(Format::from_caps(&caps).unwrap());
        let data = Bytes::from(vec![captured_us as u8; 300]);
        Unit { captured_us, keyframe, after_gap: keyframe, data, format }
    }

    fn plan() -> Plan {
        let region = NormBox { x: 0.1, y: 0.2, w: 0.3, h: 0.4 };
        Plan {
            started_at: UtcMs(5),
            from: UtcMs(2),
            until: UtcMs(9),
            frame_at: UtcMs(6),
            drawn: Some(Drawn { region, severity: Severity::Major }),
            masks: vec![vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]]],
            blur_people: true,
        }
    }

    /// What was appended comes back the same, over a change of format in the middle, and wherever the file is cut
    /// off: every unit that was written whole, no other.
    #[test]
    fn what_was_written_comes_back() {
        crate::camera::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.spool");
        let units = [unit(1, true, 160), unit(2, false, 160), unit(-3, true, 320), unit(4, false, 320)];
        let mut spool = Spool::create(&path, &plan()).unwrap();
        let region = NormBox { x: 0.1, y: 0.2, w: 0.3, h: 0.4 };
        let sight = Sight { at: UtcMs(3), people: vec![Spot { track: 7, region }] };
        spool.append(&units[..1], &[]).unwrap();
        spool.append(&units[1..3], std::slice::from_ref(&sight)).unwrap();
        spool.append(&units[3..], &[]).unwrap();
        let same = |a: &Unit, b: &Unit| {
            (a.captured_us, a.keyframe, a.after_gap, &a.data)
                == (b.captured_us, b.keyframe, b.after_gap, &b.data)
                && a.format == b.format
        };
        let (read_plan, all) = read::<Plan>(&path).unwrap();
        assert_eq!(read_plan, plan());
        assert_eq!((all.units.len(), all.sights), (4, vec![sight]));
        let whole = std::fs::read(&path).unwrap();
        let mut last = 0;
        for end in whole.iter().position(|b| *b == b'\n').unwrap() + 1..whole.len() {
            let some = parse::<Plan>(Bytes::copy_from_slice(&whole[..end])).unwrap().1.units;
            assert!(some.len() >= last && some.len() < 4);
            assert!(some.iter().zip(&units).all(|(a, b)| same(a, b)));
            last = some.len();
        }
        assert_eq!(last, 3);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "for its owner's eyes only");
    }

    /// Zeros behind the last sync, as some file systems leave them after a power cut, end the reading.
    #[test]
    fn zeros_at_the_end_are_no_units() {
        crate::camera::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.spool");
        Spool::create(&path, &plan()).unwrap().append(&[unit(1, true, 160)], &[]).unwrap();
        let mut whole = std::fs::read(&path).unwrap();
        whole.extend([0; 4_096]);
        assert_eq!(parse::<Plan>(whole.into()).unwrap().1.units.len(), 1);
        assert!(parse::<Plan>(Bytes::from_static(b"{\"started")).is_err());
    }
}
