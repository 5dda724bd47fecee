//! Station 8: bytes become rows; receipt and MQTT ack after commit.
//!
//! What waits together is committed together. A message that the database cannot take for its own sake (not for
//! want of a connection) is tried alone and then quarantined, so that one poisoned message never holds up others.
//!
//! A box that says more than it may ([`Allowance`]) gets no receipt for a while and keeps what it has to say; one whose
//! quarantine is full is refused, in words, and keeps its copy.

mod allowance;
mod apply;
mod message;
mod queue;
mod revision;
mod seen;
pub mod store;
#[cfg(test)]
mod tests;

use crate::db::from_row;
use serde::Serialize;

pub use allowance::Allowance;
pub use apply::Context;
pub use queue::{Intake, Item, Reply, SubmitError, Worker};
pub use revision::incident;

/// Bytes that could not be read, kept for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Quarantined {
    pub quarantine_id: String,
    pub device_id: Option<String>,
    pub topic: String,
    pub message_id: Option<String>,
    pub reason: String,
    pub received_at_ms: i64,
    pub size_bytes: i64,
}

from_row!(Quarantined: quarantine_id, device_id, topic, message_id, reason, received_at_ms,
    size_bytes);
