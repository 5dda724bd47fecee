//! Whether other files lie in a model's place than before, without reading them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use serde::Deserialize;

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

/// What lies there of a model. It is another one when a file, the description or something of the self-test has another
/// place, size or time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition(Vec<Stamp>);

impl Edition {
    /// Of these files; an error while one of them is missing.
    pub fn of(files: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        files.into_iter().map(Stamp::of).collect::<io::Result<_>>().map(Self)
    }

    /// Whether all of them still lie there as they were.
    pub fn lies_there(&self) -> bool {
        self.0.iter().all(|stamp| Stamp::of(stamp.path.clone()).is_ok_and(|now| now == *stamp))
    }
}

/// A `golden.json` and the files beside it that it names; nothing where there is none.
pub fn golden_files(golden: &Path) -> Vec<PathBuf> {
    let Ok(text) = fs::read(golden) else { return Vec::new() };
    let cases = serde_json::from_slice::<Golden>(&text).unwrap_or_default();
    let named =
        cases.pictures.into_iter().chain(cases.recordings).map(|case| golden.with_file_name(case.file));
    std::iter::once(golden.to_owned()).chain(named).collect()
}

/// What of a `golden.json` says on which files it depends.
#[derive(Default, Deserialize)]
struct Golden {
    #[serde(default)]
    pictures: Vec<Case>,
    #[serde(default)]
    recordings: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: PathBuf,
}

impl ModelStore {
    /// What lies there now; `None` while a file is missing.
    pub fn edition(&self, name: &str) -> Option<Edition> {
        let model = self.model(name).ok()?;
        let files = model.files.iter().map(|file| self.locate(&model, file));
        let mut paths = files.collect::<Result<Vec<_>, _>>().ok()?;
        paths.extend(self.description(name));
        paths.extend(self.golden(&model).iter().flat_map(|golden| golden_files(golden)));
        Edition::of(paths).ok()
    }
}
