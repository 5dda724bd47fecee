//! Shapes of boxes, of what is asked of them, and of what could not be read of theirs.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::command::CommandRow;
use crate::device::Device;
use crate::intake::Quarantined;
use crate::self_test::SelfTest;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct DeviceItem {
    pub(in crate::api) device_id: String,
    /// What people call it.
    pub(in crate::api) title: String,
    /// `pending`, `enrolled` or `disabled`.
    pub(in crate::api) state: String,
    /// `online`, `offline`, or nothing before its first word.
    pub(in crate::api) link: Option<String>,
    pub(in crate::api) last_seen_at: Option<i64>,
    /// Hub clock minus box clock.
    pub(in crate::api) skew_ms: Option<i64>,
    pub(in crate::api) clock_is_off: bool,
    /// Messages that it numbered and that are not here: on their way, waiting on the box, or lost.
    pub(in crate::api) missing: i64,
    /// The newest status as the box sent it.
    pub(in crate::api) status: Option<serde_json::Value>,
    /// The newest daily self-test alarm.
    pub(in crate::api) self_test: Option<SelfTest>,
}

impl From<&Device> for DeviceItem {
    fn from(device: &Device) -> Self {
        Self {
            device_id: device.device_id.clone(),
            title: device.title.clone(),
            state: device.state.clone(),
            link: device.link.clone(),
            last_seen_at: device.last_seen_at_ms,
            skew_ms: device.skew_ms,
            clock_is_off: device.clock_is_off(),
            missing: device.missing,
            status: device.status.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            self_test: None,
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct DeviceList {
    pub(in crate::api) devices: Vec<DeviceItem>,
}

/// What is asked of a box.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(in crate::api) struct CommandRequest {
    /// Why; kept in the audit row.
    #[schema(min_length = 1, max_length = 200)]
    pub(in crate::api) purpose: String,
    /// Case it is about, if any.
    #[serde(default)]
    pub(in crate::api) case_number: Option<String>,
    #[serde(flatten)]
    pub(in crate::api) body: CommandAsked,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(in crate::api) enum CommandAsked {
    Still {
        camera_id: protocol::CameraId,
    },
    /// A stretch of what a camera recorded: at most five minutes.
    Clip {
        camera_id: protocol::CameraId,
        from: UtcMs,
        to: UtcMs,
    },
    Recording {
        call_id: protocol::CallId,
    },
    /// What these rules would have told of in the last hour: TOML with `[[camera.zones]]`,
    /// `[[camera.lines]]`, `[[camera.rules]]`.
    Replay {
        camera_id: protocol::CameraId,
        toml: String,
        /// Only of the last so many seconds, at most the hour.
        #[serde(default)]
        #[schema(minimum = 1, maximum = 3600)]
        last_s: Option<u32>,
    },
    /// Where the text says `***`, what stands there now stays.
    Configuration {
        toml: String,
        /// The version that it was made from: the box refuses it when another one is in force.
        #[serde(default)]
        based_on: Option<u64>,
    },
    /// What is watched and heard now, without secrets; the answer stands in the command's `configuration`.
    ShowConfiguration {},
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct CommandAccepted {
    pub(in crate::api) command_id: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct CommandItem {
    pub(in crate::api) command_id: String,
    pub(in crate::api) device_id: String,
    pub(in crate::api) command: String,
    pub(in crate::api) purpose: String,
    pub(in crate::api) case_number: Option<String>,
    pub(in crate::api) issued_by: String,
    pub(in crate::api) issued_at: i64,
    pub(in crate::api) expires_at: i64,
    /// `waiting`, `sent`, `done`, `failed` or `expired`.
    pub(in crate::api) state: String,
    pub(in crate::api) answered_at: Option<i64>,
    pub(in crate::api) reason: Option<String>,
    /// What rules on trial came to.
    pub(in crate::api) trial: Option<protocol::Trial>,
    /// What is watched and heard there.
    pub(in crate::api) configuration: Option<protocol::ShownConfiguration>,
}

impl From<&CommandRow> for CommandItem {
    fn from(row: &CommandRow) -> Self {
        Self {
            command_id: row.command_id.clone(),
            device_id: row.device_id.clone(),
            command: row.name.clone(),
            purpose: row.purpose.clone(),
            case_number: row.case_number.clone(),
            issued_by: row.issued_by.clone(),
            issued_at: row.issued_at_ms,
            expires_at: row.expires_at_ms,
            state: row.state.clone(),
            answered_at: row.answered_at_ms,
            reason: row.reason.clone(),
            trial: row.trial(),
            configuration: row.shown(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct CommandList {
    /// Newest first.
    pub(in crate::api) commands: Vec<CommandItem>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct QuarantineList {
    /// Newest first.
    pub(in crate::api) quarantine: Vec<Quarantined>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct QuarantineDetail {
    #[serde(flatten)]
    pub(in crate::api) row: Quarantined,
    /// The bytes as they came.
    pub(in crate::api) content_base64: String,
}
