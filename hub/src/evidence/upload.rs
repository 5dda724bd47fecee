//! Beginning, filling and finishing an upload.
//!
//! The row's offset counts bytes that were synced; a tail behind it (a crash between write and sync) is cut off at
//! the next write. A connection that breaks keeps what it brought.
//!
//! What one box can put here has bounds ([`Limits`]), and evidence leaves room on the disk for incidents: whoever meets
//! a bound is told so, keeps its file and comes again later. Row and file of an upload are made and removed row first;
//! a file without a row is left over from a crash and is swept.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt;
use protocol::limits::MAX_EVIDENCE_BYTES;
use protocol::{EvidenceKind, Origin, Sha256Hex, UtcMs};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::{EvidenceStore, store};

/// A connection that brings nothing for this long is taken for broken; what it brought is kept.
const SILENCE: Duration = Duration::from_secs(30);

/// Media types a box may send.
const MEDIA_TYPES: [&str; 3] = ["image/jpeg", "video/mp4", "audio/wav"];

/// Why an upload did not go on. Each maps to one HTTP status.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("{0}")]
    Metadata(String),
    #[error("{size_bytes} bytes are more than the {MAX_EVIDENCE_BYTES} one file may have")]
    TooLarge { size_bytes: u64 },
    #[error(
        "this device has {unlinked_bytes} bytes here that no incident names; send the incidents first, then this file"
    )]
    Quota { unlinked_bytes: i64 },
    #[error(
        "this device has begun {begun} uploads and may have {MOST_UNFINISHED} unfinished; finish or delete some first"
    )]
    Unfinished { begun: i64 },
    #[error("this device has sent {recent_bytes} bytes within a day, which is all it may; go on later")]
    Daily { recent_bytes: i64 },
    #[error("the hub's disk is nearly full; evidence waits on the box until there is room")]
    Full,
    #[error("there is no such upload of this device; begin anew")]
    Unknown,
    #[error("this upload ended on {0}; begin anew")]
    Expired(UtcMs),
    #[error("the upload stands at {expected}, not at {given}")]
    Offset { expected: i64, given: i64 },
    #[error("another request is filling this upload")]
    Locked,
    #[error("more bytes came than the {size_bytes} announced")]
    Overrun { size_bytes: i64 },
    #[error("the content's SHA-256 is {found}, not {announced}; the upload was removed, begin anew")]
    Mismatch { announced: String, found: String },
    #[error("storing the file: {0}")]
    Io(#[from] io::Error),
    #[error("evidence database: {0}")]
    Db(#[from] sqlx::Error),
}

/// Uploads that one box may have under way. It sends one file at a time; each that breaks off leaves one.
const MOST_UNFINISHED: i64 = 16;

const DAY_MS: i64 = 86_400_000;

/// What one box may have here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes that nothing names yet.
    pub(super) unlinked_bytes: i64,
    /// Bytes within 24 hours.
    pub(super) daily_bytes: i64,
    /// What evidence leaves free on the disk.
    pub(super) keep_free_bytes: u64,
}

impl Limits {
    fn allow(self, found: &store::Beginning, size_bytes: i64) -> Result<(), UploadError> {
        let held = &found.held;
        let unlinked = held.unlinked_bytes.saturating_add(size_bytes).saturating_add(store::FILE_COST);
        if held.unfinished >= MOST_UNFINISHED {
            Err(UploadError::Unfinished { begun: held.unfinished })
        } else if !found.named && unlinked > self.unlinked_bytes {
            Err(UploadError::Quota { unlinked_bytes: held.unlinked_bytes })
        } else if held.recent_bytes.saturating_add(size_bytes) > self.daily_bytes {
            Err(UploadError::Daily { recent_bytes: held.recent_bytes })
        } else {
            Ok(())
        }
    }
}

