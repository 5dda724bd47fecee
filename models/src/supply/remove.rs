//! Taking models away.

use std::fs;
use std::path::PathBuf;

use super::error::SupplyError;
use super::install::Shelf;
use super::part::{Part, forget};
use crate::place::{RECORD_FILE, SITE_FILE, is_model_name, is_plain};
use crate::record::files_below;
use crate::store::ModelStore;

/// Removes a model from the shelf: one version, or all of it. A folder that somebody unpacked by hand is named, not
/// removed: nobody knows what else is in it. What was removed.
pub fn remove(
    shelf: &Shelf,
    store: &ModelStore,
    name: &str,
    version: Option<&str>,
) -> Result<Vec<PathBuf>, SupplyError> {
    let not_there = |elsewhere| SupplyError::NotInstalled {
        name: version.map_or_else(|| name.to_owned(), |v| format!("{name}@{v}")),
        folder: shelf.folder().to_owned(),
        elsewhere,
    };
    if !is_model_name(name) || version.is_some_and(|v| !is_plain(v)) {
        return Err(not_there(": that is no name of a model".to_owned()));
    }
    let folder = shelf.folder().join(name);
    let installed = |f: &PathBuf| f.join(RECORD_FILE).is_file();
    let mut versions: Vec<PathBuf> = match version {
        Some(version) => vec![folder.join(version)],
        None => fs::read_dir(&folder).into_iter().flatten().flatten().map(|e| e.path()).collect(),
    };
    versions.retain(installed);
    versions.sort();
    let mut gone = Vec::new();
    for place in versions {
        shelf.take_away(&place)?;
        gone.push(place);
    }
    if let Ok(model) = store.model(name)
        && version.is_none_or(|v| v == model.version)
    {
        let by_hand = [folder.join(&model.version), folder.clone()];
        let files = model.files.iter().filter(|f| !f.archive);
        let mut paths: Vec<_> = files.flat_map(|f| by_hand.iter().map(|p| p.join(&f.name))).collect();
        if store.is_of_the_site(name) {
            paths.push(folder.join(SITE_FILE));
        }
        for path in paths.into_iter().filter(|p| p.is_file()) {
            shelf.take_away(&path)?;
            gone.push(path);
        }
    }
    for part in Part::all_of(shelf.folder(), name) {
        forget(&part);
    }
    // Only where nothing is left in it.
    let _ = fs::remove_dir(&folder);
    if !gone.is_empty() {
        return Ok(gone);
    }
    let words = match store.look(name).ok().and_then(|entry| entry.place) {
        Some(place) if place.starts_with(shelf.folder()) && !files_below(&place).is_empty() => {
            format!(": somebody put {} there by hand; remove that folder yourself", place.display())
        }
        Some(place) => format!("; it lies in {}", place.display()),
        None => String::new(),
    };
    Err(not_there(words))
}
