//! One process at a time changes a models folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::error::SupplyError;

pub(super) const LOCK_FILE: &str = ".lock";

/// Held until dropped; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// `act` is what the others are told.
    pub(super) fn take(folder: &Path, act: &str) -> Result<Self, SupplyError> {
        let path = folder.join(LOCK_FILE);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(SupplyError::files("opening", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut words = String::new();
                let _ = (&mut file).take(200).read_to_string(&mut words);
                let holder = match words.trim() {
                    "" => "another process works there".to_owned(),
                    words => words.to_owned(),
                };
                return Err(SupplyError::Busy { folder: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => {
                return Err(SupplyError::Files { doing: "locking", path, source });
            }
        }
        let words = format!("process {}: {act}\n", std::process::id());
        let said =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(words.as_bytes()));
        said.map_err(SupplyError::files("writing", &path))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}
