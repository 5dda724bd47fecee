//! Everything a hub keeps, carried whole: into one file ([`take`]), out of one ([`restore`]), and from one database to the
//! other ([`transfer`]).
//!
//! Tables are found by asking the database, so a table that a later migration makes is carried too; of a cache, which the hub
//! makes again by itself, a backup has no row ([`take::CACHES`]). What arrives is held
//! against what left, table by table, by the hash of its rows in one order and one form ([`content`]); only then is it in
//! force, all of it or nothing. A backup is one moment of the database; the files that lie beside it are named by their
//! content and are copied after that moment, the keys before it, so that nothing in it points to what came later.
//!
//! A backup holds every key and secret of its hub. It is for its owner alone (0600), and sealed when a passphrase is given
//! ([`cipher`]). Deliberately absent: increments (what has grown large is evidence, which other tools copy well), schedules
//! and places to send a file to.

mod archive;
mod cipher;
pub mod cli;
mod content;
pub mod folder;
mod manifest;
mod restore;
mod take;
#[cfg(test)]
mod tests;
mod transfer;

pub use content::Content;
pub use manifest::{FileContent, Manifest, Start, TableContent};
pub use restore::restore;
pub use take::{Source, take};
pub use transfer::{To, transfer};

/// What is told while it goes on, a line each.
pub type Told<'a> = &'a mut dyn FnMut(&str);

/// A table this large says how far it is, each time it has come this much further.
const TOLD_EVERY: u64 = 100_000;
