//! Whether other files lie in a model's place than before, without reading them.

use std::path::PathBuf;
use std::time::SystemTime;
use std::{fs, io};

use crate::store::ModelStore;

/// A file as it was. A changed one has another size or time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    path: PathBuf,
    size_bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(path: PathBuf) -> io::Result<Self> {
        let about = fs::metadata(&path)?;
        Ok(Self { path, size_bytes: about.len(), modified: about.modified().ok() })
    }
}

/// What lies there of a model. It is another one when a file, the description or the self-test has another place, size or
/// time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition(Vec<Stamp>);

impl Edition {
    /// Of these files; an error while one of them is missing.
    pub fn of(files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        files.into_iter().map(Stamp::of).collect::<io::Result<_>>().map(Self)
    }
}

impl ModelStore {
    /// What lies there now; `None` while a file is missing.
    pub fn edition(&self, name: &str) -> Option<Edition> {
        let model = self.model(name).ok()?;
        let files = model.files.iter().map(|file| self.locate(&model, file));
        let mut paths = files.collect::<Result<Vec<_>, _>>().ok()?;
        paths.extend(self.description(name));
        paths.extend(self.golden(&model));
        Edition::of(paths).ok()
    }
}
