//! The continuous recording of cameras that want it: units as they came, in segments of a minute, found by time.
//!
//! ```text
//! <data>/continuous/<camera>/<start, ms since 1970>.units     form: see `spool`
//! ```
//!
//! Written once, group of pictures by group of pictures, and never encoded: what it costs is the disk's bandwidth.
//! Synced every few seconds, so a power cut costs so much; a segment that it cut off is read as far as it is whole.
//! There is no index to be repaired: a segment's name is its start. Unmasked, readable by the agent alone; what leaves
//! is a stretch on the hub's request, covered like every other clip.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use protocol::{CameraId, UtcMs};
use serde::{Deserialize, Serialize};

use super::people::Sight;
use super::spool::{self, Gathered, Spool};
use crate::camera::Unit;
use crate::config::{Wrong, within};

/// Folder in the data folder.
pub const FOLDER: &str = "continuous";

/// Length of a segment: what is given up at a time.
const SEGMENT_MS: i64 = 60_000;
/// A segment may be a group of pictures longer.
const LONGEST_MS: i64 = SEGMENT_MS + 30_000;
/// So much of it is on disk at least.
const SYNC_MS: i64 = 5_000;
/// Most bytes that one exported stretch may have.
const MOST_BYTES: usize = 128 * 1024 * 1024;

/// `[recording]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingConfig {
    /// Of all cameras with `record = true` together; the oldest goes first.
    pub max_bytes: u64,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self { max_bytes: 64 << 30 }
    }
}

impl RecordingConfig {
    /// What is wrong with it; empty when nothing is.
    pub fn problems(&self) -> Wrong {
        let mut found = Wrong::new();
        within(&mut found, "max_bytes", self.max_bytes, 256 << 20..=1 << 50);
        found
    }
}

/// First line of a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    camera: CameraId,
}

/// One file of the recording.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// First: the oldest of all cameras sort to the front.
    pub start: UtcMs,
    pub path: PathBuf,
    pub bytes: u64,
}

/// Every segment of every camera, oldest first. A folder that cannot be read holds none.
pub fn segments(folder: &Path) -> Vec<Segment> {
    let Ok(cameras) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<Segment> =
        cameras.flatten().flat_map(|camera| segments_of_camera(&camera.path())).collect();
    all.sort();
    all
}

fn segments_of_camera(folder: &Path) -> Vec<Segment> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let segment = |entry: fs::DirEntry| {
        let path = entry.path();
        let start = path.file_name()?.to_str()?.strip_suffix(".units")?.parse().ok()?;
        Some(Segment { start: UtcMs(start), bytes: entry.metadata().ok()?.len(), path })
    };
    let mut all: Vec<Segment> = entries.flatten().filter_map(segment).collect();
    all.sort();
    all
}

/// Deletes segments, oldest first, until so many bytes are free again; returns how many were.
pub fn spare(folder: &Path, bytes: u64) -> u64 {
    let mut freed = 0;
    for segment in segments(folder) {
        if freed >= bytes {
            break;
        }
        match fs::remove_file(&segment.path) {
            Ok(()) => freed += segment.bytes,
            Err(error) => {
                tracing::warn!(path = %segment.path.display(), %error, "cannot delete a recording");
            }
        }
    }
    freed
}

/// Writes the recording of one camera. Blocks.
pub(super) struct Writer {
    camera: CameraId,
    folder: PathBuf,
    /// Units from the last keyframe on wait until their group is whole.
    group: Vec<Unit>,
    open: Option<Open>,
}

struct Open {
    spool: Spool,
    start: UtcMs,
    last: UtcMs,
    synced: UtcMs,
}

impl Writer {
    /// `folder`: that of all recordings.
    pub(super) fn new(folder: &Path, camera: CameraId) -> Self {
        let folder = folder.join(camera.as_str());
        Self { camera, folder, group: Vec::new(), open: None }
    }

