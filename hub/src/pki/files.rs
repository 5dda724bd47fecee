//! Certificates and keys on disk.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context;
use protocol::Chance;

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

/// A secret of 32 bytes that is kept as hexadecimal digits in `folder`, made when there is none. What is there is never
/// replaced: `what` says what would be lost with it.
pub(crate) fn secret(folder: &Path, name: &str, chance: &Chance, what: &str) -> anyhow::Result<[u8; 32]> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join(name);
    // `hub run` and a command typed beside it may both find nothing; one of them makes it.
    let alone = File::create(folder.join("lock")).context("making the authority's lock")?;
    alone.lock().context("waiting for whoever opens the authority")?;
    if !path.exists() {
        write(&path, &hex::encode(chance.bytes::<32>()), PRIVATE)?;
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).with_context(|| format!("{} {what}", path.display()))?;
    Ok(bytes)
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
