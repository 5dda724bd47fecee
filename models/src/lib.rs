//! Model manifest: which models there are, where their files lie, and whether those are the right bytes.
//!
//! A model is a folder named like it, `NAME/FILE` or `NAME/VERSION/FILE`, in one of the search folders. Its
//! files are verified against the manifest before use. A site adds a model that the manifest does not know by a
//! `model.toml` in its folder, one entry in the manifest's form. Nothing is fetched here.

pub mod contract;
mod manifest;
pub mod pose;
mod store;

pub use manifest::{Manifest, Model, ModelFile, manifest};
pub use store::{ModelError, ModelStore, Weights, search_folders};
