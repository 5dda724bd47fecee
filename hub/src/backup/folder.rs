//! The data folder: who is at work in it, what of it a backup takes, and how a restored one comes into force.
//!
//! A hub that runs holds the folder together with other hubs; a restore or a move holds it alone. What is restored is made
//! in `restoring/` and moved to its places at the end: as long as that folder is there, no hub starts, and the next restore
//! takes away what the one before began.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

pub(super) const DATABASE: &str = "hub.db";
pub(super) const EVIDENCE: &str = "evidence";
pub(super) const KEYS: &str = "pki";
const LOCK: &str = "hub.lock";
const RESTORING: &str = "restoring";
/// Inside that: what will be moved to its place, and which names that are.
const NEW: &str = "new";
const NAMES: &str = "names";
/// What is not the hub's content: its database goes another way, uploads are begun anew by the boxes that send them.
const LEFT_OUT: [&str; 7] =
    [DATABASE, "hub.db-wal", "hub.db-shm", "hub.db-journal", "uploads", LOCK, RESTORING];
/// What a new file system brings along.
const LOST_AND_FOUND: &str = "lost+found";
/// The keys are a handful of small files; more is something else that got there.
const MOST_KEY_BYTES: u64 = 16 << 20;

/// The folder, held until this is dropped.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

impl Hold {
    /// For a hub that runs; others may run beside it.
    pub fn running(data_dir: &Path) -> anyhow::Result<Self> {
        let lock = Self::open(data_dir)?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "a restore or a move is at work in {}; start the hub when it is done",
                    data_dir.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).context("holding the data folder"),
        }
    }

    /// For what nobody may look on at.
    pub(super) fn alone(data_dir: &Path) -> anyhow::Result<Self> {
        let lock = Self::open(data_dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("a hub, a restore or a move is at work in {}; stop it first", data_dir.display())
            }
            Err(TryLockError::Error(error)) => Err(error).context("holding the data folder"),
        }
    }

    fn open(data_dir: &Path) -> anyhow::Result<File> {
        std::fs::create_dir_all(data_dir).with_context(|| {
            format!("making the data folder {}; name another with --data", data_dir.display())
        })?;
        let path = data_dir.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(&path).with_context(|| format!("opening {}", path.display()))
    }
}

/// A folder in which a restore was interrupted is no hub's.
pub fn refuse_unfinished(data_dir: &Path) -> anyhow::Result<()> {
    ensure!(
        !data_dir.join(RESTORING).exists(),
        "a restore into {} was interrupted; run `hub restore` again, it begins anew by itself",
        data_dir.display()
    );
    Ok(())
}

/// A file of the data folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Relative, with `/`.
    pub(super) path: String,
    pub(super) mode: u32,
}

