//! A pose model: shown one person, it says how far from upright the body lies. It is asked only where a rule is in
//! doubt, and nothing of its answer is kept but that one angle and how sure it is.
//!
//! Models of this kind have learned people who stand. Somebody who lies is found far more surely in a picture turned by a
//! quarter, so each look is three: as it is, and turned to either side; the surest counts.

mod golden;
mod joints;
mod post;

use models::pose::PoseContract;
use models::{ModelStore, Weights};
use ort::environment::Environment;
use ort::session::Session;
use protocol::Label;

pub use self::joints::Stance;
use self::joints::{Turn, stance};
pub(super) use self::post::PosePost;
pub use self::post::{PoseHealth, PoseToLoad};
use super::input::Input;
use super::letterbox::Letterbox;
use super::look::Look;
use super::onnx::{self, Provider};
use super::{DetectError, DetectorConfig};
use crate::frame::Picture;
use crate::native;

/// Something that says how a person stands.
pub trait FindPose: Send {
    /// Model name and version.
    fn name(&self) -> &str;
    fn note(&self) -> Option<&str> {
        None
    }
    /// `picture`: one person in the middle of it, who fills about two thirds.
    fn stance(&mut self, picture: &Picture) -> Result<Stance, DetectError>;
}

impl Look for Box<dyn FindPose> {
    type Says = Stance;

    fn name(&self) -> &str {
        self.as_ref().name()
    }

    fn labels(&self) -> &[Label] {
        &[]
    }

    fn note(&self) -> Option<&str> {
        self.as_ref().note()
    }

    fn batch(&self) -> usize {
        1
    }

    fn look(&mut self, pictures: &[&Picture]) -> Result<Vec<Stance>, DetectError> {
        pictures.iter().map(|picture| self.stance(picture)).collect()
    }
}

/// Loads the configured pose model, which must pass its self-test where it has one.
pub(super) fn open(config: &DetectorConfig, store: &ModelStore) -> Result<Box<dyn FindPose>, DetectError> {
    let weights = store.find(&config.pose)?;
    let environment = native::environment(config.ort_library.as_deref())?;
    let mut loaded = PoseModel::load(&environment, &weights, config.fixed_threads(), &config.providers)?;
    if let Some(golden) = &weights.golden {
        golden::hold(&mut loaded, golden)?;
    }
    Ok(Box::new(loaded))
}

/// One loaded model.
struct PoseModel {
    name: String,
    session: Session,
    into: String,
    input: Input,
    note: Option<String>,
}

impl PoseModel {
    fn load(
        environment: &Environment,
        weights: &Weights,
        threads: usize,
        providers: &[Provider],
    ) -> Result<Self, DetectError> {
        let load = |provider| Self::with(environment, weights, threads, provider);
        let (mut loaded, provider, note) = onnx::on_first(&weights.title(), providers, load)?;
        loaded.note = note;
        tracing::info!(model = loaded.name, provider = provider.name(), "pose model loaded");
        Ok(loaded)
    }

    fn with(
        environment: &Environment,
        weights: &Weights,
        threads: usize,
        provider: Provider,
    ) -> Result<Self, DetectError> {
        let name = weights.title();
        let broken = |problem: String| DetectError::Contract { model: name.clone(), problem };
        let contract: PoseContract =
            weights.model.pose.clone().ok_or_else(|| broken("it is no pose model".to_owned()))?;
        if let Some(problem) = contract.problem() {
            return Err(broken(problem));
        }
        let session = onnx::session(environment, weights, threads, provider, &name)?;
        let (into, _) = onnx::input_of(&session, &contract.picture).map_err(broken)?;
        let input = Input::new(&contract.picture, 1);
        let mut loaded = Self { name, session, into, input, note: None };
        // A model of another shape must be refused now, not in front of a camera.
        let grey = Picture { width: 2, height: 2, y: vec![128; 4], u: vec![128], v: vec![128] };
        loaded.look(&grey, Turn::Not)?;
        Ok(loaded)
    }

    fn look(&mut self, picture: &Picture, turn: Turn) -> Result<Stance, DetectError> {
        let letterbox = Letterbox::new(picture.width, picture.height, self.input.contract());
        self.input.fill(0, &letterbox, picture);
        let shape = self.input.shape(1);
        let fail = |doing| onnx::failure(&self.name, doing);
        let value = onnx::tensor_of(&self.input, shape, shape.iter().product())
            .map_err(fail("preparing a person's picture"))?;
        let outputs = self
            .session
            .run(ort::inputs![self.into.as_str() => value])
            .map_err(fail("looking at a person"))?;
        let (_, points) =
            outputs[0].try_extract_tensor::<f32>().map_err(fail("reading where the joints are"))?;
        let size = (self.input.contract().width as f32, self.input.contract().height as f32);
        stance(points, size, turn)
            .map_err(|problem| DetectError::Contract { model: self.name.clone(), problem })
    }
}

impl FindPose for PoseModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn stance(&mut self, picture: &Picture) -> Result<Stance, DetectError> {
        let right = picture.turned_right();
        let left = right.turned_right().turned_right();
        let looks =
            [self.look(picture, Turn::Not)?, self.look(&right, Turn::Right)?, self.look(&left, Turn::Left)?];
        // Among equals the first: as it is.
        Ok(looks.into_iter().reduce(|a, b| if b.score > a.score { b } else { a }).unwrap_or_default())
    }
}
