//! The file itself: a tar archive, so that anybody's tools can look into it.
//!
//! ```text
//! begin.json                    what it is; read before anything else
//! files/pki/PATH                the keys, as they were before the moment of the backup
//! tables/NAME/000001.jsonl.gz   rows in the order of their key, one JSON array a line; large tables in parts
//! files/PATH                    everything else of the data folder, as it is there
//! manifest.json                 rows and hash of each table, size and hash of each file
//! manifest.sha256               the hash of that
//! ```
//!
//! Nothing in it is larger in memory than a part, whatever the size of the whole.

use std::io::{self, Read, Write};
use std::path::{Component, Path};

use anyhow::{Context as _, bail, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use protocol::UtcMs;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use super::{FileContent, Manifest, Start};

pub(super) const BEGIN: &str = "begin.json";
const MANIFEST: &str = "manifest.json";
const MANIFEST_HASH: &str = "manifest.sha256";
const TABLES: &str = "tables/";
const FILES: &str = "files/";

/// Lines of a table in one entry, before they are packed; a single row may be longer.
const PART_BYTES: usize = 4 << 20;
/// What one packed part may unpack to: more is not a backup but an attempt to fill the memory.
const MOST_PART_BYTES: u64 = 1 << 30;
/// Largest description of a backup: some millions of files.
const MOST_MANIFEST_BYTES: u64 = 1 << 30;
/// For its owner alone.
const PRIVATE: u32 = 0o600;

/// The writing side.
pub(super) struct Writer<W: Write> {
    tar: Builder<W>,
    at: UtcMs,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(out: W, start: &Start) -> anyhow::Result<Self> {
        let mut writer = Self { tar: Builder::new(out), at: start.at_ms };
        writer.add(BEGIN, &pretty(start)?)?;
        Ok(writer)
    }

    fn add(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.copy(path, PRIVATE, bytes.len() as u64, bytes).map(drop)
    }

    /// Copies a file of the data folder as it is.
    pub(super) fn file(
        &mut self,
        path: &str,
        mode: u32,
        size_bytes: u64,
        from: impl Read,
    ) -> anyhow::Result<FileContent> {
        let sha256 = self.copy(&format!("{FILES}{path}"), mode, size_bytes, from)?;
        Ok(FileContent { sha256, size_bytes, mode })
    }

    fn copy(&mut self, path: &str, mode: u32, size_bytes: u64, from: impl Read) -> anyhow::Result<String> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(size_bytes);
        header.set_mode(mode);
        header.set_mtime(u64::try_from(self.at.0 / 1000).unwrap_or(0));
        let mut hashed = Hashed::new(from.take(size_bytes));
        self.tar.append_data(&mut header, path, &mut hashed).with_context(|| format!("writing {path}"))?;
        ensure!(hashed.bytes == size_bytes, "{path} became shorter while it was copied");
        Ok(hashed.end())
    }

    /// The lines of one table, in parts.
    pub(super) fn rows(&mut self, table: &str) -> Parts<'_, W> {
        Parts { writer: self, table: table.to_owned(), count: 0, lines: Vec::new() }
    }

    pub(super) fn end(mut self, manifest: &Manifest) -> anyhow::Result<W> {
        let text = pretty(manifest)?;
        self.add(MANIFEST, &text)?;
        self.add(MANIFEST_HASH, hex::encode(Sha256::digest(&text)).as_bytes())?;
        self.tar.into_inner().context("ending the archive")
    }
}

fn pretty(value: &impl serde::Serialize) -> anyhow::Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).context("writing down what is in the backup")
}

/// The parts of one table, each packed by itself.
pub(super) struct Parts<'a, W: Write> {
    writer: &'a mut Writer<W>,
    table: String,
    count: u32,
    lines: Vec<u8>,
}

impl<W: Write> Parts<'_, W> {
    pub(super) fn line(&mut self, line: &str) -> anyhow::Result<()> {
        self.lines.extend_from_slice(line.as_bytes());
        if self.lines.len() >= PART_BYTES { self.pack() } else { Ok(()) }
    }

    fn pack(&mut self) -> anyhow::Result<()> {
        self.count += 1;
        let path = format!("{TABLES}{}/{:06}.jsonl.gz", self.table, self.count);
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&self.lines)?;
        self.lines.clear();
        self.writer.add(&path, &packer.finish()?)
    }

    pub(super) fn end(mut self) -> anyhow::Result<()> {
        if self.lines.is_empty() { Ok(()) } else { self.pack() }
    }
}

/// Hashes and counts what is read through it.
struct Hashed<R: Read> {
    from: R,
    sha: Sha256,
    bytes: u64,
}

impl<R: Read> Hashed<R> {
    fn new(from: R) -> Self {
        Self { from, sha: Sha256::new(), bytes: 0 }
    }

