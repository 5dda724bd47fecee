//! `hub knowledge import` and `hub knowledge list`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Mode, Outcome, import, store, today};
use crate::admin::By;
use crate::app::App;

/// Ids that are named before the rest is only counted.
const NAMED: usize = 8;

/// Takes a sheet and prints what became of it.
pub async fn import_file(app: &App, file: &Path, mode: Mode) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let by = By::cli(app.clock.now());
    let day = today(by.at, &app.zone);
    let outcome = import(&app.db, app.tenant().as_str(), &bytes, mode, &day, &by)
        .await
        .with_context(|| format!("{shown}: nothing was imported"))?;
    print!("{}", report(&outcome, mode));
    if !outcome.bad.is_empty() && !mode.skip_bad {
        bail!("{shown}: nothing was imported; mend the bad rows, or leave them out with --skip-bad");
    }
    Ok(())
}

/// What an import did, a kind a line, then each bad cell.
pub(super) fn report(outcome: &Outcome, mode: Mode) -> String {
    let changed: Vec<String> =
        outcome.changed.iter().map(|(id, fields)| format!("{id} ({})", fields.join(", "))).collect();
    let mut text = String::new();
    let mut line = |name: &str, ids: &[String]| {
        let more = if ids.len() > NAMED { " …" } else { "" };
        let named = ids[..ids.len().min(NAMED)].join(", ");
        let _ = writeln!(text, "{}", format!("{name:<10} {:>5}  {named}{more}", ids.len()).trim_end());
    };
    line("new", &outcome.new);
    line("changed", &changed);
    line("unchanged", &outcome.unchanged);
    if mode.replace {
        line("removed", &outcome.removed);
    }
    if !outcome.expired.is_empty() {
        line("expired", &outcome.expired);
    }
    if !outcome.bad.is_empty() {
        let rows: std::collections::BTreeSet<usize> = outcome.bad.iter().map(|bad| bad.row).collect();
        let _ = writeln!(text, "{:<10} {:>5}", "bad rows", rows.len());
    }
    for bad in &outcome.bad {
        let _ = writeln!(text, "{bad}");
    }
    if mode.dry_run {
        text += "this was a dry run: nothing was changed\n";
    }
    text
}

/// An entry a line.
pub async fn list(app: &App) -> Result<()> {
    let day = today(app.clock.now(), &app.zone);
    for entry in store::list(&app.db, app.tenant().as_str()).await? {
        let valid = match &entry.valid_until {
            Some(until) if *until < day => format!("expired {until}"),
            Some(until) => format!("until {until}"),
            None => "valid".to_owned(),
        };
        let (id, categories) = (&entry.id, entry.categories.join(","));
        let written =
            writeln!(std::io::stdout(), "{id}\t{valid}\t{categories}\t{}\t{}", entry.unit, entry.title);
        if written.is_err() {
            // Whoever reads has seen enough.
            break;
        }
    }
    Ok(())
}