/// What a box says of a file before sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    pub sha256: Sha256Hex,
    pub kind: EvidenceKind,
    pub media_type: String,
    pub size_bytes: u64,
}

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub upload_id: String,
    pub offset_bytes: i64,
    pub size_bytes: i64,
    pub expires_at: UtcMs,
}

impl From<store::Upload> for Standing {
    fn from(upload: store::Upload) -> Self {
        Self {
            upload_id: upload.upload_id,
            offset_bytes: upload.offset_bytes,
            size_bytes: upload.size_bytes,
            expires_at: UtcMs(upload.expires_at_ms),
        }
    }
}

/// Uploads that a request of this process is filling.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy(Arc<Mutex<HashSet<String>>>);

struct BusyGuard(Busy, String);

impl Busy {
    fn take(&self, upload_id: &str) -> Option<BusyGuard> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(upload_id.to_owned());
        fresh.then(|| BusyGuard(self.clone(), upload_id.to_owned()))
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl EvidenceStore {
    /// Begins an upload, in place of an earlier one of the same file. A file that this box has sent before is an
    /// upload that stands at its end.
    pub async fn begin(&self, origin: &Origin, announced: &Announced) -> Result<Standing, UploadError> {
        if !MEDIA_TYPES.contains(&announced.media_type.as_str()) {
            return Err(UploadError::Metadata(format!(
                "filetype {:?} is not one of {}",
                announced.media_type,
                MEDIA_TYPES.join(", ")
            )));
        }
        if announced.size_bytes > MAX_EVIDENCE_BYTES || announced.size_bytes == 0 {
            return Err(UploadError::TooLarge { size_bytes: announced.size_bytes });
        }
        self.leave_room()?;
        let now = self.clock.now();
        let mut upload = store::Upload {
            tenant: origin.tenant.to_string(),
            upload_id: self.chance.uuid_v7(now).to_string(),
            device_id: origin.device.to_string(),
            sha256: announced.sha256.to_string(),
            kind: announced.kind.as_str().to_owned(),
            media_type: announced.media_type.clone(),
            size_bytes: announced.size_bytes as i64,
            offset_bytes: 0,
            expires_at_ms: now.plus_ms(self.upload_life_ms).0,
        };
        let mut tx = self.db.begin().await?;
        let (found, earlier) = store::look(&mut tx, &upload, now.0 - DAY_MS).await?;
        if found.here {
            upload.offset_bytes = upload.size_bytes;
        } else {
            self.limits.allow(&found, upload.size_bytes)?;
        }
        store::begin(&mut tx, &upload, now).await?;
        tx.commit().await?;
        for id in earlier {
            remove_file(&self.upload_path(&id)).await?;
        }
        if !found.here {
            tokio::fs::File::create(self.upload_path(&upload.upload_id)).await?;
        }
        Ok(upload.into())
    }

    /// Incidents need the disk more than files do.
    pub(super) fn leave_room(&self) -> Result<(), UploadError> {
        let disk = rustix::fs::statvfs(&**self.folder).map_err(io::Error::from)?;
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free_bytes < self.limits.keep_free_bytes { Err(UploadError::Full) } else { Ok(()) }
    }

    pub async fn standing(&self, origin: &Origin, upload_id: &str) -> Result<Standing, UploadError> {
        self.known(origin, upload_id).await.map(Standing::from)
    }

    async fn known(&self, origin: &Origin, upload_id: &str) -> Result<store::Upload, UploadError> {
        let upload = store::upload(&self.db, origin, upload_id).await?.ok_or(UploadError::Unknown)?;
        if upload.expires_at_ms <= self.clock.now().0 {
            return Err(UploadError::Expired(UtcMs(upload.expires_at_ms)));
        }
        Ok(upload)
    }

    /// Adds bytes at `offset`. Returns where the upload stands then, finished when that is its size.
    pub async fn fill(
        &self,
        origin: &Origin,
        upload_id: &str,
        offset: i64,
        body: BodyDataStream,
    ) -> Result<Standing, UploadError> {
        self.fill_within(origin, upload_id, offset, body, SILENCE).await
    }

    /// The same with another patience for a silent line.
    pub(super) async fn fill_within(
        &self,
        origin: &Origin,
        upload_id: &str,
        offset: i64,
        body: BodyDataStream,
        silence: Duration,
    ) -> Result<Standing, UploadError> {
        let guard = self.busy.take(upload_id).ok_or(UploadError::Locked)?;
        let upload = self.known(origin, upload_id).await?;
        if upload.offset_bytes == upload.size_bytes && offset <= upload.size_bytes {
            // Here already, which a plain client learns from its first PATCH, at 0. What it sends is let go.
            drain(body, upload.size_bytes - offset).await;
            return Ok(upload.into());
        }
        if offset != upload.offset_bytes {
            return Err(UploadError::Offset { expected: upload.offset_bytes, given: offset });
        }
        // A task of its own: when the connection breaks, the server drops the handler, and what came must be kept.
        let this = self.clone();
        let task = tokio::spawn(async move {
            let _guard = guard;
            this.write(upload, body, silence).await
        });
        task.await.map_err(|error| io::Error::other(error.to_string()))?
    }

    async fn write(
        &self,
        mut upload: store::Upload,
        mut body: BodyDataStream,
        silence: Duration,
    ) -> Result<Standing, UploadError> {
        let path = self.upload_path(&upload.upload_id);
        let mut file = match tokio::fs::OpenOptions::new().write(true).open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.without_file(upload).await,
            Err(error) => return Err(error.into()),
        };
        file.set_len(upload.offset_bytes as u64).await?;
        file.seek(io::SeekFrom::End(0)).await?;
        let mut offset = upload.offset_bytes;
        let mut broken = None;
        loop {
            // A line that died without a word must not hold the upload.
            let Ok(chunk) = tokio::time::timeout(silence, body.next()).await else {
                broken = Some("nothing came for a while".to_owned());
                break;
            };
            let Some(chunk) = chunk else { break };
            match chunk {
                Ok(chunk) if offset + chunk.len() as i64 > upload.size_bytes => {
                    return Err(UploadError::Overrun { size_bytes: upload.size_bytes });
                }
                Ok(chunk) => {
                    self.leave_room()?;
                    file.write_all(&chunk).await?;
                    offset += chunk.len() as i64;
                }
                Err(error) => {
                    broken = Some(error.to_string());
                    break;
                }
            }
        }
        file.flush().await?;
        file.sync_data().await?;
        let expires_at = self.clock.now().plus_ms(self.upload_life_ms);
        if offset == upload.size_bytes {
            self.finish(&upload, &path).await?;
        }
        store::advance(&self.db, &upload, offset, expires_at).await?;
        if let Some(error) = broken {
            tracing::info!(upload = upload.upload_id, offset, %error, "an upload broke off; what came is kept");
        }
        upload.offset_bytes = offset;
        upload.expires_at_ms = expires_at.0;
        Ok(upload.into())
    }

