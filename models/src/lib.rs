//! Model manifest: which models there are, where their files lie, and whether those are the right bytes.
//!
//! A model is a folder named like it, `NAME/FILE` or `NAME/VERSION/FILE`, in one of the search folders. Its
//! files are verified before use against the manifest, else against what the site pins, else against what was recorded
//! when they were installed. A site adds a model that the manifest does not know by a `model.toml` in its folder, one
//! entry in the manifest's form. How models come to a box, and go, is [`supply`]; nothing else fetches anything.

pub mod contract;
mod edition;
mod hash;
mod manifest;
mod pins;
mod place;
pub mod pose;
mod record;
mod site;
mod store;
pub mod supply;

pub use edition::{Edition, golden_files};
pub use hash::Fingerprint;
pub use manifest::{Manifest, Measured, Model, ModelFile, manifest};
pub use record::{Expected, Fault, Record, RecordedFile, Trust};
pub use store::{ModelError, ModelStore, Weights, search_folders};
