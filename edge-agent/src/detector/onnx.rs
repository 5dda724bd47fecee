//! A detector of the manifest, run by ONNX Runtime on the first of the wished providers that works.

use std::borrow::Cow;

use models::Weights;
use models::contract::{Answer, Contract, Layout, PictureInput, Smaller};
use ort::environment::Environment;
use ort::ep::{CUDA, ExecutionProviderDispatch, OpenVINO, TensorRT};
use ort::session::builder::SessionBuilder;
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{TensorElementType, TensorRef, ValueType};
use protocol::Label;
use serde::{Deserialize, Serialize};

use super::answer::{self, Classes, Tensor};
use super::input::{Input, Values};
use super::letterbox::Letterbox;
use super::resize::resized;
use super::{Detect, DetectError, exact};
use crate::frame::{Detection, Picture};

/// Pictures of one inference where a model takes several: more would keep the first one waiting.
const MOST_AT_ONCE: usize = 4;

/// Who computes. A provider is part of the inference library; the one that is shipped has the processor alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    TensorRt,
    Cuda,
    OpenVino,
    Cpu,
}

impl Provider {
    pub fn name(self) -> &'static str {
        match self {
            Self::TensorRt => "tensorrt",
            Self::Cuda => "cuda",
            Self::OpenVino => "openvino",
            Self::Cpu => "cpu",
        }
    }

    /// What to register, in order; what one cannot compute falls to the next, at last to the processor.
    fn registered(self) -> Vec<ExecutionProviderDispatch> {
        let sure = |ep: ExecutionProviderDispatch| ep.error_on_failure();
        match self {
            Self::TensorRt => vec![sure(TensorRT::default().build()), CUDA::default().build()],
            Self::Cuda => vec![sure(CUDA::default().build())],
            Self::OpenVino => vec![sure(OpenVINO::default().build())],
            Self::Cpu => Vec::new(),
        }
    }
}

/// One loaded model.
pub struct Onnx {
    name: String,
    contract: Contract,
    classes: Classes,
    labels: Vec<Label>,
    session: Session,
    /// Name of the tensor that pictures go into.
    into: String,
    input: Input,
    note: Option<String>,
    stands_in: bool,
}

impl Onnx {
    /// Loads the model for the first provider that can run it.
    pub fn load(
        environment: &Environment,
        weights: &Weights,
        threads: usize,
        providers: &[Provider],
    ) -> Result<Self, DetectError> {
        Self::of(environment, weights, threads, providers, None)
    }

    /// The same network for pictures of `side` × `side`.
    pub(super) fn load_at(
        environment: &Environment,
        weights: &Weights,
        threads: usize,
        providers: &[Provider],
        side: usize,
    ) -> Result<Self, DetectError> {
        Self::of(environment, weights, threads, providers, Some(side))
    }

    fn of(
        environment: &Environment,
        weights: &Weights,
        threads: usize,
        providers: &[Provider],
        side: Option<usize>,
    ) -> Result<Self, DetectError> {
        let load = |provider| Self::with(environment, weights, threads, provider, side);
        let (mut loaded, provider, note) = on_first(&weights.title(), providers, load)?;
        loaded.note = note;
        tracing::info!(
            model = loaded.name,
            provider = provider.name(),
            batch = loaded.input.batch(),
            "model loaded"
        );
        Ok(loaded)
    }

    fn with(
        environment: &Environment,
        weights: &Weights,
        threads: usize,
        provider: Provider,
        side: Option<usize>,
    ) -> Result<Self, DetectError> {
        let name = weights.title();
        let broken = |problem: String| DetectError::Contract { model: name.clone(), problem };
        let own = weights.model.detector.clone().ok_or_else(|| broken("it is no detector".to_owned()))?;
        let contract = side.map_or_else(|| own.clone(), |side| own.at(side));
        if let Some(problem) = contract.problem() {
            return Err(broken(problem));
        }
        let classes = Classes::new(&contract).map_err(broken)?;
        let labels = super::labels(&contract).map_err(broken)?;
        let builder = builder(environment, weights, threads, provider, &name)?;
        let session = match side {
            None => from_file(builder, weights, &name)?,
            Some(side) => {
                let at = match contract.picture.layout {
                    Layout::Nchw => [2, 3],
                    Layout::Nhwc => [1, 2],
                };
                let file = std::fs::read(weights.main_file()).map_err(|e| broken(e.to_string()))?;
                let file = resized(&file, at, side).map_err(|e| broken(e.to_string()))?;
                let mut builder = builder;
                builder.commit_from_memory(&file).map_err(failure(&name, "loading weights"))?
            }
        };
        let (into, batch) = input_of(&session, &contract.picture).map_err(broken)?;
        let input = Input::new(&contract.picture, batch);
        let mut loaded =
            Self { name, contract, classes, labels, session, into, input, note: None, stands_in: false };
        // A model of another shape, or a provider that only fails at work, must be refused now, not in front of a
        // camera.
        let grey = Picture { width: 2, height: 2, y: vec![128; 4], u: vec![128], v: vec![128] };
        loaded.look(&[&grey])?;
        Ok(loaded)
    }

