//! `hub basemap`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use protocol::{Sha256Hex, UtcMs};

use super::{Covers, import as take, list as all, remove as take_away};
use crate::app::App;

/// Takes a file and prints what became of it.
pub async fn import(app: &App, file: &Path, dry_run: bool) -> Result<()> {
    let taken = take(app, file, dry_run).await;
    let (map, covers) = taken.with_context(|| format!("{}: nothing was imported", file.display()))?;
    let about = &map.about;
    println!(
        "zooms {} to {}, {:.4}–{:.4} N, {:.4}–{:.4} E, {} MiB",
        about.min_zoom,
        about.max_zoom,
        about.south,
        about.north,
        about.west,
        about.east,
        map.size_bytes >> 20
    );
    match covers {
        Covers::Whole => println!("it covers the county's grids"),
        Covers::Partly => println!("it covers only a part of the county's grids: the rest will be blank"),
        Covers::Unknown => println!("there is no map of grids to hold it against"),
    }
    if dry_run {
        println!("this was a dry run: nothing was changed");
    } else {
        println!("{}", map.sha256);
    }
    Ok(())
}

/// A base map a line, the newest, which maps show, first.
pub async fn list(app: &App) -> Result<()> {
    for map in all(&app.db, app.tenant().as_str()).await? {
        let at = app.local_time(UtcMs(map.made_at_ms));
        let (from, to, mib) = (map.about.min_zoom, map.about.max_zoom, map.size_bytes >> 20);
        println!("{}\t{at}\tzooms {from}–{to}\t{mib} MiB\t{}", map.sha256, map.name);
    }
    Ok(())
}

/// By its hash, or the beginning of it that no other has.
pub async fn remove(app: &App, hash: &str) -> Result<()> {
    let known = all(&app.db, app.tenant().as_str()).await?;
    let own: Vec<_> = known.iter().filter(|map| !hash.is_empty() && map.sha256.starts_with(hash)).collect();
    match own.as_slice() {
        [] => bail!("there is no base map {hash}; `hub basemap list` names them"),
        [map] => {
            let sha256: Sha256Hex = map.sha256.parse().map_err(anyhow::Error::msg)?;
            take_away(app, &sha256).await?;
            Ok(())
        }
        _ => bail!("{hash} begins the hashes of {} base maps; write more of it", own.len()),
    }
}
