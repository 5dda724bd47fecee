//! Finding and verifying a model's files.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::edition::Stamp;
use crate::hash::{self, Fingerprint};
use crate::manifest::{Manifest, Model, ModelFile, manifest};
use crate::pins::pin;
use crate::place::{GOLDEN_FILE, SITE_FILE, is_model_name};
use crate::record::{Expected, Fault, Record, Trust};
use crate::site::{described_in, site_model};

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("model {name:?} is not in the manifest, and no {SITE_FILE} describes it; known: {known}")]
    Unknown { name: String, known: String },
    #[error("{path} does not describe model {name}: {problem}", path = path.display())]
    Description { name: String, path: PathBuf, problem: String },
    #[error(
        "model {name} is not installed: {file} was not found in {searched}; `edge-agent models fetch {name}`, or put \
         it there as {name}/{file}"
    )]
    Missing { name: String, file: String, searched: String },
    #[error(
        "{path} is not the file of model {name}: SHA-256 should be {expected} and is {found}; replace the file \
         (`edge-agent models fetch {name}`)",
        path = path.display()
    )]
    Different { name: String, path: PathBuf, expected: String, found: String },
    #[error("model {name} is not what was installed: {faults}; `edge-agent models fetch {name}` replaces it", faults = in_words(faults))]
    Damaged { name: String, faults: Vec<Fault> },
    #[error(
        "the record of model {name} cannot be used: {problem}; `edge-agent models fetch {name}` replaces it"
    )]
    Record { name: String, problem: String },
    #[error("{path} of model {name} cannot be read", path = path.display())]
    Unreadable {
        name: String,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The first few of them.
fn in_words(faults: &[Fault]) -> String {
    const MOST: usize = 3;
    let mut words: Vec<_> = faults.iter().take(MOST).map(Fault::to_string).collect();
    if faults.len() > MOST {
        words.push(format!("and {} more", faults.len() - MOST));
    }
    words.join("; ")
}

/// Where models are looked for, in order: the command line, the configuration, then `models` of the data folder.
pub fn search_folders(
    option: Option<PathBuf>,
    configured: Option<PathBuf>,
    data: Option<PathBuf>,
) -> Vec<PathBuf> {
    [option, configured, data.map(|d| d.join("models"))].into_iter().flatten().collect()
}

/// A model whose files are here and are the right ones.
#[derive(Clone, Debug)]
pub struct Weights {
    pub model: Model,
    /// In the manifest's order.
    pub files: Vec<PathBuf>,
    /// False where neither the manifest nor the site vouches for one of them.
    pub verified: bool,
    /// `golden.json` of its self-test, where one lies in a folder of the model.
    pub golden: Option<PathBuf>,
}

impl Weights {
    /// Name and version, as incidents carry it.
    pub fn title(&self) -> String {
        format!("{} {}", self.model.name, self.model.version)
    }

    /// The model itself.
    pub fn main_file(&self) -> &Path {
        self.files.first().expect("the manifest's test wants at least one file per model")
    }
}

/// The search folders, and what is known about files in them.
#[derive(Clone, Debug)]
pub struct ModelStore {
    manifest: Manifest,
    folders: Vec<PathBuf>,
    hashes: Arc<Mutex<HashMap<Stamp, Fingerprint>>>,
}

impl ModelStore {
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self::with_manifest(folders, manifest().clone())
    }

    /// With another manifest than the one compiled in.
    pub fn with_manifest(folders: Vec<PathBuf>, manifest: Manifest) -> Self {
        Self { manifest, folders, hashes: Arc::default() }
    }

    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Finds all files of a model and verifies them. The first folder that has the model decides: a wrong file
    /// there is an error, not a reason to look further.
    pub fn find(&self, name: &str) -> Result<Weights, ModelError> {
        let model = self.model(name)?;
        let (mut files, mut verified) = (Vec::new(), true);
        for file in &model.files {
            let path = self.locate(&model, file)?;
            let trust = self.verify(&model, file, &path)?;
            verified &= trust.is_some_and(|t| t > Trust::Recorded);
            files.push(path);
        }
        let golden = self.golden(&model);
        Ok(Weights { model, files, verified, golden })
    }

    /// The folder of a model that comes as an archive, once unpacked: the first that exists. What lies in it is held
    /// against what was installed, where that is recorded.
    pub fn folder(&self, name: &str) -> Result<PathBuf, ModelError> {
        let model = self.model(name)?;
        let found = self.unpacked(&model).ok_or_else(|| self.missing(&model, &model.files[0]))?;
        let faults = match Self::record(&model, &found)? {
            Some(record) => self.record_faults(&model, &record, &found),
            None => {
                tracing::warn!(model = name, path = %found.display(), "no known hash; used as it is");
                Vec::new()
            }
        };
        if faults.is_empty() { Ok(found) } else { Err(ModelError::Damaged { name: model.name, faults }) }
    }

    /// What is known of a model: the manifest's word, else the site's own.
    pub fn model(&self, name: &str) -> Result<Model, ModelError> {
        if let Some(model) = self.manifest.model(name) {
            return Ok(model.clone());
        }
        match self.description(name) {
            Some(path) => site_model(name, &path),
            None => {
                let known: Vec<_> = self.manifest.models.iter().map(|m| m.name.as_str()).collect();
                Err(ModelError::Unknown { name: name.to_owned(), known: known.join(", ") })
            }
        }
    }

    /// Name of the model that is used where `name` is not installed.
    pub fn stand_in(&self, name: &str) -> Option<&str> {
        self.manifest.stand_in(name).map(|model| model.name.as_str())
    }

    /// Every model that is known of: the manifest's in its order, then the site's by name.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.manifest.models.iter().map(|m| m.name.clone()).collect();
        let site: BTreeSet<String> =
            self.folders.iter().flat_map(|f| described_in(f)).map(|(name, _)| name).collect();
        names.extend(site.into_iter().filter(|name| self.manifest.model(name).is_none()));
        names
    }

    /// Is it described by the site, not by the manifest?
    pub fn is_of_the_site(&self, name: &str) -> bool {
        self.manifest.model(name).is_none()
    }

    /// Who vouches for a file of a model, wherever it lies.
    pub(crate) fn vouched(&self, model: &Model, file: &ModelFile) -> Option<Expected> {
        let own = if self.is_of_the_site(&model.name) { Trust::Site } else { Trust::Manifest };
        let words = (model.name.as_str(), model.version.as_str(), file.name.as_str());
        let pinned = || pin(self.folders.iter().map(PathBuf::as_path), words).map(|hash| (hash, Trust::Site));
        let (sha256, trust) = file.sha256.clone().map(|hash| (hash, own)).or_else(pinned)?;
        Some(Expected { sha256, size_bytes: file.size_bytes, trust, since: None })
    }

    /// A site's own description of a model.
    pub(crate) fn description(&self, name: &str) -> Option<PathBuf> {
        // A name from a configuration becomes part of a path.
        let plain = is_model_name(name);
        let mut places = self.folders.iter().map(|folder| folder.join(name).join(SITE_FILE));
        places.find(|p| plain && p.is_file())
    }

    /// What the model's self-test shows it, where that lies in a folder of the model.
    pub(crate) fn golden(&self, model: &Model) -> Option<PathBuf> {
        self.places(&model.name, &model.version).map(|p| p.join(GOLDEN_FILE)).find(|p| p.is_file())
    }

    /// `NAME/VERSION` before `NAME` in each folder.
    fn places<'a>(&'a self, name: &'a str, version: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        self.folders.iter().flat_map(move |folder| {
            let flat = folder.join(name);
            [flat.join(version), flat]
        })
    }

    /// A folder that holds nothing but those of other versions is none.
    pub(crate) fn unpacked(&self, model: &Model) -> Option<PathBuf> {
        let has_file = |p: &PathBuf| {
            let mut entries = fs::read_dir(p).into_iter().flatten().flatten();
            entries.any(|e| e.path().is_file() && e.file_name() != SITE_FILE)
        };
        self.places(&model.name, &model.version).find(has_file)
    }

    pub(crate) fn locate(&self, model: &Model, file: &ModelFile) -> Result<PathBuf, ModelError> {
        let found =
            self.places(&model.name, &model.version).map(|p| p.join(&file.name)).find(|p| p.is_file());
        found.ok_or_else(|| self.missing(model, file))
    }

    fn missing(&self, model: &Model, file: &ModelFile) -> ModelError {
        let searched: Vec<_> = self.folders.iter().map(|f| f.display().to_string()).collect();
        let searched = if searched.is_empty() {
            "any folder, for none is named (--models, or [agent] models)".to_owned()
        } else {
            searched.join(", ")
        };
        ModelError::Missing { name: model.name.clone(), file: file.name.clone(), searched }
    }

    /// Who vouches for a file that lies there; `None` where nobody does, and it is used as it is.
    fn verify(&self, model: &Model, file: &ModelFile, path: &Path) -> Result<Option<Trust>, ModelError> {
        let expected = match self.vouched(model, file) {
            Some(expected) => Some(expected),
            None => {
                let record = path.parent().map(|folder| Self::record(model, folder)).transpose()?.flatten();
                record.and_then(|r| r.file(&file.name).map(|f| r.expected(f)))
            }
        };
        let Some(expected) = expected else {
            tracing::warn!(model = model.name, path = %path.display(), "no known hash; used as it is");
            return Ok(None);
        };
        let found = self.print(path).map_err(|source| ModelError::Unreadable {
            name: model.name.clone(),
            path: path.to_owned(),
            source,
        })?;
        if expected.is(&found) {
            return Ok(Some(expected.trust));
        }
        let (name, expected, found) = (model.name.clone(), expected.to_string(), found.to_string());
        Err(ModelError::Different { name, path: path.to_owned(), expected, found })
    }

    /// The record in a folder of a model, where there is one.
    pub(crate) fn record(model: &Model, folder: &Path) -> Result<Option<Record>, ModelError> {
        Record::read(folder).map_err(|problem| ModelError::Record { name: model.name.clone(), problem })
    }

    /// What is wrong with an installed model by its record, and with the record by whoever vouches for the model now.
    pub(crate) fn record_faults(&self, model: &Model, record: &Record, folder: &Path) -> Vec<Fault> {
        let mut faults = record.faults(folder, |path| self.print(path));
        for file in &model.files {
            let was = if file.archive { record.archive(&file.name) } else { record.file(&file.name) };
            let (Some(was), Some(expected)) = (was, self.vouched(model, file)) else { continue };
            if !expected.is(&was.fingerprint()) {
                faults.push(Fault::Different {
                    path: folder.join(&file.name),
                    expected: expected.to_string(),
                    found: was.fingerprint().to_string(),
                });
            }
        }
        faults
    }

    /// What lies at a path; computed once as long as size and time stay.
    pub(crate) fn print(&self, path: &Path) -> io::Result<Fingerprint> {
        let stamp = Stamp::of(path.to_owned())?;
        let known =
            |store: &Self| store.hashes.lock().unwrap_or_else(PoisonError::into_inner).get(&stamp).cloned();
        if let Some(found) = known(self) {
            return Ok(found);
        }
        let found = hash::of_file(path)?;
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(stamp, found.clone());
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
