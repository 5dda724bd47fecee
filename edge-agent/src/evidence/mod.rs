//! Station 6, first half: snapshots, stills and clips, masked on the box.
//!
//! ```text
//! incident opened → Recorder::open(incident, camera, frame, …) → Opening
//!     opening.snapshot.finished().await   the picture with its box, in a moment
//!     opening.end.at(ended_at)            when the incident ended (not calling it is fine)
//!     opening.clip.finished().await       the clip, after post-roll
//!     Recorder::forget(incident)          once the clip is in the outbox
//! killed meanwhile → Recorder::recover(incident, …) at the next start
//! ```
//!
//! A file of evidence of a camera with masks has them burnt in before its first byte is written; a picture that
//! cannot be masked is an error, never a file. What a clip gathers is spooled beside, unmasked, and stays here.

mod clip;
pub(crate) mod draw;
mod file;
mod mask;
mod recorder;
mod snapshot;
mod spool;
mod spooling;
mod timing;

pub use recorder::{ClipEnd, Opening, Pending, Recorder, Unrecovered};
pub use snapshot::Drawn;