/// What a backup takes below `part` of the folder (everything but keys and evidence: nothing), by name. What is neither a
/// file nor a folder, or has no readable name, is told and left out.
pub(super) fn files(data_dir: &Path, part: &str, told: &mut dyn FnMut(&str)) -> anyhow::Result<Vec<Found>> {
    let (mut found, mut folders) = (Vec::new(), vec![part.to_owned()]);
    while let Some(folder) = folders.pop() {
        let place = data_dir.join(&folder);
        let entries = match std::fs::read_dir(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.with_context(|| format!("reading {}", place.display()))?,
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", place.display()))?;
            let Ok(name) = entry.file_name().into_string() else {
                told(&format!("left out: {} has no name in UTF-8", entry.path().display()));
                continue;
            };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let elsewhere = [KEYS, EVIDENCE, LOST_AND_FOUND].contains(&name.as_str());
            if folder.is_empty() && (LEFT_OUT.contains(&name.as_str()) || elsewhere) || path == "pki/lock" {
                continue;
            }
            let kind = entry.file_type().with_context(|| format!("looking at {path}"))?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let mode =
                    entry.metadata().with_context(|| format!("looking at {path}"))?.permissions().mode()
                        & 0o777;
                found.push(Found { path, mode });
            } else {
                told(&format!("left out: {path} is neither a file nor a folder"));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The keys with their content: small, and wanted as they are at one moment.
pub(super) fn keys(data_dir: &Path, told: &mut dyn FnMut(&str)) -> anyhow::Result<Vec<(Found, Vec<u8>)>> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for file in files(data_dir, KEYS, told)? {
        let place = || format!("reading {}", file.path);
        let path = data_dir.join(&file.path);
        // Left by a writer that was interrupted.
        if path.extension().is_some_and(|extension| extension == "new") {
            continue;
        }
        bytes += std::fs::metadata(&path).with_context(place)?.len();
        ensure!(
            bytes <= MOST_KEY_BYTES,
            "{KEYS}/ has more than {MOST_KEY_BYTES} bytes; take away what is no key ({} for one)",
            file.path
        );
        let content = std::fs::read(&path).with_context(place)?;
        all.push((file, content));
    }
    Ok(all)
}

/// A place in which a data folder is made before it comes into force.
#[derive(Debug)]
pub(super) struct Staging {
    data_dir: PathBuf,
}

impl Staging {
    /// In a folder that is empty but for what an interrupted restore left, which is taken away.
    pub(super) fn begin(data_dir: &Path) -> anyhow::Result<Self> {
        let this = Self { data_dir: data_dir.to_owned() };
        this.clear()?;
        let found = this.names()?;
        ensure!(
            found.is_empty(),
            "{} is not empty (there: {}); a backup is restored into an empty folder (name another with --data, or move \
             this one away)",
            data_dir.display(),
            found[..found.len().min(5)].join(", ")
        );
        let new = this.new_dir();
        std::fs::create_dir_all(&new).with_context(|| format!("making {}", new.display()))?;
        Ok(this)
    }

    /// What lies in the data folder.
    fn names(&self) -> anyhow::Result<Vec<String>> {
        let place = || format!("reading {}", self.data_dir.display());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.data_dir).with_context(place)? {
            let name = entry.with_context(place)?.file_name().to_string_lossy().into_owned();
            if ![LOCK, LOST_AND_FOUND].contains(&name.as_str()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Takes away what a restore began: what it has moved to its place, and its own folder.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        let own = self.data_dir.join(RESTORING);
        if !own.exists() {
            return Ok(());
        }
        let names = std::fs::read_to_string(own.join(NAMES)).unwrap_or_default();
        for name in names.lines() {
            let path = self.data_dir.join(name);
            let gone =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            match gone {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("taking away {}", path.display()));
                }
                _ => {}
            }
        }
        std::fs::remove_dir_all(&own).with_context(|| format!("taking away {}", own.display()))
    }

    fn new_dir(&self) -> PathBuf {
        self.data_dir.join(RESTORING).join(NEW)
    }

    /// Where the database is made.
    pub(super) fn database(&self) -> PathBuf {
        self.new_dir().join(DATABASE)
    }

    /// A new file at a place of the data folder.
    pub(super) fn create(&self, path: &str, mode: u32) -> anyhow::Result<File> {
        let place = self.new_dir().join(path);
        let context = || format!("making {}", place.display());
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).with_context(context)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&place).with_context(context)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode)).with_context(context)?;
        Ok(file)
    }

    /// Moves everything to its place, all of it synced; the database last. The folder is a hub's when [`Staging::end`] has
    /// come through.
    pub(super) fn place(&self) -> anyhow::Result<()> {
        let (own, new) = (self.data_dir.join(RESTORING), self.new_dir());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&new).with_context(|| format!("reading {}", new.display()))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_by_key(|name| (name == DATABASE, name.clone()));
        let mut list = File::create(own.join(NAMES)).context("noting what is restored")?;
        for name in &names {
            writeln!(list, "{name}").context("noting what is restored")?;
        }
        // The file system as a whole: there may be very many files.
        rustix::fs::syncfs(&list).context("having the disk keep what is restored")?;
        for name in &names {
            let to = self.data_dir.join(name);
            ensure!(!to.exists(), "{} came into being meanwhile; who else is at work here?", to.display());
            std::fs::rename(new.join(name), &to).with_context(|| format!("moving {name} to its place"))?;
        }
        sync_folder(&self.data_dir)
    }

    /// From here on it is a hub's folder.
    pub(super) fn end(self) -> anyhow::Result<()> {
        let own = self.data_dir.join(RESTORING);
        std::fs::remove_dir_all(&own).with_context(|| format!("taking away {}", own.display()))?;
        sync_folder(&self.data_dir)
    }
}

