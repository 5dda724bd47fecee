//! Unpacking: tar, compressed with bzip2 or gzip, from wherever it comes.
//!
//! Only plain files come out, below the folder given, within limits of bytes and number. A link, a device, a path that
//! leads out, or a name that comes twice refuses the whole archive. Hidden files are left out: nothing here reads them.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};
use std::rc::Rc;

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

use super::error::SupplyError;
use crate::hash::{Fingerprint, pour};
use crate::place::{RECORD_FILE, is_plain_path};

/// What an archive may unfold to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    pub entries: usize,
}

impl Default for Limits {
    /// The largest model known to work takes a quarter of a gigabyte.
    fn default() -> Self {
        Self { bytes: 2 << 30, entries: 10_000 }
    }
}

/// Headers with long names are read into memory whole.
const HEADER_BYTES: u64 = 1 << 20;

/// A reader that stops with an error when it has given what it may.
struct Metered<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("it unfolds to more than is allowed"));
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = self.inner.read(&mut buffer[..most])?;
        self.left.set(left - n as u64);
        Ok(n)
    }
}

/// Is it one that can be unpacked, by its name?
pub(super) fn is_known(name: &str) -> bool {
    kind(name).is_some()
}

#[derive(Clone, Copy)]
enum Kind {
    Bzip2,
    Gzip,
    Plain,
}

fn kind(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    let ends = |with: &[&str]| with.iter().any(|end| name.ends_with(end));
    match () {
        () if ends(&[".tar.bz2", ".tbz2", ".tbz"]) => Some(Kind::Bzip2),
        () if ends(&[".tar.gz", ".tgz"]) => Some(Kind::Gzip),
        () if ends(&[".tar"]) => Some(Kind::Plain),
        () => None,
    }
}

/// Unpacks into `folder`, which is there and empty. Where everything lies in one folder, what is in that comes out.
/// Each file's path with `/`, and what it is.
pub(super) fn unpack(
    archive: &Path,
    folder: &Path,
    limits: Limits,
) -> Result<Vec<(String, Fingerprint)>, SupplyError> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let refused = |problem: String| SupplyError::Archive { archive: archive.to_owned(), problem };
    let kind = kind(&name)
        .or_else(|| kind(name.trim_end_matches(".part")))
        .ok_or_else(|| refused("it is neither .tar.bz2, .tar.gz nor .tar".to_owned()))?;
    let file = BufReader::new(File::open(archive).map_err(SupplyError::files("opening", archive))?);
    let reader: Box<dyn Read> = match kind {
        Kind::Bzip2 => Box::new(MultiBzDecoder::new(file)),
        Kind::Gzip => Box::new(MultiGzDecoder::new(file)),
        Kind::Plain => Box::new(file),
    };
    let mut files = take_out(reader, folder, limits).map_err(|trouble| match trouble {
        Trouble::Archive(problem) => refused(problem),
        Trouble::Disk(error) => error,
    })?;
    let top = files.first().and_then(|(path, _)| path.split_once('/')).map(|(top, _)| format!("{top}/"));
    if let Some(top) = top
        && files.iter().all(|(path, _)| path.starts_with(&top))
    {
        lift(folder, &top)?;
        for (path, _) in &mut files {
            path.drain(..top.len());
        }
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| path == RECORD_FILE) {
        return Err(refused(format!("{path} is a name of ours")));
    }
    Ok(files)
}

enum Trouble {
    Archive(String),
    Disk(SupplyError),
}

