//! A file that only holds disk space. When the disk is full it is given up, so that incidents can still be
//! written while people make room.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

/// Enough for some thousand incidents.
const SIZE_BYTES: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Reserve(pub(super) PathBuf);

impl Reserve {
    /// Makes the file when it is not there; blocks are really taken.
    pub(super) fn ensure(&self) -> io::Result<()> {
        if fs::metadata(&self.0).is_ok_and(|meta| meta.len() >= SIZE_BYTES) {
            return Ok(());
        }
        let file = File::create(&self.0)?;
        let taken = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, SIZE_BYTES);
        if let Err(error) = taken {
            // A file without space would only look like a reserve.
            let _ = fs::remove_file(&self.0);
            return Err(error.into());
        }
        file.sync_all()
    }

    /// Gives the space back; true when there was any.
    pub(super) fn release(&self) -> bool {
        fs::remove_file(&self.0).is_ok()
    }
}
