//! The hub's key pair for callback numbers: 64 hexadecimal digits in `pki/contact.key`, for the hub's user alone.

use std::path::Path;

use protocol::{Chance, ContactSecret};

use crate::pki::files::{PRIVATE, secret, write};

const FILE: &str = "contact.key";

/// Whether this hub has one.
pub(super) fn is_there(folder: &Path) -> bool {
    folder.join(FILE).exists()
}

/// Takes over another hub's, where this one has none.
pub(super) fn adopt(folder: &Path, key: &[u8; 32]) -> anyhow::Result<()> {
    write(&folder.join(FILE), &hex::encode(key), PRIVATE)
}

/// Opens the key in the authority's folder, or makes one. Without it the numbers that are kept stay closed for ever, so one
/// that cannot be read is never replaced.
pub fn open(folder: &Path, chance: &Chance) -> anyhow::Result<ContactSecret> {
    Ok(ContactSecret::from_bytes(bytes(folder, chance)?))
}

/// The same, bare.
pub fn bytes(folder: &Path, chance: &Chance) -> anyhow::Result<[u8; 32]> {
    let what = "is no key for callback numbers: bring it back from a backup, or move it away: the hub takes \
                over the key that its database keeps for several hubs, or begins with a new one, which opens none of the \
                numbers that are kept";
    secret(folder, FILE, chance, what)
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
