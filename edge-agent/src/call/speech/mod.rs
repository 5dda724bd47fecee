//! Speech to text, in a process of its own (`edge-agent transcribe`): the native library ends its process on a file
//! it cannot read, and a model of 240 MB need not stay in memory between calls.

mod installed;
mod onnx;
mod recognise;
pub mod transcribe;
pub(super) mod worker;

pub use installed::{Installed, ModelKind, best};
