//! What each camera saw in the last hour, on disk, so that changed rules can be tried on it.
//!
//! Observations only: boxes, labels, scores; no picture. They are written as gzipped JSON lines (300 people all hour fit),
//! a minute to a file, by one thread for all cameras, and never hold up an analysis: what finds no place in the queue is left out and counted. Age
//! is counted in files, not by a clock that somebody sets. A box that is killed loses the last seconds.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use protocol::{CameraId, UtcMs};

use crate::observation::Observation;

/// How far back rules are tried.
pub const REACH_MS: i64 = 3_600_000;
/// A file holds so much of a camera's time, or so many bytes on the disk.
const FILE_MS: i64 = 60_000;
const FILE_BYTES: u64 = 3 << 20;
/// Files kept of one camera: an hour, and the minute that has begun; less of a crowd that fills them sooner.
const FILES: usize = 61;
/// Observations that wait for the disk, of all cameras.
const WAITING: usize = 512;
/// What was written reaches the disk's cache so often.
const FLUSH: Duration = Duration::from_secs(5);

enum Job {
    Keep(CameraId, Box<Observation>),
    Forget(CameraId),
    /// Answers when all that came before can be read.
    Flush(SyncSender<()>),
}

/// The memory of one box. Dropping it writes what waits.
pub struct Memory {
    folder: PathBuf,
    jobs: Option<SyncSender<Job>>,
    left_out: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Memory {
    /// Keeps it below `data_dir`. Cameras that are no longer watched are forgotten.
    pub fn open(data_dir: &Path, cameras: &[CameraId]) -> Result<Self> {
        let folder = data_dir.join("observations");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?.flatten()
        {
            let watched =
                entry.file_name().to_str().is_some_and(|name| cameras.iter().any(|id| id.as_str() == name));
            if !watched && let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!(folder = %entry.path().display(), %error, "cannot be removed");
            }
        }
        let (jobs, waiting) = sync_channel(WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            folder: folder.clone(),
            cameras: BTreeMap::new(),
            left_out: left_out.clone(),
            flushed_at: UtcMs(0),
        };
        let thread = std::thread::Builder::new()
            .name("observations".to_owned())
            .spawn(move || writer.run(&waiting))
            .context("starting the thread that keeps observations")?;
        Ok(Self { folder, jobs: Some(jobs), left_out, thread: Some(thread) })
    }

    pub fn keep(&self, camera: &CameraId, observation: &Observation) {
        let Some(jobs) = &self.jobs else { return };
        match jobs.try_send(Job::Keep(camera.clone(), Box::new(observation.clone()))) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A camera that is no longer watched.
    pub fn forget(&self, camera: &CameraId) {
        if let Some(jobs) = &self.jobs {
            // What finds no place is forgotten at the next start.
            let _ = jobs.try_send(Job::Forget(camera.clone()));
        }
    }

    /// Observations that could not be kept.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// What a camera saw from `from` on, in the order of seeing. Lines that a kill cut off are left out. Blocks for as
    /// long as the disk takes.
    pub fn recall(&self, camera: &CameraId, from: UtcMs) -> Result<Vec<Observation>> {
        if let Some(jobs) = &self.jobs {
            let (done, written) = sync_channel(1);
            if jobs.send(Job::Flush(done)).is_ok() {
                let _ = written.recv();
            }
        }
        let mut observations = Vec::new();
        for (_, path) in files_of(&self.folder.join(camera.as_str()))? {
            // It may have been displaced meanwhile.
            let Ok(file) = File::open(&path) else { continue };
            for line in BufReader::new(GzDecoder::new(BufReader::new(file))).split(b'\n') {
                let line = match line {
                    // A kill cut it off here, a power cut left zeros, or a former version wrote it.
                    Err(error) if is_cut(&error) => break,
                    line => line.with_context(|| format!("reading {}", path.display()))?,
                };
                if let Ok(observation) = serde_json::from_slice::<Observation>(&line)
                    && observation.at >= from
                {
                    observations.push(observation);
                }
            }
        }
        Ok(observations)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The bytes are there, and are no more of the gzip stream.
fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// A camera's files with their numbers, oldest first. None when there is no such folder.
fn files_of(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("listing {}", folder.display()))?,
    };
    let numbered = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        Some((name.split_once('.')?.0.parse().ok()?, path))
    };
    let mut files: Vec<(u64, PathBuf)> =
        entries.flatten().filter_map(|entry| numbered(entry.path())).collect();
    files.sort_unstable();
    Ok(files)
}

struct Writer {
    folder: PathBuf,
    cameras: BTreeMap<CameraId, Pages>,
    left_out: Arc<AtomicU64>,
    /// Time of the observation at which all was last written out.
    flushed_at: UtcMs,
}

