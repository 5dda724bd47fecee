//! `NAME/VERSION/installed.toml`: what was installed, whence, and who vouches for it.
//!
//! It tells damage and mix-ups, and keeps the hash of a file for which the manifest has none from one use to the next.
//! It does not tell the work of somebody who may write into the folder: that one may write the record too.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::hash::{self, Fingerprint};
use crate::manifest::Model;
use crate::place::{RECORD_FILE, is_model_name, is_plain, is_plain_path};

/// Who vouches for a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Nobody: it is what came the first time.
    Recorded,
    /// The site, in `SHA256SUMS` or in the `model.toml` of its own model.
    Site,
    /// The manifest of this program.
    Manifest,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "vouched for by the manifest",
            Self::Site => "pinned by the site",
            Self::Recorded => "recorded at first fetch",
        })
    }
}

/// What a file has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub sha256: String,
    pub size_bytes: Option<u64>,
    pub trust: Trust,
    /// When it was recorded, where that is all there is.
    pub since: Option<String>,
}

impl Expected {
    pub(crate) fn is(&self, found: &Fingerprint) -> bool {
        self.sha256.eq_ignore_ascii_case(&found.sha256)
            && self.size_bytes.is_none_or(|size| size == found.size_bytes)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sha256)?;
        if let Some(size) = self.size_bytes {
            write!(f, " ({size} bytes)")?;
        }
        write!(f, ", {}", self.trust)?;
        self.since.as_ref().map_or(Ok(()), |since| write!(f, " on {since}"))
    }
}

/// A file as it was when it was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFile {
    /// Below the version's folder, with `/`; of an archive its own name.
    pub name: String,
    pub size_bytes: u64,
    pub sha256: String,
    pub trust: Trust,
    /// An address, `imported from …`, or the archive that it was in.
    pub from: String,
}

impl RecordedFile {
    pub(crate) fn new(name: &str, found: Fingerprint, trust: Trust, from: &str) -> Self {
        let Fingerprint { size_bytes, sha256 } = found;
        Self { name: name.to_owned(), size_bytes, sha256, trust, from: from.to_owned() }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint { size_bytes: self.size_bytes, sha256: self.sha256.clone() }
    }
}

/// One installed version of a model, in the manifest's form as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub name: String,
    pub version: String,
    pub task: String,
    pub licence: String,
    /// RFC 3339.
    pub installed_at: String,
    /// What lies in the folder.
    #[serde(rename = "file", default)]
    pub files: Vec<RecordedFile>,
    /// What was unpacked there, and is not kept.
    #[serde(rename = "archive", default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<RecordedFile>,
}

/// What is wrong with one file of an installed model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Missing {
        path: PathBuf,
    },
    Different {
        path: PathBuf,
        expected: String,
        found: String,
    },
    /// It was not there when the model was installed.
    Foreign {
        path: PathBuf,
    },
    Unreadable {
        path: PathBuf,
        why: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "{} is missing", path.display()),
            Self::Different { path, expected, found } => {
                write!(f, "{}: SHA-256 should be {expected} and is {found}", path.display())
            }
            Self::Foreign { path } => {
                write!(f, "{} does not belong to it: it was not there when it was installed", path.display())
            }
            Self::Unreadable { path, why } => write!(f, "{} cannot be read: {why}", path.display()),
        }
    }
}

impl Record {
    pub(crate) fn of(model: &Model, installed_at: &str) -> Self {
        Self {
            name: model.name.clone(),
            version: model.version.clone(),
            task: model.task.clone(),
            licence: model.licence.clone(),
            installed_at: installed_at.to_owned(),
            files: Vec::new(),
            archives: Vec::new(),
        }
    }

    /// The record of a version's folder; `Ok(None)` where there is none. The error says what is wrong with it.
    pub fn read(folder: &Path) -> Result<Option<Self>, String> {
        let path = folder.join(RECORD_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // A record lies in a folder; where that is a file there is none.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let record: Self = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        match record.problem() {
            Some(problem) => Err(format!("{}: {problem}", path.display())),
            None => Ok(Some(record)),
        }
    }

    /// What makes it unusable: records also come from other people's sticks.
    pub(crate) fn problem(&self) -> Option<String> {
        if !is_model_name(&self.name) || !is_plain(&self.version) {
            return Some(format!("{:?} {:?} is no name and version", self.name, self.version));
        }
        let mut names = BTreeSet::new();
        for file in self.files.iter().chain(&self.archives) {
            if !is_plain_path(&file.name) || file.name == RECORD_FILE {
                return Some(format!("{:?} is no path of a model's file", file.name));
            }
            if !hash::is_sha256(&file.sha256) {
                return Some(format!("{:?} is no SHA-256", file.sha256));
            }
            if !names.insert(&file.name) {
                return Some(format!("{} is listed twice", file.name));
            }
        }
        self.files.is_empty().then(|| "it lists no file".to_owned())
    }

    pub(crate) fn file(&self, name: &str) -> Option<&RecordedFile> {
        self.files.iter().find(|f| f.name == name)
    }

    pub(crate) fn archive(&self, name: &str) -> Option<&RecordedFile> {
        self.archives.iter().find(|f| f.name == name)
    }

    /// What is vouched for least.
    pub fn trust(&self) -> Trust {
        self.files.iter().chain(&self.archives).map(|f| f.trust).min().unwrap_or(Trust::Recorded)
    }

    pub(crate) fn expected(&self, file: &RecordedFile) -> Expected {
        let since = (file.trust == Trust::Recorded).then(|| self.installed_at.clone());
        Expected { sha256: file.sha256.clone(), size_bytes: Some(file.size_bytes), trust: file.trust, since }
    }

    /// Holds everything in `folder` against the record; `print` tells what lies at a path.
    pub(crate) fn faults(
        &self,
        folder: &Path,
        print: impl Fn(&Path) -> std::io::Result<Fingerprint>,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        for file in &self.files {
            let path = folder.join(&file.name);
            match print(&path) {
                Ok(found) if found == file.fingerprint() => {}
                Ok(found) => faults.push(Fault::Different {
                    path,
                    expected: self.expected(file).to_string(),
                    found: found.to_string(),
                }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    faults.push(Fault::Missing { path });
                }
                Err(error) => faults.push(Fault::Unreadable { path, why: error.to_string() }),
            }
        }
        for name in files_below(folder) {
            if name != RECORD_FILE && self.file(&name).is_none() {
                faults.push(Fault::Foreign { path: folder.join(name) });
            }
        }
        faults
    }
}

/// Every file below a folder that is not hidden, with `/`, in order. What cannot be read is left out; links to folders
/// are not followed.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, before: &str, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = format!("{before}{name}");
            if !is_plain(&name) || !is_plain_path(&path) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => walk(&entry.path(), &format!("{path}/"), into),
                Ok(_) => into.push(path),
                Err(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found);
    found.sort();
    found
}
