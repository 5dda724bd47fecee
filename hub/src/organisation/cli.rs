//! `hub area`, `hub unit` and `hub duty`.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Imported, duty, import_areas, import_units, store};
use crate::admin::By;
use crate::app::App;

/// What a sheet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    Areas,
    Units,
    Duties,
}

/// Takes a sheet and prints what became of it.
pub async fn import_file(app: &App, sheet: Sheet, file: &Path, dry_run: bool) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let (tenant, by) = (app.tenant().as_str(), By::cli(app.clock.now()));
    let outcome = match sheet {
        Sheet::Areas => import_areas(&app.db, tenant, &bytes, dry_run, &by).await,
        Sheet::Units => {
            // The county's own are there before those of a sheet.
            store::seed_units(&app.db, tenant).await?;
            import_units(&app.db, tenant, &bytes, dry_run, &by).await
        }
        Sheet::Duties => {
            let sheet = (bytes.as_slice(), &app.zone);
            duty::import(&app.db, tenant, &app.chance, sheet, dry_run, &by).await
        }
    };
    let outcome = outcome.with_context(|| format!("{shown}: nothing was imported"))?;
    print!("{}", report(&outcome, dry_run));
    if !outcome.bad.is_empty() {
        bail!("{shown}: nothing was imported; mend the bad rows");
    }
    Ok(())
}

fn report(outcome: &Imported, dry_run: bool) -> String {
    let mut text = String::new();
    for (name, ids) in
        [("new", &outcome.new), ("changed", &outcome.changed), ("unchanged", &outcome.unchanged)]
    {
        text += &format!("{name:<10} {:>5}\n", ids.len());
    }
    for bad in &outcome.bad {
        text += &format!("{bad}\n");
    }
    if dry_run {
        text += "this was a dry run: nothing was changed\n";
    }
    text
}

/// A row a line.
pub async fn list(app: &App, sheet: Sheet) -> Result<()> {
    let tenant = app.tenant().as_str();
    let lines: Vec<String> = match sheet {
        Sheet::Areas => store::areas(&app.db, tenant)
            .await?
            .into_iter()
            .map(|area| format!("{}\t{}\t{}\t{}", area.path, area.level, area.name_zh, area.name_en))
            .collect(),
        Sheet::Duties => duty::lines(&app.db, tenant, &app.zone, app.clock.now()).await?,
        Sheet::Units => {
            store::seed_units(&app.db, tenant).await?;
            let state = |active| if active == 1 { "active" } else { "free" };
            let units = store::units(&app.db, tenant).await?.into_iter();
            units
                .map(|unit| {
                    let (id, on, zh, en) = (unit.unit, state(unit.active), unit.name_zh, unit.name_en);
                    format!("{id}\t{on}\t{}\t{zh}\t{en}", unit.area)
                })
                .collect()
        }
    };
    for line in lines {
        if writeln!(std::io::stdout(), "{line}").is_err() {
            // Whoever reads has seen enough.
            break;
        }
    }
    Ok(())
}
