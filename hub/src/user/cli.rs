//! Users from the command line: whoever may run `hub` on the machine may set passwords.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Grant, Role, password};
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
    let password = password::generate(&app.chance);
    let pair = (name, password.as_str());
    super::set_password(&app.db, app.tenant().as_str(), &app.chance, app.clock.now(), pair).await?;
    Ok(password)
}

/// Makes a user with a generated password; returns the password.
pub async fn add(app: &App, name: &str, grant: &Grant) -> Result<String> {
    let password = password::generate(&app.chance);
    let user = (name, password.as_str(), grant);
    super::add_with(&app.db, app.tenant().as_str(), &app.chance, app.clock.now(), user).await?;
    Ok(password)
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
    }
}
