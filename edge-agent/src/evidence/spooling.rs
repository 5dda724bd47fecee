//! The spools of all clips in the making: where they lie, how they are written, when they go.
//!
//! They count as evidence on this box (`evidence_max_bytes`), and while the disk is down to what evidence leaves free
//! they wait: what they would hold is in memory, and only a crash loses it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::{IncidentId, UtcMs};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::people::{People, Sight};
use super::spool::{Plan, Spool};
use crate::camera::{Hold, Unit};
use crate::outbox::free_bytes;
use crate::report::{SPOOL_FOLDER, Wanted};

/// How often what came is written down: at most so much of a clip dies with the box.
const EVERY: Duration = Duration::from_secs(1);

/// A disk with less room than this is full.
const MARGIN_BYTES: u64 = 1 << 20;

/// Clips that wait for a full disk, of all cameras together: a box that goes on taking them without end would lose all of
/// them, and itself.
const MOST_WAITING_KIB: usize = 256 << 10;

/// Attempts to write a file; those that found the disk full are counted apart: a day's worth, at one a minute.
const ATTEMPTS: u32 = 3;
const ATTEMPTS_WHILE_FULL: u32 = 1_440;

/// What writing one file has failed of so far.
#[derive(Debug, Default)]
pub(super) struct Failures {
    failed: u32,
    full: u32,
}

impl Failures {
    /// One more; whether it is worth another attempt.
    pub(super) fn add(&mut self, crowded: bool) -> bool {
        if crowded {
            self.full += 1;
        } else {
            self.failed += 1;
        }
        self.failed < ATTEMPTS && self.full < ATTEMPTS_WHILE_FULL
    }
}

/// The folder of spools. A name begins with its incident.
#[derive(Debug)]
pub(super) struct Spools {
    path: PathBuf,
    leave_free_bytes: u64,
    /// Bytes free on the disk of a folder, where that can be told.
    free: fn(&Path) -> Option<u64>,
    /// KiB of clips that may wait in memory for a disk that takes them.
    waiting: Arc<Semaphore>,
}

impl Spools {
    pub(super) fn open(evidence: &Path) -> Result<Self> {
        let path = evidence.join(SPOOL_FOLDER);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.with_context(|| format!("making {}", path.display()))?;
        let waiting = Arc::new(Semaphore::new(MOST_WAITING_KIB));
        Ok(Self { path, leave_free_bytes: 0, free: free_bytes, waiting })
    }

    pub(super) fn leaving_free(&self, bytes: u64) -> Self {
        Self {
            path: self.path.clone(),
            leave_free_bytes: bytes,
            free: self.free,
            waiting: self.waiting.clone(),
        }
    }

    /// The same on a disk that has so much free, as it says.
    #[cfg(test)]
    pub(super) fn on(&self, free: fn(&Path) -> Option<u64>) -> Self {
        Self { free, ..self.leaving_free(self.leave_free_bytes) }
    }

    pub(super) fn path(&self, incident: IncidentId) -> PathBuf {
        self.path.join(format!("{incident}.spool"))
    }

    /// Notes on disk that a file is about to be made from a spool; the how manieth time it is.
    pub(super) fn count_attempt(&self, incident: IncidentId, wanted: &Wanted) -> Result<u64> {
        let path = self.attempts(incident, wanted);
        let count = || -> io::Result<u64> {
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            file.write_all(b".")?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        count().with_context(|| format!("writing {}", path.display()))
    }

    fn attempts(&self, incident: IncidentId, wanted: &Wanted) -> PathBuf {
        self.path.join(format!("{incident}.{}.tried", wanted.word().replace(' ', "-")))
    }

    /// The last attempt does not count: the disk was full.
    pub(super) fn uncount_attempt(&self, incident: IncidentId, wanted: &Wanted) {
        let path = self.attempts(incident, wanted);
        let uncount = || -> io::Result<()> {
            let file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(file.metadata()?.len().saturating_sub(1))?;
            file.sync_all()
        };
        if let Err(error) = uncount() {
            tracing::warn!(path = %path.display(), %error, "an attempt on a full disk counts like any other");
        }
    }

    pub(super) fn forget(&self, incident: IncidentId) {
        self.remove_where(|of| of == incident.to_string());
    }

    pub(super) fn forget_all_but(&self, incidents: &[IncidentId]) {
        let kept: Vec<String> = incidents.iter().map(ToString::to_string).collect();
        self.remove_where(|of| !kept.iter().any(|kept| kept == of));
    }

    fn remove_where(&self, goes: impl Fn(&str) -> bool) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if goes(name.split('.').next().unwrap_or_default())
                && let Err(error) = fs::remove_file(entry.path())
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %entry.path().display(), %error, "cannot delete a spool");
            }
        }
    }

    fn has_room(&self) -> bool {
        (self.free)(&self.path).is_none_or(|free| free >= self.leave_free_bytes)
    }

    /// Whether the disk has too little room for what is made of a file: as much again, or so.
    pub(super) fn is_crowded(&self, source: &Path) -> bool {
        self.lacks(fs::metadata(source).map_or(0, |about| about.len()))
    }

    fn is_full_for(&self, bytes: u64) -> bool {
        !self.has_room() || self.lacks(bytes)
    }

    fn lacks(&self, bytes: u64) -> bool {
        (self.free)(&self.path).is_some_and(|free| free < bytes.saturating_add(MARGIN_BYTES))
    }
}

