//! Evidence with real pipelines: what a camera delivered is what the file shows, masked where it must be.

mod bench;
mod clips;
mod killed;
mod pictures;
