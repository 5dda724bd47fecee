//! `model.toml`: a site's own model.

use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest::Model;
use crate::place::{RECORD_FILE, SITE_FILE, is_plain};
use crate::store::ModelError;

/// The description at `path` of the model that is to be named `name`.
pub(crate) fn site_model(name: &str, path: &Path) -> Result<Model, ModelError> {
    let wrong =
        |problem: String| ModelError::Description { name: name.to_owned(), path: path.to_owned(), problem };
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    described(name, &text).map_err(wrong)
}

/// What the text says of the model; the error says what is wrong with it.
pub(crate) fn described(name: &str, text: &str) -> Result<Model, String> {
    let model: Model = toml::from_str(text).map_err(|e| e.to_string())?;
    if model.name != name {
        return Err(format!("it is named {:?}, its folder {name:?}", model.name));
    }
    if !is_plain(&model.version) {
        return Err(format!("its version {:?} is no name of a folder", model.version));
    }
    if model.files.is_empty() {
        return Err("it lists no file".to_owned());
    }
    if model.files.iter().any(|f| f.name.contains(['/', '\\'])) {
        return Err("a file's name is a path".to_owned());
    }
    let ours = [RECORD_FILE, SITE_FILE];
    if let Some(file) = model.files.iter().find(|f| !is_plain(&f.name) || ours.contains(&f.name.as_str())) {
        return Err(format!("{:?} is no name for a file", file.name));
    }
    if model.bundled {
        return Err("only models of the product come with it (bundled)".to_owned());
    }
    let pose = || model.pose.as_ref().and_then(|p| p.problem());
    match model.detector.as_ref().and_then(|d| d.problem()).or_else(pose) {
        Some(problem) => Err(problem),
        None => Ok(model),
    }
}

/// Names of the models that a folder describes, in order.
pub(crate) fn described_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|e| Some((e.file_name().to_str()?.to_owned(), e.path().join(SITE_FILE))))
        .filter(|(name, path)| crate::place::is_model_name(name) && path.is_file())
        .collect();
    found.sort();
    found
}