    fn end(self) -> String {
        hex::encode(self.sha.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.sha.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// One entry of the reading side.
pub(super) enum Item<'a> {
    Begin(Vec<u8>),
    /// Lines of a table, whole ones.
    Rows(String, Vec<u8>),
    /// Its place in the data folder, and what it holds.
    File(File<'a>),
    Manifest(Vec<u8>),
    ManifestHash(Vec<u8>),
}

pub(super) struct File<'a> {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) size_bytes: u64,
    from: &'a mut dyn Read,
}

impl File<'_> {
    /// Writes it to `out`; returns what came.
    pub(super) fn copy(self, out: &mut impl Write) -> anyhow::Result<FileContent> {
        let Self { path, mode, size_bytes, from } = self;
        let mut hashed = Hashed::new(from);
        io::copy(&mut hashed, out).with_context(|| format!("copying {path} out of the backup"))?;
        ensure!(
            hashed.bytes == size_bytes,
            "the backup ends in the middle of {path}: {} of {size_bytes} bytes are there",
            hashed.bytes
        );
        Ok(FileContent { sha256: hashed.end(), size_bytes, mode })
    }
}

const FOREIGN: &str = "this is no backup of a hub: a tar archive that begins with begin.json was expected";

/// Hands over every entry in turn. Entries that no backup has are refused, and so are names that would lead elsewhere.
pub(super) async fn each(
    from: impl Read,
    mut take: impl AsyncFnMut(Item<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut archive = Archive::new(from);
    let mut first = true;
    for entry in archive.entries().context(FOREIGN)? {
        let place = if first { FOREIGN } else { "the backup is cut off or damaged here" };
        let mut entry = entry.context(place)?;
        let path = entry.path().context(place)?.to_str().context(place)?.to_owned();
        ensure!(!first || path == BEGIN, "{FOREIGN}; it begins with {path}");
        ensure!(
            entry.header().entry_type() == EntryType::Regular && is_plain(&path),
            "{path} belongs in no backup"
        );
        first = false;
        let (mode, size_bytes) = (entry.header().mode().context(place)? & 0o777, entry.size());
        let item = if let Some(inside) = path.strip_prefix(FILES) {
            Item::File(File { path: inside.to_owned(), mode, size_bytes, from: &mut entry })
        } else {
            let most = if path.starts_with(TABLES) { MOST_PART_BYTES } else { MOST_MANIFEST_BYTES };
            let bytes = whole(&path, &mut entry, size_bytes, most)?;
            match path.as_str() {
                BEGIN => Item::Begin(bytes),
                MANIFEST => Item::Manifest(bytes),
                MANIFEST_HASH => Item::ManifestHash(bytes),
                _ => Item::Rows(table_of(&path)?, unpacked(&path, &bytes)?),
            }
        };
        take(item).await?;
    }
    ensure!(!first, "{FOREIGN}; it is empty");
    Ok(())
}

fn is_plain(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn whole(path: &str, from: &mut impl Read, size_bytes: u64, most: u64) -> anyhow::Result<Vec<u8>> {
    ensure!(size_bytes <= most, "{path} has {size_bytes} bytes; no backup has more than {most} there");
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).with_context(|| format!("reading {path}"))?;
    let found = bytes.len();
    ensure!(
        found as u64 == size_bytes,
        "the backup ends in the middle of {path}: {found} of {size_bytes} bytes are there"
    );
    Ok(bytes)
}

fn table_of(path: &str) -> anyhow::Result<String> {
    let inside = path.strip_prefix(TABLES).and_then(|rest| rest.strip_suffix(".jsonl.gz"));
    match inside.and_then(|rest| rest.split_once('/')) {
        Some((table, part)) if part.bytes().all(|byte| byte.is_ascii_digit()) => Ok(table.to_owned()),
        _ => bail!("{path} belongs in no backup"),
    }
}

fn unpacked(path: &str, packed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    let mut decoder = GzDecoder::new(packed).take(MOST_PART_BYTES + 1);
    decoder.read_to_end(&mut lines).with_context(|| format!("unpacking {path}"))?;
    ensure!(lines.len() as u64 <= MOST_PART_BYTES, "{path} unpacks to more than {MOST_PART_BYTES} bytes");
    ensure!(lines.last() == Some(&b'\n'), "{path} does not end with a whole line");
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that lead out of the data folder are no names of a backup.
    #[test]
    fn only_plain_names() {
        for good in ["begin.json", "files/pki/ca.key", "files/evidence/main/ab/cd"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "files/../../x", "../x", "./x/.."] {
            assert!(!is_plain(bad), "{bad}");
        }
        assert_eq!(table_of("tables/cases/000001.jsonl.gz").unwrap(), "cases");
        for bad in [
            "tables/cases",
            "tables/cases/1.csv",
            "tables/1.jsonl.gz",
            "else/cases/1.jsonl.gz",
            "tables/a/b/1.jsonl.gz",
        ] {
            assert!(table_of(bad).is_err(), "{bad}");
        }
    }

    /// A part that is cut off, or has something added to it, is refused by its own check.
    #[test]
    fn packed_parts_are_whole() {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all("[1]\n[2]\n".repeat(1000).as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(unpacked("p", &packed).unwrap().len(), 8000);
        for cut in [0, 5, packed.len() / 2, packed.len() - 1] {
            assert!(unpacked("p", &packed[..cut]).is_err(), "{cut}");
        }
    }
}
