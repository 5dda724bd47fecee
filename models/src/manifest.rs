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
    /// It lies in the project's own `models` folder, and is fetched from nowhere.
    #[serde(default)]
    pub bundled: bool,
    /// Names of better models: it is used where one of them is wanted and not installed, and says so.
    #[serde(default)]
    pub stands_in_for: Vec<String>,
    #[serde(default)]
    pub measured: Vec<Measured>,
    /// The first one is the model itself.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// A figure, and on what and where it was measured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    pub what: String,
    pub value: String,
    #[serde(rename = "where")]
    pub on: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    pub name: String,
    /// Whence it can be fetched as it is; `https` only. Absent where it comes with the product, where a site describes
    /// weights of its own, and where it has to be made first.
    pub url: Option<String>,
    /// Of what it has to be made, and how, where it can be fetched from nowhere.
    pub made_from: Option<String>,
    /// Absent where nobody could vouch for one: a site pins its own (`SHA256SUMS`).
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

    /// The model that is used where `name` is not installed.
    pub fn stand_in(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.stands_in_for.iter().any(|other| other == name))
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
    use crate::hash::{Fingerprint, is_sha256, of_file};
    use crate::place::{is_model_name, is_plain};

    /// What comes with the product is what the manifest says.
    #[test]
    fn what_comes_with_the_product_is_what_it_says() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let bundled: Vec<_> = manifest().models.iter().filter(|m| m.bundled).collect();
        assert!(!bundled.is_empty());
        for (model, file) in bundled.iter().flat_map(|m| m.files.iter().map(move |f| (m, f))) {
            let found = of_file(&here.join(&model.name).join(&file.name)).unwrap();
            let (size_bytes, sha256) = (file.size_bytes.unwrap(), file.sha256.clone().unwrap());
            assert_eq!(found, Fingerprint { size_bytes, sha256 }, "{}/{}", model.name, file.name);
        }
    }

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
                assert!(file.url.as_ref().is_none_or(|u| u.starts_with("https://")), "{}", file.name);
                let whence = [file.url.is_some(), file.made_from.is_some(), model.bundled];
                assert_eq!(whence.iter().filter(|w| **w).count(), 1, "{} comes from one place", file.name);
                assert!(file.sha256.as_deref().is_none_or(is_sha256), "{}", file.name);
                assert!(is_plain(&file.name) && is_plain(&model.version), "{}", file.name);
                assert!(file.sha256.is_some() || file.archive, "{}: only archives lack a hash", file.name);
            }
            assert!(is_model_name(&model.name), "{}", model.name);
            for other in &model.stands_in_for {
                let other = manifest().model(other).expect("it is known");
                assert!(model.bundled && !other.bundled && other.task == model.task, "{}", model.name);
            }
            assert!(!model.files.iter().any(|f| f.archive) || model.files.len() == 1, "{}", model.name);
        }
    }
}
