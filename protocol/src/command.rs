//! What the hub asks of a box, and what the box answers (as an event, so the answer is as durable as an incident).

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::evidence::Evidence;
use crate::id::{CallId, CameraId, CommandId, RuleId};
use crate::incident::IncidentKind;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Command {
    pub command_id: CommandId,
    pub issued_at: UtcMs,
    /// A box that reads it later answers [`Outcome::Expired`].
    pub expires_at: UtcMs,
    /// The named user who asked.
    pub issued_by: String,
    #[serde(flatten)]
    pub body: CommandBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum CommandBody {
    /// A masked current picture of one camera.
    Still { camera_id: CameraId },
    /// A masked stretch of what one camera has recorded, at most [`MAX_CLIP_MS`] long.
    Clip { camera_id: CameraId, from: UtcMs, to: UtcMs },
    /// The raw recording of one call.
    Recording { call_id: CallId },
    /// An operator tagged a call otherwise than the box had offered: it learns from that. Ids of the taxonomy; `None`: that
    /// offer was right. Neither takes an earlier correction of this call back.
    Correct { call_id: CallId, category: Option<String>, matter: Option<String> },
    /// What these rules would have told of in the last hour. TOML with the tables `[[camera.zones]]`,
    /// `[[camera.lines]]` and `[[camera.rules]]` as in the configuration; nothing is changed by it.
    Replay { camera_id: CameraId, toml: String },
    /// An alarm for practice, named after this command, from a camera's picture to the hub's page.
    SelfTest {},
    /// A new configuration (TOML text) with the version the hub gave it.
    Configuration { version: u64, toml: String },
}

/// Longest stretch of a recording that one command asks for.
pub const MAX_CLIP_MS: i64 = 300_000;

impl CommandBody {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Still { .. } => "still",
            Self::Clip { .. } => "clip",
            Self::Recording { .. } => "recording",
            Self::Correct { .. } => "correct",
            Self::Replay { .. } => "replay",
            Self::SelfTest {} => "self_test",
            Self::Configuration { .. } => "configuration",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done; the files asked for follow by upload.
    Done {
        evidence: Vec<Evidence>,
    },
    /// What rules on trial would have told of.
    Tried {
        trial: Trial,
    },
    /// Not done, and why, for people. For a configuration: the old one stays in force.
    Failed {
        reason: String,
    },
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Answer {
    pub command_id: CommandId,
    #[serde(flatten)]
    pub outcome: Outcome,
    pub answered_at: UtcMs,
}

/// What the rules of [`CommandBody::Replay`] came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trial {
    /// First and last frame that was tried; the box may hold less than the hour, and may have been blind for a part.
    pub from: UtcMs,
    pub to: UtcMs,
    pub frames: u64,
    /// In the order of their beginning, at most [`Trial::MOST`].
    pub incidents: Vec<TriedIncident>,
    /// How many more there were.
    pub left_out: u64,
}

impl Trial {
    /// More would not fit into a message, and nobody reads them.
    pub const MOST: usize = 200;
}

/// One incident that a rule on trial would have told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TriedIncident {
    pub rule_id: RuleId,
    pub kind: IncidentKind,
    pub started_at: UtcMs,
    /// `None`: still going on at the last frame.
    pub ended_at: Option<UtcMs>,
    /// 0..=100; 0 for motion.
    pub score_percent: u8,
}