    /// Takes what came. `sights`: where people were meanwhile. Returns bytes written.
    pub(super) fn take(&mut self, units: Vec<Unit>, sights: &[Sight]) -> io::Result<u64> {
        let mut written = 0;
        for unit in units {
            if unit.keyframe && !self.group.is_empty() {
                written += self.write_group(&[])?;
            }
            self.group.push(unit);
        }
        if let Some(open) = &mut self.open {
            written += open.spool.write(&[], sights)?;
            if open.last.since_ms(open.synced) >= SYNC_MS {
                open.spool.sync()?;
                open.synced = open.last;
            }
        }
        Ok(written)
    }

    /// The camera stops: what waits is written too.
    pub(super) fn finish(&mut self, sights: &[Sight]) -> io::Result<()> {
        if !self.group.is_empty() {
            self.write_group(sights)?;
        }
        self.open.take().map_or(Ok(()), |open| open.spool.sync())
    }

    /// After an error, and when there is no room: the next group begins a segment.
    pub(super) fn give_up(&mut self) {
        self.group.clear();
        self.open = None;
    }

    fn write_group(&mut self, sights: &[Sight]) -> io::Result<u64> {
        let units = std::mem::take(&mut self.group);
        let Some(first) = units.first() else { return Ok(0) };
        let start = first.captured_at();
        let newest = units.iter().map(Unit::captured_at).max().unwrap_or(start);
        let fits = |open: &Open| start >= open.last && start.since_ms(open.start) < SEGMENT_MS;
        if !self.open.as_ref().is_some_and(fits) {
            if let Some(full) = self.open.take() {
                full.spool.sync()?;
            }
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let path = self.folder.join(format!("{}.units", start.0));
            let spool = Spool::create(&path, &Head { camera: self.camera.clone() })?;
            self.open = Some(Open { spool, start, last: start, synced: start });
        }
        let open = self.open.as_mut().expect("opened above");
        open.last = newest;
        open.spool.write(&units, sights)
    }
}

/// What was recorded of a camera from the keyframe before `from` to `until`, and whether there is more of it than one
/// file may have. Blocks.
pub(super) fn read(folder: &Path, camera: &CameraId, from: UtcMs, until: UtcMs) -> Result<(Gathered, bool)> {
    let all = segments_of_camera(&folder.join(camera.as_str()));
    // The last that begins before may still hold it.
    let first = all.partition_point(|segment| segment.start <= from).saturating_sub(1);
    let mut found = Gathered::default();
    let mut bytes = 0;
    for segment in all[first..].iter().filter(|s| s.start <= until && from.since_ms(s.start) <= LONGEST_MS) {
        let read = spool::read::<Head>(&segment.path);
        // Given up meanwhile, or cut off before its first line was whole.
        let Ok((_, gathered)) = read else { continue };
        for unit in gathered.units {
            if unit.captured_at() > until {
                continue;
            }
            bytes += unit.data.len();
            if bytes > MOST_BYTES {
                return Ok((from_keyframe(found, from), true));
            }
            found.units.push(unit);
        }
        found.sights.extend(gathered.sights);
    }
    found.sights.sort_by_key(|sight| sight.at);
    Ok((from_keyframe(found, from), false))
}

/// Without what precedes the keyframe that `from` needs.
fn from_keyframe(mut gathered: Gathered, from: UtcMs) -> Gathered {
    let start = gathered.units.iter().rposition(|u| u.keyframe && u.captured_at() <= from);
    gathered.units.drain(..start.unwrap_or(0));
    gathered
}

