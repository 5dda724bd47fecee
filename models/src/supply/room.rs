//! Is there room on the disk?

use std::path::Path;

use super::error::SupplyError;

/// What a box needs besides, so that models do not take the last room from evidence.
const SPARE_BYTES: u64 = 32 << 20;

/// An error where the disk of `folder` lacks room for `needed` bytes and some to spare. Where the system does not tell,
/// writing will.
pub(super) fn check(folder: &Path, what: &str, needed: u64) -> Result<(), SupplyError> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let (free, needed) = (disk.f_bavail.saturating_mul(disk.f_frsize), needed.saturating_add(SPARE_BYTES));
    if free >= needed {
        return Ok(());
    }
    Err(SupplyError::NoRoom { folder: folder.to_owned(), what: what.to_owned(), needed, free })
}
