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
//!
//! Where a camera blurs people, they are made unrecognisable wherever the analysis saw them, and in doubt around it (see
//! [`people`]). That is no mask: whom the detector does not see is shown, and build, clothes and gait remain.

pub mod archive;
mod blur;
mod clip;
mod copy;
pub(crate) mod draw;
mod encoder;
mod file;
mod footage;
mod gather;
mod hide;
pub mod people;
mod recorder;
mod recording;
mod snapshot;
mod spool;
mod spooling;
mod timing;
mod turns;
mod video;
mod writing;

pub use recorder::{ClipEnd, Opening, Pending, Recorder, Unrecovered};
pub use snapshot::Drawn;
