//! Speech to text, in processes of their own (`edge-agent transcribe`): the native library ends its process on a file
//! it cannot read, and a model of 240 MB need not stay in memory between calls.

mod engine;
pub mod evaluate;
#[cfg(test)]
mod golden;
mod installed;
mod live;
mod numbers;
mod onnx;
mod recognise;
mod recording;
mod refusals;
mod selftest;
pub mod transcribe;
pub(super) mod worker;

pub use installed::{Choice, Installed, ModelKind, best, choose, punctuation};
pub(super) use live::wire;
pub(super) use refusals::Refusals;
