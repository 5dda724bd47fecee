//! A models folder while it is changed, and the staging of one version in it.
//!
//! A version is put together in a hidden folder beside the others, every file on the disk before its hash is believed,
//! and then takes its place in one step. Whatever crashes in between leaves the version that was there; what it left
//! lying is swept when the folder is opened the next time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::archive::{self, Limits};
use super::error::SupplyError;
use super::lock::{LOCK_FILE, Lock};
use super::part::PARTS_FOLDER;
use super::room;
use crate::hash::{Fingerprint, pour};
use crate::place::{RECORD_FILE, SITE_FILE};
use crate::record::{Expected, Record, RecordedFile, Trust};

const INCOMING: &str = ".incoming-";
/// A version that makes room for another where the file system cannot swap two folders.
const OUTGOING: &str = ".outgoing-";
const REMOVED: &str = ".removed-";
/// Between name and version: no name of a model has it.
const MARK: char = '@';

/// A models folder that this process alone changes.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    _lock: Lock,
}

impl Shelf {
    /// Makes the folder where it is missing, and sweeps what a crash left. `act` is what others are told who want to
    /// change it too.
    pub fn open(folder: &Path, act: &str) -> Result<Self, SupplyError> {
        fs::create_dir_all(folder).map_err(SupplyError::files("making", folder))?;
        let shelf = Self { folder: folder.to_owned(), _lock: Lock::take(folder, act)? };
        shelf.give_to_owner(&folder.join(LOCK_FILE))?;
        shelf.sweep()?;
        Ok(shelf)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn sweep(&self) -> Result<(), SupplyError> {
        let entries = fs::read_dir(&self.folder).map_err(SupplyError::files("reading", &self.folder))?;
        for entry in entries.flatten() {
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = entry.path();
            if let Some((model, version)) = name.strip_prefix(OUTGOING).and_then(|n| n.split_once(MARK)) {
                let place = self.folder.join(model).join(version);
                if !place.exists() {
                    fs::create_dir_all(self.folder.join(model))
                        .map_err(SupplyError::files("making", &self.folder.join(model)))?;
                    fs::rename(&path, &place).map_err(SupplyError::files("moving", &path))?;
                    continue;
                }
            }
            if [INCOMING, OUTGOING, REMOVED].iter().any(|before| name.starts_with(before)) {
                discard(&path).map_err(SupplyError::files("removing", &path))?;
            }
        }
        Ok(())
    }

    /// An empty staging for a version of a model.
    pub(super) fn stage(&self, model: &str, version: &str) -> Result<Staging<'_>, SupplyError> {
        let folder = self.folder.join(format!("{INCOMING}{model}{MARK}{version}"));
        if folder.exists() {
            discard(&folder).map_err(SupplyError::files("removing", &folder))?;
        }
        fs::create_dir(&folder).map_err(SupplyError::files("making", &folder))?;
        Ok(Staging { shelf: self, folder, files: Vec::new(), archives: Vec::new() })
    }

    /// Puts a site's description of its own model in its place.
    pub(super) fn describe(&self, model: &str, text: &str) -> Result<(), SupplyError> {
        let folder = self.folder.join(model);
        fs::create_dir_all(&folder).map_err(SupplyError::files("making", &folder))?;
        write_whole(&folder.join(SITE_FILE), text)?;
        self.give_to_owner(&folder)
    }

    /// Takes a folder or file away in one step, and then its bytes.
    pub(super) fn take_away(&self, path: &Path) -> Result<(), SupplyError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.folder.join(format!("{REMOVED}{name}"));
        if aside.exists() {
            discard(&aside).map_err(SupplyError::files("removing", &aside))?;
        }
        fs::rename(path, &aside).map_err(SupplyError::files("removing", path))?;
        discard(&aside).map_err(SupplyError::files("removing", &aside))
    }

    /// What root puts there belongs to whoever owns the folder: the box itself replaces it later.
    fn give_to_owner(&self, below: &Path) -> Result<(), SupplyError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let owner = fs::metadata(&self.folder).map_err(SupplyError::files("reading", &self.folder))?;
        let mut open = vec![below.to_owned()];
        while let Some(path) = open.pop() {
            // Some sticks know no owners.
            let _ = lchown(&path, Some(owner.uid()), Some(owner.gid()));
            if path.is_dir() && !path.is_symlink() {
                open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path()));
            }
        }
        Ok(())
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let _ = self.give_to_owner(&self.folder.join(PARTS_FOLDER));
    }
}

/// A version that is being put together.
#[derive(Debug)]
pub(super) struct Staging<'a> {
    shelf: &'a Shelf,
    folder: PathBuf,
    files: Vec<RecordedFile>,
    archives: Vec<RecordedFile>,
}

