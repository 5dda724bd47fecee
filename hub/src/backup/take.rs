//! Into one file, while the hub runs.
//!
//! First the keys, then the moment: one transaction that only reads, in which every table is written down, then the
//! files that lie beside the database. So the newest root of the history that the keys remember is in the database, and
//! every file that the database names had been there. The file has its name only when it is whole and on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use protocol::{Chance, TenantId, UtcMs};

use super::archive::Writer;
use super::cipher::Sealing;
use super::content::Tally;
use super::folder::{self, EVIDENCE};
use super::{FileContent, Manifest, Start, TOLD_EVERY, TableContent, Told};
use crate::db::table::{self, Table, Value};
use crate::db::{Db, Tx, migrate};

/// For its owner alone: it holds every key of the hub.
const PRIVATE: u32 = 0o600;

/// Tables whose rows a hub makes again by itself from others. They are in a backup without a row.
pub(super) const CACHES: [&str; 1] = ["evaluation_facts"];

/// What a backup is made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub db: &'a Db,
    pub data_dir: &'a Path,
    pub tenant: &'a TenantId,
    /// Whether the files of evidence go into it.
    pub evidence: bool,
}

/// Makes a backup in a file that is not there yet; sealed, with a passphrase. Whatever fails leaves no file.
pub async fn take(
    source: &Source<'_>,
    file: &Path,
    passphrase: Option<&str>,
    (chance, now): (&Chance, UtcMs),
    told: Told<'_>,
) -> anyhow::Result<Manifest> {
    ensure!(
        !file.exists(),
        "{} is there already; a backup replaces nothing, choose another name",
        file.display()
    );
    let partial = beside(file);
    let out = open(&partial, told)?;
    let made = async {
        let buffered = BufWriter::with_capacity(1 << 20, &out);
        let (buffered, manifest) = match passphrase {
            None => write(buffered, source, now, told).await?,
            Some(passphrase) => {
                let sealing = Sealing::new(buffered, passphrase, chance)?;
                let (sealing, manifest) = write(sealing, source, now, told).await?;
                (sealing.end().context("ending the sealed backup")?, manifest)
            }
        };
        buffered
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .context("writing the end of it")?;
        out.sync_all().context("having the disk keep it")?;
        ensure!(!file.exists(), "somebody else has made {} meanwhile", file.display());
        std::fs::rename(&partial, file).with_context(|| format!("giving it the name {}", file.display()))?;
        anyhow::Ok(manifest)
    };
    let made = made.await;
    if made.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    let manifest = made.with_context(|| format!("no backup was made in {}", file.display()))?;
    folder::sync_folder(
        file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")),
    )?;
    Ok(manifest)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    file.with_file_name(name)
}

/// Opens the file under its working name. One that was left by a backup that died is written anew.
fn open(partial: &Path, told: Told<'_>) -> anyhow::Result<File> {
    let place = || format!("making {}", partial.display());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(PRIVATE);
    let file = options.open(partial).with_context(place)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another backup is being made in {}", partial.display()),
        Err(TryLockError::Error(error)) => return Err(error).with_context(place),
    }
    if let Err(error) = file.set_permissions(std::fs::Permissions::from_mode(PRIVATE)) {
        told(&format!("whoever can read this disk can read the backup: it keeps no permissions ({error})"));
    }
    file.set_len(0).with_context(place)?;
    Ok(file)
}