/// Makes the folder of recordings.
pub fn prepare(data_dir: &Path) -> Result<PathBuf> {
    let path = data_dir.join(FOLDER);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.with_context(|| format!("making {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::camera::{Codec, Format};

    fn camera() -> CameraId {
        "gate".parse().unwrap()
    }

    /// Five pictures a second with a keyframe each second, from second `from` to `to`.
    fn units(from: i64, to: i64) -> Vec<Unit> {
        crate::camera::init().unwrap();
        let mut caps = Codec::H264.ring_caps();
        let fields = caps.make_mut();
        fields.set("width", 160);
        fields.set("height", 90);
        fields.set("codec_data", gstreamer::Buffer::from_slice([1_u8, 2]));
        let format = Arc::new(Format::from_caps(&caps).unwrap());
        let unit = |at: i64| Unit {
            captured_us: at * 1_000,
            keyframe: at % 1_000 == 0,
            after_gap: false,
            data: Bytes::from(vec![at as u8; 50]),
            format: format.clone(),
        };
        (from * 1_000..to * 1_000).step_by(200).map(unit).collect()
    }

    fn times(gathered: &Gathered) -> (i64, i64, usize) {
        let at = |unit: Option<&Unit>| unit.unwrap().captured_at().0;
        (at(gathered.units.first()), at(gathered.units.last()), gathered.units.len())
    }

    /// Ten minutes become ten segments; any stretch is found again whole from its keyframe on, also after a restart
    /// and over the edge of segments, and what was never there is not found.
    #[test]
    fn a_stretch_is_found_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(folder.path(), camera());
        for second in 0..600 {
            let sight = Sight { at: UtcMs(second * 1_000 + 100), people: vec![] };
            writer.take(units(second, second + 1), &[sight]).unwrap();
        }
        writer.finish(&[]).unwrap();
        assert_eq!(segments(folder.path()).len(), 10);
        let read = |from: i64, to: i64| read(folder.path(), &camera(), UtcMs(from), UtcMs(to)).unwrap().0;
        let found = read(58_300, 61_500);
        assert_eq!(times(&found), (58_000, 61_400, 18));
        assert!(found.sights.windows(2).all(|pair| pair[0].at < pair[1].at) && !found.sights.is_empty());
        assert_eq!(times(&read(-5_000, 900)), (0, 800, 5));
        assert_eq!(times(&read(599_500, 900_000)), (599_000, 599_800, 5));
        assert!(read(700_000, 800_000).units.is_empty());
        assert!(read(-9_000, -8_000).units.is_empty());
        let other = super::read(folder.path(), &"roof".parse().unwrap(), UtcMs(0), UtcMs(9_000)).unwrap();
        assert!(other.0.units.is_empty());
    }

    /// The oldest go first, of whichever camera, and no more than needed.
    #[test]
    fn the_oldest_are_spared_first() {
        let folder = tempfile::tempdir().unwrap();
        for (name, from) in [("gate", 0), ("roof", 30), ("gate", 3_600)] {
            let mut writer = Writer::new(folder.path(), name.parse().unwrap());
            writer.take(units(from, from + 10), &[]).unwrap();
            writer.finish(&[]).unwrap();
        }
        let all = segments(folder.path());
        let freed = spare(folder.path(), all[0].bytes + 1);
        assert_eq!(freed, all[0].bytes + all[1].bytes);
        assert_eq!(segments(folder.path()), all[2..]);
    }

    /// Wherever a power cut ends a segment, what was whole before is found.
    #[test]
    fn a_power_cut_costs_the_end_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(folder.path(), camera());
        writer.take(units(0, 20), &[]).unwrap();
        writer.finish(&[]).unwrap();
        let path = segments(folder.path())[0].path.clone();
        let whole = fs::read(&path).unwrap();
        for length in [0, 5, 40, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let found = read(folder.path(), &camera(), UtcMs(0), UtcMs(30_000)).unwrap().0;
            let expected = units(0, 20);
            let same = found
                .units
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a.captured_us, &a.data) == (b.captured_us, &b.data));
            assert!(same && found.units.len() < 100, "{length}: {}", found.units.len());
            assert!(length < whole.len() / 2 || found.units.len() >= 45, "{length}: {}", found.units.len());
        }
    }
}
