//! What a configuration says of detectors, and what can be wrong with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use models::{ModelError, ModelStore};
use protocol::Label;
use serde::{Deserialize, Serialize};

use super::{DetectError, Provider, anything, is_aside, labels_of, together};
use crate::config::{Wrong, within};

/// `[detector]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorConfig {
    /// False: motion only, by choice.
    pub enabled: bool,
    /// Names in the model manifest, or of folders with a `model.toml`; they look side by side.
    pub models: Vec<String>,
    /// How often a detector of fire and smoke looks at a camera, at most; by name, in milliseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub every_ms: BTreeMap<String, u32>,
    /// Name of a pose model, asked where a rule for falls is in doubt. Empty: none. Where it is not installed, falls are
    /// told without it.
    pub pose: String,
    /// Threads of one inference. Nothing: one, or two where a detector is measured at start to be faster by enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Use a model's smaller input where it is measured at start to be worth it. False: always the model's own.
    pub smaller_input: bool,
    /// Who computes: the first that works.
    pub providers: Vec<Provider>,
    /// Another `libonnxruntime.so` (a GPU build, say), or the folder it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ort_library: Option<PathBuf>,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            models: vec!["yolox-nano".to_owned()],
            every_ms: BTreeMap::new(),
            pose: "movenet-lightning".to_owned(),
            threads: None,
            smaller_input: true,
            providers: vec![Provider::Cpu],
            ort_library: None,
        }
    }
}

impl DetectorConfig {
    /// Threads of one inference where none are measured.
    pub(super) fn fixed_threads(&self) -> usize {
        self.threads.unwrap_or(1)
    }

    /// What it can name with the models of the manifest; nothing when it is switched off.
    pub fn named(&self) -> Vec<Label> {
        self.named_in(&ModelStore::new(Vec::new()))
    }

    /// The same with a site's own models in `store`. One that nothing is known of here may name whatever a detector
    /// may: [`Self::problems_in`] refuses it where somebody is there to mend it, and otherwise health tells of it.
    pub fn named_in(&self, store: &ModelStore) -> Vec<Label> {
        let of = |name: &String| match labels_of(name, store) {
            Err(DetectError::Model(ModelError::Unknown { .. })) => anything().collect(),
            told => told.unwrap_or_default(),
        };
        together(self.models.iter().filter(|_| self.enabled).flat_map(of))
    }

    /// What is wrong with it; empty when nothing is.
    pub(crate) fn problems(&self) -> Wrong {
        let mut found = Wrong::new();
        if let Some(threads) = self.threads {
            within(&mut found, "threads", threads, 1..=64);
        }
        if self.models.is_empty() {
            found.push((
                "models",
                "names no model; to watch by motion alone write enabled = false".to_owned(),
            ));
        }
        for (at, model) in self.models.iter().enumerate() {
            if self.models[..at].contains(model) {
                found.push(("models", format!("names {model:?} twice")));
            }
        }
        if self.providers.is_empty() {
            found.push(("providers", "names none; write [\"cpu\"]".to_owned()));
        }
        for (model, every_ms) in &self.every_ms {
            if !self.models.contains(model) {
                found.push(("every_ms", format!("names {model:?}, which is not among `models`")));
            }
            if !(100..=MOST_EVERY_MS).contains(every_ms) {
                found.push((
                    "every_ms",
                    format!("{model} = {every_ms} is not between 100 and {MOST_EVERY_MS}"),
                ));
            }
        }
        found
    }

    /// What is wrong with it where the models lie that are in `store`.
    pub(crate) fn problems_in(&self, store: &ModelStore) -> Wrong {
        let mut found = Wrong::new();
        for model in self.models.iter().filter(|_| self.enabled) {
            match labels_of(model, store) {
                Err(error @ DetectError::Model(ModelError::Unknown { .. })) => {
                    let folders: Vec<_> = store.folders().iter().map(|f| f.display().to_string()).collect();
                    let folders =
                        if folders.is_empty() { "no folder".to_owned() } else { folders.join(", ") };
                    let how = "name a folder with --models or [agent] models";
                    found.push(("models", format!("{error}; searched: {folders}; {how}")));
                }
                Err(error) => found.push(("models", error.to_string())),
                Ok(labels) if self.every_ms(model) > 0 && !is_aside(&labels) => {
                    found.push(("every_ms", format!("{model}: {SELDOM}")));
                }
                Ok(_) => {}
            }
        }
        found
    }

    pub(super) fn every_ms(&self, model: &str) -> u64 {
        self.every_ms.get(model).copied().unwrap_or(0).into()
    }
}

/// Whoever walks through the picture between two looks would be lost and found over and over.
pub(super) const SELDOM: &str = "every_ms is for detectors that name fire and smoke alone";
/// The tracker bridges such pauses between two looks at a fire, and no longer ones.
const MOST_EVERY_MS: u32 = 2_000;