    /// The hub died between moving the file to its place and saying so, or before it made it.
    async fn without_file(&self, mut upload: store::Upload) -> Result<Standing, UploadError> {
        let (Ok(tenant), Ok(sha256)) = (upload.tenant.parse(), upload.sha256.parse()) else {
            return Err(UploadError::Unknown);
        };
        let settled = self.path(&tenant, &sha256);
        // Only whole and hashed files get there; where another box has sent the same, it may be that one's.
        if tokio::fs::try_exists(&settled).await? && !store::is_of_another(&self.db, &upload).await? {
            self.note_finished(&upload).await?;
            store::advance(&self.db, &upload, upload.size_bytes, UtcMs(upload.expires_at_ms)).await?;
            upload.offset_bytes = upload.size_bytes;
            return Ok(upload.into());
        }
        store::forget(&self.db, &upload).await?;
        Err(UploadError::Unknown)
    }

    async fn note_finished(&self, upload: &store::Upload) -> Result<(), UploadError> {
        let mut tx = self.db.begin().await?;
        store::finish(&mut tx, upload, self.clock.now()).await?;
        tx.commit().await?;
        self.changes.wake();
        Ok(())
    }

    async fn finish(&self, upload: &store::Upload, path: &Path) -> Result<(), UploadError> {
        let (hashed, announced) = (path.to_owned(), upload.sha256.clone());
        let found = tokio::task::spawn_blocking(move || sha256_of(&hashed))
            .await
            .map_err(|error| io::Error::other(error.to_string()))??;
        if found != announced {
            self.remove(upload).await?;
            self.metrics.evidence_mismatches.inc();
            return Err(UploadError::Mismatch { announced, found });
        }
        let (Ok(tenant), Ok(sha256)) = (upload.tenant.parse(), upload.sha256.parse()) else {
            return Err(UploadError::Unknown);
        };
        let target = self.path(&tenant, &sha256);
        let source = path.to_owned();
        tokio::task::spawn_blocking(move || settle(&source, &target))
            .await
            .map_err(|error| io::Error::other(error.to_string()))??;
        self.note_finished(upload).await?;
        self.metrics.evidence_stored_bytes.inc_by(upload.size_bytes as u64);
        Ok(())
    }

