//! What a telephone call tells. The caller's number leaves the box masked, and sealed for the hub alone.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::contact::{self, Sealed};
use crate::hotline::{self, Alarm, CallReading};
use crate::id::CallId;

/// Who speaks on a leg.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    Caller,
    Operator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// One stretch of speech by one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Segment {
    pub leg: Leg,
    /// Offsets from the start of the recording.
    pub start_ms: u64,
    pub end_ms: u64,
    pub text: String,
}

/// What became of the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Transcript {
    /// No speech model is installed yet; the box transcribes when one arrives.
    Waiting,
    Done {
        segments: Vec<Segment>,
        model: String,
        /// Lines at the end that did not fit the message; the box keeps them.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out: u32,
    },
    /// Nobody spoke.
    Silent,
    Failed {
        reason: String,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A call as an incident's subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallSubject {
    pub call_id: CallId,
    /// `138****1234`; `None` when the exchange did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_masked: Option<String>,
    /// The number to call back at. The hub takes it out of the incident before it keeps that. What is no such thing by
    /// its form is left out, never a reason to refuse a call.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "contact::lenient")]
    pub callback: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
    pub direction: Direction,
    pub legs: Vec<Leg>,
    pub duration_ms: u64,
    /// Speech found on each side, whatever was or was not transcribed.
    pub speech_ms: u64,
    pub transcript: Transcript,
    /// What was read from the caller's words; `None` while there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<CallReading>,
    /// The box died, or could not write any more, while the call ran: what was said from then on is missing, or is in
    /// another incident of the call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

impl CallSubject {
    /// Cuts what a box read, and what an exchange told it, to as much as a hub keeps ([`CallReading::bounded`]). Nothing
    /// is refused for its length.
    pub fn bound(&mut self) {
        self.caller_masked = self.caller_masked.take().map(hotline::cut);
        self.seat = self.seat.take().map(hotline::cut);
        self.reading = self.reading.take().map(CallReading::bounded);
    }
}

/// What the `live` topic tells while a call runs (QoS 0; may be lost, never matters).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum LiveCall {
    Started {
        call_id: CallId,
        seat: Option<String>,
        at: UtcMs,
    },
    /// Somebody is speaking. Offsets are from the beginning of the call, as far as is known; a later word with the same
    /// leg and start replaces this one.
    Partial {
        call_id: CallId,
        segment: Segment,
    },
    /// Somebody has spoken. Empty when what seemed to be words were none.
    Final {
        call_id: CallId,
        segment: Segment,
    },
    /// A life may be at stake. The incident says so as well, and is not lost.
    Alarm {
        call_id: CallId,
        alarms: Vec<Alarm>,
    },
    /// What the caller's words come to so far: an offer, replaced by a later one and at last by the incident's. Without
    /// alarms, which are told as they are raised.
    Read {
        call_id: CallId,
        reading: CallReading,
    },
    Ended {
        call_id: CallId,
        at: UtcMs,
    },
}
