//! The continuous recording of cameras that want it: units as they came, in segments of a minute, found by time.
//!
//! ```text
//! <data>/continuous/<camera>/<start, ms since 1970>-<number>.units     form: see `spool`
//! ```
//!
//! Written once, group of pictures by group of pictures, and never encoded: what it costs is the disk's bandwidth.
//! Synced every few seconds, so a power cut costs so much; a segment that it cut off is read as far as it is whole.
//! There is no index to be repaired: a segment's name is its start, and a number that grows with each segment of any
//! camera: by that the oldest goes first, whatever a clock that was set since said when it began. Unmasked, readable by
//! the agent alone; what leaves is a stretch on the hub's request, covered like every other clip: by what was to be
//! hidden when it was filmed, which stands in its segment's head, and by what is to be hidden now.

use std::fs::{self, DirBuilder};
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use protocol::{CameraId, UtcMs};
use serde::{Deserialize, Serialize};

use super::people::Sight;
use super::spool::{self, Gathered, Spool};
use crate::camera::{Polygon, Unit};
use crate::config::{Wrong, within};

/// Folder in the data folder.
pub const FOLDER: &str = "continuous";

/// Length of a segment: what is given up at a time.
const SEGMENT_MS: i64 = 60_000;
/// A segment may be a group of pictures longer, of so much time.
const GROUP_MS: i64 = 30_000;
const LONGEST_MS: i64 = SEGMENT_MS + GROUP_MS;
/// Sights so far from a stretch still tell of it.
const NEAR_MS: i64 = 10_000;
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
    #[serde(flatten)]
    covering: Covering,
}

/// What was to be hidden while a segment was filmed. One camera's writer has one: a new configuration is another writer,
/// and so another segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Covering {
    /// Missing in recordings of earlier versions: nothing but today's is known of them.
    #[serde(default)]
    pub(super) masks: Vec<Polygon>,
    #[serde(default)]
    pub(super) blur_people: bool,
}

impl Covering {
    pub(super) fn is_nothing(&self) -> bool {
        self.masks.is_empty() && !self.blur_people
    }

    /// What either hides.
    pub(super) fn add(&mut self, other: Self) {
        self.blur_people |= other.blur_people;
        for mask in other.masks {
            if !self.masks.contains(&mask) {
                self.masks.push(mask);
            }
        }
    }
}

/// One file of the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub start: UtcMs,
    /// Larger than that of any segment that was there when it was begun; 0 in recordings of earlier versions.
    pub number: u64,
    pub path: PathBuf,
    pub bytes: u64,
}

/// Every segment of every camera, in the order they were begun. A folder that cannot be read holds none.
pub fn segments(folder: &Path) -> Vec<Segment> {
    let Ok(cameras) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<Segment> =
        cameras.flatten().flat_map(|camera| segments_of_camera(&camera.path())).collect();
    all.sort_by_key(|segment| (segment.number, segment.start));
    all
}

/// By the time they show.
fn segments_of_camera(folder: &Path) -> Vec<Segment> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let segment = |entry: fs::DirEntry| {
        let path = entry.path();
        let name = path.file_name()?.to_str()?.strip_suffix(".units")?;
        // A start before 1970 begins with a dash of its own.
        let (start, number) = match name.rsplit_once('-') {
            Some((start, number)) if !start.is_empty() => (start, number.parse().ok()?),
            _ => (name, 0),
        };
        let start = UtcMs(start.parse().ok()?);
        Some(Segment { start, number, bytes: entry.metadata().ok()?.len(), path })
    };
    let mut all: Vec<Segment> = entries.flatten().filter_map(segment).collect();
    all.sort_by_key(|segment| (segment.start, segment.number));
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
    covering: Covering,
    folder: PathBuf,
    /// Units from the last keyframe on wait until their group is whole.
    group: Vec<Unit>,
    /// Where people were meanwhile waits with them.
    sights: Vec<Sight>,
    open: Option<Open>,
    /// Units are missing: nothing can decode those up to the next keyframe.
    broken: bool,
}

struct Open {
    spool: Spool,
    start: UtcMs,
    last: UtcMs,
    synced: UtcMs,
}

impl Writer {
    /// `folder`: that of all recordings. `covering`: what is to be hidden of what it takes.
    pub(super) fn new(folder: &Path, camera: CameraId, covering: Covering) -> Self {
        let folder = folder.join(camera.as_str());
        let (group, sights) = (Vec::new(), Vec::new());
        Self { camera, covering, folder, group, sights, open: None, broken: false }
    }

    /// Where people were, before the units that came meanwhile.
    pub(super) fn note(&mut self, sights: &[Sight]) {
        self.sights.extend_from_slice(sights);
        if self.group.is_empty() {
            // Nothing to write them with.
            let newest = self.sights.last().map_or(UtcMs(0), |sight| sight.at);
            self.sights.retain(|sight| newest.since_ms(sight.at) <= NEAR_MS);
        }
    }