/// Writes the whole backup to `out` and gives that back.
pub(super) async fn write<W: Write>(
    out: W,
    source: &Source<'_>,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<(W, Manifest)> {
    let keys = folder::keys(source.data_dir, told)?;
    let mut tx = source.db.begin_read().await.context("opening the database to read")?;
    tx.without_limits().await?;
    let schema = migrate::ran(&mut tx)
        .await
        .context("reading which migrations have run: is this a hub's database?")?;
    let start = Start::new(source.tenant, now, schema, source.evidence);
    let mut writer = Writer::begin(out, &start)?;
    let mut files = BTreeMap::new();
    for (file, content) in keys {
        let kept = writer.file(&file.path, file.mode, content.len() as u64, content.as_slice())?;
        files.insert(file.path, kept);
    }
    let (mut tables, mut named) = (BTreeMap::new(), BTreeSet::new());
    for table in tx.tables().await? {
        let content = rows(&mut writer, &mut tx, &table, &mut named, told).await?;
        tables.insert(table.name, content);
    }
    // What the database names is never changed: from here on it need not stand still.
    drop(tx);
    let (mut missing, mut damaged) = (Vec::new(), Vec::new());
    copy_files(&mut writer, source.data_dir, "", &mut files, told)?;
    if source.evidence {
        copy_files(&mut writer, source.data_dir, EVIDENCE, &mut files, told)?;
        missing.extend(named.into_iter().filter(|path| !files.contains_key(path)));
        let evidence = files.iter().filter(|(path, _)| path.starts_with("evidence/"));
        damaged.extend(evidence.filter(|(path, file)| !is_named(path, file)).map(|(path, _)| path.clone()));
    }
    let manifest = Manifest { start, tables, files, missing, damaged };
    let out = writer.end(&manifest)?;
    Ok((out, manifest))
}

async fn rows<W: Write>(
    writer: &mut Writer<W>,
    tx: &mut Tx,
    table: &Table,
    named: &mut BTreeSet<String>,
    told: Told<'_>,
) -> anyhow::Result<TableContent> {
    let columns = table.columns.iter().map(|column| column.name.clone()).collect();
    if CACHES.contains(&table.name.as_str()) {
        return Ok(TableContent { columns, content: Tally::default().end() });
    }
    let (mut tally, mut parts) = (Tally::default(), writer.rows(&table.name));
    let mut next = TOLD_EVERY;
    tx.each_rows(table, async |rows| {
        for row in rows {
            let line = table::line(&row);
            tally.add(line.as_bytes());
            parts.line(&line)?;
            if table.name == EVIDENCE {
                named.extend(evidence_path(table, &row));
            }
        }
        if tally.rows >= next {
            told(&format!("{}: {} rows so far", table.name, tally.rows));
            next += TOLD_EVERY;
        }
        Ok(())
    })
    .await?;
    parts.end()?;
    Ok(TableContent { columns, content: tally.end() })
}

/// Where the file of a row of evidence lies, as [`crate::evidence::EvidenceStore::path`] says it.
fn evidence_path(table: &Table, row: &[Value]) -> Option<String> {
    let cell = |name: &str| {
        let at = table.columns.iter().position(|column| column.name == name)?;
        if let Value::Text(Some(text)) = &row[at] { Some(text.as_str()) } else { None }
    };
    let (tenant, (head, tail)) = (cell("tenant")?, cell("sha256")?.split_at_checked(2)?);
    Some(format!("{EVIDENCE}/{tenant}/{head}/{tail}"))
}

/// Whether a file of evidence is what its name says.
fn is_named(path: &str, file: &FileContent) -> bool {
    let (folder, tail) = path.rsplit_once('/').unwrap_or_default();
    let head = folder.rsplit_once('/').unwrap_or_default().1;
    file.sha256.split_at_checked(2) == Some((head, tail))
}

fn copy_files<W: Write>(
    writer: &mut Writer<W>,
    data_dir: &Path,
    part: &str,
    files: &mut BTreeMap<String, FileContent>,
    told: Told<'_>,
) -> anyhow::Result<()> {
    let found = folder::files(data_dir, part, told)?;
    let (all, mut done, mut bytes, mut next) = (found.len(), 0, 0_u64, 1_u64 << 30);
    for file in found {
        let path = data_dir.join(&file.path);
        let open = File::open(&path).and_then(|open| open.metadata().map(|about| (about.len(), open)));
        let (size_bytes, open) = match open {
            // Taken away meanwhile, by whoever may.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.with_context(|| format!("reading {}", path.display()))?,
        };
        let kept = writer.file(&file.path, file.mode, size_bytes, open)?;
        files.insert(file.path, kept);
        (done, bytes) = (done + 1, bytes + size_bytes);
        if bytes >= next {
            told(&format!("{done} of {all} files, {} MiB so far", bytes >> 20));
            next = bytes + (1 << 30);
        }
    }
    Ok(())
}
