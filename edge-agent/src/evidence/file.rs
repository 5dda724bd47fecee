//! Evidence on disk: written aside, synced, then named by its content.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use protocol::{Delivery, Evidence, EvidenceKind, Footage, Sha256Hex, UtcMs};
use sha2::{Digest, Sha256};

use crate::report::EvidenceFile;

/// The folder of finished evidence.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    counter: AtomicU64,
}

/// What the file's name and bytes do not tell.
pub(super) struct Facts {
    pub(super) kind: EvidenceKind,
    pub(super) starts_at: UtcMs,
    pub(super) duration_ms: Option<u64>,
    pub(super) masked: bool,
    pub(super) blurred: bool,
    pub(super) footage: Option<Footage>,
}

impl Folder {
    /// Makes the folder and clears what an earlier run left half-written.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        for entry in fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
            let file = entry.with_context(|| format!("reading {}", path.display()))?.path();
            if file.extension().is_some_and(|e| e == "part") {
                fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
            }
        }
        Ok(Self { path, counter: AtomicU64::new(0) })
    }

    /// A place to write to, in this folder, so that the final name costs no copy. Gone when dropped.
    pub(super) fn part(&self) -> Part {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Part(self.path.join(format!("{number}.part")))
    }

    /// Where a finished file lies.
    pub(super) fn path(&self, sha256: &Sha256Hex, kind: EvidenceKind) -> PathBuf {
        self.path.join(format!("{sha256}.{}", form(kind).1))
    }

    pub(super) fn keep_bytes(&self, bytes: &[u8], facts: &Facts) -> Result<EvidenceFile> {
        let part = self.part();
        let write = || File::create(&part.0)?.write_all(bytes);
        write().with_context(|| format!("writing {}", part.0.display()))?;
        self.keep(&part, facts)
    }

    /// Syncs and names a written file.
    pub(super) fn keep(&self, part: &Part, facts: &Facts) -> Result<EvidenceFile> {
        let at = part.0.display();
        let (sha256, size_bytes) = sync_and_hash(&part.0).with_context(|| format!("syncing {at}"))?;
        let (media_type, _) = form(facts.kind);
        let path = self.path(&sha256, facts.kind);
        fs::rename(&part.0, &path).with_context(|| format!("naming {at}"))?;
        // The name must be on disk before a row in the outbox speaks of it.
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("syncing {}", self.path.display()))?;
        let evidence = Evidence {
            sha256,
            kind: facts.kind,
            media_type: media_type.into(),
            size_bytes,
            delivery: Delivery::Automatic,
            starts_at: facts.starts_at,
            duration_ms: facts.duration_ms,
            masked: facts.masked,
            blurred: facts.blurred,
            footage: facts.footage.clone(),
        };
        Ok(EvidenceFile { evidence, path })
    }
}

/// Media type and ending of a file's name.
fn form(kind: EvidenceKind) -> (&'static str, &'static str) {
    match kind {
        EvidenceKind::Snapshot | EvidenceKind::Still => ("image/jpeg", "jpg"),
        EvidenceKind::Clip => ("video/mp4", "mp4"),
        EvidenceKind::Recording => ("audio/wav", "wav"),
    }
}

/// A file being written.
pub(super) struct Part(PathBuf);

impl Part {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed when kept; otherwise there is at most a remnant, which the next start clears too.
        let _ = fs::remove_file(&self.0);
    }
}

fn sync_and_hash(path: &Path) -> io::Result<(Sha256Hex, u64)> {
    let mut file = File::open(path)?;
    file.sync_all()?;
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        size += read as u64;
    }
    let digits = hex::encode(hash.finalize()).parse().map_err(io::Error::other)?;
    Ok((digits, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kept file bears its hash and size, twice the same content is one file, and nothing half-written stays.
    #[test]
    fn names_by_content() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("7.part"), "half").unwrap();
        let folder = Folder::open(place.path().to_owned()).unwrap();
        let facts = Facts {
            kind: EvidenceKind::Still,
            starts_at: UtcMs(5),
            duration_ms: None,
            masked: true,
            blurred: false,
            footage: None,
        };
        let kept = folder.keep_bytes(b"abc", &facts).unwrap();
        assert_eq!(
            kept.evidence.sha256.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!((kept.evidence.size_bytes, kept.evidence.masked), (3, true));
        assert_eq!(folder.keep_bytes(b"abc", &facts).unwrap().path, kept.path);
        drop(folder.part());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
