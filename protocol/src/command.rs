//! What the hub asks of a box, and what the box answers (as an event, so the answer is as durable as an incident).

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::evidence::Evidence;
use crate::id::{CallId, CameraId, CommandId, RuleId};
use crate::incident::{IncidentKind, Label};

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
    /// `[[camera.lines]]` and `[[camera.rules]]` as in the configuration; nothing is changed by it. `last_s`: only of the
    /// last so many seconds; a box that does not know it tries the hour.
    Replay {
        camera_id: CameraId,
        toml: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_s: Option<u32>,
    },
    /// An alarm for practice, named after this command, from a camera's picture to the hub's page.
    SelfTest {},
    /// A new configuration (TOML text) with the version the hub gave it. Where it says `***`, what stands there now stays.
    /// `based_on`: it was made from this version, and is refused when another one is in force; a box that does not know it
    /// takes the newer one.
    Configuration {
        version: u64,
        toml: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        based_on: Option<u64>,
    },
    /// What is watched and heard now, without secrets.
    ShowConfiguration {},
}

/// Longest stretch of a recording that one command asks for.
pub const MAX_CLIP_MS: i64 = 300_000;

/// Stands in a configuration for what is not shown: a password, or what of an address may hold one. Where it comes back
/// as it was shown, the box puts in again what it hides.
pub const HIDDEN: &str = "***";

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
            Self::ShowConfiguration {} => "show_configuration",
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
    /// What is watched and heard.
    Shown {
        configuration: ShownConfiguration,
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

/// The configuration in force, as far as the hub may set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShownConfiguration {
    /// 0 = the installer's file.
    pub version: u64,
    /// TOML with the sections `camera`, `detector`, `calendar` and `calls`; masks of the installer are in it, too. Secrets
    /// are [`HIDDEN`].
    pub toml: String,
    /// What the configured detectors can name.
    pub labels: Vec<Label>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn same_both_ways(body: &CommandBody, json: &str) {
        assert_eq!(serde_json::to_string(body).unwrap(), json);
        assert_eq!(serde_json::from_str::<CommandBody>(json).unwrap(), *body);
    }

    /// Byte for byte what crosses the wire: what older boxes know stays as they know it, and what is new is left out where
    /// nobody asks for it.
    #[test]
    fn commands_on_the_wire() {
        let gate = || "gate".parse::<CameraId>().unwrap();
        let text = || "x = 1".to_owned();
        same_both_ways(
            &CommandBody::Replay { camera_id: gate(), toml: text(), last_s: None },
            r#"{"command":"replay","camera_id":"gate","toml":"x = 1"}"#,
        );
        same_both_ways(
            &CommandBody::Replay { camera_id: gate(), toml: text(), last_s: Some(300) },
            r#"{"command":"replay","camera_id":"gate","toml":"x = 1","last_s":300}"#,
        );
        same_both_ways(
            &CommandBody::Configuration { version: 7, toml: text(), based_on: None },
            r#"{"command":"configuration","version":7,"toml":"x = 1"}"#,
        );
        same_both_ways(
            &CommandBody::Configuration { version: 7, toml: text(), based_on: Some(0) },
            r#"{"command":"configuration","version":7,"toml":"x = 1","based_on":0}"#,
        );
        same_both_ways(&CommandBody::ShowConfiguration {}, r#"{"command":"show_configuration"}"#);
        same_both_ways(
            &CommandBody::Still { camera_id: gate() },
            r#"{"command":"still","camera_id":"gate"}"#,
        );
    }

    /// The answer with a configuration, byte for byte.
    #[test]
    fn a_shown_configuration_on_the_wire() {
        let outcome = Outcome::Shown {
            configuration: ShownConfiguration {
                version: 7,
                toml: "[[camera]]\npassword = \"***\"\n".to_owned(),
                labels: vec![Label::Person, Label::Car],
            },
        };
        let json = r#"{"outcome":"shown","configuration":{"version":7,"toml":"[[camera]]\npassword = \"***\"\n","labels":["person","car"]}}"#;
        assert_eq!(serde_json::to_string(&outcome).unwrap(), json);
        assert_eq!(serde_json::from_str::<Outcome>(json).unwrap(), outcome);
    }
}
