//! How a box is. Published retained every few seconds; the broker publishes the last will ([`DeviceState::Offline`]).

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::id::{BootId, CameraId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    Online,
    Offline,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Status {
    pub state: DeviceState,
    pub boot: BootId,
    /// Box's clock.
    pub at: UtcMs,
    pub uptime_ms: u64,
    pub clock_synced: bool,
    /// Software version.
    pub version: String,
    /// Version of the configuration in force; 0 = the installer's file.
    #[serde(default)]
    pub configuration_version: u64,
    #[serde(default)]
    pub cameras: Vec<CameraHealth>,
    #[serde(default)]
    pub detector: Option<DetectorHealth>,
    /// Speech model in use; `None` = calls are recorded and wait for one.
    #[serde(default)]
    pub speech_model: Option<String>,
    #[serde(default)]
    pub active_calls: u32,
    /// `None` = the box taps no calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallTapHealth>,
    /// Messages waiting for a receipt, and the age of the oldest.
    #[serde(default)]
    pub outbox_rows: u64,
    #[serde(default)]
    pub outbox_oldest_ms: u64,
    /// Files waiting to be uploaded.
    #[serde(default)]
    pub uploads_waiting: u64,
    #[serde(default)]
    pub disk_free_bytes: u64,
    /// Messages the hub refused or quarantined, kept on the box.
    #[serde(default)]
    pub rejected_rows: u64,
    /// Each model that looks at pictures, or should.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelHealth>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    Connecting,
    Running,
    /// Connected before, no picture now.
    Lost,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CameraHealth {
    pub camera_id: CameraId,
    pub name: String,
    pub state: CameraState,
    pub since: UtcMs,
    /// Frames per second that arrive for analysis.
    pub frames_per_second: f32,
    /// Frames skipped because the detector was busy, since start.
    pub frames_dropped: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is less than it should be although the camera runs: one of its streams is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// What decodes its pictures: `avdec_h264 (software)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum DetectorHealth {
    Model {
        /// Of all that look, joined by ` + `.
        name: String,
        /// Of others: why they do not look. Of these: what they run on instead of what was wished.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        troubles: Vec<String>,
    },
    /// No weights: motion alone raises `intrusion`, marked so.
    MotionOnly { reason: String },
}

/// What a model of a box tells of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelTask {
    /// What is to be seen.
    Detector,
    /// How somebody stands.
    Pose,
    /// Of a newer box.
    #[serde(other)]
    Unknown,
}

/// A model of a box that looks at pictures, as the configuration names it and as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelHealth {
    pub wanted: String,
    pub task: ModelTask,
    /// Name and version of what looks; nothing: nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_work: Option<String>,
    /// What looks is the product's own, because what is wanted is not installed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stand_in: bool,
    /// Looks of the last seconds, over all cameras.
    #[serde(default)]
    pub looks_per_second: f32,
    /// Why nothing looks; else what is less than it should be, such as a newer model that was refused, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How the call tap of a box is. Counters run since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallTapHealth {
    /// What listens for speech: `silero`, or `earshot` where Silero's weights are missing.
    pub voice_detector: String,
    pub transcripts_waiting: u64,
    pub calls_filed: u64,
    /// Connections turned away: too many calls, strangers, no disk space.
    pub refused: u64,
    /// What the exchange told of connections that never came, dropped because there was too much of it.
    pub announcements_dropped: u64,
    /// What is wrong now, for people; empty when nothing is.
    #[serde(default)]
    pub troubles: Vec<String>,
}
