//! Station 3: a picture in, named things out. [`Detect`] is the seam: models of the manifest by ONNX Runtime behind
//! it in production, whatever a test needs in tests. [`station::Station`] shares them among all cameras.

mod answer;
mod config;
mod exact;
mod fastest;
mod follow;
mod golden;
mod input;
mod lane;
mod letterbox;
mod look;
mod onnx;
mod pose;
mod resize;
pub mod station;
mod unsought;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use models::contract::Contract;
use models::{ModelError, ModelStore, Weights, search_folders};
use ort::environment::Environment;
use protocol::Label;

pub use self::answer::{Tensor, read};
pub use self::config::DetectorConfig;
use self::config::SELDOM;
use self::follow::EditionOf;
pub use self::input::{Input, Values};
pub use self::letterbox::Letterbox;
pub use self::look::Loader;
pub use self::onnx::{Onnx, Provider};
pub use self::pose::{FindPose, PoseHealth, PoseToLoad, Stance};
pub use self::station::{DetectorClient, DetectorStation, DetectorStats, ModelState, Post};
pub use self::unsought::Unsought;
use crate::frame::{Detection, Picture};
use crate::native::{self, NativeError};

/// What the detectors of this version can name with the models of the manifest.
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
    /// What it can name.
    fn labels(&self) -> &[Label] {
        NAMED
    }
    /// What people should know of how it runs, such as the provider that did not work.
    fn note(&self) -> Option<&str> {
        None
    }
    /// It is there because what was asked for is not installed.
    fn stands_in(&self) -> bool {
        false
    }
    /// Pictures that one inference takes.
    fn batch(&self) -> usize {
        1
    }
    /// How the person in this picture stands, where a pose model belongs to it.
    fn stance(&mut self, _picture: &Picture) -> Result<Option<Stance>, DetectError> {
        Ok(None)
    }
    /// Scores have two decimals: more would differ between processors.
    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError>;
    /// Those that look as this one, and what each names.
    fn parts(&self) -> Vec<AtWork> {
        vec![AtWork { name: self.name().into(), labels: self.labels().to_vec() }]
    }
    /// As [`Self::detect`] of each, in one go where the model can.
    fn detect_batch(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<Detection>>, DetectError> {
        pictures.iter().map(|picture| self.detect(picture)).collect()
    }
}

/// A detector that works, and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// Model name and version.
    pub name: Arc<str>,
    pub labels: Vec<Label>,
}

/// What detectors said of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// Names of those that looked, joined by ` + `.
    pub by: Arc<str>,
    /// What those name that are at work, whether they looked at this frame or it was not their turn; in order.
    pub names: Vec<Label>,
    /// What none of the configured ones looked for in this frame.
    pub unsought: Unsought,
    pub detections: Vec<Detection>,
    /// Which of them named what; for a label that is not there, `by`.
    pub sources: BTreeMap<Label, Arc<str>>,
}

impl Looked {
    /// One that names `names` looked.
    pub fn new(by: &str, names: &[Label], detections: Vec<Detection>) -> Self {
        let names = together(names.iter().copied());
        Self { by: by.into(), names, unsought: Unsought::default(), detections, sources: BTreeMap::new() }
    }

    /// What this detector said.
    pub fn with(detector: &dyn Detect, detections: Vec<Detection>) -> Self {
        let parts = detector.parts();
        let namers = |label: Label| -> Arc<str> {
            let names = parts.iter().filter(|part| part.labels.contains(&label));
            names.map(|part| &*part.name).collect::<Vec<_>>().join(" + ").into()
        };
        let mut looked = Self::new(detector.name(), detector.labels(), detections);
        if parts.len() > 1 {
            let found = together(looked.detections.iter().map(|detection| detection.label));
            looked.sources = found.into_iter().map(|label| (label, namers(label))).collect();
        }
        looked
    }
}

/// What became of a frame that a camera showed to the detectors.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Found(Looked),
    /// No time for this frame; counted.
    Busy,
    /// Some detectors looked, but none that names what moves, or one of those is missing: motion stands in for it.
    Partly(Looked),
    /// Nobody looked, and motion stands in for what moves; detectors that name `names` are at work, but it was not their
    /// turn, or they have not done looking.
    NotDue {
        names: Vec<Label>,
    },
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
    #[error("{model} does not pass its self-test: {problem}")]
    SelfTest { model: String, problem: String },
    #[error("{model} hangs: it has been looking for more than {ms} ms")]
    Hangs { model: String, ms: u64 },
}