    /// Put where another was asked for that is not there, and why.
    #[must_use]
    pub(super) fn standing_in(mut self, why: String) -> Self {
        self.note = Some(self.note.map_or_else(|| why.clone(), |note| format!("{note}; {why}")));
        self.stands_in = true;
        self
    }

    /// Inputs other than its own that it may be loaded for.
    pub(super) fn smaller(&self) -> &[Smaller] {
        &self.contract.smaller
    }

    fn look(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<Detection>>, DetectError> {
        let letterbox = |p: &&Picture| Letterbox::new(p.width, p.height, self.input.contract());
        let letterboxes: Vec<Letterbox> = pictures.iter().map(letterbox).collect();
        for (place, (letterbox, picture)) in letterboxes.iter().zip(pictures).enumerate() {
            self.input.fill(place, letterbox, picture);
        }
        let fail = |doing| failure(&self.name, doing);
        let shape = self.input.shape(pictures.len());
        let size: usize = shape.iter().product();
        let value = tensor_of(&self.input, shape, size).map_err(fail("preparing a picture"))?;
        let outputs = self
            .session
            .run(ort::inputs![self.into.as_str() => value])
            .map_err(fail("looking at a picture"))?;
        let tensors = tensors(&outputs, &self.contract.answer).map_err(fail("reading what it saw"))?;
        answer::decode(&self.contract.answer, &self.classes, &tensors, &letterboxes)
            .map_err(|problem| DetectError::Contract { model: self.name.clone(), problem })
    }
}

impl Detect for Onnx {
    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn stands_in(&self) -> bool {
        self.stands_in
    }

    fn batch(&self) -> usize {
        self.input.batch()
    }

    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        Ok(self.look(&[picture])?.pop().unwrap_or_default())
    }