impl Writer {
    fn run(&mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(FLUSH) {
                Ok(Job::Keep(camera, observation)) => self.keep(camera, &observation),
                Ok(Job::Forget(camera)) => self.forget(&camera),
                Ok(Job::Flush(done)) => {
                    self.flush();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.flush(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.flush();
                    return;
                }
            }
        }
    }

    fn keep(&mut self, camera: CameraId, observation: &Observation) {
        // Not only when nothing comes: a busy camera would keep the lines of a quiet one from the disk.
        if !(0..FLUSH.as_millis() as i64).contains(&observation.at.since_ms(self.flushed_at)) {
            self.flush();
            self.flushed_at = observation.at;
        }
        let folder = self.folder.join(camera.as_str());
        let pages = self.cameras.entry(camera).or_insert_with(|| Pages { folder, ..Pages::default() });
        if pages.rests_at(observation.at) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        } else if let Err(error) = pages.write(observation) {
            if pages.failed.is_none() {
                tracing::warn!(folder = %pages.folder.display(), %error, "observations cannot be kept");
            }
            self.left_out.fetch_add(1, Ordering::Relaxed);
            (pages.file, pages.failed) = (None, Some(observation.at));
        }
    }

    fn forget(&mut self, camera: &CameraId) {
        self.cameras.remove(camera);
        let folder = self.folder.join(camera.as_str());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(folder = %folder.display(), %error, "cannot be removed");
            }
            _ => {}
        }
    }

    fn flush(&mut self) {
        for pages in self.cameras.values_mut() {
            if let Some(file) = &mut pages.file
                && file.flush().is_err()
            {
                pages.file = None;
            }
        }
    }
}

/// The files of one camera.
#[derive(Default)]
struct Pages {
    folder: PathBuf,
    file: Option<GzEncoder<Page>>,
    began_at: UtcMs,
    /// When the disk refused; it is tried again a file's time later.
    failed: Option<UtcMs>,
}

impl Pages {
    /// The disk refused a moment ago.
    fn rests_at(&self, at: UtcMs) -> bool {
        self.failed.is_some_and(|since| (0..FILE_MS).contains(&at.since_ms(since)))
    }

    fn write(&mut self, observation: &Observation) -> Result<()> {
        let within = |since: UtcMs| (0..FILE_MS).contains(&observation.at.since_ms(since));
        let file = match &mut self.file {
            Some(file) if within(self.began_at) && file.get_ref().bytes < FILE_BYTES => file,
            _ => {
                self.began_at = observation.at;
                // What was written before must be whole before the next begins.
                if let Some(former) = self.file.take() {
                    former.finish().and_then(|mut page| page.flush()).context("writing")?;
                }
                self.file.insert(GzEncoder::new(next_file(&self.folder)?, Compression::default()))
            }
        };
        let mut line = serde_json::to_vec(observation).context("putting an observation into words")?;
        line.push(b'\n');
        file.write_all(&line).context("writing")?;
        self.failed = None;
        Ok(())
    }
}

/// A file that counts what it holds.
struct Page {
    file: BufWriter<File>,
    bytes: u64,
}

impl Write for Page {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let written = self.file.write(part)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Begins the next file and displaces the oldest.
fn next_file(folder: &Path) -> Result<Page> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let files = files_of(folder)?;
    for (_, path) in files.iter().rev().skip(FILES - 1) {
        fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
    }
    let number = files.last().map_or(0, |(number, _)| number + 1);
    let path = folder.join(format!("{number:010}.jsonl.gz"));
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    let file = file.with_context(|| format!("creating {}", path.display()))?;
    Ok(Page { file: BufWriter::new(file), bytes: 0 })
}

#[cfg(test)]
mod tests {
    use protocol::{Chance, Label, NormBox};

    use super::*;
    use crate::frame::Detection;
    use crate::observation::Seen;

    fn camera(id: &str) -> CameraId {
        id.parse().unwrap()
    }

    fn at(ms: i64) -> Observation {
        let region = NormBox { x: 0.1, y: 0.2, w: 0.3, h: 0.4 };
        let detections = vec![Detection { label: Label::Person, score: 0.87, region }];
        Observation::of(UtcMs(ms), Seen::Objects { by: "test 1".into(), detections })
    }

    fn keep(memory: &Memory, id: &str, times: impl Iterator<Item = i64>) {
        for (n, time) in times.enumerate() {
            memory.keep(&camera(id), &at(time));
            // The queue is bounded; nothing here is meant to be left out.
            if n % 256 == 255 {
                memory.recall(&camera(id), UtcMs(i64::MAX)).unwrap();
            }
        }
    }

