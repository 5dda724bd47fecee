//! Opening the outbox: version, integrity, salvage of a damaged file, and the box's present name.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::{Envelope, EnvelopeError, UtcMs};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use tokio::fs;
use tokio::sync::Notify;

use super::reckoning::Reckoning;
use super::reserve::Reserve;
use super::write::tombstone;
use super::{Counters, Inner, Outbox, OutboxConfig, OutboxError, Voice, store};

/// Older ones can lose committed rows when the WAL is reset.
const MIN_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// Messages renamed at once.
const PAGE: u32 = 256;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "this binary was built with SQLite {0}, which can lose committed data; 3.51.3 or newer is needed"
    )]
    OldSqlite(String),
    #[error(
        "{path} was written by a newer version (schema {found}, this one knows {}): install that version, or move the file away",
        store::SCHEMA_VERSION
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("opening {path}: {source}")]
    Database { path: PathBuf, source: sqlx::Error },
    #[error("preparing {path}: {source}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// What was found at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Where a damaged database was moved, and how many messages were saved out of it.
    pub damaged: Option<(PathBuf, u64)>,
    /// Messages that now carry the box's present name.
    pub renamed: u64,
}

pub(super) async fn open(
    data_dir: &Path,
    config: OutboxConfig,
    voice: Voice,
) -> Result<(Outbox, Opened), OpenError> {
    let folder = data_dir.join("evidence");
    fs::create_dir_all(&folder).await.map_err(|source| OpenError::Folder { path: folder.clone(), source })?;
    let path = data_dir.join("outbox.sqlite");
    let mut opened = Opened::default();
    let pool = match connect(&path).await {
        Ok(pool) => pool,
        Err(OpenError::Database { source, .. }) if is_damage(&source) && path.exists() => {
            tracing::error!(path = %path.display(), error = %source, "the outbox is damaged");
            let kept = move_aside(&path, voice.clock.now())
                .await
                .map_err(|source| OpenError::Folder { path: path.clone(), source })?;
            let pool = connect(&path).await?;
            let saved = salvage(&pool, &kept).await;
            opened.damaged = Some((kept, saved));
            pool
        }
        Err(other) => return Err(other),
    };
    let reckoning = reckon(&pool, &voice).await?;
    let outbox = Outbox(Arc::new(Inner {
        pool,
        config,
        voice,
        folder,
        recordings: data_dir.join("recordings"),
        continuous: data_dir.join(crate::evidence::archive::FOLDER),
        reckoning,
        reserve: Reserve(data_dir.join("reserve")),
        counters: Counters::default(),
        messages: Notify::new(),
        uploads: Notify::new(),
    }));
    opened.renamed = adopt(&outbox).await?;
    if let Some((kept, saved)) = &opened.damaged {
        let reason = format!(
            "the outbox was damaged: {saved} messages were saved, others may be lost; the file is kept as {}",
            kept.file_name().unwrap_or_default().to_string_lossy()
        );
        outbox.tombstone(None, reason).await?;
    }
    Ok((outbox, opened))
}

/// One connection: SQLite has one writer anyway, and readers here are short.
async fn connect(path: &Path) -> Result<SqlitePool, OpenError> {
    let database = |source| OpenError::Database { path: path.to_owned(), source };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(database)?;
    let checked = check(&pool, path).await;
    if checked.is_err() {
        pool.close().await;
    }
    checked.map(|()| pool)
}

async fn check(pool: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let database = |source| OpenError::Database { path: path.to_owned(), source };
    let mut db = pool.acquire().await.map_err(database)?;
    let version = store::sqlite_version(&mut db).await.map_err(database)?;
    if !new_enough(&version) {
        return Err(OpenError::OldSqlite(version));
    }
    let verdict = store::quick_check(&mut db).await.map_err(database)?;
    if verdict != "ok" {
        return Err(database(sqlx::Error::Protocol(format!("{DAMAGE} {verdict}"))));
    }
    match store::schema_version(&mut db).await.map_err(database)? {
        found @ 0..=store::SCHEMA_VERSION => store::upgrade(&mut db, found).await.map_err(database),
        found => Err(OpenError::Newer { path: path.to_owned(), found }),
    }
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= MIN_SQLITE
}

const DAMAGE: &str = "integrity check:";

