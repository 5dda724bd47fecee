//! A folder for a site without a network: the layout of a models folder, `NAME/VERSION/FILE`, and `bundle.toml` with the
//! hash of everything. A box may also use it as it is (`--models DIR`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::SupplyError;
use super::install::{Shelf, write_whole};
use super::inventory::{Entry, State};
use super::{Outcome, Report};
use crate::hash::Reckoning;
use crate::place::{SITE_FILE, is_model_name};
use crate::record::{Expected, Record, Trust, files_below};
use crate::store::{ModelError, ModelStore};

pub(super) const BUNDLE_FILE: &str = "bundle.toml";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    /// RFC 3339, of the last change.
    pub(super) made_at: String,
    /// SHA-256 of each site's own `model.toml`, by the name of its model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) descriptions: BTreeMap<String, String>,
    #[serde(rename = "model", default)]
    pub(super) models: Vec<Record>,
}

impl Contents {
    /// `Ok(None)` where there is no `bundle.toml`.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, SupplyError> {
        let path = folder.join(BUNDLE_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(SupplyError::files("reading", &path))?;
        let foreign = |problem| SupplyError::Foreign { what: path.display().to_string(), problem };
        let contents: Self = toml::from_str(&text).map_err(|e| foreign(e.to_string()))?;
        if let Some(problem) = contents.models.iter().find_map(Record::problem) {
            return Err(foreign(problem));
        }
        if let Some(name) = contents.descriptions.keys().find(|name| !is_model_name(name)) {
            return Err(foreign(format!("{name:?} is no name of a model")));
        }
        Ok(Some(contents))
    }

    fn add(&mut self, record: Record) {
        self.models.retain(|m| m.name != record.name);
        self.models.push(record);
        self.models.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// SHA-256 of a text.
pub(super) fn hash_of(text: &str) -> String {
    let mut reckoning = Reckoning::default();
    reckoning.take(text.as_bytes());
    reckoning.fingerprint().sha256
}

/// Copies installed models to `shelf`, each held against its hashes on the way, and writes `bundle.toml`. One that is not
/// right does not stop the others.
pub fn bundle(
    shelf: &Shelf,
    store: &ModelStore,
    names: &[String],
    at: &str,
    mut on: impl FnMut(&str),
) -> Result<Vec<Report>, SupplyError> {
    let mut contents = Contents::read(shelf.folder())?.unwrap_or_default();
    let mut reports = Vec::new();
    for name in names {
        on(name);
        let entry = match store.look(name) {
            Ok(entry) => entry,
            Err(error) => {
                let outcome = Err(error.into());
                reports.push(Report { name: name.clone(), version: String::new(), outcome });
                continue;
            }
        };
        let version = entry.model.version.clone();
        let outcome = one(shelf, store, &entry, at, &mut contents);
        reports.push(Report { name: name.clone(), version, outcome });
    }
    at.clone_into(&mut contents.made_at);
    let text = toml::to_string(&contents).expect("plain data");
    write_whole(&shelf.folder().join(BUNDLE_FILE), &text)?;
    Ok(reports)
}

fn one(
    shelf: &Shelf,
    store: &ModelStore,
    entry: &Entry,
    at: &str,
    contents: &mut Contents,
) -> Result<Outcome, SupplyError> {
    let model = &entry.model;
    let name = model.name.as_str();
    let Some(from) = &entry.place else {
        let folder = store.folders().first().cloned().unwrap_or_default();
        let elsewhere = format!(": `edge-agent models fetch {name}`");
        return Err(SupplyError::NotInstalled { name: name.to_owned(), folder, elsewhere });
    };
    if let State::Wrong(faults) = &entry.state {
        return Err(ModelError::Damaged { name: name.to_owned(), faults: faults.clone() }.into());
    }
    if entry.of_the_site {
        let described = store.folders().iter().map(|f| f.join(name).join(SITE_FILE)).find(|p| p.is_file());
        let path = described.expect("a site's own model has a description");
        let text = fs::read_to_string(&path).map_err(SupplyError::files("reading", &path))?;
        shelf.describe(name, &text)?;
        contents.descriptions.insert(name.to_owned(), hash_of(&text));
    }
    let recorded = ModelStore::record(model, from)?.filter(|r| r.version == model.version);
    let place = shelf.folder().join(name).join(&model.version);
    let there = Record::read(&place).ok().flatten();
    if let (Some(there), Some(recorded)) = (&there, &recorded)
        && there.files == recorded.files
        && there.faults(&place, crate::hash::of_file).is_empty()
    {
        contents.add(there.clone());
        return Ok(Outcome::There(place));
    }
    let mut staging = shelf.stage(name, &model.version)?;
    let mut date = at.to_owned();
    if let Some(record) = recorded {
        for file in &record.files {
            staging.copy(&file.name, &from.join(&file.name), Some(&record.expected(file)), &file.from)?;
        }
        staging.remember(&record.archives);
        // When it was recorded is what it is worth where nobody vouches for it.
        date = record.installed_at;
    } else if model.files.iter().any(|f| f.archive) {
        for file in files_below(from) {
            staging.copy(&file, &from.join(&file), None, "put there by hand")?;
        }
    } else {
        for file in &model.files {
            let path = store.locate(model, file)?;
            let whence = file.url.as_deref().unwrap_or("put there by hand");
            staging.copy(&file.name, &path, store.vouched(model, file).as_ref(), whence)?;
        }
    }
    let put = staging.install(Record::of(model, &date))?;
    contents.add(Record::read(&put).ok().flatten().expect("it was written just now"));
    Ok(Outcome::Put(put))
}

/// What a record says of a file, to be held against what comes: it is hearsay.
pub(super) fn hearsay(record: &Record, name: &str) -> Option<Expected> {
    let file = record.file(name)?;
    Some(Expected {
        trust: Trust::Recorded,
        since: Some(record.installed_at.clone()),
        ..record.expected(file)
    })
}
