//! File rows and files kept in step: a row whose file is gone is told as a loss, a file that no row names is removed
//! after a while. Recordings too: one that lost its row in a damaged database would lie here for ever.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tokio::fs;

use super::{DAY_MS, Kept, Outbox, OutboxError, keep, store};

/// A file without row may belong to an incident that is being written: it is left alone this long.
const GRACE_MS: i64 = DAY_MS;

pub(super) async fn run(outbox: &Outbox, kept: &mut Kept) -> Result<(), OutboxError> {
    let mut db = outbox.0.pool.acquire().await?;
    let rows: HashMap<String, String> = store::evidence_paths(&mut db).await?.into_iter().collect();
    drop(db);
    for (sha256, path) in &rows {
        if let Ok(false) = fs::try_exists(path).await {
            kept.missing_files += 1;
            keep::give_up(outbox, sha256, "its file is no longer on the box").await?;
        }
    }
    kept.orphan_files = remove_orphans(outbox, &rows).await?;
    Ok(())
}

/// How long a file has had no row is noted at each round, not read off the file: its date is the wall clock's.
async fn remove_orphans(outbox: &Outbox, rows: &HashMap<String, String>) -> Result<u64, OutboxError> {
    let inner = &outbox.0;
    let on_request_ms = i64::from(inner.config.keep_on_request_days) * DAY_MS;
    let mut unnamed: HashMap<String, i64> = HashMap::new();
    for (folder, grace_ms) in [(&inner.folder, GRACE_MS), (&inner.recordings, on_request_ms.max(GRACE_MS))] {
        for path in without_row(folder, rows).await {
            unnamed.insert(path.to_string_lossy().into_owned(), grace_ms);
        }
    }
    let mut db = inner.pool.acquire().await?;
    let noted: HashMap<String, i64> = store::orphans(&mut db).await?.into_iter().collect();
    drop(db);
    let now = inner.now();
    let is_due = |path: &String, since_ms: &i64| {
        unnamed.get(path).is_some_and(|grace_ms| now.0 - since_ms >= *grace_ms)
    };
    let due: Vec<PathBuf> =
        noted.iter().filter(|(path, since)| is_due(path, since)).map(|(path, _)| path.into()).collect();
    for path in &due {
        tracing::info!(path = %path.display(), "removing a file that no incident names");
    }
    // Before the notes: on a full disk these need the room.
    keep::unlink(&due).await;
    let over = noted.iter().filter(|(path, since)| is_due(path, since) || !unnamed.contains_key(*path));
    let over: Vec<&String> = over.map(|(path, _)| path).collect();
    let fresh: Vec<&String> = unnamed.keys().filter(|path| !noted.contains_key(*path)).collect();
    if let Err(error) = note(outbox, &over, &fresh).await {
        tracing::warn!(%error, "cannot note which files no incident names; trying again");
    }
    Ok(due.len() as u64)
}

async fn note(outbox: &Outbox, over: &[&String], fresh: &[&String]) -> Result<(), OutboxError> {
    if over.is_empty() && fresh.is_empty() {
        return Ok(());
    }
    let now = outbox.0.now();
    let mut tx = outbox.0.pool.begin().await?;
    for path in over {
        store::remove_orphan(&mut tx, path).await?;
    }
    for path in fresh {
        store::insert_orphan(&mut tx, path, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Files of a folder that no row names.
async fn without_row(folder: &Path, rows: &HashMap<String, String>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // A box that taps no calls has no recordings.
    let Ok(mut entries) = fs::read_dir(folder).await else { return found };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let path = entry.path();
        let named = path.file_stem().is_some_and(|stem| rows.contains_key(stem.to_string_lossy().as_ref()));
        let is_file = entry.file_type().await.is_ok_and(|kind| kind.is_file());
        if is_file && !named {
            found.push(path);
        }
    }
    found
}