fn take_out(reader: impl Read, folder: &Path, limits: Limits) -> Result<Vec<(String, Fingerprint)>, Trouble> {
    let broken = |error: io::Error| Trouble::Archive(format!("it is damaged or ends early: {error}"));
    let left = Rc::new(Cell::new(HEADER_BYTES));
    let mut archive = tar::Archive::new(Metered { inner: reader, left: Rc::clone(&left) });
    let (mut files, mut seen, mut used) = (Vec::new(), 0, 0_u64);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        seen += 1;
        if seen > limits.entries {
            return Err(Trouble::Archive(format!("it has more than {} entries", limits.entries)));
        }
        let path = path_of(&entry)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(Trouble::Archive(format!("{path} in it is no plain file but {kind:?}")));
        }
        left.set((limits.bytes - used).saturating_add(1));
        if is_hidden(&path) {
            used += io::copy(&mut entry, &mut io::sink()).map_err(broken)?;
        } else {
            let found = write(&mut entry, folder, &path)?;
            used += found.size_bytes;
            files.push((path, found));
        }
        if used > limits.bytes {
            return Err(Trouble::Archive(format!("it unfolds to more than {} bytes", limits.bytes)));
        }
        left.set(HEADER_BYTES);
    }
    if files.is_empty() {
        return Err(Trouble::Archive("it holds no file".to_owned()));
    }
    // The check sum of what was compressed stands at its end.
    left.set(HEADER_BYTES);
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(files)
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

fn path_of(entry: &tar::Entry<'_, impl Read>) -> Result<String, Trouble> {
    let bytes = entry.path_bytes();
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Trouble::Archive(format!("the name {:?} is no UTF-8", String::from_utf8_lossy(&bytes)))
    })?;
    let mut parts = Vec::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str().expect("a part of UTF-8")),
            Component::CurDir => {}
            _ => return Err(Trouble::Archive(format!("{text:?} in it leads out of the folder"))),
        }
    }
    let path = parts.join("/");
    // `./` of an archive that was made in its own folder.
    if path.is_empty() || is_hidden(&path) || is_plain_path(&path) {
        return Ok(path);
    }
    Err(Trouble::Archive(format!("{text:?} in it is no path of a model's file")))
}

fn write(entry: &mut impl Read, folder: &Path, path: &str) -> Result<Fingerprint, Trouble> {
    let to = folder.join(path);
    let parent = to.parent().expect("below the folder");
    fs::create_dir_all(parent).map_err(|e| match e.kind() {
        // A file of the archive stands where a folder should.
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => twice(path),
        _ => Trouble::Disk(SupplyError::files("making", parent)(e)),
    })?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&to).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => twice(path),
        _ => Trouble::Disk(SupplyError::files("making", &to)(e)),
    })?;
    let mut disk = Disk { file: &mut file, failed: None };
    let poured = pour(entry, &mut disk);
    if let Some(error) = disk.failed {
        return Err(Trouble::Disk(SupplyError::files("writing", &to)(error)));
    }
    let found =
        poured.map_err(|e| Trouble::Archive(format!("{path} in it is damaged or ends early: {e}")))?;
    file.sync_all().map_err(|e| Trouble::Disk(SupplyError::files("writing", &to)(e)))?;
    Ok(found)
}

fn twice(path: &str) -> Trouble {
    Trouble::Archive(format!("{path} is in it twice"))
}

/// Tells an error of the disk from one of the archive.
struct Disk<'a> {
    file: &'a mut File,
    failed: Option<io::Error>,
}

impl io::Write for Disk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| {
            let told = io::Error::from(error.kind());
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(error);
            }
            told
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Moves what lies in the one folder up.
fn lift(folder: &Path, top: &str) -> Result<(), SupplyError> {
    let top = folder.join(top);
    // A file in it may be named like the folder.
    let aside = folder.join(".top");
    fs::rename(&top, &aside).map_err(SupplyError::files("moving", &top))?;
    for entry in fs::read_dir(&aside).map_err(SupplyError::files("reading", &aside))? {
        let entry = entry.map_err(SupplyError::files("reading", &aside))?;
        fs::rename(entry.path(), folder.join(entry.file_name()))
            .map_err(SupplyError::files("moving", &entry.path()))?;
    }
    fs::remove_dir(&aside).map_err(SupplyError::files("removing", &aside))
}
