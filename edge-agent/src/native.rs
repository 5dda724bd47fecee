//! Where the native inference library is, and loading it once per process.
//!
//! One `libonnxruntime.so` serves cameras and calls. An installed agent has it in `../lib/shaodian` beside its
//! own folder, a built one in `.native/lib` at the top of the source tree.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

const FILE: &str = "libonnxruntime.so";
/// How far above the executable `.native/lib` is looked for: `target/release/deps/x` is three below the top.
const LEVELS_UP: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    #[error("{FILE} was not found; looked for {}; run deploy/setup.sh, install the package, or set `ort_library`", list(.tried))]
    Missing { tried: Vec<PathBuf> },
    #[error("{path} cannot be loaded as the inference library: {reason}", path = path.display())]
    Unusable { path: PathBuf, reason: String },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Every place that is looked at, in order: what the configuration says, then beside the executable.
pub fn candidates(configured: Option<&Path>, executable: Option<&Path>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(path) = configured {
        // Said explicitly: a silent fallback to another runtime would hide the mistake.
        return vec![if path.is_dir() { path.join(FILE) } else { path.to_owned() }];
    }
    let Some(folder) = executable.and_then(Path::parent) else { return places };
    places.extend(folder.parent().map(|up| up.join("lib/shaodian").join(FILE)));
    places.extend(folder.ancestors().take(LEVELS_UP).map(|up| up.join(".native/lib").join(FILE)));
    places
}

/// The models that come with the product: an installed agent has them in `../share/shaodian/models` beside its own folder, a
/// built one in `models` at the top of the source tree.
pub fn own_models() -> Option<PathBuf> {
    let executable = std::env::current_exe().and_then(|p| p.canonicalize()).ok()?;
    let folder = executable.parent()?;
    let installed = folder.parent().map(|up| up.join("share/shaodian/models")).filter(|p| p.is_dir());
    let built = || {
        let mut tops = folder.ancestors().take(LEVELS_UP).map(|up| up.join("models"));
        tops.find(|p| p.join("manifest.toml").is_file())
    };
    installed.or_else(built)
}

/// The library's path, without loading it.
pub fn locate(configured: Option<&Path>) -> Result<PathBuf, NativeError> {
    let executable = std::env::current_exe().and_then(|p| p.canonicalize()).ok();
    let tried = candidates(configured, executable.as_deref());
    tried.iter().find(|p| p.is_file()).cloned().ok_or(NativeError::Missing { tried })
}

/// The process's one inference environment; loaded on first use. A failed attempt may be repeated.
pub fn environment(configured: Option<&Path>) -> Result<Environment, NativeError> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let path = locate(configured)?;
    let unusable = |reason: String| NativeError::Unusable { path: path.clone(), reason };
    let builder = ort::init_from(&path).map_err(|e| unusable(e.to_string()))?;
    let environment = builder.with_telemetry(false).build().map_err(|e| unusable(e.to_string()))?;
    tracing::info!(path = %path.display(), "inference library loaded");
    Ok(loaded.insert(environment).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Installed and built layouts are both covered, the installed one first; a configured path stands alone.
    #[test]
    fn candidates_cover_both_layouts() {
        let installed = candidates(None, Some(Path::new("/usr/bin/edge-agent")));
        assert_eq!(installed[0], Path::new("/usr/lib/shaodian/libonnxruntime.so"));
        let built = candidates(None, Some(Path::new("/src/target/release/deps/edge_agent-1")));
        assert!(built.contains(&PathBuf::from("/src/.native/lib/libonnxruntime.so")), "{built:?}");
        let said =
            candidates(Some(Path::new("/opt/gpu/libonnxruntime.so")), Some(Path::new("/usr/bin/edge-agent")));
        assert_eq!(said, [PathBuf::from("/opt/gpu/libonnxruntime.so")]);
    }

    /// The error names every place that was tried.
    #[test]
    fn missing_library_names_what_was_tried() {
        let error = locate(Some(Path::new("/nonexistent/x.so"))).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/x.so") && error.contains("setup.sh"), "{error}");
    }
}
