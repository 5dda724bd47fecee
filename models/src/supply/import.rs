//! Models from a folder or USB stick: a bundle, another box's models folder, or the files as they are downloaded,
//! anywhere below, by their names in the manifest.
//!
//! What a bundle says of its hashes shows damage on the way; what vouches for a file is the manifest or this site, as
//! for any other. Only files that a model consists of are taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::archive::Limits;
use super::bundle::{Contents, hash_of, hearsay};
use super::error::SupplyError;
use super::install::Shelf;
use super::inventory::State;
use super::stick::Stick;
use super::{Outcome, Report};
use crate::hash::of_file;
use crate::manifest::{Model, ModelFile};
use crate::place::{RECORD_FILE, SITE_FILE, is_model_name};
use crate::record::Record;
use crate::site::described;
use crate::store::ModelStore;

/// Everything in one import.
struct Import<'a> {
    shelf: &'a Shelf,
    store: &'a ModelStore,
    stick: Stick,
    contents: Option<Contents>,
    at: &'a str,
}

/// What is offered of one model.
enum Offer {
    /// With a record, in the folder that it speaks of.
    Recorded(Record, PathBuf),
    /// Files alone.
    Bare,
    /// A site's own model, described in this folder.
    Described(PathBuf),
}

/// Imports every model that is known of and found below `from`. One that is refused does not stop the others.
pub fn import(
    shelf: &Shelf,
    store: &ModelStore,
    from: &Path,
    at: &str,
    mut on: impl FnMut(&str),
) -> Result<Vec<Report>, SupplyError> {
    let stick = Stick::read(from)?;
    let contents = Contents::read(from)?;
    let import = Import { shelf, store, stick, contents, at };
    let offers = import.offers();
    if offers.is_empty() {
        return Err(SupplyError::NothingThere { folder: from.to_owned() });
    }
    let mut reports = Vec::new();
    for (name, offer) in offers {
        on(&name);
        let version = match &offer {
            Offer::Recorded(record, _) => record.version.clone(),
            Offer::Bare | Offer::Described(_) => store.model(&name).map(|m| m.version).unwrap_or_default(),
        };
        let outcome = match &offer {
            Offer::Recorded(record, folder) => import.recorded(record, folder),
            Offer::Bare => store.model(&name).map_err(Into::into).and_then(|model| import.bare(&model, None)),
            Offer::Described(folder) => import.described(&name, folder, None),
        };
        reports.push(Report { name, version, outcome });
    }
    Ok(reports)
}

