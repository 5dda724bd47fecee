//! Out of one file, into an empty database and an empty data folder; all of it or nothing.
//!
//! The file is read twice. The first time everything in it is held against its manifest, before anything is written. The
//! second time it is put in: tables as they were when the backup was made, read back and held against the manifest once
//! more, then brought forward to this hub's; files into a folder of their own. The last acts move the files to their places
//! and commit. Interrupted before that, the next restore begins anew; until one has come through no hub starts there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, sink};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use protocol::UtcMs;
use sha2::{Digest as _, Sha256};

use super::archive::{self, Item};
use super::cipher::{self, Opening};
use super::content::{self, Tally};
use super::folder::{DATABASE, Hold, Staging};
use super::{Content, FileContent, Manifest, Start, TOLD_EVERY, Told};
use crate::config::Config;
use crate::db::table::{BATCH_BYTES, BATCH_ROWS, Cells, Table};
use crate::db::{Db, Tx, migrate};

/// Restores a backup into the data folder of `config` and, without one in the folder, into the PostgreSQL at `into`.
pub async fn restore(
    config: &Config,
    file: &Path,
    into: Option<&str>,
    passphrase: Option<&str>,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<Manifest> {
    let data_dir = &config.hub.data_dir;
    // Whoever gives a wrong file changes nothing at all.
    let manifest = verify(open(file, passphrase)?).await.with_context(|| wrong(file))?;
    let tenant = &manifest.start.tenant;
    ensure!(
        *tenant == config.hub.tenant,
        "this is the backup of tenant {tenant}; the configuration has [hub] tenant = \"{}\": set it to \"{tenant}\" first",
        config.hub.tenant
    );
    told(&format!(
        "the file is whole: {} rows in {} tables, {} files, of {}",
        manifest.rows(),
        manifest.tables.len(),
        manifest.files.len(),
        manifest.start.at_ms
    ));
    let _alone = Hold::alone(data_dir)?;
    let target = match into {
        Some(_) => Some(Db::connect(into, &data_dir.join(DATABASE)).await?),
        None => None,
    };
    if let Some(db) = &target {
        let mut tx = db.begin().await?;
        refuse_full(&mut tx).await?;
    }
    let staging = Staging::begin(data_dir)?;
    let db = match target {
        Some(db) => db,
        None => Db::connect(None, &staging.database()).await?,
    };
    let from = || open(file, passphrase);
    match put_in(&db, &staging, from, &manifest, now, told).await.with_context(|| wrong(file)) {
        Ok(()) => staging.end()?,
        Err(error) => {
            // Nothing half-done stays; what cannot be taken away now is taken away by the next one.
            db.close().await;
            return Err(match staging.clear() {
                Ok(()) => error,
                Err(left) => error.context(format!("what it began is still there: {left:#}")),
            });
        }
    }
    let _ = db.count_anew().await;
    db.close().await;
    Ok(manifest)
}

fn wrong(file: &Path) -> String {
    format!("{} was not restored", file.display())
}

/// Opens the file, with its passphrase when it is sealed.
fn open(file: &Path, passphrase: Option<&str>) -> anyhow::Result<Box<dyn Read>> {
    let place = || format!("reading {}", file.display());
    let mut head = Vec::new();
    File::open(file)
        .with_context(place)?
        .take(cipher::HEAD as u64)
        .read_to_end(&mut head)
        .with_context(place)?;
    let from = BufReader::with_capacity(1 << 20, File::open(file).with_context(place)?);
    Ok(match (cipher::is_sealed(&head), passphrase) {
        (true, Some(passphrase)) => Box::new(Opening::new(from, passphrase)?),
        (true, None) => {
            bail!("{} is sealed: give the file of its passphrase with --passphrase-file", file.display())
        }
        (false, Some(_)) => bail!("{} is not sealed: leave --passphrase-file out", file.display()),
        (false, None) => Box::new(from),
    })
}

async fn refuse_full(tx: &mut Tx) -> anyhow::Result<()> {
    let names: Vec<String> = tx.tables().await?.into_iter().map(|table| table.name).collect();
    ensure!(
        names.is_empty(),
        "the database is not empty: {} tables are there ({}…); make an empty one, or drop what is in it",
        names.len(),
        names[..names.len().min(3)].join(", ")
    );
    Ok(())
}

/// Everything that was read of a backup.
#[derive(Default)]
struct Seen {
    start: Option<Start>,
    tallies: BTreeMap<String, Tally>,
    files: BTreeMap<String, FileContent>,
    manifest: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

/// Reads a whole backup and holds everything in it against its manifest.
pub(super) async fn verify(from: impl Read) -> anyhow::Result<Manifest> {
    let mut seen = Seen::default();
    archive::each(from, async |item| seen.take(item)).await?;
    seen.judge()
}

impl Seen {
    fn take(&mut self, item: Item<'_>) -> anyhow::Result<()> {
        ensure!(self.hash.is_none(), "something follows the end of the backup");
        ensure!(
            self.manifest.is_none() || matches!(item, Item::ManifestHash(_)),
            "something lies between the manifest and its hash"
        );
        match item {
            Item::Begin(bytes) => {
                ensure!(self.start.is_none(), "it begins twice");
                let start = Start::read(&bytes)?;
                start.schema_known(&migrate::known())?;
                self.start = Some(start);
            }
            Item::Rows(table, lines) => self.tallies.entry(table).or_default().add(&lines),
            Item::File(file) => {
                let path = file.path.clone();
                let kept = file.copy(&mut sink())?;
                ensure!(self.files.insert(path.clone(), kept).is_none(), "{path} is in it twice");
            }
            Item::Manifest(bytes) => self.manifest = Some(bytes),
            Item::ManifestHash(bytes) => self.hash = Some(bytes),
        }
        Ok(())
    }

    fn judge(self) -> anyhow::Result<Manifest> {
        let (Some(bytes), Some(hash)) = (self.manifest, self.hash) else {
            bail!("it ends before its manifest: it was cut off, or the backup was never finished")
        };
        let found = hex::encode(Sha256::digest(&bytes));
        let noted = String::from_utf8_lossy(&hash).into_owned();
        ensure!(found == noted, "its manifest was changed: its hash is {found}, and {noted} was noted");
        let manifest: Manifest = serde_json::from_slice(&bytes).context("reading its manifest")?;
        ensure!(
            self.start.as_ref() == Some(&manifest.start),
            "its beginning and its manifest are of two backups"
        );
        let mut tallies = self.tallies;
        for (table, wanted) in &manifest.tables {
            let found = tallies.remove(table).unwrap_or_default().end();
            same(table, &wanted.content, &found)?;
        }
        if let Some((table, _)) = tallies.first_key_value() {
            bail!("table {table} is in it and not in its manifest");
        }
        for (path, wanted) in &manifest.files {
            let found = self.files.get(path);
            ensure!(found == Some(wanted), "file {path}: {wanted:?} expected, {found:?} found");
        }
        if let Some(path) = self.files.keys().find(|path| !manifest.files.contains_key(*path)) {
            bail!("file {path} is in it and not in its manifest");
        }
        Ok(manifest)
    }
}

pub(super) fn same(table: &str, wanted: &Content, found: &Content) -> anyhow::Result<()> {
    ensure!(
        wanted == found,
        "table {table}: {} rows of hash {} expected, {} rows of hash {} found",
        wanted.rows,
        wanted.sha256,
        found.rows,
        found.sha256
    );
    Ok(())
}

/// Loads everything and puts it in force.
async fn put_in(
    db: &Db,
    staging: &Staging,
    from: impl Fn() -> anyhow::Result<Box<dyn Read>>,
    manifest: &Manifest,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    tx.without_limits().await?;
    refuse_full(&mut tx).await?;
    load(&mut tx, staging, from()?, manifest, now, told).await?;
    told("everything is in and was held against the backup once more");
    let behind = migrate::known().len() - manifest.start.schema.len();
    if behind > 0 {
        told(&format!("bringing it forward by {behind} migrations"));
        migrate::apply_in(&mut tx, None, now.0).await?;
    }
    if lies_in_folder(db) {
        // The database is one of the files.
        tx.commit().await.context("committing what was restored")?;
        db.close().await;
        ensure!(!left_over(&staging.database()), "the database did not close; look at the disk");
        staging.place()
    } else {
        staging.place()?;
        tx.commit().await.context("committing what was restored")
    }
}

fn lies_in_folder(db: &Db) -> bool {
    matches!(db, Db::Sqlite { .. })
}

/// Whether something of SQLite's still lies beside the file: then that is not all of it.
fn left_over(database: &Path) -> bool {
    let beside = database.with_extension("db-wal");
    std::fs::metadata(beside).is_ok_and(|about| about.len() > 0)
}

/// The tables as they were when the backup was made, into an empty database; the files into their staging place.
async fn load(
    tx: &mut Tx,
    staging: &Staging,
    from: impl Read,
    manifest: &Manifest,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<()> {
    let last = manifest.start.schema_known(&migrate::known())?;
    migrate::apply_in(tx, Some(last), now.0).await?;
    let tables = tx.tables().await?;
    manifest.fits(&tables)?;
    for table in &tables {
        // A migration may begin with rows of its own.
        tx.empty(table).await?;
    }
    let tables: BTreeMap<&str, &Table> = tables.iter().map(|table| (table.name.as_str(), table)).collect();
    let (mut rows, mut next) = (0, TOLD_EVERY);
    archive::each(from, async |item| {
        match item {
            Item::Rows(name, lines) => {
                let table =
                    tables.get(name.as_str()).with_context(|| format!("table {name} is not known"))?;
                rows += add(tx, table, &lines).await?;
                if rows >= next {
                    told(&format!("{rows} of {} rows so far", manifest.rows()));
                    next = rows + TOLD_EVERY;
                }
            }
            Item::File(file) => {
                let (path, mode) = (file.path.clone(), file.mode);
                let kept = file.copy(&mut staging.create(&path, mode)?)?;
                // The file was whole when it was read the first time.
                ensure!(manifest.files.get(&path) == Some(&kept), "{path} is another one now");
            }
            Item::Begin(_) | Item::Manifest(_) | Item::ManifestHash(_) => {}
        }
        Ok(())
    })
    .await?;
    for (name, wanted) in &manifest.tables {
        let table = tables.get(name.as_str()).with_context(|| format!("table {name} is not known"))?;
        same(name, &wanted.content, &content::of(tx, table).await?)?;
    }
    Ok(())
}

async fn add(tx: &mut Tx, table: &Table, lines: &[u8]) -> anyhow::Result<u64> {
    let text = std::str::from_utf8(lines).with_context(|| format!("table {} is not in UTF-8", table.name))?;
    let (mut batch, mut bytes, mut count): (Vec<Cells>, usize, u64) = (Vec::new(), 0, 0);
    for line in text.lines() {
        batch.push(table.read(line).with_context(|| format!("a row of table {}", table.name))?);
        (bytes, count) = (bytes + line.len(), count + 1);
        if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            bytes = 0;
            tx.add_rows(table, std::mem::take(&mut batch)).await?;
        }
    }
    if !batch.is_empty() {
        tx.add_rows(table, batch).await?;
    }
    Ok(count)
}
