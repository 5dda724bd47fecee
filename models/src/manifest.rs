//! `manifest.toml`, compiled in.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::contract::Contract;
use crate::pose::PoseContract;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name of its folder.
    pub name: String,
    /// What it is for: `object-detection`, `pose`, `voice-activity`, `speech-recognition`, `punctuation`.
    pub task: String,
    pub version: String,
    /// SPDX identifier, or the name of the licence.
    pub licence: String,
    /// What goes in and comes out, in words.
    #[serde(default)]
    pub input: String,
    #[serde(default)]
    pub output: String,
    /// Detectors only: the same for the program.
    pub detector: Option<Contract>,
    /// The same for a pose model.
    pub pose: Option<PoseContract>,
    /// The first one is the model itself.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    pub name: String,
    /// Absent where a site describes weights of its own.
    pub url: Option<String>,
    /// Absent where nobody could vouch for one: a site pins its own.
    pub sha256: Option<String>,
    pub size_bytes: Option<u64>,
    /// True for an archive whose contents, not itself, lie in the model's folder.
    #[serde(default)]
    pub archive: bool,
}

impl Manifest {
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.name == name)
    }
}

/// The manifest of this version.
pub fn manifest() -> &'static Manifest {
    static PARSED: OnceLock<Manifest> = OnceLock::new();
    PARSED.get_or_init(|| {
        toml::from_str(include_str!("../manifest.toml")).expect("a test parses the manifest compiled in")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The manifest parses, names are unique, hashes look like hashes, every file says whence it comes.
    #[test]
    fn the_manifest_is_sound() {
        let models = &manifest().models;
        assert!(models.len() >= 2);
        assert_eq!(models.iter().map(|m| &m.name).collect::<BTreeSet<_>>().len(), models.len());
        for model in models {
            assert!(!model.files.is_empty(), "{} has no file", model.name);
            assert_eq!(model.detector.is_some(), model.task == "object-detection", "{}", model.name);
            assert_eq!(model.pose.is_some(), model.task == "pose", "{}", model.name);
            assert_eq!(model.pose.as_ref().and_then(PoseContract::problem), None, "{}", model.name);
            assert_eq!(model.detector.as_ref().and_then(Contract::problem), None, "{}", model.name);
            for file in &model.files {
                assert!(file.url.as_ref().is_some_and(|u| u.starts_with("https://")), "{}", file.name);
                let hash = file.sha256.as_deref();
                assert!(hash.is_none_or(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit())));
                assert!(!file.name.contains(['/', '\\']), "{}", file.name);
            }
        }
    }
}
