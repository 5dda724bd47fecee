//! Station 3: a picture in, named things out. [`Detect`] is the seam: YOLOX by ONNX Runtime behind it in
//! production, whatever a test needs in tests. [`station::Station`] shares one among all cameras.

mod letterbox;
pub mod station;
pub mod yolox;

use std::path::PathBuf;
use std::sync::Arc;

use models::{ModelError, ModelStore};
use protocol::Label;
use serde::{Deserialize, Serialize};

pub use self::letterbox::Letterbox;
pub use self::station::{DetectorClient, DetectorStation, DetectorStats};
pub use self::yolox::Yolox;
use crate::config::{Wrong, within};
use crate::frame::{Detection, Picture};
use crate::native::{self, NativeError};

/// What the detectors of this version can name; rules may ask for these.
pub const NAMED: &[Label] = &[
    Label::Person,
    Label::Bicycle,
    Label::Motorcycle,
    Label::Car,
    Label::Bus,
    Label::Truck,
    Label::Animal,
    Label::Bag,
];

/// Something that names things in pictures.
pub trait Detect: Send {
    /// Model name and version, as incidents carry it.
    fn name(&self) -> &str;
    /// Scores have two decimals: more would differ between processors.
    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError>;
}

/// What became of a frame that a camera showed to the detector.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// `by`: name of the detector.
    Found { by: Arc<str>, detections: Vec<Detection> },
    /// No time for this frame; counted.
    Busy,
    /// There is no detector now; motion stands in.
    Missing,
}

#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    #[error("the detector is switched off in the configuration")]
    Off,
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Native(#[from] NativeError),
    #[error("{model}: {doing}")]
    Inference {
        model: String,
        doing: &'static str,
        #[source]
        source: ort::Error,
    },
    #[error("{model} does not keep to its contract: {problem}")]
    Contract { model: String, problem: String },
}

/// `[detector]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorConfig {
    /// False: motion only, by choice.
    pub enabled: bool,
    /// Name in the model manifest.
    pub model: String,
    /// Threads of one inference.
    pub threads: usize,
    /// Another `libonnxruntime.so` (a GPU build, say), or the folder it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ort_library: Option<PathBuf>,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self { enabled: true, model: "yolox-nano".to_owned(), threads: 1, ort_library: None }
    }
}

impl DetectorConfig {
    /// What it can name; nothing when it is switched off.
    pub fn named(&self) -> Vec<Label> {
        if self.enabled { NAMED.to_vec() } else { Vec::new() }
    }

    /// What is wrong with it; empty when nothing is.
    pub(crate) fn problems(&self) -> Wrong {
        let mut found = Wrong::new();
        within(&mut found, "threads", self.threads, 1..=64);
        found
    }
}

/// Loads the configured detector: finds and verifies its weights, loads the native library.
pub fn open(config: &DetectorConfig, models: &ModelStore) -> Result<Box<dyn Detect>, DetectError> {
    if !config.enabled {
        return Err(DetectError::Off);
    }
    let weights = models.find(&config.model)?;
    let environment = native::environment(config.ort_library.as_deref())?;
    Ok(Box::new(Yolox::load(&environment, &weights, config.threads)?))
}
