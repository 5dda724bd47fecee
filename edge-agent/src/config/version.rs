//! Configurations that came from the hub: kept in the data folder, in force over the installer's file until
//! `configuration.json` is removed. Where data lies, and how the hub is reached, stay the installer's.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::Config;

#[derive(Serialize, Deserialize)]
struct Pointer {
    version: u64,
    file: PathBuf,
}

fn pointer_path(data_dir: &Path) -> PathBuf {
    data_dir.join("configuration.json")
}

/// Writes the text and, after it, which one is in force.
pub fn keep(data_dir: &Path, version: u64, toml: &str) -> Result<()> {
    let file = PathBuf::from(format!("configuration-{version}.toml"));
    write(&data_dir.join(&file), toml)?;
    let json = serde_json::to_string(&Pointer { version, file })?;
    write(&pointer_path(data_dir), &json)
}

/// All or nothing, also over a power cut.
fn write(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::File::create(&fresh).with_context(|| format!("writing {}", fresh.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))
}

/// The hub's configuration where there is one, otherwise the installer's. One that can no longer be read is
/// left aside: the box runs.
pub fn in_force(data_dir: &Path, installed: Config) -> Config {
    match stored(data_dir) {
        Ok(Some(stored)) => Config {
            version: stored.version,
            detector: stored.detector,
            cameras: stored.cameras,
            calls: stored.calls,
            ..installed
        },
        Ok(None) => installed,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the hub's configuration is left aside");
            installed
        }
    }
}

fn stored(data_dir: &Path) -> Result<Option<Config>> {
    let path = pointer_path(data_dir);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let pointer: Pointer =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let file = data_dir.join(pointer.file);
    let mut config = Config::load(Some(&file))?;
    config.version = pointer.version;
    Ok(Some(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kept version is in force at the next start, keeps the installer's data folder, and one that went bad
    /// does not stop the box.
    #[test]
    fn kept_versions_are_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let installed = Config::parse("x", "[agent]\nname = \"local\"\n", []).unwrap();
        assert_eq!(in_force(dir.path(), installed.clone()), installed);
        keep(dir.path(), 7, "[[camera]]\nid = \"gate\"\nurl = \"test://\"\n").unwrap();
        let config = in_force(dir.path(), installed.clone());
        assert_eq!((config.version, config.cameras.len()), (7, 1));
        assert_eq!(config.agent, installed.agent);
        fs::write(dir.path().join("configuration-7.toml"), "camera = 3").unwrap();
        assert_eq!(in_force(dir.path(), installed.clone()), installed);
    }
}
