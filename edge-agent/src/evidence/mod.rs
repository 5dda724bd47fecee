//! Station 6, first half: snapshots, stills and clips, masked on the box.
//!
//! ```text
//! incident opened → Recorder::open(camera, frame, …) → Opening
//!     opening.snapshot.finished().await   the picture with its box, in a moment
//!     opening.end.at(ended_at)            when the incident ended (not calling it is fine)
//!     opening.clip.finished().await       the clip, after post-roll
//! ```
//!
//! What is kept of a camera with masks has them burnt in before the first byte is written; a picture that
//! cannot be masked is an error, never a file.

mod clip;
mod draw;
mod file;
mod mask;
mod recorder;
mod snapshot;
mod timing;

pub use recorder::{ClipEnd, Opening, Pending, Recorder};
pub use snapshot::Drawn;
