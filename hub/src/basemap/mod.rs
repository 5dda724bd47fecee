//! Base maps: what lies under the cases on a map, in one file of tiles (PMTiles), served by the hub itself.
//!
//! A file is imported on the hub's machine or brought on a page, checked ([`pmtiles`]), kept in the data folder by its hash, and served with
//! ranges to whoever is logged in: a browser reads from it what it shows. It never changes under its address, so browsers
//! keep what they have. Deliberately absent: any tile from elsewhere, and drawing; the words on the map are drawn by the
//! browser with fonts of the site.

pub mod cli;
pub mod pmtiles;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use protocol::Sha256Hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::admin::By;
use crate::admin::audit::{self, Change, Deed};
use crate::app::App;
use crate::db::{self, Db};
use crate::organisation::AreaPath;
use pmtiles::{Head, MapError};

/// Folder of the data folder.
const FOLDER: &str = "basemaps";
/// What its files end in.
pub const ENDING: &str = ".pmtiles";
/// Longest name of a file that is kept, in characters.
const MOST_NAME: usize = 100;

/// A base map that is here.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseMap {
    pub sha256: String,
    /// What its file was called.
    pub name: String,
    pub size_bytes: i64,
    pub about: About,
    pub made_at_ms: i64,
}

/// What its head says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct About {
    pub min_zoom: u8,
    pub max_zoom: u8,
    /// Degrees, WGS84.
    pub west: f64,
    pub south: f64,
    pub east: f64,
    pub north: f64,
}

/// How a base map lies to the grids in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    Whole,
    /// The rest of the county will be blank.
    Partly,
    /// There is no map of grids to hold it against.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum BaseMapError {
    #[error(transparent)]
    Map(#[from] MapError),
    #[error("it shows {0}, and the county's grids lie in {1}: this is the map of another place")]
    Elsewhere(String, String),
    #[error(
        "the disk is nearly full: it has {free_bytes} bytes free, of which {keep_free_bytes} stay for incidents"
    )]
    Full { free_bytes: u64, keep_free_bytes: u64 },
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error("base map database: {0}")]
    Db(#[from] db::Error),
}

impl About {
    fn of(head: &Head) -> Self {
        Self {
            min_zoom: head.min_zoom,
            max_zoom: head.max_zoom,
            west: head.west,
            south: head.south,
            east: head.east,
            north: head.north,
        }
    }

    /// How it lies to a box of west, south, east and north; nothing where they do not meet.
    fn covers(&self, [west, south, east, north]: [f64; 4]) -> Option<Covers> {
        if self.west > east || self.east < west || self.south > north || self.north < south {
            return None;
        }
        let whole = self.west <= west && self.east >= east && self.south <= south && self.north >= north;
        Some(if whole { Covers::Whole } else { Covers::Partly })
    }
}

fn in_words([west, south, east, north]: [f64; 4]) -> String {
    format!("{south:.4}–{north:.4} N, {west:.4}–{east:.4} E")
}

/// Checks a file and keeps it, unless it is only tried. A file that is here already stays as it is.
pub async fn import(app: &App, file: &Path, dry_run: bool) -> Result<(BaseMap, Covers), BaseMapError> {
    let shown = file.display().to_string();
    let source = std::fs::File::open(file).map_err(|error| BaseMapError::File(shown.clone(), error))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    take(app, &By::cli(app.clock.now()), (source, &name, &shown), dry_run).await
}

/// A file that somebody has brought: open for reading, what it is called, and what to call it where it cannot be read.
pub async fn take(
    app: &App,
    by: &By,
    (mut source, name, shown): (std::fs::File, &str, &str),
    dry_run: bool,
) -> Result<(BaseMap, Covers), BaseMapError> {
    let tenant = app.tenant().as_str();
    let wrong = |error| BaseMapError::File(shown.to_owned(), error);
    source.seek(SeekFrom::Start(0)).map_err(wrong)?;
    let size = source.metadata().map_err(wrong)?.len();
    let mut first = Vec::new();
    std::io::Read::by_ref(&mut source).take(pmtiles::FIRST as u64).read_to_end(&mut first).map_err(wrong)?;
    let about = About::of(&pmtiles::read(&first, size)?);
    let map = app.grids.newest(&app.db, tenant).await?;
    let covers = match map.and_then(|map| map.bounds()) {
        None => Covers::Unknown,
        Some(county) => about.covers(county).ok_or_else(|| {
            let own = [about.west, about.south, about.east, about.north];
            BaseMapError::Elsewhere(in_words(own), in_words(county))
        })?,
    };
    let mut made = BaseMap {
        sha256: String::new(),
        name: name.chars().filter(|c| !c.is_control()).take(MOST_NAME).collect(),
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        about,
        made_at_ms: app.clock.now().0,
    };
    if dry_run {
        return Ok((made, covers));
    }
    leave_room(app, size)?;
    source.seek(SeekFrom::Start(0)).map_err(wrong)?;
    let folder = app.data_dir().join(FOLDER);
    let in_folder = |error| BaseMapError::File(folder.display().to_string(), error);
    // Gigabytes, perhaps: not on the threads that answer requests.
    let (into, id) = (folder.clone(), app.new_id());
    let copied = tokio::task::spawn_blocking(move || copy(source, &into, id)).await;
    let copied = copied.map_err(std::io::Error::other).flatten().map_err(in_folder)?;
    if copied.size != size {
        let _ = std::fs::remove_file(&copied.path);
        let error = std::io::Error::other("it changed while it was read; try again");
        return Err(BaseMapError::File(shown.to_owned(), error));
    }
    made.sha256 = copied.sha256;
    let settled = settle(&copied.path, &folder, &made.sha256);
    settled.map_err(in_folder)?;
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    store::put(&mut tx, tenant, &made).await?;
    let told = (made.name.as_str(), format!("{} {} bytes", made.sha256, made.size_bytes));
    audit::note_import(&mut tx, tenant, by, Deed::BaseMap, told).await?;
    tx.commit().await?;
    Ok((made, covers))
}

