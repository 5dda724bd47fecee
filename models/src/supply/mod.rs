//! How models come to a box and go: fetched, imported from a folder or USB stick, bundled for a site without a network,
//! verified, removed.
//!
//! Invariants: one process at a time changes a models folder (`lock`); a model lies in `NAME/VERSION/` whole or not at
//! all (`install`); nothing is put there before its bytes were held against whoever vouches for them, and what was put
//! there is recorded with its hashes. Deliberately absent: fetching anything by itself, newer versions than the
//! manifest's, keys and signatures (the manifest is part of the program).

mod archive;
mod bundle;
mod download;
mod error;
mod fetch;
mod import;
mod install;
mod inventory;
mod lock;
mod part;
mod remove;
mod room;
mod stick;
#[cfg(test)]
mod tests;

pub use archive::Limits;
pub use bundle::bundle;
pub use download::{Event, Way};
pub use error::SupplyError;
pub use fetch::fetch;
pub use import::import;
pub use install::Shelf;
pub use inventory::{Entry, State, check_folder};
pub use remove::remove;

use std::path::PathBuf;

/// What became of one model.
#[derive(Debug)]
pub struct Report {
    pub name: String,
    pub version: String,
    pub outcome: Result<Outcome, SupplyError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It lies there now.
    Put(PathBuf),
    /// It lay there before, and is right.
    There(PathBuf),
}
