//! What is there of a model, and whether it is right.

use std::path::{Path, PathBuf};

use super::error::SupplyError;
use crate::manifest::Model;
use crate::record::{Fault, Record, Trust};
use crate::store::{ModelError, ModelStore};

/// A model that is known of, and what lies in the search folders of it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub model: Model,
    /// Described by the site's own `model.toml`.
    pub of_the_site: bool,
    /// The folder that its files lie in.
    pub place: Option<PathBuf>,
    /// Of what lies there, where that is known.
    pub size_bytes: Option<u64>,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Absent,
    /// Right by the one who vouches for it; `at`: when it was installed, where that is recorded.
    Good {
        trust: Trust,
        at: Option<String>,
    },
    /// There, put by hand, and nobody knows its hash.
    Unvouched,
    Wrong(Vec<Fault>),
}

impl ModelStore {
    /// Looks at everything that lies there of a model, and hashes it.
    pub fn look(&self, name: &str) -> Result<Entry, ModelError> {
        let model = self.model(name)?;
        let place = if model.files.iter().any(|f| f.archive) {
            self.unpacked(&model)
        } else {
            let first = model.files.iter().find_map(|file| self.locate(&model, file).ok());
            first.and_then(|path| path.parent().map(Path::to_owned))
        };
        let (state, size_bytes) = match &place {
            None => (State::Absent, None),
            Some(place) => self.state(&model, place),
        };
        Ok(Entry { of_the_site: self.is_of_the_site(name), model, place, size_bytes, state })
    }

    fn state(&self, model: &Model, place: &Path) -> (State, Option<u64>) {
        let record = match Record::read(place) {
            Ok(record) => record.filter(|r| r.name == model.name && r.version == model.version),
            Err(why) => {
                let fault = Fault::Unreadable { path: place.to_owned(), why };
                return (State::Wrong(vec![fault]), None);
            }
        };
        if let Some(record) = record {
            let mut faults = self.record_faults(model, &record, place);
            for file in model.files.iter().filter(|f| !f.archive && record.file(&f.name).is_none()) {
                faults.push(Fault::Missing { path: place.join(&file.name) });
            }
            let size_bytes = record.files.iter().map(|f| f.size_bytes).sum();
            let trust = self.trust_now(model, &record);
            let state = if faults.is_empty() {
                State::Good { trust, at: Some(record.installed_at) }
            } else {
                State::Wrong(faults)
            };
            return (state, Some(size_bytes));
        }
        self.state_by_hand(model, place)
    }

    /// A hash that was recorded may have been pinned since, or have come into the manifest.
    fn trust_now(&self, model: &Model, record: &Record) -> Trust {
        let files = model.files.iter().map(|file| {
            let recorded = if file.archive { record.archive(&file.name) } else { record.file(&file.name) };
            // Of a bundle the archive's hash is hearsay; what was in it was not hashed against it here.
            let known =
                recorded.filter(|_| !file.archive || record.files.iter().all(|f| f.from == file.name));
            known.and_then(|_| self.vouched(model, file)).map_or(Trust::Recorded, |e| e.trust)
        });
        files.min().unwrap_or(Trust::Recorded)
    }

    /// Files that somebody put there, without a record.
    fn state_by_hand(&self, model: &Model, place: &Path) -> (State, Option<u64>) {
        if model.files.iter().any(|f| f.archive) {
            let size = crate::record::files_below(place)
                .iter()
                .filter_map(|name| std::fs::metadata(place.join(name)).ok())
                .map(|about| about.len())
                .sum();
            return (State::Unvouched, Some(size));
        }
        let (mut faults, mut size_bytes, mut least) = (Vec::new(), 0, Some(Trust::Manifest));
        for file in &model.files {
            let Ok(path) = self.locate(model, file) else {
                faults.push(Fault::Missing { path: place.join(&file.name) });
                continue;
            };
            let found = match self.print(&path) {
                Ok(found) => found,
                Err(error) => {
                    faults.push(Fault::Unreadable { path, why: error.to_string() });
                    continue;
                }
            };
            size_bytes += found.size_bytes;
            match self.vouched(model, file) {
                None => least = None,
                Some(expected) if expected.is(&found) => least = least.map(|t| t.min(expected.trust)),
                Some(expected) => {
                    let (expected, found) = (expected.to_string(), found.to_string());
                    faults.push(Fault::Different { path, expected, found });
                }
            }
        }
        let state = match (faults.is_empty(), least) {
            (false, _) => State::Wrong(faults),
            (true, Some(trust)) => State::Good { trust, at: None },
            (true, None) => State::Unvouched,
        };
        (state, Some(size_bytes))
    }
}

/// Holds a model's folder, whatever it is called, against what was installed there. A folder without a record is
/// what somebody put there.
pub fn check_folder(folder: &Path) -> Result<(), SupplyError> {
    let record = Record::read(folder)
        .map_err(|problem| ModelError::Record { name: folder.display().to_string(), problem })?;
    let Some(record) = record else { return Ok(()) };
    let faults = record.faults(folder, crate::hash::of_file);
    if faults.is_empty() { Ok(()) } else { Err(ModelError::Damaged { name: record.name, faults }.into()) }
}
