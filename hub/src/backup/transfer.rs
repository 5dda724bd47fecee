//! From one database to the other: `hub move`. Files stay where they are.
//!
//! No hub may run. Every table is copied in one transaction and read back there; when each has the hash that it has here,
//! that is committed, and only then is there anything. What was moved from is left as it is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use protocol::UtcMs;

use super::content::{self, Tally};
use super::folder::{self, DATABASE, Hold};
use super::restore::same;
use super::{Content, TOLD_EVERY, Told};
use crate::config::Config;
use crate::db::table::{self, Table};
use crate::db::{Db, Tx, migrate};

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// `postgres://…`
    Postgres(String),
    /// A file that is not there yet.
    Sqlite(PathBuf),
}

impl std::str::FromStr for To {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sqlite:") {
            Some("") => Err("sqlite: wants the path of a new file after it".to_owned()),
            Some(path) => Ok(Self::Sqlite(path.into())),
            None if text.starts_with("postgres") && text.contains("://") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            None => Err(format!("{text:?} is neither postgres://USER@HOST/DATABASE nor sqlite:PATH")),
        }
    }
}

/// Copies the database of `config`; returns each table with what it holds, the same at both ends.
pub async fn transfer(
    config: &Config,
    to: &To,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<Vec<(String, Content)>> {
    let data_dir = &config.hub.data_dir;
    let _alone = Hold::alone(data_dir)?;
    folder::refuse_unfinished(data_dir)?;
    let path = data_dir.join(DATABASE);
    ensure!(
        config.database_url().is_some() || path.exists(),
        "there is no database at {}; look at --data and [hub] data_dir",
        path.display()
    );
    let from = Db::connect(config.database_url(), &path).await?;
    refuse_hubs(&from).await?;
    migrate::apply(&from, now.0).await.context("bringing the database up to date before it is moved")?;
    match to {
        To::Postgres(url) => {
            let target = Db::connect(Some(url), &path).await?;
            refuse_hubs(&target).await?;
            let moved = copy(&from, &target, now, told).await?;
            let _ = target.count_anew().await;
            target.close().await;
            from.close().await;
            Ok(moved)
        }
        To::Sqlite(file) => {
            ensure!(!file.exists(), "{} is there already; a move replaces nothing", file.display());
            let moved = into_file(&from, file, now, told).await;
            from.close().await;
            moved
        }
    }
}

async fn refuse_hubs(db: &Db) -> anyhow::Result<()> {
    let hubs = db.hubs_connected().await?;
    ensure!(hubs == 0, "a hub is connected to this PostgreSQL ({hubs} sessions); stop every hub of it first");
    Ok(())
}

/// The file has its name when it is whole.
async fn into_file(
    from: &Db,
    file: &Path,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<Vec<(String, Content)>> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(".moving");
    let partial = PathBuf::from(partial);
    remove(&partial)?;
    let target = Db::connect(None, &partial).await?;
    let moved = copy(from, &target, now, told).await;
    target.close().await;
    let placed = moved.and_then(|moved| {
        std::fs::File::open(&partial).and_then(|made| made.sync_all()).context("having the disk keep it")?;
        std::fs::rename(&partial, file).with_context(|| format!("giving it the name {}", file.display()))?;
        folder::sync_folder(file.parent().filter(|at| !at.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        Ok(moved)
    });
    if placed.is_err() {
        remove(&partial)?;
    }
    placed
}

/// What an interrupted move left, with what SQLite lays beside it.
fn remove(partial: &Path) -> anyhow::Result<()> {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut path = partial.as_os_str().to_owned();
        path.push(beside);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("taking away {}", Path::new(&path).display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies every table from a database that stands still into an empty one.
pub(super) async fn copy(
    from: &Db,
    target: &Db,
    now: UtcMs,
    told: Told<'_>,
) -> anyhow::Result<Vec<(String, Content)>> {
    let mut source = from.begin_read().await?;
    source.without_limits().await?;
    let (known, ran) = (migrate::known(), migrate::ran(&mut source).await?);
    ensure!(
        ran == known,
        "the database is not at this hub's version: it ran {} migrations of {}",
        ran.len(),
        known.len()
    );
    let mut tx = target.begin().await?;
    tx.without_limits().await?;
    let there = tx.tables().await?;
    ensure!(
        there.is_empty(),
        "the database to move to is not empty: {} tables are there ({}…); make an empty one, or drop what is in it",
        there.len(),
        there[0].name
    );
    migrate::apply_in(&mut tx, None, now.0).await?;
    let (tables, made) = (source.tables().await?, tx.tables().await?);
    ensure!(tables == made, "the tables are not the same at both ends: {tables:?} here, {made:?} there");
    let mut moved = Vec::new();
    for table in &tables {
        tx.empty(table).await?;
        let wanted = copy_table(&mut source, &mut tx, table, told).await?;
        same(&table.name, &wanted, &content::of(&mut tx, table).await?)
            .context("what was written is not what was read")?;
        moved.push((table.name.clone(), wanted));
    }
    tx.commit().await.context("committing what was moved")?;
    Ok(moved)
}

async fn copy_table(source: &mut Tx, tx: &mut Tx, table: &Table, told: Told<'_>) -> anyhow::Result<Content> {
    let (mut tally, mut next) = (Tally::default(), TOLD_EVERY);
    source
        .each_rows(table, async |rows| {
            for row in &rows {
                tally.add(table::line(row).as_bytes());
            }
            tx.add_rows(table, rows).await?;
            if tally.rows >= next {
                told(&format!("{}: {} rows so far", table.name, tally.rows));
                next += TOLD_EVERY;
            }
            Ok(())
        })
        .await?;
    Ok(tally.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where to is one of two things, and told when it is neither.
    #[test]
    fn where_to() {
        assert_eq!("postgres://a@b/c".parse(), Ok(To::Postgres("postgres://a@b/c".into())));
        assert_eq!("sqlite:/x/hub.db".parse(), Ok(To::Sqlite("/x/hub.db".into())));
        for wrong in ["", "sqlite:", "postgres", "mysql://a", "/x/hub.db"] {
            assert!(wrong.parse::<To>().is_err(), "{wrong}");
        }
    }
}
