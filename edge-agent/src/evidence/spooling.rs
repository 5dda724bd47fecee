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
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::people::People;
use super::spool::{Plan, Spool};
use crate::camera::Hold;
use crate::outbox::free_bytes;
use crate::report::{SPOOL_FOLDER, Wanted};

/// How often what came is written down: at most so much of a clip dies with the box.
const EVERY: Duration = Duration::from_secs(1);

/// A disk with less room than this is full.
const MARGIN_BYTES: u64 = 1 << 20;

/// The folder of spools. A name begins with its incident.
#[derive(Debug)]
pub(super) struct Spools {
    path: PathBuf,
    leave_free_bytes: u64,
}

impl Spools {
    pub(super) fn open(evidence: &Path) -> Result<Self> {
        let path = evidence.join(SPOOL_FOLDER);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path, leave_free_bytes: 0 })
    }

    pub(super) fn leaving_free(&self, bytes: u64) -> Self {
        Self { path: self.path.clone(), leave_free_bytes: bytes }
    }

    pub(super) fn path(&self, incident: IncidentId) -> PathBuf {
        self.path.join(format!("{incident}.spool"))
    }

    /// Notes on disk that a file is about to be made from a spool; the how manieth time it is.
    pub(super) fn count_attempt(&self, incident: IncidentId, wanted: &Wanted) -> Result<u64> {
        let path = self.path.join(format!("{incident}.{}.tried", wanted.word().replace(' ', "-")));
        let count = || -> io::Result<u64> {
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            file.write_all(b".")?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        count().with_context(|| format!("writing {}", path.display()))
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
        free_bytes(&self.path).is_none_or(|free| free >= self.leave_free_bytes)
    }

    /// Whether the disk has too little room for what is made of a spool: as much again, or so.
    pub(super) fn is_crowded(&self, incident: IncidentId) -> bool {
        let spooled = fs::metadata(self.path(incident)).map_or(0, |about| about.len());
        free_bytes(&self.path).is_some_and(|free| free < spooled + MARGIN_BYTES)
    }
}

/// Writes down what one clip gathers, as long as the disk takes it.
pub(super) struct Spooling {
    spools: Arc<Spools>,
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
        /// Sights a little before the first picture tell of it too.
        const EARLIER_MS: i64 = 10_000;
        let (path, seen) = (spools.path(incident), plan.from.plus_ms(-EARLIER_MS));
        let made = spawn_blocking(move || Spool::create(&path, &plan)).await;
        let spool = kept(made.map_err(io::Error::other).flatten());
        Self { spools, spool, written: 0, people, seen, last: None }
    }

    pub(super) async fn catch_up(&mut self, hold: &Hold) {
        if self.last.is_none_or(|last| last.elapsed() >= EVERY) {
            self.last = Some(Instant::now());
            if self.spools.has_room() {
                self.write(hold).await;
            }
        }
    }

    /// Everything that the hold has is on disk, or else an error.
    pub(super) async fn complete(&mut self, hold: &Hold) -> Result<()> {
        self.write(hold).await;
        ensure!(self.spool.is_some(), "what it gathered could not be written to disk");
        Ok(())
    }

    async fn write(&mut self, hold: &Hold) {
        let Some(mut spool) = self.spool.take() else { return };
        let units = hold.units_after(self.written);
        self.written += units.len();
        let sights = self.people.as_ref().map_or_else(Vec::new, |people| people.after(self.seen));
        self.seen = sights.last().map_or(self.seen, |sight| sight.at);
        let done = spawn_blocking(move || spool.append(&units, &sights).map(|()| spool)).await;
        self.spool = kept(done.map_err(io::Error::other).flatten());
    }
}

/// Memory still has everything: only a crash would lose it.
fn kept(spool: io::Result<Spool>) -> Option<Spool> {
    spool.inspect_err(|error| tracing::warn!(%error, "a clip in the making cannot be spooled to disk")).ok()
}

#[cfg(test)]
mod tests {
    use protocol::Chance;

    use super::*;

    /// Attempts are counted over restarts, apart for each incident and kind, and go with their spool.
    #[test]
    fn attempts_are_counted_on_disk() {
        let (folder, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
        let [one, other] = [(); 2].map(|()| IncidentId::new(&chance, UtcMs(0)));
        let count = |incident, wanted: &Wanted| {
            let spools = Spools::open(folder.path()).unwrap();
            spools.count_attempt(incident, wanted).unwrap()
        };
        assert_eq!([(); 3].map(|()| count(one, &Wanted::Clip)), [1, 2, 3]);
        assert_eq!((count(one, &Wanted::Snapshot), count(other, &Wanted::Clip)), (1, 1));
        let spools = Spools::open(folder.path()).unwrap();
        spools.forget(one);
        assert_eq!((count(one, &Wanted::Clip), count(other, &Wanted::Clip)), (1, 2));
        spools.forget_all_but(&[other]);
        assert_eq!((count(one, &Wanted::Clip), count(other, &Wanted::Clip)), (1, 3));
    }
}
