//! Users from the command line: whoever may run `hub` on the machine may set passwords.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::import::{self, ImportError, Imported, Mode, NewPassword};
use super::{Grant, Role, people};
use crate::admin::By;
use crate::app::App;
use crate::organisation::{self, AreaPath};

/// On the very first start: creates `admin` and tells its password once, on standard output and in `file`.
pub async fn announce_first(app: &App, file: Option<&Path>) -> Result<()> {
    let made = super::first_administrator(&app.db, app.tenant().as_str(), &app.chance, app.clock.now())
        .await
        .context("creating the first administrator")?;
    let Some(password) = made else { return Ok(()) };
    println!("first administrator: admin / {password}");
    if let Some(file) = file {
        write_private(file, &password).with_context(|| {
            format!(
                "writing the first password to {}; set a new one with `hub user password admin`",
                file.display()
            )
        })?;
    }
    Ok(())
}

/// Readable by nobody else from the moment it exists.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // A file left from an earlier hub may be readable to others: replaced, not written into.
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(out, "{text}")
}

/// Gives `name` a new generated password and ends its sessions; returns the password.
pub async fn new_password(app: &App, name: &str) -> Result<String> {
    Ok(people::new_password(app, &By::cli(app.clock.now()), name).await?)
}

/// Makes a user with a generated password; returns the password.
pub async fn add(app: &App, name: &str, grant: &Grant) -> Result<String> {
    Ok(people::add(app, &By::cli(app.clock.now()), name, grant).await?)
}

/// Takes a sheet of users and prints what became of it. Passwords of new users go into `passwords` and nowhere else.
pub async fn import_file(app: &App, file: &Path, mode: Mode, passwords: Option<&Path>) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("reading {shown}"))?;
    let tenant = app.tenant().as_str();
    organisation::store::seed_units(&app.db, tenant).await?;
    let beside = file.with_extension("passwords");
    let beside = passwords.unwrap_or(&beside);
    let mut written = false;
    let keep = |all: &[NewPassword]| {
        let lines: Vec<String> = all.iter().map(|one| format!("{}\t{}", one.name, one.password)).collect();
        written = true;
        write_new_private(beside, &lines.join("\n"))
    };
    let (sheet, by) = ((bytes.as_slice(), mode), By::cli(app.clock.now()));
    let outcome = import::import(&app.db, tenant, &app.chance, sheet, &by, keep).await;
    let outcome = match outcome {
        Err(error) if written && !matches!(error, ImportError::Passwords(_)) => {
            // Nobody was made: these open nothing.
            let _ = std::fs::remove_file(beside);
            Err(error)
        }
        other => other,
    };
    let outcome = outcome.with_context(|| format!("{shown}: nothing was imported"))?;
    print!("{}", report(&outcome, mode.dry_run));
    if !outcome.bad.is_empty() {
        bail!("{shown}: nothing was imported; mend the bad rows");
    }
    if written {
        println!(
            "the passwords of {} new users are in {}; hand them out and remove it",
            outcome.new.len(),
            beside.display()
        );
    }
    Ok(())
}

fn report(outcome: &Imported, dry_run: bool) -> String {
    let mut text = String::new();
    text += format!("new        {:>5}  {}", outcome.new.len(), outcome.new.join(", ")).trim_end();
    text += &format!("\nchanged    {:>5}\n", outcome.changed.len());
    for (name, changes) in &outcome.changed {
        text += &format!("  {name}: {}\n", changes.join(", "));
    }
    text += &format!("unchanged  {:>5}\n", outcome.unchanged.len());
    for bad in &outcome.bad {
        text += &format!("{bad}\n");
    }
    if dry_run {
        text += "this was a dry run: nothing was changed\n";
    }
    text
}

/// The same for a file that must not be there yet: what it holds may be needed by somebody.
fn write_new_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(out, "{text}")?;
    out.sync_all()
}

/// A role somewhere, from what was written: the id of an area, the id of a unit.
pub async fn read_grant(app: &App, role: Role, area: Option<&str>, unit: Option<String>) -> Result<Grant> {
    let tenant = app.tenant().as_str();
    let area = match area {
        None => AreaPath::everything(),
        Some(id) => {
            let found = organisation::store::area(&app.db, tenant, id).await?;
            let found =
                found.with_context(|| format!("there is no area {id}; `hub area list` names them"))?;
            AreaPath::kept(found.path)
        }
    };
    if let Some(id) = &unit {
        organisation::store::seed_units(&app.db, tenant).await?;
        let units = organisation::store::units(&app.db, tenant).await?;
        if !units.iter().any(|known| known.unit == *id) {
            anyhow::bail!("there is no unit {id}; `hub unit list` names them");
        }
    }
    Ok(Grant { role, area, unit })
}

/// A role of a user a line.
pub async fn list(app: &App) -> Result<()> {
    let tenant = app.tenant().as_str();
    for name in super::names(&app.db, tenant).await? {
        for Grant { role, area, unit } in super::grants(&app.db, tenant, &name).await? {
            let line = format!("{name}\t{role}\t{area}\t{}", unit.unwrap_or_default());
            if writeln!(std::io::stdout(), "{}", line.trim_end()).is_err() {
                // Whoever reads has seen enough.
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file is private even where an open one lay before.
    #[test]
    fn password_files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("first");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&file, "secret").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "secret\n");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let other = folder.path().join("new");
        write_new_private(&other, "secret").unwrap();
        assert_eq!(std::fs::metadata(&other).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_new_private(&other, "another").is_err(), "what is there is not written over");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "secret\n");
    }
}
