//! What each camera saw in the last hour, on disk, so that changed rules can be tried on it.
//!
//! Observations only: boxes, labels, scores; no picture. They are written as gzipped JSON lines, a minute to a file (of
//! 300 people at five pictures a second, too), by one thread for all cameras, and never hold up an analysis: what finds
//! no place in the queue is left out and counted. Age is counted in files, not by a clock that somebody sets. A box that
//! is killed loses the last seconds.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
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

    /// Shows what a camera saw from `from` on, in the order of seeing, until told to break off. Lines that a kill cut off
    /// are left out. Blocks for as long as the disk takes.
    pub fn recall(
        &self,
        camera: &CameraId,
        from: UtcMs,
        mut see: impl FnMut(Observation) -> ControlFlow<()>,
    ) -> Result<()> {
        if let Some(jobs) = &self.jobs {
            let (done, written) = sync_channel(1);
            if jobs.send(Job::Flush(done)).is_ok() {
                let _ = written.recv();
            }
        }
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
                    && see(observation).is_break()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
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
mod tests;
