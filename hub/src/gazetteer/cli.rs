//! `hub gazetteer`.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use protocol::UtcMs;

use super::{Candidate, Imported, Mode, store};
use crate::app::App;

/// Names that are printed before the rest is only counted.
const NAMED: usize = 8;
/// Places of one answer.
const FOUND: usize = 10;

/// Takes a sheet and prints what became of it.
pub async fn import(app: &App, file: &Path, mode: Mode, note: &str) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let (tenant, by) = (app.tenant().as_str(), ("hub", note, app.clock.now()));
    let outcome = app.gazetteers.import(&app.db, tenant, (&bytes, mode), &app.grids, by).await;
    let outcome = outcome.with_context(|| format!("{shown}: nothing was imported"))?;
    print!("{}", report(&outcome, mode.dry_run));
    if !outcome.bad.is_empty() {
        bail!("{shown}: nothing was imported; mend the bad rows");
    }
    Ok(())
}

fn report(outcome: &Imported, dry_run: bool) -> String {
    let mut text = String::new();
    for (word, names) in [("new", &outcome.new), ("changed", &outcome.changed), ("gone", &outcome.gone)] {
        let more = if names.len() > NAMED { " …" } else { "" };
        let named = names[..names.len().min(NAMED)].join(", ");
        text += format!("{word:<10} {:>6}  {named}{more}", names.len()).trim_end();
        text.push('\n');
    }
    text += &format!("unchanged  {:>6}\n", outcome.unchanged);
    for bad in &outcome.bad {
        text += &format!("{bad}\n");
    }
    match outcome.version {
        Some(version) => text += &format!("gazetteer {version} is in force for what comes from now on\n"),
        None if dry_run => text += "this was a dry run: nothing was changed\n",
        None => {}
    }
    text
}

/// A version a line, the newest first.
pub async fn list(app: &App) -> Result<()> {
    for row in store::list(&app.db, app.tenant().as_str()).await? {
        let at = app.local_time(UtcMs(row.made_at_ms));
        println!("{}\t{at}\t{} places\t{}\t{}", row.version, row.places, row.made_by, row.note);
    }
    Ok(())
}

/// What the hub would find for these words, and whether it would be sure.
pub async fn find(app: &App, text: &str) -> Result<()> {
    let index = app.gazetteers.newest(&app.db, app.tenant().as_str()).await?;
    if index.is_empty() {
        bail!("there is no gazetteer; `hub gazetteer import` takes one");
    }
    let sure = index.sure(text, None);
    for found in index.find(text, FOUND) {
        let mark = if sure.is_some_and(|sure| sure.entry == found.entry) { "sure" } else { "" };
        let one = Candidate::from(&found);
        let at = one.latitude.zip(one.longitude).map(|(y, x)| format!("{y:.6}, {x:.6}")).unwrap_or_default();
        let (how, area) = (one.how.as_str(), one.area.unwrap_or_default());
        let line = format!("{}\t{how}\t{}\t{area}\t{at}\t{mark}", one.percent, one.name);
        if writeln!(std::io::stdout(), "{}", line.trim_end()).is_err() {
            // Whoever reads has seen enough.
            break;
        }
    }
    Ok(())
}
