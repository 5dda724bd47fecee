//! Finding and verifying a model's files.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::manifest::{Manifest, Model, ModelFile, manifest};

/// In a model's folder: the description of a model that the manifest does not know.
const SITE_FILE: &str = "model.toml";

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("model {name:?} is not in the manifest, and no {SITE_FILE} describes it; known: {known}")]
    Unknown { name: String, known: String },
    #[error("{path} does not describe model {name}: {problem}", path = path.display())]
    Description { name: String, path: PathBuf, problem: String },
    #[error(
        "model {name} is not installed: {file} was not found in {searched}; put it there as {name}/{file}"
    )]
    Missing { name: String, file: String, searched: String },
    #[error("{path} is not the file of model {name}: SHA-256 should be {expected} and is {found}; replace the file", path = path.display())]
    Different { name: String, path: PathBuf, expected: String, found: String },
    #[error("{path} of model {name} cannot be read", path = path.display())]
    Unreadable {
        name: String,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
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
    /// False when the manifest holds no hash for one of them.
    pub verified: bool,
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

/// What a hash was computed of. A changed file has another size or time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stamp {
    path: PathBuf,
    size_bytes: u64,
    modified: Option<SystemTime>,
}

/// The search folders, and what is known about files in them.
#[derive(Clone, Debug)]
pub struct ModelStore {
    manifest: Manifest,
    folders: Vec<PathBuf>,
    hashes: Arc<Mutex<HashMap<Stamp, String>>>,
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

    /// Names of the models that are described: the manifest's in its order, then those that sites describe themselves.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.manifest.models.iter().map(|m| m.name.clone()).collect();
        let entries = self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let described = entries.filter(|entry| entry.path().join(SITE_FILE).is_file());
        let mut own: Vec<String> =
            described.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        own.sort_unstable();
        own.dedup();
        own.retain(|name| !names.contains(name));
        names.append(&mut own);
        names
    }

    /// Finds all files of a model and verifies them. The first folder that has the model decides: a wrong file
    /// there is an error, not a reason to look further.
    pub fn find(&self, name: &str) -> Result<Weights, ModelError> {
        let model = self.model(name)?;
        let mut files = Vec::new();
        for file in &model.files {
            let path = self.locate(&model, file)?;
            self.verify(&model, file, &path)?;
            files.push(path);
        }
        let verified = model.files.iter().all(|f| f.sha256.is_some());
        Ok(Weights { model, files, verified })
    }

    /// The folder of a model that comes as an archive, once unpacked: the first that exists.
    pub fn folder(&self, name: &str) -> Result<PathBuf, ModelError> {
        let model = self.model(name)?;
        let found = self.places(&model.name, &model.version).find(|p| p.is_dir());
        found.ok_or_else(|| self.missing(&model, &model.files[0]))
    }

    /// What is known of a model: the manifest's word, else the site's own.
    pub fn model(&self, name: &str) -> Result<Model, ModelError> {
        if let Some(model) = self.manifest.model(name) {
            return Ok(model.clone());
        }
        // A name from a configuration becomes part of a path.
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let place = self
            .folders
            .iter()
            .map(|folder| folder.join(name).join(SITE_FILE))
            .find(|p| plain && p.is_file());
        match place {
            Some(path) => site_model(name, &path),
            None => {
                let known: Vec<_> = self.manifest.models.iter().map(|m| m.name.as_str()).collect();
                Err(ModelError::Unknown { name: name.to_owned(), known: known.join(", ") })
            }
        }
    }

    /// `NAME/VERSION` before `NAME` in each folder.
    fn places<'a>(&'a self, name: &'a str, version: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        self.folders.iter().flat_map(move |folder| {
            let flat = folder.join(name);
            [flat.join(version), flat]
        })
    }

    fn locate(&self, model: &Model, file: &ModelFile) -> Result<PathBuf, ModelError> {
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

    fn verify(&self, model: &Model, file: &ModelFile, path: &Path) -> Result<(), ModelError> {
        let Some(expected) = &file.sha256 else {
            tracing::warn!(model = model.name, path = %path.display(), "no known hash; used as it is");
            return Ok(());
        };
        let found = self.hash(path).map_err(|source| ModelError::Unreadable {
            name: model.name.clone(),
            path: path.to_owned(),
            source,
        })?;
        if found == *expected {
            return Ok(());
        }
        let (name, expected) = (model.name.clone(), expected.clone());
        Err(ModelError::Different { name, path: path.to_owned(), expected, found })
    }

    fn hash(&self, path: &Path) -> io::Result<String> {
        let about = fs::metadata(path)?;
        let stamp = Stamp { path: path.to_owned(), size_bytes: about.len(), modified: about.modified().ok() };
        let known =
            |store: &Self| store.hashes.lock().unwrap_or_else(PoisonError::into_inner).get(&stamp).cloned();
        if let Some(hash) = known(self) {
            return Ok(hash);
        }
        let mut hasher = Sha256::new();
        let mut file = fs::File::open(path)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => hasher.update(&buffer[..n]),
            }
        }
        let hash = hex::encode(hasher.finalize());
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(stamp, hash.clone());
        Ok(hash)
    }
}

