//! A file on its way: the bytes so far, and by what the server tells whether they still belong to the same file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SupplyError;
use crate::hash::{Fingerprint, Reckoning};

/// In the models folder.
pub(super) const PARTS_FOLDER: &str = ".downloads";

/// Beside the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    url: String,
    /// A strong ETag, else the date of the last change; what `If-Range` takes.
    validator: Option<String>,
}

pub(super) struct Part {
    path: PathBuf,
    origin: Origin,
    file: File,
    reckoning: Reckoning,
}

impl Part {
    /// Where the bytes of a model's file are kept between two attempts.
    pub(super) fn path(shelf: &Path, model: &str, version: &str, file: &str) -> PathBuf {
        shelf.join(PARTS_FOLDER).join(format!("{model}@{version}@{file}"))
    }

    /// Everything kept of a model.
    pub(super) fn all_of(shelf: &Path, model: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(shelf.join(PARTS_FOLDER)).into_iter().flatten().flatten();
        let of = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&format!("{model}@"))
        };
        entries.map(|e| e.path()).filter(of).collect()
    }

    /// What is there of `url`, or nothing. Bytes that are not known to be the server's are not gone on from.
    pub(super) fn open(path: &Path, url: &str) -> Result<Self, SupplyError> {
        let folder = path.parent().expect("a part lies in a folder");
        fs::create_dir_all(folder).map_err(SupplyError::files("making", folder))?;
        let known = fs::read_to_string(beside(path)).ok().and_then(|t| toml::from_str::<Origin>(&t).ok());
        let fresh = Origin { url: url.to_owned(), validator: None };
        let origin = known.filter(|o| o.url == url && o.validator.is_some()).unwrap_or(fresh);
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = opened.map_err(SupplyError::files("opening", path))?;
        let mut part = Self { path: path.to_owned(), origin, file, reckoning: Reckoning::default() };
        if part.origin.validator.is_none() {
            part.empty()?;
        } else {
            part.read_again().map_err(SupplyError::files("reading", path))?;
        }
        Ok(part)
    }

    fn read_again(&mut self) -> io::Result<()> {
        let (mut file, mut buffer) = (File::open(&self.path)?, vec![0; 64 * 1024]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                n => self.reckoning.take(&buffer[..n]),
            }
        }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.reckoning.size_bytes()
    }

    /// What `If-Range` takes; `None` where there is nothing to go on from.
    pub(super) fn validator(&self) -> Option<&str> {
        self.origin.validator.as_deref().filter(|_| self.size_bytes() > 0)
    }

    /// Begins anew.
    pub(super) fn empty(&mut self) -> Result<(), SupplyError> {
        self.reckoning = Reckoning::default();
        self.origin.validator = None;
        self.file.set_len(0).map_err(SupplyError::files("writing", &self.path))
    }

    /// What comes now is told by this.
    pub(super) fn comes_as(&mut self, validator: Option<String>) -> Result<(), SupplyError> {
        self.origin.validator = validator;
        let text = toml::to_string(&self.origin).expect("plain data");
        let path = beside(&self.path);
        fs::write(&path, text).map_err(SupplyError::files("writing", &path))
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), SupplyError> {
        self.file.write_all(bytes).map_err(SupplyError::files("writing", &self.path))?;
        self.reckoning.take(bytes);
        Ok(())
    }

    /// On the disk, and what it is.
    pub(super) fn finish(self) -> Result<Fingerprint, SupplyError> {
        self.file.sync_all().map_err(SupplyError::files("writing", &self.path))?;
        Ok(self.reckoning.fingerprint())
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_added_extension("from")
}

/// Takes away what is kept of a file.
pub(super) fn forget(path: &Path) {
    for path in [path.to_owned(), beside(path)] {
        let _ = fs::remove_file(path);
    }
}