    /// What was seen in the last hour comes back in order, of the camera asked for; older files are displaced, also
    /// when the clock was set back meanwhile.
    #[test]
    fn an_hour_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
        keep(&memory, "gate", (0..7_200_000).step_by(5_000));
        keep(&memory, "yard", std::iter::once(5));
        let seen = memory.recall(&camera("gate"), UtcMs(0)).unwrap();
        assert_eq!(seen.last().unwrap(), &at(7_195_000));
        assert!(seen.windows(2).all(|pair| pair[1].at.since_ms(pair[0].at) == 5_000));
        let reach = seen.last().unwrap().at.since_ms(seen[0].at);
        assert!((REACH_MS..REACH_MS + 2 * FILE_MS).contains(&reach), "{reach}");
        assert_eq!(memory.recall(&camera("gate"), UtcMs(7_190_000)).unwrap().len(), 2);
        assert_eq!(memory.recall(&camera("yard"), UtcMs(0)).unwrap().len(), 1);
        assert!(memory.recall(&camera("nowhere"), UtcMs(0)).unwrap().is_empty());

        keep(&memory, "gate", (0..7_200_000).step_by(5_000));
        assert_eq!(files_of(&folder.path().join("observations/gate")).unwrap().len(), FILES);
        assert_eq!(memory.left_out(), 0);
    }

    /// A box that starts again goes on where it was, leaves out a line that was cut off, and forgets cameras that are
    /// gone.
    #[test]
    fn a_restart_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), &[]).unwrap();
        keep(&memory, "gate", [1, 2].into_iter());
        keep(&memory, "gone", [1].into_iter());
        drop(memory);
        let page = folder.path().join("observations/gate/0000000000.jsonl.gz");
        let whole = fs::read(&page).unwrap();
        // The trailer, the marks of a flush, and the end of the last line.
        fs::write(&page, &whole[..whole.len() - 20]).unwrap();

        let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
        keep(&memory, "gate", [3].into_iter());
        let times: Vec<i64> =
            memory.recall(&camera("gate"), UtcMs(0)).unwrap().iter().map(|o| o.at.0).collect();
        assert_eq!(times, [1, 3]);

        // Of what a power cut left zeros in, what came before them is there.
        let zeros = [&whole[..whole.len() - 20], &[0; 4_096]].concat();
        fs::write(&page, zeros).unwrap();
        fs::write(page.with_file_name("0000000009.jsonl"), "{}\n").unwrap();
        let times: Vec<i64> =
            memory.recall(&camera("gate"), UtcMs(0)).unwrap().iter().map(|o| o.at.0).collect();
        assert_eq!(times, [1, 3]);
        assert!(!folder.path().join("observations/gone").exists());
    }

    /// A crowd that fills a file before its minute is over begins the next one: the disk's share stays bounded.
    #[test]
    fn a_crowd_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), &[camera("square")]).unwrap();
        // Boxes as a detector gives them, all different: sizes on the disk are those of a real crowd.
        let chance = Chance::seeded(7);
        let share = || chance.below(1 << 24) as f32 / (1 << 24) as f32;
        let person = || {
            let region = NormBox { x: share(), y: share(), w: share(), h: share() };
            Detection { label: Label::Person, score: 0.5, region }
        };
        for n in 0..40 {
            let detections = (0..6_000).map(|_| person()).collect();
            let seen = Seen::Objects { by: "test 1".into(), detections };
            memory.keep(&camera("square"), &Observation::of(UtcMs(n * 200), seen));
        }
        assert_eq!(memory.recall(&camera("square"), UtcMs(0)).unwrap().len(), 40);
        let files = files_of(&folder.path().join("observations/square")).unwrap();
        assert!(files.len() > 1);
        assert!(files.iter().all(|(_, path)| fs::metadata(path).unwrap().len() < FILE_BYTES * 2));
    }

    /// Where nothing can be written the analysis goes on, and what is missing is counted.
    #[test]
    fn a_disk_that_refuses_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
        fs::write(folder.path().join("observations/gate"), "a file where a folder belongs").unwrap();
        keep(&memory, "gate", (0..10).map(|n| n * 200));
        assert!(memory.recall(&camera("gate"), UtcMs(0)).is_err());
        assert_eq!(memory.left_out(), 10);
    }

    /// A disk that takes lines again gets them, a minute after it refused.
    #[test]
    fn a_disk_that_recovers_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
        let place = folder.path().join("observations/gate");
        fs::write(&place, "a file where a folder belongs").unwrap();
        keep(&memory, "gate", std::iter::once(0));
        assert!(memory.recall(&camera("gate"), UtcMs(0)).is_err());
        fs::remove_file(&place).unwrap();
        keep(&memory, "gate", (1_000..90_000).step_by(1_000));
        let seen = memory.recall(&camera("gate"), UtcMs(0)).unwrap();
        assert_eq!((seen.len(), seen[0].at, memory.left_out()), (30, UtcMs(FILE_MS), 60));
    }
}