    /// Takes what came. Returns bytes written.
    pub(super) fn take(&mut self, units: Vec<Unit>) -> io::Result<u64> {
        let mut written = 0;
        for mut unit in units {
            if unit.keyframe && !self.group.is_empty() {
                written += self.write_group()?;
            }
            if self.broken && !unit.keyframe {
                continue;
            }
            unit.after_gap |= std::mem::take(&mut self.broken);
            self.group.push(unit);
        }
        if let Some(open) = &mut self.open
            && open.last.since_ms(open.synced) >= SYNC_MS
        {
            open.spool.sync()?;
            open.synced = open.last;
        }
        Ok(written)
    }

    /// The camera stops: what waits is written too.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.write_group()?;
        self.open.take().map_or(Ok(()), |open| open.spool.sync())
    }

    /// After an error, and when there is no room: the next group begins a segment.
    pub(super) fn give_up(&mut self) {
        self.group.clear();
        self.open = None;
        self.broken = true;
    }

    fn write_group(&mut self) -> io::Result<u64> {
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
            let all = self.folder.parent().map(segments).unwrap_or_default();
            let number = all.last().map_or(0, |newest| newest.number) + 1;
            let path = self.folder.join(format!("{}-{number}.units", start.0));
            let head = Head { camera: self.camera.clone(), covering: self.covering.clone() };
            let spool = Spool::create(&path, &head)?;
            self.open = Some(Open { spool, start, last: start, synced: start });
        }
        let open = self.open.as_mut().expect("opened above");
        open.last = newest;
        open.spool.write(&units, &std::mem::take(&mut self.sights))
    }
}

/// A stretch that was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) gathered: Gathered,
    /// What was to be hidden of any of it when it was filmed.
    pub(super) covering: Covering,
    /// There is more of it than one file may have.
    pub(super) truncated: bool,
}

/// Segments that may hold units of a stretch, with one more on each side, and where those that hold it lie among them.
fn around(folder: &Path, camera: &CameraId, from: UtcMs, until: UtcMs) -> (Vec<Segment>, Range<usize>) {
    let mut all = segments_of_camera(&folder.join(camera.as_str()));
    // The last that begins before may still hold it.
    let first = all.partition_point(|segment| segment.start <= from).saturating_sub(1);
    let first = first + all[first..].partition_point(|segment| from.since_ms(segment.start) > LONGEST_MS);
    let end = all.partition_point(|segment| segment.start <= until).max(first);
    all.truncate(end + 1);
    let skipped = first.saturating_sub(1);
    (all.split_off(skipped), first - skipped..end - skipped)
}

/// What was to be hidden of a stretch when it was filmed. Blocks.
pub(super) fn covering(folder: &Path, camera: &CameraId, from: UtcMs, until: UtcMs) -> Covering {
    let (segments, holding) = around(folder, camera, from, until);
    let mut covering = Covering::default();
    for head in segments[holding].iter().filter_map(|s| spool::read_head::<Head>(&s.path).ok()) {
        covering.add(head.covering);
    }
    covering
}

/// What was recorded of a camera from the keyframe before `from` to `until`. Blocks.
pub(super) fn read(folder: &Path, camera: &CameraId, from: UtcMs, until: UtcMs) -> Recorded {
    let (segments, holding) = around(folder, camera, from, until);
    let mut found = Recorded::default();
    let mut bytes = 0;
    for (index, segment) in segments.iter().enumerate() {
        let (early, late) = (from.since_ms(segment.start), segment.start.since_ms(until));
        if early > 2 * LONGEST_MS || late > LONGEST_MS {
            continue;
        }
        let read = spool::read::<Head>(&segment.path);
        // Given up meanwhile, or cut off before its first line was whole.
        let Ok((head, gathered)) = read else { continue };
        // Where people were is known a moment after the picture: it may stand in the next segment.
        let near = |sight: &Sight| {
            from.since_ms(sight.at) <= NEAR_MS + GROUP_MS && sight.at.since_ms(until) <= NEAR_MS
        };
        found.gathered.sights.extend(gathered.sights.into_iter().filter(near));
        if !holding.contains(&index) {
            continue;
        }
        found.covering.add(head.covering);
        for unit in gathered.units {
            if found.truncated || unit.captured_at() > until {
                continue;
            }
            bytes += unit.data.len();
            if bytes > MOST_BYTES {
                found.truncated = true;
            } else {
                found.gathered.units.push(unit);
            }
        }
    }
    found.gathered.sights.sort_by_key(|sight| sight.at);
    found.gathered = from_keyframe(found.gathered, from);
    found
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
mod tests;
