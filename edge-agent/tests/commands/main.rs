//! What the hub asks of a box, with the box's real stations: a configuration is applied, refused or undone while the
//! cameras run; a still is masked; a recording goes when it is asked for. Every command is answered, once.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod bench;
#[path = "../common/mod.rs"]
mod common;
mod configuration;
mod files;
mod trial;
