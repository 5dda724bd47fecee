//! The hub's key pair for callback numbers: 64 hexadecimal digits in `pki/contact.key`, for the hub's user alone.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use protocol::{Chance, ContactSecret};

use crate::pki::files::{PRIVATE, write};

const FILE: &str = "contact.key";

/// Opens the key in the authority's folder, or makes one. Without it the numbers that are kept stay closed for ever, so one
/// that cannot be read is never replaced.
pub fn open(folder: &Path, chance: &Chance) -> anyhow::Result<ContactSecret> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join(FILE);
    // `hub run` and a command typed beside it may both find nothing; one of them makes it.
    let alone = File::create(folder.join("lock")).context("making the authority's lock")?;
    alone.lock().context("waiting for whoever opens the authority")?;
    if !path.exists() {
        write(&path, &hex::encode(chance.bytes::<32>()), PRIVATE)?;
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).with_context(|| {
        format!(
            "{} is no key for callback numbers: bring it back from a backup, or move it away to begin with a new one, \
             which opens none of the numbers that are kept",
            path.display()
        )
    })?;
    Ok(ContactSecret::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opened again, it is the same key, readable by nobody else; a damaged one is refused and stays where it is.
    #[test]
    fn the_key_persists() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
        let first = open(dir.path(), &chance).unwrap().key();
        assert_eq!(open(dir.path(), &chance).unwrap().key(), first);
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "half").unwrap();
        let error = format!("{:#}", open(dir.path(), &chance).unwrap_err());
        assert!(error.contains("no key for callback numbers"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "half");
    }
}