/// Models from the command line, the configuration, `$SHAODIAN_DATA`, then those that come with the product.
pub fn store(option: Option<PathBuf>, configured: Option<PathBuf>) -> ModelStore {
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    let mut folders = search_folders(option, configured, data);
    folders.extend(native::own_models());
    ModelStore::new(folders)
}

/// Whatever a detector may name.
fn anything() -> impl Iterator<Item = Label> {
    Label::ALL.iter().copied().filter(|label| answer::nameable(*label))
}

/// In order, each once.
fn together(labels: impl IntoIterator<Item = Label>) -> Vec<Label> {
    let mut all: Vec<Label> = labels.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn labels_of(name: &str, store: &ModelStore) -> Result<Vec<Label>, DetectError> {
    let broken = |problem: String| DetectError::Contract { model: name.to_owned(), problem };
    let contract = store.model(name)?.detector.ok_or_else(|| broken("it is no detector".to_owned()))?;
    labels(&contract).map_err(broken)
}

fn labels(contract: &Contract) -> Result<Vec<Label>, String> {
    let named = contract.labels.iter().filter(|(_, numbers)| !numbers.is_empty());
    named.map(|(name, _)| answer::known(name)).collect()
}

/// The configured detectors, each to be loaded on its own: one that fails leaves the others at work.
pub fn posts(config: &DetectorConfig, store: &ModelStore) -> Vec<Post> {
    if !config.enabled {
        return vec![Post::new(Box::new(|| Err(DetectError::Off)))];
    }
    let post = |name: &String| {
        let (name, config, store) = (name.clone(), config.clone(), store.clone());
        let (every_ms, labels) = (config.every_ms(&name), labels_of(&name, &store));
        let edition: EditionOf = Arc::new({
            let (name, store) = (name.clone(), store.clone());
            move || store.edition(&name)
        });
        let called = name.clone();
        let load = move || open_to_run(&name, &config, &store);
        let post = Post::new(Box::new(load)).called(&called).every(every_ms).following(edition);
        match labels {
            Ok(labels) => post.naming(labels),
            Err(_) => post,
        }
    };
    config.models.iter().map(post).collect()
}

/// Names of the detectors that the manifest or a folder of `store` describes; their weights need not be there.
pub(crate) fn installable(store: &ModelStore) -> Vec<String> {
    let is_detector = |name: &String| store.model(name).is_ok_and(|model| model.detector.is_some());
    store.names().into_iter().filter(is_detector).collect()
}

/// Loads one, alone.
pub(crate) fn open_one(
    name: &str,
    config: &DetectorConfig,
    store: &ModelStore,
) -> Result<Box<dyn Detect>, DetectError> {
    let environment = native::environment(config.ort_library.as_deref())?;
    Ok(Box::new(proven(name, config, &environment, &store.find(name)?)?))
}

/// As [`open_one`], on the input and with the threads that are the fastest here without costing accuracy. Where it is not installed, what the
/// product has to stand in for it, which says so.
fn open_to_run(
    name: &str,
    config: &DetectorConfig,
    store: &ModelStore,
) -> Result<Box<dyn Detect>, DetectError> {
    let environment = native::environment(config.ort_library.as_deref())?;
    let weights = match store.find(name) {
        Err(missing @ ModelError::Missing { .. }) => {
            return stand_in(name, config, &environment, store).ok_or(missing.into());
        }
        found => found?,
    };
    let own = proven(name, config, &environment, &weights)?;
    Ok(Box::new(fastest::choose(own, &environment, &weights, config)))
}

/// Models of the product that a running box would use in place of those that are not installed.
pub(crate) fn standing_in(config: &DetectorConfig, store: &ModelStore) -> Vec<String> {
    let missing = |name: &&String| matches!(store.find(name), Err(ModelError::Missing { .. }));
    let wanted = config.models.iter().filter(|_| config.enabled).filter(missing);
    let there = wanted.filter_map(|name| store.stand_in(name)).filter(|other| store.find(other).is_ok());
    there.map(str::to_owned).collect()
}

/// What the product has where `name` is not installed.
fn stand_in(
    name: &str,
    config: &DetectorConfig,
    environment: &Environment,
    store: &ModelStore,
) -> Option<Box<dyn Detect>> {
    let other = store.stand_in(name)?;
    let weights = store.find(other).ok()?;
    let opened = proven(other, config, environment, &weights);
    let opened = opened.inspect_err(|error| tracing::warn!(%error, "what would stand in for {name}")).ok()?;
    let why = format!("stands in for {name}, which is not installed (`edge-agent models fetch {name}`)");
    tracing::warn!(model = opened.name(), "{why}");
    Some(Box::new(opened.standing_in(why)))
}

/// One that has passed its self-test.
fn proven(
    name: &str,
    config: &DetectorConfig,
    environment: &Environment,
    weights: &Weights,
) -> Result<Onnx, DetectError> {
    let mut loaded = Onnx::load(environment, weights, config.fixed_threads(), &config.providers)?;
    if let Some(golden) = &weights.golden {
        golden::hold(&mut loaded, golden)?;
    }
    if config.every_ms(name) > 0 && !is_aside(loaded.labels()) {
        return Err(DetectError::Contract { model: loaded.name().to_owned(), problem: SELDOM.to_owned() });
    }
    Ok(loaded)
}

/// The configured pose model, to be loaded when a rule wants it and followed from then on; `None` where there is to be none.
pub fn pose_to_load(config: &DetectorConfig, store: &ModelStore) -> Option<PoseToLoad> {
    let (name, files) = (config.pose.clone(), store.clone());
    let edition: EditionOf = Arc::new(move || files.edition(&name));
    Some(PoseToLoad::new(&config.pose, pose_loader(config, store)?).following(edition))
}

/// The configured pose model by itself.
pub fn pose_loader(config: &DetectorConfig, store: &ModelStore) -> Option<Loader<Box<dyn FindPose>>> {
    let (config, store) = (config.clone(), store.clone());
    let wanted = config.enabled && !config.pose.is_empty();
    wanted.then(|| -> Loader<Box<dyn FindPose>> { Box::new(move || pose::open(&config, &store)) })
}

/// Does it name nothing that moves about?
pub(crate) fn is_aside(labels: &[Label]) -> bool {
    labels.iter().all(|label| matches!(label, Label::Fire | Label::Smoke))
}

/// Loads all configured detectors as one, that looks with each of them in turn: for replay and evaluation, where each
/// frame must be looked at by all. Any that fails is an error.
pub fn open(config: &DetectorConfig, store: &ModelStore) -> Result<Box<dyn Detect>, DetectError> {
    if !config.enabled {
        return Err(DetectError::Off);
    }
    let mut all =
        config.models.iter().map(|name| open_one(name, config, store)).collect::<Result<Vec<_>, _>>()?;
    match all.len() {
        1 => Ok(all.remove(0)),
        _ => Ok(Box::new(Together::new(all, None))),
    }
}

/// As [`open`], with the pose model. Where that cannot be had, falls are told by what else there is.
pub fn open_posed(config: &DetectorConfig, store: &ModelStore) -> Result<Box<dyn Detect>, DetectError> {
    let detector = open(config, store)?;
    let pose = pose_loader(config, store).and_then(|mut load| {
        load().inspect_err(|error| tracing::info!(%error, "no pose model; falls are told without it")).ok()
    });
    Ok(match pose {
        Some(pose) => Box::new(Together::new(vec![detector], Some(pose))),
        None => detector,
    })
}

/// Several detectors side by side, and a pose model.
struct Together {
    name: String,
    labels: Vec<Label>,
    all: Vec<Box<dyn Detect>>,
    pose: Option<Box<dyn FindPose>>,
}

impl Together {
    fn new(all: Vec<Box<dyn Detect>>, pose: Option<Box<dyn FindPose>>) -> Self {
        let name = all.iter().map(|d| d.name()).collect::<Vec<_>>().join(" + ");
        let labels = all.iter().flat_map(|d| d.labels().to_vec()).collect();
        Self { name, labels, all, pose }
    }
}

impl Detect for Together {
    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn parts(&self) -> Vec<AtWork> {
        self.all.iter().flat_map(|detector| detector.parts()).collect()
    }

    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        let mut found = Vec::new();
        for detector in &mut self.all {
            found.extend(detector.detect(picture)?);
        }
        Ok(found)
    }

    fn stance(&mut self, picture: &Picture) -> Result<Option<Stance>, DetectError> {
        self.pose.as_mut().map(|pose| pose.stance(picture)).transpose()
    }
}
