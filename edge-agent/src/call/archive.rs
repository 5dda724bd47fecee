//! Calls on the box's disk. The folder a file lies in is its state:
//!
//! ```text
//! calls/open/{n}.json + {n}.pcm   one leg as it comes: raw samples, so there is no header to repair after a crash
//! calls/waiting/{incident}.json   filed; still waits for a transcript, or its last revision for the outbox
//! calls/filed/{incident}.json     nothing left to do; kept as long as its recording
//! recordings/{sha256}.wav         left = caller, right = operator
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::{CallId, Incident, IncidentId, Leg, Subject};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Speech of one side, in milliseconds from the start of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    pub leg: Leg,
    pub start_ms: u64,
    pub end_ms: u64,
}

/// A filed call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Newest revision.
    pub incident: Incident,
    /// File name in `recordings/`; `None` for a call without a single sample.
    pub recording: Option<String>,
    pub speech: Vec<Spoken>,
    /// The newest revision was handed over long enough ago to be in the outbox for certain.
    #[serde(default)]
    pub handed_over: bool,
    /// Transcriptions that failed.
    #[serde(default)]
    pub attempts: u32,
}

#[derive(Clone, Debug)]
pub struct Archive {
    calls: PathBuf,
    recordings: PathBuf,
}

impl Archive {
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let archive = Self { calls: data_dir.join("calls"), recordings: data_dir.join("recordings") };
        for folder in [&archive.legs(), &archive.waiting(), &archive.filed(), &archive.recordings] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {} for calls", folder.display()))?;
        }
        Ok(archive)
    }

    pub fn legs(&self) -> PathBuf {
        self.calls.join("open")
    }

    fn waiting(&self) -> PathBuf {
        self.calls.join("waiting")
    }

    fn filed(&self) -> PathBuf {
        self.calls.join("filed")
    }

    pub fn recordings(&self) -> &Path {
        &self.recordings
    }

    fn name(id: IncidentId) -> String {
        format!("{id}.json")
    }

    pub fn holds(&self, id: IncidentId) -> bool {
        [self.waiting(), self.filed()].iter().any(|folder| folder.join(Self::name(id)).exists())
    }

    pub fn save(&self, record: &Record) -> anyhow::Result<()> {
        write_json(&self.waiting().join(Self::name(record.incident.incident_id)), record)
    }

    /// Moves a record to where nothing is left to do.
    pub fn settle(&self, record: &Record) -> anyhow::Result<()> {
        let name = Self::name(record.incident.incident_id);
        fs::rename(self.waiting().join(&name), self.filed().join(&name)).context("cannot move a filed call")
    }

    /// Records with something left to do, oldest first.
    pub fn unsettled(&self) -> Vec<Record> {
        read_all(&self.waiting())
    }

    /// The record of a call, for a user who asks for its recording. The newest when the exchange used an id twice.
    pub fn find(&self, call_id: CallId) -> Option<Record> {
        let of_call =
            |r: &Record| matches!(&r.incident.subject, Subject::Call(call) if call.call_id == call_id);
        let mut found: Vec<Record> =
            [self.waiting(), self.filed()].iter().flat_map(|f| read_all(f)).filter(of_call).collect();
        found.sort_by_key(|r| r.incident.started_at);
        found.pop()
    }

    /// Forgets settled calls whose recording is gone (its retention ended), or that never had one.
    pub fn forget_gone(&self) {
        for record in read_all::<Record>(&self.filed()) {
            let kept = record.recording.as_ref().is_some_and(|name| self.recordings.join(name).exists());
            if !kept {
                let path = self.filed().join(Self::name(record.incident.incident_id));
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!(path = %path.display(), %error, "cannot forget a filed call");
                }
            }
        }
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