impl Staging<'_> {
    /// Copies a file, hashing what is written, and refuses another than was expected.
    pub(super) fn copy(
        &mut self,
        name: &str,
        from: &Path,
        expected: Option<&Expected>,
        source: &str,
    ) -> Result<(), SupplyError> {
        let about = fs::metadata(from).map_err(SupplyError::files("reading", from))?;
        if let Some(size) = expected.and_then(|e| e.size_bytes).filter(|size| *size != about.len()) {
            let (what, found) = (from.display().to_string(), about.len().to_string());
            return Err(SupplyError::Size { what, expected: size, found });
        }
        room::check(&self.shelf.folder, name, about.len())?;
        let to = self.folder.join(name);
        let parent = to.parent().expect("below the staging");
        fs::create_dir_all(parent).map_err(SupplyError::files("making", parent))?;
        let mut reader = File::open(from).map_err(SupplyError::files("reading", from))?;
        let mut writer = File::create_new(&to).map_err(SupplyError::files("making", &to))?;
        let found = pour(&mut reader, &mut writer).map_err(SupplyError::files("copying", from))?;
        writer.sync_all().map_err(SupplyError::files("writing", &to))?;
        self.accept(name, found, expected, source, || from.display().to_string())
    }

    /// Moves a file here that lies on the same disk and whose bytes are known.
    pub(super) fn adopt(
        &mut self,
        name: &str,
        part: &Path,
        found: Fingerprint,
        expected: Option<&Expected>,
        source: &str,
    ) -> Result<(), SupplyError> {
        let to = self.folder.join(name);
        self.accept(name, found, expected, source, || source.to_owned())?;
        fs::rename(part, &to).map_err(SupplyError::files("moving", part))
    }

    fn accept(
        &mut self,
        name: &str,
        found: Fingerprint,
        expected: Option<&Expected>,
        source: &str,
        what: impl FnOnce() -> String,
    ) -> Result<(), SupplyError> {
        if let Some(expected) = expected.filter(|e| !e.is(&found)) {
            return Err(SupplyError::different(what(), expected, found));
        }
        let trust = expected.map_or(Trust::Recorded, |e| e.trust);
        self.files.push(RecordedFile::new(name, found, trust, source));
        Ok(())
    }

    /// Unpacks an archive here whose bytes are known; what was in it is as much trusted as it is.
    pub(super) fn unpack(
        &mut self,
        name: &str,
        archive: &Path,
        found: Fingerprint,
        expected: Option<&Expected>,
        source: &str,
        limits: Limits,
    ) -> Result<(), SupplyError> {
        if let Some(expected) = expected.filter(|e| !e.is(&found)) {
            return Err(SupplyError::different(archive.display().to_string(), expected, found));
        }
        let trust = expected.map_or(Trust::Recorded, |e| e.trust);
        // Weights hardly shrink when packed; what else there is may to a third.
        room::check(&self.shelf.folder, name, found.size_bytes.saturating_mul(2))?;
        for (path, print) in archive::unpack(archive, &self.folder, limits)? {
            self.files.push(RecordedFile::new(&path, print, trust, name));
        }
        self.archives.push(RecordedFile::new(name, found, trust, source));
        Ok(())
    }

    /// Of what its files were unpacked elsewhere.
    pub(super) fn remember(&mut self, archives: &[RecordedFile]) {
        self.archives.extend_from_slice(archives);
    }

    /// Writes the record and takes the version's place; the one that was there goes.
    pub(super) fn install(self, mut record: Record) -> Result<PathBuf, SupplyError> {
        record.files.clone_from(&self.files);
        record.archives.clone_from(&self.archives);
        let text = toml::to_string(&record).expect("a record is plain data");
        write_whole(&self.folder.join(RECORD_FILE), &text)?;
        let place = self.shelf.folder.join(&record.name).join(&record.version);
        let parent = self.shelf.folder.join(&record.name);
        fs::create_dir_all(&parent).map_err(SupplyError::files("making", &parent))?;
        for path in [&self.folder, &parent] {
            self.shelf.give_to_owner(path)?;
        }
        sync_folders(&self.folder)?;
        if place.exists() {
            self.swap(&place, &record)?;
        } else {
            fs::rename(&self.folder, &place).map_err(SupplyError::files("moving", &self.folder))?;
        }
        sync(&parent)?;
        sync(&self.shelf.folder)?;
        Ok(place)
    }

    /// In one step where the file system can.
    fn swap(&self, place: &Path, record: &Record) -> Result<(), SupplyError> {
        match renameat_with(CWD, &self.folder, CWD, place, RenameFlags::EXCHANGE) {
            // Dropping the staging takes away what was there before.
            Ok(()) => Ok(()),
            Err(_) => self.swap_in_two_steps(place, record),
        }
    }

    /// The old one is kept aside until the new one is in place: a stick's file system knows no better.
    pub(super) fn swap_in_two_steps(&self, place: &Path, record: &Record) -> Result<(), SupplyError> {
        let aside = self.shelf.folder.join(format!("{OUTGOING}{}{MARK}{}", record.name, record.version));
        fs::rename(place, &aside).map_err(SupplyError::files("moving", place))?;
        fs::rename(&self.folder, place).map_err(SupplyError::files("moving", &self.folder))?;
        discard(&aside).map_err(SupplyError::files("removing", &aside))
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // After an installation it holds the version before, or is gone. What cannot be removed is swept later.
        let _ = discard(&self.folder);
    }
}

/// A file that is there whole or not at all.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), SupplyError> {
    let parent = path.parent().expect("a file in a folder");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = parent.join(format!(".{name}.new"));
    let write = |path: &Path| -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()
    };
    write(&aside).map_err(SupplyError::files("writing", &aside))?;
    fs::rename(&aside, path).map_err(SupplyError::files("writing", path))?;
    sync(parent)
}

fn sync(folder: &Path) -> Result<(), SupplyError> {
    match File::open(folder).and_then(|f| f.sync_all()) {
        // Some network file systems know no such thing.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done.map_err(SupplyError::files("writing", folder)),
    }
}

fn sync_folders(folder: &Path) -> Result<(), SupplyError> {
    let entries = fs::read_dir(folder).map_err(SupplyError::files("reading", folder))?;
    for entry in entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())) {
        sync_folders(&entry.path())?;
    }
    sync(folder)
}

/// A folder or file that need not be there.
fn discard(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