/// Writes down what one clip gathers, as long as the disk takes it.
pub(super) struct Spooling {
    spools: Arc<Spools>,
    incident: IncidentId,
    plan: Plan,
    spool: Option<Spool>,
    written: usize,
    people: Option<Arc<People>>,
    /// Sights up to then are written.
    seen: UtcMs,
    last: Option<Instant>,
}

impl Spooling {
    /// `people`: where they are, when they are to be blurred.
    pub(super) async fn begin(
        spools: Arc<Spools>,
        incident: IncidentId,
        plan: Plan,
        people: Option<Arc<People>>,
    ) -> Self {
        let seen = first_sight(&plan);
        let mut spooling = Self { spools, incident, plan, spool: None, written: 0, people, seen, last: None };
        spooling.create().await;
        spooling
    }

    async fn create(&mut self) {
        let (path, plan) = (self.spools.path(self.incident), self.plan.clone());
        let made = spawn_blocking(move || Spool::create(&path, &plan)).await;
        self.spool = kept(made.map_err(io::Error::other).flatten());
    }

    pub(super) async fn catch_up(&mut self, hold: &Hold) {
        if self.last.is_none_or(|last| last.elapsed() >= EVERY) {
            self.last = Some(Instant::now());
            if self.spools.has_room() {
                self.write(hold).await;
            }
        }
    }

    /// Everything that the hold has is on disk, or else an error. What did not go there before is written anew from
    /// memory, and tried `again` after a while: as often as a clip is, and for a day while the disk is full.
    pub(super) async fn complete(mut self, hold: Hold, again: Duration) -> Result<()> {
        self.write(&hold).await;
        if self.spool.is_some() {
            return Ok(());
        }
        let units = hold.units();
        // It gathers no more, and makes room for other clips.
        drop(hold);
        let bytes: u64 = units.iter().map(|unit| unit.data.len() as u64).sum();
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
        let place = self.spools.waiting.clone().try_acquire_many_owned(kib);
        let _place =
            place.ok().context("the disk took nothing, and as many clips as memory holds wait for it")?;
        let sights = self.sights_after(first_sight(&self.plan));
        let mut failures = Failures::default();
        loop {
            // What is sure to fail would only take the last room from incidents.
            let mut full = self.spools.is_full_for(bytes);
            if !full {
                self.create().await;
                self.append(units.clone(), sights.clone()).await;
                if self.spool.is_some() {
                    return Ok(());
                }
                full = self.spools.is_full_for(bytes);
                if full {
                    // So does what is torn. All of it is in memory.
                    let _ = fs::remove_file(self.spools.path(self.incident));
                }
            }
            ensure!(failures.add(full), "what it gathered could not be written to disk");
            tokio::time::sleep(again).await;
        }
    }

    async fn write(&mut self, hold: &Hold) {
        if self.spool.is_none() {
            return;
        }
        let units = hold.units_after(self.written);
        self.written += units.len();
        let sights = self.sights_after(self.seen);
        self.seen = sights.last().map_or(self.seen, |sight| sight.at);
        self.append(units, sights).await;
    }

    fn sights_after(&self, at: UtcMs) -> Vec<Sight> {
        self.people.as_ref().map_or_else(Vec::new, |people| people.after(at))
    }

    async fn append(&mut self, units: Vec<Unit>, sights: Vec<Sight>) {
        let Some(mut spool) = self.spool.take() else { return };
        let done = spawn_blocking(move || spool.append(&units, &sights).map(|()| spool)).await;
        self.spool = kept(done.map_err(io::Error::other).flatten());
    }
}

/// Sights a little before the first picture tell of it too.
fn first_sight(plan: &Plan) -> UtcMs {
    const EARLIER_MS: i64 = 10_000;
    plan.from.plus_ms(-EARLIER_MS)
}

/// Memory still has everything: only a crash would lose it.
fn kept(spool: io::Result<Spool>) -> Option<Spool> {
    spool.inspect_err(|error| tracing::warn!(%error, "a clip in the making cannot be spooled to disk")).ok()
}

#[cfg(test)]
mod tests;