/// SQLITE_CORRUPT (11) and SQLITE_NOTADB (26) with their extended codes, or our own check.
fn is_damage(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Protocol(text) = error {
        return text.starts_with(DAMAGE);
    }
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

/// Keeps the damaged database with its log beside it.
async fn move_aside(path: &Path, now: UtcMs) -> std::io::Result<PathBuf> {
    let kept = path.with_file_name(format!("outbox-damaged-{}.sqlite", now.0));
    fs::rename(path, &kept).await?;
    for suffix in ["-wal", "-shm"] {
        let from = path.with_file_name(format!("outbox.sqlite{suffix}"));
        if from.exists() {
            fs::rename(from, kept.with_file_name(format!("outbox-damaged-{}.sqlite{suffix}", now.0))).await?;
        }
    }
    Ok(kept)
}

/// Copies what can be read of each table, row by row, until the damage stops it. Returns how many messages were saved.
async fn salvage(pool: &SqlitePool, damaged: &Path) -> u64 {
    let Ok(mut db) = pool.acquire().await else { return 0 };
    if let Err(error) = store::attach_damaged(&mut db, &damaged.to_string_lossy()).await {
        tracing::warn!(%error, "nothing can be read from the damaged outbox");
        return 0;
    }
    let mut messages = 0;
    for table in &store::TABLES {
        let saved = salvage_table(&mut db, table).await;
        tracing::warn!(table = table.name, saved, "saved from the damaged outbox");
        if table.name == store::MESSAGES {
            messages = saved;
        }
    }
    if let Err(error) = store::detach_damaged(&mut db).await {
        tracing::warn!(%error, "cannot let go of the damaged outbox");
    }
    messages
}

async fn salvage_table(db: &mut SqliteConnection, table: &store::Table) -> u64 {
    let (mut saved, mut row) = (0, -1);
    loop {
        match store::next_row(db, table, row).await {
            Ok(Some(next)) => row = next,
            Ok(None) => return saved,
            Err(error) => {
                tracing::warn!(%error, table = table.name, after = row, "the rest cannot be read");
                return saved;
            }
        }
        match store::copy_row(db, table, row).await {
            Ok(copied) => saved += copied,
            Err(error) => tracing::warn!(%error, table = table.name, row, "a damaged row is skipped"),
        }
    }
}

/// Goes on from the last run's reckoning. Nothing is written: a box starts on a full disk too.
async fn reckon(pool: &SqlitePool, voice: &Voice) -> Result<Reckoning, OutboxError> {
    let mut db = pool.acquire().await?;
    let (mark, newest) = (store::mark(&mut db).await?, store::newest(&mut db).await?);
    let reckoning = Reckoning::new(mark, newest, voice.moment());
    reckoning.mark(voice.moment());
    Ok(reckoning)
}

/// Messages written under another name (before enrolment) speak under the present one. One that cannot is kept among
/// the rejected: a box must start whatever it was called before.
async fn adopt(outbox: &Outbox) -> Result<u64, OutboxError> {
    let source = outbox.0.voice.origin.source();
    let mut tx = outbox.0.pool.begin().await?;
    let mut renamed = 0;
    loop {
        let page = store::foreign(&mut tx, &source, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for (id, bytes) in page {
            let fresh = serde_json::from_slice::<Envelope>(&bytes).map_err(EnvelopeError::from).and_then(
                |mut envelope| {
                    envelope.source.clone_from(&source);
                    envelope.encode()
                },
            );
            match fresh {
                Ok(bytes) => {
                    store::rewrite(&mut tx, id, &source, &bytes).await?;
                    renamed += 1;
                }
                Err(error) => {
                    let reason =
                        format!("written before this box had its name, and cannot be renamed: {error}");
                    store::take_message(&mut tx, id).await?;
                    outbox.reject(&mut tx, id, "unsendable", &reason, &bytes).await?;
                    outbox.insert(&mut tx, &tombstone(None, format!("a message was {reason}"))).await?;
                }
            }
        }
    }
    tx.commit().await?;
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::new_enough;

    /// Versions compare as numbers, not as text.
    #[test]
    fn sqlite_versions_compare_as_numbers() {
        for (version, verdict) in [
            ("3.51.3", true),
            ("3.51.2", false),
            ("3.100.0", true),
            ("3.9.9", false),
            ("4.0", true),
            ("", false),
        ] {
            assert_eq!(new_enough(version), verdict, "{version}");
        }
    }
}