impl Import<'_> {
    fn offers(&self) -> Vec<(String, Offer)> {
        let (mut offers, mut seen) = (Vec::new(), BTreeSet::new());
        let listed = self
            .contents
            .iter()
            .flat_map(|c| &c.models)
            .map(|record| (record.clone(), self.stick.folder.join(&record.name).join(&record.version)));
        let found = self.stick.named(RECORD_FILE).filter_map(|(folder, _)| {
            Record::read(folder).ok().flatten().map(|record| (record, folder.to_owned()))
        });
        // Of several versions the one that this program uses.
        let usable = |record: &Record| {
            self.store.model(&record.name).is_ok_and(|model| model.version == record.version)
        };
        let mut records: Vec<_> = listed.chain(found).collect();
        records.sort_by_key(|(record, _)| !usable(record));
        for (record, folder) in records {
            if seen.insert(record.name.clone()) {
                offers.push((record.name.clone(), Offer::Recorded(record, folder)));
            }
        }
        for (folder, name) in self.stick.named(SITE_FILE) {
            let own = self.store.model(name).is_err() || self.store.is_of_the_site(name);
            if is_model_name(name) && own && seen.insert(name.to_owned()) {
                offers.push((name.to_owned(), Offer::Described(folder.to_owned())));
            }
        }
        for name in self.store.names() {
            let Ok(model) = self.store.model(&name) else { continue };
            let lies_there = |f: &ModelFile| !self.candidates(&model, f).is_empty();
            if !seen.contains(&name) && model.files.iter().any(lies_there) {
                offers.push((name, Offer::Bare));
            }
        }
        offers.sort_by(|a, b| a.0.cmp(&b.0));
        offers
    }

    /// Files that may be this one of a model. A name that says little (`tokens.txt`) counts in the model's own folder
    /// alone: elsewhere it is some other model's.
    fn candidates(&self, model: &Model, file: &ModelFile) -> Vec<PathBuf> {
        let mut found = self.stick.files(&model.name, &model.version, &file.name);
        if model.files.len() > 1 {
            let own = |p: &PathBuf| {
                let parent = p.parent().unwrap_or(p);
                parent.ends_with(&model.name) || parent.ends_with(Path::new(&model.name).join(&model.version))
            };
            found.retain(own);
        }
        found
    }

    /// What is there and right stays as it is.
    fn there(&self, name: &str) -> Option<Outcome> {
        let entry = self.store.look(name).ok()?;
        match (entry.state, entry.place) {
            (State::Good { .. }, Some(place)) => Some(Outcome::There(place)),
            _ => None,
        }
    }

    fn recorded(&self, record: &Record, folder: &Path) -> Result<Outcome, SupplyError> {
        let name = record.name.as_str();
        let description = folder.parent().map(|f| f.join(SITE_FILE)).filter(|p| p.is_file());
        let foreign = |problem| SupplyError::Foreign { what: format!("{name} {}", record.version), problem };
        let own = self.store.model(name).is_err() || self.store.is_of_the_site(name);
        let described_in = description.as_deref().and_then(Path::parent);
        if let Some(described_in) = described_in.filter(|_| own) {
            return self.described(name, described_in, Some(record));
        }
        let model = self.store.model(name)?;
        if model.version != record.version {
            let problem = format!(
                "version {} is expected; bundle with the same version of edge-agent that imports",
                model.version
            );
            return Err(foreign(problem));
        }
        if let Some(there) = self.there(name) {
            return Ok(there);
        }
        if model.files.iter().any(|f| f.archive) {
            return self.unpacked(&model, record, folder);
        }
        if let Some(lacking) = model.files.iter().find(|f| record.file(&f.name).is_none()) {
            return Err(foreign(format!("its record does not list {}", lacking.name)));
        }
        self.bare(&model, Some(record))
    }

    /// An archive's files, unpacked elsewhere: its record is all that tells what they should be.
    fn unpacked(&self, model: &Model, record: &Record, folder: &Path) -> Result<Outcome, SupplyError> {
        for file in &model.files {
            let (Some(expected), Some(was)) = (self.store.vouched(model, file), record.archive(&file.name))
            else {
                continue;
            };
            if !expected.is(&was.fingerprint()) {
                return Err(SupplyError::different(&file.name, &expected, was.fingerprint()));
            }
        }
        let mut staging = self.shelf.stage(&model.name, &model.version)?;
        for file in &record.files {
            let path = folder.join(&file.name);
            let expected = hearsay(record, &file.name);
            staging.copy(&file.name, &path, expected.as_ref(), &source(&path))?;
        }
        staging.remember(&record.archives);
        Ok(Outcome::Put(staging.install(Record::of(model, self.at))?))
    }

    /// Files by their names. Of several of one name the first that is the right one counts.
    fn bare(&self, model: &Model, record: Option<&Record>) -> Result<Outcome, SupplyError> {
        if let Some(there) = self.there(&model.name) {
            return Ok(there);
        }
        let mut staging = self.shelf.stage(&model.name, &model.version)?;
        for file in &model.files {
            let candidates = self.candidates(model, file);
            let vouched = self.store.vouched(model, file);
            let expected = vouched.or_else(|| record.and_then(|r| hearsay(r, &file.name)));
            let right = |path: &&PathBuf| {
                let Some(expected) = &expected else { return true };
                of_file(path).is_ok_and(|found| expected.is(&found))
            };
            let chosen = candidates.iter().find(right).or(candidates.first());
            let Some(path) = chosen else {
                let problem = format!("{} is missing in {}", file.name, self.stick.folder.display());
                return Err(SupplyError::Foreign { what: model.name.clone(), problem });
            };
            let from = source(path);
            if file.archive {
                let found = of_file(path).map_err(SupplyError::files("reading", path))?;
                staging.unpack(&file.name, path, found, expected.as_ref(), &from, Limits::default())?;
            } else {
                staging.copy(&file.name, path, expected.as_ref(), &from)?;
            }
        }
        Ok(Outcome::Put(staging.install(Record::of(model, self.at))?))
    }

    /// A site's own model, described by the `model.toml` in `folder`.
    fn described(&self, name: &str, folder: &Path, record: Option<&Record>) -> Result<Outcome, SupplyError> {
        let path = folder.join(SITE_FILE);
        let text = fs::read_to_string(&path).map_err(SupplyError::files("reading", &path))?;
        let expected = self.contents.as_ref().and_then(|c| c.descriptions.get(name));
        let found = hash_of(&text);
        if let Some(expected) = expected.filter(|e| **e != found) {
            let (what, expected) = (path.display().to_string(), expected.clone());
            return Err(SupplyError::Different { what, expected, found });
        }
        let foreign = |problem| SupplyError::Foreign { what: path.display().to_string(), problem };
        let model = described(name, &text).map_err(foreign)?;
        if let Some(record) = record.filter(|r| r.version != model.version) {
            return Err(foreign(format!(
                "it describes version {}, the files are {}",
                model.version, record.version
            )));
        }
        if let Ok(own) = self.store.model(name) {
            self.against_own(&own, &model)?;
            if own == model
                && let Some(there) = self.there(name)
            {
                return Ok(there);
            }
        }
        let mut staging = self.shelf.stage(name, &model.version)?;
        for file in &model.files {
            let path = [folder.join(&model.version).join(&file.name), folder.join(&file.name)];
            let Some(path) = path.iter().find(|p| p.is_file()) else {
                return Err(foreign(format!("{} is missing beside it", file.name)));
            };
            let vouched = self.store.vouched(&model, file);
            let expected = vouched.or_else(|| record.and_then(|r| hearsay(r, &file.name)));
            if file.archive {
                let found = of_file(path).map_err(SupplyError::files("reading", path))?;
                let from = source(path);
                staging.unpack(&file.name, path, found, expected.as_ref(), &from, Limits::default())?;
            } else {
                staging.copy(&file.name, path, expected.as_ref(), &source(path))?;
            }
        }
        let put = staging.install(Record::of(&model, self.at))?;
        self.shelf.describe(name, &text)?;
        Ok(Outcome::Put(put))
    }

    /// One version of a site's own model is one set of bytes.
    fn against_own(&self, own: &Model, offered: &Model) -> Result<(), SupplyError> {
        for (mine, file) in
            own.files.iter().filter_map(|f| Some((f, offered.files.iter().find(|o| o.name == f.name)?)))
        {
            let (Some(expected), Some(found)) = (self.store.vouched(own, mine), &file.sha256) else {
                continue;
            };
            if own.version == offered.version && !expected.sha256.eq_ignore_ascii_case(found) {
                let what = format!(
                    "{} {} (remove the one that is here, or give it another version)",
                    own.name, own.version
                );
                return Err(SupplyError::different(what, &expected, found));
            }
        }
        Ok(())
    }
}

/// What the record says of whence a file is.
fn source(path: &Path) -> String {
    format!("imported from {}", path.display())
}
