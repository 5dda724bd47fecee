//! `hub grid`.

use std::path::Path;

use anyhow::{Context as _, Result};
use protocol::UtcMs;

use super::geojson::Datum;
use super::{gcj02, store};
use crate::app::App;

/// Takes a map and prints what became of it.
pub async fn import(app: &App, file: &Path, gcj02: bool, note: &str, dry_run: bool) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let datum = if gcj02 { Datum::Gcj02 } else { Datum::Wgs84 };
    let by = ("hub", note, app.clock.now());
    let taken = app.grids.import(&app.db, app.tenant().as_str(), (&bytes, datum), by, dry_run).await;
    let taken = taken.with_context(|| shown.to_string())?;
    println!("{} grids, {} of them new, {} no longer there", taken.grids, taken.new.len(), taken.gone.len());
    match taken.version {
        Some(version) => println!("map {version} is in force for what comes from now on"),
        None => println!("the map is whole; this was a dry run: nothing was changed"),
    }
    Ok(())
}

/// A version a line, the newest first.
pub async fn list(app: &App) -> Result<()> {
    for row in store::list(&app.db, app.tenant().as_str()).await? {
        let at = app.local_time(UtcMs(row.made_at_ms));
        println!("{}\t{at}\t{} grids\t{}\t{}", row.version, row.grids, row.made_by, row.note);
    }
    Ok(())
}

/// Prints whose ground a point is.
pub async fn at(app: &App, latitude: f64, longitude: f64, is_gcj02: bool) -> Result<()> {
    let (longitude, latitude) =
        if is_gcj02 { gcj02::to_wgs84(longitude, latitude) } else { (longitude, latitude) };
    let index = app.grids.newest(&app.db, app.tenant().as_str()).await?;
    let index = index.context("there is no map; `hub grid import` takes one")?;
    let found = index.at(longitude, latitude);
    println!("{}", found.context("no grid has this point; latitude comes first")?);
    Ok(())
}
