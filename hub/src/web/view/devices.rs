//! Boxes.

use askama::Template;

use super::{CommandView, EvidenceState, Nav, Shell, Theme};
use crate::web::moment::Moment;

#[derive(Clone, Debug)]
pub struct DeviceRow {
    pub id: String,
    /// What people call it.
    pub title: String,
    /// `online`, `offline`, `never`, `revoked`
    pub state: &'static str,
    pub state_word: &'static str,
    pub last_seen: Option<Moment>,
    pub cameras_running: usize,
    pub cameras: usize,
    pub motion_only: bool,
    /// Each model that looks at pictures; nothing from boxes that do not tell.
    pub models: Vec<ModelView>,
    pub outbox: u64,
    pub rejected: u64,
    pub skew: Option<String>,
    pub skew_bad: bool,
    /// The box does not trust its own clock.
    pub unsynced: bool,
    pub speech: bool,
    /// Troubles of the call tap.
    pub troubles: usize,
    pub version: String,
}

/// A model of a box that looks at pictures.
#[derive(Clone, Debug)]
pub struct ModelView {
    /// As the configuration names it.
    pub wanted: String,
    /// What it says, in a word.
    pub task: &'static str,
    /// Name and version of what looks; nothing: nothing does.
    pub at_work: Option<String>,
    pub stand_in: bool,
    /// Looks per second.
    pub rate: String,
    /// In the box's own words.
    pub reason: Option<String>,
}

#[derive(Template)]
#[template(path = "devices.html")]
pub struct DevicesPage<'a> {
    pub shell: &'a Shell,
    pub devices: Vec<DeviceRow>,
    pub added: Option<AddedDevice>,
    pub may_add: bool,
    pub add_roles: String,
    pub error: Option<String>,
    pub name: String,
}

/// Shown once, right after adding.
#[derive(Clone, Debug)]
pub struct AddedDevice {
    pub name: String,
    pub code: String,
    pub command_line: String,
    pub qr_svg: String,
}

#[derive(Clone, Debug)]
pub struct CameraView {
    pub id: String,
    pub name: String,
    pub word: &'static str,
    /// `ok`, `soon` or `bad`
    pub class: &'static str,
    pub since: Moment,
    pub fps: String,
    pub dropped: u64,
    pub reason: String,
}

/// How the call tap is; counters run since the box's start.
#[derive(Clone, Debug)]
pub struct CallTapView {
    pub voice_detector: String,
    pub transcripts_waiting: u64,
    pub filed: u64,
    pub refused: u64,
    pub announcements_dropped: u64,
    /// What is wrong now, in the box's words.
    pub troubles: Vec<String>,
}

/// How its newest self-test went.
#[derive(Clone, Debug)]
pub struct SelfTestView {
    /// Of the health words: `ok`, `soon`, `bad` or `never`.
    pub class: &'static str,
    pub text: String,
    pub at: Option<Moment>,
}

#[derive(Template)]
#[template(path = "device.html")]
pub struct DevicePage<'a> {
    pub shell: &'a Shell,
    pub row: DeviceRow,
    pub detector: String,
    pub detector_reason: String,
    pub speech_model: String,
    pub outbox_oldest: String,
    pub uploads: u64,
    pub disk: String,
    pub uptime: String,
    pub active_calls: u32,
    /// `None`: the box taps no calls.
    pub calls: Option<CallTapView>,
    /// Messages of this box that never came, by its own numbering.
    pub missing: i64,
    /// Messages of this box that are in quarantine.
    pub quarantined: i64,
    pub clock_synced: bool,
    pub self_test: SelfTestView,
    pub configuration_version: String,
    pub has_status: bool,
    pub cameras: Vec<CameraView>,
    pub requests: Vec<CommandView>,
    pub may_still: bool,
    pub still_roles: String,
    pub may_configure: bool,
    pub configure_roles: String,
    pub error: Option<String>,
    pub draft: String,
    pub rules_draft: String,
}