fn site_model(name: &str, path: &Path) -> Result<Model, ModelError> {
    let wrong =
        |problem: String| ModelError::Description { name: name.to_owned(), path: path.to_owned(), problem };
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let model: Model = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    if model.name != name {
        return Err(wrong(format!("it is named {:?}, its folder {name:?}", model.name)));
    }
    if model.files.is_empty() {
        return Err(wrong("it lists no file".to_owned()));
    }
    if model.files.iter().any(|f| f.name.contains(['/', '\\'])) {
        return Err(wrong("a file's name is a path".to_owned()));
    }
    let pose = || model.pose.as_ref().and_then(|p| p.problem());
    match model.detector.as_ref().and_then(|d| d.problem()).or_else(pose) {
        Some(problem) => Err(wrong(problem)),
        None => Ok(model),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn store(folders: &[&Path]) -> ModelStore {
        let text = format!(
            "[[model]]\nname='m'\ntask='t'\nversion='2'\nlicence='MIT'\ninput='i'\noutput='o'\n\
             [[model.file]]\nname='m.onnx'\nurl='https://example.org/m'\nsha256='{HASH_OF_ABC}'"
        );
        let folders = folders.iter().map(|f| f.to_path_buf()).collect();
        ModelStore::with_manifest(folders, toml::from_str(&text).unwrap())
    }

    fn put(folder: &Path, path: &str, content: &str) -> PathBuf {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Both layouts are found, the versioned one first, folders in their order.
    #[test]
    fn both_layouts_in_order() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = store(&[a.path(), b.path()]);
        let in_b = put(b.path(), "m/m.onnx", "abc");
        assert_eq!(store.find("m").unwrap().main_file(), in_b);
        let flat = put(a.path(), "m/m.onnx", "abc");
        assert_eq!(store.find("m").unwrap().main_file(), flat);
        let versioned = put(a.path(), "m/2/m.onnx", "abc");
        let weights = store.find("m").unwrap();
        assert_eq!((weights.main_file(), weights.title().as_str()), (versioned.as_path(), "m 2"));
        assert!(weights.verified);
    }

    /// A wrong file is refused with both hashes, also after the right one had been accepted.
    #[test]
    fn wrong_bytes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&[folder.path()]);
        let path = put(folder.path(), "m/m.onnx", "abc");
        store.find("m").unwrap();
        fs::write(&path, "abcd").unwrap();
        let error = store.find("m").unwrap_err().to_string();
        assert!(error.contains(HASH_OF_ABC) && error.contains("88d4266fd4e6338d13b845fcf289579d"), "{error}");
    }

    /// A site's own model is found by the description in its folder; a wrong description says what is wrong.
    #[test]
    fn a_site_describes_its_own_model() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&[folder.path()]);
        let text = "name='own'\ntask='object-detection'\nversion='1'\nlicence='ours'\n[[file]]\nname='own.onnx'\n\
             [detector]\n[detector.picture]\nwidth=64\nheight=64\nchannels='rgb'\nfit='stretch'\n\
             [detector.answer]\nkind='boxes'\nunit='shares'\n[detector.labels]\nfire=[0]\n";
        put(folder.path(), "own/model.toml", text);
        put(folder.path(), "own/own.onnx", "abc");
        let weights = store.find("own").unwrap();
        assert_eq!((weights.title().as_str(), weights.verified), ("own 1", false));
        assert_eq!(weights.model.detector.unwrap().labels.keys().collect::<Vec<_>>(), ["fire"]);
        put(folder.path(), "no-model/readme.txt", "");
        assert_eq!(store.names(), ["m", "own"]);
        for (from, to, why) in [
            ("name='own'", "name='other'", "named \"other\""),
            ("width=64", "width=0", "not between"),
            ("fire=[0]", "", "names no label"),
            ("kind='boxes'", "kind='magic'", "unknown variant"),
            ("own.onnx", "../own.onnx", "a path"),
        ] {
            put(folder.path(), "own/model.toml", &text.replace(from, to));
            let error = store.find("own").unwrap_err().to_string();
            assert!(error.contains("own/model.toml") && error.contains(why), "{error}");
        }
        assert!(matches!(store.find("../own"), Err(ModelError::Unknown { .. })));
    }

    /// Missing and unknown models are told apart, with where was looked and what there is.
    #[test]
    fn missing_and_unknown_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let missing = store(&[folder.path()]).find("m").unwrap_err().to_string();
        assert!(
            missing.contains(&folder.path().display().to_string()) && missing.contains("m/m.onnx"),
            "{missing}"
        );
        let nowhere = store(&[]).find("m").unwrap_err().to_string();
        assert!(nowhere.contains("--models"), "{nowhere}");
        let unknown = store(&[]).find("x").unwrap_err().to_string();
        assert!(unknown.contains("known: m"), "{unknown}");
    }
}
