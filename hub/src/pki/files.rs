//! Certificates and keys on disk.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context;

/// For the hub's user alone.
pub(crate) const PRIVATE: u32 = 0o600;
/// For the group of the folder too: a broker's user reads its key.
pub(crate) const GROUP: u32 = 0o640;
pub(crate) const PUBLIC: u32 = 0o644;

/// Whole or not at all, synced; with this mode from the first byte on, whatever the service's umask is.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let place = || format!("writing {}", path.display());
    let beside = path.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&beside)
        .with_context(place)?;
    file.set_permissions(Permissions::from_mode(mode)).with_context(place)?;
    file.write_all(text.as_bytes()).with_context(place)?;
    file.sync_all().with_context(place)?;
    std::fs::rename(&beside, path).with_context(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A broker of another user must be able to read its files, and nobody the keys, however the service was started.
    #[test]
    fn modes_do_not_depend_on_the_umask() {
        let folder = tempfile::tempdir().unwrap();
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        for mode in [PRIVATE, GROUP, PUBLIC] {
            let path = folder.path().join("file");
            write(&path, "text", mode).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        rustix::process::umask(before);
    }
}
