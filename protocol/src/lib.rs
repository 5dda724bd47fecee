//! What crosses the wire between a box and its hub, and the few types both sides must agree on.
//!
//! No I/O lives here except the one system clock and the one source of chance, which everything else
//! receives from its `main`. Biometric classes cannot be expressed: see [`Label`].

pub mod call;
pub mod chance;
pub mod clock;
pub mod command;
pub mod contact;
pub mod enrol;
pub mod envelope;
pub mod evidence;
pub mod hotline;
pub mod id;
pub mod incident;
pub mod limits;
pub mod receipt;
pub mod status;
pub mod topic;

pub use call::{CallSubject, Direction, Leg, LiveCall, Segment, Transcript};
pub use chance::Chance;
pub use clock::{Clock, ManualClock, SystemClock, UtcMs};
pub use command::{
    Answer, Command, CommandBody, HIDDEN, MAX_CLIP_MS, Outcome, ShownConfiguration, Trial, TriedIncident,
};
pub use contact::{ContactKey, ContactSecret, OpenError, Sealed, SealedName};
pub use enrol::{EnrolAnswer, EnrolRequest};
pub use envelope::{Envelope, EnvelopeError, Event, Origin, Tombstone};
pub use evidence::{
    Cut, Delivery, Evidence, EvidenceKind, Footage, Gap, GapReason, MAX_GAPS, Sha256Hex, VideoCodec,
};
pub use id::{
    BootId, CallId, CameraId, CommandId, DeviceId, IdError, IncidentId, MessageId, RuleId, TenantId,
};
pub use incident::{CameraSubject, Incident, IncidentKind, Label, NormBox, Phase, Place, Severity, Subject};
pub use receipt::{Receipt, ReceiptOutcome};
pub use status::{
    CallTapHealth, CameraHealth, CameraState, DetectorHealth, DeviceState, ModelHealth, ModelTask, Status,
};
pub use topic::{Topic, TopicError};
