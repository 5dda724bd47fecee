//! What lies on a USB stick, or in any folder: a list of its files, within bounds.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::SupplyError;

const MOST_DEPTH: usize = 8;
const MOST_FILES: usize = 50_000;

pub(super) struct Stick {
    pub(super) folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Stick {
    /// Hidden files and folders are passed over; links to folders are not followed.
    pub(super) fn read(folder: &Path) -> Result<Self, SupplyError> {
        let mut files = Vec::new();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((at, depth)) = open.pop() {
            let entries = match fs::read_dir(&at) {
                Ok(entries) => entries,
                // A folder deeper down may be none of ours.
                Err(_) if depth > 0 => continue,
                Err(error) => return Err(SupplyError::files("reading", &at)(error)),
            };
            for entry in entries.flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                if kind.is_dir() && depth < MOST_DEPTH {
                    open.push((entry.path(), depth + 1));
                } else if !kind.is_dir() {
                    files.push(entry.path());
                }
                if files.len() > MOST_FILES {
                    let problem =
                        format!("it holds more than {MOST_FILES} files; name the folder with the models");
                    return Err(SupplyError::Foreign { what: folder.display().to_string(), problem });
                }
            }
        }
        files.sort();
        Ok(Self { folder: folder.to_owned(), files })
    }

    /// Files of this name: of the model's own folder first, then those that lie anywhere.
    pub(super) fn files(&self, model: &str, version: &str, name: &str) -> Vec<PathBuf> {
        let (versioned, flat) = (Path::new(model).join(version).join(name), Path::new(model).join(name));
        let mut found: Vec<_> = self.files.iter().filter(|p| p.ends_with(name)).cloned().collect();
        found.sort_by_key(|p| if p.ends_with(&versioned) { 0 } else { 2 - u8::from(p.ends_with(&flat)) });
        found
    }

    /// Every file of this name, with the folder that it lies in and that folder's name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (&Path, &str)> {
        self.files.iter().filter(move |p| p.file_name().is_some_and(|n| n == name)).filter_map(|p| {
            let folder = p.parent()?;
            Some((folder, folder.file_name()?.to_str()?))
        })
    }
}