    /// Gives up an upload.
    pub async fn abandon(&self, origin: &Origin, upload_id: &str) -> Result<(), UploadError> {
        let _guard = self.busy.take(upload_id).ok_or(UploadError::Locked)?;
        let upload = store::upload(&self.db, origin, upload_id).await?.ok_or(UploadError::Unknown)?;
        self.remove(&upload).await
    }

    async fn remove(&self, upload: &store::Upload) -> Result<(), UploadError> {
        store::forget(&self.db, upload).await?;
        Ok(remove_file(&self.upload_path(&upload.upload_id)).await?)
    }

    /// Removes uploads that nobody continued. Safe to run twice.
    pub async fn remove_expired(&self) -> Result<usize, UploadError> {
        let expired = store::expired(&self.db, self.clock.now()).await?;
        let mut removed = 0;
        for upload in expired {
            if self.busy.take(&upload.upload_id).is_some() {
                self.remove(&upload).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes files of uploads that no row knows. Safe to run beside uploads: a row is there before its file.
    pub async fn remove_orphans(&self) -> Result<usize, UploadError> {
        let mut files = Vec::new();
        let mut folder = tokio::fs::read_dir(self.folder.join("uploads")).await?;
        while let Some(entry) = folder.next_entry().await? {
            files.extend(entry.file_name().into_string());
        }
        let known = store::all_uploads(&self.db).await?;
        let mut removed = 0;
        for name in files.iter().filter(|name| !known.contains(*name)) {
            remove_file(&self.upload_path(name)).await?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// Finished uploads have moved, so there may be nothing to remove.
async fn remove_file(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Reads and lets go of at most `most` bytes: a client that is answered before it has sent all may see a reset instead.
async fn drain(mut body: BodyDataStream, most: i64) {
    let mut left = most;
    while left > 0 {
        match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(chunk))) => left -= chunk.len() as i64,
            _ => return,
        }
    }
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Moves a synced file to its place and syncs the folders, so that the row written next speaks the truth.
pub(super) fn settle(source: &Path, target: &Path) -> io::Result<()> {
    let folder: PathBuf = target.parent().map(Path::to_owned).unwrap_or_default();
    std::fs::create_dir_all(&folder)?;
    std::fs::rename(source, target)?;
    let mut up = Some(folder.as_path());
    for _ in 0..3 {
        let Some(folder) = up else { break };
        std::fs::File::open(folder)?.sync_all()?;
        up = folder.parent();
    }
    Ok(())
}