/// Refuses what would leave no room on the disk for incidents.
pub fn leave_room(app: &App, size: u64) -> Result<(), BaseMapError> {
    let data_dir = app.data_dir();
    let wrong = |error: rustix::io::Errno| BaseMapError::File(data_dir.display().to_string(), error.into());
    let disk = rustix::fs::statvfs(&data_dir).map_err(wrong)?;
    let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let keep_free_bytes = app.config.evidence.keep_free_bytes;
    if free_bytes < size.saturating_add(keep_free_bytes) {
        return Err(BaseMapError::Full { free_bytes, keep_free_bytes });
    }
    Ok(())
}

struct Copied {
    path: PathBuf,
    sha256: String,
    size: u64,
}

/// Beside where it will lie, whole and synced.
fn copy(mut source: std::fs::File, folder: &Path, id: String) -> std::io::Result<Copied> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{id}.new"));
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 20];
    let mut size = 0;
    let copied = loop {
        match source.read(&mut buffer) {
            Ok(0) => break out.sync_all(),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                size += count as u64;
                if let Err(error) = out.write_all(&buffer[..count]) {
                    break Err(error);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    if let Err(error) = copied {
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    Ok(Copied { path, sha256: hex::encode(hasher.finalize()), size })
}

fn settle(path: &Path, folder: &Path, sha256: &str) -> std::io::Result<()> {
    std::fs::rename(path, folder.join(format!("{sha256}{ENDING}")))?;
    std::fs::File::open(folder)?.sync_all()
}

/// Where the file of a base map lies.
pub fn path(app: &App, sha256: &Sha256Hex) -> PathBuf {
    app.data_dir().join(FOLDER).join(format!("{sha256}{ENDING}"))
}

/// The newest first.
pub async fn list(db: &Db, tenant: &str) -> db::Result<Vec<BaseMap>> {
    store::list(db, tenant).await
}

pub async fn find(db: &Db, tenant: &str, sha256: &Sha256Hex) -> db::Result<Option<BaseMap>> {
    store::find(db, tenant, sha256.as_str()).await
}

/// A file without a name in the folder of base maps, for what somebody brings: it is gone with whoever holds it open.
pub fn room(app: &App) -> Result<std::fs::File, BaseMapError> {
    let folder = app.data_dir().join(FOLDER);
    let made = || -> std::io::Result<std::fs::File> {
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.new", app.new_id()));
        let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    };
    made().map_err(|error| BaseMapError::File(folder.display().to_string(), error))
}

/// Takes a base map away: its row first, so that nobody is sent to a file that is gone. Returns whether it was here.
pub async fn remove(app: &App, sha256: &Sha256Hex) -> Result<bool, BaseMapError> {
    remove_by(app, &By::cli(app.clock.now()), sha256).await
}

/// The same by somebody.
pub async fn remove_by(app: &App, by: &By, sha256: &Sha256Hex) -> Result<bool, BaseMapError> {
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if !store::remove(&mut tx, tenant, sha256.as_str()).await? {
        return Ok(false);
    }
    let area = AreaPath::everything();
    let (before, after) = (sha256.to_string(), String::new());
    let change = Change { deed: Deed::BaseMapRemoved, subject: sha256.as_str(), area: &area, before, after };
    audit::note(&mut tx, tenant, by, &change).await?;
    tx.commit().await?;
    let path = path(app, sha256);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BaseMapError::File(path.display().to_string(), error))
        }
        _ => Ok(true),
    }
}
