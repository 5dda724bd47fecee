//! Evidence with real pipelines: what a camera delivered is what the file shows, masked where it must be.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod bench;
mod clips;
mod killed;
#[path = "../media/mod.rs"]
mod media;
mod pictures;
