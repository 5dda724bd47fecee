//! What can go wrong, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::record::Expected;
use crate::store::ModelError;

#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{doing} {path}: {source}{hint}", path = path.display(), hint = hint(source))]
    Files {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{folder} is in use: {holder}; wait until that has ended", folder = folder.display())]
    Busy { folder: PathBuf, holder: String },
    #[error(
        "{what} is refused: SHA-256 should be {expected} and is {found}; another version of the file, or damaged on \
         its way"
    )]
    Different { what: String, expected: String, found: String },
    #[error("{what} is refused: {expected} bytes are expected and {found} found")]
    Size { what: String, expected: u64, found: String },
    #[error("{archive} is refused: {problem}", archive = archive.display())]
    Archive { archive: PathBuf, problem: String },
    #[error(
        "{name} cannot be fetched: {why}; import it (`edge-agent models import DIR`), or name a server that has it (`--mirror URL`)"
    )]
    NoAddress { name: String, why: String },
    #[error("{url} is refused: {why}")]
    Address { url: String, why: &'static str },
    #[error("{url} answers {status}: {advice}")]
    Status { url: String, status: u16, advice: &'static str },
    #[error(
        "{url} cannot be fetched: {problem}; {tries} tries{kept}; is there a network (HTTPS_PROXY, where it has a proxy)? \
         Without one: `edge-agent models import DIR`",
        kept = kept(*kept_bytes)
    )]
    Network { url: String, problem: String, tries: u32, kept_bytes: u64 },
    #[error(
        "{folder} has {free} bytes free, {what} needs {needed}; make room, or name another folder (--models, or \
         [agent] models)",
        folder = folder.display()
    )]
    NoRoom { folder: PathBuf, what: String, needed: u64, free: u64 },
    #[error("{folder} holds no model that this version knows: neither a bundle nor files by their names in the manifest (`edge-agent models list`)", folder = folder.display())]
    NothingThere { folder: PathBuf },
    #[error("{what} is refused: {problem}")]
    Foreign { what: String, problem: String },
    #[error("{name} is not installed in {folder}{elsewhere}", folder = folder.display())]
    NotInstalled { name: String, folder: PathBuf, elsewhere: String },
}

impl SupplyError {
    pub(crate) fn files(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Files { doing, path, source }
    }

    pub(crate) fn different(what: impl Into<String>, expected: &Expected, found: impl ToString) -> Self {
        Self::Different { what: what.into(), expected: expected.to_string(), found: found.to_string() }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; run it as root or as the user that owns the folder (runuser -u shaodian-edge -- edge-agent …)"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "; name a folder that can be written to (--models, or [agent] models)"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there",
        io::ErrorKind::NotFound => "; is the path right, and the stick plugged in?",
        _ => "",
    }
}

fn kept(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        bytes => format!(", {bytes} bytes are kept, and the next fetch goes on from there"),
    }
}
