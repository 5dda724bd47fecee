//! `SHA256SUMS` in a models folder: hashes that a site vouches for, in the form that `sha256sum` writes. They count where
//! the manifest has none.

use std::fs;
use std::path::Path;

use crate::hash::is_sha256;

pub(crate) const PINS_FILE: &str = "SHA256SUMS";

/// The site's hash of a model's file, in any of the folders; the first one counts. Lines name `FILE`, `NAME/FILE` or
/// `NAME/VERSION/FILE`; what is no such line is passed over.
pub(crate) fn pin<'a>(
    folders: impl IntoIterator<Item = &'a Path>,
    (name, version, file): (&str, &str, &str),
) -> Option<String> {
    let wanted = [format!("{name}/{version}/{file}"), format!("{name}/{file}"), file.to_owned()];
    folders.into_iter().find_map(|folder| {
        let text = fs::read_to_string(folder.join(PINS_FILE)).ok()?;
        text.lines().find_map(|line| {
            let (hash, rest) = line.trim().split_once(char::is_whitespace)?;
            // A star says that the file was read as bytes.
            let path = rest.trim_start().trim_start_matches('*').trim_start_matches("./");
            (is_sha256(hash) && wanted.iter().any(|w| w == path)).then(|| hash.to_ascii_lowercase())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `sha256sum` writes is read, by file, by model and by version; other words are none.
    #[test]
    fn what_sha256sum_writes_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = ("a".repeat(64), "B".repeat(64));
        let text = format!("# ours\n{one}  a.bin\n{other} *m/2/b.bin\nabc  c.bin\n");
        fs::write(folder.path().join(PINS_FILE), text).unwrap();
        let of = |file| pin([folder.path()], ("m", "2", file));
        assert_eq!((of("a.bin"), of("b.bin")), (Some(one), Some("b".repeat(64))));
        assert_eq!((of("c.bin"), of("bin")), (None, None));
        assert_eq!(pin([folder.path()], ("m", "3", "b.bin")), None);
    }
}
