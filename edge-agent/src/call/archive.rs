//! Calls on the box's disk. All of it blocks.
//!
//! ```text
//! calls/open/{n}.json + {n}.pcm   one leg as it comes: raw samples, so there is no header to repair after a crash
//! calls/decoding/{n}.pcm          sides of a recording of the inbox, while it is decoded
//! calls/filed/{incident}.json     a filed call, kept as long as its recording; before that one that raised an alarm
//! calls/corrections.json          what operators put right
//! recordings/{sha256}.wav         left = caller, right = operator
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::IncidentId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::Record;
use crate::report::EvidenceFile;

#[derive(Clone, Debug)]
pub struct Archive {
    calls: PathBuf,
    recordings: PathBuf,
}

impl Archive {
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let archive = Self { calls: data_dir.join("calls"), recordings: data_dir.join("recordings") };
        for folder in [&archive.legs(), &archive.filed(), &archive.recordings] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {} for calls", folder.display()))?;
        }
        Ok(archive)
    }

    pub fn legs(&self) -> PathBuf {
        self.calls.join("open")
    }

    /// Not that of open legs: what lies there after a kill is decoded anew, never filed as it is.
    pub fn decoding(&self) -> PathBuf {
        self.calls.join("decoding")
    }

    /// All of it but recordings.
    pub fn calls(&self) -> &Path {
        &self.calls
    }

    fn filed(&self) -> PathBuf {
        self.calls.join("filed")
    }

    pub fn recordings(&self) -> &Path {
        &self.recordings
    }

    fn path(&self, id: IncidentId) -> PathBuf {
        self.filed().join(format!("{id}.json"))
    }

    pub fn holds(&self, id: IncidentId) -> bool {
        self.path(id).exists()
    }

    /// `None` when there is none, or none that can be read.
    pub fn load(&self, id: IncidentId) -> Option<Record> {
        read_json(&self.path(id))
    }

    pub fn load_all(&self) -> Vec<Record> {
        read_all(&self.filed())
    }

    pub fn save(&self, record: &Record) -> anyhow::Result<()> {
        write_json(&self.path(record.incident.incident_id), record)
    }

    pub fn remove(&self, id: IncidentId) -> io::Result<()> {
        fs::remove_file(self.path(id))
    }

    /// False only when the file is gone for certain: its retention ended, or the space was needed.
    pub fn has_recording(&self, name: &str) -> bool {
        !matches!(self.recordings.join(name).try_exists(), Ok(false))
    }

    /// The recording as evidence with its place on disk.
    pub fn files_of(&self, record: &Record) -> Vec<EvidenceFile> {
        let evidence = record.incident.evidence.first();
        evidence
            .zip(record.recording.as_ref())
            .map(|(evidence, name)| EvidenceFile {
                evidence: evidence.clone(),
                path: self.recordings.join(name),
            })
            .into_iter()
            .collect()
    }
}

/// Every readable JSON file of a folder, by name. One that cannot be read is set aside, never lost.
pub fn read_all<T: DeserializeOwned>(folder: &Path) -> Vec<T> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
    paths.sort();
    paths.iter().filter_map(|path| read_json(path)).collect()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    match serde_json::from_slice(&bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            let aside = path.with_extension("unreadable");
            tracing::error!(path = %path.display(), aside = %aside.display(), %error, "a call's record is damaged; set aside");
            let _ = fs::rename(path, aside);
            None
        }
    }
}

/// Replaces `path` in one step: after a power cut it holds the old or the new value, whole.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let partial = path.with_extension("partial");
        let mut file = File::create(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        sync_folder(path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a rename or a new file in the folder of `path` survive a power cut.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