    fn detect_batch(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<Detection>>, DetectError> {
        let mut found = Vec::with_capacity(pictures.len());
        for some in pictures.chunks(self.input.batch()) {
            found.extend(self.look(some)?);
        }
        Ok(found)
    }
}

/// Loads on the first provider that works; with it, a word on those that did not.
pub(super) fn on_first<T>(
    model: &str,
    providers: &[Provider],
    mut load: impl FnMut(Provider) -> Result<T, DetectError>,
) -> Result<(T, Provider, Option<String>), DetectError> {
    let mut failed: Vec<String> = Vec::new();
    let mut last = None;
    for &provider in providers {
        match load(provider) {
            Ok(loaded) => {
                let note = (!failed.is_empty())
                    .then(|| format!("runs on {}; {}", provider.name(), failed.join("; ")));
                if let Some(note) = &note {
                    tracing::warn!(model, "{note}");
                }
                return Ok((loaded, provider, note));
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
                failed.push(format!("{} does not work: {error}{source}", provider.name()));
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| DetectError::Contract {
        model: model.to_owned(),
        problem: "no provider is configured".to_owned(),
    }))
}

pub(super) fn session(
    environment: &Environment,
    weights: &Weights,
    threads: usize,
    provider: Provider,
    name: &str,
) -> Result<Session, DetectError> {
    from_file(builder(environment, weights, threads, provider, name)?, weights, name)
}

fn from_file(mut builder: SessionBuilder, weights: &Weights, name: &str) -> Result<Session, DetectError> {
    builder.commit_from_file(weights.main_file()).map_err(failure(name, "loading weights"))
}

fn builder(
    environment: &Environment,
    weights: &Weights,
    threads: usize,
    provider: Provider,
    name: &str,
) -> Result<SessionBuilder, DetectError> {
    let fail = |doing| failure(name, doing);
    let level =
        exact::optimisation(weights.main_file(), provider).map_err(|error| DetectError::Contract {
            model: name.to_owned(),
            problem: format!("{}: {error}", weights.main_file().display()),
        })?;
    let builder = Session::builder(environment).map_err(fail("preparing"))?;
    // The builder's errors carry the builder itself, which is no `std::error::Error`.
    builder
        .with_intra_threads(threads.max(1))
        .map_err(ort::Error::from)
        .map_err(fail("setting threads"))?
        // Cameras leave pauses between frames; spinning through them would cost more than inference.
        .with_intra_op_spinning(false)
        .map_err(ort::Error::from)
        .map_err(fail("setting threads"))?
        .with_optimization_level(level)
        .map_err(ort::Error::from)
        .map_err(fail("setting optimisation"))?
        .with_execution_providers(provider.registered())
        .map_err(ort::Error::from)
        .map_err(fail("choosing who computes"))
}

/// The input's name, and how many pictures it takes at once, after holding its shape against the contract.
pub(super) fn input_of(session: &Session, contract: &PictureInput) -> Result<(String, usize), String> {
    let wanted = contract.tensor.as_deref();
    let input = session.inputs().iter().find(|i| wanted.is_none_or(|name| i.name() == name));
    let input = input.ok_or_else(|| format!("it has no input {:?}", wanted.unwrap_or("at all")))?;
    let ValueType::Tensor { ty, shape, .. } = input.dtype() else {
        return Err(format!("its input {} is no tensor", input.name()));
    };
    let one = Input::new(contract, 1);
    let element = match one.values() {
        Values::Float(_) => TensorElementType::Float32,
        Values::Byte(_) => TensorElementType::Uint8,
    };
    let expected = one.shape(1);
    let fits = shape.len() == 4
        && shape.iter().zip(expected).skip(1).all(|(is, wanted)| *is < 0 || *is == wanted as i64);
    if !fits || *ty != element {
        return Err(format!("its input {} is {shape:?} {ty:?}, not {expected:?} {element:?}", input.name()));
    }
    match shape[0] {
        1 => Ok((input.name().to_owned(), 1)),
        fixed if fixed > 1 => {
            Err(format!("its batch is fixed at {fixed}; export it with 1, or a dynamic one"))
        }
        _ => Ok((input.name().to_owned(), MOST_AT_ONCE)),
    }
}

/// The first `size` values of an input as a tensor of this shape.
pub(super) fn tensor_of(input: &Input, shape: [usize; 4], size: usize) -> ort::Result<SessionInputValue<'_>> {
    match input.values() {
        Values::Float(floats) => TensorRef::from_array_view((shape, &floats[..size])).map(Into::into),
        Values::Byte(bytes) => TensorRef::from_array_view((shape, &bytes[..size])).map(Into::into),
    }
}

/// Those outputs that the contract reads, as floats. Class numbers may be whole numbers.
fn tensors<'o>(outputs: &'o SessionOutputs<'_>, answer: &Answer) -> ort::Result<Vec<Tensor<'o>>> {
    let wanted = |name: &str| match answer {
        Answer::Boxes(form) => {
            let named = [&form.boxes, &form.scores, &form.classes];
            form.boxes.is_none() || named.iter().any(|n| n.as_deref() == Some(name))
        }
        Answer::Yolox { .. } | Answer::Fastestdet => true,
    };
    let mut all = Vec::new();
    for name in outputs.keys().filter(|name| wanted(name)) {
        let value = &outputs[name];
        let sizes = |shape: &[i64]| shape.iter().map(|s| (*s).max(0) as usize).collect();
        let tensor = if let Ok((shape, values)) = value.try_extract_tensor::<i64>() {
            Tensor { name, shape: sizes(shape), values: values.iter().map(|v| *v as f32).collect() }
        } else if let Ok((shape, values)) = value.try_extract_tensor::<i32>() {
            Tensor { name, shape: sizes(shape), values: values.iter().map(|v| *v as f32).collect() }
        } else if let Ok((shape, values)) = value.try_extract_tensor::<f64>() {
            Tensor { name, shape: sizes(shape), values: values.iter().map(|v| *v as f32).collect() }
        } else {
            let (shape, values) = value.try_extract_tensor::<f32>()?;
            Tensor { name, shape: sizes(shape), values: Cow::Borrowed(values) }
        };
        all.push(tensor);
    }
    Ok(all)
}

pub(super) fn failure(model: &str, doing: &'static str) -> impl FnOnce(ort::Error) -> DetectError {
    move |source| DetectError::Inference { model: model.to_owned(), doing, source }
}
