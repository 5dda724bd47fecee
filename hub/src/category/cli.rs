//! `hub category`.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Imported, Mode, all, import};
use crate::admin::By;
use crate::app::App;
use crate::organisation;

/// Takes a sheet and prints what became of it.
pub async fn import_file(app: &App, file: &Path, mode: Mode) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let tenant = app.tenant().as_str();
    organisation::store::seed_units(&app.db, tenant).await?;
    let outcome = import(&app.db, tenant, &bytes, mode, &By::cli(app.clock.now())).await;
    let outcome = outcome.with_context(|| format!("{shown}: nothing was imported"))?;
    print!("{}", report(&outcome, mode.dry_run));
    if !outcome.bad.is_empty() {
        bail!("{shown}: nothing was imported; mend the bad rows");
    }
    Ok(())
}

fn report(outcome: &Imported, dry_run: bool) -> String {
    let mut text = String::new();
    for (name, ids) in [
        ("new", &outcome.new),
        ("changed", &outcome.changed),
        ("unchanged", &outcome.unchanged),
        ("removed", &outcome.removed),
        ("inactive", &outcome.inactive),
    ] {
        let shown = if name == "unchanged" { String::new() } else { ids.join(", ") };
        text += format!("{name:<10} {:>5}  {shown}", ids.len()).trim_end();
        text.push('\n');
    }
    for bad in &outcome.bad {
        text += &format!("{bad}\n");
    }
    if dry_run {
        text += "this was a dry run: nothing was changed\n";
    }
    text
}

/// A category a line, in the form of a sheet.
pub async fn list(app: &App) -> Result<()> {
    let all = all(&app.db, app.tenant().as_str()).await?;
    let mut lines = vec!["id\tgroup\tsort\tcode\tname\tname_en\tkinds\thotline\tunits\tactive".to_owned()];
    for group in &all.groups {
        let sort = group.sort.as_str();
        lines.push(format!("{}\t\t{sort}\t{}\t{}\t{}\t\t\t\t", group.id, group.code, group.zh, group.en));
    }
    for own in &all.categories {
        let units: Vec<String> = own
            .units
            .iter()
            .map(|(area, unit)| area.area().map_or(unit.clone(), |area| format!("{area}:{unit}")))
            .collect();
        let (kinds, hotline) = (own.kinds.join(","), own.hotline.join(","));
        let active = if own.active { "yes" } else { "no" };
        lines.push(format!(
            "{}\t{}\t\t{}\t{}\t{}\t{kinds}\t{hotline}\t{}\t{active}",
            own.id,
            own.group,
            own.code,
            own.zh,
            own.en,
            units.join(",")
        ));
    }
    for line in lines {
        if writeln!(std::io::stdout(), "{line}").is_err() {
            // Whoever reads has seen enough.
            break;
        }
    }
    Ok(())
}
