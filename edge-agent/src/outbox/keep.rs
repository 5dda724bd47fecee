//! Keeping the outbox within its bounds, and its file rows and files in step.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use sqlx::SqliteConnection;
use tokio::fs;

use super::store::{self, Removed};
use super::write::tombstone;
use super::{DAY_MS, Outbox, OutboxError, quota, reconcile};
use crate::evidence::archive;
use crate::report::SPOOL_FOLDER;

/// Superseded revisions that go in one sweep: one tombstone names them all.
const SWEEP: u32 = 256;

/// What one round of housekeeping did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub expired_files: u64,
    pub orphan_files: u64,
    pub missing_files: u64,
}

/// Drops what may be dropped until the bounds hold. Returns the files to delete after the commit.
pub(super) async fn make_room(
    outbox: &Outbox,
    db: &mut SqliteConnection,
) -> Result<Vec<PathBuf>, OutboxError> {
    let config = &outbox.0.config;
    let messages = store::total(db, "message").await?;
    let mut overfull = false;
    if messages.rows > config.max_rows || messages.bytes > config.max_bytes {
        let dropped = store::remove_superseded(db, SWEEP).await?;
        if dropped.is_empty() {
            // Nothing that may go: incidents are written all the same, health says so.
            overfull = true;
        } else {
            outbox.0.counters.dropped_revisions.fetch_add(dropped.len() as u64, Ordering::Relaxed);
            let reason = format!(
                "the outbox was full: {} updates were dropped that later ones replace (boot:sequence {})",
                dropped.len(),
                ranges(&dropped),
            );
            outbox.insert(db, &tombstone(None, reason)).await?;
        }
    }
    let mut spared = Vec::new();
    let most = config.evidence_max_bytes.saturating_sub(spooled_bytes(&outbox.0.folder));
    while store::total(db, "evidence").await?.bytes > most {
        let Some(removed) = store::remove_cheapest_evidence(db).await? else { break };
        spared.push(lose(outbox, db, removed, "the space for evidence on the box was used up").await?);
    }
    outbox.0.counters.overfull.store(overfull, Ordering::Relaxed);
    Ok(spared)
}

/// What clips in the making hold on disk, which no row speaks of yet.
fn spooled_bytes(evidence: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(evidence.join(SPOOL_FOLDER)) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).sum()
}

/// `0193…:4-7,9`: dropped numbers, shortened to ranges per boot.
fn ranges(dropped: &[(String, u64)]) -> String {
    let mut by_boot: Vec<(&str, Vec<u64>)> = Vec::new();
    for (boot, sequence) in dropped {
        match by_boot.iter_mut().find(|(name, _)| name == boot) {
            Some((_, list)) => list.push(*sequence),
            None => by_boot.push((boot, vec![*sequence])),
        }
    }
    let mut words = Vec::new();
    for (boot, mut list) in by_boot {
        list.sort_unstable();
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for sequence in list {
            match spans.last_mut() {
                Some((_, end)) if *end + 1 == sequence => *end = sequence,
                _ => spans.push((sequence, sequence)),
            }
        }
        let spans: Vec<String> =
            spans.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
        words.push(format!("{boot}:{}", spans.join(",")));
    }
    words.join(" ")
}

/// A file row is gone: unless the hub holds the file, it is told.
async fn lose(
    outbox: &Outbox,
    db: &mut SqliteConnection,
    removed: Removed,
    why: &str,
) -> Result<PathBuf, OutboxError> {
    if removed.state != "uploaded" {
        outbox.0.counters.dropped_files.fetch_add(1, Ordering::Relaxed);
        let reason = format!("{} {} is lost: {why}", removed.kind, removed.sha256);
        tracing::warn!(incident = ?removed.incident_id, reason, "evidence dropped");
        outbox.insert(db, &tombstone(removed.incident_id, reason)).await?;
    }
    Ok(removed.path.into())
}

pub(super) async fn give_up(outbox: &Outbox, sha256: &str, why: &str) -> Result<(), OutboxError> {
    let mut tx = outbox.0.pool.begin().await?;
    let Some(removed) = store::remove_evidence(&mut tx, sha256).await? else { return Ok(()) };
    let path = lose(outbox, &mut tx, removed, why).await?;
    tx.commit().await?;
    unlink(&[path]).await;
    outbox.appended();
    Ok(())
}

/// Deletes files whose rows are gone. One that stays behind is an orphan and goes later.
pub(super) async fn unlink(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = fs::remove_file(path).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot delete a file");
        }
    }
}

pub(super) async fn keep_house(outbox: &Outbox) -> Result<Kept, OutboxError> {
    let inner = &outbox.0;
    let mark = inner.reckoning.mark(inner.moment());
    let now = mark.at;
    let mut kept = Kept::default();

    let mut tx = inner.pool.begin().await?;
    let mut gone: Vec<PathBuf> = Vec::new();
    for removed in store::remove_expired_evidence(&mut tx, now).await? {
        kept.expired_files += 1;
        gone.push(removed.path.into());
    }
    let before = now.plus_ms(-i64::from(inner.config.keep_rejected_days) * DAY_MS);
    store::forget(&mut tx, before, &inner.voice.boot.to_string()).await?;
    let mut excess = quota::excess(quota::Usage {
        free: free_bytes(&inner.folder).unwrap_or(u64::MAX),
        reserve: inner.config.disk_reserve_bytes,
        uploaded: store::uploaded_bytes(&mut tx).await?,
        recording: archive::segments(&inner.continuous).iter().map(|segment| segment.bytes).sum(),
        recording_max: inner.config.recording_max_bytes,
    });
    while excess.uploaded > 0 {
        let Some(removed) = store::remove_uploaded_evidence(&mut tx).await? else { break };
        excess.uploaded = excess.uploaded.saturating_sub(removed.size_bytes.max(1));
        gone.push(removed.path.into());
    }
    if excess.recording > 0 {
        let freed = archive::spare(&inner.continuous, excess.recording);
        tracing::debug!(freed, "the oldest of the recording was given up");
    }
    while excess.others > 0 {
        let Some(removed) = store::remove_cheapest_evidence(&mut tx).await? else { break };
        excess.others = excess.others.saturating_sub(removed.size_bytes.max(1));
        let path = lose(outbox, &mut tx, removed, "the disk of the box was full").await?;
        // Unlinked at once: the commit that tells of it may need the room. A crash before it leaves a row without
        // file, which the reconciler turns into the same tombstone.
        unlink(&[path]).await;
    }
    tx.commit().await?;
    unlink(&gone).await;

    reconcile::run(outbox, &mut kept).await?;
    match inner.reserve.ensure() {
        Ok(()) => inner.counters.disk_full.store(false, Ordering::Relaxed),
        Err(error) => tracing::warn!(%error, "cannot keep a disk reserve"),
    }
    // Last: on a full disk nothing else may wait for it. What is not noted is a minute of age.
    let mut db = inner.pool.acquire().await?;
    if let Err(error) = store::set_mark(&mut db, mark).await {
        tracing::warn!(%error, "cannot note the age of what is kept");
    }
    Ok(kept)
}

/// Free bytes of the file system under `folder`; `None` when it cannot be asked.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|fs| fs.f_bavail * fs.f_frsize)
}