/// Has the disk keep which names are in a folder.
pub(super) fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|file| file.sync_all());
    synced.with_context(|| format!("having the disk keep {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hubs share a folder; whoever wants it alone waits for all of them, and they for him.
    #[test]
    fn one_alone_or_many() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (Hold::running(folder.path()).unwrap(), Hold::running(folder.path()).unwrap());
        assert!(Hold::alone(folder.path()).unwrap_err().to_string().contains("stop it first"));
        drop(one);
        assert!(Hold::alone(folder.path()).is_err());
        drop(two);
        let alone = Hold::alone(folder.path()).unwrap();
        assert!(Hold::running(folder.path()).unwrap_err().to_string().contains("a restore or a move"));
        assert!(Hold::alone(folder.path()).is_err());
        drop(alone);
        Hold::running(folder.path()).unwrap();
    }

    /// Keys, database, uploads and what the hub has of its own are taken on other ways; everything else is found, whatever
    /// later versions put there.
    #[test]
    fn what_a_backup_takes() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "hub.db",
            "hub.db-wal",
            "hub.lock",
            "uploads/u1",
            "evidence/main/ab/cd",
            "pki/ca.key",
            "pki/lock",
            "pki/ca.new",
            "basemap/1.pmtiles",
            "note.txt",
            "deep/er/file",
        ] {
            let place = folder.path().join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, path).unwrap();
        }
        std::os::unix::fs::symlink("note.txt", folder.path().join("link")).unwrap();
        let mut told = Vec::new();
        let mut paths = |part: &str| {
            let found = files(folder.path(), part, &mut |line| told.push(line.to_owned())).unwrap();
            found.into_iter().map(|file| file.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(""), ["basemap/1.pmtiles", "deep/er/file", "note.txt"]);
        assert_eq!(paths(EVIDENCE), ["evidence/main/ab/cd"]);
        assert_eq!(paths("nowhere"), Vec::<String>::new());
        assert_eq!(told, ["left out: link is neither a file nor a folder"]);
        let keys = keys(folder.path(), &mut |_| {}).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!((keys[0].0.path.as_str(), keys[0].1.as_slice()), ("pki/ca.key", &b"pki/ca.key"[..]));
    }

    /// What is staged comes to its place whole; interrupted on the way, the next one takes it away and begins anew; what
    /// was not of a restore is never touched.
    #[test]
    fn staged_and_placed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let stage = || {
            let staging = Staging::begin(dir).unwrap();
            staging.create("pki/ca.key", 0o600).unwrap().write_all(b"key").unwrap();
            std::fs::write(staging.database(), "db").unwrap();
            staging
        };
        // Interrupted before anything was moved, and after everything was.
        drop(stage());
        assert!(refuse_unfinished(dir).is_err());
        let staging = stage();
        staging.place().unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("hub.db")).unwrap(), "db");
        assert!(refuse_unfinished(dir).unwrap_err().to_string().contains("was interrupted"));
        drop(staging);
        let staging = stage();
        assert!(!dir.join("hub.db").exists() && !dir.join("pki").exists());
        staging.place().unwrap();
        staging.end().unwrap();
        refuse_unfinished(dir).unwrap();
        let mode = std::fs::metadata(dir.join("pki/ca.key")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        // Now it is somebody's.
        let error = Staging::begin(dir).unwrap_err().to_string();
        assert!(error.contains("is not empty (there: hub.db, pki)"), "{error}");
        assert_eq!(std::fs::read_to_string(dir.join("pki/ca.key")).unwrap(), "key");
    }
}
