//! `hub backup`, `hub restore`, `hub move`.

use std::path::Path;

use anyhow::{Context as _, ensure};
use protocol::{Chance, UtcMs};

use super::folder::{self, DATABASE};
use super::{Manifest, Source, To, restore, take, transfer};
use crate::config::Config;
use crate::db::Db;

/// Into PostgreSQL or, by this word, into the data folder.
const SQLITE: &str = "sqlite";

/// Makes a backup of the hub of `config`, running or not.
pub async fn backup(
    config: &Config,
    (chance, now): (&Chance, UtcMs),
    file: &Path,
    without_evidence: bool,
    passphrase_file: Option<&Path>,
) -> anyhow::Result<()> {
    let passphrase = passphrase(passphrase_file)?;
    let data_dir = &config.hub.data_dir;
    folder::refuse_unfinished(data_dir)?;
    let path = data_dir.join(DATABASE);
    ensure!(
        config.database_url().is_some() || path.exists(),
        "there is no database at {}; look at --data and [hub] data_dir",
        path.display()
    );
    let db = Db::connect(config.database_url(), &path).await?;
    let source = Source { db: &db, data_dir, tenant: &config.hub.tenant, evidence: !without_evidence };
    let made = take(&source, file, passphrase.as_deref(), (chance, now), &mut tell).await;
    db.close().await;
    let manifest = made?;
    println!("{}: {}", file.display(), summary(&manifest));
    if passphrase.is_none() {
        println!(
            "it holds every key and secret of this hub and is not sealed: keep it as safe as the hub's own disk"
        );
    }
    say_what_is_missing(&manifest);
    Ok(())
}

/// Restores a backup into the data folder of `config`, and into the database at `into` (else the configured one).
pub async fn bring_back(
    config: &Config,
    now: UtcMs,
    file: &Path,
    into: Option<&str>,
    passphrase_file: Option<&Path>,
) -> anyhow::Result<()> {
    let passphrase = passphrase(passphrase_file)?;
    let url = match into {
        Some(SQLITE) => None,
        Some(url) => {
            ensure!(
                url.starts_with("postgres"),
                "--into is postgres://USER@HOST/DATABASE or {SQLITE}, not {url:?}"
            );
            Some(url)
        }
        None => config.database_url(),
    };
    let manifest = restore(config, file, url, passphrase.as_deref(), now, &mut tell).await?;
    println!("restored: {}", summary(&manifest));
    if url != config.database_url() {
        println!("{}", setting(url.is_some()));
    }
    if !manifest.start.evidence {
        println!(
            "files of evidence are not in this backup: copy them to {} from where they are kept",
            config.hub.data_dir.join(folder::EVIDENCE).display()
        );
    }
    say_what_is_missing(&manifest);
    println!("next: hub verify-history, then hub run");
    Ok(())
}

/// Moves the database of `config` to another one.
pub async fn carry(config: &Config, now: UtcMs, to: &To) -> anyhow::Result<()> {
    let moved = transfer(config, to, now, &mut tell).await?;
    for (table, content) in &moved {
        println!("{table}\t{} rows\t{}", content.rows, content.sha256);
    }
    println!(
        "{} tables, each with the same hash at both ends; what was moved from is as it was",
        moved.len()
    );
    match to {
        To::Postgres(_) => println!("{}", setting(true)),
        To::Sqlite(file) => {
            let place = config.hub.data_dir.join(DATABASE);
            println!("{}", setting(false));
            if *file != place {
                println!("and move {} to {}", file.display(), place.display());
            }
        }
    }
    Ok(())
}

fn setting(postgres: bool) -> &'static str {
    if postgres {
        "now set [database] url to that address in the configuration"
    } else {
        "now leave [database] url out of the configuration"
    }
}

fn tell(line: &str) {
    eprintln!("{line}");
}

fn summary(manifest: &Manifest) -> String {
    format!(
        "{} rows in {} tables and {} files ({} MiB) of tenant {}, as of {}",
        manifest.rows(),
        manifest.tables.len(),
        manifest.files.len(),
        manifest.file_bytes() >> 20,
        manifest.start.tenant,
        manifest.start.at_ms
    )
}

/// Names shown of a long list.
const SHOWN: usize = 20;

fn say_what_is_missing(manifest: &Manifest) {
    for (what, files) in [
        ("files of evidence were named by the database and not on the disk", &manifest.missing),
        ("files of evidence were not what their names say", &manifest.damaged),
    ] {
        if !files.is_empty() {
            println!("{} {what}:", files.len());
            files.iter().take(SHOWN).for_each(|file| println!("  {file}"));
        }
    }
}

/// The first line of a file.
fn passphrase(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("reading the passphrase in {}", file.display()))?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}
